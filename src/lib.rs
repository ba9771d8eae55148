//! slofuse: burn-rate alerting for Prometheus, with exact decisions, explained pages and nothing
//! lost.
//!
//! # Codemap
//!
//! | room | what it owns | may import |
//! |---|---|---|
//! | [`engine`] | every decision: counters, windows, burn, budget, alerts, who is told. Pure | nothing |
//! | [`yaml`] | values out as YAML that people read. Pure | nothing |
//! | [`config`] | files in, settings and definitions out; every mistake at its place | `engine`, `yaml`, `message` |
//! | [`prometheus`] | the source: what to poll, HTTP, answers to samples | `engine`, `config` |
//! | [`store`] | durable state: alerts, outbox, history; the cache of samples | `engine` |
//! | [`message`] | what a person reads: words, templates, pictures. Pure | `engine` |
//! | [`notify`] | the outbox to the world: receivers, retries | `engine`, `config`, `store`, `message` |
//! | [`http`] | `/metrics`, health, the JSON API; reads what was published | `engine`, `store`, `message` |
//! | [`demo`] | a simulated shop behind the Prometheus API | `engine` |
//! | [`rules`] | SLOs as recording and alerting rules of Prometheus. Pure | `engine`, `yaml` |
//! | [`replay`] | the past through the engine: backtest, tests of definitions, tuning. No clock | `engine`, `yaml`, `config`, `prometheus`, `message` |
//! | [`daemon`] | composition: the slot loop, backfill, reload, shutdown; the only clock | all but `cli` |
//! | [`cli`] | the command line | all |
//!
//! The import direction is a test (`tests/it/tidy.rs`). One slot, from sample to page, is walked
//! through in `docs/architecture.md`; start reading at [`engine::Engine::step`].

pub mod cli;
pub mod config;
pub mod daemon;
pub mod demo;
pub mod engine;
pub mod http;
pub mod message;
pub mod notify;
pub mod prometheus;
pub mod replay;
pub mod rules;
pub mod store;
pub mod yaml;
