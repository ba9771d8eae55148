//! Fallbacks: who is told in whose place, from when on, and to which end.

use super::*;
use crate::engine::{GroupFacts, Member, ThreadKey, ThreadRecord};

/// `oncall`, its fallback `backup`, and that one's fallback `last`.
fn chain(effects: &[Effect]) -> Store {
    let store = Store::in_memory().unwrap();
    configure(&store, true);
    store.commit(T0, effects).unwrap();
    store
}

fn configure(store: &Store, send_resolved: bool) {
    let known = [
        ("oncall", Some("backup")),
        ("backup", Some("last")),
        ("last", None),
        ("chat", None),
    ];
    let known = known.map(|(name, fallback)| {
        let known = KnownReceiver {
            fallback: fallback.map(str::to_owned),
            send_resolved,
        };
        (name.to_owned(), known)
    });
    store.set_receivers(T0, known.into()).unwrap();
}

/// `backup: trigger=pending resolve=pending`
fn told_to(store: &Store, receiver: &str) -> String {
    let rows = deliveries(store).into_iter();
    let words = rows.filter(|row| row.receiver == receiver).map(|row| {
        let state = serde_json::to_value(row.state).unwrap();
        format!("{}={}", row.kind.as_str(), state.as_str().unwrap())
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Sends what is due at a receiver.
fn flush(store: &Store, receiver: &str, now: Timestamp) {
    for id in due(store, receiver, now) {
        store.begin_attempt(id, now).unwrap();
        store.finish_attempt(id, now, &delivered(None)).unwrap();
    }
}

#[test]
fn what_was_given_up_goes_to_the_fallback_in_the_same_transaction() {
    let store = chain(&[
        trigger("oncall", "checkout"),
        update("oncall", "checkout", 2),
    ]);
    send(&store, at(1), &dead());
    assert_eq!(told_to(&store, "oncall"), "trigger=dead update=pending");
    assert_eq!(told_to(&store, "backup"), "trigger=pending update=pending");
    let copy = store.claim_due("backup", at(1), 9).unwrap().remove(0);
    let original = told(trigger("oncall", "checkout"));
    assert_eq!(copy.notification.receiver, "backup");
    assert_eq!(
        copy.notification.route_labels.get("diverted_from"),
        Some(&"oncall".to_owned())
    );
    assert_eq!(copy.notification.dedup_key(), original.dedup_key());
    assert_eq!(copy.notification.episode, original.episode);
    let own = told(trigger("backup", "checkout"));
    let keys = [&copy.notification, &original, &own].map(Notification::idempotency_key);
    assert_eq!(BTreeSet::from(keys.clone()).len(), 3, "{keys:?}");
    let rows = deliveries(&store);
    assert_eq!(rows[2].diverted_from.as_deref(), Some("oncall"));
}

#[test]
fn the_fallback_hears_of_the_end_exactly_if_it_heard_of_the_begin() {
    let store = chain(&[trigger("oncall", "checkout"), trigger("oncall", "search")]);
    store.finish_attempt(1, at(1), &dead()).unwrap();
    flush(&store, "backup", at(1));
    let ends = [resolve("oncall", "checkout"), resolve("oncall", "search")];
    let committed = store.commit(at(2), &ends).unwrap();
    let news = BTreeSet::from(["backup".to_owned(), "oncall".to_owned()]);
    assert_eq!(committed.receivers, news);
    assert_eq!(
        told_to(&store, "backup"),
        "trigger=delivered resolve=pending"
    );
    assert_eq!(
        told_to(&store, "oncall"),
        "trigger=dead trigger=superseded resolve=superseded resolve=superseded"
    );
}

#[test]
fn a_fallback_that_was_not_reached_either_is_spared_both() {
    let store = chain(&[trigger("oncall", "checkout")]);
    send(&store, at(1), &dead());
    store
        .commit(at(2), &[resolve("oncall", "checkout")])
        .unwrap();
    assert_eq!(
        told_to(&store, "backup"),
        "trigger=superseded resolve=superseded"
    );
}

#[test]
fn the_overdue_and_with_a_breaker_open_every_page_is_diverted_once() {
    let mut ticket = told(trigger("oncall", "search"));
    ticket.facts.severity = Severity::Ticket;
    let store = chain(&[trigger("oncall", "checkout"), Effect::Notify(ticket)]);
    let divert = |secs, pages| {
        let before = at(secs) - Span::from_secs(300);
        store.divert("oncall", at(secs), before, pages).unwrap()
    };
    assert_eq!(divert(299, false), 0);
    assert_eq!(divert(20, true), 1, "the page, at once");
    assert_eq!(divert(20, true), 0, "once");
    assert_eq!(divert(300, false), 1, "the ticket is overdue");
    assert_eq!(told_to(&store, "backup"), "trigger=pending trigger=pending");
    assert_eq!(told_to(&store, "oncall"), "trigger=pending trigger=pending");
    store.finish_attempt(1, at(301), &dead()).unwrap();
    assert_eq!(told_to(&store, "backup"), "trigger=pending trigger=pending");
}

#[test]
fn an_update_that_the_receiver_lacks_opens_the_episode_at_the_fallback() {
    let store = chain(&[trigger("oncall", "checkout")]);
    send(&store, T0, &delivered(None));
    store
        .commit(at(1), &[update("oncall", "checkout", 2)])
        .unwrap();
    send(&store, at(2), &dead());
    assert_eq!(told_to(&store, "backup"), "update=pending");
    store
        .commit(at(3), &[resolve("oncall", "checkout")])
        .unwrap();
    assert_eq!(
        told_to(&store, "backup"),
        "update=superseded resolve=superseded",
        "it never heard of it"
    );
    assert_eq!(
        told_to(&store, "oncall"),
        "trigger=delivered update=dead resolve=pending"
    );
}

#[test]
fn an_episode_that_ended_or_is_told_there_anyway_is_not_diverted() {
    let store = chain(&[
        trigger("oncall", "checkout"),
        trigger("oncall", "search"),
        trigger("backup", "search"),
    ]);
    store.begin_attempt(1, T0).unwrap();
    store.finish_attempt(1, T0, &retry(5, true)).unwrap();
    store
        .commit(at(1), &[resolve("oncall", "checkout")])
        .unwrap();
    assert_eq!(store.divert("oncall", at(9), at(9), true).unwrap(), 2);
    assert_eq!(told_to(&store, "backup"), "trigger=pending", "its own");
    assert_eq!(store.divert("oncall", at(9), at(9), true).unwrap(), 0);
}

#[test]
fn fallbacks_of_fallbacks_say_whom_they_stand_in_for_and_hear_of_the_end() {
    let store = chain(&[trigger("oncall", "checkout")]);
    store.divert("oncall", at(1), at(1), false).unwrap();
    store.divert("backup", at(2), at(2), false).unwrap();
    let last = store.claim_due("last", at(2), 9).unwrap().remove(0);
    let label = last.notification.route_labels.get("diverted_from");
    assert_eq!(label.map(String::as_str), Some("oncall, backup"));
    flush(&store, "last", at(2));
    store
        .commit(at(3), &[resolve("oncall", "checkout")])
        .unwrap();
    assert_eq!(
        told_to(&store, "backup"),
        "trigger=superseded resolve=superseded"
    );
    assert_eq!(told_to(&store, "last"), "trigger=delivered resolve=pending");
}

#[test]
fn circles_end() {
    let store = Store::in_memory().unwrap();
    let names = ["a", "b", "c"];
    let known = (0..3).map(|n| {
        let known = KnownReceiver {
            fallback: Some(names[(n + 1) % 3].to_owned()),
            send_resolved: true,
        };
        (names[n].to_owned(), known)
    });
    store.set_receivers(T0, known.collect()).unwrap();
    store.commit(T0, &[trigger("a", "checkout")]).unwrap();
    for secs in 1..20 {
        for name in names {
            store.divert(name, at(secs), at(secs), true).unwrap();
        }
    }
    let rows: Vec<String> = deliveries(&store).into_iter().map(|r| r.receiver).collect();
    assert_eq!(rows, ["a", "b", "c"]);
    store.commit(at(20), &[resolve("a", "checkout")]).unwrap();
    assert_eq!(deliveries(&store).len(), 6);
}

#[test]
fn who_was_told_hears_of_the_end_also_after_a_reload() {
    let store = chain(&[trigger("oncall", "checkout")]);
    send(&store, at(1), &dead());
    flush(&store, "backup", at(1));
    let alone = |send_resolved| KnownReceiver {
        fallback: None,
        send_resolved,
    };
    let known = [
        ("oncall".to_owned(), alone(true)),
        ("backup".to_owned(), alone(true)),
    ];
    store.set_receivers(at(2), known.into()).unwrap();
    store
        .commit(at(3), &[resolve("oncall", "checkout")])
        .unwrap();
    assert_eq!(
        told_to(&store, "backup"),
        "trigger=delivered resolve=pending"
    );
}

#[test]
fn a_fallback_without_resolves_gets_none() {
    let store = chain(&[trigger("oncall", "checkout")]);
    configure(&store, false);
    send(&store, at(1), &dead());
    flush(&store, "backup", at(1));
    store
        .commit(at(3), &[resolve("oncall", "checkout")])
        .unwrap();
    assert_eq!(told_to(&store, "backup"), "trigger=delivered");
}

#[test]
fn a_fallback_hears_of_the_end_though_its_receiver_wants_none() {
    let store = chain(&[trigger("oncall", "checkout"), trigger("oncall", "search")]);
    let known = [("oncall", Some("backup"), false), ("backup", None, true)];
    let known = known.map(|(name, fallback, send_resolved)| {
        let known = KnownReceiver {
            fallback: fallback.map(str::to_owned),
            send_resolved,
        };
        (name.to_owned(), known)
    });
    store.set_receivers(T0, known.into()).unwrap();
    store.finish_attempt(1, at(1), &dead()).unwrap();
    flush(&store, "oncall", at(1));
    flush(&store, "backup", at(1));
    let ends = [resolve("oncall", "checkout"), resolve("oncall", "search")];
    store.commit(at(2), &ends).unwrap();
    assert_eq!(
        told_to(&store, "backup"),
        "trigger=delivered resolve=pending"
    );
    assert_eq!(
        told_to(&store, "oncall"),
        "trigger=dead trigger=delivered resolve=superseded resolve=superseded"
    );
}

#[test]
fn a_diversion_survives_a_restart_and_is_not_repeated() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    configure(&store, true);
    store.commit(T0, &[trigger("oncall", "checkout")]).unwrap();
    assert_eq!(store.divert("oncall", at(1), at(1), true).unwrap(), 1);
    drop(store);
    let store = Store::open(directory.path()).unwrap();
    configure(&store, true);
    assert_eq!(store.divert("oncall", at(2), at(2), true).unwrap(), 0);
    flush(&store, "backup", at(2));
    send(&store, at(3), &dead());
    assert_eq!(told_to(&store, "backup"), "trigger=delivered");
}

#[test]
fn a_large_backlog_is_diverted_in_portions() {
    let effects: Vec<Effect> = (0..250)
        .map(|n| trigger("oncall", &format!("a{n}")))
        .collect();
    let store = chain(&effects);
    let settled: Vec<usize> = (0..4)
        .map(|_| store.divert("oncall", at(1), at(1), false).unwrap())
        .collect();
    assert_eq!(settled, [100, 100, 50, 0]);
    assert_eq!(due(&store, "backup", at(1)).len(), 100);
}

/// What a group's notification says: members by name, those in upper case have ended.
fn group(kind: NotificationKind, sequence: u32, members: &[&str]) -> Notification {
    let mut group = notification("oncall", "checkout", kind, 1, sequence);
    let member = |name: &&str| {
        let mut facts = facts(&name.to_lowercase());
        let ended = name.chars().all(char::is_uppercase);
        facts.resolved_at = ended.then_some(T0);
        facts
    };
    group.group = Some(Box::new(GroupFacts {
        key: thread_key(),
        members: members.iter().map(member).collect(),
        omitted: 0,
        firing: 1,
    }));
    group
}

fn thread_key() -> ThreadKey {
    ThreadKey::Group {
        receiver: "oncall".to_owned(),
        route: "shop".to_owned(),
        labels: Labels::new([("region", "e".repeat(400))]),
    }
}

#[test]
fn a_group_has_one_queue_and_loses_no_end_of_a_member() {
    use NotificationKind::{Resolve, Trigger, Update};
    let news = [
        group(Trigger, 1, &["a", "b"]),
        group(Update, 2, &["A", "b", "c"]),
        group(Update, 3, &["a", "B", "d"]),
        group(Update, 4, &["d"]),
    ];
    let store = chain(&[]);
    for notification in &news {
        let effect = Effect::Notify(notification.clone());
        store.commit(T0, &[effect]).unwrap();
    }
    let expected = "trigger=pending update=superseded update=superseded update=pending";
    assert_eq!(told_to(&store, "oncall"), expected);
    let repeated = store.commit(T0, &[Effect::Notify(news[3].clone())]);
    assert_eq!(repeated.unwrap(), Committed::default());
    send(&store, T0, &delivered(Some("C1")));
    let update = store.claim_due("oncall", T0, 9).unwrap().remove(0);
    assert_eq!(update.routing.as_deref(), Some("C1"));
    let members = update.notification.group.unwrap().members;
    let said: Vec<_> = members
        .iter()
        .map(|m| (m.slo.as_str(), m.resolved_at.is_some()))
        .collect();
    assert_eq!(
        said,
        [("d", false), ("b", true)],
        "a is up again, then gone"
    );

    let end = Effect::Notify(group(Resolve, 5, &["D"]));
    store.commit(at(1), &[end]).unwrap();
    flush(&store, "oncall", at(1));
    assert_eq!(due(&store, "oncall", at(1)).len(), 1, "the end comes last");
}

#[test]
fn receipts_of_an_open_group_are_kept() {
    let store = chain(&[Effect::Notify(group(NotificationKind::Trigger, 1, &["a"]))]);
    let member = Member {
        key: key("a"),
        episode: 1,
        facts: facts("a"),
        told: true,
        announced: true,
    };
    let thread = ThreadRecord {
        key: thread_key(),
        began_at: T0,
        sequence: 1,
        told_at: Some(T0),
        flush_at: None,
        pages: Vec::new(),
        members: [(key("a").dedup_key(), member)].into(),
    };
    store.commit(T0, &[Effect::SaveThread(thread)]).unwrap();
    send(&store, T0, &delivered(Some("C1")));
    let year = Span::from_days(365);
    assert_eq!(store.prune(at(1) + year, year).unwrap(), 0);
    let gone = Effect::ForgetThread(thread_key());
    store.commit(at(1), &[gone]).unwrap();
    assert_eq!(store.prune(at(1) + year, year).unwrap(), 1);
}
