//! Tests of the store through its door, over real files; the values they are about.

mod crash;
mod dead_letters;
mod door;
mod fallback;
mod kill;
mod life;
mod model;
mod plans;

use super::*;
use crate::engine::{
    AlertFacts, AlertKey, AlertRecord, AlertState, Document, InstanceId, Labels, Notification,
    NotificationKind, Reason, Severity, SloId, Span, StateName, Told, Transition,
};

const T0: Timestamp = Timestamp::from_secs(1_800_000_000);

/// `T0` and so many seconds.
fn at(secs: i64) -> Timestamp {
    T0 + Span::from_secs(secs)
}

fn key(alert: &str) -> AlertKey {
    AlertKey::Burn {
        instance: InstanceId {
            slo: SloId::new("shop", alert),
            labels: Labels::new([("region", "eu")]),
        },
        severity: Severity::Page,
    }
}

fn facts(alert: &str) -> AlertFacts {
    AlertFacts {
        key: key(alert),
        severity: Severity::Page,
        service: "shop".to_owned(),
        slo: alert.to_owned(),
        labels: Labels::new([("region", "eu")]),
        objective_percent: Some(99.9),
        period: Some(Span::from_days(30).into()),
        reason: Reason::Burning,
        started_at: T0,
        decided_at: T0,
        resolved_at: None,
        tiers: Vec::new(),
        peak_burn: 20.5,
        budget: None,
        sla: None,
        alert_name: None,
        document: Document::default(),
        affected: 1,
        dependencies: Vec::new(),
        acknowledged: None,
        curve: None,
    }
}

fn notification(
    receiver: &str,
    alert: &str,
    kind: NotificationKind,
    episode: u64,
    sequence: u32,
) -> Notification {
    Notification {
        receiver: receiver.to_owned(),
        kind,
        episode,
        sequence,
        facts: facts(alert),
        group: None,
        route_labels: std::collections::BTreeMap::new(),
    }
}

fn trigger(receiver: &str, alert: &str) -> Effect {
    Effect::Notify(notification(
        receiver,
        alert,
        NotificationKind::Trigger,
        1,
        1,
    ))
}

fn update(receiver: &str, alert: &str, sequence: u32) -> Effect {
    Effect::Notify(notification(
        receiver,
        alert,
        NotificationKind::Update,
        1,
        sequence,
    ))
}

fn resolve(receiver: &str, alert: &str) -> Effect {
    Effect::Notify(notification(
        receiver,
        alert,
        NotificationKind::Resolve,
        1,
        99,
    ))
}

/// The notification in an effect.
fn told(effect: Effect) -> Notification {
    match effect {
        Effect::Notify(notification) => notification,
        other => panic!("{other:?} tells nobody"),
    }
}

fn record(alert: &str, since: Timestamp) -> AlertRecord {
    AlertRecord {
        key: key(alert),
        state: AlertState::Firing {
            since,
            quiet_since: None,
        },
        facts: facts(alert),
        burning: Vec::new(),
        tier_starts: None,
        costs_from: Timestamp::EPOCH,
        told: [(
            "oncall".to_owned(),
            Told {
                sequence: 1,
                at: None,
                behind: false,
            },
        )]
        .into(),
        mutes: Vec::new(),
        announced_at: None,
    }
}

fn transition(alert: &str, at: Timestamp, from: StateName, to: StateName) -> Effect {
    Effect::Transitioned(Transition {
        at,
        from,
        to,
        facts: facts(alert),
        mutes: Vec::new(),
    })
}

fn retry(secs: i64, ambiguous: bool) -> AttemptOutcome {
    AttemptOutcome::Retry {
        at: at(secs),
        error: "503 from the receiver".to_owned(),
        ambiguous,
    }
}

fn delivered(receipt: Option<&str>) -> AttemptOutcome {
    AttemptOutcome::Delivered {
        receipt: receipt.map(str::to_owned),
    }
}

fn dead() -> AttemptOutcome {
    AttemptOutcome::Dead {
        error: "400 from the receiver".to_owned(),
        ambiguous: false,
    }
}

/// Every delivery in the store, oldest first.
fn deliveries(store: &Store) -> Vec<DeliveryRecord> {
    let everything = HistoryQuery {
        from: Timestamp::from_millis(i64::MIN),
        to: Timestamp::from_millis(i64::MAX),
        slo: None,
        limit: usize::MAX,
    };
    let entries = store.history(&everything).unwrap().into_iter();
    let mut rows: Vec<DeliveryRecord> = entries
        .filter_map(|entry| match entry.event {
            HistoryEvent::Delivery(record) => Some(record),
            _ => None,
        })
        .collect();
    rows.sort_by_key(|row| row.id);
    rows
}

/// `trigger=delivered resolve=pending`: every delivery, oldest first.
fn states(store: &Store) -> String {
    let words = deliveries(store).into_iter().map(|row| {
        let state = serde_json::to_value(row.state).unwrap();
        format!("{}={}", row.kind.as_str(), state.as_str().unwrap())
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The ids that a receiver's worker would get.
fn due(store: &Store, receiver: &str, now: Timestamp) -> Vec<i64> {
    let due = store.claim_due(receiver, now, 100).unwrap();
    due.into_iter().map(|delivery| delivery.id).collect()
}

/// Sends the only delivery that is due, with this outcome.
fn send(store: &Store, now: Timestamp, outcome: &AttemptOutcome) -> i64 {
    let due = due(store, "oncall", now);
    let [id] = due[..] else {
        panic!("one delivery should be due, not {due:?}");
    };
    store.begin_attempt(id, now).unwrap();
    store.finish_attempt(id, now, outcome).unwrap();
    id
}

/// Runs SQL behind the store's back.
fn sql(store: &Store, text: &str) {
    let connection = store.0.connection.lock().unwrap();
    connection.execute_batch(text).unwrap();
}
