//! What is converted loads to what it was.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::config::{Definitions, load_definitions};
use crate::engine::Slo;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats")
}

/// Every file below a directory, sorted.
fn walk(directory: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    let below = entries.into_iter().flat_map(|path| {
        if path.is_dir() {
            walk(&path)
        } else {
            vec![path]
        }
    });
    below.collect()
}

fn slos(loaded: &Definitions) -> BTreeMap<String, Arc<Slo>> {
    let slos = loaded.definitions.iter();
    slos.map(|definition| (definition.slo.id.to_string(), Arc::clone(&definition.slo)))
        .collect()
}

/// Writes texts into a fresh directory and loads them.
fn loaded(files: &[(PathBuf, String)]) -> Result<Definitions, Diagnostics> {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    load_definitions(&[directory.path().to_owned()], &[])
}

/// The same with every document written anew, native ones too.
fn rewritten(text: &str) -> String {
    let found = RefCell::default();
    let mut documents = Documents::new(&found);
    documents.read("a.yaml".into(), text.as_bytes());
    let (translated, defaults) = documents.translate();
    joined(&all_written(&translated, &defaults), Path::new("a.yaml"))
}

/// Converts paths and loads the outcome; `None` when they do not load in the first place.
fn same_after_conversion(path: &Path) -> Option<usize> {
    let paths = [path.to_owned()];
    let Ok(before) = load_definitions(&paths, &[]) else {
        assert!(convert(&paths, Shape::Files).is_err(), "{}", path.display());
        return None;
    };
    let converted = convert(&paths, Shape::Files).unwrap();
    let files: Vec<(PathBuf, String)> = converted
        .files
        .into_iter()
        .map(|file| (file.relative, file.text))
        .collect();
    let after = loaded(&files).unwrap_or_else(|found| panic!("{}: {found}", path.display()));
    assert_eq!(slos(&after), slos(&before), "{}", path.display());
    assert!(
        after
            .definitions
            .iter()
            .all(|one| one.format == Format::Native)
    );
    let again: Vec<(PathBuf, String)> = files
        .into_iter()
        .map(|(name, text)| (name, rewritten(&text)))
        .collect();
    let again = loaded(&again).unwrap_or_else(|found| panic!("{}: {found}", path.display()));
    assert_eq!(slos(&again), slos(&before), "{}", path.display());
    Some(before.definitions.len())
}

#[test]
fn every_fixture_loads_to_the_same_after_conversion() {
    for format in fs::read_dir(fixtures()).unwrap() {
        let format = format.unwrap().path();
        let files = walk(&format);
        let count = |path: &PathBuf| same_after_conversion(path).unwrap_or_default();
        let converted: usize = files.iter().map(count).sum();
        assert!(converted > 0, "no SLO of {} loads", format.display());
        let together = same_after_conversion(&format);
        assert!(together != Some(0), "{}", format.display());
    }
}

#[test]
fn the_native_fixture_shows_every_key() {
    // Other threads decode other files; what this one has seen is its own.
    let text = fs::read(fixtures().join("slofuse/everything.yaml")).unwrap();
    let found = RefCell::default();
    let mut documents = Documents::new(&found);
    documents.read("everything.yaml".into(), &text);
    let never = crate::config::decode::seen::never_written();
    assert!(never.is_empty(), "{never:?}");
}

const PYRRA: &str = "apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: api}
spec:
  target: '99.9'
  window: 2d
  indicator:
    ratio:
      errors: {metric: errors_total}
      total: {metric: requests_total}
";

const NATIVE: &str = "# by hand
apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: web}
spec:
  objective: 99.9
  sli: {events: {bad: errors_total, total: requests_total}}
";

/// The conversion of one file.
fn converted(text: &str) -> Converted {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.yaml");
    fs::write(&path, text).unwrap();
    let mut converted = convert(&[path], Shape::Files).unwrap();
    assert_eq!(converted.files.len(), 1);
    converted.files.remove(0)
}

#[test]
fn comments_say_where_it_came_from_and_what_changed() {
    let file = converted(PYRRA);
    assert!(!file.unchanged);
    let comments: Vec<&str> = file
        .text
        .lines()
        .filter(|line| line.starts_with('#'))
        .collect();
    insta::assert_snapshot!(comments.join("\n"), @r"
    # Converted from Pyrra: a.yaml, line 1.
    # note: the fast burn alert is left out: with a window of 2d it would look back 0s, and in Pyrra it can never fire
    ");
}

#[test]
fn what_is_native_keeps_its_comments() {
    let file = converted(NATIVE);
    assert_eq!((file.unchanged, file.text.as_str()), (true, NATIVE));
    let mixed = converted(&format!("{PYRRA}---\n{NATIVE}"));
    assert!(!mixed.unchanged);
    assert_eq!(mixed.text.matches("kind: SLO").count(), 2);
    assert!(mixed.text.find("name: api") < mixed.text.find("name: web"));
}

#[test]
fn queries_of_several_lines_stay_several_lines() {
    let text = NATIVE.replace(
        "{events: {bad: errors_total, total: requests_total}}",
        "{ratio: {error_ratio: \"sum(rate(a[$window]))\\n/\\nsum(rate(b[$window]))\"}}",
    );
    insta::assert_snapshot!(rewritten(&text), @r"
    apiVersion: slofuse/v1
    kind: SLO
    metadata:
      service: shop
      name: web
    spec:
      objective: 99.9
      sli:
        ratio:
          error_ratio: |-
            sum(rate(a[$window]))
            /
            sum(rate(b[$window]))
    ");
}

#[test]
fn what_does_not_load_is_not_converted() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(
        directory.path().join("a.yaml"),
        PYRRA.replace("99.9", "100"),
    )
    .unwrap();
    let found = convert(&[directory.path().to_owned()], Shape::Files).unwrap_err();
    assert_eq!(found.errors(), 1, "{found}");
    assert_eq!(
        convert(&[directory.path().join("b.yaml")], Shape::Files)
            .unwrap_err()
            .errors(),
        1
    );
    fs::remove_file(directory.path().join("a.yaml")).unwrap();
    assert!(
        convert(&[directory.path().to_owned()], Shape::Files)
            .unwrap()
            .files
            .is_empty()
    );
}

#[test]
fn files_keep_their_place_below_what_was_named() {
    let directory = tempfile::tempdir().unwrap();
    let below = directory.path().join("team/rules");
    fs::create_dir_all(&below).unwrap();
    fs::write(below.join("a.yaml"), PYRRA).unwrap();
    let relative = |path: &Path| {
        let files = convert(&[path.to_owned()], Shape::Files).unwrap().files;
        files[0].relative.to_string_lossy().into_owned()
    };
    assert_eq!(relative(directory.path()), "team/rules/a.yaml");
    assert_eq!(relative(&below), "a.yaml");
    assert_eq!(relative(&below.join("a.yaml")), "a.yaml");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_is_written_so_that_it_reads_the_same(
        texts in proptest::collection::vec("\\PC{0,12}([ :#'\"|>\\n-]{0,3}\\PC{0,8}){0,3}", 4),
        objective in 0.0001f64..99.9999,
        fraction in 0.000001f64..1.0,
    ) {
        let value = serde_json::json!({
            "apiVersion": "slofuse/v1",
            "kind": "SLO",
            "metadata": {
                "service": "shop",
                "name": "web",
                "description": texts[0],
                "rationale": texts[1],
                "labels": {"a": texts[2]},
                "annotations": {texts[3].as_str(): texts[0]},
            },
            "spec": {
                "objective": objective,
                "policy": {"tiers": [{
                    "severity": "page", "budget": fraction, "long": "1h30m", "short": "5m",
                }]},
                "sli": {"events": {"bad": "errors_total", "total": "requests_total"}},
            },
        });
        let text = serde_yaml::to_string(&value).unwrap();
        let before = loaded(&[("a.yaml".into(), text.clone())]);
        prop_assume!(before.is_ok());
        let after = loaded(&[("a.yaml".into(), rewritten(&text))]).unwrap();
        prop_assert_eq!(slos(&before.unwrap()), slos(&after));
    }
}
