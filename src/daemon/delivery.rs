//! The delivery workers: one per receiver, started together, drained together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::clock::Clock;
use super::heartbeat::{Heartbeats, PreparedHeartbeats};
use super::poller::Surroundings;
use crate::config::settings::{DeliverySettings, ReceiverSettings, Settings};
use crate::engine::{AlertFacts, NotificationKind, Span, Timestamp};
use crate::http::{Board, Metrics};
use crate::message::{Writer, sample};
use crate::notify::{
    self, AttemptResult, BuildError, Change, DeliveryObserver, Outbox, Receipt, Receiver, Worker,
};
use crate::store::{AttemptOutcome, Delivery, KnownReceiver, Store, StoreError};

/// How long deliveries under way may take to finish at shutdown or reload; what is left stays in
/// the outbox.
const GRACE: Span = Span::from_secs(10);

/// Running workers.
#[derive(Default)]
pub(super) struct Deliveries {
    receivers: BTreeMap<String, Reachable>,
    heartbeats: Heartbeats,
    workers: JoinSet<()>,
    stop: CancellationToken,
}

/// A receiver at work.
struct Reachable {
    poke: Arc<Notify>,
    receiver: Arc<dyn Receiver>,
    timeout: Span,
}

/// Receivers that were built but do not deliver yet.
pub(super) struct Prepared {
    receivers: Vec<(ReceiverSettings, Arc<dyn Receiver>)>,
    delivery: DeliverySettings,
    heartbeats: PreparedHeartbeats,
}

impl Prepared {
    /// Builds every receiver of the settings.
    pub(super) fn new(
        settings: &Settings,
        picture_key: Option<[u8; 32]>,
    ) -> Result<Self, BuildError> {
        let external = settings.server.external_url.as_deref();
        let writer =
            Writer::new(external.and_then(|url| url.parse().ok())).with(&settings.templates);
        let writer = match picture_key {
            Some(key) => writer.with_picture_key(key),
            None => writer,
        };
        let build = |settings: &ReceiverSettings| {
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
            heartbeats: PreparedHeartbeats::new(&settings.heartbeats)?,
        })
    }
}

impl Deliveries {
    /// Starts a worker for each receiver. Workers of an earlier configuration claim nothing more;
    /// what they have under way may finish, and the store lets nobody start it twice.
    pub(super) fn start(&mut self, prepared: Prepared, around: &Surroundings) {
        let Surroundings {
            store,
            board,
            clock,
            metrics,
            ..
        } = around;
        self.stop.cancel();
        self.stop = CancellationToken::new();
        self.receivers.clear();
        self.heartbeats.start(prepared.heartbeats, around);
        let names: Vec<String> = prepared
            .receivers
            .iter()
            .map(|(settings, _)| settings.name.clone())
            .collect();
        metrics.register_receivers(&names);
        make_known(store, clock.now(), &prepared.receivers);
        let pokes: BTreeMap<String, Arc<Notify>> = names
            .into_iter()
            .map(|name| (name, Arc::default()))
            .collect();
        for (settings, receiver) in prepared.receivers {
            let poke = pokes.get(&settings.name).cloned().unwrap_or_default();
            let fallback = settings.fallback.as_ref();
            let fallback = fallback.and_then(|name| pokes.get(name)).cloned();
            let reachable = Reachable {
                poke: poke.clone(),
                receiver: receiver.clone(),
                timeout: settings.timeout,
            };
            self.receivers.insert(settings.name.clone(), reachable);
            if let Some(every) = receiver.refreshes_every() {
                let refresher = Refresher {
                    name: settings.name.clone(),
                    receiver: receiver.clone(),
                    every,
                    board: board.clone(),
                    clock: clock.clone(),
                };
                self.workers.spawn(refresher.run(self.stop.clone()));
            }
            let clock = clock.clone();
            let worker = Worker {
                outbox: store.clone(),
                receiver,
                settings,
                delivery: prepared.delivery.clone(),
                clock: Arc::new(move || clock.now()),
                observer: Arc::new(Observer(metrics.clone())),
                poke,
                fallback,
            };
            self.workers.spawn(worker.run(self.stop.clone(), GRACE));
        }
    }

    /// Wakes the workers of these receivers.
    pub(super) fn poke(&self, receivers: &BTreeSet<String>) {
        for name in receivers {
            if let Some(reachable) = self.receivers.get(name) {
                reachable.poke.notify_one();
            }
        }
    }

    /// Sends a sample page to a receiver, and its resolve; what comes of it, in words.
    pub(super) fn test(
        &self,
        name: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<String, String>> + Send + 'static {
        let found = self.receivers.get(name);
        let found = found.map(|reachable| (reachable.receiver.clone(), reachable.timeout));
        let name = name.to_owned();
        async move {
            let Some((receiver, timeout)) = found else {
                return Err(format!("there is no receiver {name:?}"));
            };
            let mut receipt = None;
            for probe in sample::probe(&name, now) {
                let attempt = receiver.deliver(&probe, receipt.as_deref(), now);
                let answer = tokio::time::timeout(timeout.to_std(), attempt).await;
                let kind = probe.kind.as_str();
                match answer {
                    Ok(Ok(Receipt(given))) => receipt = receipt.or(given),
                    Ok(Err(error)) => return Err(format!("{kind} not delivered: {error}")),
                    Err(_elapsed) => {
                        return Err(format!("{kind} not delivered: no answer within {timeout}"));
                    }
                }
            }
            Ok(format!("{name} took a test page and its resolve"))
        }
    }

    /// Shows a change of the configuration wherever there is a place for it; tried once.
    pub(super) fn show_change(&mut self, change: &Change) {
        for (name, reachable) in &self.receivers {
            let (name, change) = (name.clone(), change.clone());
            let (receiver, timeout) = (reachable.receiver.clone(), reachable.timeout);
            self.workers.spawn(async move {
                let shown = receiver.show_change(&change, change.at);
                match tokio::time::timeout(timeout.to_std(), shown).await {
                    Ok(Ok(_receipt)) => {}
                    Ok(Err(error)) => warn!(receiver = name, %error, "Change not shown"),
                    Err(_elapsed) => warn!(receiver = name, "Change not shown in time"),
                }
            });
        }
    }

    /// Stops all workers; attempts under way may finish.
    pub(super) async fn drain(&mut self) {
        self.stop.cancel();
        while self.workers.join_next().await.is_some() {}
    }
}

/// Says again to a forgetful receiver what is up.
struct Refresher {
    name: String,
    receiver: Arc<dyn Receiver>,
    every: Span,
    board: Board,
    clock: Clock,
}

impl Refresher {
    async fn run(self, stop: CancellationToken) {
        let mut well = true;
        loop {
            let now = self.clock.now();
            let open = self.open();
            if !open.is_empty() {
                // A resolve that the next configuration's worker sends must not be overtaken.
                let refreshed = tokio::select! {
                    () = stop.cancelled() => return,
                    refreshed = self.receiver.refresh(&open, now) => refreshed,
                };
                if let Err(error) = &refreshed
                    && well
                {
                    warn!(receiver = self.name, %error, "Refreshing open alerts failed");
                }
                well = refreshed.is_ok();
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock.wait_until(now + self.every) => {}
            }
        }
    }

    /// What the receiver was told of and that is not over, alone or in company.
    fn open(&self) -> Vec<AlertFacts> {
        let (alerts, notices) = self.board.open();
        let alone = alerts
            .iter()
            .filter(|alert| alert.is_firing() && alert.told.contains_key(&self.name))
            .map(|alert| &alert.facts);
        let own = notices
            .threads
            .iter()
            .filter(|thread| thread.key.receiver() == self.name);
        let told = own
            .flat_map(|thread| thread.members.values())
            .filter(|member| member.told && member.facts.resolved_at.is_none())
            .map(|member| &member.facts);
        alone.chain(told).cloned().collect()
    }
}

/// Tells the store who is in the configuration; what waits for anybody else becomes dead letters.
fn make_known(store: &Store, now: Timestamp, receivers: &[(ReceiverSettings, Arc<dyn Receiver>)]) {
    let known = |(settings, _): &(ReceiverSettings, _)| {
        let known = KnownReceiver {
            fallback: settings.fallback.clone(),
            send_resolved: settings.send_resolved,
        };
        (settings.name.clone(), known)
    };
    let known = receivers.iter().map(known).collect();
    match tokio::task::block_in_place(|| store.set_receivers(now, known)) {
        Ok(0) => {}
        Ok(rows) => warn!(
            rows,
            "Notifications for receivers that are gone were given up"
        ),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            warn!(
                error,
                "Giving up notifications for receivers that are gone failed"
            );
        }
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

    fn divert(
        &self,
        receiver: &str,
        now: Timestamp,
        before: Timestamp,
        pages: bool,
    ) -> Result<usize, StoreError> {
        self.divert(receiver, now, before, pages)
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
