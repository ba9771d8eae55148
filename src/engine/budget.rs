//! The error budget of the period: consumed, left, and for how long.

use super::counts::Counts;
use super::notification::BudgetFacts;
use super::slo::Slo;
use super::time::Span;

/// What the budget is computed from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spending {
    /// How long the period is.
    pub(super) length: Span,
    /// Events of the period, as far as they are known.
    pub(super) period: Counts,
    /// Share (0..1) of the period for which there are events.
    pub(super) coverage: f64,
    /// Bad events that the alert at hand has cost.
    pub(super) by_alert: f64,
    /// The burn rate that is assumed to go on.
    pub(super) burn: f64,
}

/// Prices events in budget.
///
/// Where only part of the period is known, its budget is estimated from the traffic seen so far:
/// a service one day old has not spent a month's budget with its first bad minute.
pub(super) fn facts(slo: &Slo, spending: Spending) -> BudgetFacts {
    let Spending {
        length,
        period,
        coverage,
        by_alert,
        burn,
    } = spending;
    let period = period.sane();
    let allowed = if coverage > 0.0 {
        period.total / coverage.min(1.0) * slo.objective.budget_ratio()
    } else {
        0.0
    };
    let share = |bad: f64| if allowed > 0.0 { bad / allowed } else { 0.0 };
    let consumed = share(period.bad);
    let remaining = 1.0 - consumed;
    BudgetFacts {
        consumed,
        remaining,
        exhausted_in: exhausted_in(length, remaining, burn),
        consumed_by_alert: share(by_alert).max(0.0),
        coverage: coverage.clamp(0.0, 1.0),
    }
}

/// Prices an error ratio over the period, where counts are not known.
pub(super) fn facts_from_burn(
    length: Span,
    period_burn: f64,
    burn: f64,
    window: Span,
) -> BudgetFacts {
    let remaining = 1.0 - period_burn;
    BudgetFacts {
        consumed: period_burn,
        remaining,
        exhausted_in: exhausted_in(length, remaining, burn),
        consumed_by_alert: burn * window.ratio(length),
        coverage: 1.0,
    }
}

/// Time until nothing is left. At burn 1 the whole budget lasts one period. Below 1 a rolling
/// budget recovers as fast as it is spent, so it has no end.
pub(super) fn exhausted_in(period: Span, remaining: f64, burn: f64) -> Option<Span> {
    if remaining <= 0.0 {
        return Some(Span::ZERO);
    }
    (burn > 1.0).then(|| period.scale(remaining / burn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::feed::tests::slo;

    fn spending(bad: f64, total: f64, coverage: f64, burn: f64) -> Spending {
        Spending {
            length: Span::from_days(30),
            period: Counts { bad, total },
            coverage,
            by_alert: bad / 2.0,
            burn,
        }
    }

    #[test]
    fn a_budget_is_spent_event_by_event() {
        let facts = facts(&slo("a", &[]), spending(250.0, 1_000_000.0, 1.0, 14.4));
        assert!((facts.consumed - 0.25).abs() < 1e-9);
        assert!((facts.consumed_by_alert - 0.125).abs() < 1e-9);
        assert_eq!(
            facts.exhausted_in,
            Some(Span::from_days(30).scale(0.75 / 14.4))
        );
    }

    #[test]
    fn a_young_service_is_priced_by_the_traffic_it_will_have() {
        let facts = facts(&slo("a", &[]), spending(10.0, 10_000.0, 0.1, 0.5));
        assert!((facts.consumed - 0.1).abs() < 1e-9);
        assert_eq!(facts.exhausted_in, None);
    }

    #[test]
    fn no_events_cost_nothing_and_an_empty_budget_is_gone_now() {
        let empty = facts(&slo("a", &[]), spending(0.0, 0.0, 0.0, 0.0));
        assert_eq!((empty.consumed, empty.remaining), (0.0, 1.0));
        let spent = facts(&slo("a", &[]), spending(2_000.0, 1_000_000.0, 1.0, 0.0));
        assert_eq!(spent.exhausted_in, Some(Span::ZERO));
        assert!((spent.remaining + 1.0).abs() < 1e-9);
    }
}
