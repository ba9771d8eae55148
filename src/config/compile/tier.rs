//! Tiers of a policy, and changes of single ones.

use std::collections::BTreeSet;

use crate::config::field::{Field, Section};
use crate::config::raw::definition::{self as raw, TierChange};
use crate::config::value::{Duration, Fraction};
use crate::engine::{Span, Tier};

use super::document;

/// Bad events below which a tier stays quiet: as in every tier of the built-in policy.
const MINIMUM_EVENTS_DEFAULT: f64 = 5.0;
const MINIMUM_EVENTS_MAX: f64 = 1e12;
/// The longest window, pending or hold time: the longest period.
pub(super) const WINDOW_MAX: Span = Span::from_days(400);
/// Tiers of one policy.
const TIERS_MAX: usize = 32;

/// The tiers of a policy; `pending` is for those that do not say.
pub(super) fn list(
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
    section.required(&raw.budget, "budget");
    let budget = budget(section, &raw.budget, 1.0);
    let long = window(section, &raw.long, "long");
    let short = window(section, &raw.short, "short");
    let minimum_events = minimum_events(section, &raw.minimum_events, MINIMUM_EVENTS_DEFAULT);
    let pending = duration(section, &raw.pending, pending);
    let labels = document::labels(section, &raw.labels);
    if let (Some(long), Some(short)) = (long, short) {
        check_short(section, &raw.short, long, short)?;
    }
    Some(Tier {
        severity: *severity?,
        long: long?,
        short: short?,
        budget_fraction: budget?,
        minimum_events: minimum_events?,
        pending: pending?,
        labels: labels?,
    })
}

/// Changes single tiers of a list, each named by its long window.
pub(super) fn vary(
    section: &Section<'_>,
    tiers: Vec<Tier>,
    changes: &std::collections::BTreeMap<String, Field<TierChange>>,
) -> Option<Vec<Tier>> {
    let mut varied: Vec<Option<Tier>> = tiers.iter().cloned().map(Some).collect();
    let mut seen = BTreeSet::new();
    let mut sound = true;
    for (window, field) in changes {
        let long = Span::parse(window).ok();
        let long = long.filter(|long| tiers.iter().any(|tier| tier.long == *long));
        let Some(long) = long else {
            let names: BTreeSet<Span> = tiers.iter().map(|tier| tier.long).collect();
            let names: Vec<String> = names.iter().map(Span::to_string).collect();
            let window = crate::config::diagnostic::excerpt(window);
            let message = format!("the policy has no tier whose long window is {window:?}");
            section.refuse(field, message, format!("vary one of {}", names.join(", ")));
            sound = false;
            continue;
        };
        if !seen.insert(long) {
            let message = format!("the tiers of {long} are varied twice");
            section.refuse(field, message, "keep one of the two");
            sound = false;
        }
        let Some(raw) = field.value() else {
            sound = false;
            continue;
        };
        let section = section.within(field, "the tier");
        let off = section.or(&raw.disabled, false);
        for slot in varied.iter_mut() {
            let Some(tier) = slot.as_ref().filter(|tier| tier.long == long) else {
                continue;
            };
            let changed = change(&section, tier, raw);
            sound &= off.is_some() && changed.is_some();
            *slot = changed.filter(|_| off == Some(false));
        }
    }
    sound.then(|| varied.into_iter().flatten().collect())
}

fn change(section: &Section<'_>, tier: &Tier, raw: &TierChange) -> Option<Tier> {
    let severity = section.or(&raw.severity, tier.severity);
    let budget = budget(section, &raw.budget, tier.budget_fraction);
    let (min, max) = (Duration(Span::from_secs(1)), Duration(WINDOW_MAX));
    let short = section.bounded(&raw.short, Duration(tier.short), min, max);
    let minimum_events = minimum_events(section, &raw.minimum_events, tier.minimum_events);
    let pending = duration(section, &raw.pending, tier.pending);
    check_short(section, &raw.short, tier.long, short?.0)?;
    Some(Tier {
        severity: severity?,
        long: tier.long,
        short: short?.0,
        budget_fraction: budget?,
        minimum_events: minimum_events?,
        pending: pending?,
        labels: tier.labels.clone(),
    })
}

/// The short window may be as long as the long one: then there is one window only.
fn check_short(
    section: &Section<'_>,
    field: &Field<Duration>,
    long: Span,
    short: Span,
) -> Option<()> {
    if short <= long {
        return Some(());
    }
    let message = format!("the short window {short} is longer than the long one {long}");
    let fix = format!("write short: {}, a twelfth of the long one", twelfth(long));
    section.refuse(field, message, fix);
    None
}

fn budget(section: &Section<'_>, field: &Field<Fraction>, default: f64) -> Option<f64> {
    let Fraction(budget) = section.or(field, Fraction(default))?;
    if budget > 0.0 {
        return Some(budget);
    }
    let fix = "write the part of the budget that deserves the alert, such as 2%";
    section.refuse(field, "a tier of no budget would always fire", fix);
    None
}

fn minimum_events(section: &Section<'_>, field: &Field<f64>, default: f64) -> Option<f64> {
    section.bounded(field, default, 1.0, MINIMUM_EVENTS_MAX)
}

/// A length of time that may be none.
pub(super) fn duration(
    section: &Section<'_>,
    field: &Field<Duration>,
    default: Span,
) -> Option<Span> {
    let (min, max) = (Duration(Span::ZERO), Duration(WINDOW_MAX));
    let duration = section.bounded(field, Duration(default), min, max)?;
    Some(duration.0)
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
