//! One message and its replies, the text's limits, and what Telegram answers.

use super::super::fixture;
use super::text::TEXT_UNITS_MAX;
use super::*;
use crate::engine::{Reason, Severity, Span};
use wiremock::matchers::{body_partial_json, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
const RECEIPT: &str = r#"{"chat":"-1001","message":42}"#;
const SEND: &str = "POST /bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/sendMessage";
const EDIT: &str = "POST /bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/editMessageText";

fn kind(base: &str) -> ReceiverKind {
    ReceiverKind::Telegram {
        token: Secret::inline(TOKEN),
        chat: "-1001".to_owned(),
        topic: None,
        api_url: base.to_owned(),
    }
}

fn sent() -> ResponseTemplate {
    let result = json!({ "message_id": 42, "chat": { "id": -1001 }, "text": "..." });
    ResponseTemplate::new(200).set_body_json(json!({ "ok": true, "result": result }))
}

fn refused(status: u16, description: &str, parameters: Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({
        "ok": false,
        "error_code": status,
        "description": description,
        "parameters": parameters,
    }))
}

/// Answers one method like this, for every call.
async fn answer(server: &MockServer, name: &str, template: ResponseTemplate) {
    Mock::given(method("POST"))
        .and(path(format!("/bot{TOKEN}/{name}")))
        .respond_with(template)
        .mount(server)
        .await;
}

/// The documented limits of `sendMessage`; the text's is checked apart, for it counts what is seen.
fn limits() -> Value {
    json!({
        "type": "object",
        "required": ["chat_id", "text"],
        "additionalProperties": false,
        "properties": {
            "chat_id": { "type": "string", "minLength": 1 },
            "message_id": { "type": "integer" },
            "message_thread_id": { "type": "integer" },
            "text": { "type": "string", "minLength": 1 },
            "parse_mode": { "const": "HTML" },
            "disable_notification": { "type": "boolean" },
            "link_preview_options": { "type": "object" },
            "reply_parameters": {
                "type": "object",
                "required": ["message_id"],
                "properties": { "message_id": { "type": "integer" } },
            },
        },
    })
}

/// What a person sees of a text in HTML, or why Telegram would refuse it.
fn seen(html: &str) -> String {
    let mut seen = String::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some(c) = rest.chars().next() {
        let behind = rest.split_at(c.len_utf8()).1;
        if c == '<' {
            let (tag, after) = behind.split_once('>').expect("a tag ends");
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
                None => {
                    let name = tag.split(' ').next().unwrap();
                    assert!(["b", "a"].contains(&name), "{tag}");
                    open.push(name.to_owned());
                }
            }
            rest = after;
        } else if c == '&' {
            let (entity, after) = behind.split_once(';').expect("an entity ends");
            let shown = match entity {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                other => panic!("{other} is no entity of Telegram"),
            };
            seen.push(shown);
            rest = after;
        } else {
            assert_ne!(c, '>', "a bracket that is not escaped in {html}");
            seen.push(c);
            rest = behind;
        }
    }
    assert!(open.is_empty(), "{open:?} stay open");
    seen
}

#[tokio::test]
async fn an_alert_is_one_message_with_replies() {
    let server = fixture::server(sent()).await;
    let uri = server.uri();
    let receipt = fixture::deliver(kind(&uri), &fixture::burning(), None).await;
    assert_eq!(receipt.unwrap().0.as_deref(), Some(RECEIPT));
    for notification in [fixture::updated(), fixture::resolved()] {
        let receipt = fixture::deliver(kind(&uri), &notification, Some(RECEIPT)).await;
        assert_eq!(receipt.unwrap().0.as_deref(), Some(RECEIPT));
    }
    let requests = fixture::requests(&server).await;
    let names: Vec<&str> = requests.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [SEND, EDIT, SEND, EDIT, SEND]);
    for (_, body) in &requests {
        fixture::assert_conforms(limits(), body);
    }
    insta::assert_json_snapshot!(requests[0].1, @r#"
    {
      "chat_id": "-1001",
      "disable_notification": false,
      "link_preview_options": {
        "is_disabled": true
      },
      "parse_mode": "HTML",
      "text": "<b>[PAGE] shop/checkout{region=&quot;eu&quot;} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m</b>\nBoth the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.\n<b>Impact</b>: Customers cannot pay.\n<b>Burn</b>: 32.15x over 1h, 35.5x over 5m (limit 14.4x), 1,284 of 40,000 events bad in 1h (3.21%); 7.2x over 6h, 33x over 30m (limit 6x)\n<b>Budget</b>: 38.8% of the 30d budget consumed, 4.46% by this alert; 61.2% left, gone in 13h 43m at this speed\n<b>Since</b>: 2026-01-02 03:04:00 UTC, 6m 30s before this decision\n<b>Next step</b>: Follow the runbook.\n<b>Objective</b>: 99.9% over 30d\n<b>Owner</b>: team-payments\n<a href=\"https://wiki.example/checkout\">Runbook</a>  ·  <a href=\"https://grafana.example/d/checkout?orgId=1\">Dashboard</a>  ·  <a href=\"https://slofuse.example/prefix/api/v1/slos/shop/checkout\">slofuse</a>\n<b>Labels</b>: tier=1"
    }
    "#);
    insta::assert_json_snapshot!(requests[3].1, @r#"
    {
      "chat_id": "-1001",
      "link_preview_options": {
        "is_disabled": true
      },
      "message_id": 42,
      "parse_mode": "HTML",
      "text": "<b>[RESOLVED] shop/checkout{region=&quot;eu&quot;} recovered after 1h 12m</b>\nEvery page tier is quiet again.\n<b>Impact</b>: Customers cannot pay.\n<b>Burn</b>: peak 35.5x, in windows 1h/5m, 6h/30m\n<b>Budget</b>: 38.8% of the 30d budget consumed, 4.46% by this alert; 61.2% left\n<b>Since</b>: 2026-01-02 03:04:00 UTC until 2026-01-02 04:16:00 UTC (1h 12m)\n<b>Objective</b>: 99.9% over 30d\n<b>Owner</b>: team-payments\n<a href=\"https://wiki.example/checkout\">Runbook</a>  ·  <a href=\"https://grafana.example/d/checkout?orgId=1\">Dashboard</a>  ·  <a href=\"https://slofuse.example/prefix/api/v1/slos/shop/checkout\">slofuse</a>\n<b>Labels</b>: tier=1"
    }
    "#);
    insta::assert_json_snapshot!(requests[4].1, @r#"
    {
      "chat_id": "-1001",
      "disable_notification": false,
      "link_preview_options": {
        "is_disabled": true
      },
      "parse_mode": "HTML",
      "reply_parameters": {
        "allow_sending_without_reply": true,
        "message_id": 42
      },
      "text": "<b>[RESOLVED] shop/checkout{region=&quot;eu&quot;} recovered after 1h 12m</b>\nEvery page tier is quiet again."
    }
    "#);
}

#[tokio::test]
async fn http_failures_are_classified() {
    fixture::assert_manners(kind).await;
}

#[tokio::test]
async fn what_the_body_says_counts() {
    let retry = |secs| ErrorClass::Retry {
        after: Some(Span::from_secs(secs)),
    };
    for (template, class, reason) in [
        (
            refused(
                429,
                "Too Many Requests: retry after 17",
                json!({ "retry_after": 17 }),
            ),
            retry(17),
            FailureReason::RateLimited,
        ),
        (
            refused(429, "Too Many Requests", json!({ "retry_after": 1e300 })),
            retry(3600),
            FailureReason::RateLimited,
        ),
        (
            refused(
                403,
                "Forbidden: bot was kicked from the group chat",
                json!({}),
            ),
            ErrorClass::Permanent,
            FailureReason::ClientError,
        ),
        (
            refused(400, "Bad Request: chat not found", json!({})),
            ErrorClass::Permanent,
            FailureReason::ClientError,
        ),
        (
            refused(401, "Unauthorized", json!({})),
            ErrorClass::Permanent,
            FailureReason::ClientError,
        ),
    ] {
        let server = fixture::server(template).await;
        let error = fixture::deliver(kind(&server.uri()), &fixture::burning(), None).await;
        let error = error.unwrap_err();
        assert_eq!((error.class, error.reason), (class, reason), "{error}");
    }
}

#[tokio::test]
async fn a_failure_in_a_200_is_a_failure() {
    let body = json!({ "ok": false, "error_code": 403, "description": "Forbidden" });
    let server = fixture::server(ResponseTemplate::new(200).set_body_json(body)).await;
    let error = fixture::deliver(kind(&server.uri()), &fixture::burning(), None).await;
    let error = error.unwrap_err();
    assert_eq!(error.class, ErrorClass::Permanent);
    assert_eq!(error.text, "telegram answered 403: Forbidden");
    let portal = format!("<html>{TOKEN}</html>");
    let server = fixture::server(ResponseTemplate::new(200).set_body_string(portal)).await;
    let error = fixture::deliver(kind(&server.uri()), &fixture::burning(), None).await;
    let error = error.unwrap_err();
    assert!(error.ambiguous && matches!(error.class, ErrorClass::Retry { .. }));
    assert!(!error.text.contains("AAHdq"), "{error}");
}

#[tokio::test]
async fn a_group_that_moved_is_followed_once() {
    let server = MockServer::start().await;
    let moved = refused(
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
        json!({
            "migrate_to_chat_id": -1002,
        }),
    );
    Mock::given(body_partial_json(json!({ "chat_id": "-1001" })))
        .respond_with(moved)
        .mount(&server)
        .await;
    Mock::given(body_partial_json(json!({ "chat_id": "-1002" })))
        .respond_with(sent())
        .mount(&server)
        .await;
    // A trigger, and a resolve whose first message stood in the old chat.
    for (notification, receipt) in [
        (fixture::burning(), None),
        (fixture::resolved(), Some(RECEIPT)),
    ] {
        let receipt = fixture::deliver(kind(&server.uri()), &notification, receipt).await;
        let expected = r#"{"chat":"-1002","message":42}"#;
        assert_eq!(receipt.unwrap().0.as_deref(), Some(expected));
    }
    // The next of this episode goes there at once.
    let before = fixture::requests(&server).await.len();
    let receipt = Some(r#"{"chat":"-1002","message":42}"#);
    fixture::deliver(kind(&server.uri()), &fixture::resolved(), receipt)
        .await
        .unwrap();
    assert_eq!(fixture::requests(&server).await.len(), before + 2);

    let forever = refused(400, "moved", json!({ "migrate_to_chat_id": -1003 }));
    let server = fixture::server(forever).await;
    let error = fixture::deliver(kind(&server.uri()), &fixture::burning(), None).await;
    assert_eq!(error.unwrap_err().class, ErrorClass::Permanent);
    assert_eq!(fixture::requests(&server).await.len(), 2);
}

#[tokio::test]
async fn markup_that_is_refused_is_left_out() {
    let server = MockServer::start().await;
    let unparsable = refused(400, "Bad Request: can't parse entities: oops", json!({}));
    Mock::given(body_partial_json(json!({ "parse_mode": "HTML" })))
        .respond_with(unparsable)
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(sent())
        .mount(&server)
        .await;
    fixture::deliver(kind(&server.uri()), &fixture::hostile(), None)
        .await
        .unwrap();
    let requests = fixture::requests(&server).await;
    assert_eq!(requests.len(), 2);
    assert!(requests[1].1["parse_mode"].is_null());
    let text = requests[1].1["text"].as_str().unwrap();
    assert!(text.starts_with("[PAGE] shop/checkout"), "{text}");
    assert!(text.contains("Dashboard: https://dash.example/"), "{text}");
}

#[tokio::test]
async fn a_message_that_is_gone_is_replaced() {
    for words in ["message to edit not found", "message can't be edited"] {
        let server = MockServer::start().await;
        let gone = refused(400, &format!("Bad Request: {words}"), json!({}));
        answer(&server, "editMessageText", gone).await;
        answer(&server, "sendMessage", sent()).await;
        fixture::deliver(kind(&server.uri()), &fixture::resolved(), Some(RECEIPT))
            .await
            .unwrap();
        let requests = fixture::requests(&server).await;
        assert_eq!(requests.len(), 2);
        assert!(requests[1].1["reply_parameters"].is_null());
        let text = requests[1].1["text"].as_str().unwrap();
        assert!(text.contains("Since"), "all of it: {text}");
    }
}

#[tokio::test]
async fn an_edit_that_changes_nothing_is_done() {
    let server = MockServer::start().await;
    let same = refused(400, "Bad Request: message is not modified: ...", json!({}));
    answer(&server, "editMessageText", same).await;
    answer(&server, "sendMessage", sent()).await;
    fixture::deliver(kind(&server.uri()), &fixture::updated(), Some(RECEIPT))
        .await
        .unwrap();
    let requests = fixture::requests(&server).await;
    assert_eq!(requests[1].1["reply_parameters"]["message_id"], 42);
}

#[tokio::test]
async fn an_edit_that_may_succeed_later_is_tried_again_first() {
    let server = MockServer::start().await;
    answer(&server, "editMessageText", ResponseTemplate::new(502)).await;
    answer(&server, "sendMessage", sent()).await;
    let error = fixture::deliver(kind(&server.uri()), &fixture::updated(), Some(RECEIPT)).await;
    assert_eq!(error.unwrap_err().class, ErrorClass::Retry { after: None });
    assert_eq!(
        fixture::requests(&server).await.len(),
        1,
        "no reply before the edit"
    );
}

#[tokio::test]
async fn receipts_that_are_none_begin_anew() {
    for receipt in ["", "{}", "not json", r#"{"chat":1,"message":"x"}"#] {
        let server = fixture::server(sent()).await;
        fixture::deliver(kind(&server.uri()), &fixture::resolved(), Some(receipt))
            .await
            .unwrap();
        assert_eq!(fixture::requests(&server).await[0].0, SEND);
    }
}

#[tokio::test]
async fn a_topic_and_silence_are_asked_for() {
    let server = fixture::server(sent()).await;
    let mut info = fixture::budget(Reason::BudgetConsumed { threshold: 0.5 });
    info.facts.severity = Severity::Info;
    let by = "ann".to_owned();
    let mut acknowledged = fixture::news(fixture::burning(), Reason::Acknowledged { by });
    acknowledged.facts.acknowledged = Some(fixture::acknowledgement("ann"));
    for (notification, quiet) in [
        (fixture::burning(), false),
        (info, true),
        (acknowledged, true),
    ] {
        let mut kind = kind(&server.uri());
        if let ReceiverKind::Telegram { topic, .. } = &mut kind {
            *topic = Some(7);
        }
        fixture::deliver(kind, &notification, None).await.unwrap();
        let (_, body) = fixture::requests(&server).await.pop().unwrap();
        assert_eq!(body["disable_notification"], quiet);
        assert_eq!(body["message_thread_id"], 7);
    }
}

#[test]
fn hostile_text_stays_text() {
    let message = fixture::plain().message(&fixture::hostile());
    let html = text::render(&text::whole(&message), Markup::Html);
    let text = seen(&html);
    assert!(text.contains("<!channel>"), "{text}");
    assert!(text.contains("<https://evil.example|ok>"), "{text}");
    let links: Vec<&str> = html.split("<a href=").skip(1).collect();
    assert_eq!(links.len(), 1, "{html}");
    assert!(
        links[0].starts_with("\"https://dash.example/d?a=%3Cb%3E|c&amp;d"),
        "{html}"
    );
}

#[test]
fn the_text_is_short_enough_whatever_it_says() {
    let group = fixture::huge_group();
    let mut long = fixture::plain().message(&fixture::burning());
    for fact in &mut long.facts {
        fact.value = "👩\"&<".repeat(400);
    }
    long.title = "👩".repeat(9_000);
    long.labels = "&".repeat(9_000);
    long.notes = Some("ü\n".repeat(3_000));
    for message in [fixture::writer().message(&group), long] {
        for markup in [Markup::Html, Markup::None] {
            let text = text::render(&text::whole(&message), markup);
            let text = match markup {
                Markup::Html => seen(&text),
                Markup::None => text,
            };
            assert!(chat::units(&text) <= TEXT_UNITS_MAX);
            assert!(
                text.contains("left out: the message would be too long."),
                "{text}"
            );
        }
    }
}

#[test]
fn a_group_lists_its_alerts() {
    let message = fixture::writer().message(&fixture::group());
    let text = seen(&text::render(&text::whole(&message), Markup::Html));
    insta::assert_snapshot!(text, @r#"
    [PAGE] 2 alerts of shop: 1 page, 1 ticket
    They are told together, as route shop groups them.
    Impact: Customers cannot pay.
    Since: 2026-01-02 03:04:00 UTC, 6m 30s before this decision
    Next step: Begin with the first alert. Follow the runbook.
    Owner: team-payments
    Runbook  ·  Dashboard  ·  slofuse
    • [PAGE] shop/checkout{region="eu"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m, since 2026-01-02 03:04:00 UTC, 6m 30s before this decision link
    • [TICKET] shop/checkout{region="eu"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m, since 2026-01-02 03:04:00 UTC, 6m 30s before this decision link
    Labels: tier=1
    "#);
}
