//! Keys of our own that must outlive a restart, made when they are first asked for.

use rusqlite::{OptionalExtension, params};

use super::Store;
use super::error::StoreError;
use crate::engine::Notification;

impl Store {
    /// The key of that name; `fresh` is stored, and returned, when there is none yet.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn key(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        self.write("read a key of our own", |tx| {
            tx.prepare_cached(
                "INSERT INTO keys (name, bytes) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
            )?
            .execute(params![name, fresh.as_slice()])?;
            tx.prepare_cached("SELECT bytes FROM keys WHERE name = ?1")?
                .query_row([name], |row| row.get(0))
        })
    }

    /// A notification of the outbox by its idempotency key, while it is kept; one that does not
    /// parse counts as gone.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn notification(&self, idempotency_key: &str) -> Result<Option<Notification>, StoreError> {
        let stored: Option<String> = self.read("look up a notification", |connection| {
            connection
                .prepare_cached("SELECT notification FROM outbox WHERE idempotency_key = ?1")?
                .query_row([idempotency_key], |row| row.get(0))
                .optional()
        })?;
        Ok(stored.and_then(|stored| serde_json::from_str(&stored).ok()))
    }

    /// The newest notification about an alert or a group, while it is kept; one that does not
    /// parse counts as gone.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn last_notification(&self, dedup_key: &str) -> Result<Option<Notification>, StoreError> {
        let stored: Option<String> = self.read("look up a notification", |connection| {
            let sql =
                "SELECT notification FROM outbox WHERE dedup_key = ?1 ORDER BY id DESC LIMIT 1";
            let mut query = connection.prepare_cached(sql)?;
            query.query_row([dedup_key], |row| row.get(0)).optional()
        })?;
        Ok(stored.and_then(|stored| serde_json::from_str(&stored).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        assert_eq!(store.key("pictures", [1; 32]).unwrap(), [1; 32]);
        drop(store);
        let store = Store::open(directory.path()).unwrap();
        assert_eq!(store.key("pictures", [2; 32]).unwrap(), [1; 32]);
        assert_eq!(store.key("other", [2; 32]).unwrap(), [2; 32]);
        assert_eq!(store.notification("nobody").unwrap(), None);
    }
}
