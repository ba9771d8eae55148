//! Pending: since when each tier of an alert has burned without interruption.
//!
//! An alert fires as soon as some tier has burned for as long as that tier asks. What nobody saw
//! does not interrupt: a tier that cannot be judged keeps its start.

use serde::{Deserialize, Serialize};

use super::alert::AlertRecord;
use super::burn::Verdict;
use super::evaluation::{Evaluation, TierStatus};
use super::policy::{Policy, Severity, Tier};
use super::time::{Span, Timestamp};

/// The first slot of a tier's present burn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TierStart {
    /// Long window of the tier.
    pub long: Span,
    /// Short window of the tier.
    pub short: Span,
    /// Fraction (0..1) of the budget that fires the tier: what tells tiers of the same windows
    /// apart, whatever the length of the period.
    pub budget_fraction: f64,
    /// Its first burning slot.
    pub since: Timestamp,
}

impl TierStart {
    fn is_of(&self, long: Span, short: Span, budget_fraction: f64) -> bool {
        (self.long, self.short) == (long, short)
            && self.budget_fraction.total_cmp(&budget_fraction).is_eq()
    }
}

/// The starts after a slot, from those before it. Of a slot without tiers nothing follows.
pub(super) fn starts(
    before: Option<&AlertRecord>,
    evaluation: &Evaluation,
    severity: Severity,
    now: Timestamp,
) -> Option<Vec<TierStart>> {
    if evaluation.tiers.is_empty() {
        return before.map_or(Some(Vec::new()), |record| record.tier_starts.clone());
    }
    let known = |tier: &TierStatus| before.and_then(|record| start_of(record, tier));
    let start = |tier: &TierStatus| {
        let since = match tier.verdict {
            _ if !evaluation.is_evidence() => known(tier),
            Verdict::Burning => Some(known(tier).unwrap_or(now)),
            Verdict::Unknown => known(tier),
            Verdict::Quiet | Verdict::TooFewEvents => None,
        };
        since.map(|since| TierStart {
            long: tier.facts.long,
            short: tier.facts.short,
            budget_fraction: tier.facts.budget_fraction,
            since,
        })
    };
    let of_severity = evaluation.tiers.iter().filter(|t| t.severity == severity);
    Some(of_severity.filter_map(start).collect())
}

/// Whether some burning tier has burned for as long as it asks.
pub(super) fn is_ripe(
    policy: &Policy,
    evaluation: &Evaluation,
    severity: Severity,
    starts: &[TierStart],
    now: Timestamp,
) -> bool {
    let ripe = |(tier, status): (&Tier, &TierStatus)| {
        let of_tier = |s: &&TierStart| s.is_of(tier.long, tier.short, tier.budget_fraction);
        let mut of_tier = starts.iter().filter(of_tier);
        tier.severity == severity
            && status.verdict == Verdict::Burning
            && of_tier.any(|start| now.since(start.since) >= tier.pending)
    };
    policy.tiers.iter().zip(&evaluation.tiers).any(ripe)
}

/// A record of an earlier version only knows since when any tier burned.
fn start_of(record: &AlertRecord, tier: &TierStatus) -> Option<Timestamp> {
    let (long, short) = (tier.facts.long, tier.facts.short);
    match &record.tier_starts {
        Some(starts) => {
            let of_tier = |s: &&TierStart| s.is_of(long, short, tier.facts.budget_fraction);
            let start = starts.iter().find(of_tier);
            start.map(|start| start.since)
        }
        None => record
            .burning
            .contains(&(long, short))
            .then(|| record.state.since()),
    }
}
