//! The measuring state of one feed: every counter's last sample and every instance's past.
//!
//! A [`Measure`] reads polls in time order and books what was counted into the windows of the
//! instances. It is a cache: Prometheus stays the source of truth, and a measure can be thrown
//! away and read again. Saved to disk it lets a restart continue where it stopped.
//!
//! First values. A new series of a target that is already known counts from zero, for a counter
//! that appears with its first error would otherwise hide it; this is what `rate()` misses. The
//! first value of a new target does not count: it may have been counting for days unseen.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::feed::{Feed, Share};
use super::labels::{Fnv, Labels};
use super::sample::{RawSeries, Sample};
use super::series::{Counter, Drops, Increment, is_counter_value, is_hole};
use super::slo::{Indicator, InstanceId, Slo, SloId};
use super::time::{Span, Timestamp};
use super::window::{Layout, Window};

/// What the reading of samples depends on besides the definitions.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadingOptions {
    /// Time between slots.
    pub interval: Span,
    /// The scrape interval to assume until samples show another.
    pub scrape_interval: Span,
    /// Labels that name a scrape target.
    pub target_labels: Vec<String>,
    /// Series and instances not seen for so long are forgotten.
    pub forget_after: Span,
    /// Instances one SLO may have.
    pub instances_max: usize,
    /// How counters may step back.
    pub drops: Drops,
}

/// Counters and windows of one feed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Measure {
    /// Everything up to here has been read.
    read_until: Option<Timestamp>,
    coverage: BTreeMap<SloId, Coverage>,
    series: BTreeMap<Labels, Series>,
    targets: Vec<Target>,
    tallies: Vec<Tally>,
    #[serde(skip)]
    target_at: BTreeMap<Labels, usize>,
    #[serde(skip)]
    tally_at: BTreeMap<InstanceId, usize>,
    /// Instances that were not created because their SLO has too many.
    #[serde(skip)]
    refused: BTreeSet<InstanceId>,
}

/// From when on the samples of an SLO have been read without interruption.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Coverage {
    from: Timestamp,
    /// Tells whether the saved windows still measure what the definition says.
    fingerprint: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Series {
    counter: Counter,
    target: usize,
    #[serde(skip)]
    routes: Vec<Route>,
}

/// Where the increments of a series go.
#[derive(Clone, Copy, Debug)]
struct Route {
    tally: usize,
    bad: f64,
    total: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Target {
    labels: Labels,
    /// Oldest sample of any of its series.
    first: Timestamp,
    /// Newest sample of any of its series before the poll that is being read.
    last: Timestamp,
}

/// The past of one instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tally {
    /// Whose past.
    pub id: InstanceId,
    /// Its events.
    pub window: Window,
    /// Oldest evidence of traffic, history included.
    pub first: Timestamp,
    /// Newest sample that counts towards the total.
    pub newest: Timestamp,
    /// Time between its samples.
    pub spacing: Span,
}

/// Most refused instances that are remembered, so that a hostile label cannot fill the memory.
const REFUSED_MAX: usize = 10_000;

impl Measure {
    /// Everything up to here has been read; `None` before the first poll.
    pub fn read_until(&self) -> Option<Timestamp> {
        self.read_until
    }

    /// From when on this SLO is covered; `None` before the first poll.
    pub fn covered_from(&self, slo: &SloId) -> Option<Timestamp> {
        self.coverage.get(slo).map(|coverage| coverage.from)
    }

    /// All instances, in the order they were first seen.
    pub fn tallies(&self) -> &[Tally] {
        &self.tallies
    }

    /// The past of one instance.
    pub fn tally(&self, id: &InstanceId) -> Option<&Tally> {
        self.tallies.get(*self.tally_at.get(id)?)
    }

    /// How many series are remembered.
    pub fn series_count(&self) -> usize {
        self.series.len()
    }

    /// How many instances were refused because their SLO has too many.
    pub fn refused_count(&self) -> usize {
        self.refused.len()
    }

    /// Makes the measure fit a feed after a restart or a reload: windows of definitions that are
    /// gone or measure something else are dropped, series are routed anew.
    pub fn attach(&mut self, feed: &Feed, options: &ReadingOptions) {
        let slos: BTreeMap<&SloId, &Slo> = feed.slos.iter().map(|s| (&s.id, &**s)).collect();
        self.coverage.retain(|id, coverage| {
            slos.get(id)
                .is_some_and(|slo| fingerprint(slo) == coverage.fingerprint)
        });
        let coverage = &self.coverage;
        self.tallies.retain(|tally| {
            let slo = slos
                .get(&tally.id.slo)
                .filter(|slo| coverage.contains_key(&slo.id));
            slo.is_some_and(|slo| tally.window.layout() == layout(slo, options))
        });
        if let (Some(read_until), true) = (self.read_until, coverage.len() < slos.len()) {
            // A definition is new, so series may be polled that were there all along: that they
            // are new here says nothing about when they began.
            for target in &mut self.targets {
                target.first = read_until;
            }
        }
        self.reindex(feed, options);
    }

    fn reindex(&mut self, feed: &Feed, options: &ReadingOptions) {
        let tallies = self.tallies.iter().enumerate();
        self.tally_at = tallies.map(|(at, tally)| (tally.id.clone(), at)).collect();
        let targets = self.targets.iter().enumerate();
        self.target_at = targets
            .map(|(at, target)| (target.labels.clone(), at))
            .collect();
        let mut all = std::mem::take(&mut self.series);
        for (labels, series) in &mut all {
            series.routes = self.routes(feed, options, labels, series.counter.last_at);
        }
        self.series = all;
    }

    /// Reads one poll that reaches from `from` to `until`. Polls come in time order; samples that
    /// were read before are recognised and skipped.
    pub fn read(
        &mut self,
        feed: &Feed,
        options: &ReadingOptions,
        from: Timestamp,
        until: Timestamp,
        polled: &[RawSeries],
    ) {
        for slo in &feed.slos {
            let covered_from = self.read_until.map_or(from, |read| read.max(from));
            let coverage = Coverage {
                from: covered_from,
                fingerprint: fingerprint(slo),
            };
            self.coverage.entry(slo.id.clone()).or_insert(coverage);
        }
        match feed.slos.first().map(|slo| &slo.indicator) {
            Some(Indicator::Slices { .. }) => self.read_slices(feed, options, until, polled),
            _ => self.read_counters(feed, options, until, polled),
        }
        self.read_until = self.read_until.max(Some(until));
        for tally in &mut self.tallies {
            tally.window.seal();
        }
    }

    /// Books hourly sums from before the covered time into the budget of an instance that exists.
    pub fn read_history(&mut self, id: &InstanceId, at: Timestamp, counts: Counts) {
        let Some(tally) = self
            .tally_at
            .get(id)
            .and_then(|at| self.tallies.get_mut(*at))
        else {
            return;
        };
        tally.window.add_history(at, counts.sane());
        if counts.total > 0.0 {
            tally.first = tally.first.min(at);
        }
        tally.window.seal();
    }

    /// Forgets series and instances that have not been seen for long; returns the instances.
    pub fn forget(
        &mut self,
        feed: &Feed,
        options: &ReadingOptions,
        now: Timestamp,
    ) -> Vec<InstanceId> {
        let horizon = now - options.forget_after;
        let (series_before, tallies_before) = (self.series.len(), self.tallies.len());
        self.series
            .retain(|_, series| series.counter.last_at >= horizon);
        let gone = self.tallies.iter().filter(|tally| tally.newest < horizon);
        let gone: Vec<InstanceId> = gone.map(|tally| tally.id.clone()).collect();
        self.tallies.retain(|tally| tally.newest >= horizon);
        self.refused.clear();
        if self.series.len() != series_before || self.tallies.len() != tallies_before {
            self.drop_unused_targets();
            self.reindex(feed, options);
        }
        gone
    }

    fn drop_unused_targets(&mut self) {
        let mut renumbered: BTreeMap<usize, usize> = BTreeMap::new();
        let mut kept = Vec::new();
        for series in self.series.values_mut() {
            let old = series.target;
            series.target = *renumbered.entry(old).or_insert_with(|| {
                kept.push(self.targets[old].clone());
                kept.len() - 1
            });
        }
        self.targets = kept;
    }

    fn read_counters(
        &mut self,
        feed: &Feed,
        options: &ReadingOptions,
        until: Timestamp,
        polled: &[RawSeries],
    ) {
        self.meet_targets(options, until, polled);
        let mut bookings = Vec::new();
        for raw in polled {
            // Not yet committed samples of a faster clock are left for the next poll.
            let samples = raw.samples.iter().filter(|sample| sample.at <= until);
            self.read_series(feed, options, &raw.labels, samples, &mut bookings);
        }
        for series in self.series.values() {
            let target = &mut self.targets[series.target];
            target.last = target.last.max(series.counter.last_at);
        }
        bookings.sort_by(|a: &Booking, b| {
            (a.tally, a.increment.at, a.increment.from).cmp(&(
                b.tally,
                b.increment.at,
                b.increment.from,
            ))
        });
        for Booking {
            tally,
            increment,
            counts,
        } in bookings
        {
            let tally = &mut self.tallies[tally];
            if increment.from < increment.at {
                tally.window.spread(increment.from, increment.at, counts);
            } else {
                tally.window.add(increment.at, counts);
            }
        }
    }

    /// Learns how old each target of the poll is, before any of its new series is judged by it.
    fn meet_targets(&mut self, options: &ReadingOptions, until: Timestamp, polled: &[RawSeries]) {
        for raw in polled
            .iter()
            .filter(|raw| !self.series.contains_key(&raw.labels))
        {
            let Some(first) = raw.samples.iter().find(|sample| sample.at <= until) else {
                continue;
            };
            let labels = raw.labels.pick(&options.target_labels);
            match self.target_at.get(&labels) {
                Some(at) => self.targets[*at].first = self.targets[*at].first.min(first.at),
                None => {
                    self.target_at.insert(labels.clone(), self.targets.len());
                    self.targets.push(Target {
                        labels,
                        first: first.at,
                        last: first.at,
                    });
                }
            }
        }
    }

    fn read_series<'a>(
        &mut self,
        feed: &Feed,
        options: &ReadingOptions,
        labels: &Labels,
        samples: impl Iterator<Item = &'a Sample>,
        bookings: &mut Vec<Booking>,
    ) {
        let mut samples = samples.peekable();
        if !self.series.contains_key(labels) {
            let sane = |sample: &&Sample| is_counter_value(sample.value);
            let Some(first) = samples.by_ref().find(sane) else {
                return;
            };
            let Some(series) = self.new_series(feed, options, labels, *first) else {
                return;
            };
            if let Some(increment) = self.first_value(&series, *first) {
                book(&series.routes, increment, bookings);
            }
            self.series.insert(labels.clone(), series);
        }
        let Some(series) = self.series.get_mut(labels) else {
            return;
        };
        for sample in samples {
            if let Some(increment) = series.counter.take(*sample, options.drops) {
                book(&series.routes, increment, bookings);
            }
        }
        let Counter {
            last_at, spacing, ..
        } = series.counter;
        for route in series.routes.iter().filter(|route| route.total != 0.0) {
            let tally = &mut self.tallies[route.tally];
            if last_at >= tally.newest {
                tally.newest = last_at;
                tally.spacing = spacing;
            }
        }
    }

    fn new_series(
        &mut self,
        feed: &Feed,
        options: &ReadingOptions,
        labels: &Labels,
        first: Sample,
    ) -> Option<Series> {
        let target = *self.target_at.get(&labels.pick(&options.target_labels))?;
        let routes = self.routes(feed, options, labels, first.at);
        Some(Series {
            counter: Counter::new(first, options.scrape_interval),
            target,
            routes,
        })
    }

    /// What a new series counted before its first sample, if its target was there to see.
    fn first_value(&self, series: &Series, first: Sample) -> Option<Increment> {
        let target = &self.targets[series.target];
        if target.first >= first.at || first.value <= 0.0 {
            return None;
        }
        let unseen = first.at.since(target.last);
        let from = if is_hole(unseen, series.counter.spacing) {
            target.last
        } else {
            first.at
        };
        Some(Increment {
            from,
            at: first.at,
            amount: first.value,
        })
    }

    fn routes(
        &mut self,
        feed: &Feed,
        options: &ReadingOptions,
        labels: &Labels,
        seen: Timestamp,
    ) -> Vec<Route> {
        let shares = feed
            .shares(labels)
            .into_iter()
            .filter_map(|Share { slo, bad, total }| {
                let slo = &feed.slos[slo];
                let id = InstanceId {
                    slo: slo.id.clone(),
                    labels: labels.pick(&slo.group_by),
                };
                Some(Route {
                    tally: self.tally_for(slo, options, id, seen)?,
                    bad,
                    total,
                })
            });
        shares.collect()
    }

    fn tally_for(
        &mut self,
        slo: &Slo,
        options: &ReadingOptions,
        id: InstanceId,
        seen: Timestamp,
    ) -> Option<usize> {
        if let Some(at) = self.tally_at.get(&id) {
            return Some(*at);
        }
        let siblings = self.tallies.iter().filter(|tally| tally.id.slo == id.slo);
        if !slo.group_by.is_empty() && siblings.count() >= options.instances_max {
            if self.refused.len() < REFUSED_MAX {
                self.refused.insert(id);
            }
            return None;
        }
        self.tally_at.insert(id.clone(), self.tallies.len());
        self.tallies.push(Tally {
            id,
            window: Window::new(layout(slo, options)),
            first: seen,
            newest: Timestamp::from_millis(i64::MIN),
            spacing: options.scrape_interval,
        });
        Some(self.tallies.len() - 1)
    }

    /// Time slices: one event per slice and instance, bad if any series of it says so.
    fn read_slices(
        &mut self,
        feed: &Feed,
        options: &ReadingOptions,
        until: Timestamp,
        polled: &[RawSeries],
    ) {
        let Some(slo) = feed.slos.first().cloned() else {
            return;
        };
        let Indicator::Slices { slice, .. } = slo.indicator else {
            return;
        };
        let mut slices: BTreeMap<(InstanceId, Timestamp), bool> = BTreeMap::new();
        for raw in polled {
            let id = InstanceId {
                slo: slo.id.clone(),
                labels: raw.labels.pick(&slo.group_by),
            };
            for sample in raw.samples.iter().filter(|sample| sample.at <= until) {
                let bad = sample.value == 0.0 || sample.value.is_nan();
                *slices.entry((id.clone(), sample.at)).or_default() |= bad;
            }
        }
        for ((id, at), bad) in slices {
            let Some(tally) = self.tally_for(&slo, options, id, at) else {
                continue;
            };
            let tally = &mut self.tallies[tally];
            if at > tally.newest {
                tally.newest = at;
                tally.spacing = slice;
                tally.window.add(
                    at,
                    Counts {
                        bad: f64::from(u8::from(bad)),
                        total: 1.0,
                    },
                );
            }
        }
    }
}

/// An increment on its way into a window.
struct Booking {
    tally: usize,
    increment: Increment,
    counts: Counts,
}

fn book(routes: &[Route], increment: Increment, bookings: &mut Vec<Booking>) {
    for Route { tally, bad, total } in routes {
        let counts = Counts {
            bad: bad * increment.amount,
            total: total * increment.amount,
        };
        bookings.push(Booking {
            tally: *tally,
            increment,
            counts,
        });
    }
}

fn layout(slo: &Slo, options: &ReadingOptions) -> Layout {
    Layout {
        interval: options.interval,
        longest_window: slo.policy.longest_window(),
        period: slo.period,
    }
}

/// Changes whenever the SLO measures something else.
fn fingerprint(slo: &Slo) -> u64 {
    let mut hash = Fnv::default();
    match &slo.indicator {
        Indicator::Counters { bad, total } => {
            for (side, terms) in [("bad", bad), ("total", total)] {
                for term in terms {
                    hash.write(
                        format!("{side} {} {}\n", term.coefficient, term.selector).as_bytes(),
                    );
                }
            }
        }
        Indicator::Slices { condition, slice } => {
            hash.write(format!("slices {slice} {condition}\n").as_bytes());
        }
        Indicator::Windows(query) => hash.write(format!("{query:?}\n").as_bytes()),
    }
    hash.write(format!("{:?}", slo.group_by).as_bytes());
    hash.0
}

#[cfg(test)]
mod tests;
