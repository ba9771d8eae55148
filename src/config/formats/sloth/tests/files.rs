//! The two formats, key by key.

use super::*;

const PLAIN: &str = r#"
# The shop's promises.
version: "prometheus/v1" # a comment here makes Sloth itself stumble
service: shop
labels:
  owner: team-shop
  critical: yes
  share: 0.50
  quoted: "yes"
slos:
  - name: checkout-availability
    description: Buyers can pay.
    objective: 99.9
    labels:
      share: 0.7
      sloth_slo: mine
    sli:
      events:
        error_query: sum(rate(http_requests_total{job="shop",code=~"5.."}[{{.window}}]))
        total_query: sum(rate(http_requests_total{job="shop"}[{{ .window }}]))
    alerting:
      name: ShopCheckoutBurns
      labels:
        category: availability
      annotations:
        runbook_url: https://runbooks.example.com/shop
        summary: "{{ $labels.sloth_service }}: buyers cannot pay at {{$labels.category}} {{ $value }}"
      page_alert:
        labels: { severity: critical, category: paging }
        annotations:
          dashboard: https://dashboards.example.com/shop
      ticket_alert:
        labels: { severity: warning }
  - name: search-errors
    objective: "95"
    sli:
      raw:
        error_ratio_query: |
          sum(rate(search_errors_total[{{.window}}]))
          /
          sum(rate(search_total[{{.window}}]))
    alerting:
      page_alert: { disable: true, labels: { gone: "" } }
      ticket_alert: { disable: yes }
---
Version: ignored
version: prometheus/v1
SERVICE: stock
slos:
  - Name: sync
    objective: 99
    sli: { raw: { error_ratio_query: "max_over_time(stock_sync_failed[{{.window}}])" } }
    alerting: { name: StockSync, page_alert: { disable: true } }
"#;

#[test]
fn every_key_of_a_plain_file_has_its_place() {
    let (shown, found) = translate(&[("shop.yml", PLAIN)]);
    insta::assert_snapshot!(shown, @r#"
      id: shop/checkout-availability
      description: Buyers can pay.
      owner: team-shop
      runbook: https://runbooks.example.com/shop
      dashboard: https://dashboards.example.com/shop
      labels: critical=true, owner=team-shop, quoted=yes, share=0.7, sloth_id=shop-checkout-availability, sloth_service=shop, sloth_slo=checkout-availability
      objective: 99.9
      bad: sum(rate(http_requests_total{job="shop",code=~"5.."}[{{.window}}]))
      total: sum(rate(http_requests_total{job="shop"}[{{ .window }}]))
      page: ShopCheckoutBurns [category=paging, severity=critical, sloth_severity=page] [dashboard=https://dashboards.example.com/shop, runbook_url=https://runbooks.example.com/shop, summary=shop: buyers cannot pay at paging {{ $value }}]
      ticket: ShopCheckoutBurns [category=availability, severity=warning, sloth_severity=ticket] [runbook_url=https://runbooks.example.com/shop, summary=shop: buyers cannot pay at availability {{ $value }}]
      id: shop/search-errors
      owner: team-shop
      labels: critical=true, owner=team-shop, quoted=yes, share=0.5, sloth_id=shop-search-errors, sloth_service=shop, sloth_slo=search-errors
      objective: 95
      error ratio: sum(rate(search_errors_total[{{.window}}]))
    /
    sum(rate(search_total[{{.window}}]))

      page: disabled
      ticket: disabled
      id: stock/sync
      labels: sloth_id=stock-sync, sloth_service=stock, sloth_slo=sync
      objective: 99
      error ratio: max_over_time(stock_sync_failed[{{.window}}])
      page: disabled
      ticket: StockSync [sloth_severity=ticket] []
    "#);
    insta::assert_snapshot!(found, @r#"
    shop.yml:16:18: warning: the label sloth_slo is made of the names, so this one is ignored
      fix: remove it, or give it another name
    shop.yml:46:1: warning: "Version" stands beside "version", so it is ignored
      fix: keep one of the two
    "#);
}

const RESOURCE: &str = r#"
apiVersion: sloth.slok.dev/v1
kind: PrometheusServiceLevel
metadata:
  name: shop
  namespace: monitoring
  labels: { prometheus: main }
spec:
  service: shop
  labels: { owner: team-shop }
  sloPlugins:
    chain:
      - id: sloth.dev/core/debug/v1
        priority: -5
        config: { msg: hello }
  slos:
    - name: checkout
      description: Buyers can pay.
      objective: 99.95
      labels: { tier: "1" }
      plugins: { overridePrevious: false, chain: [] }
      sli:
        events:
          errorQuery: sum(rate(errors_total[{{.window}}]))
          totalQuery: sum(rate(events_total[{{.window}}]))
      alerting:
        name: CheckoutBurns
        labels: { route: a }
        annotations: { dashboard_url: "https://dashboards.example.com/{{ $labels.tier }}" }
        pageAlert:
          disable: false
          labels: { severity: page }
          annotations: { runbook: "see the wiki" }
        ticketAlert:
          disable: true
status:
  processedSLOs: 1
"#;

#[test]
fn every_key_of_a_resource_has_its_place() {
    let (shown, found) = translate(&[("shop.yml", RESOURCE)]);
    insta::assert_snapshot!(shown, @r"
    id: shop/checkout
    description: Buyers can pay.
    owner: team-shop
    labels: owner=team-shop, sloth_id=shop-checkout, sloth_service=shop, sloth_slo=checkout, tier=1
    objective: 99.95
    bad: sum(rate(errors_total[{{.window}}]))
    total: sum(rate(events_total[{{.window}}]))
    page: CheckoutBurns [route=a, severity=page, sloth_severity=page] [dashboard_url=https://dashboards.example.com/1, runbook=see the wiki]
    ticket: disabled
    ");
    insta::assert_snapshot!(found, @"");
}

#[test]
fn blocks_spelled_as_in_the_other_format_are_lost_but_not_in_silence() {
    let snake = r#"
version: prometheus/v1
service: shop
sloPlugins: { chain: [] }
unknown: 1
slos:
  - name: checkout
    objective: 99.9
    descripton: Buyers can pay.
    sli:
      events:
        errorQuery: a
        error_query: sum(rate(errors_total[{{.window}}]))
        total_query: sum(rate(events_total[{{.window}}]))
    alerting:
      name: CheckoutBurns
      pageAlert: { disable: true }
      ticket-alert: { disable: true }
"#;
    let camel = r#"
apiVersion: sloth.slok.dev/v1
kind: PrometheusServiceLevel
spec:
  service: shop
  slos:
    - Name: other
      name: search
      objective: 99.9
      sli:
        raw: { errorRatioQuery: "max_over_time(down[{{.window}}])" }
      alerting:
        name: SearchBurns
        page_alert: { disable: true }
"#;
    let (shown, found) = translate(&[("snake.yml", snake), ("camel.yml", camel)]);
    assert!(!shown.contains("disabled"), "{shown}");
    assert_eq!(found.errors(), 0);
    insta::assert_snapshot!(found, @r#"
    camel.yml:7:7: warning: "Name" stands beside "name", so it is ignored
      fix: keep one of the two
    camel.yml:14:9: warning: "page_alert" is not how this format spells the key, so all of it has no effect in Sloth and none here
      fix: write pageAlert:
    snake.yml:4:1: warning: "sloPlugins" is not how this format spells the key, so all of it has no effect in Sloth and none here
      fix: write slo_plugins:
    snake.yml:5:1: warning: the document has no key "unknown", so it is ignored
      fix: remove it
    snake.yml:9:5: warning: the SLO has no key "descripton", so it is ignored
      fix: did you mean "description"? remove it otherwise
    snake.yml:12:9: warning: "errorQuery" stands beside "error_query", so it is ignored
      fix: keep one of the two
    snake.yml:17:7: warning: "pageAlert" is not how this format spells the key, so all of it has no effect in Sloth and none here
      fix: write page_alert:
    snake.yml:18:7: warning: "ticket-alert" is not how this format spells the key, so all of it has no effect in Sloth and none here
      fix: write ticket_alert:
    "#);
}

#[test]
fn what_sloth_refuses_is_refused_with_a_fix() {
    let text = r#"
version: prometheus/v1
service: ""
labels: { __name__: x, empty: "", nested: { a: b } }
slo_plugins:
  overridePrevious: true
  chain: []
slos:
  - name: nothing-measured
    objective: 99
    sli: {}
    alerting: { name: "" }
  - name: both
    objective: ninety
    sli:
      events: { error_query: "a[{{.window}}]", total_query: "a[{{.window}}]" }
      raw: { error_ratio_query: "b[{{.window}}]" }
    alerting: { name: X }
  - objective: 99
    name: no-window
    sli: { events: { error_query: "sum(rate(a[5m]))", total_query: "sum(rate(b[{{ .windows }}]))" } }
    alerting: { name: X }
  - name: same
    objective: 99
    sli: { events: { error_query: "rate(a[{{.window}}])", total_query: " rate(a[{{.window}}]) " } }
    alerting: { name: X, page_alert: { disable: perhaps } }
  - name: nobody
    sli: { raw: { error_ratio_query: "" } }
    objective: .inf
  - name: "not/a name"
    objective: 1e999
    alerting: [ 1 ]
    sli: { raw: [ 1 ] }
  - a text
"#;
    let (_, found) = translate(&[("bad.yml", text)]);
    insta::assert_snapshot!(found, @r#"
    bad.yml:3:10: error: service is empty
      fix: write service: and a value
    bad.yml:4:21: error: no label can be called __name__: it is the name of the metric
      fix: rename it, or remove it
    bad.yml:4:31: error: the label "empty" has no value
      fix: write a value, or remove it
    bad.yml:4:43: error: the label "nested" is not a single value
      fix: write one value
    bad.yml:6:3: error: the chain replaces all plugins by none
      fix: list plugins in chain:, or remove overridePrevious
    bad.yml:11:10: error: sli has none of the keys events, raw, plugin
      fix: write one of them: events is the most exact
    bad.yml:12:23: error: name is empty
      fix: write name: and a value
    bad.yml:14:16: error: objective is not a number
      fix: write a percentage such as 99.9
    bad.yml:16:7: error: sli has events beside another kind, but they exclude each other
      fix: keep one of events, raw, plugin
    bad.yml:21:35: error: the query has no place for the window, so it would measure the same for every alert
      fix: write each range as [{{.window}}]
    bad.yml:21:68: error: the query has no place for the window, so it would measure the same for every alert
      fix: write each range as [{{.window}}]
    bad.yml:25:35: error: both queries are the same, so every event would be an error
      fix: let the first count the errors only, and the second all events
    bad.yml:26:49: error: disable is neither true nor false
      fix: write true or false
    bad.yml:27:5: error: the SLO does not name its alerts
      fix: add alerting: with a name:, or with both alerts disabled
    bad.yml:28:38: error: error_ratio_query is empty
      fix: write error_ratio_query: and a value
    bad.yml:29:16: error: objective is not a number
      fix: write a percentage such as 99.9
    bad.yml:30:11: error: "not/a name" is not a name
      fix: use up to 63 letters, digits, _, . and -, beginning with a letter or digit
    bad.yml:31:16: error: objective is not a finite number
      fix: write a percentage such as 99.9
    bad.yml:32:15: error: alerting is not a section of keys and values
      fix: write one "key: value" per line, indented
    bad.yml:33:17: error: raw is not a section of keys and values
      fix: write one "key: value" per line, indented
    bad.yml:34:5: error: the SLO is not a section of keys and values
      fix: write one "key: value" per line, indented
    "#);
}

#[test]
fn unknown_versions_and_kinds_are_refused() {
    let files = [
        ("a.yml", "version: prometheus/v2\nservice: a"),
        (
            "b.yml",
            "apiVersion: sloth.slok.dev/v2\nkind: PrometheusServiceLevel",
        ),
        (
            "c.yml",
            "apiVersion: sloth.slok.dev/v1\nkind: PrometheusServiceLevels",
        ),
        ("d.yml", "apiVersion: sloth.slok.dev/v1"),
        ("e.yml", "version: prometheus/v1"),
        ("f.yml", "version: prometheus/v1\nservice: a\nslos: 1"),
        (
            "g.yml",
            "apiVersion: sloth.slok.dev/v1\nkind: PrometheusServiceLevel\nspec:",
        ),
    ];
    let (shown, found) = translate(&files);
    assert_eq!(shown, "");
    insta::assert_snapshot!(found, @r#"
    a.yml:1:10: error: the version "prometheus/v2" is not known
      fix: write version: prometheus/v1
    b.yml:1:13: error: the apiVersion "sloth.slok.dev/v2" is not known
      fix: write apiVersion: sloth.slok.dev/v1
    c.yml:2:7: error: the kind "PrometheusServiceLevels" is not known
      fix: did you mean "PrometheusServiceLevel"?
    d.yml:1:1: error: the document lacks a kind
      fix: add kind: PrometheusServiceLevel
    e.yml:1:1: error: the document defines no SLO
      fix: add slos: and a list of at least one
    e.yml:1:1: error: the document lacks the key "service"
      fix: write service: and a value
    f.yml:3:7: error: slos is not a list
      fix: write one "- " per item
    g.yml:1:1: error: the document lacks the key "spec"
      fix: write spec: and a value
    "#);
}

#[test]
fn what_a_file_shares_is_bounded() {
    let labels: String = (0..100)
        .map(|at| format!("  l{at}: {}\n", "x".repeat(4000)))
        .collect();
    let slos: String = (0..500).map(|at| format!("  - name: s{at}\n")).collect();
    let text = format!("version: prometheus/v1\nservice: a\nlabels:\n{labels}slos:\n{slos}");
    let (shown, found) = translate(&[("a.yml", &text)]);
    assert_eq!(shown, "");
    insta::assert_snapshot!(found, @r"
    a.yml:1:1: error: the labels and plugins of the file, times its SLOs, are more than 64 MiB
      fix: split the file, or shorten what its SLOs share
    ");
    let labels: String = (0..200).map(|at| format!("  l{at}: x\n")).collect();
    let text = format!("version: prometheus/v1\nservice: a\nlabels:\n{labels}slos: [{{name: b}}]");
    let (_, found) = translate(&[("a.yml", &text)]);
    assert!(
        found.to_string().contains("more than 128 labels"),
        "{found}"
    );
}
