//! The settings file.
//!
//! Units and defaults of each key are those of [`crate::config::settings`], whose shape this
//! mirrors.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::field::{Field, ValueOr};
use crate::config::value::{Duration, Name, Size, WebUrl};

/// The whole file.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
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
    /// Required. Who is told what.
    pub(crate) routes: Field<Routes>,
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
    pub(crate) username: Field<String>,
    pub(crate) password: Field<Secret>,
}

/// TLS of outgoing connections; files are relative to the settings file.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tls {
    pub(crate) ca_file: Field<String>,
    pub(crate) cert_file: Field<String>,
    pub(crate) key_file: Field<String>,
    pub(crate) insecure_skip_verify: Field<bool>,
}

/// `prometheus:`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Prometheus {
    pub(crate) url: Field<WebUrl>,
    pub(crate) basic_auth: Field<BasicAuth>,
    pub(crate) bearer_token: Field<Secret>,
    pub(crate) headers: Field<BTreeMap<String, Field<Secret>>>,
    pub(crate) params: Field<BTreeMap<String, Field<String>>>,
    pub(crate) tls: Field<Tls>,
    pub(crate) timeout: Field<Duration>,
    pub(crate) concurrency: Field<usize>,
    pub(crate) body_bytes_max: Field<Size>,
    pub(crate) deduplicated: Field<bool>,
}

/// `evaluation:`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Evaluation {
    pub(crate) interval: Field<Duration>,
    pub(crate) scrape_interval: Field<Duration>,
    pub(crate) target_labels: Field<Vec<Field<String>>>,
    pub(crate) forget_after: Field<Duration>,
    pub(crate) instances_max: Field<usize>,
    pub(crate) series_max: Field<usize>,
}

/// One of `receivers:`; exactly one of `pagerduty`, `slack`, `webhook` and `console`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Receiver {
    pub(crate) name: Field<Name>,
    pub(crate) timeout: Field<Duration>,
    pub(crate) concurrency: Field<usize>,
    pub(crate) send_resolved: Field<bool>,
    pub(crate) tls: Field<Tls>,
    pub(crate) pagerduty: Field<PagerDuty>,
    pub(crate) slack: Field<Slack>,
    pub(crate) webhook: Field<Webhook>,
    pub(crate) console: Field<Console>,
}

/// PagerDuty Events API v2.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PagerDuty {
    pub(crate) routing_key: Field<Secret>,
    pub(crate) url: Field<WebUrl>,
}

/// Slack: `webhook_url`, or `bot_token` with `channel`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Slack {
    pub(crate) webhook_url: Field<Secret>,
    pub(crate) bot_token: Field<Secret>,
    pub(crate) channel: Field<String>,
    pub(crate) api_url: Field<WebUrl>,
}

/// Generic webhook.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Webhook {
    pub(crate) url: Field<Secret>,
    pub(crate) basic_auth: Field<BasicAuth>,
    pub(crate) bearer_token: Field<Secret>,
    pub(crate) headers: Field<BTreeMap<String, Field<Secret>>>,
    pub(crate) signing_secret: Field<Secret>,
}

/// Standard output has nothing to set.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Console {}

/// `routes:` names of receivers by severity.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Routes {
    pub(crate) default: Field<Vec<Field<String>>>,
    pub(crate) page: Field<Vec<Field<String>>>,
    pub(crate) ticket: Field<Vec<Field<String>>>,
    pub(crate) info: Field<Vec<Field<String>>>,
}

/// `delivery:`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Delivery {
    pub(crate) backoff_initial: Field<Duration>,
    pub(crate) backoff_max: Field<Duration>,
    pub(crate) age_max: Field<Duration>,
    pub(crate) breaker_failures: Field<u32>,
    pub(crate) breaker_pause: Field<Duration>,
}

/// `server:`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    pub(crate) listen: Field<String>,
    pub(crate) external_url: Field<WebUrl>,
}

/// `state:`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct State {
    pub(crate) directory: Field<String>,
    pub(crate) history_retention: Field<Duration>,
    pub(crate) cache_interval: Field<Duration>,
}
