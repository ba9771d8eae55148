//! Alertmanager's API: what its clients see of alerts, groups, receivers and routes.

use proptest::prelude::*;
use serde_json::json;

use super::operators::{Staffed, matcher, silence};
use super::*;
use crate::engine::{GroupBy, Mute, Recipient, Route, Routing, SilenceState};

fn key(region: &str, severity: Severity) -> AlertKey {
    let checkout = slo("shop", "checkout", &["region"]);
    AlertKey::Burn {
        instance: instance(&checkout, Labels::new([("region", region)])),
        severity,
    }
}

fn routing() -> Routing {
    let mut routing = Routing::default();
    for name in ["pager", "chat"] {
        let recipient = Recipient {
            name: name.to_owned(),
            send_resolved: true,
            storm: None,
        };
        routing.receivers.insert(name.to_owned(), recipient);
    }
    routing.root.receivers = vec!["chat".to_owned()];
    routing.root.group_by = GroupBy::Labels(vec!["service".to_owned()]);
    routing.root.routes = vec![Route {
        name: "pages".to_owned(),
        matchers: vec![matcher("slofuse_severity", "=", "page")],
        receivers: vec!["pager".to_owned(), "chat".to_owned()],
        ..Route::default()
    }];
    routing
}

/// Two pages, of which a silence matches one; a ticket that the page mutes; one that is pending.
fn open() -> Board {
    let board = shop();
    let page = |region| alert(key(region, Severity::Page), Severity::Page, Reason::Burning);
    let ticket = |region| {
        let key = key(region, Severity::Ticket);
        alert(key, Severity::Ticket, Reason::Burning)
    };
    let mut muted = ticket("eu");
    let by = key("eu", Severity::Page);
    muted.mutes = vec![
        Mute::Page { by },
        Mute::Maintenance {
            name: "tills".to_owned(),
        },
    ];
    let mut pending = ticket("us");
    pending.state = AlertState::Pending { since: NOON };
    board.publish_alerts(vec![page("eu"), page("ap"), muted, pending]);
    let mut quiet = silence("quiet", SilenceState::Active);
    quiet.matchers = vec![
        matcher("region", "=", "ap"),
        matcher("severity", "=~", "page|ticket"),
    ];
    board.publish_notices(Notices {
        routing: Arc::new(routing()),
        silences: vec![quiet, silence("gone", SilenceState::Expired)],
        threads: Vec::new(),
    });
    board
}

/// `region severity state silencedBy inhibitedBy mutedBy`, sorted.
fn brief_of(alerts: &Value) -> Vec<String> {
    let alerts = alerts.as_array().unwrap().iter();
    let mut seen: Vec<String> = alerts
        .map(|alert| {
            let (labels, status) = (&alert["labels"], &alert["status"]);
            let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            let [region, severity] = ["region", "severity"].map(|name| word(&labels[name]));
            let by = ["silencedBy", "inhibitedBy", "mutedBy"];
            let by = by.map(|by| status[by].as_array().unwrap().len().to_string());
            format!(
                "{region} {severity} {} {}",
                word(&status["state"]),
                by.join("")
            )
        })
        .collect();
    seen.sort();
    seen
}

#[tokio::test]
async fn an_alert_has_everything_that_clients_ask_for() {
    let staffed = Staffed::new(open());
    let query = "/api/v2/alerts?filter=region%3Deu&filter=severity%3D%22page%22";
    let json = staffed.get(query).await.json();
    let alert = &json[0];
    assert_eq!(json.as_array().unwrap().len(), 1);
    let summary = &alert["annotations"]["summary"];
    assert!(
        summary.as_str().unwrap().starts_with("[PAGE] "),
        "{summary}"
    );
    let rest: serde_json::Map<String, Value> = alert
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != "annotations")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    insta::assert_json_snapshot!(rest, @r#"
    {
      "endsAt": "2026-03-01T12:04:00.000Z",
      "fingerprint": "4db9213b1f61dbf8",
      "generatorURL": "https://slofuse.example/api/v1/slos/shop/checkout",
      "labels": {
        "alertname": "SLOBurn",
        "owner": "payments",
        "region": "eu",
        "service": "shop",
        "severity": "page",
        "slo": "checkout",
        "slofuse_severity": "page",
        "sloth_service": "shop",
        "sloth_severity": "page",
        "sloth_slo": "checkout"
      },
      "receivers": [
        {
          "name": "chat"
        },
        {
          "name": "pager"
        }
      ],
      "startsAt": "2026-03-01T11:53:00.000Z",
      "status": {
        "inhibitedBy": [],
        "mutedBy": [],
        "silencedBy": [],
        "state": "active"
      },
      "updatedAt": "2026-03-01T12:00:00.000Z"
    }
    "#);
}

#[tokio::test]
async fn alerts_are_found_by_their_state() {
    let staffed = Staffed::new(open());
    let mut seen = String::new();
    for query in [
        "",
        "active=false",
        "silenced=false",
        "inhibited=false",
        "muted=false",
        "unprocessed=false",
        "active=true&silenced=false&inhibited=false&unprocessed=false",
        "active=false&silenced=false&inhibited=false&unprocessed=false",
        "receiver=pager",
        "receiver=pag",
        "receiver=chat%7Cpager",
        "filter=region!%3Deu",
        "filter=%7Bregion%3D%22eu%22%2Cseverity%3D%22ticket%22%7D",
        "filter=nothing%3D%22%22&filter=region%3D~%22e.%22",
    ] {
        let json = staffed.get(&format!("/api/v2/alerts?{query}")).await.json();
        seen += &format!("{query}: {}\n", brief_of(&json).join(", "));
    }
    insta::assert_snapshot!(seen, @r#"
    : ap page suppressed 100, eu page active 000, eu ticket suppressed 011, us ticket unprocessed 000
    active=false: ap page suppressed 100, eu ticket suppressed 011, us ticket unprocessed 000
    silenced=false: eu page active 000, eu ticket suppressed 011, us ticket unprocessed 000
    inhibited=false: ap page suppressed 100, eu page active 000, us ticket unprocessed 000
    muted=false: ap page suppressed 100, eu page active 000, us ticket unprocessed 000
    unprocessed=false: ap page suppressed 100, eu page active 000, eu ticket suppressed 011
    active=true&silenced=false&inhibited=false&unprocessed=false: eu page active 000
    active=false&silenced=false&inhibited=false&unprocessed=false: 
    receiver=pager: ap page suppressed 100, eu page active 000
    receiver=pag: 
    receiver=chat%7Cpager: ap page suppressed 100, eu page active 000, eu ticket suppressed 011, us ticket unprocessed 000
    filter=region!%3Deu: ap page suppressed 100, us ticket unprocessed 000
    filter=%7Bregion%3D%22eu%22%2Cseverity%3D%22ticket%22%7D: eu ticket suppressed 011
    filter=nothing%3D%22%22&filter=region%3D~%22e.%22: eu page active 000, eu ticket suppressed 011
    "#);
}

#[tokio::test]
async fn questions_without_an_answer_are_refused_as_a_string() {
    let staffed = Staffed::new(open());
    let many = "filter=a%3Db&".repeat(65);
    let mut seen = Vec::new();
    for target in [
        "alerts?filter=region",
        "alerts?filter=region%3D~%5B",
        "alerts?receiver=%5B",
        "alerts?active=perhaps",
        "alerts/groups?filter=%7B",
        "silences?filter=%3D",
        &format!("alerts?{many}"),
        "silence/none",
    ] {
        let answer = staffed.get(&format!("/api/v2/{target}")).await;
        let json = answer.json();
        let text = json
            .as_str()
            .unwrap_or_else(|| panic!("{json} is no string"));
        let text: String = text.lines().next().unwrap().chars().take(80).collect();
        seen.push(format!("{} {text}", answer.status));
    }
    let posted = staffed.send(Method::POST, "/api/v2/alerts", "[]").await;
    seen.push(format!("{} {}", posted.status, posted.json()));
    insta::assert_snapshot!(seen.join("\n"), @r#"
    400 matcher "region": one of = != =~ !~ is expected after the name of a label
    400 matcher "region=~[": "[" is not a regular expression: unclosed character class
    400 receiver: regex parse error:
    400 active is "perhaps", neither true nor false
    400 matcher "{": the closing } is missing
    400 matcher "=": '=' stands where the name of a label is expected
    400 more than 64 matchers
    404 there is no silence "none"
    405 "slofuse decides its alerts itself and takes none; send those of others to an Alertmanager"
    "#);
}

#[tokio::test]
async fn groups_are_those_of_the_routes() {
    let staffed = Staffed::new(open());
    let groups = staffed.get("/api/v2/alerts/groups").await.json();
    let groups = groups.as_array().unwrap().iter();
    let seen: Vec<String> = groups
        .map(|group| {
            let alone = group["labels"]["alertname"].is_string();
            let labels = if alone {
                "alone".into()
            } else {
                group["labels"].to_string()
            };
            let receiver = group["receiver"]["name"].as_str().unwrap();
            format!(
                "{receiver} {labels}: {}",
                brief_of(&group["alerts"]).join(", ")
            )
        })
        .collect();
    insta::assert_snapshot!(seen.join("\n"), @r#"
    chat alone: ap page suppressed 100
    pager alone: ap page suppressed 100
    chat alone: eu page active 000
    pager alone: eu page active 000
    chat {"service":"shop"}: eu ticket suppressed 011
    "#);
    let one = staffed.get("/api/v2/alerts/groups?receiver=pager").await;
    assert_eq!(one.json().as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn status_and_receivers_say_who_is_told() {
    let staffed = Staffed::new(open());
    let receivers = staffed.get("/api/v2/receivers").await.json();
    assert_eq!(receivers, json!([{"name": "chat"}, {"name": "pager"}]));
    let status = staffed.get("/api/v2/status").await.json();
    assert_eq!(status["cluster"]["status"], "disabled");
    assert_eq!(status["uptime"], "2026-03-01T11:00:00.000Z");
    assert_eq!(status["versionInfo"]["version"], "1.2.3");
    insta::assert_snapshot!(status["config"]["original"].as_str().unwrap(), @r#"
    inhibit_rules: []
    receivers:
    - name: chat
    - name: pager
    - name: pager,chat
    route:
      group_by:
      - service
      group_interval: 5m
      group_wait: 30s
      receiver: chat
      repeat_interval: 100y
      routes:
      - continue: false
        group_by:
        - '...'
        group_interval: 5m
        group_wait: 30s
        matchers:
        - slofuse_severity="page"
        receiver: pager,chat
        repeat_interval: 100y
    time_intervals: []
    "#);
}

fn conditions() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
    proptest::collection::vec((0..5usize, 0..4usize, 0..6usize), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The filters of a query find what an independent reading of them finds.
    #[test]
    fn filters_agree_with_a_naive_reading(conditions in conditions()) {
        const NAMES: [&str; 5] = ["region", "severity", "service", "missing", "slofuse_severity"];
        const OPS: [&str; 4] = ["=", "!=", "=~", "!~"];
        const VALUES: [&str; 6] = ["eu", "page", "", "shop", "ap|page", "p.*"];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let found = runtime.block_on(async {
            let mut url = reqwest::Url::parse("http://x/api/v2/alerts").unwrap();
            for (name, op, value) in &conditions {
                let text = format!("{}{}\"{}\"", NAMES[*name], OPS[*op], VALUES[*value]);
                url.query_pairs_mut().append_pair("filter", &text);
            }
            let target = format!("{}?{}", url.path(), url.query().unwrap_or_default());
            brief_of(&Staffed::new(open()).get(&target).await.json())
        });
        let all = runtime.block_on(async {
            Staffed::new(open()).get("/api/v2/alerts").await.json()
        });
        let naive = all.as_array().unwrap().iter().filter(|alert| {
            conditions.iter().all(|(name, op, value)| {
                let label = alert["labels"][NAMES[*name]].as_str().unwrap_or("");
                let alternatives = || VALUES[*value].split('|').any(|one| match one.strip_suffix(".*") {
                    Some(start) => label.starts_with(start),
                    None => label == one,
                });
                match OPS[*op] {
                    "=" => label == VALUES[*value],
                    "!=" => label != VALUES[*value],
                    "=~" => alternatives(),
                    _ => !alternatives(),
                }
            })
        });
        let naive: Value = naive.cloned().collect();
        prop_assert_eq!(found, brief_of(&naive));
    }

    /// Whatever is asked, there is an answer.
    #[test]
    fn hostile_questions_have_an_answer(text in ".{0,60}", value in any::<String>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let staffed = Staffed::new(open());
            for path in ["alerts", "alerts/groups", "silences"] {
                let mut url = reqwest::Url::parse("http://x/").unwrap();
                url.query_pairs_mut()
                    .append_pair("filter", &text)
                    .append_pair("receiver", &value);
                let target = format!("/api/v2/{path}?{}", url.query().unwrap());
                let status = staffed.get(&target).await.status;
                assert!(matches!(status, 200 | 400), "{status} {text:?}");
            }
            let body = json!({ "matchers": [text], "comment": value, "duration": text });
            let body = body.to_string();
            let answer = staffed.send(Method::POST, "/api/v1/silences", &body).await;
            assert!(matches!(answer.status, 201 | 400), "{}", answer.body);
        });
    }
}
