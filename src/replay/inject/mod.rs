//! Incidents that did not happen: requests of a recorded past made to fail, so that a policy can be
//! judged where nobody wrote incidents down, or too few happened.
//!
//! A [`Plan`] says when which share of the good requests fails, from a seed. An [`InjectedReel`]
//! stands between a recording and a [`Player`](super::Player): it moves increments of counters from
//! good to bad series, at the scrape at which they were counted, so that the engine sees exactly
//! what it would have seen had those requests failed; of time slices, it makes that share bad.
//! [`measure`] plays the past with and without
//! and judges what fired.

mod counters;
mod plan;
mod reel;
mod rounds;
mod slices;
mod twin;

pub use plan::{Injection, Plan, PlanWish};
pub use reel::{InjectedReel, Tally, refusal};
pub use rounds::{Measured, RATIO_CLASSES, RatioClass, VariantMeasured, Wish, measure};

#[cfg(test)]
mod tests;
