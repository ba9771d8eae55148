//! Integration tests: the library and the binary against real files, servers and faults.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod cli;
mod config;
mod delivery;
mod deploy;
mod readme;
mod repository;
mod rules;
mod running;
mod schema;
mod tidy;
mod tls;
mod tour;
