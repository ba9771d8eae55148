//! `/api/v2`: Alertmanager's API, for amtool, Grafana and everything else that speaks it.
//!
//! The contract is Alertmanager's OpenAPI document of version 0.26. Errors are a JSON string, times
//! RFC 3339 with milliseconds, parameters that are not known are passed over. Alerts come from
//! slofuse alone: it takes none.

mod alerts;
mod config;
mod groups;
mod query;
mod silences;
mod status;

use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::App;
use super::error::ApiError;

/// The routes below `/api/v2`.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/status", get(status::show))
        .route("/receivers", get(status::receivers))
        .route("/alerts", get(alerts::list).post(alerts::refuse))
        .route("/alerts/groups", get(groups::list))
        .route("/silences", get(silences::list).post(silences::set))
        .route(
            "/silence/{id}",
            get(silences::show).delete(silences::expire),
        )
}

/// An error as this API has it.
struct Refusal(ApiError);

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0.status(), Json(self.0.text())).into_response()
    }
}
