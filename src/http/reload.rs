//! `POST /-/reload`: asks the daemon to read its configuration anew, and waits for the verdict.

use axum::extract::State;
use axum::http::StatusCode;

use super::App;
use super::command::Command;
use super::error::ApiError;

/// 200 with the summary, 400 with the report, 503 while the daemon stops.
pub(super) async fn reload(State(app): State<App>) -> Result<(StatusCode, String), ApiError> {
    match app.commands.ask(Command::Reload).await? {
        Ok(summary) => Ok((StatusCode::OK, summary)),
        Err(report) => Ok((StatusCode::BAD_REQUEST, report)),
    }
}
