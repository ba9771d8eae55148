//! What each kind of text becomes, how mistakes read, and that no text panics.

use std::fmt::Write;

use proptest::prelude::*;

use super::selector::bucket_bound;
use super::*;
use crate::engine::{Span, Term};

/// One line per fact: path, terms or queries, reason; or the error with its place.
fn show(result: Result<Classified, PromqlError>) -> String {
    let classified = match result {
        Ok(classified) => classified,
        Err(error) => {
            let place = error.offset.map(|at| format!(" (at {at})"));
            return format!("ERROR {error}{}", place.unwrap_or_default());
        }
    };
    let mut out = classified.indicator.path().to_owned();
    match &classified.grouping {
        Grouping::Unstated => {}
        grouping => write!(out, " {grouping:?}").unwrap(),
    }
    let terms = |side: &str, terms: &[Term]| {
        let shown = terms
            .iter()
            .map(|t| format!(" {:+} {}", t.coefficient, t.selector));
        format!("\n{side}:{}", shown.collect::<String>())
    };
    let hour = Span::from_hours(1);
    match &classified.indicator {
        Indicator::Counters { bad, total } => {
            out += &terms("  bad", bad);
            out += &terms("  total", total);
        }
        Indicator::Windows(WindowQuery::Events { bad, total, .. }) => {
            write!(
                out,
                "\n  bad: {}\n  total: {}",
                bad.render(hour),
                total.render(hour)
            )
            .unwrap();
        }
        Indicator::Windows(WindowQuery::Ratio { error_ratio }) => {
            write!(out, "\n  ratio: {}", error_ratio.render(hour)).unwrap();
        }
        Indicator::Slices {
            condition, slice, ..
        } => {
            write!(out, "\n  every {slice}: {condition}").unwrap();
        }
        Indicator::Composite(composite) => panic!("no text yields {composite:?}"),
    }
    if !classified.why.starts_with("it is made of sums of counters") {
        write!(out, "\n  why: {}", classified.why).unwrap();
    }
    out
}

fn bad(numerator: &str, total: &str) -> String {
    show(bad_of(numerator, total))
}

fn good(numerator: &str, total: &str) -> String {
    let good = numerator;
    show(events(EventTexts::GoodOfTotal { good, total }))
}

fn bad_of(bad: &str, total: &str) -> Result<Classified, PromqlError> {
    events(EventTexts::BadOfTotal { bad, total })
}

/// A bad-events query beside a total that is certainly right.
fn beside_total(numerator: &str) -> String {
    bad(numerator, "sum(rate(all_total[$window]))")
}

#[test]
fn bare_counters_are_summed() {
    insta::assert_snapshot!(
        bad(r#"http_requests_total{code=~"5.."}"#, "http_requests_total"),
        @r#"
    exact
      bad: +1 http_requests_total{code=~"5.."}
      total: +1 http_requests_total
    "#
    );
    insta::assert_snapshot!(
        good(r#"reads{ok="1"}"#, r#"{__name__=~"reads|writes",job='a'}"#),
        @r#"
    exact
      bad: +1 {__name__=~"reads|writes",job="a"} -1 reads{ok="1"}
      total: +1 {__name__=~"reads|writes",job="a"}
    "#
    );
    insta::assert_snapshot!(
        bad("5xx_total", "http_requests_total"),
        @"ERROR bad: not valid PromQL: bad number or duration syntax: 5x"
    );
}

#[test]
fn sums_of_rates_are_taken_apart() {
    insta::assert_snapshot!(
        bad(
            r#"sum(rate(http_requests_total{job="x",code=~"5.."}[$window]))"#,
            r#"sum(rate(http_requests_total{job="x"}[{{.window}}]))"#,
        ),
        @r#"
    exact By([])
      bad: +1 http_requests_total{code=~"5..",job="x"}
      total: +1 http_requests_total{job="x"}
    "#
    );
    insta::assert_snapshot!(
        good(
            "sum by (route, job) (increase(good_total[{{   .window}}])) or vector(0)",
            "(sum(increase(all_total[ $window ])) by (job, route)) or on() vector(0)",
        ),
        @r#"
    exact By(["job", "route"])
      bad: +1 all_total -1 good_total
      total: +1 all_total
    "#
    );
    insta::assert_snapshot!(
        bad(
            "-(sum(rate(a[$window])) - 2 * sum(rate(b[$window]))/(1+3)) + sum(rate(a[$window]))*3",
            "sum(sum without (pod) (rate(c[$window])) * 2)",
        ),
        @r"
    exact By([])
      bad: +2 a +0.5 b
      total: +2 c
    "
    );
    insta::assert_snapshot!(
        bad("rate(a[$window])", "sum without (pod, node) (rate(b[$window]))"),
        @r#"
    exact Without(["node", "pod"])
      bad: +1 a
      total: +1 b
    "#
    );
    insta::assert_snapshot!(
        bad(r#"sum(rate({"my.metric","l.x"="1"}[$window]))"#, r#"sum(rate({"my.metric"}[$window]))"#),
        @r#"
    exact By([])
      bad: +1 {__name__="my.metric","l.x"="1"}
      total: +1 {__name__="my.metric"}
    "#
    );
}

#[test]
fn what_is_no_sum_is_asked_per_window() {
    let cases = [
        "sum(rate(a[$window] offset 5m))",
        "sum(rate(a[$window] @ end()))",
        "sum(rate(a[$window:30s]))",
        "sum(irate(a[$window]))",
        "max(rate(a[$window]))",
        "sum(rate(job:a:sum[$window]))",
        "sum(rate(a[$window])) and on() sum(rate(b[5m])) > 0",
        "sum(rate(a[$window])) + sum(rate(b[5m]))",
        "sum(rate(a[$window])) + on() group_left sum(rate(b[$window]))",
        "rate(a[$window]) + rate(b[$window])",
        "sum(rate(a[$window])) or vector(1)",
        "sum(rate(a[$window])) ^ 2",
        "sum(rate(a[$window])) + 1",
        "1 / sum(rate(a[$window]))",
        "sum by (x) (sum by (y) (rate(a[$window])))",
        r#"sum(rate({job="a"}[$window]))"#,
        r#"sum(rate(a{b="1" or c="2"}[$window]))"#,
    ];
    let shown: Vec<String> = cases
        .iter()
        .map(|case| {
            let shown = beside_total(case);
            let reason = shown.rsplit_once("why: ").map(|(_, why)| why.to_owned());
            assert!(shown.starts_with("direct\n"), "{case}: {shown}");
            let reason = reason.unwrap();
            format!(
                "{case}\n  {}",
                reason.split(", so Prometheus").next().unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    sum(rate(a[$window] offset 5m))
      `offset` and `@` move the window
    sum(rate(a[$window] @ end()))
      `offset` and `@` move the window
    sum(rate(a[$window:30s]))
      a subquery is not a sum of counters
    sum(irate(a[$window]))
      `irate` is not a sum of counters
    max(rate(a[$window]))
      `max` is not a sum of counters
    sum(rate(job:a:sum[$window]))
      `job:a:sum` looks like a recording rule, whose value is not a raw counter
    sum(rate(a[$window])) and on() sum(rate(b[5m])) > 0
      it joins series by labels
    sum(rate(a[$window])) + sum(rate(b[5m]))
      one of its ranges is not $window
    sum(rate(a[$window])) + on() group_left sum(rate(b[$window]))
      it joins series by labels
    rate(a[$window]) + rate(b[$window])
      it matches single series by their labels before they are summed
    sum(rate(a[$window])) or vector(1)
      `or` between these is not a sum
    sum(rate(a[$window])) ^ 2
      `^` between these is not a sum
    sum(rate(a[$window])) + 1
      it adds a number to counters
    1 / sum(rate(a[$window]))
      `/` between these is not a sum
    sum by (x) (sum by (y) (rate(a[$window])))
      a sum groups by labels that an inner sum has removed
    sum(rate({job="a"}[$window]))
      the selector has no metric name
    sum(rate(a{b="1" or c="2"}[$window]))
      `or` between matchers is not known here
    "#);
    insta::assert_snapshot!(
        good("max(rate(a[$window])) # peak", "sum(rate(b[{{ .window }}]))"),
        @"
    direct
      bad: ((sum(rate(b[1h]))) - (max(rate(a[1h])) # peak
    )) or (sum(rate(b[1h])))
      total: sum(rate(b[1h]))
      why: `max` is not a sum of counters, so Prometheus evaluates the query once per window
    "
    );
}

#[test]
fn mistakes_say_how_to_fix_them() {
    let cases = [
        bad("sum(rate(a[5m]))", "sum(rate(b[$window]))"),
        bad(
            "sum(rate(a[$window]))",
            "sum(rate(b{x=\"[$window]\"}[ 5m ]))",
        ),
        bad("job:errors:rate5m", "job:requests:rate5m"),
        bad("avg(a)", "b"),
        bad("sum(rate(a[$__rate_interval]))", "b"),
        bad("sum(rate(a[{{.range}}]))", "b"),
        bad("sum(rate(a[$window]))", "sum(increase(b[$window]))"),
        bad("a", "sum(rate(b[$window]))"),
        bad("sum(rate(a[$window])) + sum(increase(b[$window]))", "b"),
        bad("sum by (x) (rate(a[$window]))", "sum(rate(b[$window]))"),
        bad("sum by (x) (a) + sum by (y) (b)", "c"),
        bad("a", "a"),
        bad("sum(rate(a[$window])) / 0", "b"),
        bad("a - a", "b"),
        bad("a[$window]", "b"),
        bad("\"text\"", "b"),
        bad("5", "b"),
        bad("{job=\"x\"}", "b"),
        bad("", "b"),
        bad("sum(rate(a[$window])", "b"),
        bad("sum(rate(a[$window)])", "b"),
        bad("a{b=\"c}", "b"),
        bad("a{b=~\"(\"}", "b"),
        bad("foo(a)", "b"),
        bad("a b", "b"),
    ];
    insta::assert_snapshot!(cases.join("\n"), @"
    ERROR bad: [5m] measures the same window for every tier: write [$window] (at 10)
    ERROR total: [ 5m ] measures the same window for every tier: write [$window] (at 25)
    ERROR bad: `job:errors:rate5m` looks like a recording rule, whose value is not a raw counter, so the query must say where the window goes: write a range as [$window]
    ERROR bad: `avg` is not a sum of counters, so the query must say where the window goes: write a range as [$window]
    ERROR bad: `$__rate_interval` is no placeholder: the window is written $window or {{.window}} (at 11)
    ERROR bad: `{{.range}}` is no placeholder: the window is written $window or {{.window}} (at 11)
    ERROR bad: one query reads rates per second, the other increases: their ratio means nothing, write both the same way
    ERROR bad: one query reads bare counters, the other rates per second: their ratio means nothing, write both the same way
    ERROR bad: it mixes rates per second and increases: write all of them the same way
    ERROR bad: the two queries group by different labels, so their series would never match
    ERROR bad: it combines sums grouped by different labels, which never match
    ERROR bad: both queries count the same events, so the ratio never changes
    ERROR bad: a factor is not a finite number: is it a division by zero?
    ERROR bad: the query counts nothing
    ERROR bad: the query yields no number per instance
    ERROR bad: the query yields no number per instance
    ERROR bad: a number is not a counter, so the query must say where the window goes: write a range as [$window]
    ERROR bad: the selector has no metric name, so the query must say where the window goes: write a range as [$window]
    ERROR bad: not valid PromQL: no expression found in input
    ERROR bad: `(` is never closed (at 3)
    ERROR bad: `)` closes nothing (at 18)
    ERROR bad: the text in quotes is never closed (at 4)
    ERROR bad: not valid PromQL: illegal regex for (
    ERROR bad: not valid PromQL: unknown function with name 'foo'
    ERROR bad: not valid PromQL: invalid promql query
    ");
}

#[test]
fn latency_thresholds_match_both_spellings_of_a_bound() {
    insta::assert_snapshot!(
        show(latency(r#"request_seconds_bucket{job="x"}"#, 0.3)),
        @r#"
    exact
      bad: +1 request_seconds_count{job="x"} -1 request_seconds_bucket{job="x",le="0.3"}
      total: +1 request_seconds_count{job="x"}
    "#
    );
    let bounds = [5.0, 0.3, 2.5, 1e6, 1_234_567.0, 0.000_05, 1e21];
    let shown: Vec<String> = bounds
        .iter()
        .map(|bound| bucket_bound(*bound).unwrap())
        .map(|m| format!("{} {}", m.op.parts().0, m.op.parts().1))
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    =~ 5|5\.0
    = 0.3
    = 2.5
    =~ 1000000|1000000\.0|1e\+06
    =~ 1234567|1234567\.0|1\.234567e\+06
    =~ 0\.00005|5e\-05
    =~ 1000000000000000000000|1000000000000000000000\.0|1e\+21
    ");
    for (bound, texts) in [
        (5.0, ["5", "5.0"]),
        (1e6, ["1e+06", "1000000.0"]),
        (5e-5, ["5e-05", "0.00005"]),
    ] {
        for text in texts {
            assert!(bucket_bound(bound).unwrap().op.matches(text), "{text}");
        }
        assert!(!bucket_bound(bound).unwrap().op.matches("50"));
    }
    let mistakes = [
        latency("request_seconds", f64::NAN),
        latency("request_seconds", 0.0),
        latency("request_seconds", f64::INFINITY),
        latency("request_seconds_bucket{le=\"0.3\"}", 0.3),
        latency("rate(request_seconds[$window])", 0.3),
        latency("{__name__=~\"request.*\"}", 0.3),
        latency("request_seconds offset 5m", 0.3),
    ];
    insta::assert_snapshot!(mistakes.map(show).join("\n"), @r#"
    ERROR histogram: the threshold NaNs is not a positive number
    ERROR histogram: the threshold 0s is not a positive number
    ERROR histogram: the threshold infs is not a positive number
    ERROR histogram: the bound comes from the threshold: remove the matcher on `le`
    ERROR histogram: a histogram is named by a bare selector such as request_duration_seconds{job="x"}
    ERROR histogram: a histogram needs a literal metric name
    ERROR histogram: `offset` and `@` move the window
    "#);
}

#[test]
fn a_condition_yields_zero_when_it_does_not_hold() {
    let minute = Span::from_mins(1);
    let cases = [
        "up",
        "time() - last_success_seconds < 300",
        "((a == b))",
        "(a) > (b)",
        "a <= bool 5",
        "a > BOOL 5",
        "a != on (job) b",
        "scalar(a) >= 3",
        "1 < bool 2 == 1",
        "sum(a{x!=\"1\"} > 3) / 2",
        "(a < 5) * (b < bool 3)",
        "(a < bool 5) or vector(0)",
        "(a < bool 5) and on() (b > 0)",
        "# only > comments\na{x=\"<\"} < 5 # < 3",
    ];
    let shown: Vec<String> = cases
        .iter()
        .map(|case| match condition(case, minute).unwrap().indicator {
            Indicator::Slices { condition, .. } => format!("{case}  =>  {condition}"),
            other => panic!("{other:?}"),
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    up  =>  up
    time() - last_success_seconds < 300  =>  time() - last_success_seconds < bool 300
    ((a == b))  =>  ((a == bool b))
    (a) > (b)  =>  (a) > bool (b)
    a <= bool 5  =>  a <= bool 5
    a > BOOL 5  =>  a > BOOL 5
    a != on (job) b  =>  a != bool on (job) b
    scalar(a) >= 3  =>  scalar(a) >= bool 3
    1 < bool 2 == 1  =>  1 < bool 2 == bool 1
    sum(a{x!="1"} > 3) / 2  =>  sum(a{x!="1"} > 3) / 2
    (a < 5) * (b < bool 3)  =>  (a < 5) * (b < bool 3)
    (a < bool 5) or vector(0)  =>  (a < bool 5) or vector(0)
    (a < bool 5) and on() (b > 0)  =>  (a < bool 5) and on() (b > 0)
    # only > comments
    a{x="<"} < 5 # < 3  =>  # only > comments
    a{x="<"} < bool 5 # < 3
    "#);
    let mistakes = [
        condition("a < 5 and b < 3", minute),
        condition("a < 5 or vector(0)", minute),
        condition("rate(a[$window]) > 0", minute),
        condition("a[5m]", minute),
        condition("\"a\"", minute),
        condition("a <", minute),
        condition("a", Span::ZERO),
    ];
    insta::assert_snapshot!(mistakes.map(show).join("\n"), @"
    ERROR condition: a comparison drops series instead of yielding 0, so no slice could be bad: write `bool` after the operator and combine with `*`
    ERROR condition: a comparison drops series instead of yielding 0, so no slice could be bad: write `bool` after the operator and combine with `*`
    ERROR condition: a condition has no window: write a range such as [5m] (at 7)
    ERROR condition: a condition yields one number per instance, not a range or a text
    ERROR condition: a condition yields one number per instance, not a range or a text
    ERROR condition: not valid PromQL: invalid promql query
    ERROR condition: a time slice is longer than 0s
    ");
}

#[test]
fn plain_quotients_are_taken_apart() {
    insta::assert_snapshot!(
        show(ratio(
            "sum(rate(a_total{code=~\"5..\"}[$window])) / sum(rate(a_total[$window]))"
        )),
        @r#"
    exact By([])
      bad: +1 a_total{code=~"5.."}
      total: +1 a_total
    "#
    );
    insta::assert_snapshot!(
        show(ratio(
            "(1 - (sum by (job) (rate(good[$window])) / sum by (job) (rate(a[$window]))))"
        )),
        @r#"
    exact By(["job"])
      bad: +1 a -1 good
      total: +1 a
    "#
    );
    for other in [
        "1 - (1 - sum(rate(a[$window])) / sum(rate(b[$window])))",
        "2 - sum(rate(a[$window])) / sum(rate(b[$window]))",
        "sum(rate(a[$window])) / on() sum(rate(b[$window]))",
        "sum(rate(a[$window])) / (sum(rate(b[$window])) > 0)",
        "avg_over_time(error_ratio[$window])",
    ] {
        let shown = show(ratio(other));
        assert!(shown.starts_with("direct\n  ratio: "), "{other}: {shown}");
    }
    let mistakes = [
        ratio("a / b"),
        ratio("sum(rate(a[5m])) / sum(rate(b[5m]))"),
        ratio("sum by (x) (rate(a[$window])) / sum(rate(b[$window]))"),
        ratio("sum(rate(a[$window])) / sum(rate(a[$window]))"),
    ];
    insta::assert_snapshot!(mistakes.map(show).join("\n"), @"
    ERROR error_ratio: a ratio of bare counters has no window, so the query must say where the window goes: write a range as [$window]
    ERROR error_ratio: [5m] measures the same window for every tier: write [$window] (at 10)
    ERROR error_ratio: the two queries group by different labels, so their series would never match
    ERROR error_ratio: both queries count the same events, so the ratio never changes
    ");
}

#[test]
fn hostile_texts_are_refused_before_they_are_parsed() {
    let deep = format!("{}a{}", "(".repeat(20_000), ")".repeat(20_000));
    let chain = vec!["a"; 20_000].join("+");
    let words = vec!["a"; 10_000].join(" or ");
    let unary = format!("{}a", "-".repeat(30_000));
    let long = "a".repeat(70_000);
    let subqueries = format!("a{}", "[5m:]".repeat(10_000));
    for (text, expected) in [
        (deep, "nest deeper"),
        (chain, "more than 256 operators"),
        (words, "more than 256 operators"),
        (unary, "more than 256 operators"),
        (subqueries, "more than 256 operators"),
        (long, "longer than 65536 bytes"),
    ] {
        let error = bad_of(&text, "b").unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    for text in [
        "a[1e300]",
        "a offset 1e300",
        "a{b=\"\\é\"}",
        "a[-1]",
        "\u{feff}a",
        "é",
    ] {
        let error = bad_of(text, "b").unwrap_err();
        assert!(
            error.message.contains("not valid PromQL"),
            "{text}: {error}"
        );
    }
}

#[test]
fn the_largest_allowed_trees_fit_on_a_small_stack() {
    let largest = [
        format!("{}a{}", "sum(".repeat(60), ")".repeat(60)),
        vec!["a"; 250].join(" + "),
        format!("{}a", "-".repeat(250)),
        format!("a{}", " > 1".repeat(250)),
        vec!["a"; 250].join(" ^ "),
    ];
    let check = move || {
        for text in &largest {
            // Whatever the verdict, it is reached.
            drop(bad_of(text, "b"));
            drop(condition(text, Span::from_mins(1)));
        }
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20);
    thread.spawn(check).unwrap().join().unwrap();
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        drop(events(EventTexts::GoodOfTotal { good: &text, total: "b" }));
        drop(events(EventTexts::GoodAndBad { good: &text, bad: "b" }));
        let texts = EventTexts::GoodAndBad { good: "b", bad: &text };
        drop(slice_events(texts, Span::from_mins(1), Target::Graded, &[]));
        drop(graded(&text, Span::from_mins(1)));
        drop(native_latency(&text, 0.3, &[], &[]));
        drop(exclusion(&text));
        drop(exclusion(&format!("{{{text}}}")));
        drop(whole_bounds(&text));
        drop(ratio(&text));
        drop(latency(&text, 0.3));
        drop(condition(&text, Span::from_mins(1)));
    }

    #[test]
    fn no_near_promql_panics(words in prop::collection::vec(prop::sample::select(vec![
        "a", "sum", "rate", "(", ")", "[", "]", "$window", "5m", "{", "}", "=", "==", "\"x\"", "le",
        "by", "or", "and", "on", "bool", "vector", "0", "1e3", "-", "+", "/", "*", ",", "offset",
        "@", "{{.window}}", ":", "#", "'", "é",
    ]), 0..25)) {
        let text = words.join(" ");
        drop(bad_of(&text, "sum(rate(b[$window]))"));
        drop(ratio(&text));
        drop(condition(&text, Span::from_mins(1)));
    }

    /// A generated sum is read back with the coefficients it was written with.
    #[test]
    fn generated_sums_are_read_back(
        parts in prop::collection::vec((0..4_usize, -3..4_i32), 1..12),
    ) {
        let names = ["a", "b", "c", "d"];
        let mut text = "0.5 * sum(rate(z[$window]))".to_owned();
        let mut expected = [0.0; 4];
        for (name, factor) in &parts {
            let operator = if *factor < 0 { "-" } else { "+" };
            write!(text, " {operator} sum(rate({}[$window])) * {}", names[*name], factor.abs())
                .unwrap();
            expected[*name] += f64::from(*factor);
        }
        let classified = bad_of(&text, "sum(rate(all[$window]))").unwrap();
        let Indicator::Counters { bad, .. } = classified.indicator else {
            panic!("not exact: {text}");
        };
        for (name, expected) in names.iter().zip(expected) {
            let term = bad.iter().find(|t| t.selector.metric() == Some(name));
            prop_assert_eq!(term.map_or(0.0, |t| t.coefficient), expected);
        }
    }
}
