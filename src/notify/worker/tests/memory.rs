//! An outbox in memory with the contract of the real one, and failures on demand.

use std::sync::{Arc, Mutex};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::sync::Notify;

use crate::engine::{Notification, Severity, Timestamp};
use crate::notify::{Outbox, fixture};
use crate::store::{AttemptOutcome, Delivery};

#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    finished: Notify,
}

#[derive(Default)]
struct State {
    rows: Vec<Row>,
    failures: Option<(SmallRng, f64)>,
    fail_always: bool,
    fail_finish: bool,
}

#[derive(Clone)]
pub(super) struct Row {
    pub(super) delivery: Delivery,
    pub(super) due: Timestamp,
    pub(super) end: Option<End>,
    pub(super) was_ambiguous: bool,
    /// When it was handed to the fallback.
    pub(super) diverted_at: Option<Timestamp>,
    pub(super) error: String,
}

#[derive(Clone)]
pub(super) enum End {
    Delivered(Option<String>),
    Dead,
}

impl Row {
    pub(super) fn is_finished(&self) -> bool {
        self.end.is_some()
    }

    pub(super) fn is_delivered(&self) -> bool {
        matches!(self.end, Some(End::Delivered(_)))
    }

    fn is_of(&self, receiver: &str, key: &str) -> bool {
        let notification = &self.delivery.notification;
        notification.receiver == receiver && notification.facts.key.dedup_key() == key
    }
}

#[derive(Debug, thiserror::Error)]
#[error("disk full")]
pub(super) struct DiskFull;

impl Memory {
    /// Every call fails with this probability.
    pub(super) fn failing(seed: u64, probability: f64) -> Self {
        let memory = Self::default();
        let rng = SmallRng::seed_from_u64(seed);
        memory.0.state.lock().unwrap().failures = Some((rng, probability));
        memory
    }

    pub(super) fn fail_always(&self, fail: bool) {
        self.0.state.lock().unwrap().fail_always = fail;
    }

    pub(super) fn fail_finish(&self, fail: bool) {
        self.0.state.lock().unwrap().fail_finish = fail;
    }

    pub(super) fn add(&self, notification: Notification) {
        let mut state = self.0.state.lock().unwrap();
        let id = i64::try_from(state.rows.len()).unwrap();
        state.rows.push(Row {
            due: notification.facts.decided_at,
            delivery: fixture::delivery(id, notification),
            end: None,
            was_ambiguous: false,
            diverted_at: None,
            error: String::new(),
        });
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        self.0.state.lock().unwrap().rows.clone()
    }

    pub(super) async fn finished(&self) {
        loop {
            let news = self.0.finished.notified();
            if self.rows().iter().all(Row::is_finished) {
                return;
            }
            news.await;
        }
    }

    fn with<T>(&self, call: impl FnOnce(&mut State) -> T) -> Result<T, DiskFull> {
        let mut state = self.0.state.lock().unwrap();
        let fails = state
            .failures
            .as_mut()
            .is_some_and(|(rng, odds)| rng.random_bool(*odds));
        if fails || state.fail_always {
            return Err(DiskFull);
        }
        Ok(call(&mut state))
    }
}

impl Outbox for Memory {
    type Error = DiskFull;

    fn claim_due(
        &self,
        receiver: &str,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Delivery>, DiskFull> {
        self.with(|state| {
            let mut blocked: Vec<String> = Vec::new();
            let mut due = Vec::new();
            for row in state.rows.iter().filter(|row| !row.is_finished()) {
                let key = row.delivery.notification.facts.key.dedup_key();
                if row.delivery.notification.receiver != receiver || blocked.contains(&key) {
                    continue;
                }
                blocked.push(key);
                if row.due <= now {
                    due.push(row.delivery.clone());
                }
            }
            due.truncate(limit);
            due
        })
    }

    fn next_due(&self, receiver: &str, _now: Timestamp) -> Result<Option<Timestamp>, DiskFull> {
        self.with(|state| {
            let rows = state.rows.iter().filter(|row| !row.is_finished());
            rows.filter(|row| row.delivery.notification.receiver == receiver)
                .map(|row| row.due)
                .min()
        })
    }

    fn begin_attempt(&self, id: i64, _now: Timestamp) -> Result<(), DiskFull> {
        self.with(|state| {
            let row = &mut state.rows[usize::try_from(id).unwrap()];
            assert!(!row.is_finished(), "a finished row is attempted");
            row.delivery.attempts += 1;
        })
    }

    fn finish_attempt(
        &self,
        id: i64,
        now: Timestamp,
        outcome: &AttemptOutcome,
    ) -> Result<(), DiskFull> {
        self.with(|state| {
            if state.fail_finish {
                return Err(DiskFull);
            }
            let row = &mut state.rows[usize::try_from(id).unwrap()];
            assert!(!row.is_finished(), "a row is finished twice");
            match outcome {
                AttemptOutcome::Delivered { receipt } => {
                    row.end = Some(End::Delivered(receipt.clone()));
                }
                AttemptOutcome::Retry {
                    at,
                    error,
                    ambiguous,
                } => {
                    assert!(*at >= now, "a retry lies in the past");
                    row.due = *at;
                    row.error.clone_from(error);
                    row.was_ambiguous |= ambiguous;
                }
                AttemptOutcome::Dead { error, ambiguous } => {
                    row.end = Some(End::Dead);
                    row.was_ambiguous |= ambiguous;
                    row.error.clone_from(error);
                }
            }
            Ok(())
        })??;
        self.0.finished.notify_waiters();
        Ok(())
    }

    fn divert(
        &self,
        _receiver: &str,
        now: Timestamp,
        before: Timestamp,
        pages: bool,
    ) -> Result<usize, DiskFull> {
        self.with(|state| {
            let mut settled = 0;
            for row in state.rows.iter_mut().filter(|row| !row.is_finished()) {
                let page = row.delivery.notification.facts.severity == Severity::Page;
                let is_due = row.delivery.created_at <= before || (pages && page);
                if is_due && row.diverted_at.is_none() && settled < 2 {
                    row.diverted_at = Some(now);
                    settled += 1;
                }
            }
            settled
        })
    }

    fn receipt(
        &self,
        receiver: &str,
        dedup_key: &str,
        episode: u64,
    ) -> Result<Option<String>, DiskFull> {
        self.with(|state| {
            let rows = state.rows.iter().rev();
            rows.filter(|row| row.is_of(receiver, dedup_key))
                .filter(|row| row.delivery.notification.episode == episode)
                .find_map(|row| match &row.end {
                    Some(End::Delivered(receipt)) => receipt.clone(),
                    _ => None,
                })
        })
    }

    fn is_settled(_error: &DiskFull) -> bool {
        false
    }
}
