//! Curves of a report: budget and burn in equal steps, of each step the extremes.

use serde::Serialize;

use super::form;
use crate::engine::{Span, Timestamp};

/// Budget and burn of one instance. Step `n` covers the slots in
/// `(from + n * step, from + (n + 1) * step]`; every list has one entry per step, `None` where
/// nothing was known. Of each step the lowest, the highest and the last value are kept, so that a
/// spike of one slot survives.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CurveReport {
    /// Start of the first step.
    #[serde(serialize_with = "form::time")]
    pub from: Timestamp,
    /// Length of a step.
    #[serde(serialize_with = "form::span")]
    pub step: Span,
    /// Fraction of the budget that is left; negative when overspent.
    pub remaining: Band,
    /// Burn rates: over the shortest window of the policy, over the long window of its fastest
    /// tier, and over its longest window; each window once, shortest first.
    pub burns: Vec<BurnCurve>,
}

/// The burn rate over one window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BurnCurve {
    /// The window.
    #[serde(serialize_with = "form::span")]
    pub window: Span,
    /// Its burn rate.
    pub burn: Band,
}

/// A value over time, by step.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Band {
    /// Lowest of each step.
    pub min: Vec<Option<f32>>,
    /// Highest of each step.
    pub max: Vec<Option<f32>>,
    /// Last of each step.
    pub last: Vec<Option<f32>>,
}
