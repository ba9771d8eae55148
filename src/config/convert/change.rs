//! One definition as a native file, with another objective and policy.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;

use serde_yaml::{Mapping, Value};

use super::{Source, read};
use crate::config::compile::{Documents, Placed};
use crate::config::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::config::formats::{Translated, Translation};
use crate::config::lint::Lint;
use crate::config::{files, written};
use crate::engine::{Mode, Policy, Slo, Span, Tier};
use crate::yaml;

/// The native document of this SLO, with its objective and policy as they are in `wanted` and
/// everything else as it is written in these files. A policy that only the SLO has is written into
/// it; documents of kind Defaults and Policy that it cannot do without come before it.
///
/// # Errors
///
/// Every mistake in the files; also when what would be written is not the SLO that is wanted.
pub fn changed(paths: &[PathBuf], wanted: &Slo) -> Result<String, Diagnostics> {
    let found = RefCell::default();
    let roots: Vec<_> = paths.iter().map(|path| (path.clone(), None)).collect();
    let sources = read(files::find(&roots, &found), &found);
    let written = written_with(&sources, wanted, &found);
    let mut found = found.into_inner();
    match written {
        Some(text) if found.errors() == 0 => Ok(text),
        _ => {
            if found.errors() == 0 {
                found.push(refused(paths, wanted));
            }
            Err(found)
        }
    }
}

fn written_with(sources: &[Source], wanted: &Slo, found: &RefCell<Diagnostics>) -> Option<String> {
    let mut documents = Documents::new(found);
    for source in sources {
        documents.read(files::name(&source.path), &source.bytes);
    }
    let (translated, defaults) = documents.translate();
    let own = own_document(&translated, wanted)?;
    let (defaults, policies) = (all_defaults(&defaults), all_policies(&translated));
    let both: Vec<String> = defaults.iter().chain(&policies).cloned().collect();
    let with_policy = document(own.clone(), wanted, true)?;
    let as_named = document(own, wanted, false)?;
    // The least that does: the first of these that loads to what is wanted.
    let attempts = [
        (&[][..], &as_named),
        (&defaults[..], &as_named),
        (&[][..], &with_policy),
        (&defaults[..], &with_policy),
        (&both[..], &with_policy),
    ];
    let mut texts = attempts.into_iter().map(|(before, own)| {
        let all: Vec<&str> = before.iter().chain([own]).map(String::as_str).collect();
        all.join("---\n")
    });
    texts.find(|text| loads_to(text, wanted))
}

/// The document that defines the SLO.
fn own_document(translated: &Translated<'_>, wanted: &Slo) -> Option<Mapping> {
    let documents = translated.slos.iter();
    let mut values =
        documents.filter_map(|one| match serde_yaml::to_value(&one.document).ok()? {
            Value::Mapping(mapping) => Some(mapping),
            _ => None,
        });
    values.find(|value| {
        let metadata = value.get("metadata");
        let text = |key: &str| metadata.and_then(|of| of.get(key)?.as_str());
        let service = text("service");
        text("name") == Some(&wanted.name) && service.is_none_or(|of| of == wanted.service)
    })
}

fn all_defaults(defaults: &[Placed<'_>]) -> Vec<String> {
    let texts = defaults.iter();
    texts
        .filter_map(|placed| written::yaml(&placed.document).ok())
        .collect()
}

fn all_policies(translated: &Translated<'_>) -> Vec<String> {
    let text = |one: &Translation<'_, _>| written::yaml(&one.document).ok();
    translated.policies.iter().filter_map(text).collect()
}

fn document(mut own: Mapping, wanted: &Slo, with_policy: bool) -> Option<String> {
    let spec = own.get_mut("spec")?.as_mapping_mut()?;
    let objective = serde_yaml::to_value(wanted.objective.percent()).ok()?;
    spec.insert("objective".into(), objective);
    if with_policy {
        spec.insert("policy".into(), policy(&wanted.policy));
    }
    Some(yaml::document(&Value::Mapping(own)))
}

/// Whether a text defines the SLO that is wanted. What its policy is called does not matter.
fn loads_to(text: &str, wanted: &Slo) -> bool {
    let found = RefCell::default();
    let mut documents = Documents::new(&found);
    documents.read("written".into(), text.as_bytes());
    let definitions = documents.compile();
    if found.borrow().errors() > 0 {
        return false;
    }
    let slo = definitions.iter().find(|one| one.slo.id == wanted.id);
    slo.is_some_and(|one| {
        let policy = Policy {
            name: wanted.policy.name.clone(),
            ..(*one.slo.policy).clone()
        };
        let named = Slo {
            policy: Arc::new(policy),
            // Composites that are not in the text may ask for more.
            reach: wanted.reach.clone(),
            ..(*one.slo).clone()
        };
        named == *wanted
    })
}

fn refused(paths: &[PathBuf], wanted: &Slo) -> Diagnostic {
    let file = paths.first().map(|path| files::name(path));
    Diagnostic {
        place: Place {
            file: file.unwrap_or_else(|| "definitions".into()),
            line: 1,
            column: 1,
        },
        severity: Lint::Unsupported.level(),
        rule: Lint::Unsupported,
        message: format!(
            "{} would be another SLO once it is written by itself",
            wanted.id
        ),
        fix: "write the objective and the policy into its file by hand".to_owned(),
    }
}

/// As the section of an SLO.
fn policy(policy: &Policy) -> Value {
    let mut section = Mapping::new();
    let tiers = policy.tiers.iter().chain(&policy.switched_off);
    section.insert("tiers".into(), tiers.map(tier).collect::<Vec<_>>().into());
    let mode = match policy.mode {
        Mode::Ratio => "ratio",
        Mode::Budget => "budget",
    };
    section.insert("mode".into(), mode.into());
    section.insert("hold".into(), duration(policy.hold));
    section.insert("recover".into(), fraction(policy.recover));
    let mutes = policy.page_mutes_ticket;
    section.insert("page_mutes_ticket".into(), mutes.into());
    let mut budget = Mapping::new();
    let thresholds = policy.budget.thresholds.iter();
    let thresholds: Vec<Value> = thresholds.map(|one| fraction(*one)).collect();
    budget.insert("thresholds".into(), thresholds.into());
    let within = policy.budget.exhaustion_within;
    let within = within.map_or_else(|| "never".into(), duration);
    budget.insert("exhaustion_within".into(), within);
    section.insert("budget".into(), Value::Mapping(budget));
    let blind = match &policy.blind {
        None => false.into(),
        Some(blind) => {
            let mut section = Mapping::new();
            section.insert("after_slots".into(), blind.after_slots.into());
            section.insert("severity".into(), blind.severity.as_str().into());
            Value::Mapping(section)
        }
    };
    section.insert("blind".into(), blind);
    Value::Mapping(section)
}

fn tier(tier: &Tier) -> Value {
    let mut section = Mapping::new();
    section.insert("severity".into(), tier.severity.as_str().into());
    section.insert("budget".into(), fraction(tier.budget_fraction));
    section.insert("long".into(), duration(tier.long));
    section.insert("short".into(), duration(tier.short));
    section.insert("minimum_events".into(), tier.minimum_events.into());
    if !tier.pending.is_zero() {
        section.insert("pending".into(), duration(tier.pending));
    }
    if !tier.labels.is_empty() {
        let labels = tier.labels.iter();
        let labels = labels.map(|(name, text)| (name.as_str().into(), text.as_str().into()));
        section.insert("labels".into(), Value::Mapping(labels.collect()));
    }
    Value::Mapping(section)
}

fn duration(span: Span) -> Value {
    span.to_string().into()
}

fn fraction(fraction: f64) -> Value {
    use crate::config::value::Fraction;
    serde_yaml::to_value(Fraction(fraction)).unwrap_or_else(|_| fraction.into())
}
