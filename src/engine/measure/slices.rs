//! Reading time slices: one event per slice and instance, as bad as its worst series says.

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
        let Indicator::Slices { slice, graded, .. } = slo.indicator else {
            return;
        };
        let mut slices: BTreeMap<(InstanceId, Timestamp), Option<f64>> = BTreeMap::new();
        for raw in polled {
            let id = InstanceId {
                slo: slo.id.clone(),
                labels: raw.labels.pick(&slo.group_by),
            };
            for sample in raw.samples.iter().filter(|sample| sample.at <= until) {
                let worst = slices.entry((id.clone(), sample.at)).or_default();
                if let Some(bad) = badness(sample.value, graded) {
                    *worst = Some(worst.map_or(bad, |worst| worst.max(bad)));
                }
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
                // A slice that does not count is a sign of life all the same.
                if let Some(bad) = bad {
                    tally.window.add(at, Counts { bad, total: 1.0 });
                }
            }
        }
    }
}

/// How bad (0..1) a slice with this value is; `None` if it does not count.
///
/// Of graded slices the value is the share of good events, and NaN says that there were none.
fn badness(value: f64, graded: bool) -> Option<f64> {
    match graded {
        true => (!value.is_nan()).then(|| (1.0 - value).clamp(0.0, 1.0)),
        false => Some(f64::from(u8::from(value == 0.0 || value.is_nan()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graded_slice_is_as_bad_as_its_value_says() {
        let graded = |value| badness(value, true);
        assert_eq!(graded(1.0), Some(0.0));
        assert_eq!(graded(0.75), Some(0.25));
        assert_eq!(graded(-3.0), Some(1.0));
        assert_eq!(graded(f64::INFINITY), Some(0.0));
        assert_eq!(graded(f64::NEG_INFINITY), Some(1.0));
        assert_eq!(graded(f64::NAN), None);
    }

    #[test]
    fn an_ungraded_slice_is_bad_or_not() {
        let plain = |value| badness(value, false);
        assert_eq!(plain(0.0), Some(1.0));
        assert_eq!(plain(0.5), Some(0.0));
        assert_eq!(plain(f64::NAN), Some(1.0));
    }
}
