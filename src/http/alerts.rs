//! `/api/v1/alerts`: the open alerts, loudest first, with why they are open and who was told.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::engine::{
    AlertKey, AlertRecord, AlertState, Labels, Reason, Severity, StateName, TierFacts,
};

use super::App;
use super::error::ApiError;
use super::page::Page;
use super::view::{BudgetView, DocumentView, Rfc3339, SpanText};

/// Query parameters of the list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    limit: Option<usize>,
    offset: Option<usize>,
}

/// `GET /api/v1/alerts`
pub(super) async fn list(
    State(app): State<App>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::bad_query(&rejection))?;
    let page = Page::new(query.limit, query.offset)?;
    let published = app.board.read();
    let mut alerts: Vec<&AlertRecord> = published.alerts.iter().collect();
    alerts.sort_by_cached_key(|alert| {
        (
            alert.facts.severity,
            alert.state.since(),
            alert.key.to_string(),
        )
    });
    let list = List {
        total: alerts.len(),
        limit: page.limit,
        offset: page.offset,
        alerts: page
            .of(&alerts)
            .iter()
            .map(|alert| AlertView::of(alert))
            .collect(),
    };
    Ok(Json(list).into_response())
}

/// An alert as its instance mentions it.
#[derive(Serialize)]
pub(super) struct AlertBrief {
    key: String,
    kind: &'static str,
    severity: Severity,
    state: StateName,
    since: Rfc3339,
}

impl AlertBrief {
    pub(super) fn of(alert: &AlertRecord) -> Self {
        Self {
            key: alert.key.to_string(),
            kind: kind(&alert.key),
            severity: alert.facts.severity,
            state: alert.state.name(),
            since: Rfc3339(alert.state.since()),
        }
    }
}

/// What an alert is about, as the API and the metrics call it.
pub(super) const fn kind(key: &AlertKey) -> &'static str {
    match key {
        AlertKey::Burn { .. } => "burn",
        AlertKey::Blind { .. } => "blind",
        AlertKey::SourceDown { .. } => "source_down",
    }
}

#[derive(Serialize)]
struct List<'a> {
    total: usize,
    limit: usize,
    offset: usize,
    alerts: Vec<AlertView<'a>>,
}

#[derive(Serialize)]
struct AlertView<'a> {
    #[serde(flatten)]
    brief: AlertBrief,
    /// Since when the hold time runs, if it does.
    quiet_since: Option<Rfc3339>,
    service: &'a str,
    slo: &'a str,
    labels: &'a Labels,
    /// The name that the definition gives to the alert.
    alert_name: Option<&'a str>,
    reason: ReasonView<'a>,
    decided_at: Rfc3339,
    peak_burn: f64,
    tiers: Vec<TierView>,
    budget: Option<BudgetView>,
    /// How many SLO instances are affected.
    affected: u32,
    #[serde(flatten)]
    document: DocumentView<'a>,
    told: Vec<Told<'a>>,
}

/// A receiver that heard of the alert.
#[derive(Serialize)]
struct Told<'a> {
    receiver: &'a str,
    /// Notifications so far, the trigger included.
    notifications: u32,
}

impl<'a> AlertView<'a> {
    fn of(alert: &'a AlertRecord) -> Self {
        let facts = &alert.facts;
        let quiet_since = match alert.state {
            AlertState::Firing { quiet_since, .. } => quiet_since,
            AlertState::Pending { .. } => None,
        };
        let told = alert.told.iter().map(|(receiver, told)| Told {
            receiver,
            notifications: told.sequence,
        });
        Self {
            brief: AlertBrief::of(alert),
            quiet_since: quiet_since.map(Rfc3339),
            service: &facts.service,
            slo: &facts.slo,
            labels: &facts.labels,
            alert_name: facts.alert_name.as_deref(),
            reason: ReasonView::of(&facts.reason),
            decided_at: Rfc3339(facts.decided_at),
            peak_burn: facts.peak_burn,
            tiers: facts.tiers.iter().map(TierView::of).collect(),
            budget: facts.budget.map(Into::into),
            affected: facts.affected,
            document: (&facts.document).into(),
            told: told.collect(),
        }
    }
}

/// A tier that burned during the alert, as it stood when it was last news.
#[derive(Serialize)]
struct TierView {
    long: SpanText,
    short: SpanText,
    factor: f64,
    budget_fraction: f64,
    long_burn: f64,
    short_burn: f64,
    bad_events: Option<f64>,
    total_events: Option<f64>,
}

impl TierView {
    fn of(tier: &TierFacts) -> Self {
        Self {
            long: SpanText(tier.long),
            short: SpanText(tier.short),
            factor: tier.factor,
            budget_fraction: tier.budget_fraction,
            long_burn: tier.long_burn,
            short_burn: tier.short_burn,
            bad_events: tier.bad_events,
            total_events: tier.total_events,
        }
    }
}

/// [`Reason`] as it is, but for its duration, which is text here.
#[derive(Serialize)]
#[serde(untagged)]
enum ReasonView<'a> {
    ExhaustionAhead {
        kind: &'static str,
        within: SpanText,
    },
    Other(&'a Reason),
}

impl<'a> ReasonView<'a> {
    fn of(reason: &'a Reason) -> Self {
        match reason {
            Reason::ExhaustionAhead { within } => Self::ExhaustionAhead {
                kind: "exhaustion_ahead",
                within: SpanText(*within),
            },
            other => Self::Other(other),
        }
    }
}
