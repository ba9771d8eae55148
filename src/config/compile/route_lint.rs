//! What is probably not meant in a tree of routes: routes that can never match, pages that reach
//! nobody, groups of pages, and what nothing refers to.

use std::collections::BTreeSet;

use crate::config::field::{Field, Section, ValueOr};
use crate::config::lint::Lint;
use crate::config::raw::settings as raw;
use crate::config::settings::ReceiverKind;
use crate::config::value::Name;
use crate::engine::routing::SEVERITY_LABEL;
use crate::engine::{GroupBy, MatchOp, Matcher, Route, Routing, Severity};

use super::receiver::Compiled;

/// The matchers from the root to a route.
#[derive(Clone, Copy, Default)]
pub(super) struct Path<'a> {
    parent: Option<&'a Self>,
    matchers: &'a [Matcher],
    depth: usize,
}

impl Path<'_> {
    /// The path of a child.
    pub(super) const fn with<'a>(&'a self, matchers: &'a [Matcher]) -> Path<'a> {
        Path {
            parent: Some(self),
            matchers,
            depth: self.depth + 1,
        }
    }

    pub(super) const fn depth(&self) -> usize {
        self.depth
    }

    /// Whether some matcher on the way holds against an alert whose label has this value.
    fn refuses(&self, label: &str, value: &str) -> bool {
        let mut at = Some(self);
        while let Some(path) = at {
            let refuses = |m: &Matcher| m.name == label && !m.op.matches(value);
            if path.matchers.iter().any(refuses) {
                return true;
            }
            at = path.parent;
        }
        false
    }

    /// The value that some matcher on the way demands of a label.
    fn demanded(&self, label: &str) -> Option<&str> {
        let mut at = Some(self);
        while let Some(path) = at {
            for matcher in path.matchers {
                match &matcher.op {
                    MatchOp::Equal(value) if matcher.name == label => return Some(value),
                    _ => {}
                }
            }
            at = path.parent;
        }
        None
    }
}

/// What is wrong with a route by itself; `path` ends with it.
pub(super) fn route(
    section: &Section<'_>,
    raw: &raw::Route,
    route: &Route,
    path: &Path<'_>,
    receivers: Option<&[Compiled]>,
) {
    for matcher in &route.matchers {
        let mark = raw.matchers.mark_or(section.mark);
        let known = |severity: &Severity| matcher.op.matches(severity.as_str());
        if matcher.name == SEVERITY_LABEL && !Severity::ALL.iter().any(known) {
            let message = format!("no alert has {matcher}");
            let fix = "use page, ticket or info";
            section
                .report
                .lint(Lint::UnreachableRoute, mark, message, fix);
        } else if let Some(value) = path.demanded(&matcher.name)
            && path.refuses(&matcher.name, value)
        {
            let name = &matcher.name;
            let message = format!("no alert has {name}={value:?} and another {name} at once");
            let fix = "remove one of the matchers, here or on the way here";
            section
                .report
                .lint(Lint::UnreachableRoute, mark, message, fix);
            break;
        }
    }
    let of_pages = !path.refuses(SEVERITY_LABEL, "page") && !path.refuses("severity", "page");
    let opens_incidents = |name: &String| {
        let mut found = receivers.into_iter().flatten();
        let found = found.find(|receiver| receiver.settings.name == *name);
        found.is_some_and(|receiver| opens_incidents(&receiver.settings.kind))
    };
    if matches!(route.group_by, GroupBy::Labels(_))
        && of_pages
        && let Some(name) = route.receivers.iter().find(|name| opens_incidents(name))
    {
        let message = format!(
            "pages of a group are one incident of {name:?}, which wakes somebody only once"
        );
        let fix = "give pages a route of their own with group_by: ['...']";
        let mark = raw.group_by.mark_or(section.mark);
        section.report.lint(Lint::GroupedPages, mark, message, fix);
    }
    if route.to_owner && route.receivers.is_empty() {
        let message = "alerts whose owner has no receivers reach nobody";
        let fix = "add receivers: for those";
        section
            .report
            .lint(Lint::LostAlerts, section.mark, message, fix);
    }
}

/// Whether what is told under one key is one incident there.
const fn opens_incidents(kind: &ReceiverKind) -> bool {
    matches!(
        kind,
        ReceiverKind::PagerDuty { .. }
            | ReceiverKind::Opsgenie { .. }
            | ReceiverKind::IncidentIo { .. }
            | ReceiverKind::GrafanaIrm { .. }
    )
}

/// A route whose alerts an earlier sibling takes.
pub(super) fn shadowed(section: &Section<'_>, earlier: &[Route], child: &Route) {
    let takes_all = |sibling: &&Route| {
        let demanded = |matcher| child.matchers.contains(matcher);
        !sibling.continues && sibling.matchers.iter().all(demanded)
    };
    if let Some(sibling) = earlier.iter().find(takes_all) {
        let message = format!(
            "the route {:?} before this one takes every alert that this one would",
            sibling.name
        );
        let fix = "put the narrower route first, or add continue: true to the other";
        section
            .report
            .lint(Lint::UnreachableRoute, section.mark, message, fix);
    }
}

/// Refuses a tree in which no page can reach anybody.
pub(super) fn pages(section: &Section<'_>, root: &Route) -> Option<()> {
    fn reaches(route: &Route, path: &Path<'_>) -> bool {
        let path = path.with(&route.matchers);
        let takes_pages = !path.refuses(SEVERITY_LABEL, "page");
        let told = route.to_owner || !route.receivers.is_empty();
        takes_pages && (told || route.routes.iter().any(|child| reaches(child, &path)))
    }
    if reaches(root, &Path::default()) {
        return Some(());
    }
    let message = "no page can reach anybody";
    let fix = "add receivers: to the root, or to a route that takes pages";
    section.report.error(section.mark, message, fix);
    None
}

/// Receivers, intervals and owners that nothing refers to.
pub(super) fn unused(
    section: &Section<'_>,
    raw: &raw::Settings,
    routing: &Routing,
    receivers: &[Compiled],
) {
    let mut used = Used::default();
    used.route(&routing.root);
    for owner in routing.owners.values() {
        let own = owner
            .default
            .iter()
            .chain(owner.by_severity.values().flatten());
        used.receivers.extend(own.map(String::as_str));
    }
    for receiver in receivers {
        used.receivers.extend(receiver.settings.fallback.as_deref());
    }
    for window in raw.maintenance.value().into_iter().flatten() {
        let intervals = window.value().and_then(|raw| raw.time_intervals.value());
        for interval in intervals.into_iter().flatten() {
            if let Some(ValueOr::Value(name)) = interval.value() {
                used.intervals.insert(name);
            }
        }
    }
    let report = |what: &str, field: &Field<Name>, known: &BTreeSet<&str>, fix: &str| {
        if let Some(Name(name)) = field.value()
            && !known.contains(name.as_str())
        {
            let message = format!("nothing refers to the {what} {name:?}");
            let mark = field.mark_or(section.mark);
            section.report.lint(Lint::UnusedSetting, mark, message, fix);
        }
    };
    for item in raw.receivers.value().into_iter().flatten() {
        if let Some(raw) = item.value() {
            let fix = "name it in a route, or remove it";
            report("receiver", &raw.name, &used.receivers, fix);
        }
    }
    for item in raw.time_intervals.value().into_iter().flatten() {
        if let Some(raw) = item.value() {
            let fix = "name it in a route or a maintenance window, or remove it";
            report("time interval", &raw.name, &used.intervals, fix);
        }
    }
    if !raw.owners.is_absent() && !used.owners {
        let message = "no route goes to owners, so these receivers have no effect";
        let mark = raw.owners.mark_or(section.mark);
        let fix = "add to_owner: true to a route, or remove owners";
        section.report.lint(Lint::UnusedSetting, mark, message, fix);
    }
}

/// What a tree refers to.
#[derive(Default)]
struct Used<'a> {
    receivers: BTreeSet<&'a str>,
    intervals: BTreeSet<&'a str>,
    owners: bool,
}

impl<'a> Used<'a> {
    fn route(&mut self, route: &'a Route) {
        let steps = route.escalation.iter().flat_map(|step| &step.receivers);
        let told = route.receivers.iter().chain(steps);
        self.receivers.extend(told.map(String::as_str));
        let intervals = route.active_intervals.iter().chain(&route.mute_intervals);
        self.intervals.extend(intervals.map(String::as_str));
        self.owners |= route.to_owner;
        for child in &route.routes {
            self.route(child);
        }
    }
}
