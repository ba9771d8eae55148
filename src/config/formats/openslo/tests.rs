//! From documents of all three versions to native ones, and every way in which they can be wrong.

use std::cell::RefCell;
use std::fmt::Write as _;

use super::*;
use crate::config::diagnostic::Diagnostics;
use crate::config::field::{Field, ValueOr};
use crate::config::raw::definition::{Events, Sli, SloDocument, SloPolicy, TimeSlices};
use crate::config::tree;

/// What the documents of some files come to, and what is said about them.
fn translate(files: &[(&str, &str)]) -> (Vec<String>, Diagnostics) {
    let found = RefCell::default();
    let mut openslo = OpenSlo::default();
    for (name, text) in files {
        let report = Report::new((*name).into(), &found);
        for node in tree::parse(text.as_bytes(), &report).documents {
            openslo.add(report.clone(), node);
        }
    }
    let slos = openslo.translate().slos;
    let shown = slos
        .iter()
        .map(|slo| show(slo.document.value().unwrap()))
        .collect();
    (shown, found.into_inner())
}

/// Every value that a definition has, in few lines; `!` where one was refused.
fn show(slo: &SloDocument) -> String {
    let metadata = slo.metadata.value().unwrap();
    let spec = slo.spec.value().unwrap();
    let mut out = format!(
        "{}/{} {}%",
        text(&metadata.service.clone().map(|name| name.0)),
        text(&metadata.name.clone().map(|name| name.0)),
        text(&spec.objective),
    );
    match spec.period.value() {
        Some(ValueOr::Value(period)) => write!(out, " of {period}").unwrap(),
        Some(ValueOr::Section(period)) => {
            let unit = period.calendar.value().unwrap().as_str();
            let zone = text(&period.zone.clone().map(|zone| zone.0.name().to_owned()));
            write!(out, " of a {unit} ({zone})").unwrap();
        }
        None => write!(out, " of {}", text(&Field::<String>::default())).unwrap(),
    }
    for (what, texts) in [
        ("labels", &metadata.labels),
        ("annotations", &metadata.annotations),
    ] {
        for (key, value) in texts.value().into_iter().flatten() {
            write!(out, "\n{what} {key}={}", text(value)).unwrap();
        }
    }
    if let Some(description) = metadata.description.value() {
        write!(out, "\n{description}").unwrap();
    }
    sli(&mut out, "", &spec.sli);
    match spec.policy.value() {
        None if spec.policy.is_absent() => {}
        None => out.push_str("\npolicy !"),
        Some(ValueOr::Value(name)) => write!(out, "\npolicy {name}").unwrap(),
        Some(ValueOr::Section(own)) => policy(&mut out, own),
    }
    out
}

fn text<T: std::fmt::Display>(field: &Field<T>) -> String {
    match field.value() {
        Some(value) => value.to_string(),
        None if field.is_absent() => "-".to_owned(),
        None => "!".to_owned(),
    }
}

fn sli(out: &mut String, indent: &str, field: &Field<Sli>) {
    let Some(sli) = field.value() else {
        write!(out, "\n{indent}sli {}", text(&field.clone_as_text())).unwrap();
        return;
    };
    if let Some(found) = sli.events.value() {
        events(out, indent, found);
    }
    if let Some(TimeSlices {
        condition,
        good_ratio,
        events: per_slice,
        target,
        slice,
    }) = sli.time_slices.value()
    {
        let target = text(&target.clone().map(|target| target.0));
        write!(out, "\n{indent}slices of {} from {target}", text(slice)).unwrap();
        for (name, query) in [("condition", condition), ("good_ratio", good_ratio)] {
            if !query.is_absent() {
                write!(out, "\n{indent}{name}: {}", text(query)).unwrap();
            }
        }
        if let Some(found) = per_slice.value() {
            events(out, indent, found);
        }
    }
    if let Some(ratio) = sli.ratio.value() {
        for (name, query) in [
            ("error_ratio", &ratio.error_ratio),
            ("good_ratio", &ratio.good_ratio),
        ] {
            if !query.is_absent() {
                write!(out, "\n{indent}{name}: {}", text(query)).unwrap();
            }
        }
    }
    for step in sli.weighted.value().into_iter().flatten() {
        let step = step.value().unwrap();
        let name = text(&step.name.clone().map(|name| name.0));
        write!(out, "\n{indent}{name} x {}", text(&step.weight)).unwrap();
        self::sli(out, "  ", &step.sli);
    }
}

fn events(out: &mut String, indent: &str, events: &Events) {
    for (name, query) in [
        ("bad", &events.bad),
        ("good", &events.good),
        ("total", &events.total),
    ] {
        if !query.is_absent() {
            write!(out, "\n{indent}{name}: {}", text(query)).unwrap();
        }
    }
}

fn policy(out: &mut String, policy: &SloPolicy) {
    for tier in policy.tiers.value().into_iter().flatten() {
        let tier = tier.value().unwrap();
        write!(
            out,
            "\n{} at {:.4} of the budget in {}/{} after {}, {} events",
            text(&tier.severity),
            tier.budget.value().unwrap().0,
            text(&tier.long),
            text(&tier.short),
            text(&tier.pending),
            text(&tier.minimum_events),
        )
        .unwrap();
        for (key, value) in tier.labels.value().into_iter().flatten() {
            write!(out, " {key}={}", text(value)).unwrap();
        }
    }
    for (window, change) in policy.vary.value().into_iter().flatten() {
        let off = text(&change.value().unwrap().disabled);
        write!(out, "\nwithout {window}: {off}").unwrap();
    }
    if let Some(ValueOr::Value(blind)) = policy.blind.value() {
        write!(out, "\nblind: {blind}").unwrap();
    }
}

impl Field<Sli> {
    fn clone_as_text(&self) -> Field<String> {
        match self.is_absent() {
            true => Field::default(),
            false => Field::refused(crate::config::tree::Mark::start(0)),
        }
    }
}

#[test]
fn adhoc() {
    let Ok(list) = std::env::var("OPENSLO_FILES") else {
        return;
    };
    for path in list.split(':') {
        let text = std::fs::read_to_string(path).unwrap();
        let (slos, found) = translate(&[(path.rsplit('/').next().unwrap(), &text)]);
        println!("=== {path}");
        for slo in slos {
            println!("{slo}\n");
        }
        println!("{found}");
    }
}
