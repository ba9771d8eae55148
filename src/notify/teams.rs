//! Microsoft Teams, by a workflow that takes webhook requests: the whole URL is the credential.
//!
//! A workflow gives no name of the message back, so updates and resolves are cards of their own.
//! 202 means that the flow took the card; what becomes of it is in the flow's run history only,
//! hence the strict size. The retired connectors answered 200 to failures; so do proxies of them.
//! <https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook>

mod card;

use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::engine::{Notification, Timestamp};
use crate::message::Writer;

use super::error::{DeliveryError, Problem};
use super::hook::Hook;
use super::http::{self, Answer};
use super::redaction::Redaction;
use super::{Attempt, Receipt, Receiver};

/// One workflow.
pub(super) struct Teams {
    hook: Hook,
    writer: Writer,
}

impl Teams {
    pub(super) fn new(settings: &ReceiverSettings, writer: Writer) -> Result<Self, Problem> {
        let ReceiverKind::Teams { url } = &settings.kind else {
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
        let picture = self.writer.picture_url(notification);
        let body = card::body(&message, picture.as_deref());
        let (answer, redaction) = self.hook.post(body, now).await?;
        match wrapped_failure(&answer, &redaction) {
            Some(error) => Err(error),
            None => Ok(Receipt::default()),
        }
    }
}

impl Receiver for Teams {
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        _receipt: Option<&'a str>,
        now: Timestamp,
    ) -> Attempt<'a> {
        Box::pin(self.send(notification, now))
    }
}

/// The failure in a 200, as in `Microsoft Teams endpoint returned HTTP error 429`. Without a status
/// that says otherwise it may pass.
fn wrapped_failure(answer: &Answer, redaction: &Redaction) -> Option<DeliveryError> {
    let text = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
    let (_, after) = text.split_once("error")?;
    let status = after
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| digits.len() == 3)
        .find_map(|digits| digits.parse().ok().filter(|code| *code >= 300))
        .unwrap_or(500);
    let (class, ambiguous, reason) = http::classify(status, answer.retry_after);
    let said = http::quote(&answer.body, redaction);
    Some(DeliveryError {
        class,
        ambiguous,
        reason,
        text: format!("answered 200 with a failure: {said}"),
    })
}

#[cfg(test)]
mod tests;
