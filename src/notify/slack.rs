//! Slack incoming webhook: the URL is the credential and fixes the channel.
//!
//! Slack gives no name of the message back, so updates and resolves are messages of their own.

use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::engine::{Notification, Timestamp};

use super::error::{DeliveryError, Problem};
use super::hook::Hook;
use super::slack_blocks::Extras;
use super::{Attempt, Receipt, Receiver, slack_blocks, slack_bot};
use crate::message::Writer;

/// One webhook.
pub(super) struct SlackWebhook {
    hook: Hook,
    writer: Writer,
}

impl SlackWebhook {
    pub(super) fn new(settings: &ReceiverSettings, writer: Writer) -> Result<Self, Problem> {
        let ReceiverKind::SlackWebhook { url } = &settings.kind else {
            return Err(super::mismatch());
        };
        Ok(Self {
            hook: Hook::new(settings, url)?,
            writer,
        })
    }

    async fn send(
        &self,
        notification: &Notification,
        now: Timestamp,
    ) -> Result<Receipt, DeliveryError> {
        let message = self.writer.message(notification);
        let extras = Extras {
            buttons: None,
            picture: self.writer.picture_url(notification),
        };
        let body = slack_blocks::body(&message, &extras).to_string();
        let (answer, redaction) = self.hook.post(body.into_bytes(), now).await?;
        match slack_bot::wrapped_failure(&answer, &redaction) {
            Some(error) => Err(error),
            None => Ok(Receipt::default()),
        }
    }
}

impl Receiver for SlackWebhook {
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        _receipt: Option<&'a str>,
        now: Timestamp,
    ) -> Attempt<'a> {
        Box::pin(self.send(notification, now))
    }
}

#[cfg(test)]
mod tests;
