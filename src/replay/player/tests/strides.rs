//! Strides against every slot: random worlds must come out the same.

use proptest::prelude::*;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::*;

const SERVICES: usize = 4;
const HOURS: i64 = 30;

fn slo(service: usize, policy: &str) -> String {
    format!(
        "---
apiVersion: slofuse/v1
kind: SLO
metadata: {{service: s{service}, name: availability}}
spec:
  objective: 99.{}
  period: 30d
  policy: {policy}
  {}
  sli:
    events:
      bad: requests_total{{service=\"s{service}\",code=~\"5..\"}}
      total: requests_total{{service=\"s{service}\"}}
",
        if service.is_multiple_of(2) { "9" } else { "0" },
        if service == 3 {
            "group_by: [instance]"
        } else {
            ""
        },
    ) + &shared(service)
}

/// One SLO of two services holds both back, or none.
fn shared(service: usize) -> String {
    match service {
        2 => "---
apiVersion: slofuse/v1
kind: SLO
metadata: {service: both, name: availability}
spec:
  objective: 99.9
  period: 30d
  policy: quick
  sli:
    events:
      bad: requests_total{service=~\"s[01]\",code=~\"5..\"}
      total: requests_total{service=~\"s[01]\"}
"
        .to_owned(),
        _ => String::new(),
    }
}

/// Short windows, so that a day shows what a month would.
const QUICK: &str = "---
apiVersion: slofuse/v1
kind: Policy
metadata: {name: quick}
spec:
  tiers:
    - {severity: page, budget: 2%, long: 1h, short: 5m, minimum_events: 2}
    - {severity: page, budget: 5%, long: 2h, short: 10m}
    - {severity: ticket, budget: 10%, long: 6h, short: 30m, pending: 5m}
  hold: 2m
  recover: 0.9
  budget:
    thresholds: [50%, 100%]
    exhaustion_within: 2d
";

fn world_script(seed: u64) -> Script {
    let slos: String = (0..SERVICES).map(|at| slo(at, "quick")).collect();
    let loaded = config::embedded(SETTINGS, &format!("{QUICK}{slos}")).unwrap();
    let mut script = Script {
        slos: loaded.definitions.iter().map(|d| d.slo.clone()).collect(),
        routing: loaded.settings.routing,
        ..script()
    };
    let mut rng = SmallRng::seed_from_u64(!seed);
    let reading = &mut script.options.reading;
    reading.forget_after = Span::from_hours([1, 4, 24][rng.random_range(0..3)]);
    reading.interval = Span::from_secs([30, 30, 60, 15, 10, 45][rng.random_range(0..6)]);
    script.tick = reading.interval;
    script
}

/// What a service goes through in a stretch of time.
#[derive(Clone, Copy)]
struct Weather {
    rate: f64,
    errors: f64,
    missed: f64,
}

fn weather(rng: &mut SmallRng) -> Weather {
    let errors = [0.0, 0.0, 1e-4, 5e-4, 2e-3, 0.02, 0.2, 1.0];
    Weather {
        rate: [0.002, 0.05, 2.0, 50.0][rng.random_range(0..4)],
        errors: errors[rng.random_range(0..errors.len())],
        missed: [0.0, 0.0, 0.01, 0.3, 1.0][rng.random_range(0..5)],
    }
}

/// Counters of seconds have fractions.
fn has_fractions(seed: u64) -> bool {
    seed.is_multiple_of(5)
}

/// Pods that come, restart, go and come back, with series that begin late.
fn world(seed: u64) -> MemoryReel {
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut series = Vec::new();
    for service in 0..SERVICES {
        let troubled = rng.random_bool(0.7);
        let mut at = -8 * 3_600;
        let mut spells = Vec::new();
        while at < HOURS * 3_600 {
            let calm = Weather {
                rate: 20.0,
                errors: 1e-4,
                missed: 0.0,
            };
            let is_calm = !troubled || rng.random_bool(0.6);
            spells.push((at, if is_calm { calm } else { weather(&mut rng) }));
            at += rng.random_range(120..4 * 3_600);
        }
        for pod in 0..rng.random_range(1..4) {
            let begins = match rng.random_bool(0.5) {
                true => -8 * 3_600,
                false => rng.random_range(-3_600..HOURS * 3_600),
            };
            let phase = rng.random_range(0..15_000);
            let shared = rng.random_bool(0.3);
            let is_split = has_fractions(seed) && pod == 0;
            let unit = if is_split { 0.1 } else { 1.0 };
            let (mut good, mut bad) = (0.0_f64, 0.0_f64);
            let (mut of_good, mut of_bad) = (Vec::new(), Vec::new());
            for scrape in begins / 15..HOURS * 240 {
                let second = scrape * 15;
                let spell = spells.iter().rev().find(|(from, _)| *from <= second);
                let weather = spell.map_or(spells[0].1, |(_, weather)| *weather);
                let requests = (weather.rate * 15.0 + rng.random::<f64>()).floor();
                let failed = (requests * weather.errors + rng.random::<f64>()).floor();
                let failed = if weather.errors > 0.0 {
                    failed.min(requests)
                } else {
                    0.0
                };
                (good, bad) = (good + requests - failed, bad + failed);
                if rng.random_bool(0.0005) {
                    (good, bad) = (0.0, 0.0);
                }
                if rng.random_bool(weather.missed) {
                    continue;
                }
                let sample = |value| Sample {
                    at: Timestamp::from_millis(BEGIN.as_millis() + second * 1_000 + phase),
                    value: value * unit,
                };
                of_good.push(sample(good));
                if bad > 0.0 {
                    of_bad.push(sample(bad));
                }
            }
            for (code, samples) in [("200", of_good), ("500", of_bad)] {
                let instance = match shared {
                    true => "shared".to_owned(),
                    false => format!("s{service}-{pod}"),
                };
                let labels = Labels::new([
                    (METRIC_NAME, "requests_total".to_owned()),
                    ("job", "shop".to_owned()),
                    ("service", format!("s{service}")),
                    ("instance", instance),
                    ("pod", format!("{pod}")),
                    ("code", code.to_owned()),
                ]);
                series.push(RawSeries { labels, samples });
            }
        }
    }
    let reel = MemoryReel::new(series);
    match rng.random_bool(0.3) {
        true => {
            let from = BEGIN + Span::from_secs(rng.random_range(0..HOURS * 3_600));
            reel.with_outage(from, from + Span::from_secs(rng.random_range(60..3_600)))
        }
        false => reel,
    }
}

/// What was seen, and the counters and windows that are left.
fn played(seed: u64, strides: bool) -> (Slots, String) {
    let mut reel = world(seed);
    let player = Player::begin(&world_script(seed), &mut reel, BEGIN).unwrap();
    let mut player = player.with_strides(strides);
    let mut seen = Slots::default();
    let until = BEGIN + Span::from_hours(HOURS);
    player.play(&mut reel, until, &mut seen).unwrap();
    let measures = player.feeds().iter();
    let measures = measures.filter_map(|feed| player.engine().measure(&feed.key));
    let left = measures.map(|measure| format!("{measure:#?}\n")).collect();
    (seen, left)
}

/// The first line that differs, with those before it.
fn difference(one: &str, other: &str) -> Option<String> {
    let lines = || one.lines().zip(other.lines()).enumerate();
    let (at, (line, expected)) = lines().find(|(_, (line, expected))| line != expected)?;
    let before: Vec<&str> = one.lines().take(at).collect();
    let before = before[before.len().saturating_sub(40)..].join("\n");
    Some(format!("{before}\n{line}\ninstead of\n{expected}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn strides_tell_the_same_at_the_same_times(seed in any::<u64>()) {
        let ((each, left), (strode, left_strode)) = (played(seed, false), played(seed, true));
        // Sums of fractions depend on the order in which they are read, by binary dust.
        if !has_fractions(seed) {
            prop_assert_eq!(difference(&left_strode, &left), None);
        }
        prop_assert_eq!(&strode.journal.transitions, &each.journal.transitions);
        prop_assert_eq!(&strode.journal.sent, &each.journal.sent);
        prop_assert_eq!(&strode.journal.mutes, &each.journal.mutes);
        prop_assert_eq!(&strode.unalerted, &each.unalerted);
        prop_assert!(strode.decided <= each.decided);
    }
}

#[test]
fn most_slots_of_a_calm_day_are_left_out_and_an_outage_is_not() {
    let mut total = (0, 0, 0);
    for seed in 0..3 {
        let ((each, _), (strode, _)) = (played(seed, false), played(seed, true));
        total.0 += each.decided;
        total.1 += strode.decided;
        total.2 += each.journal.transitions.len();
    }
    assert!(
        total.1 * 10 < total.0 * 9,
        "{} of {} slots",
        total.1,
        total.0
    );
    assert!(total.2 > 10, "{} transitions", total.2);
}
