//! The worker on a paused clock, against an outbox in memory and receivers that misbehave.

mod memory;

use std::collections::BTreeMap;
use std::sync::Mutex;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::super::error::{ErrorClass, FailureReason};
use super::super::{Attempt, fixture};
use super::*;
use crate::config::settings::ReceiverKind;
use crate::engine::{AlertKey, Notification, Severity};

use memory::{Memory, Row};

/// What a receiver does with one attempt.
#[derive(Clone)]
enum Move {
    Take,
    Refuse(DeliveryError),
    Hang,
    Panic,
}

type Script = dyn Fn(&Notification, usize) -> (Duration, Move) + Send + Sync;

/// A receiver that follows a script and remembers what it saw.
struct Actor {
    script: Box<Script>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Begin of each attempt: virtual time since the start, alert, sequence number.
    begun: Vec<(Duration, String, u32)>,
    taken: Vec<(String, u32)>,
    receipts: Vec<Option<String>>,
    aloft: BTreeMap<String, u32>,
    most_aloft: usize,
}

impl Actor {
    fn new(
        script: impl Fn(&Notification, usize) -> (Duration, Move) + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            script: Box::new(script),
            seen: Mutex::default(),
        })
    }

    fn begun(&self) -> Vec<(Duration, String, u32)> {
        self.seen.lock().unwrap().begun.clone()
    }

    /// Seconds since the start at which attempts began.
    fn begun_secs(&self) -> Vec<u64> {
        self.begun().iter().map(|(at, _, _)| at.as_secs()).collect()
    }

    fn taken(&self) -> Vec<(String, u32)> {
        self.seen.lock().unwrap().taken.clone()
    }
}

/// Leaves the list of attempts under way, also when the attempt is cut off.
struct Landing<'a>(&'a Actor, String);

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        self.0.seen.lock().unwrap().aloft.remove(&self.1);
    }
}

impl Receiver for Actor {
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        receipt: Option<&'a str>,
        now: Timestamp,
    ) -> Attempt<'a> {
        Box::pin(async move {
            let alert = notification.facts.key.to_string();
            let (wait, action) = {
                let mut seen = self.seen.lock().unwrap();
                let count = seen.begun.len();
                let at = now.since(fixture::NOW).to_std();
                seen.begun.push((at, alert.clone(), notification.sequence));
                seen.receipts.push(receipt.map(str::to_owned));
                let other = seen.aloft.insert(alert.clone(), notification.sequence);
                assert_eq!(other, None, "two attempts of one alert are under way");
                seen.most_aloft = seen.most_aloft.max(seen.aloft.len());
                (self.script)(notification, count)
            };
            let _landing = Landing(self, alert.clone());
            sleep(wait).await;
            match action {
                Move::Take => {
                    self.seen
                        .lock()
                        .unwrap()
                        .taken
                        .push((alert, notification.sequence));
                    Ok(Receipt(Some(format!("receipt {}", notification.sequence))))
                }
                Move::Refuse(error) => Err(error),
                Move::Hang => std::future::pending().await,
                Move::Panic => panic!("a bug in a receiver"),
            }
        })
    }
}

/// Counts what it is told.
#[derive(Default)]
struct Counts {
    results: Mutex<Vec<(AttemptResult, f64)>>,
    breaker: Mutex<Vec<bool>>,
}

impl DeliveryObserver for Counts {
    fn attempt(&self, _: &str, _: NotificationKind, result: AttemptResult, seconds: f64) {
        self.results.lock().unwrap().push((result, seconds));
    }

    fn breaker(&self, _: &str, open: bool) {
        self.breaker.lock().unwrap().push(open);
    }
}

/// A running worker and its surroundings.
struct Stage {
    outbox: Memory,
    counts: Arc<Counts>,
    poke: Arc<Notify>,
    fallback: Arc<Notify>,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    started: Instant,
}

const GRACE: Span = Span::from_secs(20);

impl Stage {
    fn start(outbox: &Memory, receiver: Arc<dyn Receiver>) -> Self {
        Self::named("on-call", 4, outbox, receiver)
    }

    fn named(name: &str, concurrency: usize, outbox: &Memory, receiver: Arc<dyn Receiver>) -> Self {
        let started = Instant::now();
        let mut settings = ReceiverSettings::new(name, ReceiverKind::Console);
        settings.concurrency = concurrency;
        let counts = Arc::new(Counts::default());
        let fallback = Arc::new(Notify::new());
        let (poke, shutdown) = (Arc::new(Notify::new()), CancellationToken::new());
        let worker = Worker {
            outbox: outbox.clone(),
            receiver,
            settings,
            delivery: DeliverySettings {
                breaker_failures: 5,
                breaker_pause: Span::from_secs(30),
                ..DeliverySettings::default()
            },
            clock: Arc::new(move || {
                let elapsed = i64::try_from(started.elapsed().as_millis()).unwrap();
                fixture::NOW + Span::from_millis(elapsed)
            }),
            observer: Arc::clone(&counts) as Arc<dyn DeliveryObserver>,
            poke: Arc::clone(&poke),
            fallback: Some(Arc::clone(&fallback)),
        };
        Self {
            outbox: outbox.clone(),
            counts,
            poke,
            fallback,
            task: tokio::spawn(worker.run(shutdown.clone(), GRACE)),
            shutdown,
            started,
        }
    }

    /// Until every row is finished, or a virtual day has passed.
    async fn finished(&self) {
        let finished = self.outbox.finished();
        timeout(Duration::from_secs(90_000), finished)
            .await
            .expect("rows are left");
    }

    async fn until(&self, secs: u64) {
        tokio::time::sleep_until(self.started + Duration::from_secs(secs)).await;
    }

    async fn stop(self) -> Duration {
        let asked = Instant::now();
        self.shutdown.cancel();
        self.task.await.unwrap();
        asked.elapsed()
    }
}

/// An alert of its own for each name.
fn notification(alert: &str, sequence: u32, severity: Severity) -> Notification {
    let mut notification = fixture::burning();
    if sequence > 1 {
        notification.kind = NotificationKind::Update;
    }
    notification.sequence = sequence;
    notification.facts.severity = severity;
    notification.facts.key = AlertKey::SourceDown {
        source: alert.to_owned(),
    };
    notification
}

fn page(alert: &str, sequence: u32) -> Notification {
    notification(alert, sequence, Severity::Page)
}

fn failure(after: Option<Span>, reason: FailureReason) -> DeliveryError {
    DeliveryError {
        class: ErrorClass::Retry { after },
        ambiguous: true,
        reason,
        text: "answered 503".to_owned(),
    }
}

fn broken() -> Move {
    Move::Refuse(failure(None, FailureReason::ServerError))
}

const AT_ONCE: Duration = Duration::ZERO;

/// Seeds 0..60: random alerts, outcomes, latencies, store failures and concurrency.
#[tokio::test(start_paused = true)]
async fn order_holds_and_nothing_is_lost_under_random_outcomes() {
    for seed in 0..60 {
        let mut rng = SmallRng::seed_from_u64(seed);
        let concurrency = rng.random_range(1..6);
        let outbox = Memory::failing(seed, rng.random_range(0.0..0.3));
        let mut rows = 0;
        for alert in 0..rng.random_range(1..8) {
            for sequence in 1..=rng.random_range(1..6) {
                outbox.add(page(&format!("alert {alert}"), sequence));
                rows += 1;
            }
        }
        let script_rng = Mutex::new(rng);
        let actor = Actor::new(move |_, _| {
            let mut rng = script_rng.lock().unwrap();
            let wait = Duration::from_millis(rng.random_range(0..3_000));
            let after = rng
                .random_bool(0.5)
                .then(|| Span::from_secs(rng.random_range(0..90)));
            let action = match rng.random_range(0..10) {
                0..5 => Move::Take,
                5 => Move::Refuse(failure(after, FailureReason::RateLimited)),
                6 => Move::Hang,
                7 => Move::Panic,
                _ => broken(),
            };
            (wait, action)
        });
        let receiver: Arc<dyn Receiver> = Arc::clone(&actor) as _;
        let stage = Stage::named("on-call", concurrency, &outbox, receiver);
        stage.finished().await;
        stage.stop().await;

        let mut last: BTreeMap<String, u32> = BTreeMap::new();
        for (_, alert, sequence) in actor.begun() {
            let before = last.insert(alert, sequence).unwrap_or(1);
            assert!(sequence == before || sequence == before + 1, "seed {seed}");
        }
        let mut taken = actor.taken();
        taken.sort();
        taken.dedup();
        assert_eq!(taken.len(), rows, "seed {seed}: everything was delivered");
        assert!(
            actor.seen.lock().unwrap().most_aloft <= concurrency,
            "seed {seed}"
        );
        assert!(outbox.rows().iter().all(Row::is_delivered), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_neither_loses_nor_repeats() {
    let outbox = Memory::failing(1, 0.8);
    for sequence in 1..=5 {
        outbox.add(page("a", sequence));
    }
    let actor = Actor::new(|_, _| (AT_ONCE, Move::Take));
    let stage = Stage::start(&outbox, Arc::clone(&actor) as _);
    stage.finished().await;
    let sequences: Vec<u32> = actor
        .taken()
        .into_iter()
        .map(|(_, sequence)| sequence)
        .collect();
    assert_eq!(sequences, [1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_poke_delivers_at_once_and_a_lost_poke_within_the_period() {
    let outbox = Memory::default();
    let actor = Actor::new(|_, _| (AT_ONCE, Move::Take));
    let stage = Stage::start(&outbox, Arc::clone(&actor) as _);
    stage.until(7).await;
    outbox.add(page("poked", 1));
    stage.poke.notify_one();
    stage.finished().await;
    assert_eq!(stage.started.elapsed().as_secs(), 7);
    outbox.add(page("not poked", 1));
    stage.finished().await;
    assert!(stage.started.elapsed() <= Duration::from_secs(7) + PERIOD);
}

#[tokio::test(start_paused = true)]
async fn a_dead_receiver_does_not_delay_another() {
    let outbox = Memory::default();
    let hanging = Actor::new(|_, _| (AT_ONCE, Move::Hang));
    let healthy = Actor::new(|_, _| (AT_ONCE, Move::Take));
    let dead = Stage::named("dead", 2, &outbox, Arc::clone(&hanging) as _);
    let alive = Stage::named("alive", 2, &outbox, Arc::clone(&healthy) as _);
    for alert in 0..50 {
        for receiver in ["dead", "alive"] {
            let mut notification = page(&alert.to_string(), 1);
            receiver.clone_into(&mut notification.receiver);
            outbox.add(notification);
        }
    }
    alive.poke.notify_one();
    dead.poke.notify_one();
    alive.until(1).await;
    assert_eq!(healthy.taken().len(), 50, "all within a virtual second");
    assert_eq!(hanging.begun().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_hands_over_pages_at_once_and_time_hands_over_the_rest() {
    let outbox = Memory::default();
    for alert in 0..6 {
        outbox.add(page(&format!("page {alert}"), 1));
    }
    outbox.add(notification("ticket", 1, Severity::Ticket));
    let actor = Actor::new(|_, _| (AT_ONCE, broken()));
    let stage = Stage::start(&outbox, actor);
    stage.fallback.notified().await;
    assert_eq!(*stage.counts.breaker.lock().unwrap(), [false, true]);
    stage.until(3).await;
    let diverted = || -> Vec<Option<i64>> {
        let rows = outbox.rows().into_iter();
        let since = |at: Timestamp| at.since(fixture::NOW).as_millis() / 1_000;
        rows.map(|row| row.diverted_at.map(since)).collect()
    };
    assert_eq!(diverted()[6], None, "a ticket can wait");
    assert!(diverted()[..6].iter().all(|at| at.is_some_and(|at| at < 2)));
    stage.until(320).await;
    let at = diverted()[6].unwrap();
    assert!((300..=306).contains(&at), "{at}");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_has_a_deadline_and_may_have_arrived() {
    let outbox = Memory::default();
    outbox.add(page("a", 1));
    let actor = Actor::new(|_, count| match count {
        0 => (AT_ONCE, Move::Hang),
        _ => (AT_ONCE, Move::Take),
    });
    let stage = Stage::start(&outbox, actor);
    stage.finished().await;
    let results = stage.counts.results.lock().unwrap().clone();
    assert_eq!(results[0].0, AttemptResult::Retried(FailureReason::Timeout));
    assert!((results[0].1 - 15.0).abs() < 0.1, "{}", results[0].1);
    assert_eq!(results[1].0, AttemptResult::Delivered);
    let row = &outbox.rows()[0];
    assert!(
        row.was_ambiguous,
        "the store knows that the message may have arrived"
    );
    assert_eq!(row.delivery.attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn a_bug_in_a_receiver_is_a_failed_attempt() {
    let outbox = Memory::default();
    outbox.add(page("a", 1));
    let actor = Actor::new(|_, count| match count {
        0 => (AT_ONCE, Move::Panic),
        _ => (AT_ONCE, Move::Take),
    });
    let stage = Stage::start(&outbox, actor);
    stage.finished().await;
    let results = stage.counts.results.lock().unwrap().clone();
    assert_eq!(results[0].0, AttemptResult::Retried(FailureReason::Local));
    assert!(outbox.rows()[0].was_ambiguous);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_a_dead_letter_and_the_next_row_goes_on() {
    let outbox = Memory::default();
    outbox.add(page("a", 1));
    outbox.add(page("a", 2));
    let actor = Actor::new(|notification, _| {
        let mut refusal = failure(None, FailureReason::ClientError);
        refusal.class = ErrorClass::Permanent;
        let refused = notification.sequence == 1;
        (
            AT_ONCE,
            if refused {
                Move::Refuse(refusal)
            } else {
                Move::Take
            },
        )
    });
    let stage = Stage::start(&outbox, actor);
    stage.finished().await;
    let delivered: Vec<bool> = outbox.rows().iter().map(Row::is_delivered).collect();
    assert_eq!(delivered, [false, true]);
    assert_eq!(
        stage.counts.results.lock().unwrap()[0].0,
        AttemptResult::Dead(FailureReason::ClientError)
    );
}

#[tokio::test(start_paused = true)]
async fn what_never_arrives_becomes_a_dead_letter_after_a_day() {
    let outbox = Memory::default();
    outbox.add(page("a", 1));
    let actor = Actor::new(|_, _| (AT_ONCE, broken()));
    let stage = Stage::start(&outbox, actor);
    stage.finished().await;
    let age = stage.started.elapsed();
    assert!(
        age <= Duration::from_secs(86_400) && age > Duration::from_secs(86_300),
        "{age:?}"
    );
    let error = outbox.rows()[0].error.clone();
    assert!(
        error.starts_with("gave up after ") && error.ends_with("answered 503"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_breaker_opens_probes_and_closes() {
    let outbox = Memory::default();
    for alert in 0..20 {
        outbox.add(notification(
            &format!("ticket {alert}"),
            1,
            Severity::Ticket,
        ));
    }
    let actor = Actor::new(|_, count| {
        let action = if count < 7 { broken() } else { Move::Take };
        (AT_ONCE, action)
    });
    let stage = Stage::named("on-call", 1, &outbox, Arc::clone(&actor) as _);
    stage.until(1).await;
    assert_eq!(actor.begun_secs(), [0, 0, 0, 0, 0], "five failures open it");
    outbox.add(page("late page", 1));
    stage.poke.notify_one();
    stage.until(29).await;
    assert_eq!(actor.begun().len(), 5, "no attempt while it is open");
    stage.finished().await;
    let begun = actor.begun();
    assert_eq!(
        begun[5].1, "source:late page/blind",
        "the loudest row is the probe"
    );
    assert_eq!(
        actor.begun_secs()[5..8],
        [30, 60, 90],
        "one probe per pause"
    );
    assert!(
        actor.begun_secs()[8..].iter().all(|at| *at == 90),
        "then everything at once"
    );
    assert_eq!(*stage.counts.breaker.lock().unwrap(), [false, true, false]);
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_pauses_the_receiver_to_the_millisecond() {
    let outbox = Memory::default();
    outbox.add(page("a", 1));
    let limit = Some(Span::from_millis(123_456));
    let actor = Actor::new(move |_, count| {
        let limited = Move::Refuse(failure(limit, FailureReason::RateLimited));
        (AT_ONCE, if count == 0 { limited } else { Move::Take })
    });
    let stage = Stage::start(&outbox, Arc::clone(&actor) as _);
    stage.until(60).await;
    outbox.add(page("b", 1));
    stage.poke.notify_one();
    stage.finished().await;
    let times: Vec<u128> = actor
        .begun()
        .iter()
        .map(|(at, _, _)| at.as_millis())
        .collect();
    assert_eq!(times, [0, 123_456, 123_456]);
    assert_eq!(
        *stage.counts.breaker.lock().unwrap(),
        [false],
        "a limit is no failure"
    );
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_attempts_and_leaves_the_rest() {
    let outbox = Memory::default();
    for alert in 0..10 {
        outbox.add(page(&alert.to_string(), 1));
    }
    let slow = Duration::from_secs(10);
    let actor = Actor::new(move |_, _| (slow, Move::Take));
    let stage = Stage::named("on-call", 3, &outbox, Arc::clone(&actor) as _);
    stage.until(4).await;
    let took = stage.stop().await;
    assert_eq!(took.as_secs(), 6, "until the attempts under way have ended");
    let delivered = outbox
        .rows()
        .iter()
        .filter(|row| row.is_delivered())
        .count();
    assert_eq!((delivered, actor.begun().len()), (3, 3));

    let next = Stage::start(&outbox, Arc::clone(&actor) as _);
    next.finished().await;
    assert_eq!(actor.taken().len(), 10, "each exactly once");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_cuts_off_what_outlasts_the_grace_and_loses_nothing() {
    let outbox = Memory::default();
    outbox.add(page("a", 1));
    outbox.fail_always(true);
    let actor = Actor::new(|_, _| (AT_ONCE, Move::Take));
    let stage = Stage::start(&outbox, Arc::clone(&actor) as _);
    outbox.fail_always(false);
    stage.until(1).await;
    stage.finished().await;
    outbox.add(page("b", 1));
    outbox.fail_finish(true);
    stage.poke.notify_one();
    stage.until(10).await;
    let took = stage.stop().await;
    assert_eq!(took, GRACE.to_std());
    assert!(
        !outbox.rows()[1].is_finished(),
        "what the store does not know is not done"
    );

    outbox.fail_finish(false);
    let next = Stage::start(&outbox, Arc::clone(&actor) as _);
    next.finished().await;
    let b = ("source:b/blind".to_owned(), 1);
    assert_eq!(
        actor.taken().iter().filter(|taken| **taken == b).count(),
        2,
        "at least once"
    );
}

#[tokio::test(start_paused = true)]
async fn updates_get_the_receipt_of_the_trigger() {
    let outbox = Memory::default();
    for sequence in 1..=3 {
        outbox.add(page("a", sequence));
    }
    let actor = Actor::new(|_, _| (AT_ONCE, Move::Take));
    let stage = Stage::start(&outbox, Arc::clone(&actor) as _);
    stage.finished().await;
    let receipts = actor.seen.lock().unwrap().receipts.clone();
    let receipt = |sequence: u32| Some(format!("receipt {sequence}"));
    assert_eq!(receipts, [None, receipt(1), receipt(2)]);
}
