//! `/api/v1/history`: what alerts did and what became of every notification, newest first.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::engine::{NotificationKind, Severity, Span, StateName, Transition};
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::page::Page;
use crate::http::question::Question;
use crate::http::view::{Rfc3339, parse_stretch};
use crate::store::{AttemptRecord, DeliveryRecord, HistoryEntry, HistoryEvent, HistoryQuery};

/// How far back a request without `from` looks.
const USUAL: Span = Span::from_days(1);

/// The stretch `[from, to)`, and of which SLO (`service/name`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    from: Option<String>,
    to: Option<String>,
    slo: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct List {
    from: Rfc3339,
    to: Rfc3339,
    limit: usize,
    entries: Vec<EntryView>,
}

#[derive(Serialize)]
struct EntryView {
    at: Rfc3339,
    #[serde(flatten)]
    event: EventView,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum EventView {
    Transition(Box<TransitionView>),
    Delivery(Box<DeliveryView>),
    /// What asks for quiet about an alert changed.
    Muted(MuteView),
    Unreadable {
        alert: String,
        error: String,
    },
}

#[derive(Serialize)]
struct TransitionView {
    alert: String,
    service: String,
    slo: String,
    severity: Severity,
    from: StateName,
    to: StateName,
    /// In words.
    reason: String,
    peak_burn: f64,
    /// Fraction of the budget that was consumed by then.
    consumed: Option<f64>,
    /// Why nobody was told, in words.
    mutes: Vec<String>,
}

#[derive(Serialize)]
struct MuteView {
    alert: String,
    severity: Severity,
    /// What asks for quiet from then on, in words; empty when somebody is told again.
    mutes: Vec<String>,
}

#[derive(Serialize)]
struct DeliveryView {
    id: i64,
    receiver: String,
    /// The receiver in whose place, if it went to a fallback.
    #[serde(skip_serializing_if = "Option::is_none")]
    diverted_from: Option<String>,
    alert: String,
    slo: String,
    notification: NotificationKind,
    episode: u64,
    state: crate::store::DeliveryState,
    finished_at: Option<Rfc3339>,
    attempts: u32,
    log: Vec<AttemptView>,
}

#[derive(Serialize)]
struct AttemptView {
    started_at: Rfc3339,
    finished_at: Option<Rfc3339>,
    outcome: String,
    error: Option<String>,
}

/// `GET /api/v1/history`
pub(super) async fn list(
    State(app): State<App>,
    Question(query): Question<ListQuery>,
) -> Result<Json<List>, ApiError> {
    let Page { limit, .. } = Page::new(query.limit, None)?;
    let asked = (query.from.as_deref(), query.to.as_deref());
    let (from, to) = parse_stretch(asked, USUAL, (app.clock)())?;
    let wanted = HistoryQuery {
        from,
        to,
        slo: query.slo,
        limit,
    };
    let entries = app
        .in_store("reading the history", move |store| store.history(&wanted))
        .await?;
    Ok(Json(List {
        from: Rfc3339(from),
        to: Rfc3339(to),
        limit,
        entries: entries.into_iter().map(EntryView::from).collect(),
    }))
}

impl From<HistoryEntry> for EntryView {
    fn from(entry: HistoryEntry) -> Self {
        Self {
            at: Rfc3339(entry.at),
            event: match entry.event {
                HistoryEvent::Transition(transition) => {
                    EventView::Transition(Box::new((*transition).into()))
                }
                HistoryEvent::Delivery(delivery) => EventView::Delivery(Box::new(delivery.into())),
                HistoryEvent::Muted(change) => EventView::Muted(MuteView {
                    alert: change.key.dedup_key(),
                    severity: change.severity,
                    mutes: change.mutes.iter().map(ToString::to_string).collect(),
                }),
                HistoryEvent::Unreadable { alert, error } => EventView::Unreadable { alert, error },
            },
        }
    }
}

impl From<Transition> for TransitionView {
    fn from(transition: Transition) -> Self {
        let facts = transition.facts;
        Self {
            alert: facts.key.dedup_key(),
            service: facts.service,
            slo: facts.slo,
            severity: facts.severity,
            from: transition.from,
            to: transition.to,
            reason: facts.reason.to_string(),
            peak_burn: facts.peak_burn,
            consumed: facts.budget.map(|budget| budget.consumed),
            mutes: transition.mutes.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<DeliveryRecord> for DeliveryView {
    fn from(delivery: DeliveryRecord) -> Self {
        Self {
            id: delivery.id,
            receiver: delivery.receiver,
            alert: delivery.alert,
            slo: delivery.slo,
            notification: delivery.kind,
            episode: delivery.episode,
            diverted_from: delivery.diverted_from,
            state: delivery.state,
            finished_at: delivery.finished_at.map(Rfc3339),
            attempts: delivery.attempts,
            log: delivery.log.into_iter().map(AttemptView::from).collect(),
        }
    }
}

impl From<AttemptRecord> for AttemptView {
    fn from(attempt: AttemptRecord) -> Self {
        Self {
            started_at: Rfc3339(attempt.started_at),
            finished_at: attempt.finished_at.map(Rfc3339),
            outcome: attempt.outcome,
            error: attempt.error,
        }
    }
}
