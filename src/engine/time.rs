//! Instants and lengths of time, in whole milliseconds, without a clock.
//!
//! Owns [`Timestamp`] (a point on the Unix time line) and [`Span`] (a non-negative length), their
//! arithmetic, slot alignment and the Prometheus duration notation (`5m`, `1h30m`, `30d`).
//! Arithmetic saturates: hostile input may produce a far date, never a panic or a wrap.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since the Unix epoch, UTC.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// A non-negative length of time in milliseconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Span(i64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);

    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From whole seconds since the Unix epoch.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Seconds since the Unix epoch, as Prometheus writes them.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// Time since `earlier`; zero when `earlier` lies ahead.
    pub fn since(self, earlier: Self) -> Span {
        Span::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The newest multiple of `interval` that is not after `self`.
    ///
    /// Slots are aligned to the epoch, so they do not move when the process restarts.
    pub fn align_down(self, interval: Span) -> Self {
        match interval.0 {
            0 => self,
            step => Self(self.0.saturating_sub(self.0.rem_euclid(step))),
        }
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;

    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Self;

    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From milliseconds; negative lengths become zero.
    pub const fn from_millis(millis: i64) -> Self {
        Self(if millis < 0 { 0 } else { millis })
    }

    /// From whole seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self::from_millis(secs.saturating_mul(1000))
    }

    /// From whole minutes.
    pub const fn from_mins(mins: i64) -> Self {
        Self::from_secs(mins.saturating_mul(60))
    }

    /// From whole hours.
    pub const fn from_hours(hours: i64) -> Self {
        Self::from_mins(hours.saturating_mul(60))
    }

    /// From whole days of 24 hours.
    pub const fn from_days(days: i64) -> Self {
        Self::from_hours(days.saturating_mul(24))
    }

    /// Milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// As the standard library's duration, for deadlines outside the engine.
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.unsigned_abs())
    }

    /// Whether this is the empty length.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `self` repeated `times` times, saturating.
    pub const fn times(self, times: i64) -> Self {
        Self::from_millis(self.0.saturating_mul(times))
    }

    /// `self` scaled by a non-negative factor; a factor that is not finite gives the longest span.
    pub fn scale(self, factor: f64) -> Self {
        let scaled = self.0 as f64 * factor;
        if scaled.is_finite() {
            Self::from_millis(scaled as i64)
        } else {
            Self(i64::MAX)
        }
    }

    /// `self / other` as a ratio; zero when `other` is empty.
    pub fn ratio(self, other: Self) -> f64 {
        if other.0 == 0 {
            0.0
        } else {
            self.0 as f64 / other.0 as f64
        }
    }

    /// As people read it, in its two largest units, rounded down: `3d 4h`, `6m 30s`. Exact is
    /// [`Display`](fmt::Display).
    pub fn brief(self) -> String {
        const UNITS: [(&str, i64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
        let mut rest = self.0 / 1000;
        let largest = UNITS.iter().position(|(_, secs)| rest >= *secs);
        let mut words = Vec::new();
        for (unit, secs) in UNITS.iter().skip(largest.unwrap_or(UNITS.len())).take(2) {
            if rest >= *secs {
                words.push(format!("{}{unit}", rest / secs));
            }
            rest %= secs;
        }
        match words.is_empty() {
            true => "0s".to_owned(),
            false => words.join(" "),
        }
    }

    /// Reads the Prometheus duration notation: integers with units `ms s m h d w y`, largest
    /// first, each at most once (`1h30m`, `30d`, `1w`). `0` alone is allowed.
    ///
    /// # Errors
    ///
    /// Says what was expected, in lower case, without naming the place.
    pub fn parse(text: &str) -> Result<Self, SpanError> {
        const UNITS: [(&str, i64); 7] = [
            ("y", 365 * 86_400_000),
            ("w", 7 * 86_400_000),
            ("d", 86_400_000),
            ("h", 3_600_000),
            ("m", 60_000),
            ("s", 1_000),
            ("ms", 1),
        ];
        let error = || SpanError {
            text: text.chars().take(40).collect(),
        };
        if text == "0" {
            return Ok(Self::ZERO);
        }
        let mut rest = text;
        let mut total: i64 = 0;
        let mut next_unit = 0;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = rest.split_at_checked(digits).ok_or_else(error)?;
            let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, after) = after.split_at_checked(letters).ok_or_else(error)?;
            let at = UNITS
                .iter()
                .position(|(name, _)| *name == unit)
                .ok_or_else(error)?;
            if at < next_unit {
                return Err(error());
            }
            next_unit = at + 1;
            let number: i64 = number.parse().map_err(|_| error())?;
            let part = number.checked_mul(UNITS[at].1).ok_or_else(error)?;
            total = total.checked_add(part).ok_or_else(error)?;
            rest = after;
        }
        if text.is_empty() {
            Err(error())
        } else {
            Ok(Self(total))
        }
    }
}

impl Add for Span {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::from_millis(self.0.saturating_sub(other.0))
    }
}

/// The Prometheus notation, exact and as short as it gets: `1h30m`, `3d`, `0s`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, i64); 5] = [
            ("d", 86_400_000),
            ("h", 3_600_000),
            ("m", 60_000),
            ("s", 1_000),
            ("ms", 1),
        ];
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, millis) in UNITS {
            let count = rest / millis;
            rest %= millis;
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

/// A text that is not a duration in the Prometheus notation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a duration such as 30s, 5m, 1h30m or 30d")]
pub struct SpanError {
    /// The start of the text that was refused.
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notation_round_trips() {
        for (text, millis) in [
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("30d", 30 * 86_400_000),
            ("250ms", 250),
            ("1d12h", 36 * 3_600_000),
        ] {
            let span = Span::parse(text).unwrap();
            assert_eq!(span.as_millis(), millis);
            assert_eq!(span.to_string(), text);
        }
        assert_eq!(Span::parse("4w").unwrap(), Span::from_days(28));
        assert_eq!(Span::parse("0").unwrap(), Span::ZERO);
    }

    #[test]
    fn wrong_notation_is_refused() {
        for text in [
            "",
            "5",
            "m",
            "5x",
            "5m5m",
            "5m1h",
            "-5m",
            "1.5h",
            "99999999999999999999d",
            "5 m",
        ] {
            assert!(Span::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn slots_are_aligned_to_the_epoch() {
        let interval = Span::from_secs(30);
        assert_eq!(
            Timestamp::from_millis(61_999).align_down(interval),
            Timestamp::from_secs(60)
        );
        assert_eq!(
            Timestamp::from_millis(-1).align_down(interval),
            Timestamp::from_secs(-30)
        );
    }

    #[test]
    fn arithmetic_saturates() {
        let far = Timestamp::from_millis(i64::MAX) + Span::from_days(1);
        assert_eq!(far.as_millis(), i64::MAX);
        assert_eq!(
            Timestamp::from_secs(5).since(Timestamp::from_secs(9)),
            Span::ZERO
        );
    }
}
