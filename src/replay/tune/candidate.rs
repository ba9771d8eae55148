//! Definitions that might do: a [`Candidate`], what it changes, and how fast it should see a burst.

use std::sync::Arc;

use super::past::Past;
use super::wishes::{Burst, latency};
use crate::engine::{Mode, Objective, Policy, Reach, ReadingOptions, Severity, Slo, SloId, Span};
use crate::message::figures;

/// An objective and a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The promise.
    pub objective: Objective,
    /// When to tell whom.
    pub policy: Arc<Policy>,
}

impl Candidate {
    /// The SLO as it is.
    pub fn present(slo: &Slo) -> Self {
        Self {
            objective: slo.objective,
            policy: slo.policy.clone(),
        }
    }

    /// The SLO with this objective and policy.
    pub fn slo(&self, slo: &Slo, id: SloId) -> Arc<Slo> {
        Arc::new(Slo {
            name: id
                .as_str()
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned(),
            id,
            objective: self.objective,
            reach: Reach::new(&self.policy, &slo.period),
            policy: self.policy.clone(),
            ..slo.clone()
        })
    }

    /// How much is other than it is at present; 0 is nothing. A promise to users weighs more than
    /// anything else.
    pub(super) fn distance(&self, slo: &Slo) -> f64 {
        let ratio = |mine: f64, own: f64| (mine / own).ln().abs();
        let mut distance = 0.0;
        if self.objective != slo.objective {
            distance += 3.0 + ratio(self.objective.budget_ratio(), slo.objective.budget_ratio());
        }
        if self.policy.mode != slo.policy.mode {
            distance += 1.5;
        }
        if self.policy.hold != slo.policy.hold {
            distance += 0.5;
        }
        if self.policy.recover != slo.policy.recover {
            distance += 0.5;
        }
        let mut events = 0.0_f64;
        for (mine, own) in self.policy.tiers.iter().zip(&slo.policy.tiers) {
            if mine.budget_fraction != own.budget_fraction {
                distance += 0.5 + ratio(mine.budget_fraction, own.budget_fraction);
            }
            if mine.long != own.long {
                distance += 0.5 + ratio(mine.long.as_secs_f64(), own.long.as_secs_f64());
            } else if mine.short != own.short {
                distance += 0.5;
            }
            let more = ratio(mine.minimum_events.max(1.0), own.minimum_events.max(1.0));
            events = events.max(more);
        }
        distance + events
    }

    /// What is other than it is at present besides the objective and the fraction of the fastest
    /// page tier, a few words each.
    pub(super) fn changes(&self, slo: &Slo) -> Vec<String> {
        let (mine, own) = (&self.policy, &slo.policy);
        let mut found = Vec::new();
        let fastest = fastest_page(own);
        for (number, (tier, old)) in mine.tiers.iter().zip(&own.tiers).enumerate() {
            if (tier.long, tier.short) != (old.long, old.short) {
                found.push(format!("{} instead of {}", tier.windows(), old.windows()));
            }
            if tier.budget_fraction != old.budget_fraction && Some(number) != fastest {
                let fraction = figures::percent(tier.budget_fraction);
                found.push(format!("{} {} at {fraction}", tier.severity, tier.long));
            }
        }
        let events = |policy: &Policy| {
            let pages = policy.tiers.iter();
            let pages = pages.filter(|tier| tier.severity == Severity::Page);
            pages.map(|tier| tier.minimum_events).reduce(f64::min)
        };
        if let Some(events) = events(mine).filter(|_| events(mine) != events(own)) {
            found.push(format!("from {events} events"));
        }
        if mine.mode != own.mode {
            found.push(format!("mode {:?}", mine.mode).to_lowercase());
        }
        if mine.hold != own.hold {
            found.push(format!("hold {}", mine.hold));
        }
        if mine.recover != own.recover {
            found.push(format!("recover {}", figures::percent(mine.recover)));
        }
        found
    }

    /// Whether some tier could never fire: an error ratio cannot exceed 1.
    pub(super) fn has_dead_tier(&self, period: Span) -> bool {
        let allowed = self.objective.budget_ratio();
        let mut tiers = self.policy.tiers.iter();
        self.policy.mode == Mode::Ratio && tiers.any(|tier| tier.factor(period) * allowed >= 1.0)
    }

    /// From the start of a burst to the page, at the latest, in an hour as quiet as one in ten:
    /// the long window of a tier reaches its factor after `fraction x period x budget / ratio` if
    /// the traffic is even, and its minimum of events when so many have failed. `None` if no tier
    /// pages at all.
    pub(super) fn detection(
        &self,
        burst: &Burst,
        period: Span,
        past: &Past,
        reading: &ReadingOptions,
    ) -> Option<Span> {
        let [quiet, usual, _] = past.events_per_hour;
        let allowed = self.objective.budget_ratio();
        let weight = match self.policy.mode {
            Mode::Ratio => 1.0,
            Mode::Budget if usual > 0.0 => (quiet / usual).min(1.0),
            Mode::Budget => 1.0,
        };
        let ratio = burst.error_ratio * weight;
        let failures = burst.error_ratio * quiet / 3600.0;
        let pages = self.policy.tiers.iter();
        let pages = pages.filter(|tier| tier.severity == Severity::Page);
        let times = pages.filter_map(|tier| {
            let budget = period.scale(tier.budget_fraction * allowed / ratio.max(1e-12));
            let events = Span::from_millis(match tier.minimum_events > 0.0 {
                true => (tier.minimum_events / failures.max(1e-12) * 1000.0).min(1e15) as i64,
                false => 0,
            });
            let time = budget.max(events);
            (time <= tier.long).then(|| time + tier.pending + latency(reading))
        });
        times.min()
    }

    /// The candidate with its policy changed.
    pub(super) fn with(&self, change: impl FnOnce(&mut Policy)) -> Self {
        let mut policy = (*self.policy).clone();
        change(&mut policy);
        Self {
            objective: self.objective,
            policy: Arc::new(policy),
        }
    }
}

/// Multiplies the budget fractions of some tiers; each stays readable and below 1.
pub(super) fn scale(policy: &mut Policy, factor: f64, of: impl Fn(usize, Severity) -> bool) {
    if factor == 1.0 {
        return;
    }
    for (number, tier) in policy.tiers.iter_mut().enumerate() {
        if of(number, tier.severity) {
            tier.budget_fraction = tidy(tier.budget_fraction * factor).min(0.95);
        }
    }
}

/// Rounded down to two digits that count.
pub(super) fn tidy(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 1 - value.log10().floor() as i32;
    let scale = 10_f64.powi(digits);
    // What binary numbers are off by is not rounded down.
    let tidy = (value * scale + 1e-9).floor() / scale;
    (tidy * 1e12).round() / 1e12
}

/// The number of the fastest page tier: the one with the shortest long window.
pub(super) fn fastest_page(policy: &Policy) -> Option<usize> {
    let tiers = policy.tiers.iter().enumerate();
    let pages = tiers.filter(|(_, tier)| tier.severity == Severity::Page);
    let fastest = pages.min_by_key(|(number, tier)| (tier.long, *number));
    fastest.map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_readable_and_never_larger() {
        assert_eq!(tidy(0.011_538), 0.011);
        assert_eq!(tidy(0.02), 0.02);
        assert_eq!(tidy(0.05 * 1.5), 0.075);
        assert_eq!(tidy(0.000_999), 0.000_99);
        assert_eq!(tidy(0.0), 0.0);
    }
}
