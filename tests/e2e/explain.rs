//! Explanations of a real daemon: what is quiet, burns, waits, is held, silenced or not seen; the
//! requests that can be pasted; and the past, which agrees with what the daemon said at the time.

use std::process::Command;

use serde_json::{Value, json};
use slofuse::engine::{Span, Timestamp};

use crate::bed::daemon::{Daemon, DaemonConfig};
use crate::bed::{clock, wait};
use crate::paging::{LIMIT, Shop};

const SECRET: &str = "hunter2";

fn slo(name: &str, bad: &str, total: &str) -> Value {
    json!({
        "apiVersion": "slofuse/v1",
        "kind": "SLO",
        "metadata": {"service": "checkout", "name": name, "owner": "team-checkout"},
        "spec": {
            "objective": 99,
            "period": "1d",
            "policy": "patient",
            "sli": {"events": {"bad": bad, "total": total}},
        },
    })
}

/// Fires at an error ratio of 14.4 % over 1m and 10s that has lasted for 3 s; held for 8 s.
fn policy() -> Value {
    json!({
        "apiVersion": "slofuse/v1",
        "kind": "Policy",
        "metadata": {"name": "patient"},
        "spec": {
            "tiers": [{
                "severity": "page", "budget": "1%", "long": "1m", "short": "10s", "pending": "3s",
            }],
            "hold": "8s",
            "budget": {"thresholds": [], "exhaustion_within": "never"},
            "blind": {"after_slots": 1000, "severity": "page"},
        },
    })
}

async fn watch(shop: &Shop) -> Daemon {
    let all = r#"http_requests_total{service="checkout"}"#;
    let failed = r#"http_requests_total{service="checkout",code=~"5.."}"#;
    let config = DaemonConfig {
        settings: json!({
            "prometheus": {
                "url": shop.prometheus.url(),
                "timeout": "2s",
                "bearer_token": SECRET,
                "headers": {"X-Scope-OrgID": SECRET},
            },
            "evaluation": {"interval": "1s", "scrape_interval": "1s"},
            "receivers": [{"name": "console", "console": {}}],
            "routes": {"default": ["console"]},
        }),
        definitions: vec![
            slo("availability", failed, all),
            slo(
                "calm",
                r#"http_requests_total{service="checkout",code="418"}"#,
                all,
            ),
            slo("missing", "nobody_counts_bad_total", "nobody_counts_total"),
        ],
        policies: vec![policy()],
    };
    config.start().await
}

/// The only instance of an SLO, as soon as it is as wanted.
async fn explained(daemon: &Daemon, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/api/v1/explain?slo=checkout/{name}");
    wait::until(
        &format!("checkout/{name} to be as wanted"),
        LIMIT,
        async || {
            let answer = daemon.get_json(&path).await;
            wanted(&answer["instances"][0]).then_some(answer)
        },
    )
    .await
}

fn page(instance: &Value) -> &Value {
    let mut alerts = instance["alerts"].as_array().expect("a list").iter();
    let is_page = |alert: &&Value| alert["kind"] == "burn" && alert["severity"] == "page";
    alerts.find(is_page).expect("the page")
}

fn covered(instance: &Value) -> bool {
    instance["outcome"] == "quiet" && !instance["tiers"][0]["long"]["burn"].is_null()
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn time(value: &Value) -> Timestamp {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no time"));
    let time: jiff::Timestamp = text.parse().expect("a time");
    Timestamp::from_millis(time.as_millisecond())
}

/// Runs `slofuse explain` beside the daemon's files.
fn explain(daemon: &Daemon, arguments: &[&str]) -> String {
    let arguments = [&["explain"], arguments].concat();
    let output = daemon.command(&arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_quiet_missing_or_silenced_is_explained() {
    let shop = Shop::open().await;
    let daemon = watch(&shop).await;
    let calm = explained(&daemon, "calm", covered).await;
    let tier = &calm["instances"][0]["tiers"][0];
    let (needed, total) = (&tier["long"]["bad_needed"], &tier["long"]["total"]);
    // More than 14.4 % of some 600 requests.
    assert!(number(needed) > 0.144 * number(total), "{tier}");
    assert!(number(needed) - 1.0 <= 0.144 * number(total), "{tier}");
    assert_eq!(tier["bad_to_fire"], *needed, "none is bad yet");
    assert_eq!(page(&calm["instances"][0])["state"], "inactive");

    let queries = calm["queries"].as_array().unwrap();
    assert!(!queries.is_empty());
    for query in queries {
        let line = query["curl"].as_str().unwrap();
        assert!(!line.contains(SECRET), "{line}");
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).env("TOKEN", SECRET);
        let answer = shell.env("X_SCOPE_ORGID", SECRET).output().unwrap();
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!(
                "{line}: {error}: {text}{}",
                String::from_utf8_lossy(&answer.stderr)
            )
        });
        assert_eq!(answer["status"], "success", "{line}: {answer}");
        let series = answer["data"]["result"].as_array().unwrap();
        assert!(!series.is_empty(), "{line}");
    }

    let dark = |instance: &Value| instance["sight"]["dark_slots"].as_u64() > Some(2);
    let missing = explained(&daemon, "missing", dark).await;
    let one = &missing["instances"][0];
    assert_eq!(one["outcome"], "no_data");
    let why = page(one)["says"][0].as_str().unwrap();
    assert!(
        why.ends_with("there is no data, and nothing fires on what nobody saw."),
        "{why}"
    );

    let silence = json!({
        "matchers": [r#"slo="calm""#], "duration": "1h", "created_by": "ann",
        "comment": "deploying",
    });
    daemon.api().post_json("/api/v1/silences", &silence).await;
    let silenced = explained(&daemon, "calm", |one| page(one)["mutes"][0].is_object()).await;
    let mute = &page(&silenced["instances"][0])["mutes"][0];
    assert_eq!(mute["kind"], "silence");
    assert!(
        mute["words"].as_str().unwrap().contains("deploying"),
        "{mute}"
    );

    let text = explain(&daemon, &["calm", "--url", daemon.api().base()]);
    for line in text.lines().filter(|line| !line.starts_with("curl ")) {
        assert!(
            line.chars().count() <= 80 || line.contains("http_requests_total"),
            "{line}"
        );
    }
    assert!(
        text.starts_with("checkout/calm\n99% over 1d, policy patient, exact path\n"),
        "{text}"
    );
    assert!(
        text.contains("Fires when ") && text.contains("deploying"),
        "{text}"
    );
    let output = daemon.command(&["explain", "clam", "--url", daemon.api().base()]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(r#"did you mean "checkout/calm"?"#), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_burns_is_explained_now_and_later() {
    let shop = Shop::open().await;
    let daemon = watch(&shop).await;
    explained(&daemon, "availability", covered).await;
    shop.break_down();
    let is = |state: &'static str| move |one: &Value| page(one)["state"] == state;
    let pending = explained(&daemon, "availability", is("pending")).await;
    let waits = page(&pending["instances"][0]);
    let for_long = time(&waits["pending_until"]).since(time(&waits["since"]));
    assert_eq!(for_long, Span::from_secs(3), "{waits}");

    let settled = |one: &Value| {
        page(one)["state"] == "firing" && one["recent"]["slots"].as_array().unwrap().len() > 10
    };
    let firing = explained(&daemon, "availability", settled).await;
    let one = &firing["instances"][0];
    assert_eq!(page(one)["told"][0]["receiver"], "console");
    let tier = &one["tiers"][0];
    assert!(
        number(&tier["threshold"]) < number(&tier["factor"]),
        "{tier}"
    );
    let (good, bad) = (number(&tier["good_to_end"]), number(&tier["short"]["bad"]));
    let (total, threshold) = (
        number(&tier["short"]["total"]),
        number(&tier["threshold"]) * 0.01,
    );
    let ends = |good: f64| bad / (total + good) <= threshold;
    let long = |good: f64| {
        number(&tier["long"]["bad"]) / (number(&tier["long"]["total"]) + good) <= threshold
    };
    assert!(ends(good) || long(good), "{tier}");
    assert!(!ends(good - 2.0) && !long(good - 2.0), "{tier}");

    shop.recover();
    let held = explained(&daemon, "availability", |one| {
        page(one)["hold_until"].is_string()
    })
    .await;
    let waits = page(&held["instances"][0]);
    let for_long = time(&waits["hold_until"]).since(time(&waits["quiet_since"]));
    assert_eq!(for_long, Span::from_secs(8), "{waits}");
    explained(&daemon, "availability", is("inactive")).await;

    agrees(&daemon, one);
    let history = daemon
        .get_json("/api/v1/history?slo=checkout/availability")
        .await;
    let entries = history["entries"].as_array().unwrap();
    let mut fired = entries.iter().filter(|entry| entry["to"] == "firing");
    let fired_at = time(&fired.next().unwrap()["at"]);
    let past = past(&daemon, clock::now());
    let mut timeline = past["timeline"].as_array().unwrap().iter();
    let event = timeline.find(|event| event["to"] == "firing").unwrap();
    assert!(
        is_near(time(&event["at"]), fired_at),
        "{event}, and in the history at {fired_at:?}"
    );
    assert_eq!(page(&past["instances"][0])["state"], "inactive");
}

/// The past as it is played now says of a slot what the daemon said at the time.
fn agrees(daemon: &Daemon, then: &Value) {
    let now = past(daemon, time(&then["at"]));
    let now = &now["instances"][0];
    assert_eq!(now["at"], then["at"]);
    assert_eq!(now["outcome"], then["outcome"]);
    assert_eq!(page(now)["state"], page(then)["state"]);
    let since = [now, then].map(|one| time(&page(one)["since"]));
    assert!(is_near(since[0], since[1]), "{since:?}");
    for window in ["long", "short"] {
        let of = |one: &Value| number(&one["tiers"][0][window]["total"]);
        // What is readable late is counted a slot later by whoever reads it live.
        assert!(
            (of(now) - of(then)).abs() <= 25.0,
            "{} and {}",
            of(now),
            of(then)
        );
    }
}

fn past(daemon: &Daemon, at: Timestamp) -> Value {
    let at = (at.as_millis() / 1000).to_string();
    let text = explain(
        daemon,
        &[
            "availability",
            "--config",
            "slofuse.yaml",
            "--at",
            &at,
            "--back",
            "3m",
            "--no-cache",
            "--yes",
            "--format",
            "json",
        ],
    );
    serde_json::from_str(&text).expect("JSON")
}

/// Within what a scrape that is readable late makes of it.
fn is_near(one: Timestamp, two: Timestamp) -> bool {
    let apart = one.since(two).as_millis() + two.since(one).as_millis();
    apart <= 2_500
}
