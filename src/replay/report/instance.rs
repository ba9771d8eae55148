//! One instance while the past is played: its slots, its alerts and its curve.

use std::sync::Arc;

use super::curve::{Plot, windows};
use super::log::{AlertLog, Closed};
use super::{AlertKind, BudgetFigures, Figures, GAPS_MAX, GapReport, InstanceReport, TierLine};
use crate::engine::{Evaluation, Outcome, Severity, Slo, Span, Timestamp};

/// The stretch that a report is about, and where the playing of it began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) slot: Span,
    /// What fired up to here was up when the stretch began.
    pub(super) start: Timestamp,
}

/// An instance and what has happened to it so far.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) slo: Arc<Slo>,
    pub(super) seen_from: Timestamp,
    pub(super) alerts: AlertLog,
    pub(super) figures: Figures,
    /// Pages by number of the night.
    pub(super) night_pages: Vec<(usize, u64)>,
    budget: BudgetFigures,
    gap: Option<GapReport>,
    gaps: Vec<GapReport>,
    gaps_omitted: u64,
    /// `None` for one that is not listed.
    plot: Option<Plot>,
}

impl Instance {
    pub(super) fn new(slo: Arc<Slo>, at: Timestamp, stretch: &Stretch, listed: bool) -> Self {
        let plot = || Plot::new(stretch.from, stretch.until, stretch.slot, windows(&slo));
        Self {
            seen_from: at.max(stretch.from + stretch.slot),
            alerts: AlertLog::default(),
            figures: Figures::default(),
            night_pages: Vec::new(),
            budget: BudgetFigures::default(),
            gap: None,
            gaps: Vec::new(),
            gaps_omitted: 0,
            plot: listed.then(plot),
            slo,
        }
    }

    /// Whether a report lists it; the others are only counted.
    pub(super) const fn is_listed(&self) -> bool {
        self.plot.is_some()
    }

    /// Takes a slot of the stretch, after its alerts have moved.
    pub(super) fn take(&mut self, evaluation: &Evaluation, slot: Span) {
        let figures = &mut self.figures;
        let count = match evaluation.outcome {
            Outcome::Burning => &mut figures.slots.burning,
            Outcome::Quiet => &mut figures.slots.quiet,
            Outcome::NoTraffic => &mut figures.slots.no_traffic,
            Outcome::NoData => &mut figures.slots.no_data,
            Outcome::Failed => &mut figures.slots.failed,
        };
        *count += 1;
        let is_evidence = evaluation.outcome.is_evidence();
        let shortest = evaluation.readings.first().and_then(|reading| reading.burn);
        let alerted = self.alerts.is_up(Severity::Page) || self.alerts.is_up(Severity::Ticket);
        if evaluation.outcome == Outcome::Burning {
            figures.burning = figures.burning + slot;
            if !alerted {
                figures.burning_unalerted = figures.burning_unalerted + slot;
            }
        }
        if is_evidence && shortest.is_some_and(|burn| burn > 1.0) {
            figures.over_objective = figures.over_objective + slot;
            if !alerted {
                figures.over_objective_unalerted = figures.over_objective_unalerted + slot;
            }
        }
        self.take_budget(evaluation, slot);
        self.take_gap(evaluation, slot);
        if let Some(plot) = &mut self.plot {
            let remaining = evaluation.budget.map(|budget| budget.remaining);
            plot.take(evaluation.at, remaining, |window| {
                let mut readings = evaluation.readings.iter();
                readings.find(|reading| reading.window == window)?.burn
            });
        }
    }

    fn take_budget(&mut self, evaluation: &Evaluation, slot: Span) {
        let Some(budget) = evaluation.budget else {
            return;
        };
        let (of, remaining) = (&mut self.budget, budget.remaining);
        of.first.get_or_insert(remaining);
        of.last = Some(remaining);
        if of.lowest.is_none_or(|lowest| remaining < lowest) {
            of.lowest = Some(remaining);
            of.lowest_at = Some(evaluation.at);
        }
        if remaining <= 0.0 {
            of.exhausted_at.get_or_insert(evaluation.at);
            of.exhausted = of.exhausted + slot;
        }
    }

    fn take_gap(&mut self, evaluation: &Evaluation, slot: Span) {
        let (at, outcome) = (evaluation.at, evaluation.outcome);
        match &mut self.gap {
            Some(gap) if gap.outcome == outcome && gap.until + slot == at => {
                gap.until = at;
                return;
            }
            _ => self.end_gap(),
        }
        if !outcome.is_evidence() {
            self.gap = Some(GapReport {
                from: at - slot,
                until: at,
                outcome,
                why: evaluation.detail.clone().unwrap_or_default(),
            });
        }
    }

    fn end_gap(&mut self) {
        match self.gap.take() {
            Some(gap) if self.gaps.len() < GAPS_MAX => self.gaps.push(gap),
            Some(_) => self.gaps_omitted += 1,
            None => {}
        }
    }

    /// Counts an alert that is over, or that is up at the end.
    pub(super) fn count(&mut self, closed: &Closed) {
        count(&mut self.figures, closed);
    }

    /// Ends the stretch.
    pub(super) fn finish(&mut self, stretch: &Stretch) {
        self.end_gap();
        for closed in self.alerts.finish(stretch.from, stretch.until) {
            self.figures.open_at_end += 1;
            count(&mut self.figures, &closed);
        }
    }

    /// As a report has it; `None` for one that is not listed.
    pub(super) fn into_report(self) -> Option<InstanceReport> {
        let (slo, curve) = (self.slo, self.plot?.finish());
        let (alerts, alerts_omitted) = self.alerts.into_list();
        Some(InstanceReport {
            objective_percent: slo.objective.percent(),
            policy: slo.policy.name.clone(),
            tiers: tiers(&slo),
            seen_from: self.seen_from,
            figures: self.figures,
            budget: self.budget,
            alerts,
            alerts_omitted,
            gaps: self.gaps,
            gaps_omitted: self.gaps_omitted,
            curve,
        })
    }
}

/// What an alert adds to figures when it is over.
pub(super) fn count(figures: &mut Figures, closed: &Closed) {
    figures.open_at_start += u64::from(closed.open_at_start);
    if closed.kind != AlertKind::Burn {
        return;
    }
    match closed.severity {
        Severity::Page => {
            figures.page_time = figures.page_time + closed.duration;
            if !closed.told && !closed.open_at_start {
                figures.pages_untold += 1;
            }
        }
        Severity::Ticket => figures.ticket_time = figures.ticket_time + closed.duration,
        Severity::Info => {}
    }
}

fn tiers(slo: &Slo) -> Vec<TierLine> {
    let period = slo.period.nominal();
    let tiers = slo.policy.tiers.iter();
    tiers
        .map(|tier| TierLine {
            severity: tier.severity,
            long: tier.long,
            short: tier.short,
            factor: tier.factor(period),
            budget_fraction: tier.budget_fraction,
            minimum_events: tier.minimum_events,
        })
        .collect()
}
