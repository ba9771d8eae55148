//! Threads: several alerts told to one receiver as one, because a route groups them or because
//! they came in a storm.
//!
//! A thread is to its receiver what a single alert is: one identity from its first notification
//! to its resolve, which it gets when the last of its members has ended.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::labels::Labels;
use super::notification::{AlertFacts, AlertKey, bounded_key};
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
    /// The key by which the receiver recognises the thread, at most 255 bytes.
    pub fn dedup_key(&self) -> String {
        bounded_key(self)
    }

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
    /// The alerts in it, by dedup key. The record of a receiver without a storm has none.
    pub members: BTreeMap<String, Member>,
    /// Of a storm: when new pages for the receiver came, as far back as its limit looks and at most
    /// as many as it allows.
    #[serde(default)]
    pub pages: Vec<Timestamp>,
}

/// An alert in a thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Which alert.
    pub key: AlertKey,
    /// Which of its episodes.
    pub episode: u64,
    /// While it is up, what it was like when it joined, without its texts and numbers, for its
    /// record has them; once it has ended everything, `resolved_at` among it.
    pub facts: AlertFacts,
    /// Whether the receiver has heard of its present state.
    pub told: bool,
    /// Whether the receiver has heard of it at all.
    #[serde(default)]
    pub announced: bool,
}

impl ThreadRecord {
    /// A thread without members of which nobody has heard.
    pub(super) fn new(key: ThreadKey, began_at: Timestamp) -> Self {
        Self {
            key,
            began_at,
            sequence: 0,
            told_at: None,
            flush_at: None,
            members: BTreeMap::new(),
            pages: Vec::new(),
        }
    }

    /// The number of the episode: the millisecond of its beginning.
    pub fn episode(&self) -> u64 {
        self.began_at.as_millis().unsigned_abs()
    }
}

impl Member {
    /// Whether its alert is up.
    pub fn is_up(&self) -> bool {
        self.facts.resolved_at.is_none()
    }
}
