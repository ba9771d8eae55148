//! One `kind: Policy` document to one [`Policy`].
//!
//! What a document leaves out is as in the built-in policy.

use std::collections::BTreeMap;

use crate::config::diagnostic::Report;
use crate::config::field::{Field, Section, ValueOr};
use crate::config::raw::definition::{self as raw, PolicyDocument, PolicySpec};
use crate::config::tree::Mark;
use crate::config::value::{Duration, DurationOrNever, Fraction, Name};
use crate::engine::{BlindPolicy, BudgetPolicy, Policy, Severity, Span, Tier};

/// Bad events below which a tier stays quiet: as in every tier of the built-in policy.
const MINIMUM_EVENTS_DEFAULT: f64 = 5.0;
/// Slots without a decision before the blind alert.
const AFTER_SLOTS_DEFAULT: u32 = 10;
/// The longest window, pending or hold time: the longest period.
const WINDOW_MAX: Span = Span::from_days(400);
/// Tiers of one policy.
const TIERS_MAX: usize = 32;

/// The name, known even when the rest has mistakes, and the policy.
pub(super) fn compile(
    raw: &PolicyDocument,
    mark: Mark,
    report: &Report<'_>,
) -> (Option<String>, Option<Policy>) {
    let root = Section::new(report, mark, "the policy");
    let metadata = root.section(&raw.metadata, "metadata");
    let spec = root.section(&raw.spec, "spec");
    let name = metadata.and_then(|(section, metadata)| section.required(&metadata.name, "name"));
    let name = name.map(|Name(name)| name.clone());
    let policy = spec.and_then(|(section, spec)| policy(&section, spec));
    let policy = match (policy, &name) {
        (Some(policy), Some(name)) => Some(Policy {
            name: name.clone(),
            ..policy
        }),
        _ => None,
    };
    (name, policy)
}

fn policy(section: &Section<'_>, spec: &PolicySpec) -> Option<Policy> {
    let default = Policy::sre_workbook();
    let span = |field, default| {
        let (min, max) = (Duration(Span::ZERO), Duration(WINDOW_MAX));
        section.bounded(field, Duration(default), min, max)
    };
    let pending = span(&spec.pending, Span::ZERO);
    let tiers = tiers(section, &spec.tiers, pending.map_or(Span::ZERO, |p| p.0));
    let hold = span(&spec.hold, default.hold);
    let recover = recover(section, &spec.recover, default.recover);
    let page_mutes_ticket = section.or(&spec.page_mutes_ticket, default.page_mutes_ticket);
    let budget = budget(section, &spec.budget, default.budget);
    let blind = blind(section, &spec.blind);
    let mode = section.or(&spec.mode, default.mode);
    Some(Policy {
        name: default.name,
        tiers: tiers?,
        mode: mode?,
        hold: hold?.0,
        recover: recover?,
        page_mutes_ticket: page_mutes_ticket?,
        budget: budget?,
        blind: blind?,
    })
}

fn recover(section: &Section<'_>, field: &Field<Fraction>, default: f64) -> Option<f64> {
    let Fraction(recover) = section.or(field, Fraction(default))?;
    if recover > 0.0 {
        return Some(recover);
    }
    let fix = "write a fraction above 0, such as 0.9";
    section.refuse(field, "with recover 0 an alert would never end", fix);
    None
}

fn tiers(
    section: &Section<'_>,
    field: &Field<Vec<Field<raw::Tier>>>,
    pending: Span,
) -> Option<Vec<Tier>> {
    let written = section.required(field, "tiers")?;
    if written.is_empty() || written.len() > TIERS_MAX {
        let message = format!("a policy has 1 to {TIERS_MAX} tiers, not {}", written.len());
        section.refuse(field, message, "list the burns that deserve an alert");
        return None;
    }
    let compiled: Vec<Option<Tier>> = written
        .iter()
        .map(|item| tier(&section.within(item, "the tier"), item.value()?, pending))
        .collect();
    compiled.into_iter().collect()
}

fn tier(section: &Section<'_>, raw: &raw::Tier, pending: Span) -> Option<Tier> {
    let severity = section.required(&raw.severity, "severity");
    let budget = section.required(&raw.budget, "budget");
    let long = window(section, &raw.long, "long");
    let short = window(section, &raw.short, "short");
    let minimum_events = section.bounded(&raw.minimum_events, MINIMUM_EVENTS_DEFAULT, 1.0, 1e12);
    if budget == Some(&Fraction(0.0)) {
        let fix = "write the part of the budget that deserves the alert, such as 2%";
        section.refuse(&raw.budget, "a tier of no budget would always fire", fix);
        return None;
    }
    if let (Some(long), Some(short)) = (long, short)
        && short >= long
    {
        let message = format!("the short window {short} is not shorter than the long one {long}");
        let fix = format!("write short: {}, a twelfth of the long one", twelfth(long));
        section.refuse(&raw.short, message, fix);
        return None;
    }
    Some(Tier {
        severity: *severity?,
        long: long?,
        short: short?,
        budget_fraction: budget?.0,
        minimum_events: minimum_events?,
        pending,
        labels: BTreeMap::new(),
    })
}

fn window(section: &Section<'_>, field: &Field<Duration>, key: &str) -> Option<Span> {
    section.required(field, key)?;
    let min = Duration(Span::from_secs(1));
    let bounded = section.bounded(field, min, min, Duration(WINDOW_MAX));
    Some(bounded?.0)
}

/// In whole seconds, so that it reads well.
fn twelfth(long: Span) -> Span {
    Span::from_secs((long.as_millis() / 12_000).max(1))
}

fn budget(
    section: &Section<'_>,
    field: &Field<raw::Budget>,
    default: BudgetPolicy,
) -> Option<BudgetPolicy> {
    if field.is_absent() {
        return Some(default);
    }
    let raw = field.value()?;
    let section = section.within(field, "budget");
    let exhaustion = DurationOrNever(default.exhaustion_within);
    let exhaustion = section.or(&raw.exhaustion_within, exhaustion);
    let thresholds = match section.maybe(&raw.thresholds)? {
        Some(written) => thresholds(&section, &written),
        None => Some(default.thresholds),
    };
    Some(BudgetPolicy {
        thresholds: thresholds?,
        exhaustion_within: exhaustion?.0,
    })
}

fn thresholds(section: &Section<'_>, written: &[Field<Fraction>]) -> Option<Vec<f64>> {
    let mut rising: Vec<f64> = Vec::new();
    for field in written {
        let Fraction(threshold) = *field.value()?;
        if threshold <= rising.last().copied().unwrap_or(0.0) {
            let fix = "list them rising, each once, all above 0";
            section.refuse(field, "the thresholds do not rise here", fix);
            return None;
        }
        rising.push(threshold);
    }
    Some(rising)
}

fn blind(section: &Section<'_>, field: &Field<ValueOr<raw::Blind>>) -> Option<Option<BlindPolicy>> {
    let default = raw::Blind::default();
    let raw = match field.value() {
        None if field.is_absent() => &default,
        None => return None,
        Some(ValueOr::Section(raw)) => raw,
        Some(ValueOr::Value(text)) if text == "false" => return Some(None),
        Some(ValueOr::Value(_)) => {
            let fix = "write blind: false, or a section with after_slots and severity";
            section.refuse(field, "this is neither false nor a section", fix);
            return None;
        }
    };
    let section = section.within(field, "blind");
    let after_slots = section.bounded(&raw.after_slots, AFTER_SLOTS_DEFAULT, 1, 10_000);
    let severity = section.or(&raw.severity, Severity::Page);
    Some(Some(BlindPolicy {
        after_slots: after_slots?,
        severity: severity?,
    }))
}
