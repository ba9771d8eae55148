//! Dead letters: listed, tried again where that tells the truth, discarded; receivers that are gone.

use super::*;
use crate::store::fallback::ORPHANED;

fn known(receivers: &[(&str, Option<&str>)]) -> std::collections::BTreeMap<String, KnownReceiver> {
    let known = receivers.iter().map(|(name, fallback)| {
        let known = KnownReceiver {
            fallback: fallback.map(str::to_owned),
            send_resolved: true,
        };
        ((*name).to_owned(), known)
    });
    known.collect()
}

/// An open alert whose trigger died.
fn with_a_dead_trigger() -> Store {
    let store = Store::in_memory().unwrap();
    let effects = [
        Effect::Save(record("checkout", T0)),
        trigger("oncall", "checkout"),
    ];
    store.commit(T0, &effects).unwrap();
    send(&store, at(1), &dead());
    store
}

fn pointless(store: &Store, id: i64) -> String {
    match store.retry_dead_letter(id, at(99)).unwrap() {
        Revival::Pointless(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn they_are_listed_newest_first_with_their_reason() {
    let store = Store::in_memory().unwrap();
    let mut ticket = told(trigger("chat", "search"));
    ticket.facts.severity = Severity::Ticket;
    let effects = [trigger("oncall", "checkout"), Effect::Notify(ticket)];
    store.commit(T0, &effects).unwrap();
    store.begin_attempt(1, at(1)).unwrap();
    store.finish_attempt(1, at(2), &retry(3, true)).unwrap();
    store.begin_attempt(1, at(3)).unwrap();
    store.finish_attempt(1, at(4), &dead()).unwrap();
    let old = AttemptOutcome::Dead {
        error: "too old".to_owned(),
        ambiguous: false,
    };
    store.finish_attempt(2, at(5), &old).unwrap();
    let letters = store.dead_letters(None, 10).unwrap();
    let expected = DeadLetter {
        id: 1,
        receiver: "oncall".to_owned(),
        alert: key("checkout").dedup_key(),
        severity: Severity::Page,
        kind: NotificationKind::Trigger,
        created_at: T0,
        died_at: at(4),
        attempts: 2,
        error: "400 from the receiver".to_owned(),
    };
    assert_eq!(letters[1], expected);
    assert_eq!(
        (letters[0].id, letters[0].severity, &*letters[0].error),
        (2, Severity::Ticket, "too old")
    );
    assert_eq!(store.dead_letters(None, 1).unwrap(), letters[..1]);
    assert_eq!(store.dead_letters(Some("oncall"), 9).unwrap(), [expected]);
    assert_eq!(store.dead_letters(Some("nobody"), 9).unwrap(), []);
}

#[test]
fn what_is_still_true_is_tried_again_as_if_decided_now() {
    let store = with_a_dead_trigger();
    store
        .commit(at(2), &[update("oncall", "checkout", 2)])
        .unwrap();
    let revived = store.retry_dead_letter(1, at(60)).unwrap();
    let receiver = "oncall".to_owned();
    assert_eq!(revived, Revival::Revived { receiver });
    assert_eq!(states(&store), "trigger=pending update=pending");
    let claimed = store.claim_due("oncall", at(60), 9).unwrap();
    assert_eq!(claimed.len(), 1, "the update waits for it again");
    assert_eq!((claimed[0].id, claimed[0].created_at), (1, at(60)));
    assert_eq!(store.next_due("oncall", at(60)).unwrap(), Some(at(60)));
    assert_eq!(
        store.retry_dead_letter(1, at(61)).unwrap(),
        Revival::Unknown
    );
    send(&store, at(61), &delivered(Some("C1")));
    let log = &deliveries(&store)[0].log;
    let outcomes: Vec<&str> = log.iter().map(|a| a.outcome.as_str()).collect();
    assert_eq!(outcomes, ["delivered", "dead"]);
    let next = store.claim_due("oncall", at(61), 9).unwrap();
    assert_eq!((next[0].id, next[0].routing.as_deref()), (2, Some("C1")));
    assert_eq!(store.dead_letters(None, 9).unwrap(), []);
}

#[test]
fn a_trigger_is_not_tried_again_once_its_alert_has_ended() {
    let store = with_a_dead_trigger();
    store
        .commit(at(2), &[resolve("oncall", "checkout")])
        .unwrap();
    assert_eq!(pointless(&store, 1), "the alert has ended since");

    let quiet = with_a_dead_trigger();
    quiet
        .commit(at(2), &[Effect::Forget(key("checkout"))])
        .unwrap();
    assert_eq!(
        pointless(&quiet, 1),
        "the alert has ended since",
        "a receiver that wants no resolves has none"
    );
}

#[test]
fn nothing_is_tried_again_behind_later_news() {
    let store = with_a_dead_trigger();
    store
        .commit(at(2), &[update("oncall", "checkout", 2)])
        .unwrap();
    store.begin_attempt(2, at(3)).unwrap();
    let later = "the receiver has a later notification of the alert";
    assert_eq!(pointless(&store, 1), later, "it is under way");
    store.finish_attempt(2, at(4), &delivered(None)).unwrap();
    assert_eq!(pointless(&store, 1), later);
}

#[test]
fn a_resolve_is_tried_again_until_the_alert_begins_anew() {
    let store = Store::in_memory().unwrap();
    store.commit(T0, &[trigger("oncall", "checkout")]).unwrap();
    send(&store, T0, &delivered(None));
    store
        .commit(at(1), &[resolve("oncall", "checkout")])
        .unwrap();
    send(&store, at(1), &dead());
    let revived = store.retry_dead_letter(2, at(2)).unwrap();
    assert!(matches!(revived, Revival::Revived { .. }));
    send(&store, at(2), &dead());
    let again = notification("oncall", "checkout", NotificationKind::Trigger, 2, 1);
    let effects = [
        Effect::Save(record("checkout", at(3))),
        Effect::Notify(again),
    ];
    store.commit(at(3), &effects).unwrap();
    assert_eq!(pointless(&store, 2), "the alert has begun anew since");
}

#[test]
fn a_discarded_one_is_history() {
    let store = with_a_dead_trigger();
    assert!(store.discard_dead_letter(1, at(5)).unwrap());
    assert!(!store.discard_dead_letter(1, at(6)).unwrap());
    assert_eq!(store.dead_letters(None, 9).unwrap(), []);
    assert_eq!(store.backlog().unwrap(), []);
    assert_eq!(states(&store), "trigger=discarded");
    assert_eq!(store.retry_dead_letter(1, at(7)).unwrap(), Revival::Unknown);
    assert!(
        !store.discard_dead_letter(7, at(7)).unwrap(),
        "no such letter"
    );
}

#[test]
fn what_waits_for_a_receiver_that_is_gone_dies_at_once() {
    let store = Store::in_memory().unwrap();
    let effects = [
        trigger("old", "checkout"),
        update("old", "checkout", 2),
        trigger("old", "search"),
        trigger("oncall", "checkout"),
    ];
    store.commit(T0, &effects).unwrap();
    store.begin_attempt(3, T0).unwrap();
    let gone = store.set_receivers(at(1), known(&[("oncall", None)]));
    assert_eq!(gone.unwrap(), 2);
    let expected = "trigger=dead update=dead trigger=in_flight trigger=pending";
    assert_eq!(states(&store), expected);

    // The old worker's attempt fails, and the engine closes what it had told there.
    store.finish_attempt(3, at(2), &retry(9, true)).unwrap();
    let committed = store.commit(at(3), &[resolve("old", "search")]).unwrap();
    assert_eq!(committed, Committed::default(), "nobody is woken");
    let letters = store.dead_letters(Some("old"), 9).unwrap();
    assert_eq!(letters.len(), 4);
    for letter in &letters {
        assert_eq!(letter.error, ORPHANED);
    }
    assert_eq!(
        pointless(&store, 1),
        r#"receiver "old" is not in the configuration"#
    );
    let back = known(&[("oncall", None), ("old", None)]);
    assert_eq!(store.set_receivers(at(4), back).unwrap(), 0);
    let revived = store.retry_dead_letter(letters[0].id, at(5)).unwrap();
    assert!(matches!(revived, Revival::Revived { .. }), "{revived:?}");
}

#[test]
fn many_rows_of_a_receiver_that_is_gone_die_in_portions() {
    let store = Store::in_memory().unwrap();
    let effects: Vec<Effect> = (0..2_500)
        .map(|n| trigger("old", &format!("alert-{n}")))
        .collect();
    store.commit(T0, &effects).unwrap();
    assert_eq!(store.set_receivers(T0, known(&[])).unwrap(), 2_500);
    assert_eq!(store.dead_letters(None, usize::MAX).unwrap().len(), 1_000);
}
