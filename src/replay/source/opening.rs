//! What a past is read for, who is asked about it, and why there may be none.

use std::path::PathBuf;
use std::sync::Arc;

use super::chunk::ChunkError;
use super::estimate::Estimate;
use super::fetch::Progress;
use crate::config::settings::{EvaluationSettings, SourceSettings};
use crate::engine::{Options, Slo, Timestamp};
use crate::prometheus::SourceError;

/// What a past is read for, and where from.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The SLOs that will be played, also those of variants.
    pub slos: Vec<Arc<Slo>>,
    /// The server. Its deadline and concurrency hold for each request.
    pub source: SourceSettings,
    /// How samples are read.
    pub evaluation: EvaluationSettings,
    /// The same, for the engine.
    pub options: Options,
    /// The first slot is the one after this.
    pub from: Timestamp,
    /// The last slot.
    pub until: Timestamp,
    /// The present.
    pub now: Timestamp,
    /// Where chunks are kept; `None` keeps nothing.
    pub cache: Option<PathBuf>,
    /// How large the cache may become.
    pub cache_bytes_max: u64,
}

/// Somebody who is asked and told while a past is fetched.
pub trait Attendant {
    /// Whether the cost is all right.
    fn agrees(&mut self, estimate: &Estimate) -> bool;
    /// How far it has come.
    fn told(&mut self, progress: Progress);
}

/// Why there is no past to play.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The client cannot be set up, or the source does not answer at all.
    #[error("reading history from {origin}")]
    Source {
        /// Where it was to come from.
        origin: String,
        /// Why it does not.
        source: SourceError,
    },
    /// A part of it could not be fetched.
    #[error("reading history from {origin}: {subject}")]
    Fetch {
        /// Where it was to come from.
        origin: String,
        /// What was asked for.
        subject: String,
        /// Why there is no answer.
        source: SourceError,
    },
    /// The files cannot be written or read.
    #[error("keeping history")]
    Disk {
        /// Why not.
        #[source]
        source: ChunkErrorOpaque,
    },
    /// A file cannot be read.
    #[error("reading {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Files are not what they should be: each mistake with its place and its fix.
    #[error("the history has mistakes\n{}", .0.join("\n"))]
    Mistakes(Vec<String>),
    /// The cost was not all right.
    #[error("nothing was fetched")]
    Declined,
    /// There is nothing.
    #[error("{origin} has no samples of these SLOs{}", stretch(.from.as_deref(), .until.as_deref()))]
    Empty {
        /// Where it was looked for.
        origin: String,
        /// The start of the stretch, if one was given.
        from: Option<String>,
        /// Its end, if one was given.
        until: Option<String>,
    },
}

fn stretch(from: Option<&str>, until: Option<&str>) -> String {
    match (from, until) {
        (Some(from), Some(until)) => format!(" between {from} and {until}"),
        (Some(from), None) => format!(" after {from}"),
        (None, Some(until)) => format!(" before {until}"),
        (None, None) => String::new(),
    }
}

/// Why files of the history cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ChunkErrorOpaque(pub(super) ChunkError);

impl From<ChunkError> for OpenError {
    fn from(error: ChunkError) -> Self {
        let source = ChunkErrorOpaque(error);
        Self::Disk { source }
    }
}
