//! The month of the shop: its sums, its incident, its one late report.

use proptest::prelude::*;

use super::*;
use crate::demo::query::Query;

const START: Timestamp = Timestamp::from_secs(1_767_225_600);

fn world() -> World {
    World::new(START, 7)
}

fn selector(text: &str) -> Selector {
    Query::parse(text).unwrap().selector().clone()
}

fn history(world: &World, series: &Series) -> Vec<(Timestamp, f64)> {
    world.samples(series, world.begin(), START).collect()
}

#[test]
fn a_month_of_history_is_there() {
    let world = world();
    for series in &world.series {
        let samples = history(&world, series);
        let (first, last) = (samples[0].0, samples.last().unwrap().0);
        assert!(last.since(first) > Span::from_days(31), "{}", series.labels);
        for pair in samples.windows(2) {
            let apart = pair[1].0.since(pair[0].0).as_millis();
            assert!((14_980..=15_020).contains(&apart), "{apart} ms apart");
        }
    }
}

#[test]
fn counters_fall_only_when_their_pod_is_deployed() {
    let world = world();
    let counters = selector(r#"{__name__=~"http_request.*"}"#);
    assert_eq!(world.select(&counters).count(), 18);
    for series in world.select(&counters) {
        let samples = history(&world, series);
        let falls = samples.windows(2).filter(|pair| pair[1].1 < pair[0].1);
        let falls: Vec<Timestamp> = falls.map(|pair| pair[1].0).collect();
        assert_eq!(falls.len(), 5, "every week: {}", series.labels);
        for fall in falls {
            let deployed = world.deployed(series.target % PODS, fall);
            assert!(fall.since(deployed) <= Span::from_millis(15_020));
        }
        assert!(samples.iter().all(|(_, value)| value.fract() == 0.0));
    }
}

/// The sum over a history of samples, differenced as a reader would.
fn differenced(samples: &[(Timestamp, f64)]) -> f64 {
    let step = |pair: &[(Timestamp, f64)]| {
        let (before, after) = (pair[0].1, pair[1].1);
        if after < before {
            after
        } else {
            after - before
        }
    };
    samples.windows(2).map(step).sum()
}

#[test]
fn a_month_of_samples_sums_up_to_the_closed_form() {
    let world = world();
    let sum = |text: &str| -> f64 {
        let selector = selector(text);
        let series = world.select(&selector);
        series.map(|s| differenced(&history(&world, s))).sum()
    };
    let close = |sampled: f64, exact: f64, unseen: f64| {
        assert!(
            sampled <= exact && sampled >= exact - unseen,
            "{sampled} is not {exact}"
        );
    };
    // Unseen: up to 15 s before each of 5 deployments and at both ends, at the height of the wave.
    let unseen = 7.0 * 15.02 * 1.4;
    let all = world.checkout.requests(world.begin(), START);
    close(
        sum("http_requests_total"),
        all,
        unseen * world.checkout.mean,
    );
    let failed = world.failed(world.begin(), START);
    close(sum(r#"http_requests_total{code="500"}"#), failed, 20.0);
    let searches = world.search.requests(world.begin(), START);
    let unseen = unseen * world.search.mean;
    close(sum("http_request_duration_seconds_count"), searches, unseen);
    let fast = sum(r#"http_request_duration_seconds_bucket{le="0.3"}"#);
    close(fast, 0.996 * searches, unseen);
    assert!((failed / all - 0.000_1).abs() < 1e-12, "an ordinary month");
}

#[test]
fn buckets_are_cumulative() {
    let world = world();
    let read = |text: &str| -> Vec<f64> {
        let selector = selector(text);
        world
            .select(&selector)
            .map(|s| world.value(s, START))
            .collect()
    };
    let buckets = read(r#"http_request_duration_seconds_bucket{pod="search-0"}"#);
    assert_eq!(buckets.len(), BUCKETS.len());
    assert!(buckets.is_sorted());
    let all = read(r#"http_request_duration_seconds_count{pod="search-0"}"#);
    assert_eq!(buckets.last(), all.first());
}

/// Whether the SRE workbook's first page tier burns: 14.4 over 1h and 5m at 99.9 %.
fn burns(world: &World, at: Timestamp) -> bool {
    [Span::from_hours(1), Span::from_mins(5)]
        .iter()
        .all(|window| {
            let from = at - *window;
            world.failed(from, at) > 14.4 * 0.001 * world.checkout.requests(from, at)
        })
}

#[test]
fn the_incident_pages_at_any_time_of_day_and_ends() {
    for hour in 0..24 {
        for seed in 0..4 {
            let start = START + Span::from_hours(hour);
            let world = World::new(start, seed);
            let at = |secs| start + Span::from_secs(secs);
            assert!(!burns(&world, at(90)), "nothing burns before");
            let first = (0..3600).find(|secs| burns(&world, at(*secs))).unwrap();
            assert!(
                (90 + 360..90 + 480).contains(&first),
                "burns after {first} s"
            );
            assert!(
                !burns(&world, at(90 + 480 + 300)),
                "quiet 5 min after the end"
            );
        }
    }
}

#[test]
fn one_report_of_the_month_is_late() {
    let world = world();
    let selector = selector("report_last_success_timestamp_seconds");
    let series = world.select(&selector).next().unwrap();
    let samples = history(&world, series);
    let mut stale_days = Vec::new();
    for (at, value) in &samples {
        let age = at.as_secs_f64() - value;
        assert!((0.0..30.0 * 3600.0).contains(&age), "{age} s old at {at:?}");
        if age > 26.0 * 3600.0 {
            stale_days.push(at.align_down(DAY));
        }
    }
    let stale = stale_days.len();
    assert!(
        (160..320).contains(&stale),
        "about an hour: {stale} scrapes"
    );
    stale_days.dedup();
    assert_eq!(stale_days, [START - DAY.times(12)]);
}

#[test]
fn the_seed_is_the_world() {
    let requests = selector("http_requests_total");
    let samples = |seed| -> Vec<(Timestamp, f64)> {
        let world = World::new(START, seed);
        let series = world.select(&requests).next().unwrap();
        world
            .samples(series, START, START + Span::from_mins(1))
            .collect()
    };
    assert_eq!(samples(1), samples(1));
    assert_ne!(samples(1), samples(2));
}

proptest! {
    #[test]
    fn ranges_are_left_open_and_overlaps_agree(
        seed: u64,
        at in 0..86_400_000_i64,
        lengths in proptest::array::uniform3(0..120_000_i64),
    ) {
        let world = World::new(START, seed);
        let series = &world.series[seed as usize % world.series.len()];
        let mut edge = START - Span::from_days(1) + Span::from_millis(at);
        let from = edge;
        let mut pieces = Vec::new();
        for length in lengths {
            let next = edge + Span::from_millis(length);
            let piece: Vec<_> = world.samples(series, edge, next).collect();
            prop_assert!(piece.iter().all(|(at, _)| edge < *at && *at <= next));
            pieces.extend(piece);
            edge = next;
        }
        let whole: Vec<_> = world.samples(series, from, edge).collect();
        prop_assert_eq!(&pieces, &whole);
        if let Some((last, _)) = whole.last() {
            let until = world.samples(series, from, *last).last();
            prop_assert_eq!(until, whole.last().copied(), "a sample at the end belongs to it");
            prop_assert_eq!(world.samples(series, *last, *last).next(), None);
        }
    }
}

#[test]
fn times_far_away_are_survived() {
    let world = world();
    let series = &world.series[0];
    let far = Timestamp::from_secs(253_402_300_799);
    assert!(world.samples(series, far - Span::from_mins(1), far).count() >= 3);
    assert_eq!(
        world
            .samples(series, Timestamp::EPOCH, Timestamp::EPOCH)
            .count(),
        0
    );
    let early = World::new(Timestamp::EPOCH, 1);
    let samples: Vec<_> = early
        .samples(series, early.begin(), Timestamp::EPOCH)
        .collect();
    assert!(samples.is_sorted_by(|a, b| a.0 < b.0));
}
