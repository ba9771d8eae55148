//! The log of attempts: when each began, how it ended.
//!
//! A delivery has at most one open attempt. Rows go with their delivery when that is pruned.

use rusqlite::{Connection, Transaction, params};
use serde::Serialize;

use crate::engine::Timestamp;

/// Longest error text kept per attempt, in characters.
const ERROR_CHARS_MAX: usize = 500;

/// Most attempts shown with a delivery: its newest.
pub const ATTEMPTS_SHOWN_MAX: usize = 20;

/// One attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttemptRecord {
    /// When it began.
    pub started_at: Timestamp,
    /// When its outcome was known; `None` while under way and for one that a crash cut off.
    pub finished_at: Option<Timestamp>,
    /// `started`, `delivered`, `failed`, `ambiguous`, `interrupted` or `dead`.
    pub outcome: String,
    /// What went wrong.
    pub error: Option<String>,
}

/// Adds an attempt that begins now.
pub(super) fn open(tx: &Transaction<'_>, id: i64, now: Timestamp) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO attempts (delivery, number, started_at, outcome)
         SELECT ?1, coalesce(max(number), 0) + 1, ?2, 'started' FROM attempts WHERE delivery = ?1",
    )?
    .execute(params![id, now.as_millis()])?;
    Ok(())
}

/// Records the outcome of the attempt that is open; says whether there was one.
pub(super) fn close(
    tx: &Transaction<'_>,
    id: i64,
    now: Timestamp,
    outcome: &str,
    error: Option<&str>,
) -> rusqlite::Result<bool> {
    let error: Option<String> = error.map(|text| text.chars().take(ERROR_CHARS_MAX).collect());
    tx.prepare_cached(
        "UPDATE attempts SET finished_at = ?2, outcome = ?3, error = ?4
         WHERE delivery = ?1 AND outcome = 'started'",
    )?
    .execute(params![id, now.as_millis(), outcome, error])
    .map(|closed| closed == 1)
}

/// The newest attempts of a delivery, newest first.
pub(super) fn newest(
    connection: &Connection,
    delivery: i64,
) -> rusqlite::Result<Vec<AttemptRecord>> {
    let mut select = connection.prepare_cached(
        "SELECT started_at, finished_at, outcome, error FROM attempts
         WHERE delivery = ?1 ORDER BY number DESC LIMIT ?2",
    )?;
    let rows = select.query_map(params![delivery, ATTEMPTS_SHOWN_MAX as i64], |row| {
        Ok(AttemptRecord {
            started_at: Timestamp::from_millis(row.get(0)?),
            finished_at: row.get::<_, Option<i64>>(1)?.map(Timestamp::from_millis),
            outcome: row.get(2)?,
            error: row.get(3)?,
        })
    })?;
    rows.collect()
}
