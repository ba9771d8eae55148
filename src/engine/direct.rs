//! The direct path: the source is asked for whole windows, short ones at every slot, long ones
//! less often.

use std::collections::BTreeMap;

use super::budget::Answer;
use super::counts::Counts;
use super::period::Period;
use super::time::{Span, Timestamp};

/// A window is asked again after this share of its length ...
const REFRESH_SHARE: i64 = 180;
/// ... but never later than this.
const REFRESH_MAX: Span = Span::from_mins(5);
/// An answer is used for so many refreshes; then the window counts as unknown.
const USABLE_REFRESHES: i64 = 3;

/// How often a window is asked for: a 5 m window at every slot, 6 h every two minutes, 1 d and
/// longer every five.
pub fn refresh(window: Span, interval: Span) -> Span {
    Span::from_millis(window.as_millis() / REFRESH_SHARE)
        .min(REFRESH_MAX)
        .max(interval)
}

/// The last answers for one instance, by window.
#[derive(Clone, Debug, Default)]
pub struct DirectReadings {
    /// Error ratio (0..1), or `None` where the source computed 0/0: no traffic.
    answers: BTreeMap<Span, (Timestamp, Option<f64>)>,
    /// The same for the period so far, which is another window at every slot of a calendar unit.
    period: Option<(Timestamp, Option<f64>)>,
}

impl DirectReadings {
    /// Takes an answer. NaN is no traffic; anything else is brought into 0..1.
    pub fn put(&mut self, window: Span, at: Timestamp, ratio: f64) {
        let ratio = (!ratio.is_nan()).then(|| ratio.clamp(0.0, 1.0));
        self.answers.insert(window, (at, ratio));
    }

    /// The newest answer for a window, unless it is too old to be used.
    pub fn get(&self, window: Span, interval: Span, now: Timestamp) -> Option<Option<f64>> {
        let (at, ratio) = self.answers.get(&window)?;
        let usable = refresh(window, interval).times(USABLE_REFRESHES);
        (now.since(*at) <= usable).then_some(*ratio)
    }

    /// Takes an answer about the period so far, as [`Self::put`].
    pub fn put_period(&mut self, at: Timestamp, ratio: f64) {
        let ratio = (!ratio.is_nan()).then(|| ratio.clamp(0.0, 1.0));
        self.period = Some((at, ratio));
    }

    /// The newest answer about the period, unless it says nothing, is too old to be used or about
    /// the calendar unit before.
    pub(super) fn period(&self, period: &Period, interval: Span, now: Timestamp) -> Option<Answer> {
        let (asked, bad) = self.period.and_then(|(at, ratio)| Some((at, ratio?)))?;
        let elapsed = period.elapsed(now);
        let usable = refresh(elapsed, interval).times(USABLE_REFRESHES);
        let age = now.since(asked);
        let counts = Counts { bad, total: 1.0 };
        (age <= usable && age < elapsed).then_some(Answer {
            asked,
            counts,
            counted: false,
        })
    }

    /// When the newest answer came.
    pub fn newest(&self) -> Option<Timestamp> {
        let period = self.period.iter();
        let answers = self.answers.values().chain(period);
        answers.map(|(at, _)| *at).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_windows_are_asked_at_every_slot() {
        let slot = Span::from_secs(30);
        let of = |text: &str| refresh(Span::parse(text).unwrap(), slot).to_string();
        assert_eq!(
            [of("5m"), of("1h"), of("6h"), of("1d"), of("30d")],
            ["30s", "30s", "2m", "5m", "5m"]
        );
    }

    #[test]
    fn old_answers_are_not_used() {
        let mut readings = DirectReadings::default();
        let (window, slot) = (Span::from_mins(5), Span::from_secs(30));
        let start = Timestamp::from_secs(1000);
        readings.put(window, start, 0.5);
        assert_eq!(
            readings.get(window, slot, start + slot.times(3)),
            Some(Some(0.5))
        );
        assert_eq!(readings.get(window, slot, start + slot.times(4)), None);
        readings.put(window, start, f64::NAN);
        assert_eq!(readings.get(window, slot, start), Some(None));
        readings.put(window, start, f64::INFINITY);
        assert_eq!(readings.get(window, slot, start), Some(Some(1.0)));
    }
}
