//! Deliveries for the tests of this room; their notifications are the samples of [`crate::message`].

use crate::engine::{
    Acknowledgement, GroupFacts, Labels, Notification, NotificationKind, Reason, Severity, Span,
    ThreadKey,
};
use crate::message::Writer;
pub(super) use crate::message::sample::*;
use crate::store::Delivery;

/// A row of the outbox, written when the notification was decided.
pub(super) fn delivery(id: i64, notification: Notification) -> Delivery {
    Delivery {
        id,
        created_at: notification.facts.decided_at,
        notification,
        attempts: 0,
        routing: None,
    }
}

/// A writer that links to this daemon.
pub(super) fn writer() -> Writer {
    Writer::new(Some(external()))
}

/// A writer without links of its own.
pub(super) fn plain() -> Writer {
    Writer::default()
}

/// Somebody who looks after an alert since half a minute.
pub(super) fn acknowledgement(by: &str) -> Acknowledgement {
    Acknowledgement {
        by: by.to_owned(),
        at: NOW - Span::from_secs(30),
        via: "slack".to_owned(),
        note: String::new(),
    }
}

/// A page and a ticket of one service, told together.
pub(super) fn group() -> Notification {
    let mut notification = burning();
    let mut ticket = burning().facts;
    ticket.severity = Severity::Ticket;
    if let crate::engine::AlertKey::Burn { severity, .. } = &mut ticket.key {
        *severity = Severity::Ticket;
    }
    notification.group = Some(Box::new(GroupFacts {
        key: ThreadKey::Group {
            receiver: "on-call".to_owned(),
            route: "shop".to_owned(),
            labels: Labels::new([("service", "shop")]),
        },
        members: vec![notification.facts.clone(), ticket],
        omitted: 0,
        firing: 2,
    }));
    notification
}

/// A storm of as many alerts as one notification spells out, each as long as it can be, and more.
pub(super) fn huge_group() -> Notification {
    let mut notification = group();
    let group = notification.group.as_mut().unwrap();
    group.key = ThreadKey::Storm {
        receiver: "on-call".to_owned(),
    };
    let mut member = hostile().facts;
    member.document.runbook = Some(format!("https://wiki.example/{}", "x".repeat(1_900)));
    member.service = "<ü\"".repeat(300);
    group.members = vec![member; crate::engine::GROUP_MEMBERS_MAX];
    group.omitted = 950;
    group.firing = 1_000;
    notification
}

/// The same with news.
pub(super) fn news(mut notification: Notification, reason: Reason) -> Notification {
    notification.kind = NotificationKind::Update;
    notification.sequence = 2;
    notification.facts.reason = reason;
    notification
}
