//! One alert of a report: when, why, what it cost, who was told of it and why not.

use serde::Serialize;

use super::form;
use crate::engine::{NotificationKind, Outcome, Severity, Span, Timestamp};

/// Most messages that are listed of one alert.
pub const MESSAGES_MAX: usize = 50;

/// Most stretches of quiet that are listed of one alert.
pub const MUTES_MAX: usize = 50;

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// The budget burns (page, ticket) or runs out (info).
    Burn,
    /// Nothing could be decided about the instance, though the source answered.
    Blind,
    /// The source failed.
    SourceDown,
}

/// One alert from the slot in which it fired to the one in which it ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertReport {
    /// `service/name{labels}/page`; the same for every firing.
    pub key: String,
    /// What it is about.
    pub kind: AlertKind,
    /// How loud.
    pub severity: Severity,
    /// Why it fired, in words.
    pub reason: String,
    /// The slot in which its condition began to hold.
    #[serde(serialize_with = "form::time")]
    pub burning_from: Timestamp,
    /// The slot in which it fired.
    #[serde(serialize_with = "form::time")]
    pub fired_at: Timestamp,
    /// The slot in which it ended; `None` if it was up at the end of the stretch.
    #[serde(serialize_with = "form::time_or_null")]
    pub ended_at: Option<Timestamp>,
    /// From the firing, or the start of the stretch if that is later, to the end, or to the end
    /// of the stretch.
    #[serde(serialize_with = "form::span")]
    pub duration: Span,
    /// Why it ended, in words.
    pub end_reason: Option<String>,
    /// Whether it was up already when the stretch began. Such an alert is listed, but no figure
    /// counts it as one that fired.
    pub open_at_start: bool,
    /// Whether it fired at night.
    pub at_night: bool,
    /// Whether it fired within an hour of the end of the one before it, of the same key: a flap.
    pub is_flap: bool,
    /// The tiers that burned, fastest first; empty unless the budget burned.
    pub tiers: Vec<AlertTier>,
    /// Highest burn rate of any burning tier's long window; `None` unless the budget burned.
    pub peak_burn: Option<f64>,
    /// Fraction of the budget that was left when it fired; negative when overspent.
    pub budget_before: Option<f64>,
    /// Fraction of the budget that was consumed while it was up, from the start of its burning.
    pub budget_consumed: Option<f64>,
    /// Fraction of the budget that was left when it ended, or at the end of the stretch.
    pub budget_after: Option<f64>,
    /// When nobody was told of it, and why; oldest first, at most [`MUTES_MAX`].
    pub mutes: Vec<MuteReport>,
    /// How many more such stretches there were, the newest ones.
    pub mutes_omitted: u64,
    /// What was sent about it, oldest first, at most [`MESSAGES_MAX`]. Nobody acknowledges in the
    /// past, so escalations run their course.
    pub messages: Vec<MessageReport>,
    /// How many more messages there were, the newest ones.
    pub messages_omitted: u64,
}

/// A tier that burned during an alert.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertTier {
    /// Long window.
    #[serde(serialize_with = "form::span")]
    pub long: Span,
    /// Short window.
    #[serde(serialize_with = "form::span")]
    pub short: Span,
    /// Burn rate above which it fires.
    pub factor: f64,
    /// Burn rate over the long window when the alert fired or the tier was last told of.
    pub long_burn: f64,
    /// The same over the short window.
    pub short_burn: f64,
}

/// A stretch of an alert in which nobody was told of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MuteReport {
    /// From then.
    #[serde(serialize_with = "form::time")]
    pub from: Timestamp,
    /// Until then; `None` to the end of the alert.
    #[serde(serialize_with = "form::time_or_null")]
    pub until: Option<Timestamp>,
    /// Kinds of reasons: `page`, `silence`, `inhibition`, `dependency`, `maintenance`, `interval`.
    pub kinds: Vec<String>,
    /// The reasons in words.
    pub why: Vec<String>,
}

/// A message that would have been sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MessageReport {
    /// When it was decided.
    #[serde(serialize_with = "form::time")]
    pub at: Timestamp,
    /// To whom.
    pub receiver: String,
    /// What it does: trigger, update or resolve.
    pub kind: NotificationKind,
    /// Its first line.
    pub text: String,
    /// How many alerts it is about; 1 unless it is grouped.
    pub alerts: u32,
}

/// A stretch in which nothing could be decided about an instance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GapReport {
    /// It begins after this slot.
    #[serde(serialize_with = "form::time")]
    pub from: Timestamp,
    /// Its last slot.
    #[serde(serialize_with = "form::time")]
    pub until: Timestamp,
    /// `no_data` or `failed`.
    pub outcome: Outcome,
    /// Why, as it was said at the first of these slots.
    pub why: String,
}
