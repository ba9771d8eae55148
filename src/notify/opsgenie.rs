//! Opsgenie, and Jira Service Management's operations, whose API has the same shape.
//!
//! A trigger opens an alert under the dedup key as its alias, an update adds a note to it, an
//! acknowledgement acknowledges it, a resolve closes it. An update opens it where the trigger has
//! not arrived, as at a fallback: a note to an alert that is not there wakes nobody. 202 means queued: that an alias is unknown
//! shows later, and only there. Where it is answered at once, 404 to a close means that the alert
//! is gone already, which is what was asked for.
//! Limits: <https://docs.opsgenie.com/docs/alert-api>.

use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Method, StatusCode, Url};
use serde_json::{Map, Value, json};

use crate::config::secret::Secret;
use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::engine::{Notification, NotificationKind, Reason, Severity, Timestamp};
use crate::message::{Message, Writer, text};

use super::error::{DeliveryError, Problem};
use super::http::{self, HttpSender, Post};
use super::redaction::Redaction;
use super::{Attempt, Receipt, Receiver, digest};

/// Longest `message`, in characters.
const MESSAGE_CHARS_MAX: usize = 130;
/// Longest `description`, in characters.
const DESCRIPTION_CHARS_MAX: usize = 15_000;
/// Longest `note`, in characters.
const NOTE_CHARS_MAX: usize = 25_000;
/// Longest `entity`, in characters.
const ENTITY_CHARS_MAX: usize = 512;
/// Longest `source` and `user`, in characters.
const SOURCE_CHARS_MAX: usize = 100;
/// Most `tags`.
const TAGS_MAX: usize = 20;
/// Longest tag, in characters.
const TAG_CHARS_MAX: usize = 50;
/// Most characters of names and values in `details` together.
const DETAILS_CHARS_MAX: usize = 8000;
/// Longest value in `details`; ours, so that one does not crowd out the others.
const DETAIL_CHARS_MAX: usize = 1000;
/// The receipt of an alert that was opened.
const OPEN: &str = "open";
/// How we name ourselves.
const SOURCE: &str = "slofuse";

/// One integration.
pub(super) struct Opsgenie {
    http: HttpSender,
    api_key: Secret,
    url: Url,
    writer: Writer,
}

/// What is done to the alert there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Create,
    Note,
    Acknowledge,
    Close,
}

impl Opsgenie {
    pub(super) fn new(settings: &ReceiverSettings, writer: Writer) -> Result<Self, Problem> {
        let ReceiverKind::Opsgenie { api_key, url } = &settings.kind else {
            return Err(super::mismatch());
        };
        Ok(Self {
            http: HttpSender::new(settings)?,
            api_key: api_key.clone(),
            url: http::parse_url(url).map_err(|problem| problem.in_field("url"))?,
            writer,
        })
    }

    async fn send(
        &self,
        notification: &Notification,
        is_open: bool,
        now: Timestamp,
    ) -> Result<Receipt, DeliveryError> {
        let action = action(notification, is_open);
        let mut redaction = Redaction::default();
        redaction.hide_url(&self.url);
        let key = http::reveal_header("authorization", "GenieKey ", &self.api_key, &mut redaction)?;
        let post = Post {
            url: endpoint(&self.url, action, &notification.dedup_key()),
            headers: HeaderMap::from_iter([(AUTHORIZATION, key)]),
            body: body(notification, action, &self.writer)
                .to_string()
                .into_bytes(),
            redaction,
        };
        let reply = self.http.send(Method::POST, post, now).await?;
        let gone = action == Action::Close && reply.status == StatusCode::NOT_FOUND;
        if !gone {
            reply.answer()?;
        }
        Ok(Receipt((action == Action::Create).then(|| OPEN.to_owned())))
    }
}

impl Receiver for Opsgenie {
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        receipt: Option<&'a str>,
        now: Timestamp,
    ) -> Attempt<'a> {
        Box::pin(self.send(notification, receipt.is_some(), now))
    }
}

const fn action(notification: &Notification, is_open: bool) -> Action {
    match (notification.kind, &notification.facts.reason) {
        (NotificationKind::Trigger, _) => Action::Create,
        (NotificationKind::Update, Reason::Acknowledged { .. }) => Action::Acknowledge,
        (NotificationKind::Update, _) if is_open => Action::Note,
        (NotificationKind::Update, _) => Action::Create,
        (NotificationKind::Resolve, _) => Action::Close,
    }
}

/// `{url}/{alias}/close?identifierType=alias`; the alias is one segment, whatever is in it.
fn endpoint(alerts: &Url, action: Action, alias: &str) -> Url {
    let verb = match action {
        Action::Create => return alerts.clone(),
        Action::Note => "notes",
        Action::Acknowledge => "acknowledge",
        Action::Close => "close",
    };
    let mut url = alerts.clone();
    let base = alerts.path().trim_end_matches('/');
    url.set_path(&format!("{base}/{}/{verb}", encoded(alias)));
    url.query_pairs_mut().append_pair("identifierType", "alias");
    url
}

/// Everything but RFC 3986's unreserved characters as `%XX`: strict servers refuse others that
/// browsers leave as they are, such as brackets.
fn encoded(segment: &str) -> String {
    let mut encoded = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            other => encoded += &format!("%{other:02X}"),
        }
    }
    encoded
}

fn body(notification: &Notification, action: Action, writer: &Writer) -> Value {
    let message = writer.message(notification);
    if action == Action::Create {
        return create(notification, &message);
    }
    let mut lines = vec![message.headline()];
    lines.extend(digest::lines(&message));
    let mut body = json!({
        "source": SOURCE,
        "note": digest::paragraph(&lines, NOTE_CHARS_MAX),
    });
    if let Reason::Acknowledged { by } = &notification.facts.reason {
        body["user"] = text::line(by, SOURCE_CHARS_MAX).into();
    }
    body
}

fn create(notification: &Notification, message: &Message) -> Value {
    let facts = &notification.facts;
    let mut lines = digest::lines(message);
    let links = message.links.iter();
    lines.extend(links.map(|link| format!("{}: {}", link.name, link.url)));
    let entity = format!("{}/{}{}", facts.service, facts.slo, facts.labels);
    json!({
        "message": text::line(&message.title, MESSAGE_CHARS_MAX),
        "alias": notification.dedup_key(),
        "description": digest::paragraph(&lines, DESCRIPTION_CHARS_MAX),
        "tags": tags(notification),
        "details": details(notification),
        "entity": text::line(&entity, ENTITY_CHARS_MAX),
        "source": SOURCE,
        "priority": priority(facts.severity),
    })
}

/// The words to filter by: the severity, and the labels of the definition and of the route.
fn tags(notification: &Notification) -> Vec<String> {
    let facts = &notification.facts;
    let pairs = notification.route_labels.iter();
    let pairs = pairs.chain(&facts.document.labels);
    let pairs = pairs.map(|(name, value)| format!("{name}:{value}"));
    // A comma separates tags in what people type.
    let shown = |tag: String| text::line(&tag.replace(',', ";"), TAG_CHARS_MAX);
    std::iter::once(facts.severity.as_str().to_owned())
        .chain(pairs)
        .map(shown)
        .take(TAGS_MAX)
        .collect()
}

/// Labels and context by name; what does not fit is counted under `truncated`.
fn details(notification: &Notification) -> Map<String, Value> {
    /// Room for `truncated`.
    const NOTE_CHARS: usize = 60;
    let facts = &notification.facts;
    let labels = facts.matching_labels();
    let pairs = labels
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut room = DETAILS_CHARS_MAX - NOTE_CHARS;
    let mut omitted = 0_usize;
    let mut details = Map::new();
    for (name, value) in digest::context(facts).into_iter().chain(pairs) {
        let name = text::line(&name, DETAIL_CHARS_MAX);
        let value = text::line(&value, DETAIL_CHARS_MAX);
        let length = name.chars().count() + value.chars().count();
        if length > room {
            omitted += 1;
            continue;
        }
        room -= length;
        details.insert(name, value.into());
    }
    if omitted > 0 {
        let note = format!("{omitted} details left out");
        details.insert("truncated".to_owned(), note.into());
    }
    details
}

/// P1 wakes people by default, P5 never does.
const fn priority(severity: Severity) -> &'static str {
    match severity {
        Severity::Page => "P1",
        Severity::Ticket => "P3",
        Severity::Info => "P5",
    }
}

#[cfg(test)]
mod tests;
