//! Outbox to the world: one [`Worker`] per receiver delivers what the engine decided.
//!
//! Promises: a notification is delivered at least once or becomes a dead letter; the notifications
//! of one alert reach a receiver in order; a receiver that is slow, down or hostile delays only
//! itself; no credential and no URL appears in an error, a log line or a stored text.
//!
//! To add a kind of receiver: add it to [`ReceiverKind`], write one file with a type that
//! implements [`Receiver`], and name it in [`build`]. [`Writer`] has the words,
//! `http` the manners (deadline, limits, classification of answers); the file has only the
//! receiver's own body and reading of its answer.

mod alertmanager;
pub mod breaker;
mod chat;
mod console;
mod digest;
mod discord;
mod email;
pub mod error;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod fixture;
mod grafana_irm;
mod heartbeat;
mod hook;
mod http;
mod incident_io;
pub mod observer;
mod opsgenie;
pub mod outbox;
mod pagerduty;
mod redaction;
pub mod retry;
#[cfg(test)]
mod secrecy_tests;
mod signature;
mod slack;
mod slack_blocks;
mod slack_bot;
mod teams;
mod telegram;
mod webhook;
pub mod worker;

use std::pin::Pin;

use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::engine::{AlertFacts, Notification, Span, Timestamp};
use crate::message::Writer;

pub use console::Console;
pub use error::{BuildError, DeliveryError, ErrorClass, FailureReason};
pub use heartbeat::Heartbeat;
pub use observer::{AttemptResult, DeliveryObserver};
pub use outbox::Outbox;
pub use worker::{Clock, Worker};

/// Somebody who can be told.
pub trait Receiver: Send + Sync {
    /// Makes one attempt to deliver `notification`.
    ///
    /// `receipt` is what an earlier delivery of the same episode gave back. `now` stamps
    /// signatures and turns a `Retry-After` date into a length. Dropping the future ends the
    /// attempt.
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        receipt: Option<&'a str>,
        now: Timestamp,
    ) -> Attempt<'a>;

    /// How often what is up must be said again, for a receiver that forgets; `None` for all others.
    fn refreshes_every(&self) -> Option<Span> {
        None
    }

    /// Says again what is up: `open` is all that this receiver was told of and that is not over.
    fn refresh<'a>(&'a self, open: &'a [AlertFacts], now: Timestamp) -> Attempt<'a> {
        let _nothing = (open, now);
        Box::pin(async { Ok(Receipt::default()) })
    }

    /// Shows a change of the configuration, where the receiver has a place for it. Best effort:
    /// tried once.
    fn show_change<'a>(&'a self, change: &'a Change, now: Timestamp) -> Attempt<'a> {
        let _nothing = (change, now);
        Box::pin(async { Ok(Receipt::default()) })
    }
}

/// A change of the configuration, for receivers that show such things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When it took effect.
    pub at: Timestamp,
    /// What changed, in one line.
    pub summary: String,
}

/// One attempt under way.
pub type Attempt<'a> = Pin<Box<dyn Future<Output = Result<Receipt, DeliveryError>> + Send + 'a>>;

/// What a receiver gave back to find its message again; stored with the delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt(pub Option<String>);

/// Makes a receiver from its settings; `writer` has the words.
///
/// # Errors
///
/// When a URL, header, certificate or signing secret cannot be used. Secrets in files are read at
/// each delivery, so their absence is not an error here.
pub fn build(
    settings: &ReceiverSettings,
    writer: &Writer,
) -> Result<Box<dyn Receiver>, BuildError> {
    let receiver = build_kind(settings, writer.clone());
    receiver.map_err(|problem| problem.of(&settings.name))
}

fn build_kind(
    settings: &ReceiverSettings,
    writer: Writer,
) -> Result<Box<dyn Receiver>, error::Problem> {
    let writer = writer.with(&settings.templates);
    Ok(match &settings.kind {
        ReceiverKind::PagerDuty { .. } => Box::new(pagerduty::PagerDuty::new(settings, writer)?),
        ReceiverKind::SlackWebhook { .. } => Box::new(slack::SlackWebhook::new(settings, writer)?),
        ReceiverKind::SlackBot { .. } => Box::new(slack_bot::SlackBot::new(settings, writer)?),
        ReceiverKind::Webhook { .. } => Box::new(webhook::Webhook::new(settings, writer)?),
        ReceiverKind::Alertmanager { .. } => {
            Box::new(alertmanager::Alertmanager::new(settings, writer)?)
        }
        ReceiverKind::Teams { .. } => Box::new(teams::Teams::new(settings, writer)?),
        ReceiverKind::Discord { .. } => Box::new(discord::Discord::new(settings, writer)?),
        ReceiverKind::Telegram { .. } => Box::new(telegram::Telegram::new(settings, writer)?),
        ReceiverKind::Email(_) => Box::new(email::EmailReceiver::new(settings, writer)?),
        ReceiverKind::Opsgenie { .. } => Box::new(opsgenie::Opsgenie::new(settings, writer)?),
        ReceiverKind::IncidentIo { .. } => {
            Box::new(incident_io::IncidentIo::new(settings, writer)?)
        }
        ReceiverKind::GrafanaIrm { .. } => {
            Box::new(grafana_irm::GrafanaIrm::new(settings, writer)?)
        }
        ReceiverKind::Console => Box::new(Console::stdout(writer)),
    })
}

/// The settings of a kind that this constructor is not for: a bug in `build_kind`, reported as any
/// other problem.
fn mismatch() -> error::Problem {
    error::Problem::new("is of another kind")
}
