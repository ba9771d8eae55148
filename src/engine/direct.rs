//! The direct path: the source is asked for whole windows, short ones at every slot, long ones
//! less often.

use std::collections::BTreeMap;

use super::burn::Reading;
use super::counts::Counts;
use super::period::Period;
use super::slo::Objective;
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

/// What the source says about one window of one instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    /// Its error ratio (0..1); NaN where the source computed 0/0: no traffic.
    Ratio(f64),
    /// Its numbers of events.
    Counts(Counts),
}

impl Answer {
    /// The answer within its bounds; `None` for numbers of events that are none.
    fn sane(self) -> Option<Self> {
        match self {
            Self::Ratio(ratio) if ratio.is_nan() => Some(self),
            Self::Ratio(ratio) => Some(Self::Ratio(ratio.clamp(0.0, 1.0))),
            Self::Counts(counts) => (counts.total.is_finite() && !counts.bad.is_nan())
                .then(|| Self::Counts(counts.sane())),
        }
    }

    /// Several series of one instance: events add up, of ratios the worst counts.
    pub(super) fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Counts(one), Self::Counts(two)) => Self::Counts(one + two),
            (Self::Ratio(one), Self::Ratio(two)) => Self::Ratio(one.max(two)),
            (counts @ Self::Counts(_), Self::Ratio(_)) => counts,
            (Self::Ratio(_), counts @ Self::Counts(_)) => counts,
        }
    }

    /// Whether it says anything: not if the source computed 0/0.
    pub(super) fn is_known(self) -> bool {
        !matches!(self, Self::Ratio(ratio) if ratio.is_nan())
    }

    /// The error ratio (0..1); 0 without traffic.
    pub(super) fn error_ratio(self) -> f64 {
        match self {
            Self::Ratio(ratio) if ratio.is_nan() => 0.0,
            Self::Ratio(ratio) => ratio,
            Self::Counts(counts) => counts.error_ratio().unwrap_or(0.0),
        }
    }

    /// The events, where they are known.
    pub(super) fn counts(self) -> Option<Counts> {
        match self {
            Self::Ratio(_) => None,
            Self::Counts(counts) => Some(counts),
        }
    }

    /// What it says of a window.
    pub(super) fn reading(self, window: Span, objective: Objective) -> Reading {
        match self {
            Self::Ratio(_) => Reading::from_ratio(window, Some(self.error_ratio()), objective),
            Self::Counts(counts) => Reading::from_counts(window, counts, objective),
        }
    }
}

/// The last answers for one instance, by window.
///
/// The one before the newest is kept too: a composite may be decided for a slot that this feed has
/// passed, and must not mix what it says of one slot with what others say of another.
#[derive(Clone, Debug, Default)]
pub struct DirectReadings {
    answers: BTreeMap<Span, Newest>,
    /// The same for the period so far, which is another window at every slot of a calendar unit.
    period: Option<Newest>,
}

/// The newest answer, and the one before.
#[derive(Clone, Copy, Debug)]
struct Newest {
    last: (Timestamp, Answer),
    before: Option<(Timestamp, Answer)>,
}

impl Newest {
    fn after(known: Option<Self>, at: Timestamp, answer: Answer) -> Self {
        let before = known.and_then(|known| match known.last.0 < at {
            true => Some(known.last),
            false => known.before,
        });
        Self {
            last: (at, answer),
            before,
        }
    }

    /// The newest that was known at a time.
    fn at(self, now: Timestamp) -> Option<(Timestamp, Answer)> {
        let answers = std::iter::once(self.last).chain(self.before);
        answers.into_iter().find(|(at, _)| *at <= now)
    }
}

impl DirectReadings {
    /// Takes an answer, brought into its bounds. Numbers of events that are not numbers are no
    /// answer.
    pub fn put(&mut self, window: Span, at: Timestamp, answer: Answer) {
        if let Some(answer) = answer.sane() {
            let known = self.answers.get(&window).copied();
            self.answers
                .insert(window, Newest::after(known, at, answer));
        }
    }

    /// The newest answer for a window that was known at a time, unless it is too old to be used.
    pub fn get(&self, window: Span, interval: Span, now: Timestamp) -> Option<Answer> {
        let (at, answer) = self.answers.get(&window)?.at(now)?;
        let usable = refresh(window, interval).times(USABLE_REFRESHES);
        (now.since(at) <= usable).then_some(answer)
    }

    /// Takes an answer about the period so far, as [`Self::put`].
    pub fn put_period(&mut self, at: Timestamp, answer: Answer) {
        if let Some(answer) = answer.sane() {
            self.period = Some(Newest::after(self.period, at, answer));
        }
    }

    /// The newest answer about the period and when it was asked, unless it is too old to be used
    /// or about the calendar unit before.
    pub fn period(
        &self,
        period: &Period,
        interval: Span,
        now: Timestamp,
    ) -> Option<(Timestamp, Answer)> {
        let (asked, answer) = self.period?.at(now)?;
        let elapsed = period.elapsed(now);
        let usable = refresh(elapsed, interval).times(USABLE_REFRESHES);
        let age = now.since(asked);
        (age <= usable && age < elapsed).then_some((asked, answer))
    }

    /// When the newest answer came.
    pub fn newest(&self) -> Option<Timestamp> {
        let period = self.period.iter();
        let answers = self.answers.values().chain(period);
        answers.map(|newest| newest.last.0).max()
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
        readings.put(window, start, Answer::Ratio(0.5));
        let half = Some(Answer::Ratio(0.5));
        assert_eq!(readings.get(window, slot, start + slot.times(3)), half);
        assert_eq!(readings.get(window, slot, start + slot.times(4)), None);
        readings.put(window, start, Answer::Ratio(f64::INFINITY));
        let all = Some(Answer::Ratio(1.0));
        assert_eq!(readings.get(window, slot, start), all);
    }

    #[test]
    fn a_slot_that_is_past_is_answered_as_it_was() {
        let (window, slot) = (Span::from_mins(5), Span::from_secs(30));
        let start = Timestamp::from_secs(1000);
        let mut readings = DirectReadings::default();
        for (at, ratio) in [(1, 0.1), (2, 0.2), (2, 0.25), (3, 0.3)] {
            readings.put(window, start + slot.times(at), Answer::Ratio(ratio));
            readings.put_period(start + slot.times(at), Answer::Ratio(ratio));
        }
        let month = Period::Rolling(Span::from_days(30));
        let at = |slots| {
            let now = start + slot.times(slots);
            let period = readings.period(&month, slot, now).map(|(_, answer)| answer);
            assert_eq!(readings.get(window, slot, now), period);
            period
        };
        assert_eq!(at(3), Some(Answer::Ratio(0.3)));
        assert_eq!(at(2), Some(Answer::Ratio(0.25)));
        assert_eq!(at(1), None, "forgotten rather than mixed up");
    }

    #[test]
    fn answers_are_brought_into_their_bounds() {
        let (window, at) = (Span::from_mins(5), Timestamp::from_secs(1000));
        let get = |answer| {
            let mut readings = DirectReadings::default();
            readings.put(window, at, answer);
            readings.get(window, Span::from_secs(30), at)
        };
        let counts = |bad, total| Answer::Counts(Counts { bad, total });
        let no_traffic = get(Answer::Ratio(f64::NAN)).unwrap();
        assert_eq!((no_traffic.error_ratio(), no_traffic.counts()), (0.0, None));
        assert_eq!(get(Answer::Ratio(-1.0)), Some(Answer::Ratio(0.0)));
        assert_eq!(get(counts(7.0, 5.0)), Some(counts(5.0, 5.0)));
        assert_eq!(get(counts(f64::INFINITY, 5.0)), Some(counts(5.0, 5.0)));
        assert_eq!(get(counts(-1.0, -5.0)), Some(counts(0.0, 0.0)));
        for (bad, total) in [(f64::NAN, 5.0), (1.0, f64::NAN), (1.0, f64::INFINITY)] {
            assert_eq!(get(counts(bad, total)), None, "{bad} of {total}");
        }
    }

    #[test]
    fn series_of_one_instance_are_joined() {
        let counts = |bad, total| Answer::Counts(Counts { bad, total });
        assert_eq!(counts(1.0, 2.0).join(counts(3.0, 4.0)), counts(4.0, 6.0));
        let ratio = |one, two| Answer::Ratio(one).join(Answer::Ratio(two)).error_ratio();
        assert_eq!((ratio(0.1, 0.2), ratio(f64::NAN, 0.2)), (0.2, 0.2));
    }
}
