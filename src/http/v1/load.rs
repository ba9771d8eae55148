//! `/api/v1/load`: how often each receiver was paged, by day and by night.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::engine::{Span, Timestamp};
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::question::Question;
use crate::http::view::{Rfc3339, parse_stretch};

/// How far back a request without `from` looks.
const USUAL: Span = Span::from_days(7);
/// Most times listed per receiver, the newest.
const TIMES_MAX: usize = 200;

/// The stretch `[from, to)`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoadQuery {
    from: Option<String>,
    to: Option<String>,
}

#[derive(Serialize)]
pub(super) struct List {
    from: Rfc3339,
    to: Rfc3339,
    receivers: Vec<LoadView>,
}

#[derive(Serialize)]
struct LoadView {
    receiver: String,
    /// How many pages it was told of, each once.
    pages: u64,
    /// How many of those whose times are remembered came in the hours of the night.
    night: usize,
    /// How many came by day.
    day: usize,
    /// When the newest of them came, newest first.
    at: Vec<Rfc3339>,
}

/// `GET /api/v1/load`
pub(super) async fn list(
    State(app): State<App>,
    Question(query): Question<LoadQuery>,
) -> Result<Json<List>, ApiError> {
    let asked = (query.from.as_deref(), query.to.as_deref());
    let (from, to) = parse_stretch(asked, USUAL, (app.clock)())?;
    let loads = app
        .in_store("counting pages", move |store| {
            store.load_of_receivers(from, to)
        })
        .await?;
    let published = app.board.read();
    let is_night = |at: &Timestamp| {
        let night = published.night.as_deref();
        night.is_some_and(|night| night.contains(*at))
    };
    let receivers = loads.into_iter().map(|load| {
        let night = load.at.iter().filter(|at| is_night(at)).count();
        LoadView {
            day: load.at.len() - night,
            night,
            pages: load.pages,
            at: load
                .at
                .iter()
                .rev()
                .take(TIMES_MAX)
                .copied()
                .map(Rfc3339)
                .collect(),
            receiver: load.receiver,
        }
    });
    Ok(Json(List {
        from: Rfc3339(from),
        to: Rfc3339(to),
        receivers: receivers.collect(),
    }))
}
