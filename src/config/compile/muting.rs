//! What keeps alerts quiet: inhibition and maintenance; and the matchers that all of it is about.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::diagnostic::excerpt;
use crate::config::field::{Field, Section, ValueOr};
use crate::config::lint::Lint;
use crate::config::nearest::suggestion;
use crate::config::raw::settings as raw;
use crate::config::value::Name;
use crate::engine::{
    DependencyPolicy, InhibitRule, Maintenance, MaintenanceTime, Matcher, TimeInterval,
    parse_matchers,
};

use super::interval;

/// Matchers of all lists of a settings file's part that is evaluated per alert.
pub(super) const MATCHERS_MAX: usize = 10_000;
/// Inhibition rules.
const INHIBIT_RULES_MAX: usize = 1_000;
/// Maintenance windows.
const MAINTENANCE_MAX: usize = 1_000;

/// The matchers of a list; an absent one is empty.
pub(super) fn matchers(
    section: &Section<'_>,
    field: &Field<Vec<Field<String>>>,
) -> Option<Vec<Matcher>> {
    if field.is_absent() {
        return Some(Vec::new());
    }
    let mut matchers = Vec::new();
    let mut sound = true;
    for item in field.value()? {
        let Some(text) = item.value() else {
            sound = false;
            continue;
        };
        let fix = r#"write it like severity="page" or service=~"shop|cart""#;
        match parse_matchers(text) {
            Ok(found) if found.is_empty() => {
                section.refuse(item, "this is no matcher", fix);
                sound = false;
            }
            Ok(found) => matchers.extend(found),
            Err(error) => {
                let mark = item.mark_at(error.offset, section.mark);
                let message = format!("this is no matcher: {error}");
                section.report.error(mark, message, fix);
                sound = false;
            }
        }
    }
    sound.then_some(matchers)
}

/// Matchers that must be there, at least one.
fn some_matchers(
    section: &Section<'_>,
    field: &Field<Vec<Field<String>>>,
    key: &str,
) -> Option<Vec<Matcher>> {
    section.required(field, key)?;
    let matchers = matchers(section, field)?;
    if matchers.is_empty() {
        let message = format!("without {key} this would be about every alert");
        section.refuse(
            field,
            message,
            r#"write at least one, such as severity="page""#,
        );
        return None;
    }
    Some(matchers)
}

/// The rules of inhibition.
pub(super) fn inhibit_rules(
    section: &Section<'_>,
    field: &Field<Vec<Field<raw::InhibitRule>>>,
) -> Option<Vec<InhibitRule>> {
    let written = bounded(section, field, INHIBIT_RULES_MAX, "inhibition rules")?;
    let mut names = BTreeSet::new();
    let compiled: Vec<Option<InhibitRule>> = written
        .iter()
        .enumerate()
        .map(|(at, item)| {
            let raw = item.value()?;
            let section = section.within(item, "the rule");
            let place = format!("inhibit_rules[{at}]");
            let name = section.or(&raw.name, Name(place)).map(|Name(name)| name);
            unique(
                &section,
                &raw.name,
                name.as_ref(),
                &mut names,
                "inhibition rules",
            );
            let source = some_matchers(&section, &raw.source_matchers, "source_matchers");
            let target = some_matchers(&section, &raw.target_matchers, "target_matchers");
            let equal = label_names(&section, &raw.equal);
            Some(InhibitRule {
                name: name?,
                source: source?,
                target: target?,
                equal: equal?,
            })
        })
        .collect();
    compiled.into_iter().collect()
}

/// Names of labels, each once.
pub(super) fn label_names(
    section: &Section<'_>,
    field: &Field<Vec<Field<String>>>,
) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for item in section.or(field, Vec::new())? {
        let name = item.value()?;
        if name.is_empty() {
            section.refuse(&item, "the name of the label is empty", "name a label");
        } else if names.contains(name) {
            let message = format!("{:?} is listed twice", excerpt(name));
            section.refuse(&item, message, "remove one");
        } else {
            names.push(name.clone());
        }
    }
    Some(names)
}

/// The maintenance windows.
pub(super) fn maintenance(
    section: &Section<'_>,
    field: &Field<Vec<Field<raw::Maintenance>>>,
    intervals: Option<&BTreeMap<String, Vec<TimeInterval>>>,
) -> Option<Vec<Maintenance>> {
    let written = bounded(section, field, MAINTENANCE_MAX, "maintenance windows")?;
    let mut names = BTreeSet::new();
    let compiled: Vec<Option<Maintenance>> = written
        .iter()
        .map(|item| {
            let raw = item.value()?;
            let section = section.within(item, "the window");
            let name = section.required(&raw.name, "name").map(|Name(name)| name);
            unique(&section, &raw.name, name, &mut names, "maintenance windows");
            section.required(&raw.matchers, "matchers");
            let matchers = matchers(&section, &raw.matchers);
            let when = when(&section, raw, intervals);
            let exclude_from_budget = section.or(&raw.exclude_from_budget, false);
            Some(Maintenance {
                name: name?.clone(),
                matchers: matchers?,
                when: when?,
                exclude_from_budget: exclude_from_budget?,
            })
        })
        .collect();
    compiled.into_iter().collect()
}

fn when(
    section: &Section<'_>,
    raw: &raw::Maintenance,
    intervals: Option<&BTreeMap<String, Vec<TimeInterval>>>,
) -> Option<MaintenanceTime> {
    let once = raw.from.is_absent() && raw.until.is_absent();
    let kinds = [
        ("from", once),
        ("time_intervals", raw.time_intervals.is_absent()),
    ];
    if section.one_of(kinds)? == "time_intervals" {
        return recurring(section, &raw.time_intervals, intervals);
    }
    let from = section.required(&raw.from, "from");
    let until = section.required(&raw.until, "until");
    let (from, until) = (from?.0, until?.0);
    if until <= from {
        let message = "until is not after from";
        section.refuse(
            &raw.until,
            message,
            "write a later instant, or swap the two",
        );
        return None;
    }
    Some(MaintenanceTime::Once { from, until })
}

fn recurring(
    section: &Section<'_>,
    field: &Field<Vec<Field<ValueOr<raw::TimeInterval>>>>,
    intervals: Option<&BTreeMap<String, Vec<TimeInterval>>>,
) -> Option<MaintenanceTime> {
    let written = field.value()?;
    if written.is_empty() {
        let fix = "name an interval, or write one";
        section.refuse(field, "this window would never be open", fix);
        return None;
    }
    let one = |item: &Field<ValueOr<raw::TimeInterval>>| match item.value()? {
        ValueOr::Section(raw) => {
            interval::interval(&section.within(item, "the interval"), raw).map(|one| vec![one])
        }
        ValueOr::Value(name) => {
            let intervals = intervals?;
            let found = intervals.get(name);
            if found.is_none() {
                unknown_interval(section, item, name, intervals);
            }
            found.cloned()
        }
    };
    let all: Vec<Option<Vec<TimeInterval>>> = written.iter().map(one).collect();
    let all: Option<Vec<Vec<TimeInterval>>> = all.into_iter().collect();
    Some(MaintenanceTime::Recurring(
        all?.into_iter().flatten().collect(),
    ))
}

/// Reports the name of an interval that there is not.
pub(super) fn unknown_interval<T>(
    section: &Section<'_>,
    field: &Field<T>,
    name: &str,
    intervals: &BTreeMap<String, Vec<TimeInterval>>,
) {
    let message = format!("there is no time interval called {:?}", excerpt(name));
    let fix = match intervals.is_empty() {
        true => "define it under time_intervals:".to_owned(),
        false => suggestion(name, intervals.keys().map(String::as_str)),
    };
    let mark = field.mark_or(section.mark);
    section
        .report
        .lint(Lint::UnknownReference, mark, message, fix);
}

/// What pages do to those that depend on their SLO.
pub(super) fn dependencies(
    section: &Section<'_>,
    field: &Field<raw::Dependencies>,
) -> Option<DependencyPolicy> {
    Some(match section.or(field, raw::Dependencies::Annotate)? {
        raw::Dependencies::Annotate => DependencyPolicy::Annotate,
        raw::Dependencies::Mute => DependencyPolicy::Mute,
    })
}

/// A list of at most so many entries; an absent one is empty.
pub(super) fn bounded<'f, T>(
    section: &Section<'_>,
    field: &'f Field<Vec<T>>,
    max: usize,
    what: &str,
) -> Option<&'f [T]> {
    if field.is_absent() {
        return Some(&[]);
    }
    let list = field.value()?;
    if list.len() > max {
        let message = format!("there are {} {what}", list.len());
        section.refuse(field, message, format!("write at most {max}"));
        return None;
    }
    Some(list)
}

/// Reports a name that is taken.
pub(super) fn unique<T>(
    section: &Section<'_>,
    field: &Field<T>,
    name: Option<&String>,
    names: &mut BTreeSet<String>,
    what: &str,
) {
    if let Some(name) = name
        && !names.insert(name.clone())
    {
        let message = format!("there are two {what} called {:?}", excerpt(name));
        section.refuse(field, message, "rename one of the two");
    }
}
