//! `/api/v2/silences` and `/api/v2/silence/{id}`: silences as Alertmanager has them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::engine::{MatchOp, Matcher, Silence, SilenceState, Timestamp};
use crate::http::App;
use crate::http::actor::Actor;
use crate::http::body::JsonBody;
use crate::http::error::ApiError;
use crate::http::matching::Filter;
use crate::http::silencing::{Wish, bounded};
use crate::http::view::{Rfc3339, parse_time};

use super::Refusal;
use super::query::{self, Pairs};

/// `GET /api/v2/silences`: those in force first and the next to end before others, then those to
/// come, then those that ended, the last one first.
pub(super) async fn list(
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<Vec<SilenceView>>, Refusal> {
    let pairs = query::pairs(pairs)?;
    let filter = query::filter(&pairs)?;
    let creators: Vec<&str> = pairs
        .iter()
        .filter(|(name, _)| name == "creator")
        .map(|(_, value)| value.as_str())
        .collect();
    let now = (app.clock)();
    let published = app.board.read();
    let wanted = |silence: &&Silence| {
        let by = creators.is_empty() || creators.contains(&silence.created_by.as_str());
        by && names(silence, &filter)
    };
    let mut silences: Vec<&Silence> = published.notices.silences.iter().filter(wanted).collect();
    silences.sort_by_key(|silence| match silence.state(now) {
        SilenceState::Active => (1, silence.ends_at.as_millis(), &silence.id),
        SilenceState::Pending => (2, silence.starts_at.as_millis(), &silence.id),
        SilenceState::Expired => (3, -silence.ends_at.as_millis(), &silence.id),
    });
    let views = silences.into_iter().map(|one| SilenceView::of(one, now));
    Ok(Json(views.collect()))
}

/// Whether each condition of a filter is one of the silence's matchers.
fn names(silence: &Silence, filter: &Filter) -> bool {
    let mut wanted = filter.matchers().iter();
    wanted.all(|matcher| silence.matchers.contains(matcher))
}

/// `POST /api/v2/silences`
pub(super) async fn set(
    State(app): State<App>,
    actor: Actor,
    body: Result<JsonBody<PostableSilence>, ApiError>,
) -> Result<Json<SilenceId>, Refusal> {
    let JsonBody(body) = body?;
    let silence = app.silence(&actor, body.wish()?).await?;
    Ok(Json(SilenceId {
        silence_id: silence.id,
    }))
}

/// `GET /api/v2/silence/{id}`
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<SilenceView>, Refusal> {
    let silence = app.find_silence(&id)?;
    Ok(Json(SilenceView::of(&silence, (app.clock)())))
}

/// `DELETE /api/v2/silence/{id}`
pub(super) async fn expire(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    app.expire_silence(&actor, &id).await?;
    Ok(StatusCode::OK)
}

/// `postableSilence`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostableSilence {
    id: Option<String>,
    matchers: Vec<MatcherView>,
    starts_at: String,
    ends_at: String,
    created_by: String,
    comment: String,
}

impl PostableSilence {
    fn wish(self) -> Result<Wish, ApiError> {
        bounded(self.matchers.len())?;
        let matchers = self.matchers.into_iter().map(MatcherView::matcher);
        Ok(Wish {
            id: self.id.filter(|id| !id.is_empty()),
            matchers: matchers.collect::<Result<_, _>>()?,
            starts_at: parse_time("startsAt", &self.starts_at)?,
            ends_at: parse_time("endsAt", &self.ends_at)?,
            created_by: self.created_by,
            comment: self.comment,
        })
    }
}

/// What a new or changed silence is called.
#[derive(Serialize)]
pub(super) struct SilenceId {
    #[serde(rename = "silenceID")]
    silence_id: String,
}

/// `matcher`
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MatcherView {
    name: String,
    value: String,
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
}

const fn yes() -> bool {
    true
}

impl MatcherView {
    fn of(matcher: &Matcher) -> Self {
        let (op, value) = matcher.op.parts();
        Self {
            name: matcher.name.clone(),
            value: value.to_owned(),
            is_regex: op.ends_with('~'),
            is_equal: op.starts_with('='),
        }
    }

    fn matcher(self) -> Result<Matcher, ApiError> {
        let op = match (self.is_equal, self.is_regex) {
            (true, false) => "=",
            (false, false) => "!=",
            (true, true) => "=~",
            (false, true) => "!~",
        };
        let op = MatchOp::new(op, self.value).map_err(|error| {
            ApiError::bad_request(format!("matcher of {:?}: {error}", self.name))
        })?;
        Ok(Matcher {
            name: self.name,
            op,
        })
    }
}

/// `gettableSilence`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SilenceView {
    id: String,
    status: StatusView,
    updated_at: Rfc3339,
    matchers: Vec<MatcherView>,
    starts_at: Rfc3339,
    ends_at: Rfc3339,
    created_by: String,
    comment: String,
}

#[derive(Serialize)]
struct StatusView {
    state: SilenceState,
}

impl SilenceView {
    fn of(silence: &Silence, now: Timestamp) -> Self {
        let state = silence.state(now);
        Self {
            id: silence.id.clone(),
            status: StatusView { state },
            updated_at: Rfc3339(silence.updated_at),
            matchers: silence.matchers.iter().map(MatcherView::of).collect(),
            starts_at: Rfc3339(silence.starts_at),
            ends_at: Rfc3339(silence.ends_at),
            created_by: silence.created_by.clone(),
            comment: silence.comment.clone(),
        }
    }
}
