//! Recurring times: `time_intervals:` and the hours of the night.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::field::{Field, Section};
use crate::config::raw::settings as raw;
use crate::config::settings::Night;
use crate::config::value::{
    DayOfMonthRange, MonthRange, Name, TimeOfDay, WeekdayRange, YearRange, ZoneName,
};
use crate::engine::{TimeInterval, Zone};

/// The end of the day in minutes.
const MIDNIGHT: u16 = 24 * 60;

/// The named intervals; `None` when one was refused.
pub(super) fn named(
    section: &Section<'_>,
    field: &Field<Vec<Field<raw::NamedIntervals>>>,
) -> Option<BTreeMap<String, Vec<TimeInterval>>> {
    if field.is_absent() {
        return Some(BTreeMap::new());
    }
    let mut names = BTreeSet::new();
    let compiled: Vec<Option<(String, Vec<TimeInterval>)>> = field
        .value()?
        .iter()
        .map(|item| {
            let raw = item.value()?;
            let section = section.within(item, "the entry");
            if let Some(Name(name)) = raw.name.value()
                && !names.insert(name.clone())
            {
                let message = format!("there are two time intervals called {name:?}");
                section.refuse(&raw.name, message, "rename one of the two");
            }
            let name = section.required(&raw.name, "name");
            let intervals = section.required(&raw.intervals, "intervals");
            if intervals.is_some_and(Vec::is_empty) {
                let fix = "list at least one interval, such as weekdays: ['saturday:sunday']";
                section.refuse(&raw.intervals, "this would never be", fix);
            }
            let intervals = intervals?
                .iter()
                .map(|item| interval(&section.within(item, "the interval"), item.value()?))
                .collect::<Vec<_>>();
            Some((
                name?.0.clone(),
                intervals.into_iter().collect::<Option<_>>()?,
            ))
        })
        .collect();
    compiled.into_iter().collect()
}

/// One interval.
pub(super) fn interval(section: &Section<'_>, raw: &raw::TimeInterval) -> Option<TimeInterval> {
    let says_nothing = raw.times.is_absent()
        && raw.weekdays.is_absent()
        && raw.days_of_month.is_absent()
        && raw.months.is_absent()
        && raw.years.is_absent();
    if says_nothing {
        let message = "this interval names no time, so it would be always";
        let fix = "add times:, weekdays:, days_of_month:, months: or years:";
        section.report.error(section.mark, message, fix);
        return None;
    }
    let times = ranges(&raw.times, |item: &Field<raw::TimeRange>| {
        time(&section.within(item, "the entry"), item.value()?).map(|range| vec![range])
    });
    let weekdays = ranges(&raw.weekdays, |item: &Field<WeekdayRange>| {
        let WeekdayRange(first, last) = *item.value()?;
        Some(around(first, last, (0, 6)))
    });
    let days_of_month = ranges(&raw.days_of_month, |item: &Field<DayOfMonthRange>| {
        let DayOfMonthRange(first, last) = *item.value()?;
        Some(vec![(first, last)])
    });
    let months = ranges(&raw.months, |item: &Field<MonthRange>| {
        let MonthRange(first, last) = *item.value()?;
        Some(around(first, last, (1, 12)))
    });
    let years = ranges(&raw.years, |item: &Field<YearRange>| {
        let YearRange(first, last) = *item.value()?;
        Some(vec![(first, last)])
    });
    let zone = section.or(&raw.location, ZoneName(Zone::utc()));
    Some(TimeInterval {
        times: times?,
        weekdays: weekdays?,
        days_of_month: days_of_month?,
        months: months?,
        years: years?,
        zone: zone?.0,
    })
}

fn ranges<F, T>(
    field: &Field<Vec<Field<F>>>,
    range: impl Fn(&Field<F>) -> Option<Vec<T>>,
) -> Option<Vec<T>> {
    if field.is_absent() {
        return Some(Vec::new());
    }
    // Every entry is looked at, so that every mistake is reported.
    let all: Vec<Option<Vec<T>>> = field.value()?.iter().map(range).collect();
    let all: Option<Vec<Vec<T>>> = all.into_iter().collect();
    Some(all?.into_iter().flatten().collect())
}

/// A range that may go over the end of its cycle, as ranges that do not.
fn around(first: u8, last: u8, cycle: (u8, u8)) -> Vec<(u8, u8)> {
    if first <= last {
        vec![(first, last)]
    } else {
        vec![(first, cycle.1), (cycle.0, last)]
    }
}

fn time(section: &Section<'_>, raw: &raw::TimeRange) -> Option<(u16, u16)> {
    let start = section.required(&raw.start_time, "start_time");
    let end = section.required(&raw.end_time, "end_time");
    let (start, end) = (start?.0, end?.0);
    if start >= end {
        let message = "the end is not after the start";
        let fix = "for a stretch over midnight write two: until 24:00, and from 00:00";
        section.refuse(&raw.end_time, message, fix);
        return None;
    }
    Some((start, end))
}

/// The hours of the night.
pub(super) fn night(section: &Section<'_>, field: &Field<raw::Night>) -> Option<Night> {
    let default = Night::default();
    if field.is_absent() {
        return Some(default);
    }
    let raw = field.value()?;
    let start = section.or(&raw.start, TimeOfDay(22 * 60));
    let end = section.or(&raw.end, TimeOfDay(7 * 60));
    let zone = section.or(&raw.time_zone, ZoneName(default.0.zone.clone()));
    let (start, end) = (start?.0, end?.0);
    if start == end {
        let message = "the night ends when it begins";
        section.refuse(&raw.end, message, "write a later end, such as 07:00");
        return None;
    }
    let mut times = if start < end {
        vec![(start, end)]
    } else {
        vec![(0, end), (start, MIDNIGHT)]
    };
    times.retain(|(start, end)| start < end);
    Some(Night(TimeInterval {
        times,
        zone: zone?.0,
        ..default.0
    }))
}
