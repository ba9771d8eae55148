//! The text: narrow enough, and nothing in it is obeyed by a terminal.

use serde_json::json;

use super::*;

fn answer() -> Value {
    let says = "Fires when 5,185 more of the newest events are bad, and go on so for 2m. A \
                complete outage takes about 8m 38s for that.";
    json!({
        "slo": "shop/api", "objective": 0.999, "period": "30d", "policy": "default",
        "path": "exact", "total": 3,
        "instances": [{
            "instance": "shop/api{zone=\"eu\u{1b}[2J\"}", "at": "2026-03-01T12:00:00.000Z",
            "outcome": "burning", "summary": "The page is up since noon: tier 1h/5m burns.",
            "alerts": [{
                "kind": "burn", "severity": "page", "state": "firing", "quiet_since": null,
                "says": [
                    "The page is up since noon: tier 1h/5m burns.",
                    "Route default leads to oncall."
                ]
            }],
            "tiers": [{
                "severity": "page", "tier": "1h/5m", "verdict": "too_few_events", "says": [says]
            }],
            "budget": {"says": ["1% of the budget of 30d are consumed."]},
            "sight": {"says": ["The newest sample is 3s old."]},
            "recent": {
                "slots": [{"outcome": "quiet"}, {"outcome": "no_data"}, {"outcome": "burning"}],
                "says": ["The last 3 slots: 1 burning, 1 quiet, 1 no data."]
            }
        }],
        "others": [
            {"instance": "shop/api{zone=\"us\"}", "outcome": "no_traffic", "alert": null},
            {
                "instance": "shop/api{zone=\"ap\"}", "outcome": "quiet",
                "alert": {"severity": "ticket", "state": "firing"}
            }
        ],
        "queries": [{
            "at": "2026-03-01T12:00:00.000Z", "promql": "requests_total[75s]",
            "curl": "curl -sS --data 'query=requests_total%5B75s%5D' 'http://127.0.0.1:9090/api/v1/query'"
        }]
    })
}

#[test]
fn the_page_fits_and_is_harmless() {
    let text = text(&answer(), Paint::plain());
    for line in text.lines().filter(|line| !line.starts_with("curl ")) {
        assert!(line.chars().count() <= WIDTH, "{line}");
    }
    insta::assert_snapshot!(text, @r#"
    shop/api{zone="eu�[2J"}
    99.9% over 30d, policy default, exact path
    slot of 2026-03-01 12:00:00 UTC: burning

    The page is up since noon: tier 1h/5m burns.

    Alerts
      page           firing
        The page is up since noon: tier 1h/5m burns.
        Route default leads to oncall.

    Tiers
      page 1h/5m     too few events
        Fires when 5,185 more of the newest events are bad, and go on so for 2m. A
          complete outage takes about 8m 38s for that.

    Budget
        1% of the budget of 30d are consumed.

    Sight
        The newest sample is 3s old.

    Last slots
        .?B
        The last 3 slots: 1 burning, 1 quiet, 1 no data.

    Asked of the source
        requests_total[75s]
    curl -sS --data 'query=requests_total%5B75s%5D' 'http://127.0.0.1:9090/api/v1/query'

    Other instances (--label chooses one)
        shop/api{zone="us"}  no traffic
        shop/api{zone="ap"}  ticket firing
    "#);
}

#[test]
fn a_past_tells_where_it_comes_from_and_what_happened() {
    let mut answer = answer();
    answer["instances"] = json!([]);
    answer["queries"] = json!([]);
    answer["total"] = json!(0);
    answer["played_from"] = json!("2026-03-01T06:00:00.000Z");
    answer["origin"] = json!("files of somebody");
    answer["remarks"] = json!(["Samples are a minute apart."]);
    answer["timeline"] = json!([{
        "at": "2026-03-01T11:00:00.000Z", "severity": "page", "says": "fires: burning"
    }]);
    insta::assert_snapshot!(text(&answer, Paint::plain()), @r#"

    Since 2026-03-01 06:00:00 UTC
        2026-03-01 11:00:00 page fires: burning

    Played here
        By the samples of files of somebody, from 2026-03-01 06:00:00 UTC on: what
          was up before seems to begin then. Silences and acknowledgements of that
          time are not known.
        Samples are a minute apart.
    "#);
}

#[test]
fn an_answer_without_anything_is_no_reason_to_fail() {
    assert_eq!(text(&Value::Null, Paint::plain()), "");
    let bare = text(&json!({"instances": [{}]}), Paint::plain());
    assert!(bare.contains("not evaluated yet"), "{bare}");
}
