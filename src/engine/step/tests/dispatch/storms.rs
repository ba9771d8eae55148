//! Storms: many pages become one thread, and none is lost.

use super::*;

fn stormy(names: &[&str], pages: u32) -> Scene {
    let mut scene = scene(names, alone(&["pager"]));
    let pager = storm(pages, "10m");
    scene.recipients.receivers = BTreeMap::from([("pager".to_owned(), pager)]);
    scene.configure();
    scene
}

#[test]
fn pages_beyond_the_limit_become_one_thread() {
    let mut scene = stormy(&["p1", "p2", "p3", "p4", "p5"], 2);
    scene.play("30s p1 10/s 100%, p2 10/s 100%, p3 10/s 100%, p4 10/s 100%");
    scene.expect(
        "30s pager trigger p1/availability/page: Burning 4m/1m
         30s pager trigger p2/availability/page: Burning 4m/1m
         30s pager trigger storm:pager: Burning [p3]",
    );
    scene.play("30s p5 10/s 100%");
    scene.expect("1m pager update storm:pager: GroupChanged [p3 p4]");
    scene.restart();
    scene.play("2m p1 10/s, p3 10/s");
    scene.expect(
        "1m30s pager update storm:pager: GroupChanged [p3 p4 p5]
         2m30s pager resolve p1/availability/page: Recovered 4m/1m
         2m30s pager update storm:pager: GroupChanged [-p3 p4 p5]",
    );
    // Once more while it lasts: it joins.
    scene.play("30s p3 10/s 100%");
    scene.expect("3m30s pager update storm:pager: GroupChanged [p4 p5 p3]");
    scene.play("15m p3 10/s, p4 10/s, p5 10/s");
    scene.expect(
        "5m pager update storm:pager: GroupChanged [p4 p5 -p3]
         5m30s pager resolve storm:pager: Recovered [-p4 -p5]",
    );
    assert_eq!(scene.engine.threads().count(), 0);
    // It is over, and the window too: by itself again.
    scene.play("30s p4 10/s 100%");
    scene.expect("19m pager trigger p4/availability/page: Burning 4m/1m");
}

#[test]
fn a_storm_of_a_hundred_is_told_in_bounded_lists() {
    let names: Vec<String> = (0..100).map(|n| format!("p{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut scene = stormy(&names, 0);
    let all = |rate: &str| {
        let each: Vec<String> = names.iter().map(|name| format!("{name} {rate}")).collect();
        each.join(", ")
    };
    scene.play(&format!("1m {}", all("10/s 100%")));
    let told = scene.notifications();
    let groups: Vec<_> = told
        .iter()
        .map(|(_, n)| n.group.as_ref().unwrap())
        .collect();
    assert_eq!(told.len(), 2);
    assert_eq!((groups[0].firing, groups[0].omitted), (1, 0));
    assert_eq!((groups[1].firing, groups[1].omitted), (100, 50));
    assert_eq!(groups[1].members.len(), 50);
    // Those of which the receiver had not heard are among the fifty.
    let known = &groups[0].members[0].key;
    assert!(groups[1].members.iter().all(|member| member.key != *known));
    scene.play(&format!("5m {}", all("10/s")));
    let (_, last) = scene.notifications().pop().unwrap();
    assert_eq!(last.kind, NotificationKind::Resolve);
    assert_eq!(last.group.unwrap().firing, 0);
}

#[test]
fn a_page_that_was_told_by_itself_keeps_its_own_end() {
    let mut scene = stormy(&["p1", "p2"], 1);
    scene.play(
        "1m p1 10/s 100%
         1m p2 10/s 100%
         2m p1 10/s, p2 10/s",
    );
    scene.expect(
        "30s pager trigger p1/availability/page: Burning 4m/1m
         1m30s pager trigger storm:pager: Burning [p2]
         3m30s pager resolve p1/availability/page: Recovered 4m/1m
         3m30s pager resolve storm:pager: Recovered [-p2]",
    );
}

#[test]
fn tickets_and_repeats_make_no_storm() {
    let mut scene = stormy(&["t1", "t2", "p1"], 1);
    scene.recipients.root.repeat_interval = Some(Span::from_mins(2));
    scene.configure();
    scene.play("3m t1 10/s 100%, t2 10/s 100%, p1 10/s 100%");
    let storms = scene.notifications();
    assert_eq!(storms.len(), 6);
    assert!(storms.iter().all(|(_, n)| n.group.is_none()));
}

#[test]
fn groups_of_pages_make_a_storm_too() {
    let mut scene = stormy(&["p1", "p2", "p3"], 1);
    scene.recipients.root.group_by = GroupBy::Labels(vec!["service".to_owned()]);
    scene.configure();
    scene.play("30s p1 10/s 100%, p2 10/s 100%, p3 10/s 100%");
    scene.expect(
        r#"30s pager trigger group:all/pager{service="p1"}: Burning [p1]
           30s pager trigger storm:pager: Burning [p2]"#,
    );
    scene.play("30s p1 10/s 100%");
    scene.expect("1m pager update storm:pager: GroupChanged [p2 p3]");
}

#[test]
fn a_page_after_the_storm_rings_by_itself_though_alerts_of_the_storm_are_up() {
    let mut scene = stormy(&["p1", "p2", "p3", "p4"], 1);
    scene.play("30s p1 10/s 100%, p2 10/s 100%");
    scene.play("8m p1 10/s");
    scene.expect(
        "30s pager trigger p1/availability/page: Burning 4m/1m
         30s pager trigger storm:pager: Burning [p2]
         2m pager resolve p1/availability/page: Recovered 4m/1m",
    );
    // The storm counts what it took: it is not over before nothing came for ten minutes.
    scene.play("30s p3 10/s 100%");
    scene.expect("9m pager update storm:pager: GroupChanged [p2 p3]");
    scene.restart();
    scene.play("10m p3 10/s 100%");
    scene.play("30s p4 10/s 100%");
    scene.expect("19m30s pager trigger p4/availability/page: Burning 4m/1m");
    scene.play("2m p2 10/s, p3 10/s, p4 10/s");
    scene.expect(
        "21m pager update storm:pager: GroupChanged [-p2 p3]
         21m pager resolve p4/availability/page: Recovered 4m/1m
         21m30s pager resolve storm:pager: Recovered [-p3]",
    );
}
