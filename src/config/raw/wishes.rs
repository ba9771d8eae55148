//! What `slofuse tune --wishes FILE` reads.
//!
//! ```yaml
//! pages_per_week: 2
//! detect: [10% within 10m, {errors: 100%, within: 3m}]
//! objective: {at_least: 99.5}
//! slos:
//!   - {slo: billing/*, pages_per_week: 0.5}
//! ```

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::field::{Field, ValueOr};
use crate::config::value::{Duration, Fraction};

/// What definitions are to come to.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WishesFile {
    /// At most so many pages a week of 168 hours.
    pub(crate) pages_per_week: Field<f64>,
    /// At most so many of them at night, by `night` of the settings.
    pub(crate) night_pages_per_week: Field<f64>,
    /// At most so many tickets a week.
    pub(crate) tickets_per_week: Field<f64>,
    /// Bursts of errors that page in time, such as `10% within 5m`; at most 8.
    pub(crate) detect: Field<Vec<Field<ValueOr<Detect>>>>,
    /// Which objectives may be proposed.
    pub(crate) objective: Field<ObjectiveRange>,
    /// What is wished of some SLOs; it holds instead of the same key above. Of several items that
    /// fit an SLO, the last one that has a key holds.
    pub(crate) slos: Field<Vec<Field<SloWishes>>>,
}

/// What is wished of some SLOs.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SloWishes {
    /// Required. Which ones: `service/name`, where `*` and `?` stand for anything.
    pub(crate) slo: Field<String>,
    /// At most so many pages a week of 168 hours.
    pub(crate) pages_per_week: Field<f64>,
    /// At most so many of them at night, by `night` of the settings.
    pub(crate) night_pages_per_week: Field<f64>,
    /// At most so many tickets a week.
    pub(crate) tickets_per_week: Field<f64>,
    /// Bursts of errors that page in time, such as `10% within 5m`; at most 8.
    pub(crate) detect: Field<Vec<Field<ValueOr<Detect>>>>,
    /// Which objectives may be proposed.
    pub(crate) objective: Field<ObjectiveRange>,
}

/// A burst of errors; also written as `10% within 5m`.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Detect {
    /// Required. The share of requests that fail.
    pub(crate) errors: Field<Fraction>,
    /// Required. From the start of the burst to the page; at most 1d.
    pub(crate) within: Field<Duration>,
}

/// Which objectives may be proposed.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ObjectiveRange {
    /// The weakest one, in percent of good events.
    pub(crate) at_least: Field<f64>,
    /// The strictest one.
    pub(crate) at_most: Field<f64>,
}
