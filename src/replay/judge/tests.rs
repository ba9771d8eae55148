//! Judgements by hand, and against a matcher that only knows the rules.

use proptest::prelude::*;

use super::*;
use crate::engine::MatchOp;

const BEGIN: i64 = 1_700_000_000;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_secs(BEGIN + minute * 60)
}

fn event(start: i64, end: i64) -> Event {
    Event {
        start: at(start),
        end: Some(at(end)),
        subject: Subject::default(),
        severity: None,
        significant: true,
        cost: None,
        title: String::new(),
    }
}

fn alert_of(slo: &str, severity: Severity, told: i64, until: Option<i64>) -> Alert {
    Alert {
        key: format!("shop/{slo}/{severity}"),
        slo: Some(format!("shop/{slo}")),
        severity,
        service: "shop".to_owned(),
        labels: Labels::new([("slo", slo)]),
        told_at: at(told),
        until: until.map(at),
    }
}

fn page(told: i64, until: i64) -> Alert {
    alert_of("api", Severity::Page, told, Some(until))
}

fn terms(grace: i64) -> Terms {
    Terms {
        from: at(0),
        until: at(7 * 1440),
        severity: Severity::Page,
        grace: Span::from_mins(grace),
    }
}

fn minutes(of: Option<Quantiles>) -> Option<(i64, i64, i64)> {
    let minutes = |span: Span| span.as_millis() / 60_000;
    of.map(|q| (minutes(q.p50), minutes(q.p95), minutes(q.max)))
}

#[test]
fn what_was_told_is_told_apart_from_what_was_not() {
    let events = [event(100, 160), event(1000, 1030), event(2000, 2100)];
    let alerts = [
        page(105, 170),
        page(120, 130),
        page(500, 510),
        page(2040, 2090),
    ];
    let judged = judge(&events, &alerts, &terms(5));
    assert_eq!((judged.alerts, judged.detected, judged.missed), (4, 2, 1));
    assert_eq!((judged.repeats, judged.false_alerts), (1, 1));
    assert_eq!(judged.precision, Some(2.0 / 3.0));
    assert_eq!(judged.recall, Some(2.0 / 3.0));
    assert_eq!(minutes(judged.detection), Some((5, 40, 40)));
    assert_eq!(minutes(judged.reset), Some((0, 10, 10)));
    assert_eq!(judged.unalerted, Span::from_mins(5 + 30 + 40 + 10));
    assert_eq!(judged.false_list[0].told_at, at(500));
    assert_eq!(judged.false_per_week, 1.0);
    let kinds: Vec<VerdictKind> = judged.verdicts.iter().map(|v| v.kind).collect();
    use VerdictKind::{Detected, Missed};
    assert_eq!(kinds, [Detected, Missed, Detected]);
}

#[test]
fn an_alert_that_stays_up_masks_the_next_event() {
    let events = [event(100, 110), event(300, 310)];
    let judged = judge(&events, &[page(101, 2000)], &terms(5));
    assert_eq!((judged.detected, judged.missed, judged.masked), (1, 1, 1));
    assert_eq!(judged.verdicts[1].kind, VerdictKind::Masked);
    assert_eq!(
        judged.unalerted,
        Span::from_mins(1),
        "it was up all the same"
    );
    assert_eq!(minutes(judged.reset), Some((1890, 1890, 1890)));
}

#[test]
fn one_alert_that_covers_two_that_overlap_tells_of_the_first() {
    let events = [event(100, 400), event(200, 250)];
    let both = [
        page(110, 390),
        alert_of("search", Severity::Page, 205, Some(240)),
    ];
    let judged = judge(&events, &both, &terms(0));
    assert_eq!((judged.detected, judged.repeats), (2, 0));
    assert_eq!(minutes(judged.detection), Some((5, 10, 10)));
}

#[test]
fn an_early_alert_takes_no_time_and_the_grace_has_an_end() {
    let judged = judge(&[event(100, 200)], &[page(60, 150)], &terms(5));
    assert_eq!(
        minutes(judged.detection),
        Some((0, 0, 0)),
        "it is up when it begins"
    );
    let judged = judge(&[event(100, 200)], &[page(60, 95)], &terms(5));
    assert_eq!((judged.detected, judged.false_alerts), (1, 0));
    let judged = judge(&[event(100, 200)], &[page(60, 94)], &terms(5));
    assert_eq!((judged.detected, judged.false_alerts), (0, 1));
    let judged = judge(&[event(100, 200)], &[page(205, 206)], &terms(5));
    assert_eq!((judged.detected, judged.false_alerts), (1, 0));
    assert_eq!(minutes(judged.reset), Some((6, 6, 6)));
}

#[test]
fn an_alert_that_was_up_when_the_stretch_began_is_not_false() {
    let late = Terms {
        from: at(100),
        ..terms(0)
    };
    let judged = judge(&[], &[page(60, 150), page(100, 130)], &late);
    assert_eq!((judged.alerts, judged.false_alerts), (1, 1));
    assert_eq!(judged.false_list[0].told_at, at(100));
    let judged = judge(&[event(110, 140)], &[page(60, 150)], &late);
    assert_eq!((judged.detected, judged.false_alerts), (1, 0));
}

#[test]
fn subjects_admit_alerts() {
    let mut about = event(100, 200);
    about.subject.service = Some("  Shop ".to_owned());
    about.subject.labels = vec![Matcher {
        name: "slo".to_owned(),
        op: MatchOp::Equal("api".to_owned()),
    }];
    let detected = |event: &Event, alert: Alert| {
        let events = std::slice::from_ref(event);
        judge(events, &[alert], &terms(0)).detected
    };
    assert_eq!(detected(&about, page(100, 120)), 1);
    let search = || alert_of("search", Severity::Page, 100, Some(120));
    assert_eq!(detected(&about, search()), 0);
    about.subject.labels.clear();
    about.subject.slo = Some("shop/search".to_owned());
    assert_eq!(detected(&about, page(100, 120)), 0);
    assert_eq!(detected(&about, search()), 1);
    let mut source = page(100, 120);
    source.slo = None;
    assert_eq!(detected(&about, source.clone()), 0);
    about.subject = Subject::default();
    assert_eq!(detected(&about, source), 1);
    assert_eq!(
        spelling("Checkout API (prod)"),
        spelling("checkout-api_prod")
    );
}

#[test]
fn quieter_alerts_and_lesser_events_are_judged_apart() {
    let mut lesser = event(100, 200);
    lesser.severity = Some(Severity::Ticket);
    let events = [lesser, event(1000, 1100)];
    let alerts = [
        page(110, 120),
        alert_of("api", Severity::Ticket, 1010, Some(1020)),
    ];
    let pages = judge(&events, &alerts, &terms(0));
    assert_eq!((pages.alerts, pages.louder, pages.detected), (1, 1, 0));
    assert_eq!((pages.missed, pages.false_alerts), (1, 0));
    assert_eq!((pages.precision, pages.recall), (None, Some(0.0)));
    let all = Terms {
        severity: Severity::Ticket,
        ..terms(0)
    };
    let all = judge(&events, &alerts, &all);
    assert_eq!((all.alerts, all.louder, all.detected), (2, 0, 2));
}

#[test]
fn what_is_not_worth_it_costs_precision_but_no_recall() {
    let mut small = event(100, 200);
    small.significant = false;
    small.cost = Some(0.001);
    let mut large = event(1000, 1100);
    large.cost = Some(0.3);
    let mut larger = event(2000, 2100);
    larger.cost = Some(0.6);
    let events = [small, large, larger];
    let judged = judge(&events, &[page(110, 120), page(2010, 2020)], &terms(0));
    assert_eq!((judged.detected, judged.insignificant), (1, 1));
    assert_eq!((judged.precision, judged.recall), (Some(0.5), Some(0.5)));
    let by_cost = judged.recall_by_cost.unwrap();
    assert!((by_cost - 2.0 / 3.0).abs() < 1e-12, "{by_cost}");
    assert_eq!(minutes(judged.detection), Some((10, 10, 10)));
}

#[test]
fn what_is_open_at_the_end_has_no_reset() {
    let end = 7 * 1440;
    let mut open = event(end - 60, 0);
    open.end = None;
    let alerts = [alert_of("api", Severity::Page, end - 50, None)];
    let judged = judge(&[open, event(end + 10, end + 20)], &alerts, &terms(0));
    assert_eq!((judged.detected, judged.missed, judged.unreset), (1, 0, 1));
    assert_eq!(
        (judged.reset, judged.unalerted),
        (None, Span::from_mins(10))
    );
}

#[test]
fn nothing_has_no_quantiles() {
    assert_eq!(Quantiles::of(Vec::new()), None);
    let lengths = (1..=100).rev().map(Span::from_mins).collect();
    assert_eq!(minutes(Quantiles::of(lengths)), Some((50, 95, 100)));
    let judged = judge(&[], &[], &terms(0));
    assert_eq!((judged.precision, judged.recall), (None, None));
}

/// The rules, read aloud: no order of cases, no bounds on where to look.
fn naive(events: &[Event], alerts: &[Alert], terms: &Terms) -> (Vec<Option<usize>>, u64, u64) {
    let mut told: Vec<Option<usize>> = vec![None; events.len()];
    let (mut repeats, mut wrong) = (0, 0);
    let mut order: Vec<usize> = (0..alerts.len()).collect();
    order.sort_by_key(|at| (alerts[*at].told_at, alerts[*at].key.clone()));
    for index in order {
        let alert = &alerts[index];
        let until = alert.until.unwrap_or(terms.until);
        let mut near: Vec<usize> = Vec::new();
        for (position, event) in events.iter().enumerate() {
            let end = event.end.unwrap_or(terms.until).min(terms.until);
            let apart = until + terms.grace < event.start || end + terms.grace < alert.told_at;
            if !apart && event.start < terms.until {
                near.push(position);
            }
        }
        near.sort_by_key(|position| events[*position].start);
        let begun = |position: &&usize| events[**position].start <= alert.told_at + terms.grace;
        let news = near
            .iter()
            .filter(begun)
            .find(|position| told[**position].is_none());
        let known = near.iter().any(|position| told[*position].is_some());
        match news.or_else(|| near.first().filter(|_| !known)) {
            Some(position) => told[*position] = Some(index),
            None if near.is_empty() => wrong += 1,
            None => repeats += 1,
        }
    }
    (told, repeats, wrong)
}

fn stretches() -> impl Strategy<Value = Vec<(i64, i64)>> {
    prop::collection::vec((0i64..3000, 0i64..400), 0..25)
}

proptest! {
    #[test]
    fn judgements_agree_with_the_naive_matcher(
        wrong in stretches(),
        told in stretches(),
        grace in 0i64..30,
    ) {
        let events: Vec<Event> = wrong.iter().map(|(s, l)| event(*s, s + l)).collect();
        let alerts: Vec<Alert> = told.iter().map(|(t, l)| page(*t, t + l)).collect();
        let terms = terms(grace);
        let judged = judge(&events, &alerts, &terms);
        let (expected, repeats, wrong) = naive(&events, &alerts, &terms);
        prop_assert_eq!((judged.repeats, judged.false_alerts), (repeats, wrong));
        let mut sum = Span::ZERO;
        for verdict in &judged.verdicts {
            let event = &events[verdict.event];
            let alert = expected[verdict.event].map(|at| &alerts[at]);
            let detection = alert.map(|alert| alert.told_at.since(event.start));
            prop_assert_eq!(verdict.detection, detection);
            // Minute by minute, for everything is in whole minutes.
            let end = event.end.unwrap();
            let mut minute = event.start;
            while minute < end {
                let near = |alert: &&Alert| alert.told_at <= minute && minute < alert.until.unwrap();
                if alerts.iter().find(near).is_none() {
                    sum = sum + Span::from_mins(1);
                }
                minute = minute + Span::from_mins(1);
            }
        }
        prop_assert_eq!(judged.unalerted, sum);
        let detected = expected.iter().filter(|told| told.is_some()).count() as u64;
        prop_assert_eq!(judged.detected, detected);
        prop_assert_eq!(judged.detected + judged.missed, events.len() as u64);
        let all = judged.detected + judged.repeats + judged.false_alerts;
        prop_assert_eq!(all, alerts.len() as u64);
    }
}
