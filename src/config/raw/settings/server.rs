//! The daemon's own HTTP server, and who may do what there.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Secret;
use crate::config::field::Field;
use crate::config::value::{Size, WebUrl};

/// `server:`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    /// Address and port. Default `127.0.0.1:9876`.
    pub(crate) listen: Field<String>,
    /// Where people reach it, for links in notifications. Default: no links back.
    pub(crate) external_url: Field<WebUrl>,
    /// TLS. Default: plain HTTP.
    pub(crate) tls: Field<ServerTls>,
    /// Who may do what.
    pub(crate) auth: Field<ServerAuth>,
    /// Largest body of a request. Default 256KiB; 1KiB to 16MiB.
    pub(crate) body_bytes_max: Field<Size>,
    /// Of one client in the long run; twice as many at once. Default 50; 1 to 100000.
    pub(crate) requests_per_second: Field<u32>,
    /// Key with which Slack signs what its buttons send. Default: none, and no buttons.
    pub(crate) slack_signing_secret: Field<Secret>,
}

/// TLS of the server; files are relative to the settings file and read anew when they change.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerTls {
    /// Required. PEM, the certificate chain.
    pub(crate) cert_file: Field<String>,
    /// Required. PEM, its private key.
    pub(crate) key_file: Field<String>,
    /// PEM, authorities of client certificates; with it every client needs one.
    pub(crate) client_ca_file: Field<String>,
}

/// Who may do what.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerAuth {
    /// What a request without credentials may do. Default none when somebody is named below;
    /// otherwise operate on a loopback address, read on any other.
    pub(crate) anonymous: Field<Access>,
    /// Whether `/metrics` answers without credentials. Default true.
    pub(crate) metrics_open: Field<bool>,
    /// People with passwords, for HTTP basic authentication.
    pub(crate) users: Field<Vec<Field<ServerUser>>>,
    /// Programs with tokens, for `Authorization: Bearer`.
    pub(crate) tokens: Field<Vec<Field<ServerToken>>>,
}

/// What somebody may do; each includes those before it.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Access {
    None,
    Read,
    Operate,
}

/// A person.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerUser {
    /// Required. Unique user name, without a colon.
    pub(crate) name: Field<String>,
    /// Required. Argon2id as `slofuse hash-password` prints it, or bcrypt.
    pub(crate) password_hash: Field<Secret>,
    /// Required. What they may do.
    pub(crate) access: Field<Access>,
}

/// A program.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerToken {
    /// Required. Unique, for the audit log.
    pub(crate) name: Field<String>,
    /// Required. At least 16 characters.
    pub(crate) token: Field<Secret>,
    /// Required. What it may do.
    pub(crate) access: Field<Access>,
}
