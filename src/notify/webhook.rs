//! Generic webhook with the body of Alertmanager's webhook, version 4, one alert per body.
//!
//! Everything that understands Alertmanager understands this. The header `webhook-id` names the
//! message, so that a receiver can drop repetitions; see `signature`.

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::config::secret::Secret;
use crate::config::settings::{Auth, ReceiverKind, ReceiverSettings};
use crate::engine::labels::Fnv;
use crate::engine::{Notification, NotificationKind, Timestamp};

use super::error::{DeliveryError, Problem};
use super::http::{self, HttpSender, Post};
use super::redaction::Redaction;
use super::{Attempt, Receipt, Receiver, signature};
use crate::message::{Writer, annotations, figures};

/// How Alertmanager writes the end of an alert that has none.
const NO_END: &str = "0001-01-01T00:00:00Z";

/// One endpoint.
pub(super) struct Webhook {
    http: HttpSender,
    url: Secret,
    auth: Auth,
    headers: Vec<(HeaderName, Secret)>,
    signing_secret: Option<Secret>,
    writer: Writer,
}

impl Webhook {
    pub(super) fn new(settings: &ReceiverSettings, writer: Writer) -> Result<Self, Problem> {
        let ReceiverKind::Webhook {
            url,
            auth,
            headers,
            signing_secret,
            body_signature: _,
        } = &settings.kind
        else {
            return Err(super::mismatch());
        };
        http::check_url(url)?;
        let known_key = signing_secret.as_ref().and_then(Secret::peek);
        if known_key.is_some_and(|secret| signature::key(secret).is_none()) {
            return Err(Problem::new(BAD_SECRET));
        }
        let headers = headers
            .iter()
            .map(|(name, value)| Ok((http::header_name(name)?, value.clone())))
            .collect::<Result<_, Problem>>()?;
        Ok(Self {
            http: HttpSender::new(settings)?,
            url: url.clone(),
            auth: auth.clone(),
            headers,
            signing_secret: signing_secret.clone(),
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
        let body = body(notification, &self.writer).to_string().into_bytes();
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
            redaction.hide(secret.expose_secret());
            let timestamp = signature::timestamp(now);
            let signature = signature::sign(secret.expose_secret(), &id, &timestamp, body);
            let signature = signature.ok_or_else(|| DeliveryError::local(BAD_SECRET))?;
            headers.insert("webhook-timestamp", ascii(&timestamp));
            headers.insert("webhook-signature", ascii(&signature));
        }
        headers.insert("webhook-id", ascii(&id));
        Ok(headers)
    }
}

const BAD_SECRET: &str = "signing_secret is not whsec_ and the base64 of at least 16 bytes";

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
    let facts = &notification.facts;
    let message = writer.message(notification);
    let key = notification.dedup_key();
    let (labels, annotations) = (facts.matching_labels(), annotations::of(facts, &message));
    let alertname = labels.get("alertname");
    let status = match notification.kind {
        NotificationKind::Resolve => "resolved",
        NotificationKind::Trigger | NotificationKind::Update => "firing",
    };
    let reason = match notification.kind {
        NotificationKind::Trigger => "first notification",
        NotificationKind::Update => "alert updated",
        NotificationKind::Resolve => "all alerts resolved",
    };
    let ends_at = facts
        .resolved_at
        .map_or_else(|| NO_END.to_owned(), figures::rfc3339);
    json!({
        "version": "4",
        "groupKey": key,
        "truncatedAlerts": 0,
        "status": status,
        "receiver": notification.receiver,
        "notification_reason": reason,
        "groupLabels": { "alertname": alertname, "service": facts.service, "slo": facts.slo },
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "routeLabels": {},
        "externalURL": writer.external().map_or("", Url::as_str),
        "alerts": [{
            "status": status,
            "labels": labels,
            "annotations": annotations,
            "startsAt": figures::rfc3339(facts.started_at),
            "endsAt": ends_at,
            "generatorURL": message.own_link().unwrap_or_default(),
            "fingerprint": fingerprint(&key),
        }],
    })
}

fn fingerprint(key: &str) -> String {
    let mut hash = Fnv::default();
    hash.write(key.as_bytes());
    format!("{:016x}", hash.0)
}

#[cfg(test)]
mod tests;
