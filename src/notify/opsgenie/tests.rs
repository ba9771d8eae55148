//! The requests of an alert's life, within the limits of the API.

use super::super::digest::tests::{ended_group, group};
use super::super::exchange::{
    assert_fits, assert_manners, episode, failure, json, oversize, receiver, requests, server,
};
use super::super::fixture;
use super::*;
use wiremock::ResponseTemplate;

fn kind(base: &str) -> ReceiverKind {
    ReceiverKind::Opsgenie {
        api_key: Secret::inline("k3y"),
        url: format!("{base}/v2/alerts"),
    }
}

/// docs.opsgenie.com, Alert API, "Create Alert".
fn limits() -> Value {
    json!({
        "type": "object",
        "required": ["message", "alias", "priority"],
        "additionalProperties": false,
        "properties": {
            "message": {"type": "string", "minLength": 1, "maxLength": 130},
            "alias": {"type": "string", "maxLength": 512},
            "description": {"type": "string", "maxLength": 15_000},
            "tags": {
                "type": "array", "maxItems": 20,
                "items": {"type": "string", "maxLength": 50}
            },
            "details": {"type": "object", "additionalProperties": {"type": "string"}},
            "entity": {"type": "string", "maxLength": 512},
            "source": {"type": "string", "maxLength": 100},
            "priority": {"enum": ["P1", "P2", "P3", "P4", "P5"]},
        },
    })
}

#[tokio::test]
async fn an_alert_is_opened_noted_acknowledged_and_closed() {
    let requests = requests(kind, 202, &episode()).await;
    let places: Vec<String> = requests
        .iter()
        .map(|request| {
            format!(
                "{}?{}",
                request.url.path(),
                request.url.query().unwrap_or("")
            )
        })
        .collect();
    insta::assert_json_snapshot!(places, @r#"
    [
      "/v2/alerts?",
      "/v2/alerts/slofuse%2Fshop%2Fcheckout%7Bregion%3D%22eu%22%7D%2Fpage/notes?identifierType=alias",
      "/v2/alerts/slofuse%2Fshop%2Fcheckout%7Bregion%3D%22eu%22%7D%2Fpage/acknowledge?identifierType=alias",
      "/v2/alerts/slofuse%2Fshop%2Fcheckout%7Bregion%3D%22eu%22%7D%2Fpage/close?identifierType=alias"
    ]
    "#);
    for request in &requests {
        assert_eq!(request.headers["authorization"], "GenieKey k3y");
        assert_eq!(request.headers["content-type"], "application/json");
    }
    assert_fits(&limits(), &json(&requests[0]));
    assert_eq!(json(&requests[2])["user"], "ada");
    let notes = requests
        .iter()
        .skip(1)
        .map(|request| json(request)["note"].clone());
    for note in notes {
        let note = note.as_str().unwrap();
        assert!(note.contains("shop/checkout"), "{note}");
    }
}

#[test]
fn a_trigger_is_an_alert() {
    let body = body(&fixture::burning(), Action::Create, &fixture::writer());
    insta::assert_json_snapshot!(body, @r#"
    {
      "alias": "slofuse/shop/checkout{region=\"eu\"}/page",
      "description": "Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.\nImpact: Customers cannot pay.\nBurn: 32.15x over 1h, 35.5x over 5m (limit 14.4x), 1,284 of 40,000 events bad in 1h (3.21%); 7.2x over 6h, 33x over 30m (limit 6x)\nBudget: 38.8% of the 30d budget consumed, 4.46% by this alert; 61.2% left, gone in 13h 43m at this speed\nSince: 2026-01-02 03:04:00 UTC, 6m 30s before this decision\nNext step: Follow the runbook.\nObjective: 99.9% over 30d\nOwner: team-payments\nLabels: tier=1\nRunbook: https://wiki.example/checkout\nDashboard: https://grafana.example/d/checkout?orgId=1\nslofuse: https://slofuse.example/prefix/api/v1/slos/shop/checkout",
      "details": {
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
      "entity": "shop/checkout{region=\"eu\"}",
      "message": "shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m",
      "priority": "P1",
      "source": "slofuse",
      "tags": [
        "page",
        "tier:1"
      ]
    }
    "#);
}

#[test]
fn severities_have_priorities() {
    let mut notification = fixture::burning();
    for (severity, expected) in [
        (Severity::Page, "P1"),
        (Severity::Ticket, "P3"),
        (Severity::Info, "P5"),
    ] {
        notification.facts.severity = severity;
        let body = body(&notification, Action::Create, &fixture::plain());
        assert_eq!(body["priority"], expected);
    }
}

#[test]
fn a_group_is_one_alert_that_names_its_members() {
    let writer = fixture::writer();
    let mut opened = group();
    opened.kind = NotificationKind::Trigger;
    let body = body(&opened, Action::Create, &writer);
    assert_fits(&limits(), &body);
    assert_eq!(body["alias"], group().dedup_key());
    let description = body["description"].as_str().unwrap();
    for expected in [
        "[PAGE] shop/checkout",
        "[RESOLVED] shop/checkout",
        "and 2 more",
    ] {
        assert!(description.contains(expected), "{description}");
    }
    assert_eq!(action(&group(), true), Action::Note);
    assert_eq!(action(&ended_group(), true), Action::Close);
}

#[test]
fn what_is_too_long_is_cut_and_says_so() {
    let body = body(&oversize(), Action::Create, &fixture::writer());
    assert_fits(&limits(), &body);
    let details = body["details"].as_object().unwrap();
    let chars = |text: &str| text.chars().count();
    let all: usize = details
        .iter()
        .map(|(name, value)| chars(name) + chars(value.as_str().unwrap()))
        .sum();
    assert!(all <= DETAILS_CHARS_MAX, "{all}");
    let note = details["truncated"].as_str().unwrap();
    assert!(note.ends_with("details left out"), "{note}");
    assert!(
        details.contains_key("alertname"),
        "ours are there: {details:?}"
    );
}

#[tokio::test]
async fn hostile_labels_stay_inside_their_place() {
    let mut hostile = fixture::hostile();
    let trigger = body(&hostile, Action::Create, &fixture::writer());
    assert_fits(&limits(), &trigger);
    let text = trigger.to_string();
    assert!(
        !text.contains("\\u001b") && !text.contains('\u{202e}'),
        "{text}"
    );
    hostile.kind = NotificationKind::Resolve;
    let closed = requests(kind, 202, &[hostile.clone()]).await;
    let segments: Vec<&str> = closed[0].url.path_segments().unwrap().collect();
    assert_eq!(segments.len(), 4, "{segments:?}");
    assert_eq!((segments[0], segments[3]), ("v2", "close"));
    assert!(
        segments[2].starts_with("slofuse%2Fshop%2Fcheckout%7Bpath"),
        "{segments:?}"
    );
    let plain = |c: char| c.is_ascii_alphanumeric() || "%-._~".contains(c);
    assert!(segments[2].chars().all(plain), "{segments:?}");
    assert_eq!(closed[0].url.query(), Some("identifierType=alias"));
}

#[tokio::test]
async fn answers_have_their_classes() {
    assert_manners(kind).await;
}

#[tokio::test]
async fn an_alert_that_is_gone_is_closed() {
    let resolved = [fixture::resolved()];
    let requests = requests(kind, 404, &resolved).await;
    assert_eq!(requests.len(), 1);
    let server = server(ResponseTemplate::new(404)).await;
    let receiver = receiver(kind(&server.uri()));
    let updated = fixture::updated();
    let note = receiver.deliver(&updated, Some(OPEN), fixture::NOW).await;
    let class = note.unwrap_err().class;
    assert_eq!(class, super::super::ErrorClass::Permanent);
}

#[tokio::test]
async fn the_key_is_not_in_errors() {
    let echo = ResponseTemplate::new(403).set_body_string("bad key GenieKey k3y");
    let error = failure(kind, echo).await;
    assert!(!error.to_string().contains("k3y"), "{error}");
}

#[tokio::test]
async fn an_update_opens_what_no_trigger_has_opened() {
    let updates = [fixture::updated(), fixture::updated()];
    let requests = requests(kind, 202, &updates).await;
    let paths: Vec<&str> = requests.iter().map(|request| request.url.path()).collect();
    assert_eq!(paths[0], "/v2/alerts");
    assert!(paths[1].ends_with("/notes"), "{}", paths[1]);
    assert_fits(&limits(), &json(&requests[0]));
}
