//! What operators ask of a running engine.

use super::silence::Silence;
use super::time::Timestamp;

/// One request. It is taken as it is: whoever passes it on has checked who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Adds a silence, or replaces the one with the same id.
    SetSilence(Silence),
    /// Ends a silence now; one that has not begun is ended before it begins.
    ExpireSilence {
        /// Its id.
        id: String,
    },
    /// Says that somebody looks after an alert: it is not escalated further.
    Acknowledge {
        /// The alert, by its dedup key.
        alert: String,
        /// Who and why.
        acknowledgement: Acknowledgement,
    },
    /// Takes an acknowledgement back: escalation begins anew.
    Unacknowledge {
        /// The alert, by its dedup key.
        alert: String,
    },
}

/// Somebody looks after an alert.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Acknowledgement {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// By which way it came: `slack`, `api`.
    pub via: String,
    /// What they said about it; may be empty.
    pub note: String,
}
