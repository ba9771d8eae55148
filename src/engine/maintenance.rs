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
    /// Whether errors within it are not counted against the budget.
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
    /// Whether alerts with these labels are expected at this time.
    pub fn is_about(&self, labels: &Labels, at: Timestamp) -> bool {
        self.when.contains(at) && self.matchers.iter().all(|matcher| matcher.matches(labels))
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
}
