//! The delivery workers: one per receiver, started together, drained together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use crate::config::settings::Settings;
use crate::engine::{NotificationKind, Span, Timestamp};
use crate::http::Metrics;
use crate::message::Writer;
use crate::notify::{self, AttemptResult, BuildError, DeliveryObserver, Outbox, Receiver, Worker};
use crate::store::{AttemptOutcome, Delivery, Store, StoreError};

/// How long deliveries under way may take to finish at shutdown or reload; what is left stays in
/// the outbox.
const GRACE: Span = Span::from_secs(10);

/// Running workers.
#[derive(Default)]
pub(super) struct Deliveries {
    pokes: BTreeMap<String, Arc<Notify>>,
    workers: JoinSet<()>,
    stop: CancellationToken,
}

/// Receivers that were built but do not deliver yet.
pub(super) struct Prepared {
    receivers: Vec<(crate::config::settings::ReceiverSettings, Arc<dyn Receiver>)>,
    delivery: crate::config::settings::DeliverySettings,
}

impl Prepared {
    /// Builds every receiver of the settings.
    pub(super) fn new(settings: &Settings) -> Result<Self, BuildError> {
        let external = settings.server.external_url.as_deref();
        let writer = Writer::new(external.and_then(|url| url.parse().ok()));
        let build = |settings: &crate::config::settings::ReceiverSettings| {
            let receiver: Arc<dyn Receiver> = notify::build(settings, &writer)?.into();
            Ok((settings.clone(), receiver))
        };
        let receivers = settings
            .receivers
            .iter()
            .map(build)
            .collect::<Result<_, BuildError>>()?;
        Ok(Self {
            receivers,
            delivery: settings.delivery.clone(),
        })
    }
}

impl Deliveries {
    /// Starts a worker for each receiver. Workers of an earlier configuration claim nothing more;
    /// what they have under way may finish, and the store lets nobody start it twice.
    pub(super) fn start(
        &mut self,
        prepared: Prepared,
        store: &Store,
        clock: &Clock,
        metrics: &Arc<Metrics>,
    ) {
        self.stop.cancel();
        self.stop = CancellationToken::new();
        self.pokes.clear();
        let names: Vec<String> = prepared
            .receivers
            .iter()
            .map(|(settings, _)| settings.name.clone())
            .collect();
        metrics.register_receivers(&names);
        for (settings, receiver) in prepared.receivers {
            let poke = Arc::new(Notify::new());
            self.pokes.insert(settings.name.clone(), poke.clone());
            let clock = clock.clone();
            let worker = Worker {
                outbox: store.clone(),
                receiver,
                settings,
                delivery: prepared.delivery.clone(),
                clock: Arc::new(move || clock.now()),
                observer: Arc::new(Observer(metrics.clone())),
                poke,
            };
            self.workers.spawn(worker.run(self.stop.clone(), GRACE));
        }
    }

    /// Wakes the workers of these receivers.
    pub(super) fn poke(&self, receivers: &BTreeSet<String>) {
        for poke in receivers
            .iter()
            .filter_map(|receiver| self.pokes.get(receiver))
        {
            poke.notify_one();
        }
    }

    /// Sends a sample to a receiver, without waiting for what comes of it.
    pub(super) fn test(&self, receiver: &str, _now: Timestamp) -> Result<String, String> {
        Err(format!("receiver {receiver:?} cannot be tested yet"))
    }

    /// Stops all workers; attempts under way may finish.
    pub(super) async fn drain(&mut self) {
        self.stop.cancel();
        while self.workers.join_next().await.is_some() {}
    }
}

/// Counts attempts in the daemon's metrics.
struct Observer(Arc<Metrics>);

impl DeliveryObserver for Observer {
    fn attempt(&self, receiver: &str, kind: NotificationKind, result: AttemptResult, seconds: f64) {
        self.0
            .delivery(receiver, kind, result.outcome(), result.reason(), seconds);
    }

    fn breaker(&self, receiver: &str, open: bool) {
        self.0.breaker(receiver, open);
    }
}

impl Outbox for Store {
    type Error = StoreError;

    fn claim_due(
        &self,
        receiver: &str,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.claim_due(receiver, now, limit)
    }

    fn next_due(&self, receiver: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.next_due(receiver, now)
    }

    fn begin_attempt(&self, id: i64, now: Timestamp) -> Result<(), StoreError> {
        self.begin_attempt(id, now)
    }

    fn finish_attempt(
        &self,
        id: i64,
        now: Timestamp,
        outcome: &AttemptOutcome,
    ) -> Result<(), StoreError> {
        self.finish_attempt(id, now, outcome)
    }

    fn receipt(
        &self,
        receiver: &str,
        dedup_key: &str,
        episode: u64,
    ) -> Result<Option<String>, StoreError> {
        self.receipt(receiver, dedup_key, episode)
    }

    fn is_settled(error: &StoreError) -> bool {
        matches!(
            error,
            StoreError::NotPending { .. } | StoreError::NotUnderWay { .. }
        )
    }
}
