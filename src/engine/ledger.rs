//! Who is told: from an alert's state to notifications, and what each receiver already knows.
//!
//! The rules, per alert and receiver: trigger before update before resolve; an alert that was
//! announced gets its resolve through the receiver that heard of it, whatever the routes say by
//! then; an alert that was never announced ends in silence.

use std::collections::BTreeMap;

use super::alert::AlertRecord;
use super::effect::Effect;
use super::notification::{AlertFacts, Notification, NotificationKind, Reason};
use super::policy::Severity;
use super::time::Timestamp;

/// A receiver as the engine knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Its name in the configuration.
    pub name: String,
    /// Whether it wants to hear of the end.
    pub send_resolved: bool,
}

/// Who hears of which severity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipients {
    by_severity: BTreeMap<Severity, Vec<Recipient>>,
}

impl Recipients {
    /// Takes the receivers of each severity.
    pub fn new(by_severity: BTreeMap<Severity, Vec<Recipient>>) -> Self {
        Self { by_severity }
    }

    fn of(&self, severity: Severity) -> &[Recipient] {
        self.by_severity
            .get(&severity)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    fn wants_resolve(&self, name: &str) -> bool {
        let mut all = self.by_severity.values().flatten();
        all.find(|recipient| recipient.name == name)
            .is_none_or(|recipient| recipient.send_resolved)
    }

    /// Announces a firing alert to whoever has not heard of it, and `news` to whoever has.
    pub(super) fn announce(&self, record: &mut AlertRecord, news: bool, effects: &mut Vec<Effect>) {
        let episode = record.episode();
        for recipient in self.of(record.facts.severity) {
            let told = record.told.get(&recipient.name).copied();
            let kind = match told {
                None => NotificationKind::Trigger,
                Some(_) if news => NotificationKind::Update,
                Some(_) => continue,
            };
            let sequence = told.unwrap_or(0) + 1;
            record.told.insert(recipient.name.clone(), sequence);
            effects.push(Effect::Notify(Notification {
                receiver: recipient.name.clone(),
                kind,
                episode,
                sequence,
                facts: record.facts.clone(),
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
        for (receiver, sequence) in &record.told {
            if self.wants_resolve(receiver) {
                effects.push(Effect::Notify(Notification {
                    receiver: receiver.clone(),
                    kind: NotificationKind::Resolve,
                    episode: record.episode(),
                    sequence: sequence + 1,
                    facts: facts.clone(),
                }));
            }
        }
    }
}
