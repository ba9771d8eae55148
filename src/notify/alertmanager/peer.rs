//! One Alertmanager of a cluster: how it is told, in which order, and by when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName};
use serde_json::{Value, json};

use super::super::error::{DeliveryError, ErrorClass};
use super::super::http::{self, HttpSender, Post};
use super::super::redaction::Redaction;
use crate::config::secret::Secret;
use crate::config::settings::Auth;
use crate::engine::{Span, Timestamp};

/// Most alerts in one request: a body of a few hundred KiB.
pub(super) const BATCH_MAX: usize = 256;

/// How peers are talked to.
pub(super) struct Way {
    pub(super) http: HttpSender,
    pub(super) deadline: Span,
    pub(super) auth: Auth,
    pub(super) headers: Vec<(HeaderName, Secret)>,
    /// What ended since the last refresh, by dedup key, and when that episode began: a refresh
    /// that was asked for before must not raise it again. Bounded by what ends between two.
    pub(super) ended: Mutex<BTreeMap<String, Timestamp>>,
}

/// One peer.
pub(super) struct Peer {
    /// `peer 1 of 2`: a URL may hold a secret.
    pub(super) name: String,
    url: Url,
    /// Held by refreshes and resolves while they are under way: one that overtakes the other
    /// would leave an alert firing that is over, and page again.
    gate: tokio::sync::Mutex<()>,
}

/// An alert on its way.
#[derive(Clone)]
pub(super) struct Pushed {
    pub(super) key: String,
    pub(super) started_at: Timestamp,
    pub(super) over: bool,
    pub(super) body: Value,
}

impl Peer {
    pub(super) fn new(name: String, url: Url) -> Self {
        let gate = tokio::sync::Mutex::default();
        Self { name, url, gate }
    }
}

impl Way {
    /// Everything in one request, within the peer's share of the deadline.
    pub(super) async fn deliver(
        &self,
        peer: &Peer,
        alerts: &[Pushed],
        now: Timestamp,
    ) -> Result<(), DeliveryError> {
        let telling = async {
            // Only a resolve waits: a page never does.
            let _turn = if alerts.iter().any(|alert| alert.over) {
                Some(peer.gate.lock().await)
            } else {
                None
            };
            self.post(peer, alerts.iter(), now).await
        };
        tokio::time::timeout(self.deadline.to_std(), telling)
            .await
            .unwrap_or_else(|_elapsed| Err(DeliveryError::deadline(self.deadline)))
    }

    /// Batch by batch. A peer that refuses one, as it does when it dislikes a single alert in it,
    /// gets the others too; one that does not answer is left alone until the next refresh.
    pub(super) async fn refresh(
        &self,
        peer: &Peer,
        alerts: &[Pushed],
        now: Timestamp,
    ) -> Result<(), DeliveryError> {
        let mut result = Ok(());
        for batch in alerts.chunks(BATCH_MAX) {
            let _turn = peer.gate.lock().await;
            let open = batch.iter().filter(|alert| !self.has_ended(alert));
            match self.post(peer, open, now).await {
                Ok(()) => {}
                Err(error) if error.class == ErrorClass::Permanent => result = Err(error),
                Err(error) => return Err(error),
            }
        }
        result
    }

    async fn post(
        &self,
        peer: &Peer,
        alerts: impl Iterator<Item = &Pushed>,
        now: Timestamp,
    ) -> Result<(), DeliveryError> {
        let alerts: Vec<&Value> = alerts.map(|alert| &alert.body).collect();
        if alerts.is_empty() {
            return Ok(());
        }
        let mut redaction = Redaction::default();
        redaction.hide_url(&peer.url);
        let mut headers = HeaderMap::new();
        for (name, secret) in &self.headers {
            let value = http::reveal_header(name.as_str(), "", secret, &mut redaction)?;
            headers.insert(name, value);
        }
        if let Some(value) = http::authorization(&self.auth, &mut redaction)? {
            headers.insert(AUTHORIZATION, value);
        }
        let post = Post {
            url: peer.url.clone(),
            headers,
            body: json!(alerts).to_string().into_bytes(),
            redaction,
        };
        self.http.post(post, now).await.map(|_answer| ())
    }

    pub(super) fn remember(&self, alerts: &[Pushed]) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        for alert in alerts.iter().filter(|alert| alert.over) {
            ended.insert(alert.key.clone(), alert.started_at);
        }
    }

    /// What a refresh no longer asks for needs no memory.
    pub(super) fn forget_all_but(&self, open: &[Pushed]) {
        let open: BTreeSet<&str> = open.iter().map(|alert| alert.key.as_str()).collect();
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|key, _| open.contains(key.as_str()));
    }

    fn has_ended(&self, alert: &Pushed) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let episode = ended.get(&alert.key);
        episode.is_some_and(|started_at| alert.started_at <= *started_at)
    }
}
