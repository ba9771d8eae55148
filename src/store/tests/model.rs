//! Random lives of many rows, against a slow and obvious model and the invariants of the outbox.
//!
//! The model says what each call must answer and where each row must stand. The invariants do not
//! trust the model: they look only at what the receivers may have seen and where the store's rows
//! ended.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use DeliveryState::{Dead, Delivered, Discarded, InFlight, Pending, Superseded};
use NotificationKind::{Resolve, Trigger, Update};

const ALERTS: [&str; 2] = ["checkout", "search"];
/// Whom the engine tells.
const TOLD: [&str; 2] = ["chat", "oncall"];
/// Everybody: `backup` stands in for `oncall`, and `last` for `backup`.
const RECEIVERS: [&str; 4] = ["chat", "oncall", "backup", "last"];

fn fallback_of(receiver: &str) -> Option<&'static str> {
    match receiver {
        "oncall" => Some("backup"),
        "backup" => Some("last"),
        _ => None,
    }
}

#[derive(Clone, Debug)]
enum Op {
    /// Opens the alert, or updates it when it is open.
    News(usize),
    Close(usize),
    /// The last step is committed again, as after a crash.
    Replay,
    Claim(usize, usize),
    /// Any row, whether it may begin or not.
    Begin(Index),
    /// A row that a worker would be given.
    BeginDue(Index),
    /// A row that is not finished, whether an attempt is under way or not.
    Finish(Index, Ending),
    Reopen,
    Wait(i64),
    Prune(i64),
    /// Any row, whether it is a dead letter or not.
    Revive(Index),
    ReviveDead(Index),
    Discard(Index),
    /// What a worker does for its receiver's fallback: rows of this age, or all pages.
    Divert(usize, i64, bool),
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    Delivered,
    Retry { delay: i64, ambiguous: bool },
    Dead,
}

fn any_op() -> impl Strategy<Value = Op> {
    let ending = prop_oneof![
        2 => Just(Ending::Delivered),
        3 => (0..40_i64, any::<bool>())
            .prop_map(|(delay, ambiguous)| Ending::Retry { delay, ambiguous }),
        1 => Just(Ending::Dead),
    ];
    let claim = (0..RECEIVERS.len(), 0..4_usize);
    prop_oneof![
        4 => (0..ALERTS.len()).prop_map(Op::News),
        3 => (0..ALERTS.len()).prop_map(Op::Close),
        1 => Just(Op::Replay),
        2 => claim.prop_map(|(receiver, limit)| Op::Claim(receiver, limit)),
        1 => any::<Index>().prop_map(Op::Begin),
        6 => any::<Index>().prop_map(Op::BeginDue),
        6 => (any::<Index>(), ending).prop_map(|(row, ending)| Op::Finish(row, ending)),
        1 => Just(Op::Reopen),
        2 => (1..60_i64).prop_map(Op::Wait),
        1 => (0..60_i64).prop_map(Op::Prune),
        1 => any::<Index>().prop_map(Op::Revive),
        2 => any::<Index>().prop_map(Op::ReviveDead),
        1 => any::<Index>().prop_map(Op::Discard),
        2 => (0..RECEIVERS.len(), 0..60_i64, any::<bool>())
            .prop_map(|(receiver, age, pages)| Op::Divert(receiver, age, pages)),
    ]
}

/// A row as the model has it.
#[derive(Clone, Debug)]
struct Row {
    receiver: &'static str,
    alert: usize,
    kind: NotificationKind,
    episode: u64,
    state: DeliveryState,
    /// An attempt may have arrived.
    heard: bool,
    attempts: u32,
    created: i64,
    due: i64,
    finished: Option<i64>,
    receipt: Option<String>,
    pruned: bool,
    discarded: bool,
    /// Whether it was decided that the fallback hears of it, or that it need not.
    settled: bool,
    diverted_from: Option<&'static str>,
}

impl Row {
    fn same_thread(&self, other: &Self) -> bool {
        (self.alert, self.receiver) == (other.alert, other.receiver)
    }

    fn same_episode(&self, other: &Self) -> bool {
        self.same_thread(other) && self.episode == other.episode
    }

    fn is_dead_letter(&self) -> bool {
        self.state == Dead && !self.pruned && !self.discarded
    }

    fn settle(&mut self, state: DeliveryState, now: i64) {
        self.state = state;
        self.finished = Some(now);
    }
}

#[derive(Default)]
struct Model {
    now: i64,
    rows: Vec<Row>,
}

impl Model {
    fn enqueue(
        &mut self,
        alert: usize,
        receiver: &'static str,
        kind: NotificationKind,
        episode: u64,
        diverted_from: Option<&'static str>,
    ) {
        let row = Row {
            receiver,
            alert,
            kind,
            episode,
            state: Pending,
            heard: false,
            attempts: 0,
            created: self.now,
            due: self.now,
            finished: None,
            receipt: None,
            pruned: false,
            discarded: false,
            settled: kind == Resolve,
            diverted_from,
        };
        let undelivered =
            |old: &Row| old.same_episode(&row) && old.kind == Trigger && old.state != Delivered;
        if kind == Update && self.rows.iter().any(undelivered) {
            for old in &mut self.rows {
                if old.same_episode(&row) && old.kind == Update && old.state == Pending {
                    old.settle(Superseded, self.now);
                }
            }
        }
        self.rows.push(row);
        let place = self.rows.len() - 1;
        self.collapse(place);
        self.follow(place);
    }

    /// A fallback that was told of the episode is told of this as well.
    fn follow(&mut self, place: usize) {
        let row = self.rows[place].clone();
        let told: BTreeSet<&'static str> = self
            .rows
            .iter()
            .filter(|r| !r.pruned && (r.alert, r.episode) == (row.alert, row.episode))
            .filter(|r| r.diverted_from == Some(row.receiver))
            .map(|r| r.receiver)
            .collect();
        for receiver in told {
            self.rows[place].settled = true;
            self.copy(place, receiver);
        }
    }

    fn copy(&mut self, place: usize, receiver: &'static str) {
        let row = self.rows[place].clone();
        let from = Some(row.receiver);
        self.enqueue(row.alert, receiver, row.kind, row.episode, from);
    }

    fn divert(&mut self, place: usize) {
        let row = self.rows[place].clone();
        let Some(fallback) = fallback_of(row.receiver).filter(|_| !row.settled) else {
            return;
        };
        let episode: Vec<usize> = (0..self.rows.len())
            .filter(|place| !self.rows[*place].pruned && self.rows[*place].same_episode(&row))
            .collect();
        let ended = episode.iter().any(|p| self.rows[*p].kind == Resolve);
        for p in episode {
            let open = p == place || self.rows[p].finished.is_none();
            if !ended && open && !self.rows[p].settled {
                self.copy(p, fallback);
            }
            self.rows[p].settled = true;
        }
    }

    /// Diverts what a worker would; says how many rows it looked at.
    fn divert_due(&mut self, receiver: &str, before: i64) -> usize {
        if fallback_of(receiver).is_none() {
            return 0;
        }
        let mut due: Vec<usize> = (0..self.rows.len())
            .filter(|place| {
                let row = &self.rows[*place];
                row.receiver == receiver && row.state == Pending && !row.settled
            })
            .filter(|place| self.rows[*place].created <= before)
            .collect();
        due.sort_by_key(|place| self.rows[*place].created);
        for place in &due {
            self.divert(*place);
        }
        due.len()
    }

    /// Whether a dead letter may be tried again.
    fn revive(&mut self, place: usize, open: &[bool]) -> bool {
        let row = self.rows[place].clone();
        let later = self.rows[place + 1..].iter();
        let later: Vec<&Row> = later.filter(|r| !r.pruned && r.same_thread(&row)).collect();
        let anew = later.iter().any(|r| r.episode != row.episode);
        let ended = !open[row.alert] || later.iter().any(|r| r.kind == Resolve);
        let told = later.iter().any(|r| r.heard || r.state == InFlight);
        let episode = self.rows.iter();
        let mut news = episode
            .filter(|r| !r.pruned && r.same_episode(&row) && r.kind != Resolve)
            .peekable();
        let known_rows = news.peek().is_some();
        let unheard = known_rows && !news.any(|r| r.heard || r.state == InFlight);
        if anew || told || (ended && row.kind != Resolve) || (unheard && row.kind == Resolve) {
            return false;
        }
        let now = self.now;
        let row = &mut self.rows[place];
        (row.state, row.finished) = (Pending, None);
        (row.created, row.due) = (now, now);
        true
    }

    fn collapse(&mut self, place: usize) {
        let row = self.rows[place].clone();
        let episode = || self.rows.iter().filter(|other| other.same_episode(&row));
        let resolved = episode().any(|r| r.kind == Resolve && r.finished.is_none());
        let heard = episode().any(|r| r.kind != Resolve && (r.heard || r.state == InFlight));
        if resolved && !heard {
            for other in &mut self.rows {
                if other.same_episode(&row) && other.finished.is_none() {
                    other.settle(Superseded, self.now);
                }
            }
        }
    }

    fn is_ready(&self, place: usize) -> bool {
        let row = &self.rows[place];
        let mut earlier = self.rows[..place].iter();
        row.state == Pending && earlier.all(|e| !e.same_thread(row) || e.finished.is_some())
    }

    /// Places of the rows that can begin once their time has come, by due time.
    fn ready(&self, receiver: &str) -> Vec<usize> {
        let mut ready: Vec<usize> = (0..self.rows.len())
            .filter(|place| self.rows[*place].receiver == receiver && self.is_ready(*place))
            .collect();
        ready.sort_by_key(|place| self.rows[*place].due);
        ready
    }

    fn unfinished(&self) -> Vec<usize> {
        (0..self.rows.len())
            .filter(|place| self.rows[*place].finished.is_none())
            .collect()
    }

    fn receipt(&self, like: &Row) -> Option<String> {
        let mut rows = self
            .rows
            .iter()
            .filter(|r| r.same_episode(like) && !r.pruned);
        rows.find_map(|row| row.receipt.clone())
    }

    fn begin(&mut self, place: usize) {
        self.rows[place].state = InFlight;
        self.rows[place].attempts += 1;
    }

    /// Whether there was something to record.
    fn finish(&mut self, place: usize, ending: Ending) -> bool {
        let row = &mut self.rows[place];
        match ending {
            Ending::Dead => {
                row.settle(Dead, self.now);
                self.divert(place);
            }
            _ if row.state != InFlight => return false,
            Ending::Delivered => {
                row.heard = true;
                row.receipt = Some(format!("receipt {place}"));
                row.settle(Delivered, self.now);
            }
            Ending::Retry { delay, ambiguous } => {
                row.state = Pending;
                row.heard |= ambiguous;
                row.due = self.now + delay;
            }
        }
        self.collapse(place);
        true
    }

    fn reopen(&mut self) {
        for row in self.rows.iter_mut().filter(|row| row.state == InFlight) {
            row.state = Pending;
            row.heard = true;
            row.due = row.created;
        }
    }

    fn prune(&mut self, retention: i64, open: &[bool]) {
        let rows = self.rows.clone();
        for row in &mut self.rows {
            let old = row.finished.is_some_and(|at| at < self.now - retention);
            let waiting = rows
                .iter()
                .any(|r| r.same_episode(row) && r.finished.is_none());
            let newest = rows.iter().rfind(|r| r.same_thread(row) && !r.pruned);
            let needed = open[row.alert] && newest.is_some_and(|n| n.episode == row.episode);
            row.pruned |= old && !waiting && !needed;
        }
    }
}

/// One life: the store, its model, and what the receivers may have seen.
struct World {
    directory: tempfile::TempDir,
    store: Option<Store>,
    model: Model,
    /// The store's ids of the model's rows.
    ids: Vec<i64>,
    open: [bool; ALERTS.len()],
    episodes: [u64; ALERTS.len()],
    sequence: u32,
    last_step: Vec<Effect>,
    /// Places of the rows that may have arrived, by their attempts so far.
    sent: BTreeSet<usize>,
    /// Of these, the ones of which only the attempt under way may have arrived.
    only_under_way: BTreeSet<usize>,
    /// How each row ended, by place.
    finals: Vec<Option<DeliveryState>>,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = open_fast(directory.path());
        know_receivers(&store);
        Self {
            directory,
            store: Some(store),
            model: Model::default(),
            ids: Vec::new(),
            open: [false; ALERTS.len()],
            episodes: [0; ALERTS.len()],
            sequence: 0,
            last_step: Vec::new(),
            sent: BTreeSet::new(),
            only_under_way: BTreeSet::new(),
            finals: Vec::new(),
        }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn now(&self) -> Timestamp {
        at(self.model.now)
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::News(alert) => self.news(*alert),
            Op::Close(alert) if self.open[*alert] => {
                self.open[*alert] = false;
                self.step(*alert, Resolve, Effect::Forget(key(ALERTS[*alert])));
            }
            Op::Close(_) => {}
            Op::Replay => {
                let committed = self.store().commit(self.now(), &self.last_step);
                assert_eq!(committed.unwrap(), Committed::default());
            }
            Op::Claim(receiver, limit) => self.claim(RECEIVERS[*receiver], *limit),
            Op::Begin(index) => self.begin_one_of((0..self.model.rows.len()).collect(), *index),
            Op::BeginDue(index) => {
                let ready = RECEIVERS.iter().flat_map(|r| self.model.ready(r));
                let due = ready.filter(|place| self.model.rows[*place].due <= self.model.now);
                self.begin_one_of(due.collect(), *index);
            }
            Op::Finish(index, ending) => {
                let rows = self.model.unfinished();
                if !rows.is_empty() {
                    self.finish(rows[index.index(rows.len())], *ending);
                }
            }
            Op::Reopen => {
                self.store = None;
                self.store = Some(open_fast(self.directory.path()));
                know_receivers(self.store());
                self.model.reopen();
                self.only_under_way.clear();
            }
            Op::Wait(secs) => self.model.now += secs,
            Op::Prune(retention) => {
                let span = Span::from_secs(*retention);
                self.store().prune(self.now(), span).unwrap();
                self.model.prune(*retention, &self.open);
                // A key that was pruned would be new again.
                self.last_step.clear();
            }
            Op::Revive(index) => {
                let rows = self.model.rows.len();
                self.revive((0..rows).collect(), *index);
            }
            Op::ReviveDead(index) => {
                let rows = 0..self.model.rows.len();
                let dead = rows.filter(|place| self.model.rows[*place].is_dead_letter());
                self.revive(dead.collect(), *index);
            }
            Op::Discard(index) if !self.ids.is_empty() => {
                let place = index.index(self.ids.len());
                let discarded = self
                    .store()
                    .discard_dead_letter(self.ids[place], self.now());
                let row = &mut self.model.rows[place];
                assert_eq!(discarded.unwrap(), row.is_dead_letter());
                row.discarded |= row.is_dead_letter();
            }
            Op::Discard(_) => {}
            Op::Divert(receiver, age, pages) => {
                let (receiver, now) = (RECEIVERS[*receiver], self.model.now);
                let settled =
                    self.store()
                        .divert(receiver, at(now), at(now) - Span::from_secs(*age), *pages);
                let before = if *pages { now } else { now - age };
                assert_eq!(settled.unwrap(), self.model.divert_due(receiver, before));
            }
        }
        self.learn_ids();
        self.compare();
    }

    fn news(&mut self, alert: usize) {
        let kind = if self.open[alert] { Update } else { Trigger };
        if kind == Trigger {
            self.open[alert] = true;
            self.episodes[alert] += 1;
        }
        let saved = record(ALERTS[alert], self.now());
        self.step(alert, kind, Effect::Save(saved));
    }

    fn step(&mut self, alert: usize, kind: NotificationKind, effect: Effect) {
        self.sequence += 1;
        let episode = self.episodes[alert];
        self.last_step = vec![effect];
        let first = self.model.rows.len();
        for receiver in TOLD {
            let told = notification(receiver, ALERTS[alert], kind, episode, self.sequence);
            self.last_step.push(Effect::Notify(told));
            self.model.enqueue(alert, receiver, kind, episode, None);
        }
        let committed = self.store().commit(self.now(), &self.last_step).unwrap();
        let rows = self.model.rows[first..].iter();
        let news = rows.map(|row| row.receiver.to_owned()).collect();
        assert_eq!(committed.receivers, news);
    }

    /// The store's new rows are the model's, in the same order.
    fn learn_ids(&mut self) {
        let known = self.ids.last().copied().unwrap_or(0);
        let stored = deliveries(self.store()).into_iter();
        self.ids
            .extend(stored.map(|row| row.id).filter(|id| *id > known));
        assert_eq!(self.ids.len(), self.model.rows.len());
    }

    fn revive(&mut self, places: Vec<usize>, index: Index) {
        if places.is_empty() {
            return;
        }
        let place = places[index.index(places.len())];
        let revival = self.store().retry_dead_letter(self.ids[place], self.now());
        let row = &self.model.rows[place];
        let (is_dead, receiver) = (row.is_dead_letter(), row.receiver.to_owned());
        match revival.unwrap() {
            Revival::Unknown => assert!(!is_dead),
            Revival::Pointless(_) => {
                assert!(is_dead && !self.model.revive(place, &self.open));
            }
            revived @ Revival::Revived { .. } => {
                assert!(is_dead && self.model.revive(place, &self.open));
                assert_eq!(revived, Revival::Revived { receiver });
            }
        }
    }

    fn claim(&self, receiver: &str, limit: usize) {
        let now = self.model.now;
        let ready = self.model.ready(receiver);
        let next = ready.first().map(|place| self.model.rows[*place].due);
        let next = next.map(|due| at(due.max(now)));
        assert_eq!(self.store().next_due(receiver, self.now()).unwrap(), next);
        let expected: Vec<_> = ready
            .into_iter()
            .map(|place| (self.ids[place], &self.model.rows[place]))
            .filter(|(_, row)| row.due <= now)
            .take(limit)
            .map(|(id, row)| (id, row.attempts, at(row.created), self.model.receipt(row)))
            .collect();
        let claimed = self.store().claim_due(receiver, self.now(), limit);
        let claimed: Vec<_> = claimed
            .unwrap()
            .into_iter()
            .map(|d| (d.id, d.attempts, d.created_at, d.routing))
            .collect();
        assert_eq!(claimed, expected);
    }

    fn begin_one_of(&mut self, places: Vec<usize>, index: Index) {
        if !places.is_empty() {
            self.begin(places[index.index(places.len())]);
        }
    }

    fn begin(&mut self, place: usize) {
        let begun = self.store().begin_attempt(self.ids[place], self.now());
        assert_eq!(begun.is_ok(), self.model.is_ready(place));
        if begun.is_ok() {
            self.model.begin(place);
            self.assert_in_turn(place);
            self.assert_known_to_receiver(place);
            if self.sent.insert(place) {
                self.only_under_way.insert(place);
            }
        }
    }

    fn finish(&mut self, place: usize, ending: Ending) {
        let outcome = match ending {
            Ending::Delivered => delivered(Some(&format!("receipt {place}"))),
            Ending::Retry { delay, ambiguous } => retry(self.model.now + delay, ambiguous),
            Ending::Dead => dead(),
        };
        let finished = self
            .store()
            .finish_attempt(self.ids[place], self.now(), &outcome);
        assert_eq!(finished.is_ok(), self.model.finish(place, ending));
        let arrived = match ending {
            Ending::Delivered => true,
            Ending::Retry { ambiguous, .. } => ambiguous,
            Ending::Dead => false,
        };
        if finished.is_ok() && self.only_under_way.remove(&place) && !arrived {
            self.sent.remove(&place);
        }
    }

    /// Where the rows stand must be what the model says, and nothing that ended may change.
    fn compare(&mut self) {
        let stored = deliveries(self.store()).into_iter();
        let stored: Vec<_> = stored
            .map(|r| (r.id, r.kind, r.episode, r.state, r.attempts, r.finished_at))
            .collect();
        let dead = self.store().dead_letters(None, usize::MAX).unwrap();
        let listed: BTreeSet<i64> = dead.iter().map(|letter| letter.id).collect();
        let rows = self.ids.iter().zip(&self.model.rows);
        let dead = rows.filter(|(_, row)| row.is_dead_letter());
        assert_eq!(listed, dead.map(|(id, _)| *id).collect());
        let rows = self.ids.iter().zip(&self.model.rows);
        let expected: Vec<_> = rows
            .filter(|(_, r)| !r.pruned)
            .map(|(id, r)| {
                let finished = r.finished.map(at);
                let state = if r.discarded { Discarded } else { r.state };
                (*id, r.kind, r.episode, state, r.attempts, finished)
            })
            .collect();
        assert_eq!(stored, expected);
        self.finals.resize(self.ids.len(), None);
        for (id, _, _, state, _, finished) in stored {
            let place = self.ids.iter().position(|known| *known == id).unwrap();
            let known = &mut self.finals[place];
            let unchanged = match known {
                None => true,
                Some(Dead) => matches!(state, Dead | Discarded | Pending),
                Some(known) => *known == state,
            };
            assert!(unchanged, "delivery {id} ended twice");
            *known = finished.map(|_| state);
        }
    }

    /// Sends what is left, to receivers that are up again.
    fn drain(&mut self) {
        self.apply(&Op::Reopen);
        self.apply(&Op::Wait(1000));
        while let Some(place) = self.model.unfinished().first().copied() {
            self.begin(place);
            self.finish(place, Ending::Delivered);
            self.compare();
        }
        for receiver in RECEIVERS {
            let next = self.store().next_due(receiver, self.now());
            assert_eq!(next.unwrap(), None);
        }
    }

    /// Per (alert, receiver) nothing leaves before all that was committed earlier is settled.
    fn assert_in_turn(&self, place: usize) {
        let row = &self.model.rows[place];
        for (earlier, end) in self.model.rows[..place].iter().zip(&self.finals) {
            let overtaken = earlier.same_thread(row) && end.is_none();
            assert!(!overtaken, "row {place} overtook {earlier:?}");
        }
    }

    /// A receiver is told the end only of what it may know.
    fn assert_known_to_receiver(&self, place: usize) {
        let row = &self.model.rows[place];
        let mut sent = self.sent.iter().map(|place| &self.model.rows[*place]);
        let known = sent.any(|sent| sent.same_episode(row) && sent.kind != Resolve);
        assert!(known || row.kind != Resolve, "out of the blue: {row:?}");
    }

    /// What a receiver may know, it is told the end of, or that was tried until it was given up.
    fn assert_nothing_left_open(&self) {
        for opened in self.sent.iter().map(|place| &self.model.rows[*place]) {
            for (row, end) in self.model.rows.iter().zip(&self.finals) {
                let closes = row.kind == Resolve && row.same_episode(opened);
                let told = matches!(end, Some(Delivered | Dead | Discarded));
                assert!(told || !closes, "{opened:?} was left open by {row:?}");
            }
            self.assert_told_of_the_end(opened);
        }
    }
}

impl World {
    /// Whoever heard of an episode in another's place hears of its end if that one does.
    fn assert_told_of_the_end(&self, opened: &Row) {
        let resolves = |receiver: &str| {
            self.model.rows.iter().any(|row| {
                row.kind == Resolve
                    && row.receiver == receiver
                    && (row.alert, row.episode) == (opened.alert, opened.episode)
            })
        };
        let from = opened.diverted_from;
        let is_due = from.is_some_and(resolves);
        assert!(
            !is_due || resolves(opened.receiver),
            "{opened:?} stays open"
        );
    }
}

/// As the configuration has them.
fn know_receivers(store: &Store) {
    let known = RECEIVERS.map(|receiver| {
        let known = KnownReceiver {
            fallback: fallback_of(receiver).map(str::to_owned),
            send_resolved: true,
        };
        (receiver.to_owned(), known)
    });
    assert_eq!(store.set_receivers(T0, known.into()).unwrap(), 0);
}

/// Without waiting for the disk: what a crash of the process leaves is the same.
fn open_fast(directory: &Path) -> Store {
    let store = Store::open(directory).unwrap();
    sql(&store, "PRAGMA synchronous = off");
    store
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn random_lives_keep_the_invariants(ops in prop::collection::vec(any_op(), 1..90)) {
        let mut world = World::new();
        for op in &ops {
            world.apply(op);
        }
        world.drain();
        world.assert_nothing_left_open();
    }
}
