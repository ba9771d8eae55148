//! Why this definition and no other, in words.

use crate::engine::Mode;
use crate::message::figures;
use crate::replay::tune::judge::{Judge, Played, Wish};

/// A sentence for each difference.
pub(super) fn reasons(judge: &Judge<'_>, present: &Played, best: &Played) -> Vec<String> {
    let mut found = Vec::new();
    let (before, after) = (&present.candidate, &best.candidate);
    if before == after {
        found.push(match judge.excess(best, None) > 0.0 {
            true => "no candidate comes nearer to the wishes than the definition as it is",
            false => "the definition as it is meets every wish, so nothing needs to change",
        });
        return found.into_iter().map(str::to_owned).collect();
    }
    let mut found = Vec::new();
    let spent = |played: &Played| figures::percent(judge.value(played, Wish::Kept, None));
    if before.objective != after.objective {
        found.push(format!(
            "objective {} instead of {}: at worst history spent {} of its budget, and {} of the \
             present one",
            after.objective.percent(),
            before.objective.percent(),
            spent(best),
            spent(present)
        ));
    } else {
        found.push(format!(
            "the objective stays: at worst history spent {} of its budget",
            spent(best)
        ));
    }
    if before.policy.mode != after.policy.mode {
        found.push(match after.policy.mode {
            Mode::Budget => "mode budget: a few failures in a quiet hour weigh what they cost of \
                             the budget, not what share of the hour they are"
                .to_owned(),
            Mode::Ratio => "mode ratio: windows are judged by their own events".to_owned(),
        });
    }
    for (old, new) in before.policy.tiers.iter().zip(&after.policy.tiers) {
        let name = format!("{} {}", new.severity, new.windows());
        if new.long != old.long {
            let why = match new.long < old.long {
                true => "only fast burns spend so much in so short a time",
                false => "slower burns are seen, too",
            };
            found.push(format!("{name} instead of {}: {why}", old.windows()));
        } else if new.short != old.short {
            found.push(format!(
                "{name} instead of {}: what stops for a while and goes on is one alert",
                old.windows()
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
    let events = |played: &Played| {
        let tiers = played.candidate.policy.tiers.iter();
        let mut events: Vec<String> = tiers.map(|tier| tier.minimum_events.to_string()).collect();
        events.dedup();
        events.join(", ")
    };
    let (old, new) = (events(present), events(best));
    if old != new {
        let least = |played: &Played| {
            let tiers = played.candidate.policy.tiers.iter();
            let events = tiers.map(|tier| tier.minimum_events);
            events.fold(f64::INFINITY, f64::min)
        };
        let why = match least(best) < least(present) {
            true => "a burst brings no more where there is little traffic",
            false => "few failures are no reason to page",
        };
        found.push(format!(
            "tiers fire from {new} bad events on, not {old}: {why}"
        ));
    }
    if before.policy.hold != after.policy.hold {
        let (old, new) = (before.policy.hold, after.policy.hold);
        found.push(format!(
            "alerts are held {new}, not {old}: what flaps is one alert"
        ));
    }
    if before.policy.recover != after.policy.recover {
        let (old, new) = (before.policy.recover, after.policy.recover);
        let (old, new) = (figures::percent(old), figures::percent(new));
        found.push(format!(
            "alerts end below {new} of the burn at which they fire, not {old}: what wavers around it is one alert"
        ));
    }
    found
}
