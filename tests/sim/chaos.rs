//! What goes wrong in a world, and when: made at once from the seed, over before peace begins.

use crate::dice::Dice;
use crate::plant::{Plant, stretches};
use crate::scenario::Scenario;
use crate::switches::{Fault, Switches};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

/// Where a process can be killed: between any two awaits of its tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Point {
    /// Polls of a slot are under way.
    Fetching,
    /// A step is taken, its effects are nowhere.
    Stepped,
    /// The same without effects, while an alert is pending.
    Pending,
    /// The same while one is held.
    Held,
    /// They are in the store, no worker knows.
    Committed,
    /// The workers were woken.
    Poked,
    /// Half of a cache file is written.
    Saving,
    /// Some feeds are saved, others not.
    Saved,
    /// A stretch of the past was read.
    Backfilling,
    /// Something was handed to the fallback.
    Diverted,
    /// A row was claimed.
    Claimed,
    /// The begin of an attempt is recorded, nothing was sent.
    Begun,
    /// The request has left.
    Sent,
    /// The answer is here, nobody has recorded it.
    Answered,
    /// The outcome is recorded.
    Recorded,
}

const POINTS: [Point; 18] = [
    Point::Pending,
    Point::Pending,
    Point::Pending,
    Point::Held,
    Point::Held,
    Point::Fetching,
    Point::Stepped,
    Point::Committed,
    Point::Poked,
    Point::Saving,
    Point::Saved,
    Point::Backfilling,
    Point::Diverted,
    Point::Claimed,
    Point::Begun,
    Point::Sent,
    Point::Answered,
    Point::Recorded,
];

/// A kill to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kill {
    /// Where.
    pub(crate) point: Point,
    /// How often the process may pass there before.
    pub(crate) passes: u64,
    /// How long until the next one starts.
    pub(crate) downtime: i64,
}

/// What the source does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceMood {
    Down,
    /// It tells a part and says so, which is no answer.
    Partial,
    /// It takes so long.
    Slow(i64),
    /// Every second question is refused.
    Flaky,
}

/// What a receiver does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PhoneMood {
    Broken,
    /// 429, and after how long to come back.
    Limited(i64),
    Hangs,
    /// It takes the message and the answer is lost.
    LosesAnswers,
    /// Nobody listens.
    Refused,
    /// It refuses this message for ever.
    Rejects,
}

/// A time and what is so until another.
pub(crate) type Stretch<T> = (i64, i64, T);

/// Everything that goes wrong in a world.
#[derive(Clone, Debug)]
pub(crate) struct Chaos {
    pub(crate) source: Vec<Stretch<SourceMood>>,
    pub(crate) phones: Vec<(&'static str, Stretch<PhoneMood>)>,
    pub(crate) disk: Vec<(i64, i64)>,
    /// From when on the clock is so many milliseconds ahead of the true time.
    pub(crate) clock: Vec<(i64, i64)>,
    pub(crate) kills: Vec<Kill>,
    pub(crate) reloads: Vec<i64>,
    pub(crate) operations: Vec<i64>,
}

impl Chaos {
    /// The faults of a seed.
    pub(crate) fn new(seed: u64, scenario: &Scenario, plant: &Plant, switches: &Switches) -> Self {
        let extent = scenario.extent;
        let dice = |part| Dice::new(seed, part);
        let often = 1 + (extent.peace - extent.begin) / (4 * 60 * MINUTE);
        let on = |fault, dice: &mut Dice| switches.on(fault) && dice.chance(0.7);
        let mut chaos = Self {
            source: Vec::new(),
            phones: Vec::new(),
            disk: Vec::new(),
            clock: Vec::new(),
            kills: Vec::new(),
            reloads: Vec::new(),
            operations: Vec::new(),
        };
        let mut d = dice("source");
        if on(Fault::Source, &mut d) {
            for (from, until) in stretches(&mut d, extent, 3 * often, 15 * MINUTE) {
                let mood = match d.below(4) {
                    0 => SourceMood::Down,
                    1 => SourceMood::Partial,
                    2 => SourceMood::Slow(d.within(SECOND, 70 * SECOND)),
                    _ => SourceMood::Flaky,
                };
                chaos.source.push((from, until, mood));
            }
        }
        let mut d = dice("phones");
        if on(Fault::Receiver, &mut d) {
            for (from, until) in stretches(&mut d, extent, 6 * often, 25 * MINUTE) {
                let mood = match d.below(8) {
                    0 => PhoneMood::Broken,
                    1 => PhoneMood::Limited(d.within(SECOND, 90 * SECOND)),
                    2 => PhoneMood::Hangs,
                    3 | 6 | 7 => PhoneMood::LosesAnswers,
                    4 => PhoneMood::Refused,
                    _ => PhoneMood::Rejects,
                };
                let whom = d.pick(&["pager", "chat", "pager", "backup", "lead"]);
                chaos.phones.push((whom, (from, until, mood)));
            }
        }
        // An answer that is lost while it has begun and not yet ended matters most.
        let mut d = dice("answers");
        for incident in plant
            .incidents
            .iter()
            .filter(|_| switches.on(Fault::Receiver))
        {
            if d.chance(0.3) {
                let from = incident.from.max(extent.begin);
                let until = incident.until + d.within(MINUTE, 12 * MINUTE);
                let whom = d.pick(&["pager", "chat"]);
                let lost = (from, until.min(extent.peace), PhoneMood::LosesAnswers);
                chaos.phones.push((whom, lost));
            }
        }
        let mut d = dice("disk");
        if on(Fault::Store, &mut d) {
            chaos.disk = stretches(&mut d, extent, 2 * often, 4 * MINUTE);
        }
        let mut d = dice("clock");
        if switches.on(Fault::Clock) && d.chance(0.3) {
            for (from, until) in stretches(&mut d, extent, 2, 10 * MINUTE) {
                let jump = d.pick(&[
                    2 * SECOND,
                    -2 * SECOND,
                    40 * SECOND,
                    -40 * SECOND,
                    7 * MINUTE,
                    -7 * MINUTE,
                ]);
                chaos.clock.extend([(from, jump), (until, 0)]);
            }
        }
        let mut d = dice("kills");
        if on(Fault::Crash, &mut d) {
            for _ in 0..d.within(0, 5 * often) {
                let point = d.pick(&POINTS);
                let passes = match point {
                    Point::Fetching | Point::Stepped => d.within(0, 300),
                    Point::Saved | Point::Saving => d.within(0, 40),
                    _ => d.within(0, 6),
                };
                let downtime = match d.below(8) {
                    0 => d.within(MINUTE, 20 * MINUTE),
                    1 if often > 2 => d.within(MINUTE, 5 * 60 * MINUTE),
                    _ => d.within(SECOND, 20 * SECOND),
                };
                let passes = u64::try_from(passes).unwrap();
                chaos.kills.push(Kill {
                    point,
                    passes,
                    downtime,
                });
            }
            // While the clock of an alert runs there is most to forget.
            for point in [Point::Pending, Point::Pending, Point::Held] {
                for _ in 0..d.within(0, 2) {
                    chaos.kills.push(Kill {
                        point,
                        passes: d.below(16),
                        downtime: d.within(SECOND, 20 * SECOND),
                    });
                }
            }
        }
        let times = |part, fault, most: i64| {
            let mut d = dice(part);
            let times = stretches(&mut d, extent, most, MINUTE);
            let times: Vec<i64> = times.into_iter().map(|(at, _)| at).collect();
            if switches.on(fault) {
                times
            } else {
                Vec::new()
            }
        };
        chaos.reloads = times("reloads", Fault::Reload, 3 * often);
        chaos.operations = times("operations", Fault::Operate, 6 * often);
        // While something is wrong there is more to do.
        let mut d = dice("responders");
        for incident in plant
            .incidents
            .iter()
            .filter(|_| switches.on(Fault::Operate))
        {
            for _ in 0..d.within(0, 6) {
                let at = d.within(incident.from, incident.until + 5 * MINUTE);
                chaos
                    .operations
                    .push(at.clamp(extent.begin, extent.peace - 1));
            }
        }
        // A reload meets most that waits when alerts end.
        let mut d = dice("deployments");
        let mut deployments = Vec::new();
        for incident in plant.incidents.iter().filter(|_| !chaos.reloads.is_empty()) {
            let at = d.within(incident.until, incident.until + 12 * MINUTE);
            if d.chance(0.5) {
                deployments.push(at.clamp(extent.begin, extent.peace - 1));
            }
        }
        chaos.reloads.extend(deployments);
        chaos
    }

    /// Whether nothing stands between a decision and who is to hear of it.
    pub(crate) fn is_calm(&self) -> bool {
        self.source.is_empty()
            && self.phones.is_empty()
            && self.disk.is_empty()
            && self.clock.is_empty()
            && self.kills.is_empty()
            && self.reloads.is_empty()
    }

    /// What the source does at a time, if not its work.
    pub(crate) fn source_at(&self, at: i64) -> Option<SourceMood> {
        let now = |(from, until, _): &&Stretch<_>| (*from..*until).contains(&at);
        self.source.iter().find(now).map(|(.., mood)| *mood)
    }

    /// What a receiver does at a time, if not its work.
    pub(crate) fn phone_at(&self, name: &str, at: i64) -> Option<PhoneMood> {
        let mut here = self.phones.iter().filter(|(whom, _)| *whom == name);
        let now = here.find(|(_, (from, until, _))| (*from..*until).contains(&at));
        now.map(|(_, (.., mood))| *mood)
    }

    /// How long the process that passes here stays dead, if it dies.
    pub(crate) fn pass(&mut self, point: Point) -> Option<i64> {
        let place = self.kills.iter().position(|kill| kill.point == point)?;
        if self.kills[place].passes > 0 {
            self.kills[place].passes -= 1;
            return None;
        }
        let kill = self.kills.remove(place);
        Some(kill.downtime)
    }
}
