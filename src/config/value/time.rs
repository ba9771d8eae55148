//! The grammars of recurring times, as Alertmanager's `time_intervals` have them, and of instants.
//!
//! Wider than Alertmanager's in one thing: ranges of weekdays and months may go over the end of
//! the week and of the year, `saturday:sunday` and `november:february`.

use serde::Deserialize;

use super::{Malformed, malformed};
use crate::engine::Timestamp;
use crate::engine::interval::WEEKDAYS;

/// A time of the day in minutes since midnight: `09:00`, up to `24:00`.
#[derive(Clone, Copy, PartialEq, PartialOrd, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::config) struct TimeOfDay(pub(in crate::config) u16);

impl TryFrom<String> for TimeOfDay {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let minutes = || {
            let (hours, minutes) = text.split_once(':')?;
            let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
            if !digits(hours) || !digits(minutes) {
                return None;
            }
            let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
            let all = hours * 60 + minutes;
            (minutes < 60 && all <= 24 * 60).then_some(Self(all))
        };
        let fix = "write hours and minutes from 00:00 to 24:00, such as 09:30";
        minutes().ok_or_else(|| malformed(&text, "a time of the day", fix))
    }
}

/// First and last day of the week, 0 is Sunday; over the end of the week when first is later.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::config) struct WeekdayRange(pub(in crate::config) u8, pub(in crate::config) u8);

impl TryFrom<String> for WeekdayRange {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let fix = "write a day such as sunday, or a range such as monday:friday";
        range(&text, |word| place(word, &WEEKDAYS))
            .map(|(first, last)| Self(first, last))
            .ok_or_else(|| malformed(&text, "a range of weekdays", fix))
    }
}

/// First and last day of the month; negative from its end, -1 is the last.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::config) struct DayOfMonthRange(pub(in crate::config) i8, pub(in crate::config) i8);

impl TryFrom<String> for DayOfMonthRange {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let day = |word: &str| {
            let day: i8 = word.parse().ok()?;
            (day != 0 && (-31..=31).contains(&day)).then_some(day)
        };
        // Of the longest month; shorter ones are clamped when an instant is looked at.
        let from_start = |day: i8| if day < 0 { 32 + day } else { day };
        let fix =
            "write a day from 1 to 31 or from -31 to -1, or a rising range such as 1:5 or -3:-1";
        range(&text, day)
            .filter(|(first, last)| from_start(*first) <= from_start(*last))
            .filter(|(first, last)| *first > 0 || *last < 0)
            .map(|(first, last)| Self(first, last))
            .ok_or_else(|| malformed(&text, "a range of days of the month", fix))
    }
}

/// First and last month, 1 is January; over the end of the year when first is later.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::config) struct MonthRange(pub(in crate::config) u8, pub(in crate::config) u8);

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

impl TryFrom<String> for MonthRange {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let month = |word: &str| {
            let named = place(word, &MONTHS).map(|at| at + 1);
            let number = || word.parse().ok().filter(|number| (1..=12).contains(number));
            named.or_else(number)
        };
        let fix = "write a month such as january or 1, or a range such as january:march or 1:3";
        range(&text, month)
            .map(|(first, last)| Self(first, last))
            .ok_or_else(|| malformed(&text, "a range of months", fix))
    }
}

/// First and last year.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::config) struct YearRange(pub(in crate::config) i16, pub(in crate::config) i16);

impl TryFrom<String> for YearRange {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let year = |word: &str| {
            let year: i16 = word.parse().ok()?;
            (1970..=9999).contains(&year).then_some(year)
        };
        let fix = "write a year such as 2026, or a rising range such as 2026:2028";
        range(&text, year)
            .filter(|(first, last)| first <= last)
            .map(|(first, last)| Self(first, last))
            .ok_or_else(|| malformed(&text, "a range of years", fix))
    }
}

/// `first:last`, or one for both.
fn range<T: Copy>(text: &str, one: impl Fn(&str) -> Option<T>) -> Option<(T, T)> {
    match text.split_once(':') {
        Some((first, last)) => Some((one(first.trim())?, one(last.trim())?)),
        None => one(text.trim()).map(|both| (both, both)),
    }
}

fn place(word: &str, words: &[&str]) -> Option<u8> {
    let at = words
        .iter()
        .position(|known| known.eq_ignore_ascii_case(word))?;
    u8::try_from(at).ok()
}

/// An instant: `2026-11-21T22:00:00Z`, or with another offset from UTC.
#[derive(Clone, Copy, PartialEq, PartialOrd, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::config) struct Instant(pub(in crate::config) Timestamp);

impl TryFrom<String> for Instant {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let fix =
            "write it with its offset, such as 2026-11-21T22:00:00Z or 2026-11-21T23:00:00+01:00";
        let instant: Option<jiff::Timestamp> = text.parse().ok();
        instant
            .map(|instant| Self(Timestamp::from_millis(instant.as_millisecond())))
            .ok_or_else(|| malformed(&text, "an instant", fix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: TryFrom<String>>(text: &str) -> Option<T> {
        T::try_from(text.to_owned()).ok()
    }

    #[test]
    fn times_of_the_day_end_at_midnight() {
        let minutes = |text: &str| read::<TimeOfDay>(text).map(|time| time.0);
        assert_eq!(minutes("00:00"), Some(0));
        assert_eq!(minutes("09:30"), Some(570));
        assert_eq!(minutes("24:00"), Some(1440));
        for wrong in [
            "",
            "9:30",
            "24:01",
            "25:00",
            "12:60",
            "12",
            "-1:00",
            "+1:00",
            "12:00:00",
            "٠٩:٠٠",
        ] {
            assert_eq!(minutes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn ranges_are_one_or_two_words() {
        let weekdays = |text: &str| read::<WeekdayRange>(text).map(|r| (r.0, r.1));
        assert_eq!(weekdays("monday:friday"), Some((1, 5)));
        assert_eq!(weekdays("Sunday"), Some((0, 0)));
        assert_eq!(weekdays("saturday:sunday"), Some((6, 0)));
        let months = |text: &str| read::<MonthRange>(text).map(|r| (r.0, r.1));
        assert_eq!(months("january:march"), Some((1, 3)));
        assert_eq!(months("12"), Some((12, 12)));
        assert_eq!(months("november:2"), Some((11, 2)));
        let years = |text: &str| read::<YearRange>(text).map(|r| (r.0, r.1));
        assert_eq!(years("2026"), Some((2026, 2026)));
        assert_eq!(years("2026:2028"), Some((2026, 2028)));
        let days = |text: &str| read::<DayOfMonthRange>(text).map(|r| (r.0, r.1));
        assert_eq!(days("1:5"), Some((1, 5)));
        assert_eq!(days("-3:-1"), Some((-3, -1)));
        assert_eq!(days("28:-1"), Some((28, -1)));
        for wrong in ["", ":", "mon:fri", "monday:", "monday:friday:sunday", "1"] {
            assert_eq!(weekdays(wrong), None, "{wrong}");
        }
        for wrong in ["0", "13", "jan", "", "1:", "256"] {
            assert_eq!(months(wrong), None, "{wrong}");
        }
        for wrong in ["0", "32", "-32", "5:1", "-1:-3", "-5:5", "-1:1", "", "999"] {
            assert_eq!(days(wrong), None, "{wrong}");
        }
        for wrong in ["2028:2026", "26", "1969", "10000", "", "99999"] {
            assert_eq!(years(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn instants_say_their_offset() {
        let millis = |text: &str| read::<Instant>(text).map(|at| at.0.as_millis());
        assert_eq!(millis("2026-11-21T22:00:00Z"), Some(1_795_298_400_000));
        assert_eq!(millis("2026-11-21T23:00:00+01:00"), Some(1_795_298_400_000));
        for wrong in [
            "",
            "2026-11-21",
            "2026-11-21T22:00:00",
            "now",
            "2026-02-30T00:00:00Z",
        ] {
            assert_eq!(millis(wrong), None, "{wrong}");
        }
    }
}
