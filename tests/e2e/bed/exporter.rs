//! A scrape target whose counters are known exactly.
//!
//! Every counter is a list of events in real time: a steady rate, which may change, and single
//! events. What a scrape shows follows from the events; [`Counter::events`] counts the same events
//! without any scrape, so a test has the truth to compare with.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use slofuse::engine::Timestamp;
use tokio::task::JoinHandle;

use super::clock::now;
use super::prometheus::Target;

/// An HTTP server on a loopback port; ends when dropped.
#[derive(Debug)]
pub(crate) struct Exporter {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
}

/// How scrapes are answered from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scrape {
    /// At once.
    Fine,
    /// After a while; values are those of the end of the wait.
    Slow(Duration),
    /// With status 500.
    Fails,
}

/// One counter series of an [`Exporter`].
#[derive(Clone, Debug)]
pub(crate) struct Counter {
    state: Arc<Mutex<State>>,
    at: usize,
}

#[derive(Debug)]
struct State {
    scrape: Scrape,
    counters: Vec<Record>,
}

#[derive(Debug)]
struct Record {
    metric: String,
    labels: Vec<(String, String)>,
    lazy: bool,
    vanished: bool,
    /// The counter's value when `events` was `counted_from`.
    base: u64,
    counted_from: u64,
    rates: Vec<(Timestamp, f64)>,
    singles: Vec<(Timestamp, u64)>,
}

impl Exporter {
    /// Starts without any series.
    pub(crate) async fn start() -> Self {
        let state = Arc::new(Mutex::new(State {
            scrape: Scrape::Fine,
            counters: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        let router = axum::Router::new().route("/metrics", get(move || answer(shared)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a loopback port");
        let address = listener.local_addr().expect("a bound address");
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("serving");
        });
        Self {
            address,
            state,
            server,
        }
    }

    /// The scrape target, with this `instance` label.
    pub(crate) fn target(&self, instance: &str) -> Target {
        Target {
            address: self.address.to_string(),
            instance: instance.to_owned(),
        }
    }

    /// A new counter that reads `base` and is exported from now on.
    pub(crate) fn counter(&self, metric: &str, labels: &[(&str, &str)], base: u64) -> Counter {
        self.add(metric, labels, base, false)
    }

    /// A new counter that is not exported before its first event, as client libraries do with
    /// label values that they have not seen: its first sample is 1 or more.
    pub(crate) fn lazy_counter(&self, metric: &str, labels: &[(&str, &str)]) -> Counter {
        self.add(metric, labels, 0, true)
    }

    fn add(&self, metric: &str, labels: &[(&str, &str)], base: u64, lazy: bool) -> Counter {
        let labels = labels
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let record = Record {
            metric: metric.to_owned(),
            labels: labels.collect(),
            lazy,
            vanished: false,
            base,
            counted_from: 0,
            rates: Vec::new(),
            singles: Vec::new(),
        };
        let mut state = lock(&self.state);
        state.counters.push(record);
        Counter {
            state: Arc::clone(&self.state),
            at: state.counters.len() - 1,
        }
    }

    /// Restarts a process: every counter with this label begins at zero again.
    pub(crate) fn restart(&self, label: &str, value: &str) {
        let now = now();
        self.each(label, value, |record| {
            record.base = 0;
            record.counted_from = record.events(now);
        });
    }

    /// Removes every series with this label; their events go on unseen.
    pub(crate) fn vanish(&self, label: &str, value: &str) {
        self.each(label, value, |record| record.vanished = true);
    }

    /// How scrapes are answered from now on.
    pub(crate) fn answer_scrapes(&self, scrape: Scrape) {
        lock(&self.state).scrape = scrape;
    }

    fn each(&self, label: &str, value: &str, change: impl Fn(&mut Record)) {
        let mut state = lock(&self.state);
        let is = |(n, v): &(String, String)| n == label && v == value;
        let chosen = state
            .counters
            .iter_mut()
            .filter(|r| r.labels.iter().any(is));
        chosen.for_each(change);
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Counter {
    /// Events per second from now on.
    pub(crate) fn rate(&self, per_second: f64) {
        self.change(|record, now| record.rates.push((now, per_second)));
    }

    /// Some events right now.
    pub(crate) fn add(&self, count: u64) {
        self.change(|record, now| record.singles.push((now, count)));
    }

    /// The truth: how many events happened after `from`, up to and at `to`.
    pub(crate) fn events(&self, from: Timestamp, to: Timestamp) -> u64 {
        let state = lock(&self.state);
        let record = &state.counters[self.at];
        record.events(to) - record.events(from)
    }

    fn change(&self, change: impl FnOnce(&mut Record, Timestamp)) {
        change(&mut lock(&self.state).counters[self.at], now());
    }
}

impl Record {
    /// All events up to and at `to`, whole ones.
    fn events(&self, to: Timestamp) -> u64 {
        let mut steady = 0.0;
        for (at, (start, rate)) in self.rates.iter().enumerate() {
            let end = self.rates.get(at + 1).map_or(to, |(next, _)| to.min(*next));
            steady += rate * end.since(*start).as_secs_f64();
        }
        let past = self.singles.iter().filter(|(at, _)| *at <= to);
        past.map(|(_, count)| count).sum::<u64>() + steady.floor() as u64
    }

    fn value(&self, now: Timestamp) -> u64 {
        self.base + (self.events(now) - self.counted_from)
    }

    fn expose(&self, now: Timestamp, text: &mut String) {
        let value = self.value(now);
        if self.vanished || (self.lazy && value == 0) {
            return;
        }
        let labels: Vec<String> = self
            .labels
            .iter()
            .map(|(n, v)| format!("{n}={v:?}"))
            .collect();
        let labels = labels.join(",");
        writeln!(text, "{}{{{labels}}} {value}", self.metric).expect("strings grow");
    }
}

async fn answer(state: Arc<Mutex<State>>) -> Response {
    let scrape = lock(&state).scrape;
    match scrape {
        Scrape::Fine => {}
        Scrape::Slow(wait) => tokio::time::sleep(wait).await,
        Scrape::Fails => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
    let now = now();
    let mut text = String::new();
    for record in &lock(&state).counters {
        record.expose(now, &mut text);
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state
        .lock()
        .expect("no test panics while it holds the lock")
}
