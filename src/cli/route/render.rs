//! Routes for people: the tree, the way of an alert through it, and the times at which it rests.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Walk, matchers};
use crate::engine::interval::{WEEKDAYS, clock};
use crate::engine::{
    GroupBy, Route, Routing, Span, TimeInterval, Timestamp, TracedMatcher, TracedNode,
};

/// Why a route tells nobody at a time, if it rests.
pub(super) fn rest(routing: &Routing, route: &Route, at: Timestamp) -> Option<String> {
    let inside = |name: &&String| {
        let intervals = routing.intervals.get(*name).into_iter().flatten();
        intervals.into_iter().any(|interval| interval.contains(at))
    };
    if !route.active_intervals.is_empty()
        && !route.active_intervals.iter().any(|name| inside(&name))
    {
        return Some(format!("outside {}", route.active_intervals.join(", ")));
    }
    let name = route.mute_intervals.iter().find(inside)?;
    Some(format!("inside {name}"))
}

/// The way of an alert and what comes of it.
pub(super) fn walk(walk: &Walk<'_>) -> String {
    let mut text = format!("{}\n\n", walk.labels);
    for node in &walk.trace.nodes {
        line(&mut text, node);
    }
    for (traced, route) in walk.trace.routes.iter().zip(&walk.routes) {
        let told = match traced.receivers.as_slice() {
            [] => "nobody".to_owned(),
            names => names.join(", "),
        };
        let owner = traced.owner.as_ref();
        let owner = owner.map(|owner| format!(" (of the owner {owner})"));
        let group = traced.group.as_ref().map(|group| match group.is_empty() {
            true => "with all others of this route".to_owned(),
            false => format!("with those of {group}"),
        });
        // What comes of writing to a string is known.
        let _written = write!(
            text,
            "\n{}\n  tells      {told}{}\n  together   {}\n",
            traced.route,
            owner.unwrap_or_default(),
            group.unwrap_or_else(|| "with no other alert".to_owned()),
        );
        options(&mut text, route, "  ");
        times(&mut text, walk.routing, route);
        if let Some(rest) = rest(walk.routing, route, walk.at) {
            let _written = writeln!(text, "  now        rests: it is {rest}");
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// One node that was asked, with its answer.
fn line(text: &mut String, node: &TracedNode) {
    let indent = "  ".repeat(node.depth);
    let failed: Vec<String> = node
        .matchers
        .iter()
        .filter(|m| !m.matched)
        .map(why)
        .collect();
    let answer = match (node.took, node.matched) {
        (true, _) => "takes it".to_owned(),
        (false, true) => "matches".to_owned(),
        (false, false) => format!("no: {}", failed.join(", ")),
    };
    let on = if node.matched && node.continues {
        ", and its siblings are asked too"
    } else {
        ""
    };
    let asked: Vec<&str> = node.matchers.iter().map(|m| m.matcher.as_str()).collect();
    let asked = match asked.as_slice() {
        [] => String::new(),
        asked => format!(" {{{}}}", asked.join(", ")),
    };
    let _written = writeln!(text, "{indent}{}{asked}: {answer}{on}", node.route);
}

fn why(matcher: &TracedMatcher) -> String {
    let TracedMatcher { matcher, value, .. } = matcher;
    match value.as_str() {
        "" => format!("there is no value for {matcher}"),
        value => format!("{value:?} is not {matcher}"),
    }
}

/// Timing, labels and escalation, where they say something.
fn options(text: &mut String, route: &Route, indent: &str) {
    if let GroupBy::Labels(_) = route.group_by {
        let _written = writeln!(
            text,
            "{indent}waits      {} for the first, then {} between news; pages never",
            route.group_wait, route.group_interval
        );
    }
    let repeat = route
        .repeat_interval
        .map(|every: Span| format!("every {every}"));
    let repeat = repeat.unwrap_or_else(|| "never".to_owned());
    let _written = writeln!(text, "{indent}repeats    {repeat}");
    if !route.labels.is_empty() {
        let labels: Vec<String> = route
            .labels
            .iter()
            .map(|(k, v)| format!("{k}={v:?}"))
            .collect();
        let _written = writeln!(text, "{indent}adds       {}", labels.join(", "));
    }
    for step in &route.escalation {
        let names = step.receivers.join(", ");
        let _written = writeln!(text, "{indent}escalates  after {} to {names}", step.after);
    }
}

/// The times at which it tells nobody.
fn times(text: &mut String, routing: &Routing, route: &Route) {
    let lists = [
        ("outside", &route.active_intervals),
        ("inside", &route.mute_intervals),
    ];
    for (word, names) in lists {
        for name in names {
            let intervals = routing.intervals.get(name).into_iter().flatten();
            let all: Vec<String> = intervals.map(described).collect();
            let _written = writeln!(text, "  rests      {word} {name}: {}", all.join("; or "));
        }
    }
}

/// An interval in the words of the settings.
fn described(interval: &TimeInterval) -> String {
    let day = |day: u8| {
        WEEKDAYS
            .get(usize::from(day))
            .copied()
            .unwrap_or("?")
            .to_owned()
    };
    let mut parts = Vec::new();
    list(&mut parts, "", &interval.weekdays, day);
    let days = |day: i8| day.to_string();
    list(&mut parts, "days ", &interval.days_of_month, days);
    list(&mut parts, "months ", &interval.months, |month| {
        month.to_string()
    });
    list(&mut parts, "years ", &interval.years, |year| {
        year.to_string()
    });
    let times: Vec<String> = interval
        .times
        .iter()
        .map(|(start, end)| format!("{}-{}", clock(*start), clock(*end)))
        .collect();
    if !times.is_empty() {
        parts.push(times.join(" and "));
    }
    parts.push(interval.zone.name().to_owned());
    parts.join(", ")
}

fn list<T: Copy + PartialEq>(
    parts: &mut Vec<String>,
    what: &str,
    ranges: &[(T, T)],
    word: impl Fn(T) -> String,
) {
    let range = |(first, last): &(T, T)| match first == last {
        true => word(*first),
        false => format!("{}:{}", word(*first), word(*last)),
    };
    let ranges: Vec<String> = ranges.iter().map(range).collect();
    if !ranges.is_empty() {
        parts.push(format!("{what}{}", ranges.join(" and ")));
    }
}

/// The whole tree.
pub(super) fn tree(routing: &Routing) -> String {
    let mut text = String::new();
    node(&mut text, &routing.root, 0);
    text.truncate(text.trim_end().len());
    text
}

fn node(text: &mut String, route: &Route, depth: usize) {
    let indent = "  ".repeat(depth);
    let mut told = route.receivers.join(", ");
    if route.to_owner {
        told = match told.as_str() {
            "" => "the owner's receivers".to_owned(),
            others => format!("the owner's receivers, or {others}"),
        };
    }
    let told = if told.is_empty() {
        "nobody".to_owned()
    } else {
        told
    };
    let group = match &route.group_by {
        GroupBy::Alert => String::new(),
        GroupBy::Labels(names) => format!(", by [{}]", names.join(", ")),
    };
    let on = if route.continues { ", continues" } else { "" };
    let asked = matchers(route);
    let _written = writeln!(text, "{indent}{} {asked} -> {told}{group}{on}", route.name);
    for child in &route.routes {
        node(text, child, depth + 1);
    }
}

/// A route and its children.
pub(super) fn route_json(route: &Route) -> Value {
    let matchers: Vec<String> = route.matchers.iter().map(ToString::to_string).collect();
    let group_by = match &route.group_by {
        GroupBy::Alert => vec!["...".to_owned()],
        GroupBy::Labels(names) => names.clone(),
    };
    let repeat = route
        .repeat_interval
        .map_or_else(|| "never".to_owned(), |span| span.to_string());
    let escalate: Vec<Value> = route
        .escalation
        .iter()
        .map(|step| json!({"after": step.after.to_string(), "receivers": step.receivers}))
        .collect();
    json!({
        "name": route.name,
        "matchers": matchers,
        "continue": route.continues,
        "receivers": route.receivers,
        "to_owner": route.to_owner,
        "group_by": group_by,
        "group_wait": route.group_wait.to_string(),
        "group_interval": route.group_interval.to_string(),
        "repeat_interval": repeat,
        "labels": route.labels,
        "active_time_intervals": route.active_intervals,
        "mute_time_intervals": route.mute_intervals,
        "escalate": escalate,
        "routes": route.routes.iter().map(route_json).collect::<Vec<_>>(),
    })
}
