//! The outbox: every notification that was decided, until its delivery is settled.
//!
//! A row begins `pending`; an attempt makes it `in_flight`; it ends `delivered`, `superseded` or
//! `dead`. The worker's side of the contract:
//! 1. [`Store::claim_due`] reads what is due. It reserves nothing.
//! 2. [`Store::begin_attempt`] takes one delivery, durably, before the request leaves. Refused with
//!    [`StoreError::NotPending`], the claim is dropped: somebody else has the row, or it was
//!    superseded.
//! 3. [`Store::finish_attempt`] records what came of it, and is retried until the store takes it.
//!
//! Per (alert, receiver) the rows leave in the order in which they were committed: one waits while
//! an earlier one is unfinished. A row in flight when the process died may have arrived; it is due
//! again at the next start. What need not be sent any more is decided in `collapse`.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::fallback::{self, Known};
use super::{Store, attempts, collapse};
use crate::engine::{Notification, Timestamp};

/// A notification that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Names the row in later calls; never reused.
    pub id: i64,
    /// What to send.
    pub notification: Notification,
    /// Attempts that began before now.
    pub attempts: u32,
    /// When it was decided; its age is measured from here.
    pub created_at: Timestamp,
    /// What the receiver handed back for this episode, as [`Store::receipt`]: with it an update
    /// or a resolve goes where the trigger went.
    pub routing: Option<String>,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The receiver has it.
    Delivered {
        /// What it handed back, in the words of its worker, for later notifications of the episode.
        receipt: Option<String>,
    },
    /// Not now.
    Retry {
        /// When to try again.
        at: Timestamp,
        /// Why, for people; without secrets.
        error: String,
        /// Whether it may have arrived all the same, as after a timeout.
        ambiguous: bool,
    },
    /// Never. It may have arrived by an earlier ambiguous attempt all the same.
    Dead {
        /// Why, for people; without secrets.
        error: String,
        /// Whether it may have arrived by this attempt, as after a timeout.
        ambiguous: bool,
    },
}

/// Where a row of the outbox stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waits for its time, or for an earlier row of the same alert and receiver.
    Pending,
    /// An attempt is under way.
    InFlight,
    /// Final: the receiver has it.
    Delivered,
    /// Final: there is no need to send it any more.
    Superseded,
    /// Given up: final, unless an operator has it tried again.
    Dead,
    /// Final: given up, and settled by an operator.
    Discarded,
}

/// What one receiver has still to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Backlog {
    /// Its name in the configuration; it may be gone from there.
    pub receiver: String,
    /// Rows that are not finished.
    pub pending: u64,
    /// Rows that were given up, are not discarded and still in the history.
    pub dead: u64,
    /// When the oldest unfinished row was decided.
    pub oldest: Option<Timestamp>,
}

impl Store {
    /// Marks, durably, that the delivery may have arrived from now on.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotPending`] when the row is not there to be sent; otherwise when the disk
    /// refuses. In both cases the request must not leave.
    pub fn begin_attempt(&self, id: i64, now: Timestamp) -> Result<(), StoreError> {
        let begun = self.write("begin a delivery attempt", |tx| {
            let sql = format!(
                "UPDATE outbox SET state = 'in_flight', attempts = attempts + 1
                 WHERE id = ?1 AND {READY}"
            );
            let begun = tx.prepare_cached(&sql)?.execute([id])? == 1;
            if begun {
                attempts::open(tx, id, now)?;
            }
            Ok(begun)
        })?;
        begun.then_some(()).ok_or(StoreError::NotPending { id })
    }

    /// Records what came of the attempt under way; until then no other begins.
    ///
    /// [`AttemptOutcome::Dead`] is also taken for a pending row: it is given up without another
    /// attempt, as when it has become too old.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotUnderWay`] when there is nothing to record (so also when it has been
    /// recorded); otherwise when the disk refuses: then repeat the call, for the row stays in
    /// flight, and its alert waits, until an outcome is stored or the process restarts.
    pub fn finish_attempt(
        &self,
        id: i64,
        now: Timestamp,
        outcome: &AttemptOutcome,
    ) -> Result<(), StoreError> {
        let known = self.known();
        let finished = self.write("record a delivery attempt", |tx| match outcome {
            AttemptOutcome::Delivered { receipt } => delivered(tx, id, now, receipt.as_deref()),
            AttemptOutcome::Retry {
                at,
                error,
                ambiguous,
            } => {
                let finished = retry(tx, id, now, *at, error, *ambiguous)?;
                if finished && is_orphan(tx, &known, id)? {
                    give_up(tx, &known, id, now, fallback::ORPHANED)?;
                }
                Ok(finished)
            }
            AttemptOutcome::Dead { error, ambiguous } => {
                if *ambiguous {
                    may_have_arrived(tx, id)?;
                }
                give_up(tx, &known, id, now, error)
            }
        })?;
        finished.then_some(()).ok_or(StoreError::NotUnderWay { id })
    }

    /// What the receiver handed back for an episode: the receipt of its earliest notification that
    /// has one, so the trigger's, if that was delivered with one. Kept while the alert is open or
    /// a notification of the episode is unfinished, however long that takes.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn receipt(
        &self,
        receiver: &str,
        dedup_key: &str,
        episode: u64,
    ) -> Result<Option<String>, StoreError> {
        self.read("look up a receipt", |connection| {
            connection
                .prepare_cached(
                    "SELECT receipt FROM outbox INDEXED BY outbox_receipt
                     WHERE dedup_key = ?1 AND receiver = ?2 AND episode = ?3 AND receipt IS NOT NULL
                     ORDER BY id LIMIT 1",
                )?
                .query_row(params![dedup_key, receiver, episode.cast_signed()], |row| {
                    row.get(0)
                })
                .optional()
        })
    }

    /// Every receiver with unfinished or dead rows, by name.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        self.read("count the backlog", |connection| {
            let mut query = connection.prepare_cached(BACKLOG)?;
            let rows = query.query_map([], |row| {
                Ok(Backlog {
                    receiver: row.get(0)?,
                    pending: row.get::<_, i64>(1)?.unsigned_abs(),
                    dead: row.get::<_, i64>(2)?.unsigned_abs(),
                    oldest: row.get::<_, Option<i64>>(3)?.map(Timestamp::from_millis),
                })
            })?;
            rows.collect()
        })
    }
}

/// The rule of order: the row is pending and no earlier row of its alert and receiver is
/// unfinished.
const READY: &str = "state = 'pending' AND blocked = 0";

/// Two halves, so that each is answered by its partial index.
pub(super) const BACKLOG: &str = "
    SELECT receiver, sum(pending), sum(dead), min(oldest) FROM (
        SELECT receiver, count(*) AS pending, 0 AS dead, min(created_at) AS oldest
        FROM outbox INDEXED BY outbox_unfinished WHERE finished_at IS NULL GROUP BY receiver
        UNION ALL
        SELECT receiver, 0, count(*), NULL
        FROM outbox WHERE state = 'dead' AND discarded_at IS NULL GROUP BY receiver)
    GROUP BY receiver ORDER BY receiver";

/// Makes the attempts that the last process left open due again: they may have arrived.
pub(super) fn recover(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE attempts SET outcome = 'interrupted' WHERE outcome = 'started' AND delivery IN
             (SELECT id FROM outbox WHERE finished_at IS NULL AND state = 'in_flight')",
        [],
    )?;
    tx.execute(
        "UPDATE outbox SET state = 'pending', may_have_arrived = 1, due_at = created_at
         WHERE finished_at IS NULL AND state = 'in_flight'",
        [],
    )?;
    Ok(())
}

/// Whether the row waits for a receiver that is gone.
fn is_orphan(tx: &Transaction<'_>, known: &Known, id: i64) -> rusqlite::Result<bool> {
    let receiver: String = tx
        .prepare_cached("SELECT receiver FROM outbox WHERE id = ?1")?
        .query_row([id], |row| row.get(0))?;
    Ok(!known.has(&receiver))
}

fn delivered(
    tx: &Transaction<'_>,
    id: i64,
    now: Timestamp,
    receipt: Option<&str>,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE outbox
        SET state = 'delivered', may_have_arrived = 1, finished_at = ?2, receipt = ?3
        WHERE id = ?1 AND state = 'in_flight'";
    let changed = tx
        .prepare_cached(sql)?
        .execute(params![id, now.as_millis(), receipt])?;
    attempts::close(tx, id, now, "delivered", None)?;
    Ok(changed == 1)
}

fn retry(
    tx: &Transaction<'_>,
    id: i64,
    now: Timestamp,
    at: Timestamp,
    error: &str,
    ambiguous: bool,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE outbox
        SET state = 'pending', may_have_arrived = may_have_arrived OR ?2, due_at = ?3
        WHERE id = ?1 AND state = 'in_flight'";
    let changed = tx
        .prepare_cached(sql)?
        .execute(params![id, ambiguous, at.as_millis()])?;
    if changed == 0 {
        return Ok(false);
    }
    let outcome = if ambiguous { "ambiguous" } else { "failed" };
    attempts::close(tx, id, now, outcome, Some(error))?;
    collapse::unheard_episode(tx, id, now)?;
    Ok(true)
}

/// Remembers of an unfinished row that the receiver may have it: then it must hear of the end.
fn may_have_arrived(tx: &Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE outbox SET may_have_arrived = 1 WHERE id = ?1 AND finished_at IS NULL";
    tx.prepare_cached(sql)?.execute([id])?;
    Ok(())
}

/// Settles a row that need not be sent.
pub(super) fn supersede(tx: &Transaction<'_>, id: i64, now: Timestamp) -> rusqlite::Result<()> {
    let sql = "UPDATE outbox SET state = 'superseded', finished_at = ?2
        WHERE id = ?1 AND finished_at IS NULL";
    tx.prepare_cached(sql)?
        .execute(params![id, now.as_millis()])?;
    Ok(())
}

/// Makes a row a dead letter, unless it is finished; its fallback hears of it.
pub(super) fn give_up(
    tx: &Transaction<'_>,
    known: &Known,
    id: i64,
    now: Timestamp,
    error: &str,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE outbox SET state = 'dead', finished_at = ?2
        WHERE id = ?1 AND finished_at IS NULL";
    let changed = tx
        .prepare_cached(sql)?
        .execute(params![id, now.as_millis()])?;
    if changed == 0 {
        return Ok(false);
    }
    if !attempts::close(tx, id, now, "dead", Some(error))? {
        attempts::open(tx, id, now)?;
        attempts::close(tx, id, now, "dead", Some(error))?;
    }
    fallback::divert(tx, known, id, now, &mut BTreeSet::new())?;
    collapse::unheard_episode(tx, id, now)?;
    Ok(true)
}
