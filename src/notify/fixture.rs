//! Deliveries for the tests of this room; their notifications are the samples of [`crate::message`].

use crate::engine::Notification;
use crate::message::Writer;
pub(super) use crate::message::sample::*;
use crate::store::Delivery;

/// A row of the outbox, written when the notification was decided.
pub(super) fn delivery(id: i64, notification: Notification) -> Delivery {
    Delivery {
        id,
        created_at: notification.facts.decided_at,
        notification,
        attempts: 0,
        routing: None,
    }
}

/// A writer that links to this daemon.
pub(super) fn writer() -> Writer {
    Writer::new(Some(external()))
}

/// A writer without links of its own.
pub(super) fn plain() -> Writer {
    Writer::default()
}
