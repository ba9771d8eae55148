//! The exposition against the rules of the format and of good names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::slo::{INSTANCES_MAX, exposed_names, shares};
use super::*;
use crate::engine::{AlertKey, Evaluation, InstanceId, Labels, Reason, Slo, Timestamp};
use crate::http::tests::{alert, board, evaluation, feed, slo};

const NOON: Timestamp = Timestamp::from_secs(1_772_366_400);

/// A parsed scrape: the type of each family, and each sample by its name and labels.
#[derive(Default)]
struct Scrape {
    types: BTreeMap<String, String>,
    samples: BTreeMap<(String, BTreeMap<String, String>), f64>,
}

impl Scrape {
    /// Reads the text format strictly; anything unexpected fails the test.
    fn parse(text: &str) -> Self {
        let mut scrape = Self::default();
        let mut helped = String::new();
        let mut family = String::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(!help.is_empty(), "{line}");
                helped = name.to_owned();
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert_eq!(name, helped, "help comes first");
                family = name.to_owned();
                let again = scrape.types.insert(family.clone(), kind.to_owned());
                assert_eq!(again, None, "{name} is written in two places");
            } else {
                let (name, labels, value) = sample(line);
                let stem = match scrape.types[&family].as_str() {
                    "histogram" => ["_bucket", "_sum", "_count"]
                        .iter()
                        .find_map(|suffix| name.strip_suffix(suffix))
                        .unwrap(),
                    _ => &name,
                };
                assert_eq!(stem, family, "{line}");
                let again = scrape.samples.insert((name, labels), value);
                assert_eq!(again, None, "twice: {line}");
            }
        }
        scrape
    }

    fn of(metrics: &Metrics, board: &Board) -> Self {
        let text = metrics.render(board, NOON);
        assert!(text.ends_with('\n'));
        Self::parse(&text)
    }

    fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|&(k, v)| (k.to_owned(), v.to_owned()));
        let key = (name.to_owned(), labels.collect());
        self.samples.get(&key).copied()
    }

    fn labels_of(&self, name: &str) -> Vec<&BTreeMap<String, String>> {
        let samples = self.samples.keys().filter(|(found, _)| found == name);
        samples.map(|(_, labels)| labels).collect()
    }
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let end = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"").unwrap();
            assert!(is_name(label), "{line}");
            let (value, after) = quoted(after);
            let again = labels.insert(label.to_owned(), value);
            assert_eq!(again, None, "{line}");
            match after.strip_prefix(',') {
                Some(next) => rest = next,
                None => {
                    rest = after.strip_prefix('}').unwrap();
                    break;
                }
            }
        }
    }
    let value = rest.strip_prefix(' ').unwrap();
    (name.to_owned(), labels, value.parse().unwrap())
}

/// The text up to the closing quote, unescaped, and what follows.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, text.split_at(at + 1).1),
            '\\' => value.push(match chars.next().unwrap().1 {
                'n' => '\n',
                c @ ('\\' | '"') => c,
                other => panic!("escape of {other:?}"),
            }),
            c => value.push(c),
        }
    }
    panic!("a label value without an end: {text}");
}

fn filled() -> (Metrics, Board) {
    let metrics = Metrics::new();
    metrics.register_receivers(&["oncall".to_owned()]);
    let board = board();
    let checkout = slo("shop", "checkout", &["region"]);
    let search = slo("shop", "search", &[]);
    board.replace_feeds(vec![feed("f", &[&checkout, &search])]);
    let eu = Labels::new([("region", "eu")]);
    let evaluations = vec![
        evaluation(&checkout, eu.clone(), Outcome::Burning),
        evaluation(&search, Labels::empty(), Outcome::NoTraffic),
    ];
    board.publish_slot("f", NOON, evaluations);
    board.set_coverage("f", 0.5);
    let instance = InstanceId {
        slo: checkout.id.clone(),
        labels: eu,
    };
    let page = AlertKey::Burn {
        instance,
        severity: Severity::Page,
    };
    board.publish_alerts(vec![alert(page, Severity::Page, Reason::Burning)]);
    (metrics, board)
}

#[test]
fn names_follow_the_rules_of_the_field() {
    const SUFFIXES_OF_TYPES: [&str; 4] = ["_count", "_sum", "_bucket", "_gauge"];
    const UNITS_TO_AVOID: [&str; 8] = [
        "_ms",
        "_millis",
        "_milliseconds",
        "_minutes",
        "_hours",
        "_days",
        "_percent",
        "_kb",
    ];
    let (metrics, board) = filled();
    let scrape = Scrape::of(&metrics, &board);
    for (name, kind) in &scrape.types {
        let ours = name.starts_with("slofuse_");
        assert!(ours || name.starts_with("process_"), "{name}");
        assert!(!name.contains(|c: char| c.is_ascii_uppercase()), "{name}");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
        for suffix in SUFFIXES_OF_TYPES.iter().chain(&UNITS_TO_AVOID) {
            assert!(!name.ends_with(suffix), "{name}");
        }
        assert!(kind != "histogram" || name.ends_with("_seconds"), "{name}");
    }
    for (name, labels) in scrape.samples.keys() {
        let le = labels.contains_key("le");
        assert!(!le || name.ends_with("_bucket"), "{name}");
        assert!(!labels.contains_key("quantile"), "{name}");
    }
}

#[test]
fn everything_countable_starts_at_zero() {
    let metrics = Metrics::new();
    metrics.register_receivers(&["oncall".to_owned()]);
    let scrape = Scrape::of(&metrics, &board());
    for (name, labels) in [
        ("slofuse_evaluations_total", vec![("outcome", "no_traffic")]),
        ("slofuse_slots_missed_total", vec![]),
        (
            "slofuse_poll_errors_total",
            vec![("kind", "too_many_series")],
        ),
        ("slofuse_poll_errors_total", vec![("kind", "other")]),
        (
            "slofuse_alert_transitions_total",
            vec![("severity", "page"), ("to", "firing")],
        ),
        (
            "slofuse_delivery_attempts_total",
            vec![
                ("receiver", "oncall"),
                ("kind", "trigger"),
                ("outcome", "delivered"),
            ],
        ),
        (
            "slofuse_delivery_failures_total",
            vec![("receiver", "oncall"), ("reason", "rate_limited")],
        ),
        (
            "slofuse_delivery_duration_seconds_count",
            vec![("receiver", "oncall")],
        ),
        (
            "slofuse_receiver_breaker_open",
            vec![("receiver", "oncall")],
        ),
        ("slofuse_outbox_pending", vec![("receiver", "oncall")]),
        ("slofuse_config_reloads_total", vec![("result", "failure")]),
        ("slofuse_config_last_reload_successful", vec![]),
        ("slofuse_last_slot_timestamp_seconds", vec![]),
        (
            "slofuse_alerts",
            vec![
                ("kind", "source_down"),
                ("severity", "page"),
                ("state", "firing"),
            ],
        ),
    ] {
        assert_eq!(scrape.get(name, &labels), Some(0.0), "{name} {labels:?}");
    }
    let interval = scrape.get("slofuse_evaluation_interval_seconds", &[]);
    assert_eq!(interval, Some(30.0));
}

#[test]
fn what_happens_is_counted() {
    let (metrics, board) = filled();
    metrics.slot(Outcome::Burning, 3);
    metrics.slots_missed(2);
    metrics.step_seconds(0.002);
    metrics.slot_lag_seconds(0.2);
    metrics.poll(Ok(PollStats {
        seconds: 0.1,
        series: 7,
        samples: 70,
    }));
    metrics.poll(Err("timeout"));
    metrics.poll(Err("http://user:secret@host"));
    metrics.measured(12, u64::MAX);
    metrics.transition(Severity::Ticket, StateName::Inactive);
    metrics.store_commit_seconds(0.01);
    metrics.store_errors(1);
    metrics.cache_write_seconds(0.5);
    board.reload_succeeded(NOON, 4);
    board.reload_failed(NOON, "no".to_owned());
    let scrape = Scrape::of(&metrics, &board);
    for (name, labels, value) in [
        (
            "slofuse_evaluations_total",
            vec![("outcome", "burning")],
            3.0,
        ),
        ("slofuse_slots_missed_total", vec![], 2.0),
        ("slofuse_step_duration_seconds_sum", vec![], 0.002),
        ("slofuse_slot_lag_seconds_bucket", vec![("le", "0.25")], 1.0),
        ("slofuse_poll_duration_seconds_count", vec![], 1.0),
        ("slofuse_poll_series_total", vec![], 7.0),
        ("slofuse_poll_samples_total", vec![], 70.0),
        ("slofuse_poll_errors_total", vec![("kind", "timeout")], 1.0),
        ("slofuse_poll_errors_total", vec![("kind", "other")], 1.0),
        ("slofuse_series", vec![], 12.0),
        ("slofuse_instances_refused", vec![], i64::MAX as f64),
        (
            "slofuse_alert_transitions_total",
            vec![("severity", "ticket"), ("to", "inactive")],
            1.0,
        ),
        ("slofuse_store_commit_duration_seconds_count", vec![], 1.0),
        ("slofuse_store_errors_total", vec![], 1.0),
        ("slofuse_cache_write_duration_seconds_sum", vec![], 0.5),
        (
            "slofuse_config_reloads_total",
            vec![("result", "success")],
            1.0,
        ),
        (
            "slofuse_config_reloads_total",
            vec![("result", "failure")],
            1.0,
        ),
        ("slofuse_config_last_reload_successful", vec![], 0.0),
        (
            "slofuse_config_last_reload_success_timestamp_seconds",
            vec![],
            NOON.as_secs_f64(),
        ),
        ("slofuse_config_warnings", vec![], 4.0),
    ] {
        assert_eq!(scrape.get(name, &labels), Some(value), "{name} {labels:?}");
    }
    board.reload_succeeded(NOON, 0);
    let scrape = Scrape::of(&metrics, &board);
    let successful = scrape.get("slofuse_config_last_reload_successful", &[]);
    assert_eq!(successful, Some(1.0));
}

#[test]
fn the_series_of_an_slo_are_as_documented() {
    let (metrics, board) = filled();
    let text = metrics.render(&board, NOON);
    let ours = text.lines().filter(|line| {
        line.starts_with("slofuse_slo_") || line.starts_with("slofuse_alert_firing")
    });
    insta::assert_snapshot!(ours.collect::<Vec<_>>().join("\n"), @r#"
    slofuse_slo_objective_ratio{service="shop",slo="checkout"} 0.999
    slofuse_slo_objective_ratio{service="shop",slo="search"} 0.999
    slofuse_slo_coverage_ratio{service="shop",slo="checkout"} 0.5
    slofuse_slo_coverage_ratio{service="shop",slo="search"} 0.5
    slofuse_slo_last_slot_timestamp_seconds{service="shop",slo="checkout"} 1772366400
    slofuse_slo_last_slot_timestamp_seconds{service="shop",slo="search"} 1772366400
    slofuse_slo_instances{service="shop",slo="checkout"} 1
    slofuse_slo_instances{service="shop",slo="search"} 1
    slofuse_slo_instances_not_exported{service="shop",slo="checkout"} 0
    slofuse_slo_instances_not_exported{service="shop",slo="search"} 0
    slofuse_alert_firing{service="shop",slo="checkout",severity="page"} 1
    slofuse_alert_firing{service="shop",slo="checkout",severity="ticket"} 0
    slofuse_alert_firing{service="shop",slo="checkout",severity="info"} 0
    slofuse_alert_firing{service="shop",slo="search",severity="page"} 0
    slofuse_alert_firing{service="shop",slo="search",severity="ticket"} 0
    slofuse_alert_firing{service="shop",slo="search",severity="info"} 0
    slofuse_slo_burn_rate{service="shop",slo="checkout",region="eu",window="5m"} 20
    slofuse_slo_burn_rate{service="shop",slo="checkout",region="eu",window="1h"} 20
    slofuse_slo_burn_rate{service="shop",slo="search",window="5m"} 20
    slofuse_slo_burn_rate{service="shop",slo="search",window="1h"} 20
    slofuse_slo_error_budget_remaining_ratio{service="shop",slo="checkout",region="eu"} 0.75
    slofuse_slo_error_budget_remaining_ratio{service="shop",slo="search"} 0.75
    slofuse_slo_sla_budget_remaining_ratio{service="shop",slo="checkout",region="eu"} 0.95
    slofuse_slo_sla_budget_remaining_ratio{service="shop",slo="search"} 0.95
    slofuse_slo_outcome{service="shop",slo="checkout",region="eu",outcome="burning"} 1
    slofuse_slo_outcome{service="shop",slo="checkout",region="eu",outcome="quiet"} 0
    slofuse_slo_outcome{service="shop",slo="checkout",region="eu",outcome="no_traffic"} 0
    slofuse_slo_outcome{service="shop",slo="checkout",region="eu",outcome="no_data"} 0
    slofuse_slo_outcome{service="shop",slo="checkout",region="eu",outcome="failed"} 0
    slofuse_slo_outcome{service="shop",slo="search",outcome="burning"} 0
    slofuse_slo_outcome{service="shop",slo="search",outcome="quiet"} 0
    slofuse_slo_outcome{service="shop",slo="search",outcome="no_traffic"} 1
    slofuse_slo_outcome{service="shop",slo="search",outcome="no_data"} 0
    slofuse_slo_outcome{service="shop",slo="search",outcome="failed"} 0
    slofuse_slo_newest_sample_timestamp_seconds{service="shop",slo="checkout",region="eu"} 1772366398.5
    slofuse_slo_newest_sample_timestamp_seconds{service="shop",slo="search"} 1772366398.5
    "#);
}

#[test]
fn receivers_come_and_go() {
    let (metrics, board) = filled();
    let names = |scrape: &Scrape| -> BTreeSet<String> {
        let labels = scrape.samples.keys().map(|(_, labels)| labels);
        labels
            .filter_map(|labels| labels.get("receiver").cloned())
            .collect()
    };
    let deliver = |receiver, outcome, reason| {
        metrics.delivery(receiver, NotificationKind::Trigger, outcome, reason, 0.3);
    };
    deliver("oncall", "delivered", "");
    deliver("oncall", "retried", "rate_limited");
    deliver("oncall", "invented", "invented");
    deliver("old", "dead", "timeout");
    metrics.breaker("oncall", true);
    metrics.backlog("oncall", 5, 1, 61.5);
    let scrape = Scrape::of(&metrics, &board);
    assert_eq!(
        names(&scrape),
        BTreeSet::from(["old".into(), "oncall".into()])
    );
    let attempts = |outcome| {
        let labels = [
            ("receiver", "oncall"),
            ("kind", "trigger"),
            ("outcome", outcome),
        ];
        scrape.get("slofuse_delivery_attempts_total", &labels)
    };
    assert_eq!(
        ["delivered", "retried", "other"].map(attempts),
        [Some(1.0); 3]
    );
    let failures = |reason| {
        let labels = [("receiver", "oncall"), ("reason", reason)];
        scrape.get("slofuse_delivery_failures_total", &labels)
    };
    assert_eq!(["rate_limited", "other"].map(failures), [Some(1.0); 2]);
    let of = |name| scrape.get(name, &[("receiver", "oncall")]);
    assert_eq!(of("slofuse_receiver_breaker_open"), Some(1.0));
    assert_eq!(of("slofuse_outbox_oldest_age_seconds"), Some(61.5));

    metrics.register_receivers(&["new".to_owned(), "oncall".to_owned()]);
    let scrape = Scrape::of(&metrics, &board);
    assert_eq!(
        names(&scrape),
        BTreeSet::from(["new".into(), "oncall".into()])
    );
    let kept = scrape.get("slofuse_outbox_pending", &[("receiver", "oncall")]);
    assert_eq!(kept, Some(5.0), "a receiver that stays keeps its numbers");
}

#[test]
fn ten_thousand_instances_give_bounded_text() {
    let board = board();
    let (big, small) = (slo("shop", "big", &["n"]), slo("shop", "small", &["n"]));
    board.replace_feeds(vec![feed("f", &[&big, &small])]);
    let of =
        |slo: &Slo, n: usize| evaluation(slo, Labels::new([("n", n.to_string())]), Outcome::Quiet);
    let mut evaluations: Vec<Arc<Evaluation>> = (0..10_000).map(|n| of(&big, n)).collect();
    evaluations.extend((0..10).map(|n| of(&small, n)));
    board.publish_slot("f", NOON, evaluations);
    let metrics = Metrics::new();
    let text = metrics.render(&board, NOON);
    assert!(text.len() < 4 << 20, "{} bytes", text.len());
    let scrape = Scrape::parse(&text);
    let exported = scrape.labels_of("slofuse_slo_error_budget_remaining_ratio");
    assert_eq!(exported.len(), INSTANCES_MAX);
    let not_exported = |slo| {
        let labels = [("service", "shop"), ("slo", slo)];
        scrape.get("slofuse_slo_instances_not_exported", &labels)
    };
    assert_eq!(not_exported("big"), Some(8010.0));
    assert_eq!(not_exported("small"), Some(0.0));
}

#[test]
fn hostile_labels_cannot_forge_series() {
    let board = board();
    let nasty = "a\"} 1\nslofuse_forged 1\\";
    let names = [
        "service", "le", "my.label", "my_label", "__name__", "0day", "ü",
    ];
    let hostile = slo(nasty, nasty, &names);
    board.replace_feeds(vec![feed("f", &[&hostile])]);
    let labels = Labels::new(names.map(|name| (name, nasty)));
    let mut broken = Evaluation::clone(&evaluation(&hostile, labels, Outcome::Quiet));
    broken.readings[0].burn = Some(f64::INFINITY);
    broken.readings[1].burn = Some(f64::NAN);
    board.publish_slot("f", NOON, vec![Arc::new(broken)]);
    let scrape = Scrape::of(&Metrics::new(), &board);
    assert!(!scrape.types.contains_key("slofuse_forged"));
    let labels = scrape.labels_of("slofuse_slo_error_budget_remaining_ratio");
    let names: Vec<&str> = labels[0].keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "_",
            "exported_0day",
            "exported___name__",
            "exported_le",
            "exported_my_label",
            "exported_service",
            "my_label",
            "service",
            "slo"
        ]
    );
    assert!(labels[0].values().all(|value| value == nasty));
}

proptest! {
    #[test]
    fn exposed_names_are_legal_and_different(group_by in prop::collection::btree_set(".{0,8}", 0..8)) {
        let group_by: Vec<String> = group_by.into_iter().collect();
        let exposed = exposed_names(&group_by);
        let different: BTreeSet<&String> = exposed.iter().collect();
        prop_assert_eq!(different.len(), group_by.len());
        prop_assert!(exposed.iter().all(|name| is_name(name) && !name.starts_with("__")));
    }

    /// The oracle deals one place after the other to whoever still needs one.
    #[test]
    fn room_is_shared_fairly(counts in prop::collection::vec(0_usize..30, 0..12), room in 0_usize..150) {
        let mut dealt = vec![0; counts.len()];
        let mut left = room;
        while left > 0 && dealt != counts {
            for (place, count) in dealt.iter_mut().zip(&counts) {
                if *place < *count && left > 0 {
                    *place += 1;
                    left -= 1;
                }
            }
        }
        let shares = shares(&counts, room);
        prop_assert_eq!(shares.iter().sum::<usize>(), dealt.iter().sum::<usize>());
        for (share, dealt) in shares.iter().zip(&dealt) {
            prop_assert!(share.abs_diff(*dealt) <= 1, "{:?} is not {:?}", shares, dealt);
        }
    }
}

#[test]
fn pages_and_heartbeats_start_at_zero_and_end_with_their_names() {
    let metrics = Metrics::new();
    let seen = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        metrics.register_receivers(&names);
        metrics.register_heartbeats(&names);
        let text = metrics.render(&board(), NOON);
        let own = |line: &&str| {
            line.starts_with("slofuse_pages_total") || line.starts_with("slofuse_heartbeats_total")
        };
        text.lines().filter(own).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(seen(&["a"]).matches(" 0").count(), 5);
    metrics.page("a", true);
    metrics.heartbeat("a", "withheld");
    insta::assert_snapshot!(seen(&["a"]), @r#"
    slofuse_heartbeats_total{heartbeat="a",outcome="delivered"} 0
    slofuse_heartbeats_total{heartbeat="a",outcome="failed"} 0
    slofuse_heartbeats_total{heartbeat="a",outcome="withheld"} 1
    slofuse_pages_total{period="day",receiver="a"} 0
    slofuse_pages_total{period="night",receiver="a"} 1
    "#);
    assert_eq!(seen(&[]), "");
}
