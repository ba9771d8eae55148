//! Delivery under fire: a process with the real store, workers and webhooks is killed again and
//! again while the servers it talks to fail in every way; then all is looked at from the servers'
//! side.
//!
//! A script of notifications is committed step by step: every alert, or group, has a trigger, an
//! update and a resolve. What must hold at the end: whoever was told of an alert was told of its
//! end, in order; what was not told was refused for ever and is listed, or was over before
//! anybody heard of it; what the first receiver refused its fallback has; a repetition has the
//! key of what it repeats.

#![expect(
    clippy::print_stdout,
    reason = "the seed and the tally are for whoever reads a failure"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use sha2::{Digest, Sha256};
use slofuse::config::secret::Secret;
use slofuse::config::settings::{Auth, DeliverySettings, ReceiverKind, ReceiverSettings};
use slofuse::engine::{
    AlertKey, DIVERTED_FROM_LABEL, Effect, GroupFacts, Labels, Notification, NotificationKind,
    Span, ThreadKey, Timestamp,
};
use slofuse::message::Writer;
use slofuse::notify::{self, Worker};
use slofuse::store::{DATABASE_FILE, KnownReceiver, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::delivery::{Nobody, notification};

/// Makes this test program play the process that is killed: `<state directory> <server>`.
const VICTIM: &str = "SLOFUSE_TEST_CHAOS_VICTIM";
const TEST: &str = "chaos::nothing_is_lost_invented_or_overtaken";

const ALERTS: usize = 2_000;
/// Alerts that change in one step of the script.
const BLOCK: usize = 20;
/// Steps between the trigger, the update and the resolve of an alert.
const LAG: usize = 3;
const STEPS: usize = ALERTS / BLOCK + 2 * LAG;
/// The script goes on while less than so much waits.
const PENDING_MAX: u64 = 150;
const KILLS: usize = 12;
const RECEIVERS: [&str; 4] = ["chat", "oncall", "hook", "backup"];
const DEADLINE: Duration = Duration::from_secs(240);

/// What is said about an alert: every tenth is a group.
fn told(alert: usize, kind: NotificationKind) -> Notification {
    let receiver = RECEIVERS[alert % 3];
    let sequence = match kind {
        NotificationKind::Trigger => 1,
        NotificationKind::Update => 2,
        NotificationKind::Resolve => 3,
    };
    let mut told = notification(receiver, kind, sequence);
    told.facts.key = AlertKey::SourceDown {
        source: format!("source-{alert}"),
    };
    if kind == NotificationKind::Resolve {
        told.facts.resolved_at = Some(told.facts.decided_at);
    }
    if alert.is_multiple_of(10) {
        told.group = Some(Box::new(GroupFacts {
            key: ThreadKey::Group {
                receiver: receiver.to_owned(),
                route: "all".to_owned(),
                labels: Labels::new([("number", alert.to_string())]),
            },
            members: vec![told.facts.clone(); 3],
            omitted: 0,
            firing: 3,
        }));
    }
    told
}

fn effects(step: usize) -> Vec<Effect> {
    let kinds = [
        NotificationKind::Trigger,
        NotificationKind::Update,
        NotificationKind::Resolve,
    ];
    let mut effects = Vec::new();
    for (age, kind) in kinds.into_iter().enumerate() {
        let block = step.checked_sub(age * LAG);
        let Some(block) = block.filter(|block| block * BLOCK < ALERTS) else {
            continue;
        };
        let alerts = block * BLOCK..(block + 1) * BLOCK;
        effects.extend(alerts.map(|alert| Effect::Notify(told(alert, kind))));
    }
    effects
}

/// The fallback's copy.
fn stand_in(mut original: Notification) -> Notification {
    let label = (DIVERTED_FROM_LABEL.to_owned(), original.receiver.clone());
    original.route_labels.extend([label]);
    original.receiver = "backup".to_owned();
    original
}

/// The header `webhook-id` of a notification.
fn message_id(notification: &Notification) -> String {
    let hash = Sha256::digest(notification.idempotency_key());
    let hex: String = hash[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("msg_{hex}")
}

/// Alerts whose trigger is refused for ever at `oncall`.
fn is_refused(notification: &Notification) -> bool {
    let AlertKey::SourceDown { source } = &notification.facts.key else {
        return false;
    };
    notification.receiver == "oncall"
        && notification.kind == NotificationKind::Trigger
        && source.ends_with('7')
}

fn now() -> Timestamp {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

/// The process that is killed: goes on with the script where the last one was, until all is told.
async fn be_the_victim(directory: &Path, server: &str) {
    let store = Store::open(directory).unwrap();
    let known = RECEIVERS.map(|name| {
        let known = KnownReceiver {
            fallback: (name == "oncall").then(|| "backup".to_owned()),
            send_resolved: true,
        };
        (name.to_owned(), known)
    });
    store.set_receivers(now(), known.into()).unwrap();
    let pokes = RECEIVERS.map(|name| (name, Arc::new(Notify::new())));
    let stop = CancellationToken::new();
    for (name, poke) in &pokes {
        let mut settings = ReceiverSettings::new(
            *name,
            ReceiverKind::Webhook {
                url: Secret::inline(format!("http://{server}/{name}")),
                auth: Auth::None,
                headers: BTreeMap::new(),
                signing_secret: None,
                body_signature: None,
            },
        );
        settings.timeout = Span::from_secs(1);
        settings.concurrency = 16;
        settings.fallback = (*name == "oncall").then(|| "backup".to_owned());
        let worker = Worker {
            outbox: store.clone(),
            receiver: notify::build(&settings, &Writer::default()).unwrap().into(),
            fallback: settings.fallback.as_ref().map(|_| pokes[3].1.clone()),
            settings,
            delivery: DeliverySettings {
                backoff_initial: Span::from_millis(10),
                backoff_max: Span::from_millis(100),
                breaker_failures: 6,
                breaker_pause: Span::from_millis(100),
                fallback_after: Span::from_secs(2),
                ..DeliverySettings::default()
            },
            clock: Arc::new(now),
            observer: Arc::new(Nobody),
            poke: poke.clone(),
        };
        tokio::spawn(worker.run(stop.clone(), Span::ZERO));
    }
    let pending = || -> u64 { store.backlog().unwrap().iter().map(|row| row.pending).sum() };
    let place = directory.join("step");
    let step = std::fs::read_to_string(&place).map_or(0, |text| text.parse().unwrap());
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    for step in step..STEPS {
        let committed = store.commit(now(), &effects(step)).unwrap();
        // A kill in between repeats the step, and a kill in the middle of a write must not.
        let next = directory.join("next");
        std::fs::write(&next, (step + 1).to_string()).unwrap();
        std::fs::rename(&next, &place).unwrap();
        for (name, poke) in &pokes {
            if committed.receivers.contains(*name) {
                poke.notify_one();
            }
        }
        while pending() > PENDING_MAX {
            looks.tick().await;
        }
    }
    while pending() > 0 {
        looks.tick().await;
    }
}

/// The servers of all receivers, and what they saw.
struct Servers {
    rng: Mutex<SmallRng>,
    healthy: AtomicBool,
    requests: AtomicUsize,
    news: Notify,
    /// Every message that was taken, in order: path and `webhook-id`.
    taken: Mutex<Vec<(String, String)>>,
    refused: BTreeSet<String>,
}

/// What a server does with a request.
enum Move {
    Take(Duration),
    Answer(&'static str),
    Hang,
    Reset,
}

impl Servers {
    fn next_move(&self, receiver: &str, id: &str) -> Move {
        let count = self.requests.fetch_add(1, Ordering::SeqCst);
        self.news.notify_one();
        if self.refused.contains(id) {
            return Move::Answer("400 Bad Request");
        }
        if self.healthy.load(Ordering::SeqCst) {
            return Move::Take(Duration::ZERO);
        }
        // Now and then nothing works at one of them, long enough for its breaker.
        if receiver == "oncall" && count % 1_000 < 40 {
            return Move::Answer("503 Service Unavailable");
        }
        match self.rng.lock().unwrap().random_range(0..1_000) {
            0..80 => Move::Answer("500 Internal Server Error"),
            80..83 => Move::Answer("429 Too Many Requests\r\nretry-after: 1"),
            83..90 => Move::Hang,
            90..130 => Move::Reset,
            130..160 => Move::Take(Duration::from_millis(150)),
            _ => Move::Take(Duration::ZERO),
        }
    }

    async fn serve(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let servers = Arc::clone(&self);
            tokio::spawn(async move {
                // The victim may be killed at any byte.
                servers.answer(stream).await.ok();
            });
        }
    }

    async fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut request = Vec::new();
        let (head, length) = loop {
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
            let text = String::from_utf8_lossy(&request).into_owned();
            let Some((head, _)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let header = |name: &str| {
                let mut lines = head.lines();
                lines.find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
            };
            let body: usize = header("content-length:").unwrap().parse().unwrap();
            let id = header("webhook-id:").unwrap();
            let path = head.split(' ').nth(1).unwrap();
            let path = path.trim_start_matches('/').to_owned();
            break ((path, id), head.len() + 4 + body);
        };
        while request.len() < length {
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        }
        let status = match self.next_move(&head.0, &head.1) {
            Move::Take(after) => {
                self.taken.lock().unwrap().push(head);
                tokio::time::sleep(after).await;
                "200 OK"
            }
            Move::Answer(status) => status,
            Move::Hang => return stream.read_buf(&mut request).await.map(|_| ()),
            Move::Reset => return stream.set_zero_linger(),
        };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_invented_or_overtaken() {
    if let Ok(victim) = std::env::var(VICTIM) {
        let (directory, server) = victim.split_once(' ').unwrap();
        return be_the_victim(Path::new(directory), server).await;
    }
    let seed = std::env::var("SLOFUSE_TEST_SEED").map_or_else(
        |_| rand::rng().random_range(0..1_000_000),
        |seed| seed.parse().unwrap(),
    );
    println!("SLOFUSE_TEST_SEED={seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    let all = script();
    let refused = all.iter().filter(|(_, told)| is_refused(told));
    let servers = Arc::new(Servers {
        rng: Mutex::new(SmallRng::seed_from_u64(seed + 1)),
        healthy: AtomicBool::new(false),
        requests: AtomicUsize::new(0),
        news: Notify::new(),
        taken: Mutex::default(),
        refused: refused.map(|(id, _)| id.clone()).collect(),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap().to_string();
    tokio::spawn(Arc::clone(&servers).serve(listener));
    let directory = state_directory();
    let story = async {
        for _ in 0..KILLS {
            let mut victim = start_victim(directory.path(), &server);
            let enough = servers.requests.load(Ordering::SeqCst) + rng.random_range(20..500);
            while servers.requests.load(Ordering::SeqCst) < enough {
                tokio::select! {
                    () = servers.news.notified() => {}
                    ended = victim.wait() => panic!("ended before it was killed: {ended:?}"),
                }
            }
            victim.kill().await.unwrap();
        }
        servers.healthy.store(true, Ordering::SeqCst);
        let mut last = start_victim(directory.path(), &server);
        assert!(last.wait().await.unwrap().success());
    };
    timeout(DEADLINE, story).await.expect("all is told in time");
    let taken = servers.taken.lock().unwrap().clone();
    check(directory.path(), &all, &taken);
}

/// Where memory is a disk, the disk of the machine does not matter.
fn state_directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

fn start_victim(directory: &Path, server: &str) -> tokio::process::Child {
    let program = std::env::current_exe().unwrap();
    tokio::process::Command::new(program)
        .args(["--exact", TEST, "--nocapture", "--test-threads=1"])
        .env(VICTIM, format!("{} {server}", directory.display()))
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Every message that may be sent, by its `webhook-id`.
fn script() -> BTreeMap<String, Notification> {
    let effects = (0..STEPS).flat_map(effects);
    let mut all = BTreeMap::new();
    let mut messages = 0;
    for effect in effects {
        let Effect::Notify(told) = effect else {
            continue;
        };
        if told.receiver == "oncall" {
            let copy = stand_in(told.clone());
            all.insert(message_id(&copy), copy);
            messages += 1;
        }
        all.insert(message_id(&told), told);
        messages += 1;
    }
    assert_eq!(all.len(), messages, "keys tell messages apart");
    all
}

type Queue = (String, String);

fn check(directory: &Path, all: &BTreeMap<String, Notification>, taken: &[(String, String)]) {
    let mut heard: BTreeMap<Queue, Vec<u32>> = BTreeMap::new();
    for (path, id) in taken {
        let message = all.get(id).expect("nothing is invented");
        assert_eq!(*path, message.receiver);
        let queue = (path.clone(), message.dedup_key());
        heard.entry(queue).or_default().push(message.sequence);
    }
    for (queue, sequences) in &heard {
        assert!(sequences.is_sorted(), "overtaken: {queue:?}: {sequences:?}");
        let last = sequences.last().unwrap();
        assert_eq!(*last, 3, "left open: {queue:?}: {sequences:?}");
        if sequences.contains(&1) {
            assert!(sequences.contains(&2), "lost: {queue:?}: {sequences:?}");
        }
    }
    let store = Store::open(directory).unwrap();
    assert!(store.backlog().unwrap().iter().all(|row| row.pending == 0));
    let dead = store.dead_letters(None, usize::MAX).unwrap();
    let dead: BTreeSet<Queue> = dead
        .into_iter()
        .map(|letter| {
            assert_eq!(letter.kind, NotificationKind::Trigger, "{letter:?}");
            (letter.receiver, letter.alert)
        })
        .collect();
    for told in all.values().filter(|told| told.sequence == 1) {
        let queue = (told.receiver.clone(), told.dedup_key());
        let sequences = heard.get(&queue).cloned().unwrap_or_default();
        assert!(
            !sequences.contains(&1) || !dead.contains(&queue),
            "{queue:?}"
        );
        // A fallback may come in with an update, when the first receiver has the trigger.
        let is_odd = sequences.contains(&2) && !sequences.contains(&1);
        assert!(
            !is_odd || dead.contains(&queue) || told.receiver == "backup",
            "an update without a trigger: {queue:?}"
        );
    }
    drop(store);
    check_rows(directory);
    let repeated = taken.len() - taken.iter().collect::<BTreeSet<_>>().len();
    let stood_in = heard.keys().filter(|(name, _)| name == "backup").count();
    println!(
        "{} messages, {repeated} repeated, {} dead, {stood_in} alerts at the fallback",
        taken.len(),
        dead.len()
    );
    assert!(heard.len() > ALERTS / 2 && !dead.is_empty() && stood_in > 0);
}

/// The rest is seen in the rows: nothing is unsettled, and the fallback has what died.
fn check_rows(directory: &Path) {
    let connection = rusqlite::Connection::open(directory.join(DATABASE_FILE)).unwrap();
    let count = |sql: &str| -> i64 { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    let own = count("SELECT count(*) FROM outbox WHERE diverted_from IS NULL");
    assert_eq!(own, 3 * i64::try_from(ALERTS).unwrap());
    let spared = "SELECT count(*) FROM outbox AS row WHERE state = 'superseded'
        AND kind = 'resolve' AND EXISTS (
            SELECT 1 FROM outbox AS told WHERE told.dedup_key = row.dedup_key
                AND told.receiver = row.receiver AND told.state = 'delivered')";
    assert_eq!(count(spared), 0, "an end was kept from who knew the begin");
    let missing = "SELECT count(*) FROM outbox AS lost
        WHERE receiver = 'oncall' AND kind = 'trigger' AND state = 'dead'
        AND NOT EXISTS (SELECT 1 FROM outbox AS copy
            WHERE copy.dedup_key = lost.dedup_key AND copy.receiver = 'backup')
        AND lost.finished_at < (SELECT min(created_at) FROM outbox AS over
            WHERE over.dedup_key = lost.dedup_key AND over.kind = 'resolve')";
    assert_eq!(count(missing), 0, "the fallback lacks what was refused");
    let unpaired = "SELECT count(*) FROM outbox AS copy
        WHERE receiver = 'backup' AND kind = 'trigger' AND NOT EXISTS (
            SELECT 1 FROM outbox AS end WHERE end.dedup_key = copy.dedup_key
                AND end.receiver = 'backup' AND end.kind = 'resolve')";
    assert_eq!(count(unpaired), 0, "the fallback hears of every end");
}
