//! Hourly sums of counters, from their samples: what a source says with `increase(x[1h])`.

use std::collections::BTreeMap;

use crate::engine::series::Counter;
use crate::engine::{Counts, Drops, InstanceId, Labels, RawSeries, Slo, Span, Term, Timestamp};

const HOUR: Span = Span::from_hours(1);
/// The time between samples until they show another.
const SPACING: Span = Span::from_secs(15);

/// Sums what the series of one SLO count.
pub(super) struct HourlySums<'a> {
    slo: &'a Slo,
    bad: &'a [Term],
    total: &'a [Term],
    counters: BTreeMap<Labels, Counter>,
    hours: BTreeMap<(Labels, Timestamp), Counts>,
}

impl<'a> HourlySums<'a> {
    pub(super) fn new(slo: &'a Slo, bad: &'a [Term], total: &'a [Term]) -> Self {
        Self {
            slo,
            bad,
            total,
            counters: BTreeMap::new(),
            hours: BTreeMap::new(),
        }
    }

    /// Takes the next samples of a series.
    pub(super) fn take(&mut self, series: &RawSeries) {
        let sum = |terms: &[Term]| {
            let terms = terms
                .iter()
                .filter(|term| term.selector.matches(&series.labels));
            terms.map(|term| term.coefficient).sum::<f64>()
        };
        let weight = Counts {
            bad: sum(self.bad),
            total: sum(self.total),
        };
        let instance = series.labels.pick(&self.slo.group_by);
        let mut samples = series
            .samples
            .iter()
            .filter(|sample| sample.value.is_finite());
        let counter = match self.counters.get_mut(&series.labels) {
            Some(counter) => counter,
            None => {
                let Some(first) = samples.next() else { return };
                let counter = Counter::new(*first, SPACING);
                self.counters
                    .entry(series.labels.clone())
                    .or_insert(counter)
            }
        };
        for sample in samples {
            if let Some(increment) = counter.take(*sample, Drops::AreResets) {
                let hour = (increment.at - Span::from_millis(1)).align_down(HOUR) + HOUR;
                let counts = self.hours.entry((instance.clone(), hour)).or_default();
                *counts += weight.scale(increment.amount);
            }
        }
    }

    /// The hours that end after `from`.
    pub(super) fn into_hours(self, from: Timestamp) -> Vec<(InstanceId, Timestamp, Counts)> {
        let hours = self.hours.into_iter().filter(|((_, hour), _)| *hour > from);
        let hour = |((labels, hour), counts)| {
            let slo = self.slo.id.clone();
            (InstanceId { slo, labels }, hour, counts)
        };
        hours.map(hour).collect()
    }
}
