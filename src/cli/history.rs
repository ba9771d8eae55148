//! Where a past comes from, as arguments: a server or files, and from when to when.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::{Failure, complain};
use crate::config::settings::Settings;
use crate::config::{self, Loaded};
use crate::engine::{Slo, Span, Timestamp};
use crate::replay::History;

/// Which past, for commands that play a stretch of it.
#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    /// The daemon's settings file: the source, its credentials, the rhythm, routing, the night
    #[arg(long, short, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Begin there: a time such as 2026-03-01T09:00:00Z, a date (midnight, of the machine's time
    /// zone), unix seconds, or so long before the end: 30d [default: 30d]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// End there: a time as for --from, `now`, or so long ago: now-7d [default: now]
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    #[command(flatten)]
    source: SourceArgs,
}

/// Where the past is read from, for commands that choose the stretch themselves.
#[derive(Debug, Args)]
pub(super) struct SourceArgs {
    /// The Prometheus to ask, instead of the one in the settings file
    #[arg(long, value_name = "URL", conflicts_with = "history")]
    prometheus: Option<String>,
    /// Read this file instead of asking a server: OpenMetrics, `promtool tsdb dump`, CSV, or a data
    /// directory of Prometheus; may be repeated
    #[arg(long, value_name = "FILE")]
    history: Vec<PathBuf>,
    /// Keep what was fetched in this directory [default: slofuse/history in the user's cache]
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    cache: Option<PathBuf>,
    /// Keep nothing of what is fetched
    #[arg(long)]
    no_cache: bool,
    /// The cache may become so large; what was used least recently goes first
    #[arg(long, value_name = "SIZE", default_value = "4GiB")]
    cache_max: String,
    /// Do not ask whether the cost is all right
    #[arg(long, short)]
    yes: bool,
    /// Requests under way at once [default: source.concurrency of the settings, 4]
    #[arg(long, value_name = "N")]
    concurrency: Option<usize>,
}

#[allow(dead_code, reason = "the commands that play a past are being written")]
impl HistoryArgs {
    /// The settings file with everything it names, where one is given.
    ///
    /// # Errors
    ///
    /// Its mistakes, which have been reported.
    pub(super) fn load(&self) -> Result<Option<Loaded>, Failure> {
        let Some(file) = &self.config else {
            return Ok(None);
        };
        let loaded = config::load(file, &|name| std::env::var(name).ok());
        loaded.map(Some).map_err(|mistakes| {
            complain(&format!("the configuration has mistakes\n{mistakes}"));
            Failure::Problems
        })
    }

    /// Fetches or reads what these SLOs need, so that they can be played from `from` to `until` of
    /// the answer. SLOs that share what they read should come together: it is read once.
    ///
    /// # Errors
    ///
    /// What went wrong has been reported.
    pub(super) fn open(
        &self,
        slos: &[Arc<Slo>],
        settings: Option<&Settings>,
    ) -> Result<History, Failure> {
        self.source.open(slos, settings, None, None)
    }
}

impl SourceArgs {
    /// As [`HistoryArgs::open`], for a stretch that the caller chooses: by default the 30 days
    /// before `until`, and until now, or as far as files reach.
    ///
    /// # Errors
    ///
    /// What went wrong has been reported.
    pub(super) fn open(
        &self,
        _slos: &[Arc<Slo>],
        _settings: Option<&Settings>,
        _from: Option<Timestamp>,
        _until: Option<Timestamp>,
    ) -> Result<History, Failure> {
        complain("reading history: not there yet");
        Err(Failure::Failed)
    }
}

/// How far back is read when nobody says.
#[allow(dead_code, reason = "used as soon as history is read")]
const USUAL_STRETCH: Span = Span::from_days(30);
