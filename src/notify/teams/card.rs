//! A message as an Adaptive Card for Teams.
//!
//! Every text from outside is a `TextRun`, which knows no Markdown: no link, mention or date can be
//! made in it, so nothing has to be escaped (<https://adaptivecards.io/explorer/TextRun.html>).
//! Version 1.4, for Teams on phones has no later one. A card that is too large is cut in steps, and
//! says so: <https://learn.microsoft.com/en-us/connectors/teams/#limits>.

use serde_json::{Value, json};

use crate::engine::Severity;
use crate::message::{Message, Tone};
use crate::notify::chat;

/// Largest request, in bytes: Teams takes 28 KB, of which the workflow's own part is some.
pub(super) const BODY_BYTES_MAX: usize = 26_000;
/// Longest headline, in UTF-16 code units.
const HEADLINE_UNITS_MAX: usize = 500;
/// Longest URL that is linked, in bytes.
const URL_BYTES_MAX: usize = 2000;
/// Most actions that Teams shows of a card.
const ACTIONS_MAX: usize = 6;

/// How much of a message a card shows.
struct Room {
    /// Most members of a group.
    members: usize,
    /// Longest value, in UTF-16 code units.
    value_units: usize,
    /// Whether there are notes and labels.
    extras: bool,
}

/// From everything to what fits whatever it says: a dozen values of 150 units and three links.
const STEPS: [Room; 4] = [
    Room {
        members: 50,
        value_units: 1000,
        extras: true,
    },
    Room {
        members: 20,
        value_units: 500,
        extras: true,
    },
    Room {
        members: 8,
        value_units: 250,
        extras: false,
    },
    Room {
        members: 0,
        value_units: 150,
        extras: false,
    },
];

/// The request's body, at most [`BODY_BYTES_MAX`].
pub(super) fn body(message: &Message, picture: Option<&str>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (step, room) in STEPS.iter().enumerate() {
        let card = card(message, picture, room, step > 0);
        bytes = envelope(&card).to_string().into_bytes();
        if bytes.len() <= BODY_BYTES_MAX {
            break;
        }
    }
    bytes
}

/// What a workflow "When a Teams webhook request is received" reads.
fn envelope(card: &Value) -> Value {
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}

fn card(message: &Message, picture: Option<&str>, room: &Room, cut: bool) -> Value {
    let mut body = vec![
        title(message),
        block(vec![run(&message.why, room)], "default"),
    ];
    body.extend(
        message
            .facts
            .iter()
            .map(|fact| named(fact.name, &fact.value, room)),
    );
    body.extend(members(message, room));
    if room.extras {
        if !message.labels.is_empty() {
            body.push(named("Labels", &message.labels, room));
        }
        let notes = message.notes.iter().flat_map(|notes| notes.lines());
        body.extend(notes.map(|note| block(vec![run(note, room)], "none")));
    }
    if let Some(url) = picture.filter(|url| url.len() <= URL_BYTES_MAX) {
        body.push(json!({ "type": "Image", "url": url, "altText": "Burn and budget" }));
    }
    if cut {
        let words = "Some of this is cut: a message to Teams has little room.";
        body.push(block(
            vec![json!({ "type": "TextRun", "text": words, "italic": true })],
            "default",
        ));
    }
    let links = message
        .links
        .iter()
        .filter(|link| link.url.len() <= URL_BYTES_MAX);
    let actions: Vec<Value> = links
        .take(ACTIONS_MAX)
        .map(|link| json!({ "type": "Action.OpenUrl", "title": link.name, "url": link.url }))
        .collect();
    json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": { "width": "Full" },
        "body": body,
        "actions": actions,
    })
}

/// The headline behind the colour of its tone.
fn title(message: &Message) -> Value {
    let headline = chat::clip(&message.headline(), HEADLINE_UNITS_MAX);
    let run = json!({
        "type": "TextRun",
        "text": headline,
        "size": "medium",
        "weight": "bolder",
    });
    json!({
        "type": "Container",
        "style": style(message.tone),
        "bleed": true,
        "items": [block(vec![run], "none")],
    })
}

/// The members that there is room for, and how many more there are.
fn members(message: &Message, room: &Room) -> Vec<Value> {
    let shown = message.members.iter().take(room.members).map(|member| {
        let mut headline = run(&member.headline(), room);
        headline["weight"] = "bolder".into();
        if let Some(url) = member
            .link
            .as_deref()
            .filter(|url| url.len() <= URL_BYTES_MAX)
        {
            headline["selectAction"] = json!({ "type": "Action.OpenUrl", "url": url });
        }
        let since = run(&format!(", since {}", member.since), room);
        block(vec![headline, since], "small")
    });
    let mut blocks: Vec<Value> = shown.collect();
    let hidden = message.members.len().saturating_sub(room.members);
    let more = u32::try_from(hidden)
        .unwrap_or(u32::MAX)
        .saturating_add(message.omitted);
    if more > 0 {
        blocks.push(block(vec![run(&chat::more_alerts(more), room)], "small"));
    }
    blocks
}

fn named(name: &str, value: &str, room: &Room) -> Value {
    let name = json!({ "type": "TextRun", "text": format!("{name}: "), "weight": "bolder" });
    block(vec![name, run(value, room)], "small")
}

fn run(text: &str, room: &Room) -> Value {
    json!({ "type": "TextRun", "text": chat::clip(text, room.value_units) })
}

fn block(runs: Vec<Value>, spacing: &str) -> Value {
    json!({ "type": "RichTextBlock", "inlines": runs, "spacing": spacing })
}

const fn style(tone: Tone) -> &'static str {
    match tone {
        Tone::Firing(Severity::Page) => "attention",
        Tone::Firing(Severity::Ticket) => "warning",
        Tone::Firing(Severity::Info) => "accent",
        Tone::Resolved => "good",
        Tone::Closed => "emphasis",
    }
}
