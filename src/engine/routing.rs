//! Who hears of what, when, and in which company: the routes of the settings as values.
//!
//! A [`Routing`] is a tree with Alertmanager's semantics: depth first, the first child that
//! matches takes the alert unless it says `continue`, and a node is used itself only when none of
//! its children matched. Options are inherited when the tree is built, so each [`Route`] holds the
//! values in force.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::inhibit::InhibitRule;
use super::interval::TimeInterval;
use super::labels::{Labels, MatchOp, Matcher};
use super::maintenance::Maintenance;
use super::mute::Mute;
use super::policy::Severity;
use super::time::{Span, Timestamp};

/// The label by which routes see how loud slofuse takes an alert to be, whatever the definition's
/// own `severity` label says.
pub const SEVERITY_LABEL: &str = "slofuse_severity";

/// A receiver as the engine knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Its name in the configuration.
    pub name: String,
    /// Whether it wants to hear of the end.
    pub send_resolved: bool,
    /// From when on pages come as one summary.
    pub storm: Option<StormLimit>,
}

/// More than `pages` new pages within `within` become one summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StormLimit {
    /// So many pages are told one by one.
    pub pages: u32,
    /// Over so long.
    pub within: Span,
}

/// Everything the settings say about who is told and when not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Routing {
    /// The tree; its root matches everything.
    pub root: Route,
    /// Every receiver, by name.
    pub receivers: BTreeMap<String, Recipient>,
    /// Receivers that want no resolve, of which somebody who stands in for them wants one: the
    /// outbox has it from the episode of the receiver.
    pub ends_for_fallbacks: BTreeSet<String>,
    /// Who is told of the alerts of an owner, for routes that go `to_owner`.
    pub owners: BTreeMap<String, OwnerReceivers>,
    /// Named stretches of time that routes refer to; an alert is inside when it is in any of them.
    pub intervals: BTreeMap<String, Vec<TimeInterval>>,
    /// Which alerts keep which others quiet.
    pub inhibit: Vec<InhibitRule>,
    /// When whom nobody wants to hear of.
    pub maintenance: Vec<Maintenance>,
    /// What a page of an SLO does to those that depend on it.
    pub dependencies: DependencyPolicy,
}

/// What happens to the alerts of an SLO while the page of one it `depends_on` fires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DependencyPolicy {
    /// Their messages say so.
    #[default]
    Annotate,
    /// Nobody is told.
    Mute,
}

/// The receivers of one owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnerReceivers {
    /// For severities without an entry of their own.
    pub default: Vec<String>,
    /// By severity.
    pub by_severity: BTreeMap<Severity, Vec<String>>,
}

/// A node of the tree with the options in force there.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Its name, or its place in the tree, as `route[1][0]`; names its groups for ever.
    pub name: String,
    /// All must match; none matches everything.
    pub matchers: Vec<Matcher>,
    /// Whether later siblings are asked as well after a match.
    pub continues: bool,
    /// Who is told, by name.
    pub receivers: Vec<String>,
    /// Whether the receivers of the alert's owner are told instead, where it has some.
    pub to_owner: bool,
    /// Which alerts share a notification.
    pub group_by: GroupBy,
    /// How long the first notification of a group waits for company; pages never wait.
    pub group_wait: Span,
    /// How long news of a group wait after its last notification; pages never wait.
    pub group_interval: Span,
    /// After how long a notification is repeated while the alert is up; `None` is never.
    pub repeat_interval: Option<Span>,
    /// Labels for the receivers' messages.
    pub labels: BTreeMap<String, String>,
    /// Named intervals outside of which nobody is told; none is always. Not inherited.
    pub active_intervals: Vec<String>,
    /// Named intervals within which nobody is told. Not inherited.
    pub mute_intervals: Vec<String>,
    /// Who else is told of a page that nobody acknowledges, soonest first.
    pub escalation: Vec<EscalationStep>,
    /// The children.
    pub routes: Vec<Self>,
}

/// One step of an escalation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EscalationStep {
    /// So long after the first notification of the alert.
    pub after: Span,
    /// These are told too.
    pub receivers: Vec<String>,
}

/// Which alerts share a notification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// None: each alert is told by itself, under its own key. Alertmanager's `['...']`.
    #[default]
    Alert,
    /// Those with the same values of these labels; with no labels, all of the route.
    Labels(Vec<String>),
}

impl Default for Route {
    /// Matches everything and tells nobody.
    fn default() -> Self {
        Self {
            name: "route".to_owned(),
            matchers: Vec::new(),
            continues: false,
            receivers: Vec::new(),
            to_owner: false,
            group_by: GroupBy::Alert,
            group_wait: Span::from_secs(30),
            group_interval: Span::from_mins(5),
            repeat_interval: None,
            labels: BTreeMap::new(),
            active_intervals: Vec::new(),
            mute_intervals: Vec::new(),
            escalation: Vec::new(),
            routes: Vec::new(),
        }
    }
}

impl Routing {
    /// The flat form of the settings: receivers by severity.
    pub fn by_severity(by_severity: BTreeMap<Severity, Vec<Recipient>>) -> Self {
        let mut routing = Self::default();
        for (severity, recipients) in by_severity {
            let word = severity.as_str();
            routing.root.routes.push(Route {
                name: word.to_owned(),
                matchers: vec![Matcher {
                    name: SEVERITY_LABEL.to_owned(),
                    op: MatchOp::Equal(word.to_owned()),
                }],
                receivers: recipients.iter().map(|r| r.name.clone()).collect(),
                ..Route::default()
            });
            for recipient in recipients {
                routing.receivers.insert(recipient.name.clone(), recipient);
            }
        }
        routing
    }

    /// The routes that take an alert with these labels, in the order of the tree. The root takes
    /// what nobody else does, whatever its matchers.
    pub fn find(&self, labels: &Labels) -> Vec<&Route> {
        let mut found = Vec::new();
        self.root.find_below(labels, &mut found);
        found
    }

    /// Who is told by this route of an alert with these labels: where it goes `to_owner`, the
    /// receivers of the label `owner` for the alert's severity; else, and where the owner has
    /// none, its own.
    pub fn receivers_of<'a>(&'a self, route: &'a Route, labels: &Labels) -> &'a [String] {
        match self.owner_receivers(route, labels) {
            Some(receivers) => receivers,
            None => &route.receivers,
        }
    }

    /// Whether anybody is told of an alert with these labels, unless something keeps it quiet.
    pub fn reaches_somebody(&self, labels: &Labels) -> bool {
        let routes = self.find(labels);
        let mut receivers = routes.iter().map(|route| self.receivers_of(route, labels));
        receivers.any(|receivers| !receivers.is_empty())
    }

    /// The receivers of the alert's owner, where the route goes to them and there are some.
    pub(super) fn owner_receivers(&self, route: &Route, labels: &Labels) -> Option<&[String]> {
        if !route.to_owner {
            return None;
        }
        let owner = self.owners.get(labels.get("owner")?)?;
        let word = labels.get(SEVERITY_LABEL);
        let severity = Severity::ALL
            .into_iter()
            .find(|severity| Some(severity.as_str()) == word);
        let own = severity.and_then(|severity| owner.by_severity.get(&severity));
        let receivers = own.unwrap_or(&owner.default);
        (!receivers.is_empty()).then_some(receivers)
    }

    /// The route with this name, if there still is one.
    pub fn route(&self, name: &str) -> Option<&Route> {
        self.root.named(name)
    }

    /// Whether a receiver wants to hear of the end; one that has left the settings did.
    pub(super) fn wants_resolve(&self, name: &str) -> bool {
        let recipient = self.receivers.get(name);
        recipient.is_none_or(|recipient| recipient.send_resolved)
    }

    /// Whether the end is to be told to a receiver, or in its name to its fallback.
    pub(super) fn owes_resolve(&self, name: &str) -> bool {
        self.wants_resolve(name) || self.ends_for_fallbacks.contains(name)
    }

    /// Everybody who is to be told of an alert with these labels, in the order of the tree, and
    /// why nobody is, when every route to anybody rests.
    pub(super) fn ways(&self, labels: &Labels, at: Timestamp) -> (Vec<Way<'_>>, Vec<Mute>) {
        let mut ways: Vec<Way<'_>> = Vec::new();
        let mut rests: Vec<Mute> = Vec::new();
        for route in self.find(labels) {
            let receivers = self.receivers_of(route, labels);
            let rest = self.rest(route, at);
            let open = rest.is_none().then_some(route);
            for receiver in receivers {
                match ways.iter_mut().find(|way| way.receiver == receiver) {
                    Some(way) => way.route = way.route.or(open),
                    None => ways.push(Way {
                        receiver,
                        route: open,
                        escalated: None,
                    }),
                }
            }
            if let (Some(rest), false) = (rest, receivers.is_empty())
                && !rests.contains(&rest)
            {
                rests.push(rest);
            }
        }
        if ways.iter().any(|way| way.route.is_some()) {
            rests.clear();
        }
        (ways, rests)
    }
}

/// How an alert gets to one receiver.
#[derive(Clone, Debug)]
pub(super) struct Way<'a> {
    /// Who.
    pub(super) receiver: &'a str,
    /// By the first route that does not rest; `None` while all of them do.
    pub(super) route: Option<&'a Route>,
    /// The last step of an escalation that is due for this receiver.
    pub(super) escalated: Option<Span>,
}

impl Route {
    /// Whether all matchers agree.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(labels))
    }

    fn find_below<'a>(&'a self, labels: &Labels, found: &mut Vec<&'a Self>) {
        let before = found.len();
        for child in &self.routes {
            if child.matches(labels) {
                child.find_below(labels, found);
                if !child.continues {
                    break;
                }
            }
        }
        if found.len() == before {
            found.push(self);
        }
    }

    fn named(&self, name: &str) -> Option<&Self> {
        if self.name == name {
            return Some(self);
        }
        self.routes.iter().find_map(|child| child.named(name))
    }
}

#[cfg(test)]
mod tests;
