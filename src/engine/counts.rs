//! Bad and total events: the numbers every decision rests on.

use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// Events of some stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Bad events.
    pub bad: f64,
    /// All events.
    pub total: f64,
}

impl Counts {
    /// Nothing happened.
    pub const ZERO: Self = Self {
        bad: 0.0,
        total: 0.0,
    };

    /// The same counts within `0 <= bad <= total`.
    ///
    /// Two series of one scrape are not read at the same instant, so a difference such as
    /// total - good may be off by a few events; a ratio outside 0..1 must not come of it.
    pub fn sane(self) -> Self {
        let total = self.total.max(0.0);
        Self {
            bad: self.bad.clamp(0.0, total),
            total,
        }
    }

    /// The error ratio (0..1), `None` without events.
    pub fn error_ratio(self) -> Option<f64> {
        let sane = self.sane();
        (sane.total > 0.0).then(|| sane.bad / sane.total)
    }

    /// Scaled by a factor.
    pub fn scale(self, factor: f64) -> Self {
        Self {
            bad: self.bad * factor,
            total: self.total * factor,
        }
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            bad: self.bad + other.bad,
            total: self.total + other.total,
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            bad: self.bad - other.bad,
            total: self.total - other.total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_stay_between_zero_and_one() {
        assert_eq!(
            Counts {
                bad: 1.0,
                total: 4.0
            }
            .error_ratio(),
            Some(0.25)
        );
        assert_eq!(
            Counts {
                bad: 5.0,
                total: 4.0
            }
            .error_ratio(),
            Some(1.0)
        );
        assert_eq!(
            Counts {
                bad: -1.0,
                total: 4.0
            }
            .error_ratio(),
            Some(0.0)
        );
        assert_eq!(
            Counts {
                bad: 1.0,
                total: 0.0
            }
            .error_ratio(),
            None
        );
        assert_eq!(
            Counts {
                bad: 1.0,
                total: -3.0
            }
            .error_ratio(),
            None
        );
    }
}
