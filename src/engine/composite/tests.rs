//! Composites against an oracle that looks at every event, whatever the order in which feeds
//! arrive and whichever of them fails.

use proptest::prelude::*;

use super::*;
use crate::engine::feed::Feed;
use crate::engine::feed::tests::slo;
use crate::engine::input::{Book, Evidence, Input, Memories, Options, SourceFailure};
use crate::engine::labels::METRIC_NAME;
use crate::engine::period::Period;
use crate::engine::policy::{Policy, Severity, Tier};
use crate::engine::routing::Routing;
use crate::engine::sample::{RawSeries, Sample};
use crate::engine::slo::{Document, Objective, Reach};

const START: Timestamp = Timestamp::from_secs(1_700_006_400);
const SLOT: Span = Span::from_secs(30);
const PERIOD: Span = Span::from_hours(12);
const KEY: &str = "composite:whole/availability";
const ZONES: [&str; 2] = ["eu", "us"];

/// Windows of 1 m to 10 m, with factors that the random events are above and below.
fn policy() -> Policy {
    let tier = |severity, long: i64, short: i64, factor: f64| Tier {
        severity,
        long: Span::from_mins(long),
        short: Span::from_mins(short),
        budget_fraction: factor * Span::from_mins(long).ratio(PERIOD),
        minimum_events: 5.0,
        pending: Span::ZERO,
        labels: BTreeMap::new(),
    };
    Policy {
        tiers: vec![
            tier(Severity::Page, 5, 1, 3.0),
            tier(Severity::Ticket, 10, 2, 1.5),
        ],
        ..Policy::sre_workbook()
    }
}

/// A part: where it is polled, what it counts, what it weighs.
#[derive(Clone, Debug)]
struct PartPlan {
    feed: usize,
    grouped: bool,
    zones: Vec<usize>,
    weight: f64,
    /// Good and bad events per scrape and zone.
    events: Vec<[(u32, u32); 2]>,
}

#[derive(Clone, Debug)]
struct Plan {
    journey: bool,
    grouped: bool,
    parts: Vec<PartPlan>,
    /// The feeds have been read since so many minutes before the start.
    known_minutes: [i64; 2],
    /// Which feed arrives next, and whether its poll failed.
    arrivals: Vec<(usize, bool)>,
}

const SCRAPES: usize = 60;

fn part() -> impl Strategy<Value = PartPlan> {
    let events = prop_oneof![
        3 => (0_u32..30, Just(0_u32)),
        2 => (0_u32..30, 0_u32..4),
        1 => (Just(0_u32), 0_u32..30),
        1 => Just((0, 0)),
    ];
    let events = prop::collection::vec([events.clone(), events], SCRAPES);
    let zones = prop::sample::select(vec![vec![0], vec![1], vec![0, 1], vec![0, 1]]);
    let weight = prop::sample::select(vec![0.5, 1.0, 3.0]);
    (0_usize..2, any::<bool>(), zones, weight, events).prop_map(
        |(feed, grouped, zones, weight, events)| PartPlan {
            feed,
            grouped,
            zones,
            weight,
            events,
        },
    )
}

fn plans() -> impl Strategy<Value = Plan> {
    let arrivals = prop::collection::vec((0_usize..2, prop::bool::weighted(0.1)), 10..50);
    let known = prop::sample::select(vec![0_i64, 3, 8, 60]);
    (
        any::<bool>(),
        any::<bool>(),
        prop::collection::vec(part(), 2..5),
        [known.clone(), known],
        arrivals,
    )
        .prop_map(|(journey, grouped, parts, known_minutes, arrivals)| Plan {
            journey,
            grouped,
            parts,
            known_minutes,
            arrivals,
        })
}

fn zone_labels(grouped: bool) -> Vec<String> {
    if grouped {
        vec!["zone".to_owned()]
    } else {
        Vec::new()
    }
}

impl Plan {
    fn whole(&self) -> Slo {
        let parts = self.parts.iter().enumerate().map(|(at, part)| Part {
            slo: self.id(at),
            weight: if self.journey { 1.0 } else { part.weight },
        });
        let combination = match self.journey {
            true => Combination::Journey,
            false => Combination::Weighted,
        };
        Slo {
            indicator: Indicator::Composite(Composite {
                combination,
                parts: parts.collect(),
            }),
            ..self.common(slo("whole", &[]), self.grouped)
        }
    }

    fn id(&self, part: usize) -> SloId {
        SloId::new(&format!("p{part}"), "availability")
    }

    fn common(&self, slo: Slo, grouped: bool) -> Slo {
        let period = Period::Rolling(PERIOD);
        Slo {
            objective: Objective::from_percent(90.0).unwrap(),
            reach: Reach::new(&policy(), &period),
            period,
            policy: Arc::new(policy()),
            group_by: zone_labels(grouped),
            document: Document::default(),
            ..slo
        }
    }

    fn feeds(&self) -> Vec<Feed> {
        let of = |feed: usize| {
            let parts = self.parts.iter().enumerate();
            let parts = parts.filter(|(_, part)| part.feed == feed);
            let slos = parts.map(|(at, part)| {
                let silent = Policy::silent();
                let mut slo = self.common(slo(&format!("p{at}"), &[]), part.grouped);
                slo.policy = Arc::new(silent);
                Arc::new(slo)
            });
            Feed::new(format!("f{feed}"), slos.collect())
        };
        let whole = Feed::new(KEY, vec![Arc::new(self.whole())]);
        vec![whole, of(0), of(1)]
    }

    /// The samples of a feed after one time up to another: scrapes 10 s and 25 s into each slot.
    fn series(&self, feed: usize, from: Timestamp, until: Timestamp) -> Vec<RawSeries> {
        let mut series = Vec::new();
        for (at, part) in self
            .parts
            .iter()
            .enumerate()
            .filter(|(_, p)| p.feed == feed)
        {
            for zone in &part.zones {
                for (code, bad) in [("200", false), ("500", true)] {
                    let mut value = 1000.0;
                    let begin = START - Span::from_hours(1);
                    let mut samples = vec![(begin, value), (START, value)];
                    for (scrape, events) in part.events.iter().enumerate() {
                        let (good_events, bad_events) = events[*zone];
                        value += f64::from(if bad { bad_events } else { good_events });
                        samples.push((scraped_at(scrape), value));
                    }
                    let samples = samples.into_iter();
                    let samples = samples.filter(|(at, _)| *at > from && *at <= until);
                    let labels = Labels::new([
                        (METRIC_NAME, "requests_total"),
                        ("service", &format!("p{at}")),
                        ("zone", ZONES[*zone]),
                        ("job", "web"),
                        ("code", code),
                    ]);
                    let samples = samples.map(|(at, value)| Sample { at, value });
                    series.push(RawSeries {
                        labels,
                        samples: samples.collect(),
                    });
                }
            }
        }
        series
    }

    /// What a part counted in a zone (or all of its zones) in `(now - window, now]`.
    fn counted(&self, part: usize, zone: Option<usize>, window: Span, now: Timestamp) -> Counts {
        let part = &self.parts[part];
        let mut counts = Counts::ZERO;
        for (scrape, events) in part.events.iter().enumerate() {
            let at = scraped_at(scrape);
            for of_zone in &part.zones {
                let here = zone.is_none_or(|zone| zone == *of_zone);
                if here && at > now - window && at <= now {
                    let (good, bad) = events[*of_zone];
                    counts += Counts {
                        bad: f64::from(bad),
                        total: f64::from(good + bad),
                    };
                }
            }
        }
        counts
    }

    /// The instances that the composite should have: label sets and the zone they stand for.
    fn instances(&self) -> Vec<(Labels, Option<usize>)> {
        let zoned = self
            .parts
            .iter()
            .filter(|part| part.grouped && self.grouped);
        let zones: BTreeSet<usize> = zoned.flat_map(|part| part.zones.clone()).collect();
        if zones.is_empty() {
            return vec![(Labels::empty(), None)];
        }
        let instance = |zone: &usize| (Labels::new([("zone", ZONES[*zone])]), Some(*zone));
        zones.iter().map(instance).collect()
    }
}

fn scraped_at(scrape: usize) -> Timestamp {
    let slot = START + SLOT.times(scrape as i64 / 2);
    slot + Span::from_secs(if scrape.is_multiple_of(2) { 10 } else { 25 })
}

fn options() -> Options {
    let mut options = Options::for_testing();
    options.reading.target_labels = vec!["job".to_owned()];
    options
}

/// The feeds on their way through the slots.
struct Run<'a> {
    plan: &'a Plan,
    engine: Engine,
    last_slot: [Timestamp; 2],
    last_good: [Timestamp; 2],
    failed: [bool; 2],
}

impl<'a> Run<'a> {
    fn new(plan: &'a Plan) -> Self {
        let mut engine = Engine::new(options(), Memories::default());
        let (feeds, routing) = (plan.feeds(), Routing::default());
        engine.step(START, Input::Configured { feeds, routing });
        for (feed, minutes) in plan.known_minutes.into_iter().enumerate() {
            let from = START - Span::from_mins(minutes);
            let input = Input::Read {
                feed: format!("f{feed}"),
                into: Book::Live,
                from,
                until: START,
                series: plan.series(feed, Timestamp::EPOCH, START),
            };
            engine.step(START, input);
        }
        Self {
            plan,
            engine,
            last_slot: [Timestamp::EPOCH; 2],
            last_good: [START; 2],
            failed: [false; 2],
        }
    }

    /// The next slot of a feed; returns the slot for which the composite was decided, if it was.
    fn arrive(&mut self, feed: usize, fails: bool) -> Option<Timestamp> {
        let slot = self.last_slot[feed].max(START) + SLOT;
        let evidence = if fails {
            Err(SourceFailure("refused".to_owned()))
        } else {
            let from = self.last_good[feed] - SLOT;
            self.last_good[feed] = slot;
            let series = self.plan.series(feed, from, slot);
            Ok(Evidence::Samples { from, series })
        };
        self.last_slot[feed] = slot;
        self.failed[feed] = fails;
        let feed = format!("f{feed}");
        self.engine.step(slot, Input::Slot { feed, evidence });
        let decided = self.engine.decided().iter();
        let mut of_whole = decided.filter(|(key, _)| key == KEY);
        of_whole.next().map(|(_, at)| *at)
    }

    /// The slot that all feeds with parts have reached.
    fn reached(&self) -> Timestamp {
        let feeds = self.plan.parts.iter().map(|part| part.feed);
        feeds.map(|feed| self.last_slot[feed]).min().unwrap()
    }

    /// What a part says of a window, by the oracle; `None` if nobody can know.
    fn share(
        &self,
        at: usize,
        zone: Option<usize>,
        window: Span,
        now: Timestamp,
    ) -> Option<Counts> {
        let part = &self.plan.parts[at];
        let known_from = START - Span::from_mins(self.plan.known_minutes[part.feed]);
        let known = !self.failed[part.feed] && known_from <= now - window;
        let zone = zone.filter(|_| part.grouped);
        known.then(|| self.plan.counted(at, zone, window, now))
    }

    fn combine(&self, ratios: &[f64]) -> f64 {
        let weights = || self.plan.parts.iter().map(|part| part.weight);
        match self.plan.journey {
            true => 1.0 - ratios.iter().map(|ratio| 1.0 - ratio).product::<f64>(),
            false => {
                let sum: f64 = weights().zip(ratios).map(|(w, ratio)| w * ratio).sum();
                sum / weights().sum::<f64>()
            }
        }
    }

    fn check(&self, now: Timestamp) -> Result<(), TestCaseError> {
        let evaluations = self.engine.evaluations(KEY).unwrap().1;
        let instances = self.plan.instances();
        prop_assert_eq!(evaluations.len(), instances.len());
        for (labels, zone) in instances {
            let evaluation = evaluations.iter().find(|e| e.id.labels == labels).unwrap();
            prop_assert_eq!(evaluation.at, now);
            for reading in &evaluation.readings {
                self.check_reading(reading, zone, now)?;
            }
            self.check_outcome(evaluation, zone, now)?;
            self.check_budget(evaluation, zone, now)?;
        }
        Ok(())
    }

    fn check_reading(
        &self,
        reading: &Reading,
        zone: Option<usize>,
        now: Timestamp,
    ) -> Result<(), TestCaseError> {
        let window = reading.window;
        let parts = 0..self.plan.parts.len();
        let shares: Vec<Option<Counts>> = parts
            .map(|part| self.share(part, zone, window, now))
            .collect();
        let ratio = |share: &Option<Counts>| match share {
            Some(counts) if counts.total > 0.0 => counts.bad / counts.total,
            _ => 0.0,
        };
        let ratios: Vec<f64> = shares.iter().map(ratio).collect();
        let burn = self.combine(&ratios) / 0.1;
        let factor = if window == Span::from_mins(5) || window == Span::from_mins(1) {
            3.0
        } else {
            1.5
        };
        if (burn - factor).abs() < 1e-9 {
            return Ok(());
        }
        let known: Vec<Counts> = shares.iter().copied().flatten().collect();
        let all_known = known.len() == shares.len();
        if !all_known && burn < factor {
            prop_assert_eq!(reading, &Reading::uncovered(window));
            return Ok(());
        }
        let got = reading.burn.unwrap();
        prop_assert!((got - burn).abs() < 1e-9, "{got} {burn} {window}");
        let sum = known.into_iter().fold(Counts::ZERO, |a, b| a + b);
        prop_assert_eq!(reading.counts, Some(sum));
        Ok(())
    }

    fn check_outcome(
        &self,
        evaluation: &Evaluation,
        zone: Option<usize>,
        now: Timestamp,
    ) -> Result<(), TestCaseError> {
        let failed = self.plan.parts.iter().any(|part| self.failed[part.feed]);
        let burning = evaluation.outcome == Outcome::Burning;
        let page = !evaluation.burning(Severity::Page).is_empty();
        let ticket = !evaluation.burning(Severity::Ticket).is_empty();
        prop_assert_eq!(burning, page || ticket);
        prop_assert_eq!(evaluation.outcome == Outcome::Failed, failed && !burning);
        prop_assert_eq!(evaluation.is_evidence(), !failed || burning);
        if evaluation.outcome == Outcome::NoTraffic {
            for part in 0..self.plan.parts.len() {
                let counts = self.share(part, zone, Span::from_mins(1), now).unwrap();
                prop_assert_eq!(counts.total, 0.0);
            }
        }
        Ok(())
    }

    fn check_budget(
        &self,
        evaluation: &Evaluation,
        zone: Option<usize>,
        now: Timestamp,
    ) -> Result<(), TestCaseError> {
        let mut ratios = Vec::new();
        let mut least = 1.0_f64;
        for (at, part) in self.plan.parts.iter().enumerate() {
            let zone = zone.filter(|_| part.grouped);
            // What a failed poll would have brought is not known.
            if self.last_good[part.feed] < now {
                return Ok(());
            }
            let counts = self.plan.counted(at, zone, PERIOD, now);
            let absent = zone.is_some_and(|zone| !part.zones.contains(&zone));
            let coverage = match absent {
                true => 1.0,
                false => now.since(START - Span::from_hours(1)).ratio(PERIOD),
            };
            least = least.min(coverage);
            let ratio = if counts.total > 0.0 {
                counts.bad / counts.total
            } else {
                0.0
            };
            ratios.push(ratio * coverage);
        }
        let consumed = self.combine(&ratios) / 0.1;
        let budget = evaluation.budget.unwrap();
        prop_assert!(
            (budget.consumed - consumed).abs() < 1e-9,
            "{budget:?} {consumed}"
        );
        prop_assert!((budget.coverage - least).abs() < 1e-9, "{budget:?} {least}");
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_composite_is_what_its_events_say(plan in plans()) {
        let mut run = Run::new(&plan);
        let mut decided_at = Timestamp::EPOCH;
        for (feed, fails) in plan.arrivals.clone() {
            if run.last_slot[feed] >= START + SLOT.times(SCRAPES as i64 / 2) {
                continue;
            }
            let decided = run.arrive(feed, fails);
            // Once per slot that all have reached, and never before.
            let reached = run.reached();
            prop_assert_eq!(decided, (reached > decided_at).then_some(reached));
            if decided.is_some() {
                decided_at = reached;
                run.check(reached)?;
            }
        }
    }

    #[test]
    fn an_unknown_part_never_makes_a_burn_higher(
        ratios in prop::collection::vec((0.1_f64..5.0, 0.0_f64..=1.0), 1..6),
        unknown in 0_usize..6,
    ) {
        for combination in [Combination::Journey, Combination::Weighted] {
            let whole = combined(combination, ratios.iter().copied());
            let bound = ratios.iter().enumerate();
            let bound = bound.map(|(at, (w, e))| (*w, if at == unknown { 0.0 } else { *e }));
            let bound = combined(combination, bound);
            prop_assert!(bound <= whole + 1e-12, "{bound} {whole}");
            prop_assert!((0.0..=1.0 + 1e-12).contains(&whole), "{whole}");
        }
    }
}
