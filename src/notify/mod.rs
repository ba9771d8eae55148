//! Outbox to the world: one [`Worker`] per receiver delivers what the engine decided.
//!
//! Promises: a notification is delivered at least once or becomes a dead letter; the notifications
//! of one alert reach a receiver in order; a receiver that is slow, down or hostile delays only
//! itself; no credential and no URL appears in an error, a log line or a stored text.
//!
//! To add a kind of receiver: add it to [`ReceiverKind`], write one file with a type that
//! implements [`Receiver`], and name it in [`build`]. [`Message`](message::Message) has the words,
//! `http` the manners (deadline, limits, classification of answers); the file has only the
//! receiver's own body and reading of its answer.

pub mod breaker;
mod console;
pub mod error;
mod figures;
#[cfg(test)]
mod fixture;
mod http;
pub mod message;
pub mod observer;
pub mod outbox;
mod pagerduty;
mod reason;
mod redaction;
pub mod retry;
#[cfg(test)]
mod secrecy_tests;
mod signature;
mod slack;
mod slack_blocks;
mod slack_bot;
mod text;
mod webhook;
pub mod worker;

use std::pin::Pin;

use reqwest::Url;

use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::engine::{Notification, Timestamp};

pub use console::Console;
pub use error::{BuildError, DeliveryError, ErrorClass, FailureReason};
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
}

/// One attempt under way.
pub type Attempt<'a> = Pin<Box<dyn Future<Output = Result<Receipt, DeliveryError>> + Send + 'a>>;

/// What a receiver gave back to find its message again; stored with the delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt(pub Option<String>);

/// Makes a receiver from its settings. `external_url` is where people reach this daemon, for links.
///
/// # Errors
///
/// When a URL, header, certificate or signing secret cannot be used. Secrets in files are read at
/// each delivery, so their absence is not an error here.
pub fn build(
    settings: &ReceiverSettings,
    external_url: Option<&str>,
) -> Result<Box<dyn Receiver>, BuildError> {
    let named = |problem: error::Problem| problem.of(&settings.name);
    let external = external_url.map(http::parse_url).transpose();
    let external = external.map_err(|problem| named(problem.in_field("server.external_url")))?;
    let receiver = build_kind(settings, external);
    receiver.map_err(named)
}

fn build_kind(
    settings: &ReceiverSettings,
    external: Option<Url>,
) -> Result<Box<dyn Receiver>, error::Problem> {
    let http = || http::HttpSender::new(settings);
    Ok(match &settings.kind {
        ReceiverKind::PagerDuty { routing_key, url } => Box::new(pagerduty::PagerDuty::new(
            http()?,
            routing_key.clone(),
            url,
            external,
        )?),
        ReceiverKind::SlackWebhook { url } => {
            Box::new(slack::SlackWebhook::new(http()?, url.clone(), external)?)
        }
        ReceiverKind::SlackBot {
            token,
            channel,
            api_url,
        } => Box::new(slack_bot::SlackBot::new(
            http()?,
            token.clone(),
            channel,
            api_url,
            external,
        )?),
        ReceiverKind::Webhook { .. } => {
            Box::new(webhook::Webhook::new(http()?, &settings.kind, external)?)
        }
        ReceiverKind::Console => Box::new(Console::stdout(external)),
    })
}
