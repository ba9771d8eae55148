//! One question on its way: what the cache has of its answer, what is missing, and how long the
//! next piece should be.

use std::collections::VecDeque;
use std::sync::Arc;

use super::cache::Cache;
use super::question::Question;
use super::tape::{Summary, Tape};
use crate::config::settings::SourceSettings;
use crate::engine::{Span, Timestamp};
use crate::prometheus::SourceError;

/// Samples that one request should bring: about 20 MB of JSON.
const SAMPLES_WANTED: usize = 1_000_000;
/// Stretches grow at most so many times at once.
const GROWTH_MAX: f64 = 8.0;
/// Shorter stretches of raw samples are not tried.
pub(super) const RAW_MIN: Span = Span::from_mins(5);
/// The first stretch of raw samples, when nobody knows how many series will answer.
const RAW_FIRST: Span = Span::from_mins(30);
/// Ends of pieces are multiples of this, so that later runs find them fitting.
const GRID: Span = Span::from_mins(5);

/// One question, what is known of its answer, and what is missing.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) question: Arc<Question>,
    pub(super) key: String,
    pub(super) chunks: Vec<Summary>,
    pub(super) gaps: VecDeque<(Timestamp, Timestamp)>,
    /// The next piece is so long ...
    stretch: Span,
    /// ... and never longer than this, which was too much.
    longest: Span,
    /// Why the source cannot answer this question at all.
    pub(super) refusal: Option<SourceError>,
    /// Series that probably answer.
    pub(super) series: f64,
}

impl Track {
    /// What is in the cache of `(from, until]`, and what is not.
    pub(super) fn new(
        question: Question,
        (from, until): (Timestamp, Timestamp),
        source: &SourceSettings,
        cache: Option<&Cache>,
    ) -> Self {
        // Nobody looks for what is not kept.
        let key = cache.map_or_else(String::new, |cache| cache.key(source, &question));
        let chunks = cache.map_or_else(Vec::new, |cache| cache.find(&key, from, until));
        let mut gaps = VecDeque::new();
        let mut at = from;
        for chunk in &chunks {
            if chunk.from > at {
                gaps.push_back((at, chunk.from));
            }
            at = at.max(chunk.until);
        }
        if at < until {
            gaps.push_back((at, until));
        }
        let longest = question.longest();
        let stretch = match question {
            Question::Samples(_) => RAW_FIRST,
            _ => longest,
        };
        Self {
            question: Arc::new(question),
            key,
            chunks,
            gaps,
            stretch,
            longest,
            refusal: None,
            series: 1.0,
        }
    }

    /// How much time is missing.
    pub(super) fn missing(&self) -> Span {
        let gaps = self.gaps.iter();
        gaps.fold(Span::ZERO, |sum, (from, until)| sum + until.since(*from))
    }

    /// What is missing, in rising time.
    pub(super) fn gaps(&self) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        self.gaps.iter().copied()
    }

    /// Sets the first stretch by the number of series and the time between their samples.
    pub(super) fn expect(&mut self, series: f64, spacing: Span) {
        self.series = series.max(1.0);
        let wanted = spacing.scale(SAMPLES_WANTED as f64 / self.series);
        self.stretch = wanted.max(self.least()).min(self.longest);
    }

    /// Requests that are probably needed.
    pub(super) fn requests(&self) -> u64 {
        let stretch = self.stretch;
        let pieces = |(from, until): &(Timestamp, Timestamp)| until.since(*from).ratio(stretch);
        self.gaps.iter().map(|gap| pieces(gap).ceil() as u64).sum()
    }

    /// The chunks as a tape.
    pub(super) fn tape(&self) -> Tape {
        let mut chunks: Vec<_> = self.chunks.iter().cloned().map(Arc::new).collect();
        chunks.sort_by_key(|chunk| (chunk.from, chunk.until));
        Tape { chunks }
    }

    /// A chunk of another question says what is known of a stretch where this one has nothing.
    pub(super) fn cover(&mut self, other: Summary) {
        let mut parts = Vec::new();
        for chunk in self.chunks.drain(..) {
            if chunk.until <= other.from || chunk.from >= other.until {
                parts.push(chunk);
                continue;
            }
            // A part of a file keeps the file's figures: they serve as bounds.
            let before = (chunk.from < other.from).then(|| Summary {
                until: other.from,
                ..chunk.clone()
            });
            let after = (chunk.until > other.until).then(|| Summary {
                from: other.until,
                ..chunk.clone()
            });
            parts.extend(before.into_iter().chain(after));
        }
        parts.push(other);
        self.chunks = parts;
    }

    fn least(&self) -> Span {
        self.question.step().unwrap_or(RAW_MIN)
    }

    /// Takes the next piece off what is missing. What has not settled is a piece by itself.
    pub(super) fn next(&mut self, settled: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let (from, end) = self.gaps.pop_front()?;
        let mut until = (from + self.stretch).min(end);
        if until < end {
            let aligned = until.align_down(GRID.max(self.question.step().unwrap_or(GRID)));
            until = if aligned > from { aligned } else { until };
        }
        if from < settled && settled < until {
            until = settled;
        }
        if until < end {
            self.gaps.push_front((until, end));
        }
        Some((from, until))
    }

    /// A piece was too much: both its halves are missing again. `false` if it cannot be halved.
    pub(super) fn halve(&mut self, (from, until): (Timestamp, Timestamp)) -> bool {
        let length = until.since(from);
        let half = length.scale(0.5).max(self.least());
        if half >= length {
            return false;
        }
        self.longest = self.longest.min(half);
        self.stretch = self.stretch.min(half);
        self.gaps.push_front((from + half, until));
        self.gaps.push_front((from, from + half));
        true
    }

    /// Lets the next pieces be as long as brings the samples that are wanted.
    pub(super) fn fit(&mut self, length: Span, samples: u64) {
        let growth = SAMPLES_WANTED as f64 / samples.max(1) as f64;
        let wanted = length.scale(growth.min(GROWTH_MAX));
        // A short rest at the end of a gap tells little.
        if wanted > self.stretch || samples > SAMPLES_WANTED as u64 {
            self.stretch = wanted.max(self.least()).min(self.longest);
        }
    }

    pub(super) fn weight(&self, length: Span) -> f64 {
        length.as_secs_f64() * self.series
    }
}
