//! What would have to change for a tier to fire, or to stop: the least numbers of events.
//!
//! [`Scales`] hold a tier with its two windows and ask [`judge`] itself, as the next slot will:
//! what they answer cannot drift away from what decides.

use super::alert::AlertRecord;
use super::burn::{Reading, Verdict, judge};
use super::counts::Counts;
use super::evaluation::{Evaluation, TierStatus};
use super::policy::Tier;
use super::slo::{Indicator, Objective, Slo};
use super::time::Span;

/// Largest number of events that is looked for: beyond, `f64` cannot count one by one.
const EVENTS_MAX: u64 = 1 << 53;

/// A tier and what its windows say, to be tried with other events.
#[derive(Clone, Debug)]
pub struct Scales<'a> {
    /// The tier.
    pub tier: &'a Tier,
    /// Burn rate above which it begins to burn.
    pub factor: f64,
    /// The share of the factor above which it goes on: the policy's recover ratio while it fires,
    /// else 1.
    pub recovering: f64,
    /// The long window.
    pub long: Reading,
    /// The short window.
    pub short: Reading,
    objective: Objective,
    /// Whether the burn follows from the events of the window.
    is_counted: bool,
}

impl<'a> Scales<'a> {
    /// A tier of an evaluation; `alert` is the open alert of its severity. `None` when the policy
    /// (no longer) has such a tier.
    pub fn new(
        slo: &'a Slo,
        evaluation: &Evaluation,
        status: &TierStatus,
        alert: Option<&AlertRecord>,
    ) -> Option<Self> {
        let facts = &status.facts;
        let is_it = |tier: &&Tier| {
            (tier.severity, tier.long, tier.short) == (status.severity, facts.long, facts.short)
                && tier
                    .budget_fraction
                    .total_cmp(&facts.budget_fraction)
                    .is_eq()
        };
        let tier = slo.policy.tiers.iter().find(is_it)?;
        let reading = |window: Span| {
            let found = evaluation.readings.iter().find(|r| r.window == window);
            found.copied().unwrap_or_else(|| Reading::uncovered(window))
        };
        let fires = alert.is_some_and(|alert| {
            alert.is_firing() && alert.burning.contains(&(tier.long, tier.short))
        });
        let (long, short) = (reading(tier.long), reading(tier.short));
        // The events of a composite are those of all its parts; its ratio is not theirs.
        let composite = matches!(slo.indicator, Indicator::Composite(_));
        Some(Self {
            tier,
            factor: facts.factor,
            recovering: if fires { slo.policy.recover } else { 1.0 },
            is_counted: !composite && long.counts.is_some() && short.counts.is_some(),
            long,
            short,
            objective: slo.objective,
        })
    }

    /// Burn rate above which the tier burns at its next slot.
    pub fn threshold(&self) -> f64 {
        self.factor * self.recovering
    }

    /// The events of both windows, where the burn follows from them.
    pub fn counts(&self) -> Option<(Counts, Counts)> {
        let counts = self.long.counts.zip(self.short.counts);
        counts.filter(|_| self.is_counted)
    }

    /// What the tier says as it is.
    pub fn verdict(&self) -> Verdict {
        self.judged(&self.long, &self.short)
    }

    /// What it would say if so many more of the newest events were bad.
    pub fn with_bad(&self, more: u64) -> Verdict {
        self.judged(
            &self.worse(&self.long, more),
            &self.worse(&self.short, more),
        )
    }

    /// What it would say after so many more good events.
    pub fn with_good(&self, more: u64) -> Verdict {
        self.judged(
            &self.better(&self.long, more),
            &self.better(&self.short, more),
        )
    }

    /// The least number of events that, bad instead of good, make the tier burn: the newest ones,
    /// so that they count in both windows. `None` when events are not counted, a window is not
    /// covered, or the traffic is such that nothing would.
    pub fn bad_to_fire(&self) -> Option<u64> {
        let (long, _) = self.counts()?;
        let good = whole((long.total - long.bad).ceil());
        let fires = |more: u64| self.with_bad(more) == Verdict::Burning;
        fires(good).then(|| least(good, fires))
    }

    /// The least number of bad events with which a window alone is above the threshold; those
    /// that it has are among them. `None` where not even all of its events would do.
    pub fn bad_needed(&self, reading: &Reading) -> Option<u64> {
        let counts = self.counts().and(reading.counts)?;
        let is_above = |bad: u64| {
            let bad = bad as f64;
            let burn = self.weighed(reading, Counts { bad, ..counts }).burn;
            burn.is_some_and(|burn| burn > self.threshold())
        };
        let all = whole(counts.total.ceil());
        is_above(all).then(|| least(all, is_above))
    }

    /// The least number of further good events after which the tier burns no more. `None` unless
    /// it burns by the events of its windows.
    pub fn good_to_end(&self) -> Option<u64> {
        self.counts()?;
        let ends = |more: u64| self.with_good(more) != Verdict::Burning;
        if self.long.usual.is_some() || self.verdict() != Verdict::Burning || !ends(EVENTS_MAX) {
            return None;
        }
        Some(least(EVENTS_MAX, ends))
    }

    /// After how long the tier burns no more if nothing fails from now on and the bad events lie
    /// evenly in its windows; at the latest it is the short window. `None` unless it burns.
    pub fn quiet_after(&self) -> Option<Span> {
        let above = |reading: &Reading| {
            let burn = reading.burn?;
            let share = 1.0 - self.threshold() / burn;
            Some(reading.window.scale(share.clamp(0.0, 1.0)))
        };
        let (long, short) = (above(&self.long)?, above(&self.short)?);
        (self.verdict() == Verdict::Burning).then(|| long.min(short))
    }

    /// After how long of nothing but failures, at the traffic of the short window, so many events
    /// are bad. `None` without traffic.
    pub fn outage_of(&self, bad: u64) -> Option<Span> {
        let (_, short) = self.counts()?;
        let share = bad as f64 / short.total;
        (short.total > 0.0).then(|| self.tier.short.scale(share))
    }

    fn judged(&self, long: &Reading, short: &Reading) -> Verdict {
        judge(self.tier, self.factor, self.recovering, long, short)
    }

    fn worse(&self, reading: &Reading, more: u64) -> Reading {
        match reading.counts {
            Some(counts) => {
                let bad = counts.bad + more as f64;
                self.weighed(reading, Counts { bad, ..counts })
            }
            None => *reading,
        }
    }

    fn better(&self, reading: &Reading, more: u64) -> Reading {
        match reading.counts {
            Some(counts) => {
                let total = counts.total + more as f64;
                self.weighed(reading, Counts { total, ..counts })
            }
            None => *reading,
        }
    }

    /// A window with other events, weighed as the evaluation has weighed its own.
    fn weighed(&self, reading: &Reading, counts: Counts) -> Reading {
        match reading.usual {
            Some(usual) => Reading::from_usual(reading.window, counts, usual, self.objective),
            None => Reading::from_counts(reading.window, counts, self.objective),
        }
    }
}

fn whole(events: f64) -> u64 {
    (events.max(0.0) as u64).min(EVENTS_MAX)
}

/// The least number up to `max`, which does, that does; all larger ones do as well.
fn least(max: u64, does: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, max);
    while low < high {
        let middle = low + (high - low) / 2;
        if does(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    high
}

#[cfg(test)]
mod tests;
