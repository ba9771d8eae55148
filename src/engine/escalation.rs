//! Who looks after an alert, and who else is told when nobody does.

use super::alert::AlertRecord;
use super::dispatch::{Pass, Scope};
use super::effect::Effect;
use super::labels::Labels;
use super::notification::{AlertKey, Reason};
use super::operation::{Acknowledgement, Operation};
use super::policy::Severity;
use super::routing::{Routing, Way};
use super::step::Engine;
use super::time::Timestamp;

impl Routing {
    /// Adds the receivers of the steps that are due: those of a page that burns, was announced
    /// long enough ago, and that nobody looks after.
    pub(super) fn escalate<'a>(
        &'a self,
        ways: &mut Vec<Way<'a>>,
        record: &AlertRecord,
        labels: &Labels,
        at: Timestamp,
    ) {
        let waits = record.facts.severity == Severity::Page
            && record.is_burning()
            && record.facts.acknowledged.is_none();
        let (true, Some(announced_at)) = (waits, record.announced_at) else {
            return;
        };
        for route in self.find(labels) {
            let rests = self.rest(route, at).is_some();
            let due = route.escalation.iter();
            for step in due.filter(|step| !rests && at >= announced_at + step.after) {
                for receiver in &step.receivers {
                    match ways.iter_mut().find(|way| way.receiver == receiver) {
                        Some(way) => {
                            way.route = way.route.or(Some(route));
                            way.escalated = way.escalated.max(Some(step.after));
                        }
                        None => ways.push(Way {
                            receiver,
                            route: Some(route),
                            escalated: Some(step.after),
                        }),
                    }
                }
            }
        }
    }
}

impl Engine {
    /// Takes an operation about who looks after an alert. One about alerts that are not up, or
    /// that changes nothing, is without effect.
    pub(super) fn operate_acknowledgement(
        &mut self,
        operation: Operation,
        effects: &mut Vec<Effect>,
    ) {
        let mut pass = self.pass(Scope::All, effects);
        match operation {
            Operation::Acknowledge {
                alert,
                acknowledgement,
            } => {
                for key in self.alerts_named(&alert) {
                    self.acknowledge(&key, &acknowledgement, &mut pass);
                }
            }
            Operation::Unacknowledge { alert } => {
                for key in self.alerts_named(&alert) {
                    self.unacknowledge(&key, &mut pass);
                }
            }
            Operation::SetSilence(_) | Operation::ExpireSilence { .. } => {}
        }
        self.settle_pass(&mut pass);
    }

    /// The firing alerts with this dedup key: one, or all of a thread.
    fn alerts_named(&self, name: &str) -> Vec<AlertKey> {
        let firing = self.alerts.values().filter(|record| record.is_firing());
        let one = firing.map(|r| &r.key).find(|key| key.dedup_key() == name);
        if let Some(key) = one {
            return vec![key.clone()];
        }
        let mut threads = self.threads.values();
        let thread = threads.find(|thread| thread.key.dedup_key() == name);
        let members = thread.into_iter().flat_map(|t| t.members.values());
        let up = members.filter(|member| member.is_up());
        up.map(|member| member.key.clone()).collect()
    }

    fn acknowledge(
        &mut self,
        key: &AlertKey,
        acknowledgement: &Acknowledgement,
        pass: &mut Pass<'_>,
    ) {
        let Some(mut record) = self.alerts.get(key).cloned() else {
            return;
        };
        if record.facts.acknowledged.as_ref() == Some(acknowledgement) {
            return;
        }
        record.facts.acknowledged = Some(acknowledgement.clone());
        let reason = Reason::Acknowledged {
            by: acknowledgement.by.clone(),
        };
        let labels = record.facts.matching_labels();
        let told: Vec<String> = record.told.keys().cloned().collect();
        for receiver in told {
            let route_labels = self.routing.labels_for(&receiver, &labels);
            self.tell(&mut record, &receiver, reason.clone(), route_labels, pass);
        }
        let name = key.dedup_key();
        for seat in self.seats_of(key) {
            let thread = self.threads.get(&seat);
            let member = thread.and_then(|thread| thread.members.get(&name));
            if member.is_some_and(|member| member.announced) {
                pass.reasons.insert(seat, reason.clone());
            }
        }
        pass.effects.push(Effect::Save(record.clone()));
        self.alerts.insert(key.clone(), record);
    }

    /// Escalation begins anew from now.
    fn unacknowledge(&mut self, key: &AlertKey, pass: &mut Pass<'_>) {
        let Some(record) = self.alerts.get_mut(key) else {
            return;
        };
        if record.facts.acknowledged.take().is_some() {
            record.announced_at = record.announced_at.map(|_| pass.at);
            pass.effects.push(Effect::Save(record.clone()));
        }
    }
}
