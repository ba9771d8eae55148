//! slofuse: burn-rate alerting for Prometheus.
pub mod config;
pub mod engine;
pub mod http;
