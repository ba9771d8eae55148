//! Every way a request can end, and what each says about the notification.

use super::*;
use crate::config::settings::ReceiverKind;
use crate::notify::fixture::NOW;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

fn sender(timeout: Span) -> HttpSender {
    let mut settings = ReceiverSettings::new("on-call", ReceiverKind::Console);
    settings.timeout = timeout;
    HttpSender::new(&settings).unwrap()
}

async fn post_within(timeout: Span, url: &str) -> Result<Answer, DeliveryError> {
    let post = Post {
        url: parse_url(url).unwrap(),
        headers: HeaderMap::new(),
        body: b"{}".to_vec(),
        redaction: Redaction::default(),
    };
    sender(timeout).post(post, NOW).await
}

async fn post(url: &str) -> Result<Answer, DeliveryError> {
    post_within(Span::from_secs(10), url).await
}

async fn answer(template: ResponseTemplate) -> Result<Answer, DeliveryError> {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(template)
        .mount(&server)
        .await;
    post(&server.uri()).await
}

/// A server for one connection, in raw bytes; gives its address.
async fn raw<F>(serve: impl FnOnce(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream).await;
    });
    address.to_string()
}

async fn read_request(stream: &mut TcpStream) {
    let mut bytes = vec![0; 4096];
    let count = stream.read(&mut bytes).await.unwrap();
    assert!(count > 0);
}

#[tokio::test]
async fn every_status_has_its_class() {
    let retry = ErrorClass::Retry { after: None };
    let permanent = ErrorClass::Permanent;
    for (status, class, ambiguous, reason) in [
        (301, permanent, false, FailureReason::ClientError),
        (302, permanent, false, FailureReason::ClientError),
        (400, permanent, false, FailureReason::ClientError),
        (401, permanent, false, FailureReason::ClientError),
        (403, permanent, false, FailureReason::ClientError),
        (404, permanent, false, FailureReason::ClientError),
        (408, retry, false, FailureReason::ClientError),
        (410, permanent, false, FailureReason::ClientError),
        (413, permanent, false, FailureReason::ClientError),
        (425, retry, false, FailureReason::ClientError),
        (429, retry, false, FailureReason::RateLimited),
        (500, retry, true, FailureReason::ServerError),
        (502, retry, true, FailureReason::ServerError),
        (503, retry, true, FailureReason::ServerError),
        (504, retry, true, FailureReason::ServerError),
        (599, retry, true, FailureReason::ServerError),
    ] {
        let error = answer(ResponseTemplate::new(status)).await.err().unwrap();
        assert_eq!(
            (error.class, error.ambiguous, error.reason),
            (class, ambiguous, reason)
        );
        assert!(
            error.text.starts_with(&format!("answered {status}")),
            "{}",
            error.text
        );
    }
    for status in [200, 201, 202, 204] {
        assert!(
            answer(ResponseTemplate::new(status)).await.is_ok(),
            "{status}"
        );
    }
}

#[tokio::test]
async fn retry_after_is_read_in_both_forms_and_clamped() {
    let date = "Fri, 02 Jan 2026 03:12:30 GMT";
    for (value, after) in [
        ("0", Some(Span::ZERO)),
        ("120", Some(Span::from_secs(120))),
        (" 7 ", Some(Span::from_secs(7))),
        ("86400", Some(Span::from_hours(1))),
        ("18446744073709551615", Some(Span::from_hours(1))),
        (date, Some(Span::from_mins(2))),
        ("Fri, 02 Jan 2026 03:00:00 GMT", Some(Span::ZERO)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(Span::from_hours(1))),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Fri, 99 Foo 2026 03:12:30 GMT", None),
        ("Friday, 02-Jan-26 03:12:30 GMT", None),
    ] {
        let template = ResponseTemplate::new(429).insert_header("retry-after", value);
        let error = answer(template).await.err().unwrap();
        assert_eq!(error.class, ErrorClass::Retry { after }, "{value}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = MockServer::start().await;
    let template = ResponseTemplate::new(307).insert_header("location", elsewhere.uri());
    let error = answer(template).await.err().unwrap();
    assert_eq!(error.class, ErrorClass::Permanent);
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_refused_connection_has_sent_nothing() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let error = post(&format!("http://{address}/secret-path"))
        .await
        .err()
        .unwrap();
    assert_eq!(error.reason, FailureReason::Refused);
    assert!(!error.ambiguous);
    assert_eq!(error.text, "connecting: Connection refused (os error 111)");
}

#[tokio::test]
async fn a_connection_that_never_stands_has_sent_nothing() {
    let address = raw(|stream| async move {
        let _held = stream;
        std::future::pending::<()>().await;
    });
    let url = format!("https://{}/", address.await);
    let error = post_within(Span::from_millis(400), &url)
        .await
        .err()
        .unwrap();
    assert_eq!(
        (error.reason, error.ambiguous),
        (FailureReason::Timeout, false),
        "{error}"
    );
}

#[tokio::test]
async fn a_request_without_an_answer_is_ambiguous() {
    let address = raw(|mut stream| async move {
        read_request(&mut stream).await;
        std::future::pending::<()>().await;
    });
    let url = format!("http://{}/", address.await);
    let error = post_within(Span::from_millis(400), &url)
        .await
        .err()
        .unwrap();
    assert_eq!(
        (error.reason, error.ambiguous),
        (FailureReason::Timeout, true),
        "{error}"
    );
    assert_eq!(error.class, ErrorClass::Retry { after: None });
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_is_ambiguous() {
    for garbage in [&b""[..], b"HTTP/1.1 ", b"\0\0\0\0 not http\r\n\r\n"] {
        let address = raw(move |mut stream| async move {
            read_request(&mut stream).await;
            stream.write_all(garbage).await.unwrap();
        });
        let error = post(&format!("http://{}/", address.await))
            .await
            .err()
            .unwrap();
        assert_eq!(
            (error.reason, error.ambiguous),
            (FailureReason::Network, true),
            "{error}"
        );
        assert_eq!(error.class, ErrorClass::Retry { after: None });
    }
}

#[tokio::test]
async fn a_success_whose_body_never_ends_is_a_success() {
    let address = raw(|mut stream| async move {
        read_request(&mut stream).await;
        let head = b"HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\n{\"status\"";
        stream.write_all(head).await.unwrap();
        std::future::pending::<()>().await;
    });
    let url = format!("http://{}/", address.await);
    let sending = post_within(Span::from_secs(4), &url);
    let well_before = std::time::Duration::from_secs(3);
    let answer = tokio::time::timeout(well_before, sending).await;
    let answer = answer
        .expect("the worker's own deadline must not come first")
        .unwrap();
    assert_eq!(answer.body, b"{\"status\"");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_cut() {
    let huge = "é".repeat(4 << 20);
    let ok = answer(ResponseTemplate::new(200).set_body_string(huge.clone())).await;
    assert_eq!(ok.unwrap().body.len(), ANSWER_BYTES_MAX);
    let error = answer(ResponseTemplate::new(500).set_body_string(huge))
        .await
        .err()
        .unwrap();
    assert!(
        error.text.chars().count() < QUOTE_CHARS_MAX + 50,
        "{}",
        error.text
    );
}

#[tokio::test]
async fn quotes_are_one_clean_line() {
    let body = "<html>\n\u{1b}[2J bad\r\n\u{202e}gateway</html>";
    let error = answer(ResponseTemplate::new(502).set_body_string(body))
        .await
        .err()
        .unwrap();
    let expected = "answered 502 Bad Gateway: <html> \u{fffd}[2J bad  \u{fffd}gateway</html>";
    assert_eq!(error.text, expected);
}

#[test]
fn certificates_that_cannot_be_read_are_named() {
    let mut settings = ReceiverSettings::new("on-call", ReceiverKind::Console);
    settings.tls.ca_file = Some("/nowhere/ca.pem".into());
    let problem = HttpSender::new(&settings).err().unwrap();
    assert_eq!(
        problem.text(),
        "tls.ca_file: No such file or directory (os error 2)"
    );
}

#[test]
fn only_web_urls_are_urls() {
    for text in [
        "",
        "hooks.example/x",
        "ftp://h/x",
        "javascript:alert(1)",
        "http://",
        "/x",
    ] {
        let problem = parse_url(text).unwrap_err();
        assert_eq!(problem.text(), "is not an http or https URL");
    }
    assert!(
        parse_url(" https://hooks.example/x\n").is_ok(),
        "space around a secret is no part"
    );
}
