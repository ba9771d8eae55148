//! PromQL in a normal form, so that two texts can be compared for what they mean: brackets, the
//! order of matchers and labels, spacing and the way a number is written do not count.

use std::time::Duration;

use promql_parser::parser::{
    self, BinModifier, Expr, LabelModifier, Offset, VectorMatchCardinality, VectorSelector,
};

/// The normal form; anything that is no PromQL fails the test.
pub(crate) fn normal(text: &str) -> String {
    let expr = parser::parse(text).unwrap_or_else(|error| panic!("{error} in:\n{text}"));
    form(&expr)
}

fn form(expr: &Expr) -> String {
    if let Some(number) = folded(expr) {
        return format!("{number:.8e}");
    }
    match expr {
        Expr::Paren(paren) => form(&paren.expr),
        Expr::Unary(unary) => format!("-{}", form(&unary.expr)),
        Expr::Binary(binary) => {
            let modifier = binary.modifier.as_ref().map_or(String::new(), matching);
            let (left, right) = (form(&binary.lhs), form(&binary.rhs));
            format!("({left} {}{modifier} {right})", binary.op)
        }
        Expr::Aggregate(aggregate) => {
            let grouping = aggregate.modifier.as_ref().map_or(String::new(), grouping);
            let param = aggregate.param.as_ref();
            let param = param.map_or(String::new(), |param| form(param) + ", ");
            format!(
                "{}{grouping}({param}{})",
                aggregate.op,
                form(&aggregate.expr)
            )
        }
        Expr::Subquery(subquery) => {
            let step = subquery.step.map_or(String::new(), millis);
            let (inner, range) = (form(&subquery.expr), millis(subquery.range));
            format!(
                "{inner}[{range}:{step}]{}",
                offset(subquery.offset.as_ref())
            )
        }
        Expr::NumberLiteral(number) => format!("{:.8e}", number.val),
        Expr::StringLiteral(string) => format!("{:?}", string.val),
        Expr::VectorSelector(vector) => selector(vector),
        Expr::MatrixSelector(matrix) => {
            format!("{}[{}]", selector(&matrix.vs), millis(matrix.range))
        }
        Expr::Call(call) => {
            let arguments = call.args.args.iter().map(|argument| form(argument));
            let arguments: Vec<String> = arguments.collect();
            format!("{}({})", call.func.name, arguments.join(", "))
        }
        Expr::Extension(_) => panic!("no text yields an extension"),
    }
}

/// The value of what is made of numbers alone.
fn folded(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::NumberLiteral(number) => Some(number.val),
        Expr::Paren(paren) => folded(&paren.expr),
        Expr::Unary(unary) => Some(-folded(&unary.expr)?),
        Expr::Binary(binary) => {
            let (left, right) = (folded(&binary.lhs)?, folded(&binary.rhs)?);
            match binary.op.to_string().as_str() {
                "+" => Some(left + right),
                "-" => Some(left - right),
                "*" => Some(left * right),
                "/" => Some(left / right),
                _ => None,
            }
        }
        _ => None,
    }
}

fn selector(vector: &VectorSelector) -> String {
    let mut matchers: Vec<String> = vector
        .matchers
        .matchers
        .iter()
        .map(|matcher| format!("{}{}{:?}", matcher.name, matcher.op, matcher.value))
        .collect();
    assert!(
        vector.matchers.or_matchers.is_empty(),
        "no rule has `or` between matchers"
    );
    assert!(vector.at.is_none(), "no rule has a fixed time");
    matchers.sort();
    let name = vector.name.as_deref().unwrap_or_default();
    let offset = offset(vector.offset.as_ref());
    format!("{name}{{{}}}{offset}", matchers.join(","))
}

fn matching(modifier: &BinModifier) -> String {
    let mut text = String::new();
    if modifier.return_bool {
        text.push_str(" bool");
    }
    match &modifier.matching {
        Some(LabelModifier::Include(labels)) => text += &format!(" on{}", sorted(&labels.labels)),
        Some(LabelModifier::Exclude(labels)) => {
            text += &format!(" ignoring{}", sorted(&labels.labels));
        }
        None => {}
    }
    match &modifier.card {
        VectorMatchCardinality::ManyToOne(labels) => {
            text += &format!(" group_left{}", sorted(&labels.labels));
        }
        VectorMatchCardinality::OneToMany(labels) => {
            text += &format!(" group_right{}", sorted(&labels.labels));
        }
        VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => {}
    }
    text
}

fn grouping(modifier: &LabelModifier) -> String {
    match modifier {
        LabelModifier::Include(labels) => format!(" by{}", sorted(&labels.labels)),
        LabelModifier::Exclude(labels) => format!(" without{}", sorted(&labels.labels)),
    }
}

fn sorted(labels: &[String]) -> String {
    let mut labels = labels.to_vec();
    labels.sort();
    format!("({})", labels.join(","))
}

fn offset(offset: Option<&Offset>) -> String {
    match offset {
        None => String::new(),
        Some(Offset::Pos(length)) => format!(" offset {}", millis(*length)),
        Some(Offset::Neg(length)) => format!(" offset -{}", millis(*length)),
    }
}

fn millis(length: Duration) -> String {
    format!("{}ms", length.as_millis())
}

#[test]
fn what_means_the_same_has_one_form() {
    for (one, other) in [
        (
            "sum(rate(a{x=\"1\",y!~\"2\"}[1w]))",
            "sum( rate(a{y!~\"2\", x=\"1\"}[7d]) )",
        ),
        ("sum(a) by (y, x)", "(sum by (x,y) (a))"),
        ("a > (14.4 * 0.0009999999999999432)", "a > 0.0144"),
        ("vector(1-0.9990000000000001)", "vector(0.001)"),
        (
            "a / on(b, c) group_left d",
            "a / on (c,b) group_left () (d)",
        ),
    ] {
        assert_eq!(normal(one), normal(other));
    }
    for (one, other) in [
        ("a > 14.4", "a > 14.5"),
        ("a or b", "b or a"),
        ("rate(a[5m])", "rate(a[6m])"),
        ("sum by (x) (a)", "sum without (x) (a)"),
        ("a < bool 1", "a < 1"),
        ("(a - b) / c", "a - b / c"),
        ("a{x=\"1\"}", "a{x=~\"1\"}"),
        ("max_over_time(a[5m:1m])", "max_over_time(a[5m:])"),
    ] {
        assert_ne!(normal(one), normal(other));
    }
}
