//! What one receiver is told about one alert by itself, and what it already knows.
//!
//! The rules, per alert and receiver: trigger before update before resolve; an alert that was
//! announced gets its resolve through the receiver that heard of it, whatever the routes say by
//! then; an alert that was never announced ends in silence.

use std::collections::BTreeMap;

use super::alert::{AlertRecord, Told};
use super::dispatch::Pass;
use super::effect::Effect;
use super::labels::Labels;
use super::notification::{AlertFacts, Notification, NotificationKind, Reason};
use super::routing::{Route, Routing, Way};
use super::step::Engine;
use super::time::Timestamp;

impl Engine {
    /// Puts a notification into the outbox. Every notification passes here.
    pub(super) fn post(&self, notification: Notification, pass: &mut Pass<'_>) {
        pass.effects.push(Effect::Notify(notification));
    }

    /// Tells a receiver of an alert by itself: a trigger if it has not heard of it, else an update.
    pub(super) fn tell(
        &self,
        record: &mut AlertRecord,
        receiver: &str,
        reason: Reason,
        route_labels: BTreeMap<String, String>,
        pass: &mut Pass<'_>,
    ) {
        let told = record.told.get(receiver).map_or(0, |told| told.sequence);
        let kind = match told {
            0 => NotificationKind::Trigger,
            _ => NotificationKind::Update,
        };
        let sequence = told.saturating_add(1);
        let told = Told {
            sequence,
            at: Some(pass.at),
            behind: false,
        };
        record.told.insert(receiver.to_owned(), told);
        record.announced_at.get_or_insert(pass.at);
        let facts = AlertFacts {
            reason,
            ..record.facts.clone()
        };
        let notification = Notification {
            receiver: receiver.to_owned(),
            kind,
            episode: record.episode(),
            sequence,
            facts,
            group: None,
            route_labels,
        };
        self.post(notification, pass);
    }

    /// Tells everybody who heard of the alert by itself that it is over.
    pub(super) fn close(&self, record: &AlertRecord, facts: &AlertFacts, pass: &mut Pass<'_>) {
        let labels = record.facts.matching_labels();
        for (receiver, told) in &record.told {
            if !self.routing.owes_resolve(receiver) {
                continue;
            }
            let notification = Notification {
                receiver: receiver.clone(),
                kind: NotificationKind::Resolve,
                episode: record.episode(),
                sequence: told.sequence.saturating_add(1),
                facts: facts.clone(),
                group: None,
                route_labels: self.routing.labels_for(receiver, &labels),
            };
            self.post(notification, pass);
        }
    }
}

impl Routing {
    /// The labels of the first route that leads an alert with these labels to the receiver.
    pub(super) fn labels_for(&self, receiver: &str, labels: &Labels) -> BTreeMap<String, String> {
        let leads = |route: &&Route| {
            let receivers = self.receivers_of(route, labels);
            receivers.iter().any(|name| name == receiver)
        };
        let route = self.find(labels).into_iter().find(leads);
        route.map_or_else(BTreeMap::new, |route| route.labels.clone())
    }
}

impl AlertRecord {
    /// Brings what a clock that went back, or a version that did not remember, left in the record
    /// in line with the present: nothing was told in the future.
    pub(super) fn settle_times(&mut self, at: Timestamp) {
        for told in self.told.values_mut() {
            told.at = Some(told.at.map_or(at, |told| told.min(at)));
        }
        let first = self.told.values().filter_map(|told| told.at).min();
        self.announced_at = self.announced_at.or(first).map(|told| told.min(at));
    }

    /// Whether somebody heard of this episode.
    pub(super) fn is_announced(&self) -> bool {
        self.announced_at.is_some() || !self.told.is_empty()
    }
}

/// Why a receiver that has heard of an alert, or of its thread, at `last` hears of it once more
/// though nothing is new: it is part of an escalation that is due, or the route repeats itself.
pub(super) fn again(
    way: &Way<'_>,
    route: &Route,
    announced_at: Option<Timestamp>,
    last: Timestamp,
    at: Timestamp,
) -> Option<Reason> {
    if let (Some(after), Some(announced_at)) = (way.escalated, announced_at)
        && last < announced_at + after
    {
        return Some(Reason::Unacknowledged { after });
    }
    let repeat = route.repeat_interval?;
    (at.since(last) >= repeat).then_some(Reason::Repeated)
}
