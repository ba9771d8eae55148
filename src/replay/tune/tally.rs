//! Many candidates played in one pass: each is an SLO of its own that reads the same samples.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::candidate::Candidate;
use super::past::WEEK;
use crate::engine::{
    AlertKey, Effect, Engine, Severity, Slo, SloId, StateName, TimeInterval, Timestamp,
};
use crate::replay::Watcher;

/// Pages of one candidate that are remembered one by one.
const PAGES_MAX: usize = 10_000;

/// The SLOs that candidates are played as, and whose is whose.
pub(super) fn cast(slo: &Slo, candidates: &[Candidate]) -> Vec<Arc<Slo>> {
    let played = candidates.iter().enumerate();
    let played = played.map(|(number, candidate)| candidate.slo(slo, stage_name(slo, number)));
    played.collect()
}

/// A tilde is in no name that loads.
pub(super) fn stage_name(slo: &Slo, number: usize) -> SloId {
    SloId::new(&slo.service, &format!("{}~{number}", slo.name))
}

/// Alerts that fired, by weeks.
#[derive(Clone, Debug, Default)]
pub(super) struct Fired {
    pub(super) pages: BTreeMap<i64, u64>,
    pub(super) night_pages: BTreeMap<i64, u64>,
    pub(super) tickets: BTreeMap<i64, u64>,
    /// When pages fired and ended, in the order of firing.
    pub(super) page_times: Vec<(Timestamp, Option<Timestamp>)>,
}

/// Counts the alerts of many candidates.
pub(super) struct Tally<'n> {
    /// What fired up to here was up already.
    start: Timestamp,
    from: Timestamp,
    night: &'n TimeInterval,
    numbers: BTreeMap<SloId, usize>,
    open: BTreeMap<AlertKey, usize>,
    pub(super) fired: Vec<Fired>,
}

impl<'n> Tally<'n> {
    pub(super) fn new(
        slo: &Slo,
        count: usize,
        (start, from): (Timestamp, Timestamp),
        night: &'n TimeInterval,
    ) -> Self {
        Self {
            start,
            from,
            night,
            numbers: (0..count).map(|n| (stage_name(slo, n), n)).collect(),
            open: BTreeMap::new(),
            fired: vec![Fired::default(); count],
        }
    }
}

impl Watcher for Tally<'_> {
    fn see(&mut self, _now: Timestamp, effects: &[Effect], _engine: &Engine) {
        for effect in effects {
            let Effect::Transitioned(transition) = effect else {
                continue;
            };
            let AlertKey::Burn { instance, severity } = &transition.facts.key else {
                continue;
            };
            let number = self.numbers.get(&instance.slo).copied();
            let Some(fired) = number.and_then(|number| self.fired.get_mut(number)) else {
                continue;
            };
            let (at, key) = (transition.at, &transition.facts.key);
            let was_up = transition.from == StateName::Firing;
            let is_up = transition.to == StateName::Firing;
            if was_up && !is_up {
                let place = self.open.remove(key);
                if let Some(page) = place.and_then(|place| fired.page_times.get_mut(place)) {
                    page.1 = Some(at);
                }
            }
            if was_up || !is_up {
                continue;
            }
            if *severity == Severity::Page && fired.page_times.len() < PAGES_MAX {
                self.open.insert(key.clone(), fired.page_times.len());
                fired.page_times.push((at, None));
            }
            if at <= self.start {
                continue;
            }
            let week = (at.since(self.from).as_millis() - 1).max(0) / WEEK.as_millis();
            match severity {
                Severity::Page => {
                    *fired.pages.entry(week).or_default() += 1;
                    if self.night.contains(at) {
                        *fired.night_pages.entry(week).or_default() += 1;
                    }
                }
                Severity::Ticket => *fired.tickets.entry(week).or_default() += 1,
                Severity::Info => {}
            }
        }
    }
}
