//! Changing definitions while running: all of the new ones, or the old ones go on.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bed::daemon::{Daemon, DaemonConfig, paging_settings};
use crate::bed::{Exporter, Prometheus, PrometheusConfig, Receiver, clock, wait};

const LIMIT: Duration = Duration::from_secs(45);

fn slo(name: &str, code: &str) -> Value {
    json!({
        "apiVersion": "slofuse/v1",
        "kind": "SLO",
        "metadata": {"service": "shop", "name": name},
        "spec": {"objective": 99, "period": "1d", "policy": "seconds", "sli": {"events": {
            "bad": format!(r#"requests_total{{code="{code}"}}"#),
            "total": r#"requests_total{code=~"2..|5.."}"#,
        }}},
    })
}

fn policy() -> Value {
    json!({
        "apiVersion": "slofuse/v1",
        "kind": "Policy",
        "metadata": {"name": "seconds"},
        "spec": {
            "tiers": [{"severity": "page", "budget": "1%", "long": "1m", "short": "10s"}],
            "hold": "0s",
            "budget": {"thresholds": [], "exhaustion_within": "never"},
        },
    })
}

/// A shop that always failed a million times with 503 before anybody looked, and fails every
/// request with 500 at present.
async fn shop() -> (Exporter, Prometheus) {
    let exporter = Exporter::start().await;
    exporter.counter("requests_total", &[("code", "200")], 2_000_000);
    exporter.counter("requests_total", &[("code", "503")], 1_000_000);
    exporter
        .counter("requests_total", &[("code", "500")], 0)
        .rate(10.0);
    let targets = vec![exporter.target("shop-1")];
    let prometheus = PrometheusConfig {
        targets,
        ..PrometheusConfig::default()
    }
    .start()
    .await;
    prometheus.scraped(2, clock::now()).await;
    (exporter, prometheus)
}

async fn watch(prometheus: &Prometheus, pager: &Receiver) -> Daemon {
    let config = DaemonConfig {
        settings: paging_settings(prometheus, pager),
        definitions: vec![slo("availability", "500")],
        policies: vec![policy()],
    };
    config.start().await
}

async fn names(daemon: &Daemon) -> Vec<String> {
    let slos = daemon.get_json("/api/v1/slos").await;
    let all = slos["slos"].as_array().expect("a list").iter();
    all.map(|slo| slo["id"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn new_definitions_are_taken_whole_or_not_at_all() {
    let (_exporter, prometheus) = shop().await;
    let pager = Receiver::pagerduty().await;
    let daemon = watch(&prometheus, &pager).await;
    pager
        .wait_for("the page", LIMIT, |all| all.len() == 1)
        .await;

    // A mistake: the old definitions stay, the reply names the place.
    let mut wrong = slo("gateway", "503");
    wrong["spec"]["objectiv"] = json!(99);
    daemon.define(1, &wrong);
    let (status, report) = daemon.api().post("/-/reload").await;
    assert_eq!(status, 400, "{report}");
    assert!(
        report.contains("slos/1.yaml:") && report.contains("objectiv"),
        "{report}"
    );
    assert_eq!(names(&daemon).await, ["shop/availability"]);
    let metrics = daemon.api().get_text("/metrics").await;
    assert!(
        metrics.contains("slofuse_config_last_reload_successful 0"),
        "{metrics}"
    );

    // A new SLO over series that were there all along: the million old errors are no news.
    daemon.define(1, &slo("gateway", "503"));
    daemon.hang_up();
    wait::until("the new SLO to be quiet", LIMIT, async || {
        let slo = daemon.get_json("/api/v1/slos?slo=gateway").await;
        (slo["slos"][0]["outcome"] == "quiet").then_some(())
    })
    .await;
    prometheus.scraped(5, clock::now()).await;
    let requests = pager.requests();
    assert_eq!(
        requests.len(),
        1,
        "the old page stands, and no new one: {requests:#?}"
    );

    // Removed while firing: the page is closed, and says why.
    daemon.define(0, &slo("other", "503"));
    let (status, summary) = daemon.api().post("/-/reload").await;
    assert_eq!(status, 200, "{summary}");
    let requests = pager
        .wait_for("the resolve", LIMIT, |all| all.len() == 2)
        .await;
    assert_eq!(requests[1].body["event_action"], "resolve");
    assert_eq!(requests[1].body["dedup_key"], requests[0].body["dedup_key"]);
    assert!(
        daemon.log().contains("definition removed"),
        "{}",
        daemon.log()
    );
}
