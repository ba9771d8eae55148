//! E-mail by SMTP (RFC 5321).
//!
//! One connection and one mail per notification; updates and the resolve answer the trigger's
//! mail, so that mail programs show one thread. The `Message-ID` is the same in every attempt: a
//! mail that arrives twice after a broken connection is recognised as one.
//!
//! What may be mended, here or there, is tried again: 4yz, everything about the connection, about
//! TLS and about authentication (530, 534, 535), a server without the STARTTLS that is asked for.
//! Other 5yz replies are permanent. Of several recipients each is told once: those whose turn is
//! put off are tried again alone, and one who is refused does not keep the others from their mail.

mod dialogue;
mod mail;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Identity, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use secrecy::ExposeSecret;

use crate::config::settings::{Email, ReceiverKind, ReceiverSettings, SmtpSecurity, TlsSettings};
use crate::engine::causes::innermost;
use crate::engine::{Notification, Span, Timestamp};
use crate::message::Writer;

use super::error::{DeliveryError, ErrorClass, Problem};
use super::redaction::Redaction;
use super::{Attempt, Receipt, Receiver};
use dialogue::{Dialogue, Refused};

/// Our share of the attempt's deadline, so that it is we who say which step took too long.
const DEADLINE_SHARE: f64 = 0.9;
/// Mails under way whose recipients are remembered; with more, a recipient may be told twice.
const SERVED_MAX: usize = 1000;

/// One mail server and those who get mail through it.
pub(super) struct EmailReceiver {
    name: String,
    settings: Email,
    from: Mailbox,
    to: Vec<Mailbox>,
    tls: Option<TlsParameters>,
    hello: ClientId,
    deadline: Span,
    writer: Writer,
    /// By idempotency key, who of `to` has a mail that others still wait for.
    served: Mutex<BTreeMap<String, BTreeSet<usize>>>,
}

impl EmailReceiver {
    pub(super) fn new(settings: &ReceiverSettings, writer: Writer) -> Result<Self, Problem> {
        let ReceiverKind::Email(email) = &settings.kind else {
            return Err(super::mismatch());
        };
        let mailbox = |field: &str, text: &str| {
            let mailbox = text.parse::<Mailbox>();
            mailbox.map_err(|_| Problem::new(format!("{field}: {text:?} is not an e-mail address")))
        };
        let to = email.to.iter().map(|text| mailbox("to", text));
        let to: Vec<Mailbox> = to.collect::<Result<_, Problem>>()?;
        if to.is_empty() {
            return Err(Problem::new("to names no recipient"));
        }
        let tls = match email.security {
            SmtpSecurity::None => None,
            SmtpSecurity::StartTls | SmtpSecurity::Tls => Some(tls(&email.host, &settings.tls)?),
        };
        Ok(Self {
            name: settings.name.clone(),
            from: mailbox("from", &email.from)?,
            to,
            tls,
            hello: hello(email.hello.as_deref())?,
            deadline: settings.timeout.scale(DEADLINE_SHARE),
            settings: email.clone(),
            writer,
            served: Mutex::default(),
        })
    }

    async fn send(
        &self,
        notification: &Notification,
        now: Timestamp,
    ) -> Result<Receipt, DeliveryError> {
        let mut redaction = Redaction::default();
        let credentials = match &self.settings.credentials {
            None => None,
            Some((user, secret)) => {
                let password = secret.reveal()?;
                let password = password.expose_secret();
                dialogue::hide(user, password, &mut redaction);
                Some(Credentials::new(user.clone(), password.to_owned()))
            }
        };
        let (from, to) = (self.from.clone(), &self.to);
        let mail = mail::compose(notification, &self.writer, from, to, now)?;
        let key = notification.idempotency_key();
        let served = self.served(&key);
        let waiting: Vec<usize> = (0..to.len()).filter(|at| !served.contains(at)).collect();
        let mut dialogue = Dialogue::open(self, credentials.as_ref(), &redaction).await?;
        let recipients = waiting.iter().map(|at| (*at, to[*at].email.clone()));
        let (taken, refused) = dialogue.tell(&self.from.email, recipients, &mail).await?;
        self.settle(&key, served, taken, refused)
    }

    fn served(&self, key: &str) -> BTreeSet<usize> {
        let served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        served.get(key).cloned().unwrap_or_default()
    }

    /// What the attempt comes to: it is repeated while somebody may still get the mail.
    fn settle(
        &self,
        key: &str,
        mut served: BTreeSet<usize>,
        taken: BTreeSet<usize>,
        refused: Vec<Refused>,
    ) -> Result<Receipt, DeliveryError> {
        served.extend(taken);
        let mut all = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(key);
        let is_put_off = |one: &&Refused| one.error.class != ErrorClass::Permanent;
        if let Some(put_off) = refused.iter().find(is_put_off) {
            let mut error = put_off.error.clone();
            if !served.is_empty() {
                // Somebody has the mail, and must hear of the end though the others never do.
                error.ambiguous = true;
                if all.len() >= SERVED_MAX {
                    all.pop_first();
                }
                all.insert(key.to_owned(), served);
            }
            return Err(error);
        }
        drop(all);
        match refused.into_iter().next() {
            Some(first) if served.is_empty() => Err(first.error),
            Some(first) => {
                let error = first.error.text;
                let receiver = self.name.as_str();
                tracing::warn!(receiver, error, "Mail went to some recipients only");
                Ok(Receipt::default())
            }
            None => Ok(Receipt::default()),
        }
    }
}

impl Receiver for EmailReceiver {
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        _receipt: Option<&'a str>,
        now: Timestamp,
    ) -> Attempt<'a> {
        Box::pin(self.send(notification, now))
    }
}

/// What we call ourselves: a name, or an address in brackets.
fn hello(wanted: Option<&str>) -> Result<ClientId, Problem> {
    /// Longest name of a host: RFC 1035, section 2.3.4.
    const NAME_BYTES_MAX: usize = 255;
    let is_name = |name: &str| {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(legal)
    };
    match wanted {
        Some(name) if is_name(name) => Ok(ClientId::Domain(name.to_owned())),
        Some(name) => Err(Problem::new(format!("hello: {name:?} is not a host name"))),
        None => {
            let own = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            let own = own.trim();
            let named = is_name(own).then(|| ClientId::Domain(own.to_owned()));
            Ok(named.unwrap_or_default())
        }
    }
}

fn tls(host: &str, settings: &TlsSettings) -> Result<TlsParameters, Problem> {
    let unusable = |field: &str, error: &(dyn std::error::Error + 'static)| {
        let cause = innermost(error).to_string();
        Problem::new(format!("{field}: {cause}"))
    };
    let read = |field: &str, path: &std::path::Path| {
        std::fs::read(path).map_err(|error| unusable(field, &error))
    };
    let mut builder = TlsParameters::builder(host.to_owned())
        .dangerous_accept_invalid_certs(settings.insecure_skip_verify)
        .dangerous_accept_invalid_hostnames(settings.insecure_skip_verify);
    if let Some(path) = &settings.ca_file {
        let certificate = Certificate::from_pem(&read("tls.ca_file", path)?);
        let certificate = certificate.map_err(|error| unusable("tls.ca_file", &error))?;
        builder = builder.add_root_certificate(certificate);
    }
    if let (Some(cert), Some(key)) = (&settings.cert_file, &settings.key_file) {
        let (cert, key) = (read("tls.cert_file", cert)?, read("tls.key_file", key)?);
        let identity = Identity::from_pem(&cert, &key);
        let identity = identity.map_err(|error| unusable("tls.cert_file", &error))?;
        builder = builder.identify_with(identity);
    }
    builder.build().map_err(|error| unusable("tls", &error))
}

#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;
