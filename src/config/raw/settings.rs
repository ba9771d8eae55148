//! The settings file.
//!
//! Units and defaults of each key are those of [`crate::config::settings`], whose shape this
//! mirrors.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::field::{Field, ValueOr};
use crate::config::schema::one_of;
use crate::config::value::{Duration, Size, WebUrl};

mod receiver;
mod route;
mod server;
mod time;

pub(crate) use receiver::*;
pub(crate) use route::*;
pub(crate) use server::*;
pub(crate) use time::*;

/// The whole file.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["routes", "route"])))]
pub(crate) struct Settings {
    /// Where samples come from.
    pub(crate) prometheus: Field<Prometheus>,
    /// How often and how long is looked.
    pub(crate) evaluation: Field<Evaluation>,
    /// Required. Files and directories, relative to this file.
    pub(crate) definitions: Field<Vec<Field<String>>>,
    /// Files and directories of policies, relative to this file.
    pub(crate) policies: Field<Vec<Field<String>>>,
    /// Required. Who can be told.
    pub(crate) receivers: Field<Vec<Field<Receiver>>>,
    /// Who is told what: receivers by severity.
    pub(crate) routes: Field<Routes>,
    /// Instead of `routes`: a tree of routes, with Alertmanager's semantics.
    pub(crate) route: Field<Route>,
    /// The receivers of each owner, for routes that go `to_owner`.
    pub(crate) owners: Field<BTreeMap<String, Field<OwnerReceivers>>>,
    /// Named stretches of time, for routes and maintenance.
    pub(crate) time_intervals: Field<Vec<Field<NamedIntervals>>>,
    /// Alerts that keep others quiet.
    pub(crate) inhibit_rules: Field<Vec<Field<InhibitRule>>>,
    /// When nobody wants to hear of what.
    pub(crate) maintenance: Field<Vec<Field<Maintenance>>>,
    /// What the page of an SLO does to the alerts of those that depend on it. Default annotate.
    pub(crate) dependencies: Field<Dependencies>,
    /// When people sleep: pages are counted apart then. Default 22:00 to 07:00, UTC.
    pub(crate) night: Field<Night>,
    /// Words in place of the built-in ones, for all receivers.
    pub(crate) templates: Field<Templates>,
    /// Services that raise an alarm when slofuse stops calling them.
    pub(crate) heartbeats: Field<Vec<Field<Heartbeat>>>,
    /// Limits shared by all deliveries.
    pub(crate) delivery: Field<Delivery>,
    /// The daemon's own HTTP server.
    pub(crate) server: Field<Server>,
    /// Durable state.
    pub(crate) state: Field<State>,
}

/// A secret: a text, or where to find it.
pub(crate) type Secret = ValueOr<SecretSource>;

/// Exactly one of the two.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(crate) struct SecretSource {
    /// Name of an environment variable.
    pub(crate) env: Field<String>,
    /// File, relative to the settings file; read anew at each use.
    pub(crate) file: Field<String>,
}

/// HTTP basic authentication.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BasicAuth {
    /// Required. User name.
    pub(crate) username: Field<String>,
    /// Required. Password, or where to find it.
    pub(crate) password: Field<Secret>,
}

/// TLS of outgoing connections; files are relative to the settings file.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tls {
    /// PEM, trusted besides the system's authorities.
    pub(crate) ca_file: Field<String>,
    /// PEM, the client's chain; needs `key_file`.
    pub(crate) cert_file: Field<String>,
    /// PEM, the client's private key; needs `cert_file`.
    pub(crate) key_file: Field<String>,
    /// Accept any certificate: for experiments only. Default false.
    pub(crate) insecure_skip_verify: Field<bool>,
}

/// `prometheus:`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Prometheus {
    /// Base URL without `/api/v1`. Default `http://127.0.0.1:9090`.
    pub(crate) url: Field<WebUrl>,
    /// User name and password.
    pub(crate) basic_auth: Field<BasicAuth>,
    /// Instead of `basic_auth`.
    pub(crate) bearer_token: Field<Secret>,
    /// Extra request headers, such as `X-Scope-OrgID`; values may be secrets.
    pub(crate) headers: Field<BTreeMap<String, Field<Secret>>>,
    /// Extra query parameters, such as `partial_response: "false"`.
    pub(crate) params: Field<BTreeMap<String, Field<String>>>,
    /// TLS of the connection.
    pub(crate) tls: Field<Tls>,
    /// Deadline of one request. Default 10s; 100ms to 5m.
    pub(crate) timeout: Field<Duration>,
    /// Requests under way at once. Default 4; 1 to 256.
    pub(crate) concurrency: Field<usize>,
    /// Largest answer after decompression. Default 256MiB.
    pub(crate) body_bytes_max: Field<Size>,
    /// Whether replicas are merged behind the URL (Thanos, Mimir HA). Default false.
    pub(crate) deduplicated: Field<bool>,
}

/// `evaluation:`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Evaluation {
    /// Time between slots. Default 30s; 1s to 10m.
    pub(crate) interval: Field<Duration>,
    /// Assumed until samples show another. Default 15s; 1s to 10m.
    pub(crate) scrape_interval: Field<Duration>,
    /// What names a scrape target: new series of it count from zero. Default `[job, instance]`.
    pub(crate) target_labels: Field<Vec<Field<String>>>,
    /// A series not seen for so long is forgotten. Default 24h; 1h to 400d.
    pub(crate) forget_after: Field<Duration>,
    /// Instances of one SLO; more are counted, not evaluated. Default 10000.
    pub(crate) instances_max: Field<usize>,
    /// Series in one answer; more fail the poll. Default 200000.
    pub(crate) series_max: Field<usize>,
}

/// `delivery:`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Delivery {
    /// First retry delay. Default 500ms; 100ms to 1h.
    pub(crate) backoff_initial: Field<Duration>,
    /// Longest retry delay. Default 1m; 100ms to 1h.
    pub(crate) backoff_max: Field<Duration>,
    /// Older notifications become dead letters. Default 24h; 1m to 30d.
    pub(crate) age_max: Field<Duration>,
    /// Failures in a row that open a receiver's breaker. Default 10; 1 to 1000.
    pub(crate) breaker_failures: Field<u32>,
    /// An open breaker lets one attempt through then. Default 10s; 100ms to 1h.
    pub(crate) breaker_pause: Field<Duration>,
    /// What a receiver does not have by then goes to its `fallback` too. Default 5m; 1s to 24h.
    pub(crate) fallback_after: Field<Duration>,
}

/// `state:`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct State {
    /// Database and sample cache. Default `./slofuse-state`.
    pub(crate) directory: Field<String>,
    /// How long transitions and deliveries are kept. Default 90d; 1d to 3650d.
    pub(crate) history_retention: Field<Duration>,
    /// How often the sample cache is written. Default 1m; 1s to 1h.
    pub(crate) cache_interval: Field<Duration>,
}
