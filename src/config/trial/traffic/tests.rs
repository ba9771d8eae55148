//! Traffic in words: what it counts to, and what is refused.

use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 3_600_000;

fn events(text: &str, from: i64, until: i64) -> (f64, f64) {
    let events = Traffic::parse(text).unwrap().events(from, until);
    (events.good, events.bad)
}

#[test]
fn events_are_counted_exactly() {
    let text = "100rps, 2% errors from 10m for 5m, 100% errors from 2h for 30s, \
                stops from 3h for 20m, restart at 1h";
    assert_eq!(events(text, 0, 10 * MINUTE), (60_000.0, 0.0));
    assert_eq!(events(text, 10 * MINUTE, 10 * MINUTE), (0.0, 0.0));
    assert_eq!(events(text, 10 * MINUTE, 15 * MINUTE), (29_400.0, 600.0));
    assert_eq!(
        events(text, 10 * MINUTE, 10 * MINUTE + 15_000),
        (1_470.0, 30.0)
    );
    assert_eq!(
        events(text, 2 * HOUR, 2 * HOUR + MINUTE),
        (3_000.0, 3_000.0)
    );
    assert_eq!(events(text, 3 * HOUR, 3 * HOUR + 20 * MINUTE), (0.0, 0.0));
    assert_eq!(events(text, -HOUR, 0), (360_000.0, 0.0));
    let traffic = Traffic::parse(text).unwrap();
    assert_eq!(traffic.restarted(HOUR), None);
    assert_eq!(traffic.restarted(HOUR + 1), Some(HOUR));
    assert_eq!(traffic.bad_share(2 * HOUR + 1), Some(1.0));
    assert_eq!(traffic.bad_share(3 * HOUR + 1), None);
}

#[test]
fn rates_have_units_and_later_clauses_hold() {
    assert_eq!(events("6/m", 0, HOUR), (360.0, 0.0));
    assert_eq!(events("12 /h", 0, HOUR), (12.0, 0.0));
    assert_eq!(events("12/h", 0, 299_999), (0.0, 0.0));
    assert_eq!(events("12/h", 0, 300_000), (1.0, 0.0));
    assert_eq!(events("24/d, 3 errors at 1h", 0, HOUR), (1.0, 0.0));
    assert_eq!(events("24/d, 3 errors at 1h", 0, HOUR + 1), (1.0, 3.0));
    assert_eq!(
        events("10rps, 1% errors, no errors from 1m", 0, 2 * MINUTE),
        (1194.0, 6.0)
    );
    assert_eq!(
        events("10rps, 20rps from 1m until 2m", 0, 3 * MINUTE),
        (2400.0, 0.0)
    );
    assert_eq!(
        events("10rps, 100 % slow until 1m", -MINUTE, 2 * MINUTE),
        (1200.0, 600.0)
    );
    let gone = Traffic::parse("1rps, gone from 1m for 1m").unwrap();
    assert!(!gone.is_gone(MINUTE) && gone.is_gone(MINUTE + 1) && gone.is_gone(2 * MINUTE));
    assert!(!gone.is_gone(2 * MINUTE + 1));
}

#[test]
fn mistakes_say_where_and_what_instead() {
    let wrong = |text: &str| {
        let wrong = Traffic::parse(text).unwrap_err();
        format!("{}: {}; {}", wrong.offset, wrong.what, wrong.fix)
    };
    let texts = [
        "",
        "2% errors",
        "100rps,",
        "100rps, stop from 1h",
        "100rps, 2% erors",
        "100rps, 200% errors",
        "100 requests",
        "100rbs",
        "100rps, 2% errors form 1h",
        "100rps, 2% errors from 1x",
        "100rps from 1h until 1h",
        "100rps, restart",
        "100rps, gone",
        "100rps, 1.5 errors at 1h",
        "99999999rps",
    ];
    insta::assert_snapshot!(texts.map(wrong).join("\n"), @r#"
    0: a clause is empty; write clauses such as 100rps, 2% errors from 10m for 5m, 3 errors at 1h, stops from 3h for 20m, gone from 4h for 5m, restart at 1h
    0: the traffic has no rate; begin with one such as 100rps
    7: a clause is empty; write clauses such as 100rps, 2% errors from 10m for 5m, 3 errors at 1h, stops from 3h for 20m, gone from 4h for 5m, restart at 1h
    8: "stop" begins no clause; did you mean "stops"?
    11: "erors" is not something that can be bad; write errors, bad, slow or failures
    8: 200% is more than all; write a percentage from 0% to 100%
    4: "requests" is not something that can be bad; write errors, bad, slow or failures
    0: "rbs" is not a unit of traffic; write a rate such as 100rps, 6/m or 20/h
    18: "form" stands where a stretch of time is expected; write from 10m for 5m, from 10m until 15m, or from 10m
    23: "1x" is not a length of time; write it like 30s, 5m or 1h30m
    23: the stretch ends at 1h, where it begins or before; write from 10m for 5m, from 10m until 15m, or from 10m
    15: this does not say when; add at 1h
    12: this does not say when nothing is scraped; write gone from 4h for 5m
    8: 1.5 is not a number of events; write a whole number up to 10000000
    0: 99999999rps is more than 10000000 events a second; write a smaller rate
    "#);
}

#[test]
fn a_source_is_down_at_times() {
    let both = outages("down from 1h for 10m, down from 3h").unwrap();
    assert_eq!(both.len(), 2);
    assert!(outages("up from 1h").is_err());
    assert!(outages("").is_err());
}

proptest! {
    /// Any words end in traffic or in a mistake within the text.
    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,40}") {
        if let Err(wrong) = Traffic::parse(&text) {
            prop_assert!(wrong.offset <= text.len());
        }
        if let Err(wrong) = crate::config::trial::notation::Values::parse(&text) {
            prop_assert!(wrong.offset <= text.len());
        }
    }

    /// Counters made of it never fall, and differ from the integral by less than one event.
    #[test]
    fn counters_never_fall(rate in 0.0f64..500.0, share in 0u32..=100, from in 0i64..600, length in 1i64..600) {
        let text = format!("{rate:.3}rps, {share}% errors from {from}s for {length}s");
        let traffic = Traffic::parse(&text).unwrap();
        let rate: f64 = format!("{rate:.3}").parse().unwrap();
        let mut last = Events::default();
        for second in (0..1200).step_by(7) {
            let now = traffic.events(-3_600_000, second * 1000);
            prop_assert!(now.good >= last.good && now.bad >= last.bad);
            let overlap = (second.min(from + length) - from).max(0) as f64;
            let bad = rate * overlap * f64::from(share) / 100.0;
            let good = rate * (3600 + second) as f64 - bad;
            prop_assert!((now.bad - bad).abs() < 1.0 && (now.good - good).abs() < 1.0);
            last = now;
        }
    }
}
