//! `apiVersion: slofuse/v1`: documents of kind `SLO`; those of kind `Policy` and `Defaults` beside it.
//!
//! Other formats are translated into these structs, each field at its place in the other file, so
//! that there is one set of rules and one way to say where a mistake is.

mod defaults;
mod indicator;
mod policy;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::field::{Field, ValueOr};
use crate::config::schema::one_of;
use crate::config::value::{Day, Duration, LabelName, Name, SloRef, WebUrl, ZoneName};
use crate::engine::CalendarUnit;

pub(crate) use defaults::{DefaultMetadata, DefaultSpec, DefaultsDocument};
pub(crate) use indicator::{Events, Latency, Ratio, Sli, Step, TimeSlices};
pub(crate) use policy::{
    Blind, Budget, PolicyDocument, PolicyMetadata, PolicySpec, SloPolicy, Tier, TierChange,
};

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
