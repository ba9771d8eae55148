//! Who must be told, and who must not: what each receiver takes to be up, by what was committed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use slofuse::engine::{
    AlertKey, AlertRecord, AlertState, Effect, Engine, Labels, MaintenanceTime, NotificationKind,
    Routing, Severity, Slo, SloId, Span, StateName, Timestamp,
};

use super::desk::Desk;
use super::pace::PAUSE;

/// What a thread of messages to a receiver is at.
#[derive(Clone, Copy, Debug)]
struct Line {
    episode: u64,
    sequence: u32,
    open: bool,
}

pub(super) type Ear = (AlertKey, String);
pub(super) type Tiers = BTreeSet<(Span, Span)>;

/// What was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    routing: Routing,
    lines: BTreeMap<(String, String), Line>,
    /// Who takes what to be up, and by which tiers: their long and short windows.
    believed: BTreeMap<Ear, Tiers>,
    /// Every message that was committed.
    pub(crate) decided: BTreeSet<String>,
    /// Since when an alert fires that nobody mutes.
    pub(super) loud: BTreeMap<AlertKey, Timestamp>,
    /// Since when so many tiers have burned in the episode of an alert.
    tiers: BTreeMap<AlertKey, (usize, Timestamp)>,
    /// Since when somebody is to hear of an end.
    owed: BTreeMap<Ear, Timestamp>,
    /// The clock at the step at hand.
    clock: Option<Timestamp>,
    /// Alerts of the step at hand that were muted then and a while before.
    muted: BTreeSet<AlertKey>,
}

/// The interval of groups, in the settings of all worlds.
pub(super) const GROUP_INTERVAL: Span = Span::from_mins(2);
/// Boundaries of silences are seen by slots and ticks, which may be so late.
const BOUNDARY: Span = Span::from_secs(100);

impl Told {
    /// A process that begins, or was held up, may take its time again.
    pub(crate) fn begin_life(&mut self) {
        self.loud.clear();
        let keys: Vec<Ear> = self.owed.keys().cloned().collect();
        self.owed.clear();
        self.restart_owed(keys);
    }

    fn restart_owed(&mut self, keys: Vec<Ear>) {
        // Counted anew from the first step of the next life.
        self.owed
            .extend(keys.into_iter().map(|ear| (ear, Timestamp::EPOCH)));
    }

    pub(crate) fn configure(&mut self, routing: &Routing) {
        self.routing = routing.clone();
        self.loud.clear();
    }

    /// What is told in a step must be told, and what must be is.
    pub(crate) fn judge(
        &mut self,
        clock: Timestamp,
        patience: Span,
        engine: &Engine,
        desk: &Desk,
        slos: &BTreeMap<SloId, Arc<Slo>>,
        effects: &[Effect],
    ) {
        if self.clock.is_some_and(|last| clock.since(last) > PAUSE) {
            self.begin_life();
            self.tiers.clear();
        }
        self.clock = Some(clock);
        self.muted.clear();
        let mut loud = BTreeMap::new();
        for record in engine.alerts().filter(|record| record.is_firing()) {
            let now = self.is_muted(record, clock, engine, desk, slos);
            if now && self.is_muted(record, clock - BOUNDARY, engine, desk, slos) {
                self.muted.insert(record.key.clone());
            }
            let burns = matches!(
                record.state,
                AlertState::Firing {
                    quiet_since: None,
                    ..
                }
            );
            if !now && burns {
                let since = self.loud.get(&record.key).copied().unwrap_or(clock);
                loud.insert(record.key.clone(), since);
            }
        }
        self.loud = loud;
        self.judge_news(clock, patience, engine, effects);
        for (ear, since) in &mut self.owed {
            if *since == Timestamp::EPOCH {
                *since = clock;
            }
            let long = clock.since(*since) > patience;
            let told = effects.iter().any(|effect| tells_end(effect, ear));
            assert!(
                told || !long,
                "{} is not told of the end of {}",
                ear.1,
                ear.0
            );
        }
    }

    /// Who is to hear of an alert has heard of it, and of every tier that has burned since.
    fn judge_news(
        &mut self,
        clock: Timestamp,
        patience: Span,
        engine: &Engine,
        effects: &[Effect],
    ) {
        let tells: BTreeMap<Ear, Tiers> = ears(effects, true).collect();
        let mut tiers = BTreeMap::new();
        for (key, since) in &self.loud {
            let record = engine
                .alerts()
                .find(|record| record.key == *key)
                .expect("it fires");
            let burned: Tiers = record
                .facts
                .tiers
                .iter()
                .map(|t| (t.long, t.short))
                .collect();
            let known = self
                .tiers
                .get(key)
                .filter(|(count, _)| *count == burned.len());
            let same = known.map_or(clock, |(_, since)| *since);
            tiers.insert(key.clone(), (burned.len(), same));
            for receiver in receivers(record) {
                let ear = (key.clone(), (*receiver).to_owned());
                let told = self.believed.get(&ear).or_else(|| tells.get(&ear));
                let long = clock.since(*since) > patience;
                assert!(
                    told.is_some() || !long,
                    "{receiver} has not heard of {key}, loud since {since:?}"
                );
                let Some(told) = told.filter(|_| long && clock.since(same) > patience) else {
                    continue;
                };
                let now = tells.get(&ear);
                let heard = |tier| told.contains(tier) || now.is_some_and(|now| now.contains(tier));
                assert!(
                    burned.iter().all(heard),
                    "{receiver} knows of {key} by {told:?}, but it burned by {burned:?}"
                );
            }
        }
        self.tiers = tiers;
    }

    /// The effects of the last step are in the store.
    pub(crate) fn committed(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Notify(told) => {
                    self.decided.insert(told.idempotency_key());
                    let line = (told.dedup_key(), told.receiver.clone());
                    let next = Line {
                        episode: told.episode,
                        sequence: told.sequence,
                        open: told.kind != NotificationKind::Resolve,
                    };
                    let wants = self.wants_ends(&told.receiver);
                    let before = self.lines.insert(line, next).filter(|line| line.open);
                    // Who wants no ends hears of the next begin instead.
                    let anew = told.kind == NotificationKind::Trigger && !wants;
                    let before = before.filter(|line| !anew || line.episode >= told.episode);
                    match before {
                        None => assert!(
                            told.kind == NotificationKind::Trigger && told.sequence == 1,
                            "a line begins with {told:?}"
                        ),
                        Some(line) => assert!(
                            told.kind != NotificationKind::Trigger
                                && (told.episode, told.sequence)
                                    == (line.episode, line.sequence + 1),
                            "after {line:?} comes {told:?}"
                        ),
                    }
                }
                Effect::Transitioned(moved) if moved.to == StateName::Inactive => {
                    let key = &moved.facts.key;
                    let heard = self.believed.keys().filter(|(alert, _)| alert == key);
                    let wants = |(_, receiver): &&Ear| self.wants_ends(receiver);
                    let clock = self.clock.unwrap_or(moved.at);
                    let owed = heard.filter(wants).cloned().map(|ear| (ear, clock));
                    let owed: Vec<_> = owed.collect();
                    self.believed.retain(|(alert, _), _| alert != key);
                    self.owed.extend(owed);
                }
                _ => {}
            }
        }
        for (ear, tiers) in ears(effects, true) {
            let fresh = self.believed.insert(ear.clone(), tiers).is_none();
            self.owed.remove(&ear);
            assert!(
                !fresh || !self.muted.contains(&ear.0),
                "told though muted: {ear:?}"
            );
        }
        for (ear, _) in ears(effects, false) {
            self.owed.remove(&ear);
        }
    }

    /// Whether somebody is to hear of an end and has not been told yet.
    pub(crate) fn is_owed(&self, key: &str, receiver: &str) -> bool {
        let mut owed = self.owed.keys();
        owed.any(|(alert, whom)| whom == receiver && alert.dedup_key() == key)
    }

    fn wants_ends(&self, receiver: &str) -> bool {
        let known = self.routing.receivers.get(receiver);
        known.is_none_or(|recipient| recipient.send_resolved)
    }

    /// Nothing is owed any more at the end, but for what waits for the next time of its group.
    pub(crate) fn assert_settled(&self, end: Timestamp) {
        const BREATH: Span = Span::from_mins(1);
        let late = |since: Timestamp| end.since(since) > GROUP_INTERVAL + BREATH;
        let owed = self.owed.iter();
        let owed: Vec<_> = owed
            .filter(|(_, since)| **since != Timestamp::EPOCH && late(**since))
            .collect();
        assert!(owed.is_empty(), "never told of the end: {owed:?}");
    }

    fn is_muted(
        &self,
        record: &AlertRecord,
        at: Timestamp,
        engine: &Engine,
        desk: &Desk,
        slos: &BTreeMap<SloId, Arc<Slo>>,
    ) -> bool {
        let labels = match desk.is_idle() && self.routing.maintenance.is_empty() {
            true => Labels::empty(),
            false => record.facts.matching_labels(),
        };
        if desk.is_silent(&labels, at) {
            return true;
        }
        let about =
            |matchers: &[slofuse::engine::Matcher]| matchers.iter().all(|m| m.matches(&labels));
        let open = |time: &MaintenanceTime| match time {
            MaintenanceTime::Once { from, until } => *from <= at && at < *until,
            MaintenanceTime::Recurring(_) => unreachable!("no such window"),
        };
        if self
            .routing
            .maintenance
            .iter()
            .any(|w| about(&w.matchers) && open(&w.when))
        {
            return true;
        }
        let pages = |service: &str| {
            engine.alerts().any(|other| {
                other.is_firing()
                    && other.facts.severity == Severity::Page
                    && other.facts.service == service
            })
        };
        let ticket = record.facts.severity == Severity::Ticket;
        if !self.routing.inhibit.is_empty()
            && ticket
            && record.facts.service == "pay"
            && pages("shop")
        {
            return true;
        }
        let AlertKey::Burn {
            instance,
            severity: Severity::Ticket,
        } = &record.key
        else {
            return false;
        };
        let mutes = slos
            .get(&instance.slo)
            .is_some_and(|slo| slo.policy.page_mutes_ticket);
        let page = AlertKey::Burn {
            instance: instance.clone(),
            severity: Severity::Page,
        };
        mutes
            && engine
                .alerts()
                .any(|other| other.key == page && other.is_firing())
    }
}

/// Who hears of an alert, in the settings of all worlds.
fn receivers(record: &AlertRecord) -> &'static [&'static str] {
    match record.facts.severity {
        Severity::Page => &["pager", "chat"],
        Severity::Ticket | Severity::Info => &["chat"],
    }
}

/// Who is told of what that is up, or not, and by which tiers.
pub(super) fn ears(effects: &[Effect], up: bool) -> impl Iterator<Item = (Ear, Tiers)> {
    let told = effects.iter().filter_map(|effect| match effect {
        Effect::Notify(told) => Some(told),
        _ => None,
    });
    told.flat_map(move |told| {
        let alone = std::slice::from_ref(&told.facts);
        let members = told.group.as_ref().map_or(alone, |group| &group.members);
        let wanted = members
            .iter()
            .filter(move |facts| facts.resolved_at.is_none() == up);
        wanted.map(|facts| {
            let tiers = facts.tiers.iter().map(|tier| (tier.long, tier.short));
            ((facts.key.clone(), told.receiver.clone()), tiers.collect())
        })
    })
}

fn tells_end(effect: &Effect, ear: &Ear) -> bool {
    let told = [true, false].map(|up| {
        let mut ears = ears(std::slice::from_ref(effect), up);
        ears.any(|(other, _)| other == *ear)
    });
    told.contains(&true)
}
