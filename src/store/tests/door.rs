//! Opening, migrating, refusing; the history and its pruning.

use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// A database as schema version 1 left it; only the engine's values in it are today's.
fn version_1() -> String {
    let Effect::Transitioned(opened) =
        transition("checkout", T0, StateName::Inactive, StateName::Firing)
    else {
        unreachable!()
    };
    include_str!("version_1.sql")
        .replace("$ALERT", &json(&record("checkout", T0)).unwrap())
        .replace("$TRANSITION", &json(&opened).unwrap())
        .replace(
            "$TRIGGER",
            &json(&told(trigger("oncall", "checkout"))).unwrap(),
        )
        .replace(
            "$UPDATE",
            &json(&told(update("oncall", "checkout", 2))).unwrap(),
        )
}

fn write_database(directory: &Path, sql: &str) {
    let connection = Connection::open(directory.join(DATABASE_FILE)).unwrap();
    connection.execute_batch(sql).unwrap();
}

fn refusal(directory: &Path) -> String {
    let error = Store::open(directory).unwrap_err();
    error
        .to_string()
        .replace(&directory.display().to_string(), "DIR")
}

fn everything() -> HistoryQuery {
    HistoryQuery {
        from: Timestamp::EPOCH,
        to: Timestamp::from_millis(i64::MAX),
        slo: None,
        limit: 100,
    }
}

#[test]
fn what_is_created_is_private() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("a/state");
    let store = Store::open(&directory).unwrap();
    store.commit(T0, &[trigger("oncall", "checkout")]).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(
        names,
        [
            "slofuse.db",
            "slofuse.db-shm",
            "slofuse.db-wal",
            "slofuse.lock"
        ]
    );
}

#[test]
fn the_connection_is_as_durable_as_promised() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let pragma = |name: &str| {
        let query = |connection: &Connection| {
            connection.pragma_query_value(None, name, |row| {
                row.get_ref(0).map(|value| format!("{value:?}"))
            })
        };
        store.read("look", query).unwrap()
    };
    assert_eq!(pragma("journal_mode"), "Text([119, 97, 108])", "wal");
    assert_eq!(pragma("synchronous"), "Integer(2)", "full");
    assert_eq!(pragma("foreign_keys"), "Integer(1)");
    assert_eq!(pragma("busy_timeout"), "Integer(5000)");
}

#[test]
fn a_directory_has_one_user_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let clone = store.clone();
    drop(store);
    insta::assert_snapshot!(
        refusal(directory.path()),
        @"cannot lock the state directory DIR: another slofuse is using it; stop that one or give this one its own directory"
    );
    drop(clone);
    Store::open(directory.path()).unwrap();
}

#[test]
fn a_file_of_version_1_opens_with_all_it_holds() {
    let directory = tempfile::tempdir().unwrap();
    write_database(directory.path(), &version_1());
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(store.load().unwrap().alerts, [record("checkout", T0)]);
    assert_eq!(states(&store), "trigger=delivered update=pending");
    let claimed = store.claim_due("oncall", at(60), 10).unwrap();
    assert_eq!(claimed[0].routing.as_deref(), Some("C1"));
    let expected = told(update("oncall", "checkout", 2));
    assert_eq!(claimed[0].notification, expected);
    assert_eq!(store.history(&everything()).unwrap().len(), 3);
}

#[test]
fn migrations_run_once_each_and_whole_or_not_at_all() {
    let mut connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(&version_1()).unwrap();
    let first = schema::MIGRATIONS[0];
    let good = "ALTER TABLE alerts ADD COLUMN note TEXT";
    let bad = "CREATE TABLE half (x INTEGER) STRICT; ALTER TABLE nowhere ADD COLUMN y TEXT";
    let version = |connection: &Connection| -> i64 {
        let query = connection.pragma_query_value(None, "user_version", |row| row.get(0));
        query.unwrap()
    };
    let error = schema::migrate(&mut connection, &[first, good, bad], "FILE").unwrap_err();
    assert_eq!(error.to_string(), "cannot migrate the schema in FILE");
    assert_eq!(version(&connection), 1, "the good one is undone too");
    for _ in 0..2 {
        schema::migrate(&mut connection, &[first, good], "FILE").unwrap();
        assert_eq!(version(&connection), 2);
    }
    connection.execute_batch("SELECT note FROM alerts").unwrap();
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    write_database(directory.path(), &version_1());
    write_database(directory.path(), "PRAGMA user_version = 7");
    insta::assert_snapshot!(
        refusal(directory.path()),
        @"cannot use the database DIR/slofuse.db: its schema version 7 is newer than 2, the newest that this slofuse knows; run the newer slofuse or use another state directory"
    );
    write_database(directory.path(), "PRAGMA user_version = -1");
    assert!(refusal(directory.path()).contains("schema version -1"));
    write_database(directory.path(), "PRAGMA user_version = 1");
    Store::open(directory.path()).unwrap();
}

#[test]
fn files_of_others_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    write_database(directory.path(), "CREATE TABLE bookmarks (url TEXT)");
    insta::assert_snapshot!(
        refusal(directory.path()),
        @"cannot use the database DIR/slofuse.db: it was not written by slofuse; use another state directory"
    );
    fs::write(
        directory.path().join(DATABASE_FILE),
        "notes, not a database ".repeat(99),
    )
    .unwrap();
    insta::assert_snapshot!(
        refusal(directory.path()),
        @"cannot open the state in DIR/slofuse.db: the file is damaged; put a backup in its place, or move it away to start anew without its open alerts and undelivered notifications"
    );
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    insta::assert_snapshot!(
        refusal(&file),
        @"cannot create the state directory DIR"
    );
}

#[test]
fn a_database_damaged_anywhere_is_an_error_with_advice_or_works() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(DATABASE_FILE);
    let store = Store::open(directory.path()).unwrap();
    let effects: Vec<Effect> = (0..40)
        .flat_map(|n| {
            [
                trigger("oncall", &format!("a{n}")),
                Effect::Save(record("a", at(n))),
            ]
        })
        .collect();
    store.commit(T0, &effects).unwrap();
    drop(store);
    let sound = fs::read(&path).unwrap();
    let mut noticed = 0;
    for page in 0..sound.len() / 4096 {
        let mut damaged = sound.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0xa5);
        fs::write(&path, &damaged).unwrap();
        let used = Store::open(directory.path()).and_then(|store| {
            store.load()?;
            store.claim_due("oncall", T0, 100)?;
            store.commit(at(1), &[resolve("oncall", "a1")])?;
            store.backlog()?;
            store.history(&everything())
        });
        if let Err(error) = used {
            noticed += 1;
            assert!(!error.is_transient(), "{error}");
            assert!(error.to_string().contains("slofuse.db"), "{error}");
        }
    }
    assert!(noticed > 3, "only {noticed} pages matter");
}

#[test]
fn a_full_disk_is_transient_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    sql(&store, "PRAGMA max_page_count = 1");
    let effects: Vec<Effect> = (0..200)
        .map(|n| trigger("oncall", &format!("alert-{n}")))
        .collect();
    let error = store.commit(T0, &effects).unwrap_err();
    assert!(error.is_transient());
    let text = error
        .to_string()
        .replace(&directory.path().display().to_string(), "DIR");
    insta::assert_snapshot!(
        text,
        @"cannot commit the effects of a step in DIR/slofuse.db: the disk is full; free some space"
    );
    assert!(error.source().is_some());
    assert_eq!(states(&store), "");
    sql(&store, "PRAGMA max_page_count = 100000");
    store.commit(T0, &effects).unwrap();
    assert_eq!(due(&store, "oncall", T0).len(), 100);
}

#[test]
fn a_read_only_database_says_so() {
    let store = Store::in_memory().unwrap();
    sql(&store, "PRAGMA query_only = on");
    let error = store
        .commit(T0, &[trigger("oncall", "checkout")])
        .unwrap_err();
    assert!(!error.is_transient());
    insta::assert_snapshot!(error, @"cannot commit the effects of a step in memory: the file cannot be written; make it and its directory writable for this user");
}

#[test]
fn an_alert_that_does_not_parse_is_named() {
    let store = Store::in_memory().unwrap();
    store
        .commit(T0, &[Effect::Save(record("checkout", T0))])
        .unwrap();
    sql(&store, "UPDATE alerts SET record = '{}'");
    let error = store.load().unwrap_err();
    insta::assert_snapshot!(error, @r#"cannot load the record slofuse/shop/checkout{region="eu"}/page from memory: it is damaged or was written by another version; delete its row from the table alerts, threads or silences and close its incident by hand"#);
}

#[test]
fn a_panic_in_a_transaction_undoes_it_and_the_store_works_on() {
    let store = Store::in_memory().unwrap();
    let panicking = store.clone();
    let thread = std::thread::spawn(move || {
        panicking.write("panic", |tx| -> rusqlite::Result<()> {
            alerts::save(tx, &record("checkout", T0))?;
            panic!("on purpose");
        })
    });
    assert!(thread.join().is_err());
    assert_eq!(store.load().unwrap().alerts, []);
    store.commit(T0, &[trigger("oncall", "checkout")]).unwrap();
}

#[test]
fn history_is_newest_first_bounded_and_filtered() {
    let store = Store::in_memory().unwrap();
    for n in 0..30 {
        let effects = [
            transition("checkout", at(n), StateName::Inactive, StateName::Firing),
            trigger("oncall", &format!("alert-{n}")),
        ];
        store.commit(at(n), &effects).unwrap();
    }
    let query = |from, to, slo: Option<&str>, limit| {
        let query = HistoryQuery {
            from: at(from),
            to: at(to),
            slo: slo.map(str::to_owned),
            limit,
        };
        store.history(&query).unwrap()
    };
    let all = query(0, 30, None, usize::MAX);
    assert_eq!(all.len(), 60);
    assert!(all.is_sorted_by(|a, b| a.at >= b.at));
    let some = query(10, 20, None, 7);
    assert_eq!(some.len(), 7);
    assert_eq!(some[0].at, at(19), "the end is not in the range");
    assert_eq!(
        query(10, 20, None, 99).last().unwrap().at,
        at(10),
        "the start is"
    );
    assert_eq!(query(0, 30, Some("shop/checkout"), 99).len(), 30);
    assert_eq!(query(0, 30, Some("shop/alert-3"), 99).len(), 1);
    assert_eq!(query(0, 30, Some("shop"), 99).len(), 0);

    let many: Vec<Effect> = (0..1500)
        .map(|n| trigger("oncall", &format!("storm-{n}")))
        .collect();
    store.commit(at(40), &many).unwrap();
    assert_eq!(query(0, 99, None, usize::MAX).len(), history::ENTRIES_MAX);
}

#[test]
fn history_reads_as_json() {
    let store = Store::in_memory().unwrap();
    store.commit(T0, &[trigger("oncall", "checkout")]).unwrap();
    send(&store, T0, &retry(60, true));
    let entry = store.history(&everything()).unwrap().remove(0);
    insta::assert_json_snapshot!(entry, @r#"
    {
      "at": 1800000000000,
      "delivery": {
        "id": 1,
        "receiver": "oncall",
        "alert": "slofuse/shop/checkout{region=\"eu\"}/page",
        "slo": "shop/checkout",
        "kind": "trigger",
        "episode": 1,
        "state": "pending",
        "finished_at": null,
        "attempts": 1,
        "log": [
          {
            "started_at": 1800000000000,
            "finished_at": 1800000000000,
            "outcome": "ambiguous",
            "error": "503 from the receiver"
          }
        ]
      }
    }
    "#);
}

#[test]
fn history_shows_what_it_cannot_read_and_of_many_attempts_the_newest() {
    let store = Store::in_memory().unwrap();
    let opened = transition("checkout", T0, StateName::Inactive, StateName::Firing);
    store
        .commit(T0, &[opened, trigger("oncall", "search")])
        .unwrap();
    sql(&store, "UPDATE transitions SET transition = 'torn'");
    for n in 0..50 {
        send(&store, at(n), &retry(n, false));
    }
    let entries = store.history(&everything()).unwrap();
    let unreadable = entries.iter().find_map(|entry| match &entry.event {
        HistoryEvent::Unreadable { alert, .. } => Some(alert.clone()),
        _ => None,
    });
    assert_eq!(unreadable, Some(key("checkout").dedup_key()));
    let row = &deliveries(&store)[0];
    assert_eq!(
        (row.attempts, row.log.len()),
        (50, attempts::ATTEMPTS_SHOWN_MAX)
    );
    assert_eq!(row.log[0].started_at, at(49));
}

#[test]
fn pruning_keeps_what_is_still_needed() {
    let store = Store::in_memory().unwrap();
    let effects = [
        Effect::Save(record("open", T0)),
        transition("open", T0, StateName::Inactive, StateName::Firing),
        trigger("oncall", "open"),
        trigger("oncall", "closed"),
        trigger("oncall", "closing"),
        trigger("oncall", "waiting"),
    ];
    store.commit(T0, &effects).unwrap();
    for id in 1..=3 {
        store.begin_attempt(id, T0).unwrap();
        store
            .finish_attempt(id, T0, &delivered(Some("C1")))
            .unwrap();
    }
    store.commit(T0, &[resolve("oncall", "closing")]).unwrap();
    let year = Span::from_days(365);
    assert_eq!(store.prune(T0 + year, year).unwrap(), 0, "exactly as old");
    assert_eq!(store.prune(at(1) + year, year).unwrap(), 2);
    let left: Vec<String> = deliveries(&store).into_iter().map(|row| row.slo).collect();
    assert_eq!(
        left,
        ["shop/open", "shop/closing", "shop/waiting", "shop/closing"]
    );
    let receipt = store.receipt("oncall", &key("open").dedup_key(), 1);
    assert_eq!(receipt.unwrap().as_deref(), Some("C1"));

    // A second episode of the open alert: the first is history now.
    let again = notification("oncall", "open", NotificationKind::Trigger, 2, 1);
    store.commit(at(1), &[Effect::Notify(again)]).unwrap();
    assert_eq!(store.prune(at(1) + year, year).unwrap(), 1);
    store.commit(at(2), &[Effect::Forget(key("open"))]).unwrap();
    while let Some(id) = due(&store, "oncall", at(2)).first() {
        store.begin_attempt(*id, at(2)).unwrap();
        store.finish_attempt(*id, at(2), &delivered(None)).unwrap();
    }
    assert_eq!(store.prune(at(3) + year, year).unwrap(), 4);
    assert_eq!(states(&store), "");
    let attempts = |connection: &Connection| -> rusqlite::Result<i64> {
        connection.query_row("SELECT count(*) FROM attempts", [], |row| row.get(0))
    };
    assert_eq!(store.read("count", attempts).unwrap(), 0);
    let longest = Span::from_millis(i64::MAX);
    assert_eq!(
        store.prune(T0, longest).unwrap(),
        0,
        "arithmetic does not wrap"
    );
}

#[test]
fn pruning_goes_on_until_nothing_old_is_left() {
    let store = Store::in_memory().unwrap();
    let effects: Vec<Effect> = (0..2500)
        .map(|n| transition("checkout", at(n), StateName::Inactive, StateName::Firing))
        .collect();
    store.commit(T0, &effects).unwrap();
    assert_eq!(store.prune(at(2400), Span::ZERO).unwrap(), 2400);
    assert_eq!(store.history(&everything()).unwrap().len(), 100);
}

#[test]
fn the_newest_notification_of_an_alert_is_found() {
    let store = Store::in_memory().unwrap();
    let wanted = key("checkout").dedup_key();
    assert_eq!(store.last_notification(&wanted).unwrap(), None);
    let effects = [
        trigger("oncall", "checkout"),
        resolve("oncall", "checkout"),
        trigger("oncall", "search"),
    ];
    store.commit(T0, &effects).unwrap();
    let found = store.last_notification(&wanted).unwrap().unwrap();
    assert_eq!(found.kind, NotificationKind::Resolve);
    let by_name = store.notification(&found.idempotency_key()).unwrap();
    assert_eq!(by_name, Some(found));
}
