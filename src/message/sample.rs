//! Notifications to try words on: one of each kind, as the engine would decide it, and a hostile one.

use std::collections::BTreeMap;

#[cfg(test)]
use reqwest::Url;

#[cfg(test)]
use crate::engine::Curve;

use crate::engine::{
    Acknowledgement, AlertFacts, AlertKey, BudgetFacts, DependencyFacts, Document, GroupFacts,
    InstanceId, Labels, Notification, NotificationKind, Reason, Severity, SloId, Span, ThreadKey,
    TierFacts, Timestamp,
};

/// What [`named`] knows.
pub const NAMES: [&str; 13] = [
    "page",
    "update",
    "resolve",
    "closed",
    "ticket",
    "info",
    "blind",
    "source_down",
    "acknowledged",
    "group",
    "storm",
    "group_resolve",
    "hostile",
];

/// The sample of this name.
pub fn named(name: &str) -> Option<Notification> {
    Some(match name {
        "page" => burning(),
        "update" => updated(),
        "resolve" => resolved(),
        "closed" => closed(burning(), Reason::NoTraffic),
        "ticket" => ticket(),
        "info" => budget(Reason::BudgetConsumed { threshold: 0.75 }),
        "blind" => blind(Reason::NoData {
            slots: 10,
            detail: "the newest sample is 5m old".to_owned(),
        }),
        "source_down" => source_down(),
        "acknowledged" => acknowledged(),
        "group" => group(),
        "storm" => storm(),
        "group_resolve" => group_resolved(),
        "hostile" => hostile(),
        _ => return None,
    })
}

/// Every sample by its name.
pub fn all() -> impl Iterator<Item = (&'static str, Notification)> {
    NAMES
        .into_iter()
        .filter_map(|name| Some((name, named(name)?)))
}

/// 2026-01-02 03:10:30 UTC
pub const NOW: Timestamp = Timestamp::from_secs(1_767_323_430);

/// Where the samples say that this daemon is.
#[cfg(test)]
pub(crate) fn external() -> Url {
    Url::parse("https://slofuse.example/prefix/").unwrap()
}

/// A page that began 6.5 minutes ago: both page tiers burn.
pub fn burning() -> Notification {
    let key = AlertKey::Burn {
        instance: instance(Labels::new([("region", "eu")])),
        severity: Severity::Page,
    };
    notification(key, Reason::Burning)
}

/// The same page with news.
pub fn updated() -> Notification {
    let mut notification = burning();
    notification.kind = NotificationKind::Update;
    notification.sequence = 2;
    notification.facts.reason = Reason::MoreTiers;
    notification
}

/// The same page, over.
pub fn resolved() -> Notification {
    closed(burning(), Reason::Recovered)
}

/// A notification's resolve, 72 minutes after it began.
pub fn closed(mut notification: Notification, reason: Reason) -> Notification {
    let end = notification.facts.started_at + Span::from_mins(72);
    notification.kind = NotificationKind::Resolve;
    notification.sequence = 3;
    notification.facts.reason = reason;
    notification.facts.decided_at = end;
    notification.facts.resolved_at = Some(end);
    notification
}

/// A ticket of an SLO whose cause may be another one.
pub fn ticket() -> Notification {
    let key = AlertKey::Burn {
        instance: instance(Labels::empty()),
        severity: Severity::Ticket,
    };
    let mut notification = notification(key, Reason::Burning);
    let facts = &mut notification.facts;
    facts.tiers = vec![TierFacts {
        long: Span::from_days(1),
        short: Span::from_hours(2),
        factor: 3.0,
        budget_fraction: 0.1,
        long_burn: 3.4,
        short_burn: 4.1,
        bad_events: Some(3264.0),
        total_events: Some(960_000.0),
    }];
    facts.dependencies = vec![DependencyFacts {
        slo: SloId::new("shop", "db"),
        since: NOW - Span::from_mins(9),
    }];
    facts.document.runbook = None;
    notification
}

/// The page, once somebody looks after it.
pub fn acknowledged() -> Notification {
    let mut notification = updated();
    let facts = &mut notification.facts;
    facts.reason = Reason::Acknowledged {
        by: "alice".to_owned(),
    };
    facts.acknowledged = Some(Acknowledgement {
        by: "alice".to_owned(),
        at: NOW - Span::from_secs(30),
        via: "slack".to_owned(),
        note: "rolling back".to_owned(),
    });
    notification
}

/// The alerts of a route that groups by service, one of them over.
pub fn group() -> Notification {
    let mut over = closed(burning(), Reason::Recovered).facts;
    over.labels = Labels::new([("region", "us")]);
    over.resolved_at = Some(NOW);
    let mut other = ticket().facts;
    "search".clone_into(&mut other.slo);
    together(
        ThreadKey::Group {
            receiver: "on-call".to_owned(),
            route: "by-service".to_owned(),
            labels: Labels::new([("service", "shop")]),
        },
        vec![burning().facts, other, over],
    )
}

/// The same group, over.
pub fn group_resolved() -> Notification {
    let mut notification = group();
    let end = NOW + Span::from_mins(10);
    let over = |mut facts: AlertFacts| {
        facts.reason = Reason::Recovered;
        facts.decided_at = end;
        facts.resolved_at = Some(end);
        facts
    };
    notification.kind = NotificationKind::Resolve;
    notification.sequence = 3;
    notification.facts = over(notification.facts);
    if let Some(group) = &mut notification.group {
        group.firing = 0;
        group.members = group.members.drain(..).map(over).collect();
    }
    notification
}

/// More pages than a person takes one by one; not all are spelled out.
pub fn storm() -> Notification {
    const MEMBERS: usize = 12;
    let member = |at: usize| {
        let mut facts = burning().facts;
        facts.service = format!("service-{}", at % 4);
        facts.slo = format!("slo-{at}");
        facts
    };
    let key = ThreadKey::Storm {
        receiver: "on-call".to_owned(),
    };
    let mut notification = together(key, (0..MEMBERS).map(member).collect());
    if let Some(group) = &mut notification.group {
        group.omitted = 25;
        group.firing += 25;
    }
    notification
}

fn together(key: ThreadKey, members: Vec<AlertFacts>) -> Notification {
    let mut notification = burning();
    if let Some(loudest) = members.first() {
        notification.facts = loudest.clone();
    }
    let firing = members.iter().filter(|m| m.resolved_at.is_none()).count();
    notification.group = Some(Box::new(GroupFacts {
        key,
        omitted: 0,
        firing: u32::try_from(firing).unwrap_or(u32::MAX),
        members,
    }));
    notification
}

/// A burn that began an hour before [`NOW`], in an otherwise quiet night.
#[cfg(test)]
pub(crate) fn curve() -> Curve {
    const POINTS: usize = 73;
    const BEGAN: usize = POINTS - 13;
    let mut consumed = 0.3434;
    let points = (0..POINTS).map(|at| {
        let burn = if at < BEGAN { 0.4 } else { 32.0 };
        consumed += burn * 5.0 / (30.0 * 24.0 * 60.0);
        (Some(burn), Some(consumed))
    });
    let (burn, consumed) = points.unzip();
    Curve {
        until: NOW,
        step: Span::from_mins(5),
        burn,
        consumed,
    }
}

/// An info alert about the budget itself.
pub fn budget(reason: Reason) -> Notification {
    let key = AlertKey::Burn {
        instance: instance(Labels::empty()),
        severity: Severity::Info,
    };
    let mut notification = notification(key, reason);
    notification.facts.tiers.clear();
    notification
}

/// An instance without samples.
pub fn blind(reason: Reason) -> Notification {
    let key = AlertKey::Blind {
        instance: instance(Labels::empty()),
    };
    let mut notification = notification(key, reason);
    notification.facts.tiers.clear();
    notification.facts.budget = None;
    notification
}

/// A source that fails for everybody.
pub fn source_down() -> Notification {
    let key = AlertKey::SourceDown {
        source: "main".to_owned(),
    };
    let reason = Reason::SourceFailed {
        slots: 10,
        detail: "connecting: Connection refused".to_owned(),
    };
    let mut notification = notification(key, reason);
    let facts = &mut notification.facts;
    "slofuse".clone_into(&mut facts.service);
    "main".clone_into(&mut facts.slo);
    facts.labels = Labels::empty();
    facts.objective_percent = None;
    facts.period = None;
    facts.tiers.clear();
    facts.budget = None;
    facts.document = Document::default();
    facts.affected = 42;
    notification
}

/// Everything that comes from outside tries to break out.
pub fn hostile() -> Notification {
    let evil = "<!channel> @here &amp; \"},{\\ \u{1b}[31m\u{202e}\n*x* <https://evil.example|ok>";
    let key = AlertKey::Burn {
        instance: instance(Labels::new([("path", evil)])),
        severity: Severity::Page,
    };
    let mut notification = notification(key, Reason::Burning);
    let document = &mut notification.facts.document;
    evil.clone_into(&mut document.description);
    document.owner = Some(evil.to_owned());
    document.runbook = Some(format!("javascript:alert(1)//{evil}"));
    document.dashboard = Some("https://dash.example/d?a=<b>|c&d\u{202e}".to_owned());
    document.annotations = BTreeMap::from([("evil".to_owned(), evil.to_owned())]);
    notification.facts.acknowledged = Some(Acknowledgement {
        by: evil.to_owned(),
        at: NOW,
        via: evil.to_owned(),
        note: evil.to_owned(),
    });
    notification
}

/// A page that says that it is a test, and its resolve: to see whether a receiver can be reached.
pub fn probe(receiver: &str, now: Timestamp) -> [Notification; 2] {
    let key = AlertKey::Burn {
        instance: InstanceId {
            slo: SloId::new("slofuse", "test"),
            labels: Labels::empty(),
        },
        severity: Severity::Page,
    };
    let mut page = notification(key, Reason::Burning);
    receiver.clone_into(&mut page.receiver);
    page.episode = now.as_millis().unsigned_abs();
    let facts = &mut page.facts;
    facts.service = "slofuse".to_owned();
    facts.slo = "test".to_owned();
    (facts.started_at, facts.decided_at) = (now, now);
    facts.document = Document {
        description: "This is a test of the way to you. Nothing is wrong.".to_owned(),
        ..Document::default()
    };
    let mut resolve = page.clone();
    resolve.kind = NotificationKind::Resolve;
    resolve.sequence = 2;
    resolve.facts.reason = Reason::Recovered;
    resolve.facts.resolved_at = Some(now);
    [page, resolve]
}

fn instance(labels: Labels) -> InstanceId {
    InstanceId {
        slo: SloId::new("shop", "checkout"),
        labels,
    }
}

fn notification(key: AlertKey, reason: Reason) -> Notification {
    let labels = key
        .instance()
        .map_or_else(Labels::empty, |instance| instance.labels.clone());
    let severity = match &key {
        AlertKey::Burn { severity, .. } => *severity,
        AlertKey::Blind { .. } | AlertKey::SourceDown { .. } => Severity::Page,
    };
    Notification {
        receiver: "on-call".to_owned(),
        kind: NotificationKind::Trigger,
        episode: 1,
        sequence: 1,
        facts: AlertFacts {
            key,
            severity,
            service: "shop".to_owned(),
            slo: "checkout".to_owned(),
            labels,
            objective_percent: Some(99.9),
            period: Some(Span::from_days(30).into()),
            reason,
            started_at: NOW - Span::from_secs(390),
            decided_at: NOW,
            resolved_at: None,
            tiers: tiers(),
            peak_burn: 35.5,
            sla: None,
            budget: Some(BudgetFacts {
                consumed: 0.388,
                remaining: 0.612,
                exhausted_in: Some(Span::from_mins(13 * 60 + 43)),
                consumed_by_alert: 0.0446,
                coverage: 1.0,
            }),
            alert_name: None,
            document: Document {
                description: "Customers cannot pay.".to_owned(),
                owner: Some("team-payments".to_owned()),
                runbook: Some("https://wiki.example/checkout".to_owned()),
                dashboard: Some("https://grafana.example/d/checkout?orgId=1".to_owned()),
                rationale: None,
                labels: BTreeMap::from([("tier".to_owned(), "1".to_owned())]),
                annotations: BTreeMap::from([("sla".to_owned(), "99.5%".to_owned())]),
                ..Document::default()
            },
            affected: 1,
            dependencies: Vec::new(),
            acknowledged: None,
            curve: None,
        },
        group: None,
        route_labels: BTreeMap::new(),
    }
}

fn tiers() -> Vec<TierFacts> {
    let fast = TierFacts {
        long: Span::from_hours(1),
        short: Span::from_mins(5),
        factor: 14.4,
        budget_fraction: 0.02,
        long_burn: 32.15,
        short_burn: 35.5,
        bad_events: Some(1284.0),
        total_events: Some(40_000.0),
    };
    let slow = TierFacts {
        long: Span::from_hours(6),
        short: Span::from_mins(30),
        factor: 6.0,
        budget_fraction: 0.05,
        long_burn: 7.2,
        short_burn: 33.0,
        bad_events: None,
        total_events: None,
    };
    vec![fast, slow]
}
