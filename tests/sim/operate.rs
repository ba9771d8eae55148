//! Operators: they silence, acknowledge, change their minds, and try dead letters again.

use slofuse::engine::{
    Acknowledgement, Input, MatchOp, Matcher, Operation, Pattern, Silence, Span,
};
use slofuse::store::Revival;

use crate::node::{Life, Then};
use crate::world::World;

impl World {
    /// Somebody does something, if the process takes it.
    pub(crate) fn operate(&mut self) -> Life {
        if self.node.as_ref().is_none_or(|node| node.held.is_some()) {
            return Ok(());
        }
        let now = self.clock();
        let choice = self.dice.below(8);
        let operation = match choice {
            0 | 1 => {
                let (name, value) = self.dice.pick(&[
                    ("service", "shop"),
                    ("service", "pay"),
                    ("slo", "api"),
                    ("slofuse_severity", "page|ticket"),
                ]);
                let minutes = self.dice.within(1, 25);
                Operation::SetSilence(Silence {
                    id: format!("silence-{}", self.now),
                    matchers: vec![Matcher {
                        name: name.to_owned(),
                        op: MatchOp::Regex(Pattern::new(value).unwrap()),
                    }],
                    starts_at: now,
                    ends_at: now + Span::from_mins(minutes),
                    created_by: "ann".to_owned(),
                    comment: "simulated".to_owned(),
                    updated_at: now,
                })
            }
            2 => {
                let silences: Vec<String> = self
                    .node()
                    .engine
                    .silences()
                    .map(|s| s.id.clone())
                    .collect();
                if silences.is_empty() {
                    return Ok(());
                }
                let id = self.dice.pick(&silences);
                Operation::ExpireSilence { id }
            }
            3..=6 => {
                let engine = &self.node().engine;
                let alerts = engine.alerts().map(|alert| alert.key.dedup_key());
                let threads = engine.threads().map(|thread| thread.key.dedup_key());
                let mut names: Vec<String> = alerts.chain(threads).collect();
                // Whoever is woken looks after what woke them.
                let woke = |name: &String| name.contains("/page");
                if names.iter().any(woke) && self.dice.chance(0.7) {
                    names.retain(woke);
                }
                if names.is_empty() {
                    return Ok(());
                }
                let alert = self.dice.pick(&names);
                let acknowledgement = Acknowledgement {
                    by: "bob".to_owned(),
                    at: now,
                    via: "api".to_owned(),
                    note: String::new(),
                };
                match choice {
                    6 => Operation::Unacknowledge { alert },
                    _ => Operation::Acknowledge {
                        alert,
                        acknowledgement,
                    },
                }
            }
            _ => return self.revive(),
        };
        self.note(&format!("{operation:?}"));
        let Self { oracle, node, .. } = self;
        let node = node.as_ref().expect("a living process");
        oracle.operate(&operation, now, &node.engine);
        self.step(now, Input::Operated(operation), None, Then::Nothing)
    }

    fn revive(&mut self) -> Life {
        let now = self.clock();
        let node = self.node();
        let dead = node.store.dead_letters(None, 10).unwrap_or_default();
        let Some(letter) = dead.first() else {
            return Ok(());
        };
        let (id, revival) = (letter.id, node.store.retry_dead_letter(letter.id, now));
        self.note(&format!("row {id} again: {revival:?}"));
        if let Ok(Revival::Revived { receiver }) = revival {
            self.revived.insert(id);
            self.poke(&receiver);
        }
        Ok(())
    }
}
