//! `/api/v1`: slofuse's own API, for operators, the command line and dashboards.
//!
//! Lists are pages of bounded size. A change is answered when it is committed, and is in the log
//! of operators. Errors are `{"error": "..."}`.

mod acknowledge;
mod alerts;
mod audit;
mod dead_letters;
mod explain;
mod groups;
mod history;
mod load;
mod notification;
mod pictures;
mod receivers;
mod routes;
mod silences;
mod slack;
mod slos;

use axum::Router;
use axum::routing::{delete, get, post};

use super::App;

/// The routes below `/api/v1`.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/slos", get(slos::list))
        .route("/slos/{service}/{name}", get(slos::show))
        .route("/alerts", get(alerts::list))
        .route(
            "/alerts/{key}/acknowledge",
            post(acknowledge::set).delete(acknowledge::take_back),
        )
        .route("/alerts/{key}/notification", get(notification::last))
        .route("/groups", get(groups::list))
        .route("/silences", get(silences::list).post(silences::create))
        .route(
            "/silences/{id}",
            get(silences::show)
                .put(silences::change)
                .delete(silences::expire),
        )
        .route("/dead-letters", get(dead_letters::list))
        .route("/dead-letters/{id}", delete(dead_letters::discard))
        .route("/dead-letters/{id}/retry", post(dead_letters::retry))
        .route("/receivers", get(receivers::list))
        .route("/receivers/{name}/test", post(receivers::test))
        .route("/routes", get(routes::show))
        .route("/routes/test", post(routes::test))
        .route("/explain", get(explain::explain))
        .route("/load", get(load::list))
        .route("/history", get(history::list))
        .route("/pictures/{file}", get(pictures::show))
        .route("/audit", get(audit::list))
        .route("/slack/actions", post(slack::act))
}
