//! TLS to the source and to receivers: a private authority, and a client that must show its own
//! certificate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use slofuse::config::secret::Secret;
use slofuse::config::settings::{
    Auth, ReceiverKind, ReceiverSettings, SourceSettings, TlsSettings,
};
use slofuse::engine::{NotificationKind, Span, Timestamp};
use slofuse::notify;
use slofuse::prometheus::{Client, SourceError};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::delivery::notification;

/// An authority nobody knows, a server's and a client's certificate from it, as PEM files.
struct Pki {
    dir: TempDir,
    server: (CertificateDer<'static>, PrivateKeyDer<'static>),
    authority: CertificateDer<'static>,
}

impl Pki {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let issue = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            (params.signed_by(&key, &authority).unwrap(), key)
        };
        let (server, server_key) = issue("localhost");
        let (client, client_key) = issue("slofuse");
        let dir = tempfile::tempdir().unwrap();
        for (name, pem) in [
            ("ca.pem", authority.as_ref().pem()),
            ("client.pem", client.pem()),
            ("client.key", client_key.serialize_pem()),
        ] {
            std::fs::write(dir.path().join(name), pem).unwrap();
        }
        let key = PrivatePkcs8KeyDer::from(server_key.serialize_der());
        Self {
            dir,
            server: (server.der().clone(), key.into()),
            authority: authority.as_ref().der().clone(),
        }
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        Some(self.dir.path().join(Path::new(name)))
    }

    /// Everything a client needs.
    fn complete(&self) -> TlsSettings {
        TlsSettings {
            ca_file: self.file("ca.pem"),
            cert_file: self.file("client.pem"),
            key_file: self.file("client.key"),
            insecure_skip_verify: false,
        }
    }

    /// Serves one fixed answer to every client that shows a certificate of the authority.
    async fn serve(&self, body: &'static str) -> String {
        // Fails when another test was first; what it installed is the same.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
            .build()
            .unwrap();
        let (certificate, key) = (self.server.0.clone(), self.server.1.clone_key());
        let config = ServerConfig::builder()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut request = vec![0; 64 << 10];
                    let Ok(1..) = stream.read(&mut request).await else {
                        return;
                    };
                    let head =
                        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json";
                    let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                    stream.write_all(answer.as_bytes()).await.ok();
                    stream.shutdown().await.ok();
                });
            }
        });
        format!("https://localhost:{port}")
    }
}

const EMPTY_VECTOR: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;

async fn ask(url: &str, tls: TlsSettings) -> Result<usize, SourceError> {
    let settings = SourceSettings {
        url: url.to_owned(),
        tls,
        ..SourceSettings::default()
    };
    let answer = Client::new(&settings)?
        .instant("up", Timestamp::from_secs(1_700_000_000))
        .await;
    answer.map(|series| series.len())
}

#[tokio::test]
async fn the_source_may_have_a_private_authority_and_ask_for_a_certificate() {
    let pki = Pki::new();
    let url = pki.serve(EMPTY_VECTOR).await;
    assert_eq!(ask(&url, pki.complete()).await.unwrap(), 0);

    let stranger = ask(&url, TlsSettings::default()).await.unwrap_err();
    assert!(matches!(stranger, SourceError::Tls { .. }), "{stranger:?}");
    let anonymous = TlsSettings {
        ca_file: pki.file("ca.pem"),
        ..TlsSettings::default()
    };
    let refused = ask(&url, anonymous).await.unwrap_err();
    assert!(
        matches!(
            refused,
            SourceError::Tls { .. } | SourceError::Unreachable { .. }
        ),
        "{refused:?}"
    );
    let careless = TlsSettings {
        ca_file: None,
        insecure_skip_verify: true,
        ..pki.complete()
    };
    assert_eq!(ask(&url, careless).await.unwrap(), 0);
}

fn webhook(url: &str) -> ReceiverKind {
    ReceiverKind::Webhook {
        body_signature: None,
        url: Secret::inline(url),
        auth: Auth::None,
        headers: BTreeMap::new(),
        signing_secret: None,
    }
}

async fn deliver(kind: ReceiverKind, tls: TlsSettings) -> Result<(), notify::DeliveryError> {
    let settings = ReceiverSettings {
        tls,
        ..ReceiverSettings::new("hook", kind)
    };
    let receiver = notify::build(&settings, &slofuse::message::Writer::default()).unwrap();
    let now = Timestamp::from_secs(1_700_000_000);
    receiver
        .deliver(
            &notification("hook", NotificationKind::Trigger, 1),
            None,
            now,
        )
        .await
        .map(|_| ())
}

#[tokio::test]
async fn a_webhook_may_have_a_private_authority_and_ask_for_a_certificate() {
    let pki = Pki::new();
    let url = pki.serve("{}").await;
    deliver(webhook(&url), pki.complete()).await.unwrap();
    let stranger = deliver(webhook(&url), TlsSettings::default())
        .await
        .unwrap_err();
    assert!(
        !stranger.to_string().contains("localhost"),
        "the URL is a secret: {stranger}"
    );
}

#[tokio::test]
async fn other_systems_may_have_a_private_authority_and_ask_for_a_certificate() {
    let pki = Pki::new();
    let url = pki.serve("{}").await;
    let secret = || Secret::inline("s3cret");
    let kinds = [
        ReceiverKind::Alertmanager {
            urls: vec![url.clone()],
            auth: Auth::None,
            headers: BTreeMap::new(),
            refresh: Span::from_mins(1),
        },
        ReceiverKind::Opsgenie {
            api_key: secret(),
            url: url.clone(),
        },
        ReceiverKind::IncidentIo {
            token: secret(),
            url: url.clone(),
        },
        ReceiverKind::GrafanaIrm {
            url: Secret::inline(&url),
        },
    ];
    for kind in kinds {
        let name = kind.as_str();
        let told = deliver(kind.clone(), pki.complete()).await;
        assert_eq!(told, Ok(()), "{name}");
        let stranger = deliver(kind, TlsSettings::default()).await.unwrap_err();
        assert!(
            !stranger.to_string().contains("localhost"),
            "{name}: {stranger}"
        );
    }
}
