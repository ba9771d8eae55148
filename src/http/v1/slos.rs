//! `/api/v1/slos`: what every instance of every SLO said at its last slot.
//!
//! The list has one item per instance, and one with `"outcome": null` for an SLO that was not
//! evaluated yet. The page of one SLO tells its definition once and then lists the instances.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::engine::{
    AlertRecord, Evaluation, Indicator, InstanceId, Labels, Outcome, Reading, Severity, Slo, SloId,
    TierStatus, Verdict,
};

use super::alerts::AlertBrief;
use crate::http::App;
use crate::http::board::SloRow;
use crate::http::error::ApiError;
use crate::http::page::Page;
use crate::http::question::Question;
use crate::http::view::{BudgetView, DocumentView, Rfc3339, SpanText, objective};

/// Query parameters of the list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    service: Option<String>,
    slo: Option<String>,
    outcome: Option<String>,
    limit: Option<usize>,
    offset: Option<usize>,
}

/// Query parameters of the page of one SLO.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShowQuery {
    limit: Option<usize>,
    offset: Option<usize>,
}

/// `GET /api/v1/slos`
pub(super) async fn list(
    State(app): State<App>,
    Question(query): Question<ListQuery>,
) -> Result<Response, ApiError> {
    let page = Page::new(query.limit, query.offset)?;
    let outcome = query.outcome.as_deref().map(parse_outcome).transpose()?;
    let published = app.board.read();
    let mut rows = published.slos();
    rows.retain(|row| {
        query
            .service
            .as_ref()
            .is_none_or(|wanted| *wanted == row.slo.service)
            && query
                .slo
                .as_ref()
                .is_none_or(|wanted| *wanted == row.slo.name)
    });
    let mut found: Vec<(&SloRow<'_>, Option<&Evaluation>)> = Vec::new();
    for row in &rows {
        let evaluations = row.evaluations.iter().copied();
        let wanted = evaluations.filter(|e| outcome.is_none_or(|wanted| wanted == e.outcome));
        found.extend(wanted.map(|evaluation| (row, Some(evaluation))));
        if row.evaluations.is_empty() && outcome.is_none() {
            found.push((row, None));
        }
    }
    let alerts = OpenAlerts::new(&published.alerts);
    let items = page.of(&found).iter();
    let list = List {
        total: found.len(),
        limit: page.limit,
        offset: page.offset,
        slos: items
            .map(|(row, evaluation)| Item {
                definition: Definition::of(row),
                instance: Instance::of(row.slo, *evaluation, &alerts),
            })
            .collect(),
    };
    Ok(Json(list).into_response())
}

/// `GET /api/v1/slos/{service}/{name}`
pub(super) async fn show(
    State(app): State<App>,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<ShowQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Path((service, name)) = path.map_err(|_| ApiError::bad_request("the path is not utf-8"))?;
    let Query(query) = query.map_err(|rejection| ApiError::bad_query(&rejection))?;
    let page = Page::new(query.limit, query.offset)?;
    let published = app.board.read();
    let rows = published.slos();
    let mut rows = rows.iter();
    let row = rows.find(|row| row.slo.service == service && row.slo.name == name);
    let row =
        row.ok_or_else(|| ApiError::not_found(format!("there is no slo {service}/{name}")))?;
    let alerts = OpenAlerts::new(&published.alerts);
    let instances = page.of(&row.evaluations).iter();
    let shown = Shown {
        definition: Definition::of(row),
        total: row.evaluations.len(),
        limit: page.limit,
        offset: page.offset,
        instances: instances
            .map(|evaluation| Instance::of(row.slo, Some(evaluation), &alerts))
            .collect(),
    };
    Ok(Json(shown).into_response())
}

fn parse_outcome(text: &str) -> Result<Outcome, ApiError> {
    let found = Outcome::ALL
        .into_iter()
        .find(|outcome| outcome.as_str() == text);
    found.ok_or_else(|| {
        let words = Outcome::ALL.map(Outcome::as_str).join(", ");
        ApiError::bad_request(format!("outcome {text:?} is none of {words}"))
    })
}

#[derive(Serialize)]
struct List<'a> {
    total: usize,
    limit: usize,
    offset: usize,
    slos: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    #[serde(flatten)]
    definition: Definition<'a>,
    #[serde(flatten)]
    instance: Instance<'a>,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    definition: Definition<'a>,
    total: usize,
    limit: usize,
    offset: usize,
    instances: Vec<Instance<'a>>,
}

#[derive(Serialize)]
struct Definition<'a> {
    service: &'a str,
    name: &'a str,
    /// Ratio of good events that is promised.
    objective: f64,
    /// The ratio that a contract promises, where there is one.
    sla: Option<f64>,
    period: String,
    policy: &'a str,
    group_by: &'a [String],
    path: &'static str,
    path_reason: Option<&'a str>,
    #[serde(flatten)]
    document: DocumentView<'a>,
}

impl<'a> Definition<'a> {
    fn of(row: &SloRow<'a>) -> Self {
        let slo = row.slo;
        Self {
            service: &slo.service,
            name: &slo.name,
            objective: objective(slo.objective),
            sla: slo.sla.map(objective),
            period: slo.period.to_string(),
            policy: &slo.policy.name,
            group_by: &slo.group_by,
            path: slo.indicator.path(),
            path_reason: row.path_reason,
            document: (&slo.document).into(),
        }
    }
}

#[derive(Serialize)]
struct Instance<'a> {
    id: String,
    labels: Labels,
    outcome: Option<Outcome>,
    detail: Option<&'a str>,
    at: Option<Rfc3339>,
    newest_sample_at: Option<Rfc3339>,
    windows: Vec<WindowView>,
    tiers: Vec<TierView>,
    budget: Option<BudgetView>,
    /// The same by the SLA.
    sla_budget: Option<BudgetView>,
    alerts: Vec<AlertBrief>,
}

impl<'a> Instance<'a> {
    fn of(slo: &Slo, evaluation: Option<&'a Evaluation>, alerts: &OpenAlerts<'_>) -> Self {
        let Some(evaluation) = evaluation else {
            return Self::unseen(slo, alerts);
        };
        let readings = &evaluation.readings;
        Self {
            id: evaluation.id.to_string(),
            labels: evaluation.id.labels.clone(),
            outcome: Some(evaluation.outcome),
            detail: evaluation.detail.as_deref(),
            at: Some(Rfc3339(evaluation.at)),
            newest_sample_at: evaluation.newest.map(Rfc3339),
            windows: readings.iter().map(|r| WindowView::of(slo, r)).collect(),
            tiers: evaluation
                .tiers
                .iter()
                .map(|t| TierView::of(t, readings))
                .collect(),
            budget: evaluation.budget.map(Into::into),
            sla_budget: evaluation.sla.map(|sla| sla.budget.into()),
            alerts: alerts.of(&evaluation.id),
        }
    }

    /// An SLO before its first slot; alerts of the daemon's last life may be open.
    fn unseen(slo: &Slo, alerts: &OpenAlerts<'_>) -> Self {
        let id = InstanceId {
            slo: slo.id.clone(),
            labels: Labels::empty(),
        };
        Self {
            id: id.to_string(),
            labels: Labels::empty(),
            outcome: None,
            detail: Some("not evaluated yet"),
            at: None,
            newest_sample_at: None,
            windows: Vec::new(),
            tiers: Vec::new(),
            budget: None,
            sla_budget: None,
            alerts: alerts.of(&id),
        }
    }
}

#[derive(Serialize)]
struct WindowView {
    window: SpanText,
    burn: Option<f64>,
    error_ratio: Option<f64>,
    bad: Option<f64>,
    total: Option<f64>,
    covered: bool,
}

impl WindowView {
    fn of(slo: &Slo, reading: &Reading) -> Self {
        // The events of a composite are those of all its parts; its ratio is not theirs.
        let composite = matches!(slo.indicator, Indicator::Composite(_));
        let error_ratio = match reading.counts {
            Some(counts) if !composite => counts.error_ratio(),
            _ => reading.burn.map(|burn| burn * slo.objective.budget_ratio()),
        };
        Self {
            window: SpanText(reading.window),
            burn: reading.burn,
            error_ratio,
            bad: reading.counts.map(|counts| counts.bad),
            total: reading.counts.map(|counts| counts.total),
            covered: reading.burn.is_some(),
        }
    }
}

#[derive(Serialize)]
struct TierView {
    severity: Severity,
    long: SpanText,
    short: SpanText,
    factor: f64,
    verdict: Verdict,
    /// `null` while the window is not covered.
    long_burn: Option<f64>,
    short_burn: Option<f64>,
}

impl TierView {
    fn of(tier: &TierStatus, readings: &[Reading]) -> Self {
        let burn = |window| {
            let reading = readings.iter().find(|reading| reading.window == window);
            reading.and_then(|reading| reading.burn)
        };
        Self {
            severity: tier.severity,
            long: SpanText(tier.facts.long),
            short: SpanText(tier.facts.short),
            factor: tier.facts.factor,
            verdict: tier.verdict,
            long_burn: burn(tier.facts.long),
            short_burn: burn(tier.facts.short),
        }
    }
}

/// The open alerts by what they are about.
struct OpenAlerts<'a> {
    by_instance: BTreeMap<&'a InstanceId, Vec<&'a AlertRecord>>,
    /// Alerts about a grouped SLO as a whole, such as that none of its instances has data.
    by_slo: BTreeMap<&'a SloId, Vec<&'a AlertRecord>>,
}

impl<'a> OpenAlerts<'a> {
    fn new(alerts: &'a [AlertRecord]) -> Self {
        let mut open = Self {
            by_instance: BTreeMap::new(),
            by_slo: BTreeMap::new(),
        };
        for alert in alerts {
            match alert.key.instance() {
                Some(id) if id.labels.is_empty() => {
                    open.by_slo.entry(&id.slo).or_default().push(alert);
                }
                Some(id) => open.by_instance.entry(id).or_default().push(alert),
                None => {}
            }
        }
        open
    }

    fn of(&self, id: &InstanceId) -> Vec<AlertBrief> {
        let own = self.by_instance.get(id).into_iter().flatten();
        let whole = self.by_slo.get(&id.slo).into_iter().flatten();
        whole
            .chain(own)
            .map(|alert| AlertBrief::of(alert))
            .collect()
    }
}
