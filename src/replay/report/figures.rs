//! Figures of a report, each with its definition.

use serde::Serialize;

use super::form;
use crate::engine::{Span, Timestamp};

/// What happened to one instance, or to all of them together, within the stretch.
///
/// An alert counts by the slot in which it fired; one that was up when the stretch began is no
/// alert that fired. Of all instances together, counts and times are sums: two instances that burn
/// for the same hour burn for two hours.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Burn alerts of severity page that fired.
    pub pages: u64,
    /// Burn alerts of severity ticket that fired.
    pub tickets: u64,
    /// Notices about the budget (severity info) that fired.
    pub infos: u64,
    /// Alerts about missing data that fired, of whatever severity; those about the source are
    /// among them in the figures of all instances together.
    pub blinds: u64,
    /// Pages of which nobody was told at any time within the stretch: they were muted from start
    /// to end, or no route leads to anybody.
    pub pages_untold: u64,
    /// Alerts that were up already when the stretch began, of whatever kind.
    pub open_at_start: u64,
    /// Alerts that were up when the stretch ended, of whatever kind.
    pub open_at_end: u64,
    /// `pages` by weeks of the stretch.
    pub pages_per_week: f64,
    /// `tickets` by weeks of the stretch.
    pub tickets_per_week: f64,
    /// Pages that fired at night, by the settings' `night` in its zone.
    pub pages_at_night: u64,
    /// `pages_at_night` by the number of nights that the stretch touches; 0 without any.
    pub pages_per_night: f64,
    /// The night with most pages, the first of several; `None` if none had any.
    pub worst_night: Option<WorstNight>,
    /// Burn alerts (page, ticket) that fired within an hour of the end of the one before it, of
    /// the same instance and severity.
    pub flaps: u64,
    /// Time during which a page was up: a slot counts when it was up after the slot.
    #[serde(serialize_with = "form::span")]
    pub page_time: Span,
    /// Time during which a ticket was up.
    #[serde(serialize_with = "form::span")]
    pub ticket_time: Span,
    /// Time burning: slots in which the condition of some tier held (outcome `burning`).
    #[serde(serialize_with = "form::span")]
    pub burning: Span,
    /// Time burning while no page or ticket of the instance was up: it waited to become ripe.
    #[serde(serialize_with = "form::span")]
    pub burning_unalerted: Span,
    /// Time over the objective: slots whose burn rate over the shortest window of the policy was
    /// above 1, so that the budget was spent faster than it grows.
    #[serde(serialize_with = "form::span")]
    pub over_objective: Span,
    /// Time over the objective while no page or ticket of the instance was up: small errors that
    /// the policy lets pass.
    #[serde(serialize_with = "form::span")]
    pub over_objective_unalerted: Span,
    /// How the slots ended.
    pub slots: SlotFigures,
    /// Share (0..1) of the slots of the stretch in which something could be decided; slots before
    /// an instance was first seen are not among them.
    pub watched: f64,
}

/// How slots ended; each in exactly one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SlotFigures {
    /// Some tier burned.
    pub burning: u64,
    /// Every tier was known not to burn.
    pub quiet: u64,
    /// There were no events to judge.
    pub no_traffic: u64,
    /// Samples were stale, absent, or did not reach back far enough.
    pub no_data: u64,
    /// The source gave no usable answer.
    pub failed: u64,
}

/// A night and how often it was broken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorstNight {
    /// When it began, or the stretch if that is later.
    #[serde(serialize_with = "form::time")]
    pub from: Timestamp,
    /// When it ended, or the stretch if that is earlier.
    #[serde(serialize_with = "form::time")]
    pub until: Timestamp,
    /// Pages that fired in it.
    pub pages: u64,
}

/// What became of a budget.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BudgetFigures {
    /// Fraction left at the first slot at which it was known; negative when overspent.
    pub first: Option<f64>,
    /// Fraction left at the last slot at which it was known.
    pub last: Option<f64>,
    /// The lowest it was.
    pub lowest: Option<f64>,
    /// The first slot at which it was that low.
    #[serde(serialize_with = "form::time_or_null")]
    pub lowest_at: Option<Timestamp>,
    /// The first slot at which nothing was left.
    #[serde(serialize_with = "form::time_or_null")]
    pub exhausted_at: Option<Timestamp>,
    /// Time with nothing left.
    #[serde(serialize_with = "form::span")]
    pub exhausted: Span,
}

/// What a receiver would have been sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReceiverFigures {
    /// Its name.
    pub receiver: String,
    /// With the settings as they are: grouping, muting, inhibition, dependencies, maintenance and
    /// the rest of routes. Silences are acts of people and are not in the settings.
    pub sent: SentFigures,
    /// By the same tree of routes with none of them, a page beside the ticket of the same instance
    /// included: each alert told by itself, at once. `None` if this was not played.
    pub unquieted: Option<SentFigures>,
}

/// Messages by what they do. Messages about several alerts count once, by the loudest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SentFigures {
    /// All of them.
    pub messages: u64,
    /// That opened an alert.
    pub triggers: u64,
    /// That added news.
    pub updates: u64,
    /// That closed one.
    pub resolves: u64,
    /// Triggers of severity page, those about missing data among them.
    pub pages: u64,
    /// Triggers and updates of severity page at night: what wakes people.
    pub pages_at_night: u64,
}
