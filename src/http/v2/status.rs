//! `/api/v2/status` and `/api/v2/receivers`: what Alertmanager says of itself.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::http::App;
use crate::http::view::Rfc3339;

use super::alerts::ReceiverView;
use super::config;

/// `alertmanagerStatus`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    cluster: Cluster,
    version_info: VersionInfo,
    config: Config,
    uptime: Rfc3339,
}

#[derive(Serialize)]
struct Cluster {
    name: &'static str,
    status: &'static str,
    peers: [(); 0],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VersionInfo {
    version: String,
    revision: &'static str,
    branch: &'static str,
    build_user: &'static str,
    build_date: &'static str,
    go_version: &'static str,
}

#[derive(Serialize)]
struct Config {
    original: String,
}

/// `GET /api/v2/status`; `uptime` is the time of the start, as Alertmanager has it.
pub(super) async fn show(State(app): State<App>) -> Json<Status> {
    let about = app.board.about();
    let published = app.board.read();
    Json(Status {
        cluster: Cluster {
            name: "",
            status: "disabled",
            peers: [],
        },
        version_info: VersionInfo {
            version: about.version.clone(),
            revision: "",
            branch: "",
            build_user: "",
            build_date: "",
            go_version: "",
        },
        config: Config {
            original: config::original(&published.notices.routing),
        },
        uptime: Rfc3339(about.started_at),
    })
}

/// `GET /api/v2/receivers`
pub(super) async fn receivers(State(app): State<App>) -> Json<Vec<ReceiverView>> {
    let published = app.board.read();
    let names = published.notices.routing.receivers.keys();
    Json(names.map(|name| ReceiverView::of(name)).collect())
}
