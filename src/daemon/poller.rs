//! The owner of the engine: slot, fetch, step, commit, publish, poke.
//!
//! One task owns the [`Engine`]; everybody else sends it [`Event`]s or reads what it published. At
//! each slot every feed is asked for what happened since its last answer; each answer is one step,
//! and its effects are committed in one transaction before the next. A feed that has not answered
//! by its next slot misses that slot, which is counted; slots are never replayed as a burst.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, block_in_place};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::catch_up::CatchUp;
use super::clock::Clock;
use super::delivery::{Deliveries, Prepared};
use super::event::{Answer, Event, News};
use crate::config::settings::Night;
use crate::engine::causes::chain;
use crate::engine::{Effect, Engine, Evidence, Input, SourceFailure, Span, Timestamp};
use crate::http::{Board, Metrics, PollMade, PollStats};
use crate::prometheus::{Client, PolledFeed, SourceError};
use crate::store::{SampleCache, Store};

/// Events that wait for the poller; senders wait beyond that.
pub(super) const EVENTS_MAX: usize = 64;
/// A poll reads so many scrapes more than it must: a sample may become readable late.
pub(super) const OVERLAP_SCRAPES: i64 = 3;
/// Pause before a commit that failed is tried again.
const COMMIT_RETRY: Duration = Duration::from_secs(1);

/// What the poller works with; everything in it outlives a reload.
pub(super) struct Surroundings {
    pub(super) clock: Clock,
    pub(super) interval: Span,
    pub(super) scrape_interval: Span,
    pub(super) store: Store,
    /// Where counters and windows are saved; nowhere in the demo.
    pub(super) cache: Option<Arc<SampleCache>>,
    pub(super) cache_interval: Span,
    /// The key of the addresses of pictures.
    pub(super) picture_key: Option<[u8; 32]>,
    pub(super) board: Board,
    pub(super) metrics: Arc<Metrics>,
}

/// Owns the engine.
pub(super) struct Poller {
    pub(super) around: Surroundings,
    pub(super) engine: Engine,
    pub(super) client: Arc<Client>,
    pub(super) feeds: BTreeMap<String, Arc<PolledFeed>>,
    pub(super) in_flight: BTreeSet<String>,
    /// What the last poll of each feed asked for.
    pub(super) polls: BTreeMap<String, PollMade>,
    pub(super) generation: u64,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) backfill: Option<JoinHandle<()>>,
    pub(super) deliveries: Deliveries,
    pub(super) night: Night,
    pub(super) shutdown: CancellationToken,
}

impl Poller {
    pub(super) fn new(
        around: Surroundings,
        engine: Engine,
        client: Arc<Client>,
        deliveries: Deliveries,
        events: mpsc::Sender<Event>,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            around,
            engine,
            client,
            feeds: BTreeMap::new(),
            in_flight: BTreeSet::new(),
            polls: BTreeMap::new(),
            generation: 0,
            events,
            backfill: None,
            deliveries,
            night: Night::default(),
            shutdown,
        }
    }

    /// The first slot that has not begun.
    pub(super) fn first_slot(&self) -> Timestamp {
        let now = self.around.clock.now();
        let slot = now.align_down(self.around.interval);
        if slot == now {
            slot
        } else {
            slot + self.around.interval
        }
    }

    /// Begins a slot; returns the next one.
    pub(super) fn slot(&mut self, due: Timestamp) -> Timestamp {
        let interval = self.around.interval;
        let now = self.around.clock.now();
        let slot = now.align_down(interval).max(due);
        let missed = slot.since(due).ratio(interval) as u64;
        if missed > 0 {
            warn!(missed, "Slots missed, the process was held up");
            self.around.metrics.slots_missed(missed);
        }
        self.around
            .metrics
            .slot_lag_seconds(now.since(slot).as_secs_f64());
        let polled = self.feeds.values().filter(|feed| !feed.is_composite());
        for feed in polled.cloned().collect::<Vec<_>>() {
            if self.in_flight.insert(feed.key.clone()) {
                self.fetch(feed, slot);
            } else {
                debug!(
                    feed = feed.key,
                    "Slot missed, the last poll is still under way"
                );
                self.around.metrics.slots_missed(1);
            }
        }
        slot + interval
    }

    fn fetch(&mut self, feed: Arc<PolledFeed>, slot: Timestamp) {
        let (client, events, generation) =
            (self.client.clone(), self.events.clone(), self.generation);
        let overlap = self.overlap();
        let from = self.engine.read_until(&feed.key).unwrap_or(slot - overlap);
        let windows = self.engine.due_windows(&feed.key, slot);
        let poll = PollMade {
            from: from - overlap,
            slot,
            windows: windows.clone(),
        };
        self.polls.insert(feed.key.clone(), poll);
        tokio::spawn(async move {
            let started = tokio::time::Instant::now();
            let answer = match feed.is_direct() {
                true => feed.ask(&client, &windows, slot).await.map(Answer::Windows),
                false => {
                    let reading = CatchUp {
                        feed: &feed,
                        client: &client,
                        events: &events,
                        generation,
                    };
                    reading.up_to(from, slot, overlap).await
                }
            };
            let seconds = started.elapsed().as_secs_f64();
            let event = Event {
                generation,
                feed: feed.key.clone(),
                news: News::Answered {
                    slot,
                    seconds,
                    answer,
                },
                taken: None,
            };
            // The poller is gone only when the process ends.
            let _gone = events.send(event).await;
        });
    }

    pub(super) fn overlap(&self) -> Span {
        self.around.scrape_interval.times(OVERLAP_SCRAPES)
    }

    /// Takes one event.
    pub(super) async fn take(&mut self, event: Event) {
        let Event {
            generation,
            feed,
            news,
            taken,
        } = event;
        if generation != self.generation {
            return;
        }
        match news {
            News::Answered {
                slot,
                seconds,
                answer,
            } => {
                self.in_flight.remove(&feed);
                self.decide(feed, slot, seconds, answer).await;
            }
            News::Read {
                into,
                from,
                until,
                series,
            } => {
                self.step(
                    until,
                    Input::Read {
                        feed,
                        into,
                        from,
                        until,
                        series,
                    },
                )
                .await;
            }
            News::Swapped { reach } => {
                let now = self.around.clock.now();
                self.step(now, Input::Swapped { feed: feed.clone() }).await;
                let longest = self.feeds.get(&feed).map_or(reach, |feed| feed.reach());
                self.around
                    .board
                    .set_coverage(&feed, reach.ratio(longest).min(1.0));
                self.publish_composite_coverage(now);
                self.save(&feed);
            }
            News::History {
                slo,
                hours,
                complete,
            } => {
                let now = self.around.clock.now();
                let input = Input::History {
                    feed: feed.clone(),
                    slo,
                    hours,
                    complete,
                };
                self.step(now, input).await;
            }
        }
        if let Some(taken) = taken {
            // Nobody may be waiting any more, which is no concern of ours.
            let _nobody = taken.send(());
        }
    }

    async fn decide(
        &mut self,
        feed: String,
        slot: Timestamp,
        seconds: f64,
        answer: Result<Answer, SourceError>,
    ) {
        let evidence = match answer {
            Ok(Answer::Samples { from, series }) => {
                let samples = series.iter().map(|series| series.samples.len()).sum();
                self.around
                    .metrics
                    .poll(Ok(stats(seconds, series.len(), samples)));
                Ok(Evidence::Samples { from, series })
            }
            Ok(Answer::Windows(answers)) => {
                let series = answers.iter().map(|(_, ratios)| ratios.len()).sum();
                self.around.metrics.poll(Ok(stats(seconds, series, series)));
                Ok(Evidence::Windows(answers))
            }
            Err(error) => {
                self.around.metrics.poll(Err(error.kind()));
                warn!(feed, error = chain(&error), "Poll failed");
                Err(SourceFailure(chain(&error)))
            }
        };
        self.step(
            slot,
            Input::Slot {
                feed: feed.clone(),
                evidence,
            },
        )
        .await;
        for (feed, at) in self.engine.decided().to_vec() {
            self.publish(&feed, at);
        }
        let (series, refused) = self.engine.size();
        self.around.metrics.measured(series as u64, refused as u64);
        // The burn of an open alert moves at every slot, its state does not.
        self.around
            .board
            .publish_alerts(self.engine.alerts().cloned().collect());
    }

    /// One step: decide, commit, publish, poke. Says whether it is committed: not when the daemon
    /// is told to stop while the store refuses.
    pub(super) async fn step(&mut self, now: Timestamp, input: Input) -> bool {
        let decides = matches!(input, Input::Slot { .. });
        let started = tokio::time::Instant::now();
        let effects = block_in_place(|| self.engine.step(now, input));
        if decides {
            let seconds = started.elapsed().as_secs_f64();
            self.around.metrics.step_seconds(seconds);
        }
        if effects.is_empty() {
            return true;
        }
        let committed = self.commit(now, &effects).await;
        self.report(&effects);
        self.around
            .board
            .publish_alerts(self.engine.alerts().cloned().collect());
        self.publish_notices();
        committed
    }

    /// Commits the effects of a step. No step is taken past an uncommitted one: while the store
    /// refuses, the poller waits here, and readiness tells.
    async fn commit(&mut self, now: Timestamp, effects: &[Effect]) -> bool {
        loop {
            let started = tokio::time::Instant::now();
            match block_in_place(|| self.around.store.commit(now, effects)) {
                Ok(committed) => {
                    self.around
                        .metrics
                        .store_commit_seconds(started.elapsed().as_secs_f64());
                    self.deliveries.poke(&committed.receivers);
                    return true;
                }
                Err(error) => {
                    self.around.metrics.store_errors(1);
                    error!(
                        error = chain(&error),
                        "Committing decisions failed, will retry"
                    );
                    tokio::select! {
                        () = tokio::time::sleep(COMMIT_RETRY) => {}
                        () = self.shutdown.cancelled() => return false,
                    }
                }
            }
        }
    }

    /// Tells the engine that time passes; returns the time.
    pub(super) async fn tick(&mut self) -> Timestamp {
        let now = self.around.clock.now();
        self.step(now, Input::Tick).await;
        now
    }

    /// How often state is saved.
    pub(super) fn cache_interval(&self) -> Span {
        self.around.cache_interval
    }

    /// Replaces the workers by those of another configuration.
    pub(super) fn start_deliveries(&mut self, prepared: Prepared) {
        self.deliveries.start(prepared, &self.around);
    }

    /// When people sleep.
    pub(super) fn set_night(&mut self, night: Night) {
        self.night = night;
    }

    /// The deliveries, to be asked, and drained at the end.
    pub(super) fn deliveries(&mut self) -> &mut Deliveries {
        &mut self.deliveries
    }
}

fn stats(seconds: f64, series: usize, samples: usize) -> PollStats {
    PollStats {
        seconds,
        series: series as u64,
        samples: samples as u64,
    }
}
