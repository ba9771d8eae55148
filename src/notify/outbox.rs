//! The worker's view of the durable outbox.

use std::error::Error;

use crate::engine::Timestamp;
use crate::store::{AttemptOutcome, Delivery};

/// Where deliveries wait. All methods block and are called off the async threads.
pub trait Outbox: Clone + Send + Sync + 'static {
    /// A failure of storage; every call may be repeated.
    type Error: Error + Send + Sync + 'static;

    /// At most `limit` due rows of a receiver, pages first. A row is due only when no earlier
    /// unfinished row of the same alert exists. Rows are not leased: a row that was claimed and
    /// not finished is returned again.
    ///
    /// # Errors
    ///
    /// When the rows cannot be read.
    fn claim_due(
        &self,
        receiver: &str,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Delivery>, Self::Error>;

    /// When the next row of a receiver becomes due; a time that has passed already says nothing new.
    ///
    /// # Errors
    ///
    /// When the rows cannot be read.
    fn next_due(&self, receiver: &str, now: Timestamp) -> Result<Option<Timestamp>, Self::Error>;

    /// Records that the receiver may have the message from now on.
    ///
    /// # Errors
    ///
    /// When the record cannot be written; then nothing may be sent.
    fn begin_attempt(&self, id: i64, now: Timestamp) -> Result<(), Self::Error>;

    /// Records how an attempt ended.
    ///
    /// # Errors
    ///
    /// When the record cannot be written.
    fn finish_attempt(
        &self,
        id: i64,
        now: Timestamp,
        outcome: &AttemptOutcome,
    ) -> Result<(), Self::Error>;

    /// Has the fallback of a receiver told, as well, of what was decided at or before `before`, and
    /// with `pages` of every page; a bounded number of rows. Says how many were settled: with 0
    /// nothing is left to do.
    ///
    /// # Errors
    ///
    /// When the record cannot be written.
    fn divert(
        &self,
        receiver: &str,
        now: Timestamp,
        before: Timestamp,
        pages: bool,
    ) -> Result<usize, Self::Error>;

    /// What the newest delivery of this episode gave back.
    ///
    /// # Errors
    ///
    /// When the rows cannot be read.
    fn receipt(
        &self,
        receiver: &str,
        dedup_key: &str,
        episode: u64,
    ) -> Result<Option<String>, Self::Error>;

    /// Whether an error of [`Outbox::begin_attempt`] or [`Outbox::finish_attempt`] says that the
    /// row does not wait for that call any more: it was superseded, taken by the worker of another
    /// configuration, or recorded already. Repeating the call is pointless then.
    fn is_settled(error: &Self::Error) -> bool;
}
