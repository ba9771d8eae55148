//! What Alertmanagers are told, and what becomes of it when some of them do not listen.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use wiremock::{MockServer, ResponseTemplate};

use super::super::digest::tests::{ended_group, group};
use super::super::exchange::{assert_fits, assert_manners, json, oversize, receiver, server};
use super::super::fixture::{self, NOW};
use super::super::{ErrorClass, FailureReason};
use super::peer::BATCH_MAX;
use super::*;
use crate::config::secret::Secret;
use crate::config::settings::Auth;
use crate::engine::{AlertKey, Labels};

const REFRESH: Span = Span::from_mins(1);

fn cluster(urls: &[String]) -> ReceiverKind {
    ReceiverKind::Alertmanager {
        urls: urls.to_vec(),
        auth: Auth::Bearer(Secret::inline("t0ken")),
        headers: BTreeMap::from([("x-scope".to_owned(), Secret::inline("team-a"))]),
        refresh: REFRESH,
    }
}

fn kind(url: &str) -> ReceiverKind {
    cluster(&[url.to_owned()])
}

/// What is pushed, as Alertmanager's OpenAPI document has it (`postableAlerts`).
fn limits() -> Value {
    let names = json!({"pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"});
    let labels = json!({
        "type": "object", "propertyNames": names, "additionalProperties": {"type": "string"}
    });
    let time = json!({"type": "string", "pattern": "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$"});
    json!({
        "type": "array", "minItems": 1, "maxItems": BATCH_MAX,
        "items": {
            "type": "object",
            "required": ["labels", "startsAt", "endsAt"],
            "additionalProperties": false,
            "properties": {
                "labels": labels, "annotations": labels, "startsAt": time, "endsAt": time,
                "generatorURL": {"type": "string", "pattern": "^https?://"},
            },
        },
    })
}

async fn bodies(server: &MockServer) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    let bodies: Vec<Value> = requests.iter().map(json).collect();
    for body in &bodies {
        assert_fits(&limits(), body);
    }
    bodies
}

/// So many open alerts.
fn open(count: usize) -> Vec<AlertFacts> {
    let alert = |n: usize| {
        let mut facts = fixture::burning().facts;
        facts.labels = Labels::new([("shard", n.to_string())]);
        if let AlertKey::Burn { instance, .. } = &mut facts.key {
            instance.labels = facts.labels.clone();
        }
        facts
    };
    (0..count).map(alert).collect()
}

#[tokio::test]
async fn a_peer_gets_the_alert_and_its_end() {
    let server = server(ResponseTemplate::new(200)).await;
    let receiver = receiver(kind(&format!("{}/am/", server.uri())));
    assert_eq!(receiver.refreshes_every(), Some(REFRESH));
    for notification in [fixture::burning(), fixture::updated(), fixture::resolved()] {
        let told = receiver.deliver(&notification, None, NOW).await;
        assert_eq!(told, Ok(Receipt(None)));
    }
    let requests = server.received_requests().await.unwrap();
    for request in &requests {
        assert_eq!(request.url.path(), "/am/api/v2/alerts");
        assert_eq!(request.headers["authorization"], "Bearer t0ken");
        assert_eq!(request.headers["x-scope"], "team-a");
    }
    let bodies = bodies(&server).await;
    insta::assert_json_snapshot!(bodies[0], @r#"
    [
      {
        "annotations": {
          "budget": "38.8% of the 30d budget consumed, 4.46% by this alert; 61.2% left, gone in 13h 43m at this speed",
          "burn": "32.15x over 1h, 35.5x over 5m (limit 14.4x), 1,284 of 40,000 events bad in 1h (3.21%); 7.2x over 6h, 33x over 30m (limit 6x)",
          "dashboard_url": "https://grafana.example/d/checkout?orgId=1",
          "description": "Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.",
          "impact": "Customers cannot pay.",
          "next_step": "Follow the runbook.",
          "objective": "99.9% over 30d",
          "owner": "team-payments",
          "runbook_url": "https://wiki.example/checkout",
          "since": "2026-01-02 03:04:00 UTC, 6m 30s before this decision",
          "sla": "99.5%",
          "slofuse_url": "https://slofuse.example/prefix/api/v1/slos/shop/checkout",
          "summary": "[PAGE] shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m",
          "title": "shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m"
        },
        "endsAt": "2026-01-02T03:14:30Z",
        "generatorURL": "https://slofuse.example/prefix/api/v1/slos/shop/checkout",
        "labels": {
          "alertname": "SLOBurn",
          "owner": "team-payments",
          "region": "eu",
          "service": "shop",
          "severity": "page",
          "slo": "checkout",
          "slofuse_severity": "page",
          "sloth_service": "shop",
          "sloth_severity": "page",
          "sloth_slo": "checkout",
          "tier": "1"
        },
        "startsAt": "2026-01-02T03:04:00Z"
      }
    ]
    "#);
    let ends = |at: usize| bodies[at][0]["endsAt"].as_str().unwrap().to_owned();
    assert_eq!(ends(1), "2026-01-02T03:14:30Z", "four refreshes from now");
    assert_eq!(ends(2), "2026-01-02T04:16:00Z", "when it ended");
    assert_eq!(bodies[0][0]["labels"], bodies[2][0]["labels"]);
    assert_eq!(bodies[0][0]["startsAt"], bodies[2][0]["startsAt"]);
}

#[tokio::test]
async fn answers_have_their_classes() {
    assert_manners(kind).await;
}

#[tokio::test]
async fn one_peer_is_enough_and_all_are_asked_at_once() {
    let (well, busy) = (
        server(ResponseTemplate::new(200)).await,
        server(ResponseTemplate::new(200).set_delay(Duration::from_secs(60))).await,
    );
    let down = "http://127.0.0.1:1".to_owned();
    let kind = cluster(&[busy.uri(), down, well.uri()]);
    let mut settings = ReceiverSettings::new("on-call", kind);
    settings.timeout = Span::from_secs(2);
    let receiver = super::super::build(&settings, &fixture::writer()).unwrap();
    let burning = fixture::burning();
    // The worker gives up after the whole timeout: a hanging peer must not use it up.
    let limit = settings.timeout.to_std();
    let told = tokio::time::timeout(limit, receiver.deliver(&burning, None, NOW)).await;
    assert_eq!(told.unwrap(), Ok(Receipt(None)));
    assert_eq!(bodies(&well).await.len(), 1);
    assert_eq!(busy.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn without_any_peer_the_best_failure_counts() {
    let refusing = server(ResponseTemplate::new(400).set_body_string("invalid label set")).await;
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "9");
    let (busy, down) = (server(busy).await, "http://127.0.0.1:1".to_owned());
    let burning = fixture::burning();
    let all = receiver(cluster(&[refusing.uri(), busy.uri(), down.clone()]));
    let error = all.deliver(&burning, None, NOW).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Retry { after: None }, "{error}");
    let texts = [
        "peer 1 of 3: answered 400",
        "peer 2 of 3: answered 429",
        "peer 3 of 3: connecting",
    ];
    for text in texts {
        assert!(error.text.contains(text), "{text} in {error}");
    }
    let two = receiver(cluster(&[refusing.uri(), busy.uri()]));
    let error = two.deliver(&burning, None, NOW).await.unwrap_err();
    let after = Some(Span::from_secs(9));
    assert_eq!(error.class, ErrorClass::Retry { after }, "{error}");
    let one = receiver(kind(&refusing.uri()));
    let error = one.deliver(&burning, None, NOW).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Permanent);
    assert_eq!(error.reason, FailureReason::ClientError);
    assert_eq!(error.text, "answered 400 Bad Request: invalid label set");
}

#[tokio::test]
async fn members_of_a_group_are_alerts_of_their_own() {
    let server = server(ResponseTemplate::new(200)).await;
    let receiver = receiver(kind(&server.uri()));
    for notification in [group(), ended_group()] {
        receiver.deliver(&notification, None, NOW).await.unwrap();
    }
    let bodies = bodies(&server).await;
    let regions = |at: usize| {
        let alerts = bodies[at].as_array().unwrap().iter();
        let regions = alerts.map(|alert| alert["labels"]["region"].as_str().unwrap());
        regions.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        (regions(0), regions(1)),
        (vec!["eu".to_owned(), "us".to_owned()], regions(0))
    );
    assert_eq!(bodies[0][0]["endsAt"], "2026-01-02T03:14:30Z");
    assert_eq!(bodies[0][1]["endsAt"], "2026-01-02T04:16:00Z");
    assert_eq!(bodies[1][0]["endsAt"], "2026-01-02T04:16:00Z");
}

#[tokio::test]
async fn a_refresh_tells_every_peer_everything_in_batches() {
    let (one, two) = (
        server(ResponseTemplate::new(200)).await,
        server(ResponseTemplate::new(200)).await,
    );
    let receiver = receiver(cluster(&[one.uri(), two.uri()]));
    let open = open(BATCH_MAX * 2 + 1);
    let later = NOW + REFRESH;
    receiver.refresh(&open, later).await.unwrap();
    for server in [one, two] {
        let bodies = bodies(&server).await;
        let sizes: Vec<usize> = bodies.iter().map(|b| b.as_array().unwrap().len()).collect();
        assert_eq!(sizes, [BATCH_MAX, BATCH_MAX, 1]);
        assert_eq!(bodies[2][0]["endsAt"], "2026-01-02T03:15:30Z");
    }
}

#[tokio::test]
async fn a_batch_that_is_refused_does_not_keep_back_the_others() {
    let server = server(ResponseTemplate::new(400)).await;
    let receiver = receiver(kind(&server.uri()));
    let error = receiver.refresh(&open(BATCH_MAX + 1), NOW).await;
    assert_eq!(error.unwrap_err().class, ErrorClass::Permanent);
    assert_eq!(bodies(&server).await.len(), 2);
}

#[tokio::test]
async fn a_peer_that_does_not_answer_is_asked_once_per_refresh() {
    let server = server(ResponseTemplate::new(503)).await;
    let receiver = receiver(kind(&server.uri()));
    let error = receiver.refresh(&open(BATCH_MAX + 1), NOW).await;
    assert_eq!(error.unwrap_err().reason, FailureReason::ServerError);
    assert_eq!(bodies(&server).await.len(), 1);
}

#[tokio::test]
async fn a_refresh_from_before_a_resolve_does_not_raise_it_again() {
    let server = server(ResponseTemplate::new(200)).await;
    let receiver = receiver(kind(&server.uri()));
    let before = [fixture::burning().facts];
    let resolved = fixture::resolved();
    receiver.deliver(&resolved, None, NOW).await.unwrap();
    receiver.refresh(&before, NOW).await.unwrap();
    assert_eq!(bodies(&server).await.len(), 1, "the resolve");

    let mut again = fixture::burning();
    again.facts.started_at = NOW + Span::from_hours(2);
    receiver.deliver(&again, None, NOW).await.unwrap();
    let open = [again.facts.clone()];
    receiver.refresh(&open, NOW).await.unwrap();
    assert_eq!(bodies(&server).await.len(), 3, "a new episode is refreshed");
}

#[tokio::test]
async fn nothing_open_is_nothing_to_say() {
    let server = server(ResponseTemplate::new(200)).await;
    let receiver = receiver(kind(&server.uri()));
    receiver.refresh(&[], NOW).await.unwrap();
    receiver
        .refresh(&[fixture::resolved().facts], NOW)
        .await
        .unwrap();
    assert!(bodies(&server).await.is_empty());
}

#[tokio::test]
async fn hostile_and_endless_alerts_are_taken() {
    let server = server(ResponseTemplate::new(200)).await;
    let receiver = receiver(kind(&server.uri()));
    for notification in [fixture::hostile(), oversize()] {
        receiver.deliver(&notification, None, NOW).await.unwrap();
    }
    let bodies = bodies(&server).await;
    let evil = fixture::hostile().facts.labels;
    assert_eq!(bodies[0][0]["labels"]["path"], evil.get("path").unwrap());
}

#[test]
fn names_are_those_that_every_version_takes() {
    let pairs = [
        ("a.b", "1"),
        ("a_b", "2"),
        ("a-b", "3"),
        ("0", "4"),
        ("ü", "5"),
        ("", "6"),
    ];
    let named = named(pairs.into_iter());
    let named: Vec<(&str, &str)> = named
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    assert_eq!(
        named,
        [
            ("_", "5"),
            ("_0", "4"),
            ("__", "6"),
            ("a_b", "1"),
            ("a_b_", "2"),
            ("a_b__", "3")
        ]
    );
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let refused = |kind: ReceiverKind| {
        let settings = ReceiverSettings::new("am", kind);
        let error = super::super::build(&settings, &fixture::plain())
            .err()
            .unwrap();
        error.to_string()
    };
    let nobody = refused(cluster(&[]));
    assert_eq!(nobody, "building receiver \"am\": urls names no peer");
    let bad = refused(kind("alertmanager:9093"));
    assert!(bad.contains("urls is not an http or https URL"), "{bad}");
}

proptest! {
    /// A peer whose clock is ahead by less than three refreshes, less the time that a push takes,
    /// sees an alert that fires as firing from its first push on: at every moment until the next
    /// push arrives, however late within its interval that was sent.
    #[test]
    fn a_firing_alert_never_expires(
        started in -100_000_i64..100_000,
        refresh in 1_000_i64..600_000,
        lost in 0_i64..3,
        delay in 0_i64..1_000,
        at in 0_i64..1_000_000,
    ) {
        let (refresh, delay) = (Span::from_millis(refresh), Span::from_millis(delay));
        let mut facts = fixture::burning().facts;
        let pushed = Timestamp::from_millis(1_700_000_000_000 + at);
        facts.started_at = pushed + Span::from_millis(started);
        let end = expiry(&facts, pushed, refresh);
        prop_assert!(end > facts.started_at);
        // So many pushes are lost; the one after them arrives.
        let next = pushed + refresh.times(lost + 1) + delay;
        let ahead_max = refresh.times(3 - lost) - delay - Span::from_millis(1);
        let on_its_clock = next + ahead_max;
        prop_assert!(end > on_its_clock, "{:?} of {:?}", end, on_its_clock);
    }

    #[test]
    fn an_end_is_never_before_the_start(started in 0_i64..10_000_000, end in 0_i64..10_000_000) {
        let mut facts = fixture::resolved().facts;
        facts.started_at = Timestamp::from_millis(started);
        facts.resolved_at = Some(Timestamp::from_millis(end));
        let end = expiry(&facts, NOW, REFRESH);
        prop_assert!(end >= facts.started_at);
        prop_assert!(figures::rfc3339(end) >= figures::rfc3339(facts.started_at));
    }
}
