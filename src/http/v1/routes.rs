//! `/api/v1/routes`: the routes in force, and where an alert with some labels would go.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::engine::trace::{TracedNode, TracedRoute};
use crate::engine::{GroupBy, Labels, Route};
use crate::http::App;
use crate::http::body::JsonBody;
use crate::http::view::SpanText;

#[derive(Serialize)]
struct RouteView<'a> {
    name: &'a str,
    matchers: Vec<String>,
    #[serde(rename = "continue")]
    continues: bool,
    receivers: &'a [String],
    to_owner: bool,
    /// `null` when each alert is told by itself.
    group_by: Option<&'a [String]>,
    group_wait: SpanText,
    group_interval: SpanText,
    repeat_interval: Option<SpanText>,
    labels: &'a BTreeMap<String, String>,
    active_time_intervals: &'a [String],
    mute_time_intervals: &'a [String],
    escalate: Vec<StepView<'a>>,
    routes: Vec<Self>,
}

#[derive(Serialize)]
struct StepView<'a> {
    after: SpanText,
    receivers: &'a [String],
}

impl<'a> RouteView<'a> {
    fn of(route: &'a Route) -> Self {
        let steps = route.escalation.iter().map(|step| StepView {
            after: SpanText(step.after),
            receivers: &step.receivers,
        });
        Self {
            name: &route.name,
            matchers: route.matchers.iter().map(ToString::to_string).collect(),
            continues: route.continues,
            receivers: &route.receivers,
            to_owner: route.to_owner,
            group_by: match &route.group_by {
                GroupBy::Alert => None,
                GroupBy::Labels(labels) => Some(labels),
            },
            group_wait: SpanText(route.group_wait),
            group_interval: SpanText(route.group_interval),
            repeat_interval: route.repeat_interval.map(SpanText),
            labels: &route.labels,
            active_time_intervals: &route.active_intervals,
            mute_time_intervals: &route.mute_intervals,
            escalate: steps.collect(),
            routes: route.routes.iter().map(Self::of).collect(),
        }
    }
}

/// `GET /api/v1/routes`: the tree, every option as it is in force.
pub(super) async fn show(State(app): State<App>) -> Response {
    let published = app.board.read();
    Json(RouteView::of(&published.notices.routing.root)).into_response()
}

/// The labels of an alert, as routes see them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    labels: BTreeMap<String, String>,
}

/// The walk through the tree.
#[derive(Serialize)]
pub(super) struct TraceView {
    /// Every node that was asked.
    nodes: Vec<TracedNode>,
    /// The routes that took the alert.
    routes: Vec<TakenView>,
}

#[derive(Serialize)]
struct TakenView {
    route: String,
    receivers: Vec<String>,
    /// Whose receivers these are, if they are an owner's.
    owner: Option<String>,
    /// The labels of the group; `null` when the alert is told by itself.
    group: Option<Labels>,
    group_wait: SpanText,
    group_interval: SpanText,
    repeat_interval: Option<SpanText>,
    active_time_intervals: Vec<String>,
    mute_time_intervals: Vec<String>,
}

impl From<TracedRoute> for TakenView {
    fn from(taken: TracedRoute) -> Self {
        Self {
            route: taken.route,
            receivers: taken.receivers,
            owner: taken.owner,
            group: taken.group,
            group_wait: SpanText(taken.group_wait),
            group_interval: SpanText(taken.group_interval),
            repeat_interval: taken.repeat_interval.map(SpanText),
            active_time_intervals: taken.active_intervals,
            mute_time_intervals: taken.mute_intervals,
        }
    }
}

/// `POST /api/v1/routes/test`: changes nothing.
pub(super) async fn test(
    State(app): State<App>,
    JsonBody(question): JsonBody<Question>,
) -> Json<TraceView> {
    let published = app.board.read();
    let labels = Labels::new(question.labels);
    let trace = published.notices.routing.trace(&labels);
    Json(TraceView {
        nodes: trace.nodes,
        routes: trace.routes.into_iter().map(TakenView::from).collect(),
    })
}
