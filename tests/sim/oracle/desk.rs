//! What operators have asked for, remembered apart from the engine: silences, and who looks after
//! what. It must survive whatever befalls the process, once it was committed.

use std::collections::{BTreeMap, BTreeSet};

use slofuse::engine::{
    Acknowledgement, AlertKey, Effect, Engine, Labels, Operation, Silence, StateName, Timestamp,
};

/// What was asked for and is still so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Desk {
    silences: BTreeMap<String, Silence>,
    acknowledged: BTreeMap<AlertKey, Acknowledgement>,
}

impl Desk {
    /// Somebody asks for something. `engine` is as it was before.
    pub(crate) fn operate(&mut self, operation: &Operation, now: Timestamp, engine: &Engine) {
        match operation {
            Operation::SetSilence(silence) => {
                self.silences.insert(silence.id.clone(), silence.clone());
            }
            Operation::ExpireSilence { id } => {
                if let Some(silence) = self.silences.get_mut(id).filter(|s| now < s.ends_at) {
                    silence.starts_at = silence.starts_at.min(now);
                    silence.ends_at = now;
                }
            }
            Operation::Acknowledge {
                alert,
                acknowledgement,
            } => {
                for key in named(alert, engine) {
                    self.acknowledged.insert(key, acknowledgement.clone());
                }
            }
            Operation::Unacknowledge { alert } => {
                for key in named(alert, engine) {
                    self.acknowledged.remove(&key);
                }
            }
        }
    }

    /// What is over needs nobody, and the next time somebody must look after it anew.
    pub(crate) fn follow(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Transitioned(moved) = effect
                && moved.to == StateName::Inactive
            {
                self.acknowledged.remove(&moved.facts.key);
            }
        }
    }

    /// The engine remembers the same.
    pub(crate) fn assert_is_known(&self, engine: &Engine, clock: Timestamp) {
        let active = |silence: &&Silence| silence.ends_at > clock;
        let wanted: Vec<_> = self.silences.values().filter(active).map(gist).collect();
        let found: Vec<_> = engine.silences().filter(active).map(gist).collect();
        assert_eq!(
            found, wanted,
            "the silences (left) are not what was asked for"
        );
        for record in engine.alerts() {
            assert_eq!(
                record.facts.acknowledged.as_ref(),
                self.acknowledged.get(&record.key),
                "who looks after {} (left) is not who said so",
                record.key
            );
        }
    }

    /// Whether nobody ever asked for quiet.
    pub(crate) fn is_idle(&self) -> bool {
        self.silences.is_empty()
    }

    /// Whether a silence is about an alert with these labels at a time.
    pub(crate) fn is_silent(&self, labels: &Labels, at: Timestamp) -> bool {
        let mut silences = self.silences.values();
        silences.any(|s| s.starts_at <= at && at < s.ends_at && s.matches(labels))
    }

    /// What somebody looks after.
    pub(crate) fn looked_after(&self) -> BTreeSet<AlertKey> {
        self.acknowledged.keys().cloned().collect()
    }

    /// Whether somebody looks after an alert.
    pub(crate) fn is_acknowledged(&self, key: &AlertKey) -> bool {
        self.acknowledged.contains_key(key)
    }
}

/// What matters about a silence.
fn gist(silence: &Silence) -> (String, Timestamp, Timestamp, String) {
    (
        silence.id.clone(),
        silence.starts_at,
        silence.ends_at,
        format!("{:?}", silence.matchers),
    )
}

/// The alerts that an operator means by a name: one that fires, or all that are up in a thread.
fn named(name: &str, engine: &Engine) -> Vec<AlertKey> {
    let mut firing = engine.alerts().filter(|record| record.is_firing());
    if let Some(one) = firing.find(|record| record.key.dedup_key() == name) {
        return vec![one.key.clone()];
    }
    let thread = engine
        .threads()
        .find(|thread| thread.key.dedup_key() == name);
    let members = thread
        .into_iter()
        .flat_map(|thread| thread.members.values());
    let up = members.filter(|member| member.is_up());
    up.map(|member| member.key.clone()).collect()
}
