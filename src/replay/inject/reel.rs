//! A recording with incidents put into it: the [`InjectedReel`].

use std::sync::Arc;

use super::counters::Counters;
use super::plan::Plan;
use super::twin::Terms;
use crate::engine::{
    Answer, Counts, InstanceId, Labels, RawSeries, ReadingOptions, Slo, SourceFailure, Span,
    Timestamp,
};
use crate::prometheus::PolledFeed;
use crate::replay::reel::{Reel, ReelError};

/// So long before the first injection counters are watched, so that each has a value to count from.
const LEAD: Span = Span::from_hours(1);

/// A reel that wraps another and lets requests of one SLO fail. It is made anew for each
/// [`Player`](crate::replay::Player), which asks forward in time.
pub struct InjectedReel<'a> {
    inner: &'a mut dyn Reel,
    slo: Arc<Slo>,
    plan: Plan,
    counters: Counters,
    tally: Tally,
}

/// What was put in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Bad events, by the position of the injection in its plan.
    pub bad: Vec<f64>,
    /// All events that were counted, and in which time.
    total: f64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl<'a> InjectedReel<'a> {
    /// What `inner` holds, with the requests of an SLO failing as planned.
    ///
    /// # Errors
    ///
    /// The SLO is no sum of counters: only those have requests that can fail.
    pub fn new(
        inner: &'a mut dyn Reel,
        slo: &Arc<Slo>,
        plan: Plan,
        reading: &ReadingOptions,
    ) -> Result<Self, ReelError> {
        let terms = Terms::of(slo, &reading.target_labels).ok_or_else(|| {
            let path = slo.indicator.path();
            ReelError::because(format!(
                "incidents can be put into counters only, and {} is on the {path} path",
                slo.id
            ))
        })?;
        Ok(Self {
            inner,
            slo: slo.clone(),
            counters: Counters::new(terms, slo.group_by.clone(), reading),
            tally: Tally {
                bad: vec![0.0; plan.injections().len()],
                ..Tally::default()
            },
            plan,
        })
    }

    /// What was put in so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }
}

impl Tally {
    pub(super) fn see(&mut self, at: Timestamp, events: f64) {
        self.total += events;
        self.first = self.first.or(Some(at));
        self.last = Some(at);
    }

    pub(super) fn fail(&mut self, injection: usize, events: f64) {
        if let Some(bad) = self.bad.get_mut(injection) {
            *bad += events;
        }
    }

    /// The events of a period at the mean rate that was seen; 0 if none were.
    pub fn events_in(&self, period: Span) -> f64 {
        match (self.first, self.last) {
            (Some(first), Some(last)) if first < last => {
                self.total * period.ratio(last.since(first))
            }
            _ => 0.0,
        }
    }
}

impl Reel for InjectedReel<'_> {
    fn samples(
        &mut self,
        feed: &PolledFeed,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<RawSeries>, ReelError> {
        let recorded = self.inner.samples(feed, from, until)?;
        let first = self.plan.injections().first();
        let is_near = first.is_some_and(|first| until + LEAD >= first.start);
        if !is_near || !feed.slos.iter().any(|slo| slo.id == self.slo.id) {
            return Ok(recorded);
        }
        let rewritten = self.counters.rewrite(recorded, &self.plan, &mut self.tally);
        Ok(rewritten)
    }

    fn answer(
        &mut self,
        feed: &PolledFeed,
        window: Span,
        at: Timestamp,
    ) -> Result<Vec<(Labels, Answer)>, ReelError> {
        self.inner.answer(feed, window, at)
    }

    fn hours(
        &mut self,
        slo: &Arc<Slo>,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(InstanceId, Timestamp, Counts)>, ReelError> {
        self.inner.hours(slo, from, until)
    }

    fn failure(&mut self, feed: &PolledFeed, slot: Timestamp) -> Option<SourceFailure> {
        self.inner.failure(feed, slot)
    }
}
