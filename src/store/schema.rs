//! Tables, and the migrations that lead to them.
//!
//! The schema version is SQLite's `user_version`: the number of migrations that were applied. A
//! released migration is never edited; a change of the schema is a new one at the end of the list.

use rusqlite::{Connection, TransactionBehavior};

use super::error::StoreError;

/// SQLite's `application_id` of our files: "slof" in ASCII.
const APPLICATION_ID: i64 = 0x736c_6f66;

/// Every migration, oldest first: version n is the result of the first n.
pub(super) const MIGRATIONS: &[&str] = &[VERSION_1, VERSION_2];

/// All times are milliseconds since the Unix epoch.
///
/// A row of the outbox is unfinished exactly while `finished_at` is null; the partial indexes make
/// the work of the delivery workers independent of the length of the history. `episode` holds the
/// bits of an unsigned number.
const VERSION_1: &str = "
CREATE TABLE alerts (
    dedup_key TEXT NOT NULL PRIMARY KEY,
    record    TEXT NOT NULL
) STRICT;

CREATE TABLE transitions (
    id         INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    dedup_key  TEXT NOT NULL,
    slo        TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state   TEXT NOT NULL,
    transition TEXT NOT NULL,
    UNIQUE (at, dedup_key, from_state, to_state)
) STRICT;

CREATE TABLE outbox (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    idempotency_key  TEXT NOT NULL UNIQUE,
    receiver         TEXT NOT NULL,
    dedup_key        TEXT NOT NULL,
    episode          INTEGER NOT NULL,
    kind             TEXT NOT NULL CHECK (kind IN ('trigger', 'update', 'resolve')),
    slo              TEXT NOT NULL,
    urgency          INTEGER NOT NULL DEFAULT 0,
    notification     TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    due_at           INTEGER NOT NULL,
    finished_at      INTEGER,
    state            TEXT NOT NULL DEFAULT 'pending',
    attempts         INTEGER NOT NULL DEFAULT 0,
    may_have_arrived INTEGER NOT NULL DEFAULT 0,
    receipt          TEXT,
    CHECK (CASE state
        WHEN 'pending' THEN finished_at IS NULL
        WHEN 'in_flight' THEN finished_at IS NULL
        WHEN 'delivered' THEN finished_at IS NOT NULL
        WHEN 'superseded' THEN finished_at IS NOT NULL
        WHEN 'dead' THEN finished_at IS NOT NULL
        ELSE 0 END)
) STRICT;

CREATE INDEX outbox_due ON outbox (receiver, due_at, id) WHERE finished_at IS NULL;
CREATE INDEX outbox_urgent ON outbox (receiver, urgency, due_at, id) WHERE finished_at IS NULL;
CREATE INDEX outbox_order ON outbox (dedup_key, receiver, id) WHERE finished_at IS NULL;
CREATE INDEX outbox_dead ON outbox (receiver) WHERE state = 'dead';
CREATE INDEX outbox_episode ON outbox (dedup_key, receiver, episode);
CREATE INDEX outbox_created ON outbox (created_at);
CREATE INDEX outbox_finished ON outbox (finished_at);

CREATE TABLE attempts (
    delivery    INTEGER NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    outcome     TEXT NOT NULL,
    error       TEXT,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;
";

/// Threads, silences, why alerts were muted, and what operators did.
const VERSION_2: &str = "
CREATE TABLE threads (
    key    TEXT NOT NULL PRIMARY KEY,
    record TEXT NOT NULL
) STRICT;

CREATE TABLE silences (
    id     TEXT NOT NULL PRIMARY KEY,
    record TEXT NOT NULL
) STRICT;

CREATE TABLE mutes (
    id        INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    dedup_key TEXT NOT NULL,
    slo       TEXT NOT NULL,
    change    TEXT NOT NULL,
    UNIQUE (at, dedup_key)
) STRICT;

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    origin  TEXT NOT NULL,
    action  TEXT NOT NULL,
    object  TEXT NOT NULL,
    outcome TEXT NOT NULL
) STRICT;

CREATE INDEX audit_at ON audit (at);
";

/// Brings a database to the newest version, in one transaction.
///
/// # Errors
///
/// When the file is another program's or a newer slofuse's, and when SQLite refuses; the file is
/// then as it was.
pub(super) fn migrate(
    connection: &mut Connection,
    migrations: &[&str],
    file: &str,
) -> Result<(), StoreError> {
    let failed = |source| StoreError::database("migrate the schema", file, source);
    let tx = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    if is_foreign(&tx).map_err(failed)? {
        return Err(StoreError::Foreign {
            file: file.to_owned(),
        });
    }
    let found: i64 = pragma(&tx, "user_version").map_err(failed)?;
    let pending = usize::try_from(found).ok();
    let Some(pending) = pending.and_then(|applied| migrations.get(applied..)) else {
        return Err(StoreError::NewerSchema {
            file: file.to_owned(),
            found,
            supported: migrations.len() as i64,
        });
    };
    if pending.is_empty() {
        return Ok(());
    }
    for sql in pending {
        tx.execute_batch(sql).map_err(failed)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)
        .and_then(|()| tx.pragma_update(None, "user_version", migrations.len() as i64))
        .and_then(|()| tx.commit())
        .map_err(failed)
}

fn is_foreign(connection: &Connection) -> rusqlite::Result<bool> {
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(tables > 0 && pragma(connection, "application_id")? != APPLICATION_ID)
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
