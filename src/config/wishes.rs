//! Wishes of `slofuse tune`: what a definition is to come to, from a file or from words.
//!
//! Every mistake of a file is reported at its place with a fix. What no definition can grant is
//! not known here: that depends on the SLO.

use std::cell::RefCell;
use std::path::Path;

use glob::Pattern;

use super::decode::decode;
use super::diagnostic::{Diagnostics, Report, excerpt};
use super::field::{Field, Section, ValueOr};
use super::raw::wishes::{Detect, ObjectiveRange, SloWishes, WishesFile};
use super::value::{Duration, Fraction};
use super::{files, tree};
use crate::engine::{Objective, SloId, Span};

/// Most bursts that may be wished to be seen.
pub const BURSTS_MAX: usize = 8;
/// Longest time in which a burst may be wished to be seen.
pub const WITHIN_MAX: Span = Span::from_days(1);
/// Bytes of a file of wishes.
const BYTES_MAX: u64 = 1 << 20;
/// Items of `slos`.
const ITEMS_MAX: usize = 1_000;
/// More alerts a week than that are no wish.
const RATE_MAX: f64 = 10_000.0;

/// A burst of errors that somebody is to be paged about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// The share (0..=1) of requests that fail.
    pub error_ratio: f64,
    /// From its start to the page.
    pub within: Span,
}

/// What the proposal is to come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wishes {
    /// At most so many pages a week of 168 hours.
    pub pages_per_week: Option<f64>,
    /// At most so many of them at night.
    pub night_pages_per_week: Option<f64>,
    /// At most so many tickets.
    pub tickets_per_week: Option<f64>,
    /// Bursts that page.
    pub bursts: Vec<Burst>,
    /// The weakest objective that may be promised.
    pub objective_at_least: Option<Objective>,
    /// The strictest one.
    pub objective_at_most: Option<Objective>,
}

impl Wishes {
    /// These, and where they say nothing the others.
    #[must_use]
    pub fn or(self, others: &Self) -> Self {
        Self {
            pages_per_week: self.pages_per_week.or(others.pages_per_week),
            night_pages_per_week: self.night_pages_per_week.or(others.night_pages_per_week),
            tickets_per_week: self.tickets_per_week.or(others.tickets_per_week),
            bursts: match self.bursts.is_empty() {
                true => others.bursts.clone(),
                false => self.bursts,
            },
            objective_at_least: self.objective_at_least.or(others.objective_at_least),
            objective_at_most: self.objective_at_most.or(others.objective_at_most),
        }
    }
}

/// What a file of wishes says.
#[derive(Clone, Debug, Default)]
pub struct WishList {
    /// Of every SLO.
    general: Wishes,
    /// Of those that a pattern fits, in the order of the file.
    special: Vec<(Pattern, Wishes)>,
}

impl WishList {
    /// Reads a file of wishes.
    ///
    /// # Errors
    ///
    /// Every mistake in it.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        match files::read(path, BYTES_MAX) {
            Ok(bytes) => Self::read(&files::name(path), &bytes),
            Err(error) => {
                let found = RefCell::default();
                let report = Report::new(files::name(path), &found);
                let message = format!("the file of wishes cannot be read: {error}");
                let fix = "correct the path or its permissions";
                report.error(report.start(), message, fix);
                Err(found.into_inner())
            }
        }
    }

    /// As [`WishList::load`], from bytes; `name` says in reports where they come from.
    ///
    /// # Errors
    ///
    /// Every mistake.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, Diagnostics> {
        let found = RefCell::default();
        let report = Report::new(name.into(), &found);
        let list = read(bytes, &report);
        let is_empty = |list: &Self| list.general == Wishes::default() && list.special.is_empty();
        if list.as_ref().is_some_and(is_empty) && found.borrow().errors() == 0 {
            let fix = "write for example pages_per_week: 2";
            report.error(report.start(), "nothing is wished for in this file", fix);
        }
        let found = found.into_inner();
        list.filter(|_| found.errors() == 0).ok_or(found)
    }

    /// What is wished of one SLO.
    pub fn of(&self, slo: &SloId) -> Wishes {
        let special = self.special.iter().rev();
        let fitting = special.filter(|(pattern, _)| pattern.matches(slo.as_str()));
        let own = fitting.fold(Wishes::default(), |own, (_, wishes)| own.or(wishes));
        own.or(&self.general)
    }

    /// Patterns that fit none of these SLOs.
    pub fn unused<'s>(&'s self, slos: &[SloId]) -> impl Iterator<Item = &'s str> {
        let fits = |pattern: &Pattern| slos.iter().any(|slo| pattern.matches(slo.as_str()));
        let unused: Vec<&str> = self
            .special
            .iter()
            .filter(|(pattern, _)| !fits(pattern))
            .map(|(pattern, _)| pattern.as_str())
            .collect();
        unused.into_iter()
    }
}

/// `10% within 5m`: a share of requests and a time.
///
/// # Errors
///
/// What is wrong, and how it is written.
pub fn burst(text: &str) -> Result<Burst, String> {
    let example = || "write a share of requests and a time: \"10% within 5m\"".to_owned();
    let (ratio, within) = text.split_once("within").ok_or_else(example)?;
    let Fraction(error_ratio) =
        Fraction::try_from(ratio.trim().to_owned()).map_err(|_| example())?;
    let within = Span::parse(within.trim()).map_err(|error| error.to_string())?;
    bounded(Burst {
        error_ratio,
        within,
    })
}

fn bounded(burst: Burst) -> Result<Burst, String> {
    if burst.error_ratio <= 0.0 {
        return Err("a burst in which nothing fails cannot be seen: write 10% or so".to_owned());
    }
    if burst.within <= Span::ZERO || burst.within > WITHIN_MAX {
        return Err(format!("the time lies between 1s and {WITHIN_MAX}"));
    }
    Ok(burst)
}

fn read(bytes: &[u8], report: &Report<'_>) -> Option<WishList> {
    let tree = tree::parse(bytes, report);
    let mut documents = tree.documents.iter();
    let Some(node) = documents.next() else {
        if tree.complete {
            let fix = "write for example pages_per_week: 2";
            report.error(report.start(), "there are no wishes in this file", fix);
        }
        return None;
    };
    if let Some(second) = documents.next() {
        let fix = "write what is wished of some SLOs below slos:, or in another file";
        report.error(second.mark, "a file of wishes has one document", fix);
    }
    let raw: Field<WishesFile> = decode(node, report);
    list(&raw, &Section::new(report, node.mark, "the file"))
}

fn list(raw: &Field<WishesFile>, section: &Section<'_>) -> Option<WishList> {
    let raw = raw.value()?;
    let general = wishes(
        section,
        Keys {
            rates: [
                &raw.pages_per_week,
                &raw.night_pages_per_week,
                &raw.tickets_per_week,
            ],
            detect: &raw.detect,
            objective: &raw.objective,
        },
    );
    let mut special = Vec::new();
    let items = raw.slos.value().map_or(&[][..], Vec::as_slice);
    if items.len() > ITEMS_MAX {
        let message = format!(
            "these are {} items, and at most {ITEMS_MAX} are read",
            items.len()
        );
        section.refuse(&raw.slos, message, "write patterns such as shop/*");
        return None;
    }
    for field in items {
        let section = section.within(field, "the item");
        let Some(raw) = field.value() else { continue };
        let pattern = pattern(&section, raw);
        let own = wishes(
            &section,
            Keys {
                rates: [
                    &raw.pages_per_week,
                    &raw.night_pages_per_week,
                    &raw.tickets_per_week,
                ],
                detect: &raw.detect,
                objective: &raw.objective,
            },
        );
        if own.as_ref().is_some_and(|own| *own == Wishes::default()) {
            let fix = "write for example pages_per_week: 2, or remove the item";
            section
                .report
                .error(section.mark, "nothing is wished for here", fix);
        }
        special.extend(pattern.zip(own));
    }
    Some(WishList {
        general: general?,
        special,
    })
}

fn pattern(section: &Section<'_>, raw: &SloWishes) -> Option<Pattern> {
    let text = section.required(&raw.slo, "slo")?;
    let is_name = text.split('/').filter(|part| !part.is_empty()).count() == 2 || text == "*";
    if !is_name {
        let message = format!("{:?} names no SLO", excerpt(text));
        section.refuse(
            &raw.slo,
            message,
            "write service/name, or a pattern such as shop/*",
        );
        return None;
    }
    let pattern = Pattern::new(text);
    pattern
        .map_err(|error| {
            let message = format!("{:?} is no pattern: {error}", excerpt(text));
            section.refuse(&raw.slo, message, "* and ? stand for anything");
        })
        .ok()
}

/// The keys that both places have.
struct Keys<'f> {
    /// Pages, pages at night, tickets.
    rates: [&'f Field<f64>; 3],
    detect: &'f Field<Vec<Field<ValueOr<Detect>>>>,
    objective: &'f Field<ObjectiveRange>,
}

/// `None` if any of them was refused.
fn wishes(section: &Section<'_>, keys: Keys<'_>) -> Option<Wishes> {
    let [pages, night, tickets] = keys.rates.map(|field| rate(section, field));
    let bursts = bursts(section, keys.detect);
    let range = section.within(keys.objective, "objective");
    let (least, most) = match keys.objective.value() {
        None => (keys.objective.is_absent().then_some(None), Some(None)),
        Some(raw) => (
            objective(&range, &raw.at_least),
            objective(&range, &raw.at_most),
        ),
    };
    if let (Some(Some(least)), Some(Some(most))) = (least, most)
        && least > most
    {
        let (least, most) = (least.percent(), most.percent());
        let message = format!("the objective cannot be at least {least} and at most {most}");
        range
            .report
            .error(range.mark, message, "exchange the two, or correct them");
    }
    Some(Wishes {
        pages_per_week: pages?,
        night_pages_per_week: night?,
        tickets_per_week: tickets?,
        bursts: bursts?,
        objective_at_least: least?,
        objective_at_most: most?,
    })
}

/// The outer `None` says that it was refused; here and below.
fn rate(section: &Section<'_>, field: &Field<f64>) -> Option<Option<f64>> {
    if field.is_absent() {
        return Some(None);
    }
    section.bounded(field, 0.0, 0.0, RATE_MAX).map(Some)
}

fn objective(section: &Section<'_>, field: &Field<f64>) -> Option<Option<Objective>> {
    let Some(percent) = section.maybe(field)? else {
        return Some(None);
    };
    match Objective::from_percent(percent) {
        Ok(objective) => Some(Some(objective)),
        Err(error) => {
            section.refuse(field, error.to_string(), "write a percentage such as 99.9");
            None
        }
    }
}

fn bursts(section: &Section<'_>, field: &Field<Vec<Field<ValueOr<Detect>>>>) -> Option<Vec<Burst>> {
    if field.is_absent() {
        return Some(Vec::new());
    }
    let items = field.value()?;
    if items.len() > BURSTS_MAX {
        let message = format!("these are {} bursts", items.len());
        section.refuse(field, message, format!("wish for at most {BURSTS_MAX}"));
    }
    let read = |item: &Field<ValueOr<Detect>>| {
        let of_item = section.within(item, "the burst");
        let read = match item.value()? {
            ValueOr::Value(text) => burst(text),
            ValueOr::Section(raw) => {
                let errors = of_item.required(&raw.errors, "errors");
                let within = of_item.required(&raw.within, "within");
                let (Fraction(error_ratio), Duration(within)) = (*errors?, *within?);
                bounded(Burst {
                    error_ratio,
                    within,
                })
            }
        };
        read.map_err(|why| {
            of_item.refuse(item, "this is no burst that can be wished for", why);
        })
        .ok()
    };
    let all: Vec<Option<Burst>> = items.iter().map(read).collect();
    all.into_iter().collect()
}

#[cfg(test)]
mod tests;
