//! `slofuse check --online` against a real Prometheus: each thing that only the source can know.

use std::collections::BTreeMap;
use std::process::{Command, Output};

use serde_json::Value;
use slofuse::engine::{Span, Timestamp};

use crate::bed::prometheus::JOB;
use crate::bed::{Exporter, History, Prometheus, clock};

const INSTANCE: &str = "shop-1";

/// A counter, its labels, its events per hour, and since how many minutes it exists.
type Counted = (
    &'static str,
    &'static [(&'static str, &'static str)],
    u32,
    i64,
);

const COUNTERS: &[Counted] = &[
    (
        "requests_total",
        &[("region", "eu"), ("code", "200")],
        36_000,
        120,
    ),
    (
        "requests_total",
        &[("region", "us"), ("code", "200")],
        32_400,
        120,
    ),
    (
        "requests_total",
        &[("region", "us"), ("code", "500")],
        3_600,
        120,
    ),
    ("latency_seconds_count", &[], 36_000, 120),
    ("latency_seconds_bucket", &[("le", "0.1")], 18_000, 120),
    ("latency_seconds_bucket", &[("le", "0.3")], 28_800, 120),
    ("latency_seconds_bucket", &[("le", "+Inf")], 36_000, 120),
    ("orders_total", &[("code", "200")], 36_000, 120),
    ("orders_total", &[("code", "500")], 3_600, 30),
    ("exports_total", &[("result", "ok")], 60, 120),
    ("exports_total", &[("result", "failed")], 0, 120),
];

/// A shop with two hours behind it and a live exporter that goes on.
async fn shop() -> (Prometheus, Exporter) {
    let exporter = Exporter::start().await;
    let step = Span::from_secs(15);
    let end = clock::now().align_down(step);
    let mut history = History::new(end - Span::from_hours(2), end, step);
    for (metric, labels, per_hour, minutes) in COUNTERS {
        let born = end - Span::from_mins(*minutes);
        let per_second = f64::from(*per_hour) / 3600.0;
        let count = move |at: Timestamp| (at.since(born).as_secs_f64() * per_second).floor();
        let more: String = labels.iter().map(|(n, v)| format!(",{n}={v:?}")).collect();
        let series = format!(r#"{metric}{{job="{JOB}",instance="{INSTANCE}"{more}}}"#);
        history = history.series(&series, move |at| (at >= born).then(|| count(at)));
        exporter
            .counter(metric, labels, count(end) as u64)
            .rate(per_second);
    }
    let target = exporter.target(INSTANCE);
    let prometheus = Prometheus::that_remembers(history, end, target).await;
    (prometheus, exporter)
}

/// Checks SLOs, given by their names and specs, and returns what the program said.
fn check(url: &str, slos: &[(&str, &str)], options: &[&str]) -> Output {
    let directory = tempfile::tempdir().expect("a temp dir");
    let document = |(name, spec): &(&str, &str)| {
        format!(
            "apiVersion: slofuse/v1\nkind: SLO\nmetadata: {{service: shop, name: {name}, owner: me, \
             runbook: 'https://example.com/r'}}\nspec: {spec}\n---\n"
        )
    };
    let text: String = slos.iter().map(document).collect();
    std::fs::write(directory.path().join("slos.yaml"), text).expect("the file is written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_slofuse"));
    command.current_dir(directory.path()).args([
        "check",
        "slos.yaml",
        "--online",
        "--prometheus",
        url,
    ]);
    command.args(options).output().expect("the program runs")
}

/// Rule and message of everything that was found, by the SLO at whose place it was found.
fn by_slo(report: &Value) -> BTreeMap<String, Vec<(String, String)>> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut found: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for slo in report["slos"].as_array().expect("a list") {
        let here = |one: &&Value| one["line"] == slo["place"]["line"];
        let all = report["diagnostics"]["diagnostics"]
            .as_array()
            .expect("a list");
        let said = |one: &Value| format!("{} | {}", text(&one["message"]), text(&one["fix"]));
        let mistakes = all
            .iter()
            .filter(here)
            .map(|one| (text(&one["rule"]), said(one)));
        found.insert(text(&slo["id"]), mistakes.collect());
    }
    found
}

const EVENTS: &str = r#"events: {bad: 'requests_total{code=~"5.."}', total: requests_total}"#;

const QUIET: &str = r#"{objective: 99.9, sli: {events: {
  bad: 'exports_total{result="failed"}', total: exports_total}}}"#;
const REFUSED: &str = "{objective: 99, sli: {ratio: {
  error_ratio: 'rate(requests_total[$window]) / on (job) rate(orders_total[$window])'}}}";
const SILENT: &str = "{objective: 99, sli: {time_slices: {condition: 'nothing_at_all > 1'}}}";
const BOUND: &str =
    "{objective: 99, sli: {latency: {histogram: latency_seconds, threshold: 250ms}}}";

const JOURNEY: &str = "{objective: 99, sli: {journey: [
  {name: order, sli: {events: {bad: 'orders_total{code=\"500\"}', total: orders_total}}},
  {name: pay, sli: {events: {bad: 'requests_total{code=\"500\"}', total: payment_total}}}]}}";

/// The specs of SLOs, what is found at each, and words that explain it.
fn cases() -> Vec<(&'static str, String, &'static str, &'static [&'static str])> {
    let events = |bad: &str, total: &str| {
        format!("{{objective: 99, sli: {{events: {{bad: '{bad}', total: '{total}'}}}}}}")
    };
    vec![
        (
            "fine",
            format!("{{objective: 99, sli: {{{EVENTS}}}}}"),
            "lazy-series",
            &[
                "1 of 2 label sets have no series of requests_total{code=~\"5..\"} yet",
                "region=\"eu\"",
            ],
        ),
        (
            "metric",
            events(r#"requests_total{code=~"5.."}"#, "request_total"),
            "no-series",
            &[
                "no series has this metric name",
                "did you mean requests_total?",
            ],
        ),
        (
            "value",
            events(
                "orders_total{job=\"shop\",code=~\"5..\"}",
                "orders_total{job=\"shpo\"}",
            ),
            "no-series",
            &[
                "because of job=\"shpo\"; the label has the values \"shop\"",
                "did you mean \"shop\"?",
            ],
        ),
        (
            "first-error",
            events(r#"requests_total{code=~"6.."}"#, "requests_total"),
            "lazy-series",
            &["because of code=~\"6..\"; the label has the values \"200\", \"500\""],
        ),
        (
            "label",
            events(r#"requests_total{status=~"5.."}"#, "requests_total"),
            "no-series",
            &["no series has the label \"status\""],
        ),
        (
            "bound",
            BOUND.to_owned(),
            "no-bucket",
            &["no such bound, only 0.1, 0.3, +Inf", "0.1s or 0.3s"],
        ),
        (
            "grouped",
            format!("{{objective: 99, group_by: [zone], sli: {{{EVENTS}}}}}"),
            "missing-label",
            &[
                "have no label \"zone\"",
                "group by one of code, instance, job, region",
            ],
        ),
        (
            "typed",
            format!("{{objective: 99, group_by: [regoin], sli: {{{EVENTS}}}}}"),
            "missing-label",
            &["did you mean \"region\"?"],
        ),
        (
            "history",
            format!("{{objective: 99, period: 90d, sli: {{{EVENTS}}}}}"),
            "short-retention",
            &["Prometheus keeps 60d, but the SLO looks back 90d"],
        ),
        (
            "late",
            events(r#"orders_total{code="500"}"#, "orders_total"),
            "lazy-series",
            &[
                "1 series of orders_total{code=\"500\"} appeared later than the others of their target",
            ],
        ),
        (
            "quiet",
            QUIET.to_owned(),
            "few-events",
            &[
                "events per hour",
                "page 1h/5m",
                "one failure is a burn of 1",
            ],
        ),
        (
            "refused",
            REFUSED.to_owned(),
            "invalid",
            &["refused the query"],
        ),
        (
            "silent",
            SILENT.to_owned(),
            "no-series",
            &["has no answer, neither good nor bad"],
        ),
        ("journey", JOURNEY.to_owned(), "", &[]),
        (
            "sound",
            events(
                r#"requests_total{region="us",code="500"}"#,
                r#"requests_total{region="us"}"#,
            ),
            "",
            &[],
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_prometheus_does_not_have_is_told_at_its_definition() {
    let (prometheus, _exporter) = shop().await;
    let cases = cases();
    let slos: Vec<(&str, &str)> = cases
        .iter()
        .map(|(name, spec, ..)| (*name, &**spec))
        .collect();
    let output = check(prometheus.url(), &slos, &["--format", "json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let found = by_slo(&report);
    for (name, _, rule, words) in &cases {
        let here = &found[&format!("shop/{name}")];
        if rule.is_empty() {
            assert!(here.is_empty(), "{name}: {here:?}");
            continue;
        }
        let said = here.iter().find(|(broken, _)| broken == rule);
        let (_, said) = said.unwrap_or_else(|| panic!("{name}: {rule} is not in {here:?}"));
        for word in *words {
            assert!(said.contains(word), "{name}: {word} is not in {said}");
        }
    }
    let pay = &found["shop/journey.pay"];
    assert_eq!(pay.len(), 1, "{pay:?}");
    assert!(
        pay[0].1.contains("payment_total matches nothing"),
        "{pay:?}"
    );
    // Nothing is told that the definitions do not deserve.
    let many = |name: &str| found[&format!("shop/{name}")].len();
    for name in [
        "fine",
        "metric",
        "value",
        "first-error",
        "label",
        "bound",
        "late",
        "refused",
        "silent",
    ] {
        assert_eq!(many(name), 1, "{name}: {found:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_price_and_the_traffic_are_told() {
    let (prometheus, _exporter) = shop().await;
    let grouped = format!("{{objective: 99.9, group_by: [region], sli: {{{EVENTS}}}}}");
    let output = check(
        prometheus.url(),
        &[("api", &grouped)],
        &["--format", "json"],
    );
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let online = &report["online"][0];
    assert_eq!(
        (&online["path"], &online["series"]),
        (&"exact".into(), &3.into())
    );
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{online:#}"));
    let (slot, rules) = (
        number(&online["samples_per_slot"]),
        number(&online["rules_samples"]),
    );
    assert!(slot > 3.0 && rules > 100.0 * slot, "{online:#}");
    let traffic = &online["traffic"];
    assert_eq!(traffic["instances"], 2);
    assert!(
        (number(&traffic["events_per_hour"]) - 36_000.0).abs() < 720.0,
        "{online:#}"
    );
    let tier = &traffic["tiers"][0];
    // One of 36 000 events, over a budget of one in a thousand.
    assert!(
        (number(&tier["burn_of_one"]) - 1.0 / 36.0).abs() < 0.001,
        "{online:#}"
    );
    // 14.4 x 0.1 % of 36 000 events.
    assert!(
        (number(&tier["failures"]) - 519.0).abs() < 12.0,
        "{online:#}"
    );
    assert_eq!(tier["few"], false);

    let output = check(prometheus.url(), &[("api", &grouped)], &["--notes"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for said in [
        "rules would load",
        "note[lazy-series]",
        "1 SLO checked, no errors, 1 note: ready to run",
    ] {
        assert!(text.contains(said), "{said} is not in\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_stops_answering_is_one_error() {
    let (mut prometheus, _exporter) = shop().await;
    let url = prometheus.url().to_owned();
    prometheus.kill();
    let spec = format!("{{objective: 99, sli: {{{EVENTS}}}}}");
    let output = check(&url, &[("a", &spec), ("b", &spec)], &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(&format!("querying {url}")), "{said}");
    assert!(output.stdout.is_empty());
}
