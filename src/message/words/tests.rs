//! What people read, for each kind of alert and each way it can end.

use super::*;
use crate::engine::{Reason, Span};
use crate::message::sample as fixture;

/// A message as one text, for snapshots.
fn read(notification: &Notification) -> String {
    let message = Message::new(notification, Some(&fixture::external()));
    let mut text = format!("{}\n{}\n", message.headline(), message.why);
    for fact in &message.facts {
        text += &format!("{}: {}\n", fact.name, fact.value);
    }
    for link in &message.links {
        text += &format!("{} -> {}\n", link.name, link.url);
    }
    text
}

/// The lines that depend on the reason: headline and why.
fn headlines(notifications: &[Notification]) -> String {
    let lines = notifications.iter().map(|notification| {
        let message = Message::new(notification, None);
        format!("{}\n    {}\n", message.headline(), message.why)
    });
    lines.collect()
}

#[test]
fn a_page_says_what_why_how_fast_and_what_it_costs() {
    insta::assert_snapshot!(read(&fixture::burning()), @r#"
    [PAGE] shop/checkout{region="eu"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m
    Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.
    Impact: Customers cannot pay.
    Burn: 32.15x over 1h, 35.5x over 5m (limit 14.4x), 1,284 of 40,000 events bad in 1h (3.21%); 7.2x over 6h, 33x over 30m (limit 6x)
    Budget: 38.8% of the 30d budget consumed, 4.46% by this alert; 61.2% left, gone in 13h 43m at this speed
    Since: 2026-01-02 03:04:00 UTC, 6m 30s before this decision
    Next step: Follow the runbook.
    Objective: 99.9% over 30d
    Owner: team-payments
    Runbook -> https://wiki.example/checkout
    Dashboard -> https://grafana.example/d/checkout?orgId=1
    slofuse -> https://slofuse.example/prefix/api/v1/slos/shop/checkout
    "#);
}

#[test]
fn what_is_left_of_a_contract_is_told_beside_the_budget() {
    let mut notification = fixture::burning();
    let line = |notification: &Notification| {
        let text = read(notification);
        let line = text.lines().find(|line| line.starts_with("SLA"));
        line.map(str::to_owned)
    };
    assert_eq!(line(&notification), None);
    let budget = BudgetFacts {
        consumed: 0.88,
        remaining: 0.12,
        ..notification.facts.budget.unwrap()
    };
    let mut sla = SlaFacts {
        objective_percent: 99.5,
        budget,
    };
    notification.facts.sla = Some(sla);
    insta::assert_snapshot!(line(&notification).unwrap(), @"SLA: 99.5%, 12% of its budget left");
    sla.budget.remaining = -0.3;
    notification.facts.sla = Some(sla);
    insta::assert_snapshot!(line(&notification).unwrap(), @"SLA: 99.5%, nothing of its budget left");
}

#[test]
fn an_update_says_that_it_goes_on() {
    insta::assert_snapshot!(headlines(&[fixture::updated()]), @r#"
    [PAGE] shop/checkout{region="eu"} still burns its error budget at 32.15x, 61.2% left, gone in 13h 43m
        One more tier burns. Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.
    "#);
}

#[test]
fn a_resolve_says_how_long_it_took_and_what_it_cost() {
    insta::assert_snapshot!(read(&fixture::resolved()), @r#"
    [RESOLVED] shop/checkout{region="eu"} recovered after 1h 12m
    Every page tier is quiet again.
    Impact: Customers cannot pay.
    Burn: peak 35.5x, in windows 1h/5m, 6h/30m
    Budget: 38.8% of the 30d budget consumed, 4.46% by this alert; 61.2% left
    Since: 2026-01-02 03:04:00 UTC until 2026-01-02 04:16:00 UTC (1h 12m)
    Objective: 99.9% over 30d
    Owner: team-payments
    Runbook -> https://wiki.example/checkout
    Dashboard -> https://grafana.example/d/checkout?orgId=1
    slofuse -> https://slofuse.example/prefix/api/v1/slos/shop/checkout
    "#);
}

#[test]
fn every_other_end_says_that_it_is_not_a_recovery() {
    let ends = [
        fixture::closed(fixture::burning(), Reason::NoTraffic),
        fixture::closed(fixture::burning(), Reason::DefinitionRemoved),
        fixture::closed(fixture::burning(), Reason::DefinitionChanged),
        fixture::closed(fixture::burning(), Reason::InstanceGone),
        fixture::closed(fixture::blind(Reason::Recovered), Reason::DataReturned),
        fixture::closed(fixture::source_down(), Reason::DataReturned),
    ];
    insta::assert_snapshot!(headlines(&ends), @r#"
    [CLOSED] shop/checkout{region="eu"} alert closed after 1h 12m: no traffic
        There is no traffic left to fail. If that is not intended, users may not reach the service at all.
    [CLOSED] shop/checkout{region="eu"} alert closed after 1h 12m: its definition was removed
        The definition was removed. This is not a recovery.
    [CLOSED] shop/checkout{region="eu"} alert closed after 1h 12m: its definition changed
        The definition changed; the alert no longer applies. This is not a recovery.
    [CLOSED] shop/checkout{region="eu"} alert closed after 1h 12m: its series are gone
        Its series have been gone so long that they are forgotten. This is not a recovery.
    [RESOLVED] shop/checkout can be evaluated again after 1h 12m
        Usable answers are back; alerting works again.
    [RESOLVED] metrics source main answers again after 1h 12m
        Usable answers are back; alerting works again.
    "#);
}

#[test]
fn budget_notices_speak_of_the_budget() {
    let mut unmuted = fixture::burning();
    unmuted.facts.reason = Reason::Unmuted;
    unmuted.facts.severity = Severity::Ticket;
    let notices = [
        fixture::budget(Reason::BudgetConsumed { threshold: 0.75 }),
        fixture::budget(Reason::BudgetConsumed { threshold: 1.0 }),
        fixture::budget(Reason::ExhaustionAhead {
            within: Span::from_hours(52),
        }),
        unmuted,
    ];
    insta::assert_snapshot!(headlines(&notices), @r#"
    [INFO] shop/checkout has used 75% of its 30d error budget
        Consumption of the 30d budget has passed 75%.
    [INFO] shop/checkout has used up its 30d error budget
        Consumption of the 30d budget has passed 100%.
    [INFO] shop/checkout will use up its 30d error budget in 2d 4h
        At the present burn nothing is left of the 30d budget in 2d 4h.
    [TICKET] shop/checkout{region="eu"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m
        This was open before, muted or covered by another alert. Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.
    "#);
}

#[test]
fn blindness_is_never_mistaken_for_health() {
    let no_data = fixture::blind(Reason::NoData {
        slots: 10,
        detail: "series are stale".to_owned(),
    });
    insta::assert_snapshot!(read(&no_data), @r#"
    [PAGE] shop/checkout cannot be evaluated: no usable samples
    10 evaluations in a row found no usable samples (series are stale). Until that changes no burn can be seen: silence is not health.
    Impact: Customers cannot pay.
    Since: 2026-01-02 03:04:00 UTC, 6m 30s before this decision
    Next step: Check that the target is up and scraped, and that the query still matches.
    Objective: 99.9% over 30d
    Owner: team-payments
    Runbook -> https://wiki.example/checkout
    Dashboard -> https://grafana.example/d/checkout?orgId=1
    slofuse -> https://slofuse.example/prefix/api/v1/slos/shop/checkout
    "#);
    let failed = fixture::blind(Reason::SourceFailed {
        slots: 10,
        detail: String::new(),
    });
    insta::assert_snapshot!(headlines(&[failed]), @r#"
    [PAGE] shop/checkout cannot be evaluated: its queries fail
        10 evaluations in a row got no usable answer. Until that changes no burn can be seen: silence is not health.
    "#);
    insta::assert_snapshot!(read(&fixture::source_down()), @r#"
    [PAGE] metrics source main fails: 42 SLO instances cannot be evaluated
    10 evaluations in a row got no usable answer (connecting: Connection refused). Until that changes no burn can be seen: silence is not health.
    Since: 2026-01-02 03:04:00 UTC, 6m 30s before this decision
    Next step: Check that the metrics source is up and that slofuse can reach it.
    "#);
}

#[test]
fn an_overspent_or_half_seen_budget_says_so() {
    let mut notification = fixture::burning();
    notification.facts.document = crate::engine::Document::default();
    notification.facts.budget = Some(BudgetFacts {
        consumed: 1.234,
        remaining: -0.234,
        exhausted_in: None,
        consumed_by_alert: 0.0,
        coverage: 0.62,
    });
    insta::assert_snapshot!(read(&notification), @r#"
    [PAGE] shop/checkout{region="eu"} burns its error budget at 32.15x, nothing left
    Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.
    Burn: 32.15x over 1h, 35.5x over 5m (limit 14.4x), 1,284 of 40,000 events bad in 1h (3.21%); 7.2x over 6h, 33x over 30m (limit 6x)
    Budget: 123% of the 30d budget consumed; nothing left (counted from 62% of the period; the rest is not known)
    Since: 2026-01-02 03:04:00 UTC, 6m 30s before this decision
    Next step: No runbook is linked in the definition.
    Objective: 99.9% over 30d
    slofuse -> https://slofuse.example/prefix/api/v1/slos/shop/checkout
    "#);
}

#[test]
fn hostile_text_stays_text() {
    let message = Message::new(&fixture::hostile(), None);
    let facts = message.facts.iter().map(|fact| &fact.value);
    for text in [&message.title, &message.why].into_iter().chain(facts) {
        assert!(
            !text.contains(|c: char| c.is_control() || c == '\u{202e}'),
            "{text:?}"
        );
    }
    let links: Vec<&str> = message.links.iter().map(|link| link.url.as_str()).collect();
    assert_eq!(links, ["https://dash.example/d?a=%3Cb%3E|c&d%E2%80%AE"]);
}

#[test]
fn everything_is_bounded() {
    let mut notification = fixture::burning();
    let huge = "x".repeat(1 << 20);
    let document = &mut notification.facts.document;
    document.description.clone_from(&huge);
    document.owner = Some(huge.clone());
    document.runbook = Some(format!("https://wiki.example/{huge}"));
    document.dashboard = Some(huge.clone());
    notification.facts.reason = Reason::NoData {
        slots: 1,
        detail: huge.clone(),
    };
    notification.facts.service = huge;
    assert!(read(&notification).len() < 10_000);
}

#[test]
fn numbers_that_are_none_do_not_break_the_text() {
    let mut notification = fixture::burning();
    for tier in &mut notification.facts.tiers {
        tier.long_burn = f64::NAN;
        tier.factor = 0.0;
        tier.total_events = Some(0.0);
    }
    let text = read(&notification);
    assert!(text.contains("burns its error budget at unknown"), "{text}");
    assert!(!text.contains("NaN"), "{text}");
}

#[test]
fn a_notice_that_ends_with_its_period_does_not_claim_a_recovery() {
    let notification = fixture::closed(fixture::budget(Reason::PeriodEnded), Reason::PeriodEnded);
    let message = Message::new(&notification, None);
    assert!(
        message
            .title
            .ends_with("alert closed after 1h 12m: its period ended")
    );
    assert_eq!(
        message.why,
        "The 30d is over; a new budget has begun. This is not a recovery."
    );
}

#[test]
fn what_an_alert_depends_on_and_who_looks_after_it_is_told() {
    let line = |notification: &Notification, name: &str| {
        let message = Message::new(notification, None);
        let fact = message.facts.into_iter().find(|fact| fact.name == name);
        fact.map(|fact| fact.value)
    };
    let ticket = fixture::ticket();
    insta::assert_snapshot!(line(&ticket, "Depends on").unwrap(), @"shop/db, whose page fires since 2026-01-02 03:01:30 UTC");
    assert_eq!(line(&ticket, "Looked after by"), None);
    let mut acknowledged = fixture::acknowledged();
    insta::assert_snapshot!(line(&acknowledged, "Looked after by").unwrap(), @"alice since 2026-01-02 03:10:00 UTC, via slack: rolling back");
    let dependency = ticket.facts.dependencies[0].clone();
    acknowledged.facts.dependencies = vec![dependency; 30];
    let many = line(&acknowledged, "Depends on").unwrap();
    assert!(many.ends_with("; and 25 more"), "{many}");
}

#[test]
fn news_of_open_alerts_say_why() {
    let with = |mut notification: Notification, reason: &Reason| {
        notification.kind = NotificationKind::Update;
        notification.facts.reason = reason.clone();
        notification
    };
    let reasons = [
        Reason::Repeated,
        Reason::Acknowledged {
            by: "alice".to_owned(),
        },
        Reason::Unacknowledged {
            after: Span::from_mins(15),
        },
        Reason::Unmuted,
    ];
    let all: Vec<Notification> = reasons
        .iter()
        .flat_map(|reason| {
            let blind = fixture::blind(Reason::Burning);
            let info = fixture::budget(Reason::Burning);
            [fixture::burning(), info, blind].map(|sample| with(sample, reason))
        })
        .collect();
    insta::assert_snapshot!(headlines(&all), @r#"
    [PAGE] shop/checkout{region="eu"} still burns its error budget at 32.15x, 61.2% left, gone in 13h 43m
        This is still open. Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.
    [INFO] shop/checkout has used 38.8% of its 30d error budget
        This is still open.
    [PAGE] shop/checkout cannot be evaluated
        This is still open.
    [PAGE] shop/checkout{region="eu"} still burns its error budget at 32.15x, 61.2% left, gone in 13h 43m
        alice looks after it.
    [INFO] shop/checkout has used 38.8% of its 30d error budget
        alice looks after it.
    [PAGE] shop/checkout cannot be evaluated
        alice looks after it.
    [PAGE] shop/checkout{region="eu"} still burns its error budget at 32.15x, 61.2% left, gone in 13h 43m
        Nobody has acknowledged this for 15m. Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.
    [INFO] shop/checkout has used 38.8% of its 30d error budget
        Nobody has acknowledged this for 15m.
    [PAGE] shop/checkout cannot be evaluated
        Nobody has acknowledged this for 15m.
    [PAGE] shop/checkout{region="eu"} still burns its error budget at 32.15x, 61.2% left, gone in 13h 43m
        This was open before, muted or covered by another alert. Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.
    [INFO] shop/checkout has used 38.8% of its 30d error budget
        This was open before, muted or covered by another alert.
    [PAGE] shop/checkout cannot be evaluated
        This was open before, muted or covered by another alert.
    "#);
}
