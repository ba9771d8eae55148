//! News of an alert that is up: who hears of them, when, and by which words.

use super::*;

/// An SLO with two tiers: 3 % of failures burn the slow one, all of them the fast one as well.
fn stepped(name: &str) -> Slo {
    let mut definition = quick(name);
    let policy = Arc::make_mut(&mut definition.policy);
    let mut fast = tier(policy.tiers[0].severity, 4, 2, 100.0);
    fast.labels = BTreeMap::from([("speed".to_owned(), "fast".to_owned())]);
    policy.tiers.insert(0, fast);
    definition.reach = Reach::new(&definition.policy, &definition.period);
    definition
}

fn stepped_scene(root: Route) -> Scene {
    let mut scene = Scene::new(vec![stepped("t1")], &["t1"]);
    scene.recipients = routing(root);
    scene.configure();
    scene
}

#[test]
fn news_that_fall_into_a_silence_are_told_when_it_ends() {
    for group in [false, true] {
        let root = if group { together() } else { alone(&["chat"]) };
        let mut scene = stepped_scene(root);
        scene.play("4m t1 10/s 3%");
        scene.expect(match group {
            false => "1m30s chat trigger t1/availability/ticket: Burning 4m/1m",
            true => "2m30s chat trigger group:all/chat: Burning [t1]",
        });
        silence(&mut scene, "1", "t1", "5m");
        scene.play("2m t1 10/s 100%");
        scene.restart();
        scene.play("2m t1 10/s 100%");
        scene.expect("");
        scene.play("30m t1 10/s 100%");
        scene.expect(match group {
            false => "9m chat update t1/availability/ticket: MoreTiers 4m/2m 4m/1m",
            true => "9m chat update group:all/chat: GroupChanged [t1]",
        });
    }
}

#[test]
fn whoever_hears_of_an_alert_for_its_new_labels_hears_why() {
    let fast = Route {
        matchers: vec![crate::engine::labels::Matcher {
            name: "speed".to_owned(),
            op: crate::engine::labels::MatchOp::Equal("fast".to_owned()),
        }],
        ..alone(&["boss"])
    };
    let mut scene = stepped_scene(Route {
        name: "root".to_owned(),
        routes: vec![fast],
        ..alone(&["chat"])
    });
    scene.play("4m t1 10/s 3%");
    scene.play("2m t1 10/s 100%");
    scene.restart();
    scene.play("5m t1 10/s");
    scene.expect(
        "1m30s chat trigger t1/availability/ticket: Burning 4m/1m
         4m30s boss trigger t1/availability/ticket: MoreTiers 4m/2m 4m/1m
         8m boss resolve t1/availability/ticket: Recovered 4m/2m 4m/1m
         8m chat resolve t1/availability/ticket: Recovered 4m/2m 4m/1m",
    );
}
