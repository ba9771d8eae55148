//! Who is told what: the flat form, the tree, and the receivers of owners.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::field::Field;
use crate::config::value::{Duration, DurationOrNever, Name};

/// `routes:` names of receivers by severity.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Routes {
    /// For a severity without an entry of its own.
    pub(crate) default: Field<Vec<Field<String>>>,
    /// Who is woken.
    pub(crate) page: Field<Vec<Field<String>>>,
    /// Who is told in working hours.
    pub(crate) ticket: Field<Vec<Field<String>>>,
    /// Who is told of budgets.
    pub(crate) info: Field<Vec<Field<String>>>,
}

/// A node of the tree. What is not written is inherited from the parent, but for `name`, `matchers`,
/// `continue` and the two lists of time intervals.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Route {
    /// Unique; names its groups for ever. Default: its place, such as `route[1][0]`.
    pub(crate) name: Field<Name>,
    /// All must match, such as `severity="page"` or `service=~"shop|cart"`. Not at the root.
    pub(crate) matchers: Field<Vec<Field<String>>>,
    /// Whether later siblings are asked as well after a match. Default false.
    #[serde(rename = "continue")]
    pub(crate) continues: Field<bool>,
    /// One receiver.
    pub(crate) receiver: Field<String>,
    /// Instead of `receiver`: several; none tells nobody.
    pub(crate) receivers: Field<Vec<Field<String>>>,
    /// Whether the receivers of the alert's owner are told instead, where it has some. Default
    /// false; false where a route names receivers of its own.
    pub(crate) to_owner: Field<bool>,
    /// Labels whose values decide which alerts share a notification. Default `['...']`: none do.
    pub(crate) group_by: Field<Vec<Field<String>>>,
    /// How long a new group waits for company; pages never wait. Default 30s; 0s to 1h.
    pub(crate) group_wait: Field<Duration>,
    /// How long news of a group wait; pages never wait. Default 5m; 1s to 24h.
    pub(crate) group_interval: Field<Duration>,
    /// After how long a notification is repeated. Default never; 1m to 90d.
    pub(crate) repeat_interval: Field<DurationOrNever>,
    /// Labels for the receivers' messages, added to those of the parent.
    pub(crate) labels: Field<BTreeMap<String, Field<String>>>,
    /// Names of intervals outside of which nobody is told. Default: always.
    pub(crate) active_time_intervals: Field<Vec<Field<String>>>,
    /// Names of intervals within which nobody is told. Default: never.
    pub(crate) mute_time_intervals: Field<Vec<Field<String>>>,
    /// Who else is told of a page that nobody acknowledges, soonest first.
    pub(crate) escalate: Field<Vec<Field<Escalation>>>,
    /// The children.
    pub(crate) routes: Field<Vec<Field<Self>>>,
}

/// One step of an escalation.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Escalation {
    /// Required. So long after the first notification; 1m to 7d.
    pub(crate) after: Field<Duration>,
    /// Required. These are told too.
    pub(crate) receivers: Field<Vec<Field<String>>>,
}

/// The receivers of one owner.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OwnerReceivers {
    /// For a severity without an entry of its own.
    pub(crate) default: Field<Vec<Field<String>>>,
    /// Who is woken.
    pub(crate) page: Field<Vec<Field<String>>>,
    /// Who is told in working hours.
    pub(crate) ticket: Field<Vec<Field<String>>>,
    /// Who is told of budgets.
    pub(crate) info: Field<Vec<Field<String>>>,
}
