//! The one door: [`Engine::step`] takes an input and the time, and returns what follows from it.
//!
//! Live running, backtests, tests of definitions and simulation all come through here. A step is
//! total: bad data becomes a reasoned state, never an error. The caller commits all effects of a
//! step in one transaction before it takes the next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::alert::AlertRecord;
use super::counts::Counts;
use super::direct::{DirectReadings, refresh};
use super::effect::Effect;
use super::evaluation::Evaluation;
use super::feed::Feed;
use super::labels::Labels;
use super::ledger::Recipients;
use super::measure::{Measure, ReadingOptions};
use super::notification::{AlertKey, Reason};
use super::presence::Presence;
use super::sample::RawSeries;
use super::slo::{Indicator, InstanceId, Slo, SloId};
use super::time::{Span, Timestamp};

/// Series and instances are forgotten this often.
const SWEEP_INTERVAL: Span = Span::from_hours(1);

/// What the engine is told once, at start.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The name of the source, for the alert that says it is down.
    pub source: String,
    /// How samples are read.
    pub reading: ReadingOptions,
}

/// Something that happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// The definitions and receivers from now on.
    Configured {
        /// Every SLO, grouped by what is polled together.
        feeds: Vec<Feed>,
        /// Who is told.
        recipients: Recipients,
    },
    /// The saved state of a feed, at start.
    Resumed {
        /// The feed.
        feed: String,
        /// Its counters and windows.
        measure: Box<Measure>,
    },
    /// Samples from the past: they are counted, nothing is decided.
    Read {
        /// The feed.
        feed: String,
        /// Where they are counted.
        into: Book,
        /// Start of the stretch that was read.
        from: Timestamp,
        /// End of the stretch that was read.
        until: Timestamp,
        /// What was found.
        series: Vec<RawSeries>,
    },
    /// The fresh reading of a feed reaches the present and takes the place of the old one.
    Swapped {
        /// The feed.
        feed: String,
    },
    /// Hourly sums from before the covered time, for budgets.
    History {
        /// The feed.
        feed: String,
        /// What happened in the hour that ended at each time.
        hours: Vec<(InstanceId, Timestamp, Counts)>,
    },
    /// A slot of a feed, the time being `now`.
    Slot {
        /// The feed.
        feed: String,
        /// What the source said.
        evidence: Result<Evidence, SourceFailure>,
    },
}

/// Which of a feed's two readings takes the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Book {
    /// The one that decides.
    Live,
    /// A fresh one that will replace it; the first stretch begins it anew.
    Fresh {
        /// Whether this is the first stretch.
        begin: bool,
    },
}

/// What a source answers at a slot.
#[derive(Clone, Debug)]
pub enum Evidence {
    /// Raw samples of counters, or the values of time slices.
    Samples {
        /// Start of the stretch that was read; it ends at the slot.
        from: Timestamp,
        /// What was found.
        series: Vec<RawSeries>,
    },
    /// Error ratios of whole windows, for the one SLO of a direct feed.
    Windows(Vec<(Span, Vec<(Labels, f64)>)>),
}

/// Why a source gave no evidence, in words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFailure(pub String);

/// One feed with everything that is known of it.
#[derive(Debug)]
pub(super) struct FeedState {
    pub(super) feed: Feed,
    pub(super) live: Measure,
    pub(super) fresh: Option<Measure>,
    pub(super) answers: BTreeMap<InstanceId, DirectReadings>,
    asked: BTreeMap<Span, Timestamp>,
    pub(super) evaluations: BTreeMap<InstanceId, Arc<Evaluation>>,
    answered: Presence,
}

/// The decisions of slofuse: everything that is right or wrong about a page happens in here.
#[derive(Debug)]
pub struct Engine {
    pub(super) options: Options,
    pub(super) recipients: Recipients,
    pub(super) feeds: BTreeMap<String, FeedState>,
    pub(super) alerts: BTreeMap<AlertKey, AlertRecord>,
    now: Timestamp,
}

impl Engine {
    /// An engine without definitions that remembers the alerts of its last life.
    pub fn new(options: Options, alerts: Vec<AlertRecord>) -> Self {
        Self {
            options,
            recipients: Recipients::default(),
            feeds: BTreeMap::new(),
            alerts: alerts
                .into_iter()
                .map(|record| (record.key.clone(), record))
                .collect(),
            now: Timestamp::EPOCH,
        }
    }

    /// Takes one input. Time that goes back is taken for the time of the last step.
    pub fn step(&mut self, now: Timestamp, input: Input) -> Vec<Effect> {
        self.now = self.now.max(now);
        let now = self.now;
        let mut effects = Vec::new();
        match input {
            Input::Configured { feeds, recipients } => {
                self.recipients = recipients;
                self.configure(feeds, now, &mut effects);
            }
            Input::Resumed { feed, measure } => self.resume(&feed, *measure),
            Input::Read {
                feed,
                into,
                from,
                until,
                series,
            } => {
                self.read(&feed, into, from, until, &series);
            }
            Input::Swapped { feed } => {
                if let Some(state) = self.feeds.get_mut(&feed) {
                    state.swap();
                }
            }
            Input::History { feed, hours } => {
                if let Some(state) = self.feeds.get_mut(&feed) {
                    for (id, at, counts) in hours {
                        state.live.read_history(&id, at, counts);
                    }
                }
            }
            Input::Slot { feed, evidence } => self.slot(&feed, evidence, now, &mut effects),
        }
        #[cfg(debug_assertions)]
        super::invariant::check(self, &effects);
        effects
    }

    /// Everything of this feed up to here has been read; `None` before its first poll.
    pub fn read_until(&self, feed: &str) -> Option<Timestamp> {
        self.feeds.get(feed)?.live.read_until()
    }

    /// Whether every SLO of the feed is covered for its longest window; one of the direct path
    /// always is, for it has no past of its own.
    pub fn is_covered(&self, feed: &str, now: Timestamp) -> bool {
        self.feeds.get(feed).is_none_or(|state| {
            state.feed.slos.iter().all(|slo| {
                let from = state.live.covered_from(&slo.id);
                matches!(slo.indicator, Indicator::Windows(_))
                    || from.is_some_and(|from| from <= now - slo.policy.longest_window())
            })
        })
    }

    /// The windows of a direct feed that are due to be asked at this slot.
    pub fn due_windows(&self, feed: &str, now: Timestamp) -> Vec<Span> {
        let Some(state) = self.feeds.get(feed) else {
            return Vec::new();
        };
        let Some(slo) = state.feed.slos.first() else {
            return Vec::new();
        };
        let mut windows = slo.policy.windows();
        windows.push(slo.period);
        windows.dedup();
        let due = |window: &Span| {
            let every = refresh(*window, self.options.reading.interval);
            state
                .asked
                .get(window)
                .is_none_or(|asked| now.since(*asked) >= every)
        };
        windows.into_iter().filter(due).collect()
    }

    /// The counters and windows of a feed, to be saved.
    pub fn measure(&self, feed: &str) -> Option<&Measure> {
        Some(&self.feeds.get(feed)?.live)
    }

    /// The open alerts.
    pub fn alerts(&self) -> impl Iterator<Item = &AlertRecord> {
        self.alerts.values()
    }

    /// The SLOs of a feed and the last evaluation of each of their instances.
    #[expect(
        clippy::type_complexity,
        reason = "a pair of lists; a name would only hide it"
    )]
    pub fn evaluations(&self, feed: &str) -> Option<(&[Arc<Slo>], Vec<Arc<Evaluation>>)> {
        let state = self.feeds.get(feed)?;
        Some((
            &state.feed.slos,
            state.evaluations.values().cloned().collect(),
        ))
    }

    fn configure(&mut self, feeds: Vec<Feed>, now: Timestamp, effects: &mut Vec<Effect>) {
        let before: BTreeMap<SloId, Arc<Slo>> = self.slos();
        let mut old = std::mem::take(&mut self.feeds);
        for feed in feeds {
            let mut state = old
                .remove(&feed.key)
                .unwrap_or_else(|| FeedState::new(feed.clone()));
            state.live.attach(&feed, &self.options.reading);
            state.keep_what_means_the_same(&feed);
            state.fresh = None;
            state.feed = feed;
            self.feeds.insert(state.feed.key.clone(), state);
        }
        let after = self.slos();
        let keys: Vec<AlertKey> = self.alerts.keys().cloned().collect();
        for key in keys {
            let reason = match key.instance().map(|instance| &instance.slo) {
                Some(id) => match (before.get(id), after.get(id)) {
                    (_, None) => Reason::DefinitionRemoved,
                    (Some(old), Some(new)) if !old.measures_the_same(new) => {
                        Reason::DefinitionChanged
                    }
                    _ => continue,
                },
                None if !after.is_empty() && key == self.source_alert() => continue,
                None => Reason::DefinitionRemoved,
            };
            self.end(&key, reason, now, effects);
        }
    }

    /// The alert that says the source is down.
    pub(super) fn source_alert(&self) -> AlertKey {
        AlertKey::SourceDown {
            source: self.options.source.clone(),
        }
    }

    fn slos(&self) -> BTreeMap<SloId, Arc<Slo>> {
        let slos = self.feeds.values().flat_map(|state| &state.feed.slos);
        slos.map(|slo| (slo.id.clone(), slo.clone())).collect()
    }

    fn resume(&mut self, feed: &str, mut measure: Measure) {
        if let Some(state) = self.feeds.get_mut(feed) {
            measure.attach(&state.feed, &self.options.reading);
            state.live = measure;
        }
    }

    fn read(
        &mut self,
        feed: &str,
        into: Book,
        from: Timestamp,
        until: Timestamp,
        series: &[RawSeries],
    ) {
        let Some(state) = self.feeds.get_mut(feed) else {
            return;
        };
        let measure = match into {
            Book::Live => &mut state.live,
            Book::Fresh { begin: true } => state.fresh.insert(Measure::default()),
            // A reload in between has dropped it; what is left of the old reading is of no use.
            Book::Fresh { begin: false } => match &mut state.fresh {
                Some(fresh) => fresh,
                None => return,
            },
        };
        measure.read(&state.feed, &self.options.reading, from, until, series);
    }

    fn slot(
        &mut self,
        feed: &str,
        evidence: Result<Evidence, SourceFailure>,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let Some(state) = self.feeds.get_mut(feed) else {
            return;
        };
        match evidence {
            Ok(evidence) => {
                state.live.blindness.answered();
                if state.take(evidence, &self.options.reading, now) {
                    self.end_gone(feed, now, effects);
                }
            }
            Err(SourceFailure(detail)) => state.live.blindness.failed(detail),
        }
        self.decide(feed, now, effects);
    }

    /// Ends the alerts of label sets that have not been seen for long.
    fn end_gone(&mut self, feed: &str, now: Timestamp, effects: &mut Vec<Effect>) {
        let Some(state) = self.feeds.get(feed) else {
            return;
        };
        let alerts = self.alerts.keys().filter_map(AlertKey::instance);
        let gone = alerts.filter(|id| state.is_gone(id, &self.options.reading));
        for instance in gone.cloned().collect::<BTreeSet<_>>() {
            self.end_instance(&instance, Reason::InstanceGone, now, effects);
        }
    }
}

impl FeedState {
    fn new(feed: Feed) -> Self {
        Self {
            feed,
            live: Measure::default(),
            fresh: None,
            answers: BTreeMap::new(),
            asked: BTreeMap::new(),
            evaluations: BTreeMap::new(),
            answered: Presence::default(),
        }
    }

    /// Drops what was known under definitions that are gone or mean something else now.
    fn keep_what_means_the_same(&mut self, next: &Feed) {
        let next: BTreeMap<&SloId, &Arc<Slo>> = next.slos.iter().map(|s| (&s.id, s)).collect();
        let same = |slo: &&Arc<Slo>| {
            let candidate = next.get(&slo.id);
            candidate.is_some_and(|candidate| candidate.measures_the_same(slo))
        };
        let kept: BTreeSet<SloId> = self
            .feed
            .slos
            .iter()
            .filter(same)
            .map(|slo| slo.id.clone())
            .collect();
        self.answers.retain(|id, _| kept.contains(&id.slo));
        self.evaluations.retain(|id, _| kept.contains(&id.slo));
        self.live.blindness.retain(|id| kept.contains(&id.slo));
        self.asked.clear();
        if kept.is_empty() {
            self.answered = Presence::default();
        }
    }

    /// The fresh reading takes the place of the old one.
    fn swap(&mut self) {
        if let Some(fresh) = self.fresh.take() {
            let old = std::mem::replace(&mut self.live, fresh);
            self.live.blindness = old.blindness;
        }
    }

    /// Takes what the source said; once an hour forgets what is gone and says so.
    fn take(&mut self, evidence: Evidence, options: &ReadingOptions, now: Timestamp) -> bool {
        match evidence {
            Evidence::Samples { from, series } => {
                let before = self.live.read_until();
                self.live.read(&self.feed, options, from, now, &series);
                // Tied to the clock on the wall, so that a restart does not shift it.
                let hour = |at: Timestamp| at.align_down(SWEEP_INTERVAL);
                let due = before.is_none_or(|before| hour(before) < hour(now));
                if due {
                    self.live.forget(&self.feed, options);
                }
                due
            }
            Evidence::Windows(answers) => {
                self.take_answers(answers, now);
                let horizon = self.answered.horizon(options.forget_after);
                self.answers
                    .retain(|_, answers| answers.newest() >= horizon);
                true
            }
        }
    }

    /// Whether this is a label set of the feed that would have been seen if it still existed.
    fn is_gone(&self, id: &InstanceId, options: &ReadingOptions) -> bool {
        match self.feed.slos.first() {
            Some(slo) if matches!(slo.indicator, Indicator::Windows(_)) => {
                let settled = self.answered.horizon(options.forget_after).is_some();
                let known = id.slo != slo.id || self.answers.contains_key(id);
                settled && !known && !id.labels.is_empty()
            }
            _ => self.live.is_gone(id, options),
        }
    }

    fn take_answers(&mut self, answers: Vec<(Span, Vec<(Labels, f64)>)>, now: Timestamp) {
        let Some(slo) = self.feed.slos.first() else {
            return;
        };
        for (window, ratios) in answers {
            self.asked.insert(window, now);
            if !ratios.is_empty() {
                self.answered.see(now, now);
            }
            for (labels, ratio) in ratios {
                let id = InstanceId {
                    slo: slo.id.clone(),
                    labels: labels.pick(&slo.group_by),
                };
                self.answers.entry(id).or_default().put(window, now, ratio);
            }
        }
    }
}

#[cfg(test)]
mod tests;
