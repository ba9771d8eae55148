//! The alerts of one instance (or of the source) while they happen, as a report tells them.

use std::collections::BTreeMap;

use super::{ALERTS_MAX, AlertKind, AlertReport, AlertTier, MUTES_MAX, MuteReport};
use crate::engine::{AlertFacts, AlertKey, Mute, Severity, Span, Timestamp, Transition};

/// An alert that fires so soon after the end of the one before it is a flap.
pub(super) const FLAP_WITHIN: Span = Span::from_hours(1);

/// Alerts, open and closed. Of the closed ones so many are kept as a report lists.
#[derive(Debug, Default)]
pub(super) struct AlertLog {
    open: BTreeMap<AlertKey, Open>,
    last_ends: BTreeMap<AlertKey, Timestamp>,
    closed: Vec<AlertReport>,
    omitted: u64,
}

/// One that is up.
#[derive(Debug)]
struct Open {
    report: AlertReport,
    told: bool,
}

/// One that is over.
pub(super) struct Closed {
    pub(super) kind: AlertKind,
    pub(super) severity: Severity,
    pub(super) duration: Span,
    /// Whether somebody was told of it.
    pub(super) told: bool,
    pub(super) open_at_start: bool,
}

impl AlertLog {
    /// An alert fires; says whether it is a flap.
    pub(super) fn fire(
        &mut self,
        transition: &Transition,
        open_at_start: bool,
        night: bool,
    ) -> bool {
        let (facts, at) = (&transition.facts, transition.at);
        let ended = self.last_ends.get(&facts.key);
        let is_flap = ended.is_some_and(|ended| at.since(*ended) <= FLAP_WITHIN);
        let mut report = AlertReport {
            key: facts.key.to_string(),
            kind: kind(&facts.key),
            severity: facts.severity,
            reason: facts.reason.to_string(),
            burning_from: facts.started_at,
            fired_at: at,
            ended_at: None,
            duration: Span::ZERO,
            end_reason: None,
            open_at_start,
            at_night: night,
            is_flap,
            tiers: Vec::new(),
            peak_burn: None,
            budget_before: facts.budget.map(|budget| budget.remaining),
            budget_consumed: None,
            budget_after: None,
            mutes: Vec::new(),
            mutes_omitted: 0,
            messages: Vec::new(),
            messages_omitted: 0,
        };
        learn(&mut report, facts);
        let told = false;
        self.open.insert(facts.key.clone(), Open { report, told });
        is_flap
    }

    /// An alert ends; `None` if it never fired, or ended before the stretch began at `from`.
    pub(super) fn end(&mut self, transition: &Transition, from: Timestamp) -> Option<Closed> {
        let (facts, at) = (&transition.facts, transition.at);
        let mut open = self.open.remove(&facts.key)?;
        self.last_ends.insert(facts.key.clone(), at);
        if at <= from {
            return None;
        }
        learn(&mut open.report, facts);
        open.report.ended_at = Some(at);
        open.report.end_reason = Some(facts.reason.to_string());
        Some(self.close(open, from, at))
    }

    fn close(&mut self, mut open: Open, from: Timestamp, until: Timestamp) -> Closed {
        let report = &mut open.report;
        report.duration = until.since(report.fired_at.max(from));
        let closed = Closed {
            kind: report.kind,
            severity: report.severity,
            duration: report.duration,
            told: open.told,
            open_at_start: report.open_at_start,
        };
        self.closed.push(open.report);
        closed
    }

    /// Leaves out what was closed last, as long as there is more than a report lists.
    pub(super) fn trim(&mut self, room: usize) {
        while self.closed.len() > room.min(ALERTS_MAX) {
            self.closed.pop();
            self.omitted += 1;
        }
    }

    /// What is known of an alert that is up.
    pub(super) fn learn(&mut self, facts: &AlertFacts) {
        if let Some(open) = self.open.get_mut(&facts.key) {
            learn(&mut open.report, facts);
        }
    }

    /// Somebody has been told of the alert.
    pub(super) fn announce(&mut self, key: &AlertKey) {
        if let Some(open) = self.open.get_mut(key) {
            open.told = true;
        }
    }

    /// From now on nobody is told of the alert for these reasons; none is an end of it.
    pub(super) fn mute(&mut self, key: &AlertKey, at: Timestamp, mutes: &[Mute]) {
        let Some(Open { report, .. }) = self.open.get_mut(key) else {
            return;
        };
        if let Some(last) = report.mutes.last_mut().filter(|last| last.until.is_none()) {
            last.until = Some(at);
        }
        if mutes.is_empty() {
            return;
        }
        if report.mutes.len() >= MUTES_MAX {
            report.mutes_omitted += 1;
            return;
        }
        let mut kinds: Vec<String> = mutes.iter().map(|mute| mute.as_str().to_owned()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        report.mutes.push(MuteReport {
            from: at,
            until: None,
            kinds,
            why: mutes.iter().map(ToString::to_string).collect(),
        });
    }

    /// The report of an alert: the one that is up, or the last that is over, if it began then.
    pub(super) fn find(&mut self, key: &AlertKey, began: Timestamp) -> Option<&mut AlertReport> {
        let name = key.to_string();
        let is_it = |report: &&mut AlertReport| report.burning_from == began && report.key == name;
        let open = self.open.get_mut(key).map(|open| &mut open.report);
        let closed = self.closed.iter_mut().rev();
        open.into_iter().chain(closed).find(is_it)
    }

    /// Whether a burn alert of this severity is up.
    pub(super) fn is_up(&self, severity: Severity) -> bool {
        let is_it =
            |key: &AlertKey| matches!(key, AlertKey::Burn { severity: s, .. } if *s == severity);
        self.open.keys().any(is_it)
    }

    /// Closes what is still up at the end of the stretch, and tells what was.
    pub(super) fn finish(&mut self, from: Timestamp, until: Timestamp) -> Vec<Closed> {
        let open = std::mem::take(&mut self.open).into_values();
        open.collect::<Vec<_>>()
            .into_iter()
            .map(|open| self.close(open, from, until))
            .collect()
    }

    /// The alerts, oldest first, and how many were left out.
    pub(super) fn into_list(self) -> (Vec<AlertReport>, u64) {
        let mut alerts = self.closed;
        alerts.sort_by(|a, b| {
            (a.fired_at, a.severity, &a.key).cmp(&(b.fired_at, b.severity, &b.key))
        });
        (alerts, self.omitted)
    }

    /// How many alerts are kept.
    pub(super) fn len(&self) -> usize {
        self.closed.len()
    }
}

pub(super) const fn kind(key: &AlertKey) -> AlertKind {
    match key {
        AlertKey::Burn { .. } => AlertKind::Burn,
        AlertKey::Blind { .. } => AlertKind::Blind,
        AlertKey::SourceDown { .. } => AlertKind::SourceDown,
    }
}

/// The newest facts take the place of the older ones.
fn learn(report: &mut AlertReport, facts: &AlertFacts) {
    if !facts.tiers.is_empty() {
        report.peak_burn = Some(facts.peak_burn);
        let tiers = facts.tiers.iter().map(|tier| AlertTier {
            long: tier.long,
            short: tier.short,
            factor: tier.factor,
            long_burn: tier.long_burn,
            short_burn: tier.short_burn,
        });
        report.tiers = tiers.collect();
        report.budget_consumed = facts.budget.map(|budget| budget.consumed_by_alert);
    }
    if let Some(budget) = facts.budget {
        report.budget_after = Some(budget.remaining);
    }
}
