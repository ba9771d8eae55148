//! Moving an alert: from its condition to its next state. Who hears of it is settled when all
//! alerts of the step have moved.

use std::collections::BTreeMap;

use super::alert::{AlertRecord, Signal, Timing, advance};
use super::dispatch::{Change, Moved};
use super::notification::{AlertFacts, AlertKey, Reason, TierFacts};
use super::pending::TierStart;
use super::slo::{Document, InstanceId};
use super::step::Engine;
use super::time::Timestamp;

/// An alert's condition at one slot, ready for the state machine.
pub(super) struct Condition {
    pub(super) signal: Signal,
    pub(super) timing: Timing,
    /// What is known now; its reason is the one to fire with.
    pub(super) facts: AlertFacts,
    /// Since when the tiers that burn have done so; `None` as long as only a record of an earlier
    /// version says so, in its own way.
    pub(super) tier_starts: Option<Vec<TierStart>>,
    /// Where the costs begin, should the alert begin now.
    pub(super) costs_from: Timestamp,
}

impl Engine {
    /// Ends every alert of an instance.
    pub(super) fn end_instance(&mut self, id: &InstanceId, reason: Reason, now: Timestamp) {
        let keys = self.alerts.keys().filter(|key| key.instance() == Some(id));
        for key in keys.cloned().collect::<Vec<_>>() {
            self.end(&key, reason.clone(), now);
        }
    }

    /// Ends an alert without asking its condition.
    pub(super) fn end(&mut self, key: &AlertKey, reason: Reason, now: Timestamp) {
        if let Some(record) = self.alerts.remove(key) {
            self.moved.push(Moved::Off(Box::new(record), reason, now));
        }
    }

    /// Moves an alert by its condition.
    pub(super) fn advance(&mut self, condition: Condition, now: Timestamp) {
        let Condition {
            signal,
            timing,
            facts,
            tier_starts,
            costs_from,
        } = condition;
        let key = facts.key.clone();
        let before = self.alerts.remove(&key);
        let state = advance(
            before.as_ref().map(|record| record.state),
            &signal,
            now,
            timing,
        );
        let Some(state) = state else {
            if let (Some(mut record), Signal::Down(reason)) = (before, signal) {
                record.facts.sla = facts.sla.or(record.facts.sla);
                record.facts.budget = facts.budget.or(record.facts.budget);
                self.moved.push(Moved::Off(Box::new(record), reason, now));
            }
            return;
        };
        let mut record = match &before {
            Some(record) => AlertRecord {
                state,
                ..record.clone()
            },
            None => AlertRecord {
                key: key.clone(),
                state,
                facts: AlertFacts {
                    started_at: now,
                    ..facts.clone()
                },
                burning: Vec::new(),
                tier_starts: None,
                costs_from,
                told: BTreeMap::new(),
                mutes: Vec::new(),
                announced_at: None,
            },
        };
        record.tier_starts = tier_starts;
        let news = signal == Signal::Up && learn(&mut record, facts);
        let change = Change {
            at: now,
            before,
            news,
        };
        self.moved.push(Moved::On(key.clone(), Box::new(change)));
        self.alerts.insert(key, record);
    }
}

/// Brings a record up to date with a slot at which its condition holds; says whether that is news
/// to somebody who already knows of the alert.
fn learn(record: &mut AlertRecord, facts: AlertFacts) -> bool {
    let old = &record.facts;
    let more_tiers = facts
        .tiers
        .iter()
        .any(|tier| !old.tiers.iter().any(|t| same_tier(t, tier)));
    let louder = reason_rank(&facts.reason) > reason_rank(&old.reason);
    record.burning = facts
        .tiers
        .iter()
        .map(|tier| (tier.long, tier.short))
        .collect();
    let mut tiers = facts.tiers.clone();
    tiers.extend(
        old.tiers
            .iter()
            .filter(|t| !facts.tiers.iter().any(|n| same_tier(n, t)))
            .cloned(),
    );
    tiers.sort_by(|a, b| b.factor.total_cmp(&a.factor));
    let reason = match (&old.reason, louder) {
        (_, true) => facts.reason,
        (Reason::NoData { .. } | Reason::SourceFailed { .. }, _) => facts.reason,
        (Reason::Burning | Reason::Unmuted, _)
            if more_tiers && record.is_firing() && record.is_announced() =>
        {
            Reason::MoreTiers
        }
        (reason, _) => reason.clone(),
    };
    record.facts = AlertFacts {
        severity: old.severity,
        started_at: old.started_at,
        peak_burn: old.peak_burn.max(facts.peak_burn),
        tiers,
        reason,
        acknowledged: old.acknowledged.clone(),
        ..facts
    };
    more_tiers || louder
}

fn same_tier(a: &TierFacts, b: &TierFacts) -> bool {
    let same_fraction = a.budget_fraction.total_cmp(&b.budget_fraction).is_eq();
    (a.long, a.short) == (b.long, b.short) && same_fraction
}

/// Budget reasons only ever rise within an episode.
fn reason_rank(reason: &Reason) -> f64 {
    match reason {
        Reason::BudgetConsumed { threshold } => 1.0 + threshold,
        _ => 0.0,
    }
}

/// Whether a restart would lose something that matters: the burn of each slot does not.
pub(super) fn differs_durably(before: &AlertRecord, after: &AlertRecord) -> bool {
    before.state != after.state
        || before.told != after.told
        || before.announced_at != after.announced_at
        || before.mutes != after.mutes
        || before.facts.acknowledged != after.facts.acknowledged
        || before.facts.dependencies != after.facts.dependencies
        || before.burning != after.burning
        || before.tier_starts != after.tier_starts
        || before.facts.tiers.len() != after.facts.tiers.len()
        || before.facts.alert_name != after.facts.alert_name
        || !has_same_texts(&before.facts.document, &after.facts.document)
        || std::mem::discriminant(&before.facts.reason)
            != std::mem::discriminant(&after.facts.reason)
        || reason_rank(&before.facts.reason) < reason_rank(&after.facts.reason)
}

/// Whether two documents are the same but for the annotations, which may tell the burn of the slot.
fn has_same_texts(before: &Document, after: &Document) -> bool {
    let Document {
        description,
        owner,
        runbook,
        dashboard,
        rationale,
        labels,
        annotations: _,
        alerts,
        depends_on,
        version,
        review_by,
    } = before;
    let addresses = (owner, runbook, dashboard);
    let texts = (description, rationale, version, review_by);
    addresses == (&after.owner, &after.runbook, &after.dashboard)
        && texts
            == (
                &after.description,
                &after.rationale,
                &after.version,
                &after.review_by,
            )
        && (labels, alerts, depends_on) == (&after.labels, &after.alerts, &after.depends_on)
}
