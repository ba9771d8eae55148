//! A certificate for servers on loopback, from an authority that nobody else knows.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

/// PEM files: the authority, and a server's certificate and key from it.
#[derive(Debug)]
pub(crate) struct Certificate(TempDir);

impl Certificate {
    /// For `localhost`.
    pub(crate) fn new() -> Self {
        let made = "keys can be made";
        let mut params = CertificateParams::new(Vec::new()).expect(made);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect(made);
        let authority = CertifiedIssuer::self_signed(params, key).expect(made);
        let key = KeyPair::generate().expect(made);
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect(made);
        let server = params.signed_by(&key, &authority).expect(made);
        let dir = tempfile::tempdir().expect("a temp dir");
        for (name, pem) in [
            ("ca.pem", authority.as_ref().pem()),
            ("server.pem", server.pem()),
            ("server.key", key.serialize_pem()),
        ] {
            std::fs::write(dir.path().join(name), pem).expect("the file is written");
        }
        Self(dir)
    }

    /// The authority.
    pub(crate) fn authority(&self) -> PathBuf {
        self.0.path().join("ca.pem")
    }

    /// The server's chain.
    pub(crate) fn chain(&self) -> PathBuf {
        self.0.path().join("server.pem")
    }

    /// Its private key.
    pub(crate) fn key(&self) -> PathBuf {
        self.0.path().join("server.key")
    }
}
