//! `slofuse check`: what is wrong with these files, and what the definitions will do.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;

use super::online::{self, Finding};
use super::{Failure, Outcome, chain, complain, runtime, say};
use crate::config::settings::{EvaluationSettings, SourceSettings};
use crate::config::{self, Definition, Diagnostics};
use crate::engine::{Slo, Tier};

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Definition and policy files or directories
    #[arg(
        value_name = "PATH",
        required_unless_present = "config",
        conflicts_with = "config"
    )]
    paths: Vec<PathBuf>,
    /// The daemon's settings file, to check it with everything it names
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Ask Prometheus whether each selector matches and what each SLO costs
    #[arg(long)]
    online: bool,
    /// The Prometheus to ask, where no settings file names it [default: http://127.0.0.1:9090]
    #[arg(long, value_name = "URL", requires = "online")]
    prometheus: Option<String>,
    /// How the report looks
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Treat warnings as mistakes
    #[arg(long, value_enum, value_name = "LEVEL")]
    deny: Option<Deny>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Deny {
    Warnings,
}

/// What was loaded, with or without a settings file.
struct Checked {
    definitions: Vec<Definition>,
    warnings: Diagnostics,
    source: SourceSettings,
    evaluation: EvaluationSettings,
}

/// Checks the files, and the source if asked to.
pub(super) fn check(args: &CheckArgs) -> Outcome {
    let checked = match load(args) {
        Ok(checked) => checked,
        Err(mistakes) => {
            match args.format {
                Format::Text => say(mistakes.to_string().trim_end()),
                Format::Json => say(&json!({ "diagnostics": mistakes }).to_string()),
            }
            return Err(Failure::Problems);
        }
    };
    let findings = if args.online {
        Some(ask(args, &checked)?)
    } else {
        None
    };
    match args.format {
        Format::Text => say(&text(&checked, findings.as_deref())),
        Format::Json => say(&as_json(&checked, findings.as_deref()).to_string()),
    }
    let findings = findings.as_deref().unwrap_or_default();
    let wrong = findings.iter().any(|finding| !finding.problems.is_empty());
    let doubtful = checked.warnings.warnings() > 0
        || findings.iter().any(|finding| !finding.warnings.is_empty());
    if wrong || (doubtful && args.deny.is_some()) {
        Err(Failure::Problems)
    } else {
        Ok(())
    }
}

fn load(args: &CheckArgs) -> Result<Checked, Diagnostics> {
    if let Some(file) = &args.config {
        let loaded = config::load(file, &|name| std::env::var(name).ok())?;
        return Ok(Checked {
            definitions: loaded.definitions,
            warnings: loaded.warnings,
            source: loaded.settings.source,
            evaluation: loaded.settings.evaluation,
        });
    }
    let loaded = config::load_definitions(&args.paths, &[])?;
    Ok(Checked {
        definitions: loaded.definitions,
        warnings: loaded.warnings,
        source: SourceSettings::default(),
        evaluation: EvaluationSettings::default(),
    })
}

fn ask(args: &CheckArgs, checked: &Checked) -> Result<Vec<Finding>, Failure> {
    let mut source = checked.source.clone();
    if let Some(url) = &args.prometheus {
        source.url.clone_from(url);
    }
    let questions = online::ask(&source, &checked.evaluation, &checked.definitions);
    runtime()?.block_on(questions).map_err(|error| {
        complain(&chain(&error));
        Failure::Failed
    })
}

fn text(checked: &Checked, findings: Option<&[Finding]>) -> String {
    let mut parts = Vec::new();
    if checked.warnings.warnings() > 0 {
        parts.push(checked.warnings.to_string().trim_end().to_owned());
    }
    let mut table = table();
    table.set_header([
        "SLO",
        "objective",
        "period",
        "fires at",
        "path",
        "why this path",
    ]);
    for Definition {
        slo, path_reason, ..
    } in &checked.definitions
    {
        table.add_row([
            slo.id.to_string(),
            format!("{} %", slo.objective.percent()),
            slo.period.to_string(),
            tiers(slo),
            slo.indicator.path().to_owned(),
            path_reason.clone(),
        ]);
    }
    parts.push(table.trim_fmt());
    parts.extend(findings.map(online::text));
    let findings = findings.unwrap_or_default();
    let slos = counted(checked.definitions.len(), "SLO");
    let mistakes = match findings.iter().map(|finding| finding.problems.len()).sum() {
        0 => "no mistakes".to_owned(),
        some => counted(some, "mistake"),
    };
    let online: usize = findings.iter().map(|finding| finding.warnings.len()).sum();
    let warnings = match checked.warnings.warnings() + online {
        0 => String::new(),
        some => format!(", {}", counted(some, "warning")),
    };
    parts.push(format!("{slos} checked, {mistakes}{warnings}"));
    parts.join("\n\n")
}

/// An empty table that fits into a terminal of usual width.
pub(super) fn table() -> Table {
    const COLUMNS: u16 = 100;
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(COLUMNS);
    table
}

/// `page 14.4x over 1h/5m`, one line per tier.
fn tiers(slo: &Slo) -> String {
    let line = |tier: &Tier| {
        let factor = (tier.factor(slo.period.nominal()) * 1000.0).round() / 1000.0;
        format!("{} {factor}x over {}", tier.severity, tier.windows())
    };
    slo.policy
        .tiers
        .iter()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

fn as_json(checked: &Checked, findings: Option<&[Finding]>) -> serde_json::Value {
    let slos = checked.definitions.iter().map(|definition| {
        let slo = &definition.slo;
        let tiers = slo.policy.tiers.iter().map(|tier| {
            json!({
                "severity": tier.severity,
                "long": tier.long.to_string(),
                "short": tier.short.to_string(),
                "factor": tier.factor(slo.period.nominal()),
                "minimum_events": tier.minimum_events,
            })
        });
        json!({
            "id": slo.id,
            "objective_percent": slo.objective.percent(),
            "period": slo.period.to_string(),
            "policy": slo.policy.name,
            "tiers": tiers.collect::<Vec<_>>(),
            "path": slo.indicator.path(),
            "path_reason": definition.path_reason,
        })
    });
    json!({
        "diagnostics": checked.warnings,
        "slos": slos.collect::<Vec<_>>(),
        "online": findings,
    })
}
