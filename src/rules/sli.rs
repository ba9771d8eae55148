//! The indicator of an SLO as PromQL over one window.

use promql_parser::parser::value::ValueType;
use promql_parser::parser::{self, Expr};

use crate::engine::{Indicator, Span, Term, WindowQuery};

use super::Plan;
use super::series::{bracketed, number, window_text};

impl Plan<'_> {
    /// The error ratio over a window.
    pub(super) fn ratio(&self, window: Span) -> String {
        match &self.slo.indicator {
            Indicator::Counters { .. } | Indicator::Windows(WindowQuery::Events { .. }) => {
                let (bad, total) = self.events(window).unwrap_or_default();
                format!("{bad}\n/\n{total}")
            }
            Indicator::Windows(WindowQuery::Ratio { error_ratio }) => {
                bracketed(&error_ratio.render(window))
            }
            Indicator::Slices {
                condition,
                slice,
                graded,
            } => {
                let good = good_slice(condition, *graded, &self.slo.group_by);
                format!("1 - avg_over_time({good}[{}:{slice}])", window_text(window))
            }
            Indicator::Composite(composite) => self.composite(composite, window),
        }
    }

    /// Bad and all events per second (or their numbers) over a window, each in brackets, where the
    /// indicator has them.
    pub(super) fn events(&self, window: Span) -> Option<(String, String)> {
        let by = &self.slo.group_by;
        match &self.slo.indicator {
            Indicator::Counters { bad, total } => Some((
                format!("({})", sums(bad, "rate", window, by)),
                format!("({})", sums(total, "rate", window, by)),
            )),
            Indicator::Windows(WindowQuery::Events { bad, total, .. }) => Some((
                bracketed(&bad.render(window)),
                bracketed(&total.render(window)),
            )),
            _ => None,
        }
    }

    /// Whether PromQL can count bad events.
    pub(super) fn knows_bad_events(&self) -> bool {
        match &self.slo.indicator {
            Indicator::Counters { .. } | Indicator::Slices { .. } => true,
            Indicator::Windows(WindowQuery::Events { counted, .. }) => *counted,
            Indicator::Windows(WindowQuery::Ratio { .. }) | Indicator::Composite(_) => false,
        }
    }

    /// PromQL that yields something where a window has at least so many bad events, and how its
    /// series match those of the SLO.
    pub(super) fn at_least(&self, window: Span, events: f64) -> Option<String> {
        let by = self.slo.group_by.join(", ");
        let events = number(events);
        match &self.slo.indicator {
            Indicator::Counters { bad, .. } => {
                let bad = sums(bad, "increase", window, &self.slo.group_by);
                Some(format!("on ({by}) ({bad} >= {events})"))
            }
            Indicator::Windows(WindowQuery::Events {
                bad, counted: true, ..
            }) => {
                let bad = bracketed(&bad.render(window));
                Some(format!("on ({by}) ({bad} >= {events})"))
            }
            Indicator::Slices { slice, .. } => {
                let slices = number(window.ratio(*slice));
                let ratio = self.series.ratio(window);
                Some(format!(
                    "ignoring (sloth_window) ({ratio} * {slices} >= {events})"
                ))
            }
            Indicator::Windows(_) | Indicator::Composite(_) => None,
        }
    }
}

/// How the labels of an instance are kept: nothing, or ` by (a, b) `.
pub(super) fn by(labels: &[String]) -> String {
    match labels {
        [] => String::new(),
        labels => format!(" by ({}) ", labels.join(", ")),
    }
}

/// A linear combination of sums, what is added before what is taken away.
fn sums(terms: &[Term], function: &str, window: Span, group_by: &[String]) -> String {
    let (added, taken): (Vec<&Term>, Vec<&Term>) =
        terms.iter().partition(|term| term.coefficient > 0.0);
    let mut text = String::new();
    for (at, term) in added.into_iter().chain(taken).enumerate() {
        let factor = match term.coefficient.abs() {
            1.0 => String::new(),
            other => format!("{} * ", number(other)),
        };
        text.push_str(match (at, term.coefficient > 0.0) {
            (0, true) => "",
            (0, false) => "-",
            (_, true) => " + ",
            (_, false) => " - ",
        });
        let (by, window) = (by(group_by), window_text(window));
        text.push_str(&format!(
            "{factor}sum{by}({function}({}[{window}]))",
            term.selector
        ));
    }
    text
}

/// 1 for a good slice of an instance, 0 for a bad one, or its share of good events. Of several
/// series of an instance the worst counts.
fn good_slice(condition: &str, graded: bool, group_by: &[String]) -> String {
    let parsed = parser::parse(condition);
    let is_scalar = parsed
        .as_ref()
        .is_ok_and(|expr| expr.value_type() == ValueType::Scalar);
    let is_bool = parsed.as_ref().is_ok_and(yields_bool);
    let mut value = bracketed(condition);
    if is_scalar {
        value = format!("vector{value}");
    }
    let by = by(group_by);
    match (graded, is_bool) {
        // A share that is not a number is of no events.
        (true, _) => format!("min{by}(clamp({value}, 0, 1) >= 0)"),
        (false, true) if value.starts_with('(') => format!("min{by}{value}"),
        (false, true) => format!("min{by}({value})"),
        // What is not a number is bad too.
        (false, false) => format!("min{by}(abs({value}) > bool 0)"),
    }
}

/// Whether an expression yields 0 and 1 alone.
fn yields_bool(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(paren) => yields_bool(&paren.expr),
        Expr::Binary(binary) => binary.return_bool(),
        _ => false,
    }
}
