//! The parser's selectors as the engine's, and the matcher for a histogram bucket.

use promql_parser::label::{MatchOp as ParsedOp, Matchers};
use promql_parser::parser::VectorSelector;

use crate::engine::labels::METRIC_NAME;
use crate::engine::{MatchOp, Matcher, Pattern, Selector};

/// The engine's selector, or why these series cannot be selected here.
pub(super) fn selector(parsed: &VectorSelector) -> Result<Selector, String> {
    if parsed.offset.is_some() || parsed.at.is_some() {
        return Err("`offset` and `@` move the window".to_owned());
    }
    let Matchers {
        matchers,
        or_matchers,
    } = &parsed.matchers;
    if !or_matchers.is_empty() {
        return Err("`or` between matchers is not known here".to_owned());
    }
    let name = parsed.name.iter().map(|name| {
        let op = MatchOp::Equal(name.clone());
        Ok((METRIC_NAME, op))
    });
    let others = matchers.iter().map(|m| {
        let op = match &m.op {
            ParsedOp::Equal => MatchOp::Equal(m.value.clone()),
            ParsedOp::NotEqual => MatchOp::NotEqual(m.value.clone()),
            ParsedOp::Re(_) => MatchOp::Regex(pattern(&m.value)?),
            ParsedOp::NotRe(_) => MatchOp::NotRegex(pattern(&m.value)?),
        };
        Ok((m.name.as_str(), op))
    });
    let named = |(name, op): (&str, MatchOp)| Matcher {
        name: name.to_owned(),
        op,
    };
    let all: Result<Vec<Matcher>, String> = name.chain(others).map(|m| m.map(named)).collect();
    let selector = Selector::new(all?);
    let has_name = selector
        .matchers()
        .iter()
        .any(|m| m.name == METRIC_NAME && matches!(m.op, MatchOp::Equal(_) | MatchOp::Regex(_)));
    match selector.metric() {
        Some(name) if name.contains(':') => Err(format!(
            "`{name}` looks like a recording rule, whose value is not a raw counter"
        )),
        _ if !has_name => Err("the selector has no metric name".to_owned()),
        _ => Ok(selector),
    }
}

fn pattern(source: &str) -> Result<Pattern, String> {
    Pattern::new(source)
        .map_err(|_| format!("the regular expression {source:?} cannot be matched here"))
}

/// The matcher for a bucket's upper bound in all the ways it is written.
///
/// Client libraries write the shortest decimal text, some (Go's `%g`) with an exponent from 1e6
/// upwards and below 1e-4; Prometheus 3 and OpenMetrics append `.0` to whole numbers.
pub(super) fn bucket_bound(seconds: f64) -> Result<Matcher, regex::Error> {
    let plain = seconds.to_string();
    let mut texts = vec![plain.clone()];
    if seconds.fract() == 0.0 {
        texts.push(format!("{plain}.0"));
    }
    if !(1e-4..1e6).contains(&seconds) {
        let scientific = format!("{seconds:e}");
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        texts.push(format!("{digits}e{sign}{exponent:0>2}"));
    }
    let op = match texts.as_slice() {
        [only] => MatchOp::Equal(only.clone()),
        several => {
            let escaped: Vec<String> = several.iter().map(|text| regex::escape(text)).collect();
            MatchOp::Regex(Pattern::new(&escaped.join("|"))?)
        }
    };
    Ok(Matcher {
        name: "le".to_owned(),
        op,
    })
}
