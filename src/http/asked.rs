//! What the source was asked at a feed's last slot, for people who want to ask the same.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::engine::{Span, Timestamp};

/// What the poll of one slot was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollMade {
    /// Samples after this time were asked for; a poll that bridges a long absence asks in pieces,
    /// for which this stands as one.
    pub from: Timestamp,
    /// The slot, up to which was asked.
    pub slot: Timestamp,
    /// The windows that a direct feed asked about.
    pub windows: Vec<Span>,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AskedQuery {
    /// The query.
    pub promql: String,
    /// A line for a shell that asks the same, with variables in the place of secrets.
    pub curl: Option<String>,
}

/// Writes what a feed asks.
#[derive(Clone)]
pub struct Questions(Arc<Write>);

type Write = dyn Fn(&PollMade) -> Vec<AskedQuery> + Send + Sync;

impl Questions {
    /// By a function that knows the feed.
    pub fn new(write: impl Fn(&PollMade) -> Vec<AskedQuery> + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }

    /// What a poll asked.
    pub(super) fn of(&self, poll: &PollMade) -> Vec<AskedQuery> {
        (self.0)(poll)
    }
}

impl fmt::Debug for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Questions")
    }
}
