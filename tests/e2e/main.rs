//! End to end: real server processes, real scrapes, fake receivers.
//!
//! `bed` owns the machinery (a Prometheus, an exporter, receivers, the daemon); every other module
//! is one family of scenarios. Needs `prometheus`, `promtool`,
//! `prometheus-alertmanager`, `amtool` and `chromium`; without them the tests fail.

mod bed;
mod shop;

mod alertmanager;
mod amtool;
mod backtest;
mod bed_works;
mod check;
mod definitions;
mod demo_agrees;
mod explain;
mod formats;
mod history_source;
mod kinds;
mod notifications;
mod paging;
mod rate_misses;
mod reload;
mod report;
