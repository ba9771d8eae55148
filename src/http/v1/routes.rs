//! `/api/v1/routes`: the routes in force.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::engine::{GroupBy, Route};
use crate::http::App;
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
    labels: &'a std::collections::BTreeMap<String, String>,
    active_time_intervals: &'a [String],
    mute_time_intervals: &'a [String],
    escalate: Vec<StepView<'a>>,
    routes: Vec<RouteView<'a>>,
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
