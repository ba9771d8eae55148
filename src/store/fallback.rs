//! Fallbacks: what a receiver does not have goes to another one as well.
//!
//! A row is copied to the fallback of its receiver when it was given up, when it has waited for
//! too long, or when it is a page and the receiver does not answer. The copy is another message
//! (its idempotency key is its own) about the same alert and episode, and says whom it stands in
//! for in the route label [`DIVERTED_FROM_LABEL`]. The original goes on being tried.
//!
//! Rules, each applied in the transaction that makes it true:
//! - With a row go the unfinished triggers and updates of its episode, in their order.
//! - From then on every notification of the episode is copied as it is committed, its resolve
//!   among them: a fallback that heard of an alert hears of its end, also when it is no longer the
//!   fallback.
//! - An episode that has ended, or of which the fallback is told in its own right, is not copied.
//! - A fallback has the rules of any receiver, its own fallback among them, up to
//!   [`DIVERSIONS_MAX`] receivers on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::error::StoreError;
use super::{Store, attempts, enqueue};
use crate::engine::{DIVERTED_FROM_LABEL, Notification, Timestamp};

/// How far from its first receiver a notification may go.
pub const DIVERSIONS_MAX: u32 = 4;

/// Rows settled by one call of [`Store::divert`].
pub const DIVERT_ROWS_MAX: usize = 100;

/// Rows given up per transaction when their receiver is gone.
const ORPHANS_BATCH: usize = 1000;

/// Why the rows of a receiver that is gone are given up.
pub(super) const ORPHANED: &str = "the receiver is no longer in the configuration";

/// What the outbox must know of a receiver of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownReceiver {
    /// Who is told in its place.
    pub fallback: Option<String>,
    /// Whether it wants to hear of the end; else an end is for those who stand in for it.
    pub send_resolved: bool,
}

/// The receivers of the configuration; until they are known, everybody may be one.
#[derive(Debug, Default)]
pub(super) struct Known(Option<BTreeMap<String, KnownReceiver>>);

impl Known {
    pub(super) fn has(&self, receiver: &str) -> bool {
        let known = self.0.as_ref();
        known.is_none_or(|known| known.contains_key(receiver))
    }

    fn fallback_of(&self, receiver: &str) -> Option<&str> {
        let fallback = self.0.as_ref()?.get(receiver)?.fallback.as_deref()?;
        (fallback != receiver && self.has(fallback)).then_some(fallback)
    }

    pub(super) fn wants_resolves(&self, receiver: &str) -> bool {
        let known = self.0.as_ref().and_then(|known| known.get(receiver));
        known.is_none_or(|known| known.send_resolved)
    }
}

/// Where a copy comes from.
pub(super) struct Diversion {
    /// The receiver of the row that was copied.
    pub(super) from: String,
    /// How far that of the copy is from the first.
    pub(super) distance: u32,
}

impl Store {
    /// Tells the outbox who is in the configuration; to be called before anything is committed, and
    /// after each change. What waits for anybody else becomes a dead letter at once, now and
    /// when it is committed later. Says how many did.
    ///
    /// # Errors
    ///
    /// When the disk refuses; the receivers are known all the same.
    pub fn set_receivers(
        &self,
        now: Timestamp,
        receivers: BTreeMap<String, KnownReceiver>,
    ) -> Result<u64, StoreError> {
        let known = Arc::new(Known(Some(receivers)));
        let place = self.0.known.lock();
        *place.unwrap_or_else(PoisonError::into_inner) = Arc::clone(&known);
        let backlog = self.backlog()?.into_iter();
        let gone = backlog.filter(|row| row.pending > 0 && !known.has(&row.receiver));
        let mut total = 0;
        for row in gone {
            loop {
                let orphaned = self.write("give up the deliveries of a receiver", |tx| {
                    orphan(tx, &row.receiver, now)
                })?;
                total += orphaned as u64;
                if orphaned < ORPHANS_BATCH {
                    break;
                }
            }
        }
        Ok(total)
    }

    /// Copies to the receiver's fallback what was decided at or before `before`, and with `pages`
    /// every page; at most [`DIVERT_ROWS_MAX`] rows. Says how many rows it settled: 0 when
    /// nothing is left to do, or there is no fallback.
    ///
    /// A row under way is left until its attempt has ended.
    ///
    /// # Errors
    ///
    /// When the disk refuses; then nothing was copied.
    pub fn divert(
        &self,
        receiver: &str,
        now: Timestamp,
        before: Timestamp,
        pages: bool,
    ) -> Result<usize, StoreError> {
        let known = self.known();
        if known.fallback_of(receiver).is_none() {
            return Ok(0);
        }
        let latest_page = if pages { before.max(now) } else { before };
        let candidates = self.read("look for overdue deliveries", |connection| {
            candidates(connection, receiver, before, latest_page)
        })?;
        if candidates.is_empty() {
            return Ok(0);
        }
        self.write("tell the fallback", |tx| {
            for id in &candidates {
                divert(tx, &known, *id, now, &mut BTreeSet::new())?;
            }
            Ok(candidates.len())
        })
    }

    pub(super) fn known(&self) -> Arc<Known> {
        let place = self.0.known.lock();
        Arc::clone(&place.unwrap_or_else(PoisonError::into_inner))
    }
}

pub(super) const CANDIDATES: &str = "SELECT id FROM outbox
    WHERE finished_at IS NULL AND receiver = ?1 AND fallback_at IS NULL AND urgency = ?2
        AND created_at <= ?3 AND state = 'pending'
    ORDER BY created_at LIMIT ?4";

fn candidates(
    connection: &Connection,
    receiver: &str,
    before: Timestamp,
    latest_page: Timestamp,
) -> rusqlite::Result<Vec<i64>> {
    let mut query = connection.prepare_cached(CANDIDATES)?;
    let mut found = Vec::new();
    for urgency in enqueue::URGENCIES {
        let latest = if urgency == enqueue::PAGE {
            latest_page
        } else {
            before
        };
        let left = DIVERT_ROWS_MAX - found.len();
        let rows = query.query_map(
            params![receiver, urgency, latest.as_millis(), left as i64],
            |row| row.get(0),
        )?;
        for id in rows {
            found.push(id?);
        }
    }
    Ok(found)
}

/// A row, as far as a diversion looks at it.
struct Original {
    receiver: String,
    dedup_key: String,
    episode: i64,
    kind: String,
    notification: String,
    diversions: u32,
    is_settled: bool,
}

fn original(tx: &Transaction<'_>, id: i64) -> rusqlite::Result<Option<Original>> {
    tx.prepare_cached(
        "SELECT receiver, dedup_key, episode, kind, notification, diversions,
             fallback_at IS NOT NULL FROM outbox WHERE id = ?1",
    )?
    .query_row([id], |row| {
        Ok(Original {
            receiver: row.get(0)?,
            dedup_key: row.get(1)?,
            episode: row.get(2)?,
            kind: row.get(3)?,
            notification: row.get(4)?,
            diversions: row.get(5)?,
            is_settled: row.get(6)?,
        })
    })
    .optional()
}

/// Copies row `id`, and the unfinished rest of its episode, to the fallback of its receiver, unless
/// that has been settled before. Adds who has news.
pub(super) fn divert(
    tx: &Transaction<'_>,
    known: &Known,
    id: i64,
    now: Timestamp,
    news: &mut BTreeSet<String>,
) -> rusqlite::Result<()> {
    let Some(row) = original(tx, id)?.filter(|row| !row.is_settled) else {
        return Ok(());
    };
    let Some(fallback) = known.fallback_of(&row.receiver) else {
        return Ok(());
    };
    if row.diversions < DIVERSIONS_MAX && !is_pointless(tx, &row, fallback)? {
        let ids: Vec<i64> = tx
            .prepare_cached(
                "SELECT id FROM outbox
                 WHERE dedup_key = ?1 AND receiver = ?2 AND episode = ?3
                     AND kind <> 'resolve' AND fallback_at IS NULL
                     AND (finished_at IS NULL OR id = ?4)
                 ORDER BY id",
            )?
            .query_map(
                params![row.dedup_key, row.receiver, row.episode, id],
                |row| row.get(0),
            )?
            .collect::<Result<_, _>>()?;
        for id in ids {
            if let Some(row) = original(tx, id)? {
                copy(tx, known, &row, fallback, now, news)?;
            }
        }
    }
    tx.prepare_cached(
        "UPDATE outbox SET fallback_at = ?4
         WHERE dedup_key = ?1 AND receiver = ?2 AND episode = ?3 AND fallback_at IS NULL
             AND kind <> 'resolve'",
    )?
    .execute(params![
        row.dedup_key,
        row.receiver,
        row.episode,
        now.as_millis()
    ])?;
    Ok(())
}

/// Whether the episode has ended, or the fallback is told of it in its own right.
fn is_pointless(tx: &Transaction<'_>, row: &Original, fallback: &str) -> rusqlite::Result<bool> {
    tx.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM outbox
             WHERE dedup_key = ?1 AND receiver = ?2 AND episode = ?3 AND kind = 'resolve')
         OR EXISTS (SELECT 1 FROM outbox
             WHERE dedup_key = ?1 AND receiver = ?4 AND episode = ?3 AND diverted_from IS NULL)",
    )?
    .query_row(
        params![row.dedup_key, row.receiver, row.episode, fallback],
        |row| row.get(0),
    )
}

/// Copies row `id`, which is new, to whoever was told of its episode in its receiver's place.
pub(super) fn follow(
    tx: &Transaction<'_>,
    known: &Known,
    id: i64,
    now: Timestamp,
    news: &mut BTreeSet<String>,
) -> rusqlite::Result<()> {
    let Some(row) = original(tx, id)?.filter(|row| row.diversions < DIVERSIONS_MAX) else {
        return Ok(());
    };
    let told: Vec<String> = tx
        .prepare_cached(
            "SELECT DISTINCT receiver FROM outbox
             WHERE dedup_key = ?1 AND diverted_from = ?2 AND episode = ?3 ORDER BY receiver",
        )?
        .query_map(params![row.dedup_key, row.receiver, row.episode], |row| {
            row.get(0)
        })?
        .collect::<Result<_, _>>()?;
    for receiver in &told {
        if row.kind != "resolve" || known.wants_resolves(receiver) {
            copy(tx, known, &row, receiver, now, news)?;
        }
    }
    if !told.is_empty() {
        tx.prepare_cached("UPDATE outbox SET fallback_at = ?2 WHERE id = ?1")?
            .execute(params![id, now.as_millis()])?;
    }
    Ok(())
}

/// Copies one row; one that does not parse cannot be.
fn copy(
    tx: &Transaction<'_>,
    known: &Known,
    row: &Original,
    receiver: &str,
    now: Timestamp,
    news: &mut BTreeSet<String>,
) -> rusqlite::Result<()> {
    let Ok(mut notification) = serde_json::from_str::<Notification>(&row.notification) else {
        return Ok(());
    };
    let label = DIVERTED_FROM_LABEL.to_owned();
    let before = notification.route_labels.get(&label);
    let stands_in_for = match before.filter(|_| row.diversions > 0) {
        Some(before) => format!("{before}, {}", row.receiver),
        None => row.receiver.clone(),
    };
    notification.route_labels.insert(label, stands_in_for);
    receiver.clone_into(&mut notification.receiver);
    let diversion = Diversion {
        from: row.receiver.clone(),
        distance: row.diversions + 1,
    };
    enqueue::insert(tx, known, now, &notification, Some(&diversion), news)
}

/// Gives up what waits for a receiver, a batch of it; says how many rows.
fn orphan(tx: &Transaction<'_>, receiver: &str, now: Timestamp) -> rusqlite::Result<usize> {
    let ids: Vec<i64> = tx
        .prepare_cached(
            "SELECT id FROM outbox WHERE receiver = ?1 AND finished_at IS NULL
                 AND state = 'pending' LIMIT ?2",
        )?
        .query_map(params![receiver, ORPHANS_BATCH as i64], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let sql = "UPDATE outbox SET state = 'dead', finished_at = ?2 WHERE id = ?1";
    for id in &ids {
        tx.prepare_cached(sql)?
            .execute(params![id, now.as_millis()])?;
        attempts::open(tx, *id, now)?;
        attempts::close(tx, *id, now, "dead", Some(ORPHANED))?;
    }
    Ok(ids.len())
}
