//! What each slot should say, from a plain list of events and a plain list of midnights.
//!
//! The oracle knows no ring: it asks of every event whether it lies in a window, and weighs those
//! whose bucket the window cuts by the share that lies inside. Whether a tier burns by events it
//! decides in the words of its definition: more bad events than its fraction of those allowed.

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use proptest::prelude::*;

use super::*;
use crate::engine::burn::Verdict;
use crate::engine::evaluation::{Evaluation, Memory, TierStatus, from_tally};

/// A slot in milliseconds, and the width of the fine buckets.
const SLOT: i64 = 30_000;
const HOUR: i64 = 3_600_000;
/// The longest tier window: up to here the fine buckets reach.
const FINE: i64 = 72 * HOUR;

const UNITS: [CalendarUnit; 4] = [
    CalendarUnit::Week,
    CalendarUnit::Month,
    CalendarUnit::Quarter,
    CalendarUnit::Year,
];
/// With clock changes of an hour and of half an hour, in spring and in autumn, and off the hour.
const ZONES: [&str; 6] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/St_Johns",
];

#[derive(Clone, Copy, Debug)]
struct Event {
    at: i64,
    bad: f64,
    total: f64,
}

/// Events in the order of time, of an instance seen since `first`, on a feed read since `covered`.
#[derive(Clone, Debug)]
struct Past {
    slo: Slo,
    events: Vec<Event>,
    first: i64,
    covered: i64,
    /// When each calendar period begins.
    starts: Vec<i64>,
}

/// First instants of all units around the years of the test, found day by day.
fn midnights(unit: CalendarUnit, zone: &str) -> Vec<i64> {
    let zone: TimeZone = TimeZoneDatabase::bundled().get(zone).unwrap();
    let days = Date::constant(2023, 12, 1).series(jiff::Span::new().days(1));
    let begins = |day: &Date| match unit {
        CalendarUnit::Week => day.weekday() == jiff::civil::Weekday::Monday,
        CalendarUnit::Month => day.day() == 1,
        CalendarUnit::Quarter => day.day() == 1 && [1, 4, 7, 10].contains(&day.month()),
        CalendarUnit::Year => (day.month(), day.day()) == (1, 1),
    };
    let midnight = |day: Date| day.to_zoned(zone.clone()).unwrap().timestamp();
    let days = days.take_while(|day| day.year() < 2030).filter(begins);
    days.map(|day| midnight(day).as_millisecond()).collect()
}

/// What the oracle makes of the period at one slot.
#[derive(Debug)]
struct Truth {
    length: f64,
    spent: Counts,
    events: f64,
    coverage: f64,
    by_events: bool,
}

impl Past {
    fn until(&self, now: i64) -> impl DoubleEndedIterator<Item = &Event> {
        self.events.iter().filter(move |event| event.at <= now)
    }

    /// The events after `edge`, in buckets of this width.
    fn recount(&self, edge: i64, now: i64, width: i64) -> Counts {
        let weighed = self.until(now).map(|event| {
            let end = bucket(event.at, width) * width;
            let share = ((end - edge) as f64 / width as f64).clamp(0.0, 1.0);
            counts(event).scale(share)
        });
        weighed.fold(Counts::ZERO, |sum, counts| sum + counts)
    }

    fn window(&self, window: i64, now: i64) -> Counts {
        let budget_bucket = if self.slo.reach.quarters {
            HOUR / 4
        } else {
            HOUR
        };
        let width = if window <= FINE { SLOT } else { budget_bucket };
        self.recount(now - window, now, width)
    }

    fn truth(&self, now: i64) -> Truth {
        let by_budget = self.slo.policy.mode == Mode::Budget;
        match &self.slo.period {
            Period::Rolling(length) => {
                let length = length.as_millis();
                let spent = self.window(length, now);
                let coverage = ((now - self.first) as f64 / length as f64).min(1.0);
                Truth {
                    length: length as f64,
                    spent,
                    events: if coverage > 0.0 {
                        spent.total / coverage
                    } else {
                        0.0
                    },
                    coverage,
                    by_events: by_budget,
                }
            }
            Period::Calendar(_) => {
                let next = self.starts.partition_point(|start| *start <= now);
                let (start, end) = (self.starts[next - 1], self.starts[next]);
                // Not weighed: the edge of the period is exact.
                let inside = self.until(now).filter(|event| event.at > start);
                let spent = inside.fold(Counts::ZERO, |sum, event| sum + counts(event));
                let length = end - start;
                let known = (now - self.first).min(length);
                let expected = match known {
                    0 => 0.0,
                    known => {
                        let per_milli = self.window(length, now).total / known as f64;
                        spent.total + per_milli * (end - now) as f64
                    }
                };
                let coverage = match now - start {
                    0 => f64::from(u8::from(known > 0)),
                    elapsed => (known as f64 / elapsed as f64).min(1.0),
                };
                Truth {
                    length: length as f64,
                    spent,
                    events: expected,
                    coverage,
                    by_events: by_budget,
                }
            }
            Period::Events(last) => self.last(*last, now),
        }
    }

    fn last(&self, last: LastEvents, now: i64) -> Truth {
        let wanted = last.events as f64;
        let within = last.within.as_millis();
        let fine = self.walk(wanted, SLOT, now - FINE.min(within), now);
        let found = fine.or_else(|| self.walk(wanted, HOUR, now - within, now));
        let (spent, length) = found.unwrap_or_else(|| {
            let all = self.window(within, now);
            let known = (now - self.first).min(within) as f64;
            let length = match all.total > 0.0 {
                true => known * wanted / all.total,
                false => within as f64,
            };
            (all, length)
        });
        Truth {
            length: length.max(1000.0),
            spent,
            events: wanted,
            coverage: (spent.total / wanted).min(1.0),
            by_events: true,
        }
    }

    /// Back from the newest event until there are enough, bucket by bucket; of the last bucket
    /// only a share is needed. What that costs against the events themselves is checked here.
    fn walk(&self, wanted: f64, width: i64, edge: i64, now: i64) -> Option<(Counts, f64)> {
        let mut sum = Counts::ZERO;
        let mut number = bucket(now, width);
        let oldest = bucket(self.events.first()?.at, width);
        while number >= oldest {
            let inside = self
                .until(now)
                .filter(|event| bucket(event.at, width) == number);
            let here = inside.fold(Counts::ZERO, |sum, event| sum + counts(event));
            let missing = wanted - sum.total;
            if here.total >= missing {
                let share = missing / here.total;
                let at = (number * width) as f64 - share * width as f64;
                self.check_edge(wanted, (sum + here.scale(share)).bad, here.bad, now);
                let length = now as f64 - at;
                return (at >= edge as f64).then_some((sum + here.scale(share), length));
            }
            sum += here;
            number -= 1;
            // Nothing in between: an empty stretch need not be walked bucket by bucket.
            let before = self
                .until(now)
                .rfind(|event| bucket(event.at, width) <= number);
            number = before.map_or(oldest - 1, |event| bucket(event.at, width));
        }
        None
    }

    /// Among exactly the last events there are as many bad ones, but for those of one bucket.
    fn check_edge(&self, wanted: f64, got: f64, edge_bad: f64, now: i64) {
        let mut left = wanted;
        let mut bad = 0.0;
        for event in self.until(now).rev() {
            let share = (left / event.total.max(1.0)).min(1.0);
            bad += event.bad * share;
            left -= event.total * share;
        }
        assert!(
            (got - bad).abs() <= edge_bad + 1e-6,
            "{got} is not {bad}, edge {edge_bad}"
        );
    }

    /// Compares an evaluation with the truth.
    fn check(&self, got: &Evaluation, now: i64) {
        let truth = self.truth(now);
        let allowed = truth.events * self.slo.objective.budget_ratio();
        let budget = got.budget.unwrap();
        let consumed = if allowed > 0.0 {
            truth.spent.bad / allowed
        } else {
            0.0
        };
        let context = || format!("{} at {now}: {got:#?} is not {truth:?}", self.slo.period);
        assert!(
            close(budget.consumed, consumed),
            "consumed {consumed}: {}",
            context()
        );
        assert!(close(budget.remaining, 1.0 - consumed), "{}", context());
        assert!(close(budget.coverage, truth.coverage), "{}", context());
        let most = 1.0 / self.slo.objective.budget_ratio();
        assert!(
            (0.0..=most * 1.000_001).contains(&budget.consumed),
            "{}",
            context()
        );
        assert!((0.0..=1.0).contains(&budget.coverage), "{}", context());
        assert!(
            budget.consumed_by_alert <= budget.consumed + 1e-9,
            "{}",
            context()
        );
        let sla = got.sla.unwrap().budget;
        assert!(close(sla.consumed, budget.consumed / 5.0), "{}", context());
        // Lengths are whole milliseconds.
        let rounding = 2.0 / truth.length;
        for reading in &got.readings {
            let known = self.covered <= now - reading.window.as_millis();
            assert_eq!(reading.burn.is_some(), known, "{}", context());
            let counts = self.window(reading.window.as_millis(), now);
            let burn = self.burn(&truth, reading.window, counts);
            assert!(
                reading.burn.is_none_or(|got| within(got, burn, rounding)),
                "{burn}: {}",
                context()
            );
            assert!(
                reading
                    .counts
                    .is_none_or(|counts| counts.bad <= counts.total)
            );
        }
        for (tier, got) in self.slo.policy.tiers.iter().zip(&got.tiers) {
            self.check_tier(&truth, tier, got, now, &context);
        }
    }

    fn burn(&self, truth: &Truth, window: Span, counts: Counts) -> f64 {
        let whole = match truth.by_events && truth.events > 0.0 {
            true => truth.events * window.as_millis() as f64 / truth.length,
            false => counts.total,
        };
        let ratio = if whole > 0.0 { counts.bad / whole } else { 0.0 };
        ratio / self.slo.objective.budget_ratio()
    }

    fn check_tier(
        &self,
        truth: &Truth,
        tier: &crate::engine::policy::Tier,
        got: &TierStatus,
        now: i64,
        context: &dyn Fn() -> String,
    ) {
        let (long, short) = (tier.long.as_millis(), tier.short.as_millis());
        if self.covered > now - long {
            return;
        }
        let (in_long, in_short) = (self.window(long, now), self.window(short, now));
        let budget_ratio = self.slo.objective.budget_ratio();
        // By how much each window is above its limit, as a ratio.
        let (above_long, above_short) = if truth.by_events && truth.events > 0.0 {
            let limit = tier.budget_fraction * truth.events * budget_ratio;
            let share = short as f64 / long as f64;
            (in_long.bad / limit, in_short.bad / (limit * share))
        } else {
            let limit = tier.budget_fraction * truth.length / long as f64 * budget_ratio;
            let ratio = |counts: Counts| counts.error_ratio().unwrap_or(0.0);
            (ratio(in_long) / limit, ratio(in_short) / limit)
        };
        // On the very limit the last bit of a sum decides.
        if (above_long - 1.0).abs() < 1e-6 || (above_short - 1.0).abs() < 1e-6 {
            return;
        }
        let wanted = match (above_long > 1.0 && above_short > 1.0, in_long.bad) {
            (false, _) => Verdict::Quiet,
            (true, bad) if bad < tier.minimum_events => Verdict::TooFewEvents,
            (true, _) => Verdict::Burning,
        };
        assert_eq!(got.verdict, wanted, "{}: {}", tier.windows(), context());
        let factor = tier.budget_fraction * truth.length / long as f64;
        assert!(
            within(got.facts.factor, factor, 2.0 / truth.length),
            "{}",
            context()
        );
    }
}

fn counts(event: &Event) -> Counts {
    Counts {
        bad: event.bad,
        total: event.total,
    }
}

fn bucket(at: i64, width: i64) -> i64 {
    at.div_euclid(width) + i64::from(at.rem_euclid(width) > 0)
}

fn close(got: f64, wanted: f64) -> bool {
    within(got, wanted, 0.0)
}

/// Equal but for binary dust and a relative difference.
fn within(got: f64, wanted: f64, relative: f64) -> bool {
    (got - wanted).abs() <= (relative + 1e-9) * wanted.abs() + 1e-9
}

fn period() -> impl Strategy<Value = Period> {
    let rolling = prop_oneof![Just(3_i64), Just(7), Just(28), Just(30), Just(90)];
    let events = (prop_oneof![1_u64..50, 100_u64..100_000], 4_i64..60);
    prop_oneof![
        2 => rolling.prop_map(|days| Span::from_days(days).into()),
        6 => (0..UNITS.len(), 0..ZONES.len()).prop_map(|(at, zone)| unit(UNITS[at], ZONES[zone])),
        3 => events.prop_map(|(events, days)| {
            let within = Span::from_days(days);
            Period::Events(LastEvents { events, within })
        }),
    ]
}

/// A burst or two, a quiet night, some days of nothing: steps of seconds to days.
fn past() -> impl Strategy<Value = Past> {
    let step = prop_oneof![
        4 => 1_i64..40_000,
        4 => 40_000_i64..4 * HOUR,
        2 => 4 * HOUR..60 * HOUR,
        1 => 60 * HOUR..400 * HOUR,
    ];
    let bad = prop_oneof![6 => Just(0_u32), 2 => 1_u32..8, 1 => 1_u32..2_000];
    let event = (step, bad, prop_oneof![0_u32..20, 0_u32..20_000]);
    let events = prop::collection::vec(event, 1..70);
    // 2025-12-20 and the two years after it.
    let start = 1_766_188_800_000_i64..1_829_260_800_000;
    let lead = prop_oneof![Just(0_i64), 0..100 * HOUR, 0..1_000 * HOUR];
    let unread = prop_oneof![3 => Just(0_i64), 1 => 0..100 * HOUR];
    let mode = prop_oneof![Just(Mode::Ratio), Just(Mode::Budget)];
    let all = (period(), mode, start, events, lead, unread);
    all.prop_map(|(period, mode, start, steps, lead, unread)| {
        let mut slo = slo_over(period, mode);
        slo.sla = Some(Objective::from_percent(99.5).unwrap());
        let mut at = start;
        let mut events = Vec::new();
        for (step, bad, good) in steps {
            at += step;
            events.push(Event {
                at,
                bad: bad.into(),
                total: (bad + good).into(),
            });
        }
        let first = start - lead;
        let starts = match &slo.period {
            Period::Calendar(calendar) => midnights(calendar.calendar, calendar.zone.name()),
            _ => Vec::new(),
        };
        // Events right at the edges, of which each belongs to one side.
        for edge in starts.iter().filter(|edge| (start..at).contains(edge)) {
            for minutes in [-20, 0, 20] {
                events.push(Event {
                    at: edge + minutes * 60_000,
                    bad: 3.0,
                    total: 9.0,
                });
            }
        }
        events.sort_by_key(|event| event.at);
        Past {
            slo,
            events,
            first,
            covered: first + unread,
            starts,
        }
    })
}

/// The slots to look at: after every event, a while later, and around every edge in between.
fn slots(past: &Past) -> Vec<i64> {
    let up = |at: i64| bucket(at, SLOT) * SLOT;
    let after = |event: &Event| {
        let soon = [up(event.at), up(event.at) + 7 * SLOT];
        soon.into_iter()
            .chain([HOUR, 100 * HOUR].map(|later| up(event.at + later)))
    };
    let mut slots: Vec<i64> = past.events.iter().flat_map(after).collect();
    let (begin, end) = (past.first, slots.iter().copied().max().unwrap_or(0));
    let edges = past
        .starts
        .iter()
        .filter(|start| (begin..end).contains(start));
    slots.extend(edges.flat_map(|start| [start - SLOT, *start, start + SLOT, start + HOUR]));
    slots.sort_unstable();
    slots.dedup();
    slots
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Every slot says what the events say, of every kind of period and in both modes; saving
    /// and reading back before a slot changes nothing of it.
    #[test]
    fn every_slot_says_what_the_events_say(past in past(), restart in 0_usize..40) {
        let at = Timestamp::from_millis;
        let mut tally = tally(&past.slo, at(past.first));
        let mut fed = 0;
        for (number, now) in slots(&past).into_iter().enumerate() {
            while let Some(event) = past.events.get(fed).filter(|event| event.at <= now) {
                tally.window.add(at(event.at), counts(event));
                fed += 1;
            }
            tally.window.seal();
            tally.newest = Some(at(now));
            if now < past.first {
                continue;
            }
            let evaluate = |tally: &Tally| {
                from_tally(&past.slo, tally, Some(at(past.covered)), &Memory::default(), at(now))
            };
            let got = evaluate(&tally);
            past.check(&got, now);
            if number % 40 == restart {
                let bytes = postcard::to_stdvec(&tally).unwrap();
                tally = postcard::from_bytes(&bytes).unwrap();
                prop_assert_eq!(evaluate(&tally), got);
            }
        }
    }

    /// Whatever the clock and the counters say, a slot ends in finite numbers within bounds.
    #[test]
    fn extreme_times_and_counts_are_survived(
        period in period(),
        mode in prop_oneof![Just(Mode::Ratio), Just(Mode::Budget)],
        times in prop::collection::vec(prop_oneof![
            Just(i64::MIN), Just(i64::MAX), Just(0), Just(-1), any::<i64>(),
            (0_i64..253_402_300_800_000),
        ], 1..12),
        values in prop::collection::vec((any::<f64>(), any::<f64>()), 12),
    ) {
        let mut slo = slo_over(period, mode);
        slo.sla = Some(Objective::from_percent(99.5).unwrap());
        let mut tally = tally(&slo, Timestamp::from_millis(times[0]));
        for (now, (bad, total)) in times.into_iter().zip(values) {
            let now = Timestamp::from_millis(now);
            let tame = |value: f64| if value.is_finite() { value.clamp(-1e200, 1e200) } else { 1.0 };
            tally.window.add(now, Counts { bad: tame(bad), total: tame(total) });
            tally.newest = Some(now);
            for covered in [None, Some(Timestamp::from_millis(i64::MIN))] {
                let got = from_tally(&slo, &tally, covered, &Memory::default(), now);
                for budget in [got.budget.unwrap(), got.sla.unwrap().budget] {
                    prop_assert!(budget.consumed.is_finite() && budget.consumed >= 0.0, "{:?}", budget);
                    prop_assert!((0.0..=1.0).contains(&budget.coverage), "{:?}", budget);
                    prop_assert!(budget.consumed_by_alert.is_finite(), "{:?}", budget);
                }
                for reading in &got.readings {
                    prop_assert!(reading.burn.is_none_or(|burn| burn.is_finite() && burn >= 0.0));
                }
            }
        }
    }
}
