//! One `kind: SLO` document to one [`Slo`], and to those of its inline parts.

use std::sync::Arc;

use crate::config::diagnostic::Report;
use crate::config::field::{Field, Section, ValueOr};
use crate::config::formats::Format;
use crate::config::lint::Lint;
use crate::config::promql::{Classified, Grouping};
use crate::config::raw::definition::{self as raw, SloDocument, SloMetadata, SloSpec};
use crate::config::tree::Mark;
use crate::config::value::{LabelName, Name, SloRef};
use crate::engine::{Document, Objective, Period, Policy, Reach, Slo, SloId};

use super::composite::{self, Composed};
use super::defaults::Inherited;
use super::document::Alerting;
use super::{Policies, document, fit, indicator, period, policy};

/// What could be made of a document, before references between SLOs are looked at.
pub(super) struct Draft<'a> {
    /// Known even when the rest has mistakes.
    pub(super) id: SloId,
    pub(super) mark: Mark,
    pub(super) report: Report<'a>,
    pub(super) format: Format,
    /// The SLO, and why it takes its evaluation path.
    pub(super) slo: Option<(Slo, String)>,
    /// What it may be caused by.
    pub(super) depends_on: Vec<(SloId, Mark)>,
    /// What it is made of.
    pub(super) parts: Vec<(SloId, Mark)>,
}

/// Everything outside a document that it depends on.
pub(super) struct Context<'c, 'f> {
    pub(super) policies: &'c Policies,
    pub(super) inherited: Inherited<'f>,
    pub(super) format: Format,
}

/// The SLO of a document behind its inline parts; nothing when it has no identity.
pub(super) fn compile<'a, 'f>(
    raw: &'f SloDocument,
    mark: Mark,
    report: &Report<'a>,
    context: &Context<'_, 'f>,
) -> Vec<Draft<'a>> {
    let root = Section::new(report, mark, "the SLO");
    let metadata = root.section(&raw.metadata, "metadata");
    let spec = root.section(&raw.spec, "spec");
    let (identity, document) = match &metadata {
        Some((section, metadata)) => (
            identity(section, metadata, &context.inherited),
            document::compile(section, metadata, &context.inherited, context.format),
        ),
        None => (None, None),
    };
    let unnamed = Identity::default();
    let known = identity.as_ref().unwrap_or(&unnamed);
    let promise = spec.map(|(section, spec)| promise(&section, spec, known, context));
    let Some(identity) = identity else {
        return Vec::new();
    };
    let (promise, depends_on) = promise.unwrap_or_default();
    let draft = |name: &str| Draft {
        id: SloId::new(&identity.service, name),
        mark,
        report: report.clone(),
        format: context.format,
        slo: None,
        depends_on: Vec::new(),
        parts: Vec::new(),
    };
    let mut drafts = Vec::new();
    let mut own = Draft {
        depends_on,
        ..draft(&identity.name)
    };
    if let (Some(promise), Some(document)) = (promise, document) {
        let of_part = Document {
            version: None,
            review_by: None,
            ..document.clone()
        };
        for part in &promise.inline {
            drafts.push(Draft {
                mark: part.mark,
                slo: part.measured.clone().map(|measured| {
                    let silent = Arc::new(Policy::silent());
                    promise.slo(&identity.service, &part.name, silent, measured, &of_part)
                }),
                ..draft(&part.name)
            });
        }
        own.parts.clone_from(&promise.parts);
        own.slo = Some(promise.whole(&identity, &document));
    }
    drafts.push(own);
    drafts
}

impl Promise {
    /// The SLO itself, and why it takes its evaluation path.
    fn whole(&self, identity: &Identity, document: &Document) -> (Slo, String) {
        let Identity { service, name } = identity;
        let (policy, measured) = (Arc::clone(&self.policy), self.measured.clone());
        let (mut slo, why) = self.slo(service, name, policy, measured, document);
        slo.sla = self.sla;
        slo.document.alerts.clone_from(&self.alerting.texts);
        (slo, why)
    }

    fn slo(
        &self,
        service: &str,
        name: &str,
        policy: Arc<Policy>,
        measured: Classified,
        document: &Document,
    ) -> (Slo, String) {
        let slo = Slo {
            id: SloId::new(service, name),
            service: service.to_owned(),
            name: name.to_owned(),
            objective: self.objective,
            sla: None,
            reach: Reach::new(&policy, &self.period),
            period: self.period.clone(),
            indicator: measured.indicator,
            group_by: self.group_by.clone(),
            policy,
            document: document.clone(),
        };
        (slo, measured.why)
    }
}

/// Service and name.
#[derive(Default)]
pub(super) struct Identity {
    pub(super) service: String,
    pub(super) name: String,
}

impl Identity {
    /// What a reference means here.
    pub(super) fn resolve(&self, SloRef { service, name }: &SloRef) -> SloId {
        let service = service.as_ref().map_or(&self.service, |Name(name)| name);
        SloId::new(service, &name.0)
    }
}

fn identity<'f>(
    section: &Section<'_>,
    metadata: &'f SloMetadata,
    inherited: &Inherited<'f>,
) -> Option<Identity> {
    let service = inherited.metadata(&metadata.service, |default| &default.service);
    let service = section.required(service, "service");
    let name = section.required(&metadata.name, "name");
    Some(Identity {
        service: service?.0.clone(),
        name: name?.0.clone(),
    })
}

/// The `spec` of an SLO.
struct Promise {
    objective: Objective,
    sla: Option<Objective>,
    period: Period,
    policy: Arc<Policy>,
    alerting: Alerting,
    group_by: Vec<String>,
    measured: Classified,
    /// Of a composite.
    parts: Vec<(SloId, Mark)>,
    /// Of a composite: the parts that are written in place.
    inline: Vec<composite::Inline>,
}

type Dependencies = Vec<(SloId, Mark)>;

fn promise<'f>(
    section: &Section<'_>,
    spec: &'f SloSpec,
    identity: &Identity,
    context: &Context<'_, 'f>,
) -> (Option<Promise>, Dependencies) {
    let objective = objective(section, &spec.objective, "objective");
    let sla = sla(section, spec, objective);
    let period_field = context.inherited.spec(&spec.period, |d| &d.period);
    let period = period::compile(section, period_field);
    let policy_field = context.inherited.spec(&spec.policy, |d| &d.policy);
    let policy = policy(section, policy_field, context.policies);
    let alerting = document::alerting(section, &spec.alerts, &context.inherited);
    let policy = match (policy, &alerting) {
        (Some(policy), Some(alerting)) if alerting.disables() => {
            Some(Arc::new(alerting.apply((*policy).clone())))
        }
        (policy, _) => policy,
    };
    let depends_on = depends_on(section, spec, identity);
    let (measured, group_by) = measured(section, spec, identity);
    if let (Some(period), Some(policy)) = (&period, &policy) {
        fit::windows(section, period_field, period, policy);
        let mark = policy_field.mark_or(period_field.mark_or(section.mark));
        fit::slow_tiers(section, mark, period.nominal(), policy);
        if let Some(objective) = objective {
            let mark = spec.objective.mark_or(section.mark);
            fit::dead_tiers(section, mark, objective, period.nominal(), policy);
        }
        if let Some(composed) = &measured {
            let indicator = &composed.whole.indicator;
            fit::period_counts(section, period_field, period, indicator);
            fit::policy_counts(section, policy_field, policy, indicator);
        }
    }
    let whole = || {
        let composed = measured?;
        Some(Promise {
            objective: objective?,
            sla: sla?,
            period: period?,
            policy: policy?,
            alerting: alerting?,
            group_by: group_by?,
            measured: composed.whole,
            parts: composed.parts,
            inline: composed.inline,
        })
    };
    let (depends_on, sound) = depends_on;
    (whole().filter(|_| sound), depends_on)
}

/// What is measured, and by which labels it is split.
fn measured(
    section: &Section<'_>,
    spec: &SloSpec,
    identity: &Identity,
) -> (Option<Composed>, Option<Vec<String>>) {
    let written = group_by(section, &spec.group_by);
    let stated = written.as_deref().unwrap_or_default();
    let measured = section
        .section(&spec.sli, "sli")
        .and_then(|(section, sli)| indicator::compile(&section, sli, stated, identity));
    let grouping = measured.as_ref().map(|measured| &measured.whole.grouping);
    let group_by = match grouping {
        Some(Grouping::By(labels)) if spec.group_by.is_absent() => Some(labels.clone()),
        _ => written,
    };
    if let Some(Grouping::Without(_)) = grouping
        && spec.group_by.is_absent()
    {
        let message = "the queries group by labels that they do not name, so all count as one";
        let fix = "list the labels in group_by:, or sum without grouping";
        let mark = spec.sli.mark_or(section.mark);
        section
            .report
            .lint(Lint::UnstatedGrouping, mark, message, fix);
    }
    (measured, group_by)
}

fn objective(section: &Section<'_>, field: &Field<f64>, key: &str) -> Option<Objective> {
    let percent = section.required(field, key)?;
    match Objective::from_percent(*percent) {
        Ok(objective) => Some(objective),
        Err(error) => {
            let fix = "write a percentage such as 99.9; 100 would leave no budget to burn";
            section.refuse(field, error.to_string(), fix);
            None
        }
    }
}

/// The weaker promise, if there is one; `None` when it was refused.
fn sla(
    section: &Section<'_>,
    spec: &SloSpec,
    objective: Option<Objective>,
) -> Option<Option<Objective>> {
    if spec.sla.is_absent() {
        return Some(None);
    }
    let sla = self::objective(section, &spec.sla, "sla")?;
    if let Some(objective) = objective
        && objective < sla
    {
        let (objective, sla) = (objective.percent(), sla.percent());
        let message = format!("the objective {objective} is weaker than the SLA {sla}");
        let fix = "promise more than the contract does, so that there is time to act";
        let mark = spec.objective.mark_or(section.mark);
        section.report.lint(Lint::WeakerThanSla, mark, message, fix);
    }
    Some(Some(sla))
}

pub(super) fn policy(
    section: &Section<'_>,
    field: &Field<ValueOr<raw::SloPolicy>>,
    policies: &Policies,
) -> Option<Arc<Policy>> {
    match field.value() {
        None if field.is_absent() => policies.find(section, field, Policy::DEFAULT_NAME),
        None => None,
        Some(ValueOr::Value(name)) => policies.find(section, field, name),
        Some(ValueOr::Section(raw)) => {
            let section = section.within(field, "the policy");
            policy::of_slo(&section, raw, policies).map(Arc::new)
        }
    }
}

/// References to what may be the cause, and whether all of them could be read.
fn depends_on(section: &Section<'_>, spec: &SloSpec, identity: &Identity) -> (Dependencies, bool) {
    const DEPENDENCIES_MAX: usize = 50;
    let written = spec.depends_on.value().map_or(&[][..], Vec::as_slice);
    let mut sound = spec.depends_on.is_absent() || spec.depends_on.value().is_some();
    if written.len() > DEPENDENCIES_MAX {
        let message = format!("depends_on has more than {DEPENDENCIES_MAX} entries");
        section.refuse(&spec.depends_on, message, "name the nearest causes only");
        return (Vec::new(), false);
    }
    let mut resolved: Dependencies = Vec::new();
    for field in written {
        let Some(reference) = field.value() else {
            sound = false;
            continue;
        };
        let id = identity.resolve(reference);
        if resolved.iter().any(|(known, _)| *known == id) {
            section.refuse(field, format!("{id} is listed twice"), "remove one");
            sound = false;
        } else {
            resolved.push((id, field.mark_or(section.mark)));
        }
    }
    (resolved, sound)
}

fn group_by(section: &Section<'_>, field: &Field<Vec<Field<LabelName>>>) -> Option<Vec<String>> {
    const LABELS_MAX: usize = 16;
    if field.is_absent() {
        return Some(Vec::new());
    }
    let labels = field.value()?;
    if labels.len() > LABELS_MAX {
        let message = format!("group_by has more than {LABELS_MAX} labels");
        section.refuse(field, message, "group by fewer labels");
        return None;
    }
    let mut names: Vec<String> = Vec::new();
    for label in labels {
        let LabelName(name) = label.value()?;
        if names.contains(name) {
            section.refuse(label, format!("{name:?} is listed twice"), "remove one");
        } else {
            names.push(name.clone());
        }
    }
    Some(names)
}
