//! The history: what every alert did, and what became of every notification about it.
//!
//! Transitions and changes of mutes are rows of their own; deliveries are the rows of the outbox
//! with their attempts. All are kept for the retention time, and so is the log of operators ([`Store::prune`]).

use rusqlite::types::Type;
use rusqlite::{Connection, Row, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::attempts::{self, AttemptRecord};
use super::error::StoreError;
use super::outbox::DeliveryState;
use super::{Store, json};
use crate::engine::{
    AlertFacts, AlertKey, MuteChange, NotificationKind, Span, Timestamp, Transition,
};

/// Most entries in one answer.
pub const ENTRIES_MAX: usize = 1000;

/// Rows deleted per transaction, so that pruning never holds up a commit for long.
const PRUNE_BATCH: usize = 1000;

/// Which part of the history.
#[derive(Clone, Debug)]
pub struct HistoryQuery {
    /// Not before this time.
    pub from: Timestamp,
    /// Before this time.
    pub to: Timestamp,
    /// Only this SLO, as `service/name`; for alerts about a source `slofuse/<source>`.
    pub slo: Option<String>,
    /// Most entries wanted; more than [`ENTRIES_MAX`] are never given.
    pub limit: usize,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HistoryEntry {
    /// The slot of a transition; the commit of a notification.
    pub at: Timestamp,
    /// What it was.
    #[serde(flatten)]
    pub event: HistoryEvent,
}

/// The kinds of entries.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryEvent {
    /// An alert changed its state.
    Transition(Box<Transition>),
    /// A notification was decided.
    Delivery(DeliveryRecord),
    /// What asks for quiet about an alert changed.
    Muted(Box<MuteChange>),
    /// A transition, or a change of mutes, whose stored form does not parse.
    Unreadable {
        /// The alert's dedup key.
        alert: String,
        /// What is wrong with it.
        error: String,
    },
}

/// What became of one notification.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeliveryRecord {
    /// The row of the outbox.
    pub id: i64,
    /// To whom.
    pub receiver: String,
    /// The receiver in whose place, if it went to a fallback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diverted_from: Option<String>,
    /// The dedup key of the alert or group.
    pub alert: String,
    /// The SLO, as in [`HistoryQuery::slo`].
    pub slo: String,
    /// What it says.
    pub kind: NotificationKind,
    /// Which firing of the alert.
    pub episode: u64,
    /// Where it stands.
    pub state: DeliveryState,
    /// When it was settled.
    pub finished_at: Option<Timestamp>,
    /// How many attempts began.
    pub attempts: u32,
    /// The newest [`attempts::ATTEMPTS_SHOWN_MAX`] of them, newest first, and why it was given up.
    pub log: Vec<AttemptRecord>,
}

impl Store {
    /// Transitions, changes of mutes and deliveries of a time range, newest first.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn history(&self, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError> {
        let limit = query.limit.min(ENTRIES_MAX);
        self.read("read the history", |connection| {
            let mut entries = transitions(connection, query, limit)?;
            entries.extend(mutes(connection, query, limit)?);
            entries.extend(deliveries(connection, query, limit)?);
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
            entries.truncate(limit);
            Ok(entries)
        })
    }

    /// Deletes what is older than the retention and of no more use, in batches; says how many
    /// rows. Unfinished deliveries stay, and so does the newest episode of an open alert or group,
    /// for its resolve needs the receipts.
    ///
    /// # Errors
    ///
    /// When the disk refuses; batches before that stay deleted.
    pub fn prune(&self, now: Timestamp, retention: Span) -> Result<u64, StoreError> {
        let before = (now - retention).as_millis();
        let mut total = 0;
        for sql in [PRUNE_TRANSITIONS, PRUNE_MUTES, PRUNE_AUDIT, PRUNE_OUTBOX] {
            loop {
                let deleted = self.write("prune the history", |tx| {
                    tx.prepare_cached(sql)?
                        .execute(params![before, PRUNE_BATCH as i64])
                })?;
                total += deleted as u64;
                if deleted < PRUNE_BATCH {
                    break;
                }
            }
        }
        Ok(total)
    }
}

const PRUNE_TRANSITIONS: &str = "DELETE FROM transitions WHERE id IN
    (SELECT id FROM transitions WHERE at < ?1 LIMIT ?2)";

const PRUNE_MUTES: &str = "DELETE FROM mutes WHERE id IN
    (SELECT id FROM mutes WHERE at < ?1 LIMIT ?2)";

const PRUNE_AUDIT: &str = "DELETE FROM audit WHERE id IN
    (SELECT id FROM audit WHERE at < ?1 LIMIT ?2)";

const PRUNE_OUTBOX: &str = "DELETE FROM outbox WHERE id IN (
    SELECT old.id FROM outbox AS old
    WHERE old.finished_at < ?1
        AND NOT EXISTS (
            SELECT 1 FROM outbox AS sibling
            WHERE sibling.dedup_key = old.dedup_key AND sibling.receiver = old.receiver
                AND sibling.episode = old.episode AND sibling.finished_at IS NULL)
        AND NOT (
            (EXISTS (SELECT 1 FROM alerts WHERE alerts.dedup_key = old.dedup_key)
                OR EXISTS (SELECT 1 FROM threads WHERE threads.dedup_key = old.dedup_key))
            AND old.episode = (
                SELECT newest.episode FROM outbox AS newest
                WHERE newest.dedup_key = old.dedup_key AND newest.receiver = old.receiver
                ORDER BY newest.id DESC LIMIT 1))
    LIMIT ?2)";

/// Adds a transition, unless it has been added before.
pub(super) fn append(tx: &Transaction<'_>, transition: &Transition) -> rusqlite::Result<()> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO transitions (at, dedup_key, slo, from_state, to_state, transition)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (at, dedup_key, from_state, to_state) DO NOTHING",
    )?;
    insert.execute(params![
        transition.at.as_millis(),
        transition.facts.key.dedup_key(),
        slo_of(&transition.facts),
        transition.from.as_str(),
        transition.to.as_str(),
        json(transition)?,
    ])?;
    Ok(())
}

/// Adds a change of an alert's mutes.
pub(super) fn append_mute(tx: &Transaction<'_>, change: &MuteChange) -> rusqlite::Result<()> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO mutes (at, dedup_key, slo, change) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (at, dedup_key) DO UPDATE SET change = excluded.change",
    )?;
    let slo = match &change.key {
        AlertKey::SourceDown { source } => format!("slofuse/{source}"),
        AlertKey::Burn { instance, .. } | AlertKey::Blind { instance } => instance.slo.to_string(),
    };
    insert.execute(params![
        change.at.as_millis(),
        change.key.dedup_key(),
        slo,
        json(change)?,
    ])?;
    Ok(())
}

/// The SLO that [`HistoryQuery::slo`] finds these facts by.
pub(super) fn slo_of(facts: &AlertFacts) -> String {
    match facts.key.instance() {
        Some(instance) => instance.slo.to_string(),
        None => format!("{}/{}", facts.service, facts.slo),
    }
}

fn transitions(
    connection: &Connection,
    query: &HistoryQuery,
    limit: usize,
) -> rusqlite::Result<Vec<HistoryEntry>> {
    const ROWS: &str = "SELECT at, dedup_key, transition FROM transitions
         WHERE at >= ?1 AND at < ?2 AND (?3 IS NULL OR slo = ?3)
         ORDER BY at DESC, id DESC LIMIT ?4";
    stored(connection, ROWS, query, limit, |row| {
        stored_event(row, |transition| {
            HistoryEvent::Transition(Box::new(transition))
        })
    })
}

fn mutes(
    connection: &Connection,
    query: &HistoryQuery,
    limit: usize,
) -> rusqlite::Result<Vec<HistoryEntry>> {
    const ROWS: &str = "SELECT at, dedup_key, change FROM mutes
         WHERE at >= ?1 AND at < ?2 AND (?3 IS NULL OR slo = ?3)
         ORDER BY at DESC, id DESC LIMIT ?4";
    stored(connection, ROWS, query, limit, |row| {
        stored_event(row, |change| HistoryEvent::Muted(Box::new(change)))
    })
}

/// The rows of a table that a query asks for.
fn stored(
    connection: &Connection,
    rows: &str,
    query: &HistoryQuery,
    limit: usize,
    entry: impl FnMut(&Row<'_>) -> rusqlite::Result<HistoryEntry>,
) -> rusqlite::Result<Vec<HistoryEntry>> {
    let (from, to) = (query.from.as_millis(), query.to.as_millis());
    let mut select = connection.prepare_cached(rows)?;
    let found = select.query_map(params![from, to, query.slo, limit as i64], entry)?;
    found.collect()
}

/// An entry of a row with its time, the alert's key and a JSON value.
fn stored_event<T: DeserializeOwned>(
    row: &Row<'_>,
    event: impl FnOnce(T) -> HistoryEvent,
) -> rusqlite::Result<HistoryEntry> {
    let stored: String = row.get(2)?;
    let event = match serde_json::from_str(&stored) {
        Ok(value) => event(value),
        Err(error) => HistoryEvent::Unreadable {
            alert: row.get(1)?,
            error: error.to_string(),
        },
    };
    let at = Timestamp::from_millis(row.get(0)?);
    Ok(HistoryEntry { at, event })
}

fn deliveries(
    connection: &Connection,
    query: &HistoryQuery,
    limit: usize,
) -> rusqlite::Result<Vec<HistoryEntry>> {
    let mut select = connection.prepare_cached(
        "SELECT created_at, id, receiver, dedup_key, slo, kind, episode,
             CASE WHEN discarded_at IS NULL THEN state ELSE 'discarded' END, finished_at,
             attempts, diverted_from
         FROM outbox
         WHERE created_at >= ?1 AND created_at < ?2 AND (?3 IS NULL OR slo = ?3)
         ORDER BY created_at DESC, id DESC LIMIT ?4",
    )?;
    let rows = select.query_map(
        params![
            query.from.as_millis(),
            query.to.as_millis(),
            query.slo,
            limit as i64
        ],
        |row| {
            let at = Timestamp::from_millis(row.get(0)?);
            let event = HistoryEvent::Delivery(delivery(connection, row)?);
            Ok(HistoryEntry { at, event })
        },
    )?;
    rows.collect()
}

fn delivery(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<DeliveryRecord> {
    let id = row.get(1)?;
    Ok(DeliveryRecord {
        id,
        receiver: row.get(2)?,
        diverted_from: row.get(10)?,
        alert: row.get(3)?,
        slo: row.get(4)?,
        kind: word(row, 5)?,
        episode: row.get::<_, i64>(6)?.cast_unsigned(),
        state: word(row, 7)?,
        finished_at: row.get::<_, Option<i64>>(8)?.map(Timestamp::from_millis),
        attempts: row.get(9)?,
        log: attempts::newest(connection, id)?,
    })
}

/// A word of an enum, as the schema allows it.
pub(super) fn word<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_value(text.into()).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}
