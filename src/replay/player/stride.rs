//! Strides: one feed on its way through a stretch of the past, and where it need not look.

use std::sync::Arc;

use super::super::reel::Reel;
use crate::engine::sample::until as samples_until;
use crate::engine::{Engine, Indicator, Input, RawSeries, Slo, Span, Timestamp, Upcoming};
use crate::prometheus::PolledFeed;

/// Every SLO is decided at least so often. An hour is a multiple of it: once an hour the engine
/// forgets what is gone, and is to do so at the same slots as without strides.
const STRIDE: Span = Span::from_mins(30);

/// The end of a stride that begins after `from`, in a stretch that ends at `until`.
pub(super) fn end(from: Timestamp, until: Timestamp) -> Timestamp {
    (from.align_down(STRIDE) + STRIDE).min(until)
}

/// A feed with the samples of a stretch, of each series those that are not yet told.
pub(super) struct Lane {
    pub(super) feed: Arc<PolledFeed>,
    series: Vec<(RawSeries, usize)>,
    plan: Option<Plan>,
}

/// Which SLOs rest, and until when.
struct Plan {
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

    /// Finds out which SLOs may rest after `from`, once for each stride.
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
        let mut plan = Plan {
            until,
            rests: Vec::new(),
            withheld: Vec::new(),
            wakes: from,
        };
        if self.answers(reel, from, until, interval) {
            self.find_rests(engine, &mut plan, from, interval);
        }
        let input = Input::Rested {
            feed: self.feed.key.clone(),
            until: plan.rests.clone(),
        };
        engine.step(from, input);
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

    fn find_rests(&self, engine: &Engine, plan: &mut Plan, from: Timestamp, interval: Span) {
        let until = plan.until;
        let upcoming: Vec<Upcoming<'_>> = self
            .series
            .iter()
            .map(|(series, told)| {
                let rest = series.samples.get(*told..).unwrap_or_default();
                let samples = samples_until(rest, until);
                (&series.labels, samples)
            })
            .collect();
        let Some(calm) = engine.calm(&self.feed.key, from, until, &upcoming) else {
            return;
        };
        let decided_at = |calm: &Timestamp| match *calm > from {
            true => (*calm + interval).min(until),
            false => from,
        };
        plan.rests = calm.until.iter().map(decided_at).collect();
        let told_at = |shares: &Vec<usize>| {
            let rests = shares.iter().filter_map(|slo| plan.rests.get(*slo));
            rests.min().copied().unwrap_or(until)
        };
        plan.withheld = calm.shares.iter().map(told_at).collect();
        plan.wakes = plan.rests.iter().min().copied().unwrap_or(from);
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
