//! Services with counters that are known in closed form, so that imported history and live scrapes
//! are one series.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;

use slofuse::engine::{Span, Timestamp};

use crate::bed::{Exporter, clock, prometheus};

use super::slots::SCRAPE;

/// The metric of all services.
pub(crate) const METRIC: &str = "http_requests_total";
/// The `instance` label of all series.
pub(crate) const INSTANCE: &str = "shop-1";

/// Processes of a service; each counts good and bad requests.
const PODS: usize = 5;
/// Requests per second of one process.
const RATE: f64 = 7.0;
/// Part of the requests that fail: burns half a budget, pages nobody.
const ERRORS: f64 = 0.0005;
/// What the longest tier window reads.
const HISTORY: Span = Span::from_days(3);
/// Prometheus cuts its largest blocks at multiples of this time.
const BLOCK: Span = Span::from_hours(54);

/// All services.
pub(crate) struct Fleet {
    services: Vec<String>,
    begin: Timestamp,
}

impl Fleet {
    /// So many services, older than the history.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            services: (0..count).map(|at| format!("svc-{at:04}")).collect(),
            begin: clock::now().align_down(SCRAPE) - HISTORY,
        }
    }

    /// Their names.
    pub(crate) fn services(&self) -> &[String] {
        &self.services
    }

    /// Series of one service.
    pub(crate) const fn series_per_service() -> usize {
        PODS * 2
    }

    /// Writes three days of samples into a data directory, in blocks as Prometheus makes them.
    pub(crate) fn import(&self, data: &Path) {
        let end = clock::now().align_down(SCRAPE);
        let mut from = self.begin;
        while from < end {
            let until = end.min(from.align_down(BLOCK) + BLOCK);
            self.import_block(data, from, until);
            from = until;
        }
    }

    fn import_block(&self, data: &Path, from: Timestamp, until: Timestamp) {
        let dir = tempfile::tempdir().expect("a temp dir");
        let path = dir.path().join("history.om");
        let mut text = BufWriter::new(File::create(&path).expect("a file"));
        for (service, pod, code, rate) in self.series() {
            let labels = format!(
                r#"{METRIC}{{job="{}",instance="{INSTANCE}",service="{service}",pod="{pod}",code="{code}"}}"#,
                prometheus::JOB
            );
            let mut at = from;
            while at < until {
                let seconds = at.as_millis() / 1000;
                writeln!(text, "{labels} {} {seconds}", self.value(rate, at)).expect("disk space");
                at = at + SCRAPE;
            }
        }
        writeln!(text, "# EOF").expect("disk space");
        text.flush().expect("disk space");
        let hours = BLOCK.as_millis() / 3_600_000;
        let status = Command::new(prometheus::binary().with_file_name("promtool"))
            .args(["tsdb", "create-blocks-from", "openmetrics", "-q"])
            .arg(format!("--max-block-duration={hours}h"))
            .args([&path, data])
            .status();
        assert!(status.is_ok_and(|s| s.success()), "promtool imports");
    }

    /// Serves the series from their present values on.
    pub(crate) async fn exporter(&self) -> Exporter {
        let exporter = Exporter::start().await;
        for (service, pod, code, rate) in self.series() {
            let labels = [("service", service), ("pod", &pod), ("code", code)];
            let counter = exporter.counter(METRIC, &labels, self.value(rate, clock::now()));
            counter.rate(rate);
        }
        exporter
    }

    /// Service, pod, code and events per second of each series.
    fn series(&self) -> impl Iterator<Item = (&str, String, &str, f64)> {
        self.services.iter().flat_map(|service| {
            (0..PODS).flat_map(move |pod| {
                let of = move |code, part| (service.as_str(), format!("pod-{pod}"), code, part);
                let rate = RATE + pod as f64;
                [of("200", rate * (1.0 - ERRORS)), of("500", rate * ERRORS)]
            })
        })
    }

    fn value(&self, rate: f64, at: Timestamp) -> u64 {
        (at.since(self.begin).as_secs_f64() * rate) as u64
    }
}
