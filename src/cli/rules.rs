//! `slofuse rules`: definitions as recording and alerting rules of Prometheus.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Failure, Outcome, complain, say};
use crate::config::{self, Definition};
use crate::engine::Slo;
use crate::rules::file::{ObjectName, prometheus_rule, rule_file};
use crate::rules::{self, Options, PeriodRatio, SloRules};

/// Arguments of `rules`.
#[derive(Debug, Args)]
pub(super) struct RulesArgs {
    /// Definition and policy files or directories
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// A file for all rules, or a directory (one that exists, or a name ending in /) for a file
    /// per SLO [default: standard output]
    #[arg(long, short, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    /// What is written: a rule file, or a PrometheusRule object
    #[arg(long, value_enum, default_value = "prometheus")]
    format: Format,
    /// The object's name; in a directory the SLO's id is appended [default: slofuse-rules, in a
    /// directory the SLO's id]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The object's namespace
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// A label of the object; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// How the error ratio of the period is made
    #[arg(long, value_enum, default_value = "counts")]
    period: Period,
    /// Let each tier wait for its minimum of bad events, as slofuse itself does and Sloth does not
    #[arg(long)]
    minimum_events: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Prometheus,
    PrometheusOperator,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Period {
    /// From recorded counts of bad and of all events, so that each event weighs the same. Adds two
    /// recordings
    Counts,
    /// Exactly Sloth's expression, a mean of recorded ratios: a quiet night weighs as much as a
    /// busy day, and one idle moment makes the whole period NaN. For a drop-in comparison
    Mean,
    /// The query of the SLI over the whole period: right from the first evaluation on, and reads
    /// every sample of the period each time
    Query,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as key=value")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Writes the rules.
pub(super) fn rules(args: &RulesArgs) -> Outcome {
    let loaded = config::load_definitions(&args.paths, &[]).map_err(|mistakes| {
        complain(&format!(
            "the definitions have mistakes\n{}",
            mistakes.to_string().trim_end()
        ));
        Failure::Problems
    })?;
    if loaded.warnings.warnings() > 0 {
        complain(&format!(
            "warnings\n{}",
            loaded.warnings.to_string().trim_end()
        ));
    }
    let slos: Vec<&Slo> = loaded
        .definitions
        .iter()
        .map(|Definition { slo, .. }| &**slo)
        .collect();
    let rules = rules::export(&slos, args.options()).map_err(|clash| {
        complain(&clash.to_string());
        Failure::Problems
    })?;
    for slo in &rules {
        for note in &slo.notes {
            complain(&format!("{}: {note}", slo.slo));
        }
    }
    match &args.output {
        None => {
            say(args.text(&rules, None).trim_end());
            Ok(())
        }
        Some(path) if is_directory(path) => {
            create(path)?;
            for slo in &rules {
                let file = path.join(format!("{}.yaml", slo.sloth_id));
                write(
                    &file,
                    &args.text(std::slice::from_ref(slo), Some(&slo.sloth_id)),
                )?;
            }
            Ok(())
        }
        Some(path) => write(path, &args.text(&rules, None)),
    }
}

impl RulesArgs {
    fn options(&self) -> Options {
        Options {
            period: match self.period {
                Period::Counts => PeriodRatio::Counts,
                Period::Mean => PeriodRatio::Mean,
                Period::Query => PeriodRatio::Query,
            },
            minimum_events: self.minimum_events,
        }
    }

    /// The text of one file; `part` tells it apart from the other files of a directory.
    fn text(&self, rules: &[SloRules], part: Option<&str>) -> String {
        if self.format == Format::Prometheus {
            return rule_file(rules);
        }
        let name = match (&self.name, part) {
            (Some(name), Some(part)) => format!("{name}-{}", object_name(part)),
            (Some(name), None) => name.clone(),
            (None, Some(part)) => object_name(part),
            (None, None) => "slofuse-rules".to_owned(),
        };
        let object = ObjectName {
            name,
            namespace: self.namespace.clone(),
            labels: self.labels.iter().cloned().collect::<BTreeMap<_, _>>(),
        };
        prometheus_rule(rules, &object)
    }
}

/// Names of objects have neither capitals nor underscores.
fn object_name(sloth_id: &str) -> String {
    sloth_id.to_ascii_lowercase().replace('_', "-")
}

fn is_directory(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

fn create(path: &Path) -> Outcome {
    std::fs::create_dir_all(path).map_err(|error| failed("creating", path, &error))
}

fn write(path: &Path, text: &str) -> Outcome {
    std::fs::write(path, text).map_err(|error| failed("writing", path, &error))
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    complain(&format!("{what} {}: {error}", path.display()));
    Failure::Failed
}
