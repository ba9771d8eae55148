//! The client against servers that are slow, wrong, partial, hostile or gone.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::{body_string, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Client, SourceError};
use crate::config::secret::Secret;
use crate::config::settings::{Auth, SourceSettings};
use crate::engine::{Labels, RawSeries, Sample, Span, Timestamp};

const EMPTY: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
const ONE: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[
    {"metric":{"__name__":"x"},"values":[[1.5,"2"]]}]}}"#;
/// [`EMPTY`], compressed.
const EMPTY_GZIP: &str = "H4sIAAAAAAACA6tWKi5JLCktVrJSKi5NTk4tLlbSUUpJLElUsqpWKkotLs0pCaksSAVK5yaWFGVWAGUhokpW0bG1tQBkczBmPwAAAA==";
/// Longer than any answer takes.
const PATIENCE: Span = Span::from_secs(60);
const NOON: Timestamp = Timestamp::from_millis(1_435_781_430_781);

fn settings(url: &str) -> SourceSettings {
    SourceSettings {
        url: url.to_owned(),
        ..SourceSettings::default()
    }
}

/// What a client makes of one response.
async fn asked(response: ResponseTemplate) -> Result<Vec<RawSeries>, SourceError> {
    let server = MockServer::start().await;
    Mock::given(path("/api/v1/query"))
        .respond_with(response)
        .mount(&server)
        .await;
    Client::new(&settings(&server.uri()))
        .unwrap()
        .samples("x[75s]", NOON)
        .await
}

async fn refused(response: ResponseTemplate) -> String {
    show(&asked(response).await.unwrap_err())
}

fn show(error: &SourceError) -> String {
    let retry = if error.is_retryable() { "retry" } else { "fix" };
    format!("{} ({retry}): {error}", error.kind())
}

/// A server that answers every connection with these bytes and then does as it is told.
async fn raw_server(bytes: Vec<u8>, then: Then) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            drop(socket.read(&mut request).await);
            drop(socket.write_all(&bytes).await);
            if then == Then::Hang {
                open.push(socket);
            }
        }
    });
    format!("http://{address}")
}

#[derive(Clone, Copy, PartialEq)]
enum Then {
    Close,
    Hang,
}

async fn raw_refused(bytes: impl Into<Vec<u8>>, then: Then, deadline: Span) -> SourceError {
    let mut settings = settings(&raw_server(bytes.into(), then).await);
    settings.timeout = deadline;
    settings.body_bytes_max = 1 << 20;
    let client = Client::new(&settings).unwrap();
    client.samples("x[75s]", NOON).await.unwrap_err()
}

#[tokio::test]
async fn a_query_is_a_form_with_time_and_timeout() {
    let server = MockServer::start().await;
    let form = "query=x%7Ba%3D%22%C3%A9%22%7D%5B75s%5D&time=1435781430.781&timeout=10s";
    Mock::given(method("POST"))
        .and(path("/select/0/prometheus/api/v1/query"))
        .and(header("accept-encoding", "gzip"))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(query_param("partial_response", "false"))
        .and(body_string(form))
        .respond_with(ResponseTemplate::new(200).set_body_string(ONE))
        .mount(&server)
        .await;
    let mut settings = settings(&format!("{}/select/0/prometheus/", server.uri()));
    settings.params = [("partial_response".to_owned(), "false".to_owned())].into();
    let client = Client::new(&settings).unwrap();
    let samples = client.samples("x{a=\"é\"}[75s]", NOON).await.unwrap();
    let expected = RawSeries {
        labels: Labels::new([("__name__", "x")]),
        samples: vec![Sample {
            at: Timestamp::from_millis(1500),
            value: 2.0,
        }],
    };
    assert_eq!(samples, [expected]);
    let wrong_kind = client.instant("x{a=\"é\"}[75s]", NOON).await.unwrap_err();
    insta::assert_snapshot!(show(&wrong_kind), @"malformed (retry): prometheus did not give a query result: samples instead of single values");
}

#[tokio::test]
async fn values_ranges_statistics_and_the_version_are_read() {
    let server = MockServer::start().await;
    let vector = r#"{"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"a":"1"},"value":[1,"0.5"]}],"stats":{"samples":{"totalQueryableSamples":7}}}}"#;
    let version = r#"{"status":"success","data":{"version":"3.5.0","revision":"x"}}"#;
    for (at, form, body) in [
        ("/api/v1/query", "query=v&time=0.000&timeout=10s", vector),
        (
            "/api/v1/query",
            "query=v&time=0.000&stats=true&timeout=10s",
            vector,
        ),
        (
            "/api/v1/query",
            "query=m&time=0.000&stats=true&timeout=10s",
            ONE,
        ),
        (
            "/api/v1/query_range",
            "query=r&start=0.000&end=60.500&step=30s&timeout=10s",
            ONE,
        ),
        ("/api/v1/status/buildinfo", "", version),
    ] {
        Mock::given(path(at))
            .and(body_string(form))
            .respond_with(ResponseTemplate::new(200).set_body_string(body))
            .mount(&server)
            .await;
    }
    let client = Client::new(&settings(&server.uri())).unwrap();
    let start = Timestamp::EPOCH;
    let value = vec![(Labels::new([("a", "1")]), 0.5)];
    assert_eq!(client.instant("v", start).await.unwrap(), value);
    let with_stats = client.instant_with_stats("v", start).await.unwrap();
    assert_eq!(with_stats, (value, Some(7)));
    let (samples, loaded) = client.samples_with_stats("m", start).await.unwrap();
    assert_eq!((samples.len(), loaded), (1, None));
    let end = Timestamp::from_millis(60_500);
    let range = client
        .range("r", start, end, Span::from_secs(30))
        .await
        .unwrap();
    assert_eq!(range, samples);
    assert_eq!(client.build_info().await.unwrap().as_deref(), Some("3.5.0"));

    let other = MockServer::start().await;
    let client = Client::new(&settings(&other.uri())).unwrap();
    assert_eq!(client.build_info().await.unwrap(), None);
}

#[tokio::test]
async fn a_compressed_answer_is_read() {
    let body = BASE64_STANDARD.decode(EMPTY_GZIP).unwrap();
    let response = ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_bytes(body);
    assert_eq!(asked(response).await.unwrap(), []);
}

#[tokio::test]
async fn credentials_and_headers_are_sent() {
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "first\n").unwrap();
    let server = MockServer::start().await;
    let basic = format!("Basic {}", BASE64_STANDARD.encode("user:pass"));
    for (name, value) in [
        ("authorization", "Bearer first"),
        ("authorization", "Bearer second"),
        ("authorization", &basic),
        ("x-scope-orgid", "tenant"),
    ] {
        Mock::given(header(name, value))
            .respond_with(ResponseTemplate::new(200).set_body_string(EMPTY))
            .expect(1)
            .mount(&server)
            .await;
    }
    let ask = async |auth: Auth, headers: &[(&str, &str)]| {
        let mut settings = settings(&server.uri());
        settings.auth = auth;
        let secret = |(name, value): &(&str, &str)| ((*name).to_owned(), Secret::inline(*value));
        settings.headers = headers.iter().map(secret).collect();
        Client::new(&settings).unwrap()
    };
    let bearer = ask(Auth::Bearer(Secret::file(token.path())), &[]).await;
    bearer.samples("x[1m]", NOON).await.unwrap();
    std::fs::write(token.path(), "second\n").unwrap();
    bearer.samples("x[1m]", NOON).await.unwrap();
    let basic = Auth::Basic {
        username: "user".to_owned(),
        password: Secret::inline("pass"),
    };
    ask(basic, &[]).await.samples("x[1m]", NOON).await.unwrap();
    let tenant = ask(Auth::None, &[("X-Scope-OrgID", "tenant")]).await;
    tenant.samples("x[1m]", NOON).await.unwrap();

    drop(token);
    let gone = bearer.samples("x[1m]", NOON).await.unwrap_err();
    assert_eq!(gone.kind(), "config");
    assert!(gone.to_string().contains("reading the secret in"), "{gone}");
}

#[tokio::test]
async fn every_refusal_has_its_class_and_the_server_s_words() {
    let json = |status: u16, kind: &str, error: &str| {
        let body = serde_json::json!({"status": "error", "errorType": kind, "error": error});
        ResponseTemplate::new(status).set_body_json(body)
    };
    let html = |status: u16| {
        ResponseTemplate::new(status).set_body_raw("<html>secret page</html>", "text/html")
    };
    let throttled = |after: &str| html(429).insert_header("retry-after", after);
    let text = |body: &str| ResponseTemplate::new(200).set_body_string(body);
    let shown = [
        refused(json(400, "bad_data", "parse error: unexpected \")\"")).await,
        refused(json(422, "execution", "too many samples")).await,
        refused(json(503, "timeout", "query timed out")).await,
        refused(json(500, "internal", "storage")).await,
        refused(html(401)).await,
        refused(html(403)).await,
        refused(html(404)).await,
        refused(html(413)).await,
        refused(html(429)).await,
        refused(html(502)).await,
        refused(ResponseTemplate::new(503).set_body_string("Service Unavailable\n")).await,
        refused(ResponseTemplate::new(302).insert_header("location", "http://evil.test/?q")).await,
        refused(text("garbage")).await,
        refused(text("<!doctype html>")).await,
        refused(text("")).await,
        refused(text(EMPTY.split_at(30).0)).await,
        refused(text(&EMPTY.replacen('{', r#"{"isPartial":true,"#, 1))).await,
    ];
    insta::assert_snapshot!(shown.join("\n"), @r#"
    bad_query (fix): prometheus refused the query with status 400: parse error: unexpected ")"
    bad_query (fix): prometheus refused the query with status 422: too many samples
    unavailable (retry): prometheus is unavailable with status 503: query timed out
    unavailable (retry): prometheus is unavailable with status 500: storage
    refused (fix): prometheus refused access with status 401
    refused (fix): prometheus refused access with status 403
    bad_query (fix): prometheus refused the query with status 404: is the path of the url right?
    bad_query (fix): prometheus refused the query with status 413
    throttled (retry): prometheus asks for fewer requests
    unavailable (retry): prometheus is unavailable with status 502
    unavailable (retry): prometheus is unavailable with status 503: Service Unavailable
    malformed (retry): prometheus did not give a query result: status 302, is the url right?
    malformed (retry): prometheus did not give a query result: expected value at line 1 column 1
    malformed (retry): prometheus did not give a query result: a page of HTML
    malformed (retry): prometheus did not give a query result: an empty body
    malformed (retry): prometheus did not give a query result: EOF while parsing a string at line 1 column 30
    partial (retry): prometheus gave a partial answer: a storage node did not answer
    "#);
    for (header, expected) in [
        ("10", Some(Span::from_secs(10))),
        ("99999999999", Some(Span::from_hours(1))),
        ("-5", Some(Span::ZERO)),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
    ] {
        match asked(throttled(header)).await.unwrap_err() {
            SourceError::Throttled { retry_after, .. } => assert_eq!(retry_after, expected),
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn broken_connections_are_worth_another_try() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
    let gzip = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 7\r\n\r\nnotgzip";
    for bytes in ["", head] {
        let error = raw_refused(bytes, Then::Hang, Span::from_millis(200)).await;
        assert_eq!(error.kind(), "timeout", "{bytes}: {error}");
        assert!(error.is_retryable());
    }
    for (bytes, then, kind) in [
        (String::new(), Then::Close, "unreachable"),
        (format!("{head}{EMPTY}"), Then::Close, "unreachable"),
        ("SSH-2.0-OpenSSH\r\n".to_owned(), Then::Close, "unreachable"),
        (gzip.to_owned(), Then::Close, "unreachable"),
    ] {
        let error = raw_refused(bytes.clone(), then, PATIENCE).await;
        assert_eq!(error.kind(), kind, "{bytes}: {error}");
        assert!(error.is_retryable());
    }
    let nobody = Client::new(&settings("http://127.0.0.1:1")).unwrap();
    let error = nobody.samples("x[1m]", NOON).await.unwrap_err();
    insta::assert_snapshot!(show(&error), @"unreachable (retry): querying http://127.0.0.1:1: no complete answer");
}

#[tokio::test]
async fn an_answer_larger_than_the_bound_is_refused_while_it_arrives() {
    let head = "HTTP/1.1 200 OK\r\n\r\n";
    let endless = format!("{head}{}", " ".repeat(3 << 20));
    assert_eq!(
        raw_refused(endless, Then::Hang, PATIENCE).await.kind(),
        "too_large"
    );

    let bomb = gzip_bomb(64 << 20);
    assert!(bomb.len() < 1 << 20);
    let mut response = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n".to_vec();
    response.extend(bomb);
    let error = raw_refused(response, Then::Hang, PATIENCE).await;
    insta::assert_snapshot!(show(&error), @"too_large (fix): the answer is larger than 1048576 bytes: make the selectors narrower");
}

/// About `bytes` zero bytes, in the deflate format's fixed code: a zero, then "repeat the last
/// byte 258 times" (code 285 and distance code 0) over and over.
fn gzip_bomb(bytes: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    let mut code = |text: &str| bits.extend(text.bytes().map(|bit| bit == b'1'));
    code("110");
    code("00110000");
    for _ in 0..bytes / 258 {
        code("1100010100000");
    }
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let byte = |bits: &[bool]| {
        bits.iter()
            .rev()
            .fold(0, |byte, bit| byte << 1 | u8::from(*bit))
    };
    out.extend(bits.chunks(8).map(byte));
    out
}

#[tokio::test]
async fn too_many_series_are_refused() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_string(ONE))
        .mount(&server)
        .await;
    let client = Client::new(&settings(&server.uri()))
        .unwrap()
        .with_series_max(0);
    let error = client.samples("x[1m]", NOON).await.unwrap_err();
    assert_eq!(error.kind(), "too_many_series");
}

#[tokio::test]
async fn no_more_requests_are_under_way_than_allowed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings(&format!("http://{}", listener.local_addr().unwrap()));
    settings.concurrency = 2;
    settings.timeout = PATIENCE;
    let client = Arc::new(Client::new(&settings).unwrap());
    let asking: Vec<_> = (0..5)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.samples("x[1m]", NOON).await.unwrap() })
        })
        .collect();
    let mut under_way = VecDeque::new();
    for answered in 0..5 {
        while under_way.len() < 2.min(5 - answered) {
            under_way.push_back(listener.accept().await.unwrap().0);
        }
        let another = tokio::time::timeout(Duration::from_millis(20), listener.accept()).await;
        assert!(another.is_err(), "a third request while two are under way");
        let mut oldest = under_way.pop_front().unwrap();
        let response = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{EMPTY}");
        oldest.write_all(response.as_bytes()).await.unwrap();
        oldest.shutdown().await.unwrap();
    }
    for one in asking {
        assert_eq!(one.await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_server_without_tls_is_a_tls_error() {
    let url = raw_server(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), Then::Close).await;
    let client = Client::new(&settings(&url.replace("http:", "https:"))).unwrap();
    let error = client.samples("x[1m]", NOON).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), ("tls", false));
}

#[test]
fn settings_that_cannot_work_are_refused_at_once() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"-----BEGIN NOTHING-----\n").unwrap();
    let name = file.path().display().to_string();
    let with = |change: &dyn Fn(&mut SourceSettings)| {
        let mut settings = settings("http://127.0.0.1:9090");
        change(&mut settings);
        Client::new(&settings)
            .unwrap_err()
            .to_string()
            .replace(&name, "FILE")
    };
    let shown = [
        with(&|s| s.url = "http://user:hunter2@[bad".to_owned()),
        with(&|s| s.url = "ftp://user:hunter2@host".to_owned()),
        with(&|s| s.url = "http://user:hunter2@host/?token=hunter2".to_owned()),
        with(&|s| s.headers = [("no good".to_owned(), Secret::inline("hunter2"))].into()),
        with(&|s| s.tls.ca_file = Some("/nonexistent/ca.pem".into())),
        with(&|s| s.tls.ca_file = Some(file.path().into())),
        with(&|s| s.tls.cert_file = Some(file.path().into())),
        with(&|s| {
            s.tls.cert_file = Some(file.path().into());
            s.tls.key_file = Some(file.path().into());
        }),
    ];
    insta::assert_snapshot!(shown.join("\n"), @r#"
    setting up the prometheus client: the url is not valid: invalid IPv6 address
    setting up the prometheus client: the url does not start with http:// or https://
    setting up the prometheus client: the url has a query: write it under params
    setting up the prometheus client: "no good" is not the name of a header
    setting up the prometheus client: reading /nonexistent/ca.pem: No such file or directory (os error 2)
    setting up the prometheus client: FILE holds no pem certificate
    setting up the prometheus client: a client certificate needs cert_file and key_file
    setting up the prometheus client: FILE and FILE hold no pem certificate and key
    "#);
}

#[tokio::test]
async fn secrets_are_in_no_text() {
    let server = MockServer::start().await;
    let url = server.uri().replace("http://", "http://user:hunter2@");
    let mut settings = settings(&url);
    settings.params = [("token".to_owned(), "hunter2".to_owned())].into();
    settings.headers = [("X-Token".to_owned(), Secret::inline("hunter2\n"))].into();
    let unsendable = Client::new(&settings).unwrap();
    let mut texts = vec![format!("{unsendable:?}")];
    let mut add = |error: SourceError| {
        texts.push(error.to_string());
        texts.push(format!("{error:?}"));
    };
    add(unsendable.samples("x[1m]", NOON).await.unwrap_err());
    settings.headers.clear();
    settings.auth = Auth::Bearer(Secret::inline("hunter2\n"));
    add(Client::new(&settings)
        .unwrap()
        .samples("x[1m]", NOON)
        .await
        .unwrap_err());
    settings.auth = Auth::Bearer(Secret::inline("hunter2"));
    add(Client::new(&settings)
        .unwrap()
        .samples("x[1m]", NOON)
        .await
        .unwrap_err());
    settings.url = "http://user:hunter2@127.0.0.1:1/prefix-hunter2".to_owned();
    add(Client::new(&settings)
        .unwrap()
        .samples("x[1m]", NOON)
        .await
        .unwrap_err());
    for text in texts {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
