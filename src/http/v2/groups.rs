//! `/api/v2/alerts/groups`: the alerts that fire, by who is told of them together.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::engine::{AlertState, GroupBy, Labels};
use crate::http::App;
use crate::http::matching::routed;

use super::Refusal;
use super::alerts::{AlertView, ReceiverView, Room};
use super::query::{AlertQuery, Pairs};

/// `alertGroup`
#[derive(Serialize)]
pub(super) struct GroupView {
    labels: Labels,
    receiver: ReceiverView,
    alerts: Vec<AlertView>,
}

/// `GET /api/v2/alerts/groups`
pub(super) async fn list(
    State(app): State<App>,
    query: Pairs,
) -> Result<Json<Vec<GroupView>>, Refusal> {
    let query = AlertQuery::parse(query)?;
    let published = app.board.read();
    let room = Room::new(&app, &published);
    let mut groups: BTreeMap<Place, GroupView> = BTreeMap::new();
    for alert in published.alerts.iter() {
        let subject = room.subject(alert);
        if matches!(alert.state, AlertState::Pending { .. }) || !subject.is_wanted(&query) {
            continue;
        }
        let routes = routed(&room.published().notices.routing, &subject.labels);
        let all: BTreeSet<&str> = routes
            .iter()
            .flat_map(|routed| routed.receivers)
            .map(String::as_str)
            .collect();
        for routed in &routes {
            let labels = match &routed.route.group_by {
                GroupBy::Alert => subject.labels.clone(),
                GroupBy::Labels(names) => subject.labels.pick(names),
            };
            let receivers = routed.receivers.iter();
            for receiver in receivers.filter(|name| query.wants_receiver(name)) {
                let place = Place {
                    labels: labels.to_string(),
                    receiver: receiver.clone(),
                    route: routed.route.name.clone(),
                };
                let group = groups.entry(place).or_insert_with(|| GroupView {
                    labels: labels.clone(),
                    receiver: ReceiverView::of(receiver),
                    alerts: Vec::new(),
                });
                group.alerts.push(room.view(&subject, all.clone()));
            }
        }
    }
    let mut groups: Vec<GroupView> = groups.into_values().collect();
    for group in &mut groups {
        group
            .alerts
            .sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
    }
    Ok(Json(groups))
}

/// What tells groups apart, in the order in which they are listed.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    labels: String,
    receiver: String,
    route: String,
}
