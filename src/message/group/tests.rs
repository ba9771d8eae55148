//! What people read about several alerts.

use super::*;
use crate::engine::Labels;
use crate::message::sample;

fn read(notification: &Notification) -> String {
    let message = Message::new(notification, Some(&sample::external()));
    let mut text = format!("{}\n{}\n", message.headline(), message.why);
    for fact in &message.facts {
        text += &format!("{}: {}\n", fact.name, fact.value);
    }
    text += &format!("Labels: {}\n", message.labels);
    for link in &message.links {
        text += &format!("{} -> {}\n", link.name, link.url);
    }
    for member in &message.members {
        let link = member.link.as_deref().unwrap_or("-");
        text += &format!("* {} ({}) {link}\n", member.headline(), member.since);
    }
    if message.omitted > 0 {
        text += &format!("* and {} more\n", message.omitted);
    }
    text
}

#[test]
fn a_group_counts_and_lists_its_alerts() {
    insta::assert_snapshot!(read(&sample::group()), @r#"
    [PAGE] 2 alerts of shop: 1 page, 1 ticket, 1 over
    They are told together, as route by-service groups them.
    Impact: Customers cannot pay.
    Depends on: shop/db, whose page fires since 2026-01-02 03:01:30 UTC
    Since: 2026-01-02 03:04:00 UTC, 6m 30s before this decision
    Next step: Begin with the first alert. Follow the runbook.
    Owner: team-payments
    Labels: tier=1
    Runbook -> https://wiki.example/checkout
    Dashboard -> https://grafana.example/d/checkout?orgId=1
    slofuse -> https://slofuse.example/prefix/api/v1/alerts
    * [PAGE] shop/checkout{region="eu"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m (2026-01-02 03:04:00 UTC, 6m 30s before this decision) https://wiki.example/checkout
    * [TICKET] shop/search burns its error budget at 3.4x, 61.2% left, gone in 13h 43m (2026-01-02 03:04:00 UTC, 6m 30s before this decision) https://grafana.example/d/checkout?orgId=1
    * [RESOLVED] shop/checkout{region="us"} recovered after 6m 30s (2026-01-02 03:04:00 UTC until 2026-01-02 03:10:30 UTC (6m 30s)) https://wiki.example/checkout
    "#);
}

#[test]
fn the_end_of_a_group_says_how_long_it_took() {
    insta::assert_snapshot!(read(&sample::group_resolved()), @r#"
    [RESOLVED] every alert of shop is over after 16m 30s
    Every alert has recovered.
    Impact: Customers cannot pay.
    Since: 2026-01-02 03:04:00 UTC until 2026-01-02 03:20:30 UTC (16m 30s)
    Owner: team-payments
    Labels: tier=1
    Runbook -> https://wiki.example/checkout
    Dashboard -> https://grafana.example/d/checkout?orgId=1
    slofuse -> https://slofuse.example/prefix/api/v1/alerts
    * [RESOLVED] shop/checkout{region="eu"} recovered after 16m 30s (2026-01-02 03:04:00 UTC until 2026-01-02 03:20:30 UTC (16m 30s)) https://wiki.example/checkout
    * [RESOLVED] shop/search recovered after 16m 30s (2026-01-02 03:04:00 UTC until 2026-01-02 03:20:30 UTC (16m 30s)) https://grafana.example/d/checkout?orgId=1
    * [RESOLVED] shop/checkout{region="us"} recovered after 16m 30s (2026-01-02 03:04:00 UTC until 2026-01-02 03:20:30 UTC (16m 30s)) https://wiki.example/checkout
    "#);
    let mut mixed = sample::group_resolved();
    mixed.group.as_mut().unwrap().members[1].reason = Reason::NoTraffic;
    let message = Message::new(&mixed, None);
    assert_eq!(message.tone, Tone::Closed);
    assert_eq!(
        message.why,
        "Every alert has ended, but not every end is a recovery."
    );
}

#[test]
fn a_storm_is_one_message() {
    let mut storm = sample::storm();
    storm.group.as_mut().unwrap().members.truncate(3);
    insta::assert_snapshot!(read(&storm), @r#"
    [PAGE] storm: 37 alerts: 3 pages and 34 more
    So many alerts came at once that they are told as one.
    Impact: Customers cannot pay.
    Services: service-0 1, service-1 1, service-2 1
    Since: 2026-01-02 03:04:00 UTC, 6m 30s before this decision
    Next step: Begin with the first alert. Follow the runbook.
    Owner: team-payments
    Labels: tier=1
    Runbook -> https://wiki.example/checkout
    Dashboard -> https://grafana.example/d/checkout?orgId=1
    slofuse -> https://slofuse.example/prefix/api/v1/alerts
    * [PAGE] service-0/slo-0{region="eu"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m (2026-01-02 03:04:00 UTC, 6m 30s before this decision) https://wiki.example/checkout
    * [PAGE] service-1/slo-1{region="eu"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m (2026-01-02 03:04:00 UTC, 6m 30s before this decision) https://wiki.example/checkout
    * [PAGE] service-2/slo-2{region="eu"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m (2026-01-02 03:04:00 UTC, 6m 30s before this decision) https://wiki.example/checkout
    * and 25 more
    "#);
}

#[test]
fn a_group_is_named_by_what_its_alerts_share() {
    let key = |pairs: &[(&str, &str)]| ThreadKey::Group {
        receiver: "chat".to_owned(),
        route: "route[1]".to_owned(),
        labels: Labels::new(pairs.iter().copied()),
    };
    for (pairs, name) in [
        (&[][..], "route route[1]"),
        (&[("service", "shop")], "shop"),
        (&[("service", "shop"), ("slo", "pay")], "shop/pay"),
        (
            &[("region", "eu"), ("service", "shop")],
            r#"shop{region="eu"}"#,
        ),
        (
            &[("region", "e\nu\u{202e}"), ("slo", "pay")],
            r#"{region="e\nu\u{202e}",slo="pay"}"#,
        ),
        (&[("service", ""), ("zone", "a")], r#"{zone="a"}"#),
    ] {
        assert_eq!(subject(&key(pairs)), name);
    }
}

#[test]
fn news_of_a_group_say_why() {
    let say = |reason: Reason| {
        let mut notification = sample::group();
        notification.kind = NotificationKind::Update;
        notification.facts.reason = reason;
        Message::new(&notification, None).why
    };
    let by = "alice\n<!channel>".to_owned();
    let after = crate::engine::Span::from_mins(15);
    let said = [
        say(Reason::GroupChanged),
        say(Reason::Burning),
        say(Reason::Repeated),
        say(Reason::Acknowledged { by }),
        say(Reason::Unacknowledged { after }),
    ];
    insta::assert_snapshot!(said.join("\n"), @"
    The alerts of the group have changed.
    The alerts of the group have changed.
    They are still open.
    alice <!channel> looks after them.
    Nobody has acknowledged them for 15m.
    ");
}

#[test]
fn a_group_without_members_and_a_huge_one_are_told() {
    let mut notification = sample::group();
    let group = notification.group.as_mut().unwrap();
    let member = group.members[0].clone();
    group.members.clear();
    group.firing = 0;
    assert!(read(&notification).starts_with("[PAGE] 0 alerts of shop"));
    let huge = "x".repeat(1 << 16);
    let group = notification.group.as_mut().unwrap();
    for at in 0..50 {
        let mut member = member.clone();
        member.service = format!("{at}{huge}");
        member.document.owner = Some(member.service.clone());
        group.members.push(member);
    }
    group.omitted = u32::MAX;
    group.firing = u32::MAX;
    assert!(read(&notification).len() < 40_000);
}
