//! `/api/v1/alerts`: the open alerts, loudest first, with why they are open and who was told.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::engine::{
    AlertRecord, AlertState, Labels, Mute, Reason, Severity, StateName, TierFacts,
};

use crate::http::App;
use crate::http::board::Published;
use crate::http::error::ApiError;
use crate::http::matching::{Filter, routed};
use crate::http::page::Page;
use crate::http::question::Question;
use crate::http::view::{BudgetView, DocumentView, Rfc3339, SpanText, kind};

use super::acknowledge::AcknowledgementView;

/// Query parameters of the list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Matchers on the alert's matching labels.
    filter: Option<String>,
    limit: Option<usize>,
    offset: Option<usize>,
}

/// `GET /api/v1/alerts`
pub(super) async fn list(
    State(app): State<App>,
    Question(query): Question<ListQuery>,
) -> Result<Response, ApiError> {
    let page = Page::new(query.limit, query.offset)?;
    let filter = Filter::parse(query.filter.as_deref())?;
    let published = app.board.read();
    let alerts = published.alerts.iter();
    let mut alerts: Vec<&AlertRecord> = alerts
        .filter(|alert| filter.is_empty() || filter.matches(&alert.facts.matching_labels()))
        .collect();
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
            .map(|alert| AlertView::of(alert, &published))
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
    /// By what receivers know it, and by what it is acknowledged.
    dedup_key: String,
    /// What routes, silences and inhibition match on.
    matching_labels: Labels,
    /// Why nobody is told at present.
    mutes: Vec<MuteView<'a>>,
    acknowledged: Option<AcknowledgementView<'a>>,
    /// SLOs that this one depends on and whose page fires.
    dependencies: Vec<DependencyView<'a>>,
    /// The routes that take it.
    routes: Vec<RouteView<'a>>,
}

/// A reason for quiet: in words, and what it consists of.
#[derive(Serialize)]
struct MuteView<'a> {
    kind: &'static str,
    words: String,
    /// The alert that keeps this one quiet.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// The silence.
    #[serde(skip_serializing_if = "Option::is_none")]
    silence: Option<&'a str>,
    /// Until when, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Rfc3339>,
    /// The name of the rule, maintenance or interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

impl<'a> MuteView<'a> {
    fn of(mute: &'a Mute) -> Self {
        let plain = Self {
            kind: mute.as_str(),
            words: mute.to_string(),
            by: None,
            silence: None,
            until: None,
            name: None,
        };
        match mute {
            Mute::Page { by } | Mute::Dependency { by, .. } => Self {
                by: Some(by.to_string()),
                ..plain
            },
            Mute::Silence { id, until, .. } => Self {
                silence: Some(id),
                until: Some(Rfc3339(*until)),
                ..plain
            },
            Mute::Inhibited { rule, by } => Self {
                by: Some(by.to_string()),
                name: Some(rule),
                ..plain
            },
            Mute::Maintenance { name } => Self {
                name: Some(name),
                ..plain
            },
            Mute::Interval { interval, .. } => Self {
                name: Some(interval),
                ..plain
            },
        }
    }
}

#[derive(Serialize)]
struct DependencyView<'a> {
    slo: &'a str,
    since: Rfc3339,
}

#[derive(Serialize)]
struct RouteView<'a> {
    route: &'a str,
    receivers: &'a [String],
}

/// A receiver that heard of the alert.
#[derive(Serialize)]
struct Told<'a> {
    receiver: &'a str,
    /// Notifications so far, the trigger included.
    notifications: u32,
    /// When the last one was decided, if that is remembered.
    at: Option<Rfc3339>,
}

impl<'a> AlertView<'a> {
    fn of(alert: &'a AlertRecord, published: &'a Published) -> Self {
        let facts = &alert.facts;
        let matching_labels = facts.matching_labels();
        let routes = routed(&published.notices.routing, &matching_labels);
        let quiet_since = match alert.state {
            AlertState::Firing { quiet_since, .. } => quiet_since,
            AlertState::Pending { .. } => None,
        };
        let told = alert.told.iter().map(|(receiver, told)| Told {
            receiver,
            notifications: told.sequence,
            at: told.at.map(Rfc3339),
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
            dedup_key: alert.key.dedup_key(),
            mutes: alert.mutes.iter().map(MuteView::of).collect(),
            acknowledged: facts.acknowledged.as_ref().map(AcknowledgementView::of),
            dependencies: facts
                .dependencies
                .iter()
                .map(|dependency| DependencyView {
                    slo: dependency.slo.as_str(),
                    since: Rfc3339(dependency.since),
                })
                .collect(),
            routes: routes
                .into_iter()
                .map(|routed| RouteView {
                    route: &routed.route.name,
                    receivers: routed.receivers,
                })
                .collect(),
            matching_labels,
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
