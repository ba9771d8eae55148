//! A message in Slack's Block Kit, for the webhook and the bot.
//!
//! Text from outside can neither mention nor link: `&`, `<` and `>` are escaped as Slack asks, and
//! `verbatim` keeps it from finding names and URLs by itself. Limits:
//! <https://docs.slack.dev/reference/block-kit/blocks>. A message has at most 50 blocks; the
//! sections are far fewer, for together they are shorter than four of the longest.

use serde_json::{Value, json};

use crate::engine::Severity;

use super::chat;
use crate::message::text;
use crate::message::{Link, MemberLine, Message, Tone};

/// Longest text of a header block, in characters.
const HEADER_CHARS_MAX: usize = 150;
/// Longest text of a section block, in characters.
const SECTION_CHARS_MAX: usize = 3000;
/// Longest escaped value of one fact; two lines of this length fit a section with their names.
const VALUE_CHARS_MAX: usize = 1400;
/// Longest escaped line about a member of a group, its link aside.
const MEMBER_CHARS_MAX: usize = 400;
/// Longest sum of all sections: Slack refuses messages with more than about 13,200 characters of
/// blocks (`msg_blocks_too_long`, an undocumented limit).
const SECTIONS_CHARS_MAX: usize = 7_800;
/// Longest fallback text, in characters.
const FALLBACK_CHARS_MAX: usize = 1000;
/// Longest URL of a button or an image, in characters.
const URL_CHARS_MAX: usize = 3000;
/// Longest value of a button, in characters.
const BUTTON_VALUE_CHARS_MAX: usize = 2000;

/// The button that acknowledges, as the daemon's door for Slack's actions knows it.
const ACKNOWLEDGE: &str = "slofuse_acknowledge";
/// The button that opens the runbook; Slack tells us of it, and nothing has to be done.
const RUNBOOK: &str = "slofuse_runbook";

/// What a message shows beside its words.
#[derive(Default)]
pub(super) struct Extras {
    /// Buttons, if the app may be asked.
    pub(super) buttons: Option<Buttons>,
    /// URL of the picture.
    pub(super) picture: Option<String>,
}

/// Below a message of a bot.
pub(super) enum Buttons {
    /// Somebody may take care of the alert with this dedup key.
    Offered(String),
    /// This one does.
    Taken(String),
}

/// The fields `text` (for notifications), `blocks` (the title) and `attachments` (the rest, behind
/// a colour bar) of a message.
pub(super) fn body(message: &Message, extras: &Extras) -> Value {
    let header = json!({
        "type": "header",
        "text": {
            "type": "plain_text",
            "text": text::line(&message.headline(), HEADER_CHARS_MAX),
            "emoji": false,
        },
    });
    let fallback = fallback(message);
    let mut blocks: Vec<Value> = sections(message).iter().map(|text| section(text)).collect();
    if !message.links.is_empty() {
        blocks.push(section(&links(&message.links)));
    }
    let picture = extras.picture.as_ref();
    if let Some(url) = picture.filter(|url| url.len() <= URL_CHARS_MAX) {
        blocks.push(json!({
            "type": "image",
            "image_url": url,
            "alt_text": "Burn and budget over the last hours",
        }));
    }
    blocks.extend(buttons(message, extras.buttons.as_ref()));
    json!({
        "text": fallback,
        "blocks": [header],
        "attachments": [{
            "color": colour(message.tone),
            "fallback": fallback,
            "blocks": blocks,
        }],
    })
}

/// What happened since the first message, as a reply in its thread: plain `mrkdwn`.
pub(super) fn reply(message: &Message) -> String {
    let why = escape(&message.why, VALUE_CHARS_MAX);
    format!("*{}*\n{why}", fallback(message))
}

/// The buttons while it burns, or who looks after it.
fn buttons(message: &Message, buttons: Option<&Buttons>) -> Option<Value> {
    let key = match buttons? {
        _ if !message.tone.is_firing() => return None,
        Buttons::Taken(by) => {
            let line = format!("Looked after by {by}");
            let text = json!({ "type": "plain_text", "text": line, "emoji": false });
            return Some(json!({ "type": "context", "elements": [text] }));
        }
        Buttons::Offered(key) => key,
    };
    let mut elements = Vec::new();
    if key.chars().count() <= BUTTON_VALUE_CHARS_MAX {
        let mut acknowledge = button("Acknowledge", ACKNOWLEDGE);
        acknowledge["style"] = "primary".into();
        acknowledge["value"] = key.as_str().into();
        elements.push(acknowledge);
    }
    let runbook = message.links.iter().find(|link| link.name == "Runbook");
    if let Some(link) = runbook.filter(|link| link.url.len() <= URL_CHARS_MAX) {
        let mut runbook = button("Runbook", RUNBOOK);
        runbook["url"] = link.url.as_str().into();
        elements.push(runbook);
    }
    (!elements.is_empty()).then(|| json!({ "type": "actions", "elements": elements }))
}

fn button(text: &str, action: &str) -> Value {
    json!({
        "type": "button",
        "text": { "type": "plain_text", "text": text, "emoji": false },
        "action_id": action,
    })
}

/// The whole title, which the header may cut.
fn fallback(message: &Message) -> String {
    escape(&message.headline(), FALLBACK_CHARS_MAX)
}

/// Everything but the links as lines of `mrkdwn`, most urgent first.
fn lines(message: &Message) -> Vec<String> {
    let mut lines = Vec::new();
    if message.headline().chars().count() > HEADER_CHARS_MAX {
        lines.push(fallback(message));
    }
    lines.push(escape(&message.why, VALUE_CHARS_MAX));
    lines.extend(
        message
            .facts
            .iter()
            .map(|fact| format!("*{}*: {}", fact.name, escape(&fact.value, VALUE_CHARS_MAX))),
    );
    if !message.labels.is_empty() {
        let labels = escape(&message.labels, VALUE_CHARS_MAX);
        lines.push(format!("*Labels*: {labels}"));
    }
    let notes = message.notes.iter().flat_map(|notes| notes.lines());
    lines.extend(notes.map(|note| escape(note, VALUE_CHARS_MAX)));
    lines.extend(message.members.iter().map(member));
    if message.omitted > 0 {
        lines.push(chat::more_alerts(message.omitted));
    }
    lines
}

fn member(member: &MemberLine) -> String {
    let headline = escape(&member.headline(), MEMBER_CHARS_MAX);
    let since = escape(&member.since, MEMBER_CHARS_MAX);
    let link = member.link.as_deref();
    let link = link.map_or_else(String::new, |url| format!(" {}", linked("link", url)));
    let line = format!("• {headline}, since {since}");
    // A URL may be as long as all the rest.
    if line.chars().count() + link.chars().count() < SECTION_CHARS_MAX {
        line + &link
    } else {
        line
    }
}

/// As many lines to a section as fit, and how many do not fit at all.
fn sections(message: &Message) -> Vec<String> {
    let mut sections = vec![String::new()];
    let (mut sum, mut left_out) = (0, 0);
    for line in lines(message) {
        let length = line.chars().count() + 1;
        if sum + length > SECTIONS_CHARS_MAX {
            left_out += 1;
            continue;
        }
        sum += length;
        append(&mut sections, &line);
    }
    if left_out > 0 {
        append(&mut sections, &format!("_{}._", chat::left_out(left_out)));
    }
    sections
}

/// Appends a line to the last section, or begins another one.
fn append(sections: &mut Vec<String>, line: &str) {
    let filled = sections.last().map_or(0, |section| section.chars().count());
    if filled + 1 + line.chars().count() > SECTION_CHARS_MAX {
        sections.push(String::new());
    }
    if let Some(section) = sections.last_mut() {
        if !section.is_empty() {
            section.push('\n');
        }
        section.push_str(line);
    }
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } })
}

/// The links that fit a section.
fn links(links: &[Link]) -> String {
    let mut text = String::new();
    for word in links.iter().map(|link| linked(link.name, &link.url)) {
        let dot = if text.is_empty() { "" } else { "  ·  " };
        if text.chars().count() + dot.chars().count() + word.chars().count() <= SECTION_CHARS_MAX {
            text += dot;
            text += &word;
        }
    }
    text
}

/// `<https://...|Runbook>`
fn linked(name: &str, url: &str) -> String {
    // A bar would end the URL. `parse_url` has made it ASCII without white space.
    let url = url.replace('|', "%7C").replace('&', "&amp;");
    let url = url.replace('<', "%3C").replace('>', "%3E");
    format!("<{url}|{name}>")
}

/// Escapes as <https://docs.slack.dev/messaging/formatting-message-text> asks, and cuts between
/// characters of the original, so that no entity is broken.
fn escape(text: &str, chars_max: usize) -> String {
    let mut escaped = String::new();
    let mut length = 0;
    for c in text.chars() {
        let piece = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            _ => "",
        };
        length += piece.len().max(1);
        if length >= chars_max {
            escaped.push('…');
            break;
        }
        if piece.is_empty() {
            escaped.push(c);
        } else {
            escaped.push_str(piece);
        }
    }
    escaped
}

const fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Firing(Severity::Page) => "#d7263d",
        Tone::Firing(Severity::Ticket) => "#f2a900",
        Tone::Firing(Severity::Info) => "#3b7dd8",
        Tone::Resolved => "#2eb67d",
        Tone::Closed => "#868686",
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn long_message(character: char) -> Message {
        let mut message = fixture::writer().message(&fixture::burning());
        let long: String = std::iter::repeat_n(character, 5_000).collect();
        message.title = long.clone();
        message.why = long.clone();
        for fact in &mut message.facts {
            fact.value = long.clone();
        }
        let fact = message.facts[0].clone();
        message.facts.extend(std::iter::repeat_n(fact, 40));
        message
    }

    /// The documented limits of a message; all its blocks are of these kinds.
    fn limits() -> Value {
        let text = |max: usize| {
            json!({
                "type": "object",
                "required": ["type", "text"],
                "properties": { "text": { "type": "string", "minLength": 1, "maxLength": max } },
            })
        };
        let block = |kind: &str, properties: Value| {
            json!({
                "if": { "properties": { "type": { "const": kind } } },
                "then": { "properties": properties },
            })
        };
        let button = json!({
            "properties": {
                "type": { "const": "button" },
                "text": text(75),
                "action_id": { "maxLength": 255 },
                "url": { "maxLength": 3000 },
                "value": { "maxLength": 2000 },
            },
        });
        let blocks = json!({ "type": "array", "maxItems": 49, "items": {
            "properties": { "type": { "enum": ["header", "section", "image", "context", "actions"] } },
            "allOf": [
                block("header", json!({ "text": text(150) })),
                block("section", json!({ "text": text(3000) })),
                block("image", json!({
                    "image_url": { "maxLength": 3000 },
                    "alt_text": { "maxLength": 2000 },
                })),
                block("context", json!({ "elements": { "maxItems": 10 } })),
                block("actions", json!({ "elements": { "maxItems": 25, "items": button } })),
            ],
        } });
        json!({
            "type": "object",
            "required": ["text", "blocks", "attachments"],
            "properties": {
                "text": { "type": "string", "minLength": 1, "maxLength": 4000 },
                "blocks": blocks,
                "attachments": { "maxItems": 1, "items": { "properties": { "blocks": blocks } } },
            },
        })
    }

    #[test]
    fn every_limit_holds_for_every_content() {
        let mut messages: Vec<Message> = ['a', '&', 'ü', '<'].map(long_message).into();
        messages.push(fixture::writer().message(&fixture::huge_group()));
        for message in messages {
            let extras = Extras {
                buttons: Some(Buttons::Offered("k".repeat(255))),
                picture: Some(format!("https://slofuse.example/{}", "x".repeat(300))),
            };
            let body = body(&message, &extras);
            fixture::assert_conforms(limits(), &body);
            let blocks = body["attachments"][0]["blocks"].as_array().unwrap();
            let texts = blocks
                .iter()
                .filter_map(|block| block["text"]["text"].as_str());
            let sum: usize = texts.clone().map(|text| text.chars().count()).sum();
            assert!(sum < 12_000, "{sum}");
            let all: String = texts.collect();
            assert!(
                all.contains("left out: the message would be too long."),
                "{all}"
            );
            assert!(body["text"].as_str().unwrap().chars().count() <= FALLBACK_CHARS_MAX);
        }
    }

    #[test]
    fn a_group_lists_its_alerts() {
        let message = fixture::writer().message(&fixture::group());
        let body = body(&message, &Extras::default());
        let text = &body["attachments"][0]["blocks"][0]["text"]["text"];
        insta::assert_snapshot!(text.as_str().unwrap(), @r#"
        They are told together, as route shop groups them.
        *Impact*: Customers cannot pay.
        *Since*: 2026-01-02 03:04:00 UTC, 6m 30s before this decision
        *Next step*: Begin with the first alert. Follow the runbook.
        *Owner*: team-payments
        *Labels*: tier=1
        • [PAGE] shop/checkout{region="eu"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m, since 2026-01-02 03:04:00 UTC, 6m 30s before this decision <https://wiki.example/checkout|link>
        • [TICKET] shop/checkout{region="eu"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m, since 2026-01-02 03:04:00 UTC, 6m 30s before this decision <https://wiki.example/checkout|link>
        "#);
    }

    #[test]
    fn a_cut_never_breaks_an_entity() {
        assert_eq!(escape("a&b<c>d", 100), "a&amp;b&lt;c&gt;d");
        assert_eq!(escape("&&&&", 12), "&amp;&amp;…");
    }

    #[test]
    fn hostile_labels_cannot_mention_or_link() {
        let message = fixture::plain().message(&fixture::hostile());
        let text = body(&message, &Extras::default());
        let sections = text["attachments"][0]["blocks"].to_string() + &reply(&message);
        let link = "<https://dash.example/d?a=%3Cb%3E%7Cc&amp;d%E2%80%AE|Dashboard>";
        let marked = sections.replace(link, "");
        assert!(!marked.contains(['<', '>']), "{marked}");
        assert!(!text["text"].as_str().unwrap().contains('<'));
        assert!(
            text["attachments"][0]["blocks"][0]["text"]["verbatim"]
                .as_bool()
                .unwrap()
        );
    }
}
