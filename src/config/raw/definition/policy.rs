//! Documents of kind `Policy`, and the policy that one SLO describes for itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::field::{Field, ValueOr};
use crate::config::value::{Duration, DurationOrNever, Fraction, Name};
use crate::engine::{Mode, Severity};

use super::Texts;

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
