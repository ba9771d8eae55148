//! Saving counters and windows, so that a restart need not read them again.

use tokio::task::block_in_place;
use tracing::warn;

use super::poller::Poller;
use crate::engine::causes::chain;

impl Poller {
    /// Saves the counters and windows of every feed.
    pub(super) fn save_all(&self) {
        for feed in self.feeds.keys() {
            self.save(feed);
        }
        if let Some(cache) = &self.around.cache {
            let keys = self.feeds.keys().cloned().collect();
            if let Err(error) = block_in_place(|| cache.retain(&keys)) {
                warn!(
                    error = chain(&error),
                    "Removing the saved samples of old feeds failed"
                );
            }
        }
    }

    /// Saves one feed.
    pub(super) fn save(&self, feed: &str) {
        let (Some(cache), Some(measure)) = (&self.around.cache, self.engine.measure(feed)) else {
            return;
        };
        if measure.read_until().is_none() {
            return;
        }
        let started = tokio::time::Instant::now();
        let saved = block_in_place(|| {
            cache.write(feed, |file| {
                let written = postcard::to_io(measure, file);
                written.map(|_| ()).map_err(std::io::Error::other)
            })
        });
        self.around
            .metrics
            .cache_write_seconds(started.elapsed().as_secs_f64());
        if let Err(error) = saved {
            warn!(
                feed,
                error = chain(&error),
                "Saving samples failed, a restart will read them again"
            );
        }
    }
}
