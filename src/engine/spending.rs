//! How fast the budgets of an instance are spent, and what is left of them at this speed.

use super::budget::Account;
use super::burn::{Reading, Verdict};
use super::evaluation::TierStatus;
use super::notification::{BudgetFacts, SlaFacts};
use super::slo::Slo;
use super::time::Span;

/// How fast the budget is spent.
pub(super) struct Spending {
    /// The burn that is assumed to go on: of the fastest burning tier, else of the longest window.
    pub(super) burn: f64,
    /// Over which window.
    pub(super) window: Span,
    /// The burn of the longest window.
    pub(super) longest: Option<f64>,
}

/// From what the windows and tiers of a slot say.
pub(super) fn spending(readings: &[Reading], tiers: &[TierStatus]) -> Spending {
    let longest = readings.last().and_then(|reading| reading.burn);
    let burning = tiers.iter().filter(|tier| tier.verdict == Verdict::Burning);
    let fastest = burning.max_by(|a, b| a.facts.factor.total_cmp(&b.facts.factor));
    let fastest = fastest.map(|tier| (tier.facts.long_burn, tier.facts.long));
    let known = |reading: &Reading| Some((reading.burn?, reading.window));
    let slowest = || readings.iter().rev().find_map(known);
    let (burn, window) = fastest.or_else(slowest).unwrap_or((0.0, Span::ZERO));
    Spending {
        burn,
        window,
        longest,
    }
}

/// What the budgets of an instance say.
#[derive(Clone, Copy)]
pub(super) struct Priced {
    pub(super) budget: BudgetFacts,
    pub(super) sla: Option<SlaFacts>,
    /// At the burn of the longest window.
    pub(super) exhausted_in: Option<Span>,
}

/// Prices an account by the objective and by the SLA; `by_alert` is what the alert at hand has
/// cost, in bad events of the account.
pub(super) fn price(slo: &Slo, account: &Account, by_alert: f64, spending: &Spending) -> Priced {
    let budget = account.facts(slo.objective, by_alert, spending.burn);
    let sla = slo.sla.map(|sla| {
        // The same bad events burn a larger budget more slowly.
        let burn = spending.burn * slo.objective.budget_ratio() / sla.budget_ratio();
        SlaFacts {
            objective_percent: sla.percent(),
            budget: account.facts(sla, by_alert, burn),
        }
    });
    let longest = spending.longest;
    Priced {
        budget,
        sla,
        exhausted_in: longest.and_then(|burn| account.exhausted_in(budget.remaining, burn)),
    }
}
