//! Deliveries for the tests of this room; their notifications are the samples of [`crate::message`].

use crate::engine::{
    Acknowledgement, GroupFacts, Labels, Notification, NotificationKind, Reason, Severity, Span,
    ThreadKey,
};
use boon::{Compiler, Schemas};
use serde_json::Value;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::Receipt;
use super::error::{DeliveryError, ErrorClass, FailureReason};
use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::message::Writer;
pub(super) use crate::message::sample::*;
use crate::store::Delivery;

/// A row of the outbox, written when the notification was decided.
pub(super) fn delivery(id: i64, notification: Notification) -> Delivery {
    Delivery {
        id,
        created_at: notification.facts.decided_at,
        notification,
        attempts: 0,
        routing: None,
    }
}

/// A writer that links to this daemon.
pub(super) fn writer() -> Writer {
    Writer::new(Some(external()))
}

/// A writer without links of its own.
pub(super) fn plain() -> Writer {
    Writer::default()
}

/// Somebody who looks after an alert since half a minute.
pub(super) fn acknowledgement(by: &str) -> Acknowledgement {
    Acknowledgement {
        by: by.to_owned(),
        at: NOW - Span::from_secs(30),
        via: "slack".to_owned(),
        note: String::new(),
    }
}

/// A page and a ticket of one service, told together.
pub(super) fn group() -> Notification {
    let mut notification = burning();
    let mut ticket = burning().facts;
    ticket.severity = Severity::Ticket;
    if let crate::engine::AlertKey::Burn { severity, .. } = &mut ticket.key {
        *severity = Severity::Ticket;
    }
    notification.group = Some(Box::new(GroupFacts {
        key: ThreadKey::Group {
            receiver: "on-call".to_owned(),
            route: "shop".to_owned(),
            labels: Labels::new([("service", "shop")]),
        },
        members: vec![notification.facts.clone(), ticket],
        omitted: 0,
        firing: 2,
    }));
    notification
}

/// A storm of as many alerts as one notification spells out, each as long as it can be, and more.
pub(super) fn huge_group() -> Notification {
    let mut notification = group();
    let group = notification.group.as_mut().unwrap();
    group.key = ThreadKey::Storm {
        receiver: "on-call".to_owned(),
    };
    let mut member = hostile().facts;
    member.document.runbook = Some(format!("https://wiki.example/{}", "x".repeat(1_900)));
    member.service = "<ü\"".repeat(300);
    group.members = vec![member; crate::engine::GROUP_MEMBERS_MAX];
    group.omitted = 950;
    group.firing = 1_000;
    notification
}

/// The same with news.
pub(super) fn news(mut notification: Notification, reason: Reason) -> Notification {
    notification.kind = NotificationKind::Update;
    notification.sequence = 2;
    notification.facts.reason = reason;
    notification
}

/// Delivers within a quarter of a minute, by a writer that links to this daemon.
pub(super) async fn deliver(
    kind: ReceiverKind,
    notification: &Notification,
    receipt: Option<&str>,
) -> Result<Receipt, DeliveryError> {
    deliver_within(Span::from_secs(15), kind, notification, receipt).await
}

async fn deliver_within(
    timeout: Span,
    kind: ReceiverKind,
    notification: &Notification,
    receipt: Option<&str>,
) -> Result<Receipt, DeliveryError> {
    let mut settings = ReceiverSettings::new("chat", kind);
    settings.timeout = timeout;
    let receiver = super::build(&settings, &writer()).unwrap();
    receiver.deliver(notification, receipt, NOW).await
}

/// A server that answers every request like this.
pub(super) async fn server(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(template)
        .mount(&server)
        .await;
    server
}

/// Method, path with query, and JSON of every request, in order.
pub(super) async fn requests(server: &MockServer) -> Vec<(String, Value)> {
    let requests = server.received_requests().await.unwrap();
    let request = |request: &wiremock::Request| {
        let query = request
            .url
            .query()
            .map_or_else(String::new, |q| format!("?{q}"));
        let name = format!("{} {}{query}", request.method, request.url.path());
        (name, request.body_json().unwrap_or(Value::Null))
    };
    requests.iter().map(request).collect()
}

/// Fails unless the body is as the schema has it: a vendor's documented limits.
pub(super) fn assert_conforms(schema: Value, body: &Value) {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("limits.json", schema).unwrap();
    let index = compiler.compile("limits.json", &mut schemas).unwrap();
    if let Err(error) = schemas.validate(body, index) {
        panic!("{error}\n{body:#}");
    }
}

/// Fails unless a kind of receiver takes every failure that HTTP knows as the others do.
pub(super) async fn assert_manners(kind: impl Fn(&str) -> ReceiverKind) {
    let retry = ErrorClass::Retry { after: None };
    for (status, class, reason) in [
        (301, ErrorClass::Permanent, FailureReason::ClientError),
        (400, ErrorClass::Permanent, FailureReason::ClientError),
        (401, ErrorClass::Permanent, FailureReason::ClientError),
        (403, ErrorClass::Permanent, FailureReason::ClientError),
        (404, ErrorClass::Permanent, FailureReason::ClientError),
        (413, ErrorClass::Permanent, FailureReason::ClientError),
        (408, retry, FailureReason::ClientError),
        (429, retry, FailureReason::RateLimited),
        (500, retry, FailureReason::ServerError),
        (502, retry, FailureReason::ServerError),
        (503, retry, FailureReason::ServerError),
        (504, retry, FailureReason::ServerError),
    ] {
        let server = server(ResponseTemplate::new(status)).await;
        let error = deliver(kind(&server.uri()), &burning(), None)
            .await
            .unwrap_err();
        assert_eq!(
            (error.class, error.reason),
            (class, reason),
            "{status}: {error}"
        );
    }
    let limited = ResponseTemplate::new(429).insert_header("retry-after", "7");
    let server = server(limited).await;
    let error = deliver(kind(&server.uri()), &burning(), None)
        .await
        .unwrap_err();
    let after = Some(Span::from_secs(7));
    assert_eq!(error.class, ErrorClass::Retry { after });
    assert_patience(&kind).await;
}

/// A server that never answers may have the message; one that is not there has not.
async fn assert_patience(kind: impl Fn(&str) -> ReceiverKind) {
    let slow = ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(3600));
    let server = server(slow).await;
    let soon = Span::from_millis(300);
    let error = deliver_within(soon, kind(&server.uri()), &burning(), None).await;
    let error = error.unwrap_err();
    assert_eq!(
        (error.reason, error.ambiguous),
        (FailureReason::Timeout, true),
        "{error}"
    );
    assert_eq!(error.class, ErrorClass::Retry { after: None });
    let error = deliver(kind("http://127.0.0.1:1"), &burning(), None)
        .await
        .unwrap_err();
    assert_eq!(
        (error.reason, error.ambiguous),
        (FailureReason::Refused, false),
        "{error}"
    );
}
