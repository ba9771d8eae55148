//! Documents of kind `Defaults`: what SLOs leave out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::field::{Field, ValueOr};
use crate::config::value::{Name, WebUrl};

use super::{Alerts, Period, SloPolicy, Texts};

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

/// What SLOs leave out of their `metadata`.
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

/// What SLOs leave out of their `spec`.
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
