//! `apiVersion: slofuse/v1`: documents of kind `SLO` and `Policy`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::field::{Field, ValueOr};
use crate::config::value::{Duration, DurationOrNever, Fraction, LabelName, Name, WebUrl};
use crate::engine::Severity;

/// `kind: SLO`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SloDocument {
    #[serde(rename = "apiVersion")]
    _api_version: Field<String>,
    #[serde(rename = "kind")]
    _kind: Field<String>,
    /// Who it is and whom to ask.
    pub(crate) metadata: Field<SloMetadata>,
    /// What is promised.
    pub(crate) spec: Field<SloSpec>,
}

/// Identity of an SLO and everything the person on call wants to read.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SloMetadata {
    /// Required. With `name` the identity of the SLO.
    pub(crate) service: Field<Name>,
    /// Required. Unique within the service.
    pub(crate) name: Field<Name>,
    /// Team or person that answers for it.
    pub(crate) owner: Field<String>,
    /// What the user loses when this burns, in one sentence.
    pub(crate) description: Field<String>,
    /// What to do.
    pub(crate) runbook: Field<WebUrl>,
    /// Where to look.
    pub(crate) dashboard: Field<WebUrl>,
    /// Why this objective.
    pub(crate) rationale: Field<String>,
    /// Labels that receivers see.
    pub(crate) labels: Field<BTreeMap<String, Field<String>>>,
    /// Free text for people.
    pub(crate) annotations: Field<BTreeMap<String, Field<String>>>,
}

/// The promise.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SloSpec {
    /// Required. Percent of good events, between 0 and 100.
    pub(crate) objective: Field<f64>,
    /// Rolling period of the budget. Default 30d; 1d to 400d.
    pub(crate) period: Field<Duration>,
    /// Name of the alerting policy. Default `sre-workbook`.
    pub(crate) policy: Field<Name>,
    /// Labels that split it into instances with a budget each. Default: one instance.
    pub(crate) group_by: Field<Vec<Field<LabelName>>>,
    /// Required. What is measured: exactly one of its keys.
    pub(crate) sli: Field<Sli>,
}

/// What is measured.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sli {
    /// Bad (or good) events out of all.
    pub(crate) events: Field<Events>,
    /// Requests slower than a threshold.
    pub(crate) latency: Field<Latency>,
    /// Slices of time in which a condition holds.
    pub(crate) time_slices: Field<TimeSlices>,
    /// One query for the error ratio.
    pub(crate) ratio: Field<Ratio>,
}

/// Two counters.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Events {
    /// PromQL of the bad events: a counter selector or a sum of rates.
    pub(crate) bad: Field<String>,
    /// PromQL of the good events, instead of `bad`.
    pub(crate) good: Field<String>,
    /// Required. PromQL of all events.
    pub(crate) total: Field<String>,
}

/// A classic histogram.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Latency {
    /// Required. Selector of the histogram without `_bucket`.
    pub(crate) histogram: Field<String>,
    /// Required. The slowest good request; must be a bucket bound.
    pub(crate) threshold: Field<Duration>,
}

/// A condition that should hold all the time.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TimeSlices {
    /// Required. PromQL comparison that is true while all is well.
    pub(crate) condition: Field<String>,
    /// Length of one slice. Default 1m; 1s to 1h.
    pub(crate) slice: Field<Duration>,
}

/// Any PromQL.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Ratio {
    /// Required. PromQL of the error ratio (0 to 1) over `$window`.
    pub(crate) error_ratio: Field<String>,
}

/// `kind: Policy`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PolicyDocument {
    #[serde(rename = "apiVersion")]
    _api_version: Field<String>,
    #[serde(rename = "kind")]
    _kind: Field<String>,
    /// Its name.
    pub(crate) metadata: Field<PolicyMetadata>,
    /// When to tell whom.
    pub(crate) spec: Field<PolicySpec>,
}

/// Identity of a policy.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PolicyMetadata {
    /// Required. What definitions refer to.
    pub(crate) name: Field<Name>,
}

/// Tiers and the timing they share. Defaults are those of the built-in policy.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PolicySpec {
    /// Required, at least one.
    pub(crate) tiers: Field<Vec<Field<Tier>>>,
    /// How long a burn must last before its alert fires. Default 0s.
    pub(crate) pending: Field<Duration>,
    /// How long an alert keeps firing after the last burning slot. Default 1m.
    pub(crate) hold: Field<Duration>,
    /// A firing tier stops below factor x recover. Default 0.9.
    pub(crate) recover: Field<Fraction>,
    /// Whether a firing page keeps the ticket quiet. Default true.
    pub(crate) page_mutes_ticket: Field<bool>,
    /// Notices about the budget itself.
    pub(crate) budget: Field<Budget>,
    /// What to do when nothing can be decided; `false` switches the alert off.
    pub(crate) blind: Field<ValueOr<Blind>>,
}

/// One rule: fires when both windows burn faster than `budget` x period / `long`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tier {
    /// Required. `page`, `ticket` or `info`.
    pub(crate) severity: Field<Severity>,
    /// Required. Part of the budget that, spent within `long`, fires it: `2%` or `0.02`.
    pub(crate) budget: Field<Fraction>,
    /// Required. The window that says the burn matters.
    pub(crate) long: Field<Duration>,
    /// Required. The window that says it is still going on.
    pub(crate) short: Field<Duration>,
    /// Bad events in the long window below which it stays quiet. Default 5.
    pub(crate) minimum_events: Field<f64>,
}

/// Budget notices, of severity info.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Budget {
    /// Parts of the budget whose consumption is told. Default 50%, 75%, 90%, 100%.
    pub(crate) thresholds: Field<Vec<Field<Fraction>>>,
    /// Told when the budget would be gone within this time. Default 3d; `never` switches it off.
    pub(crate) exhaustion_within: Field<DurationOrNever>,
}

/// Lack of evidence as an alert of its own.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Blind {
    /// Slots in a row without a decision. Default 10.
    pub(crate) after_slots: Field<u32>,
    /// Whom it reaches. Default `page`.
    pub(crate) severity: Field<Severity>,
}
