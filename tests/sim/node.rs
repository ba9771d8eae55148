//! One process: the daemon's slot loop, await by await, around the real engine, store and cache.
//!
//! The daemon's own loop is bound to a runtime, sockets and the machine's clock. What is here is
//! its shape: `daemon/poller.rs` (slot, fetch, step, commit, poke), `daemon/configure.rs` (resume),
//! `daemon/save.rs` and `daemon/clock.rs`. Everything that decides is the real thing.

mod slots;
mod steps;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use slofuse::config::Loaded;
use slofuse::config::settings::engine_options;
use slofuse::engine::{
    Book, Counts, Effect, Engine, Evidence, Feed, Input, InstanceId, Measure, RawSeries, SloId,
    Span, Timestamp,
};
use slofuse::prometheus::PolledFeed;
use slofuse::store::{KnownReceiver, SampleCache, Store};

use crate::backfill::Backfill;
use crate::courier::Courier;
use crate::world::{Event, World, millis};

/// The process was killed.
#[derive(Debug)]
pub(crate) struct Crashed;

/// What happens within a life, up to its end.
pub(crate) type Life = Result<(), Crashed>;

/// A poll reads so many scrapes more than it must.
const OVERLAP_SCRAPES: i64 = 3;
/// Pause before a process that could not start is started again, in milliseconds.
const START_RETRY: i64 = 5_000;

/// What reaches the owner of the engine.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) generation: u64,
    pub(crate) feed: String,
    pub(crate) what: What,
    /// Whether the backfill waits until this is taken.
    pub(crate) backfill: bool,
}

#[derive(Debug)]
pub(crate) enum What {
    Answered {
        slot: Timestamp,
        /// The true time at which the source was asked.
        asked: i64,
        answer: Result<Evidence, String>,
    },
    Read {
        into: Book,
        from: Timestamp,
        until: Timestamp,
        series: Vec<RawSeries>,
    },
    Swapped {
        /// The true time at which the youngest stretch was asked for.
        asked: i64,
    },
    History {
        slo: SloId,
        hours: Vec<(InstanceId, Timestamp, Counts)>,
    },
}

/// What is left to do when a step is committed.
#[derive(Debug)]
pub(crate) enum Then {
    Nothing,
    /// Feeds that were known before are not resumed.
    Configured(BTreeSet<String>),
    Save(String),
    Backfill,
}

/// A step that the store refuses.
#[derive(Debug)]
pub(crate) struct Held {
    now: Timestamp,
    effects: Vec<Effect>,
    then: Then,
}

/// A process.
pub(crate) struct Node {
    pub(crate) life: u32,
    pub(crate) store: Store,
    pub(crate) engine: Engine,
    pub(crate) feeds: BTreeMap<String, Arc<PolledFeed>>,
    pub(crate) generation: u64,
    pub(crate) backfill: Backfill,
    pub(crate) couriers: BTreeMap<String, Courier>,
    pub(crate) interval: Span,
    pub(crate) overlap: Span,
    cache: SampleCache,
    in_flight: BTreeSet<String>,
    /// The latest time that the clock showed.
    latest: i64,
    next_slot: Timestamp,
    next_tick: Timestamp,
    next_save: Timestamp,
    token: u64,
    saves: u32,
    pub(crate) held: Option<Held>,
    inbox: VecDeque<News>,
}

impl World {
    pub(crate) fn node(&mut self) -> &mut Node {
        self.node.as_mut().expect("a living process")
    }

    /// What the process takes to be the time: it never goes back while the process lives.
    pub(crate) fn clock(&mut self) -> Timestamp {
        let machine = self.now + self.ahead;
        let node = self.node();
        node.latest = node.latest.max(machine);
        Timestamp::from_millis(node.latest)
    }

    /// A process starts with what the files say, as far as the disk lets it.
    pub(crate) fn start(&mut self) -> Life {
        assert!(self.node.is_none(), "two processes");
        let loaded = self.files.load().expect("the files in force load");
        let directory = self.directory.path().to_owned();
        let opened = Store::open(&directory).and_then(|store| Ok((store.load()?, store)));
        let (memories, store) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.note(&format!("cannot start: {error}"));
                self.after(START_RETRY, Event::Start);
                return Ok(());
            }
        };
        self.lives += 1;
        self.note(&format!("life {} begins", self.lives));
        self.oracle.begin_life(&memories);
        let evaluation = &loaded.settings.evaluation;
        self.node = Some(Node {
            life: self.lives,
            engine: Engine::new(
                engine_options(&loaded.settings.source, evaluation),
                memories,
            ),
            feeds: BTreeMap::new(),
            generation: 0,
            backfill: Backfill::default(),
            couriers: BTreeMap::new(),
            interval: evaluation.interval,
            overlap: evaluation.scrape_interval.times(OVERLAP_SCRAPES),
            cache: SampleCache::new(directory),
            in_flight: BTreeSet::new(),
            latest: self.now + self.ahead,
            next_slot: Timestamp::EPOCH,
            next_tick: Timestamp::EPOCH,
            next_save: Timestamp::EPOCH,
            token: 0,
            saves: 0,
            held: None,
            inbox: VecDeque::new(),
            store,
        });
        self.start_couriers(&loaded)?;
        self.configure(&loaded)
    }

    /// One worker per receiver; who is gone from the settings gets nothing more.
    pub(crate) fn start_couriers(&mut self, loaded: &Loaded) -> Life {
        let now = self.clock();
        let receivers = &loaded.settings.receivers;
        let known = receivers.iter().map(|settings| {
            let known = KnownReceiver {
                fallback: settings.fallback.clone(),
                send_resolved: settings.send_resolved,
            };
            (settings.name.clone(), known)
        });
        let known = known.collect();
        let node = self.node();
        // When the disk refuses, the receivers are known all the same.
        drop(node.store.set_receivers(now, known));
        let old = std::mem::take(&mut node.couriers);
        for settings in receivers {
            let courier =
                Courier::new(settings, &loaded.settings.delivery, old.get(&settings.name));
            node.couriers.insert(settings.name.clone(), courier);
        }
        let names: Vec<String> = receivers.iter().map(|r| r.name.clone()).collect();
        for name in names {
            self.poke(&name);
        }
        Ok(())
    }

    pub(crate) fn configure(&mut self, loaded: &Loaded) -> Life {
        let slos: Vec<_> = loaded.definitions.iter().map(|d| d.slo.clone()).collect();
        let now = self.clock();
        self.oracle
            .configure(&slos, &loaded.settings.routing, &self.plant);
        let node = self.node();
        node.generation += 1;
        node.in_flight.clear();
        let known = node.feeds.keys().cloned().collect();
        let feeds = PolledFeed::plan(&slos).into_iter();
        node.feeds = feeds.map(|feed| (feed.key.clone(), feed)).collect();
        let feeds = node.feeds.values();
        let feeds = feeds.map(|feed| Feed::new(feed.key.clone(), feed.slos.clone()));
        let feeds: Vec<Feed> = feeds.collect();
        self.oracle
            .retain_feeds(|key| feeds.iter().any(|feed| feed.key == key));
        let input = Input::Configured {
            feeds,
            routing: loaded.settings.routing.clone(),
        };
        self.step(now, input, None, Then::Configured(known))
    }

    /// Loads the saved state of feeds that are new to this process, then reads what is missing.
    pub(crate) fn configured(&mut self, known: &BTreeSet<String>) -> Life {
        let now = self.clock();
        let node = self.node();
        for feed in node.feeds.values().cloned().collect::<Vec<_>>() {
            if known.contains(&feed.key) || feed.is_direct() {
                continue;
            }
            let saved = self.node().cache.read(&feed.key);
            let measure = saved.and_then(|bytes| postcard::from_bytes::<Measure>(&bytes).ok());
            let windows = feed.slos.iter().map(|slo| slo.reach.longest_window());
            let horizon = now - windows.max().unwrap_or(Span::ZERO);
            let until = measure.as_ref().and_then(Measure::read_until);
            if let Some(measure) = measure.filter(|_| until > Some(horizon) && until <= Some(now)) {
                self.note(&format!("{} resumes", feed.key));
                let input = Input::Resumed {
                    feed: feed.key.clone(),
                    measure: Box::new(measure),
                };
                self.step(now, input, None, Then::Nothing)?;
            }
        }
        self.start_backfill();
        let (tick, save) = (millis(self.scenario.tick), millis(self.scenario.save));
        let node = self.node();
        if node.next_slot == Timestamp::EPOCH {
            let slot = now.align_down(node.interval);
            node.next_slot = if slot == now {
                slot
            } else {
                slot + node.interval
            };
            node.next_tick = now + tick;
            node.next_save = now + save;
        }
        self.rewind_timer();
        Ok(())
    }

    /// New files: in force if they are sound, else nothing changes.
    pub(crate) fn reload(&mut self) -> Life {
        let mut dice = self.dice.clone();
        let changed = self.files.changed(&mut dice);
        self.dice = dice;
        let loaded = changed.load();
        self.note(&format!("reload, sound: {}", loaded.is_ok()));
        let Ok(loaded) = loaded else {
            return Ok(());
        };
        self.files = changed;
        // A process that is held up would take the request later; one that is dead reads the files.
        if self.node.as_ref().is_none_or(|node| node.held.is_some()) {
            if self.node.is_some() {
                self.note("started anew");
                self.node = None;
                self.after(1_000, Event::Start);
            }
            return Ok(());
        }
        self.start_couriers(&loaded)?;
        self.configure(&loaded)
    }
}
