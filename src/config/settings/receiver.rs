//! The settings of receivers: what each kind needs.

use std::collections::BTreeMap;

use super::{Auth, TlsSettings};
use crate::config::secret::Secret;
use crate::engine::Span;
use crate::message::Templates;

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
    /// Who is told in its place when it cannot be reached; another receiver's name.
    pub fallback: Option<String>,
    /// Words in place of those that all receivers share.
    pub templates: Templates,
}

/// The kinds of receivers and what each needs.
#[derive(Clone, Debug)]
pub enum ReceiverKind {
    /// PagerDuty Events API v2.
    PagerDuty {
        /// Integration key of an Events API v2 integration.
        routing_key: Secret,
        /// Enqueue URL. Default `https://events.pagerduty.com/v2/enqueue`, in the EU region
        /// `https://events.eu.pagerduty.com/v2/enqueue`.
        url: String,
        /// Change events URL: a reload that changes something is told there. `None` sends none.
        change_url: Option<String>,
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
        /// Whether messages have a button that acknowledges.
        buttons: bool,
    },
    /// Generic webhook with Alertmanager's version 4 body, or one of the user's.
    Webhook {
        /// Where to.
        url: Secret,
        /// Authentication.
        auth: Auth,
        /// Extra request headers.
        headers: BTreeMap<String, Secret>,
        /// Standard Webhooks signing secret (`whsec_...`).
        signing_secret: Option<Secret>,
        /// Another signature of the body, as GitHub and Grafana have it.
        body_signature: Option<BodySignature>,
    },
    /// Alertmanager's API v2: every peer is told, and told again before what it knows expires.
    Alertmanager {
        /// Base URLs of all peers, without `/api/v2`.
        urls: Vec<String>,
        /// Authentication.
        auth: Auth,
        /// Extra request headers.
        headers: BTreeMap<String, Secret>,
        /// How often firing alerts are repeated; they expire after four times as long. Default 1m.
        refresh: Span,
    },
    /// Microsoft Teams, by a workflow that takes webhook requests.
    Teams {
        /// The whole URL is the credential.
        url: Secret,
    },
    /// Discord, by a channel's webhook.
    Discord {
        /// The whole URL is the credential.
        url: Secret,
    },
    /// Telegram Bot API.
    Telegram {
        /// The bot's token.
        token: Secret,
        /// Chat id, or `@channel`.
        chat: String,
        /// Topic of a forum.
        topic: Option<i64>,
        /// API base. Default `https://api.telegram.org`.
        api_url: String,
    },
    /// E-mail by SMTP.
    Email(Email),
    /// Opsgenie, or Jira Service Management's operations, whose API has the same shape.
    Opsgenie {
        /// Key of an API integration.
        api_key: Secret,
        /// Alerts URL. Default `https://api.opsgenie.com/v2/alerts`; Jira Service Management's is
        /// `https://api.atlassian.com/jsm/ops/integration/v2/alerts`.
        url: String,
    },
    /// incident.io alert events.
    IncidentIo {
        /// Token of the alert source.
        token: Secret,
        /// URL of the HTTP alert source, its id included.
        url: String,
    },
    /// Grafana IRM (OnCall), formatted webhook integration.
    GrafanaIrm {
        /// Integration URL; the whole of it is the credential.
        url: Secret,
    },
    /// Lines on standard output.
    Console,
}

/// A signature over the body in a header: `<prefix><hex HMAC-SHA256>`.
#[derive(Clone, Debug)]
pub struct BodySignature {
    /// The header. Default `X-Hub-Signature-256`.
    pub header: String,
    /// What stands before the digits. Default `sha256=`.
    pub prefix: String,
    /// The key.
    pub secret: Secret,
}

/// E-mail by SMTP.
#[derive(Clone, Debug)]
pub struct Email {
    /// Host of the mail server.
    pub host: String,
    /// Its port. Default 587, with implicit TLS 465, without any TLS 25.
    pub port: u16,
    /// How the connection is protected. Default STARTTLS, required.
    pub security: SmtpSecurity,
    /// User name and password.
    pub credentials: Option<(String, Secret)>,
    /// Sender: an address, with a name or without.
    pub from: String,
    /// Recipients.
    pub to: Vec<String>,
    /// What we call ourselves in EHLO. Default: the host's name.
    pub hello: Option<String>,
}

/// How an SMTP connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// STARTTLS; a server without it is refused.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Not at all: only for a relay on the same host.
    None,
}

/// A service that raises an alarm when slofuse stops calling it.
#[derive(Clone, Debug)]
pub struct HeartbeatSettings {
    /// Unique name, for logs and metrics.
    pub name: String,
    /// Called with POST; the whole URL is the credential.
    pub url: Secret,
    /// How often. Default 1m.
    pub interval: Span,
    /// Deadline of one call. Default 10s.
    pub timeout: Span,
    /// TLS options.
    pub tls: TlsSettings,
}

impl ReceiverKind {
    /// The word for this kind in files, logs and metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::PagerDuty { .. } => "pagerduty",
            Self::SlackWebhook { .. } => "slack_webhook",
            Self::SlackBot { .. } => "slack_bot",
            Self::Webhook { .. } => "webhook",
            Self::Alertmanager { .. } => "alertmanager",
            Self::Teams { .. } => "teams",
            Self::Discord { .. } => "discord",
            Self::Telegram { .. } => "telegram",
            Self::Email(_) => "email",
            Self::Opsgenie { .. } => "opsgenie",
            Self::IncidentIo { .. } => "incident_io",
            Self::GrafanaIrm { .. } => "grafana_irm",
            Self::Console => "console",
        }
    }

    /// Whether a machine reads what is sent there: it wants every alert, however many there are.
    pub const fn is_for_machines(&self) -> bool {
        matches!(
            self,
            Self::Webhook { .. } | Self::Alertmanager { .. } | Self::Console
        )
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
            fallback: None,
            templates: Templates::default(),
        }
    }
}
