//! Real Alertmanagers are told what fires, told again, and told when it is over.

use std::collections::BTreeMap;

use serde_json::Value;
use slofuse::config::settings::{Auth, ReceiverKind, ReceiverSettings};
use slofuse::engine::{AlertFacts, AlertKey, Labels, Notification, Span, Timestamp};
use slofuse::message::{Writer, sample};
use slofuse::notify::{self, Receiver};

use crate::bed::alertmanager::Alertmanager;
use crate::bed::clock;

const REFRESH: Span = Span::from_mins(1);

fn receiver(peers: &[&Alertmanager]) -> Box<dyn Receiver> {
    let kind = ReceiverKind::Alertmanager {
        urls: peers.iter().map(|peer| peer.url().to_owned()).collect(),
        auth: Auth::None,
        headers: BTreeMap::new(),
        refresh: REFRESH,
    };
    let settings = ReceiverSettings::new("alertmanagers", kind);
    notify::build(&settings, &Writer::default()).expect("the settings are good")
}

/// A notification whose alert began five minutes before `now`.
fn at(mut notification: Notification, now: Timestamp) -> Notification {
    let facts = &mut notification.facts;
    facts.started_at = now - Span::from_mins(5);
    facts.decided_at = now;
    if facts.resolved_at.is_some() {
        facts.resolved_at = Some(now - Span::from_secs(1));
    }
    notification
}

async fn tell(receiver: &dyn Receiver, notification: &Notification) {
    let now = notification.facts.decided_at;
    let told = receiver.deliver(notification, None, now).await;
    told.expect("somebody takes it");
}

async fn only(server: &Alertmanager) -> Value {
    let alerts = server.alerts().await;
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    alerts[0].clone()
}

fn end(alert: &Value) -> String {
    // Whole seconds in RFC 3339 sort as text.
    alert["endsAt"].as_str().expect("a time").to_owned()
}

#[tokio::test]
async fn what_fires_is_known_kept_up_and_ended() {
    let (one, two) = (Alertmanager::start().await, Alertmanager::start().await);
    let receiver = receiver(&[&one, &two]);
    let now = clock::now();
    let burning = at(sample::burning(), now);
    tell(&*receiver, &burning).await;
    let mut ends = Vec::new();
    for server in [&one, &two] {
        let alert = only(server).await;
        assert_eq!(alert["status"]["state"], "active");
        let expected = burning.facts.matching_labels();
        for (name, value) in expected.iter() {
            assert_eq!(alert["labels"][name], value, "{name}");
        }
        let labels = alert["labels"].as_object().expect("labels");
        assert_eq!(labels.len(), expected.iter().count());
        let summary = alert["annotations"]["summary"].as_str().expect("a summary");
        assert!(summary.contains("burns its error budget"), "{summary}");
        ends.push(end(&alert));
    }

    let open = [burning.facts.clone()];
    let refreshed = receiver.refresh(&open, now + REFRESH).await;
    refreshed.expect("both are there");
    for (server, before) in [&one, &two].into_iter().zip(ends) {
        let after = end(&only(server).await);
        assert!(after > before, "{after} after {before}");
    }

    tell(&*receiver, &at(sample::resolved(), clock::now())).await;
    for server in [&one, &two] {
        assert_eq!(server.alerts().await, Vec::<Value>::new());
    }
    // A refresh that was asked for before does not raise it again.
    let late = receiver.refresh(&open, clock::now()).await;
    late.expect("there is nothing to say");
    assert_eq!(one.alerts().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_peer_that_was_down_gets_what_it_missed() {
    let (mut lost, other) = (Alertmanager::start().await, Alertmanager::start().await);
    let receiver = receiver(&[&lost, &other]);
    lost.kill();
    let burning = at(sample::burning(), clock::now());
    tell(&*receiver, &burning).await;
    only(&other).await;

    lost.restart().await;
    assert_eq!(lost.alerts().await, Vec::<Value>::new());
    let open = [burning.facts.clone()];
    let refreshed = receiver.refresh(&open, clock::now()).await;
    refreshed.expect("both are there");
    let (again, still) = (only(&lost).await, only(&other).await);
    for same in ["labels", "annotations", "startsAt", "fingerprint"] {
        assert_eq!(again[same], still[same], "{same}");
    }
}

/// Labels that an Alertmanager of this age refuses must not cost the page.
#[tokio::test]
async fn many_alerts_with_any_labels_are_taken() {
    let server = Alertmanager::start().await;
    let receiver = receiver(&[&server]);
    let now = clock::now();
    let mut hostile = at(sample::hostile(), now);
    hostile.facts.document.labels = BTreeMap::from([
        ("k8s.io/ü".to_owned(), "dotted".to_owned()),
        ("empty".to_owned(), String::new()),
    ]);
    tell(&*receiver, &hostile).await;
    let alert = only(&server).await;
    assert_eq!(alert["labels"]["k8s_io__"], "dotted");
    let path = hostile.facts.labels.get("path").expect("a path");
    assert_eq!(alert["labels"]["path"], path);

    let many: Vec<AlertFacts> = (0..600).map(|n| shard(n, now)).collect();
    let refreshed = receiver.refresh(&many, now).await;
    refreshed.expect("it is there");
    assert_eq!(server.alerts().await.len(), 601);
}

fn shard(number: u32, now: Timestamp) -> AlertFacts {
    let mut facts = at(sample::burning(), now).facts;
    facts.labels = Labels::new([("shard", number.to_string())]);
    if let AlertKey::Burn { instance, .. } = &mut facts.key {
        instance.labels = facts.labels.clone();
    }
    facts
}
