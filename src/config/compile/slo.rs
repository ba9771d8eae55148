//! One `kind: SLO` document to one [`Slo`].

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::diagnostic::{Report, excerpt};
use crate::config::field::{Field, Section, ValueOr};
use crate::config::lint::Lint;
use crate::config::nearest::{nearest, suggestion};
use crate::config::promql::{Classified, Grouping};
use crate::config::raw::definition::{self as raw, SloDocument, SloMetadata, SloSpec};
use crate::config::tree::Mark;
use crate::config::value::{LabelName, Name, WebUrl};
use crate::engine::{Document, Objective, Period, Policy, Reach, Slo, SloId, Span};

use super::{Policies, indicator};

/// What could be made of a document.
pub(super) struct Compiled {
    /// Known even when the rest has mistakes.
    pub(super) id: Option<SloId>,
    /// The SLO, and why it takes its evaluation path.
    pub(super) slo: Option<(Slo, String)>,
}

const PERIOD_DEFAULT: Span = Span::from_days(30);
const PERIOD_MIN: Span = Span::from_days(1);
const PERIOD_MAX: Span = Span::from_days(400);

pub(super) fn compile(
    raw: &SloDocument,
    mark: Mark,
    report: &Report<'_>,
    policies: &Policies,
) -> Compiled {
    let root = Section::new(report, mark, "the SLO");
    let metadata = root.section(&raw.metadata, "metadata");
    let spec = root.section(&raw.spec, "spec");
    let (service, name, document) = match metadata {
        Some((section, metadata)) => (
            section.required(&metadata.service, "service").cloned(),
            section.required(&metadata.name, "name").cloned(),
            document(&section, metadata),
        ),
        None => (None, None, None),
    };
    let promise = spec.map(|(section, spec)| promise(&section, spec, policies));
    let id = match (&service, &name) {
        (Some(Name(service)), Some(Name(name))) => Some(SloId::new(service, name)),
        _ => None,
    };
    let slo = id.clone().and_then(|id| {
        let promise = promise??;
        let slo = Slo {
            id,
            service: service?.0,
            name: name?.0,
            objective: promise.objective,
            sla: None,
            reach: Reach::new(&promise.policy, &promise.period),
            period: promise.period,
            indicator: promise.measured.indicator,
            group_by: promise.group_by,
            policy: promise.policy,
            document: document?,
        };
        Some((slo, promise.measured.why))
    });
    Compiled { id, slo }
}

/// The `spec` of an SLO.
struct Promise {
    objective: Objective,
    period: Period,
    policy: Arc<Policy>,
    group_by: Vec<String>,
    measured: Classified,
}

fn promise(section: &Section<'_>, spec: &SloSpec, policies: &Policies) -> Option<Promise> {
    let objective = objective(section, &spec.objective);
    let period = period(section, &spec.period);
    let policy = policy(section, &spec.policy, policies);
    if let (Some(period), Some(policy)) = (period.as_ref().map(Period::nominal), &policy) {
        check_windows(section, spec, period, policy);
        if let Some(objective) = objective {
            warn_of_dead_tiers(section, spec, objective, period, policy);
        }
    }
    let measured = section
        .section(&spec.sli, "sli")
        .and_then(|(section, sli)| indicator::compile(&section, sli));
    let grouping = measured.as_ref().map(|measured| &measured.grouping);
    let group_by = match grouping {
        Some(Grouping::By(labels)) if spec.group_by.is_absent() => Some(labels.clone()),
        _ => group_by(section, &spec.group_by),
    };
    if let Some(Grouping::Without(_)) = grouping
        && spec.group_by.is_absent()
    {
        let message = "the queries group by labels that they do not name, so all count as one";
        let fix = "list the labels in group_by:, or sum without grouping";
        section.report.lint(
            Lint::UnstatedGrouping,
            spec.sli.mark_or(section.mark),
            message,
            fix,
        );
    }
    Some(Promise {
        objective: objective?,
        period: period?,
        policy: policy?,
        group_by: group_by?,
        measured: measured?,
    })
}

fn objective(section: &Section<'_>, field: &Field<f64>) -> Option<Objective> {
    let percent = section.required(field, "objective")?;
    match Objective::from_percent(*percent) {
        Ok(objective) => Some(objective),
        Err(error) => {
            let fix = "write a percentage such as 99.9; 100 would leave no budget to burn";
            section.refuse(field, error.to_string(), fix);
            None
        }
    }
}

fn period(section: &Section<'_>, field: &Field<ValueOr<raw::Period>>) -> Option<Period> {
    let span = match field.value() {
        None if field.is_absent() => return Some(Period::Rolling(PERIOD_DEFAULT)),
        Some(ValueOr::Value(text)) => Span::parse(text).ok()?,
        _ => return None,
    };
    let _ = section;
    (PERIOD_MIN..=PERIOD_MAX)
        .contains(&span)
        .then_some(Period::Rolling(span))
}

fn policy(
    section: &Section<'_>,
    field: &Field<ValueOr<raw::SloPolicy>>,
    policies: &Policies,
) -> Option<Arc<Policy>> {
    let name = match field.value() {
        None if field.is_absent() => Policy::DEFAULT_NAME.to_owned(),
        Some(ValueOr::Value(text)) => text.clone(),
        _ => return None,
    };
    match policies.by_name.get(&name) {
        Some((_, policy)) => policy.clone(),
        None => {
            let known = policies.by_name.keys().map(String::as_str);
            // It may stand in what could not be read, unless it looks like a typing error.
            if !policies.lost || nearest(&name, known.clone()).is_some() {
                let message = format!("the policy {name:?} is not defined");
                section.refuse(field, message, suggestion(&name, known));
            }
            None
        }
    }
}

/// A window longer than the period would be judged by a budget that it does not belong to.
fn check_windows(section: &Section<'_>, spec: &SloSpec, period: Span, policy: &Policy) {
    let longest = policy.longest_window();
    if longest > period {
        let name = &policy.name;
        let message =
            format!("the policy {name:?} looks back {longest}, longer than the period of {period}");
        let fix = format!("choose a period of at least {longest}, or a policy of shorter windows");
        section.refuse(&spec.period, message, fix);
    }
}

/// An error ratio cannot exceed 1, so a tier whose factor asks for more never fires.
fn warn_of_dead_tiers(
    section: &Section<'_>,
    spec: &SloSpec,
    objective: Objective,
    period: Span,
    policy: &Policy,
) {
    for tier in &policy.tiers {
        let factor = tier.factor(period);
        let ratio = factor * objective.budget_ratio();
        if ratio >= 1.0 {
            let message = format!(
                "the {} tier {} of {:?} can never fire: it needs an error ratio of {:.0}%",
                tier.severity,
                tier.windows(),
                policy.name,
                ratio * 100.0,
            );
            let fix = format!(
                "choose a policy with a smaller budget or a longer window, or an objective above {:.2}",
                100.0 * (1.0 - 1.0 / factor),
            );
            let mark = spec.objective.mark_or(section.mark);
            section.report.lint(Lint::DeadTier, mark, message, fix);
        }
    }
}

fn group_by(section: &Section<'_>, field: &Field<Vec<Field<LabelName>>>) -> Option<Vec<String>> {
    const LABELS_MAX: usize = 16;
    let labels = section.or(field, Vec::new())?;
    if labels.len() > LABELS_MAX {
        let message = format!("group_by has more than {LABELS_MAX} labels");
        section.refuse(field, message, "group by fewer labels");
        return None;
    }
    let mut names: Vec<String> = Vec::new();
    for label in &labels {
        let LabelName(name) = label.value()?;
        if names.contains(name) {
            section.refuse(label, format!("{name:?} is listed twice"), "remove one");
        } else {
            names.push(name.clone());
        }
    }
    Some(names)
}

fn document(section: &Section<'_>, metadata: &SloMetadata) -> Option<Document> {
    if metadata.owner.is_absent() {
        let fix = "add owner: with the team that answers for it";
        section
            .report
            .lint(Lint::NoOwner, section.mark, "nobody owns this SLO", fix);
    }
    if metadata.runbook.is_absent() {
        let fix = "add runbook: with the URL that says what to do when it burns";
        section.report.lint(
            Lint::NoRunbook,
            section.mark,
            "this SLO has no runbook",
            fix,
        );
    }
    check_label_names(section, &metadata.labels);
    let url = |field: &Field<WebUrl>| Some(section.maybe(field)?.map(|WebUrl(url)| url));
    let description = section.or(&metadata.description, String::new());
    let owner = section.maybe(&metadata.owner);
    let runbook = url(&metadata.runbook);
    let dashboard = url(&metadata.dashboard);
    let rationale = section.maybe(&metadata.rationale);
    let labels = texts(section, &metadata.labels);
    let annotations = texts(section, &metadata.annotations);
    Some(Document {
        description: description?,
        owner: owner?,
        runbook: runbook?,
        dashboard: dashboard?,
        rationale: rationale?,
        labels: labels?,
        annotations: annotations?,
        ..Document::default()
    })
}

type Texts = BTreeMap<String, Field<String>>;

fn check_label_names(section: &Section<'_>, field: &Field<Texts>) {
    for (name, value) in field.value().into_iter().flatten() {
        if LabelName::try_from(name.clone()).is_err() {
            let message = format!("{:?} is not a label name", excerpt(name));
            let fix = "use letters, digits and _, not beginning with a digit";
            section.refuse(value, message, fix);
        }
    }
}

fn texts(section: &Section<'_>, field: &Field<Texts>) -> Option<BTreeMap<String, String>> {
    let texts = section.or(field, Texts::new())?;
    texts
        .into_iter()
        .map(|(name, text)| Some((name, text.value()?.clone())))
        .collect()
}
