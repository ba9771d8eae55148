//! What takes a minute: escalation, whose shortest wait that is, and heartbeats.

use std::time::Duration;

use serde_json::json;

use super::estate::{Estate, LIMIT, ask, heard, said, slo, webhook};
use crate::bed::{Receiver, wait};

/// The shortest time after which a page may be escalated, and what a busy machine adds.
const ESCALATED_WITHIN: Duration = Duration::from_secs(110);

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_escalated_and_a_heart_stops() {
    tokio::join!(
        a_page_that_nobody_acknowledges_is_escalated(),
        a_heart_beats_only_while_slots_are_decided()
    );
}

async fn a_page_that_nobody_acknowledges_is_escalated() {
    let estate = Estate::open(&["checkout", "search"]).await;
    let (first, second) = (Receiver::webhook().await, Receiver::webhook().await);
    let settings = json!({
        "receivers": [webhook("first", &first), webhook("second", &second)],
        "route": {
            "receivers": ["first"],
            "escalate": [{"after": "1m", "receivers": ["second"]}],
        },
    });
    let definitions = vec![slo("checkout", "page"), slo("search", "page")];
    let daemon = estate.watch(settings, definitions).await;

    estate.break_down("search");
    heard(&first, &["firing search:firing"]).await;
    ask(
        &daemon,
        &[
            "ack",
            "search/availability/page",
            "--by",
            "ann",
            "--note",
            "on it",
        ],
    );
    let acknowledged = ["firing search:firing", "firing search:firing"];
    heard(&first, &acknowledged).await;
    estate.break_down("checkout");
    heard(
        &first,
        &[&acknowledged[..], &["firing checkout:firing"]].concat(),
    )
    .await;
    second
        .wait_for("the escalation", ESCALATED_WITHIN, |all| !all.is_empty())
        .await;
    let escalated = heard(&second, &["firing checkout:firing"]).await;
    let trigger = first.requests()[2].at;
    let after = escalated[0].at.since(trigger).as_secs_f64();
    assert!(after > 58.0, "{after} s");

    let said_so = ask(
        &daemon,
        &["ack", "slofuse/checkout/availability/page", "--by", "ben"],
    );
    assert!(said_so.contains("is looked after"), "{said_so}");
    let known = heard(&second, &["firing checkout:firing"; 2]).await;
    assert!(known[1].body.to_string().contains("ben looks after it"));
    let listed = ask(&daemon, &["alerts"]);
    assert!(listed.contains("looked after by ann: on it"), "{listed}");

    estate.recover("checkout");
    estate.recover("search");
    let end = "resolved checkout:resolved";
    heard(
        &second,
        &["firing checkout:firing", "firing checkout:firing", end],
    )
    .await;
    let ends = |all: &[_]| {
        said(all)
            .iter()
            .filter(|one| one.starts_with("resolved"))
            .count()
    };
    first
        .wait_for("both ends", LIMIT, |all| ends(all) == 2)
        .await;
    assert_eq!(
        first.requests().len(),
        6,
        "a trigger, an acknowledgement and an end of each: {:#?}",
        said(&first.requests())
    );
}

async fn a_heart_beats_only_while_slots_are_decided() {
    let mut estate = Estate::open(&["checkout"]).await;
    let (room, monitor) = (Receiver::webhook().await, Receiver::webhook().await);
    let settings = json!({
        "receivers": [webhook("room", &room)],
        "routes": {"default": ["room"]},
        "heartbeats": [{"name": "monitor", "url": monitor.url("/ping"), "interval": "10s"}],
    });
    let daemon = estate
        .watch(settings, vec![slo("checkout", "nervous")])
        .await;
    monitor
        .wait_for("two beats", LIMIT, |all| all.len() == 2)
        .await;

    estate.prometheus.kill();
    let withheld = r#"slofuse_heartbeats_total{heartbeat="monitor",outcome="withheld"}"#;
    let count = async || {
        let metrics = daemon.api().get_text("/metrics").await;
        let mut lines = metrics.lines().map(str::to_owned);
        let line = lines.find_map(|line| line.strip_prefix(withheld).map(str::to_owned));
        let line = line.unwrap_or_else(|| panic!("{metrics}"));
        line.trim().parse::<f64>().expect("a number")
    };
    let before = count().await;
    wait::until("a beat to be withheld", LIMIT, async || {
        (count().await > before).then_some(())
    })
    .await;
    let beats = monitor.requests().len();
    assert!((2..=3).contains(&beats), "{beats}");
    let between = count().await;
    wait::until("another one", LIMIT, async || {
        (count().await > between).then_some(())
    })
    .await;
    assert_eq!(monitor.requests().len(), beats, "silence is the alarm");

    estate.prometheus.restart().await;
    monitor
        .wait_for("the heart to go on", LIMIT, |all| all.len() > beats)
        .await;
    wait::until("the log to say so", LIMIT, async || {
        daemon.log().contains("Heartbeat goes on").then_some(())
    })
    .await;
}
