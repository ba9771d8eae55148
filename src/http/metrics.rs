//! The daemon's metrics: typed handles for what it does, and what the board says about the SLOs.
//!
//! Names begin with `slofuse_`, units are in the names, every label has a bounded set of values,
//! and what can be counted is zero from the start, so that `rate()` sees the first event. What an
//! SLO is at is read off the board at scrape time and kept nowhere.

mod exposition;
mod notices;
mod poll;
mod receivers;
mod slo;

#[cfg(test)]
mod tests;

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

use crate::engine::{NotificationKind, Outcome, Severity, StateName, Timestamp};

use super::board::Board;

use exposition::Exposition;
use notices::NoticeMetrics;
use poll::PollMetrics;
use receivers::ReceiverMetrics;

pub use poll::PollStats;

/// The label value for what a fixed list does not name.
const OTHER: &str = "other";

/// Upper bounds in seconds, from a transaction on a fast disk to a missed slot.
const SECONDS: [f64; 15] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// Handles of everything that is counted; shared by reference.
pub struct Metrics {
    registry: Registry,
    evaluations: IntCounterVec,
    slots_missed: IntCounter,
    step: Histogram,
    slot_lag: Histogram,
    polls: PollMetrics,
    series: IntGauge,
    instances_refused: IntGauge,
    transitions: IntCounterVec,
    receivers: ReceiverMetrics,
    notices: NoticeMetrics,
    store_commit: Histogram,
    store_errors: IntCounter,
    cache_write: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All series of fixed label sets, at zero.
    pub fn new() -> Self {
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        register(
            &registry,
            prometheus::process_collector::ProcessCollector::for_self(),
        );
        let own = Register(&registry);
        let metrics = Self {
            evaluations: own.counters(
                "slofuse_evaluations_total",
                "Slots of SLO instances by what they ended in.",
                &["outcome"],
            ),
            slots_missed: own.counter(
                "slofuse_slots_missed_total",
                "Slots that passed without an evaluation.",
            ),
            step: own.seconds(
                "slofuse_step_duration_seconds",
                "Time the engine took to decide a slot.",
            ),
            slot_lag: own.seconds(
                "slofuse_slot_lag_seconds",
                "Time from a slot to the commit of its decisions.",
            ),
            polls: PollMetrics::new(&own),
            series: own.gauge(
                "slofuse_series",
                "Counter series that are remembered between polls.",
            ),
            instances_refused: own.gauge(
                "slofuse_instances_refused",
                "SLO instances that are not evaluated because their SLO has too many.",
            ),
            transitions: own.counters(
                "slofuse_alert_transitions_total",
                "Changes of an alert's state, by the state after.",
                &["severity", "to"],
            ),
            receivers: ReceiverMetrics::new(&own),
            notices: NoticeMetrics::new(&own),
            store_commit: own.seconds(
                "slofuse_store_commit_duration_seconds",
                "Time a transaction of the state database took.",
            ),
            store_errors: own.counter(
                "slofuse_store_errors_total",
                "Operations that the state database refused.",
            ),
            cache_write: own.seconds(
                "slofuse_cache_write_duration_seconds",
                "Time it took to write the sample cache.",
            ),
            registry,
        };
        metrics.start_at_zero();
        metrics
    }

    /// The text exposition format 0.0.4 of everything, the state of the board included.
    pub fn render(&self, board: &Board, now: Timestamp) -> String {
        let mut text = String::new();
        TextEncoder::new()
            .encode_utf8(&self.registry.gather(), &mut text)
            .expect("gathered families have a name and a metric");
        let mut exposition = Exposition::continuing(text);
        let published = board.read();
        slo::write(board.about(), &published, &mut exposition);
        notices::write(&published, now, &mut exposition);
        exposition.into_text()
    }

    /// `count` instances ended a slot in this outcome.
    pub fn slot(&self, outcome: Outcome, count: u64) {
        self.evaluations
            .with_label_values(&[outcome.as_str()])
            .inc_by(count);
    }

    /// So many slots passed without an evaluation.
    pub fn slots_missed(&self, count: u64) {
        self.slots_missed.inc_by(count);
    }

    /// The engine took so long to decide a slot.
    pub fn step_seconds(&self, seconds: f64) {
        self.step.observe(seconds);
    }

    /// So long after a slot its decisions were committed.
    pub fn slot_lag_seconds(&self, seconds: f64) {
        self.slot_lag.observe(seconds);
    }

    /// A poll ended; an error is named by its kind.
    pub fn poll(&self, result: Result<PollStats, &str>) {
        self.polls.ended(result);
    }

    /// The counter series remembered and the instances refused, over all feeds.
    pub fn measured(&self, series: u64, instances_refused: u64) {
        self.series.set(gauge_value(series));
        self.instances_refused.set(gauge_value(instances_refused));
    }

    /// An alert of this severity changed its state.
    pub fn transition(&self, severity: Severity, to: StateName) {
        self.transitions
            .with_label_values(&[severity.as_str(), to.as_str()])
            .inc();
    }

    /// The receivers of the configuration in use: new ones start at zero, the series of those that
    /// are gone end.
    pub fn register_receivers(&self, names: &[String]) {
        self.receivers.register(names);
        self.notices.register_receivers(names);
    }

    /// The heartbeats of the configuration in use: new ones start at zero, others end.
    pub fn register_heartbeats(&self, names: &[String]) {
        self.notices.register_heartbeats(names);
    }

    /// A receiver was told of a page, by day or by night.
    pub fn page(&self, receiver: &str, night: bool) {
        self.notices.page(receiver, night);
    }

    /// A firing alert became muted; the reason is one of [`Mute::WORDS`](crate::engine::Mute::WORDS).
    pub fn muted(&self, reason: &str) {
        self.notices.muted(reason);
    }

    /// A heartbeat was `delivered`, `failed` or `withheld`.
    pub fn heartbeat(&self, name: &str, outcome: &str) {
        self.notices.heartbeat(name, outcome);
    }

    /// A delivery attempt ended. `outcome` is `delivered`, `retried` or `dead`; `reason` is empty
    /// for a success.
    pub fn delivery(
        &self,
        receiver: &str,
        kind: NotificationKind,
        outcome: &str,
        reason: &str,
        seconds: f64,
    ) {
        self.receivers
            .attempt(receiver, kind, outcome, reason, seconds);
    }

    /// A receiver's circuit breaker opened or closed.
    pub fn breaker(&self, receiver: &str, open: bool) {
        self.receivers.breaker(receiver, open);
    }

    /// Whether a receiver's circuit breaker is open.
    pub(super) fn is_breaker_open(&self, receiver: &str) -> bool {
        self.receivers.is_breaker_open(receiver)
    }

    /// What a receiver has still to be told: unfinished notifications, given-up ones, and the age
    /// of the oldest unfinished one (0 if there is none).
    pub fn backlog(&self, receiver: &str, pending: u64, dead: u64, oldest_seconds: f64) {
        self.receivers
            .backlog(receiver, pending, dead, oldest_seconds);
    }

    /// A transaction took so long.
    pub fn store_commit_seconds(&self, seconds: f64) {
        self.store_commit.observe(seconds);
    }

    /// The state database refused so many operations.
    pub fn store_errors(&self, count: u64) {
        self.store_errors.inc_by(count);
    }

    /// Writing the sample cache took so long.
    pub fn cache_write_seconds(&self, seconds: f64) {
        self.cache_write.observe(seconds);
    }

    fn start_at_zero(&self) {
        for outcome in Outcome::ALL {
            self.slot(outcome, 0);
        }
        for severity in Severity::ALL {
            for to in [StateName::Inactive, StateName::Pending, StateName::Firing] {
                self.transitions
                    .with_label_values(&[severity.as_str(), to.as_str()]);
            }
        }
    }
}

/// The word itself if the list names it, else `other`: keeps the values of a label bounded.
fn listed<'a>(word: &'a str, list: &[&str]) -> &'a str {
    if list.contains(&word) { word } else { OTHER }
}

fn gauge_value(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn register(registry: &Registry, collector: impl Collector + 'static) {
    registry
        .register(Box::new(collector))
        .expect("each metric is registered once");
}

/// Makes metrics that are registered. All names and labels are constants of this module.
struct Register<'a>(&'a Registry);

impl Register<'_> {
    const LEGAL: &'static str = "names and labels are legal";

    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.registered(IntCounter::new(name, help).expect(Self::LEGAL))
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.registered(IntCounterVec::new(Opts::new(name, help), labels).expect(Self::LEGAL))
    }

    fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.registered(IntGauge::new(name, help).expect(Self::LEGAL))
    }

    fn seconds(&self, name: &str, help: &str) -> Histogram {
        let options = HistogramOpts::new(name, help).buckets(SECONDS.to_vec());
        self.registered(Histogram::with_opts(options).expect(Self::LEGAL))
    }

    fn registered<C: Collector + Clone + 'static>(&self, collector: C) -> C {
        register(self.0, collector.clone());
        collector
    }
}
