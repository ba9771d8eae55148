//! Fetching: what is not in the cache is asked for piece by piece, several at once.
//!
//! A piece is as long as brings about a million samples, by what the pieces before it brought;
//! what a server finds too much is asked for in halves. Each piece becomes a file before
//! the next is asked for in its place, so memory holds at most as many pieces as requests are
//! under way, and an end at any time loses only those.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::cache::Cache;
use super::chunk::{self, ChunkError};
use super::litter::Scratch;
use super::question::Question;
use super::tape::Summary;
use super::track::{RAW_MIN, Track};
use crate::engine::{RawSeries, Span, Timestamp};
use crate::prometheus::{Client, SourceError};

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
) -> Result<Vec<RawSeries>, SourceError> {
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
