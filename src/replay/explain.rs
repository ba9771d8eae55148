//! Why the alerts of an SLO were, or were not, up at a time in the past: played up to that slot,
//! then explained as the daemon explains the present.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;

use super::player::{Player, Script, Watcher};
use super::reel::{Reel, ReelError};
use crate::engine::{
    AlertKey, AlertRecord, Effect, Engine, Evaluation, InstanceId, Labels, MuteChange, Severity,
    Silence, SloId, StateName, Timestamp, Transition,
};
use crate::message::explanation::{self, Explanation, Moment, Present};
use crate::prometheus::PolledFeed;

/// Most events of a timeline; of more, the newest are kept.
const EVENTS_MAX: usize = 200;

/// What is to be explained.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Whose alerts.
    pub slo: &'a SloId,
    /// Labels that an instance must have.
    pub labels: &'a [(String, String)],
    /// Most instances that are explained.
    pub limit: usize,
    /// Where playing begins.
    pub from: Timestamp,
    /// The time to explain; its slot is the last that is not after it.
    pub at: Timestamp,
}

/// A slot of the past, explained.
#[derive(Clone, Debug, Serialize)]
pub struct PastExplanation {
    /// Where playing began: what was up before seems to begin then.
    pub played_from: Moment,
    /// The slot.
    pub at: Moment,
    /// Instances that match.
    pub total: usize,
    /// Those that deserve a look most.
    pub instances: Vec<Explanation>,
    /// The labels of the others.
    pub others: Vec<Other>,
    /// What the alerts of the SLO did before, oldest first.
    pub timeline: Vec<Event>,
    /// The feed that is polled for the SLO, if it polls anything.
    #[serde(skip)]
    pub feed: Option<Arc<PolledFeed>>,
}

/// An instance that is not explained.
#[derive(Clone, Debug, Serialize)]
pub struct Other {
    /// `service/name{labels}`
    pub instance: String,
    /// Its labels.
    pub labels: Labels,
}

/// Something that an alert did.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// When.
    pub at: Moment,
    /// Which alert.
    pub alert: String,
    /// How loud it is.
    pub severity: Severity,
    /// The state it came to; `None` when only its mutes changed.
    pub to: Option<StateName>,
    /// In words.
    pub says: String,
}

/// Plays up to the slot and explains it.
///
/// # Errors
///
/// The reel cannot be read.
pub fn explain(
    script: &Script,
    reel: &mut dyn Reel,
    question: &Question<'_>,
) -> Result<PastExplanation, ReelError> {
    let mut player = Player::begin(script, reel, question.from)?;
    let begun = player.now();
    let mut timeline = Timeline::of(question.slo);
    player.play(reel, question.at, &mut timeline)?;
    let engine = player.engine();
    let alerts: Vec<&AlertRecord> = engine.alerts().collect();
    let silences: Vec<Silence> = engine.silences().cloned().collect();
    let routing = engine.routing();
    let mut feeds = player.feeds().iter();
    let feed = feeds.find(|feed| feed.slos.iter().any(|slo| slo.id == *question.slo));
    let slo = feed.and_then(|feed| feed.slos.iter().find(|slo| slo.id == *question.slo));
    let mut found: Vec<(InstanceId, Option<Arc<Evaluation>>)> = Vec::new();
    if let Some((_, evaluations)) = feed.and_then(|feed| engine.evaluations(&feed.key)) {
        let of_slo = evaluations
            .into_iter()
            .filter(|e| e.id.slo == *question.slo);
        found.extend(of_slo.map(|evaluation| (evaluation.id.clone(), Some(evaluation))));
    }
    found.retain(|(id, _)| {
        let mut labels = question.labels.iter();
        labels.all(|(name, value)| id.labels.get(name).unwrap_or("") == value)
    });
    let interest = |(id, evaluation): &(InstanceId, Option<Arc<Evaluation>>)| {
        let own = alerts.iter().copied();
        let own: Vec<&AlertRecord> = own
            .filter(|alert| alert.key.instance() == Some(id))
            .collect();
        explanation::interest(evaluation.as_deref(), &own)
    };
    found.sort_by(|a, b| {
        let (a, b) = (interest(a), interest(b));
        b.0.cmp(&a.0).then(b.1.total_cmp(&a.1))
    });
    let explained = slo.into_iter().flat_map(|slo| {
        found.iter().take(question.limit).map(|(id, evaluation)| {
            explanation::explain(&Present {
                slo,
                id,
                evaluation: evaluation.as_deref(),
                alerts: &alerts,
                routing: &routing,
                silences: &silences,
                now: player.now(),
            })
        })
    });
    Ok(PastExplanation {
        played_from: Moment(begun),
        at: Moment(player.now()),
        total: found.len(),
        instances: explained.collect(),
        others: found
            .iter()
            .skip(question.limit)
            .map(|(id, _)| Other {
                instance: id.to_string(),
                labels: id.labels.clone(),
            })
            .collect(),
        timeline: timeline.events.into(),
        feed: feed.cloned(),
    })
}

/// The watcher of one SLO's alerts, and of those about the source.
struct Timeline<'a> {
    slo: &'a SloId,
    /// The newest [`EVENTS_MAX`], in the order of time.
    events: VecDeque<Event>,
}

impl<'a> Timeline<'a> {
    fn of(slo: &'a SloId) -> Self {
        Self {
            slo,
            events: VecDeque::new(),
        }
    }

    fn is_of(&self, key: &AlertKey) -> bool {
        key.instance().is_none_or(|id| id.slo == *self.slo)
    }

    /// Whether the alert has just fired, which said what keeps it quiet.
    fn fired(&self, now: Timestamp, change: &MuteChange) -> bool {
        let key = change.key.to_string();
        let mut latest = self
            .events
            .iter()
            .rev()
            .take_while(|event| event.at.0 == now);
        latest.any(|event| event.alert == key && event.to == Some(StateName::Firing))
    }

    fn add(&mut self, event: Event) {
        if self.events.len() >= EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}

impl Watcher for Timeline<'_> {
    fn see(&mut self, now: Timestamp, effects: &[Effect], _engine: &Engine) {
        for effect in effects {
            match effect {
                Effect::Transitioned(transition) if self.is_of(&transition.facts.key) => {
                    self.add(moved(transition));
                }
                Effect::Muted(change) if self.is_of(&change.key) && !self.fired(now, change) => {
                    self.add(muted(now, change));
                }
                _ => {}
            }
        }
    }
}

fn moved(transition: &Transition) -> Event {
    let word = match (transition.from, transition.to) {
        (_, StateName::Pending) => "pending",
        (_, StateName::Firing) => "fires",
        (StateName::Firing, StateName::Inactive) => "resolved",
        (_, StateName::Inactive) => "no longer pending",
    };
    let mutes: Vec<String> = transition.mutes.iter().map(ToString::to_string).collect();
    let quiet = match mutes.as_slice() {
        [] => String::new(),
        mutes => format!("; nobody is told: {}", mutes.join("; ")),
    };
    Event {
        at: Moment(transition.at),
        alert: transition.facts.key.to_string(),
        severity: transition.facts.severity,
        to: Some(transition.to),
        says: format!("{word}: {}{quiet}", transition.facts.reason),
    }
}

fn muted(at: Timestamp, change: &MuteChange) -> Event {
    let mutes: Vec<String> = change.mutes.iter().map(ToString::to_string).collect();
    Event {
        at: Moment(at),
        alert: change.key.to_string(),
        severity: change.severity,
        to: None,
        says: match mutes.as_slice() {
            [] => "no longer muted".to_owned(),
            mutes => format!("muted: {}", mutes.join("; ")),
        },
    }
}

#[cfg(test)]
mod tests;
