//! The test bed: everything around the daemon that a scenario needs, on loopback only.
//!
//! Each part owns its process or task and ends it when dropped, so scenarios may run in parallel
//! and may fail at any line. Nothing here waits for time to pass: every wait has a condition and a
//! deadline, and says what it waited for when it gives up.

pub(crate) mod alertmanager;
pub(crate) mod api;
pub(crate) mod certificate;
pub(crate) mod clock;
pub(crate) mod daemon;
pub(crate) mod exporter;
pub(crate) mod history;
pub(crate) mod native_histogram;
pub(crate) mod port;
pub(crate) mod process;
pub(crate) mod prometheus;
pub(crate) mod promql;
pub(crate) mod receivers;
pub(crate) mod wait;

pub(crate) use exporter::{Exporter, Scrape};
pub(crate) use history::History;
pub(crate) use native_histogram::NativeHistogram;
pub(crate) use prometheus::{Prometheus, PrometheusConfig};
pub(crate) use receivers::{Answer, Receiver};
