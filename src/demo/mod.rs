//! A simulated Prometheus for `slofuse demo`: something to watch without installing anything.
//!
//! [`World`] is a small shop as a pure function of time: services, pods, a month of history and one
//! incident. Nothing is stored and no clock is read, so any range can be asked at any speed, and
//! equal seeds give equal samples. [`serve`] puts it behind as much of the Prometheus HTTP API as
//! the SLOs of [`definitions`] need; every other expression is refused, never answered wrongly.
//!
//! Imports only `engine`.

mod evaluate;
mod query;
mod server;
mod traffic;
mod world;

pub use server::serve;
pub use world::World;

/// The SLOs of the demo, as documents of the native format.
pub fn definitions() -> &'static str {
    include_str!("slos.yaml")
}
