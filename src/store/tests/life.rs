//! The life of rows: order, retries, collapse, giving up, receipts.

use super::*;

fn store_with(effects: &[Effect]) -> Store {
    let store = Store::in_memory().unwrap();
    store.commit(T0, effects).unwrap();
    store
}

#[test]
fn a_commit_names_the_receivers_with_news_and_repeats_nothing() {
    let store = Store::in_memory().unwrap();
    let effects = [
        trigger("oncall", "checkout"),
        trigger("chat", "checkout"),
        transition("checkout", T0, StateName::Inactive, StateName::Firing),
    ];
    let committed = store.commit(T0, &effects).unwrap();
    let both = BTreeSet::from(["chat".to_owned(), "oncall".to_owned()]);
    assert_eq!(committed.receivers, both);
    let entries = |store: &Store| {
        let query = HistoryQuery {
            from: T0,
            to: at(60),
            slo: None,
            limit: 10,
        };
        store.history(&query).unwrap().len()
    };
    assert_eq!(entries(&store), 3);
    let replayed = store.commit(at(5), &effects).unwrap();
    assert_eq!(replayed, Committed::default());
    assert_eq!(entries(&store), 3);
    assert_eq!(store.commit(T0, &[]).unwrap(), Committed::default());
}

#[test]
fn a_claim_is_a_complete_delivery() {
    let store = store_with(&[trigger("oncall", "checkout")]);
    let claimed = store.claim_due("oncall", T0, 10).unwrap();
    let expected = Delivery {
        id: claimed[0].id,
        notification: told(trigger("oncall", "checkout")),
        attempts: 0,
        created_at: T0,
        routing: None,
    };
    assert_eq!(claimed, [expected]);
    assert!(due(&store, "chat", T0).is_empty(), "it is another's");
    assert!(
        due(&store, "oncall", T0 - Span::from_secs(1)).is_empty(),
        "it is not time"
    );
    assert!(store.claim_due("oncall", T0, 0).unwrap().is_empty());
}

#[test]
fn one_alert_leaves_in_order_and_others_do_not_wait() {
    let store = store_with(&[
        trigger("oncall", "checkout"),
        update("oncall", "checkout", 2),
        trigger("oncall", "search"),
        trigger("chat", "checkout"),
    ]);
    assert_eq!(due(&store, "oncall", T0), [1, 3]);
    store.begin_attempt(1, T0).unwrap();
    assert_eq!(due(&store, "oncall", T0), [3], "the update waits");
    store.finish_attempt(1, T0, &retry(60, true)).unwrap();
    assert_eq!(due(&store, "oncall", at(59)), [3], "it still waits");
    assert_eq!(due(&store, "oncall", at(60)), [3, 1], "by due time");
    assert_eq!(due(&store, "chat", T0), [4], "another receiver");
    store.begin_attempt(1, at(60)).unwrap();
    store.finish_attempt(1, at(60), &delivered(None)).unwrap();
    assert_eq!(due(&store, "oncall", at(60)), [2, 3]);
}

#[test]
fn a_new_episode_waits_for_the_end_of_the_old_one() {
    let store = store_with(&[trigger("oncall", "checkout")]);
    send(&store, T0, &delivered(None));
    let again = notification("oncall", "checkout", NotificationKind::Trigger, 2, 1);
    let effects = [resolve("oncall", "checkout"), Effect::Notify(again)];
    store.commit(at(1), &effects).unwrap();
    assert_eq!(due(&store, "oncall", at(1)), [2]);
    send(&store, at(1), &dead());
    assert_eq!(due(&store, "oncall", at(1)), [3]);
}

#[test]
fn the_next_wake_up_is_that_of_the_first_row_that_may_go() {
    let store = Store::in_memory().unwrap();
    assert_eq!(store.next_due("oncall", T0).unwrap(), None);
    store.commit(T0, &[trigger("oncall", "checkout")]).unwrap();
    assert_eq!(
        store.next_due("oncall", T0 - Span::from_secs(5)).unwrap(),
        Some(T0)
    );
    assert_eq!(store.next_due("oncall", at(5)).unwrap(), Some(at(5)));
    store.begin_attempt(1, T0).unwrap();
    let waiting = [update("oncall", "checkout", 2)];
    store.commit(T0, &waiting).unwrap();
    assert_eq!(
        store.next_due("oncall", T0).unwrap(),
        None,
        "all wait for 1"
    );
    store.finish_attempt(1, T0, &retry(60, true)).unwrap();
    assert_eq!(store.next_due("oncall", T0).unwrap(), Some(at(60)));
}

#[test]
fn an_attempt_begins_once_and_only_in_its_turn() {
    let store = store_with(&[
        trigger("oncall", "checkout"),
        update("oncall", "checkout", 2),
    ]);
    let refused = |id| {
        matches!(
            store.begin_attempt(id, T0),
            Err(StoreError::NotPending { .. })
        )
    };
    assert!(refused(2), "not before its trigger");
    assert!(refused(77), "there is no such row");
    store.begin_attempt(1, T0).unwrap();
    assert!(refused(1), "it is under way");
    store.finish_attempt(1, T0, &delivered(None)).unwrap();
    assert!(refused(1), "it is delivered");
    for outcome in [delivered(None), retry(60, false), dead()] {
        let late = store.finish_attempt(1, at(9), &outcome);
        assert!(matches!(late, Err(StoreError::NotUnderWay { id: 1 })));
    }
    for outcome in [delivered(None), retry(60, false)] {
        let early = store.finish_attempt(2, at(9), &outcome);
        assert!(matches!(early, Err(StoreError::NotUnderWay { id: 2 })));
    }
    assert_eq!(states(&store), "trigger=delivered update=pending");
    assert_eq!(deliveries(&store)[0].log.len(), 1);
}

#[test]
fn what_was_never_heard_of_is_not_resolved() {
    let unheard: [(&str, &[AttemptOutcome]); 3] = [
        ("never tried", &[]),
        ("refused for now", &[retry(0, false), retry(0, false)]),
        ("refused for ever", &[retry(0, false), dead()]),
    ];
    for (why, outcomes) in unheard {
        let store = store_with(&[trigger("oncall", "checkout")]);
        for outcome in outcomes {
            send(&store, T0, outcome);
        }
        store
            .commit(at(1), &[resolve("oncall", "checkout")])
            .unwrap();
        let trigger = if why == "refused for ever" {
            "dead"
        } else {
            "superseded"
        };
        let expected = format!("trigger={trigger} resolve=superseded");
        assert_eq!(states(&store), expected, "{why}");
        assert_eq!(store.next_due("oncall", at(9)).unwrap(), None, "{why}");
        assert!(
            store.begin_attempt(1, at(9)).is_err(),
            "a stale claim: {why}"
        );
    }
}

#[test]
fn what_may_have_been_heard_of_is_resolved() {
    let heard: [(&str, &[AttemptOutcome]); 4] = [
        ("delivered", &[delivered(None)]),
        ("timed out", &[retry(0, true)]),
        (
            "timed out, then refused",
            &[retry(0, true), retry(0, false)],
        ),
        ("timed out, then dead", &[retry(0, true), dead()]),
    ];
    for (why, outcomes) in heard {
        let store = store_with(&[trigger("oncall", "checkout")]);
        for outcome in outcomes {
            send(&store, T0, outcome);
        }
        store
            .commit(at(1), &[resolve("oncall", "checkout")])
            .unwrap();
        let left = due(&store, "oncall", at(9)).len();
        assert_eq!(left, 1, "{why}");
        while !due(&store, "oncall", at(9)).is_empty() {
            send(&store, at(9), &delivered(None));
        }
        let resolved = deliveries(&store).pop().unwrap();
        assert_eq!(resolved.kind, NotificationKind::Resolve, "{why}");
        assert_eq!(resolved.state, DeliveryState::Delivered, "{why}");
    }
}

#[test]
fn a_collapse_waits_for_the_attempt_under_way() {
    for (outcome, expected) in [
        (
            retry(60, false),
            "trigger=superseded update=superseded resolve=superseded",
        ),
        (dead(), "trigger=dead update=superseded resolve=superseded"),
        (
            retry(60, true),
            "trigger=pending update=pending resolve=pending",
        ),
        (
            delivered(None),
            "trigger=delivered update=pending resolve=pending",
        ),
    ] {
        let store = store_with(&[trigger("oncall", "checkout")]);
        store.begin_attempt(1, T0).unwrap();
        let rest = [
            update("oncall", "checkout", 2),
            resolve("oncall", "checkout"),
        ];
        store.commit(at(1), &rest).unwrap();
        assert_eq!(
            states(&store),
            "trigger=in_flight update=pending resolve=pending"
        );
        store.finish_attempt(1, at(2), &outcome).unwrap();
        assert_eq!(states(&store), expected);
    }
}

#[test]
fn an_update_that_arrived_keeps_the_resolve() {
    let store = store_with(&[
        trigger("oncall", "checkout"),
        update("oncall", "checkout", 2),
    ]);
    send(&store, T0, &dead());
    send(&store, T0, &delivered(None));
    store
        .commit(at(1), &[resolve("oncall", "checkout")])
        .unwrap();
    assert_eq!(
        states(&store),
        "trigger=dead update=delivered resolve=pending"
    );
}

#[test]
fn a_collapse_touches_no_other_receiver_alert_or_episode() {
    let store = store_with(&[trigger("oncall", "checkout")]);
    send(&store, T0, &delivered(None));
    let second = |kind| Effect::Notify(notification("oncall", "checkout", kind, 2, 1));
    let effects = [
        resolve("oncall", "checkout"),
        trigger("chat", "checkout"),
        trigger("oncall", "search"),
        second(NotificationKind::Trigger),
    ];
    store.commit(at(1), &effects).unwrap();
    let end = notification("oncall", "checkout", NotificationKind::Resolve, 2, 2);
    store.commit(at(2), &[Effect::Notify(end)]).unwrap();
    let expected = "trigger=delivered resolve=pending trigger=pending trigger=pending \
                    trigger=superseded resolve=superseded";
    assert_eq!(states(&store), expected);
}

#[test]
fn a_resolve_without_a_known_trigger_is_sent() {
    let store = store_with(&[resolve("oncall", "checkout")]);
    assert_eq!(due(&store, "oncall", T0), [1]);
}

#[test]
fn only_the_newest_update_waits_for_an_undelivered_trigger() {
    let store = store_with(&[
        trigger("oncall", "checkout"),
        update("oncall", "checkout", 2),
        update("chat", "checkout", 2),
        update("oncall", "checkout", 3),
    ]);
    let expected = "trigger=pending update=superseded update=pending update=pending";
    assert_eq!(states(&store), expected);

    let store = store_with(&[trigger("oncall", "checkout")]);
    send(&store, T0, &delivered(None));
    let updates = [
        update("oncall", "checkout", 2),
        update("oncall", "checkout", 3),
    ];
    store.commit(T0, &updates).unwrap();
    let expected = "trigger=delivered update=pending update=pending";
    assert_eq!(
        states(&store),
        expected,
        "a delivered trigger gets all its news"
    );
}

#[test]
fn a_row_too_old_is_given_up_without_another_attempt() {
    let store = store_with(&[trigger("oncall", "checkout"), resolve("oncall", "search")]);
    store.finish_attempt(1, at(9), &dead()).unwrap();
    let row = &deliveries(&store)[0];
    assert_eq!((row.state, row.attempts), (DeliveryState::Dead, 0));
    assert_eq!(row.log[0].error.as_deref(), Some("400 from the receiver"));
    assert_eq!(row.finished_at, Some(at(9)));
}

#[test]
fn receipts_reach_the_later_notifications_of_the_episode() {
    let store = store_with(&[trigger("oncall", "checkout"), trigger("oncall", "search")]);
    store.begin_attempt(1, T0).unwrap();
    let receipt = r#"{"ts":"1.5","channel":"C1"}"#;
    store
        .finish_attempt(1, T0, &delivered(Some(receipt)))
        .unwrap();
    let rest = [
        update("oncall", "checkout", 2),
        update("oncall", "search", 2),
    ];
    store.commit(at(1), &rest).unwrap();
    store.begin_attempt(2, T0).unwrap();
    store.finish_attempt(2, T0, &delivered(None)).unwrap();
    let claimed = store.claim_due("oncall", at(1), 10).unwrap();
    let routing: Vec<_> = claimed.iter().map(|d| d.routing.as_deref()).collect();
    assert_eq!(routing, [Some(receipt), None]);
    store.begin_attempt(3, at(1)).unwrap();
    store
        .finish_attempt(3, at(1), &delivered(Some("an update's")))
        .unwrap();

    let dedup_key = key("checkout").dedup_key();
    let stored = |receiver, episode| store.receipt(receiver, &dedup_key, episode).unwrap();
    assert_eq!(
        stored("oncall", 1).as_deref(),
        Some(receipt),
        "the trigger's"
    );
    assert_eq!(stored("oncall", 2), None, "another episode");
    assert_eq!(
        stored("oncall", u64::MAX),
        None,
        "a number beyond the signed"
    );
    assert_eq!(stored("chat", 1), None, "another receiver");
}

#[test]
fn the_backlog_counts_what_is_owed() {
    let store = Store::in_memory().unwrap();
    assert_eq!(store.backlog().unwrap(), []);
    let effects = [
        trigger("oncall", "checkout"),
        trigger("oncall", "search"),
        trigger("chat", "checkout"),
        trigger("done", "checkout"),
    ];
    store.commit(T0, &effects).unwrap();
    store.commit(at(5), &[trigger("oncall", "cart")]).unwrap();
    for (id, outcome) in [(1, dead()), (3, dead()), (4, delivered(None))] {
        store.begin_attempt(id, at(6)).unwrap();
        store.finish_attempt(id, at(6), &outcome).unwrap();
    }
    store.begin_attempt(2, at(6)).unwrap();
    let row = |receiver: &str, pending, dead, oldest| Backlog {
        receiver: receiver.to_owned(),
        pending,
        dead,
        oldest,
    };
    let expected = [row("chat", 0, 1, None), row("oncall", 2, 1, Some(T0))];
    assert_eq!(store.backlog().unwrap(), expected);
}

#[test]
fn an_unreadable_notification_is_given_up_and_frees_the_rest() {
    let store = store_with(&[
        trigger("oncall", "checkout"),
        update("oncall", "checkout", 2),
        trigger("oncall", "search"),
        resolve("oncall", "search"),
        trigger("oncall", "cart"),
    ]);
    sql(
        &store,
        "UPDATE outbox SET notification = '{\"receiver\":7}' WHERE id IN (1, 3, 5)",
    );
    assert_eq!(due(&store, "oncall", T0), [2]);
    let rows = deliveries(&store);
    assert_eq!(rows[0].state, DeliveryState::Dead);
    let error = rows[0].log[0].error.as_deref().unwrap();
    assert!(
        error.starts_with("unreadable notification: invalid type: integer `7`"),
        "{error}"
    );
}

/// Whoever may have heard of the begin hears of the end, whether it is decided while the last
/// attempt is under way or after it was given up.
#[test]
fn the_end_of_what_was_given_up_without_an_answer_is_told() {
    let given_up = |ambiguous| AttemptOutcome::Dead {
        error: "gave up: timed out".to_owned(),
        ambiguous,
    };
    let end = [resolve("oncall", "checkout")];
    for (ambiguous, expected) in [
        (true, "trigger=dead resolve=pending"),
        (false, "trigger=dead resolve=superseded"),
    ] {
        let store = store_with(&[trigger("oncall", "checkout")]);
        send(&store, T0, &given_up(ambiguous));
        store.commit(at(1), &end).unwrap();
        assert_eq!(states(&store), expected);

        let store = store_with(&[trigger("oncall", "checkout")]);
        store.begin_attempt(1, T0).unwrap();
        store.commit(at(1), &end).unwrap();
        let outcome = given_up(ambiguous);
        store.finish_attempt(1, at(2), &outcome).unwrap();
        assert_eq!(states(&store), expected);
    }
}

#[test]
fn error_texts_are_clipped_between_characters() {
    let store = store_with(&[trigger("oncall", "checkout")]);
    let error = "ü".repeat(100_000);
    let ambiguous = false;
    send(&store, T0, &AttemptOutcome::Dead { error, ambiguous });
    let kept = deliveries(&store)[0].log[0].error.clone().unwrap();
    assert_eq!(kept, "ü".repeat(500));
}

#[test]
fn hostile_names_are_only_values() {
    let name = "x'); DROP TABLE outbox; --\0\u{202e}\"";
    let store = store_with(&[trigger(name, name), Effect::Save(record(name, T0))]);
    let huge = notification(
        name,
        &"n".repeat(100_000),
        NotificationKind::Trigger,
        u64::MAX,
        1,
    );
    store.commit(T0, &[Effect::Notify(huge.clone())]).unwrap();
    let claimed = store.claim_due(name, T0, usize::MAX).unwrap();
    assert_eq!(claimed[0].notification.receiver, name);
    assert_eq!(claimed[1].notification, huge);
    assert_eq!(deliveries(&store)[1].episode, u64::MAX);
    assert_eq!(store.load().unwrap().alerts, [record(name, T0)]);
}
