//! Loading from real files: the examples that ship, and how mistakes in many files read.

#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

use slofuse::config::{self, Diagnostics};
use slofuse::engine::Policy;
use tempfile::TempDir;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn any_variable(name: &str) -> Option<String> {
    Some(match name {
        name if name.ends_with("_URL") => "https://hooks.example.com/services/a/b/c".to_owned(),
        name => format!("value-of-{name}"),
    })
}

fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

/// The report with the temporary directory taken out.
fn report(found: &Diagnostics, directory: &TempDir) -> String {
    found
        .to_string()
        .replace(&format!("{}/", directory.path().display()), "")
}

const SLO: &str = r#"apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: api, owner: me, runbook: "https://example.com"}
spec:
  objective: 99.9
  sli: {events: {bad: 'errors_total', total: 'requests_total'}}
"#;

#[test]
fn every_settings_file_that_ships_loads() {
    let mut count = 0;
    for entry in fs::read_dir(root("config")).unwrap() {
        let path = entry.unwrap().path();
        let loaded = config::load(&path, &any_variable);
        let loaded = loaded.unwrap_or_else(|found| panic!("{}:\n{found}", path.display()));
        assert!(loaded.definitions.len() >= 5);
        assert_eq!(loaded.warnings.to_string(), "");
        count += 1;
    }
    assert_eq!(count, 2);
}

#[test]
fn owners_whom_no_definition_names_are_warned_of() {
    let settings = |owner: &str| {
        format!(
            "definitions: [a.yaml]
receivers: [{{name: c, console: {{}}}}]
route: {{receiver: c, to_owner: true}}
owners: {{{owner}: {{default: [c]}}}}
"
        )
    };
    let slo = SLO.replace("owner: me", "owner: team-shop");
    let load = |owner: &str| {
        let files = directory(&[("slofuse.yaml", &settings(owner)), ("a.yaml", &slo)]);
        let loaded = config::load(&files.path().join("slofuse.yaml"), &any_variable).unwrap();
        report(&loaded.warnings, &files)
    };
    assert_eq!(load("team-shop"), "");
    insta::assert_snapshot!(load("team-shp"), @r#"
    slofuse.yaml:4:20: warning: no SLO belongs to the owner "team-shp"
      fix: did you mean "team-shop"?
    "#);
}

#[test]
fn every_definition_that_ships_loads_without_a_warning() {
    let loaded = config::load_definitions(&[root("rules")], &[]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(loaded.warnings.to_string(), "");
    assert!(loaded.definitions.len() >= 5);
    for definition in &loaded.definitions {
        let document = &definition.slo.document;
        assert!(!document.description.is_empty(), "{}", definition.place);
        assert!(
            document.annotations.contains_key("first_check"),
            "{}",
            definition.place
        );
        assert!(!definition.path_reason.is_empty());
    }
}

#[test]
fn the_documented_policy_is_the_built_in_one() {
    // The loader refuses the file unless it equals the built-in policy, so a changed copy must fail.
    let text = fs::read_to_string(root("rules/policies/sre-workbook.yaml")).unwrap();
    let same = directory(&[("p.yaml", &text), ("s.yaml", SLO)]);
    let loaded = config::load_definitions(&[same.path().to_owned()], &[]).unwrap();
    assert_eq!(*loaded.definitions[0].slo.policy, Policy::sre_workbook());
    for (from, to) in [
        ("budget: 2%", "budget: 3%"),
        ("hold: 1m", "hold: 2m"),
        ("90%, 1", "91%, 1"),
    ] {
        assert!(text.contains(from));
        let changed = directory(&[("p.yaml", &text.replace(from, to))]);
        let refused = config::load_definitions(&[changed.path().to_owned()], &[]).unwrap_err();
        assert_eq!(refused.errors(), 1, "{refused}");
    }
}

#[test]
fn ten_mistakes_in_one_set_of_files_make_one_report() {
    let files = directory(&[
        (
            "slofuse.yaml",
            "prometheus: {url: localhost, timeout: 0s}
definitions: [rules, absent]
receivers:
  - {name: pager, pagerduty: {routing_key: {env: MISSING}}}
  - {name: hook, webhok: {}}
routes: {default: [pgaer]}
",
        ),
        (
            "rules/a.yaml",
            "apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: api, owner: me, runbook: \"https://example.com\"}
spec:
  objectiv: 99.9
  objective: 100
  period: 3 weeks
  policy: low-trafic
  sli: {}
",
        ),
        (
            "rules/deep/policy.yml",
            "apiVersion: slofuse/v1
kind: Policy
metadata: {name: low-traffic}
spec:
  tiers:
    - {severity: loud, budget: 2%, long: 5m, short: 1h}
",
        ),
        ("rules/deep/broken.yaml", "a: [1\nb: 2\n"),
        ("rules/a.test.yaml", "not: [a definition"),
        ("rules/README.md", "not a definition"),
        ("rules/.hidden/x.yaml", "not: [a definition"),
    ]);
    let env = |name: &str| (name != "MISSING").then(String::new);
    let found = config::load(&files.path().join("slofuse.yaml"), &env).unwrap_err();
    insta::assert_snapshot!(report(&found, &files), @r#"
    rules/a.yaml:5:3: error: unknown key "objectiv"
      fix: did you mean "objective"?
    rules/a.yaml:6:14: error: 100 is not an objective: it must lie between 0 and 100 percent, both excluded
      fix: write a percentage such as 99.9; 100 would leave no budget to burn
    rules/a.yaml:7:11: error: "3 weeks" is not a duration
      fix: write it like 30s, 5m, 1h30m or 30d
    rules/a.yaml:8:11: error: the policy "low-trafic" is not defined
      fix: did you mean "low-traffic"?
    rules/a.yaml:9:8: error: sli has none of the keys events, latency, time_slices, ratio, journey, weighted
      fix: add one of events, latency, time_slices, ratio, journey, weighted
    rules/deep/broken.yaml:2:2: error: this is not YAML: illegal placement of ':' indicator
      fix: check the indentation, quotes and brackets before this place
    rules/deep/policy.yml:6:18: error: "loud" is not known here
      fix: use one of: page, ticket, info
    rules/deep/policy.yml:6:53: error: the short window 1h is longer than the long one 5m
      fix: write short: 25s, a twelfth of the long one
    slofuse.yaml:1:19: error: this is not a URL
      fix: write a whole URL that begins with http:// or https://
    slofuse.yaml:1:39: error: 0s is out of bounds
      fix: choose a value from 100ms to 5m
    slofuse.yaml:2:22: error: absent cannot be read: No such file or directory (os error 2)
      fix: correct the path or its permissions
    slofuse.yaml:4:50: error: the environment variable MISSING is not set
      fix: set MISSING for this process, or correct the name
    slofuse.yaml:5:18: error: unknown key "webhok"
      fix: did you mean "webhook"?
    slofuse.yaml:5:26: error: webhook lacks the key "url"
      fix: add url:
    slofuse.yaml:6:20: error: there is no receiver called "pgaer"
      fix: did you mean "pager"?
    "#);
}

#[test]
fn a_missing_settings_file_is_a_mistake_like_any_other() {
    let empty = directory(&[]);
    let found = config::load(&empty.path().join("absent.yaml"), &any_variable).unwrap_err();
    insta::assert_snapshot!(report(&found, &empty), @r#"
    absent.yaml:1:1: error: the settings file cannot be read: No such file or directory (os error 2)
      fix: correct the path or its permissions
    "#);
    let found = config::load(empty.path(), &any_variable).unwrap_err();
    insta::assert_snapshot!(report(&found, &empty).replace(&empty.path().display().to_string(), "."), @r#"
    .:1:1: error: the settings file cannot be read: not a regular file
      fix: correct the path or its permissions
    "#);
}

#[test]
fn a_directory_without_definitions_is_warned_of() {
    let empty = directory(&[]);
    let loaded = config::load_definitions(&[empty.path().to_owned()], &[]).unwrap();
    assert_eq!(
        (loaded.definitions.len(), loaded.warnings.warnings()),
        (0, 1)
    );
}

#[cfg(unix)]
#[test]
fn links_are_followed_once_and_pipes_are_refused() {
    use std::os::unix::fs::symlink;
    // As Kubernetes mounts a config map, and a link that leads back up.
    let files = directory(&[("..2026/slo.yaml", SLO), ("more/.keep", "")]);
    symlink("..2026", files.path().join("..data")).unwrap();
    symlink("..data/slo.yaml", files.path().join("slo.yaml")).unwrap();
    symlink("..", files.path().join("more/up")).unwrap();
    let twice = [files.path().to_owned(), files.path().join("more")];
    let loaded = config::load_definitions(&twice, &twice).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(loaded.definitions.len(), 1);

    symlink("nowhere", files.path().join("dangling.yaml")).unwrap();
    symlink("/dev/zero", files.path().join("endless.yaml")).unwrap();
    let found = config::load_definitions(&twice, &[]).unwrap_err();
    assert_eq!(found.errors(), 2, "{found}");
}

#[test]
fn files_over_their_bound_are_refused() {
    let large = "#".repeat((4 << 20) + 1);
    let files = directory(&[("slofuse.yaml", &large)]);
    let found = config::load(&files.path().join("slofuse.yaml"), &any_variable).unwrap_err();
    insta::assert_snapshot!(report(&found, &files), @r#"
    slofuse.yaml:1:1: error: the settings file cannot be read: larger than 4 MiB
      fix: correct the path or its permissions
    "#);
}

#[test]
fn secrets_in_files_are_read_anew() {
    let files = directory(&[
        (
            "slofuse.yaml",
            "definitions: [slo.yaml]
receivers: [{name: pager, pagerduty: {routing_key: {file: key}}}]
routes: {default: [pager]}
",
        ),
        ("slo.yaml", SLO),
        ("key", "first\n"),
    ]);
    let loaded = config::load(&files.path().join("slofuse.yaml"), &|_| None).unwrap();
    let config::settings::ReceiverKind::PagerDuty { routing_key, .. } =
        &loaded.settings.receivers[0].kind
    else {
        panic!("not PagerDuty");
    };
    let reveal = || secrecy::ExposeSecret::expose_secret(&routing_key.reveal().unwrap()).to_owned();
    assert_eq!(reveal(), "first");
    fs::write(files.path().join("key"), "second\n").unwrap();
    assert_eq!(reveal(), "second");
}
