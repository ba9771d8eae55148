//! The delivery worker of one receiver, await by await, in the shape of `notify/worker.rs`: what it
//! may start, retry policy and breaker are the real ones, the receiver is simulated.

use std::collections::BTreeMap;

use slofuse::config::settings::{DeliverySettings, ReceiverSettings};
use slofuse::engine::{NotificationKind, Span, Timestamp};
use slofuse::notify::DeliveryError;
use slofuse::notify::breaker::{Breaker, Permit, Signal};
use slofuse::notify::retry;
use slofuse::store::{AttemptOutcome, Delivery, StoreError};

use crate::chaos::Point;
use crate::node::Life;
use crate::world::{Call, Event, World};

/// The longest a due row waits for a worker that nobody poked, in milliseconds.
const PERIOD: i64 = 5_000;
/// The same while there is nothing at all, which nothing but a poke can change.
const IDLE_PERIOD: i64 = 60_000;
/// How long a worker waits before it asks a failing store again, in milliseconds.
const STORE_PAUSE: i64 = 1_000;
const CLAIM_ROWS: usize = 64;

/// What a worker knows.
#[derive(Debug)]
pub(crate) struct Courier {
    settings: ReceiverSettings,
    delivery: DeliverySettings,
    breaker: Breaker,
    /// Attempts under way: the row, and what the receiver takes it to be about.
    aloft: BTreeMap<i64, Delivery>,
    token: u64,
}

impl Courier {
    /// A worker that finds the attempts of its predecessor under way.
    pub(crate) fn new(
        settings: &ReceiverSettings,
        delivery: &DeliverySettings,
        before: Option<&Self>,
    ) -> Self {
        Self {
            settings: settings.clone(),
            delivery: delivery.clone(),
            breaker: Breaker::new(delivery),
            aloft: before.map_or_else(BTreeMap::new, |before| before.aloft.clone()),
            token: before.map_or(0, |before| before.token),
        }
    }
}

fn is_settled(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::NotPending { .. } | StoreError::NotUnderWay { .. }
    )
}

impl World {
    /// Wakes a worker after a commit.
    pub(crate) fn poke(&mut self, receiver: &str) {
        self.wake_after(receiver, 0);
    }

    fn wake_after(&mut self, receiver: &str, wait: i64) {
        let node = self.node();
        let life = node.life;
        let Some(courier) = node.couriers.get_mut(receiver) else {
            return;
        };
        courier.token += 1;
        let token = courier.token;
        let receiver = receiver.to_owned();
        self.after(
            wait,
            Event::Wake {
                life,
                receiver,
                token,
            },
        );
    }

    /// Hands over what the fallback is to hear, then starts what may start.
    pub(crate) fn wake(&mut self, receiver: &str, token: u64) -> Life {
        let current = self.node().couriers.get(receiver).map(|c| c.token);
        if current != Some(token) {
            return Ok(());
        }
        let diverted = self.divert(receiver)?;
        let wait = self.start_due(receiver)?;
        self.wake_after(receiver, if diverted { 0 } else { wait });
        Ok(())
    }

    fn divert(&mut self, receiver: &str) -> Result<bool, crate::node::Crashed> {
        let now = self.clock();
        let node = self.node();
        let courier = &node.couriers[receiver];
        let Some(fallback) = courier.settings.fallback.clone() else {
            return Ok(false);
        };
        let before = now - courier.delivery.fallback_after;
        let pages = courier.breaker.is_open();
        match node.store.divert(receiver, now, before, pages) {
            Ok(rows) if rows > 0 => {
                self.note(&format!(
                    "{rows} rows of {receiver} go to {fallback} as well"
                ));
                self.pass(Point::Diverted)?;
                self.poke(&fallback);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn start_due(&mut self, receiver: &str) -> Result<i64, crate::node::Crashed> {
        let now = self.clock();
        let node = self.node();
        let courier = &node.couriers[receiver];
        let concurrency = courier.settings.concurrency.max(1);
        let free = match courier.breaker.permit(now) {
            Permit::Free => concurrency.saturating_sub(courier.aloft.len()),
            Permit::Probe => usize::from(courier.aloft.is_empty()),
            Permit::Wait(until) => return Ok(bounded(until.since(now))),
        };
        if free == 0 {
            return Ok(PERIOD);
        }
        let due = node.store.claim_due(receiver, now, CLAIM_ROWS);
        let next = node.store.next_due(receiver, now);
        let (Ok(mut due), Ok(next)) = (due, next) else {
            return Ok(STORE_PAUSE);
        };
        let aloft: Vec<(i64, String)> = courier
            .aloft
            .values()
            .map(|row| (row.id, row.notification.dedup_key()))
            .collect();
        due.retain(|row| {
            let key = row.notification.dedup_key();
            !aloft.iter().any(|(id, up)| *id == row.id || *up == key)
        });
        due.sort_by_key(|row| {
            let told = &row.notification;
            (told.facts.severity, told.kind, row.attempts, row.id)
        });
        let idle = next.is_none() && aloft.is_empty();
        // What the fallback must hear has a time that nobody tells.
        let period = match due.is_empty() && (idle || courier.settings.fallback.is_none()) {
            true => IDLE_PERIOD,
            false => PERIOD,
        };
        for row in due.into_iter().take(free) {
            self.pass(Point::Claimed)?;
            self.begin(receiver, row)?;
        }
        let next = next.filter(|next| *next > now);
        let wait = next.map_or(period, |next| next.since(now).as_millis());
        Ok(wait.clamp(1, period))
    }

    /// Records the begin of an attempt, then lets the request leave.
    fn begin(&mut self, receiver: &str, row: Delivery) -> Life {
        let now = self.clock();
        let node = self.node();
        let life = node.life;
        let told = &row.notification;
        let receipt = match told.kind {
            NotificationKind::Trigger => Ok(None),
            _ => node
                .store
                .receipt(receiver, &told.dedup_key(), told.episode),
        };
        let begun = receipt.and_then(|_| node.store.begin_attempt(row.id, now));
        match begun {
            Ok(()) => {}
            // Somebody else has the row, or it need not be sent any more.
            Err(error) if is_settled(&error) => return Ok(()),
            Err(_) => return Ok(()),
        }
        self.pass(Point::Begun)?;
        let call = Call {
            id: row.id,
            notification: row.notification.clone(),
        };
        let courier = self.node().couriers.get_mut(receiver);
        courier.expect("a worker").aloft.insert(row.id, row);
        let latency = self.dice.within(1, 400);
        self.after(latency, Event::Arrive { life, call });
        self.pass(Point::Sent)
    }

    /// An answer, or that there was none.
    pub(crate) fn landed(
        &mut self,
        receiver: &str,
        id: i64,
        result: Result<Option<String>, DeliveryError>,
    ) -> Life {
        let now = self.clock();
        self.pass(Point::Answered)?;
        let Some(courier) = self.node().couriers.get_mut(receiver) else {
            return Ok(());
        };
        let Some(row) = courier.aloft.get(&id).cloned() else {
            return Ok(());
        };
        courier.breaker.record(now, Signal::of(&result));
        let outcome = match result {
            Ok(receipt) => AttemptOutcome::Delivered { receipt },
            Err(error) => retry::after_failure(&courier.delivery, &row, &error, now),
        };
        self.record(receiver, id, now, outcome)
    }

    /// Records an outcome, however long the store takes.
    pub(crate) fn record(
        &mut self,
        receiver: &str,
        id: i64,
        at: Timestamp,
        outcome: AttemptOutcome,
    ) -> Life {
        let node = self.node();
        let life = node.life;
        match node.store.finish_attempt(id, at, &outcome) {
            Err(error) if !is_settled(&error) => {
                let receiver = receiver.to_owned();
                self.after(
                    STORE_PAUSE,
                    Event::Record {
                        life,
                        receiver,
                        id,
                        at,
                        outcome,
                    },
                );
                return Ok(());
            }
            _ => {}
        }
        if let AttemptOutcome::Dead { error, .. } = &outcome {
            self.note(&format!("row {id} for {receiver} is dead: {error}"));
        }
        self.pass(Point::Recorded)?;
        let mut fallback = None;
        if let Some(courier) = self.node().couriers.get_mut(receiver) {
            courier.aloft.remove(&id);
            fallback = courier.settings.fallback.clone();
        }
        if let Some(fallback) = fallback {
            self.poke(&fallback);
        }
        self.poke(receiver);
        Ok(())
    }
}

fn bounded(wait: Span) -> i64 {
    wait.as_millis().clamp(1, PERIOD)
}
