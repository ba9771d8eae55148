//! `apiVersion: slofuse/v1`: documents of kind `SLO`, `Policy` and `Defaults`.
//!
//! Other formats are translated into these structs, each field at its place in the other file, so
//! that there is one set of rules and one way to say where a mistake is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::field::{Field, ValueOr};
use crate::config::schema::{one_of, two_of};
use crate::config::value::{
    Day, Duration, DurationOrNever, Fraction, LabelName, Name, SloRef, WebUrl, ZoneName,
};
use crate::engine::{CalendarUnit, Mode, Severity};

/// `kind: SLO`.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SloDocument {
    /// `slofuse/v1`
    #[serde(rename = "apiVersion")]
    pub(crate) api_version: Field<String>,
    /// What the document is.
    pub(crate) kind: Field<String>,
    /// Who it is and whom to ask.
    pub(crate) metadata: Field<SloMetadata>,
    /// What is promised.
    pub(crate) spec: Field<SloSpec>,
}

/// Identity of an SLO and everything the person on call wants to read.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SloMetadata {
    /// With `name` the identity of the SLO. Required unless `Defaults` name it.
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
    pub(crate) labels: Field<Texts>,
    /// Free text for people.
    pub(crate) annotations: Field<Texts>,
    /// The version of this definition, as its author counts.
    pub(crate) version: Field<String>,
    /// The day (`YYYY-MM-DD`) by which to ask whether the objective still fits.
    pub(crate) review_by: Field<Day>,
}

/// Labels or annotations.
pub(crate) type Texts = BTreeMap<String, Field<String>>;

/// The promise.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SloSpec {
    /// Required. Percent of good events, between 0 and 100.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 100))]
    pub(crate) objective: Field<f64>,
    /// The weaker promise in a contract, in percent.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 100))]
    pub(crate) sla: Field<f64>,
    /// What the budget is for: a rolling length of time, or a section for a calendar unit or a
    /// number of events. Default 30d; 1d to 400d.
    pub(crate) period: Field<ValueOr<Period>>,
    /// The alerting policy: its name, or a section that varies one or is one. Default
    /// `sre-workbook`.
    pub(crate) policy: Field<ValueOr<SloPolicy>>,
    /// What the alerts of each severity bear, or whether there are any.
    pub(crate) alerts: Field<Alerts>,
    /// SLOs whose burning may be the cause: `service/name`, or `name` in the same service.
    pub(crate) depends_on: Field<Vec<Field<SloRef>>>,
    /// Labels that split it into instances with a budget each. Default: one instance.
    pub(crate) group_by: Field<Vec<Field<LabelName>>>,
    /// Required. What is measured: exactly one of its keys.
    pub(crate) sli: Field<Sli>,
}

/// A period that is not a rolling length of time: exactly one of `rolling`, `calendar`, `events`.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["rolling", "calendar", "events"])))]
pub(crate) struct Period {
    /// A rolling length of time, as if written without a section.
    pub(crate) rolling: Field<Duration>,
    /// `week` (from Monday), `month`, `quarter` or `year`: the budget begins anew with each.
    pub(crate) calendar: Field<CalendarUnit>,
    /// With `calendar`: where midnight is, as an IANA name. Default UTC.
    pub(crate) zone: Field<ZoneName>,
    /// The last so many events, at least 1.
    pub(crate) events: Field<u64>,
    /// With `events`: how far back to look for them at most. Default 90d.
    pub(crate) within: Field<Duration>,
}

/// What the alerts of each severity bear.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Alerts {
    /// Of pages.
    pub(crate) page: Field<Alert>,
    /// Of tickets.
    pub(crate) ticket: Field<Alert>,
    /// Of budget notices.
    pub(crate) info: Field<Alert>,
}

/// What the alerts of one severity bear.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Alert {
    /// Whether there are none. Default false.
    pub(crate) disabled: Field<bool>,
    /// The name under which receivers know them.
    pub(crate) name: Field<String>,
    /// Labels over those of the SLO.
    pub(crate) labels: Field<Texts>,
    /// Annotations over those of the SLO.
    pub(crate) annotations: Field<Texts>,
}

/// A policy for one SLO: what it leaves out is as in `from`, or as in the built-in policy.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SloPolicy {
    /// The policy that is varied. Default `sre-workbook`.
    pub(crate) from: Field<Name>,
    /// Changes of single tiers, by their long window.
    pub(crate) vary: Field<BTreeMap<String, Field<TierChange>>>,
    /// Tiers instead of those of `from`.
    pub(crate) tiers: Field<Vec<Field<Tier>>>,
    /// `ratio` or `budget`.
    pub(crate) mode: Field<Mode>,
    /// How long a burn must last before its alert fires, in every tier that does not say.
    pub(crate) pending: Field<Duration>,
    /// How long an alert keeps firing after the last burning slot.
    pub(crate) hold: Field<Duration>,
    /// A firing tier stops below factor x recover.
    pub(crate) recover: Field<Fraction>,
    /// Whether a firing page keeps the ticket quiet.
    pub(crate) page_mutes_ticket: Field<bool>,
    /// Notices about the budget itself.
    pub(crate) budget: Field<Budget>,
    /// What to do when nothing can be decided; `false` switches the alert off.
    pub(crate) blind: Field<ValueOr<Blind>>,
}

/// What is different in one tier.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TierChange {
    /// Whether the tier is left out. Default false.
    pub(crate) disabled: Field<bool>,
    /// `page`, `ticket` or `info`.
    pub(crate) severity: Field<Severity>,
    /// Part of the budget that, spent within the long window, fires it.
    pub(crate) budget: Field<Fraction>,
    /// The window that says it is still going on.
    pub(crate) short: Field<Duration>,
    /// Bad events in the long window below which it stays quiet.
    pub(crate) minimum_events: Field<f64>,
    /// How long it must burn before its alert fires.
    pub(crate) pending: Field<Duration>,
}

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

/// `kind: Defaults`: what SLOs leave out, for the other documents of its file; in a file of
/// nothing else, for its directory and everything below.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DefaultsDocument {
    /// `slofuse/v1`
    #[serde(rename = "apiVersion")]
    pub(crate) api_version: Field<String>,
    /// What the document is.
    pub(crate) kind: Field<String>,
    /// As in an SLO; labels and annotations are merged key by key.
    pub(crate) metadata: Field<DefaultMetadata>,
    /// As in an SLO.
    pub(crate) spec: Field<DefaultSpec>,
}

/// Defaults of [`SloMetadata`].
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DefaultMetadata {
    /// Service of the SLOs that name none.
    pub(crate) service: Field<Name>,
    /// Team or person that answers for them.
    pub(crate) owner: Field<String>,
    /// What to do.
    pub(crate) runbook: Field<WebUrl>,
    /// Where to look.
    pub(crate) dashboard: Field<WebUrl>,
    /// Labels that receivers see.
    pub(crate) labels: Field<Texts>,
    /// Free text for people.
    pub(crate) annotations: Field<Texts>,
}

/// Defaults of [`SloSpec`].
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DefaultSpec {
    /// What the budget is for.
    pub(crate) period: Field<ValueOr<Period>>,
    /// The alerting policy.
    pub(crate) policy: Field<ValueOr<SloPolicy>>,
    /// What the alerts of each severity bear.
    pub(crate) alerts: Field<Alerts>,
}

/// `kind: Policy`.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PolicyDocument {
    /// `slofuse/v1`
    #[serde(rename = "apiVersion")]
    pub(crate) api_version: Field<String>,
    /// What the document is.
    pub(crate) kind: Field<String>,
    /// Its name.
    pub(crate) metadata: Field<PolicyMetadata>,
    /// When to tell whom.
    pub(crate) spec: Field<PolicySpec>,
}

/// Identity of a policy.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PolicyMetadata {
    /// Required. What definitions refer to.
    pub(crate) name: Field<Name>,
}

/// Tiers and the timing they share. Defaults are those of the built-in policy.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PolicySpec {
    /// Required. At least one.
    pub(crate) tiers: Field<Vec<Field<Tier>>>,
    /// `ratio` weighs bad events against those of the same window, `budget` against what a window
    /// of that length holds on average over the period. Default `ratio`.
    pub(crate) mode: Field<Mode>,
    /// How long a burn must last before its alert fires, in every tier that does not say.
    /// Default 0s.
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
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tier {
    /// Required. `page`, `ticket` or `info`.
    pub(crate) severity: Field<Severity>,
    /// Required. Part of the budget that, spent within `long`, fires it: `2%` or `0.02`.
    pub(crate) budget: Field<Fraction>,
    /// Required. The window that says the burn matters.
    pub(crate) long: Field<Duration>,
    /// Required. The window that says it is still going on; at most as long as `long`.
    pub(crate) short: Field<Duration>,
    /// Bad events in the long window below which it stays quiet. Default 5.
    pub(crate) minimum_events: Field<f64>,
    /// How long it must burn before its alert fires. Default that of the policy.
    pub(crate) pending: Field<Duration>,
    /// Labels that the alert bears while this is its fastest burning tier.
    pub(crate) labels: Field<Texts>,
}

/// Budget notices, of severity info.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Budget {
    /// Parts of the budget whose consumption is told. Default 50%, 75%, 90%, 100%.
    pub(crate) thresholds: Field<Vec<Field<Fraction>>>,
    /// Told when the budget would be gone within this time. Default 3d; `never` switches it off.
    pub(crate) exhaustion_within: Field<DurationOrNever>,
}

/// Lack of evidence as an alert of its own.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Blind {
    /// Slots in a row without a decision. Default 10.
    pub(crate) after_slots: Field<u32>,
    /// Whom it reaches. Default `page`.
    pub(crate) severity: Field<Severity>,
}
