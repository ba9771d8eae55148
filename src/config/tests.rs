//! The pipeline from text to engine types, without files.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

mod native;
mod telling;

use crate::engine::{Indicator, Labels, Period, Policy, Severity, Span};

/// Compiles definition files given as name and bytes.
fn definitions<T: AsRef<[u8]>>(files: &[(&str, T)]) -> (Vec<Definition>, Diagnostics) {
    let found = RefCell::default();
    let mut documents = Documents::new(&found);
    for (name, text) in files {
        documents.read((*name).into(), text.as_ref());
    }
    let definitions = documents.compile();
    (definitions, found.into_inner())
}

fn settings(text: impl AsRef<[u8]>) -> (Option<Settings>, Diagnostics) {
    let found = RefCell::default();
    let outside = Outside {
        env: &|name| (name != "MISSING").then(|| format!("https://example.com/{name}")),
        unusable: &|path| {
            path.ends_with("missing")
                .then(|| "it does not exist".to_owned())
        },
        read: &|path| match path.file_name() {
            Some(name) if name == "broken.j2" => Ok("a\n{{ b".to_owned()),
            _ => Ok(format!("text of {}", path.display())),
        },
        directory: Path::new("etc"),
    };
    let report = Report::new("settings.yaml".into(), &found);
    let compiled = compile::settings(text.as_ref(), &report, &outside);
    (compiled.settings, found.into_inner())
}

/// The only message about `text`, with its place and fix.
fn only(found: &Diagnostics) -> String {
    assert_eq!(found.iter().count(), 1, "{found}");
    let first = found.iter().next().unwrap();
    let (line, column) = (first.place.line, first.place.column);
    format!("{line}:{column} {}; {}", first.message, first.fix)
}

const SLO: &str = r#"apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: api, owner: me, runbook: "https://example.com"}
spec:
  objective: 99.9
  sli: {events: {bad: 'errors_total', total: 'requests_total'}}
"#;

const POLICY: &str = "apiVersion: slofuse/v1
kind: Policy
metadata: {name: p}
spec:
  tiers:
    - {severity: page, budget: 2%, long: 1h, short: 5m}
";

const SETTINGS: &str = "definitions: [rules]
receivers: [{name: console, console: {}}]
routes: {default: [console]}
";

/// One mistake or warning after replacing a piece of a valid file.
fn slo_with(from: &str, to: &str) -> String {
    assert!(SLO.contains(from), "{from}");
    only(&definitions(&[("a.yaml", SLO.replacen(from, to, 1))]).1)
}

fn policy_with(from: &str, to: &str) -> String {
    assert!(POLICY.contains(from), "{from}");
    only(&definitions(&[("a.yaml", POLICY.replacen(from, to, 1))]).1)
}

fn settings_with(from: &str, to: &str) -> String {
    assert!(SETTINGS.contains(from), "{from}");
    only(&settings(SETTINGS.replacen(from, to, 1)).1)
}

#[test]
fn a_small_definition_has_the_defaults() {
    let (definitions, found) = definitions(&[("a.yaml", SLO)]);
    assert_eq!(found.to_string(), "");
    let slo = &definitions[0].slo;
    assert_eq!(slo.id.as_str(), "shop/api");
    assert_eq!(slo.period, Period::Rolling(Span::from_days(30)));
    assert_eq!(*slo.policy, Policy::sre_workbook());
    assert_eq!(definitions[0].place.to_string(), "a.yaml:1:1");
    assert!(matches!(slo.indicator, Indicator::Counters { .. }));
}

#[test]
fn a_small_policy_has_the_built_in_defaults() {
    let slo = SLO.replace("objective", "policy: p\n  objective");
    let (definitions, found) = definitions(&[("a.yaml", format!("{POLICY}---\n{slo}"))]);
    assert_eq!(found.to_string(), "");
    let built_in = Policy::sre_workbook();
    let expected = Policy {
        name: "p".to_owned(),
        tiers: built_in.tiers[..1].to_vec(),
        ..built_in
    };
    assert_eq!(*definitions[0].slo.policy, expected);
}

#[test]
fn a_policy_can_switch_everything_off() {
    let slo = SLO.replace("objective", "policy: p\n  objective");
    let off = "  blind: false\n  budget: {thresholds: [], exhaustion_within: never}\n  page_mutes_ticket: false\n";
    let (definitions, found) = definitions(&[("a.yaml", format!("{POLICY}{off}---\n{slo}"))]);
    assert_eq!(found.to_string(), "");
    let policy = &definitions[0].slo.policy;
    assert_eq!(policy.blind, None);
    assert_eq!(policy.budget, crate::engine::BudgetPolicy::default());
    assert!(!policy.page_mutes_ticket);
}

#[test]
fn mistakes_in_definitions_have_a_place_and_a_fix() {
    insta::assert_snapshot!(slo_with("objective: 99.9", "objctive: 99.9\n  objective: 99"), @r#"5:3 unknown key "objctive"; did you mean "objective"?"#);
    insta::assert_snapshot!(slo_with("  objective: 99.9\n", ""), @r#"5:3 spec lacks the key "objective"; add objective:"#);
    insta::assert_snapshot!(slo_with("99.9", "100"), @"5:14 100 is not an objective: it must lie between 0 and 100 percent, both excluded; write a percentage such as 99.9; 100 would leave no budget to burn");
    insta::assert_snapshot!(slo_with("99.9", "NaN"), @"5:14 expected a finite number, found a single value; write a number such as 99.9");
    insta::assert_snapshot!(slo_with("99.9", "1e999"), @"5:14 expected a finite number, found a single value; write a number such as 99.9");
    insta::assert_snapshot!(slo_with("99.9", "[99.9]"), @"5:14 expected a number, found a list; write one value here");
    insta::assert_snapshot!(slo_with("99.9", ""), @"5:3 expected a number, found nothing; write a value or remove the key");
    insta::assert_snapshot!(slo_with("service: shop", "service: s/hop"), @r#"3:21 "s/hop" is not a name; use up to 63 letters, digits, _, . and -, beginning with a letter or digit"#);
    insta::assert_snapshot!(slo_with("https://", "htp://"), @"3:58 this is not an http or https URL; write a whole URL that begins with http:// or https://");
    insta::assert_snapshot!(slo_with("objective", "period: 12h\n  objective"), @"5:11 12h is out of bounds; choose a value from 1d to 400d");
    insta::assert_snapshot!(slo_with("objective", "period: 1d\n  objective"), @r#"5:11 the policy "sre-workbook" looks back 3d, longer than the period of 1d; choose a period of at least 3d, or a policy of shorter windows"#);
    insta::assert_snapshot!(slo_with("objective", "policy: sre_workbok\n  objective"), @r#"5:11 the policy "sre_workbok" is not defined; did you mean "sre-workbook"?"#);
    insta::assert_snapshot!(slo_with("objective", "group_by: [region, 9a]\n  objective"), @r#"5:22 "9a" is not a label name; use letters, digits and _, not beginning with a digit"#);
    insta::assert_snapshot!(slo_with("objective", "group_by: [a, a]\n  objective"), @r#"5:17 "a" is listed twice; remove one"#);
    insta::assert_snapshot!(slo_with("objective", "group_by: region\n  objective"), @r#"5:13 expected a list, found a single value; write [a, b], or one "- a" per line"#);
    insta::assert_snapshot!(slo_with("owner: me", "owner: me, labels: {a-b: x}"), @r#"3:63 "a-b" is not a label name; use letters, digits and _, not beginning with a digit"#);
    insta::assert_snapshot!(slo_with("{bad: 'errors_total', total", "{total"), @"6:17 events has total alone; add bad: or good:");
    insta::assert_snapshot!(slo_with(", total: 'requests_total'", ""), @"6:17 events has bad alone; add total: or good:");
    insta::assert_snapshot!(slo_with("{bad: 'errors_total'", "{bad: a, good: b"), @"6:17 bad, good and total say the same twice; remove one of the three");
    insta::assert_snapshot!(slo_with("{events", "{ratio: {error_ratio: 'a[$window]'}, events"), @"6:8 sli has both events and ratio, but they exclude each other; keep one of events, latency, time_slices, ratio, journey, weighted");
    insta::assert_snapshot!(slo_with("kind: SLO", "kind: SLI"), @r#"2:7 the kind "SLI" is not known; did you mean "SLO"?"#);
    insta::assert_snapshot!(slo_with("slofuse/v1", "slofuse/v2"), @r#"1:13 the apiVersion "slofuse/v2" is not known; write apiVersion: slofuse/v1"#);
    insta::assert_snapshot!(slo_with("owner: me, ", ""), @"3:11 nobody owns this SLO; add owner: with the team that answers for it");
    insta::assert_snapshot!(slo_with(r#", runbook: "https://example.com""#, ""), @"3:11 this SLO has no runbook; add runbook: with the URL that says what to do when it burns");
}

#[test]
fn tiers_that_can_never_fire_are_warned_of() {
    insta::assert_snapshot!(slo_with("99.9", "93"), @r#"5:14 the page tier 1h/5m of "sre-workbook" can never fire: it needs an error ratio of 101%; choose a policy with a smaller budget or a longer window, or an objective above 93.06"#);
}

#[test]
fn tiers_that_fire_although_the_budget_lasts_are_warned_of() {
    let found = |period: &str| {
        let slo = SLO.replacen("objective", &format!("period: {period}\n  objective"), 1);
        definitions(&[("a.yaml", slo)]).1.to_string()
    };
    insta::assert_snapshot!(found("7d"), @r#"
    a.yaml:5:11: warning: the ticket tier 1d/2h of "sre-workbook" fires at a burn of 0.70, at which the budget of 7d is never used up
      fix: give the tier a budget of at least 14.3%, a shorter window, or the SLO a policy for its period
    a.yaml:5:11: warning: the ticket tier 3d/6h of "sre-workbook" fires at a burn of 0.23, at which the budget of 7d is never used up
      fix: give the tier a budget of at least 42.9%, a shorter window, or the SLO a policy for its period
    "#);
    // Over 28 days the same share is a burn of 0.93.
    assert_eq!(found("28d"), "");
    let advised = "7d\n  policy: {vary: {1d: {budget: 14.3%}, 3d: {budget: 42.9%}}}";
    assert_eq!(found(advised), "");
    let notices = "7d\n  policy: {vary: {1d: {severity: info}, 3d: {severity: info}}}";
    assert_eq!(found(notices), "");
}

#[test]
fn mistakes_in_policies_have_a_place_and_a_fix() {
    insta::assert_snapshot!(policy_with("page", "pge"), @r#"6:18 "pge" is not known here; did you mean "page"?"#);
    insta::assert_snapshot!(policy_with("2%", "2"), @r#"6:32 "2" is not a fraction between 0 and 1; write a percentage such as 2% or a fraction such as 0.02"#);
    insta::assert_snapshot!(policy_with("2%", "0"), @"6:32 a tier of no budget would always fire; write the part of the budget that deserves the alert, such as 2%");
    insta::assert_snapshot!(policy_with("short: 5m", "short: 2h"), @"6:53 the short window 2h is longer than the long one 1h; write short: 5m, a twelfth of the long one");
    insta::assert_snapshot!(policy_with("1h", "1 hour"), @r#"6:42 "1 hour" is not a duration; write it like 30s, 5m, 1h30m or 30d"#);
    insta::assert_snapshot!(policy_with("5m}", "5m, minimum_events: 0}"), @r#"6:73 0 is out of bounds; choose a value from 1 to 1000000000000"#);
    insta::assert_snapshot!(policy_with("tiers:", "recover: 0\n  tiers:"), @"5:12 with recover 0 an alert would never end; write a fraction above 0, such as 0.9");
    insta::assert_snapshot!(policy_with("tiers:", "blind: no\n  tiers:"), @"5:10 this is neither false nor a section; write blind: false, or a section with after_slots and severity");
    insta::assert_snapshot!(policy_with("tiers:", "blind: {after_slots: 0}\n  tiers:"), @"5:24 0 is out of bounds; choose a value from 1 to 10000");
    insta::assert_snapshot!(policy_with("tiers:", "budget: {thresholds: [50%, 50%]}\n  tiers:"), @"5:30 the thresholds do not rise here; list them rising, each once, all above 0");
    insta::assert_snapshot!(policy_with("    - {severity: page, budget: 2%, long: 1h, short: 5m}\n", "    []\n"), @"6:5 a policy has 1 to 32 tiers, not 0; list the burns that deserve an alert");
    insta::assert_snapshot!(policy_with("name: p", "name: sre-workbook"), @r#"1:1 the policy "sre-workbook" is built in and cannot be changed; give this policy another name and choose it with spec.policy"#);
}

#[test]
fn promql_mistakes_point_into_the_query() {
    let place = |from: &str, to: &str| {
        let (definitions, found) = definitions(&[("a.yaml", SLO.replacen(from, to, 1))]);
        assert!(definitions.is_empty());
        let error = found.iter().next().unwrap();
        assert_eq!(error.place.line, 6, "{found}");
        (found.errors(), error.place.column)
    };
    // The texts begin in columns 24 and 47; the second moves with the length of the first.
    let (errors, column) = place("'errors_total'", "'sum(rate('");
    assert!(errors == 1 && (24..=33).contains(&column), "{column}");
    let (errors, column) = place("'requests_total'", "'sum(rate('");
    assert!(errors == 1 && (47..=56).contains(&column), "{column}");
    let field: field::Field<String> = {
        let found = RefCell::default();
        let report = Report::new("a".into(), &found);
        let tree = tree::parse("k: |\n  sum(\n    é;\n  )\n".as_bytes(), &report);
        decode::decode(tree.documents[0].get("k").unwrap(), &report)
    };
    let mark = field.mark_at("sum(\n  é".len(), tree::Mark::start(0));
    assert_eq!((mark.line, mark.column), (3, 6));
    let both = SLO.replace("_total'", "_total{'");
    assert_eq!(definitions(&[("a.yaml", both)]).1.errors(), 2);
}

#[test]
fn queries_that_group_split_the_slo() {
    let grouped = SLO
        .replace(
            "'errors_total'",
            "'sum by (region) (rate(errors_total[$window]))'",
        )
        .replace(
            "'requests_total'",
            "'sum by (region) (rate(requests_total[$window]))'",
        );
    let (loaded, found) = definitions(&[("a.yaml", &grouped)]);
    assert_eq!(found.to_string(), "");
    assert_eq!(loaded[0].slo.group_by, ["region"]);
    let own = grouped.replace("objective", "group_by: []\n  objective");
    assert!(
        definitions(&[("a.yaml", &own)]).0[0]
            .slo
            .group_by
            .is_empty()
    );
    let (loaded, found) =
        definitions(&[("a.yaml", grouped.replace("by (region)", "without (pod)"))]);
    assert!(loaded[0].slo.group_by.is_empty());
    assert_eq!((found.errors(), found.warnings()), (0, 1), "{found}");
}

#[test]
fn names_are_unique_across_files() {
    let policy = POLICY.replace("name: p", "name: other");
    let files = [
        ("a.yaml", format!("{SLO}---\n{POLICY}")),
        ("b.yaml", format!("{policy}---\n{POLICY}---\n{SLO}")),
    ];
    insta::assert_snapshot!(definitions(&files).1, @r#"
    a.yaml:8:1: note: no SLO uses the policy "p"
      fix: choose it with policy: p, or remove it
    b.yaml:1:1: note: no SLO uses the policy "other"
      fix: choose it with policy: other, or remove it
    b.yaml:8:1: error: the policy "p" is defined twice, first at a.yaml:8:1
      fix: rename or remove one of the two
    b.yaml:8:1: note: no SLO uses the policy "p"
      fix: choose it with policy: p, or remove it
    b.yaml:15:1: error: the SLO shop/api is defined twice, first at a.yaml:1:1
      fix: rename or remove one of the two
    "#);
}

#[test]
fn a_broken_policy_is_not_also_called_undefined() {
    let slo = SLO.replace("objective", "policy: p\n  objective");
    for broken in [
        POLICY.replace("2%", "200%"),
        POLICY.replace("name: p", "name: /"),
        POLICY.replace("kind: Policy", "kind: Polciy"),
        POLICY.replace("tiers:", "tiers: ["),
    ] {
        let (_, found) = definitions(&[("a.yaml", slo.as_str()), ("b.yaml", broken.as_str())]);
        assert_eq!(found.errors(), 1, "{found}");
    }
}

#[test]
fn one_report_names_every_mistake() {
    let files = [
        (
            "a.yaml",
            SLO.replace("99.9", "99,9")
                .replace("objective", "groupby: [a]\n  objective"),
        ),
        (
            "b.yaml",
            SLO.replace("shop", "s hop")
                .replace("'errors_total'", "'{'"),
        ),
        ("c.yaml", "kind: [".to_owned()),
        ("d.yaml", "just text".to_owned()),
    ];
    let (_, found) = definitions(&files);
    assert_eq!(found.errors(), 6, "{found}");
}

#[test]
fn mistakes_in_settings_have_a_place_and_a_fix() {
    insta::assert_snapshot!(settings_with("definitions", "prometeus: {}\ndefinitions"), @r#"1:1 unknown key "prometeus"; did you mean "prometheus"?"#);
    insta::assert_snapshot!(settings_with("definitions: [rules]\n", ""), @r#"1:1 the settings file lacks the key "definitions"; add definitions:"#);
    insta::assert_snapshot!(settings_with("definitions", "evaluation: {interval: 20m}\ndefinitions"), @"1:24 20m is out of bounds; choose a value from 1s to 10m");
    insta::assert_snapshot!(settings_with("definitions", "evaluation: {instances_max: -1}\ndefinitions"), @"1:29 this is not a whole number; write a number such as 4");
    insta::assert_snapshot!(settings_with("definitions", "evaluation: {instances_max: 99999999999999999999999}\ndefinitions"), @"1:29 this is not a whole number; write a number such as 4");
    insta::assert_snapshot!(settings_with("definitions", "server: {listen: \":9876\"}\ndefinitions"), @r#"1:18 ":9876" is not an address to listen on; write an IP address and a port, such as 127.0.0.1:9876 or 0.0.0.0:9876"#);
    insta::assert_snapshot!(settings_with("definitions", "prometheus: {url: \"http://p:9090/api/v1\"}\ndefinitions"), @"1:19 this is not the base URL of the server; leave /api/v1 and what follows it out; it is added");
    insta::assert_snapshot!(settings_with("definitions", "prometheus: {deduplicated: yes}\ndefinitions"), @"1:28 expected true or false, found a single value; write true or false");
    insta::assert_snapshot!(settings_with("definitions", "prometheus: {body_bytes_max: 1}\ndefinitions"), @"1:30 1 is out of bounds; choose a value from 64KiB to 16GiB");
    insta::assert_snapshot!(settings_with("definitions", "prometheus: {headers: {\"a b\": c}}\ndefinitions"), @r#"1:31 "a b" is not the name of a header; use letters, digits and -"#);
    insta::assert_snapshot!(settings_with("definitions", "prometheus: {bearer_token: a, basic_auth: {username: a, password: b}}\ndefinitions"), @"1:28 basic_auth and bearer_token exclude each other; keep one of the two");
    insta::assert_snapshot!(settings_with("definitions", "prometheus: {bearer_token: {env: MISSING}}\ndefinitions"), @"1:34 the environment variable MISSING is not set; set MISSING for this process, or correct the name");
    insta::assert_snapshot!(settings_with("definitions", "prometheus: {bearer_token: {file: missing}}\ndefinitions"), @"1:35 the file etc/missing cannot be used: it does not exist; correct the path, which is relative to the settings file, or create the file");
    insta::assert_snapshot!(settings_with("definitions", "prometheus: {bearer_token: {}}\ndefinitions"), @"1:28 the secret has none of the keys env, file; add one of env, file");
    insta::assert_snapshot!(settings_with("definitions", "prometheus: {tls: {cert_file: a}}\ndefinitions"), @"1:19 cert_file and key_file need each other; add the other one");
    insta::assert_snapshot!(settings_with("definitions", "prometheus: {tls: {insecure_skip_verify: true}}\ndefinitions"), @"1:42 every certificate is accepted, so anybody can answer; trust the right authority with ca_file");
    insta::assert_snapshot!(settings_with("definitions", "delivery: {backoff_initial: 2m}\ndefinitions"), @"1:29 backoff_initial is longer than backoff_max; swap the two or raise backoff_max");
    insta::assert_snapshot!(settings_with("definitions", "state: {directory: \"\"}\ndefinitions"), @"1:20 the directory has no name; name a directory that outlives a restart");
    insta::assert_snapshot!(settings_with("[console]", "[consle]"), @r#"3:20 there is no receiver called "consle"; did you mean "console"?"#);
    insta::assert_snapshot!(settings_with("{default: [console]}", "{page: [console], info: [console]}"), @"3:9 severity ticket reaches nobody; add ticket: or default: with at least one receiver");
}

#[test]
fn receivers_are_of_one_kind_and_have_what_it_needs() {
    let receiver = |to: &str| settings_with("{name: console, console: {}}", to);
    insta::assert_snapshot!(receiver("{name: console}"), @"2:13 the receiver has none of the keys pagerduty, slack, webhook, alertmanager, teams, discord, telegram, email, opsgenie, jira_service_management, incident_io, grafana_irm, console; add one of pagerduty, slack, webhook, alertmanager, teams, discord, telegram, email, opsgenie, jira_service_management, incident_io, grafana_irm, console");
    insta::assert_snapshot!(receiver("{name: console, console: {}, slack: {webhook_url: x}}"), @"2:13 the receiver has both slack and console, but they exclude each other; keep one of pagerduty, slack, webhook, alertmanager, teams, discord, telegram, email, opsgenie, jira_service_management, incident_io, grafana_irm, console");
    insta::assert_snapshot!(receiver("{name: console, console: {}}, {name: console, console: {}}"), @r#"2:50 there are two receivers called "console"; rename one of the two"#);
    insta::assert_snapshot!(receiver("{name: console, slack: {webhook_url: hooks.slack.com}}"), @"2:50 the webhook_url is not an http or https URL; write a whole URL that begins with https:// and has no user name in it");
    insta::assert_snapshot!(receiver("{name: console, slack: {bot_token: x}}"), @r#"2:36 slack lacks the key "channel"; add channel:"#);
    insta::assert_snapshot!(receiver("{name: console, pagerduty: {}}"), @r#"2:40 pagerduty lacks the key "routing_key"; add routing_key:"#);
    insta::assert_snapshot!(receiver("{name: console, console: {color: red}}"), @r#"2:39 unknown key "color"; this section takes no keys"#);
    let (settings, found) = settings(SETTINGS.replace("console: {}", "console:"));
    assert!(settings.is_some(), "{found}");
}

#[test]
fn routes_know_every_severity() {
    let text = SETTINGS.replace(
        "{default: [console]}",
        "{default: [console], page: [], info: [console, console]}",
    );
    let (_, found) = settings(text);
    insta::assert_snapshot!(found, @r#"
    settings.yaml:3:36: error: severity page reaches nobody
      fix: name a receiver, or remove the key so that the default is used
    settings.yaml:3:56: error: "console" is listed twice
      fix: remove one
    "#);
    let (loaded, _) = settings(SETTINGS);
    let routing = loaded.unwrap().routing;
    let page = Labels::new([("slofuse_severity", "page")]);
    assert_eq!(routing.find(&page)[0].receivers, ["console"]);
}

#[test]
fn secrets_are_never_shown() {
    const WORD: &str = "hunter2";
    let secrets = [
        "prometheus: {bearer_token: hunter2, basic_auth: {username: a, password: hunter2}}",
        "prometheus: {url: \"http://a:hunter2@b\"}",
        "prometheus: {headers: {a: \"hunter2\\n\"}}",
        "prometheus: {bearer_token: [hunter2]}",
        "prometheus: {basic_auth: hunter2}",
        "prometheus: {bearer_token: !x hunter2}",
        "server: {external_url: hunter2}",
        "prometheus: {timeout: 1s, concurrency: hunter2, deduplicated: hunter2}",
    ];
    for line in secrets {
        let (_, found) = settings(format!("{line}\n{SETTINGS}"));
        assert!(found.errors() > 0, "{line}");
        assert!(!found.to_string().contains(WORD), "{found}");
        assert!(!format!("{found:?}").contains(WORD));
    }
    let receivers = [
        "pagerduty: {routing_key: hunter2, url: hunter2}",
        "slack: {webhook_url: hunter2}",
        "slack: {webhook_url: \"ftp://hunter2\", channel: a}",
        "webhook: {url: hunter2, signing_secret: {env: MISSING}}",
    ];
    for receiver in receivers {
        let (_, found) = settings(SETTINGS.replace("console: {}", receiver));
        assert!(found.errors() > 0, "{receiver}");
        assert!(!found.to_string().contains(WORD), "{found}");
    }
    let good = SETTINGS.replace(
        "console: {}",
        "webhook: {url: \"https://x/hunter2\", bearer_token: hunter2}",
    );
    let (loaded, found) = settings(good);
    let debug = format!("{:?}", loaded.unwrap_or_else(|| panic!("{found}")));
    assert!(
        debug.contains("[redacted]") && !debug.contains(WORD),
        "{debug}"
    );
}

#[test]
fn ten_thousand_definitions_load() {
    let mut text = String::new();
    for number in 0..10_000 {
        let document = SLO.replace("name: api", &format!("name: api-{number}"));
        writeln!(text, "---\n{document}").unwrap();
    }
    let (definitions, found) = definitions(&[("a.yaml", text.as_str())]);
    assert_eq!((definitions.len(), found.errors()), (10_000, 0));
    let wrong = text.replace("99.9", "100");
    let (definitions, found) = self::definitions(&[("a.yaml", wrong)]);
    assert_eq!((definitions.len(), found.errors()), (0, 10_000));
    assert_eq!(found.iter().count(), Diagnostics::KEPT_MAX);
}

#[test]
fn the_example_settings_show_every_key() {
    let (loaded, found) = settings(include_str!("../../config/full.yaml"));
    assert_eq!(found.to_string(), "");
    // Keys that exclude others, and files that do not exist.
    let shown_as_comment = [
        "bearer_token",
        "ca_file",
        "cert_file",
        "key_file",
        "file",
        "basic_auth",
        "Settings.routes",
        "Route.receiver",
        "PagerDuty.url",
        "Opsgenie.url",
        "Server.tls",
        "Templates.body",
        "Templates.subject",
    ];
    let missing: Vec<String> = decode::seen::never_written()
        .into_iter()
        .filter(|key| {
            !shown_as_comment
                .iter()
                .any(|shown| key == shown || key.ends_with(&format!(".{shown}")))
        })
        .collect();
    assert!(
        missing.is_empty(),
        "config/full.yaml does not show {missing:?}"
    );
    let of_tls = ["client_ca_file"];
    for key in shown_as_comment.into_iter().chain(of_tls) {
        let key = key.rsplit('.').next().unwrap();
        assert!(
            include_str!("../../config/full.yaml").contains(&format!("{key}:")),
            "{key}"
        );
    }
    let full = loaded.unwrap();
    let defaults = [
        (
            format!("{:?}", full.evaluation),
            format!("{:?}", settings::EvaluationSettings::default()),
        ),
        (
            format!("{:?}", full.delivery),
            format!("{:?}", settings::DeliverySettings::default()),
        ),
        (
            format!("{:?}", full.state),
            format!("{:?}", settings::StateSettings::default()),
        ),
        (
            format!("{:?}", full.source.tls),
            format!("{:?}", settings::TlsSettings::default()),
        ),
    ];
    for (shown, default) in defaults {
        assert_eq!(shown, default);
    }
    let source = settings::SourceSettings::default();
    assert_eq!(full.source.url, source.url);
    assert_eq!(full.source.timeout, source.timeout);
    assert_eq!(full.source.concurrency, source.concurrency);
    assert_eq!(full.source.body_bytes_max, source.body_bytes_max);
    assert_eq!(full.source.deduplicated, source.deduplicated);
    assert_eq!(
        full.server.listen,
        settings::ServerSettings::default().listen
    );
    let shown = &full.receivers[0];
    let default = settings::ReceiverSettings::new("", settings::ReceiverKind::Console);
    assert_eq!(shown.timeout, default.timeout);
    assert_eq!(shown.concurrency, default.concurrency);
    assert_eq!(shown.send_resolved, default.send_resolved);
}

fn all_inputs() -> [&'static str; 6] {
    [
        SLO,
        POLICY,
        SETTINGS,
        include_str!("../../config/full.yaml"),
        include_str!("../../rules/policies/sre-workbook.yaml"),
        native::EVERYTHING,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_compile_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        definitions(&[("a.yaml", &bytes)]);
        settings(&bytes);
    }

    #[test]
    fn damaged_files_compile_without_panic(
        file in 0usize..6,
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..8, "[ -~\\n\\t]{0,4}"), 1..6),
    ) {
        let mut bytes = all_inputs()[file].as_bytes().to_vec();
        for (at, length, text) in cuts {
            let at = at.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, text.bytes());
        }
        definitions(&[("a.yaml", &bytes)]);
        settings(&bytes);
    }

    #[test]
    fn every_key_takes_any_value_without_panic(
        line in any::<prop::sample::Index>(),
        value in prop::sample::select(vec![
            "", "~", "[]", "{}", "[[[[]]]]", "{a: {b: {c: d}}}", "NaN", "-.inf", "1e309", "-0.0",
            "18446744073709551616", "0.0000000000000000001", "99999999999999999999d", "-1d", "0s",
            "'\u{fffd}\u{202e}'", "$window", "{{.window}}", "'{'", "sum(rate(x[$window]))", "a/b/c",
            "!!binary x", "&a [*a]", "*b", "1000000000000000000%", "true", "é", "|\n    x",
        ]),
    ) {
        let mut lines: Vec<String> = native::EVERYTHING.lines().map(str::to_owned).collect();
        let line = line.index(lines.len());
        if let Some((key, _)) = lines[line].clone().split_once(": ") {
            lines[line] = format!("{key}: {value}");
        }
        definitions(&[("a.yaml", lines.join("\n"))]);
    }

    #[test]
    fn deep_and_repeated_values_compile_without_panic(
        line in any::<prop::sample::Index>(),
        depth in 1usize..200,
        open in prop::sample::select(vec!["[", "{a: ", "- ", "{sli: {journey: [", "&x [*x, "]),
    ) {
        let mut lines: Vec<String> = native::EVERYTHING.lines().map(str::to_owned).collect();
        let line = line.index(lines.len());
        if let Some((key, _)) = lines[line].clone().split_once(": ") {
            lines[line] = format!("{key}: {}", open.repeat(depth));
        }
        definitions(&[("a.yaml", lines.join("\n"))]);
    }

    #[test]
    fn invalid_characters_compile_without_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = native::EVERYTHING.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        definitions(&[("a.yaml", &bytes)]);
    }

    #[test]
    fn any_value_compiles_without_panic(value in "\\PC{0,30}", file in 0usize..3, line in 0usize..6) {
        let mut lines: Vec<String> = all_inputs()[file].lines().map(str::to_owned).collect();
        let line = line % lines.len();
        if let Some((key, _)) = lines[line].clone().split_once(':') {
            lines[line] = format!("{key}: {value}");
        }
        let text = lines.join("\n");
        definitions(&[("a.yaml", &text)]);
        settings(&text);
    }
}
