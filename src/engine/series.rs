//! From counter samples to increments: what one series counted, and when.
//!
//! Cumulative counters forgive: a sample that is late, missing or read twice changes when an
//! increment is seen, never whether. So a series is remembered by its last sample alone, and the
//! rules are few: a drop is a reset (the counter restarted from zero), a hole is bridged, and what
//! was counted across a long hole is spread over it.

use serde::{Deserialize, Serialize};

use super::sample::Sample;
use super::time::{Span, Timestamp};

/// A hole shorter than this is an ordinary scrape or a missed one.
const HOLE_MIN: Span = Span::from_secs(60);
/// A hole is longer than so many scrapes.
const HOLE_SCRAPES: i64 = 4;
/// No counter counts so far; sums and weights of such values are still finite.
const VALUE_MAX: f64 = 1e200;
/// Weight of the newest spacing in the estimate of the scrape interval: 1/8, as in TCP's timers.
const SPACING_WEIGHT: i64 = 8;

/// What a counter is known by between two polls.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counter {
    /// Time of the last sample taken.
    pub last_at: Timestamp,
    /// Its value.
    last_value: f64,
    /// Estimate of the time between scrapes.
    pub spacing: Span,
}

/// Something that was counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Increment {
    /// Counted after this time; equal to `at` for an ordinary scrape.
    pub from: Timestamp,
    /// Counted by this time.
    pub at: Timestamp,
    /// How much.
    pub amount: f64,
}

/// How a counter may step back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drops {
    /// Every drop is a reset, as Prometheus has it.
    AreResets,
    /// Replicas are merged upstream and one may lag: a small drop is no event at all.
    MayBeReplicas,
}

impl Counter {
    /// Starts with a series' first sample; what it had counted before is judged by the caller.
    pub fn new(first: Sample, spacing: Span) -> Self {
        Self {
            last_at: first.at,
            last_value: first.value,
            spacing,
        }
    }

    /// Takes the next sample. Samples that are not newer than the last, and values that no
    /// counter can have, are skipped.
    #[inline]
    pub fn take(&mut self, next: Sample, drops: Drops) -> Option<Increment> {
        if next.at <= self.last_at || !is_counter_value(next.value) {
            return None;
        }
        let elapsed = next.at.since(self.last_at);
        let from = if is_hole(elapsed, self.spacing) {
            self.last_at
        } else {
            next.at
        };
        let amount = match (next.value >= self.last_value, drops) {
            (true, _) => next.value - self.last_value,
            (false, Drops::MayBeReplicas) if next.value > self.last_value / 2.0 => {
                // The lagging replica will pass the old value again; counting resumes from there.
                self.last_at = next.at;
                return None;
            }
            (false, _) => next.value,
        };
        self.learn_spacing(elapsed);
        self.last_at = next.at;
        self.last_value = next.value;
        (amount > 0.0).then_some(Increment {
            from,
            at: next.at,
            amount,
        })
    }

    #[inline]
    fn learn_spacing(&mut self, elapsed: Span) {
        // The usual scrape teaches nothing, and reckoning so would hold up the next one.
        if elapsed == self.spacing && elapsed <= HOLE_MIN {
            return;
        }
        let seen = elapsed.min(self.spacing.times(HOLE_SCRAPES));
        let sum = self.spacing.times(SPACING_WEIGHT - 1) + seen;
        self.spacing = Span::from_millis((sum.as_millis() / SPACING_WEIGHT).max(1));
    }
}

/// Whether so much time between two samples is a hole rather than a missed scrape.
#[inline]
pub(super) fn is_hole(elapsed: Span, spacing: Span) -> bool {
    elapsed > HOLE_MIN && elapsed > spacing.times(HOLE_SCRAPES)
}

/// Whether this is a whole number of events. A cast is a fraction of what `fract` takes, for that is
/// a call where the processor at hand is not known to round.
#[inline]
pub(super) fn is_whole(amount: f64) -> bool {
    amount as i64 as f64 == amount
}

/// Counters are not negative, and not so large that a sum of them would not be finite.
#[inline]
pub(super) fn is_counter_value(value: f64) -> bool {
    (0.0..=VALUE_MAX).contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64, value: f64) -> Sample {
        Sample {
            at: Timestamp::from_secs(secs),
            value,
        }
    }

    /// Feeds samples 15 s apart unless told otherwise; returns `(from, at, amount)` in seconds.
    fn check(drops: Drops, samples: &[(i64, f64)], expect: &[(i64, i64, f64)]) {
        let mut counter = Counter::new(at(samples[0].0, samples[0].1), Span::from_secs(15));
        let got: Vec<_> = samples[1..]
            .iter()
            .filter_map(|(secs, value)| counter.take(at(*secs, *value), drops))
            .map(|i| (i.from.as_millis() / 1000, i.at.as_millis() / 1000, i.amount))
            .collect();
        assert_eq!(got, expect, "{samples:?}");
    }

    #[test]
    fn increments_are_booked_at_the_sample() {
        let samples = [(0, 5.0), (15, 7.0), (30, 7.0), (45, 8.0)];
        check(Drops::AreResets, &samples, &[(15, 15, 2.0), (45, 45, 1.0)]);
    }

    #[test]
    fn a_drop_is_a_reset_from_zero() {
        check(
            Drops::AreResets,
            &[(0, 100.0), (15, 3.0), (30, 4.0)],
            &[(15, 15, 3.0), (30, 30, 1.0)],
        );
        check(
            Drops::AreResets,
            &[(0, 3.0), (15, 2.0), (30, 5.0)],
            &[(15, 15, 2.0), (30, 30, 3.0)],
        );
        check(Drops::AreResets, &[(0, 3.0), (15, 0.0)], &[]);
    }

    #[test]
    fn a_lagging_replica_is_not_a_reset() {
        let samples = [(0, 1000.0), (15, 990.0), (30, 1010.0), (45, 4.0)];
        check(
            Drops::MayBeReplicas,
            &samples,
            &[(30, 30, 10.0), (45, 45, 4.0)],
        );
    }

    #[test]
    fn old_double_and_impossible_samples_are_skipped() {
        let samples = [
            (15, 5.0),
            (15, 6.0),
            (0, 9.0),
            (30, f64::NAN),
            (45, f64::INFINITY),
            (50, -1.0),
            (55, 6.0),
        ];
        check(Drops::AreResets, &samples, &[(55, 55, 1.0)]);
    }

    #[test]
    fn a_missed_scrape_is_bridged_and_a_hole_is_spread() {
        check(Drops::AreResets, &[(0, 1.0), (45, 4.0)], &[(45, 45, 3.0)]);
        check(
            Drops::AreResets,
            &[(0, 1.0), (600, 41.0)],
            &[(0, 600, 40.0)],
        );
        check(
            Drops::AreResets,
            &[(0, 50.0), (600, 41.0)],
            &[(0, 600, 41.0)],
        );
    }

    #[test]
    fn the_scrape_interval_is_learned() {
        let mut counter = Counter::new(at(0, 0.0), Span::from_secs(15));
        for n in 1..60 {
            let _seen = counter.take(at(n * 60, n as f64), Drops::AreResets);
        }
        assert!(counter.spacing > Span::from_secs(55) && counter.spacing <= Span::from_secs(60));
        let missed = counter
            .take(at(59 * 60 + 180, 99.0), Drops::AreResets)
            .unwrap();
        assert_eq!(missed.from, missed.at, "two missed scrapes are no hole");
    }
}
