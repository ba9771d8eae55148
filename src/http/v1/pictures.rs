//! `/api/v1/pictures/{token}.png`: the picture of a notification, for services that show it to
//! people who cannot log in here. The token in its address is the permission to see it.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use tokio::sync::Semaphore;

use crate::http::App;
use crate::http::error::ApiError;
use crate::message::picture;

/// Pictures drawn at once; more wait.
static DRAWING: Semaphore = Semaphore::const_new(2);

/// 200 with a PNG, 404 for everything that is not the address of a picture.
pub(super) async fn show(
    State(app): State<App>,
    Path(file): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let unknown = || ApiError::not_found("there is no such picture".to_owned());
    let token = file.strip_suffix(".png").ok_or_else(unknown)?;
    let key = app.picture_key.ok_or_else(unknown)?;
    let name = picture::open_token(&key, token).ok_or_else(unknown)?;
    let found = app
        .in_store("looking for a picture", move |store| {
            store.notification(&name)
        })
        .await?;
    let notification = found.ok_or_else(unknown)?;
    let place = DRAWING.acquire().await.map_err(|_closed| unknown())?;
    // The place is free when the picture is drawn, also if the peer hangs up before.
    let drawn = tokio::task::spawn_blocking(move || {
        let drawn = picture::render(&notification);
        drop(place);
        drawn
    });
    let drawn = drawn.await;
    let png = drawn.ok().flatten().ok_or_else(unknown)?;
    Ok(([(header::CONTENT_TYPE, "image/png")], png))
}
