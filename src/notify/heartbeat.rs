//! Heartbeats: calls to a service that raises an alarm when they stop.

use reqwest::header::HeaderMap;

use super::error::{BuildError, DeliveryError};
use super::http::{self, HttpSender, Post};
use super::redaction::Redaction;
use crate::config::secret::Secret;
use crate::config::settings::{HeartbeatSettings, ReceiverKind, ReceiverSettings};
use crate::engine::Timestamp;

/// One such service.
pub struct Heartbeat {
    http: HttpSender,
    url: Secret,
}

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
        let made = http::check_url(&settings.url).and_then(|()| HttpSender::new(&manners));
        Ok(Self {
            http: made.map_err(|problem| problem.of(&settings.name))?,
            url: settings.url.clone(),
        })
    }

    /// Says that all is well.
    ///
    /// # Errors
    ///
    /// When the service does not take it; the next beat comes anyway.
    pub async fn beat(&self, now: Timestamp) -> Result<(), DeliveryError> {
        let mut redaction = Redaction::default();
        let url = http::reveal_url(&self.url, &mut redaction)?;
        let post = Post {
            url,
            headers: HeaderMap::new(),
            body: br#"{"status":"ok"}"#.to_vec(),
            redaction,
        };
        self.http.post(post, now).await.map(drop)
    }
}
