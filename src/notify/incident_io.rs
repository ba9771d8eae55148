//! incident.io, alert events of an HTTP alert source.
//!
//! Every notification is an event under the dedup key: `firing` opens the alert or adds to it,
//! `resolved` closes it. 202 means accepted.
//! Limits: <https://api-docs.incident.io/tag/Alert-Events-V2>; an event has at most 512 KB, what
//! else is bounded here is bounded by us.

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Map, Value, json};

use crate::config::secret::Secret;
use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::engine::{Notification, NotificationKind, Timestamp};
use crate::message::{Message, Writer, text};

use super::error::{DeliveryError, Problem};
use super::http::{self, HttpSender, Post};
use super::redaction::Redaction;
use super::{Attempt, Receipt, Receiver, digest};

/// Longest `title`, in characters; ours.
const TITLE_CHARS_MAX: usize = 500;
/// Longest `description` before its markup, in characters; ours.
const DESCRIPTION_CHARS_MAX: usize = 20_000;
/// Longest label, in characters; ours.
const LABEL_CHARS_MAX: usize = 1000;
/// Most labels; ours: with their lengths they stay far below 512 KB.
const LABELS_MAX: usize = 64;

/// One alert source.
pub(super) struct IncidentIo {
    http: HttpSender,
    token: Secret,
    url: Url,
    writer: Writer,
}

impl IncidentIo {
    pub(super) fn new(settings: &ReceiverSettings, writer: Writer) -> Result<Self, Problem> {
        let ReceiverKind::IncidentIo { token, url } = &settings.kind else {
            return Err(super::mismatch());
        };
        Ok(Self {
            http: HttpSender::new(settings)?,
            token: token.clone(),
            url: http::parse_url(url).map_err(|problem| problem.in_field("url"))?,
            writer,
        })
    }

    async fn send(
        &self,
        notification: &Notification,
        now: Timestamp,
    ) -> Result<Receipt, DeliveryError> {
        let mut redaction = Redaction::default();
        redaction.hide_url(&self.url);
        let token = http::reveal_header("authorization", "Bearer ", &self.token, &mut redaction)?;
        let post = Post {
            url: self.url.clone(),
            headers: HeaderMap::from_iter([(AUTHORIZATION, token)]),
            body: event(notification, &self.writer).to_string().into_bytes(),
            redaction,
        };
        self.http.post(post, now).await?;
        Ok(Receipt::default())
    }
}

impl Receiver for IncidentIo {
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        _receipt: Option<&'a str>,
        now: Timestamp,
    ) -> Attempt<'a> {
        Box::pin(self.send(notification, now))
    }
}

fn event(notification: &Notification, writer: &Writer) -> Value {
    let message = writer.message(notification);
    let status = match notification.kind {
        NotificationKind::Trigger | NotificationKind::Update => "firing",
        NotificationKind::Resolve => "resolved",
    };
    let mut event = json!({
        "title": text::line(&message.title, TITLE_CHARS_MAX),
        "status": status,
        "deduplication_key": notification.dedup_key(),
        "description": description(&message),
        "metadata": metadata(notification),
    });
    if let Some(url) = message.own_link() {
        event["source_url"] = url.into();
    }
    event
}

/// The lines as Markdown paragraphs; what comes from outside is text, the links are ours.
fn description(message: &Message) -> String {
    let lines = digest::lines(message);
    let text = digest::paragraph(&lines, DESCRIPTION_CHARS_MAX);
    let mut paragraphs: Vec<String> = text.lines().map(escaped).collect();
    let links = message.links.iter();
    let links: Vec<String> = links
        .map(|link| format!("[{}](<{}>)", link.name, link.url.replace(['<', '>'], "")))
        .collect();
    if !links.is_empty() {
        paragraphs.push(links.join(" · "));
    }
    paragraphs.join("\n\n")
}

/// Markdown that shows the text: CommonMark lets a backslash stand before any ASCII punctuation.
fn escaped(text: &str) -> String {
    const MARKUP: &str = "\\`*_{}[]()<>#+-!|~&";
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if MARKUP.contains(c) {
            shown.push('\\');
        }
        shown.push(c);
    }
    shown
}

/// What alert routes there match on.
fn metadata(notification: &Notification) -> Value {
    let facts = &notification.facts;
    let shown = |text: &str| text::line(text, LABEL_CHARS_MAX);
    let all = facts.matching_labels();
    let labels = all.iter().take(LABELS_MAX);
    let labels: Map<String, Value> = labels
        .map(|(name, value)| (shown(name), shown(value).into()))
        .collect();
    let omitted = all.iter().count() - labels.len();
    let mut metadata = json!({
        "severity": facts.severity.as_str(),
        "service": shown(&facts.service),
        "slo": shown(&facts.slo),
        "labels": labels,
        "route_labels": notification.route_labels,
    });
    if omitted > 0 {
        metadata["truncated"] = format!("{omitted} labels left out").into();
    }
    if let Some(group) = &notification.group {
        metadata["alerts_firing"] = group.firing.into();
    }
    for (name, value) in digest::context(facts) {
        metadata[name] = value.into();
    }
    metadata
}

#[cfg(test)]
mod tests;
