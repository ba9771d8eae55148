//! Other programs: webhooks and Alertmanager.

use crate::config::field::{Field, Section};
use crate::config::raw::settings as raw;
use crate::config::settings::{Auth, BodySignature, ReceiverKind};
use crate::config::value::WebUrl;
use crate::engine::Span;

use super::super::secret::Outside;
use super::super::settings::{headers, span};
use super::{plain, web_secret};

/// Peers of one cluster of Alertmanagers.
const PEERS_MAX: usize = 16;

/// A generic webhook.
pub(super) fn webhook(
    section: &Section<'_>,
    field: &Field<raw::Webhook>,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let (section, raw) = (&section.within(field, "webhook"), field.value()?);
    let url = web_secret(section, &raw.url, "url", outside);
    let auth = outside.auth(section, &raw.basic_auth, &raw.bearer_token);
    let headers = headers(section, &raw.headers, outside);
    let signing_secret = outside.secret(section, &raw.signing_secret);
    let body_signature = match raw.body_signature.is_absent() {
        true => Some(None),
        false => {
            let section = section.within(&raw.body_signature, "body_signature");
            let raw = raw.body_signature.value()?;
            body_signature(&section, raw, outside).map(Some)
        }
    };
    let (url, auth, headers) = (url?, auth?, headers?);
    if !matches!(auth, Auth::None) || !headers.is_empty() {
        let text = url.peek().unwrap_or_default();
        plain(section, &raw.url, text, "the credentials");
    }
    Some(ReceiverKind::Webhook {
        url,
        auth,
        headers,
        signing_secret: signing_secret?,
        body_signature: body_signature?,
    })
}

fn body_signature(
    section: &Section<'_>,
    raw: &raw::BodySignature,
    outside: &Outside<'_>,
) -> Option<BodySignature> {
    let secret = outside.required_secret(section, &raw.secret, "secret");
    let header = section.or(&raw.header, "X-Hub-Signature-256".to_owned());
    let prefix = section.or(&raw.prefix, "sha256=".to_owned());
    let (header, prefix) = (header?, prefix?);
    if reqwest::header::HeaderName::from_bytes(header.as_bytes()).is_err() {
        let message = "this is not the name of a header";
        section.refuse(&raw.header, message, "use letters, digits and -");
        return None;
    }
    if reqwest::header::HeaderValue::from_str(&prefix).is_err() {
        let fix = "remove line breaks and control characters";
        section.refuse(&raw.prefix, "this prefix cannot be sent", fix);
        return None;
    }
    Some(BodySignature {
        header,
        prefix,
        secret: secret?,
    })
}

/// The API of Alertmanager, of all its peers.
pub(super) fn alertmanager(
    section: &Section<'_>,
    field: &Field<raw::Alertmanager>,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let (section, raw) = (&section.within(field, "alertmanager"), field.value()?);
    let urls = section.required(&raw.urls, "urls");
    if let Some(written) = urls
        && !(1..=PEERS_MAX).contains(&written.len())
    {
        let message = format!("there are {} peers", written.len());
        section.refuse(&raw.urls, message, format!("name 1 to {PEERS_MAX}"));
    }
    let auth = outside.auth(section, &raw.basic_auth, &raw.bearer_token);
    let headers = headers(section, &raw.headers, outside);
    let [default, shortest, hour] = [60, 10, 3600].map(Span::from_secs);
    let refresh = span(section, &raw.refresh, default, shortest, hour);
    let mut peers = Vec::new();
    let mut sound = true;
    for item in urls? {
        let Some(WebUrl(url)) = item.value() else {
            sound = false;
            continue;
        };
        if url.contains("/api/v2") {
            let fix = "leave /api/v2 and what follows it out; it is added";
            section.refuse(item, "this is not the base URL of the server", fix);
        }
        if peers.contains(url) {
            section.refuse(item, "this peer is listed twice", "remove one");
        }
        let open =
            matches!(auth, Some(Auth::None)) && headers.as_ref().is_some_and(|h| h.is_empty());
        if !open {
            plain(section, item, url, "the credentials");
        }
        peers.push(url.clone());
    }
    Some(ReceiverKind::Alertmanager {
        urls: sound.then_some(peers)?,
        auth: auth?,
        headers: headers?,
        refresh: refresh?,
    })
}
