//! `/api/v1/groups`: the open threads, with their alerts.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::engine::{Labels, Severity, ThreadKey, ThreadRecord};
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::page::Page;
use crate::http::question::Question;
use crate::http::view::Rfc3339;

/// Most members shown of one thread.
const MEMBERS_MAX: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    limit: Option<usize>,
    offset: Option<usize>,
}

#[derive(Serialize)]
struct List<'a> {
    total: usize,
    limit: usize,
    offset: usize,
    groups: Vec<GroupView<'a>>,
}

#[derive(Serialize)]
struct GroupView<'a> {
    /// The dedup key, by which it can be acknowledged.
    key: String,
    kind: &'static str,
    receiver: &'a str,
    route: Option<&'a str>,
    labels: Option<&'a Labels>,
    began_at: Rfc3339,
    /// Notifications so far.
    notifications: u32,
    told_at: Option<Rfc3339>,
    /// When what is new will be told.
    next_at: Option<Rfc3339>,
    /// How many alerts are in it, and the first of them by key.
    alerts: usize,
    members: Vec<MemberView<'a>>,
}

#[derive(Serialize)]
struct MemberView<'a> {
    key: &'a str,
    severity: Severity,
    since: Rfc3339,
    resolved_at: Option<Rfc3339>,
    /// Whether the receiver has heard of its present state.
    told: bool,
}

impl<'a> GroupView<'a> {
    fn of(thread: &'a ThreadRecord) -> Self {
        let (kind, receiver, route, labels) = match &thread.key {
            ThreadKey::Group {
                receiver,
                route,
                labels,
            } => ("group", receiver, Some(route.as_str()), Some(labels)),
            ThreadKey::Storm { receiver } => ("storm", receiver, None, None),
        };
        let members = thread.members.iter().take(MEMBERS_MAX);
        let members = members.map(|(key, member)| MemberView {
            key,
            severity: member.facts.severity,
            since: Rfc3339(member.facts.started_at),
            resolved_at: member.facts.resolved_at.map(Rfc3339),
            told: member.told,
        });
        Self {
            key: thread.key.dedup_key(),
            kind,
            receiver,
            route,
            labels,
            began_at: Rfc3339(thread.began_at),
            notifications: thread.sequence,
            told_at: thread.told_at.map(Rfc3339),
            next_at: thread.flush_at.map(Rfc3339),
            alerts: thread.members.len(),
            members: members.collect(),
        }
    }
}

/// `GET /api/v1/groups`
pub(super) async fn list(
    State(app): State<App>,
    Question(query): Question<ListQuery>,
) -> Result<Response, ApiError> {
    let page = Page::new(query.limit, query.offset)?;
    let published = app.board.read();
    let threads = &published.notices.threads;
    let list = List {
        total: threads.len(),
        limit: page.limit,
        offset: page.offset,
        groups: page.of(threads).iter().map(GroupView::of).collect(),
    };
    Ok(Json(list).into_response())
}
