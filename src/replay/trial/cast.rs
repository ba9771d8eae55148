//! Who plays in a test: the SLO that is meant, what it is made of and depends on, and the series
//! that count the test's traffic.

mod checks;
mod naming;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::lint::Lint;
use crate::config::trial::{Counted, Located, Stream, Test, Written};
use crate::config::{Diagnostic, Diagnostics, Level, Place};
use crate::engine::labels::METRIC_NAME;
use crate::engine::{Indicator, Labels, Slo, SloId, Span};

use super::Stage;
use super::answer::{Answerer, Answers, is_same_query, queries};
use super::tape::{Content, Frame, Tape, TrialReel};
use crate::replay::invent::{OTHER, invent};

pub use naming::slos_under_test;

/// Slots of one test.
const SLOTS_MAX: i64 = 300_000;
/// What is scraped, unless the test or the definition says so.
const TARGET: &str = "test";
/// A steady past is longer than the windows and the period by this.
const MORE_PAST: Span = Span::from_days(2);

/// A test, ready to be played.
pub(super) struct Cast {
    /// The SLO that is meant.
    pub(super) subject: SloId,
    /// Everything that is played.
    pub(super) slos: Vec<Arc<Slo>>,
    /// The SLO of each expectation.
    pub(super) meant: Vec<SloId>,
    /// The source.
    pub(super) reel: TrialReel,
    /// What may explain a failure.
    pub(super) remarks: Vec<String>,
}

impl Cast {
    pub(super) fn new(stage: &Stage<'_>, test: &Test) -> Result<Self, Diagnostics> {
        let mut casting = Casting {
            stage,
            found: Diagnostics::default(),
            tapes: BTreeMap::new(),
            answerers: BTreeMap::new(),
            remarks: Vec::new(),
        };
        match casting.cast(test) {
            Some(cast) if casting.found.errors() == 0 => Ok(cast),
            _ => Err(casting.found),
        }
    }
}

struct Casting<'s> {
    stage: &'s Stage<'s>,
    found: Diagnostics,
    /// What each good and each bad event adds to a series, by the stream that it comes of.
    tapes: BTreeMap<(usize, Labels), (f64, f64)>,
    answerers: BTreeMap<SloId, Vec<Answerer>>,
    remarks: Vec<String>,
}

impl Casting<'_> {
    fn refuse(&mut self, place: &Place, message: impl Into<String>, fix: impl Into<String>) {
        self.found.push(Diagnostic {
            place: place.clone(),
            severity: Level::Error,
            rule: Lint::Invalid,
            message: message.into(),
            fix: fix.into(),
        });
    }

    fn cast(&mut self, test: &Test) -> Option<Cast> {
        let subject = self.subject(test);
        let streams: Vec<Option<SloId>> = test
            .streams
            .iter()
            .map(|stream| self.meant(stream.value.slo.as_ref(), subject.as_ref()))
            .collect();
        let meant: Vec<Option<SloId>> = test
            .expectations
            .iter()
            .map(|expectation| self.meant(expectation.value.slo.as_ref(), subject.as_ref()))
            .collect();
        let (subject, meant) = (subject?, meant.into_iter().collect::<Option<Vec<_>>>()?);
        let streams = streams.into_iter().collect::<Option<Vec<_>>>()?;
        let named = meant.iter().chain(&streams).chain([&subject]);
        let slos = self.company(named.cloned().collect());
        let frame = self.frame(test, &slos);
        let by_id = |id: &SloId| slos.iter().find(|slo| slo.id == *id).cloned();
        for (number, (stream, id)) in test.streams.iter().zip(&streams).enumerate() {
            if let Some(slo) = by_id(id) {
                self.stream(number, stream, &slo, &slos);
            }
        }
        let mut tapes: Vec<Tape> = Vec::new();
        let traffic: Vec<_> = test
            .streams
            .iter()
            .map(|stream| Arc::new(stream.value.traffic.clone()))
            .collect();
        for ((number, labels), (good, bad)) in std::mem::take(&mut self.tapes) {
            let traffic = traffic.get(number)?.clone();
            let content = Content::Counter { traffic, good, bad };
            tapes.push(Tape { labels, content });
        }
        for written in &test.written {
            self.written(written, &slos, &mut tapes);
        }
        self.check_names(test, &tapes);
        for (expectation, id) in test.expectations.iter().zip(&meant) {
            if let Some(slo) = by_id(id) {
                self.check(&expectation.value, &slo);
            }
        }
        self.remark_on_idle_series(&tapes, &slos);
        Some(Cast {
            subject,
            slos,
            meant,
            reel: TrialReel {
                frame,
                tapes,
                answerers: std::mem::take(&mut self.answerers),
                outages: test.outages.clone(),
            },
            remarks: std::mem::take(&mut self.remarks),
        })
    }

    fn frame(&mut self, test: &Test, slos: &[Arc<Slo>]) -> Frame {
        let reading = &self.stage.options.reading;
        let (interval, scrape) = (reading.interval, reading.scrape_interval);
        if test.until.as_millis() / interval.as_millis().max(1) > SLOTS_MAX {
            let message = format!("the test lasts {} at {interval} per slot", test.until);
            let fix = format!("let it have at most {SLOTS_MAX} slots");
            self.refuse(&test.place, message, fix);
        }
        let reach = slos.iter().map(|slo| {
            let windows = slo.reach.longest_window();
            windows.max(slo.reach.period)
        });
        let past = reach.max().unwrap_or_default() + MORE_PAST;
        Frame {
            start: test.start.align_down(interval),
            interval,
            scrape,
            warm_up: test.warm_up,
            past: past.as_millis(),
        }
    }

    fn stream(
        &mut self,
        number: usize,
        stream: &Located<Stream>,
        slo: &Arc<Slo>,
        slos: &[Arc<Slo>],
    ) {
        let mut count = |labels: &Labels, good: f64, bad: f64| {
            let worth = self.tapes.entry((number, labels.clone())).or_default();
            *worth = (worth.0 + good, worth.1 + bad);
        };
        match &stream.value.counted {
            Counted::Invented(labels) => self.invented(number, stream, slo, labels),
            Counted::Series { good, bad, total } => {
                good.iter().for_each(|labels| count(labels, 1.0, 0.0));
                bad.iter().for_each(|labels| count(labels, 0.0, 1.0));
                total.iter().for_each(|labels| count(labels, 1.0, 1.0));
            }
            Counted::Histogram {
                labels,
                buckets,
                good_takes,
                bad_takes,
            } => {
                let (good, bad) = (good_takes.as_secs_f64(), bad_takes.as_secs_f64());
                let within = |takes: f64, bound: f64| f64::from(u8::from(takes <= bound));
                count(&part(labels, "_count", None), 1.0, 1.0);
                count(&part(labels, "_sum", None), good, bad);
                count(&part(labels, "_bucket", Some("+Inf".to_owned())), 1.0, 1.0);
                for bound in buckets {
                    let labels = part(labels, "_bucket", Some(bound.to_string()));
                    count(&labels, within(good, *bound), within(bad, *bound));
                }
            }
            Counted::Queries {
                queries: answered,
                labels,
            } => {
                let asks = |slo: &&Arc<Slo>| {
                    let asked = queries(slo);
                    let known = |asked: &String| {
                        answered
                            .iter()
                            .any(|answered| is_same_query(answered, asked))
                    };
                    !asked.is_empty() && asked.iter().all(known)
                };
                let askers: Vec<&Arc<Slo>> = slos.iter().filter(asks).collect();
                for slo in &askers {
                    self.answer(&slo.id, labels, stream);
                }
                if askers.is_empty() {
                    let answered = answered.iter().map(String::as_str);
                    self.remark_on_query(answered.collect(), slo);
                }
            }
        }
    }

    fn answer(&mut self, id: &SloId, labels: &Labels, stream: &Located<Stream>) {
        let traffic = Arc::new(stream.value.traffic.clone());
        self.answerers
            .entry(id.clone())
            .or_default()
            .push(Answerer {
                labels: labels.clone(),
                content: Answers::Traffic(traffic),
            });
    }

    fn invented(
        &mut self,
        number: usize,
        stream: &Located<Stream>,
        slo: &Arc<Slo>,
        labels: &Labels,
    ) {
        match &slo.indicator {
            Indicator::Counters { bad, total } => {
                // An instance has all its labels, and a scrape a target.
                let groups = slo.group_by.iter().map(|name| (name.as_str(), OTHER));
                let target = self.stage.options.reading.target_labels.iter();
                let target = target.map(|name| (name.as_str(), TARGET));
                let open: Vec<_> = groups.chain(target).collect();
                let Some(invented) = invent(slo, (bad, total), labels, &open) else {
                    let message = format!("no series can be invented for {}", slo.id);
                    let fix = "name those that count the events: good: and bad:";
                    self.refuse(&stream.place, message, fix);
                    return;
                };
                for (series, good, bad) in [(invented.good, 1.0, 0.0), (invented.bad, 0.0, 1.0)] {
                    for labels in series {
                        let worth = self.tapes.entry((number, labels)).or_default();
                        *worth = (worth.0 + good, worth.1 + bad);
                    }
                }
            }
            Indicator::Windows(_) | Indicator::Slices { .. } => {
                self.answer(&slo.id, labels, stream);
            }
            Indicator::Composite(composite) => {
                let parts = composite.parts.iter().map(|part| part.slo.as_str());
                let parts = parts.collect::<Vec<_>>().join(", ");
                let message = format!("{} has no traffic of its own", slo.id);
                let fix = format!("give traffic to its parts, with slo: one of {parts}");
                self.refuse(&stream.place, message, fix);
            }
        }
    }

    fn written(&mut self, written: &Located<Written>, slos: &[Arc<Slo>], tapes: &mut Vec<Tape>) {
        let (query, window, labels, values) = match &written.value {
            Written::Series { labels, values } => {
                tapes.push(Tape {
                    labels: labels.clone(),
                    content: Content::Written(values.clone()),
                });
                return;
            }
            Written::Answer {
                query,
                window,
                labels,
                values,
            } => (query, *window, labels, values),
        };
        let mut asked = false;
        for slo in slos {
            if !queries(slo).iter().any(|asked| is_same_query(asked, query)) {
                continue;
            }
            if queries(slo).len() > 1 {
                let message = "of an SLO with two queries, single answers cannot be written";
                let fix = "describe its events with traffic: and queries:";
                self.refuse(&written.place, message, fix);
            }
            asked = true;
            let content = Answers::Written {
                window,
                values: values.clone(),
            };
            let answerer = Answerer {
                labels: labels.clone(),
                content,
            };
            self.answerers
                .entry(slo.id.clone())
                .or_default()
                .push(answerer);
        }
        if !asked && let Some(slo) = slos.first() {
            let asker = slos.iter().find(|slo| !queries(slo).is_empty());
            self.remark_on_query(vec![query], asker.unwrap_or(slo));
        }
    }
}

/// One series of a histogram.
fn part(labels: &Labels, suffix: &str, bound: Option<String>) -> Labels {
    let pairs = labels.iter().map(|(name, value)| match name {
        METRIC_NAME => (name.to_owned(), format!("{value}{suffix}")),
        _ => (name.to_owned(), value.to_owned()),
    });
    let bound = bound.map(|bound| ("le".to_owned(), bound));
    Labels::new(pairs.chain(bound))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
