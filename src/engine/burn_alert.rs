//! The page, ticket and info alerts of an instance: whether its budget burns or runs out.

use super::alert::{AlertRecord, Signal, Timing};
use super::alert_text::{self, Subject};
use super::evaluation::{Evaluation, Outcome};
use super::labels::Labels;
use super::notification::{AlertFacts, AlertKey, Reason};
use super::pending;
use super::period::Period;
use super::policy::{BudgetPolicy, Severity, Tier};
use super::slo::Slo;
use super::step::Engine;
use super::time::{Span, Timestamp};
use super::transition::Condition;

impl Engine {
    /// Moves the page, ticket or info alert of an instance.
    pub(super) fn move_burn_alert(
        &mut self,
        slo: &Slo,
        evaluation: &Evaluation,
        severity: Severity,
        now: Timestamp,
    ) {
        let key = AlertKey::Burn {
            instance: evaluation.id.clone(),
            severity,
        };
        let open = self.alerts.get(&key);
        let (signal, reason) = match severity {
            Severity::Page | Severity::Ticket => burn_signal(evaluation, severity),
            Severity::Info => info_signal(slo, evaluation, open),
        };
        if open.is_none() && signal != Signal::Up {
            return;
        }
        let tiers = evaluation.burning(severity);
        let longest = tiers
            .iter()
            .map(|tier| tier.long)
            .max()
            .unwrap_or(Span::ZERO);
        let fastest = fastest(slo, evaluation, severity);
        let labels = evaluation.id.labels.clone();
        let mut facts = facts_of(slo, labels, key.clone(), severity, fastest, reason, now);
        facts.peak_burn = tiers.iter().map(|tier| tier.long_burn).fold(0.0, f64::max);
        facts.tiers = tiers;
        facts.budget = evaluation.budget;
        facts.sla = evaluation.sla;
        facts.dependencies = self.burning_dependencies(&slo.id);
        let tier_starts = pending::starts(self.alerts.get(&key), evaluation, severity, now);
        let starts = tier_starts.as_deref().unwrap_or_default();
        let timing = match severity {
            Severity::Info if facts.reason != Reason::Burning => Timing::AT_ONCE,
            _ => Timing {
                ripe: pending::is_ripe(&slo.policy, evaluation, severity, starts, now),
                hold: slo.policy.hold,
            },
        };
        let costs_from = now - longest;
        self.advance(
            Condition {
                signal,
                timing,
                facts,
                tier_starts,
                costs_from,
            },
            now,
        );
    }
}

/// Whether the tiers of a severity burn.
fn burn_signal(evaluation: &Evaluation, severity: Severity) -> (Signal, Reason) {
    let signal = if !evaluation.is_evidence() {
        Signal::Unknown
    } else if !evaluation.burning(severity).is_empty() {
        Signal::Up
    } else if evaluation.is_undecided(severity) {
        Signal::Unknown
    } else if evaluation.outcome == Outcome::NoTraffic {
        Signal::Down(Reason::NoTraffic)
    } else {
        Signal::Down(Reason::Recovered)
    };
    (signal, Reason::Burning)
}

/// Whether the budget asks for a notice, or a tier of this severity burns.
fn info_signal(slo: &Slo, evaluation: &Evaluation, open: Option<&AlertRecord>) -> (Signal, Reason) {
    let budget = budget_signal(slo, evaluation, open);
    let mut tiers = slo.policy.tiers.iter();
    if !tiers.any(|tier| tier.severity == Severity::Info) {
        return budget;
    }
    let burn = burn_signal(evaluation, Severity::Info);
    match (&budget.0, &burn.0) {
        (Signal::Up, _) => budget,
        (_, Signal::Up) => burn,
        // Without a budget policy there is nothing to wait for.
        _ if slo.policy.budget == BudgetPolicy::default() => burn,
        (Signal::Unknown, _) => budget,
        _ => burn,
    }
}

/// Whether so much of the budget is gone, or going, that somebody should know.
fn budget_signal(
    slo: &Slo,
    evaluation: &Evaluation,
    open: Option<&AlertRecord>,
) -> (Signal, Reason) {
    let policy = &slo.policy.budget;
    let seen = evaluation.is_evidence();
    if seen && open.is_some_and(|record| began_anew(&slo.period, record, evaluation.at)) {
        return (Signal::Down(Reason::PeriodEnded), Reason::PeriodEnded);
    }
    let (true, Some(budget)) = (seen, evaluation.budget) else {
        return (Signal::Unknown, Reason::Burning);
    };
    let ease = if open.is_some() {
        slo.policy.recover
    } else {
        1.0
    };
    let crossed = policy.thresholds.iter().filter(|t| budget.consumed >= **t);
    let crossed = crossed.copied().fold(None, |max: Option<f64>, t| {
        Some(max.map_or(t, |m| m.max(t)))
    });
    if let Some(threshold) = crossed {
        return (Signal::Up, Reason::BudgetConsumed { threshold });
    }
    let ahead = policy
        .exhaustion_within
        .map(|within| within.scale(1.0 / ease.max(f64::EPSILON)));
    if let (Some(left), Some(ahead)) = (evaluation.exhausted_in, ahead)
        && left <= ahead
    {
        return (Signal::Up, Reason::ExhaustionAhead { within: left });
    }
    let lowest = policy
        .thresholds
        .iter()
        .copied()
        .fold(f64::INFINITY, f64::min);
    match open {
        Some(record)
            if budget.consumed >= lowest * ease && record.facts.reason != Reason::Burning =>
        {
            (Signal::Up, record.facts.reason.clone())
        }
        _ => (Signal::Down(Reason::Recovered), Reason::Recovered),
    }
}

/// Whether the alert is about the budget of a calendar period that is over: what is to be said of
/// the new one is another alert.
fn began_anew(period: &Period, record: &AlertRecord, now: Timestamp) -> bool {
    match period {
        Period::Calendar(calendar) => record.facts.started_at < calendar.around(now).0,
        Period::Rolling(_) | Period::Events(_) => false,
    }
}

/// The burning tier of a severity with the highest factor, and its long burn rate.
fn fastest<'a>(
    slo: &'a Slo,
    evaluation: &Evaluation,
    severity: Severity,
) -> Option<(&'a Tier, f64)> {
    let fastest = evaluation.burning(severity).into_iter().next()?;
    let is_it = |tier: &&Tier| {
        tier.severity == severity
            && (tier.long, tier.short) == (fastest.long, fastest.short)
            && tier
                .budget_fraction
                .total_cmp(&fastest.budget_fraction)
                .is_eq()
    };
    let tier = slo.policy.tiers.iter().find(is_it)?;
    Some((tier, fastest.long_burn))
}

/// What is known of an alert about an instance, before tiers and budget.
pub(super) fn facts_of(
    slo: &Slo,
    labels: Labels,
    key: AlertKey,
    severity: Severity,
    fastest: Option<(&Tier, f64)>,
    reason: Reason,
    now: Timestamp,
) -> AlertFacts {
    let subject = Subject {
        key: &key,
        severity,
        labels: &labels,
        fastest,
    };
    let (alert_name, document) = alert_text::document(slo, &subject);
    AlertFacts {
        key,
        severity,
        service: slo.service.clone(),
        slo: slo.name.clone(),
        labels,
        objective_percent: Some(slo.objective.percent()),
        period: Some(slo.period.clone()),
        reason,
        started_at: now,
        decided_at: now,
        resolved_at: None,
        tiers: Vec::new(),
        peak_burn: 0.0,
        budget: None,
        sla: None,
        alert_name,
        document,
        affected: 1,
        dependencies: Vec::new(),
        acknowledged: None,
        curve: None,
    }
}
