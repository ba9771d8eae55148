//! The conversation with a mail server, step by step and within one deadline.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};
use tokio::time::{Instant, timeout, timeout_at};

use super::super::error::{DeliveryError, ErrorClass, FailureReason};
use super::super::http::quote;
use super::super::redaction::Redaction;
use super::EmailReceiver;
use crate::config::settings::SmtpSecurity;
use crate::engine::Span;
use crate::engine::causes::innermost;

/// How long a server may take over our goodbye, when the mail is already with it.
const GOODBYE_MAX: Span = Span::from_secs(1);

/// An open connection, ready for a mail.
pub(super) struct Dialogue<'a> {
    connection: AsyncSmtpConnection,
    clock: Steps<'a>,
}

/// A recipient that the server does not take now.
pub(super) struct Refused {
    pub(super) error: DeliveryError,
}

/// Who has the mail, and who was refused.
type Told = (BTreeSet<usize>, Vec<Refused>);

impl<'a> Dialogue<'a> {
    /// Connects, protects the connection and authenticates.
    pub(super) async fn open(
        receiver: &EmailReceiver,
        credentials: Option<&Credentials>,
        redaction: &'a Redaction,
    ) -> Result<Self, DeliveryError> {
        let settings = &receiver.settings;
        let clock = Steps {
            until: Instant::now() + receiver.deadline.to_std(),
            deadline: receiver.deadline,
            redaction,
        };
        let at_once = match settings.security {
            SmtpSecurity::Tls => receiver.tls.clone(),
            SmtpSecurity::StartTls | SmtpSecurity::None => None,
        };
        let server = (settings.host.as_str(), settings.port);
        let limit = Some(receiver.deadline.to_std());
        let connecting =
            AsyncSmtpConnection::connect_tokio1(server, limit, &receiver.hello, at_once, None);
        let mut connection = clock.step("connecting", connecting).await?;
        if let (SmtpSecurity::StartTls, Some(tls)) = (settings.security, &receiver.tls) {
            if !connection.can_starttls() {
                return Err(DeliveryError {
                    reason: FailureReason::ClientError,
                    ..DeliveryError::local("starting TLS: the server does not offer STARTTLS")
                });
            }
            let starting = connection.starttls(tls.clone(), &receiver.hello);
            clock.step("starting TLS", starting).await?;
        }
        if let Some(credentials) = credentials {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            let authenticating = connection.auth(&mechanisms, credentials);
            let done = clock.step("authenticating", authenticating).await;
            done.map_err(|error| DeliveryError {
                // Wrong credentials are mended by an operator, often before the alert is old.
                class: ErrorClass::Retry { after: None },
                ..error
            })?;
        }
        Ok(Self { connection, clock })
    }

    /// Hands over one mail for all who are taken.
    pub(super) async fn tell(
        &mut self,
        from: &Address,
        recipients: impl Iterator<Item = (usize, Address)>,
        mail: &[u8],
    ) -> Result<Told, DeliveryError> {
        let recipients: Vec<(usize, Address)> = recipients.collect();
        let foreign = |address: &Address| !address.to_string().is_ascii();
        let foreign = foreign(from) || recipients.iter().any(|(_, address)| foreign(address));
        let parameters = self.parameters(foreign, mail)?;
        let sender = Mail::new(Some(from.clone()), parameters);
        self.command("naming the sender", sender).await?;
        let (mut taken, mut refused) = (BTreeSet::new(), Vec::new());
        for (at, address) in recipients {
            let step = format!("naming recipient {}", at + 1);
            match self.command(&step, Rcpt::new(address, Vec::new())).await {
                Ok(()) => {
                    taken.insert(at);
                }
                Err(error) if is_about_the_recipient(&error) => refused.push(Refused { error }),
                Err(error) => return Err(error),
            }
        }
        if !taken.is_empty() {
            self.command("announcing the mail", Data).await?;
            let sending = self.connection.message(mail);
            let sent = self.clock.step("sending the mail", sending).await;
            sent.map_err(|error| DeliveryError {
                // Without an answer nobody knows what became of it.
                ambiguous: !is_reply(&error),
                ..error
            })?;
        }
        // The mail is with the server: how the farewell goes changes nothing.
        let goodbye = self.connection.abort();
        timeout(GOODBYE_MAX.to_std(), goodbye).await.ok();
        Ok((taken, refused))
    }

    async fn command(
        &mut self,
        step: &str,
        command: impl std::fmt::Display,
    ) -> Result<(), DeliveryError> {
        let asking = self.connection.command(command);
        self.clock.step(step, asking).await.map(|_reply| ())
    }

    fn parameters(&self, foreign: bool, mail: &[u8]) -> Result<Vec<MailParameter>, DeliveryError> {
        let server = self.connection.server_info();
        let mut parameters = Vec::new();
        if foreign {
            if !server.supports_feature(Extension::SmtpUtfEight) {
                return Err(DeliveryError {
                    class: ErrorClass::Permanent,
                    ..DeliveryError::local(
                        "naming the sender: an address is not ASCII, and the server does not \
                         offer SMTPUTF8",
                    )
                });
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !mail.is_ascii() && server.supports_feature(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        Ok(parameters)
    }
}

/// A reply about this mailbox, after which the dialogue goes on; 421 closes the connection.
fn is_about_the_recipient(error: &DeliveryError) -> bool {
    is_reply(error) && !error.text.contains("answered 421")
}

/// Whether the server said something, rather than nothing.
const fn is_reply(error: &DeliveryError) -> bool {
    matches!(
        error.reason,
        FailureReason::ClientError | FailureReason::ServerError
    )
}

/// The steps of one dialogue: each ends by the deadline of all.
struct Steps<'a> {
    until: Instant,
    deadline: Span,
    redaction: &'a Redaction,
}

impl Steps<'_> {
    async fn step<T>(
        &self,
        name: &str,
        work: impl Future<Output = Result<T, SmtpError>>,
    ) -> Result<T, DeliveryError> {
        match timeout_at(self.until, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(classified(name, &error, self.redaction)),
            Err(_elapsed) => Err(DeliveryError {
                ambiguous: false,
                text: format!("{name}: no answer within {}", self.deadline),
                ..DeliveryError::deadline(self.deadline)
            }),
        }
    }
}

/// Replies by their code (RFC 5321, section 4.2.1; for authentication RFC 4954, section 6), all
/// else by where it happened.
fn classified(step: &str, error: &SmtpError, redaction: &Redaction) -> DeliveryError {
    let retry = ErrorClass::Retry { after: None };
    let cause = innermost(error).to_string();
    let cause = quote(cause.as_bytes(), redaction);
    let (class, reason, text) = match error.status().map(u16::from) {
        Some(code @ (530 | 534 | 535)) => {
            let text = format!("answered {code}: {cause}");
            (retry, FailureReason::ClientError, text)
        }
        Some(code @ 500..) => {
            let text = format!("answered {code}: {cause}");
            (ErrorClass::Permanent, FailureReason::ClientError, text)
        }
        Some(code) => {
            let text = format!("answered {code}: {cause}");
            (retry, FailureReason::ServerError, text)
        }
        None if error.is_timeout() => (retry, FailureReason::Timeout, cause),
        None => (retry, FailureReason::of_connection(error), cause),
    };
    DeliveryError {
        class,
        ambiguous: false,
        reason,
        text: format!("{step}: {text}"),
    }
}

/// Hides a password from errors, in each form in which it travels in PLAIN and LOGIN.
pub(super) fn hide(user: &str, password: &str, redaction: &mut Redaction) {
    redaction.hide(password);
    redaction.hide(&STANDARD.encode(password));
    redaction.hide(&STANDARD.encode(format!("\0{user}\0{password}")));
}
