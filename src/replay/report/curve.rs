//! Curves of a report: budget and burn in equal steps, of each step the extremes.

use serde::Serialize;

use super::form;
use crate::engine::{Slo, Span, Timestamp};

/// Budget and burn of one instance. Step `n` covers the slots in
/// `(from + n * step, from + (n + 1) * step]`; every list has one entry per step, `None` where
/// nothing was known. Of each step the lowest, the highest and the last value are kept, so that a
/// spike of one slot survives.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CurveReport {
    /// Start of the first step.
    #[serde(serialize_with = "form::time")]
    pub from: Timestamp,
    /// Length of a step.
    #[serde(serialize_with = "form::span")]
    pub step: Span,
    /// Fraction of the budget that is left; negative when overspent.
    pub remaining: Band,
    /// Burn rates: over the shortest window of the policy, over the long window of its fastest
    /// tier, and over its longest window; each window once, shortest first.
    pub burns: Vec<BurnCurve>,
}

/// The burn rate over one window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BurnCurve {
    /// The window.
    #[serde(serialize_with = "form::span")]
    pub window: Span,
    /// Its burn rate.
    pub burn: Band,
}

/// A value over time, by step.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Band {
    /// Lowest of each step.
    pub min: Vec<Option<f32>>,
    /// Highest of each step.
    pub max: Vec<Option<f32>>,
    /// Last of each step.
    pub last: Vec<Option<f32>>,
}

/// Most steps of a curve.
const STEPS_MAX: i64 = 360;

/// Steps that people read off an axis with ease, in minutes; longer ones are whole days.
const STEPS_MINUTES: [i64; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720];

/// The shortest step that is usual, at least a slot, and not too short for the stretch.
pub(super) fn step(from: Timestamp, until: Timestamp, slot: Span) -> Span {
    let length = until.since(from);
    let fits = |step: &Span| *step >= slot && step.times(STEPS_MAX) >= length;
    let usual = STEPS_MINUTES.map(Span::from_mins);
    let usual = std::iter::once(slot).chain(usual).find(fits);
    usual.unwrap_or_else(|| {
        let day = Span::from_days(1);
        let days = length.as_millis() / (day.as_millis() * STEPS_MAX) + 1;
        slot.max(day.times(days))
    })
}

/// A curve while it is drawn: of a fixed size from the start.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    from: Timestamp,
    step: Span,
    windows: Vec<Span>,
    remaining: Vec<Cell>,
    burns: Vec<Vec<Cell>>,
}

/// The values of one step; not a number where there was none.
#[derive(Clone, Copy, Debug)]
struct Cell {
    min: f32,
    max: f32,
    last: f32,
}

impl Cell {
    const EMPTY: Self = Self {
        min: f32::NAN,
        max: f32::NAN,
        last: f32::NAN,
    };

    fn take(&mut self, value: f64) {
        let value = value as f32;
        if value.is_nan() {
            return;
        }
        // The other one, where one is not a number.
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.last = value;
    }
}

impl Plot {
    /// An empty one of these windows for the slots in `(from, until]`.
    pub(super) fn new(from: Timestamp, until: Timestamp, slot: Span, windows: Vec<Span>) -> Self {
        let step = step(from, until, slot);
        let steps = (until.since(from).as_millis() - 1).div_euclid(step.as_millis().max(1)) + 1;
        let steps = usize::try_from(steps.clamp(0, STEPS_MAX)).unwrap_or_default();
        let empty = vec![Cell::EMPTY; steps];
        Self {
            from,
            step,
            burns: vec![empty.clone(); windows.len()],
            windows,
            remaining: empty,
        }
    }

    /// Takes what a slot says; `burn` looks up the burn rate over a window.
    pub(super) fn take(
        &mut self,
        at: Timestamp,
        remaining: Option<f64>,
        burn: impl Fn(Span) -> Option<f64>,
    ) {
        let into = (at.since(self.from).as_millis() - 1).div_euclid(self.step.as_millis().max(1));
        let Ok(number) = usize::try_from(into) else {
            return;
        };
        if let (Some(value), Some(cell)) = (remaining, self.remaining.get_mut(number)) {
            cell.take(value);
        }
        for (window, cells) in self.windows.iter().zip(&mut self.burns) {
            if let (Some(value), Some(cell)) = (burn(*window), cells.get_mut(number)) {
                cell.take(value);
            }
        }
    }

    /// As a report has it.
    pub(super) fn finish(&self) -> CurveReport {
        let burns = self.windows.iter().zip(&self.burns);
        CurveReport {
            from: self.from,
            step: self.step,
            remaining: Band::of(&self.remaining),
            burns: burns
                .map(|(window, cells)| BurnCurve {
                    window: *window,
                    burn: Band::of(cells),
                })
                .collect(),
        }
    }
}

impl Band {
    fn of(cells: &[Cell]) -> Self {
        let list = |value: fn(&Cell) -> f32| {
            let values = cells.iter().map(value);
            values.map(|value| (!value.is_nan()).then(|| rounded(value)))
        };
        Self {
            min: list(|cell| cell.min).collect(),
            max: list(|cell| cell.max).collect(),
            last: list(|cell| cell.last).collect(),
        }
    }
}

/// To four significant digits: more cannot be drawn, and would only be written.
fn rounded(value: f32) -> f32 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let value = f64::from(value);
    let scale = 10_f64.powf(3.0 - value.abs().log10().floor());
    let rounded = (value * scale).round() / scale;
    if rounded.is_finite() {
        rounded as f32
    } else {
        value as f32
    }
}

/// The windows whose burn rates are drawn: the shortest, the long one of the fastest tier, and the
/// longest.
pub(super) fn windows(slo: &Slo) -> Vec<Span> {
    let period = slo.period.nominal();
    let tiers = slo.policy.tiers.iter();
    let fastest = tiers.max_by(|a, b| a.factor(period).total_cmp(&b.factor(period)));
    let all = slo.windows();
    let mut drawn: Vec<Span> = all.first().into_iter().chain(all.last()).copied().collect();
    drawn.extend(fastest.map(|tier| tier.long));
    drawn.sort_unstable();
    drawn.dedup();
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: Timestamp = Timestamp::from_secs(1_700_006_400);
    const SLOT: Span = Span::from_secs(30);

    #[test]
    fn steps_are_usual_and_few() {
        let of = |length: Span| step(FROM, FROM + length, SLOT).to_string();
        assert_eq!(of(Span::from_hours(3)), "30s");
        assert_eq!(of(Span::from_days(1)), "5m");
        assert_eq!(of(Span::from_days(30)), "2h");
        assert_eq!(of(Span::from_days(31)), "3h");
        assert_eq!(of(Span::from_days(365)), "2d");
        let slot = Span::from_hours(5);
        assert_eq!(step(FROM, FROM + slot, slot), slot);
    }

    #[test]
    fn a_spike_of_one_slot_survives() {
        let until = FROM + Span::from_days(30);
        let window = Span::from_mins(5);
        let mut plot = Plot::new(FROM, until, SLOT, vec![window]);
        let mut at = FROM + SLOT;
        let spike = FROM + Span::from_days(11) + SLOT;
        while at <= until {
            let burn = if at == spike { 1_000.0 } else { 0.5 };
            plot.take(at, Some(1.0), |_| Some(burn));
            at = at + SLOT;
        }
        let curve = plot.finish();
        assert_eq!(curve.step, Span::from_hours(2));
        let burn = &curve.burns[0].burn;
        assert_eq!(burn.max.len(), 360);
        let spikes = burn.max.iter().filter(|max| **max == Some(1_000.0));
        assert_eq!(spikes.count(), 1);
        assert_eq!(burn.max[132], Some(1_000.0));
        assert_eq!((burn.min[132], burn.last[132]), (Some(0.5), Some(0.5)));
        assert!(curve.remaining.last.iter().all(|last| *last == Some(1.0)));
    }

    #[test]
    fn what_is_not_known_or_no_number_leaves_a_hole() {
        let until = FROM + SLOT.times(4);
        let mut plot = Plot::new(FROM, until, SLOT, vec![SLOT]);
        plot.take(FROM, Some(0.1), |_| Some(9.0));
        plot.take(FROM + SLOT.times(2), Some(f64::NAN), |_| None);
        plot.take(FROM + SLOT.times(3), Some(-0.123_456), |_| {
            Some(f64::INFINITY)
        });
        plot.take(FROM + SLOT.times(9), Some(0.1), |_| Some(9.0));
        let curve = plot.finish();
        assert_eq!(curve.remaining.last, [None, None, Some(-0.1235), None]);
        let burn = &curve.burns[0].burn;
        assert_eq!(burn.max, [None, None, Some(f32::INFINITY), None]);
    }
}
