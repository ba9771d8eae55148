//! Discord, by a webhook of a channel: one message per alert, edited in place, its news below.
//!
//! A trigger posts with `wait`, so that the message's id comes back as receipt. An update or
//! resolve first edits that message, which may be repeated at will, then posts its news as a
//! message of its own: an edit makes no sound, and a webhook cannot reply. Without a receipt, or
//! when the message is gone, a fresh message takes its place. The whole URL is the credential.
//! Answers: <https://discord.com/developers/docs/resources/webhook#execute-webhook>.

mod embed;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::Value;

use crate::config::secret::Secret;
use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::engine::{Notification, NotificationKind, Timestamp};
use crate::message::Writer;

use super::error::{DeliveryError, ErrorClass, FailureReason, Problem};
use super::http::{self, HttpSender, Post, Reply};
use super::redaction::Redaction;
use super::{Attempt, Receipt, Receiver, chat};

/// The name of the picture among the files of a message.
const PICTURE: &str = "burn.png";
/// The flag of a message that makes no sound: `SUPPRESS_NOTIFICATIONS`.
const SILENT: u64 = 1 << 12;
/// Separates the parts of a form. It cannot occur in a PNG or in JSON that matters: no part is
/// made by anybody outside but the JSON, whose line breaks are escaped.
const BOUNDARY: &str = "slofuse-part-c1f3b0a96d6e4c0f";

/// One webhook.
pub(super) struct Discord {
    http: HttpSender,
    url: Secret,
    writer: Writer,
}

/// A message as Discord gives it back.
#[derive(Deserialize)]
struct Posted {
    id: String,
}

/// The body of a refusal.
#[derive(Deserialize)]
struct Refusal {
    retry_after: Option<f64>,
}

/// One body: JSON, and the picture that it may refer to.
struct Body {
    json: Value,
    picture: Option<Vec<u8>>,
}

impl Discord {
    pub(super) fn new(settings: &ReceiverSettings, writer: Writer) -> Result<Self, Problem> {
        let ReceiverKind::Discord { url } = &settings.kind else {
            return Err(super::mismatch());
        };
        http::check_url(url)?;
        Ok(Self {
            http: HttpSender::new(settings)?,
            url: url.clone(),
            writer,
        })
    }

    async fn send(
        &self,
        notification: &Notification,
        receipt: Option<&str>,
        now: Timestamp,
    ) -> Result<Receipt, DeliveryError> {
        let message = self.writer.message(notification);
        let first = receipt
            .filter(|_| notification.kind != NotificationKind::Trigger)
            .filter(|id| is_id(id));
        if let Some(id) = first
            && self.edit(self.whole(notification), id, now).await?
        {
            let mut news = embed::news(&message);
            hush(&mut news, notification);
            self.post(Body::plain(news), now).await?;
            return Ok(Receipt(Some(id.to_owned())));
        }
        let mut whole = self.whole(notification);
        hush(&mut whole.json, notification);
        self.post(whole, now).await.map(Receipt)
    }

    /// What the first message shows, now and after each edit.
    fn whole(&self, notification: &Notification) -> Body {
        let picture = self.writer.picture(notification);
        let name = picture.as_ref().map(|_| PICTURE);
        Body {
            json: embed::whole(&self.writer.message(notification), name),
            picture,
        }
    }

    /// Brings the first message up to date; gives whether it still stands.
    async fn edit(&self, body: Body, id: &str, now: Timestamp) -> Result<bool, DeliveryError> {
        let address = |url: &mut Url| {
            if let Ok(mut path) = url.path_segments_mut() {
                path.pop_if_empty().extend(["messages", id]);
            }
        };
        let reply = self.request(Method::PATCH, address, body, now).await?;
        // 404 is a message that was deleted, or the webhook: posting will tell. 400 may be a
        // message that cannot be edited any more.
        if matches!(reply.status.as_u16(), 400 | 404) {
            return Ok(false);
        }
        accepted(reply).map(|_| true)
    }

    /// Posts a message; gives its id.
    async fn post(&self, body: Body, now: Timestamp) -> Result<Option<String>, DeliveryError> {
        let address = |url: &mut Url| {
            url.query_pairs_mut().append_pair("wait", "true");
        };
        let reply = self.request(Method::POST, address, body, now).await?;
        let answer = accepted(reply)?;
        let posted = serde_json::from_slice::<Posted>(&answer).ok();
        Ok(posted.map(|posted| posted.id).filter(|id| is_id(id)))
    }

    async fn request(
        &self,
        method: Method,
        address: impl FnOnce(&mut Url),
        body: Body,
        now: Timestamp,
    ) -> Result<Reply, DeliveryError> {
        let mut redaction = Redaction::default();
        let mut url = http::reveal_url(&self.url, &mut redaction)?;
        address(&mut url);
        let (content_type, bytes) = body.encode();
        let post = Post {
            url,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type)]),
            body: bytes,
            redaction,
        };
        let reply = self.http.send(method, post, now).await?;
        Ok(reply)
    }
}

impl Receiver for Discord {
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        receipt: Option<&'a str>,
        now: Timestamp,
    ) -> Attempt<'a> {
        Box::pin(self.send(notification, receipt, now))
    }
}

impl Body {
    const fn plain(json: Value) -> Self {
        Self {
            json,
            picture: None,
        }
    }

    /// JSON alone, or a form of JSON and the picture, as
    /// <https://discord.com/developers/docs/reference#uploading-files> describes it.
    fn encode(self) -> (HeaderValue, Vec<u8>) {
        let json = self.json.to_string();
        let Some(picture) = self.picture else {
            let json_type = HeaderValue::from_static("application/json");
            return (json_type, json.into_bytes());
        };
        let mut form = format!(
            "--{BOUNDARY}\r\n\
             content-disposition: form-data; name=\"payload_json\"\r\n\
             content-type: application/json\r\n\r\n\
             {json}\r\n\
             --{BOUNDARY}\r\n\
             content-disposition: form-data; name=\"files[0]\"; filename=\"{PICTURE}\"\r\n\
             content-type: image/png\r\n\r\n"
        )
        .into_bytes();
        form.extend(picture);
        form.extend(format!("\r\n--{BOUNDARY}--\r\n").into_bytes());
        let form_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let form_type = HeaderValue::try_from(form_type);
        let form_type = form_type.unwrap_or(HeaderValue::from_static("multipart/form-data"));
        (form_type, form)
    }
}

/// The body of a success. A refusal may say in its body how long to wait.
fn accepted(reply: Reply) -> Result<Vec<u8>, DeliveryError> {
    let limited = reply.status.as_u16() == 429;
    let asked = serde_json::from_slice::<Refusal>(&reply.body).ok();
    let asked = asked.and_then(|refusal| refusal.retry_after);
    let mut answer = reply.answer();
    if let (true, Err(error), Some(secs)) = (limited, &mut answer, asked)
        && let ErrorClass::Retry { after } = &mut error.class
    {
        *after = (*after).max(Some(http::wait_secs(secs)));
        error.reason = FailureReason::RateLimited;
    }
    Ok(answer?.body)
}

/// A message of little weight makes no sound.
fn hush(json: &mut Value, notification: &Notification) {
    if chat::is_quiet(notification) {
        json["flags"] = SILENT.into();
    }
}

/// A snowflake: what else a receipt may be does not belong into a URL.
fn is_id(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
