//! Definitions of every format page, with the names and labels that their users route on.
//!
//! In the shop `us` fails one request in ten: at an objective of 99.5 % that burns twenty times too
//! fast, above the first factor of every format.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bed::Receiver;
use crate::bed::daemon::DaemonConfig;
use crate::bed::receivers::Request;
use crate::shop::{Shop, policy, slo};

/// Pyrra's fastest tier of a week waits for a minute.
const LIMIT: Duration = Duration::from_secs(120);

const BAD: &str = r#"requests_total{region="us",code=~"5.."}"#;
const TOTAL: &str = r#"requests_total{region="us"}"#;

fn sloth() -> Value {
    json!({
        "apiVersion": "sloth.slok.dev/v1",
        "kind": "PrometheusServiceLevel",
        "metadata": {"name": "shop"},
        "spec": {
            "service": "shop",
            "labels": {"team": "storefront"},
            "slos": [{
                "name": "sloth",
                "objective": 99.5,
                "sli": {"events": {
                    "errorQuery": r#"sum(rate(requests_total{region="us",code=~"5.."}[{{.window}}]))"#,
                    "totalQuery": r#"sum(rate(requests_total{region="us"}[{{.window}}]))"#,
                }},
                "alerting": {
                    "name": "ShopFails",
                    "labels": {"category": "availability"},
                    "annotations": {"summary": "{{$labels.sloth_slo}} of {{$labels.sloth_service}} burns"},
                    "pageAlert": {"labels": {"channel": "loud"}},
                    "ticketAlert": {"disable": true},
                },
            }],
        },
    })
}

fn pyrra() -> Value {
    json!({
        "apiVersion": "pyrra.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {
            "name": "pyrra",
            "labels": {"pyrra.dev/service": "shop", "pyrra.dev/team": "storefront"},
        },
        "spec": {
            "target": "99.5",
            "window": "7d",
            "indicator": {"ratio": {"errors": {"metric": BAD}, "total": {"metric": TOTAL}}},
        },
    })
}

fn openslo() -> Vec<Value> {
    let metric = |query| json!({"metricSource": {"type": "prometheus", "spec": {"query": query}}});
    let condition = json!({
        "apiVersion": "openslo/v1",
        "kind": "AlertCondition",
        "metadata": {"name": "fast"},
        "spec": {
            "severity": "page",
            "condition": {"kind": "burnrate", "op": "gt", "threshold": 14.0,
                "lookbackWindow": "1h", "alertAfter": "0m"},
        },
    });
    let alert_policy = json!({
        "apiVersion": "openslo/v1",
        "kind": "AlertPolicy",
        "metadata": {"name": "loud"},
        "spec": {
            "alertWhenBreaching": true,
            "conditions": [{"conditionRef": "fast"}],
            "notificationTargets": [{"targetRef": "oncall"}],
        },
    });
    let target = json!({
        "apiVersion": "openslo/v1",
        "kind": "AlertNotificationTarget",
        "metadata": {"name": "oncall"},
        "spec": {"target": "pagerduty"},
    });
    let slo = json!({
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": "openslo", "labels": {"team": ["storefront"]}},
        "spec": {
            "service": "shop",
            "budgetingMethod": "Occurrences",
            "objectives": [{"target": 0.995}],
            "timeWindow": [{"duration": "28d", "isRolling": true}],
            "indicator": {"metadata": {"name": "ok"}, "spec": {"ratioMetric": {
                "counter": true, "bad": metric(BAD), "total": metric(TOTAL),
            }}},
            "alertPolicies": [{"alertPolicyRef": "loud"}],
        },
    });
    vec![condition, alert_policy, target, slo]
}

/// The first firing alert of each SLO, by its `slo` label.
fn firing(requests: &[Request]) -> BTreeMap<String, Value> {
    let mut firing = BTreeMap::new();
    for request in requests {
        for alert in request.body["alerts"].as_array().into_iter().flatten() {
            let slo = alert["labels"]["slo"].as_str().unwrap_or_default();
            if alert["status"] == "firing" {
                firing
                    .entry(slo.to_owned())
                    .or_insert_with(|| alert.clone());
            }
        }
    }
    firing
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_pages_with_the_labels_its_users_route_on() {
    let shop = Shop::open().await;
    let receiver = Receiver::webhook().await;
    let events = json!({"events": {"bad": BAD, "total": TOTAL}});
    let search = json!({"latency": {"histogram": "latency_seconds", "threshold": "300ms"}});
    let mut journey = slo(
        "journey",
        &[],
        json!({"journey": [
            {"name": "buy", "sli": events},
            {"name": "search", "sli": search},
        ]}),
    );
    journey["spec"]["period"] = json!("30d");
    journey["spec"]["policy"] = json!("sre-workbook");
    journey["spec"]["alerts"] = json!({"page": {"name": "JourneyBroken"}});
    let mut definitions = vec![sloth(), pyrra(), journey];
    definitions.extend(openslo());
    let config = DaemonConfig {
        settings: json!({
            "prometheus": {"url": shop.prometheus.url()},
            "evaluation": {"interval": "1s", "scrape_interval": "1s"},
            "receivers": [
                {"name": "hook", "webhook": {"url": receiver.url("/alerts")}},
                {"name": "console", "console": {}},
            ],
            "routes": {"page": ["hook"], "default": ["console"]},
        }),
        definitions,
        policies: vec![policy()],
    };
    let _daemon = config.start().await;
    let requests = receiver
        .wait_for("a page of every format", LIMIT, |requests| {
            firing(requests).len() == 4
        })
        .await;
    let firing = firing(&requests);
    let expected = [
        ("sloth", "alertname", "ShopFails"),
        ("sloth", "sloth_id", "shop-sloth"),
        ("sloth", "sloth_service", "shop"),
        ("sloth", "sloth_slo", "sloth"),
        ("sloth", "sloth_severity", "page"),
        ("sloth", "team", "storefront"),
        ("sloth", "category", "availability"),
        ("sloth", "channel", "loud"),
        ("pyrra", "alertname", "ErrorBudgetBurn"),
        ("pyrra", "short", "1m"),
        ("pyrra", "long", "15m"),
        ("pyrra", "severity", "critical"),
        ("pyrra", "exhaustion", "12h"),
        ("pyrra", "team", "storefront"),
        ("openslo", "team", "storefront"),
        ("openslo", "openslo_targets", "oncall"),
        ("journey", "alertname", "JourneyBroken"),
    ];
    for (slo, label, value) in expected {
        let labels = &firing[slo]["labels"];
        assert_eq!(labels[label], value, "{slo}: {labels}");
    }
    let summary = &firing["sloth"]["annotations"]["summary"];
    assert_eq!(summary, "sloth of shop burns", "{}", firing["sloth"]);
}
