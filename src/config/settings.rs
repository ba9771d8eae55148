//! The daemon's settings after loading: plain values, defaults filled in, every bound explicit.
//!
//! Each default is the `Default` of the struct that owns it, so that documentation, the loader and
//! the tests share one place. Units: durations are [`Span`]s, sizes bytes, counts plain integers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::engine::{Severity, Span};

use super::secret::Secret;

/// Everything `slofuse run` needs besides the definitions.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where samples come from.
    pub source: SourceSettings,
    /// How often and how long is looked.
    pub evaluation: EvaluationSettings,
    /// Files and directories (relative to the settings file) that hold SLO definitions.
    pub definitions: Vec<PathBuf>,
    /// Files and directories that hold policies.
    pub policies: Vec<PathBuf>,
    /// Who can be told.
    pub receivers: Vec<ReceiverSettings>,
    /// Who is told what.
    pub routes: Routes,
    /// Limits shared by all deliveries.
    pub delivery: DeliverySettings,
    /// The daemon's own HTTP server.
    pub server: ServerSettings,
    /// Durable state.
    pub state: StateSettings,
}

/// A Prometheus-compatible HTTP API.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Base URL without `/api/v1`; a path prefix is kept. Default `http://127.0.0.1:9090`.
    pub url: String,
    /// Authentication.
    pub auth: Auth,
    /// Extra request headers, such as `X-Scope-OrgID`.
    pub headers: BTreeMap<String, Secret>,
    /// Extra query parameters, such as `partial_response=false`.
    pub params: BTreeMap<String, String>,
    /// TLS options.
    pub tls: TlsSettings,
    /// Deadline of one request. Default 10s.
    pub timeout: Span,
    /// Requests under way at once. Default 4.
    pub concurrency: usize,
    /// Largest decompressed answer in bytes. Default 256 MiB.
    pub body_bytes_max: u64,
    /// Whether several replicas are merged behind the URL, so that counters may step back a little
    /// without a reset. Default false.
    pub deduplicated: bool,
}

/// How requests prove who they are from.
#[derive(Clone, Debug, Default)]
pub enum Auth {
    /// They do not.
    #[default]
    None,
    /// HTTP basic authentication.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: Secret,
    },
    /// `Authorization: Bearer`; a token from a file is read anew for each request.
    Bearer(Secret),
}

/// TLS options of an outgoing connection.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// PEM file with certificate authorities trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM file with the client's certificate chain.
    pub cert_file: Option<PathBuf>,
    /// PEM file with the client's private key.
    pub key_file: Option<PathBuf>,
    /// Accept any certificate. Only for experiments.
    pub insecure_skip_verify: bool,
}

/// The rhythm of evaluation.
#[derive(Clone, Debug)]
pub struct EvaluationSettings {
    /// Time between slots. Default 30s.
    pub interval: Span,
    /// The scrape interval to assume until samples show another. Default 15s.
    pub scrape_interval: Span,
    /// Labels that name a scrape target; a new series of a known target counts from zero.
    /// Default `[job, instance]`.
    pub target_labels: Vec<String>,
    /// A series or instance not seen for so long is forgotten. Default 24h.
    pub forget_after: Span,
    /// Instances one SLO may have; more are counted and not evaluated. Default 10000.
    pub instances_max: usize,
    /// Series one poll may return; more fail the poll with advice. Default 200000.
    pub series_max: usize,
}

/// A named receiver and its kind.
#[derive(Clone, Debug)]
pub struct ReceiverSettings {
    /// Unique name, used in routes, metrics and keys.
    pub name: String,
    /// What it is.
    pub kind: ReceiverKind,
    /// Deadline of one delivery attempt. Default 15s.
    pub timeout: Span,
    /// Deliveries under way at once. Default 4.
    pub concurrency: usize,
    /// Whether resolves are sent. Default true.
    pub send_resolved: bool,
    /// TLS options.
    pub tls: TlsSettings,
}

/// The kinds of receivers and what each needs.
#[derive(Clone, Debug)]
pub enum ReceiverKind {
    /// PagerDuty Events API v2.
    PagerDuty {
        /// Integration key of an Events API v2 integration.
        routing_key: Secret,
        /// Enqueue URL. Default `https://events.pagerduty.com/v2/enqueue`.
        url: String,
    },
    /// Slack incoming webhook.
    SlackWebhook {
        /// The whole URL is the credential.
        url: Secret,
    },
    /// Slack bot token: one message per alert, edited in place, its history in a thread.
    SlackBot {
        /// `xoxb-` token with scope `chat:write`.
        token: Secret,
        /// Channel id or name.
        channel: String,
        /// API base. Default `https://slack.com/api`.
        api_url: String,
    },
    /// Generic webhook with Alertmanager's version 4 body.
    Webhook {
        /// Where to.
        url: Secret,
        /// Authentication.
        auth: Auth,
        /// Extra request headers.
        headers: BTreeMap<String, Secret>,
        /// Standard Webhooks signing secret (`whsec_...`).
        signing_secret: Option<Secret>,
    },
    /// Lines on standard output.
    Console,
}

impl ReceiverKind {
    /// The word for this kind in files, logs and metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::PagerDuty { .. } => "pagerduty",
            Self::SlackWebhook { .. } => "slack_webhook",
            Self::SlackBot { .. } => "slack_bot",
            Self::Webhook { .. } => "webhook",
            Self::Console => "console",
        }
    }
}

/// Receivers by severity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// Used for a severity without an entry of its own.
    pub default: Vec<String>,
    /// Receivers of one severity.
    pub by_severity: BTreeMap<Severity, Vec<String>>,
}

/// What all deliveries share.
#[derive(Clone, Debug)]
pub struct DeliverySettings {
    /// First retry delay; grows by half up to `backoff_max`, with jitter. Default 500ms.
    pub backoff_initial: Span,
    /// Longest retry delay. Default 1m.
    pub backoff_max: Span,
    /// A notification older than this becomes a dead letter. Default 24h.
    pub age_max: Span,
    /// Failed attempts in a row that open a receiver's circuit breaker. Default 10.
    pub breaker_failures: u32,
    /// How long an open breaker waits before it lets one attempt through. Default 10s.
    pub breaker_pause: Span,
}

/// The daemon's own HTTP server.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Address to listen on. Default 127.0.0.1:9876.
    pub listen: SocketAddr,
    /// Where people reach this server, for links in notifications.
    pub external_url: Option<String>,
}

/// Durable state.
#[derive(Clone, Debug)]
pub struct StateSettings {
    /// Directory of the database and the sample cache. Default `./slofuse-state`.
    pub directory: PathBuf,
    /// How long transitions and deliveries are kept. Default 90d.
    pub history_retention: Span,
    /// How often the sample cache is written. Default 1m.
    pub cache_interval: Span,
}

impl Default for SourceSettings {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:9090".to_owned(),
            auth: Auth::None,
            headers: BTreeMap::new(),
            params: BTreeMap::new(),
            tls: TlsSettings::default(),
            timeout: Span::from_secs(10),
            concurrency: 4,
            body_bytes_max: 256 << 20,
            deduplicated: false,
        }
    }
}

impl Default for EvaluationSettings {
    fn default() -> Self {
        Self {
            interval: Span::from_secs(30),
            scrape_interval: Span::from_secs(15),
            target_labels: vec!["job".to_owned(), "instance".to_owned()],
            forget_after: Span::from_hours(24),
            instances_max: 10_000,
            series_max: 200_000,
        }
    }
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            backoff_initial: Span::from_millis(500),
            backoff_max: Span::from_mins(1),
            age_max: Span::from_hours(24),
            breaker_failures: 10,
            breaker_pause: Span::from_secs(10),
        }
    }
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 9876)),
            external_url: None,
        }
    }
}

impl Default for StateSettings {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("./slofuse-state"),
            history_retention: Span::from_days(90),
            cache_interval: Span::from_mins(1),
        }
    }
}

impl ReceiverSettings {
    /// A receiver with the default limits.
    pub fn new(name: impl Into<String>, kind: ReceiverKind) -> Self {
        Self {
            name: name.into(),
            kind,
            timeout: Span::from_secs(15),
            concurrency: 4,
            send_resolved: true,
            tls: TlsSettings::default(),
        }
    }
}
