//! A recording with incidents put into it: the [`InjectedReel`].

use std::sync::Arc;

use super::counters::Counters;
use super::plan::Plan;
use super::slices::Slices;
use super::twin::Terms;
use crate::engine::{
    Answer, Counts, Indicator, InstanceId, Labels, RawSeries, ReadingOptions, Slo, SourceFailure,
    Span, Timestamp,
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
    events: Events,
    tally: Tally,
    /// The end of the last question about the SLO.
    told_until: Option<Timestamp>,
}

/// What fails.
enum Events {
    Counters(Box<Counters>),
    Slices(Slices),
}

/// Why incidents cannot be put into an SLO, and what to do instead; `None` if they can.
pub fn refusal(slo: &Slo) -> Option<String> {
    match &slo.indicator {
        Indicator::Counters { .. } | Indicator::Slices { .. } => None,
        Indicator::Windows(_) => Some(
            "it is asked by PromQL as a whole (native histograms are, too), so there are no events \
             that could fail: judge it by --incidents, or measure it by counters, a classic \
             histogram or time_slices"
                .to_owned(),
        ),
        Indicator::Composite(composite) => {
            let parts = composite.parts.iter().map(|part| part.slo.as_str());
            let parts: Vec<&str> = parts.collect();
            Some(format!(
                "it is made of other SLOs and has no events of its own: put them into {}",
                parts.join(", ")
            ))
        }
    }
}

/// What was put in by one play.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Bad events, by the position of the injection in its plan.
    pub bad: Vec<f64>,
    /// Whether scrapes were missing while it lasted, likewise: then nobody could see it in time.
    pub broken: Vec<bool>,
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
    /// The SLO is neither a sum of counters nor one of time slices: only those have events that can
    /// fail.
    pub fn new(
        inner: &'a mut dyn Reel,
        slo: &Arc<Slo>,
        plan: Plan,
        reading: &ReadingOptions,
    ) -> Result<Self, ReelError> {
        let events = events(slo, reading).ok_or_else(|| {
            let why = refusal(slo).unwrap_or_default();
            let id = &slo.id;
            ReelError::because(format!("incidents cannot be put into {id}: {why}"))
        })?;
        Ok(Self {
            inner,
            slo: slo.clone(),
            reading: reading.clone(),
            events,
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
        if let Some(events) = events(&self.slo, &self.reading) {
            self.events = events;
        }
        self.tally = Tally::of(&self.plan);
    }
}

/// Events that have not been seen yet; `None` for an SLO that is refused.
fn events(slo: &Slo, reading: &ReadingOptions) -> Option<Events> {
    if let Some(slices) = Slices::of(slo) {
        return Some(Events::Slices(slices));
    }
    let terms = Terms::of(slo, &reading.target_labels)?;
    let counters = Counters::new(terms, slo.group_by.clone(), reading);
    Some(Events::Counters(Box::new(counters)))
}

impl Tally {
    fn of(plan: &Plan) -> Self {
        Self {
            bad: vec![0.0; plan.injections().len()],
            broken: vec![false; plan.injections().len()],
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

    pub(super) fn miss(&mut self, injection: usize) {
        if let Some(broken) = self.broken.get_mut(injection) {
            *broken = true;
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
        let is_own = feed.slos.iter().any(|slo| slo.id == self.slo.id);
        // SLOs of slices are asked for one by one, though it is the same question.
        let measures = |slo: &Arc<Slo>| slo.indicator == self.slo.indicator;
        let is_same = feed.slice().is_some() && feed.slos.iter().any(measures);
        if !is_own && !is_same {
            return Ok(recorded);
        }
        if is_own {
            self.begin_anew(from);
            self.told_until = Some(until);
        }
        let first = self.plan.injections().first();
        let is_near = first.is_some_and(|first| until + LEAD >= first.start);
        if !is_near {
            return Ok(recorded);
        }
        Ok(match &mut self.events {
            Events::Counters(counters) => counters.rewrite(recorded, &self.plan, &mut self.tally),
            Events::Slices(slices) => {
                let tally = is_own.then_some(&mut self.tally);
                slices.rewrite(recorded, &self.plan, tally)
            }
        })
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
