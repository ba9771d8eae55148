//! Whether period, policy, objective and indicator of one SLO go together.

use crate::config::field::{Field, Section};
use crate::config::lint::Lint;
use crate::config::tree::Mark;
use crate::engine::{Indicator, Mode, Objective, Period, Policy, Severity, Span, WindowQuery};

/// A window longer than the period would be judged by a budget that it does not belong to.
pub(super) fn windows<T>(
    section: &Section<'_>,
    field: &Field<T>,
    period: &Period,
    policy: &Policy,
) {
    let (longest, length) = (policy.longest_window(), period.nominal());
    if longest > length {
        let name = &policy.name;
        let message =
            format!("the policy {name:?} looks back {longest}, longer than the period of {length}");
        let fix = format!("choose a period of at least {longest}, or a policy of shorter windows");
        section.refuse(field, message, fix);
    }
}

/// An error ratio cannot exceed 1, so a tier whose factor asks for more never fires. In budget
/// mode there is no such bound: a busy hour may hold more bad events than an average one has.
pub(super) fn dead_tiers(
    section: &Section<'_>,
    mark: Mark,
    objective: Objective,
    period: Span,
    policy: &Policy,
) {
    if policy.mode == Mode::Budget {
        return;
    }
    for tier in &policy.tiers {
        let factor = tier.factor(period);
        let ratio = factor * objective.budget_ratio();
        if ratio >= 1.0 {
            let message = format!(
                "the {} tier {} of {:?} can never fire: it needs an error ratio of {:.0}%",
                tier.severity,
                tier.windows(),
                policy.name,
                ratio * 100.0,
            );
            let fix = format!(
                "choose a policy with a smaller budget or a longer window, or an objective above {:.2}",
                100.0 * (1.0 - 1.0 / factor),
            );
            section.report.lint(Lint::DeadTier, mark, message, fix);
        }
    }
}

/// Below a burn of 1 the budget lasts for ever. A factor a little below is left alone: it is what a
/// policy for 30 days becomes over 28.
const SLOW_FACTOR: f64 = 0.9;

/// A tier whose factor is below 1 wakes somebody about a burn that the objective allows. Notices
/// may.
pub(super) fn slow_tiers(section: &Section<'_>, mark: Mark, period: Span, policy: &Policy) {
    if policy.longest_window() > period {
        // That is refused, and says more.
        return;
    }
    let told = policy.tiers.iter();
    for tier in told.filter(|tier| tier.severity != Severity::Info) {
        let factor = tier.factor(period);
        if factor < SLOW_FACTOR {
            let message = format!(
                "the {} tier {} of {:?} fires at a burn of {factor:.2}, at which the budget of \
                 {period} is never used up",
                tier.severity,
                tier.windows(),
                policy.name,
            );
            // Upwards, so that what is advised is not warned of.
            let least = (1000.0 * tier.long.as_secs_f64() / period.as_secs_f64()).ceil() / 10.0;
            let fix = format!(
                "give the tier a budget of at least {least}%, a shorter window, or the SLO a \
                 policy for its period"
            );
            section.report.lint(Lint::SlowTier, mark, message, fix);
        }
    }
}

/// A period of so many events needs events that are counted.
pub(super) fn period_counts<T>(
    section: &Section<'_>,
    field: &Field<T>,
    period: &Period,
    indicator: &Indicator,
) {
    if !matches!(period, Period::Events(_)) || has_counts(indicator) {
        return;
    }
    if matches!(indicator, Indicator::Composite(_)) {
        let message = "a composite has no events of its own that the period could count";
        section.refuse(field, message, "write a length of time, such as 30d");
    } else {
        let message =
            "the query yields a ratio, so there are no events that the period could count";
        let fix = "write the SLI as sums of counters, or choose a length of time such as 30d";
        section.refuse(field, message, fix);
    }
}

/// Budget mode needs events that are counted.
pub(super) fn policy_counts<T>(
    section: &Section<'_>,
    field: &Field<T>,
    policy: &Policy,
    indicator: &Indicator,
) {
    if policy.mode != Mode::Budget || policy.tiers.is_empty() || has_counts(indicator) {
        return;
    }
    let (message, fix) = match indicator {
        Indicator::Composite(_) => (
            "a composite has no events of its own that mode: budget could weigh",
            "choose a policy of mode: ratio; the parts may have one of mode: budget",
        ),
        _ => (
            "the query yields a ratio, so mode: budget has no events to weigh",
            "write the SLI as sums of counters, or choose a policy of mode: ratio",
        ),
    };
    section.refuse(field, message, fix);
}

/// Whether the events of a window are known, and not only their ratio.
pub(super) const fn has_counts(indicator: &Indicator) -> bool {
    match indicator {
        Indicator::Counters { .. } | Indicator::Slices { .. } => true,
        Indicator::Windows(WindowQuery::Events { counted, .. }) => *counted,
        Indicator::Windows(WindowQuery::Ratio { .. }) | Indicator::Composite(_) => false,
    }
}
