//! Heartbeats: calls to a service that raises an alarm when they stop.

use super::error::{BuildError, DeliveryError};
use super::hook::Hook;
use crate::config::settings::{HeartbeatSettings, ReceiverKind, ReceiverSettings};
use crate::engine::Timestamp;

/// One such service.
pub struct Heartbeat(Hook);

impl Heartbeat {
    /// Makes the client of a service.
    ///
    /// # Errors
    ///
    /// When the URL or a certificate cannot be used.
    pub fn new(settings: &HeartbeatSettings) -> Result<Self, BuildError> {
        let mut manners = ReceiverSettings::new(&settings.name, ReceiverKind::Console);
        manners.timeout = settings.timeout;
        manners.tls = settings.tls.clone();
        let hook = Hook::new(&manners, &settings.url);
        hook.map(Self).map_err(|problem| problem.of(&settings.name))
    }

    /// Says that all is well.
    ///
    /// # Errors
    ///
    /// When the service does not take it; the next beat comes anyway.
    pub async fn beat(&self, now: Timestamp) -> Result<(), DeliveryError> {
        let body = br#"{"status":"ok"}"#.to_vec();
        self.0.post(body, now).await.map(drop)
    }
}
