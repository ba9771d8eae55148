//! From evidence to evaluations: every instance of a feed, once per slot.
//!
//! Then each alert of each instance is moved by [`super::transition`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::evaluation::{self, Evaluation, Memory, Outcome};
use super::exclusion::Exclusions;
use super::feed_state::FeedState;
use super::labels::Labels;
use super::notification::AlertKey;
use super::policy::Severity;
use super::slo::{InstanceId, Slo, SloId};
use super::step::Engine;
use super::time::Timestamp;

impl Engine {
    /// Evaluates every instance of a feed and moves its alerts.
    pub(super) fn decide(&mut self, feed: &str, now: Timestamp) {
        let Some(state) = self.feeds.get(feed) else {
            return;
        };
        let slos: BTreeMap<SloId, Arc<Slo>> = state
            .awake(now)
            .map(|slo| (slo.id.clone(), slo.clone()))
            .collect();
        let evaluations = self.evaluate(state, &slos, now);
        for evaluation in evaluations.values() {
            let Some(slo) = slos.get(&evaluation.id.slo) else {
                continue;
            };
            for severity in Severity::ALL {
                self.move_burn_alert(slo, evaluation, severity, now);
            }
        }
        self.move_blind_alerts(feed, &slos, &evaluations, now);
        if let Some(state) = self.feeds.get_mut(feed) {
            state.keep(slos.keys(), evaluations);
        }
        self.decided.push((feed.to_owned(), now));
    }

    /// One evaluation per instance: those that are measured, those with an open alert, and one for
    /// an SLO of which nothing was ever seen.
    fn evaluate(
        &self,
        state: &FeedState,
        slos: &BTreeMap<SloId, Arc<Slo>>,
        now: Timestamp,
    ) -> BTreeMap<InstanceId, Evaluation> {
        let mut evaluations = BTreeMap::new();
        if let Some((slo, composite)) = state.composite() {
            for evaluation in self.evaluate_composite(slo, composite, now) {
                evaluations.insert(evaluation.id.clone(), evaluation);
            }
        }
        let exclusions = Exclusions::new(&self.routing, slos.values(), now);
        let tallies = slos.values().flat_map(|slo| {
            let tallies = state.live.tallies_of(&slo.id);
            tallies.map(move |tally| (slo, tally))
        });
        for (slo, tally) in tallies {
            let covered_from = state.live.covered_from(&slo.id);
            let memory = Memory {
                excluded: exclusions.of(slo, &tally.id, now),
                ..self.memory(&tally.id)
            };
            let evaluation = evaluation::from_tally(slo, tally, covered_from, &memory, now);
            evaluations.insert(tally.id.clone(), evaluation);
        }
        for (id, answers) in &state.answers {
            let Some(slo) = slos.get(&id.slo) else {
                continue;
            };
            let (interval, memory) = (self.options.reading.interval, self.memory(id));
            let evaluation = evaluation::from_answers(slo, id, answers, interval, &memory, now);
            evaluations.insert(id.clone(), evaluation);
        }
        for id in self.expected(slos, &evaluations) {
            let detail = "no series matches".to_owned();
            evaluations.insert(
                id.clone(),
                Evaluation::blank(id, now, Outcome::NoData, detail),
            );
        }
        if let Some(failure) = state.live.blindness.failure() {
            for evaluation in evaluations.values_mut() {
                evaluation.outcome = Outcome::Failed;
                evaluation.detail = Some(failure.to_owned());
            }
        }
        evaluations
    }

    /// Instances that ought to be evaluated but have no samples.
    fn expected(
        &self,
        slos: &BTreeMap<SloId, Arc<Slo>>,
        found: &BTreeMap<InstanceId, Evaluation>,
    ) -> BTreeSet<InstanceId> {
        let with_alert = self.alerts.keys().filter_map(|key| match key {
            AlertKey::Burn { instance, .. } => Some(instance),
            AlertKey::Blind { .. } | AlertKey::SourceDown { .. } => None,
        });
        let seen: BTreeSet<&SloId> = found.keys().map(|id| &id.slo).collect();
        let unseen = slos.keys().filter(|id| !seen.contains(id));
        let unseen = unseen.map(|id| InstanceId {
            slo: id.clone(),
            labels: Labels::empty(),
        });
        let expected = with_alert
            .filter(|id| slos.contains_key(&id.slo))
            .cloned()
            .chain(unseen);
        expected.filter(|id| !found.contains_key(id)).collect()
    }

    /// What the alerts of an instance add to its evaluation.
    pub(super) fn memory(&self, id: &InstanceId) -> Memory {
        if self.alerts.is_empty() {
            return Memory::default();
        }
        let record = |severity| {
            self.alerts.get(&AlertKey::Burn {
                instance: id.clone(),
                severity,
            })
        };
        let (page, ticket) = (record(Severity::Page), record(Severity::Ticket));
        let firing = [page, ticket, record(Severity::Info)]
            .into_iter()
            .flatten()
            .filter(|r| r.is_firing());
        let burning = firing.flat_map(|record| {
            let severity = record.facts.severity;
            record
                .burning
                .iter()
                .map(move |(long, short)| (severity, *long, *short))
        });
        Memory {
            burning: burning.collect(),
            costs_from: page.or(ticket).map(|record| record.costs_from),
            excluded: Vec::new(),
        }
    }
}
