//! From a failing service to a person and back, across everything that may break in between.
//!
//! Scrapes and slots are a second apart. The test policy pages at 1 % of a day's budget within a
//! minute: factor 14.4, so with the objective of 99 % an error ratio of 14.4 % over 1m and 10s.
//! The shop serves 10 requests per second; a complete outage pages after about 9 s.

use std::time::Duration;

use serde_json::{Value, json};
use slofuse::engine::{Span, Timestamp};

use crate::bed::daemon::{Daemon, DaemonConfig};
use crate::bed::exporter::Counter;
use crate::bed::prometheus::JOB;
use crate::bed::receivers::Request;
use crate::bed::{Answer, Exporter, History, Prometheus, PrometheusConfig, Receiver, clock, wait};

/// For everything that takes a few seconds when all is well.
pub(crate) const LIMIT: Duration = Duration::from_secs(45);

const METRIC: &str = "http_requests_total";
const INSTANCE: &str = "shop-1";
const REQUESTS_PER_SECOND: f64 = 10.0;
/// Error ratio above which the tier burns.
const THRESHOLD: f64 = 0.144;
const LONG: Span = Span::from_mins(1);

const RUNBOOK: &str = "https://runbooks.example.com/checkout";
const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const PAGE: &str = "slofuse/checkout/availability/page";

/// A healthy shop with a quarter of an hour behind it, and its Prometheus.
pub(crate) struct Shop {
    good: Counter,
    bad: Counter,
    pub(crate) prometheus: Prometheus,
    // Serves the scrapes until the scenario ends.
    _exporter: Exporter,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let exporter = Exporter::start().await;
        let step = Span::from_secs(1);
        let end = clock::now().align_down(step);
        let begin = end - Span::from_mins(15);
        let served = |at: Timestamp| (at.since(begin).as_secs_f64() * REQUESTS_PER_SECOND).floor();
        let series = |code| {
            format!(
                r#"{METRIC}{{job="{JOB}",instance="{INSTANCE}",service="checkout",code="{code}"}}"#
            )
        };
        let history = History::new(begin, end, step)
            .series(&series("200"), |at| Some(served(at)))
            .series(&series("500"), |_| Some(0.0));
        let counter =
            |code, base| exporter.counter(METRIC, &[("service", "checkout"), ("code", code)], base);
        let (good, bad) = (counter("200", served(end) as u64), counter("500", 0));
        let config = PrometheusConfig {
            targets: vec![exporter.target(INSTANCE)],
            history: Some(history),
            ..PrometheusConfig::default()
        };
        let shop = Self {
            good,
            bad,
            prometheus: config.start().await,
            _exporter: exporter,
        };
        shop.recover();
        shop.prometheus.scraped(1, end).await;
        shop
    }

    /// Every request fails from now on.
    pub(crate) fn break_down(&self) {
        self.good.rate(0.0);
        self.bad.rate(REQUESTS_PER_SECOND);
    }

    /// No request fails from now on.
    pub(crate) fn recover(&self) {
        self.good.rate(REQUESTS_PER_SECOND);
        self.bad.rate(0.0);
    }

    /// The daemon that watches the shop and tells these receivers.
    pub(crate) async fn watch(&self, receivers: Vec<Value>) -> Daemon {
        let names: Vec<Value> = receivers.iter().map(|r| r["name"].clone()).collect();
        let config = DaemonConfig {
            settings: json!({
                "prometheus": {"url": self.prometheus.url(), "timeout": "2s"},
                "evaluation": {"interval": "1s", "scrape_interval": "1s"},
                "receivers": receivers,
                "routes": {"default": names},
                "delivery": {"backoff_initial": "200ms", "backoff_max": "1s"},
            }),
            definitions: vec![slo()],
            policies: vec![policy()],
        };
        config.start().await
    }
}

fn slo() -> Value {
    json!({
        "apiVersion": "slofuse/v1",
        "kind": "SLO",
        "metadata": {
            "service": "checkout",
            "name": "availability",
            "owner": "team-checkout",
            "description": "Customers can pay.",
            "runbook": RUNBOOK,
        },
        "spec": {
            "objective": 99,
            "period": "1d",
            "policy": "seconds",
            "sli": {"events": {
                "bad": format!(r#"{METRIC}{{service="checkout",code=~"5.."}}"#),
                "total": format!(r#"{METRIC}{{service="checkout"}}"#),
            }},
        },
    })
}

fn policy() -> Value {
    json!({
        "apiVersion": "slofuse/v1",
        "kind": "Policy",
        "metadata": {"name": "seconds"},
        "spec": {
            "tiers": [{"severity": "page", "budget": "1%", "long": "1m", "short": "10s"}],
            "hold": "1s",
            "budget": {"thresholds": [], "exhaustion_within": "never"},
            "blind": {"after_slots": 3, "severity": "page"},
        },
    })
}

pub(crate) fn pagerduty(name: &str, receiver: &Receiver) -> Value {
    let url = receiver.url("/v2/enqueue");
    let timeout = "1s";
    json!({"name": name, "timeout": timeout, "pagerduty": {"routing_key": ROUTING_KEY, "url": url}})
}

fn slack(name: &str, receiver: &Receiver) -> Value {
    let url = receiver.url("/services/T0/B0/secret");
    json!({"name": name, "timeout": "1s", "slack": {"webhook_url": url}})
}

/// What PagerDuty took about one key, in order: `trigger`, `resolve`.
fn events<'a>(requests: &'a [Request], dedup_key: &str) -> Vec<&'a str> {
    let about = requests
        .iter()
        .filter(|r| r.accepted && r.body["dedup_key"] == dedup_key);
    about
        .map(|request| request.body["event_action"].as_str().unwrap_or("none"))
        .collect()
}

fn is_about_the_source(request: &Request) -> bool {
    let key = request.body["dedup_key"].as_str();
    key.is_some_and(|key| key.starts_with("slofuse/source:") && key.ends_with("/blind"))
}

/// Waits until PagerDuty took exactly these events about the burn.
pub(crate) async fn told(pager: &Receiver, wanted: &[&str]) -> Vec<Request> {
    let what = format!("{wanted:?} about {PAGE}");
    pager
        .wait_for(&what, LIMIT, |all| events(all, PAGE) == wanted)
        .await
}

fn accepted(receiver: &Receiver) -> Vec<Request> {
    let mut requests = receiver.requests();
    requests.retain(|request| request.accepted);
    requests
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_one_page_and_its_end_one_resolve() {
    let shop = Shop::open().await;
    let (pager, chat) = (Receiver::pagerduty().await, Receiver::slack_webhook().await);
    let receivers = vec![pagerduty("pager", &pager), slack("chat", &chat)];
    let daemon = shop.watch(receivers).await;
    shop.prometheus.scraped(5, clock::now()).await;
    assert!(pager.requests().is_empty(), "a healthy shop pages nobody");
    assert!(chat.requests().is_empty());

    shop.break_down();
    let paged = told(&pager, &["trigger"]).await;
    let page = &paged[0].body;
    assert_eq!(page["routing_key"], ROUTING_KEY);
    assert_eq!(page["payload"]["severity"], "critical");
    let summary = page["payload"]["summary"].as_str().unwrap_or_default();
    assert!(summary.contains("checkout"), "{summary}");
    assert!(summary.contains("availability"), "{summary}");
    assert!(page.to_string().contains(RUNBOOK), "{page}");
    let said = chat
        .wait_for("a message", LIMIT, |all| all.len() == 1)
        .await;
    let message = said[0].body.to_string();
    assert!(
        message.contains("checkout") && message.contains(RUNBOOK),
        "{message}"
    );
    let alerts = daemon.get_json("/api/v1/alerts").await;
    assert_eq!(alerts["alerts"][0]["state"], "firing");
    shop.prometheus.scraped(5, clock::now()).await;
    assert_eq!(
        pager.requests().len(),
        1,
        "five slots later it is still one page"
    );

    shop.recover();
    told(&pager, &["trigger", "resolve"]).await;
    chat.wait_for("a second message", LIMIT, |all| all.len() == 2)
        .await;
    shop.prometheus.scraped(5, clock::now()).await;
    assert_eq!(pager.requests().len(), 2, "{:#?}", pager.requests());
    assert_eq!(chat.requests().len(), 2, "{:#?}", chat.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_while_firing_tells_nobody_twice() {
    let shop = Shop::open().await;
    let pager = Receiver::pagerduty().await;
    let mut daemon = shop.watch(vec![pagerduty("pager", &pager)]).await;
    shop.break_down();
    told(&pager, &["trigger"]).await;
    let status = daemon.terminate().await;
    assert!(status.success(), "a termination is no failure: {status}");
    daemon.restart().await;
    shop.prometheus.scraped(5, clock::now()).await;
    assert_eq!(events(&pager.requests(), PAGE), ["trigger"]);
    shop.recover();
    told(&pager, &["trigger", "resolve"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_prometheus_resolves_nothing() {
    let mut shop = Shop::open().await;
    let pager = Receiver::pagerduty().await;
    let _daemon = shop.watch(vec![pagerduty("pager", &pager)]).await;
    shop.break_down();
    told(&pager, &["trigger"]).await;

    shop.prometheus.kill();
    let killed_at = clock::now();
    let blind = |all: &[Request], action: &str| {
        let about = all.iter().filter(|r| r.accepted && is_about_the_source(r));
        about.filter(|r| r.body["event_action"] == action).count()
    };
    let requests = pager
        .wait_for("the source to be missed", LIMIT, |all| {
            blind(all, "trigger") == 1
        })
        .await;
    let missed_at = requests.last().map_or(killed_at, |request| request.at);
    let after = missed_at.since(killed_at);
    assert!(
        after >= Span::from_secs(2),
        "3 slots were to be missed, not {after}"
    );
    assert_eq!(events(&requests, PAGE), ["trigger"], "blind is not healthy");

    shop.prometheus.restart().await;
    let requests = pager
        .wait_for("the source to be back", LIMIT, |all| {
            blind(all, "resolve") == 1
        })
        .await;
    assert_eq!(blind(&requests, "trigger"), 1);
    shop.prometheus.scraped(5, clock::now()).await;
    let requests = pager.requests();
    assert_eq!(
        events(&requests, PAGE),
        ["trigger"],
        "the shop is still down"
    );
    shop.recover();
    told(&pager, &["trigger", "resolve"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_during_a_gap_count_when_it_ends() {
    let mut shop = Shop::open().await;
    let pager = Receiver::pagerduty().await;
    let _daemon = shop.watch(vec![pagerduty("pager", &pager)]).await;
    shop.prometheus.scraped(3, clock::now()).await;
    assert!(pager.requests().is_empty());

    shop.prometheus.kill();
    let broken_at = clock::now();
    shop.break_down();
    wait::until("15 s of errors that nobody sees", LIMIT, async || {
        (shop.bad.events(broken_at, clock::now()) >= 150).then_some(())
    })
    .await;
    let back_at = clock::now();
    shop.prometheus.restart().await;
    let requests = told(&pager, &["trigger"]).await;

    // The errors since the return alone would not have been enough.
    let paged = requests
        .iter()
        .find(|request| request.body["dedup_key"] == PAGE)
        .map_or(back_at, |request| request.at);
    let all = |from| shop.good.events(from, paged) + shop.bad.events(from, paged);
    let since_return = shop.bad.events(back_at, paged) as f64;
    let ratio = since_return / (LONG.as_secs_f64() * REQUESTS_PER_SECOND);
    assert!(all(broken_at) >= 150);
    assert!(
        ratio < THRESHOLD,
        "paged {} after the return",
        paged.since(back_at)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_decision_and_delivery_loses_nothing() {
    let shop = Shop::open().await;
    let (pager, chat) = (Receiver::pagerduty().await, Receiver::slack_webhook().await);
    let receivers = vec![pagerduty("pager", &pager), slack("chat", &chat)];
    let mut daemon = shop.watch(receivers).await;
    for receiver in [&pager, &chat] {
        receiver.otherwise(Answer::Hang);
    }
    shop.break_down();
    for receiver in [&pager, &chat] {
        let hung = receiver.wait_for("an attempt", LIMIT, |all| !all.is_empty());
        assert!(hung.await.iter().all(|request| !request.accepted));
    }
    daemon.kill9();
    for receiver in [&pager, &chat] {
        assert!(
            accepted(receiver).is_empty(),
            "nothing was delivered before the crash"
        );
        receiver.otherwise(Answer::Fine);
    }

    daemon.restart().await;
    told(&pager, &["trigger"]).await;
    shop.prometheus.scraped(5, clock::now()).await;
    assert_eq!(accepted(&pager).len(), 1, "once per dedup key");
    assert_eq!(accepted(&chat).len(), 1);
    shop.recover();
    told(&pager, &["trigger", "resolve"]).await;
    chat.wait_for("its resolve", LIMIT, |all| {
        all.iter().filter(|request| request.accepted).count() == 2
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_receivers_are_tried_until_they_take_it_once() {
    const RETRY_AFTER_SECS: u64 = 2;
    let limited = Answer::RateLimited(RETRY_AFTER_SECS);
    let faults = [
        ("healthy", vec![]),
        ("errors", vec![Answer::Status(500); 3]),
        ("limited", vec![limited; 2]),
        ("hanging", vec![Answer::Hang]),
        ("resetting", vec![Answer::Reset; 2]),
    ];
    let shop = Shop::open().await;
    let mut pagers = Vec::new();
    for (name, answers) in faults {
        let pager = Receiver::pagerduty().await;
        let failures = answers.len();
        pager.script(answers);
        pagers.push((name, failures, pager));
    }
    let receivers = pagers.iter().map(|(name, _, pager)| pagerduty(name, pager));
    let _daemon = shop.watch(receivers.collect()).await;
    shop.break_down();
    for (name, failures, pager) in &pagers {
        let requests = told(pager, &["trigger"]).await;
        assert_eq!(
            requests.len(),
            failures + 1,
            "{name}: no more attempts than needed"
        );
        let same = |request: &Request| request.body["dedup_key"] == PAGE;
        assert!(requests.iter().all(same), "{name}");
        if *name == "limited" {
            for pair in requests.windows(2) {
                let waited = pair[1].at.since(pair[0].at).as_secs_f64();
                assert!(
                    waited >= RETRY_AFTER_SECS as f64,
                    "asked again after {waited} s"
                );
            }
        }
    }
    let taken = |pager: &Receiver| accepted(pager).first().map(|request| request.at);
    let healthy = taken(&pagers[0].2);
    let others = pagers[1..].iter();
    assert!(
        others.clone().all(|(.., pager)| taken(pager) >= healthy),
        "nobody waits for another"
    );
    shop.recover();
    for (name, failures, pager) in &pagers {
        let requests = told(pager, &["trigger", "resolve"]).await;
        assert_eq!(requests.len(), failures + 2, "{name}");
    }
}
