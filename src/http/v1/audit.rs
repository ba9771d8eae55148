//! `/api/v1/audit`: what operators did, newest first.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::http::App;
use crate::http::error::ApiError;
use crate::http::page::Page;
use crate::http::question::Question;
use crate::http::view::Rfc3339;
use crate::store::AuditEntry;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    limit: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct List {
    limit: usize,
    entries: Vec<EntryView>,
}

#[derive(Serialize)]
struct EntryView {
    at: Rfc3339,
    actor: String,
    origin: String,
    action: String,
    object: String,
    outcome: String,
}

impl From<AuditEntry> for EntryView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            at: Rfc3339(entry.at),
            actor: entry.actor,
            origin: entry.origin,
            action: entry.action,
            object: entry.object,
            outcome: entry.outcome,
        }
    }
}

/// `GET /api/v1/audit`
pub(super) async fn list(
    State(app): State<App>,
    Question(query): Question<ListQuery>,
) -> Result<Json<List>, ApiError> {
    let Page { limit, .. } = Page::new(query.limit, None)?;
    let entries = app
        .in_store("reading the log of operators", move |store| {
            store.audit(limit)
        })
        .await?;
    Ok(Json(List {
        limit,
        entries: entries.into_iter().map(EntryView::from).collect(),
    }))
}
