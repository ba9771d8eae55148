//! Alerts at the edges of calendar periods, by events, and of the direct path's periods.

use super::*;
use crate::engine::notification::BudgetFacts;
use crate::engine::period::{Calendar, CalendarUnit, LastEvents, Zone};
use crate::engine::slo::Objective;

fn at(text: &str) -> Timestamp {
    let at: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_millis(at.as_millisecond())
}

fn week(zone: &str) -> Period {
    Period::Calendar(Calendar {
        calendar: CalendarUnit::Week,
        zone: Zone::named(zone).unwrap(),
    })
}

fn slo_over(period: Period) -> Slo {
    let mut slo = slo("shop", &[]);
    slo.reach = Reach::new(&slo.policy, &period);
    slo.period = period;
    slo
}

/// An SLO of which nothing is known before this time; its infos go to a chat.
fn scene_from(slo: Slo, now: &str) -> Scene {
    let mut scene = Scene::cold(vec![slo]);
    scene.recipients = recipients(&["pager"], &[], &["chat"]);
    scene.configure();
    scene.now = at(now);
    scene
}

fn budget(scene: &Scene) -> BudgetFacts {
    evaluation(scene).budget.unwrap()
}

/// The week begins there 4 d 18 h 30 min after the scenes' zero.
const INDIA: &str = "Asia/Kolkata";

#[test]
fn what_a_week_has_cost_is_forgiven_when_the_next_begins() {
    for restart in [false, true] {
        let mut scene = scene_from(slo_over(week(INDIA)), "2023-11-19T16:30:00Z");
        scene.play(
            "1h  shop 10/s
             10m shop 10/s 5%
             49m30s shop 10/s",
        );
        scene.expect(
            "4d17h31m30s chat trigger shop/availability/info: 50% consumed
             4d17h32m chat update shop/availability/info: 75% consumed
             4d17h32m30s chat update shop/availability/info: 100% consumed
             4d17h34m30s pager trigger shop/availability/page: Burning 1h/5m
             4d18h10m30s pager resolve shop/availability/page: Recovered 1h/5m",
        );
        assert!(budget(&scene).remaining < -3.0);
        if restart {
            scene.restart();
        }
        scene.play("30s shop 10/s");
        assert_eq!(budget(&scene).consumed, 0.0);
        assert_eq!(budget(&scene).coverage, 1.0);
        scene.play("5m shop 10/s");
        scene.expect("4d18h30m chat resolve shop/availability/info: PeriodEnded");
    }
}

#[test]
fn a_page_burns_on_across_the_edge() {
    for restart in [false, true] {
        let mut scene = scene_from(slo_over(week(INDIA)), "2023-11-19T16:30:00Z");
        scene.recipients = recipients(&["pager"], &[], &[]);
        scene.configure();
        scene.play(
            "1h  shop 10/s
             59m30s shop 10/s 5%",
        );
        if restart {
            scene.restart();
        }
        scene.play("10m shop 10/s 5%");
        scene.expect("4d17h34m30s pager trigger shop/availability/page: Burning 1h/5m");
        // The last hour cost 300 in each budget, but nearly all of it in the old one.
        let page = scene
            .engine
            .alerts()
            .find(|alert| alert.facts.severity == Severity::Page);
        let facts = &page.unwrap().facts;
        let cost = facts.budget.unwrap();
        assert_eq!(cost.consumed_by_alert, cost.consumed);
        assert_eq!(facts.tiers[0].bad_events, Some(1800.0));
    }
}

/// What a budget notice was about is over with the period, even if nobody looked when it ended.
#[test]
fn a_notice_of_the_old_week_ends_at_the_first_look_at_the_new_one() {
    let mut scene = scene_from(slo_over(week(INDIA)), "2023-11-19T16:30:00Z");
    scene.recipients = recipients(&[], &[], &["chat"]);
    scene.configure();
    scene.play(
        "1h  shop 10/s
         10m shop 10/s 5%",
    );
    scene.expect(
        "4d17h31m30s chat trigger shop/availability/info: 50% consumed
         4d17h32m chat update shop/availability/info: 75% consumed
         4d17h32m30s chat update shop/availability/info: 100% consumed",
    );
    scene.play(
        "40m shop 10/s
         20m down
         6m  shop 10/s 100%",
    );
    scene.expect(
        "4d18h40m30s chat resolve shop/availability/info: PeriodEnded
         4d18h45m30s chat trigger shop/availability/info: 50% consumed",
    );
}

#[test]
fn a_budget_that_lasts_to_the_end_of_the_week_is_not_announced_as_ending() {
    let notices = |now: &str| {
        let mut definition = slo_over(week("UTC"));
        let policy = Arc::make_mut(&mut definition.policy);
        policy.tiers = vec![tier(Severity::Page, 60, 5, 1000.0)];
        policy.budget.thresholds = Vec::new();
        definition.reach = Reach::new(policy, &definition.period);
        let mut scene = scene_from(definition, now);
        scene.recipients = recipients(&[], &[], &["chat"]);
        scene.configure();
        // At burn 4 a week's budget lasts 42 hours, and they look 72 ahead.
        scene.play("2h shop 10/s 0.4%");
        scene.notifications().len()
    };
    assert_eq!(notices("2023-11-13T06:00:00Z"), 1);
    assert_eq!(notices("2023-11-19T06:00:00Z"), 0);
}

#[test]
fn in_budget_mode_a_quiet_night_pages_nobody() {
    let night = |mode| {
        let mut scene = shop_with(|policy| policy.mode = mode);
        scene.play(
            "1h shop 0.1/s
             30m shop 0.1/s 50%",
        );
        let pages = scene.notifications().len();
        scene.play("1h shop 100/s 20%");
        (pages, scene.notifications().len() - pages)
    };
    assert_eq!(
        night(Mode::Budget),
        (0, 2),
        "the day after is another matter"
    );
    assert_eq!(night(Mode::Ratio).0, 1);
}

#[test]
fn the_last_events_are_a_period_too() {
    let last = LastEvents {
        events: 10_000_000,
        within: Span::from_days(30),
    };
    let mut definition = slo_over(Period::Events(last));
    definition.sla = Some(Objective::from_percent(99.5).unwrap());
    let mut scene = Scene::new(vec![definition], &["shop"]);
    // 10 000 of the last 10 000 000 may be bad, so more than 200 in an hour are a page.
    scene.play("39m30s shop 10/s 0.8%");
    scene.expect("");
    scene.play("1m30s shop 10/s 100%");
    let page = scene.notifications().remove(0).1;
    scene.expect(
        "40m pager trigger shop/availability/page: Burning 1h/5m
         40m30s pager update shop/availability/page: MoreTiers 1h/5m 6h/30m",
    );
    let (sla, budget) = (page.facts.sla.unwrap(), page.facts.budget.unwrap());
    assert_eq!(sla.objective_percent, 99.5);
    assert!((budget.consumed / sla.budget.consumed - 5.0).abs() < 1e-9);
    assert!((budget.coverage - 0.348).abs() < 0.001, "{budget:?}");
}

/// A direct feed over a calendar week.
fn direct_week(now: &str) -> Scene {
    let mut definition = slo_over(week(INDIA));
    let error_ratio = QueryTemplate::new("errors:ratio[$window]").unwrap();
    definition.indicator = Indicator::Windows(WindowQuery::Ratio { error_ratio });
    Arc::make_mut(&mut definition.policy).tiers.truncate(1);
    definition.reach = Reach::new(&definition.policy, &definition.period);
    scene_from(definition, now)
}

#[test]
fn the_direct_path_asks_for_the_part_of_a_week_that_has_passed() {
    let mut scene = direct_week("2023-11-19T18:00:00Z");
    answer(&mut scene, 29, &[("", 0.0005)], None);
    // Nearly the whole week at half of what is allowed.
    assert!((budget(&scene).consumed - 0.5).abs() < 0.002);
    assert_eq!(budget(&scene).exhausted_in, None);
    answer(&mut scene, 1, &[("", 0.0005)], None);
    assert_eq!(scene.now, at("2023-11-19T18:30:00Z"));
    assert_eq!(
        evaluation(&scene).budget,
        None,
        "the old answer is of the old week"
    );
    let asked = |scene: &Scene, secs| {
        let due = scene
            .engine
            .due_windows("shop", scene.now + Span::from_secs(secs));
        due.iter().map(Span::to_string).collect::<Vec<_>>()
    };
    assert_eq!(asked(&scene, 30), ["5m", "1h"]);
    assert_eq!(asked(&scene, 60), ["5m", "1h", "1m"]);
    assert_eq!(asked(&scene, 300), ["5m", "1h"], "one answer serves both");
    answer(&mut scene, 60, &[("", 0.0005)], None);
    assert!(
        (budget(&scene).consumed - 0.5 / 168.0).abs() < 1e-6,
        "{:?}",
        budget(&scene)
    );
    // Later the week is asked for less often, and known at every slot.
    let mut asked_late = 0;
    for slot in 0..4 * 120 {
        if slot >= 3 * 120 && asked(&scene, 30).len() > 2 {
            asked_late += 1;
        }
        answer_once(&mut scene);
        assert!(evaluation(&scene).budget.is_some(), "at {:?}", scene.now);
    }
    assert!((30..=40).contains(&asked_late), "{asked_late}");
}

#[test]
fn in_budget_mode_the_direct_path_asks_what_is_usual() {
    let mut definition = slo_over(week(INDIA));
    let template = |text| QueryTemplate::new(text).unwrap();
    definition.indicator = Indicator::Windows(WindowQuery::Events {
        bad: template("bad[$window]"),
        total: template("all[$window]"),
        counted: true,
    });
    let policy = Arc::make_mut(&mut definition.policy);
    policy.mode = Mode::Budget;
    policy.tiers.truncate(1);
    definition.reach = Reach::new(policy, &definition.period);
    let mut scene = scene_from(definition, "2023-11-19T18:30:00Z");
    // Half of ten events of the last hour are bad, of a week that has 10 000 an hour.
    for slot in 0..4 {
        scene.now = scene.now + Span::from_secs(30);
        let due = scene.engine.due_windows("shop", scene.now);
        let names: Vec<String> = due.iter().map(Span::to_string).collect();
        match slot {
            0 => assert_eq!(names, ["5m", "1h", "7d"]),
            1 => assert_eq!(names, ["5m", "1h", "1m"]),
            _ => assert!(!names.contains(&"7d".to_owned()), "{names:?}"),
        }
        let few = Counts {
            bad: 5.0,
            total: 10.0,
        };
        let many = Counts {
            bad: 5.0,
            total: 1.68e6,
        };
        let counts = |window| {
            if window == Span::from_days(7) {
                many
            } else {
                few
            }
        };
        let answer = |window| {
            (
                window,
                vec![(Labels::empty(), Answer::Counts(counts(window)))],
            )
        };
        let evidence = Ok(Evidence::Windows(due.into_iter().map(answer).collect()));
        let feed = "shop".to_owned();
        scene.step(Input::Slot { feed, evidence });
        let evaluation = evaluation(&scene);
        let burn = evaluation.readings[1].burn.unwrap();
        assert!((burn - 0.5).abs() < 1e-3, "{burn}");
        assert_eq!(evaluation.budget.is_some(), slot > 0);
    }
    scene.expect("");
}

/// One slot of a direct feed.
fn answer_once(scene: &mut Scene) {
    scene.now = scene.now + Span::from_secs(30);
    let due = scene.engine.due_windows("shop", scene.now);
    let windows = due
        .into_iter()
        .map(|window| (window, vec![(Labels::empty(), Answer::Ratio(0.0005))]));
    let evidence = Ok(Evidence::Windows(windows.collect()));
    let feed = "shop".to_owned();
    scene.step(Input::Slot { feed, evidence });
}

#[test]
fn a_week_in_another_zone_keeps_what_was_counted_if_its_buckets_fit() {
    let covered = |zone: &str| {
        let mut scene = scene_from(slo_over(week("Europe/Berlin")), "2023-11-15T00:00:00Z");
        scene.play("5m shop 10/s");
        scene.slos = vec![slo_over(week(zone))];
        scene.configure();
        let measure = scene.engine.measure("shop").unwrap();
        measure.covered_from(&scene.slos[0].id).is_some()
    };
    assert!(covered("America/New_York"));
    assert!(!covered("Australia/Lord_Howe"));
}

#[test]
fn rows_from_before_there_was_an_sla_are_readable() {
    let mut scene = shop();
    scene.play("5m shop 10/s 100%");
    let facts = &scene.notifications()[0].1.facts;
    let mut json = serde_json::to_value(facts).unwrap();
    assert_eq!(json["sla"], serde_json::Value::Null);
    json.as_object_mut().unwrap().remove("sla");
    assert_eq!(&serde_json::from_value::<AlertFacts>(json).unwrap(), facts);
}
