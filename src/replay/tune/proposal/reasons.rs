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
        found.push(format!(
            "tiers fire from {new} bad events on, not {old}: few failures are no reason to page"
        ));
    }
    if before.policy.hold != after.policy.hold {
        let (old, new) = (before.policy.hold, after.policy.hold);
        found.push(format!(
            "alerts are held {new}, not {old}: what flaps is one alert"
        ));
    }
    found
}
