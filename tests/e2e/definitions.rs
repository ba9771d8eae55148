//! Every kind of definition against a real Prometheus: what it measures, and by which path.

use serde_json::{Value, json};
use slofuse::engine::{Span, Timestamp};

use crate::bed::prometheus::JOB;
use crate::bed::{Exporter, History, Prometheus, clock, wait};
use crate::shop::{INSTANCE, LIMIT, Shop, hourly_ratio, is_about, slo};

fn definitions() -> Vec<Value> {
    let ratio = r#"sum by (region) (rate(requests_total{code="500"}[$window]))
        / on (region) sum by (region) (rate(requests_total[$window]))"#;
    vec![
        slo(
            "availability",
            &["region"],
            json!({"events": {"bad": r#"requests_total{code=~"5.."}"#, "total": "requests_total"}}),
        ),
        slo(
            "latency",
            &[],
            json!({"latency": {"histogram": "latency_seconds", "threshold": "300ms"}}),
        ),
        slo(
            "backup",
            &[],
            json!({"time_slices": {
                "condition": "time() - max(last_backup_timestamp_seconds) < 1800",
                "slice": "10s",
            }}),
        ),
        slo(
            "joined",
            &["region"],
            json!({"ratio": {"error_ratio": ratio}}),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_indicator_measures_what_it_says() {
    let shop = Shop::open().await;
    let daemon = shop.watch(definitions()).await;
    let expected = [
        ("availability", Some("us"), "exact", 0.1),
        ("availability", Some("eu"), "exact", 0.0),
        ("latency", None, "exact", 0.2),
        ("backup", None, "slices", 0.5),
        ("joined", Some("us"), "direct", 0.1),
    ];
    for (name, region, path, truth) in expected {
        let (ratio, slo) = hourly_ratio(&daemon, name, region).await;
        assert!(
            is_about(ratio, truth),
            "{name} {region:?}: {ratio} is not {truth}: {slo}"
        );
        assert_eq!(slo["path"], path, "{slo}");
        assert!(
            slo["path_reason"]
                .as_str()
                .is_some_and(|why| !why.is_empty()),
            "{slo}"
        );
    }
    let metrics = daemon.api().get_text("/metrics").await;
    for line in [
        r#"slofuse_slo_objective_ratio{service="shop",slo="latency"} 0.99"#,
        r#"region="us""#,
        "slofuse_evaluations_total",
    ] {
        assert!(metrics.contains(line), "{line} is missing in\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_online_prices_what_the_daemon_watches() {
    let shop = Shop::open().await;
    let daemon = shop.watch(definitions()).await;
    let report = daemon.command(&[
        "check",
        "--config",
        "slofuse.yaml",
        "--online",
        "--format",
        "json",
    ]);
    let json: Value = serde_json::from_slice(&report.stdout).expect("JSON");
    assert_eq!(report.status.code(), Some(0), "{json:#}");
    let online = json["online"].as_array().expect("a list");
    assert_eq!(online.len(), definitions().len());
    let of = |slo: &str| {
        online
            .iter()
            .find(|finding| finding["slo"] == slo)
            .expect("it is there")
    };
    assert_eq!(of("shop/availability")["series"], 3);
    assert!(
        of("shop/availability")["samples_per_slot"]
            .as_u64()
            .is_some_and(|samples| samples > 3)
    );
    assert!(
        of("shop/joined")["samples_per_slot"].as_u64()
            > of("shop/availability")["samples_per_slot"].as_u64()
    );
}

/// A week of history, with an incident four days ago that no tier window reaches.
#[tokio::test(flavor = "multi_thread")]
async fn the_budget_knows_the_whole_period() {
    let exporter = Exporter::start().await;
    let step = Span::from_mins(1);
    let end = clock::now().align_down(step);
    let (begin, incident) = (end - Span::from_days(7), end - Span::from_days(4));
    let series = |code: &str| {
        format!(r#"requests_total{{job="{JOB}",instance="{INSTANCE}",code="{code}"}}"#)
    };
    // 10 requests per second for a week; 30 000 of them failed within an hour.
    let failed = move |at: Timestamp| {
        (at.since(incident).as_secs_f64() * 10.0)
            .min(30_000.0)
            .floor()
    };
    let served = move |at: Timestamp| (at.since(begin).as_secs_f64() * 10.0).floor();
    let history = History::new(begin, end, step)
        .series(&series("200"), move |at| Some(served(at) - failed(at)))
        .series(&series("500"), move |at| Some(failed(at)));
    exporter
        .counter(
            "requests_total",
            &[("code", "200")],
            (served(end) - 30_000.0) as u64,
        )
        .rate(10.0);
    exporter.counter("requests_total", &[("code", "500")], 30_000);
    let target = exporter.target(INSTANCE);
    let prometheus = Prometheus::that_remembers(history, end, target).await;
    let shop = Shop {
        prometheus,
        _exporter: exporter,
    };
    let mut definition = slo(
        "availability",
        &[],
        json!({"events": {"bad": r#"requests_total{code=~"5.."}"#, "total": "requests_total"}}),
    );
    definition["spec"]["period"] = json!("7d");
    let daemon = shop.watch(vec![definition]).await;
    // 30 000 of 6 048 000 requests is 49.6 % of a budget of 1 %.
    let budget = wait::until("the budget of the period", LIMIT, async || {
        let slos = daemon.get_json("/api/v1/slos").await;
        let budget = slos["slos"][0]["budget"].clone();
        (budget["coverage"].as_f64()? > 0.99).then_some(budget)
    })
    .await;
    let consumed = budget["consumed"].as_f64().unwrap_or_default();
    assert!((consumed - 0.496).abs() < 0.01, "{budget}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_resumes_from_saved_samples() {
    let shop = Shop::open().await;
    let mut daemon = shop.watch(definitions()).await;
    let (before, _) = hourly_ratio(&daemon, "availability", Some("us")).await;
    assert!(daemon.terminate().await.success());
    daemon.restart().await;
    let (after, slo) = hourly_ratio(&daemon, "availability", Some("us")).await;
    assert!(is_about(after, before), "{before} became {after}");
    assert!(
        daemon.log().contains("Saved samples resumed"),
        "{}",
        daemon.log()
    );
    let hour = slo["windows"]
        .as_array()
        .and_then(|all| all.iter().find(|w| w["window"] == "1h"));
    let bad = hour
        .and_then(|hour| hour["bad"].as_f64())
        .unwrap_or_default();
    assert!(
        (3_590.0..=3_610.0).contains(&bad),
        "one error per second is {bad} per hour"
    );
}
