//! The few expressions the demo source understands.

use promql_parser::label::MatchOp as ParsedOp;
use promql_parser::parser::token::{T_LSS, T_MAX, T_SUB, T_SUM};
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Expr, LabelModifier, MatrixSelector, VectorSelector,
};

use crate::engine::labels::METRIC_NAME;
use crate::engine::{MatchOp, Matcher, Pattern, Selector, Span};

/// Longest expression that is read.
const CHARS_MAX: usize = 4096;

/// An expression with a known meaning.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Query {
    /// `x{..}`
    Instant(Selector),
    /// `x{..}[5m]`
    Range(Selector, Span),
    /// `sum by (..) (increase(x{..}[1h]))`
    SumOfIncreases {
        /// Labels that stay.
        by: Vec<String>,
        /// The counters.
        selector: Selector,
        /// The window.
        range: Span,
    },
    /// `time() - max(x{..}) < bool 3600`
    Fresh {
        /// Gauges that hold a time in seconds.
        selector: Selector,
        /// Seconds.
        limit: f64,
    },
}

/// Why an expression has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// The request is wrong, here as at any Prometheus.
    #[error("{0}")]
    BadData(String),
    /// A real Prometheus would answer.
    #[error("the demo source does not evaluate this expression")]
    Unsupported,
    /// The answer would cost too much.
    #[error("query processing would load too many samples into memory in query execution")]
    TooManySamples,
}

impl Query {
    /// Reads PromQL.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() > CHARS_MAX {
            return Err(Refusal::Unsupported);
        }
        let parsed = promql_parser::parser::parse(text);
        let parsed = parsed.map_err(|what| {
            Refusal::BadData(format!("invalid parameter \"query\": parse error: {what}"))
        })?;
        recognise(&parsed).ok_or(Refusal::Unsupported)
    }

    /// The series that are read.
    pub(super) fn selector(&self) -> &Selector {
        match self {
            Self::Instant(selector)
            | Self::Range(selector, _)
            | Self::SumOfIncreases { selector, .. }
            | Self::Fresh { selector, .. } => selector,
        }
    }
}

fn recognise(expression: &Expr) -> Option<Query> {
    match expression {
        Expr::Paren(inner) => recognise(&inner.expr),
        Expr::VectorSelector(vector) => Some(Query::Instant(selector(vector)?)),
        Expr::MatrixSelector(matrix) => {
            let (selector, range) = range(matrix)?;
            Some(Query::Range(selector, range))
        }
        Expr::Aggregate(aggregate) => sum_of_increases(aggregate),
        Expr::Binary(comparison) => fresh(comparison),
        _ => None,
    }
}

fn sum_of_increases(aggregate: &AggregateExpr) -> Option<Query> {
    let by = match &aggregate.modifier {
        None => Vec::new(),
        Some(LabelModifier::Include(names)) => names.labels.clone(),
        Some(LabelModifier::Exclude(_)) => return None,
    };
    let Expr::Call(call) = without_parens(&aggregate.expr) else {
        return None;
    };
    let [argument] = call.args.args.as_slice() else {
        return None;
    };
    match without_parens(argument) {
        Expr::MatrixSelector(matrix)
            if aggregate.op.id() == T_SUM && call.func.name == "increase" =>
        {
            let (selector, range) = range(matrix)?;
            Some(Query::SumOfIncreases {
                by,
                selector,
                range,
            })
        }
        _ => None,
    }
}

fn fresh(comparison: &BinaryExpr) -> Option<Query> {
    let returns_bool = comparison.modifier.as_ref().is_some_and(|m| m.return_bool);
    let Expr::Binary(age) = without_parens(&comparison.lhs) else {
        return None;
    };
    let (Expr::Call(clock), Expr::Aggregate(newest)) =
        (without_parens(&age.lhs), without_parens(&age.rhs))
    else {
        return None;
    };
    let is_age = age.op.id() == T_SUB && age.modifier.is_none() && clock.func.name == "time";
    let is_newest = newest.op.id() == T_MAX && newest.modifier.is_none();
    match (
        without_parens(&newest.expr),
        without_parens(&comparison.rhs),
    ) {
        (Expr::VectorSelector(gauge), Expr::NumberLiteral(limit))
            if comparison.op.id() == T_LSS && returns_bool && is_age && is_newest =>
        {
            let selector = selector(gauge)?;
            let limit = limit.val;
            Some(Query::Fresh { selector, limit })
        }
        _ => None,
    }
}

fn without_parens(expression: &Expr) -> &Expr {
    match expression {
        Expr::Paren(inner) => without_parens(&inner.expr),
        other => other,
    }
}

fn range(matrix: &MatrixSelector) -> Option<(Selector, Span)> {
    let millis = i64::try_from(matrix.range.as_millis()).ok()?;
    Some((selector(&matrix.vs)?, Span::from_millis(millis)))
}

fn selector(vector: &VectorSelector) -> Option<Selector> {
    let modified = vector.offset.is_some() || vector.at.is_some();
    if modified || !vector.matchers.or_matchers.is_empty() {
        return None;
    }
    let name = vector.name.iter().map(|name| Matcher {
        name: METRIC_NAME.to_owned(),
        op: MatchOp::Equal(name.clone()),
    });
    let mut matchers: Vec<Matcher> = name.collect();
    for parsed in &vector.matchers.matchers {
        let value = &parsed.value;
        let op = match parsed.op {
            ParsedOp::Equal => MatchOp::Equal(value.clone()),
            ParsedOp::NotEqual => MatchOp::NotEqual(value.clone()),
            ParsedOp::Re(_) => MatchOp::Regex(Pattern::new(value).ok()?),
            ParsedOp::NotRe(_) => MatchOp::NotRegex(Pattern::new(value).ok()?),
        };
        let name = parsed.name.clone();
        matchers.push(Matcher { name, op });
    }
    Some(Selector::new(matchers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let query = Query::parse(text).unwrap();
        let shown = match &query {
            Query::Instant(_) => "instant".to_owned(),
            Query::Range(_, range) => format!("range {range}"),
            Query::SumOfIncreases { by, range, .. } => format!("sum {by:?} {range}"),
            Query::Fresh { limit, .. } => format!("fresh {limit}"),
        };
        assert_eq!(format!("{} {shown}", query.selector()), expected, "{text}");
    }

    #[test]
    fn what_the_demo_needs_is_understood() {
        check("up", "up instant");
        check(r#"(x{a!="1",b=~"c|d"})"#, r#"x{a!="1",b=~"c|d"} instant"#);
        check(r#"{__name__="x",b!~"c"}[75s]"#, r#"x{b!~"c"} range 1m15s"#);
        check("sum(increase(x[1h]))", "x sum [] 1h");
        check(
            "sum by (a, b) ((increase((x[1h]))))",
            r#"x sum ["a", "b"] 1h"#,
        );
        check("sum(increase(x[5m])) by (a)", r#"x sum ["a"] 5m"#);
        check("time() - max(x) < bool 93600", "x fresh 93600");
        check("((time() - (max(x))) < bool (5))", "x fresh 5");
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "1",
            "sum(x)",
            "x offset 5m",
            "x[5m] offset 5m",
            "x @ 5",
            "x[5m:1m]",
            "rate(x[5m])",
            "increase(x[5m])",
            "avg(increase(x[5m]))",
            "sum(rate(x[5m]))",
            "sum without (a) (increase(x[5m]))",
            "sum(increase(x[5m])) / sum(increase(y[5m]))",
            "time() - max(x) < 5",
            "time() - max(x) > bool 5",
            "time() - min(x) < bool 5",
            "time() - max by (a) (x) < bool 5",
            "time() + max(x) < bool 5",
            "max(x) - time() < bool 5",
            "-x",
        ] {
            assert_eq!(Query::parse(text), Err(Refusal::Unsupported), "{text}");
        }
        let long = format!("{}x{}", "(".repeat(3000), ")".repeat(3000));
        assert_eq!(Query::parse(&long), Err(Refusal::Unsupported));
    }

    #[test]
    fn deep_nesting_is_survived() {
        let deep = format!("{}x{}", "(".repeat(2000), ")".repeat(2000));
        assert!(Query::parse(&deep).is_ok());
    }

    #[test]
    fn broken_text_is_bad_data() {
        for text in ["", "x{", "sum(", "x[5x]", "{}", r#"x{a=~"("}"#] {
            let refusal = Query::parse(text).unwrap_err();
            assert!(
                matches!(refusal, Refusal::BadData(_)),
                "{text}: {refusal:?}"
            );
        }
    }
}
