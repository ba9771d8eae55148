//! The daemon's own HTTP server: health, metrics, and the API in two dialects, our own (`/api/v1`)
//! and Alertmanager's (`/api/v2`).
//!
//! The daemon publishes into a [`Board`] and counts in [`Metrics`]; handlers read both and never
//! touch the engine. What operators ask goes to the daemon through a bounded channel and is
//! answered when it is committed; the store is asked for what has been. What a peer can make the
//! server hold is bounded: connections, idle time, body size, time per request, page size.

mod access;
mod actor;
mod asked;
mod board;
mod body;
mod command;
mod connection;
mod error;
mod guard;
mod health;
mod matching;
mod metrics;
mod operate;
mod page;
mod question;
mod rate;
mod reload;
mod silencing;
mod tls;
mod v1;
mod v2;
mod view;

#[cfg(test)]
mod tests;

use std::pin::Pin;
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
use guard::Guard;
use tls::SecureListener;

pub use access::{Access, AccessControl, AccessPolicy, Principal};
pub use actor::Actor;
pub use asked::{AskedQuery, PollMade, Questions};
pub use board::{About, Board, FeedInfo, Notices, Readiness, ReceiverInfo};
pub use command::{Command, CommandRequest, Commands};
pub use metrics::{Metrics, PollStats};
pub use tls::{TlsError, TlsFiles, TlsKeys};

/// A request that takes longer is answered with 504.
const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
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
    /// The key of the addresses of pictures; without it there are none.
    pub picture_key: Option<[u8; 32]>,
}

/// Reveals a secret, or says in words why it cannot.
pub type SecretProvider = Arc<dyn Fn() -> Result<SecretString, String> + Send + Sync>;

/// How the server meets those who ask.
#[derive(Clone)]
pub struct Manners {
    /// Who may do what.
    pub access: AccessControl,
    /// Requests per second that one peer may make in the long run.
    pub requests_per_second: u32,
    /// Largest body of a request, in bytes.
    pub body_bytes_max: usize,
    /// Keys for TLS; without them the server speaks plain HTTP.
    pub tls: Option<TlsKeys>,
}

impl Default for Manners {
    /// Everybody may do everything, in plain HTTP.
    fn default() -> Self {
        Self {
            access: AccessControl::new(AccessPolicy::default()),
            requests_per_second: 50,
            body_bytes_max: 256 << 10,
            tls: None,
        }
    }
}

/// Serves until `shutdown` completes, then lets requests under way end for a few seconds.
///
/// # Errors
///
/// When the listener cannot be served at all; a failed connection is not an error.
pub async fn serve(
    listener: tokio::net::TcpListener,
    app: App,
    manners: Manners,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let stopping = CancellationToken::new();
    let listener = BoundedListener::new(listener);
    let tls = manners.tls.clone();
    let service = router(app, &manners).into_make_service_with_connect_info::<Peer>();
    let stop = stopping.clone().cancelled_owned();
    let serving: Pin<Box<dyn Future<Output = std::io::Result<()>> + Send>> = match tls {
        None => {
            let server = axum::serve(listener, service).with_graceful_shutdown(stop);
            Box::pin(server.into_future())
        }
        Some(keys) => {
            let listener = SecureListener::new(listener, keys);
            let server = axum::serve(listener, service).with_graceful_shutdown(stop);
            Box::pin(server.into_future())
        }
    };
    let mut serving = serving;
    tokio::select! {
        result = &mut serving => return result,
        () = shutdown => stopping.cancel(),
    }
    let drained = tokio::time::timeout(DRAIN_DEADLINE, serving).await;
    drained.unwrap_or(Ok(()))
}

fn router(app: App, manners: &Manners) -> Router {
    let external_url = app.board.about().external_url.clone();
    let guard = Guard::new(
        manners.access.clone(),
        manners.requests_per_second,
        app.clock.clone(),
        external_url.as_deref(),
    );
    let gate = middleware::from_fn_with_state(guard, guard::guard);
    guarded(routes(app).layer(gate), manners.body_bytes_max)
}

fn routes(app: App) -> Router {
    Router::new()
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
        .with_state(app)
}

/// Wraps routes into the limits that hold for all of them.
fn guarded(routes: Router, body_bytes_max: usize) -> Router {
    routes
        .layer(middleware::from_fn(deadline))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(RequestBodyLimitLayer::new(body_bytes_max))
        .layer(middleware::map_response(move |response| {
            finish(response, body_bytes_max)
        }))
}

async fn deadline(request: Request, next: Next) -> Result<Response, ApiError> {
    let answer = tokio::time::timeout(REQUEST_DEADLINE, next.run(request)).await;
    answer.map_err(|_elapsed| ApiError::too_slow(REQUEST_DEADLINE))
}

/// Gives the body limit's plain refusal the shape of all errors; forbids caching, guessing at
/// types and everything else that a browser would do with an answer.
async fn finish(response: Response, body_bytes_max: usize) -> Response {
    let mut response = match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::body_too_large(body_bytes_max).into_response(),
        _ => response,
    };
    const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, NOTHING),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn exposition(State(app): State<App>) -> impl IntoResponse {
    const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
    let text = app.metrics.render(&app.board, (app.clock)());
    ([(header::CONTENT_TYPE, TEXT_FORMAT)], text)
}
