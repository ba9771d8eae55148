//! What goes into rules besides what Sloth knows, whether it parses, and how it is written down.

use std::sync::Arc;

use promql_parser::parser;
use proptest::prelude::*;

use crate::engine::labels::METRIC_NAME;
use crate::engine::{
    AlertText, Calendar, CalendarUnit, Combination, Composite, Document, LastEvents, MatchOp,
    Matcher, Objective, Part, Policy, QueryTemplate, Reach as SloReach, Selector, Severity, Term,
    Tier, Zone,
};

use super::*;

fn term(coefficient: f64, metric: &str) -> Term {
    let name = Matcher {
        name: METRIC_NAME.to_owned(),
        op: MatchOp::Equal(metric.to_owned()),
    };
    Term {
        coefficient,
        selector: Selector::new(vec![name]),
    }
}

fn counters() -> Indicator {
    Indicator::Counters {
        bad: vec![term(1.0, "bad_total")],
        total: vec![term(1.0, "all_total")],
    }
}

fn slo(name: &str, indicator: Indicator) -> Slo {
    let (policy, period) = (Policy::sre_workbook(), Period::Rolling(Span::from_days(30)));
    Slo {
        id: SloId::new("shop", name),
        service: "shop".to_owned(),
        name: name.to_owned(),
        objective: Objective::from_percent(99.0).unwrap(),
        sla: None,
        reach: SloReach::new(&policy, &period),
        period,
        indicator,
        group_by: Vec::new(),
        policy: Arc::new(policy),
        document: Document::default(),
    }
}

fn with_tiers(mut slo: Slo, tiers: Vec<Tier>) -> Slo {
    let policy = Policy {
        tiers,
        ..Policy::sre_workbook()
    };
    slo.policy = Arc::new(policy);
    slo
}

/// The only SLO's rules, all of whose expressions parse.
fn one(slo: &Slo, options: Options) -> SloRules {
    let mut rules = export(&[slo], options).unwrap();
    all_parse(&rules);
    assert_eq!(rules.len(), 1);
    rules.remove(0)
}

fn all_parse(rules: &[SloRules]) {
    for rule in rules
        .iter()
        .flat_map(|slo| &slo.groups)
        .flat_map(|group| &group.rules)
    {
        if let Err(error) = parser::parse(&rule.expr) {
            panic!("{error}: {}", rule.expr);
        }
    }
}

fn recorded<'a>(rules: &'a SloRules, name: &str) -> &'a str {
    let mut all = rules.groups.iter().flat_map(|group| &group.rules);
    let found = all.find(|rule| rule.purpose == Purpose::Record(name.to_owned()));
    &found
        .unwrap_or_else(|| panic!("{name} is not recorded"))
        .expr
}

fn alerts(rules: &SloRules) -> Vec<&Rule> {
    let all = rules.groups.iter().flat_map(|group| &group.rules);
    all.filter(|rule| matches!(rule.purpose, Purpose::Alert { .. }))
        .collect()
}

#[test]
fn tiers_that_differ_in_timing_or_labels_are_alerts_of_their_own() {
    let mut tiers = Policy::sre_workbook().tiers;
    tiers[1].pending = Span::from_mins(2);
    tiers[2].labels = BTreeMap::from([("exhaustion".to_owned(), "10d".to_owned())]);
    let mut slo = with_tiers(slo("a", counters()), tiers);
    let text = AlertText {
        name: Some("Burning".to_owned()),
        labels: BTreeMap::from([("severity".to_owned(), "critical".to_owned())]),
        annotations: BTreeMap::from([("summary".to_owned(), "{{ $value }}".to_owned())]),
    };
    slo.document.description = "{{ is no template".to_owned();
    slo.document.alerts.insert(Severity::Page, text);
    let rules = one(&slo, Options::default());
    let seen: Vec<String> = alerts(&rules)
        .iter()
        .map(|rule| format!("{:?} {:?}", rule.purpose, rule.labels))
        .collect();
    insta::assert_snapshot!(seen.join("\n"), @r#"
    Alert { name: "Burning", pending: Span(0) } {"severity": "critical", "slofuse_tier": "1h/5m", "sloth_severity": "page"}
    Alert { name: "Burning", pending: Span(120000) } {"severity": "critical", "slofuse_tier": "6h/30m", "sloth_severity": "page"}
    Alert { name: "ShopAErrorBudgetBurn", pending: Span(0) } {"exhaustion": "10d", "slofuse_tier": "1d/2h", "sloth_severity": "ticket"}
    Alert { name: "ShopAErrorBudgetBurn", pending: Span(0) } {"slofuse_tier": "3d/6h", "sloth_severity": "ticket"}
    "#);
    let page = alerts(&rules)[0];
    assert_eq!(page.annotations["summary"], "{{ $value }}");
    assert_eq!(page.annotations["description"], "{{\"{{\"}} is no template");
}

#[test]
fn a_policy_without_tiers_has_recordings_and_no_alert() {
    let rules = one(
        &with_tiers(slo("a", counters()), Vec::new()),
        Options::default(),
    );
    assert_eq!(rules.groups.len(), 2);
    recorded(&rules, "slo:sli_error:ratio_rate5m");
    recorded(&rules, "slo:current_burn_rate:ratio");
}

#[test]
fn every_window_is_recorded_once_and_one_of_them_is_short() {
    let tier = Tier {
        long: Span::from_days(7),
        short: Span::from_hours(12),
        ..Policy::sre_workbook().tiers.remove(0)
    };
    let mut slo = with_tiers(slo("a", counters()), vec![tier]);
    slo.period = Period::Rolling(Span::from_days(7));
    let rules = one(&slo, Options::default());
    let names: Vec<String> = rules.groups[0]
        .rules
        .iter()
        .map(|rule| format!("{:?} {}", rule.purpose, rule.labels["sloth_window"]))
        .collect();
    insta::assert_snapshot!(names.join("\n"), @r#"
    Record("slo:sli_error:ratio_rate5m") 5m
    Record("slo:sli_error:ratio_rate2h") 2h
    Record("slo:sli_error:ratio_rate6h") 6h
    Record("slo:sli_error:ratio_rate12h") 12h
    Record("slo:sli_error:ratio_rate1d") 1d
    Record("slo:sli_error:ratio_rate3d") 3d
    Record("slo:sli_error:ratio_rate1w") 1w
    "#);
    insta::assert_snapshot!(recorded(&rules, "slo:sli_error:ratio_rate1w"), @r#"
    (sum(rate(bad_total[1w])))
    /
    ((sum(rate(all_total[1w]))) > 0)
    or
    0 * (sum(rate(all_total[1w])))
    "#);
}

#[test]
fn the_period_is_summed_from_events_where_there_are_any() {
    let rules = one(&slo("a", counters()), Options::default());
    insta::assert_snapshot!(recorded(&rules, "slo:sli_errors:rate5m"), @r#"
    (sum(rate(bad_total[5m])))
    or
    0 * (sum(rate(all_total[5m])))
    "#);
    insta::assert_snapshot!(recorded(&rules, "slo:sli_error:ratio_rate30d"), @r#"
    sum_over_time(slo:sli_errors:rate5m{sloth_id="shop-a", sloth_service="shop", sloth_slo="a"}[30d])
    /
    (sum_over_time(slo:sli_events:rate5m{sloth_id="shop-a", sloth_service="shop", sloth_slo="a"}[30d]) > 0)
    or
    0 * sum_over_time(slo:sli_events:rate5m{sloth_id="shop-a", sloth_service="shop", sloth_slo="a"}[30d])
    "#);

    let template = |text: &str| QueryTemplate::new(text).unwrap();
    let events = Indicator::Windows(WindowQuery::Events {
        bad: template("f(a[$window]) # bad"),
        total: template("f(b[$window])"),
        counted: false,
    });
    let events = slo("b", events);
    let rules = export(&[&events], Options::default()).unwrap().remove(0);
    insta::assert_snapshot!(recorded(&rules, "slo:sli_errors:rate5m"), @r#"
    (
    f(a[5m]) # bad
    ) >= 0
    or
    0 * (f(b[5m])) >= 0
    "#);

    let ratio = Indicator::Windows(WindowQuery::Ratio {
        error_ratio: template("avg(avg_over_time(a[$window]))"),
    });
    let ratio = slo("c", ratio);
    let rules = one(&ratio, Options::default());
    insta::assert_snapshot!(recorded(&rules, "slo:sli_error:ratio_rate30d"), @r#"avg_over_time((slo:sli_error:ratio_rate5m{sloth_id="shop-c", sloth_service="shop", sloth_slo="c"} >= 0)[30d:5m])"#);
    insta::assert_snapshot!(rules.notes.join("\n"), @"the SLI has no counts of events, so the ratio of the period is the mean of recorded ratios, in which quiet times weigh as much as busy ones");
    let query = Options {
        period: PeriodRatio::Query,
        ..Options::default()
    };
    insta::assert_snapshot!(recorded(&one(&ratio, query), "slo:sli_error:ratio_rate30d"), @"(avg(avg_over_time(a[30d])))");
}

#[test]
fn slices_are_averaged_over_time() {
    let slices = |condition: &str, graded: bool, group_by: &[&str]| {
        let slices = Indicator::Slices {
            condition: condition.to_owned(),
            slice: Span::from_mins(1),
            graded,
        };
        let mut slo = slo("a", slices);
        slo.group_by = group_by.iter().map(|&label| label.to_owned()).collect();
        let rules = one(&slo, Options::default());
        recorded(&rules, "slo:sli_error:ratio_rate5m").to_owned()
    };
    let texts = [
        slices("up == bool 1", false, &["job", "zone"]),
        slices("up{job=\"a\"}", false, &[]),
        slices("time() < bool 5 # soon", false, &[]),
        slices("share", true, &["job"]),
    ];
    insta::assert_snapshot!(texts.join("\n"), @r#"
    1 - avg_over_time(min by (job, zone) (up == bool 1)[5m:1m])
    1 - avg_over_time(min(abs((up{job="a"})) > bool 0)[5m:1m])
    1 - avg_over_time(min(vector(
    time() < bool 5 # soon
    ))[5m:1m])
    1 - avg_over_time(min by (job) (clamp((share), 0, 1) >= 0)[5m:1m])
    "#);
}

#[test]
fn composites_are_made_of_what_their_parts_record() {
    let part = |name: &str, weight: f64| Part {
        slo: SloId::new("shop", name),
        weight,
    };
    let composite = |name: &str, combination, parts| {
        let mut slo = slo(name, Indicator::Composite(Composite { combination, parts }));
        slo.group_by = vec!["zone".to_owned()];
        slo
    };
    let mut zoned = slo("zoned", counters());
    zoned.group_by = vec!["zone".to_owned()];
    let mut whole = slo("whole", counters());
    whole.policy = Arc::new(Policy::silent());
    let mut journey = composite(
        "journey",
        Combination::Journey,
        vec![part("whole", 1.0), part("zoned", 1.0)],
    );
    journey.period = Period::Rolling(Span::from_days(90));
    let parts = vec![part("journey", 3.0), part("zoned", 1.0), part("lost", 1.0)];
    let weighted = composite("weighted", Combination::Weighted, parts);
    let rules = export(&[&weighted, &journey, &zoned, &whole], Options::default()).unwrap();
    all_parse(&rules);
    insta::assert_snapshot!(recorded(&rules[1], "slo:sli_error:ratio_rate5m"), @r#"
    1 - (
    (1 - (max by (zone) (slo:sli_error:ratio_rate5m{sloth_id="shop-zoned", sloth_service="shop", sloth_slo="zoned"} >= 0) or 0 * count by (zone) (slo:sli_error:ratio_rate5m{sloth_id="shop-zoned", sloth_service="shop", sloth_slo="zoned"})))
    * on () group_left ()
    (1 - (max(slo:sli_error:ratio_rate5m{sloth_id="shop-whole", sloth_service="shop", sloth_slo="whole"} >= 0) or 0 * count(slo:sli_error:ratio_rate5m{sloth_id="shop-whole", sloth_service="shop", sloth_slo="whole"})))
    )
    "#);
    insta::assert_snapshot!(recorded(&rules[0], "slo:sli_error:ratio_rate5m"), @r#"
    0.75 * (max by (zone) (slo:sli_error:ratio_rate5m{sloth_id="shop-journey", sloth_service="shop", sloth_slo="journey"} >= 0) or 0 * count by (zone) (slo:sli_error:ratio_rate5m{sloth_id="shop-journey", sloth_service="shop", sloth_slo="journey"}))
    +
    0.25 * (max by (zone) (slo:sli_error:ratio_rate5m{sloth_id="shop-zoned", sloth_service="shop", sloth_slo="zoned"} >= 0) or 0 * count by (zone) (slo:sli_error:ratio_rate5m{sloth_id="shop-zoned", sloth_service="shop", sloth_slo="zoned"}))
    "#);
    insta::assert_snapshot!(rules[0].notes.join("\n"), @"its part shop/lost is not among the definitions and is left out");
    // What composites read of them is recorded of parts, over parts of parts.
    for name in ["slo:sli_error:ratio_rate3d", "slo:sli_error:ratio_rate90d"] {
        recorded(&rules[3], name);
    }
    recorded(&rules[3], "slo:sli_error:ratio_rate30d");
}

#[test]
fn a_composite_of_nothing_known_has_no_rules() {
    let part = Part {
        slo: SloId::new("shop", "lost"),
        weight: 1.0,
    };
    let composite = Composite {
        combination: Combination::Journey,
        parts: vec![part],
    };
    let rules = one(
        &slo("whole", Indicator::Composite(composite)),
        Options::default(),
    );
    assert!(rules.groups.is_empty());
    assert!(rules.notes[0].contains("is left out"), "{:?}", rules.notes);
}

#[test]
fn alerts_wait_for_a_minimum_of_events_when_asked() {
    let minimum = Options {
        minimum_events: true,
        ..Options::default()
    };
    let mut grouped = slo("a", counters());
    grouped.group_by = vec!["zone".to_owned()];
    let first_tier = |slo: &Slo| {
        let mut tiers = slo.policy.tiers.clone();
        tiers.truncate(1);
        let rules = one(&with_tiers(slo.clone(), tiers), minimum);
        alerts(&rules)[0].expr.clone()
    };
    insta::assert_snapshot!(first_tier(&grouped), @r#"
    (
        max(slo:sli_error:ratio_rate5m{sloth_id="shop-a", sloth_service="shop", sloth_slo="a"} > (14.4 * 0.01)) without (sloth_window)
        and
        max(slo:sli_error:ratio_rate1h{sloth_id="shop-a", sloth_service="shop", sloth_slo="a"} > (14.4 * 0.01)) without (sloth_window)
        and on (zone) (sum by (zone) (increase(bad_total[1h])) >= 5)
    )
    "#);
    let slices = Indicator::Slices {
        condition: "up".to_owned(),
        slice: Span::from_secs(30),
        graded: false,
    };
    insta::assert_snapshot!(first_tier(&slo("b", slices)), @r#"
    (
        max(slo:sli_error:ratio_rate5m{sloth_id="shop-b", sloth_service="shop", sloth_slo="b"} > (14.4 * 0.01)) without (sloth_window)
        and
        max(slo:sli_error:ratio_rate1h{sloth_id="shop-b", sloth_service="shop", sloth_slo="b"} > (14.4 * 0.01)) without (sloth_window)
        and ignoring (sloth_window) (slo:sli_error:ratio_rate1h{sloth_id="shop-b", sloth_service="shop", sloth_slo="b"} * 120 >= 5)
    )
    "#);
    let ratio = Indicator::Windows(WindowQuery::Ratio {
        error_ratio: QueryTemplate::new("avg_over_time(a[$window])").unwrap(),
    });
    let ratio = slo("c", ratio);
    assert!(!first_tier(&ratio).contains(">= 5"));
    let notes = one(&ratio, minimum).notes.join("\n");
    assert!(notes.contains("no alert waits for a minimum"), "{notes}");
}

#[test]
fn what_rules_cannot_say_is_noted() {
    let mut slo = slo("a", counters());
    let policy = Policy {
        mode: Mode::Budget,
        ..Policy::sre_workbook()
    };
    slo.policy = Arc::new(policy);
    slo.document
        .labels
        .insert("sloth_id".to_owned(), "mine".to_owned());
    slo.period = Period::Calendar(Calendar {
        calendar: CalendarUnit::Month,
        zone: Zone::utc(),
    });
    let rules = one(&slo, Options::default());
    recorded(&rules, "slo:sli_error:ratio_rate30d");
    assert_eq!(rules.groups[0].rules[0].labels["sloth_id"], "shop-a");
    let mut notes = rules.notes;
    slo.period = Period::Events(LastEvents {
        events: 1000,
        within: Span::from_days(90),
    });
    notes.extend(one(&slo, Options::default()).notes.into_iter().take(1));
    insta::assert_snapshot!(notes.join("\n"), @r#"
    rules know no period of month (UTC): they use the last 30d
    its policy weighs bad events against the budget of the period; the alerts of rules weigh them against the events of the same window
    its own label sloth_id is left out: rules find series by it
    rules know no period of last 1000 events: they use the last 90d
    "#);
}

#[test]
fn equal_alerts_of_two_slos_are_told_apart() {
    let named = |name: &str| {
        let mut slo = slo(name, counters());
        for severity in Severity::ALL {
            let text = AlertText {
                name: Some("Burning".to_owned()),
                ..AlertText::default()
            };
            slo.document.alerts.insert(severity, text);
        }
        slo
    };
    let rules = export(&[&named("a"), &named("b")], Options::default()).unwrap();
    let id = |slo: usize| alerts(&rules[slo])[0].labels.get("sloth_id").cloned();
    assert_eq!((id(0), id(1)), (None, Some("shop-b".to_owned())));
}

#[test]
fn linear_combinations_keep_their_signs() {
    let indicator = Indicator::Counters {
        bad: vec![
            term(-1.0, "good_total"),
            term(1.0, "all_total"),
            term(0.5, "late_total"),
        ],
        total: vec![term(-2.0, "odd_total")],
    };
    let rules = one(&slo("a", indicator), Options::default());
    insta::assert_snapshot!(recorded(&rules, "slo:sli_error:ratio_rate5m"), @r#"
    (sum(rate(all_total[5m])) + 0.5 * sum(rate(late_total[5m])) - sum(rate(good_total[5m])))
    /
    (-2 * sum(rate(odd_total[5m])))
    "#);
}

proptest! {
    /// Whatever people write into labels, annotations and queries, YAML gives back.
    #[test]
    fn yaml_gives_back_every_text(
        texts in proptest::collection::btree_map("\\PC{0,12}", "(?s).{0,40}", 0..4),
        expr in "(?s)([ -~\n\t\u{e9}\u{85}\u{2028}]|  \n){1,60}",
        note in "(?s).{0,20}",
    ) {
        let rule = Rule {
            purpose: Purpose::Alert { name: "no".to_owned(), pending: Span::from_mins(5) },
            expr: expr.clone(),
            labels: texts.clone(),
            annotations: texts.clone(),
        };
        let slo = SloRules {
            slo: SloId::new("a", "b"),
            sloth_id: "a-b".to_owned(),
            groups: vec![Group { name: "1e3".to_owned(), rules: vec![rule] }],
            notes: vec![note],
        };
        let object = file::ObjectName { labels: texts.clone(), ..file::ObjectName::default() };
        let text = file::prometheus_rule(&[slo], &object);
        let read: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        let group = &read["spec"]["groups"][0];
        prop_assert_eq!(group["name"].as_str(), Some("1e3"));
        let rule = &group["rules"][0];
        prop_assert_eq!(rule["alert"].as_str(), Some("no"));
        prop_assert_eq!(rule["for"].as_str(), Some("5m"));
        prop_assert_eq!(rule["expr"].as_str(), Some(expr.as_str()));
        for (name, value) in &texts {
            prop_assert_eq!(rule["labels"][name.as_str()].as_str(), Some(value.as_str()), "{}", text);
        }
    }
}
