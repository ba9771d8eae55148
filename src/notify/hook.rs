//! Services whose whole URL is the credential: all that is needed to post there.

use reqwest::header::HeaderMap;

use super::error::{DeliveryError, Problem};
use super::http::{self, Answer, HttpSender, Post};
use super::redaction::Redaction;
use crate::config::secret::Secret;
use crate::config::settings::ReceiverSettings;
use crate::engine::Timestamp;

/// One such URL.
pub(super) struct Hook {
    http: HttpSender,
    url: Secret,
}

impl Hook {
    /// Takes the URL as it is written, its last slash included.
    pub(super) fn new(settings: &ReceiverSettings, url: &Secret) -> Result<Self, Problem> {
        http::check_url(url)?;
        Ok(Self {
            http: HttpSender::new(settings)?,
            url: url.clone(),
        })
    }

    /// Posts JSON; gives the answer to a 2xx status, and what hides the URL in words about it.
    ///
    /// # Errors
    ///
    /// On every other status and every failure of transport, classified.
    pub(super) async fn post(
        &self,
        body: Vec<u8>,
        now: Timestamp,
    ) -> Result<(Answer, Redaction), DeliveryError> {
        let mut redaction = Redaction::default();
        let post = Post {
            url: http::reveal_url(&self.url, &mut redaction)?,
            headers: HeaderMap::new(),
            body,
            redaction: redaction.clone(),
        };
        Ok((self.http.post(post, now).await?, redaction))
    }
}
