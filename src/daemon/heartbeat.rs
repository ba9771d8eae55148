//! Heartbeats: proof from outside that slofuse evaluates and delivers.
//!
//! A beat is sent only while both are true; when either is not, nothing is sent, and the service
//! at the other end raises its alarm. So one alarm covers a dead process, a dead host, a source
//! that has failed for so long that people are told of it, and a network that lets nothing out.

use std::sync::Arc;

use tokio::task::JoinSet;
use tracing::{info, warn};

use super::clock::Clock;
use super::poller::Surroundings;
use crate::config::settings::HeartbeatSettings;
use crate::engine::{Span, Timestamp};
use crate::http::{Board, Metrics};
use crate::notify::{BuildError, Heartbeat};
use crate::store::Store;

/// A notification that has waited for so long says that deliveries do not work.
const UNDELIVERED_MAX: Span = Span::from_mins(10);

/// How soon the next attempt follows a beat that was withheld or failed, if beats are further apart:
/// a service that expects one per day must not wait for another day after a restart.
const RETRY_PAUSE: Span = Span::from_secs(10);

/// The services, ready to be called.
pub(super) struct PreparedHeartbeats(Vec<(HeartbeatSettings, Heartbeat)>);

/// Running heartbeats; dropping them ends them.
#[derive(Default)]
pub(super) struct Heartbeats(JoinSet<()>);

/// Feels the pulse of the daemon.
#[derive(Clone)]
struct Pulse {
    board: Board,
    store: Store,
    clock: Clock,
    metrics: Arc<Metrics>,
}

impl PreparedHeartbeats {
    /// Makes every client of the settings.
    pub(super) fn new(settings: &[HeartbeatSettings]) -> Result<Self, BuildError> {
        let made = settings
            .iter()
            .map(|settings| Ok((settings.clone(), Heartbeat::new(settings)?)));
        made.collect::<Result<_, BuildError>>().map(Self)
    }
}

impl Heartbeats {
    /// Replaces what runs.
    pub(super) fn start(&mut self, prepared: PreparedHeartbeats, around: &Surroundings) {
        let pulse = Pulse {
            board: around.board.clone(),
            store: around.store.clone(),
            clock: around.clock.clone(),
            metrics: around.metrics.clone(),
        };
        self.0 = JoinSet::new();
        let names: Vec<String> = prepared.0.iter().map(|(s, _)| s.name.clone()).collect();
        pulse.metrics.register_heartbeats(&names);
        for (settings, heartbeat) in prepared.0 {
            self.0.spawn(pulse.clone().keep(settings, heartbeat));
        }
    }
}

impl Pulse {
    async fn keep(self, settings: HeartbeatSettings, heartbeat: Heartbeat) {
        let name = settings.name.as_str();
        let (mut well, mut started) = (true, false);
        loop {
            let now = self.clock.now();
            let outcome = match self.feel(now).await {
                Ok(()) => match heartbeat.beat(now).await {
                    Ok(()) => Ok("delivered"),
                    Err(error) => Err(("failed", error.to_string())),
                },
                Err(why) => Err(("withheld", why)),
            };
            match &outcome {
                Ok(_) if !well => info!(heartbeat = name, "Heartbeat goes on"),
                // Whoever has just started decides nothing yet, which is no news.
                Err(("withheld", why)) if !started => {
                    info!(heartbeat = name, why, "No heartbeat yet");
                }
                Err((word, why)) if well => {
                    warn!(heartbeat = name, outcome = word, why, "No heartbeat");
                }
                _ => {}
            }
            let (word, pause) = match &outcome {
                Ok(word) => (*word, settings.interval),
                Err((word, _)) => (*word, settings.interval.min(RETRY_PAUSE)),
            };
            well = outcome.is_ok() || (!started && word == "withheld");
            started = true;
            self.metrics.heartbeat(name, word);
            self.clock.wait_until(now + pause).await;
        }
    }

    /// Whether slots are decided and notifications delivered; if not, why.
    async fn feel(&self, now: Timestamp) -> Result<(), String> {
        self.board.readiness(now)?;
        if self.board.is_source_down() {
            return Err("the source fails: nothing can be evaluated".to_owned());
        }
        let store = self.store.clone();
        let backlog = tokio::task::spawn_blocking(move || store.backlog()).await;
        let backlog = backlog.map_err(|_panicked| "counting the backlog broke down".to_owned())?;
        let backlog = backlog.map_err(|error| error.to_string())?;
        let stuck = backlog.iter().find(|row| {
            let age = row.oldest.map(|oldest| now.since(oldest));
            age.is_some_and(|age| age > UNDELIVERED_MAX)
        });
        match stuck {
            None => Ok(()),
            Some(row) => Err(format!(
                "a notification to {} has waited for more than {UNDELIVERED_MAX}",
                row.receiver
            )),
        }
    }
}
