//! The documents: every link leads somewhere, every command is understood, every YAML block
//! loads, and what is said about metrics, routes and keys is complete.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use slofuse::config;

use super::cli::slofuse;
use super::repository::{self, read};
use super::running::{Demo, metrics_in};

/// A fenced block.
pub(crate) struct Block {
    pub(crate) place: String,
    language: String,
    pub(crate) text: String,
}

fn documents() -> Vec<String> {
    let files = repository::files();
    let documents: Vec<String> = files
        .into_iter()
        .filter(|path| path.ends_with(".md"))
        .collect();
    assert!(documents.contains(&"docs/operations.md".to_owned()));
    documents
}

fn blocks(path: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (number, line) in read(path).lines().enumerate() {
        match (line.strip_prefix("```"), is_open) {
            (Some(language), false) => blocks.push(Block {
                place: format!("{path}:{}", number + 1),
                language: language.to_owned(),
                text: String::new(),
            }),
            (Some(_), true) => {}
            (None, true) => {
                let text = &mut blocks.last_mut().unwrap().text;
                *text = format!("{text}{line}\n");
            }
            (None, false) => continue,
        }
        is_open ^= line.starts_with("```");
    }
    assert!(!is_open, "{path}: a block is not closed");
    blocks
}

pub(crate) fn blocks_in(language: &str) -> Vec<Block> {
    let all = documents().into_iter().flat_map(|path| blocks(&path));
    all.filter(|block| block.language == language).collect()
}

/// The text under a heading, up to the next of the same or a higher level.
pub(crate) fn section(document: &str, heading: &str) -> String {
    let mut lines = document.lines().skip_while(|line| *line != heading);
    assert!(lines.next().is_some(), "there is no {heading:?}");
    let level = heading.split(' ').next().unwrap_or_default();
    let is_next = |line: &&str| {
        let marks = line.bytes().take_while(|byte| *byte == b'#').count();
        marks > 0 && marks <= level.len() && line.as_bytes().get(marks) == Some(&b' ')
    };
    let lines: Vec<&str> = lines.take_while(|line| !is_next(line)).collect();
    lines.join("\n")
}

#[test]
fn blocks_say_what_they_are() {
    let languages = ["sh", "yaml", "text"];
    for block in documents().iter().flat_map(|path| blocks(path)) {
        let Block {
            place, language, ..
        } = block;
        assert!(
            languages.contains(&language.as_str()),
            "{place}: {language:?}"
        );
    }
}

#[test]
fn setting_up_takes_two_commands() {
    let set_up = section(&read("README.md"), "## Set up");
    let commands: Vec<&str> = set_up
        .split("```sh\n")
        .skip(1)
        .flat_map(|block| block.split("```").next().unwrap_or_default().lines())
        .collect();
    assert_eq!(commands, ["cargo run --release -- demo", "./test.sh"]);
    assert!(read(".ci/run").contains("\n./test.sh "));
}

#[test]
fn the_script_runs_every_test_binary() {
    let (manifest, script) = (read("Cargo.toml"), read("test.sh"));
    let words: Vec<&str> = script.split_whitespace().collect();
    let says = |wanted: &[&str]| words.windows(wanted.len()).any(|words| words == wanted);
    let sections = manifest.split("[[test]]\nname = \"").skip(1);
    let names: Vec<&str> = sections.filter_map(|of| of.split('"').next()).collect();
    assert_eq!(names.len(), manifest.matches("[[test]]").count());
    for name in names {
        assert!(says(&["--test", name]), "{name} is not run");
    }
    assert!(says(&["--lib"]) && says(&["--bins"]) && says(&["--doc"]));
}

#[test]
fn scripts_are_executable_and_parse() {
    use std::os::unix::fs::PermissionsExt;
    for script in ["test.sh", ".ci/run"] {
        let path = repository::root().join(script);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{script} is not executable");
        let status = Command::new("bash").arg("-n").arg(path).status().unwrap();
        assert!(status.success(), "{script}");
    }
}

/// Text and target of every link.
fn links(text: &str) -> Vec<(&str, &str)> {
    let mut links = Vec::new();
    for (at, _) in text.match_indices("](") {
        let (before, after) = text.split_at(at);
        let name = before.rsplit('[').next().unwrap_or_default();
        let target = after.trim_start_matches("](").split(')').next();
        links.push((name, target.unwrap_or_default()));
    }
    links
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
        _ => None,
    };
    heading
        .trim_start_matches('#')
        .trim()
        .chars()
        .filter_map(kept)
        .collect()
}

#[test]
fn links_lead_somewhere() {
    for path in documents() {
        let text = read(&path);
        let folder = repository::root().join(Path::new(&path).parent().unwrap());
        for (_, target) in links(&text) {
            if target.starts_with("https://") {
                continue;
            }
            let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
            let file = match file {
                "" => repository::root().join(&path),
                file => folder.join(file),
            };
            assert!(file.exists(), "{path}: {target}");
            if !fragment.is_empty() {
                let text = fs::read_to_string(file).unwrap();
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                assert!(
                    headings.any(|line| anchor(line) == fragment),
                    "{path}: {target}"
                );
            }
        }
    }
}

#[test]
fn code_that_is_named_exists() {
    let mut count = 0;
    for path in documents() {
        let text = read(&path);
        let folder = repository::root().join(Path::new(&path).parent().unwrap());
        for (name, target) in links(&text) {
            let Some(name) = name
                .strip_prefix('`')
                .and_then(|name| name.strip_suffix('`'))
            else {
                continue;
            };
            if !target.ends_with(".rs") {
                continue;
            }
            let code = fs::read_to_string(folder.join(target)).unwrap();
            for part in name.split("::") {
                let declared = ["fn", "struct", "enum", "trait"].into_iter().any(|kind| {
                    let item = format!("{kind} {part}");
                    let ends =
                        |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
                    code.match_indices(&item)
                        .any(|(at, _)| ends(code.split_at(at + item.len()).1))
                });
                // A type may be declared beside the file of its methods.
                assert!(
                    declared || code.contains(&format!("impl {part} ")),
                    "{path}: {name}, {target}"
                );
            }
            count += 1;
        }
    }
    assert!(count > 25, "{count} names");
}

/// A whole settings file around what a block shows of one.
fn settings(text: &str) -> String {
    const REST: [(&str, &str); 3] = [
        ("definitions:", "definitions: [slo.yaml]"),
        ("receivers:", "receivers: [{name: console, console: {}}]"),
        ("routes:", "routes: {default: [console]}"),
    ];
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    // A block shows one of the two forms of routes.
    let is_missing = |key: &str| !(has(key) || key == "routes:" && has("route:"));
    let missing = REST.iter().filter(|(key, _)| is_missing(key));
    missing.fold(text.to_owned(), |text, (_, line)| format!("{text}{line}\n"))
}

const SLO: &str = "apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: api, owner: team-payments, runbook: 'https://example.com'}
spec:
  objective: 99.9
";
const EVENTS: &str = "  sli: {events: {bad: errors_total, total: requests_total}}\n";
/// What the tests of definitions that documents show are tests of.
const TESTED: &str = "  sli:
    events:
      bad: requests_total{job=\"shop\",code=~\"5..\"}
      total: requests_total{job=\"shop\"}
";

#[test]
fn yaml_blocks_load() {
    let blocks = blocks_in("yaml");
    assert!(blocks.len() >= 8);
    for Block { place, text, .. } in blocks {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let warnings = if text.starts_with("tests:") {
            write("shop.slo.yaml", &format!("{SLO}{TESTED}"));
            let test = write("shop.test.yaml", &text);
            let output = slofuse(&["test", test.to_str().unwrap()]).output().unwrap();
            let told = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{place}\n{told}");
            continue;
        } else if text.starts_with("apiVersion: slofuse/v1") {
            let loaded = config::load_definitions(&[write("slo.yaml", &text)], &[]);
            loaded.map(|loaded| loaded.warnings)
        } else if text.starts_with("sli:") {
            let indented: String = text.lines().map(|line| format!("  {line}\n")).collect();
            let slo = write("slo.yaml", &format!("{SLO}{indented}"));
            config::load_definitions(&[slo], &[]).map(|loaded| loaded.warnings)
        } else {
            for name in ["slo.yaml", "api.slo.yaml"] {
                write(
                    name,
                    &format!("{}{EVENTS}", SLO.replace("shop", &name.replace('.', "-"))),
                );
            }
            let env = |_: &str| Some("https://hooks.example.com/x".to_owned());
            let loaded = config::load(&write("slofuse.yaml", &settings(&text)), &env);
            loaded.map(|loaded| loaded.warnings)
        };
        let warnings = warnings.unwrap_or_else(|found| panic!("{place}\n{found}"));
        // A policy alone has no SLO to offer.
        let is_policy = text.contains("kind: Policy");
        assert!(is_policy || warnings.warnings() == 0, "{place}\n{warnings}");
    }
}

/// Programs that a reader has, or installs for the purpose.
const KNOWN_PROGRAMS: [&str; 6] = ["curl", "export", "for", "kill", "kubectl", "sqlite3"];

#[test]
fn commands_are_understood() {
    let demo = Demo::start();
    for Block { place, text, .. } in blocks_in("sh") {
        let parsed = Command::new("bash")
            .args(["-n", "-c", &text])
            .status()
            .unwrap();
        assert!(parsed.success(), "{place}");
        for line in text.lines() {
            let ours = line
                .strip_prefix("slofuse ")
                .or_else(|| line.strip_prefix("cargo run --release -- "));
            let program = line.split(' ').next().unwrap_or_default();
            if let Some(arguments) = ours {
                understood(&place, arguments);
            } else if line.starts_with("./") || line.starts_with(".ci") {
                assert!(
                    repository::root().join(program).is_file(),
                    "{place}: {line}"
                );
            } else {
                assert!(KNOWN_PROGRAMS.contains(&program), "{place}: {line}");
            }
            if let Some((_, path)) = line.split_once("127.0.0.1:9876") {
                let (status, body) = demo.request("GET", path.trim_matches('\''));
                assert_eq!(status, 200, "{place}: {body}");
            }
        }
    }
}

/// As a shell takes a line apart, as far as documents go: spaces part words, except between quotes.
fn words(line: &str) -> Vec<String> {
    let quoted = line.split('\'').enumerate();
    let marked: String = quoted
        .map(|(at, part)| match at % 2 {
            0 => part.replace(' ', "\n"),
            _ => part.to_owned(),
        })
        .collect();
    marked.split('\n').map(str::to_owned).collect()
}

/// The arguments parse; a check of files that ship also runs.
fn understood(place: &str, arguments: &str) {
    let arguments = words(arguments);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let asked: Vec<&str> = arguments.iter().copied().chain(["--help"]).collect();
    let output = slofuse(&asked).output().unwrap();
    assert!(output.status.success(), "{place}: {arguments:?}");
    let ships = arguments
        .iter()
        .any(|word| repository::root().join(word).exists());
    if arguments[0] == "check" && ships {
        slofuse(&arguments).assert().success();
    }
}

#[test]
fn the_demo_pages_and_resolves() {
    // 60 times faster than the world: a third of a minute.
    let demo = [
        "demo",
        "--speed",
        "60",
        "--stop-after",
        "20m",
        "--listen",
        "127.0.0.1:0",
    ];
    let output = slofuse(&demo).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let page = said
        .find("[PAGE]")
        .unwrap_or_else(|| panic!("no page\n{said}"));
    let resolved = said
        .find("[RESOLVED]")
        .unwrap_or_else(|| panic!("no resolve\n{said}"));
    assert!(page < resolved, "{said}");
    // The lines at the top of the README are of the same kind.
    let readme = read("README.md");
    let shown = readme
        .lines()
        .skip_while(|line| !line.starts_with("[PAGE]"));
    for line in shown.take_while(|line| *line != "```").skip(1) {
        let (name, _) = line.trim_start().split_once("  ").unwrap();
        assert!(said.contains(&format!("  {name}  ")), "{name}: {said}");
    }
}

#[test]
fn metrics_and_routes_are_documented_and_exist() {
    let demo = Demo::start();
    let mut known: BTreeSet<String> = demo.metric_names().into_iter().collect();
    // Exists only with a heartbeat in the settings; the demo has none.
    known.insert("slofuse_heartbeats_total".to_owned());
    for path in documents() {
        for metric in metrics_in(&read(&path)) {
            assert!(known.contains(&metric), "{path}: {metric} does not exist");
        }
    }
    let operations = read("docs/operations.md");
    let documented: BTreeSet<String> = metrics_in(&operations).into_iter().collect();
    for metric in known.iter().filter(|metric| metric.starts_with("slofuse_")) {
        assert!(documented.contains(metric), "{metric} is not documented");
    }

    let surfaces = section(&operations, "## Surfaces");
    let routes = surfaces.lines().filter_map(|line| line.strip_prefix("| `"));
    let mut count = 0;
    for line in routes {
        for route in line.split(" | ").next().unwrap_or_default().split("`, `") {
            let route = route.trim_end_matches('`');
            let (method, path) = route.split_once(' ').unwrap_or(("GET", route));
            let path = path
                .replace("{service}", "checkout")
                .replace("{name}", "availability");
            let (status, body) = demo.request(method, &path);
            // The demo is ready after its first slot, and has no file to reload.
            let expected = if method == "POST" {
                [400, 400]
            } else {
                [200, 503]
            };
            assert!(expected.contains(&status), "{route}: {status} {body}");
            count += 1;
        }
    }
    assert_eq!(count, 8);
}

#[test]
fn every_key_of_a_definition_is_documented() {
    every_key_is_documented("src/config/raw/definition", "docs/definitions.md", 80);
}

#[test]
fn every_key_of_a_test_is_documented() {
    every_key_is_documented("src/config/raw/trial", "docs/testing.md", 50);
}

/// Every field that files may have, by the code that reads them, stands in a document.
fn every_key_is_documented(code: &str, document: &str, at_least: usize) {
    let text = read(document);
    let files = repository::files().into_iter();
    let files = files.filter(|path| path.starts_with(code));
    let code: String = files.map(|path| read(&path)).collect();
    let fields = code.lines().filter_map(|line| {
        let field = line.trim().strip_prefix("pub(crate) ")?;
        Some(field.split_once(": Field<")?.0)
    });
    let mut count = 0;
    for field in fields {
        let field = match field {
            "api_version" => "apiVersion",
            // A word of the language; the file says `for`.
            "length" => "for",
            field => field,
        };
        let documented = text.match_indices(field).any(|(at, _)| {
            let (before, rest) = text.split_at(at);
            before.ends_with(['`', '.', ' '])
                && rest
                    .trim_start_matches(field)
                    .starts_with(['`', '.', '[', ':'])
        });
        assert!(documented, "{document}: {field} is not documented");
        count += 1;
    }
    assert!(count > at_least, "{count} keys");
}
