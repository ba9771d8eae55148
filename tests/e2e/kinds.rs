//! Every kind of indicator, period and composite, and every format, once against a real Prometheus.
//!
//! The shop serves 20 requests per second, of which 1 fails (`us`), and 10 searches, of which 2 are
//! slow: every definition here has a known error ratio.

use serde_json::{Value, json};

use crate::bed::{NativeHistogram, PrometheusConfig, wait};
use crate::shop::{LIMIT, Shop, hourly_ratio, is_about, slo};

const FAILED: &str = r#"requests_total{code=~"5.."}"#;

fn requests() -> Value {
    json!({"events": {"bad": FAILED, "total": "requests_total"}})
}

fn with(mut definition: Value, key: &str, value: Value) -> Value {
    definition["spec"][key] = value;
    definition
}

async fn expect(definitions: Vec<Value>, expected: &[(&str, &str, f64)]) {
    let shop = Shop::open().await;
    let daemon = shop.watch(definitions).await;
    for (name, path, truth) in expected {
        let (ratio, slo) = hourly_ratio(&daemon, name, None).await;
        assert!(
            is_about(ratio, *truth),
            "{name}: {ratio} is not {truth}: {slo}"
        );
        assert_eq!(slo["path"], *path, "{slo}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pairs_exclusions_and_slices_measure_what_they_say() {
    let slices = |rest: Value| {
        let mut slices = json!({"events": {"bad": r#"sum(rate(requests_total{code="500"}[$window]))"#,
            "total": "sum(rate(requests_total[$window]))"}, "slice": "1m"});
        for (key, value) in rest.as_object().expect("a section") {
            slices[key] = value.clone();
        }
        json!({"time_slices": slices})
    };
    let pair = json!({"events": {"good": r#"requests_total{code="200"}"#, "bad": FAILED}});
    let without_eu = json!({"events": {"bad": FAILED, "total": "requests_total",
        "exclude": [r#"{region="eu", code="200"}"#]}});
    let definitions = vec![
        slo("pair", &[], pair),
        slo("excluded", &[], without_eu),
        slo("strict", &[], slices(json!({"target": "99%"}))),
        slo("lax", &[], slices(json!({"target": "90%"}))),
        slo("graded", &[], slices(json!({}))),
        slo(
            "good",
            &[],
            json!({"ratio": {"good_ratio":
            r#"sum(rate(requests_total{code="200"}[$window])) / sum(rate(requests_total[$window]))"#}}),
        ),
    ];
    let expected = [
        ("pair", "exact", 0.05),
        ("excluded", "exact", 0.1),
        ("strict", "slices", 1.0),
        ("lax", "slices", 0.0),
        ("graded", "slices", 0.05),
        ("good", "exact", 0.05),
    ];
    expect(definitions, &expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn composites_combine_what_their_parts_measure() {
    let latency = json!({"latency": {"histogram": "latency_seconds", "threshold": "300ms"}});
    let parts = json!([{"slo": "requests"}, {"name": "search", "sli": latency}]);
    let definitions = vec![
        slo("requests", &[], requests()),
        slo("journey", &[], json!({"journey": parts})),
        slo(
            "weighted",
            &[],
            json!({"weighted": [
                {"slo": "requests", "weight": 3},
                {"name": "search", "sli": latency},
            ]}),
        ),
    ];
    let expected = [
        ("journey", "composite", 1.0 - 0.95 * 0.8),
        ("weighted", "composite", (3.0 * 0.05 + 0.2) / 4.0),
    ];
    expect(definitions, &expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_period_has_a_budget() {
    let shop = Shop::open().await;
    let month = json!({"calendar": "month", "zone": "Asia/Kolkata"});
    let events = json!({"events": 36_000, "within": "7d"});
    let definitions = vec![
        with(slo("month", &[], requests()), "period", month),
        with(slo("events", &[], requests()), "period", events),
        with(
            slo("spent", &[], requests()),
            "policy",
            json!({"from": "hour", "mode": "budget"}),
        ),
    ];
    let daemon = shop.watch(definitions).await;
    // 36 000 requests are half an hour; 5 % of them failed, 1 % may.
    let budget = wait::until("the budget of the last events", LIMIT, async || {
        let slos = daemon
            .get_json("/api/v1/slos?service=shop&slo=events")
            .await;
        let budget = slos["slos"][0]["budget"].clone();
        (budget["coverage"].as_f64()? > 0.99).then_some(budget)
    })
    .await;
    let consumed = budget["consumed"].as_f64().unwrap_or_default();
    assert!(is_about(consumed / 100.0, 0.05), "{budget}");
    for name in ["month", "spent"] {
        let (ratio, slo) = hourly_ratio(&daemon, name, None).await;
        assert!(is_about(ratio, 0.05), "{name}: {ratio}: {slo}");
        assert!(slo["budget"]["consumed"].as_f64() > Some(0.0), "{slo}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_is_evaluated() {
    let sloth = json!({
        "version": "prometheus/v1",
        "service": "shop",
        "slos": [{
            "name": "sloth",
            "objective": 99,
            "sli": {"events": {
                "error_query": r#"sum(rate(requests_total{code=~"5.."}[{{.window}}]))"#,
                "total_query": "sum(rate(requests_total[{{.window}}]))",
            }},
            "alerting": {"name": "ShopFails"},
        }],
    });
    let pyrra = json!({
        "apiVersion": "pyrra.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {"name": "pyrra", "labels": {"pyrra.dev/service": "shop"}},
        "spec": {
            "target": "99",
            "window": "4w",
            "indicator": {"ratio": {
                "errors": {"metric": FAILED},
                "total": {"metric": "requests_total"},
            }},
        },
    });
    let openslo = json!({
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": "openslo"},
        "spec": {
            "service": "shop",
            "budgetingMethod": "Occurrences",
            "objectives": [{"target": 0.99}],
            "timeWindow": [{"duration": "28d", "isRolling": true}],
            "indicator": {"metadata": {"name": "ok"}, "spec": {"ratioMetric": {
                "counter": true,
                "bad": {"metricSource": {"type": "prometheus", "spec": {"query": FAILED}}},
                "total": {"metricSource": {"type": "prometheus", "spec": {"query": "requests_total"}}},
            }}},
        },
    });
    let expected = [
        ("sloth", "exact", 0.05),
        ("pyrra", "exact", 0.05),
        ("openslo", "exact", 0.05),
    ];
    expect(vec![sloth, pyrra, openslo], &expected).await;
}

/// 8 of 10 observations take a tenth of a second, 2 take most of one.
#[tokio::test(flavor = "multi_thread")]
async fn native_histograms_are_counted() {
    let exporter = NativeHistogram::start("checkout_seconds", 8, 2).await;
    let config = PrometheusConfig {
        targets: vec![exporter.target("shop-1")],
        native_histograms: true,
        ..PrometheusConfig::default()
    };
    let prometheus = config.start().await;
    prometheus.scraped(5, crate::bed::clock::now()).await;
    let sli =
        json!({"latency": {"histogram": "checkout_seconds", "threshold": "250ms", "native": true}});
    let daemon = crate::shop::watch(&prometheus, vec![slo("native", &[], sli)]).await;
    let (ratio, slo) = hourly_ratio(&daemon, "native", None).await;
    assert!(is_about(ratio, 0.2), "{ratio}: {slo}");
    assert_eq!(slo["path"], "direct", "{slo}");
    let hour = slo["windows"]
        .as_array()
        .and_then(|all| all.iter().find(|w| w["window"] == "1h"));
    let bad = hour.and_then(|hour| hour["bad"].as_f64());
    assert!(bad > Some(1.0), "events are counted: {slo}");
}
