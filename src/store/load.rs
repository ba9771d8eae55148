//! Who was woken how often: the pages that each receiver was told of.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Store;
use super::error::StoreError;
use crate::engine::Timestamp;

/// Most times in one answer, of all receivers together; further pages are only counted.
pub const LOAD_TIMES_MAX: usize = 10_000;

/// The pages of one receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReceiverLoad {
    /// Its name; it may be gone from the configuration.
    pub receiver: String,
    /// How many pages it was told of, each episode once, repetitions not counted.
    pub pages: u64,
    /// When they were decided, oldest first.
    pub at: Vec<Timestamp>,
}

impl Store {
    /// The pages decided in `from..to` that arrived, or may have, by receiver. What a fallback was
    /// told counts for the fallback.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn load_of_receivers(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<ReceiverLoad>, StoreError> {
        self.read("count the pages of receivers", |connection| {
            let mut select = connection.prepare_cached(PAGES)?;
            let mut rows = select.query([from.as_millis(), to.as_millis()])?;
            let mut loads: BTreeMap<String, ReceiverLoad> = BTreeMap::new();
            let mut times = 0;
            while let Some(row) = rows.next()? {
                let receiver: String = row.get(0)?;
                let load = loads
                    .entry(receiver.clone())
                    .or_insert_with(|| ReceiverLoad {
                        receiver,
                        ..ReceiverLoad::default()
                    });
                load.pages += 1;
                if times < LOAD_TIMES_MAX {
                    times += 1;
                    load.at.push(Timestamp::from_millis(row.get(1)?));
                }
            }
            Ok(loads.into_values().collect())
        })
    }
}

pub(super) const PAGES: &str = "SELECT receiver, created_at FROM outbox
    WHERE kind = 'trigger' AND urgency = 0 AND may_have_arrived = 1
        AND created_at >= ?1 AND created_at < ?2
    ORDER BY created_at";
