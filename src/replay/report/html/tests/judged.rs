//! What the page says of a judgement.

use super::*;
use crate::engine::Span;
use crate::replay::report::{JUDGED_MAX, MissedReport, RatioReport};

/// The texts of the judgement's section, a row of a table on a line each.
fn said(report: &Report) -> String {
    let page = write(report).unwrap();
    let section = between(&page, "<section id=\"judgement\">", "</section>");
    let mut lines = Vec::new();
    for line in section.lines() {
        let mut text = String::new();
        let mut is_tag = false;
        for c in line.chars() {
            match c {
                '<' => is_tag = true,
                '>' => {
                    is_tag = false;
                    text.push(' ');
                }
                c if !is_tag => text.push(c),
                _ => {}
            }
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        if !words.is_empty() {
            lines.push(words.join(" "));
        }
    }
    lines.join("\n")
}

#[test]
fn what_was_missed_and_what_was_false_is_listed() {
    let mut report = specimen::report(1, TWO);
    insta::assert_snapshot!(said(&report), @r"
    Judged against incidents
    9 incidents of incidents.csv.
    1 incident did not begin in this stretch
    Variant Severity Precision Recall Alerts Detected Missed Repeats False Unalerted Detected after Reset after
    half 95% all half 95% all
    as defined page 83.33% 83.33% 93% by cost 6 1 louder than needed 5 1 1 masked 0 1 0.23 a week 2 about insignificant incidents 9m 30s 1m 35s 6m 20s 9m 30s 5m 10s 20m 40s 31m 1 up at the end
    as defined ticket 88.89% 100% 93% by cost 9 1 louder than needed 8 0 0 1 0.23 a week 2 about insignificant incidents 14m 15s 1m 35s 6m 20s 9m 30s 5m 10s 20m 40s 31m 1 up at the end
    policy fast page 85.71% 85.71% 93% by cost 7 1 louder than needed 6 1 1 masked 0 1 0.23 a week 2 about insignificant incidents 11m 5s 1m 35s 6m 20s 9m 30s 5m 10s 20m 40s 31m 1 up at the end
    policy fast ticket 88.89% 88.89% 93% by cost 9 1 louder than needed 8 1 1 masked 0 1 0.23 a week 2 about insignificant incidents 14m 15s 1m 35s 6m 20s 9m 30s 5m 10s 20m 40s 31m 1 up at the end
    Precision: of the alerts, how many told of an incident. Recall: of the incidents, how many were told of. Masked: missed while an alert about another incident was up. Unalerted: time of incidents without an alert about them. Detected after: from the start of an incident to its alert. Reset after: from the end of an incident to the end of its alert.
    Missed incidents and false alerts, by alerts of any severity
    Variant Verdict Start Lasted What
    as defined false Sun 1 Nov 01:00 20m shop&#x2f;login&#x2f;page
    policy fast missed, masked Fri 23 Oct 00:00 open checkout slow in region 0
    policy fast false Sun 1 Nov 01:00 20m shop&#x2f;login&#x2f;page
    ");
    for variant in &mut report.judgement.as_mut().unwrap().variants {
        variant.severities.clear();
    }
    let said = said(&report);
    assert!(!said.contains("Missed incidents and") && !said.contains("left out"));
}

#[test]
fn what_was_put_in_is_told_by_error_ratio() {
    let mut report = specimen::report(1, &["as defined"]);
    let severities = &mut report.judgement.as_mut().unwrap().variants[0].severities;
    for judged in severities.iter_mut() {
        judged.details.missed_list.clear();
        judged.details.false_list.clear();
        judged.missed = 4;
        judged.details.ratios = vec![
            RatioReport {
                from: 0.01,
                until: 0.031_62,
                incidents: 3,
                significant: 1,
                detected: 1,
                detection: judged.detection,
                reset: None,
            };
            1000
        ];
    }
    let said = said(&report);
    let row = "as defined 1% to 3.16% 3 1 1 1m 35s 6m 20s 9m 30s – – –";
    assert_eq!(said.matches(row).count(), LISTED_MAX, "{said}");
    assert!(said.contains("Detection by error ratio"));
    // That four were missed does not mean that they could be listed.
    assert!(!said.contains("left out here"), "{said}");
}

#[test]
fn lists_of_mistakes_are_bounded() {
    let mut report = specimen::report(1, TWO);
    let judgement = report.judgement.as_mut().unwrap();
    judgement.notes = vec!["x".repeat(10_000); 1000];
    for variant in &mut judgement.variants {
        let judged = variant.severities.last_mut().unwrap();
        judged.details.missed_list = (0..JUDGED_MAX)
            .map(|number| MissedReport {
                title: "y".repeat(10_000),
                start: specimen::FROM + Span::from_mins(number as i64),
                end: None,
                masked: false,
            })
            .collect();
        (judged.missed, judged.false_alerts) = (JUDGED_MAX as u64 + 100, 1);
    }
    let said = said(&report);
    assert_eq!(said.matches("xxx…").count(), LISTED_MAX);
    assert_eq!(said.matches("yyy…").count(), 2 * 25);
    assert_eq!(said.matches("false Sun").count(), 2);
    assert!(
        said.contains("1150 more missed incidents and false alerts are left out here"),
        "{said}"
    );
    assert!(said.len() < 100_000, "{}", said.len());
}
