//! One receiver and a server that answers it, for the tests of receivers that speak HTTP.

use std::collections::BTreeMap;
use std::time::Duration;

use boon::{Compiler, Schemas};
use serde_json::Value;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::error::{DeliveryError, ErrorClass, FailureReason};
use super::{Receipt, Receiver, fixture};
use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::engine::{Labels, Notification, Span};

/// A server with the same answer to everything.
pub(super) async fn server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// A receiver as the daemon builds it.
pub(super) fn receiver(kind: ReceiverKind) -> Box<dyn Receiver> {
    let mut settings = ReceiverSettings::new("on-call", kind);
    settings.timeout = Span::from_secs(10);
    super::build(&settings, &fixture::writer()).unwrap()
}

/// Delivers the notifications in order, each with the first receipt, as a worker does; gives the
/// requests.
pub(super) async fn requests(
    kind: impl Fn(&str) -> ReceiverKind,
    status: u16,
    notifications: &[Notification],
) -> Vec<Request> {
    let server = server(ResponseTemplate::new(status)).await;
    let receiver = receiver(kind(&server.uri()));
    let mut receipt = None;
    for notification in notifications {
        let attempt = receiver.deliver(notification, receipt.as_deref(), fixture::NOW);
        let Receipt(given) = attempt.await.unwrap();
        receipt = receipt.or(given);
    }
    server.received_requests().await.unwrap()
}

/// The error of one attempt.
pub(super) async fn failure(
    kind: impl Fn(&str) -> ReceiverKind,
    answer: ResponseTemplate,
) -> DeliveryError {
    let server = server(answer).await;
    let receiver = receiver(kind(&server.uri()));
    let notification = fixture::burning();
    let result = receiver.deliver(&notification, None, fixture::NOW).await;
    result.unwrap_err()
}

/// What every receiver that speaks HTTP makes of the answers to a trigger.
pub(super) async fn assert_manners(kind: impl Fn(&str) -> ReceiverKind) {
    for status in [301, 400, 401, 403, 404, 410, 413, 422] {
        let error = failure(&kind, ResponseTemplate::new(status)).await;
        assert_eq!(error.class, ErrorClass::Permanent, "{status}");
    }
    let retry = ErrorClass::Retry { after: None };
    for status in [408, 429, 500, 502, 503, 504] {
        let error = failure(&kind, ResponseTemplate::new(status)).await;
        assert_eq!(error.class, retry, "{status}");
        assert!(error.text.contains(&status.to_string()), "{error}");
    }
    for status in [429, 503] {
        let busy = ResponseTemplate::new(status).insert_header("retry-after", "7");
        let error = failure(&kind, busy).await;
        let after = Some(Span::from_secs(7));
        assert_eq!(error.class, ErrorClass::Retry { after }, "{status}");
    }

    let server = server(ResponseTemplate::new(200).set_delay(Duration::from_secs(60))).await;
    let mut settings = ReceiverSettings::new("on-call", kind(&server.uri()));
    settings.timeout = Span::from_millis(300);
    let slow = super::build(&settings, &fixture::writer()).unwrap();
    let burning = fixture::burning();
    let error = slow.deliver(&burning, None, fixture::NOW).await;
    let error = error.unwrap_err();
    assert_eq!(error.reason, FailureReason::Timeout, "{error}");
    assert_eq!((error.class, error.ambiguous), (retry, true), "{error}");

    let nobody = receiver(kind("http://127.0.0.1:1"));
    let error = nobody.deliver(&burning, None, fixture::NOW).await;
    let error = error.unwrap_err();
    assert_eq!((error.class, error.ambiguous), (retry, false), "{error}");
    assert_eq!(error.reason, FailureReason::Refused, "{error}");
}

/// Judges a body by the documented limits.
pub(super) fn assert_fits(schema: &Value, body: &Value) {
    const PLACE: &str = "https://slofuse.invalid/limits.json";
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource(PLACE, schema.clone()).unwrap();
    let index = compiler.compile(PLACE, &mut schemas).unwrap();
    if let Err(error) = schemas.validate(body, index) {
        panic!("{error:#}\n{body:#}");
    }
}

/// A page about which there is more to say than anybody takes.
pub(super) fn oversize() -> Notification {
    let mut notification = fixture::burning();
    let long = "ü".repeat(3000);
    let facts = &mut notification.facts;
    let pairs = (0..200).map(|n| (format!("label_{n}"), format!("{n} {long}")));
    let pairs: BTreeMap<String, String> = pairs.collect();
    facts.labels = Labels::new(pairs.clone());
    if let crate::engine::AlertKey::Burn { instance, .. } = &mut facts.key {
        instance.labels = facts.labels.clone();
    }
    facts.document.labels = pairs.clone();
    facts.document.annotations = pairs;
    facts.document.description = long;
    notification
}

/// Trigger, news, acknowledgement, resolve.
pub(super) fn episode() -> [Notification; 4] {
    let mut attended = super::digest::tests::attended();
    attended.sequence = 3;
    let mut resolved = fixture::resolved();
    resolved.sequence = 4;
    [fixture::burning(), fixture::updated(), attended, resolved]
}

/// A request's JSON body.
pub(super) fn json(request: &Request) -> Value {
    request.body_json().unwrap()
}
