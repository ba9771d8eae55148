//! Groups: who waits for whom, and for how long.

use super::*;

#[test]
fn a_group_waits_then_tells_what_is_new_at_intervals() {
    let mut scene = scene(&["t1", "t2", "t3"], together());
    scene.play(
        "30s t1 10/s 100%
         30s t2 10/s 100%
         30s t1 10/s 100%",
    );
    scene.expect("1m30s chat trigger group:all/chat: Burning [t1 t2]");
    scene.play("30s t3 10/s 100%");
    scene.play(
        "1m t1 10/s
         4m t2 10/s 100%",
    );
    scene.expect("6m30s chat update group:all/chat: GroupChanged [-t1 t2 t3]");
    scene.play("5m t2 10/s 100%");
    scene.expect("");
    // The interval is long over when the first of them ends; the last waits for the next one.
    scene.play("7m t2 10/s, t3 10/s");
    let (_, resolve) = scene.notifications().pop().unwrap();
    scene.expect(
        "13m30s chat update group:all/chat: GroupChanged [-t2 t3]
         18m30s chat resolve group:all/chat: Recovered [-t3]",
    );
    assert_eq!(scene.engine.threads().count(), 0);
    // A new episode of the same thread.
    scene.play("2m t3 10/s 100%");
    let (_, again) = scene.notifications().swap_remove(0);
    assert_eq!((again.sequence, again.kind), (1, NotificationKind::Trigger));
    assert_eq!(
        (resolve.sequence, again.dedup_key()),
        (4, resolve.dedup_key())
    );
    assert!(again.episode > resolve.episode);
    scene.expect("20m30s chat trigger group:all/chat: Burning [t3]");
}

#[test]
fn alerts_with_different_values_are_told_apart() {
    let by_service = Route {
        group_by: GroupBy::Labels(vec!["service".to_owned()]),
        ..together()
    };
    let mut scene = scene(&["t1", "t2"], by_service);
    scene.play("2m t1 10/s 100%, t2 10/s 100%");
    scene.expect(
        r#"1m30s chat trigger group:all/chat{service="t2"}: Burning [t2]
           1m30s chat trigger group:all/chat{service="t1"}: Burning [t1]"#,
    );
}

#[test]
fn a_page_waits_for_nobody() {
    let mut scene = scene(&["p1", "p2", "t1"], together());
    scene.play(
        "30s t1 10/s 100%
         30s p1 10/s 100%
         30s p2 10/s 100%",
    );
    scene.expect(
        "1m chat trigger group:all/chat: Burning [p1 t1]
         1m30s chat update group:all/chat: GroupChanged [p1 p2 t1]",
    );
    scene.play("2m p1 10/s");
    scene.expect("3m chat update group:all/chat: GroupChanged [-p1 p2 t1]");
    scene.play("2m p2 10/s, t1 10/s");
    scene.expect("5m chat update group:all/chat: GroupChanged [-p2 t1]");
}

#[test]
fn what_ends_before_it_was_told_ends_in_silence() {
    let root = Route {
        group_wait: Span::from_mins(10),
        ..together()
    };
    let mut scene = scene(&["t1"], root);
    scene.play(
        "2m t1 10/s 100%
         10m t1 10/s",
    );
    scene.expect("");
    assert_eq!(scene.engine.threads().count(), 0);
}

#[test]
fn a_receiver_that_wants_no_ends_hears_of_none_and_of_a_new_beginning() {
    let mut scene = scene(&["t1", "t2"], together());
    let chat = Recipient {
        name: "chat".to_owned(),
        send_resolved: false,
        storm: None,
    };
    scene.recipients.receivers = BTreeMap::from([("chat".to_owned(), chat)]);
    scene.configure();
    scene.play(
        "2m t1 10/s 100%, t2 10/s 100%
         10m t1 10/s
         10m t2 10/s",
    );
    scene.expect("1m30s chat trigger group:all/chat: Burning [t1 t2]");
    assert_eq!(scene.engine.threads().count(), 0);
    scene.play("2m t1 10/s 100%");
    scene.expect("23m30s chat trigger group:all/chat: Burning [t1]");
}

/// The outbox keeps it from the receiver, and has it for who heard of the alert in its place.
#[test]
fn an_end_that_only_a_fallback_wants_is_told_and_no_update_more() {
    for root in [together(), alone(&["chat"])] {
        let mut scene = scene(&["t1"], root);
        let chat = Recipient {
            name: "chat".to_owned(),
            send_resolved: false,
            storm: None,
        };
        scene.recipients.receivers = BTreeMap::from([("chat".to_owned(), chat)]);
        scene.recipients.ends_for_fallbacks = BTreeSet::from(["chat".to_owned()]);
        scene.configure();
        scene.play(
            "2m t1 10/s 100%
             12m t1 10/s",
        );
        let told = scene.notifications();
        let kinds: Vec<&str> = told.iter().map(|(_, n)| n.kind.as_str()).collect();
        assert_eq!(kinds, ["trigger", "resolve"]);
    }
}

#[test]
fn an_alert_is_repeated_while_it_burns_and_nobody_looks_after_it() {
    for group in [false, true] {
        let root = Route {
            repeat_interval: Some(Span::from_mins(10)),
            labels: BTreeMap::from([("team".to_owned(), "shop".to_owned())]),
            ..if group { together() } else { alone(&["chat"]) }
        };
        let mut scene = scene(&["p1"], root);
        scene.play("12m p1 10/s 100%");
        let team = |(_, n): &(Timestamp, Notification)| n.route_labels["team"] == "shop";
        assert!(scene.notifications().iter().all(team));
        let (key, list) = match group {
            true => ("group:all/chat", " [p1]"),
            false => ("p1/availability/page", " 4m/1m"),
        };
        scene.expect(&format!(
            "30s chat trigger {key}: Burning{list}
             10m30s chat update {key}: Repeated{list}"
        ));
        scene.restart();
        scene.play("9m p1 10/s 100%");
        scene.expect(&format!("20m30s chat update {key}: Repeated{list}"));
        acknowledge(&mut scene, "slofuse/p1/availability/page");
        scene.expect(&format!("21m chat update {key}: ann looks after it{list}"));
        scene.play("30m p1 10/s 100%");
        scene.expect("");
        unacknowledge(&mut scene, "slofuse/p1/availability/page");
        silence(&mut scene, "1", "p.*", "1h");
        scene.play("30m p1 10/s 100%");
        scene.play("2m p1 10/s");
        let list = list.replace("[p1]", "[-p1]");
        scene.expect(&format!(
            "51m chat update {key}: Repeated{}
             1h22m30s chat resolve {key}: Recovered{list}",
            list.replace('-', "")
        ));
    }
}

#[test]
fn whoever_is_muted_waits_outside_and_is_told_when_the_mute_ends() {
    let mut scene = scene(&["t1", "t2"], together());
    silence(&mut scene, "1", "t1", "5m");
    scene.play("3m t1 10/s 100%, t2 10/s 100%");
    scene.expect("1m30s chat trigger group:all/chat: Burning [t2]");
    scene.play("5m t1 10/s 100%");
    scene.expect("6m30s chat update group:all/chat: GroupChanged [t1 t2]");
    // Announced, then muted: its end is told all the same.
    silence(&mut scene, "2", "t1|t2", "1h");
    scene.play("10m t1 10/s, t2 10/s");
    scene.expect("11m30s chat resolve group:all/chat: Recovered [-t1 -t2]");
    assert_eq!(
        mutes(&scene),
        [
            "30s t1/availability/ticket [silence]",
            "5m t1/availability/ticket []",
            "8m t1/availability/ticket [silence]",
            "8m t2/availability/ticket [silence]",
        ]
    );
}

#[test]
fn a_member_that_is_muted_before_the_group_is_told_leaves_it() {
    let mut scene = scene(&["t1", "t2"], together());
    scene.play("30s t1 10/s 100%, t2 10/s 100%");
    silence(&mut scene, "1", "t1", "10m");
    scene.play("2m t1 10/s 100%");
    scene.expect("1m30s chat trigger group:all/chat: Burning [t2]");
    // Alone: the thread that nobody heard of is forgotten.
    let mut scene = self::scene(&["t1"], together());
    scene.play("30s t1 10/s 100%");
    silence(&mut scene, "1", "t1", "10m");
    assert_eq!(scene.engine.threads().count(), 0);
    scene.play("2m t1 10/s 100%");
    scene.expect("");
}

#[test]
fn an_alert_by_itself_is_told_when_its_mute_ends() {
    let mut scene = scene(&["p1"], alone(&["a", "b"]));
    silence(&mut scene, "1", "p1", "5m");
    scene.play("6m p1 10/s 100%");
    scene.expect(
        "5m a trigger p1/availability/page: Unmuted 4m/1m
         5m b trigger p1/availability/page: Unmuted 4m/1m",
    );
    silence(&mut scene, "1", "p1", "1h");
    scene.restart();
    scene.play("3m p1 10/s");
    scene.expect(
        "7m30s a resolve p1/availability/page: Recovered 4m/1m
         7m30s b resolve p1/availability/page: Recovered 4m/1m",
    );
}

#[test]
fn a_reload_moves_only_those_that_nobody_heard_of() {
    let mut scene = scene(&["t1", "t2"], together());
    scene.play(
        "90s t1 10/s 100%
         30s t2 10/s 100%",
    );
    scene.expect("1m30s chat trigger group:all/chat: Burning [t1]");
    // The thread has another name now; t2 is told there, by the new times, and t1 stays.
    scene.recipients.root.name = "new".to_owned();
    scene.recipients.root.receivers = receivers(&["chat", "late"]);
    scene.configure();
    scene.play("2m t1 10/s 100%");
    scene.expect(
        "3m chat trigger group:new/chat: Burning [t2]
         3m late trigger group:new/late: Burning [t1 t2]",
    );
    scene.recipients = routing(Route::default());
    scene.configure();
    scene.restart();
    scene.play("9m t1 10/s, t2 10/s");
    scene.expect(
        "5m30s chat resolve group:all/chat: Recovered [-t1]
         5m30s late update group:new/late: GroupChanged [-t1 t2]
         5m30s chat resolve group:new/chat: Recovered [-t2]
         5m30s late resolve group:new/late: Recovered [-t2]",
    );
}

#[test]
fn a_receiver_of_several_routes_is_told_once() {
    let mut first = together();
    first.continues = true;
    let mut second = alone(&["chat", "pager"]);
    second.name = "second".to_owned();
    let root = Route {
        routes: vec![first, second],
        ..Route::default()
    };
    let mut scene = scene(&["p1"], root);
    scene.play("5m p1 10/s 100%");
    scene.expect(
        "30s pager trigger p1/availability/page: Burning 4m/1m
         30s chat trigger group:all/chat: Burning [p1]",
    );
}

#[test]
fn a_clock_that_goes_back_holds_nothing_up() {
    let root = Route {
        repeat_interval: Some(Span::from_mins(10)),
        ..together()
    };
    let mut scene = scene(&["t1", "p1"], root);
    scene.play("30s t1 10/s 100%");
    // Before the group is told: it does not wait for the clock to come back.
    let slots = scene.now;
    scene.now = slots - Span::from_hours(3);
    scene.wait("1s");
    let told = scene.notifications();
    assert_eq!(told.len(), 1, "{told:?}");
    scene.expect("0s chat trigger group:all/chat: Burning [t1]");
    // The repeat counts from what was told, by the new clock.
    scene.wait("10m");
    scene.expect("0s chat update group:all/chat: Repeated [t1]");
    scene.now = scene.now - Span::from_hours(3);
    scene.wait("9m");
    scene.expect("");
    scene.wait("2m");
    scene.expect("0s chat update group:all/chat: Repeated [t1]");
    // Forward: once.
    scene.now = slots + Span::from_hours(5);
    scene.wait("1m");
    scene.expect("5h31s chat update group:all/chat: Repeated [t1]");
}
