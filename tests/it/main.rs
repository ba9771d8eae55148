//! Integration tests: the library and the binary against real files, servers and faults.

mod cli;
mod config;
mod delivery;
mod deploy;
mod readme;
mod repository;
mod running;
mod tidy;
mod tls;
mod tour;
