//! Reading ahead: what a series counts over a stretch, in one pass over its samples.
//!
//! The pass takes the samples through the same [`Counter`] that a poll would and books what comes
//! of them into a row of buckets, as wide as the finest of a window. Where the stretch proves to be
//! calm an [`Ahead`] is all that is left to do: the counters as they stand at its end, and the rows,
//! which are added to the rings at once. That comes to the same as polling slot by slot, for
//!
//! - every event of such a row is booked at the time of its own sample (a hole is spread, and what
//!   is spread is not read ahead), and buckets of all rings are made of whole ones of a row;
//! - every number in it is whole, and sums of whole numbers do not depend on the order.

use crate::engine::calm::Stretch;
use crate::engine::counts::Counts;
use crate::engine::labels::Labels;
use crate::engine::sample::Sample;
use crate::engine::series::{Counter, Drops, is_whole};
use crate::engine::time::{Span, Timestamp};
use crate::engine::window::BUCKET;

use super::{Measure, Route};

/// More events in one bucket are not taken for whole: sums of them might not be exact.
pub(super) const EXACT_MAX: f64 = 1e9;

/// What some instances count in a stretch, ready to be booked.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::engine) struct Ahead {
    pub(in crate::engine) from: Timestamp,
    pub(in crate::engine) width: Span,
    /// Every counter as it stands at the end.
    pub(in crate::engine) counters: Vec<(Labels, Counter)>,
    /// By number of the instance, the events of each bucket.
    pub(in crate::engine) rows: Vec<(usize, Vec<Counts>)>,
    /// The oldest and the newest sample.
    pub(in crate::engine) seen: Option<(Timestamp, Timestamp)>,
}

/// What one series comes to in a stretch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Passed {
    pub(super) counter: Counter,
    /// All that it counts.
    pub(super) amount: f64,
    /// The longest time between two samples, up to the end of the stretch.
    pub(super) silence: Span,
    /// The least that its scrape interval was taken for.
    pub(super) spacing: Span,
    /// The first sample after a hole.
    pub(super) disturbed: Option<Timestamp>,
    /// Whether all it counts is whole events of the stretch.
    pub(super) is_whole: bool,
}

/// Takes the samples of a stretch, and adds what they count to the buckets of a row.
pub(super) fn pass(
    mut counter: Counter,
    samples: &[Sample],
    drops: Drops,
    stretch: &Stretch,
    row: &mut [f64],
) -> Passed {
    let width = stretch.width();
    let (mut bucket, mut edge) = (0, stretch.from + width);
    let (mut silence, mut spacing) = (Span::ZERO, counter.spacing);
    let (mut amount, mut disturbed) = (0.0, None);
    let mut is_all_whole = true;
    for sample in samples {
        let before = counter.last_at;
        let increment = counter.take(*sample, drops);
        if counter.last_at > before {
            let elapsed = counter.last_at.since(before);
            silence = silence.max(elapsed);
            spacing = spacing.min(elapsed);
        }
        let Some(increment) = increment else {
            continue;
        };
        if increment.from < increment.at {
            disturbed = disturbed.or(Some(sample.at));
        }
        amount += increment.amount;
        is_all_whole &= is_whole(increment.amount) && sample.at > stretch.from;
        // Buckets are walked, not divided for: samples come in rising time.
        while sample.at > edge && bucket + 1 < row.len() {
            edge = edge + width;
            bucket += 1;
        }
        if let Some(counted) = row.get_mut(bucket) {
            *counted += increment.amount;
        }
    }
    Passed {
        counter,
        amount,
        silence: silence.max(stretch.until.since(counter.last_at)),
        spacing,
        disturbed,
        is_whole: is_all_whole && amount <= EXACT_MAX,
    }
}

/// Adds the events of a route to the row of its instance.
pub(super) fn add_row(route: &Route, amounts: &[f64], row: &mut Vec<Counts>) {
    row.resize(amounts.len(), Counts::ZERO);
    for (counts, amount) in row.iter_mut().zip(amounts) {
        counts.bad += route.bad * amount;
        counts.total += route.total * amount;
    }
}

impl Stretch {
    /// How wide the buckets of a row are: as the finest of a window.
    pub(super) fn width(&self) -> Span {
        match self.nests() {
            true => self.interval.min(BUCKET),
            false => self.interval,
        }
    }

    /// Whether buckets of all rings are made of whole buckets of a row, and slots too.
    pub(in crate::engine) fn nests(&self) -> bool {
        let (interval, bucket) = (self.interval.as_millis().max(1), BUCKET.as_millis());
        let nests = interval % bucket == 0 || bucket % interval == 0;
        nests && self.from.align_down(self.interval) == self.from
    }

    /// How many buckets a row has.
    pub(super) fn buckets(&self) -> usize {
        let length = self.until.since(self.from).as_millis();
        usize::try_from(length / self.width().as_millis().max(1)).unwrap_or(0)
    }
}

impl Measure {
    /// Books what was read ahead. The time up to which has been read stays where it is, for the
    /// rest of the feed is yet to come.
    pub(in crate::engine) fn book_ahead(&mut self, ahead: Ahead) {
        for (labels, counter) in ahead.counters {
            let Some(series) = self.series.get_mut(&labels) else {
                continue;
            };
            series.counter = counter;
            self.targets.see(series.target, counter.last_at);
            for route in series.routes.iter().filter(|route| route.total != 0.0) {
                let tally = &mut self.tallies.tallies[route.tally];
                if Some(counter.last_at) >= tally.newest {
                    tally.newest = Some(counter.last_at);
                    tally.spacing = counter.spacing;
                }
            }
        }
        for (number, row) in ahead.rows {
            if let Some(tally) = self.tallies.tallies.get_mut(number) {
                tally.window.add_row(ahead.from, ahead.width, &row);
                tally.window.seal();
            }
        }
        if let Some((oldest, newest)) = ahead.seen {
            self.presence.see(oldest, newest);
        }
    }

    /// When, at the earliest, something of the feed may be forgotten; `None` if there is nothing.
    pub(in crate::engine) fn forgets_from(&self, forget_after: Span) -> Option<Timestamp> {
        let series = self.series.values().map(|series| series.counter.last_at);
        let grouped = self.tallies.tallies.iter();
        let grouped = grouped.filter(|tally| !tally.id.labels.is_empty());
        let never = Timestamp::from_millis(i64::MIN);
        let instances = grouped.map(|tally| tally.newest.unwrap_or(never));
        series
            .chain(instances)
            .min()
            .map(|oldest| oldest + forget_after)
    }
}
