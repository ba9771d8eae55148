//! The bed itself: a scenario is worth nothing if its surroundings lie.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use slofuse::engine::{Span, Timestamp};
use tokio::time::Instant;

use crate::bed::process::Process;
use crate::bed::prometheus;
use crate::bed::{
    Answer, Exporter, History, Prometheus, PrometheusConfig, Receiver, Scrape, clock, wait,
};

const LIMIT: Duration = Duration::from_secs(20);

async fn scraping(exporter: &Exporter) -> Prometheus {
    let config = PrometheusConfig {
        targets: vec![exporter.target("shop-1")],
        ..PrometheusConfig::default()
    };
    config.start().await
}

/// Waits until an instant query has exactly this value (or, for `None`, no result).
async fn value_becomes(prometheus: &Prometheus, expression: &str, wanted: Option<f64>) {
    let what = format!("{expression} to be {wanted:?}");
    wait::until(&what, LIMIT, async || {
        let found = prometheus.query(expression, clock::now()).await;
        let found = found.first().map(|series| series.samples[0].1);
        (found == wanted).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scraped_samples_are_the_truth() {
    let exporter = Exporter::start().await;
    let steady = exporter.counter("requests_total", &[("code", "200")], 1000);
    let begun = clock::now();
    steady.rate(40.0);
    let prometheus = scraping(&exporter).await;
    let raw = wait::until("five scrapes", LIMIT, async || {
        let found = prometheus.query("requests_total[1m]", clock::now()).await;
        found.into_iter().find(|series| series.samples.len() >= 5)
    })
    .await;

    assert_eq!(raw.labels["job"], "shop");
    assert_eq!(raw.labels["instance"], "shop-1");
    // A sample is stamped when its scrape starts and read at most one scrape timeout later.
    let timeout = Span::from_secs(1);
    for (at, value) in raw.samples {
        let least = 1000 + steady.events(begun, at);
        let most = 1000 + steady.events(begun, at + timeout);
        assert!(
            (least as f64..=most as f64).contains(&value),
            "{value} at {at:?} is not in {least}..={most}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lazy_counters_are_born_with_their_first_event() {
    let exporter = Exporter::start().await;
    exporter.counter("requests_total", &[("pod", "a")], 7);
    let errors = exporter.lazy_counter("errors_total", &[("pod", "a")]);
    let prometheus = scraping(&exporter).await;
    value_becomes(&prometheus, "requests_total", Some(7.0)).await;
    value_becomes(&prometheus, "errors_total", None).await;

    errors.add(3);
    value_becomes(&prometheus, "errors_total", Some(3.0)).await;
    let now = clock::now();
    let born = prometheus
        .query("min_over_time(errors_total[1m])", now)
        .await;
    assert_eq!(born[0].samples[0].1, 3.0, "there was no sample before");

    exporter.restart("pod", "a");
    value_becomes(&prometheus, "requests_total", Some(0.0)).await;
    value_becomes(&prometheus, "errors_total", None).await;
    assert_eq!(
        errors.events(Timestamp::EPOCH, clock::now()),
        3,
        "truth stays"
    );

    exporter.vanish("pod", "a");
    value_becomes(&prometheus, "requests_total", None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scrapes_fail_and_recover_as_told() {
    let exporter = Exporter::start().await;
    exporter.counter("requests_total", &[], 1);
    let prometheus = scraping(&exporter).await;
    value_becomes(&prometheus, "up", Some(1.0)).await;
    exporter.answer_scrapes(Scrape::Fails);
    value_becomes(&prometheus, "up", Some(0.0)).await;
    exporter.answer_scrapes(Scrape::Slow(Duration::from_millis(300)));
    value_becomes(
        &prometheus,
        "scrape_duration_seconds >= bool 0.3",
        Some(1.0),
    )
    .await;
    value_becomes(&prometheus, "up", Some(1.0)).await;
    exporter.answer_scrapes(Scrape::Slow(Duration::from_secs(3)));
    value_becomes(&prometheus, "up", Some(0.0)).await;
    exporter.answer_scrapes(Scrape::Fine);
    value_becomes(&prometheus, "up", Some(1.0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_continues_into_scrapes() {
    let exporter = Exporter::start().await;
    let step = Span::from_secs(15);
    let end = clock::now().align_down(step);
    let begin = end - Span::from_hours(5);
    let count = |at: Timestamp| at.since(begin).as_secs_f64();
    let name = r#"requests_total{job="shop",instance="shop-1",code="200"}"#;
    let history = History::new(begin, end, step).series(name, |at| Some(count(at)));
    exporter.counter("requests_total", &[("code", "200")], count(end) as u64);

    let config = PrometheusConfig {
        targets: vec![exporter.target("shop-1")],
        history: Some(history),
        ..PrometheusConfig::default()
    };
    let prometheus = config.start().await;
    value_becomes(&prometheus, "requests_total", Some(count(end))).await;
    let all = prometheus.query("requests_total[6h]", clock::now()).await;
    assert_eq!(all.len(), 1, "one series before and after: {all:?}");
    let values: Vec<f64> = all[0].samples.iter().map(|(_, value)| *value).collect();
    assert!(
        values.len() > 5 * 240,
        "all 15 s samples of 5 h and a scrape"
    );
    assert_eq!(values[0], 0.0);
    assert!(values.is_sorted());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_prometheus_comes_back_with_its_samples() {
    let exporter = Exporter::start().await;
    let counter = exporter.counter("requests_total", &[], 5);
    let mut prometheus = scraping(&exporter).await;
    value_becomes(&prometheus, "requests_total", Some(5.0)).await;
    assert!(prometheus.cpu_time() > Duration::ZERO);
    let before = clock::now();
    let url = prometheus.url().to_owned();

    prometheus.kill();
    counter.add(1);
    let refused = tokio::net::TcpStream::connect(url.trim_start_matches("http://")).await;
    assert!(refused.is_err(), "nobody listens after a kill");

    prometheus.restart().await;
    assert_eq!(prometheus.url(), url);
    let old = prometheus.query("requests_total", before).await;
    assert_eq!(old[0].samples[0].1, 5.0, "samples survive a kill");
    value_becomes(&prometheus, "requests_total", Some(6.0)).await;
}

#[tokio::test]
async fn processes_end_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "echo started; exec sleep 1000"]);
    let mut process = Process::spawn(command, &dir.path().join("log"), "install it");
    wait::until("output", LIMIT, async || {
        (process.output() == "started\n").then_some(())
    })
    .await;
    assert_eq!(process.exited(), None);
    let status = process.terminate(LIMIT).await;
    assert_eq!(status.to_string(), "signal: 15 (SIGTERM)");
    assert_eq!(process.exited(), Some(status));
}

#[test]
#[should_panic(expected = "there is no slofuse-nobody-has: install it: apt-get install prometheus")]
fn a_missing_program_fails_with_advice() {
    let dir = tempfile::tempdir().unwrap();
    let command = Command::new("slofuse-nobody-has");
    Process::spawn(command, &dir.path().join("log"), prometheus::ADVICE);
}

async fn post(url: &str, body: &Value) -> Result<(u16, String), reqwest::Error> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let client = reqwest::Client::builder().no_proxy();
    let client = client.timeout(Duration::from_millis(500)).build()?;
    let request = client.post(url).bearer_auth("xoxb-1").json(body);
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    let retry_after = answer.headers().get("retry-after").cloned();
    let retry_after = retry_after.map_or_else(String::new, |v| format!("{v:?} "));
    Ok((status, retry_after + &answer.text().await?))
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_misbehave_as_scripted() {
    let receiver = Receiver::webhook().await;
    let url = receiver.url("/hook");
    receiver.script([
        Answer::Status(500),
        Answer::RateLimited(7),
        Answer::Reset,
        Answer::Hang,
        Answer::Slow(Duration::from_millis(200)),
    ]);
    let body = json!({"n": 1});
    assert_eq!(post(&url, &body).await.unwrap().0, 500);
    let (status, text) = post(&url, &body).await.unwrap();
    assert_eq!((status, text.get(..3)), (429, Some("\"7\"")));
    let reset = post(&url, &body).await.unwrap_err();
    assert!(!reset.is_timeout(), "{reset:?}");
    let hang = post(&url, &body).await.unwrap_err();
    assert!(hang.is_timeout(), "{hang:?}");
    let before = Instant::now();
    assert_eq!(post(&url, &body).await.unwrap().0, 200);
    assert!(before.elapsed() >= Duration::from_millis(200));
    assert_eq!(post(&url, &body).await.unwrap().0, 200);
    receiver.otherwise(Answer::Status(503));
    assert_eq!(post(&url, &body).await.unwrap().0, 503);

    let requests = receiver.requests();
    let accepted: Vec<bool> = requests.iter().map(|request| request.accepted).collect();
    assert_eq!(accepted, [false, false, false, false, true, true, false]);
    assert!(requests.iter().all(|r| r.path == "/hook" && r.body == body));
    assert_eq!(requests[0].headers["content-type"], "application/json");
    assert!(requests.is_sorted_by_key(|request| request.at));
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_check_what_the_services_check() {
    let pagerduty = Receiver::pagerduty().await;
    let url = pagerduty.url("/v2/enqueue");
    let resolve = json!({"routing_key": "k", "event_action": "resolve", "dedup_key": "a"});
    assert_eq!(post(&url, &resolve).await.unwrap().0, 202);
    let mut trigger = resolve;
    trigger["event_action"] = json!("trigger");
    assert_eq!(post(&url, &trigger).await.unwrap().0, 400);
    trigger["payload"] = json!({"summary": "s", "source": "x", "severity": "critical"});
    assert_eq!(post(&url, &trigger).await.unwrap().0, 202);

    let webhook = Receiver::slack_webhook().await;
    let url = webhook.url("/services/T/B/x");
    let answer = post(&url, &json!({"text": "hello"})).await.unwrap();
    assert_eq!(answer, (200, "ok".to_owned()));
    assert_eq!(post(&url, &json!({})).await.unwrap().0, 400);

    let bot = Receiver::slack_bot().await;
    let message = json!({"channel": "#ops", "text": "hello"});
    let posted = post(&bot.url("/api/chat.postMessage"), &message).await;
    let posted: Value = serde_json::from_str(&posted.unwrap().1).unwrap();
    assert_eq!(posted["ok"], true);
    let update = post(&bot.url("/api/chat.update"), &message).await.unwrap();
    assert_eq!(update, (200, r#"{"error":"no_ts","ok":false}"#.to_owned()));
    let accepted: Vec<bool> = bot.requests().iter().map(|r| r.accepted).collect();
    assert_eq!(accepted, [true, false], "status 200 is not enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_requests_ends_with_the_request() {
    let receiver = Receiver::webhook().await;
    let url = receiver.url("/");
    let sender = tokio::spawn(async move { post(&url, &json!("late")).await });
    let requests = receiver.wait_for("one request", LIMIT, |r| r.len() == 1);
    assert_eq!(requests.await[0].body, json!("late"));
    sender.await.unwrap().unwrap();
}
