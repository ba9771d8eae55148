//! Telegram Bot API.

use crate::config::settings::ReceiverSettings;
use crate::engine::{Notification, Timestamp};
use crate::message::Writer;

use super::error::{DeliveryError, Problem};
use super::{Attempt, Receiver};

/// One of them.
pub(super) struct Telegram {
    _writer: Writer,
}

impl Telegram {
    pub(super) fn new(_settings: &ReceiverSettings, writer: Writer) -> Result<Self, Problem> {
        Ok(Self { _writer: writer })
    }
}

impl Receiver for Telegram {
    fn deliver<'a>(
        &'a self,
        _notification: &'a Notification,
        _receipt: Option<&'a str>,
        _now: Timestamp,
    ) -> Attempt<'a> {
        Box::pin(async {
            Err(DeliveryError::local(
                "this kind of receiver is not built yet",
            ))
        })
    }
}
