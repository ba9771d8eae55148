//! What a slow receiver costs a fast one, and how much memory a backlog takes: the real store on
//! disk and the real workers, receivers that only wait.
//!
//! `cargo bench --bench delivery`: 10 000 pages are queued for a receiver that takes 200 ms for each,
//! while pages arrive over time for one that answers at once; first the fast one runs alone.

#![expect(clippy::print_stdout, reason = "the table is the purpose")]
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed bench")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use slofuse::config::settings::{DeliverySettings, ReceiverKind, ReceiverSettings};
use slofuse::engine::{
    AlertFacts, Effect, Notification, NotificationKind, Reason, Severity, Span, Timestamp,
};
use slofuse::notify::{Attempt, AttemptResult, DeliveryObserver, Receipt, Receiver, Worker};
use slofuse::store::Store;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const QUEUED: u32 = 10_000;
const ARRIVING: u32 = 1_000;
/// Time between two pages for the fast receiver.
const PACE: Duration = Duration::from_millis(15);
const SLOW: Duration = Duration::from_millis(200);

/// Remembers how long after its commit each message arrived.
struct Timed {
    delay: Duration,
    /// When each message was committed, by its number.
    committed: Mutex<Vec<Instant>>,
    latencies: Mutex<Vec<Duration>>,
    news: Notify,
}

impl Timed {
    fn new(delay: Duration) -> Arc<Self> {
        Arc::new(Self {
            delay,
            committed: Mutex::default(),
            latencies: Mutex::default(),
            news: Notify::new(),
        })
    }

    async fn took(&self, messages: u32) {
        while self.latencies.lock().unwrap().len() < messages as usize {
            self.news.notified().await;
        }
    }

    fn print(&self, name: &str) {
        let mut sorted = self.latencies.lock().unwrap().clone();
        sorted.sort();
        let at = |percent: usize| sorted.get(sorted.len() * percent / 100).copied();
        let ms = |at: Option<Duration>| at.unwrap_or_default().as_secs_f64() * 1e3;
        let (p50, p99, most) = (ms(at(50)), ms(at(99)), ms(sorted.last().copied()));
        let taken = sorted.len();
        println!("{name:18} {taken:7} {p50:9.1} {p99:9.1} {most:9.1}");
    }
}

impl Receiver for Timed {
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        _receipt: Option<&'a str>,
        _now: Timestamp,
    ) -> Attempt<'a> {
        Box::pin(async move {
            sleep(self.delay).await;
            let number = usize::try_from(notification.episode).unwrap();
            let committed = self.committed.lock().unwrap()[number];
            let latency = committed.elapsed();
            self.latencies.lock().unwrap().push(latency);
            self.news.notify_one();
            Ok(Receipt(None))
        })
    }
}

struct Nobody;

impl DeliveryObserver for Nobody {
    fn attempt(&self, _: &str, _: NotificationKind, _: AttemptResult, _: f64) {}
    fn breaker(&self, _: &str, _: bool) {}
}

#[expect(clippy::disallowed_methods, reason = "a bench measures")]
fn clock() -> Instant {
    Instant::now()
}

fn now() -> Timestamp {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

#[tokio::main]
async fn main() {
    println!("receiver             taken    p50 ms    p99 ms    max ms");
    measure(0).await.1.print("fast, alone");
    let before = memory("VmRSS");
    let (slow, fast) = measure(QUEUED).await;
    fast.print("fast, beside slow");
    slow.print("slow");
    let (after, most) = (memory("VmRSS"), memory("VmHWM"));
    println!("memory: {before} KiB before the backlog, {after} KiB beside it, at most {most} KiB");
}

/// Lets pages arrive for the fast receiver while so many wait for the slow one.
async fn measure(queued: u32) -> (Arc<Timed>, Arc<Timed>) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let stop = CancellationToken::new();
    let (slow, fast) = (Timed::new(SLOW), Timed::new(Duration::ZERO));
    commit(&store, "slow", &slow, 0..queued).await;
    let workers = [("slow", &slow), ("fast", &fast)].map(|(name, receiver)| {
        let poke = Arc::new(Notify::new());
        let worker = Worker {
            outbox: store.clone(),
            receiver: receiver.clone(),
            settings: ReceiverSettings::new(name, ReceiverKind::Console),
            delivery: DeliverySettings::default(),
            clock: Arc::new(now),
            observer: Arc::new(Nobody),
            poke: poke.clone(),
            fallback: None,
        };
        (poke, tokio::spawn(worker.run(stop.clone(), Span::ZERO)))
    });
    let mut pace = tokio::time::interval(PACE);
    for number in 0..ARRIVING {
        pace.tick().await;
        commit(&store, "fast", &fast, number..number + 1).await;
        workers[1].0.notify_one();
    }
    fast.took(ARRIVING).await;
    stop.cancel();
    for (_, worker) in workers {
        worker.await.unwrap();
    }
    (slow, fast)
}

/// Commits one step with these pages.
async fn commit(store: &Store, name: &str, receiver: &Timed, numbers: std::ops::Range<u32>) {
    let pages = numbers.map(|number| Effect::Notify(page(name, number)));
    let pages: Vec<Effect> = pages.collect();
    let store = store.clone();
    let times = vec![clock(); pages.len()];
    receiver.committed.lock().unwrap().extend(times);
    let committed = tokio::task::spawn_blocking(move || store.commit(now(), &pages));
    committed.await.unwrap().unwrap();
}

/// The trigger of an alert of its own.
fn page(receiver: &str, number: u32) -> Notification {
    let source = format!("source-{number}");
    let reason = Reason::SourceFailed {
        slots: 10,
        detail: "no answer".to_owned(),
    };
    Notification {
        receiver: receiver.to_owned(),
        kind: NotificationKind::Trigger,
        episode: number.into(),
        sequence: 1,
        facts: AlertFacts::of_source(&source, Severity::Page, reason, now()),
        group: None,
        route_labels: std::collections::BTreeMap::new(),
    }
}

/// A line of `/proc/self/status`, in KiB.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let digits = line.unwrap().trim_matches(|c: char| !c.is_ascii_digit());
    digits.parse().unwrap()
}
