//! Some services behind one Prometheus, and what it takes to watch them.
//!
//! Scrapes and slots are a second apart. The policies fire at 2.88 % of errors over 1m and 5s, so
//! a complete outage is an alert after about 2 s and over about 6 s after its end.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use slofuse::engine::Span;

use crate::bed::certificate::Certificate;
use crate::bed::daemon::{Daemon, DaemonConfig};
use crate::bed::exporter::Counter;
use crate::bed::prometheus::JOB;
use crate::bed::receivers::Request;
use crate::bed::{Exporter, History, Prometheus, PrometheusConfig, Receiver, clock};

/// For everything that takes a few seconds when all is well.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

const METRIC: &str = "http_requests_total";
const INSTANCE: &str = "host-1";
const REQUESTS_PER_SECOND: f64 = 10.0;

/// Healthy services with some minutes behind them, and their Prometheus.
pub(super) struct Estate {
    pub(super) prometheus: Prometheus,
    services: BTreeMap<&'static str, Service>,
    // Serves the scrapes until the scenario ends.
    _exporter: Exporter,
}

struct Service {
    good: Counter,
    bad: Counter,
}

impl Estate {
    pub(super) async fn open(names: &[&'static str]) -> Self {
        let exporter = Exporter::start().await;
        let step = Span::from_secs(1);
        let end = clock::now().align_down(step);
        let begin = end - Span::from_mins(3);
        let mut history = History::new(begin, end, step);
        let mut services = BTreeMap::new();
        let served = (end.since(begin).as_secs_f64() * REQUESTS_PER_SECOND) as u64;
        for name in names {
            for code in ["200", "500"] {
                let series = format!(
                    r#"{METRIC}{{job="{JOB}",instance="{INSTANCE}",service="{name}",code="{code}"}}"#
                );
                let rate = if code == "200" {
                    REQUESTS_PER_SECOND
                } else {
                    0.0
                };
                history = history.series(&series, |at| {
                    Some((at.since(begin).as_secs_f64() * rate).floor())
                });
            }
            let counter =
                |code, base| exporter.counter(METRIC, &[("service", *name), ("code", code)], base);
            let (good, bad) = (counter("200", served), counter("500", 0));
            services.insert(*name, Service { good, bad });
        }
        let config = PrometheusConfig {
            targets: vec![exporter.target(INSTANCE)],
            history: Some(history),
            ..PrometheusConfig::default()
        };
        let estate = Self {
            prometheus: config.start().await,
            services,
            _exporter: exporter,
        };
        names.iter().for_each(|name| estate.recover(name));
        estate.prometheus.scraped(1, end).await;
        estate
    }

    /// Every request to the service fails from now on.
    pub(super) fn break_down(&self, service: &str) {
        self.services[service].good.rate(0.0);
        self.services[service].bad.rate(REQUESTS_PER_SECOND);
    }

    /// No request to the service fails from now on.
    pub(super) fn recover(&self, service: &str) {
        self.services[service].good.rate(REQUESTS_PER_SECOND);
        self.services[service].bad.rate(0.0);
    }

    /// Lets some slots pass.
    pub(super) async fn pass(&self) {
        self.prometheus.scraped(3, clock::now()).await;
    }

    /// The daemon that watches the services as these settings say.
    pub(super) async fn watch(&self, settings: Value, definitions: Vec<Value>) -> Daemon {
        self.guard(settings, definitions, None).await
    }

    /// The same behind TLS.
    pub(super) async fn guard(
        &self,
        mut settings: Value,
        definitions: Vec<Value>,
        certificate: Option<Certificate>,
    ) -> Daemon {
        settings["prometheus"] = json!({"url": self.prometheus.url(), "timeout": "2s"});
        settings["evaluation"] = json!({"interval": "1s", "scrape_interval": "1s"});
        let config = DaemonConfig {
            settings,
            definitions,
            policies: vec![
                policy("page", "page", 60),
                policy("ticket", "ticket", 60),
                policy("nervous", "page", 5),
            ],
        };
        config.start_with(certificate).await
    }
}

/// The availability of a service, of team `shop`. Policies are `page`, `ticket`, and `nervous`, which
/// pages when the source fails for 5 s.
pub(super) fn slo(service: &str, policy: &str) -> Value {
    json!({
        "apiVersion": "slofuse/v1",
        "kind": "SLO",
        "metadata": {
            "service": service,
            "name": "availability",
            "owner": format!("team-{service}"),
            "labels": {"team": "shop"},
        },
        "spec": {
            "objective": 99,
            "period": "1d",
            "policy": policy,
            "sli": {"events": {
                "bad": format!(r#"{METRIC}{{service="{service}",code=~"5.."}}"#),
                "total": format!(r#"{METRIC}{{service="{service}"}}"#),
            }},
        },
    })
}

fn policy(name: &str, severity: &str, blind_after: u32) -> Value {
    json!({
        "apiVersion": "slofuse/v1",
        "kind": "Policy",
        "metadata": {"name": name},
        "spec": {
            "tiers": [{"severity": severity, "budget": "0.2%", "long": "1m", "short": "5s"}],
            "hold": "0s",
            "budget": {"thresholds": [], "exhaustion_within": "never"},
            "blind": {"after_slots": blind_after, "severity": "page"},
        },
    })
}

/// A webhook with Alertmanager's body.
pub(super) fn webhook(name: &str, receiver: &Receiver) -> Value {
    json!({"name": name, "timeout": "2s", "webhook": {"url": receiver.url("/hook")}})
}

/// What a webhook took, in order, each as `status service:status...`.
pub(super) fn said(requests: &[Request]) -> Vec<String> {
    let taken = requests.iter().filter(|request| request.accepted);
    taken
        .map(|request| {
            let word = |value: &Value| value.as_str().unwrap_or("none").to_owned();
            let alerts = request.body["alerts"].as_array().into_iter().flatten();
            let mut alerts: Vec<String> = alerts
                .map(|alert| {
                    let service = word(&alert["labels"]["service"]);
                    format!("{service}:{}", word(&alert["status"]))
                })
                .collect();
            alerts.sort();
            format!("{} {}", word(&request.body["status"]), alerts.join(" "))
        })
        .collect()
}

/// Waits until the webhook took exactly this.
pub(super) async fn heard(receiver: &Receiver, wanted: &[&str]) -> Vec<Request> {
    let what = format!("{wanted:#?}");
    receiver
        .wait_for(&what, LIMIT, |all| said(all) == wanted)
        .await
}

/// What a command of the binary prints; it must work.
pub(super) fn run(daemon: &Daemon, arguments: &[&str]) -> String {
    let output = daemon.command(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:#?}");
    String::from_utf8(output.stdout).expect("commands print text")
}

/// [`run`] of a command that asks the daemon.
pub(super) fn ask(daemon: &Daemon, arguments: &[&str]) -> String {
    run(daemon, &[arguments, &["--config", "slofuse.yaml"]].concat())
}
