//! `POST /-/reload`: asks the daemon to read its configuration anew, and waits for the verdict.

use axum::extract::State;
use axum::http::StatusCode;
use tokio::sync::oneshot;

use super::App;
use super::error::ApiError;

/// The wish for a reload. If nobody waits for the reply any more, the reload still counts.
#[derive(Debug)]
pub struct ReloadRequest {
    /// Takes a summary of what changed, or the report of what is wrong; both for people.
    pub reply: oneshot::Sender<Result<String, String>>,
}

/// 200 with the summary, 400 with the report, 503 while the daemon stops.
pub(super) async fn reload(State(app): State<App>) -> Result<(StatusCode, String), ApiError> {
    let stopping = || ApiError::unavailable("the daemon is stopping and takes no reload");
    let (reply, verdict) = oneshot::channel();
    let sent = app.reload.send(ReloadRequest { reply }).await;
    sent.map_err(|_closed| stopping())?;
    match verdict.await {
        Ok(Ok(summary)) => Ok((StatusCode::OK, summary)),
        Ok(Err(report)) => Ok((StatusCode::BAD_REQUEST, report)),
        Err(_dropped) => Err(stopping()),
    }
}
