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

/// Threads, silences, why alerts were muted, what operators did; the head of each queue, and what
/// was told to a fallback.
///
/// `blocked` is 1 while an earlier row of the same alert and receiver is unfinished: kept by two
/// triggers, so that a claim reads only rows that may go, whatever waits behind them. `fallback_at`
/// is when it was settled whether the fallback hears of the row as well; a row that stands in for
/// another receiver's has that one's name in `diverted_from` and its distance from the first in
/// `diversions`. A dead letter that was discarded stays `dead`, with `discarded_at`.
const VERSION_2: &str = "
ALTER TABLE outbox ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN discarded_at INTEGER;
ALTER TABLE outbox ADD COLUMN fallback_at INTEGER;
ALTER TABLE outbox ADD COLUMN diverted_from TEXT;
ALTER TABLE outbox ADD COLUMN diversions INTEGER NOT NULL DEFAULT 0;

UPDATE outbox SET fallback_at = created_at WHERE kind = 'resolve';
UPDATE outbox SET blocked = 1 WHERE finished_at IS NULL AND EXISTS (
    SELECT 1 FROM outbox AS earlier
    WHERE earlier.dedup_key = outbox.dedup_key AND earlier.receiver = outbox.receiver
        AND earlier.id < outbox.id AND earlier.finished_at IS NULL);

CREATE TRIGGER outbox_row_finished AFTER UPDATE OF finished_at ON outbox
WHEN OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL
BEGIN
    UPDATE outbox SET blocked = 0 WHERE id = (
        SELECT min(id) FROM outbox
        WHERE dedup_key = NEW.dedup_key AND receiver = NEW.receiver AND finished_at IS NULL);
END;

CREATE TRIGGER outbox_row_revived AFTER UPDATE OF finished_at ON outbox
WHEN OLD.finished_at IS NOT NULL AND NEW.finished_at IS NULL
BEGIN
    UPDATE outbox SET blocked = 1
    WHERE dedup_key = NEW.dedup_key AND receiver = NEW.receiver AND finished_at IS NULL
        AND id > NEW.id AND blocked = 0;
    UPDATE outbox SET blocked = EXISTS (
        SELECT 1 FROM outbox AS earlier
        WHERE earlier.dedup_key = NEW.dedup_key AND earlier.receiver = NEW.receiver
            AND earlier.id < NEW.id AND earlier.finished_at IS NULL)
    WHERE id = NEW.id;
END;

DROP INDEX outbox_due;
DROP INDEX outbox_urgent;
DROP INDEX outbox_dead;
CREATE INDEX outbox_due ON outbox (receiver, due_at, id)
    WHERE state = 'pending' AND blocked = 0;
CREATE INDEX outbox_urgent ON outbox (receiver, urgency, due_at, id)
    WHERE state = 'pending' AND blocked = 0;
CREATE INDEX outbox_unfinished ON outbox (receiver, fallback_at, urgency, created_at, finished_at)
    WHERE finished_at IS NULL;
CREATE INDEX outbox_dead ON outbox (receiver, finished_at, id)
    WHERE state = 'dead' AND discarded_at IS NULL;
CREATE INDEX outbox_newest_dead ON outbox (finished_at, id)
    WHERE state = 'dead' AND discarded_at IS NULL;
CREATE INDEX outbox_receipt ON outbox (dedup_key, receiver, episode, id)
    WHERE receipt IS NOT NULL;
CREATE INDEX outbox_diverted ON outbox (dedup_key, diverted_from, episode)
    WHERE diverted_from IS NOT NULL;
CREATE INDEX outbox_pages ON outbox (created_at, receiver)
    WHERE kind = 'trigger' AND urgency = 0 AND may_have_arrived = 1;

CREATE TABLE threads (
    key       TEXT NOT NULL PRIMARY KEY,
    dedup_key TEXT NOT NULL,
    record    TEXT NOT NULL
) STRICT;

CREATE INDEX threads_dedup_key ON threads (dedup_key);

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

CREATE TABLE keys (
    name  TEXT NOT NULL PRIMARY KEY,
    bytes BLOB NOT NULL
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
