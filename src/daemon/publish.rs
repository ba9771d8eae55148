//! What the engine has come to, put where the server reads it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::poller::Poller;
use crate::config::settings::SourceSettings;
use crate::engine::{Outcome, Timestamp};
use crate::http::{AskedQuery, Notices, PollMade, Questions};
use crate::prometheus::{Asked, PolledFeed};

/// What a feed asks, written only when somebody wants to know.
pub(super) fn questions(feed: Arc<PolledFeed>, source: SourceSettings) -> Questions {
    Questions::new(move |poll: &PollMade| {
        let asked = feed.asked(poll.from, poll.slot, &poll.windows);
        let query = |asked: &Asked| AskedQuery {
            promql: asked.promql().to_owned(),
            curl: asked.curl(&source),
        };
        asked.iter().map(query).collect()
    })
}

impl Poller {
    /// Publishes what a slot of a feed has come to.
    pub(super) fn publish(&self, feed: &str, at: Timestamp) {
        let Some((_, evaluations)) = self.engine.evaluations(feed) else {
            return;
        };
        let mut outcomes: BTreeMap<Outcome, u64> = BTreeMap::new();
        for evaluation in &evaluations {
            *outcomes.entry(evaluation.outcome).or_default() += 1;
        }
        for (outcome, count) in outcomes {
            self.around.metrics.slot(outcome, count);
        }
        self.around.board.publish_slot(feed, at, evaluations);
        if let Some(poll) = self.polls.get(feed).filter(|poll| poll.slot == at) {
            self.around.board.publish_poll(feed, poll.clone());
        }
    }

    /// Publishes who is told and when not.
    pub(super) fn publish_notices(&self) {
        self.around.board.publish_notices(Notices {
            routing: self.engine.routing(),
            silences: self.engine.silences().cloned().collect(),
            threads: self.engine.threads().cloned().collect(),
        });
    }

    /// Publishes how much of their windows composites can read by now.
    pub(super) fn publish_composite_coverage(&self, now: Timestamp) {
        for feed in self.feeds.keys() {
            if let Some(covered) = self.engine.composite_coverage(feed, now) {
                self.around.board.set_coverage(feed, covered);
            }
        }
    }
}
