//! slofuse: burn-rate alerting for Prometheus.
pub mod config;
pub mod demo;
pub mod engine;
