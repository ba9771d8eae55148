//! The SLO routes: shapes, filters, pages, hostile values.

use super::*;

#[tokio::test]
async fn an_instance_is_shown_with_all_that_decides_it() {
    let answer = get_from(shop(), "/api/v1/slos?outcome=burning").await;
    insta::assert_json_snapshot!(answer.json(), @r#"
    {
      "limit": 100,
      "offset": 0,
      "slos": [
        {
          "alerts": [
            {
              "key": "shop/checkout{region=\"eu\"}/page",
              "kind": "burn",
              "severity": "page",
              "since": "2026-03-01T11:53:00.000Z",
              "state": "firing"
            }
          ],
          "at": "2026-03-01T12:00:00.000Z",
          "budget": {
            "consumed": 0.25,
            "consumed_by_alert": 0.125,
            "coverage": 1.0,
            "exhausted_in": "1d6h",
            "remaining": 0.75
          },
          "dashboard": null,
          "description": "Customers cannot pay.",
          "detail": null,
          "group_by": [
            "region"
          ],
          "id": "shop/checkout{region=\"eu\"}",
          "labels": {
            "region": "eu"
          },
          "name": "checkout",
          "newest_sample_at": "2026-03-01T11:59:58.500Z",
          "objective": 0.999,
          "outcome": "burning",
          "owner": "payments",
          "path": "direct",
          "path_reason": "a join is no sum of counters",
          "period": "30d",
          "policy": "sre-workbook",
          "runbook": "https://wiki.example/pay",
          "service": "shop",
          "sla": 0.995,
          "sla_budget": {
            "consumed": 0.05,
            "consumed_by_alert": 0.125,
            "coverage": 1.0,
            "exhausted_in": "1d6h",
            "remaining": 0.95
          },
          "tiers": [
            {
              "factor": 14.4,
              "long": "1h",
              "long_burn": 20.0,
              "severity": "page",
              "short": "5m",
              "short_burn": 20.0,
              "verdict": "burning"
            },
            {
              "factor": 14.4,
              "long": "3d",
              "long_burn": null,
              "severity": "ticket",
              "short": "1h",
              "short_burn": 20.0,
              "verdict": "unknown"
            }
          ],
          "windows": [
            {
              "bad": 20.0,
              "burn": 20.0,
              "covered": true,
              "error_ratio": 0.02,
              "total": 1000.0,
              "window": "5m"
            },
            {
              "bad": null,
              "burn": 20.0,
              "covered": true,
              "error_ratio": 0.02,
              "total": null,
              "window": "1h"
            },
            {
              "bad": null,
              "burn": null,
              "covered": false,
              "error_ratio": null,
              "total": null,
              "window": "3d"
            }
          ]
        }
      ],
      "total": 1
    }
    "#);
}

#[tokio::test]
async fn an_slo_before_its_first_slot_is_listed_without_an_outcome() {
    let answer = get_from(shop(), "/api/v1/slos?slo=search").await;
    insta::assert_json_snapshot!(answer.json()["slos"], @r#"
    [
      {
        "alerts": [],
        "at": null,
        "budget": null,
        "dashboard": null,
        "description": "Customers cannot pay.",
        "detail": "not evaluated yet",
        "group_by": [],
        "id": "shop/search",
        "labels": {},
        "name": "search",
        "newest_sample_at": null,
        "objective": 0.999,
        "outcome": null,
        "owner": "payments",
        "path": "direct",
        "path_reason": null,
        "period": "30d",
        "policy": "sre-workbook",
        "runbook": "https://wiki.example/pay",
        "service": "shop",
        "sla": 0.995,
        "sla_budget": null,
        "tiers": [],
        "windows": []
      }
    ]
    "#);
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_cut() {
    let ids = async |query: &str| {
        let json = get_from(shop(), &format!("/api/v1/slos{query}"))
            .await
            .json();
        let slos = json["slos"].as_array().unwrap();
        let ids: Vec<&str> = slos.iter().map(|slo| slo["id"].as_str().unwrap()).collect();
        format!("{} of {}", ids.join(" "), json["total"])
    };
    let (ap, eu) = (
        r#"shop/checkout{region="ap"}"#,
        r#"shop/checkout{region="eu"}"#,
    );
    let us = r#"shop/checkout{region="us"}"#;
    assert_eq!(ids("").await, format!("{ap} {eu} {us} shop/search of 4"));
    assert_eq!(
        ids("?slo=checkout&outcome=quiet").await,
        format!("{ap} {us} of 2")
    );
    assert_eq!(ids("?limit=2&offset=1").await, format!("{eu} {us} of 4"));
    assert_eq!(ids("?limit=0").await, " of 4");
    assert_eq!(ids("?offset=18446744073709551615").await, " of 4");
    assert_eq!(ids("?service=nobody").await, " of 0");
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused() {
    let mut refusals = Vec::new();
    for target in [
        "/api/v1/slos?outcome=fine",
        "/api/v1/slos?limit=1001",
        "/api/v1/slos?limit=-1",
        "/api/v1/slos?servce=shop",
        "/api/v1/alerts?offset=x",
        "/api/v1/slos/shop/nothing",
        "/api/v1/slos/shop/%ff",
        "/api/v3/silences",
    ] {
        refusals.push(brief(shop(), target).await);
    }
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    400 {"error":"outcome \"fine\" is none of burning, quiet, no_traffic, no_data, failed"}
    400 {"error":"limit 1001 is larger than 1000"}
    400 {"error":"limit: invalid digit found in string"}
    400 {"error":"servce: unknown field `servce`, expected one of `service`, `slo`, `outcome`, `limit`, `offset`"}
    400 {"error":"offset: invalid digit found in string"}
    404 {"error":"there is no slo shop/nothing"}
    400 {"error":"the path is not utf-8"}
    404 {"error":"there is no route /api/v3/silences"}
    "#);
}

#[tokio::test]
async fn one_slo_is_shown_with_its_instances() {
    let json = get_from(shop(), "/api/v1/slos/shop/checkout?limit=2")
        .await
        .json();
    assert_eq!(json["instances"].as_array().unwrap().len(), 2);
    let mut definition = json;
    definition["instances"] = Value::Null;
    insta::assert_json_snapshot!(definition, @r#"
    {
      "dashboard": null,
      "description": "Customers cannot pay.",
      "group_by": [
        "region"
      ],
      "instances": null,
      "limit": 2,
      "name": "checkout",
      "objective": 0.999,
      "offset": 0,
      "owner": "payments",
      "path": "direct",
      "path_reason": "a join is no sum of counters",
      "period": "30d",
      "policy": "sre-workbook",
      "runbook": "https://wiki.example/pay",
      "service": "shop",
      "sla": 0.995,
      "total": 3
    }
    "#);
}

#[tokio::test]
async fn hostile_values_stay_inside_their_strings() {
    let board = board();
    let service = "a\"b\\c\nd</script>\u{0}\u{202e}";
    let hostile = slo(service, "x", &["k"]);
    board.replace_feeds(vec![feed("f", &[&hostile])]);
    let mut broken = Evaluation::clone(&evaluation(
        &hostile,
        Labels::new([("k", service)]),
        Outcome::Failed,
    ));
    broken.at = Timestamp::from_millis(i64::MAX);
    broken.newest = Some(Timestamp::from_millis(i64::MIN));
    for reading in &mut broken.readings {
        reading.burn = Some(f64::INFINITY);
    }
    broken.budget = Some(BudgetFacts {
        consumed: f64::NAN,
        remaining: f64::NEG_INFINITY,
        ..budget()
    });
    board.publish_slot("f", NOON, vec![Arc::new(broken)]);
    let answer = get_from(board, "/api/v1/slos").await;
    let json = answer.json();
    let shown = &json["slos"][0];
    assert_eq!(shown["service"], service);
    assert_eq!(shown["labels"]["k"], service);
    assert_eq!(shown["windows"][0]["burn"], Value::Null);
    assert_eq!(shown["budget"]["consumed"], Value::Null);
    assert_eq!(shown["at"], "9999-12-31T23:59:59.999Z");
    assert_eq!(shown["newest_sample_at"], "1970-01-01T00:00:00.000Z");
    assert!(!answer.body.contains("inf") && !answer.body.contains("NaN"));
}

#[tokio::test]
async fn ten_thousand_instances_are_paged() {
    let board = board();
    let many = slo("shop", "checkout", &["n"]);
    board.replace_feeds(vec![feed("f", &[&many])]);
    let of = |n: usize| evaluation(&many, Labels::new([("n", n.to_string())]), Outcome::Quiet);
    board.publish_slot("f", NOON, (0..10_000).map(of).collect());
    let answer = get_from(board, "/api/v1/slos?limit=1000&offset=9500").await;
    let json = answer.json();
    assert_eq!(json["total"], 10_000);
    assert_eq!(json["slos"].as_array().unwrap().len(), 500);
}
