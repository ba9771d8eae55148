//! Explanations: who comes first, what is refused, how much is answered.

use super::*;
use crate::engine::{InhibitRule, Matcher, Routing, Silence, parse_matchers};

async fn explained(board: Board, target: &str) -> Value {
    let answer = get_from(board, &format!("/api/v1/explain?{target}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// The values of a field of every item of a list.
fn each(list: &Value, field: &str) -> Vec<String> {
    let items = list.as_array().unwrap().iter();
    items
        .map(|item| item[field].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn what_can_be_explained_is_listed() {
    let known = get_from(shop(), "/api/v1/explain").await.json();
    assert_eq!(
        known,
        serde_json::json!({"total": 2, "slos": ["shop/checkout", "shop/search"]})
    );
}

#[tokio::test]
async fn the_instance_that_fires_comes_first() {
    let answer = explained(shop(), "slo=shop/checkout&limit=1").await;
    assert_eq!(
        each(&answer["instances"], "instance"),
        [r#"shop/checkout{region="eu"}"#]
    );
    let others = [
        r#"shop/checkout{region="ap"}"#,
        r#"shop/checkout{region="us"}"#,
    ];
    assert_eq!(each(&answer["others"], "instance"), others);
    assert_eq!(
        (&answer["total"], &answer["queries"]),
        (&3.into(), &serde_json::json!([]))
    );
    let one = &answer["instances"][0];
    insta::assert_json_snapshot!(one["alerts"][0], @r#"
    {
      "acknowledged": null,
      "dedup_key": "slofuse/shop/checkout{region=\"eu\"}/page",
      "hold_until": null,
      "kind": "burn",
      "mutes": [],
      "pending_until": null,
      "quiet_since": null,
      "routes": [
        {
          "receivers": [],
          "rests": null,
          "route": "route"
        }
      ],
      "says": [
        "The page alert is up since 2026-03-01 11:53:00 UTC: its condition holds.",
        "Route route leads to no receiver: it tells nobody.",
        "oncall was told 2 times."
      ],
      "severity": "page",
      "since": "2026-03-01T11:53:00.000Z",
      "state": "firing",
      "told": [
        {
          "at": null,
          "notifications": 2,
          "receiver": "oncall"
        }
      ]
    }
    "#);
    let us = explained(shop(), "slo=shop/checkout&labels=region%3D%22us%22").await;
    assert_eq!(each(&us["instances"], "instance"), [others[1]]);
    assert_eq!(each(&us["others"], "instance"), [""; 0]);
}

#[tokio::test]
async fn before_the_first_slot_there_is_little_to_say() {
    let answer = explained(shop(), "slo=shop/search").await;
    let one = &answer["instances"][0];
    assert_eq!(one["summary"], "It has not been evaluated yet.");
    assert_eq!((&one["outcome"], &one["at"]), (&Value::Null, &Value::Null));
    assert_eq!(one["tiers"], serde_json::json!([]));
    let page = &one["alerts"][0]["says"][0];
    assert_eq!(
        page,
        "The page alert is not up: nothing has been evaluated yet."
    );
}

#[tokio::test]
async fn inhibition_is_told_before_it_matters() {
    let board = shop();
    let matchers = |text: &str| -> Vec<Matcher> { parse_matchers(text).unwrap() };
    let rule = |name: &str, source: &str, equal: &str| InhibitRule {
        name: name.to_owned(),
        source: matchers(source),
        target: matchers(r#"region=~"us|ap""#),
        equal: vec![equal.to_owned()],
    };
    let routing = Routing {
        inhibit: vec![
            rule("eu-first", r#"region="eu""#, "service"),
            rule("same-region", r#"region="eu""#, "region"),
            rule("nobody", r#"service="mail""#, "service"),
        ],
        ..Routing::default()
    };
    board.publish_notices(Notices {
        routing: Arc::new(routing),
        ..Notices::default()
    });
    let us = explained(board.clone(), "slo=shop/checkout&labels=region%3D%22us%22").await;
    let page = &us["instances"][0]["alerts"][0];
    assert_eq!(each(&page["mutes"], "kind"), ["inhibition"]);
    let eu = r#"shop/checkout{region="eu"}/page"#;
    let expected = format!(
        "If it fired now, nobody would be told: inhibited by rule \"eu-first\" while {eu} fires."
    );
    assert_eq!(page["says"][1], expected);
    // Its own page keeps the ticket quiet, and is kept quiet by nobody.
    let eu = explained(board, "slo=shop/checkout&labels=region%3D%22eu%22").await;
    let alerts = eu["instances"][0]["alerts"].as_array().unwrap();
    let of = |severity: &str| alerts.iter().find(|alert| alert["severity"] == severity);
    assert_eq!(each(&of("page").unwrap()["mutes"], "kind"), [""; 0]);
    assert_eq!(each(&of("ticket").unwrap()["mutes"], "kind"), ["page"]);
}

#[tokio::test]
async fn a_silence_is_told_before_it_matters() {
    let board = shop();
    let matchers: Vec<Matcher> = parse_matchers(r#"region="us""#).unwrap();
    let silence = Silence {
        id: "3f2a".to_owned(),
        matchers,
        starts_at: NOON - Span::from_hours(1),
        ends_at: NOON + Span::from_hours(1),
        created_by: "ann".to_owned(),
        comment: "deploying".to_owned(),
        updated_at: NOON - Span::from_hours(1),
    };
    board.publish_notices(Notices {
        silences: vec![silence],
        ..Notices::default()
    });
    let us = explained(board.clone(), "slo=shop/checkout&labels=region%3D%22us%22").await;
    let page = &us["instances"][0]["alerts"][0];
    assert_eq!(page["mutes"][0]["until"], "2026-03-01T13:00:00.000Z");
    assert_eq!(
        page["says"][1],
        "If it fired now, nobody would be told: silence 3f2a by \"ann\" until \
         2026-03-01 13:00 UTC: deploying."
    );
    let ap = explained(board, "slo=shop/checkout&labels=region%3D%22ap%22").await;
    assert_eq!(
        ap["instances"][0]["alerts"][0]["mutes"],
        serde_json::json!([])
    );
}

#[tokio::test]
async fn what_the_source_was_asked_is_told() {
    let board = board();
    let checkout = slo("shop", "checkout", &[]);
    let questions = Questions::new(|poll| {
        vec![AskedQuery {
            promql: format!("x[{}]", poll.slot.since(poll.from)),
            curl: Some("curl".to_owned()),
        }]
    });
    let info = |questions| FeedInfo {
        questions,
        ..feed("f", &[&checkout])
    };
    board.replace_feeds(vec![info(Some(questions.clone()))]);
    let quiet = evaluation(&checkout, Labels::empty(), Outcome::Quiet);
    board.publish_slot("f", NOON, vec![quiet]);
    let before = explained(board.clone(), "slo=shop/checkout").await;
    assert_eq!(before["queries"], serde_json::json!([]));
    board.publish_poll(
        "f",
        PollMade {
            from: NOON - Span::from_secs(75),
            slot: NOON,
            windows: Vec::new(),
        },
    );
    let after = explained(board.clone(), "slo=shop/checkout").await;
    let asked = serde_json::json!([
        {"at": "2026-03-01T12:00:00.000Z", "promql": "x[1m15s]", "curl": "curl"}
    ]);
    assert_eq!(after["queries"], asked);
    board.replace_feeds(vec![info(Some(questions))]);
    let reloaded = explained(board, "slo=shop/checkout").await;
    assert_eq!(
        reloaded["queries"],
        serde_json::json!([]),
        "not asked since"
    );
}

#[tokio::test]
async fn what_cannot_be_explained_is_refused() {
    let refused = [
        "slo=shop/chekout",
        "slo=shop/checkout&labels=region%3D%22moon%22",
        "slo=shop/checkout&labels=%7B%7B",
        "slo=shop/checkout&limit=101",
        "slo=shop/checkout&limit=all",
        "slos=1",
    ];
    let mut answers = Vec::new();
    for target in refused {
        answers.push(brief(shop(), &format!("/api/v1/explain?{target}")).await);
    }
    insta::assert_snapshot!(answers.join("\n"), @r#"
    404 {"error":"there is no slo shop/chekout"}
    404 {"error":"no instance of shop/checkout has such labels"}
    400 {"error":"matcher \"{{\": '{' stands where the name of a label is expected"}
    400 {"error":"limit 101 is larger than 100"}
    400 {"error":"limit: invalid digit found in string"}
    400 {"error":"slos: unknown field `slos`, expected one of `slo`, `labels`, `limit`"}
    "#);
}

#[tokio::test]
async fn an_answer_about_many_instances_is_bounded() {
    let board = board();
    let many = slo("shop", "many", &["n"]);
    board.replace_feeds(vec![feed("f", &[&many])]);
    let of = |n: usize| {
        let labels = Labels::new([("n", n.to_string())]);
        evaluation(&many, labels, Outcome::Quiet)
    };
    board.publish_slot("f", NOON, (0..5_000).map(of).collect());
    let answer = explained(board, "slo=shop/many&limit=100").await;
    let count = |list: &str| answer[list].as_array().unwrap().len();
    assert_eq!((count("instances"), count("others")), (100, 100));
    assert_eq!(answer["total"], 5_000);
}
