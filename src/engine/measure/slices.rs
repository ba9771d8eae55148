//! Reading time slices: one event per slice and instance, bad if any series of it says so.

use std::collections::BTreeMap;

use crate::engine::counts::Counts;
use crate::engine::feed::Feed;
use crate::engine::sample::RawSeries;
use crate::engine::slo::{Indicator, InstanceId};
use crate::engine::time::Timestamp;

use super::{Measure, ReadingOptions};

impl Measure {
    /// Books the slices of the feed's one SLO.
    pub(super) fn read_slices(
        &mut self,
        feed: &Feed,
        options: &ReadingOptions,
        until: Timestamp,
        polled: &[RawSeries],
    ) {
        let Some(slo) = feed.slos.first() else {
            return;
        };
        let Indicator::Slices { slice, .. } = slo.indicator else {
            return;
        };
        let mut slices: BTreeMap<(InstanceId, Timestamp), bool> = BTreeMap::new();
        for raw in polled {
            let id = InstanceId {
                slo: slo.id.clone(),
                labels: raw.labels.pick(&slo.group_by),
            };
            for sample in raw.samples.iter().filter(|sample| sample.at <= until) {
                let bad = sample.value == 0.0 || sample.value.is_nan();
                *slices.entry((id.clone(), sample.at)).or_default() |= bad;
            }
        }
        for ((id, at), bad) in slices {
            let Some(number) = self.tallies.number(slo, options, id, at) else {
                continue;
            };
            let tally = &mut self.tallies.tallies[number];
            if Some(at) > tally.newest {
                tally.newest = Some(at);
                tally.spacing = slice;
                let bad = f64::from(u8::from(bad));
                tally.window.add(at, Counts { bad, total: 1.0 });
            }
        }
    }
}
