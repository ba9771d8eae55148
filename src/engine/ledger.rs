//! Who is told: from an alert's state to notifications, and what each receiver already knows.
//!
//! The rules, per alert and receiver: trigger before update before resolve; an alert that was
//! announced gets its resolve through the receiver that heard of it, whatever the routes say by
//! then; an alert that was never announced ends in silence.

use std::collections::{BTreeMap, BTreeSet};

use super::alert::{AlertRecord, Told};
use super::effect::Effect;
use super::notification::{AlertFacts, Notification, NotificationKind, Reason};
use super::routing::Routing;
use super::time::Timestamp;

impl Routing {
    fn wants_resolve(&self, name: &str) -> bool {
        let recipient = self.receivers.get(name);
        recipient.is_none_or(|recipient| recipient.send_resolved)
    }

    /// Announces a firing alert to whoever has not heard of it, and `news` to whoever has.
    pub(super) fn announce(
        &self,
        record: &mut AlertRecord,
        news: bool,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let episode = record.episode();
        let routes = self.find(&record.facts.matching_labels());
        let mut reached = BTreeSet::new();
        for receiver in routes.iter().flat_map(|route| &route.receivers) {
            if !reached.insert(receiver) {
                continue;
            }
            let told = record.told.get(receiver).map(|told| told.sequence);
            let kind = match told {
                None => NotificationKind::Trigger,
                Some(_) if news => NotificationKind::Update,
                Some(_) => continue,
            };
            let sequence = told.unwrap_or(0) + 1;
            let at = Some(now);
            record.told.insert(receiver.clone(), Told { sequence, at });
            effects.push(Effect::Notify(Notification {
                receiver: receiver.clone(),
                kind,
                episode,
                sequence,
                facts: record.facts.clone(),
                group: None,
                route_labels: BTreeMap::new(),
            }));
        }
    }

    /// Tells everybody who heard of the alert that it is over.
    pub(super) fn close(
        &self,
        record: &AlertRecord,
        reason: Reason,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let facts = AlertFacts {
            reason,
            decided_at: now,
            resolved_at: Some(now),
            ..record.facts.clone()
        };
        for (receiver, told) in &record.told {
            if self.wants_resolve(receiver) {
                effects.push(Effect::Notify(Notification {
                    receiver: receiver.clone(),
                    kind: NotificationKind::Resolve,
                    episode: record.episode(),
                    sequence: told.sequence + 1,
                    facts: facts.clone(),
                    group: None,
                    route_labels: BTreeMap::new(),
                }));
            }
        }
    }
}
