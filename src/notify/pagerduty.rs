//! PagerDuty, Events API v2.
//!
//! A trigger opens an alert under the dedup key, an update adds to it, a resolve closes it. A late
//! trigger would open it again, hence the order that the outbox keeps. 202 means queued. A group is
//! one incident under the group's key. Once somebody looks after an alert, its incident is
//! acknowledged. Changes of the configuration are change events, which notify nobody.
//! Limits: <https://developer.pagerduty.com/docs/send-alert-event>,
//! <https://developer.pagerduty.com/docs/send-change-event>.

mod details;

use reqwest::Url;
use reqwest::header::HeaderMap;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::config::secret::Secret;
use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::engine::{
    AlertKey, Notification, NotificationKind, Reason, Severity, ThreadKey, Timestamp,
};

use super::error::{DeliveryError, Problem};
use super::http::{self, HttpSender, Post};
use super::redaction::Redaction;
use super::{Attempt, Change, Receipt, Receiver, chat};
use crate::message::{Message, Writer};
use crate::message::{figures, text};
use details::{readable, structured};

/// Longest `payload.summary`, in characters.
const SUMMARY_CHARS_MAX: usize = 1024;
/// Largest event, in bytes: PagerDuty's 512 KB read the strict way.
const EVENT_BYTES_MAX: usize = 512_000;
/// Longest label or annotation shown, in characters.
const DETAIL_CHARS_MAX: usize = 1000;

/// One integration.
pub(super) struct PagerDuty {
    http: HttpSender,
    routing_key: Secret,
    url: Url,
    change_url: Option<Url>,
    writer: Writer,
}

impl PagerDuty {
    pub(super) fn new(settings: &ReceiverSettings, writer: Writer) -> Result<Self, Problem> {
        let ReceiverKind::PagerDuty {
            routing_key,
            url,
            change_url,
        } = &settings.kind
        else {
            return Err(super::mismatch());
        };
        let http = HttpSender::new(settings)?;
        let url = http::parse_url(url).map_err(|problem| problem.in_field("url"))?;
        let change_url = change_url.as_deref().map(http::parse_url).transpose();
        let change_url = change_url.map_err(|problem| problem.in_field("change_url"))?;
        Ok(Self {
            http,
            routing_key: routing_key.clone(),
            url,
            change_url,
            writer,
        })
    }

    async fn send(
        &self,
        notification: &Notification,
        now: Timestamp,
    ) -> Result<Receipt, DeliveryError> {
        let body = |key: &str| event(notification, key, &self.writer);
        self.enqueue(&self.url, body, now).await
    }

    async fn send_change(&self, change: &Change, now: Timestamp) -> Result<Receipt, DeliveryError> {
        let Some(url) = &self.change_url else {
            return Ok(Receipt::default());
        };
        let body = |key: &str| change_event(change, key, &self.writer);
        self.enqueue(url, body, now).await
    }

    async fn enqueue(
        &self,
        url: &Url,
        body: impl FnOnce(&str) -> Vec<u8> + Send,
        now: Timestamp,
    ) -> Result<Receipt, DeliveryError> {
        let routing_key = self.routing_key.reveal()?;
        let mut redaction = Redaction::default();
        redaction.hide_url(url);
        redaction.hide(routing_key.expose_secret());
        let post = Post {
            url: url.clone(),
            headers: HeaderMap::new(),
            body: body(routing_key.expose_secret()),
            redaction,
        };
        self.http.post(post, now).await?;
        Ok(Receipt::default())
    }
}

impl Receiver for PagerDuty {
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        _receipt: Option<&'a str>,
        now: Timestamp,
    ) -> Attempt<'a> {
        Box::pin(self.send(notification, now))
    }

    fn show_change<'a>(&'a self, change: &'a Change, now: Timestamp) -> Attempt<'a> {
        Box::pin(self.send_change(change, now))
    }
}

/// The event as bytes, within the size limit.
fn event(notification: &Notification, routing_key: &str, writer: &Writer) -> Vec<u8> {
    let key = notification.dedup_key();
    if let Some(action) = bare_action(notification) {
        let event = json!({
            "routing_key": routing_key,
            "event_action": action,
            "dedup_key": key,
        });
        return event.to_string().into_bytes();
    }
    let message = writer.message(notification);
    let mut event = trigger(notification, &message, routing_key, &key);
    if let Some(image) = image(notification, &message, writer) {
        event["images"] = json!([image]);
    }
    let bytes = event.to_string().into_bytes();
    if bytes.len() <= EVENT_BYTES_MAX {
        return bytes;
    }
    // What is left is bounded by the limits of a message, far below the event's.
    let note = format!(
        "labels, annotations, tiers and alerts are left out: with them the event has {} bytes, \
         and PagerDuty takes {EVENT_BYTES_MAX}",
        bytes.len()
    );
    let mut details = readable(&message);
    details.insert("truncated".to_owned(), note.into());
    event["payload"]["custom_details"] = Value::Object(details);
    event.to_string().into_bytes()
}

/// The actions that carry nothing but the key. A group is acknowledged once all of it is looked
/// after: an acknowledged incident rouses nobody else.
fn bare_action(notification: &Notification) -> Option<&'static str> {
    let acknowledged = matches!(notification.facts.reason, Reason::Acknowledged { .. });
    match notification.kind {
        NotificationKind::Resolve => Some("resolve"),
        NotificationKind::Update
            if acknowledged
                && (notification.group.is_none() || chat::keeper(notification).is_some()) =>
        {
            Some("acknowledge")
        }
        NotificationKind::Trigger | NotificationKind::Update => None,
    }
}

fn trigger(notification: &Notification, message: &Message, routing_key: &str, key: &str) -> Value {
    let facts = &notification.facts;
    let links: Vec<Value> = message
        .links
        .iter()
        .map(|link| json!({ "href": link.url, "text": link.name }))
        .collect();
    let mut event = json!({
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": key,
        "client": "slofuse",
        "links": links,
        "payload": {
            "summary": text::line(&message.title, SUMMARY_CHARS_MAX),
            "source": text::line(&source(notification), DETAIL_CHARS_MAX),
            "severity": severity(facts.severity),
            "timestamp": figures::rfc3339(facts.started_at),
            "component": text::line(&facts.slo, DETAIL_CHARS_MAX),
            "group": text::line(&facts.service, DETAIL_CHARS_MAX),
            "class": class(notification),
            "custom_details": structured(notification, message),
        },
    });
    if let Some(url) = message.own_link() {
        event["client_url"] = url.into();
    }
    event
}

/// A change of the configuration, which PagerDuty shows beside the incidents that follow it.
fn change_event(change: &Change, routing_key: &str, writer: &Writer) -> Vec<u8> {
    let mut event = json!({
        "routing_key": routing_key,
        "payload": {
            "summary": text::line(&change.summary, SUMMARY_CHARS_MAX),
            "timestamp": figures::rfc3339(change.at),
            "source": "slofuse",
            "custom_details": {},
        },
    });
    if let Some(url) = writer.external() {
        event["links"] = json!([{ "href": url.as_str(), "text": "slofuse" }]);
    }
    event.to_string().into_bytes()
}

/// The picture, which PagerDuty shows only from an `https` URL.
fn image(notification: &Notification, message: &Message, writer: &Writer) -> Option<Value> {
    let url = writer.picture_url(notification)?;
    let url = url.starts_with("https://").then_some(url)?;
    let mut image = json!({ "src": url, "alt": "Burn and budget over the last hours" });
    if let Some(own) = message.own_link() {
        image["href"] = own.into();
    }
    Some(image)
}

/// What is affected: the instance, or what holds a group together.
fn source(notification: &Notification) -> String {
    let facts = &notification.facts;
    match notification.group.as_deref().map(|group| &group.key) {
        Some(key) => key.to_string(),
        None => format!("{}/{}{}", facts.service, facts.slo, facts.labels),
    }
}

/// PagerDuty's words; by default its services wake people for `critical` only.
const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Page => "critical",
        Severity::Ticket => "warning",
        Severity::Info => "info",
    }
}

fn class(notification: &Notification) -> &'static str {
    match notification.group.as_deref().map(|group| &group.key) {
        Some(ThreadKey::Group { .. }) => return "group",
        Some(ThreadKey::Storm { .. }) => return "storm",
        None => {}
    }
    match &notification.facts.key {
        AlertKey::Burn { .. } => "burn",
        AlertKey::Blind { .. } => "blind",
        AlertKey::SourceDown { .. } => "source_down",
    }
}

#[cfg(test)]
mod tests;
