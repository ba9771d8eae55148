//! What alerts did: the [`Journal`] remembers the transitions, messages and mutes of a replay as the
//! engine told them, and tells the transitions as [`Episode`]s.
//!
//! It is for short plays of one SLO, where every step is wanted: incidents that are put in, tests,
//! examples. It computes nothing; figures and curves are those of a [`report`](super::report), whose
//! watcher keeps no steps. It holds at most [`ENTRIES_MAX`] entries of a kind and says how many it
//! left out.

use std::collections::BTreeMap;

use super::player::Watcher;
use crate::engine::{
    AlertFacts, AlertKey, Effect, Engine, MuteChange, Notification, Severity, StateName, Timestamp,
    Transition,
};

/// Most transitions, most messages and most changes of mutes that are remembered; each is about a
/// kilobyte.
pub const ENTRIES_MAX: usize = 100_000;

/// The first steps that alerts took, in the order of time.
#[derive(Debug, Default)]
pub struct Journal {
    /// Every change of an alert's state.
    pub transitions: Vec<Transition>,
    /// Every message, to whomever.
    pub sent: Vec<Sent>,
    /// Every time an alert was muted or unmuted.
    pub mutes: Vec<(Timestamp, MuteChange)>,
    /// How many further steps of any kind there were.
    pub omitted: u64,
}

/// A message and when it was decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub notification: Notification,
}

/// One alert from the slot in which it fired to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// Which alert.
    pub key: AlertKey,
    /// How loudly.
    pub severity: Severity,
    /// The slot in which it fired.
    pub fired_at: Timestamp,
    /// The slot in which it ended, unless it was up at the end of the replay.
    pub ended_at: Option<Timestamp>,
    /// What was known when it fired.
    pub first: AlertFacts,
}

impl Journal {
    /// The alerts that fired, oldest first.
    pub fn episodes(&self) -> Vec<Episode> {
        let mut episodes: Vec<Episode> = Vec::new();
        let mut open: BTreeMap<&AlertKey, usize> = BTreeMap::new();
        for transition in &self.transitions {
            let facts = &transition.facts;
            match (transition.from, transition.to) {
                (StateName::Inactive | StateName::Pending, StateName::Firing) => {
                    open.insert(&facts.key, episodes.len());
                    episodes.push(Episode {
                        key: facts.key.clone(),
                        severity: facts.severity,
                        fired_at: transition.at,
                        ended_at: None,
                        first: facts.clone(),
                    });
                }
                (StateName::Firing, StateName::Inactive | StateName::Pending) => {
                    let episode = open.remove(&facts.key).and_then(|at| episodes.get_mut(at));
                    if let Some(episode) = episode {
                        episode.ended_at = Some(transition.at);
                    }
                }
                _ => {}
            }
        }
        episodes
    }

    fn has_room(&mut self, kept: usize) -> bool {
        let has_room = kept < ENTRIES_MAX;
        self.omitted += u64::from(!has_room);
        has_room
    }
}

impl Watcher for Journal {
    fn see(&mut self, now: Timestamp, effects: &[Effect], _engine: &Engine) {
        for effect in effects {
            match effect {
                Effect::Transitioned(transition) => {
                    if self.has_room(self.transitions.len()) {
                        self.transitions.push(transition.clone());
                    }
                }
                Effect::Notify(notification) => {
                    if self.has_room(self.sent.len()) {
                        let notification = notification.clone();
                        self.sent.push(Sent {
                            at: now,
                            notification,
                        });
                    }
                }
                Effect::Muted(change) => {
                    if self.has_room(self.mutes.len()) {
                        self.mutes.push((now, change.clone()));
                    }
                }
                Effect::Save(_)
                | Effect::Forget(_)
                | Effect::SaveThread(_)
                | Effect::ForgetThread(_)
                | Effect::SaveSilence(_)
                | Effect::ForgetSilence(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Memories, Options};

    #[test]
    fn a_journal_is_bounded_and_says_so() {
        let options = Options::for_testing();
        let engine = Engine::new(options, Memories::default());
        let change = MuteChange {
            key: AlertKey::SourceDown {
                source: "prometheus".to_owned(),
            },
            severity: Severity::Page,
            at: Timestamp::EPOCH,
            mutes: Vec::new(),
        };
        let effects = vec![Effect::Muted(change); ENTRIES_MAX + 2];
        let mut journal = Journal::default();
        journal.see(Timestamp::EPOCH, &effects, &engine);
        assert_eq!((journal.mutes.len(), journal.omitted), (ENTRIES_MAX, 2));
    }
}
