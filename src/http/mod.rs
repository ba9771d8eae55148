//! The daemon's own HTTP server: health, metrics and a JSON API that only reads.
//!
//! The daemon publishes into a [`Board`] and counts in [`Metrics`]; handlers read both and never
//! touch the engine. The one command, reload, goes through a bounded channel. What a peer can make
//! the server hold is bounded: connections, idle time, body size, time per request, page size.

mod alerts;
mod board;
mod command;
mod connection;
mod error;
mod health;
mod metrics;
mod page;
mod reload;
mod slos;
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
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;

use crate::engine::Timestamp;
use crate::store::Store;

use connection::BoundedListener;
use error::ApiError;

pub use board::{About, Board, FeedInfo, Notices, Readiness};
pub use command::{Command, CommandRequest, Commands};
pub use metrics::{Metrics, PollStats};

/// A request that takes longer is answered with 504.
const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
/// No route needs a body; this much is tolerated.
const BODY_BYTES_MAX: usize = 64 << 10;
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
}

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
    let server = axum::serve(BoundedListener::new(listener), router(app))
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
        .route("/api/v1/slos", get(slos::list))
        .route("/api/v1/slos/{service}/{name}", get(slos::show))
        .route("/api/v1/alerts", get(alerts::list))
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::wrong_method)
        .with_state(app);
    guarded(routes)
}

/// Wraps routes into the limits that hold for all of them.
fn guarded(routes: Router) -> Router {
    routes
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
    let text = app.metrics.render(&app.board, (app.clock)());
    ([(header::CONTENT_TYPE, TEXT_FORMAT)], text)
}
