//! Time windows: from `timeWindow` (v1, v2alpha) or `timeWindows` (v1alpha) to a period.
//!
//! A calendar window is taken when it begins where a week, month, quarter or year begins. Any other
//! beginning would move the day on which a budget is whole again, so it is refused.

use jiff::civil::{DateTime, Weekday};

use crate::config::diagnostic::excerpt;
use crate::config::field::{Field, ValueOr};
use crate::config::lint::Lint;
use crate::config::nearest::suggestion;
use crate::config::raw::definition::Period;
use crate::config::tree::Mark;
use crate::config::value::ZoneName;
use crate::engine::{Calendar, CalendarUnit, Span, Zone};

use super::duration::{Shorthand, Unit};
use super::entry::{Entry, Notes};

/// The period of a budget.
pub(super) struct Window {
    /// As a native definition has it.
    pub(super) period: Field<ValueOr<Period>>,
    /// Its usual length, if it could be read.
    pub(super) length: Option<Span>,
}

/// The shortest period that slofuse keeps a budget for.
const SHORTEST: Span = Span::from_days(1);

pub(super) fn of_spec(spec: Entry<'_>, notes: &Notes) -> Window {
    let key = spec.only(&["timeWindow", "timeWindows"]);
    let windows = key.map_or_else(Vec::new, |(key, _)| spec.items(key));
    let refused = |mark| Window {
        period: Field::refused(mark),
        length: None,
    };
    let Some(window) = windows.first() else {
        if let Some((_, written)) = key
            && written.list().is_none()
        {
            return refused(written.mark());
        }
        let fix = "add timeWindow: with the duration that is meant";
        notes.add(spec.mark(), "no time window is given, so it is 30d", fix);
        return Window {
            period: Field::default(),
            length: Some(Span::from_days(30)),
        };
    };
    if let Some(second) = windows.get(1) {
        let fix = "keep one, and write another SLO for the other";
        second.error("an SLO has one time window only", fix);
    }
    let mark = window.mark();
    let Some((length, mark)) = length(*window, mark) else {
        return refused(mark);
    };
    let period = match calendar_of(*window, notes) {
        None => rolling(*window, length, mark),
        Some(calendar) => calendar_unit(*window, calendar, length, mark),
    };
    Window {
        length: period.as_ref().map(|(_, length)| *length),
        period: period.map_or_else(
            || Field::refused(mark),
            |(period, _)| Field::at(mark, period),
        ),
    }
}

/// How long, and where that is written.
fn length(window: Entry<'_>, mark: Mark) -> Option<(Shorthand, Mark)> {
    if let Some(duration) = window.at("duration") {
        let length = duration.value::<Shorthand>();
        return Some((*length.value()?, duration.mark()));
    }
    let Some(unit) = window.at("unit") else {
        let fix = "add duration: such as 28d, 4w or 1M";
        window
            .report
            .error(mark, "the time window has no length", fix);
        return None;
    };
    const UNITS: [(&str, Unit); 6] = [
        ("Second", Unit::Second),
        ("Day", Unit::Day),
        ("Week", Unit::Week),
        ("Month", Unit::Month),
        ("Quarter", Unit::Quarter),
        ("Year", Unit::Year),
    ];
    let text = unit.text().unwrap_or_default();
    let known = UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text));
    let Some((_, unit)) = known else {
        let message = format!("the unit {:?} is not known", excerpt(text));
        unit.error(message, suggestion(text, UNITS.map(|(name, _)| name)));
        return None;
    };
    let count = window.read::<u32>("count");
    let count = match count.value() {
        None if count.is_absent() => 1,
        count => *count?,
    };
    Some((Shorthand { count, unit: *unit }, mark))
}

/// The section of a calendar window, or the window itself if it is one without a section.
fn calendar_of<'n>(window: Entry<'n>, notes: &Notes) -> Option<Entry<'n>> {
    let rolls = window.read::<bool>("isRolling");
    let calendar = window.section("calendar");
    match (rolls.value(), calendar) {
        (Some(true), Some(calendar)) => {
            let fix = "remove calendar:, or write isRolling: false";
            calendar.lint(Lint::IgnoredKey, "a rolling window has no calendar", fix);
            None
        }
        (Some(true), None) => None,
        (_, Some(calendar)) => Some(calendar),
        (Some(false), None) => {
            let fix = "add calendar: with startTime and timeZone, or write isRolling: true";
            let message = "the calendar window has no calendar, so it begins at midnight UTC";
            notes.add(window.mark(), message, fix);
            Some(window)
        }
        (None, None) => {
            let fix = "add isRolling: true to say so";
            notes.add(window.mark(), "the time window is read as rolling", fix);
            None
        }
    }
}

type Read = (ValueOr<Period>, Span);

fn rolling(window: Entry<'_>, length: Shorthand, mark: Mark) -> Option<Read> {
    let span = length.span();
    let minutes = warn_of_minutes(window, length, mark);
    if span < SHORTEST {
        let message = format!("a time window of {span} is too short: a budget needs at least 1d");
        let fix = match minutes {
            true => format!("write {}M for months, or a number of days", length.count),
            false => "write a number of days, such as 28d".to_owned(),
        };
        window.report.error(mark, message, fix);
        return None;
    }
    Some((ValueOr::Value(span.to_string()), span))
}

/// Minutes are hardly ever meant.
fn warn_of_minutes(window: Entry<'_>, length: Shorthand, mark: Mark) -> bool {
    let minutes = length.unit == Unit::Minute;
    if minutes {
        let count = length.count;
        let message = format!("{count}m is a number of minutes; months are written {count}M");
        let fix = format!("write {count}M if months are meant");
        window
            .report
            .lint(Lint::SuspectDuration, mark, message, fix);
    }
    minutes
}

fn calendar_unit(
    window: Entry<'_>,
    calendar: Entry<'_>,
    length: Shorthand,
    mark: Mark,
) -> Option<Read> {
    let unit = match (length.count, length.unit) {
        (7, Unit::Day) | (1, Unit::Week) => Some(CalendarUnit::Week),
        (1, Unit::Month) => Some(CalendarUnit::Month),
        (3, Unit::Month) | (1, Unit::Quarter) => Some(CalendarUnit::Quarter),
        (12, Unit::Month) | (4, Unit::Quarter) | (1, Unit::Year) => Some(CalendarUnit::Year),
        _ => None,
    };
    let zone = calendar.read::<ZoneName>("timeZone");
    let start = calendar.at("startTime");
    let Some(unit) = unit else {
        let minutes = warn_of_minutes(window, length, mark);
        let message = "a calendar window is a week, a month, a quarter or a year here";
        let fix = match minutes {
            true => "write 1M for a month".to_owned(),
            false => "write 1w, 1M, 1Q or 1Y, or isRolling: true without calendar:".to_owned(),
        };
        window.report.lint(Lint::Unsupported, mark, message, fix);
        return None;
    };
    if let Some(start) = start {
        begins(start, unit)?;
    }
    let whole = Calendar {
        calendar: unit,
        zone: Zone::utc(),
    };
    let period = Period {
        calendar: Field::at(mark, unit),
        zone,
        ..Period::default()
    };
    let length = crate::engine::Period::Calendar(whole).nominal();
    Some((ValueOr::Section(period), length))
}

/// Refuses a first start that is not the beginning of a unit.
fn begins(start: Entry<'_>, unit: CalendarUnit) -> Option<()> {
    let text = start.value::<String>();
    let text = text.value()?;
    let Ok(at) = text.parse::<DateTime>() else {
        let message = format!("{:?} is not a date and time", excerpt(text));
        let fix = "write it like 2026-01-01 00:00:00; the zone stands in timeZone:";
        start.error(message, fix);
        return None;
    };
    let midnight = at.time() == jiff::civil::Time::midnight();
    let (first, when) = match unit {
        CalendarUnit::Week => (at.weekday() == Weekday::Monday, "on a Monday"),
        CalendarUnit::Month => (at.day() == 1, "on the 1st of a month"),
        CalendarUnit::Quarter => (
            at.day() == 1 && at.month() % 3 == 1,
            "on the 1st of January, April, July or October",
        ),
        CalendarUnit::Year => (at.day() == 1 && at.month() == 1, "on the 1st of January"),
    };
    if midnight && first {
        return Some(());
    }
    let message = format!("a {} begins at midnight {when} here", unit.as_str());
    let fix = "write such a startTime if that is meant, or isRolling: true without calendar:";
    start.lint(Lint::Unsupported, message, fix);
    None
}
