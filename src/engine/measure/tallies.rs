//! Tallies: the past of every instance of a feed, by number.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine::slo::{InstanceId, Slo, SloId};
use crate::engine::time::{Span, Timestamp};
use crate::engine::window::Window;

use super::ReadingOptions;
use super::coverage::layout;

/// Most refused instances that are remembered, so that a hostile label cannot fill the memory.
const REFUSED_MAX: usize = 10_000;

/// The past of one instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tally {
    /// Whose past.
    pub id: InstanceId,
    /// Its events.
    pub window: Window,
    /// Oldest evidence of traffic, history included.
    pub first: Timestamp,
    /// Newest sample that counts towards the total; `None` until one is read.
    pub newest: Option<Timestamp>,
    /// Time between its samples.
    pub spacing: Span,
}

/// All instances, in the order they were first seen.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Tallies {
    pub(super) tallies: Vec<Tally>,
    #[serde(skip)]
    numbers: BTreeMap<InstanceId, usize>,
    /// The numbers of each SLO's instances.
    #[serde(skip)]
    instances: BTreeMap<SloId, Vec<usize>>,
    /// Instances that were not created because their SLO has too many.
    #[serde(skip)]
    refused: BTreeSet<InstanceId>,
}

impl Tallies {
    /// The number of an instance, which is new if need be; `None` if its SLO has too many.
    pub(super) fn number(
        &mut self,
        slo: &Slo,
        options: &ReadingOptions,
        id: InstanceId,
        seen: Timestamp,
    ) -> Option<usize> {
        if let Some(number) = self.numbers.get(&id) {
            return Some(*number);
        }
        let instances = self.instances.entry(id.slo.clone()).or_default();
        if !slo.group_by.is_empty() && instances.len() >= options.instances_max {
            if self.refused.len() < REFUSED_MAX {
                self.refused.insert(id);
            }
            return None;
        }
        instances.push(self.tallies.len());
        self.numbers.insert(id.clone(), self.tallies.len());
        self.tallies.push(Tally {
            id,
            window: Window::new(layout(slo, options)),
            first: seen,
            newest: None,
            spacing: options.scrape_interval,
        });
        Some(self.tallies.len() - 1)
    }

    pub(super) fn get(&self, id: &InstanceId) -> Option<&Tally> {
        self.tallies.get(*self.numbers.get(id)?)
    }

    /// The instances of one SLO, in the order they were first seen.
    pub(super) fn of_slo(&self, slo: &SloId) -> impl Iterator<Item = &Tally> {
        let numbers = self.instances.get(slo).into_iter().flatten();
        numbers.filter_map(|number| self.tallies.get(*number))
    }

    /// The numbers of the instances of one SLO.
    pub(super) fn numbers_of(&self, slo: &SloId) -> impl Iterator<Item = usize> {
        self.instances.get(slo).into_iter().flatten().copied()
    }

    pub(super) fn get_mut(&mut self, id: &InstanceId) -> Option<&mut Tally> {
        self.tallies.get_mut(*self.numbers.get(id)?)
    }

    pub(super) fn refused_count(&self) -> usize {
        self.refused.len()
    }

    /// Keeps some; says whether the numbers have changed. Refused instances get another chance.
    pub(super) fn retain(&mut self, keep: impl Fn(&Tally) -> bool) -> bool {
        let before = self.tallies.len();
        self.tallies.retain(keep);
        self.refused.clear();
        self.reindex();
        self.tallies.len() != before
    }

    /// Rebuilds what is not saved.
    fn reindex(&mut self) {
        let numbered = self.tallies.iter().enumerate();
        self.numbers = numbered
            .map(|(number, tally)| (tally.id.clone(), number))
            .collect();
        self.instances.clear();
        for (number, tally) in self.tallies.iter().enumerate() {
            let instances = self.instances.entry(tally.id.slo.clone()).or_default();
            instances.push(number);
        }
    }
}
