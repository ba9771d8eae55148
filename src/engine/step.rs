//! The one door: [`Engine::step`] takes an input and the time, and returns what follows from it.
//!
//! Live running, backtests, tests of definitions and simulation all come through here. A step is
//! total: bad data becomes a reasoned state, never an error. The caller commits all effects of a
//! step in one transaction before it takes the next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::alert::AlertRecord;
use super::company::{self, Seats};
use super::composite::{self, Links};
use super::dependency::Dependencies;
use super::direct::refresh;
use super::dispatch::{Moved, Scope};
use super::effect::Effect;
use super::evaluation::Evaluation;
use super::feed::Feed;
use super::feed_state::FeedState;
use super::input::{Book, Evidence, Input, Memories, Options, SourceFailure};
use super::labels::Labels;
use super::measure::Measure;
use super::notification::{AlertKey, Reason};
use super::routing::Routing;
use super::sample::RawSeries;
use super::silence::Silence;
use super::slo::{InstanceId, Slo, SloId};
use super::thread::{ThreadKey, ThreadRecord};
use super::time::{Span, Timestamp};

/// The decisions of slofuse: everything that is right or wrong about a page happens in here.
#[derive(Debug)]
pub struct Engine {
    pub(super) options: Options,
    pub(super) routing: Arc<Routing>,
    pub(super) threads: BTreeMap<ThreadKey, ThreadRecord>,
    pub(super) silences: BTreeMap<String, Silence>,
    /// Every SLO of the feeds.
    pub(super) slos: BTreeMap<SloId, Arc<Slo>>,
    pub(super) feeds: BTreeMap<String, FeedState>,
    pub(super) alerts: BTreeMap<AlertKey, AlertRecord>,
    /// The labels that routes see of the alerts that fire; a cache.
    pub(super) labels: BTreeMap<AlertKey, Labels>,
    pub(super) seats: Seats,
    /// What the present step has moved so far.
    pub(super) moved: Vec<Moved>,
    /// The dispatch time.
    pub(super) clock: Timestamp,
    pub(super) links: Links,
    pub(super) dependencies: Dependencies,
    /// The feeds that the last step decided, and for which slot.
    pub(super) decided: Vec<(String, Timestamp)>,
}

impl Engine {
    /// An engine without definitions that remembers its last life.
    pub fn new(options: Options, memories: Memories) -> Self {
        Self {
            options,
            routing: Arc::default(),
            labels: BTreeMap::new(),
            seats: company::seats(&memories.threads),
            moved: Vec::new(),
            clock: Timestamp::EPOCH,
            threads: memories
                .threads
                .into_iter()
                .map(|t| (t.key.clone(), t))
                .collect(),
            silences: memories
                .silences
                .into_iter()
                .map(|s| (s.id.clone(), s))
                .collect(),
            slos: BTreeMap::new(),
            feeds: BTreeMap::new(),
            alerts: memories
                .alerts
                .into_iter()
                .map(|record| (record.key.clone(), record))
                .collect(),
            links: Links::default(),
            dependencies: Dependencies::default(),
            decided: Vec::new(),
        }
    }

    /// Takes one input. Each feed has its own time, which never goes back: a slot that comes late
    /// is taken for the feed's last one.
    pub fn step(&mut self, now: Timestamp, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.decided.clear();
        match input {
            Input::Configured { feeds, routing } => {
                self.routing = Arc::new(routing);
                self.configure(feeds, now);
                self.clock = now;
                self.settle(Scope::Rerouted, &mut effects);
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
            Input::History {
                feed,
                slo,
                hours,
                complete,
            } => {
                if let Some(state) = self.feeds.get_mut(&feed) {
                    for (id, at, counts) in hours {
                        state.live.read_history(&id, at, counts);
                    }
                    if complete {
                        state.live.set_hours_read(&slo);
                    }
                }
            }
            Input::Tick => {
                self.clock = now;
                self.forget_silences(now, &mut effects);
                self.settle(Scope::All, &mut effects);
            }
            Input::Operated(operation) => {
                self.clock = now;
                self.operate_silence(&operation, now, &mut effects);
                self.operate_acknowledgement(operation, &mut effects);
            }
            Input::Rested { feed, until, ahead } => {
                if let Some(state) = self.feeds.get_mut(&feed) {
                    state.rest(until, ahead);
                }
            }
            Input::Slot { feed, evidence } => {
                self.clock = self.clock.max(now);
                self.slot(&feed, evidence, now);
                self.settle(Scope::Moved, &mut effects);
            }
        }
        self.illustrate(&mut effects);
        #[cfg(debug_assertions)]
        super::invariant::check(self, &effects);
        effects
    }

    /// The feeds whose instances were evaluated in the last step, and for which slot: the feed of
    /// the slot, and every composite that waited for it.
    pub fn decided(&self) -> &[(String, Timestamp)] {
        &self.decided
    }

    /// Everything of this feed up to here has been read; `None` before its first poll.
    pub fn read_until(&self, feed: &str) -> Option<Timestamp> {
        self.feeds.get(feed)?.live.read_until()
    }

    /// Whether every SLO of the feed is covered for its longest window; one of the direct path
    /// always is, for it has no past of its own.
    pub fn is_covered(&self, feed: &str, now: Timestamp) -> bool {
        if let Some(covered) = self.composite_coverage(feed, now) {
            return covered >= 1.0;
        }
        self.feeds.get(feed).is_none_or(|state| {
            let covered = |slo: &Arc<Slo>| {
                let longest = slo.reach.longest_window();
                state.covers(&slo.id, longest, now) == Some(1.0)
            };
            state.feed.slos.iter().all(covered)
        })
    }

    /// The SLOs of a covered feed whose period lacks its hours, and where those end.
    pub fn lacks_hours(&self, feed: &str) -> Vec<(Arc<Slo>, Timestamp)> {
        let Some(state) = self.feeds.get(feed) else {
            return Vec::new();
        };
        let lacking = state
            .feed
            .slos
            .iter()
            .filter(|slo| !state.live.hours_read(&slo.id));
        lacking
            .filter_map(|slo| Some((slo.clone(), state.live.covered_from(&slo.id)?)))
            .collect()
    }

    /// The windows of a direct feed that are due to be asked at this slot.
    pub fn due_windows(&self, feed: &str, now: Timestamp) -> Vec<Span> {
        let Some(state) = self.feeds.get(feed) else {
            return Vec::new();
        };
        let Some(slo) = state.feed.slos.first() else {
            return Vec::new();
        };
        let due = |window: Span, asked: Option<Timestamp>| {
            let every = refresh(window, self.options.reading.interval);
            asked.is_none_or(|asked| now.since(asked) >= every)
        };
        let mut windows = slo.reach.windows.clone();
        windows.extend(self.periods_of_composites(feed, slo));
        windows.extend(slo.usual_window(now));
        windows.sort_unstable();
        windows.dedup();
        windows.retain(|window| due(*window, state.asked.get(window).copied()));
        if let Some(period) = slo.period.window(now)
            && due(period, state.asked_period)
            && !windows.contains(&period)
        {
            windows.push(period);
        }
        windows
    }

    /// The counters and windows of a feed, to be saved.
    pub fn measure(&self, feed: &str) -> Option<&Measure> {
        Some(&self.feeds.get(feed)?.live)
    }

    /// How many series are remembered, and how many instances were refused because their SLO has
    /// too many.
    pub fn size(&self) -> (usize, usize) {
        let measures = self.feeds.values().map(|state| &state.live);
        measures.fold((0, 0), |(series, refused), measure| {
            (
                series + measure.series_count(),
                refused + measure.refused_count(),
            )
        })
    }

    /// The open alerts.
    pub fn alerts(&self) -> impl Iterator<Item = &AlertRecord> {
        self.alerts.values()
    }

    /// The routes in force.
    pub fn routing(&self) -> Arc<Routing> {
        self.routing.clone()
    }

    /// Every silence, those that expired a while ago among them.
    pub fn silences(&self) -> impl Iterator<Item = &Silence> {
        self.silences.values()
    }

    /// The open threads.
    pub fn threads(&self) -> impl Iterator<Item = &ThreadRecord> {
        let threads = self.threads.values();
        threads.filter(|thread| !thread.members.is_empty())
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

    fn configure(&mut self, feeds: Vec<Feed>, now: Timestamp) {
        let slos = feeds.iter().flat_map(|feed| &feed.slos);
        let after: BTreeMap<SloId, Arc<Slo>> =
            slos.map(|slo| (slo.id.clone(), slo.clone())).collect();
        let before = std::mem::replace(&mut self.slos, after.clone());
        let same = |id: &SloId| match (before.get(id), after.get(id)) {
            (Some(old), Some(new)) => composite::measures_the_same(old, new, &before, &after),
            _ => false,
        };
        let mut old = std::mem::take(&mut self.feeds);
        for feed in feeds {
            let mut state = old
                .remove(&feed.key)
                .unwrap_or_else(|| FeedState::new(feed.clone()));
            state.live.attach(&feed, &self.options.reading);
            state.keep_what_means_the_same(&feed, same);
            state.fresh = None;
            state.feed = feed;
            self.feeds.insert(state.feed.key.clone(), state);
        }
        self.links = Links::new(self.feeds.values());
        self.dependencies = Dependencies::new(after.values());
        let keys: Vec<AlertKey> = self.alerts.keys().cloned().collect();
        for key in keys {
            let reason = match key.instance().map(|instance| &instance.slo) {
                Some(id) => match (before.get(id), after.get(id)) {
                    (_, None) => Reason::DefinitionRemoved,
                    (Some(_), Some(_)) if !same(id) => Reason::DefinitionChanged,
                    _ => continue,
                },
                None if !after.is_empty() && key == self.source_alert() => continue,
                None => Reason::DefinitionRemoved,
            };
            self.end(&key, reason, now);
        }
    }

    /// The alert that says the source is down.
    pub(super) fn source_alert(&self) -> AlertKey {
        AlertKey::SourceDown {
            source: self.options.source.clone(),
        }
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

    fn slot(&mut self, feed: &str, evidence: Result<Evidence, SourceFailure>, now: Timestamp) {
        let Some(state) = self.feeds.get_mut(feed) else {
            return;
        };
        state.last_slot = state.last_slot.max(now);
        let now = state.last_slot;
        match evidence {
            Ok(evidence) => {
                state.live.blindness.answered();
                if state.take(evidence, &self.options.reading, now) {
                    self.end_gone(feed, now);
                }
            }
            Err(SourceFailure(detail)) => state.live.blindness.failed(detail),
        }
        self.decide(feed, now);
        self.decide_composites(feed);
        self.move_source_alert(now);
    }

    /// Ends the alerts of label sets that have not been seen for long.
    pub(super) fn end_gone(&mut self, feed: &str, now: Timestamp) {
        let Some(state) = self.feeds.get(feed) else {
            return;
        };
        let alerts = self.alerts.keys().filter_map(AlertKey::instance);
        let gone: BTreeSet<InstanceId> = match state.composite() {
            None => {
                let is_gone = |id: &&InstanceId| state.is_gone(id, &self.options.reading);
                alerts.filter(is_gone).cloned().collect()
            }
            Some((slo, composite)) => {
                let split = alerts.filter(|id| id.slo == slo.id && !id.labels.is_empty());
                let split: BTreeSet<InstanceId> = split.cloned().collect();
                let known = match split.is_empty() {
                    true => None,
                    false => self.settled_instances(slo, composite),
                };
                let is_gone =
                    |id: &InstanceId| known.as_ref().is_some_and(|k| !k.contains(&id.labels));
                split.into_iter().filter(is_gone).collect()
            }
        };
        for instance in gone {
            self.end_instance(&instance, Reason::InstanceGone, now);
        }
    }
}

#[cfg(test)]
mod tests;
