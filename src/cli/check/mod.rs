//! `slofuse check`: what is wrong with these files, and what the definitions will do.
//!
//! Whatever is found, by the loader or by asking Prometheus, is one list of diagnostics; levels
//! are applied to it once, and one of the formats shows it.

mod github;
mod json;
mod levels;
mod paint;
mod render;
mod review;
mod rules;
mod sarif;
mod snippet;
mod source;
mod table;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::online::{self, Finding};
use super::{Failure, Outcome, chain, complain, runtime, say};
use crate::config::settings::{EvaluationSettings, SourceSettings};
use crate::config::{self, Definition, Diagnostics, Examined, Level};
use crate::daemon::Clock;
use levels::Levels;
use source::Sources;

pub(super) use paint::{Colour, Paint, harmless};
pub(super) use table::empty as table;

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 no errors, 1 Prometheus could not be asked, 2 errors were found, 64 wrong usage.

Examples:
  slofuse check rules/                      check all definitions below a directory
  slofuse check --config slofuse.yaml       check the daemon's settings and all they name
  slofuse check rules/ --deny warnings      let warnings fail, as in a pipeline
  slofuse check rules/ --format github      remarks on the lines of a pull request
  slofuse check rules/ --online --prometheus http://127.0.0.1:9090")]
pub(super) struct CheckArgs {
    /// Definitions and policies: files, directories, patterns such as 'teams/*/slo.yaml', or - for
    /// the standard input
    #[arg(
        value_name = "PATH",
        required_unless_present_any = ["config", "list_rules"],
        conflicts_with_all = ["config", "list_rules"]
    )]
    paths: Vec<PathBuf>,
    /// The daemon's settings file, to check it with everything it names
    #[arg(long, short, value_name = "FILE", conflicts_with = "list_rules")]
    config: Option<PathBuf>,
    /// Ask Prometheus whether the series are there, how many events to expect, and what each SLO
    /// costs
    #[arg(long)]
    online: bool,
    /// The Prometheus to ask, where no settings file names it [default: http://127.0.0.1:9090]
    #[arg(long, value_name = "URL", requires = "online")]
    prometheus: Option<String>,
    /// For people, for programs, for code scanning (SARIF 2.1.0), or for GitHub Actions
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Show notes in the text, too; the other formats always hold them
    #[arg(long)]
    notes: bool,
    #[command(flatten)]
    levels: Levels,
    /// List all rules with their levels, and check nothing
    #[arg(long)]
    list_rules: bool,
    /// Whether the text is coloured: auto is on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    color: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
    Github,
}

/// Everything a report is made of.
struct Report {
    found: Diagnostics,
    definitions: Vec<Definition>,
    /// Whether the files have no errors, whatever Prometheus says.
    loads: bool,
    /// `None` when Prometheus was not asked.
    findings: Option<Vec<Finding>>,
}

/// Checks the files, and the source if asked to.
pub(super) fn check(args: &CheckArgs) -> Outcome {
    if let Some(rule) = args.levels.conflict() {
        complain(&format!("the rule {} is given two levels", rule.name()));
        return Err(Failure::Usage);
    }
    if args.list_rules {
        say(&match args.format {
            Format::Json => rules::as_json(&args.levels).to_string(),
            Format::Sarif => sarif::report(&Diagnostics::default(), &args.levels).to_string(),
            Format::Text | Format::Github => rules::text(&args.levels),
        });
        return Ok(());
    }
    let mut report = examine(args)?;
    report.found = args.levels.apply(report.found);
    match args.format {
        Format::Text => say(&text(args, &report)),
        Format::Json => say(&json::report(&report).to_string()),
        Format::Sarif => say(&sarif::report(&report.found, &args.levels).to_string()),
        Format::Github if report.found.iter().next().is_none() => {}
        Format::Github => say(&github::report(&report.found)),
    }
    if report.found.errors() > 0 {
        Err(Failure::Problems)
    } else {
        Ok(())
    }
}

/// Loads, and asks Prometheus about what was loaded, once all of it can be.
fn examine(args: &CheckArgs) -> Result<Report, Failure> {
    let examined = match &args.config {
        Some(file) => config::examine(file, &|name| std::env::var(name).ok()),
        None => config::examine_definitions(&args.paths),
    };
    let Examined {
        settings,
        definitions,
        mut found,
    } = examined;
    let loads = found.errors() == 0;
    let now = Clock::system().now();
    review::remind(&definitions, now, &mut found);
    let mut findings = None;
    if args.online && loads {
        let (mut source, evaluation) = settings.map_or_else(
            || (SourceSettings::default(), EvaluationSettings::default()),
            |settings| (settings.source, settings.evaluation),
        );
        if let Some(url) = &args.prometheus {
            source.url.clone_from(url);
        }
        let questions = online::ask(&source, &evaluation, &definitions, now, &mut found);
        let answers = runtime()?.block_on(questions).map_err(|error| {
            complain(&chain(&error));
            Failure::Failed
        })?;
        findings = Some(answers);
    }
    Ok(Report {
        found,
        definitions,
        loads,
        findings,
    })
}

fn text(args: &CheckArgs, report: &Report) -> String {
    let paint = Paint::new(args.color, &std::io::stdout());
    let mut sources = Sources::new(&report.found, args.config.clone());
    let mut parts = render::diagnostics(&report.found, args.notes, &mut sources, paint);
    if report.loads && !report.definitions.is_empty() {
        parts.push(table::slos(&report.definitions));
    }
    parts.extend(report.findings.as_deref().map(online::text));
    parts.push(summary(args, report, paint));
    parts.join("\n\n")
}

/// The last line: how much of what there is, and what to do next.
fn summary(args: &CheckArgs, report: &Report, paint: Paint) -> String {
    let (errors, warnings) = (report.found.errors(), report.found.warnings());
    let notes = report.found.notes();
    let mut counts = vec![match errors {
        0 => "no errors".to_owned(),
        some => paint.level(Level::Error, &counted(some, "error")),
    }];
    if warnings > 0 {
        counts.push(paint.level(Level::Warning, &counted(warnings, "warning")));
    }
    if notes > 0 {
        let hint = if args.notes {
            ""
        } else {
            " (--notes shows them)"
        };
        counts.push(format!("{}{hint}", counted(notes, "note")));
    }
    let counts = counts.join(", ");
    let slos = report.definitions.len();
    let checked = if report.loads {
        format!("{} checked, ", counted(slos, "SLO"))
    } else {
        String::new()
    };
    let next = if errors > 0 {
        "correct them and check again"
    } else if warnings > 0 {
        "correct what is not meant, or accept it with --allow RULE"
    } else if report.findings.is_none() && slos > 0 {
        "next, ask Prometheus with --online"
    } else {
        "ready to run"
    };
    format!("{checked}{counts}: {next}")
}

/// `1 SLO`, `2 SLOs`
pub(super) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
