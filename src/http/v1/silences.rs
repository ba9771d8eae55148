//! `/api/v1/silences`: silences, in our own words.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::engine::{Matcher, Silence, SilenceState, Span, Timestamp};
use crate::http::App;
use crate::http::actor::Actor;
use crate::http::body::JsonBody;
use crate::http::error::ApiError;
use crate::http::matching::parse_matchers;
use crate::http::page::Page;
use crate::http::question::Question;
use crate::http::silencing::{Wish, bounded};
use crate::http::view::{Rfc3339, parse_time};

use super::acknowledge::by;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    state: Option<SilenceState>,
    limit: Option<usize>,
    offset: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct List {
    total: usize,
    limit: usize,
    offset: usize,
    silences: Vec<SilenceView>,
}

#[derive(Serialize)]
pub(super) struct SilenceView {
    id: String,
    state: SilenceState,
    /// As Alertmanager writes them: `service=~"shop|cart"`.
    matchers: Vec<String>,
    starts_at: Rfc3339,
    ends_at: Rfc3339,
    created_by: String,
    comment: String,
    updated_at: Rfc3339,
}

impl SilenceView {
    fn of(silence: &Silence, now: Timestamp) -> Self {
        Self {
            id: silence.id.clone(),
            state: silence.state(now),
            matchers: silence.matchers.iter().map(ToString::to_string).collect(),
            starts_at: Rfc3339(silence.starts_at),
            ends_at: Rfc3339(silence.ends_at),
            created_by: silence.created_by.clone(),
            comment: silence.comment.clone(),
            updated_at: Rfc3339(silence.updated_at),
        }
    }
}

/// A new silence: from `starts_at` (now, unless said otherwise) to `ends_at`, or for `duration`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSilence {
    matchers: Vec<String>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    duration: Option<String>,
    created_by: Option<String>,
    comment: String,
}

/// What is to change of a silence; `duration` counts from now.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangedSilence {
    matchers: Option<Vec<String>>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    duration: Option<String>,
    comment: Option<String>,
}

/// `GET /api/v1/silences`: those in force first, then those to come, then those that ended.
pub(super) async fn list(
    State(app): State<App>,
    Question(query): Question<ListQuery>,
) -> Result<Json<List>, ApiError> {
    let page = Page::new(query.limit, query.offset)?;
    let now = (app.clock)();
    let published = app.board.read();
    let silences = published.notices.silences.iter();
    let mut silences: Vec<&Silence> = silences
        .filter(|silence| {
            query
                .state
                .is_none_or(|wanted| silence.state(now) == wanted)
        })
        .collect();
    silences.sort_by_key(|silence| match silence.state(now) {
        SilenceState::Active => (0, silence.ends_at.as_millis(), &silence.id),
        SilenceState::Pending => (1, silence.starts_at.as_millis(), &silence.id),
        SilenceState::Expired => (2, -silence.ends_at.as_millis(), &silence.id),
    });
    let shown = page.of(&silences).iter();
    Ok(Json(List {
        total: silences.len(),
        limit: page.limit,
        offset: page.offset,
        silences: shown.map(|one| SilenceView::of(one, now)).collect(),
    }))
}

/// `GET /api/v1/silences/{id}`
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<SilenceView>, ApiError> {
    let silence = app.find_silence(&id)?;
    Ok(Json(SilenceView::of(&silence, (app.clock)())))
}

/// `POST /api/v1/silences`
pub(super) async fn create(
    State(app): State<App>,
    actor: Actor,
    JsonBody(body): JsonBody<NewSilence>,
) -> Result<(StatusCode, Json<SilenceView>), ApiError> {
    let now = (app.clock)();
    let starts_at = time("starts_at", body.starts_at.as_deref())?.unwrap_or(now);
    let ends_at = end(
        body.ends_at.as_deref(),
        body.duration.as_deref(),
        starts_at.max(now),
    )?;
    let ends_at = ends_at.ok_or_else(|| {
        ApiError::bad_request("a silence needs its end: say ends_at, or duration")
    })?;
    let wish = Wish {
        id: None,
        matchers: matchers(&body.matchers)?,
        starts_at,
        ends_at,
        created_by: by(&actor, body.created_by),
        comment: body.comment,
    };
    let silence = app.silence(&actor, wish).await?;
    let view = SilenceView::of(&silence, now);
    Ok((StatusCode::CREATED, Json(view)))
}

/// `PUT /api/v1/silences/{id}`: the answer is the silence in force from now on, which has another
/// id where the old one could not be changed.
pub(super) async fn change(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ChangedSilence>,
) -> Result<Json<SilenceView>, ApiError> {
    let now = (app.clock)();
    let silence = app.find_silence(&id)?;
    if silence.state(now) == SilenceState::Expired {
        let text = format!("silence {id} has expired, make a new one");
        return Err(ApiError::conflict(text));
    }
    let ends_at = end(body.ends_at.as_deref(), body.duration.as_deref(), now)?;
    let wanted = body.matchers.as_deref().map(matchers).transpose()?;
    let wish = Wish {
        matchers: wanted.unwrap_or(silence.matchers),
        starts_at: time("starts_at", body.starts_at.as_deref())?.unwrap_or(silence.starts_at),
        ends_at: ends_at.unwrap_or(silence.ends_at),
        created_by: silence.created_by,
        comment: body.comment.unwrap_or(silence.comment),
        id: Some(silence.id),
    };
    let silence = app.silence(&actor, wish).await?;
    Ok(Json(SilenceView::of(&silence, now)))
}

/// `DELETE /api/v1/silences/{id}`
pub(super) async fn expire(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    app.expire_silence(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn matchers(texts: &[String]) -> Result<Vec<Matcher>, ApiError> {
    let mut matchers = Vec::new();
    for text in texts {
        matchers.extend(parse_matchers(text)?);
        bounded(matchers.len())?;
    }
    Ok(matchers)
}

fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, ApiError> {
    text.map(|text| parse_time(name, text)).transpose()
}

/// The end, as a time or as a length from `from` on; not both.
fn end(
    ends_at: Option<&str>,
    duration: Option<&str>,
    from: Timestamp,
) -> Result<Option<Timestamp>, ApiError> {
    match (ends_at, duration) {
        (Some(_), Some(_)) => Err(ApiError::bad_request("say ends_at or duration, not both")),
        (ends_at, None) => time("ends_at", ends_at),
        (None, Some(duration)) => match Span::parse(duration) {
            Ok(duration) => Ok(Some(from + duration)),
            Err(error) => Err(ApiError::bad_request(format!("duration: {error}"))),
        },
    }
}
