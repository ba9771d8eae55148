//! When nobody is told: intervals, inhibition, maintenance, the night.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::field::{Field, ValueOr};
use crate::config::value::{
    DayOfMonthRange, Instant, MonthRange, Name, TimeOfDay, WeekdayRange, YearRange, ZoneName,
};

/// One of `time_intervals:`: a name for stretches of time.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NamedIntervals {
    /// Required. Unique; what routes refer to.
    pub(crate) name: Field<Name>,
    /// Required. An instant is inside when it is in any of them.
    pub(crate) intervals: Field<Vec<Field<TimeInterval>>>,
}

/// A recurring stretch of time: the entries of a list are alternatives, the lists must all agree.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TimeInterval {
    /// Times of the day. Default: all day.
    pub(crate) times: Field<Vec<Field<TimeRange>>>,
    /// Such as `monday:friday` or `sunday`. Default: every day.
    pub(crate) weekdays: Field<Vec<Field<WeekdayRange>>>,
    /// Such as `1:5`, or from the end `-3:-1`. Default: every day.
    pub(crate) days_of_month: Field<Vec<Field<DayOfMonthRange>>>,
    /// Such as `january:march` or `1:3`. Default: every month.
    pub(crate) months: Field<Vec<Field<MonthRange>>>,
    /// Such as `2026:2028`. Default: every year.
    pub(crate) years: Field<Vec<Field<YearRange>>>,
    /// The time zone of all of it. Default UTC.
    pub(crate) location: Field<ZoneName>,
}

/// A stretch of the day.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TimeRange {
    /// Required. From here on, `09:00`.
    pub(crate) start_time: Field<TimeOfDay>,
    /// Required. Until here, not included; `24:00` is the end of the day.
    pub(crate) end_time: Field<TimeOfDay>,
}

/// One of `inhibit_rules:`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct InhibitRule {
    /// Unique. Default: its place, such as `inhibit_rules[0]`.
    pub(crate) name: Field<Name>,
    /// Required. All must match the alert that keeps others quiet.
    pub(crate) source_matchers: Field<Vec<Field<String>>>,
    /// Required. All must match the alert that is kept quiet.
    pub(crate) target_matchers: Field<Vec<Field<String>>>,
    /// Labels with the same value on both.
    pub(crate) equal: Field<Vec<Field<String>>>,
}

/// One of `maintenance:`; `from` and `until`, or `time_intervals`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Maintenance {
    /// Required. Unique; shown where something is muted by it.
    pub(crate) name: Field<Name>,
    /// Required. All must match the alert.
    pub(crate) matchers: Field<Vec<Field<String>>>,
    /// Once, from here on: `2026-11-21T22:00:00Z`.
    pub(crate) from: Field<Instant>,
    /// Until here, not included.
    pub(crate) until: Field<Instant>,
    /// Instead of `from` and `until`: names of intervals, or intervals.
    pub(crate) time_intervals: Field<Vec<Field<ValueOr<TimeInterval>>>>,
    /// Whether errors within it are not counted against the budget. Default false.
    pub(crate) exclude_from_budget: Field<bool>,
}

/// What the page of an SLO does to the alerts of those that depend on it.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Dependencies {
    Annotate,
    Mute,
}

/// The hours of the night; over midnight when `start` is later than `end`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Night {
    /// Default `22:00`.
    pub(crate) start: Field<TimeOfDay>,
    /// Default `07:00`.
    pub(crate) end: Field<TimeOfDay>,
    /// Default UTC.
    pub(crate) time_zone: Field<ZoneName>,
}
