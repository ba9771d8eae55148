//! A scrape target with one native histogram, whose observations grow at a steady rate.
//!
//! Native histograms are scraped only in the protobuf format (`io.prometheus.client.MetricFamily`,
//! length-delimited), so the few fields that are needed are encoded here by hand.

use std::net::SocketAddr;

use axum::http::header;
use axum::routing::get;
use tokio::task::JoinHandle;

use super::clock::now;
use super::prometheus::Target;

const CONTENT_TYPE: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
/// The bucket `(2^-4, 2^-3]`: about a tenth of a second.
const FAST_BUCKET: i64 = -3;
/// The bucket `(2^-1, 2^0]`: most of a second.
const SLOW_BUCKET: i64 = 0;

/// An HTTP server on a loopback port; ends when dropped.
#[derive(Debug)]
pub(crate) struct NativeHistogram {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl NativeHistogram {
    /// Exports a histogram of schema 0 (bounds are powers of two): so many fast and slow
    /// observations per second.
    pub(crate) async fn start(name: &'static str, fast: u64, slow: u64) -> Self {
        let begin = now();
        let answer = move || async move {
            let seconds = now().since(begin).as_secs_f64() as u64;
            let body = delimited(&family(name, seconds * fast, seconds * slow));
            ([(header::CONTENT_TYPE, CONTENT_TYPE)], body)
        };
        let router = axum::Router::new().route("/metrics", get(answer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a loopback port");
        let address = listener.local_addr().expect("a bound address");
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("serving");
        });
        Self { address, server }
    }

    /// The scrape target, with this `instance` label.
    pub(crate) fn target(&self, instance: &str) -> Target {
        Target {
            address: self.address.to_string(),
            instance: instance.to_owned(),
        }
    }
}

impl Drop for NativeHistogram {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// `MetricFamily`: name, help, type, one metric.
fn family(name: &str, fast: u64, slow: u64) -> Vec<u8> {
    const HISTOGRAM: u64 = 4;
    let mut family = Vec::new();
    bytes(&mut family, 1, name.as_bytes());
    bytes(&mut family, 2, b"How long requests took.");
    varint_field(&mut family, 3, HISTOGRAM);
    let mut metric = Vec::new();
    bytes(&mut metric, 7, &histogram(fast, slow));
    bytes(&mut family, 4, &metric);
    family
}

fn histogram(fast: u64, slow: u64) -> Vec<u8> {
    let mut histogram = Vec::new();
    varint_field(&mut histogram, 1, fast + slow);
    double_field(&mut histogram, 2, fast as f64 * 0.1 + slow as f64 * 0.8);
    varint_field(&mut histogram, 5, zigzag(0)); // schema
    double_field(&mut histogram, 6, 1e-9); // zero threshold
    varint_field(&mut histogram, 7, 0); // zero count
    for offset in [FAST_BUCKET, SLOW_BUCKET - FAST_BUCKET - 1] {
        let mut span = Vec::new();
        varint_field(&mut span, 1, zigzag(offset));
        varint_field(&mut span, 2, 1);
        bytes(&mut histogram, 12, &span);
    }
    let (fast, slow) = (fast as i64, slow as i64);
    for delta in [fast, slow - fast] {
        varint_field(&mut histogram, 13, zigzag(delta));
    }
    histogram
}

fn delimited(message: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    varint(&mut all, message.len() as u64);
    all.extend_from_slice(message);
    all
}

fn bytes(to: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(to, field << 3 | 2);
    varint(to, value.len() as u64);
    to.extend_from_slice(value);
}

fn varint_field(to: &mut Vec<u8>, field: u64, value: u64) {
    varint(to, field << 3);
    varint(to, value);
}

fn double_field(to: &mut Vec<u8>, field: u64, value: f64) {
    varint(to, field << 3 | 1);
    to.extend_from_slice(&value.to_le_bytes());
}

fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

/// Protobuf's `sint64`: small numbers of either sign stay short.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}
