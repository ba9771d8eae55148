//! What is due: the rows that a worker may begin, and when there will be some.
//!
//! Both questions read only rows at the head of their queue, in the order of an index, so their
//! cost does not depend on what waits behind.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::outbox::{self, Delivery};
use super::{Store, enqueue};
use crate::engine::Timestamp;

/// Bytes of notifications read by one claim, beyond the first row: a backlog of large groups is
/// read in portions.
pub const CLAIM_BYTES_MAX: usize = 4 << 20;

impl Store {
    /// Up to `limit` deliveries that can begin now, and not many more than [`CLAIM_BYTES_MAX`] of them:
    /// pages first, then by due time and age. For one alert there is at most one of them.
    ///
    /// A row whose notification does not parse is given up here, with that reason.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn claim_due(
        &self,
        receiver: &str,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let known = self.known();
        self.write("claim the due deliveries", |tx| {
            loop {
                let mut unreadable = false;
                let mut due = Vec::new();
                for (id, delivery) in due_rows(tx, receiver, now, limit)? {
                    match delivery {
                        Ok(delivery) => due.push(delivery),
                        Err(error) => {
                            unreadable = true;
                            outbox::give_up(
                                tx,
                                &known,
                                id,
                                now,
                                &format!("unreadable notification: {error}"),
                            )?;
                        }
                    }
                }
                // Each pass that repeats has finished a row, so there is a last one.
                if !unreadable {
                    return Ok(due);
                }
            }
        })
    }

    /// When [`Store::claim_due`] will have something for this receiver if nothing else happens:
    /// `now` if it has something already, `None` when nothing waits for a time.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn next_due(
        &self,
        receiver: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let due = self.read("look for the next delivery", |connection| {
            connection
                .prepare_cached(NEXT_DUE)?
                .query_row([receiver], |row| row.get(0).map(Timestamp::from_millis))
                .optional()
        })?;
        Ok(due.map(|due| due.max(now)))
    }
}

pub(super) const NEXT_DUE: &str = "SELECT due_at FROM outbox
    WHERE receiver = ?1 AND state = 'pending' AND blocked = 0 ORDER BY due_at, id LIMIT 1";

pub(super) const DUE: &str = "SELECT id, attempts, created_at, notification,
        (SELECT receipt FROM outbox AS told INDEXED BY outbox_receipt
         WHERE told.dedup_key = row.dedup_key AND told.receiver = row.receiver
             AND told.episode = row.episode AND told.receipt IS NOT NULL
         ORDER BY told.id LIMIT 1)
    FROM outbox AS row
    WHERE receiver = ?1 AND urgency = ?2 AND due_at <= ?3 AND state = 'pending' AND blocked = 0
    ORDER BY due_at, id LIMIT ?4";

type DueRow = (i64, Result<Delivery, serde_json::Error>);

fn due_rows(
    connection: &Connection,
    receiver: &str,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<DueRow>> {
    let mut query = connection.prepare_cached(DUE)?;
    let (mut due, mut bytes) = (Vec::new(), 0);
    for urgency in enqueue::URGENCIES {
        let left = i64::try_from(limit.saturating_sub(due.len())).unwrap_or(i64::MAX);
        let mut rows = query.query(params![receiver, urgency, now.as_millis(), left])?;
        while let Some(row) = rows.next()? {
            let (id, attempts, created_at) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let notification: String = row.get(3)?;
            bytes += notification.len();
            if bytes > CLAIM_BYTES_MAX && !due.is_empty() {
                return Ok(due);
            }
            let routing = row.get(4)?;
            let parsed = serde_json::from_str(&notification);
            let delivery = parsed.map(|notification| Delivery {
                id,
                notification,
                attempts,
                created_at: Timestamp::from_millis(created_at),
                routing,
            });
            due.push((id, delivery));
        }
    }
    Ok(due)
}
