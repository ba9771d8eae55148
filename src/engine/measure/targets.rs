//! Scrape targets: what a new series is judged by.
//!
//! Whether the first value of a series is news depends on whether its target was seen without the
//! series before. Everything is about samples: a target is seen when any of its series is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::labels::Labels;
use crate::engine::sample::Sample;
use crate::engine::time::Timestamp;

/// All targets, by number.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Targets {
    targets: Vec<Target>,
    #[serde(skip)]
    numbers: BTreeMap<Labels, usize>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Target {
    labels: Labels,
    /// Newest sample of any of its series; `None` until one is read.
    seen: Option<Timestamp>,
}

impl Targets {
    /// The number of a target, which is new if need be.
    pub(super) fn number(&mut self, labels: Labels) -> usize {
        let new = self.targets.len();
        let number = *self.numbers.entry(labels.clone()).or_insert(new);
        if number == new {
            self.targets.push(Target { labels, seen: None });
        }
        number
    }

    /// A series of the target was read up to here.
    pub(super) fn see(&mut self, number: usize, at: Timestamp) {
        let seen = &mut self.targets[number].seen;
        *seen = (*seen).max(Some(at));
    }

    fn seen_before(&self, number: usize, at: Timestamp) -> Option<Timestamp> {
        self.targets[number].seen.filter(|seen| *seen < at)
    }

    /// Keeps only the targets with these numbers and writes their new numbers in their place.
    pub(super) fn keep<'a>(&mut self, used: impl Iterator<Item = &'a mut usize>) {
        let mut renumbered: BTreeMap<usize, usize> = BTreeMap::new();
        let mut kept = Vec::new();
        for number in used {
            let old = *number;
            *number = *renumbered.entry(old).or_insert_with(|| {
                kept.push(self.targets[old].clone());
                kept.len() - 1
            });
        }
        self.targets = kept;
        self.reindex();
    }

    /// Rebuilds what is not saved.
    pub(super) fn reindex(&mut self) {
        let numbered = self.targets.iter().enumerate();
        self.numbers = numbered
            .map(|(number, target)| (target.labels.clone(), number))
            .collect();
    }
}

/// The first samples of a poll's new series, by target and time, and when the target was last
/// seen before each.
#[derive(Default)]
pub(super) struct Births(BTreeMap<(usize, Timestamp), Option<Timestamp>>);

impl Births {
    /// A series of this target begins here.
    pub(super) fn add(&mut self, targets: &Targets, target: usize, at: Timestamp) {
        let seen = || targets.seen_before(target, at);
        self.0.entry((target, at)).or_insert_with(seen);
    }

    /// Nothing begins in this poll.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The poll has seen the target at the times of these samples.
    pub(super) fn see(&mut self, target: usize, samples: &[Sample]) {
        let Some(newest) = samples.last() else {
            return;
        };
        let of_target =
            (target, Timestamp::from_millis(i64::MIN))..=(target, Timestamp::from_millis(i64::MAX));
        for ((_, birth), seen) in self.0.range_mut(of_target) {
            let before = if newest.at < *birth {
                Some(newest.at)
            } else {
                let count = samples.partition_point(|sample| sample.at < *birth);
                count.checked_sub(1).map(|last| samples[last].at)
            };
            *seen = (*seen).max(before);
        }
    }

    /// When the target was last seen before this first sample, if ever.
    pub(super) fn seen_before(&self, target: usize, at: Timestamp) -> Option<Timestamp> {
        *self.0.get(&(target, at))?
    }
}
