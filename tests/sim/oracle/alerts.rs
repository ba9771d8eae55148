//! Tiers and alerts from first principles: a tier burns when both windows burn faster than its
//! factor on enough events; an alert is pending, fires, is held, and ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use slofuse::engine::{
    AlertKey, AlertRecord, AlertState, Evaluation, Mode, Outcome, Period, Reading, Severity, Slo,
    SloId, Span, Tier, Timestamp, Verdict,
};

/// The long and the short window by which a tier is known: its place may change with the policy.
type Windows = (Span, Span);

/// One alert.
#[derive(Clone, Debug)]
struct Alert {
    since: Timestamp,
    fires: bool,
    /// Since when it is held.
    quiet_since: Option<Timestamp>,
    /// Since when each tier burns without interruption.
    starts: BTreeMap<Windows, Timestamp>,
    /// The tiers that burned when it was last seen to.
    hot: BTreeSet<Windows>,
}

/// The page, ticket and info alerts of all instances.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alerts(BTreeMap<AlertKey, Alert>);

const LOUD: [Severity; 2] = [Severity::Page, Severity::Ticket];

fn key(evaluation: &Evaluation, severity: Severity) -> AlertKey {
    AlertKey::Burn {
        instance: evaluation.id.clone(),
        severity,
    }
}

/// How long the budget's period is. The zones of this world know no summer.
fn length(period: &Period) -> Span {
    match period {
        Period::Rolling(length) => *length,
        Period::Calendar(_) => Span::from_days(7),
        Period::Events(_) => unreachable!("it is as long as its events take"),
    }
}

impl Alerts {
    /// Every verdict follows from its two windows.
    pub(crate) fn judge_tiers(&self, slo: &Slo, evaluation: &Evaluation) {
        let failed = evaluation.outcome == Outcome::Failed;
        if failed || evaluation.tiers.is_empty() {
            return;
        }
        let reading = |window: Span| -> &Reading {
            let mut readings = evaluation.readings.iter();
            readings
                .find(|reading| reading.window == window)
                .expect("a reading of each window")
        };
        assert_eq!(evaluation.tiers.len(), slo.policy.tiers.len());
        for (place, (tier, status)) in slo.policy.tiers.iter().zip(&evaluation.tiers).enumerate() {
            let alert = self.0.get(&key(evaluation, tier.severity));
            let windows = (tier.long, tier.short);
            let hot = alert.is_some_and(|alert| alert.fires && alert.hot.contains(&windows));
            let ease = if hot { slo.policy.recover } else { 1.0 };
            let limit = |window: Span| limit(slo, tier, window) * ease;
            let (long, short) = (reading(tier.long), reading(tier.short));
            let above =
                |reading: &Reading| speed(slo, reading).map(|speed| speed > limit(reading.window));
            // At the limit itself rounding decides.
            let near = |reading: &Reading| {
                let limit = limit(reading.window);
                speed(slo, reading).is_some_and(|speed| (speed - limit).abs() < 1e-9 * limit)
            };
            if near(long) || near(short) {
                continue;
            }
            let enough = long
                .counts
                .is_none_or(|counts| counts.bad >= tier.minimum_events);
            let expect = match (above(long), above(short)) {
                (Some(false), _) | (_, Some(false)) => Verdict::Quiet,
                (None, _) | (_, None) => Verdict::Unknown,
                _ if enough || hot => Verdict::Burning,
                _ => Verdict::TooFewEvents,
            };
            assert_eq!(
                status.verdict,
                expect,
                "tier {place} of {}, hot: {hot}, limit {}: {long:?}, {short:?}",
                evaluation.id,
                limit(tier.long)
            );
        }
    }

    /// What a slot does to the alerts of an instance.
    pub(crate) fn advance(&mut self, slo: &Slo, evaluation: &Evaluation) {
        let info = key(evaluation, Severity::Info);
        let before = self.0.remove(&info);
        if let Some(after) = notice(slo, evaluation, before) {
            self.0.insert(info, after);
        }
        for severity in LOUD {
            let key = key(evaluation, severity);
            let before = self.0.remove(&key);
            if let Some(after) = next(slo, evaluation, severity, before) {
                self.0.insert(key, after);
            }
        }
    }

    /// How many are pending, fire, and are held.
    pub(crate) fn standing(&self) -> [u64; 3] {
        let mut standing = [0; 3];
        for alert in self.0.values() {
            let place = usize::from(alert.fires) + usize::from(alert.quiet_since.is_some());
            standing[place] += 1;
        }
        standing
    }

    /// Alerts of definitions that are gone are gone.
    pub(crate) fn retain_slos(&mut self, slos: &BTreeMap<SloId, Arc<Slo>>) {
        let stays = |key: &AlertKey| key.instance().is_some_and(|id| slos.contains_key(&id.slo));
        self.0.retain(|key, _| stays(key));
    }

    /// These are the pages, tickets and notices there are.
    pub(crate) fn assert_are<'a>(
        &self,
        records: impl Iterator<Item = &'a AlertRecord>,
        when: &str,
    ) {
        let found: BTreeMap<&AlertKey, AlertState> = records
            .filter(|record| matches!(record.key, AlertKey::Burn { .. }))
            .map(|record| (&record.key, record.state))
            .collect();
        let state = |alert: &Alert| match alert.fires {
            false => AlertState::Pending { since: alert.since },
            true => AlertState::Firing {
                since: alert.since,
                quiet_since: alert.quiet_since,
            },
        };
        let expected: BTreeMap<&AlertKey, AlertState> = self
            .0
            .iter()
            .map(|(key, alert)| (key, state(alert)))
            .collect();
        assert_eq!(
            found, expected,
            "the alerts (left) are not what they should be, {when}"
        );
    }
}

/// What a tier is fired by: a burn, or of a number of events the bad ones in this window, which at
/// an even pace are those that the fraction allows in the long one.
fn limit(slo: &Slo, tier: &Tier, window: Span) -> f64 {
    match slo.period {
        Period::Events(last) => {
            let allowed = last.events as f64 * slo.objective.budget_ratio();
            tier.budget_fraction * allowed * (window.as_secs_f64() / tier.long.as_secs_f64())
        }
        _ => {
            let times = length(&slo.period).as_secs_f64() / tier.long.as_secs_f64();
            tier.budget_fraction * times
        }
    }
}

/// What is compared with the limit: a burn, or bad events.
fn speed(slo: &Slo, reading: &Reading) -> Option<f64> {
    match slo.period {
        Period::Events(_) => {
            reading.burn?;
            reading.counts.map(|counts| counts.bad)
        }
        _ => burn(slo, reading),
    }
}

/// The burn of a window: of its own events, unless the mode has it otherwise.
fn burn(slo: &Slo, reading: &Reading) -> Option<f64> {
    let told = reading.burn?;
    let own = reading.counts.filter(|_| slo.policy.mode == Mode::Ratio);
    if let Some(counts) = own.filter(|_| slo.indicator.path() != "composite") {
        let ratio = if counts.total > 0.0 {
            counts.bad / counts.total
        } else {
            0.0
        };
        let burn = ratio / slo.objective.budget_ratio();
        assert!(
            (burn - told).abs() <= 1e-9 * (1.0 + burn),
            "burn of {reading:?}, not {burn}"
        );
    }
    Some(told)
}

/// The notice about the budget: up at the first threshold of it that is consumed, and when it would
/// be gone soon; over when it is clearly neither any more. No tier of these worlds is of its
/// severity, and no calendar period of theirs ends.
fn notice(slo: &Slo, evaluation: &Evaluation, before: Option<Alert>) -> Option<Alert> {
    let policy = &slo.policy.budget;
    let Some(budget) = evaluation.budget.filter(|_| evaluation.is_evidence()) else {
        // What nobody knows changes nothing.
        return before;
    };
    let ease = if before.is_some() {
        slo.policy.recover
    } else {
        1.0
    };
    let lowest = policy
        .thresholds
        .iter()
        .copied()
        .fold(f64::INFINITY, f64::min);
    let soon = match (evaluation.exhausted_in, policy.exhaustion_within) {
        (Some(left), Some(within)) => left <= within.scale(1.0 / ease),
        _ => false,
    };
    let is_up = budget.consumed >= lowest * ease || soon;
    is_up.then(|| {
        before.unwrap_or_else(|| Alert {
            since: evaluation.at,
            fires: true,
            quiet_since: None,
            starts: BTreeMap::new(),
            hot: BTreeSet::new(),
        })
    })
}

fn next(
    slo: &Slo,
    evaluation: &Evaluation,
    severity: Severity,
    before: Option<Alert>,
) -> Option<Alert> {
    let now = evaluation.at;
    let statuses = slo.policy.tiers.iter().zip(&evaluation.tiers);
    let tiers: Vec<(Windows, Span, Verdict)> = statuses
        .filter(|(_, status)| status.severity == severity)
        .map(|(tier, status)| ((tier.long, tier.short), tier.pending, status.verdict))
        .collect();
    let seen = evaluation.is_evidence();
    let mut starts = before
        .as_ref()
        .map_or_else(BTreeMap::new, |alert| alert.starts.clone());
    if !tiers.is_empty() {
        // A tier that the policy has no more burns no more.
        starts.retain(|windows, _| tiers.iter().any(|(known, ..)| known == windows));
    }
    for (windows, _, verdict) in tiers.iter().filter(|_| seen) {
        match verdict {
            Verdict::Burning => drop(starts.entry(*windows).or_insert(now)),
            Verdict::Unknown => {}
            Verdict::Quiet | Verdict::TooFewEvents => drop(starts.remove(windows)),
        }
    }
    let burns = |(_, _, verdict): &&(Windows, Span, Verdict)| *verdict == Verdict::Burning;
    let burning: BTreeSet<Windows> = tiers.iter().filter(burns).map(|(w, ..)| *w).collect();
    let unknown = tiers
        .iter()
        .any(|(.., verdict)| *verdict == Verdict::Unknown);
    if !seen || (burning.is_empty() && unknown) {
        // What nobody saw changes nothing.
        return before.map(|alert| Alert { starts, ..alert });
    }
    if burning.is_empty() {
        let alert = before.filter(|alert| alert.fires)?;
        let quiet_since = alert.quiet_since.unwrap_or(now);
        return (now.since(quiet_since) < slo.policy.hold).then_some(Alert {
            quiet_since: Some(quiet_since),
            starts,
            ..alert
        });
    }
    let mut burning_tiers = tiers.iter().filter(burns);
    let ripe = burning_tiers.any(|(w, pending, _)| now.since(starts[w]) >= *pending);
    let fires = ripe || before.as_ref().is_some_and(|alert| alert.fires);
    Some(Alert {
        since: before.map_or(now, |alert| alert.since),
        fires,
        quiet_since: None,
        starts,
        hot: burning,
    })
}
