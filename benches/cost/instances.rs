//! 10 000 instances: memory and CPU of slofuse itself, with full history.
//!
//! The Prometheus is simulated: it answers every question for raw samples of two counters of each
//! instance, and knows nothing older. It does not compress, so inflating is not in the figures.

use std::fmt::Write as _;
use std::net::SocketAddr;

use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::post;
use reqwest::Url;
use serde_json::Value;

use super::daemon::{Daemon, definition};
use super::slots::{self, INTERVAL, SCRAPE, millis_per_slot};

const SERVICES: usize = 100;
const INSTANCES: usize = 100;
const SLOTS: u32 = 6;
/// Requests per second of one instance.
const RATE: f64 = 5.0;
/// Of so many requests one fails.
const ERROR_EACH: f64 = 2000.0;

/// Measures and prints.
pub(crate) async fn run() {
    let address = serve().await;
    let definitions: Vec<Value> = (0..SERVICES).map(slo).collect();
    let daemon = Daemon::start(&format!("http://{address}"), &definitions).await;
    let reading = daemon.cpu_time();
    let after_reading = daemon.resident_megabytes().await;
    slots::pass(2).await;
    slots::cut().await;
    let before = daemon.cpu_time();
    slots::pass(SLOTS).await;
    let own = daemon.cpu_time() - before;
    let memory = daemon.resident_megabytes().await;
    let missed = daemon.metric("slofuse_slots_missed_total").await;

    let millis = millis_per_slot(own, SLOTS);
    let share = millis / INTERVAL.as_secs_f64() / 10.0;
    println!(
        "\n{} instances of {SERVICES} SLOs, {} series\n",
        SERVICES * INSTANCES,
        series()
    );
    println!("| | |\n|---|---|");
    println!(
        "| reading 3 d of history, CPU s | {:.0} |",
        reading.as_secs_f64()
    );
    println!("| resident after it, MB | {after_reading:.0} |");
    println!("| CPU per slot of 30 s, ms | {millis:.0} |");
    println!("| share of one core | {share:.2} % |");
    println!("| resident, MB | {memory:.0} |");
    println!("| slots missed | {missed:.0} |");
}

fn slo(service: usize) -> Value {
    let bad = format!(r#"http_requests_total{{service="svc-{service}",code=~"5.."}}"#);
    let total = format!(r#"http_requests_total{{service="svc-{service}"}}"#);
    definition(&format!("svc-{service}"), &bad, &total, &["pod"])
}

const fn series() -> usize {
    SERVICES * INSTANCES * 2
}

async fn serve() -> SocketAddr {
    let router = axum::Router::new()
        .route("/api/v1/query", post(answer))
        .route("/api/v1/query_range", post(async || matrix(String::new())));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a loopback port");
    let address = listener.local_addr().expect("a bound address");
    tokio::spawn(async move { axum::serve(listener, router).await.expect("serving") });
    address
}

async fn answer(form: String) -> impl IntoResponse {
    let end: f64 = field(&form, "time").parse().expect("a time in seconds");
    let range = range_seconds(&field(&form, "query"));
    let step = SCRAPE.as_secs_f64();
    let mut text = String::new();
    for service in 0..SERVICES {
        for pod in 0..INSTANCES {
            for (code, each) in [("200", 1.0), ("500", ERROR_EACH)] {
                let comma = if text.is_empty() { "" } else { "," };
                write!(
                    text,
                    r#"{comma}{{"metric":{{"__name__":"http_requests_total","code":"{code}","instance":"10.0.{service}.{pod}:8080","job":"shop","pod":"pod-{pod}","service":"svc-{service}"}},"values":["#
                )
                .expect("strings grow");
                // Each target has its own phase within the scrape interval.
                let phase = (service * INSTANCES + pod) as f64 / 10_000.0 * step;
                let mut at = ((end - range - phase) / step).floor() * step + phase + step;
                let mut comma = "";
                while at <= end {
                    let value = (at * RATE / each).floor();
                    write!(text, r#"{comma}[{at:.3},"{value}"]"#).expect("strings grow");
                    (at, comma) = (at + step, ",");
                }
                text.push_str("]}");
            }
        }
    }
    matrix(text)
}

fn matrix(result: String) -> impl IntoResponse {
    let body =
        format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{result}]}}}}"#);
    ([(header::CONTENT_TYPE, "application/json")], body)
}

fn field(form: &str, name: &str) -> String {
    let form = Url::parse(&format!("form:?{form}")).expect("a form");
    let mut fields = form.query_pairs();
    let field = fields.find(|(field, _)| field == name);
    field.expect("polls have the field").1.into_owned()
}

/// The range of `selector[1h30m]`.
fn range_seconds(query: &str) -> f64 {
    let (_, range) = query.rsplit_once('[').expect("polls have a range");
    let range = range.trim_end_matches(']');
    humantime::parse_duration(range)
        .expect("a duration")
        .as_secs_f64()
}
