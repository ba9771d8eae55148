//! Composites: SLOs that are made of others, a user journey or a weighted mean.
//!
//! A composite reads the pasts of its parts and polls nothing. It is decided in the step in which
//! the last of its parts' feeds arrives at a slot, for that slot: a feed that is late delays it,
//! and one that fails has arrived. What another feed has counted since is left out, so that a
//! composite never reads half a slot.
//!
//! What a part does not tell is taken for good: the known parts alone then give a lower bound of
//! the burn. Where that bound is above every factor in question, the window burns whatever the
//! part would have said, so a blind step cannot hide an outage; anywhere else the window is
//! unknown and decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::budget::Account;
use super::burn::{Reading, burn_rate};
use super::counts::Counts;
use super::direct::Answer;
use super::evaluation::{Evaluation, Memory, Outcome, TierStatus, settle, tiers};
use super::feed_state::FeedState;
use super::labels::Labels;
use super::period::Period;
use super::recent::Recent;
use super::slo::{Combination, Composite, Indicator, InstanceId, Part, Slo, SloId};
use super::spending::{Priced, Spending, price, spending};
use super::step::Engine;
use super::time::{Span, Timestamp};

mod parts;

use parts::{PartHere, PartView};

/// Which feeds composites read.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// The feed of each SLO.
    homes: BTreeMap<SloId, String>,
    /// The composites, by key, that read a feed.
    readers: BTreeMap<String, BTreeSet<String>>,
}

impl Links {
    pub(super) fn new<'a>(feeds: impl Iterator<Item = &'a FeedState> + Clone) -> Self {
        let mut links = Self::default();
        for state in feeds.clone() {
            let ids = state.feed.slos.iter().map(|slo| slo.id.clone());
            let homes = ids.map(|id| (id, state.feed.key.clone()));
            links.homes.extend(homes);
        }
        for state in feeds {
            let Some((_, composite)) = state.composite() else {
                continue;
            };
            for part in &composite.parts {
                if let Some(home) = links.homes.get(&part.slo) {
                    let readers = links.readers.entry(home.clone()).or_default();
                    readers.insert(state.feed.key.clone());
                }
            }
        }
        links
    }

    fn home(&self, part: &Part) -> Option<&str> {
        self.homes.get(&part.slo).map(String::as_str)
    }

    pub(super) fn readers<'a>(&'a self, feed: &str) -> impl Iterator<Item = &'a String> {
        self.readers.get(feed).into_iter().flatten()
    }
}

/// Whether two definitions of an SLO measure the same thing, their parts included.
pub(super) fn measures_the_same(
    old: &Slo,
    new: &Slo,
    before: &BTreeMap<SloId, Arc<Slo>>,
    after: &BTreeMap<SloId, Arc<Slo>>,
) -> bool {
    let same_part = |part: &Part| match (before.get(&part.slo), after.get(&part.slo)) {
        (Some(old), Some(new)) => old.measures_the_same(new),
        _ => false,
    };
    let same_parts = match &new.indicator {
        Indicator::Composite(composite) => composite.parts.iter().all(same_part),
        _ => true,
    };
    old.measures_the_same(new) && same_parts
}

impl Engine {
    /// Decides the composites for which this feed was the last of their parts to arrive at a slot.
    pub(super) fn decide_composites(&mut self, feed: &str) {
        let readers: Vec<String> = self.links.readers(feed).cloned().collect();
        for key in readers {
            let Some(at) = self.slot_of_parts(&key) else {
                continue;
            };
            let Some(state) = self.feeds.get_mut(&key) else {
                continue;
            };
            if at <= state.last_slot {
                continue;
            }
            state.last_slot = at;
            state.live.stand(at);
            self.end_gone(&key, at);
            self.decide(&key, at);
        }
    }

    /// The slot at which every feed with a part has arrived.
    fn slot_of_parts(&self, key: &str) -> Option<Timestamp> {
        let (_, composite) = self.feeds.get(key)?.composite()?;
        let homes = composite.parts.iter().filter_map(|p| self.links.home(p));
        let slots = homes.filter_map(|home| Some(self.feeds.get(home)?.last_slot));
        slots.min()
    }

    fn state_of(&self, part: &Part) -> Option<&FeedState> {
        self.feeds.get(self.links.home(part)?)
    }

    fn parts<'a>(&'a self, slo: &Slo, composite: &'a Composite) -> Vec<PartView<'a>> {
        let interval = self.options.reading.interval;
        let parts = composite.parts.iter();
        parts
            .map(|part| PartView::new(slo, part, self.state_of(part), interval))
            .collect()
    }

    /// Every instance of a composite.
    pub(super) fn evaluate_composite(
        &self,
        slo: &Slo,
        composite: &Composite,
        now: Timestamp,
    ) -> Vec<Evaluation> {
        let parts = self.parts(slo, composite);
        let evaluate = |labels: Labels| {
            let here: Vec<PartHere<'_>> = parts
                .iter()
                .map(|part| part.here(&labels, &slo.windows(), now))
                .collect();
            let id = InstanceId {
                slo: slo.id.clone(),
                labels,
            };
            let memory = self.memory(&id);
            from_parts(slo, composite.combination, id, &here, &memory, now)
        };
        instances(&parts).into_iter().map(evaluate).collect()
    }

    /// The label sets of a composite, once its parts have been watched for so long that what is
    /// not among them is gone.
    pub(super) fn settled_instances(
        &self,
        slo: &Slo,
        composite: &Composite,
    ) -> Option<BTreeSet<Labels>> {
        let settled = |part: &Part| {
            let state = self.state_of(part);
            state.is_some_and(|state| state.is_settled(&part.slo, &self.options.reading))
        };
        let settled = composite.parts.iter().all(settled);
        settled.then(|| instances(&self.parts(slo, composite)))
    }

    /// For how much (0..1) of the longest window every part of a composite is covered; `None` for
    /// a feed that is none.
    pub fn composite_coverage(&self, feed: &str, now: Timestamp) -> Option<f64> {
        let (slo, composite) = self.feeds.get(feed)?.composite()?;
        let longest = slo.reach.longest_window();
        let covered = |part: &Part| {
            let state = self.state_of(part)?;
            state.covers(&part.slo, longest, now)
        };
        let parts = composite.parts.iter();
        let parts = parts.map(|part| covered(part).unwrap_or(0.0));
        Some(parts.fold(1.0, f64::min))
    }

    /// The periods of composites that the SLO of a direct feed has to be asked for besides its
    /// own. Of calendar periods only its own are known to it.
    pub(super) fn periods_of_composites<'a>(
        &'a self,
        feed: &str,
        part: &'a Slo,
    ) -> impl Iterator<Item = Span> + use<'a> {
        let readers: Vec<&String> = self.links.readers(feed).collect();
        let composites = readers
            .into_iter()
            .filter_map(|key| self.feeds.get(key)?.composite());
        composites.filter_map(|(slo, _)| match &slo.period {
            Period::Rolling(span) if slo.period != part.period => Some(*span),
            _ => None,
        })
    }
}

/// The label sets of a composite: every one that a part has. Parts without any of its labels
/// belong to all of them.
fn instances(parts: &[PartView<'_>]) -> BTreeSet<Labels> {
    let splitting = || parts.iter().filter(|part| part.splits());
    if splitting().next().is_none() {
        return BTreeSet::from([Labels::empty()]);
    }
    splitting().flat_map(PartView::label_sets).collect()
}

/// The error ratio of the whole from the weights and error ratios (0..1) of its parts.
///
/// Of a journey it is 1 - (1 - e1)(1 - e2)..., summed up so that small ratios keep their digits.
pub(super) fn combined(
    combination: Combination,
    parts: impl Iterator<Item = (f64, f64)> + Clone,
) -> f64 {
    match combination {
        Combination::Journey => parts.fold(0.0, |sum, (_, ratio)| sum + ratio - sum * ratio),
        Combination::Weighted => {
            let weights: f64 = parts.clone().map(|(weight, _)| weight).sum();
            let sum: f64 = parts.map(|(weight, ratio)| weight * ratio).sum();
            if weights > 0.0 { sum / weights } else { 0.0 }
        }
    }
}

/// Evaluates an instance of a composite from what its parts say about it.
fn from_parts(
    slo: &Slo,
    combination: Combination,
    id: InstanceId,
    parts: &[PartHere<'_>],
    memory: &Memory,
    now: Timestamp,
) -> Evaluation {
    let read = |window| reading(slo, combination, parts, window, now);
    let readings: Vec<Reading> = slo.windows().into_iter().map(read).collect();
    let tiers = tiers(slo, &readings, &memory.burning, slo.period.length(now));
    let (outcome, detail) = outcome(parts, &readings, &tiers, now);
    let spending = spending(&readings, &tiers);
    let priced = priced(slo, combination, parts, &spending, memory, now);
    let dark = parts.iter().any(|part| part.dark.is_some());
    Evaluation {
        id,
        at: now,
        outcome,
        detail,
        readings,
        tiers,
        budget: priced.map(|priced| priced.budget),
        sla: priced.and_then(|priced| priced.sla),
        exhausted_in: priced.and_then(|priced| priced.exhausted_in),
        newest: parts.iter().map(|part| part.newest).min().flatten(),
        fresh: !dark || outcome == Outcome::Burning,
        covered_from: None,
        allowance: None,
        dark_slots: 0,
        recent: Recent::default(),
    }
}

/// What the parts say of a window. An unknown part is taken for good: that bound from below is a
/// reading only where every tier of the window burns by it.
fn reading(
    slo: &Slo,
    combination: Combination,
    parts: &[PartHere<'_>],
    window: Span,
    now: Timestamp,
) -> Reading {
    let shares: Vec<_> = parts
        .iter()
        .map(|part| (part.weight, part.share(window, now)))
        .collect();
    let ratios = shares
        .iter()
        .map(|(weight, share)| (*weight, share.map_or(0.0, |share| share.ratio)));
    let burn = burn_rate(combined(combination, ratios), slo.objective);
    let known = shares.iter().filter_map(|(_, share)| *share);
    let counts = known.clone().map(|share| share.counts);
    let counts: Option<Vec<Counts>> = counts.collect();
    let all_known = known.count() == shares.len();
    if !all_known && burn <= highest_factor(slo, window, now) {
        return Reading::uncovered(window);
    }
    let sum = |counts: Vec<Counts>| counts.into_iter().fold(Counts::ZERO, |a, b| a + b);
    Reading {
        window,
        burn: Some(burn),
        counts: counts.map(sum),
        usual: None,
    }
}

/// The highest factor of the tiers that read a window.
fn highest_factor(slo: &Slo, window: Span, now: Timestamp) -> f64 {
    let length = slo.period.length(now);
    let tiers = slo.policy.tiers.iter();
    let factors = tiers
        .filter(|tier| tier.long == window || tier.short == window)
        .map(|tier| tier.factor(length));
    factors.reduce(f64::max).unwrap_or(f64::INFINITY)
}

/// A dark part leaves nothing to decide on, unless the others burn without it.
fn outcome(
    parts: &[PartHere<'_>],
    readings: &[Reading],
    tiers: &[TierStatus],
    now: Timestamp,
) -> (Outcome, Option<String>) {
    let (outcome, detail) = settle(readings, tiers);
    if outcome == Outcome::Burning {
        return (outcome, detail);
    }
    let mut dark = parts.iter().filter_map(|part| part.dark.as_ref());
    let failed = dark
        .clone()
        .find(|(outcome, _)| *outcome == Outcome::Failed);
    if let Some((outcome, detail)) = failed.or_else(|| dark.next()) {
        return (*outcome, Some(detail.clone()));
    }
    if outcome != Outcome::NoData {
        return (outcome, detail);
    }
    let unknown = |part: &PartHere<'_>| {
        let windows = readings.iter().map(|reading| reading.window);
        let windows = windows.filter(|window| part.share(*window, now).is_none());
        let names: Vec<String> = windows.map(|window| window.to_string()).collect();
        let names = (!names.is_empty()).then(|| names.join(", "))?;
        Some(format!("part {}: nothing is known of {names} yet", part.id))
    };
    (outcome, parts.iter().find_map(unknown).or(detail))
}

/// The budget of the period: each part counts by its error ratio over the whole period, of which
/// what is not known of it is taken for good.
fn priced(
    slo: &Slo,
    combination: Combination,
    parts: &[PartHere<'_>],
    spending: &Spending,
    memory: &Memory,
    now: Timestamp,
) -> Option<Priced> {
    let ratio_of = |share: &dyn Fn(&PartHere<'_>) -> Option<f64>| {
        let ratios = parts.iter().map(|part| Some((part.weight, share(part)?)));
        let ratios: Option<Vec<(f64, f64)>> = ratios.collect();
        Some(combined(combination, ratios?.into_iter()))
    };
    let elapsed = slo.period.elapsed(now);
    let covered = |part: &PartHere<'_>| part.coverage(elapsed, now);
    let bad = ratio_of(&|part| Some(part.period(&slo.period, now)?.ratio * covered(part)))?;
    let account = Account::from_answers(slo, Some((now, Answer::Ratio(bad))), None, now)?;
    let costs = memory.costs_from.map(|from| now.since(from).min(elapsed));
    let costs = costs.and_then(|costs| {
        let ratio = ratio_of(&|part| Some(part.past(costs, now)?.ratio))?;
        Some((burn_rate(ratio, slo.objective), costs))
    });
    let (burn, window) = costs.unwrap_or((spending.burn, spending.window));
    let by_alert = account.bad_of(
        &Spending {
            burn,
            window,
            ..*spending
        },
        &[],
        slo,
    );
    let mut priced = price(slo, &account, by_alert, spending);
    let coverage = parts.iter().map(covered).fold(1.0, f64::min);
    priced.budget.coverage = coverage;
    if let Some(sla) = &mut priced.sla {
        sla.budget.coverage = coverage;
    }
    Some(priced)
}

#[cfg(test)]
mod tests;
