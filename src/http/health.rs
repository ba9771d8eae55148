//! Whether the process lives, whether it evaluates, and a front page for people.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::StatusCode;

use crate::engine::{AlertKey, AlertState, Span, Timestamp};

use super::App;
use super::board::{Board, Published, Readiness};
use super::view::Rfc3339;

/// The last slot may be so many intervals old.
const SLOT_INTERVALS_MAX: i64 = 3;

/// 200 as long as the process answers.
pub(super) async fn alive() -> &'static str {
    "ok"
}

/// 200 while slots are decided, else 503 and why not.
pub(super) async fn ready(State(app): State<App>) -> (StatusCode, String) {
    match readiness(&app) {
        Ok(()) => (StatusCode::OK, "ready".to_owned()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

/// A short page that names the routes and the state.
pub(super) async fn index(State(app): State<App>) -> String {
    let about = app.board.about();
    let base = about.external_url.as_deref().unwrap_or_default();
    let base = base.trim_end_matches('/');
    let state = readiness(&app).map_or_else(|why| format!("not ready: {why}"), |()| "ready".into());
    let mut page = format!(
        "slofuse {version}, evaluates {source} every {interval}\n\
         state: {state}\n\
         \n\
         GET  {base}/metrics\n\
         GET  {base}/api/v1/slos?service=&slo=&outcome=&limit=&offset=\n\
         GET  {base}/api/v1/slos/{{service}}/{{name}}?limit=&offset=\n\
         GET  {base}/api/v1/alerts?filter=&limit=&offset=\n\
         GET  {base}/api/v1/groups, /silences, /receivers, /dead-letters, /routes\n\
         GET  {base}/api/v1/history, /load, /audit\n\
         GET  {base}/api/v2/alerts, /silences, ..., as Alertmanager's\n\
         GET  {base}/healthz\n\
         GET  {base}/readyz\n\
         POST {base}/-/reload\n",
        version = about.version,
        source = about.source,
        interval = about.interval,
    );
    if let Some((at, report)) = &app.board.read().reloads.failure {
        let at = Rfc3339(*at);
        let _infallible = write!(
            page,
            "\nthe reload at {at} failed, the older configuration is in use:\n{report}\n"
        );
    }
    page
}

fn readiness(app: &App) -> Result<(), String> {
    app.board.readiness((app.clock)())
}

impl Board {
    /// Whether slots are decided as they should be; if not, why.
    ///
    /// # Errors
    ///
    /// The reason, in words.
    pub fn readiness(&self, now: Timestamp) -> Result<(), String> {
        judge(&self.read(), self.about().interval, now)
    }

    /// Whether it is known that the source has failed for long: people are told of it by then.
    pub fn is_source_down(&self) -> bool {
        let published = self.read();
        let mut alerts = published.alerts.iter();
        alerts.any(|alert| {
            matches!(alert.key, AlertKey::SourceDown { .. })
                && matches!(alert.state, AlertState::Firing { .. })
        })
    }
}

fn judge(published: &Published, interval: Span, now: Timestamp) -> Result<(), String> {
    match &published.readiness {
        Readiness::Starting { what } => return Err(format!("starting: {what}")),
        Readiness::Stopping => return Err("stopping".to_owned()),
        Readiness::Evaluating => {}
    }
    let Some(at) = published.decided_at else {
        return Err("no slot has been decided yet".to_owned());
    };
    let age = now.since(at);
    let bound = interval.times(SLOT_INTERVALS_MAX);
    if age >= bound {
        return Err(format!(
            "the last slot is {age} old, which is not less than {bound}"
        ));
    }
    Ok(())
}
