//! Silences, maintenance and dependencies.

use serde_json::{Value, json};
use slofuse::engine::Span;
use slofuse::message::figures::rfc3339;

use super::estate::{Estate, LIMIT, ask, heard, said, slo, webhook};
use crate::bed::daemon::Daemon;
use crate::bed::{Receiver, clock, wait};

/// Waits until the alert of the service fires and is quiet for a reason of this kind; its words.
async fn muted(daemon: &Daemon, service: &str, kind: &str) -> String {
    wait::until(&format!("{service} to be muted"), LIMIT, async || {
        let alerts = daemon.get_json("/api/v1/alerts").await;
        let all = alerts["alerts"].as_array()?.iter();
        let mut mine = all.filter(|alert| alert["service"] == service);
        let alert = mine.find(|alert| alert["state"] == "firing")?;
        let mutes = alert["mutes"].as_array()?.iter();
        let mute = mutes.clone().find(|mute| mute["kind"] == kind)?;
        mute["words"].as_str().map(str::to_owned)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_holds_across_a_crash_and_swallows_no_end() {
    let estate = Estate::open(&["checkout"]).await;
    let room = Receiver::webhook().await;
    let settings = json!({
        "receivers": [webhook("room", &room)],
        "routes": {"default": ["room"]},
    });
    let mut daemon = estate.watch(settings, vec![slo("checkout", "page")]).await;
    let add = |daemon: &Daemon| {
        let silence = [
            "silence",
            "add",
            "service=checkout",
            "--duration=2h",
            "--author=ann",
            "--comment=a new till",
        ];
        ask(daemon, &silence).trim().to_owned()
    };
    let id = add(&daemon);
    let listed = ask(&daemon, &["silence", "list"]);
    assert!(
        listed.contains(&id) && listed.contains("a new till"),
        "{listed}"
    );

    estate.break_down("checkout");
    let words = muted(&daemon, "checkout", "silence").await;
    assert!(
        words.contains(&id) && words.contains("a new till"),
        "{words}"
    );
    let loud = ask(&daemon, &["alerts"]);
    assert_eq!(
        loud,
        "no alerts\n1 more is quiet or pending: --all shows them and why\n"
    );
    let explained = ask(&daemon, &["alerts", "--all"]);
    assert!(explained.contains("a new till"), "{explained}");
    daemon.kill9();
    daemon.restart().await;
    muted(&daemon, "checkout", "silence").await;
    estate.pass().await;
    assert_eq!(said(&room.requests()), Vec::<String>::new());
    assert!(ask(&daemon, &["silence", "list"]).contains(&id));

    let ended = ask(&daemon, &["silence", "expire", &id]);
    assert_eq!(ended, format!("{id} ended\n"));
    let told = heard(&room, &["firing checkout:firing"]).await;
    assert_eq!(told[0].body["alerts"][0]["labels"]["slo"], "availability");

    add(&daemon);
    muted(&daemon, "checkout", "silence").await;
    estate.recover("checkout");
    let end = "resolved checkout:resolved";
    heard(&room, &["firing checkout:firing", end]).await;
    let expired = ask(&daemon, &["silence", "list", "--expired"]);
    assert!(expired.contains(&id), "{expired}");
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_is_quiet_and_a_page_names_what_it_depends_on() {
    let estate = Estate::open(&["database", "checkout", "reports"]).await;
    let room = Receiver::webhook().await;
    let hour = Span::from_hours(1);
    let now = clock::now();
    let settings = json!({
        "receivers": [webhook("room", &room)],
        "routes": {"default": ["room"]},
        "maintenance": [{
            "name": "new-disks",
            "matchers": ["service=reports"],
            "from": rfc3339(now - hour),
            "until": rfc3339(now + hour),
        }],
    });
    let mut checkout = slo("checkout", "page");
    checkout["spec"]["depends_on"] = json!(["database/availability"]);
    let definitions = vec![slo("database", "page"), checkout, slo("reports", "page")];
    let daemon = estate.watch(settings, definitions).await;

    estate.break_down("reports");
    estate.break_down("database");
    heard(&room, &["firing database:firing"]).await;
    estate.break_down("checkout");
    let told = heard(&room, &["firing database:firing", "firing checkout:firing"]).await;
    let annotations = told[1].body["alerts"][0]["annotations"].to_string();
    assert!(
        annotations.contains("database/availability"),
        "{annotations}"
    );
    let words = muted(&daemon, "reports", "maintenance").await;
    assert!(words.contains("new-disks"), "{words}");
    let alerts = daemon.get_json("/api/v1/alerts").await;
    let all = alerts["alerts"].as_array().expect("a list").iter();
    let mut mine = all.filter(|alert| alert["service"] == "checkout");
    let causes = mine.next().map(|alert| &alert["dependencies"][0]["slo"]);
    assert_eq!(causes, Some(&Value::from("database/availability")));

    estate.recover("reports");
    estate.recover("database");
    estate.recover("checkout");
    room.wait_for("both ends", LIMIT, |all| all.len() == 4)
        .await;
    estate.pass().await;
    let about = said(&room.requests());
    assert!(
        !about.iter().any(|one| one.contains("reports")),
        "{about:?}"
    );
}
