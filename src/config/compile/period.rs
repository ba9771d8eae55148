//! `spec.period` to a [`Period`].

use crate::config::field::{Field, Section, ValueOr};
use crate::config::raw::definition as raw;
use crate::config::value::{Duration, ZoneName};
use crate::engine::{Calendar, LastEvents, Period, Span, Zone};

const DEFAULT: Span = Span::from_days(30);
const MIN: Duration = Duration(Span::from_days(1));
const MAX: Duration = Duration(Span::from_days(400));
/// How far back the last events are looked for.
const WITHIN_DEFAULT: Duration = Duration(Span::from_days(90));
/// Beyond this a double no longer counts single events.
const EVENTS_MAX: u64 = 1_000_000_000_000;

pub(super) fn compile(
    section: &Section<'_>,
    field: &Field<ValueOr<raw::Period>>,
) -> Option<Period> {
    if field.is_absent() {
        return Some(Period::Rolling(DEFAULT));
    }
    match field.value()? {
        ValueOr::Value(text) => {
            let span: Duration = section.parsed(field, text)?;
            let Duration(span) = section.bounded(&field.with(span), span, MIN, MAX)?;
            Some(Period::Rolling(span))
        }
        ValueOr::Section(raw) => of_section(&section.within(field, "the period"), raw),
    }
}

fn of_section(section: &Section<'_>, raw: &raw::Period) -> Option<Period> {
    let kinds = [
        ("rolling", raw.rolling.is_absent()),
        ("calendar", raw.calendar.is_absent()),
        ("events", raw.events.is_absent()),
    ];
    let kind = section.one_of(kinds);
    let zone = match kind {
        Some("rolling" | "events") => section.needs(&raw.zone, "zone", "calendar"),
        _ => Some(()),
    };
    let within = match kind {
        Some("rolling" | "calendar") => section.needs(&raw.within, "within", "events"),
        _ => Some(()),
    };
    let rolling = section.bounded(&raw.rolling, MIN, MIN, MAX);
    let look_back = section.bounded(&raw.within, WITHIN_DEFAULT, MIN, MAX);
    let events = section.bounded(&raw.events, 1, 1, EVENTS_MAX);
    zone?;
    within?;
    match kind? {
        "rolling" => Some(Period::Rolling(rolling?.0)),
        "calendar" => {
            let ZoneName(zone) = section.or(&raw.zone, ZoneName(Zone::utc()))?;
            let calendar = *raw.calendar.value()?;
            Some(Period::Calendar(Calendar { calendar, zone }))
        }
        _ => Some(Period::Events(LastEvents {
            events: events?,
            within: look_back?.0,
        })),
    }
}
