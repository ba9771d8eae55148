//! The daemon's settings after loading: plain values, defaults filled in, every bound explicit.
//!
//! Each default is the `Default` of the struct that owns it, so that documentation, the loader and
//! the tests share one place. Units: durations are [`Span`]s, sizes bytes, counts plain integers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::engine::{Drops, Options, ReadingOptions, Routing, Span, TimeInterval, Zone};
use crate::message::Templates;

use super::secret::Secret;

mod receiver;
mod server;

pub use receiver::{
    BodySignature, Email, HeartbeatSettings, ReceiverKind, ReceiverSettings, SmtpSecurity,
};
pub use server::{Access, AuthSettings, ServerSettings, ServerTls, TokenSettings, UserSettings};

/// The name of the one source, in alerts and metrics.
pub const SOURCE_NAME: &str = "prometheus";

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
    /// Who is told what, and when not.
    pub routing: Routing,
    /// Words in place of the built-in ones.
    pub templates: Templates,
    /// Whom to tell, again and again, that all is well with slofuse itself.
    pub heartbeats: Vec<HeartbeatSettings>,
    /// When people sleep, for measuring what they are woken by.
    pub night: Night,
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
    /// A notification that its receiver does not have after so long goes to the fallback as well,
    /// where there is one. Default 5m.
    pub fallback_after: Span,
}

/// The hours of the night: pages within them are counted apart.
#[derive(Clone, Debug)]
pub struct Night(pub TimeInterval);

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
            fallback_after: Span::from_mins(5),
        }
    }
}

impl Default for Night {
    /// 22:00 to 07:00 UTC.
    fn default() -> Self {
        Self(TimeInterval {
            times: vec![(0, 7 * 60), (22 * 60, 24 * 60)],
            ..TimeInterval::always(Zone::utc())
        })
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

/// How the engine reads the samples of a source under these settings.
pub fn engine_options(source: &SourceSettings, evaluation: &EvaluationSettings) -> Options {
    Options {
        source: SOURCE_NAME.to_owned(),
        reading: ReadingOptions {
            interval: evaluation.interval,
            scrape_interval: evaluation.scrape_interval,
            target_labels: evaluation.target_labels.clone(),
            forget_after: evaluation.forget_after,
            instances_max: evaluation.instances_max,
            drops: match source.deduplicated {
                true => Drops::MayBeReplicas,
                false => Drops::AreResets,
            },
        },
    }
}

/// The same where there may be no settings: their defaults then.
pub fn engine_options_or_default(settings: Option<&Settings>) -> Options {
    match settings {
        Some(settings) => engine_options(&settings.source, &settings.evaluation),
        None => engine_options(&SourceSettings::default(), &EvaluationSettings::default()),
    }
}
