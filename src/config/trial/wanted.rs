//! What a test expects, in the few words in which it is written: states, numbers, tolerances.

use crate::config::diagnostic::excerpt;
use crate::engine::{Outcome, StateName};

/// How many slots of a stretch something is true of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Every slot.
    Always,
    /// No slot.
    Never,
    /// At least one slot.
    Once,
}

/// A value and how often it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted<T> {
    /// How often.
    pub when: When,
    /// What.
    pub what: T,
}

/// What a number may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// As it was written.
    pub text: String,
    bound: Bound,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    Unknown,
    Above(f64),
    AtLeast(f64),
    Below(f64),
    AtMost(f64),
    Between(f64, f64),
}

/// What is wrong with a text, and what to write.
pub(in crate::config) type Refused = (String, String);

/// A value that is written as one of a few words.
pub trait Word: Copy + 'static {
    /// All of them.
    const ALL: &'static [Self];
    /// How it is written.
    fn word(self) -> &'static str;
}

impl Word for StateName {
    const ALL: &'static [Self] = &[Self::Firing, Self::Pending, Self::Inactive];

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Word for Outcome {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

/// A word by name.
pub(in crate::config) fn word<T: Word>(text: &str) -> Result<T, Refused> {
    let found = T::ALL.iter().find(|candidate| candidate.word() == text);
    found.copied().ok_or_else(|| {
        let known: Vec<&str> = T::ALL.iter().map(|known| known.word()).collect();
        let meant = crate::config::nearest::nearest(text, known.iter().copied());
        let what = format!("{:?} is not known here", excerpt(text));
        let fix = match meant {
            Some(meant) => format!("did you mean {meant:?}?"),
            None => format!("use one of: {}", known.join(", ")),
        };
        (what, fix)
    })
}

impl<T: Word> Wanted<T> {
    /// `firing`, `always firing`, `never firing`, `once firing`
    pub(in crate::config) fn parse(text: &str) -> Result<Self, Refused> {
        let text = text.trim();
        let (when, rest) = match text.split_once(char::is_whitespace) {
            Some(("always", rest)) => (When::Always, rest),
            Some(("never" | "not", rest)) => (When::Never, rest),
            Some(("once", rest)) => (When::Once, rest),
            Some((strange, rest)) if word::<T>(rest.trim()).is_ok() => {
                let what = format!("{:?} is not known here", excerpt(strange));
                return Err((what, "write always, never or once before it".to_owned()));
            }
            _ => (When::Always, text),
        };
        let what = word(rest.trim())?;
        Ok(Self { when, what })
    }
}

impl<T: Word> std::fmt::Display for Wanted<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let when = match self.when {
            When::Always => "",
            When::Never => "never ",
            When::Once => "once ",
        };
        write!(f, "{when}{}", self.what.word())
    }
}

impl Range {
    /// `14.4`, `14.4 +- 1`, `> 14`, `2 .. 3`, `unknown`; as percentages if they are to be some.
    pub(in crate::config) fn parse(text: &str, percent: bool) -> Result<Self, Refused> {
        let fix = match percent {
            true => "write a percentage such as 2%, > 2%, 2% +- 0.1% or 2% .. 3%",
            false => "write a number such as 14.4, > 14, 14.4 +- 0.5, 2 .. 3, or unknown",
        };
        let refused = || {
            (
                format!("{:?} cannot be compared with", excerpt(text)),
                fix.to_owned(),
            )
        };
        let number = |text: &str| number(text.trim(), percent).ok_or_else(refused);
        let trimmed = text.trim();
        let bound = if trimmed == "unknown" {
            Bound::Unknown
        } else if let Some(rest) = trimmed.strip_prefix(">=") {
            Bound::AtLeast(number(rest)?.0)
        } else if let Some(rest) = trimmed.strip_prefix('>') {
            Bound::Above(number(rest)?.0)
        } else if let Some(rest) = trimmed.strip_prefix("<=") {
            Bound::AtMost(number(rest)?.0)
        } else if let Some(rest) = trimmed.strip_prefix('<') {
            Bound::Below(number(rest)?.0)
        } else if let Some((from, to)) = trimmed.split_once("..") {
            let (from, to) = (number(from)?.0, number(to)?.0);
            if from > to {
                return Err(("the range ends before it begins".to_owned(), fix.to_owned()));
            }
            Bound::Between(from, to)
        } else if let Some((middle, slack)) =
            trimmed.split_once("+-").or_else(|| trimmed.split_once('±'))
        {
            let (middle, slack) = (number(middle)?.0, number(slack)?.0);
            Bound::Between(middle - slack, middle + slack)
        } else {
            let (middle, slack) = number(trimmed)?;
            Bound::Between(middle - slack, middle + slack)
        };
        let text = trimmed.to_owned();
        Ok(Self { text, bound })
    }

    /// Whether the value (of a percentage: in percent) is in it. Bounds that floats miss by a hair
    /// are kept.
    pub fn holds(&self, value: Option<f64>) -> bool {
        let Some(value) = value else {
            return self.bound == Bound::Unknown;
        };
        let hair = value.abs() * 1e-9;
        match self.bound {
            Bound::Unknown => false,
            Bound::Above(bound) => value > bound,
            Bound::AtLeast(bound) => value >= bound - hair,
            Bound::Below(bound) => value < bound,
            Bound::AtMost(bound) => value <= bound + hair,
            Bound::Between(from, to) => from - hair <= value && value <= to + hair,
        }
    }
}

/// A number and half of the last digit that is written.
fn number(text: &str, percent: bool) -> Option<(f64, f64)> {
    let digits = match percent {
        true => text.strip_suffix('%')?.trim_end(),
        false => text,
    };
    let plain = digits.strip_prefix('-').unwrap_or(digits);
    let known = |c: char| c.is_ascii_digit() || c == '.';
    if plain.is_empty() || !plain.chars().all(known) {
        return None;
    }
    let value: f64 = digits.parse().ok()?;
    let decimals = digits.split_once('.').map_or(0, |(_, after)| after.len());
    let decimals = i32::try_from(decimals).ok()?;
    Some((value, 0.5 * 10f64.powi(-decimals)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_with_how_often() {
        let parse = |text| Wanted::<StateName>::parse(text).map(|wanted| wanted.to_string());
        assert_eq!(parse("firing").unwrap(), "firing");
        assert_eq!(parse("always firing").unwrap(), "firing");
        assert_eq!(parse("not  pending").unwrap(), "never pending");
        assert_eq!(parse("once inactive").unwrap(), "once inactive");
        let fixes = ["firng", "sometimes firing", "never", "", "up"];
        let fixes = fixes.map(|text| parse(text).unwrap_err().1);
        assert_eq!(
            fixes,
            [
                "did you mean \"firing\"?",
                "write always, never or once before it",
                "use one of: firing, pending, inactive",
                "use one of: firing, pending, inactive",
                "use one of: firing, pending, inactive"
            ]
        );
    }

    #[test]
    fn a_number_means_as_much_as_is_written() {
        let holds = |text: &str, value: f64| Range::parse(text, false).unwrap().holds(Some(value));
        assert!(holds("14.4", 14.449) && !holds("14.4", 14.46));
        assert!(holds("14", 14.4) && !holds("14.0", 14.4));
        assert!(holds("> 14", 14.1) && !holds("> 14", 14.0) && holds(">= 14", 14.0));
        assert!(holds("< 1", 0.0) && !holds("<1", 1.0) && holds("<=1", 1.0));
        assert!(holds("2 .. 3", 3.0) && !holds("2..3", 3.1));
        assert!(holds("20 +- 1", 21.0) && !holds("20 ± 1", 21.1));
        let percent = Range::parse("2%", true).unwrap();
        assert!(percent.holds(Some(2.4)) && !percent.holds(Some(2.6)) && !percent.holds(None));
        assert!(Range::parse("unknown", false).unwrap().holds(None));
        for text in ["", "2", "two%", "3%..2%", "%", "1e3%", "> "] {
            assert!(Range::parse(text, true).is_err(), "{text}");
        }
        assert!(Range::parse("2%", false).is_err());
        assert!(!Range::parse("2", false).unwrap().holds(Some(f64::NAN)));
    }
}
