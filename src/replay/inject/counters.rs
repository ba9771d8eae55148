//! Counters of one feed while requests fail: from recorded samples to those that would have been.
//!
//! Every series is taken apart into increments by the engine's own rules
//! ([`Counter`]: resets, holes, replicas) and put together again. A series that was reset goes on
//! from where it was: that counts the same, and no reset can be mistaken for anything else.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::Plan;
use super::reel::Tally;
use super::twin::{Role, Terms, Weight};
use crate::engine::series::{Counter, is_hole};
use crate::engine::{Drops, Labels, RawSeries, Sample, Span, Timestamp};

/// What the sums of whole numbers may be off by.
const DUST: f64 = 1e-6;

/// The series of one feed, between questions.
#[derive(Debug)]
pub(super) struct Counters {
    terms: Terms,
    group_by: Vec<String>,
    target_labels: Vec<String>,
    scrape_interval: Span,
    drops: Drops,
    series: BTreeMap<Labels, Series>,
    /// Of each instance, what should have failed by now in each injection, and what has.
    owed: BTreeMap<(Labels, usize), Owed>,
}

#[derive(Debug)]
struct Series {
    role: Role,
    weight: Weight,
    instance: Labels,
    target: Labels,
    /// `None` while the recording does not hold it: only failures that were put in count.
    counter: Option<Counter>,
    /// The value that it has now.
    value: f64,
}

#[derive(Debug, Default)]
struct Owed {
    due: f64,
    paid: f64,
}

/// What is read in a question: samples by time, each with its series.
type Scrapes = BTreeMap<Timestamp, Vec<(Labels, f64)>>;

/// What a good series counted at one scrape.
struct Good {
    labels: Labels,
    from: Timestamp,
    amount: f64,
    /// Whether scrapes are missing since then.
    is_hole: bool,
}

impl Counters {
    pub(super) fn new(
        terms: Terms,
        group_by: Vec<String>,
        reading: &crate::engine::ReadingOptions,
    ) -> Self {
        Self {
            terms,
            group_by,
            target_labels: reading.target_labels.clone(),
            scrape_interval: reading.scrape_interval,
            drops: reading.drops,
            series: BTreeMap::new(),
            owed: BTreeMap::new(),
        }
    }

    /// The samples as they would have been.
    pub(super) fn rewrite(
        &mut self,
        recorded: Vec<RawSeries>,
        plan: &Plan,
        tally: &mut Tally,
    ) -> Vec<RawSeries> {
        for series in &recorded {
            self.terms.see(&series.labels);
        }
        let mut scrapes = Scrapes::new();
        for RawSeries { labels, samples } in recorded {
            for Sample { at, value } in samples {
                scrapes.entry(at).or_default().push((labels.clone(), value));
            }
        }
        let mut rewritten: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
        for (at, scraped) in scrapes {
            for labels in self.scrape(at, scraped, plan, tally) {
                let Some(series) = self.series.get(&labels) else {
                    continue;
                };
                let value = series.value;
                let samples = rewritten.entry(labels).or_default();
                samples.push(Sample { at, value });
            }
        }
        let series = rewritten.into_iter();
        series
            .map(|(labels, samples)| RawSeries { labels, samples })
            .collect()
    }

    /// Takes the samples of one time; which series have a value then.
    fn scrape(
        &mut self,
        at: Timestamp,
        scraped: Vec<(Labels, f64)>,
        plan: &Plan,
        tally: &mut Tally,
    ) -> BTreeSet<Labels> {
        let mut present = BTreeSet::new();
        let mut good = Vec::new();
        let mut failures: BTreeMap<Labels, f64> = BTreeMap::new();
        for (labels, value) in scraped {
            let Some((from, amount, is_hole)) = self.take(&labels, Sample { at, value }) else {
                continue;
            };
            let Some(series) = self.series.get(&labels) else {
                continue;
            };
            tally.see(at, series.weight.total * amount);
            match series.role {
                Role::Good { .. } | Role::Shrinks => good.push(Good {
                    labels: labels.clone(),
                    from,
                    amount,
                    is_hole,
                }),
                Role::Failures => *failures.entry(series.target.clone()).or_default() += amount,
                Role::Stays => {}
            }
            present.insert(labels);
        }
        good.sort_by(|a, b| a.labels.cmp(&b.labels));
        for series in good {
            present.extend(self.fail(&series, at, &mut failures, plan, tally));
        }
        present
    }

    /// Takes a sample: since when, how much was counted, and whether scrapes are missing between.
    /// `None` if no counter has such a value.
    fn take(&mut self, labels: &Labels, sample: Sample) -> Option<(Timestamp, f64, bool)> {
        let is_value = (0.0..=1e200).contains(&sample.value);
        let spacing = self.scrape_interval;
        let drops = self.drops;
        let series = match self.series.contains_key(labels) {
            true => self.series.get_mut(labels)?,
            false => {
                let new = self.new_series(labels);
                self.series.entry(labels.clone()).or_insert(new)
            }
        };
        let Some(counter) = &mut series.counter else {
            if !is_value {
                return None;
            }
            series.counter = Some(Counter::new(sample, spacing));
            series.value += sample.value;
            return Some((sample.at, 0.0, false));
        };
        if !is_value || sample.at <= counter.last_at {
            return None;
        }
        let from = counter.last_at;
        let is_hole = is_hole(sample.at.since(from), counter.spacing);
        let amount = counter.take(sample, drops).map_or(0.0, |i| i.amount);
        series.value += amount;
        Some((from, amount, is_hole))
    }

    fn new_series(&self, labels: &Labels) -> Series {
        Series {
            role: self.terms.role(labels),
            weight: self.terms.weight(labels),
            instance: labels.pick(&self.group_by),
            target: labels.pick(&self.target_labels),
            counter: None,
            value: 0.0,
        }
    }

    /// Makes some of what a good series counted fail. The series that counts it, if that is another.
    fn fail(
        &mut self,
        good: &Good,
        at: Timestamp,
        failures: &mut BTreeMap<Labels, f64>,
        plan: &Plan,
        tally: &mut Tally,
    ) -> Option<Labels> {
        let series = self.series.get(&good.labels)?;
        let (role, instance) = (series.role.clone(), series.instance.clone());
        let mut left = good.amount;
        if let Role::Good { moves: false, .. } = role
            && let Some(failed) = failures.get_mut(&series.target)
        {
            // It counts failures too, and those have failed already.
            let known = failed.min(left);
            *failed -= known;
            left -= known;
        }
        let mut failed = 0.0;
        for (injection, share) in plan.shares(good.from, at) {
            if good.is_hole {
                tally.miss(injection);
            }
            let Some(ratio) = plan.injections().get(injection).map(|i| i.error_ratio) else {
                continue;
            };
            let owed = self.owed.entry((instance.clone(), injection)).or_default();
            let amount = owed.pay(left * share * ratio, left - failed);
            failed += amount;
            tally.fail(injection, amount * series.weight_of_failure());
        }
        match role {
            Role::Shrinks => self.series.get_mut(&good.labels)?.value -= failed,
            Role::Good { moves: true, .. } => self.series.get_mut(&good.labels)?.value -= failed,
            Role::Good { moves: false, .. } | Role::Failures | Role::Stays => {}
        }
        let Role::Good { twin, .. } = role else {
            return None;
        };
        let is_known = self.series.contains_key(&twin);
        if failed == 0.0 {
            // Once it is there, it is scraped with its target.
            let twin_series = self.series.get(&twin)?;
            return twin_series.counter.is_none().then_some(twin);
        }
        if !is_known {
            let new = self.new_series(&twin);
            self.series.insert(twin.clone(), new);
        }
        self.series.get_mut(&twin)?.value += failed;
        Some(twin)
    }
}

impl Series {
    /// What one failed request of this series adds to the bad events.
    fn weight_of_failure(&self) -> f64 {
        match self.role {
            Role::Shrinks => -self.weight.bad,
            Role::Good { .. } => self.weight.total,
            Role::Failures | Role::Stays => 0.0,
        }
    }
}

impl Owed {
    /// How many of at most `left` requests fail now, when `more` should have. Whole requests fail
    /// where requests are whole; what is owed beyond is owed on.
    fn pay(&mut self, more: f64, left: f64) -> f64 {
        self.due += more;
        let is_whole = left.fract() == 0.0 && self.paid.fract() == 0.0;
        let due = match is_whole {
            true => (self.due + DUST).floor(),
            false => self.due,
        };
        let paid = (due - self.paid).clamp(0.0, left.max(0.0));
        self.paid += paid;
        paid
    }
}
