//! The workers on the real store: nobody is told twice, whoever is at work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use slofuse::config::settings::{DeliverySettings, ReceiverKind, ReceiverSettings};
use slofuse::engine::{
    AlertFacts, Effect, Notification, NotificationKind, Reason, Severity, Span, Timestamp,
};
use slofuse::notify::worker::Worker;
use slofuse::notify::{Attempt, AttemptResult, DeliveryObserver, Receipt, Receiver};
use slofuse::store::Store;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// A message about a source that is down.
pub(crate) fn notification(receiver: &str, kind: NotificationKind, sequence: u32) -> Notification {
    let reason = Reason::SourceFailed {
        slots: 10,
        detail: "no answer".to_owned(),
    };
    Notification {
        receiver: receiver.to_owned(),
        kind,
        episode: 1,
        sequence,
        facts: AlertFacts::of_source("prometheus", Severity::Page, reason, NOW),
        group: None,
        route_labels: std::collections::BTreeMap::new(),
    }
}

/// Takes a message once it is let go.
struct Slow {
    begun: Notify,
    attempts: AtomicUsize,
    go: Semaphore,
}

impl Receiver for Slow {
    fn deliver<'a>(
        &'a self,
        _notification: &'a Notification,
        _receipt: Option<&'a str>,
        _now: Timestamp,
    ) -> Attempt<'a> {
        Box::pin(async move {
            self.attempts.fetch_add(1, Ordering::SeqCst);
            self.begun.notify_one();
            let _turn = self.go.acquire().await;
            Ok(Receipt(None))
        })
    }
}

pub(crate) struct Nobody;

impl DeliveryObserver for Nobody {
    fn attempt(&self, _: &str, _: NotificationKind, _: AttemptResult, _: f64) {}
    fn breaker(&self, _: &str, _: bool) {}
}

fn start(store: &Store, receiver: &Arc<Slow>, stop: &CancellationToken) -> Arc<Notify> {
    let poke = Arc::new(Notify::new());
    let worker = Worker {
        outbox: store.clone(),
        receiver: receiver.clone(),
        settings: ReceiverSettings::new("hook", ReceiverKind::Console),
        delivery: DeliverySettings::default(),
        clock: Arc::new(|| NOW),
        observer: Arc::new(Nobody),
        poke: poke.clone(),
        fallback: None,
    };
    tokio::spawn(worker.run(stop.clone(), Span::from_secs(5)));
    poke
}

/// What a reload does: the workers of the new configuration start while those of the old one still
/// have an attempt under way.
#[tokio::test(flavor = "multi_thread")]
async fn two_workers_of_one_receiver_tell_it_once() {
    let store = Store::in_memory().unwrap();
    let receiver = Arc::new(Slow {
        begun: Notify::new(),
        attempts: AtomicUsize::new(0),
        go: Semaphore::new(0),
    });
    let (old, new) = (CancellationToken::new(), CancellationToken::new());
    let trigger = Effect::Notify(notification("hook", NotificationKind::Trigger, 1));
    store.commit(NOW, &[trigger]).unwrap();
    start(&store, &receiver, &old);
    receiver.begun.notified().await;
    let resolve = Effect::Notify(notification("hook", NotificationKind::Resolve, 2));
    store.commit(NOW, &[resolve]).unwrap();
    let poke = start(&store, &receiver, &new);
    old.cancel();
    poke.notify_one();
    receiver.go.add_permits(10);
    let done = async {
        while store.backlog().unwrap().iter().any(|row| row.pending > 0) {
            poke.notify_one();
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), done)
        .await
        .expect("both are delivered");
    assert_eq!(
        receiver.attempts.load(Ordering::SeqCst),
        2,
        "a trigger and a resolve, once each"
    );
    new.cancel();
}
