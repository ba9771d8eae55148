//! The events of an alert's life, within the limits of the API.

use super::super::digest::tests::{attended, ended_group, group};
use super::super::exchange::{assert_fits, assert_manners, episode, json, oversize, requests};
use super::super::fixture;
use super::*;

fn kind(base: &str) -> ReceiverKind {
    ReceiverKind::IncidentIo {
        token: Secret::inline("t0ken-of-source"),
        url: format!("{base}/v2/alert_events/http/01GW2G3V0S59R238FAHPDS1R66"),
    }
}

/// api-docs.incident.io, "Create HTTP alert events".
fn limits() -> Value {
    json!({
        "type": "object",
        "required": ["title", "status", "deduplication_key"],
        "additionalProperties": false,
        "properties": {
            "title": {"type": "string", "minLength": 1, "maxLength": 500},
            "status": {"enum": ["firing", "resolved"]},
            "deduplication_key": {"type": "string", "minLength": 1},
            "description": {"type": "string"},
            "source_url": {"type": "string", "pattern": "^https?://"},
            "metadata": {"type": "object"},
        },
    })
}

#[tokio::test]
async fn an_alert_fires_with_news_and_resolves() {
    let requests = requests(kind, 202, &episode()).await;
    let key = fixture::burning().dedup_key();
    let mut states = Vec::new();
    for request in &requests {
        let body = json(request);
        assert_fits(&limits(), &body);
        assert_eq!(body["deduplication_key"], key);
        assert_eq!(request.headers["authorization"], "Bearer t0ken-of-source");
        states.push(body["status"].clone());
    }
    assert_eq!(states, ["firing", "firing", "firing", "resolved"]);
}

#[test]
fn a_trigger_is_an_event() {
    let event = event(&fixture::burning(), &fixture::writer());
    insta::assert_json_snapshot!(event, @r#"
    {
      "deduplication_key": "slofuse/shop/checkout{region=\"eu\"}/page",
      "description": "Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.\n\nImpact: Customers cannot pay.\n\nBurn: 32.15x over 1h, 35.5x over 5m \\(limit 14.4x\\), 1,284 of 40,000 events bad in 1h \\(3.21%\\); 7.2x over 6h, 33x over 30m \\(limit 6x\\)\n\nBudget: 38.8% of the 30d budget consumed, 4.46% by this alert; 61.2% left, gone in 13h 43m at this speed\n\nSince: 2026\\-01\\-02 03:04:00 UTC, 6m 30s before this decision\n\nNext step: Follow the runbook.\n\nObjective: 99.9% over 30d\n\nOwner: team\\-payments\n\nLabels: tier=1\n\n[Runbook](<https://wiki.example/checkout>) · [Dashboard](<https://grafana.example/d/checkout?orgId=1>) · [slofuse](<https://slofuse.example/prefix/api/v1/slos/shop/checkout>)",
      "metadata": {
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
        "route_labels": {},
        "service": "shop",
        "severity": "page",
        "slo": "checkout"
      },
      "source_url": "https://slofuse.example/prefix/api/v1/slos/shop/checkout",
      "status": "firing",
      "title": "shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m"
    }
    "#);
}

#[test]
fn a_group_is_one_event_that_names_its_members() {
    let opened = event(&group(), &fixture::writer());
    assert_fits(&limits(), &opened);
    assert_eq!(opened["deduplication_key"], group().dedup_key());
    assert_eq!(opened["metadata"]["alerts_firing"], 3);
    let description = opened["description"].as_str().unwrap();
    assert!(description.contains("\\[RESOLVED\\]"), "{description}");
    assert!(description.contains("and 2 more alerts"), "{description}");
    let ended = event(&ended_group(), &fixture::writer());
    assert_eq!(ended["status"], "resolved");
    assert_eq!(ended["deduplication_key"], opened["deduplication_key"]);
}

#[test]
fn who_looks_after_it_can_be_matched_on() {
    let event = event(&attended(), &fixture::plain());
    assert_eq!(event["metadata"]["acknowledged_by"], "ada");
    let burning = event["metadata"]["burning_dependencies"].as_str().unwrap();
    assert!(burning.starts_with("shop/payments since"), "{burning}");
}

#[test]
fn what_is_too_long_is_cut_and_says_so() {
    let event = event(&oversize(), &fixture::writer());
    assert_fits(&limits(), &event);
    assert!(event.to_string().len() <= 512_000);
    let note = event["metadata"]["truncated"].as_str().unwrap();
    assert!(note.ends_with("labels left out"), "{note}");
}

#[test]
fn hostile_text_is_no_markup() {
    let event = event(&fixture::hostile(), &fixture::writer());
    assert_fits(&limits(), &event);
    let description = event["description"].as_str().unwrap();
    assert!(!description.contains("<!channel>"), "{description}");
    assert!(description.contains("\\<\\!channel\\>"), "{description}");
    assert!(description.contains("\\*x\\*"), "{description}");
    assert!(!description.contains("<javascript:"), "{description}");
    assert!(!description.contains("](<javascript"), "{description}");
    assert!(
        description.contains("[Dashboard](<https://dash.example"),
        "{description}"
    );
}

#[tokio::test]
async fn answers_have_their_classes() {
    assert_manners(kind).await;
}
