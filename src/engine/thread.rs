//! Threads: several alerts told to one receiver as one, because a route groups them or because
//! they came in a storm.
//!
//! A thread is to its receiver what a single alert is: one identity from its first notification
//! to its resolve, which it gets when the last of its members has ended.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::labels::Labels;
use super::notification::{AlertFacts, AlertKey};
use super::time::Timestamp;

/// What a thread is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ThreadKey {
    /// The alerts of a route with the same values of its `group_by` labels.
    Group {
        /// Who is told.
        receiver: String,
        /// Name of the route.
        route: String,
        /// The labels they share.
        labels: Labels,
    },
    /// What came in a storm.
    Storm {
        /// Who is told.
        receiver: String,
    },
}

impl ThreadKey {
    /// Who is told.
    pub fn receiver(&self) -> &str {
        match self {
            Self::Group { receiver, .. } | Self::Storm { receiver } => receiver,
        }
    }
}

/// `group:route/receiver{labels}` or `storm:receiver`
impl fmt::Display for ThreadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group {
                receiver,
                route,
                labels,
            } => write!(f, "group:{route}/{receiver}{labels}"),
            Self::Storm { receiver } => write!(f, "storm:{receiver}"),
        }
    }
}

/// The durable memory of one thread; stored as one JSON value per key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThreadRecord {
    /// Identity.
    pub key: ThreadKey,
    /// When it began, for its episode.
    pub began_at: Timestamp,
    /// The sequence number of its last notification; 0 before the first.
    pub sequence: u32,
    /// When that was.
    pub told_at: Option<Timestamp>,
    /// When what is new is told, if something is.
    pub flush_at: Option<Timestamp>,
    /// The alerts in it, by dedup key.
    pub members: BTreeMap<String, Member>,
}

/// An alert in a thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Which alert.
    pub key: AlertKey,
    /// Which of its episodes.
    pub episode: u64,
    /// What was last known; `resolved_at` is set once it has ended.
    pub facts: AlertFacts,
    /// Whether the receiver has heard of its present state.
    pub told: bool,
}
