//! The alerts about what cannot be seen: an SLO without data, an instance that lost its data while
//! its alert was open, a source that does not answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::alert::{Signal, Timing};
use super::burn_alert::facts_of;
use super::evaluation::Evaluation;
use super::labels::Labels;
use super::notification::{AlertFacts, AlertKey, Reason};
use super::policy::{BlindPolicy, Severity};
use super::slo::{InstanceId, Slo, SloId};
use super::step::Engine;
use super::time::Timestamp;
use super::transition::Condition;

impl Engine {
    /// Moves the blind alerts of a feed: one per SLO of which no instance has data, one per
    /// instance that lost its data while its alert was open.
    pub(super) fn move_blind_alerts(
        &mut self,
        feed: &str,
        slos: &BTreeMap<SloId, Arc<Slo>>,
        evaluations: &BTreeMap<InstanceId, Evaluation>,
        now: Timestamp,
    ) {
        if self.source_is_silent() {
            return;
        }
        let lit: BTreeSet<&SloId> = evaluations
            .values()
            .filter(|e| e.is_evidence())
            .map(|e| &e.id.slo)
            .collect();
        let mut subjects: BTreeMap<InstanceId, Option<&Evaluation>> = BTreeMap::new();
        for (id, evaluation) in evaluations {
            let whole = InstanceId {
                slo: id.slo.clone(),
                labels: Labels::empty(),
            };
            subjects.entry(whole).or_insert(Some(evaluation));
            if self.has_open_burn(id) {
                subjects.insert(id.clone(), Some(evaluation));
            }
        }
        let open = self.alerts.keys().filter_map(|key| match key {
            AlertKey::Blind { instance } if slos.contains_key(&instance.slo) => Some(instance),
            _ => None,
        });
        for id in open {
            subjects
                .entry(id.clone())
                .or_insert_with(|| evaluations.get(id));
        }
        if let Some(state) = self.feeds.get_mut(feed) {
            let blindness = &mut state.live.blindness;
            blindness.retain(|id| subjects.contains_key(id));
        }
        for (id, evaluation) in subjects {
            let Some(slo) = slos.get(&id.slo) else {
                continue;
            };
            let fresh = match evaluations.get(&id) {
                Some(evaluation) => evaluation.is_evidence(),
                None => lit.contains(&id.slo),
            };
            let dark = !(fresh || (id.labels.is_empty() && lit.contains(&id.slo)));
            self.move_blind_alert(feed, slo, id, dark, evaluation, now);
        }
    }

    fn move_blind_alert(
        &mut self,
        feed: &str,
        slo: &Slo,
        id: InstanceId,
        dark: bool,
        evaluation: Option<&Evaluation>,
        now: Timestamp,
    ) {
        let Some(state) = self.feeds.get_mut(feed) else {
            return;
        };
        let slots = state.live.blindness.count(&id, dark);
        let key = AlertKey::Blind {
            instance: id.clone(),
        };
        let signal = match &slo.policy.blind {
            None => Signal::Down(Reason::DefinitionChanged),
            Some(_) if !dark => Signal::Down(Reason::DataReturned),
            Some(policy) if slots >= policy.after_slots => Signal::Up,
            Some(_) => Signal::Unknown,
        };
        if signal != Signal::Up && !self.alerts.contains_key(&key) {
            return;
        }
        // An alert that burns was seen to burn, even if the windows of that time are lost.
        let ever_seen = evaluation.is_some_and(|evaluation| evaluation.newest.is_some())
            || self.has_open_burn(&id);
        let wanted = slo
            .policy
            .blind
            .as_ref()
            .map_or(Severity::Ticket, |policy| policy.severity);
        // What was never there is a mistake in a definition, not an outage: it wakes nobody.
        let severity = if ever_seen {
            wanted
        } else {
            wanted.max(Severity::Ticket)
        };
        let detail = evaluation
            .and_then(|e| e.detail.clone())
            .unwrap_or_default();
        let reason = Reason::NoData { slots, detail };
        let mut facts = facts_of(slo, id.labels, key, severity, None, reason, now);
        facts.dependencies = self.burning_dependencies(&slo.id);
        let timing = Timing::AT_ONCE;
        let condition = Condition {
            signal,
            timing,
            facts,
            tier_starts: Some(Vec::new()),
            costs_from: now,
        };
        self.advance(condition, now);
    }

    fn has_open_burn(&self, id: &InstanceId) -> bool {
        !self.alerts.is_empty()
            && [Severity::Page, Severity::Ticket]
                .into_iter()
                .any(|severity| {
                    self.alerts.contains_key(&AlertKey::Burn {
                        instance: id.clone(),
                        severity,
                    })
                })
    }

    /// Whether no feed got an answer at its last slot.
    fn source_is_silent(&self) -> bool {
        let mut slots = self
            .feeds
            .values()
            .filter_map(|state| state.live.blindness.failed_slots());
        let first = slots.next();
        first.is_some_and(|first| first > 0) && slots.all(|slots| slots > 0)
    }

    /// Moves the alert that the whole source is down.
    pub(super) fn move_source_alert(&mut self, now: Timestamp) {
        let key = self.source_alert();
        let silent = self.source_is_silent();
        if !silent && !self.alerts.contains_key(&key) {
            return;
        }
        let policy = self.strictest_blind_policy();
        let failed = self
            .feeds
            .values()
            .filter_map(|state| state.live.blindness.failed_slots());
        let slots = failed.min().unwrap_or(0);
        let signal = match &policy {
            None => Signal::Down(Reason::DefinitionChanged),
            Some(_) if !silent => Signal::Down(Reason::DataReturned),
            Some(policy) if slots >= policy.after_slots => Signal::Up,
            Some(_) => Signal::Unknown,
        };
        let detail = self
            .feeds
            .values()
            .find_map(|state| state.live.blindness.failure());
        let detail = detail.unwrap_or_default().to_owned();
        let affected: usize = self.feeds.values().map(|state| state.feed.slos.len()).sum();
        let severity = policy.map_or(Severity::Ticket, |policy| policy.severity);
        let reason = Reason::SourceFailed { slots, detail };
        let mut facts = AlertFacts::of_source(&self.options.source, severity, reason, now);
        facts.affected = u32::try_from(affected).unwrap_or(u32::MAX);
        let timing = Timing::AT_ONCE;
        let condition = Condition {
            signal,
            timing,
            facts,
            tier_starts: Some(Vec::new()),
            costs_from: now,
        };
        self.advance(condition, now);
    }

    /// The source serves every SLO, so the soonest limit and the loudest severity count.
    fn strictest_blind_policy(&self) -> Option<BlindPolicy> {
        let slos = self.feeds.values().flat_map(|state| &state.feed.slos);
        let policies = slos.filter_map(|slo| slo.policy.blind.as_ref());
        policies.fold(None, |strictest: Option<BlindPolicy>, policy| {
            let strictest = strictest.unwrap_or_else(|| policy.clone());
            Some(BlindPolicy {
                after_slots: strictest.after_slots.min(policy.after_slots),
                severity: strictest.severity.min(policy.severity),
            })
        })
    }
}
