//! Scenarios through the one door: who is told what, when, and what a restart changes (nothing).

use proptest::prelude::*;

use super::*;
use crate::engine::burn::Verdict;
use crate::engine::counts::Counts;
use crate::engine::direct::Answer;
use crate::engine::effect::StateName;
use crate::engine::evaluation::Outcome;
use crate::engine::feed::tests::slo;
use crate::engine::labels::Labels;
use crate::engine::notification::{AlertFacts, Notification, NotificationKind};
use crate::engine::period::Period;
use crate::engine::policy::{BlindPolicy, BudgetPolicy, Mode, Policy, Severity, Tier};
use crate::engine::slo::{AlertText, Indicator, QueryTemplate, Reach, WindowQuery};

mod composite;
mod dispatch;
mod muting;
mod pending;
mod periods;
mod scene;
mod slices;

use scene::{Scene, recipients};

fn shop() -> Scene {
    Scene::new(vec![slo("shop", &[])], &["shop"])
}

/// One SLO with a policy of one's own.
fn shop_with(change: impl FnOnce(&mut Policy)) -> Scene {
    let mut definition = slo("shop", &[]);
    change(Arc::make_mut(&mut definition.policy));
    definition.reach = Reach::new(&definition.policy, &definition.period);
    Scene::new(vec![definition], &["shop"])
}

/// A tier over some minutes; the factor is for the fixtures' 30 d.
fn tier(severity: Severity, long: i64, short: i64, factor: f64) -> Tier {
    let long = Span::from_mins(long);
    Tier {
        severity,
        long,
        short: Span::from_mins(short),
        budget_fraction: factor * long.ratio(Span::from_days(30)),
        minimum_events: 5.0,
        pending: Span::ZERO,
        labels: BTreeMap::new(),
    }
}

/// When the one alert of a severity went into which state.
fn transitions(scene: &Scene, severity: Severity) -> Vec<String> {
    let transition = |(at, effect): &(Timestamp, Effect)| match effect {
        Effect::Transitioned(t) if t.facts.severity == severity => {
            Some(format!("{} {}", scene.elapsed(*at), t.to.as_str()))
        }
        _ => None,
    };
    scene.effects.iter().filter_map(transition).collect()
}

fn evaluation(scene: &Scene) -> Arc<Evaluation> {
    scene.engine.evaluations("shop").unwrap().1.swap_remove(0)
}

#[test]
fn an_outage_is_one_page() {
    let mut scene = shop();
    scene.play(
        "1h  shop 10/s
         10m shop 10/s 50%",
    );
    let told = scene.notifications();
    let (at, trigger) = &told[0];
    let AlertFacts {
        started_at,
        peak_burn,
        budget,
        affected,
        severity,
        ..
    } = &trigger.facts;
    assert_eq!((started_at, affected, severity), (at, &1, &Severity::Page));
    // 575 of 36 000 requests of the last hour failed, against 0.1 % allowed.
    assert!((peak_burn - 575.0 / 36.0).abs() < 1e-9, "{peak_burn}");
    assert_eq!(trigger.facts.tiers[0].bad_events, Some(575.0));
    let budget = budget.unwrap();
    assert!(
        (budget.consumed - budget.consumed_by_alert).abs() < 1e-9,
        "{budget:?}"
    );
    let keys: BTreeSet<String> = told.iter().map(|(_, n)| n.facts.key.dedup_key()).collect();
    assert_eq!(keys.len(), 1);
    scene.expect(
        "1h2m pager trigger shop/availability/page: Burning 1h/5m
         1h4m30s pager update shop/availability/page: MoreTiers 1h/5m 6h/30m",
    );
    scene.play("6h shop 10/s");
    let (at, resolve) = &scene.notifications()[0];
    assert_eq!(resolve.facts.resolved_at, Some(*at));
    assert_eq!((resolve.episode, resolve.sequence), (trigger.episode, 3));
    scene.expect(
        "1h41m pager resolve shop/availability/page: Recovered 1h/5m 6h/30m
         1h41m tracker trigger shop/availability/ticket: Unmuted 1d/2h 3d/6h",
    );
}

#[test]
fn a_ticket_is_told_when_the_page_that_muted_it_ends() {
    let mut scene = shop();
    scene.play(
        "30m shop 10/s
         10m shop 10/s 50%
         12h shop 10/s",
    );
    scene.expect(
        "32m pager trigger shop/availability/page: Burning 1h/5m
         34m30s pager update shop/availability/page: MoreTiers 1h/5m 6h/30m
         1h11m pager resolve shop/availability/page: Recovered 1h/5m 6h/30m
         1h11m tracker trigger shop/availability/ticket: Unmuted 1d/2h 3d/6h
         6h40m30s tracker resolve shop/availability/ticket: Recovered 1d/2h 3d/6h",
    );
    assert_eq!(scene.open(), [] as [&str; 0]);
}

#[test]
fn an_alert_bears_what_its_severity_and_fastest_tier_add() {
    let mut definition = slo("shop", &[]);
    let text = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    definition.document.labels = text("speed", "none");
    let page = AlertText {
        name: Some("ShopBurns".to_owned()),
        labels: text("team", "payments"),
        annotations: text("summary", "{{ $value }}x for {{ $labels.team }}"),
    };
    definition.document.alerts = BTreeMap::from([(Severity::Page, page)]);
    let policy = Arc::make_mut(&mut definition.policy);
    policy.tiers[0].labels = text("speed", "fast");
    policy.tiers[1].labels = text("speed", "slow");
    let mut scene = Scene::new(vec![definition], &["shop"]);
    scene.play("4h shop 10/s 1%");
    let (_, slow) = scene.notifications().swap_remove(0);
    let summary = |notification: &Notification| {
        let facts = &notification.facts;
        assert_eq!(facts.alert_name.as_deref(), Some("ShopBurns"));
        assert_eq!(facts.labels, Labels::empty());
        let document = &facts.document;
        let speed = &document.labels["speed"];
        format!("{speed}: {}", document.annotations["summary"])
    };
    assert_eq!(summary(&slow), "slow: 6x for payments");
    let saved = |scene: &Scene| {
        let saves = scene
            .effects
            .iter()
            .filter(|(_, e)| matches!(e, Effect::Save(_)));
        saves.count()
    };
    let before = saved(&scene);
    scene.play("5m shop 10/s 1%");
    assert_eq!(saved(&scene), before, "the burn of a slot is not saved");
    scene.play("5m shop 10/s 50%");
    let (_, fast) = scene.notifications().pop().unwrap();
    // 55 s of failures instead of 1 %: (360 + 275 - 5) of 36 000, against 0.1 %.
    assert_eq!(summary(&fast), "fast: 17.5x for payments");
    assert_eq!(fast.facts.key, slow.facts.key);
}

/// A ticket on the last minutes, a page on the last hours: the page outlasts the ticket.
fn quick_ticket(policy: &mut Policy) {
    policy.tiers = vec![
        tier(Severity::Page, 120, 60, 20.0),
        tier(Severity::Ticket, 30, 5, 2.0),
    ];
}

#[test]
fn an_announced_ticket_is_resolved_even_while_muted() {
    let mut scene = shop_with(quick_ticket);
    scene.play(
        "10m shop 10/s 1%
         10m shop 10/s 50%
         20m shop 10/s",
    );
    scene.expect(
        "6m30s tracker trigger shop/availability/ticket: Burning 30m/5m
         15m pager trigger shop/availability/page: Burning 2h/1h
         26m30s tracker resolve shop/availability/ticket: Recovered 30m/5m",
    );
}

#[test]
fn a_muted_ticket_that_nobody_heard_of_ends_in_silence() {
    let mut scene = shop_with(|policy| {
        quick_ticket(policy);
        policy.tiers[1].minimum_events = 2_000.0;
    });
    scene.play(
        "5m shop 10/s 100%
         3h shop 10/s",
    );
    scene.expect(
        "2m30s pager trigger shop/availability/page: Burning 2h/1h
         1h5m30s pager resolve shop/availability/page: Recovered 2h/1h",
    );
    assert_eq!(
        transitions(&scene, Severity::Ticket),
        ["3m30s firing", "11m30s inactive"]
    );
}

#[test]
fn an_alert_that_is_ending_is_not_announced() {
    // The ticket's burn ends while the page is held; then the page ends, and the ticket is held.
    let mut scene = shop_with(|policy| {
        policy.tiers = vec![
            tier(Severity::Page, 10, 5, 10.0),
            tier(Severity::Ticket, 10, 5, 5.0),
        ];
        policy.tiers[1].minimum_events = 65.0;
        policy.hold = Span::from_mins(3);
    });
    scene.play(
        "10m shop 10/s 1.2%
         10m shop 10/s",
    );
    scene.expect(
        "9m pager trigger shop/availability/page: Burning 10m/5m
         14m30s pager resolve shop/availability/page: Recovered 10m/5m",
    );
    assert_eq!(
        transitions(&scene, Severity::Ticket),
        ["9m30s firing", "16m30s inactive"]
    );
}

#[test]
fn low_traffic_does_not_page_by_ratio_alone() {
    let mut scene = shop();
    scene.play(
        "6h shop 0.01/s
         5m30s shop 0.01/s 100%",
    );
    let tiers = &evaluation(&scene).tiers;
    assert_eq!(tiers[0].verdict, Verdict::TooFewEvents);
    assert_eq!(tiers[0].facts.bad_events, Some(3.0));
    scene.expect("");
    scene.play("4m shop 0.01/s 100%");
    scene.expect("6h8m30s pager trigger shop/availability/page: Burning 1h/5m 6h/30m");
}

#[test]
fn no_traffic_is_health() {
    let mut scene = shop_with(|policy| policy.tiers.truncate(1));
    scene.play(
        "10m shop 10/s 50%
         30m shop 0/s",
    );
    assert_eq!(evaluation(&scene).outcome, Outcome::NoTraffic);
    scene.expect(
        "2m pager trigger shop/availability/page: Burning 1h/5m
         16m30s pager resolve shop/availability/page: NoTraffic 1h/5m",
    );
}

#[test]
fn a_burn_around_the_factor_does_not_flap() {
    let mut scene = shop_with(|policy| policy.tiers.truncate(1));
    scene.play(
        "1h shop 10/s 1.43%
         6m shop 10/s 1.6%",
    );
    scene.expect("1h4m pager trigger shop/availability/page: Burning 1h/5m");
    for _ in 0..30 {
        scene.play(
            "3m shop 10/s 1.5%
             3m shop 10/s 1.37%",
        );
    }
    scene.expect("");
    scene.play("20m shop 10/s");
    scene.expect("4h8m pager resolve shop/availability/page: Recovered 1h/5m");
}

#[test]
fn what_nobody_sees_does_not_resolve() {
    let mut scene = shop();
    scene.play("5m shop 10/s 50%");
    scene.expect(
        "2m pager trigger shop/availability/page: Burning 1h/5m
         4m30s pager update shop/availability/page: MoreTiers 1h/5m 6h/30m",
    );
    // The source fails, then the target is gone: a day and more without an answer.
    scene.play("26h down");
    scene.expect("10m pager trigger source:prometheus/blind: failed 10, connection refused");
    scene.play("1h shop gone");
    scene.expect(
        "1d2h5m30s pager resolve source:prometheus/blind: DataReturned
         1d2h10m pager trigger shop/availability/blind: dark for 10, the newest sample is 1d 2h old",
    );
    assert_eq!(evaluation(&scene).outcome, Outcome::NoData);
    scene.play("1h shop 10/s");
    scene.expect(
        "1d3h5m30s pager resolve shop/availability/blind: DataReturned
         1d3h6m30s pager resolve shop/availability/page: Recovered 1h/5m 6h/30m",
    );
}

#[test]
fn a_dead_source_is_one_alert() {
    let slos = vec![slo("cart", &[]), slo("shop", &[])];
    let mut scene = Scene::new(slos, &["cart", "shop"]);
    scene.play(
        "5m    cart 10/s
         4m30s down",
    );
    scene.expect("");
    scene.play("1h down");
    assert_eq!(scene.notifications()[0].1.facts.affected, 2);
    scene.expect("10m pager trigger source:prometheus/blind: failed 10, connection refused");
    scene.play("5m cart 10/s");
    scene.expect("1h10m pager resolve source:prometheus/blind: DataReturned");
}

#[test]
fn one_dead_feed_is_its_own_alert() {
    let slos = vec![slo("cart", &[]), slo("shop", &[])];
    let mut scene = Scene::new(slos, &["cart", "shop"]);
    scene.play(
        "5m cart 10/s
         6m down:shop
         1m cart 10/s",
    );
    scene.expect(
        "10m pager trigger shop/availability/blind: dark for 10, connection refused
         11m30s pager resolve shop/availability/blind: DataReturned",
    );
}

#[test]
fn errors_of_an_outage_of_the_source_are_counted_where_they_belong() {
    let mut scene = shop();
    scene.play(
        "10m shop 10/s
         20m shop 10/s 50%, down
         1m  shop 10/s",
    );
    let bad = |scene: &Scene, window| {
        let evaluation = evaluation(scene);
        let reading = evaluation.readings.iter().find(|r| r.window == window);
        reading.unwrap().counts.unwrap().bad
    };
    // Prometheus had the samples all along.
    assert_eq!(bad(&scene, Span::from_hours(1)), 6000.0);
    assert_eq!(bad(&scene, Span::from_mins(5)), 1225.0);
    scene.expect(
        "15m pager trigger source:prometheus/blind: failed 10, connection refused
         30m30s pager trigger shop/availability/page: Burning 1h/5m 6h/30m
         30m30s pager resolve source:prometheus/blind: DataReturned",
    );
    // Now it was Prometheus that was away, until some time after the errors.
    let mut scene = shop();
    scene.play(
        "10m shop 10/s
         20m shop 10/s 50%, hole
         5m  shop 10/s",
    );
    assert_eq!(bad(&scene, Span::from_hours(1)), 6000.0);
    // One bucket of the forty that the hole is spread over, not all of it.
    assert_eq!(bad(&scene, Span::from_mins(5)), 150.0);
    scene.expect(
        "15m pager trigger source:prometheus/blind: failed 10, connection refused
         30m30s pager trigger shop/availability/page: Burning 1h/5m 6h/30m
         30m30s pager resolve source:prometheus/blind: DataReturned",
    );
}

#[test]
fn an_slo_without_series_is_a_ticket_and_one_that_lost_them_a_page() {
    let mut scene = Scene::cold(vec![slo("shop", &[])]);
    scene.play("1h cart 10/s");
    scene.expect("5m tracker trigger shop/availability/blind: dark for 10, no series matches");
    scene.play("10m shop 10/s");
    scene.expect("1h30s tracker resolve shop/availability/blind: DataReturned");
    scene.play("30h shop gone");
    scene.expect(
        "1h15m30s pager trigger shop/availability/blind: dark for 10, the newest sample is 5m 35s old",
    );
    scene.restart();
    scene.play("5m shop gone");
    scene.crash();
    scene.play(
        "5m  shop gone
         10m shop 10/s",
    );
    scene.expect("1d7h20m30s pager resolve shop/availability/blind: DataReturned");
}

#[test]
fn pending_and_hold_go_on_through_restarts() {
    let timing = |policy: &mut Policy| {
        policy.tiers.truncate(1);
        policy.tiers[0].pending = Span::from_mins(5);
        policy.hold = Span::from_mins(10);
        policy.budget = BudgetPolicy::default();
    };
    for restart in [false, true] {
        let mut scene = shop_with(timing);
        scene.play("4m shop 10/s 50%");
        assert_eq!(scene.open(), ["shop/availability/page pending"]);
        if restart {
            scene.restart();
        }
        scene.play("4m shop 10/s 50%");
        scene.expect("7m pager trigger shop/availability/page: Burning 1h/5m");
        scene.play("10m shop 10/s");
        assert_eq!(scene.open(), ["shop/availability/page firing"]);
        if restart {
            scene.restart();
        }
        scene.play("20m shop 10/s");
        scene.expect("23m pager resolve shop/availability/page: Recovered 1h/5m");
    }
}

#[test]
fn a_pending_alert_is_held_to_the_full_factor() {
    let mut scene = shop_with(|policy| {
        policy.tiers = vec![tier(Severity::Page, 10, 5, 14.4)];
        policy.tiers[0].pending = Span::from_mins(10);
    });
    scene.play(
        "12m shop 10/s 1.5%
         40m shop 10/s 1.37%",
    );
    scene.expect("");
}

#[test]
fn a_tier_recovers_by_its_own_severity() {
    // The ticket has the page's windows but fires earlier; it must not ease the page's factor.
    let mut scene = shop_with(|policy| {
        policy.tiers = vec![
            tier(Severity::Page, 10, 5, 14.4),
            tier(Severity::Ticket, 10, 5, 5.0),
        ];
    });
    scene.play("1h shop 10/s 1.37%");
    scene.expect("4m tracker trigger shop/availability/ticket: Burning 10m/5m");
}

#[test]
fn alerts_of_removed_and_changed_definitions_end_with_that_reason() {
    let outage = || {
        let slos = vec![slo("cart", &[]), slo("shop", &[])];
        let mut scene = Scene::new(slos, &["cart", "shop"]);
        scene.play("3m cart 10/s, shop 10/s 90%");
        scene.expect(
            "1m30s pager trigger shop/availability/page: Burning 1h/5m
             2m30s pager update shop/availability/page: MoreTiers 1h/5m 6h/30m",
        );
        scene
    };
    let mut removed = outage();
    removed.slos.pop();
    removed.configure();
    removed.expect("3m pager resolve shop/availability/page: DefinitionRemoved 1h/5m 6h/30m");
    let mut changed = outage();
    changed.slos[1].group_by = vec!["zone".to_owned()];
    changed.configure();
    changed.expect("3m pager resolve shop/availability/page: DefinitionChanged 1h/5m 6h/30m");
    // Another text, receiver or policy is the same alert.
    let mut edited = outage();
    edited.slos[1].document.description = "nobody can buy".to_owned();
    Arc::make_mut(&mut edited.slos[1].policy).hold = Span::from_mins(3);
    edited.configure();
    edited.play("2m shop 10/s 90%");
    edited.expect("");
    // Other windows begin empty: that is no recovery.
    let mut longer = outage();
    longer.slos[1].period = Period::Rolling(Span::from_days(7));
    longer.slos[1].reach.period = Span::from_days(7);
    longer.configure();
    longer.play("20m shop 10/s");
    longer.expect("");
    assert_eq!(longer.open(), ["shop/availability/page firing"]);
}

#[test]
fn instances_come_and_go() {
    let mut scene = Scene::new(vec![slo("shop", &["zone"])], &["shop.eu", "shop.us"]);
    scene.play(
        "1h shop.eu 10/s
         3m shop.us 10/s 50%, shop.asia 5/s
         4m shop.us 10/s 50%, shop.asia 5/s 80%",
    );
    scene.expect(
        "1h2m pager trigger shop/availability{zone=\"us\"}/page: Burning 1h/5m
         1h3m30s pager trigger shop/availability{zone=\"asia\"}/page: Burning 1h/5m 6h/30m
         1h4m30s pager update shop/availability{zone=\"us\"}/page: MoreTiers 1h/5m 6h/30m",
    );
    scene.play(
        "30m shop.us gone, shop.asia 5/s
         5m  shop.us 10/s",
    );
    scene.expect(
        "1h12m30s pager trigger shop/availability{zone=\"us\"}/blind: dark for 10, the newest sample is 5m 35s old
         1h37m30s pager resolve shop/availability{zone=\"us\"}/blind: DataReturned
         1h38m pager resolve shop/availability{zone=\"asia\"}/page: Recovered 1h/5m 6h/30m
         1h38m tracker trigger shop/availability{zone=\"asia\"}/ticket: Unmuted 1d/2h 3d/6h
         1h38m30s pager resolve shop/availability{zone=\"us\"}/page: Recovered 1h/5m 6h/30m",
    );
    scene.play("20h shop.asia gone");
    scene.expect(
        "1h47m30s pager trigger shop/availability{zone=\"asia\"}/blind: dark for 10, the newest sample is 5m 35s old",
    );
    scene.play("6h shop.eu 10/s");
    scene.expect(
        "1d2h tracker resolve shop/availability{zone=\"asia\"}/ticket: InstanceGone 1d/2h 3d/6h
         1d2h pager resolve shop/availability{zone=\"asia\"}/blind: InstanceGone",
    );
}

#[test]
fn an_alert_without_a_measure_ends_when_its_instance_stays_away() {
    let mut scene = Scene::new(vec![slo("shop", &["zone"])], &["shop.eu", "shop.us"]);
    scene.play("3m shop.us 10/s 50%");
    scene.expect("2m pager trigger shop/availability{zone=\"us\"}/page: Burning 1h/5m");
    scene.crash();
    scene.play("23h shop.us gone");
    scene.expect(
        "8m pager trigger shop/availability{zone=\"us\"}/blind: dark for 10, no series matches",
    );
    scene.play("2h shop.eu 10/s");
    scene.expect(
        "1d1h pager resolve shop/availability{zone=\"us\"}/page: InstanceGone 1h/5m
         1d1h pager resolve shop/availability{zone=\"us\"}/blind: InstanceGone",
    );
}

#[test]
fn an_alert_outlives_the_loss_of_the_measure() {
    let mut scene = shop();
    scene.play("3m shop 10/s 50%");
    scene.expect("2m pager trigger shop/availability/page: Burning 1h/5m");
    scene.crash();
    scene.play("4m shop 10/s");
    assert_eq!(evaluation(&scene).outcome, Outcome::NoData);
    assert!(evaluation(&scene).fresh);
    scene.play("3h shop 10/s");
    scene.expect("34m pager resolve shop/availability/page: Recovered 1h/5m");
}

#[test]
fn budget_notices_rise_and_do_not_flap() {
    let mut scene = shop_with(|policy| {
        policy.tiers.truncate(2);
        policy.budget.exhaustion_within = None;
    });
    scene.recipients = recipients(&[], &[], &["chat"]);
    scene.configure();
    // At 10/s the budget of 30 days is 25 920 failures, though only four days are known.
    scene.play("12h shop 10/s 3.1%");
    scene.expect("11h37m chat trigger shop/availability/info: 50% consumed");
    // More traffic makes the budget larger and the share consumed smaller; then it rises again.
    for _ in 0..3 {
        scene.play(
            "3h shop 20/s
             1h shop 10/s 3%",
        );
    }
    scene.expect("");
    scene.play("1d shop 10/s 2.5%");
    scene.expect(
        "1d4h41m chat update shop/availability/info: 75% consumed
         1d9h15m chat update shop/availability/info: 90% consumed
         1d12h17m chat update shop/availability/info: 100% consumed",
    );
    scene.play("1d shop 200/s");
    scene.expect("2d19h5m chat resolve shop/availability/info: Recovered");
}

#[test]
fn exhaustion_ahead_is_a_notice_by_the_longest_window() {
    let mut scene = shop_with(|policy| {
        policy.budget.exhaustion_within = Some(Span::from_days(10));
    });
    scene.recipients = recipients(&["pager"], &[], &["chat"]);
    scene.configure();
    // However fast it burns, an outage of minutes does not ruin the month.
    scene.play(
        "5m shop 10/s 100%
         1h shop 10/s",
    );
    scene.expect(
        "1m pager trigger shop/availability/page: Burning 1h/5m
         2m30s pager update shop/availability/page: MoreTiers 1h/5m 6h/30m
         36m pager resolve shop/availability/page: Recovered 1h/5m 6h/30m",
    );
    scene.play(
        "1d shop 10/s 1%
         3d shop 10/s",
    );
    scene.expect(
        "1h23m30s pager trigger shop/availability/page: Burning 6h/30m
         9h22m30s chat trigger shop/availability/info: exhaustion ahead
         1d1h20m pager resolve shop/availability/page: Recovered 6h/30m
         3d14h23m chat resolve shop/availability/info: Recovered",
    );
}

#[test]
fn the_alert_of_a_source_ends_with_the_wish_to_hear_of_it() {
    let outage = || {
        let mut scene = shop();
        scene.play("5m down");
        scene.expect("5m pager trigger source:prometheus/blind: failed 10, connection refused");
        scene
    };
    let mut unwanted = outage();
    Arc::make_mut(&mut unwanted.slos[0].policy).blind = None;
    unwanted.configure();
    unwanted.play("30s down");
    unwanted.expect("5m30s pager resolve source:prometheus/blind: DefinitionChanged");
    let mut renamed = outage();
    renamed.source = "thanos".to_owned();
    renamed.restart();
    renamed.expect("5m pager resolve source:prometheus/blind: DefinitionRemoved");
}

#[test]
fn a_fresh_reading_takes_over_in_silence() {
    let mut scene = shop();
    scene.play("3m shop 10/s 50%");
    scene.expect("2m pager trigger shop/availability/page: Burning 1h/5m");
    let before = evaluation(&scene);
    let hours = |hours: i64| scene.now - Span::from_hours(hours);
    let stretches = [(100, 50), (50, 3), (3, 0)].map(|(from, until)| (hours(from), hours(until)));
    for (at, (from, until)) in stretches.into_iter().enumerate() {
        let mut series = scene.series("shop", from);
        for series in &mut series {
            series.samples.retain(|sample| sample.at <= until);
        }
        let (feed, into) = ("shop".to_owned(), Book::Fresh { begin: at == 0 });
        scene.step(Input::Read {
            feed,
            into,
            from,
            until,
            series,
        });
    }
    scene.step(Input::Swapped {
        feed: "shop".to_owned(),
    });
    scene.play("30s shop 10/s 50%");
    let after = evaluation(&scene);
    for (before, after) in before.readings.iter().zip(&after.readings) {
        let (before, after) = (before.counts.unwrap(), after.counts.unwrap());
        assert_eq!(after.bad - before.bad, 150.0, "{before:?} {after:?}");
    }
    scene.expect("");
    scene.play("1h shop 10/s");
    scene.expect("9m30s pager resolve shop/availability/page: Recovered 1h/5m");
}

#[test]
fn the_end_is_told_to_whoever_heard_of_the_beginning() {
    let mut scene = shop_with(|policy| policy.tiers.truncate(1));
    scene.recipients = recipients(&["old", "both"], &[], &[]);
    scene.configure();
    scene.play("3m shop 10/s 50%");
    scene.expect(
        "2m old trigger shop/availability/page: Burning 1h/5m
         2m both trigger shop/availability/page: Burning 1h/5m",
    );
    scene.recipients = recipients(&["both", "new"], &[], &[]);
    scene.configure();
    scene.play("1m shop 10/s 50%");
    scene.restart();
    scene.play(
        "1m  shop 10/s 50%
         10m shop 10/s",
    );
    scene.expect(
        "3m new trigger shop/availability/page: Burning 1h/5m
         11m both resolve shop/availability/page: Recovered 1h/5m
         11m new resolve shop/availability/page: Recovered 1h/5m
         11m old resolve shop/availability/page: Recovered 1h/5m",
    );
}

#[test]
fn a_fresh_reading_does_not_forget_how_long_it_was_dark() {
    let mut scene = Scene::cold(vec![slo("shop", &[])]);
    scene.play("4m cart 10/s");
    let (feed, into) = ("shop".to_owned(), Book::Fresh { begin: true });
    let (from, until) = (scene.now - Span::from_days(3), scene.now);
    scene.step(Input::Read {
        feed,
        into,
        from,
        until,
        series: Vec::new(),
    });
    scene.step(Input::Swapped {
        feed: "shop".to_owned(),
    });
    scene.play("2m cart 10/s");
    scene.expect("5m tracker trigger shop/availability/blind: dark for 10, no series matches");
}

/// A direct feed that is asked for every window at every slot.
fn direct(group_by: &[&str]) -> Scene {
    let mut definition = slo("shop", group_by);
    let error_ratio = QueryTemplate::new("errors:ratio$window").unwrap();
    definition.indicator = Indicator::Windows(WindowQuery::Ratio { error_ratio });
    Arc::make_mut(&mut definition.policy).tiers.truncate(1);
    let mut scene = Scene::cold(vec![definition]);
    scene.recipients = recipients(&["pager"], &[], &["chat"]);
    scene.configure();
    scene
}

/// Plays slots of a direct feed: for each zone, the ratio of every window that is due, unless a
/// window is not answered.
fn answer(scene: &mut Scene, minutes: i64, zones: &[(&str, f64)], missing: Option<Span>) {
    for _ in 0..minutes * 2 {
        scene.now = scene.now + Span::from_secs(30);
        let due = scene.engine.due_windows("shop", scene.now);
        let answered = due.into_iter().filter(|window| Some(*window) != missing);
        let ratios = zones
            .iter()
            .map(|(zone, ratio)| (Labels::new([("zone", *zone)]), Answer::Ratio(*ratio)));
        let windows = answered
            .map(|window| (window, ratios.clone().collect()))
            .collect();
        let evidence = Ok(Evidence::Windows(windows));
        scene.step(Input::Slot {
            feed: "shop".to_owned(),
            evidence,
        });
    }
}

#[test]
fn windows_of_the_direct_path_decide_alike() {
    let mut scene = direct(&[]);
    answer(&mut scene, 10, &[("", 0.0001)], None);
    scene.expect("");
    answer(&mut scene, 1, &[("", 0.02)], None);
    scene.expect(
        "10m30s pager trigger shop/availability/page: Burning 1h/5m
         10m30s chat trigger shop/availability/info: 100% consumed",
    );
    // Not a number is no traffic, infinity is everything, nothing negative is recovered from.
    answer(&mut scene, 2, &[("", f64::INFINITY)], None);
    assert_eq!(evaluation(&scene).outcome, Outcome::Burning);
    answer(&mut scene, 10, &[("", f64::NAN)], None);
    assert_eq!(evaluation(&scene).readings[0].burn, Some(0.0));
    scene.expect("14m30s pager resolve shop/availability/page: Recovered 1h/5m");
    answer(&mut scene, 1, &[("", f64::NEG_INFINITY)], None);
    assert_eq!(evaluation(&scene).outcome, Outcome::Quiet);
}

#[test]
fn counted_answers_are_evidence_for_minimum_events() {
    let mut scene = direct(&["zone"]);
    let slot = |scene: &mut Scene, bad: &[(&str, f64)]| {
        scene.now = scene.now + Span::from_secs(30);
        let due = scene.engine.due_windows("shop", scene.now);
        let answers = bad.iter().enumerate().map(|(pod, (zone, bad))| {
            let labels = Labels::new([("zone", (*zone).to_owned()), ("pod", pod.to_string())]);
            let (bad, total) = (*bad, 10.0);
            (labels, Answer::Counts(Counts { bad, total }))
        });
        let answers: Vec<(Labels, Answer)> = answers.collect();
        let windows = due.into_iter().map(|window| (window, answers.clone()));
        let evidence = Ok(Evidence::Windows(windows.collect()));
        let feed = "shop".to_owned();
        scene.step(Input::Slot { feed, evidence });
    };
    slot(&mut scene, &[("eu", 2.0), ("eu", 2.0), ("us", 0.0)]);
    let evaluations = scene.engine.evaluations("shop").unwrap().1;
    let eu = Labels::new([("zone", "eu")]);
    let few = evaluations.iter().find(|e| e.id.labels == eu).unwrap();
    let counts = Counts {
        bad: 4.0,
        total: 20.0,
    };
    assert_eq!(few.readings[0].counts, Some(counts));
    assert_eq!(few.tiers[0].verdict, Verdict::TooFewEvents);
    let spent = few.budget.unwrap();
    assert!((spent.consumed - 200.0).abs() < 1e-9, "{spent:?}");
    assert!((spent.consumed_by_alert - 200.0).abs() < 1e-9, "{spent:?}");
    scene.expect("30s chat trigger shop/availability{zone=\"eu\"}/info: 100% consumed");
    slot(&mut scene, &[("eu", 2.0), ("eu", 3.0), ("us", 0.0)]);
    scene.expect("1m pager trigger shop/availability{zone=\"eu\"}/page: Burning 1h/5m");
    slot(&mut scene, &[("us", 0.0)]);
    let page = scene
        .engine
        .alerts()
        .find(|record| record.facts.severity == Severity::Page);
    assert_eq!(page.unwrap().facts.tiers[0].bad_events, Some(5.0));
}

#[test]
fn a_window_that_is_not_answered_neither_fires_nor_resolves() {
    let (five, hour) = (Span::from_mins(5), Span::from_hours(1));
    let mut scene = direct(&[]);
    answer(&mut scene, 5, &[("", 0.02)], Some(five));
    assert_eq!(evaluation(&scene).outcome, Outcome::NoData);
    scene.expect("30s chat trigger shop/availability/info: 100% consumed");
    answer(&mut scene, 1, &[("", 0.02)], None);
    scene.expect("5m30s pager trigger shop/availability/page: Burning 1h/5m");
    // The last answer for the short window is used for a while, then it is unknown.
    answer(&mut scene, 30, &[("", 0.02)], Some(five));
    assert_eq!(evaluation(&scene).outcome, Outcome::NoData);
    scene.expect("");
    // A quiet short window settles it, whatever the long one says.
    answer(&mut scene, 30, &[("", 0.0)], Some(hour));
    assert_eq!(evaluation(&scene).outcome, Outcome::Quiet);
    scene.expect(
        "37m30s pager resolve shop/availability/page: Recovered 1h/5m
         40m30s chat resolve shop/availability/info: Recovered",
    );
    answer(&mut scene, 10, &[], None);
    scene.expect(
        "1h12m30s pager trigger shop/availability/blind: dark for 10, no window has an answer",
    );
}

#[test]
fn instances_of_the_direct_path_come_and_go() {
    let mut scene = direct(&["zone"]);
    answer(&mut scene, 5, &[("eu", 0.0), ("us", 0.5)], None);
    scene.expect(
        "30s pager trigger shop/availability{zone=\"us\"}/page: Burning 1h/5m
         30s chat trigger shop/availability{zone=\"us\"}/info: 100% consumed",
    );
    answer(&mut scene, 60, &[("eu", 0.0)], None);
    scene.expect(
        "11m30s pager trigger shop/availability{zone=\"us\"}/blind: dark for 10, no window has an answer",
    );
    answer(&mut scene, 23 * 60, &[("eu", 0.0)], None);
    scene.expect("");
    answer(&mut scene, 2 * 60, &[("eu", 0.0)], None);
    scene.expect(
        "1d5m30s pager resolve shop/availability{zone=\"us\"}/page: InstanceGone 1h/5m
         1d5m30s chat resolve shop/availability{zone=\"us\"}/info: InstanceGone
         1d5m30s pager resolve shop/availability{zone=\"us\"}/blind: InstanceGone",
    );
}

/// A policy with everything in it, quick enough to see it all in an hour or two.
fn quick() -> Policy {
    let fired_by = |mut tier: Tier, fraction| {
        tier.budget_fraction = fraction;
        tier.pending = Span::from_mins(1);
        tier
    };
    Policy {
        name: "quick".to_owned(),
        tiers: vec![
            fired_by(tier(Severity::Page, 10, 2, 0.0), 0.10),
            fired_by(tier(Severity::Page, 30, 5, 0.0), 0.15),
            fired_by(tier(Severity::Ticket, 60, 10, 0.0), 0.15),
        ],
        switched_off: Vec::new(),
        mode: Mode::Ratio,
        hold: Span::from_secs(90),
        recover: 0.9,
        page_mutes_ticket: true,
        budget: BudgetPolicy {
            thresholds: vec![0.5, 0.75, 1.0],
            exhaustion_within: Some(Span::from_hours(2)),
        },
        blind: Some(BlindPolicy {
            after_slots: 4,
            severity: Severity::Page,
        }),
    }
}

fn quick_scene() -> Scene {
    let quick = |service, group_by: &[&str]| Slo {
        period: Period::Rolling(Span::from_hours(12)),
        reach: Reach::new(&quick(), &Period::Rolling(Span::from_hours(12))),
        objective: crate::engine::slo::Objective::from_percent(99.0).unwrap(),
        policy: Arc::new(quick()),
        ..slo(service, group_by)
    };
    let slos = vec![quick("cart", &["zone"]), quick("shop", &[])];
    let mut scene = Scene::new(slos, &["cart.eu", "cart.us", "shop"]);
    scene.recipients = recipients(&["pager", "chat"], &["tracker"], &["chat"]);
    scene.configure();
    scene
}

/// Lines of the scene's language.
fn scripts() -> impl Strategy<Value = Vec<String>> {
    let name = prop::sample::select(vec!["shop", "shop", "cart.eu", "cart.us"]);
    let rate = prop::sample::select(vec!["10/s", "10/s", "0.02/s", "0/s"]);
    let bad = prop::sample::select(vec!["0%", "0%", "1%", "2%", "3.2%", "4%", "20%", "100%"]);
    let traffic =
        (name.clone(), rate, bad).prop_map(|(name, rate, bad)| format!("{name} {rate} {bad}"));
    let gone = name.prop_map(|name| format!("{name} gone"));
    let trouble = prop::sample::select(vec!["down", "down:shop", "down:cart", "hole"]);
    let clause = prop_oneof![
        6 => traffic,
        1 => gone,
        2 => trouble.prop_map(str::to_owned),
    ];
    let slots = prop_oneof![3 => 1_u32..8, 1 => 8_u32..60];
    let line = (slots, clause).prop_map(|(slots, clause)| format!("{}s {clause}", slots * 30));
    prop::collection::vec(line, 1..25)
}

/// Plays a script line by line with restarts before some lines; returns all that was decided.
fn decisions(script: &[String], restarts: &[usize]) -> Vec<String> {
    let mut scene = quick_scene();
    for (at, line) in script.iter().enumerate() {
        if restarts.contains(&at) {
            scene.restart();
        }
        scene.play(line);
    }
    scene
        .effects
        .into_iter()
        .map(|(at, effect)| decision(at, effect))
        .collect()
}

fn forget_numbers(facts: &mut AlertFacts) {
    (facts.peak_burn, facts.budget, facts.decided_at) = (0.0, None, Timestamp::EPOCH);
    for tier in &mut facts.tiers {
        (tier.long_burn, tier.short_burn) = (0.0, 0.0);
        (tier.bad_events, tier.total_events) = (None, None);
    }
}

/// An effect without the measured numbers: those of slots before a restart are not stored, as
/// the burn of each slot is no decision. Everything else must be the same.
fn decision(at: Timestamp, mut effect: Effect) -> String {
    match &mut effect {
        Effect::Save(record) => forget_numbers(&mut record.facts),
        Effect::Transitioned(transition) => forget_numbers(&mut transition.facts),
        Effect::SaveThread(thread) => {
            let members = thread.members.values_mut();
            members.for_each(|member| forget_numbers(&mut member.facts));
        }
        Effect::Notify(notification) => {
            forget_numbers(&mut notification.facts);
            let members = notification.group.iter_mut().flat_map(|g| &mut g.members);
            members.for_each(forget_numbers);
        }
        _ => {}
    }
    format!("{} {effect:?}", at.as_millis())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Records and measures are all there is: a restart anywhere changes no decision.
    #[test]
    fn restarts_change_nothing(
        script in scripts(),
        restarts in prop::collection::vec(0_usize..25, 1..6),
    ) {
        let steady = decisions(&script, &[]);
        let restarted = decisions(&script, &restarts);
        for (steady, restarted) in steady.iter().zip(&restarted) {
            prop_assert_eq!(steady, restarted);
        }
        prop_assert_eq!(steady.len(), restarted.len());
    }

    /// The same inputs give the same effects, to the last digit; each alert's life is in order.
    #[test]
    fn effects_are_determined_and_in_order(script in scripts()) {
        let run = || {
            let mut scene = quick_scene();
            script.iter().for_each(|line| scene.play(line));
            scene
        };
        let (one, two) = (run(), run());
        prop_assert_eq!(format!("{:?}", one.effects), format!("{:?}", two.effects));
        let mut states: BTreeMap<AlertKey, StateName> = BTreeMap::new();
        let mut told: BTreeMap<(AlertKey, String), (u64, u32, NotificationKind)> = BTreeMap::new();
        for (_, effect) in &one.effects {
            match effect {
                Effect::Transitioned(transition) => {
                    let before = states.insert(transition.facts.key.clone(), transition.to);
                    prop_assert_eq!(before.unwrap_or(StateName::Inactive), transition.from);
                }
                Effect::Notify(next) => {
                    let receiver = (next.facts.key.clone(), next.receiver.clone());
                    let this = (next.episode, next.sequence, next.kind);
                    match told.insert(receiver, this) {
                        None | Some((.., NotificationKind::Resolve)) => {
                            prop_assert_eq!((this.1, this.2), (1, NotificationKind::Trigger));
                        }
                        Some((episode, sequence, _)) => {
                            prop_assert_eq!((this.0, this.1), (episode, sequence + 1));
                            prop_assert_ne!(this.2, NotificationKind::Trigger);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

#[test]
fn what_people_are_told_has_a_curve_that_a_restart_does_not_change() {
    let mut scene = shop();
    scene.play(
        "1h  shop 10/s
         10m shop 10/s 50%",
    );
    let told = scene.notifications();
    let (at, page) = &told[0];
    let curve = page.facts.curve.clone().unwrap();
    assert_eq!((curve.until, curve.burn.len()), (*at, 73));
    // The burning step and the quiet one before.
    let [.., quiet, burning] = curve.burn.as_slice() else {
        panic!("{curve:?}");
    };
    assert!(quiet.unwrap() < 1.0 && burning.unwrap() > 14.4, "{curve:?}");
    let consumed = page.facts.budget.unwrap().consumed;
    let drawn = curve.consumed.last().unwrap().unwrap();
    assert!((f64::from(drawn) - consumed).abs() < 1e-6);
    let stored = serde_json::to_string(&scene.engine.alerts().next().unwrap()).unwrap();
    assert!(stored.contains(r#""curve":null"#), "records stay small");
    let id = page.facts.key.instance().unwrap().clone();
    let before = scene.engine.curve_of(&id, scene.now);
    assert!(before.is_some());
    scene.restart();
    assert_eq!(scene.engine.curve_of(&id, scene.now), before);
}
