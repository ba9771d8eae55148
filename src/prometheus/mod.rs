//! Where samples come from: a Prometheus-compatible HTTP API.
//!
//! [`PolledFeed`] decides what to ask for, [`Client`] asks, [`SourceError`] says why there is no answer.
//! An answer is either complete or an error: a lost store, a limit or a broken connection must
//! never look like an absence of errors.

mod asked;
mod client;
mod error;
mod interner;
mod plan;
mod polled;
mod transport;
mod wire;

#[cfg(test)]
mod tests;

pub use asked::Asked;
pub use client::Client;
pub use error::SourceError;
pub use plan::{Feed, PollSelector, feeds};
pub use polled::{PolledFeed, hours, window_answers, window_queries};
