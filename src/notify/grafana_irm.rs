//! Grafana IRM (OnCall), formatted webhook integration.
//!
//! `alert_uid` is the dedup key: `alerting` opens the alert group or adds to it, `ok` resolves it.
//! Fields: <https://grafana.com/docs/grafana-cloud/alerting-and-irm/irm/configure/integrations/>;
//! lengths are not documented there, the bounds here are ours.

use serde_json::{Value, json};

use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::engine::{Notification, NotificationKind, Timestamp};
use crate::message::{Writer, text};

use super::error::{DeliveryError, Problem};
use super::hook::Hook;
use super::{Attempt, Receipt, Receiver, digest};

/// Longest `title`, in characters.
const TITLE_CHARS_MAX: usize = 500;
/// Longest `message`, in characters.
const MESSAGE_CHARS_MAX: usize = 10_000;

/// One integration.
pub(super) struct GrafanaIrm {
    hook: Hook,
    writer: Writer,
}

impl GrafanaIrm {
    pub(super) fn new(settings: &ReceiverSettings, writer: Writer) -> Result<Self, Problem> {
        let ReceiverKind::GrafanaIrm { url } = &settings.kind else {
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
        let body = alert(notification, &self.writer).to_string();
        self.hook.post(body.into_bytes(), now).await?;
        Ok(Receipt::default())
    }
}

impl Receiver for GrafanaIrm {
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        _receipt: Option<&'a str>,
        now: Timestamp,
    ) -> Attempt<'a> {
        Box::pin(self.send(notification, now))
    }
}

fn alert(notification: &Notification, writer: &Writer) -> Value {
    let message = writer.message(notification);
    let state = match notification.kind {
        NotificationKind::Trigger | NotificationKind::Update => "alerting",
        NotificationKind::Resolve => "ok",
    };
    let lines = digest::lines(&message);
    let mut alert = json!({
        "alert_uid": notification.dedup_key(),
        "title": inert(&text::line(&message.headline(), TITLE_CHARS_MAX)),
        "state": state,
        "message": inert(&digest::paragraph(&lines, MESSAGE_CHARS_MAX)),
        "severity": notification.facts.severity.as_str(),
        "labels": notification.facts.matching_labels(),
    });
    if let Some(url) = message.own_link() {
        alert["link_to_upstream_details"] = url.into();
    }
    if let Some(url) = writer.picture_url(notification) {
        alert["image_url"] = url.into();
    }
    alert
}

/// The text with other brackets: it is shown as Markdown, as HTML and in chats, where `<!channel>`
/// calls everybody, and no escape is one in all of them.
fn inert(text: &str) -> String {
    text.replace('<', "‹").replace('>', "›")
}

#[cfg(test)]
mod tests;
