//! Reloading: all of the new configuration, or the old one goes on.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::block_in_place;
use tracing::{error, info, warn};

use super::delivery::Prepared;
use super::{Daemon, client};
use crate::config::settings::Settings;
use crate::config::{self, Loaded};
use crate::engine::Span;
use crate::engine::causes::chain;
use crate::notify::Change;
use crate::store::AuditEntry;

/// Longest report in the log of operators, in bytes.
const OUTCOME_BYTES_MAX: usize = 1000;

/// Knows where the configuration came from, and which of it cannot change while running.
pub(super) struct Reloader {
    settings_file: Option<PathBuf>,
    started: Started,
}

/// Settings that take effect only at start.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Started {
    listen: std::net::SocketAddr,
    state_directory: PathBuf,
    evaluation: String,
    history_retention: Span,
    cache_interval: Span,
    deduplicated: bool,
}

impl Started {
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            listen: settings.server.listen,
            state_directory: settings.state.directory.clone(),
            evaluation: format!("{:?}", settings.evaluation),
            history_retention: settings.state.history_retention,
            cache_interval: settings.state.cache_interval,
            deduplicated: settings.source.deduplicated,
        }
    }

    /// The settings that differ, by key.
    fn differences(&self, next: &Self) -> Vec<&'static str> {
        let pairs = [
            ("server.listen", self.listen == next.listen),
            (
                "state.directory",
                self.state_directory == next.state_directory,
            ),
            ("evaluation", self.evaluation == next.evaluation),
            (
                "state.history_retention",
                self.history_retention == next.history_retention,
            ),
            (
                "state.cache_interval",
                self.cache_interval == next.cache_interval,
            ),
            (
                "prometheus.deduplicated",
                self.deduplicated == next.deduplicated,
            ),
        ];
        pairs
            .into_iter()
            .filter(|(_, same)| !same)
            .map(|(key, _)| key)
            .collect()
    }
}

impl Reloader {
    pub(super) fn new(settings_file: Option<PathBuf>, started: Started) -> Self {
        Self {
            settings_file,
            started,
        }
    }

    pub(super) fn history_retention(&self) -> Span {
        self.started.history_retention
    }

    fn load(&self) -> Result<(Loaded, Vec<&'static str>), String> {
        let Some(file) = &self.settings_file else {
            return Err("this daemon was started without a settings file".to_owned());
        };
        let loaded = block_in_place(|| config::load(file, &|name| std::env::var(name).ok()))
            .map_err(|mistakes| mistakes.to_string())?;
        let needs_restart = self.started.differences(&Started::of(&loaded.settings));
        Ok((loaded, needs_restart))
    }
}

impl Daemon {
    /// Loads the configuration again. On any mistake nothing changes; the answer is the report.
    pub(super) async fn reload(&mut self) -> Result<String, String> {
        let report = self.try_reload().await;
        let now = self.clock.now();
        match &report {
            Ok(summary) => info!(summary, "Configuration reloaded"),
            Err(mistakes) => {
                error!(
                    mistakes,
                    "Reload refused, the old configuration stays in force"
                );
                self.board.reload_failed(now, mistakes.clone());
            }
        }
        report
    }

    async fn try_reload(&mut self) -> Result<String, String> {
        let (loaded, needs_restart) = self.reloader.load()?;
        let client = client(&loaded.settings).map_err(|error| chain(&error))?;
        let prepared = Prepared::new(&loaded.settings, self.poller.around.picture_key)
            .map_err(|error| chain(&error))?;
        let policy = super::gate::policy(&loaded.settings.server).map_err(|error| chain(&error))?;
        self.gate.renew(policy);
        self.poller.start_deliveries(prepared);
        self.configure(&loaded.settings, &loaded.definitions, Arc::new(client))
            .await;
        self.board
            .reload_succeeded(self.clock.now(), loaded.warnings.warnings());
        let mut summary = format!(
            "{} SLOs, {} receivers, {} warnings",
            loaded.definitions.len(),
            loaded.settings.receivers.len(),
            loaded.warnings.warnings()
        );
        self.poller.deliveries().show_change(&Change {
            at: self.clock.now(),
            summary: format!("slofuse took a new configuration: {summary}"),
        });
        if !needs_restart.is_empty() {
            let keys = needs_restart.join(", ");
            warn!(
                keys,
                "Settings changed that take effect only after a restart"
            );
            summary.push_str(&format!("; restart for the changes of: {keys}"));
        }
        Ok(summary)
    }
}

impl Daemon {
    /// Reloads because of a signal, and writes that into the log of operators.
    pub(super) async fn reload_by_signal(&mut self) {
        let report = self.reload().await;
        let outcome = report.err().unwrap_or_else(|| "done".to_owned());
        let cut = outcome.floor_char_boundary(OUTCOME_BYTES_MAX);
        let entry = AuditEntry {
            at: self.clock.now(),
            actor: "signal".to_owned(),
            origin: "SIGHUP".to_owned(),
            action: "reload".to_owned(),
            object: String::new(),
            outcome: outcome.get(..cut).unwrap_or_default().to_owned(),
        };
        if let Err(error) = block_in_place(|| self.store.record_audit(&entry)) {
            let error = chain(&error);
            error!(error, "Log of operators not written");
        }
    }
}

/// SIGHUP, if the signal can be had.
pub(super) struct Hangups(Option<Signal>);

pub(super) fn hangups() -> Hangups {
    match signal(SignalKind::hangup()) {
        Ok(signal) => Hangups(Some(signal)),
        Err(error) => {
            warn!(%error, "SIGHUP will not reload, POST /-/reload does");
            Hangups(None)
        }
    }
}

impl Hangups {
    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }
}
