//! Integration tests: the library and the binary against real files, servers and faults.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod backtest;
mod chaos;
mod check;
mod cli;
mod config;
mod convert;
mod dataset;
mod delivery;
mod deploy;
#[path = "../../benches/dataset/exactness/mod.rs"]
#[allow(dead_code, reason = "only a part of the comparison is needed")]
mod exactness;
mod interrupt;
mod mistakes;
mod readme;
mod repository;
mod route;
mod rules;
mod running;
mod schema;
mod template;
mod tidy;
mod tls;
mod tour;
mod trial;
mod tune;
mod workbook;
