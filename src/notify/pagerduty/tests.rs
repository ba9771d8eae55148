//! Events as PagerDuty receives them, and its refusals.

use super::super::fixture;
use super::*;
use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::notify::error::{ErrorClass, FailureReason};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn body(notification: &Notification) -> Value {
    let bytes = event(notification, "KEY", &fixture::writer());
    assert!(bytes.len() <= EVENT_BYTES_MAX);
    let body = serde_json::from_slice(&bytes).unwrap();
    fixture::assert_conforms(limits(), &body);
    body
}

fn kind(base: &str) -> ReceiverKind {
    ReceiverKind::PagerDuty {
        change_url: Some(format!("{base}/v2/change/enqueue")),
        routing_key: Secret::inline(KEY),
        url: format!("{base}/v2/enqueue"),
    }
}

/// The documented limits of an event.
fn limits() -> Value {
    let text = |max: usize| json!({ "type": "string", "minLength": 1, "maxLength": max });
    json!({
        "type": "object",
        "required": ["routing_key", "event_action", "dedup_key"],
        "additionalProperties": false,
        "properties": {
            "routing_key": text(32),
            "event_action": { "enum": ["trigger", "acknowledge", "resolve"] },
            "dedup_key": text(255),
            "client": { "type": "string" },
            "client_url": { "type": "string" },
            "links": { "type": "array", "items": {
                "type": "object",
                "required": ["href"],
                "properties": { "href": { "pattern": "^https?://" } },
            } },
            "images": { "type": "array", "items": {
                "type": "object",
                "required": ["src"],
                "properties": { "src": { "pattern": "^https://" } },
            } },
            "payload": {
                "type": "object",
                "required": ["summary", "source", "severity"],
                "properties": {
                    "summary": text(1024),
                    "source": text(1024),
                    "severity": { "enum": ["critical", "error", "warning", "info"] },
                    "timestamp": { "type": "string" },
                    "custom_details": { "type": "object" },
                },
            },
        },
        "if": { "properties": { "event_action": { "const": "trigger" } } },
        "then": { "required": ["payload"] },
        "else": { "maxProperties": 3 },
    })
}

async fn deliver(server: &MockServer) -> Result<Receipt, DeliveryError> {
    let kind = ReceiverKind::PagerDuty {
        change_url: None,
        routing_key: Secret::inline(KEY),
        url: format!("{}/v2/enqueue", server.uri()),
    };
    let receiver =
        crate::notify::build(&ReceiverSettings::new("on-call", kind), &fixture::plain()).unwrap();
    receiver
        .deliver(&fixture::burning(), None, fixture::NOW)
        .await
}

#[test]
fn a_trigger_is_an_event() {
    insta::assert_json_snapshot!(body(&fixture::burning()), @r#"
    {
      "client": "slofuse",
      "client_url": "https://slofuse.example/prefix/api/v1/slos/shop/checkout",
      "dedup_key": "slofuse/shop/checkout{region=\"eu\"}/page",
      "event_action": "trigger",
      "links": [
        {
          "href": "https://wiki.example/checkout",
          "text": "Runbook"
        },
        {
          "href": "https://grafana.example/d/checkout?orgId=1",
          "text": "Dashboard"
        },
        {
          "href": "https://slofuse.example/prefix/api/v1/slos/shop/checkout",
          "text": "slofuse"
        }
      ],
      "payload": {
        "class": "burn",
        "component": "checkout",
        "custom_details": {
          "Budget": "38.8% of the 30d budget consumed, 4.46% by this alert; 61.2% left, gone in 13h 43m at this speed",
          "Burn": "32.15x over 1h, 35.5x over 5m (limit 14.4x), 1,284 of 40,000 events bad in 1h (3.21%); 7.2x over 6h, 33x over 30m (limit 6x)",
          "Impact": "Customers cannot pay.",
          "Next step": "Follow the runbook.",
          "Objective": "99.9% over 30d",
          "Owner": "team-payments",
          "Since": "2026-01-02 03:04:00 UTC, 6m 30s before this decision",
          "Why": "Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.",
          "annotations": {
            "sla": "99.5%"
          },
          "definition_labels": {
            "tier": "1"
          },
          "labels": {
            "region": "eu"
          },
          "tiers": [
            {
              "bad_events": 1284.0,
              "limit": 14.4,
              "long_burn": 32.15,
              "long_window": "1h",
              "short_burn": 35.5,
              "short_window": "5m",
              "total_events": 40000.0
            },
            {
              "bad_events": null,
              "limit": 6.0,
              "long_burn": 7.2,
              "long_window": "6h",
              "short_burn": 33.0,
              "short_window": "30m",
              "total_events": null
            }
          ]
        },
        "group": "shop",
        "severity": "critical",
        "source": "shop/checkout{region=\"eu\"}",
        "summary": "shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m",
        "timestamp": "2026-01-02T03:04:00Z"
      },
      "routing_key": "KEY"
    }
    "#);
}

#[test]
fn the_name_of_the_alert_is_among_the_details_and_not_in_the_key() {
    let mut named = fixture::burning();
    named.facts.alert_name = Some("CheckoutBurns".to_owned());
    let (named, plain) = (body(&named), body(&fixture::burning()));
    assert_eq!(named["payload"]["custom_details"]["Alert"], "CheckoutBurns");
    assert_eq!(named["dedup_key"], plain["dedup_key"]);
}

#[test]
fn an_update_is_a_trigger_with_the_same_key() {
    let (first, second) = (body(&fixture::burning()), body(&fixture::updated()));
    assert_eq!(second["event_action"], "trigger");
    assert_eq!(second["dedup_key"], first["dedup_key"]);
    assert_ne!(second["payload"]["summary"], first["payload"]["summary"]);
}

#[test]
fn a_resolve_carries_only_the_key() {
    insta::assert_json_snapshot!(body(&fixture::resolved()), @r#"
    {
      "dedup_key": "slofuse/shop/checkout{region=\"eu\"}/page",
      "event_action": "resolve",
      "routing_key": "KEY"
    }
    "#);
}

#[test]
fn severities_are_in_pagerdutys_words() {
    for (ours, theirs) in [
        (Severity::Page, "critical"),
        (Severity::Ticket, "warning"),
        (Severity::Info, "info"),
    ] {
        let mut notification = fixture::burning();
        notification.facts.severity = ours;
        let label = ("severity".to_owned(), "sev1".to_owned());
        notification.facts.document.labels.extend([label]);
        assert_eq!(body(&notification)["payload"]["severity"], theirs);
    }
    assert_eq!(
        body(&fixture::source_down())["payload"]["class"],
        "source_down"
    );
}

#[test]
fn an_event_that_is_too_large_says_what_is_missing() {
    let mut notification = fixture::hostile();
    let annotations = &mut notification.facts.document.annotations;
    for at in 0..2_000 {
        annotations.insert(format!("a{at}"), "\u{1}<&\"".repeat(1_000));
    }
    let event = body(&notification);
    let details = &event["payload"]["custom_details"];
    let note = details["truncated"].as_str().unwrap();
    assert!(
        note.starts_with("labels, annotations, tiers and alerts are left out"),
        "{note}"
    );
    assert!(details["Why"].is_string() && details["annotations"].is_null());
    assert_eq!(event["event_action"], "trigger");
}

#[test]
fn summaries_are_bounded() {
    let mut notification = fixture::burning();
    notification.facts.service = "ü".repeat(5_000);
    let event = body(&notification);
    let summary = event["payload"]["summary"].as_str().unwrap();
    assert!(summary.chars().count() <= SUMMARY_CHARS_MAX);
    assert!(summary.contains("burns its error budget"), "{summary}");
}

#[test]
fn numbers_that_are_none_become_null() {
    let mut notification = fixture::burning();
    notification.facts.tiers[0].long_burn = f64::NAN;
    let tier = &body(&notification)["payload"]["custom_details"]["tiers"][0];
    assert!(tier["long_burn"].is_null() && tier["short_burn"].is_number());
}

#[tokio::test]
async fn accepted_means_delivered() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v2/enqueue"))
        .respond_with(ResponseTemplate::new(202))
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(deliver(&server).await, Ok(Receipt(None)));
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.headers["content-type"], "application/json");
    let sent: Value = request.body_json().unwrap();
    assert_eq!(sent["routing_key"], KEY);
}

#[tokio::test]
async fn refusals_name_the_problem_and_not_the_key() {
    let server = MockServer::start().await;
    let errors = json!({
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": [format!("routing_key {KEY} is unknown")],
    });
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(400).set_body_json(errors))
        .mount(&server)
        .await;
    let error = deliver(&server).await.unwrap_err();
    assert_eq!(
        (error.class, error.reason),
        (ErrorClass::Permanent, FailureReason::ClientError)
    );
    assert!(error.text.contains("Event object is invalid"), "{error}");
    assert!(!error.text.contains(KEY), "{error}");
}

#[tokio::test]
async fn a_key_file_that_is_missing_is_tried_again() {
    let kind = ReceiverKind::PagerDuty {
        change_url: None,
        routing_key: Secret::file("/nowhere/key"),
        url: "http://127.0.0.1:1/".to_owned(),
    };
    let receiver =
        crate::notify::build(&ReceiverSettings::new("on-call", kind), &fixture::plain()).unwrap();
    let notification = fixture::burning();
    let error = receiver
        .deliver(&notification, None, fixture::NOW)
        .await
        .unwrap_err();
    let expected = "reading the secret in /nowhere/key: No such file or directory (os error 2)";
    assert_eq!(error, DeliveryError::local(expected));
}

#[tokio::test]
async fn http_failures_are_classified() {
    fixture::assert_manners(kind).await;
}

#[tokio::test]
async fn an_alert_is_one_incident_from_trigger_to_resolve() {
    let server = fixture::server(ResponseTemplate::new(202)).await;
    let by = "ann".to_owned();
    let acknowledged = fixture::news(fixture::burning(), Reason::Acknowledged { by });
    for notification in [
        fixture::burning(),
        fixture::updated(),
        acknowledged,
        fixture::resolved(),
    ] {
        let receipt = fixture::deliver(kind(&server.uri()), &notification, None).await;
        assert_eq!(receipt, Ok(Receipt(None)));
    }
    let requests = fixture::requests(&server).await;
    let actions = requests.iter().map(|(_, body)| &body["event_action"]);
    let expected = ["trigger", "trigger", "acknowledge", "resolve"];
    assert_eq!(actions.collect::<Vec<_>>(), expected);
    let key = &requests[0].1["dedup_key"];
    assert!(requests.iter().all(|(_, body)| body["dedup_key"] == *key));
}

#[test]
fn a_group_is_one_incident_that_lists_its_alerts() {
    let event = body(&fixture::group());
    assert_eq!(
        event["dedup_key"],
        "slofuse/group:shop/on-call{service=\"shop\"}"
    );
    let payload = &event["payload"];
    assert_eq!(payload["summary"], "2 alerts of shop: 1 page, 1 ticket");
    assert_eq!(payload["class"], "group");
    assert_eq!(payload["custom_details"]["firing"], 2);
    insta::assert_json_snapshot!(payload["custom_details"]["alerts"], @r#"
    [
      {
        "alert": "shop/checkout{region=\"eu\"}/page",
        "firing": true,
        "headline": "[PAGE] shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m",
        "owner": "team-payments",
        "runbook": "https://wiki.example/checkout",
        "severity": "page",
        "since": "2026-01-02 03:04:00 UTC, 6m 30s before this decision"
      },
      {
        "alert": "shop/checkout{region=\"eu\"}/ticket",
        "firing": true,
        "headline": "[TICKET] shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m",
        "owner": "team-payments",
        "runbook": "https://wiki.example/checkout",
        "severity": "ticket",
        "since": "2026-01-02 03:04:00 UTC, 6m 30s before this decision"
      }
    ]
    "#);
    let storm = body(&fixture::huge_group());
    let details = &storm["payload"]["custom_details"];
    assert_eq!(storm["payload"]["class"], "storm");
    assert_eq!(details["alerts"].as_array().unwrap().len(), 50);
    assert_eq!(details["alerts_left_out"], 950);
}

#[test]
fn a_group_is_acknowledged_when_all_of_it_is() {
    let by = "ann".to_owned();
    let mut group = fixture::news(fixture::group(), Reason::Acknowledged { by });
    assert_eq!(body(&group)["event_action"], "trigger", "one is nobody's");
    for member in &mut group.group.as_mut().unwrap().members {
        member.acknowledged = Some(fixture::acknowledgement("ann"));
    }
    assert_eq!(body(&group)["event_action"], "acknowledge");
}

#[tokio::test]
async fn a_change_is_a_change_event() {
    let server = fixture::server(ResponseTemplate::new(202)).await;
    let change = Change {
        at: fixture::NOW,
        summary: format!("2 SLOs changed\r\n{}", "ü".repeat(2_000)),
    };
    let show = async |kind: ReceiverKind| {
        let settings = ReceiverSettings::new("on-call", kind);
        let receiver = crate::notify::build(&settings, &fixture::writer()).unwrap();
        receiver.show_change(&change, fixture::NOW).await
    };
    assert_eq!(show(kind(&server.uri())).await, Ok(Receipt(None)));
    let requests = fixture::requests(&server).await;
    let (name, mut event) = requests[0].clone();
    assert_eq!(name, "POST /v2/change/enqueue");
    let summary = event["payload"]["summary"].take();
    let summary = summary.as_str().unwrap();
    assert_eq!(summary.chars().count(), SUMMARY_CHARS_MAX);
    assert!(summary.starts_with("2 SLOs changed  ü"), "{summary}");
    insta::assert_json_snapshot!(event, @r#"
    {
      "links": [
        {
          "href": "https://slofuse.example/prefix/",
          "text": "slofuse"
        }
      ],
      "payload": {
        "custom_details": {},
        "source": "slofuse",
        "summary": null,
        "timestamp": "2026-01-02T03:10:30Z"
      },
      "routing_key": "0123456789abcdef0123456789abcdef"
    }
    "#);

    let mut silent = kind(&server.uri());
    if let ReceiverKind::PagerDuty { change_url, .. } = &mut silent {
        *change_url = None;
    }
    assert_eq!(show(silent).await, Ok(Receipt(None)));
    assert_eq!(
        fixture::requests(&server).await.len(),
        1,
        "nothing was sent"
    );

    let server = fixture::server(ResponseTemplate::new(400).set_body_string(KEY)).await;
    let error = show(kind(&server.uri())).await.unwrap_err();
    assert_eq!(error.text, "answered 400 Bad Request: [redacted]");
}

#[test]
fn hostile_text_stays_in_its_strings() {
    let event = body(&fixture::hostile());
    let links = event["links"].as_array().unwrap();
    assert!(links.iter().all(|link| link["text"] != "Runbook"));
    let summary = event["payload"]["summary"].as_str().unwrap();
    assert!(!summary.contains(char::is_control), "{summary}");
}
