//! A mail server that says what a test wants, and remembers what it heard.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A reply that never comes.
pub(super) const HANG: &str = "hang";
/// The connection ends instead.
pub(super) const DROP: &str = "drop";

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What the server is and says.
#[derive(Clone, Default)]
pub(super) struct Script {
    /// Replies to commands that begin so, in turn; the last one stays.
    pub(super) replies: BTreeMap<String, VecDeque<String>>,
    /// What EHLO offers besides.
    pub(super) offers: Vec<&'static str>,
    /// TLS from the first byte.
    pub(super) at_once: bool,
}

impl Script {
    /// Says this to commands that begin with `command`, one after the other.
    pub(super) fn on(mut self, command: &str, replies: &[&str]) -> Self {
        let replies = replies.iter().map(|&reply| reply.to_owned()).collect();
        self.replies.insert(command.to_owned(), replies);
        self
    }

    pub(super) fn offering(mut self, offers: &[&'static str]) -> Self {
        self.offers.extend(offers);
        self
    }

    fn reply(&mut self, line: &str, protected: bool) -> String {
        let scripted = self
            .replies
            .iter_mut()
            .find(|(begin, _)| line.starts_with(*begin));
        if let Some((_, replies)) = scripted {
            return match replies.len() {
                0 | 1 => replies.front().cloned().unwrap_or_default(),
                _ => replies.pop_front().unwrap(),
            };
        }
        match line.split(' ').next().unwrap() {
            "EHLO" => {
                let hidden = |offer: &&&str| !(protected && **offer == "STARTTLS");
                let offers = self.offers.iter().filter(hidden);
                let offers: String = offers.map(|offer| format!("250-{offer}\r\n")).collect();
                format!("250-mail.test\r\n{offers}250 8BITMIME")
            }
            "AUTH" => "235 welcome".to_owned(),
            "STARTTLS" => "220 go on".to_owned(),
            "DATA" => "354 end with a dot".to_owned(),
            "QUIT" => "221 bye".to_owned(),
            _ => "250 fine".to_owned(),
        }
    }
}

/// A running server; everything it heard.
pub(super) struct Server {
    pub(super) port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    mails: Arc<Mutex<Vec<String>>>,
    dir: TempDir,
}

impl Server {
    pub(super) async fn start(script: Script) -> Self {
        let (dir, acceptor) = pki();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            heard: Arc::default(),
            mails: Arc::default(),
            dir,
        };
        let (heard, mails) = (Arc::clone(&server.heard), Arc::clone(&server.mails));
        tokio::spawn(async move {
            let script = Arc::new(Mutex::new(script));
            while let Ok((stream, _)) = listener.accept().await {
                let session = Session {
                    script: Arc::clone(&script),
                    heard: Arc::clone(&heard),
                    mails: Arc::clone(&mails),
                    acceptor: acceptor.clone(),
                };
                tokio::spawn(session.run(Box::new(stream)));
            }
        });
        server
    }

    /// The authority of the server's certificate.
    pub(super) fn ca_file(&self) -> Option<PathBuf> {
        Some(self.dir.path().join("ca.pem"))
    }

    /// The commands, `[TLS]` where the connection became protected.
    pub(super) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// The mails as they came, dots stuffed.
    pub(super) fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }
}

struct Session {
    script: Arc<Mutex<Script>>,
    heard: Arc<Mutex<Vec<String>>>,
    mails: Arc<Mutex<Vec<String>>>,
    acceptor: TlsAcceptor,
}

impl Session {
    /// Ends with the connection, however it ends.
    async fn run(self, stream: Box<dyn Stream>) {
        let at_once = self.script.lock().unwrap().at_once;
        self.talk(stream, at_once).await.ok();
    }

    async fn protect(&self, stream: Box<dyn Stream>) -> std::io::Result<Box<dyn Stream>> {
        let stream = self.acceptor.accept(stream).await?;
        self.heard.lock().unwrap().push("[TLS]".to_owned());
        Ok(Box::new(stream))
    }

    async fn talk(&self, mut stream: Box<dyn Stream>, at_once: bool) -> std::io::Result<()> {
        let mut protected = at_once;
        if at_once {
            stream = self.protect(stream).await?;
        }
        let mut stream = BufReader::new(stream);
        self.say(&mut stream, "greeting", protected).await?;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_owned();
            self.heard.lock().unwrap().push(line.clone());
            let reply = self.say(&mut stream, &line, protected).await?;
            match line.as_str() {
                "QUIT" => return Ok(()),
                "STARTTLS" if reply.starts_with("220") => {
                    stream = BufReader::new(self.protect(stream.into_inner()).await?);
                    protected = true;
                }
                "DATA" if reply.starts_with("354") => {
                    let mut mail = String::new();
                    while !mail.ends_with("\r\n.\r\n") {
                        if stream.read_line(&mut mail).await? == 0 {
                            return Ok(());
                        }
                    }
                    self.mails.lock().unwrap().push(mail);
                    self.say(&mut stream, ".", protected).await?;
                }
                _ => {}
            }
        }
    }

    async fn say(
        &self,
        stream: &mut BufReader<Box<dyn Stream>>,
        line: &str,
        protected: bool,
    ) -> std::io::Result<String> {
        let reply = match line {
            "greeting" => {
                let mut script = self.script.lock().unwrap();
                let said = script.replies.get_mut("greeting");
                let said = said.and_then(VecDeque::pop_front);
                said.unwrap_or_else(|| "220 mail.test".to_owned())
            }
            line => self.script.lock().unwrap().reply(line, protected),
        };
        if reply == HANG {
            std::future::pending::<()>().await;
        }
        if reply == DROP {
            return Err(std::io::Error::other("dropped"));
        }
        stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
        stream.flush().await?;
        Ok(reply)
    }
}

/// An authority nobody knows, and a server for `localhost` with a certificate from it.
fn pki() -> (TempDir, TlsAcceptor) {
    // Fails when another test was first; what it installed is the same.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("ca.pem"), authority.as_ref().pem()).unwrap();
    let key: PrivateKeyDer<'static> = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (dir, TlsAcceptor::from(Arc::new(config)))
}
