//! Reading the past at start and after a reload: short windows first, so that paging works at once.
//!
//! Each pass reads a feed's samples anew, from further back than the last one, into a fresh measure
//! that takes the place of the old one when it reaches the present; live slots go on meanwhile.
//! Passes are cheap against the longest (1 h + 6 h before 3 d is a tenth more), and reading forward
//! in time keeps the arithmetic of counters in one place. Then the hours of the rest of the period
//! are asked for, gently: they only serve the budget.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tracing::{info, warn};

use super::clock::Clock;
use super::event::{Event, News};
use crate::engine::causes::chain;
use crate::engine::{Book, Slo, Span, Timestamp};
use crate::prometheus::{self, Client, PolledFeed, SourceError};

/// Windows that are made ready before the longest one.
const EARLY_PASSES: [Span; 2] = [Span::from_hours(1), Span::from_hours(6)];
/// One request reads at most so much time; less where the source finds it too much.
const STRETCH: Span = Span::from_hours(3);
/// Smaller stretches are not tried.
const STRETCH_MIN: Span = Span::from_mins(5);
/// The first stretch of a pass, when nobody knows how many series will answer.
const STRETCH_FIRST: Span = Span::from_mins(10);
/// Samples that one request should bring: about 20 MB of JSON, and five times that while they are
/// booked.
const SAMPLES_WANTED: usize = 1_000_000;
/// A stretch grows at most so many times at once.
const GROWTH_MAX: f64 = 8.0;
/// One request for hourly sums covers so much time.
const HOURS_STRETCH: Span = Span::from_days(5);
/// Less is not tried.
const HOURS_STRETCH_MIN: Span = Span::from_hours(6);
/// After a request for hourly sums, a pause so many times as long: at most a quarter of one
/// Prometheus core goes into the past.
const PAUSE_FACTOR: u32 = 3;
/// Pause before a failed request is tried again; doubles.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Longest such pause.
const RETRY_MAX: Duration = Duration::from_secs(60);

/// What a backfill works with.
pub(super) struct Backfill {
    pub(super) client: Arc<Client>,
    pub(super) clock: Clock,
    pub(super) events: mpsc::Sender<Event>,
    /// Tells the poller's configuration apart from earlier ones.
    pub(super) generation: u64,
    /// Samples this much older than a stretch are read with it, so that no scrape is lost at the
    /// seam.
    pub(super) overlap: Span,
    /// Time between slots: the past is read up to the last of them, so that the first one that is
    /// decided afterwards knows nothing of what came after it.
    pub(super) interval: Span,
}

/// What is missing of one feed.
pub(super) struct Job {
    pub(super) feed: Arc<PolledFeed>,
    /// Whether its samples are to be read.
    pub(super) samples: Samples,
    /// Exact samples begin here, on the hour.
    pub(super) seam: Timestamp,
    /// SLOs whose period lacks its hours, and where their exact samples begin.
    pub(super) hours: Vec<(Arc<Slo>, Timestamp)>,
}

/// Which samples of a feed are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Samples {
    /// None: it is covered.
    None,
    /// All of them at once: the feed decides already, only a new SLO is waiting.
    Whole,
    /// Short windows first: nothing decides yet.
    EarlyFirst,
}

/// The poller is gone, or has another configuration.
struct Stopped;

impl Backfill {
    /// Reads the past of these feeds until nothing is missing.
    pub(super) async fn run(self, jobs: Vec<Job>) {
        if self.read_samples(&jobs).await.is_err() {
            return;
        }
        for job in &jobs {
            for (slo, seam) in &job.hours {
                if self.read_hours(&job.feed, slo, *seam).await.is_err() {
                    return;
                }
            }
        }
    }

    /// Every feed up to an hour, then every feed up to six, then every feed whole.
    async fn read_samples(&self, jobs: &[Job]) -> Result<(), Stopped> {
        for early in EARLY_PASSES {
            for job in jobs.iter().filter(|job| job.samples == Samples::EarlyFirst) {
                let now = self.clock.now();
                if job.feed.reach() > early {
                    self.pass(&job.feed, early, now - early - self.overlap)
                        .await?;
                }
            }
        }
        for job in jobs.iter().filter(|job| job.samples != Samples::None) {
            self.pass(&job.feed, job.feed.reach(), job.seam).await?;
        }
        Ok(())
    }

    /// One reading of a feed, from `begin_at` to the last slot; then windows up to `reach` decide.
    async fn pass(
        &self,
        feed: &PolledFeed,
        reach: Span,
        begin_at: Timestamp,
    ) -> Result<(), Stopped> {
        let mut longest = feed.stretch_max(STRETCH);
        let mut stretch = match feed.slice() {
            Some(_) => longest,
            None => longest.min(STRETCH_FIRST),
        };
        let mut from = begin_at;
        let mut begin = true;
        let mut retry = RETRY_FIRST;
        loop {
            let now = self.clock.now().align_down(self.interval);
            let until = (from + stretch).min(now);
            match feed.read(&self.client, from - self.overlap, until).await {
                Ok(series) => {
                    let samples = series.iter().map(|series| series.samples.len()).sum();
                    stretch = fitting(stretch, samples, longest);
                    let into = Book::Fresh { begin };
                    self.send(
                        feed,
                        News::Read {
                            into,
                            from,
                            until,
                            series,
                        },
                    )
                    .await?;
                    (begin, from, retry) = (false, until, RETRY_FIRST);
                    if until == now {
                        break;
                    }
                }
                Err(error) if is_too_much(&error) && stretch > STRETCH_MIN => {
                    stretch = stretch.scale(0.5).max(STRETCH_MIN);
                    longest = stretch;
                }
                Err(error) => {
                    warn!(
                        feed = feed.key,
                        error = chain(&error),
                        "Reading history failed, will retry"
                    );
                    tokio::time::sleep(retry).await;
                    retry = (retry * 2).min(RETRY_MAX);
                }
            }
        }
        info!(feed = feed.key, reach = %reach, "History read");
        self.send(feed, News::Swapped { reach }).await
    }

    /// The hours of one SLO's period before what is read sample by sample, newest first.
    async fn read_hours(
        &self,
        feed: &PolledFeed,
        slo: &Slo,
        seam: Timestamp,
    ) -> Result<(), Stopped> {
        let oldest = self.clock.now() - slo.reach.period;
        let mut until = seam;
        let mut stretch = HOURS_STRETCH;
        let mut retry = RETRY_FIRST;
        while until > oldest {
            let from = (until - stretch).max(oldest);
            let started = tokio::time::Instant::now();
            match prometheus::hours(&self.client, slo, from, until).await {
                Ok(hours) => {
                    let news = News::History {
                        slo: slo.id.clone(),
                        hours,
                        complete: from == oldest,
                    };
                    self.send(feed, news).await?;
                    (until, retry) = (from, RETRY_FIRST);
                    tokio::time::sleep(started.elapsed() * PAUSE_FACTOR).await;
                }
                Err(error) if is_too_much(&error) && stretch > HOURS_STRETCH_MIN => {
                    stretch = stretch.scale(0.5).max(HOURS_STRETCH_MIN);
                }
                Err(error) if error.is_retryable() => {
                    tokio::time::sleep(retry).await;
                    retry = (retry * 2).min(RETRY_MAX);
                }
                Err(error) => {
                    let (slo, error) = (slo.id.as_str(), chain(&error));
                    warn!(
                        slo,
                        error, "Reading the period failed, its budget is estimated"
                    );
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Hands news over and waits until it is taken: memory stays bounded by one stretch.
    async fn send(&self, feed: &PolledFeed, news: News) -> Result<(), Stopped> {
        let (taken, wait) = oneshot::channel();
        let event = Event {
            generation: self.generation,
            feed: feed.key.clone(),
            news,
            taken: Some(taken),
        };
        self.events.send(event).await.map_err(|_| Stopped)?;
        wait.await.map_err(|_| Stopped)
    }
}

/// The stretch after one that brought so many samples: as long as memory allows.
fn fitting(stretch: Span, samples: usize, longest: Span) -> Span {
    let growth = SAMPLES_WANTED as f64 / samples.max(1) as f64;
    let wanted = stretch.scale(growth.min(GROWTH_MAX));
    wanted.max(STRETCH_MIN).min(longest)
}

/// Errors that a smaller request may not meet.
fn is_too_much(error: &SourceError) -> bool {
    matches!(
        error,
        SourceError::BadQuery { .. } | SourceError::TooLarge { .. } | SourceError::Timeout { .. }
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Samples of a stretch when so many series are scraped each 15 s.
    fn samples(series: usize, stretch: Span) -> usize {
        series * stretch.ratio(Span::from_secs(15)) as usize
    }

    #[test]
    fn few_series_are_read_in_long_stretches_at_once() {
        let second = fitting(STRETCH_FIRST, samples(900, STRETCH_FIRST), STRETCH);
        assert_eq!(second, Span::from_mins(80));
        assert_eq!(fitting(second, samples(900, second), STRETCH), STRETCH);
    }

    #[test]
    fn silence_makes_the_stretch_longer() {
        assert_eq!(fitting(STRETCH_MIN, 0, STRETCH), Span::from_mins(40));
    }

    proptest! {
        #[test]
        fn no_stretch_after_the_first_brings_more_than_wanted(
            series in 1..45_000_usize,
            minutes in 5..180_i64,
        ) {
            let next = fitting(
                Span::from_mins(minutes),
                samples(series, Span::from_mins(minutes)),
                STRETCH,
            );
            prop_assert!((STRETCH_MIN..=STRETCH).contains(&next));
            prop_assert!(samples(series, next) <= SAMPLES_WANTED);
        }
    }
}
