//! Counts of events become counters, as if they had been scraped.
//!
//! What counts the events of one SLO and label set is a [`Stream`]: two counters that rise from
//! zero and are sampled at every scrape from the first row to the last, so that a time without
//! events is a time without traffic and not one without data.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::chunk::ChunkError;
use super::ingest::Ingest;
use crate::engine::{Indicator, Labels, Sample, Slo, Span, Timestamp};
use crate::replay::invent::{Invented, invent, worth};

/// Longer times without rows are a hole in the file, and not filled.
const FILLED_MAX: Span = Span::from_days(7);
/// Label sets that rows may have.
const STREAMS_MAX: usize = 10_000;

/// Events that happened up to a time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Events {
    pub(super) good: f64,
    pub(super) bad: f64,
}

/// Turns events into samples.
pub(super) struct Counting<'a> {
    slos: &'a [Arc<Slo>],
    scrape: Span,
    streams: BTreeMap<Invented, Stream>,
    /// Which streams the rows of a service, name and label set go to.
    known: BTreeMap<(Option<String>, Option<String>, Labels), Vec<Invented>>,
    last: Option<Timestamp>,
}

/// Two counters.
struct Stream {
    /// The scrape that is under way.
    scrape: Timestamp,
    sum: Events,
}

impl<'a> Counting<'a> {
    /// Counts for these SLOs, with samples so far apart.
    pub(super) fn new(slos: &'a [Arc<Slo>], scrape: Span) -> Self {
        Self {
            slos,
            scrape,
            streams: BTreeMap::new(),
            known: BTreeMap::new(),
            last: None,
        }
    }

    /// Events of a service (or of all), of one SLO of it (or of all), with some labels.
    pub(super) fn add(
        &mut self,
        (service, name): (Option<&str>, Option<&str>),
        labels: &Labels,
        at: Timestamp,
        events: Events,
        ingest: &mut Ingest,
    ) -> Result<(), String> {
        if self.last.is_some_and(|last| at < last) {
            return Err("this row is older than the one before: sort the file by time".to_owned());
        }
        self.last = Some(at);
        let key = (
            service.map(str::to_owned),
            name.map(str::to_owned),
            labels.clone(),
        );
        if !self.known.contains_key(&key) {
            let streams = self.streams_of((service, name), labels)?;
            if self.known.len() >= STREAMS_MAX {
                return Err(format!(
                    "there are more than {STREAMS_MAX} label sets: leave out some"
                ));
            }
            self.known.insert(key.clone(), streams);
        }
        let scrape = ceiling(at, self.scrape);
        for series in self.known.get(&key).into_iter().flatten() {
            let stream = self
                .streams
                .entry(series.clone())
                .or_insert_with(|| Stream {
                    scrape: scrape - self.scrape,
                    sum: Events::default(),
                });
            stream.advance(series, scrape, self.scrape, ingest);
            stream.sum.good += events.good;
            stream.sum.bad += events.bad;
        }
        Ok(())
    }

    /// Samples all counters up to the last row. What this writes is up to a week of each counter,
    /// so memory is bounded after each of them and not at the end of the file.
    pub(super) fn end(mut self, ingest: &mut Ingest) -> Result<(), ChunkError> {
        let Some(last) = self.last else { return Ok(()) };
        let end = ceiling(last, self.scrape) + self.scrape;
        for (series, stream) in &mut self.streams {
            stream.advance(series, end, self.scrape, ingest);
            ingest.keep_small()?;
        }
        Ok(())
    }

    fn streams_of(
        &self,
        (service, name): (Option<&str>, Option<&str>),
        labels: &Labels,
    ) -> Result<Vec<Invented>, String> {
        let meant = self.slos.iter().filter(|slo| {
            service.is_none_or(|service| slo.service == service)
                && name.is_none_or(|name| slo.name == name || slo.id.as_str() == name)
        });
        let mut streams: Vec<Invented> = Vec::new();
        let mut of: Vec<&Arc<Slo>> = Vec::new();
        for slo in meant {
            let Indicator::Counters { bad, total } = &slo.indicator else {
                continue;
            };
            let made = invent(slo, (bad, total), labels, &[]).ok_or_else(|| {
                format!(
                    "{}: its selectors do not say which series a good and a bad event count in: \
                     write samples instead, with the columns time, metric, labels, value",
                    slo.id
                )
            })?;
            if !streams.contains(&made) {
                streams.push(made);
                of.push(slo);
            }
        }
        if streams.is_empty() {
            let service = service.unwrap_or("any service");
            let name = name
                .map(|name| format!(" named {name}"))
                .unwrap_or_default();
            return Err(format!(
                "no SLO of {service}{name} is made of counters: correct the columns service and \
                 slo, or leave these rows out"
            ));
        }
        self.check_apart(&streams, &of)?;
        Ok(streams)
    }

    /// Whether the series of one SLO would count for another one, too.
    fn check_apart(&self, streams: &[Invented], of: &[&Arc<Slo>]) -> Result<(), String> {
        for (made, owner) in streams.iter().zip(of) {
            for other in self.slos {
                let Indicator::Counters { bad, total } = &other.indicator else {
                    continue;
                };
                let series = made.good.iter().chain(&made.bad);
                let counts = series.map(|labels| worth((bad, total), labels));
                let counts = counts.filter(|worth| *worth != (0.0, 0.0)).count();
                let owns = |slo: &Arc<Slo>| match &slo.indicator {
                    Indicator::Counters { bad: b, total: t } => b == bad && t == total,
                    _ => false,
                };
                if counts > 0 && !owns(owner) {
                    return Err(format!(
                        "events of {} would count for {} as well: play one at a time with --slo",
                        owner.id, other.id
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Stream {
    /// Samples both counters at every scrape before `until`.
    fn advance(&mut self, series: &Invented, until: Timestamp, step: Span, ingest: &mut Ingest) {
        if until.since(self.scrape) > FILLED_MAX {
            self.sample(series, ingest);
            self.scrape = until - step;
        }
        while self.scrape < until {
            self.sample(series, ingest);
            self.scrape = self.scrape + step;
        }
    }

    fn sample(&self, series: &Invented, ingest: &mut Ingest) {
        // A series may count good and bad events, as `requests_total` beside `errors_total`.
        let mut values: BTreeMap<&Labels, f64> = BTreeMap::new();
        for labels in &series.good {
            *values.entry(labels).or_default() += self.sum.good;
        }
        for labels in &series.bad {
            *values.entry(labels).or_default() += self.sum.bad;
        }
        for (labels, value) in values {
            let at = self.scrape;
            ingest.add(labels, Sample { at, value });
        }
    }
}

/// The first scrape that is not before `at`.
fn ceiling(at: Timestamp, step: Span) -> Timestamp {
    let down = at.align_down(step);
    if down == at { at } else { down + step }
}
