//! The calls of an alert's life.

use super::super::digest::tests::{ended_group, group};
use super::super::exchange::{assert_fits, assert_manners, episode, json, oversize, requests};
use super::super::fixture;
use super::*;
use crate::config::secret::Secret;

const PATH: &str = "/integrations/v1/formatted_webhook/t0ken-of-integration/";

fn kind(base: &str) -> ReceiverKind {
    ReceiverKind::GrafanaIrm {
        url: Secret::inline(format!("{base}{PATH}")),
    }
}

/// grafana.com/docs, IRM, "Formatted webhook"; the lengths are ours.
fn limits() -> Value {
    json!({
        "type": "object",
        "required": ["alert_uid", "title", "state", "message"],
        "properties": {
            "alert_uid": {"type": "string", "minLength": 1, "maxLength": 255},
            "title": {"type": "string", "minLength": 1, "maxLength": 500},
            "state": {"enum": ["alerting", "ok"]},
            "message": {"type": "string", "maxLength": 10_000},
            "image_url": {"type": "string", "pattern": "^https://"},
            "link_to_upstream_details": {"type": "string", "pattern": "^https?://"},
        },
    })
}

#[tokio::test]
async fn an_alert_is_raised_and_ends() {
    let requests = requests(kind, 200, &episode()).await;
    let mut states = Vec::new();
    for request in &requests {
        assert_eq!(request.url.path(), PATH, "the last slash stays");
        let body = json(request);
        assert_fits(&limits(), &body);
        assert_eq!(body["alert_uid"], fixture::burning().dedup_key());
        states.push(body["state"].clone());
    }
    assert_eq!(states, ["alerting", "alerting", "alerting", "ok"]);
}

#[test]
fn a_trigger_is_a_call() {
    let alert = alert(&fixture::burning(), &fixture::writer());
    insta::assert_json_snapshot!(alert, @r#"
    {
      "alert_uid": "slofuse/shop/checkout{region=\"eu\"}/page",
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
      "link_to_upstream_details": "https://slofuse.example/prefix/api/v1/slos/shop/checkout",
      "message": "Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.\nImpact: Customers cannot pay.\nBurn: 32.15x over 1h, 35.5x over 5m (limit 14.4x), 1,284 of 40,000 events bad in 1h (3.21%); 7.2x over 6h, 33x over 30m (limit 6x)\nBudget: 38.8% of the 30d budget consumed, 4.46% by this alert; 61.2% left, gone in 13h 43m at this speed\nSince: 2026-01-02 03:04:00 UTC, 6m 30s before this decision\nNext step: Follow the runbook.\nObjective: 99.9% over 30d\nOwner: team-payments\nLabels: tier=1",
      "severity": "page",
      "state": "alerting",
      "title": "[PAGE] shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m"
    }
    "#);
}

#[test]
fn a_group_is_one_alert_that_names_its_members() {
    let opened = alert(&group(), &fixture::writer());
    assert_eq!(opened["alert_uid"], group().dedup_key());
    let message = opened["message"].as_str().unwrap();
    assert!(message.contains("[RESOLVED] shop/checkout"), "{message}");
    let ended = alert(&ended_group(), &fixture::writer());
    assert_eq!(ended["state"], "ok");
    assert_eq!(ended["alert_uid"], opened["alert_uid"]);
}

#[test]
fn what_is_too_long_is_cut_and_says_so() {
    let mut notification = oversize();
    notification.facts.document.annotations.clear();
    let body = alert(&notification, &fixture::writer());
    assert_fits(&limits(), &body);
}

#[test]
fn hostile_text_calls_nobody() {
    let body = alert(&fixture::hostile(), &fixture::writer());
    assert_fits(&limits(), &body);
    for field in ["title", "message"] {
        let text = body[field].as_str().unwrap();
        assert!(!text.contains(['<', '>']), "{text}");
        assert!(text.contains("‹!channel›"), "{text}");
    }
}

#[tokio::test]
async fn answers_have_their_classes() {
    assert_manners(kind).await;
}
