//! Who can be told: one struct per kind of receiver, and what all kinds share.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{BasicAuth, Secret, Tls};
use crate::config::field::{Field, ValueOr};
use crate::config::schema::one_of;
use crate::config::value::{ChangeEvents, Duration, Name, WebUrl};

/// One of `receivers:`, with exactly one kind.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(KINDS)))]
pub(crate) struct Receiver {
    /// Required. Unique; what routes refer to.
    pub(crate) name: Field<Name>,
    /// Deadline of one attempt. Default 15s; 100ms to 5m.
    pub(crate) timeout: Field<Duration>,
    /// Deliveries under way at once. Default 4; 1 to 256.
    pub(crate) concurrency: Field<usize>,
    /// Whether to say when something ends. Default true.
    pub(crate) send_resolved: Field<bool>,
    /// TLS of the connection.
    pub(crate) tls: Field<Tls>,
    /// Another receiver, told in its place when it cannot be reached.
    pub(crate) fallback: Field<String>,
    /// From when on pages come as one summary, or off. Default 20 in 5m; off for machines.
    pub(crate) storm: Field<ValueOr<Storm>>,
    /// Words in place of those that all receivers share.
    pub(crate) templates: Field<Templates>,
    /// PagerDuty Events API v2.
    pub(crate) pagerduty: Field<PagerDuty>,
    /// Slack, by an incoming webhook or a bot.
    pub(crate) slack: Field<Slack>,
    /// A webhook with Alertmanager's body, version 4, or a body of one's own.
    pub(crate) webhook: Field<Webhook>,
    /// Alertmanager's API v2.
    pub(crate) alertmanager: Field<Alertmanager>,
    /// Microsoft Teams, by a workflow.
    pub(crate) teams: Field<UrlOnly>,
    /// Discord, by a channel's webhook.
    pub(crate) discord: Field<UrlOnly>,
    /// Telegram, by a bot.
    pub(crate) telegram: Field<Telegram>,
    /// E-mail by SMTP.
    pub(crate) email: Field<Email>,
    /// Opsgenie.
    pub(crate) opsgenie: Field<Opsgenie>,
    /// Jira Service Management's operations.
    pub(crate) jira_service_management: Field<JiraServiceManagement>,
    /// incident.io alert events.
    pub(crate) incident_io: Field<IncidentIo>,
    /// Grafana IRM, formatted webhook integration.
    pub(crate) grafana_irm: Field<UrlOnly>,
    /// Lines on standard output.
    pub(crate) console: Field<Console>,
}

/// The keys of the kinds.
pub(crate) const KINDS: [&str; 13] = [
    "pagerduty",
    "slack",
    "webhook",
    "alertmanager",
    "teams",
    "discord",
    "telegram",
    "email",
    "opsgenie",
    "jira_service_management",
    "incident_io",
    "grafana_irm",
    "console",
];

/// Storm control.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Storm {
    /// So many pages are told one by one. Default 20; 1 to 10000.
    pub(crate) pages: Field<u32>,
    /// Over so long. Default 5m; 10s to 24h.
    pub(crate) within: Field<Duration>,
}

/// Words: each is a template (Jinja), or where to find it.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Templates {
    /// What happened, to whom: one line.
    pub(crate) title: Field<Template>,
    /// Why somebody is told now: one line.
    pub(crate) why: Field<Template>,
    /// Further lines below the facts.
    pub(crate) notes: Field<Template>,
    /// The whole body of a webhook's request: JSON.
    pub(crate) body: Field<Template>,
    /// The subject of an e-mail: one line.
    pub(crate) subject: Field<Template>,
}

/// A template: a text, or where to find it.
pub(crate) type Template = ValueOr<TemplateFile>;

/// A template in a file.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TemplateFile {
    /// Required. File, relative to the settings file; read when the settings are.
    pub(crate) file: Field<String>,
}

/// PagerDuty Events API v2.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PagerDuty {
    /// Required. Integration key of an Events API v2 integration.
    pub(crate) routing_key: Field<Secret>,
    /// The account's service region. Default us.
    pub(crate) region: Field<Region>,
    /// Instead of `region`: the enqueue URL.
    pub(crate) url: Field<WebUrl>,
    /// Whether a change of the definitions is shown as a change event, or the URL for it. Default
    /// false.
    pub(crate) change_events: Field<ChangeEvents>,
}

/// A service region.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Region {
    Us,
    Eu,
}

/// Slack: `webhook_url`, or `bot_token` with `channel`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["webhook_url", "bot_token"])))]
pub(crate) struct Slack {
    /// Incoming webhook: one message per notice.
    pub(crate) webhook_url: Field<Secret>,
    /// Token with the scope `chat:write`: one message per alert, edited in place.
    pub(crate) bot_token: Field<Secret>,
    /// Required with `bot_token`: name or id.
    pub(crate) channel: Field<String>,
    /// Default `https://slack.com/api`.
    pub(crate) api_url: Field<WebUrl>,
    /// Whether the bot's messages have a button that acknowledges. Default false.
    pub(crate) buttons: Field<bool>,
}

/// Generic webhook.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Webhook {
    /// Required. May be a secret.
    pub(crate) url: Field<Secret>,
    /// User name and password.
    pub(crate) basic_auth: Field<BasicAuth>,
    /// Instead of `basic_auth`.
    pub(crate) bearer_token: Field<Secret>,
    /// Extra request headers; values may be secrets.
    pub(crate) headers: Field<BTreeMap<String, Field<Secret>>>,
    /// Key that signs each request, `whsec_...` (Standard Webhooks). Default: unsigned.
    pub(crate) signing_secret: Field<Secret>,
    /// Another signature, of the body alone, as GitHub and Grafana have it. Default: none.
    pub(crate) body_signature: Field<BodySignature>,
}

/// A header with a prefix and the HMAC-SHA256 of the body in hexadecimal digits.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BodySignature {
    /// Default `X-Hub-Signature-256`.
    pub(crate) header: Field<String>,
    /// What stands before the digits. Default `sha256=`.
    pub(crate) prefix: Field<String>,
    /// Required. The key.
    pub(crate) secret: Field<Secret>,
}

/// Alertmanager's API v2.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Alertmanager {
    /// Required. Base URLs of all peers, without `/api/v2`; 1 to 16.
    pub(crate) urls: Field<Vec<Field<WebUrl>>>,
    /// User name and password.
    pub(crate) basic_auth: Field<BasicAuth>,
    /// Instead of `basic_auth`.
    pub(crate) bearer_token: Field<Secret>,
    /// Extra request headers; values may be secrets.
    pub(crate) headers: Field<BTreeMap<String, Field<Secret>>>,
    /// How often firing alerts are repeated; they expire after four times as long. Default 1m; 10s
    /// to 1h.
    pub(crate) refresh: Field<Duration>,
}

/// A service that is reached by one URL, which is the credential.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct UrlOnly {
    /// Required. A secret.
    pub(crate) url: Field<Secret>,
}

/// Telegram Bot API.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Telegram {
    /// Required. The bot's token.
    pub(crate) bot_token: Field<Secret>,
    /// Required. Chat id, or `@channel`.
    pub(crate) chat: Field<String>,
    /// Topic of a forum, its number. Default: none.
    pub(crate) topic: Field<u32>,
    /// Default `https://api.telegram.org`.
    pub(crate) api_url: Field<WebUrl>,
}

/// E-mail by SMTP.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Email {
    /// Required. The mail server.
    pub(crate) host: Field<String>,
    /// Its port. Default 587, with security tls 465, with none 25; 1 to 65535.
    pub(crate) port: Field<u32>,
    /// starttls (a server without it is refused), tls from the first byte, or none. Default
    /// starttls.
    pub(crate) security: Field<SmtpSecurity>,
    /// Needs `password`. Default: no login.
    pub(crate) username: Field<String>,
    /// Needs `username`.
    pub(crate) password: Field<Secret>,
    /// Required. The sender: an address, with a name or without.
    pub(crate) from: Field<String>,
    /// Required. Recipients; 1 to 50.
    pub(crate) to: Field<Vec<Field<String>>>,
    /// What we call ourselves in EHLO. Default: the host's name.
    pub(crate) hello: Field<String>,
}

/// How an SMTP connection is protected.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SmtpSecurity {
    StartTls,
    Tls,
    None,
}

/// Opsgenie.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Opsgenie {
    /// Required. Key of an API integration.
    pub(crate) api_key: Field<Secret>,
    /// The account's service region. Default us.
    pub(crate) region: Field<Region>,
    /// Instead of `region`: the URL of alerts.
    pub(crate) url: Field<WebUrl>,
}

/// Jira Service Management's operations.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct JiraServiceManagement {
    /// Required. Key of an API integration.
    pub(crate) api_key: Field<Secret>,
    /// Default `https://api.atlassian.com/jsm/ops/integration/v2/alerts`.
    pub(crate) url: Field<WebUrl>,
}

/// incident.io alert events.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct IncidentIo {
    /// Required. Token of the alert source.
    pub(crate) token: Field<Secret>,
    /// Required. URL of the HTTP alert source, its id included.
    pub(crate) url: Field<WebUrl>,
}

/// Standard output has nothing to set.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Console {}

/// One of `heartbeats:`: called with POST as long as all is well.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Heartbeat {
    /// Required. Unique; for logs and metrics.
    pub(crate) name: Field<Name>,
    /// Required. A secret.
    pub(crate) url: Field<Secret>,
    /// How often. Default 1m; 10s to 24h.
    pub(crate) interval: Field<Duration>,
    /// Deadline of one call. Default 10s; 100ms to 5m.
    pub(crate) timeout: Field<Duration>,
    /// TLS of the connection.
    pub(crate) tls: Field<Tls>,
}
