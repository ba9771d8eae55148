//! When each receiver last took a notification.

use std::collections::BTreeMap;

use super::Store;
use super::error::StoreError;
use crate::engine::Timestamp;

/// So many of the newest rows are looked at: whoever took none of them has not been heard of for
/// long.
const ROWS_MAX: i64 = 10_000;

impl Store {
    /// The end of the last successful delivery to each receiver, among the newest notifications.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn last_successes(&self) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        self.read("read the last deliveries", |connection| {
            let mut select = connection.prepare_cached(
                "SELECT receiver, max(finished_at) FROM outbox
                 WHERE id > (SELECT coalesce(max(id), 0) FROM outbox) - ?1 AND state = 'delivered'
                 GROUP BY receiver",
            )?;
            let rows = select.query_map([ROWS_MAX], |row| {
                Ok((row.get(0)?, Timestamp::from_millis(row.get(1)?)))
            })?;
            rows.collect()
        })
    }
}
