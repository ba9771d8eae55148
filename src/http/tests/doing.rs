//! What operators do besides silencing: acknowledge, try receivers, revive dead letters; and what
//! they read of it.

use serde_json::json;

use super::operators::Staffed;
use super::*;
use crate::engine::{GroupBy, Operation, Recipient, Route, Routing, TimeInterval, Zone};

const EU: &str = "shop%2Fcheckout%7Bregion%3D%22eu%22%7D%2Fpage";
const EU_KEY: &str = "slofuse/shop/checkout{region=\"eu\"}/page";

fn known_receivers() -> Board {
    let board = shop();
    let info = ReceiverInfo {
        name: "pager".to_owned(),
        kind: "pagerduty",
        fallback: Some("mail".to_owned()),
    };
    let night = TimeInterval {
        times: vec![(0, 7 * 60)],
        ..TimeInterval::always(Zone::utc())
    };
    board.set_receivers(vec![info], night);
    board
}

#[tokio::test]
async fn an_alert_is_acknowledged_by_either_of_its_names() {
    let staffed = Staffed::new(shop());
    for (path, body, by, note) in [
        (EU, r#"{"by": "ann", "note": "on it"}"#, "ann", "on it"),
        (&format!("slofuse%2F{EU}"), "", "anonymous", ""),
        (EU, r#"{"by": " "}"#, "anonymous", ""),
    ] {
        let target = format!("/api/v1/alerts/{path}/acknowledge");
        let answer = staffed.send(Method::POST, &target, body).await;
        assert_eq!(answer.json(), json!({ "alert": EU_KEY }), "{path}");
        let asked = staffed.asked();
        let [
            Command::Operate(Operation::Acknowledge {
                alert,
                acknowledgement,
            }),
        ] = &asked[..]
        else {
            panic!("{asked:?}");
        };
        assert_eq!(alert, EU_KEY);
        let acknowledged = (&*acknowledgement.by, &*acknowledgement.note);
        assert_eq!(acknowledged, (by, note));
        assert_eq!((acknowledgement.at, &*acknowledgement.via), (NOON, "api"));
    }
    let target = format!("/api/v1/alerts/{EU}/acknowledge");
    let answer = staffed.send(Method::DELETE, &target, "").await;
    assert_eq!(answer.status, 200);
    let alert = EU_KEY.to_owned();
    let back = Command::Operate(Operation::Unacknowledge { alert });
    assert_eq!(staffed.asked(), [back]);
    assert_eq!(staffed.audit().len(), 4);
}

#[tokio::test]
async fn what_is_not_open_cannot_be_acknowledged() {
    let staffed = Staffed::new(shop());
    let long = "x".repeat(5000);
    for (path, body, status) in [
        ("shop%2Fother%2Fpage", "{}", 404),
        ("%00", "{}", 404),
        ("%ff", "{}", 400),
        (EU, r#"{"note": 1}"#, 400),
        (EU, r#"{"who": "x"}"#, 400),
        (EU, &format!(r#"{{"note": "{long}"}}"#), 400),
    ] {
        let target = format!("/api/v1/alerts/{path}/acknowledge");
        let answer = staffed.send(Method::POST, &target, body).await;
        assert_eq!(answer.status, status, "{path} {}", answer.body);
    }
    assert_eq!(staffed.asked(), []);
    let target = format!("/api/v1/alerts/{EU}/acknowledge");
    let answer = ask(&staffed.router, Method::GET, &target).await;
    assert_eq!(answer.status, 405);
}

#[tokio::test]
async fn a_receiver_is_tried_and_its_error_passed_on() {
    let target = "/api/v1/receivers/pager/test";
    for (verdict, wanted) in [
        (
            Ok("pager took a test page"),
            r#"200 {"receiver":"pager","result":"pager took a test page"}"#,
        ),
        (
            Err("trigger not delivered: 400"),
            r#"502 {"error":"trigger not delivered: 400"}"#,
        ),
    ] {
        let staffed = Staffed::with(known_receivers(), verdict);
        let answer = staffed.send(Method::POST, target, "").await;
        assert_eq!(format!("{} {}", answer.status, answer.body), wanted);
        let receiver = "pager".to_owned();
        assert_eq!(staffed.asked(), [Command::TestReceiver { receiver }]);
        assert!(staffed.audit()[0].starts_with("receiver.test pager: "));
    }
    let staffed = Staffed::new(known_receivers());
    let none = "/api/v1/receivers/none/test";
    assert_eq!(staffed.send(Method::POST, none, "").await.status, 404);
    let listed = staffed.get("/api/v1/receivers").await.json();
    assert_eq!(
        listed["receivers"],
        json!([{
            "name": "pager",
            "kind": "pagerduty",
            "fallback": "mail",
            "pending": 0,
            "oldest": null,
            "dead": 0,
            "breaker_open": false,
            "last_success": null,
        }])
    );
}

#[tokio::test]
async fn dead_letters_that_are_not_there_are_not_found() {
    let staffed = Staffed::new(shop());
    let listed = staffed.get("/api/v1/dead-letters?receiver=pager").await;
    assert_eq!(listed.json(), json!({ "limit": 100, "dead_letters": [] }));
    let retry = "/api/v1/dead-letters/7/retry";
    assert_eq!(staffed.send(Method::POST, retry, "{}").await.status, 404);
    let discard = "/api/v1/dead-letters/7";
    assert_eq!(staffed.send(Method::DELETE, discard, "").await.status, 404);
    let odd = "/api/v1/dead-letters/x";
    assert_eq!(staffed.send(Method::DELETE, odd, "").await.status, 400);
    let huge = "/api/v1/dead-letters?limit=1001";
    assert_eq!(staffed.get(huge).await.status, 400);
    assert_eq!(
        staffed.audit(),
        [
            "dead_letter.retry 7: there is no dead letter 7",
            "dead_letter.discard 7: there is no dead letter 7",
        ]
    );
}

#[tokio::test]
async fn lists_of_the_past_are_bounded_and_say_what_they_cover() {
    let staffed = Staffed::new(known_receivers());
    let history = staffed.get("/api/v1/history?limit=5").await.json();
    assert_eq!(
        history,
        json!({
            "from": "2026-02-28T12:00:00.001Z",
            "to": "2026-03-01T12:00:00.001Z",
            "limit": 5,
            "entries": [],
        })
    );
    let load = staffed.get("/api/v1/load?from=2026-03-01T00:00:00Z").await;
    assert_eq!(load.json()["receivers"], json!([]));
    for target in [
        "history?from=yesterday",
        "history?from=2026-03-02T00:00:00Z",
        "history?limit=1001",
        "history?day=1",
        "load?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z",
        "audit?limit=-1",
        "groups?limit=1001",
    ] {
        let answer = staffed.get(&format!("/api/v1/{target}")).await;
        assert_eq!(answer.status, 400, "{target} {}", answer.body);
    }
    let audit = staffed.get("/api/v1/audit").await.json();
    assert_eq!(audit["entries"], json!([]), "who only looks is not noted");
}

#[tokio::test]
async fn routes_are_shown_and_tried() {
    let mut routing = Routing::default();
    let recipient = Recipient {
        name: "pager".to_owned(),
        send_resolved: true,
        storm: None,
    };
    routing.receivers.insert("pager".to_owned(), recipient);
    routing.root.routes = vec![Route {
        name: "pages".to_owned(),
        matchers: vec![operators::matcher("severity", "=", "page")],
        receivers: vec!["pager".to_owned()],
        group_by: GroupBy::Labels(vec!["service".to_owned()]),
        ..Route::default()
    }];
    let board = shop();
    board.publish_notices(Notices {
        routing: Arc::new(routing),
        ..Notices::default()
    });
    let staffed = Staffed::new(board);
    let tree = staffed.get("/api/v1/routes").await.json();
    assert_eq!(tree["group_by"], Value::Null);
    assert_eq!(tree["routes"][0]["matchers"], json!([r#"severity="page""#]));
    assert_eq!(tree["routes"][0]["group_by"], json!(["service"]));
    let body = r#"{"labels": {"severity": "page", "service": "shop"}}"#;
    let tried = staffed
        .send(Method::POST, "/api/v1/routes/test", body)
        .await;
    let tried = tried.json();
    assert_eq!(tried["routes"][0]["receivers"], json!(["pager"]));
    assert_eq!(tried["routes"][0]["group"], json!({"service": "shop"}));
    assert_eq!(tried["nodes"][1]["matchers"][0]["matched"], true);
    assert_eq!(staffed.asked(), []);
}
