//! What a call costs does not depend on how much waits: plans of queries, bounds of answers.

use rusqlite::{StatementStatus, ToSql};

use super::*;
use crate::engine::{Mute, MuteChange};
use crate::store::{claim, dead_letters, fallback, load, outbox};

/// SQLite's plan for a query, in its own words.
fn plan(store: &Store, sql: &str) -> String {
    let query = |connection: &Connection| {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        let nothing = vec![None::<i64>; statement.parameter_count()];
        let rows = statement.query_map(rusqlite::params_from_iter(nothing), |row| {
            row.get::<_, String>(3)
        })?;
        rows.collect::<Result<Vec<_>, _>>()
    };
    store.read("explain", query).unwrap().join("\n")
}

#[test]
fn the_questions_of_workers_are_answered_in_the_order_of_an_index() {
    let store = Store::in_memory().unwrap();
    insta::assert_snapshot!(plan(&store, claim::DUE), @r"
    SEARCH row USING INDEX outbox_urgent (receiver=? AND urgency=? AND due_at<?)
    CORRELATED SCALAR SUBQUERY 1
    SEARCH told USING INDEX outbox_receipt (dedup_key=? AND receiver=? AND episode=?)
    ");
    insta::assert_snapshot!(plan(&store, claim::NEXT_DUE), @"SEARCH outbox USING COVERING INDEX outbox_due (receiver=?)");
    insta::assert_snapshot!(plan(&store, fallback::CANDIDATES), @"SEARCH outbox USING INDEX outbox_unfinished (receiver=? AND fallback_at=? AND urgency=? AND created_at<?)");
    insta::assert_snapshot!(plan(&store, dead_letters::DEAD), @r"
    SCAN outbox USING INDEX outbox_newest_dead
    CORRELATED SCALAR SUBQUERY 1
    SEARCH attempts USING PRIMARY KEY (delivery=?)
    ");
    insta::assert_snapshot!(plan(&store, dead_letters::DEAD_OF_RECEIVER), @r"
    SEARCH outbox USING INDEX outbox_dead (receiver=?)
    CORRELATED SCALAR SUBQUERY 1
    SEARCH attempts USING PRIMARY KEY (delivery=?)
    ");
    insta::assert_snapshot!(plan(&store, load::PAGES), @"SEARCH outbox USING INDEX outbox_pages (created_at>? AND created_at<?)");
    insta::assert_snapshot!(plan(&store, outbox::BACKLOG), @r"
    CO-ROUTINE (subquery-2)
    COMPOUND QUERY
    LEFT-MOST SUBQUERY
    SCAN outbox USING COVERING INDEX outbox_unfinished
    UNION ALL
    SCAN outbox USING INDEX outbox_dead
    SCAN (subquery-2)
    USE TEMP B-TREE FOR GROUP BY
    ");
}

#[test]
fn a_claim_reads_a_bounded_number_of_bytes_and_at_least_one_row() {
    let store = Store::in_memory().unwrap();
    let large = |n: u32, bytes| {
        let mut large = told(trigger("oncall", &format!("a{n}")));
        large.facts.document.runbook = Some("x".repeat(bytes));
        Effect::Notify(large)
    };
    let bytes = claim::CLAIM_BYTES_MAX / 4;
    let mut effects: Vec<Effect> = (0..10).map(|n| large(n, bytes)).collect();
    effects.push(large(10, 2 * claim::CLAIM_BYTES_MAX));
    store.commit(T0, &effects).unwrap();
    assert_eq!(due(&store, "oncall", T0).len(), 3);
    let mut rounds = 0;
    while let Some(id) = due(&store, "oncall", T0).first().copied() {
        store.begin_attempt(id, T0).unwrap();
        store.finish_attempt(id, T0, &delivered(None)).unwrap();
        rounds += 1;
    }
    assert_eq!(rounds, 11);
}

/// Rows written by SQL: one readable notification, many times.
#[test]
fn a_backlog_of_a_hundred_thousand_blocked_rows_is_not_read_by_a_claim() {
    let store = Store::in_memory().unwrap();
    store.commit(T0, &[trigger("oncall", "checkout")]).unwrap();
    sql(
        &store,
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100000)
         INSERT INTO outbox (idempotency_key, receiver, dedup_key, episode, kind, slo,
             notification, created_at, due_at, urgency, blocked)
         SELECT 'k' || n, 'oncall', dedup_key, 1, 'update', slo, 'never read', created_at, due_at,
             0, 1
         FROM n, outbox WHERE id = 1",
    );
    let steps = |sql: &str, parameters: &[&dyn ToSql]| {
        let query = |connection: &Connection| {
            let mut statement = connection.prepare(sql)?;
            let mut rows = statement.query(parameters)?;
            let mut found = 0;
            while rows.next()?.is_some() {
                found += 1;
            }
            drop(rows);
            Ok((found, statement.get_status(StatementStatus::VmStep)))
        };
        store.read("count the steps", query).unwrap()
    };
    let now = at(1).as_millis();
    let (found, claim) = steps(claim::DUE, &[&"oncall", &0, &now, &100]);
    assert!(found == 1 && claim < 1_000, "{claim} steps of SQLite");
    let (found, next) = steps(claim::NEXT_DUE, &[&"oncall"]);
    assert!(found == 1 && next < 1_000, "{next} steps of SQLite");
    send(&store, at(1), &delivered(None));
    let (found, claim) = steps(claim::DUE, &[&"oncall", &0, &now, &100]);
    assert!(found == 1 && claim < 1_000, "{claim} steps of SQLite");
}

#[test]
fn mutes_are_history_and_pruned_with_it_as_is_the_log_of_operators() {
    let store = Store::in_memory().unwrap();
    let change = |secs, alert: AlertKey| MuteChange {
        at: at(secs),
        key: alert,
        severity: Severity::Page,
        mutes: vec![Mute::Maintenance {
            name: "night".to_owned(),
        }],
    };
    let down = AlertKey::SourceDown {
        source: "prometheus".to_owned(),
    };
    let effects = [
        Effect::Muted(change(0, key("checkout"))),
        Effect::Muted(change(1, down)),
    ];
    store.commit(T0, &effects).unwrap();
    let audit = AuditEntry {
        at: T0,
        actor: "ada".to_owned(),
        origin: "127.0.0.1".to_owned(),
        action: "reload".to_owned(),
        object: String::new(),
        outcome: "done".to_owned(),
    };
    store.record_audit(&audit).unwrap();
    let of = |slo: Option<&str>| {
        let query = HistoryQuery {
            from: T0,
            to: at(9),
            slo: slo.map(str::to_owned),
            limit: 9,
        };
        store.history(&query).unwrap()
    };
    assert_eq!(of(None).len(), 2);
    assert_eq!(of(Some("slofuse/prometheus")).len(), 1);
    let expected = HistoryEvent::Muted(Box::new(change(0, key("checkout"))));
    assert_eq!(of(Some("shop/checkout"))[0].event, expected);
    assert_eq!(store.audit(9).unwrap(), [audit]);
    let day = Span::from_days(1);
    assert_eq!(store.prune(at(1) + day, day).unwrap(), 2);
    assert_eq!(of(None).len(), 1);
    assert_eq!(store.audit(9).unwrap(), []);
}

#[test]
fn the_load_of_receivers_counts_pages_that_arrived() {
    let store = Store::in_memory().unwrap();
    let mut ticket = told(trigger("oncall", "ticket"));
    ticket.facts.severity = Severity::Ticket;
    let effects = [
        trigger("oncall", "delivered"),
        trigger("oncall", "perhaps"),
        trigger("oncall", "refused"),
        Effect::Notify(ticket),
        update("oncall", "delivered", 2),
        trigger("chat", "delivered"),
    ];
    store.commit(at(5), &effects).unwrap();
    let outcomes = [
        (1, delivered(None)),
        (2, retry(60, true)),
        (3, dead()),
        (4, delivered(None)),
        (5, delivered(None)),
        (6, delivered(None)),
    ];
    for (id, outcome) in outcomes {
        store.begin_attempt(id, at(6)).unwrap();
        store.finish_attempt(id, at(6), &outcome).unwrap();
    }
    let load = |receiver: &str, pages| ReceiverLoad {
        receiver: receiver.to_owned(),
        pages,
        at: vec![at(5); usize::try_from(pages).unwrap()],
    };
    let expected = [load("chat", 1), load("oncall", 2)];
    assert_eq!(store.load_of_receivers(at(5), at(6)).unwrap(), expected);
    assert_eq!(store.load_of_receivers(at(6), at(9)).unwrap(), []);
}
