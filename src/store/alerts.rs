//! The records of open alerts: one row of JSON per alert, replaced as a whole.

use rusqlite::{Transaction, params};

use super::json;
use crate::engine::{AlertKey, AlertRecord};

/// Stores the record in place of any with the same key.
pub(super) fn save(tx: &Transaction<'_>, record: &AlertRecord) -> rusqlite::Result<()> {
    let sql = "INSERT INTO alerts (dedup_key, record) VALUES (?1, ?2)
        ON CONFLICT (dedup_key) DO UPDATE SET record = excluded.record";
    tx.prepare_cached(sql)?
        .execute(params![record.key.dedup_key(), json(record)?])?;
    Ok(())
}

/// Deletes the record, if there is one.
pub(super) fn forget(tx: &Transaction<'_>, key: &AlertKey) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM alerts WHERE dedup_key = ?1")?
        .execute([key.dedup_key()])?;
    Ok(())
}
