//! What a source said over a stretch of time: the [`Reel`].

mod disk;
mod memory;
mod sums;

use std::sync::Arc;

use crate::engine::{
    Answer, Counts, InstanceId, Labels, RawSeries, Slo, SourceFailure, Span, Timestamp,
};
use crate::prometheus::PolledFeed;

pub(in crate::replay) use disk::DiskReel;
pub use memory::MemoryReel;

/// A recorded source, which says the same whenever it is asked the same.
///
/// A [`Player`](super::Player) asks for the samples of each feed in stretches that touch and never
/// overlap, forward in time: first those of the past that windows reach, then those of the slots.
/// Between two plays a reel is asked from an earlier time again: a question that begins before the
/// end of the last one of its feed begins a new play, and what is told in it must not depend on the
/// play before. Within a play a reel need not keep what lies before the last question's start.
pub trait Reel {
    /// The raw samples (or the values of time slices) of a feed in `(from, until]`, each series
    /// once, its samples in rising time. More series than the feed's selectors match do no harm.
    ///
    /// # Errors
    ///
    /// The recording cannot be read, or ends before `until`.
    fn samples(
        &mut self,
        feed: &PolledFeed,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<RawSeries>, ReelError>;

    /// What the query of a direct feed says of one window at `at`.
    ///
    /// # Errors
    ///
    /// The recording cannot be read, or does not hold such answers.
    fn answer(
        &mut self,
        feed: &PolledFeed,
        window: Span,
        at: Timestamp,
    ) -> Result<Vec<(Labels, Answer)>, ReelError>;

    /// Hourly sums of an SLO's counters for the hours that end in `(from, until]`; they serve the
    /// budget of the days before the exact samples. A recording that has none gives none.
    ///
    /// # Errors
    ///
    /// The recording cannot be read.
    fn hours(
        &mut self,
        slo: &Arc<Slo>,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(InstanceId, Timestamp, Counts)>, ReelError>;

    /// Why the source gives no answer for this feed at this slot, if it gives none; what it did
    /// not tell then, it tells at the next slot that it answers.
    fn failure(&mut self, _feed: &PolledFeed, _slot: Timestamp) -> Option<SourceFailure> {
        None
    }
}

/// A recording cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{attempt}")]
pub struct ReelError {
    /// What was tried, and on what.
    attempt: String,
    /// Why it failed.
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ReelError {
    /// An attempt that failed for a reason.
    pub fn new(
        attempt: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            attempt: attempt.into(),
            source: Some(source.into()),
        }
    }

    /// An attempt that could not work.
    pub fn because(attempt: impl Into<String>) -> Self {
        Self {
            attempt: attempt.into(),
            source: None,
        }
    }
}
