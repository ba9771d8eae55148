//! `slofuse template`: words are seen before anybody is woken by them.

use std::fs;

use super::cli::run;

fn file(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn what_is_shown_passes_the_check() {
    for slot in ["title", "why", "notes", "body", "subject"] {
        let (code, shown, err) = run(&["template", "show", slot]);
        assert_eq!((code, err.as_str()), (0, ""), "{slot}");
        let (_folder, path) = file(&format!("{slot}.j2"), &shown);
        let (code, out, err) = run(&["template", "check", &path]);
        assert_eq!((code, err.as_str()), (0, ""), "{slot}: {out}");
    }
    let (code, all, _) = run(&["template", "show"]);
    assert!(code == 0 && all.contains("---- subject ----"), "{all}");
}

#[test]
fn a_mistake_is_found_at_its_line() {
    let (_folder, path) = file("page.txt", "{{ subject }}\n{{ titel }}");
    let (code, _, err) = run(&["template", "check", &path, "--slot", "title"]);
    let found = err.contains("page.txt:2: for the sample page: undefined value: `titel`");
    assert!(code == 2 && found, "{err}");
    let (code, _, err) = run(&["template", "check", &path]);
    assert!(code == 64 && err.contains("--slot"), "{err}");
    let (code, _, err) = run(&["template", "check", "no/such/title.j2"]);
    assert!(
        code == 1 && err.contains("reading no/such/title.j2"),
        "{err}"
    );
}

#[test]
fn what_receivers_would_be_told_is_printed() {
    let render = |arguments: &[&str]| {
        let all = [
            &["template", "render", "--config", "config/minimal.yaml"],
            arguments,
        ]
        .concat();
        run(&all)
    };
    let (code, out, err) = render(&["--slot", "subject", "--sample", "storm"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, "[PAGE] storm: 37 alerts: 12 pages and 25 more\n");
    let (code, out, _) = render(&["--all", "--format", "json", "--receiver", "console"]);
    let all: Vec<serde_json::Value> = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, all.len()),
        (0, slofuse::message::sample::NAMES.len())
    );
    assert!(all.iter().all(|one| one["texts"]["title"].is_string()));
    assert!(all.iter().all(|one| one["texts"]["body"].is_null()));
    let (code, _, err) = render(&["--receiver", "nobody"]);
    assert!(code == 64 && err.contains("no receiver nobody"), "{err}");
    let sample = slofuse::message::sample::burning();
    let (_folder, path) = file("own.json", &serde_json::to_string(&sample).unwrap());
    let (code, out, _) = render(&["--notification", &path, "--slot", "title"]);
    assert!(code == 0 && out.starts_with("shop/checkout"), "{out}");
    let (_folder, path) = file("other.json", "{}");
    let (code, _, err) = render(&["--notification", &path]);
    assert!(
        code == 2 && err.contains("this is no notification"),
        "{err}"
    );
}
