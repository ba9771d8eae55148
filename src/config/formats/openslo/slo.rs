//! One SLO object as native SLOs: one, or one per objective.

use std::collections::BTreeSet;

use crate::config::field::Field;
use crate::config::formats::{Format, Translation};
use crate::config::raw::definition::{SloDocument, SloSpec};
use crate::config::value::Name;

use super::composite;
use super::entry::{Entry, Notes};
use super::indicator::{self, Context, Measured, Method};
use super::objects::{Object, Objects};
use super::{alerting, metadata, objective, window};

/// What one native SLO is about.
#[derive(Clone, Copy)]
enum Promise<'n> {
    /// One objective, and where its indicator is named.
    One(Entry<'n>, Entry<'n>),
    /// All objectives as one.
    Whole,
}

/// All that an SLO object promises; nothing when it promises nothing that could be read.
pub(super) fn translate<'a>(
    object: &Object<'a>,
    objects: &Objects<'a>,
) -> Vec<Translation<'a, SloDocument>> {
    let entry = object.entry();
    let Some(metadata) = entry.section("metadata") else {
        return Vec::new();
    };
    let Some(spec) = entry.section("spec") else {
        if entry.at("spec").is_none() {
            let fix = "add spec: with service, indicator and objectives";
            entry.error("the SLO lacks the key \"spec\"", fix);
        }
        return Vec::new();
    };
    let objectives = spec.items("objectives");
    let promises = promises(spec, &objectives);
    let names = names(metadata, &objectives, promises.len());
    let slo = Slo {
        entry,
        metadata,
        spec,
        objectives: &objectives,
        objects,
    };
    let all = promises.into_iter().zip(names);
    all.map(|(promise, name)| {
        let notes = Notes::default();
        let document = Field::at(entry.mark(), slo.document(promise, name, &notes));
        let mut translation = Translation::new(Format::OpenSlo, object.report.clone(), document);
        for note in notes.all() {
            translation.note(note.mark, note.message, note.fix);
        }
        translation
    })
    .collect()
}

/// Which native SLOs there are.
fn promises<'n>(spec: Entry<'n>, objectives: &[Entry<'n>]) -> Vec<Promise<'n>> {
    let [first, rest @ ..] = objectives else {
        let fix = "add objectives: with one that has a target:";
        spec.error("the SLO has no objectives", fix);
        return Vec::new();
    };
    let own = |objective: &Entry<'n>| indicator::is_at(*objective);
    let some_own = objectives.iter().any(own);
    if indicator::is_at(spec) {
        if let Some(objective) = objectives.iter().find(|objective| own(objective)) {
            let fix = "keep the indicator of the SLO, or give every objective its own";
            let message = "both the SLO and this objective have an indicator";
            objective.error(message, fix);
        }
        return objectives
            .iter()
            .map(|objective| Promise::One(*objective, spec))
            .collect();
    }
    // The metrics of v1alpha stand in the objectives, of which each is an SLO of its own.
    let old = |objective: &Entry<'n>| objective.at("ratioMetrics").is_some();
    if rest.is_empty() || !some_own || objectives.iter().any(old) {
        if !own(first) || (some_own && !objectives.iter().all(own)) {
            let missing = objectives.iter().find(|objective| !own(objective));
            let fix = "add indicator: with a ratioMetric: or a thresholdMetric:";
            let place = if some_own { missing.copied() } else { None };
            place.unwrap_or(spec).error("the SLO has no indicator", fix);
        }
        return objectives
            .iter()
            .map(|objective| Promise::One(*objective, *objective))
            .collect();
    }
    vec![Promise::Whole]
}

/// The names of as many native SLOs.
fn names(metadata: Entry<'_>, objectives: &[Entry<'_>], count: usize) -> Vec<Field<Name>> {
    let Some(entry) = metadata.at("name") else {
        return (0..count)
            .map(|_| Field::refused(metadata.mark()))
            .collect();
    };
    let whole = entry.value::<Name>();
    let Some(Name(name)) = whole.value().filter(|_| count > 1) else {
        return (0..count).map(|_| whole.clone()).collect();
    };
    let display = |objective: &Entry<'_>| {
        let slug = slug(objective.at("displayName")?.text()?)?;
        Name::try_from(format!("{name}-{slug}")).ok()
    };
    let displayed: Option<BTreeSet<Name>> = objectives.iter().map(display).collect();
    let distinct = displayed.is_some_and(|names| names.len() == objectives.len());
    let all = objectives.iter().enumerate().map(|(at, objective)| {
        let numbered = || Name::try_from(format!("{name}-{at}")).ok();
        let name = if distinct {
            display(objective)
        } else {
            numbered()
        };
        name.map_or_else(
            || {
                let message = "the name has no room for the number of an objective";
                entry.error(message, "write a shorter name, or one objective only");
                Field::refused(entry.mark())
            },
            |name| Field::at(entry.mark(), name),
        )
    });
    all.collect()
}

/// A display name as part of a name: lower case, words joined by hyphens.
pub(super) fn slug(display_name: &str) -> Option<String> {
    const CHARS_MAX: usize = 63;
    let lower = display_name.to_lowercase();
    let words = lower.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let slug = words.join("-");
    let usable = slug.starts_with(|c: char| c.is_ascii_alphanumeric()) && slug.len() <= CHARS_MAX;
    usable.then_some(slug)
}

struct Slo<'n> {
    entry: Entry<'n>,
    metadata: Entry<'n>,
    spec: Entry<'n>,
    objectives: &'n [Entry<'n>],
    objects: &'n Objects<'n>,
}

impl Slo<'_> {
    fn document(&self, promise: Promise<'_>, name: Field<Name>, notes: &Notes) -> SloDocument {
        let spec = self.spec;
        let window = window::of_spec(spec, notes);
        let alerting = alerting::of_spec(spec, window.length, self.objects, notes);
        let (objective, measured) = self.promised(promise, notes);
        let mut metadata = metadata::of_slo(self.metadata, spec, name, alerting.targets, notes);
        metadata.service = metadata::service(spec, self.objects);
        let at = |text: &str| Field::at(self.entry.mark(), text.to_owned());
        SloDocument {
            api_version: at("slofuse/v1"),
            kind: at("SLO"),
            metadata: Field::at(self.metadata.mark(), metadata),
            spec: Field::at(
                spec.mark(),
                SloSpec {
                    objective,
                    period: window.period,
                    policy: alerting.policy,
                    group_by: measured.group_by,
                    sli: measured.sli,
                    ..SloSpec::default()
                },
            ),
        }
    }

    /// The objective in percent, and what is measured for it.
    fn promised(&self, promise: Promise<'_>, notes: &Notes) -> (Field<f64>, Measured) {
        let measured = |sli| Measured {
            sli,
            group_by: Field::default(),
        };
        let Some(method) = Method::of_spec(self.spec, notes) else {
            let mark = self.spec.mark();
            return (Field::refused(mark), measured(Field::refused(mark)));
        };
        let context = Context {
            objects: self.objects,
            notes,
            method,
        };
        match promise {
            Promise::One(objective, holder) => (
                objective::percent(objective),
                indicator::measured(holder, objective, context),
            ),
            Promise::Whole => {
                let whole = composite::of(self.spec, self.objectives, context);
                (whole.objective, measured(whole.sli))
            }
        }
    }
}
