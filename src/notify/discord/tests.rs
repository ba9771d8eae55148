//! One message and its news, the embed's limits, and what Discord answers.

use super::super::fixture;
use super::*;
use crate::engine::{Reason, Span};
use serde_json::json;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

const ID: &str = "1089473948234523443";
const POST: &str = "POST /api/webhooks/223704706495545344/s3cr3t-token?wait=true";
const EDIT: &str =
    "PATCH /api/webhooks/223704706495545344/s3cr3t-token/messages/1089473948234523443";

fn kind(base: &str) -> ReceiverKind {
    ReceiverKind::Discord {
        url: Secret::inline(format!(
            "{base}/api/webhooks/223704706495545344/s3cr3t-token"
        )),
    }
}

fn posted() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "id": ID, "type": 0, "content": "..." }))
}

/// The documented limits of a message and its embeds.
fn limits() -> Value {
    let text = |max: usize| json!({ "type": "string", "minLength": 1, "maxLength": max });
    json!({
        "type": "object",
        "required": ["content", "allowed_mentions"],
        "additionalProperties": false,
        "properties": {
            "content": text(2000),
            "flags": { "const": 4096 },
            "allowed_mentions": { "const": { "parse": [] } },
            "attachments": { "type": "array", "maxItems": 10 },
            "embeds": {
                "type": "array",
                "maxItems": 10,
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "description": text(4096),
                        "color": { "type": "integer", "minimum": 0, "maximum": 0xff_ff_ff },
                        "image": { "type": "object" },
                        "fields": {
                            "type": "array",
                            "maxItems": 25,
                            "items": {
                                "type": "object",
                                "required": ["name", "value"],
                                "properties": { "name": text(256), "value": text(1024) },
                            },
                        },
                    },
                },
            },
        },
    })
}

/// The sum that Discord bounds by 6000.
fn embed_units(body: &Value) -> usize {
    let embed = &body["embeds"][0];
    let fields = embed["fields"].as_array().unwrap().iter();
    let fields = fields.flat_map(|field| [&field["name"], &field["value"]]);
    let texts = fields.chain([&embed["description"]]);
    texts.map(|text| chat::units(text.as_str().unwrap())).sum()
}

#[tokio::test]
async fn an_alert_is_one_message_with_news_below() {
    let server = fixture::server(posted()).await;
    let uri = server.uri();
    let receipt = fixture::deliver(kind(&uri), &fixture::burning(), None).await;
    assert_eq!(receipt.unwrap().0.as_deref(), Some(ID));
    for notification in [fixture::updated(), fixture::resolved()] {
        let receipt = fixture::deliver(kind(&uri), &notification, Some(ID)).await;
        assert_eq!(
            receipt.unwrap().0.as_deref(),
            Some(ID),
            "the first stays the first"
        );
    }
    let requests = fixture::requests(&server).await;
    let names: Vec<&str> = requests.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [POST, EDIT, POST, EDIT, POST]);
    for (_, body) in &requests {
        fixture::assert_conforms(limits(), body);
    }
    insta::assert_json_snapshot!(requests[0].1, @r#"
    {
      "allowed_mentions": {
        "parse": []
      },
      "attachments": [],
      "content": "**\\[PAGE\\] shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m**",
      "embeds": [
        {
          "color": 14100029,
          "description": "Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.",
          "fields": [
            {
              "inline": false,
              "name": "Links",
              "value": "[Runbook](<https://wiki.example/checkout>)  ·  [Dashboard](<https://grafana.example/d/checkout?orgId=1>)  ·  [slofuse](<https://slofuse.example/prefix/api/v1/slos/shop/checkout>)"
            },
            {
              "inline": false,
              "name": "Impact",
              "value": "Customers cannot pay."
            },
            {
              "inline": false,
              "name": "Burn",
              "value": "32.15x over 1h, 35.5x over 5m \\(limit 14.4x\\), 1,284 of 40,000 events bad in 1h \\(3.21%\\); 7.2x over 6h, 33x over 30m \\(limit 6x\\)"
            },
            {
              "inline": false,
              "name": "Budget",
              "value": "38.8% of the 30d budget consumed, 4.46% by this alert; 61.2% left, gone in 13h 43m at this speed"
            },
            {
              "inline": false,
              "name": "Since",
              "value": "2026-01-02 03:04:00 UTC, 6m 30s before this decision"
            },
            {
              "inline": false,
              "name": "Next step",
              "value": "Follow the runbook."
            },
            {
              "inline": false,
              "name": "Objective",
              "value": "99.9% over 30d"
            },
            {
              "inline": false,
              "name": "Owner",
              "value": "team-payments"
            },
            {
              "inline": false,
              "name": "Labels",
              "value": "tier=1"
            }
          ]
        }
      ]
    }
    "#);
    assert_eq!(requests[3].1["embeds"][0]["color"], 0x2e_b6_7d);
    insta::assert_json_snapshot!(requests[4].1, @r#"
    {
      "allowed_mentions": {
        "parse": []
      },
      "content": "**\\[RESOLVED\\] shop/checkout{region=\"eu\"} recovered after 1h 12m**\nEvery page tier is quiet again."
    }
    "#);
}

#[tokio::test]
async fn http_failures_are_classified() {
    fixture::assert_manners(kind).await;
}

#[tokio::test]
async fn a_limit_says_in_the_body_how_long() {
    for (header, body, secs) in [
        (
            "1",
            json!({ "message": "...", "retry_after": 64.57, "global": false }),
            65,
        ),
        (
            "90",
            json!({ "message": "...", "retry_after": 0.3, "global": true }),
            90,
        ),
        ("3", json!({ "message": "..." }), 3),
        ("3", json!({ "retry_after": -1e300 }), 3),
        ("3", json!({ "retry_after": 1e300 }), 3600),
    ] {
        let template = ResponseTemplate::new(429).insert_header("retry-after", header);
        let server = fixture::server(template.set_body_json(&body)).await;
        let error = fixture::deliver(kind(&server.uri()), &fixture::burning(), None).await;
        let error = error.unwrap_err();
        let after = Some(Span::from_secs(secs));
        assert_eq!(error.class, ErrorClass::Retry { after }, "{body}");
        assert_eq!(error.reason, FailureReason::RateLimited);
    }
}

#[tokio::test]
async fn a_message_that_is_gone_is_replaced() {
    for status in [400, 404] {
        let server = MockServer::start().await;
        let gone = json!({ "message": "Unknown Message", "code": 10008 });
        Mock::given(method("PATCH"))
            .respond_with(ResponseTemplate::new(status).set_body_json(gone))
            .mount(&server)
            .await;
        Mock::given(method("POST"))
            .respond_with(posted())
            .mount(&server)
            .await;
        let receipt = fixture::deliver(kind(&server.uri()), &fixture::resolved(), Some("7")).await;
        assert_eq!(receipt.unwrap().0.as_deref(), Some(ID), "the new one");
        let requests = fixture::requests(&server).await;
        assert_eq!(requests.len(), 2);
        assert!(requests[1].1["embeds"].is_array(), "all of it");
    }
}

#[tokio::test]
async fn an_edit_that_may_succeed_later_is_tried_again_first() {
    for (status, class) in [
        (503, ErrorClass::Retry { after: None }),
        (429, ErrorClass::Retry { after: None }),
        (401, ErrorClass::Permanent),
    ] {
        let server = fixture::server(ResponseTemplate::new(status)).await;
        let error = fixture::deliver(kind(&server.uri()), &fixture::updated(), Some(ID)).await;
        assert_eq!(error.unwrap_err().class, class);
        assert_eq!(
            fixture::requests(&server).await.len(),
            1,
            "no news before the edit"
        );
    }
}

#[tokio::test]
async fn what_is_no_id_never_reaches_a_url() {
    for receipt in ["", "../../x", "123456789012345678901", "1?x=1"] {
        let server = fixture::server(posted()).await;
        fixture::deliver(kind(&server.uri()), &fixture::resolved(), Some(receipt))
            .await
            .unwrap();
        let requests = fixture::requests(&server).await;
        assert_eq!((requests.len(), requests[0].0.as_str()), (1, POST));
    }
    // An answer without an id is a message all the same.
    for body in ["", "{}", "ok", r#"{"id":"../x"}"#] {
        let server = fixture::server(ResponseTemplate::new(200).set_body_string(body)).await;
        let receipt = fixture::deliver(kind(&server.uri()), &fixture::burning(), None).await;
        assert_eq!(receipt, Ok(Receipt(None)));
    }
}

#[tokio::test]
async fn a_threads_webhook_keeps_its_thread() {
    let server = fixture::server(posted()).await;
    let kind = ReceiverKind::Discord {
        url: Secret::inline(format!(
            "{}/api/webhooks/1/s3cr3t?thread_id=9",
            server.uri()
        )),
    };
    fixture::deliver(kind, &fixture::resolved(), Some(ID))
        .await
        .unwrap();
    let requests = fixture::requests(&server).await;
    let edit = format!("PATCH /api/webhooks/1/s3cr3t/messages/{ID}?thread_id=9");
    assert_eq!(requests[0].0, edit);
    assert_eq!(
        requests[1].0,
        "POST /api/webhooks/1/s3cr3t?thread_id=9&wait=true"
    );
}

#[tokio::test]
async fn an_acknowledgement_makes_no_sound() {
    let server = fixture::server(posted()).await;
    let by = "ann".to_owned();
    let notification = fixture::news(fixture::burning(), Reason::Acknowledged { by });
    fixture::deliver(kind(&server.uri()), &notification, Some(ID))
        .await
        .unwrap();
    let requests = fixture::requests(&server).await;
    assert_eq!(requests[1].1["flags"], SILENT);
    let content = requests[1].1["content"].as_str().unwrap();
    assert!(content.ends_with("ann looks after it."), "{content}");
}

#[test]
fn a_picture_travels_in_a_form() {
    let picture = b"\x89PNG\r\n\x1a\n\0\xff".to_vec();
    let message = fixture::plain().message(&fixture::burning());
    let json = embed::whole(&message, Some(PICTURE));
    fixture::assert_conforms(limits(), &json);
    assert_eq!(json["embeds"][0]["image"]["url"], "attachment://burn.png");
    assert_eq!(
        json["attachments"],
        json!([{ "id": 0, "filename": "burn.png" }])
    );
    let body = Body {
        json: json.clone(),
        picture: Some(picture.clone()),
    };
    let (content_type, form) = body.encode();
    assert_eq!(
        content_type,
        format!("multipart/form-data; boundary={BOUNDARY}")
    );
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    assert!(form.ends_with(&[picture.as_slice(), end.as_bytes()].concat()));
    let text = String::from_utf8_lossy(&form);
    let parts: Vec<&str> = text.split(&format!("--{BOUNDARY}")).collect();
    assert_eq!(parts.len(), 4);
    let (head, sent) = parts[1].split_once("\r\n\r\n").unwrap();
    assert!(head.contains("name=\"payload_json\""));
    assert_eq!(serde_json::from_str::<Value>(sent).unwrap(), json);
    assert!(parts[2].contains("name=\"files[0]\"; filename=\"burn.png\""));
}

#[test]
fn hostile_text_stays_text() {
    let message = fixture::plain().message(&fixture::hostile());
    let body = embed::whole(&message, None);
    fixture::assert_conforms(limits(), &body);
    let shown = [
        body["content"].as_str().unwrap(),
        body["embeds"][0]["description"].as_str().unwrap(),
        body["embeds"][0]["fields"][1]["value"].as_str().unwrap(),
    ];
    for text in shown {
        let text = text.trim_matches('*');
        for (at, c) in text.char_indices() {
            if "*_~`|<>[]()@#".contains(c) {
                assert!(text.split_at(at).0.ends_with('\\'), "{c} in {text}");
            }
        }
        assert!(!text.contains("https://"), "{text}");
    }
    let links = body["embeds"][0]["fields"][0]["value"].as_str().unwrap();
    assert_eq!(
        links,
        "[Dashboard](<https://dash.example/d?a=%3Cb%3E|c&d%E2%80%AE>)"
    );
}

#[test]
fn every_limit_holds_for_every_content() {
    let group = fixture::writer().message(&fixture::huge_group());
    let mut messages = vec![group];
    for character in ["a", "*", "👩", "\""] {
        let mut message = fixture::writer().message(&fixture::burning());
        let long = character.repeat(5_000);
        message.title.clone_from(&long);
        message.why.clone_from(&long);
        message.labels.clone_from(&long);
        for fact in &mut message.facts {
            fact.value.clone_from(&long);
        }
        let fact = message.facts[0].clone();
        message.facts.extend(std::iter::repeat_n(fact, 40));
        message.notes = Some(long);
        messages.push(message);
    }
    for message in messages {
        let body = embed::whole(&message, None);
        fixture::assert_conforms(limits(), &body);
        fixture::assert_conforms(limits(), &embed::news(&message));
        assert!(embed_units(&body) <= 6000, "{}", embed_units(&body));
        assert!(chat::units(body["content"].as_str().unwrap()) <= 2000);
        let description = body["embeds"][0]["description"].as_str().unwrap();
        assert!(description.contains("left out"), "{description}");
    }
}

#[test]
fn a_group_lists_its_alerts() {
    let message = fixture::writer().message(&fixture::group());
    let body = embed::whole(&message, None);
    fixture::assert_conforms(limits(), &body);
    insta::assert_snapshot!(body["embeds"][0]["description"].as_str().unwrap(), @r#"
    They are told together, as route shop groups them.
    • \[PAGE\] shop/checkout{region="eu"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m, since 2026-01-02 03:04:00 UTC, 6m 30s before this decision [link](<https://wiki.example/checkout>)
    • \[TICKET\] shop/checkout{region="eu"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m, since 2026-01-02 03:04:00 UTC, 6m 30s before this decision [link](<https://wiki.example/checkout>)
    "#);
}
