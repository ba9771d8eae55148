//! One world: a queue of events in virtual time, and everything that outlives a process.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use slofuse::engine::{Notification, Span, Timestamp};
use slofuse::notify::DeliveryError;
use slofuse::store::{AttemptOutcome, DATABASE_FILE};

use crate::chaos::{Chaos, Point};
use crate::chronicle::Chronicle;
use crate::dice::Dice;
use crate::node::{Crashed, Life, News, Node};
use crate::oracle::{Manners, Oracle};
use crate::phone::Phones;
use crate::plant::Plant;
use crate::scenario::Scenario;
use crate::switches::Switches;

/// Something that will happen. What carries a life happens only to the process of that number.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a queue of a few hundred at most"
)]
pub(crate) enum Event {
    Start,
    /// A time for which the process waits.
    Timer {
        life: u32,
        token: u64,
    },
    /// News for the owner of the engine.
    News {
        life: u32,
        news: News,
    },
    /// The next question of the backfill.
    Backfill {
        life: u32,
        generation: u64,
    },
    /// The commit that the store has refused is tried again.
    Commit {
        life: u32,
    },
    /// A delivery worker looks after its receiver.
    Wake {
        life: u32,
        receiver: String,
        token: u64,
    },
    /// A request reaches a receiver, whoever has sent it.
    Arrive {
        life: u32,
        call: Call,
    },
    /// The answer of a receiver.
    Landed {
        life: u32,
        receiver: String,
        id: i64,
        result: Result<Option<String>, DeliveryError>,
    },
    /// An outcome that the store has refused is recorded again.
    Record {
        life: u32,
        receiver: String,
        id: i64,
        at: Timestamp,
        outcome: AttemptOutcome,
    },
    Disk {
        refuses: bool,
    },
    Clock {
        ahead: i64,
    },
    Reload,
    Operate,
    Peace,
}

/// A request to a receiver.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The row of the outbox.
    pub(crate) id: i64,
    pub(crate) notification: Notification,
}

/// A world.
pub(crate) struct World {
    pub(crate) scenario: Scenario,
    /// What the files say at present, and whether that is in force.
    pub(crate) files: Scenario,
    pub(crate) plant: Plant,
    pub(crate) chaos: Chaos,
    /// Whether nothing stands between a decision and who is to hear of it.
    pub(crate) calm: bool,
    pub(crate) phones: Phones,
    pub(crate) chronicle: Chronicle,
    pub(crate) node: Option<Node>,
    pub(crate) oracle: Oracle,
    /// Rows that an operator gave another try.
    pub(crate) revived: BTreeSet<i64>,
    pub(crate) lives: u32,
    /// The true time, in milliseconds.
    pub(crate) now: i64,
    /// How far the machine's clock is ahead.
    pub(crate) ahead: i64,
    pub(crate) dice: Dice,
    pub(crate) directory: tempfile::TempDir,
    /// A connection of somebody else to the database.
    pub(crate) other: Option<Connection>,
    queue: BTreeMap<(i64, u64), Event>,
    queued: u64,
}

impl World {
    /// The world of a seed, before anything happens.
    pub(crate) fn new(seed: u64, switches: &Switches, aloud: bool) -> Self {
        let scenario = Scenario::new(seed, switches);
        let plant = Plant::new(seed, &scenario.services, scenario.extent, switches);
        let chaos = Chaos::new(seed, &scenario, &plant, switches);
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let manners = Manners {
            escalates: scenario.routes.escalates,
            repeats: scenario.routes.repeats,
            jumps: !chaos.clock.is_empty(),
        };
        let mut world = Self {
            oracle: Oracle::new(skewed(&chaos), manners),
            revived: BTreeSet::new(),
            now: scenario.extent.begin,
            files: scenario.clone(),
            plant,
            calm: chaos.is_calm(),
            chaos,
            phones: Phones::default(),
            chronicle: Chronicle::new(aloud),
            node: None,
            lives: 0,
            ahead: 0,
            dice: Dice::new(seed, "world"),
            directory: directory.unwrap(),
            other: None,
            queue: BTreeMap::new(),
            queued: 0,
            scenario,
        };
        world.fill_queue();
        world
    }

    fn fill_queue(&mut self) {
        let begin = self.scenario.extent.begin;
        self.at(begin, Event::Start);
        for (from, until) in self.chaos.disk.clone() {
            self.at(from, Event::Disk { refuses: true });
            self.at(until, Event::Disk { refuses: false });
        }
        for (at, ahead) in self.chaos.clock.clone() {
            self.at(at, Event::Clock { ahead });
        }
        for at in self.chaos.reloads.clone() {
            self.at(at, Event::Reload);
        }
        for at in self.chaos.operations.clone() {
            self.at(at, Event::Operate);
        }
        self.at(self.scenario.extent.peace, Event::Peace);
    }

    /// Something will happen at a true time.
    pub(crate) fn at(&mut self, at: i64, event: Event) {
        self.queued += 1;
        self.queue.insert((at.max(self.now), self.queued), event);
    }

    /// Something will happen after so many milliseconds.
    pub(crate) fn after(&mut self, millis: i64, event: Event) {
        self.at(self.now + millis, event);
    }

    /// Lets everything happen until the end of the world.
    pub(crate) fn run(&mut self) {
        while let Some(((at, _), event)) = self.queue.pop_first() {
            if at > self.scenario.extent.end {
                break;
            }
            self.now = at;
            if self.happen(event).is_err() {
                self.note("killed");
            }
        }
    }

    fn happen(&mut self, event: Event) -> Life {
        match event {
            Event::Start => self.start(),
            Event::Timer { life, token } if self.lives_on(life) => self.timer(token),
            Event::News { life, news } if self.lives_on(life) => self.take(news),
            Event::Backfill { life, generation } if self.lives_on(life) => {
                self.backfill(generation)
            }
            Event::Commit { life } if self.lives_on(life) => self.commit_again(),
            Event::Wake {
                life,
                receiver,
                token,
            } if self.lives_on(life) => self.wake(&receiver, token),
            Event::Arrive { life, call } => {
                self.arrive(life, call);
                Ok(())
            }
            Event::Landed {
                life,
                receiver,
                id,
                result,
            } if self.lives_on(life) => self.landed(&receiver, id, result),
            Event::Record {
                life,
                receiver,
                id,
                at,
                outcome,
            } if self.lives_on(life) => self.record(&receiver, id, at, outcome),
            Event::Disk { refuses } => {
                self.refuse_writes(refuses);
                Ok(())
            }
            Event::Clock { ahead } => {
                self.note(&format!("clock {ahead} ms ahead"));
                self.ahead = ahead;
                self.rewind_timer();
                Ok(())
            }
            Event::Reload => self.reload(),
            Event::Operate => self.operate(),
            Event::Peace => self.make_peace(),
            // Of a process that is dead.
            _ => Ok(()),
        }
    }

    fn lives_on(&self, life: u32) -> bool {
        self.node.as_ref().is_some_and(|node| node.life == life)
    }

    /// The process may be killed here.
    pub(crate) fn pass(&mut self, point: Point) -> Life {
        let Some(downtime) = self.chaos.pass(point) else {
            return Ok(());
        };
        // Somebody starts it again before the world ends.
        let downtime = downtime.min((self.scenario.extent.peace - self.now).max(0));
        self.note(&format!("kill -9 at {point:?}, down for {downtime} ms"));
        self.node = None;
        self.after(downtime, Event::Start);
        Err(Crashed)
    }

    /// Nothing goes wrong any more: whatever was not used up is dropped.
    fn make_peace(&mut self) -> Life {
        self.note("peace");
        self.chaos.kills.clear();
        self.ahead = 0;
        self.refuse_writes(false);
        self.rewind_timer();
        Ok(())
    }

    /// From now on the disk refuses what matters, or nothing: a trigger of somebody else's makes
    /// the store fail in the middle of its transactions.
    fn refuse_writes(&mut self, refuses: bool) {
        const TRIGGERS: [(&str, &str); 4] = [
            ("sim_1", "BEFORE INSERT ON outbox"),
            ("sim_2", "BEFORE UPDATE ON outbox"),
            ("sim_3", "BEFORE INSERT ON alerts"),
            ("sim_4", "BEFORE DELETE ON alerts"),
        ];
        let path = self.directory.path().join(DATABASE_FILE);
        if !path.exists() {
            return;
        }
        self.note(if refuses { "disk full" } else { "disk well" });
        let other = self
            .other
            .get_or_insert_with(|| Connection::open(path).unwrap());
        // Now everything is refused, now only what waits for delivery, or only the alerts.
        let refused = match (refuses, self.dice.below(3)) {
            (false, _) | (true, 0) => &TRIGGERS[..],
            (true, 1) => &TRIGGERS[..2],
            (true, _) => &TRIGGERS[2..],
        };
        for (name, when) in refused {
            let sql = match refuses {
                true => format!(
                    "CREATE TRIGGER IF NOT EXISTS {name} {when} \
                     BEGIN SELECT RAISE(ABORT, 'disk full'); END"
                ),
                false => format!("DROP TRIGGER IF EXISTS {name}"),
            };
            other.execute_batch(&sql).unwrap();
        }
    }

    /// Writes down what happened.
    pub(crate) fn note(&mut self, what: &str) {
        self.chronicle
            .note(self.now - self.scenario.extent.begin, what);
    }
}

/// A length of so many milliseconds.
pub(crate) const fn millis(millis: i64) -> Span {
    Span::from_millis(millis)
}

/// When the clock is so far ahead that the source is asked for what it does not show yet.
fn skewed(chaos: &Chaos) -> Vec<(i64, i64)> {
    const MARGIN: i64 = 120_000;
    let mut skewed = Vec::new();
    for pair in chaos.clock.chunks(2) {
        let [(from, ahead), (until, _)] = pair else {
            continue;
        };
        if *ahead > 20_000 {
            skewed.push((from - MARGIN, until + ahead + MARGIN));
        }
    }
    skewed
}
