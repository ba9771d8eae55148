//! `/api/v1/alerts/{key}/notification`: what was last decided to be told of an alert or a group, as
//! it is stored; for trying templates on what really happens.

use axum::Json;
use axum::extract::{Path, State};

use super::acknowledge::find;
use crate::engine::Notification;
use crate::http::App;
use crate::http::error::ApiError;

/// 200 with the notification; 404 when the alert is not open or nobody was told of it.
pub(super) async fn last(
    State(app): State<App>,
    Path(key): Path<String>,
) -> Result<Json<Notification>, ApiError> {
    let alert = find(&app, &key)?;
    let found = app
        .in_store("looking for a notification", move |store| {
            store.last_notification(&alert)
        })
        .await?;
    found.map(Json).ok_or_else(|| {
        ApiError::not_found("nobody was told of this alert by itself; its group may have a key")
    })
}
