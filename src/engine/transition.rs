//! From evaluations to alerts: what a slot changes, who hears of it, and what stays quiet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::alert::{AlertRecord, Signal, Timing, advance};
use super::budget::exhausted_in;
use super::effect::{Effect, StateName, Transition};
use super::evaluation::{Evaluation, Outcome};
use super::labels::Labels;
use super::notification::{AlertFacts, AlertKey, BudgetFacts, Reason, TierFacts};
use super::policy::{BlindPolicy, Severity};
use super::slo::{Document, InstanceId, Slo, SloId};
use super::step::Engine;
use super::time::{Span, Timestamp};

/// An alert's condition at one slot, ready for the state machine.
struct Condition {
    signal: Signal,
    timing: Timing,
    /// What is known now; its reason is the one to fire with.
    facts: AlertFacts,
    muted_by: Option<AlertKey>,
    /// Where the costs begin, should the alert begin now.
    costs_from: Timestamp,
}

impl Engine {
    /// Moves the page, ticket or info alert of an instance.
    pub(super) fn move_burn_alert(
        &mut self,
        slo: &Slo,
        evaluation: &Evaluation,
        severity: Severity,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let key = AlertKey::Burn {
            instance: evaluation.id.clone(),
            severity,
        };
        let open = self.alerts.get(&key);
        let (signal, reason) = match severity {
            Severity::Page | Severity::Ticket => burn_signal(evaluation, severity),
            Severity::Info => budget_signal(slo, evaluation, open),
        };
        if open.is_none() && signal != Signal::Up {
            return;
        }
        let tiers = evaluation.burning(severity);
        let longest = tiers
            .iter()
            .map(|tier| tier.long)
            .max()
            .unwrap_or(Span::ZERO);
        let mut facts = facts_of(
            slo,
            evaluation.id.labels.clone(),
            key,
            severity,
            reason,
            now,
        );
        facts.peak_burn = tiers.iter().map(|tier| tier.long_burn).fold(0.0, f64::max);
        facts.tiers = tiers;
        facts.budget = evaluation.budget;
        let muted_by = self.page_over(slo, &evaluation.id, severity);
        let timing = match severity {
            Severity::Info => Timing::AT_ONCE,
            _ => Timing {
                pending: slo.policy.pending,
                hold: slo.policy.hold,
            },
        };
        let costs_from = now - longest;
        self.advance(
            Condition {
                signal,
                timing,
                facts,
                muted_by,
                costs_from,
            },
            now,
            effects,
        );
    }

    /// The firing page that keeps this instance's ticket quiet.
    fn page_over(&self, slo: &Slo, id: &InstanceId, severity: Severity) -> Option<AlertKey> {
        if severity != Severity::Ticket || !slo.policy.page_mutes_ticket {
            return None;
        }
        let page = AlertKey::Burn {
            instance: id.clone(),
            severity: Severity::Page,
        };
        self.alerts
            .get(&page)
            .filter(|record| record.is_firing())
            .map(|_| page.clone())
    }

    /// Moves the blind alerts of a feed: one per SLO of which no instance has data, one per
    /// instance that lost its data while its alert was open.
    pub(super) fn move_blind_alerts(
        &mut self,
        feed: &str,
        slos: &BTreeMap<SloId, Arc<Slo>>,
        evaluations: &BTreeMap<InstanceId, Evaluation>,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        if self.source_is_silent() {
            return;
        }
        let lit: BTreeSet<&SloId> = evaluations
            .values()
            .filter(|e| e.fresh && e.outcome != Outcome::Failed)
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
                Some(evaluation) => evaluation.fresh && evaluation.outcome != Outcome::Failed,
                None => lit.contains(&id.slo),
            };
            let dark = !(fresh || (id.labels.is_empty() && lit.contains(&id.slo)));
            self.move_blind_alert(feed, slo, id, dark, evaluation, now, effects);
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one call site; a struct would only rename them"
    )]
    fn move_blind_alert(
        &mut self,
        feed: &str,
        slo: &Slo,
        id: InstanceId,
        dark: bool,
        evaluation: Option<&Evaluation>,
        now: Timestamp,
        effects: &mut Vec<Effect>,
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
        let facts = facts_of(slo, id.labels, key, severity, reason, now);
        let timing = Timing::AT_ONCE;
        let condition = Condition {
            signal,
            timing,
            facts,
            muted_by: None,
            costs_from: now,
        };
        self.advance(condition, now, effects);
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
    pub(super) fn move_source_alert(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
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
        let facts = AlertFacts {
            key,
            severity: policy.map_or(Severity::Ticket, |policy| policy.severity),
            service: "slofuse".to_owned(),
            slo: self.options.source.clone(),
            labels: Labels::empty(),
            objective_percent: None,
            period: None,
            reason: Reason::SourceFailed { slots, detail },
            started_at: now,
            decided_at: now,
            resolved_at: None,
            tiers: Vec::new(),
            peak_burn: 0.0,
            budget: None,
            document: Document::default(),
            affected: u32::try_from(affected).unwrap_or(u32::MAX),
        };
        let timing = Timing::AT_ONCE;
        let condition = Condition {
            signal,
            timing,
            facts,
            muted_by: None,
            costs_from: now,
        };
        self.advance(condition, now, effects);
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

    /// Ends every alert of an instance.
    pub(super) fn end_instance(
        &mut self,
        id: &InstanceId,
        reason: Reason,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let keys = self.alerts.keys().filter(|key| key.instance() == Some(id));
        for key in keys.cloned().collect::<Vec<_>>() {
            self.end(&key, reason.clone(), now, effects);
        }
    }

    /// Ends an alert without asking its condition.
    pub(super) fn end(
        &mut self,
        key: &AlertKey,
        reason: Reason,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(record) = self.alerts.remove(key) {
            self.close(record, None, reason, now, effects);
        }
    }

    fn advance(&mut self, condition: Condition, now: Timestamp, effects: &mut Vec<Effect>) {
        let Condition {
            signal,
            timing,
            facts,
            muted_by,
            costs_from,
        } = condition;
        let key = facts.key.clone();
        let before = self.alerts.remove(&key);
        let state = advance(
            before.as_ref().map(|record| record.state),
            &signal,
            now,
            timing,
        );
        let Some(state) = state else {
            if let (Some(record), Signal::Down(reason)) = (before, signal) {
                self.close(record, facts.budget, reason, now, effects);
            }
            return;
        };
        let mut record = match &before {
            Some(record) => AlertRecord {
                state,
                ..record.clone()
            },
            None => AlertRecord {
                key: key.clone(),
                state,
                facts: AlertFacts {
                    started_at: now,
                    ..facts.clone()
                },
                burning: Vec::new(),
                costs_from,
                told: BTreeMap::new(),
            },
        };
        let news = signal == Signal::Up && learn(&mut record, facts);
        self.report(before.as_ref(), &mut record, news, muted_by, now, effects);
        if before
            .as_ref()
            .is_none_or(|before| differs_durably(before, &record))
        {
            effects.push(Effect::Save(record.clone()));
        }
        self.alerts.insert(key, record);
    }

    /// The effects of an alert that is pending or firing after the slot.
    fn report(
        &self,
        before: Option<&AlertRecord>,
        record: &mut AlertRecord,
        news: bool,
        muted_by: Option<AlertKey>,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let from = before.map_or(StateName::Inactive, |record| record.state.name());
        let to = record.state.name();
        if from != to {
            effects.push(Effect::Transitioned(Transition {
                at: now,
                from,
                to,
                facts: record.facts.clone(),
                muted_by: muted_by.clone(),
            }));
        }
        // Whoever has not heard of the alert by the time it ends need not hear of it.
        if !record.is_burning() || muted_by.is_some() {
            return;
        }
        let was_up = from == StateName::Firing;
        if was_up && record.told.is_empty() && record.facts.reason == Reason::Burning {
            record.facts.reason = Reason::Unmuted;
        }
        self.recipients.announce(record, was_up && news, effects);
    }

    /// The effects of an alert that ends.
    fn close(
        &self,
        mut record: AlertRecord,
        budget: Option<BudgetFacts>,
        reason: Reason,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        record.facts.budget = budget.or(record.facts.budget);
        effects.push(Effect::Transitioned(Transition {
            at: now,
            from: record.state.name(),
            to: StateName::Inactive,
            facts: AlertFacts {
                reason: reason.clone(),
                decided_at: now,
                resolved_at: Some(now),
                ..record.facts.clone()
            },
            muted_by: None,
        }));
        if record.is_firing() {
            self.recipients.close(&record, reason, now, effects);
        }
        effects.push(Effect::Forget(record.key));
    }
}

/// Whether the tiers of a severity burn.
fn burn_signal(evaluation: &Evaluation, severity: Severity) -> (Signal, Reason) {
    let signal = if !evaluation.fresh || evaluation.outcome == Outcome::Failed {
        Signal::Unknown
    } else if !evaluation.burning(severity).is_empty() {
        Signal::Up
    } else if evaluation.is_undecided(severity) {
        Signal::Unknown
    } else if evaluation.outcome == Outcome::NoTraffic {
        Signal::Down(Reason::NoTraffic)
    } else {
        Signal::Down(Reason::Recovered)
    };
    (signal, Reason::Burning)
}

/// Whether so much of the budget is gone, or going, that somebody should know.
fn budget_signal(
    slo: &Slo,
    evaluation: &Evaluation,
    open: Option<&AlertRecord>,
) -> (Signal, Reason) {
    let policy = &slo.policy.budget;
    let seen = evaluation.fresh && evaluation.outcome != Outcome::Failed;
    let (true, Some(budget)) = (seen, evaluation.budget) else {
        return (Signal::Unknown, Reason::Burning);
    };
    let ease = if open.is_some() {
        slo.policy.recover
    } else {
        1.0
    };
    let crossed = policy.thresholds.iter().filter(|t| budget.consumed >= **t);
    let crossed = crossed.copied().fold(None, |max: Option<f64>, t| {
        Some(max.map_or(t, |m| m.max(t)))
    });
    if let Some(threshold) = crossed {
        return (Signal::Up, Reason::BudgetConsumed { threshold });
    }
    let longest = evaluation.readings.last().and_then(|reading| reading.burn);
    let left = longest.and_then(|burn| exhausted_in(slo.period, budget.remaining, burn));
    let ahead = policy
        .exhaustion_within
        .map(|within| within.scale(1.0 / ease.max(f64::EPSILON)));
    if let (Some(left), Some(ahead)) = (left, ahead)
        && left <= ahead
    {
        return (Signal::Up, Reason::ExhaustionAhead { within: left });
    }
    let lowest = policy
        .thresholds
        .iter()
        .copied()
        .fold(f64::INFINITY, f64::min);
    match open {
        Some(record) if budget.consumed >= lowest * ease => {
            (Signal::Up, record.facts.reason.clone())
        }
        _ => (Signal::Down(Reason::Recovered), Reason::Recovered),
    }
}

fn facts_of(
    slo: &Slo,
    labels: Labels,
    key: AlertKey,
    severity: Severity,
    reason: Reason,
    now: Timestamp,
) -> AlertFacts {
    AlertFacts {
        key,
        severity,
        service: slo.service.clone(),
        slo: slo.name.clone(),
        labels,
        objective_percent: Some(slo.objective.percent()),
        period: Some(slo.period),
        reason,
        started_at: now,
        decided_at: now,
        resolved_at: None,
        tiers: Vec::new(),
        peak_burn: 0.0,
        budget: None,
        document: slo.document.clone(),
        affected: 1,
    }
}

/// Brings a record up to date with a slot at which its condition holds; says whether that is news
/// to somebody who already knows of the alert.
fn learn(record: &mut AlertRecord, facts: AlertFacts) -> bool {
    let old = &record.facts;
    let more_tiers = facts
        .tiers
        .iter()
        .any(|tier| !old.tiers.iter().any(|t| same_tier(t, tier)));
    let louder = reason_rank(&facts.reason) > reason_rank(&old.reason);
    record.burning = facts
        .tiers
        .iter()
        .map(|tier| (tier.long, tier.short))
        .collect();
    let mut tiers = facts.tiers.clone();
    tiers.extend(
        old.tiers
            .iter()
            .filter(|t| !facts.tiers.iter().any(|n| same_tier(n, t)))
            .cloned(),
    );
    tiers.sort_by(|a, b| b.factor.total_cmp(&a.factor));
    let reason = match (&old.reason, louder) {
        (_, true) => facts.reason,
        (Reason::NoData { .. } | Reason::SourceFailed { .. }, _) => facts.reason,
        (Reason::Burning | Reason::Unmuted, _)
            if more_tiers && record.is_firing() && !record.told.is_empty() =>
        {
            Reason::MoreTiers
        }
        (reason, _) => reason.clone(),
    };
    record.facts = AlertFacts {
        severity: old.severity,
        started_at: old.started_at,
        peak_burn: old.peak_burn.max(facts.peak_burn),
        tiers,
        reason,
        ..facts
    };
    more_tiers || louder
}

fn same_tier(a: &TierFacts, b: &TierFacts) -> bool {
    (a.long, a.short) == (b.long, b.short)
}

/// Budget reasons only ever rise within an episode.
fn reason_rank(reason: &Reason) -> f64 {
    match reason {
        Reason::BudgetConsumed { threshold } => 1.0 + threshold,
        _ => 0.0,
    }
}

/// Whether a restart would lose something that matters: the burn of each slot does not.
fn differs_durably(before: &AlertRecord, after: &AlertRecord) -> bool {
    before.state != after.state
        || before.told != after.told
        || before.burning != after.burning
        || before.facts.tiers.len() != after.facts.tiers.len()
        || before.facts.document != after.facts.document
        || std::mem::discriminant(&before.facts.reason)
            != std::mem::discriminant(&after.facts.reason)
        || reason_rank(&before.facts.reason) < reason_rank(&after.facts.reason)
}
