//! What happens when a receiver is not there, and an Alertmanager that is.

use serde_json::{Value, json};

use super::estate::{Estate, LIMIT, ask, heard, slo, webhook};
use crate::bed::alertmanager::Alertmanager;
use crate::bed::port::free_port;
use crate::bed::{Answer, Receiver, wait};

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_hears_what_its_receiver_does_not() {
    let estate = Estate::open(&["checkout"]).await;
    let (spare, room, refusing) = (
        Receiver::webhook().await,
        Receiver::webhook().await,
        Receiver::webhook().await,
    );
    refusing.otherwise(Answer::Status(404));
    let mut refused = webhook("refusing", &refusing);
    refused["fallback"] = json!("room");
    let nobody = format!("http://127.0.0.1:{}/hook", free_port());
    let settings = json!({
        "receivers": [
            {"name": "gone", "fallback": "spare", "webhook": {"url": nobody}},
            webhook("spare", &spare),
            refused,
            webhook("room", &room),
        ],
        "routes": {"default": ["gone", "refusing"]},
        "delivery": {
            "backoff_initial": "200ms",
            "backoff_max": "500ms",
            "breaker_failures": 3,
            "breaker_pause": "1s",
            "fallback_after": "5s",
        },
    });
    let daemon = estate.watch(settings, vec![slo("checkout", "page")]).await;
    estate.break_down("checkout");
    let told = heard(&spare, &["firing checkout:firing"]).await;
    let stands_in = &told[0].body["routeLabels"]["diverted_from"];
    assert_eq!(stands_in, "gone", "{:#}", told[0].body);
    heard(&room, &["firing checkout:firing"]).await;

    let receivers = ask(&daemon, &["receivers"]);
    let row = |name: &str| {
        let mut lines = receivers.lines();
        let found = lines.find(|line| line.trim_start().starts_with(name));
        found.unwrap_or_else(|| panic!("{receivers}")).to_owned()
    };
    assert!(row("gone").contains("open"), "{receivers}");
    assert!(row("spare").contains("closed"), "{receivers}");
    let letters = ask(&daemon, &["dead-letters", "list"]);
    for expected in ["refusing", "404", "slofuse/checkout/availability/page"] {
        assert!(letters.contains(expected), "{letters}");
    }

    refusing.otherwise(Answer::Fine);
    println!(
        "RETRY {}",
        ask(&daemon, &["dead-letters", "retry", "--all"])
    );
    heard(&refusing, &["firing checkout:firing"]).await;

    estate.recover("checkout");
    let all = ["firing checkout:firing", "resolved checkout:resolved"];
    heard(&spare, &all).await;
    heard(&room, &all).await;
    heard(&refusing, &all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_alertmanager_knows_what_fires() {
    let estate = Estate::open(&["checkout"]).await;
    let server = Alertmanager::start().await;
    let settings = json!({
        "receivers": [{
            "name": "alertmanager",
            "alertmanager": {"urls": [server.url()], "refresh": "10s"},
        }],
        "routes": {"default": ["alertmanager"]},
    });
    let daemon = estate.watch(settings, vec![slo("checkout", "page")]).await;
    estate.break_down("checkout");
    let alert = wait::until("the alert to be there", LIMIT, async || {
        server.alerts().await.first().cloned()
    })
    .await;
    let ours = daemon.get_json("/api/v1/alerts").await;
    assert_eq!(alert["labels"], ours["alerts"][0]["matching_labels"]);
    assert_eq!(alert["status"]["state"], "active");

    let quiet = server.silence("service", "checkout").await;
    let end = |alert: &Value| alert["endsAt"].as_str().unwrap_or_default().to_owned();
    let refreshed = wait::until("the alert to be refreshed", LIMIT, async || {
        let again = server.alerts().await.first().cloned()?;
        // Whole seconds in RFC 3339 sort as text.
        (end(&again) > end(&alert)).then_some(again)
    })
    .await;
    assert_eq!(refreshed["status"]["silencedBy"], json!([quiet]));
    assert_eq!(refreshed["startsAt"], alert["startsAt"]);

    estate.recover("checkout");
    wait::until("the alert to end", LIMIT, async || {
        server.alerts().await.is_empty().then_some(())
    })
    .await;
}
