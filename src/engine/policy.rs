//! Alerting policies: which burn over which windows deserves whom.
//!
//! A policy is data. A tier names a fraction of the period's budget and two windows; its burn-rate
//! factor follows from them and the period (SRE workbook, chapter 5, "Multiwindow, Multi-Burn-Rate
//! Alerts": factor = budget fraction x period / long window). Nothing here knows 14.4.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::time::Span;

/// How loudly a person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Wakes somebody.
    Page,
    /// Waits for working hours.
    Ticket,
    /// For the record.
    Info,
}

impl Severity {
    /// All severities, loudest first.
    pub const ALL: [Self; 3] = [Self::Page, Self::Ticket, Self::Info];

    /// The lower-case word used in files, labels and keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One rule of a policy: burning when both windows burn faster than the factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tier {
    /// Whom it reaches.
    pub severity: Severity,
    /// The window that says the burn matters.
    pub long: Span,
    /// The window that says the burn is still going on; shorter than `long`.
    pub short: Span,
    /// Fraction (0..1) of the period's budget that, spent within `long`, fires this tier.
    pub budget_fraction: f64,
    /// The tier fires only with at least this many bad events in its long window.
    pub minimum_events: f64,
    /// How long the tier must burn before its alert fires.
    #[serde(default)]
    pub pending: Span,
    /// Labels that the alert bears while this is its fastest burning tier.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// By what the burn of a window is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// By the window's own events: its error ratio over the ratio that is allowed.
    #[default]
    Ratio,
    /// By the events that a window of this length has on average over the period: a few failures
    /// in a quiet night weigh what they cost of the budget, not what share of the night they are.
    Budget,
}

impl Tier {
    /// The burn rate above which the tier burns, for an SLO with this period.
    ///
    /// SRE workbook, chapter 5, table 5-2: 2 % of 30 d within 1 h is 14.4.
    pub fn factor(&self, period: Span) -> f64 {
        self.budget_fraction * period.ratio(self.long)
    }

    /// `1h/5m`: how people name the tier.
    pub fn windows(&self) -> String {
        format!("{}/{}", self.long, self.short)
    }
}

/// When lack of evidence becomes an alert of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlindPolicy {
    /// Consecutive slots without a decision before the alert fires; at least 1.
    pub after_slots: u32,
    /// Whom it reaches.
    pub severity: Severity,
}

/// Notices about the budget itself rather than about the speed of its burning.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BudgetPolicy {
    /// Fractions (0..1) of the budget consumed at which an info alert fires or is updated, rising.
    pub thresholds: Vec<f64>,
    /// An info alert fires when the budget would be exhausted within this time at the present
    /// burn of the longest tier window.
    pub exhaustion_within: Option<Span>,
}

/// A named list of tiers with the timing they share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// The name that definitions refer to.
    pub name: String,
    /// The tiers, in the order of the file.
    pub tiers: Vec<Tier>,
    /// Tiers that the SLO switched off with their alerts: nothing is decided by them, but rules
    /// record their windows for dashboards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub switched_off: Vec<Tier>,
    /// By what burns are measured.
    #[serde(default)]
    pub mode: Mode,
    /// How long an alert keeps firing after the last burning slot.
    pub hold: Span,
    /// A firing tier stops burning only below `factor x recover` (0..=1), so it cannot flap.
    pub recover: f64,
    /// Whether a firing page keeps the ticket of the same instance quiet.
    pub page_mutes_ticket: bool,
    /// Budget notices.
    pub budget: BudgetPolicy,
    /// What to do when there is nothing to decide on; `None` switches the alert off.
    pub blind: Option<BlindPolicy>,
}

impl Policy {
    /// The name of the built-in policy.
    pub const DEFAULT_NAME: &'static str = "sre-workbook";

    /// The recommended parameters of the SRE workbook, chapter 5, table 5-8: page at 2 % of the
    /// budget in 1 h and 5 % in 6 h, ticket at 10 % in 1 d and 10 % in 3 d, short windows 1/12.
    pub fn sre_workbook() -> Self {
        let tier = |severity, long, short, budget_fraction| Tier {
            severity,
            long,
            short,
            budget_fraction,
            minimum_events: 5.0,
            pending: Span::ZERO,
            labels: BTreeMap::new(),
        };
        Self {
            name: Self::DEFAULT_NAME.to_owned(),
            tiers: vec![
                tier(
                    Severity::Page,
                    Span::from_hours(1),
                    Span::from_mins(5),
                    0.02,
                ),
                tier(
                    Severity::Page,
                    Span::from_hours(6),
                    Span::from_mins(30),
                    0.05,
                ),
                tier(
                    Severity::Ticket,
                    Span::from_days(1),
                    Span::from_hours(2),
                    0.10,
                ),
                tier(
                    Severity::Ticket,
                    Span::from_days(3),
                    Span::from_hours(6),
                    0.10,
                ),
            ],
            switched_off: Vec::new(),
            mode: Mode::Ratio,
            hold: Span::from_mins(1),
            recover: 0.9,
            page_mutes_ticket: true,
            budget: BudgetPolicy {
                thresholds: vec![0.5, 0.75, 0.9, 1.0],
                exhaustion_within: Some(Span::from_days(3)),
            },
            blind: Some(BlindPolicy {
                after_slots: 10,
                severity: Severity::Page,
            }),
        }
    }

    /// Measures and tells nobody: for the steps of a composite that have no alerts of their own.
    pub fn silent() -> Self {
        Self {
            name: "silent".to_owned(),
            tiers: Vec::new(),
            budget: BudgetPolicy::default(),
            blind: None,
            ..Self::sre_workbook()
        }
    }

    /// Every window that some tier reads, shortest first, each once.
    pub fn windows(&self) -> Vec<Span> {
        let mut windows: Vec<Span> = self.tiers.iter().flat_map(|t| [t.short, t.long]).collect();
        windows.sort_unstable();
        windows.dedup();
        windows
    }

    /// The longest window that some tier reads.
    pub fn longest_window(&self) -> Span {
        self.tiers
            .iter()
            .map(|t| t.long)
            .max()
            .unwrap_or(Span::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(period: Span) -> Vec<f64> {
        Policy::sre_workbook()
            .tiers
            .iter()
            .map(|tier| tier.factor(period))
            .collect()
    }

    #[test]
    fn factors_follow_from_fraction_window_and_period() {
        let close = |left: Vec<f64>, right: [f64; 4]| {
            for (left, right) in left.iter().zip(right) {
                assert!((left - right).abs() < 1e-9, "{left} is not {right}");
            }
        };
        close(factors(Span::from_days(30)), [14.4, 6.0, 3.0, 1.0]);
        close(factors(Span::from_days(28)), [13.44, 5.6, 2.8, 28.0 / 30.0]);
        close(factors(Span::from_days(7)), [3.36, 1.4, 0.7, 7.0 / 30.0]);
    }

    #[test]
    fn windows_are_listed_once_and_sorted() {
        let windows = Policy::sre_workbook().windows();
        let names: Vec<String> = windows.iter().map(Span::to_string).collect();
        assert_eq!(names, ["5m", "30m", "1h", "2h", "6h", "1d", "3d"]);
    }
}
