//! What the source of a test says: counters made of traffic, written values, and answers to
//! queries, computed when they are asked for.
//!
//! Before the start, a steady past is as long as the longest window and the budget's period. It is
//! told at the distance of slots, the last hours at that of scrapes: windows begin and end at slots,
//! so every sum is exact, and the engine has learned the true distance of scrapes by the start.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::trial::WarmUp;
use crate::config::trial::notation::{Point, Values};
use crate::config::trial::traffic::{Stretch, Traffic};
use crate::engine::{
    Answer, Counts, Indicator, InstanceId, Labels, RawSeries, Sample, Slo, SloId, SourceFailure,
    Span, Term, Timestamp, WindowQuery,
};
use crate::prometheus::PolledFeed;
use crate::replay::{Reel, ReelError};

use super::answer::Answerer;

const HOUR: Span = Span::from_hours(1);
/// So much of the past is told scrape by scrape.
const FINE: Span = Span::from_hours(2);

/// A counter series, or whatever was written.
#[derive(Clone, Debug)]
pub(super) struct Tape {
    pub(super) labels: Labels,
    pub(super) content: Content,
}

/// Where the values of a series come from.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// A counter: so much for each good and each bad event.
    Counter {
        traffic: Arc<Traffic>,
        good: f64,
        bad: f64,
    },
    /// Value by value, one per scrape.
    Written(Values),
}

/// The clock and the past of a test.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// The start, on a slot.
    pub(super) start: Timestamp,
    pub(super) interval: Span,
    pub(super) scrape: Span,
    pub(super) warm_up: WarmUp,
    /// How long a steady past is, in milliseconds.
    pub(super) past: i64,
}

impl Frame {
    /// Milliseconds since the start; negative before it.
    pub(super) fn since_start(&self, at: Timestamp) -> i64 {
        at.as_millis().saturating_sub(self.start.as_millis())
    }

    /// When counting begins, in milliseconds since the start.
    pub(super) fn begin(&self) -> i64 {
        match self.warm_up {
            WarmUp::Steady => -self.past,
            WarmUp::NoTraffic | WarmUp::Nothing => 0,
        }
    }

    /// Whether series are there already.
    fn has_series(&self, millis: i64) -> bool {
        millis >= 0 || self.warm_up != WarmUp::Nothing
    }
}

impl Tape {
    /// The value at a scrape.
    fn value(&self, frame: &Frame, millis: i64) -> Option<f64> {
        if !frame.has_series(millis) {
            return None;
        }
        match &self.content {
            Content::Counter { traffic, .. } if traffic.is_gone(millis) => None,
            Content::Counter { traffic, good, bad } => {
                let restarted = traffic.restarted(millis).filter(|at| *at >= 0);
                let from = restarted.unwrap_or_else(|| frame.begin());
                let events = traffic.events(from, millis);
                Some(good * events.good + bad * events.bad)
            }
            Content::Written(values) => written(values, frame, millis),
        }
    }
}

/// A written value. Before the start the series goes on as it begins; so that it does not fall below
/// zero there, everything before its first reset is lifted.
fn written(values: &Values, frame: &Frame, millis: i64) -> Option<f64> {
    let scrape = frame.scrape.as_millis().max(1);
    let (first, step) = values.beginning().map_or((None, 0.0), |(first, step)| {
        let rises = frame.warm_up == WarmUp::Steady && step > 0.0;
        (Some(first), if rises { step } else { 0.0 })
    });
    let lift = step * (frame.past / scrape) as f64;
    let Ok(number) = u64::try_from(millis.div_euclid(scrape)) else {
        return Some(first? + lift + step * (millis as f64 / scrape as f64));
    };
    match values.at(number) {
        Point::Value(value) if values.first_drop().is_none_or(|drop| number < drop) => {
            Some(value + lift)
        }
        Point::Value(value) => Some(value),
        // A range of raw samples does not show the mark of an end.
        Point::Blank | Point::Stale => None,
    }
}

/// The source of a test.
#[derive(Clone, Debug)]
pub(super) struct TrialReel {
    pub(super) frame: Frame,
    pub(super) tapes: Vec<Tape>,
    pub(super) answerers: BTreeMap<SloId, Vec<Answerer>>,
    pub(super) outages: Vec<Stretch>,
}

impl TrialReel {
    /// The times of scrapes in `(from, until]`, in milliseconds since the start.
    fn scrapes(&self, from: i64, until: i64) -> Vec<i64> {
        let Frame {
            interval, scrape, ..
        } = self.frame;
        let fine = -FINE.as_millis();
        let scrape = scrape.as_millis().max(1);
        let coarse = match interval.as_millis() % scrape {
            0 => interval.as_millis().max(1),
            _ => scrape,
        };
        let mut times = Vec::new();
        for (step, from, until) in [
            (coarse, from, until.min(fine)),
            (scrape, from.max(fine), until),
        ] {
            let mut next = (from.div_euclid(step) + 1) * step;
            while next <= until {
                times.push(next);
                next += step;
            }
        }
        times
    }

    fn at(&self, millis: i64) -> Timestamp {
        Timestamp::from_millis(self.frame.start.as_millis().saturating_add(millis))
    }

    fn slices(&self, slo: &Slo, from: Timestamp, until: Timestamp) -> Vec<RawSeries> {
        let Indicator::Slices { slice, graded, .. } = &slo.indicator else {
            return Vec::new();
        };
        let mut series: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
        let mut at = from.align_down(*slice) + *slice;
        while at <= until {
            for answerer in self.answerers.get(&slo.id).into_iter().flatten() {
                if let Some(value) = answerer.slice(&self.frame, *slice, *graded, at) {
                    let samples = series.entry(answerer.labels.clone()).or_default();
                    samples.push(Sample { at, value });
                }
            }
            at = at + *slice;
        }
        let series = series.into_iter();
        series
            .map(|(labels, samples)| RawSeries { labels, samples })
            .collect()
    }
}

impl Reel for TrialReel {
    fn samples(
        &mut self,
        feed: &PolledFeed,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<RawSeries>, ReelError> {
        if let (Some(_), Some(slo)) = (feed.slice(), feed.slos.first()) {
            return Ok(self.slices(slo, from, until));
        }
        let from = self.frame.since_start(from).max(-self.frame.past);
        let times = self.scrapes(from, self.frame.since_start(until));
        let polled = |tape: &&Tape| {
            let mut polls = feed.polls.iter();
            polls.any(|poll| poll.selector().matches(&tape.labels))
        };
        let read = |tape: &Tape| {
            let sample = |millis: &i64| {
                let value = tape.value(&self.frame, *millis)?;
                let at = self.at(*millis);
                Some(Sample { at, value })
            };
            RawSeries {
                labels: tape.labels.clone(),
                samples: times.iter().filter_map(sample).collect(),
            }
        };
        let series = self.tapes.iter().filter(polled).map(read);
        Ok(series.filter(|series| !series.samples.is_empty()).collect())
    }

    fn answer(
        &mut self,
        feed: &PolledFeed,
        window: Span,
        at: Timestamp,
    ) -> Result<Vec<(Labels, Answer)>, ReelError> {
        let Some(slo) = feed.slos.first() else {
            return Ok(Vec::new());
        };
        let Indicator::Windows(query) = &slo.indicator else {
            return Ok(Vec::new());
        };
        let counted = matches!(query, WindowQuery::Events { counted: true, .. });
        let mut sums: BTreeMap<Labels, Counts> = BTreeMap::new();
        let mut answers = Vec::new();
        for answerer in self.answerers.get(&slo.id).into_iter().flatten() {
            if let Some(counts) = answerer.counts(&self.frame, window, at) {
                *sums.entry(answerer.labels.clone()).or_default() += counts;
            } else if let Some(answer) = answerer.written(&self.frame, window, at) {
                answers.push((answerer.labels.clone(), Answer::Ratio(answer)));
            }
        }
        let answer = |(labels, counts): (Labels, Counts)| match counted {
            true => (labels, Answer::Counts(counts)),
            // Without events this is 0/0, as a server would answer.
            false => (labels, Answer::Ratio(counts.bad / counts.total)),
        };
        answers.extend(sums.into_iter().map(answer));
        Ok(answers)
    }

    fn hours(
        &mut self,
        slo: &Arc<Slo>,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(InstanceId, Timestamp, Counts)>, ReelError> {
        let Indicator::Counters { bad, total } = &slo.indicator else {
            return Ok(Vec::new());
        };
        if self.frame.warm_up == WarmUp::Nothing {
            return Ok(Vec::new());
        }
        let mut hours: BTreeMap<(InstanceId, Timestamp), Counts> = BTreeMap::new();
        for tape in &self.tapes {
            let weight = |terms: &[Term]| -> f64 {
                let counting = terms
                    .iter()
                    .filter(|term| term.selector.matches(&tape.labels));
                counting.map(|term| term.coefficient).sum()
            };
            let (bad, total) = (weight(bad), weight(total));
            if bad == 0.0 && total == 0.0 {
                continue;
            }
            let id = InstanceId {
                slo: slo.id.clone(),
                labels: tape.labels.pick(&slo.group_by),
            };
            let mut end = from.align_down(HOUR) + HOUR;
            while end <= until {
                let millis = self.frame.since_start(end);
                let earlier = tape.value(&self.frame, millis - HOUR.as_millis());
                let later = tape.value(&self.frame, millis);
                let counted = later.unwrap_or(0.0) - earlier.unwrap_or(0.0);
                let hour = hours.entry((id.clone(), end)).or_default();
                *hour += Counts {
                    bad: bad * counted,
                    total: total * counted,
                };
                end = end + HOUR;
            }
        }
        let hours = hours.into_iter();
        Ok(hours.map(|((id, at), counts)| (id, at, counts)).collect())
    }

    fn failure(&mut self, _feed: &PolledFeed, slot: Timestamp) -> Option<SourceFailure> {
        let millis = self.frame.since_start(slot);
        let down = self.outages.iter().any(|outage| outage.contains(millis));
        down.then(|| SourceFailure("the source is down in this test".to_owned()))
    }
}
