//! Journeys and weighted sums: the steps of one SLO, and how SLOs refer to each other.
//!
//! A step names another SLO or is written in place. One in place becomes an SLO of its own that
//! alerts nobody, so that there is one kind of part.

use std::collections::BTreeSet;

use crate::config::field::{Field, Section};
use crate::config::promql::{Classified, Grouping};
use crate::config::raw::definition::{Sli, Step};
use crate::config::tree::Mark;
use crate::config::value::Name;
use crate::engine::{Combination, Composite, Indicator, Part, SloId};

use super::indicator;
use super::slo::Identity;

/// Parts of one composite.
const PARTS_MAX: usize = 20;
/// Largest weight: more than any two parts ever differ by.
const WEIGHT_MAX: f64 = 1e9;

/// What an SLI comes to: for all but composites only the whole.
pub(super) struct Composed {
    pub(super) whole: Classified,
    /// What a composite is made of, in the order of its steps.
    pub(super) parts: Vec<(SloId, Mark)>,
    /// Parts that are written in place.
    pub(super) inline: Vec<Inline>,
}

/// A part that is written in place.
pub(super) struct Inline {
    /// `<name of the composite>.<name of the step>`
    pub(super) name: String,
    pub(super) mark: Mark,
    /// `None` when it was refused.
    pub(super) measured: Option<Classified>,
}

impl From<Classified> for Composed {
    fn from(whole: Classified) -> Self {
        Self {
            whole,
            parts: Vec::new(),
            inline: Vec::new(),
        }
    }
}

/// The steps of a composite.
pub(super) fn compile(
    section: &Section<'_>,
    combination: Combination,
    field: &Field<Vec<Field<Step>>>,
    group_by: &[String],
    identity: &Identity,
) -> Option<Composed> {
    let written = field.value()?;
    if !(2..=PARTS_MAX).contains(&written.len()) {
        let message = format!(
            "a composite has 2 to {PARTS_MAX} parts, not {}",
            written.len()
        );
        let fix = "list what must work together, or write the only part as the sli itself";
        section.refuse(field, message, fix);
        return None;
    }
    let scope = Scope {
        combination,
        group_by,
        identity,
    };
    let steps: Vec<Option<(Part, Option<Inline>)>> = written
        .iter()
        .map(|step| scope.step(&section.within(step, "the step"), step.value()?))
        .collect();
    let mut seen = BTreeSet::new();
    let mut sound = true;
    let (mut parts, mut marks, mut inline) = (Vec::new(), Vec::new(), Vec::new());
    for (step, field) in steps.into_iter().zip(written) {
        let Some((part, written_here)) = step else {
            sound = false;
            continue;
        };
        if !seen.insert(part.slo.clone()) {
            section.refuse(field, format!("{} is a part twice", part.slo), "remove one");
            sound = false;
        }
        let mark = field.mark_or(section.mark);
        let named = field.value().map_or(mark, |step| step.slo.mark_or(mark));
        marks.push((part.slo.clone(), named));
        inline.extend(written_here);
        parts.push(part);
    }
    if !sound {
        return None;
    }
    Some(Composed {
        whole: Classified {
            why: match combination {
                Combination::Journey => "it is the product of its steps, whose windows are read",
                Combination::Weighted => "it is the mean of its parts, whose windows are read",
            }
            .to_owned(),
            grouping: grouping(&inline),
            indicator: Indicator::Composite(Composite { combination, parts }),
        },
        parts: marks,
        inline,
    })
}

/// By what the parts that are written in place split the whole, unless it says so itself.
fn grouping(inline: &[Inline]) -> Grouping {
    let stated = inline.iter().filter_map(|part| part.measured.as_ref());
    let stated = stated.map(|measured| &measured.grouping);
    let mut stated = stated.filter(|grouping| **grouping != Grouping::Unstated);
    match stated.next() {
        None => Grouping::Unstated,
        Some(first) if stated.all(|other| other == first) => first.clone(),
        Some(_) => Grouping::Without(Vec::new()),
    }
}

struct Scope<'s> {
    combination: Combination,
    group_by: &'s [String],
    identity: &'s Identity,
}

impl Scope<'_> {
    fn step(&self, section: &Section<'_>, raw: &Step) -> Option<(Part, Option<Inline>)> {
        let kind = section.one_of([("slo", raw.slo.is_absent()), ("sli", raw.sli.is_absent())]);
        let weight = match self.combination {
            Combination::Weighted => weight(section, &raw.weight),
            Combination::Journey => unweighted(section, &raw.weight),
        };
        if kind? == "slo" {
            section.needs(&raw.name, "name", "sli")?;
            let slo = self.identity.resolve(raw.slo.value()?);
            let weight = weight?;
            return Some((Part { slo, weight }, None));
        }
        let name = section.required(&raw.name, "name");
        let measured = raw.sli.value().and_then(|sli| self.sli(section, raw, sli));
        let name = self.name(section, &raw.name, name?)?;
        let slo = SloId::new(&self.identity.service, &name);
        let inline = Inline {
            name,
            mark: section.mark,
            measured: Some(measured?),
        };
        let weight = weight?;
        Some((Part { slo, weight }, Some(inline)))
    }

    fn sli(&self, section: &Section<'_>, raw: &Step, sli: &Sli) -> Option<Classified> {
        let section = section.within(&raw.sli, "sli");
        if !(sli.journey.is_absent() && sli.weighted.is_absent()) {
            let fix = "list the steps of the inner one here instead";
            section.refuse(&raw.sli, "a part cannot be a composite itself", fix);
            return None;
        }
        let composed = indicator::compile(&section, sli, self.group_by, self.identity)?;
        Some(composed.whole)
    }

    fn name(&self, section: &Section<'_>, field: &Field<Name>, name: &Name) -> Option<String> {
        let joined = format!("{}.{}", self.identity.name, name.0);
        if Name::try_from(joined.clone()).is_ok() {
            return Some(joined);
        }
        // An unnamed composite is reported as such.
        if !self.identity.name.is_empty() {
            let message =
                format!("the name of this part, {joined:?}, is longer than a name may be");
            let fix =
                "shorten the name of the step or of the SLO: 63 characters for both and a dot";
            section.refuse(field, message, fix);
        }
        None
    }
}

fn weight(section: &Section<'_>, field: &Field<f64>) -> Option<f64> {
    let weight = section.or(field, 1.0)?;
    if weight > 0.0 && weight <= WEIGHT_MAX {
        return Some(weight);
    }
    let fix = "write a number above 0, such as 1 or 2.5";
    section.refuse(field, format!("{weight} is not a weight"), fix);
    None
}

fn unweighted(section: &Section<'_>, field: &Field<f64>) -> Option<f64> {
    if field.is_absent() {
        return Some(1.0);
    }
    let fix = "remove weight:, or write weighted: instead of journey:";
    section.refuse(field, "every step of a journey weighs the same", fix);
    None
}
