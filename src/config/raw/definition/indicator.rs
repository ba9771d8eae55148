//! What is measured: the section `sli` of an SLO, and of the parts of a composite.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::field::Field;
use crate::config::schema::{one_of, two_of};
use crate::config::value::{Duration, Fraction, Name, SloRef};

/// What is measured.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(crate) struct Sli {
    /// Bad (or good) events out of all.
    pub(crate) events: Field<Events>,
    /// Requests slower than a threshold.
    pub(crate) latency: Field<Latency>,
    /// Slices of time in which a condition holds.
    pub(crate) time_slices: Field<TimeSlices>,
    /// One query for the error ratio.
    pub(crate) ratio: Field<Ratio>,
    /// Steps that must all succeed: the good ratio is the product of theirs.
    pub(crate) journey: Field<Vec<Field<Step>>>,
    /// Parts of different weight: the error ratio is the weighted mean of theirs.
    pub(crate) weighted: Field<Vec<Field<Step>>>,
}

/// One part of a composite: another SLO, or an SLI of its own with a name.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["slo", "sli"])))]
pub(crate) struct Step {
    /// An SLO: `service/name`, or `name` in the same service.
    pub(crate) slo: Field<SloRef>,
    /// With `sli`: the name of the part.
    pub(crate) name: Field<Name>,
    /// What is measured, instead of `slo`.
    pub(crate) sli: Field<Sli>,
    /// In `weighted`: above 0. Default 1.
    pub(crate) weight: Field<f64>,
}

/// Two of `bad`, `good` and `total`.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("anyOf" = two_of(["bad", "good", "total"])))]
pub(crate) struct Events {
    /// PromQL of the bad events: a counter selector or a sum of rates.
    pub(crate) bad: Field<String>,
    /// PromQL of the good events.
    pub(crate) good: Field<String>,
    /// PromQL of all events.
    pub(crate) total: Field<String>,
    /// Label matchers of what does not count at all, such as `{path="/healthz"}`.
    pub(crate) exclude: Field<Vec<Field<String>>>,
}

/// A histogram.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Latency {
    /// Required. Selector of the histogram without `_bucket`.
    pub(crate) histogram: Field<String>,
    /// Required. The slowest good request; of a classic histogram a bucket bound.
    pub(crate) threshold: Field<Duration>,
    /// Whether it is a native histogram. Default false.
    pub(crate) native: Field<bool>,
    /// Label matchers of what does not count at all, such as `{path="/healthz"}`.
    pub(crate) exclude: Field<Vec<Field<String>>>,
}

/// Slices of time, each good or bad: by exactly one of `condition`, `good_ratio`, `events`.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["condition", "good_ratio", "events"])))]
pub(crate) struct TimeSlices {
    /// PromQL comparison that is true while all is well.
    pub(crate) condition: Field<String>,
    /// PromQL of the share (0 to 1) of good events; a slice counts as good by that share.
    pub(crate) good_ratio: Field<String>,
    /// Events of each slice, with `$window` for its length.
    pub(crate) events: Field<Events>,
    /// With `events`: the share of good events from which a slice is good. Without it a slice
    /// counts as good by its share.
    pub(crate) target: Field<Fraction>,
    /// Length of one slice. Default 1m; 1s to 1h.
    pub(crate) slice: Field<Duration>,
}

/// Any PromQL: one of the two.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(crate) struct Ratio {
    /// PromQL of the error ratio (0 to 1) over `$window`.
    pub(crate) error_ratio: Field<String>,
    /// PromQL of the ratio (0 to 1) of good events over `$window`.
    pub(crate) good_ratio: Field<String>,
}
