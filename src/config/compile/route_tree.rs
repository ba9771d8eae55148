//! The tree of routes, with what is inherited filled in.
//!
//! A route inherits everything that it does not say but its name, matchers, `continue` and time
//! intervals; labels are added to those of the parent. `to_owner` is not inherited by a route that
//! names receivers of its own: whoever names somebody means them.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::field::{Field, Section};
use crate::config::raw::settings as raw;
use crate::config::value::{Duration, DurationOrNever, Name};
use crate::engine::{EscalationStep, GroupBy, Route, Span};

use super::muting::{self, MATCHERS_MAX, bounded, label_names, matchers, unknown_interval};
use super::route::Context;
use super::route_lint::{self, Path};
use super::settings::span;

/// Routes within routes.
const DEPTH_MAX: usize = 32;
/// Routes of one tree.
const ROUTES_MAX: usize = 1_000;
/// Steps of one escalation.
const ESCALATION_MAX: usize = 16;
/// Labels that one route gives to messages.
const LABELS_MAX: usize = 64;
/// Alertmanager's word for grouping by all labels: each alert by itself.
const ALL_LABELS: &str = "...";

/// The tree; `None` when something in it was refused.
pub(super) fn tree(
    section: &Section<'_>,
    field: &Field<raw::Route>,
    context: &Context<'_>,
) -> Option<Route> {
    let raw = field.value()?;
    for (absent, mark, key) in [
        (
            raw.matchers.is_absent(),
            raw.matchers.mark_or(section.mark),
            "matchers",
        ),
        (
            raw.continues.is_absent(),
            raw.continues.mark_or(section.mark),
            "continue",
        ),
        (
            raw.active_time_intervals.is_absent(),
            raw.active_time_intervals.mark_or(section.mark),
            "active_time_intervals",
        ),
        (
            raw.mute_time_intervals.is_absent(),
            raw.mute_time_intervals.mark_or(section.mark),
            "mute_time_intervals",
        ),
    ] {
        if !absent {
            let message = format!("the root takes what no other route takes, so it has no {key}");
            let fix = "move it to a route under routes:, which may be the only one";
            section.report.error(mark, message, fix);
        }
    }
    if raw.receiver.is_absent() && raw.receivers.is_absent() && raw.to_owner.is_absent() {
        let message = "the root names nobody, so what no other route takes is lost";
        let fix = "add receivers:, or receivers: [] if that is meant";
        section.report.error(section.mark, message, fix);
    }
    let mut tree = Tree {
        context,
        names: BTreeSet::new(),
        routes: 0,
        matchers: 0,
        sound: true,
    };
    let path = Path::default();
    let root = tree.route(section, raw, &Route::default(), "route".to_owned(), &path);
    if tree.sound {
        route_lint::pages(section, &root)?;
    }
    tree.sound.then_some(root)
}

/// A tree under compilation.
struct Tree<'a> {
    context: &'a Context<'a>,
    names: BTreeSet<String>,
    routes: usize,
    matchers: usize,
    /// Whether nothing was refused.
    sound: bool,
}

impl Tree<'_> {
    /// What was compiled, or a stand-in, so that the rest is still looked at.
    fn take<T>(&mut self, value: Option<T>, stand_in: T) -> T {
        self.sound &= value.is_some();
        value.unwrap_or(stand_in)
    }

    fn refuse<T>(&mut self, section: &Section<'_>, field: &Field<T>, message: &str, fix: &str) {
        section.refuse(field, message, fix);
        self.sound = false;
    }

    fn route(
        &mut self,
        section: &Section<'_>,
        raw: &raw::Route,
        parent: &Route,
        place: String,
        path: &Path<'_>,
    ) -> Route {
        self.routes += 1;
        let name = section
            .or(&raw.name, Name(place.clone()))
            .map(|Name(name)| name);
        let name = self.take(name, place.clone());
        muting::unique(section, &raw.name, Some(&name), &mut self.names, "routes");
        let matchers = self.take(matchers(section, &raw.matchers), Vec::new());
        self.matchers += matchers.len();
        let continues = self.take(section.or(&raw.continues, false), false);
        let (receivers, to_owner) = self.receivers(section, raw, parent);
        let group_by = self.group_by(section, &raw.group_by, &parent.group_by);
        let (none, hour, day) = (Span::ZERO, Span::from_hours(1), Span::from_hours(24));
        let second = Span::from_secs(1);
        let wait = span(section, &raw.group_wait, parent.group_wait, none, hour);
        let interval = span(
            section,
            &raw.group_interval,
            parent.group_interval,
            second,
            day,
        );
        let repeat = repeat_interval(section, &raw.repeat_interval, parent.repeat_interval);
        let route = Route {
            name,
            matchers,
            continues,
            receivers,
            to_owner,
            group_by,
            group_wait: self.take(wait, parent.group_wait),
            group_interval: self.take(interval, parent.group_interval),
            repeat_interval: self.take(repeat, parent.repeat_interval),
            labels: self.labels(section, &raw.labels, &parent.labels),
            active_intervals: self.intervals(section, &raw.active_time_intervals),
            mute_intervals: self.intervals(section, &raw.mute_time_intervals),
            escalation: self.escalation(section, &raw.escalate, &parent.escalation),
            routes: Vec::new(),
        };
        let path = path.with(&route.matchers);
        route_lint::route(section, raw, &route, &path, self.context.receivers);
        let routes = self.children(section, raw, &route, &place, &path);
        Route { routes, ..route }
    }

    fn children(
        &mut self,
        section: &Section<'_>,
        raw: &raw::Route,
        parent: &Route,
        place: &str,
        path: &Path<'_>,
    ) -> Vec<Route> {
        let mut children: Vec<Route> = Vec::new();
        let Some(written) = raw.routes.value() else {
            self.sound &= raw.routes.is_absent();
            return children;
        };
        for (at, item) in written.iter().enumerate() {
            let Some(raw) = item.value() else {
                self.sound = false;
                continue;
            };
            let section = section.within(item, "the route");
            let place = format!("{place}[{at}]");
            if path.depth() > DEPTH_MAX || self.routes >= ROUTES_MAX || self.matchers > MATCHERS_MAX
            {
                let message = "the tree of routes is too large";
                let fix = format!(
                    "use at most {ROUTES_MAX} routes, {DEPTH_MAX} within each other, with {MATCHERS_MAX} matchers"
                );
                section.report.error(section.mark, message, fix);
                self.sound = false;
                break;
            }
            let child = self.route(&section, raw, parent, place, path);
            route_lint::shadowed(&section, &children, &child);
            children.push(child);
        }
        children
    }

    fn receivers(
        &mut self,
        section: &Section<'_>,
        raw: &raw::Route,
        parent: &Route,
    ) -> (Vec<String>, bool) {
        let own = match (raw.receiver.is_absent(), raw.receivers.is_absent()) {
            (true, true) => None,
            (false, true) => {
                let known = self
                    .context
                    .names
                    .known(section, std::slice::from_ref(&raw.receiver));
                Some(self.take(known, Vec::new()))
            }
            (true, false) => {
                let list = raw.receivers.value().map(Vec::as_slice);
                let known = list.and_then(|list| self.context.names.known(section, list));
                Some(self.take(known, Vec::new()))
            }
            (false, false) => {
                let message = "receiver and receivers exclude each other";
                self.refuse(section, &raw.receiver, message, "keep one of the two");
                None
            }
        };
        let to_owner = match own {
            Some(_) => section.or(&raw.to_owner, false),
            None => section.or(&raw.to_owner, parent.to_owner),
        };
        let to_owner = self.take(to_owner, false);
        if to_owner && !raw.to_owner.is_absent() && !self.context.owners {
            let message = "no owner has receivers, so this goes to nobody's owner";
            let fix = "add owners: with the receivers of each, or remove to_owner";
            self.refuse(section, &raw.to_owner, message, fix);
        }
        (own.unwrap_or_else(|| parent.receivers.clone()), to_owner)
    }

    fn group_by(
        &mut self,
        section: &Section<'_>,
        field: &Field<Vec<Field<String>>>,
        parent: &GroupBy,
    ) -> GroupBy {
        if field.is_absent() {
            return parent.clone();
        }
        let names = label_names(section, field);
        let names = self.take(field.value().and(names), Vec::new());
        if !names.iter().any(|name| name == ALL_LABELS) {
            return GroupBy::Labels(names);
        }
        if names.len() > 1 {
            let message = "'...' stands for all labels, so there can be no others beside it";
            self.refuse(section, field, message, "keep '...', or remove it");
        }
        GroupBy::Alert
    }

    fn labels(
        &mut self,
        section: &Section<'_>,
        field: &Field<BTreeMap<String, Field<String>>>,
        parent: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let mut labels = parent.clone();
        let own = self.take(section.or(field, BTreeMap::new()), BTreeMap::new());
        for (name, value) in own {
            match value.value() {
                Some(value) => labels.insert(name, value.clone()),
                None => {
                    self.sound = false;
                    None
                }
            };
        }
        if labels.len() > LABELS_MAX {
            let message = format!("this route has {} labels", labels.len());
            let fix = format!("give it at most {LABELS_MAX}, its parents' among them");
            self.refuse(section, field, &message, &fix);
        }
        labels
    }

    fn intervals(
        &mut self,
        section: &Section<'_>,
        field: &Field<Vec<Field<String>>>,
    ) -> Vec<String> {
        let written = self.take(section.or(field, Vec::new()), Vec::new());
        let mut names = Vec::new();
        for item in &written {
            let Some(name) = item.value() else {
                self.sound = false;
                continue;
            };
            match self.context.intervals {
                Some(intervals) if !intervals.contains_key(name) => {
                    unknown_interval(section, item, name, intervals);
                    self.sound = false;
                }
                _ => names.push(name.clone()),
            }
        }
        names
    }

    fn escalation(
        &mut self,
        section: &Section<'_>,
        field: &Field<Vec<Field<raw::Escalation>>>,
        parent: &[EscalationStep],
    ) -> Vec<EscalationStep> {
        if field.is_absent() {
            return parent.to_vec();
        }
        let Some(written) = bounded(section, field, ESCALATION_MAX, "steps") else {
            self.sound = false;
            return Vec::new();
        };
        let mut steps: Vec<EscalationStep> = Vec::new();
        for item in written {
            let step = item.value().and_then(|raw| {
                let section = section.within(item, "the step");
                self.step(&section, raw)
            });
            let Some(step) = step else {
                self.sound = false;
                continue;
            };
            if steps.last().is_some_and(|last| last.after >= step.after) {
                let message = "this step does not come after the one before it";
                self.refuse(section, item, message, "list the steps by rising after:");
            }
            steps.push(step);
        }
        steps
    }

    fn step(&self, section: &Section<'_>, raw: &raw::Escalation) -> Option<EscalationStep> {
        section.required(&raw.after, "after");
        let (minute, week) = (Span::from_mins(1), Span::from_days(7));
        let after = span(section, &raw.after, minute, minute, week);
        let receivers = section.required(&raw.receivers, "receivers")?;
        if receivers.is_empty() {
            let fix = "name who is told when nobody acknowledges";
            section.refuse(&raw.receivers, "this step reaches nobody", fix);
            return None;
        }
        let receivers = self.context.names.known(section, receivers);
        Some(EscalationStep {
            after: raw.after.value().and(after)?,
            receivers: receivers?,
        })
    }
}

/// The outer `None` says that it was refused.
#[expect(clippy::option_option, reason = "refused, never, or a time")]
fn repeat_interval(
    section: &Section<'_>,
    field: &Field<DurationOrNever>,
    parent: Option<Span>,
) -> Option<Option<Span>> {
    let DurationOrNever(repeat) = section.or(field, DurationOrNever(parent))?;
    let [min, max] = [Span::from_mins(1), Span::from_days(90)].map(Duration);
    match repeat {
        Some(repeat) if !field.is_absent() => {
            let repeat = field.with(Duration(repeat));
            Some(Some(section.bounded(&repeat, min, min, max)?.0))
        }
        repeat => Some(repeat),
    }
}
