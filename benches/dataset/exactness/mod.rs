//! What slofuse decides, and what PromQL rules decide, from the same samples; and what is true.
//!
//! A [`World`](world::World) is twenty services whose every event is known, and what scrapes of
//! them saw. [`decided`] plays the samples through the daemon's own engine, [`promql`] evaluates
//! the same four rules as Prometheus does, [`truth`] says when they truly held, [`hindsight`] when
//! the samples allowed to know that, and [`intervals`] compares.

pub(crate) mod decided;
pub(crate) mod hindsight;
pub(crate) mod intervals;
pub(crate) mod promql;
pub(crate) mod traffic;
pub(crate) mod truth;
pub(crate) mod world;
