//! Reports of small worlds, against figures reckoned by hand and by a slow oracle.

mod kinds;
mod oracle;
pub(crate) mod world;

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::config::Change;
use crate::engine::{InstanceId, Objective, Policy, SloId, Tier};
use crate::replay::{MemoryReel, Script};
use oracle::{Everything, Stretch};
use world::{
    BEGIN, Outage, QUIET_SETTINGS, SETTINGS, SHOP, SLOT, after, load, plan, report, shop, variant,
};

const HOUR: i64 = 3_600;

fn only(report: &Report) -> &InstanceReport {
    assert_eq!(report.slos.len(), 1);
    report.slos[0].variants[0].as_ref().unwrap()
}

fn of_severity(instance: &InstanceReport, severity: Severity) -> Vec<&AlertReport> {
    let alerts = instance.alerts.iter();
    alerts.filter(|alert| alert.severity == severity).collect()
}

fn seconds(at: Timestamp) -> i64 {
    (at.as_millis() - BEGIN.as_millis()) / 1000
}

#[test]
fn an_outage_is_told_with_its_cost_and_its_messages() {
    // All requests fail for five minutes from nine on: 300 s of the 864 s that a day at 99 % has.
    let loaded = load(SETTINGS, SHOP);
    let series = shop(24 * HOUR, &[(9 * HOUR, 9 * HOUR + 300, 1.0)], &[]);
    let report = report(&plan(&loaded, 24 * HOUR), series);
    let instance = only(&report);
    let [page] = of_severity(instance, Severity::Page)[..] else {
        panic!("{:?}", instance.alerts);
    };
    // Ten minutes hold 86.4 s of failures after three slots.
    insta::assert_json_snapshot!(page, @r#"
    {
      "key": "shop/checkout/page",
      "kind": "burn",
      "severity": "page",
      "reason": "burning",
      "burning_from": "2023-11-15T09:01:30Z",
      "fired_at": "2023-11-15T09:01:30Z",
      "ended_at": "2023-11-15T09:08:00Z",
      "duration": "6m30s",
      "end_reason": "recovered",
      "open_at_start": false,
      "at_night": false,
      "is_flap": false,
      "tiers": [
        {
          "long": "10m",
          "short": "2m",
          "factor": 14.4,
          "long_burn": 50.0,
          "short_burn": 25.0
        }
      ],
      "peak_burn": 50.0,
      "budget_before": 0.8958333333333334,
      "budget_consumed": 0.3472222222222222,
      "budget_after": 0.6527777777777778,
      "mutes": [],
      "mutes_omitted": 0,
      "messages": [
        {
          "at": "2023-11-15T09:01:30Z",
          "receiver": "pager",
          "kind": "trigger",
          "text": "[PAGE] shop/checkout burns its error budget at 15x, 89.58% left, gone in 1h 26m",
          "alerts": 1
        },
        {
          "at": "2023-11-15T09:08:00Z",
          "receiver": "pager",
          "kind": "resolve",
          "text": "[RESOLVED] shop/checkout recovered after 6m 30s",
          "alerts": 1
        }
      ],
      "messages_omitted": 0
    }
    "#);
    let figures = &instance.figures;
    assert_eq!((figures.pages, figures.tickets, figures.infos), (1, 1, 0));
    assert_eq!(figures.pages_at_night, 0);
    assert!((figures.pages_per_week - 7.0).abs() < 1e-9);
    assert_eq!(figures.slots.all(), 24 * 120);
    assert_eq!(figures.watched, 1.0);
    let spent = 300.0 / 864.0;
    let left = instance.budget.last.unwrap();
    assert!((left - (1.0 - spent)).abs() < 1e-3, "{left}");
    assert_eq!(instance.budget.exhausted_at, None);
    let receivers = &report.variants[0].receivers;
    insta::assert_json_snapshot!(receivers, @r#"
    [
      {
        "receiver": "board",
        "sent": {
          "messages": 2,
          "triggers": 1,
          "updates": 0,
          "resolves": 1,
          "pages": 0,
          "pages_at_night": 0
        },
        "unquieted": {
          "messages": 2,
          "triggers": 1,
          "updates": 0,
          "resolves": 1,
          "pages": 0,
          "pages_at_night": 0
        }
      },
      {
        "receiver": "pager",
        "sent": {
          "messages": 2,
          "triggers": 1,
          "updates": 0,
          "resolves": 1,
          "pages": 1,
          "pages_at_night": 0
        },
        "unquieted": {
          "messages": 2,
          "triggers": 1,
          "updates": 0,
          "resolves": 1,
          "pages": 1,
          "pages_at_night": 0
        }
      }
    ]
    "#);
}

#[test]
fn a_quiet_past_has_nothing_to_tell() {
    let loaded = load(SETTINGS, SHOP);
    let report = report(&plan(&loaded, 6 * HOUR), shop(6 * HOUR, &[], &[]));
    let instance = only(&report);
    assert_eq!(instance.alerts, []);
    assert_eq!(instance.gaps, []);
    assert_eq!(instance.figures.slots.quiet, 6 * 120);
    assert_eq!(report.variants[0].receivers, []);
    assert_eq!(instance.budget.lowest, Some(1.0));
}

#[test]
fn two_policies_tell_different_things_of_one_outage() {
    let loaded = load(SETTINGS, SHOP);
    let mut plan = plan(&loaded, 12 * HOUR);
    let slow = Policy {
        name: "slow".to_owned(),
        tiers: vec![Tier {
            long: Span::from_hours(2),
            short: Span::from_mins(10),
            ..loaded.definitions[0].slo.policy.tiers[0].clone()
        }],
        ..(*loaded.definitions[0].slo.policy).clone()
    };
    let changes = [
        Change {
            policy: Some(Arc::new(slow)),
            objective: None,
        },
        Change {
            policy: None,
            objective: Some(Objective::from_percent(50.0).unwrap()),
        },
    ];
    for (name, change) in ["slow", "lax"].iter().zip(&changes) {
        plan.variants
            .push(variant(name, &loaded.definitions, change));
    }
    let series = shop(12 * HOUR, &[(6 * HOUR, 6 * HOUR + 600, 0.3)], &[]);
    let report = report(&plan, series);
    let [as_is, slow, lax] = &report.slos[0].variants[..] else {
        panic!("three variants");
    };
    let first = |instance: &Option<InstanceReport>| {
        let pages = of_severity(instance.as_ref().unwrap(), Severity::Page);
        pages.first().map(|page| seconds(page.fired_at) - 6 * HOUR)
    };
    // 86.4 s of failures at 30 % take 288 s, whether among ten minutes or two hours.
    let (fast, late) = (first(as_is).unwrap(), first(slow).unwrap());
    assert!((288..=288 + 60).contains(&fast), "{fast}");
    assert!((288..=288 + 60).contains(&late), "{late}");
    let lasted = |instance: &Option<InstanceReport>| instance.as_ref().unwrap().figures.page_time;
    assert_eq!(first(lax), None);
    assert!(lasted(slow) >= lasted(as_is));
    assert_eq!(slow.as_ref().unwrap().policy, "slow");
    assert_eq!(slow.as_ref().unwrap().figures.tickets, 0);
    assert_eq!(lax.as_ref().unwrap().objective_percent, 50.0);
    assert_eq!(report.variants[1].policy.as_deref(), Some("slow"));
    assert_eq!(report.variants[2].objective_percent, Some(50.0));
    assert_eq!(report.variants[2].total.pages, 0);
}

#[test]
fn what_is_up_at_an_end_of_the_stretch_is_no_firing_and_no_end() {
    let loaded = load(SETTINGS, SHOP);
    // One outage is under way when the stretch begins, another when it ends.
    let outages = [(-HOUR, 1_200, 1.0), (5 * HOUR, 7 * HOUR, 1.0)];
    let series = shop(6 * HOUR, &outages, &[]);
    for run_up in [0, 7_200] {
        let plan = Plan {
            begin: after(-run_up),
            ..plan(&loaded, 6 * HOUR)
        };
        let report = report(&plan, series.clone());
        let instance = only(&report);
        let pages = of_severity(instance, Severity::Page);
        let [early, late] = pages[..] else {
            panic!("{pages:?}");
        };
        assert!(early.open_at_start && !late.open_at_start);
        assert_eq!(instance.figures.pages, 1);
        assert!(instance.figures.open_at_start >= 1);
        let fired = seconds(early.fired_at);
        match run_up {
            0 => assert_eq!(fired, 30),
            _ => assert!((-HOUR..-HOUR + 180).contains(&fired), "{fired}"),
        }
        let ended = early.ended_at.unwrap();
        assert_eq!(early.duration, ended.since(early.fired_at.max(BEGIN)));
        assert_eq!((late.ended_at, late.end_reason.as_deref()), (None, None));
        assert_eq!(late.duration, after(6 * HOUR).since(late.fired_at));
        assert!(late.budget_consumed.unwrap() > 1.0, "{late:?}");
        assert!(instance.figures.open_at_end >= 1);
        let messages: Vec<_> = early.messages.iter().map(|message| message.kind).collect();
        assert!(
            messages.ends_with(&[crate::engine::NotificationKind::Resolve]),
            "{messages:?}"
        );
        assert!(
            early
                .messages
                .iter()
                .all(|message| message.at > BEGIN + SLOT)
        );
    }
}

#[test]
fn nights_are_those_of_the_settings_in_their_zone() {
    // 18:00 UTC is 23:30 in Kolkata.
    let settings = SETTINGS.replace("end: '07:00'", "end: '07:00', time_zone: Asia/Kolkata");
    let series = shop(24 * HOUR, &[(18 * HOUR, 18 * HOUR + 300, 1.0)], &[]);
    let pages_at_night = |settings: &str| {
        let report = report(&plan(&load(settings, SHOP), 24 * HOUR), series.clone());
        let instance = only(&report);
        let page = of_severity(instance, Severity::Page)[0].clone();
        assert_eq!(instance.figures.pages_at_night, u64::from(page.at_night));
        let woken = report.variants[0]
            .receivers
            .iter()
            .map(|one| one.sent.pages_at_night);
        assert_eq!(woken.sum::<u64>(), u64::from(page.at_night));
        (
            instance.figures.worst_night.clone(),
            report.night.zone.clone(),
        )
    };
    assert_eq!(pages_at_night(SETTINGS), (None, "UTC".to_owned()));
    let (worst, zone) = pages_at_night(&settings);
    let worst = worst.unwrap();
    assert_eq!(zone, "Asia/Kolkata");
    assert_eq!(
        (seconds(worst.from), seconds(worst.until)),
        (16 * HOUR + 1_800, 24 * HOUR)
    );
}

#[test]
fn muting_is_told_and_what_it_kept_back() {
    // Three in the morning: the route of pages rests, and the ticket waits for company.
    let loaded = load(QUIET_SETTINGS, SHOP);
    let series = shop(24 * HOUR, &[(3 * HOUR, 3 * HOUR + 600, 1.0)], &[]);
    let report = report(&plan(&loaded, 24 * HOUR), series);
    let instance = only(&report);
    assert_eq!(
        (instance.figures.pages, instance.figures.pages_untold),
        (1, 1)
    );
    let page = of_severity(instance, Severity::Page)[0];
    insta::assert_json_snapshot!((&page.mutes, &page.messages), @r#"
    [
      [
        {
          "from": "2023-11-15T03:01:30Z",
          "until": null,
          "kinds": [
            "interval"
          ],
          "why": [
            "route \"route[0]\" rests within \"small-hours\""
          ]
        }
      ],
      []
    ]
    "#);
    insta::assert_json_snapshot!(&report.variants[0].receivers, @r#"
    [
      {
        "receiver": "board",
        "sent": {
          "messages": 3,
          "triggers": 2,
          "updates": 0,
          "resolves": 1,
          "pages": 0,
          "pages_at_night": 0
        },
        "unquieted": {
          "messages": 3,
          "triggers": 2,
          "updates": 0,
          "resolves": 1,
          "pages": 0,
          "pages_at_night": 0
        }
      },
      {
        "receiver": "pager",
        "sent": {
          "messages": 0,
          "triggers": 0,
          "updates": 0,
          "resolves": 0,
          "pages": 0,
          "pages_at_night": 0
        },
        "unquieted": {
          "messages": 2,
          "triggers": 1,
          "updates": 0,
          "resolves": 1,
          "pages": 1,
          "pages_at_night": 1
        }
      }
    ]
    "#);
    let quick = Plan {
        unquieted: false,
        ..plan(&loaded, HOUR)
    };
    let report = world::report(&quick, shop(HOUR, &[(60, 600, 1.0)], &[]));
    let receivers = &report.variants[0].receivers;
    assert!(!receivers.is_empty() && receivers.iter().all(|one| one.unquieted.is_none()));
}

#[test]
fn without_history_everything_is_unwatched() {
    let loaded = load(SETTINGS, SHOP);
    let report = report(&plan(&loaded, 2 * HOUR), Vec::new());
    let instance = only(&report);
    assert_eq!(instance.figures.watched, 0.0);
    assert_eq!(instance.figures.slots.no_data, 240);
    assert_eq!(instance.figures.blinds, 1);
    assert_eq!(instance.figures.pages, 0);
    let [gap] = &instance.gaps[..] else {
        panic!("{:?}", instance.gaps);
    };
    assert_eq!((seconds(gap.from), seconds(gap.until)), (0, 2 * HOUR));
    assert!(
        instance
            .curve
            .burns
            .iter()
            .all(|one| one.burn.max.iter().all(Option::is_none))
    );
}

#[test]
fn progress_never_goes_back() {
    let loaded = load(QUIET_SETTINGS, SHOP);
    let mut plan = plan(&loaded, 12 * HOUR);
    plan.variants.push(plan.variants[0].clone());
    let mut reel = MemoryReel::new(shop(12 * HOUR, &[(3 * HOUR, 3 * HOUR + 600, 1.0)], &[]));
    let mut shares = Vec::new();
    backtest(&plan, &mut reel, &mut |progress| {
        shares.push(progress.share);
    })
    .unwrap();
    assert!(shares.is_sorted(), "{shares:?}");
    // Twice each of two variants, in stretches of three hours.
    assert_eq!((shares.len(), shares.last()), (16, Some(&1.0)));
}

#[test]
fn an_empty_stretch_is_an_empty_report() {
    let loaded = load(SETTINGS, SHOP);
    let report = report(&plan(&loaded, 0), shop(0, &[], &[]));
    assert_eq!(report.slos[0].variants, [None]);
    assert_eq!(report.asked.weeks, 0.0);
    assert_eq!(report.variants[0].total, Figures::default());
}

#[test]
fn an_alert_that_comes_back_within_an_hour_flaps() {
    let loaded = load(SETTINGS, SHOP);
    let outage = |from: i64| (from, from + 180, 1.0);
    let outages = [outage(HOUR), outage(HOUR + 2_400), outage(4 * HOUR)];
    let report = report(&plan(&loaded, 6 * HOUR), shop(6 * HOUR, &outages, &[]));
    let instance = only(&report);
    let pages = of_severity(instance, Severity::Page);
    let flaps: Vec<bool> = pages.iter().map(|page| page.is_flap).collect();
    assert_eq!(flaps, [false, true, false]);
    let tickets = of_severity(instance, Severity::Ticket);
    let ticket_flaps = tickets.iter().filter(|ticket| ticket.is_flap).count() as u64;
    assert_eq!(instance.figures.flaps, 1 + ticket_flaps);
}

#[test]
fn lists_are_bounded_and_figures_are_not() {
    // Every twelve minutes an outage that pages and ends: more than two hundred in two days.
    let loaded = load(SETTINGS, SHOP);
    let days = 2 * 24 * HOUR;
    let outages: Vec<Outage> = (1..days / 720)
        .map(|n| (n * 720, n * 720 + 120, 1.0))
        .collect();
    let report = report(&plan(&loaded, days), shop(days, &outages, &[]));
    let instance = only(&report);
    assert_eq!(
        instance.figures.pages,
        of_severity(instance, Severity::Page).len() as u64
    );
    assert!(instance.figures.pages > 200, "{}", instance.figures.pages);
    let mut log = log::AlertLog::default();
    let fired = transition(instance);
    for n in 0..ALERTS_MAX as i64 + 5 {
        let at = |second: i64| crate::engine::Transition {
            at: after(n * 60 + second),
            ..fired.clone()
        };
        log.fire(&at(0), false, false);
        assert!(log.end(&at(30), BEGIN).is_some());
        log.trim(ALERTS_MAX);
    }
    let (alerts, omitted) = log.into_list();
    assert_eq!((alerts.len(), omitted), (ALERTS_MAX, 5));
    assert_eq!(seconds(alerts[0].fired_at), 0);
}

/// Some transition.
fn transition(_: &InstanceReport) -> crate::engine::Transition {
    let loaded = load(SETTINGS, SHOP);
    let mut reel = MemoryReel::new(shop(HOUR, &[(600, 1_200, 1.0)], &[]));
    let plan = plan(&loaded, HOUR);
    let mut player = crate::replay::Player::begin(&script(&plan), &mut reel, BEGIN).unwrap();
    let mut journal = crate::replay::Journal::default();
    player.play(&mut reel, after(HOUR), &mut journal).unwrap();
    journal.transitions[0].clone()
}

fn script(plan: &Plan) -> Script {
    Script {
        slos: plan.variants[0].slos.clone(),
        routing: plan.routing.clone(),
        options: plan.options.clone(),
        tick: SLOT,
    }
}

fn outage() -> impl Strategy<Value = Outage> {
    let share = prop_oneof![Just(1.0), 0.0..1.0, 0.0..0.05];
    (-3 * HOUR..16 * HOUR, 15..2 * HOUR, share)
        .prop_map(|(from, length, share)| (from, from + length, share))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn figures_are_those_of_the_oracle(
        outages in prop::collection::vec(outage(), 0..8),
        silent in prop::collection::vec((-HOUR..14 * HOUR, 15..2 * HOUR), 0..3),
        down in prop::option::of((0..12 * HOUR, 60..HOUR)),
        run_up in prop_oneof![Just(0), Just(HOUR), Just(90)],
        is_quiet: bool,
    ) {
        let loaded = load(if is_quiet { QUIET_SETTINGS } else { SETTINGS }, SHOP);
        let length = 14 * HOUR;
        let silent: Vec<(i64, i64)> = silent.iter().map(|(from, for_)| (*from, from + for_)).collect();
        let mut reel = MemoryReel::new(shop(length, &outages, &silent));
        if let Some((from, for_)) = down {
            reel = reel.with_outage(after(from), after(from + for_));
        }
        let plan = Plan { begin: after(-run_up), ..plan(&loaded, length) };
        let report = backtest(&plan, &mut reel.clone(), &mut |_| {}).unwrap();
        let begin = plan.begin.align_down(SLOT);
        let stretch = Stretch {
            from: BEGIN,
            until: after(length),
            slot: SLOT,
            start: BEGIN.max(begin + SLOT),
        };
        let everything = Everything::of(&script(&plan), &mut reel, begin, stretch.until);
        let id = InstanceId { slo: SloId::new("shop", "checkout"), labels: Labels::empty() };
        let instance = only(&report);
        prop_assert_eq!(&instance.figures, &everything.figures(&id, &stretch, &plan.night));
        prop_assert_eq!(&instance.budget, &everything.budget(&id, &stretch));
        let total = &report.variants[0].total;
        prop_assert_eq!(total.pages, instance.figures.pages);
        prop_assert_eq!(total.page_time, instance.figures.page_time);
        prop_assert_eq!(&total.worst_night, &instance.figures.worst_night);
        let again = backtest(&plan, &mut reel, &mut |_| {}).unwrap();
        let text = |report: &Report| serde_json::to_string(report).unwrap();
        prop_assert_eq!(text(&again), text(&report));
    }
}

/// What programs rely on: a change here that is not an addition needs another [`FORM`].
#[test]
fn the_form_of_a_report() {
    let loaded = load(SETTINGS, SHOP);
    let plan = Plan {
        begin: after(-HOUR),
        ..plan(&loaded, 120)
    };
    let report = report(&plan, shop(120, &[(-600, 15, 1.0)], &[]));
    insta::assert_json_snapshot!(report, @r#"
    {
      "form": 1,
      "asked": {
        "from": "2023-11-15T00:00:00Z",
        "until": "2023-11-15T00:02:00Z",
        "slot": "30s",
        "weeks": 0.0001984126984126984,
        "slos": []
      },
      "history": {
        "source": "a test",
        "coarse": [],
        "missing": [],
        "notes": []
      },
      "night": {
        "zone": "UTC",
        "times": [
          [
            0,
            420
          ],
          [
            1320,
            1440
          ]
        ],
        "weekdays": [],
        "nights": 1
      },
      "variants": [
        {
          "name": "as defined",
          "policy": null,
          "objective_percent": null,
          "remarks": [],
          "total": {
            "pages": 0,
            "tickets": 0,
            "infos": 0,
            "blinds": 0,
            "pages_untold": 0,
            "open_at_start": 3,
            "open_at_end": 3,
            "pages_per_week": 0.0,
            "tickets_per_week": 0.0,
            "pages_at_night": 0,
            "pages_per_night": 0.0,
            "worst_night": null,
            "flaps": 0,
            "page_time": "2m",
            "ticket_time": "2m",
            "burning": "2m",
            "burning_unalerted": "0s",
            "over_objective": "2m",
            "over_objective_unalerted": "0s",
            "slots": {
              "burning": 4,
              "quiet": 0,
              "no_traffic": 0,
              "no_data": 0,
              "failed": 0
            },
            "watched": 1.0
          },
          "receivers": [],
          "source_alerts": []
        }
      ],
      "slos": [
        {
          "id": "shop/checkout",
          "service": "shop",
          "name": "checkout",
          "labels": {},
          "description": "people cannot pay",
          "owner": null,
          "period": "1d",
          "path": "exact",
          "variants": [
            {
              "objective_percent": 99.0,
              "policy": "own",
              "tiers": [
                {
                  "severity": "page",
                  "long": "10m",
                  "short": "2m",
                  "factor": 14.4,
                  "budget_fraction": 0.1,
                  "minimum_events": 5.0
                },
                {
                  "severity": "ticket",
                  "long": "1h",
                  "short": "10m",
                  "factor": 4.800000000000001,
                  "budget_fraction": 0.2,
                  "minimum_events": 5.0
                }
              ],
              "seen_from": "2023-11-15T00:00:30Z",
              "figures": {
                "pages": 0,
                "tickets": 0,
                "infos": 0,
                "blinds": 0,
                "pages_untold": 0,
                "open_at_start": 3,
                "open_at_end": 3,
                "pages_per_week": 0.0,
                "tickets_per_week": 0.0,
                "pages_at_night": 0,
                "pages_per_night": 0.0,
                "worst_night": null,
                "flaps": 0,
                "page_time": "2m",
                "ticket_time": "2m",
                "burning": "2m",
                "burning_unalerted": "0s",
                "over_objective": "2m",
                "over_objective_unalerted": "0s",
                "slots": {
                  "burning": 4,
                  "quiet": 0,
                  "no_traffic": 0,
                  "no_data": 0,
                  "failed": 0
                },
                "watched": 1.0
              },
              "budget": {
                "first": 0.2881944444444444,
                "last": 0.2881944444444444,
                "lowest": 0.2881944444444444,
                "lowest_at": "2023-11-15T00:00:30Z",
                "exhausted_at": null,
                "exhausted": "0s"
              },
              "alerts": [
                {
                  "key": "shop/checkout/page",
                  "kind": "burn",
                  "severity": "page",
                  "reason": "burning",
                  "burning_from": "2023-11-14T23:51:30Z",
                  "fired_at": "2023-11-14T23:51:30Z",
                  "ended_at": null,
                  "duration": "2m",
                  "end_reason": null,
                  "open_at_start": true,
                  "at_night": true,
                  "is_flap": false,
                  "tiers": [
                    {
                      "long": "10m",
                      "short": "2m",
                      "factor": 14.4,
                      "long_burn": 87.5,
                      "short_burn": 37.5
                    }
                  ],
                  "peak_burn": 100.0,
                  "budget_before": 0.8958333333333334,
                  "budget_consumed": 0.7118055555555556,
                  "budget_after": 0.2881944444444444,
                  "mutes": [],
                  "mutes_omitted": 0,
                  "messages": [],
                  "messages_omitted": 0
                },
                {
                  "key": "shop/checkout/ticket",
                  "kind": "burn",
                  "severity": "ticket",
                  "reason": "burning",
                  "burning_from": "2023-11-14T23:53:00Z",
                  "fired_at": "2023-11-14T23:53:00Z",
                  "ended_at": null,
                  "duration": "2m",
                  "end_reason": null,
                  "open_at_start": true,
                  "at_night": true,
                  "is_flap": false,
                  "tiers": [
                    {
                      "long": "1h",
                      "short": "10m",
                      "factor": 4.800000000000001,
                      "long_burn": 17.083333333333332,
                      "short_burn": 82.5
                    }
                  ],
                  "peak_burn": 17.083333333333332,
                  "budget_before": 0.7916666666666666,
                  "budget_consumed": 0.7118055555555556,
                  "budget_after": 0.2881944444444444,
                  "mutes": [
                    {
                      "from": "2023-11-14T23:53:00Z",
                      "until": null,
                      "kinds": [
                        "page"
                      ],
                      "why": [
                        "the page of the same SLO fires: shop/checkout/page"
                      ]
                    }
                  ],
                  "mutes_omitted": 0,
                  "messages": [],
                  "messages_omitted": 0
                },
                {
                  "key": "shop/checkout/info",
                  "kind": "burn",
                  "severity": "info",
                  "reason": "50% of the budget consumed",
                  "burning_from": "2023-11-14T23:57:30Z",
                  "fired_at": "2023-11-14T23:57:30Z",
                  "ended_at": null,
                  "duration": "2m",
                  "end_reason": null,
                  "open_at_start": true,
                  "at_night": true,
                  "is_flap": false,
                  "tiers": [],
                  "peak_burn": null,
                  "budget_before": 0.47916666666666663,
                  "budget_consumed": null,
                  "budget_after": 0.2881944444444444,
                  "mutes": [],
                  "mutes_omitted": 0,
                  "messages": [],
                  "messages_omitted": 0
                }
              ],
              "alerts_omitted": 0,
              "gaps": [],
              "gaps_omitted": 0,
              "curve": {
                "from": "2023-11-15T00:00:00Z",
                "step": "30s",
                "remaining": {
                  "min": [
                    0.2882,
                    0.2882,
                    0.2882,
                    0.2882
                  ],
                  "max": [
                    0.2882,
                    0.2882,
                    0.2882,
                    0.2882
                  ],
                  "last": [
                    0.2882,
                    0.2882,
                    0.2882,
                    0.2882
                  ]
                },
                "burns": [
                  {
                    "window": "2m",
                    "burn": {
                      "min": [
                        87.5,
                        62.5,
                        37.5,
                        12.5
                      ],
                      "max": [
                        87.5,
                        62.5,
                        37.5,
                        12.5
                      ],
                      "last": [
                        87.5,
                        62.5,
                        37.5,
                        12.5
                      ]
                    }
                  },
                  {
                    "window": "10m",
                    "burn": {
                      "min": [
                        97.5,
                        92.5,
                        87.5,
                        82.5
                      ],
                      "max": [
                        97.5,
                        92.5,
                        87.5,
                        82.5
                      ],
                      "last": [
                        97.5,
                        92.5,
                        87.5,
                        82.5
                      ]
                    }
                  },
                  {
                    "window": "1h",
                    "burn": {
                      "min": [
                        17.08,
                        17.08,
                        17.08,
                        17.08
                      ],
                      "max": [
                        17.08,
                        17.08,
                        17.08,
                        17.08
                      ],
                      "last": [
                        17.08,
                        17.08,
                        17.08,
                        17.08
                      ]
                    }
                  }
                ]
              }
            }
          ]
        }
      ],
      "slos_omitted": 0,
      "judgement": null
    }
    "#);
}
