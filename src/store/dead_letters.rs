//! Dead letters: notifications that were given up, for an operator to look at, try again or discard.

use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Serialize;

use super::error::StoreError;
use super::{Store, enqueue, history};
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
        receiver: Option<&str>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let limit = limit.min(DEAD_LETTERS_MAX) as i64;
        self.read("list the dead letters", |connection| match receiver {
            Some(receiver) => connection
                .prepare_cached(DEAD_OF_RECEIVER)?
                .query_map(params![limit, receiver], dead_letter)?
                .collect(),
            None => connection
                .prepare_cached(DEAD)?
                .query_map([limit], dead_letter)?
                .collect(),
        })
    }

    /// Makes a dead letter due again, as if it had been decided now; the log of its attempts stays.
    ///
    /// It is pointless when it would tell what is no longer true, or in the wrong order: after a
    /// later notification of the alert, after the end of its episode, or during the next one.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn retry_dead_letter(&self, id: i64, now: Timestamp) -> Result<Revival, StoreError> {
        let known = self.known();
        self.write("try a dead letter again", |tx| {
            let Some(receiver) = receiver_of(tx, id)? else {
                return Ok(Revival::Unknown);
            };
            if !known.has(&receiver) {
                let why = format!("receiver {receiver:?} is not in the configuration");
                return Ok(Revival::Pointless(why));
            }
            if let Some(why) = pointless(tx, id)? {
                return Ok(Revival::Pointless(why.to_owned()));
            }
            tx.prepare_cached(
                "UPDATE outbox SET state = 'pending', finished_at = NULL,
                     due_at = ?2, created_at = ?2 WHERE id = ?1",
            )?
            .execute(params![id, now.as_millis()])?;
            Ok(Revival::Revived { receiver })
        })
    }

    /// Settles a dead letter for good: it is no longer listed. Says whether there was one.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn discard_dead_letter(&self, id: i64, now: Timestamp) -> Result<bool, StoreError> {
        let discarded = self.write("discard a dead letter", |tx| {
            tx.prepare_cached(
                "UPDATE outbox SET discarded_at = ?2
                 WHERE id = ?1 AND state = 'dead' AND discarded_at IS NULL",
            )?
            .execute(params![id, now.as_millis()])
        })?;
        Ok(discarded == 1)
    }
}

macro_rules! dead {
    ($condition:literal) => {
        concat!(
            "SELECT id, receiver, dedup_key, urgency, kind, created_at, finished_at, attempts,
                 (SELECT error FROM attempts
                  WHERE delivery = outbox.id AND outcome = 'dead'
                  ORDER BY number DESC LIMIT 1)
             FROM outbox WHERE state = 'dead' AND discarded_at IS NULL ",
            $condition,
            " ORDER BY finished_at DESC, id DESC LIMIT ?1"
        )
    };
}

pub(super) const DEAD: &str = dead!("");
pub(super) const DEAD_OF_RECEIVER: &str = dead!("AND receiver = ?2");

fn dead_letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    Ok(DeadLetter {
        id: row.get(0)?,
        receiver: row.get(1)?,
        alert: row.get(2)?,
        severity: enqueue::severity(row.get(3)?),
        kind: history::word(row, 4)?,
        created_at: Timestamp::from_millis(row.get(5)?),
        died_at: Timestamp::from_millis(row.get(6)?),
        attempts: row.get(7)?,
        error: row.get::<_, Option<String>>(8)?.unwrap_or_default(),
    })
}

/// Whom a dead letter is for; `None` when there is none of this id.
fn receiver_of(tx: &Transaction<'_>, id: i64) -> rusqlite::Result<Option<String>> {
    tx.prepare_cached(
        "SELECT receiver FROM outbox WHERE id = ?1 AND state = 'dead' AND discarded_at IS NULL",
    )?
    .query_row([id], |row| row.get(0))
    .optional()
}

/// Why this dead letter need not be said any more.
///
/// That the alert, or the group, is still open is looked up besides its resolve: a receiver that
/// wants no resolves has none.
fn pointless(tx: &Transaction<'_>, id: i64) -> rusqlite::Result<Option<&'static str>> {
    let (is_resolve, out, anew, resolved, open): (bool, bool, bool, bool, bool) = tx
        .prepare_cached(
            "SELECT row.kind = 'resolve',
                 coalesce(max(later.may_have_arrived OR later.state = 'in_flight'), 0),
                 coalesce(max(later.episode <> row.episode), 0),
                 coalesce(max(later.kind = 'resolve'), 0),
                 EXISTS (SELECT 1 FROM alerts WHERE dedup_key = row.dedup_key)
                     OR EXISTS (SELECT 1 FROM threads WHERE dedup_key = row.dedup_key)
             FROM outbox AS row LEFT JOIN outbox AS later
                 ON later.dedup_key = row.dedup_key AND later.receiver = row.receiver
                 AND later.id > row.id
             WHERE row.id = ?1",
        )?
        .query_row([id], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        })?;
    let unheard: bool = tx
        .prepare_cached(
            "SELECT count(*) > 0 AND count(*) FILTER (
                 WHERE told.may_have_arrived OR told.state = 'in_flight') = 0
             FROM outbox AS row JOIN outbox AS told
                 ON told.dedup_key = row.dedup_key AND told.receiver = row.receiver
                 AND told.episode = row.episode AND told.kind <> 'resolve'
             WHERE row.id = ?1",
        )?
        .query_row([id], |row| row.get(0))?;
    Ok(if anew {
        Some("the alert has begun anew since")
    } else if is_resolve && unheard {
        Some("the receiver never heard of the alert")
    } else if !is_resolve && (resolved || !open) {
        Some("the alert has ended since")
    } else if out {
        Some("the receiver has a later notification of the alert")
    } else {
        None
    })
}
