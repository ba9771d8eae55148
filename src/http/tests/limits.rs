//! What every route is wrapped into: what is refused, and what a bug costs.

use super::*;

#[tokio::test]
async fn wrong_methods_and_large_bodies_are_refused() {
    let server = server(board());
    let answer = ask(&server.router, Method::GET, "/-/reload").await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.headers[header::ALLOW], "POST");
    assert_eq!(answer.json()["error"], "/-/reload does not answer GET");

    let request = Request::builder()
        .method(Method::POST)
        .uri("/-/reload")
        .header(header::CONTENT_LENGTH, (256 << 10) + 1)
        .body(Body::from(vec![b'x'; (256 << 10) + 1]))
        .unwrap();
    let response = server.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 413);
    let bytes = to_bytes(response.into_body(), 4096).await.unwrap();
    insta::assert_snapshot!(String::from_utf8_lossy(&bytes), @r#"{"error":"the body is larger than 262144 bytes"}"#);
}

#[tokio::test]
async fn a_panic_ends_one_request_only() {
    async fn broken() -> &'static str {
        panic!("a bug with a detail that is nobody's business")
    }
    let routes = Router::new().route("/broken", get(broken));
    let router = guarded(
        routes.route("/fine", get(crate::http::health::alive)),
        256 << 10,
    );
    let answer = ask(&router, Method::GET, "/broken").await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.body, r#"{"error":"internal error"}"#);
    let answer = ask(&router, Method::GET, "/fine").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn metrics_are_served_as_text() {
    let answer = get_from(shop(), "/metrics").await;
    let kind = answer.headers.get(header::CONTENT_TYPE).unwrap();
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    assert!(
        answer
            .body
            .contains("\nslofuse_build_info{version=\"1.2.3\"} 1\n")
    );
}
