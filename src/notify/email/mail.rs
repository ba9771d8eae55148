//! A notification as a mail: plain text, and the same as HTML that needs no pictures.
//!
//! Nothing from outside becomes a header or markup: header values are one line and encoded
//! (RFC 2047), HTML is escaped, parts are encoded so that no line of theirs is a boundary.

use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, Message as Mail, MultiPart, SinglePart};

use super::super::error::DeliveryError;
use super::super::{digest, signature};
use crate::engine::{Notification, NotificationKind, Severity, Timestamp};
use crate::message::{Message, Tone, Writer, text};

/// Longest `Subject`, in characters: what mail programs show, and far below RFC 5322's 998.
const SUBJECT_CHARS_MAX: usize = 200;
/// Longest plain text, in characters; the HTML is as long and its markup.
const TEXT_CHARS_MAX: usize = 60_000;
/// The name of the picture inside the mail.
const PICTURE_ID: &str = "curve@slofuse";

/// A notification's texts, bounded.
struct Content {
    headline: String,
    colour: &'static str,
    lines: Vec<String>,
    links: Vec<(String, String)>,
    picture: Option<Vec<u8>>,
}

/// The mail as it goes over the wire, before dots are stuffed.
pub(super) fn compose(
    notification: &Notification,
    writer: &Writer,
    from: Mailbox,
    to: &[Mailbox],
    now: Timestamp,
) -> Result<Vec<u8>, DeliveryError> {
    let message = writer.message(notification);
    let content = Content::new(notification, &message, writer);
    let domain = from.email.domain().to_owned();
    let id = |of: &Notification| {
        let id = signature::message_id(of);
        format!("<{id}@{domain}>")
    };
    let mut mail = Mail::builder()
        .from(from)
        .subject(content.headline.clone())
        .date(date(now))
        .message_id(Some(id(notification)));
    for mailbox in to {
        mail = mail.to(mailbox.clone());
    }
    if notification.sequence > 1 {
        let first = Notification {
            sequence: 1,
            ..notification.clone()
        };
        mail = mail.in_reply_to(id(&first)).references(id(&first));
    }
    for (name, value) in extra(notification) {
        let name = HeaderName::new_from_ascii_str(name);
        mail = mail.raw_header(HeaderValue::new(name, value.to_owned()));
    }
    let mail = mail.multipart(content.parts());
    let mail =
        mail.map_err(|error| DeliveryError::local(format!("composing the mail: {error}")))?;
    Ok(mail.formatted())
}

/// A mail by a machine, to which no machine should answer (RFC 3834), and how urgent it is.
fn extra(notification: &Notification) -> Vec<(&'static str, &'static str)> {
    let mut headers = vec![
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
    ];
    let open = notification.kind != NotificationKind::Resolve;
    if open && notification.facts.severity == Severity::Page {
        headers.extend([("X-Priority", "1 (Highest)"), ("Importance", "high")]);
    }
    headers
}

fn date(now: Timestamp) -> SystemTime {
    let secs = u64::try_from(now.as_millis() / 1000).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(secs)
}

impl Content {
    fn new(notification: &Notification, message: &Message, writer: &Writer) -> Self {
        let links = message.links.iter();
        Self {
            headline: text::line(&writer.subject(notification), SUBJECT_CHARS_MAX),
            colour: colour(message.tone),
            lines: digest::lines(message),
            links: links
                .map(|link| (link.name.to_owned(), link.url.clone()))
                .collect(),
            picture: writer.picture(notification),
        }
    }

    fn parts(self) -> MultiPart {
        let text = SinglePart::plain(self.text());
        let html = SinglePart::html(self.html());
        let parts = MultiPart::alternative().singlepart(text);
        match (self.picture, ContentType::parse("image/png")) {
            (Some(picture), Ok(png)) => {
                let inline = Attachment::new_inline(PICTURE_ID.to_owned()).body(picture, png);
                let related = MultiPart::related().singlepart(html).singlepart(inline);
                parts.multipart(related)
            }
            _ => parts.singlepart(html),
        }
    }

    fn text(&self) -> String {
        let mut lines = vec![self.headline.clone(), String::new()];
        lines.extend(self.lines.iter().cloned());
        let mut text = digest::paragraph(&lines, TEXT_CHARS_MAX);
        text.push('\n');
        for (name, url) in &self.links {
            text += &format!("\n{name}: {url}");
        }
        text.push('\n');
        text
    }

    fn html(&self) -> String {
        let headline = escaped(&self.headline);
        let paragraph = digest::paragraph(&self.lines, TEXT_CHARS_MAX);
        let lines: String = paragraph
            .lines()
            .map(|line| format!("<p style=\"margin:0 0 8px\">{}</p>\n", escaped(line)))
            .collect();
        let links = self.links.iter();
        let links: Vec<String> = links
            .map(|(name, url)| format!("<a href=\"{}\">{}</a>", escaped(url), escaped(name)))
            .collect();
        let picture = if self.picture.is_some() {
            format!(
                "<p><img src=\"cid:{PICTURE_ID}\" alt=\"burn rate and budget of the last hours\" \
                 style=\"max-width:100%\"></p>\n"
            )
        } else {
            String::new()
        };
        format!(
            "<!DOCTYPE html>\n<html><body style=\"font-family:sans-serif;font-size:14px\">\n\
             <div style=\"border-left:4px solid {};padding-left:12px\">\n\
             <h2 style=\"font-size:16px;margin:0 0 12px\">{headline}</h2>\n\
             {lines}{picture}<p>{}</p>\n</div>\n</body></html>\n",
            self.colour,
            links.join(" · "),
        )
    }
}

const fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Firing(Severity::Page) => "#c62828",
        Tone::Firing(Severity::Ticket) => "#ef6c00",
        Tone::Firing(Severity::Info) => "#1565c0",
        Tone::Resolved => "#2e7d32",
        Tone::Closed => "#757575",
    }
}

/// Text inside HTML, also inside an attribute.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            plain => shown.push(plain),
        }
    }
    shown
}
