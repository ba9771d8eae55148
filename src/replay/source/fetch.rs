//! Fetching: what is not in the cache is asked for piece by piece, several at once.
//!
//! A piece is as long as brings about [`SAMPLES_WANTED`] samples, by what the pieces before it
//! brought; what a server finds too much is asked for in halves. Each piece becomes a file before
//! the next is asked for in its place, so memory holds at most as many pieces as requests are
//! under way, and an end at any time loses only those.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::cache::{Cache, Scratch, key};
use super::chunk::{self, ChunkError, Summary, Tape};
use super::question::Question;
use crate::config::settings::SourceSettings;
use crate::engine::{Span, Timestamp};
use crate::prometheus::{Client, SourceError};

/// Samples that one request should bring: about 20 MB of JSON.
const SAMPLES_WANTED: usize = 1_000_000;
/// Stretches grow at most so many times at once.
const GROWTH_MAX: f64 = 8.0;
/// Shorter stretches of raw samples are not tried.
const RAW_MIN: Span = Span::from_mins(5);
/// The first stretch of raw samples, when nobody knows how many series will answer.
const RAW_FIRST: Span = Span::from_mins(30);
/// Ends of pieces are multiples of this, so that later runs find them fitting.
const GRID: Span = Span::from_mins(5);

/// How patient a fetch is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// How often a request is tried.
    pub(super) attempts: u32,
    /// The pause before the second attempt; it doubles.
    pub(super) pause: Duration,
    /// Longest pause, also where the server asks for a longer one.
    pub(super) pause_max: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 7,
            pause: Duration::from_millis(500),
            pause_max: Duration::from_secs(30),
        }
    }
}

/// How far a fetch has come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// The share that is done, 0 to 1.
    pub done: f64,
    /// Requests that were answered.
    pub requests: u64,
    /// Samples that came.
    pub samples: u64,
    /// Bytes that they take on disk.
    pub bytes: u64,
}

/// Why a fetch ended early. What came before is in the cache.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// The source does not answer.
    #[error("fetching {subject}")]
    Source {
        /// What was asked for.
        subject: String,
        /// Why there is no answer.
        source: SourceError,
    },
    /// The answer cannot be kept.
    #[error("keeping {subject}")]
    Disk {
        /// What was to be kept.
        subject: String,
        /// Why it cannot be.
        source: ChunkError,
    },
}

/// One question, what is known of its answer, and what is missing.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) question: Arc<Question>,
    key: String,
    pub(super) chunks: Vec<Summary>,
    gaps: VecDeque<(Timestamp, Timestamp)>,
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
        let key = key(source, &question);
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
    fn next(&mut self, settled: Timestamp) -> Option<(Timestamp, Timestamp)> {
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
    fn halve(&mut self, (from, until): (Timestamp, Timestamp)) -> bool {
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
    fn fit(&mut self, length: Span, samples: u64) {
        let growth = SAMPLES_WANTED as f64 / samples.max(1) as f64;
        let wanted = length.scale(growth.min(GROWTH_MAX));
        // A short rest at the end of a gap tells little.
        if wanted > self.stretch || samples > SAMPLES_WANTED as u64 {
            self.stretch = wanted.max(self.least()).min(self.longest);
        }
    }

    fn weight(&self, length: Span) -> f64 {
        length.as_secs_f64() * self.series
    }
}

/// What fetching works with.
pub(super) struct Fetcher {
    pub(super) client: Arc<Client>,
    pub(super) cache: Option<Arc<Cache>>,
    pub(super) scratch: Arc<Scratch>,
    /// Samples may still arrive for what is younger: it is not cached.
    pub(super) settled: Timestamp,
    pub(super) concurrency: usize,
    pub(super) patience: Patience,
}

/// One piece that came, or did not.
struct Piece {
    track: usize,
    stretch: (Timestamp, Timestamp),
    end: Result<Summary, FetchError>,
}

impl Fetcher {
    /// Fetches what is missing of all tracks.
    pub(super) async fn fetch(
        &self,
        tracks: &mut [Track],
        report: &mut dyn FnMut(Progress),
    ) -> Result<(), FetchError> {
        let all: f64 = tracks
            .iter()
            .map(|track| track.weight(track.missing()))
            .sum();
        let (mut progress, mut done) = (Progress::default(), 0.0);
        let mut pieces = JoinSet::new();
        let mut turn = 0;
        loop {
            while pieces.len() < self.concurrency.max(1) {
                let Some((track, stretch)) = self.next(tracks, &mut turn) else {
                    break;
                };
                let question = tracks
                    .get(track)
                    .map(|t| (t.question.clone(), t.key.clone()));
                let Some((question, key)) = question else {
                    break;
                };
                pieces.spawn(self.piece(track, question, key, stretch));
            }
            let Some(piece) = pieces.join_next().await else {
                return Ok(());
            };
            let piece = piece.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
            let Some(track) = tracks.get_mut(piece.track) else {
                continue;
            };
            let length = piece.stretch.1.since(piece.stretch.0);
            match piece.end {
                Ok(summary) => {
                    done += track.weight(length);
                    progress.requests += 1;
                    progress.samples += summary.samples;
                    progress.bytes += summary.bytes;
                    progress.done = if all > 0.0 {
                        (done / all).min(1.0)
                    } else {
                        1.0
                    };
                    track.fit(length, summary.samples);
                    track.chunks.push(summary);
                    report(progress);
                }
                Err(FetchError::Source { source, .. })
                    if is_too_much(&source) && track.halve(piece.stretch) => {}
                Err(FetchError::Source { source, .. }) if is_about_the_query(&source) => {
                    track.gaps.clear();
                    track.refusal = Some(source);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The next piece, of each track in turn.
    fn next(
        &self,
        tracks: &mut [Track],
        turn: &mut usize,
    ) -> Option<(usize, (Timestamp, Timestamp))> {
        for _ in 0..tracks.len() {
            let at = *turn % tracks.len();
            *turn = at + 1;
            if let Some(piece) = tracks.get_mut(at).and_then(|t| t.next(self.settled)) {
                return Some((at, piece));
            }
        }
        None
    }

    /// Asks until there is an answer or no hope, and writes the answer down.
    fn piece(
        &self,
        track: usize,
        question: Arc<Question>,
        key: String,
        stretch: (Timestamp, Timestamp),
    ) -> impl Future<Output = Piece> + Send + 'static {
        let (client, patience) = (self.client.clone(), self.patience);
        let scratch = self.scratch.clone();
        let cache = self.cache.clone().filter(|_| stretch.1 <= self.settled);
        async move {
            let answer = ask(&client, &question, stretch, patience).await;
            let end = match answer {
                Ok(series) => {
                    let about = question.clone();
                    let write = move || {
                        let path = match cache {
                            Some(cache) => cache.path(&key, stretch.0, stretch.1)?,
                            None => scratch.file(),
                        };
                        chunk::write(&path, &key, stretch, question.block(), &series)
                    };
                    let written = tokio::task::spawn_blocking(write).await;
                    let written = written
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
                    let subject = about.subject();
                    written.map_err(|source| FetchError::Disk { subject, source })
                }
                Err(source) => {
                    let subject = question.subject();
                    Err(FetchError::Source { subject, source })
                }
            };
            Piece {
                track,
                stretch,
                end,
            }
        }
    }
}

async fn ask(
    client: &Client,
    question: &Question,
    (from, until): (Timestamp, Timestamp),
    patience: Patience,
) -> Result<Vec<crate::engine::RawSeries>, SourceError> {
    let mut pause = patience.pause;
    let mut attempt = 1;
    loop {
        match question.ask(client, from, until).await {
            // A smaller piece is tried at once where time ran out.
            Err(error @ SourceError::Timeout { .. })
                if until.since(from) > question.step().unwrap_or(RAW_MIN).times(2) =>
            {
                return Err(error);
            }
            Err(error) if error.is_retryable() && attempt < patience.attempts => {
                let asked = match &error {
                    SourceError::Throttled { retry_after, .. } => *retry_after,
                    _ => None,
                };
                let asked = asked.map(Span::to_std).unwrap_or_default();
                tokio::time::sleep(asked.max(pause).min(patience.pause_max)).await;
                pause = (pause * 2).min(patience.pause_max);
                attempt += 1;
            }
            end => return end,
        }
    }
}

/// Errors that a smaller request may not meet. A query that cannot be read never can.
fn is_too_much(error: &SourceError) -> bool {
    match error {
        SourceError::BadQuery { status, message } => {
            !matches!(status, 404 | 405) && !message.contains("parse error")
        }
        SourceError::TooLarge { .. }
        | SourceError::TooManySeries { .. }
        | SourceError::Timeout { .. } => true,
        _ => false,
    }
}

/// Errors that other questions need not meet.
fn is_about_the_query(error: &SourceError) -> bool {
    match error {
        SourceError::BadQuery { status, .. } => !matches!(status, 404 | 405),
        SourceError::TooLarge { .. }
        | SourceError::TooManySeries { .. }
        | SourceError::NativeHistogram { .. } => true,
        _ => false,
    }
}
