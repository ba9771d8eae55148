//! Why an alert goes where it goes: the walk through the tree of routes, step by step.

use std::collections::BTreeMap;

use serde::Serialize;

use super::labels::Labels;
use super::routing::{EscalationStep, GroupBy, Route, Routing};
use super::time::Span;

/// The walk of one label set through the tree.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trace {
    /// Every node that was asked, in the order of asking; what lies behind a node that took the
    /// alert without `continue` was not asked.
    pub nodes: Vec<TracedNode>,
    /// The routes that took the alert, in the order of the tree; never empty.
    pub routes: Vec<TracedRoute>,
}

/// One node that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TracedNode {
    /// Its name.
    pub route: String,
    /// How deep it lies; the root is 0.
    pub depth: usize,
    /// What it asked for; of the root, whose matchers do not count, nothing.
    pub matchers: Vec<TracedMatcher>,
    /// Whether all of them matched.
    pub matched: bool,
    /// Whether its later siblings were asked all the same.
    pub continues: bool,
    /// Whether it took the alert itself, because none of its children did.
    pub took: bool,
}

/// One matcher of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TracedMatcher {
    /// As it is written: `team=~"a|b"`.
    pub matcher: String,
    /// The value of its label; empty when the label is missing.
    pub value: String,
    /// Whether they agree.
    pub matched: bool,
}

/// What a route does with the alert that it took.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TracedRoute {
    /// Its name.
    pub route: String,
    /// Who is told.
    pub receivers: Vec<String>,
    /// Whose receivers these are, when the alert's owner has some and the route goes there.
    pub owner: Option<String>,
    /// Which alerts share a notification.
    pub group_by: GroupBy,
    /// The values of those labels, when there is a group.
    pub group: Option<Labels>,
    /// How long the first notification of a group waits.
    pub group_wait: Span,
    /// How long news of a group wait.
    pub group_interval: Span,
    /// After how long a notification is repeated.
    pub repeat_interval: Option<Span>,
    /// Labels for the receivers' messages.
    pub labels: BTreeMap<String, String>,
    /// Named intervals outside of which nobody is told; none is always.
    pub active_intervals: Vec<String>,
    /// Named intervals within which nobody is told.
    pub mute_intervals: Vec<String>,
    /// Who else is told of a page that nobody acknowledges.
    pub escalation: Vec<EscalationStep>,
}

impl Routing {
    /// Walks an alert with these labels through the tree, as [`Routing::find`] does, and takes
    /// notes.
    pub fn trace(&self, labels: &Labels) -> Trace {
        let mut nodes = Vec::new();
        trace_node(&self.root, labels, 0, &mut nodes);
        let routes = self.find(labels).into_iter();
        let routes = routes.map(|route| self.traced(route, labels)).collect();
        Trace { nodes, routes }
    }

    fn traced(&self, route: &Route, labels: &Labels) -> TracedRoute {
        let to_owner = self.owner_receivers(route, labels).is_some();
        let owner = labels.get("owner").filter(|_| to_owner);
        TracedRoute {
            route: route.name.clone(),
            receivers: self.receivers_of(route, labels).to_vec(),
            owner: owner.map(str::to_owned),
            group_by: route.group_by.clone(),
            group: match &route.group_by {
                GroupBy::Alert => None,
                GroupBy::Labels(names) => Some(labels.pick(names)),
            },
            group_wait: route.group_wait,
            group_interval: route.group_interval,
            repeat_interval: route.repeat_interval,
            labels: route.labels.clone(),
            active_intervals: route.active_intervals.clone(),
            mute_intervals: route.mute_intervals.clone(),
            escalation: route.escalation.clone(),
        }
    }
}

/// Notes one node and what lies below it; says whether it matched.
fn trace_node(route: &Route, labels: &Labels, depth: usize, nodes: &mut Vec<TracedNode>) -> bool {
    let matchers: Vec<TracedMatcher> = route
        .matchers
        .iter()
        .filter(|_| depth > 0)
        .map(|matcher| TracedMatcher {
            matcher: matcher.to_string(),
            value: labels.get(&matcher.name).unwrap_or_default().to_owned(),
            matched: matcher.matches(labels),
        })
        .collect();
    let matched = matchers.iter().all(|matcher| matcher.matched);
    let place = nodes.len();
    nodes.push(TracedNode {
        route: route.name.clone(),
        depth,
        matchers,
        matched,
        continues: route.continues,
        took: matched,
    });
    if !matched {
        return false;
    }
    for child in &route.routes {
        if trace_node(child, labels, depth + 1, nodes) {
            if let Some(node) = nodes.get_mut(place) {
                node.took = false;
            }
            if !child.continues {
                break;
            }
        }
    }
    true
}
