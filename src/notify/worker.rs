//! The task that empties the outbox of one receiver.
//!
//! Woken by a poke for speed and by a period for certainty; a lost poke costs latency, never a
//! notification. At most `concurrency` attempts are under way, and never two of one alert, so its
//! trigger, updates and resolve arrive in order. An attempt is recorded before the request leaves
//! and after the answer came, both until the store has it: a crash between the two repeats a
//! message and loses none.
//!
//! The worker also looks after its receiver's fallback: what the receiver does not have after
//! `fallback_after`, and every page while the breaker is open, is handed over in the outbox. What
//! was given up is handed over by the outbox itself. Only the outbox remembers, so a crash or a
//! reload changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::config::settings::{DeliverySettings, ReceiverSettings};
use crate::engine::{NotificationKind, Span, Timestamp};
use crate::store::{AttemptOutcome, Delivery};

use super::breaker::{Breaker, Permit, Signal};
use super::error::DeliveryError;
use super::observer::{AttemptResult, DeliveryObserver};
use super::outbox::Outbox;
use super::{Receipt, Receiver, retry};
use crate::message::text;

/// The longest a due row waits for a worker that nobody poked.
const PERIOD: Duration = Duration::from_secs(5);
/// How long a worker waits before it asks a failing store again.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// Rows looked at for the loudest, at least; a backlog is read in portions of this size.
const CLAIM_ROWS: usize = 64;

/// Reads the time; the daemon's clock, or a test's.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Delivers what waits for one receiver.
pub struct Worker<O> {
    /// Where the rows are.
    pub outbox: O,
    /// Who is told.
    pub receiver: Arc<dyn Receiver>,
    /// The receiver's name, deadline and concurrency.
    pub settings: ReceiverSettings,
    /// Backoff, maximal age and breaker.
    pub delivery: DeliverySettings,
    /// The time.
    pub clock: Clock,
    /// Who counts.
    pub observer: Arc<dyn DeliveryObserver>,
    /// Notified (`notify_one`) after a commit that wrote rows for this receiver.
    pub poke: Arc<Notify>,
    /// Notified after something was handed to the fallback; `None` without one.
    pub fallback: Option<Arc<Notify>>,
}

impl<O: Outbox> Worker<O> {
    /// Works until `shutdown`, then lets attempts under way end within `grace`. What is left stays
    /// in the outbox, an attempt that was cut off among it.
    pub async fn run(self, shutdown: CancellationToken, grace: Span) {
        let worker = Arc::new(self);
        let mut flight = Flight::default();
        let mut breaker = Breaker::new(&worker.delivery);
        worker.observer.breaker(worker.name(), false);
        loop {
            let diverted = worker.divert(&breaker).await;
            let wait = worker.start_due(&mut flight, &breaker).await;
            // What is left to hand over does not wait for the next period.
            let wait = if diverted { Duration::ZERO } else { wait };
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(landed) = flight.land() => worker.learn(&mut breaker, &landed),
                () = worker.poke.notified() => {}
                () = sleep(wait) => {}
            }
        }
        let landing = async { while flight.land().await.is_some() {} };
        if timeout(grace.to_std(), landing).await.is_err() {
            let cut_off = flight.aloft.len();
            tracing::warn!(
                receiver = worker.name(),
                cut_off,
                "Attempts cut off at shutdown"
            );
        }
    }

    /// Hands a portion of what the receiver does not have to its fallback; says whether there may
    /// be more.
    async fn divert(&self, breaker: &Breaker) -> bool {
        let Some(fallback) = &self.fallback else {
            return false;
        };
        let (now, pages) = ((self.clock)(), breaker.is_open());
        let before = now - self.delivery.fallback_after;
        let divert = self
            .in_store(move |outbox, receiver| outbox.divert(receiver, now, before, pages))
            .await;
        match divert {
            Ok(0) => false,
            Ok(rows) => {
                tracing::warn!(receiver = self.name(), rows, "Fallback told as well");
                fallback.notify_one();
                true
            }
            Err(error) => {
                self.store_failed("telling the fallback", &error);
                false
            }
        }
    }

    /// Starts what may start, and says how long nothing more can be due.
    async fn start_due(self: &Arc<Self>, flight: &mut Flight, breaker: &Breaker) -> Duration {
        let now = (self.clock)();
        let concurrency = self.settings.concurrency.max(1);
        let free = match breaker.permit(now) {
            Permit::Free => concurrency.saturating_sub(flight.aloft.len()),
            Permit::Probe => usize::from(flight.aloft.is_empty()),
            Permit::Wait(until) => return until.since(now).to_std().min(PERIOD),
        };
        if free == 0 {
            return PERIOD;
        }
        let limit = CLAIM_ROWS.max(concurrency);
        let read = self.in_store(move |outbox, receiver| {
            let due = outbox.claim_due(receiver, now, limit)?;
            Ok((due, outbox.next_due(receiver, now)?))
        });
        let (mut due, next) = match read.await {
            Ok(rows) => rows,
            Err(error) => return self.store_failed("reading due rows", &error),
        };
        due.retain(|delivery| !flight.holds(delivery));
        // What nobody has heard of yet goes before what adds to it.
        due.sort_by_key(|row| {
            let notification = &row.notification;
            (
                notification.facts.severity,
                notification.kind,
                row.attempts,
                row.id,
            )
        });
        for delivery in due.into_iter().take(free) {
            flight.start(Arc::clone(self), delivery);
        }
        let next = next.filter(|next| *next > now);
        next.map_or(PERIOD, |next| next.since(now).to_std().min(PERIOD))
    }

    fn learn(&self, breaker: &mut Breaker, landed: &Landed) {
        let was_open = breaker.is_open();
        breaker.record((self.clock)(), landed.signal);
        let open = breaker.is_open();
        if open != was_open {
            self.observer.breaker(self.name(), open);
            tracing::warn!(receiver = self.name(), open, "Circuit breaker switched");
        }
    }

    /// One attempt, from the record of its begin to the record of its end.
    async fn attempt(self: Arc<Self>, delivery: Delivery) -> Landed {
        let id = delivery.id;
        let receipt = match self.begin(&delivery).await {
            Ok(receipt) => receipt,
            Err(error) if O::is_settled(&error) => {
                let signal = Signal::Nothing;
                return Landed { id, signal };
            }
            Err(error) => {
                sleep(self.store_failed("recording the begin of an attempt", &error)).await;
                let signal = Signal::Nothing;
                return Landed { id, signal };
            }
        };
        let started = Instant::now();
        let result = self.deliver(&delivery, receipt).await;
        let seconds = started.elapsed().as_secs_f64();
        let now = (self.clock)();
        let signal = Signal::of(&result);
        let (outcome, result) = match result {
            Ok(Receipt(receipt)) => (
                AttemptOutcome::Delivered { receipt },
                AttemptResult::Delivered,
            ),
            Err(error) => {
                let outcome = retry::after_failure(&self.delivery, &delivery, &error, now);
                let result = match outcome {
                    AttemptOutcome::Dead { .. } => AttemptResult::Dead(error.reason),
                    _ => AttemptResult::Retried(error.reason),
                };
                (outcome, result)
            }
        };
        self.report(&delivery, &outcome, result, seconds);
        self.finish(id, now, outcome).await;
        Landed { id, signal }
    }

    async fn begin(&self, delivery: &Delivery) -> Result<Option<String>, O::Error> {
        let now = (self.clock)();
        let notification = &delivery.notification;
        let (id, kind, episode) = (delivery.id, notification.kind, notification.episode);
        let key = notification.dedup_key();
        self.in_store(move |outbox, receiver| {
            let receipt = match kind {
                NotificationKind::Trigger => None,
                _ => outbox.receipt(receiver, &key, episode)?,
            };
            outbox.begin_attempt(id, now)?;
            Ok(receipt)
        })
        .await
    }

    /// Runs as a task of its own, so that a bug in one receiver is a failed attempt, not the end
    /// of the worker.
    async fn deliver(
        &self,
        delivery: &Delivery,
        receipt: Option<String>,
    ) -> Result<Receipt, DeliveryError> {
        let receiver = Arc::clone(&self.receiver);
        let notification = delivery.notification.clone();
        let now = (self.clock)();
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            receiver
                .deliver(&notification, receipt.as_deref(), now)
                .await
        }));
        let deadline = self.settings.timeout;
        match timeout(deadline.to_std(), task).await {
            Ok(Ok(result)) => result,
            Ok(Err(_panicked)) => Err(DeliveryError {
                ambiguous: true,
                ..DeliveryError::local("the attempt broke down")
            }),
            Err(_elapsed) => Err(DeliveryError::deadline(deadline)),
        }
    }

    fn report(
        &self,
        delivery: &Delivery,
        outcome: &AttemptOutcome,
        result: AttemptResult,
        seconds: f64,
    ) {
        const ALERT_CHARS_MAX: usize = 255;
        let notification = &delivery.notification;
        let receiver = self.name();
        let alert = text::line(&notification.facts.key.to_string(), ALERT_CHARS_MAX);
        let kind = notification.kind.as_str();
        let attempt = delivery.attempts.saturating_add(1);
        let (outcome_word, reason) = (result.outcome(), result.reason());
        macro_rules! log {
            ($level:ident, $error:expr, $text:literal) => {
                tracing::$level!(
                    receiver, %alert, kind, attempt, outcome = outcome_word, reason, seconds,
                    error = $error, $text
                )
            };
        }
        match outcome {
            AttemptOutcome::Delivered { .. } => log!(info, None::<&str>, "Notification delivered"),
            AttemptOutcome::Retry { error, .. } => {
                log!(warn, error.as_str(), "Notification not delivered yet");
            }
            AttemptOutcome::Dead { error, .. } => {
                log!(error, error.as_str(), "Notification given up");
            }
        }
        self.observer
            .attempt(receiver, notification.kind, result, seconds);
    }

    /// Records the outcome, however long the store takes: until then the row must not be started
    /// again.
    async fn finish(&self, id: i64, now: Timestamp, outcome: AttemptOutcome) {
        let is_dead = matches!(outcome, AttemptOutcome::Dead { .. });
        loop {
            let outcome = outcome.clone();
            let record = self.in_store(move |outbox, _| outbox.finish_attempt(id, now, &outcome));
            match record.await {
                Ok(()) => {
                    if let Some(fallback) = self.fallback.as_ref().filter(|_| is_dead) {
                        fallback.notify_one();
                    }
                    return;
                }
                Err(error) if O::is_settled(&error) => return,
                Err(error) => {
                    sleep(self.store_failed("recording the end of an attempt", &error)).await;
                }
            }
        }
    }

    /// Calls the blocking store away from the async threads.
    async fn in_store<T: Send + 'static>(
        &self,
        call: impl FnOnce(&O, &str) -> Result<T, O::Error> + Send + 'static,
    ) -> Result<T, O::Error> {
        let outbox = self.outbox.clone();
        let receiver = self.settings.name.clone();
        match tokio::task::spawn_blocking(move || call(&outbox, &receiver)).await {
            Ok(result) => result,
            Err(stopped) => match stopped.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is going down, and this task with it.
                Err(_cancelled) => std::future::pending().await,
            },
        }
    }

    fn store_failed(&self, attempt: &str, error: &O::Error) -> Duration {
        let error = error as &dyn std::error::Error;
        tracing::error!(receiver = self.name(), error, "Store failed {attempt}");
        STORE_PAUSE
    }

    fn name(&self) -> &str {
        &self.settings.name
    }
}

/// The attempts under way.
#[derive(Default)]
struct Flight {
    tasks: JoinSet<Landed>,
    /// Row and dedup key of each.
    aloft: BTreeMap<i64, String>,
}

/// An attempt that ended.
struct Landed {
    id: i64,
    signal: Signal,
}

impl Flight {
    fn start<O: Outbox>(&mut self, worker: Arc<Worker<O>>, delivery: Delivery) {
        let key = delivery.notification.dedup_key();
        self.aloft.insert(delivery.id, key);
        self.tasks.spawn(worker.attempt(delivery));
    }

    /// The next attempt to end; `None` when none is under way.
    async fn land(&mut self) -> Option<Landed> {
        match self.tasks.join_next().await? {
            Ok(landed) => {
                self.aloft.remove(&landed.id);
                Some(landed)
            }
            Err(stopped) => match stopped.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_cancelled) => None,
            },
        }
    }

    /// Whether the row, or another of its alert, is under way.
    fn holds(&self, delivery: &Delivery) -> bool {
        self.aloft.contains_key(&delivery.id) || {
            let key = delivery.notification.dedup_key();
            self.aloft.values().any(|aloft| *aloft == key)
        }
    }
}

#[cfg(test)]
mod tests;
