//! Queries of other formats, which name no window or a fixed one, as queries over `$window`.
//!
//! A query that names no window is rewritten only where its meaning is beyond doubt: sums of
//! selectors, of which the format says whether they are counters. One with a fixed range measures
//! the same window whatever is asked for; in a ratio of sums of rates the range is only a matter
//! of smoothing, so there, and only there, it gives way.

use std::ops::Range;

use promql_parser::parser::token::{T_ADD, T_DIV, T_LOR, T_MUL, T_SUB, T_SUM};
use promql_parser::parser::{AggregateExpr, Expr, LabelModifier};

use crate::engine::Span;

use super::sums::{Reading, decompose, is_zero, joins, number};
use super::text::Text;
use super::{PromqlError, quotient, unwrap_parens};

/// What a selector without a range stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum MetricType {
    /// A counter: of its series, what they grew by.
    Counter,
    /// Numbers of events, each sample of its own: their sum.
    Gauge,
    /// Nobody says.
    Unknown,
}

/// A query over `$window`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) enum Windowed {
    /// It has a place for the window already.
    AsWritten,
    /// Its only range, which is named, became the window.
    Range(String, String),
    /// Its selectors got a range.
    Selectors(String),
}

/// Why a query cannot be asked over a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) enum Unwindowed {
    /// It is not PromQL.
    Invalid(PromqlError),
    /// It has a fixed range that means something: where, and which.
    Range(usize, String),
    /// It has selectors without a range that are more than summed.
    Selectors,
    /// It has selectors without a range of which nobody says what they are.
    Unknown,
}

impl From<PromqlError> for Unwindowed {
    fn from(error: PromqlError) -> Self {
        Self::Invalid(error)
    }
}

/// A query as one over `$window`.
///
/// # Errors
///
/// When that could change what it means, or it is not PromQL.
pub(in crate::config) fn windowed(
    field: &'static str,
    query: &str,
    bare: MetricType,
) -> Result<Windowed, Unwindowed> {
    let text = Text::new(field, query)?;
    let expr = text.parse()?;
    if text.window().is_some() {
        return Ok(Windowed::AsWritten);
    }
    if let Some((offset, range)) = text.fixed_range() {
        let refused = || Unwindowed::Range(offset, range.to_owned());
        // A subquery has no plain length between its brackets.
        let replaced = with_window(query, &text.ranges());
        let replaced = replaced.filter(|(_, range)| Span::parse(range).is_ok());
        let (replaced, range) = replaced.ok_or_else(refused)?;
        let parsed = Text::new(field, &replaced)?.parse()?;
        return if smooths(&parsed) {
            Ok(Windowed::Range(replaced, range))
        } else {
            Err(refused())
        };
    }
    let function = match bare {
        MetricType::Counter => "increase",
        MetricType::Gauge => "sum_over_time",
        MetricType::Unknown => return Err(Unwindowed::Unknown),
    };
    over_window(&expr, function, false)
        .map(Windowed::Selectors)
        .ok_or(Unwindowed::Selectors)
}

/// A query with its window places filled in, for one that is asked over one length of time only;
/// `None` when it has none.
///
/// # Errors
///
/// When it is not PromQL.
pub(in crate::config) fn at_window(
    field: &'static str,
    query: &str,
    window: Span,
) -> Result<Option<String>, PromqlError> {
    let text = Text::new(field, query)?;
    text.parse()?;
    let has_window = text.window().is_some();
    Ok(has_window.then(|| text.over(window)))
}

/// Whether a query divides sums of selectors without a range that are named like counters.
pub(in crate::config) fn divides_counters(field: &'static str, query: &str) -> bool {
    let counted = |expr: &Expr| {
        let sums = decompose(expr).ok();
        let sums = sums.filter(|sums| sums.reading == Reading::Counters);
        sums.is_some_and(|sums| {
            let mut names = sums.terms.iter().filter_map(|term| term.selector.metric());
            names.any(|name| COUNTERS.iter().any(|suffix| name.ends_with(suffix)))
        })
    };
    let parsed = Text::new(field, query).and_then(|text| text.parse());
    parsed.is_ok_and(|expr| {
        quotient(&expr).is_some_and(|(_, above, below)| counted(above) && counted(below))
    })
}

/// How the names of counters end.
const COUNTERS: [&str; 4] = ["_total", "_count", "_bucket", "_sum"];

/// The labels that a query of one value per instance keeps: those of an aggregation on the outside.
pub(in crate::config) fn kept_labels(field: &'static str, query: &str) -> Vec<String> {
    let parsed = Text::new(field, query).and_then(|text| text.parse());
    match parsed.as_ref().map(unwrap_parens) {
        Ok(Expr::Aggregate(AggregateExpr {
            modifier: Some(LabelModifier::Include(labels)),
            ..
        })) => labels.labels.clone(),
        _ => Vec::new(),
    }
}

/// The query with `$window` in all its ranges, and the range that it had before; `None` unless all
/// are the same.
fn with_window(query: &str, ranges: &[Range<usize>]) -> Option<(String, String)> {
    let mut out = String::with_capacity(query.len());
    let (mut done, mut known) = (0, None);
    for range in ranges {
        let inside = query.get(range.start + 1..range.end - 1)?.trim();
        if *known.get_or_insert(inside) != inside {
            return None;
        }
        out.push_str(query.get(done..range.start)?);
        out.push_str("[$window]");
        done = range.end;
    }
    out.push_str(query.get(done..)?);
    Some((out, known?.to_owned()))
}

/// Whether the ranges only say how long rates are averaged.
fn smooths(expr: &Expr) -> bool {
    let sums = |expr: &Expr| decompose(expr).is_ok_and(|sums| sums.reading != Reading::Counters);
    match quotient(expr) {
        Some((_, above, below)) => sums(above) && sums(below),
        None => sums(expr),
    }
}

/// A sum of selectors with a function over the window around each; `None` for anything else. The
/// tree's depth is bounded by the text it came from.
fn over_window(expr: &Expr, function: &str, summed: bool) -> Option<String> {
    let inner = |expr: &Expr| over_window(expr, function, summed);
    match expr {
        Expr::Paren(paren) => Some(format!("({})", inner(&paren.expr)?)),
        Expr::Unary(unary) => Some(format!("-{}", inner(&unary.expr)?)),
        Expr::Aggregate(aggregate) => sum(aggregate, function),
        Expr::VectorSelector(selector) if selector.offset.is_none() && selector.at.is_none() => {
            let read = format!("{function}({selector}[$window])");
            Some(if summed { read } else { format!("sum({read})") })
        }
        Expr::Binary(binary) if !joins(binary) => {
            let op = match binary.op.id() {
                T_LOR if is_zero(&binary.rhs) => {
                    return Some(format!("{} or vector(0)", inner(&binary.lhs)?));
                }
                T_ADD => "+",
                T_SUB => "-",
                T_MUL => "*",
                T_DIV => "/",
                _ => return None,
            };
            let (left, right) = match (number(&binary.lhs), number(&binary.rhs), op) {
                (None, None, "+" | "-") => (inner(&binary.lhs)?, inner(&binary.rhs)?),
                (Some(factor), None, "*") => (factor.to_string(), inner(&binary.rhs)?),
                (None, Some(factor), "*" | "/") => (inner(&binary.lhs)?, factor.to_string()),
                _ => return None,
            };
            Some(format!("{left} {op} {right}"))
        }
        _ => None,
    }
}

fn sum(aggregate: &AggregateExpr, function: &str) -> Option<String> {
    if aggregate.op.id() != T_SUM || aggregate.param.is_some() {
        return None;
    }
    let inner = over_window(&aggregate.expr, function, true)?;
    Some(match &aggregate.modifier {
        None => format!("sum({inner})"),
        Some(LabelModifier::Include(labels)) => {
            format!("sum by ({}) ({inner})", labels.labels.join(", "))
        }
        Some(LabelModifier::Exclude(labels)) => {
            format!("sum without ({}) ({inner})", labels.labels.join(", "))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(query: &str) -> Result<Windowed, Unwindowed> {
        windowed("good", query, MetricType::Counter)
    }

    fn selectors(query: &str) -> String {
        match counter(query) {
            Ok(Windowed::Selectors(text)) => text,
            other => panic!("{query}: {other:?}"),
        }
    }

    #[test]
    fn sums_of_counters_get_a_window() {
        for (query, expected) in [
            ("a_total", "sum(increase(a_total[$window]))"),
            (
                r#"sum(a_total{code=~"2..|3\\d\\d",path!="/\"x"})"#,
                r#"sum(increase(a_total{code=~"2..|3\\d\\d",path!="/\"x"}[$window]))"#,
            ),
            (
                "sum by (pod, job) (a) - 2 * sum without (x) (b) # why",
                "sum by (pod, job) (increase(a[$window])) - 2 * sum without (x) (increase(b[$window]))",
            ),
            (
                "sum(a or vector(0)) / 2 + (-sum(b))",
                "sum(increase(a[$window]) or vector(0)) / 2 + (-sum(increase(b[$window])))",
            ),
            (
                "sum(a + b)",
                "sum(increase(a[$window]) + increase(b[$window]))",
            ),
        ] {
            assert_eq!(selectors(query), expected);
            assert!(counter(expected).is_ok(), "{expected}");
        }
        let gauge = windowed("good", "sum(a)", MetricType::Gauge);
        let expected = "sum(sum_over_time(a[$window]))".to_owned();
        assert_eq!(gauge, Ok(Windowed::Selectors(expected)));
        let unknown = windowed("good", "sum(a)", MetricType::Unknown);
        assert_eq!(unknown, Err(Unwindowed::Unknown));
    }

    #[test]
    fn what_does_more_than_sum_is_left_alone() {
        for query in [
            "max(a)",
            "count(a)",
            "a > 0",
            "a / b",
            "a * b",
            "sum(a offset 5m)",
            "sum(a @ 10)",
            "topk(3, a)",
            "vector(1)",
            "1",
            "sum(a) + 1",
            "a and b",
            "sum(a) + on(job) sum(b)",
            "histogram_quantile(0.9, a)",
        ] {
            assert_eq!(counter(query), Err(Unwindowed::Selectors), "{query}");
        }
        for query in ["", "sum(", "a b", "a{", "sum(a[$x])"] {
            let found = counter(query);
            assert!(matches!(found, Err(Unwindowed::Invalid(_))), "{query}");
        }
    }

    #[test]
    fn one_range_of_summed_rates_becomes_the_window() {
        for query in [
            "sum(rate(a[5m]))",
            "sum by (x) (increase(a{y=\"]\"}[ 5m])) + sum by (x) (increase(b[5m ]))",
            "1 - sum(rate(a[5m])) / sum(rate(b[5m]))",
        ] {
            let Ok(Windowed::Range(text, range)) = counter(query) else {
                panic!("{query}");
            };
            assert_eq!(range, "5m");
            assert_eq!(
                text.matches("[$window]").count(),
                query.matches("5m").count()
            );
        }
        for query in [
            "sum(rate(a[5m])) + sum(rate(b[10m]))",
            "max(rate(a[5m]))",
            "avg_over_time(a[5m])",
            "sum(rate(a[5m] offset 1h))",
            "sum(rate(a[5m:1m]))",
            "sum(sum_over_time(a[5m]))",
            "sum(a) + sum(rate(b[5m]))",
        ] {
            let found = counter(query);
            assert!(
                matches!(found, Err(Unwindowed::Range(..))),
                "{query}: {found:?}"
            );
        }
        let window = counter("max(rate(a[{{ .window }}]))");
        assert_eq!(window, Ok(Windowed::AsWritten));
    }

    #[test]
    fn quotients_of_counters_are_known_by_their_names() {
        let divides = |query| divides_counters("raw", query);
        assert!(divides("sum(a_total) / sum(b_total)"));
        assert!(divides("1 - a_bucket{le=\"1\"} / a_count"));
        assert!(!divides("sum(up) / count(up)"));
        assert!(!divides("ready / desired"));
        assert!(!divides("rate(a_total[5m]) / rate(b_total[5m])"));
        assert!(!divides("a_total /"));
    }

    #[test]
    fn labels_are_those_of_the_outermost_aggregation() {
        let kept = |query| kept_labels("raw", query).join(",");
        assert_eq!(kept("(max by (b, a) (x))"), "b,a");
        assert_eq!(kept("max without (a) (x)"), "");
        assert_eq!(kept("max by (a) (x) > 1"), "");
        assert_eq!(kept("max by (a"), "");
    }

    #[test]
    fn a_window_can_be_filled_in() {
        let text = at_window("raw", "avg_over_time(a[{{.window}}])", Span::from_mins(90));
        assert_eq!(text, Ok(Some("avg_over_time(a[1h30m])".to_owned())));
        assert_eq!(at_window("raw", "a", Span::from_mins(1)), Ok(None));
        assert!(at_window("raw", "a +", Span::from_mins(1)).is_err());
    }
}
