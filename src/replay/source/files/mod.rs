//! A past from files: text of several kinds, or the data directory of a Prometheus.
//!
//! What a file is, is seen from its content:
//!
//! - OpenMetrics and Prometheus text with timestamps, as `promtool tsdb dump-openmetrics` writes:
//!   `requests_total{code="200"} 17 1772355600.000`. Whole timestamps of 11 digits and less are
//!   seconds, longer ones milliseconds.
//! - `promtool tsdb dump`: `{__name__="requests_total", code="200"} 17 1772355600000`.
//! - CSV with a header: see [`csv`].
//! - A directory: it is read through `promtool tsdb dump`.
//!
//! Samples may come in any order and more than once; of two at one time the first counts. NaN, by
//! which a series ends, is left out: no counter has it. Files may be larger than memory.

mod counts;
mod csv;
mod exposition;
mod ingest;
mod lines;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use self::ingest::Ingest;
use self::lines::Lines;
use super::litter::Scratch;
use super::server::with_dependents;
use super::{History, OpenError, instant};
use crate::engine::{Indicator, Options, Slo, SloId, Span, Timestamp};
use crate::prometheus::PolledFeed;
use crate::replay::reel::DiskReel;

/// Bytes from which a file's kind is seen.
const HEAD_BYTES: u64 = 64 << 10;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Which past is read from files, and for whom.
#[derive(Clone, Debug)]
pub struct Filing {
    /// The SLOs that will be played, also those of variants.
    pub slos: Vec<Arc<Slo>>,
    /// How samples are read.
    pub options: Options,
    /// The files, read one after the other as if they were one.
    pub files: Vec<PathBuf>,
    /// Where playing begins; by default with the first sample.
    pub from: Option<Timestamp>,
    /// Where playing ends; by default with the last sample.
    pub until: Option<Timestamp>,
}

/// Reads a past from files.
///
/// # Errors
///
/// See [`OpenError`]; mistakes in the files are told all at once, up to a bound.
pub fn from_files(filing: &Filing) -> Result<History, OpenError> {
    let scratch = Arc::new(Scratch::new()?);
    let feeds = PolledFeed::plan(&filing.slos);
    let polls = feeds.iter().flat_map(|feed| &feed.polls);
    let selectors = polls.map(|poll| poll.selector().clone()).collect();
    let mut ingest = Ingest::new(selectors, scratch.clone());
    for file in &filing.files {
        read(file, &filing.slos, &mut ingest)?;
        if ingest.mistakes.is_full() {
            break;
        }
    }
    if !ingest.mistakes.is_empty() {
        return Err(OpenError::Mistakes(ingest.mistakes.into_texts()));
    }
    let read = ingest.finish()?;
    let origin = names(&filing.files);
    let mut remarks = read.remarks;
    let mut options = filing.options.clone();
    if let Some(spacing) = read.spacing
        && spacing >= options.reading.scrape_interval.times(2)
    {
        remarks.push(format!(
            "samples are about {spacing} apart: windows shorter than that see nothing"
        ));
        options.reading.scrape_interval = spacing;
    }
    let interval = options.reading.interval;
    let (Some(oldest), Some(newest)) = (read.oldest, read.newest) else {
        return Err(OpenError::Empty {
            origin,
            from: filing.from.map(instant),
            until: filing.until.map(instant),
        });
    };
    let until = filing
        .until
        .unwrap_or(newest)
        .min(newest)
        .align_down(interval);
    let mut from = filing.from.unwrap_or(oldest).align_down(interval);
    if from < oldest.align_down(interval) {
        remarks.push(format!(
            "there are no samples before {}: playing begins there, and not at {}",
            instant(oldest),
            instant(from)
        ));
        from = oldest.align_down(interval);
    }
    if from >= until {
        return Err(OpenError::Empty {
            origin,
            from: Some(instant(from)),
            until: Some(instant(filing.until.unwrap_or(newest))),
        });
    }
    let always = Timestamp::from_millis(i64::MIN);
    let reel = DiskReel::new((always, until), read.tapes, Some(scratch));
    Ok(History {
        reel: Box::new(reel),
        from,
        until,
        options,
        origin,
        coarse: Vec::new(),
        refused: with_dependents(&filing.slos, unanswerable(&filing.slos)),
        remarks,
    })
}

/// SLOs that are decided by the answers of a server.
fn unanswerable(slos: &[Arc<Slo>]) -> BTreeMap<SloId, String> {
    let why = |slo: &Arc<Slo>| {
        let what = match slo.indicator {
            Indicator::Windows(_) => "it is measured by queries for whole windows",
            Indicator::Slices { .. } => "its time slices are measured by a query",
            Indicator::Counters { .. } | Indicator::Composite(_) => return None,
        };
        let fix = "which only a server answers: name one with --prometheus instead of --history";
        Some((slo.id.clone(), format!("{what}, {fix}")))
    };
    slos.iter().filter_map(why).collect()
}

fn names(files: &[PathBuf]) -> String {
    let names: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    names.join(", ")
}

fn read(path: &Path, slos: &[Arc<Slo>], ingest: &mut Ingest) -> Result<(), OpenError> {
    let unreadable = |source| OpenError::File {
        path: path.to_owned(),
        source,
    };
    if path.is_dir() {
        return read_directory(path, ingest);
    }
    let mut head = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(HEAD_BYTES)
        .read_to_end(&mut head)
        .map_err(unreadable)?;
    if head.starts_with(&GZIP) {
        let text = format!("{}: it is compressed: gunzip it first", path.display());
        return Err(OpenError::Mistakes(vec![text]));
    }
    let file = File::open(path).map_err(unreadable)?;
    let lines = Lines::new(path.display().to_string(), BufReader::new(file));
    match csv::is_csv(&head) {
        true => csv::read(lines, slos, ingest),
        false => exposition::read(lines, ingest),
    }
}

/// Lets promtool write what a data directory holds.
fn read_directory(path: &Path, ingest: &mut Ingest) -> Result<(), OpenError> {
    let refused = |what: String| {
        let fix = "write its samples to a file with promtool tsdb dump, and name that file";
        OpenError::Mistakes(vec![format!("{}: {what}: {fix}", path.display())])
    };
    let mut command = Command::new("promtool");
    command.args(["tsdb", "dump"]).arg(path);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn();
    let child = child.map_err(|error| refused(format!("promtool cannot be started: {error}")))?;
    let mut dump = Dump(child);
    let Some(output) = dump.0.stdout.take() else {
        return Err(refused("promtool says nothing".to_owned()));
    };
    // What it complains of is little, and read while it runs: a full pipe would stop it.
    let complaints = dump.0.stderr.take().map(|stream| {
        std::thread::spawn(move || {
            let mut text = String::new();
            let mut stream = BufReader::new(stream);
            let _read = stream.by_ref().take(HEAD_BYTES).read_to_string(&mut text);
            let _rest = std::io::copy(&mut stream, &mut std::io::sink());
            text
        })
    });
    exposition::read(
        Lines::new(path.display().to_string(), BufReader::new(output)),
        ingest,
    )?;
    if ingest.mistakes.is_full() {
        return Ok(());
    }
    let ended = dump.0.wait();
    let said = complaints
        .and_then(|thread| thread.join().ok())
        .unwrap_or_default();
    match ended {
        Ok(status) if status.success() => Ok(()),
        _ => Err(refused(format!("promtool cannot read it: {}", said.trim()))),
    }
}

/// A process that does not outlive who reads from it.
struct Dump(Child);

impl Drop for Dump {
    fn drop(&mut self) {
        // It has ended, or nobody wants what it says.
        let _killed = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// Longest distance of samples that is taken for a rhythm.
const SPACING_MAX: Span = Span::from_hours(1);

#[cfg(test)]
mod tests;
