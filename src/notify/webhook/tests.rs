//! The body of Alertmanager's webhook, authorised, named and signed.

use super::super::digest::tests::{ended_group, group};
use super::super::exchange::{self, assert_manners};
use std::collections::BTreeMap;

use super::super::fixture;
use super::*;
use crate::config::settings::ReceiverSettings;
use crate::engine::{Labels, Reason};
use crate::message::Slot;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn kind(url: &str, auth: Auth) -> ReceiverKind {
    ReceiverKind::Webhook {
        body_signature: None,
        url: Secret::inline(url),
        auth,
        headers: BTreeMap::from([("x-api-key".to_owned(), Secret::inline("h3ader-s3cret"))]),
        signing_secret: Some(Secret::inline(SIGNING)),
    }
}

async fn delivered(auth: Auth) -> Request {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let settings = ReceiverSettings::new("hook", kind(&server.uri(), auth));
    let receiver = crate::notify::build(&settings, &fixture::plain()).unwrap();
    let result = receiver
        .deliver(&fixture::hostile(), None, fixture::NOW)
        .await;
    assert_eq!(result, Ok(Receipt(None)));
    server.received_requests().await.unwrap().remove(0)
}

#[test]
fn a_trigger_has_alertmanagers_body() {
    let body = body(&fixture::burning(), &fixture::writer());
    insta::assert_json_snapshot!(body, @r#"
    {
      "alerts": [
        {
          "annotations": {
            "budget": "38.8% of the 30d budget consumed, 4.46% by this alert; 61.2% left, gone in 13h 43m at this speed",
            "burn": "32.15x over 1h, 35.5x over 5m (limit 14.4x), 1,284 of 40,000 events bad in 1h (3.21%); 7.2x over 6h, 33x over 30m (limit 6x)",
            "dashboard_url": "https://grafana.example/d/checkout?orgId=1",
            "description": "Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.",
            "impact": "Customers cannot pay.",
            "next_step": "Follow the runbook.",
            "objective": "99.9% over 30d",
            "owner": "team-payments",
            "runbook_url": "https://wiki.example/checkout",
            "since": "2026-01-02 03:04:00 UTC, 6m 30s before this decision",
            "sla": "99.5%",
            "slofuse_url": "https://slofuse.example/prefix/api/v1/slos/shop/checkout",
            "summary": "[PAGE] shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m",
            "title": "shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m"
          },
          "endsAt": "0001-01-01T00:00:00Z",
          "fingerprint": "2facd760a65f0009",
          "generatorURL": "https://slofuse.example/prefix/api/v1/slos/shop/checkout",
          "labels": {
            "alertname": "SLOBurn",
            "owner": "team-payments",
            "region": "eu",
            "service": "shop",
            "severity": "page",
            "slo": "checkout",
            "slofuse_severity": "page",
            "sloth_service": "shop",
            "sloth_severity": "page",
            "sloth_slo": "checkout",
            "tier": "1"
          },
          "startsAt": "2026-01-02T03:04:00Z",
          "status": "firing"
        }
      ],
      "commonAnnotations": {
        "budget": "38.8% of the 30d budget consumed, 4.46% by this alert; 61.2% left, gone in 13h 43m at this speed",
        "burn": "32.15x over 1h, 35.5x over 5m (limit 14.4x), 1,284 of 40,000 events bad in 1h (3.21%); 7.2x over 6h, 33x over 30m (limit 6x)",
        "dashboard_url": "https://grafana.example/d/checkout?orgId=1",
        "description": "Both the last 1h and the last 5m burn faster than 14.4x. At 32.15x, 1h costs 4.47% of the 30d budget; the limit is 2%.",
        "impact": "Customers cannot pay.",
        "next_step": "Follow the runbook.",
        "objective": "99.9% over 30d",
        "owner": "team-payments",
        "runbook_url": "https://wiki.example/checkout",
        "since": "2026-01-02 03:04:00 UTC, 6m 30s before this decision",
        "sla": "99.5%",
        "slofuse_url": "https://slofuse.example/prefix/api/v1/slos/shop/checkout",
        "summary": "[PAGE] shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m",
        "title": "shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m"
      },
      "commonLabels": {
        "alertname": "SLOBurn",
        "owner": "team-payments",
        "region": "eu",
        "service": "shop",
        "severity": "page",
        "slo": "checkout",
        "slofuse_severity": "page",
        "sloth_service": "shop",
        "sloth_severity": "page",
        "sloth_slo": "checkout",
        "tier": "1"
      },
      "externalURL": "https://slofuse.example/prefix/",
      "groupKey": "slofuse/shop/checkout{region=\"eu\"}/page",
      "groupLabels": {
        "alertname": "SLOBurn",
        "service": "shop",
        "slo": "checkout"
      },
      "notification_reason": "first notification",
      "receiver": "on-call",
      "routeLabels": {},
      "status": "firing",
      "truncatedAlerts": 0,
      "version": "4"
    }
    "#);
}

#[test]
fn a_resolve_has_an_end_and_the_same_identity() {
    let (firing, resolved) = (
        body(&fixture::updated(), &fixture::plain()),
        body(&fixture::resolved(), &fixture::plain()),
    );
    assert_eq!(firing["notification_reason"], "alert updated");
    assert_eq!(resolved["status"], "resolved");
    assert_eq!(resolved["alerts"][0]["status"], "resolved");
    assert_eq!(resolved["alerts"][0]["endsAt"], "2026-01-02T04:16:00Z");
    for same in ["labels", "startsAt", "fingerprint"] {
        assert_eq!(resolved["alerts"][0][same], firing["alerts"][0][same]);
    }
    assert_eq!(resolved["groupKey"], firing["groupKey"]);
}

#[test]
fn other_alerts_have_names_of_their_own() {
    let labels = |notification| body(&notification, &fixture::plain())["commonLabels"].clone();
    let blind = labels(fixture::blind(Reason::DataReturned));
    assert_eq!(
        (&blind["alertname"], &blind["sloth_slo"]),
        (&"SLOBlind".into(), &"checkout".into())
    );
    let down = labels(fixture::source_down());
    assert_eq!(
        (&down["alertname"], &down["sloth_slo"]),
        (&"SourceDown".into(), &Value::Null)
    );
}

#[test]
fn a_name_in_the_definition_is_the_alertname() {
    let mut notification = fixture::burning();
    notification.facts.alert_name = Some("CheckoutBurns".to_owned());
    let body = body(&notification, &fixture::plain());
    assert_eq!(body["commonLabels"]["alertname"], "CheckoutBurns");
    assert_eq!(body["groupLabels"]["alertname"], "CheckoutBurns");
    let plain = super::body(&fixture::burning(), &fixture::plain());
    assert_eq!(body["groupKey"], plain["groupKey"]);
    let fingerprint = |body: &Value| body["alerts"][0]["fingerprint"].clone();
    assert_eq!(fingerprint(&body), fingerprint(&plain));
}

#[test]
fn the_severity_of_the_definition_is_the_one_that_routes_match() {
    let mut notification = fixture::burning();
    let own = [
        ("severity", "critical"),
        ("service", "other"),
        ("slofuse_severity", "none"),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    notification.facts.document.labels.extend(own);
    notification.facts.labels = Labels::new([("severity", "of the instance")]);
    let labels = notification.facts.matching_labels();
    assert_eq!(labels.get("severity").unwrap(), "critical");
    assert_eq!(labels.get("exported_severity").unwrap(), "of the instance");
    assert_eq!(labels.get("slofuse_severity").unwrap(), "page");
    assert_eq!(labels.get("sloth_severity").unwrap(), "page");
    assert_eq!(labels.get("service").unwrap(), "shop");
}

#[test]
fn an_annotation_of_the_definition_stands_as_it_is_written() {
    let mut notification = fixture::burning();
    let annotations = &mut notification.facts.document.annotations;
    annotations.insert("summary".to_owned(), "Call the bank.".to_owned());
    let body = body(&notification, &fixture::plain());
    let annotations = &body["alerts"][0]["annotations"];
    assert_eq!(annotations["summary"], "Call the bank.");
    let ours = annotations["slofuse_summary"].as_str().unwrap();
    assert!(ours.contains("burns its error budget"), "{ours}");
    assert_eq!(
        annotations["slofuse_title"],
        Value::Null,
        "ours has its name"
    );
}

#[test]
fn instances_split_by_a_reserved_label_stay_distinct() {
    let mut notification = fixture::burning();
    notification.facts.labels = Labels::new([("service", "other"), ("tier", "2")]);
    let labels = notification.facts.matching_labels();
    assert_eq!(labels.get("service").unwrap(), "shop");
    assert_eq!(labels.get("exported_service").unwrap(), "other");
    assert_eq!(
        labels.get("tier").unwrap(),
        "2",
        "the instance knows better than the definition"
    );
}

#[tokio::test]
async fn requests_are_authorised_named_and_signed() {
    let basic = Auth::Basic {
        username: "slofuse".to_owned(),
        password: Secret::inline("opensesame"),
    };
    let request = delivered(basic).await;
    let header = |name: &str| request.headers[name].to_str().unwrap();
    assert_eq!(header("authorization"), "Basic c2xvZnVzZTpvcGVuc2VzYW1l");
    assert_eq!(header("x-api-key"), "h3ader-s3cret");
    assert_eq!(header("webhook-timestamp"), "1767323430");
    assert_eq!(
        header("webhook-id"),
        signature::message_id(&fixture::hostile())
    );
    let signature = signature::sign(
        SIGNING,
        header("webhook-id"),
        header("webhook-timestamp"),
        &request.body,
    );
    assert_eq!(header("webhook-signature"), signature.unwrap());

    let request = delivered(Auth::Bearer(Secret::inline("t0ken"))).await;
    assert_eq!(request.headers["authorization"], "Bearer t0ken");
}

#[tokio::test]
async fn hostile_labels_arrive_as_they_are() {
    let request = delivered(Auth::None).await;
    let body: Value = request.body_json().unwrap();
    let expected = fixture::hostile()
        .facts
        .labels
        .get("path")
        .unwrap()
        .to_owned();
    assert_eq!(body["alerts"][0]["labels"]["path"], expected);
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let refused = |kind: ReceiverKind| {
        let settings = ReceiverSettings::new("hook", kind);
        let error = crate::notify::build(&settings, &fixture::plain())
            .err()
            .unwrap()
            .to_string();
        error
            .trim_start_matches("building receiver \"hook\": ")
            .to_owned()
    };
    let url = "https://hook.example/x";
    let mut bad_secret = kind(url, Auth::None);
    if let ReceiverKind::Webhook { signing_secret, .. } = &mut bad_secret {
        *signing_secret = Some(Secret::inline("whsec_short"));
    }
    assert_eq!(refused(bad_secret), BAD_SECRET);
    let mut bad_header = kind(url, Auth::None);
    if let ReceiverKind::Webhook { headers, .. } = &mut bad_header {
        headers.insert("x api key".to_owned(), Secret::inline("v"));
    }
    assert_eq!(
        refused(bad_header),
        "headers: \"x api key\" is not a header name"
    );
    assert_eq!(
        refused(kind("hook", Auth::None)),
        "url is not an http or https URL"
    );
}

fn bare(url: &str) -> ReceiverKind {
    ReceiverKind::Webhook {
        body_signature: None,
        url: Secret::inline(url),
        auth: Auth::None,
        headers: BTreeMap::new(),
        signing_secret: None,
    }
}

#[tokio::test]
async fn answers_have_their_classes() {
    assert_manners(bare).await;
}

#[test]
fn a_group_is_one_body_with_all_alerts() {
    let mut notification = group();
    notification.route_labels = BTreeMap::from([("team".to_owned(), "shop".to_owned())]);
    let body = body(&notification, &fixture::writer());
    assert_eq!(
        body["groupKey"],
        "slofuse/group:shop/on-call{service=\"shop\"}"
    );
    assert_eq!(body["groupLabels"], json!({"service": "shop"}));
    assert_eq!(body["routeLabels"], json!({"team": "shop"}));
    assert_eq!(body["truncatedAlerts"], 2);
    assert_eq!(body["status"], "firing");
    assert_eq!(body["notification_reason"], "some alerts resolved");
    let statuses = [&body["alerts"][0]["status"], &body["alerts"][1]["status"]];
    assert_eq!(statuses, ["firing", "resolved"]);
    assert_eq!(body["alerts"][0]["endsAt"], NO_END);
    assert_eq!(body["alerts"][1]["endsAt"], "2026-01-02T04:16:00Z");
    assert_ne!(
        body["alerts"][0]["fingerprint"],
        body["alerts"][1]["fingerprint"]
    );
    assert_eq!(body["commonLabels"]["slo"], "checkout");
    assert_eq!(body["commonLabels"]["region"], Value::Null, "it differs");
    assert_eq!(body["commonAnnotations"]["owner"], "team-payments");
    assert_eq!(
        body["commonAnnotations"]["summary"],
        Value::Null,
        "it differs"
    );

    let ended = super::body(&ended_group(), &fixture::writer());
    assert_eq!(ended["status"], "resolved");
    assert_eq!(ended["notification_reason"], "all alerts resolved");
    assert_eq!(ended["groupKey"], body["groupKey"]);
}

#[test]
fn a_storm_shares_nothing_by_itself() {
    let mut notification = group();
    let members = notification.group.as_mut().unwrap();
    let receiver = "on-call".to_owned();
    members.key = ThreadKey::Storm { receiver };
    members.members.truncate(1);
    let body = body(&notification, &fixture::plain());
    assert_eq!(body["groupKey"], "slofuse/storm:on-call");
    assert_eq!(body["groupLabels"], json!({}));
    assert_eq!(body["notification_reason"], "new alerts added");
}

#[test]
fn reasons_are_alertmanagers_where_it_has_them() {
    let mut notification = fixture::updated();
    for (reason, expected) in [
        (Reason::Repeated, "repeat interval elapsed"),
        (Reason::MoreTiers, "alert updated"),
        (Reason::Unmuted, "alert updated"),
    ] {
        notification.facts.reason = reason;
        let body = body(&notification, &fixture::plain());
        assert_eq!(body["notification_reason"], expected);
    }
}

#[tokio::test]
async fn both_signatures_may_be_on_and_two_secrets_sign() {
    const NEXT: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let signed = |url: &str| {
        let mut kind = bare(url);
        if let ReceiverKind::Webhook {
            signing_secret,
            body_signature,
            ..
        } = &mut kind
        {
            *signing_secret = Some(Secret::inline(format!("{NEXT} {SIGNING}")));
            *body_signature = Some(BodySignature {
                header: "X-Hub-Signature-256".to_owned(),
                prefix: "sha256=".to_owned(),
                secret: Secret::inline("body-s3cret"),
            });
        }
        kind
    };
    let requests = exchange::requests(signed, 204, &[fixture::burning()]).await;
    let request = &requests[0];
    let header = |name: &str| request.headers[name].to_str().unwrap();
    let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
    let expected: Vec<String> = [NEXT, SIGNING]
        .iter()
        .map(|secret| signature::sign(secret, id, at, &request.body).unwrap())
        .collect();
    assert_eq!(header("webhook-signature"), expected.join(" "));
    let digits = signature::hex("body-s3cret", &request.body).unwrap();
    assert_eq!(header("x-hub-signature-256"), format!("sha256={digits}"));
}

#[test]
fn a_template_is_the_body_unless_it_fails() {
    let mut settings = ReceiverSettings::new("hook", bare("https://hook.example/x"));
    let source = r#"{"t": {{ title }}{% if "broken" in title %}x{% endif %}}"#;
    settings.templates.set(Slot::Body, source).unwrap();
    let writer = fixture::writer().with(&settings.templates);
    let receiver = Webhook::new(&settings, writer).map_err(|p| p.text().to_owned());
    let receiver = receiver.unwrap();
    let sent = |notification: &Notification| -> Value {
        serde_json::from_str(&receiver.body(notification)).unwrap()
    };
    let mut notification = fixture::burning();
    let title = fixture::plain().message(&notification).title;
    assert_eq!(sent(&notification), json!({ "t": title }));
    notification.facts.slo = "broken".to_owned();
    if let crate::engine::AlertKey::Burn { instance, .. } = &mut notification.facts.key {
        instance.slo = crate::engine::SloId::new("shop", "broken");
    }
    assert_eq!(sent(&notification)["version"], "4");
}
