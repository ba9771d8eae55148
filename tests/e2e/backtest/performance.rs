//! Four minutes of a shop with everything that may happen to it, and the daemon that watches.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use slofuse::engine::{Span, Timestamp};

use crate::bed::daemon::{Daemon, DaemonConfig};
use crate::bed::exporter::{Counter, Scrape};
use crate::bed::prometheus::JOB;
use crate::bed::{Exporter, History, Prometheus, PrometheusConfig, clock, wait};

/// Slots and scrapes are so far apart: a busy machine keeps pace with it.
pub(super) const SLOT: Span = Span::from_secs(2);
/// For everything that takes half a minute when all is well.
const LIMIT: Duration = Duration::from_secs(120);
/// Performances until the daemon misses no slot.
const PERFORMANCES_MAX: usize = 3;
/// The same exporter under so many names, each scraped at a time of its own.
const NAMES: usize = 16;
/// A scrape begins so long after a slot: everything of the last slot is over ...
const PHASE_MIN: Span = Span::from_millis(150);
/// ... and it ends long before the next.
const PHASE_MAX: Span = Span::from_millis(1000);
/// Requests per second of a region, searches per second; the past had a tenth of it.
const RATE: f64 = 20.0;
const PAST_RATE: f64 = 2.0;
/// How much past there is.
const PAST: Span = Span::from_hours(3);

/// What was performed.
pub(super) struct Performance {
    pub(super) daemon: Daemon,
    pub(super) prometheus: Prometheus,
    /// Everything was known from this slot on, and nothing was up.
    pub(super) from: Timestamp,
    /// The last slot.
    pub(super) until: Timestamp,
}

/// The shop.
struct Shop {
    exporter: Exporter,
    eu: Counter,
    us: Counter,
    eu_failed: Counter,
    /// Not there before its first event.
    us_failed: Counter,
    fast: Counter,
    prometheus: Prometheus,
    /// The name under which it is looked at.
    name: String,
}

impl Performance {
    /// A performance of which the daemon missed nothing.
    pub(super) async fn watched() -> Self {
        for _ in 0..PERFORMANCES_MAX {
            let shop = Shop::open().await;
            let daemon = shop.watch().await;
            let (from, until) = shop.perform(&daemon).await;
            let missed = missed(&daemon).await;
            if missed == 0.0 {
                let prometheus = shop.prometheus;
                return Self {
                    daemon,
                    prometheus,
                    from,
                    until,
                };
            }
        }
        panic!("this machine is held up too often: the daemon missed slots each time")
    }
}

/// Slots that were missed and polls that failed.
async fn missed(daemon: &Daemon) -> f64 {
    let metrics = daemon.api().get_text("/metrics").await;
    let counts = metrics.lines().filter(|line| {
        line.starts_with("slofuse_slots_missed_total")
            || line.starts_with("slofuse_poll_errors_total")
    });
    counts
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

impl Shop {
    async fn open() -> Self {
        let exporter = Exporter::start().await;
        let name = well_timed(&exporter).await;
        let end = clock::now().align_down(SLOT);
        let begin = end - PAST;
        let count = move |at: Timestamp| (at.since(begin).as_secs_f64() * PAST_RATE).floor();
        let mut history = History::new(begin, end, SLOT);
        for (metric, labels, counts) in [
            ("requests_total", r#",region="eu",code="200""#, true),
            ("requests_total", r#",region="us",code="200""#, true),
            ("requests_total", r#",region="eu",code="500""#, false),
            ("latency_seconds_bucket", r#",le="0.3""#, true),
            ("latency_seconds_count", "", true),
        ] {
            let series = format!(r#"{metric}{{job="{JOB}",instance="{name}"{labels}}}"#);
            let value = move |at| Some(if counts { count(at) } else { 0.0 });
            history = history.series(&series, value);
        }
        let base = count(end) as u64;
        let request = |region, code, base| {
            exporter.counter(
                "requests_total",
                &[("region", region), ("code", code)],
                base,
            )
        };
        let (eu, us) = (request("eu", "200", base), request("us", "200", base));
        let eu_failed = request("eu", "500", 0);
        let failed = [("region", "us"), ("code", "500")];
        let us_failed = exporter.lazy_counter("requests_total", &failed);
        let fast = exporter.counter("latency_seconds_bucket", &[("le", "0.3")], base);
        let all = exporter.counter("latency_seconds_count", &[], base);
        for counter in [&eu, &us, &fast, &all] {
            counter.rate(RATE);
        }
        let config = PrometheusConfig {
            targets: vec![exporter.target(&name)],
            history: Some(history),
            ..scraping()
        };
        let prometheus = config.start().await;
        prometheus.scraped(3, end).await;
        let times = phases(&prometheus).await;
        assert!(
            times.contains_key(&name),
            "{name} is scraped at another time: {times:?}"
        );
        Self {
            exporter,
            eu,
            us,
            eu_failed,
            us_failed,
            fast,
            prometheus,
            name,
        }
    }

    async fn watch(&self) -> Daemon {
        let config = DaemonConfig {
            settings: json!({
                "prometheus": {"url": self.prometheus.url(), "timeout": "10s"},
                "evaluation": {"interval": SLOT.to_string(), "scrape_interval": SLOT.to_string()},
                "receivers": [{"name": "console", "console": {}}],
                "routes": {"default": ["console"]},
            }),
            definitions: definitions(&self.name),
            policies: policies(),
        };
        config.start().await
    }

    /// Everything that may happen; says between which slots.
    async fn perform(&self, daemon: &Daemon) -> (Timestamp, Timestamp) {
        wait::until("everything to be covered", LIMIT, async || {
            let slos = daemon.get_json("/api/v1/slos?service=shop").await;
            let slos = slos["slos"].as_array()?;
            let windows = |slo: &Value| slo["windows"].as_array().cloned().unwrap_or_default();
            let is_covered = |slo: &Value| {
                let windows = windows(slo);
                !windows.is_empty()
                    && windows
                        .iter()
                        .all(|window| window["error_ratio"].is_number())
            };
            (slos.len() >= 9 && slos.iter().all(is_covered)).then_some(())
        })
        .await;
        self.pass(3).await;
        let alerts = daemon.get_json("/api/v1/alerts").await;
        assert_eq!(alerts["alerts"], json!([]), "nothing is up at the start");
        let from = clock::now().align_down(SLOT);

        // Half of the requests of one region fail, half of the searches are slow.
        self.us.rate(RATE / 2.0);
        self.us_failed.rate(RATE / 2.0);
        self.fast.rate(RATE / 2.0);
        let firing = [
            "requests", "patient", "search", "journey", "direct", "slices", "spent",
        ];
        self.until(daemon, &firing.map(|slo| (slo, "page", "firing")))
            .await;
        self.recover(daemon).await;

        // All requests fail, but not for long enough for the patient policy.
        self.us.rate(0.0);
        self.us_failed.rate(RATE);
        self.eu.rate(0.0);
        self.eu_failed.rate(RATE);
        self.until(daemon, &[("patient", "page", "pending")]).await;
        self.recover(daemon).await;

        // A ticket in one region, whose processes restart meanwhile.
        self.eu_failed.rate(RATE / 10.0);
        self.until(daemon, &[("requests", "ticket", "firing")])
            .await;
        self.exporter.restart("region", "eu");
        self.pass(4).await;
        self.recover(daemon).await;

        // Nobody can see that everything fails in one region.
        self.exporter.answer_scrapes(Scrape::Fails);
        self.us.rate(0.0);
        self.us_failed.rate(RATE);
        wait::until("the blind", LIMIT, async || {
            let alerts = daemon.get_json("/api/v1/alerts").await;
            let mut alerts = alerts["alerts"].as_array()?.iter();
            alerts.any(|alert| alert["kind"] == "blind").then_some(())
        })
        .await;
        self.exporter.answer_scrapes(Scrape::Fine);
        self.until(daemon, &[("requests", "page", "firing")]).await;
        self.recover(daemon).await;

        self.pass(3).await;
        let until = clock::now().align_down(SLOT);
        self.pass(3).await;
        (from, until)
    }

    async fn pass(&self, scrapes: usize) {
        self.prometheus.scraped(scrapes, clock::now()).await;
    }

    /// All is well again, and the daemon says so.
    async fn recover(&self, daemon: &Daemon) {
        for counter in [&self.eu, &self.us, &self.fast] {
            counter.rate(RATE);
        }
        for counter in [&self.eu_failed, &self.us_failed] {
            counter.rate(0.0);
        }
        wait::until("pages and tickets to end", LIMIT, async || {
            let alerts = daemon.get_json("/api/v1/alerts").await;
            let mut alerts = alerts["alerts"].as_array()?.iter();
            alerts
                .all(|alert| alert["severity"] == "info")
                .then_some(())
        })
        .await;
        self.pass(2).await;
    }

    async fn until(&self, daemon: &Daemon, wanted: &[(&str, &str, &str)]) {
        let what = format!("{wanted:?}");
        wait::until(&what, LIMIT, async || {
            let alerts = daemon.get_json("/api/v1/alerts").await;
            let alerts = alerts["alerts"].as_array()?;
            let is_there = |(slo, severity, state): &(&str, &str, &str)| {
                alerts.iter().any(|alert| {
                    alert["slo"] == *slo
                        && alert["severity"] == *severity
                        && alert["state"] == *state
                })
            };
            wanted.iter().all(is_there).then_some(())
        })
        .await;
    }
}

fn scraping() -> PrometheusConfig {
    PrometheusConfig {
        scrape_interval: Duration::from_millis(SLOT.as_millis().unsigned_abs()),
        ..PrometheusConfig::default()
    }
}

/// A name of the exporter whose scrapes begin well after a slot and end well before the next: a
/// server spreads its targets by their labels and addresses, each server on this machine alike.
async fn well_timed(exporter: &Exporter) -> String {
    let names = (0..NAMES).map(|at| format!("shop-{at}"));
    let config = PrometheusConfig {
        targets: names.map(|name| exporter.target(&name)).collect(),
        ..scraping()
    };
    let prometheus = config.start().await;
    wait::until("a target that is scraped in time", LIMIT, async || {
        let mut phases = phases(&prometheus).await.into_iter();
        Some(phases.next()?.0)
    })
    .await
}

/// The targets that are scraped in time, and how long after a slot.
async fn phases(prometheus: &Prometheus) -> BTreeMap<String, Vec<Span>> {
    let up = prometheus.query("up[20s]", clock::now()).await;
    let phases = up.into_iter().map(|series| {
        let phase = |(at, _): &(Timestamp, f64)| at.since(at.align_down(SLOT));
        let phases: Vec<Span> = series.samples.iter().map(phase).collect();
        (series.labels["instance"].clone(), phases)
    });
    let in_time = |phase: &Span| (PHASE_MIN..=PHASE_MAX).contains(phase);
    phases
        .filter(|(_, phases)| phases.len() >= 2 && phases.iter().all(in_time))
        .collect()
}

fn policies() -> Vec<Value> {
    let policy = |name: &str, spec: Value| {
        json!({
            "apiVersion": "slofuse/v1",
            "kind": "Policy",
            "metadata": {"name": name},
            "spec": spec,
        })
    };
    // Factors 14.4 and 3.6 of a day's budget.
    let page = json!({"severity": "page", "budget": "0.5%", "long": "30s", "short": "6s"});
    let ticket = json!({"severity": "ticket", "budget": "0.25%", "long": "1m", "short": "12s"});
    let silent = json!({"thresholds": [], "exhaustion_within": "never"});
    let blind = json!({"after_slots": 4, "severity": "ticket"});
    vec![
        policy(
            "brisk",
            json!({
                "tiers": [page, ticket],
                "hold": "4s",
                // Forecasts are not compared, see the head of the test.
                "budget": {"thresholds": ["5%", "20%", "50%", "100%"], "exhaustion_within": "never"},
                "blind": blind,
            }),
        ),
        policy(
            "patient",
            json!({"tiers": [page], "pending": "14s", "hold": "8s", "budget": silent, "blind": blind}),
        ),
        policy(
            "asked",
            json!({"tiers": [page, ticket], "hold": "4s", "budget": silent, "blind": blind}),
        ),
        policy(
            "sliced",
            json!({
                "tiers": [{
                    "severity": "page", "budget": "0.5%", "long": "30s", "short": "6s",
                    "minimum_events": 2,
                }],
                "budget": silent,
                "blind": blind,
            }),
        ),
    ]
}

/// One of each kind, about one name of the shop.
fn definitions(name: &str) -> Vec<Value> {
    let slo = |slo: &str, policy: Value, sli: Value| {
        json!({
            "apiVersion": "slofuse/v1",
            "kind": "SLO",
            "metadata": {"service": "shop", "name": slo},
            "spec": {"objective": 99, "period": "1d", "policy": policy, "sli": sli},
        })
    };
    let all = format!(r#"requests_total{{instance="{name}"}}"#);
    let failed = format!(r#"requests_total{{instance="{name}",code=~"5.."}}"#);
    let served = format!(r#"requests_total{{instance="{name}",code="200"}}"#);
    let requests = json!({"events": {"bad": failed, "total": all}});
    let mut grouped = slo("requests", json!("brisk"), requests.clone());
    grouped["spec"]["group_by"] = json!(["region"]);
    let mut events = slo("events", json!("brisk"), requests.clone());
    events["spec"]["period"] = json!({"events": 20_000, "within": "1d"});
    vec![
        grouped,
        events,
        slo("patient", json!("patient"), requests.clone()),
        slo(
            "spent",
            json!({"from": "brisk", "mode": "budget"}),
            requests,
        ),
        slo(
            "search",
            json!("brisk"),
            json!({"latency": {
                "histogram": format!(r#"latency_seconds{{instance="{name}"}}"#),
                "threshold": "300ms",
            }}),
        ),
        slo(
            "journey",
            json!("brisk"),
            json!({"journey": [{"slo": "patient"}, {"slo": "search"}]}),
        ),
        slo(
            "direct",
            json!("asked"),
            json!({"ratio": {"error_ratio": format!(
                "clamp_min(1 - sum(rate({served}[$window])) / sum(rate({all}[$window])), 0)"
            )}}),
        ),
        slo(
            "slices",
            json!("sliced"),
            json!({"time_slices": {
                "condition": format!("sum(rate({failed}[10s])) < 5"),
                "slice": SLOT.to_string(),
            }}),
        ),
    ]
}
