//! The words for a notification about several alerts: a route's group, or a storm.
//!
//! The message is about all of them: its title counts, its facts are those that they share, and
//! each alert has a line of its own.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Url;

use crate::engine::{
    AlertFacts, DependencyFacts, GroupFacts, Notification, NotificationKind, Reason, Severity,
    ThreadKey, Timestamp,
};

use super::words::{self, Fact, Link, MemberLine, Message, OWN_LINK, Tone};
use super::{figures, reason, text};

/// Longest name of what the alerts have in common, in characters.
const SUBJECT_CHARS_MAX: usize = 200;
/// Longest title of one of the alerts, in characters.
const TITLE_CHARS_MAX: usize = 300;
/// Most services or owners that are named.
const NAMES_MAX: usize = 10;

/// A notification about a group in words.
pub(super) fn message(
    notification: &Notification,
    group: &GroupFacts,
    external: Option<&Url>,
) -> Message {
    let over = notification.kind == NotificationKind::Resolve;
    let firing = |member: &&AlertFacts| member.resolved_at.is_none();
    let loudest = group.members.iter().find(firing);
    let loudest = loudest.unwrap_or(&notification.facts);
    let all_recovered = group.members.iter().all(|m| reason::is_recovery(&m.reason));
    let tone = match over {
        true if all_recovered => Tone::Resolved,
        true => Tone::Closed,
        false => Tone::Firing(loudest.severity),
    };
    Message {
        tone,
        title: title(notification, group, over),
        why: why(notification, group, tone),
        facts: facts(notification, group, loudest, over),
        labels: words::labels(&shared_labels(group)),
        links: links(loudest, external),
        members: group.members.iter().map(|m| line(m, external)).collect(),
        omitted: group.omitted,
        notes: None,
    }
}

/// `3 alerts of shop: 2 pages, 1 ticket`
fn title(notification: &Notification, group: &GroupFacts, over: bool) -> String {
    let subject = subject(&group.key);
    let storm = matches!(group.key, ThreadKey::Storm { .. });
    if over {
        let end = notification.facts.decided_at;
        let lasted = figures::span(end.since(oldest(notification, group)));
        return match storm {
            true => format!("storm is over after {lasted}"),
            false => format!("every alert of {subject} is over after {lasted}"),
        };
    }
    let s = if group.firing == 1 { "" } else { "s" };
    let (count, tally) = (group.firing, tally(group));
    match storm {
        true => format!("storm: {count} alert{s}: {tally}"),
        false => format!("{count} alert{s} of {subject}: {tally}"),
    }
}

/// What the alerts have in common.
pub(super) fn subject(key: &ThreadKey) -> String {
    let name = match key {
        ThreadKey::Storm { .. } => "storm".to_owned(),
        ThreadKey::Group { route, labels, .. } => {
            let mut rest: BTreeMap<&str, &str> = labels.iter().collect();
            let mut name = rest.remove("service").unwrap_or_default().to_owned();
            if !name.is_empty()
                && let Some(slo) = rest.remove("slo")
            {
                name = format!("{name}/{slo}");
            }
            rest.retain(|_, value| !value.is_empty());
            let pairs: Vec<String> = rest.iter().map(|(n, v)| format!("{n}={v:?}")).collect();
            if !pairs.is_empty() {
                name += &format!("{{{}}}", pairs.join(","));
            }
            match name.is_empty() {
                true => format!("route {route}"),
                false => name,
            }
        }
    };
    text::line(&name, SUBJECT_CHARS_MAX)
}

/// `48 pages, 2 tickets and 13 more, 1 over`: exact as far as alerts are spelled out.
pub(super) fn tally(group: &GroupFacts) -> String {
    let mut listed = 0;
    let mut counts = Vec::new();
    for (severity, one, many) in [
        (Severity::Page, "page", "pages"),
        (Severity::Ticket, "ticket", "tickets"),
        (Severity::Info, "info", "info"),
    ] {
        let firing = |m: &&AlertFacts| m.severity == severity && m.resolved_at.is_none();
        let count = group.members.iter().filter(firing).count();
        listed += count;
        if count > 0 {
            counts.push(format!("{count} {}", if count == 1 { one } else { many }));
        }
    }
    let mut tally = counts.join(", ");
    let more = usize::try_from(group.firing).map_or(0, |firing| firing.saturating_sub(listed));
    if more > 0 {
        tally += &format!("{}{more} more", if listed > 0 { " and " } else { "" });
    }
    let over = group.members.len() - listed;
    if over > 0 {
        tally += &format!("{}{over} over", if tally.is_empty() { "" } else { ", " });
    }
    tally
}

fn why(notification: &Notification, group: &GroupFacts, tone: Tone) -> String {
    match (tone, &notification.facts.reason) {
        (Tone::Resolved, _) => return "Every alert has recovered.".to_owned(),
        (Tone::Closed, _) => {
            return "Every alert has ended, but not every end is a recovery.".to_owned();
        }
        (Tone::Firing(_), Reason::GroupChanged) => {
            return "The alerts of the group have changed.".to_owned();
        }
        (Tone::Firing(_), Reason::Repeated) => return "They are still open.".to_owned(),
        (Tone::Firing(_), Reason::Acknowledged { by }) => {
            let by = text::line(by, SUBJECT_CHARS_MAX);
            return format!("{by} looks after them.");
        }
        (Tone::Firing(_), Reason::Unacknowledged { after }) => {
            let long = figures::span(*after);
            return format!("Nobody has acknowledged them for {long}.");
        }
        (Tone::Firing(_), _) => {}
    }
    match (&group.key, notification.kind) {
        (_, NotificationKind::Update) => "The alerts of the group have changed.".to_owned(),
        (ThreadKey::Storm { .. }, _) => {
            "So many alerts came at once that they are told as one.".to_owned()
        }
        (ThreadKey::Group { route, .. }, _) => {
            let route = text::line(route, SUBJECT_CHARS_MAX);
            format!("They are told together, as route {route} groups them.")
        }
    }
}

fn facts(
    notification: &Notification,
    group: &GroupFacts,
    loudest: &AlertFacts,
    over: bool,
) -> Vec<Fact> {
    let start = oldest(notification, group);
    let end = over.then_some(notification.facts.decided_at);
    let next_step = || format!("Begin with the first alert. {}", words::next_step(loudest));
    let keeper = notification.facts.acknowledged.as_ref();
    words::bounded([
        ("Impact", impact(group)),
        ("Services", services(group)),
        (
            "Depends on",
            (!over)
                .then(|| dependencies(group))
                .and_then(|on| words::dependencies(&on)),
        ),
        (
            "Since",
            Some(words::stretch(start, end, notification.facts.decided_at)),
        ),
        ("Looked after by", keeper.map(words::keeper)),
        ("Next step", (!over).then(next_step)),
        ("Owner", owners(group)),
    ])
}

pub(super) fn oldest(notification: &Notification, group: &GroupFacts) -> Timestamp {
    let starts = group.members.iter().map(|member| member.started_at);
    starts.fold(notification.facts.started_at, Timestamp::min)
}

/// What it means to users, if all say the same.
fn impact(group: &GroupFacts) -> Option<String> {
    let mut texts = group.members.iter().map(|m| &m.document.description);
    let first = texts.next()?;
    if texts.any(|text| text != first) {
        return None;
    }
    words::non_empty(first)
}

/// `shop 3, pay 2`, where there is more than one; most alerts first.
fn services(group: &GroupFacts) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for member in &group.members {
        *counts.entry(&member.service).or_default() += 1;
    }
    if counts.len() < 2 {
        return None;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let names = counts.iter().map(|(name, count)| format!("{name} {count}"));
    Some(named(names.collect()))
}

fn owners(group: &GroupFacts) -> Option<String> {
    let owners = group
        .members
        .iter()
        .filter_map(|m| m.document.owner.as_deref());
    let owners: BTreeSet<String> = owners.filter_map(words::non_empty).collect();
    (!owners.is_empty()).then(|| named(owners.into_iter().collect()))
}

/// The first of the names, and how many more there are.
fn named(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMES_MAX);
    names.truncate(NAMES_MAX);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

/// What any of the alerts depends on, each once.
fn dependencies(group: &GroupFacts) -> Vec<DependencyFacts> {
    let mut all: Vec<DependencyFacts> = Vec::new();
    for dependency in group.members.iter().flat_map(|m| &m.dependencies) {
        if all.iter().all(|known| known.slo != dependency.slo) {
            all.push(dependency.clone());
        }
    }
    all
}

/// The definitions' labels that all alerts have with the same value.
fn shared_labels(group: &GroupFacts) -> BTreeMap<String, String> {
    let mut members = group.members.iter().map(|member| &member.document.labels);
    let mut shared = members.next().cloned().unwrap_or_default();
    for labels in members {
        shared.retain(|name, value| labels.get(name) == Some(value));
    }
    shared
}

/// Where to go with the loudest alert, and this daemon's list of alerts.
fn links(loudest: &AlertFacts, external: Option<&Url>) -> Vec<Link> {
    let mut links = words::links(loudest, None);
    let list = external.and_then(|base| {
        let mut url = base.clone();
        let path = ["api", "v1", "alerts"];
        url.path_segments_mut().ok()?.pop_if_empty().extend(path);
        Some(url.into())
    });
    links.extend(list.map(|url| Link {
        name: OWN_LINK,
        url,
    }));
    links
}

fn line(member: &AlertFacts, external: Option<&Url>) -> MemberLine {
    let kind = match member.resolved_at {
        Some(_) => NotificationKind::Resolve,
        None => NotificationKind::Trigger,
    };
    let mut links = words::links(member, external).into_iter();
    MemberLine {
        tone: Tone::of(member, kind),
        title: text::line(&reason::title(member, kind), TITLE_CHARS_MAX),
        since: words::since(member),
        link: links.next().map(|link| link.url),
    }
}

#[cfg(test)]
mod tests;
