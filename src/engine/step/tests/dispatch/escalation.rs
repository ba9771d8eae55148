//! Who else is told when nobody looks after a page.

use super::*;

const P1: &str = "slofuse/p1/availability/page";

fn escalating(names: &[&str], root: Route) -> Scene {
    let step = |after, who: &[&str]| EscalationStep {
        after: Span::from_mins(after),
        receivers: receivers(who),
    };
    let root = Route {
        escalation: vec![step(5, &["lead"]), step(10, &["boss", "pager"])],
        ..root
    };
    scene(names, root)
}

#[test]
fn a_page_that_nobody_looks_after_is_told_to_more_people() {
    let mut scene = escalating(&["p1", "t1"], alone(&["pager"]));
    scene.play("7m p1 10/s 100%, t1 10/s 100%");
    scene.expect(
        "30s pager trigger p1/availability/page: Burning 4m/1m
         30s pager trigger t1/availability/ticket: Burning 4m/1m
         5m30s lead trigger p1/availability/page: nobody for 5m 4m/1m",
    );
    scene.restart();
    scene.play("10m p1 10/s 100%");
    scene.expect(
        "10m30s pager update p1/availability/page: nobody for 10m 4m/1m
         10m30s boss trigger p1/availability/page: nobody for 10m 4m/1m",
    );
    scene.play("2m p1 10/s");
    scene.expect(
        "18m30s boss resolve p1/availability/page: Recovered 4m/1m
         18m30s lead resolve p1/availability/page: Recovered 4m/1m
         18m30s pager resolve p1/availability/page: Recovered 4m/1m",
    );
}

#[test]
fn looking_after_it_ends_the_escalation_and_giving_up_begins_it_anew() {
    let mut scene = escalating(&["p1"], alone(&["pager"]));
    scene.play("3m p1 10/s 100%");
    acknowledge(&mut scene, P1);
    acknowledge(&mut scene, "slofuse/nothing/of/the/kind");
    let record = scene.engine.alerts().next().unwrap();
    assert_eq!(record.facts.acknowledged.as_ref().unwrap().by, "ann");
    scene.restart();
    scene.play("20m p1 10/s 100%");
    let record = scene.engine.alerts().next().unwrap();
    assert!(
        record.facts.acknowledged.is_some(),
        "slots do not forget it"
    );
    scene.expect(
        "30s pager trigger p1/availability/page: Burning 4m/1m
         3m pager update p1/availability/page: ann looks after it 4m/1m",
    );
    unacknowledge(&mut scene, P1);
    scene.play("6m p1 10/s 100%");
    scene.expect("28m lead trigger p1/availability/page: nobody for 5m 4m/1m");
    acknowledge(&mut scene, P1);
    scene.play("2m p1 10/s");
    scene.expect(
        "29m lead update p1/availability/page: ann looks after it 4m/1m
         29m pager update p1/availability/page: ann looks after it 4m/1m
         30m30s lead resolve p1/availability/page: Recovered 4m/1m
         30m30s pager resolve p1/availability/page: Recovered 4m/1m",
    );
}

#[test]
fn a_group_is_looked_after_as_a_whole_by_its_key() {
    let mut scene = escalating(&["p1", "p2"], together());
    scene.play("2m p1 10/s 100%, p2 10/s 100%");
    scene.expect(
        "30s chat trigger group:all/chat: Burning [p1]
         30s chat update group:all/chat: GroupChanged [p1 p2]",
    );
    acknowledge(&mut scene, "slofuse/group:all/chat");
    scene.expect("2m chat update group:all/chat: ann looks after it [p1 p2]");
    let looked_after = |r: &AlertRecord| r.facts.acknowledged.is_some();
    assert!(scene.engine.alerts().all(looked_after));
    scene.play("20m p1 10/s 100%");
    scene.expect("");
    unacknowledge(&mut scene, "slofuse/group:all/chat");
    scene.play("5m p1 10/s 100%");
    scene.expect(
        "27m lead trigger p1/availability/page: nobody for 5m 4m/1m
         27m lead trigger p2/availability/page: nobody for 5m 4m/1m",
    );
}

#[test]
fn a_muted_page_is_not_escalated() {
    let mut scene = escalating(&["p1"], alone(&["pager"]));
    scene.play("2m p1 10/s 100%");
    silence(&mut scene, "1", "p1", "10m");
    scene.play("9m p1 10/s 100%");
    scene.expect("30s pager trigger p1/availability/page: Burning 4m/1m");
    scene.play("2m p1 10/s 100%");
    scene.expect(
        "12m pager update p1/availability/page: nobody for 10m 4m/1m
         12m lead trigger p1/availability/page: nobody for 5m 4m/1m
         12m boss trigger p1/availability/page: nobody for 10m 4m/1m",
    );
}

#[test]
fn a_group_says_that_nobody_looks_after_a_page_though_a_reminder_is_due_too() {
    let step = EscalationStep {
        after: Span::from_mins(5),
        receivers: receivers(&["chat"]),
    };
    let root = Route {
        repeat_interval: Some(Span::from_mins(5)),
        escalation: vec![step],
        ..together()
    };
    let mut scene = scene(&["p1", "t1"], root);
    scene.play("30s p1 10/s 100%, t1 10/s 100%");
    scene.wait("5m");
    scene.expect(
        "30s chat trigger group:all/chat: Burning [p1]
         5m30s chat update group:all/chat: nobody for 5m [p1 t1]",
    );
}
