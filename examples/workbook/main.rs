//! Plays the six alerting strategies of the SRE workbook, chapter 5, and writes `docs/workbook.md`
//! with its tables and charts: `cargo run --release --example workbook`.
//!
//! With `--check` nothing is written; it fails where what is checked in differs.
#![expect(clippy::print_stderr, reason = "whoever runs it wants to know")]

mod chart;
mod page;
mod strategies;
mod trials;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    match page::played() {
        Ok(played) => {
            let mut code = ExitCode::SUCCESS;
            for (name, text) in page::written(&played) {
                if let Err(what) = put(&docs.join(&name), &text, check) {
                    eprintln!("{name}: {what}");
                    code = ExitCode::FAILURE;
                }
            }
            code
        }
        Err(error) => {
            eprintln!("playing the strategies: {error}");
            ExitCode::FAILURE
        }
    }
}

fn put(path: &Path, text: &str, check: bool) -> Result<(), String> {
    if check {
        return match std::fs::read_to_string(path) {
            Ok(known) if known == text => Ok(()),
            Ok(_) => Err("differs from what was played".to_owned()),
            Err(error) => Err(error.to_string()),
        };
    }
    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = written.and_then(|()| std::fs::write(path, text));
    written.map_err(|error| error.to_string())
}
