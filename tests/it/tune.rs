//! `slofuse tune`: worlds whose best definition is known.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::cli::run;

const SETTINGS: &str = "definitions: [slo.yaml]
evaluation: {interval: 60s, scrape_interval: 60s}
night: {start: '22:00', end: '07:00', time_zone: UTC}
receivers:
  - {name: pager, console: {}}
routes: {default: [pager]}
";

/// 2026-03-01 00:00 UTC.
const BEGIN: i64 = 1_772_323_200;
const DAY: i64 = 1_440;

/// A folder with a definition and its past.
struct World {
    folder: TempDir,
}

impl World {
    /// Good and bad requests of every minute; where they are no numbers there is no sample.
    fn new(objective: f64, days: f64, minute: impl Fn(i64) -> (f64, f64)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let slo = format!(
            r#"apiVersion: slofuse/v1
kind: Defaults
metadata: {{owner: shop, runbook: "https://example.com/checkout"}}
---
apiVersion: slofuse/v1
kind: SLO
metadata: {{service: shop, name: checkout, description: People cannot pay.}}
spec:
  objective: {objective}
  sli: {{events: {{bad: 'requests_total{{code="500"}}', total: requests_total}}}}
"#
        );
        let mut texts = [String::new(), String::new()];
        let mut values = [0.0; 2];
        for at in 0..(days * DAY as f64) as i64 {
            let (good, bad) = minute(at);
            for (number, (code, count)) in [("200", good), ("500", bad)].into_iter().enumerate() {
                if count.is_nan() {
                    continue;
                }
                values[number] += count;
                let labels = format!("job=\"shop\",instance=\"a\",code=\"{code}\"");
                let (value, at) = (values[number], BEGIN + at * 60);
                writeln!(texts[number], "requests_total{{{labels}}} {value} {at}").unwrap();
            }
        }
        let history = format!("# TYPE requests counter\n{}{}# EOF\n", texts[0], texts[1]);
        for (name, text) in [
            ("slofuse.yaml", SETTINGS),
            ("slo.yaml", slo.as_str()),
            ("history.om", history.as_str()),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn call(&self, command: &str, arguments: &[&str]) -> (i32, String, String) {
        let (config, history) = (self.path("slofuse.yaml"), self.path("history.om"));
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let (config, history) = (text(&config), text(&history));
        let mut all = vec![
            command,
            "--config",
            &config,
            "--history",
            &history,
            "--no-cache",
        ];
        all.extend(arguments);
        run(&all)
    }

    fn tune(&self, wishes: &[&str]) -> (i32, String, String) {
        self.call("tune", wishes)
    }

    fn proposal(&self, wishes: &[&str]) -> (i32, Value) {
        let (code, out, err) = self.tune(&[wishes, &["--format", "json"]].concat());
        let json: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{err}"));
        (code, json[0].clone())
    }
}

/// A tenth of requests fails for ten minutes of every day: 16.7 times the budget of 99.9 over an
/// hour, seven pages a week.
fn bursty(minute: i64) -> (f64, f64) {
    let of_day = (minute + minute / DAY * 300) % DAY;
    match (600..610).contains(&of_day) {
        true => (5_400.0, 600.0),
        false => (6_000.0, 0.0),
    }
}

#[test]
fn an_objective_that_burns_all_the_time_gives_way_to_one_that_is_kept() {
    let world = World::new(99.95, 5.0, |_| (5_997.0, 3.0));
    let (code, proposal) = world.proposal(&["--pages-per-week", "2"]);
    assert_eq!(code, 0, "{proposal:#}");
    assert_eq!(proposal["present"]["objective_percent"], 99.95);
    assert_eq!(proposal["proposed"]["objective_percent"], 99.9);
    let spent = &proposal["wishes"][0];
    assert_eq!(spent["kind"], "budget_spent");
    assert!((spent["present"].as_f64().unwrap() - 1.0).abs() < 0.01);
    assert!((spent["proposed"].as_f64().unwrap() - 0.5).abs() < 0.01);
    // Those who insist hear what it comes to.
    let (code, proposal) =
        world.proposal(&["--pages-per-week", "2", "--objective-at-least", "99.95"]);
    assert_eq!(code, 2);
    assert_eq!(proposal["is_met"], false);
    assert_eq!(proposal["wishes"][0]["is_met"], false);
}

#[test]
fn what_is_promised_is_what_the_written_file_does() {
    let world = World::new(99.9, 5.0, bursty);
    let file = world.path("new.yaml");
    let file = file.to_str().unwrap();
    let wishes = ["--pages-per-week", "1", "--detect", "30% within 10m"];
    let (code, before) = world.proposal(&wishes);
    assert_eq!(code, 0, "{before:#}");
    assert_eq!(before["present"]["figures"]["pages"], 5);
    assert_eq!(before["proposed"]["objective_percent"], 99.9);
    assert_eq!(before["proposed"]["figures"]["pages"], 0);
    let seen = &before["proposed"]["bursts"][0]["seen"];
    assert!(seen["tried"].as_u64().unwrap() >= 3, "{seen}");
    assert_eq!(seen["tried"], seen["in_time"], "{seen}");
    // Once more, and written: the same.
    let (code, again) = world.proposal(&[&wishes[..], &["--write", file]].concat());
    assert_eq!((code, &again), (0, &before));
    // Nothing is overwritten.
    let (code, _, err) = world.tune(&[&wishes[..], &["--write", file]].concat());
    assert_eq!(code, 64);
    assert!(err.contains("exists"), "{err}");
    // It loads by itself, with nothing to complain of, and does what was promised.
    let (code, out, err) = run(&["check", file, "--deny", "warnings"]);
    assert_eq!(code, 0, "{out}{err}");
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains("People cannot pay."), "{text}");
    assert!(text.contains("owner: shop"), "{text}");
    let (code, out, err) = world.call("backtest", &[file, "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let total = &report["variants"][0]["total"];
    assert_eq!(*total, before["proposed"]["figures"], "{text}");
}

#[test]
fn wishes_that_stand_against_each_other_are_told_with_the_nearest() {
    let world = World::new(99.9, 5.0, bursty);
    let wishes = ["--pages-per-week", "1", "--detect", "10% within 8m"];
    let (code, out, _) = world.tune(&wishes);
    assert_eq!(code, 2);
    assert!(
        out.contains("no definition that was tried meets every wish"),
        "{out}"
    );
    assert!(
        out.contains("all others are met with pages a week: "),
        "{out}"
    );
}

#[test]
fn a_few_failures_in_a_quiet_night_do_not_page() {
    // A request a minute at night, a hundred by day; six failures at three in the morning.
    let world = World::new(99.9, 5.0, |minute| {
        let of_day = minute % DAY;
        let failing = (180..192).contains(&of_day) && of_day % 2 == 0;
        match (of_day < 480, failing) {
            (true, true) => (0.0, 1.0),
            (true, false) => (1.0, 0.0),
            (false, _) => (100.0, 0.0),
        }
    });
    let wishes = ["--night-pages-per-week", "0"];
    let (code, proposal) = world.proposal(&wishes);
    assert_eq!(code, 0, "{proposal:#}");
    assert_eq!(proposal["present"]["figures"]["pages_at_night"], 5);
    assert_eq!(proposal["proposed"]["figures"]["pages_at_night"], 0);
    assert_eq!(proposal["proposed"]["objective_percent"], 99.9);
    let proposed = &proposal["proposed"];
    let tiers = proposed["tiers"].as_array().unwrap();
    let pages = tiers.iter().filter(|tier| tier["severity"] == "page");
    let mut pages = pages.map(|tier| tier["minimum_events"].as_f64().unwrap());
    assert!(
        proposed["mode"] == "budget" || pages.all(|minimum| minimum >= 10.0),
        "{proposed:#}"
    );
}

#[test]
fn short_history_says_nothing_and_impossible_wishes_are_refused_at_once() {
    let world = World::new(99.9, 0.6, bursty);
    let (code, _, err) = world.tune(&["--pages-per-week", "2"]);
    assert_eq!(code, 1);
    assert!(err.contains("at least 1d is needed"), "{err}");
    let refused = |wishes: &[&str]| {
        let (code, out, err) = world.tune(wishes);
        assert_eq!((code, out.as_str()), (64, ""), "{err}");
        err
    };
    assert!(refused(&[]).contains("nothing is wished for"));
    let err = refused(&["--detect", "10% within 2m"]);
    assert!(err.contains("cannot be seen within 2m"), "{err}");
    let err = refused(&["--objective-at-least", "99.9", "--objective-at-most", "99"]);
    assert!(err.contains("at least 99.9 and at most 99"), "{err}");
    let err = refused(&["--detect", "ten within 2m"]);
    assert!(err.contains("a share of requests and a time"), "{err}");
    assert!(refused(&["--pages-per-week=-1"]).contains("write a number"));
}

#[test]
fn weeks_are_judged_by_each_other_and_doubts_are_told() {
    let world = World::new(99.9, 15.0, |minute| {
        let hole = (3_000..4_500).contains(&minute);
        if hole {
            (f64::NAN, f64::NAN)
        } else {
            (60.0, 0.0)
        }
    });
    let (code, out, err) = world.tune(&["--pages-per-week", "2"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("nothing needs to change"), "{out}");
    assert!(out.contains("each of 2 weeks"), "{out}");
    assert!(out.contains("shorter than the period of 30d"), "{out}");
    assert!(out.contains("there were 0 incidents"), "{out}");
    assert!(out.contains("the history has holes"), "{out}");
    assert!(!out.contains("the history is short:"), "{out}");
}
