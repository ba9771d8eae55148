//! One message and its thread, with and without a usable receipt.

use super::super::fixture;
use super::*;
use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::engine::{Reason, Severity};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str = "xoxb-1-s3cr3t";
const RECEIPT: &str = r#"{"channel":"C024BE91L","ts":"1767323430.000100"}"#;

fn kind(base: &str) -> ReceiverKind {
    ReceiverKind::SlackBot {
        buttons: false,
        token: Secret::inline(TOKEN),
        channel: "#on-call".to_owned(),
        api_url: format!("{base}/api"),
    }
}

async fn deliver(
    server: &MockServer,
    notification: &Notification,
    receipt: Option<&str>,
) -> Result<Receipt, DeliveryError> {
    let kind = kind(&server.uri());
    let receiver =
        crate::notify::build(&ReceiverSettings::new("chat", kind), &fixture::plain()).unwrap();
    receiver.deliver(notification, receipt, fixture::NOW).await
}

/// Answers a method with this JSON, for every call.
async fn answer(server: &MockServer, name: &str, reply: Value) {
    Mock::given(method("POST"))
        .and(path(format!("/api/{name}")))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .respond_with(ResponseTemplate::new(200).set_body_json(reply))
        .mount(server)
        .await;
}

fn posted() -> Value {
    json!({ "ok": true, "channel": "C024BE91L", "ts": "1767323430.000100" })
}

/// Method and body of every call, in order.
async fn calls(server: &MockServer) -> Vec<(String, Value)> {
    let requests = server.received_requests().await.unwrap();
    let call = |request: &wiremock::Request| {
        let name = request.url.path().trim_start_matches("/api/").to_owned();
        (name, request.body_json().unwrap())
    };
    requests.iter().map(call).collect()
}

#[tokio::test]
async fn an_alert_is_one_message_with_a_thread() {
    let server = MockServer::start().await;
    answer(&server, "chat.postMessage", posted()).await;
    answer(&server, "chat.update", posted()).await;

    let receipt = deliver(&server, &fixture::burning(), None).await.unwrap();
    assert_eq!(receipt.0.as_deref(), Some(RECEIPT));
    for notification in [fixture::updated(), fixture::resolved()] {
        let receipt = deliver(&server, &notification, Some(RECEIPT))
            .await
            .unwrap();
        assert_eq!(receipt.0.as_deref(), Some(RECEIPT), "the place stays known");
    }

    let calls = calls(&server).await;
    let names: Vec<&str> = calls.iter().map(|(name, _)| name.as_str()).collect();
    let (post, update) = ("chat.postMessage", "chat.update");
    assert_eq!(names, [post, update, post, update, post]);
    assert_eq!(calls[0].1["channel"], "#on-call");
    assert!(calls[0].1["thread_ts"].is_null());
    for at in [1, 3] {
        assert_eq!(calls[at].1["channel"], "C024BE91L", "the id, not the name");
        assert_eq!(calls[at].1["ts"], "1767323430.000100");
    }
    assert_eq!(calls[3].1["attachments"][0]["color"], "#2eb67d");
    insta::assert_json_snapshot!(calls[4].1, @r#"
    {
      "channel": "C024BE91L",
      "text": "*[RESOLVED] shop/checkout{region=\"eu\"} recovered after 1h 12m*\nEvery page tier is quiet again.",
      "thread_ts": "1767323430.000100",
      "unfurl_links": false
    }
    "#);
}

#[tokio::test]
async fn without_a_usable_receipt_the_news_is_a_fresh_message() {
    for receipt in [None, Some(""), Some("{}"), Some("not json")] {
        let server = MockServer::start().await;
        answer(&server, "chat.postMessage", posted()).await;
        let given = deliver(&server, &fixture::resolved(), receipt)
            .await
            .unwrap();
        assert_eq!(given.0.as_deref(), Some(RECEIPT));
        assert_eq!(calls(&server).await.len(), 1);
    }
}

#[tokio::test]
async fn a_message_that_is_gone_is_replaced() {
    for code in [
        "message_not_found",
        "edit_window_closed",
        "cant_update_message",
    ] {
        let server = MockServer::start().await;
        answer(&server, "chat.postMessage", posted()).await;
        answer(
            &server,
            "chat.update",
            json!({ "ok": false, "error": code }),
        )
        .await;
        deliver(&server, &fixture::resolved(), Some(RECEIPT))
            .await
            .unwrap();
        let calls = calls(&server).await;
        assert_eq!(calls[1].0, "chat.postMessage");
        assert!(calls[1].1["thread_ts"].is_null());
    }
}

#[tokio::test]
async fn failures_inside_a_200_are_classified() {
    let retry = ErrorClass::Retry { after: None };
    let permanent = ErrorClass::Permanent;
    for (code, class, ambiguous) in [
        ("ratelimited", retry, false),
        ("service_unavailable", retry, false),
        ("request_timeout", retry, false),
        ("internal_error", retry, true),
        ("fatal_error", retry, true),
        ("invalid_auth", permanent, false),
        ("token_revoked", permanent, false),
        ("account_inactive", permanent, false),
        ("not_in_channel", permanent, false),
        ("channel_not_found", permanent, false),
        ("is_archived", permanent, false),
        ("msg_too_long", permanent, false),
        ("msg_blocks_too_long", permanent, false),
        ("invalid_blocks", permanent, false),
        ("no_text", permanent, false),
        ("message_not_found", permanent, false),
    ] {
        let server = MockServer::start().await;
        answer(
            &server,
            "chat.postMessage",
            json!({ "ok": false, "error": code }),
        )
        .await;
        let error = deliver(&server, &fixture::burning(), None)
            .await
            .unwrap_err();
        assert_eq!((error.class, error.ambiguous), (class, ambiguous), "{code}");
        assert_eq!(error.text, format!("slack answered {code:?}"));
    }
}

#[tokio::test]
async fn a_rate_limit_says_how_long() {
    let server = MockServer::start().await;
    let limited = json!({ "ok": false, "error": "ratelimited" });
    for status in [429, 200] {
        server.reset().await;
        let template = ResponseTemplate::new(status).set_body_json(&limited);
        let template = template.insert_header("retry-after", "30");
        Mock::given(method("POST"))
            .respond_with(template)
            .mount(&server)
            .await;
        let error = deliver(&server, &fixture::burning(), None)
            .await
            .unwrap_err();
        let after = Some(Span::from_secs(30));
        assert_eq!(error.class, ErrorClass::Retry { after });
        assert_eq!(error.reason, FailureReason::RateLimited);
    }
}

#[tokio::test]
async fn a_200_that_is_not_json_may_have_posted() {
    let server = MockServer::start().await;
    let page = format!("<html>captive portal {TOKEN}</html>");
    let template = ResponseTemplate::new(200).set_body_string(page);
    Mock::given(method("POST"))
        .respond_with(template)
        .mount(&server)
        .await;
    let error = deliver(&server, &fixture::burning(), None)
        .await
        .unwrap_err();
    assert!(error.ambiguous && matches!(error.class, ErrorClass::Retry { .. }));
    assert!(!error.text.contains(TOKEN), "{error}");
}

#[tokio::test]
async fn http_failures_are_classified() {
    fixture::assert_manners(kind).await;
}

#[tokio::test]
async fn what_calls_people_again_is_shown_in_the_channel() {
    let by = || "ann".to_owned();
    let after = Span::from_mins(15);
    for (reason, shown) in [
        (Reason::MoreTiers, false),
        (Reason::Acknowledged { by: by() }, false),
        (Reason::Repeated, true),
        (Reason::Unacknowledged { after }, true),
        (Reason::GroupChanged, true),
    ] {
        for severity in [Severity::Page, Severity::Ticket] {
            let server = MockServer::start().await;
            answer(&server, "chat.postMessage", posted()).await;
            answer(&server, "chat.update", posted()).await;
            let mut notification = fixture::news(fixture::burning(), reason.clone());
            notification.facts.severity = severity;
            deliver(&server, &notification, Some(RECEIPT))
                .await
                .unwrap();
            let calls = calls(&server).await;
            assert_eq!(calls[1].1["thread_ts"], "1767323430.000100");
            let expected = shown && severity == Severity::Page;
            assert_eq!(calls[1].1["reply_broadcast"] == true, expected, "{reason}");
        }
    }
}

#[tokio::test]
async fn a_message_can_be_acknowledged_until_somebody_has() {
    let server = MockServer::start().await;
    answer(&server, "chat.postMessage", posted()).await;
    answer(&server, "chat.update", posted()).await;
    let by = "ann <!here>".to_owned();
    let mut acknowledged = fixture::news(fixture::burning(), Reason::Acknowledged { by });
    acknowledged.facts.acknowledged = Some(fixture::acknowledgement("ann <!here>"));
    let mut lasting = fixture::group();
    lasting.facts.document.runbook = None;
    for (notification, receipt) in [
        (fixture::burning(), None),
        (acknowledged, Some(RECEIPT)),
        (fixture::resolved(), Some(RECEIPT)),
        (lasting, None),
    ] {
        let mut kind = kind(&server.uri());
        if let ReceiverKind::SlackBot { buttons, .. } = &mut kind {
            *buttons = true;
        }
        fixture::deliver(kind, &notification, receipt)
            .await
            .unwrap();
    }
    let calls = calls(&server).await;
    let last = |at: usize| {
        let blocks = calls[at].1["attachments"][0]["blocks"].as_array().unwrap();
        blocks.last().unwrap().clone()
    };
    insta::assert_json_snapshot!(last(0), @r#"
    {
      "elements": [
        {
          "action_id": "slofuse_acknowledge",
          "style": "primary",
          "text": {
            "emoji": false,
            "text": "Acknowledge",
            "type": "plain_text"
          },
          "type": "button",
          "value": "slofuse/shop/checkout{region=\"eu\"}/page"
        },
        {
          "action_id": "slofuse_runbook",
          "text": {
            "emoji": false,
            "text": "Runbook",
            "type": "plain_text"
          },
          "type": "button",
          "url": "https://wiki.example/checkout"
        }
      ],
      "type": "actions"
    }
    "#);
    insta::assert_json_snapshot!(last(1), @r#"
    {
      "elements": [
        {
          "emoji": false,
          "text": "Looked after by ann <!here>",
          "type": "plain_text"
        }
      ],
      "type": "context"
    }
    "#);
    assert_eq!(
        last(3)["type"],
        "section",
        "nothing to do about what is over"
    );
    let key = "slofuse/group:shop/on-call{service=\"shop\"}";
    assert_eq!(last(5)["elements"][0]["value"], key);
}
