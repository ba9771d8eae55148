//! The built-in words.
//!
//! A [`Message`] answers, in this order: what burns and how fast (title), why now, what it means
//! to users, how fast in detail, what it costs, since when, what to do.

use std::collections::BTreeMap;

use reqwest::Url;

use crate::engine::{
    Acknowledgement, AlertFacts, AlertKey, BudgetFacts, DependencyFacts, Notification,
    NotificationKind, Severity, SlaFacts, Span, TierFacts, Timestamp,
};

use super::{figures, group, reason, text};

/// Longest value of a fact, in characters.
const VALUE_CHARS_MAX: usize = 1000;
/// Most dependencies that are spelled out.
const DEPENDENCIES_MAX: usize = 5;
/// Longest URL that is linked, in bytes.
const LINK_BYTES_MAX: usize = 2000;

/// A notification in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How it should look.
    pub tone: Tone,
    /// What happened, to whom: one line.
    pub title: String,
    /// Why somebody is told now.
    pub why: String,
    /// The rest, most urgent first.
    pub facts: Vec<Fact>,
    /// The labels that the definition gives to the alert, for receivers without a place of their
    /// own for them; empty if there are none.
    pub labels: String,
    /// Where to go, most useful first.
    pub links: Vec<Link>,
    /// The alerts of a group, loudest and oldest first; empty when it is about one alert. At most
    /// [`crate::engine::GROUP_MEMBERS_MAX`].
    pub members: Vec<MemberLine>,
    /// How many more alerts the group has.
    pub omitted: u32,
    /// What the user's template adds below the facts, and what went wrong with templates: a few
    /// lines, bounded by [`NOTES_LINES_MAX`](super::NOTES_LINES_MAX).
    pub notes: Option<String>,
}

/// One alert of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberLine {
    /// How loud it is, or how it ended.
    pub tone: Tone,
    /// What happened, to whom: one line.
    pub title: String,
    /// Since when, and until when: one line.
    pub since: String,
    /// The best place to go: its runbook, or this daemon's page about it.
    pub link: Option<String>,
}

/// How a message should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// The alert is open.
    Firing(Severity),
    /// The alert is over, and so is its cause.
    Resolved,
    /// The alert is over, but nothing says that its cause is.
    Closed,
}

/// A named line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// A word or two.
    pub name: &'static str,
    /// One line.
    pub value: String,
}

/// A named place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// A word.
    pub name: &'static str,
    /// An `http` or `https` URL.
    pub url: String,
}

impl Message {
    /// Puts a notification into words; `external` is where people reach this daemon.
    pub fn new(notification: &Notification, external: Option<&Url>) -> Self {
        let facts = &notification.facts;
        if let Some(several) = &notification.group {
            return group::message(notification, several, external);
        }
        let resolved = notification.kind == NotificationKind::Resolve;
        Self {
            tone: Tone::of(facts, notification.kind),
            title: reason::title(facts, notification.kind),
            why: reason::why(facts),
            facts: details(facts, resolved),
            labels: labels(&facts.document.labels),
            links: links(facts, external),
            members: Vec::new(),
            omitted: 0,
            notes: None,
        }
    }

    /// The title with its tone: `[PAGE] shop/checkout burns ...`.
    pub fn headline(&self) -> String {
        format!("[{}] {}", self.tone.badge(), self.title)
    }

    /// The URL of this daemon's page about the SLO, if it is known.
    pub fn own_link(&self) -> Option<&str> {
        let own = self.links.iter().find(|link| link.name == OWN_LINK);
        own.map(|link| link.url.as_str())
    }
}

impl MemberLine {
    /// The title with its tone: `[PAGE] shop/checkout burns ...`.
    pub fn headline(&self) -> String {
        format!("[{}] {}", self.tone.badge(), self.title)
    }
}

impl Tone {
    pub(super) const fn of(facts: &AlertFacts, kind: NotificationKind) -> Self {
        match kind {
            NotificationKind::Resolve if reason::is_recovery(&facts.reason) => Self::Resolved,
            NotificationKind::Resolve => Self::Closed,
            NotificationKind::Trigger | NotificationKind::Update => Self::Firing(facts.severity),
        }
    }

    /// Whether the alert is open.
    pub const fn is_firing(self) -> bool {
        matches!(self, Self::Firing(_))
    }

    /// The word in capitals.
    pub const fn badge(self) -> &'static str {
        match self {
            Self::Firing(Severity::Page) => "PAGE",
            Self::Firing(Severity::Ticket) => "TICKET",
            Self::Firing(Severity::Info) => "INFO",
            Self::Resolved => "RESOLVED",
            Self::Closed => "CLOSED",
        }
    }
}

/// The name of the link to this daemon.
pub(super) const OWN_LINK: &str = "slofuse";

fn details(facts: &AlertFacts, resolved: bool) -> Vec<Fact> {
    let burn = if resolved {
        burned(facts)
    } else {
        burning(&facts.tiers)
    };
    let next_step = (!resolved).then(|| next_step(facts));
    // Those of a resolved alert are as old as its last burning slot.
    let depends_on = (!resolved).then_some(facts.dependencies.as_slice());
    let depends_on = depends_on.and_then(dependencies);
    let all = [
        ("Impact", non_empty(&facts.document.description)),
        ("Burn", burn),
        (
            "Budget",
            facts.budget.map(|budget| cost(facts, &budget, resolved)),
        ),
        ("SLA", facts.sla.as_ref().map(sla)),
        ("Depends on", depends_on),
        ("Since", Some(since(facts))),
        ("Looked after by", facts.acknowledged.as_ref().map(keeper)),
        ("Next step", next_step),
        ("Objective", objective(facts)),
        ("Owner", facts.document.owner.as_deref().and_then(non_empty)),
        ("Alert", facts.alert_name.as_deref().and_then(non_empty)),
    ];
    bounded(all)
}

/// The facts that there are, each on one line.
pub(super) fn bounded(
    facts: impl IntoIterator<Item = (&'static str, Option<String>)>,
) -> Vec<Fact> {
    let line = |(name, value): (&'static str, Option<String>)| {
        let value = text::line(&value?, VALUE_CHARS_MAX);
        Some(Fact { name, value })
    };
    facts.into_iter().filter_map(line).collect()
}

/// `team=payments, tier=1`
pub(super) fn labels(labels: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    text::line(&pairs.join(", "), VALUE_CHARS_MAX)
}

/// `32.15x over 1h, 30x over 5m (limit 14.4x), 1,284 of 40,000 events bad (3.21%)`, per tier.
fn burning(tiers: &[TierFacts]) -> Option<String> {
    let lines: Vec<String> = tiers.iter().map(tier).collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

fn tier(tier: &TierFacts) -> String {
    let mut line = format!(
        "{} over {}, {} over {} (limit {})",
        figures::burn(tier.long_burn),
        tier.long,
        figures::burn(tier.short_burn),
        tier.short,
        figures::burn(tier.factor),
    );
    if let (Some(bad), Some(total)) = (tier.bad_events, tier.total_events) {
        let (bad_text, total_text) = (figures::count(bad), figures::count(total));
        line += &format!(", {bad_text} of {total_text} events bad in {}", tier.long);
        if total > 0.0 {
            line += &format!(" ({})", figures::percent(bad / total));
        }
    }
    line
}

/// What is known about the speed when it is over: the numbers of the tiers are history by then.
fn burned(facts: &AlertFacts) -> Option<String> {
    if facts.tiers.is_empty() {
        return None;
    }
    let windows: Vec<String> = facts
        .tiers
        .iter()
        .map(|tier| format!("{}/{}", tier.long, tier.short))
        .collect();
    let peak = figures::burn(facts.peak_burn);
    Some(format!("peak {peak}, in windows {}", windows.join(", ")))
}

/// What the alert costs: `4.46% of the 30d budget by this alert; 61.2% left, gone in 19h ...`.
fn cost(facts: &AlertFacts, budget: &BudgetFacts, resolved: bool) -> String {
    let period = reason::period(facts);
    let consumed = figures::percent(budget.consumed);
    let mut line = format!("{consumed} of the {period}budget consumed");
    if budget.consumed_by_alert > 0.0 {
        let share = figures::percent(budget.consumed_by_alert);
        line += &format!(", {share} by this alert");
    }
    if budget.remaining <= 0.0 {
        line += "; nothing left";
    } else {
        line += &format!("; {} left", figures::percent(budget.remaining));
        match budget.exhausted_in {
            Some(left) if !resolved => {
                line += &format!(", gone in {} at this speed", figures::span(left));
            }
            _ => {}
        }
    }
    /// Below this the budget is worth a warning: part of the period was never seen.
    const COVERAGE_FULL: f64 = 0.99;
    if budget.coverage < COVERAGE_FULL {
        let known = figures::percent(budget.coverage);
        line += &format!(" (counted from {known} of the period; the rest is not known)");
    }
    line
}

/// What is left of the contract's budget: `99.5%, 12% of its budget left`.
fn sla(sla: &SlaFacts) -> String {
    let percent = sla.objective_percent;
    match sla.budget.remaining {
        left if left > 0.0 => format!("{percent}%, {} of its budget left", figures::percent(left)),
        _ => format!("{percent}%, nothing of its budget left"),
    }
}

/// `shop/db, whose page fires since 2026-01-02 03:01:00 UTC`
pub(super) fn dependencies(dependencies: &[DependencyFacts]) -> Option<String> {
    let firing = dependencies.iter().take(DEPENDENCIES_MAX);
    let mut lines: Vec<String> = firing
        .map(|on| {
            format!(
                "{}, whose page fires since {}",
                on.slo,
                figures::date(on.since)
            )
        })
        .collect();
    let more = dependencies.len().saturating_sub(DEPENDENCIES_MAX);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    (!lines.is_empty()).then(|| lines.join("; "))
}

/// `alice since 2026-01-02 03:09:00 UTC, via slack: rolling back`
pub(super) fn keeper(acknowledged: &Acknowledgement) -> String {
    let Acknowledgement { by, at, via, note } = acknowledged;
    let mut line = format!("{by} since {}", figures::date(*at));
    for (word, rest) in [(", via ", via.trim()), (": ", note.trim())] {
        if !rest.is_empty() {
            line += word;
            line += rest;
        }
    }
    line
}

pub(super) fn since(facts: &AlertFacts) -> String {
    stretch(facts.started_at, facts.resolved_at, facts.decided_at)
}

/// From when to when, or for how long by the time of the decision.
pub(super) fn stretch(start: Timestamp, end: Option<Timestamp>, decided_at: Timestamp) -> String {
    let date = figures::date(start);
    if let Some(end) = end {
        let lasted = figures::span(end.since(start));
        return format!("{date} until {} ({lasted})", figures::date(end));
    }
    match decided_at.since(start) {
        Span::ZERO => date,
        later => format!("{date}, {} before this decision", figures::span(later)),
    }
}

pub(super) fn next_step(facts: &AlertFacts) -> String {
    match &facts.key {
        AlertKey::SourceDown { .. } => {
            "Check that the metrics source is up and that slofuse can reach it.".to_owned()
        }
        AlertKey::Blind { .. } => {
            "Check that the target is up and scraped, and that the query still matches.".to_owned()
        }
        AlertKey::Burn { .. } => match facts.document.runbook.as_deref().and_then(non_empty) {
            Some(runbook) if web_link(&runbook).is_some() => "Follow the runbook.".to_owned(),
            Some(runbook) => format!("Runbook: {runbook}"),
            None => "No runbook is linked in the definition.".to_owned(),
        },
    }
}

fn objective(facts: &AlertFacts) -> Option<String> {
    let period = facts.period.as_ref()?;
    Some(format!("{}% over {period}", facts.objective_percent?))
}

pub(super) fn links(facts: &AlertFacts, external: Option<&Url>) -> Vec<Link> {
    let from_definition = |text: &Option<String>| text.as_deref().and_then(web_link);
    let all = [
        ("Runbook", from_definition(&facts.document.runbook)),
        ("Dashboard", from_definition(&facts.document.dashboard)),
        (OWN_LINK, external.and_then(|base| own_page(facts, base))),
    ];
    all.into_iter()
        .filter_map(|(name, url)| url.map(|url| Link { name, url }))
        .collect()
}

/// A URL that is safe to click: `javascript:` and its kin stay text.
pub(super) fn web_link(text: &str) -> Option<String> {
    let url = Url::parse(text.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return None;
    }
    (url.as_str().len() <= LINK_BYTES_MAX).then(|| url.into())
}

pub(super) fn own_page(facts: &AlertFacts, base: &Url) -> Option<String> {
    facts.key.instance()?;
    let mut url = base.clone();
    let path = ["api", "v1", "slos", &facts.service, &facts.slo];
    url.path_segments_mut().ok()?.pop_if_empty().extend(path);
    (url.as_str().len() <= LINK_BYTES_MAX).then(|| url.into())
}

pub(super) fn non_empty(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
