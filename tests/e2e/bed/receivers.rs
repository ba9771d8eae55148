//! Fake receivers: they record every request and misbehave on demand.
//!
//! A fake checks what the real service checks and answers as it does (PagerDuty Events API v2,
//! Slack incoming webhooks, Slack Web API, a plain webhook). It speaks HTTP/1.1 itself, one request
//! per connection, because no server library lets a test hang or reset a connection.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use slofuse::engine::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::clock::now;

/// A fake receiver on a loopback port; ends when dropped.
#[derive(Debug)]
pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

/// How a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// As the real service does.
    Fine,
    /// As the real service does, after a while.
    Slow(Duration),
    /// With this status and no useful body.
    Status(u16),
    /// Status 429 with `Retry-After` in seconds.
    RateLimited(u64),
    /// Never: the connection stays open until the client gives up.
    Hang,
    /// The connection is reset (RST) instead of answered.
    Reset,
}

/// One request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// When its last byte was read.
    pub(crate) at: Timestamp,
    /// Path and query.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// JSON, or the text itself when it is not.
    pub(crate) body: Value,
    /// Whether the receiver took the message.
    pub(crate) accepted: bool,
}

#[derive(Clone, Copy, Debug)]
enum Service {
    PagerDuty,
    SlackWebhook,
    SlackBot,
    Webhook,
}

#[derive(Debug)]
struct Shared {
    service: Service,
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug)]
struct State {
    requests: Vec<Request>,
    script: VecDeque<Answer>,
    otherwise: Answer,
}

impl Receiver {
    /// PagerDuty Events API v2.
    pub(crate) async fn pagerduty() -> Self {
        Self::start(Service::PagerDuty).await
    }

    /// Slack incoming webhook.
    pub(crate) async fn slack_webhook() -> Self {
        Self::start(Service::SlackWebhook).await
    }

    /// Slack Web API: `chat.postMessage` and `chat.update`.
    pub(crate) async fn slack_bot() -> Self {
        Self::start(Service::SlackBot).await
    }

    /// A webhook that takes any JSON.
    pub(crate) async fn webhook() -> Self {
        Self::start(Service::Webhook).await
    }

    async fn start(service: Service) -> Self {
        let shared = Arc::new(Shared {
            service,
            state: Mutex::new(State {
                requests: Vec::new(),
                script: VecDeque::new(),
                otherwise: Answer::Fine,
            }),
            arrived: Notify::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a loopback port");
        let address = listener.local_addr().expect("a bound address");
        let server = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self {
            address,
            shared,
            server,
        }
    }

    /// A URL of this receiver.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers for the next requests, one each; later ones get what [`Self::otherwise`] says.
    pub(crate) fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.lock().script.extend(answers);
    }

    /// The answer for every request that the script does not cover; at first [`Answer::Fine`].
    pub(crate) fn otherwise(&self, answer: Answer) {
        self.shared.lock().otherwise = answer;
    }

    /// Every request so far, in order of arrival.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.lock().requests.clone()
    }

    /// Waits until the requests satisfy the predicate, and returns them.
    ///
    /// # Panics
    ///
    /// Shows the requests when they do not in time.
    pub(crate) async fn wait_for(
        &self,
        what: &str,
        limit: Duration,
        predicate: impl Fn(&[Request]) -> bool,
    ) -> Vec<Request> {
        let satisfied = async {
            loop {
                let arrived = self.shared.arrived.notified();
                let requests = self.requests();
                if predicate(&requests) {
                    return requests;
                }
                arrived.await;
            }
        };
        let waited = tokio::time::timeout(limit, satisfied).await;
        waited.unwrap_or_else(|_| {
            let requests = self.requests();
            panic!("waited {limit:?} for {what}; there are {requests:#?}")
        })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the lock panics")
    }

    /// Decides the answer and puts the request on record, in one go.
    fn record(&self, mut request: Request) -> (Answer, Reply) {
        let mut state = self.lock();
        let otherwise = state.otherwise;
        let answer = state.script.pop_front().unwrap_or(otherwise);
        let reply = match answer {
            Answer::Fine | Answer::Slow(_) => self.service.reply(&request, state.requests.len()),
            Answer::Status(status) => Reply::new(status, json!({"status": "scripted"})),
            Answer::RateLimited(secs) => Reply {
                retry_after: Some(secs),
                ..Reply::new(429, json!({"ok": false, "error": "ratelimited"}))
            },
            Answer::Hang | Answer::Reset => Reply::new(0, Value::Null),
        };
        request.accepted = reply.accepted;
        state.requests.push(request);
        self.arrived.notify_waiters();
        (answer, reply)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.expect("a listening socket");
        connections.spawn(serve(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let Some(request) = read(&mut stream).await else {
        return;
    };
    let (answer, reply) = shared.record(request);
    if let Answer::Slow(wait) = answer {
        tokio::time::sleep(wait).await;
    }
    match answer {
        Answer::Hang => {
            // Returns when the client closes its end.
            stream.read_u8().await.ok();
        }
        Answer::Reset => {
            stream.set_zero_linger().expect("an open socket");
            drop(stream);
        }
        _ => {
            // A client that has gone (killed, timed out) is its own business.
            stream
                .write_all(reply.head_and_body().as_bytes())
                .await
                .ok();
            stream.shutdown().await.ok();
        }
    }
}

/// One request with a `Content-Length` body; `None` when the client leaves in the middle.
async fn read(stream: &mut TcpStream) -> Option<Request> {
    const HEAD_END: &[u8] = b"\r\n\r\n";
    let mut bytes = Vec::new();
    let body_at = loop {
        let found = bytes.windows(HEAD_END.len()).position(|w| w == HEAD_END);
        if let Some(at) = found {
            break at + HEAD_END.len();
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..body_at]).into_owned();
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length").map_or("0", String::as_str);
    let body_end = body_at + length.parse::<usize>().expect("a length is a number");
    while bytes.len() < body_end {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let text = String::from_utf8_lossy(&bytes[body_at..body_end]);
    Some(Request {
        at: now(),
        path,
        headers,
        body: serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned())),
        accepted: false,
    })
}

struct Reply {
    status: u16,
    accepted: bool,
    retry_after: Option<u64>,
    body: String,
}

impl Reply {
    /// A JSON string is sent as plain text; `"ok": false` is Slack's refusal under status 200.
    fn new(status: u16, body: Value) -> Self {
        Self {
            status,
            accepted: (200..300).contains(&status) && body["ok"] != false,
            retry_after: None,
            body: body
                .as_str()
                .map_or_else(|| body.to_string(), str::to_owned),
        }
    }

    fn head_and_body(&self) -> String {
        let retry_after = self
            .retry_after
            .map_or_else(String::new, |secs| format!("Retry-After: {secs}\r\n"));
        format!(
            "HTTP/1.1 {} Scripted\r\nContent-Length: {}\r\nConnection: close\r\n{retry_after}\r\n{}",
            self.status,
            self.body.len(),
            self.body
        )
    }
}

impl Service {
    fn reply(self, request: &Request, earlier: usize) -> Reply {
        match self {
            Self::PagerDuty => pagerduty(&request.body),
            Self::SlackWebhook => {
                let shown = ["text", "blocks", "attachments"];
                if shown.iter().any(|field| request.body.get(field).is_some()) {
                    Reply::new(200, json!("ok"))
                } else {
                    Reply::new(400, json!("no_text"))
                }
            }
            Self::SlackBot => slack_bot(request, earlier),
            Self::Webhook => Reply::new(200, json!({})),
        }
    }
}

/// <https://developer.pagerduty.com/docs/events-api-v2/trigger-events/>
fn pagerduty(event: &Value) -> Reply {
    let needed: &[&str] = match event["event_action"].as_str() {
        Some("trigger") => &[
            "/routing_key",
            "/dedup_key",
            "/payload/summary",
            "/payload/source",
            "/payload/severity",
        ],
        Some("acknowledge" | "resolve") => &["/routing_key", "/dedup_key"],
        _ => &["/event_action"],
    };
    match needed.iter().find(|pointer| {
        let value = event.pointer(pointer).and_then(Value::as_str);
        value.is_none_or(str::is_empty)
    }) {
        Some(pointer) => {
            let errors = [format!("{pointer} is missing or blank")];
            Reply::new(400, json!({"status": "invalid event", "errors": errors}))
        }
        None => Reply::new(
            202,
            json!({"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]}),
        ),
    }
}

/// <https://docs.slack.dev/reference/methods/chat.postMessage>: failures have status 200, too.
fn slack_bot(request: &Request, earlier: usize) -> Reply {
    let bearer = request.headers.get("authorization");
    let fail = |error: &str| Reply::new(200, json!({"ok": false, "error": error}));
    if !bearer.is_some_and(|value| value.starts_with("Bearer xoxb-")) {
        return fail("not_authed");
    }
    let ts = format!("1700000000.{earlier:06}");
    match request.path.rsplit('/').next() {
        Some("chat.postMessage") => match missing(&request.body, &["channel", "text"]) {
            Some(field) => fail(&format!("no_{field}")),
            None => Reply::new(200, json!({"ok": true, "channel": "C0123456789", "ts": ts})),
        },
        Some("chat.update") => match missing(&request.body, &["channel", "ts", "text"]) {
            Some(field) => fail(&format!("no_{field}")),
            None => {
                let ts = &request.body["ts"];
                Reply::new(200, json!({"ok": true, "channel": "C0123456789", "ts": ts}))
            }
        },
        _ => fail("unknown_method"),
    }
}

fn missing<'a>(body: &Value, fields: &[&'a str]) -> Option<&'a str> {
    let blank = |field: &&&str| body[**field].as_str().is_none_or(str::is_empty);
    fields.iter().find(blank).copied()
}
