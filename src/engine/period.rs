//! The period of a budget: a rolling length of time, a calendar unit, or a number of events.
//!
//! A calendar period begins at midnight of its time zone, so it may be an hour longer or shorter
//! than its days suggest. The time zone database is part of the program: the same input gives the
//! same decision on every machine, and the engine reads no file.

use std::fmt;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::time::{Span, Timestamp};

/// What the budget of an SLO is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Period {
    /// The time before now.
    Rolling(Span),
    /// The current week, month, quarter or year.
    Calendar(Calendar),
    /// The last events.
    Events(LastEvents),
}

/// A calendar unit in a time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// What begins anew.
    pub calendar: CalendarUnit,
    /// Where midnight is.
    pub zone: Zone,
}

/// A number of events instead of a length of time: for traffic that comes and goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastEvents {
    /// The budget is for so many events.
    pub events: u64,
    /// They are looked for at most so far back.
    pub within: Span,
}

/// Units after which a budget may begin anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CalendarUnit {
    /// From Monday on (ISO 8601).
    Week,
    /// From the 1st on.
    Month,
    /// From the 1st of January, April, July, October on.
    Quarter,
    /// From the 1st of January on.
    Year,
}

impl CalendarUnit {
    /// The lower-case word used in files and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The longest it can be, an hour of clock change included.
    pub const fn longest(self) -> Span {
        Span::from_hours(match self {
            Self::Week => 7 * 24 + 1,
            Self::Month => 31 * 24 + 1,
            Self::Quarter => 92 * 24 + 1,
            Self::Year => 366 * 24 + 1,
        })
    }

    fn first_day(self, day: Date) -> Date {
        let month = |month: i8| Date::new(day.year(), month, 1).unwrap_or(day);
        match self {
            Self::Week => {
                let since = i64::from(day.weekday().to_monday_zero_offset());
                day.checked_sub(since.days()).unwrap_or(day)
            }
            Self::Month => day.first_of_month(),
            Self::Quarter => month((day.month() - 1) / 3 * 3 + 1),
            Self::Year => day.first_of_year(),
        }
    }

    fn next_first_day(self, first: Date) -> Date {
        let step = match self {
            Self::Week => 1.week(),
            Self::Month => 1.month(),
            Self::Quarter => 3.months(),
            Self::Year => 1.year(),
        };
        first.checked_add(step).unwrap_or(Date::MAX)
    }
}

/// A time zone by its IANA name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
    /// Whether its midnights are whole hours of UTC.
    on_the_hour: bool,
}

/// A zone is judged by its offsets from UTC since 2024: what was before is no budget's concern ...
const OFFSETS_FROM: Timestamp = Timestamp::from_secs(1_704_067_200);
/// ... and by so many changes of the clock: they are alike from year to year.
const OFFSETS_MAX: usize = 8;
/// At the beginning of a calendar period nothing is asked for: there is hardly anything yet, and
/// a range of no length is refused.
const ASKED_MIN: Span = Span::from_mins(1);

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self {
            name: "UTC".to_owned(),
            zone: TimeZone::UTC,
            on_the_hour: true,
        }
    }

    /// A zone of the IANA database, such as `Europe/Berlin`; `None` when it has no such zone.
    pub fn named(name: &str) -> Option<Self> {
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(name).ok()?;
        Some(Self {
            name: zone.iana_name().unwrap_or(name).to_owned(),
            on_the_hour: is_on_the_hour(&zone),
            zone,
        })
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the wall clock of the zone shows; the first or last time there is for what lies beyond.
    pub(super) fn civil(&self, at: Timestamp) -> DateTime {
        let beyond = match at < Timestamp::EPOCH {
            true => jiff::Timestamp::MIN,
            false => jiff::Timestamp::MAX,
        };
        let at = jiff::Timestamp::from_millisecond(at.as_millis());
        self.zone.to_datetime(at.unwrap_or(beyond))
    }

    /// When its clock next moves against UTC.
    pub(super) fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        let at = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
        let change = self.zone.following(at).next()?;
        Some(Timestamp::from_millis(change.timestamp().as_millisecond()))
    }

    fn day(&self, at: Timestamp) -> Date {
        let at = jiff::Timestamp::from_millisecond(at.as_millis());
        at.unwrap_or_default().to_zoned(self.zone.clone()).date()
    }

    fn midnight(&self, day: Date) -> Timestamp {
        let zoned = day.to_zoned(self.zone.clone());
        let millis = zoned.map(|zoned| zoned.timestamp().as_millisecond());
        Timestamp::from_millis(millis.unwrap_or_default())
    }
}

fn is_on_the_hour(zone: &TimeZone) -> bool {
    let from = jiff::Timestamp::from_millisecond(OFFSETS_FROM.as_millis()).unwrap_or_default();
    let changes = zone.following(from).take(OFFSETS_MAX);
    let mut offsets = changes.map(|change| change.offset());
    let whole = |offset: jiff::tz::Offset| offset.seconds() % 3600 == 0;
    whole(zone.to_offset(from)) && offsets.all(whole)
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| serde::de::Error::custom("unknown time zone"))
    }
}

impl Calendar {
    /// The period that `at` lies in: its first instant and that of the next one.
    pub fn around(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        let first = self.calendar.first_day(self.zone.day(at));
        let next = self.calendar.next_first_day(first);
        (self.zone.midnight(first), self.zone.midnight(next))
    }
}

impl Period {
    /// How far back its events must be known at most.
    pub const fn reach(&self) -> Span {
        match self {
            Self::Rolling(span) => *span,
            Self::Calendar(calendar) => calendar.calendar.longest(),
            Self::Events(last) => last.within,
        }
    }

    /// Its usual length, for texts that are about no particular time.
    pub const fn nominal(&self) -> Span {
        match self {
            Self::Rolling(span) => *span,
            Self::Calendar(calendar) => Span::from_days(match calendar.calendar {
                CalendarUnit::Week => 7,
                CalendarUnit::Month => 30,
                CalendarUnit::Quarter => 91,
                CalendarUnit::Year => 365,
            }),
            Self::Events(last) => last.within,
        }
    }

    /// Its length at a time, by which factors and speeds are reckoned. For a number of events it
    /// is the longest they may take; what they took is known only from the events.
    pub fn length(&self, at: Timestamp) -> Span {
        match self {
            Self::Rolling(span) => *span,
            Self::Calendar(calendar) => {
                let (start, end) = calendar.around(at);
                end.since(start)
            }
            Self::Events(last) => last.within,
        }
    }

    /// The part of it that lies before `at`: all of it when it rolls, what has passed of a
    /// calendar unit.
    pub fn elapsed(&self, at: Timestamp) -> Span {
        match self {
            Self::Rolling(span) => *span,
            Self::Calendar(calendar) => at.since(calendar.around(at).0),
            Self::Events(last) => last.within,
        }
    }

    /// The window that a source is asked for at a time to know the events so far; `None` when
    /// too little of a calendar unit has passed.
    pub fn window(&self, at: Timestamp) -> Option<Span> {
        let elapsed = self.elapsed(at);
        (elapsed >= ASKED_MIN || !matches!(self, Self::Calendar(_))).then_some(elapsed)
    }

    /// Whether it may begin at a quarter of an hour, as in `Asia/Kolkata` (+05:30).
    pub const fn begins_on_quarters(&self) -> bool {
        match self {
            Self::Calendar(calendar) => !calendar.zone.on_the_hour,
            Self::Rolling(_) | Self::Events(_) => false,
        }
    }
}

/// `30d`, `month (Europe/Berlin)`, `last 10000 events`
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rolling(span) => span.fmt(f),
            Self::Calendar(calendar) => {
                let unit = calendar.calendar.as_str();
                write!(f, "{unit} ({})", calendar.zone.name())
            }
            Self::Events(last) => write!(f, "last {} events", last.events),
        }
    }
}

impl From<Span> for Period {
    fn from(span: Span) -> Self {
        Self::Rolling(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(unit: CalendarUnit, zone: &str) -> Calendar {
        Calendar {
            calendar: unit,
            zone: Zone::named(zone).unwrap(),
        }
    }

    fn at(text: &str) -> Timestamp {
        let at: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_millis(at.as_millisecond())
    }

    #[test]
    fn months_begin_at_midnight_of_their_zone() {
        let month = calendar(CalendarUnit::Month, "Europe/Berlin");
        let (start, end) = month.around(at("2026-03-31T22:30:00Z"));
        assert_eq!(start, at("2026-03-31T22:00:00Z"));
        assert_eq!(end, at("2026-04-30T22:00:00Z"));
    }

    #[test]
    fn clock_changes_make_a_period_an_hour_shorter_or_longer() {
        let week = |text: &str| {
            let week = Period::Calendar(calendar(CalendarUnit::Week, "Europe/Berlin"));
            week.length(at(text)).to_string()
        };
        assert_eq!(week("2026-03-25T12:00:00Z"), "6d23h");
        assert_eq!(week("2026-04-01T12:00:00Z"), "7d");
        assert_eq!(week("2026-10-21T12:00:00Z"), "7d1h");
    }

    #[test]
    fn quarters_and_years_begin_on_the_first() {
        let (start, end) =
            calendar(CalendarUnit::Quarter, "UTC").around(at("2026-12-31T23:59:59Z"));
        assert_eq!(
            (start, end),
            (at("2026-10-01T00:00:00Z"), at("2027-01-01T00:00:00Z"))
        );
        let (start, end) =
            calendar(CalendarUnit::Year, "Asia/Kolkata").around(at("2025-12-31T18:30:00Z"));
        assert_eq!(start, at("2025-12-31T18:30:00Z"));
        assert_eq!(end.since(start), Span::from_days(365));
    }

    #[test]
    fn few_zones_have_midnights_off_the_hour() {
        let quarters =
            |zone: &str| Period::Calendar(calendar(CalendarUnit::Month, zone)).begins_on_quarters();
        for zone in ["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"] {
            assert!(!quarters(zone), "{zone}");
        }
        // +05:30, +05:45, +12:45/+13:45, +10:30/+11 and -03:30/-02:30.
        for zone in [
            "Asia/Kolkata",
            "Asia/Kathmandu",
            "Pacific/Chatham",
            "Australia/Lord_Howe",
            "America/St_Johns",
        ] {
            assert!(quarters(zone), "{zone}");
        }
    }

    #[test]
    fn nothing_is_asked_about_a_period_that_has_hardly_begun() {
        let month = Period::Calendar(calendar(CalendarUnit::Month, "Asia/Kolkata"));
        let window = |text: &str| month.window(at(text)).map(|span| span.to_string());
        assert_eq!(window("2026-03-31T18:29:30Z").unwrap(), "30d23h59m30s");
        assert_eq!(window("2026-03-31T18:30:00Z"), None);
        assert_eq!(window("2026-03-31T18:30:30Z"), None);
        assert_eq!(window("2026-03-31T18:31:00Z").unwrap(), "1m");
    }

    #[test]
    fn no_time_is_out_of_reach() {
        for unit in [
            CalendarUnit::Week,
            CalendarUnit::Month,
            CalendarUnit::Quarter,
            CalendarUnit::Year,
        ] {
            for millis in [i64::MIN, -1, 0, i64::MAX] {
                let (start, end) =
                    calendar(unit, "America/New_York").around(Timestamp::from_millis(millis));
                assert!(end.since(start) <= unit.longest());
            }
        }
        assert_eq!(Zone::named("Mars/Olympus"), None);
    }
}
