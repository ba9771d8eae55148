//! Tests of definitions: those of `rules/` pass and notice what is broken; promtool reads series as
//! they are read here; reports are well-formed whatever stands in them. Needs `promtool`; without it
//! a test fails.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use regex::Regex;
use slofuse::config::settings::{EvaluationSettings, SourceSettings, engine_options};
use slofuse::config::trial::notation::Point;
use slofuse::config::trial::{TestFile, Written};
use slofuse::replay::trial::Stage;

use super::cli::{run, slofuse};
use super::repository;

/// Far more than anything here takes.
const DEADLINE: Duration = Duration::from_secs(120);

/// Whether a test of a file fails; those after the first that does are not run.
fn fails(path: &Path) -> bool {
    let file = TestFile::read(path).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let around = file.surroundings(&|_| None);
    let around = around.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let options = engine_options(&SourceSettings::default(), &EvaluationSettings::default());
    let stage = Stage::new(&file, &around.definitions, None, options);
    file.tests.iter().any(|test| {
        stage
            .run(test)
            .map_or(true, |verdict| !verdict.failures.is_empty())
    })
}

/// A copy of `rules/` that may be broken.
fn rules() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let rules = repository::root().join("rules");
    for path in repository::walk(&rules) {
        let to = copy.path().join(path.strip_prefix(&rules).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&path, to).unwrap();
    }
    copy
}

fn definitions(rules: &Path) -> Vec<PathBuf> {
    let mut paths = repository::walk(rules);
    paths.retain(|path| path.to_string_lossy().ends_with(".slo.yaml"));
    paths
}

/// How a definition whose period is a week changes the built-in policy.
const WEEKLY: &str = "    vary:\n      1d: {budget: 20%}";

/// Every way to break a definition: what is broken, in which file, and the file then.
fn mutants(rules: &Path, path: &Path) -> Vec<(String, PathBuf, String)> {
    let text = fs::read_to_string(path).unwrap();
    let mut mutants = Vec::new();
    let mut break_ = |what: String, path: &Path, text: String| {
        mutants.push((what, path.to_owned(), text));
    };
    let objective = Regex::new(r"\bobjective: ([0-9.]+)").unwrap();
    let found = objective.captures(&text).unwrap();
    let percent: f64 = found[1].parse().unwrap();
    for scale in [0.8, 1.2] {
        let other = format!("objective: {:.4}", 100.0 - (100.0 - percent) * scale);
        break_(other.clone(), path, text.replacen(&found[0], &other, 1));
    }
    if text.contains("policy: low-traffic") {
        let path = rules.join("policies/low-traffic.yaml");
        let policy = fs::read_to_string(&path).unwrap();
        for (from, to) in [
            ("budget: 10%", "budget: 12%"),
            ("budget: 15%", "budget: 17%"),
            ("budget: 20%", "budget: 23%"),
            ("short: 1h", "short: 90m"),
            ("short: 1d", "short: 30h"),
        ] {
            assert!(policy.contains(from));
            break_(to.to_owned(), &path, policy.replacen(from, to, 1));
        }
    } else if text.contains(WEEKLY) {
        for (from, to) in [
            (
                WEEKLY,
                "    vary:\n      1h: {budget: 4%}\n      1d: {budget: 20%}",
            ),
            (
                WEEKLY,
                "    vary:\n      1h: {short: 10m}\n      1d: {budget: 20%}",
            ),
            (
                WEEKLY,
                "    vary:\n      6h: {budget: 10%}\n      1d: {budget: 20%}",
            ),
            (
                WEEKLY,
                "    vary:\n      6h: {short: 1h}\n      1d: {budget: 20%}",
            ),
            ("1d: {budget: 20%}", "1d: {budget: 40%}"),
            ("1d: {budget: 20%}", "1d: {budget: 20%, short: 3h}"),
            ("3d: {budget: 50%}", "3d: {budget: 70%}"),
            ("3d: {budget: 50%}", "3d: {budget: 50%, short: 12h}"),
        ] {
            assert!(text.contains(from));
            break_(to.to_owned(), path, text.replacen(from, to, 1));
        }
    } else {
        for (long, budget, short) in [
            ("1h", "4%", "10m"),
            ("6h", "10%", "1h"),
            ("1d", "20%", "3h"),
            ("3d", "20%", "12h"),
        ] {
            for change in [format!("budget: {budget}"), format!("short: {short}")] {
                let varied = match text.contains("1h: {minimum_events: 10}") {
                    true => {
                        let varied = format!("{long}: {{{change}}}");
                        text.replacen("1h: {minimum_events: 10}", &varied, 1)
                    }
                    false => {
                        let policy =
                            format!("spec:\n  policy: {{vary: {{{long}: {{{change}}}}}}}\n");
                        text.replacen("spec:\n", &policy, 1)
                    }
                };
                break_(format!("{long}: {change}"), path, varied);
            }
        }
    }
    let sli = text.find("  sli:").unwrap();
    let matcher = Regex::new(r#"[a-z_]+=~?"([^"]*)""#).unwrap();
    let metric = Regex::new(r"\b[a-z_]+_(total|seconds)\b").unwrap();
    let threshold = Regex::new(r"threshold: (300)ms").unwrap();
    let values = matcher
        .captures_iter(&text)
        .chain(threshold.captures_iter(&text));
    let values = values.map(|found| (found.get(1).unwrap(), "999"));
    let names = metric.find_iter(&text).map(|found| (found, "mutant_total"));
    for (found, other) in values.chain(names).filter(|(found, _)| found.start() > sli) {
        let mut broken = text.clone();
        broken.replace_range(found.range(), other);
        let before = text.get(..found.start()).unwrap();
        let line = before.lines().count();
        break_(format!("{} in line {line}", found.as_str()), path, broken);
    }
    mutants
}

#[test]
fn every_definition_has_tests_and_they_pass() {
    let (code, out, err) = run(&["test", "rules", "--require-tests"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.ends_with("tests passed\n"), "{out}");
}

#[test]
fn a_broken_definition_fails_its_test() {
    let rules = rules();
    let mut survivors = Vec::new();
    let mut count = 0;
    for path in definitions(rules.path()) {
        let name = path.to_string_lossy().replace(".slo.yaml", ".test.yaml");
        let test = Path::new(&name);
        assert!(!fails(test), "{name}");
        for (what, path, text) in mutants(rules.path(), &path) {
            let sound = fs::read_to_string(&path).unwrap();
            assert_ne!(sound, text, "{name}: {what}");
            fs::write(&path, text).unwrap();
            count += 1;
            if !fails(test) {
                survivors.push(format!("{}: {what}", test.file_name().unwrap().display()));
            }
            fs::write(&path, sound).unwrap();
        }
    }
    assert!(count > 130, "only {count} mutants");
    assert!(
        survivors.is_empty(),
        "{} of {count}:\n{}",
        survivors.len(),
        survivors.join("\n")
    );
}

/// The samples that promtool makes of a notation, by the minute; `None` if it refuses it.
fn promtool(values: &str) -> Option<BTreeMap<u64, String>> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.yaml");
    // One expectation per minute that cannot be met: promtool says what it got.
    let expectation = |minute| {
        format!(
            "  - {{expr: 'last_over_time(m[30s])', eval_time: {minute}m, \
             exp_samples: [{{labels: 'x', value: 0}}]}}\n"
        )
    };
    let expect: String = (0..MINUTES).map(expectation).collect();
    let text = format!(
        "evaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n  \
         - {{series: m, values: '{values}'}}\n  promql_expr_test:\n{expect}"
    );
    fs::write(&path, text).unwrap();
    let output = Command::new("promtool")
        .arg("test")
        .arg("rules")
        .arg(&path)
        .output();
    let output = output.unwrap_or_else(|error| {
        panic!("running promtool: {error}; install it: apt-get install prometheus")
    });
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    if said.contains("parse error") {
        return None;
    }
    let got = Regex::new(r"time: ([0-9hms]+),\s+exp:\s*.*\s+got:\s*(.*)").unwrap();
    let mut samples = BTreeMap::new();
    for found in got.captures_iter(&said) {
        let time = slofuse::engine::Span::parse(&found[1]).unwrap();
        let minute = u64::try_from(time.as_millis() / 60_000).unwrap();
        let value = found[2]
            .rsplit_once(' ')
            .map(|(_, value)| value.trim().to_owned());
        samples.insert(
            minute,
            value.filter(|_| &found[2] != "nil").unwrap_or_default(),
        );
    }
    assert_eq!(samples.len() as u64, MINUTES, "{said}");
    samples.retain(|_, value| !value.is_empty());
    Some(samples)
}

const MINUTES: u64 = 12;

/// The samples that are read here.
fn ours(values: &str) -> Option<BTreeMap<u64, f64>> {
    let text = format!(
        "definitions: x.yaml\ntests:\n- name: x\n  series: [{{series: m, values: '{values}'}}]\n  \
         expect: [{{at: 1m, page: inactive}}]\n"
    );
    let file = TestFile::embedded(Path::new("x.test.yaml"), &text).ok()?;
    let Written::Series { values, .. } = &file.tests[0].written[0].value else {
        panic!("a series");
    };
    let value = |minute| match values.at(minute) {
        Point::Value(value) => Some((minute, value)),
        Point::Blank | Point::Stale => None,
    };
    Some((0..MINUTES).filter_map(value).collect())
}

#[test]
fn promtool_reads_series_alike() {
    for values in [
        "0+10x60",
        "0+10x3",
        "10-2x5",
        "-2+4x3",
        "1x3 5x2",
        "1 _ _x2 4",
        "_x0 1",
        "1 stale 4 _ 7",
        "1e3+5e-1x3",
        "-1-1x3",
        "Inf -Inf 3",
        ".5+.25x4",
        "0+1x4 0+2x4",
        "+1x2",
        "0x10",
        "1x0",
        "_ _ 3 stale",
        "100 90 5+5x3",
    ] {
        let theirs = promtool(values).unwrap_or_else(|| panic!("promtool refuses {values}"));
        let ours = ours(values).unwrap_or_else(|| panic!("{values} is refused"));
        let theirs: BTreeMap<u64, f64> = theirs
            .into_iter()
            .map(|(minute, value)| (minute, value.parse().unwrap()))
            .collect();
        assert_eq!(ours, theirs, "{values}");
    }
    for values in [
        "1+-1x2", "stalex3", "Infinity", "1+1 x3", "1x", "x5", "1+2", "a", "1x-5",
    ] {
        assert_eq!(promtool(values), None, "promtool reads {values}");
        assert_eq!(ours(values), None, "{values}");
    }
}

const SLO: &str = r#"
apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: availability, owner: me}
spec:
  objective: 99.9
  sli:
    events: {bad: 'errors_total{job="shop"}', total: 'requests_total{job="shop"}'}
"#;

/// A directory with one definition and tests.
fn shop(tests: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("shop.slo.yaml"), SLO).unwrap();
    fs::write(directory.path().join("shop.test.yaml"), tests).unwrap();
    directory
}

/// What `slofuse test` says of it, run there.
fn test(directory: &tempfile::TempDir, arguments: &[&str]) -> (i32, String, String) {
    let output = slofuse(&[&["test"], arguments].concat())
        .current_dir(directory.path())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

const TESTS: &str = r"
tests:
  - name: a total outage pages
    traffic: 100rps, 100% errors from 10m for 5m
    expect:
      - {at: 11m, page: firing}
  - name: a total outage pages at once
    traffic: 100rps, 100% errors from 10m for 5m
    expect:
      - {at: 10m30s, page: firing, burn: {5m: 90, 1h: 8.33}}
      - {to: 20m, message: {to: ticket}}
";

#[test]
fn a_failure_says_what_was_expected_and_what_happened() {
    let (code, out, err) = test(&shop(TESTS), &[]);
    assert_eq!((code, err.as_str()), (2, ""));
    insta::assert_snapshot!(out, @r#"
    shop.test.yaml
      ok   a total outage pages
      FAIL a total outage pages at once
           shop.test.yaml:10:28
           expected page firing at 10m30s
           but      it was inactive at 10m30s (it never moved before)
             |  8m30s  quiet       burn 5m 0, 30m 0, 1h 0, 2h 0, 6h 0, 1d 0, 3d 0; budget 0% consumed
             |     9m  quiet       burn 5m 0, 30m 0, 1h 0, 2h 0, 6h 0, 1d 0, 3d 0; budget 0% consumed
             |  9m30s  quiet       burn 5m 0, 30m 0, 1h 0, 2h 0, 6h 0, 1d 0, 3d 0; budget 0% consumed
             |    10m  quiet       burn 5m 0, 30m 0, 1h 0, 2h 0, 6h 0, 1d 0, 3d 0; budget 0% consumed
             | 10m30s  quiet       burn 5m 100, 30m 16.67, 1h 8.33, 2h 4.17, 6h 1.39, 1d 0.347, 3d 0.116; budget 1.16% consumed
             |    11m  burning     burn 5m 200, 30m 33.33, 1h 16.67, 2h 8.33, 6h 2.78, 1d 0.694, 3d 0.231; budget 2.31% consumed
             |    11m  * shop/availability/page: inactive -> firing
             |    11m  > page is sent a trigger: [PAGE] shop/availability burns its error budget at 16.67x, 97.69% left, gone in 1d 18h
             | 11m30s  burning     burn 5m 300, 30m 50, 1h 25, 2h 12.5, 6h 4.17, 1d 1.04, 3d 0.347; budget 3.47% consumed
             |    12m  burning     burn 5m 400, 30m 66.67, 1h 33.33, 2h 16.67, 6h 5.56, 1d 1.39, 3d 0.463; budget 4.63% consumed
             | 12m30s  burning     burn 5m 500, 30m 83.33, 1h 41.67, 2h 20.83, 6h 6.94, 1d 1.74, 3d 0.579; budget 5.79% consumed
             | 12m30s  > page is sent a update: [PAGE] shop/availability still burns its error budget at 41.67x, 94.21% left, gone in 16h 16m
             | 14m30s  * shop/availability/ticket: inactive -> firing (muted)
             | 14m30s  * shop/availability/ticket is muted
           shop.test.yaml:10:47
           expected burn over 5m 90 at 10m30s
           but      it was 100 at 10m30s
           shop.test.yaml:11:28
           expected a message to ticket from 0s to 20m
           but      none of 2 messages fits; the nearest is a trigger to page at 11m: [PAGE] shop/availability burns its error budget at 16.67x, 97.69% left, gone in 1d 18h
             |     9m  quiet       burn 5m 0, 30m 0, 1h 0, 2h 0, 6h 0, 1d 0, 3d 0; budget 0% consumed
             |  9m30s  quiet       burn 5m 0, 30m 0, 1h 0, 2h 0, 6h 0, 1d 0, 3d 0; budget 0% consumed
             |    10m  quiet       burn 5m 0, 30m 0, 1h 0, 2h 0, 6h 0, 1d 0, 3d 0; budget 0% consumed
             | 10m30s  quiet       burn 5m 100, 30m 16.67, 1h 8.33, 2h 4.17, 6h 1.39, 1d 0.347, 3d 0.116; budget 1.16% consumed
             |    11m  burning     burn 5m 200, 30m 33.33, 1h 16.67, 2h 8.33, 6h 2.78, 1d 0.694, 3d 0.231; budget 2.31% consumed
             |    11m  * shop/availability/page: inactive -> firing
             |    11m  > page is sent a trigger: [PAGE] shop/availability burns its error budget at 16.67x, 97.69% left, gone in 1d 18h
             | 11m30s  burning     burn 5m 300, 30m 50, 1h 25, 2h 12.5, 6h 4.17, 1d 1.04, 3d 0.347; budget 3.47% consumed
             |    12m  burning     burn 5m 400, 30m 66.67, 1h 33.33, 2h 16.67, 6h 5.56, 1d 1.39, 3d 0.463; budget 4.63% consumed
             | 12m30s  burning     burn 5m 500, 30m 83.33, 1h 41.67, 2h 20.83, 6h 6.94, 1d 1.74, 3d 0.579; budget 5.79% consumed
             | 12m30s  > page is sent a update: [PAGE] shop/availability still burns its error budget at 41.67x, 94.21% left, gone in 16h 16m
             |    13m  burning     burn 5m 600, 30m 100, 1h 50, 2h 25, 6h 8.33, 1d 2.08, 3d 0.694; budget 6.94% consumed
             | 14m30s  * shop/availability/ticket: inactive -> firing (muted)
             | 14m30s  * shop/availability/ticket is muted
    1 test passed, 1 failed
    "#);
    let (code, out, _) = test(
        &shop(TESTS),
        &["--filter", "pages at once", "--format", "json"],
    );
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &json["failed"], &json["left_out"]),
        (2, &1.into(), &1.into())
    );
    assert_eq!(json["tests"][0]["failures"][0]["place"]["line"], 10);
    let (code, out, _) = test(&shop(TESTS), &["--filter", "an outage of nothing"]);
    assert_eq!(
        (code, out.as_str()),
        (
            2,
            "error: \"an outage of nothing\" is in the file and name of none of 2 tests\n\
             0 tests passed, 2 left out by the filter, 1 mistake\n"
        )
    );
    // Nor is it a success where only programs look.
    let (code, out, _) = test(
        &shop(TESTS),
        &["--filter", "an outage of nothing", "--format", "json"],
    );
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, json["problems"].as_array().unwrap().len()), (2, 1));
}

#[test]
fn mistakes_are_told_at_once() {
    let tests = r#"
tests:
  - name: mistakes
    trafic: 100rps, 2% erors
    series:
      - {series: 'a{b=~"c"}', values: 0+x5}
    source: up from 1h
    warm_up: cold
    operators: [{at: 1m, acknowledge: pag}]
    expect:
      - {at: 10m, page: fring, burn: {7: 14, 1h: about 14}, budget_consumed: 3}
      - {from: 5m, to: 1m, outcome: quiet}
      - {at: 5m}
  - name: mistakes
    expect: []
"#;
    let (code, out, err) = test(&shop(tests), &[]);
    assert_eq!((code, err.as_str()), (2, ""));
    insta::assert_snapshot!(out, @r#"
    shop.test.yaml:4:5: error: unknown key "trafic"
      fix: did you mean "traffic"?
    shop.test.yaml:4:24: error: "erors" is not something that can be bad
      fix: write errors, bad, slow or failures
    shop.test.yaml:6:18: error: "a{b=~\"c\"}" is not one series
      fix: write one series, such as requests_total{job="shop", code="500"}
    shop.test.yaml:6:39: error: "0+x5" is not a value
      fix: write a value such as 5, 0+10x60, 100-1x20, 5x10, _, _x5 or stale
    shop.test.yaml:7:13: error: this does not say when the source is down
      fix: write down from 1h for 10m
    shop.test.yaml:8:14: error: "cold" is no warm-up
      fix: write steady traffic, no traffic or nothing
    shop.test.yaml:9:39: error: "pag" is not known here
      fix: did you mean "page"?
    shop.test.yaml:11:25: error: "fring" is not known here
      fix: did you mean "firing"?
    shop.test.yaml:11:42: error: "7" is not a window
      fix: write a window of the policy, such as 1h
    shop.test.yaml:11:50: error: "about 14" cannot be compared with
      fix: write a number such as 14.4, > 14, 14.4 +- 0.5, 2 .. 3, or unknown
    shop.test.yaml:11:78: error: "3" cannot be compared with
      fix: write a percentage such as 2%, > 2%, 2% +- 0.1% or 2% .. 3%
    shop.test.yaml:12:24: error: the stretch ends at 1m, before it begins
      fix: write a later time
    shop.test.yaml:13:9: error: nothing is expected here
      fix: add page:, ticket:, outcome:, burn:, budget_consumed:, message: or fired:
    shop.test.yaml:14:11: error: there are two tests called "mistakes"
      fix: give each test a name of its own
    shop.test.yaml:15:13: error: the test expects nothing
      fix: add one such as {at: 10m, page: inactive}
    0 tests passed, 15 mistakes
    "#);
    let unfitting = r"
tests:
  - name: nothing fits
    slo: shop/availabilty
    expect:
      - {at: 10m, page: firing}
  - name: little fits
    traffic: [{traffic: 1rps, labels: {job: other}}]
    expect:
      - {at: 10m, burn: {7m: 1}, labels: {region: eu}, message: {to: pager}}
";
    let (code, out, err) = test(&shop(unfitting), &[]);
    assert_eq!((code, err.as_str()), (2, ""));
    insta::assert_snapshot!(out, @r#"
    shop.test.yaml:4:10: error: the SLO shop/availabilty is not defined
      fix: did you mean "shop/availability"?
    shop.test.yaml:8:25: error: no series can be invented for shop/availability
      fix: name those that count the events: good: and bad:
    shop.test.yaml:10:30: error: shop/availability has no window of 7m
      fix: use one of: 5m, 30m, 1h, 2h, 6h, 1d, 3d
    shop.test.yaml:10:30: error: shop/availability is not grouped by "region"
      fix: remove the labels: it has one instance
    shop.test.yaml:10:65: error: there is no receiver "pager"
      fix: did you mean "page"?
    shop.test.yaml
      FAIL nothing fits
           shop.test.yaml:4:10: error: the SLO shop/availabilty is not defined
             fix: did you mean "shop/availability"?
      FAIL little fits
           shop.test.yaml:8:25: error: no series can be invented for shop/availability
             fix: name those that count the events: good: and bad:
    0 tests passed, 2 failed, 5 mistakes
    "#);
}

#[test]
fn what_has_no_tests_is_told() {
    let directory = shop(TESTS);
    let other = SLO.replace("availability", "latency");
    fs::write(directory.path().join("other.slo.yaml"), other).unwrap();
    let (code, out, _) = test(
        &directory,
        &["--require-tests", "--filter", "outage pages\n"],
    );
    assert_eq!(code, 2);
    assert!(
        out.contains("error: other.slo.yaml:2:1: no test is about shop/latency"),
        "{out}"
    );
    assert!(!out.contains("shop/availability\n"), "{out}");
    fs::remove_file(directory.path().join("shop.test.yaml")).unwrap();
    let (code, out, _) = test(&directory, &[]);
    assert_eq!(code, 2);
    assert!(
        out.contains("there are no tests (*.test.yaml) in ."),
        "{out}"
    );
    let (code, _, err) = test(&directory, &["--format", "yaml"]);
    assert_eq!(code, 64);
    assert!(err.contains("possible values: text, json, junit"), "{err}");
}

#[test]
fn junit_is_well_formed_whatever_a_test_is_called() {
    let hostile = "</testcase><x y=\"&amp;\"> ]]> \u{1b}[31m 'z' \u{202e}";
    let name = serde_json::to_string(hostile).unwrap();
    let tests = format!(
        "tests:\n- name: {name}\n  traffic: 1rps\n  expect:\n  - {{at: 1m, page: firing}}\n  - {{at: 1m, \
         message: {{contains: {name}}}}}\n- {{name: fine, traffic: 1rps, expect: [{{at: 1m, page: inactive}}]}}\n"
    );
    let directory = shop(&tests);
    let (code, out, _) = test(&directory, &["--format", "junit", "--junit", "report.xml"]);
    assert_eq!(code, 2);
    let file = fs::read_to_string(directory.path().join("report.xml")).unwrap();
    assert_eq!(file, out);
    assert!(!out.contains('\u{1b}'));
    let document = elements(&out);
    assert_eq!(document.get("testcase"), Some(&2));
    assert_eq!(document.get("failure"), Some(&2));
    assert_eq!(document.get("testsuite"), Some(&1));
    assert_eq!(document.get("x"), None);
    let (_, text, _) = test(&directory, &[]);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
}

#[test]
fn receivers_and_routes_come_from_settings() {
    let tests = TESTS.replace("\ntests:", "\nconfig: slofuse.yaml\ntests:");
    let tests = tests.replace("to: ticket", "to: oncall");
    let directory = shop(&tests);
    let settings = "
definitions: [nowhere]
receivers:
  - name: on-call
    pagerduty: {routing_key: {env: SLOFUSE_TEST_IS_NOT_SET}}
routes: {default: [on-call]}
evaluation: {interval: 10s, scrape_interval: 5s}
";
    fs::write(directory.path().join("slofuse.yaml"), settings).unwrap();
    let (code, out, _) = test(&directory, &["--filter", "at once"]);
    assert_eq!(code, 2);
    assert!(
        out.contains("there is no receiver \"oncall\"\n  fix: did you mean \"on-call\"?"),
        "{out}"
    );
    let tests = tests
        .replace("to: oncall", "to: on-call")
        .replace("10m30s", "11m");
    let tests = tests.replace(", burn: {5m: 90, 1h: 8.33}", "");
    fs::write(directory.path().join("shop.test.yaml"), tests).unwrap();
    let (code, out, _) = test(&directory, &[]);
    assert_eq!(code, 0, "{out}");
    fs::remove_file(directory.path().join("slofuse.yaml")).unwrap();
    let (code, out, _) = test(&directory, &[]);
    assert_eq!(code, 2);
    assert!(
        out.contains("shop.test.yaml:2:9: error: slofuse.yaml cannot be read"),
        "{out}"
    );
}

/// How many elements of each name a document has; panics where it is not well-formed.
fn elements(xml: &str) -> BTreeMap<String, usize> {
    let tag = Regex::new(
        r#"<(/?)([a-z?]+)((?: [a-z]+="[^"<&]*(?:&(?:amp|lt|gt|quot|apos);[^"<&]*)*")*)\s*([/?]?)>"#,
    )
    .unwrap();
    let (mut open, mut counts, mut end) = (Vec::new(), BTreeMap::new(), 0);
    let is_text = |text: &str| {
        let plain = Regex::new("&(amp|lt|gt|quot|apos);")
            .unwrap()
            .replace_all(text, "")
            .into_owned();
        !plain.contains(['<', '&']) && !plain.contains("]]>")
    };
    for found in tag.captures_iter(xml) {
        let whole = found.get(0).unwrap();
        let between = xml.get(end..whole.start()).unwrap();
        assert!(is_text(between), "{between}");
        end = whole.end();
        let name = found[2].to_owned();
        match (&found[1], &found[4]) {
            ("/", _) => assert_eq!(open.pop().as_ref(), Some(&name)),
            (_, "") => {
                open.push(name.clone());
                *counts.entry(name).or_default() += 1;
            }
            _ => *counts.entry(name).or_default() += 1,
        }
    }
    let rest = xml.get(end..).unwrap();
    assert!(open.is_empty() && rest.trim().is_empty());
    counts
}

#[test]
fn huge_counts_are_bounded() {
    let tests = r"
tests:
  - name: a series for ever
    series:
      - {series: 'requests_total{job=&quot;shop&quot;}', values: 0+1x999999999}
    expect:
      - {at: 1h, outcome: quiet, burn: {1h: 0.0}}
"
    .replace("&quot;", "\"");
    let (code, out, _) = test(&shop(&tests), &[]);
    assert_eq!(code, 0, "{out}");
    let long = tests.replace("at: 1h", "at: 1000000d");
    let (code, out, _) = test(&shop(&long), &[]);
    assert_eq!(code, 2);
    assert!(out.contains("the test lasts 1000000d"), "{out}");
}

#[test]
fn a_change_runs_the_tests_again() {
    let directory = shop(TESTS);
    let program = env!("CARGO_BIN_EXE_slofuse");
    let mut child = Command::new(program)
        .args(["test", "--watch"])
        .current_dir(directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (send, lines) = mpsc::channel();
    let out = child.stdout.take().unwrap();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    let until = |wanted: &str| loop {
        let line = lines.recv_timeout(DEADLINE).unwrap();
        if line.contains(wanted) {
            return;
        }
    };
    until("1 test passed, 1 failed");
    until("waiting for changes");
    let repaired = TESTS.replace(
        "10m30s, page: firing, burn: {5m: 90,",
        "10m30s, burn: {5m: 100,",
    );
    let repaired = repaired.replace("message: {to: ticket}", "message: {to: page}");
    fs::write(directory.path().join("shop.test.yaml"), repaired).unwrap();
    until("2 tests passed");
    until("waiting for changes");
    fs::write(
        directory.path().join("shop.slo.yaml"),
        SLO.replace("99.9", "90"),
    )
    .unwrap();
    until("2 failed");
    let interrupted = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupted.unwrap().success());
    assert!(child.wait().unwrap().success());
}
