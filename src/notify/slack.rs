//! Slack incoming webhook: the URL is the credential and fixes the channel.
//!
//! Slack gives no name of the message back, so updates and resolves are messages of their own.

use reqwest::header::HeaderMap;

use crate::config::secret::Secret;
use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::engine::{Notification, Timestamp};

use super::error::{DeliveryError, Problem};
use super::http::{self, HttpSender, Post};
use super::redaction::Redaction;
use super::slack_blocks::Extras;
use super::{Attempt, Receipt, Receiver, slack_blocks, slack_bot};
use crate::message::Writer;

/// One webhook.
pub(super) struct SlackWebhook {
    http: HttpSender,
    url: Secret,
    writer: Writer,
}

impl SlackWebhook {
    pub(super) fn new(settings: &ReceiverSettings, writer: Writer) -> Result<Self, Problem> {
        let ReceiverKind::SlackWebhook { url } = &settings.kind else {
            return Err(super::mismatch());
        };
        http::check_url(url)?;
        Ok(Self {
            http: HttpSender::new(settings)?,
            url: url.clone(),
            writer,
        })
    }

    async fn send(
        &self,
        notification: &Notification,
        now: Timestamp,
    ) -> Result<Receipt, DeliveryError> {
        let mut redaction = Redaction::default();
        let url = http::reveal_url(&self.url, &mut redaction)?;
        let message = self.writer.message(notification);
        let extras = Extras {
            buttons: None,
            picture: self.writer.picture_url(notification),
        };
        let post = Post {
            url,
            headers: HeaderMap::new(),
            body: slack_blocks::body(&message, &extras)
                .to_string()
                .into_bytes(),
            redaction: redaction.clone(),
        };
        let answer = self.http.post(post, now).await?;
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
