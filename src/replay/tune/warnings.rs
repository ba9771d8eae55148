//! What makes a proposal less sure: short, quiet or broken history.

use super::past::Past;
use crate::engine::{Slo, Span};
use crate::message::figures;
use crate::replay::report::Plan;

/// Shorter history is warned of.
const USUAL: Span = Span::from_days(14);
/// Fewer incidents are, too.
const INCIDENTS_MIN: u64 = 5;
/// So much of it should be known.
const KNOWN_MIN: f64 = 0.98;
/// Fewer bad events a week than this many times the minimum of a tier are few.
const EVENTS_TIMES: f64 = 20.0;

/// A sentence for each reason to doubt.
pub(super) fn warnings(slo: &Slo, past: &Past, plan: &Plan) -> Vec<String> {
    let mut found = Vec::new();
    let length = plan.until.since(plan.from);
    if length < USUAL {
        found.push(format!(
            "the history is short: {} where two weeks are better, so that rare incidents are \
             probably not in it",
            figures::span(length)
        ));
    }
    let period = slo.period.nominal();
    if length < period {
        found.push(format!(
            "the history is shorter than the period of {period}: whether the objective would be \
             kept over a whole one is not known"
        ));
    }
    if past.incidents < INCIDENTS_MIN {
        let count = past.incidents;
        found.push(format!(
            "there were {count} incidents (10x the budget or faster) in it, fewer than \
             {INCIDENTS_MIN}: pages a week are guessed from few"
        ));
    }
    let minimum = slo.policy.tiers.iter().map(|tier| tier.minimum_events);
    let minimum = minimum.fold(0.0, f64::max);
    let allowed = past.events_per_week * slo.objective.budget_ratio();
    if allowed < minimum * EVENTS_TIMES {
        let events = figures::count(past.events_per_week);
        let allowed = figures::count(allowed);
        found.push(format!(
            "there is little traffic: of {events} events a week {allowed} may be bad, and a tier \
             fires from {} on: few failures decide about pages",
            figures::count(minimum)
        ));
    }
    if past.hours_known < KNOWN_MIN {
        let known = figures::percent(past.hours_known);
        found.push(format!(
            "the history has holes: events are known of {known} of its hours"
        ));
    }
    let coarse = plan.history.coarse.iter();
    for stretch in coarse.filter(|one| one.of.is_empty() || one.of == slo.id.as_str()) {
        found.push(format!(
            "a part of the history is known at steps of {} only: bursts shorter than that are \
             smoothed, and fewer pages come of them",
            stretch.step
        ));
    }
    found
}
