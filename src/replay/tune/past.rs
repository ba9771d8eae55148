//! What the past was like: traffic, errors, incidents, holes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::engine::{
    Counts, Effect, Engine, Mode, Policy, Reach, Severity, Slo, SloId, Span, Tier, Timestamp,
};
use crate::replay::Watcher;

const HOUR: Span = Span::from_hours(1);
pub(super) const WEEK: Span = Span::from_days(7);
const SHORT: Span = Span::from_mins(5);
/// An incident is a stretch in which errors over five minutes burned so fast ...
const INCIDENT_BURN: f64 = 10.0;
/// ... or, where that is more than can fail, were such a share, ...
const INCIDENT_RATIO_MAX: f64 = 0.5;
/// ... with at least so many of them.
const INCIDENT_EVENTS: f64 = 5.0;
/// Stretches less far apart are one incident.
const INCIDENT_GAP: Span = Span::from_mins(30);
/// Hours that are kept: a little more than a year.
const HOURS_MAX: usize = 10_000;

/// What the past says, all instances together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Past {
    /// Its length in weeks of 168 hours.
    pub weeks: f64,
    /// Events an hour, of the hours that had any: the tenth, half and nine tenths of hours had
    /// fewer.
    pub events_per_hour: [f64; 3],
    /// Bad events a week.
    pub bad_per_week: f64,
    /// Events a week.
    pub events_per_week: f64,
    /// Share of bad events, week by week; the last may be shorter. `None` without events.
    pub error_ratio_by_week: Vec<Option<f64>>,
    /// The highest share of bad events of any stretch as long as the SLO's period, or of all if
    /// that is shorter.
    pub worst_error_ratio: f64,
    /// Stretches that burned at ten times the budget or more.
    pub incidents: u64,
    /// The longest of them, in seconds.
    pub longest_incident_seconds: f64,
    /// Share (0..1) of hours of which events are known.
    pub hours_known: f64,
}

/// Watches one SLO of the past.
pub(super) struct Probe {
    id: SloId,
    from: Timestamp,
    due: Timestamp,
    hours: Vec<(Timestamp, Counts)>,
    threshold: f64,
    incident: Option<(Timestamp, Timestamp)>,
    incidents: u64,
    longest: Span,
}

impl Probe {
    pub(super) fn new(slo: &Slo, id: SloId, from: Timestamp) -> Self {
        let allowed = slo.objective.budget_ratio();
        Self {
            id,
            from,
            due: from.align_down(HOUR) + HOUR,
            hours: Vec::new(),
            threshold: (allowed * INCIDENT_BURN).min(INCIDENT_RATIO_MAX),
            incident: None,
            incidents: 0,
            longest: Span::ZERO,
        }
    }

    /// The SLO with the windows that a probe reads; nobody hears of it.
    pub(super) fn slo(slo: &Slo, id: SloId) -> Arc<Slo> {
        let tier = Tier {
            severity: Severity::Info,
            long: HOUR,
            short: SHORT,
            budget_fraction: 1.0,
            minimum_events: 0.0,
            pending: Span::ZERO,
            labels: BTreeMap::new(),
        };
        let policy = Policy {
            tiers: vec![tier],
            mode: Mode::Ratio,
            ..Policy::silent()
        };
        Arc::new(Slo {
            id,
            sla: None,
            reach: Reach::new(&policy, &slo.period),
            policy: Arc::new(policy),
            ..slo.clone()
        })
    }

    fn take(&mut self, at: Timestamp, long: Counts, is_bad: bool) {
        if at >= self.due {
            if self.hours.len() < HOURS_MAX {
                self.hours.push((at, long));
            }
            self.due = at.align_down(HOUR) + HOUR;
        }
        if is_bad {
            let start = match self.incident.take() {
                Some((start, end)) if at.since(end) <= INCIDENT_GAP => start,
                _ => {
                    self.incidents += 1;
                    at
                }
            };
            self.incident = Some((start, at));
            // A single slot stands for five minutes.
            self.longest = self.longest.max(at.since(start).max(SHORT));
        }
    }

    /// What it has seen up to the end.
    pub(super) fn finish(self, period: Span, until: Timestamp) -> Past {
        let length = until.since(self.from);
        let weeks = length.ratio(WEEK);
        let mut rates: Vec<f64> = self.hours.iter().map(|(_, counts)| counts.total).collect();
        rates.retain(|rate| *rate > 0.0);
        rates.sort_unstable_by(f64::total_cmp);
        let quantile = |share: f64| {
            let at = (rates.len().saturating_sub(1) as f64 * share).round() as usize;
            rates.get(at).copied().unwrap_or_default()
        };
        let all = sum(self.hours.iter());
        let mut by_week: BTreeMap<i64, Counts> = BTreeMap::new();
        for (at, counts) in &self.hours {
            let week = (at.since(self.from).as_millis() - 1).max(0) / WEEK.as_millis();
            let sum = by_week.entry(week).or_insert(Counts::ZERO);
            *sum += *counts;
        }
        let known = self.hours.len() as f64 / (length.ratio(HOUR)).floor().max(1.0);
        Past {
            weeks,
            events_per_hour: [0.1, 0.5, 0.9].map(quantile),
            bad_per_week: all.bad / weeks,
            events_per_week: all.total / weeks,
            error_ratio_by_week: by_week
                .values()
                .map(|counts| counts.error_ratio())
                .collect(),
            worst_error_ratio: worst(&self.hours, period),
            incidents: self.incidents,
            longest_incident_seconds: self.longest.as_secs_f64(),
            hours_known: known.min(1.0),
        }
    }
}

fn sum<'c>(hours: impl Iterator<Item = &'c (Timestamp, Counts)>) -> Counts {
    hours.fold(Counts::ZERO, |sum, (_, counts)| sum + *counts)
}

/// The highest error ratio of any stretch of this length.
fn worst(hours: &[(Timestamp, Counts)], period: Span) -> f64 {
    let (mut first, mut inside, mut worst) = (0, Counts::ZERO, None);
    for (at, counts) in hours {
        inside += *counts;
        let mut is_full = false;
        while let Some((old, gone)) = hours.get(first)
            && at.since(*old) >= period
        {
            inside.bad -= gone.bad;
            inside.total -= gone.total;
            first += 1;
            is_full = true;
        }
        if is_full {
            let ratio = inside.error_ratio().unwrap_or(0.0);
            worst = Some(worst.map_or(ratio, |worst: f64| worst.max(ratio)));
        }
    }
    worst.unwrap_or_else(|| sum(hours.iter()).error_ratio().unwrap_or(0.0))
}

impl Watcher for Probe {
    fn see(&mut self, _now: Timestamp, _effects: &[Effect], engine: &Engine) {
        for (feed, at) in engine.decided() {
            if *at <= self.from {
                continue;
            }
            let Some((_, evaluations)) = engine.evaluations(feed) else {
                continue;
            };
            let ours = evaluations.iter();
            let ours =
                ours.filter(|e| e.at == *at && e.id.slo == self.id && e.outcome.is_evidence());
            let (mut long, mut is_known, mut is_bad) = (Counts::ZERO, false, false);
            for evaluation in ours {
                for reading in &evaluation.readings {
                    let Some(counts) = reading.counts.filter(|_| reading.burn.is_some()) else {
                        continue;
                    };
                    if reading.window == HOUR {
                        long += counts;
                        is_known = true;
                    } else {
                        let ratio = counts.error_ratio().unwrap_or(0.0);
                        is_bad |= ratio >= self.threshold && counts.bad >= INCIDENT_EVENTS;
                    }
                }
            }
            if is_known {
                self.take(*at, long, is_bad);
            }
        }
    }
}
