//! Where a past comes from: a [`History`] is a reel, the stretch that can be played on it, and
//! what is to be known about it.

mod block;
mod cache;
mod chunk;
mod estimate;
mod fetch;
mod files;
mod litter;
mod opening;
mod pack;
mod plan;
mod question;
mod server;
mod tape;
mod track;

use crate::engine::{Options, SloId, Span, Timestamp};

use super::reel::Reel;
pub(in crate::replay) use block::Gather;
pub(in crate::replay) use chunk::{Chunk, ChunkError};
pub use estimate::Estimate;
pub use fetch::Progress;
pub use files::{Filing, from_files};
pub use litter::clear as clear_litter;
pub use opening::{Attendant, OpenError, Opening};
pub(in crate::replay) use question::{PERIOD_STEP, Question, as_hours, hours_name};
pub use server::from_server;
pub(in crate::replay) use tape::Tape;

/// A past that can be played.
pub struct History {
    /// What the source said.
    pub reel: Box<dyn Reel>,
    /// Where playing begins: what was asked for, or the oldest sample where that is later.
    pub from: Timestamp,
    /// Where playing ends.
    pub until: Timestamp,
    /// How samples are read: by the settings, or the defaults of the daemon.
    pub options: Options,
    /// Where it comes from, in words and without secrets: `prometheus at http://127.0.0.1:9090`,
    /// or the names of files.
    pub origin: String,
    /// Stretches that are known less exactly than scrape by scrape, and for which SLO.
    pub coarse: Vec<(SloId, CoarseStretch)>,
    /// SLOs that this past cannot decide, and what to do about it; the others can be played.
    pub refused: Vec<(SloId, String)>,
    /// What a reader of the results must know besides, a sentence each.
    pub remarks: Vec<String>,
}

/// A stretch `(from, until]` in which samples are further apart than scrapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoarseStretch {
    /// Its start.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// The time between samples.
    pub step: Span,
}

/// A time as messages show it: RFC 3339, UTC.
pub(in crate::replay) fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .map_or_else(|_| "another age".to_owned(), |at| at.to_string())
}

#[cfg(test)]
mod tests;
