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

    /// The report of a backtest of another definition.
    fn played(&self, file: &str) -> Value {
        let (code, out, err) = self.call("backtest", &[file, "--format", "json"]);
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).unwrap()
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

/// Proposes, writes, and plays what was written: every number that is stated must come out again.
/// The proposal, and its file.
fn promised(world: &World, minute: impl Fn(i64) -> (f64, f64), wishes: &[&str]) -> Value {
    let file = world.path("new.yaml");
    let file = file.to_str().unwrap();
    let (code, proposal) = world.proposal(&[wishes, &["--write", file]].concat());
    assert_eq!(code, 0, "{proposal:#}");
    // It loads by itself, with nothing to complain of, and does what was promised.
    let (code, out, err) = run(&["check", file, "--deny", "warnings"]);
    assert_eq!(code, 0, "{out}{err}");
    let text = std::fs::read_to_string(file).unwrap();
    let total = &world.played(file)["variants"][0]["total"];
    assert_eq!(*total, proposal["proposed"]["figures"], "{text}");
    for (kind, figure) in [
        ("pages_per_week", "pages_per_week"),
        ("tickets_per_week", "tickets_per_week"),
    ] {
        let stated = proposal["wishes"].as_array().unwrap();
        let stated = stated.iter().find(|wish| wish["kind"] == kind);
        let stated = stated.map(|wish| wish["proposed"].as_f64().unwrap());
        let played = total[figure].as_f64().unwrap();
        assert!(stated.is_none_or(|stated| (stated - played).abs() < 1e-9));
    }
    // Bursts: the same requests fail in the file itself, at the same times.
    for burst in proposal["proposed"]["bursts"].as_array().unwrap() {
        let seen = &burst["seen"];
        let starts: Vec<i64> = seen["starts"].as_array().unwrap().iter().map(ms).collect();
        assert_eq!(seen["tried"].as_u64(), Some(starts.len() as u64));
        let ratio = burst["error_ratio"].as_f64().unwrap();
        let within = burst["within_seconds"].as_f64().unwrap() as i64 * 1000;
        let length = (2 * within).max(600_000);
        let failing = with_bursts(&minute, &starts, length, ratio);
        let days = proposal["past"]["weeks"].as_f64().unwrap() * 7.0;
        let other = World::new(99.9, days + 0.001, failing);
        let report = other.played(file);
        let alerts = report["slos"][0]["variants"][0]["alerts"]
            .as_array()
            .unwrap();
        let pages = alerts.iter().filter(|alert| alert["severity"] == "page");
        let pages: Vec<i64> = pages.map(fired_at).collect();
        let waited = starts.iter().map(|start| {
            let mut pages = pages.iter().filter(|page| *page > start);
            (pages.next().unwrap() - start) as f64 / 1000.0
        });
        let worst = waited.fold(0.0, f64::max);
        assert_eq!(
            seen["worst_seconds"].as_f64(),
            Some(worst),
            "{burst} {text}"
        );
    }
    proposal
}

fn ms(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

fn fired_at(alert: &Value) -> i64 {
    let at: jiff::Timestamp = alert["fired_at"].as_str().unwrap().parse().unwrap();
    at.as_millisecond()
}

/// Traffic of which a share fails besides, from each of these times on.
fn with_bursts(
    minute: &impl Fn(i64) -> (f64, f64),
    starts: &[i64],
    length: i64,
    ratio: f64,
) -> impl Fn(i64) -> (f64, f64) {
    move |number| {
        let (good, bad) = minute(number);
        // Failing by then of all that the burst has seen: whole requests.
        let due = |start: i64, until: i64| {
            let first = (start - BEGIN * 1000).div_euclid(60_000);
            let mut due = 0.0;
            for minute_of in first..=first + length / 60_000 + 2 {
                let end = (BEGIN + minute_of * 60) * 1000;
                if end > until {
                    break;
                }
                let inside = end.min(start + length) - (end - 60_000).max(start);
                due += minute(minute_of).0 * ratio * (inside.max(0) as f64 / 60_000.0);
            }
            (due + 1e-6).floor()
        };
        let end = (BEGIN + number * 60) * 1000;
        let failing = starts
            .iter()
            .map(|start| due(*start, end) - due(*start, end - 60_000));
        let failing: f64 = failing.sum();
        (good - failing, bad + failing)
    }
}

#[test]
fn what_is_promised_is_what_the_written_file_does() {
    let world = World::new(99.9, 5.0, bursty);
    let wishes = ["--pages-per-week", "1", "--detect", "30% within 10m"];
    let before = promised(&world, bursty, &wishes);
    assert_eq!(before["present"]["figures"]["pages"], 5);
    assert_eq!(before["proposed"]["objective_percent"], 99.9);
    assert_eq!(before["proposed"]["figures"]["pages"], 0);
    let seen = &before["proposed"]["bursts"][0]["seen"];
    assert!(seen["tried"].as_u64().unwrap() >= 3, "{seen}");
    assert_eq!(seen["tried"], seen["in_time"], "{seen}");
    let file = world.path("new.yaml");
    let file = file.to_str().unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains("People cannot pay."), "{text}");
    assert!(text.contains("owner: shop"), "{text}");
    // Once more: the same. Nothing is overwritten.
    assert_eq!(world.proposal(&wishes), (0, before));
    let (code, _, err) = world.tune(&[&wishes[..], &["--write", file]].concat());
    assert_eq!(code, 64);
    assert!(err.contains("exists"), "{err}");
}

/// Every day 1.6 % of requests fail for an hour: 16 times the budget of 99.9.
fn slow(minute: i64) -> (f64, f64) {
    match (600..660).contains(&(minute % DAY)) {
        true => (5_904.0, 96.0),
        false => (6_000.0, 0.0),
    }
}

#[test]
fn a_shorter_window_pages_early_about_fast_burns_only() {
    let world = World::new(99.9, 4.0, slow);
    let wishes = [
        "--pages-per-week",
        "0",
        "--detect",
        "10% within 7m",
        "--objective-at-least",
        "99.9",
    ];
    let proposal = promised(&world, slow, &wishes);
    assert_eq!(proposal["present"]["figures"]["pages"], 4);
    let tier = &proposal["proposed"]["tiers"][0];
    assert!(tier["long"] != "1h", "{tier}");
}

/// Every other day 60 % of requests fail for 3 of every 10 minutes, for 100 minutes.
fn stutter(minute: i64) -> (f64, f64) {
    let of_day = minute % (2 * DAY);
    match (600..700).contains(&of_day) && of_day % 10 < 3 {
        true => (2_400.0, 3_600.0),
        false => (6_000.0, 0.0),
    }
}

#[test]
fn an_incident_that_stutters_becomes_one_page() {
    let world = World::new(99.0, 4.0, stutter);
    let wishes = [
        "--pages-per-week",
        "4",
        "--detect",
        "50% within 20m",
        "--objective-at-most",
        "99",
    ];
    let proposal = promised(&world, stutter, &wishes);
    let (before, after) = (&proposal["present"], &proposal["proposed"]);
    let pages = before["figures"]["pages"].as_u64().unwrap();
    assert!(pages > 4, "{pages}");
    assert_eq!(after["figures"]["pages"], 2, "{after:#}");
    assert_eq!(after["objective_percent"], 99.0);
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
        out.contains("every other wish is met where \"pages a week\" may be "),
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

/// A second SLO, an SLI that no tuning can reach, beside the first.
const OTHERS: &str = "---
apiVersion: slofuse/v1
kind: SLO
metadata: {service: billing, name: invoices}
spec:
  objective: 99.9
  sli: {events: {bad: 'requests_total{code=\"500\"}', total: requests_total}}
---
apiVersion: slofuse/v1
kind: SLO
metadata: {service: billing, name: native}
spec:
  objective: 99.9
  sli: {latency: {histogram: seconds, threshold: 300ms, native: true}}
---
apiVersion: slofuse/v1
kind: SLO
metadata: {service: billing, name: share}
spec:
  objective: 99.9
  sli: {ratio: {error_ratio: 'avg_over_time(bad_share[$window])'}}
---
apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: whole}
spec:
  objective: 99.9
  sli: {journey: [{slo: shop/checkout}, {slo: billing/invoices}]}
";

#[test]
fn several_slos_have_wishes_of_their_own_and_end_in_a_table() {
    let world = World::new(99.9, 2.0, bursty);
    let definitions = std::fs::read_to_string(world.path("slo.yaml")).unwrap();
    std::fs::write(world.path("slo.yaml"), format!("{definitions}{OTHERS}")).unwrap();
    let path = |name: &str| world.path(name).to_str().unwrap().to_owned();
    let (wishes, folder) = (path("wishes.yaml"), path("proposed"));
    let text = "pages_per_week: 20\nslos:\n  - {slo: shop/*, pages_per_week: 0}\n  - {slo: a/b, pages_per_week: 0}\n";
    std::fs::write(&wishes, text).unwrap();
    let (code, out, err) = world.tune(&["--wishes", &wishes, "--write", &folder]);
    // Three of the five cannot be tuned.
    assert_eq!(code, 2, "{out}{err}");
    assert!(err.contains("the wishes for a/b fit no SLO"), "{err}");
    let (_, table) = out
        .split_once("all of them: 2 of 5 meet every wish")
        .unwrap();
    let line = |slo: &str| table.lines().find(|line| line.contains(slo)).unwrap();
    assert!(line("shop/checkout").contains("met by what is"), "{table}");
    assert!(line("billing/invoices").contains("met as it is"), "{table}");
    for (slo, advice) in [
        ("billing/native", "a classic histogram"),
        ("billing/share", "slofuse backtest --policy"),
        ("shop/whole", "tune shop/checkout, billing/invoices"),
    ] {
        assert!(line(slo).contains("not tuned"), "{table}");
        // Alone it is refused at once.
        let (code, out, err) = world.tune(&["--slo", slo, "--pages-per-week", "1"]);
        assert_eq!((code, out.as_str()), (64, ""), "{err}");
        assert!(err.contains(advice), "{err}");
    }
    let written = world.path("proposed/shop/checkout.slo.yaml");
    let (code, out, err) = run(&["check", written.to_str().unwrap()]);
    assert_eq!(code, 0, "{out}{err}");
    // What is said as an option holds.
    let arguments = ["--wishes", &wishes, "--slo", "shop/checkout"];
    let (code, out, _) = world.tune(&[&arguments[..], &["--pages-per-week", "20"]].concat());
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("nothing needs to change"), "{out}");
    std::fs::write(&wishes, "pages_per_wek: 1\ndetect: [10%]\n").unwrap();
    let (code, out, err) = world.tune(&["--wishes", &wishes]);
    assert_eq!((code, out.as_str()), (64, ""), "{err}");
    assert!(
        err.contains("wishes.yaml:1:1") && err.contains("wishes.yaml:2:10"),
        "{err}"
    );
}

#[test]
fn what_cannot_be_seen_and_why_is_told() {
    // Six requests an hour: a tenth of them is no event in ten minutes.
    let world = World::new(99.5, 3.0, |minute| match minute % 10 {
        0 => (1.0, 0.0),
        _ => (0.0, 0.0),
    });
    let (code, out, _) = world.tune(&["--detect", "10% within 10m"]);
    assert_eq!(code, 2);
    assert!(
        out.contains("too little traffic: in an hour as quiet as one in ten"),
        "{out}"
    );
    let (_, proposal) = world.proposal(&["--detect", "10% within 10m"]);
    let seen = &proposal["present"]["bursts"][0]["seen"];
    assert_eq!(seen["tried"], 0, "{seen}");
    assert!(seen["empty"].as_u64().unwrap() > 0, "{seen}");
    // Bursts that fall into holes are told apart from those that are missed.
    let world = World::new(99.9, 4.0, |minute| match minute / 60 % 8 {
        0..3 => (f64::NAN, f64::NAN),
        _ => (6_000.0, 0.0),
    });
    let (code, proposal) = world.proposal(&["--detect", "50% within 10m"]);
    assert_eq!(code, 0, "{proposal:#}");
    let seen = &proposal["present"]["bursts"][0]["seen"];
    assert!(seen["broken"].as_u64().unwrap() > 0, "{seen}");
    assert_eq!(seen["tried"], seen["in_time"], "{seen}");
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
