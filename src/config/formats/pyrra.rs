//! Pyrra: documents in, native ones out.
//!
//! Its four alerts become the tiers of a policy of the objective's own, at the same windows, with
//! the same factors and delays. Pyrra has no services: an objective belongs to the service that its
//! label `pyrra.dev/service` names, or else to its namespace, so that objectives of the same name
//! in two namespaces stay apart.

mod alerting;
mod indicator;
mod raw;
mod tiers;

use std::collections::BTreeMap;

use super::{Format, Translated, Translation};
use crate::config::decode::decode;
use crate::config::diagnostic::{Report, excerpt};
use crate::config::field::{Field, Section, ValueOr};
use crate::config::lint::Lint;
use crate::config::nearest::suggestion;
use crate::config::raw::definition::{SloDocument, SloMetadata, SloSpec, Texts};
use crate::config::tree::{Mark, Node};
use crate::config::value::{LabelName, Name, WebUrl};

use indicator::Measured;
use raw::{Alerting, Document, Metadata, Spec};

/// A native document in the making.
type Made<'a> = Translation<'a, SloDocument>;

const API_VERSION: &str = "pyrra.dev/v1alpha1";
const KIND: &str = "ServiceLevelObjective";
/// What labels and annotations begin with that Pyrra hands on to alerts.
const HANDED_ON: &str = "pyrra.dev/";
/// The service of an objective that names neither one nor a namespace.
const SERVICE_DEFAULT: &str = "pyrra";

/// The Pyrra documents of all files.
#[derive(Default)]
pub(super) struct Pyrra<'a> {
    documents: Vec<(Report<'a>, Node)>,
}

impl<'a> Pyrra<'a> {
    /// Takes one document.
    pub(super) fn add(&mut self, report: Report<'a>, document: Node) {
        self.documents.push((report, document));
    }

    /// Translates all of them.
    pub(super) fn translate(self) -> Translated<'a> {
        let documents = self.documents.into_iter();
        let slos = documents.filter_map(|(report, node)| translate(report, &node));
        let mut slos: Vec<Made<'a>> = slos.collect();
        note_shared_names(&mut slos);
        Translated {
            slos,
            ..Translated::default()
        }
    }
}

fn translate<'a>(report: Report<'a>, node: &Node) -> Option<Made<'a>> {
    let lenient = report.clone().passing_over_unknown_keys();
    let decoded: Field<Document> = decode(node, &lenient);
    let document = decoded.value()?;
    let mut made = Translation::new(Format::Pyrra, report, Field::default());
    is_known(
        &document.api_version,
        API_VERSION,
        "apiVersion",
        &made,
        node,
    )?;
    is_known(&document.kind, KIND, "kind", &made, node)?;
    let report = made.report.clone();
    let root = Section::new(&report, node.mark, "the objective");
    let metadata = root.section(&document.metadata, "metadata");
    let spec = root.section(&document.spec, "spec");
    let (spec, mut labels) = match spec {
        Some((section, raw)) => {
            let (spec, labels) = translate_spec(&mut made, &section, raw);
            (Field::at(section.mark, spec), labels)
        }
        None => (Field::refused(node.mark), Texts::new()),
    };
    let metadata = match metadata {
        Some((section, raw)) => {
            let description = document.spec.value().map(|spec| spec.description.clone());
            let mut metadata = translate_metadata(&mut made, &section, raw, &mut labels);
            metadata.description = description.unwrap_or_default();
            Field::at(section.mark, metadata)
        }
        None => Field::refused(node.mark),
    };
    let slo = SloDocument {
        api_version: Field::at(node.mark, "slofuse/v1".to_owned()),
        kind: Field::at(node.mark, "SLO".to_owned()),
        metadata,
        spec,
    };
    made.document = Field::at(node.mark, slo);
    Some(made)
}

/// Reports an `apiVersion` or `kind` that is another one.
fn is_known(
    field: &Field<String>,
    known: &str,
    key: &'static str,
    made: &Made<'_>,
    node: &Node,
) -> Option<()> {
    let section = Section::new(&made.report, node.mark, "the document");
    let text = section.required(field, key)?;
    if text == known {
        return Some(());
    }
    let message = format!("the {key} {:?} is not known", excerpt(text));
    section.refuse(field, message, suggestion(text, [known]));
    None
}

/// The `spec`, and the labels that its indicator gives to alerts.
fn translate_spec(made: &mut Made<'_>, section: &Section<'_>, raw: &Spec) -> (SloSpec, Texts) {
    let target = section.required(&raw.target, "target").copied();
    let window = section
        .required(&raw.window, "window")
        .map(|window| window.0);
    if let Some(ratio) = target.filter(|target| 0.0 < *target && *target < 1.0) {
        let message = format!("the target {ratio} is read as {ratio} percent");
        let fix = "write percent, such as target: \"99.9\"";
        section.report.lint(
            Lint::SuspectObjective,
            raw.target.mark_or(section.mark),
            message,
            fix,
        );
    }
    let measured = match section.section(&raw.indicator, "indicator") {
        Some((section, raw)) => indicator::translate(made, &section, raw),
        None => Measured::refused(section.mark),
    };
    let unwritten = Alerting::default();
    let alerting = raw.alerting.value().unwrap_or(&unwritten);
    let alerting_section = section.within(&raw.alerting, "alerting");
    let alerts = alerting::Promise {
        target,
        window,
        window_at: raw.window.mark_or(section.mark),
        of_native_histogram: measured.of_native_histogram,
    }
    .translate(made, &alerting_section, alerting);
    note_what_has_no_meaning(made, section, raw);
    let spec = SloSpec {
        objective: present(&raw.target, section.mark),
        period: present(&raw.window, section.mark).map(|window| ValueOr::Value(window.to_string())),
        policy: alerts.policy,
        alerts: alerts.alerts,
        group_by: measured.group_by,
        sli: measured.sli,
        ..SloSpec::default()
    };
    (spec, measured.labels)
}

/// A field that is demanded: when it is absent, that has been reported.
fn present<T: Clone>(field: &Field<T>, section: Mark) -> Field<T> {
    if field.is_absent() {
        Field::refused(section)
    } else {
        field.clone()
    }
}

/// Settings of the recording rules that slofuse does without.
fn note_what_has_no_meaning(made: &mut Made<'_>, section: &Section<'_>, raw: &Spec) {
    const FIX: &str = "remove the key once Pyrra no longer reads this file";
    if raw.performance_over_accuracy.value().is_some_and(|on| on.0) {
        let mark = raw.performance_over_accuracy.mark_or(section.mark);
        let message = "performanceOverAccuracy has no meaning here: every sample is read once, \
                       and no window is an estimate";
        made.note(mark, message, FIX);
    }
    if !raw.rule_output.is_absent() {
        let mark = raw.rule_output.mark_or(section.mark);
        let message = "ruleOutput has no meaning here: there are no recording rules";
        made.note(mark, message, FIX);
    }
    let strategy = &raw.partial_response_strategy;
    if strategy
        .value()
        .is_some_and(|strategy| !matches!(strategy.as_str(), "" | "abort"))
    {
        let message = "partial_response_strategy has no meaning here: nothing is decided on a \
                       partial answer";
        made.note(strategy.mark_or(section.mark), message, FIX);
    }
}

fn translate_metadata(
    made: &mut Made<'_>,
    section: &Section<'_>,
    raw: &Metadata,
    matched: &mut Texts,
) -> SloMetadata {
    section.required(&raw.name, "name");
    let mut labels = Texts::new();
    if let Some(Name(name)) = raw.name.value() {
        let name = Field::at(raw.name.mark_or(section.mark), name.clone());
        labels.insert("slo".to_owned(), name);
    }
    labels.extend(handed_on(made, &raw.labels));
    let service = service(section, raw, &labels);
    let annotations = handed_on_as_is(&raw.annotations);
    // As in Pyrra, what the indicator selects by has the last word.
    labels.append(matched);
    let texts = [&annotations, &labels];
    SloMetadata {
        service,
        name: present(&raw.name, section.mark),
        owner: first(&texts, &["owner", "team"]).unwrap_or_default(),
        runbook: url(&texts, &["runbook", "runbook_url"]),
        dashboard: url(&texts, &["dashboard", "dashboard_url"]),
        labels: texts_at(section.mark, labels),
        annotations: texts_at(section.mark, annotations),
        ..SloMetadata::default()
    }
}

fn texts_at(mark: Mark, texts: Texts) -> Field<Texts> {
    if texts.is_empty() {
        Field::default()
    } else {
        Field::at(mark, texts)
    }
}

/// The service that the author names, or the namespace.
fn service(section: &Section<'_>, raw: &Metadata, labels: &Texts) -> Field<Name> {
    let Some(label) = labels.get("service") else {
        return if raw.namespace.is_absent() {
            Field::at(section.mark, Name(SERVICE_DEFAULT.to_owned()))
        } else {
            raw.namespace.clone()
        };
    };
    let mark = label.mark_or(section.mark);
    match label.value().map(|text| Name::try_from(text.clone())) {
        Some(Ok(name)) => Field::at(mark, name),
        Some(Err(malformed)) => {
            let text = malformed.to_string();
            let (message, fix) = text
                .split_once('\n')
                .unwrap_or((&text, "correct the label"));
            section.report.error(mark, message, fix);
            Field::refused(mark)
        }
        None => Field::refused(mark),
    }
}

/// Labels that go to alerts, under names that a label can have.
fn handed_on(made: &mut Made<'_>, field: &Field<Texts>) -> Texts {
    let mut labels = Texts::new();
    for (name, value) in handed_on_as_is(field) {
        if LabelName::try_from(name.clone()).is_ok() {
            labels.insert(name, value);
            continue;
        }
        let legal = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let renamed: String = name.chars().map(legal).collect();
        let renamed = if renamed.starts_with(|c: char| c.is_ascii_digit()) {
            format!("_{renamed}")
        } else {
            renamed
        };
        if LabelName::try_from(renamed.clone()).is_err() {
            continue;
        }
        let message = format!(
            "{:?} is no label name, so the label is called {renamed:?}",
            excerpt(&name)
        );
        let fix = "use letters, digits and _ after pyrra.dev/";
        made.note(value.mark_or(made.report.start()), message, fix);
        labels.entry(renamed).or_insert(value);
    }
    labels
}

fn handed_on_as_is(field: &Field<Texts>) -> Texts {
    let texts = field.value().into_iter().flatten();
    texts
        .filter_map(|(key, value)| Some((key.strip_prefix(HANDED_ON)?.to_owned(), value.clone())))
        .collect()
}

/// The first of these texts that is written.
fn first(texts: &[&Texts], keys: &[&str]) -> Option<Field<String>> {
    let mut all = texts
        .iter()
        .flat_map(|texts| keys.iter().map(|key| texts.get(*key)));
    all.find_map(|text| text.cloned())
}

/// The first of these texts, if it is a URL; what is none stays a text for people.
fn url(texts: &[&Texts], keys: &[&str]) -> Field<WebUrl> {
    let Some(text) = first(texts, keys) else {
        return Field::default();
    };
    match text.value().map(|text| WebUrl::try_from(text.clone())) {
        Some(Ok(url)) => text.map(|_| url),
        _ => Field::default(),
    }
}

/// Pyrra tells objectives apart by name alone, so those of two namespaces share their alerts.
fn note_shared_names(slos: &mut [Made<'_>]) {
    let mut seen = BTreeMap::new();
    for made in slos {
        let metadata = made.document.value().and_then(|slo| slo.metadata.value());
        let Some(metadata) = metadata else { continue };
        let names = (metadata.name.value(), metadata.service.value());
        let (Some(name), Some(service)) = names else {
            continue;
        };
        let mark = metadata.name.mark_or(made.report.start());
        let (name, service) = (name.clone(), service.clone());
        let place = made.report.place(mark);
        let (first_service, first_place) = seen
            .entry(name.clone())
            .or_insert_with(|| (service.clone(), place));
        if *first_service != service {
            let message = format!(
                "Pyrra does not tell this {:?} from the one at {first_place}; here they are two: \
                 {}/{} and {}/{}",
                name.0, first_service.0, name.0, service.0, name.0,
            );
            made.note(
                mark,
                message,
                "rename one of the two if Pyrra still reads them",
            );
        }
    }
}

#[cfg(test)]
mod tests;
