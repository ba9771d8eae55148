//! Inhibition, as a table.

use super::*;
use crate::engine::labels::MatchOp;

fn matcher(text: &str) -> Matcher {
    let op = ["!=", "=~", "!~", "="]
        .into_iter()
        .find(|op| text.contains(op))
        .unwrap();
    let (name, value) = text.split_once(op).unwrap();
    Matcher {
        name: name.to_owned(),
        op: MatchOp::new(op, value).unwrap(),
    }
}

fn labels(text: &str) -> Labels {
    Labels::new(
        text.split_whitespace()
            .map(|pair| pair.split_once('=').unwrap()),
    )
}

fn rule(source: &[&str], target: &[&str], equal: &[&str]) -> InhibitRule {
    InhibitRule {
        name: "rule".to_owned(),
        source: source.iter().map(|text| matcher(text)).collect(),
        target: target.iter().map(|text| matcher(text)).collect(),
        equal: equal.iter().map(|name| (*name).to_owned()).collect(),
    }
}

impl InhibitRule {
    /// Whether an alert with the labels of `source`, which fires, keeps `target` quiet: the rule as
    /// it is written, one source and one target at a time.
    pub(in crate::engine) fn inhibits(&self, source: &Labels, target: &Labels) -> bool {
        let all =
            |matchers: &[Matcher], labels: &Labels| matchers.iter().all(|m| m.matches(labels));
        let value = |labels: &Labels, name: &str| labels.get(name).unwrap_or_default().to_owned();
        let both = all(&self.source, target) && all(&self.target, source);
        let mut equal = self.equal.iter();
        all(&self.source, source)
            && all(&self.target, target)
            && equal.all(|name| value(source, name) == value(target, name))
            && !both
    }
}

#[test]
fn rules_keep_quiet_what_they_say() {
    let loud = rule(
        &["severity=page"],
        &["severity=~ticket|info"],
        &["service", "zone"],
    );
    let table = [
        // Same labels, or both without.
        (
            "severity=page service=a zone=eu",
            "severity=ticket service=a zone=eu",
            true,
        ),
        ("severity=page service=a", "severity=info service=a", true),
        ("severity=page", "severity=info", true),
        // An empty label is a missing one.
        (
            "severity=page service=a zone=",
            "severity=info service=a",
            true,
        ),
        // Another service, another zone, or one that only one of them has.
        (
            "severity=page service=a",
            "severity=ticket service=b",
            false,
        ),
        (
            "severity=page service=a zone=eu",
            "severity=ticket service=a zone=us",
            false,
        ),
        (
            "severity=page service=a zone=eu",
            "severity=ticket service=a",
            false,
        ),
        (
            "severity=page service=a",
            "severity=ticket service=a zone=eu",
            false,
        ),
        // Not the source, not the target.
        (
            "severity=ticket service=a",
            "severity=ticket service=a",
            false,
        ),
        ("severity=page service=a", "severity=page service=a", false),
        ("service=a", "severity=ticket service=a", false),
        // Other labels do not matter.
        (
            "severity=page service=a x=1",
            "severity=ticket service=a x=2",
            true,
        ),
    ];
    for (source, target, expect) in table {
        let inhibits = loud.inhibits(&labels(source), &labels(target));
        assert_eq!(inhibits, expect, "{source} over {target}");
    }
}

#[test]
fn an_alert_on_both_sides_is_not_kept_quiet_by_another_such() {
    // Source: anything of the database; target: anything that pages.
    let both = rule(&["service=db"], &["severity=page"], &[]);
    let inhibits = |source: &str, target: &str| both.inhibits(&labels(source), &labels(target));
    assert!(inhibits(
        "service=db severity=page",
        "service=shop severity=page"
    ));
    assert!(inhibits(
        "service=db severity=ticket",
        "service=db severity=page"
    ));
    assert!(!inhibits(
        "service=db severity=page",
        "service=db severity=page zone=eu"
    ));
    assert!(!inhibits(
        "service=shop severity=page",
        "service=db severity=page"
    ));
}

#[test]
fn negative_and_missing_matchers_match_as_everywhere() {
    let rule = rule(
        &["zone!=", "team!~a|b"],
        &["zone=", "team=~.*"],
        &["service"],
    );
    let inhibits = |source: &str, target: &str| rule.inhibits(&labels(source), &labels(target));
    assert!(inhibits("zone=eu service=x", "service=x"));
    assert!(inhibits("zone=eu team=c service=x", "team=a service=x"));
    assert!(!inhibits("zone=eu team=ab", "zone=us"));
    assert!(!inhibits("zone=eu team=a", ""));
    assert!(!inhibits("", ""));
}
