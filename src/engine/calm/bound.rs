//! Bounds: what the windows of an instance can come to in a stretch.

use super::super::burn::burn_rate;
use super::super::counts::Counts;
use super::super::measure::{Coming, Tally};
use super::super::policy::Tier;
use super::super::slo::Slo;
use super::super::time::{Span, Timestamp};
use super::{Stretch, TIME_MARGIN};

/// Bounds are sums of floats in another order than those they bound: so much (relative) is left
/// between them and what they must not reach.
const MARGIN: f64 = 1e-9;

/// How closely the past is looked at: roughly is nearly always enough.
#[derive(Clone, Copy)]
enum Care {
    Rough,
    Exact,
}

impl Care {
    const BOTH: [Self; 2] = [Self::Rough, Self::Exact];
}

/// What the windows of an instance can come to at most in a stretch.
pub(super) struct Bound<'a> {
    pub(super) slo: &'a Slo,
    pub(super) tally: &'a Tally,
    pub(super) stretch: &'a Stretch,
    pub(super) coming: &'a Coming,
}

impl Bound<'_> {
    /// Most bad and least total events of a window at any slot.
    fn extremes(&self, window: Span, care: Care) -> Counts {
        let Stretch { from, until, .. } = *self.stretch;
        let sums = &self.tally.window;
        let slid = window - until.since(from);
        let (bad, total) = match care {
            Care::Rough => {
                let (_, most) = sums.sum_about(window, window, from);
                let (least, _) = sums.sum_about(window, slid, from);
                (most.bad, least.total)
            }
            Care::Exact => {
                let of_slid = sums.sum_of(window, slid, from);
                (sums.sum(window, from).bad, of_slid.total)
            }
        };
        Counts {
            bad: bad + self.coming.counts.bad,
            total: if slid > Span::ZERO { total } else { 0.0 },
        }
    }

    /// The burn rate that a window cannot exceed; `None` without a bound.
    fn burn(&self, counts: Counts) -> Option<f64> {
        if counts.bad <= 0.0 {
            return Some(0.0);
        }
        let ratio = counts.bad / counts.total;
        (counts.total > 0.0).then(|| burn_rate(ratio, self.slo.objective) * (1.0 + MARGIN))
    }

    fn factor(&self, tier: &Tier) -> f64 {
        tier.factor(self.slo.period.reach())
    }

    /// Whether a tier cannot burn at any slot.
    fn is_silent(&self, tier: &Tier) -> bool {
        Care::BOTH.into_iter().any(|care| {
            let extremes = self.extremes(tier.long, care);
            let few = extremes.bad * (1.0 + MARGIN) < tier.minimum_events;
            let burn = self.burn(extremes);
            few || burn.is_some_and(|burn| burn < self.factor(tier))
        })
    }

    /// The slot before the first at which some tier may burn.
    pub(super) fn before_burning(&self) -> Timestamp {
        let Stretch {
            from,
            until,
            interval,
        } = *self.stretch;
        let tiers = self.slo.policy.tiers.iter();
        let loud: Vec<&Tier> = tiers.filter(|tier| !self.is_silent(tier)).collect();
        if loud.is_empty() {
            return until;
        }
        let each = self.stretch.by_slot(&self.coming.row);
        let first = loud
            .iter()
            .filter_map(|tier| self.burns_at(tier, &each))
            .min();
        match first {
            Some(slot) => from + interval.times(i64::try_from(slot).unwrap_or(0)),
            None => until,
        }
    }

    /// The position of the first slot at which a tier may burn, its windows taken slot by slot.
    fn burns_at(&self, tier: &Tier, each: &[Counts]) -> Option<usize> {
        let Stretch { from, interval, .. } = *self.stretch;
        let slide = |window: Span| self.tally.window.slide(window, from, interval, each);
        // The quotient is compared as a product: as good within the margin, and much cheaper.
        let limit = self.factor(tier) * self.slo.objective.budget_ratio();
        let above = |counts: &Counts| {
            counts.bad > 0.0 && counts.bad * (1.0 + MARGIN) >= limit * counts.total
        };
        let Some(long) = slide(tier.long) else {
            return Some(0);
        };
        let may_burn = |sum: &Counts| sum.bad * (1.0 + MARGIN) >= tier.minimum_events && above(sum);
        let first = long.iter().position(may_burn)?;
        let Some(short) = slide(tier.short) else {
            return Some(first);
        };
        let mut both = long.iter().zip(&short).skip(first);
        let at = both.position(|(long, short)| may_burn(long) && above(short))?;
        Some(first + at)
    }

    /// Whether no threshold of the budget is crossed, nor its end foreseen.
    pub(super) fn is_budget_safe(&self) -> bool {
        Care::BOTH
            .into_iter()
            .any(|care| self.is_budget_safe_by(care))
    }

    fn is_budget_safe_by(&self, care: Care) -> bool {
        let policy = &self.slo.policy.budget;
        if policy.thresholds.is_empty() && policy.exhaustion_within.is_none() {
            return true;
        }
        let length = self.slo.period.reach();
        let extremes = self.extremes(length, care);
        let known = self.stretch.until.since(self.tally.first).ratio(length);
        let events = extremes.total / known.min(1.0);
        let allowed = events * self.slo.objective.budget_ratio();
        if !(known > 0.0 && allowed > 0.0) {
            return false;
        }
        let consumed = extremes.bad / allowed * (1.0 + MARGIN);
        if policy
            .thresholds
            .iter()
            .any(|threshold| consumed >= *threshold)
        {
            return false;
        }
        let Some(within) = policy.exhaustion_within else {
            return true;
        };
        if consumed >= 1.0 {
            return false;
        }
        let longest = self
            .slo
            .windows()
            .last()
            .map(|window| self.extremes(*window, care));
        match longest.map(|extremes| self.burn(extremes)) {
            None => true,
            Some(Some(burn)) if burn < 1.0 => true,
            Some(Some(burn)) => length.scale((1.0 - consumed) / burn) > within + TIME_MARGIN,
            Some(None) => false,
        }
    }
}
