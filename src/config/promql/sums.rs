//! Recognises linear combinations of sums of counters in a PromQL tree.

use promql_parser::parser::token::{T_ADD, T_DIV, T_LOR, T_MUL, T_SUB, T_SUM};
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality,
};

use crate::engine::Term;

use super::selector::selector;
use super::text::WINDOW;
use super::{Grouping, unwrap_parens};

/// An expression as a weighted sum of counters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sums {
    /// What is added up; no selector twice, no coefficient 0.
    pub(super) terms: Vec<Term>,
    /// How the counters are read.
    pub(super) reading: Reading,
    /// How their series are grouped.
    pub(super) grouping: Grouping,
}

/// What is taken of each counter. The same reading on both sides of a ratio cancels out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// The selector alone: this definition's way to say "its increase".
    Counters,
    /// `rate(..)`.
    Rate,
    /// `increase(..)`.
    Increase,
}

impl Reading {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Counters => "bare counters",
            Self::Rate => "rates per second",
            Self::Increase => "increases",
        }
    }
}

/// Why an expression is not a sum of counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotSums {
    /// It is something else; PromQL can still be asked for it.
    Direct(String),
    /// It makes no sense in PromQL either.
    Wrong(String),
}

fn direct<T>(reason: impl Into<String>) -> Result<T, NotSums> {
    Err(NotSums::Direct(reason.into()))
}

fn wrong<T>(message: impl Into<String>) -> Result<T, NotSums> {
    Err(NotSums::Wrong(message.into()))
}

/// Takes an expression apart. The tree's depth is bounded by the text it came from.
pub(super) fn decompose(expr: &Expr) -> Result<Sums, NotSums> {
    match expr {
        Expr::Paren(paren) => decompose(&paren.expr),
        Expr::Unary(unary) => scale(decompose(&unary.expr)?, -1.0),
        Expr::Binary(binary) => decompose_binary(binary),
        Expr::Aggregate(aggregate) => decompose_sum(aggregate),
        Expr::Call(call) => decompose_call(call),
        Expr::VectorSelector(parsed) => Ok(Sums {
            terms: vec![Term {
                coefficient: 1.0,
                selector: selector(parsed).map_err(NotSums::Direct)?,
            }],
            reading: Reading::Counters,
            grouping: Grouping::Unstated,
        }),
        Expr::Subquery(_) => direct("a subquery is not a sum of counters"),
        Expr::NumberLiteral(_) => direct("a number is not a counter"),
        Expr::StringLiteral(_) | Expr::MatrixSelector(_) | Expr::Extension(_) => {
            wrong("the query yields no number per instance")
        }
    }
}

fn decompose_sum(aggregate: &AggregateExpr) -> Result<Sums, NotSums> {
    if aggregate.op.id() != T_SUM {
        return direct(format!("`{}` is not a sum of counters", aggregate.op));
    }
    let inner = decompose(&aggregate.expr)?;
    let sorted = |labels: &[String]| {
        let mut labels = labels.to_vec();
        labels.sort();
        labels.dedup();
        labels
    };
    let grouping = match &aggregate.modifier {
        None => Grouping::By(Vec::new()),
        Some(LabelModifier::Include(names)) => Grouping::By(sorted(&names.labels)),
        Some(LabelModifier::Exclude(names)) => Grouping::Without(sorted(&names.labels)),
    };
    let regroups = match (&inner.grouping, &grouping) {
        (Grouping::Unstated, _) => true,
        (Grouping::By(inner), Grouping::By(outer)) => outer.iter().all(|l| inner.contains(l)),
        (_, Grouping::By(outer)) => outer.is_empty(),
        _ => false,
    };
    if !regroups {
        return direct("a sum groups by labels that an inner sum has removed");
    }
    Ok(Sums { grouping, ..inner })
}

fn decompose_call(call: &Call) -> Result<Sums, NotSums> {
    let reading = match call.func.name {
        "rate" => Reading::Rate,
        "increase" => Reading::Increase,
        other => return direct(format!("`{other}` is not a sum of counters")),
    };
    let [argument] = call.args.args.as_slice() else {
        return wrong(format!("`{}` takes one range", call.func.name));
    };
    let Expr::MatrixSelector(matrix) = unwrap_parens(argument) else {
        return direct("a subquery is not a sum of counters");
    };
    let selector = selector(&matrix.vs).map_err(NotSums::Direct)?;
    if matrix.range != WINDOW {
        return direct("one of its ranges is not $window");
    }
    Ok(Sums {
        terms: vec![Term {
            coefficient: 1.0,
            selector,
        }],
        reading,
        grouping: Grouping::Unstated,
    })
}

fn decompose_binary(binary: &BinaryExpr) -> Result<Sums, NotSums> {
    let op = binary.op.id();
    if op == T_LOR && is_zero(&binary.rhs) && !joins(binary) {
        return decompose(&binary.lhs);
    }
    if joins(binary) {
        return direct("it joins series by labels");
    }
    match (op, number(&binary.lhs), number(&binary.rhs)) {
        (T_MUL, Some(factor), None) => scale(decompose(&binary.rhs)?, factor),
        (T_MUL, None, Some(factor)) => scale(decompose(&binary.lhs)?, factor),
        (T_DIV, None, Some(divisor)) => scale(decompose(&binary.lhs)?, 1.0 / divisor),
        (T_ADD, None, None) => combine(decompose(&binary.lhs)?, &decompose(&binary.rhs)?, 1.0),
        (T_SUB, None, None) => combine(decompose(&binary.lhs)?, &decompose(&binary.rhs)?, -1.0),
        (T_ADD | T_SUB, ..) => direct("it adds a number to counters"),
        _ => direct(format!("`{}` between these is not a sum", binary.op)),
    }
}

/// Whether a modifier decides which series meet; `on()` with `or` only says "if there is nothing".
pub(super) fn joins(binary: &BinaryExpr) -> bool {
    let Some(modifier) = &binary.modifier else {
        return false;
    };
    let plain_card = matches!(
        modifier.card,
        VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany
    );
    let plain_matching = match &modifier.matching {
        None => true,
        Some(LabelModifier::Include(labels)) => labels.is_empty() && binary.op.id() == T_LOR,
        Some(LabelModifier::Exclude(_)) => false,
    };
    let fill = &modifier.fill_values;
    !plain_card || !plain_matching || fill.lhs.is_some() || fill.rhs.is_some()
}

/// `vector(0)`
pub(super) fn is_zero(expr: &Expr) -> bool {
    match unwrap_parens(expr) {
        Expr::Call(call) if call.func.name == "vector" => {
            matches!(call.args.args.as_slice(), [zero] if number(zero) == Some(0.0))
        }
        _ => false,
    }
}

/// The value of an expression made of numbers only.
pub(super) fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::NumberLiteral(literal) => Some(literal.val),
        Expr::Paren(paren) => number(&paren.expr),
        Expr::Unary(unary) => Some(-number(&unary.expr)?),
        Expr::Binary(binary) => {
            let (left, right) = (number(&binary.lhs)?, number(&binary.rhs)?);
            match binary.op.id() {
                T_ADD => Some(left + right),
                T_SUB => Some(left - right),
                T_MUL => Some(left * right),
                T_DIV => Some(left / right),
                _ => None,
            }
        }
        _ => None,
    }
}

fn scale(sums: Sums, factor: f64) -> Result<Sums, NotSums> {
    if !factor.is_finite() {
        return wrong("a factor is not a finite number: is it a division by zero?");
    }
    let terms = add(Vec::new(), &sums.terms, factor);
    Ok(Sums { terms, ..sums })
}

fn combine(left: Sums, right: &Sums, factor: f64) -> Result<Sums, NotSums> {
    if left.reading != right.reading {
        return wrong(format!(
            "it mixes {} and {}: write all of them the same way",
            left.reading.as_str(),
            right.reading.as_str()
        ));
    }
    let loose =
        |sums: &Sums| sums.reading != Reading::Counters && sums.grouping == Grouping::Unstated;
    if loose(&left) || loose(right) {
        return direct("it matches single series by their labels before they are summed");
    }
    let Some(grouping) = left.grouping.join(&right.grouping) else {
        return wrong("it combines sums grouped by different labels, which never match");
    };
    Ok(Sums {
        terms: add(left.terms, &right.terms, factor),
        reading: left.reading,
        grouping,
    })
}

/// `terms + factor * more`, equal selectors merged, what cancels out dropped.
pub(super) fn add(mut terms: Vec<Term>, more: &[Term], factor: f64) -> Vec<Term> {
    for term in more {
        let coefficient = term.coefficient * factor;
        match terms.iter_mut().find(|t| t.selector == term.selector) {
            Some(known) => known.coefficient += coefficient,
            None => terms.push(Term {
                coefficient,
                selector: term.selector.clone(),
            }),
        }
    }
    terms.retain(|term| term.coefficient != 0.0);
    terms
}

impl Grouping {
    /// The grouping of both, when they fit together.
    pub(super) fn join(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Unstated, any) | (any, Self::Unstated) => Some(any.clone()),
            (one, two) => (one == two).then(|| one.clone()),
        }
    }
}
