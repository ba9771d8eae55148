//! The arithmetic of samples against the truth of events: every sum of every window at every
//! slot, in worlds with crash loops, churn, lazy series, missed scrapes, holes and failing polls.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::engine::feed::tests::{selector, slo};
use crate::engine::labels::METRIC_NAME;
use crate::engine::period::Period;
use crate::engine::sample::Sample;
use crate::engine::slo::{Slo, Term};

mod world;

use world::{Asked, Known, SLOT, START, Weather, World, ZONES};

const REQUESTS: &str = "requests_total";
const JOBS: &str = "jobs_total";

fn weather() -> impl Strategy<Value = Weather> {
    let size = (any::<u64>(), 20_i64..160, 1_usize..4);
    let lives = (
        prop_oneof![Just(600_i64), Just(100_000)],
        prop_oneof![Just(200_i64), Just(2_000), Just(100_000)],
    );
    let rate = prop_oneof![Just(0.01), Just(0.3), Just(3.0)];
    let luck = (
        prop_oneof![Just(0.0), Just(0.05), Just(0.4)],
        prop_oneof![Just(0.0), Just(0.1), Just(0.7)],
        0_usize..3,
    );
    (size, lives, rate, luck).prop_map(|(size, lives, rate, luck)| Weather {
        seed: size.0,
        slots: size.1,
        pods: size.2,
        pod_life: lives.0,
        process_life: lives.1,
        rate,
        missed: luck.0,
        failed: luck.1,
        holes: luck.2,
    })
}

fn options() -> ReadingOptions {
    ReadingOptions {
        interval: Span::from_millis(SLOT),
        scrape_interval: Span::from_secs(15),
        target_labels: vec!["job".to_owned(), "instance".to_owned()],
        forget_after: Span::from_hours(24),
        instances_max: 100,
        drops: Drops::AreResets,
    }
}

/// An SLO on one metric, with all pods in one instance or one instance per zone.
fn slo_on(metric: &str, name: &str, group_by: &[&str]) -> Arc<Slo> {
    let of = [(METRIC_NAME, "=", metric), ("service", "=", "shop")];
    let mut bad = of.to_vec();
    bad.push(("code", "=~", "5.."));
    let plus = |matchers: &[_]| Term {
        coefficient: 1.0,
        selector: selector(matchers),
    };
    Arc::new(Slo {
        id: SloId::new("shop", name),
        indicator: Indicator::Counters {
            bad: vec![plus(&bad)],
            total: vec![plus(&of)],
        },
        ..slo("shop", group_by)
    })
}

/// The SLOs of some metrics; its key lists them.
fn feed(metrics: &[&str]) -> Feed {
    let both = |metric: &&str| {
        [
            slo_on(metric, &format!("all-{metric}"), &[]),
            slo_on(metric, &format!("zoned-{metric}"), &["zone"]),
        ]
    };
    Feed::new(metrics.join(","), metrics.iter().flat_map(both).collect())
}

/// Every instance of a metric's two SLOs.
fn instances(metric: &str) -> Vec<(InstanceId, Option<&'static str>)> {
    let all = InstanceId {
        slo: SloId::new("shop", &format!("all-{metric}")),
        labels: Labels::empty(),
    };
    let zoned = |zone: &'static str| {
        let slo = SloId::new("shop", &format!("zoned-{metric}"));
        (
            InstanceId {
                slo,
                labels: Labels::new([("zone", zone)]),
            },
            Some(zone),
        )
    };
    let mut instances = vec![(all, None)];
    instances.extend(ZONES.map(zoned));
    instances
}

fn windows() -> [Span; 6] {
    ["5m", "30m", "1h", "2h", "3d", "30d"].map(|text| Span::parse(text).unwrap())
}

fn sum(measure: &Measure, id: &InstanceId, window: Span, now: i64) -> Counts {
    let tally = measure.tally(id);
    tally.map_or(Counts::ZERO, |tally| {
        tally.window.sum(window, Timestamp::from_millis(now))
    })
}

fn slots(weather: &Weather) -> impl Iterator<Item = i64> + use<> {
    (0..=weather.slots).map(|slot| START + slot * SLOT)
}

/// Reads the poll of a slot if it has an answer.
fn poll(world: &mut World, measure: &mut Measure, feed: &Feed, now: i64) {
    if world.last_good(now) == Some(now) {
        let from = world.poll_from(now);
        let series = world.poll(feed.key.split(','), from, now);
        let (from, until) = (Timestamp::from_millis(from), Timestamp::from_millis(now));
        measure.read(feed, &options(), from, until, &series);
    }
}

/// Saved and read back, as by a restart.
fn resumed(measure: &Measure, feed: &Feed) -> Measure {
    let bytes = postcard::to_stdvec(measure).unwrap();
    let mut back: Measure = postcard::from_bytes(&bytes).unwrap();
    back.attach(feed, &options());
    back
}

fn assert_known(got: Counts, known: &Known, context: &str) {
    let between = |least: f64, got: f64, most: f64| least <= got && got <= most;
    assert!(
        between(known.least.total, got.total, known.most.total)
            && between(known.least.bad, got.bad, known.most.bad),
        "{context}: {got:?} is not {known:?}"
    );
}

/// Checks every instance of a metric in every window: the sum is between what its readers know.
fn check(world: &World, measure: &Measure, metric: &str, known: &[&world::Knowledge], now: i64) {
    let last_good = world.last_good(now).unwrap();
    for (id, zone) in instances(metric) {
        for window in windows() {
            let sums = known
                .iter()
                .map(|known| known.sum(zone, window, now, last_good));
            let known = sums.reduce(Known::or).unwrap();
            let context = format!("{id} over {window} at slot {}", (now - START) / SLOT);
            assert_known(sum(measure, &id, window, now), &known, &context);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The central promise: whatever the samples contain is counted, once, at its time.
    #[test]
    fn windows_hold_what_the_samples_can_tell(weather in weather()) {
        let mut world = World::new(&weather);
        let from = world.poll_from(START);
        let asked = Asked { metrics: vec![(REQUESTS, from)], trusts_from: from };
        let known = world.knowledge(REQUESTS, &asked);
        let feed = feed(&[REQUESTS]);
        let mut measure = Measure::default();
        for now in slots(&weather) {
            poll(&mut world, &mut measure, &feed, now);
            check(&world, &measure, REQUESTS, &[&known], now);
        }
    }

    /// A restart at any slot changes no window, not even inside a hole.
    #[test]
    fn a_resumed_measure_reads_on(weather in weather(), restart in 0_i64..100) {
        let (mut world, mut other) = (World::new(&weather), World::new(&weather).shuffled());
        let feed = feed(&[REQUESTS]);
        let (mut steady, mut restarted) = (Measure::default(), Measure::default());
        for now in slots(&weather) {
            if now == START + restart * SLOT {
                restarted = resumed(&restarted, &feed);
            }
            poll(&mut other, &mut restarted, &feed, now);
            poll(&mut world, &mut steady, &feed, now);
            for (id, _) in instances(REQUESTS) {
                for window in windows() {
                    prop_assert_eq!(
                        sum(&steady, &id, window, now),
                        sum(&restarted, &id, window, now)
                    );
                }
            }
        }
    }

    /// Reading the same samples again in long pieces ends in the same windows.
    #[test]
    fn a_fresh_reading_agrees(weather in weather(), piece in 1_i64..60) {
        let mut world = World::new(&weather);
        let feed = feed(&[REQUESTS]);
        let mut live = Measure::default();
        for now in slots(&weather) {
            poll(&mut world, &mut live, &feed, now);
        }
        let (begin, end) = (world.poll_from(START), START + weather.slots * SLOT);
        let mut fresh = Measure::default();
        let mut from = begin;
        while from < end {
            let until = end.min(from + piece * SLOT);
            let mut series = world.poll([REQUESTS], from, end);
            for series in &mut series {
                series.samples.retain(|sample| sample.at.as_millis() <= until);
            }
            let (start, stop) = (Timestamp::from_millis(from), Timestamp::from_millis(until));
            fresh.read(&feed, &options(), start, stop, &series);
            from = until;
        }
        for (id, _) in instances(REQUESTS) {
            for window in windows() {
                prop_assert_eq!(sum(&live, &id, window, end), sum(&fresh, &id, window, end));
            }
        }
    }

    /// An SLO that is added later counts from then on: what its series had counted before, on
    /// targets that are known for long, is no news. The SLO that was there is not disturbed.
    #[test]
    fn an_added_slo_does_not_count_old_totals(weather in weather(), reload in 1_i64..60) {
        let mut world = World::new(&weather);
        let reload = START + reload.min(weather.slots - 1) * SLOT;
        let first = slots(&weather).find(|now| *now >= reload && world.last_good(*now) == Some(*now));
        let first = first.unwrap();
        let from = world.poll_from(START);
        let metrics = vec![(REQUESTS, from), (JOBS, world.poll_from(first))];
        let read_until = world.last_good(first - 1).unwrap();
        // A pod that was born right before the reload may have been judged when only one of the
        // metrics was asked for, or together with what the first poll of both brought.
        let alone = Asked { metrics: vec![(REQUESTS, from)], trusts_from: from };
        let old_alone = world.knowledge(REQUESTS, &alone);
        let old = world.knowledge(REQUESTS, &Asked { metrics: metrics.clone(), trusts_from: from });
        let new = world.knowledge(JOBS, &Asked { metrics, trusts_from: read_until });
        let (feed, both) = (feed(&[REQUESTS]), feed(&[REQUESTS, JOBS]));
        let mut measure = Measure::default();
        for now in slots(&weather) {
            if now < reload {
                poll(&mut world, &mut measure, &feed, now);
                continue;
            }
            if now == reload {
                measure.attach(&both, &options());
            }
            poll(&mut world, &mut measure, &both, now);
            check(&world, &measure, REQUESTS, &[&old, &old_alone], now);
            if now >= first {
                check(&world, &measure, JOBS, &[&new], now);
            }
        }
    }
}

/// Polls of one series that a target exports beside an ever present other one.
fn raw(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> RawSeries {
    let at = |secs: i64| Timestamp::from_millis(START + secs * 1000);
    let samples = samples.iter().map(|(secs, value)| Sample {
        at: at(*secs),
        value: *value,
    });
    let base = [
        (METRIC_NAME, REQUESTS),
        ("service", "shop"),
        ("job", "shop"),
        ("instance", "a:80"),
    ];
    RawSeries {
        labels: Labels::new(base.iter().chain(labels).copied()),
        samples: samples.collect(),
    }
}

fn read(measure: &mut Measure, feed: &Feed, from: i64, until: i64, polled: &[RawSeries]) {
    let at = |secs: i64| Timestamp::from_millis(START + secs * 1000);
    measure.read(feed, &options(), at(from), at(until), polled);
}

/// All events ever of the ungrouped SLO on requests.
fn total(measure: &Measure, now: i64) -> Counts {
    let (id, _) = instances(REQUESTS).swap_remove(0);
    sum(measure, &id, Span::from_days(3), START + now * 1000)
}

#[test]
fn a_lazy_series_found_in_a_long_poll_is_booked_at_its_birth() {
    let feed = feed(&[REQUESTS]);
    let good: Vec<(i64, f64)> = (0..240).map(|n| (n * 15, 100.0)).collect();
    let bad = [(3000, 7.0), (3015, 8.0)];
    let polled = [
        raw(&[("code", "500")], &bad),
        raw(&[("code", "200")], &good),
    ];
    let mut measure = Measure::default();
    read(&mut measure, &feed, -1, 3600, &polled);
    let (id, _) = instances(REQUESTS).swap_remove(0);
    let window = |mins| sum(&measure, &id, Span::from_mins(mins), START + 3_600_000);
    assert_eq!((window(11).bad, window(9).bad), (8.0, 0.0));
}

#[test]
fn a_lazy_series_found_after_a_hole_is_spread_over_it() {
    let feed = feed(&[REQUESTS]);
    let mut measure = Measure::default();
    let good = |secs| raw(&[("code", "200")], &[(secs, 100.0)]);
    read(&mut measure, &feed, -1, 30, &[good(15)]);
    let bad = raw(&[("code", "500")], &[(1215, 400.0)]);
    read(&mut measure, &feed, -15, 1230, &[good(1215), bad]);
    let (id, _) = instances(REQUESTS).swap_remove(0);
    let half = sum(&measure, &id, Span::from_mins(10), START + 1_230_000);
    assert_eq!((total(&measure, 1230).bad, half.bad), (400.0, 200.0));
}

#[test]
fn an_slo_without_labels_has_its_one_instance_for_ever() {
    let feed = feed(&[REQUESTS, JOBS]);
    let mut measure = Measure::default();
    read(
        &mut measure,
        &feed,
        -1,
        15,
        &[raw(&[("code", "200")], &[(0, 1.0), (15, 2.0)])],
    );
    for minute in 1..26 * 60 {
        let job = raw(&[(METRIC_NAME, JOBS)], &[(minute * 60, 1.0)]);
        read(&mut measure, &feed, minute * 60 - 60, minute * 60, &[job]);
        measure.forget(&feed, &options());
    }
    let lost = &instances(REQUESTS)[0].0;
    assert!(measure.tally(lost).is_some() && !measure.is_gone(lost, &options()));
    assert_eq!(measure.series_count(), 1);
}

#[test]
fn a_counter_that_starts_with_nonsense_is_as_old_as_its_first_sane_sample() {
    let feed = feed(&[REQUESTS]);
    let mut measure = Measure::default();
    let polled = [raw(
        &[("code", "200")],
        &[(0, f64::NAN), (15, 5_000.0), (30, 5_001.0)],
    )];
    read(&mut measure, &feed, -1, 30, &polled);
    assert_eq!(total(&measure, 60).total, 1.0);
}

#[test]
fn hostile_values_leave_finite_sums() {
    let feed = feed(&[REQUESTS]);
    let values = [
        0.0,
        f64::INFINITY,
        f64::MAX,
        -1.0,
        f64::NAN,
        1e200,
        0.0,
        1e200,
        1e-300,
    ];
    let samples: Vec<(i64, f64)> = (0..).map(|n| n * 15).zip(values).collect();
    let mut measure = Measure::default();
    let codes = ["200", "500", "501", "502"].map(|code| raw(&[("code", code)], &samples));
    read(&mut measure, &feed, -1, 300, &codes);
    let counts = total(&measure, 300);
    assert!(
        counts.total.is_finite() && counts.bad.is_finite(),
        "{counts:?}"
    );
    assert!(counts.total > 7e200, "{counts:?}");
}

#[test]
fn other_windows_are_not_covered_by_what_was_counted_in_the_old_ones() {
    let mut measure = Measure::default();
    let before = feed(&[REQUESTS]);
    read(
        &mut measure,
        &before,
        -1,
        30,
        &[raw(&[("code", "500")], &[(0, 1.0), (15, 9.0)])],
    );
    let mut longer = (*before.slos[0]).clone();
    longer.period = Period::Rolling(Span::from_days(7));
    longer.reach.period = Span::from_days(7);
    let id = longer.id.clone();
    let after = Feed::new("f", vec![Arc::new(longer), before.slos[1].clone()]);
    measure.attach(&after, &options());
    assert_eq!(measure.covered_from(&id), None, "its windows are new");
    assert!(
        measure.covered_from(&before.slos[1].id).is_some(),
        "the other goes on"
    );
    read(
        &mut measure,
        &after,
        0,
        60,
        &[raw(&[("code", "500")], &[(15, 9.0), (45, 11.0)])],
    );
    let start = Timestamp::from_millis(START);
    assert_eq!(measure.covered_from(&id), Some(start + Span::from_secs(30)));
    assert_eq!(total(&measure, 60).bad, 2.0);
}

#[test]
fn an_slo_has_only_so_many_instances() {
    let few = ReadingOptions {
        instances_max: 3,
        ..options()
    };
    let feed = feed(&[REQUESTS]);
    let zones: Vec<String> = (0..9).map(|zone| format!("z{zone}")).collect();
    let polled: Vec<RawSeries> = zones
        .iter()
        .map(|zone| raw(&[("zone", zone)], &[(0, 1.0), (15, 2.0)]))
        .collect();
    let mut measure = Measure::default();
    let at = |secs: i64| Timestamp::from_millis(START + secs * 1000);
    measure.read(&feed, &few, at(-1), at(30), &polled);
    assert_eq!((measure.tallies().len(), measure.refused_count()), (4, 6));
    measure.attach(&feed, &few);
    assert_eq!(measure.tallies().len(), 4);
    assert_eq!(
        total(&measure, 60).total,
        9.0,
        "the ungrouped SLO counts them all"
    );
}

/// What is left of an east zone that ends after an hour, and of series in all, after `hours`.
fn after_hours(hours: i64, feed: &Feed, dark: std::ops::Range<i64>) -> (bool, usize) {
    let mut measure = Measure::default();
    let (east, _) = instances(REQUESTS).swap_remove(1);
    for minute in 0..hours * 60 {
        let now = minute * 60;
        let mut polled = vec![raw(&[("zone", "west")], &[(now, now as f64)])];
        if minute < 60 {
            polled.push(raw(&[("zone", "east")], &[(now, now as f64)]));
        }
        if !dark.contains(&(minute / 60)) {
            read(&mut measure, feed, now - 60, now, &polled);
            measure.forget(feed, &options());
        }
    }
    assert_eq!(
        measure.is_gone(&east, &options()),
        measure.tally(&east).is_none()
    );
    (measure.tally(&east).is_some(), measure.series_count())
}

#[test]
fn what_is_gone_is_forgotten_but_not_after_an_outage() {
    let feed = feed(&[REQUESTS]);
    assert_eq!(after_hours(24, &feed, 0..0), (true, 2));
    assert_eq!(after_hours(26, &feed, 0..0), (false, 1));
    assert_eq!(after_hours(50, &feed, 1..30), (true, 2), "nobody looked");
    assert_eq!(after_hours(56, &feed, 1..30), (false, 1));
}

fn slices(group_by: &[&str], graded: bool) -> Feed {
    let indicator = Indicator::Slices {
        condition: "up".to_owned(),
        slice: Span::from_mins(1),
        graded,
    };
    let definition = Slo {
        indicator,
        ..slo("shop", group_by)
    };
    Feed::new("f", vec![Arc::new(definition)])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every slice counts once, however often it is read; the worst series says how bad it is.
    #[test]
    fn slices_are_counted_once(
        values in prop::collection::vec(prop::array::uniform2(prop::option::of(0_usize..6)), 1..120),
        restart in 0_usize..120,
        graded in any::<bool>(),
    ) {
        const VALUES: [f64; 6] = [0.0, 1.0, f64::NAN, f64::INFINITY, -3.0, 0.25];
        let feed = slices(&["zone"], graded);
        let mut measure = Measure::default();
        let (mut truth, mut seen) = (Counts::ZERO, false);
        for (minute, both) in values.iter().enumerate() {
            let here: Vec<f64> = both.iter().flatten().map(|n| VALUES[*n]).collect();
            seen |= !here.is_empty();
            let grades: Vec<f64> = match graded {
                true => here.into_iter().filter(|v| !v.is_nan()).collect(),
                false => here
                    .into_iter()
                    .map(|v| if v == 0.0 || v.is_nan() { 0.0 } else { 1.0 })
                    .collect(),
            };
            if let Some(worst) = grades.into_iter().reduce(f64::min) {
                truth += Counts { bad: (1.0 - worst).clamp(0.0, 1.0), total: 1.0 };
            }
            let series = |which: usize| -> Vec<(i64, f64)> {
                let recent = values.iter().take(minute + 1).enumerate().skip(minute.saturating_sub(2));
                let sample = |(at, both): (usize, &[Option<usize>; 2])| {
                    Some((at as i64 * 60, VALUES[both[which]?]))
                };
                recent.filter_map(sample).collect()
            };
            let (ones, twos) = (series(0), series(1));
            let labels = |code| [("zone", "east"), ("code", code)];
            let polled = [raw(&labels("1"), &ones), raw(&labels("2"), &twos)];
            let now = minute as i64 * 60;
            if minute == restart {
                measure = resumed(&measure, &feed);
            }
            read(&mut measure, &feed, now - 150, now, &polled);
            let sums: Vec<Counts> = measure
                .tallies()
                .iter()
                .map(|tally| tally.window.sum(Span::from_days(3), Timestamp::from_millis(START + now * 1000)))
                .collect();
            let expect = if seen { vec![truth] } else { vec![] };
            prop_assert_eq!(sums, expect);
        }
    }
}
