//! Pyrra's documents and what they become.

use std::cell::RefCell;

use proptest::prelude::*;

use super::*;
use crate::config::compile::Documents;
use crate::config::diagnostic::{Diagnostics, Level};
use crate::config::formats::unpacked;
use crate::config::{Definition, tree, written};
use crate::engine::{BlindPolicy, Severity, Tier};

const CHECKOUT: &str = include_str!("../../../../tests/fixtures/formats/pyrra/checkout.yaml");
const LIST: &str = include_str!("../../../../tests/fixtures/formats/pyrra/from-cluster.yaml");
const SWITCHES: &str = include_str!("../../../../tests/fixtures/formats/pyrra/switches.yaml");

const RATIO: &str = "apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: api, namespace: shop}
spec:
  target: '99.9'
  window: 28d
  indicator:
    ratio:
      errors: {metric: 'errors_total{job=\"api\"}'}
      total: {metric: 'requests_total{job=\"api\"}'}
";

const LATENCY: &str = "apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: slow, namespace: shop}
spec:
  target: '99'
  window: 28d
  indicator:
    latency:
      success: {metric: 'duration_seconds_bucket{le=\"5\"}'}
      total: {metric: 'duration_seconds_count'}
";

/// The translations as native documents, and what was reported.
fn translated(bytes: &[u8]) -> (Vec<String>, Diagnostics) {
    let found = RefCell::default();
    let report = Report::new("a.yaml".into(), &found);
    let mut all = Pyrra::default();
    let documents = tree::parse(bytes, &report).documents;
    for node in documents.into_iter().flat_map(unpacked) {
        all.add(report.clone(), node);
    }
    let slos = all.translate().slos;
    let texts = slos.iter().map(|slo| written::yaml(&slo.document).unwrap());
    (texts.collect(), found.into_inner())
}

/// What loading makes of it.
fn compiled(bytes: &[u8]) -> (Vec<Definition>, Diagnostics) {
    let found = RefCell::default();
    let mut documents = Documents::new(&found);
    documents.read("a.yaml".into(), bytes);
    let definitions = documents.compile();
    (definitions, found.into_inner())
}

/// The only translation of a text without mistakes, and what was reported.
fn native(text: &str) -> (String, Diagnostics) {
    let (documents, found) = translated(text.as_bytes());
    assert_eq!((documents.len(), found.errors()), (1, 0), "{found}");
    (documents[0].clone(), found)
}

/// The lines of a native document from one that begins with `key` to the next as far left.
fn section(document: &str, key: &str) -> String {
    let matches = |line: &str| line == key || line.starts_with(&format!("{key} "));
    let mut lines = document
        .lines()
        .skip_while(|line| !matches(line.trim_start()));
    let first = lines.next().unwrap_or_default();
    let indent = first.len() - first.trim_start().len();
    let inside = |line: &&str| {
        line.starts_with(&" ".repeat(indent + 1)) || line.trim_start().starts_with('-')
    };
    let rest: Vec<&str> = lines.take_while(inside).collect();
    std::iter::once(first)
        .chain(rest)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Everything reported after replacing a piece of a file, as `line:column level rule message; fix`.
fn found_with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    let (_, found) = translated(text.replacen(from, to, 1).as_bytes());
    let line = |found: &crate::config::Diagnostic| {
        let (line, column) = (found.place.line, found.place.column);
        let (level, rule) = (found.severity.as_str(), found.rule.name());
        format!(
            "{line}:{column} {level} {rule}: {}; {}",
            found.message, found.fix
        )
    };
    found.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_ratio_becomes_counters_and_a_policy_of_its_own() {
    let (documents, found) = translated(CHECKOUT.as_bytes());
    assert_eq!(found.errors() + found.warnings(), 0, "{found}");
    insta::assert_snapshot!(documents[0], @r#"
    apiVersion: slofuse/v1
    kind: SLO
    metadata:
      service: shop
      name: checkout-answers
      owner: payments
      description: Checkout requests are answered without a server error.
      runbook: https://runbooks.example.com/checkout
      labels:
        job: checkout
        slo: checkout-answers
        team: payments
        tier: '1'
      annotations:
        impact: Customers cannot pay.
        runbook: https://runbooks.example.com/checkout
    spec:
      objective: 99.9
      period: 28d
      policy:
        tiers:
          - severity: page
            budget: 0.020833333333333332
            long: 1h
            short: 5m
            pending: 2m
            labels:
              exhaustion: 2d
              long: 1h
              severity: critical
              short: 5m
          - severity: page
            budget: 6.25%
            long: 6h
            short: 30m
            pending: 15m
            labels:
              exhaustion: 4d
              long: 6h
              severity: critical
              short: 30m
          - severity: ticket
            budget: 0.07142857142857142
            long: 1d
            short: 2h
            pending: 1h
            labels:
              exhaustion: 2w
              long: 1d
              severity: warning
              short: 2h
          - severity: ticket
            budget: 0.14285714285714285
            long: 4d
            short: 6h
            pending: 3h
            labels:
              exhaustion: 4w
              long: 4d
              severity: warning
              short: 6h
        blind:
          after_slots: 6
          severity: page
      alerts:
        page:
          name: ErrorBudgetBurn
        ticket:
          name: ErrorBudgetBurn
        info:
          name: ErrorBudgetBurn
      group_by:
        - route
      sli:
        events:
          bad: http_requests_total{job="checkout",route=~"/pay.*",code=~"5.."}
          total: http_requests_total{job="checkout",route=~"/pay.*"}
    "#);
}

#[test]
fn a_latency_finds_its_bucket_in_both_versions_of_prometheus() {
    let (documents, found) = translated(CHECKOUT.as_bytes());
    insta::assert_snapshot!(section(&documents[1], "sli:"), @r#"
    sli:
      events:
        good: http_request_duration_seconds_bucket{job="checkout",code!~"5..",le=~"5(\\.0)?"}
        total: http_request_duration_seconds_count{job="checkout",code!~"5.."}
    "#);
    insta::assert_snapshot!(found, @r#"
    a.yaml:51:21: note: the severity "p4" does not say whom to tell, so the long-term burn alert stays a ticket
      fix: write critical, warning or info; the label severity is kept as it is
    "#);
    for (bound, expected) in [
        ("le=\"5\"", r#"le=~"5(\\.0)?""#),
        ("le=\"5.0\"", "le=\"5.0\""),
        ("le=\"0.5\"", "le=\"0.5\""),
        ("le=\"+Inf\"", "le=\"+Inf\""),
        ("le=~\"5\"", "le=~\"5\""),
    ] {
        let (document, _) = native(&LATENCY.replace("le=\"5\"", bound));
        assert!(document.contains(expected), "{document}");
    }
}

#[test]
fn severities_say_whom_to_tell_and_stay_as_labels() {
    let (documents, _) = translated(CHECKOUT.as_bytes());
    let told: Vec<&str> = documents[1]
        .lines()
        .map(|line| line.trim_start_matches([' ', '-']))
        .filter(|line| line.starts_with("severity:"))
        .collect();
    insta::assert_snapshot!(told.join(", "), @"severity: page, severity: page, severity: ticket, severity: ticket, severity: info, severity: info, severity: ticket, severity: p4, severity: page");
    insta::assert_snapshot!(section(&documents[1], "alerts:"), @r"
    alerts:
      page:
        name: CheckoutSlow
      ticket:
        name: CheckoutSlow
      info:
        name: CheckoutSlow
    ");
}

#[test]
fn what_a_cluster_adds_is_passed_over() {
    let (documents, found) = translated(LIST.as_bytes());
    assert_eq!(documents.len(), 2);
    insta::assert_snapshot!(found, @r"
    a.yaml:50:9: note: Pyrra has no alert for an absent native histogram; slofuse has one
      fix: write alerting: {absent: false} to have none here either
    a.yaml:58:32: note: performanceOverAccuracy has no meaning here: every sample is read once, and no window is an estimate
      fix: remove the key once Pyrra no longer reads this file
    a.yaml:60:9: note: ruleOutput has no meaning here: there are no recording rules
      fix: remove the key once Pyrra no longer reads this file
    ");
    insta::assert_snapshot!(section(&documents[0], "metadata:"), @r"
    metadata:
      service: edge
      name: probes
      description: Every site answers its probe.
      labels:
        job: blackbox
        slo: probes
    ");
    let of_one_kind = LIST.replacen(
        "v1\nkind: List",
        "pyrra.dev/v1alpha1\nkind: ServiceLevelObjectiveList",
        1,
    );
    assert_eq!(translated(of_one_kind.as_bytes()).0, documents);
}

#[test]
fn a_gauge_counts_its_samples() {
    let (documents, _) = translated(LIST.as_bytes());
    insta::assert_snapshot!(section(&documents[0], "sli:"), @r#"
    sli:
      events:
        bad: sum by (instance) (count_over_time(probe_success{job="blackbox"}[$window]) - sum_over_time(probe_success{job="blackbox"}[$window]))
        total: sum by (instance) (count_over_time(probe_success{job="blackbox"}[$window]))
    "#);
    insta::assert_snapshot!(section(&documents[0], "blind:"), @"    blind: false");
}

#[test]
fn a_native_histogram_stays_one() {
    let (documents, _) = translated(LIST.as_bytes());
    insta::assert_snapshot!(section(&documents[1], "sli:"), @r#"
    sli:
      latency:
        histogram: render_duration_seconds{job="storefront"}
        threshold: 250ms
        native: true
    "#);
    insta::assert_snapshot!(section(&documents[1], "group_by:"), @r"
    group_by:
      - region
    ");
    insta::assert_snapshot!(section(&documents[1], "blind:"), @r"
    blind:
      after_slots: 24
      severity: ticket
    ");
    insta::assert_snapshot!(section(&documents[1], "metadata:"), @r"
    metadata:
      service: storefront
      name: render-time
      labels:
        job: storefront
        service: storefront
        slo: render-time
    ");
}

#[test]
fn alerts_are_switched_off_in_every_way() {
    let (documents, found) = translated(SWITCHES.as_bytes());
    insta::assert_snapshot!(found, @r"
    a.yaml:38:11: note: the fast burn alert is left out: with a window of 2d it would look back 0s, and in Pyrra it can never fire
      fix: choose a window of at least 2d19h12m to have it
    ");
    let [absence, silence, short] = documents.as_slice() else {
        panic!("{documents:?}");
    };
    assert!(!absence.contains("tiers:"), "{absence}");
    insta::assert_snapshot!(section(absence, "alerts:"), @r"
    alerts:
      page:
        name: MailGone
      ticket:
        name: MailGone
      info:
        name: MailGone
    ");
    let told = "    budget:\n      thresholds: []\n      exhaustion_within: never\n";
    assert!(absence.contains(told), "{absence}");
    assert_eq!(silence.matches("- severity: page").count(), 2);
    insta::assert_snapshot!(section(silence, "alerts:"), @r"
    alerts:
      page:
        disabled: true
      ticket:
        disabled: true
      info:
        disabled: true
    ");
    insta::assert_snapshot!(section(silence, "blind:"), @"    blind: false");
    assert_eq!(short.matches("- severity: ").count(), 3);
    insta::assert_snapshot!(section(short, "sli:"), @r#"
    sli:
      events:
        bad: sum by (shard) (increase(queue:failed:total{queue="mail"}[$window]))
        total: sum by (shard) (increase(queue:handled:total{queue="mail"}[$window]))
    "#);
}

#[test]
fn without_burn_alerts_absence_is_still_told() {
    let (definitions, found) = compiled(SWITCHES.as_bytes());
    assert_eq!(found.errors(), 0, "{found}");
    let [absence, silence, _] = definitions.as_slice() else {
        panic!("{definitions:?}");
    };
    let policy = &absence.slo.policy;
    assert!(policy.tiers.is_empty() && policy.budget.thresholds.is_empty());
    let blind = policy.blind.as_ref().unwrap();
    assert_eq!(blind.severity, Severity::Page);
    let policy = &silence.slo.policy;
    assert!(policy.tiers.is_empty() && policy.blind.is_none());
}

#[test]
fn numbers_and_texts_are_targets_alike() {
    let quoted = native(RATIO).0;
    assert_eq!(native(&RATIO.replace("'99.9'", "99.9")).0, quoted);
    assert!(
        native(&RATIO.replace("'99.9'", "99"))
            .0
            .contains("objective: 99\n")
    );
    let weeks = RATIO.replace("28d", "4w");
    assert_eq!(native(&weeks).0, quoted);
}

#[test]
fn the_service_is_named_or_the_namespace() {
    let service = |metadata: &str| {
        let text = RATIO.replace("{name: api, namespace: shop}", metadata);
        section(&native(&text).0, "service:")
    };
    assert_eq!(service("{name: api}"), "  service: pyrra");
    assert_eq!(service("{name: api, namespace: shop}"), "  service: shop");
    let labelled = "{name: api, namespace: shop, labels: {pyrra.dev/service: web, service: x}}";
    assert_eq!(service(labelled), "  service: web");
}

#[test]
fn equal_names_in_two_namespaces_are_two_objectives() {
    let other = RATIO.replace("namespace: shop", "namespace: lab");
    let (documents, found) = translated(format!("{RATIO}---\n{other}").as_bytes());
    assert_eq!(documents.len(), 2);
    insta::assert_snapshot!(found, @r#"
    a.yaml:14:18: note: Pyrra does not tell this "api" from the one at a.yaml:3:18; here they are two: shop/api and lab/api
      fix: rename one of the two if Pyrra still reads them
    "#);
}

#[test]
fn labels_are_handed_on_as_pyrra_does() {
    let metadata = "{name: api, labels: {app: a, pyrra.dev/job: mine, pyrra.dev/on-call: eu, \
                    pyrra.dev/owner: web}, annotations: {a: b, pyrra.dev/dashboard: 'https://d.example.com', \
                    pyrra.dev/runbook: ask Ana}}";
    let (document, found) = native(&RATIO.replace("{name: api, namespace: shop}", metadata));
    insta::assert_snapshot!(section(&document, "metadata:"), @r"
    metadata:
      service: pyrra
      name: api
      owner: web
      dashboard: https://d.example.com
      labels:
        job: api
        on_call: eu
        owner: web
        slo: api
      annotations:
        dashboard: https://d.example.com
        runbook: ask Ana
    ");
    insta::assert_snapshot!(found, @r#"
    a.yaml:3:80: note: "on-call" is no label name, so the label is called "on_call"
      fix: use letters, digits and _ after pyrra.dev/
    "#);
    let grouped = RATIO.replace("      total:", "      grouping: [job]\n      total:");
    assert!(!section(&native(&grouped).0, "labels:").contains("job"));
}

#[test]
fn mistakes_have_a_place_and_a_fix() {
    let ratio = |from: &str, to: &str| found_with(RATIO, from, to);
    insta::assert_snapshot!(ratio("v1alpha1", "v1"), @r#"1:13 error invalid: the apiVersion "pyrra.dev/v1" is not known; use one of: pyrra.dev/v1alpha1"#);
    insta::assert_snapshot!(ratio("ServiceLevelObjective", "ServiceLevelObjectives"), @r#"2:7 error invalid: the kind "ServiceLevelObjectives" is not known; did you mean "ServiceLevelObjective"?"#);
    insta::assert_snapshot!(ratio("name: api, ", ""), @r#"3:11 error invalid: metadata lacks the key "name"; add name:"#);
    insta::assert_snapshot!(ratio("name: api", "name: a/pi"), @r#"3:18 error invalid: "a/pi" is not a name; use up to 63 letters, digits, _, . and -, beginning with a letter or digit"#);
    insta::assert_snapshot!(ratio("namespace: shop", "labels: {pyrra.dev/service: a b}"), @r#"3:51 error invalid: "a b" is not a name; use up to 63 letters, digits, _, . and -, beginning with a letter or digit"#);
    insta::assert_snapshot!(ratio("  target: '99.9'\n", ""), @r#"5:3 error invalid: spec lacks the key "target"; add target:"#);
    insta::assert_snapshot!(ratio("'99.9'", "99.9%"), @"5:11 error invalid: this is not a number; write a number such as 99.9");
    insta::assert_snapshot!(ratio("'99.9'", "0.999"), @r#"5:11 warning suspect-objective: the target 0.999 is read as 0.999 percent; write percent, such as target: "99.9""#);
    insta::assert_snapshot!(ratio("  window: 28d\n", ""), @r#"5:3 error invalid: spec lacks the key "window"; add window:"#);
    insta::assert_snapshot!(ratio("28d", "2t"), @r#"6:11 error invalid: "2t" is not a duration; write it like 30s, 5m, 1h30m or 30d"#);
    insta::assert_snapshot!(ratio("    ratio:", "    rtio:"), @r#"
    8:5 error invalid: indicator has none of the keys ratio, latency, latencyNative, bool_gauge; add one of ratio, latency, latencyNative, bool_gauge
    8:5 warning ignored-key: unknown key "rtio"; did you mean "ratio"?
    "#);
    insta::assert_snapshot!(ratio("      errors: {metric: 'errors_total{job=\"api\"}'}\n", ""), @r#"9:7 error invalid: ratio lacks the key "errors"; add errors:"#);
    insta::assert_snapshot!(ratio("{metric: 'errors_total{job=\"api\"}'}", "{}"), @r#"9:15 error invalid: errors lacks the key "metric"; add metric:"#);
    insta::assert_snapshot!(ratio("'errors_total{job=\"api\"}'", "'rate(errors_total[5m])'"), @r#"9:24 error invalid: this is not one plain selector; write one plain selector, such as http_requests_total{job="shop"}"#);
    insta::assert_snapshot!(ratio("'errors_total{", "'errors_total{{"), @r#"9:37 error invalid: `{{` is no placeholder: the window is written $window or {{.window}}; write one plain selector, such as http_requests_total{job="shop"}"#);
    insta::assert_snapshot!(ratio("api\"}'", "api\"} offset 5m'"), @"9:24 error invalid: `offset` and `@` would move the window; Pyrra passes over them; remove them: the window ends now");
    insta::assert_snapshot!(ratio("'errors_total{", "'{"), @"9:24 error invalid: the selector has no metric name, and Pyrra makes no rules of it; write the name of the metric before the braces");
    insta::assert_snapshot!(ratio("'errors_total{", "'{__name__=\"errors_total\","), @"9:24 note changed-meaning: Pyrra makes no rules of a selector with its name in the braces; slofuse evaluates it; write the name of the metric before the braces");
    insta::assert_snapshot!(ratio("    ratio:", "    latency: {}\n    ratio:"), @"8:14 error invalid: indicator has both ratio and latency, but they exclude each other; write an objective for each of the two");
    insta::assert_snapshot!(ratio("    ratio:", "    bool_gauge: {metric: up}\n    ratio:"), @"8:17 warning ignored-key: bool_gauge has no effect beside ratio; remove it, or write an objective of its own for bool_gauge");
    insta::assert_snapshot!(ratio("  window", "  alerting: {burnrate: false, absent: maybe}\n  window"), @r#"
    6:14 warning ignored-key: unknown key "burnrate"; did you mean "burnrates"?
    6:39 error invalid: this is neither true nor false; write true or false
    "#);
    insta::assert_snapshot!(ratio("  window", "  partial_response_strategy: warn\n  window"), @"6:30 note changed-meaning: partial_response_strategy has no meaning here: nothing is decided on a partial answer; remove the key once Pyrra no longer reads this file");
    insta::assert_snapshot!(ratio("metadata:", "speck: 1\nmetadata:"), @r#"3:1 warning ignored-key: unknown key "speck"; did you mean "spec"?"#);
    let latency = |from: &str, to: &str| found_with(LATENCY, from, to);
    insta::assert_snapshot!(latency("{le=\"5\"}", ""), @r#"9:25 error invalid: success.metric selects no bucket: it has no matcher le with a number; add the bound that is still a success, such as le="0.5""#);
    insta::assert_snapshot!(latency("\"5\"", "\"fast\""), @r#"9:25 error invalid: success.metric selects no bucket: it has no matcher le with a number; add the bound that is still a success, such as le="0.5""#);
    insta::assert_snapshot!(latency("le=", "le!="), @r#"9:25 error invalid: success.metric selects no bucket: it has no matcher le with a number; add the bound that is still a success, such as le="0.5""#);
}

#[test]
fn what_loading_refuses_is_refused_once_and_at_its_place() {
    let refused = |from: &str, to: &str| {
        let (_, found) = compiled(RATIO.replacen(from, to, 1).as_bytes());
        assert_eq!(found.errors(), 1, "{found}");
        let mistake = found
            .iter()
            .find(|found| found.rule.level() == Level::Error)
            .unwrap();
        let (line, column) = (mistake.place.line, mistake.place.column);
        format!("{line}:{column} {}; {}", mistake.message, mistake.fix)
    };
    insta::assert_snapshot!(refused("'99.9'", "'100'"), @"5:11 100 is not an objective: it must lie between 0 and 100 percent, both excluded; write a percentage such as 99.9; 100 would leave no budget to burn");
    insta::assert_snapshot!(refused("'99.9'", "0"), @"5:11 0 is not an objective: it must lie between 0 and 100 percent, both excluded; write a percentage such as 99.9; 100 would leave no budget to burn");
    insta::assert_snapshot!(refused("'99.9'", "most"), @"5:11 this is not a number; write a number such as 99.9");
    insta::assert_snapshot!(refused("28d", "12h"), @"6:11 12h is out of bounds; choose a value from 1d to 400d");
    insta::assert_snapshot!(refused("28d", "2y"), @"6:11 730d is out of bounds; choose a value from 1d to 400d");
    insta::assert_snapshot!(refused("28d", ""), @"6:3 expected a text, found nothing; write a value or remove the key");
    insta::assert_snapshot!(refused("errors_total", "requests_total"), @"9:24 both queries count the same events, so the ratio never changes; correct the PromQL; try it in the Prometheus UI first");
    insta::assert_snapshot!(refused("      total:", "      grouping: [a, a]\n      total:"), @r#"10:21 "a" is listed twice; remove one"#);
    insta::assert_snapshot!(refused("    ratio:", "    rtio:"), @"8:5 indicator has none of the keys ratio, latency, latencyNative, bool_gauge; add one of ratio, latency, latencyNative, bool_gauge");
    insta::assert_snapshot!(refused("name: api, ", ""), @r#"3:11 metadata lacks the key "name"; add name:"#);
    insta::assert_snapshot!(refused("'errors_total{job=\"api\"}'", "sum(a)"), @r#"9:24 this is not one plain selector; write one plain selector, such as http_requests_total{job="shop"}"#);
    insta::assert_snapshot!(refused("'requests_total{job=\"api\"}'", "up offset 1m"), @"10:23 `offset` and `@` would move the window; Pyrra passes over them; remove them: the window ends now");
}

#[test]
fn a_key_that_is_passed_over_has_no_effect() {
    let text = RATIO.replace(
        "  window",
        "  alerting: {burnrate: false, abset: false}\n  window",
    );
    let (document, found) = native(&text);
    assert_eq!(found.warnings(), 2, "{found}");
    assert_eq!(document, native(RATIO).0);
}

#[test]
fn factors_are_those_of_pyrra() {
    for window in ["3d", "7d", "14d", "28d", "30d", "90d", "400d"] {
        let (definitions, found) = compiled(RATIO.replace("28d", window).as_bytes());
        assert_eq!(found.errors(), 0, "{found}");
        let slo = &definitions[0].slo;
        let factor = |tier: &Tier| tier.factor(slo.period.nominal());
        let factors: Vec<f64> = slo.policy.tiers.iter().map(factor).collect();
        assert_eq!(factors.len(), 4);
        for (factor, expected) in factors.into_iter().zip([14.0, 7.0, 2.0, 1.0]) {
            assert!(
                (factor - expected).abs() < 1e-12,
                "{factor} is not {expected}"
            );
        }
    }
}

#[test]
fn every_fixture_loads_as_what_it_measures() {
    let paths = |text: &str| -> Vec<String> {
        let (definitions, found) = compiled(text.as_bytes());
        assert_eq!(found.errors(), 0, "{found}");
        let path = |definition: &Definition| {
            assert_eq!(definition.format, Format::Pyrra);
            format!("{} {}", definition.slo.id, definition.slo.indicator.path())
        };
        definitions.iter().map(path).collect()
    };
    insta::assert_debug_snapshot!(paths(CHECKOUT), @r#"
    [
        "shop/checkout-answers exact",
        "shop/checkout-latency exact",
    ]
    "#);
    insta::assert_debug_snapshot!(paths(LIST), @r#"
    [
        "edge/probes direct",
        "storefront/render-time direct",
    ]
    "#);
    insta::assert_debug_snapshot!(paths(SWITCHES), @r#"
    [
        "pyrra/only-absence exact",
        "pyrra/silence exact",
        "pyrra/two-days direct",
    ]
    "#);
    let (definitions, _) = compiled(SWITCHES.as_bytes());
    let blind = |number: usize| definitions[number].slo.policy.blind.clone();
    let expected = BlindPolicy {
        after_slots: 62,
        severity: Severity::Page,
    };
    assert_eq!(blind(0), Some(expected));
    assert_eq!(blind(1), None);
    assert!(definitions[1].slo.policy.tiers.is_empty());
}

#[test]
fn what_is_missing_is_to_be_written_where_pyrra_keeps_it() {
    let (_, found) = compiled(RATIO.as_bytes());
    let report = found.to_string();
    for fix in [
        "fix: add the label pyrra.dev/owner: with the team",
        "fix: add the annotation pyrra.dev/runbook: with the URL",
    ] {
        assert!(report.contains(fix), "{report}");
    }
}

#[test]
fn one_report_names_every_mistake() {
    let text = RATIO
        .replace("'99.9'", "most")
        .replace("28d", "soon")
        .replace("errors_total{", "errors_total{{")
        .replace("'requests_total{job=\"api\"}'", "[]")
        .replace("name: api", "name: ''");
    let (_, found) = translated(text.as_bytes());
    assert_eq!(found.errors(), 5, "{found}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn damaged_documents_never_panic(
        file in 0usize..5,
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..8, "[ -~\\n\\t]{0,4}"), 1..6),
    ) {
        let mut bytes = [CHECKOUT, LIST, SWITCHES, RATIO, LATENCY][file].as_bytes().to_vec();
        for (at, length, text) in cuts {
            let at = at.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, text.bytes());
        }
        translated(&bytes);
        compiled(&bytes);
    }

    #[test]
    fn any_value_is_translated_without_panic(value in "\\PC{0,30}", line in 0usize..10) {
        let mut lines: Vec<String> = RATIO.lines().map(str::to_owned).collect();
        if let Some((key, _)) = lines[line].clone().split_once(':') {
            lines[line] = format!("{key}: {value}");
        }
        compiled(lines.join("\n").as_bytes());
    }
}
