//! Routes, receivers, muting and access: every key, every default, every mistake at its place.

use std::fmt::Write as _;

use super::*;
use crate::config::settings::{Access, Auth, ReceiverKind, ReceiverSettings, SmtpSecurity};
use crate::engine::{
    DependencyPolicy, EscalationStep, GroupBy, MaintenanceTime, Route, Routing, StormLimit,
    TimeInterval, Timestamp,
};

/// What is found in the settings made of each case, with its places; what nothing refers to is
/// left out, for a case is about one thing.
fn complaints(make: impl Fn(&str) -> String, cases: &[&str]) -> String {
    let mut all = String::new();
    for case in cases {
        let (_, found) = settings(make(case));
        writeln!(all, "{case}").unwrap();
        let of_interest = |one: &&Diagnostic| one.rule != Lint::UnusedSetting;
        let mut count = 0;
        for one in found.iter().filter(of_interest) {
            let (line, column) = (one.place.line, one.place.column);
            let rule = one.rule.name();
            writeln!(
                all,
                "  {line}:{column} {rule}: {}; {}",
                one.message, one.fix
            )
            .unwrap();
            count += 1;
        }
        assert!(count > 0, "{case} is not refused");
    }
    all
}

/// Settings with a tree of routes in their fourth line.
fn tree(route: &str) -> String {
    format!(
        "definitions: [rules]
receivers: [{{name: a, console: {{}}}}, {{name: b, console: {{}}}}, {{name: pd, pagerduty: {{routing_key: k}}}}]
time_intervals: [{{name: night, intervals: [{{times: [{{start_time: \"22:00\", end_time: \"24:00\"}}]}}]}}]
route: {route}
"
    )
}

/// Settings with something more in their first line.
fn with(line: &str) -> String {
    format!("{line}\n{SETTINGS}")
}

/// Settings with a receiver in their second line.
fn receiver(receiver: &str) -> String {
    SETTINGS.replace(
        "[{name: console, console: {}}]",
        &format!("[{{name: console, console: {{}}}}, {{name: x, {receiver}}}]"),
    )
}

fn accepted(text: impl AsRef<[u8]>) -> Settings {
    let (loaded, found) = settings(text);
    assert_eq!(found.errors(), 0, "{found}");
    loaded.unwrap_or_else(|| panic!("nothing was compiled"))
}

fn kind(text: &str) -> ReceiverKind {
    let mut all = accepted(receiver(text)).receivers;
    all.pop().unwrap().kind
}

#[test]
fn a_tree_is_inherited_but_for_what_belongs_to_one_route() {
    let routing = accepted(tree(
        "{receiver: a, to_owner: true, group_by: [service], group_wait: 10s, group_interval: 1m, repeat_interval: 4h, labels: {x: '1', y: '1'}, escalate: [{after: 15m, receivers: [b]}], routes: [
           {matchers: ['a=\"b\"', '{c=~\"d|e\",f!=g}'], continue: true, mute_time_intervals: [night], routes: [{labels: {y: '2'}}]},
           {name: own, receivers: [b], group_by: ['...'], group_wait: 0s, repeat_interval: never, escalate: [], active_time_intervals: [night], routes: [{}]}]}
owners: {payments: {page: [pd]}}",
    ))
    .routing;
    let root = &routing.root;
    let expected = Route {
        name: "route".to_owned(),
        receivers: vec!["a".to_owned()],
        to_owner: true,
        group_by: GroupBy::Labels(vec!["service".to_owned()]),
        group_wait: Span::from_secs(10),
        group_interval: Span::from_mins(1),
        repeat_interval: Some(Span::from_hours(4)),
        labels: [("x", "1"), ("y", "1")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
        escalation: vec![EscalationStep {
            after: Span::from_mins(15),
            receivers: vec!["b".to_owned()],
        }],
        routes: root.routes.clone(),
        ..Route::default()
    };
    assert_eq!(*root, expected);
    let [first, own] = root.routes.as_slice() else {
        panic!("{root:?}");
    };
    let shown: Vec<String> = first.matchers.iter().map(ToString::to_string).collect();
    assert_eq!(shown, [r#"a="b""#, r#"c=~"d|e""#, r#"f!="g""#]);
    assert_eq!((first.name.as_str(), first.continues), ("route[0]", true));
    assert_eq!(first.mute_intervals, ["night"]);
    let grandchild = &first.routes[0];
    let inherited = Route {
        name: "route[0][0]".to_owned(),
        labels: [("x", "1"), ("y", "2")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
        routes: Vec::new(),
        ..root.clone()
    };
    assert_eq!(*grandchild, inherited);
    let expected = Route {
        name: "own".to_owned(),
        receivers: vec!["b".to_owned()],
        group_wait: Span::ZERO,
        group_interval: root.group_interval,
        labels: root.labels.clone(),
        active_intervals: vec!["night".to_owned()],
        routes: own.routes.clone(),
        ..Route::default()
    };
    assert_eq!(*own, expected, "who names receivers means them");
    assert!(own.routes[0].active_intervals.is_empty());
    assert_eq!(own.routes[0].receivers, ["b"]);
    assert_eq!(
        routing.owners["payments"].by_severity[&Severity::Page],
        ["pd"]
    );
}

#[test]
fn mistakes_in_trees_have_a_place_and_a_fix() {
    insta::assert_snapshot!(complaints(tree, &[
        "{}",
        "{receivers: []}",
        "{receivers: [], routes: [{matchers: [slofuse_severity=ticket], receivers: [a]}]}",
        "{receivers: [aa]}",
        "{receivers: [a, a]}",
        "{receiver: a, receivers: [a]}",
        "{receiver: a, matchers: [a=b], continue: true, mute_time_intervals: [night]}",
        "{receiver: a, routes: [{matchers: ['a=\"b\" c'], group_by: ['...', x]}]}",
        "{receiver: a, routes: [{matchers: [''], mach: [x]}]}",
        "{receiver: a, routes: [{matchers: ['a=~\"(\"', b=c]}]}",
        "{receiver: a, group_by: [x, x], group_wait: 2h, group_interval: 0s, repeat_interval: 1s}",
        "{receiver: a, repeat_interval: often}",
        "{receiver: a, routes: [{matchers: [a=b], active_time_intervals: [nigth]}]}",
        "{receiver: a, to_owner: true}",
        "{receiver: a, escalate: [{after: 0s, receivers: [b]}, {after: 5m, receivers: []}, {receivers: [b]}]}",
        "{receiver: a, escalate: [{after: 5m, receivers: [b]}, {after: 5m, receivers: [b]}]}",
        "{receiver: a, routes: [{name: x, matchers: [a=b]}, {name: x, matchers: [a=c]}, {name: route, matchers: [a=d]}]}",
        "{receiver: a, labels: {a: [b]}}",
        "{receiver: a}\nroutes: {default: [a]}",
        "{receiver: a}\nowners: {x: {}, y: {page: []}, z: {default: [nobody]}}",
    ]), @r#"
    {}
      4:8 invalid: no page can reach anybody; add receivers: to the root, or to a route that takes pages
      4:8 invalid: the root names nobody, so what no other route takes is lost; add receivers:, or receivers: [] if that is meant
    {receivers: []}
      4:8 invalid: no page can reach anybody; add receivers: to the root, or to a route that takes pages
    {receivers: [], routes: [{matchers: [slofuse_severity=ticket], receivers: [a]}]}
      4:8 invalid: no page can reach anybody; add receivers: to the root, or to a route that takes pages
    {receivers: [aa]}
      4:21 unknown-reference: there is no receiver called "aa"; did you mean "a"?
    {receivers: [a, a]}
      4:24 invalid: "a" is listed twice; remove one
    {receiver: a, receivers: [a]}
      4:19 invalid: receiver and receivers exclude each other; keep one of the two
    {receiver: a, matchers: [a=b], continue: true, mute_time_intervals: [night]}
      4:32 invalid: the root takes what no other route takes, so it has no matchers; move it to a route under routes:, which may be the only one
      4:49 invalid: the root takes what no other route takes, so it has no continue; move it to a route under routes:, which may be the only one
      4:76 invalid: the root takes what no other route takes, so it has no mute_time_intervals; move it to a route under routes:, which may be the only one
    {receiver: a, routes: [{matchers: ['a="b" c'], group_by: ['...', x]}]}
      4:50 invalid: this is no matcher: 'c' stands where a comma or the end is expected; write it like severity="page" or service=~"shop|cart"
      4:65 invalid: '...' stands for all labels, so there can be no others beside it; keep '...', or remove it
    {receiver: a, routes: [{matchers: [''], mach: [x]}]}
      4:43 invalid: this is no matcher; write it like severity="page" or service=~"shop|cart"
      4:48 invalid: unknown key "mach"; use one of: name, matchers, continue, receiver, receivers, to_owner, group_by, group_wait, group_interval, repeat_interval, labels, active_time_intervals, mute_time_intervals, escalate, routes
    {receiver: a, routes: [{matchers: ['a=~"("', b=c]}]}
      4:47 invalid: this is no matcher: "(" is not a regular expression: unclosed group; write it like severity="page" or service=~"shop|cart"
    {receiver: a, group_by: [x, x], group_wait: 2h, group_interval: 0s, repeat_interval: 1s}
      4:36 invalid: "x" is listed twice; remove one
      4:52 invalid: 2h is out of bounds; choose a value from 0s to 1h
      4:72 invalid: 0s is out of bounds; choose a value from 1s to 1d
      4:93 invalid: 1s is out of bounds; choose a value from 1m to 90d
    {receiver: a, repeat_interval: often}
      4:39 invalid: "often" is not a duration; write it like 12h or 3d, or write never
    {receiver: a, routes: [{matchers: [a=b], active_time_intervals: [nigth]}]}
      4:73 unknown-reference: there is no time interval called "nigth"; did you mean "night"?
    {receiver: a, to_owner: true}
      4:32 invalid: no owner has receivers, so this goes to nobody's owner; add owners: with the receivers of each, or remove to_owner
    {receiver: a, escalate: [{after: 0s, receivers: [b]}, {after: 5m, receivers: []}, {receivers: [b]}]}
      4:41 invalid: 0s is out of bounds; choose a value from 1m to 7d
      4:85 invalid: this step reaches nobody; name who is told when nobody acknowledges
      4:90 invalid: the step lacks the key "after"; add after:
    {receiver: a, escalate: [{after: 5m, receivers: [b]}, {after: 5m, receivers: [b]}]}
      4:62 invalid: this step does not come after the one before it; list the steps by rising after:
    {receiver: a, routes: [{name: x, matchers: [a=b]}, {name: x, matchers: [a=c]}, {name: route, matchers: [a=d]}]}
      4:66 invalid: there are two routes called "x"; rename one of the two
      4:94 invalid: there are two routes called "route"; rename one of the two
    {receiver: a, labels: {a: [b]}}
      4:34 invalid: expected a text, found a list; write one value here
    {receiver: a}
    routes: {default: [a]}
      1:1 invalid: the settings file has both route and routes, but they exclude each other; keep one of route, routes
    {receiver: a}
    owners: {x: {}, y: {page: []}, z: {default: [nobody]}}
      5:13 invalid: the owner "x" has no receivers; add default: or page: with receivers
      5:27 invalid: the owner "y" reaches nobody; name a receiver, or remove the key so that the default is used
      5:46 unknown-reference: there is no receiver called "nobody"; use one of: a, b, pd
    "#);
    let neither = SETTINGS.replace("routes: {default: [console]}\n", "");
    insta::assert_snapshot!(only(&settings(neither).1), @"1:1 the settings file has none of the keys route, routes; add one of route, routes");
}

#[test]
fn routes_that_are_probably_not_meant_are_warned_of() {
    insta::assert_snapshot!(complaints(tree, &[
        "{receiver: a, routes: [{matchers: [a=b]}, {matchers: [a=b, c=d]}]}",
        "{receiver: a, routes: [{receiver: b}, {matchers: [c=d]}]}",
        "{receiver: a, routes: [{matchers: [slofuse_severity=critical]}]}",
        "{receiver: a, routes: [{matchers: [a=b], routes: [{matchers: [a=c]}]}]}",
        "{receiver: a, routes: [{matchers: [a=b, 'a=~\"c|d\"']}]}",
        "{receiver: pd, group_by: [service]}",
        "{to_owner: true}\nowners: {x: {default: [a]}}",
    ]), @r#"
    {receiver: a, routes: [{matchers: [a=b]}, {matchers: [a=b, c=d]}]}
      4:50 unreachable-route: the route "route[0]" before this one takes every alert that this one would; put the narrower route first, or add continue: true to the other
    {receiver: a, routes: [{receiver: b}, {matchers: [c=d]}]}
      4:46 unreachable-route: the route "route[0]" before this one takes every alert that this one would; put the narrower route first, or add continue: true to the other
    {receiver: a, routes: [{matchers: [slofuse_severity=critical]}]}
      4:42 unreachable-route: no alert has slofuse_severity="critical"; use page, ticket or info
    {receiver: a, routes: [{matchers: [a=b], routes: [{matchers: [a=c]}]}]}
      4:69 unreachable-route: no alert has a="c" and another a at once; remove one of the matchers, here or on the way here
    {receiver: a, routes: [{matchers: [a=b, 'a=~"c|d"']}]}
      4:42 unreachable-route: no alert has a="b" and another a at once; remove one of the matchers, here or on the way here
    {receiver: pd, group_by: [service]}
      4:33 grouped-pages: pages of a group are one incident of "pd", which wakes somebody only once; give pages a route of their own with group_by: ['...']
    {to_owner: true}
    owners: {x: {default: [a]}}
      4:8 lost-alerts: alerts whose owner has no receivers reach nobody; add receivers: for those
    "#);
    let fine = [
        "{receivers: [a, b, pd], routes: [{matchers: [a=b], continue: true}, {matchers: [a=b, c=d]}, {matchers: [a=c]}]}",
        "{receivers: [a, b], routes: [{matchers: [severity=ticket], receivers: [pd], group_by: [service]}]}",
        "{receivers: [a, b, pd], routes: [{matchers: ['a=~\"c|d\"'], routes: [{matchers: [a=c]}, {matchers: [a=d]}]}]}",
    ];
    for fine in fine {
        let fine = tree(fine).replace("time_intervals:", "# ");
        assert_eq!(settings(fine).1.to_string(), "");
    }
}

#[test]
fn what_nothing_refers_to_is_warned_of() {
    let text = tree("{receiver: a}\nowners: {x: {default: [b]}}");
    insta::assert_snapshot!(settings(text).1, @r#"
    settings.yaml:2:68: warning: nothing refers to the receiver "pd"
      fix: name it in a route, or remove it
    settings.yaml:3:25: warning: nothing refers to the time interval "night"
      fix: name it in a route or a maintenance window, or remove it
    settings.yaml:5:9: warning: no route goes to owners, so these receivers have no effect
      fix: add to_owner: true to a route, or remove owners
    "#);
    let text = SETTINGS.replace(
        "console: {}}]",
        "console: {}, fallback: b}, {name: b, console: {}}]",
    );
    assert_eq!(settings(text).1.to_string(), "", "a fallback is used");
}

#[test]
fn trees_are_bounded() {
    let deep = |depth: usize| {
        tree(&format!(
            "{{receiver: a{}{}}}",
            ", routes: [{continue: true".repeat(depth),
            "}]".repeat(depth)
        ))
    };
    accepted(deep(28));
    let (loaded, found) = settings(deep(40));
    assert!(loaded.is_none() && found.errors() == 1, "{found}");
    let wide = |count: usize| {
        let routes: Vec<String> = (0..count)
            .map(|at| format!("{{matchers: [a=\"{at}\"]}}"))
            .collect();
        tree(&format!("{{receiver: a, routes: [{}]}}", routes.join(", ")))
    };
    accepted(wide(999));
    let (loaded, found) = settings(wide(1_001));
    assert!(loaded.is_none(), "{found}");
    insta::assert_snapshot!(found.iter().find(|one| one.severity == Level::Error).unwrap().message, @"the tree of routes is too large");
    let matchers: Vec<String> = (0..100).map(|at| format!("a{at}!=b")).collect();
    let routes = vec![format!("{{continue: true, matchers: [\"{}\"]}}", matchers.join(",")); 102];
    let (loaded, found) = settings(tree(&format!(
        "{{receiver: a, routes: [{}]}}",
        routes.join(", ")
    )));
    assert!(loaded.is_none() && found.errors() == 1, "{found}");
}

#[test]
fn times_have_alertmanagers_grammar() {
    let settings = accepted(with(
        "time_intervals:
- name: x
  intervals:
  - {times: [{start_time: 09:00, end_time: '24:00'}], weekdays: ['monday:friday', 'saturday:sunday'], days_of_month: ['1:5', '-3:-1', 7], months: [january:march, 11:2], years: [2026, '2027:2028'], location: Europe/Berlin}
  - {weekdays: [sunday]}
night: {start: '01:00', end: '05:30', time_zone: America/New_York}",
    ));
    let zone = |name: &str| crate::engine::Zone::named(name).unwrap();
    let sundays = TimeInterval {
        weekdays: vec![(0, 0)],
        ..TimeInterval::always(crate::engine::Zone::utc())
    };
    let first = TimeInterval {
        times: vec![(540, 1440)],
        weekdays: vec![(1, 5), (6, 6), (0, 0)],
        days_of_month: vec![(1, 5), (-3, -1), (7, 7)],
        months: vec![(1, 3), (11, 12), (1, 2)],
        years: vec![(2026, 2026), (2027, 2028)],
        ..TimeInterval::always(zone("Europe/Berlin"))
    };
    assert_eq!(settings.routing.intervals["x"], [first, sundays.clone()]);
    let night = TimeInterval {
        times: vec![(60, 330)],
        weekdays: Vec::new(),
        zone: zone("America/New_York"),
        ..sundays
    };
    assert_eq!(settings.night.0, night);
    let usual = accepted(with("night: {}")).night.0;
    assert_eq!(usual, settings::Night::default().0);
    let half = accepted(with("night: {start: '22:00', end: '24:00'}"))
        .night
        .0;
    assert_eq!(half.times, [(1320, 1440)]);
}

#[test]
fn maintenance_and_inhibition_have_their_keys() {
    let routing = accepted(with(
        "dependencies: mute
time_intervals: [{name: w, intervals: [{weekdays: [sunday]}]}]
inhibit_rules: [{source_matchers: [a=b], target_matchers: ['{c=d,e!=f}'], equal: [x, y]}, {name: n, source_matchers: [a=b], target_matchers: [c=d]}]
maintenance:
- {name: once, matchers: [], from: 2026-01-01T00:00:00Z, until: '2026-01-01T02:00:00+01:00'}
- {name: again, matchers: [a=b], time_intervals: [w, {months: [may]}], exclude_from_budget: true}",
    ))
    .routing;
    assert_eq!(routing.dependencies, DependencyPolicy::Mute);
    let [first, second] = routing.inhibit.as_slice() else {
        panic!("{routing:?}");
    };
    assert_eq!(
        (first.name.as_str(), second.name.as_str()),
        ("inhibit_rules[0]", "n")
    );
    assert_eq!((first.source.len(), first.target.len()), (1, 2));
    assert_eq!(first.equal, ["x", "y"]);
    let [once, again] = routing.maintenance.as_slice() else {
        panic!("{routing:?}");
    };
    let from = Timestamp::from_secs(1_767_225_600);
    let until = Timestamp::from_secs(1_767_225_600 + 3600);
    assert_eq!(once.when, MaintenanceTime::Once { from, until });
    assert!(!once.exclude_from_budget && again.exclude_from_budget);
    assert!(matches!(&again.when, MaintenanceTime::Recurring(all) if all.len() == 2));
    let usual = accepted(SETTINGS).routing;
    assert_eq!(usual.dependencies, DependencyPolicy::Annotate);
}

#[test]
fn mistakes_about_times_and_muting_have_a_place_and_a_fix() {
    insta::assert_snapshot!(complaints(with, &[
        "time_intervals: [{name: x, intervals: []}]",
        "time_intervals: [{name: x, intervals: [{}]}]",
        "time_intervals: [{name: x, intervals: [{location: Europe/Berlin}]}, {name: x, intervals: [{weekdays: [mon]}]}]",
        "time_intervals: [{name: x, intervals: [{times: [{start_time: '22:00', end_time: '07:00'}, {start_time: '9:00'}]}]}]",
        "time_intervals: [{name: x, intervals: [{days_of_month: ['5:1', 32], months: [jan], years: [26], location: Mars}]}]",
        "time_intervals: [{intervals: [{weekday: [monday]}]}]",
        "night: {start: '07:00'}",
        "night: {start: 7}",
        "inhibit_rules: [{source_matchers: [], target_matchers: ['x']}]",
        "inhibit_rules: [{source_matchers: [a=b], equal: [x, x, '']}]",
        "inhibit_rules: [{name: a, source_matchers: [a=b], target_matchers: [a=b]}, {name: a, source_matchers: [a=b], target_matchers: [a=b]}]",
        "maintenance: [{name: x, matchers: [a=b]}]",
        "maintenance: [{name: x, from: 2026-01-01T00:00:00Z, until: 2026-01-01T00:00:00Z}]",
        "maintenance: [{name: x, matchers: [], from: tomorrow}]",
        "maintenance: [{name: x, matchers: [], from: 2026-01-01T00:00:00Z, time_intervals: [y]}]",
        "maintenance: [{name: x, matchers: [], time_intervals: [y, {}]}]",
        "maintenance: [{matchers: [], time_intervals: []}]",
        "dependencies: ignore",
    ]), @r#"
    time_intervals: [{name: x, intervals: []}]
      1:39 invalid: this would never be; list at least one interval, such as weekdays: ['saturday:sunday']
    time_intervals: [{name: x, intervals: [{}]}]
      1:40 invalid: this interval names no time, so it would be always; add times:, weekdays:, days_of_month:, months: or years:
    time_intervals: [{name: x, intervals: [{location: Europe/Berlin}]}, {name: x, intervals: [{weekdays: [mon]}]}]
      1:40 invalid: this interval names no time, so it would be always; add times:, weekdays:, days_of_month:, months: or years:
      1:76 invalid: there are two time intervals called "x"; rename one of the two
      1:103 invalid: "mon" is not a range of weekdays; write a day such as sunday, or a range such as monday:friday
    time_intervals: [{name: x, intervals: [{times: [{start_time: '22:00', end_time: '07:00'}, {start_time: '9:00'}]}]}]
      1:81 invalid: the end is not after the start; for a stretch over midnight write two: until 24:00, and from 00:00
      1:91 invalid: the entry lacks the key "end_time"; add end_time:
      1:104 invalid: "9:00" is not a time of the day; write hours and minutes from 00:00 to 24:00, such as 09:30
    time_intervals: [{name: x, intervals: [{days_of_month: ['5:1', 32], months: [jan], years: [26], location: Mars}]}]
      1:57 invalid: "5:1" is not a range of days of the month; write a day from 1 to 31 or from -31 to -1, or a rising range such as 1:5 or -3:-1
      1:64 invalid: "32" is not a range of days of the month; write a day from 1 to 31 or from -31 to -1, or a rising range such as 1:5 or -3:-1
      1:78 invalid: "jan" is not a range of months; write a month such as january or 1, or a range such as january:march or 1:3
      1:92 invalid: "26" is not a range of years; write a year such as 2026, or a rising range such as 2026:2028
      1:107 invalid: "Mars" is not a time zone; write an IANA name such as Europe/Berlin or UTC
    time_intervals: [{intervals: [{weekday: [monday]}]}]
      1:18 invalid: the entry lacks the key "name"; add name:
      1:32 invalid: unknown key "weekday"; did you mean "weekdays"?
    night: {start: '07:00'}
      1:8 invalid: the night ends when it begins; write a later end, such as 07:00
    night: {start: 7}
      1:16 invalid: "7" is not a time of the day; write hours and minutes from 00:00 to 24:00, such as 09:30
    inhibit_rules: [{source_matchers: [], target_matchers: ['x']}]
      1:35 invalid: without source_matchers this would be about every alert; write at least one, such as severity="page"
      1:59 invalid: this is no matcher: one of = != =~ !~ is expected after the name of a label; write it like severity="page" or service=~"shop|cart"
    inhibit_rules: [{source_matchers: [a=b], equal: [x, x, '']}]
      1:17 invalid: the rule lacks the key "target_matchers"; add target_matchers:
      1:53 invalid: "x" is listed twice; remove one
      1:56 invalid: the name of the label is empty; name a label
    inhibit_rules: [{name: a, source_matchers: [a=b], target_matchers: [a=b]}, {name: a, source_matchers: [a=b], target_matchers: [a=b]}]
      1:83 invalid: there are two inhibition rules called "a"; rename one of the two
    maintenance: [{name: x, matchers: [a=b]}]
      1:15 invalid: the window has none of the keys from, time_intervals; add one of from, time_intervals
    maintenance: [{name: x, from: 2026-01-01T00:00:00Z, until: 2026-01-01T00:00:00Z}]
      1:15 invalid: the window lacks the key "matchers"; add matchers:
      1:60 invalid: until is not after from; write a later instant, or swap the two
    maintenance: [{name: x, matchers: [], from: tomorrow}]
      1:15 invalid: the window lacks the key "until"; add until:
      1:45 invalid: "tomorrow" is not an instant; write it with its offset, such as 2026-11-21T22:00:00Z or 2026-11-21T23:00:00+01:00
    maintenance: [{name: x, matchers: [], from: 2026-01-01T00:00:00Z, time_intervals: [y]}]
      1:15 invalid: the window has both from and time_intervals, but they exclude each other; keep one of from, time_intervals
    maintenance: [{name: x, matchers: [], time_intervals: [y, {}]}]
      1:56 unknown-reference: there is no time interval called "y"; define it under time_intervals:
      1:59 invalid: this interval names no time, so it would be always; add times:, weekdays:, days_of_month:, months: or years:
    maintenance: [{matchers: [], time_intervals: []}]
      1:15 invalid: the window lacks the key "name"; add name:
      1:46 invalid: this window would never be open; name an interval, or write one
    dependencies: ignore
      1:15 invalid: "ignore" is not known here; use one of: annotate, mute
    "#);
}

#[test]
fn every_kind_of_receiver_has_its_keys_and_defaults() {
    let shown: Vec<String> = [
        "pagerduty: {routing_key: k}",
        "pagerduty: {routing_key: k, region: eu, change_events: true}",
        "pagerduty: {routing_key: k, url: 'https://pd.example/v2/enqueue', change_events: 'https://pd.example/changes'}",
        "slack: {webhook_url: 'https://x.example'}",
        "slack: {bot_token: k, channel: c}",
        "slack: {bot_token: k, channel: c, api_url: 'https://x.example', buttons: true}",
        "webhook: {url: 'https://x.example'}",
        "webhook: {url: 'https://x.example', basic_auth: {username: u, password: k}, headers: {a: b}, signing_secret: k, body_signature: {secret: k}}",
        "webhook: {url: 'https://x.example', body_signature: {secret: k, header: x-a, prefix: ''}}",
        "alertmanager: {urls: ['http://am:9093']}",
        "alertmanager: {urls: ['https://a', 'https://b'], bearer_token: k, headers: {a: b}, refresh: 30s}",
        "teams: {url: 'https://x.example'}",
        "discord: {url: 'https://x.example'}",
        "telegram: {bot_token: k, chat: -100}",
        "telegram: {bot_token: k, chat: '@room', topic: 7, api_url: 'https://x.example'}",
        "email: {host: mail.example, from: a@b.example, to: [c@d.example]}",
        "email: {host: mail.example, security: tls, from: 'A <a@b.example>', to: [c@d.example, e@f.example], username: u, password: k, hello: me.example}",
        "email: {host: '::1', security: none, from: a@b.example, to: [c@d.example], port: 2525}",
        "opsgenie: {api_key: k}",
        "opsgenie: {api_key: k, region: eu}",
        "jira_service_management: {api_key: k}",
        "incident_io: {token: k, url: 'https://x.example/1'}",
        "grafana_irm: {url: 'https://x.example'}",
        "console: {}",
    ]
    .map(|text| format!("{:?}", kind(text)))
    .into();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    PagerDuty { routing_key: [redacted], url: "https://events.pagerduty.com/v2/enqueue", change_url: None }
    PagerDuty { routing_key: [redacted], url: "https://events.eu.pagerduty.com/v2/enqueue", change_url: Some("https://events.eu.pagerduty.com/v2/change/enqueue") }
    PagerDuty { routing_key: [redacted], url: "https://pd.example/v2/enqueue", change_url: Some("https://pd.example/changes") }
    SlackWebhook { url: [redacted] }
    SlackBot { token: [redacted], channel: "c", api_url: "https://slack.com/api", buttons: false }
    SlackBot { token: [redacted], channel: "c", api_url: "https://x.example", buttons: true }
    Webhook { url: [redacted], auth: None, headers: {}, signing_secret: None, body_signature: None }
    Webhook { url: [redacted], auth: Basic { username: "u", password: [redacted] }, headers: {"a": [redacted]}, signing_secret: Some([redacted]), body_signature: Some(BodySignature { header: "X-Hub-Signature-256", prefix: "sha256=", secret: [redacted] }) }
    Webhook { url: [redacted], auth: None, headers: {}, signing_secret: None, body_signature: Some(BodySignature { header: "x-a", prefix: "", secret: [redacted] }) }
    Alertmanager { urls: ["http://am:9093"], auth: None, headers: {}, refresh: Span(60000) }
    Alertmanager { urls: ["https://a", "https://b"], auth: Bearer([redacted]), headers: {"a": [redacted]}, refresh: Span(30000) }
    Teams { url: [redacted] }
    Discord { url: [redacted] }
    Telegram { token: [redacted], chat: "-100", topic: None, api_url: "https://api.telegram.org" }
    Telegram { token: [redacted], chat: "@room", topic: Some(7), api_url: "https://x.example" }
    Email(Email { host: "mail.example", port: 587, security: StartTls, credentials: None, from: "a@b.example", to: ["c@d.example"], hello: None })
    Email(Email { host: "mail.example", port: 465, security: Tls, credentials: Some(("u", [redacted])), from: "A <a@b.example>", to: ["c@d.example", "e@f.example"], hello: Some("me.example") })
    Email(Email { host: "::1", port: 2525, security: None, credentials: None, from: "a@b.example", to: ["c@d.example"], hello: None })
    Opsgenie { api_key: [redacted], url: "https://api.opsgenie.com/v2/alerts" }
    Opsgenie { api_key: [redacted], url: "https://api.eu.opsgenie.com/v2/alerts" }
    Opsgenie { api_key: [redacted], url: "https://api.atlassian.com/jsm/ops/integration/v2/alerts" }
    IncidentIo { token: [redacted], url: "https://x.example/1" }
    GrafanaIrm { url: [redacted] }
    Console
    "#);
    let ReceiverKind::Email(email) =
        kind("email: {host: '::1', security: none, from: a@b.example, to: [c@d.example]}")
    else {
        panic!("not e-mail");
    };
    assert_eq!((email.port, email.security), (25, SmtpSecurity::None));
    assert!(matches!(
        kind("webhook: {url: 'https://x.example'}"),
        ReceiverKind::Webhook {
            auth: Auth::None,
            ..
        }
    ));
}

#[test]
fn people_are_spared_storms_and_machines_are_not() {
    let storm = |text: &str| accepted(receiver(text)).routing.receivers["x"].storm;
    let usual = StormLimit {
        pages: 20,
        within: Span::from_mins(5),
    };
    assert_eq!(storm("teams: {url: 'https://x.example'}"), Some(usual));
    assert_eq!(storm("teams: {url: 'https://x.example'}, storm: off"), None);
    assert_eq!(
        storm("teams: {url: 'https://x.example'}, storm: false"),
        None
    );
    assert_eq!(storm("console: {}"), None);
    assert_eq!(storm("webhook: {url: 'https://x.example'}"), None);
    assert_eq!(storm("console: {}, storm: {}"), Some(usual));
    let own = StormLimit {
        pages: 3,
        within: Span::from_mins(1),
    };
    assert_eq!(
        storm("console: {}, storm: {pages: 3, within: 1m}"),
        Some(own)
    );
    let recipient = &accepted(receiver("console: {}, send_resolved: false"))
        .routing
        .receivers["x"];
    assert!(!recipient.send_resolved);
}

#[test]
fn nobody_is_called_as_the_log_of_operators_calls_others() {
    for name in ["anonymous", "signal"] {
        let token = format!("{{name: {name}, token: abcdefghijklmnopqrstuvwxyz, access: read}}");
        let (loaded, found) = settings(with(&format!("server: {{auth: {{tokens: [{token}]}}}}")));
        assert!(loaded.is_none() && found.errors() == 1, "{found}");
    }
}

#[test]
fn an_end_is_owed_to_a_fallback_that_wants_it() {
    let owed = |receivers: &str| accepted(receiver(receivers)).routing.ends_for_fallbacks;
    let no = "console: {}, send_resolved: false";
    assert!(owed(no).is_empty());
    assert!(
        owed("console: {}, fallback: console").is_empty(),
        "it wants them itself"
    );
    let owes = owed(&format!("{no}, fallback: console"));
    assert_eq!(owes.into_iter().collect::<Vec<_>>(), ["x"]);
    let owes = owed(&format!(
        "{no}, fallback: y}}, {{name: y, {no}, fallback: console}}, {{name: z, {no}, fallback: w}}, {{name: w, {no}"
    ));
    assert_eq!(owes.into_iter().collect::<Vec<_>>(), ["x", "y"]);
}

#[test]
fn mistakes_in_receivers_have_a_place_and_a_fix() {
    insta::assert_snapshot!(complaints(receiver, &[
        "console: {}, fallback: y",
        "console: {}, fallback: x",
        "console: {}, fallback: z}, {name: z, console: {}, fallback: w}, {name: w, console: {}, fallback: x}, {name: v, console: {}, fallback: x",
        "console: {}, storm: on",
        "console: {}, storm: {pages: 0, within: 1s}",
        "console: {}, templates: {body: x, subject: y, titel: z}",
        "console: {}, templates: {title: {}}",
        "console: {}, templates: {title: {file: missing}}",
        "pagerduty: {routing_key: k, region: us, url: 'https://x.example'}",
        "pagerduty: {routing_key: k, region: asia}",
        "pagerduty: {routing_key: k, change_events: maybe}",
        "pagerduty: {routing_key: k, url: 'https://x.example', change_events: true}",
        "pagerduty: {routing_key: k, url: 'http://x.example'}",
        "slack: {webhook_url: 'https://x.example', buttons: true}",
        "webhook: {url: 'http://x.example', bearer_token: k}",
        "webhook: {url: 'https://x.example', body_signature: {header: 'a b'}}",
        "webhook: {url: 'https://x.example', body_signature: {secret: k, prefix: \"a\\n\"}}",
        "alertmanager: {}",
        "alertmanager: {urls: []}",
        "alertmanager: {urls: ['http://a/api/v2', 'http://a/api/v2', 'am:9093']}",
        "alertmanager: {urls: ['http://a'], headers: {authorization: k}, refresh: 1s}",
        "teams: {url: 'http://x.example'}",
        "discord: {url: discord.com}",
        "telegram: {bot_token: k, chat: room, topic: general}",
        "telegram: {chat: '@room', api_url: 'http://x.example'}",
        "email: {}",
        "email: {host: 'smtp://x:25', from: nobody, to: [], port: 0}",
        "email: {host: 'x:25', from: \"a@b.c\\r\\nBcc: d@e.f\", to: [c@d.e], username: u}",
        "email: {host: x, from: a@b.c, to: [c@d.e], security: ssl, password: k}",
        "email: {host: x, from: a@b.c, to: [c@d.e], security: none, username: u, password: k}",
        "opsgenie: {api_key: k, region: eu, url: 'https://x.example'}",
        "incident_io: {token: k}",
        "grafana_irm: {}",
    ]), @r#"
    console: {}, fallback: y
      2:76 unknown-reference: there is no receiver called "y"; did you mean "x"?
    console: {}, fallback: x
      2:76 invalid: "x" is its own fallback; let the last receiver of a chain have no fallback
    console: {}, fallback: z}, {name: z, console: {}, fallback: w}, {name: w, console: {}, fallback: x}, {name: v, console: {}, fallback: x
      2:76 invalid: fallbacks go round in a circle: x -> z -> w -> x; let the last receiver of a chain have no fallback
      2:113 invalid: fallbacks go round in a circle: z -> w -> x -> z; let the last receiver of a chain have no fallback
      2:150 invalid: fallbacks go round in a circle: w -> x -> z -> w; let the last receiver of a chain have no fallback
    console: {}, storm: on
      2:73 invalid: this is neither off nor a section; write storm: off, or storm: {pages: 20, within: 5m}
    console: {}, storm: {pages: 0, within: 1s}
      2:81 invalid: 0 is out of bounds; choose a value from 1 to 10000
      2:92 invalid: 1s is out of bounds; choose a value from 10s to 1d
    console: {}, templates: {body: x, subject: y, titel: z}
      2:84 invalid: for the sample page: it gives no JSON: expected value at line 1 column 1 (what stands in braces is JSON by itself, without quotes around it); correct the template; slofuse template render shows what it gives
      2:84 invalid: only a webhook's body can be replaced; remove body
      2:96 invalid: only e-mail has a subject; use title
      2:99 invalid: unknown key "titel"; did you mean "title"?
    console: {}, templates: {title: {}}
      2:85 invalid: the template lacks the key "file"; add file:
    console: {}, templates: {title: {file: missing}}
      2:92 invalid: the file etc/missing cannot be used: it does not exist; correct the path, which is relative to the settings file, or create the file
    pagerduty: {routing_key: k, region: us, url: 'https://x.example'}
      2:98 invalid: region and url exclude each other; keep one of the two
    pagerduty: {routing_key: k, region: asia}
      2:89 invalid: "asia" is not known here; use one of: us, eu
    pagerduty: {routing_key: k, change_events: maybe}
      2:96 invalid: this is neither true nor false nor a URL; write true, false, or a whole URL that begins with https://
    pagerduty: {routing_key: k, url: 'https://x.example', change_events: true}
      2:122 invalid: with a url of its own, change events need theirs; write change_events: with the whole URL
    pagerduty: {routing_key: k, url: 'http://x.example'}
      2:86 plaintext-secret: the routing key would be sent in plain text; write https://
    slack: {webhook_url: 'https://x.example', buttons: true}
      2:60 invalid: channel, api_url and buttons belong to bot_token; a webhook has its own channel; remove them, or use a bot_token
    webhook: {url: 'http://x.example', bearer_token: k}
      2:68 plaintext-secret: the credentials would be sent in plain text; write https://
    webhook: {url: 'https://x.example', body_signature: {header: 'a b'}}
      2:105 invalid: body_signature lacks the key "secret"; add secret:
      2:114 invalid: this is not the name of a header; use letters, digits and -
    webhook: {url: 'https://x.example', body_signature: {secret: k, prefix: "a\n"}}
      2:125 invalid: this prefix cannot be sent; remove line breaks and control characters
    alertmanager: {}
      2:67 invalid: alertmanager lacks the key "urls"; add urls:
    alertmanager: {urls: []}
      2:74 invalid: there are 0 peers; name 1 to 16
    alertmanager: {urls: ['http://a/api/v2', 'http://a/api/v2', 'am:9093']}
      2:75 invalid: this is not the base URL of the server; leave /api/v2 and what follows it out; it is added
      2:94 invalid: this is not the base URL of the server; leave /api/v2 and what follows it out; it is added
      2:94 invalid: this peer is listed twice; remove one
      2:113 invalid: this is not an http or https URL; write a whole URL that begins with http:// or https://
    alertmanager: {urls: ['http://a'], headers: {authorization: k}, refresh: 1s}
      2:75 plaintext-secret: the credentials would be sent in plain text; write https://
      2:126 invalid: 1s is out of bounds; choose a value from 10s to 1h
    teams: {url: 'http://x.example'}
      2:66 plaintext-secret: this URL, which is a credential, would be sent in plain text; write https://
    discord: {url: discord.com}
      2:68 invalid: the url is not an http or https URL; write a whole URL that begins with https:// and has no user name in it
    telegram: {bot_token: k, chat: room, topic: general}
      2:84 invalid: this is no chat; write the chat's id, such as "-1001234567890", or "@channel"
      2:97 invalid: this is not a whole number below 4294967296; write a number such as 4
    telegram: {chat: '@room', api_url: 'http://x.example'}
      2:63 invalid: telegram lacks the key "bot_token"; add bot_token:
      2:88 plaintext-secret: the token would be sent in plain text; write https://
    email: {}
      2:60 invalid: email lacks the key "from"; add from:
      2:60 invalid: email lacks the key "host"; add host:
      2:60 invalid: email lacks the key "to"; add to:
    email: {host: 'smtp://x:25', from: nobody, to: [], port: 0}
      2:67 invalid: "smtp://x:25" is not the name of a host; write a name such as mail.example.com; the port is a key of its own
      2:88 invalid: "nobody" is not an e-mail address; write it like oncall@example.com or "On call <oncall@example.com>"
      2:100 invalid: there are 0 recipients; name 1 to 50
      2:110 invalid: 0 is out of bounds; choose a value from 1 to 65535
    email: {host: 'x:25', from: "a@b.c\r\nBcc: d@e.f", to: [c@d.e], username: u}
      2:67 invalid: "x:25" is not the name of a host; write a name such as mail.example.com; the port is a key of its own
      2:81 invalid: "a@b.c\r\nBcc: d@e.f" is not an e-mail address; write it like oncall@example.com or "On call <oncall@example.com>"
      2:127 invalid: username has no meaning without password; remove username, or add password:
    email: {host: x, from: a@b.c, to: [c@d.e], security: ssl, password: k}
      2:106 invalid: "ssl" is not known here; use one of: starttls, tls, none
      2:121 invalid: password has no meaning without username; remove password, or add username:
    email: {host: x, from: a@b.c, to: [c@d.e], security: none, username: u, password: k}
      2:106 plaintext-secret: the password would be sent in plain text; write security: starttls or security: tls
    opsgenie: {api_key: k, region: eu, url: 'https://x.example'}
      2:93 invalid: region and url exclude each other; keep one of the two
    incident_io: {token: k}
      2:66 invalid: incident_io lacks the key "url"; add url:
    grafana_irm: {}
      2:66 invalid: grafana_irm lacks the key "url"; add url:
    "#);
    insta::assert_snapshot!(complaints(with, &[
        "heartbeats: [{name: a, url: 'https://x.example', interval: 20s, timeout: 30s}, {name: a, url: 'https://x.example'}]",
        "heartbeats: [{name: a, url: 'http://x.example', interval: 1s}, {url: x}]",
        "delivery: {fallback_after: 0s}",
    ]), @r#"
    heartbeats: [{name: a, url: 'https://x.example', interval: 20s, timeout: 30s}, {name: a, url: 'https://x.example'}]
      1:74 invalid: one call may take longer than the time between two; choose a timeout of at most 20s
      1:87 invalid: there are two heartbeats called "a"; rename one of the two
    heartbeats: [{name: a, url: 'http://x.example', interval: 1s}, {url: x}]
      1:29 plaintext-secret: this URL, which is a credential, would be sent in plain text; write https://
      1:59 invalid: 1s is out of bounds; choose a value from 10s to 1d
      1:64 invalid: the heartbeat lacks the key "name"; add name:
      1:70 invalid: the url is not an http or https URL; write a whole URL that begins with https:// and has no user name in it
    delivery: {fallback_after: 0s}
      1:28 invalid: 0s is out of bounds; choose a value from 1s to 1d
    "#);
    let beat = &accepted(with("heartbeats: [{name: a, url: 'https://x.example'}]")).heartbeats[0];
    assert_eq!(
        (beat.interval, beat.timeout),
        (Span::from_mins(1), Span::from_secs(10))
    );
    let default = ReceiverSettings::new("", ReceiverKind::Console);
    assert!(default.fallback.is_none());
}

const HASH: &str = "$2y$10$abcdefghijklmnopqrstuuxN1sXh0rPSeTqO7XkHBf8Zm7bGqBqy6";

#[test]
fn who_may_do_what_depends_on_the_address_and_on_who_is_named() {
    let anonymous = |server: &str| accepted(with(server)).server.auth.anonymous;
    assert_eq!(anonymous(""), Access::Operate);
    assert_eq!(anonymous("server: {}"), Access::Operate);
    assert_eq!(anonymous("server: {listen: '[::1]:1'}"), Access::Operate);
    assert_eq!(anonymous("server: {listen: '0.0.0.0:1'}"), Access::Read);
    assert_eq!(
        anonymous("server: {listen: '0.0.0.0:1', auth: {}}"),
        Access::Read
    );
    let named = "tokens: [{name: t, token: 0123456789abcdef, access: read}]";
    assert_eq!(
        anonymous(&format!("server: {{auth: {{{named}}}}}")),
        Access::None
    );
    assert_eq!(
        anonymous(&format!(
            "server: {{auth: {{anonymous: operate, {named}}}}}"
        )),
        Access::Operate
    );
    let server = accepted(with(&format!(
        "server: {{tls: {{cert_file: a, key_file: b, client_ca_file: c}}, body_bytes_max: 1MiB, requests_per_second: 5, slack_signing_secret: k, auth: {{metrics_open: false, users: [{{name: ann, password_hash: '{HASH}', access: operate}}], {named}}}}}"
    )))
    .server;
    let tls = server.tls.unwrap();
    assert_eq!(tls.cert_file, Path::new("etc/a"));
    assert_eq!(tls.key_file, Path::new("etc/b"));
    assert_eq!(tls.client_ca_file.as_deref(), Some(Path::new("etc/c")));
    assert_eq!(
        (server.body_bytes_max, server.requests_per_second),
        (1 << 20, 5)
    );
    assert!(server.slack_signing_secret.is_some() && !server.auth.metrics_open);
    assert_eq!(server.auth.users[0].access, Access::Operate);
    assert_eq!(server.auth.tokens[0].access, Access::Read);
    let usual = accepted(SETTINGS).server;
    assert_eq!(
        (usual.body_bytes_max, usual.requests_per_second),
        (256 << 10, 50)
    );
    assert!(usual.tls.is_none() && usual.auth.metrics_open);
}

#[test]
fn mistakes_about_the_server_have_a_place_and_a_fix() {
    insta::assert_snapshot!(complaints(with, &[
        "server: {tls: {cert_file: missing}}",
        "server: {body_bytes_max: 1, requests_per_second: 0}",
        "server: {listen: '0.0.0.0:1', auth: {anonymous: operate}}",
        "server: {auth: {anonymous: all}}",
        "server: {auth: {users: [{name: 'a:b', password_hash: hunter2, access: read}]}}",
        "server: {auth: {users: [{name: a}]}}",
        "server: {auth: {users: [{name: a, password_hash: '$2y$31$abcdefghijklmnopqrstuuxN1sXh0rPSeTqO7XkHBf8Zm7bGqBqy6', access: read}]}}",
        "server: {auth: {users: [{name: a, password_hash: '$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA', access: read}]}}",
        "server: {auth: {users: [{name: a, password_hash: '$argon2i$v=19$m=4096,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA', access: read}]}}",
        "server: {auth: {tokens: [{name: a, token: short, access: read}]}}",
        "server: {auth: {tokens: [{name: a, token: 0123456789abcdef, access: read}, {name: a, token: 0123456789abcdef, access: none}]}}",
        "server: {auth: {tokens: [{name: a, token: {file: missing}, access: root}]}}",
    ]), @r#"
    server: {tls: {cert_file: missing}}
      1:15 invalid: tls lacks the key "key_file"; add key_file:
      1:27 invalid: the file etc/missing cannot be used: it does not exist; correct the path, which is relative to the settings file, or create the file
    server: {body_bytes_max: 1, requests_per_second: 0}
      1:26 invalid: 1 is out of bounds; choose a value from 1KiB to 16MiB
      1:50 invalid: 0 is out of bounds; choose a value from 1 to 100000
    server: {listen: '0.0.0.0:1', auth: {anonymous: operate}}
      1:49 open-server: anybody who can reach this address may silence and acknowledge; write anonymous: read, and name who operates under users: or tokens:
    server: {auth: {anonymous: all}}
      1:28 invalid: "all" is not known here; use one of: none, read, operate
    server: {auth: {users: [{name: 'a:b', password_hash: hunter2, access: read}]}}
      1:32 invalid: "a:b" is not a name; use up to 128 characters, and no colon
      1:54 invalid: this is neither a hash by argon2id nor one by bcrypt; write what slofuse hash-password prints; the password itself does not belong here
    server: {auth: {users: [{name: a}]}}
      1:25 invalid: the user lacks the key "access"; add access:
      1:25 invalid: the user lacks the key "password_hash"; add password_hash:
    server: {auth: {users: [{name: a, password_hash: '$2y$31$abcdefghijklmnopqrstuuxN1sXh0rPSeTqO7XkHBf8Zm7bGqBqy6', access: read}]}}
      1:50 invalid: one check of this password would cost 2^31 rounds; use a cost of at most 15
    server: {auth: {users: [{name: a, password_hash: '$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA', access: read}]}}
      1:50 invalid: one check of this password would take too much memory or time; use at most m=262144 and t=32
    server: {auth: {users: [{name: a, password_hash: '$argon2i$v=19$m=4096,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA', access: read}]}}
      1:50 invalid: this is neither a hash by argon2id nor one by bcrypt; write what slofuse hash-password prints; the password itself does not belong here
    server: {auth: {tokens: [{name: a, token: short, access: read}]}}
      1:43 invalid: this token is so short that it can be guessed; use at least 16 characters, chosen at random
    server: {auth: {tokens: [{name: a, token: 0123456789abcdef, access: read}, {name: a, token: 0123456789abcdef, access: none}]}}
      1:83 invalid: there are two tokens called "a"; rename one of the two
      1:93 invalid: two programs have the same token, so nobody can tell them apart; give each a token of its own
    server: {auth: {tokens: [{name: a, token: {file: missing}, access: root}]}}
      1:50 invalid: the file etc/missing cannot be used: it does not exist; correct the path, which is relative to the settings file, or create the file
      1:68 invalid: "root" is not known here; use one of: none, read, operate
    "#);
}

#[test]
fn buttons_need_the_key_that_proves_who_pressed_them() {
    let slack = "slack: {bot_token: k, channel: c, buttons: true}";
    insta::assert_snapshot!(complaints(receiver, &[slack]), @r"
    slack: {bot_token: k, channel: c, buttons: true}
      2:96 ignored-key: no buttons are shown, for what they send could not be checked; add server.slack_signing_secret, or remove buttons
    ");
    let signed = format!("server: {{slack_signing_secret: k}}\n{}", receiver(slack));
    let (_, found) = settings(signed);
    assert!(!found.to_string().contains("buttons"), "{found}");
}

#[test]
fn templates_are_tried_and_their_mistakes_have_a_line() {
    let settings = accepted(with("templates: {title: 'x', why: {file: words.j2}}"));
    assert_ne!(settings.templates, crate::message::Templates::default());
    insta::assert_snapshot!(complaints(with, &[
        "templates: {title: {file: broken.j2}}",
        "templates:\n  notes: |\n    a\n    {{ b",
        "templates: {title: '{{ nothing }}', body: 'x', why: ''}",
    ]), @r"
    templates: {title: {file: broken.j2}}
      1:27 invalid: etc/broken.j2 line 2: syntax error: unexpected end of input, expected end of variable block (in b); correct the template; slofuse template render shows what it gives
    templates:
      notes: |
        a
        {{ b
      4:5 invalid: syntax error: unexpected end of input, expected end of variable block (in b); correct the template; slofuse template render shows what it gives
    templates: {title: '{{ nothing }}', body: 'x', why: ''}
      1:21 invalid: for the sample page: undefined value: `nothing` is undefined (in nothing); correct the template; slofuse template render shows what it gives
      1:44 invalid: for the sample page: it gives no JSON: expected value at line 1 column 1 (what stands in braces is JSON by itself, without quotes around it); correct the template; slofuse template render shows what it gives
      1:54 invalid: for the sample page: it says nothing; correct the template; slofuse template render shows what it gives
    ");
    let own = accepted(receiver("console: {}, templates: {title: y}"));
    assert_ne!(
        own.receivers[1].templates,
        crate::message::Templates::default()
    );
}

#[test]
fn no_secret_of_a_receiver_is_shown() {
    const WORD: &str = "hunter2";
    for text in [
        "teams: {url: 'ftp://hunter2'}",
        "discord: {url: hunter2}",
        "grafana_irm: {url: 'http://hunter2.example'}",
        "telegram: {bot_token: hunter2, chat: x}",
        "opsgenie: {api_key: hunter2, url: x}",
        "email: {host: x, from: a@b.c, to: [c@d.e], password: hunter2}",
        "webhook: {url: 'https://x.example', body_signature: {secret: hunter2, header: 'a b'}}",
    ] {
        let (loaded, found) = settings(receiver(text));
        assert!(found.iter().count() > 0, "{text}");
        assert!(
            !found.to_string().contains(WORD) && !format!("{loaded:?}").contains(WORD),
            "{found}"
        );
    }
    for text in [
        "server: {slack_signing_secret: hunter2, auth: {users: [{name: a, password_hash: hunter2, access: read}], tokens: [{name: a, token: hunter2, access: read}]}}",
        "heartbeats: [{name: a, url: hunter2}]",
    ] {
        let (_, found) = settings(with(text));
        assert!(
            found.errors() > 0 && !found.to_string().contains(WORD),
            "{found}"
        );
    }
    let good = receiver("telegram: {bot_token: hunter2, chat: '@a'}");
    assert!(!format!("{:?}", accepted(good)).contains(WORD));
}

/// The routes of a tree with their paths, by plain recursion over names.
fn names(route: &Route, all: &mut Vec<String>) {
    all.push(route.name.clone());
    for child in &route.routes {
        names(child, all);
    }
}

fn any_tree() -> impl Strategy<Value = String> {
    let node = "(name: n[0-9]{1,2}, )?(continue: true, )?(receiver: [ab], )?(group_by: \\[x\\], )?matchers: \\['[a-c]=~\"[a-c|]{1,3}\"'\\]";
    let leaf = node.prop_map(|text: String| format!("{{{text}}}"));
    leaf.prop_recursive(4, 24, 4, move |inner| {
        (node, proptest::collection::vec(inner, 0..4))
            .prop_map(|(text, routes)| format!("{{{text}, routes: [{}]}}", routes.join(", ")))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn trees_compile_with_unique_names_and_known_receivers(
        children in proptest::collection::vec(any_tree(), 0..4),
    ) {
        let text = tree(&format!("{{receiver: a, routes: [{}]}}", children.join(", ")));
        let (loaded, found) = settings(&text);
        let Some(settings) = loaded.filter(|_| found.errors() == 0) else {
            prop_assert!(found.to_string().contains("two routes called"), "{found}");
            return Ok(());
        };
        let routing: &Routing = &settings.routing;
        let mut all = Vec::new();
        names(&routing.root, &mut all);
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        prop_assert_eq!(all.len(), count);
        let labels = Labels::new([("a", "a"), ("b", "b"), ("c", "c")]);
        let found = routing.find(&labels);
        prop_assert!(!found.is_empty());
        for route in found {
            prop_assert!(!route.receivers.is_empty());
        }
    }

    #[test]
    fn no_text_makes_settings_panic(line in any::<prop::sample::Index>(), value in "\\PC{0,24}") {
        let mut lines: Vec<String> = include_str!("../../../config/full.yaml").lines().map(str::to_owned).collect();
        let line = line.index(lines.len());
        if let Some((key, _)) = lines[line].clone().split_once(": ") {
            lines[line] = format!("{key}: {value}");
        }
        settings(lines.join("\n"));
    }
}
