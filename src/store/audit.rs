//! The log of what operators did: who, from where, what, to what, and what came of it.

use rusqlite::params;
use serde::Serialize;

use super::Store;
use super::error::StoreError;
use crate::engine::Timestamp;

/// Most entries in one answer.
pub const AUDIT_ENTRIES_MAX: usize = 1000;

/// One action of an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who: the name of a user or token, or `anonymous`.
    pub actor: String,
    /// From where: the peer's address.
    pub origin: String,
    /// What: `silence.create`, `alert.acknowledge`, `reload` ...
    pub action: String,
    /// To what: an id or a name; may be empty.
    pub object: String,
    /// `done`, or why not; without secrets.
    pub outcome: String,
}

impl Store {
    /// Appends to the log.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn record_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.write("record the action of an operator", |tx| {
            tx.prepare_cached(
                "INSERT INTO audit (at, actor, origin, action, object, outcome)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                entry.at.as_millis(),
                entry.actor,
                entry.origin,
                entry.action,
                entry.object,
                entry.outcome
            ])?;
            Ok(())
        })
    }

    /// The newest entries, newest first.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn audit(&self, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        let limit = limit.min(AUDIT_ENTRIES_MAX) as i64;
        self.read("read the log of operators", |connection| {
            let mut select = connection.prepare_cached(
                "SELECT at, actor, origin, action, object, outcome FROM audit
                 ORDER BY id DESC LIMIT ?1",
            )?;
            let rows = select.query_map([limit], |row| {
                Ok(AuditEntry {
                    at: Timestamp::from_millis(row.get(0)?),
                    actor: row.get(1)?,
                    origin: row.get(2)?,
                    action: row.get(3)?,
                    object: row.get(4)?,
                    outcome: row.get(5)?,
                })
            })?;
            rows.collect()
        })
    }
}
