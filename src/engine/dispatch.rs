//! From an alert's state to who is told, when, and in which company.
//!
//! A step first moves the alerts that its input is about. Then, when the state of all of them is
//! known, [`Engine::settle`] considers each: what asks for quiet, which receivers its labels lead
//! to, what each of those has heard. At a slot these are the alerts that the slot moved, at a tick,
//! an operation or a reload all of them. Whoever is to hear of an alert does so by itself
//! (`ledger`) or takes it into a thread (`company`, `storm`), and threads are told when their time
//! has come (`flush`).
//!
//! # Time
//!
//! Slots have nominal times, which lie a little behind the clock. What waits for a time goes by the
//! *dispatch time*: a tick, an operation or a reload sets it to the time of its own, a slot only
//! moves it forward, so that no boundary is crossed twice. When the clock goes back, the dispatch
//! time follows at the next tick: nothing is told a second time for that, for what was told is
//! remembered by sequence number and not by time; what waits for a time that now lies further off
//! than it can is told at once; repeats and escalations count from the time of the jump. When the
//! clock goes forward, what was due in between is told once.

use std::collections::{BTreeMap, BTreeSet};

use super::alert::AlertRecord;
use super::effect::{Effect, StateName, Transition};
use super::labels::Labels;
use super::ledger::again;
use super::mute::{Mute, MuteChange};
use super::muting::Quiet;
use super::notification::{AlertFacts, AlertKey, Reason};
use super::routing::{GroupBy, Route, Way};
use super::step::Engine;
use super::thread::ThreadKey;
use super::time::Timestamp;
use super::transition::differs_durably;

/// An alert that the present step moved.
#[derive(Clone, Debug)]
pub(super) enum Moved {
    /// It is pending or firing.
    On(AlertKey, Box<Change>),
    /// It is over.
    Off(Box<AlertRecord>, Reason, Timestamp),
}

/// What a slot changed about an alert that is pending or firing.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// The slot.
    pub(super) at: Timestamp,
    /// Its record before.
    pub(super) before: Option<AlertRecord>,
    /// Whether there is something to tell to those who know of it.
    pub(super) news: bool,
}

/// Which alerts are considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those that the step moved.
    Moved,
    /// All.
    All,
    /// All, and the routes may be other ones than before.
    Rerouted,
}

/// One pass over the alerts of a step.
pub(super) struct Pass<'a> {
    /// The dispatch time.
    pub(super) at: Timestamp,
    pub(super) scope: Scope,
    pub(super) effects: &'a mut Vec<Effect>,
    pub(super) considered: BTreeSet<AlertKey>,
    quiet: Option<Quiet>,
    /// The threads that are told again though nothing is new, and why.
    pub(super) reasons: BTreeMap<ThreadKey, Reason>,
    /// The members whose news somebody is to hear at present.
    pub(super) loud: BTreeSet<(ThreadKey, AlertKey)>,
    /// The threads to be saved.
    pub(super) touched: BTreeSet<ThreadKey>,
}

impl Engine {
    /// Tells whoever is to be told after the alerts have moved.
    pub(super) fn settle(&mut self, scope: Scope, effects: &mut Vec<Effect>) {
        let mut pass = self.pass(scope, effects);
        self.settle_pass(&mut pass);
    }

    /// A pass at the dispatch time.
    pub(super) fn pass<'a>(&self, scope: Scope, effects: &'a mut Vec<Effect>) -> Pass<'a> {
        Pass {
            at: self.clock,
            scope,
            effects,
            considered: BTreeSet::new(),
            quiet: None,
            reasons: BTreeMap::new(),
            loud: BTreeSet::new(),
            touched: BTreeSet::new(),
        }
    }

    pub(super) fn settle_pass(&mut self, pass: &mut Pass<'_>) {
        for moved in std::mem::take(&mut self.moved) {
            match moved {
                Moved::On(key, change) => self.consider(&key, Some(*change), pass),
                Moved::Off(record, reason, at) => self.conclude(*record, reason, at, pass),
            }
        }
        if pass.scope != Scope::Moved {
            self.settle_threads(pass);
            let keys: Vec<AlertKey> = self.alerts.keys().cloned().collect();
            for key in keys {
                self.consider(&key, None, pass);
            }
        }
        self.flush(pass);
        self.save_threads(pass);
    }

    /// Considers one alert, once in a pass. A tick does so with every open alert each second, so
    /// nothing is copied here that did not change.
    pub(super) fn consider(&mut self, key: &AlertKey, change: Option<Change>, pass: &mut Pass<'_>) {
        let Some(record) = self.alerts.get(key) else {
            return;
        };
        if !pass.considered.insert(key.clone()) {
            return;
        }
        if !record.is_firing() {
            if let Some(change) = change {
                report(&change, record, Vec::new(), pass);
                save_changed(&change, record, pass);
            }
            return;
        }
        let labels = self.labels_of(key, change.is_some());
        let routing = self.routing.clone();
        let (mut ways, rests) = routing.ways(&labels, pass.at);
        let quiet = pass.quiet.get_or_insert_with(|| self.quiet(pass.at));
        let mut mutes = self.mutes_of(key, &labels, quiet);
        mutes.extend(rests);
        let Some(mut record) = self.alerts.remove(key) else {
            return;
        };
        if let Some(change) = &change {
            report(change, &record, mutes.clone(), pass);
        }
        let heard = (record.told.clone(), record.announced_at);
        let was_muted = !record.mutes.is_empty();
        let other_mutes = note_mutes(&mut record, mutes, pass);
        record.settle_times(pass.at);
        if change.as_ref().is_some_and(Change::is_news) {
            self.fall_behind(&mut record, pass);
        }
        let late = was_muted || is_late(change.as_ref(), &record, pass.scope);
        routing.escalate(&mut ways, &record, &labels, pass.at);
        self.leave_unannounced(&record, &ways, &labels, pass);
        if record.mutes.is_empty() {
            for way in &ways {
                self.tell_by(way, &mut record, &labels, late, pass);
            }
        }
        match &change {
            Some(change) => save_changed(change, &record, pass),
            None => {
                let heard_more = heard.0 != record.told || heard.1 != record.announced_at;
                if other_mutes || heard_more {
                    pass.effects.push(Effect::Save(record.clone()));
                }
            }
        }
        self.alerts.insert(key.clone(), record);
    }

    /// The labels that routes see of an alert. They change only when a slot moves it.
    fn labels_of(&mut self, key: &AlertKey, moved: bool) -> Labels {
        if let (false, Some(known)) = (moved, self.labels.get(key)) {
            return known.clone();
        }
        let record = self.alerts.get(key);
        let labels = record.map_or_else(Labels::empty, |r| r.facts.matching_labels());
        self.labels.insert(key.clone(), labels.clone());
        labels
    }

    /// Tells one receiver what it has not heard, if that is due. `late` says that the alert was kept
    /// from it until now.
    fn tell_by(
        &mut self,
        way: &Way<'_>,
        record: &mut AlertRecord,
        labels: &Labels,
        late: bool,
        pass: &mut Pass<'_>,
    ) {
        let Some(route) = way.route else {
            return;
        };
        let waits = record.is_burning() && record.facts.acknowledged.is_none();
        let again = |last: Timestamp, announced_at| {
            let reason = again(way, route, announced_at, last, pass.at);
            reason.filter(|_| waits)
        };
        if let Some(told) = record.told.get(way.receiver) {
            let last = told.at.unwrap_or(pass.at);
            let reason = match told.behind && record.is_burning() {
                true => Some(record.facts.reason.clone()),
                false => again(last, record.announced_at),
            };
            if let Some(reason) = reason {
                self.tell(record, way.receiver, reason, route.labels.clone(), pass);
            }
        } else if let Some(seat) = self.seat_of(&record.key, way.receiver).cloned() {
            let last = self.threads.get(&seat).and_then(|thread| thread.told_at);
            let reason = last.and_then(|last| again(last, record.announced_at));
            self.hear_member(&seat, record, reason, pass);
        } else if record.is_burning() {
            self.place(way, route, record, labels, late, pass);
        }
    }

    /// Announces an alert to a receiver that has not heard of it.
    fn place(
        &mut self,
        way: &Way<'_>,
        route: &Route,
        record: &mut AlertRecord,
        labels: &Labels,
        late: bool,
        pass: &mut Pass<'_>,
    ) {
        let group = match way.escalated {
            Some(_) => None,
            None => group_key(route, way.receiver, labels),
        };
        if self.storm_takes(way.receiver, record, group.as_ref(), pass) {
            let receiver = way.receiver.to_owned();
            self.join(ThreadKey::Storm { receiver }, record, pass);
            return;
        }
        match group {
            Some(key) => self.join(key, record, pass),
            None => {
                let reason = match (way.escalated, &record.facts.reason) {
                    (Some(after), _) => Reason::Unacknowledged { after },
                    (None, Reason::Burning | Reason::MoreTiers) if late => Reason::Unmuted,
                    (None, reason) => reason.clone(),
                };
                self.tell(record, way.receiver, reason, route.labels.clone(), pass);
            }
        }
    }

    /// The effects of an alert that is over.
    fn conclude(
        &mut self,
        record: AlertRecord,
        reason: Reason,
        at: Timestamp,
        pass: &mut Pass<'_>,
    ) {
        let facts = AlertFacts {
            reason,
            decided_at: at,
            resolved_at: Some(at),
            ..record.facts.clone()
        };
        pass.effects.push(Effect::Transitioned(Transition {
            at,
            from: record.state.name(),
            to: StateName::Inactive,
            facts: facts.clone(),
            mutes: Vec::new(),
        }));
        self.labels.remove(&record.key);
        if record.is_firing() {
            self.close(&record, &facts, pass);
            self.end_member(&record.key, &facts, pass);
        }
        pass.effects.push(Effect::Forget(record.key));
    }
}

/// The group that a route puts an alert with these labels into, if it groups.
pub(super) fn group_key(route: &Route, receiver: &str, labels: &Labels) -> Option<ThreadKey> {
    match &route.group_by {
        GroupBy::Alert => None,
        GroupBy::Labels(names) => Some(ThreadKey::Group {
            receiver: receiver.to_owned(),
            route: route.name.clone(),
            labels: labels.pick(names),
        }),
    }
}

impl Change {
    fn was_up(&self) -> bool {
        self.before.as_ref().is_some_and(AlertRecord::is_firing)
    }

    /// Whether somebody who may know of the alert has something new to hear.
    fn is_news(&self) -> bool {
        self.news && self.was_up()
    }

    /// Whether the alert that was up may have other routes than before, without any other cause.
    fn reroutes(&self, record: &AlertRecord) -> bool {
        let before = self.before.as_ref().filter(|before| before.is_firing());
        before.is_some_and(|b| b.facts.document.labels != record.facts.document.labels)
    }
}

/// Whether a receiver that has not heard of an alert was kept from it until now: the alert was up
/// before, and neither the routes nor its labels are other ones since.
fn is_late(change: Option<&Change>, record: &AlertRecord, scope: Scope) -> bool {
    let may_be = change.is_none_or(|change| change.was_up() && !change.reroutes(record));
    may_be && scope != Scope::Rerouted
}

/// Saves a record that a slot moved, if a restart would lose something.
fn save_changed(change: &Change, record: &AlertRecord, pass: &mut Pass<'_>) {
    let before = change.before.as_ref();
    if before.is_none_or(|before| differs_durably(before, record)) {
        pass.effects.push(Effect::Save(record.clone()));
    }
}

/// Appends a change of state to the history.
fn report(change: &Change, record: &AlertRecord, mutes: Vec<Mute>, pass: &mut Pass<'_>) {
    let before = change.before.as_ref();
    let from = before.map_or(StateName::Inactive, |record| record.state.name());
    let to = record.state.name();
    if from != to {
        pass.effects.push(Effect::Transitioned(Transition {
            at: change.at,
            from,
            to,
            facts: record.facts.clone(),
            mutes,
        }));
    }
}

/// Remembers what asks for quiet about an alert that fires, and appends it to the history if that
/// is not what it was; says so.
fn note_mutes(record: &mut AlertRecord, mutes: Vec<Mute>, pass: &mut Pass<'_>) -> bool {
    if record.mutes == mutes {
        return false;
    }
    record.mutes = mutes;
    pass.effects.push(Effect::Muted(MuteChange {
        at: pass.at,
        key: record.key.clone(),
        severity: record.facts.severity,
        mutes: record.mutes.clone(),
    }));
    true
}
