//! PagerDuty, Events API v2.
//!
//! A trigger opens an alert under the dedup key, an update adds to it, a resolve closes it. A late
//! trigger would open it again, hence the order that the outbox keeps. 202 means queued.
//! Limits: <https://developer.pagerduty.com/docs/send-alert-event>.

use reqwest::Url;
use reqwest::header::HeaderMap;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use crate::config::secret::Secret;
use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::engine::{
    AlertFacts, AlertKey, Notification, NotificationKind, Severity, TierFacts, Timestamp,
};

use super::error::{DeliveryError, Problem};
use super::http::{self, HttpSender, Post};
use super::redaction::Redaction;
use super::{Attempt, Receipt, Receiver};
use crate::message::{Message, Writer};
use crate::message::{figures, text};

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
    writer: Writer,
}

impl PagerDuty {
    pub(super) fn new(settings: &ReceiverSettings, writer: Writer) -> Result<Self, Problem> {
        let ReceiverKind::PagerDuty {
            routing_key, url, ..
        } = &settings.kind
        else {
            return Err(super::mismatch());
        };
        let http = HttpSender::new(settings)?;
        let url = http::parse_url(url).map_err(|problem| problem.in_field("url"))?;
        Ok(Self {
            http,
            routing_key: routing_key.clone(),
            url,
            writer,
        })
    }

    async fn send(
        &self,
        notification: &Notification,
        now: Timestamp,
    ) -> Result<Receipt, DeliveryError> {
        let routing_key = self.routing_key.reveal()?;
        let mut redaction = Redaction::default();
        redaction.hide_url(&self.url);
        redaction.hide(routing_key.expose_secret());
        let post = Post {
            url: self.url.clone(),
            headers: HeaderMap::new(),
            body: event(notification, routing_key.expose_secret(), &self.writer),
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
}

/// The event as bytes, within the size limit.
fn event(notification: &Notification, routing_key: &str, writer: &Writer) -> Vec<u8> {
    let key = notification.dedup_key();
    if notification.kind == NotificationKind::Resolve {
        let event = json!({
            "routing_key": routing_key,
            "event_action": "resolve",
            "dedup_key": key,
        });
        return event.to_string().into_bytes();
    }
    let message = writer.message(notification);
    let mut event = trigger(&notification.facts, &message, routing_key, &key);
    let bytes = event.to_string().into_bytes();
    if bytes.len() <= EVENT_BYTES_MAX {
        return bytes;
    }
    // What is left is bounded by the limits of a message, far below the event's.
    let note = format!(
        "labels, annotations and tiers are left out: with them the event has {} bytes, \
         and PagerDuty takes {EVENT_BYTES_MAX}",
        bytes.len()
    );
    let mut details = readable(&message);
    details.insert("truncated".to_owned(), note.into());
    event["payload"]["custom_details"] = Value::Object(details);
    event.to_string().into_bytes()
}

fn trigger(facts: &AlertFacts, message: &Message, routing_key: &str, key: &str) -> Value {
    let links: Vec<Value> = message
        .links
        .iter()
        .map(|link| json!({ "href": link.url, "text": link.name }))
        .collect();
    let source = format!("{}/{}{}", facts.service, facts.slo, facts.labels);
    let mut event = json!({
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": key,
        "client": "slofuse",
        "links": links,
        "payload": {
            "summary": text::line(&message.title, SUMMARY_CHARS_MAX),
            "source": text::line(&source, DETAIL_CHARS_MAX),
            "severity": severity(facts.severity),
            "timestamp": figures::rfc3339(facts.started_at),
            "component": text::line(&facts.slo, DETAIL_CHARS_MAX),
            "group": text::line(&facts.service, DETAIL_CHARS_MAX),
            "class": class(&facts.key),
            "custom_details": structured(facts, message),
        },
    });
    if let Some(url) = message.own_link() {
        event["client_url"] = url.into();
    }
    event
}

/// What a person reads in the incident: the sentences of the message by name.
fn readable(message: &Message) -> Map<String, Value> {
    let why = ("Why".to_owned(), Value::from(message.why.as_str()));
    let facts = message.facts.iter();
    let facts = facts.map(|fact| (fact.name.to_owned(), Value::from(fact.value.as_str())));
    std::iter::once(why).chain(facts).collect()
}

/// The sentences, and the numbers and labels for event rules to match on.
fn structured(facts: &AlertFacts, message: &Message) -> Map<String, Value> {
    let mut details = readable(message);
    let document = &facts.document;
    for (name, pairs) in [
        ("labels", pairs(facts.labels.iter())),
        ("definition_labels", pairs(strings(&document.labels))),
        ("annotations", pairs(strings(&document.annotations))),
    ] {
        if !pairs.is_empty() {
            details.insert(name.to_owned(), Value::Object(pairs));
        }
    }
    if !facts.tiers.is_empty() {
        details.insert("tiers".to_owned(), facts.tiers.iter().map(tier).collect());
    }
    details
}

fn tier(tier: &TierFacts) -> Value {
    json!({
        "long_window": tier.long.to_string(),
        "short_window": tier.short.to_string(),
        "long_burn": tier.long_burn,
        "short_burn": tier.short_burn,
        "limit": tier.factor,
        "bad_events": tier.bad_events,
        "total_events": tier.total_events,
    })
}

fn strings(map: &std::collections::BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    map.iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

fn pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Map<String, Value> {
    let shown = |text| text::line(text, DETAIL_CHARS_MAX);
    pairs
        .map(|(name, value)| (shown(name), Value::from(shown(value))))
        .collect()
}

/// PagerDuty's words; by default its services wake people for `critical` only.
const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Page => "critical",
        Severity::Ticket => "warning",
        Severity::Info => "info",
    }
}

const fn class(key: &AlertKey) -> &'static str {
    match key {
        AlertKey::Burn { .. } => "burn",
        AlertKey::Blind { .. } => "blind",
        AlertKey::SourceDown { .. } => "source_down",
    }
}

#[cfg(test)]
mod tests;
