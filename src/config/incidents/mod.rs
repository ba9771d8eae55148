//! Incidents: when something was really wrong, as people wrote it down or as a pager exported it.
//!
//! Three forms are read, each into the same [`Incident`]: a native list (YAML, JSON or CSV),
//! PagerDuty's CSV export and the answer of its REST API (`GET /incidents`). Every mistake is
//! reported at its place with a fix; nothing is guessed about a time that does not say its offset.

mod document;
mod table;
mod when;

use std::cell::RefCell;
use std::path::Path;

use super::diagnostic::{Diagnostics, Place, Report, excerpt};
use super::files;
use super::tree::Mark;
use crate::engine::{Matcher, Severity, Timestamp, Zone};

use when::Clock;

/// Bytes of a file of incidents.
const BYTES_MAX: u64 = 32 << 20;
/// Incidents in one file: as many as PagerDuty exports at once.
const INCIDENTS_MAX: usize = 10_000;
/// Characters of a title that are kept.
const TITLE_CHARS_MAX: usize = 200;

/// A stretch of time in which something was wrong that somebody should have been told of.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// Where it is written.
    pub place: Place,
    /// When it began.
    pub start: Timestamp,
    /// When it ended; `None` while it is open.
    pub end: Option<Timestamp>,
    /// The SLO that it hurt, `service/name`; `None`: any.
    pub slo: Option<String>,
    /// The service that it hurt; `None`: any.
    pub service: Option<String>,
    /// What the labels of an alert must satisfy that tells of it.
    pub labels: Vec<Matcher>,
    /// How loudly somebody should have been told; `None`: not said.
    pub severity: Option<Severity>,
    /// Whether it was worth telling anybody.
    pub significant: bool,
    /// What it was.
    pub title: String,
}

/// What a file of incidents holds.
#[derive(Clone, Debug)]
pub struct Incidents {
    /// In the order of the file.
    pub incidents: Vec<Incident>,
    /// What is probably not meant.
    pub warnings: Diagnostics,
}

/// Reads a file of incidents. Times that do not say their offset are of `zone`, where one is given
/// here or in the file.
///
/// # Errors
///
/// Every mistake in the file.
pub fn load(path: &Path, zone: Option<&Zone>) -> Result<Incidents, Diagnostics> {
    match files::read(path, BYTES_MAX) {
        Ok(bytes) => read(&files::name(path), &bytes, zone),
        Err(error) => {
            let found = RefCell::default();
            let report = Report::new(files::name(path), &found);
            let message = format!("the file of incidents cannot be read: {error}");
            let fix = "correct the path or its permissions";
            report.error(report.start(), message, fix);
            Err(found.into_inner())
        }
    }
}

/// As [`load`], from bytes; `name` says in reports where they come from, and by its ending whether
/// they are CSV.
///
/// # Errors
///
/// Every mistake.
pub fn read(name: &str, bytes: &[u8], zone: Option<&Zone>) -> Result<Incidents, Diagnostics> {
    let found = RefCell::default();
    let report = Report::new(name.into(), &found);
    let drafts = match is_table(name, bytes) {
        true => table::drafts(bytes, &report),
        false => document::drafts(bytes, &report),
    };
    let clock = Clock::new(drafts.zone.as_ref().or(zone));
    let mut incidents = Vec::new();
    for draft in drafts.list {
        let mark = draft.mark;
        if incidents.len() == INCIDENTS_MAX {
            let message = format!("there are more than {INCIDENTS_MAX} incidents");
            report.error(
                mark,
                message,
                "split the file, and judge by one part at a time",
            );
            break;
        }
        incidents.extend(draft.compile(&clock, &report));
    }
    let found = found.into_inner();
    match found.errors() {
        0 => Ok(Incidents {
            incidents,
            warnings: found,
        }),
        _ => Err(found),
    }
}

/// Whether the bytes are a table: by the ending of the name, else by what its first line looks
/// like.
fn is_table(name: &str, bytes: &[u8]) -> bool {
    let ending = name.rsplit('.').next().unwrap_or_default();
    match ending.to_ascii_lowercase().as_str() {
        "csv" => true,
        "yaml" | "yml" | "json" => false,
        _ => {
            let start = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
            let text = String::from_utf8_lossy(start);
            let line = text.trim_start().lines().next().unwrap_or_default();
            line.contains(',') && !line.contains(": ") && !line.starts_with(['{', '['])
        }
    }
}

/// What a file says before it is understood.
#[derive(Default)]
struct Drafts {
    /// The zone of times that do not say their offset.
    zone: Option<Zone>,
    list: Vec<Draft>,
}

/// A text and where it stands.
type Cell = (Mark, String);

/// One incident as it is written.
struct Draft {
    mark: Mark,
    /// Whether what it lacks has been reported already.
    is_reported: bool,
    /// The names of the two times in this form.
    names: (&'static str, &'static str),
    start: Option<Cell>,
    end: End,
    slo: Option<Cell>,
    service: Option<Cell>,
    labels: Vec<Matcher>,
    severity: Option<Severity>,
    significant: bool,
    title: String,
}

/// How the end of an incident is written.
enum End {
    /// Not at all, though it must be.
    Missing,
    /// As a time.
    At(Cell),
    /// It has not ended.
    Open,
}

impl Draft {
    fn new(mark: Mark, names: (&'static str, &'static str)) -> Self {
        Self {
            mark,
            is_reported: false,
            names,
            start: None,
            end: End::Missing,
            slo: None,
            service: None,
            labels: Vec::new(),
            severity: None,
            significant: true,
            title: String::new(),
        }
    }

    fn compile(self, clock: &Clock<'_>, report: &Report<'_>) -> Option<Incident> {
        let start = self.start(clock, report);
        let end = self.end(clock, report);
        let slo = match &self.slo {
            Some((mark, slo)) if slo.split('/').filter(|part| !part.is_empty()).count() != 2 => {
                let message = format!("{:?} names no SLO", excerpt(slo));
                report.error(*mark, message, "write it as service/name");
                None
            }
            slo => Some(slo.as_ref().map(|(_, slo)| slo.clone())),
        };
        let (start, end) = (start?, end?);
        if let (Some(end), End::At((mark, _))) = (end, &self.end)
            && end < start
        {
            let message = "the incident ends before it begins";
            let fix = format!(
                "exchange {} and {}, or correct them",
                self.names.0, self.names.1
            );
            report.error(*mark, message, fix);
            return None;
        }
        Some(Incident {
            place: report.place(self.mark),
            start,
            end,
            slo: slo?,
            service: self.service.map(|(_, service)| service),
            labels: self.labels,
            severity: self.severity,
            significant: self.significant,
            title: self.title.chars().take(TITLE_CHARS_MAX).collect(),
        })
    }

    fn start(&self, clock: &Clock<'_>, report: &Report<'_>) -> Option<Timestamp> {
        match &self.start {
            Some(cell) => clock.read(cell, report),
            None if self.is_reported => None,
            None => {
                let message = format!("the incident lacks {:?}", self.names.0);
                let fix = format!("add {}, when it began", self.names.0);
                report.error(self.mark, message, fix);
                None
            }
        }
    }

    /// The outer `None` says that it was refused.
    fn end(&self, clock: &Clock<'_>, report: &Report<'_>) -> Option<Option<Timestamp>> {
        match &self.end {
            End::At(cell) => clock.read(cell, report).map(Some),
            End::Open => Some(None),
            End::Missing if self.is_reported => None,
            End::Missing => {
                let message = format!("the incident lacks {:?}", self.names.1);
                let fix = format!("add {}, or write it as `open`", self.names.1);
                report.error(self.mark, message, fix);
                None
            }
        }
    }
}

/// What a word says about how loud an incident is.
fn severity((mark, word): &Cell, report: &Report<'_>) -> Option<Severity> {
    let known = Severity::ALL.into_iter();
    let mut known = known.filter(|severity| severity.as_str() == word.to_ascii_lowercase());
    let severity = known.next();
    if severity.is_none() {
        let message = format!("{:?} is no severity", excerpt(word));
        report.error(
            *mark,
            message,
            "write page, ticket or info, or leave it out",
        );
    }
    severity
}

/// PagerDuty's urgency: high wakes somebody, low does not (REST API, Incident, `urgency`).
fn urgency(word: &str) -> Option<Severity> {
    match word.to_ascii_lowercase().as_str() {
        "high" => Some(Severity::Page),
        "low" => Some(Severity::Ticket),
        _ => None,
    }
}

/// `true` or `false`, the former if nothing is said.
fn significance((mark, word): &Cell, report: &Report<'_>) -> bool {
    match word.to_ascii_lowercase().as_str() {
        "false" => false,
        "true" => true,
        _ => {
            let message = format!("{:?} is neither true nor false", excerpt(word));
            report.error(*mark, message, "write true or false");
            true
        }
    }
}

#[cfg(test)]
mod tests;
