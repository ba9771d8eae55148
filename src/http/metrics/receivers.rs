//! Metrics per receiver: deliveries, breakers, backlogs.
//!
//! A receiver's series exist from its registration to its removal. One that the configuration
//! does not name but that still has old notifications gets its series at its first event, and
//! loses them at the next registration.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts};

use crate::engine::NotificationKind;

use super::{OTHER, Register, SECONDS, gauge_value, listed};

const KINDS: [NotificationKind; 3] = [
    NotificationKind::Trigger,
    NotificationKind::Update,
    NotificationKind::Resolve,
];
/// Outcomes of an attempt with a series of their own.
const OUTCOMES: [&str; 3] = ["dead", "delivered", "retried"];
/// Reasons of a failed attempt with a series of their own.
const REASONS: [&str; 7] = [
    "client_error",
    "local",
    "network",
    "rate_limited",
    "refused",
    "server_error",
    "timeout",
];

pub(super) struct ReceiverMetrics {
    known: Mutex<BTreeSet<String>>,
    attempts: IntCounterVec,
    failures: IntCounterVec,
    seconds: HistogramVec,
    breaker_open: IntGaugeVec,
    pending: IntGaugeVec,
    dead: IntGaugeVec,
    oldest: GaugeVec,
}

impl ReceiverMetrics {
    pub(super) fn new(own: &Register<'_>) -> Self {
        let legal = Register::LEGAL;
        let gauges = |name, help| {
            let gauges = IntGaugeVec::new(Opts::new(name, help), &["receiver"]);
            own.registered(gauges.expect(legal))
        };
        let seconds = HistogramOpts::new(
            "slofuse_delivery_duration_seconds",
            "Time a delivery attempt took.",
        );
        let seconds = HistogramVec::new(seconds.buckets(SECONDS.to_vec()), &["receiver"]);
        let oldest = Opts::new(
            "slofuse_outbox_oldest_age_seconds",
            "Age of the oldest notification that is not finished, 0 without any.",
        );
        Self {
            known: Mutex::default(),
            attempts: own.counters(
                "slofuse_delivery_attempts_total",
                "Delivery attempts by kind of notification and outcome.",
                &["receiver", "kind", "outcome"],
            ),
            failures: own.counters(
                "slofuse_delivery_failures_total",
                "Failed delivery attempts by reason.",
                &["receiver", "reason"],
            ),
            seconds: own.registered(seconds.expect(legal)),
            breaker_open: gauges(
                "slofuse_receiver_breaker_open",
                "Whether the circuit breaker of the receiver is open.",
            ),
            pending: gauges(
                "slofuse_outbox_pending",
                "Notifications that are decided and not finished.",
            ),
            dead: gauges(
                "slofuse_outbox_dead",
                "Notifications that were given up and are still in the history.",
            ),
            oldest: own.registered(GaugeVec::new(oldest, &["receiver"]).expect(legal)),
        }
    }

    pub(super) fn register(&self, names: &[String]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let next: BTreeSet<String> = names.iter().cloned().collect();
        for gone in known.difference(&next) {
            self.remove(gone);
        }
        for new in next.difference(&known) {
            self.start_at_zero(new);
        }
        *known = next;
    }

    pub(super) fn attempt(
        &self,
        receiver: &str,
        kind: NotificationKind,
        outcome: &str,
        reason: &str,
        seconds: f64,
    ) {
        self.meet(receiver);
        let outcome = listed(outcome, &OUTCOMES);
        self.attempts
            .with_label_values(&[receiver, kind.as_str(), outcome])
            .inc();
        if !reason.is_empty() {
            let reason = listed(reason, &REASONS);
            self.failures.with_label_values(&[receiver, reason]).inc();
        }
        self.seconds.with_label_values(&[receiver]).observe(seconds);
    }

    pub(super) fn breaker(&self, receiver: &str, open: bool) {
        self.meet(receiver);
        self.breaker_open
            .with_label_values(&[receiver])
            .set(i64::from(open));
    }

    /// Asking does not make a series of a receiver that is not known.
    pub(super) fn is_breaker_open(&self, receiver: &str) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(receiver) && self.breaker_open.with_label_values(&[receiver]).get() != 0
    }

    pub(super) fn backlog(&self, receiver: &str, pending: u64, dead: u64, oldest_seconds: f64) {
        self.meet(receiver);
        let of = [receiver];
        self.pending
            .with_label_values(&of)
            .set(gauge_value(pending));
        self.dead.with_label_values(&of).set(gauge_value(dead));
        self.oldest.with_label_values(&of).set(oldest_seconds);
    }

    fn meet(&self, receiver: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(receiver) {
            known.insert(receiver.to_owned());
            self.start_at_zero(receiver);
        }
    }

    fn start_at_zero(&self, receiver: &str) {
        for [kind, outcome] in attempt_labels() {
            self.attempts.with_label_values(&[receiver, kind, outcome]);
        }
        for reason in reason_labels() {
            self.failures.with_label_values(&[receiver, reason]);
        }
        self.seconds.with_label_values(&[receiver]);
        for gauges in [&self.breaker_open, &self.pending, &self.dead] {
            gauges.with_label_values(&[receiver]);
        }
        self.oldest.with_label_values(&[receiver]);
    }

    /// What is not there cannot be removed, which is no error here.
    fn remove(&self, receiver: &str) {
        for [kind, outcome] in attempt_labels() {
            let _absent = self
                .attempts
                .remove_label_values(&[receiver, kind, outcome]);
        }
        for reason in reason_labels() {
            let _absent = self.failures.remove_label_values(&[receiver, reason]);
        }
        let _absent = self.seconds.remove_label_values(&[receiver]);
        for gauges in [&self.breaker_open, &self.pending, &self.dead] {
            let _absent = gauges.remove_label_values(&[receiver]);
        }
        let _absent = self.oldest.remove_label_values(&[receiver]);
    }
}

fn attempt_labels() -> impl Iterator<Item = [&'static str; 2]> {
    KINDS.into_iter().flat_map(|kind| {
        let outcomes = OUTCOMES.into_iter().chain([OTHER]);
        outcomes.map(move |outcome| [kind.as_str(), outcome])
    })
}

fn reason_labels() -> impl Iterator<Item = &'static str> {
    REASONS.into_iter().chain([OTHER])
}
