//! What templates can do with figures: the same words as the built-in texts use.

use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind};

use crate::engine::Span;

use super::{figures, text};

/// Longest text that `line` keeps, in characters.
const LINE_CHARS_MAX: usize = 4000;

/// Adds the filters `percent`, `burn`, `count`, `duration`, `date` and `line`.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("percent", figures::percent);
    environment.add_filter("burn", figures::burn);
    environment.add_filter("count", figures::count);
    environment.add_filter("duration", duration);
    environment.add_filter("date", date);
    environment.add_filter("line", line);
}

/// Seconds as `1h 12m`.
fn duration(seconds: f64) -> String {
    // A cast saturates: what is no number is 0.
    let millis = (seconds * 1000.0).round() as i64;
    figures::span(Span::from_millis(millis))
}

/// A time of the context as `2026-01-02 03:04:05 UTC`, or by a `strftime` format; `zone` is a name
/// of the IANA time zone database.
fn date(at: &str, format: Option<&str>, options: Kwargs) -> Result<String, Error> {
    let zone: Option<&str> = options.get("zone")?;
    options.assert_all_used()?;
    let at: jiff::Timestamp = at
        .parse()
        .map_err(|_| refusal(format!("date: {at:?} is not a time in RFC 3339")))?;
    let zone = zone.unwrap_or("UTC");
    let local = at
        .in_tz(zone)
        .map_err(|_| refusal(format!("date: there is no time zone {zone:?}")))?;
    let format = format.unwrap_or("%Y-%m-%d %H:%M:%S %Z");
    let shown = jiff::fmt::strtime::format(format, &local);
    shown.map_err(|error| refusal(format!("date: {format:?}: {error}")))
}

/// One line of at most so many characters.
fn line(value: &Value, chars_max: Option<usize>) -> String {
    let chars_max = chars_max.unwrap_or(LINE_CHARS_MAX).min(LINE_CHARS_MAX);
    text::line(&value.to_string(), chars_max)
}

fn refusal(text: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, text)
}
