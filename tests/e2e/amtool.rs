//! The real `amtool` against the real daemon: whoever knows Alertmanager's tool can use it here.

use std::process::Command;

use serde_json::{Value, json};

use crate::bed::daemon::Daemon;
use crate::bed::{Receiver, clock, wait};
use crate::paging::{LIMIT, PAGE, Shop, pagerduty, told};

/// What one call of `amtool` came to.
#[derive(Debug)]
struct Said {
    worked: bool,
    out: String,
    err: String,
}

impl Said {
    fn json(&self) -> Value {
        assert!(self.worked, "{}", self.err);
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    fn text(&self) -> &str {
        assert!(self.worked, "{}", self.err);
        self.out.trim()
    }
}

fn amtool(daemon: &Daemon, arguments: &[&str]) -> Said {
    let mut command = Command::new("amtool");
    command
        .arg(format!("--alertmanager.url={}", daemon.api().base()))
        .args(arguments)
        .env("HOME", "/nonexistent");
    let output = command.output().expect("amtool is installed");
    let text = |bytes| String::from_utf8(bytes).expect("amtool writes text");
    Said {
        worked: output.status.success(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// The alerts that a query finds, as `state silencedBy`.
fn states(alerts: &Value) -> Vec<String> {
    let alerts = alerts.as_array().expect("a list of alerts");
    let state = |alert: &Value| {
        let status = &alert["status"];
        format!("{} {}", status["state"], status["silencedBy"])
    };
    alerts.iter().map(state).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn amtool_silences_a_page_and_lets_it_through_again() {
    let shop = Shop::open().await;
    let pager = Receiver::pagerduty().await;
    let daemon = shop.watch(vec![pagerduty("pager", &pager)]).await;
    assert_eq!(
        amtool(&daemon, &["alert", "query", "-o", "json"]).json(),
        json!([])
    );

    shop.break_down();
    told(&pager, &["trigger"]).await;
    the_page_is_listed(&daemon);
    let add = amtool(
        &daemon,
        &[
            "silence",
            "add",
            "--author=ann",
            "--comment=a new till",
            "--duration=1h",
            "service=checkout",
            "slo=~avail.*",
        ],
    );
    let id = add.text().to_owned();
    the_silence_is_listed(&daemon, &id);
    let active = amtool(&daemon, &["alert", "query", "-o", "json"]);
    assert_eq!(states(&active.json()), Vec::<String>::new());
    let silenced = amtool(&daemon, &["alert", "query", "--silenced", "-o", "json"]);
    let suppressed = [format!(r#""suppressed" ["{id}"]"#)];
    assert_eq!(states(&silenced.json()), suppressed);

    shop.recover();
    told(&pager, &["trigger", "resolve"]).await;
    let update = [
        "silence",
        "update",
        "--duration=2h",
        "--comment=two tills",
        &id,
    ];
    amtool(&daemon, &update).text();
    let updated = amtool(&daemon, &["silence", "query", "-o", "json"]).json();
    assert_eq!(updated[0]["id"], id, "the same silence: {updated:#}");
    assert_eq!(updated[0]["comment"], "two tills");

    shop.break_down();
    wait::until("the second alert to be listed", LIMIT, async || {
        let alerts = daemon.get_json("/api/v2/alerts?unprocessed=false").await;
        (states(&alerts) == suppressed).then_some(())
    })
    .await;
    shop.prometheus.scraped(5, clock::now()).await;
    told(&pager, &["trigger", "resolve"]).await;
    let ours = daemon.get_json("/api/v1/alerts").await;
    let words = ours["alerts"][0]["mutes"][0]["words"].to_string();
    assert!(words.contains(&id), "{words}");

    amtool(&daemon, &["silence", "expire", &id]).text();
    told(&pager, &["trigger", "resolve", "trigger"]).await;
    let again = amtool(&daemon, &["silence", "expire", &id]);
    assert!(!again.worked, "{again:#?}");
    let audit = daemon.get_json("/api/v1/audit").await;
    let actions: Vec<&Value> = audit["entries"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| &entry["action"])
        .collect();
    assert_eq!(
        actions,
        ["silence.expire", "silence.update", "silence.create"]
    );
}

fn the_page_is_listed(daemon: &Daemon) {
    let query = [
        "alert",
        "query",
        "-o",
        "json",
        "service=checkout",
        "severity=page",
    ];
    let alerts = amtool(daemon, &query).json();
    let alert = &alerts[0];
    assert_eq!(states(&alerts), [r#""active" []"#]);
    assert_eq!(alert["labels"]["alertname"], "SLOBurn");
    assert_eq!(alert["labels"]["slofuse_severity"], "page");
    assert_eq!(alert["receivers"], json!([{"name": "pager"}]));
    let summary = alert["annotations"]["summary"].as_str().unwrap_or_default();
    assert!(summary.contains("checkout/availability"), "{summary}");
    let simple = amtool(daemon, &["alert", "query"]);
    assert!(simple.text().contains("SLOBurn"), "{simple:#?}");
    let extended = amtool(daemon, &["alert", "query", "-o", "extended"]);
    assert!(extended.text().contains("active"), "{extended:#?}");
    for nothing in ["service=other", "slofuse_severity!~page|ticket"] {
        let found = amtool(daemon, &["alert", "query", "-o", "json", nothing]).json();
        assert_eq!(states(&found), Vec::<String>::new(), "{nothing}");
    }
}

fn the_silence_is_listed(daemon: &Daemon, id: &str) {
    let silences = amtool(daemon, &["silence", "query", "-o", "json"]).json();
    let silence = &silences[0];
    assert_eq!(silence["id"], id);
    assert_eq!(silence["status"]["state"], "active");
    assert_eq!(silence["createdBy"], "ann");
    assert_eq!(
        silence["matchers"],
        json!([
            {"name": "service", "value": "checkout", "isRegex": false, "isEqual": true},
            {"name": "slo", "value": "avail.*", "isRegex": true, "isEqual": true},
        ])
    );
    let quiet = amtool(daemon, &["silence", "query", "-q", "service=checkout"]);
    assert_eq!(quiet.text(), id);
    let other = amtool(daemon, &["silence", "query", "-q", "service=other"]);
    assert_eq!(other.text(), "");
    let expired = amtool(daemon, &["silence", "query", "-q", "--expired"]);
    assert_eq!(expired.text(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn amtool_sees_the_routes_and_brings_no_alerts() {
    let shop = Shop::open().await;
    let pager = Receiver::pagerduty().await;
    let daemon = shop.watch(vec![pagerduty("pager", &pager)]).await;
    let cluster = amtool(&daemon, &["cluster", "show"]);
    assert!(cluster.text().contains("disabled"), "{cluster:#?}");
    let config = amtool(&daemon, &["config", "show"]);
    assert!(config.text().contains("receiver: pager"), "{config:#?}");
    assert!(!config.text().contains("0123456789abcdef"), "no secrets");
    let routes = amtool(&daemon, &["config", "routes", "show"]);
    assert!(routes.text().contains("receiver: pager"), "{routes:#?}");
    let taken = ["config", "routes", "test", "slofuse_severity=page"];
    assert_eq!(amtool(&daemon, &taken).text(), "pager");

    let added = amtool(&daemon, &["alert", "add", "alertname=Mine"]);
    assert!(!added.worked, "{added:#?}");
    let unknown = amtool(&daemon, &["silence", "expire", PAGE]);
    assert!(!unknown.worked, "{unknown:#?}");
    let everything = ["silence", "add", "--comment=x", "service=~.*"];
    let everything = amtool(&daemon, &everything);
    assert!(!everything.worked, "{everything:#?}");
    let bad = amtool(&daemon, &["alert", "query", "service=~["]);
    assert!(!bad.worked, "{bad:#?}");
}
