//! What must hold after every step, as named functions: debug builds, property tests and
//! simulation call the same ones.

use std::collections::BTreeSet;

use super::alert::AlertRecord;
use super::company;
use super::effect::{Effect, StateName};
use super::notification::{AlertKey, GROUP_MEMBERS_MAX, NotificationKind};
use super::step::Engine;
use super::thread::ThreadRecord;

/// Checks everything that one step can violate.
///
/// # Panics
///
/// With the name of the invariant: a pager that decides wrongly must stop, not go on.
pub fn check(engine: &Engine, effects: &[Effect]) {
    records_have_their_own_key(engine);
    for effect in effects {
        transitions_follow_the_state_machine(effect);
    }
    each_alert_changes_state_once(effects);
    no_resolve_without_a_trigger(effects);
    for record in engine.alerts() {
        pending_alerts_are_untold(record);
        budgets_are_numbers(record);
        each_receiver_hears_of_an_alert_in_one_place(engine, record);
    }
    seats_are_where_members_sit(engine);
    for thread in engine.threads.values() {
        threads_hold_alerts_that_fire(engine, thread);
        nothing_waits_for_ever(thread);
        what_nobody_heard_of_is_told_to_nobody(thread);
    }
}

/// At most one open alert per (instance, severity): the map's key is the record's.
fn records_have_their_own_key(engine: &Engine) {
    assert!(
        engine.alerts.iter().all(|(key, record)| *key == record.key),
        "a record under a foreign key"
    );
}

/// Inactive, pending, firing and back; never firing to pending, never a step in place.
fn transitions_follow_the_state_machine(effect: &Effect) {
    if let Effect::Transitioned(transition) = effect {
        let legal = matches!(
            (transition.from, transition.to),
            (StateName::Inactive, StateName::Pending | StateName::Firing)
                | (StateName::Pending, StateName::Firing | StateName::Inactive)
                | (StateName::Firing, StateName::Inactive)
        );
        assert!(legal, "illegal transition {transition:?}");
    }
}

fn each_alert_changes_state_once(effects: &[Effect]) {
    let mut moved: BTreeSet<&AlertKey> = BTreeSet::new();
    for effect in effects {
        if let Effect::Transitioned(transition) = effect {
            assert!(
                moved.insert(&transition.facts.key),
                "two transitions in one step: {transition:?}"
            );
        }
    }
}

/// Sequence numbers start at 1 with the trigger, so a resolve is never the first message.
fn no_resolve_without_a_trigger(effects: &[Effect]) {
    for effect in effects {
        if let Effect::Notify(notification) = effect {
            let first = notification.sequence == 1;
            let trigger = notification.kind == NotificationKind::Trigger;
            assert!(first == trigger, "out of sequence: {notification:?}");
            let group = notification.group.as_ref();
            let members = group.map_or(0, |group| group.members.len());
            assert!(members <= GROUP_MEMBERS_MAX, "unbounded: {members} members");
        }
    }
}

fn pending_alerts_are_untold(record: &AlertRecord) {
    assert!(
        record.is_firing() || record.told.is_empty(),
        "told before firing: {record:?}"
    );
}

fn budgets_are_numbers(record: &AlertRecord) {
    if let Some(budget) = record.facts.budget {
        assert!(
            budget.consumed.is_finite() && budget.consumed >= 0.0,
            "budget {budget:?}"
        );
        assert!(
            (0.0..=1.0).contains(&budget.coverage),
            "coverage {budget:?}"
        );
    }
}

/// By itself or in one thread: else a receiver would hear of it twice.
fn each_receiver_hears_of_an_alert_in_one_place(engine: &Engine, record: &AlertRecord) {
    for receiver in record.told.keys() {
        assert!(
            engine.seat_of(&record.key, receiver).is_none(),
            "{receiver} hears twice of {record:?}"
        );
    }
}

fn seats_are_where_members_sit(engine: &Engine) {
    assert!(
        engine.seats == company::seats(engine.threads.values()),
        "seats {:?} of threads {:?}",
        engine.seats,
        engine.threads
    );
}

/// A member that is up is an alert that fires, in the same episode.
fn threads_hold_alerts_that_fire(engine: &Engine, thread: &ThreadRecord) {
    for member in thread.members.values().filter(|member| member.is_up()) {
        let record = engine.alerts.get(&member.key);
        assert!(
            record.is_some_and(|r| r.is_firing() && r.episode() == member.episode),
            "{} holds {member:?} of {record:?}",
            thread.key
        );
    }
}

/// What a receiver has not heard of, a beginning or an end, has a time at which it is told.
fn nothing_waits_for_ever(thread: &ThreadRecord) {
    let waits = |member: &super::thread::Member| !member.announced || !member.is_up();
    assert!(
        thread.flush_at.is_some() || !thread.members.values().any(waits),
        "nobody will hear of it: {thread:?}"
    );
}

/// A thread that was told ends with a resolve, so it lives until its last member has ended; one
/// that was not has no member of which its receiver knows.
fn what_nobody_heard_of_is_told_to_nobody(thread: &ThreadRecord) {
    assert!(
        (thread.sequence > 0) == thread.members.values().any(|member| member.announced),
        "told and not told: {thread:?}"
    );
}
