//! Generic webhook with the body of Alertmanager's webhook, version 4.
//!
//! Everything that understands Alertmanager understands this. A body has the alerts of one group,
//! or one alert; what all of them share is said once more in `common...`. The header `webhook-id`
//! names the message, so that a receiver can drop repetitions; see `signature`. As Standard
//! Webhooks asks, redirects are not followed and 410 is the end of it.

use std::collections::BTreeMap;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::config::secret::Secret;
use crate::config::settings::{Auth, BodySignature, ReceiverKind, ReceiverSettings};
use crate::engine::labels::Fnv;
use crate::engine::{Labels, Notification, NotificationKind, Reason, ThreadKey, Timestamp};

use super::error::{DeliveryError, Problem};
use super::http::{self, HttpSender, Post};
use super::redaction::Redaction;
use super::{Attempt, Receipt, Receiver, digest, signature};
use crate::message::figures;
use crate::message::{Writer, annotations};

/// How Alertmanager writes the end of an alert that has none.
const NO_END: &str = "0001-01-01T00:00:00Z";

/// Largest body that a template may give, in bytes.
const BODY_BYTES_MAX: usize = 1 << 20;

/// One endpoint.
pub(super) struct Webhook {
    http: HttpSender,
    url: Secret,
    auth: Auth,
    headers: Vec<(HeaderName, Secret)>,
    signing_secret: Option<Secret>,
    body_signature: Option<(HeaderName, BodySignature)>,
    writer: Writer,
}

impl Webhook {
    pub(super) fn new(settings: &ReceiverSettings, writer: Writer) -> Result<Self, Problem> {
        let ReceiverKind::Webhook {
            url,
            auth,
            headers,
            signing_secret,
            body_signature,
        } = &settings.kind
        else {
            return Err(super::mismatch());
        };
        http::check_url(url)?;
        let known_key = signing_secret.as_ref().and_then(Secret::peek);
        if known_key.is_some_and(|secret| signature::keys(secret).is_none()) {
            return Err(Problem::new(BAD_SECRET));
        }
        let body_signature = body_signature.as_ref().map(|wanted| {
            let header = http::header_name(&wanted.header);
            let header = header.map_err(|problem| problem.in_field("body_signature:"))?;
            Ok((header, wanted.clone()))
        });
        Ok(Self {
            http: HttpSender::new(settings)?,
            url: url.clone(),
            auth: auth.clone(),
            headers: http::header_names(headers)?,
            signing_secret: signing_secret.clone(),
            body_signature: body_signature.transpose()?,
            writer,
        })
    }

    async fn send(
        &self,
        notification: &Notification,
        now: Timestamp,
    ) -> Result<Receipt, DeliveryError> {
        let mut redaction = Redaction::default();
        let url = http::reveal_url(&self.url, &mut redaction)?;
        let body = self.body(notification).into_bytes();
        let headers = self.headers(notification, &body, now, &mut redaction)?;
        let post = Post {
            url,
            headers,
            body,
            redaction,
        };
        self.http.post(post, now).await?;
        Ok(Receipt::default())
    }

    /// The user's body, or Alertmanager's: a template that fails must not cost the notification.
    fn body(&self, notification: &Notification) -> String {
        let written = self.writer.body(notification).map(|written| {
            let text = written.map_err(|error| error.to_string())?;
            if text.len() > BODY_BYTES_MAX {
                let size = text.len();
                return Err(format!("{size} bytes, at most {BODY_BYTES_MAX} are sent"));
            }
            match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
                Ok(_is_json) => Ok(text),
                Err(error) => Err(format!("not JSON: {error}")),
            }
        });
        match written {
            Some(Ok(text)) => text,
            Some(Err(error)) => {
                let receiver = &notification.receiver;
                tracing::warn!(
                    receiver,
                    error,
                    "Template of the body failed; sent the usual body"
                );
                body(notification, &self.writer).to_string()
            }
            None => body(notification, &self.writer).to_string(),
        }
    }

    fn headers(
        &self,
        notification: &Notification,
        body: &[u8],
        now: Timestamp,
        redaction: &mut Redaction,
    ) -> Result<HeaderMap, DeliveryError> {
        let mut headers = HeaderMap::new();
        for (name, secret) in &self.headers {
            let value = http::reveal_header(name.as_str(), "", secret, redaction)?;
            headers.insert(name, value);
        }
        if let Some(value) = http::authorization(&self.auth, redaction)? {
            headers.insert(AUTHORIZATION, value);
        }
        let id = signature::message_id(notification);
        if let Some(secret) = &self.signing_secret {
            let secret = secret.reveal()?;
            for one in secret.expose_secret().split_whitespace() {
                redaction.hide(one);
            }
            let timestamp = signature::timestamp(now);
            let signature = signature::sign(secret.expose_secret(), &id, &timestamp, body);
            let signature = signature.ok_or_else(|| DeliveryError::local(BAD_SECRET))?;
            headers.insert("webhook-timestamp", ascii(&timestamp));
            headers.insert("webhook-signature", ascii(&signature));
        }
        headers.insert("webhook-id", ascii(&id));
        if let Some((name, wanted)) = &self.body_signature {
            let secret = wanted.secret.reveal()?;
            redaction.hide(secret.expose_secret());
            let digits = signature::hex(secret.expose_secret(), body)
                .ok_or_else(|| DeliveryError::local("body_signature: the key cannot be used"))?;
            let value = HeaderValue::try_from(format!("{}{digits}", wanted.prefix));
            let value = value.map_err(|_| {
                DeliveryError::local(
                    "body_signature: the prefix holds characters no header may hold",
                )
            })?;
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

const BAD_SECRET: &str =
    "signing_secret is not whsec_ and the base64 of at least 16 bytes, once or several times";

fn ascii(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).expect("digits, hexadecimal and base64 are legal in headers")
}

impl Receiver for Webhook {
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        _receipt: Option<&'a str>,
        now: Timestamp,
    ) -> Attempt<'a> {
        Box::pin(self.send(notification, now))
    }
}

fn body(notification: &Notification, writer: &Writer) -> Value {
    let alone = digest::apart(notification);
    let alerts: Vec<Alert> = alone
        .iter()
        .map(|alone| Alert::new(alone, writer))
        .collect();
    let omitted = notification.group.as_ref().map_or(0, |group| group.omitted);
    json!({
        "version": "4",
        "groupKey": notification.dedup_key(),
        "truncatedAlerts": omitted,
        "status": status(notification.kind),
        "receiver": notification.receiver,
        "notification_reason": reason(notification),
        "groupLabels": group_labels(notification),
        "commonLabels": common(alerts.iter().map(|alert| &alert.labels)),
        "commonAnnotations": common(alerts.iter().map(|alert| &alert.annotations)),
        "routeLabels": notification.route_labels,
        "externalURL": writer.external().map_or("", Url::as_str),
        "alerts": alerts.into_iter().map(Alert::json).collect::<Vec<_>>(),
    })
}

/// One of `alerts`.
struct Alert {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    rest: Value,
}

impl Alert {
    fn new(alone: &Notification, writer: &Writer) -> Self {
        let facts = &alone.facts;
        let message = writer.message(alone);
        let ends_at = facts
            .resolved_at
            .map_or_else(|| NO_END.to_owned(), figures::rfc3339);
        Self {
            labels: owned(&facts.matching_labels()),
            annotations: annotations::of(facts, &message),
            rest: json!({
                "status": status(alone.kind),
                "startsAt": figures::rfc3339(facts.started_at),
                "endsAt": ends_at,
                "generatorURL": message.own_link().unwrap_or_default(),
                "fingerprint": fingerprint(&facts.key.dedup_key()),
            }),
        }
    }

    fn json(self) -> Value {
        let mut alert = self.rest;
        alert["labels"] = json!(self.labels);
        alert["annotations"] = json!(self.annotations);
        alert
    }
}

const fn status(kind: NotificationKind) -> &'static str {
    match kind {
        NotificationKind::Resolve => "resolved",
        NotificationKind::Trigger | NotificationKind::Update => "firing",
    }
}

/// Alertmanager's words (0.32), where it has some for what happened.
fn reason(notification: &Notification) -> &'static str {
    let members = notification.group.as_ref().map(|group| &group.members);
    let some_ended = members.is_some_and(|all| all.iter().any(|one| one.resolved_at.is_some()));
    match (notification.kind, &notification.facts.reason) {
        (NotificationKind::Trigger, _) => "first notification",
        (NotificationKind::Resolve, _) => "all alerts resolved",
        (NotificationKind::Update, Reason::Repeated) => "repeat interval elapsed",
        (NotificationKind::Update, Reason::GroupChanged) if some_ended => "some alerts resolved",
        (NotificationKind::Update, Reason::GroupChanged) => "new alerts added",
        (NotificationKind::Update, _) => "alert updated",
    }
}

/// What holds the alerts together: the labels that the route groups by, nothing in a storm; a
/// single alert is a group of its own.
fn group_labels(notification: &Notification) -> BTreeMap<String, String> {
    let facts = &notification.facts;
    match notification.group.as_ref().map(|group| &group.key) {
        Some(ThreadKey::Group { labels, .. }) => owned(labels),
        Some(ThreadKey::Storm { .. }) => BTreeMap::new(),
        None => {
            let labels = facts.matching_labels();
            let alertname = labels.get("alertname").unwrap_or_default();
            let pairs = [
                ("alertname", alertname),
                ("service", &facts.service),
                ("slo", &facts.slo),
            ];
            let owned = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
            BTreeMap::from(owned)
        }
    }
}

/// The pairs that all have.
fn common<'a>(
    mut all: impl Iterator<Item = &'a BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let mut common = all.next().cloned().unwrap_or_default();
    for one in all {
        common.retain(|name, value| one.get(name) == Some(value));
    }
    common
}

fn owned(labels: &Labels) -> BTreeMap<String, String> {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    labels.iter().map(owned).collect()
}

fn fingerprint(key: &str) -> String {
    let mut hash = Fnv::default();
    hash.write(key.as_bytes());
    format!("{:016x}", hash.0)
}

#[cfg(test)]
mod tests;
