//! `/api/v1/slack/actions`: the button of Slack's messages that acknowledges.
//!
//! Slack signs what it sends (<https://docs.slack.dev/authentication/verifying-requests-from-slack>):
//! `X-Slack-Signature` is `v0=` and the HMAC-SHA256, in hexadecimal, over
//! `v0:<X-Slack-Request-Timestamp>:<body>`. A request that is older than five minutes may be
//! somebody's recording.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use secrecy::ExposeSecret;
use serde::Deserialize;
use sha2::Sha256;

use crate::engine::Timestamp;
use crate::http::App;
use crate::http::actor::Actor;
use crate::http::error::ApiError;

use super::acknowledge::{self, find, from_slack};

/// How far Slack's clock and ours may be apart, the way of the request included.
const SKEW_SECS_MAX: i64 = 300;
/// The button's `action_id`.
const ACKNOWLEDGE: &str = "slofuse_acknowledge";
/// Longest name of a person, in characters.
const NAME_CHARS_MAX: usize = 80;

/// What Slack sends when somebody presses a button.
#[derive(Deserialize)]
struct Payload {
    user: User,
    #[serde(default)]
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct User {
    id: String,
    username: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Action {
    action_id: String,
    value: Option<String>,
}

/// `POST /api/v1/slack/actions`: 200 to everything that Slack signed, since Slack shows people
/// nothing but that it failed; 401 to everything else, 404 without a signing secret.
pub(super) async fn act(
    State(app): State<App>,
    actor: Actor,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let Some(provider) = &app.slack_secret else {
        let text = "server.slack_signing_secret is not set, so no button of Slack's is believed";
        return Err(ApiError::not_found(text));
    };
    let secret = provider().map_err(|error| {
        tracing::error!(error, "Slack's signing secret is not to be had");
        ApiError::unavailable("the signing secret is not to be had")
    })?;
    if secret.expose_secret().trim().is_empty() {
        // Anybody can sign with it.
        tracing::error!("Slack's signing secret is empty");
        return Err(ApiError::unavailable("the signing secret is empty"));
    }
    verify(secret.expose_secret(), &headers, &body, (app.clock)())?;
    let payload = payload(&body)?;
    let by = payload.user.called();
    let actor = Actor {
        name: format!("slack:{}", payload.user.id),
        origin: actor.origin,
    };
    for action in payload.actions {
        let (ACKNOWLEDGE, Some(key)) = (action.action_id.as_str(), action.value) else {
            continue;
        };
        press(&app, &actor, &by, &key).await?;
    }
    Ok(StatusCode::OK)
}

async fn press(app: &App, actor: &Actor, by: &str, key: &str) -> Result<(), ApiError> {
    let alert = match find(app, key) {
        Ok(alert) => alert,
        // The alert ended before somebody pressed the button.
        Err(error) => {
            let object: String = key.chars().take(255).collect();
            app.record(actor, acknowledge::ACKNOWLEDGE, &object, Some(&error))
                .await;
            return Ok(());
        }
    };
    let acknowledgement = from_slack(by.to_owned(), (app.clock)());
    app.operate(actor, acknowledge::doing(&alert, acknowledgement))
        .await
}

impl User {
    /// The name by which people know them.
    fn called(&self) -> String {
        let names = [self.username.as_ref(), self.name.as_ref()];
        let name = names.into_iter().flatten().find(|name| !name.is_empty());
        let name = name.unwrap_or(&self.id).chars().take(NAME_CHARS_MAX);
        name.filter(|c| !c.is_control()).collect()
    }
}

fn verify(secret: &str, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), ApiError> {
    let refused = || ApiError::unauthorized("the request is not signed by Slack");
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let sent = header("x-slack-request-timestamp").ok_or_else(refused)?;
    let sent_secs: i64 = sent.parse().map_err(|_| refused())?;
    let apart = (now.as_millis() / 1000).abs_diff(sent_secs);
    if apart > SKEW_SECS_MAX.unsigned_abs() {
        let text = "the request is older than five minutes, or a clock is wrong";
        return Err(ApiError::unauthorized(text));
    }
    let signature = header("x-slack-signature").and_then(|value| value.strip_prefix("v0="));
    let signature = signature.and_then(bytes_of).ok_or_else(refused)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| refused())?;
    mac.update(format!("v0:{sent}:").as_bytes());
    mac.update(body);
    // In constant time.
    mac.verify_slice(&signature).map_err(|_| refused())
}

/// The bytes that hexadecimal digits stand for.
fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}

/// The field `payload` of the form.
fn payload(body: &[u8]) -> Result<Payload, ApiError> {
    let wrong = |text: &str| ApiError::bad_request(format!("reading Slack's form: {text}"));
    let form = std::str::from_utf8(body).map_err(|_| wrong("not UTF-8"))?;
    // A form is written as the query of a URL is.
    let mut url = Url::parse("form:/").map_err(|_| wrong("no form"))?;
    url.set_query(Some(form));
    let mut pairs = url.query_pairs();
    let payload = pairs.find(|(name, _)| name == "payload");
    let (_, payload) = payload.ok_or_else(|| wrong("it has no payload"))?;
    serde_json::from_str(&payload).map_err(|error| wrong(&error.to_string()))
}
