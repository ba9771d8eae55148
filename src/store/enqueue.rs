//! Putting a notification into the outbox: once, and in its place among the others.

use std::collections::BTreeSet;

use rusqlite::{Transaction, params};

use super::fallback::{self, Diversion, Known};
use super::{collapse, history, json, outbox};
use crate::engine::{Notification, NotificationKind, Severity, Timestamp};

/// Every value of the column `urgency`, in the order in which rows are claimed: a page never waits
/// behind a backlog of tickets.
pub(super) const URGENCIES: [u8; 3] = [PAGE, TICKET, INFO];
pub(super) const PAGE: u8 = 0;
const TICKET: u8 = 1;
const INFO: u8 = 2;

/// Adds a notification, unless it has been added before, and what the fallback must hear of it.
/// Adds to `news` who has something to look at.
pub(super) fn enqueue(
    tx: &Transaction<'_>,
    known: &Known,
    now: Timestamp,
    notification: &Notification,
    news: &mut BTreeSet<String>,
) -> rusqlite::Result<()> {
    insert(tx, known, now, notification, None, news)
}

/// Adds a notification that was decided, or with `diversion` one that stands in for another.
pub(super) fn insert(
    tx: &Transaction<'_>,
    known: &Known,
    now: Timestamp,
    notification: &Notification,
    diversion: Option<&Diversion>,
    news: &mut BTreeSet<String>,
) -> rusqlite::Result<()> {
    let fuller = collapse::with_older_ends(tx, notification)?;
    let notification = fuller.as_ref().unwrap_or(notification);
    let mut insert = tx.prepare_cached(
        "INSERT INTO outbox (idempotency_key, receiver, dedup_key, episode, kind, slo,
             notification, created_at, due_at, urgency, diverted_from, diversions, fallback_at,
             blocked)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11,
             CASE ?5 WHEN 'resolve' THEN ?8 END,
             EXISTS (SELECT 1 FROM outbox AS earlier
                 WHERE earlier.dedup_key = ?3 AND earlier.receiver = ?2
                     AND earlier.finished_at IS NULL))
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
        diversion.map(|diversion| &diversion.from),
        diversion.map_or(0, |diversion| diversion.distance),
    ])?;
    if inserted == 0 {
        return Ok(());
    }
    let id = tx.last_insert_rowid();
    match notification.kind {
        NotificationKind::Trigger => {}
        NotificationKind::Update => collapse::older_updates(tx, id, now)?,
        NotificationKind::Resolve => {
            collapse::unheard_episode(tx, id, now)?;
            if !known.wants_resolves(&notification.receiver) {
                outbox::supersede(tx, id, now)?;
            }
        }
    }
    if known.has(&notification.receiver) {
        news.insert(notification.receiver.clone());
    } else {
        outbox::give_up(tx, known, id, now, fallback::ORPHANED)?;
    }
    fallback::follow(tx, known, id, now, news)
}

const fn urgency(severity: Severity) -> u8 {
    match severity {
        Severity::Page => PAGE,
        Severity::Ticket => TICKET,
        Severity::Info => INFO,
    }
}

/// The severity that a value of the column `urgency` stands for.
pub(super) const fn severity(urgency: u8) -> Severity {
    match urgency {
        PAGE => Severity::Page,
        TICKET => Severity::Ticket,
        _ => Severity::Info,
    }
}
