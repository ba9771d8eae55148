//! Hours of samples at once: OpenMetrics text made by closures, imported by `promtool`.
//!
//! Write the labels that a scrape would add (`job`, `instance`) and end shortly before now, and a
//! live exporter that starts from the last value continues the same series.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use slofuse::engine::{Span, Timestamp};

use super::prometheus;

/// Samples of any number of series on one regular grid.
#[derive(Debug)]
pub(crate) struct History {
    from: Timestamp,
    to: Timestamp,
    step: Span,
    text: String,
}

impl History {
    /// A grid that starts at `from`, ends before `to`, and has no series yet.
    pub(crate) fn new(from: Timestamp, to: Timestamp, step: Span) -> Self {
        assert!(!step.is_zero(), "a grid needs a step");
        Self {
            from,
            to,
            step,
            text: String::new(),
        }
    }

    /// Adds a series such as `http_requests_total{job="shop",code="200"}`; where `value` is `None`
    /// there is no sample.
    pub(crate) fn series(self, name: &str, value: impl Fn(Timestamp) -> Option<f64>) -> Self {
        let (from, to, step) = (self.from, self.to, self.step);
        let grid = std::iter::successors(Some(from), |at| Some(*at + step));
        let within = grid.take_while(|at| *at < to);
        let samples: Vec<_> = within.filter_map(|at| Some((at, value(at)?))).collect();
        self.samples(name, &samples)
    }

    /// Adds a series with samples of its own times.
    pub(crate) fn samples(mut self, name: &str, samples: &[(Timestamp, f64)]) -> Self {
        for (at, value) in samples {
            let (secs, millis) = (at.as_millis() / 1000, at.as_millis() % 1000);
            writeln!(self.text, "{name} {value} {secs}.{millis:03}").expect("strings grow");
        }
        self
    }

    /// Writes the samples as TSDB blocks into a data directory that no server uses.
    pub(crate) fn import(&self, data: &Path) {
        let dir = tempfile::tempdir().expect("a temp dir");
        let input = dir.path().join("history.om");
        std::fs::write(&input, format!("{}# EOF\n", self.text)).expect("the history is written");
        let output = Command::new(promtool())
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&input, data])
            .output()
            .unwrap_or_else(|error| panic!("starting promtool: {error}: {}", prometheus::ADVICE));
        assert!(
            output.status.success(),
            "promtool: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// The one that belongs to the server, if it is beside it.
fn promtool() -> PathBuf {
    let beside = prometheus::binary().with_file_name("promtool");
    if beside.is_file() {
        beside
    } else {
        PathBuf::from("promtool")
    }
}
