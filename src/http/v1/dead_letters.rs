//! `/api/v1/dead-letters`: notifications that were given up, to be tried again or discarded.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use crate::engine::{NotificationKind, Severity};
use crate::http::App;
use crate::http::actor::Actor;
use crate::http::body::{JsonBody, Nothing};
use crate::http::command::Command;
use crate::http::error::ApiError;
use crate::http::page::Page;
use crate::http::question::Question;
use crate::http::view::Rfc3339;
use crate::store::{DeadLetter, Revival};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    receiver: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct List {
    limit: usize,
    dead_letters: Vec<LetterView>,
}

#[derive(Serialize)]
struct LetterView {
    id: i64,
    receiver: String,
    alert: String,
    severity: Severity,
    kind: NotificationKind,
    created_at: Rfc3339,
    died_at: Rfc3339,
    attempts: u32,
    error: String,
}

impl From<DeadLetter> for LetterView {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.id,
            receiver: letter.receiver,
            alert: letter.alert,
            severity: letter.severity,
            kind: letter.kind,
            created_at: Rfc3339(letter.created_at),
            died_at: Rfc3339(letter.died_at),
            attempts: letter.attempts,
            error: letter.error,
        }
    }
}

/// Which one, in the path.
pub(super) type Id = Result<Path<i64>, PathRejection>;

fn id(path: Id) -> Result<i64, ApiError> {
    let Path(id) = path.map_err(|rejection| ApiError::bad_request(rejection.body_text()))?;
    Ok(id)
}

fn unknown(id: i64) -> ApiError {
    ApiError::not_found(format!("there is no dead letter {id}"))
}

/// `GET /api/v1/dead-letters`
pub(super) async fn list(
    State(app): State<App>,
    Question(query): Question<ListQuery>,
) -> Result<Json<List>, ApiError> {
    let Page { limit, .. } = Page::new(query.limit, None)?;
    let letters = app
        .in_store("reading dead letters", move |store| {
            store.dead_letters(query.receiver.as_deref(), limit)
        })
        .await?;
    Ok(Json(List {
        limit,
        dead_letters: letters.into_iter().map(LetterView::from).collect(),
    }))
}

#[derive(Serialize)]
pub(super) struct Retried {
    id: i64,
    receiver: String,
}

/// `POST /api/v1/dead-letters/{id}/retry`
pub(super) async fn retry(
    State(app): State<App>,
    actor: Actor,
    path: Id,
    JsonBody(Nothing {}): JsonBody<Nothing>,
) -> Result<Json<Retried>, ApiError> {
    let id = id(path)?;
    let now = (app.clock)();
    let worked = app.clone();
    let work = async move {
        let revival = worked
            .in_store("reviving a dead letter", move |store| {
                store.retry_dead_letter(id, now)
            })
            .await?;
        match revival {
            Revival::Revived { receiver } => Ok(receiver),
            Revival::Unknown => Err(unknown(id)),
            Revival::Pointless(why) => Err(ApiError::conflict(why)),
        }
    };
    let receiver = app
        .recorded(&actor, "dead_letter.retry", id.to_string(), work)
        .await?;
    // It is due and will be found without this, only later.
    let wake = Command::Wake {
        receiver: receiver.clone(),
    };
    if let Err(error) = app.commands.ask(wake).await {
        tracing::warn!(error = error.text(), receiver, "Worker not woken");
    }
    Ok(Json(Retried { id, receiver }))
}

/// `DELETE /api/v1/dead-letters/{id}`
pub(super) async fn discard(
    State(app): State<App>,
    actor: Actor,
    path: Id,
) -> Result<Json<Discarded>, ApiError> {
    let id = id(path)?;
    let now = (app.clock)();
    let worked = app.clone();
    let work = async move {
        let known = worked
            .in_store("discarding a dead letter", move |store| {
                store.discard_dead_letter(id, now)
            })
            .await?;
        known.then_some(()).ok_or_else(|| unknown(id))
    };
    app.recorded(&actor, "dead_letter.discard", id.to_string(), work)
        .await?;
    Ok(Json(Discarded { id }))
}

#[derive(Serialize)]
pub(super) struct Discarded {
    id: i64,
}
