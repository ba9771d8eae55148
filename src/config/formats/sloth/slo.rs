//! One entry of `slos`: to a native SLO, each field at its place.

use crate::config::diagnostic::Report;
use crate::config::field::{Field, ValueOr};
use crate::config::formats::{Format, Translation};
use crate::config::raw::definition::{
    Alert, Alerts, Period, SloDocument, SloMetadata, SloPolicy, SloSpec, Texts,
};
use crate::config::tree::{Mark, Node};
use crate::config::value::Name;

use super::Translating;
use super::alerting::{Alerting, alerting, fill};
use super::chain::{self, Chain, Effects};
use super::labels::{Labels, Later, first, first_url};
use super::reader::{Keys, Spelling, text};
use super::sli::sli;
use super::windows::{Catalogue, Choice};

/// What the SLOs of a file share.
pub(super) struct File<'n> {
    pub(super) spelling: Spelling,
    pub(super) service: Field<String>,
    pub(super) labels: Texts,
    pub(super) chain: Chain<'n>,
}

/// Translates one SLO; `None` when nothing can be made of it, which is then reported.
pub(super) fn translate<'a>(
    node: &Node,
    file: &File<'_>,
    windows: &Catalogue,
    report: &Report<'a>,
) -> Option<Translating<'a>> {
    let mut translation = Translation::new(Format::Sloth, report.clone(), Field::default());
    let mut keys = Keys::open(node, "the SLO", file.spelling, report)?;
    let mark = keys.mark;
    let name = match keys.required("name") {
        Some(node) => text(node, report),
        None => Field::refused(mark),
    };
    let description = keys.text("description");
    let objective = objective(&mut keys);
    let labels = labels(&mut keys, file, &name);
    let own_chain = chain::chain(&mut keys, "plugins");
    let sli = sli(&mut keys, objective.value().copied(), &mut translation);
    let mut alerting = alerting(&mut keys, &labels.texts, &mut translation);
    keys.finish();
    let by_events = sli.value().is_none_or(|sli| !sli.events.is_absent());
    let mut effects = chain::apply(&file.chain, &own_chain, by_events, &mut translation);
    let period = labels.period.as_ref();
    let wanted = period.and_then(|field| Some((field.mark_or(mark), field.value()?.as_str())));
    let choice = windows.choose(wanted, mark, report);
    let info = info(
        std::mem::take(&mut effects.info),
        &labels.texts,
        &mut translation,
    );
    let alerts = alerts(
        std::mem::take(&mut alerting.alerts),
        info,
        effects.no_alerts,
    );
    let metadata = SloMetadata {
        service: named(&file.service, mark, report),
        name: named(&name, mark, report),
        description,
        ..metadata(mark, labels.texts, &alerting)
    };
    let spec = SloSpec {
        objective,
        period: period_of(choice.as_ref(), mark),
        policy: policy_of(choice.as_ref(), effects, mark),
        alerts: Field::at(mark, alerts),
        sli,
        ..SloSpec::default()
    };
    let document = SloDocument {
        api_version: Field::at(mark, "slofuse/v1".to_owned()),
        kind: Field::at(mark, "SLO".to_owned()),
        metadata: Field::at(mark, metadata),
        spec: Field::at(mark, spec),
    };
    translation.document = Field::at(mark, document);
    Some(translation)
}

fn objective(keys: &mut Keys<'_, '_>) -> Field<f64> {
    if keys.required("objective").is_none() {
        return Field::refused(keys.mark);
    }
    let objective = keys.parsed("objective", "a number", "write a percentage such as 99.9");
    match objective.value() {
        Some(percent) if !f64::is_finite(*percent) => {
            let mark = objective.mark_or(keys.mark);
            let fix = "write a percentage such as 99.9";
            keys.report
                .error(mark, "objective is not a finite number", fix);
            Field::refused(mark)
        }
        _ => objective,
    }
}

fn labels(keys: &mut Keys<'_, '_>, file: &File<'_>, name: &Field<String>) -> Labels {
    let own = keys.texts("labels", "label");
    let mut labels = Labels::new(&file.labels, own, &keys.report);
    if let (Some(service), Some(name)) = (file.service.value(), name.value()) {
        labels.identify(service, name, keys.mark, &keys.report);
    }
    labels
}

/// The text as a name, if it is one.
fn named(field: &Field<String>, section: Mark, report: &Report<'_>) -> Field<Name> {
    let mark = field.mark_or(section);
    match field.value().map(|text| Name::try_from(text.clone())) {
        Some(Ok(name)) => Field::at(mark, name),
        Some(Err(malformed)) => {
            let malformed = malformed.to_string();
            let (message, fix) = malformed
                .split_once('\n')
                .unwrap_or((&malformed, "rename it"));
            report.error(mark, message, fix);
            Field::refused(mark)
        }
        None => Field::refused(mark),
    }
}

/// What people read: Sloth's files have it in labels and annotations.
fn metadata(mark: Mark, labels: Texts, alerting: &Alerting) -> SloMetadata {
    let annotations: Vec<&Texts> = alerting.annotations.iter().collect();
    let owner = first(&[&labels, &alerting.labels], &["owner", "team"]);
    SloMetadata {
        owner: owner.cloned().unwrap_or_default(),
        runbook: first_url(&annotations, &["runbook", "runbook_url"], mark),
        dashboard: first_url(&annotations, &["dashboard", "dashboard_url"], mark),
        labels: Field::at(mark, labels),
        ..SloMetadata::default()
    }
}

/// The notices of the budget, with the places in their texts filled in.
fn info(info: Field<Alert>, slo: &Texts, translation: &mut Translating<'_>) -> Field<Alert> {
    info.map(|mut alert| {
        let known = [slo, &Texts::new()];
        let mut filled = |texts, later| fill(texts, known, later, translation);
        alert.labels = alert.labels.map(|texts| filled(texts, Later::Nothing));
        alert.annotations = alert.annotations.map(|texts| filled(texts, Later::Labels));
        alert
    })
}

fn alerts(mut alerts: Alerts, info: Field<Alert>, none: Option<Mark>) -> Alerts {
    alerts.info = info;
    if let Some(mark) = none {
        let off = || {
            let alert = Alert {
                disabled: Field::at(mark, true),
                ..Alert::default()
            };
            Field::at(mark, alert)
        };
        (alerts.page, alerts.ticket) = (off(), off());
    }
    alerts
}

fn period_of(choice: Option<&Choice>, mark: Mark) -> Field<ValueOr<Period>> {
    match choice.map(|choice| choice.period) {
        Some(Some(period)) => Field::at(mark, ValueOr::Value(period.to_string())),
        Some(None) => Field::default(),
        None => Field::refused(mark),
    }
}

/// The policy of the windows, or a variation of it where the plugins ask for one.
fn policy_of(choice: Option<&Choice>, effects: Effects, mark: Mark) -> Field<ValueOr<SloPolicy>> {
    let Some(choice) = choice else {
        return Field::refused(mark);
    };
    let name = choice.policy.clone();
    if effects.mode.is_absent() && effects.budget.is_absent() {
        return match name {
            Some(name) => Field::at(mark, ValueOr::Value(name)),
            None => Field::default(),
        };
    }
    let policy = SloPolicy {
        from: match name.map(Name::try_from) {
            Some(Ok(name)) => Field::at(mark, name),
            _ => Field::default(),
        },
        mode: effects.mode,
        budget: effects.budget,
        ..SloPolicy::default()
    };
    Field::at(mark, ValueOr::Section(policy))
}
