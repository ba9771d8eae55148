//! The routes in force as a file of Alertmanager, for `amtool config`.
//!
//! What Alertmanager has no word for is left out: escalation, storm limits, labels of routes,
//! receivers of owners. A route with several receivers names them all in one, separated by commas,
//! as `amtool config routes test` prints them. Receivers have no options here, so no secret can
//! be among them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::engine::interval::{WEEKDAYS, clock};
use crate::engine::{GroupBy, InhibitRule, Matcher, Route, Routing, TimeInterval};

/// The receiver of a route that tells nobody.
const NOBODY: &str = "nobody";
/// How a route says that it repeats nothing, for there is no word for it.
const NEVER: &str = "100y";

/// The file.
pub(super) fn original(routing: &Routing) -> String {
    let mut receivers = BTreeSet::new();
    collect(&routing.root, &mut receivers);
    receivers.extend(routing.receivers.keys().cloned());
    let receivers: Vec<Value> = receivers
        .into_iter()
        .map(|name| json!({ "name": name }))
        .collect();
    let intervals: Vec<Value> = routing
        .intervals
        .iter()
        .map(|(name, times)| {
            let times: Vec<Value> = times.iter().map(interval).collect();
            json!({ "name": name, "time_intervals": times })
        })
        .collect();
    let inhibit: Vec<Value> = routing.inhibit.iter().map(inhibition).collect();
    let file = json!({
        "route": route(&routing.root, true),
        "inhibit_rules": inhibit,
        "time_intervals": intervals,
        "receivers": receivers,
    });
    serde_yaml::to_string(&file).unwrap_or_default()
}

fn collect(route: &Route, receivers: &mut BTreeSet<String>) {
    receivers.insert(receiver(route));
    for child in &route.routes {
        collect(child, receivers);
    }
}

fn receiver(route: &Route) -> String {
    if route.receivers.is_empty() {
        NOBODY.to_owned()
    } else {
        route.receivers.join(",")
    }
}

fn route(route: &Route, root: bool) -> Value {
    let mut node = Map::new();
    let mut set = |key: &str, value: Value| {
        node.insert(key.to_owned(), value);
    };
    set("receiver", receiver(route).into());
    match &route.group_by {
        GroupBy::Alert => set("group_by", json!(["..."])),
        GroupBy::Labels(labels) if labels.is_empty() => {}
        GroupBy::Labels(labels) => set("group_by", json!(labels)),
    }
    if !root {
        set("matchers", matchers(&route.matchers));
        set("continue", route.continues.into());
    }
    set("group_wait", route.group_wait.to_string().into());
    set("group_interval", route.group_interval.to_string().into());
    let repeat = route.repeat_interval.map(|repeat| repeat.to_string());
    set(
        "repeat_interval",
        repeat.unwrap_or_else(|| NEVER.to_owned()).into(),
    );
    if !root && !route.active_intervals.is_empty() {
        set("active_time_intervals", json!(route.active_intervals));
    }
    if !root && !route.mute_intervals.is_empty() {
        set("mute_time_intervals", json!(route.mute_intervals));
    }
    if !route.routes.is_empty() {
        let children = route.routes.iter().map(|child| self::route(child, false));
        set("routes", children.collect());
    }
    node.into()
}

fn matchers(matchers: &[Matcher]) -> Value {
    matchers.iter().map(ToString::to_string).collect()
}

fn inhibition(rule: &InhibitRule) -> Value {
    json!({
        "source_matchers": matchers(&rule.source),
        "target_matchers": matchers(&rule.target),
        "equal": rule.equal,
    })
}

fn interval(interval: &TimeInterval) -> Value {
    let day = |day: u8| WEEKDAYS.get(usize::from(day)).copied().unwrap_or("sunday");
    let mut node = Map::new();
    let mut set = |key: &str, values: Vec<Value>| {
        if !values.is_empty() {
            node.insert(key.to_owned(), values.into());
        }
    };
    let times = interval.times.iter();
    let times =
        times.map(|(start, end)| json!({ "start_time": clock(*start), "end_time": clock(*end) }));
    set("times", times.collect());
    let days = interval.weekdays.iter();
    let days = days.map(|(first, last)| format!("{}:{}", day(*first), day(*last)).into());
    set("weekdays", days.collect());
    let span = |(first, last): (i32, i32)| format!("{first}:{last}").into();
    let days = interval.days_of_month.iter();
    set(
        "days_of_month",
        days.map(|(a, b)| span(((*a).into(), (*b).into())))
            .collect(),
    );
    let months = interval.months.iter();
    set(
        "months",
        months
            .map(|(a, b)| span(((*a).into(), (*b).into())))
            .collect(),
    );
    let years = interval.years.iter();
    set(
        "years",
        years
            .map(|(a, b)| span(((*a).into(), (*b).into())))
            .collect(),
    );
    node.insert("location".to_owned(), interval.zone.name().into());
    node.into()
}
