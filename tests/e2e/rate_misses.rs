//! Errors that `rate()` cannot see.
//!
//! Client libraries create a label set with its first event, so the first sample of a new error
//! series is 1 or more. `rate` compares samples, finds no increase, and an outage in which every
//! failure is the first of its kind (low traffic, many pods and routes) is invisible to it. The
//! numbers of a real burn-rate rule, evaluated by a real Prometheus, are held against the truth,
//! and so are slofuse's decisions on the same samples.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use slofuse::engine::{Span, Timestamp};

use crate::bed::daemon::{Daemon, DaemonConfig, paging_settings};
use crate::bed::exporter::Counter;
use crate::bed::prometheus::JOB;
use crate::bed::promql::Series;
use crate::bed::{Exporter, History, Prometheus, PrometheusConfig, Receiver, clock, wait};

/// The objective of both services is 99.9 %; the page tier is the SRE workbook's 1h/5m at 14.4.
pub(crate) const THRESHOLD: f64 = 14.4 * 0.001;
const LONG: Span = Span::from_hours(1);
const SHORT: Span = Span::from_mins(5);

const METRIC: &str = "http_requests_total";
const INSTANCE: &str = "shop-1";

/// The service whose error series are born with their first error.
pub(crate) const LAZY: &str = "checkout";
/// The same traffic and the same errors, but every series is exported from the start.
pub(crate) const EAGER: &str = "search";

const LIMIT: Duration = Duration::from_secs(30);

/// Two services with an hour of low traffic behind them; nothing has failed yet.
pub(crate) struct Scenario {
    pub(crate) prometheus: Prometheus,
    pub(crate) services: [Service; 2],
    // Serves the scrapes until the scenario ends.
    _exporter: Exporter,
}

/// A service with 2 requests per minute.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    past: Past,
    good: Counter,
    errors: Vec<Counter>,
}

/// The good requests before the exporter's start, as imported.
#[derive(Clone, Copy)]
struct Past {
    begin: Timestamp,
    end: Timestamp,
}

impl Past {
    /// The counter at a time: 2 requests per minute.
    fn count(self, at: Timestamp) -> u64 {
        const BETWEEN: Span = Span::from_secs(30);
        let done = at.min(self.end).since(self.begin);
        u64::try_from(done.as_millis() / BETWEEN.as_millis()).expect("a count")
    }
}

/// Sets the scene: imports the history, starts exporter and Prometheus, waits for the first scrape.
pub(crate) async fn scenario() -> Scenario {
    let exporter = Exporter::start().await;
    let step = Span::from_secs(15);
    let end = clock::now().align_down(step);
    let begin = end - Span::from_mins(70);
    let past = Past { begin, end };
    let mut history = History::new(begin, end, step);
    for name in [LAZY, EAGER] {
        let labels = format!(r#"job="{JOB}",instance="{INSTANCE}",service="{name}",code="200""#);
        let series = format!("{METRIC}{{{labels}}}");
        history = history.series(&series, |at| Some(past.count(at) as f64));
    }
    let services = [LAZY, EAGER].map(|name| Service::start(&exporter, name, past));
    let config = PrometheusConfig {
        targets: vec![exporter.target(INSTANCE)],
        history: Some(history),
        rules: Some(rules()),
        ..PrometheusConfig::default()
    };
    let prometheus = config.start().await;
    prometheus.scraped(1, past.end).await;
    Scenario {
        prometheus,
        services,
        _exporter: exporter,
    }
}

impl Service {
    fn start(exporter: &Exporter, name: &'static str, past: Past) -> Self {
        let labels = [("service", name), ("code", "200")];
        let good = exporter.counter(METRIC, &labels, past.count(past.end));
        good.rate(1.0 / 30.0);
        let mut errors = Vec::new();
        for pod in ["a", "b", "c", "d"] {
            for route in ["/cart", "/pay", "/ship", "/tax", "/vouchers"] {
                let code = ("code", "500");
                let labels = [("service", name), ("pod", pod), ("route", route), code];
                errors.push(if name == LAZY {
                    exporter.lazy_counter(METRIC, &labels)
                } else {
                    exporter.counter(METRIC, &labels, 0)
                });
            }
        }
        Self {
            name,
            past,
            good,
            errors,
        }
    }

    /// The true error ratio of the window that ends at `now`.
    pub(crate) fn error_ratio(&self, window: Span, now: Timestamp) -> f64 {
        let from = now - window;
        let bad: u64 = self.errors.iter().map(|c| c.events(from, now)).sum();
        let past = self.past.count(now) - self.past.count(from);
        let good = past + self.good.events(from, now);
        bad as f64 / (bad + good) as f64
    }

    fn burns(&self, now: Timestamp) -> bool {
        [LONG, SHORT]
            .iter()
            .all(|window| self.error_ratio(*window, now) > THRESHOLD)
    }
}

impl Scenario {
    /// The outage: every route of every pod fails once, one after the other, each seen by a scrape.
    pub(crate) async fn fail(&self) {
        let count = self.services[0].errors.len();
        let mut pace = tokio::time::interval(Duration::from_millis(250));
        for at in 0..count {
            pace.tick().await;
            for service in &self.services {
                service.errors[at].add(1);
            }
        }
    }

    /// The services that truly burn.
    pub(crate) fn truth(&self, now: Timestamp) -> BTreeSet<&str> {
        let burning = self.services.iter().filter(|service| service.burns(now));
        burning.map(|service| service.name).collect()
    }
}

/// The usual rule, as Sloth or Pyrra would write it.
fn burn_rule() -> String {
    let errors = |window| {
        let bad = format!(r#"sum by (service) (rate({METRIC}{{code=~"5.."}}[{window}]))"#);
        let total = format!("sum by (service) (rate({METRIC}[{window}]))");
        format!("({bad} / {total} > {THRESHOLD})")
    };
    format!("{} and {}", errors(SHORT), errors(LONG))
}

fn rules() -> Value {
    let rule = json!({"alert": "BudgetBurns", "expr": burn_rule(), "labels": {"severity": "page"}});
    json!({"groups": [{"name": "burn", "rules": [rule]}]})
}

/// slofuse on the same Prometheus, with the same objective and tier for each service.
async fn slofuse(prometheus: &Prometheus, pager: &Receiver) -> Daemon {
    let slo = |service: &str| {
        json!({
            "apiVersion": "slofuse/v1",
            "kind": "SLO",
            "metadata": {"service": service, "name": "availability"},
            "spec": {"objective": 99.9, "sli": {"events": {
                "bad": format!(r#"{METRIC}{{service="{service}",code=~"5.."}}"#),
                "total": format!(r#"{METRIC}{{service="{service}"}}"#),
            }}},
        })
    };
    let config = DaemonConfig {
        settings: paging_settings(prometheus, pager),
        definitions: [LAZY, EAGER].map(slo).to_vec(),
        policies: Vec::new(),
    };
    config.start().await
}

/// The services that slofuse paged for.
fn paged(pager: &Receiver) -> BTreeSet<String> {
    let page = |service: &&&str| {
        let key = format!("slofuse/{service}/availability/page");
        pager
            .requests()
            .iter()
            .any(|request| request.body["dedup_key"] == key)
    };
    [LAZY, EAGER]
        .iter()
        .filter(page)
        .map(|service| (*service).to_owned())
        .collect()
}

/// The services for which the query API finds the rule's condition true.
async fn by_query(prometheus: &Prometheus, now: Timestamp) -> BTreeSet<String> {
    names(prometheus.query(&burn_rule(), now).await)
}

/// The services for which the alerting rule was pending or firing at any time.
async fn by_rule(prometheus: &Prometheus) -> BTreeSet<String> {
    let ever = r#"count_over_time(ALERTS{alertname="BudgetBurns"}[10m])"#;
    names(prometheus.query(ever, clock::now()).await)
}

fn names(found: Vec<Series>) -> BTreeSet<String> {
    let names = found
        .into_iter()
        .map(|mut series| series.labels.remove("service"));
    names
        .map(|name| name.expect("grouped by service"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_rule_misses_errors_of_new_series_and_slofuse_does_not() {
    let scene = scenario().await;
    let pager = Receiver::pagerduty().await;
    let daemon = slofuse(&scene.prometheus, &pager).await;
    assert!(scene.truth(clock::now()).is_empty(), "nothing failed yet");
    scene.fail().await;
    let failed_at = clock::now();
    let truth = BTreeSet::from([LAZY, EAGER]);
    assert_eq!(scene.truth(failed_at), truth);

    // Every error is in Prometheus: a reader of the samples could know.
    let seen = format!(r#"sum by (service) ({METRIC}{{code="500"}}) == 20"#);
    wait::until("all errors to be scraped", LIMIT, async || {
        let found = scene.prometheus.query(&seen, clock::now()).await;
        (found.len() == 2).then_some(())
    })
    .await;

    // The rule works: it fires for the same errors where the series began at zero. Then it is
    // given five more scrapes to find the others.
    wait::until("the rule to fire", LIMIT, async || {
        (by_rule(&scene.prometheus).await.contains(EAGER)).then_some(())
    })
    .await;
    scene.prometheus.scraped(5, clock::now()).await;
    let eager_only = BTreeSet::from([EAGER.to_owned()]);
    let now = clock::now();
    assert_eq!(by_query(&scene.prometheus, now).await, eager_only);
    assert_eq!(by_rule(&scene.prometheus).await, eager_only);
    assert_eq!(scene.truth(clock::now()), truth, "the burn is still on");

    wait::until("slofuse to page for both", LIMIT, async || {
        (paged(&pager).len() == 2).then_some(())
    })
    .await;
    let slos = daemon.get_json("/api/v1/slos").await;
    for slo in slos["slos"].as_array().expect("a list") {
        let hour = slo["windows"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|w| w["window"] == "1h");
        assert_eq!(
            hour.expect("the window")["bad"],
            20.0,
            "every error is counted: {slo}"
        );
    }
}
