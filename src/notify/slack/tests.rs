//! Messages of an incoming webhook, and how it fails.

use super::super::fixture;
use super::*;
use crate::config::secret::Secret;
use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::notify::error::ErrorClass;
use serde_json::Value;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const PATH: &str = "/services/T0000/B0000/s3cr3ts3cr3t";

async fn deliver(
    server: &MockServer,
    notification: &Notification,
) -> Result<Receipt, DeliveryError> {
    let kind = ReceiverKind::SlackWebhook {
        url: Secret::inline(format!("{}{PATH}", server.uri())),
    };
    let settings = ReceiverSettings::new("chat", kind);
    let receiver = crate::notify::build(&settings, &fixture::writer()).unwrap();
    receiver.deliver(notification, None, fixture::NOW).await
}

#[tokio::test]
async fn a_trigger_and_its_resolve_are_two_messages() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(PATH))
        .respond_with(ResponseTemplate::new(200).set_body_string("ok"))
        .expect(2)
        .mount(&server)
        .await;
    for notification in [fixture::burning(), fixture::resolved()] {
        assert_eq!(deliver(&server, &notification).await, Ok(Receipt(None)));
    }
    let requests = server.received_requests().await.unwrap();
    let bodies: Vec<Value> = requests
        .iter()
        .map(|request| request.body_json().unwrap())
        .collect();
    insta::assert_json_snapshot!(bodies[0], @r##"
    {
      "attachments": [
        {
          "blocks": [
            {
              "text": {
                "text": "Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.\n*Impact*: Customers cannot pay.\n*Burn*: 32.15x over 1h, 35.5x over 5m (limit 14.4x), 1,284 of 40,000 events bad in 1h (3.21%); 7.2x over 6h, 33x over 30m (limit 6x)\n*Budget*: 38.8% of the 30d budget consumed, 4.46% by this alert; 61.2% left, gone in 13h 43m at this speed\n*Since*: 2026-01-02 03:04:00 UTC, 6m 30s before this decision\n*Next step*: Follow the runbook.\n*Objective*: 99.9% over 30d\n*Owner*: team-payments\n*Labels*: tier=1",
                "type": "mrkdwn",
                "verbatim": true
              },
              "type": "section"
            },
            {
              "text": {
                "text": "<https://wiki.example/checkout|Runbook>  ·  <https://grafana.example/d/checkout?orgId=1|Dashboard>  ·  <https://slofuse.example/prefix/api/v1/slos/shop/checkout|slofuse>",
                "type": "mrkdwn",
                "verbatim": true
              },
              "type": "section"
            }
          ],
          "color": "#d7263d",
          "fallback": "[PAGE] shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m"
        }
      ],
      "blocks": [
        {
          "text": {
            "emoji": false,
            "text": "[PAGE] shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m",
            "type": "plain_text"
          },
          "type": "header"
        }
      ],
      "text": "[PAGE] shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m"
    }
    "##);
    assert_eq!(bodies[1]["attachments"][0]["color"], "#2eb67d");
    assert_eq!(
        bodies[1]["text"],
        "[RESOLVED] shop/checkout{region=\"eu\"} recovered after 1h 12m"
    );
}

#[tokio::test]
async fn a_revoked_webhook_is_permanent_and_stays_secret() {
    let server = MockServer::start().await;
    let body = format!("no_service at {PATH}");
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(404).set_body_string(body))
        .mount(&server)
        .await;
    let error = deliver(&server, &fixture::burning()).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Permanent);
    assert_eq!(
        error.text,
        "answered 404 Not Found: no_service at /[redacted]"
    );
}

#[test]
fn a_url_that_is_none_is_refused_without_showing_it() {
    let kind = ReceiverKind::SlackWebhook {
        url: Secret::inline("hooks.slack.com/services/s3cr3t"),
    };
    let error = crate::notify::build(&ReceiverSettings::new("chat", kind), &fixture::plain())
        .err()
        .unwrap();
    let expected = "building receiver \"chat\": url is not an http or https URL";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn http_failures_are_classified() {
    fixture::assert_manners(|base| ReceiverKind::SlackWebhook {
        url: Secret::inline(format!("{base}{PATH}")),
    })
    .await;
}

#[tokio::test]
async fn a_failure_inside_a_200_is_a_failure() {
    let after = Some(crate::engine::Span::from_secs(30));
    for (body, class) in [
        (
            r#"{"ok":false,"error":"rate_limited"}"#,
            ErrorClass::Retry { after },
        ),
        (
            r#"{"ok":false,"error":"invalid_token"}"#,
            ErrorClass::Permanent,
        ),
    ] {
        let template = ResponseTemplate::new(200).insert_header("retry-after", "30");
        let server = fixture::server(template.set_body_string(body)).await;
        let error = deliver(&server, &fixture::burning()).await.unwrap_err();
        assert_eq!(error.class, class);
    }
    // What other services answer that take the same messages.
    for body in ["ok", "", r#"{"success":true}"#, r#"{"ok":true}"#] {
        let server = fixture::server(ResponseTemplate::new(200).set_body_string(body)).await;
        assert_eq!(
            deliver(&server, &fixture::burning()).await,
            Ok(Receipt(None))
        );
    }
}
