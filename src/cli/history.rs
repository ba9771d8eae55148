//! Where a past comes from, as arguments: a server or files, and from when to when.

pub(super) mod interrupt;
mod meter;
pub(super) mod when;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::{Failure, chain, complain, runtime};
use crate::config::settings::{EvaluationSettings, Settings, SourceSettings, engine_options};
use crate::config::{self, Loaded};
use crate::daemon::Clock;
use crate::engine::{Slo, Span, Timestamp};
use crate::replay::{self, Filing, History, OpenError, Opening};
use meter::Meter;

/// How far back is read when nobody says.
const USUAL_STRETCH: Span = Span::from_days(30);
/// One request for history may take so long, where the settings allow less: nobody waits for a
/// slot.
const DEADLINE_MIN: Span = Span::from_secs(60);
/// Starts of stretches are put on the hour: what is fetched for one serves others, too.
const HOUR: Span = Span::from_hours(1);

/// Says on standard error what is to be known of a past, for commands whose answer does not say it.
pub(super) fn tell_remarks(history: &History) {
    for remark in &history.remarks {
        complain(remark);
    }
    for (slo, why) in &history.refused {
        complain(&format!("{slo} cannot be played: {why}"));
    }
}

/// Which past, for commands that play a stretch of it.
#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    /// The daemon's settings file: the source, its credentials, the rhythm, routing, the night
    #[arg(long, short, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Begin there: 2026-03-01T09:00:00Z, 2026-03-01 (midnight UTC), 2026-03-01[Europe/Berlin],
    /// unix seconds, or so long before the end [default: 30d, of files all there is]
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
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = bytes)]
    cache_max: u64,
    /// Do not ask whether the cost is all right
    #[arg(long, short)]
    yes: bool,
    /// Requests under way at once [default: prometheus.concurrency of the settings, 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    concurrency: Option<u8>,
}

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
    /// the answer; that begins a `run_up` before the stretch that was asked for, as far as there is
    /// history. Says where the stretch begins. SLOs that share what they read should come together:
    /// it is read once.
    ///
    /// # Errors
    ///
    /// What went wrong has been reported.
    pub(super) fn open_before(
        &self,
        run_up: Span,
        slos: &[Arc<Slo>],
        settings: Option<&Settings>,
    ) -> Result<(History, Timestamp), Failure> {
        let now = Clock::system().now();
        let refuse = |error: String| {
            complain(&error);
            Failure::Usage
        };
        let until = self.to.as_deref().map(|text| when::read(text, now, now));
        let until = until.transpose().map_err(refuse)?;
        let base = until.unwrap_or(now);
        let from = self.from.as_deref().map(|text| when::read(text, now, base));
        let from = from.transpose().map_err(refuse)?;
        let usual = || (base - USUAL_STRETCH).align_down(HOUR);
        // Of files all there is is played, unless somebody says from when on.
        let from = from.or_else(|| self.source.history.is_empty().then(usual));
        if let Some(from) = from.filter(|from| *from >= base) {
            complain(&ends_before(from, base));
            return Err(Failure::Usage);
        }
        let begin = from.map(|from| from - run_up);
        let history = self.source.open(slos, settings, begin, until)?;
        let from = from.map_or(history.from, |from| from.max(history.from));
        Ok((history, from))
    }
}

impl SourceArgs {
    /// As [`HistoryArgs::open_before`], for a stretch that the caller chooses: by default the 30 days
    /// before `until`, and until now, or all there is in files.
    ///
    /// # Errors
    ///
    /// What went wrong has been reported.
    pub(super) fn open(
        &self,
        slos: &[Arc<Slo>],
        settings: Option<&Settings>,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<History, Failure> {
        let now = Clock::system().now();
        if let Some(until) = until.filter(|until| *until > now) {
            let message = format!("{} lies ahead: nothing is known of it", at(until));
            complain(&message);
            return Err(Failure::Usage);
        }
        if let (Some(from), until) = (from, until.unwrap_or(now))
            && from >= until
        {
            complain(&ends_before(from, until));
            return Err(Failure::Usage);
        }
        let opening = self.opening(slos, settings, (from, until), now);
        let history = match self.history.is_empty() {
            true => self.server(&opening)?,
            false => self.files(&Filing {
                slos: opening.slos,
                options: opening.options,
                files: self.history.clone(),
                from,
                until,
            })?,
        };
        Ok(history)
    }

    /// The server that is asked, as the settings and the arguments name it; `None` where files are
    /// read.
    pub(super) fn asks(&self, settings: &Settings) -> Option<SourceSettings> {
        let mut source = settings.source.clone();
        if let Some(url) = &self.prometheus {
            source.url.clone_from(url);
        }
        self.history.is_empty().then_some(source)
    }

    fn opening(
        &self,
        slos: &[Arc<Slo>],
        settings: Option<&Settings>,
        (from, until): (Option<Timestamp>, Option<Timestamp>),
        now: Timestamp,
    ) -> Opening {
        let (mut source, evaluation) = settings.map_or_else(
            || (SourceSettings::default(), EvaluationSettings::default()),
            |settings| (settings.source.clone(), settings.evaluation.clone()),
        );
        if let Some(url) = &self.prometheus {
            source.url.clone_from(url);
        }
        if let Some(concurrency) = self.concurrency {
            source.concurrency = usize::from(concurrency);
        }
        source.timeout = source.timeout.max(DEADLINE_MIN);
        let until = until.unwrap_or(now).align_down(evaluation.interval);
        let usual = (until - USUAL_STRETCH).align_down(HOUR);
        Opening {
            slos: slos.to_vec(),
            options: engine_options(&source, &evaluation),
            from: from.map_or(usual, |from| from.align_down(evaluation.interval)),
            until,
            now,
            cache: self.cache(),
            cache_bytes_max: self.cache_max,
            source,
            evaluation,
        }
    }

    fn server(&self, opening: &Opening) -> Result<History, Failure> {
        let mut meter = Meter::new(self.yes);
        interrupt::end_at_interrupts(match opening.cache {
            Some(_) => "; what was fetched is kept, the same command goes on from there",
            None => "; nothing of what was fetched is kept, without --no-cache it is",
        })?;
        let opened = runtime()?.block_on(replay::from_server(opening, &mut meter));
        meter.end();
        opened.map_err(|error| {
            let advice = match (&error, &opening.cache) {
                (OpenError::Source { .. }, _) => {
                    "; --prometheus, or prometheus.url of the settings, says where the server is"
                }
                (OpenError::Fetch { .. }, Some(_)) => {
                    "; what came before is kept, the same command goes on from there"
                }
                _ => "",
            };
            complain(&format!("{}{advice}", chain(&error)));
            Failure::Failed
        })
    }

    fn files(&self, filing: &Filing) -> Result<History, Failure> {
        interrupt::end_at_interrupts("")?;
        replay::from_files(filing).map_err(|error| {
            complain(&chain(&error));
            match error {
                OpenError::Mistakes(_) => Failure::Problems,
                _ => Failure::Failed,
            }
        })
    }

    /// Where chunks are kept: as asked for, else where the user's caches are.
    fn cache(&self) -> Option<PathBuf> {
        if self.no_cache {
            return None;
        }
        let variable = |name| std::env::var_os(name).map(PathBuf::from);
        let usual = || {
            let absolute = |path: &PathBuf| path.is_absolute();
            let caches = variable("XDG_CACHE_HOME").filter(absolute);
            let home = || {
                variable("HOME")
                    .filter(absolute)
                    .map(|home| home.join(".cache"))
            };
            Some(caches.or_else(home)?.join("slofuse").join("history"))
        };
        self.cache.clone().or_else(usual)
    }
}

fn ends_before(from: Timestamp, until: Timestamp) -> String {
    let (from, until) = (at(from), at(until));
    format!("the stretch begins at {from} and ends at {until}: begin earlier")
}

fn at(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .map_or_else(|_| "another age".to_owned(), |at| at.to_string())
}

/// `4GiB`, `500MiB`, `2GB`, `1000000`
fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 7] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("", 1),
    ];
    let mut sizes = UNITS.iter().filter_map(|(unit, factor)| {
        let number: u64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
        number.checked_mul(*factor)
    });
    sizes
        .next()
        .ok_or_else(|| "write a size such as 4GiB or 500MiB".to_owned())
}
