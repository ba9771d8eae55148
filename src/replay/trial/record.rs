//! What happened in a test, slot by slot: the [`Record`] is its watcher.

use std::collections::BTreeMap;

use crate::engine::{
    AlertKey, Effect, Engine, InstanceId, MuteChange, Notification, Outcome, Span, StateName,
    Timestamp, Transition, Verdict,
};
use crate::message::{Message, Writer};
use crate::replay::Watcher;

/// Slots that are remembered, of all instances together.
const SLOTS_MAX: usize = 2_000_000;

/// Everything that happened, in the order of time.
#[derive(Debug)]
pub(super) struct Record {
    writer: Writer,
    pub(super) slots: BTreeMap<InstanceId, Vec<Slot>>,
    pub(super) count: usize,
    pub(super) transitions: Vec<Transition>,
    /// The states of each alert, from each slot on.
    states: BTreeMap<AlertKey, Vec<(Timestamp, StateName)>>,
    pub(super) messages: Vec<Told>,
    pub(super) mutes: Vec<(Timestamp, MuteChange)>,
}

/// One slot of one instance.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) at: Timestamp,
    pub(super) outcome: Outcome,
    /// Burn per window, shortest first.
    pub(super) burns: Vec<(Span, Option<f64>)>,
    /// The long windows of the tiers that burn.
    pub(super) burning: Vec<Span>,
    pub(super) consumed: Option<f64>,
    pub(super) remaining: Option<f64>,
}

/// A message, in words.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) at: Timestamp,
    pub(super) notification: Notification,
    pub(super) headline: String,
    pub(super) text: String,
}

impl Record {
    pub(super) fn new(writer: Writer) -> Self {
        Self {
            writer,
            slots: BTreeMap::new(),
            count: 0,
            transitions: Vec::new(),
            states: BTreeMap::new(),
            messages: Vec::new(),
            mutes: Vec::new(),
        }
    }

    /// The state of an alert at a slot, and since when.
    pub(super) fn state(&self, key: &AlertKey, at: Timestamp) -> (StateName, Option<Timestamp>) {
        let states = self.states.get(key).map_or(&[][..], Vec::as_slice);
        let before = states.partition_point(|(from, _)| *from <= at);
        match before.checked_sub(1).and_then(|last| states.get(last)) {
            Some((from, state)) => (*state, Some(*from)),
            None => (StateName::Inactive, None),
        }
    }

    /// Every alert that ever moved.
    pub(super) fn alerts(&self) -> impl Iterator<Item = &AlertKey> {
        self.states.keys()
    }

    /// The slot of an instance at a time.
    pub(super) fn slot(&self, instance: &InstanceId, at: Timestamp) -> Option<&Slot> {
        let slots = self.slots.get(instance)?;
        let place = slots.binary_search_by_key(&at, |slot| slot.at).ok()?;
        slots.get(place)
    }

    fn observe(&mut self, engine: &Engine) {
        for (feed, at) in engine.decided() {
            let Some((_, evaluations)) = engine.evaluations(feed) else {
                continue;
            };
            for evaluation in evaluations.iter().filter(|one| one.at == *at) {
                self.count += 1;
                if self.count > SLOTS_MAX {
                    continue;
                }
                let burning = evaluation.tiers.iter();
                let burning = burning.filter(|tier| tier.verdict == Verdict::Burning);
                let mut burning: Vec<Span> = burning.map(|tier| tier.facts.long).collect();
                burning.sort_unstable();
                burning.dedup();
                let slot = Slot {
                    at: *at,
                    outcome: evaluation.outcome,
                    burns: evaluation
                        .readings
                        .iter()
                        .map(|r| (r.window, r.burn))
                        .collect(),
                    burning,
                    consumed: evaluation.budget.map(|budget| budget.consumed),
                    remaining: evaluation.budget.map(|budget| budget.remaining),
                };
                let slots = self.slots.entry(evaluation.id.clone()).or_default();
                // A slot that is decided again has the later word.
                match slots.last_mut() {
                    Some(last) if last.at == *at => *last = slot,
                    _ => slots.push(slot),
                }
            }
        }
    }
}

impl Watcher for Record {
    fn see(&mut self, now: Timestamp, effects: &[Effect], engine: &Engine) {
        for effect in effects {
            match effect {
                Effect::Transitioned(transition) => {
                    let states = self.states.entry(transition.facts.key.clone()).or_default();
                    states.push((transition.at, transition.to));
                    self.transitions.push(transition.clone());
                }
                Effect::Notify(notification) => {
                    let message = self.writer.message(notification);
                    self.messages.push(Told {
                        at: now,
                        headline: message.headline(),
                        text: text(&message, &self.writer.subject(notification)),
                        notification: notification.clone(),
                    });
                }
                Effect::Muted(change) => self.mutes.push((now, change.clone())),
                Effect::Save(_)
                | Effect::Forget(_)
                | Effect::SaveThread(_)
                | Effect::ForgetThread(_)
                | Effect::SaveSilence(_)
                | Effect::ForgetSilence(_) => {}
            }
        }
        self.observe(engine);
    }
}

/// Everything that a message says.
fn text(message: &Message, subject: &str) -> String {
    let mut lines = vec![subject.to_owned(), message.headline(), message.why.clone()];
    let facts = message.facts.iter();
    lines.extend(facts.map(|fact| format!("{}: {}", fact.name, fact.value)));
    lines.push(message.labels.clone());
    let links = message.links.iter();
    lines.extend(links.map(|link| format!("{}: {}", link.name, link.url)));
    lines.extend(message.members.iter().map(|member| member.headline()));
    lines.extend(message.notes.clone());
    lines.join("\n")
}
