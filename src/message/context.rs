//! What templates can say: the notification by documented names.
//!
//! These names are a contract with the users' templates and independent of the engine's types.
//! Ratios are 0..1 (filter `percent`), lengths of time are seconds (filter `duration`), times are
//! RFC 3339 in UTC (filter `date`). Text from outside is as it came, cut to
//! [`TEXT_CHARS_MAX`] characters; what a template makes of it is cleaned afterwards.

mod names;
mod reasons;

use minijinja::value::Value;
use reqwest::Url;
use serde::Serialize;

use crate::engine::{
    Acknowledgement, AlertFacts, AlertKey, BudgetFacts, DependencyFacts, GroupFacts, Notification,
    NotificationKind, Span, ThreadKey, TierFacts,
};

use names::Names;
use reasons::{Reasons, reasons};

use super::words::{Message, Tone};
use super::{figures, group, reason, text};

/// Longest text that templates see, in characters.
const TEXT_CHARS_MAX: usize = 4000;

/// Everything that a template can say.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Context {
    /// `firing` or `resolved`.
    status: &'static str,
    /// `trigger`, `update` or `resolve`.
    kind: &'static str,
    /// What the alert is about: `burn`, `blind` or `source_down`.
    alert: &'static str,
    /// `PAGE`, `TICKET`, `INFO`, `RESOLVED` or `CLOSED`.
    badge: &'static str,
    /// Whether the end of the alert means that its cause is over.
    recovered: bool,
    /// `page`, `ticket` or `info`.
    severity: &'static str,
    /// Who: `shop/checkout{region="eu"}`; of a group, what its alerts have in common.
    subject: String,
    /// The built-in title; for notes, subject and body the title in force.
    pub(super) title: String,
    /// The built-in sentence; for notes, subject and body the one in force.
    pub(super) why: String,
    /// The built-in sentence about the fastest tier, empty without one.
    condition: String,
    /// Why somebody is told: `kind` and what belongs to it.
    reason: Reasons,
    /// The named lines of the message.
    facts: Vec<NamedValue>,
    /// Where to go.
    links: Vec<NamedUrl>,
    /// The labels that routes match on; an unknown name is an empty text.
    labels: Value,
    /// The definition's annotations; an unknown name is an empty text.
    annotations: Value,
    /// The labels of the instance; an unknown name is an empty text.
    instance_labels: Value,
    /// The labels of the route; an unknown name is an empty text.
    route_labels: Value,
    service: String,
    slo: String,
    /// In percent; none when the source is down.
    objective: Option<f64>,
    /// `30d`, or empty.
    period: String,
    description: String,
    owner: String,
    runbook: String,
    dashboard: String,
    budget: Option<Budget>,
    sla: Option<Sla>,
    /// The tiers that burn, fastest first.
    tiers: Vec<TierView>,
    /// The highest burn rate of the episode.
    peak_burn: f64,
    started_at: String,
    decided_at: String,
    /// None while the alert is up.
    resolved_at: Option<String>,
    /// Seconds from the start to the end or to this decision.
    lasted: f64,
    /// How many SLO instances are affected.
    affected: u32,
    /// The key by which receivers recognise the alert.
    dedup_key: String,
    receiver: String,
    /// The group, when it is about several alerts.
    group: Option<Group>,
    /// Where people reach this daemon, or empty.
    external_url: String,
    /// Who looks after it, if somebody does.
    acknowledged: Option<Keeper>,
    /// The SLOs it depends on whose page fires.
    dependencies: Vec<Dependency>,
}

#[derive(Clone, Debug, Serialize)]
struct NamedValue {
    name: &'static str,
    value: String,
}

#[derive(Clone, Debug, Serialize)]
struct NamedUrl {
    name: &'static str,
    url: String,
}

#[derive(Clone, Debug, Serialize)]
struct Budget {
    consumed: f64,
    remaining: f64,
    /// Seconds; none while the budget does not shrink.
    exhausted_in: Option<f64>,
    consumed_by_alert: f64,
    coverage: f64,
}

#[derive(Clone, Debug, Serialize)]
struct Sla {
    /// In percent.
    objective: f64,
    #[serde(flatten)]
    budget: Budget,
}

#[derive(Clone, Debug, Serialize)]
struct TierView {
    /// `1h`
    long: String,
    /// `5m`
    short: String,
    /// The burn rate above which it fires.
    limit: f64,
    long_burn: f64,
    short_burn: f64,
    budget_fraction: f64,
    bad_events: Option<f64>,
    total_events: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
struct Group {
    /// `group` or `storm`.
    kind: &'static str,
    /// The name of the route; empty for a storm.
    route: String,
    /// The labels that the alerts share; an unknown name is an empty text.
    labels: Value,
    /// `2 pages, 1 ticket`
    tally: String,
    /// How many are up.
    firing: u32,
    /// How many are not among `members`.
    omitted: u32,
    members: Vec<MemberView>,
}

#[derive(Clone, Debug, Serialize)]
struct MemberView {
    badge: &'static str,
    status: &'static str,
    severity: &'static str,
    title: String,
    since: String,
    /// Empty if there is none.
    link: String,
    service: String,
    slo: String,
    labels: Value,
    dedup_key: String,
    started_at: String,
    resolved_at: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Keeper {
    by: String,
    at: String,
    via: String,
    note: String,
}

#[derive(Clone, Debug, Serialize)]
struct Dependency {
    slo: String,
    since: String,
}

impl Context {
    /// The context of a notification whose built-in words are `message`.
    pub(super) fn new(
        notification: &Notification,
        message: &Message,
        external: Option<&Url>,
    ) -> Self {
        let facts = &notification.facts;
        let document = &facts.document;
        let several = notification.group.as_deref();
        let resolved_at = match (notification.kind, several) {
            (NotificationKind::Resolve, Some(_)) => Some(facts.decided_at),
            _ => facts.resolved_at,
        };
        let started_at = several.map_or(facts.started_at, |g| group::oldest(notification, g));
        let ended_at = resolved_at.unwrap_or(facts.decided_at);
        Self {
            status: status(notification.kind == NotificationKind::Resolve),
            kind: notification.kind.as_str(),
            alert: match facts.key {
                AlertKey::Burn { .. } => "burn",
                AlertKey::Blind { .. } => "blind",
                AlertKey::SourceDown { .. } => "source_down",
            },
            badge: message.tone.badge(),
            recovered: message.tone == Tone::Resolved,
            severity: facts.severity.as_str(),
            subject: several.map_or_else(|| reason::subject(facts), |g| group::subject(&g.key)),
            title: message.title.clone(),
            why: message.why.clone(),
            condition: reason::condition(facts).trim().to_owned(),
            reason: reasons(&facts.reason),
            facts: message.facts.iter().map(named_value).collect(),
            links: message.links.iter().map(named_url).collect(),
            labels: Names::of(facts.matching_labels().iter()),
            annotations: Names::of_map(&document.annotations),
            instance_labels: Names::of(facts.labels.iter()),
            route_labels: Names::of_map(&notification.route_labels),
            service: cut(&facts.service),
            slo: cut(&facts.slo),
            objective: facts.objective_percent,
            period: facts
                .period
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
            description: cut(&document.description),
            owner: cut_option(document.owner.as_deref()),
            runbook: cut_option(document.runbook.as_deref()),
            dashboard: cut_option(document.dashboard.as_deref()),
            budget: facts.budget.as_ref().map(budget),
            sla: facts.sla.as_ref().map(|sla| Sla {
                objective: sla.objective_percent,
                budget: budget(&sla.budget),
            }),
            tiers: facts.tiers.iter().map(tier).collect(),
            peak_burn: facts.peak_burn,
            started_at: figures::rfc3339(started_at),
            decided_at: figures::rfc3339(facts.decided_at),
            resolved_at: resolved_at.map(figures::rfc3339),
            lasted: ended_at.since(started_at).as_secs_f64(),
            affected: facts.affected,
            dedup_key: notification.dedup_key(),
            receiver: cut(&notification.receiver),
            group: several.map(|group| view(group, message)),
            external_url: external.map_or_else(String::new, ToString::to_string),
            acknowledged: facts.acknowledged.as_ref().map(keeper),
            dependencies: facts.dependencies.iter().map(dependency).collect(),
        }
    }
}

const fn status(resolved: bool) -> &'static str {
    if resolved { "resolved" } else { "firing" }
}

fn cut(text: &str) -> String {
    text::clip(text.chars(), TEXT_CHARS_MAX)
}

fn cut_option(text: Option<&str>) -> String {
    text.map_or_else(String::new, cut)
}

fn named_value(fact: &super::Fact) -> NamedValue {
    NamedValue {
        name: fact.name,
        value: fact.value.clone(),
    }
}

fn named_url(link: &super::Link) -> NamedUrl {
    NamedUrl {
        name: link.name,
        url: link.url.clone(),
    }
}

fn keeper(acknowledged: &Acknowledgement) -> Keeper {
    Keeper {
        by: cut(&acknowledged.by),
        at: figures::rfc3339(acknowledged.at),
        via: cut(&acknowledged.via),
        note: cut(&acknowledged.note),
    }
}

fn dependency(on: &DependencyFacts) -> Dependency {
    Dependency {
        slo: cut(&on.slo.to_string()),
        since: figures::rfc3339(on.since),
    }
}

fn budget(facts: &BudgetFacts) -> Budget {
    Budget {
        consumed: facts.consumed,
        remaining: facts.remaining,
        exhausted_in: facts.exhausted_in.map(Span::as_secs_f64),
        consumed_by_alert: facts.consumed_by_alert,
        coverage: facts.coverage,
    }
}

fn tier(facts: &TierFacts) -> TierView {
    TierView {
        long: facts.long.to_string(),
        short: facts.short.to_string(),
        limit: facts.factor,
        long_burn: facts.long_burn,
        short_burn: facts.short_burn,
        budget_fraction: facts.budget_fraction,
        bad_events: facts.bad_events,
        total_events: facts.total_events,
    }
}

fn view(group: &GroupFacts, message: &Message) -> Group {
    let (kind, route, labels) = match &group.key {
        ThreadKey::Group { route, labels, .. } => ("group", cut(route), Names::of(labels.iter())),
        ThreadKey::Storm { .. } => ("storm", String::new(), Names::of(std::iter::empty())),
    };
    let lines = group.members.iter().zip(&message.members);
    let member = |(facts, line): (&AlertFacts, &super::MemberLine)| MemberView {
        badge: line.tone.badge(),
        status: status(facts.resolved_at.is_some()),
        severity: facts.severity.as_str(),
        title: line.title.clone(),
        since: line.since.clone(),
        link: line.link.clone().unwrap_or_default(),
        service: cut(&facts.service),
        slo: cut(&facts.slo),
        labels: Names::of(facts.matching_labels().iter()),
        dedup_key: facts.key.dedup_key(),
        started_at: figures::rfc3339(facts.started_at),
        resolved_at: facts.resolved_at.map(figures::rfc3339),
    };
    Group {
        kind,
        route,
        labels,
        tally: group::tally(group),
        firing: group.firing,
        omitted: group.omitted,
        members: lines.map(member).collect(),
    }
}
