//! The daemon's own HTTP server: health, metrics, and the API in two dialects, our own (`/api/v1`)
//! and Alertmanager's (`/api/v2`).
//!
//! The daemon publishes into a [`Board`] and counts in [`Metrics`]; handlers read both and never
//! touch the engine. What operators ask goes to the daemon through a bounded channel and is
//! answered when it is committed; the store is asked for what has been. What a peer can make the
//! server hold is bounded: connections, idle time, body size, time per request, page size.

mod actor;
mod board;
mod body;
mod command;
mod connection;
mod error;
mod health;
mod matching;
mod metrics;
mod operate;
mod page;
mod reload;
mod silencing;
mod v1;
mod v2;
mod view;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;

use crate::engine::Timestamp;
use crate::store::Store;

use actor::Peer;
use connection::BoundedListener;
use error::ApiError;

pub use actor::Actor;
pub use board::{About, Board, FeedInfo, Notices, Readiness, ReceiverInfo};
pub use command::{Command, CommandRequest, Commands};
pub use metrics::{Metrics, PollStats};

/// A request that takes longer is answered with 504.
const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
/// Largest body of a request.
const BODY_BYTES_MAX: usize = 256 << 10;
/// How long requests under way may go on after the shutdown signal.
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);

/// Tells the time; the daemon passes its clock, tests a fake one.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the handlers work with.
#[derive(Clone)]
pub struct App {
    /// What the daemon published last.
    pub board: Board,
    /// What the daemon counted.
    pub metrics: Arc<Metrics>,
    /// Where commands go.
    pub commands: Commands,
    /// Dead letters, history, the log of operators.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// The key with which Slack signs what its buttons send.
    pub slack_secret: Option<SecretProvider>,
}

/// Reveals a secret, or says in words why it cannot.
pub type SecretProvider = Arc<dyn Fn() -> Result<SecretString, String> + Send + Sync>;

/// Serves until `shutdown` completes, then lets requests under way end for a few seconds.
///
/// # Errors
///
/// When the listener cannot be served at all; a failed connection is not an error.
pub async fn serve(
    listener: tokio::net::TcpListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let stopping = CancellationToken::new();
    let service = router(app).into_make_service_with_connect_info::<Peer>();
    let server = axum::serve(BoundedListener::new(listener), service)
        .with_graceful_shutdown(stopping.clone().cancelled_owned());
    let mut serving = std::pin::pin!(server.into_future());
    tokio::select! {
        result = &mut serving => return result,
        () = shutdown => stopping.cancel(),
    }
    let drained = tokio::time::timeout(DRAIN_DEADLINE, serving).await;
    drained.unwrap_or(Ok(()))
}

fn router(app: App) -> Router {
    let routes = Router::new()
        .route("/", get(health::index))
        .route("/healthz", get(health::alive))
        .route("/-/healthy", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/-/ready", get(health::ready))
        .route("/-/reload", post(reload::reload))
        .route("/metrics", get(exposition))
        .nest("/api/v1", v1::routes())
        .nest("/api/v2", v2::routes())
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::wrong_method)
        .with_state(app);
    guarded(routes)
}

/// Wraps routes into the limits that hold for all of them.
fn guarded(routes: Router) -> Router {
    routes
        .layer(middleware::from_fn(actor::identify))
        .layer(middleware::from_fn(deadline))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(RequestBodyLimitLayer::new(BODY_BYTES_MAX))
        .layer(middleware::map_response(finish))
}

async fn deadline(request: Request, next: Next) -> Result<Response, ApiError> {
    let answer = tokio::time::timeout(REQUEST_DEADLINE, next.run(request)).await;
    answer.map_err(|_elapsed| ApiError::too_slow(REQUEST_DEADLINE))
}

/// Gives the body limit's plain refusal the shape of all errors; forbids caching.
async fn finish(response: Response) -> Response {
    let mut response = match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::body_too_large(BODY_BYTES_MAX).into_response(),
        _ => response,
    };
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

async fn exposition(State(app): State<App>) -> impl IntoResponse {
    const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
    let text = app.metrics.render(&app.board);
    ([(header::CONTENT_TYPE, TEXT_FORMAT)], text)
}
