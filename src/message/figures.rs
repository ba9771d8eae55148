//! Figures as people read them at night: `14.4x`, `0.12%`, `1,284`, `3d 4h`, dates in UTC.
//!
//! Total: a value that is not a number reads `unknown`, one without end `infinite`.

use std::time::{Duration, SystemTime};

use crate::engine::{Span, Timestamp};

/// A burn rate: `32.15x`.
pub fn burn(rate: f64) -> String {
    number(rate, if rate.abs() < 100.0 { 2 } else { 0 }, "x")
}

/// A ratio (0..1) in percent: `4.46%`.
pub fn percent(ratio: f64) -> String {
    let value = ratio * 100.0;
    let decimals = match value.abs() {
        tiny if tiny < 0.01 => 4,
        usual if usual < 100.0 => 2,
        _ => 0,
    };
    number(value, decimals, "%")
}

/// A number of events: `1,284`; small estimates keep one decimal.
pub fn count(events: f64) -> String {
    number(events, usize::from(events.abs() < 10.0), "")
}

/// A length of time in its two largest units, rounded down: `3d 4h`, `6m 30s`.
pub fn span(span: Span) -> String {
    span.brief()
}

/// RFC 3339 in UTC with whole seconds: `2026-01-02T03:04:05Z`.
pub fn rfc3339(at: Timestamp) -> String {
    /// 9999-12-31T23:59:59Z, the last second that RFC 3339 can write.
    const SECS_MAX: u64 = 253_402_300_799;
    let secs = u64::try_from(at.as_millis() / 1000).unwrap_or(0);
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(secs.min(SECS_MAX));
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Date and time for people: `2026-01-02 03:04:05 UTC`.
pub fn date(at: Timestamp) -> String {
    rfc3339(at).replace('T', " ").replace('Z', " UTC")
}

fn number(value: f64, decimals: usize, unit: &str) -> String {
    const PLAIN_MAX: f64 = 1e15;
    if value.is_nan() {
        return "unknown".to_owned();
    }
    if value.is_infinite() {
        return "infinite".to_owned();
    }
    if value.abs() >= PLAIN_MAX {
        return format!("{value:.1e}{unit}");
    }
    let digits = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let zero = whole == "0" && fraction.is_empty();
    let sign = if value < 0.0 && !zero { "-" } else { "" };
    format!("{sign}{}{point}{fraction}{unit}", grouped(whole))
}

/// Commas between groups of three digits.
fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        let burns = [
            14.4,
            6.0,
            32.149,
            0.933_333,
            1234.56,
            f64::NAN,
            f64::INFINITY,
            1e300,
        ];
        let burns: Vec<String> = burns.into_iter().map(burn).collect();
        let expected = [
            "14.4x", "6x", "32.15x", "0.93x", "1,235x", "unknown", "infinite", "1.0e300x",
        ];
        assert_eq!(burns, expected);
        let ratios = [0.0012, 0.5, 1.0, 0.000_012, -0.234, -0.000_000_1, 12.5];
        let ratios: Vec<String> = ratios.into_iter().map(percent).collect();
        assert_eq!(
            ratios,
            ["0.12%", "50%", "100%", "0.0012%", "-23.4%", "0%", "1,250%"]
        );
        let counts: Vec<String> = [0.0, 3.25, 1284.4, 1e6].into_iter().map(count).collect();
        assert_eq!(counts, ["0", "3.2", "1,284", "1,000,000"]);
    }

    #[test]
    fn spans_keep_two_units() {
        for (secs, text) in [
            (0, "0s"),
            (45, "45s"),
            (390, "6m 30s"),
            (3_600, "1h"),
            (3_630, "1h"),
            (3 * 86_400 + 4 * 3_600 + 59, "3d 4h"),
            (86_400 + 59, "1d"),
        ] {
            assert_eq!(span(Span::from_secs(secs)), text);
        }
        assert_eq!(span(Span::from_millis(i64::MAX)), "106751991167d 7h");
    }

    #[test]
    fn dates_never_fail() {
        assert_eq!(
            date(Timestamp::from_secs(1_767_323_045)),
            "2026-01-02 03:04:05 UTC"
        );
        assert_eq!(
            rfc3339(Timestamp::from_millis(i64::MAX)),
            "9999-12-31T23:59:59Z"
        );
        assert_eq!(
            rfc3339(Timestamp::from_millis(i64::MIN)),
            "1970-01-01T00:00:00Z"
        );
    }
}
