//! Why this definition and no other, in words.

use crate::engine::{Mode, Policy, Tier};
use crate::message::figures;
use crate::replay::tune::judge::{Judge, Played, Wish};

/// A sentence for each difference.
pub(super) fn reasons(judge: &Judge<'_>, present: &Played, best: &Played) -> Vec<String> {
    let (before, after) = (&present.candidate, &best.candidate);
    if before == after {
        let text = match judge.excess(best, None) > 0.0 {
            true => "no candidate comes nearer to the wishes than the definition as it is",
            false => "the definition as it is meets every wish, so nothing needs to change",
        };
        return vec![text.to_owned()];
    }
    let spent = |played: &Played| figures::percent(judge.value(played, Wish::Kept, None));
    let mut found = vec![match before.objective == after.objective {
        false => format!(
            "objective {} instead of {}: at worst history spent {} of its budget, and {} of the \
             present one",
            after.objective.percent(),
            before.objective.percent(),
            spent(best),
            spent(present)
        ),
        true => format!(
            "the objective stays: at worst history spent {} of its budget",
            spent(best)
        ),
    }];
    if before.policy.mode != after.policy.mode {
        found.push(match after.policy.mode {
            Mode::Budget => "mode budget: a few failures in a quiet hour weigh what they cost of \
                             the budget, not what share of the hour they are"
                .to_owned(),
            Mode::Ratio => "mode ratio: windows are judged by their own events".to_owned(),
        });
    }
    for (old, new) in before.policy.tiers.iter().zip(&after.policy.tiers) {
        of_tier(old, new, &mut found);
    }
    of_policy(&before.policy, &after.policy, &mut found);
    found
}

/// What is other about a tier.
fn of_tier(old: &Tier, new: &Tier, found: &mut Vec<String>) {
    let name = format!("{} {}", new.severity, new.windows());
    let before = old.windows();
    if new.long != old.long {
        let why = match new.long < old.long {
            true => "only fast burns spend so much in so short a time",
            false => "slower burns are seen, too",
        };
        found.push(format!("{name} instead of {before}: {why}"));
    } else if new.short != old.short {
        found.push(format!(
            "{name} instead of {before}: what stops for a while and goes on is one alert"
        ));
    }
    if old.budget_fraction != new.budget_fraction {
        let (old, new) = (old.budget_fraction, new.budget_fraction);
        let why = if new < old { "sooner" } else { "less often" };
        let (old, new) = (figures::percent(old), figures::percent(new));
        found.push(format!(
            "{name} fires {why}: at {new} of the budget, not {old}"
        ));
    }
}

/// What is other about all tiers together.
fn of_policy(before: &Policy, after: &Policy, found: &mut Vec<String>) {
    let events = |policy: &Policy| {
        let tiers = policy.tiers.iter();
        let mut events: Vec<String> = tiers.map(|tier| tier.minimum_events.to_string()).collect();
        events.dedup();
        events.join(", ")
    };
    let (old, new) = (events(before), events(after));
    if old != new {
        let least = |policy: &Policy| {
            let events = policy.tiers.iter().map(|tier| tier.minimum_events);
            events.fold(f64::INFINITY, f64::min)
        };
        let why = match least(after) < least(before) {
            true => "a burst brings no more where there is little traffic",
            false => "few failures are no reason to page",
        };
        found.push(format!(
            "tiers fire from {new} bad events on, not {old}: {why}"
        ));
    }
    if before.hold != after.hold {
        let (old, new) = (before.hold, after.hold);
        found.push(format!(
            "alerts are held {new}, not {old}: what flaps is one alert"
        ));
    }
    if before.recover != after.recover {
        let (old, new) = (before.recover, after.recover);
        let (old, new) = (figures::percent(old), figures::percent(new));
        found.push(format!(
            "alerts end below {new} of the burn at which they fire, not {old}: what wavers around \
             it is one alert"
        ));
    }
}
