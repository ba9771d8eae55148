//! No receiver lets a credential into an error, whatever its server sends back.

use std::collections::BTreeMap;

use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::config::secret::Secret;
use crate::config::settings::{Auth, BodySignature, ReceiverKind, ReceiverSettings};

use super::fixture;

/// Every piece that is secret in one of [`kinds`], or that a server could make of it.
const SECRETS: [&str; 7] = [
    "s3cr3t-path",
    "s3cr3t-query",
    "s3cr3t-key",
    "s3cr3t\\\"token",
    "s3cr3t-password",
    "czNjcjN0LXBhc3N3b3Jk",
    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
];

fn kinds(base: &str) -> Vec<ReceiverKind> {
    let url = format!("{base}/services/s3cr3t-path/x?token=s3cr3t-query&v=1");
    let webhook = |auth| ReceiverKind::Webhook {
        body_signature: Some(BodySignature {
            header: "x-hub-signature-256".to_owned(),
            prefix: "sha256=".to_owned(),
            secret: Secret::inline("s3cr3t-key"),
        }),
        url: Secret::inline(&url),
        auth,
        headers: BTreeMap::from([("x-key".to_owned(), Secret::inline("s3cr3t-key"))]),
        signing_secret: Some(Secret::inline("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")),
    };
    vec![
        ReceiverKind::PagerDuty {
            change_url: None,
            routing_key: Secret::inline("s3cr3t-key"),
            url: url.clone(),
        },
        ReceiverKind::SlackWebhook {
            url: Secret::inline(&url),
        },
        ReceiverKind::SlackBot {
            buttons: false,
            token: Secret::inline("s3cr3t\"token"),
            channel: "C1".to_owned(),
            api_url: format!("{base}/s3cr3t-path"),
        },
        ReceiverKind::Alertmanager {
            urls: vec![url.clone(), format!("{base}/s3cr3t-path")],
            auth: Auth::Bearer(Secret::inline("s3cr3t\"token")),
            headers: BTreeMap::from([("x-key".to_owned(), Secret::inline("s3cr3t-key"))]),
            refresh: crate::engine::Span::from_mins(1),
        },
        ReceiverKind::Opsgenie {
            api_key: Secret::inline("s3cr3t-key"),
            url: url.clone(),
        },
        ReceiverKind::IncidentIo {
            token: Secret::inline("s3cr3t\"token"),
            url: url.clone(),
        },
        ReceiverKind::GrafanaIrm {
            url: Secret::inline(&url),
        },
        ReceiverKind::Teams {
            url: Secret::inline(&url),
        },
        ReceiverKind::Discord {
            url: Secret::inline(&url),
        },
        ReceiverKind::Telegram {
            token: Secret::inline("s3cr3t\"token"),
            chat: "-1".to_owned(),
            topic: None,
            api_url: format!("{base}/s3cr3t-path"),
        },
        webhook(Auth::None),
        webhook(Auth::Bearer(Secret::inline("s3cr3t\"token"))),
        webhook(Auth::Basic {
            username: String::new(),
            password: Secret::inline("s3cr3t-password"),
        }),
    ]
}

/// The request as a debugging proxy would print it.
fn echo(request: &Request, status: u16) -> ResponseTemplate {
    let mut text = format!("{} {}\n", request.method, request.url);
    for (name, value) in &request.headers {
        text += &format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
    }
    // The key is at the end of the body where the quote would not reach.
    let body = String::from_utf8_lossy(&request.body);
    let end: String = body
        .chars()
        .skip(body.chars().count().saturating_sub(60))
        .collect();
    ResponseTemplate::new(status).set_body_string(format!("{end}\n{text}"))
}

async fn error_text(kind: ReceiverKind) -> String {
    let mut settings = ReceiverSettings::new("on-call", kind);
    settings.timeout = crate::engine::Span::from_secs(10);
    let receiver = super::build(&settings, &fixture::plain()).unwrap();
    let result = receiver
        .deliver(&fixture::burning(), None, fixture::NOW)
        .await;
    let error = result.unwrap_err();
    format!("{error} {error:?}")
}

fn assert_clean(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(!text.contains("s3cr3t"), "{text}");
}

#[tokio::test]
async fn a_server_that_echoes_the_request_reveals_nothing() {
    for status in [200, 302, 400, 429, 500] {
        let server = MockServer::start().await;
        let respond = move |request: &Request| echo(request, status);
        Mock::given(any())
            .respond_with(respond)
            .mount(&server)
            .await;
        for kind in kinds(&server.uri()) {
            let reads_200 = matches!(
                kind,
                ReceiverKind::SlackBot { .. } | ReceiverKind::Telegram { .. }
            );
            if status == 200 && !reads_200 {
                continue;
            }
            assert_clean(&error_text(kind).await.replace(&server.uri(), ""));
        }
    }
}

#[tokio::test]
async fn a_connection_that_fails_reveals_nothing() {
    for kind in kinds("http://127.0.0.1:1") {
        assert_clean(&error_text(kind).await);
    }
}
