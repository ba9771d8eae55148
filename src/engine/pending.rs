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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierStart {
    /// Long window of the tier.
    pub long: Span,
    /// Short window of the tier.
    pub short: Span,
    /// Its first burning slot.
    pub since: Timestamp,
}

/// The starts after a slot, from those before it.
pub(super) fn starts(
    before: Option<&AlertRecord>,
    evaluation: &Evaluation,
    severity: Severity,
    now: Timestamp,
) -> Vec<TierStart> {
    if evaluation.tiers.is_empty() {
        let kept = before.and_then(|record| record.tier_starts.clone());
        return kept.unwrap_or_default();
    }
    let known = |tier: &TierStatus| before.and_then(|record| start_of(record, tier));
    let start = |tier: &TierStatus| {
        let since = match tier.verdict {
            _ if !evaluation.is_evidence() => known(tier),
            Verdict::Burning => Some(known(tier).unwrap_or(now)),
            Verdict::Unknown => known(tier),
            Verdict::Quiet | Verdict::TooFewEvents => None,
        };
        let (long, short) = (tier.facts.long, tier.facts.short);
        since.map(|since| TierStart { long, short, since })
    };
    let of_severity = evaluation.tiers.iter().filter(|t| t.severity == severity);
    of_severity.filter_map(start).collect()
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
        let windows = (tier.long, tier.short);
        let mut of_tier = starts.iter().filter(|s| (s.long, s.short) == windows);
        tier.severity == severity
            && status.verdict == Verdict::Burning
            && of_tier.any(|start| now.since(start.since) >= tier.pending)
    };
    policy.tiers.iter().zip(&evaluation.tiers).any(ripe)
}

/// A record of an earlier version only knows since when any tier burned.
fn start_of(record: &AlertRecord, tier: &TierStatus) -> Option<Timestamp> {
    let windows = (tier.facts.long, tier.facts.short);
    match &record.tier_starts {
        Some(starts) => {
            let start = starts.iter().find(|s| (s.long, s.short) == windows);
            start.map(|start| start.since)
        }
        None => record
            .burning
            .contains(&windows)
            .then(|| record.state.since()),
    }
}
