//! What happened: the [`Journal`] remembers transitions, messages and curves of a replay, and
//! tells them as [`Episode`]s.

use std::collections::BTreeMap;

use super::player::Watcher;
use crate::engine::{
    AlertFacts, AlertKey, Effect, Engine, InstanceId, Mute, MuteChange, Notification, Outcome,
    Severity, Span, StateName, Timestamp, Transition,
};

/// Points of a curve are at least this far apart.
const POINT_EVERY: Span = Span::from_mins(10);

/// Everything a replay has come to, in the order of time.
#[derive(Debug, Default)]
pub struct Journal {
    /// Every change of an alert's state.
    pub transitions: Vec<Transition>,
    /// Every message, to whomever.
    pub sent: Vec<Sent>,
    /// Every time an alert was muted or unmuted.
    pub mutes: Vec<(Timestamp, MuteChange)>,
    /// Budget and burn of each instance over time.
    pub curves: BTreeMap<InstanceId, Vec<Point>>,
    /// How many slots of each instance ended how.
    pub outcomes: BTreeMap<InstanceId, BTreeMap<Outcome, u64>>,
    /// How many slots of each instance burned while no alert of it was up.
    pub unalerted: BTreeMap<InstanceId, u64>,
}

/// A message and when it was decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub notification: Notification,
}

/// An instance at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When.
    pub at: Timestamp,
    /// Fraction of the budget consumed, where known.
    pub consumed: Option<f64>,
    /// Burn rate over the shortest window, where known.
    pub short_burn: Option<f64>,
    /// Burn rate over the longest window, where known.
    pub long_burn: Option<f64>,
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
    /// What was known when it ended, or the last that was known.
    pub last: AlertFacts,
    /// Why nobody was told when it fired, if so.
    pub mutes: Vec<Mute>,
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
                        last: facts.clone(),
                        mutes: transition.mutes.clone(),
                    });
                }
                (StateName::Firing, to) => {
                    let episode = open.get(&facts.key).and_then(|at| episodes.get_mut(*at));
                    if let Some(episode) = episode {
                        episode.last = facts.clone();
                        if to != StateName::Firing {
                            episode.ended_at = Some(transition.at);
                        }
                    }
                }
                (StateName::Inactive | StateName::Pending, _) => {}
            }
        }
        episodes
    }

    fn observe(&mut self, engine: &Engine) {
        for (feed, at) in engine.decided() {
            let Some((_, evaluations)) = engine.evaluations(feed) else {
                continue;
            };
            for evaluation in evaluations.iter().filter(|e| e.at == *at) {
                let outcomes = self.outcomes.entry(evaluation.id.clone()).or_default();
                *outcomes.entry(evaluation.outcome).or_default() += 1;
                let is_up = || {
                    let mut alerts = engine.alerts().filter(|alert| alert.is_firing());
                    alerts.any(|alert| alert.key.instance() == Some(&evaluation.id))
                };
                if evaluation.outcome == Outcome::Burning && !is_up() {
                    *self.unalerted.entry(evaluation.id.clone()).or_default() += 1;
                }
                let curve = self.curves.entry(evaluation.id.clone()).or_default();
                if curve
                    .last()
                    .is_none_or(|last| at.since(last.at) >= POINT_EVERY)
                {
                    curve.push(Point {
                        at: *at,
                        consumed: evaluation.budget.map(|budget| budget.consumed),
                        short_burn: evaluation.readings.first().and_then(|r| r.burn),
                        long_burn: evaluation.readings.last().and_then(|r| r.burn),
                    });
                }
            }
        }
    }
}

impl Watcher for Journal {
    fn see(&mut self, now: Timestamp, effects: &[Effect], engine: &Engine) {
        for effect in effects {
            match effect {
                Effect::Transitioned(transition) => self.transitions.push(transition.clone()),
                Effect::Notify(notification) => self.sent.push(Sent {
                    at: now,
                    notification: notification.clone(),
                }),
                Effect::Muted(change) => self.mutes.push((now, change.clone())),
                Effect::Save(_)
                | Effect::Forget(_)
                | Effect::SaveThread(_)
                | Effect::ForgetThread(_)
                | Effect::SaveSilence(_)
                | Effect::ForgetSilence(_) => {}
            }
        }
        self.observe(engine);
    }
}
