//! A tiny language for scenarios: a line of traffic in, a line per notification out.
//!
//! ```text
//! 10m shop 10/s                   ten minutes of ten good requests a second
//! 5m  shop 10/s 50%, cart 2/s     half of them fail, and another service has traffic too
//! 2m  down                        every poll fails; the traffic goes on as it was
//! 2m  down:shop                   only the polls of one feed fail
//! 2m  hole                        polls fail and nothing is scraped; counters go on counting
//! 2m  shop gone                   the target is gone, its counters with it
//! ```
//!
//! A name is a service, or `service.zone`; a feed is a service. Slots are 30 s apart, scrapes 15 s.
//! Each notification is a line: time since the start, receiver, kind, alert, reason, tiers.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::alert::AlertRecord;
use crate::engine::effect::Effect;
use crate::engine::feed::Feed;
use crate::engine::input::Memories;
use crate::engine::labels::{Labels, METRIC_NAME};
use crate::engine::notification::{AlertFacts, Notification, Reason};
use crate::engine::policy::Severity;
use crate::engine::routing::{Recipient, Routing};
use crate::engine::sample::{RawSeries, Sample};
use crate::engine::slo::{Indicator, Slo};
use crate::engine::step::{Engine, Evidence, Input, Options, SourceFailure};
use crate::engine::time::{Span, Timestamp};

/// The first slot is 30 s after this: an hour of the clock, so that sweeps fall on whole hours.
const START: Timestamp = Timestamp::from_secs(1_700_006_400);
const SLOT: Span = Span::from_secs(30);
const SCRAPE: Span = Span::from_secs(15);
/// A poll reaches so far behind the last good one.
const REACH: Span = Span::from_secs(45);

pub(super) struct Scene {
    pub(super) engine: Engine,
    pub(super) slos: Vec<Slo>,
    pub(super) recipients: Routing,
    /// The configured name of the source.
    pub(super) source: String,
    pub(super) now: Timestamp,
    /// Every effect of every step so far.
    pub(super) effects: Vec<(Timestamp, Effect)>,
    /// The effects before this one were expected.
    expected: usize,
    traffic: BTreeMap<String, Target>,
    last_good: BTreeMap<String, Timestamp>,
    /// The store: one JSON value per open alert, per thread, and per silence.
    records: BTreeMap<String, String>,
    threads: BTreeMap<String, String>,
    silences: BTreeMap<String, String>,
}

/// A target that counts requests.
#[derive(Default)]
struct Target {
    per_second: f64,
    bad_share: f64,
    /// Fractions of events are kept until they make a whole.
    good: f64,
    bad: f64,
    counted: Option<Timestamp>,
    samples: [Vec<Sample>; 2],
}

impl Scene {
    /// SLOs with four days of ten good requests a second behind them.
    pub(super) fn new(slos: Vec<Slo>, names: &[&str]) -> Self {
        let mut scene = Self::cold(slos);
        let begin = START - Span::from_days(4);
        for name in names {
            let mut target = Target {
                per_second: 10.0,
                ..Target::default()
            };
            target.scrape(begin);
            target.scrape(START);
            scene.traffic.insert((*name).to_owned(), target);
        }
        for feed in scene.polled() {
            let series = scene.series(&feed, begin - SCRAPE);
            let into = crate::engine::step::Book::Live;
            let from = begin - SCRAPE;
            scene.step(Input::Read {
                feed: feed.clone(),
                into,
                from,
                until: START,
                series,
            });
            scene.last_good.insert(feed, START);
        }
        scene
    }

    /// SLOs of which nothing is known yet.
    pub(super) fn cold(slos: Vec<Slo>) -> Self {
        let mut scene = Self {
            engine: Engine::new(options("prometheus"), Memories::default()),
            slos,
            recipients: recipients(&["pager"], &["tracker"], &[]),
            source: "prometheus".to_owned(),
            now: START,
            effects: Vec::new(),
            expected: 0,
            traffic: BTreeMap::new(),
            last_good: BTreeMap::new(),
            records: BTreeMap::new(),
            threads: BTreeMap::new(),
            silences: BTreeMap::new(),
        };
        scene.configure();
        scene
    }

    /// Hands the present definitions and receivers to the engine.
    pub(super) fn configure(&mut self) {
        let feeds = self.feed_names().into_iter().map(|name| {
            let of_feed = self.slos.iter().filter(|slo| feed_of(slo) == name);
            Feed::new(name.clone(), of_feed.cloned().map(Arc::new).collect())
        });
        let (feeds, routing) = (feeds.collect(), self.recipients.clone());
        self.step(Input::Configured { feeds, routing });
    }

    /// A new engine from what was stored: records and measures.
    pub(super) fn restart(&mut self) {
        let saved: Vec<(String, Vec<u8>)> = self
            .feed_names()
            .into_iter()
            .filter_map(|feed| {
                let measure = self.engine.measure(&feed)?;
                Some((feed, postcard::to_stdvec(measure).unwrap()))
            })
            .collect();
        self.crash();
        for (feed, bytes) in saved {
            let measure = Box::new(postcard::from_bytes(&bytes).unwrap());
            self.step(Input::Resumed { feed, measure });
        }
    }

    /// Changes every record in the store.
    pub(super) fn change_records(&mut self, change: impl Fn(&mut serde_json::Value)) {
        for record in self.records.values_mut() {
            let mut value = serde_json::from_str(record).unwrap();
            change(&mut value);
            *record = value.to_string();
        }
    }

    /// A new engine that has only the records.
    pub(super) fn crash(&mut self) {
        let records = self.records.values();
        let records = records.map(|json| serde_json::from_str(json).unwrap());
        let threads = self.threads.values();
        let threads = threads.map(|json| serde_json::from_str(json).unwrap());
        let silences = self.silences.values();
        let silences = silences.map(|json| serde_json::from_str(json).unwrap());
        self.engine = Engine::new(
            options(&self.source),
            Memories {
                alerts: records.collect(),
                threads: threads.collect(),
                silences: silences.collect(),
            },
        );
        self.configure();
    }

    /// Plays lines of the language.
    pub(super) fn play(&mut self, script: &str) {
        for line in script
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
        {
            let (length, rest) = line.split_once(' ').unwrap();
            let (mut down, mut hole) = (None, false);
            for clause in rest.split(',').map(str::trim) {
                match clause.split_whitespace().collect::<Vec<_>>()[..] {
                    ["down"] => down = Some(String::new()),
                    ["hole"] => (down, hole) = (Some(String::new()), true),
                    [word] => down = Some(word.strip_prefix("down:").unwrap().to_owned()),
                    [name, "gone"] => drop(self.traffic.remove(name)),
                    [name, rate] => self.traffic(name, rate, "0%"),
                    [name, rate, bad] => self.traffic(name, rate, bad),
                    _ => panic!("what is {clause:?}?"),
                }
            }
            let end = self.now + Span::parse(length).unwrap();
            while self.now < end {
                if hole {
                    self.now = self.now + SLOT;
                } else {
                    self.scrape();
                }
                self.poll(down.as_deref());
                self.step(Input::Tick);
            }
        }
    }

    fn traffic(&mut self, name: &str, rate: &str, bad: &str) {
        let target = self.traffic.entry(name.to_owned()).or_default();
        target.count(self.now);
        target.per_second = rate.strip_suffix("/s").unwrap().parse().unwrap();
        target.bad_share = bad.strip_suffix('%').unwrap().parse::<f64>().unwrap() / 100.0;
    }

    /// Two scrapes of every target bring the next slot.
    fn scrape(&mut self) {
        for target in self.traffic.values_mut() {
            target.scrape(self.now + Span::from_secs(10));
            target.scrape(self.now + Span::from_secs(25));
        }
        self.now = self.now + SLOT;
    }

    /// Polls every feed.
    fn poll(&mut self, down: Option<&str>) {
        for feed in self.polled() {
            let failed = down.is_some_and(|which| which.is_empty() || which == feed);
            let evidence = if failed {
                Err(SourceFailure("connection refused".to_owned()))
            } else {
                let from = self
                    .last_good
                    .get(&feed)
                    .copied()
                    .unwrap_or(self.now - SLOT)
                    - REACH;
                self.last_good.insert(feed.clone(), self.now);
                Ok(Evidence::Samples {
                    from,
                    series: self.series(&feed, from),
                })
            };
            self.step(Input::Slot { feed, evidence });
        }
    }

    /// Time passes, a second at a time, and nothing else happens.
    pub(super) fn wait(&mut self, length: &str) {
        let end = self.now + Span::parse(length).unwrap();
        while self.now < end {
            self.now = self.now + Span::from_secs(1);
            self.step(Input::Tick);
        }
    }

    /// One step at the present time.
    pub(super) fn step(&mut self, input: Input) {
        for effect in self.engine.step(self.now, input) {
            match &effect {
                Effect::Save(record) => {
                    let json = serde_json::to_string(record).unwrap();
                    self.records.insert(record.key.dedup_key(), json);
                }
                Effect::Forget(key) => drop(self.records.remove(&key.dedup_key())),
                Effect::SaveThread(thread) => {
                    let json = serde_json::to_string(thread).unwrap();
                    self.threads.insert(thread.key.to_string(), json);
                }
                Effect::ForgetThread(key) => drop(self.threads.remove(&key.to_string())),
                Effect::SaveSilence(silence) => {
                    let json = serde_json::to_string(silence).unwrap();
                    self.silences.insert(silence.id.clone(), json);
                }
                Effect::ForgetSilence(id) => drop(self.silences.remove(id)),
                _ => {}
            }
            self.effects.push((self.now, effect));
        }
    }

    /// The samples of a feed after some time.
    pub(super) fn series(&self, feed: &str, from: Timestamp) -> Vec<RawSeries> {
        let mut series = Vec::new();
        for (name, target) in &self.traffic {
            let (service, zone) = name.split_once('.').unwrap_or((name, ""));
            for (code, samples) in ["200", "500"].into_iter().zip(&target.samples) {
                let begin = samples.partition_point(|sample| sample.at <= from);
                if service == feed && begin < samples.len() {
                    let labels = Labels::new([
                        (METRIC_NAME, "requests_total"),
                        ("service", service),
                        ("zone", zone),
                        ("job", "web"),
                        ("instance", name),
                        ("code", code),
                    ]);
                    series.push(RawSeries {
                        labels,
                        samples: samples[begin..].to_vec(),
                    });
                }
            }
        }
        series
    }

    fn feed_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.slos.iter().map(feed_of).collect();
        names.dedup();
        names
    }

    /// The feeds that read samples.
    fn polled(&self) -> Vec<String> {
        let mut names = self.feed_names();
        names.retain(|name| !name.starts_with(COMPOSITE));
        names
    }

    /// What was told since the last look, and to whom, must be exactly these lines.
    #[track_caller]
    pub(super) fn expect(&mut self, lines: &str) {
        let wanted: Vec<&str> = lines
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        let got: Vec<String> = self
            .notifications()
            .iter()
            .map(|(at, notification)| line(*at, notification))
            .collect();
        self.expected = self.effects.len();
        assert_eq!(got, wanted, "got:\n{}\n", got.join("\n"));
    }

    /// The notifications since the last look.
    pub(super) fn notifications(&self) -> Vec<(Timestamp, Notification)> {
        let fresh = self.effects[self.expected..].iter();
        let notification = |(at, effect): &(Timestamp, Effect)| match effect {
            Effect::Notify(notification) => Some((*at, notification.clone())),
            _ => None,
        };
        fresh.filter_map(notification).collect()
    }

    /// Time since the start.
    pub(super) fn elapsed(&self, at: Timestamp) -> Span {
        at.since(START)
    }

    /// The open alerts, as `key state`.
    pub(super) fn open(&self) -> Vec<String> {
        let word =
            |record: &AlertRecord| format!("{} {}", record.key, record.state.name().as_str());
        self.engine.alerts().map(word).collect()
    }
}

/// How the keys of composites begin.
const COMPOSITE: &str = "composite:";

fn feed_of(slo: &Slo) -> String {
    match slo.indicator {
        Indicator::Composite(_) => format!("{COMPOSITE}{}", slo.id),
        _ => slo.service.clone(),
    }
}

impl Target {
    /// Counts the events up to this time.
    fn count(&mut self, at: Timestamp) {
        let last = self.counted.replace(at).unwrap_or(at);
        let events = self.per_second * at.since(last).as_secs_f64();
        self.bad += events * self.bad_share;
        self.good += events * (1.0 - self.bad_share);
    }

    fn scrape(&mut self, at: Timestamp) {
        self.count(at);
        for (samples, value) in self.samples.iter_mut().zip([self.good, self.bad]) {
            let value = (value + 1e-6).floor();
            samples.push(Sample { at, value });
        }
    }
}

fn options(source: &str) -> Options {
    Options {
        source: source.to_owned(),
        ..Options::for_testing()
    }
}

/// Who hears of pages, tickets and infos.
pub(super) fn recipients(page: &[&str], ticket: &[&str], info: &[&str]) -> Routing {
    let of = |names: &[&str]| {
        let recipient = |name: &&str| Recipient {
            name: (*name).to_owned(),
            send_resolved: true,
            storm: None,
        };
        names.iter().map(recipient).collect()
    };
    let all = [
        (Severity::Page, page),
        (Severity::Ticket, ticket),
        (Severity::Info, info),
    ];
    Routing::by_severity(
        all.into_iter()
            .map(|(severity, names)| (severity, of(names)))
            .collect(),
    )
}

fn line(at: Timestamp, notification: &Notification) -> String {
    let Notification {
        receiver,
        kind,
        facts,
        ..
    } = notification;
    let elapsed = at.since(START);
    if let Some(group) = &notification.group {
        let member = |facts: &AlertFacts| {
            let over = if facts.resolved_at.is_some() { "-" } else { "" };
            format!("{over}{}", facts.service)
        };
        let members: Vec<String> = group.members.iter().map(member).collect();
        let (key, why, members) = (&group.key, why(facts), members.join(" "));
        let more = match group.omitted {
            0 => String::new(),
            omitted => format!(" and {omitted} more"),
        };
        let kind = kind.as_str();
        return format!("{elapsed} {receiver} {kind} {key}: {why} [{members}{more}]");
    }
    let mut line = format!(
        "{elapsed} {receiver} {} {}: {}",
        kind.as_str(),
        facts.key,
        why(facts)
    );
    for tier in &facts.tiers {
        line.push_str(&format!(" {}/{}", tier.long, tier.short));
    }
    line
}

fn why(facts: &AlertFacts) -> String {
    match &facts.reason {
        Reason::BudgetConsumed { threshold } => format!("{}% consumed", threshold * 100.0),
        Reason::NoData { slots, detail } => format!("dark for {slots}, {detail}"),
        Reason::SourceFailed { slots, detail } => format!("failed {slots}, {detail}"),
        Reason::ExhaustionAhead { .. } => "exhaustion ahead".to_owned(),
        Reason::Acknowledged { by } => format!("{by} looks after it"),
        Reason::Unacknowledged { after } => format!("nobody for {after}"),
        other => format!("{other:?}"),
    }
}
