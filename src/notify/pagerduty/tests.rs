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
    serde_json::from_slice(&bytes).unwrap()
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
        note.starts_with("labels, annotations and tiers are left out"),
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
