//! The rules of the house that no compiler checks: who imports whom, what the engine may not
//! touch, how long a file and a function may be.
//!
//! The source is read as rustfmt writes it: an item ends at the closing brace in the column in
//! which it began.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::repository;

/// Lines of a file, its tests aside.
const FILE_LINES_MAX: usize = 400;
/// Lines of a function, signature and braces included.
const FUNCTION_LINES_MAX: usize = 70;

/// What each room may import; one that is not listed may not exist.
const IMPORTS: &[(&str, &[&str])] = &[
    ("engine", &[]),
    ("yaml", &[]),
    ("message", &["engine"]),
    ("config", &["engine", "yaml", "message"]),
    ("prometheus", &["engine", "config"]),
    ("store", &["engine"]),
    ("notify", &["engine", "config", "store", "message"]),
    ("http", &["engine", "store", "message"]),
    ("demo", &["engine"]),
    ("rules", &["engine", "yaml"]),
    (
        "replay",
        &["engine", "yaml", "config", "prometheus", "message"],
    ),
    (
        "daemon",
        &[
            "engine",
            "yaml",
            "config",
            "prometheus",
            "store",
            "message",
            "notify",
            "http",
            "demo",
        ],
    ),
    (
        "cli",
        &[
            "engine",
            "yaml",
            "config",
            "prometheus",
            "store",
            "message",
            "notify",
            "http",
            "demo",
            "rules",
            "replay",
            "daemon",
        ],
    ),
];

/// What would make a decision depend on more than its input.
const ENGINE_BANS: &[&str] = &[
    "SystemTime",
    "Instant",
    "std::fs",
    "std::net",
    "std::env",
    "std::io",
    "std::process",
    "std::thread",
    "tokio",
    "tracing",
    "HashMap",
    "HashSet",
    "rand",
    "println!",
    "eprintln!",
    "print!",
    "dbg!",
];

/// Files that may be longer, and why.
const LONG_FILES: &[(&str, &str)] = &[];

/// Functions that may be longer, as `file:name`, and why.
const LONG_FUNCTIONS: &[(&str, &str)] = &[];

/// Names that say nothing about what is inside.
const DRAWERS: &[&str] = &[
    "util", "utils", "helper", "helpers", "common", "misc", "shared", "stuff",
];

/// A source file without its tests.
struct Source {
    /// Relative to the repository, with `/`.
    path: String,
    /// All lines.
    text: String,
    /// Whether the whole file is only compiled for tests.
    is_test: bool,
}

impl Source {
    /// Every file below `src`.
    fn all() -> Vec<Self> {
        let mut files = BTreeMap::new();
        for path in repository::walk(&repository::root().join("src")) {
            if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.insert(repository::relative(&path), text);
            }
        }
        let tests: BTreeSet<String> = files
            .iter()
            .flat_map(|(path, text)| test_modules(path, text))
            .collect();
        let is_test = |path: &str| {
            tests.iter().any(|module| {
                path == format!("{module}.rs") || path.starts_with(&format!("{module}/"))
            })
        };
        files
            .into_iter()
            .map(|(path, text)| Self {
                is_test: is_test(&path),
                path,
                text,
            })
            .collect()
    }

    /// The room: the folder below `src`, none for `main.rs` and `lib.rs`.
    fn room(&self) -> Option<&str> {
        Some(self.path.strip_prefix("src/")?.split_once('/')?.0)
    }

    /// The lines that are compiled outside tests.
    fn lines(&self) -> Vec<&str> {
        if self.is_test {
            return Vec::new();
        }
        let mut lines = self.text.lines();
        let mut kept = Vec::new();
        while let Some(line) = lines.next() {
            if line.trim() != "#[cfg(test)]" {
                kept.push(line);
                continue;
            }
            // Further attributes belong to the same item.
            let item = lines.by_ref().find(|line| !line.trim().starts_with("#["));
            if item.is_some_and(|item| item.ends_with('{')) {
                let end = format!("{}}}", indent(line));
                let _item = lines.by_ref().find(|line| *line == end);
            }
        }
        kept
    }

    /// The lines of code that are compiled outside tests, comments aside.
    fn code(&self) -> Vec<&str> {
        let mut lines = self.lines();
        lines.retain(|line| !line.trim().starts_with("//"));
        lines
    }
}

#[test]
fn rooms_import_only_what_they_may() {
    let rooms: BTreeMap<&str, &[&str]> = IMPORTS.iter().copied().collect();
    let mut violations = Vec::new();
    for source in Source::all() {
        let Some(room) = source.room() else { continue };
        let Some(allowed) = rooms.get(room) else {
            violations.push(format!("{}: the room {room} is not listed", source.path));
            continue;
        };
        for imported in crate_paths(&source.text) {
            if imported != room && rooms.contains_key(&*imported) && !allowed.contains(&&*imported)
            {
                violations.push(format!("{}: imports {imported}", source.path));
            }
        }
    }
    assert_none(violations);
}

#[test]
fn the_engine_is_pure() {
    let mut violations = Vec::new();
    for source in Source::all() {
        if source.room() != Some("engine") {
            continue;
        }
        for line in source.code() {
            for banned in ENGINE_BANS {
                if has_word(line, banned) {
                    violations.push(format!("{}: {banned} in {}", source.path, line.trim()));
                }
            }
        }
    }
    assert_none(violations);
}

#[test]
fn files_are_short() {
    let mut violations = Vec::new();
    for source in Source::all() {
        let length = source.lines().len();
        if length > FILE_LINES_MAX && !is_listed(LONG_FILES, &source.path) {
            violations.push(format!("{}: {length} lines without its tests", source.path));
        }
    }
    assert_none(violations);
}

#[test]
fn functions_are_short() {
    let mut violations = Vec::new();
    for source in Source::all() {
        for (name, length) in functions(&source.lines()) {
            let place = format!("{}:{name}", source.path);
            if length > FUNCTION_LINES_MAX && !is_listed(LONG_FUNCTIONS, &place) {
                violations.push(format!("{place}: {length} lines"));
            }
        }
    }
    assert_none(violations);
}

#[test]
fn what_is_listed_as_long_is_still_long() {
    let sources = Source::all();
    let mut lengths: BTreeMap<String, usize> = BTreeMap::new();
    for source in &sources {
        let lines = source.lines();
        for (name, length) in functions(&lines) {
            lengths.insert(format!("{}:{name}", source.path), length);
        }
        lengths.insert(source.path.clone(), lines.len());
    }
    let mut violations = Vec::new();
    let limits = [
        (LONG_FILES, FILE_LINES_MAX),
        (LONG_FUNCTIONS, FUNCTION_LINES_MAX),
    ];
    for (list, max) in limits {
        for (place, reason) in list {
            assert!(!reason.is_empty(), "{place} has no reason");
            if lengths.get(*place).is_none_or(|length| *length <= max) {
                violations.push(format!("{place} need not be listed"));
            }
        }
    }
    assert_none(violations);
}

#[test]
fn nothing_unfinished_ships() {
    let mut violations = Vec::new();
    for source in Source::all() {
        for line in source.code() {
            for banned in [
                "todo!",
                "unimplemented!",
                ".unwrap()",
                "dbg!",
                "FIXME",
                "XXX",
            ] {
                if line.contains(banned) {
                    violations.push(format!("{}: {}", source.path, line.trim()));
                }
            }
        }
    }
    assert_none(violations);
}

#[test]
fn every_file_says_what_it_owns() {
    let sources = Source::all();
    let silent = sources
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| source.path.clone());
    assert_none(silent.collect());
}

#[test]
fn no_file_is_a_drawer() {
    let tree = repository::files();
    let drawers = tree.iter().filter(|path| {
        let mut names = path
            .split('/')
            .map(|part| part.split('.').next().unwrap_or(part));
        names.any(|name| DRAWERS.contains(&name))
    });
    assert_none(drawers.cloned().collect());
}

#[test]
fn the_tree_knows_no_machine() {
    // Split, so that this file does not accuse itself.
    let places = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
    ];
    let mut violations = Vec::new();
    for path in repository::files() {
        // Snapshots of binary formats and the like have no text to read.
        let Ok(text) = fs::read_to_string(repository::root().join(&path)) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            let foreign_registry = path == "Cargo.lock"
                && line.starts_with("source = ")
                && !line.contains("registry+https://github.com/rust-lang/crates.io-index");
            if foreign_registry || places.iter().any(|place| line.contains(place)) {
                violations.push(format!("{path}:{}: {line}", number + 1));
            }
        }
    }
    assert!(
        !repository::root().join(".cargo").exists(),
        "where crates come from is the machine's business"
    );
    assert_none(violations);
}

#[test]
fn the_reader_of_source_understands_rustfmt() {
    let source = Source {
        path: "src/room/file.rs".to_owned(),
        text: "//! Header.\nuse crate::{engine::Slo, config};\nimpl X {\n    pub(super) async fn long(\n        a: u8,\n    ) {\n    }\n}\n#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests;\nconst A: u8 = 1;\n#[cfg(test)]\nmod more {\n    fn f() {\n    }\n}\n// crate::http\nfn short() {}\n".to_owned(),
        is_test: false,
    };
    assert_eq!(
        functions(&source.lines()),
        [("long".to_owned(), 4), ("short".to_owned(), 1)]
    );
    assert_eq!(source.lines().len(), 11);
    assert_eq!(source.code().len(), 9);
    let imported: BTreeSet<&str> = BTreeSet::from(["engine", "config", "http"]);
    assert_eq!(
        crate_paths(&source.text)
            .iter()
            .map(String::as_str)
            .collect::<BTreeSet<_>>(),
        imported
    );
    assert_eq!(
        test_modules("src/room/mod.rs", &source.text),
        ["src/room/tests"]
    );
    assert_eq!(
        test_modules("src/room/file.rs", &source.text),
        ["src/room/file/tests"]
    );
    assert!(has_word("use rand::Rng;", "rand") && !has_word("operand", "rand"));
}

fn assert_none(violations: Vec<String>) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

fn is_listed(list: &[(&str, &str)], place: &str) -> bool {
    list.iter().any(|(listed, _)| *listed == place)
}

fn indent(line: &str) -> &str {
    line.split_at(line.len() - line.trim_start().len()).0
}

/// Whether the word stands in the line, not as part of another.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let (before, rest) = line.split_at(at);
        let after = rest.strip_prefix(word).unwrap_or_default();
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

/// The files of modules declared under `#[cfg(test)]`, without `.rs`.
fn test_modules(path: &str, text: &str) -> Vec<String> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = match file {
        "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    };
    let mut modules = Vec::new();
    let mut lines = text.lines();
    while lines.by_ref().any(|line| line.trim() == "#[cfg(test)]") {
        let Some(item) = lines.by_ref().find(|line| !line.trim().starts_with("#[")) else {
            break;
        };
        if let Some((_, name)) = item.trim_end_matches(';').rsplit_once("mod ")
            && item.ends_with(';')
        {
            modules.push(format!("{folder}/{name}"));
        }
    }
    modules
}

/// The first segments of every path that begins with `crate::`.
fn crate_paths(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (_, rest) in text
        .match_indices("crate::")
        .map(|(at, word)| text.split_at(at + word.len()))
    {
        match rest.strip_prefix('{') {
            None => found.extend(first_segment(rest)),
            Some(list) => {
                let mut depth = 0;
                let mut begins = true;
                for (at, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => begins = true,
                        c if begins && !c.is_whitespace() => {
                            found.extend(first_segment(list.split_at(at).1));
                            begins = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

fn first_segment(path: &str) -> Option<String> {
    let segment: String = path
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    (!segment.is_empty()).then_some(segment)
}

/// Name and length of every function.
fn functions(lines: &[&str]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        let column = indent(line);
        let is_end = |line: &&str| {
            let end = line.strip_prefix(column).unwrap_or_default();
            // The second is a declaration in a trait whose arguments did not fit on a line.
            end == "}" || (end.starts_with(')') && end.ends_with(';'))
        };
        let length = match line.ends_with(['}', ';']) {
            true => 1,
            false => {
                1 + lines
                    .iter()
                    .skip(at)
                    .take_while(|line| !is_end(line))
                    .count()
            }
        };
        found.push((name, length));
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let (before, after) = line.split_once("fn ")?;
    let is_signature = before.trim().split(' ').all(|word| {
        word.is_empty()
            || word.starts_with("pub")
            || matches!(word, "const" | "async" | "in")
            || word.ends_with(')')
    });
    first_segment(after).filter(|_| is_signature)
}
