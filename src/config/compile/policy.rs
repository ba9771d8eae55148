//! Policies: a document of kind `Policy`, or the section of one SLO.
//!
//! What a document leaves out is as in the built-in policy; what an SLO's own leaves out is as in
//! the policy that it is made `from`.

use crate::config::diagnostic::Report;
use crate::config::field::{Field, Section, ValueOr};
use crate::config::raw::definition::{self as raw, PolicyDocument, PolicySpec, SloPolicy};
use crate::config::tree::Mark;
use crate::config::value::{Duration, DurationOrNever, Fraction, Name};
use crate::engine::{BlindPolicy, BudgetPolicy, Mode, Policy, Severity};

use super::{Policies, tier};

/// Slots without a decision before the blind alert.
const AFTER_SLOTS_DEFAULT: u32 = 10;

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
    let policy = spec.and_then(|(section, spec)| document(&section, spec));
    let policy = match (policy, &name) {
        (Some(policy), Some(name)) => Some(Policy {
            name: name.clone(),
            ..policy
        }),
        _ => None,
    };
    (name, policy)
}

fn document(section: &Section<'_>, spec: &PolicySpec) -> Option<Policy> {
    let base = Policy::sre_workbook();
    let rest = Rest {
        mode: &spec.mode,
        hold: &spec.hold,
        recover: &spec.recover,
        page_mutes_ticket: &spec.page_mutes_ticket,
        budget: &spec.budget,
        blind: &spec.blind,
    };
    let pending = tier::duration(section, &spec.pending, crate::engine::Span::ZERO);
    let tiers = tier::list(section, &spec.tiers, pending.unwrap_or_default());
    let policy = rest.compile(section, &base);
    pending?;
    Some(Policy {
        tiers: tiers?,
        ..policy?
    })
}

/// The policy that one SLO describes for itself.
pub(super) fn of_slo(
    section: &Section<'_>,
    raw: &SloPolicy,
    policies: &Policies,
) -> Option<Policy> {
    let from = match raw.from.value() {
        None if raw.from.is_absent() => Some(Policy::DEFAULT_NAME),
        from => from.map(|Name(name)| name.as_str()),
    };
    let base = from.and_then(|name| policies.find(section, &raw.from, name));
    // Without its base everything else can still be checked, except what depends on it.
    let known = base.is_some();
    let base = base.map_or_else(Policy::sre_workbook, |base| (*base).clone());
    let rest = Rest {
        mode: &raw.mode,
        hold: &raw.hold,
        recover: &raw.recover,
        page_mutes_ticket: &raw.page_mutes_ticket,
        budget: &raw.budget,
        blind: &raw.blind,
    };
    let policy = rest.compile(section, &base);
    let pending = tier::duration(section, &raw.pending, crate::engine::Span::ZERO);
    let tiers = if !raw.tiers.is_absent() {
        let tiers = tier::list(section, &raw.tiers, pending.unwrap_or_default());
        if raw.vary.is_absent() {
            tiers
        } else {
            let message = "the policy has both tiers and vary, but they exclude each other";
            let fix = "remove vary:, and write the tiers as they shall be";
            section.refuse(&raw.vary, message, fix);
            None
        }
    } else {
        let mut tiers = base.tiers.clone();
        if let (Some(pending), false) = (pending, raw.pending.is_absent()) {
            for tier in &mut tiers {
                tier.pending = pending;
            }
        }
        match raw.vary.value() {
            Some(changes) if known => {
                tier::vary(&section.within(&raw.vary, "vary"), tiers, changes)
            }
            None if raw.vary.is_absent() => Some(tiers),
            _ => None,
        }
    };
    pending?;
    let name = match raw.tiers.is_absent() {
        true => format!("{}, varied", base.name),
        false => "own".to_owned(),
    };
    let tiers = tiers.filter(|_| known)?;
    Some(Policy {
        name,
        tiers,
        ..policy?
    })
}

/// What every policy says besides its tiers.
struct Rest<'f> {
    mode: &'f Field<Mode>,
    hold: &'f Field<Duration>,
    recover: &'f Field<Fraction>,
    page_mutes_ticket: &'f Field<bool>,
    budget: &'f Field<raw::Budget>,
    blind: &'f Field<ValueOr<raw::Blind>>,
}

impl Rest<'_> {
    /// The base with what is written here; its tiers are still those of the base.
    fn compile(&self, section: &Section<'_>, base: &Policy) -> Option<Policy> {
        let hold = tier::duration(section, self.hold, base.hold);
        let recover = recover(section, self.recover, base.recover);
        let page_mutes_ticket = section.or(self.page_mutes_ticket, base.page_mutes_ticket);
        let budget = budget(section, self.budget, &base.budget);
        let blind = blind(section, self.blind, base.blind.as_ref());
        let mode = section.or(self.mode, base.mode);
        Some(Policy {
            name: base.name.clone(),
            tiers: base.tiers.clone(),
            switched_off: Vec::new(),
            mode: mode?,
            hold: hold?,
            recover: recover?,
            page_mutes_ticket: page_mutes_ticket?,
            budget: budget?,
            blind: blind?,
        })
    }
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

fn budget(
    section: &Section<'_>,
    field: &Field<raw::Budget>,
    default: &BudgetPolicy,
) -> Option<BudgetPolicy> {
    if field.is_absent() {
        return Some(default.clone());
    }
    let raw = field.value()?;
    let section = section.within(field, "budget");
    let exhaustion = DurationOrNever(default.exhaustion_within);
    let exhaustion = section.or(&raw.exhaustion_within, exhaustion);
    let thresholds = match raw.thresholds.value() {
        Some(written) => thresholds(&section, written),
        None if raw.thresholds.is_absent() => Some(default.thresholds.clone()),
        None => None,
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

fn blind(
    section: &Section<'_>,
    field: &Field<ValueOr<raw::Blind>>,
    default: Option<&BlindPolicy>,
) -> Option<Option<BlindPolicy>> {
    let raw = match field.value() {
        None if field.is_absent() => return Some(default.cloned()),
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
    let after_slots = default.map_or(AFTER_SLOTS_DEFAULT, |blind| blind.after_slots);
    let after_slots = section.bounded(&raw.after_slots, after_slots, 1, 10_000);
    let severity = default.map_or(Severity::Page, |blind| blind.severity);
    let severity = section.or(&raw.severity, severity);
    Some(Some(BlindPolicy {
        after_slots: after_slots?,
        severity: severity?,
    }))
}
