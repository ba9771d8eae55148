//! A step, its commit, what follows from it; and the cache.

use slofuse::engine::causes::innermost;
use slofuse::engine::{Effect, Input, Span, Timestamp};

use super::{Held, Life, Then};
use crate::chaos::Point;
use crate::world::{Event, World};

/// Pause before a commit that failed is tried again, in milliseconds.
const COMMIT_RETRY: i64 = 1_000;
/// After so many saves what is old is deleted from the store.
const PRUNE_EVERY: u32 = 5;

impl World {
    /// One step: decide, commit, poke. `sight` says which slot of which feed it is, and when the
    /// source was asked if it gave an answer.
    pub(crate) fn step(
        &mut self,
        now: Timestamp,
        input: Input,
        sight: Option<(String, Timestamp, Option<i64>)>,
        then: Then,
    ) -> Life {
        let clock = self.clock();
        let effects = self.node().engine.step(now, input);
        self.describe(&effects);
        self.judge(clock, sight, &effects);
        if effects.is_empty() {
            self.oracle.committed(&effects);
            let [pending, _, held] = self.oracle.standing();
            if pending > 0 {
                self.pass(Point::Pending)?;
            }
            if held > 0 {
                self.pass(Point::Held)?;
            }
            return self.follow(then);
        }
        self.pass(Point::Stepped)?;
        self.node().held = Some(Held { now, effects, then });
        self.commit_again()
    }

    pub(crate) fn commit_again(&mut self) -> Life {
        let node = self.node();
        let Some(held) = node.held.take() else {
            return Ok(());
        };
        let life = node.life;
        match node.store.commit(held.now, &held.effects) {
            Ok(committed) => {
                self.oracle.committed(&held.effects);
                self.pass(Point::Committed)?;
                for receiver in committed.receivers {
                    self.poke(&receiver);
                }
                self.pass(Point::Poked)?;
                self.follow(held.then)?;
                self.take_waiting()?;
                self.rewind_timer();
            }
            Err(error) => {
                // Not where the store is: that differs by the run.
                self.note(&format!("commit refused: {}", innermost(&error)));
                self.node().held = Some(held);
                self.after(COMMIT_RETRY, Event::Commit { life });
            }
        }
        Ok(())
    }

    pub(crate) fn follow(&mut self, then: Then) -> Life {
        match then {
            Then::Nothing => Ok(()),
            Then::Configured(known) => self.configured(&known),
            Then::Save(feed) => self.save(&feed),
            Then::Backfill => {
                self.backfill_on();
                Ok(())
            }
        }
    }

    pub(crate) fn describe(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Transitioned(t) => {
                    let key = t.facts.key.dedup_key();
                    self.note(&format!(
                        "{key}: {:?} to {:?}, {:?}",
                        t.from, t.to, t.facts.reason
                    ));
                }
                Effect::Notify(n) => self.note(&format!("tell {}", n.idempotency_key())),
                Effect::Muted(m) => {
                    let mutes: Vec<&str> = m.mutes.iter().map(|mute| mute.as_str()).collect();
                    self.note(&format!("{} muted by {mutes:?}", m.key));
                }
                _ => {}
            }
        }
    }

    pub(crate) fn save_all(&mut self) -> Life {
        let feeds: Vec<String> = self.node().feeds.keys().cloned().collect();
        for feed in &feeds {
            self.save(feed)?;
            self.pass(Point::Saved)?;
        }
        let now = self.clock();
        let node = self.node();
        drop(node.cache.retain(&feeds.into_iter().collect()));
        node.saves += 1;
        if node.saves.is_multiple_of(PRUNE_EVERY) {
            // What the disk refuses is tried again at the next time.
            drop(node.store.prune(now, Span::from_days(1)));
        }
        Ok(())
    }

    pub(crate) fn save(&mut self, feed: &str) -> Life {
        let node = self.node();
        let Some(measure) = node
            .engine
            .measure(feed)
            .filter(|m| m.read_until().is_some())
        else {
            return Ok(());
        };
        let bytes = postcard::to_stdvec(measure).unwrap();
        let cache = node.cache.clone();
        if let Err(killed) = self.pass(Point::Saving) {
            let torn = cache.write(feed, |file| {
                file.write_all(&bytes[..bytes.len() / 2])?;
                Err(std::io::Error::other("killed"))
            });
            assert!(torn.is_err());
            return Err(killed);
        }
        cache.write(feed, |file| file.write_all(&bytes)).unwrap();
        Ok(())
    }
}
