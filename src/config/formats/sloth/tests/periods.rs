//! `AlertWindows`: which policy and which period an SLO gets, and with which factors.

use super::plugins::load;
use super::*;
use crate::engine::Severity;

/// Windows for a period: budget in percent, short and long window of each tier.
fn windows(period: &str, tiers: [(f64, &str, &str); 4]) -> String {
    let [page_quick, page_slow, ticket_quick, ticket_slow] = tiers.map(|(budget, short, long)| {
        format!("{{errorBudgetPercent: {budget}, shortWindow: {short}, longWindow: {long}}}")
    });
    format!(
        "apiVersion: sloth.slok.dev/v1\nkind: AlertWindows\nspec:\n  sloPeriod: {period}\n  page:\n    \
         quick: {page_quick}\n    slow: {page_slow}\n  ticket:\n    quick: {ticket_quick}\n    slow: {ticket_slow}\n"
    )
}

const WEEK: [(f64, &str, &str); 4] = [
    (8.0, "5m", "1h"),
    (12.5, "30m", "6h"),
    (20.0, "2h", "1d"),
    (42.0, "6h", "3d"),
];
const SHORT: [(f64, &str, &str); 4] = [
    (1.0, "2m", "30m"),
    (2.0, "15m", "3h"),
    (5.0, "1h", "12h"),
    (5.0, "3h", "36h"),
];
const USUAL: [(f64, &str, &str); 4] = [
    (2.0, "5m", "1h"),
    (5.0, "30m", "6h"),
    (10.0, "2h", "1d"),
    (10.0, "6h", "3d"),
];

/// An SLO with some labels.
fn slo(labels: &str) -> String {
    format!(
        "version: prometheus/v1\nservice: shop\nslos:\n- name: x\n  objective: 99.9\n  \
         labels: {labels}\n  alerting: {{name: X, annotations: {{runbook: 'https://a.example/'}}}}\n  sli:\n    events:\n      \
         error_query: sum(rate(errors_total[{{{{.window}}}}]))\n      \
         total_query: sum(rate(events_total[{{{{.window}}}}]))\n"
    )
}

/// Period, policy and the tiers of the only SLO, or what is wrong.
fn measured(files: &[&str]) -> String {
    let names = ["a.yml", "b.yml", "c.yml", "d.yml"];
    let files: Vec<(&str, &str)> = names.into_iter().zip(files.iter().copied()).collect();
    let (definitions, found) = load(&files);
    let mut shown = String::new();
    for definition in &definitions {
        let (slo, policy) = (&definition.slo, &definition.slo.policy);
        let period = slo.period.nominal();
        writeln!(shown, "{period} by {}", policy.name).unwrap();
        for tier in &policy.tiers {
            let factor = (tier.factor(period) * 1e4).round() / 1e4;
            let (severity, windows) = (tier.severity, tier.windows());
            writeln!(shown, "  {severity} {windows} {factor}").unwrap();
        }
        assert!(!slo.document.labels.contains_key("slofuse_period"));
    }
    shown + &found.to_string()
}

#[test]
fn without_windows_the_period_is_that_of_sloth() {
    insta::assert_snapshot!(measured(&[&slo("{team: a}")]), @r"
    30d by sre-workbook
      page 1h/5m 14.4
      page 6h/30m 6
      ticket 1d/2h 3
      ticket 3d/6h 1
    ");
    insta::assert_snapshot!(measured(&[&slo("{team: a, slofuse_period: 28d}")]), @r"
    28d by sre-workbook
      page 1h/5m 13.44
      page 6h/30m 5.6
      ticket 1d/2h 2.8
      ticket 3d/6h 0.9333
    ");
}

#[test]
fn the_only_windows_are_for_all() {
    insta::assert_snapshot!(measured(&[&slo("{team: a}"), &windows("7d", WEEK)]), @r"
    7d by sloth-7d
      page 1h/5m 13.44
      page 6h/30m 3.5
      ticket 1d/2h 1.4
      ticket 3d/6h 0.98
    ");
    insta::assert_snapshot!(measured(&[&windows("30d", SHORT), &slo("{team: a}")]), @r"
    30d by sloth-30d
      page 30m/2m 14.4
      page 3h/15m 4.8
      ticket 12h/1h 3
      ticket 1d12h/3h 1
    ");
    insta::assert_snapshot!(measured(&[&slo("{team: a}"), &windows("4w", USUAL)]), @r"
    28d by sloth-28d
      page 1h/5m 13.44
      page 6h/30m 5.6
      ticket 1d/2h 2.8
      ticket 3d/6h 0.9333
    ");
}

#[test]
fn among_several_the_label_chooses_or_30d_is_meant() {
    let (week, month) = (windows("1w", WEEK), windows("30d", SHORT));
    insta::assert_snapshot!(measured(&[&slo("{team: a}"), &week, &month]), @r"
    30d by sloth-30d
      page 30m/2m 14.4
      page 3h/15m 4.8
      ticket 12h/1h 3
      ticket 1d12h/3h 1
    ");
    insta::assert_snapshot!(measured(&[&slo("{team: a, slofuse_period: 7d}"), &week, &month]), @r"
    7d by sloth-7d
      page 1h/5m 13.44
      page 6h/30m 3.5
      ticket 1d/2h 1.4
      ticket 3d/6h 0.98
    ");
}

#[test]
fn a_file_can_choose_for_its_slos() {
    let text = slo("{}").replace(
        "service: shop",
        "service: shop\nlabels: {slofuse_period: 28d, team: a}",
    );
    let shown = measured(&[&text, &windows("7d", WEEK)]);
    assert!(shown.starts_with("28d by sre-workbook\n"), "{shown}");
}

#[test]
fn a_period_that_nothing_says_is_asked_for() {
    let (week, four) = (windows("7d", WEEK), windows("28d", USUAL));
    insta::assert_snapshot!(measured(&[&slo("{team: a}"), &week, &four]), @r"
    a.yml:4:3: error: there are AlertWindows for 7d, 28d, and nothing says which this SLO is for
      fix: add the label slofuse_period: 7d to the SLO or the file
    ");
    insta::assert_snapshot!(measured(&[&slo("{team: a, slofuse_period: 90d}"), &week, &four]), @r"
    a.yml:6:37: error: there are no AlertWindows for a period of 90d
      fix: load AlertWindows with this sloPeriod, or choose one of 7d, 28d, 30d
    ");
    insta::assert_snapshot!(measured(&[&slo("{team: a, slofuse_period: 90d}")]), @r"
    a.yml:6:37: error: there are no AlertWindows for a period of 90d
      fix: load AlertWindows with this sloPeriod, or choose one of 28d, 30d
    ");
    insta::assert_snapshot!(measured(&[&slo("{team: a, slofuse_period: month}")]), @r#"
    a.yml:6:37: error: "month" is not a duration
      fix: write it like 7d or 28d
    "#);
}

#[test]
fn the_same_windows_twice_are_noted_and_others_refused() {
    let week = windows("7d", WEEK);
    insta::assert_snapshot!(measured(&[&week, &slo("{team: a}"), &windows("1w", WEEK)]), @r"
    7d by sloth-7d
      page 1h/5m 13.44
      page 6h/30m 3.5
      ticket 1d/2h 1.4
      ticket 3d/6h 0.98
    c.yml:1:1: note: the windows for 7d are defined again, as at a.yml:1:1
      fix: remove one of the two
    ");
    insta::assert_snapshot!(measured(&[&week, &windows("7d", USUAL)]), @r"
    b.yml:1:1: error: the windows for 7d are defined differently at a.yml:1:1
      fix: remove one of the two: a period has one set of windows
    ");
}

#[test]
fn windows_with_mistakes_are_refused_once() {
    let text = "
apiVersion: sloth.slok.dev/v1
kind: AlertWindows
metadata: {name: a}
spec:
  sloPeriod: 0
  SloPeriod: 7d
  page:
    quick: {errorBudgetPercent: 0, shortWindow: 5m, longWindow: 0s}
    slow: {errorBudgetPercent: two, shortWindow: 5 minutes, long_window: 1h}
    medium: {}
  ticket:
    quick: {errorBudgetPercent: 101, shortWindow: 5m, longWindow: 1h}
";
    let found = measured(&[text, &slo("{team: a, slofuse_period: 7d}")]);
    insta::assert_snapshot!(found, @r#"
    a.yml:4:1: warning: the document has no key "metadata", so it is ignored
      fix: remove it
    a.yml:6:14: error: the duration is zero
      fix: write it like 5m, 6h or 30d
    a.yml:7:3: warning: "SloPeriod" stands beside "sloPeriod", so it is ignored
      fix: keep one of the two
    a.yml:9:33: error: errorBudgetPercent does not lie between 0 and 100
      fix: write a percentage such as 2
    a.yml:9:65: error: the duration is zero
      fix: write it like 5m, 6h or 30d
    a.yml:10:11: error: slow lacks the key "longWindow"
      fix: write longWindow: and a value
    a.yml:10:32: error: errorBudgetPercent is not a number
      fix: write a percentage such as 2
    a.yml:10:50: error: "5 minutes" is not a duration
      fix: write it like 5m, 6h or 30d
    a.yml:10:61: warning: "long_window" is not how this format spells the key, so all of it has no effect in Sloth and none here
      fix: write longWindow:
    a.yml:11:5: warning: page has no key "medium", so it is ignored
      fix: remove it
    a.yml:13:5: error: ticket lacks the key "slow"
      fix: write slow: and a value
    a.yml:13:33: error: errorBudgetPercent does not lie between 0 and 100
      fix: write a percentage such as 2
    "#);
}

#[test]
fn tiers_stand_where_they_are_written() {
    let found = RefCell::default();
    let report = Report::new("a.yml".into(), &found);
    let mut sloth = Sloth::default();
    for node in tree::parse(windows("7d", WEEK).as_bytes(), &report).documents {
        sloth.add(report.clone(), node);
    }
    let translated = sloth.translate();
    let spec = translated.policies[0]
        .document
        .value()
        .unwrap()
        .spec
        .value()
        .unwrap();
    let tiers = spec.tiers.value().unwrap();
    let places: Vec<(u32, Severity)> = tiers
        .iter()
        .map(|tier| {
            let severity = *tier.value().unwrap().severity.value().unwrap();
            (tier.mark_or(report.start()).line, severity)
        })
        .collect();
    let (page, ticket) = (Severity::Page, Severity::Ticket);
    assert_eq!(places, [(6, page), (7, page), (9, ticket), (10, ticket)]);
}
