//! Maintenance windows: when errors of some SLOs are expected.

use super::interval::TimeInterval;
use super::labels::{Labels, Matcher};
use super::time::Timestamp;

/// One window, of the settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Maintenance {
    /// Its name.
    pub name: String,
    /// All must match the alert.
    pub matchers: Vec<Matcher>,
    /// When.
    pub when: MaintenanceTime,
    /// Whether what happens within it is left out of the budget. It is for SLOs whose events are
    /// counted from samples, time slices among them: of what is asked for window by window, and
    /// of composites, it is not known what happened when.
    pub exclude_from_budget: bool,
}

/// When a maintenance window is open.
#[derive(Clone, Debug, PartialEq)]
pub enum MaintenanceTime {
    /// Once.
    Once {
        /// From here on.
        from: Timestamp,
        /// Until here, not included.
        until: Timestamp,
    },
    /// In each of these.
    Recurring(Vec<TimeInterval>),
}

impl Maintenance {
    /// Whether alerts with these labels are expected while the window is open.
    pub(super) fn is_about(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(labels))
    }
}

impl MaintenanceTime {
    /// Whether the window is open at this time.
    pub fn contains(&self, at: Timestamp) -> bool {
        match self {
            Self::Once { from, until } => *from <= at && at < *until,
            Self::Recurring(intervals) => intervals.iter().any(|interval| interval.contains(at)),
        }
    }

    /// The stretches of `[from, until)` in which the window is open, in order and apart.
    pub(super) fn stretches(&self, from: Timestamp, until: Timestamp) -> Vec<Stretch> {
        let mut stretches = Vec::new();
        match self {
            Self::Once {
                from: start,
                until: end,
            } => {
                stretches.push(((*start).max(from), (*end).min(until)));
            }
            Self::Recurring(intervals) => {
                for interval in intervals {
                    let mut at = from;
                    while at < until {
                        let next = interval.same_until(at).min(until);
                        if interval.contains(at) {
                            stretches.push((at, next));
                        }
                        at = next;
                    }
                }
            }
        }
        join(stretches)
    }
}

/// From an instant to another, not included.
pub(super) type Stretch = (Timestamp, Timestamp);

/// The same stretches in order, those that touch made one.
pub(super) fn join(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.retain(|(from, until)| from < until);
    stretches.sort_unstable();
    let mut joined: Vec<Stretch> = Vec::new();
    for (from, until) in stretches {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => joined.push((from, until)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::interval::tests::{begins, intervals};
    use crate::engine::time::Span;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Minute by minute through two days, whatever the clock does.
        #[test]
        fn stretches_are_when_the_window_is_open(
            intervals in prop::collection::vec(intervals(), 1..3),
            begin in begins(),
        ) {
            let begin = begin.align_down(Span::from_mins(1));
            let end = begin + Span::from_days(2);
            let when = MaintenanceTime::Recurring(intervals);
            let stretches = when.stretches(begin, end);
            let mut at = begin;
            while at < end {
                let inside = stretches.iter().any(|(from, until)| *from <= at && at < *until);
                prop_assert_eq!(inside, when.contains(at), "{:?}", at);
                at = at + Span::from_mins(1);
            }
            for pair in stretches.windows(2) {
                prop_assert!(pair[0].1 < pair[1].0);
            }
        }
    }
}
