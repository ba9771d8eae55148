//! TLS of the server: connections that have shaken hands, certificates that can be renewed.
//!
//! A handshake runs beside the others and has a deadline, so that a peer that says nothing holds up
//! nobody. Certificates are read anew by [`TlsKeys::refresh`]; what cannot be read leaves the old
//! ones in use.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::actor::Peer;
use super::connection::{BoundedListener, Connection};

/// A handshake that takes longer is given up.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// Connections that have shaken hands and wait to be served.
const READY_MAX: usize = 16;
/// The largest file of keys or certificates that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The files of a server's identity, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
    /// Authorities of client certificates; with it every client needs one.
    pub client_ca_file: Option<PathBuf>,
}

/// Why an identity cannot be used.
#[derive(Debug)]
pub struct TlsError {
    text: String,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for TlsError {}

/// The identity in use; clones share it.
#[derive(Clone)]
pub struct TlsKeys(Arc<Shared>);

struct Shared {
    files: TlsFiles,
    current: Mutex<Loaded>,
}

struct Loaded {
    config: Arc<ServerConfig>,
    /// What the files held.
    bytes: Vec<Vec<u8>>,
}

impl TlsKeys {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// When one cannot be read, or they do not make an identity; names the file.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let current = Mutex::new(load(&files)?);
        Ok(Self(Arc::new(Shared { files, current })))
    }

    /// Reads the files again; says whether they had changed.
    ///
    /// # Errors
    ///
    /// As [`TlsKeys::load`]; the old identity stays in use.
    pub fn refresh(&self) -> Result<bool, TlsError> {
        let bytes = read(&self.0.files)?;
        if self.lock().bytes == bytes {
            return Ok(false);
        }
        let loaded = make(&self.0.files, bytes)?;
        *self.lock() = loaded;
        Ok(true)
    }

    fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.lock().config.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Loaded> {
        let current = &self.0.current;
        current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load(files: &TlsFiles) -> Result<Loaded, TlsError> {
    make(files, read(files)?)
}

fn paths(files: &TlsFiles) -> impl Iterator<Item = &PathBuf> {
    let own = [&files.cert_file, &files.key_file];
    own.into_iter().chain(&files.client_ca_file)
}

fn read(files: &TlsFiles) -> Result<Vec<Vec<u8>>, TlsError> {
    let read = |path: &PathBuf| {
        use std::io::Read;
        let file = std::fs::File::open(path);
        let mut bytes = Vec::new();
        file.and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes))
            .map_err(|error| unusable(path, error))?;
        Ok(bytes)
    };
    paths(files).map(read).collect()
}

fn make(files: &TlsFiles, bytes: Vec<Vec<u8>>) -> Result<Loaded, TlsError> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Fails only when another part of the process has installed one, which serves as well.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
    });
    let [cert, key, authorities @ ..] = bytes.as_slice() else {
        return Err(unusable(&files.cert_file, "there are too few files"));
    };
    let chain = certificates(&files.cert_file, cert)?;
    let key = PrivateKeyDer::from_pem_slice(key);
    let key = key.map_err(|error| unusable(&files.key_file, error))?;
    let builder = ServerConfig::builder();
    let builder = match (&files.client_ca_file, authorities) {
        (Some(path), [authorities]) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates(path, authorities)? {
                let added = roots.add(authority);
                added.map_err(|error| unusable(path, error))?;
            }
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| unusable(path, error))?)
        }
        _ => builder.with_no_client_auth(),
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| unusable(&files.cert_file, error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Loaded {
        config: Arc::new(config),
        bytes,
    })
}

fn certificates(
    path: &std::path::Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| unusable(path, error))?;
    match found.is_empty() {
        true => Err(unusable(path, "there is no certificate in it")),
        false => Ok(found),
    }
}

fn unusable(path: &std::path::Path, why: impl fmt::Display) -> TlsError {
    TlsError {
        text: format!("reading {}: {why}", path.display()),
    }
}

/// Hands out connections that have shaken hands.
pub(super) struct SecureListener {
    ready: mpsc::Receiver<(TlsStream<Connection>, SocketAddr)>,
    address: io::Result<SocketAddr>,
    accepting: AbortHandle,
}

impl SecureListener {
    pub(super) fn new(mut listener: BoundedListener, keys: TlsKeys) -> Self {
        let address = listener.local_addr();
        let (send, ready) = mpsc::channel(READY_MAX);
        let accepting = tokio::spawn(async move {
            loop {
                let (connection, peer) = listener.accept().await;
                let (acceptor, send) = (keys.acceptor(), send.clone());
                // At most as many as there are places for connections.
                tokio::spawn(async move {
                    let shaken = acceptor.accept(connection);
                    match tokio::time::timeout(HANDSHAKE_DEADLINE, shaken).await {
                        // The server may have stopped.
                        Ok(Ok(stream)) => drop(send.send((stream, peer)).await),
                        Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
                        Err(_elapsed) => tracing::debug!(%peer, "TLS handshake took too long"),
                    }
                });
            }
        });
        Self {
            ready,
            address,
            accepting: accepting.abort_handle(),
        }
    }
}

impl Drop for SecureListener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Listener for SecureListener {
    type Io = TlsStream<Connection>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            // The accepting task ends only with this listener.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.address {
            Ok(address) => Ok(*address),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }
}

impl Connected<IncomingStream<'_, SecureListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, SecureListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

#[cfg(test)]
mod tests;
