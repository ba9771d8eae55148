//! Seeded mistakes in every format: all are found, each at its place, and nothing else is.

use std::collections::BTreeSet;

use serde_json::Value;

use super::cli::run;
use super::repository;

const DIRECTORY: &str = "tests/fixtures/mistakes";

/// `file:line:column rule`, as the list beside the files has it.
fn expected() -> BTreeSet<String> {
    let list = repository::read(&format!("{DIRECTORY}/expected.txt"));
    let lines = list.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

#[test]
fn every_seeded_mistake_is_found_at_its_place_and_no_other() {
    let (code, out, err) = run(&["check", DIRECTORY, "--format", "json"]);
    assert_eq!((code, err.as_str()), (2, ""));
    let report: Value = serde_json::from_str(&out).unwrap();
    let all = report["diagnostics"]["diagnostics"].as_array().unwrap();
    let grave = all.iter().filter(|one| one["severity"] != "note");
    let line = |one: &Value| {
        let text = |key: &str| one[key].as_str().unwrap().to_owned();
        let file = text("file").replace(&format!("{DIRECTORY}/"), "");
        format!("{file}:{}:{} {}", one["line"], one["column"], text("rule"))
    };
    let found: BTreeSet<String> = grave.clone().map(line).collect();
    let expected = expected();
    let missed: Vec<_> = expected.difference(&found).collect();
    let invented = grave.filter(|one| !expected.contains(&line(one)));
    let invented: Vec<String> = invented
        .map(|one| format!("{} {}", line(one), one["message"]))
        .collect();
    assert!(
        missed.is_empty() && invented.is_empty(),
        "missed {missed:#?}, invented {invented:#?}"
    );
    assert!(expected.len() >= 20, "{} mistakes", expected.len());
    for one in all {
        let fix = one["fix"].as_str().unwrap();
        assert!(fix.len() > 5, "{one}");
    }
}
