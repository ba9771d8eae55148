//! Maintenance windows: when errors of some SLOs are expected.

use super::interval::TimeInterval;
use super::labels::Matcher;
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
