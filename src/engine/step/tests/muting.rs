//! Scenarios of muting: nobody is told while something asks for quiet, nothing is lost by it.

use super::*;
use crate::engine::inhibit::InhibitRule;
use crate::engine::interval::TimeInterval;
use crate::engine::labels::{MatchOp, Matcher};
use crate::engine::maintenance::{Maintenance, MaintenanceTime};
use crate::engine::operation::Operation;
use crate::engine::period::Zone;
use crate::engine::routing::DependencyPolicy;
use crate::engine::slo::Slo;

fn matcher(name: &str, value: &str) -> Matcher {
    Matcher {
        name: name.to_owned(),
        op: MatchOp::Equal(value.to_owned()),
    }
}

/// An SLO with a page over an hour and nothing else.
fn paging(service: &str, below: &[&str]) -> Slo {
    let mut definition = slo(service, &[]);
    let policy = Arc::make_mut(&mut definition.policy);
    policy.tiers.truncate(1);
    policy.budget = BudgetPolicy::default();
    let ids = below.iter().map(|name| SloId::new(name, "availability"));
    definition.document.depends_on = ids.collect();
    definition.reach = Reach::new(&definition.policy, &definition.period);
    definition
}

fn one() -> Scene {
    Scene::new(vec![paging("shop", &[])], &["shop"])
}

/// A shop on a database.
fn two() -> Scene {
    let slos = vec![paging("db", &[]), paging("shop", &["db"])];
    Scene::new(slos, &["db", "shop"])
}

fn silence(scene: &Scene, until: &str) -> Silence {
    Silence {
        id: "3f2a".to_owned(),
        matchers: vec![matcher("service", "shop")],
        starts_at: scene.now,
        ends_at: scene.now + Span::parse(until).unwrap(),
        created_by: "ann".to_owned(),
        comment: "deploying".to_owned(),
        updated_at: scene.now,
    }
}

fn set(scene: &mut Scene, silence: Silence) {
    scene.step(Input::Operated(Operation::SetSilence(silence)));
}

/// When the mutes of alerts changed, and to what.
fn mutes(scene: &Scene) -> Vec<String> {
    let change = |(at, effect): &(Timestamp, Effect)| match effect {
        Effect::Muted(change) => {
            let words: Vec<&str> = change.mutes.iter().map(|mute| mute.as_str()).collect();
            Some(format!("{} {} {words:?}", scene.elapsed(*at), change.key))
        }
        _ => None,
    };
    scene.effects.iter().filter_map(change).collect()
}

#[test]
fn an_announced_alert_is_resolved_even_while_silenced() {
    let mut scene = one();
    scene.play("4m shop 10/s 50%");
    scene.expect("2m pager trigger shop/availability/page: Burning 1h/5m");
    let quiet = silence(&scene, "5h");
    set(&mut scene, quiet);
    scene.play("20m shop 10/s");
    scene.expect("10m pager resolve shop/availability/page: Recovered 1h/5m");
    assert_eq!(mutes(&scene), ["4m shop/availability/page [\"silence\"]"]);
    // What begins while the silence lasts is not told, and neither is its end.
    scene.play(
        "30m shop 10/s 50%
         30m shop 10/s",
    );
    scene.expect("");
}

#[test]
fn an_alert_is_told_when_its_silence_ends() {
    for ending in [
        "by time",
        "by hand",
        "by time after a restart",
        "after a crash",
    ] {
        let mut scene = one();
        let length = if ending == "by hand" { "5h" } else { "10m" };
        let quiet = silence(&scene, length);
        set(&mut scene, quiet);
        scene.play("5m shop 10/s 50%");
        match ending {
            "by time after a restart" => scene.restart(),
            "after a crash" => scene.crash(),
            _ => {}
        }
        scene.play("5m shop 10/s 50%");
        if ending == "by hand" {
            let id = "3f2a".to_owned();
            scene.step(Input::Operated(Operation::ExpireSilence { id }));
        }
        scene.play("1m shop 10/s 50%");
        let (at, trigger) = scene.notifications().swap_remove(0);
        assert_eq!(scene.elapsed(at).to_string(), "10m", "{ending}");
        assert_eq!(trigger.facts.reason, Reason::Unmuted, "{ending}");
        assert_eq!(trigger.kind, NotificationKind::Trigger, "{ending}");
    }
}

#[test]
fn an_inhibited_alert_is_told_when_its_source_is_over() {
    let mut scene = two();
    scene.recipients.inhibit = vec![InhibitRule {
        name: "db".to_owned(),
        source: vec![matcher("service", "db")],
        target: vec![matcher("service", "shop")],
        equal: Vec::new(),
    }];
    scene.configure();
    scene.play(
        "2m db 10/s 50%
         2m db 10/s 50%, shop 10/s 50%
         10m db 10/s",
    );
    scene.expect(
        "2m pager trigger db/availability/page: Burning 1h/5m
         10m pager resolve db/availability/page: Recovered 1h/5m
         10m pager trigger shop/availability/page: Unmuted 1h/5m",
    );
    scene.play("10m shop 10/s");
    scene.expect("20m pager resolve shop/availability/page: Recovered 1h/5m");
}

#[test]
fn messages_name_burning_dependencies_and_the_policy_may_mute() {
    let outage = "2m db 10/s 50%
                  8m db 10/s 50%, shop 10/s 50%
                  10m db 10/s";
    let mut scene = two();
    scene.play(outage);
    let told = scene.notifications();
    let (_, shop) = told
        .iter()
        .find(|(_, told)| told.facts.service == "shop")
        .unwrap();
    let named: Vec<String> = shop
        .facts
        .dependencies
        .iter()
        .map(|d| d.slo.to_string())
        .collect();
    assert_eq!(named, ["db/availability"]);
    assert_eq!(shop.facts.dependencies[0].since, told[0].1.facts.started_at);
    scene.expect(
        "2m pager trigger db/availability/page: Burning 1h/5m
         4m pager trigger shop/availability/page: Burning 1h/5m
         16m pager resolve db/availability/page: Recovered 1h/5m",
    );
    let mut scene = two();
    scene.recipients.dependencies = DependencyPolicy::Mute;
    scene.configure();
    scene.play(outage);
    scene.expect(
        "2m pager trigger db/availability/page: Burning 1h/5m
         16m pager resolve db/availability/page: Recovered 1h/5m
         16m pager trigger shop/availability/page: Unmuted 1h/5m",
    );
}

#[test]
fn maintenance_and_rest_end_at_their_minute() {
    // Scenes begin at midnight UTC.
    let first_minutes = TimeInterval {
        times: vec![(0, 7)],
        ..TimeInterval::always(Zone::utc())
    };
    let mut maintained = one();
    maintained.recipients.maintenance = vec![Maintenance {
        name: "backup".to_owned(),
        matchers: vec![matcher("slo", "availability")],
        when: MaintenanceTime::Recurring(vec![first_minutes.clone()]),
        exclude_from_budget: false,
    }];
    let mut resting = one();
    let named = BTreeMap::from([("early".to_owned(), vec![first_minutes])]);
    resting.recipients.intervals = named;
    for route in &mut resting.recipients.root.routes {
        route.mute_intervals = vec!["early".to_owned()];
    }
    for (mut scene, word) in [(maintained, "maintenance"), (resting, "interval")] {
        scene.configure();
        scene.play("10m shop 10/s 50%");
        scene.expect("7m pager trigger shop/availability/page: Unmuted 1h/5m");
        let page = "shop/availability/page";
        let expect = [format!("2m {page} [{word:?}]"), format!("7m {page} []")];
        assert_eq!(mutes(&scene), expect);
    }
}

#[test]
fn maintenance_may_be_left_out_of_the_budget_but_not_out_of_the_burn() {
    let play = |exclude_from_budget: bool| {
        let mut scene = one();
        scene.recipients.maintenance = vec![Maintenance {
            name: "upgrade".to_owned(),
            matchers: vec![matcher("service", "shop")],
            when: MaintenanceTime::Once {
                from: scene.now,
                until: scene.now + Span::from_mins(7),
            },
            exclude_from_budget,
        }];
        scene.configure();
        scene.play("10m shop 10/s 50%");
        let evaluation = evaluation(&scene);
        (evaluation.budget.unwrap(), evaluation.readings.clone())
    };
    let ((all, burn), (part, same_burn)) = (play(false), play(true));
    assert_eq!(burn, same_burn);
    // The scrapes up to 6m55s found 2 075 of the 2 975 bad requests.
    let share = part.consumed / all.consumed;
    assert!((share - 900.0 / 2975.0).abs() < 0.001, "{share}");
    assert!(part.remaining > all.remaining);
}
