//! Reading the past at start and after a reload, in the shape of `daemon/backfill.rs`: short
//! windows first, then everything, then the hours of the period.

use std::collections::VecDeque;
use std::sync::Arc;

use slofuse::engine::{Book, Slo, Span, Timestamp};
use slofuse::prometheus::PolledFeed;

use crate::node::{Life, News, What};
use crate::world::{Event, World};

/// Windows that are made ready before the longest one. The world's policies read an hour.
const EARLY: Span = Span::from_mins(60);
/// One request reads at most so much time.
const STRETCH: Span = Span::from_hours(3);
/// The first stretch of a pass.
const STRETCH_FIRST: Span = Span::from_mins(10);
const HOUR: Span = Span::from_hours(1);

/// What is still to be read.
#[derive(Debug, Default)]
pub(crate) struct Backfill {
    passes: VecDeque<(Arc<PolledFeed>, Depth)>,
    reading: Option<Reading>,
    hours: VecDeque<(Arc<PolledFeed>, Arc<Slo>, Timestamp)>,
}

#[derive(Clone, Copy, Debug)]
enum Depth {
    Early,
    Whole(Timestamp),
}

#[derive(Debug)]
struct Reading {
    feed: Arc<PolledFeed>,
    from: Timestamp,
    begin: bool,
    stretch: Span,
    /// The true time of the last question that was answered.
    asked: i64,
    /// The last stretch has been read.
    done: bool,
    retry: i64,
}

impl World {
    /// Finds out what is missing, and begins.
    pub(crate) fn start_backfill(&mut self) {
        let now = self.clock();
        let node = self.node();
        let mut backfill = Backfill::default();
        let feeds = node.feeds.values();
        let feeds = feeds.filter(|feed| !feed.is_direct() && !feed.is_composite());
        let mut whole = Vec::new();
        for feed in feeds {
            let covered = node.engine.is_covered(&feed.key, now);
            let seam = (now - feed.reach() - node.overlap).align_down(HOUR);
            if !covered {
                if node.engine.read_until(&feed.key).is_none() && feed.reach() > EARLY {
                    backfill.passes.push_back((feed.clone(), Depth::Early));
                }
                whole.push((feed.clone(), Depth::Whole(seam)));
            }
            if feed.slice().is_none() {
                let lacking = match covered {
                    true => node.engine.lacks_hours(&feed.key),
                    false => feed.slos.iter().map(|slo| (slo.clone(), seam)).collect(),
                };
                let lacking = lacking.into_iter();
                backfill
                    .hours
                    .extend(lacking.map(|(slo, seam)| (feed.clone(), slo, seam)));
            }
        }
        backfill.passes.extend(whole);
        node.backfill = backfill;
        self.backfill_on();
    }

    /// The next question is due.
    pub(crate) fn backfill_on(&mut self) {
        let node = self.node();
        let (life, generation) = (node.life, node.generation);
        self.after(1, Event::Backfill { life, generation });
    }

    /// Asks the next question, if there is one; its answer is news.
    pub(crate) fn backfill(&mut self, generation: u64) -> Life {
        let now = self.clock();
        let node = self.node();
        if node.generation != generation {
            return Ok(());
        }
        let (life, overlap, interval) = (node.life, node.overlap, node.interval);
        if node.backfill.reading.is_none() {
            let Some((feed, depth)) = node.backfill.passes.pop_front() else {
                self.read_hours();
                return Ok(());
            };
            let from = match depth {
                Depth::Early => now - EARLY - overlap,
                Depth::Whole(seam) => seam,
            };
            node.backfill.reading = Some(Reading {
                feed,
                from,
                begin: true,
                stretch: STRETCH_FIRST,
                asked: 0,
                done: false,
                retry: 1_000,
            });
        }
        let Some(mut reading) = node.backfill.reading.take() else {
            return Ok(());
        };
        let feed = reading.feed.clone();
        let news = |what| News {
            generation,
            feed: feed.key.clone(),
            what,
            backfill: true,
        };
        if reading.done {
            self.after(
                0,
                Event::News {
                    life,
                    news: news(What::Swapped {
                        asked: reading.asked,
                    }),
                },
            );
            return Ok(());
        }
        let now = now.align_down(interval);
        let until = (reading.from + reading.stretch).min(now);
        let latency = self.latency();
        match self.ask(&feed, reading.from - overlap, until) {
            Ok(series) => {
                let (from, into) = (
                    reading.from,
                    Book::Fresh {
                        begin: reading.begin,
                    },
                );
                let what = What::Read {
                    into,
                    from,
                    until,
                    series,
                };
                self.after(
                    latency,
                    Event::News {
                        life,
                        news: news(what),
                    },
                );
                reading.stretch = reading.stretch.times(8).min(STRETCH);
                (reading.begin, reading.from, reading.retry) = (false, until, 1_000);
                reading.asked = self.now;
                reading.done = until == now;
            }
            Err(_) => {
                self.after(reading.retry, Event::Backfill { life, generation });
                reading.retry = (reading.retry * 2).min(60_000);
            }
        }
        self.node().backfill.reading = Some(reading);
        Ok(())
    }

    fn read_hours(&mut self) {
        let node = self.node();
        let (life, generation) = (node.life, node.generation);
        let Some((feed, slo, seam)) = node.backfill.hours.pop_front() else {
            return;
        };
        let now = self.clock();
        let hours = self
            .oracle
            .hours(&slo, now - slo.reach.period, seam, self.now);
        let news = News {
            generation,
            feed: feed.key.clone(),
            what: What::History {
                slo: slo.id.clone(),
                hours,
            },
            backfill: true,
        };
        let latency = self.latency();
        self.after(latency, Event::News { life, news });
    }
}
