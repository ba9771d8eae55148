//! The small grammars inside scalars: durations, fractions, sizes, names, URLs.
//!
//! Each type can only be had by parsing, so a value that exists is well formed. An error says in
//! its first line what is wrong and in its second how to write it; see [`super::decode`].

use std::fmt;

use serde::Deserialize;

use crate::engine::{Span, Zone};

use super::diagnostic::excerpt;

mod time;

pub(super) use time::{DayOfMonthRange, Instant, MonthRange, TimeOfDay, WeekdayRange, YearRange};

/// A text that does not follow its grammar.
pub(super) struct Malformed {
    what: String,
    fix: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.what, self.fix)
    }
}

impl Malformed {
    /// What is wrong, and how to write it.
    pub(super) fn parts(&self) -> (&str, &'static str) {
        (&self.what, self.fix)
    }
}

fn malformed(text: &str, what: &str, fix: &'static str) -> Malformed {
    let what = format!("{:?} is not {what}", excerpt(text));
    Malformed { what, fix }
}

/// A length of time in the notation of Prometheus: `30s`, `5m`, `1h30m`, `30d`.
#[derive(Clone, Copy, PartialEq, PartialOrd, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Duration(pub(super) Span);

impl TryFrom<String> for Duration {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let fix = "write it like 30s, 5m, 1h30m or 30d";
        Span::parse(&text)
            .map(Self)
            .map_err(|_| malformed(&text, "a duration", fix))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A duration, or `never`.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct DurationOrNever(pub(super) Option<Span>);

impl TryFrom<String> for DurationOrNever {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        if text == "never" {
            return Ok(Self(None));
        }
        let fix = "write it like 12h or 3d, or write never";
        let span = Span::parse(&text).map_err(|_| malformed(&text, "a duration", fix))?;
        Ok(Self(Some(span)))
    }
}

/// A part of a whole, 0 to 1: `2%` or `0.02`.
#[derive(Clone, Copy, PartialEq, PartialOrd, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Fraction(pub(super) f64);

impl TryFrom<String> for Fraction {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let fix = "write a percentage such as 2% or a fraction such as 0.02";
        let (digits, scale) = match text.strip_suffix('%') {
            Some(percent) => (percent.trim_end(), 100.0),
            None => (text.as_str(), 1.0),
        };
        let number: Option<f64> = digits.parse().ok();
        match number.map(|number| number / scale) {
            Some(fraction) if (0.0..=1.0).contains(&fraction) => Ok(Self(fraction)),
            _ => Err(malformed(&text, "a fraction between 0 and 1", fix)),
        }
    }
}

/// A size in bytes: `4096`, `64KiB`, `256MiB`, `1GiB`.
#[derive(Clone, Copy, PartialEq, PartialOrd, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Size(pub(super) u64);

impl Size {
    const UNITS: [(&'static str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
}

impl TryFrom<String> for Size {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let with_unit = |(name, unit)| Some((text.strip_suffix(name)?, unit));
        let (digits, unit) = Self::UNITS
            .into_iter()
            .find_map(with_unit)
            .unwrap_or((&text, 1));
        let count: Option<u64> = digits.trim_end().parse().ok();
        count
            .and_then(|count| count.checked_mul(unit))
            .map(Self)
            .ok_or_else(|| malformed(&text, "a size", "write it like 4096, 64KiB or 256MiB"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = Self::UNITS
            .into_iter()
            .find(|(_, unit)| self.0.is_multiple_of(*unit));
        match unit {
            Some((name, unit)) if self.0 > 0 => write!(f, "{}{name}", self.0 / unit),
            _ => write!(f, "{}", self.0),
        }
    }
}

/// A name of a service, SLO, policy or receiver.
///
/// The grammar keeps slashes and spaces out of identities and fits Kubernetes' label values.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Name(pub(super) String);

impl TryFrom<String> for Name {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        const CHARS_MAX: usize = 63;
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let starts_well = text
            .as_bytes()
            .first()
            .is_some_and(u8::is_ascii_alphanumeric);
        if starts_well && text.len() <= CHARS_MAX && text.bytes().all(inner) {
            return Ok(Self(text));
        }
        let fix = "use up to 63 letters, digits, _, . and -, beginning with a letter or digit";
        Err(malformed(&text, "a name", fix))
    }
}

/// Another SLO: `service/name`, or `name` within the same service.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct SloRef {
    pub(super) service: Option<Name>,
    pub(super) name: Name,
}

impl TryFrom<String> for SloRef {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let parts: Vec<Option<Name>> = text
            .split('/')
            .map(|part| Name::try_from(part.to_owned()).ok())
            .collect();
        let (service, name) = match parts.as_slice() {
            [Some(name)] => (None, name.clone()),
            [Some(service), Some(name)] => (Some(service.clone()), name.clone()),
            _ => {
                let fix = "write service/name, or only the name of an SLO of the same service";
                return Err(malformed(&text, "the name of an SLO", fix));
            }
        };
        Ok(Self { service, name })
    }
}

/// `shop/checkout` or `checkout`
impl fmt::Display for SloRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Name(service)) = &self.service {
            write!(f, "{service}/")?;
        }
        f.write_str(&self.name.0)
    }
}

/// A time zone by its IANA name, `Europe/Berlin`.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct ZoneName(pub(super) Zone);

impl TryFrom<String> for ZoneName {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let fix = "write an IANA name such as Europe/Berlin or UTC";
        Zone::named(&text)
            .map(Self)
            .ok_or_else(|| malformed(&text, "a time zone", fix))
    }
}

/// A day, `2026-11-21`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Day(pub(super) jiff::civil::Date);

impl TryFrom<String> for Day {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let fix = "write it as year-month-day, such as 2026-11-21";
        let plain = text.len() == "2026-11-21".len();
        let day = text.parse().ok().filter(|_| plain);
        day.map(Self).ok_or_else(|| malformed(&text, "a day", fix))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a Prometheus label.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct LabelName(pub(super) String);

impl TryFrom<String> for LabelName {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let starts_well = text
            .bytes()
            .next()
            .is_some_and(|byte| !byte.is_ascii_digit());
        if starts_well && text.bytes().all(inner) {
            return Ok(Self(text));
        }
        let fix = "use letters, digits and _, not beginning with a digit";
        Err(malformed(&text, "a label name", fix))
    }
}

/// An `http` or `https` URL without credentials in it. Never quoted in a message.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct WebUrl(pub(super) String);

impl TryFrom<String> for WebUrl {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let refused = |what: &str, fix| Malformed {
            what: what.to_owned(),
            fix,
        };
        let fix = "write a whole URL that begins with http:// or https://";
        let url = reqwest::Url::parse(&text).map_err(|_| refused("this is not a URL", fix))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(refused("this is not an http or https URL", fix));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let fix = "remove the part before the @; credentials have keys of their own";
            return Err(refused("this URL holds credentials", fix));
        }
        Ok(Self(text))
    }
}

/// Where changes are shown: nowhere, where the service takes them, or elsewhere.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum ChangeEvents {
    No,
    Yes,
    At(WebUrl),
}

impl TryFrom<String> for ChangeEvents {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        match text.as_str() {
            "false" => Ok(Self::No),
            "true" => Ok(Self::Yes),
            _ => WebUrl::try_from(text).map(Self::At).map_err(|_| Malformed {
                what: "this is neither true nor false nor a URL".to_owned(),
                fix: "write true, false, or a whole URL that begins with https://",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fraction(text: &str) -> Option<f64> {
        Fraction::try_from(text.to_owned()).ok().map(|f| f.0)
    }

    fn size(text: &str) -> Option<u64> {
        Size::try_from(text.to_owned()).ok().map(|s| s.0)
    }

    #[test]
    fn fractions_are_percentages_or_plain() {
        assert_eq!(fraction("2%"), Some(0.02));
        assert_eq!(fraction("0.5 %"), Some(0.005));
        assert_eq!(fraction("0.02"), Some(0.02));
        assert_eq!(fraction("100%"), Some(1.0));
        for wrong in [
            "2",
            "-1%",
            "101%",
            "NaN",
            "inf",
            "1e400%",
            "%",
            "",
            "2 percent",
        ] {
            assert_eq!(fraction(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(size("4096"), Some(4096));
        assert_eq!(size("256MiB"), Some(256 << 20));
        assert_eq!(size("1 GiB"), Some(1 << 30));
        for wrong in [
            "",
            "MiB",
            "1.5GiB",
            "-1",
            "10MB",
            "99999999999999999999",
            "99999999999GiB",
        ] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
        assert_eq!(Size(256 << 20).to_string(), "256MiB");
        assert_eq!(Size(1000).to_string(), "1000");
    }

    #[test]
    fn names_hold_nothing_that_identities_are_joined_with() {
        let is_name = |text: &str| Name::try_from(text.to_owned()).is_ok();
        assert!(is_name("checkout-v2.eu_1"));
        assert!(is_name(&"a".repeat(63)));
        for wrong in ["", "-a", "a/b", "a b", "é", "a\n", &"a".repeat(64)] {
            assert!(!is_name(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn urls_are_whole_and_without_credentials() {
        let is_url = |text: &str| WebUrl::try_from(text.to_owned()).is_ok();
        assert!(is_url("https://runbooks.example.com/a?b=c"));
        for wrong in [
            "",
            "example.com",
            "ftp://example.com",
            "https://",
            "http://a:b@c/",
            "javascript:1",
        ] {
            assert!(!is_url(wrong), "{wrong}");
        }
    }
}
