//! Files of tests: what they mean, and every mistake in them.

use super::*;
use std::path::Path;

fn read(text: &str) -> TestFile {
    let file = TestFile::embedded(Path::new("rules/a.test.yaml"), text);
    file.unwrap_or_else(|found| panic!("{found}"))
}

fn mistakes(text: &str) -> String {
    let file = TestFile::embedded(Path::new("a.test.yaml"), text);
    file.map_or_else(|found| found.to_string(), |_| "none".to_owned())
}

#[test]
fn everything_can_be_said() {
    let file = read(
        r#"
definitions: [a.slo.yaml, ../policies]
config: ../slofuse.yaml
evaluation: {interval: 1m, scrape_interval: 30s}
start: 2026-03-29T00:00:00+01:00
slo: a
tests:
  - name: all
    warm_up: no traffic
    until: 3h
    traffic:
      - 1rps
      - {traffic: 2rps, slo: b/c, labels: {x: y}}
      - {traffic: 3rps, good: 'g{a="b"}', bad: [b1, b2]}
      - {traffic: 4rps, histogram: h, buckets: [0.1, 1], good_takes: 50ms, bad_takes: 5s}
      - {traffic: 5rps, queries: a / b}
    series:
      - {series: 'm{a="b"}', values: 1 2 3}
      - {query: x, window: 5m, labels: {a: b}, values: 1x5}
    source: down from 1h for 10m, down from 2h
    operators:
      - {at: 2h, expire: quiet}
      - {at: 1h, silence: {name: quiet, matchers: a="b", for: 2h}}
      - {at: 90m, unacknowledge: ticket}
    expect:
      - {at: 1h, page: firing, tiers: [1h, 6h], burn: {1h: "> 1"}}
      - {from: 1h, blind: never firing, source_down: once firing, outcome: quiet}
      - {to: 2h, message: none, fired: {page: 0, info: 1}}
      - {slo: b/c, labels: {x: y}, budget_consumed: 1%, budget_remaining: "> 90%", ticket: inactive,
         message: {to: a, kind: resolve, severity: page, contains: x, matches: y+, count: 2}}
"#,
    );
    assert_eq!(
        file.definitions,
        [
            Path::new("rules/a.slo.yaml"),
            Path::new("rules/../policies")
        ]
    );
    assert_eq!(file.interval, Some(Span::from_mins(1)));
    let test = &file.tests[0];
    assert_eq!(
        (test.streams.len(), test.written.len(), test.outages.len()),
        (5, 2, 2)
    );
    assert_eq!(test.start, Timestamp::from_secs(1_774_738_800));
    let at: Vec<Span> = test.operators.iter().map(|act| act.value.at).collect();
    assert_eq!(
        at,
        [
            Span::from_hours(1),
            Span::from_mins(90),
            Span::from_hours(2)
        ]
    );
    let claims: Vec<usize> = test
        .expectations
        .iter()
        .map(|e| e.value.claims.len())
        .collect();
    assert_eq!(claims, [3, 3, 3, 4]);
    let first = &test.expectations[0];
    assert_eq!(
        (first.place.line, first.value.from, first.value.to),
        (26, Span::from_hours(1), Span::from_hours(1))
    );
    let rest = &test.expectations[1].value;
    assert_eq!(
        (rest.from, rest.to),
        (Span::from_hours(1), Span::from_hours(3))
    );
    assert_eq!(test.slo.as_ref().unwrap().value.name, "a");
}

#[test]
fn mistakes_in_words_are_told_at_their_place() {
    let text = "definitions: x\ntests:\n  - name: x\n    traffic: 100rps, 2% errors form 1h\n    \
                series:\n      - {series: m, values: 1 2 drei}\n    expect: [{at: 1m, page: firing}]\n";
    insta::assert_snapshot!(mistakes(text), @r#"
    a.test.yaml:4:32: error: "form" stands where a stretch of time is expected
      fix: write from 10m for 5m, from 10m until 15m, or from 10m
    a.test.yaml:6:33: error: "drei" is not a value
      fix: write a value such as 5, 0+10x60, 100-1x20, 5x10, _, _x5 or stale
    "#);
}

#[test]
fn a_test_has_a_length() {
    let test = |body: &str| mistakes(&format!("definitions: x\ntests: [{{name: x, {body}}}]"));
    insta::assert_snapshot!(test("expect: [{page: inactive}]"), @r"
    a.test.yaml:2:9: error: nothing is expected at any time after the start
      fix: give an expectation at: or to:, or the test until:
    ");
    let at_the_start = test("expect: [{at: 0s, page: inactive}]");
    assert_eq!(at_the_start, test("expect: [{page: inactive}]"));
    insta::assert_snapshot!(test("until: 0s, expect: [{page: inactive}]"), @r"
    a.test.yaml:2:26: error: the test ends where it starts
      fix: write a time after the start, at most 100d
    ");
    insta::assert_snapshot!(test("expect: [{at: 101d, page: inactive}]"), @r"
    a.test.yaml:2:9: error: the test lasts 101d
      fix: let it end, and expect what you expect, after at most 100d
    ");
    // A time that cannot be read is told once.
    let unread = test("expect: [{at: soon, page: inactive}]");
    assert_eq!(unread.matches("error: ").count(), 1, "{unread}");
    let nothing = test("expect: []");
    assert_eq!(nothing.matches("error: ").count(), 1, "{nothing}");
    assert_eq!(test("until: 1h, expect: [{page: inactive}]"), "none");
}

#[test]
fn every_kind_of_mistake_has_a_fix() {
    for text in [
        "",
        "tests: []",
        "definitions: x\ntests: []",
        "definitions: []\ntests: [{name: x, expect: [{at: 1m, page: firing}]}]",
        "definitions: x\ntests: [{name: x, expect: [{at: 0s, page: firing}]}]",
        "definitions: x\ntests: [{name: x, expect: [{at: 1m, message: {matches: '('}}]}]",
        "definitions: x\ntests: [{name: x, expect: [{at: 1m, fired: {}}]}]",
        "definitions: x\ntests: [{name: x, until: 1m, expect: [{at: 2m, page: firing}]}]",
        "definitions: x\ntests: [{name: x, expect: [{at: 1m, from: 1m, page: firing}]}]",
        "definitions: x\ntests: [{name: x, traffic: {a: b}, expect: [{at: 1m, page: firing}]}]",
        "definitions: x\ntests: [{name: x, traffic: [{traffic: 1rps, histogram: h}], expect: [{at: 1m, page: firing}]}]",
        "definitions: x\ntests: [{name: x, traffic: [{traffic: 1rps, good: a, queries: b}], expect: [{at: 1m, page: firing}]}]",
        "definitions: x\ntests: [{name: x, operators: [{at: 1m, silence: {matchers: '', for: 1h}}], expect: [{at: 1m, page: firing}]}]",
        "definitions: x\ntests: [{name: x, expect: [{at: 1m, page: firing}]}]\n---\ntests: []",
        "definitions: x\nevaluation: {interval: 1h}\ntests: [{name: x, expect: [{at: 1m, page: firing}]}]",
        "- a",
        "\u{0}",
    ] {
        let told = mistakes(text);
        assert!(
            told.contains("error: ") && told.contains("  fix: "),
            "{text}\n{told}"
        );
    }
}

#[test]
fn nothing_is_done_after_the_end() {
    // Playing up to it would take for ever.
    let text = |at: &str| {
        format!(
            "definitions: a\ntests:\n- name: a\n  until: 1h\n  operators:\n  - {{at: {at}, expire: b}}\n  \
             expect: [{{at: 1h, page: inactive}}]\n"
        )
    };
    assert_eq!(mistakes(&text("1h")), "none");
    let late = mistakes(&text("9999d"));
    assert!(
        late.contains("9999d is after the end of the test"),
        "{late}"
    );
    assert!(late.contains("a.test.yaml:6"), "{late}");
}
