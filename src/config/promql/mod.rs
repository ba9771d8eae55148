//! PromQL texts of a definition in, the engine's [`Indicator`] out.
//!
//! Prometheus counters that are only summed, scaled, added and subtracted are recognised and become
//! [`Indicator::Counters`]: slofuse reads their raw samples once and computes every window itself.
//! What else has a place for the window is asked from Prometheus per window. What has none would
//! measure the same window for every tier and is refused.
//!
//! Nothing here panics or recurses without bound, whatever the text: `text.rs` bounds it first.

mod bare;
mod exclude;
mod latency;
mod selector;
mod slices;
mod sums;
mod text;
mod windowed;

#[cfg(test)]
mod tests;

use promql_parser::parser::token::{T_DIV, T_SUB};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{BinaryExpr, Expr};

use crate::engine::{Indicator, QueryTemplate, WindowQuery};

pub use exclude::{Exclusion, exclusion, without};
pub(super) use latency::bucket_matcher;
pub use latency::{latency, native_latency};
pub use slices::{Target, condition, graded, slice_events};
pub use text::whole_bounds;

pub(super) use bare::Bare;
use sums::{NotSums, Reading, Sums};
use text::Text;
pub(in crate::config) use windowed::{
    MetricType, Unwindowed, Windowed, at_window, divides_counters, kept_labels, windowed,
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
    /// The argument at fault, by its key in a definition: `bad`, `histogram`, `condition`.
    pub field: &'static str,
    /// What is wrong and how to fix it.
    pub message: String,
    /// Where in that argument, in bytes, if a place is known.
    pub offset: Option<usize>,
}

/// Two of bad, good and all events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventTexts<'t> {
    /// Bad ones, and all.
    BadOfTotal {
        /// PromQL of the bad events.
        bad: &'t str,
        /// PromQL of all events.
        total: &'t str,
    },
    /// Good ones, and all.
    GoodOfTotal {
        /// PromQL of the good events.
        good: &'t str,
        /// PromQL of all events.
        total: &'t str,
    },
    /// Good ones and bad ones, which are all.
    GoodAndBad {
        /// PromQL of the good events.
        good: &'t str,
        /// PromQL of the bad events.
        bad: &'t str,
    },
}

impl<'t> EventTexts<'t> {
    /// Both, each with the name of its field: the numerator first.
    pub const fn named(&self) -> [(&'static str, &'t str); 2] {
        match self {
            Self::BadOfTotal { bad, total } => [("bad", bad), ("total", total)],
            Self::GoodOfTotal { good, total } => [("good", good), ("total", total)],
            Self::GoodAndBad { good, bad } => [("bad", bad), ("good", good)],
        }
    }

    const fn pair(&self) -> Pair {
        match self {
            Self::BadOfTotal { .. } => Pair::BadOfTotal,
            Self::GoodOfTotal { .. } => Pair::GoodOfTotal,
            Self::GoodAndBad { .. } => Pair::BadAndGood,
        }
    }
}

/// What the two texts of an event ratio count, in the order of [`EventTexts::named`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pair {
    BadOfTotal,
    GoodOfTotal,
    BadAndGood,
}

/// An event ratio.
///
/// Each text is a bare counter selector, a linear combination of
/// `sum (rate|increase(selector[$window]))`, or any other PromQL with a `$window`.
///
/// # Errors
///
/// When a text is not PromQL, has no window where it needs one, or the two do not fit together.
pub fn events(texts: EventTexts<'_>) -> Result<Classified, PromqlError> {
    let [(name, first), (other, second)] = texts.named();
    let (first, second) = (Text::new(name, first)?, Text::new(other, second)?);
    let (one, two) = (first.parse()?, second.parse()?);
    let reason = match (sums_of(&first, &one)?, sums_of(&second, &two)?) {
        (Ok(one), Ok(two)) => return exact(&first, texts.pair(), one, two),
        (Err(reason), _) | (_, Err(reason)) => reason,
    };
    let first_template = window_template(&first, &reason)?;
    let second_template = window_template(&second, &reason)?;
    let (one, two) = (
        operand(&first.template(), &one),
        operand(&second.template(), &two),
    );
    // A series that is missing on one side has counted nothing yet: then the other side is all.
    let composed = |text: String| QueryTemplate::new(&text);
    let (bad, total) = match texts.pair() {
        Pair::BadOfTotal => (Some(first_template), Some(second_template)),
        Pair::GoodOfTotal => (
            composed(format!("({two} - {one}) or {two}")),
            Some(second_template),
        ),
        Pair::BadAndGood => (
            Some(first_template),
            composed(format!("({one} + {two}) or {one} or {two}")),
        ),
    };
    let (Some(bad), Some(total)) = (bad, total) else {
        return Err(first.error("the query has no place for the window"));
    };
    let query = WindowQuery::Events {
        bad,
        total,
        counted: false,
    };
    Ok(direct(query, &reason))
}

/// Whether one text of an event ratio is sound by itself.
///
/// # Errors
///
/// When the text is not PromQL, or has no window where it needs one.
pub fn check_events(field: &'static str, text: &str) -> Result<(), PromqlError> {
    let text = Text::new(field, text)?;
    let parsed = text.parse()?;
    if let Err(reason) = sums_of(&text, &parsed)? {
        window_template(&text, &reason)?;
    }
    Ok(())
}

/// A query for the error ratio (0..1) of `$window`.
///
/// A plain quotient of sums, or one minus it, is taken apart; anything else is asked per window.
///
/// # Errors
///
/// When the text is not PromQL or has no window.
pub fn ratio(error_ratio: &str) -> Result<Classified, PromqlError> {
    any_ratio("error_ratio", error_ratio, Pair::BadOfTotal)
}

/// A query for the ratio (0..1) of good events of `$window`, taken as [`ratio`] is.
///
/// # Errors
///
/// When the text is not PromQL or has no window.
pub fn good_ratio(good_ratio: &str) -> Result<Classified, PromqlError> {
    any_ratio("good_ratio", good_ratio, Pair::GoodOfTotal)
}

/// `pair` says what the numerator of a plain quotient counts.
fn any_ratio(field: &'static str, ratio: &str, pair: Pair) -> Result<Classified, PromqlError> {
    let text = Text::new(field, ratio)?;
    let parsed = text.parse()?;
    let reason = match quotient(&parsed) {
        Some((inverted, above, below)) => match (sums_of(&text, above)?, sums_of(&text, below)?) {
            (Ok(above), Ok(below)) if above.reading != Reading::Counters => {
                let pair = match (pair, inverted) {
                    (pair, false) => pair,
                    (Pair::BadOfTotal, true) => Pair::GoodOfTotal,
                    (_, true) => Pair::BadOfTotal,
                };
                return exact(&text, pair, above, below);
            }
            (Ok(_), Ok(_)) => "a ratio of bare counters has no window".to_owned(),
            (Err(reason), _) | (_, Err(reason)) => reason,
        },
        None => "the ratio is not a plain quotient of sums".to_owned(),
    };
    let template = window_template(&text, &reason)?;
    let error_ratio = match pair {
        Pair::BadOfTotal => Some(template),
        _ => QueryTemplate::new(&format!("1 - ({})", closed(&text.template()))),
    };
    let Some(error_ratio) = error_ratio else {
        return Err(text.error("the query has no place for the window"));
    };
    Ok(direct(WindowQuery::Ratio { error_ratio }, &reason))
}

const WHY_EXACT: &str =
    "it is made of sums of counters, so every raw sample is read once and windows are exact";

/// `A / B`, or `1 - A / B`, which is inverted.
fn quotient(expr: &Expr) -> Option<(bool, &Expr, &Expr)> {
    let plain = |binary: &BinaryExpr| binary.modifier.is_none();
    match unwrap_parens(expr) {
        Expr::Binary(b) if b.op.id() == T_DIV && plain(b) => Some((false, &b.lhs, &b.rhs)),
        Expr::Binary(b) if b.op.id() == T_SUB && plain(b) && sums::number(&b.lhs) == Some(1.0) => {
            let (inverted, above, below) = quotient(&b.rhs)?;
            (!inverted).then_some((true, above, below))
        }
        _ => None,
    }
}

fn exact(
    text: &Text<'_>,
    pair: Pair,
    first: Sums,
    second: Sums,
) -> Result<Classified, PromqlError> {
    let grouping = fitting(text, &first, &second)?;
    let (first, second) = (first.terms, second.terms);
    if sums::add(first.clone(), &second, -1.0).is_empty() {
        return Err(text.error("both queries count the same events, so the ratio never changes"));
    }
    let (bad, total) = match pair {
        Pair::BadOfTotal => (first, second),
        Pair::GoodOfTotal => (sums::add(second.clone(), &first, -1.0), second),
        Pair::BadAndGood => (first.clone(), sums::add(second, &first, 1.0)),
    };
    Ok(Classified {
        indicator: Indicator::Counters { bad, total },
        why: WHY_EXACT.to_owned(),
        grouping,
    })
}

/// The grouping of two sums, if they can be compared.
fn fitting(text: &Text<'_>, first: &Sums, second: &Sums) -> Result<Grouping, PromqlError> {
    if first.reading != second.reading {
        return Err(text.error(format!(
            "one query reads {}, the other {}: their ratio means nothing, write both the same way",
            first.reading.as_str(),
            second.reading.as_str()
        )));
    }
    first.grouping.join(&second.grouping).ok_or_else(|| {
        text.error("the two queries group by different labels, so their series would never match")
    })
}

/// A text as an operand of vectors.
fn operand(text: &str, parsed: &Expr) -> String {
    let text = closed(text);
    match parsed.value_type() {
        ValueType::Scalar => format!("vector({text})"),
        _ => format!("({text})"),
    }
}

/// `sum(..)`, or `sum by (a, b) (..)`.
fn summed(labels: &[String], inner: &str) -> String {
    match labels {
        [] => format!("sum({inner})"),
        labels => format!("sum by ({}) ({inner})", labels.join(", ")),
    }
}

/// A text after which something may follow: a line break ends a comment.
fn closed(text: &str) -> String {
    let end = if text.contains('#') { "\n" } else { "" };
    format!("{text}{end}")
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

fn unwrap_parens(mut expr: &Expr) -> &Expr {
    while let Expr::Paren(paren) = expr {
        expr = &paren.expr;
    }
    expr
}
