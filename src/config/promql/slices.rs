//! Time slices: PromQL that is asked once per slice and yields how good it was.
//!
//! A slice without traffic is good: nobody was served badly. In what is built here, absent series
//! are told apart with care, for `a / b` vanishes when either side does:
//!
//! | pair | total above 0 | total 0 | one side absent | both absent |
//! |---|---|---|---|---|
//! | bad, total | share of good | good | bad absent: good; total absent: no slice | no slice |
//! | good, total | share of good | good | good absent: bad; total absent: no slice | no slice |
//! | good, bad | share of good | good | what is absent counted nothing | no slice |

use promql_parser::parser::Expr;
use promql_parser::parser::value::ValueType;

use crate::engine::{Indicator, Span};

use super::sums::{Reading, Sums};
use super::text::Text;
use super::{
    Classified, EventTexts, Grouping, Pair, PromqlError, closed, fitting, operand, summed, sums_of,
    unwrap_parens, window_template,
};

/// When a slice is good.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// It is as good as the share of its good events.
    Graded,
    /// It is good from this share (0..1) of good events on, and bad below.
    Share(f64),
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

/// The share (0..1) of good events of each slice; `$window` is its length. Where the share is 0/0
/// there was no traffic, and the slice is good.
///
/// # Errors
///
/// When the text is not PromQL, yields no number per instance, or is a comparison.
pub fn graded(text: &str, slice: Span) -> Result<Classified, PromqlError> {
    let text = Text::new("good_ratio", text)?;
    let parsed = text.parse()?;
    if !matches!(parsed.value_type(), ValueType::Vector | ValueType::Scalar) {
        return Err(text.error("a share is one number per instance, not a range or a text"));
    }
    if is_comparison(&parsed) {
        return Err(
            text.error("a comparison is no share of good events: write it as condition: instead")
        );
    }
    let share = operand(&text.over(slice), &parsed);
    Ok(Classified {
        // NaN is not above anything, and differs from itself.
        indicator: Indicator::Slices {
            condition: format!("({share} >= 0) or ({share} != bool {share})"),
            slice,
            graded: true,
        },
        why: "it is a share of good events, so Prometheus evaluates it once per time slice"
            .to_owned(),
        grouping: Grouping::Unstated,
    })
}

/// Slices that are good by their events; `$window` is the length of a slice, and a bare counter
/// means its increase. `group_by` are the labels that the definition names.
///
/// # Errors
///
/// When a text is not PromQL, has no window where it needs one, or the two do not fit together.
pub fn slice_events(
    texts: EventTexts<'_>,
    slice: Span,
    target: Target,
    group_by: &[String],
) -> Result<Classified, PromqlError> {
    let [(name, first), (other, second)] = texts.named();
    let (first, second) = (Text::new(name, first)?, Text::new(other, second)?);
    let (one, two) = (first.parse()?, second.parse()?);
    let (one_sums, two_sums) = (sums_of(&first, &one)?, sums_of(&second, &two)?);
    let grouping = match (&one_sums, &two_sums) {
        (Ok(one), Ok(two)) => fitting(&first, one, two)?,
        _ => Grouping::Unstated,
    };
    let labels = match &grouping {
        Grouping::By(labels) => labels,
        _ => group_by,
    };
    let one = sliced(&first, &one, one_sums, slice, labels)?;
    let two = sliced(&second, &two, two_sums, slice, labels)?;
    let condition = match texts.pair() {
        Pair::BadOfTotal => {
            let share = of_target(&format!("({two} - {one}) / ({two} > 0)"), target);
            format!("({share}) or ({two} >= bool 0)")
        }
        Pair::GoodOfTotal => {
            let share = of_target(&format!("{one} / ({two} > 0)"), target);
            format!("({share}) or ({two} == bool 0)")
        }
        Pair::BadAndGood => {
            let share = of_target(&format!("{two} / (({one} + {two}) > 0)"), target);
            format!("({share}) or ({two} >= bool 0) or ({one} == bool 0)")
        }
    };
    Ok(Classified {
        indicator: Indicator::Slices {
            condition,
            slice,
            graded: target == Target::Graded,
        },
        why: "each slice of time is judged, so Prometheus evaluates it once per slice".to_owned(),
        grouping,
    })
}

fn of_target(share: &str, target: Target) -> String {
    match target {
        Target::Graded => share.to_owned(),
        Target::Share(target) => format!("({share}) >= bool {target}"),
    }
}

/// The events of one slice as an operand that yields one number per instance.
fn sliced(
    text: &Text<'_>,
    parsed: &Expr,
    sums: Result<Sums, String>,
    slice: Span,
    labels: &[String],
) -> Result<String, PromqlError> {
    match sums {
        Err(reason) => {
            window_template(text, &reason)?;
            Ok(operand(&text.over(slice), parsed))
        }
        Ok(sums) if sums.reading == Reading::Counters => match sums.terms.as_slice() {
            [term] if term.coefficient == 1.0 => {
                let selector = &term.selector;
                let increase = format!("increase({selector}[{slice}])");
                Ok(format!("({})", summed(labels, &increase)))
            }
            _ => Err(text.error(
                "bare counters cannot be combined here: write sum(increase(x[$window])) of each",
            )),
        },
        Ok(sums) if sums.grouping == Grouping::Unstated => {
            Ok(format!("({})", summed(labels, &closed(&text.over(slice)))))
        }
        Ok(_) => Ok(operand(&text.over(slice), parsed)),
    }
}

fn is_comparison(expr: &Expr) -> bool {
    matches!(unwrap_parens(expr), Expr::Binary(b) if b.op.is_comparison_operator())
}

/// Whether false makes the result vanish instead of becoming 0.
fn filters(expr: &Expr) -> bool {
    match unwrap_parens(expr) {
        Expr::Binary(b) if b.op.is_comparison_operator() => !b.return_bool(),
        Expr::Binary(b) if b.op.is_set_operator() => filters(&b.lhs),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
