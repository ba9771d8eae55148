//! The measuring state of one feed: every counter's last sample and every instance's past.
//!
//! A [`Measure`] reads polls in time order and books what was counted into the windows of the
//! instances. It is a cache: Prometheus stays the source of truth, and a measure can be thrown
//! away and read again. Saved to disk it lets a restart continue where it stopped.
//!
//! First values. A new series of a target that was seen before counts from zero, for a counter
//! that appears with its first error would otherwise hide it; this is what `rate()` misses. The
//! first value of a new target does not count: it may have been counting for days unseen. Nor
//! does it count for an SLO that was not yet read when the target was last seen: nobody looked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::blind::Blindness;
use super::counts::Counts;
use super::feed::Feed;
use super::labels::Labels;
use super::presence::Presence;
use super::sample::{self, RawSeries};
use super::series::{Counter, Drops};
use super::slo::{Indicator, InstanceId, SloId};
use super::time::{Span, Timestamp};
use super::window::HISTORY_STEP;

mod ahead;
mod counters;
mod coverage;
mod foresight;
mod slices;
mod tallies;
mod targets;

pub(super) use ahead::Ahead;
pub(super) use foresight::{Coming, Seen};
pub use tallies::Tally;

use coverage::Coverage;
use tallies::Tallies;
use targets::Targets;

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
    targets: Targets,
    tallies: Tallies,
    presence: Presence,
    /// Slots in a row without evidence: kept here so that a restart does not begin to count anew.
    pub(super) blindness: Blindness,
}

/// A counter and where it counts.
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
        &self.tallies.tallies
    }

    /// The instances of one SLO, without a look at those of others.
    pub(super) fn tallies_of(&self, slo: &SloId) -> impl Iterator<Item = &Tally> {
        self.tallies.of_slo(slo)
    }

    /// The numbers of the instances of one SLO.
    pub(super) fn numbers_of(&self, slo: &SloId) -> impl Iterator<Item = usize> {
        self.tallies.numbers_of(slo)
    }

    /// The past of one instance.
    pub fn tally(&self, id: &InstanceId) -> Option<&Tally> {
        self.tallies.get(id)
    }

    /// How many series are remembered.
    pub fn series_count(&self) -> usize {
        self.series.len()
    }

    /// How many instances were refused because their SLO has too many.
    pub fn refused_count(&self) -> usize {
        self.tallies.refused_count()
    }

    /// Makes the measure fit a feed after a restart or a reload: windows of definitions that are
    /// gone, measure something else or need other windows are dropped, series are routed anew.
    pub fn attach(&mut self, feed: &Feed, options: &ReadingOptions) {
        let slos: BTreeMap<_, _> = feed.slos.iter().map(|slo| (&slo.id, slo)).collect();
        self.coverage.retain(|id, coverage| {
            let slo = slos.get(id);
            slo.is_some_and(|slo| coverage.is_of(slo, options))
        });
        let coverage = &self.coverage;
        self.tallies
            .retain(|tally| coverage.contains_key(&tally.id.slo));
        self.targets.reindex();
        self.route_all(feed, options);
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
        let covered_from = self.read_until.map_or(from, |read| read.max(from));
        // What is covered is of the feed, so numbers tell whether anything is not.
        if self.coverage.len() < feed.slos.len() {
            self.cover(feed, options, covered_from);
        }
        self.see(until, polled);
        match feed.slos.first().map(|slo| &slo.indicator) {
            Some(Indicator::Slices { .. }) => self.read_slices(feed, options, until, polled),
            _ => self.read_counters(feed, options, until, polled),
        }
        self.read_until = self.read_until.max(Some(until));
        for tally in &mut self.tallies.tallies {
            tally.window.seal();
        }
    }

    /// SLOs that were never read are covered from here on.
    fn cover(&mut self, feed: &Feed, options: &ReadingOptions, from: Timestamp) {
        for slo in &feed.slos {
            if !self.coverage.contains_key(&slo.id) {
                let coverage = Coverage::new(from, slo, options);
                self.coverage.insert(slo.id.clone(), coverage);
            }
        }
    }

    /// Whether the hours of the SLO's period have been read.
    pub fn hours_read(&self, slo: &SloId) -> bool {
        self.coverage
            .get(slo)
            .is_some_and(|coverage| coverage.hours_read)
    }

    /// Remembers that the hours of the SLO's period have been read, all of them.
    pub fn set_hours_read(&mut self, slo: &SloId) {
        if let Some(coverage) = self.coverage.get_mut(slo) {
            coverage.hours_read = true;
        }
    }

    /// Books hourly sums from before the covered time into the budget of an instance that exists.
    pub fn read_history(&mut self, id: &InstanceId, at: Timestamp, counts: Counts) {
        let Some(tally) = self.tallies.get_mut(id) else {
            return;
        };
        tally.window.add_history(at, counts.sane());
        if counts.total > 0.0 {
            tally.first = tally.first.min(at - HISTORY_STEP);
        }
        tally.window.seal();
    }

    /// Forgets the series and instances that are gone. An SLO without labels has its one instance
    /// for ever.
    pub(super) fn forget(&mut self, feed: &Feed, options: &ReadingOptions) {
        let Some(horizon) = self.presence.horizon(options.forget_after) else {
            return;
        };
        let series_before = self.series.len();
        self.series
            .retain(|_, series| series.counter.last_at >= horizon);
        if self.series.len() != series_before {
            self.targets
                .keep(self.series.values_mut().map(|series| &mut series.target));
        }
        let keep = |tally: &Tally| tally.id.labels.is_empty() || tally.newest >= Some(horizon);
        if self.tallies.retain(keep) {
            self.route_all(feed, options);
        }
    }

    /// Whether this label set would have been seen if it still existed.
    pub(super) fn is_gone(&self, id: &InstanceId, options: &ReadingOptions) -> bool {
        self.is_watched(&id.slo, options) && !id.labels.is_empty() && self.tally(id).is_none()
    }

    /// Whether the SLO has been read for so long that what was not seen is gone.
    pub(super) fn is_watched(&self, slo: &SloId, options: &ReadingOptions) -> bool {
        let horizon = self.presence.horizon(options.forget_after);
        self.covered_from(slo)
            .is_some_and(|from| Some(from) <= horizon)
    }

    /// Marks the time up to which a feed that reads nothing by itself has been decided.
    pub(super) fn stand(&mut self, at: Timestamp) {
        self.read_until = self.read_until.max(Some(at));
    }

    /// Notes when the feed was seen.
    fn see(&mut self, until: Timestamp, polled: &[RawSeries]) {
        let seen = self.presence.newest();
        let new = |raw: &RawSeries| -> Option<(Timestamp, Timestamp)> {
            let readable = sample::until(&raw.samples, until);
            let begin = match readable.first() {
                Some(first) if Some(first.at) > seen => 0,
                _ => readable.partition_point(|sample| Some(sample.at) <= seen),
            };
            let samples = readable.get(begin..)?;
            Some((samples.first()?.at, samples.last()?.at))
        };
        let stretches = polled.iter().filter_map(new);
        let join =
            |a: (Timestamp, Timestamp), b: (Timestamp, Timestamp)| (a.0.min(b.0), a.1.max(b.1));
        if let Some((oldest, newest)) = stretches.reduce(join) {
            self.presence.see(oldest, newest);
        }
    }
}

#[cfg(test)]
mod tests;
