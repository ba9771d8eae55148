//! How soon and how often: escalations, repeats and storms, by what was decided and when.
//!
//! Times are those of the clock when a step was taken. The engine goes by nominal slots and ticks,
//! which lie a little behind, so every bound has slack; after a process was held up they lie as far
//! behind as it was. Where the clock jumps nobody can say.

use std::collections::BTreeMap;

use slofuse::engine::{
    AlertKey, Effect, Notification, NotificationKind, Reason, Routing, Severity, Span, StateName,
    ThreadKey, Timestamp,
};

use super::desk::Desk;
use super::tell::{Ear, ears};

/// Who is told when nobody looks after a page.
const LEAD: &str = "lead";
/// The escalation of the settings of all worlds that have one.
const ESCALATES_AFTER: Span = Span::from_mins(4);
/// The repeat interval of those that have one.
const REPEATS_AFTER: Span = Span::from_mins(7);
/// By so much a decision may seem to come too early: what the dispatch time lies behind.
const SLACK: Span = Span::from_secs(65);
/// A living process takes a step more often.
pub(super) const PAUSE: Span = Span::from_secs(45);

/// What the routes of a world do as time passes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manners {
    pub(crate) escalates: bool,
    pub(crate) repeats: bool,
    /// Whether the clock of this world jumps: then nothing is judged.
    pub(crate) jumps: bool,
}

/// When whom was told of what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    manners: Manners,
    /// When somebody was first told of an alert, or when it was last left by whom looked after it.
    announced: BTreeMap<AlertKey, Told>,
    /// When a receiver last heard that an alert is up.
    heard: BTreeMap<Ear, Told>,
    /// Since when an alert is loud and nobody looks after it, in this life and by these routes.
    waits: BTreeMap<AlertKey, Timestamp>,
    /// Pages that rang by themselves at the pager, under the limit of now.
    rang: Vec<Timestamp>,
    /// The step before.
    last: Timestamp,
}

/// When something was told.
#[derive(Clone, Copy, Debug)]
struct Told {
    clock: Timestamp,
    /// The slot or tick that it was decided at.
    nominal: Timestamp,
}

impl Pace {
    pub(crate) fn new(manners: Manners) -> Self {
        Self {
            manners,
            ..Self::default()
        }
    }

    /// Other limits.
    pub(crate) fn configure(&mut self) {
        self.rang.clear();
    }

    /// Judges what a step tells, and what it does not though `loud` alerts burn and nobody is kept
    /// from hearing of them.
    pub(crate) fn judge(
        &mut self,
        clock: Timestamp,
        patience: Span,
        loud: &BTreeMap<AlertKey, Timestamp>,
        desk: &Desk,
        routing: &Routing,
        effects: &[Effect],
    ) {
        if self.manners.jumps {
            return;
        }
        // A process that was dead or held up may take its time again.
        if clock.since(self.last) > PAUSE {
            self.waits.clear();
        }
        self.last = clock;
        let told = effects.iter().filter_map(|effect| match effect {
            Effect::Notify(told) => Some(told),
            _ => None,
        });
        for told in told {
            self.judge_notification(clock, told, desk);
            self.judge_storm(clock, told, routing);
        }
        let waiting = loud.keys().filter(|key| !desk.is_acknowledged(key));
        let since = |key: &AlertKey| self.waits.get(key).copied().unwrap_or(clock);
        self.waits = waiting.map(|key| (key.clone(), since(key))).collect();
        self.announced.retain(|key, _| !is_over(key, effects));
        self.heard.retain(|(key, _), _| !is_over(key, effects));
        for effect in effects {
            let Effect::Notify(told) = effect else {
                continue;
            };
            let nominal = clock.min(told.facts.decided_at);
            let told = Told { clock, nominal };
            for (ear, _) in ears(std::slice::from_ref(effect), true) {
                self.announced.entry(ear.0.clone()).or_insert(told);
                self.heard.insert(ear, told);
            }
        }
        self.judge_silence(clock, patience);
    }

    /// An alert that is taken back begins to wait anew.
    pub(crate) fn leave<'a>(&mut self, clock: Timestamp, left: impl Iterator<Item = &'a AlertKey>) {
        for key in left {
            if let Some(announced) = self.announced.get_mut(key) {
                let nominal = clock;
                *announced = Told { clock, nominal };
            }
            self.waits.remove(key);
        }
    }

    /// Nobody is told too early, nor while somebody looks after it.
    fn judge_notification(&self, clock: Timestamp, told: &Notification, desk: &Desk) {
        let again = matches!(
            told.facts.reason,
            Reason::Repeated | Reason::Unacknowledged { .. }
        );
        if !again || told.group.is_some() {
            return;
        }
        let key = &told.facts.key;
        assert!(
            !desk.is_acknowledged(key),
            "somebody looks after it: {told:?}"
        );
        let (since, after) = match told.facts.reason {
            Reason::Repeated => {
                let ear = (key.clone(), told.receiver.clone());
                (self.heard.get(&ear), REPEATS_AFTER)
            }
            _ => (self.announced.get(key), ESCALATES_AFTER),
        };
        let since = since.map_or(clock, |told| told.nominal);
        assert!(
            clock.since(since) + SLACK >= after,
            "after {}, not {after}: {told:?}",
            clock.since(since)
        );
    }

    /// The pager rings no more often by itself than its limit says.
    fn judge_storm(&mut self, clock: Timestamp, told: &Notification, routing: &Routing) {
        let of_storm = told
            .group
            .as_ref()
            .is_some_and(|group| matches!(group.key, ThreadKey::Storm { .. }));
        let rings = told.kind == NotificationKind::Trigger
            && told.facts.severity == Severity::Page
            && told.receiver == "pager";
        let limit = routing.receivers.get("pager").and_then(|r| r.storm);
        let Some(limit) = limit.filter(|_| rings && !of_storm) else {
            return;
        };
        // Those whose distance is beyond doubt.
        self.rang
            .retain(|rang| clock.since(*rang) + SLACK < limit.within);
        assert!(
            self.rang.len() < limit.pages as usize,
            "rings by itself in a storm, after {:?}: {told:?}",
            self.rang
        );
        self.rang.push(clock);
    }

    /// Whoever must be told by now has been.
    fn judge_silence(&self, clock: Timestamp, patience: Span) {
        for (key, since) in &self.waits {
            let Some(announced) = self.announced.get(key) else {
                continue;
            };
            let waited = clock.since((*since).max(announced.clock));
            let AlertKey::Burn { severity, .. } = key else {
                continue;
            };
            let lead = (key.clone(), LEAD.to_owned());
            let knows = self.heard.contains_key(&lead);
            let must = self.manners.escalates && *severity == Severity::Page;
            assert!(
                knows || !must || waited <= ESCALATES_AFTER + patience,
                "{LEAD} has not heard of {key}, which nobody looks after for {waited}"
            );
            let heard = self.heard.iter().filter(|((alert, _), _)| alert == key);
            for ((_, receiver), last) in heard.filter(|_| self.manners.repeats) {
                let waited = clock.since((*since).max(last.clock));
                assert!(
                    waited <= REPEATS_AFTER + patience,
                    "{receiver} is not told again of {key} for {waited}"
                );
            }
        }
    }
}

/// Whether a step says that an alert has ended.
fn is_over(key: &AlertKey, effects: &[Effect]) -> bool {
    effects.iter().any(|effect| match effect {
        Effect::Transitioned(moved) => moved.to == StateName::Inactive && moved.facts.key == *key,
        _ => false,
    })
}
