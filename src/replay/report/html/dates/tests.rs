//! Marks at sensible dates, in any zone, over any stretch.

use super::*;
use crate::engine::Span;

fn at(text: &str) -> Timestamp {
    let at: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_millis(at.as_millisecond())
}

fn texts(zone: &str, from: &str, span: Span) -> Vec<String> {
    let from = at(from);
    let marks = Clock::named(zone).marks(TimeScale::new(from, from + span));
    marks.into_iter().map(|mark| mark.text).collect()
}

#[test]
fn a_month_is_marked_at_midnights() {
    let marks = texts("Europe/Berlin", "2026-10-20T10:17:00Z", Span::from_days(30));
    assert_eq!(
        marks,
        [
            "22 Oct", "25 Oct", "28 Oct", "1 Nov", "4 Nov", "7 Nov", "10 Nov", "13 Nov", "16 Nov",
            "19 Nov"
        ]
    );
}

#[test]
fn marks_fit_the_stretch() {
    assert_eq!(
        texts("UTC", "2026-11-02T22:00:00Z", Span::from_hours(6)),
        [
            "22:00", "23:00", "3 Nov", "01:00", "02:00", "03:00", "04:00"
        ]
    );
    assert_eq!(
        texts("UTC", "2026-11-02T12:00:00Z", Span::from_days(2)),
        [
            "12:00", "18:00", "3 Nov", "06:00", "12:00", "18:00", "4 Nov", "06:00", "12:00"
        ]
    );
    assert_eq!(
        texts("UTC", "2026-11-04T12:00:00Z", Span::from_days(60)),
        [
            "9 Nov", "16 Nov", "23 Nov", "30 Nov", "7 Dec", "14 Dec", "21 Dec", "28 Dec"
        ]
    );
    assert_eq!(
        texts("UTC", "2025-11-04T12:00:00Z", Span::from_days(365)).len(),
        12
    );
    assert_eq!(
        texts("UTC", "2020-11-04T12:00:00Z", Span::from_days(3650)),
        [
            "2021", "2022", "2023", "2024", "2025", "2026", "2027", "2028", "2029", "2030"
        ]
    );
}

#[test]
fn the_clock_moves_and_the_marks_stay_at_its_hours() {
    // On 25 October 2026 Berlin has 25 hours, on 29 March 23.
    let long = texts(
        "Europe/Berlin",
        "2026-10-24T22:00:00Z",
        Span::from_hours(25),
    );
    assert_eq!(
        long,
        [
            "25 Oct", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00", "26 Oct"
        ]
    );
    let short = texts("Europe/Berlin", "2026-03-28T23:00:00Z", Span::from_hours(5));
    assert_eq!(short.first().map(String::as_str), Some("29 Mar"));
    let clock = Clock::named("Europe/Berlin");
    let marks = clock.marks(TimeScale::new(
        at("2026-03-28T23:00:00Z"),
        at("2026-03-29T05:00:00Z"),
    ));
    assert!(marks.is_sorted_by(|a, b| a.at < b.at), "{marks:?}");
}

#[test]
fn marks_stay_few_whatever_the_stretch() {
    for minutes in [
        0, 1, 7, 59, 61, 719, 1441, 10_000, 100_000, 1_000_000, 9_000_000,
    ] {
        let from = at("2026-02-27T23:59:59Z");
        let scale = TimeScale::new(from, from + Span::from_mins(minutes));
        for zone in [
            "UTC",
            "Asia/Kathmandu",
            "America/St_Johns",
            "Australia/Lord_Howe",
        ] {
            let marks = Clock::named(zone).marks(scale);
            assert!(marks.len() <= MARKS_MAX, "{minutes}: {marks:?}");
            assert!(minutes < 60 || marks.len() >= 3, "{minutes}: {marks:?}");
            assert!(marks.is_sorted_by(|a, b| a.at < b.at), "{marks:?}");
            assert!(
                marks.iter().all(|m| scale.from <= m.at && m.at <= scale.to),
                "{marks:?}"
            );
        }
    }
    let far = Timestamp::from_millis(i64::MAX);
    let all = TimeScale::new(Timestamp::from_millis(i64::MIN), far);
    assert!(Clock::named("UTC").marks(all).len() <= MARKS_MAX);
    assert!(!Clock::named("UTC").full(far).is_empty());
}

#[test]
fn dates_are_those_of_the_wall_clock() {
    let clock = Clock::named("Europe/Berlin");
    let night = at("2026-11-02T23:14:15Z");
    assert_eq!(clock.minute(night), "Tue 3 Nov 00:14");
    assert_eq!(clock.time(night), "00:14");
    assert_eq!(clock.day(night), "3 Nov 2026");
    assert_eq!(clock.full(night), "3 Nov 2026, 00:14");
    assert_eq!(clock.machine(night), "2026-11-03T00:14:15+01:00");
    assert_eq!(clock.weekday_and_hour(night), (1, 0));
    assert_eq!(Clock::named("Nowhere/</script>").time(night), "23:14");
}

#[test]
fn nights_are_those_of_the_zone_across_a_change_of_the_clock() {
    let clock = Clock::named("Europe/Berlin");
    let mut night = NightHours {
        zone: "Europe/Berlin".to_owned(),
        times: vec![(0, 420), (1320, 1440)],
        weekdays: vec![],
        nights: 0,
    };
    let scale = TimeScale::new(at("2026-10-24T12:00:00Z"), at("2026-10-25T12:00:00Z"));
    // 22:00 in summer time to 07:00 in winter time: ten hours.
    let expected = (at("2026-10-24T20:00:00Z"), at("2026-10-25T06:00:00Z"));
    assert_eq!(clock.nights(scale, &night), [expected]);
    night.weekdays = vec![(0, 0)];
    let sunday = (at("2026-10-24T22:00:00Z"), at("2026-10-25T06:00:00Z"));
    assert_eq!(clock.nights(scale, &night), [sunday]);
    let year = TimeScale::new(at("2026-01-01T00:00:00Z"), at("2026-12-31T00:00:00Z"));
    assert_eq!(clock.nights(year, &night), []);
    night.times.clear();
    assert_eq!(clock.nights(scale, &night), []);
}
