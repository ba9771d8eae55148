//! Intervals: tables of instants, and a naive calendar that counts days by itself.

use proptest::prelude::*;

use super::*;
use crate::engine::time::Span;

fn always(zone: &str) -> TimeInterval {
    TimeInterval::always(Zone::named(zone).unwrap())
}

fn at(text: &str) -> Timestamp {
    let at: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_millis(at.as_millisecond())
}

#[track_caller]
fn check(interval: &TimeInterval, inside: &[&str], outside: &[&str]) {
    for text in inside {
        assert!(interval.contains(at(text)), "{text} is inside");
    }
    for text in outside {
        assert!(!interval.contains(at(text)), "{text} is outside");
    }
}

#[test]
fn an_interval_that_says_nothing_is_always() {
    let every = always("Europe/Berlin");
    for millis in [i64::MIN, -1, 0, 1, 1_700_000_000_000, i64::MAX] {
        assert!(every.contains(Timestamp::from_millis(millis)), "{millis}");
    }
}

#[test]
fn the_end_of_a_time_is_excluded_and_a_day_ends_at_midnight() {
    let office = TimeInterval {
        times: vec![(9 * 60, 17 * 60), (23 * 60, 1440)],
        ..always("UTC")
    };
    check(
        &office,
        &[
            "2026-01-05T09:00:00Z",
            "2026-01-05T16:59:59.999Z",
            "2026-01-05T23:00:00Z",
            "2026-01-05T23:59:59.999Z",
        ],
        &[
            "2026-01-05T08:59:59.999Z",
            "2026-01-05T17:00:00Z",
            "2026-01-05T22:59:59Z",
            "2026-01-06T00:00:00Z",
        ],
    );
}

#[test]
fn all_fields_must_agree_and_one_range_of_each_is_enough() {
    // Monday to Friday and Sunday, 09:00 to 17:00, in the first week of January to March.
    let interval = TimeInterval {
        times: vec![(9 * 60, 17 * 60)],
        weekdays: vec![(1, 5), (0, 0)],
        days_of_month: vec![(1, 7)],
        months: vec![(1, 3)],
        years: vec![(2026, 2026), (2028, 2030)],
        ..always("UTC")
    };
    check(
        &interval,
        &[
            "2026-01-05T12:00:00Z", // Monday
            "2026-01-04T12:00:00Z", // Sunday
            "2026-03-06T12:00:00Z", // Friday
            "2028-02-07T12:00:00Z", // Monday
        ],
        &[
            "2026-01-03T12:00:00Z", // Saturday
            "2026-01-08T12:00:00Z", // Thursday of the second week
            "2026-04-01T12:00:00Z", // April
            "2027-01-05T12:00:00Z", // a year without
            "2026-01-05T17:00:00Z", // too late
        ],
    );
}

#[test]
fn days_of_the_month_count_from_either_end_and_clamp() {
    let days = |first, last| TimeInterval {
        days_of_month: vec![(first, last)],
        ..always("UTC")
    };
    // The last day of any month.
    check(
        &days(-1, -1),
        &[
            "2026-01-31T12:00:00Z",
            "2026-02-28T12:00:00Z",
            "2028-02-29T12:00:00Z",
        ],
        &[
            "2026-01-30T12:00:00Z",
            "2028-02-28T12:00:00Z",
            "2026-02-01T12:00:00Z",
        ],
    );
    // The last three.
    check(
        &days(-3, -1),
        &["2026-04-28T00:00:00Z", "2026-04-30T23:59:00Z"],
        &["2026-04-27T23:59:00Z", "2026-05-01T00:00:00Z"],
    );
    // A day that April does not have is not its last one instead.
    check(
        &days(31, 31),
        &["2026-05-31T12:00:00Z"],
        &["2026-04-30T12:00:00Z"],
    );
    // All of February, whichever end it is counted from.
    let whole = [
        "2026-02-01T00:00:00Z",
        "2026-02-28T23:59:00Z",
        "2028-02-29T12:00:00Z",
    ];
    check(&days(-31, -1), &whole, &[]);
    check(&days(1, 31), &whole, &[]);
    // From the 28th on, and from the end of a longer month than there is.
    check(
        &days(28, 31),
        &["2026-02-28T12:00:00Z", "2026-04-30T12:00:00Z"],
        &["2026-02-27T12:00:00Z"],
    );
    check(
        &days(-31, -28),
        &[
            "2026-02-01T12:00:00Z",
            "2026-04-03T12:00:00Z",
            "2026-01-04T12:00:00Z",
        ],
        &[
            "2026-02-02T12:00:00Z",
            "2026-04-04T12:00:00Z",
            "2026-01-05T12:00:00Z",
        ],
    );
    check(
        &days(5, -5),
        &["2026-02-05T12:00:00Z", "2026-02-24T12:00:00Z"],
        &["2026-02-04T12:00:00Z", "2026-02-25T12:00:00Z"],
    );
}

#[test]
fn years_end_in_their_own_zone() {
    let year = TimeInterval {
        years: vec![(2027, 2027)],
        ..always("Asia/Tokyo")
    };
    check(
        &year,
        &["2026-12-31T15:00:00Z", "2027-12-31T14:59:59Z"],
        &["2026-12-31T14:59:59Z", "2027-12-31T15:00:00Z"],
    );
    let eve = TimeInterval {
        days_of_month: vec![(31, 31)],
        months: vec![(12, 12)],
        times: vec![(23 * 60, 1440)],
        ..always("Asia/Tokyo")
    };
    check(&eve, &["2026-12-31T14:30:00Z"], &["2026-12-31T23:30:00Z"]);
}

fn times(zone: &str, start: u16, end: u16) -> TimeInterval {
    TimeInterval {
        times: vec![(start, end)],
        ..always(zone)
    }
}

#[test]
fn the_hour_that_a_clock_skips_never_comes() {
    // Berlin, 29 March 2026: at 01:00 UTC the clock goes from 02:00 to 03:00.
    let skipped = times("Europe/Berlin", 120, 180);
    check(
        &skipped,
        &["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"],
        &[
            "2026-03-29T00:59:59Z",
            "2026-03-29T01:00:00Z",
            "2026-03-29T01:30:00Z",
        ],
    );
    let across = times("Europe/Berlin", 90, 210);
    check(
        &across,
        &["2026-03-29T00:30:00Z", "2026-03-29T01:29:59Z"],
        &["2026-03-29T00:29:59Z", "2026-03-29T01:30:00Z"],
    );
    // New York, 8 March 2026: at 07:00 UTC the clock goes from 02:00 to 03:00.
    check(
        &times("America/New_York", 120, 180),
        &["2026-03-07T07:00:00Z", "2026-03-09T06:00:00Z"],
        &["2026-03-08T06:59:59Z", "2026-03-08T07:00:00Z"],
    );
}

#[test]
fn the_hour_that_a_clock_repeats_is_inside_twice() {
    // Berlin, 25 October 2026: at 01:00 UTC the clock goes from 03:00 to 02:00.
    check(
        &times("Europe/Berlin", 120, 180),
        &[
            "2026-10-25T00:00:00Z",
            "2026-10-25T00:59:59Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T01:59:59Z",
        ],
        &["2026-10-24T23:59:59Z", "2026-10-25T02:00:00Z"],
    );
    // New York, 1 November 2026: at 06:00 UTC the clock goes from 02:00 to 01:00.
    check(
        &times("America/New_York", 60, 90),
        &["2026-11-01T05:00:00Z", "2026-11-01T06:29:59Z"],
        &[
            "2026-11-01T05:30:00Z",
            "2026-11-01T06:30:00Z",
            "2026-11-01T04:59:59Z",
        ],
    );
}

#[test]
fn a_clock_may_move_by_half_an_hour_or_a_day() {
    // Lord Howe, 5 April 2026: at 15:00 UTC of the 4th the clock goes from 02:00 to 01:30.
    check(
        &times("Australia/Lord_Howe", 90, 120),
        &[
            "2026-04-04T14:30:00Z",
            "2026-04-04T15:00:00Z",
            "2026-04-04T15:29:59Z",
        ],
        &["2026-04-04T14:29:59Z", "2026-04-04T15:30:00Z"],
    );
    // 4 October 2026: at 15:30 UTC of the 3rd it goes from 02:00 to 02:30.
    check(
        &times("Australia/Lord_Howe", 120, 150),
        &["2026-10-02T15:30:00Z"],
        &[
            "2026-10-03T15:29:59Z",
            "2026-10-03T15:30:00Z",
            "2026-10-03T15:59:59Z",
        ],
    );
    // Samoa had no 30 December 2011: the 31st began at 10:00 UTC of the 30th.
    let day = |day| TimeInterval {
        days_of_month: vec![(day, day)],
        months: vec![(12, 12)],
        years: vec![(2011, 2011)],
        ..always("Pacific/Apia")
    };
    check(
        &day(29),
        &["2011-12-30T09:59:59Z"],
        &["2011-12-30T10:00:00Z"],
    );
    check(
        &day(31),
        &["2011-12-30T10:00:00Z"],
        &["2011-12-30T09:59:59Z"],
    );
    let mut hours = (0..24 * 60).map(|hour| at("2011-12-01T00:00:00Z") + Span::from_hours(hour));
    assert!(!hours.any(|at| day(30).contains(at)));
}

/// A calendar that knows years, months and days by counting them one by one.
struct Naive {
    year: i32,
    month: u8,
    day: u8,
    days: u8,
    weekday: u8,
    minute: u16,
}

fn days_in(year: i32, month: u8) -> u8 {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// What the wall clock shows, from the zone's offset and 1 January 1970, a Thursday.
fn naive(zone: &jiff::tz::TimeZone, at: Timestamp) -> Naive {
    let instant = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap();
    let local = at.as_millis().div_euclid(1000) + i64::from(zone.to_offset(instant).seconds());
    let (mut left, minute) = (local.div_euclid(86_400), local.rem_euclid(86_400) / 60);
    let weekday = (left + 4).rem_euclid(7);
    let (mut year, mut month) = (1970, 1);
    while left >= i64::from(days_in(year, month)) {
        left -= i64::from(days_in(year, month));
        (year, month) = if month == 12 {
            (year + 1, 1)
        } else {
            (year, month + 1)
        };
    }
    Naive {
        year,
        month,
        day: left as u8 + 1,
        days: days_in(year, month),
        weekday: weekday as u8,
        minute: minute as u16,
    }
}

/// The days that a range names, one by one.
fn named_days(days: u8, (first, last): (i8, i8)) -> Vec<u8> {
    let counted = |day: u8| i32::from(day);
    let from_end = |at: i8| {
        if at < 0 {
            i32::from(days) + 1 + i32::from(at)
        } else {
            i32::from(at)
        }
    };
    (1..=days)
        .filter(|day| from_end(first) <= counted(*day))
        .filter(|day| from_end(last) >= counted(*day))
        .collect()
}

fn oracle(interval: &TimeInterval, zone: &jiff::tz::TimeZone, at: Timestamp) -> bool {
    let now = naive(zone, at);
    let mut agrees = true;
    if !interval.times.is_empty() {
        let mut minutes = interval.times.iter().flat_map(|(start, end)| *start..*end);
        agrees &= minutes.any(|minute| minute == now.minute);
    }
    if !interval.weekdays.is_empty() {
        let mut days = interval
            .weekdays
            .iter()
            .flat_map(|(first, last)| *first..=*last);
        agrees &= days.any(|day| day == now.weekday);
    }
    if !interval.days_of_month.is_empty() {
        let ranges = interval.days_of_month.iter();
        let mut days = ranges.flat_map(|range| named_days(now.days, *range));
        agrees &= days.any(|day| day == now.day);
    }
    if !interval.months.is_empty() {
        let mut months = interval
            .months
            .iter()
            .flat_map(|(first, last)| *first..=*last);
        agrees &= months.any(|month| month == now.month);
    }
    if !interval.years.is_empty() {
        let mut years = interval
            .years
            .iter()
            .flat_map(|(first, last)| *first..=*last);
        agrees &= years.any(|year| i32::from(year) == now.year);
    }
    agrees
}

fn range<T: Copy + Ord + std::fmt::Debug>(
    values: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = (T, T)> {
    (values.clone(), values).prop_map(|(a, b)| (a.min(b), a.max(b)))
}

fn day_range() -> impl Strategy<Value = (i8, i8)> {
    let day = prop_oneof![1_i8..=31, -31_i8..=-1];
    (day.clone(), day)
}

/// Any interval in a few zones with clocks that move in their own ways.
pub(in crate::engine) fn intervals() -> impl Strategy<Value = TimeInterval> {
    let zones = prop::sample::select(vec![
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "America/St_Johns",
    ]);
    (
        prop::collection::vec(range(0_u16..=1440), 0..3),
        prop::collection::vec(range(0_u8..=6), 0..3),
        prop::collection::vec(day_range(), 0..3),
        prop::collection::vec(range(1_u8..=12), 0..2),
        prop::collection::vec(range(2005_i16..=2030), 0..2),
        zones,
    )
        .prop_map(
            |(times, weekdays, days_of_month, months, years, zone)| TimeInterval {
                times,
                weekdays,
                days_of_month,
                months,
                years,
                ..always(zone)
            },
        )
}

/// Starts of days around which clocks move, months or years end, or nothing happens.
pub(in crate::engine) fn begins() -> impl Strategy<Value = Timestamp> {
    let special = prop::sample::select(vec![
        "2026-03-28T20:00:00Z",
        "2026-10-24T20:00:00Z",
        "2026-03-08T00:00:00Z",
        "2026-11-01T00:00:00Z",
        "2026-04-04T06:00:00Z",
        "2026-10-03T06:00:00Z",
        "2011-12-29T20:00:00Z",
        "2028-02-28T12:00:00Z",
        "2026-12-31T04:00:00Z",
    ]);
    let any = (1_104_537_600_i64..1_924_992_000).prop_map(Timestamp::from_secs);
    prop_oneof![special.prop_map(at), any]
}

/// In minutes.
const DAY_AND_A_HALF: i64 = 36 * 60;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Minute by minute through a day and a half, as by counting days.
    #[test]
    fn intervals_contain_what_a_naive_calendar_says(interval in intervals(), begin in begins()) {
        let zone = jiff::tz::TimeZoneDatabase::bundled();
        let zone = zone.get(interval.zone.name()).unwrap();
        for minute in 0..DAY_AND_A_HALF {
            let at = begin + Span::from_mins(minute);
            prop_assert_eq!(interval.contains(at), oracle(&interval, &zone, at), "{:?}", at);
        }
    }

    #[test]
    fn no_instant_is_too_far(interval in intervals(), millis: i64) {
        let _ = interval.contains(Timestamp::from_millis(millis));
    }
}
