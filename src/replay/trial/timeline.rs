//! What happened around a time, in lines that a person reads beside a failure.

use crate::engine::{InstanceId, MuteChange, Span, Timestamp};
use crate::message::text;

use super::cast::Cast;
use super::record::{Record, Slot};

/// Slots that are shown before and after.
const SLOTS_AROUND: i64 = 4;
/// Changes and messages that are shown, the nearest ones.
const NEWS_MAX: usize = 12;
/// Instances that are shown.
const INSTANCES_MAX: usize = 4;
/// Longest line of a message.
const CHARS_MAX: usize = 160;

/// The slots around a stretch, and the changes and messages nearest to it.
pub(super) fn around(record: &Record, cast: &Cast, from: Span, to: Span) -> Vec<String> {
    let frame = &cast.reel.frame;
    let margin = frame.interval.times(SLOTS_AROUND);
    let (from, to) = (frame.start + from, frame.start + to);
    let mut lines: Vec<(Timestamp, String)> = Vec::new();
    let focus = |at: Timestamp| at + margin >= from && at <= from + margin;
    for (instance, slots) in record.slots.iter().take(INSTANCES_MAX) {
        let name = match record.slots.len() {
            1 => String::new(),
            _ => format!("{instance}  "),
        };
        let shown = slots.iter().filter(|slot| focus(slot.at));
        lines.extend(shown.map(|slot| (slot.at, format!("{name}{}", row(slot)))));
    }
    let distance = |at: Timestamp| from.since(at) + at.since(to);
    let mut news = news(record);
    news.sort_by_key(|(at, _)| distance(*at));
    let omitted = news.len().saturating_sub(NEWS_MAX);
    news.truncate(NEWS_MAX);
    lines.extend(news);
    lines.sort_by_key(|(at, _)| *at);
    let stamp = |at: Timestamp| Span::from_millis(frame.since_start(at)).to_string();
    let width = lines
        .iter()
        .map(|(at, _)| stamp(*at).len())
        .max()
        .unwrap_or(0);
    let line = |(at, text): &(Timestamp, String)| format!("{:>width$}  {text}", stamp(*at));
    let mut lines: Vec<String> = lines.iter().map(line).collect();
    if omitted > 0 {
        lines.push(format!(
            "and {omitted} more changes and messages further away"
        ));
    }
    if record.slots.is_empty() {
        lines.push("no slot was decided".to_owned());
    }
    lines
}

fn row(slot: &Slot) -> String {
    let burn = |(window, burn): &(Span, Option<f64>)| match burn {
        Some(burn) => format!("{window} {}", figure(*burn)),
        None => format!("{window} ?"),
    };
    let burns: Vec<String> = slot.burns.iter().map(burn).collect();
    let budget = match slot.consumed {
        Some(consumed) => format!("budget {}% consumed", figure(consumed * 100.0)),
        None => "budget unknown".to_owned(),
    };
    let burns = burns.join(", ");
    format!("{:<10}  burn {burns}; {budget}", slot.outcome.as_str())
}

fn news(record: &Record) -> Vec<(Timestamp, String)> {
    let transitions = record.transitions.iter().map(|transition| {
        let (from, to) = (transition.from.as_str(), transition.to.as_str());
        let muted = match transition.mutes.is_empty() {
            true => "",
            false => " (muted)",
        };
        let key = &transition.facts.key;
        (transition.at, format!("* {key}: {from} -> {to}{muted}"))
    });
    let messages = record.messages.iter().map(|told| {
        let (to, kind) = (&told.notification.receiver, told.notification.kind.as_str());
        let words = text::line(&told.headline, CHARS_MAX);
        (told.at, format!("> {to} is sent a {kind}: {words}"))
    });
    let mutes = record.mutes.iter().map(|(at, change)| {
        let MuteChange { key, .. } = change;
        let what = match change.mutes.is_empty() {
            true => "is muted no longer",
            false => "is muted",
        };
        (*at, format!("* {key} {what}"))
    });
    transitions.chain(messages).chain(mutes).collect()
}

/// A number with three digits.
pub(super) fn figure(value: f64) -> String {
    let digits = match value.abs() {
        small if small < 0.0005 => 0,
        small if small < 1.0 => 3,
        middle if middle < 100.0 => 2,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// `service/name{region="eu"}`
pub(super) fn named(instance: &InstanceId) -> String {
    text::line(&instance.to_string(), CHARS_MAX)
}
