//! The alert: one identity from its first burning slot to its resolve.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::notification::{AlertFacts, AlertKey};
use super::time::Timestamp;

/// The durable memory of one alert that is pending or firing.
///
/// It is stored as one JSON value per key; a restart restores it unchanged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertRecord {
    /// Identity.
    pub key: AlertKey,
    /// Where it stands.
    pub state: AlertState,
    /// What was last known about it; the source of its resolve message.
    pub facts: AlertFacts,
    /// Bad events of the period when the alert started, to price the episode.
    pub consumed_at_start: f64,
    /// What each receiver was told in this episode: the sequence number of the last notification.
    pub told: BTreeMap<String, u32>,
}

/// Where an open alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum AlertState {
    /// The condition holds since `since`, but not for long enough.
    Pending {
        /// First burning slot.
        since: Timestamp,
    },
    /// Up since `since`.
    Firing {
        /// First burning slot; also the episode's number.
        since: Timestamp,
        /// First slot without the condition, while the hold time runs.
        quiet_since: Option<Timestamp>,
    },
}
