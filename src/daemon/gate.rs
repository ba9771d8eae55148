//! The gate of the daemon's server: who may do what, and the server's TLS identity.
//!
//! Both are renewed without a restart: credentials at each reload, certificates also when their
//! files change.

use secrecy::ExposeSecret;
use tracing::{info, warn};

use crate::config::secret::SecretError;
use crate::config::settings::{self, ServerSettings};
use crate::http::{
    Access, AccessControl, AccessPolicy, Manners, Principal, TlsError, TlsFiles, TlsKeys,
};

/// Who may do what, and who we are.
pub(super) struct Gate {
    access: AccessControl,
    keys: Option<TlsKeys>,
}

/// Why the gate cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// A password hash or token cannot be read.
    #[error("reading the credentials of {name:?}")]
    Credentials {
        /// Of whom.
        name: String,
        /// Why.
        source: SecretError,
    },
    /// The TLS identity cannot be used.
    #[error("server.tls")]
    Tls(#[from] TlsError),
}

impl Gate {
    /// Reads credentials and keys.
    pub(super) fn new(settings: &ServerSettings) -> Result<Self, GateError> {
        let keys = settings.tls.as_ref().map(|tls| {
            TlsKeys::load(TlsFiles {
                cert_file: tls.cert_file.clone(),
                key_file: tls.key_file.clone(),
                client_ca_file: tls.client_ca_file.clone(),
            })
        });
        Ok(Self {
            access: AccessControl::new(policy(settings)?),
            keys: keys.transpose()?,
        })
    }

    /// How the server meets those who ask.
    pub(super) fn manners(&self, settings: &ServerSettings) -> Manners {
        Manners {
            access: self.access.clone(),
            requests_per_second: settings.requests_per_second,
            body_bytes_max: settings.body_bytes_max,
            tls: self.keys.clone(),
        }
    }

    /// Puts the credentials of a new configuration in force.
    pub(super) fn renew(&self, policy: AccessPolicy) {
        self.access.replace(policy);
    }

    /// Looks whether the certificates have changed.
    pub(super) fn refresh_keys(&self) {
        match self.keys.as_ref().map(TlsKeys::refresh) {
            Some(Ok(true)) => info!("Certificates of the server renewed"),
            Some(Err(error)) => {
                warn!(%error, "Certificates of the server not renewed, the old ones stay in use");
            }
            Some(Ok(false)) | None => {}
        }
    }
}

/// The credentials of the settings, read from where they are.
pub(super) fn policy(settings: &ServerSettings) -> Result<AccessPolicy, GateError> {
    let auth = &settings.auth;
    let principal = |name: &str, secret: &crate::config::secret::Secret, may| {
        let secret = secret.reveal().map_err(|source| GateError::Credentials {
            name: name.to_owned(),
            source,
        })?;
        Ok(Principal {
            name: name.to_owned(),
            secret: secret.expose_secret().to_owned(),
            access: access(may),
        })
    };
    let users = auth
        .users
        .iter()
        .map(|user| principal(&user.name, &user.password_hash, user.access));
    let tokens = auth
        .tokens
        .iter()
        .map(|token| principal(&token.name, &token.token, token.access));
    Ok(AccessPolicy {
        anonymous: access(auth.anonymous),
        metrics_open: auth.metrics_open,
        users: users.collect::<Result<_, GateError>>()?,
        tokens: tokens.collect::<Result<_, GateError>>()?,
    })
}

const fn access(may: settings::Access) -> Access {
    match may {
        settings::Access::None => Access::None,
        settings::Access::Read => Access::Read,
        settings::Access::Operate => Access::Operate,
    }
}
