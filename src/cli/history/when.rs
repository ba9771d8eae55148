//! Times as people write them: an instant, a date, unix seconds, or so long ago.

use crate::engine::{Span, Timestamp, Zone};

/// Smaller numbers of unix seconds (before 1973) are probably something else, such as a year.
const UNIX_SECONDS_MIN: f64 = 100_000_000.0;
/// Larger ones are milliseconds.
const UNIX_SECONDS_MAX: f64 = 100_000_000_000.0;

/// Reads a time. A bare length of time is taken off `base`.
///
/// # Errors
///
/// What is wrong with it, and what to write instead.
pub(in crate::cli) fn read(
    text: &str,
    now: Timestamp,
    base: Timestamp,
) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("now") {
        return match rest.trim_start().strip_prefix('-') {
            _ if rest.is_empty() => Ok(now),
            Some(span) => span_of(span.trim()).map(|span| now - span),
            None => Err(usage(text)),
        };
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return unix(text, seconds);
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(['-', ':', 'T']) {
        return span_of(text).map(|span| base - span);
    }
    instant(text)
}

fn span_of(text: &str) -> Result<Span, String> {
    Span::parse(text).map_err(|error| error.to_string())
}

fn unix(text: &str, seconds: f64) -> Result<Timestamp, String> {
    if (UNIX_SECONDS_MIN..UNIX_SECONDS_MAX).contains(&seconds) {
        return Ok(Timestamp::from_millis((seconds * 1000.0).round() as i64));
    }
    Err(match seconds >= UNIX_SECONDS_MAX {
        true => format!("{text} are milliseconds: write unix seconds"),
        false => format!("{text} are no unix seconds of our time; {}", usage(text)),
    })
}

fn instant(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from_millis(at.as_millisecond()));
    }
    let (civil, zone) = match text.strip_suffix(']').and_then(|rest| rest.split_once('[')) {
        Some((civil, zone)) => (civil, zone),
        None => (text, "UTC"),
    };
    let Ok(civil) = civil.parse::<jiff::civil::DateTime>() else {
        return Err(usage(text));
    };
    if Zone::named(zone).is_none() {
        return Err(format!(
            "{zone:?} is no time zone: write an IANA name such as Europe/Berlin"
        ));
    }
    let zone = jiff::tz::TimeZoneDatabase::bundled().get(zone);
    let zoned = zone.and_then(|zone| civil.to_zoned(zone));
    let zoned = zoned.map_err(|_| usage(text))?;
    Ok(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
}

fn usage(text: &str) -> String {
    format!(
        "{text:?} is no time: write 2026-03-01T09:00:00Z, 2026-03-01 (midnight UTC), \
         2026-03-01T09:00[Europe/Berlin], unix seconds, 30d or now-7d"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_780_000_000);
    const BASE: Timestamp = Timestamp::from_secs(1_770_000_000);

    fn secs(text: &str) -> i64 {
        read(text, NOW, BASE).unwrap().as_millis() / 1000
    }

    #[test]
    fn instants_dates_and_lengths_are_times() {
        for (text, expected) in [
            ("now", 1_780_000_000),
            ("now-7d", 1_780_000_000 - 7 * 86_400),
            ("now - 1h30m", 1_780_000_000 - 5_400),
            ("30d", 1_770_000_000 - 30 * 86_400),
            ("1772355600", 1_772_355_600),
            ("2026-03-01T09:00:00Z", 1_772_355_600),
            ("2026-03-01T10:00:00+01:00", 1_772_355_600),
            ("2026-03-01 09:00", 1_772_355_600),
            ("2026-03-01", 1_772_323_200),
            ("2026-03-01T10:00[Europe/Berlin]", 1_772_355_600),
            ("2026-03-01[Europe/Berlin]", 1_772_323_200 - 3600),
        ] {
            assert_eq!(secs(text), expected, "{text}");
        }
        let half = read("1772355600.5", NOW, BASE).unwrap();
        assert_eq!(half.as_millis(), 1_772_355_600_500);
    }

    #[test]
    fn the_hour_that_is_skipped_is_no_mistake() {
        assert_eq!(
            secs("2026-03-29T02:30[Europe/Berlin]"),
            secs("2026-03-29T01:30:00Z")
        );
    }

    #[test]
    fn what_is_no_time_is_told_with_a_fix() {
        for (text, part) in [
            ("yesterday", "is no time"),
            ("2026-13-01", "is no time"),
            ("2026", "no unix seconds"),
            ("1772355600000", "milliseconds"),
            ("30", "no unix seconds"),
            ("now+7d", "is no time"),
            ("now-7", "is not a duration"),
            ("7x", "is not a duration"),
            ("2026-03-01[Mars/Olympus]", "IANA"),
            ("NaN", "no unix seconds"),
            ("", "is no time"),
        ] {
            let error = read(text, NOW, BASE).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
