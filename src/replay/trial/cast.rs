//! Who plays in a test: the SLO that is meant, what it is made of and depends on, and the series
//! that count the test's traffic.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::config::lint::Lint;
use crate::config::nearest::nearest;
use crate::config::trial::{
    Claim, Counted, Expectation, Located, SloName, Stream, Test, TestFile, Written,
};
use crate::config::{Definition, Diagnostic, Diagnostics, Level, Place};
use crate::engine::labels::METRIC_NAME;
use crate::engine::{Indicator, Labels, Slo, SloId, Span};

use super::answer::{Answerer, Answers, is_same_query, queries};
use super::invent::invent;
use super::tape::{Content, Frame, Tape, TrialReel};
use super::{Stage, shown};

/// Slots of one test.
const SLOTS_MAX: i64 = 300_000;
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

/// The SLOs that the tests of a file can mean without naming them: those of its first path, parts
/// that are written in place aside.
pub fn slos_under_test<'d>(file: &TestFile, definitions: &'d [Definition]) -> Vec<&'d Definition> {
    let first = file.definitions.first();
    let own = |definition: &&Definition| {
        let stands_in = Path::new(&*definition.place.file);
        first.is_some_and(|first| stands_in.starts_with(first))
    };
    let is_part = |definition: &&Definition| {
        let mut wholes = definitions.iter();
        wholes.any(|whole| {
            let prefix = format!("{}.", whole.slo.id);
            matches!(&whole.slo.indicator, Indicator::Composite(composite)
                if composite.parts.iter().any(|part| part.slo == definition.slo.id)
                    && definition.slo.id.as_str().starts_with(&prefix))
        })
    };
    let own = definitions.iter().filter(own);
    own.filter(|definition| !is_part(definition)).collect()
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

    /// The SLO that the test is about.
    fn subject(&mut self, test: &Test) -> Option<SloId> {
        if let Some(name) = &test.slo {
            return self.named(name);
        }
        let own = slos_under_test(self.stage.file, self.stage.definitions);
        if let [only] = own.as_slice() {
            return Some(only.slo.id.clone());
        }
        let names: Vec<&str> = own.iter().map(|own| own.slo.id.as_str()).collect();
        let (message, fix) = match names.as_slice() {
            [] => (
                "the first of the definitions defines no SLO".to_owned(),
                "name the file under test first, or add slo:".to_owned(),
            ),
            some => (
                format!("there are {} SLOs under test", some.len()),
                format!("add slo: with one of {}", some.join(", ")),
            ),
        };
        self.refuse(&test.place, message, fix);
        None
    }

    fn meant(&mut self, name: Option<&Located<SloName>>, subject: Option<&SloId>) -> Option<SloId> {
        match name {
            Some(name) => self.named(name),
            None => subject.cloned(),
        }
    }

    /// An SLO by name: of the service it names, else the only one that is called so.
    fn named(&mut self, name: &Located<SloName>) -> Option<SloId> {
        let all = self.stage.definitions;
        let fits = |definition: &&Definition| {
            let (slo, value) = (&definition.slo, &name.value);
            let service = value.service.as_ref();
            slo.name == value.name && service.is_none_or(|service| slo.service == *service)
        };
        let found: Vec<&Definition> = all.iter().filter(fits).collect();
        let written = shown(&name.value);
        let own = slos_under_test(self.stage.file, all);
        let nearer = |found: &&&Definition| own.iter().any(|own| own.slo.id == found.slo.id);
        let near: Vec<&&Definition> = found.iter().filter(nearer).collect();
        match (found.as_slice(), near.as_slice()) {
            ([only], _) => return Some(only.slo.id.clone()),
            (_, [only]) => return Some(only.slo.id.clone()),
            ([], _) => {
                let ids = all.iter().map(|definition| definition.slo.id.as_str());
                let names = all.iter().map(|definition| definition.slo.name.as_str());
                let known: Vec<&str> = match name.value.service {
                    Some(_) => ids.collect(),
                    None => names.collect(),
                };
                let fix = match nearest(&written, known.iter().copied()) {
                    Some(meant) => format!("did you mean {meant:?}?"),
                    None => "add the file that defines it to definitions:".to_owned(),
                };
                self.refuse(
                    &name.place,
                    format!("the SLO {written} is not defined"),
                    fix,
                );
            }
            _ => {
                let message = format!("there are several SLOs called {written}");
                self.refuse(&name.place, message, "write service/name");
            }
        }
        None
    }

    /// The SLOs that are named, and all that they are made of or depend on.
    fn company(&self, named: BTreeSet<SloId>) -> Vec<Arc<Slo>> {
        let mut wanted = named.clone();
        let mut open: Vec<SloId> = named.into_iter().collect();
        while let Some(id) = open.pop() {
            let found = self.stage.definitions.iter().find(|one| one.slo.id == id);
            let Some(Definition { slo, .. }) = found else {
                continue;
            };
            let parts = match &slo.indicator {
                Indicator::Composite(composite) => composite.parts.as_slice(),
                _ => &[],
            };
            let parts = parts.iter().map(|part| &part.slo);
            for next in parts.chain(&slo.document.depends_on) {
                if wanted.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        let all = self.stage.definitions.iter();
        let playing = all.filter(|definition| wanted.contains(&definition.slo.id));
        playing.map(|definition| definition.slo.clone()).collect()
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
                let target = &self.stage.options.reading.target_labels;
                let Some(invented) = invent(slo, (bad, total), labels, target) else {
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

    /// Several tapes of one name would be one series told twice.
    fn check_names(&mut self, test: &Test, tapes: &[Tape]) {
        let mut seen = BTreeSet::new();
        for tape in tapes {
            if !seen.insert(&tape.labels) {
                let message = format!("the series {} is described twice", tape.labels);
                let fix = "describe it once, or give each its labels";
                self.refuse(&test.place, message, fix);
            }
        }
    }

    /// Whether what is expected can be seen at all.
    fn check(&mut self, expectation: &Expectation, slo: &Slo) {
        let routing = &self.stage.routing;
        for Located { place, value } in &expectation.claims {
            let windows = slo.windows();
            match value {
                Claim::Burn(window, _) if !windows.contains(window) => {
                    let windows: Vec<String> = windows.iter().map(Span::to_string).collect();
                    let message = format!("{} has no window of {window}", slo.id);
                    self.refuse(
                        place,
                        message,
                        format!("use one of: {}", windows.join(", ")),
                    );
                }
                Claim::Message(claim) => {
                    let Some(to) = &claim.to else { continue };
                    if routing.receivers.contains_key(to) {
                        continue;
                    }
                    let names: Vec<&str> = routing.receivers.keys().map(String::as_str).collect();
                    let fix = match nearest(to, names.iter().copied()) {
                        Some(meant) => format!("did you mean {meant:?}?"),
                        None => format!("use one of: {}", names.join(", ")),
                    };
                    self.refuse(place, format!("there is no receiver {to:?}"), fix);
                }
                _ => {}
            }
        }
        for (name, _) in expectation.labels.iter().flat_map(Labels::iter) {
            if !slo.group_by.iter().any(|label| label == name) {
                let message = format!("{} is not grouped by {name:?}", slo.id);
                let fix = match slo.group_by.as_slice() {
                    [] => "remove the labels: it has one instance".to_owned(),
                    some => format!("use one of: {}", some.join(", ")),
                };
                if let Some(claim) = expectation.claims.first() {
                    self.refuse(&claim.place.clone(), message, fix);
                }
            }
        }
    }

    fn remark_on_query(&mut self, answered: Vec<&str>, slo: &Slo) {
        let asked = queries(slo);
        let what = match asked.is_empty() {
            true => format!("{} reads samples and asks no query", slo.id),
            false => format!("{} asks  {}", slo.id, one_line(&asked.join("  and  "))),
        };
        self.remarks.push(what);
        let answered = one_line(&answered.join("  and  "));
        self.remarks.push(format!("the test answers  {answered}"));
    }

    fn remark_on_idle_series(&mut self, tapes: &[Tape], slos: &[Arc<Slo>]) {
        for tape in tapes {
            let selected = slos.iter().any(|slo| match &slo.indicator {
                Indicator::Counters { bad, total } => bad
                    .iter()
                    .chain(total)
                    .any(|term| term.selector.matches(&tape.labels)),
                _ => false,
            });
            let name = tape.labels.get(METRIC_NAME).unwrap_or_default();
            // A histogram has more series than are read.
            if !selected && !name.ends_with("_sum") && !name.ends_with("_bucket") {
                let series = series_text(&tape.labels);
                self.remarks.push(format!("no selector selects  {series}"));
            }
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

/// A series as PromQL writes it.
fn series_text(labels: &Labels) -> String {
    let name = labels.get(METRIC_NAME).unwrap_or_default();
    let others = labels.iter().filter(|(label, _)| *label != METRIC_NAME);
    format!("{name}{}", Labels::new(others))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
