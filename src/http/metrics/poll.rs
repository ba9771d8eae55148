//! Metrics of the polls of the source.

use prometheus::{Histogram, IntCounter, IntCounterVec};

use super::{OTHER, Register, listed};

/// Kinds of errors with a series of their own; any other counts as `other`.
const ERROR_KINDS: [&str; 13] = [
    "bad_query",
    "config",
    "malformed",
    "native_histogram",
    "partial",
    "refused",
    "throttled",
    "timeout",
    "tls",
    "too_large",
    "too_many_series",
    "unavailable",
    "unreachable",
];

/// A successful poll.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PollStats {
    /// From the first question to the last answer.
    pub seconds: f64,
    /// Series in the answers.
    pub series: u64,
    /// Samples in the answers.
    pub samples: u64,
}

pub(super) struct PollMetrics {
    seconds: Histogram,
    series: IntCounter,
    samples: IntCounter,
    errors: IntCounterVec,
}

impl PollMetrics {
    pub(super) fn new(own: &Register<'_>) -> Self {
        let polls = Self {
            seconds: own.seconds(
                "slofuse_poll_duration_seconds",
                "Time a successful poll of the source took.",
            ),
            series: own.counter(
                "slofuse_poll_series_total",
                "Series in the answers of the source.",
            ),
            samples: own.counter(
                "slofuse_poll_samples_total",
                "Samples in the answers of the source.",
            ),
            errors: own.counters(
                "slofuse_poll_errors_total",
                "Polls without a usable answer of the source.",
                &["kind"],
            ),
        };
        for kind in ERROR_KINDS.into_iter().chain([OTHER]) {
            polls.errors.with_label_values(&[kind]);
        }
        polls
    }

    pub(super) fn ended(&self, result: Result<PollStats, &str>) {
        match result {
            Ok(stats) => {
                self.seconds.observe(stats.seconds);
                self.series.inc_by(stats.series);
                self.samples.inc_by(stats.samples);
            }
            Err(kind) => {
                let kind = listed(kind, &ERROR_KINDS);
                self.errors.with_label_values(&[kind]).inc();
            }
        }
    }
}
