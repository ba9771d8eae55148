//! Burn rates and the multiwindow condition, over plain numbers.
//!
//! SRE workbook, chapter 5, "6: Multiwindow, Multi-Burn-Rate Alerts": a tier burns when the error
//! budget burns faster than its factor over the long window (it matters) and over the short window
//! (it is still going on).

use serde::Serialize;

use super::counts::Counts;
use super::policy::Tier;
use super::slo::Objective;
use super::time::Span;

/// What is known about one window at one slot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// The window.
    pub window: Span,
    /// Its burn rate by the policy's mode; 0 without traffic, `None` while the window is not covered.
    pub burn: Option<f64>,
    /// Its events, where counts are known.
    pub counts: Option<Counts>,
    /// The number of events that its bad ones are weighed against, where that is not its own.
    #[serde(skip)]
    pub usual: Option<f64>,
}

impl Reading {
    /// From events.
    pub fn from_counts(window: Span, counts: Counts, objective: Objective) -> Self {
        let burn = burn_rate(counts.error_ratio().unwrap_or(0.0), objective);
        Self {
            window,
            burn: Some(burn),
            counts: Some(counts.sane()),
            usual: None,
        }
    }

    /// From events, weighed against the `usual` number of them in a window of this length.
    pub fn from_usual(window: Span, counts: Counts, usual: f64, objective: Objective) -> Self {
        let counts = counts.sane();
        Self {
            window,
            burn: Some(burn_rate(counts.bad / usual, objective)),
            counts: Some(counts),
            usual: Some(usual),
        }
    }

    /// From an error ratio (0..1) without counts; `None` means no traffic.
    pub fn from_ratio(window: Span, ratio: Option<f64>, objective: Objective) -> Self {
        let burn = burn_rate(ratio.unwrap_or(0.0).clamp(0.0, 1.0), objective);
        Self {
            window,
            burn: Some(burn),
            counts: None,
            usual: None,
        }
    }

    /// A window whose events are not all known yet.
    pub fn uncovered(window: Span) -> Self {
        Self {
            window,
            burn: None,
            counts: None,
            usual: None,
        }
    }
}

/// Error ratio over the ratio that the objective allows: 1 spends the budget in one period. In
/// budget mode the ratio is that of the bad events to the usual number of events.
pub fn burn_rate(error_ratio: f64, objective: Objective) -> f64 {
    error_ratio / objective.budget_ratio()
}

/// What a tier says at one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Both windows burn too fast, on enough events.
    Burning,
    /// Both windows burn too fast, but on too few bad events to wake anybody.
    TooFewEvents,
    /// At least one window does not.
    Quiet,
    /// A window is not covered and the other does not settle it.
    Unknown,
}

/// Judges one tier.
///
/// `recovering` is the policy's recover ratio if the tier burned in the slot before, else 1: a
/// tier that burns goes on until its burn falls clearly below the factor. Strictly greater than
/// the factor burns, as in the workbook's expressions.
pub fn judge(
    tier: &Tier,
    factor: f64,
    recovering: f64,
    long: &Reading,
    short: &Reading,
) -> Verdict {
    let above = |reading: &Reading| reading.burn.map(|burn| burn > factor * recovering);
    match (above(long), above(short)) {
        (Some(false), _) | (_, Some(false)) => Verdict::Quiet,
        (None, _) | (_, None) => Verdict::Unknown,
        (Some(true), Some(true)) => {
            let was_burning = recovering < 1.0;
            let enough = long
                .counts
                .is_none_or(|counts| counts.bad >= tier.minimum_events);
            if enough || was_burning {
                Verdict::Burning
            } else {
                Verdict::TooFewEvents
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::policy::Policy;

    fn reading(window: &str, bad: f64, total: f64) -> Reading {
        let objective = Objective::from_percent(99.9).unwrap();
        Reading::from_counts(
            Span::parse(window).unwrap(),
            Counts { bad, total },
            objective,
        )
    }

    fn check(recovering: f64, long: Reading, short: Reading, expect: Verdict) {
        let tier = &Policy::sre_workbook().tiers[0];
        let factor = tier.factor(Span::from_days(30));
        assert_eq!(judge(tier, factor, recovering, &long, &short), expect);
    }

    #[test]
    fn both_windows_must_burn() {
        let hot = |window| reading(window, 20.0, 1000.0);
        let cool = |window| reading(window, 10.0, 1000.0);
        check(1.0, hot("1h"), hot("5m"), Verdict::Burning);
        check(1.0, hot("1h"), cool("5m"), Verdict::Quiet);
        check(1.0, cool("1h"), hot("5m"), Verdict::Quiet);
        check(1.0, hot("1h"), reading("5m", 0.0, 0.0), Verdict::Quiet);
    }

    #[test]
    fn the_factor_itself_does_not_burn_and_a_burning_tier_does_not_flap() {
        let at = |ratio: f64| {
            (
                reading("1h", ratio * 1e6, 1e6),
                reading("5m", ratio * 1e6, 1e6),
            )
        };
        let (long, short) = at(0.0143);
        check(1.0, long, short, Verdict::Quiet);
        check(0.9, long, short, Verdict::Burning);
        let (long, short) = at(0.0129);
        check(0.9, long, short, Verdict::Quiet);
    }

    #[test]
    fn few_failures_do_not_fire() {
        check(
            1.0,
            reading("1h", 3.0, 3.0),
            reading("5m", 3.0, 3.0),
            Verdict::TooFewEvents,
        );
        check(
            1.0,
            reading("1h", 5.0, 5.0),
            reading("5m", 5.0, 5.0),
            Verdict::Burning,
        );
    }

    #[test]
    fn an_uncovered_window_decides_nothing_by_itself() {
        let uncovered = Reading::uncovered(Span::from_hours(1));
        check(1.0, uncovered, reading("5m", 9.0, 9.0), Verdict::Unknown);
        check(1.0, uncovered, reading("5m", 0.0, 9.0), Verdict::Quiet);
    }
}
