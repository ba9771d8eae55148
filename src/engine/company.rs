//! Who sits in which thread: joining, leaving, ending.
//!
//! A member whose receiver has not heard of it sits there provisionally: as soon as it is muted,
//! has calmed down or is routed elsewhere it leaves, and nobody knows. One that was announced stays
//! until its end has been told, whatever the routes say by then.

use std::collections::BTreeMap;

use super::alert::AlertRecord;
use super::dispatch::{Pass, Scope, group_key};
use super::effect::Effect;
use super::labels::Labels;
use super::notification::{AlertFacts, AlertKey, Reason};
use super::policy::Severity;
use super::routing::{Routing, Way};
use super::slo::Document;
use super::step::Engine;
use super::storm::STORM_NEWS_INTERVAL;
use super::thread::{Member, ThreadKey, ThreadRecord};
use super::time::{Span, Timestamp};

/// By alert that is up and receiver, the thread by which the one is told to the other.
pub(super) type Seats = BTreeMap<AlertKey, BTreeMap<String, ThreadKey>>;

/// Finds the seats again after a restart.
pub(super) fn seats<'a>(threads: impl IntoIterator<Item = &'a ThreadRecord>) -> Seats {
    let mut seats = Seats::new();
    for thread in threads {
        for member in thread.members.values().filter(|member| member.is_up()) {
            let receiver = thread.key.receiver().to_owned();
            let of_alert = seats.entry(member.key.clone()).or_default();
            of_alert.insert(receiver, thread.key.clone());
        }
    }
    seats
}

impl Engine {
    /// The thread by which a receiver is told of an alert that is up.
    pub(super) fn seat_of(&self, alert: &AlertKey, receiver: &str) -> Option<&ThreadKey> {
        self.seats.get(alert)?.get(receiver)
    }

    /// Every thread with an alert that is up.
    pub(super) fn seats_of(&self, alert: &AlertKey) -> Vec<ThreadKey> {
        let seats = self.seats.get(alert).into_iter();
        seats.flat_map(BTreeMap::values).cloned().collect()
    }

    /// Takes an alert into a thread.
    pub(super) fn join(&mut self, key: ThreadKey, record: &AlertRecord, pass: &mut Pass<'_>) {
        let seats = self.seats.entry(record.key.clone()).or_default();
        seats.insert(key.receiver().to_owned(), key.clone());
        let mut thread = self
            .threads
            .remove(&key)
            .unwrap_or_else(|| ThreadRecord::new(key.clone(), pass.at));
        if thread.members.is_empty() {
            thread.began_at = pass.at;
        }
        let name = record.key.dedup_key();
        // Its last episode is over, but the receiver has not heard so yet, and need not.
        let known = thread.members.get(&name).is_some_and(|last| last.announced);
        let member = Member {
            key: record.key.clone(),
            episode: record.episode(),
            facts: slim(&record.facts),
            told: false,
            announced: known,
        };
        thread.members.insert(name, member);
        let hurry = record.facts.severity == Severity::Page;
        self.routing.schedule(&mut thread, hurry, pass.at);
        pass.loud.insert((key.clone(), record.key.clone()));
        pass.touched.insert(key.clone());
        self.threads.insert(key, thread);
    }

    /// Notes that there are news of an alert for all who know of it. While it is muted they wait.
    pub(super) fn fall_behind(&mut self, record: &mut AlertRecord, pass: &mut Pass<'_>) {
        for told in record.told.values_mut() {
            told.behind = true;
        }
        let name = record.key.dedup_key();
        for seat in self.seats_of(&record.key) {
            let thread = self.threads.get_mut(&seat);
            if let Some(member) = thread.and_then(|thread| thread.members.get_mut(&name)) {
                member.told = false;
                pass.touched.insert(seat);
            }
        }
    }

    /// Hears what a member has to say: news wait for the thread's next time, a reason to be told
    /// again does not.
    pub(super) fn hear_member(
        &mut self,
        seat: &ThreadKey,
        record: &AlertRecord,
        again: Option<Reason>,
        pass: &mut Pass<'_>,
    ) {
        let Some(thread) = self.threads.get_mut(seat) else {
            return;
        };
        let recent = match (seat, thread.told_at) {
            (ThreadKey::Storm { .. }, Some(told)) => pass.at.since(told) < STORM_NEWS_INTERVAL,
            _ => false,
        };
        let Some(member) = thread.members.get(&record.key.dedup_key()) else {
            return;
        };
        if !member.told {
            pass.loud.insert((seat.clone(), record.key.clone()));
            if thread.flush_at.is_none() {
                self.routing.schedule(thread, false, pass.at);
                pass.touched.insert(seat.clone());
            }
        }
        match again.filter(|_| !recent) {
            // What others of the thread have to say matters more.
            Some(Reason::Repeated) => {
                let reason = pass.reasons.entry(seat.clone());
                reason.or_insert(Reason::Repeated);
            }
            Some(reason) => drop(pass.reasons.insert(seat.clone(), reason)),
            None => {}
        }
    }

    /// Takes an alert out of the threads whose receivers have not heard of it and are not to.
    pub(super) fn leave_unannounced(
        &mut self,
        record: &AlertRecord,
        ways: &[Way<'_>],
        labels: &Labels,
        pass: &mut Pass<'_>,
    ) {
        let quiet = !record.mutes.is_empty() || !record.is_burning();
        let name = record.key.dedup_key();
        for seat in self.seats_of(&record.key) {
            let way = ways.iter().find(|way| way.receiver == seat.receiver());
            let stays = match (way.and_then(|way| way.route), &seat) {
                (None, _) => false,
                (Some(_), ThreadKey::Storm { .. }) => true,
                (Some(route), ThreadKey::Group { .. }) => {
                    group_key(route, seat.receiver(), labels).as_ref() == Some(&seat)
                }
            };
            let Some(thread) = self.threads.get_mut(&seat) else {
                continue;
            };
            let announced = thread.members.get(&name).is_some_and(|m| m.announced);
            if announced || (stays && !quiet) {
                continue;
            }
            thread.members.remove(&name);
            pass.touched.insert(seat.clone());
            self.leave_seat(&record.key, seat.receiver());
        }
    }

    fn leave_seat(&mut self, alert: &AlertKey, receiver: &str) {
        if let Some(seats) = self.seats.get_mut(alert) {
            seats.remove(receiver);
            if seats.is_empty() {
                self.seats.remove(alert);
            }
        }
    }

    /// An alert has ended: those who heard of it in a thread hear of its end there.
    pub(super) fn end_member(
        &mut self,
        alert: &AlertKey,
        closing: &AlertFacts,
        pass: &mut Pass<'_>,
    ) {
        let name = alert.dedup_key();
        let seats = self.seats.remove(alert).unwrap_or_default();
        for seat in seats.into_values() {
            let Some(thread) = self.threads.get_mut(&seat) else {
                continue;
            };
            let announced = thread.members.get_mut(&name).filter(|m| m.announced);
            match announced {
                Some(member) => {
                    member.facts = closing.clone();
                    member.told = false;
                    let hurry = closing.severity == Severity::Page;
                    self.routing.schedule(thread, hurry, pass.at);
                }
                None => drop(thread.members.remove(&name)),
            }
            pass.touched.insert(seat);
        }
    }

    /// Brings threads in line with the present: the clock may have gone back, receivers without a
    /// storm need no record for ever, and after a start an alert of a thread may have no record.
    pub(super) fn settle_threads(&mut self, pass: &mut Pass<'_>) {
        for (key, thread) in &mut self.threads {
            if thread.told_at.is_some_and(|told| told > pass.at) {
                thread.told_at = Some(pass.at);
                pass.touched.insert(key.clone());
            }
        }
        self.settle_storms(pass);
        if pass.scope != Scope::Rerouted {
            return;
        }
        let members = self.threads.values().flat_map(|t| t.members.values());
        let is_orphan = |member: &&Member| {
            let record = self.alerts.get(&member.key);
            member.is_up() && record.is_none_or(|record| record.episode() != member.episode)
        };
        let orphans: Vec<AlertFacts> = members
            .filter(is_orphan)
            .map(|member| AlertFacts {
                reason: Reason::DefinitionRemoved,
                resolved_at: Some(pass.at),
                ..member.facts.clone()
            })
            .collect();
        for facts in orphans {
            self.end_member(&facts.key, &facts, pass);
        }
    }

    /// Saves the threads that changed, and forgets those that nothing refers to any more.
    pub(super) fn save_threads(&mut self, pass: &mut Pass<'_>) {
        for key in std::mem::take(&mut pass.touched) {
            let idle = |thread: &ThreadRecord| thread.members.is_empty() && thread.pages.is_empty();
            if self.threads.get(&key).is_some_and(idle) {
                self.threads.remove(&key);
            }
            pass.effects.push(match self.threads.get(&key) {
                Some(thread) => Effect::SaveThread(thread.clone()),
                None => Effect::ForgetThread(key),
            });
        }
    }
}

impl Routing {
    /// Sets when a thread is told of what is new: a page hurries, everything else waits for the
    /// times of the route.
    pub(super) fn schedule(&self, thread: &mut ThreadRecord, hurry: bool, at: Timestamp) {
        let told_at = thread.told_at.map(|told| told.min(at));
        let due = match (&thread.key, told_at) {
            (ThreadKey::Storm { .. }, None) => at,
            (ThreadKey::Storm { .. }, Some(told)) => told + STORM_NEWS_INTERVAL,
            (ThreadKey::Group { .. }, _) if hurry => at,
            (ThreadKey::Group { .. }, None) => at + self.waits(&thread.key).0,
            (ThreadKey::Group { .. }, Some(told)) => told + self.waits(&thread.key).1,
        };
        let due = due.max(at);
        thread.flush_at = Some(thread.flush_at.map_or(due, |flush| flush.min(due)));
    }

    /// How long the first notification of a thread waits, and each later one after its last.
    /// Nothing waits for a route that is gone.
    pub(super) fn waits(&self, key: &ThreadKey) -> (Span, Span) {
        match key {
            ThreadKey::Storm { .. } => (Span::ZERO, STORM_NEWS_INTERVAL),
            ThreadKey::Group { route, .. } => {
                self.route(route).map_or((Span::ZERO, Span::ZERO), |route| {
                    (route.group_wait, route.group_interval)
                })
            }
        }
    }
}

/// What identifies an alert, without what its record knows better.
fn slim(facts: &AlertFacts) -> AlertFacts {
    AlertFacts {
        tiers: Vec::new(),
        budget: None,
        sla: None,
        document: Document::default(),
        dependencies: Vec::new(),
        curve: None,
        ..facts.clone()
    }
}
