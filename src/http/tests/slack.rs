//! The button in Slack: who is believed, and what comes of it.

use axum::http::HeaderValue;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use serde_json::json;
use sha2::Sha256;

use super::*;
use crate::engine::Operation;

const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const TARGET: &str = "/api/v1/slack/actions";
const KEY: &str = "slofuse/shop/checkout{region=\"eu\"}/page";

/// A body as Slack's documentation has it, and its signature there.
#[tokio::test]
async fn the_signature_is_the_one_of_the_documentation() {
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=\
                G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=\
                %2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands\
                %2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=\
                398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    let at = Timestamp::from_secs(1_531_420_618);
    let (answer, asked) = press(at, "1531420618", signature, body).await;
    // Signed, but no button.
    assert_eq!(
        answer,
        r#"400 {"error":"reading Slack's form: it has no payload"}"#
    );
    assert_eq!(asked, None);
}

fn signed(timestamp: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    let hex: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("v0={hex}")
}

fn form(payload: &Value) -> String {
    let mut url = reqwest::Url::parse("form:/").unwrap();
    let text = payload.to_string();
    url.query_pairs_mut().append_pair("payload", &text);
    url.query().unwrap().to_owned()
}

fn button(key: &str) -> Value {
    json!({
        "type": "block_actions",
        "user": {"id": "U2CERLKJA", "username": "ann", "name": "ann.b"},
        "actions": [
            {"action_id": "open_runbook"},
            {"action_id": "slofuse_acknowledge", "value": key},
        ],
    })
}

/// Status and body of the answer, and what the daemon was asked.
async fn press(
    now: Timestamp,
    timestamp: &str,
    signature: &str,
    body: &str,
) -> (String, Option<Command>) {
    let (mut app, mut commands) = app_at(shop(), now);
    let secret = || Ok(SecretString::from(SECRET));
    app.slack_secret = Some(Arc::new(secret));
    let router = router(app, &Manners::default());
    let request = Request::builder()
        .method(Method::POST)
        .uri(TARGET)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-slack-request-timestamp", timestamp)
        .header(
            "x-slack-signature",
            HeaderValue::from_bytes(signature.as_bytes()).unwrap(),
        )
        .body(Body::from(body.to_owned()))
        .unwrap();
    let daemon = async {
        let CommandRequest { command, reply } = commands.recv().await?;
        reply.send(Ok(String::new())).unwrap();
        Some(command)
    };
    let asked = async {
        let answer = answer(&router, request, TARGET).await;
        drop(router);
        format!("{} {}", answer.status, answer.body)
    };
    tokio::join!(asked, daemon)
}

fn seconds(at: Timestamp) -> String {
    (at.as_millis() / 1000).to_string()
}

#[tokio::test]
async fn a_press_acknowledges_in_the_name_of_who_pressed() {
    let (now, body) = (seconds(NOON), form(&button(KEY)));
    let (answer, asked) = press(NOON, &now, &signed(&now, &body), &body).await;
    assert_eq!(answer, "200 ");
    let Some(Command::Operate(Operation::Acknowledge {
        alert,
        acknowledgement,
    })) = asked
    else {
        panic!("{asked:?}");
    };
    assert_eq!(alert, KEY);
    assert_eq!(
        (&*acknowledgement.by, &*acknowledgement.via),
        ("ann", "slack")
    );
    assert_eq!(acknowledgement.at, NOON);
}

#[tokio::test]
async fn what_slack_did_not_sign_just_now_is_not_believed() {
    let (now, body) = (seconds(NOON), form(&button(KEY)));
    let right = signed(&now, &body);
    let old = seconds(NOON - Span::from_secs(301));
    let ahead = seconds(NOON + Span::from_secs(301));
    let other = form(&button("slofuse/shop/other/page"));
    for (timestamp, signature, body) in [
        (&*now, "v0=", &*body),
        (&now, "", &body),
        (&now, right.trim_start_matches("v0="), &body),
        (&now, &right.replace("v0=", "v1="), &body),
        (&now, right.get(..right.len() - 2).unwrap(), &body),
        (&now, "v0=zz", &body),
        (&now, "v0=é", &body),
        (&now, &right, &other),
        (&old, &signed(&old, &body), &body),
        (&ahead, &signed(&ahead, &body), &body),
        ("soon", &signed("soon", &body), &body),
        ("-9223372036854775808", &right, &body),
    ] {
        let (answer, asked) = press(NOON, timestamp, signature, body).await;
        assert!(
            answer.starts_with("401 "),
            "{timestamp} {signature} {answer}"
        );
        assert_eq!(asked, None);
    }
}

#[tokio::test]
async fn an_alert_that_has_ended_is_no_failure() {
    let now = seconds(NOON);
    let body = form(&button("slofuse/shop/gone/page"));
    let (answer, asked) = press(NOON, &now, &signed(&now, &body), &body).await;
    assert_eq!((&*answer, asked), ("200 ", None));
}

#[tokio::test]
async fn what_is_signed_but_no_button_is_refused_in_words() {
    let now = seconds(NOON);
    for body in [
        "",
        "payload=",
        "payload=%7B",
        "payload=%ff",
        "a=b",
        "payload=[]",
    ] {
        let (answer, asked) = press(NOON, &now, &signed(&now, body), body).await;
        assert!(answer.starts_with("400 "), "{body}: {answer}");
        assert_eq!(asked, None);
    }
}

#[tokio::test]
async fn without_a_secret_nobody_is_believed() {
    let answer = ask(&server(shop()).router, Method::POST, TARGET).await;
    assert_eq!(answer.status, 404);
}

/// With a key that everybody knows, everybody can sign.
#[tokio::test]
async fn an_empty_secret_signs_nothing() {
    let (mut app, mut commands) = app_at(shop(), NOON);
    app.slack_secret = Some(Arc::new(|| Ok(SecretString::from(" "))));
    let (now, body) = (seconds(NOON), form(&button(KEY)));
    let mut mac = Hmac::<Sha256>::new_from_slice(b" ").unwrap();
    mac.update(format!("v0:{now}:{body}").as_bytes());
    let code = mac.finalize().into_bytes();
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    let request = Request::builder()
        .method(Method::POST)
        .uri(TARGET)
        .header("x-slack-request-timestamp", now)
        .header("x-slack-signature", format!("v0={hex}"))
        .body(Body::from(body))
        .unwrap();
    let answer = answer(&router(app, &Manners::default()), request, TARGET).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(commands.try_recv().is_err());
}
