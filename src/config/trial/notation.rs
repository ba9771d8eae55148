//! The values of a series in the notation of `promtool test rules`.
//!
//! <https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series>:
//! `a+bxn` is `a`, `a+b` and so on, n+1 values; `a-bxn` falls; `axn` is `a` n+1 times; `_` is no
//! sample and `_xn` n of them; `stale` marks the end of a series. Values stay as they are written,
//! so `0+1x999999999` costs no more than `0`.

use crate::config::diagnostic::excerpt;

/// Items that one text may hold.
const ITEMS_MAX: usize = 10_000;
/// The largest count after an `x`: at one scrape a second more than 31 years.
const REPEAT_MAX: u64 = 1_000_000_000;

/// What a series holds at one scrape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Point {
    /// No sample.
    Blank,
    /// The mark that the series has ended.
    Stale,
    /// A sample.
    Value(f64),
}

/// The values of a series, scrape by scrape.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// Each with the number of its first value.
    runs: Vec<(u64, Run)>,
    /// How many values there are.
    length: u64,
    /// See [`Self::first_drop`].
    first_drop: Option<u64>,
}

/// Values that belong together.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Run {
    Blank,
    Stale,
    Steps { first: f64, step: f64 },
}

/// What is wrong with a text, where, and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct Wrong {
    /// The byte at which it goes wrong.
    pub(in crate::config) offset: usize,
    pub(in crate::config) what: String,
    pub(in crate::config) fix: String,
}

impl Wrong {
    pub(super) fn new(offset: usize, what: impl Into<String>, fix: impl Into<String>) -> Self {
        let (what, fix) = (what.into(), fix.into());
        Self { offset, what, fix }
    }
}

impl Values {
    /// Reads the notation.
    pub(in crate::config) fn parse(text: &str) -> Result<Self, Wrong> {
        let mut values = Self {
            runs: Vec::new(),
            length: 0,
            first_drop: None,
        };
        for word in text.split_whitespace() {
            // Words are slices of the text, so their distance is their place.
            let offset = word.as_ptr().addr() - text.as_ptr().addr();
            let (run, count) = item(word).map_err(|(what, fix)| Wrong::new(offset, what, fix))?;
            if values.runs.len() == ITEMS_MAX {
                let what = format!("there are more than {ITEMS_MAX} items");
                return Err(Wrong::new(offset, what, "write repetitions as 5x100"));
            }
            if count > 0 {
                values.runs.push((values.length, run));
                values.length += count;
            }
        }
        if values.length == 0 {
            let fix = "write values such as 0+10x60 or _x5";
            return Err(Wrong::new(0, "there are no values", fix));
        }
        values.first_drop = values.find_drop();
        Ok(values)
    }

    /// The value with this number, from 0; `Blank` after the last.
    pub fn at(&self, number: u64) -> Point {
        if number >= self.length {
            return Point::Blank;
        }
        let after = self.runs.partition_point(|(first, _)| *first <= number);
        match after.checked_sub(1).and_then(|at| self.runs.get(at)) {
            None | Some((_, Run::Blank)) => Point::Blank,
            Some((_, Run::Stale)) => Point::Stale,
            Some((begin, Run::Steps { first, step })) => match number - begin {
                0 => Point::Value(*first),
                // An infinite value times a step of zero would be none.
                more if *step != 0.0 => Point::Value(first + step * more as f64),
                _ => Point::Value(*first),
            },
        }
    }

    /// The number of the first value that is smaller than the one before it: of a counter, where it
    /// begins anew.
    pub fn first_drop(&self) -> Option<u64> {
        self.first_drop
    }

    fn find_drop(&self) -> Option<u64> {
        let mut last = f64::NEG_INFINITY;
        for (place, (begin, run)) in self.runs.iter().enumerate() {
            let Run::Steps { first, step } = run else {
                continue;
            };
            if *first < last {
                return Some(*begin);
            }
            let end = self.runs.get(place + 1).map_or(self.length, |next| next.0);
            let more = end - begin - 1;
            if *step < 0.0 && more > 0 {
                return Some(begin + 1);
            }
            last = first + step * more as f64;
        }
        None
    }

    /// How many values there are, blanks among them.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// How the series begins: its first value and the step to the next; `None` if it begins with no
    /// sample. A single first value stands still.
    pub fn beginning(&self) -> Option<(f64, f64)> {
        let Point::Value(first) = self.at(0) else {
            return None;
        };
        match self.at(1) {
            Point::Value(second) => Some((first, second - first)),
            Point::Blank | Point::Stale => Some((first, 0.0)),
        }
    }
}

type What = (String, &'static str);

/// One word: what repeats, and how many values it is.
fn item(word: &str) -> Result<(Run, u64), What> {
    const FIX: &str = "write a value such as 5, 0+10x60, 100-1x20, 5x10, _, _x5 or stale";
    if word.contains("{{") || word.contains("}}") {
        let fix = "describe the events with traffic: instead";
        return Err(("native histograms cannot be written here".to_owned(), fix));
    }
    if word == "stale" {
        return Ok((Run::Stale, 1));
    }
    if word == "_" {
        return Ok((Run::Blank, 1));
    }
    if let Some(count) = word.strip_prefix("_x") {
        return Ok((Run::Blank, repeat(count)?));
    }
    let (body, count) = match word.rsplit_once('x') {
        Some((body, count)) => (body, Some(repeat(count)?)),
        None => (word, None),
    };
    let wrong = || (format!("{:?} is not a value", excerpt(word)), FIX);
    // The sign that separates the step stands behind the first number, whose exponent may have one.
    let sign = body.char_indices().skip(1).find(|(at, c)| {
        let before = body.get(..*at).unwrap_or_default();
        matches!(c, '+' | '-') && !before.ends_with(['e', 'E'])
    });
    let (first, step) = match sign {
        Some((at, _)) => body.split_at(at),
        None => (body, ""),
    };
    let first = number(first).ok_or_else(wrong)?;
    match (step, count) {
        ("", None) => Ok((Run::Steps { first, step: 0.0 }, 1)),
        ("", Some(count)) => Ok((Run::Steps { first, step: 0.0 }, count + 1)),
        (step, Some(count)) => {
            let step = number(step).ok_or_else(wrong)?;
            Ok((Run::Steps { first, step }, count + 1))
        }
        (_, None) => {
            let what = format!("{:?} does not say how often", excerpt(word));
            Err((what, "add x and a number, such as 0+10x60"))
        }
    }
}

fn repeat(text: &str) -> Result<u64, What> {
    let fix = "write a whole number after the x, such as 0+10x60";
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let count: Option<u64> = text.parse().ok().filter(|_| is_plain);
    match count {
        Some(count) if count <= REPEAT_MAX => Ok(count),
        Some(_) => Err((format!("{} is too often", excerpt(text)), fix)),
        None if is_plain => Err((format!("{} is too often", excerpt(text)), fix)),
        None => Err((format!("{:?} is not a count", excerpt(text)), fix)),
    }
}

/// A number as PromQL writes it, with at most one sign.
fn number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned.to_ascii_lowercase().as_str() {
        "inf" | "nan" => {}
        _ if unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {}
        _ => return None,
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        let values = Values::parse(text).unwrap();
        let show = |number| match values.at(number) {
            Point::Blank => "_".to_owned(),
            Point::Stale => "stale".to_owned(),
            Point::Value(value) => value.to_string(),
        };
        (0..values.length()).map(show).collect()
    }

    #[test]
    fn every_form_is_known() {
        for (text, values) in [
            ("0+10x3", "0 10 20 30"),
            ("10-2x2", "10 8 6"),
            ("-2+4x3", "-2 2 6 10"),
            ("1x0 5x2", "1 5 5 5"),
            ("1 _ _x2 stale 4", "1 _ _ _ stale 4"),
            ("_x0 1", "1"),
            ("1e3+5e-1x1 -1-1x1", "1000 1000.5 -1 -2"),
            ("Inf -inf NaN .5", "inf -inf NaN 0.5"),
            ("Infx1", "inf inf"),
            ("  7\n8 ", "7 8"),
        ] {
            assert_eq!(list(text).join(" "), values, "{text}");
        }
    }

    #[test]
    fn repetitions_cost_nothing() {
        let values = Values::parse("0+1x999999999 5").unwrap();
        assert_eq!(values.at(999_999_999), Point::Value(999_999_999.0));
        assert_eq!(values.at(1_000_000_000), Point::Value(5.0));
        assert_eq!(values.at(u64::MAX), Point::Blank);
        assert_eq!(values.beginning(), Some((0.0, 1.0)));
        assert_eq!(Values::parse("_ 1").unwrap().beginning(), None);
        assert_eq!(Values::parse("3").unwrap().beginning(), Some((3.0, 0.0)));
    }

    #[test]
    fn drops_are_found() {
        let drop = |text| Values::parse(text).unwrap().first_drop();
        assert_eq!(drop("0+1x5 _x3 stale 6 7"), None);
        assert_eq!(drop("0+1x5 _x3 4"), Some(9));
        assert_eq!(drop("5x3 5-1x3"), Some(5));
    }

    #[test]
    fn what_promtool_does_not_read_is_refused() {
        for text in [
            "",
            " ",
            "a",
            "1+",
            "1+x5",
            "x5",
            "1x",
            "1x-5",
            "1x5x5",
            "1+2",
            "stalex3",
            "0x10y",
            "_y",
            "1x99999999999999999999",
            "1x1000000001",
            "{{schema:1}}",
            "--1",
            "1+-1x2",
            "infinity",
        ] {
            assert!(Values::parse(text).is_err(), "{text:?}");
        }
        let wrong = Values::parse("1 2 zwölf 3").unwrap_err();
        assert_eq!(wrong.offset, 4);
        let many = "1 ".repeat(ITEMS_MAX + 1);
        assert!(Values::parse(&many).is_err());
    }
}
