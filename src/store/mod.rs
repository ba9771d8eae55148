//! Durable state: what the worker of a receiver takes from the outbox and gives back.

use crate::engine::{Notification, Timestamp};

/// A due row of the outbox.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Identity of the row.
    pub id: i64,
    /// What to deliver.
    pub notification: Notification,
    /// Attempts begun so far.
    pub attempts: u32,
    /// When the row was written.
    pub created_at: Timestamp,
    /// What the trigger was sent through, if the receiver recorded it.
    pub routing: Option<String>,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum AttemptOutcome {
    /// The receiver has it.
    Delivered {
        /// How to find the message again.
        receipt: Option<String>,
    },
    /// Not yet.
    Retry {
        /// When to try again.
        at: Timestamp,
        /// What went wrong.
        error: String,
        /// Whether the receiver may have it all the same.
        ambiguous: bool,
    },
    /// Given up.
    Dead {
        /// What went wrong.
        error: String,
    },
}
