//! Sloth's files in all their breadth: what each key comes to, what is reported where, and that
//! nothing panics.

mod files;
mod periods;
mod pipeline;
mod plugins;
mod robustness;

use std::cell::RefCell;
use std::fmt::Write;

use super::*;
use crate::config::diagnostic::Diagnostics;
use crate::config::raw::definition::{Alert, Texts};
use crate::config::tree;

/// All SLOs of some files as translated, in the order of the files, and what was found.
fn translate(files: &[(&str, &str)]) -> (String, Diagnostics) {
    let found = RefCell::default();
    let mut shown = String::new();
    let mut sloth = Sloth::default();
    for (name, text) in files {
        let report = Report::new((*name).into(), &found);
        for node in tree::parse(text.as_bytes(), &report).documents {
            sloth.add(report.clone(), node);
        }
    }
    let translated = sloth.translate();
    for translation in &translated.policies {
        let document = translation.document.value().unwrap();
        let name = document.metadata.value().unwrap().name.value();
        writeln!(shown, "policy {}", name.map_or("-", |name| &name.0)).unwrap();
    }
    for translation in &translated.slos {
        show(translation, &mut shown);
    }
    drop(translated);
    (shown, found.into_inner())
}

fn show(translation: &Translating<'_>, out: &mut String) {
    let document = translation.document.value().unwrap();
    let metadata = document.metadata.value().unwrap();
    let spec = document.spec.value().unwrap();
    let name = |field: &Field<crate::config::value::Name>| {
        field.value().map_or("-", |name| name.0.as_str()).to_owned()
    };
    let mut line = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            writeln!(out, "  {key}: {value}").unwrap();
        }
    };
    let id = format!("{}/{}", name(&metadata.service), name(&metadata.name));
    line("id", Some(id));
    line("description", metadata.description.value().cloned());
    line("owner", metadata.owner.value().cloned());
    line("runbook", metadata.runbook.value().map(|url| url.0.clone()));
    line(
        "dashboard",
        metadata.dashboard.value().map(|url| url.0.clone()),
    );
    line("labels", Some(texts(&metadata.labels)));
    line("objective", spec.objective.value().map(f64::to_string));
    if let Some(sli) = spec.sli.value() {
        if let Some(events) = sli.events.value() {
            line("bad", events.bad.value().cloned());
            line("good", events.good.value().cloned());
            line("total", events.total.value().cloned());
        }
        if let Some(ratio) = sli.ratio.value() {
            line("error ratio", ratio.error_ratio.value().cloned());
        }
    }
    if let Some(alerts) = spec.alerts.value() {
        line("page", alert(&alerts.page));
        line("ticket", alert(&alerts.ticket));
        line("info", alert(&alerts.info));
    }
    for note in &translation.notes {
        line("note", Some(note.clone()));
    }
}

fn texts(field: &Field<Texts>) -> String {
    let Some(texts) = field.value() else {
        return "-".to_owned();
    };
    let shown = texts.iter().map(|(name, text)| {
        let text = text.value().map_or("-", String::as_str);
        format!("{name}={text}")
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn alert(field: &Field<Alert>) -> Option<String> {
    let alert = field.value()?;
    if alert.disabled.value() == Some(&true) {
        return Some("disabled".to_owned());
    }
    let name = alert.name.value().map_or("-", String::as_str);
    let (labels, annotations) = (texts(&alert.labels), texts(&alert.annotations));
    Some(format!("{name} [{labels}] [{annotations}]"))
}
