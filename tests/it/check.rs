//! `slofuse check`: what it finds, how it tells, and what it ends with.

use serde_json::Value;
use wiremock::matchers::{any, body_string_contains, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::cli::{help, run, slofuse};
use super::repository;

#[test]
fn check_explains_itself() {
    insta::assert_snapshot!(help(&["check", "--help"]), @r#"
    Report every mistake in settings and definitions, at its place and with its fix

    Usage: slofuse check [OPTIONS] [PATH]...

    Arguments:
      [PATH]...  Definitions and policies: files, directories, patterns such as 'teams/*/slo.yaml', or -
                 for the standard input

    Options:
      -c, --config <FILE>            The daemon's settings file, to check it with everything it names
          --online                   Ask Prometheus whether the series are there, how many events to
                                     expect, and what each SLO costs
          --prometheus <URL>         The Prometheus to ask, where no settings file names it [default:
                                     http://127.0.0.1:9090]
          --format <FORMAT>          For people, for programs, for code scanning (SARIF 2.1.0), or for
                                     GitHub Actions [default: text] [possible values: text, json, sarif,
                                     github]
          --notes                    Show notes in the text, too; the other formats always hold them
          --deny <RULE|warnings>     Count a rule, or all warnings, as an error; repeatable,
                                     `--list-rules` names the rules
          --warn <RULE>              Count a rule as a warning; repeatable, and stronger than `--deny
                                     warnings`
          --allow <RULE>             Leave a rule out of the report; repeatable
          --list-rules               List all rules with their levels, and check nothing
          --color <WHEN>             Whether the text is coloured: auto is on a terminal, unless
                                     NO_COLOR is set [default: auto] [possible values: auto, always,
                                     never]
          --log-format <LOG_FORMAT>  How log lines look on standard error [default: text] [possible
                                     values: text, json]
          --log <FILTER>             What is logged: a level, or levels by module such as
                                     `warn,slofuse=debug` [default: info, for the demo warn]
      -h, --help                     Print help
      -V, --version                  Print version

    Exit codes: 0 no errors, 1 Prometheus could not be asked, 2 errors were found, 64 wrong usage.

    Examples:
      slofuse check rules/                      check all definitions below a directory
      slofuse check --config slofuse.yaml       check the daemon's settings and all they name
      slofuse check rules/ --deny warnings      let warnings fail, as in a pipeline
      slofuse check rules/ --format github      remarks on the lines of a pull request
      slofuse check rules/ --online --prometheus http://127.0.0.1:9090
    "#);
}

#[test]
fn check_says_what_the_shipped_rules_will_do() {
    let (code, out, err) = run(&["check", "rules"]);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!(out, @r#"
    ────────────────────────────────────────────────────────────────────────────────────────────────
     SLO                              format    promise             fires at              path
    ════════════════════════════════════════════════════════════════════════════════════════════════
     billing/export-freshness         slofuse   99.5 % over 28d     page 13.44x 1h/5m     slices
                                                                    page 5.6x 6h/30m
                                                                    ticket 2.8x 1d/2h
                                                                    ticket 0.933x 3d/6h
    ────────────────────────────────────────────────────────────────────────────────────────────────
     billing/invoices                 slofuse   99.5 % over month   page 14.4x 1h/5m      exact
                                                (Europe/Berlin)     page 6x 6h/30m
                                                                    ticket 3x 1d/2h
                                                                    ticket 1x 3d/6h
    ────────────────────────────────────────────────────────────────────────────────────────────────
     checkout/availability            slofuse   99.9 % over 30d     page 14.4x 1h/5m      exact
                                                                    page 6x 6h/30m
                                                                    ticket 3x 1d/2h
                                                                    ticket 1x 3d/6h
    ────────────────────────────────────────────────────────────────────────────────────────────────
     checkout/latency                 slofuse   99 % over 30d       page 14.4x 1h/5m      exact
                                                                    page 6x 6h/30m
                                                                    ticket 3x 1d/2h
                                                                    ticket 1x 3d/6h
    ────────────────────────────────────────────────────────────────────────────────────────────────
     checkout/purchase.confirmation   slofuse   99.5 % over 30d     nothing               exact
    ────────────────────────────────────────────────────────────────────────────────────────────────
     checkout/purchase                slofuse   99.5 % over 30d     page 14.4x 1h/5m      composite
                                                                    page 6x 6h/30m
                                                                    ticket 3x 1d/2h
                                                                    ticket 1x 3d/6h
    ────────────────────────────────────────────────────────────────────────────────────────────────
     ledger/statements                slofuse   99 % over 30d       page 12x 6h/1h        exact
                                                                    ticket 4.5x 1d/6h
                                                                    ticket 2x 3d/1d
    ────────────────────────────────────────────────────────────────────────────────────────────────
     ledger/transfers                 slofuse   99.9 % over 30d     page 14.4x 1h/5m      exact
                                                                    page 6x 6h/30m
                                                                    ticket 3x 1d/2h
                                                                    ticket 1x 3d/6h
    ────────────────────────────────────────────────────────────────────────────────────────────────
     platform/gateway                 slofuse   99.95 % over 30d    page 14.4x 1h/5m      exact
                                                                    page 6x 6h/30m
                                                                    ticket 3x 1d/2h
                                                                    ticket 1x 3d/6h
    ────────────────────────────────────────────────────────────────────────────────────────────────
     platform/queue-loss              slofuse   99.9 % over 7d      page 3.36x 1h/5m      direct
                                                                    page 1.4x 6h/30m
                                                                    ticket 1.4x 1d/2h
                                                                    ticket 1.167x 3d/6h
    ────────────────────────────────────────────────────────────────────────────────────────────────
     search/availability              slofuse   99.95 % over 30d    page 14.4x 1h/5m      exact
                                                                    page 6x 6h/30m
                                                                    ticket 3x 1d/2h
                                                                    ticket 1x 3d/6h
    ────────────────────────────────────────────────────────────────────────────────────────────────
    composite: it is the product of its steps, whose windows are read
    direct: the ratio is not a plain quotient of sums, so Prometheus evaluates the query once per window
    exact: it is made of sums of counters, so every raw sample is read once and windows are exact
    slices: it is a condition, so Prometheus evaluates it once per time slice

    11 SLOs checked, no errors: next, ask Prometheus with --online
    "#);
}

#[test]
fn check_says_the_same_to_programs() {
    let (code, out, _) = run(&[
        "check",
        "rules/ledger",
        "rules/policies",
        "--format",
        "json",
    ]);
    assert_eq!(code, 0);
    let report: Value = serde_json::from_str(&out).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap(), @r#"
    {
      "diagnostics": {
        "diagnostics": [],
        "errors": 0,
        "notes": 0,
        "warnings": 0
      },
      "online": null,
      "slos": [
        {
          "format": "slofuse",
          "id": "ledger/statements",
          "objective_percent": 99.0,
          "path": "exact",
          "path_reason": "it is made of sums of counters, so every raw sample is read once and windows are exact",
          "period": "30d",
          "place": {
            "column": 1,
            "file": "rules/ledger/statements.slo.yaml",
            "line": 1
          },
          "policy": "low-traffic",
          "tiers": [
            {
              "factor": 12.0,
              "long": "6h",
              "minimum_events": 20.0,
              "severity": "page",
              "short": "1h"
            },
            {
              "factor": 4.5,
              "long": "1d",
              "minimum_events": 10.0,
              "severity": "ticket",
              "short": "6h"
            },
            {
              "factor": 2.0,
              "long": "3d",
              "minimum_events": 10.0,
              "severity": "ticket",
              "short": "1d"
            }
          ]
        },
        {
          "format": "slofuse",
          "id": "ledger/transfers",
          "objective_percent": 99.9,
          "path": "exact",
          "path_reason": "it is made of sums of counters, so every raw sample is read once and windows are exact",
          "period": "30d",
          "place": {
            "column": 1,
            "file": "rules/ledger/transfers.slo.yaml",
            "line": 1
          },
          "policy": "sre-workbook, varied",
          "tiers": [
            {
              "factor": 14.4,
              "long": "1h",
              "minimum_events": 10.0,
              "severity": "page",
              "short": "5m"
            },
            {
              "factor": 6.0,
              "long": "6h",
              "minimum_events": 5.0,
              "severity": "page",
              "short": "30m"
            },
            {
              "factor": 3.0,
              "long": "1d",
              "minimum_events": 5.0,
              "severity": "ticket",
              "short": "2h"
            },
            {
              "factor": 1.0,
              "long": "3d",
              "minimum_events": 5.0,
              "severity": "ticket",
              "short": "6h"
            }
          ]
        }
      ]
    }
    "#);
    let (code, out, _) = run(&["check", "rules", "--format", "json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0);
    assert!(report["slos"].as_array().unwrap().len() >= 6);
}

/// A settings file and a definition file with ten mistakes between them.
const TEN_MISTAKES: [(&str, &str); 2] = [
    (
        "slofuse.yaml",
        "prometheus: {url: prometheus:9090, timeout: 10}
definitions: [slo.yaml]
receivers:
  - {name: pager, pagerduty: {routing_key: {env: SLOFUSE_TEST_UNSET}}}
  - {name: chat, slack: {channel: '#alerts'}}
routes: {page: [pgaer]}
sever: {listen: 9876}
",
    ),
    (
        "slo.yaml",
        "apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: api, owner: me, runbook: 'https://example.com'}
spec:
  objective: 100
  period: 30 days
  policy: sre-workbok
  sli:
    events: {bad: 'errors_total[5m]', total: requests_total}
",
    ),
];

#[test]
fn ten_mistakes_are_told_at_once_and_end_with_2() {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in TEN_MISTAKES {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let path = directory.path().join("slofuse.yaml");
    let path = path.to_str().unwrap();
    let (code, out, err) = run(&["check", "--config", path]);
    assert_eq!((code, err.as_str()), (2, ""));
    let report = out.replace(&format!("{}/", directory.path().display()), "");
    insta::assert_snapshot!(report, @r#"
    error[invalid]: 100 is not an objective: it must lie between 0 and 100 percent, both excluded
     --> slo.yaml:5:14
      |
    5 |   objective: 100
      |              ^^^
      = help: write a percentage such as 99.9; 100 would leave no budget to burn

    error[invalid]: "30 days" is not a duration
     --> slo.yaml:6:11
      |
    6 |   period: 30 days
      |           ^^
      = help: write it like 30s, 5m, 1h30m or 30d

    error[unknown-reference]: the policy "sre-workbok" is not defined
     --> slo.yaml:7:11
      |
    7 |   policy: sre-workbok
      |           ^^^^^^^^^^^
      = help: did you mean "sre-workbook"?

    error[invalid]: the query yields no number per instance
     --> slo.yaml:9:19
      |
    9 |     events: {bad: 'errors_total[5m]', total: requests_total}
      |                   ^^^^^^^^^^^^^^^^^^
      = help: correct the PromQL; try it in the Prometheus UI first

    error[invalid]: this is not an http or https URL
     --> slofuse.yaml:1:19
      = help: write a whole URL that begins with http:// or https://

    error[invalid]: "10" is not a duration
     --> slofuse.yaml:1:45
      = help: write it like 30s, 5m, 1h30m or 30d

    error[invalid]: the environment variable SLOFUSE_TEST_UNSET is not set
     --> slofuse.yaml:4:50
      = help: set SLOFUSE_TEST_UNSET for this process, or correct the name

    error[invalid]: slack has none of the keys webhook_url, bot_token
     --> slofuse.yaml:5:25
      = help: add one of webhook_url, bot_token

    error[invalid]: severity info reaches nobody
     --> slofuse.yaml:6:9
      = help: add info: or default: with at least one receiver

    error[invalid]: severity ticket reaches nobody
     --> slofuse.yaml:6:9
      = help: add ticket: or default: with at least one receiver

    error[unknown-reference]: there is no receiver called "pgaer"
     --> slofuse.yaml:6:17
      = help: did you mean "pager"?

    error[invalid]: unknown key "sever"
     --> slofuse.yaml:7:1
      = help: did you mean "server"?

    error[invalid]: "9876" is not an address to listen on
     --> slofuse.yaml:7:17
      = help: write an IP address and a port, such as 127.0.0.1:9876 or 0.0.0.0:9876

    13 errors: correct them and check again
    "#);
    let errors = report.matches("error[").count();
    assert!(errors >= 10, "{report}");

    let (code, out, _) = run(&["check", "--config", path, "--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 2);
    assert_eq!(json["diagnostics"]["errors"], errors);

    let (code, out, err) = run(&["run", "--config", path]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("did you mean \"pager\"?"), "{err}");
}

#[test]
fn warnings_are_mistakes_only_when_denied() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("slo.yaml");
    let text = repository::read("rules/checkout/availability.slo.yaml");
    std::fs::write(&file, text.replace("  owner: team-payments\n", "")).unwrap();
    let file = file.to_str().unwrap();
    let (code, out, _) = run(&["check", file]);
    assert!(
        out.contains("warning[no-owner]: nobody owns this SLO"),
        "{out}"
    );
    assert!(
        out.contains("1 SLO checked, no errors, 1 warning: "),
        "{out}"
    );
    assert_eq!(code, 0);
    let ends = |options: &[&str]| run(&[&["check", file], options].concat()).0;
    assert_eq!(ends(&["--deny", "warnings"]), 2);
    assert_eq!(ends(&["--deny", "no-owner"]), 2);
    assert_eq!(ends(&["--deny", "no-runbook"]), 0);
    assert_eq!(ends(&["--deny", "warnings", "--warn", "no-owner"]), 0);
    assert_eq!(ends(&["--deny", "warnings", "--allow", "no-owner"]), 0);
    let (_, out, _) = run(&["check", file, "--allow", "no-owner"]);
    assert!(!out.contains("no-owner"), "{out}");
    assert!(out.contains("1 SLO checked, no errors: "), "{out}");
}

#[test]
fn a_prometheus_that_is_not_there_ends_with_1() {
    // Nobody listens on the discard port of the loopback address.
    let nobody = "http://127.0.0.1:9";
    let (code, out, err) = run(&["check", "rules", "--online", "--prometheus", nobody]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("querying http://127.0.0.1:9"), "{err}");
}

/// YAML forbids a tab for indentation.
const TABBED: &str = "apiVersion: slofuse/v1
kind: SLO
metadata:
\tservice: shop
";

/// Its fastest tier can never fire.
const WARNED: &str = "apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: api, owner: me, runbook: 'https://example.com/r'}
spec:
  objective: 90
  sli:
    events: {bad: errors_total, total: requests_total}
";

/// Runs `check` in a directory with these files.
fn check_in(files: &[(&str, &str)], arguments: &[&str]) -> (i32, String) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let output = slofuse(&[&["check"], arguments].concat())
        .current_dir(directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), text)
}

#[test]
fn people_see_the_line_and_the_help() {
    let (code, out) = check_in(&[("a.yaml", WARNED)], &["a.yaml"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(out, @r#"
    warning[dead-tier]: the page tier 1h/5m of "sre-workbook" can never fire: it needs an error ratio of 144%
     --> a.yaml:5:14
      |
    5 |   objective: 90
      |              ^^
      = help: choose a policy with a smaller budget or a longer window, or an objective above 93.06

    ───────────────────────────────────────────────────────────────
     SLO        format    promise         fires at           path
    ═══════════════════════════════════════════════════════════════
     shop/api   slofuse   90 % over 30d   page 14.4x 1h/5m   exact
                                          page 6x 6h/30m
                                          ticket 3x 1d/2h
                                          ticket 1x 3d/6h
    ───────────────────────────────────────────────────────────────
    exact: it is made of sums of counters, so every raw sample is read once and windows are exact

    1 SLO checked, no errors, 1 warning: correct what is not meant, or accept it with --allow RULE
    "#);
}

#[test]
fn what_cannot_be_read_is_told_without_a_line() {
    let files = [("a.yaml", TABBED), ("b.yaml", WARNED)];
    let (code, out) = check_in(&files, &["a.yaml", "b.yaml", "c.yaml"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(out, @r#"
    error[invalid]: this is not YAML: tabs disallowed within this context (block indentation)
     --> a.yaml:4:2
      |
    4 |     service: shop
      |     ^^^^^^^
      = help: check the indentation, quotes and brackets before this place

    warning[dead-tier]: the page tier 1h/5m of "sre-workbook" can never fire: it needs an error ratio of 144%
     --> b.yaml:5:14
      |
    5 |   objective: 90
      |              ^^
      = help: choose a policy with a smaller budget or a longer window, or an objective above 93.06

    error[invalid]: c.yaml cannot be read: No such file or directory (os error 2)
     --> c.yaml:1:1
      = help: correct the path or its permissions

    2 errors, 1 warning: correct them and check again
    "#);
}

#[test]
fn code_scanners_read_sarif() {
    let arguments = ["a.yaml", "--format", "sarif", "--deny", "dead-tier"];
    let (code, out) = check_in(&[("a.yaml", WARNED)], &arguments);
    assert_eq!(code, 2);
    let mut report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["version"], "2.1.0");
    let rules = report["runs"][0]["tool"]["driver"]["rules"].take();
    let rules = rules.as_array().unwrap();
    for rule in rules {
        assert!(rule["shortDescription"]["text"].is_string(), "{rule}");
        assert!(rule["defaultConfiguration"]["level"].is_string(), "{rule}");
    }
    let dead = rules.iter().position(|rule| rule["id"] == "dead-tier");
    assert_eq!(report["runs"][0]["results"][0]["ruleIndex"], dead.unwrap());
    insta::assert_snapshot!(serde_json::to_string_pretty(&report["runs"][0]["results"]).unwrap(), @r#"
    [
      {
        "level": "error",
        "locations": [
          {
            "physicalLocation": {
              "artifactLocation": {
                "uri": "a.yaml"
              },
              "region": {
                "startColumn": 14,
                "startLine": 5
              }
            }
          }
        ],
        "message": {
          "text": "the page tier 1h/5m of \"sre-workbook\" can never fire: it needs an error ratio of 144%\nhelp: choose a policy with a smaller budget or a longer window, or an objective above 93.06"
        },
        "ruleId": "dead-tier",
        "ruleIndex": 6
      }
    ]
    "#);
}

#[test]
fn pull_requests_get_remarks() {
    let (code, out) = check_in(&[("a.yaml", WARNED)], &["a.yaml", "--format", "github"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(out, @r#"::warning file=a.yaml,line=5,col=14,title=dead-tier::the page tier 1h/5m of "sre-workbook" can never fire: it needs an error ratio of 144%25%0Ahelp: choose a policy with a smaller budget or a longer window, or an objective above 93.06"#);
    let clean = WARNED.replace("objective: 90", "objective: 99");
    let (code, out) = check_in(&[("a.yaml", &clean)], &["a.yaml", "--format", "github"]);
    assert_eq!((code, out.as_str()), (0, ""));
}

#[test]
fn colours_are_for_terminals_and_those_who_ask() {
    let coloured = |arguments: &[&str]| {
        check_in(&[("a.yaml", WARNED)], arguments)
            .1
            .contains('\x1b')
    };
    assert!(!coloured(&["a.yaml"]));
    assert!(coloured(&["a.yaml", "--color", "always"]));
    assert!(!coloured(&["a.yaml", "--color", "never"]));
    assert!(!coloured(&[
        "a.yaml", "--color", "always", "--format", "json"
    ]));
}

#[test]
fn rules_are_listed_with_the_levels_they_would_have() {
    let (code, out) = check_in(
        &[],
        &["--list-rules", "--deny", "dead-tier", "--allow", "no-owner"],
    );
    assert_eq!(code, 0);
    let line = |rule: &str| out.lines().find(|line| line.starts_with(rule)).unwrap();
    assert_eq!(
        line("dead-tier"),
        "dead-tier          error    the tier can never fire"
    );
    assert!(line("no-owner").contains("  allowed  "), "{out}");
    let (_, out) = check_in(&[], &["--list-rules", "--format", "json"]);
    let listed: Value = serde_json::from_str(&out).unwrap();
    assert!(listed["rules"].as_array().unwrap().len() > 20);
    // What is listed is documented, and the other way round.
    let documented = repository::read("docs/check.md");
    for rule in listed["rules"].as_array().unwrap() {
        let (name, level) = (
            rule["rule"].as_str().unwrap(),
            rule["severity"].as_str().unwrap(),
        );
        let row = format!("| `{name}` | {level} |");
        assert!(documented.contains(&row), "{row} is not in docs/check.md");
    }
}

#[test]
fn unknown_rules_and_two_levels_are_wrong_usage() {
    let (code, _, err) = run(&["check", "rules", "--deny", "dead-teir"]);
    assert_eq!(code, 64);
    assert!(err.contains("did you mean \"dead-tier\"?"), "{err}");
    let (code, _, err) = run(&["check", "rules", "--allow", "invalid"]);
    assert_eq!(code, 64);
    assert!(err.contains("invalid is always an error"), "{err}");
    let (code, _, err) = run(&[
        "check", "rules", "--allow", "no-owner", "--deny", "no-owner",
    ]);
    assert_eq!(code, 64);
    assert!(
        err.contains("the rule no-owner is given two levels"),
        "{err}"
    );
}

/// Checks one SLO against a source that answers like this, patiently for a second.
async fn check_against(answers: Vec<Mock>, series_max: usize) -> (i32, String, String) {
    let source = MockServer::start().await;
    for answer in answers {
        answer.mount(&source).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let settings = format!(
        "prometheus: {{url: '{}', timeout: 1s}}\nevaluation: {{series_max: {series_max}}}\n\
         definitions: [a.yaml]\nreceivers: [{{name: c, console: {{}}}}]\nroutes: {{default: [c]}}\n",
        source.uri()
    );
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("slofuse.yaml", &settings);
    write("a.yaml", &WARNED.replace("90", "99"));
    let mut command = slofuse(&["check", "--config", "slofuse.yaml", "--online"]);
    command.current_dir(directory.path());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    (code, text(output.stdout), text(output.stderr))
}

fn answer(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body, "application/json")
}

/// The first question, which any source can answer.
fn first_question() -> Mock {
    let body = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    Mock::given(body_string_contains("query=vector")).respond_with(answer(body))
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_broken_source_says_is_one_clear_error() {
    let hangs = ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(60));
    let partial = answer(
        r#"{"status":"success","warnings":["a store is down"],"data":{"resultType":"vector","result":[]}}"#,
    );
    let answers = [
        (hangs, "no answer within 1s"),
        (answer("<html>login</html>"), "a page of HTML"),
        (answer(""), "an empty body"),
        (ResponseTemplate::new(503), "unavailable with status 503"),
        (ResponseTemplate::new(404), "is the path of the url right?"),
        (partial, "a store is down"),
    ];
    for (response, said) in answers {
        let mock = Mock::given(any()).respond_with(response);
        let (code, out, err) = check_against(vec![mock], 100).await;
        assert_eq!((code, out.as_str()), (1, ""), "{said}: {err}");
        assert!(err.contains(said), "{said} is not in {err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_source_refuses_is_a_mistake_of_the_definition() {
    let series: Vec<String> = (0..200)
        .map(|pod| format!(r#"{{"metric":{{"pod":"{pod}"}},"values":[[1,"1"]]}}"#))
        .collect();
    let many = format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#,
        series.join(",")
    );
    let refusal = r#"{"status":"error","errorType":"execution","error":"too \u001b[31m bad"}"#;
    let refused = ResponseTemplate::new(422).set_body_raw(refusal, "application/json");
    let nowhere = || Mock::given(method("GET")).respond_with(ResponseTemplate::new(404));
    for (response, rule, code) in [
        (answer(&many), "warning[many-series]", 0),
        (refused, "error[invalid]: prometheus refused the query", 2),
    ] {
        let rest = Mock::given(any()).respond_with(response);
        // A source that does not say how long it keeps samples is asked no further.
        let mocks = vec![first_question(), nowhere(), rest];
        let (ended, out, err) = check_against(mocks, 100).await;
        assert_eq!(ended, code, "{out}{err}");
        assert!(out.contains(rule), "{out}");
        assert!(!out.contains('\x1b'), "{out}");
    }
}

#[test]
fn overdue_reviews_are_remembered() {
    let reviewed = |day: &str| WARNED.replace("owner: me", &format!("owner: me, review_by: {day}"));
    let said = |day: &str| check_in(&[("a.yaml", &reviewed(day))], &["a.yaml"]).1;
    assert!(
        said("2020-02-29")
            .contains("warning[review-due]: the SLO shop/api was to be reviewed by 2020-02-29")
    );
    assert!(!said("2999-12-31").contains("review-due"));
}

#[test]
fn the_standard_input_and_patterns_are_paths() {
    let mut command = slofuse(&["check", "-"]);
    let output = command.write_stdin(WARNED).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains(" --> <stdin>:5:14\n  |\n5 |   objective: 90\n"),
        "{said}"
    );

    let files = [("a.slo.yaml", WARNED), ("b.yaml", "not: this")];
    let (code, out) = check_in(&files, &["*.slo.yaml"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains(" --> a.slo.yaml:5:14"), "{out}");
    let (code, out) = check_in(&files, &["*.json"]);
    assert_eq!(code, 2, "{out}");
}
