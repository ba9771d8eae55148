//! Discord, by a webhook of a channel.

use crate::config::settings::ReceiverSettings;
use crate::engine::{Notification, Timestamp};
use crate::message::Writer;

use super::error::{DeliveryError, Problem};
use super::{Attempt, Receiver};

/// One of them.
pub(super) struct Discord {
    _writer: Writer,
}

impl Discord {
    pub(super) fn new(_settings: &ReceiverSettings, writer: Writer) -> Result<Self, Problem> {
        Ok(Self { _writer: writer })
    }
}

impl Receiver for Discord {
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
