//! Telegram, by the Bot API: one message per alert, edited in place, its news as replies.
//!
//! A trigger sends and keeps chat and message id as receipt. An update or resolve first edits that
//! message, which may be repeated at will, then replies to it so that people hear of it. Without a
//! receipt, or when the message is gone, a fresh message takes its place. The token is part of the
//! URL. Answers and limits: <https://core.telegram.org/bots/api#sendmessage>.

mod text;

use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::secret::Secret;
use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::engine::{Notification, NotificationKind, Timestamp};
use crate::message::Writer;

use super::error::{DeliveryError, ErrorClass, FailureReason, Problem};
use super::http::{self, HttpSender, Post};
use super::redaction::Redaction;
use super::{Attempt, Receipt, Receiver, chat};
use text::{Line, Markup};

/// One bot in one chat.
pub(super) struct Telegram {
    http: HttpSender,
    token: Secret,
    chat: String,
    topic: Option<i64>,
    api: Url,
    writer: Writer,
}

/// Where a message stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The chat, which is another than that of the settings once a group became a supergroup.
    chat: String,
    /// The message's id within the chat.
    message: i64,
}

/// The API's answer to any method.
#[derive(Deserialize)]
struct Reply {
    ok: bool,
    #[serde(default)]
    error_code: u16,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
    result: Option<Sent>,
}

#[derive(Default, Deserialize)]
struct Parameters {
    migrate_to_chat_id: Option<i64>,
    retry_after: Option<f64>,
}

#[derive(Deserialize)]
struct Sent {
    message_id: i64,
}

/// Why a call did not succeed.
enum CallError {
    /// The group has become a supergroup with this id.
    Migrated(String),
    /// The markup was refused; the same words without markup may pass.
    Markup(DeliveryError),
    /// The text is there already.
    Unchanged,
    /// Any other refusal of the request as it is.
    Refused(DeliveryError),
    /// Anything else.
    Failed(DeliveryError),
}

impl CallError {
    fn into_error(self) -> DeliveryError {
        match self {
            Self::Markup(error) | Self::Refused(error) | Self::Failed(error) => error,
            Self::Migrated(_) => refusal("telegram moved the chat twice".to_owned()),
            Self::Unchanged => refusal("telegram answered: message is not modified".to_owned()),
        }
    }
}

impl From<DeliveryError> for CallError {
    fn from(error: DeliveryError) -> Self {
        Self::Failed(error)
    }
}

impl Telegram {
    pub(super) fn new(settings: &ReceiverSettings, writer: Writer) -> Result<Self, Problem> {
        let ReceiverKind::Telegram {
            token,
            chat,
            topic,
            api_url,
        } = &settings.kind
        else {
            return Err(super::mismatch());
        };
        let api = http::parse_url(api_url).map_err(|problem| problem.in_field("api_url"))?;
        Ok(Self {
            http: HttpSender::new(settings)?,
            token: token.clone(),
            chat: chat.clone(),
            topic: *topic,
            api,
            writer,
        })
    }

    async fn deliver_to(
        &self,
        notification: &Notification,
        receipt: Option<&str>,
        now: Timestamp,
    ) -> Result<Receipt, DeliveryError> {
        let place = receipt
            .filter(|_| notification.kind != NotificationKind::Trigger)
            .and_then(|text| serde_json::from_str::<Place>(text).ok());
        let message = self.writer.message(notification);
        let whole = text::whole(&message);
        let place = match place {
            Some(place) if self.edit(notification, &whole, &place, now).await? => {
                let news = text::news(&message);
                self.post(notification, &news, Some(&place), now).await?;
                place
            }
            _ => self.post(notification, &whole, None, now).await?,
        };
        Ok(Receipt(serde_json::to_string(&place).ok()))
    }

    /// Brings the first message up to date; gives whether it still stands.
    async fn edit(
        &self,
        notification: &Notification,
        lines: &[Line],
        place: &Place,
        now: Timestamp,
    ) -> Result<bool, DeliveryError> {
        let body = json!({
            "chat_id": place.chat,
            "message_id": place.message,
            "link_preview_options": self.preview(notification),
        });
        match self.say("editMessageText", body, lines, now).await {
            Ok(_) | Err(CallError::Unchanged) => Ok(true),
            // It was deleted, or the chat is another one now.
            Err(CallError::Refused(_) | CallError::Migrated(_) | CallError::Markup(_)) => Ok(false),
            Err(CallError::Failed(error)) => Err(error),
        }
    }

    /// Sends a message, as a reply if there is something to reply to; gives where it stands.
    async fn post(
        &self,
        notification: &Notification,
        lines: &[Line],
        to: Option<&Place>,
        now: Timestamp,
    ) -> Result<Place, DeliveryError> {
        let mut chat = to.map_or_else(|| self.chat.clone(), |place| place.chat.clone());
        let mut body = json!({
            "disable_notification": chat::is_quiet(notification),
            "link_preview_options": self.preview(notification),
        });
        if let Some(topic) = self.topic {
            body["message_thread_id"] = topic.into();
        }
        if let Some(place) = to {
            body["reply_parameters"] = json!({
                "message_id": place.message,
                "allow_sending_without_reply": true,
            });
        }
        body["chat_id"] = chat.as_str().into();
        let mut sent = self.say("sendMessage", body.clone(), lines, now).await;
        if let Err(CallError::Migrated(id)) = sent {
            body["chat_id"] = id.as_str().into();
            chat = id;
            sent = self.say("sendMessage", body, lines, now).await;
        }
        let message = sent.map_err(CallError::into_error)?;
        Ok(Place { chat, message })
    }

    /// Calls a method with the lines in HTML, and once more without markup if that is refused.
    async fn say(
        &self,
        method: &str,
        mut body: Value,
        lines: &[Line],
        now: Timestamp,
    ) -> Result<i64, CallError> {
        body["text"] = text::render(lines, Markup::Html).into();
        body["parse_mode"] = "HTML".into();
        match self.call(method, &body, now).await {
            Err(CallError::Markup(_)) => {}
            done => return done,
        }
        body["text"] = text::render(lines, Markup::None).into();
        if let Some(fields) = body.as_object_mut() {
            fields.remove("parse_mode");
        }
        self.call(method, &body, now).await
    }

    async fn call(&self, method: &str, body: &Value, now: Timestamp) -> Result<i64, CallError> {
        let token = self.token.reveal().map_err(DeliveryError::from)?;
        let mut redaction = Redaction::default();
        redaction.hide_url(&self.api);
        redaction.hide(token.expose_secret());
        let mut url = self.api.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            let bot = format!("bot{}", token.expose_secret());
            path.pop_if_empty().push(&bot).push(method);
        }
        // In case the token has characters that a URL writes in another way.
        if let Some(bot) = url.path().rsplit('/').nth(1) {
            redaction.hide(bot);
        }
        let post = Post {
            url,
            headers: HeaderMap::new(),
            body: body.to_string().into_bytes(),
            redaction: redaction.clone(),
        };
        let reply = self.http.send(Method::POST, post, now).await?;
        read(reply, &redaction)
    }

    /// Shows our picture, and never a preview of some link in the text.
    fn preview(&self, notification: &Notification) -> Value {
        match self.writer.picture_url(notification) {
            Some(url) => json!({ "url": url, "prefer_large_media": true }),
            None => json!({ "is_disabled": true }),
        }
    }
}

impl Receiver for Telegram {
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        receipt: Option<&'a str>,
        now: Timestamp,
    ) -> Attempt<'a> {
        Box::pin(self.deliver_to(notification, receipt, now))
    }
}

/// The id of the message, or what went wrong: the code in the body counts, whatever the status.
fn read(answer: http::Reply, redaction: &Redaction) -> Result<i64, CallError> {
    let Ok(reply) = serde_json::from_slice::<Reply>(&answer.body) else {
        let quote = http::quote(&answer.body, redaction);
        answer.answer()?;
        return Err(CallError::Failed(DeliveryError {
            class: ErrorClass::Retry { after: None },
            ambiguous: true,
            reason: FailureReason::ServerError,
            text: format!("answered 200 with something other than Telegram's JSON: {quote}"),
        }));
    };
    if let (true, Some(sent)) = (reply.ok, reply.result) {
        return Ok(sent.message_id);
    }
    let asked = reply.parameters.retry_after.map(http::wait_secs);
    let (class, ambiguous, reason) =
        http::classify(reply.error_code, asked.max(answer.retry_after));
    let said = http::quote(reply.description.as_bytes(), redaction);
    let error = DeliveryError {
        class,
        ambiguous,
        reason,
        text: format!("telegram answered {}: {said}", reply.error_code),
    };
    if reply.error_code != 400 {
        return Err(CallError::Failed(error));
    }
    let words = reply.description.to_ascii_lowercase();
    Err(match reply.parameters.migrate_to_chat_id {
        Some(id) => CallError::Migrated(id.to_string()),
        None if words.contains("message is not modified") => CallError::Unchanged,
        None if words.contains("can't parse") => CallError::Markup(error),
        None => CallError::Refused(error),
    })
}

fn refusal(text: String) -> DeliveryError {
    DeliveryError {
        class: ErrorClass::Permanent,
        ambiguous: false,
        reason: FailureReason::ClientError,
        text,
    }
}

#[cfg(test)]
mod tests;
