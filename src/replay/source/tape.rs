//! Which chunks hold the answer to a question, and what is in them.

use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::Timestamp;

/// What is in a chunk, for whoever chooses among chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::replay) struct Summary {
    /// Where it is.
    pub(in crate::replay) path: PathBuf,
    /// Start of its stretch.
    pub(in crate::replay) from: Timestamp,
    /// End of its stretch.
    pub(in crate::replay) until: Timestamp,
    /// How many samples there are.
    pub(in crate::replay) samples: u64,
    /// How many series.
    pub(in crate::replay) series: usize,
    /// The first sample of all.
    pub(in crate::replay) oldest: Option<Timestamp>,
    /// The last one.
    pub(in crate::replay) newest: Option<Timestamp>,
    /// Size of the file.
    pub(in crate::replay) bytes: u64,
}

/// Chunks of one question, one after the other.
#[derive(Clone, Debug, Default)]
pub(in crate::replay) struct Tape {
    /// In rising time; of what two of them hold, the earlier one is read.
    pub(in crate::replay) chunks: Vec<Arc<Summary>>,
}

impl Tape {
    /// The first sample of all.
    pub(in crate::replay) fn oldest(&self) -> Option<Timestamp> {
        self.chunks.iter().filter_map(|chunk| chunk.oldest).min()
    }

    /// The last one.
    pub(in crate::replay) fn newest(&self) -> Option<Timestamp> {
        self.chunks.iter().filter_map(|chunk| chunk.newest).max()
    }
}
