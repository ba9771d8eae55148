//! The world behind the Prometheus HTTP API.
//!
//! `/api/v1/query`, `/api/v1/query_range` (GET and POST), `/api/v1/status/buildinfo`, `/-/ready`.
//! The world has no clock, so a query must say its `time`; parameters that only tune a real server
//! (`timeout`, `stats`) are ignored.

use std::sync::Arc;

use axum::extract::{Query as Parameters, RawForm, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, get, on};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::engine::{Labels, Span, Timestamp};

use super::evaluate::{self, Answer, Points};
use super::query::{Query, Refusal};
use super::world::World;

/// Answers requests until `shutdown` is done.
///
/// # Errors
///
/// When the listener fails.
pub async fn serve(
    world: World,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/api/v1/query", ask(instant))
        .route("/api/v1/query_range", ask(range))
        .route("/api/v1/status/buildinfo", get(build_info))
        .route("/-/ready", get(|| async { "The demo source is ready.\n" }))
        .with_state(Arc::new(world));
    let server = axum::serve(listener, router);
    server.with_graceful_shutdown(shutdown).await
}

/// Parameters of both queries; those of the other one are ignored.
#[derive(Deserialize)]
struct Question {
    query: String,
    time: Option<String>,
    start: Option<String>,
    end: Option<String>,
    step: Option<String>,
}

/// One element of a result.
#[derive(Serialize)]
struct Element {
    metric: Labels,
    #[serde(flatten)]
    samples: Samples,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Samples {
    Value(Sample),
    Values(Vec<Sample>),
}

/// As Prometheus writes it: the time in seconds, the value in a string.
type Sample = (f64, String);

type Evaluate = fn(&World, &Question) -> Result<Value, Refusal>;

/// GET and POST of a query; evaluation may take a while and does not block the executor.
fn ask(evaluate: Evaluate) -> MethodRouter<Arc<World>> {
    let handler = move |State(world): State<Arc<World>>, RawForm(form): RawForm| async move {
        let question = match question(&form) {
            Ok(question) => question,
            Err(refusal) => return refuse(&refusal),
        };
        let evaluated = tokio::task::spawn_blocking(move || evaluate(&world, &question));
        match evaluated.await {
            Ok(Ok(data)) => Json(json!({"status": "success", "data": data})).into_response(),
            Ok(Err(refusal)) => refuse(&refusal),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    };
    on(MethodFilter::GET.or(MethodFilter::POST), handler)
}

/// A body has the grammar of the query part of a URL, so one reader serves both.
fn question(form: &[u8]) -> Result<Question, Refusal> {
    let bad = |what: String| Refusal::BadData(what);
    let text = str::from_utf8(form).map_err(|error| bad(error.to_string()))?;
    let uri: Uri = format!("/?{text}")
        .parse()
        .map_err(|_| bad("the parameters are too long or not URL encoded".to_owned()))?;
    let parameters = Parameters::try_from_uri(&uri).map_err(|error| bad(error.body_text()))?;
    Ok(parameters.0)
}

fn instant(world: &World, question: &Question) -> Result<Value, Refusal> {
    let at = time("time", question.time.as_deref())?;
    let query = Query::parse(&question.query)?;
    let (kind, result) = match evaluate::instant(world, &query, at)? {
        Answer::Vector(values) => ("vector", vector(values, at)),
        Answer::Matrix(series) => ("matrix", matrix(series)),
    };
    Ok(json!({"resultType": kind, "result": result}))
}

fn range(world: &World, question: &Question) -> Result<Value, Refusal> {
    let start = time("start", question.start.as_deref())?;
    let end = time("end", question.end.as_deref())?;
    let step = step(question.step.as_deref())?;
    let query = Query::parse(&question.query)?;
    let result = matrix(evaluate::range(world, &query, (start, end), step)?);
    Ok(json!({"resultType": "matrix", "result": result}))
}

fn vector(values: Vec<(Labels, f64)>, at: Timestamp) -> Vec<Element> {
    let elements = values.into_iter().map(|(metric, value)| Element {
        metric,
        samples: Samples::Value(sample((at, value))),
    });
    elements.collect()
}

fn matrix(series: Vec<(Labels, Points)>) -> Vec<Element> {
    let elements = series.into_iter().map(|(metric, points)| Element {
        metric,
        samples: Samples::Values(points.into_iter().map(sample).collect()),
    });
    elements.collect()
}

fn sample((at, value): (Timestamp, f64)) -> Sample {
    (at.as_secs_f64(), value.to_string())
}

/// A time in seconds since the epoch. RFC 3339, which Prometheus reads too, nobody here writes.
fn time(name: &str, text: Option<&str>) -> Result<Timestamp, Refusal> {
    const SECS_MAX: f64 = 253_402_300_799.0;
    let secs: Option<f64> = text.and_then(|text| text.parse().ok());
    match secs {
        Some(secs) if (0.0..=SECS_MAX).contains(&secs) => {
            Ok(Timestamp::from_millis((secs * 1000.0).round() as i64))
        }
        _ => {
            let what = format!("invalid parameter {name:?}: not a Unix time up to the year 9999");
            Err(Refusal::BadData(what))
        }
    }
}

/// A number of seconds or a duration such as `1h`.
fn step(text: Option<&str>) -> Result<Span, Refusal> {
    let text = text.unwrap_or_default();
    let secs = text
        .parse()
        .ok()
        .map(|secs: f64| Span::from_secs(1).scale(secs));
    secs.or_else(|| Span::parse(text).ok()).ok_or_else(|| {
        Refusal::BadData("invalid parameter \"step\": not a valid duration".to_owned())
    })
}

/// The status and error type that Prometheus pairs with a failure.
fn refuse(refusal: &Refusal) -> Response {
    let (status, kind) = match refusal {
        Refusal::BadData(_) => (StatusCode::BAD_REQUEST, "bad_data"),
        Refusal::Unsupported | Refusal::TooManySamples => {
            (StatusCode::UNPROCESSABLE_ENTITY, "execution")
        }
    };
    let error = refusal.to_string();
    let body = json!({"status": "error", "errorType": kind, "error": error});
    (status, Json(body)).into_response()
}

async fn build_info() -> Json<Value> {
    Json(json!({
        "status": "success",
        "data": {
            "version": "3.0.0",
            "revision": "slofuse-demo",
            "branch": "",
            "buildUser": "",
            "buildDate": "",
            "goVersion": "",
        },
    }))
}

#[cfg(test)]
mod tests;
