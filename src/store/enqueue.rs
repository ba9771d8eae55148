//! Putting a notification into the outbox: once, and in its place among the others.

use rusqlite::{Transaction, params};

use super::{collapse, history, json};
use crate::engine::{Notification, NotificationKind, Severity, Timestamp};

/// Adds a notification, unless it has been added before; says whether it was new.
pub(super) fn enqueue(
    tx: &Transaction<'_>,
    now: Timestamp,
    notification: &Notification,
) -> rusqlite::Result<bool> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO outbox (idempotency_key, receiver, dedup_key, episode, kind, slo,
             notification, created_at, due_at, urgency)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9)
         ON CONFLICT (idempotency_key) DO NOTHING",
    )?;
    let inserted = insert.execute(params![
        notification.idempotency_key(),
        notification.receiver,
        notification.dedup_key(),
        notification.episode.cast_signed(),
        notification.kind.as_str(),
        history::slo_of(&notification.facts),
        json(notification)?,
        now.as_millis(),
        urgency(notification.facts.severity),
    ])?;
    if inserted == 0 {
        return Ok(false);
    }
    let id = tx.last_insert_rowid();
    match notification.kind {
        NotificationKind::Trigger => {}
        NotificationKind::Update => collapse::older_updates(tx, id, now)?,
        NotificationKind::Resolve => collapse::unheard_episode(tx, id, now)?,
    }
    Ok(true)
}

/// Smaller is claimed first: a page never waits behind a backlog of tickets.
const fn urgency(severity: Severity) -> u8 {
    match severity {
        Severity::Page => 0,
        Severity::Ticket => 1,
        Severity::Info => 2,
    }
}
