//! What does not count at all: events taken out of selectors by their labels.
//!
//! `{a="1", b="2"}` excludes the series that match both. What remains of a selector is no longer one
//! selector: it is the disjoint union of those without `a="1"` and those with `a="1"` but without
//! `b="2"`. Sums of counters are summed over each, so nothing is counted twice.

use promql_parser::parser::Expr;

use crate::engine::labels::METRIC_NAME;
use crate::engine::{Indicator, MatchOp, Matcher, Selector, Term};

use super::selector::selector;
use super::text::Text;
use super::{Classified, PromqlError, sums};

/// Matchers that exclude the series that satisfy all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion(Vec<Matcher>);

/// Selectors that one may be split into.
const SPLIT_MAX: usize = 64;

/// Reads matchers in braces.
///
/// # Errors
///
/// When the text is anything else.
pub fn exclusion(source: &str) -> Result<Exclusion, PromqlError> {
    const FIELD: &str = "exclude";
    let trimmed = source.trim();
    if !trimmed.starts_with('{') {
        return Err(Text::new(FIELD, source)?.error("this is not a list of matchers in braces"));
    }
    // PromQL wants a name, or a matcher that does not match everything.
    let named = format!("x{trimmed}");
    let text = Text::new(FIELD, &named).map_err(|error| PromqlError {
        offset: None,
        ..error
    })?;
    let Expr::VectorSelector(parsed) = text.parse()? else {
        return Err(text.error("this is not a list of matchers in braces"));
    };
    let selector = selector(&parsed).map_err(|reason| text.error(reason))?;
    let matchers = selector.matchers().iter();
    let matchers: Vec<Matcher> = matchers
        .filter(|matcher| matcher.name != METRIC_NAME)
        .cloned()
        .collect();
    if matchers.is_empty() {
        return Err(text.error("no label is matched, so everything would be excluded"));
    }
    Ok(Exclusion(matchers))
}

/// An indicator without what is excluded.
///
/// # Errors
///
/// When it is not made of sums of counters, or nothing or too much remains.
pub fn without(classified: Classified, exclude: &[Exclusion]) -> Result<Classified, String> {
    if exclude.is_empty() {
        return Ok(classified);
    }
    let Indicator::Counters { bad, total } = &classified.indicator else {
        return Err("only sums of counters can be taken apart to exclude something".to_owned());
    };
    let terms = |terms: &[Term]| {
        let mut rest = Vec::new();
        for term in terms {
            let split = remainder(&term.selector, exclude)?;
            let split: Vec<Term> = split
                .into_iter()
                .map(|selector| Term {
                    coefficient: term.coefficient,
                    selector,
                })
                .collect();
            rest = sums::add(rest, &split, 1.0);
        }
        Ok::<Vec<Term>, String>(rest)
    };
    let (bad, total) = (terms(bad)?, terms(total)?);
    if total.is_empty() {
        return Err("everything is excluded".to_owned());
    }
    Ok(Classified {
        indicator: Indicator::Counters { bad, total },
        ..classified
    })
}

/// Selectors that together, and each series by one only, select what is left of one.
pub(super) fn remainder(
    selector: &Selector,
    exclude: &[Exclusion],
) -> Result<Vec<Selector>, String> {
    let mut rest = vec![selector.clone()];
    for exclusion in exclude {
        let mut split = Vec::new();
        for selector in &rest {
            subtract(selector, exclusion, &mut split);
        }
        if split.len() > SPLIT_MAX {
            return Err(format!(
                "what is left of {selector} is more than {SPLIT_MAX} selectors"
            ));
        }
        rest = split;
    }
    Ok(rest)
}

fn subtract(selector: &Selector, Exclusion(matchers): &Exclusion, rest: &mut Vec<Selector>) {
    let known = |matcher: &Matcher| {
        let value = selector.equality(&matcher.name)?;
        Some(matcher.op.matches(value))
    };
    if matchers.iter().any(|matcher| known(matcher) == Some(false)) {
        rest.push(selector.clone());
        return;
    }
    // What the selector demands anyway excludes nothing by itself.
    let mut with: Vec<Matcher> = selector.matchers().to_vec();
    for matcher in matchers.iter().filter(|matcher| known(matcher).is_none()) {
        let mut one = with.clone();
        one.push(Matcher {
            name: matcher.name.clone(),
            op: inverse(&matcher.op),
        });
        rest.push(Selector::new(one));
        with.push(matcher.clone());
    }
}

fn inverse(op: &MatchOp) -> MatchOp {
    match op.clone() {
        MatchOp::Equal(value) => MatchOp::NotEqual(value),
        MatchOp::NotEqual(value) => MatchOp::Equal(value),
        MatchOp::Regex(pattern) => MatchOp::NotRegex(pattern),
        MatchOp::NotRegex(pattern) => MatchOp::Regex(pattern),
    }
}
