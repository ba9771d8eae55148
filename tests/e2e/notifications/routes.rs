//! The tree of routes, groups and owners.

use std::collections::BTreeSet;

use serde_json::json;

use super::estate::{Estate, ask, heard, run, said, slo, webhook};
use crate::bed::Receiver;

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_team_are_one_group_and_tickets_go_to_the_owner() {
    let estate = Estate::open(&["checkout", "search", "reports"]).await;
    let (room, owner, rest) = (
        Receiver::webhook().await,
        Receiver::webhook().await,
        Receiver::webhook().await,
    );
    let settings = json!({
        "receivers": [webhook("room", &room), webhook("owner", &owner), webhook("rest", &rest)],
        "route": {
            "receivers": ["rest"],
            "routes": [
                {
                    "name": "pages",
                    "matchers": [r#"slofuse_severity="page""#],
                    "receivers": ["room"],
                    "group_by": ["team"],
                    "group_wait": "1s",
                    "group_interval": "1s",
                    "labels": {"room": "war"},
                },
                {"name": "owners", "matchers": [r#"slofuse_severity="ticket""#], "to_owner": true},
            ],
        },
        "owners": {"team-reports": {"default": ["owner"]}},
    });
    let definitions = vec![
        slo("checkout", "page"),
        slo("search", "page"),
        slo("reports", "ticket"),
    ];
    let daemon = estate.watch(settings, definitions).await;
    let way = [
        "route",
        "test",
        "--config",
        "slofuse.yaml",
        "owner=team-reports",
        "slofuse_severity=ticket",
    ];
    assert!(run(&daemon, &way).contains("owner"));

    estate.break_down("checkout");
    heard(&room, &["firing checkout:firing"]).await;
    estate.break_down("search");
    estate.break_down("reports");
    let both = "firing checkout:firing search:firing";
    heard(&room, &["firing checkout:firing", both]).await;
    heard(&owner, &["firing reports:firing"]).await;
    let groups = daemon.get_json("/api/v1/groups").await;
    let group = &groups["groups"][0];
    assert_eq!(group["labels"], json!({"team": "shop"}));
    assert_eq!(group["members"].as_array().map(Vec::len), Some(2));
    let listed = ask(&daemon, &["alerts"]);
    for key in ["checkout/availability/page", "reports/availability/ticket"] {
        assert!(listed.contains(key), "{listed}");
    }

    estate.recover("search");
    let one_left = "firing checkout:firing search:resolved";
    let so_far = ["firing checkout:firing", both, one_left];
    heard(&room, &so_far).await;
    estate.recover("checkout");
    estate.recover("reports");
    heard(
        &owner,
        &["firing reports:firing", "resolved reports:resolved"],
    )
    .await;
    let end = "resolved checkout:resolved";
    let requests = heard(&room, &[&so_far[..], &[end]].concat()).await;
    let keys: BTreeSet<String> = requests
        .iter()
        .map(|request| request.body["groupKey"].to_string())
        .collect();
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert_eq!(requests[1].body["groupLabels"], json!({"team": "shop"}));
    assert_eq!(requests[1].body["routeLabels"]["room"], "war");
    estate.pass().await;
    assert_eq!(said(&rest.requests()), Vec::<String>::new());
    assert_eq!(room.requests().len(), 4, "the end is the end");
}
