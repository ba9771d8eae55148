//! How many requests arrive: a daily wave whose integral is known in closed form.

use std::f64::consts::TAU;

use crate::engine::{Span, Timestamp};

const DAY_SECS: f64 = 86_400.0;

/// Height of the wave as a part of the mean: nights have 0.6 of it, days 1.4.
const WAVE: f64 = 0.4;

/// Requests per second that follow `mean x (1 + WAVE sin(2 pi t / day + phase))`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traffic {
    /// Mean requests per second.
    pub(super) mean: f64,
    /// Position of the wave at midnight UTC, in radians.
    pub(super) phase: f64,
}

impl Traffic {
    /// Requests from one time to another; zero when the order is wrong.
    pub(super) fn requests(self, from: Timestamp, to: Timestamp) -> f64 {
        let length = to.since(from);
        if length.is_zero() {
            return 0.0;
        }
        // Measured from the day's midnight, angles stay small and the cosines exact.
        let midnight = from.align_down(Span::from_days(1));
        let angle = |at: Timestamp| TAU * at.since(midnight).as_secs_f64() / DAY_SECS + self.phase;
        let wave = WAVE * DAY_SECS / TAU * (angle(from).cos() - angle(to).cos());
        self.mean * (length.as_secs_f64() + wave)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closed_form_is_the_sum_of_its_seconds() {
        let traffic = Traffic {
            mean: 7.0,
            phase: 1.2,
        };
        let from = Timestamp::from_secs(1_700_000_000);
        let mut sum = 0.0;
        for second in 0..100_000 {
            let at = from + Span::from_secs(second);
            let middle = at.as_secs_f64() + 0.5;
            sum += 7.0 * (1.0 + WAVE * (TAU * middle / DAY_SECS + 1.2).sin());
        }
        let exact = traffic.requests(from, from + Span::from_secs(100_000));
        assert!((sum - exact).abs() < 0.01, "{sum} is not {exact}");
        assert_eq!(traffic.requests(from, from), 0.0);
        assert_eq!(traffic.requests(from + Span::from_secs(1), from), 0.0);
    }
}
