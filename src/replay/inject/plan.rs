//! When which share of the requests fails: drawn from a seed, the same on every machine.

use crate::engine::{Span, Timestamp};

/// The smallest share of requests that fails: 0.1 %.
const RATIO_MIN: f64 = 0.001;
/// Error ratios are drawn from so many equal parts of their logarithmic scale in turn, so that
/// few incidents cover it.
const RATIO_PARTS: u64 = 6;
/// Durations are drawn from 30 s to 12 h ...
const DURATION_MIN: Span = Span::from_secs(30);
const DURATION_MAX: Span = Span::from_hours(12);
/// ... likewise.
const DURATION_PARTS: u64 = 5;
/// Every so many incidents with most errors are an outage: everything fails.
const OUTAGE_EVERY: u64 = 2;
/// Incidents begin at any time of the day.
const DAY: Span = Span::from_days(1);
/// Incidents of one plan.
const INJECTIONS_MAX: usize = 10_000;

/// A stretch of time in which a share of the good requests fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Injection {
    /// From then.
    pub start: Timestamp,
    /// Until then.
    pub end: Timestamp,
    /// The share (0..=1) of the requests that would have succeeded.
    pub error_ratio: f64,
}

/// Injections by their start; none overlaps another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    injections: Vec<Injection>,
}

/// What a plan is drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanWish {
    /// The same seed gives the same plan.
    pub seed: u64,
    /// Nothing fails before ...
    pub from: Timestamp,
    /// ... or after.
    pub until: Timestamp,
    /// At least so much time between the end of one and the start of the next, and after the
    /// last: long enough that windows forget one before the next, so each has a verdict of its own.
    pub lull: Span,
}

impl Plan {
    /// These injections, put in order; those that overlap one before them are left out, and so are
    /// those that last no time.
    pub fn new(mut injections: Vec<Injection>) -> Self {
        injections.sort_by_key(|injection| (injection.start, injection.end));
        let mut kept: Vec<Injection> = Vec::new();
        for injection in injections {
            let free = kept.last().is_none_or(|last| last.end <= injection.start);
            if free && injection.start < injection.end {
                kept.push(injection);
            }
        }
        Self { injections: kept }
    }

    /// As many as fit. Error ratios reach from 0.1 % to 100 % and durations from 30 s to 12 h, each
    /// drawn evenly from its logarithmic scale, in whole seconds; starts are spread over the day.
    pub fn seeded(wish: &PlanWish) -> Self {
        let mut draw = Draw::new(wish.seed);
        let (mut ratios, mut durations) = (draw.below(RATIO_PARTS), draw.below(DURATION_PARTS));
        let mut injections = Vec::new();
        let mut at = wish.from;
        let mut outages = 0;
        while injections.len() < INJECTIONS_MAX {
            let start = at
                + Span::from_secs(
                    draw.below(DAY.as_millis().unsigned_abs() / 1000)
                        .cast_signed(),
                );
            // The steps have no factor in common with the number of parts: all are visited, and
            // as the numbers have none either, all pairs.
            ratios = (ratios + 5) % RATIO_PARTS;
            durations = (durations + 2) % DURATION_PARTS;
            let ratio = part(ratios, RATIO_PARTS, draw.unit());
            let mut error_ratio = RATIO_MIN.powf(1.0 - ratio);
            if ratios == RATIO_PARTS - 1 {
                outages += 1;
                if outages % OUTAGE_EVERY == 0 {
                    error_ratio = 1.0;
                }
            }
            let longest = DURATION_MAX.ratio(DURATION_MIN);
            let factor = longest.powf(part(durations, DURATION_PARTS, draw.unit()));
            let length = DURATION_MIN.scale(factor).as_millis() / 1000;
            let end = start + Span::from_secs(length);
            if end + wish.lull > wish.until {
                break;
            }
            injections.push(Injection {
                start,
                end,
                error_ratio,
            });
            at = end + wish.lull;
        }
        Self { injections }
    }

    /// By their start.
    pub fn injections(&self) -> &[Injection] {
        &self.injections
    }

    /// What share of the time in `(from, until]` lies in each injection, by its position.
    pub(super) fn shares(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> impl Iterator<Item = (usize, f64)> {
        let first = self.injections.partition_point(|i| i.end <= from);
        let length = until.since(from);
        let touched = self.injections.iter().enumerate().skip(first);
        touched
            .take_while(move |(_, injection)| injection.start < until)
            .map(move |(at, injection)| {
                let inside = injection.end.min(until).since(injection.start.max(from));
                (at, inside.ratio(length))
            })
    }
}

/// A point of the logarithmic scale (0..1) within one of its equal parts.
fn part(at: u64, parts: u64, within: f64) -> f64 {
    (at as f64 + within) / parts as f64
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): its
/// stream depends on nothing but the seed.
struct Draw(u64);

impl Draw {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evenly from `0..1`.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Evenly from `0..bound`.
    fn below(&mut self, bound: u64) -> u64 {
        (self.unit() * bound as f64) as u64
    }
}
