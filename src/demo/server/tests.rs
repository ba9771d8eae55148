//! The simulated API over HTTP: answers and errors as Prometheus words them.

use insta::assert_snapshot;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

const START: Timestamp = Timestamp::from_secs(1_767_225_600);

struct Server {
    base: String,
    client: reqwest::Client,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start() -> Self {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            stopped.await.ok();
        };
        let world = World::new(START, 7);
        Self {
            base,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            stop,
            task: tokio::spawn(serve(world, listener, shutdown)),
        }
    }

    async fn get(&self, path: &str, form: &[(&str, &str)]) -> (u16, String) {
        let request = self.client.get(format!("{}{path}", self.base)).query(form);
        read(request).await
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, String) {
        let request = self.client.post(format!("{}{path}", self.base)).form(form);
        read(request).await
    }

    async fn query(&self, query: &str) -> (u16, String) {
        let form = [("query", query), ("time", "1767225600.25")];
        self.post("/api/v1/query", &form).await
    }
}

async fn read(request: reqwest::RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn answers_look_like_those_of_prometheus() {
    let server = Server::start().await;
    let (status, text) = server
        .query(r#"http_requests_total{pod="checkout-0",code="200"}"#)
        .await;
    assert_eq!(status, 200);
    assert_snapshot!(text, @r#"{"data":{"result":[{"metric":{"__name__":"http_requests_total","code":"200","instance":"checkout-0:8080","job":"checkout","pod":"checkout-0","service":"checkout"},"value":[1767225600.25,"5069148"]}],"resultType":"vector"},"status":"success"}"#);
    let (_, text) = server
        .query(r#"http_requests_total{pod="checkout-0",code="500"}[30s]"#)
        .await;
    assert_snapshot!(text, @r#"{"data":{"result":[{"metric":{"__name__":"http_requests_total","code":"500","instance":"checkout-0:8080","job":"checkout","pod":"checkout-0","service":"checkout"},"values":[[1767225578.881,"506"],[1767225593.896,"506"]]}],"resultType":"matrix"},"status":"success"}"#);
    let (_, text) = server.query("sum(increase(http_requests_total[1h]))").await;
    assert_snapshot!(text, @r#"{"data":{"result":[{"metric":{},"value":[1767225600.25,"134442.30699827673"]}],"resultType":"vector"},"status":"success"}"#);
    let (_, text) = server.query("nothing").await;
    assert_snapshot!(text, @r#"{"data":{"result":[],"resultType":"vector"},"status":"success"}"#);
    let form = [
        (
            "query",
            "time() - max(report_last_success_timestamp_seconds) < bool 93600",
        ),
        ("start", "1767222000"),
        ("end", "1767225600"),
        ("step", "1800"),
    ];
    let (_, text) = server.get("/api/v1/query_range", &form).await;
    assert_snapshot!(text, @r#"{"data":{"result":[{"metric":{},"values":[[1767222000.0,"1"],[1767223800.0,"1"],[1767225600.0,"1"]]}],"resultType":"matrix"},"status":"success"}"#);
}

#[tokio::test]
async fn get_and_post_and_both_notations_of_a_step_are_the_same() {
    let server = Server::start().await;
    let form = |step| {
        let query = "sum by (code) (increase(http_requests_total[1h]))";
        [
            ("query", query),
            ("start", "1767200000"),
            ("end", "1767225600"),
            ("step", step),
        ]
    };
    let one = server.get("/api/v1/query_range", &form("3600")).await;
    assert_eq!(one.0, 200);
    let two = server.post("/api/v1/query_range", &form("1h")).await;
    assert_eq!(one, two);
}

#[tokio::test]
async fn mistakes_are_named_as_prometheus_names_them() {
    let server = Server::start().await;
    let (status, text) = server.query("rate(http_requests_total[5m])").await;
    assert_eq!(status, 422);
    assert_snapshot!(text, @r#"{"error":"the demo source does not evaluate this expression","errorType":"execution","status":"error"}"#);
    let (status, text) = server.query("{pod!=\"\"}[30d]").await;
    assert_eq!(status, 422);
    assert!(text.contains("too many samples"), "{text}");
    let (status, text) = server.query("sum(").await;
    assert_eq!(status, 400);
    assert!(text.contains(r#""errorType":"bad_data""#), "{text}");
    for time in ["", "NaN", "-1", "1e300", "yesterday"] {
        let form = [("query", "up"), ("time", time)];
        let (status, text) = server.get("/api/v1/query", &form).await;
        assert_eq!(status, 400, "{time}");
        assert!(text.contains(r#"invalid parameter \"time\""#), "{text}");
    }
    for step in ["", "0", "-5", "soon"] {
        let form = [
            ("query", "up"),
            ("start", "5"),
            ("end", "9"),
            ("step", step),
        ];
        let (status, _) = server.get("/api/v1/query_range", &form).await;
        assert_eq!(status, 400, "{step}");
    }
    assert_eq!(server.get("/api/v1/query", &[]).await.0, 400, "no query");
    let huge = "x".repeat(100_000);
    assert_eq!(server.query(&huge).await.0, 400);
    assert_eq!(server.get("/api/v1/labels", &[]).await.0, 404);
}

#[tokio::test]
async fn the_server_says_what_it_is_and_stops_when_told() {
    let server = Server::start().await;
    assert_eq!(server.get("/-/ready", &[]).await.0, 200);
    let (_, text) = server.get("/api/v1/status/buildinfo", &[]).await;
    let info: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(info["data"]["version"], "3.0.0");
    drop(server.client);
    server.stop.send(()).unwrap();
    let limit = std::time::Duration::from_secs(10);
    tokio::time::timeout(limit, server.task)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}
