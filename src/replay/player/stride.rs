//! Strides: one feed on its way through a stretch of the past, and where it need not look.

use std::sync::Arc;

use super::super::reel::Reel;
use crate::engine::sample::until as samples_until;
use crate::engine::{Engine, Indicator, Input, RawSeries, Slo, Span, Timestamp, Upcoming};
use crate::prometheus::PolledFeed;

/// An SLO that cannot rest for all of a stretch is looked at so often. An hour is a multiple of it:
/// once an hour the engine forgets what is gone, and is to do so at the same slots as without
/// strides.
const STRIDE: Span = Span::from_mins(30);

/// A feed with the samples of a stretch, of each series those that are not yet told.
pub(super) struct Lane {
    pub(super) feed: Arc<PolledFeed>,
    series: Vec<(RawSeries, usize)>,
    plan: Option<Plan>,
}

/// Which SLOs rest, and until when.
struct Plan {
    /// When to make the next.
    until: Timestamp,
    /// By position of the SLO: the slot at which it is decided again.
    rests: Vec<Timestamp>,
    /// By position of the series: the slot at which it is told again.
    withheld: Vec<Timestamp>,
    /// The first slot at which anything is told.
    wakes: Timestamp,
}

impl Lane {
    pub(super) fn new(feed: Arc<PolledFeed>, series: Vec<RawSeries>) -> Self {
        Self {
            feed,
            series: series.into_iter().map(|series| (series, 0)).collect(),
            plan: None,
        }
    }

    /// Whether nothing of the feed is decided at a slot.
    pub(super) fn rests(&self, slot: Timestamp) -> bool {
        self.plan.as_ref().is_some_and(|plan| slot < plan.wakes)
    }

    /// Finds out which SLOs may rest after `from`, if it is time to: for all of the stretch, which
    /// ends at `until`, or for a stride of it.
    pub(super) fn plan(
        &mut self,
        engine: &mut Engine,
        reel: &mut dyn Reel,
        from: Timestamp,
        until: Timestamp,
        interval: Span,
    ) {
        if self.plan.as_ref().is_some_and(|plan| from < plan.until) {
            return;
        }
        let near = (from.align_down(STRIDE) + STRIDE).min(until);
        let old = self.plan.take().map(|plan| plan.rests);
        let mut plan = Plan {
            until: near,
            rests: old.unwrap_or_else(|| vec![from; self.feed.slos.len()]),
            withheld: vec![from; self.series.len()],
            wakes: from,
        };
        for end in [until, near] {
            let is_done = plan.rests.iter().all(|rest| *rest > from);
            if !is_done && self.answers(reel, from, end, interval) {
                self.find_rests(engine, &mut plan, (from, end), interval);
            }
            if near == until {
                break;
            }
        }
        plan.wakes = plan.rests.iter().min().copied().unwrap_or(from);
        plan.until = near.max(plan.wakes);
        self.plan = Some(plan);
    }

    /// Whether samples are read at all of these slots.
    fn answers(
        &self,
        reel: &mut dyn Reel,
        from: Timestamp,
        until: Timestamp,
        interval: Span,
    ) -> bool {
        let counts = |slo: &Arc<Slo>| matches!(slo.indicator, Indicator::Counters { .. });
        let mut slot = from;
        while slot < until {
            slot = slot + interval;
            if reel.failure(&self.feed, slot).is_some() {
                return false;
            }
        }
        self.feed.slos.iter().all(counts)
    }

    /// Lets SLOs rest up to `until`, and those of which not all is calm or can be read ahead up to
    /// the end of this stride.
    fn find_rests(
        &mut self,
        engine: &mut Engine,
        plan: &mut Plan,
        (from, until): (Timestamp, Timestamp),
        interval: Span,
    ) {
        let upcoming: Vec<Upcoming<'_>> = self
            .series
            .iter()
            .map(|(series, told)| {
                let rest = series.samples.get(*told..).unwrap_or_default();
                (&series.labels, samples_until(rest, until))
            })
            .collect();
        let Some(calm) = engine.calm(&self.feed.key, from, until, &upcoming) else {
            return;
        };
        let mut is_ahead = vec![false; plan.rests.len()];
        for (shares, _) in calm
            .shares
            .iter()
            .zip(&calm.read)
            .filter(|(_, read)| **read)
        {
            shares.iter().for_each(|slo| is_ahead[*slo] = true);
        }
        for (slo, calm_until) in calm.until.iter().enumerate() {
            if *calm_until <= from {
                continue;
            }
            plan.rests[slo] = match is_ahead[slo] {
                true => calm.end,
                false => (*calm_until + interval).min(plan.until),
            };
        }
        for (at, shares) in calm.shares.iter().enumerate() {
            let rests = shares.iter().filter_map(|slo| plan.rests.get(*slo));
            plan.withheld[at] = rests.min().copied().unwrap_or(from);
        }
        let read = self.series.iter_mut().zip(&calm.read);
        for ((series, told), _) in read.filter(|(_, read)| **read) {
            let rest = series.samples.get(*told..).unwrap_or_default();
            *told += samples_until(rest, calm.end).len();
        }
        let input = Input::Rested {
            feed: self.feed.key.clone(),
            until: plan.rests.clone(),
            ahead: Some(calm.ahead),
        };
        engine.step(from, input);
    }

    /// The samples up to `until` that have not been taken yet, but for those that are withheld.
    pub(super) fn take_until(&mut self, until: Timestamp) -> Vec<RawSeries> {
        let mut taken = Vec::new();
        for (at, (series, told)) in self.series.iter_mut().enumerate() {
            let withheld = self.plan.as_ref().and_then(|plan| plan.withheld.get(at));
            if withheld.is_some_and(|told_at| until < *told_at) {
                continue;
            }
            let rest = series.samples.get(*told..).unwrap_or_default();
            let samples = samples_until(rest, until);
            if !samples.is_empty() {
                taken.push(RawSeries {
                    labels: series.labels.clone(),
                    samples: samples.to_vec(),
                });
                *told += samples.len();
            }
        }
        taken
    }
}
