//! Time and news: slots begin, the source is asked, and what comes back is taken one by one.

use std::sync::Arc;

use slofuse::engine::{Book, Evidence, Input, SourceFailure, Span, Timestamp};
use slofuse::prometheus::PolledFeed;

use super::{Life, News, Then, What};
use crate::chaos::Point;
use crate::world::{Event, World, millis};

/// The longest stretch one poll reaches back.
const CATCH_UP: Span = Span::from_hours(2);

impl World {
    /// Waits for what comes next, by the clock of now.
    pub(crate) fn rewind_timer(&mut self) {
        let (now, ahead) = (self.now, self.ahead);
        let Some(node) = self
            .node
            .as_mut()
            .filter(|node| node.next_slot > Timestamp::EPOCH)
        else {
            return;
        };
        node.token += 1;
        let next = node.next_slot.min(node.next_tick).min(node.next_save);
        let (life, token) = (node.life, node.token);
        let at = (next.as_millis() - ahead).max(now);
        self.at(at, Event::Timer { life, token });
    }

    pub(crate) fn timer(&mut self, token: u64) -> Life {
        let now = self.clock();
        let (tick, save) = (millis(self.scenario.tick), millis(self.scenario.save));
        let node = self.node();
        // A process that is held up by the store looks at the time afterwards.
        if node.token != token || node.held.is_some() {
            return Ok(());
        }
        if node.next_slot <= now {
            let slot = now.align_down(node.interval).max(node.next_slot);
            node.next_slot = slot + node.interval;
            self.slot(slot)?;
        } else if node.next_tick <= now {
            node.next_tick = now + tick;
            self.step(now, Input::Tick, None, Then::Nothing)?;
        } else if node.next_save <= now {
            node.next_save = now + save;
            self.save_all()?;
        }
        self.rewind_timer();
        Ok(())
    }

    /// Asks every feed that is not still busy.
    pub(crate) fn slot(&mut self, slot: Timestamp) -> Life {
        let node = self.node();
        let polled = node.feeds.values().filter(|feed| !feed.is_composite());
        for feed in polled.cloned().collect::<Vec<_>>() {
            if self.node().in_flight.insert(feed.key.clone()) {
                self.fetch(&feed, slot);
            }
        }
        self.pass(Point::Fetching)
    }

    pub(crate) fn fetch(&mut self, feed: &Arc<PolledFeed>, slot: Timestamp) {
        let node = self.node();
        let (life, generation, overlap) = (node.life, node.generation, node.overlap);
        let read = node.engine.read_until(&feed.key);
        let mut from = read.unwrap_or(slot - overlap);
        let news = |what| News {
            generation,
            feed: feed.key.clone(),
            what,
            backfill: false,
        };
        let asked = self.now;
        let mut latency = self.latency();
        if feed.is_direct() {
            let windows = self.node().engine.due_windows(&feed.key, slot);
            let answer = self.ask_windows(feed, &windows, slot);
            let answer = answer.map(Evidence::Windows);
            let what = What::Answered {
                slot,
                asked,
                answer,
            };
            let news = news(what);
            self.after(latency, Event::News { life, news });
            return;
        }
        while slot.since(from) > CATCH_UP {
            let until = from + CATCH_UP;
            let Ok(series) = self.ask(feed, from - overlap, until) else {
                break;
            };
            let into = Book::Live;
            let news = news(What::Read {
                into,
                from,
                until,
                series,
            });
            self.after(latency, Event::News { life, news });
            latency += 1;
            from = until;
        }
        let answer = self.ask(feed, from - overlap, slot);
        let answer = answer.map(|series| Evidence::Samples { from, series });
        let news = news(What::Answered {
            slot,
            asked,
            answer,
        });
        self.after(latency, Event::News { life, news });
    }

    /// News are taken one by one, and none while a step is not committed.
    pub(crate) fn take(&mut self, news: News) -> Life {
        let node = self.node();
        node.inbox.push_back(news);
        self.take_waiting()
    }

    pub(crate) fn take_waiting(&mut self) -> Life {
        loop {
            let node = self.node();
            if node.held.is_some() {
                return Ok(());
            }
            let Some(news) = node.inbox.pop_front() else {
                return Ok(());
            };
            if news.generation == node.generation {
                self.take_one(news)?;
            }
        }
    }

    pub(crate) fn take_one(&mut self, news: News) -> Life {
        let now = self.clock();
        let then = if news.backfill {
            Then::Backfill
        } else {
            Then::Nothing
        };
        let feed = news.feed;
        match news.what {
            What::Answered {
                slot,
                asked,
                answer,
            } => {
                self.node().in_flight.remove(&feed);
                if let Err(why) = &answer {
                    self.note(&format!("{feed}: {why}"));
                }
                let sight = answer.is_ok().then_some(asked);
                if let Ok(Evidence::Windows(answers)) = &answer {
                    self.oracle.answered(&feed, slot, answers);
                }
                let evidence = answer.map_err(SourceFailure);
                let key = feed.clone();
                self.step(
                    slot,
                    Input::Slot { feed, evidence },
                    Some((key, slot, sight)),
                    then,
                )
            }
            What::Read {
                into,
                from,
                until,
                series,
            } => {
                self.pass(Point::Backfilling)?;
                let input = Input::Read {
                    feed,
                    into,
                    from,
                    until,
                    series,
                };
                self.step(until, input, None, then)
            }
            What::Swapped { asked } => {
                let saved = Then::Save(feed.clone());
                self.note(&format!("{feed} is read"));
                self.oracle.swapped(feed.clone(), asked);
                self.step(now, Input::Swapped { feed }, None, saved)?;
                self.backfill_on();
                Ok(())
            }
            What::History { slo, hours } => {
                let complete = true;
                self.step(
                    now,
                    Input::History {
                        feed,
                        slo,
                        hours,
                        complete,
                    },
                    None,
                    then,
                )
            }
        }
    }
}
