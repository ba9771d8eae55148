//! Time slices that go bad: what is put in is a share of the slices, since nobody knows how many
//! requests one holds.
//!
//! Which slices fail follows from their times alone, so that the definitions that are played side
//! by side, each of which asks for the slices by itself, are told the same.

use std::collections::BTreeMap;

use super::plan::Plan;
use super::reel::Tally;
use crate::engine::{Indicator, Labels, RawSeries, Slo, Span, Timestamp};

/// What shares of slices may be off by.
const DUST: f64 = 1e-6;

/// The slices of one SLO.
#[derive(Clone, Debug)]
pub(super) struct Slices {
    slice: Span,
    graded: bool,
    group_by: Vec<String>,
}

/// How bad (0..=1) a slice of an instance was, and is now.
#[derive(Clone, Copy, Default)]
struct Turn {
    before: f64,
    after: f64,
    /// The position of the injection that did most of it.
    injection: Option<usize>,
}

impl Slices {
    /// `None` for an SLO of another kind.
    pub(super) fn of(slo: &Slo) -> Option<Self> {
        let Indicator::Slices { slice, graded, .. } = slo.indicator else {
            return None;
        };
        Some(Self {
            slice,
            graded,
            group_by: slo.group_by.clone(),
        })
    }

    /// The slices as they would have been; told to the tally, where there is one.
    pub(super) fn rewrite(
        &self,
        mut recorded: Vec<RawSeries>,
        plan: &Plan,
        tally: Option<&mut Tally>,
    ) -> Vec<RawSeries> {
        let mut turns: BTreeMap<(Timestamp, Labels), Turn> = BTreeMap::new();
        for series in &mut recorded {
            let instance = series.labels.pick(&self.group_by);
            for sample in &mut series.samples {
                let Some(before) = self.badness(sample.value) else {
                    continue;
                };
                let put_in = self.put_in(plan, sample.at);
                if let Some((_, share)) = put_in {
                    sample.value = match self.graded {
                        true => (1.0 - before) * (1.0 - share),
                        false if share > 0.0 => 0.0,
                        false => sample.value,
                    };
                }
                let after = self.badness(sample.value).unwrap_or(before);
                let turn = turns.entry((sample.at, instance.clone())).or_default();
                turn.before = turn.before.max(before);
                turn.after = turn.after.max(after);
                turn.injection = turn
                    .injection
                    .or_else(|| put_in.map(|(injection, _)| injection));
            }
        }
        if let Some(tally) = tally {
            for ((at, _), turn) in turns {
                tally.see(at, 1.0);
                if let Some(injection) = turn.injection {
                    tally.fail(injection, turn.after - turn.before);
                }
            }
        }
        recorded
    }

    /// How much (0..=1) of the slice that ends then fails, and of which injection.
    fn put_in(&self, plan: &Plan, at: Timestamp) -> Option<(usize, f64)> {
        let from = at - self.slice;
        let mut most: Option<(usize, f64)> = None;
        for (number, share) in plan.shares(from, at) {
            let injection = plan.injections().get(number)?;
            let share = match self.graded {
                true => share * injection.error_ratio,
                false => {
                    // Whole slices fail: those at which another one is due.
                    let due = |until: Timestamp| {
                        let until = until.min(injection.end).max(injection.start);
                        let slices = until.since(injection.start).ratio(self.slice);
                        (slices * injection.error_ratio + DUST).floor()
                    };
                    due(at) - due(from)
                }
            };
            if most.is_none_or(|(_, known)| share > known) {
                most = Some((number, share.min(1.0)));
            }
        }
        most.filter(|(_, share)| *share > 0.0)
    }

    /// As the engine takes a value: `None` if it does not count.
    fn badness(&self, value: f64) -> Option<f64> {
        match self.graded {
            true => (!value.is_nan()).then(|| (1.0 - value).clamp(0.0, 1.0)),
            false => Some(f64::from(u8::from(value == 0.0 || value.is_nan()))),
        }
    }
}
