//! Which files are found, and what patterns match.

use super::*;

/// A directory with empty files of these names.
fn directory(names: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for name in names {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    directory
}

/// What is found under paths in a directory, and what is wrong with them.
fn found(directory: &tempfile::TempDir, paths: &[&str]) -> String {
    let root = directory.path();
    let roots: Vec<_> = paths.iter().map(|path| (root.join(path), None)).collect();
    let found = RefCell::default();
    let files = find(&roots, &found);
    let files = files.iter().map(|file| file.strip_prefix(root).unwrap());
    let mut lines: Vec<String> = files.map(|file| file.display().to_string()).collect();
    let wrong = found.into_inner().to_string();
    let wrong = wrong.replace(&root.display().to_string(), ".");
    lines.extend(wrong.lines().map(str::to_owned));
    lines.join("\n")
}

const FILES: [&str; 9] = [
    "a.yaml",
    "b.yml",
    "b.test.yaml",
    "c.json",
    "README.md",
    ".hidden/d.yaml",
    "teams/red/slos/e.yaml",
    "teams/blue/slos/f.yaml",
    "teams/blue/other/g.yaml",
];

#[test]
fn directories_are_searched() {
    let all = directory(&FILES);
    insta::assert_snapshot!(found(&all, &["", "a.yaml"]), @"
    a.yaml
    b.yml
    teams/blue/other/g.yaml
    teams/blue/slos/f.yaml
    teams/red/slos/e.yaml
    ");
    insta::assert_snapshot!(found(&all, &["c.json", "README.md", "b.test.yaml"]), @"
    c.json
    README.md
    ");
}

#[test]
fn patterns_match_files_and_directories() {
    let all = directory(&FILES);
    insta::assert_snapshot!(found(&all, &["*"]), @"
    a.yaml
    b.yml
    teams/blue/other/g.yaml
    teams/blue/slos/f.yaml
    teams/red/slos/e.yaml
    ");
    insta::assert_snapshot!(found(&all, &["*.json"]), @"c.json");
    insta::assert_snapshot!(found(&all, &["?.y*ml"]), @"
    a.yaml
    b.yml
    ");
    insta::assert_snapshot!(found(&all, &["teams/*/slos"]), @"
    teams/blue/slos/f.yaml
    teams/red/slos/e.yaml
    ");
    insta::assert_snapshot!(found(&all, &["teams/**/*.yaml", "teams/red"]), @"
    teams/blue/other/g.yaml
    teams/blue/slos/f.yaml
    teams/red/slos/e.yaml
    ");
    insta::assert_snapshot!(found(&all, &["teams/[a-c]*/*/*.yaml"]), @"
    teams/blue/other/g.yaml
    teams/blue/slos/f.yaml
    ");
}

#[test]
fn patterns_that_match_nothing_are_mistakes() {
    let all = directory(&FILES);
    insta::assert_snapshot!(found(&all, &["*.toml", "nowhere/*.yaml", "[", "a**", "absent"]), @"
    ./*.toml:1:1: error: nothing matches ./*.toml
      fix: correct the pattern, or create what it should find
    ./[:1:1: error: ./[ cannot be read: not a pattern: invalid range pattern
      fix: correct the path or its permissions
    ./a**:1:1: error: ./a** cannot be read: not a pattern: recursive wildcards must form a single path component
      fix: correct the path or its permissions
    ./absent:1:1: error: ./absent cannot be read: No such file or directory (os error 2)
      fix: correct the path or its permissions
    ./nowhere/*.yaml:1:1: error: ./nowhere/*.yaml cannot be read: No such file or directory (os error 2)
      fix: correct the path or its permissions
    ");
    // What exists is no pattern, whatever its name.
    let odd = directory(&["[a].yaml", "a.yaml"]);
    insta::assert_snapshot!(found(&odd, &["[a].yaml"]), @"[a].yaml");
}

#[test]
fn only_people_name_the_standard_input() {
    let found = RefCell::default();
    let stdin = PathBuf::from("-");
    let files = find(&[(stdin.clone(), None), (stdin.clone(), None)], &found);
    assert_eq!(files, std::slice::from_ref(&stdin));
    assert_eq!(&*name(&stdin), "<stdin>");
    let place = Place {
        file: "slofuse.yaml".into(),
        line: 1,
        column: 1,
    };
    assert!(find(&[(stdin, Some(place))], &found).is_empty());
    assert_eq!(found.into_inner().errors(), 1);
}

#[test]
fn what_is_read_is_bounded() {
    assert_eq!(read_all(&b"abc"[..], 3).unwrap(), b"abc");
    assert!(read_all(&b"abcd"[..], 3).is_err());
}
