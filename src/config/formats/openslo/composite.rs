//! Composites: objectives with an indicator each, as one weighted SLO.
//!
//! The format says how the parts burn the budget of the whole: each at its own rate, times its
//! weight. With parts that may fail in a share b of their events and fail in e, the whole burns at
//! the sum of w x e / b. A weighted mean of the e with weights v = w / b is that sum over the sum of
//! all v, so with 1 / (sum of all v) as what the whole may fail in, its burn rate is exactly the one
//! that is asked for, and so are the alerts. One part of 99.9% beside nine others pages as early as
//! alone; whoever wants parts to share one budget writes weights that add up to 1.
//!
//! Of time slices the format says that one which is bad in any part is bad for the whole. Here one
//! that is bad in two parts counts twice, so the whole may burn faster than asked, never slower.

use std::collections::BTreeSet;

use crate::config::field::Field;
use crate::config::raw::definition::{Sli, Step};
use crate::config::tree::Mark;
use crate::config::value::Name;

use super::entry::Entry;
use super::indicator::{self, Context, Method};
use super::objective;
use super::slo::slug;

/// Burn rates that the whole may have when every part fails: between them it has an objective
/// that is neither nothing nor everything.
const FASTEST_MIN: f64 = 1.0 + 1e-6;
const FASTEST_MAX: f64 = 1e8;

/// A weighted SLI and its objective in percent.
pub(super) struct Composite {
    pub(super) sli: Field<Sli>,
    pub(super) objective: Field<f64>,
}

/// The whole of these objectives.
pub(super) fn of(spec: Entry<'_>, objectives: &[Entry<'_>], context: Context<'_>) -> Composite {
    let mark = spec.mark();
    let names = names(objectives);
    let parts = objectives.iter().zip(names);
    let mut parts: Vec<(Mark, Step)> = parts
        .map(|(objective, name)| (objective.mark(), part(*objective, name, context)))
        .collect();
    let weights: Option<Vec<f64>> = parts
        .iter()
        .map(|(_, part)| part.weight.value().copied())
        .collect();
    let percent = weights.as_deref().and_then(|weights| whole(spec, weights));
    if percent.is_none() {
        // What is wrong with the weights has been said.
        for (mark, part) in &mut parts {
            part.weight = Field::refused(*mark);
        }
    }
    let steps = parts.into_iter().map(|(mark, part)| Field::at(mark, part));
    let weighted = Sli {
        weighted: Field::at(mark, steps.collect()),
        ..Sli::default()
    };
    if let Some(percent) = percent {
        tell(spec, percent, context);
    }
    Composite {
        sli: Field::at(mark, weighted),
        objective: percent.map_or_else(|| Field::refused(mark), |p| Field::at(mark, p)),
    }
}

/// The objective of the whole in percent, from the burn rate that it has when every part fails.
fn whole(spec: Entry<'_>, weights: &[f64]) -> Option<f64> {
    let fastest: f64 = weights.iter().sum();
    if fastest > FASTEST_MAX {
        let message = "these targets and weights leave the whole next to no budget";
        spec.error(message, "write lower targets, or smaller weights");
        return None;
    }
    if fastest < FASTEST_MIN {
        let message = "with these weights the whole keeps its budget even if every part fails";
        spec.error(
            message,
            "write compositeWeight: so that the weights add up to 1",
        );
        return None;
    }
    Some(objective::decimal(100.0 - 100.0 / fastest))
}

fn part(objective: Entry<'_>, name: Name, context: Context<'_>) -> Step {
    let mark = objective.mark();
    let percent = objective::percent(objective);
    let weight = objective.read::<f64>("compositeWeight");
    let weight = match weight.value() {
        None if weight.is_absent() => Some(1.0),
        Some(value) if *value > 0.0 => Some(*value),
        Some(value) => {
            let entry = objective.at("compositeWeight").unwrap_or(objective);
            let message = format!("a weight of {value} is not above 0");
            entry.error(message, "write a number above 0, or remove the objective");
            None
        }
        None => None,
    };
    let weight = weight.zip(percent.value());
    let weight =
        weight.map(|(weight, percent)| weight * 100.0 / objective::decimal(100.0 - percent));
    let sli = if indicator::is_at(objective) {
        indicator::measured(objective, objective, context).sli
    } else {
        let fix = "add indicator: or indicatorRef:, as the other objectives have";
        objective.error("this objective of a composite has no indicator", fix);
        Field::refused(mark)
    };
    Step {
        name: Field::at(mark, name),
        sli,
        weight: weight.map_or_else(|| Field::refused(mark), |weight| Field::at(mark, weight)),
        ..Step::default()
    }
}

/// Names of the parts: what they are called, if no two are called the same.
fn names(objectives: &[Entry<'_>]) -> Vec<Name> {
    let called = |objective: &Entry<'_>| slug(objective.at("displayName")?.text()?);
    let called: Option<Vec<String>> = objectives.iter().map(called).collect();
    let distinct = called.filter(|names| {
        let set: BTreeSet<&String> = names.iter().collect();
        set.len() == names.len()
    });
    let numbered = || {
        (0..objectives.len())
            .map(|at| format!("objective-{at}"))
            .collect()
    };
    let names: Vec<String> = distinct.unwrap_or_else(numbered);
    names.into_iter().map(Name).collect()
}

fn tell(spec: Entry<'_>, percent: f64, context: Context<'_>) {
    let note = |message: String, fix: &str| context.notes.add(spec.mark(), message, fix);
    let message = format!(
        "every part burns the budget of the whole at its own rate times its weight, \
         which makes an objective of {percent:.3}% of the weighted mean"
    );
    let fix = "write compositeWeight: so that the weights add up to 1 if the parts share a budget";
    note(message, fix);
    if context.method == Method::Timeslices {
        let message = "a slice that is bad in several parts counts once for each of them";
        note(
            message.to_owned(),
            "expect the whole to burn a little faster",
        );
    }
}
