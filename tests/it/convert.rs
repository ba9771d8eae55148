//! `slofuse convert`: native files out of other formats, and exit codes.

use std::fs;
use std::path::Path;

use super::cli::{help, run};
use super::repository;

const FIXTURES: &str = "tests/fixtures/formats/pyrra";

fn names(directory: &Path) -> Vec<String> {
    let files = repository::walk(directory);
    let name =
        |path: &std::path::PathBuf| path.strip_prefix(directory).unwrap().display().to_string();
    let mut names: Vec<String> = files.iter().map(name).collect();
    names.sort();
    names
}

#[test]
fn convert_explains_itself() {
    insta::assert_snapshot!(help(&["convert", "--help"]), @r"
    Write definitions of any format (Sloth, Pyrra, OpenSLO) as native files

    Usage: slofuse convert [OPTIONS] <PATH>...

    Arguments:
      <PATH>...  Definition files or directories, in any format

    Options:
      -o, --output <DIR>             Write one file for each that was read into this directory, under
                                     the same name; nothing is overwritten [default: all to standard
                                     output]
          --log-format <LOG_FORMAT>  How log lines look on standard error [default: text] [possible
                                     values: text, json]
          --log <FILTER>             What is logged: a level, or levels by module such as
                                     `warn,slofuse=debug` [default: info, for the demo warn]
      -h, --help                     Print help
      -V, --version                  Print version

    Sloth, Pyrra and OpenSLO files load as they are; convert them to keep them in one format, and to see
    what slofuse makes of them. What means something else than it did is said in a comment above the
    definition and on standard error. Files that are native already stay as they are.

    Examples:
      slofuse convert pyrra/checkout.yaml
      slofuse convert pyrra/ sloth/ --output rules/
    ");
}

#[test]
fn one_stream_holds_all_files() {
    let (code, out, err) = run(&["convert", FIXTURES]);
    assert_eq!(code, 0, "{err}");
    let documents = serde_yaml::Deserializer::from_str(&out);
    let count = documents
        .map(|document| serde::Deserialize::deserialize(document).unwrap())
        .filter(|document: &serde_yaml::Value| document["apiVersion"] == "slofuse/v1")
        .count();
    assert_eq!(count, 7, "{out}");
    assert!(
        err.contains("checkout.yaml:51:21: note: the severity"),
        "{err}"
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("all.yaml");
    fs::write(&file, &out).unwrap();
    let (code, checked, _) = run(&["check", &file.display().to_string()]);
    assert_eq!(code, 0, "{checked}");
    assert!(checked.contains("7 SLOs checked, no errors"), "{checked}");
}

#[test]
fn a_directory_is_filled_once() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("rules");
    let arguments = [
        "convert",
        FIXTURES,
        "--output",
        &output.display().to_string(),
    ];
    let (code, out, err) = run(&arguments);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert_eq!(
        names(&output),
        ["checkout.yaml", "from-cluster.yaml", "switches.yaml"]
    );
    let first = fs::read_to_string(output.join("checkout.yaml")).unwrap();
    fs::remove_file(output.join("switches.yaml")).unwrap();
    let (code, out, err) = run(&arguments);
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(
        err.contains("checkout.yaml exists; remove it or choose another directory"),
        "{err}"
    );
    assert_eq!(names(&output), ["checkout.yaml", "from-cluster.yaml"]);
    assert_eq!(
        fs::read_to_string(output.join("checkout.yaml")).unwrap(),
        first
    );
}

#[test]
fn two_files_do_not_share_a_place() {
    let directory = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(repository::root().join(FIXTURES).join("checkout.yaml")).unwrap();
    for (team, service) in [("a", "shop"), ("b", "lab")] {
        let folder = directory.path().join(team);
        fs::create_dir_all(&folder).unwrap();
        let text = text.replace("namespace: shop", &format!("namespace: {service}"));
        fs::write(folder.join("slo.yaml"), text).unwrap();
    }
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (code, _, err) = run(&["convert", &path("a"), &path("b"), "--output", &path("out")]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("is taken by"), "{err}");
    assert!(!directory.path().join("out").exists());
    let (code, _, err) = run(&["convert", &path(""), "--output", &path("out")]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(
        names(&directory.path().join("out")),
        ["a/slo.yaml", "b/slo.yaml"]
    );
}

#[test]
fn mistakes_end_with_their_own_codes() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.yaml");
    let pyrra =
        "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\nmetadata: {name: a}\n";
    fs::write(&file, pyrra).unwrap();
    let (code, out, err) = run(&["convert", &file.display().to_string()]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(
        err.contains("a.yaml:1:1: error: the objective lacks the key \"spec\""),
        "{err}"
    );
    let (code, _, err) = run(&["convert", "no/such/file.yaml"]);
    assert_eq!(code, 2, "{err}");
    assert_eq!(run(&["convert"]).0, 64);
}
