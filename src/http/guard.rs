//! The gate in front of every route: how often, who, and what for.
//!
//! Looking takes [`Access::Read`], doing takes [`Access::Operate`]. Health checks and `/metrics` can
//! be left open, for probes and scrapers rarely have credentials; what Slack's buttons and the
//! pictures in messages send proves itself by a signature.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Clock;
use super::access::{Access, AccessControl, Denied};
use super::actor::{Actor, Peer};
use super::rate::Rates;
use crate::engine::Span;

/// Longest path in the log, in characters.
const PATH_CHARS_MAX: usize = 255;

/// What the gate needs to know.
#[derive(Clone)]
pub(super) struct Guard(Arc<Inner>);

struct Inner {
    access: AccessControl,
    rates: Rates,
    clock: Clock,
    /// `scheme://host[:port]` where people reach this server.
    own_origin: Option<String>,
}

impl Guard {
    pub(super) fn new(
        access: AccessControl,
        requests_per_second: u32,
        clock: Clock,
        external_url: Option<&str>,
    ) -> Self {
        Self(Arc::new(Inner {
            access,
            rates: Rates::new(requests_per_second),
            clock,
            own_origin: external_url.and_then(origin_of),
        }))
    }
}

/// Lets a request pass, with its [`Actor`], or answers it.
pub(super) async fn guard(
    State(Guard(inner)): State<Guard>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>();
    let peer = peer.map(|ConnectInfo(Peer(address))| address.ip());
    let asked = Asked {
        peer,
        method: request.method(),
        path: request.uri().path(),
        headers: request.headers(),
    };
    match inner.admit(asked).await {
        Ok(actor) => {
            request.extensions_mut().insert(actor);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// What the gate looks at of a request.
struct Asked<'a> {
    peer: Option<IpAddr>,
    method: &'a Method,
    path: &'a str,
    headers: &'a HeaderMap,
}

impl Inner {
    async fn admit(&self, asked: Asked<'_>) -> Result<Actor, Refusal> {
        let peer = asked.peer;
        let now = (self.clock)();
        self.rates.request(peer, now).map_err(too_many)?;
        let header = asked.headers.get(header::AUTHORIZATION);
        let header = header.map(|value| value.as_bytes());
        let guesses = self.rates.guesses(peer, &self.clock);
        let origin = peer.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string());
        let judged = self.access.judge(header, guesses).await;
        let verdict = judged.map_err(|denied| match denied {
            Denied::Wrong => {
                tracing::warn!(target: "audit", origin, "Wrong credentials");
                Refusal::Unknown
            }
            Denied::TooMany(wait) => too_many(wait),
        })?;
        let needed = needed(asked.method, asked.path, self.access.metrics_open());
        if verdict.access < needed {
            return Err(match verdict.name {
                None => Refusal::Unknown,
                Some(name) => {
                    let path: String = asked.path.chars().take(PATH_CHARS_MAX).collect();
                    let method = asked.method.as_str();
                    tracing::warn!(
                        target: "audit", actor = name, origin, method, path, "Operator refused"
                    );
                    Refusal::TooLittle { name, needed }
                }
            });
        }
        if needed == Access::Operate && !self.is_trusted_page(asked.headers) {
            return Err(Refusal::ForeignPage);
        }
        Ok(Actor {
            name: verdict.name.unwrap_or_else(|| "anonymous".to_owned()),
            origin,
        })
    }

    /// Whether a request that changes something comes from a page of ours. Only browsers send
    /// `Origin`; a name that resolves to this host does not make a page ours (DNS rebinding).
    fn is_trusted_page(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return true;
        };
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        if self.own_origin.as_deref() == Some(origin) {
            return true;
        }
        let Ok(uri) = origin.parse::<axum::http::Uri>() else {
            return false;
        };
        let host = uri.host().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = host == "localhost"
            || bare
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        let own = headers.get(header::HOST);
        let own = own.and_then(|host| host.to_str().ok());
        is_loopback && own == uri.authority().map(axum::http::uri::Authority::as_str)
    }
}

/// What a request needs to be allowed.
fn needed(method: &Method, path: &str, metrics_open: bool) -> Access {
    const HEALTH: [&str; 5] = ["/healthz", "/readyz", "/-/healthy", "/-/ready", "/metrics"];
    const SIGNED: [&str; 2] = ["/api/v1/slack/actions", "/api/v1/pictures/"];
    /// They change nothing, though they are posted.
    const QUESTIONS: [&str; 1] = ["/api/v1/routes/test"];
    /// They tell who did what from where.
    const CONFIDENTIAL: [&str; 1] = ["/api/v1/audit"];
    let looks = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if metrics_open && looks && HEALTH.contains(&path) {
        return Access::None;
    }
    if SIGNED.iter().any(|signed| match signed.ends_with('/') {
        true => path.starts_with(signed) && looks,
        false => path == *signed,
    }) {
        return Access::None;
    }
    if CONFIDENTIAL.contains(&path) {
        return Access::Operate;
    }
    match looks || QUESTIONS.contains(&path) {
        true => Access::Read,
        false => Access::Operate,
    }
}

/// `https://slo.example:8443/prefix` is served from `https://slo.example:8443`.
fn origin_of(url: &str) -> Option<String> {
    let uri: axum::http::Uri = url.parse().ok()?;
    Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
}

fn too_many(wait: Span) -> Refusal {
    let seconds = (wait.as_millis() / 1000).max(1);
    Refusal::TooMany { seconds }
}

/// Why a request does not pass.
enum Refusal {
    TooMany { seconds: i64 },
    Unknown,
    TooLittle { name: String, needed: Access },
    ForeignPage,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        const BOTH: &str = "Basic realm=\"slofuse\", Bearer";
        let (status, header, text): (_, Option<(HeaderName, String)>, String) = match self {
            Self::TooMany { seconds } => (
                StatusCode::TOO_MANY_REQUESTS,
                Some((header::RETRY_AFTER, seconds.to_string())),
                format!("too many requests, or too many wrong credentials; wait {seconds} s"),
            ),
            Self::Unknown => (
                StatusCode::UNAUTHORIZED,
                Some((header::WWW_AUTHENTICATE, BOTH.to_owned())),
                "this needs the name and password of a user, or a token".to_owned(),
            ),
            Self::TooLittle { name, needed } => {
                let word = if needed == Access::Operate {
                    "operate"
                } else {
                    "read"
                };
                let text = format!("{name:?} may not {word}");
                (StatusCode::FORBIDDEN, None, text)
            }
            Self::ForeignPage => (
                StatusCode::FORBIDDEN,
                None,
                "pages of other sites may not change anything here".to_owned(),
            ),
        };
        let mut response = (status, Json(json!({ "error": text }))).into_response();
        if let Some((name, value)) = header
            && let Ok(value) = value.parse()
        {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware;
    use tower::ServiceExt;

    use super::*;
    use crate::engine::Timestamp;
    use crate::http::access::{AccessPolicy, Principal};

    const TOKEN_READ: &str = "Bearer read-read-read-read";
    const TOKEN_OPERATE: &str = "Bearer operate-operate-operate";

    fn gate(anonymous: Access, metrics_open: bool) -> Router {
        let token = |name: &str, header: &str, access| Principal {
            name: name.to_owned(),
            secret: header.trim_start_matches("Bearer ").to_owned(),
            access,
        };
        let access = AccessControl::new(AccessPolicy {
            anonymous,
            metrics_open,
            users: Vec::new(),
            tokens: vec![
                token("viewer", TOKEN_READ, Access::Read),
                token("robot", TOKEN_OPERATE, Access::Operate),
            ],
        });
        let clock: Clock = Arc::new(|| Timestamp::from_secs(1_800_000_000));
        let guarded = Guard::new(access, 50, clock, Some("https://slo.example/x"));
        let who = |actor: Actor| async move { actor.name };
        Router::new()
            .fallback(who)
            .layer(middleware::from_fn_with_state(guarded, guard))
    }

    async fn ask(gate: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = gate.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 4096).await.unwrap();
        format!("{status} {}", String::from_utf8_lossy(&body))
    }

    #[tokio::test]
    async fn each_level_opens_what_it_is_for() {
        let gate = gate(Access::None, true);
        let read = [("authorization", TOKEN_READ)];
        let operate = [("authorization", TOKEN_OPERATE)];
        let mut seen = String::new();
        for (method, path) in [
            ("GET", "/healthz"),
            ("GET", "/metrics"),
            ("GET", "/api/v1/alerts"),
            ("GET", "/api/v2/silences"),
            ("POST", "/api/v2/silences"),
            ("DELETE", "/api/v2/silence/x"),
            ("POST", "/-/reload"),
            ("POST", "/api/v1/routes/test"),
            ("GET", "/api/v1/audit"),
            ("POST", "/api/v1/slack/actions"),
            ("GET", "/api/v1/pictures/x.png"),
            ("POST", "/api/v1/pictures/x.png"),
            ("POST", "/metrics"),
        ] {
            let mut line = format!("{method} {path}:");
            for headers in [&[][..], &read, &operate] {
                line += " ";
                line += ask(&gate, method, path, headers).await.get(..3).unwrap();
            }
            seen += &line;
            seen += "\n";
        }
        insta::assert_snapshot!(seen, @"
        GET /healthz: 200 200 200
        GET /metrics: 200 200 200
        GET /api/v1/alerts: 401 200 200
        GET /api/v2/silences: 401 200 200
        POST /api/v2/silences: 401 403 200
        DELETE /api/v2/silence/x: 401 403 200
        POST /-/reload: 401 403 200
        POST /api/v1/routes/test: 401 200 200
        GET /api/v1/audit: 401 403 200
        POST /api/v1/slack/actions: 200 200 200
        GET /api/v1/pictures/x.png: 200 200 200
        POST /api/v1/pictures/x.png: 401 403 200
        POST /metrics: 401 403 200
        ");
    }

    #[tokio::test]
    async fn the_actor_is_named_and_wrong_credentials_are_not_anonymous() {
        let gate = gate(Access::Operate, false);
        assert_eq!(ask(&gate, "POST", "/x", &[]).await, "200 anonymous");
        let robot = [("authorization", TOKEN_OPERATE)];
        assert_eq!(ask(&gate, "POST", "/x", &robot).await, "200 robot");
        let wrong = [("authorization", "Bearer wrong")];
        let answer = ask(&gate, "GET", "/metrics", &wrong).await;
        assert!(answer.starts_with("401 "), "{answer}");
    }

    #[tokio::test]
    async fn pages_of_other_sites_change_nothing() {
        let gate = gate(Access::Operate, true);
        for (origin, host, passes) in [
            ("https://slo.example", "slo.example", true),
            ("http://127.0.0.1:9876", "127.0.0.1:9876", true),
            ("http://localhost:9876", "localhost:9876", true),
            ("http://[::1]:9876", "[::1]:9876", true),
            ("http://localhost:8000", "localhost:9876", false),
            ("http://evil.example:9876", "evil.example:9876", false),
            ("http://slo.example", "slo.example", false),
            ("null", "127.0.0.1:9876", false),
            ("", "127.0.0.1:9876", false),
        ] {
            let headers = [("origin", origin), ("host", host)];
            let answer = ask(&gate, "POST", "/-/reload", &headers).await;
            assert_eq!(answer.starts_with("200"), passes, "{origin}: {answer}");
            let answer = ask(&gate, "GET", "/x", &headers).await;
            assert!(answer.starts_with("200"), "looking is free: {answer}");
        }
    }

    #[tokio::test]
    async fn guessing_ends_in_a_pause() {
        let gate = gate(Access::Read, true);
        let wrong = [("authorization", "Bearer guess")];
        for _ in 0..10 {
            assert!(ask(&gate, "GET", "/x", &wrong).await.starts_with("401"));
        }
        let answer = ask(&gate, "GET", "/x", &wrong).await;
        assert!(answer.starts_with("429"), "{answer}");
    }
}
