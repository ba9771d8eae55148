//! SLI and SLO plugins: every id with its options.

use std::collections::BTreeSet;

use super::*;
use crate::config::Definition;
use crate::engine::{Indicator, Span, Term, WindowQuery};

/// Loads files through the whole pipeline.
pub(super) fn load(files: &[(&str, &str)]) -> (Vec<Definition>, Diagnostics) {
    let found = RefCell::default();
    let mut documents = crate::config::compile::Documents::new(&found);
    for (name, text) in files {
        documents.read((*name).into(), text.as_bytes());
    }
    let definitions = documents.compile();
    (definitions, found.into_inner())
}

/// A file with one SLO that is measured by a plugin.
fn with_plugin(id: &str, options: &str) -> String {
    format!(
        "version: prometheus/v1\nservice: shop\nslos:\n- name: x\n  objective: 99\n  \
         alerting: {{name: X, annotations: {{runbook: 'https://a.example/'}}, labels: {{team: a}}}}\n  \
         sli:\n    plugin:\n      id: {id}\n      options: {options}\n"
    )
}

fn indicator(definition: &Definition) -> String {
    let terms = |terms: &[Term]| {
        let terms = terms
            .iter()
            .map(|t| format!("{:+} {}", t.coefficient, t.selector));
        terms.collect::<Vec<_>>().join(" ")
    };
    let hour = Span::from_hours(1);
    match &definition.slo.indicator {
        Indicator::Counters { bad, total } => {
            format!("exact\n  bad: {}\n  total: {}", terms(bad), terms(total))
        }
        Indicator::Windows(WindowQuery::Events { bad, total, .. }) => {
            format!(
                "direct\n  bad: {}\n  total: {}",
                bad.render(hour),
                total.render(hour)
            )
        }
        Indicator::Windows(WindowQuery::Ratio { error_ratio }) => {
            format!("direct\n  ratio: {}", error_ratio.render(hour))
        }
        other => panic!("no plugin makes {other:?}"),
    }
}

/// What a plugin measures, or what is wrong with it; notes and warnings below.
fn measure(id: &str, options: &str) -> String {
    let (definitions, found) = load(&[("a.yml", &with_plugin(id, options))]);
    let shown: Vec<String> = definitions.iter().map(indicator).collect();
    format!("{}\n{found}", shown.join("\n"))
        .trim_start()
        .to_owned()
}

/// Every id with all of its options.
const ALL: [(&str, &str); 21] = [
    (
        "coredns/availability",
        r#"{filter: '{job="dns"},', custom_rcode_regex: "SERVFAIL|REFUSED"}"#,
    ),
    ("coredns/latency", r#"{filter: 'job="dns"', bucket: 0.25}"#),
    ("fake", "{burn_rate: 2.5, jitter_percent: 10}"),
    (
        "haproxy/frontend/availability",
        r#"{filter: 'proxy=~"shop.*"'}"#,
    ),
    (
        "istio/v1/availability",
        r#"{filter: 'reporter="source"', service: shop, namespace: prod}"#,
    ),
    (
        "istio/v1/latency",
        "{filter: '', service: shop, namespace: prod, bucket: 250, exclude_errors: yes}",
    ),
    (
        "kubernetes/apiserver/availability",
        r#"{filter: 'cluster="a"'}"#,
    ),
    (
        "kubernetes/apiserver/latency",
        r#"{filter: 'cluster="a"', bucket: "1"}"#,
    ),
    (
        "kubernetes/kooper/availability",
        r#"{controller: shop, filter: 'ns="a"'}"#,
    ),
    (
        "kubernetes/kooper/latency",
        "{controller: shop, filter: '{}', bucket: 5}",
    ),
    (
        "kubernetes/kooper/queue-congestion",
        "{controller: shop, filter: '{}', bucket: 0.1}",
    ),
    (
        "kubernetes/nginx-ingress/availability",
        r#"{filter: 'ingress="shop"'}"#,
    ),
    ("noop", "{}"),
    (
        "prometheus/rules/eval-availability",
        r#"{filter: 'job="prometheus"'}"#,
    ),
    (
        "prometheus/targets/availability",
        r#"{filter: 'job="shop"'}"#,
    ),
    (
        "slok-go-http-metrics/availability",
        r#"{filter: 'handler="/",service="shop"'}"#,
    ),
    (
        "slok-go-http-metrics/latency",
        r#"{filter: 'service="shop"', bucket: 0.3, exclude_errors: "true"}"#,
    ),
    (
        "traefik/v1/availability",
        r#"{filter: 'job="edge"', backend_regex: "^shop.*$"}"#,
    ),
    (
        "traefik/v1/latency",
        r#"{filter: 'job="edge"', backend_regex: "shop", bucket: 0.3, exclude_errors: 1}"#,
    ),
    (
        "traefik/v2/availability",
        r#"{filter: 'job="edge"', service_name_regex: "shop@.*"}"#,
    ),
    (
        "traefik/v2/latency",
        r#"{filter: 'job="edge"', service_name_regex: "shop", bucket: 1.2, exclude_errors: false}"#,
    ),
];

#[test]
fn every_sli_plugin_measures_what_its_program_would() {
    let tested: BTreeSet<String> = ALL
        .iter()
        .map(|(id, _)| format!("sloth-common/{id}"))
        .collect();
    assert_eq!(tested, sli_plugin::ids().collect());
    let shown: Vec<String> = ALL
        .iter()
        .map(|(id, options)| {
            let shown = measure(&format!("sloth-common/{id}"), options);
            assert!(
                !shown.contains("error:") && !shown.contains("warning:"),
                "{id}: {shown}"
            );
            format!("{id}: {shown}")
        })
        .collect();
    insta::assert_snapshot!(shown.join(""), @r#"
    coredns/availability: exact
      bad: +1 coredns_dns_responses_total{job="dns",rcode=~"SERVFAIL|REFUSED"}
      total: +1 coredns_dns_responses_total{job="dns"}
    coredns/latency: exact
      bad: +1 coredns_dns_request_duration_seconds_count{job="dns"} -1 coredns_dns_request_duration_seconds_bucket{job="dns",le="0.25"}
      total: +1 coredns_dns_request_duration_seconds_count{job="dns"}
    fake: direct
      ratio: (max_over_time(vector(0.025)[1h:])) - ((0.025 * (10 - ((time() * minute() * hour() * day_of_week() * month()) % 20))) / 100)
    haproxy/frontend/availability: exact
      bad: +1 haproxy_frontend_http_responses_total{code="5xx",proxy=~"shop.*"}
      total: +1 haproxy_frontend_http_responses_total{proxy=~"shop.*"}
    istio/v1/availability: exact
      bad: +1 istio_requests_total{destination_service_name="shop",destination_service_namespace="prod",reporter="source",response_code=~"(5..|429)"}
      total: +1 istio_requests_total{destination_service_name="shop",destination_service_namespace="prod",reporter="source"}
    istio/v1/latency: exact
      bad: +1 istio_request_duration_milliseconds_count{destination_service_name="shop",destination_service_namespace="prod",response_code!~"5.."} -1 istio_request_duration_milliseconds_bucket{destination_service_name="shop",destination_service_namespace="prod",le=~"250|250\\.0",response_code!~"5.."}
      total: +1 istio_request_duration_milliseconds_count{destination_service_name="shop",destination_service_namespace="prod",response_code!~"5.."}
    a.yml:9:11: note: errors are excluded by the label response_code; Sloth's plugin asks for the label code, which Istio does not set, and excludes nothing
      fix: remove exclude_errors to count them as Sloth does
    kubernetes/apiserver/availability: exact
      bad: +1 apiserver_request_total{cluster="a",code=~"(5..|429)"}
      total: +1 apiserver_request_total{cluster="a"}
    kubernetes/apiserver/latency: exact
      bad: +1 apiserver_request_duration_seconds_count{cluster="a",verb!="WATCH"} -1 apiserver_request_duration_seconds_bucket{cluster="a",le=~"1|1\\.0",verb!="WATCH"}
      total: +1 apiserver_request_duration_seconds_count{cluster="a",verb!="WATCH"}
    kubernetes/kooper/availability: exact
      bad: +1 kooper_controller_processed_event_duration_seconds_count{controller="shop",ns="a",success="false"}
      total: +1 kooper_controller_processed_event_duration_seconds_count{controller="shop",ns="a"} -1 kooper_controller_queued_events_total{controller="shop",ns="a",requeue="true"}
    kubernetes/kooper/latency: exact
      bad: +1 kooper_controller_processed_event_duration_seconds_count{controller="shop"} -1 kooper_controller_processed_event_duration_seconds_bucket{controller="shop",le=~"5|5\\.0"}
      total: +1 kooper_controller_processed_event_duration_seconds_count{controller="shop"}
    kubernetes/kooper/queue-congestion: exact
      bad: +1 kooper_controller_event_in_queue_duration_seconds_count{controller="shop"} -1 kooper_controller_event_in_queue_duration_seconds_bucket{controller="shop",le="0.1"}
      total: +1 kooper_controller_event_in_queue_duration_seconds_count{controller="shop"}
    kubernetes/nginx-ingress/availability: exact
      bad: +1 nginx_ingress_controller_requests{ingress="shop",status=~"(5..|429)"}
      total: +1 nginx_ingress_controller_requests{ingress="shop"}
    noop: direct
      ratio: max_over_time(vector(0)[1h:])
    prometheus/rules/eval-availability: exact
      bad: +1 prometheus_rule_evaluation_failures_total{job="prometheus"}
      total: +1 prometheus_rule_evaluations_total{job="prometheus"}
    prometheus/targets/availability: direct
      bad: sum(count_over_time(up{job="shop"}[1h])) - sum(sum_over_time(up{job="shop"}[1h]))
      total: sum(count_over_time(up{job="shop"}[1h]))
    a.yml:9:11: note: it measures the share of scrapes that failed; the query of Sloth's plugin divides only its fallback of 0, and yields a number of scrapes
      fix: expect an error ratio between 0 and 1
    slok-go-http-metrics/availability: exact
      bad: +1 http_request_duration_seconds_count{code=~"(5..|429)",handler="/",service="shop"}
      total: +1 http_request_duration_seconds_count{handler="/",service="shop"}
    slok-go-http-metrics/latency: exact
      bad: +1 http_request_duration_seconds_count{code!~"5..",service="shop"} -1 http_request_duration_seconds_bucket{code!~"5..",le="0.3",service="shop"}
      total: +1 http_request_duration_seconds_count{code!~"5..",service="shop"}
    traefik/v1/availability: exact
      bad: +1 traefik_backend_requests_total{backend=~"^shop.*$",code=~"(5..|429)",job="edge"}
      total: +1 traefik_backend_requests_total{backend=~"^shop.*$",job="edge"}
    traefik/v1/latency: exact
      bad: +1 traefik_backend_request_duration_seconds_count{backend=~"shop",code!~"5..",job="edge"} -1 traefik_backend_request_duration_seconds_bucket{backend=~"shop",code!~"5..",job="edge",le="0.3"}
      total: +1 traefik_backend_request_duration_seconds_count{backend=~"shop",code!~"5..",job="edge"}
    traefik/v2/availability: exact
      bad: +1 traefik_service_requests_total{code=~"(5..)",job="edge",service=~"shop@.*"}
      total: +1 traefik_service_requests_total{job="edge",service=~"shop@.*"}
    traefik/v2/latency: exact
      bad: +1 traefik_service_request_duration_seconds_count{job="edge",service=~"shop"} -1 traefik_service_request_duration_seconds_bucket{job="edge",le="1.2",service=~"shop"}
      total: +1 traefik_service_request_duration_seconds_count{job="edge",service=~"shop"}
    "#);
}

#[test]
fn ratios_of_counters_take_the_exact_path() {
    for (id, options) in ALL {
        let shown = measure(&format!("sloth-common/{id}"), options);
        let direct = ["fake", "noop", "prometheus/targets/availability"].contains(&id);
        assert_eq!(shown.starts_with("direct"), direct, "{id}: {shown}");
    }
}

#[test]
fn options_may_be_left_out_where_the_program_lets_them() {
    for (id, options) in [
        ("coredns/availability", "{}"),
        ("coredns/latency", "{bucket: 1}"),
        ("fake", "{burn_rate: 1}"),
        ("haproxy/frontend/availability", ""),
        ("kubernetes/apiserver/availability", ""),
        ("prometheus/targets/availability", "{filter: }"),
        ("istio/v1/latency", "{service: a, namespace: b, bucket: 1}"),
    ] {
        let shown = measure(&format!("sloth-common/{id}"), options);
        assert!(!shown.contains("error:"), "{id}: {shown}");
    }
}

#[test]
fn mistakes_in_options_are_reported_at_the_option() {
    let cases = [
        ("coredns/latency", "{bukcet: 1, filter: [1]}"),
        ("coredns/latency", "{bucket: fast}"),
        ("coredns/latency", "{bucket: +Inf}"),
        ("coredns/latency", "{bucket: -1}"),
        (
            "coredns/availability",
            r#"{filter: 'job="x"} or vector(0) or a{', custom_rcode_regex: "("}"#,
        ),
        ("slok-go-http-metrics/latency", "{exclude_errors: perhaps}"),
        (
            "istio/v1/availability",
            r#"{service: 'a"} * 2', colour: red}"#,
        ),
        ("traefik/v2/availability", "[a]"),
        ("fake", "{burn_rate: fast, jitter_percent: much}"),
        ("kubernets/apiserver/latency", "{}"),
    ];
    let shown: Vec<String> = cases
        .iter()
        .map(|(id, options)| measure(&format!("sloth-common/{id}"), options))
        .collect();
    insta::assert_snapshot!(shown.concat(), @r#"
    a.yml:9:11: error: the plugin needs the option bucket
      fix: add bucket: to the options
    a.yml:10:17: warning: the plugin has no option "bukcet", so it is ignored
      fix: did you mean "bucket"? remove it otherwise
    a.yml:10:36: error: the option filter is not a single value
      fix: write one value
    a.yml:10:25: error: the option bucket is not a number
      fix: write a number such as 0.5
    a.yml:10:25: error: the option bucket is not a number
      fix: write a number such as 0.5
    a.yml:10:25: error: the option bucket is not above 0
      fix: write the bound of a bucket of the histogram, such as 0.5
    a.yml:10:25: error: the option filter does not make label matchers: `}` closes nothing
      fix: write it as it stands between the braces of a selector, such as job="x"
    a.yml:10:76: error: the option custom_rcode_regex does not make label matchers: not valid PromQL: illegal regex for (
      fix: write it as it stands between the braces of a selector, such as job="x"
    a.yml:9:11: error: the plugin needs the option bucket
      fix: add bucket: to the options
    a.yml:9:11: error: the plugin needs the option filter
      fix: add filter: to the options
    a.yml:10:33: error: the option exclude_errors is neither true nor false
      fix: write true or false
    a.yml:9:11: error: the plugin needs the option namespace
      fix: add namespace: to the options
    a.yml:10:26: error: the option service does not make label matchers: the text in quotes is never closed
      fix: write it as it stands between the braces of a selector, such as job="x"
    a.yml:10:37: warning: the plugin has no option "colour", so it is ignored
      fix: remove it
    a.yml:10:16: error: options are not a section of keys and values
      fix: write one "key: value" per line, indented
    a.yml:10:28: error: the option burn_rate is not a number
      fix: write a number such as 0.5
    a.yml:10:50: error: the option jitter_percent is not a number
      fix: write a number such as 0.5
    a.yml:9:11: error: the SLI plugin "sloth-common/kubernets/apiserver/latency" is a program of Sloth's, and slofuse runs none
      fix: did you mean "sloth-common/kubernetes/apiserver/latency"?
    "#);
    insta::assert_snapshot!(measure("getting_started_availability", "{job: a}"), @r#"
    a.yml:9:11: error: the SLI plugin "getting_started_availability" is a program of Sloth's, and slofuse runs none
      fix: write the query that it returns as sli.raw, or better the two queries of its ratio as sli.events
    "#);
}

#[test]
fn a_plugin_replaces_raw_and_excludes_events() {
    let text = |sli: &str| {
        format!(
            "version: prometheus/v1\nservice: a\nslos:\n- {{name: b, objective: 99, alerting: {{name: X}}, sli: {{{sli}}}}}"
        )
    };
    let plugin = "plugin: {id: sloth-common/noop}";
    let raw = r#"raw: {error_ratio_query: "a[{{.window}}]"}"#;
    let (shown, found) = translate(&[("a.yml", &text(&format!("{raw}, {plugin}")))]);
    assert!(
        shown.contains("error ratio: max_over_time(vector(0)"),
        "{shown}"
    );
    assert!(
        found
            .to_string()
            .contains("the plugin's query replaces raw"),
        "{found}"
    );
    let (_, found) = translate(&[("a.yml", &text(&format!("events: {{}}, {plugin}")))]);
    assert!(
        found.to_string().contains("they exclude each other"),
        "{found}"
    );
}

/// One SLO under a file's chain, with a chain of its own.
fn chained(file: &str, slo: &str) -> (String, Diagnostics) {
    let text = format!(
        r#"
version: prometheus/v1
service: shop
slo_plugins: {file}
slos:
- name: x
  objective: 99
  plugins: {slo}
  sli:
    events:
      error_query: sum(rate(errors_total[{{{{.window}}}}]))
      total_query: sum(rate(events_total[{{{{.window}}}}]))
  alerting: {{ name: X }}
"#
    );
    translate(&[("a.yml", &text)])
}

#[test]
fn slo_plugins_that_only_make_rules_are_told_and_passed_over() {
    let chain = r#"
  chain:
  - {id: sloth.dev/core/validate/v1, priority: -10}
  - {id: sloth.dev/core/sli_rules/v1, config: {disableOptimized: true}}
  - {id: sloth.dev/core/metadata_rules/v1}
  - {id: sloth.dev/core/alert_rules/v1}
  - {id: sloth.dev/core/debug/v1, config: {msg: hello}}
  - {id: sloth.dev/core/noop/v1}
  - {id: sloth.dev/contrib/validate_victoria_metrics/v1}
  - {id: sloth.dev/contrib/info_labels/v1, config: {labels: {a: b}, metricName: c}}
  - {id: sloth.dev/contrib/remove_labels/v1, config: {preserveLabels: [a]}}
  - {id: sloth.dev/contrib/rule_intervals/v1, config: {interval: {default: 1m}}, priority: 100}
"#;
    let (shown, found) = chained(chain, "{}");
    assert_eq!((found.errors(), found.warnings()), (0, 0), "{found}");
    assert!(!shown.contains("disabled"), "{shown}");
    insta::assert_snapshot!(found, @r"
    a.yml:7:66: note: disableOptimized has no effect: the period is always exact here
      fix: remove it once Sloth is gone
    a.yml:12:10: note: queries may be MetricsQL for Sloth, but are read as PromQL here
      fix: write what is refused in PromQL, which VictoriaMetrics understands too
    a.yml:13:10: note: the plugin shapes recording rules, and slofuse has none
      fix: remove it once Sloth is gone
    a.yml:14:10: note: the plugin shapes recording rules, and slofuse has none
      fix: remove it once Sloth is gone
    a.yml:15:10: note: the plugin shapes recording rules, and slofuse has none
      fix: remove it once Sloth is gone
    ");
}

#[test]
fn unknown_slo_plugins_are_refused_by_name() {
    let (_, found) = chained(
        "{chain: [{id: sloth.dev/contrib/info_label/v1}, {id: acme/gate/v1, colour: red}]}",
        "{chain: [{priority: high}, a, {id: ''}]}",
    );
    insta::assert_snapshot!(found, @r#"
    a.yml:4:28: error: the SLO plugin "sloth.dev/contrib/info_label/v1" is a program of Sloth's, and slofuse runs none
      fix: did you mean "sloth.dev/contrib/info_labels/v1"?
    a.yml:4:67: error: the SLO plugin "acme/gate/v1" is a program of Sloth's, and slofuse runs none
      fix: remove it, and say what it does with a policy or an SLO of apiVersion slofuse/v1
    a.yml:4:81: warning: the plugin has no key "colour", so it is ignored
      fix: remove it
    a.yml:8:21: error: the plugin lacks the key "id"
      fix: write id: and a value
    a.yml:8:32: error: priority is not a whole number
      fix: write one such as 10
    a.yml:8:39: error: the plugin is not a section of keys and values
      fix: write one "key: value" per line, indented
    a.yml:8:47: error: id is empty
      fix: write id: and a value
    "#);
}

#[test]
fn a_chain_that_makes_no_alerts_makes_none_here() {
    let (shown, found) = chained(
        "{chain: [{id: sloth.dev/contrib/denominator_corrected_rules/v1}]}",
        "{overridePrevious: true, chain: [{id: sloth.dev/core/sli_rules/v1}]}",
    );
    insta::assert_snapshot!(shown, @r"
    id: shop/x
    labels: sloth_id=shop-x, sloth_service=shop, sloth_slo=x
    objective: 99
    bad: sum(rate(errors_total[{{.window}}]))
    total: sum(rate(events_total[{{.window}}]))
    page: disabled
    ticket: disabled
    note: the chain replaces Sloth's and makes no alerts, so there are no pages and tickets here either
    ");
    assert_eq!(found.errors(), 0, "{found}");
    let (shown, _) = chained(
        "{}",
        "{overridePrevious: on, chain: [{id: sloth.dev/core/alert_rules/v1}]}",
    );
    assert!(!shown.contains("disabled"), "{shown}");
}

#[test]
fn an_exhausted_budget_becomes_a_notice() {
    let (shown, found) = chained(
        r#"
  chain:
  - id: sloth.dev/contrib/error_budget_exhausted_alert/v1
    config: { threshold: 0.05, alert_name: BudgetLow, for: 10m, selector_labels: {a: b},
              alert_labels: {severity: info}, annotations: {text: "{{ $labels.sloth_slo }} is low"} }
"#,
        "{chain: [{id: sloth.dev/contrib/error_budget_exhausted_alert/v1}]}",
    );
    insta::assert_snapshot!(shown, @r"
    id: shop/x
    labels: sloth_id=shop-x, sloth_service=shop, sloth_slo=x
    objective: 99
    bad: sum(rate(errors_total[{{.window}}]))
    total: sum(rate(events_total[{{.window}}]))
    page: X [sloth_severity=page] []
    ticket: X [sloth_severity=ticket] []
    info: ErrorBudgetExhausted [-] [-]
    note: the alert becomes an info notice when 95% of the budget are consumed, instead of the usual notices
    note: the alert becomes an info notice when 100% of the budget are consumed, instead of the usual notices
    ");
    insta::assert_snapshot!(found, @r"
    a.yml:6:9: note: the alert becomes an info notice when 95% of the budget are consumed, instead of the usual notices
      fix: remove the plugin to have the usual notices
    a.yml:7:55: warning: for has no effect: a notice of the budget does not wait
      fix: remove it once Sloth is gone
    a.yml:7:65: warning: selector_labels has no effect: every instance has its own budget
      fix: remove it once Sloth is gone
    a.yml:13:26: note: the alert becomes an info notice when 100% of the budget are consumed, instead of the usual notices
      fix: remove the plugin to have the usual notices
    ");
    for threshold in ["1", "-0.1", "nan", "low"] {
        let (_, found) = chained(
            &format!(
                "{{chain: [{{id: sloth.dev/contrib/error_budget_exhausted_alert/v1, config: {{threshold: {threshold}}}}}]}}"
            ),
            "{}",
        );
        assert_eq!(found.errors(), 1, "{threshold}: {found}");
    }
}
