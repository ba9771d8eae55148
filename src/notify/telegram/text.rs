//! A message as Telegram takes it: one text, in a few HTML tags or in none.
//!
//! Only `&`, `<`, `>` and `"` mean something in Telegram's HTML, and all are escaped:
//! <https://core.telegram.org/bots/api#html-style>.

use crate::message::{Link, Message};
use crate::notify::chat;

/// Longest text "after entities parsing", in UTF-16 code units: what a person sees of it.
pub(super) const TEXT_UNITS_MAX: usize = 4096;
/// Kept free for the line that says what is left out.
const NOTE_UNITS: usize = 80;
/// Longest headline and sentence that says why.
const LEAD_UNITS_MAX: usize = 600;
/// Longest value of a fact or line about a member.
const VALUE_UNITS_MAX: usize = 400;

/// One line, in pieces.
pub(super) type Line = Vec<Piece>;

/// A piece of a line.
pub(super) enum Piece {
    Text(String),
    Bold(String),
    Link(String, String),
}

/// How a text is written.
#[derive(Clone, Copy)]
pub(super) enum Markup {
    Html,
    None,
}

/// Everything: what the first message shows, now and after each edit.
pub(super) fn whole(message: &Message) -> Vec<Line> {
    let mut lines = news(message);
    lines.extend(
        message
            .facts
            .iter()
            .map(|fact| named(fact.name, &fact.value)),
    );
    if !message.links.is_empty() {
        lines.push(links(&message.links));
    }
    for member in &message.members {
        let mut text = chat::clip(&member.headline(), VALUE_UNITS_MAX);
        text += &format!(", since {}", member.since);
        let mut line = vec![Piece::Text(format!("• {text}"))];
        if let Some(url) = &member.link {
            line.push(Piece::Text(" ".to_owned()));
            line.push(Piece::Link("link".to_owned(), url.clone()));
        }
        lines.push(line);
    }
    if message.omitted > 0 {
        lines.push(vec![Piece::Text(chat::more_alerts(message.omitted))]);
    }
    if !message.labels.is_empty() {
        lines.push(named("Labels", &message.labels));
    }
    let notes = message.notes.iter().flat_map(|notes| notes.lines());
    lines.extend(notes.map(|note| vec![Piece::Text(chat::clip(note, VALUE_UNITS_MAX))]));
    lines
}

/// What is new: the title and why somebody is told.
pub(super) fn news(message: &Message) -> Vec<Line> {
    let lead = |text: &str| chat::clip(text, LEAD_UNITS_MAX);
    vec![
        vec![Piece::Bold(lead(&message.headline()))],
        vec![Piece::Text(lead(&message.why))],
    ]
}

/// As many lines as fit, and how many do not.
pub(super) fn render(lines: &[Line], markup: Markup) -> String {
    let (mut text, mut length, mut left_out) = (String::new(), 0, 0);
    for line in lines {
        let visible: usize = line.iter().map(|piece| piece.units(markup)).sum();
        let fits = length + visible < TEXT_UNITS_MAX - NOTE_UNITS;
        if !fits {
            left_out += 1;
            continue;
        }
        length += visible + 1;
        if !text.is_empty() {
            text.push('\n');
        }
        text.extend(line.iter().map(|piece| piece.render(markup)));
    }
    if left_out > 0 {
        text += &format!("\n{}.", chat::left_out(left_out));
    }
    text
}

impl Piece {
    fn render(&self, markup: Markup) -> String {
        match (self, markup) {
            (Self::Text(text), Markup::Html) => escape(text),
            (Self::Bold(text), Markup::Html) => format!("<b>{}</b>", escape(text)),
            (Self::Link(name, url), Markup::Html) => {
                format!("<a href=\"{}\">{}</a>", escape(url), escape(name))
            }
            (Self::Text(text) | Self::Bold(text), Markup::None) => text.clone(),
            (Self::Link(name, url), Markup::None) => format!("{name}: {url}"),
        }
    }

    /// What a person sees of it.
    fn units(&self, markup: Markup) -> usize {
        match (self, markup) {
            (Self::Text(text) | Self::Bold(text) | Self::Link(text, _), Markup::Html) => {
                chat::units(text)
            }
            (_, Markup::None) => chat::units(&self.render(markup)),
        }
    }
}

fn named(name: &str, value: &str) -> Line {
    vec![
        Piece::Bold(name.to_owned()),
        Piece::Text(format!(": {}", chat::clip(value, VALUE_UNITS_MAX))),
    ]
}

fn links(links: &[Link]) -> Line {
    let mut line = Vec::new();
    for link in links {
        if !line.is_empty() {
            line.push(Piece::Text("  ·  ".to_owned()));
        }
        line.push(Piece::Link(link.name.to_owned(), link.url.clone()));
    }
    line
}

fn escape(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    escaped.replace('>', "&gt;").replace('"', "&quot;")
}
