//! Virtual time: a [`Player`] drives one engine over a [`Reel`], slot by slot, as the daemon would
//! have been driven at the time.

mod stride;

use std::sync::Arc;

use stride::Lane;

use super::reel::{Reel, ReelError};
use crate::engine::{
    Book, Effect, Engine, Evidence, Feed, Input, Memories, Operation, Options, RawSeries, Routing,
    Slo, SourceFailure, Span, Timestamp,
};
use crate::prometheus::PolledFeed;

/// One question to the reel covers at most so much time: memory is bounded by what it brings.
const STRETCH: Span = Span::from_hours(3);
/// Samples this many scrapes older than the seam are read with the past, as the daemon does.
const OVERLAP_SCRAPES: i64 = 3;

/// What is played, and how.
#[derive(Clone, Debug)]
pub struct Script {
    /// The SLOs.
    pub slos: Vec<Arc<Slo>>,
    /// Who is told, and when not.
    pub routing: Routing,
    /// How samples are read, and how long a slot is.
    pub options: Options,
    /// How often the engine is told that time passes while something is open. The daemon does so
    /// each second; a replay of a month need not.
    pub tick: Span,
}

/// Sees every step.
pub trait Watcher {
    /// A step has been taken: what followed from it, and how the engine stands now.
    fn see(&mut self, now: Timestamp, effects: &[Effect], engine: &Engine);
}

/// Sees nothing.
impl Watcher for () {
    fn see(&mut self, _now: Timestamp, _effects: &[Effect], _engine: &Engine) {}
}

/// One engine in virtual time.
#[derive(Debug)]
pub struct Player {
    engine: Engine,
    feeds: Vec<Arc<PolledFeed>>,
    interval: Span,
    scrape_interval: Span,
    tick: Span,
    now: Timestamp,
    strides: bool,
}

impl Player {
    /// An engine that has read the past of its windows up to `at` (aligned down to a slot), like a
    /// daemon that has finished its backfill: exactly as far back as tier windows reach, hour by
    /// hour for the rest of the period.
    ///
    /// # Errors
    ///
    /// The reel cannot be read.
    pub fn begin(script: &Script, reel: &mut dyn Reel, at: Timestamp) -> Result<Self, ReelError> {
        let feeds = PolledFeed::plan(&script.slos);
        let interval = script.options.reading.interval;
        let now = at.align_down(interval);
        let mut player = Self {
            engine: Engine::new(script.options.clone(), Memories::default()),
            interval,
            scrape_interval: script.options.reading.scrape_interval,
            tick: script.tick.max(Span::from_secs(1)),
            feeds,
            now,
            strides: false,
        };
        let feeds = player.feeds.iter();
        let feeds = feeds.map(|feed| Feed::new(feed.key.clone(), feed.slos.clone()));
        let configured = Input::Configured {
            feeds: feeds.collect(),
            routing: script.routing.clone(),
        };
        player.engine.step(now, configured);
        for feed in player.feeds.clone() {
            player.read_past(&feed, reel)?;
        }
        Ok(player)
    }

    /// Whether slots at which [nothing can happen](Engine::calm) to an SLO are left out: its samples
    /// are read in one step and only the end of such a stride is decided, three hours later at
    /// most. Alerts and messages come out the same, at the same times. A watcher that looks at the
    /// evaluations of quiet slots sees fewer of them. Off unless asked for.
    #[must_use]
    pub fn with_strides(mut self, strides: bool) -> Self {
        self.strides = strides;
        self
    }

    /// The last slot that was played, or where the player began.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The engine as it stands.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What is polled together.
    pub fn feeds(&self) -> &[Arc<PolledFeed>] {
        &self.feeds
    }

    /// An operator asks for something at the present.
    pub fn operate(&mut self, operation: Operation, watcher: &mut dyn Watcher) {
        let now = self.now;
        self.step(now, Input::Operated(operation), watcher);
    }

    /// Plays every slot in `(now, until]`.
    ///
    /// # Errors
    ///
    /// The reel cannot be read; the slots before have been played.
    pub fn play(
        &mut self,
        reel: &mut dyn Reel,
        until: Timestamp,
        watcher: &mut dyn Watcher,
    ) -> Result<(), ReelError> {
        let until = until.align_down(self.interval);
        while self.now < until {
            let end = (self.now + STRETCH.max(self.interval)).min(until);
            self.play_stretch(reel, end.align_down(self.interval), watcher)?;
        }
        Ok(())
    }

    fn play_stretch(
        &mut self,
        reel: &mut dyn Reel,
        until: Timestamp,
        watcher: &mut dyn Watcher,
    ) -> Result<(), ReelError> {
        let mut lanes = Vec::new();
        for feed in self.feeds.clone() {
            if feed.is_composite() {
                continue;
            }
            let series = match feed.is_direct() {
                true => Vec::new(),
                false => reel.samples(&feed, self.now, until)?,
            };
            lanes.push(Lane::new(feed, series));
        }
        while self.now < until {
            let before = self.now;
            let slot = before + self.interval;
            self.pass_time(slot, watcher);
            self.now = slot;
            for lane in &mut lanes {
                if self.strides {
                    lane.plan(&mut self.engine, reel, before, until, self.interval);
                }
                if lane.rests(slot) {
                    continue;
                }
                let evidence = match reel.failure(&lane.feed, slot) {
                    Some(failure) => Err(failure),
                    None => Ok(self.evidence(lane, reel, slot)?),
                };
                self.slot(&lane.feed, evidence, watcher);
            }
        }
        // What a failing source has not told by the end of the stretch is told after it.
        for lane in &mut lanes {
            let series = lane.take_until(until);
            if !series.is_empty() {
                let from = self.engine.read_until(&lane.feed.key);
                let from = from.unwrap_or(until - self.interval);
                self.read(&lane.feed, Book::Live, from, until, series);
            }
        }
        Ok(())
    }

    fn evidence(
        &self,
        lane: &mut Lane,
        reel: &mut dyn Reel,
        slot: Timestamp,
    ) -> Result<Evidence, ReelError> {
        let feed = &lane.feed;
        if feed.is_direct() {
            let windows = self.engine.due_windows(&feed.key, slot);
            let answer = |window| Ok((window, reel.answer(feed, window, slot)?));
            let answers: Result<_, ReelError> = windows.into_iter().map(answer).collect();
            return Ok(Evidence::Windows(answers?));
        }
        let from = self.engine.read_until(&feed.key);
        Ok(Evidence::Samples {
            from: from.unwrap_or(slot - self.interval),
            series: lane.take_until(slot),
        })
    }

    fn slot(
        &mut self,
        feed: &PolledFeed,
        evidence: Result<Evidence, SourceFailure>,
        watcher: &mut dyn Watcher,
    ) {
        let input = Input::Slot {
            feed: feed.key.clone(),
            evidence,
        };
        let now = self.now;
        self.step(now, input, watcher);
    }

    /// Ticks up to a slot, while anything is open that could wait for a time.
    fn pass_time(&mut self, slot: Timestamp, watcher: &mut dyn Watcher) {
        let mut at = self.now;
        while at < slot {
            at = (at + self.tick).min(slot);
            let engine = &self.engine;
            let waits = engine.alerts().next().is_some()
                || engine.threads().next().is_some()
                || engine.silences().next().is_some();
            if waits {
                self.step(at, Input::Tick, watcher);
            }
        }
    }

    fn step(&mut self, now: Timestamp, input: Input, watcher: &mut dyn Watcher) {
        let effects = self.engine.step(now, input);
        watcher.see(now, &effects, &self.engine);
    }

    fn read(
        &mut self,
        feed: &PolledFeed,
        into: Book,
        from: Timestamp,
        until: Timestamp,
        series: Vec<RawSeries>,
    ) {
        let input = Input::Read {
            feed: feed.key.clone(),
            into,
            from,
            until,
            series,
        };
        self.engine.step(until, input);
    }

    fn read_past(&mut self, feed: &PolledFeed, reel: &mut dyn Reel) -> Result<(), ReelError> {
        if feed.is_direct() || feed.is_composite() {
            return Ok(());
        }
        const HOUR: Span = Span::from_hours(1);
        let overlap = self.scrape_interval.times(OVERLAP_SCRAPES);
        let seam = (self.now - feed.reach() - overlap).align_down(HOUR);
        let (mut from, mut begin) = (seam, true);
        while from < self.now {
            let until = (from + STRETCH).min(self.now);
            let asked_from = if begin { from - overlap } else { from };
            let series = reel.samples(feed, asked_from, until)?;
            self.read(feed, Book::Fresh { begin }, from, until, series);
            (from, begin) = (until, false);
        }
        let now = self.now;
        let swapped = Input::Swapped {
            feed: feed.key.clone(),
        };
        self.engine.step(now, swapped);
        if feed.slice().is_some() {
            return Ok(());
        }
        for slo in &feed.slos {
            let hours = reel.hours(slo, now - slo.reach.period, seam)?;
            let history = Input::History {
                feed: feed.key.clone(),
                slo: slo.id.clone(),
                hours,
                complete: true,
            };
            self.engine.step(now, history);
        }
        Ok(())
    }
}

#[cfg(test)]
pub(in crate::replay) mod tests;
