//! What callers see when there is no answer: a status and `{"error": "..."}`.

use std::any::Any;
use std::error::Error as _;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A refused or failed request.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    text: String,
}

#[derive(Serialize)]
struct Body {
    error: String,
}

impl ApiError {
    /// The request asks for something that is not understood; `text` says what is.
    pub(super) fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// The query string does not parse; says which parameter and why.
    pub(super) fn bad_query(rejection: &QueryRejection) -> Self {
        let text = rejection.source().map(ToString::to_string);
        Self::bad_request(text.unwrap_or_else(|| rejection.body_text()))
    }

    /// There is no such thing.
    pub(super) fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }

    /// The daemon cannot do it at present.
    pub(super) fn unavailable(text: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
    }

    /// The deadline of a request passed.
    pub(super) fn too_slow(deadline: Duration) -> Self {
        let text = format!("no answer within {} s", deadline.as_secs());
        Self::new(StatusCode::GATEWAY_TIMEOUT, text)
    }

    /// The body is larger than any route needs.
    pub(super) fn body_too_large(bytes_max: usize) -> Self {
        let text = format!("the body is larger than {bytes_max} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, text)
    }

    /// What is asked for contradicts what is.
    pub(super) fn conflict(text: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, text)
    }

    /// Whoever asks may not.
    pub(super) fn unauthorized(text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, text)
    }

    /// The route exists, the method will never do anything.
    pub(super) fn method_not_allowed(text: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, text)
    }

    /// Somebody else was asked and failed; `text` says who and why.
    pub(super) fn bad_gateway(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, text)
    }

    /// The body is of another content type.
    pub(super) fn unsupported_body(wanted: &str) -> Self {
        let text = format!("the body must be {wanted}, and content-type must say so");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)
    }

    /// The body broke off, or is too large.
    pub(super) fn unreadable_body(status: StatusCode, text: &str) -> Self {
        Self::new(status, format!("reading the body: {text}"))
    }

    /// The status of the answer.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong, for people.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(Body { error: self.text })).into_response()
    }
}

/// Answers every path that has no route.
pub(super) async fn no_such_route(uri: Uri) -> ApiError {
    ApiError::not_found(format!("there is no route {}", uri.path()))
}

/// Answers a path that has a route, but not for this method.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    let text = format!("{} does not answer {method}", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, text)
}

/// Answers for a handler that panicked; the daemon goes on.
pub(super) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(
        panic = text.unwrap_or("no text"),
        "A request handler panicked"
    );
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error").into_response()
}
