//! slofuse: burn-rate alerting for Prometheus.
pub mod cli;
pub mod config;
pub mod daemon;
pub mod demo;
pub mod engine;
pub mod http;
pub mod notify;
pub mod prometheus;
pub mod store;
