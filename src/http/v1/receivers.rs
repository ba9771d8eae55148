//! `/api/v1/receivers`: who can be told, whether they can be reached, and a way to try.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;

use crate::http::App;
use crate::http::actor::Actor;
use crate::http::body::{JsonBody, Nothing};
use crate::http::command::Command;
use crate::http::error::ApiError;
use crate::http::view::Rfc3339;
use crate::store::Backlog;

#[derive(Serialize)]
pub(super) struct List {
    receivers: Vec<ReceiverView>,
}

#[derive(Serialize)]
struct ReceiverView {
    name: String,
    kind: &'static str,
    fallback: Option<String>,
    /// Notifications that wait.
    pending: u64,
    /// Since when the oldest does.
    oldest: Option<Rfc3339>,
    /// Notifications that were given up and are still in the history.
    dead: u64,
    /// Whether deliveries pause because too many failed in a row.
    breaker_open: bool,
    /// When a delivery last succeeded, as far as is remembered.
    last_success: Option<Rfc3339>,
}

/// `GET /api/v1/receivers`, in the order of the settings.
pub(super) async fn list(State(app): State<App>) -> Result<Json<List>, ApiError> {
    let (backlog, successes) = app
        .in_store("reading the outbox", |store| {
            Ok((store.backlog()?, store.last_successes()?))
        })
        .await?;
    let backlog: BTreeMap<String, Backlog> = backlog
        .into_iter()
        .map(|row| (row.receiver.clone(), row))
        .collect();
    let published = app.board.read();
    let receivers = published.receivers.iter().map(|info| {
        let row = backlog.get(&info.name);
        ReceiverView {
            name: info.name.clone(),
            kind: info.kind,
            fallback: info.fallback.clone(),
            pending: row.map_or(0, |row| row.pending),
            oldest: row.and_then(|row| row.oldest).map(Rfc3339),
            dead: row.map_or(0, |row| row.dead),
            breaker_open: app.metrics.is_breaker_open(&info.name),
            last_success: successes.get(&info.name).copied().map(Rfc3339),
        }
    });
    Ok(Json(List {
        receivers: receivers.collect(),
    }))
}

#[derive(Serialize)]
pub(super) struct Tested {
    receiver: String,
    result: String,
}

/// `POST /api/v1/receivers/{name}/test`: 200 when the sample arrived, 502 with the error when not.
pub(super) async fn test(
    State(app): State<App>,
    actor: Actor,
    Path(receiver): Path<String>,
    JsonBody(Nothing {}): JsonBody<Nothing>,
) -> Result<Json<Tested>, ApiError> {
    let known = app.board.read();
    if !known.receivers.iter().any(|info| info.name == receiver) {
        let name: String = receiver.chars().take(64).collect();
        return Err(ApiError::not_found(format!(
            "there is no receiver {name:?}"
        )));
    }
    let command = Command::TestReceiver {
        receiver: receiver.clone(),
    };
    let commands = app.commands.clone();
    let work = async move {
        let asked = commands.ask(command).await?;
        asked.map_err(ApiError::bad_gateway)
    };
    let result = app
        .recorded(&actor, "receiver.test", receiver.clone(), work)
        .await?;
    Ok(Json(Tested { receiver, result }))
}
