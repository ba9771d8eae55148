//! A tier: its two windows, what it says of them, and what would have to change.

use serde::Serialize;

use crate::engine::{
    AlertKey, AlertRecord, Evaluation, Indicator, Reading, Scales, Severity, Span, TierStatus,
    Verdict,
};

use super::form::{Length, Moment};
use super::{Present, words};

/// A tier at one slot.
#[derive(Clone, Debug, Serialize)]
pub struct TierStory {
    /// Whom it reaches.
    pub severity: Severity,
    /// `1h/5m`.
    pub tier: String,
    /// What it says.
    pub verdict: Verdict,
    /// Burn rate above which it begins to burn.
    pub factor: f64,
    /// Burn rate above which it burns at its next slot: less than the factor while it fires.
    pub threshold: f64,
    /// It fires only with so many bad events in its long window.
    pub minimum_events: f64,
    /// How long it must burn before its alert fires.
    pub pending: Length,
    /// The window that says the burn matters.
    pub long: WindowStory,
    /// The window that says it is still going on.
    pub short: WindowStory,
    /// Larger of the two burns that both windows reach, over the threshold: at 1 it fires.
    pub closeness: f64,
    /// The least number of the newest events that, bad instead of good, fire it.
    pub bad_to_fire: Option<u64>,
    /// So long a complete outage takes, at the present traffic, to fire it.
    pub outage_to_fire: Option<Length>,
    /// The least number of good events that end its burning.
    pub good_to_end: Option<u64>,
    /// So long without failures, if those that were lie evenly, end its burning.
    pub quiet_to_end: Option<Length>,
    /// In words.
    pub says: Vec<String>,
}

/// A window of a tier.
#[derive(Clone, Debug, Serialize)]
pub struct WindowStory {
    /// Its length.
    pub window: Length,
    /// Its bad events, where counts are known.
    pub bad: Option<f64>,
    /// All its events.
    pub total: Option<f64>,
    /// Share (0..1) of bad events.
    pub error_ratio: Option<f64>,
    /// Its burn rate; `None` while it is not covered.
    pub burn: Option<f64>,
    /// With so many bad events it burns fast enough, where that can be.
    pub bad_needed: Option<u64>,
    /// For how much of it history is known, while that is not all.
    pub known: Option<Length>,
    /// When all of it will be known.
    pub known_at: Option<Moment>,
}

/// Every tier that the policy and the evaluation both know.
pub(super) fn stories(present: &Present<'_>, evaluation: &Evaluation) -> Vec<TierStory> {
    let story = |status: &TierStatus| {
        let key = AlertKey::Burn {
            instance: present.id.clone(),
            severity: status.severity,
        };
        let mut alerts = present.alerts.iter().copied();
        let alert: Option<&AlertRecord> = alerts.find(|alert| alert.key == key);
        let scales = Scales::new(present.slo, evaluation, status, alert)?;
        let is_up = alert.is_some_and(AlertRecord::is_firing);
        Some(of(present, evaluation, status, &scales, is_up))
    };
    evaluation.tiers.iter().filter_map(story).collect()
}

/// How near a tier is to its factor: at 1 it fires.
pub(super) fn closeness(status: &TierStatus) -> f64 {
    let slower = status.facts.long_burn.min(status.facts.short_burn);
    match status.facts.factor > 0.0 {
        true => slower / status.facts.factor,
        false => 0.0,
    }
}

fn of(
    present: &Present<'_>,
    evaluation: &Evaluation,
    status: &TierStatus,
    scales: &Scales<'_>,
    is_up: bool,
) -> TierStory {
    let window = |reading: &Reading| window(present, evaluation, scales, reading);
    let seen = evaluation.is_evidence();
    let bad_to_fire = match status.verdict {
        Verdict::Burning => None,
        _ if !seen => None,
        Verdict::Quiet | Verdict::TooFewEvents | Verdict::Unknown => scales.bad_to_fire(),
    };
    let story = TierStory {
        severity: status.severity,
        tier: scales.tier.windows(),
        verdict: status.verdict,
        factor: scales.factor,
        threshold: scales.threshold(),
        minimum_events: scales.tier.minimum_events,
        pending: Length(scales.tier.pending),
        long: window(&scales.long),
        short: window(&scales.short),
        closeness: closeness(status) / scales.recovering.max(f64::EPSILON),
        bad_to_fire,
        outage_to_fire: bad_to_fire
            .and_then(|bad| scales.outage_of(bad))
            .map(Length),
        good_to_end: scales.good_to_end().filter(|_| seen),
        quiet_to_end: scales.quiet_after().filter(|_| seen).map(Length),
        says: Vec::new(),
    };
    TierStory {
        says: words::tier(present.slo, scales, &story, (seen, is_up)),
        ..story
    }
}

fn window(
    present: &Present<'_>,
    evaluation: &Evaluation,
    scales: &Scales<'_>,
    reading: &Reading,
) -> WindowStory {
    // The events of a composite are those of all its parts; its ratio is not theirs.
    let composite = matches!(present.slo.indicator, Indicator::Composite(_));
    let counts = reading.counts.filter(|_| !composite);
    let error_ratio = match counts {
        Some(counts) => counts.error_ratio(),
        None => reading
            .burn
            .map(|burn| burn * present.slo.objective.budget_ratio()),
    };
    let missing = evaluation.covered_from.filter(|_| reading.burn.is_none());
    let known: Option<Span> = missing.map(|from| evaluation.at.since(from));
    WindowStory {
        window: Length(reading.window),
        bad: counts.map(|counts| counts.bad),
        total: counts.map(|counts| counts.total),
        error_ratio,
        burn: reading.burn,
        bad_needed: needed(scales, reading),
        known: known.map(Length),
        known_at: missing.map(|from| Moment(from + reading.window)),
    }
}

/// With how many bad events a window burns fast enough; the long one also needs the least number
/// that fires at all, unless the tier fires.
fn needed(scales: &Scales<'_>, reading: &Reading) -> Option<u64> {
    let needed = scales.bad_needed(reading)?;
    let is_long = reading.window == scales.long.window;
    let least = match is_long && scales.recovering >= 1.0 {
        true => scales.tier.minimum_events.max(0.0).ceil() as u64,
        false => 0,
    };
    let total = reading.counts.map_or(0.0, |counts| counts.total);
    Some(needed.max(least)).filter(|needed| *needed as f64 <= total.ceil())
}
