//! Wishes that arithmetic forbids, and bursts that do not disturb each other.

use super::burst::Bursts;
use super::*;
use crate::config;
use crate::engine::{Objective, Options, ReadingOptions, Timestamp};

const SETTINGS: &str = "
definitions: [none]
receivers:
  - {name: somebody, console: {}}
routes: {default: [somebody]}
";

fn slo(objective: f64) -> Arc<Slo> {
    let definitions = format!(
        "apiVersion: slofuse/v1
kind: SLO
metadata: {{service: shop, name: api}}
spec:
  objective: {objective}
  sli: {{events: {{bad: errors_total, total: requests_total}}}}
"
    );
    let loaded = config::embedded(SETTINGS, &definitions).map_err(|found| found.to_string());
    loaded.unwrap().definitions[0].slo.clone()
}

fn reading() -> ReadingOptions {
    Options::for_testing().reading
}

fn burst(error_ratio: f64, within: Span) -> Burst {
    Burst {
        error_ratio,
        within,
    }
}

fn percent(percent: f64) -> Option<Objective> {
    Some(Objective::from_percent(percent).unwrap())
}

#[test]
fn wishes_that_cannot_be_are_named_with_the_reason() {
    let impossible = |wishes: Wishes| wishes.impossible(&slo(99.9), &reading());
    assert_eq!(impossible(Wishes::default()).len(), 1);
    let contradiction = impossible(Wishes {
        objective_at_least: percent(99.9),
        objective_at_most: percent(99.5),
        ..Wishes::default()
    });
    assert_eq!(
        contradiction,
        ["the objective cannot be at least 99.9 and at most 99.5"]
    );
    let early = impossible(Wishes {
        bursts: vec![burst(0.1, Span::from_secs(45))],
        ..Wishes::default()
    });
    assert_eq!(
        early,
        [
            "errors of 10% cannot be seen within 45s: a sample is up to 15s old (scrape \
             interval) and is looked at every 30s (slot), so wish for more than 45s"
        ]
    );
    let allowed = impossible(Wishes {
        bursts: vec![burst(0.005, Span::from_mins(60))],
        objective_at_most: percent(99.0),
        ..Wishes::default()
    });
    assert!(
        allowed[0].contains("within the budget of 99"),
        "{allowed:?}"
    );
    // 1 % for 4m15s of an hour is 0.0708 % of it: an objective of 99.929 has that budget.
    let slow = |most: f64| {
        impossible(Wishes {
            bursts: vec![burst(0.01, Span::from_mins(5))],
            objective_at_most: percent(most),
            ..Wishes::default()
        })
    };
    assert!(
        slow(99.9)[0].contains("at least 99.929"),
        "{:?}",
        slow(99.9)
    );
    assert_eq!(slow(99.93), Vec::<String>::new());
}

#[test]
fn closed_forms_agree_with_the_workbook() {
    // Chapter 5, table 5-8: at 99.9 % over 30 d, with all requests failing, 2 % of the budget is
    // gone after 52 s; with a tenth of them, after 8m38s.
    let slo = slo(99.9);
    let past = Past {
        events_per_hour: [1e6; 3],
        ..Past::default()
    };
    let present = Candidate::present(&slo);
    let detection = |ratio| {
        let burst = burst(ratio, Span::from_mins(5));
        let time = present.detection(&burst, slo.period.nominal(), &past, &reading());
        time.map(|time| (time - Span::from_secs(45)).as_secs_f64())
    };
    let close = |left: Option<f64>, right: f64| (left.unwrap() - right).abs() < 0.01;
    assert!(close(detection(1.0), 51.84), "{:?}", detection(1.0));
    assert!(close(detection(0.1), 518.4), "{:?}", detection(0.1));
    // 1 % is 10x: too slow for 14.4x, and 5 % of the budget is spent after 3h36m.
    assert!(close(detection(0.01), 12_960.0), "{:?}", detection(0.01));
    // 0.5 % is 5x: below both.
    assert_eq!(detection(0.005), None);
    // Five failures of ten requests an hour take five hours when a tenth fails: no hour has them.
    let quiet = Past {
        events_per_hour: [10.0; 3],
        ..Past::default()
    };
    let all = burst(1.0, Span::from_mins(5));
    let time = present.detection(&all, slo.period.nominal(), &quiet, &reading());
    assert_eq!(time, Some(Span::from_mins(30) + Span::from_secs(45)));
}

#[test]
fn bursts_are_far_apart_and_at_different_times_of_day() {
    let from = Timestamp::from_secs(1_772_323_200);
    let until = from + Span::from_days(30);
    let wishes = [
        burst(0.1, Span::from_mins(5)),
        burst(0.5, Span::from_mins(20)),
    ];
    let window = Span::from_hours(6);
    let plan = |seed| Bursts::new(&wishes, (from, until), window, seed).plan();
    let injections = plan(1).injections().to_vec();
    assert_eq!(injections.len(), 2 * BURSTS_EACH);
    assert_eq!(plan(1), plan(1));
    assert_ne!(plan(1), plan(2));
    for pair in injections.windows(2) {
        assert!(pair[1].start - window >= pair[0].end);
    }
    let night = |start: Timestamp| start.since(start.align_down(Span::from_days(1)));
    let early = injections
        .iter()
        .filter(|i| night(i.start) < Span::from_hours(8));
    assert!((2..=10).contains(&early.count()));
    let short = Bursts::new(&wishes, (from, from + Span::from_hours(6)), window, 1);
    assert!(short.is_empty());
}
