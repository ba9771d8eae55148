//! From values to places: time runs along the breadth of a plot, values up its height.
//!
//! A place is a share (0..1) of the breadth or height, so nothing here knows pixels. What lies
//! outside a scale is drawn at its edge; what is no number has no place.

use crate::engine::Timestamp;

/// The stretch of time that a plot shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeScale {
    /// The left edge.
    pub from: Timestamp,
    /// The right edge, after `from`.
    pub to: Timestamp,
}

impl TimeScale {
    /// A scale from `from` to `to`; one without length lasts a millisecond.
    pub(super) fn new(from: Timestamp, to: Timestamp) -> Self {
        let least = Timestamp::from_millis(from.as_millis().saturating_add(1));
        Self {
            from,
            to: to.max(least),
        }
    }

    /// Where an instant lies: 0 at the left edge, 1 at the right one.
    pub(super) fn share(&self, at: Timestamp) -> f64 {
        at.since(self.from).ratio(self.to.since(self.from)).min(1.0)
    }

    /// The same in percent, as SVG lengths are written.
    pub(super) fn percent(&self, at: Timestamp) -> f64 {
        self.share(at) * 100.0
    }
}

/// How values rise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ValueScale {
    /// Equal steps are equally high.
    Linear {
        /// The value at the bottom.
        low: f64,
        /// The value at the top, above `low`.
        high: f64,
    },
    /// Equal factors are equally high.
    Log {
        /// The value at the bottom, above 0; what is smaller, 0 among it, is drawn there.
        low: f64,
        /// The value at the top, above `low`.
        high: f64,
    },
}

impl ValueScale {
    /// The lowest share of a budget that a plot shows: overspent three times over.
    pub(super) const BUDGET_LOWEST: f64 = -2.0;
    /// The bottom of a plot of burn rates: a tenth of what the budget allows.
    pub(super) const BURN_LOWEST: f64 = 0.1;
    /// The highest burn rate that a plot shows.
    pub(super) const BURN_HIGHEST: f64 = 1e6;

    /// For shares of a budget that is left, 1 at the top, as low as `lowest` needs.
    pub(super) fn budget(lowest: f64) -> Self {
        let needed = match lowest.is_finite() {
            true => lowest.max(Self::BUDGET_LOWEST),
            false => 0.0,
        };
        // Quarters are what the marks of the axis can name.
        let low = ((needed * 4.0).floor() / 4.0).min(0.0);
        Self::Linear { low, high: 1.0 }
    }

    /// For burn rates, as high as `highest` needs, with some air above, and never lower than 30.
    pub(super) fn burn(highest: f64) -> Self {
        let needed = match highest.is_nan() {
            true => 10.0,
            false => highest.clamp(10.0, Self::BURN_HIGHEST),
        };
        let mut high = 10.0;
        // 10, 30, 100, 300: half a decade of air is the most that is wasted.
        for step in [3.0, 10.0 / 3.0].into_iter().cycle() {
            if high >= needed * 1.05 || high >= Self::BURN_HIGHEST {
                break;
            }
            high *= step;
        }
        Self::Log {
            low: Self::BURN_LOWEST,
            high,
        }
    }

    /// How high a value lies: 0 at the bottom, 1 at the top; `None` for what is no number.
    pub(super) fn share(&self, value: f64) -> Option<f64> {
        if value.is_nan() {
            return None;
        }
        let share = match *self {
            Self::Linear { low, high } => (value - low) / (high - low),
            Self::Log { low, high } => (value.max(low) / low).ln() / (high / low).ln(),
        };
        Some(share.clamp(0.0, 1.0))
    }

    /// The values that the axis names, from the bottom to the top.
    pub(super) fn marks(&self) -> Vec<f64> {
        match *self {
            Self::Linear { low, high } => {
                let step = [0.25, 0.5, 1.0].into_iter();
                let mut step = step.skip_while(|step| (high - low) / step > 6.0);
                let step = step.next().unwrap_or(1.0);
                // Marks are multiples of their step, counted down from the top.
                let count = ((high - low) / step).floor() as u32;
                (0..=count)
                    .rev()
                    .map(|at| high - f64::from(at) * step)
                    .collect()
            }
            Self::Log { low, high } => {
                let mut marks = Vec::new();
                let mut mark = low;
                while mark <= high * 1.001 {
                    marks.push(mark);
                    mark *= 10.0;
                }
                marks
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Span;

    #[test]
    fn time_has_a_place_even_where_there_is_none() {
        let at = Timestamp::from_secs;
        let scale = TimeScale::new(at(100), at(300));
        let places = [50, 100, 150, 300, 900].map(|secs| scale.percent(at(secs)));
        assert_eq!(places, [0.0, 0.0, 25.0, 100.0, 100.0]);
        let empty = TimeScale::new(at(100), at(100));
        assert_eq!(empty.share(at(100)), 0.0);
        assert_eq!(empty.share(at(200)), 1.0);
        let reversed = TimeScale::new(at(100), at(5));
        assert_eq!(reversed.to.since(reversed.from), Span::from_millis(1));
    }

    #[test]
    fn an_overspent_budget_has_room_but_not_without_end() {
        let low = |lowest| match ValueScale::budget(lowest) {
            ValueScale::Linear { low, .. } => low,
            ValueScale::Log { .. } => f64::NAN,
        };
        assert_eq!(low(0.9), 0.0);
        assert_eq!(low(0.0), 0.0);
        assert_eq!(low(-0.1), -0.25);
        assert_eq!(low(-40.0), -2.0);
        assert_eq!(low(f64::NAN), 0.0);
        assert_eq!(low(f64::NEG_INFINITY), 0.0);
        let scale = ValueScale::budget(-40.0);
        assert_eq!(scale.share(-40.0), Some(0.0));
        assert_eq!(scale.share(f64::NEG_INFINITY), Some(0.0));
        assert_eq!(scale.share(1.0), Some(1.0));
        assert_eq!(scale.share(f64::NAN), None);
        assert_eq!(scale.marks(), [-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0]);
        let usual = ValueScale::budget(0.3);
        assert_eq!(usual.marks(), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(
            ValueScale::budget(-0.3).marks(),
            [-0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0]
        );
        let marks = ValueScale::budget(-0.7).marks();
        assert_eq!(marks, [-0.5, 0.0, 0.5, 1.0]);
    }

    #[test]
    fn burn_rates_rise_by_factors() {
        let high = |highest| match ValueScale::burn(highest) {
            ValueScale::Log { high, .. } => high,
            ValueScale::Linear { .. } => f64::NAN,
        };
        let highs = [0.0, 9.0, 14.4, 32.0, 900.0, 1e9, f64::NAN, f64::INFINITY];
        let highs = highs.map(high).map(f64::round);
        assert_eq!(highs, [30.0, 30.0, 30.0, 100.0, 1000.0, 1e6, 30.0, 1e6]);
        let scale = ValueScale::burn(50.0);
        assert_eq!(scale.share(0.0), Some(0.0));
        assert_eq!(scale.share(-5.0), Some(0.0));
        assert_eq!(scale.share(f64::INFINITY), Some(1.0));
        assert_eq!(scale.share(f64::NAN), None);
        let one = scale.share(1.0).unwrap();
        assert!((one - 1.0 / 3.0).abs() < 1e-9, "{one}");
        let marks: Vec<f64> = scale.marks().iter().map(|m| (m * 10.0).round()).collect();
        assert_eq!(marks, [1.0, 10.0, 100.0, 1000.0]);
    }
}
