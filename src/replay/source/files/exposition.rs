//! Text of samples: OpenMetrics, Prometheus' text format, and what `promtool tsdb dump` writes.
//!
//! ```text
//! line   := [name] ["{" labels "}"] value time [exemplar] | "#" anything
//! labels := label ("," label)* [","]
//! label  := name "=" quoted | quoted "=" quoted | quoted          the last one names the metric
//! ```

use std::io::BufRead;

use super::super::OpenError;
use super::ingest::Ingest;
use super::lines::{Line, Lines, excerpt};
use crate::engine::labels::METRIC_NAME;
use crate::engine::{Labels, Sample, Timestamp};

/// Whole timestamps from here on are milliseconds (1973), smaller ones seconds (up to 5138).
const MILLIS_FROM: f64 = 1e11;

/// Reads all lines; what is wrong is noted.
pub(super) fn read<R: BufRead>(mut lines: Lines<R>, ingest: &mut Ingest) -> Result<(), OpenError> {
    loop {
        let number = lines.number();
        let line = match lines.next() {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(()),
            Err(source) => {
                let path = lines.name().into();
                return Err(OpenError::File { path, source });
            }
        };
        let mistake = match line {
            Line::Text(text) => take(text, ingest).err(),
            Line::Bad(what) => Some(what.to_owned()),
        };
        if let Some(what) = mistake {
            ingest.mistakes.add(&lines.place(), &what);
            if ingest.mistakes.is_full() {
                return Ok(());
            }
        }
        ingest.keep_small()?;
        debug_assert!(lines.number() > number, "lines are counted");
    }
}

/// Takes the sample of a line, if it has one.
fn take(text: &str, ingest: &mut Ingest) -> Result<(), String> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(());
    }
    let (series, rest) = split(text).ok_or_else(|| {
        format!(
            "{} is no sample: write name{{label=\"value\"}} value time",
            excerpt(text)
        )
    })?;
    let rest = rest.split_once(" # ").map_or(rest, |(sample, _)| sample);
    let mut words = rest.split_ascii_whitespace();
    let (value, time, more) = (words.next(), words.next(), words.next());
    let value = value.ok_or_else(|| format!("{} has no value", excerpt(series)))?;
    if value.starts_with('{') {
        return Err(format!(
            "{} is a native histogram: only its classic series can be read",
            excerpt(series)
        ));
    }
    let value = number(value).ok_or_else(|| format!("{} is no value", excerpt(value)))?;
    let time =
        time.ok_or_else(|| format!("{} has no timestamp: a past needs times", excerpt(text)))?;
    let at = timestamp(time).ok_or_else(|| format!("{} is no timestamp", excerpt(time)))?;
    if let Some(more) = more {
        return Err(format!("{} follows the timestamp", excerpt(more)));
    }
    ingest.add_text(series, Sample { at, value }, labels)
}

/// The series and what follows it.
fn split(text: &str) -> Option<(&str, &str)> {
    let open = text.find('{');
    let space = text.find([' ', '\t'])?;
    let Some(open) =
        open.filter(|open| text.get(*open..).is_some() && may_open(text, *open, space))
    else {
        return text.split_at_checked(space);
    };
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(open + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return text.split_at_checked(at + 1),
            _ => {}
        }
    }
    None
}

/// Whether a brace belongs to the series: it comes first, after the name, or after one space.
fn may_open(text: &str, open: usize, space: usize) -> bool {
    let between = text.get(space.min(open)..open);
    between.is_some_and(|between| between.bytes().all(|byte| byte == b' '))
}

/// The labels of a series as text.
fn labels(text: &str) -> Result<Labels, String> {
    let wrong = |what: &str| format!("{} {what}", excerpt(text));
    let (name, inner) = match text.split_once('{') {
        Some((name, rest)) => (name.trim(), rest.strip_suffix('}')),
        None => (text, Some("")),
    };
    let mut rest = inner
        .ok_or_else(|| wrong("does not close its labels"))?
        .trim();
    let mut pairs: Vec<(String, String)> = Vec::new();
    if !name.is_empty() {
        pairs.push((METRIC_NAME.to_owned(), name.to_owned()));
    }
    while !rest.is_empty() {
        let (label, after) = match rest.starts_with('"') {
            true => quoted(rest).ok_or_else(|| wrong("has a text without end"))?,
            false => {
                let end = rest.find(['=', ',', ' ']).unwrap_or(rest.len());
                let (label, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                (label.to_owned(), after)
            }
        };
        let is_name = rest.starts_with('"') && !after.trim_start().starts_with('=');
        let after = after.trim_start();
        if is_name {
            pairs.push((METRIC_NAME.to_owned(), label));
            rest = after;
        } else {
            let value = after.strip_prefix('=').map(str::trim_start);
            let value = value.and_then(quoted);
            let (value, after) =
                value.ok_or_else(|| wrong("has a label without a quoted value"))?;
            if label.is_empty() {
                return Err(wrong("has a label without a name"));
            }
            pairs.push((label, value));
            rest = after.trim_start();
        }
        rest = match rest.strip_prefix(',') {
            Some(rest) => rest.trim_start(),
            None if rest.is_empty() => rest,
            None => return Err(wrong("has labels without a comma between them")),
        };
    }
    if !pairs.iter().any(|(name, _)| name == METRIC_NAME) {
        return Err(wrong("has no metric name"));
    }
    Ok(Labels::new(pairs))
}

/// A quoted text at the start, and what follows. Escapes are those of Go: promtool writes them.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.strip_prefix('"')?.chars();
    loop {
        match chars.next()? {
            '"' => return Some((out, chars.as_str())),
            '\\' => match chars.next()? {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                digits @ ('x' | 'u' | 'U') => {
                    let count = match digits {
                        'x' => 2,
                        'u' => 4,
                        _ => 8,
                    };
                    let code: Option<String> = (0..count).map(|_| chars.next()).collect();
                    let code = u32::from_str_radix(&code?, 16).ok()?;
                    out.push(char::from_u32(code)?);
                }
                other => out.push(other),
            },
            other => out.push(other),
        }
    }
}

/// A value as Prometheus and OpenMetrics write it.
pub(super) fn number(text: &str) -> Option<f64> {
    match text.parse() {
        Ok(value) => Some(value),
        Err(_) => match text {
            "+Inf" => Some(f64::INFINITY),
            "-Inf" => Some(f64::NEG_INFINITY),
            _ => None,
        },
    }
}

/// A timestamp: seconds with or without a fraction, or milliseconds.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    let value: f64 = text.parse().ok()?;
    if !value.is_finite() {
        return None;
    }
    let is_whole = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-');
    let millis = match is_whole && value.abs() >= MILLIS_FROM {
        true => value,
        false => value * 1000.0,
    };
    (millis.abs() < 9e15).then(|| Timestamp::from_millis(millis.round() as i64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let labels = labels(text).unwrap();
        labels
            .iter()
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect()
    }

    #[test]
    fn series_are_read_in_every_notation() {
        let expected = pairs(r#"x{a="1",b="2"}"#);
        for text in [
            r#"{__name__="x", a="1", b="2"}"#,
            r#"x{ b = "2" , a="1", }"#,
            r#"{"x", "a"="1", b="2"}"#,
            r#"x{a="1",b="2",}"#,
        ] {
            assert_eq!(pairs(text), expected, "{text}");
        }
        let odd = labels(r#"x{a="}\" \\ \n \u00fc, ü # b"}"#).unwrap();
        assert_eq!(odd.get("a"), Some("}\" \\ \n ü, ü # b"));
        assert_eq!(pairs("x").len(), 1);
    }

    #[test]
    fn what_is_no_series_is_told() {
        for (text, part) in [
            (r#"x{a="1""#, "does not close"),
            (r#"x{a=1}"#, "without a quoted value"),
            (r#"x{a="1" b="2"}"#, "without a comma"),
            (r#"{a="1"}"#, "no metric name"),
            (r#"x{="1"}"#, "without a name"),
            (r#"x{a="1}"#, "without a quoted value"),
        ] {
            let error = labels(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn times_are_seconds_or_milliseconds() {
        let millis = |text: &str| timestamp(text).map(Timestamp::as_millis);
        assert_eq!(millis("1772355600"), Some(1_772_355_600_000));
        assert_eq!(millis("1772355600.125"), Some(1_772_355_600_125));
        assert_eq!(millis("1772355600125"), Some(1_772_355_600_125));
        assert_eq!(millis("1.7723556e9"), Some(1_772_355_600_000));
        for text in ["", "x", "NaN", "Inf", "1e300"] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn a_line_is_split_after_its_series() {
        for (text, series, rest) in [
            (r#"x{a="} "} 1 2"#, r#"x{a="} "}"#, " 1 2"),
            ("x 1 2", "x", " 1 2"),
            (r#"{__name__="x"} 1 2"#, r#"{__name__="x"}"#, " 1 2"),
            (r#"x 1 2 # {id="7"} 1"#, "x", r#" 1 2 # {id="7"} 1"#),
            (r#"x {count:1} 2"#, "x {count:1}", " 2"),
        ] {
            assert_eq!(split(text), Some((series, rest)), "{text}");
        }
        assert_eq!(split(r#"x{a="1" 1 2"#), None);
    }

    proptest! {
        #[test]
        fn any_label_value_comes_back(value in "\\PC{0,20}") {
            prop_assume!(!value.is_empty());
            let series = Labels::new([(METRIC_NAME, "x"), ("a", value.as_str())]);
            // Written as promtool does: every pair in braces, values quoted.
            prop_assert_eq!(labels(&go(&series)).unwrap(), series);
        }

        #[test]
        fn any_line_is_read_without_harm(text in "[x{}=\", #\\\\0-9a\n]{0,40}") {
            let _split = split(&text).map(|(series, _)| labels(series));
        }
    }

    fn go(labels: &Labels) -> String {
        let escape = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
        let pairs = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escape(value)));
        format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
    }
}
