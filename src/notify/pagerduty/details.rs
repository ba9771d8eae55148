//! `custom_details` of an event: what people read, and what event rules match on.

use serde_json::{Map, Value, json};

use crate::engine::{AlertFacts, Notification, TierFacts};
use crate::message::{MemberLine, Message, text};

use super::DETAIL_CHARS_MAX;

/// What a person reads in the incident: the sentences of the message by name.
pub(super) fn readable(message: &Message) -> Map<String, Value> {
    let why = ("Why".to_owned(), Value::from(message.why.as_str()));
    let facts = message.facts.iter();
    let facts = facts.map(|fact| (fact.name.to_owned(), Value::from(fact.value.as_str())));
    let notes = message.notes.as_deref();
    let notes = notes.map(|notes| ("Notes".to_owned(), Value::from(notes)));
    std::iter::once(why).chain(facts).chain(notes).collect()
}

/// The sentences, and the numbers and labels for event rules to match on.
pub(super) fn structured(notification: &Notification, message: &Message) -> Map<String, Value> {
    let facts = &notification.facts;
    let mut details = readable(message);
    if let Some(group) = &notification.group {
        let alerts = group.members.iter().zip(&message.members);
        let alerts: Vec<Value> = alerts.map(|(facts, line)| member(facts, line)).collect();
        details.insert("alerts".to_owned(), alerts.into());
        details.insert("firing".to_owned(), group.firing.into());
        if group.omitted > 0 {
            details.insert("alerts_left_out".to_owned(), group.omitted.into());
        }
        // Labels and tiers are those of one alert, not of the group.
        return details;
    }
    let document = &facts.document;
    for (name, pairs) in [
        ("labels", pairs(facts.labels.iter())),
        ("definition_labels", pairs(strings(&document.labels))),
        ("annotations", pairs(strings(&document.annotations))),
    ] {
        if !pairs.is_empty() {
            details.insert(name.to_owned(), Value::Object(pairs));
        }
    }
    if !facts.tiers.is_empty() {
        details.insert("tiers".to_owned(), facts.tiers.iter().map(tier).collect());
    }
    details
}

fn tier(tier: &TierFacts) -> Value {
    json!({
        "long_window": tier.long.to_string(),
        "short_window": tier.short.to_string(),
        "long_burn": tier.long_burn,
        "short_burn": tier.short_burn,
        "limit": tier.factor,
        "bad_events": tier.bad_events,
        "total_events": tier.total_events,
    })
}

fn strings(map: &std::collections::BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    map.iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

fn pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Map<String, Value> {
    let shown = |text| text::line(text, DETAIL_CHARS_MAX);
    pairs
        .map(|(name, value)| (shown(name), Value::from(shown(value))))
        .collect()
}

/// One alert of a group.
fn member(facts: &AlertFacts, line: &MemberLine) -> Value {
    let shown = |text: &str| text::line(text, DETAIL_CHARS_MAX);
    json!({
        "alert": shown(&facts.key.to_string()),
        "headline": line.headline(),
        "since": line.since,
        "severity": facts.severity.as_str(),
        "firing": facts.resolved_at.is_none(),
        "runbook": line.link,
        "owner": facts.document.owner.as_deref().map(shown),
    })
}
