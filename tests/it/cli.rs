//! The command line: its help, its reports and its exit codes.

use assert_cmd::Command;
use serde_json::Value;

use super::repository;

/// The program, run from the top of the repository in a terminal of known width.
pub(crate) fn slofuse(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("slofuse").unwrap();
    command
        .args(arguments)
        .current_dir(repository::root())
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1");
    command
}

/// What a command prints and ends with.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = slofuse(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    (code, text(output.stdout), text(output.stderr))
}

fn help(arguments: &[&str]) -> String {
    let (code, out, err) = run(arguments);
    assert_eq!((code, err.as_str()), (0, ""));
    out
}

#[test]
fn the_front_page_names_the_commands() {
    insta::assert_snapshot!(help(&["--help"]), @r#"
    Burn-rate alerting for Prometheus: exact decisions, explained pages, nothing lost

    Usage: slofuse [OPTIONS] <COMMAND>

    Commands:
      run     Poll Prometheus, decide alerts and deliver notifications until told to stop
      check   Report every mistake in settings and definitions, at its place and with its fix
      rules   Print definitions as recording and alerting rules of Prometheus
      schema  Print a JSON Schema, for editors and other checkers
      demo    Watch an incident of a simulated shop: a page, why it fired, what it cost, its resolve

    Options:
          --log-format <LOG_FORMAT>  How log lines look on standard error [default: text] [possible
                                     values: text, json]
          --log <FILTER>             What is logged: a level, or levels by module such as
                                     `warn,slofuse=debug` [default: info, for the demo warn]
      -h, --help                     Print help
      -V, --version                  Print version
    "#);
}

#[test]
fn run_explains_itself() {
    insta::assert_snapshot!(help(&["run", "--help"]), @r#"
    Poll Prometheus, decide alerts and deliver notifications until told to stop

    Usage: slofuse run [OPTIONS]

    Options:
      -c, --config <FILE>            The settings file [default: slofuse.yaml]
          --log-format <LOG_FORMAT>  How log lines look on standard error [default: text] [possible
                                     values: text, json]
          --log <FILTER>             What is logged: a level, or levels by module such as
                                     `warn,slofuse=debug` [default: info, for the demo warn]
      -h, --help                     Print help
      -V, --version                  Print version
    "#);
}

#[test]
fn check_explains_itself() {
    insta::assert_snapshot!(help(&["check", "--help"]), @r#"
    Report every mistake in settings and definitions, at its place and with its fix

    Usage: slofuse check [OPTIONS] [PATH]...

    Arguments:
      [PATH]...  Definition and policy files or directories

    Options:
      -c, --config <FILE>            The daemon's settings file, to check it with everything it names
          --online                   Ask Prometheus whether each selector matches and what each SLO
                                     costs
          --prometheus <URL>         The Prometheus to ask, where no settings file names it [default:
                                     http://127.0.0.1:9090]
          --format <FORMAT>          How the report looks [default: text] [possible values: text, json]
          --deny <LEVEL>             Treat warnings as mistakes [possible values: warnings]
          --log-format <LOG_FORMAT>  How log lines look on standard error [default: text] [possible
                                     values: text, json]
          --log <FILTER>             What is logged: a level, or levels by module such as
                                     `warn,slofuse=debug` [default: info, for the demo warn]
      -h, --help                     Print help
      -V, --version                  Print version
    "#);
}

#[test]
fn demo_explains_itself() {
    insta::assert_snapshot!(help(&["demo", "--help"]), @r#"
    Watch an incident of a simulated shop: a page, why it fired, what it cost, its resolve

    Usage: slofuse demo [OPTIONS]

    Options:
          --speed <TIMES>            How many times faster than the world the demo runs [default: 20]
          --listen <ADDRESS>         Where the demo's own /metrics and API can be looked at [default:
                                     127.0.0.1:9876]
          --stop-after <DURATION>    Stop after this time of the simulated world instead of running on
          --log-format <LOG_FORMAT>  How log lines look on standard error [default: text] [possible
                                     values: text, json]
          --log <FILTER>             What is logged: a level, or levels by module such as
                                     `warn,slofuse=debug` [default: info, for the demo warn]
      -h, --help                     Print help
      -V, --version                  Print version
    "#);
}

#[test]
fn check_says_what_the_shipped_rules_will_do() {
    let (code, out, err) = run(&["check", "rules"]);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!(out, @r#"
    ────────────────────────────────────────────────────────────────────────────────────────────────────
     SLO                     objective   period   fires at                path     why this path
    ════════════════════════════════════════════════════════════════════════════════════════════════════
     billing/export-freshn   99.5 %      28d      page 13.44x over        slices   it is a condition,
     ess                                          1h/5m                            so Prometheus
                                                  page 5.6x over 6h/30m            evaluates it once
                                                  ticket 2.8x over                 per time slice
                                                  1d/2h
                                                  ticket 0.933x over
                                                  3d/6h
    ────────────────────────────────────────────────────────────────────────────────────────────────────
     checkout/availability   99.9 %      30d      page 14.4x over 1h/5m   exact    it is made of sums
                                                  page 6x over 6h/30m              of counters, so
                                                  ticket 3x over 1d/2h             every raw sample is
                                                  ticket 1x over 3d/6h             read once and
                                                                                   windows are exact
    ────────────────────────────────────────────────────────────────────────────────────────────────────
     checkout/latency        99 %        30d      page 14.4x over 1h/5m   exact    it is made of sums
                                                  page 6x over 6h/30m              of counters, so
                                                  ticket 3x over 1d/2h             every raw sample is
                                                  ticket 1x over 3d/6h             read once and
                                                                                   windows are exact
    ────────────────────────────────────────────────────────────────────────────────────────────────────
     ledger/statements       99 %        30d      page 12x over 6h/1h     exact    it is made of sums
                                                  ticket 4.5x over                 of counters, so
                                                  1d/6h                            every raw sample is
                                                  ticket 2x over 3d/1d             read once and
                                                                                   windows are exact
    ────────────────────────────────────────────────────────────────────────────────────────────────────
     platform/queue-loss     99.9 %      7d       page 3.36x over 1h/5m   direct   the ratio is not a
                                                  page 1.4x over 6h/30m            plain quotient of
                                                  ticket 0.7x over                 sums, so Prometheus
                                                  1d/2h                            evaluates the query
                                                  ticket 0.233x over               once per window
                                                  3d/6h
    ────────────────────────────────────────────────────────────────────────────────────────────────────
     search/availability     99.95 %     30d      page 14.4x over 1h/5m   exact    it is made of sums
                                                  page 6x over 6h/30m              of counters, so
                                                  ticket 3x over 1d/2h             every raw sample is
                                                  ticket 1x over 3d/6h             read once and
                                                                                   windows are exact
    ────────────────────────────────────────────────────────────────────────────────────────────────────

    6 SLOs checked, no mistakes
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
        "warnings": 0
      },
      "online": null,
      "slos": [
        {
          "id": "ledger/statements",
          "objective_percent": 99.0,
          "path": "exact",
          "path_reason": "it is made of sums of counters, so every raw sample is read once and windows are exact",
          "period": "30d",
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
        }
      ]
    }
    "#);
    let (code, out, _) = run(&["check", "rules", "--format", "json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, report["slos"].as_array().unwrap().len()), (0, 6));
}

#[test]
fn a_wrong_call_ends_with_64_and_the_usage() {
    let calls: [&[&str]; 9] = [
        &[],
        &["chek", "rules"],
        &["check"],
        &["check", "rules", "--config", "config/minimal.yaml"],
        &["check", "rules", "--prometheus", "http://127.0.0.1:9090"],
        &["check", "rules", "--deny", "everything"],
        &["demo", "--speed", "0"],
        &["demo", "--stop-after", "soon"],
        &["check", "rules", "--log", "=="],
    ];
    for call in calls {
        let (code, out, err) = run(call);
        assert_eq!((code, out.as_str()), (64, ""), "{call:?}: {err}");
        assert!(!err.is_empty(), "{call:?}");
    }
}

#[test]
fn the_version_is_the_package_s() {
    let version = format!("slofuse {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(&["--version"]), (0, version, String::new()));
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
    slo.yaml:5:14: error: 100 is not an objective: it must lie between 0 and 100 percent, both excluded
      fix: write a percentage such as 99.9; 100 would leave no budget to burn
    slo.yaml:6:11: error: "30 days" is not a duration
      fix: write it like 30s, 5m, 1h30m or 30d
    slo.yaml:7:11: error: the policy "sre-workbok" is not defined
      fix: did you mean "sre-workbook"?
    slo.yaml:9:19: error: the query yields no number per instance
      fix: correct the PromQL; try it in the Prometheus UI first
    slofuse.yaml:1:19: error: this is not an http or https URL
      fix: write a whole URL that begins with http:// or https://
    slofuse.yaml:1:45: error: "10" is not a duration
      fix: write it like 30s, 5m, 1h30m or 30d
    slofuse.yaml:4:50: error: the environment variable SLOFUSE_TEST_UNSET is not set
      fix: set SLOFUSE_TEST_UNSET for this process, or correct the name
    slofuse.yaml:5:25: error: slack has none of the keys webhook_url, bot_token
      fix: add one of webhook_url, bot_token
    slofuse.yaml:6:9: error: severity info reaches nobody
      fix: add info: or default: with at least one receiver
    slofuse.yaml:6:9: error: severity ticket reaches nobody
      fix: add ticket: or default: with at least one receiver
    slofuse.yaml:6:17: error: there is no receiver called "pgaer"
      fix: did you mean "pager"?
    slofuse.yaml:7:1: error: unknown key "sever"
      fix: did you mean "server"?
    "#);
    assert!(report.matches("error: ").count() >= 10, "{report}");

    let (code, out, _) = run(&["check", "--config", path, "--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 2);
    assert_eq!(
        json["diagnostics"]["errors"],
        report.matches("error: ").count()
    );

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
    assert!(out.contains("warning: nobody owns this SLO"), "{out}");
    assert!(
        out.ends_with("1 SLO checked, no mistakes, 1 warning\n"),
        "{out}"
    );
    assert_eq!(code, 0);
    assert_eq!(run(&["check", file, "--deny", "warnings"]).0, 2);
}

#[test]
fn a_prometheus_that_is_not_there_ends_with_1() {
    // Nobody listens on the discard port of the loopback address.
    let nobody = "http://127.0.0.1:9";
    let (code, out, err) = run(&["check", "rules", "--online", "--prometheus", nobody]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("querying http://127.0.0.1:9"), "{err}");
}
