//! Alertmanager, API v2: every peer is told, and told again before what it knows expires.
//!
//! A firing alert says that it ends four refreshes from now, and is repeated every refresh: three
//! may be lost, or a peer's clock be ahead by as much less one, before a peer believes it over.
//! A resolve says when it ended, once, to every peer that answers; one that does not, or whose
//! clock is behind the end, drops the alert when it expires. A delivery succeeds when one peer has
//! it: peers gossip about what was notified, never about alerts, hence the others get theirs with
//! the next refresh. Repetitions are harmless, for alerts are recognised by their labels.
//! Protocol: <https://prometheus.io/docs/alerting/latest/alerts_api/>.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Url;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::engine::{AlertFacts, Notification, NotificationKind, Span, Timestamp};
use crate::message::{Writer, annotations, figures};

use super::error::{DeliveryError, ErrorClass, Problem};
use super::http::{self, HttpSender};
use super::{Attempt, Receipt, Receiver, digest};
use peer::{Peer, Pushed, Way};

mod peer;

/// How many refreshes a firing alert lasts: the custom of Prometheus.
const REFRESHES_PER_LIFE: i64 = 4;
/// A peer's share of the attempt's deadline, so that those that took the alert are heard though
/// another one hangs.
const PEER_SHARE: f64 = 0.75;

/// All peers of a cluster.
pub(super) struct Alertmanager {
    way: Arc<Way>,
    peers: Vec<Arc<Peer>>,
    name: String,
    refresh: Span,
    writer: Writer,
}

impl Alertmanager {
    pub(super) fn new(settings: &ReceiverSettings, writer: Writer) -> Result<Self, Problem> {
        let ReceiverKind::Alertmanager {
            urls,
            auth,
            headers,
            refresh,
        } = &settings.kind
        else {
            return Err(super::mismatch());
        };
        if urls.is_empty() {
            return Err(Problem::new("urls names no peer"));
        }
        let peer = |(at, url): (usize, &String)| {
            let url = endpoint(url).map_err(|problem| problem.in_field("urls"))?;
            let name = format!("peer {} of {}", at + 1, urls.len());
            Ok(Arc::new(Peer::new(name, url)))
        };
        let peers = urls.iter().enumerate().map(peer);
        let deadline = settings.timeout.scale(PEER_SHARE);
        let limits = ReceiverSettings {
            timeout: deadline,
            ..settings.clone()
        };
        Ok(Self {
            peers: peers.collect::<Result<_, Problem>>()?,
            way: Arc::new(Way {
                http: HttpSender::new(&limits)?,
                deadline,
                auth: auth.clone(),
                headers: http::header_names(headers)?,
                ended: std::sync::Mutex::default(),
            }),
            name: settings.name.clone(),
            refresh: *refresh,
            writer,
        })
    }

    async fn send(
        &self,
        notification: &Notification,
        now: Timestamp,
    ) -> Result<Receipt, DeliveryError> {
        let alone = digest::apart(notification);
        let alerts: Vec<Pushed> = alone.iter().map(|alone| self.pushed(alone, now)).collect();
        self.way.remember(&alerts);
        if let Some(group) = &notification.group
            && group.omitted > 0
        {
            let omitted = group.omitted;
            tracing::info!(
                receiver = self.name,
                omitted,
                "Alerts left to the next refresh"
            );
        }
        let alerts = Arc::new(alerts);
        self.to_all(move |way, peer| {
            let alerts = Arc::clone(&alerts);
            async move { way.deliver(&peer, &alerts, now).await }
        })
        .await
    }

    async fn repeat(&self, open: &[AlertFacts], now: Timestamp) -> Result<Receipt, DeliveryError> {
        let alerts: Vec<Pushed> = open
            .iter()
            .filter(|facts| facts.resolved_at.is_none())
            .map(|facts| self.pushed(&self.repeated(facts), now))
            .collect();
        self.way.forget_all_but(&alerts);
        let alerts = Arc::new(alerts);
        self.to_all(move |way, peer| {
            let alerts = Arc::clone(&alerts);
            async move { way.refresh(&peer, &alerts, now).await }
        })
        .await
    }

    /// The notification that an open alert would be now.
    fn repeated(&self, facts: &AlertFacts) -> Notification {
        Notification {
            receiver: self.name.clone(),
            kind: NotificationKind::Update,
            episode: 0,
            sequence: 0,
            facts: facts.clone(),
            group: None,
            route_labels: BTreeMap::new(),
        }
    }

    fn pushed(&self, alone: &Notification, now: Timestamp) -> Pushed {
        let facts = &alone.facts;
        Pushed {
            key: facts.key.dedup_key(),
            started_at: facts.started_at,
            over: alone.kind == NotificationKind::Resolve,
            body: alert(alone, &self.writer, expiry(facts, now, self.refresh)),
        }
    }

    /// Talks to all peers at once. One that has it is enough; if none has it, trying again helps
    /// when it helps with one of them.
    async fn to_all<F>(
        &self,
        talk: impl Fn(Arc<Way>, Arc<Peer>) -> F,
    ) -> Result<Receipt, DeliveryError>
    where
        F: Future<Output = Result<(), DeliveryError>> + Send + 'static,
    {
        let mut talks = JoinSet::new();
        for (at, peer) in self.peers.iter().enumerate() {
            let talk = talk(Arc::clone(&self.way), Arc::clone(peer));
            talks.spawn(async move { (at, talk.await) });
        }
        let mut failures = BTreeMap::new();
        while let Some(talk) = talks.join_next().await {
            match talk {
                Ok((_, Ok(()))) => {}
                Ok((at, Err(error))) => {
                    failures.insert(at, error);
                }
                Err(_panicked) => {
                    let error = DeliveryError::local("the attempt broke down");
                    failures.insert(self.peers.len() + failures.len(), error);
                }
            }
        }
        if failures.len() < self.peers.len() {
            for (at, error) in failures {
                let peer = self.peers.get(at).map_or("a peer", |peer| &peer.name);
                let receiver = self.name.as_str();
                tracing::warn!(
                    receiver, peer, %error,
                    "Alertmanager peer not reached; it is told again with the next refresh"
                );
            }
            return Ok(Receipt::default());
        }
        Err(self.sum(failures))
    }

    /// The failures of all peers as one.
    fn sum(&self, failures: BTreeMap<usize, DeliveryError>) -> DeliveryError {
        let texts: Vec<String> = failures
            .iter()
            .map(|(at, error)| match self.peers.get(*at) {
                Some(peer) if self.peers.len() > 1 => format!("{}: {error}", peer.name),
                _ => error.to_string(),
            })
            .collect();
        let ambiguous = failures.values().any(|error| error.ambiguous);
        let best = failures
            .into_values()
            .min_by_key(|error| match error.class {
                ErrorClass::Retry { after } => (false, after),
                ErrorClass::Permanent => (true, None),
            });
        let best = best.unwrap_or_else(|| DeliveryError::local("there is no peer"));
        DeliveryError {
            ambiguous,
            text: texts.join("; "),
            ..best
        }
    }
}

impl Receiver for Alertmanager {
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        _receipt: Option<&'a str>,
        now: Timestamp,
    ) -> Attempt<'a> {
        Box::pin(self.send(notification, now))
    }

    fn refreshes_every(&self) -> Option<Span> {
        Some(self.refresh)
    }

    fn refresh<'a>(&'a self, open: &'a [AlertFacts], now: Timestamp) -> Attempt<'a> {
        Box::pin(self.repeat(open, now))
    }
}

/// `{url}/api/v2/alerts`, below whatever path a proxy has.
fn endpoint(base: &str) -> Result<Url, Problem> {
    let mut url = http::parse_url(base)?;
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(["api", "v2", "alerts"]);
    }
    Ok(url)
}

/// The end of an alert: the real one, never before its start, or one that the next refreshes
/// move. After a jump of the clock to the past the start may be ahead of now.
fn expiry(facts: &AlertFacts, now: Timestamp, refresh: Span) -> Timestamp {
    match facts.resolved_at {
        Some(end) => end.max(facts.started_at),
        None => now.max(facts.started_at) + refresh.times(REFRESHES_PER_LIFE),
    }
}

fn alert(alone: &Notification, writer: &Writer, ends_at: Timestamp) -> Value {
    let facts = &alone.facts;
    let message = writer.message(alone);
    let labels = facts.matching_labels();
    let mut alert = json!({
        "labels": named(labels.iter()),
        "annotations": named(strings(&annotations::of(facts, &message))),
        "startsAt": figures::rfc3339(facts.started_at),
        "endsAt": figures::rfc3339(ends_at),
    });
    if let Some(url) = message.own_link() {
        alert["generatorURL"] = url.into();
    }
    alert
}

fn strings(map: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    map.iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

/// Labels under names that every version takes: before 0.27 an alert with any other is refused,
/// and so it is in its mode `classic`. Other characters become underscores; where two names
/// become the same, the later gets one more.
fn named<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, &'a str> {
    let mut named = BTreeMap::new();
    for (name, value) in pairs {
        let mut legal: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        if legal.starts_with(|c: char| c.is_ascii_digit()) || legal.is_empty() {
            legal.insert(0, '_');
        }
        while named.contains_key(&legal) {
            legal.push('_');
        }
        named.insert(legal, value);
    }
    named
}

#[cfg(test)]
mod tests;
