//! Reading counters: from the samples of a poll to events in windows.

use crate::engine::counts::Counts;
use crate::engine::feed::{Feed, Share};
use crate::engine::labels::Labels;
use crate::engine::sample::{self, RawSeries, Sample};
use crate::engine::series::{Counter, Increment, is_counter_value, is_hole, is_whole};
use crate::engine::slo::InstanceId;
use crate::engine::time::{Span, Timestamp};
use crate::engine::window::BUCKET;

use super::ahead::EXACT_MAX;
use super::targets::Births;
use super::{Measure, ReadingOptions, Route, Series};

/// An increment on its way into a window.
struct Booking {
    tally: usize,
    increment: Increment,
    counts: Counts,
}

impl Measure {
    /// Books what the series of a poll have counted.
    pub(super) fn read_counters(
        &mut self,
        feed: &Feed,
        options: &ReadingOptions,
        until: Timestamp,
        polled: &[RawSeries],
    ) {
        let births = self.births(options, until, polled);
        let mut bookings = Vec::new();
        for raw in polled {
            self.read_series(
                feed,
                options,
                &births,
                &raw.labels,
                readable(raw, until),
                &mut bookings,
            );
        }
        // Sums of fractions depend on the order; those of whole events do not.
        let is_whole =
            |booking: &Booking| is_exact(booking.counts.bad) && is_exact(booking.counts.total);
        if !bookings.iter().all(is_whole) {
            bookings.sort_by_key(|booking: &Booking| {
                (booking.tally, booking.increment.at, booking.increment.from)
            });
        }
        for booking in bookings {
            let window = &mut self.tallies.tallies[booking.tally].window;
            let Increment { from, at, .. } = booking.increment;
            if from < at {
                window.spread(from, at, booking.counts);
            } else {
                window.add(at, booking.counts);
            }
        }
    }

    /// Finds out when the target of each new series was last seen before the series began.
    fn births(
        &mut self,
        options: &ReadingOptions,
        until: Timestamp,
        polled: &[RawSeries],
    ) -> Births {
        let mut births = Births::default();
        for raw in polled {
            if self.series.contains_key(&raw.labels) {
                continue;
            }
            if let Some(first) = first_value(readable(raw, until)) {
                let target = self.targets.number(raw.labels.pick(&options.target_labels));
                births.add(&self.targets, target, first.at);
            }
        }
        if births.is_empty() {
            return births;
        }
        for raw in polled {
            let samples = readable(raw, until);
            if let Some(series) = self.series.get(&raw.labels) {
                births.see(series.target, samples);
            } else if let Some(first) = first_value(samples) {
                let target = self.targets.number(raw.labels.pick(&options.target_labels));
                let counting = samples.partition_point(|sample| sample.at < first.at);
                births.see(target, samples.get(counting..).unwrap_or_default());
            }
        }
        births
    }

    fn read_series(
        &mut self,
        feed: &Feed,
        options: &ReadingOptions,
        births: &Births,
        labels: &Labels,
        samples: &[Sample],
        bookings: &mut Vec<Booking>,
    ) {
        if !self.series.contains_key(labels) {
            let Some(first) = first_value(samples) else {
                return;
            };
            let series = self.new_series(feed, options, labels, *first);
            if let Some(seen) = births.seen_before(series.target, first.at) {
                self.book_first_value(&series, *first, seen, bookings);
            }
            self.series.insert(labels.clone(), series);
        }
        let Some(series) = self.series.get_mut(labels) else {
            return;
        };
        let mut open: Option<Increment> = None;
        for sample in samples {
            let Some(increment) = series.counter.take(*sample, options.drops) else {
                continue;
            };
            open = match open {
                Some(before) => match join(before, increment, options.interval) {
                    Some(joined) => Some(joined),
                    None => {
                        book(&series.routes, before, bookings);
                        Some(increment)
                    }
                },
                None => Some(increment),
            };
        }
        if let Some(last) = open {
            book(&series.routes, last, bookings);
        }
        let Counter {
            last_at, spacing, ..
        } = series.counter;
        self.targets.see(series.target, last_at);
        for route in series.routes.iter().filter(|route| route.total != 0.0) {
            let tally = &mut self.tallies.tallies[route.tally];
            if Some(last_at) >= tally.newest {
                tally.newest = Some(last_at);
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
    ) -> Series {
        Series {
            counter: Counter::new(first, options.scrape_interval),
            target: self.targets.number(labels.pick(&options.target_labels)),
            routes: self.routes(feed, options, labels, first.at),
        }
    }

    /// What a new series counted before its first sample, in every SLO that would have seen an
    /// older one: its target was `seen` without it.
    fn book_first_value(
        &self,
        series: &Series,
        first: Sample,
        seen: Timestamp,
        bookings: &mut Vec<Booking>,
    ) {
        if first.value <= 0.0 {
            return;
        }
        let in_hole = is_hole(first.at.since(seen), series.counter.spacing);
        let increment = Increment {
            from: if in_hole { seen } else { first.at },
            at: first.at,
            amount: first.value,
        };
        let watched = |route: &&Route| {
            let slo = &self.tallies.tallies[route.tally].id.slo;
            self.covered_from(slo).is_some_and(|from| from <= seen)
        };
        book(series.routes.iter().filter(watched), increment, bookings);
    }

    /// Routes every known series anew.
    pub(super) fn route_all(&mut self, feed: &Feed, options: &ReadingOptions) {
        let mut all = std::mem::take(&mut self.series);
        for (labels, series) in &mut all {
            series.routes = self.routes(feed, options, labels, series.counter.last_at);
        }
        self.series = all;
    }

    fn routes(
        &mut self,
        feed: &Feed,
        options: &ReadingOptions,
        labels: &Labels,
        seen: Timestamp,
    ) -> Vec<Route> {
        let shares = feed.shares(labels).into_iter();
        let route = |Share { slo, bad, total }| {
            let slo = &feed.slos[slo];
            let id = InstanceId {
                slo: slo.id.clone(),
                labels: labels.pick(&slo.group_by),
            };
            let tally = self.tallies.number(slo, options, id, seen)?;
            Some(Route { tally, bad, total })
        };
        shares.filter_map(route).collect()
    }
}

/// The samples of a poll up to its end: what a faster clock has stamped is left for the next.
fn readable(raw: &RawSeries, until: Timestamp) -> &[Sample] {
    sample::until(&raw.samples, until)
}

/// The first sample of a series that can be a counter's.
fn first_value(samples: &[Sample]) -> Option<&Sample> {
    samples.iter().find(|sample| is_counter_value(sample.value))
}

/// Two increments as one, if both are whole events that fall into the same bucket.
fn join(before: Increment, next: Increment, interval: Span) -> Option<Increment> {
    let at_once = |increment: Increment| increment.from == increment.at;
    let nests = interval >= BUCKET || BUCKET.as_millis() % interval.as_millis().max(1) == 0;
    let width = interval.min(BUCKET).as_millis().max(1);
    let bucket = |at: Timestamp| (at.as_millis() - 1).div_euclid(width);
    let joins = nests
        && at_once(before)
        && at_once(next)
        && bucket(before.at) == bucket(next.at)
        && is_exact(before.amount)
        && is_exact(next.amount);
    joins.then_some(Increment {
        amount: before.amount + next.amount,
        ..next
    })
}

/// Whether sums of such numbers, a few million of them, are exact in any order.
fn is_exact(amount: f64) -> bool {
    amount.abs() <= EXACT_MAX && is_whole(amount)
}

fn book<'a>(
    routes: impl IntoIterator<Item = &'a Route>,
    increment: Increment,
    bookings: &mut Vec<Booking>,
) {
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
