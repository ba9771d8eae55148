//! `/api/v1/alerts/{key}/acknowledge`: somebody looks after an alert, or no longer does.
//!
//! The key is an alert's dedup key, or that of a group: then all of its alerts are meant. It is one
//! segment of the path, so its slashes are escaped.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use crate::engine::{Acknowledgement, Operation, Timestamp};
use crate::http::App;
use crate::http::actor::Actor;
use crate::http::body::JsonBody;
use crate::http::error::ApiError;
use crate::http::operate::Doing;
use crate::http::view::Rfc3339;

/// Longest name or note, in bytes.
const TEXT_BYTES_MAX: usize = 4096;
/// How the log of operators calls an acknowledgement.
pub(super) const ACKNOWLEDGE: &str = "alert.acknowledge";
/// The way by which acknowledgements of this API come.
const VIA: &str = "api";

/// Who looks after it, and what they say; both may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    by: Option<String>,
    #[serde(default)]
    note: String,
}

#[derive(Serialize)]
pub(super) struct AcknowledgementView<'a> {
    by: &'a str,
    at: Rfc3339,
    via: &'a str,
    note: &'a str,
}

impl<'a> AcknowledgementView<'a> {
    pub(super) fn of(acknowledgement: &'a Acknowledgement) -> Self {
        Self {
            by: &acknowledgement.by,
            at: Rfc3339(acknowledgement.at),
            via: &acknowledgement.via,
            note: &acknowledgement.note,
        }
    }
}

/// What became of it.
#[derive(Serialize)]
pub(super) struct Done {
    alert: String,
}

/// `POST /api/v1/alerts/{key}/acknowledge`
pub(super) async fn set(
    State(app): State<App>,
    actor: Actor,
    Path(key): Path<String>,
    JsonBody(wish): JsonBody<Wish>,
) -> Result<Json<Done>, ApiError> {
    let alert = find(&app, &key)?;
    for (name, text) in [("by", wish.by.as_deref()), ("note", Some(&wish.note))] {
        if text.is_some_and(|text| text.len() > TEXT_BYTES_MAX) {
            let text = format!("{name} is longer than {TEXT_BYTES_MAX} bytes");
            return Err(ApiError::bad_request(text));
        }
    }
    let acknowledgement = Acknowledgement {
        by: by(&actor, wish.by),
        at: (app.clock)(),
        via: VIA.to_owned(),
        note: wish.note,
    };
    app.operate(&actor, doing(&alert, acknowledgement)).await?;
    Ok(Json(Done { alert }))
}

/// `DELETE /api/v1/alerts/{key}/acknowledge`
pub(super) async fn take_back(
    State(app): State<App>,
    actor: Actor,
    Path(key): Path<String>,
) -> Result<Json<Done>, ApiError> {
    let alert = find(&app, &key)?;
    let doing = Doing {
        action: "alert.unacknowledge",
        object: alert.clone(),
        operation: Operation::Unacknowledge {
            alert: alert.clone(),
        },
    };
    app.operate(&actor, doing).await?;
    Ok(Json(Done { alert }))
}

/// An acknowledgement, for the daemon.
pub(super) fn doing(alert: &str, acknowledgement: Acknowledgement) -> Doing {
    Doing {
        action: ACKNOWLEDGE,
        object: alert.to_owned(),
        operation: Operation::Acknowledge {
            alert: alert.to_owned(),
            acknowledgement,
        },
    }
}

/// Whoever is known cannot speak for others.
pub(super) fn by(actor: &Actor, wished: Option<String>) -> String {
    let wished = wished.filter(|by| actor.is_anonymous() && !by.trim().is_empty());
    wished.unwrap_or_else(|| actor.name.clone())
}

/// The dedup key of an open alert or thread; the part that all keys share may be left out.
pub(super) fn find(app: &App, key: &str) -> Result<String, ApiError> {
    let published = app.board.read();
    let alerts = published.alerts.iter().map(|alert| alert.key.dedup_key());
    let threads = published.notices.threads.iter();
    let threads = threads.map(|thread| thread.key.dedup_key());
    let is_meant = |known: &String| known == key || known.strip_prefix("slofuse/") == Some(key);
    let found = alerts.chain(threads).find(is_meant);
    found.ok_or_else(|| {
        let key: String = key.chars().take(255).collect();
        ApiError::not_found(format!("there is no open alert or group {key:?}"))
    })
}

/// An acknowledgement that Slack's button brings.
pub(super) fn from_slack(by: String, at: Timestamp) -> Acknowledgement {
    Acknowledgement {
        by,
        at,
        via: "slack".to_owned(),
        note: String::new(),
    }
}
