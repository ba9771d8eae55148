//! The shorthand of durations: a number and one unit, `m h d w M Q Y`.

use std::fmt;

use serde::Deserialize;

use crate::config::diagnostic::excerpt;
use crate::engine::Span;

/// A unit of the shorthand or of v1alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    /// Its usual length: 30, 90 and 365 days for those that vary.
    const fn span(self) -> Span {
        match self {
            Self::Second => Span::from_secs(1),
            Self::Minute => Span::from_mins(1),
            Self::Hour => Span::from_hours(1),
            Self::Day => Span::from_days(1),
            Self::Week => Span::from_days(7),
            Self::Month => Span::from_days(30),
            Self::Quarter => Span::from_days(90),
            Self::Year => Span::from_days(365),
        }
    }
}

/// So many of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Shorthand {
    pub(super) count: u32,
    pub(super) unit: Unit,
}

impl Shorthand {
    pub(super) const fn span(self) -> Span {
        self.unit.span().times(self.count as i64)
    }
}

impl TryFrom<String> for Shorthand {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let parse = || {
            let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let unit = match text.strip_prefix(digits)? {
                "m" => Unit::Minute,
                "h" => Unit::Hour,
                "d" => Unit::Day,
                "w" => Unit::Week,
                "M" => Unit::Month,
                "Q" => Unit::Quarter,
                "Y" => Unit::Year,
                _ => return None,
            };
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            let count = digits.parse().ok().filter(|_| plain)?;
            Some(Self { count, unit })
        };
        parse().ok_or_else(|| Malformed(text.clone()))
    }
}

/// A length of a slice: the shorthand, or a number of minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Minutes(pub(super) Span);

impl TryFrom<String> for Minutes {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        match text.parse::<u32>() {
            Ok(minutes) => Ok(Self(Span::from_mins(minutes.into()))),
            Err(_) => Shorthand::try_from(text).map(|shorthand| Self(shorthand.span())),
        }
    }
}

/// A text that is no shorthand.
pub(super) struct Malformed(String);

/// What is wrong in the first line and the fix in the second, as the decoder takes it.
impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?} is not a duration", excerpt(&self.0))?;
        f.write_str(
            "write a whole number and one of m (minutes), h, d, w, M (months), Q, Y, such as 28d",
        )
    }
}
