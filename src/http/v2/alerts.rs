//! `/api/v2/alerts`: the open alerts as Alertmanager would list them.
//!
//! An alert that holds but not for long enough is `unprocessed`; one that fires is `suppressed`
//! while something asks for quiet about it, and else `active`.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use reqwest::Url;
use serde::Serialize;

use crate::engine::labels::Fnv;
use crate::engine::{
    AlertKey, AlertRecord, AlertState, Labels, Mute, Notification, NotificationKind, Silence,
    SilenceState, Span, Timestamp,
};
use crate::http::App;
use crate::http::board::Published;
use crate::http::error::ApiError;
use crate::http::matching::routed;
use crate::http::view::Rfc3339;
use crate::message::{Writer, annotations};

use super::Refusal;
use super::query::{AlertQuery, Pairs};

/// How long clients may take a listed alert to be up, at least. Alertmanager's alerts end four
/// evaluations after they were last seen.
const ENDS_AFTER_MIN: Span = Span::from_mins(4);

/// `GET /api/v2/alerts`
pub(super) async fn list(
    State(app): State<App>,
    query: Pairs,
) -> Result<Json<Vec<AlertView>>, Refusal> {
    let query = AlertQuery::parse(query)?;
    let published = app.board.read();
    let room = Room::new(&app, &published);
    let mut alerts: Vec<AlertView> = Vec::new();
    for alert in published.alerts.iter() {
        let subject = room.subject(alert);
        let receivers = subject.receivers(&published);
        let told = receivers.iter().any(|name| query.wants_receiver(name));
        let all_told = query.receiver.is_none() || told;
        if all_told && subject.is_wanted(&query) {
            alerts.push(room.view(&subject, receivers));
        }
    }
    alerts.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
    Ok(Json(alerts))
}

/// `POST /api/v2/alerts`
pub(super) async fn refuse() -> Refusal {
    let text = "slofuse decides its alerts itself and takes none; send those of others to an \
                Alertmanager";
    ApiError::method_not_allowed(text).into()
}

/// What is needed to show alerts.
pub(super) struct Room<'a> {
    published: &'a Published,
    writer: Writer,
    now: Timestamp,
    interval: Span,
    /// The silences that are in force.
    silences: Vec<&'a Silence>,
    /// By key, for those that others name.
    fingerprints: BTreeMap<&'a AlertKey, String>,
}

/// An alert and what is known of its quiet.
pub(super) struct Subject<'a> {
    pub(super) alert: &'a AlertRecord,
    pub(super) labels: Labels,
    status: Status,
}

impl<'a> Room<'a> {
    pub(super) fn new(app: &App, published: &'a Published) -> Self {
        let about = app.board.about();
        let external = about.external_url.as_deref();
        let external = external.and_then(|url| Url::parse(url).ok());
        let now = (app.clock)();
        let in_force = |silence: &&Silence| silence.state(now) == SilenceState::Active;
        let fingerprint = |alert: &'a AlertRecord| {
            let labels = alert.facts.matching_labels();
            (&alert.key, fingerprint(&labels))
        };
        Self {
            published,
            writer: Writer::new(external),
            now,
            interval: about.interval,
            silences: published.notices.silences.iter().filter(in_force).collect(),
            fingerprints: published.alerts.iter().map(fingerprint).collect(),
        }
    }

    pub(super) fn subject(&self, alert: &'a AlertRecord) -> Subject<'a> {
        let labels = alert.facts.matching_labels();
        let status = self.status(alert, &labels);
        Subject {
            alert,
            labels,
            status,
        }
    }

    /// What asks for quiet. Silences are looked at as they stand now, so that one that was just
    /// made shows at once.
    fn status(&self, alert: &AlertRecord, labels: &Labels) -> Status {
        let mut status = Status::default();
        if matches!(alert.state, AlertState::Pending { .. }) {
            return status;
        }
        let matching = self.silences.iter().filter(|one| one.matches(labels));
        status.silenced_by = matching.map(|silence| silence.id.clone()).collect();
        let mut inhibited = BTreeSet::new();
        let mut muted = BTreeSet::new();
        for mute in &alert.mutes {
            match mute {
                Mute::Silence { .. } => {}
                Mute::Page { by } | Mute::Inhibited { by, .. } | Mute::Dependency { by, .. } => {
                    inhibited.extend(self.fingerprints.get(by).cloned());
                }
                Mute::Maintenance { name } => {
                    muted.insert(name.clone());
                }
                Mute::Interval { interval, .. } => {
                    muted.insert(interval.clone());
                }
            }
        }
        status.inhibited_by = inhibited.into_iter().collect();
        status.muted_by = muted.into_iter().collect();
        status.state = if status.is_quiet() {
            "suppressed"
        } else {
            "active"
        };
        status
    }

    pub(super) fn view(&self, subject: &Subject<'_>, receivers: BTreeSet<&str>) -> AlertView {
        let facts = &subject.alert.facts;
        let notification = Notification {
            receiver: String::new(),
            kind: NotificationKind::Trigger,
            episode: subject.alert.episode(),
            sequence: 1,
            facts: facts.clone(),
            group: None,
            route_labels: BTreeMap::new(),
        };
        let message = self.writer.message(&notification);
        let fingerprint = self.fingerprints.get(&subject.alert.key).cloned();
        AlertView {
            labels: subject.labels.clone(),
            annotations: annotations::of(facts, &message),
            starts_at: Rfc3339(facts.started_at),
            ends_at: Rfc3339(self.now + self.interval.times(4).max(ENDS_AFTER_MIN)),
            updated_at: Rfc3339(facts.decided_at),
            generator_url: message.own_link().map(str::to_owned),
            fingerprint: fingerprint.unwrap_or_default(),
            receivers: receivers.into_iter().map(ReceiverView::of).collect(),
            status: subject.status.clone(),
        }
    }

    pub(super) fn published(&self) -> &'a Published {
        self.published
    }
}

impl Subject<'_> {
    /// Who is told of it, or would be.
    fn receivers<'a>(&self, published: &'a Published) -> BTreeSet<&'a str> {
        let routed = routed(&published.notices.routing, &self.labels);
        let names = routed.into_iter().flat_map(|routed| routed.receivers);
        names.map(String::as_str).collect()
    }

    pub(super) fn is_wanted(&self, query: &AlertQuery) -> bool {
        let status = &self.status;
        let hidden = (!query.active && status.state == "active")
            || (!query.unprocessed && status.state == "unprocessed")
            || (!query.silenced && !status.silenced_by.is_empty())
            || (!query.inhibited && !status.inhibited_by.is_empty())
            || (!query.muted && !status.muted_by.is_empty());
        !hidden && query.filter.matches(&self.labels)
    }
}

/// Alertmanager's fingerprint of a label set: FNV-1a over names and values, each followed by 0xff.
pub(super) fn fingerprint(labels: &Labels) -> String {
    const SEPARATOR: &[u8] = &[0xff];
    let mut hash = Fnv::default();
    for (name, value) in labels.iter() {
        for part in [name.as_bytes(), SEPARATOR, value.as_bytes(), SEPARATOR] {
            hash.write(part);
        }
    }
    format!("{:016x}", hash.0)
}

/// `gettableAlert`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AlertView {
    labels: Labels,
    annotations: BTreeMap<String, String>,
    starts_at: Rfc3339,
    ends_at: Rfc3339,
    updated_at: Rfc3339,
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    generator_url: Option<String>,
    pub(super) fingerprint: String,
    receivers: Vec<ReceiverView>,
    status: Status,
}

/// `alertStatus`
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    state: &'static str,
    silenced_by: Vec<String>,
    inhibited_by: Vec<String>,
    muted_by: Vec<String>,
}

impl Status {
    fn is_quiet(&self) -> bool {
        let all = [&self.silenced_by, &self.inhibited_by, &self.muted_by];
        all.into_iter().any(|by| !by.is_empty())
    }
}

impl Default for Status {
    fn default() -> Self {
        Self {
            state: "unprocessed",
            silenced_by: Vec::new(),
            inhibited_by: Vec::new(),
            muted_by: Vec::new(),
        }
    }
}

/// `receiver`
#[derive(Serialize)]
pub(super) struct ReceiverView {
    name: String,
}

impl ReceiverView {
    pub(super) fn of(name: &str) -> Self {
        Self {
            name: name.to_owned(),
        }
    }
}
