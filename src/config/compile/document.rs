//! `metadata` and `spec.alerts` to the [`Document`] that people read.

use std::collections::BTreeMap;

use crate::config::diagnostic::excerpt;
use crate::config::field::{Field, Section};
use crate::config::formats::Format;
use crate::config::lint::Lint;
use crate::config::raw::definition::{Alerts, SloMetadata, Texts};
use crate::config::value::{LabelName, WebUrl};
use crate::engine::{AlertText, Document, Policy, Severity};

use super::defaults::Inherited;

/// Everything but the alerts and the dependencies.
pub(super) fn compile<'f>(
    section: &Section<'_>,
    metadata: &'f SloMetadata,
    inherited: &Inherited<'f>,
    format: Format,
) -> Option<Document> {
    let owner = inherited.metadata(&metadata.owner, |default| &default.owner);
    if owner.is_absent() {
        let (message, fix) = ("nobody owns this SLO", format.fix_owner());
        let report = section.report;
        report.lint(Lint::NoOwner, section.mark, message, fix);
    }
    let runbook = inherited.metadata(&metadata.runbook, |default| &default.runbook);
    if runbook.is_absent() {
        let (message, fix) = ("this SLO has no runbook", format.fix_runbook());
        let report = section.report;
        report.lint(Lint::NoRunbook, section.mark, message, fix);
    }
    let dashboard = inherited.metadata(&metadata.dashboard, |default| &default.dashboard);
    let url = |field: &Field<WebUrl>| Some(section.maybe(field)?.map(|WebUrl(url)| url));
    let description = section.or(&metadata.description, String::new());
    let owner = section.maybe(owner);
    let runbook = url(runbook);
    let dashboard = url(dashboard);
    let rationale = section.maybe(&metadata.rationale);
    let labels = inherited.texts(&metadata.labels, |default| &default.labels);
    let labels = self::labels(section, &labels);
    let annotations = inherited.texts(&metadata.annotations, |default| &default.annotations);
    let annotations = texts(section, &annotations);
    let version = section.maybe(&metadata.version);
    let review_by = section.maybe(&metadata.review_by);
    Some(Document {
        description: description?,
        owner: owner?,
        runbook: runbook?,
        dashboard: dashboard?,
        rationale: rationale?,
        labels: labels?,
        annotations: annotations?,
        version: version?,
        review_by: review_by?.map(|day| day.to_string()),
        ..Document::default()
    })
}

/// Labels as receivers see them.
pub(super) fn labels(
    section: &Section<'_>,
    field: &Field<Texts>,
) -> Option<BTreeMap<String, String>> {
    let mut sound = true;
    for (name, value) in field.value().into_iter().flatten() {
        if LabelName::try_from(name.clone()).is_err() {
            let message = format!("{:?} is not a label name", excerpt(name));
            let fix = "use letters, digits and _, not beginning with a digit";
            section.refuse(value, message, fix);
            sound = false;
        }
    }
    texts(section, field).filter(|_| sound)
}

fn texts(section: &Section<'_>, field: &Field<Texts>) -> Option<BTreeMap<String, String>> {
    let texts = section.or(field, Texts::new())?;
    texts
        .into_iter()
        .map(|(name, text)| Some((name, text.value()?.clone())))
        .collect()
}

/// What the alerts of an SLO are to be like.
pub(super) struct Alerting {
    /// For [`Document::alerts`].
    pub(super) texts: BTreeMap<Severity, AlertText>,
    disabled: Vec<Severity>,
}

/// `spec.alerts`
pub(super) fn alerting<'f>(
    section: &Section<'_>,
    field: &'f Field<Alerts>,
    inherited: &Inherited<'f>,
) -> Option<Alerting> {
    let section = section.within(field, "alerts");
    let mut alerting = Alerting {
        texts: BTreeMap::new(),
        disabled: Vec::new(),
    };
    let mut sound = field.is_absent() || field.value().is_some();
    for severity in Severity::ALL {
        let raw = inherited.alert(field, |alerts| match severity {
            Severity::Page => &alerts.page,
            Severity::Ticket => &alerts.ticket,
            Severity::Info => &alerts.info,
        });
        let disabled = section.or(&raw.disabled, false);
        let name = section.maybe(&raw.name);
        if raw.name.value().is_some_and(|name| name.trim().is_empty()) {
            let fix = "write the name by which receivers know the alert, or remove the key";
            section.refuse(&raw.name, "the alert has an empty name", fix);
            sound = false;
        }
        let labels = labels(&section, &raw.labels);
        let annotations = texts(&section, &raw.annotations);
        let (Some(disabled), Some(name), Some(labels), Some(annotations)) =
            (disabled, name, labels, annotations)
        else {
            sound = false;
            continue;
        };
        if disabled {
            alerting.disabled.push(severity);
            continue;
        }
        let text = AlertText {
            name,
            labels,
            annotations,
        };
        if text != AlertText::default() {
            alerting.texts.insert(severity, text);
        }
    }
    sound.then_some(alerting)
}

impl Alerting {
    /// Whether some alerts are switched off.
    pub(super) const fn disables(&self) -> bool {
        !self.disabled.is_empty()
    }

    /// The policy without the alerts that are switched off.
    ///
    /// Who must not be woken is not woken by blindness either: that alert becomes as quiet as it
    /// must. When the last tier is switched off there is nobody to tell at all; a policy that never
    /// had one is there for the blind alert alone.
    pub(super) fn apply(&self, mut policy: Policy) -> Policy {
        let off = |severity: &Severity| self.disabled.contains(severity);
        let had_tiers = !policy.tiers.is_empty();
        let tiers = std::mem::take(&mut policy.tiers).into_iter();
        (policy.switched_off, policy.tiers) = tiers.partition(|tier| off(&tier.severity));
        if off(&Severity::Info) {
            policy.budget = crate::engine::BudgetPolicy::default();
        }
        policy.blind = policy.blind.and_then(|blind| {
            let mut quieter = Severity::ALL.into_iter();
            let severity = quieter.find(|to| *to >= blind.severity && !off(to))?;
            Some(crate::engine::BlindPolicy { severity, ..blind })
        });
        if had_tiers && policy.tiers.is_empty() {
            policy.blind = None;
        }
        policy
    }
}
