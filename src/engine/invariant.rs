//! What must hold after every step, as named functions: debug builds, property tests and
//! simulation call the same ones.

use std::collections::BTreeSet;

use super::alert::AlertRecord;
use super::effect::{Effect, StateName};
use super::notification::{AlertKey, NotificationKind};
use super::step::Engine;

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
