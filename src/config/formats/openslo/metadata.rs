//! Identity, description, labels and annotations of an SLO.
//!
//! The format has no keys for whom to ask and where to look, so people write labels and annotations:
//! `owner` or `team`, `runbook` or `runbook_url`, `dashboard` or `dashboard_url` are taken for what
//! they say, and stay what they are besides.

use crate::config::diagnostic::excerpt;
use crate::config::field::Field;
use crate::config::lint::Lint;
use crate::config::raw::definition::{SloMetadata, Texts};
use crate::config::tree::Mark;
use crate::config::value::{LabelName, Name, WebUrl};

use super::entry::{Entry, Notes};
use super::objects::{Kind, Objects};

/// The label that carries the notification targets of an alert, so that routes can tell them apart.
pub(super) const TARGETS: &str = "openslo_targets";

/// The metadata of an SLO named `name`, which alerts `targets`.
pub(super) fn of_slo(
    metadata: Entry<'_>,
    spec: Entry<'_>,
    name: Field<Name>,
    targets: Field<String>,
    notes: &Notes,
) -> SloMetadata {
    let mut labels = texts(metadata, "labels", notes);
    if !targets.is_absent() {
        labels.entry(TARGETS.to_owned()).or_insert(targets);
    }
    let mut annotations = texts(metadata, "annotations", notes);
    let display_name = metadata.read::<String>("displayName");
    if !display_name.is_absent() {
        let key = "display_name".to_owned();
        annotations.entry(key).or_insert(display_name);
    }
    let field = |texts: Texts, key: &str| match texts.is_empty() {
        true => Field::default(),
        false => Field::at(metadata.at(key).unwrap_or(metadata).mark(), texts),
    };
    let known = |keys: &[&str]| {
        let find = |key: &&str| annotations.get(*key).or_else(|| labels.get(*key));
        keys.iter().find_map(find).cloned().unwrap_or_default()
    };
    let url = |keys: &[&str]| {
        let field = known(keys);
        let url = field
            .value()
            .and_then(|text| WebUrl::try_from(text.clone()).ok());
        url.map_or_else(Field::default, |url| {
            Field::at(field.mark_or(metadata.mark()), url)
        })
    };
    SloMetadata {
        service: Field::default(),
        name,
        owner: known(&["owner", "team"]),
        runbook: url(&["runbook", "runbook_url"]),
        dashboard: url(&["dashboard", "dashboard_url"]),
        description: spec.read("description"),
        labels: field(labels, "labels"),
        annotations: field(annotations, "annotations"),
        ..SloMetadata::default()
    }
}

/// The service that an SLO speaks for.
pub(super) fn service(spec: Entry<'_>, objects: &Objects<'_>) -> Field<Name> {
    match spec.only(&["service", "serviceRef"]) {
        Some(("serviceRef", reference)) => {
            let _known = objects.resolve_if_any(reference, Kind::Service);
            reference.value()
        }
        Some((_, service)) => service.value(),
        None => {
            let fix = "add service: with the name of what it speaks for";
            spec.error("spec lacks the key \"service\"", fix);
            Field::refused(spec.mark())
        }
    }
}

/// Labels or annotations under names that Prometheus allows. Those that are allowed as they stand
/// come first, so that none of them is taken by another.
fn texts(metadata: Entry<'_>, key: &str, notes: &Notes) -> Texts {
    let Some(section) = metadata.section(key) else {
        return Texts::new();
    };
    let is_name = |key: &str| LabelName::try_from(key.to_owned()).is_ok();
    let mut texts = Texts::new();
    let (kept, renamed): (Vec<_>, Vec<_>) = section.entries().partition(|(key, ..)| is_name(key));
    for (key, _, value) in kept {
        texts.insert(key.to_owned(), joined(value));
    }
    for (key, mark, value) in renamed {
        rename(&mut texts, key, mark, value, notes);
    }
    texts
}

fn rename(texts: &mut Texts, key: &str, mark: Mark, value: Entry<'_>, notes: &Notes) {
    let mut name = key.replace(['-', '.', '/'], "_");
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    let (name, short) = (name, excerpt(key));
    if texts.contains_key(&name) {
        let message =
            format!("{short:?} has no effect: as a label name it would be {name}, which is there");
        let fix = "give one of the two another name";
        value.report.lint(Lint::IgnoredKey, mark, message, fix);
        return;
    }
    let fix = format!("write {name} to have one name everywhere");
    notes.add(mark, format!("{short:?} is called {name} here"), fix);
    texts.insert(name, joined(value));
}

/// The text of a label: a list is joined by commas.
fn joined(value: Entry<'_>) -> Field<String> {
    let Some(items) = value.list() else {
        return value.value();
    };
    let items: Vec<Field<String>> = items.iter().map(Entry::value).collect();
    let texts: Option<Vec<&str>> = items
        .iter()
        .map(|item| item.value().map(String::as_str))
        .collect();
    match texts {
        Some(texts) => Field::at(value.mark(), texts.join(",")),
        None => Field::refused(value.mark()),
    }
}
