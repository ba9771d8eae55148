//! A [`Reel`] of chunk files: what was fetched from a server or read from files.
//!
//! Memory holds what one question brings, and the names of the series of one chunk per tape.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::sums::HourlySums;
use super::{Reel, ReelError};
use crate::engine::{
    Answer, Counts, Indicator, InstanceId, Labels, RawSeries, Sample, Selector, Slo, Span, Term,
    Timestamp, WindowQuery,
};
use crate::prometheus::{PolledFeed, window_answers, window_queries};
use crate::replay::source::{
    Chunk, ChunkError, Gather, PERIOD_STEP, Question, Tape, as_hours, hours_name, instant,
};

const HOUR: Span = Span::from_hours(1);
/// Answers about windows are read so far ahead.
const AHEAD: Span = Span::from_hours(6);

/// What a source said, on disk.
#[derive(Debug)]
pub(in crate::replay) struct DiskReel {
    /// There is nothing before.
    from: Timestamp,
    /// There is nothing after.
    until: Timestamp,
    /// Raw samples, each under the selector that they were asked for by.
    samples: Vec<(Selector, Track)>,
    /// Everything else, by the name of its question.
    others: BTreeMap<String, Track>,
    /// Expressions that were asked for at each of their steps.
    steps: BTreeMap<String, Span>,
    /// Holds files that nobody else needs, for as long as they are played.
    _scratch: Option<Arc<dyn std::fmt::Debug + Send + Sync>>,
}

/// One tape, and where it is.
#[derive(Debug, Default)]
struct Track {
    tape: Tape,
    /// The chunk that was read last, by its place on the tape.
    open: Option<(usize, Chunk)>,
    /// Values read ahead, and for which stretch.
    ahead: Option<(Timestamp, Timestamp, Vec<RawSeries>)>,
}

impl DiskReel {
    /// A reel that holds answers for `(from, until]`.
    pub(in crate::replay) fn new(
        (from, until): (Timestamp, Timestamp),
        tapes: Vec<(Question, Tape)>,
        scratch: Option<Arc<dyn std::fmt::Debug + Send + Sync>>,
    ) -> Self {
        let mut reel = Self {
            from,
            until,
            samples: Vec::new(),
            others: BTreeMap::new(),
            steps: BTreeMap::new(),
            _scratch: scratch,
        };
        for (question, tape) in tapes {
            let track = Track {
                tape,
                ..Track::default()
            };
            match question {
                Question::Samples(selector) => reel.samples.push((selector, track)),
                other => {
                    if let Question::Values(expr, step) = &other {
                        reel.steps.insert(expr.clone(), *step);
                    }
                    reel.others.insert(other.name(), track);
                }
            }
        }
        reel
    }

    fn raw(
        &mut self,
        feed: &PolledFeed,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<RawSeries>, ReelError> {
        let mut series: Vec<RawSeries> = Vec::new();
        let own = |selector: &Selector| feed.polls.iter().any(|poll| poll.selector() == selector);
        let fetched = |selector: &Selector| self.samples.iter().any(|(of, _)| of == selector);
        if feed.polls.iter().all(|poll| fetched(poll.selector())) {
            let tracks = self.samples.iter_mut();
            for (_, track) in tracks.filter(|(selector, _)| own(selector)) {
                series.extend(track.read(from, until, |_| true)?);
            }
        } else {
            // Other SLOs were planned together when it was fetched: their selectors may be wider.
            let wanted = |labels: &Labels| {
                let mut polls = feed.polls.iter();
                polls.any(|poll| poll.selector().matches(labels))
            };
            for (_, track) in &mut self.samples {
                series.extend(track.read(from, until, wanted)?);
            }
        }
        if feed.polls.len() > 1 || series.len() > 1 {
            // Two selectors may have brought the same series.
            series.sort_by(|a, b| a.labels.cmp(&b.labels));
            series.dedup_by(|a, b| a.labels == b.labels);
        }
        Ok(series)
    }

    fn check(&self, from: Timestamp, until: Timestamp) -> Result<(), ReelError> {
        if until > self.until {
            let (until, end) = (instant(until), instant(self.until));
            let message = format!("the history ends at {end}, and {until} is asked for");
            return Err(ReelError::because(message));
        }
        if from < self.from {
            let (from, start) = (instant(from), instant(self.from));
            let message = format!("the history begins at {start}, and {from} is asked for");
            return Err(ReelError::because(message));
        }
        Ok(())
    }

    /// The values of an expression at the newest of its points up to `at`.
    fn values(
        &mut self,
        question: &Question,
        at: Timestamp,
        step: Span,
    ) -> Result<Option<Vec<(Labels, f64)>>, ReelError> {
        match self.others.get_mut(&question.name()) {
            Some(track) => track.at(at.align_down(step)).map(Some),
            None => Ok(None),
        }
    }
}

impl Reel for DiskReel {
    fn samples(
        &mut self,
        feed: &PolledFeed,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<RawSeries>, ReelError> {
        self.check(from, until)?;
        match feed.slos.first().map(|slo| &slo.indicator) {
            Some(Indicator::Slices {
                condition, slice, ..
            }) => {
                let name = Question::Values(condition.clone(), *slice).name();
                let track = self.others.get_mut(&name).ok_or_else(|| lacks(feed))?;
                track.read(from, until, |_| true)
            }
            _ => self.raw(feed, from, until),
        }
    }

    fn answer(
        &mut self,
        feed: &PolledFeed,
        window: Span,
        at: Timestamp,
    ) -> Result<Vec<(Labels, Answer)>, ReelError> {
        self.check(at, at)?;
        let slo = feed.slos.first().ok_or_else(|| lacks(feed))?;
        let Indicator::Windows(query) = &slo.indicator else {
            return Err(lacks(feed));
        };
        let mut values = Vec::new();
        for (number, expr) in window_queries(query, window).into_iter().enumerate() {
            let found = match self.steps.get(&expr).copied() {
                Some(step) => self.values(&Question::Values(expr, step), at, step)?,
                None => self.so_far(slo, query, number, window, at)?,
            };
            values.push(found.ok_or_else(|| lacks(feed))?);
        }
        Ok(window_answers(query, values))
    }

    fn hours(
        &mut self,
        slo: &Arc<Slo>,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(InstanceId, Timestamp, Counts)>, ReelError> {
        let mut known_until = from;
        let mut hours = Vec::new();
        if let Some(track) = self.others.get_mut(&hours_name(slo)) {
            hours = as_hours(slo, track.read(from, until, |_| true)?);
            let chunks = track.tape.chunks.iter();
            known_until = from.max(chunks.map(|chunk| chunk.until).max().unwrap_or(from));
        }
        // What the source was not asked to sum up, and files never do, is summed up here.
        if known_until < until
            && let Indicator::Counters { bad, total } = &slo.indicator
        {
            hours.extend(self.summed(slo, (bad, total), (known_until, until))?);
        }
        Ok(hours)
    }
}

impl DiskReel {
    /// Hourly sums of raw samples, one hour in memory at a time.
    fn summed(
        &mut self,
        slo: &Slo,
        (bad, total): (&[Term], &[Term]),
        (from, until): (Timestamp, Timestamp),
    ) -> Result<Vec<(InstanceId, Timestamp, Counts)>, ReelError> {
        let terms = || bad.iter().chain(total);
        let wanted = |labels: &Labels| terms().any(|term| term.selector.matches(labels));
        let tracks = self.samples.iter();
        let oldest = tracks.filter_map(|(_, track)| track.tape.oldest()).min();
        let Some(oldest) = oldest else {
            return Ok(Vec::new());
        };
        let mut sums = HourlySums::new(slo, bad, total);
        let mut hour = from.max(oldest - HOUR).align_down(HOUR);
        while hour + HOUR <= until {
            let mut seen = BTreeSet::new();
            for (_, track) in &mut self.samples {
                for one in track.read(hour, hour + HOUR, wanted)? {
                    if seen.insert(one.labels.clone()) {
                        sums.take(&one);
                    }
                }
            }
            hour = hour + HOUR;
        }
        Ok(sums.into_hours(from))
    }

    /// What was said of the period so far at the last full hour, if that was in the same period.
    fn so_far(
        &mut self,
        slo: &Slo,
        query: &WindowQuery,
        number: usize,
        window: Span,
        at: Timestamp,
    ) -> Result<Option<Vec<(Labels, f64)>>, ReelError> {
        let template = match (query, number) {
            (WindowQuery::Ratio { error_ratio }, _) => error_ratio,
            (WindowQuery::Events { bad, .. }, 0) => bad,
            (WindowQuery::Events { total, .. }, _) => total,
        };
        if slo.period.window(at) != Some(window) {
            return Ok(None);
        }
        let question = Question::Period(template.clone(), slo.period.clone());
        let asked = at.align_down(PERIOD_STEP);
        if at.since(asked) >= slo.period.elapsed(at) {
            return Ok(Some(Vec::new()));
        }
        self.values(&question, at, PERIOD_STEP)
    }
}

impl Track {
    /// The samples in `(from, until]` of the series that are wanted.
    fn read(
        &mut self,
        from: Timestamp,
        until: Timestamp,
        wanted: impl Fn(&Labels) -> bool,
    ) -> Result<Vec<RawSeries>, ReelError> {
        let mut series: Vec<RawSeries> = Vec::new();
        let mut places: BTreeMap<Labels, usize> = BTreeMap::new();
        let mut done = from;
        let first = self.tape.chunks.partition_point(|c| c.until <= from);
        for at in first..self.tape.chunks.len() {
            let Some(summary) = self.tape.chunks.get(at).cloned() else {
                break;
            };
            if summary.from >= until {
                break;
            }
            let stretch = (done.max(summary.from), until.min(summary.until));
            if stretch.0 >= stretch.1 || summary.samples == 0 {
                continue;
            }
            done = stretch.1;
            let Some(chunk) = self.chunk(at).map_err(unreadable)? else {
                break;
            };
            let mut gathering = Gathering {
                names: chunk.series(),
                wanted: &wanted,
                seen: vec![None; chunk.series().len()],
                places: &mut places,
                series: &mut series,
            };
            chunk.read(stretch, &mut gathering).map_err(unreadable)?;
        }
        series.retain(|one| !one.samples.is_empty());
        Ok(series)
    }

    fn chunk(&mut self, at: usize) -> Result<Option<&Chunk>, ChunkError> {
        let is_open = matches!(&self.open, Some((open, _)) if *open == at);
        if let (false, Some(summary)) = (is_open, self.tape.chunks.get(at)) {
            self.open = Some((at, Chunk::open(&summary.path)?));
        }
        Ok(self.open.as_ref().map(|(_, chunk)| chunk))
    }

    /// The values at one point in time.
    fn at(&mut self, at: Timestamp) -> Result<Vec<(Labels, f64)>, ReelError> {
        let just_before = at - Span::from_millis(1);
        let is_read = |(from, until, _): &(Timestamp, Timestamp, Vec<RawSeries>)| {
            *from <= just_before && at <= *until
        };
        if !self.ahead.as_ref().is_some_and(is_read) {
            let until = at + AHEAD;
            let series = self.read(just_before, until, |_| true)?;
            self.ahead = Some((just_before, until, series));
        }
        let series = self.ahead.iter().flat_map(|(_, _, series)| series);
        let value = |one: &RawSeries| {
            let place = one.samples.binary_search_by_key(&at, |sample| sample.at);
            let sample = one.samples.get(place.ok()?)?;
            Some((one.labels.clone(), sample.value))
        };
        Ok(series.filter_map(value).collect())
    }
}

/// Puts the samples of a chunk's series where those of the chunk before are.
struct Gathering<'a> {
    names: &'a [Labels],
    wanted: &'a dyn Fn(&Labels) -> bool,
    /// Of each series of the chunk: not met yet, not wanted, or its place in the answer.
    seen: Vec<Option<Option<usize>>>,
    places: &'a mut BTreeMap<Labels, usize>,
    series: &'a mut Vec<RawSeries>,
}

impl Gather for Gathering<'_> {
    fn samples_of(&mut self, number: usize) -> Option<&mut Vec<Sample>> {
        let seen = self.seen.get_mut(number)?;
        let place = match *seen {
            Some(place) => place?,
            None => {
                let labels = self.names.get(number)?;
                let place = (self.wanted)(labels).then(|| {
                    let next = self.series.len();
                    *self.places.entry(labels.clone()).or_insert(next)
                });
                *seen = Some(place);
                let place = place?;
                if place == self.series.len() {
                    self.series.push(RawSeries {
                        labels: labels.clone(),
                        samples: Vec::new(),
                    });
                }
                place
            }
        };
        Some(&mut self.series.get_mut(place)?.samples)
    }
}

fn unreadable(error: ChunkError) -> ReelError {
    ReelError::new("reading history", error)
}

fn lacks(feed: &PolledFeed) -> ReelError {
    ReelError::because(format!("the history has no answers for {}", feed.key))
}
