//! The settings of the daemon's own HTTP server: where it listens, and who may do what.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::secret::Secret;

/// The daemon's own HTTP server.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Address to listen on. Default 127.0.0.1:9876.
    pub listen: SocketAddr,
    /// Where people reach this server, for links in notifications.
    pub external_url: Option<String>,
    /// TLS; without it the server speaks plain HTTP.
    pub tls: Option<ServerTls>,
    /// Who may do what.
    pub auth: AuthSettings,
    /// Largest body of a request, in bytes. Default 256 KiB.
    pub body_bytes_max: usize,
    /// Requests per second that one client may make in the long run; it may make twice as many at
    /// once. Default 50.
    pub requests_per_second: u32,
    /// Key with which Slack signs what its buttons send; without it buttons are not shown.
    pub slack_signing_secret: Option<Secret>,
}

/// TLS of the server; PEM files, read anew when they change.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// The certificate chain.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
    /// Authorities of client certificates; with it every client needs one.
    pub client_ca_file: Option<PathBuf>,
}

/// Who may do what.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// What a request without credentials may do. Default: everything when the server listens on a
    /// loopback address and nobody is named below; read when it listens elsewhere and nobody is
    /// named; nothing when somebody is. Health checks and `/metrics` with `metrics_open` need none.
    pub anonymous: Access,
    /// Whether `/metrics` and the health checks answer without credentials. Default true.
    pub metrics_open: bool,
    /// People with passwords, for HTTP basic authentication.
    pub users: Vec<UserSettings>,
    /// Programs with tokens, for `Authorization: Bearer`.
    pub tokens: Vec<TokenSettings>,
}

/// What somebody may do; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Nothing.
    None,
    /// Look.
    Read,
    /// Silence, acknowledge, retry, reload.
    Operate,
}

/// A person.
#[derive(Clone, Debug)]
pub struct UserSettings {
    /// The user name.
    pub name: String,
    /// Hash of the password as `slofuse hash-password` prints it (argon2id, PHC string), or bcrypt
    /// as Prometheus' web configuration has it.
    pub password_hash: Secret,
    /// What they may do.
    pub access: Access,
}

/// A program.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// Its name, for the audit log.
    pub name: String,
    /// The token.
    pub token: Secret,
    /// What it may do.
    pub access: Access,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 9876)),
            external_url: None,
            tls: None,
            auth: AuthSettings::default(),
            body_bytes_max: 256 << 10,
            requests_per_second: 50,
            slack_signing_secret: None,
        }
    }
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            anonymous: Access::Operate,
            metrics_open: true,
            users: Vec::new(),
            tokens: Vec::new(),
        }
    }
}
