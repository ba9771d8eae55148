//! What the queries of slices yield, by a reader of the few operators that they are made of.

use std::collections::BTreeMap;

use promql_parser::parser::token::{
    T_ADD, T_DIV, T_EQLC, T_GTE, T_GTR, T_LOR, T_MUL, T_NEQ, T_SUB,
};

use super::*;

/// Values by instance.
type Vector = BTreeMap<&'static str, f64>;

enum Value {
    Scalar(f64),
    Vector(Vector),
}

/// The value of a query where each selector has the values that are given for its name.
fn value(expr: &Expr, series: &BTreeMap<&str, Vector>) -> Value {
    match expr {
        Expr::Paren(paren) => value(&paren.expr, series),
        Expr::NumberLiteral(number) => Value::Scalar(number.val),
        Expr::Aggregate(aggregate) => value(&aggregate.expr, series),
        Expr::Call(call) => value(&call.args.args[0], series),
        Expr::MatrixSelector(matrix) => {
            let name = matrix.vs.name.as_deref().unwrap();
            Value::Vector(series[name].clone())
        }
        Expr::Binary(binary) => {
            let (left, right) = (value(&binary.lhs, series), value(&binary.rhs, series));
            let (op, bool) = (binary.op.id(), binary.return_bool());
            Value::Vector(match (left, right) {
                (Value::Vector(mut left), Value::Vector(right)) if op == T_LOR => {
                    for (instance, value) in right {
                        left.entry(instance).or_insert(value);
                    }
                    left
                }
                (Value::Vector(left), Value::Vector(right)) => left
                    .into_iter()
                    .filter_map(|(instance, left)| {
                        Some((instance, apply(op, bool, left, *right.get(instance)?)?))
                    })
                    .collect(),
                (Value::Vector(left), Value::Scalar(right)) => left
                    .into_iter()
                    .filter_map(|(instance, left)| Some((instance, apply(op, bool, left, right)?)))
                    .collect(),
                _ => panic!("a scalar on the left: {expr}"),
            })
        }
        other => panic!("not in these queries: {other}"),
    }
}

fn apply(op: u16, bool: bool, left: f64, right: f64) -> Option<f64> {
    let holds = |holds: bool| match bool {
        true => Some(f64::from(u8::from(holds))),
        false => holds.then_some(left),
    };
    match op {
        T_ADD => Some(left + right),
        T_SUB => Some(left - right),
        T_MUL => Some(left * right),
        T_DIV => Some(left / right),
        T_GTR => holds(left > right),
        T_GTE => holds(left >= right),
        T_EQLC => holds(left == right),
        T_NEQ => holds(left != right),
        _ => panic!("operator {op}"),
    }
}

fn condition_of(classified: Classified) -> String {
    match classified.indicator {
        Indicator::Slices { condition, .. } => condition,
        other => panic!("{other:?}"),
    }
}

/// What a pair yields for instances `x` with these values; `None` is an absent series.
fn yields(
    texts: EventTexts<'_>,
    target: Target,
    first: Option<f64>,
    second: Option<f64>,
) -> String {
    let minute = Span::from_mins(1);
    let query = condition_of(slice_events(texts, minute, target, &[]).unwrap());
    let parsed = promql_parser::parser::parse(&query).unwrap();
    let vector = |value: Option<f64>| value.map(|value| ("x", value)).into_iter().collect();
    // Another instance, all of whose events are good, changes nothing.
    let mut series: BTreeMap<&str, Vector> =
        BTreeMap::from([("first", vector(first)), ("second", vector(second))]);
    let good = match texts.pair() {
        Pair::BadOfTotal => [0.0, 7.0],
        Pair::GoodOfTotal => [7.0, 7.0],
        Pair::BadAndGood => [0.0, 7.0],
    };
    for (name, value) in ["first", "second"].into_iter().zip(good) {
        series.get_mut(name).unwrap().insert("other", value);
    }
    let Value::Vector(result) = value(&parsed, &series) else {
        panic!("a scalar: {query}");
    };
    assert_eq!(result["other"], 1.0, "{query}");
    result
        .get("x")
        .map_or_else(|| "-".to_owned(), f64::to_string)
}

/// One line for each pair of values: graded, then with a target of 90 %.
fn table(texts: EventTexts<'_>) -> String {
    let cases = [
        (Some(1.0), Some(10.0)),
        (Some(2.0), Some(10.0)),
        (Some(10.0), Some(10.0)),
        (Some(0.0), Some(10.0)),
        (Some(0.0), Some(0.0)),
        (None, Some(10.0)),
        (None, Some(0.0)),
        (Some(3.0), None),
        (Some(0.0), None),
        (None, None),
    ];
    let shown =
        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let line = |(first, second)| {
        let [(one, _), (two, _)] = texts.named();
        let graded = yields(texts, Target::Graded, first, second);
        let strict = yields(texts, Target::Share(0.9), first, second);
        let (first, second) = (shown(first), shown(second));
        format!("{one} {first}, {two} {second}: {graded} {strict}")
    };
    cases.map(line).join("\n")
}

#[test]
fn bad_of_total() {
    let texts = EventTexts::BadOfTotal {
        bad: "first",
        total: "second",
    };
    insta::assert_snapshot!(table(texts), @"
    bad 1, total 10: 0.9 1
    bad 2, total 10: 0.8 0
    bad 10, total 10: 0 0
    bad 0, total 10: 1 1
    bad 0, total 0: 1 1
    bad -, total 10: 1 1
    bad -, total 0: 1 1
    bad 3, total -: - -
    bad 0, total -: - -
    bad -, total -: - -
    ");
}

#[test]
fn good_of_total() {
    let texts = EventTexts::GoodOfTotal {
        good: "first",
        total: "second",
    };
    insta::assert_snapshot!(table(texts), @"
    good 1, total 10: 0.1 0
    good 2, total 10: 0.2 0
    good 10, total 10: 1 1
    good 0, total 10: 0 0
    good 0, total 0: 1 1
    good -, total 10: 0 0
    good -, total 0: 1 1
    good 3, total -: - -
    good 0, total -: - -
    good -, total -: - -
    ");
}

#[test]
fn good_and_bad() {
    let texts = EventTexts::GoodAndBad {
        bad: "first",
        good: "second",
    };
    insta::assert_snapshot!(table(texts), @"
    bad 1, good 10: 0.9090909090909091 1
    bad 2, good 10: 0.8333333333333334 0
    bad 10, good 10: 0.5 0
    bad 0, good 10: 1 1
    bad 0, good 0: 1 1
    bad -, good 10: 1 1
    bad -, good 0: 1 1
    bad 3, good -: 0 0
    bad 0, good -: 1 1
    bad -, good -: - -
    ");
}

#[test]
fn a_share_of_nothing_is_good() {
    let query = condition_of(graded("rate(first[$window])", Span::from_mins(1)).unwrap());
    let parsed = promql_parser::parser::parse(&query).unwrap();
    let values = [("a", 0.25), ("b", f64::NAN), ("c", 0.0), ("d", -1.0)];
    let series = BTreeMap::from([("first", Vector::from(values))]);
    let Value::Vector(result) = value(&parsed, &series) else {
        panic!("a scalar: {query}");
    };
    let expected = [("a", 0.25), ("b", 1.0), ("c", 0.0), ("d", 0.0)];
    assert_eq!(result, Vector::from(expected));
}

#[test]
fn a_slice_at_its_target_is_good() {
    let texts = EventTexts::BadOfTotal {
        bad: "first",
        total: "second",
    };
    for percent in 1..100 {
        let target = Target::Share(f64::from(percent) / 100.0);
        let bad = Some(f64::from(100 - percent));
        assert_eq!(yields(texts, target, bad, Some(100.0)), "1", "{percent}");
        let worse = Some(f64::from(101 - percent));
        assert_eq!(yields(texts, target, worse, Some(100.0)), "0", "{percent}");
    }
}
