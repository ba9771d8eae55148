//! The past of one instance: any window's counts at the cost of a subtraction.
//!
//! Every event is booked in each ring; a window is read from the finest ring that reaches far
//! enough. At the usual 30 s interval that is exact 30 s buckets for the longest tier window and
//! 1 h buckets for the rest of the period (layout F of the measurements: no window error up to
//! 3 d, in the memory of a coarse layout). Where a calendar period begins at a quarter of an hour
//! those are 15 min wide, so that its edge is exact too.

use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::ring::Ring;
use super::series::is_whole;
use super::time::{Span, Timestamp};

/// Width of the buckets that tiers are decided on, unless slots are closer together.
pub(super) const BUCKET: Span = Span::from_secs(30);
/// Width of the buckets that only the budget is computed from, as a rule ...
const BUDGET_BUCKET: Span = Span::from_hours(1);
/// ... and where a calendar period begins at a quarter of an hour.
const BUDGET_BUCKET_QUARTERS: Span = Span::from_mins(15);
/// History comes in sums of so much time.
pub(super) const HISTORY_STEP: Span = Span::from_hours(1);
/// How far back buckets narrower than [`BUCKET`] are kept.
const NARROW_SPAN: Span = Span::from_hours(6);
/// The share of events that one gap may be spread over, in buckets of the finest ring.
const SPREAD_BUCKETS_MAX: i64 = 8640;

/// What the rings of one SLO's instances look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Time between slots.
    pub interval: Span,
    /// The longest window a tier reads.
    pub longest_window: Span,
    /// The period of the budget.
    pub period: Span,
    /// Whether the period may begin at a quarter of an hour.
    pub quarters: bool,
}

/// The events of one instance in rings of rising width and reach.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Window {
    layout: Layout,
    rings: Vec<(Span, Ring)>,
}

impl Window {
    /// Empty, for an SLO of this layout.
    pub fn new(layout: Layout) -> Self {
        let fine = if layout.interval < BUCKET {
            layout.interval
        } else {
            BUCKET
        };
        let mut reaches = Vec::new();
        if fine < BUCKET {
            reaches.push((fine, layout.longest_window.min(NARROW_SPAN)));
        }
        if fine == BUCKET || layout.longest_window > NARROW_SPAN {
            reaches.push((BUCKET, layout.longest_window));
        }
        if layout.period > layout.longest_window {
            let bucket = match layout.quarters {
                true => BUDGET_BUCKET_QUARTERS,
                false => BUDGET_BUCKET,
            };
            reaches.push((bucket, layout.period));
        }
        let rings = reaches
            .into_iter()
            .map(|(width, reach)| (reach, Ring::new(width, reach)))
            .collect();
        Self { layout, rings }
    }

    /// The layout it was made for.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Books events at one time.
    pub fn add(&mut self, at: Timestamp, counts: Counts) {
        for (_, ring) in &mut self.rings {
            ring.add(at, counts);
        }
    }

    /// Books events that happened somewhere in `(from, to]`, evenly.
    ///
    /// Whole events stay whole: the sum and the integrality survive the spreading.
    pub fn spread(&mut self, from: Timestamp, to: Timestamp, counts: Counts) {
        for (_, ring) in &mut self.rings {
            spread(ring, from, to, counts);
        }
    }

    /// Books an hour of the period's history, evenly: only the budget's ring takes it, and only
    /// where that ring is not the one that tiers are read from.
    pub fn add_history(&mut self, at: Timestamp, counts: Counts) {
        let budget_only = self.layout.period > self.layout.longest_window;
        if let (true, Some((_, ring))) = (budget_only, self.rings.last_mut()) {
            spread(ring, at - HISTORY_STEP, at, counts);
        }
    }

    /// The events of `(now - window, now]`, where nothing newer than `now` has been booked: the
    /// past is read up to a slot, never beyond it. A window beyond the period reads the period.
    pub fn sum(&self, window: Span, now: Timestamp) -> Counts {
        self.ring(window)
            .map_or(Counts::ZERO, |ring| ring.since(now - window))
    }

    /// The events of `(now - span, now]`, read from the buckets that `window` is read from.
    pub(super) fn sum_of(&self, window: Span, span: Span, now: Timestamp) -> Counts {
        self.ring(window)
            .map_or(Counts::ZERO, |ring| ring.since(now - span))
    }

    /// At least and at most the events of `(now - span, now]`, read from the buckets that `window`
    /// is read from; much cheaper than how many there are.
    pub(super) fn sum_about(&self, window: Span, span: Span, now: Timestamp) -> (Counts, Counts) {
        self.ring(window)
            .map_or((Counts::ZERO, Counts::ZERO), |ring| {
                ring.since_about(now - span)
            })
    }

    /// Books a row of buckets, the first of them after `from`. They are so narrow that those of
    /// every ring are made of whole ones.
    pub(super) fn add_row(&mut self, from: Timestamp, width: Span, row: &[Counts]) {
        for (_, ring) in &mut self.rings {
            ring.add_row(from, width, row);
        }
    }

    /// What a window would hold at each slot after `from`, if so much came at `each` of them.
    /// `None` where slots do not end with buckets, and where sums of fractions would not be exact.
    pub(super) fn slide(
        &self,
        window: Span,
        from: Timestamp,
        interval: Span,
        each: &[Counts],
    ) -> Option<Vec<Counts>> {
        let ring = self.ring(window)?;
        let divides = |small: Span, large: Span| {
            !small.is_zero() && large.as_millis() % small.as_millis() == 0
        };
        let width = ring.width();
        let is_aligned =
            divides(width, interval) && divides(interval, window) && from.align_down(width) == from;
        if !is_aligned {
            return None;
        }
        let slots = usize::try_from(window.as_millis() / interval.as_millis()).ok()?;
        let per_slot = usize::try_from(interval.as_millis() / width.as_millis()).ok()?;
        let leaving = ring.after(from - window, slots.min(each.len()) * per_slot);
        let leaving = leaving
            .chunks(per_slot)
            .map(|buckets| buckets.iter().fold(Counts::ZERO, |sum, b| sum + *b))
            .chain(each.iter().copied());
        let is_exact = |counts: Counts| is_whole(counts.bad) && is_whole(counts.total);
        let mut sum = ring.since(from - window);
        let mut are_exact = is_exact(sum);
        let mut sums = Vec::with_capacity(each.len());
        for (coming, leaving) in each.iter().zip(leaving) {
            are_exact &= is_exact(*coming) && is_exact(leaving);
            sum = sum + *coming - leaving;
            sums.push(sum);
        }
        are_exact.then_some(sums)
    }

    /// The finest ring that reaches far enough.
    fn ring(&self, window: Span) -> Option<&Ring> {
        let mut rings = self.rings.iter();
        let fitting = rings.find(|(reach, _)| *reach >= window);
        fitting.or_else(|| self.rings.last()).map(|(_, ring)| ring)
    }

    /// The width of the buckets that a window is read from.
    pub fn width(&self, window: Span) -> Span {
        self.ring(window).map_or(Span::ZERO, Ring::width)
    }

    /// The edge of the bucket that this time lies in, at its old end or at its young one. Older
    /// times lie in wider buckets.
    pub(super) fn edges(&self, at: Timestamp, now: Timestamp) -> (Timestamp, Timestamp) {
        let width = self.width(now.since(at));
        let old = at.align_down(width);
        (old, if old == at { at } else { old + width })
    }

    /// The newest `count` events and the time after which they lie, from the finest ring that
    /// holds so many; `None` when there are fewer in `(now - within, now]`. The bucket at the
    /// edge counts by its share, as if its events lay evenly in it.
    pub fn last(&self, count: f64, within: Span, now: Timestamp) -> Option<(Timestamp, Counts)> {
        let newest = |(reach, ring): &(Span, Ring)| ring.last(count, now - within.min(*reach));
        self.rings.iter().find_map(newest)
    }

    /// Packs what is no longer written to.
    pub fn seal(&mut self) {
        for (_, ring) in &mut self.rings {
            ring.seal();
        }
    }
}

fn spread(ring: &mut Ring, from: Timestamp, to: Timestamp, counts: Counts) {
    let width = ring.width();
    let length = to.since(from);
    let pieces = (length.as_millis() / width.as_millis()).clamp(1, SPREAD_BUCKETS_MAX);
    let mut booked = Counts::ZERO;
    for piece in 1..=pieces {
        let until = portion(counts, piece as f64 / pieces as f64);
        let at = from + length.scale(piece as f64 / pieces as f64);
        let part = until - booked;
        if part != Counts::ZERO {
            ring.add(if piece == pieces { to } else { at }, part);
        }
        booked = until;
    }
}

fn portion(counts: Counts, share: f64) -> Counts {
    let of = |value: f64| {
        if value.fract() == 0.0 {
            (value * share).round()
        } else {
            value * share
        }
    };
    if share >= 1.0 {
        return counts;
    }
    Counts {
        bad: of(counts.bad),
        total: of(counts.total),
    }
}

#[cfg(test)]
mod tests;
