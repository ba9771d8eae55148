//! Integration tests: the library and the binary against real files, servers and faults.

mod config;
mod delivery;
mod tls;
