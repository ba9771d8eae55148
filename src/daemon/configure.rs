//! Putting definitions in force: at start and at every reload the same way.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::task::block_in_place;
use tracing::info;

use super::backfill::{Backfill, Job, Samples};
use super::poller::Poller;
use crate::engine::{Feed, Input, Measure, Routing, Span};
use crate::prometheus::{Client, PolledFeed};

impl Poller {
    /// Replaces the definitions: what is measured carries over where it means the same.
    pub(super) async fn configure(
        &mut self,
        feeds: Vec<Arc<PolledFeed>>,
        routing: Routing,
        client: Arc<Client>,
    ) {
        self.generation += 1;
        self.in_flight.clear();
        self.polls.clear();
        if let Some(backfill) = self.backfill.take() {
            backfill.abort();
        }
        self.client = client;
        let known: BTreeSet<String> = self.feeds.keys().cloned().collect();
        self.feeds = feeds
            .into_iter()
            .map(|feed| (feed.key.clone(), feed))
            .collect();
        let engine_feeds = self.feeds.values();
        let engine_feeds = engine_feeds.map(|feed| Feed::new(feed.key.clone(), feed.slos.clone()));
        let input = Input::Configured {
            feeds: engine_feeds.collect(),
            routing,
        };
        let now = self.around.clock.now();
        self.step(now, input).await;
        self.publish_notices();
        self.resume(&known).await;
        self.start_backfill();
    }

    /// Loads the saved state of feeds that are new to this process.
    async fn resume(&mut self, known: &BTreeSet<String>) {
        let Some(cache) = self.around.cache.clone() else {
            return;
        };
        let now = self.around.clock.now();
        for feed in self.feeds.values().cloned().collect::<Vec<_>>() {
            if known.contains(&feed.key) || feed.is_direct() {
                continue;
            }
            let saved = block_in_place(|| cache.read(&feed.key));
            let Some(measure) =
                saved.and_then(|bytes| postcard::from_bytes::<Measure>(&bytes).ok())
            else {
                continue;
            };
            // Older than everything that is decided on: reading anew costs no more.
            let horizon = now
                - feed
                    .slos
                    .iter()
                    .map(|slo| slo.reach.longest_window())
                    .max()
                    .unwrap_or(Span::ZERO);
            if measure
                .read_until()
                .is_some_and(|until| until > horizon && until <= now)
            {
                let input = Input::Resumed {
                    feed: feed.key.clone(),
                    measure: Box::new(measure),
                };
                self.step(now, input).await;
                info!(feed = feed.key, "Saved samples resumed");
            }
        }
    }

    fn start_backfill(&mut self) {
        let jobs = self
            .feeds
            .values()
            .filter(|feed| !feed.is_direct() && !feed.is_composite())
            .map(|feed| self.job(feed));
        let jobs: Vec<Job> = jobs.collect();
        for job in &jobs {
            let covered = if job.samples == Samples::None {
                1.0
            } else {
                0.0
            };
            self.around.board.set_coverage(&job.feed.key, covered);
        }
        self.publish_composite_coverage(self.around.clock.now());
        let backfill = Backfill {
            client: self.client.clone(),
            clock: self.around.clock.clone(),
            events: self.events.clone(),
            generation: self.generation,
            overlap: self.overlap(),
            interval: self.around.interval,
        };
        self.backfill = Some(tokio::spawn(backfill.run(jobs)));
    }

    /// What is missing of a feed.
    fn job(&self, feed: &Arc<PolledFeed>) -> Job {
        let now = self.around.clock.now();
        let covered = self.engine.is_covered(&feed.key, now);
        let samples = match self.engine.read_until(&feed.key) {
            _ if covered => Samples::None,
            Some(_) => Samples::Whole,
            None => Samples::EarlyFirst,
        };
        let seam = (now - feed.reach() - self.overlap()).align_down(Span::from_hours(1));
        let hours = match (feed.slice(), samples) {
            (Some(_), _) => Vec::new(),
            (None, Samples::None) => self.engine.lacks_hours(&feed.key),
            (None, _) => feed.slos.iter().map(|slo| (slo.clone(), seam)).collect(),
        };
        Job {
            feed: feed.clone(),
            samples,
            seam,
            hours,
        }
    }
}
