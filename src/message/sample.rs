//! Notifications to try words on: one of each kind, as the engine would decide it, and a hostile one.

use std::collections::BTreeMap;

#[cfg(test)]
use reqwest::Url;

use crate::engine::{
    AlertFacts, AlertKey, BudgetFacts, Document, InstanceId, Labels, Notification,
    NotificationKind, Reason, Severity, SloId, Span, TierFacts, Timestamp,
};

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
