//! `slofuse rules`: the same rules as Sloth, and better ones where it is wrong.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::cli::slofuse;
use super::repository;

mod normal;
mod sloth;

use normal::normal;

/// A rule as compared.
#[derive(Clone, Debug, PartialEq)]
struct Rule {
    kind: Kind,
    expr: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    pending: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Record(String),
    Alert(String),
}

type Groups = Vec<(String, Vec<Rule>)>;

/// Labels of `sloth_slo_info` that say which program made the rules.
const MAKER: [&str; 3] = ["sloth_mode", "sloth_spec", "sloth_version"];

#[test]
fn the_rules_of_slos_are_those_that_sloth_makes() {
    let mut compared = 0;
    for path in repository::files() {
        let Some(name) = path.strip_prefix("tests/fixtures/rules/sloth/") else {
            continue;
        };
        let expected: sloth::Expected = serde_yaml::from_str(&repository::read(&path)).unwrap();
        let definition = format!("tests/fixtures/rules/slos/{name}");
        let written = exported(&[&definition, "--period", "mean"]);
        compare(name, &groups(&written), &expected.groups());
        compared += 1;
    }
    assert!(compared >= 10, "only {compared} SLOs were compared");
}

#[test]
fn files_of_sloth_give_the_rules_that_sloth_makes_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for path in repository::files() {
        let case = path.strip_prefix("tests/fixtures/rules/from-sloth/");
        let Some(name) = case.and_then(|case| case.strip_suffix(".expected.yaml")) else {
            continue;
        };
        let slos = serde_yaml::Deserializer::from_str(&repository::read(&path))
            .map(|slo| sloth::Expected::deserialize(slo).unwrap())
            .collect::<Vec<_>>();
        let definitions = format!("tests/fixtures/rules/from-sloth/{name}");
        let written = exported(&[&definitions, "--period", "mean"]);
        let expected: Groups = slos.iter().flat_map(sloth::Expected::groups).collect();
        compare(name, &groups(&written), &expected);
        compared += slos.len();
        let file = folder.path().join("rules.yaml");
        fs::write(&file, &written).unwrap();
        promtool(&["check", "rules"], &file);
    }
    assert!(compared >= 8, "only {compared} SLOs were compared");
}

/// Everything is as expected; annotations may be more.
fn compare(name: &str, written: &Groups, expected: &Groups) {
    let names = |groups: &Groups| -> Vec<String> {
        let rules = groups.iter().flat_map(|(group, rules)| {
            rules
                .iter()
                .map(move |rule| format!("{group}: {:?}", rule.kind))
        });
        rules.collect()
    };
    assert_eq!(names(written), names(expected), "{name}");
    let pairs = written
        .iter()
        .zip(expected)
        .flat_map(|((_, w), (_, e))| w.iter().zip(e));
    for (written, expected) in pairs {
        let place = format!("{name}: {:?}", written.kind);
        assert_eq!(normal(&written.expr), normal(&expected.expr), "{place}");
        let mut labels = written.labels.clone();
        labels.retain(|label, _| !MAKER.contains(&label.as_str()));
        assert_eq!(labels, expected.labels, "{place}");
        assert_eq!(written.pending, expected.pending, "{place}");
        for (key, text) in &expected.annotations {
            assert_eq!(written.annotations.get(key), Some(text), "{place}: {key}");
        }
    }
}

#[test]
fn promtool_accepts_every_export() {
    let folder = tempfile::tempdir().unwrap();
    for period in ["counts", "mean", "query"] {
        for more in [&[][..], &["--minimum-events"][..]] {
            let options = ["--period", period];
            let paths = ["rules", "tests/fixtures/rules/slos"];
            let arguments = paths.iter().chain(&options).chain(more);
            let text = exported(&arguments.copied().collect::<Vec<_>>()[..]);
            let file = folder.path().join("rules.yaml");
            fs::write(&file, &text).unwrap();
            promtool(&["check", "rules"], &file);
            for (_, rules) in groups(&text) {
                for rule in rules {
                    normal(&rule.expr);
                }
            }
        }
    }
    let object = exported(&["rules", "--format", "prometheus-operator"]);
    let object: serde_yaml::Value = serde_yaml::from_str(&object).unwrap();
    assert_eq!(object["kind"], "PrometheusRule");
    assert!(object["spec"]["groups"].is_sequence());
}

#[test]
fn an_outage_pages_and_the_period_counts_events() {
    let folder = tempfile::tempdir().unwrap();
    let slo = "tests/fixtures/rules/replay/uneven.yaml";
    for (period, file) in [("counts", "counts.yaml"), ("mean", "mean.yaml")] {
        let text = exported(&[slo, "--period", period]);
        fs::write(folder.path().join(file), text).unwrap();
    }
    for test in ["counts.test.yaml", "mean.test.yaml"] {
        let text = repository::read(&format!("tests/fixtures/rules/replay/{test}"));
        let file = folder.path().join(test);
        fs::write(&file, text).unwrap();
        promtool(&["test", "rules"], &file);
    }
}

#[test]
fn a_directory_gets_a_file_per_slo() {
    let folder = tempfile::tempdir().unwrap();
    let out = format!("{}/new/", folder.path().display());
    let object = [
        "--format",
        "prometheus-operator",
        "--name",
        "slos",
        "--namespace",
        "mon",
    ];
    let labels = ["--label", "prometheus=main", "--label", "a="];
    let mut arguments = vec![
        "rules",
        "rules/search",
        "rules/checkout/availability.slo.yaml",
        "--output",
        &out,
    ];
    arguments.extend(object.iter().chain(&labels));
    slofuse(&arguments).assert().success().stdout("");
    let mut names: Vec<String> = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = ["checkout-availability", "search-availability"];
    assert_eq!(names, expected.map(|name| format!("{name}.yaml")));
    let text = fs::read_to_string(format!("{out}search-availability.yaml")).unwrap();
    let object: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
    assert_eq!(object["metadata"]["name"], "slos-search-availability");
    assert_eq!(object["metadata"]["namespace"], "mon");
    assert_eq!(object["metadata"]["labels"]["prometheus"], "main");
}

#[test]
fn what_cannot_be_exported_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("slos.yaml");
    let slo = |service: &str, name: &str| {
        format!(
            "apiVersion: slofuse/v1\nkind: SLO\n\
             metadata: {{service: {service}, name: {name}, owner: a, runbook: 'https://a.example'}}\n\
             spec: {{objective: 99, sli: {{events: {{bad: e_total, total: t_total}}}}}}\n---\n"
        )
    };
    fs::write(&file, slo("a-b", "c") + &slo("a", "b-c")).unwrap();
    let refused = slofuse(&["rules", file.to_str().unwrap()])
        .assert()
        .code(2)
        .stdout("");
    let message = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
    assert!(
        message.contains("a-b/c and a/b-c would both be recorded under"),
        "{message}"
    );

    fs::write(&file, "kind: SLO").unwrap();
    slofuse(&["rules", file.to_str().unwrap()])
        .assert()
        .code(2)
        .stdout("");
    slofuse(&["rules"]).assert().code(64);
    slofuse(&["rules", "rules", "--label", "novalue"])
        .assert()
        .code(64);
    let nowhere = folder.path().join("none/out.yaml");
    slofuse(&["rules", "rules", "-o", nowhere.to_str().unwrap()])
        .assert()
        .code(1);
}

fn exported(arguments: &[&str]) -> String {
    let arguments: Vec<&str> = ["rules"].iter().chain(arguments).copied().collect();
    let output = slofuse(&arguments).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {message}");
    String::from_utf8(output.stdout).unwrap()
}

fn promtool(arguments: &[&str], file: &Path) {
    let output = Command::new("promtool").args(arguments).arg(file).output();
    let output = output.unwrap_or_else(|error| panic!("promtool is needed: {error}"));
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}{err}");
}

fn groups(text: &str) -> Groups {
    let file: serde_yaml::Value = serde_yaml::from_str(text).unwrap();
    let texts = |value: &serde_yaml::Value| -> BTreeMap<String, String> {
        match value {
            serde_yaml::Value::Null => BTreeMap::new(),
            texts => serde_yaml::from_value(texts.clone()).unwrap(),
        }
    };
    let text = |value: &serde_yaml::Value| value.as_str().map(str::to_owned);
    let rule = |rule: &serde_yaml::Value| Rule {
        kind: match (text(&rule["record"]), text(&rule["alert"])) {
            (Some(name), None) => Kind::Record(name),
            (None, Some(name)) => Kind::Alert(name),
            _ => panic!("neither a record nor an alert: {rule:?}"),
        },
        expr: text(&rule["expr"]).unwrap(),
        labels: texts(&rule["labels"]),
        annotations: texts(&rule["annotations"]),
        pending: text(&rule["for"]),
    };
    let group = |group: &serde_yaml::Value| {
        let rules = group["rules"].as_sequence().unwrap();
        (
            text(&group["name"]).unwrap(),
            rules.iter().map(rule).collect(),
        )
    };
    file["groups"]
        .as_sequence()
        .unwrap()
        .iter()
        .map(group)
        .collect()
}
