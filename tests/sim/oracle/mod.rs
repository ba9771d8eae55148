//! The oracle: what must be decided, and who must be told, from first principles.
//!
//! It knows what the source showed, the definitions, and the clock. It counts every window anew at
//! every slot ([`count`]), judges every tier, moves every alert ([`alerts`]), and follows what each
//! receiver takes to be up ([`tell`]). It is written from the documents, is as simple as can be,
//! and shares no code with the engine but the types. What the engine says otherwise ends the world.

mod alerts;
mod answers;
mod blind;
mod budget;
mod count;
mod desk;
mod pace;
mod tell;

use std::collections::BTreeMap;
use std::sync::Arc;

use slofuse::engine::{
    Counts, Effect, Engine, Evaluation, Indicator, InstanceId, Memories, Operation, Routing, Slo,
    SloId, Span, Timestamp, WindowAnswers,
};

use crate::plant::Plant;
use crate::world::World;

use alerts::Alerts;
use answers::Answers;
use blind::Blind;
use count::{Bounds, Past};
use desk::Desk;
pub(crate) use pace::Manners;
use pace::Pace;
use tell::{GROUP_INTERVAL, Told};

/// Between slots, in the settings of all worlds.
const INTERVAL: Span = Span::from_secs(30);

/// What the source has shown of a feed at its last slot.
#[derive(Clone, Copy, Debug)]
struct Sight {
    slot: Timestamp,
    /// The true time of the question; `None` when there was no answer.
    asked: Option<i64>,
}

/// Everything the oracle remembers.
pub(crate) struct Oracle {
    routing: Routing,
    slos: BTreeMap<SloId, Arc<Slo>>,
    pasts: BTreeMap<SloId, BTreeMap<InstanceId, Past>>,
    /// By feed; only what this life has seen.
    sights: BTreeMap<String, Sight>,
    /// By feed: the true time at which the youngest of its past was asked for. Where that is later
    /// than the question of a slot, the source may have shown more of it.
    pasts_asked: BTreeMap<String, i64>,
    answers: Answers,
    alerts: Alerts,
    desk: Desk,
    pace: Pace,
    /// What a restart begins with.
    saved: (Alerts, Desk, Pace),
    blind: Blind,
    pub(crate) told: Told,
    /// Stretches of true time in which the machine's clock was far ahead: what was read then, and
    /// what was never asked for since, nobody can say.
    skewed: Vec<(i64, i64)>,
    /// How many windows were counted anew, and how many of them the gaps left in doubt.
    pub(crate) windows: (u64, u64),
    /// Pages and tickets that were pending, fired, or were held when a process began.
    pub(crate) restarted: [u64; 3],
}

impl Oracle {
    /// Knows nothing but when the clock will be wrong.
    pub(crate) fn new(skewed: Vec<(i64, i64)>, manners: Manners) -> Self {
        let pace = Pace::new(manners);
        Self {
            routing: Routing::default(),
            slos: BTreeMap::new(),
            pasts: BTreeMap::new(),
            sights: BTreeMap::new(),
            pasts_asked: BTreeMap::new(),
            answers: Answers::default(),
            alerts: Alerts::default(),
            desk: Desk::default(),
            saved: (Alerts::default(), Desk::default(), pace.clone()),
            pace,
            blind: Blind::default(),
            told: Told::default(),
            skewed,
            windows: (0, 0),
            restarted: [0; 3],
        }
    }

    /// A process begins with what the store has.
    pub(crate) fn begin_life(&mut self, memories: &Memories) {
        self.sights.clear();
        self.answers.begin_life();
        (self.alerts, self.desk, self.pace) = self.saved.clone();
        for (sum, more) in self.restarted.iter_mut().zip(self.alerts.standing()) {
            *sum += more;
        }
        self.alerts
            .assert_are(memories.alerts.iter(), "after a restart");
        self.blind.begin_life();
        self.told.begin_life();
    }

    /// Other definitions.
    pub(crate) fn configure(&mut self, slos: &[Arc<Slo>], routing: &Routing, plant: &Plant) {
        self.slos = slos
            .iter()
            .map(|slo| (slo.id.clone(), slo.clone()))
            .collect();
        for slo in slos {
            let past = || count::pasts(slo, plant);
            self.pasts.entry(slo.id.clone()).or_insert_with(past);
        }
        self.alerts.retain_slos(&self.slos);
        self.blind.retain_slos(&self.slos);
        self.told.configure(routing);
        self.pace.configure();
        self.routing = routing.clone();
    }

    /// Somebody is about to ask for something.
    pub(crate) fn operate(&mut self, operation: &Operation, clock: Timestamp, engine: &Engine) {
        let before = self.desk.looked_after();
        self.desk.operate(operation, clock, engine);
        let after = self.desk.looked_after();
        self.pace.leave(clock, before.difference(&after));
    }

    /// How many pages and tickets are pending, fire, and are held.
    pub(crate) fn standing(&self) -> [u64; 3] {
        self.alerts.standing()
    }

    /// The source has answered for whole windows.
    pub(crate) fn answered(&mut self, feed: &str, slot: Timestamp, answers: &WindowAnswers) {
        self.answers.take(feed, slot, answers);
    }

    /// Feeds that are gone say nothing any more.
    pub(crate) fn retain_feeds(&mut self, keeps: impl Fn(&str) -> bool) {
        self.sights.retain(|feed, _| keeps(feed));
    }

    /// The past of a feed has been read anew.
    pub(crate) fn swapped(&mut self, feed: String, asked: i64) {
        // A journey may still have to be decided for the slot that this feed has arrived at.
        if let Some(Sight {
            asked: Some(slot), ..
        }) = self.sights.get_mut(&feed)
        {
            *slot = asked.max(*slot);
        }
        self.pasts_asked.insert(feed, asked);
    }

    /// The effects of the last step are in the store.
    pub(crate) fn committed(&mut self, effects: &[Effect]) {
        self.saved = (self.alerts.clone(), self.desk.clone(), self.pace.clone());
        self.told.committed(effects);
    }

    /// Hourly sums of an SLO, as the source would compute them.
    pub(crate) fn hours(
        &self,
        slo: &Slo,
        from: Timestamp,
        until: Timestamp,
        now: i64,
    ) -> Vec<(InstanceId, Timestamp, Counts)> {
        const HOUR: Span = Span::from_hours(1);
        let mut hours = Vec::new();
        for (id, past) in self.pasts.get(&slo.id).into_iter().flatten() {
            let mut end = from.align_down(HOUR) + HOUR;
            while end <= until {
                let counts = past.told(end - HOUR, end, now);
                if counts.total > 0.0 {
                    hours.push((id.clone(), end, counts));
                }
                end = end + HOUR;
            }
        }
        hours
    }
}

impl World {
    /// Compares a step with what should have come of it. `sight` says which slot of which feed it
    /// was, and when the source was asked, if it answered.
    pub(crate) fn judge(
        &mut self,
        clock: Timestamp,
        sight: Option<(String, Timestamp, Option<i64>)>,
        effects: &[Effect],
    ) {
        let Self {
            oracle,
            node,
            scenario,
            ..
        } = self;
        let node = node.as_ref().expect("a living process");
        // In debug builds the engine has done so itself.
        if !cfg!(debug_assertions) {
            slofuse::engine::invariant::check(&node.engine, effects);
        }
        if let Some((feed, slot, asked)) = sight {
            let past = oracle.pasts_asked.get(&feed).copied();
            let asked = asked.map(|asked| past.map_or(asked, |past| asked.max(past)));
            oracle.sights.insert(feed, Sight { slot, asked });
            for (feed, at) in node.engine.decided() {
                oracle.judge_feed(&node.engine, feed, *at);
            }
            oracle
                .blind
                .judge(&node.engine, &oracle.sights, &oracle.slos);
        }
        let alerts = node.engine.alerts();
        oracle.alerts.assert_are(alerts, "after a step");
        let ticks = Span::from_millis(2 * scenario.tick) + Span::from_secs(2);
        let patience = GROUP_INTERVAL + ticks + Span::from_secs(90);
        let engine = &node.engine;
        oracle.desk.follow(effects);
        oracle.desk.assert_is_known(engine, clock);
        let (told, desk) = (&mut oracle.told, &oracle.desk);
        told.judge(clock, patience, engine, desk, &oracle.slos, effects);
        let (loud, routing) = (&oracle.told.loud, &oracle.routing);
        oracle
            .pace
            .judge(clock, patience, loud, &oracle.desk, routing, effects);
    }
}

impl Oracle {
    fn judge_feed(&mut self, engine: &Engine, feed: &str, at: Timestamp) {
        let Some((slos, evaluations)) = engine.evaluations(feed) else {
            return;
        };
        for evaluation in &evaluations {
            let slo = slos.iter().find(|slo| slo.id == evaluation.id.slo);
            let slo = slo.expect("an evaluation of an SLO of its feed").clone();
            assert_eq!(evaluation.at, at, "evaluated for another slot");
            if !self.is_skewed(&slo, at) {
                self.judge_windows(engine, feed, &slo, evaluation);
            }
            self.alerts.judge_tiers(&slo, evaluation);
            self.alerts.advance(&slo, evaluation);
            self.blind.see(feed, evaluation);
        }
    }

    fn is_skewed(&self, slo: &Slo, at: Timestamp) -> bool {
        let begin = (at - slo.reach.longest_window()).as_millis();
        let overlaps = |(from, until): &(i64, i64)| *from <= at.as_millis() && begin <= *until;
        self.skewed.iter().any(overlaps)
    }

    /// Counts every window anew.
    fn judge_windows(&mut self, engine: &Engine, feed: &str, slo: &Slo, evaluation: &Evaluation) {
        if let Indicator::Composite(composite) = &slo.indicator {
            let parts: Vec<Option<_>> = composite
                .parts
                .iter()
                .map(|part| self.part(engine, &part.slo))
                .collect();
            self.judge_journey(slo, &parts, evaluation);
            return;
        }
        if matches!(slo.indicator, Indicator::Windows(_)) {
            let sight = self.sights.get(feed);
            let has_answered = sight.is_some_and(|sight| sight.asked.is_some());
            let answers = &self.answers;
            answers.judge(feed, has_answered, INTERVAL, slo, evaluation);
            return;
        }
        let Some(Sight {
            slot,
            asked: Some(asked),
        }) = self.sights.get(feed).copied()
        else {
            assert!(
                !evaluation.is_evidence(),
                "evidence without an answer: {evaluation:?}"
            );
            return;
        };
        let covered = engine
            .measure(feed)
            .and_then(|measure| measure.covered_from(&slo.id));
        let past = self
            .pasts
            .get(&slo.id)
            .and_then(|pasts| pasts.get(&evaluation.id));
        let Some(past) = past else {
            assert!(
                !evaluation.is_evidence(),
                "evidence of nothing: {evaluation:?}"
            );
            return;
        };
        past.assert_fresh(slot, asked, evaluation);
        let covered = covered.unwrap_or(slot);
        // A period looks back further than any window.
        let is_known = self.skewed.iter().all(|(from, _)| slot.as_millis() < *from);
        if let Some(budget) = evaluation.budget.as_ref().filter(|_| is_known) {
            let lacking = engine.lacks_hours(feed);
            let told = budget::Told {
                past,
                slot,
                asked,
                covered,
                hours_read: !lacking.iter().any(|(lacks, _)| lacks.id == slo.id),
            };
            let who = evaluation.id.to_string();
            budget::judge(slo, &told, &self.routing.maintenance, budget, &who);
        }
        for reading in &evaluation.readings {
            let is_covered = covered <= slot - reading.window;
            assert_eq!(
                reading.burn.is_some(),
                is_covered,
                "{} of {}: read from {covered:?} on, {reading:?}",
                reading.window,
                evaluation.id
            );
            let Some(counts) = reading.counts.filter(|_| is_covered) else {
                continue;
            };
            let bounds = past.recount(slot - reading.window, slot, asked, covered);
            self.windows.0 += 1;
            self.windows.1 += u64::from(!bounds.is_exact());
            assert!(
                bounds.admit(counts),
                "{} of {} at {slot:?}: the engine counts {counts:?}, the source told {bounds:?}: {}",
                reading.window,
                evaluation.id,
                past.story(slot - reading.window, slot),
            );
        }
    }

    /// What a part of a journey tells at present, and since when; `None` while it is dark.
    fn part(&self, engine: &Engine, id: &SloId) -> Option<(SloId, i64, Timestamp)> {
        let feed = self.sights.iter().find(|(feed, _)| {
            let slos = engine.evaluations(feed).map(|(slos, _)| slos);
            slos.is_some_and(|slos| slos.iter().any(|slo| slo.id == *id))
        });
        let (feed, sight) = feed?;
        let covered = engine.measure(feed)?.covered_from(id)?;
        Some((id.clone(), sight.asked?, covered))
    }

    /// The error ratio of a journey is 1 - (1 - a)(1 - b).
    fn judge_journey(
        &mut self,
        slo: &Slo,
        parts: &[Option<(SloId, i64, Timestamp)>],
        evaluation: &Evaluation,
    ) {
        let at = evaluation.at;
        for reading in &evaluation.readings {
            let Some(burn) = reading.burn else {
                continue;
            };
            let (mut low, mut high) = (0.0, 0.0);
            for part in parts {
                let known = part
                    .as_ref()
                    .filter(|(.., from)| *from <= at - reading.window);
                let Some((id, asked, covered)) = known else {
                    high = 1.0;
                    continue;
                };
                let instances = self.pasts[id].values();
                let bounds = instances.fold(Bounds::default(), |sum, past| {
                    sum + past.recount(at - reading.window, at, *asked, *covered)
                });
                let (least, most) = bounds.ratio();
                // A step that is dark is taken for good.
                let mut instances = self.pasts[id].values();
                let lit = instances.any(|past| past.is_surely_fresh(at, *asked));
                let least = if lit { least } else { 0.0 };
                low = 1.0 - (1.0 - low) * (1.0 - least);
                high = 1.0 - (1.0 - high) * (1.0 - most);
            }
            let allowed = slo.objective.budget_ratio();
            let (low, high) = (low / allowed, high / allowed);
            self.windows.0 += 1;
            self.windows.1 += u64::from(high - low > 1e-9);
            assert!(
                low * (1.0 - 1e-6) - 1e-6 <= burn && burn <= high * (1.0 + 1e-6) + 1e-6,
                "journey {} of {}: burn {burn}, not in {low}..{high}",
                reading.window,
                evaluation.id
            );
        }
    }
}
