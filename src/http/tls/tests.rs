//! Handshakes over real sockets: who gets in, who does not, and what a renewed certificate changes.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use super::*;

/// An authority nobody knows.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// Writes `<name>.pem` and `<name>.key`.
    fn issue(&self, directory: &Path, name: &str) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let cert = params.signed_by(&key, &self.0).unwrap();
        std::fs::write(directory.join(format!("{name}.pem")), cert.pem()).unwrap();
        let key = key.serialize_pem();
        std::fs::write(directory.join(format!("{name}.key")), key).unwrap();
    }

    fn save(&self, directory: &Path) {
        std::fs::write(directory.join("ca.pem"), self.0.as_ref().pem()).unwrap();
    }

    /// A client that trusts this authority and shows the certificate of that name.
    fn client(&self, directory: &Path, name: Option<&str>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.as_ref().der().clone()).unwrap();
        let builder = ClientConfig::builder().with_root_certificates(roots);
        let config = match name {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let pem = std::fs::read(directory.join(format!("{name}.pem"))).unwrap();
                let key = std::fs::read(directory.join(format!("{name}.key"))).unwrap();
                let chain = certificates(Path::new(name), &pem).unwrap();
                let key = PrivateKeyDer::from_pem_slice(&key).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        TlsConnector::from(Arc::new(config))
    }
}

fn files(directory: &Path, clients: bool) -> TlsFiles {
    TlsFiles {
        cert_file: directory.join("server.pem"),
        key_file: directory.join("server.key"),
        client_ca_file: clients.then(|| directory.join("ca.pem")),
    }
}

/// Echoes one byte to every client that gets in.
async fn serve(keys: TlsKeys) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut listener = SecureListener::new(BoundedListener::new(listener), keys);
    tokio::spawn(async move {
        loop {
            let (mut stream, _peer) = Listener::accept(&mut listener).await;
            tokio::spawn(async move {
                let byte = stream.read_u8().await?;
                stream.write_u8(byte).await?;
                stream.flush().await
            });
        }
    });
    address
}

async fn is_let_in(address: SocketAddr, client: &TlsConnector) -> bool {
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let Ok(mut stream) = client.connect(name, stream).await else {
        return false;
    };
    let sent = stream.write_u8(7).await.and(stream.flush().await);
    sent.is_ok() && stream.read_u8().await.is_ok_and(|byte| byte == 7)
}

#[tokio::test]
async fn clients_are_let_in_beside_one_that_says_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    authority.issue(directory.path(), "server");
    let address = serve(TlsKeys::load(files(directory.path(), false)).unwrap()).await;
    let _silent = TcpStream::connect(address).await.unwrap();
    let mut babbling = TcpStream::connect(address).await.unwrap();
    babbling.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(is_let_in(address, &authority.client(directory.path(), None)).await);
    let stranger = Authority::new().client(directory.path(), None);
    assert!(
        !is_let_in(address, &stranger).await,
        "it knows another authority"
    );
}

#[tokio::test]
async fn with_an_authority_of_clients_each_needs_a_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    authority.save(directory.path());
    authority.issue(directory.path(), "server");
    authority.issue(directory.path(), "ann");
    Authority::new().issue(directory.path(), "mallory");
    let address = serve(TlsKeys::load(files(directory.path(), true)).unwrap()).await;
    for (name, expected) in [(Some("ann"), true), (None, false), (Some("mallory"), false)] {
        let client = authority.client(directory.path(), name);
        assert_eq!(is_let_in(address, &client).await, expected, "{name:?}");
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_used_and_a_broken_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = (Authority::new(), Authority::new());
    old.issue(directory.path(), "server");
    let keys = TlsKeys::load(files(directory.path(), false)).unwrap();
    let address = serve(keys.clone()).await;
    assert!(!keys.refresh().unwrap(), "nothing has changed");
    std::fs::write(directory.path().join("server.pem"), "half a cert").unwrap();
    let error = keys.refresh().unwrap_err().to_string();
    assert!(error.ends_with("there is no certificate in it"), "{error}");
    assert!(is_let_in(address, &old.client(directory.path(), None)).await);
    new.issue(directory.path(), "server");
    assert!(keys.refresh().unwrap());
    assert!(is_let_in(address, &new.client(directory.path(), None)).await);
    assert!(!is_let_in(address, &old.client(directory.path(), None)).await);
}

#[test]
fn files_that_make_no_identity_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let error = |directory: &Path| {
        let error = TlsKeys::load(files(directory, false)).err().unwrap();
        error
            .to_string()
            .replace(&directory.display().to_string(), "DIR")
    };
    assert!(error(directory.path()).starts_with("reading DIR/server.pem: "));
    authority.issue(directory.path(), "server");
    std::fs::write(directory.path().join("server.key"), "no key").unwrap();
    assert!(error(directory.path()).starts_with("reading DIR/server.key: "));
    let other = KeyPair::generate().unwrap().serialize_pem();
    std::fs::write(directory.path().join("server.key"), other).unwrap();
    assert!(error(directory.path()).starts_with("reading DIR/server.pem: "));
}
