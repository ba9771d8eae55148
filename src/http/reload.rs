//! `POST /-/reload`: asks the daemon to read its configuration anew, and waits for the verdict.

use axum::extract::State;
use axum::http::StatusCode;

use super::App;
use super::actor::Actor;
use super::command::Command;
use super::error::ApiError;

/// 200 with the summary, 400 with the report, 503 while the daemon stops.
pub(super) async fn reload(
    State(app): State<App>,
    actor: Actor,
) -> Result<(StatusCode, String), ApiError> {
    let commands = app.commands.clone();
    let work = async move {
        let verdict = commands.ask(Command::Reload).await?;
        verdict.map_err(ApiError::bad_request)
    };
    let reloaded = app.recorded(&actor, "reload", String::new(), work).await;
    match reloaded {
        Ok(summary) => Ok((StatusCode::OK, summary)),
        Err(error) if error.status() == StatusCode::BAD_REQUEST => {
            Ok((error.status(), error.text().to_owned()))
        }
        Err(error) => Err(error),
    }
}
