//! The alert route.

use super::*;

#[tokio::test]
async fn alerts_are_listed_loudest_first_with_their_reason() {
    let board = shop();
    let checkout = slo("shop", "checkout", &["region"]);
    let info = AlertKey::Burn {
        instance: instance(&checkout, eu()),
        severity: Severity::Info,
    };
    let ahead = Reason::ExhaustionAhead {
        within: Span::from_hours(36),
    };
    let blind = AlertKey::Blind {
        instance: instance(&checkout, Labels::empty()),
    };
    let no_data = Reason::NoData {
        slots: 10,
        detail: "no series matches".to_owned(),
    };
    let down = AlertKey::SourceDown {
        source: "prometheus".to_owned(),
    };
    let failed = Reason::SourceFailed {
        slots: 12,
        detail: "querying http://prometheus:9090: no answer within 10s".to_owned(),
    };
    let mut pending = alert(blind, Severity::Ticket, no_data);
    pending.state = AlertState::Pending { since: NOON };
    pending.told.clear();
    board.publish_alerts(vec![
        alert(info, Severity::Info, ahead),
        pending,
        alert(down, Severity::Page, failed),
    ]);
    let json = get_from(board.clone(), "/api/v1/alerts").await.json();
    insta::assert_json_snapshot!(json["alerts"][2], @r#"
    {
      "acknowledged": null,
      "affected": 1,
      "alert_name": null,
      "budget": {
        "consumed": 0.25,
        "consumed_by_alert": 0.125,
        "coverage": 1.0,
        "exhausted_in": "1d6h",
        "remaining": 0.75
      },
      "dashboard": null,
      "decided_at": "2026-03-01T12:00:00.000Z",
      "dedup_key": "slofuse/shop/checkout{region=\"eu\"}/info",
      "dependencies": [],
      "description": "Customers cannot pay.",
      "key": "shop/checkout{region=\"eu\"}/info",
      "kind": "burn",
      "labels": {
        "region": "eu"
      },
      "matching_labels": {
        "alertname": "SLOBurn",
        "owner": "payments",
        "region": "eu",
        "service": "shop",
        "severity": "info",
        "slo": "checkout",
        "slofuse_severity": "info",
        "sloth_service": "shop",
        "sloth_severity": "info",
        "sloth_slo": "checkout"
      },
      "mutes": [],
      "owner": "payments",
      "peak_burn": 22.5,
      "quiet_since": null,
      "reason": {
        "kind": "exhaustion_ahead",
        "within": "1d12h"
      },
      "routes": [
        {
          "receivers": [],
          "route": "route"
        }
      ],
      "runbook": "https://wiki.example/pay",
      "service": "shop",
      "severity": "info",
      "since": "2026-03-01T11:53:00.000Z",
      "slo": "checkout",
      "state": "firing",
      "tiers": [
        {
          "bad_events": 20.0,
          "budget_fraction": 0.02,
          "factor": 14.4,
          "long": "1h",
          "long_burn": 20.0,
          "short": "5m",
          "short_burn": 20.0,
          "total_events": 1000.0
        }
      ],
      "told": [
        {
          "at": null,
          "notifications": 2,
          "receiver": "oncall"
        }
      ]
    }
    "#);
    let keys = |field: &str| -> Vec<&Value> {
        let alerts = json["alerts"].as_array().unwrap();
        alerts.iter().map(|alert| &alert[field]).collect()
    };
    insta::assert_debug_snapshot!((keys("key"), keys("state"), keys("reason"), keys("told")), @r#"
    (
        [
            String("source:prometheus/blind"),
            String("shop/checkout/blind"),
            String("shop/checkout{region=\"eu\"}/info"),
        ],
        [
            String("firing"),
            String("pending"),
            String("firing"),
        ],
        [
            Object {
                "detail": String("querying http://prometheus:9090: no answer within 10s"),
                "kind": String("source_failed"),
                "slots": Number(12),
            },
            Object {
                "detail": String("no series matches"),
                "kind": String("no_data"),
                "slots": Number(10),
            },
            Object {
                "kind": String("exhaustion_ahead"),
                "within": String("1d12h"),
            },
        ],
        [
            Array [
                Object {
                    "at": Null,
                    "notifications": Number(2),
                    "receiver": String("oncall"),
                },
            ],
            Array [],
            Array [
                Object {
                    "at": Null,
                    "notifications": Number(2),
                    "receiver": String("oncall"),
                },
            ],
        ],
    )
    "#);
    let one = get_from(board.clone(), "/api/v1/alerts?limit=1&offset=1")
        .await
        .json();
    assert_eq!(
        (&one["total"], &one["alerts"][0]),
        (&3.into(), &json["alerts"][1])
    );

    let json = get_from(board, "/api/v1/slos?slo=checkout").await.json();
    let kinds = |at: usize| json["slos"][at]["alerts"].as_array().unwrap().len();
    assert_eq!(
        [kinds(0), kinds(1), kinds(2)],
        [1, 2, 1],
        "a blind SLO is mentioned by all its instances"
    );
}
