//! Why somebody is told, as templates see it.

use serde::Serialize;

use crate::engine::Reason;

use super::cut;

/// Every field for every kind, so that templates can name them all; those of other kinds are none
/// or empty.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Reasons {
    kind: &'static str,
    /// `budget_consumed`: the share that was passed.
    threshold: Option<f64>,
    /// `exhaustion_ahead`: seconds.
    within: Option<f64>,
    /// `no_data`, `source_failed`: evaluations in a row.
    slots: Option<u32>,
    /// `no_data`, `source_failed`: what the source said.
    detail: String,
    /// `acknowledged`: who.
    by: String,
    /// `unacknowledged`: seconds.
    after: Option<f64>,
}

/// The reason by the names that templates know.
pub(super) fn reasons(reason: &Reason) -> Reasons {
    let plain = |kind| Reasons {
        kind,
        ..Reasons::default()
    };
    match reason {
        Reason::Burning => plain("burning"),
        Reason::MoreTiers => plain("more_tiers"),
        Reason::BudgetConsumed { threshold } => Reasons {
            threshold: Some(*threshold),
            ..plain("budget_consumed")
        },
        Reason::ExhaustionAhead { within } => Reasons {
            within: Some(within.as_secs_f64()),
            ..plain("exhaustion_ahead")
        },
        Reason::NoData { slots, detail } => Reasons {
            slots: Some(*slots),
            detail: cut(detail),
            ..plain("no_data")
        },
        Reason::SourceFailed { slots, detail } => Reasons {
            slots: Some(*slots),
            detail: cut(detail),
            ..plain("source_failed")
        },
        Reason::Unmuted => plain("unmuted"),
        Reason::Repeated => plain("repeated"),
        Reason::Acknowledged { by } => Reasons {
            by: cut(by),
            ..plain("acknowledged")
        },
        Reason::Unacknowledged { after } => Reasons {
            after: Some(after.as_secs_f64()),
            ..plain("unacknowledged")
        },
        Reason::GroupChanged => plain("group_changed"),
        Reason::Recovered => plain("recovered"),
        Reason::NoTraffic => plain("no_traffic"),
        Reason::PeriodEnded => plain("period_ended"),
        Reason::DataReturned => plain("data_returned"),
        Reason::DefinitionRemoved => plain("definition_removed"),
        Reason::DefinitionChanged => plain("definition_changed"),
        Reason::InstanceGone => plain("instance_gone"),
    }
}
