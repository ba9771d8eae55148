//! The records that a restart begins with besides the alerts: threads and silences, one row of
//! JSON each, replaced as a whole.

use rusqlite::{Connection, Transaction, params};

use super::json;
use crate::engine::{Silence, ThreadKey, ThreadRecord};

/// Stores the thread in place of any with the same key.
pub(super) fn save_thread(tx: &Transaction<'_>, thread: &ThreadRecord) -> rusqlite::Result<()> {
    let sql = "INSERT INTO threads (key, dedup_key, record) VALUES (?1, ?2, ?3)
        ON CONFLICT (key) DO UPDATE SET record = excluded.record";
    tx.prepare_cached(sql)?.execute(params![
        thread.key.to_string(),
        thread.key.dedup_key(),
        json(thread)?
    ])?;
    Ok(())
}

/// Deletes the thread, if there is one.
pub(super) fn forget_thread(tx: &Transaction<'_>, key: &ThreadKey) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM threads WHERE key = ?1")?
        .execute([key.to_string()])?;
    Ok(())
}

/// Stores the silence in place of any with the same id.
pub(super) fn save_silence(tx: &Transaction<'_>, silence: &Silence) -> rusqlite::Result<()> {
    let sql = "INSERT INTO silences (id, record) VALUES (?1, ?2)
        ON CONFLICT (id) DO UPDATE SET record = excluded.record";
    tx.prepare_cached(sql)?
        .execute(params![silence.id, json(silence)?])?;
    Ok(())
}

/// Deletes the silence, if there is one.
pub(super) fn forget_silence(tx: &Transaction<'_>, id: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM silences WHERE id = ?1")?
        .execute([id])?;
    Ok(())
}

/// Every key of a table with its record as stored, sorted by key.
pub(super) fn all(
    connection: &Connection,
    table: Table,
) -> rusqlite::Result<Vec<(String, String)>> {
    let sql = match table {
        Table::Alerts => "SELECT dedup_key, record FROM alerts ORDER BY dedup_key",
        Table::Threads => "SELECT key, record FROM threads ORDER BY key",
        Table::Silences => "SELECT id, record FROM silences ORDER BY id",
    };
    let mut query = connection.prepare_cached(sql)?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// The tables of records.
#[derive(Clone, Copy, Debug)]
pub(super) enum Table {
    Alerts,
    Threads,
    Silences,
}
