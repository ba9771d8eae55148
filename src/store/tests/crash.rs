//! Restarts at every point of a row's life, and what outlives them.

use super::*;

/// Opens the same directory again, as after a crash: nothing was told to the old store.
fn reopen(store: Store, directory: &tempfile::TempDir) -> Store {
    drop(store);
    Store::open(directory.path()).unwrap()
}

fn opened() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    (directory, store)
}

#[test]
fn alerts_come_back_as_they_were() {
    let (directory, store) = opened();
    let effects = [
        Effect::Save(record("checkout", T0)),
        Effect::Save(record("search", T0)),
        Effect::Save(record("cart", T0)),
    ];
    store.commit(T0, &effects).unwrap();
    let effects = [
        Effect::Save(record("checkout", at(30))),
        Effect::Forget(key("search")),
        Effect::Forget(key("never known")),
    ];
    store.commit(at(30), &effects).unwrap();
    let store = reopen(store, &directory);
    let expected = [record("cart", T0), record("checkout", at(30))];
    assert_eq!(store.load().unwrap().alerts, expected);
}

/// A way to bring the trigger, row 1, to some point of its life.
type Step = fn(&Store);

#[test]
fn a_restart_at_any_point_loses_and_invents_nothing() {
    let points: [(&str, Step, &str); 7] = [
        ("committed", |_| {}, "trigger=superseded resolve=superseded"),
        (
            "claimed",
            |store| assert_eq!(due(store, "oncall", T0), [1]),
            "trigger=superseded resolve=superseded",
        ),
        (
            "begun",
            |store| store.begin_attempt(1, T0).unwrap(),
            "trigger=pending resolve=pending",
        ),
        (
            "refused",
            |store| {
                send(store, T0, &retry(60, false));
            },
            "trigger=superseded resolve=superseded",
        ),
        (
            "timed out",
            |store| {
                send(store, T0, &retry(60, true));
            },
            "trigger=pending resolve=pending",
        ),
        (
            "delivered",
            |store| {
                send(store, T0, &delivered(None));
            },
            "trigger=delivered resolve=pending",
        ),
        (
            "dead",
            |store| {
                send(store, T0, &dead());
            },
            "trigger=dead resolve=superseded",
        ),
    ];
    for (point, step, expected) in points {
        let (directory, store) = opened();
        store.commit(T0, &[trigger("oncall", "checkout")]).unwrap();
        step(&store);
        let store = reopen(store, &directory);
        let late = [trigger("oncall", "checkout"), resolve("oncall", "checkout")];
        store.commit(at(1), &late).unwrap();
        let store = reopen(store, &directory);
        assert_eq!(states(&store), expected, "{point}");
    }
}

#[test]
fn an_interrupted_attempt_is_due_at_once_and_may_have_arrived() {
    let (directory, store) = opened();
    store.commit(T0, &[trigger("oncall", "checkout")]).unwrap();
    send(&store, T0, &retry(3600, false));
    store.begin_attempt(1, at(3600)).unwrap();
    let store = reopen(store, &directory);
    // The clock may have stepped back meanwhile.
    assert_eq!(store.next_due("oncall", at(60)).unwrap(), Some(at(60)));
    let claimed = store.claim_due("oncall", at(60), 10).unwrap();
    assert_eq!(claimed[0].attempts, 2);
    send(&store, at(60), &dead());
    store
        .commit(at(61), &[resolve("oncall", "checkout")])
        .unwrap();
    assert_eq!(states(&store), "trigger=dead resolve=pending");
    let log = &deliveries(&store)[0].log;
    let outcomes: Vec<_> = log.iter().map(|attempt| attempt.outcome.as_str()).collect();
    assert_eq!(outcomes, ["dead", "interrupted", "failed"]);
    assert_eq!(log[1].finished_at, None);
}

#[test]
fn an_outcome_of_the_time_before_the_restart_is_refused() {
    let (directory, store) = opened();
    store.commit(T0, &[trigger("oncall", "checkout")]).unwrap();
    store.begin_attempt(1, T0).unwrap();
    let store = reopen(store, &directory);
    let stale = store.finish_attempt(1, T0, &delivered(None));
    assert!(matches!(stale, Err(StoreError::NotUnderWay { id: 1 })));
}
