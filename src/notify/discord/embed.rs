//! A message as Discord takes it: the title as text, the rest in an embed behind a colour bar.
//!
//! Nobody is mentioned (`allowed_mentions`), and every character that Discord's Markdown knows is
//! escaped. Limits: <https://discord.com/developers/docs/resources/message#embed-object-embed-limits>.
//! What they count is not said; UTF-16 code units are the strict reading.

use serde_json::{Value, json};

use crate::engine::Severity;
use crate::message::{Link, Message, Tone};
use crate::notify::chat;

/// Longest `content`.
const CONTENT_UNITS_MAX: usize = 2000;
/// Longest `description` of an embed.
const DESCRIPTION_UNITS_MAX: usize = 4096;
/// Most fields of an embed.
const FIELDS_MAX: usize = 25;
/// Longest value of a field.
const VALUE_UNITS_MAX: usize = 1024;
/// Longest sum of all texts of an embed.
const EMBED_UNITS_MAX: usize = 6000;

/// What the fields may take, so that there is room for the description.
const FIELDS_UNITS_MAX: usize = 3600;
/// Longest sentence that says why.
const WHY_UNITS_MAX: usize = 800;
/// Longest line about a member or note, its link aside.
const LINE_UNITS_MAX: usize = 400;
/// Kept free for the line that says what is left out.
const NOTE_UNITS: usize = 80;

/// Everything: what the first message shows, now and after each edit.
pub(super) fn whole(message: &Message, picture: Option<&str>) -> Value {
    let (fields, taken, left_out) = fields(message);
    let room = (EMBED_UNITS_MAX - taken).min(DESCRIPTION_UNITS_MAX);
    let mut embed = json!({
        "description": description(message, room, left_out),
        "color": colour(message.tone),
        "fields": fields,
    });
    let mut attachments = Vec::new();
    if let Some(name) = picture {
        embed["image"] = json!({ "url": format!("attachment://{name}") });
        attachments.push(json!({ "id": 0, "filename": name }));
    }
    json!({
        "content": title(message),
        "embeds": [embed],
        // An edit without it would keep the picture of before.
        "attachments": attachments,
        "allowed_mentions": { "parse": [] },
    })
}

/// What is new: the title and why somebody is told.
pub(super) fn news(message: &Message) -> Value {
    let why = escape(&message.why, WHY_UNITS_MAX);
    json!({
        "content": format!("{}\n{why}", title(message)),
        "allowed_mentions": { "parse": [] },
    })
}

fn title(message: &Message) -> String {
    let room = CONTENT_UNITS_MAX - WHY_UNITS_MAX - "****\n".len();
    format!("**{}**", escape(&message.headline(), room))
}

/// The facts that fit, how long they are, and how many do not fit.
fn fields(message: &Message) -> (Vec<Value>, usize, usize) {
    let facts = message.facts.iter();
    let facts = facts.map(|fact| (fact.name, escape(&fact.value, VALUE_UNITS_MAX)));
    let labels =
        (!message.labels.is_empty()).then(|| ("Labels", escape(&message.labels, VALUE_UNITS_MAX)));
    let links = (!message.links.is_empty()).then(|| ("Links", links(&message.links)));
    let (mut fields, mut taken, mut left_out) = (Vec::new(), 0, 0);
    // The links first: they are never what is left out.
    for (name, value) in links.into_iter().chain(facts).chain(labels) {
        let length = chat::units(name) + chat::units(&value);
        if value.is_empty() {
            continue;
        }
        if fields.len() == FIELDS_MAX || taken + length > FIELDS_UNITS_MAX {
            left_out += 1;
            continue;
        }
        taken += length;
        fields.push(json!({ "name": name, "value": value, "inline": false }));
    }
    (fields, taken, left_out)
}

/// Why, the members of a group, the notes; as many lines as fit in `room`.
fn description(message: &Message, room: usize, mut left_out: usize) -> String {
    let mut text = escape(&message.why, WHY_UNITS_MAX);
    let members = message.members.iter().map(|member| {
        let since = escape(&member.since, LINE_UNITS_MAX);
        let headline = escape(&member.headline(), LINE_UNITS_MAX);
        let link = member.link.as_deref().and_then(|url| link("link", url));
        let link = link.map_or_else(String::new, |link| format!(" {link}"));
        format!("• {headline}, since {since}{link}")
    });
    let more = (message.omitted > 0).then(|| chat::more_alerts(message.omitted));
    let notes = message.notes.iter().flat_map(|notes| notes.lines());
    let notes = notes.map(|note| escape(note, LINE_UNITS_MAX));
    let mut length = chat::units(&text);
    for line in members.chain(more).chain(notes) {
        let more = chat::units(&line) + 1;
        if length + more + NOTE_UNITS > room {
            left_out += 1;
            continue;
        }
        length += more;
        text.push('\n');
        text.push_str(&line);
    }
    if left_out > 0 {
        text += &format!("\n{}.", chat::left_out(left_out));
    }
    text
}

/// The links that fit into the value of a field.
fn links(links: &[Link]) -> String {
    let mut text = String::new();
    for word in links.iter().filter_map(|to| link(to.name, &to.url)) {
        let dot = if text.is_empty() { "" } else { "  ·  " };
        if chat::units(&text) + chat::units(dot) + chat::units(&word) <= VALUE_UNITS_MAX {
            text += dot;
            text += &word;
        }
    }
    text
}

/// `[Runbook](<https://...>)`. A URL is ASCII without white space; what could end it is encoded.
fn link(name: &str, url: &str) -> Option<String> {
    let url = url.replace('<', "%3C").replace('>', "%3E");
    let url = url.replace('(', "%28").replace(')', "%29");
    let word = format!("[{name}](<{url}>)");
    (chat::units(&word) <= VALUE_UNITS_MAX).then_some(word)
}

/// Escapes Markdown, and breaks what would become a link, a mention or a timestamp by itself.
fn escape(text: &str, units_max: usize) -> String {
    chat::escape(text, units_max, |c, rest| match c {
        '\\' => Some("\\\\"),
        '*' => Some("\\*"),
        '_' => Some("\\_"),
        '~' => Some("\\~"),
        '`' => Some("\\`"),
        '|' => Some("\\|"),
        '>' => Some("\\>"),
        '<' => Some("\\<"),
        '#' => Some("\\#"),
        '[' => Some("\\["),
        ']' => Some("\\]"),
        '(' => Some("\\("),
        ')' => Some("\\)"),
        '@' => Some("\\@"),
        ':' if rest.starts_with("//") => Some("\\:"),
        _ => None,
    })
}

/// The colour as a number, as elsewhere.
const fn colour(tone: Tone) -> u32 {
    match tone {
        Tone::Firing(Severity::Page) => 0xd7_26_3d,
        Tone::Firing(Severity::Ticket) => 0xf2_a9_00,
        Tone::Firing(Severity::Info) => 0x3b_7d_d8,
        Tone::Resolved => 0x2e_b6_7d,
        Tone::Closed => 0x86_86_86,
    }
}
