//! One feed at work: its measures, its answers, its last evaluations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::calm::ReadAhead;
use super::direct::{Answer, DirectReadings};
use super::evaluation::Evaluation;
use super::feed::Feed;
use super::input::{Evidence, WindowAnswers};
use super::labels::Labels;
use super::measure::{Measure, ReadingOptions};
use super::presence::Presence;
use super::recent::PastSlot;
use super::slo::{Composite, Indicator, InstanceId, Slo, SloId};
use super::time::{Span, Timestamp};

/// Series and instances are forgotten this often.
const SWEEP_INTERVAL: Span = Span::from_hours(1);

/// One feed with everything that is known of it.
#[derive(Debug)]
pub(super) struct FeedState {
    pub(super) feed: Feed,
    pub(super) live: Measure,
    pub(super) fresh: Option<Measure>,
    pub(super) answers: BTreeMap<InstanceId, DirectReadings>,
    pub(super) asked: BTreeMap<Span, Timestamp>,
    /// When the source was last asked about the period so far.
    pub(super) asked_period: Option<Timestamp>,
    pub(super) evaluations: BTreeMap<InstanceId, Arc<Evaluation>>,
    pub(super) answered: Presence,
    pub(super) last_slot: Timestamp,
    /// By position, the slot before which an SLO is not decided.
    pub(super) rests: Vec<Timestamp>,
}

impl FeedState {
    pub(super) fn new(feed: Feed) -> Self {
        Self {
            feed,
            live: Measure::default(),
            fresh: None,
            answers: BTreeMap::new(),
            asked: BTreeMap::new(),
            asked_period: None,
            evaluations: BTreeMap::new(),
            answered: Presence::default(),
            last_slot: Timestamp::EPOCH,
            rests: Vec::new(),
        }
    }

    /// The composite that this feed is, if it is one.
    pub(super) fn composite(&self) -> Option<(&Arc<Slo>, &Composite)> {
        let slo = self.feed.slos.first()?;
        match &slo.indicator {
            Indicator::Composite(composite) => Some((slo, composite)),
            _ => None,
        }
    }

    /// For how much (0..1) of a window an SLO of the feed is covered; the direct path always is,
    /// for it has no past of its own.
    pub(super) fn covers(&self, slo: &SloId, window: Span, now: Timestamp) -> Option<f64> {
        if self.is_direct() {
            return Some(1.0);
        }
        let known = now.since(self.live.covered_from(slo)?);
        Some(if known >= window {
            1.0
        } else {
            known.ratio(window)
        })
    }

    /// Whether an SLO has been watched for so long that a label set that is not there is gone.
    pub(super) fn is_settled(&self, slo: &SloId, options: &ReadingOptions) -> bool {
        match self.is_direct() {
            true => self.answered.horizon(options.forget_after).is_some(),
            false => self.live.is_watched(slo, options),
        }
    }

    fn is_direct(&self) -> bool {
        let slo = self.feed.slos.first();
        slo.is_some_and(|slo| matches!(slo.indicator, Indicator::Windows(_)))
    }

    /// The SLOs that are decided at a slot.
    pub(super) fn awake(&self, now: Timestamp) -> impl Iterator<Item = &Arc<Slo>> {
        let slos = self.feed.slos.iter().enumerate();
        let awake = slos.filter(move |(at, _)| self.rests.get(*at).is_none_or(|rest| *rest <= now));
        awake.map(|(_, slo)| slo)
    }

    /// Lets SLOs rest. What was read ahead counts from where the feed stands, or not at all.
    pub(super) fn rest(&mut self, until: Vec<Timestamp>, ahead: Option<ReadAhead>) {
        self.rests = until;
        if let Some(ReadAhead(ahead)) = ahead
            && self.live.read_until() == Some(ahead.from)
        {
            self.live.book_ahead(*ahead);
        }
    }

    /// Drops what was known under definitions that are gone or mean something else now.
    pub(super) fn keep_what_means_the_same(&mut self, next: &Feed, same: impl Fn(&SloId) -> bool) {
        let next: BTreeSet<&SloId> = next.slos.iter().map(|slo| &slo.id).collect();
        let ids = self.feed.slos.iter().map(|slo| slo.id.clone());
        let kept: BTreeSet<SloId> = ids.filter(|id| next.contains(id) && same(id)).collect();
        self.answers.retain(|id, _| kept.contains(&id.slo));
        self.evaluations.retain(|id, _| kept.contains(&id.slo));
        self.live.blindness.retain(|id| kept.contains(&id.slo));
        self.asked.clear();
        self.rests.clear();
        self.asked_period = None;
        if kept.is_empty() {
            self.answered = Presence::default();
        }
    }

    /// Keeps what a slot has come to for the SLOs that were decided, and with it how the slots
    /// before ended.
    pub(super) fn keep<'a>(
        &mut self,
        decided: impl Iterator<Item = &'a SloId>,
        evaluations: BTreeMap<InstanceId, Evaluation>,
    ) {
        let mut before = match self.rests.is_empty() {
            true => std::mem::take(&mut self.evaluations),
            false => decided.flat_map(|slo| self.take_evaluations(slo)).collect(),
        };
        for (id, evaluation) in evaluations {
            let recent = before.remove(&id).map(|before| before.recent.clone());
            let slot = PastSlot {
                at: evaluation.at,
                outcome: evaluation.outcome,
            };
            let evaluation = Evaluation {
                recent: recent.unwrap_or_default().with(slot),
                dark_slots: self.live.blindness.dark_slots(&id),
                ..evaluation
            };
            self.evaluations.insert(id, Arc::new(evaluation));
        }
    }

    /// Takes out the evaluations of one SLO, without a look at those of others.
    fn take_evaluations(&mut self, slo: &SloId) -> Vec<(InstanceId, Arc<Evaluation>)> {
        let first = InstanceId {
            slo: slo.clone(),
            labels: Labels::lowest(),
        };
        let of_slo = self.evaluations.range(first..);
        let ids = of_slo.map(|(id, _)| id).take_while(|id| id.slo == *slo);
        let ids: Vec<InstanceId> = ids.cloned().collect();
        ids.into_iter()
            .filter_map(|id| self.evaluations.remove_entry(&id))
            .collect()
    }

    /// The fresh reading takes the place of the old one.
    pub(super) fn swap(&mut self) {
        if let Some(fresh) = self.fresh.take() {
            let old = std::mem::replace(&mut self.live, fresh);
            self.live.blindness = old.blindness;
            // It may have been asked for before the last slot, which it then lacks: a composite
            // that has not been decided for that slot waits for the next one.
            if let Some(read_until) = self.live.read_until() {
                self.last_slot = self.last_slot.min(read_until);
            }
        }
    }

    /// Takes what the source said; once an hour forgets what is gone and says so.
    pub(super) fn take(
        &mut self,
        evidence: Evidence,
        options: &ReadingOptions,
        now: Timestamp,
    ) -> bool {
        match evidence {
            Evidence::Samples { from, series } => {
                let before = self.live.read_until();
                self.live.read(&self.feed, options, from, now, &series);
                // Tied to the clock on the wall, so that a restart does not shift it.
                let hour = |at: Timestamp| at.align_down(SWEEP_INTERVAL);
                let due = before.is_none_or(|before| hour(before) < hour(now));
                if due {
                    self.live.forget(&self.feed, options);
                }
                due
            }
            Evidence::Windows(answers) => {
                self.take_answers(answers, now);
                let horizon = self.answered.horizon(options.forget_after);
                self.answers
                    .retain(|_, answers| answers.newest() >= horizon);
                true
            }
        }
    }

    /// Whether this is a label set of the feed that would have been seen if it still existed.
    pub(super) fn is_gone(&self, id: &InstanceId, options: &ReadingOptions) -> bool {
        match self.feed.slos.first() {
            Some(slo) if self.is_direct() => {
                let known = id.slo != slo.id || self.answers.contains_key(id);
                self.is_settled(&slo.id, options) && !known && !id.labels.is_empty()
            }
            _ => self.live.is_gone(id, options),
        }
    }

    fn take_answers(&mut self, answers: WindowAnswers, now: Timestamp) {
        let Some(slo) = self.feed.slos.first() else {
            return;
        };
        let period = slo.period.window(now);
        for (window, series) in answers {
            let is_period = period == Some(window);
            // The period's answer is kept by itself: of a calendar unit it is another window at
            // every slot.
            // A composite may ask for a window that is none of the SLO's own.
            let is_window = !is_period || slo.reach.windows.contains(&window);
            if is_period {
                self.asked_period = Some(now);
            }
            if is_window {
                self.asked.insert(window, now);
            }
            if !series.is_empty() {
                self.answered.see(now, now);
            }
            let mut joined: BTreeMap<InstanceId, Answer> = BTreeMap::new();
            for (labels, answer) in series {
                let id = InstanceId {
                    slo: slo.id.clone(),
                    labels: labels.pick(&slo.group_by),
                };
                let answers = joined.entry(id);
                answers
                    .and_modify(|known| *known = known.join(answer))
                    .or_insert(answer);
            }
            for (id, answer) in joined {
                let answers = self.answers.entry(id).or_default();
                if is_period {
                    answers.put_period(now, answer);
                }
                if is_window {
                    answers.put(window, now, answer);
                }
            }
        }
    }
}
