//! `slofuse backtest`: from files to what definitions would have done, as people and programs read
//! it.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

use super::cli::run;

const SETTINGS: &str = "definitions: [slo.yaml]
night: {start: '22:00', end: '07:00', time_zone: Europe/Berlin}
receivers:
  - {name: pager, console: {}}
  - {name: board, console: {}}
routes: {default: [board], page: [pager]}
";

pub(crate) const SLO: &str = r#"apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: checkout, owner: shop, runbook: "https://example.com"}
spec:
  objective: 99
  period: 1d
  policy: quick
  sli: {events: {bad: 'requests_total{code="500"}', total: requests_total}}
---
apiVersion: slofuse/v1
kind: Policy
metadata: {name: quick}
spec:
  tiers:
    - {severity: page, long: 10m, short: 2m, budget: 10%}
    - {severity: ticket, long: 1h, short: 10m, budget: 20%}
"#;

const SLOW: &str = r#"apiVersion: slofuse/v1
kind: Policy
metadata: {name: slow}
spec:
  tiers:
    - {severity: page, long: 2h, short: 30m, budget: 50%}
"#;

/// 2026-03-01 00:00 UTC.
const BEGIN: i64 = 1_772_323_200;
const HOUR: i64 = 3_600;

/// Two days of a shop of ten requests a second, all of which fail for five minutes of the second
/// day's third hour: four in the morning in Berlin.
pub(crate) fn history() -> String {
    let mut text = "# TYPE requests counter\n".to_owned();
    for (code, share) in [("200", 0.0), ("500", 1.0)] {
        let mut value = 0.0;
        for second in (0..48 * HOUR).step_by(15) {
            let outage = 27 * HOUR..27 * HOUR + 300;
            let failing = if outage.contains(&second) { 1.0 } else { 0.0 };
            let count: f64 = 150.0 * if share > 0.5 { failing } else { 1.0 - failing };
            value += count;
            let at = BEGIN + second;
            let labels = format!("job=\"shop\",instance=\"a\",code=\"{code}\"");
            writeln!(text, "requests_total{{{labels}}} {value} {at}").unwrap();
        }
    }
    text.push_str("# EOF\n");
    text
}

/// Runs `backtest` in a folder with all the files; the folder's name is left out of what is said.
fn backtest(arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("slofuse.yaml", SETTINGS);
    write("slo.yaml", SLO);
    write("slow.yaml", SLOW);
    write("history.om", &history());
    let path = |name: &str| Path::join(folder.path(), name).to_str().unwrap().to_owned();
    let arguments: Vec<String> = arguments
        .iter()
        .map(|argument| match argument.strip_prefix('@') {
            Some(name) => path(name),
            None => (*argument).to_owned(),
        })
        .collect();
    let mut all = vec!["backtest"];
    all.extend(arguments.iter().map(String::as_str));
    let (code, out, err) = run(&all);
    let folder = format!("{}/", folder.path().display());
    (code, out.replace(&folder, ""), err.replace(&folder, ""))
}

const PAST: [&str; 7] = [
    "--config",
    "@slofuse.yaml",
    "--history",
    "@history.om",
    "--no-cache",
    "--from",
    "2026-03-02",
];

#[test]
fn wrong_calls_are_refused_with_what_to_do() {
    let refused = |arguments: &[&str]| {
        let (code, out, err) = backtest(arguments);
        assert_eq!(out, "");
        (code, err.lines().next().unwrap_or_default().to_owned())
    };
    let config = ["--config", "@slofuse.yaml"];
    let with = |more: &[&'static str]| refused(&[&config[..], more].concat());
    let (code, error) = refused(&[]);
    let nothing = "slofuse: nothing to play: name files of definitions, or --config slofuse.yaml, \
                   whose definitions are played";
    assert_eq!((code, error.as_str()), (64, nothing));
    let (code, error) = with(&["--html", "nowhere/report.html"]);
    assert_eq!(
        (code, error.as_str()),
        (64, "slofuse: --html: there is no directory nowhere")
    );
    let (code, error) = with(&["--slo", "shop/chekout"]);
    assert_eq!(
        (code, error.as_str()),
        (
            64,
            "slofuse: no SLO is called shop/chekout: did you mean shop/checkout?"
        )
    );
    let (code, error) = with(&["--policy", "quik"]);
    assert_eq!(
        (code, error.as_str()),
        (64, "slofuse: no policy is called quik: did you mean quick?")
    );
    let (code, error) = with(&["--objective", "100"]);
    assert_eq!(code, 64);
    assert!(error.contains("100 is not an objective"), "{error}");
    let (code, error) = with(&["--objective", "0.999"]);
    let meant = "slofuse: --objective 0.999: percent are read: write 99.9";
    assert_eq!((code, error.as_str()), (64, meant));
    assert_eq!(with(&["--fail-on", "pages"]).0, 64);
    let (code, error) = with(&["--policy", "@nowhere.yaml"]);
    assert_eq!(code, 2, "{error}");
    let (code, error) = refused(&["@slow.yaml"]);
    assert_eq!(code, 2, "{error}");
}

#[test]
fn the_past_is_told_on_a_terminal() {
    let (code, out, err) = backtest(&PAST);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!(out, @"
    2026-03-02 01:00 to 2026-03-03 00:59 Europe/Berlin: 23h 59m in slots of 30s, from history.om
    as defined: 1 page, 1 of them at night, 1 ticket (7.0 a week), 1 notice

     SLO             pages   night   tickets     left   lowest   notices   flaps   unalerted   watched
    ───────────────────────────────────────────────────────────────────────────────────────────────────
     shop/checkout       1       1         1   65.28%   65.28%         1       0      1m 30s      100%
    night: pages that fired at night; left: of the budget at the end; unalerted: time over the objective
    without a page or ticket; watched: slots that could be decided

     fired             lasted    alert                  told               left     why
    ───────────────────────────────────────────────────────────────────────────────────────────────────
     Mon 03-02 04:03   12m 30s   shop/checkout/ticket   board, muted:      65.29%   1h/10m, peak 8.33x
                                                        page
     Mon 03-02 04:01   6m        shop/checkout/page     pager              65.29%   10m/2m, peak 50x
     Mon 03-02 04:00   1h 4m     shop/checkout/info     board              65.29%   budget exhausted
                                                                                    in 18h 12m at this
                                                                                    burn

    shop/checkout
    budget  ███████████▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆
    burn    ▁▁▁▁▁▁▁▁▁▁▁██▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
    alerts  ···········PPiii············································································
            Mon 03-02 01:00                                                              Tue 03-03 00:59
    budget: what was left, × is overspent; burn: 0.1x to 100x over the shortest window
    alerts: P page, t ticket, i notice, b no data, ? not watched

     receiver   messages   opening   news   closing   pages   night   unquieted
    ────────────────────────────────────────────────────────────────────────────
     board             4         2      0         2       0       0           4
     pager             2         1      0         1       1       1           2
    night: pages and their news; unquieted: messages if nothing were grouped or muted

    compare with --policy or --objective, or let slofuse tune propose some
    ");
}

#[test]
fn variants_and_conditions_are_for_programs_too() {
    let more = [
        "--format",
        "json",
        "--policy",
        "@slow.yaml",
        "--objective",
        "90",
        "--fail-on",
        "pages>0/week",
        "--fail-on",
        "tickets>100",
    ];
    let (code, out, err) = backtest(&[&PAST[..], &more].concat());
    assert_eq!(code, 2);
    insta::assert_snapshot!(err, @"slofuse: --fail-on pages>0/week holds: it would have been 7");
    let report: Value = serde_json::from_str(&out).unwrap();
    let names: Vec<&str> = report["variants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variant| variant["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["as defined", "policy slow, objective 90"]);
    assert_eq!(report["night"]["zone"], "Europe/Berlin");
    let pages = |number: usize| {
        report["variants"][number]["total"]["pages"]
            .as_u64()
            .unwrap()
    };
    assert_eq!((pages(0), pages(1)), (1, 0));
    assert_eq!(report["variants"][0]["total"]["pages_at_night"], 1);
    let alerts = report["slos"][0]["variants"][0]["alerts"].as_array();
    let page = alerts
        .unwrap()
        .iter()
        .find(|alert| alert["severity"] == "page");
    assert_eq!(page.unwrap()["fired_at"], "2026-03-02T03:01:30Z");
}
