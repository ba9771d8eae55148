//! Cards as a workflow receives them, and how it fails.

use super::super::fixture;
use super::card::BODY_BYTES_MAX;
use super::*;
use crate::config::secret::Secret;
use crate::engine::{Reason, Span};
use crate::message::Message;
use crate::notify::error::{ErrorClass, FailureReason};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

fn kind(base: &str) -> ReceiverKind {
    ReceiverKind::Teams {
        url: Secret::inline(format!(
            "{base}/workflows/0123456789abcdef/triggers/manual/paths/invoke?api-version=1&sig=s3cr3t-signature"
        )),
    }
}

fn card(message: &Message, picture: Option<&str>) -> Value {
    let bytes = card::body(message, picture);
    assert!(bytes.len() <= BODY_BYTES_MAX, "{}", bytes.len());
    let body: Value = serde_json::from_slice(&bytes).unwrap();
    fixture::assert_conforms(limits(), &body);
    body["attachments"][0]["content"].clone()
}

/// The envelope of a workflow and what of Adaptive Cards 1.4 is used.
fn limits() -> Value {
    json!({
        "type": "object",
        "required": ["type", "attachments"],
        "additionalProperties": false,
        "properties": {
            "type": { "const": "message" },
            "attachments": { "type": "array", "minItems": 1, "maxItems": 1, "items": {
                "type": "object",
                "required": ["contentType", "contentUrl", "content"],
                "properties": {
                    "contentType": { "const": "application/vnd.microsoft.card.adaptive" },
                    "contentUrl": { "type": "null" },
                    "content": { "$ref": "#/$defs/card" },
                },
            } },
        },
        "$defs": {
            "card": {
                "type": "object",
                "required": ["$schema", "type", "version", "body"],
                "properties": {
                    "type": { "const": "AdaptiveCard" },
                    "version": { "const": "1.4" },
                    "body": { "type": "array", "items": { "$ref": "#/$defs/element" } },
                    "actions": { "type": "array", "maxItems": 6, "items": { "$ref": "#/$defs/open" } },
                },
            },
            "element": { "oneOf": [
                { "$ref": "#/$defs/block" },
                {
                    "type": "object",
                    "required": ["type", "url"],
                    "properties": {
                        "type": { "const": "Image" },
                        "url": { "pattern": "^https://" },
                    },
                },
                {
                    "type": "object",
                    "required": ["type", "items", "style"],
                    "properties": {
                        "type": { "const": "Container" },
                        "style": {
                            "enum": ["default", "emphasis", "good", "attention", "warning", "accent"]
                        },
                        "items": { "type": "array", "items": { "$ref": "#/$defs/block" } },
                    },
                },
            ] },
            "block": {
                "type": "object",
                "required": ["type", "inlines"],
                "properties": {
                    "type": { "const": "RichTextBlock" },
                    "spacing": { "enum": ["none", "small", "default"] },
                    "inlines": { "type": "array", "minItems": 1, "items": {
                        "type": "object",
                        "required": ["type", "text"],
                        "properties": {
                            "type": { "const": "TextRun" },
                            "text": { "type": "string" },
                            "selectAction": { "$ref": "#/$defs/open" },
                        },
                    } },
                },
            },
            "open": {
                "type": "object",
                "required": ["type", "url"],
                "properties": {
                    "type": { "const": "Action.OpenUrl" },
                    "url": { "pattern": "^https?://" },
                },
            },
        },
    })
}

/// What a person reads: a line for each block.
fn seen(card: &Value) -> String {
    let line = |block: &Value| {
        let runs = block["inlines"].as_array();
        let runs = runs
            .into_iter()
            .flatten()
            .map(|run| run["text"].as_str().unwrap());
        runs.collect::<String>()
    };
    let blocks = card["body"].as_array().unwrap().iter();
    let blocks = blocks.map(|block| match block["items"].get(0) {
        Some(inner) => line(inner),
        None => line(block),
    });
    blocks.collect::<Vec<String>>().join("\n")
}

#[tokio::test]
async fn a_trigger_and_its_resolve_are_two_cards() {
    let server = fixture::server(ResponseTemplate::new(202)).await;
    for notification in [fixture::burning(), fixture::resolved()] {
        let receipt = fixture::deliver(kind(&server.uri()), &notification, None).await;
        assert_eq!(receipt, Ok(Receipt(None)));
    }
    let requests = fixture::requests(&server).await;
    assert!(
        requests[0]
            .0
            .ends_with("?api-version=1&sig=s3cr3t-signature")
    );
    for (_, body) in &requests {
        fixture::assert_conforms(limits(), body);
    }
    insta::assert_json_snapshot!(requests[0].1, @r#"
    {
      "attachments": [
        {
          "content": {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "actions": [
              {
                "title": "Runbook",
                "type": "Action.OpenUrl",
                "url": "https://wiki.example/checkout"
              },
              {
                "title": "Dashboard",
                "type": "Action.OpenUrl",
                "url": "https://grafana.example/d/checkout?orgId=1"
              },
              {
                "title": "slofuse",
                "type": "Action.OpenUrl",
                "url": "https://slofuse.example/prefix/api/v1/slos/shop/checkout"
              }
            ],
            "body": [
              {
                "bleed": true,
                "items": [
                  {
                    "inlines": [
                      {
                        "size": "medium",
                        "text": "[PAGE] shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m",
                        "type": "TextRun",
                        "weight": "bolder"
                      }
                    ],
                    "spacing": "none",
                    "type": "RichTextBlock"
                  }
                ],
                "style": "attention",
                "type": "Container"
              },
              {
                "inlines": [
                  {
                    "text": "Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.",
                    "type": "TextRun"
                  }
                ],
                "spacing": "default",
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "text": "Impact: ",
                    "type": "TextRun",
                    "weight": "bolder"
                  },
                  {
                    "text": "Customers cannot pay.",
                    "type": "TextRun"
                  }
                ],
                "spacing": "small",
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "text": "Burn: ",
                    "type": "TextRun",
                    "weight": "bolder"
                  },
                  {
                    "text": "32.15x over 1h, 35.5x over 5m (limit 14.4x), 1,284 of 40,000 events bad in 1h (3.21%); 7.2x over 6h, 33x over 30m (limit 6x)",
                    "type": "TextRun"
                  }
                ],
                "spacing": "small",
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "text": "Budget: ",
                    "type": "TextRun",
                    "weight": "bolder"
                  },
                  {
                    "text": "38.8% of the 30d budget consumed, 4.46% by this alert; 61.2% left, gone in 13h 43m at this speed",
                    "type": "TextRun"
                  }
                ],
                "spacing": "small",
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "text": "Since: ",
                    "type": "TextRun",
                    "weight": "bolder"
                  },
                  {
                    "text": "2026-01-02 03:04:00 UTC, 6m 30s before this decision",
                    "type": "TextRun"
                  }
                ],
                "spacing": "small",
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "text": "Next step: ",
                    "type": "TextRun",
                    "weight": "bolder"
                  },
                  {
                    "text": "Follow the runbook.",
                    "type": "TextRun"
                  }
                ],
                "spacing": "small",
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "text": "Objective: ",
                    "type": "TextRun",
                    "weight": "bolder"
                  },
                  {
                    "text": "99.9% over 30d",
                    "type": "TextRun"
                  }
                ],
                "spacing": "small",
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "text": "Owner: ",
                    "type": "TextRun",
                    "weight": "bolder"
                  },
                  {
                    "text": "team-payments",
                    "type": "TextRun"
                  }
                ],
                "spacing": "small",
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "text": "Labels: ",
                    "type": "TextRun",
                    "weight": "bolder"
                  },
                  {
                    "text": "tier=1",
                    "type": "TextRun"
                  }
                ],
                "spacing": "small",
                "type": "RichTextBlock"
              }
            ],
            "msteams": {
              "width": "Full"
            },
            "type": "AdaptiveCard",
            "version": "1.4"
          },
          "contentType": "application/vnd.microsoft.card.adaptive",
          "contentUrl": null
        }
      ],
      "type": "message"
    }
    "#);
    let resolved = &requests[1].1["attachments"][0]["content"];
    assert_eq!(resolved["body"][0]["style"], "good");
    insta::assert_snapshot!(seen(resolved), @r#"
    [RESOLVED] shop/checkout{region="eu"} recovered after 1h 12m
    Every page tier is quiet again.
    Impact: Customers cannot pay.
    Burn: peak 35.5x, in windows 1h/5m, 6h/30m
    Budget: 38.8% of the 30d budget consumed, 4.46% by this alert; 61.2% left
    Since: 2026-01-02 03:04:00 UTC until 2026-01-02 04:16:00 UTC (1h 12m)
    Objective: 99.9% over 30d
    Owner: team-payments
    Labels: tier=1
    "#);
}

#[tokio::test]
async fn http_failures_are_classified() {
    fixture::assert_manners(kind).await;
}

#[tokio::test]
async fn failures_inside_a_200_are_found() {
    let wrapped = |code: u16| {
        format!(
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP \
             error {code} with ContextId tcid=0,server=PSIZE0012345,cv=x.0.."
        )
    };
    let retry = ErrorClass::Retry { after: None };
    for (body, class, reason) in [
        (wrapped(429), retry, FailureReason::RateLimited),
        (
            wrapped(413),
            ErrorClass::Permanent,
            FailureReason::ClientError,
        ),
        (
            wrapped(400),
            ErrorClass::Permanent,
            FailureReason::ClientError,
        ),
        (wrapped(502), retry, FailureReason::ServerError),
        ("Error".to_owned(), retry, FailureReason::ServerError),
        (
            r#"{"error":{"code":"X"}}"#.to_owned(),
            retry,
            FailureReason::ServerError,
        ),
    ] {
        let server = fixture::server(ResponseTemplate::new(200).set_body_string(&body)).await;
        let error = fixture::deliver(kind(&server.uri()), &fixture::burning(), None).await;
        let error = error.unwrap_err();
        assert_eq!((error.class, error.reason), (class, reason), "{body}");
    }
    let limited = ResponseTemplate::new(200).insert_header("retry-after", "30");
    let server = fixture::server(limited.set_body_string(wrapped(429))).await;
    let error = fixture::deliver(kind(&server.uri()), &fixture::burning(), None).await;
    let after = Some(Span::from_secs(30));
    assert_eq!(error.unwrap_err().class, ErrorClass::Retry { after });
    for body in ["", "1", "{}", "Accepted"] {
        let server = fixture::server(ResponseTemplate::new(200).set_body_string(body)).await;
        let receipt = fixture::deliver(kind(&server.uri()), &fixture::burning(), None).await;
        assert_eq!(receipt, Ok(Receipt(None)));
    }
}

#[test]
fn colours_and_actions_follow_the_message() {
    let writer = fixture::writer();
    let closed = fixture::closed(fixture::burning(), Reason::DefinitionRemoved);
    for (notification, style) in [
        (fixture::burning(), "attention"),
        (
            fixture::budget(Reason::BudgetConsumed { threshold: 0.5 }),
            "accent",
        ),
        (fixture::resolved(), "good"),
        (closed, "emphasis"),
    ] {
        let card = card(&writer.message(&notification), None);
        assert_eq!(card["body"][0]["style"], style);
        let actions = card["actions"].as_array().unwrap().iter();
        let titles: Vec<&str> = actions.map(|a| a["title"].as_str().unwrap()).collect();
        assert_eq!(titles, ["Runbook", "Dashboard", "slofuse"]);
    }
    let url = "https://slofuse.example/api/v1/pictures/x.png";
    let card = card(&writer.message(&fixture::burning()), Some(url));
    let last = card["body"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["type"], &last["url"]),
        (&json!("Image"), &json!(url))
    );
}

#[test]
fn hostile_text_is_in_text_runs_only() {
    let card = card(&fixture::plain().message(&fixture::hostile()), None);
    assert!(seen(&card).contains("<https://evil.example|ok>"));
    // Kinds of elements that read Markdown.
    let json = card.to_string();
    assert!(!json.contains("\"TextBlock\"") && !json.contains("FactSet"));
    let actions = card["actions"].as_array().unwrap();
    assert_eq!(actions.len(), 1, "a javascript: runbook is no action");
}

#[test]
fn a_card_is_small_enough_whatever_it_says() {
    let writer = fixture::writer();
    let mut messages = vec![writer.message(&fixture::huge_group())];
    for character in ["a", "\"", "ü", "👩", "\u{fffd}"] {
        let mut message = writer.message(&fixture::burning());
        let long = character.repeat(5_000);
        message.title.clone_from(&long);
        message.why.clone_from(&long);
        message.labels.clone_from(&long);
        message.notes = Some(long.clone());
        for fact in &mut message.facts {
            fact.value.clone_from(&long);
        }
        let links = message.links.iter_mut();
        links.for_each(|link| link.url = format!("https://x.example/{}", "y".repeat(1_900)));
        messages.push(message);
    }
    for message in messages {
        let url = format!("https://slofuse.example/{}", "x".repeat(1_900));
        let text = seen(&card(&message, Some(&url)));
        assert!(text.contains('…') || text.contains("more alerts"), "{text}");
    }
    let small = seen(&card(&writer.message(&fixture::burning()), None));
    assert!(!small.contains("is cut"), "{small}");
}

#[test]
fn a_group_lists_its_alerts_and_counts_those_it_hides() {
    let writer = fixture::writer();
    insta::assert_snapshot!(seen(&card(&writer.message(&fixture::group()), None)), @r#"
    [PAGE] 2 alerts of shop: 1 page, 1 ticket
    They are told together, as route shop groups them.
    Impact: Customers cannot pay.
    Since: 2026-01-02 03:04:00 UTC, 6m 30s before this decision
    Next step: Begin with the first alert. Follow the runbook.
    Owner: team-payments
    [PAGE] shop/checkout{region="eu"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m, since 2026-01-02 03:04:00 UTC, 6m 30s before this decision
    [TICKET] shop/checkout{region="eu"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m, since 2026-01-02 03:04:00 UTC, 6m 30s before this decision
    Labels: tier=1
    "#);
    let text = seen(&card(&writer.message(&fixture::huge_group()), None));
    assert!(text.contains("more alerts"), "{text}");
    assert!(text.contains("Some of this is cut"), "{text}");
}
