//! Slack bot: one message per alert, edited in place, its history in a thread.
//!
//! A trigger posts and keeps channel id and `ts` as receipt. An update or resolve first edits that
//! message, which may be repeated at will, then replies in its thread; a reply that calls people
//! again is shown in the channel too. Without a receipt, or when the message is gone or too old to
//! edit, a fresh message takes its place. Slack answers 200 even to failures: `ok` decides.

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::secret::Secret;
use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::engine::{Notification, NotificationKind, Span, Timestamp};

use super::error::{DeliveryError, ErrorClass, FailureReason, Problem};
use super::http::{self, Answer, HttpSender, Post};
use super::redaction::Redaction;
use super::slack_blocks::{self, Buttons, Extras};
use super::{Attempt, Receipt, Receiver, chat};
use crate::message::Writer;

/// One bot in one channel.
pub(super) struct SlackBot {
    http: HttpSender,
    token: Secret,
    channel: String,
    api: Url,
    buttons: bool,
    writer: Writer,
}

/// Where a message stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The channel's id, which only the answer knows when the settings have its name.
    channel: String,
    /// The message's id within the channel.
    ts: String,
}

/// Slack's answer to any method.
#[derive(Deserialize)]
struct Reply {
    ok: bool,
    #[serde(default)]
    error: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    ts: String,
}

/// Why a call did not succeed.
enum CallError {
    /// The message cannot be edited any more.
    NotEditable,
    /// Anything else.
    Failed(DeliveryError),
}

impl From<DeliveryError> for CallError {
    fn from(error: DeliveryError) -> Self {
        Self::Failed(error)
    }
}

impl SlackBot {
    pub(super) fn new(settings: &ReceiverSettings, writer: Writer) -> Result<Self, Problem> {
        let ReceiverKind::SlackBot {
            token,
            channel,
            api_url,
            buttons,
        } = &settings.kind
        else {
            return Err(super::mismatch());
        };
        let http = HttpSender::new(settings)?;
        let api = http::parse_url(api_url).map_err(|problem| problem.in_field("api_url"))?;
        Ok(Self {
            http,
            token: token.clone(),
            channel: channel.clone(),
            api,
            buttons: *buttons,
            writer,
        })
    }

    async fn send(
        &self,
        notification: &Notification,
        receipt: Option<&str>,
        now: Timestamp,
    ) -> Result<Receipt, DeliveryError> {
        let place = receipt
            .filter(|_| notification.kind != NotificationKind::Trigger)
            .and_then(|text| serde_json::from_str::<Place>(text).ok());
        let place = match place {
            Some(place) => match self.edit(notification, &place, now).await {
                Ok(()) => place,
                Err(CallError::NotEditable) => self.post_fresh(notification, now).await?,
                Err(CallError::Failed(error)) => return Err(error),
            },
            None => self.post_fresh(notification, now).await?,
        };
        Ok(Receipt(serde_json::to_string(&place).ok()))
    }

    async fn post_fresh(
        &self,
        notification: &Notification,
        now: Timestamp,
    ) -> Result<Place, DeliveryError> {
        let mut body = self.body(notification);
        body["channel"] = self.channel.as_str().into();
        body["unfurl_links"] = false.into();
        match self.call("chat.postMessage", body, now).await {
            Ok(place) => Ok(place),
            Err(CallError::NotEditable) => Err(refusal("message_not_found", None)),
            Err(CallError::Failed(error)) => Err(error),
        }
    }

    async fn edit(
        &self,
        notification: &Notification,
        place: &Place,
        now: Timestamp,
    ) -> Result<(), CallError> {
        let mut body = self.body(notification);
        body["channel"] = place.channel.as_str().into();
        body["ts"] = place.ts.as_str().into();
        self.call("chat.update", body, now).await?;
        let mut reply = json!({
            "channel": place.channel,
            "thread_ts": place.ts,
            "text": slack_blocks::reply(&self.writer.message(notification)),
            "unfurl_links": false,
        });
        if chat::calls_again(notification) {
            reply["reply_broadcast"] = true.into();
        }
        self.call("chat.postMessage", reply, now).await?;
        Ok(())
    }

    /// What the message shows, now and after each edit.
    fn body(&self, notification: &Notification) -> Value {
        let offered = || Buttons::Offered(notification.dedup_key());
        let buttons = chat::keeper(notification).map_or_else(offered, Buttons::Taken);
        let extras = Extras {
            buttons: self.buttons.then_some(buttons),
            picture: self.writer.picture_url(notification),
        };
        slack_blocks::body(&self.writer.message(notification), &extras)
    }

    async fn call(&self, method: &str, body: Value, now: Timestamp) -> Result<Place, CallError> {
        let mut url = self.api.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(method);
        }
        let mut redaction = Redaction::default();
        redaction.hide_url(&url);
        let bearer = http::reveal_header("authorization", "Bearer ", &self.token, &mut redaction)?;
        let post = Post {
            url,
            headers: HeaderMap::from_iter([(AUTHORIZATION, bearer)]),
            body: body.to_string().into_bytes(),
            redaction: redaction.clone(),
        };
        let answer = self.http.post(post, now).await?;
        read(&answer, &redaction)
    }
}

impl Receiver for SlackBot {
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        receipt: Option<&'a str>,
        now: Timestamp,
    ) -> Attempt<'a> {
        Box::pin(self.send(notification, receipt, now))
    }
}

fn read(answer: &Answer, redaction: &Redaction) -> Result<Place, CallError> {
    let Ok(reply) = serde_json::from_slice::<Reply>(&answer.body) else {
        let quote = http::quote(&answer.body, redaction);
        return Err(CallError::Failed(DeliveryError {
            class: ErrorClass::Retry { after: None },
            ambiguous: true,
            reason: FailureReason::ServerError,
            text: format!("answered 200 with something other than Slack's JSON: {quote}"),
        }));
    };
    if reply.ok {
        return Ok(Place {
            channel: reply.channel,
            ts: reply.ts,
        });
    }
    match reply.error.as_str() {
        "message_not_found" | "edit_window_closed" | "cant_update_message" => {
            Err(CallError::NotEditable)
        }
        error => {
            let code = http::quote(error.as_bytes(), redaction);
            Err(refusal(&code, answer.retry_after).into())
        }
    }
}

/// The failure in a 200 to an incoming webhook, which answers `ok` in plain text. Other words are
/// no failure: services that take Slack's messages have their own.
pub(super) fn wrapped_failure(answer: &Answer, redaction: &Redaction) -> Option<DeliveryError> {
    let reply = serde_json::from_slice::<Reply>(&answer.body).ok()?;
    let code = http::quote(reply.error.as_bytes(), redaction);
    (!reply.ok).then(|| refusal(&code, answer.retry_after))
}

/// The error codes of <https://docs.slack.dev/reference/methods/chat.postMessage> that may pass;
/// every other one means that the token, the channel or the message is wrong.
fn refusal(code: &str, after: Option<Span>) -> DeliveryError {
    let retry = ErrorClass::Retry { after };
    let (class, ambiguous, reason) = match code {
        "ratelimited" | "rate_limited" => (retry, false, FailureReason::RateLimited),
        "service_unavailable" | "request_timeout" | "team_added_to_org" => {
            (retry, false, FailureReason::ServerError)
        }
        // "Some aspect of the operation may have succeeded before the error."
        "internal_error" | "fatal_error" => (retry, true, FailureReason::ServerError),
        _ => (ErrorClass::Permanent, false, FailureReason::ClientError),
    };
    DeliveryError {
        class,
        ambiguous,
        reason,
        text: format!("slack answered {code:?}"),
    }
}

#[cfg(test)]
mod tests;
