//! Sloth's files through the whole pipeline: what the engine gets, and where mistakes are shown.

use super::plugins::load;
use crate::config::{Format, Place};
use crate::engine::{Indicator, Severity};

const SHOP: &str = include_str!("../../../../../tests/fixtures/formats/sloth/shop.yml");
const STOCK: &str = include_str!("../../../../../tests/fixtures/formats/sloth/stock-k8s.yml");
const WINDOWS: &str = include_str!("../../../../../tests/fixtures/formats/sloth/windows-7d.yml");

/// One SLO whose objective and queries are given.
fn with(name: &str, objective: &str, error: &str, total: &str) -> String {
    format!(
        "version: prometheus/v1\nservice: shop\nlabels: {{team: a}}\nslos:\n- name: {name}\n  objective: {objective}\n  \
         alerting: {{name: X, annotations: {{runbook: 'https://a.example/'}}}}\n  sli:\n    events:\n      \
         error_query: {error}\n      total_query: {total}\n"
    )
}

const ERRORS: &str = "sum(rate(errors_total[{{.window}}]))";
const EVENTS: &str = "sum(rate(events_total[{{.window}}]))";

#[test]
fn the_examples_load_without_a_word() {
    let (definitions, found) = load(&[
        ("shop.yml", SHOP),
        ("stock-k8s.yml", STOCK),
        ("windows-7d.yml", WINDOWS),
    ]);
    insta::assert_snapshot!(found, @"");
    let shown: Vec<String> = definitions
        .iter()
        .map(|definition| {
            let slo = &definition.slo;
            assert_eq!(definition.format, Format::Sloth);
            let (path, groups) = (slo.indicator.path(), slo.group_by.join(","));
            let (period, policy) = (&slo.period, &slo.policy.name);
            format!(
                "{} {path} [{groups}] {period} {policy} at {}",
                slo.id, definition.place
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    shop/checkout-availability exact [] 7d sloth-7d at shop.yml:13:5
    shop/search-latency exact [region] 7d sloth-7d at shop.yml:38:5
    shop/prices-fresh direct [] 7d sloth-7d at shop.yml:58:5
    stock/sync exact [] 7d sloth-7d at stock-k8s.yml:14:7
    stock-edge/availability exact [] 7d sloth-7d at stock-k8s.yml:42:7
    ");
    let checkout = &definitions[0].slo;
    insta::assert_snapshot!(serde_json::to_string_pretty(&checkout.document).unwrap(), @r#"
    {
      "description": "Buyers can pay.",
      "owner": "storefront",
      "runbook": "https://runbooks.example.com/shop/checkout",
      "dashboard": "https://dashboards.example.com/d/shop",
      "rationale": null,
      "labels": {
        "customer_facing": "true",
        "journey": "checkout",
        "sloth_id": "shop-checkout-availability",
        "sloth_service": "shop",
        "sloth_slo": "checkout-availability",
        "team": "storefront"
      },
      "annotations": {},
      "alerts": {
        "page": {
          "name": "ShopCheckoutBurns",
          "labels": {
            "category": "availability",
            "severity": "critical",
            "sloth_severity": "page"
          },
          "annotations": {
            "dashboard": "https://dashboards.example.com/d/shop",
            "runbook": "https://runbooks.example.com/shop/checkout",
            "summary": "Buyers cannot pay: shop misses checkout-availability"
          }
        },
        "ticket": {
          "name": "ShopCheckoutBurns",
          "labels": {
            "category": "availability",
            "severity": "warning",
            "sloth_severity": "ticket"
          },
          "annotations": {
            "dashboard": "https://dashboards.example.com/d/shop",
            "runbook": "https://runbooks.example.com/shop/checkout",
            "summary": "Buyers cannot pay: shop misses checkout-availability"
          }
        }
      },
      "depends_on": [],
      "version": null,
      "review_by": null
    }
    "#);
}

#[test]
fn a_disabled_alert_has_no_tiers() {
    let (definitions, found) = load(&[("shop.yml", SHOP)]);
    assert_eq!(found.errors(), 0, "{found}");
    let latency = definitions
        .iter()
        .find(|d| d.slo.name == "search-latency")
        .unwrap();
    let tiers = &latency.slo.policy.tiers;
    assert!(
        tiers.iter().all(|tier| tier.severity == Severity::Ticket),
        "{tiers:?}"
    );
    assert_eq!(tiers.len(), 2);
}

#[test]
fn a_mistake_in_a_query_is_shown_at_its_line_and_column() {
    let text = "
version: prometheus/v1
service: shop
slos:
  - name: x
    objective: 99
    alerting: {name: X}
    sli:
      events:
        error_query: |
          sum(rate(errors_total{code=~\"5..\"}[{{.window}}]))
            + sum(rate(lost_total[{{ if }}]))
        total_query: sum(rate(events_total[{{.window}}])
";
    let (_, found) = load(&[("a.yml", text)]);
    let errors: Vec<(&Place, &str)> = found
        .iter()
        .filter(|d| d.severity == crate::config::Level::Error)
        .map(|d| (&d.place, d.message.as_str()))
        .collect();
    let places: Vec<(u32, u32)> = errors
        .iter()
        .map(|(place, _)| (place.line, place.column))
        .collect();
    assert_eq!(places, [(12, 35), (13, 25)], "{found}");
    assert!(errors[0].1.contains("is no placeholder"), "{found}");
}

#[test]
fn objectives_without_a_budget_are_refused() {
    for objective in ["101", "100", "0", "-1", "\"100\""] {
        let (definitions, found) = load(&[("a.yml", &with("x", objective, ERRORS, EVENTS))]);
        assert!(definitions.is_empty());
        assert_eq!(found.errors(), 1, "{found}");
        let error = found.iter().next().unwrap();
        assert_eq!((error.place.line, error.place.column), (6, 14), "{found}");
        assert!(error.message.contains("is not an objective"), "{found}");
    }
    for objective in ["99.9", "\"99.9\"", "5e-1"] {
        let (definitions, found) = load(&[("a.yml", &with("x", objective, ERRORS, EVENTS))]);
        assert_eq!((definitions.len(), found.errors()), (1, 0), "{found}");
    }
}

#[test]
fn names_that_do_not_fit_are_refused_with_a_fix() {
    let long = "x".repeat(64);
    for name in [long.as_str(), "\"-a\"", "\"a b\""] {
        let (_, found) = load(&[("a.yml", &with(name, "99", ERRORS, EVENTS))]);
        assert_eq!(found.errors(), 1, "{found}");
        assert!(
            found.to_string().contains("use up to 63 letters"),
            "{found}"
        );
    }
    let (definitions, found) = load(&[("a.yml", &with("x", "99", ERRORS, EVENTS))]);
    assert_eq!((definitions.len(), found.errors()), (1, 0), "{found}");
}

#[test]
fn the_same_slo_in_two_files_is_a_duplicate() {
    let one = with("x", "99", ERRORS, EVENTS);
    let (_, found) = load(&[("a.yml", &one), ("b.yml", &one)]);
    assert_eq!(found.errors(), 1, "{found}");
    assert!(
        found
            .to_string()
            .contains("the SLO shop/x is defined twice, first at a.yml:5:3"),
        "{found}"
    );
}

#[test]
fn grouped_queries_make_instances() {
    let error = "sum by (region) (rate(errors_total[{{.window}}]))";
    let total = "sum by (region) (rate(events_total[{{.window}}]))";
    let (definitions, found) = load(&[("a.yml", &with("x", "99", error, total))]);
    assert_eq!(found.errors(), 0, "{found}");
    assert_eq!(definitions[0].slo.group_by, ["region"]);
    assert!(matches!(
        definitions[0].slo.indicator,
        Indicator::Counters { .. }
    ));
}

#[test]
fn lists_of_kubernetes_are_taken_apart() {
    let list = |version: &str, kind: &str| {
        let items = STOCK.split("---").map(|item| {
            let lines = item
                .lines()
                .filter(|line| !line.starts_with('#') && !line.is_empty());
            lines
                .map(|line| format!("    {line}\n"))
                .collect::<String>()
        });
        let items: Vec<String> = items.map(|item| format!("  -\n{item}")).collect();
        format!(
            "apiVersion: {version}\nkind: {kind}\nitems:\n{}",
            items.concat()
        )
    };
    for (version, kind) in [
        ("v1", "List"),
        ("sloth.slok.dev/v1", "PrometheusServiceLevelList"),
    ] {
        let (definitions, found) = load(&[("a.yml", &list(version, kind))]);
        assert_eq!((definitions.len(), found.errors()), (2, 0), "{found}");
    }
}

#[test]
fn plugins_that_change_the_policy_change_it() {
    let corrected = "slo_plugins: {chain: [{id: sloth.dev/contrib/denominator_corrected_rules/v1}, \
                     {id: sloth.dev/contrib/error_budget_exhausted_alert/v1, config: {threshold: 0.2}}]}\nslos:";
    let text = with("x", "99", ERRORS, EVENTS).replace("slos:", corrected);
    let (definitions, found) = load(&[("a.yml", &text), ("windows-7d.yml", WINDOWS)]);
    assert_eq!(found.errors(), 0, "{found}");
    let policy = &definitions[0].slo.policy;
    assert_eq!(policy.mode, crate::engine::Mode::Budget);
    assert_eq!(policy.budget.thresholds, [0.8]);
    assert_eq!(policy.budget.exhaustion_within, None);
    assert_eq!(policy.tiers.len(), 4);
    assert_eq!(policy.tiers[0].budget_fraction, 0.08);
    let notice = &definitions[0].slo.document.alerts[&Severity::Info];
    assert_eq!(notice.name.as_deref(), Some("ErrorBudgetExhausted"));
}

#[test]
fn line_ends_of_windows_change_nothing() {
    let unix = with("x", "99", ERRORS, EVENTS);
    let dos = unix.replace('\n', "\r\n");
    let (one, _) = load(&[("a.yml", &unix)]);
    let (other, found) = load(&[("a.yml", &dos)]);
    assert_eq!(found.errors(), 0, "{found}");
    assert_eq!(one[0].slo, other[0].slo);
}

#[test]
fn the_fixes_for_what_is_missing_are_those_of_the_format() {
    let text = with("x", "99", ERRORS, EVENTS)
        .replace("team: a", "tier: a")
        .replace("runbook", "wiki");
    let (_, found) = load(&[("a.yml", &text)]);
    insta::assert_snapshot!(found, @r"
    a.yml:5:3: warning: nobody owns this SLO
      fix: add the label owner: or team: with the team that answers for it
    a.yml:5:3: warning: this SLO has no runbook
      fix: add the annotation runbook: to alerting, with the URL that says what to do when it burns
    ");
}

#[test]
fn rates_by_events_need_events() {
    let text = "
version: prometheus/v1
service: shop
slo_plugins: {chain: [{id: sloth.dev/contrib/denominator_corrected_rules/v1}]}
slos:
- {name: x, objective: 99, alerting: {name: X}, sli: {raw: {error_ratio_query: 'max_over_time(a[{{.window}}])'}}}
";
    let (definitions, found) = load(&[("a.yml", text)]);
    assert!(definitions.is_empty());
    assert!(
        found.to_string().contains("needs an SLI of kind events"),
        "{found}"
    );
}
