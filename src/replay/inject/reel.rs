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

/// A reel that wraps another and lets requests of one SLO fail. Played again, it says the same: a
/// question about time that it has told already begins a new play, and its [`Tally`] begins anew.
pub struct InjectedReel<'a> {
    inner: &'a mut dyn Reel,
    slo: Arc<Slo>,
    plan: Plan,
    reading: ReadingOptions,
    counters: Counters,
    tally: Tally,
    /// The end of the last question about the SLO.
    told_until: Option<Timestamp>,
}

/// What was put in by one play.
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
        let counters = counters(slo, reading).ok_or_else(|| {
            let path = slo.indicator.path();
            ReelError::because(format!(
                "incidents can be put into counters only, and {} is on the {path} path",
                slo.id
            ))
        })?;
        Ok(Self {
            inner,
            slo: slo.clone(),
            reading: reading.clone(),
            counters,
            tally: Tally::of(&plan),
            plan,
            told_until: None,
        })
    }

    /// What was put in so far, in the play at hand.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Forgets the play before, if a question that begins at `from` begins another.
    fn begin_anew(&mut self, from: Timestamp) {
        if self.told_until.is_none_or(|told| told <= from) {
            return;
        }
        if let Some(counters) = counters(&self.slo, &self.reading) {
            self.counters = counters;
        }
        self.tally = Tally::of(&self.plan);
    }
}

/// Counters that have seen nothing; `None` for an SLO that is no sum of counters.
fn counters(slo: &Slo, reading: &ReadingOptions) -> Option<Counters> {
    let terms = Terms::of(slo, &reading.target_labels)?;
    Some(Counters::new(terms, slo.group_by.clone(), reading))
}

impl Tally {
    fn of(plan: &Plan) -> Self {
        Self {
            bad: vec![0.0; plan.injections().len()],
            ..Self::default()
        }
    }

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
        if !feed.slos.iter().any(|slo| slo.id == self.slo.id) {
            return Ok(recorded);
        }
        self.begin_anew(from);
        self.told_until = Some(until);
        let first = self.plan.injections().first();
        let is_near = first.is_some_and(|first| until + LEAD >= first.start);
        if !is_near {
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
