//! Counting anew: what each series counted between two of its samples, summed up for a window.
//!
//! What was counted across a gap may have happened anywhere in it: then the sum has bounds.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Add;

use slofuse::engine::{Counts, Evaluation, Indicator, InstanceId, Labels, Slo, Span, Timestamp};

use crate::plant::{Plant, Scraped};

/// A gap up to this long is an ordinary one, in milliseconds: what was counted in it belongs to
/// the sample that ends it. Documented as one minute at least.
const GAP: i64 = 60_000;
/// A reading surely begins so much before what it covers, in milliseconds: a little less than three
/// scrapes.
const OVERLAP: i64 = 44_000;
/// A sample of this age, in milliseconds, is surely fresh: two scrapes and what they take.
const FRESH: i64 = 40_000;
/// One of this age is surely not: three scrapes, were they four times as long as they are.
const STALE: i64 = 200_000;

/// What one series counted between two samples.
#[derive(Clone, Copy, Debug)]
struct Increment {
    /// The sample before; of a first one, the last sample of its target.
    from: i64,
    at: i64,
    visible: i64,
    /// Whether it is the first sample of its series.
    first: bool,
    counts: Counts,
    /// The same for somebody who never saw a sample before.
    fresh: Counts,
}

/// Everything that was counted for one instance, by time.
#[derive(Debug, Default)]
pub(crate) struct Past {
    increments: Vec<Increment>,
    /// When something counted towards the total, and from when on the source showed it.
    seen: Vec<(i64, i64)>,
}

/// How much may have been counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounds {
    least: Counts,
    most: Counts,
}

impl Add for Bounds {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            least: self.least + other.least,
            most: self.most + other.most,
        }
    }
}

fn minus(a: Counts, b: Counts) -> Counts {
    Counts {
        bad: (a.bad - b.bad).max(0.0),
        total: (a.total - b.total).max(0.0),
    }
}

impl Bounds {
    pub(crate) fn is_exact(self) -> bool {
        self.least == self.most
    }

    pub(crate) fn new(least: Counts, most: Counts) -> Self {
        Self { least, most }
    }

    /// What was surely counted.
    pub(crate) fn least(self) -> Counts {
        self.least
    }

    /// What was counted at most.
    pub(crate) fn most(self) -> Counts {
        self.most
    }

    /// The most that was counted before the rest began.
    pub(crate) fn most_until(self, rest: Self) -> Counts {
        minus(self.most, rest.least)
    }

    /// What remains without a part of it.
    pub(crate) fn without(self, part: Self) -> Self {
        Self {
            least: minus(self.least, part.most),
            most: minus(self.most, part.least),
        }
    }

    /// The fewest and the most bad events.
    pub(crate) fn bad(self) -> (f64, f64) {
        (self.least.bad, self.most.bad)
    }

    /// Whether these counts are possible.
    pub(crate) fn admit(self, counts: Counts) -> bool {
        let between = |low: f64, value: f64, high: f64| {
            let dust = 1e-6 * (1.0 + high);
            low - dust <= value && value <= high + dust
        };
        // A count is never more than the total, whatever the scrapes say.
        let least = self.least.bad.min(counts.total);
        between(least, counts.bad, self.most.bad)
            && between(self.least.total, counts.total, self.most.total)
    }

    /// The least and the greatest error ratio.
    pub(crate) fn ratio(self) -> (f64, f64) {
        let of = |bad: f64, total: f64| {
            if total > 0.0 {
                (bad / total).min(1.0)
            } else {
                0.0
            }
        };
        let least = of(self.least.bad, self.most.total);
        let most = match self.most.total > 0.0 && !self.is_exact() {
            true => of(self.most.bad, self.least.total.max(self.most.bad)),
            false => of(self.most.bad, self.most.total),
        };
        (least, most)
    }
}

/// The pasts of all instances of an SLO; none of a composite, which has none of its own.
pub(crate) fn pasts(slo: &Slo, plant: &Plant) -> BTreeMap<InstanceId, Past> {
    let mut pasts: BTreeMap<InstanceId, Past> = BTreeMap::new();
    let instance = |labels: &Labels| InstanceId {
        slo: slo.id.clone(),
        labels: labels.pick(&slo.group_by),
    };
    match &slo.indicator {
        Indicator::Counters { bad, total } => {
            let targets = targets(plant);
            for (labels, samples) in &plant.series {
                let weight = |terms: &[slofuse::engine::Term]| {
                    let matching = terms.iter().filter(|term| term.selector.matches(labels));
                    matching.map(|term| term.coefficient).sum::<f64>()
                };
                let weight = Counts {
                    bad: weight(bad),
                    total: weight(total),
                };
                if weight != Counts::ZERO {
                    let past = pasts.entry(instance(labels)).or_default();
                    past.take(samples, weight, &targets[&target(labels)]);
                }
            }
        }
        Indicator::Slices { slice, .. } => {
            let past = pasts.entry(instance(&Labels::empty())).or_default();
            past.take_slices(&slo.service, slice.as_millis(), plant);
        }
        _ => {}
    }
    for past in pasts.values_mut() {
        past.increments.sort_by_key(|increment| increment.at);
        past.seen.sort_unstable();
    }
    pasts
}

fn target(labels: &Labels) -> Labels {
    labels.pick(&["job".to_owned(), "instance".to_owned()])
}

/// When each target was scraped.
fn targets(plant: &Plant) -> BTreeMap<Labels, BTreeSet<i64>> {
    let mut targets: BTreeMap<Labels, BTreeSet<i64>> = BTreeMap::new();
    for (labels, samples) in &plant.series {
        let times = samples.iter().map(|sample| sample.at);
        targets.entry(target(labels)).or_default().extend(times);
    }
    targets
}

impl Past {
    fn take(&mut self, samples: &[Scraped], weight: Counts, target: &BTreeSet<i64>) {
        let mut before: Option<Scraped> = None;
        for sample in samples {
            if weight.total != 0.0 {
                self.seen.push((sample.at, sample.visible));
            }
            let (from, amount) = match before {
                // A counter that is lower than it was began anew, from zero.
                Some(last) if sample.value < last.value => (Some(last.at), sample.value),
                Some(last) => (Some(last.at), sample.value - last.value),
                // A series that appears at a target which is known counts from zero.
                None => (target.range(..sample.at).next_back().copied(), sample.value),
            };
            let first = before.replace(*sample).is_none();
            if let Some(from) = from {
                self.increments.push(Increment {
                    from,
                    at: sample.at,
                    visible: sample.visible,
                    first,
                    counts: weight.scale(amount),
                    fresh: weight.scale(sample.value),
                });
            }
        }
    }

    fn take_slices(&mut self, job: &str, slice: i64, plant: &Plant) {
        let extent = plant.extent;
        let mut at = extent.past + (-extent.past).rem_euclid(slice);
        while at <= extent.end {
            if let Some(holds) = plant.condition(job, at) {
                let bad = f64::from(u8::from(!holds));
                self.seen.push((at, at));
                self.increments.push(Increment {
                    from: at,
                    at,
                    visible: at,
                    first: false,
                    counts: Counts { bad, total: 1.0 },
                    fresh: Counts { bad, total: 1.0 },
                });
            }
            at += slice;
        }
    }

    /// The increments that end in `(begin, end]` and were shown by `asked`.
    fn shown(
        &self,
        begin: Timestamp,
        end: Timestamp,
        asked: i64,
    ) -> impl Iterator<Item = &Increment> {
        let first = self
            .increments
            .partition_point(|i| i.at <= begin.as_millis());
        let end = end.as_millis();
        let rest = self.increments[first..].iter();
        rest.take_while(move |i| i.at <= end)
            .filter(move |i| i.visible <= asked)
    }

    /// What the source told of `(begin, end]` when it was `asked`, to somebody who began to read
    /// at `covered`.
    pub(crate) fn recount(
        &self,
        begin: Timestamp,
        end: Timestamp,
        asked: i64,
        covered: Timestamp,
    ) -> Bounds {
        let mut bounds = Bounds::default();
        for increment in self.shown(begin, end, asked) {
            let inside = increment.from >= begin.as_millis();
            let ordinary = increment.at - increment.from <= GAP;
            let overlap = if increment.first { 0 } else { OVERLAP };
            let read = increment.from >= covered.as_millis() - overlap;
            // Across the begin of the reading a counter may seem to be new, or to go on.
            let all = if read {
                increment.counts
            } else {
                increment.fresh
            };
            bounds.most += all;
            if (inside || ordinary) && read {
                bounds.least += increment.counts;
            }
        }
        bounds
    }

    /// The plain sum.
    pub(crate) fn told(&self, begin: Timestamp, end: Timestamp, asked: i64) -> Counts {
        let shown = self.shown(begin, end, asked);
        shown.fold(Counts::ZERO, |sum, increment| sum + increment.counts)
    }

    /// The bad events around `(begin, end]`, in seconds before its end.
    pub(crate) fn story(&self, begin: Timestamp, end: Timestamp) -> String {
        let end = end.as_millis();
        let wide = begin.as_millis() - 600_000..=end + 60_000;
        let here = self
            .increments
            .iter()
            .filter(|i| wide.contains(&i.at) && i.counts.bad > 0.0);
        let before = |at: i64| (end - at) as f64 / 1000.0;
        let lines = here.map(|i| {
            let (from, at, shown) = (before(i.from), before(i.at), before(i.visible));
            format!("{} bad in {from}..{at}, shown at {shown}", i.counts.bad)
        });
        lines.collect::<Vec<_>>().join("; ")
    }

    /// How old the newest sample is at a slot.
    fn age(&self, slot: Timestamp, asked: i64) -> Option<i64> {
        let until = self.seen.partition_point(|(at, _)| *at <= slot.as_millis());
        let mut shown = self.seen[..until]
            .iter()
            .rev()
            .filter(|(_, visible)| *visible <= asked);
        shown.next().map(|(at, _)| slot.as_millis() - at)
    }

    /// Whether nobody can doubt that there are samples.
    pub(crate) fn is_surely_fresh(&self, slot: Timestamp, asked: i64) -> bool {
        self.age(slot, asked).is_some_and(|age| age <= FRESH)
    }

    /// Whether there is evidence depends on the age of the newest sample.
    pub(crate) fn assert_fresh(&self, slot: Timestamp, asked: i64, evaluation: &Evaluation) {
        let age = self.age(slot, asked);
        let fresh = evaluation.is_evidence();
        let must = age.is_some_and(|age| age <= FRESH);
        let may = age.is_some_and(|age| age <= STALE);
        assert!(
            (fresh || !must) && (may || !fresh),
            "{} at {slot:?}: newest sample {:?} old, evidence: {fresh}, {:?}",
            evaluation.id,
            age.map(Span::from_millis),
            evaluation.detail,
        );
    }
}
