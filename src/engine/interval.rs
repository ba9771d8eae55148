//! Recurring stretches of civil time, with the semantics of Alertmanager's `time_intervals`.
//!
//! Within a field the ranges are alternatives, the fields must all agree, and an empty field says
//! nothing. Whether an instant is inside is asked of its civil time in the interval's zone, so
//! daylight saving needs no rule of its own.

use super::period::Zone;
use super::time::{Span, Timestamp};

/// One recurring stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeInterval {
    /// Minutes of the day, the end excluded; 24:00 is 1440. `(start, end)`, start < end.
    pub times: Vec<(u16, u16)>,
    /// Days of the week, both ends included; 0 is Sunday.
    pub weekdays: Vec<(u8, u8)>,
    /// Days of the month, both ends included; -1 is the last day. Clamped to the month's days.
    pub days_of_month: Vec<(i8, i8)>,
    /// Months, both ends included; 1 is January.
    pub months: Vec<(u8, u8)>,
    /// Years, both ends included.
    pub years: Vec<(i16, i16)>,
    /// The zone of all of it.
    pub zone: Zone,
}

/// The days of the week, in the order of their numbers.
pub const WEEKDAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

/// A minute of the day as people write it: `09:30`, and `24:00` for the last.
pub fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

impl TimeInterval {
    /// All the time: a list that is empty asks for nothing.
    pub const fn always(zone: Zone) -> Self {
        Self {
            times: Vec::new(),
            weekdays: Vec::new(),
            days_of_month: Vec::new(),
            months: Vec::new(),
            years: Vec::new(),
            zone,
        }
    }

    /// Whether the instant is inside. An hour that the clock repeats is inside both times or
    /// neither; one that it skips never comes.
    pub fn contains(&self, at: Timestamp) -> bool {
        let civil = self.zone.civil(at);
        let minute = i32::from(civil.hour()) * 60 + i32::from(civil.minute());
        let weekday = civil.weekday().to_sunday_zero_offset();
        let times = self.times.iter();
        let mut times = times.map(|(start, end)| (i32::from(*start), i32::from(*end)));
        (self.times.is_empty() || times.any(|(start, end)| start <= minute && minute < end))
            && is_in(&self.weekdays, weekday.into())
            && self.has_day(civil.day(), civil.days_in_month())
            && is_in(&self.months, civil.month().into())
            && is_in(&self.years, civil.year().into())
    }

    /// Until when at least nothing changes: the next of its times, midnight, or change of the clock.
    pub fn same_until(&self, at: Timestamp) -> Timestamp {
        let civil = self.zone.civil(at);
        let second = (i64::from(civil.hour()) * 60 + i64::from(civil.minute())) * 60
            + i64::from(civil.second());
        let times = self.times.iter().flat_map(|(start, end)| [*start, *end]);
        let edges = times.map(|minute| i64::from(minute) * 60);
        let next = edges.filter(|edge| *edge > second).min();
        let left = Span::from_secs(next.unwrap_or(86_400) - second);
        let next = at.align_down(Span::from_secs(1)) + left;
        let change = self.zone.next_change(at);
        change.map_or(next, |change| next.min(change))
    }

    /// Whether a day of a month with so many days is inside. Days before the first and after the
    /// last clamp by themselves: no day of the month is there.
    fn has_day(&self, day: i8, days: i8) -> bool {
        let from_start = |at: i8| match i16::from(at) {
            at if at < 0 => i16::from(days) + at + 1,
            at => at,
        };
        let has = |(first, last): &(i8, i8)| {
            let day = i16::from(day);
            from_start(*first) <= day && day <= from_start(*last)
        };
        self.days_of_month.is_empty() || self.days_of_month.iter().any(has)
    }
}

/// Whether some range has the value, both ends included; no ranges have every value.
fn is_in<T: Copy + Into<i32>>(ranges: &[(T, T)], value: i32) -> bool {
    let has = |(first, last): &(T, T)| (*first).into() <= value && value <= (*last).into();
    ranges.is_empty() || ranges.iter().any(has)
}

#[cfg(test)]
pub(super) mod tests;
