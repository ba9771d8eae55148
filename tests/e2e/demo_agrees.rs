//! The demo's source answers as a real Prometheus that holds the same samples.

use std::collections::BTreeSet;

use slofuse::demo::{World, serve};
use slofuse::engine::{Span, Timestamp};

use crate::bed::api::Api;
use crate::bed::promql::{Series, query, query_range};
use crate::bed::{History, PrometheusConfig};

/// Fixed, so that no sample can fall on the edge of a range, which 2.x counts in and 3.x does not.
const START: Timestamp = Timestamp::from_secs(1_767_225_600);

/// Everything that is compared lies in the four hours up to here, the incident among them.
const END: Timestamp = Timestamp::from_secs(1_767_225_600 + 3600);

const INSTANTS: [&str; 7] = [
    "http_requests_total",
    r#"{service="checkout",code!~"2.."}"#,
    r#"http_request_duration_seconds_bucket{le=~"0.3|\\+Inf"}"#,
    "sum(increase(http_requests_total[30m]))",
    "sum by (code, pod) (increase(http_requests_total[5m]))",
    r#"sum by (le) (increase(http_request_duration_seconds_bucket[1h]))"#,
    "time() - max(report_last_success_timestamp_seconds) < bool 80000",
];

const RANGES: [&str; 3] = [
    "http_requests_total[75s]",
    r#"{__name__=~"http_request_duration_seconds_.+",le=~"0.3|"}[20m]"#,
    "nobody_has_this[1h]",
];

async fn demo() -> Api {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a loopback port");
    let port = listener.local_addr().expect("a bound address").port();
    let world = World::new(START, 3);
    tokio::spawn(serve(world, listener, std::future::pending()));
    Api::new(port)
}

/// Everything the demo has, as the history of another server.
async fn copied(demo: &Api) -> History {
    let step = Span::from_secs(15);
    let mut history = History::new(START, END, step);
    let all = query(demo, r#"{job!=""}[5h]"#, END).await;
    assert_eq!(all.len(), 19);
    for mut series in all {
        let metric = series
            .labels
            .remove("__name__")
            .expect("raw series have names");
        let labels = series
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value:?}"));
        let labels = labels.collect::<Vec<_>>().join(",");
        history = history.samples(&format!("{metric}{{{labels}}}"), &series.samples);
    }
    history
}

/// Equal but for the last digits of sums, whose order is not defined.
fn assert_agree(expression: &str, demo: &[Series], real: &[Series]) {
    let labels = |all: &[Series]| -> Vec<_> { all.iter().map(|s| s.labels.clone()).collect() };
    assert_eq!(labels(demo), labels(real), "{expression}");
    for (demo, real) in demo.iter().zip(real) {
        assert_eq!(demo.samples.len(), real.samples.len(), "{expression}");
        for ((at, value), (real_at, wanted)) in demo.samples.iter().zip(&real.samples) {
            assert_eq!(at, real_at, "{expression}");
            let error = (value - wanted).abs();
            let limit = 1e-9 * wanted.abs();
            assert!(
                error <= limit,
                "{expression} at {at:?}: {value} is not {wanted}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_gives_the_same_answers() {
    let demo = demo().await;
    let config = PrometheusConfig {
        history: Some(copied(&demo).await),
        ..PrometheusConfig::default()
    };
    let prometheus = config.start().await;
    let real = prometheus.api();
    let mut answers = BTreeSet::new();
    for minutes in [0, 7, 58, 100, 180] {
        let at = END - Span::from_mins(minutes) - Span::from_millis(417);
        for expression in INSTANTS.iter().chain(&RANGES) {
            let ours = query(&demo, expression, at).await;
            assert_agree(expression, &ours, &query(real, expression, at).await);
            if !ours.is_empty() {
                answers.insert(*expression);
            }
        }
    }
    assert_eq!(
        answers.len(),
        INSTANTS.len() + 2,
        "only one is empty: {answers:?}"
    );
    for expression in INSTANTS {
        let times = (END - Span::from_hours(3), END);
        let step = Span::from_secs(97);
        let ours = query_range(&demo, expression, times, step).await;
        assert_agree(
            expression,
            &ours,
            &query_range(real, expression, times, step).await,
        );
    }
}
