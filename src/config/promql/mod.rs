//! PromQL texts of a definition in, the engine's [`Indicator`] out.
//!
//! Prometheus counters that are only summed, scaled, added and subtracted are recognised and become
//! [`Indicator::Counters`]: slofuse reads their raw samples once and computes every window itself.
//! What else has a place for the window is asked from Prometheus per window. What has none would
//! measure the same window for every tier and is refused.
//!
//! Nothing here panics or recurses without bound, whatever the text: `text.rs` bounds it first.

mod selector;
mod sums;
mod text;
mod windowed;

#[cfg(test)]
mod tests;

use promql_parser::parser::token::{T_DIV, T_SUB};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{BinaryExpr, Expr};

use crate::engine::labels::METRIC_NAME;
use crate::engine::{
    Indicator, MatchOp, Matcher, QueryTemplate, Selector, Span, Term, WindowQuery,
};

use selector::{bucket_bound, selector};
use sums::{NotSums, Reading, Sums};
use text::Text;
pub(in crate::config) use windowed::{
    Bare, Unwindowed, Windowed, at_window, divides_counters, kept_labels, windowed,
};

/// An indicator and the reason for its evaluation path.
#[derive(Clone, Debug, PartialEq)]
pub struct Classified {
    /// What to measure.
    pub indicator: Indicator,
    /// Why this evaluation path, in one sentence without a full stop.
    pub why: String,
    /// How the text groups its series.
    pub grouping: Grouping,
}

/// How a text groups the series it sums. A definition's own `group_by` takes precedence; without
/// one, the labels of [`Grouping::By`] are what the author's PromQL would split the SLO into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// The text does not say: bare selectors, conditions, PromQL that is not taken apart.
    Unstated,
    /// `sum by (..)`, sorted; a plain `sum` has no labels here.
    By(Vec<String>),
    /// `sum without (..)`, sorted: the labels that remain are known only at run time.
    Without(Vec<String>),
}

/// A text that cannot become an indicator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct PromqlError {
    /// The argument at fault: `bad`, `good`, `total`, `histogram`, `condition` or `error_ratio`.
    pub field: &'static str,
    /// What is wrong and how to fix it.
    pub message: String,
    /// Where in that argument, in bytes, if a place is known.
    pub offset: Option<usize>,
}

/// Which events the numerator of an event ratio counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The bad ones.
    Bad,
    /// The good ones: bad = total - good.
    Good,
}

/// An event ratio: bad or good events, and all events.
///
/// Each text is a bare counter selector, a linear combination of
/// `sum (rate|increase(selector[$window]))`, or any other PromQL with a `$window`.
///
/// # Errors
///
/// When a text is not PromQL, has no window where it needs one, or the two do not fit together.
pub fn events(side: Side, numerator: &str, total: &str) -> Result<Classified, PromqlError> {
    let field = match side {
        Side::Bad => "bad",
        Side::Good => "good",
    };
    let numerator = Text::new(field, numerator)?;
    let total = Text::new("total", total)?;
    let (first, second) = (numerator.parse()?, total.parse()?);
    match (sums_of(&numerator, &first)?, sums_of(&total, &second)?) {
        (Ok(first), Ok(second)) => exact(&numerator, side, first, second),
        (Err(reason), _) | (_, Err(reason)) => {
            let numerator_template = window_template(&numerator, &reason)?;
            let total_template = window_template(&total, &reason)?;
            let bad = match side {
                Side::Bad => numerator_template,
                Side::Good => {
                    // A line break ends a comment that the author may have left at the end.
                    let (total, good) = (total.template(), numerator.template());
                    let bad = format!("({total}\n) - ({good}\n)");
                    QueryTemplate::new(&bad).unwrap_or(numerator_template)
                }
            };
            let query = WindowQuery::Events {
                bad,
                total: total_template,
                counted: false,
            };
            Ok(direct(query, &reason))
        }
    }
}

/// A latency threshold on a classic histogram: events slower than the threshold are bad.
///
/// `histogram` is a selector of the histogram, with or without `_bucket` or `_count`. The bound is
/// matched as Prometheus 2 stores it (`5`) and as Prometheus 3 does (`5.0`).
///
/// # Errors
///
/// When the text is not a bare selector with a literal name, or the threshold not a positive number.
pub fn latency(histogram: &str, threshold_seconds: f64) -> Result<Classified, PromqlError> {
    let text = Text::new("histogram", histogram)?;
    if !(threshold_seconds.is_finite() && threshold_seconds > 0.0) {
        let message = format!("the threshold {threshold_seconds}s is not a positive number");
        return Err(text.error(message));
    }
    let Expr::VectorSelector(parsed) = text.parse()? else {
        return Err(text.error(
            "a histogram is named by a bare selector such as request_duration_seconds{job=\"x\"}",
        ));
    };
    let selector = selector(&parsed).map_err(|reason| text.error(reason))?;
    let Some(name) = selector.metric() else {
        return Err(text.error("a histogram needs a literal metric name"));
    };
    if selector.matchers().iter().any(|m| m.name == "le") {
        return Err(text.error("the bound comes from the threshold: remove the matcher on `le`"));
    }
    let base = ["_bucket", "_count"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix));
    let base = base.unwrap_or(name);
    let part = |suffix: &str, extra: Option<Matcher>| {
        let rest = selector.matchers().iter().filter(|m| m.name != METRIC_NAME);
        let name = Matcher {
            name: METRIC_NAME.to_owned(),
            op: MatchOp::Equal(format!("{base}{suffix}")),
        };
        Selector::new(rest.cloned().chain([name]).chain(extra).collect())
    };
    let all = Term {
        coefficient: 1.0,
        selector: part("_count", None),
    };
    let bound = bucket_bound(threshold_seconds).map_err(|error| text.error(error.to_string()))?;
    let fast = Term {
        coefficient: -1.0,
        selector: part("_bucket", Some(bound)),
    };
    Ok(Classified {
        indicator: Indicator::Counters {
            bad: vec![all.clone(), fast],
            total: vec![all],
        },
        why: WHY_EXACT.to_owned(),
        grouping: Grouping::Unstated,
    })
}

/// A condition checked once per time slice: a slice in which it yields 0 is bad.
///
/// A comparison on the outside gets `bool`, so that it yields 0 instead of nothing.
///
/// # Errors
///
/// When the text is not PromQL, yields no instant vector or scalar, has a `$window`, or filters
/// in a way that can never yield 0.
pub fn condition(text: &str, slice: Span) -> Result<Classified, PromqlError> {
    let text = Text::new("condition", text)?;
    if let Some(offset) = text.window() {
        return Err(text.error_at(
            offset,
            "a condition has no window: write a range such as [5m]",
        ));
    }
    if slice.is_zero() {
        return Err(text.error("a time slice is longer than 0s"));
    }
    let condition = text.with_bool();
    let parsed = Text::new("condition", &condition)?.parse()?;
    if !matches!(parsed.value_type(), ValueType::Vector | ValueType::Scalar) {
        return Err(text.error("a condition yields one number per instance, not a range or a text"));
    }
    if filters(&parsed) {
        return Err(text.error(
            "a comparison drops series instead of yielding 0, so no slice could be bad: \
             write `bool` after the operator and combine with `*`",
        ));
    }
    Ok(Classified {
        indicator: Indicator::Slices {
            condition,
            slice,
            graded: false,
        },
        why: "it is a condition, so Prometheus evaluates it once per time slice".to_owned(),
        grouping: Grouping::Unstated,
    })
}

/// A query for the error ratio (0..1) of `$window`.
///
/// A plain quotient of sums, or one minus it, is taken apart; anything else is asked per window.
///
/// # Errors
///
/// When the text is not PromQL or has no window.
pub fn ratio(error_ratio: &str) -> Result<Classified, PromqlError> {
    let text = Text::new("error_ratio", error_ratio)?;
    let parsed = text.parse()?;
    let reason = match quotient(&parsed) {
        Some((side, above, below)) => match (sums_of(&text, above)?, sums_of(&text, below)?) {
            (Ok(above), Ok(below)) if above.reading != Reading::Counters => {
                return exact(&text, side, above, below);
            }
            (Ok(_), Ok(_)) => "a ratio of bare counters has no window".to_owned(),
            (Err(reason), _) | (_, Err(reason)) => reason,
        },
        None => "the ratio is not a plain quotient of sums".to_owned(),
    };
    let error_ratio = window_template(&text, &reason)?;
    Ok(direct(WindowQuery::Ratio { error_ratio }, &reason))
}

const WHY_EXACT: &str =
    "it is made of sums of counters, so every raw sample is read once and windows are exact";

/// `A / B` is a bad ratio, `1 - A / B` one of good events.
fn quotient(expr: &Expr) -> Option<(Side, &Expr, &Expr)> {
    let plain = |binary: &BinaryExpr| binary.modifier.is_none();
    match unwrap_parens(expr) {
        Expr::Binary(b) if b.op.id() == T_DIV && plain(b) => Some((Side::Bad, &b.lhs, &b.rhs)),
        Expr::Binary(b) if b.op.id() == T_SUB && plain(b) && sums::number(&b.lhs) == Some(1.0) => {
            match quotient(&b.rhs)? {
                (Side::Bad, above, below) => Some((Side::Good, above, below)),
                (Side::Good, ..) => None,
            }
        }
        _ => None,
    }
}

fn exact(
    text: &Text<'_>,
    side: Side,
    numerator: Sums,
    total: Sums,
) -> Result<Classified, PromqlError> {
    if numerator.reading != total.reading {
        return Err(text.error(format!(
            "one query reads {}, the other {}: their ratio means nothing, write both the same way",
            numerator.reading.as_str(),
            total.reading.as_str()
        )));
    }
    let Some(grouping) = numerator.grouping.join(&total.grouping) else {
        return Err(text.error(
            "the two queries group by different labels, so their series would never match",
        ));
    };
    let bad = match side {
        Side::Bad => numerator.terms.clone(),
        Side::Good => sums::add(total.terms.clone(), &numerator.terms, -1.0),
    };
    if sums::add(numerator.terms, &total.terms, -1.0).is_empty() {
        return Err(text.error("both queries count the same events, so the ratio never changes"));
    }
    Ok(Classified {
        indicator: Indicator::Counters {
            bad,
            total: total.terms,
        },
        why: WHY_EXACT.to_owned(),
        grouping,
    })
}

fn direct(query: WindowQuery, reason: &str) -> Classified {
    Classified {
        indicator: Indicator::Windows(query),
        why: format!("{reason}, so Prometheus evaluates the query once per window"),
        grouping: Grouping::Unstated,
    }
}

/// The sums an expression is made of, or why it is none; an error when it is plainly wrong.
fn sums_of(text: &Text<'_>, expr: &Expr) -> Result<Result<Sums, String>, PromqlError> {
    match sums::decompose(expr) {
        Ok(sums) if sums.terms.is_empty() => Err(text.error("the query counts nothing")),
        Ok(sums) => Ok(Ok(sums)),
        Err(NotSums::Direct(reason)) => Ok(Err(reason)),
        Err(NotSums::Wrong(message)) => Err(text.error(message)),
    }
}

/// The text as a template; `reason` says why it needs a window.
fn window_template(text: &Text<'_>, reason: &str) -> Result<QueryTemplate, PromqlError> {
    if let (Some(_), Some(template)) = (text.window(), QueryTemplate::new(&text.template())) {
        return Ok(template);
    }
    Err(match text.fixed_range() {
        Some((offset, range)) => text.error_at(
            offset,
            format!("{range} measures the same window for every tier: write [$window]"),
        ),
        None => text.error(format!(
            "{reason}, so the query must say where the window goes: write a range as [$window]"
        )),
    })
}

/// Whether false makes the result vanish instead of becoming 0.
fn filters(expr: &Expr) -> bool {
    match unwrap_parens(expr) {
        Expr::Binary(b) if b.op.is_comparison_operator() => !b.return_bool(),
        Expr::Binary(b) if b.op.is_set_operator() => filters(&b.lhs),
        _ => false,
    }
}

fn unwrap_parens(mut expr: &Expr) -> &Expr {
    while let Expr::Paren(paren) = expr {
        expr = &paren.expr;
    }
    expr
}
