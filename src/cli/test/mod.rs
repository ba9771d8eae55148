//! `slofuse test`: the tests that stand beside definitions.
//!
//! Files are found and read, each test is played on a thread of its own, and one of the formats
//! shows what came of it.

mod discover;
mod json;
mod junit;
mod run;
mod text;
mod watch;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::check::{Colour, Paint, counted, harmless};
use super::{Failure, Outcome, complain, say};
use run::Results;

/// Arguments of `test`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 all tests pass, 1 a report could not be written, 2 a test fails, a file has
mistakes or there is nothing to test, 64 wrong usage.

Examples:
  slofuse test                              run all tests below the current directory
  slofuse test rules/checkout               run the tests of one service
  slofuse test rules/ --filter outage       only tests whose name holds a word
  slofuse test rules/ --watch               again whenever a file changes
  slofuse test rules/ --require-tests       fail if a definition has no test
  slofuse test rules/ --junit report.xml    also for the pipeline's own view")]
pub(super) struct TestArgs {
    /// Files with tests (*.test.yaml), or directories that are searched for them
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Run only tests whose file and name, as printed, hold this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// For people, for programs, or JUnit's XML for pipelines
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Write JUnit's XML to this file as well
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Fail if a definition below the paths has no test
    #[arg(long)]
    require_tests: bool,
    /// Run again whenever a test, a definition, a policy or the settings change, until Ctrl-C
    #[arg(long, conflicts_with = "format")]
    watch: bool,
    /// Whether the text is coloured: auto is on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    color: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Junit,
}

/// Runs the tests, once or until told to stop.
pub(super) fn test(args: &TestArgs) -> Outcome {
    if args.watch {
        return watch::watch(args);
    }
    once(args).0
}

/// Runs the tests once; also what was read, to be watched.
fn once(args: &TestArgs) -> (Outcome, Vec<PathBuf>) {
    let results = run::run(args);
    match args.format {
        Format::Text => {
            let paint = Paint::new(args.color, &std::io::stdout());
            say(&text::report(&results, paint));
        }
        Format::Json => say(&json::report(&results).to_string()),
        Format::Junit => say(junit::report(&results).trim_end()),
    }
    let outcome = match &args.junit {
        Some(path) => write(path, &junit::report(&results)).and_then(|()| verdict(&results)),
        None => verdict(&results),
    };
    (outcome, results.sources)
}

fn verdict(results: &Results) -> Outcome {
    match results.is_good() {
        true => Ok(()),
        false => Err(Failure::Problems),
    }
}

fn write(path: &Path, report: &str) -> Outcome {
    std::fs::write(path, report).map_err(|error| {
        complain(&format!("writing {}: {error}", path.display()));
        Failure::Failed
    })
}
