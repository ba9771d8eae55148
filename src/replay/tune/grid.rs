//! Which candidates are played: a bounded number, chosen by closed forms.

use super::candidate::{Candidate, fastest_page, scale, tidy};
use super::past::Past;
use super::wishes::{Wishes, budget_needed, latency, shortest_page};
use crate::engine::{Mode, Objective, ReadingOptions, Severity, Slo, Span};

/// An objective is kept when history spent at most this part of its budget.
pub(super) const SPENT_MAX: f64 = 0.8;
/// Most candidates of one pass.
pub(super) const PASS_MAX: usize = 64;
/// Objectives that are tried, nearest to the present one first.
const OBJECTIVES_MAX: usize = 6;
/// Budgets in percent: 1, 2 and 5 of each decade.
const BUDGETS: [f64; 13] = [
    20.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.001,
];
/// Fractions of budget of the fastest page tier, as multiples of its own.
const FAST: [f64; 5] = [0.5, 1.0, 1.5, 2.5, 4.0];
/// And as parts of the one with which a wished burst would just be seen in time.
const IN_TIME: [f64; 3] = [0.9, 0.7, 0.45];
const EVENTS: [f64; 4] = [10.0, 30.0, 100.0, 300.0];
const HOLDS: [Span; 2] = [Span::from_mins(5), Span::from_mins(15)];

/// What candidates are drawn from.
pub(super) struct Grid<'g> {
    pub(super) slo: &'g Slo,
    pub(super) wishes: &'g Wishes,
    pub(super) past: &'g Past,
    pub(super) reading: &'g ReadingOptions,
}

impl Grid<'_> {
    /// Whether history kept an objective, with a little to spare.
    pub(super) fn is_kept(&self, objective: Objective) -> bool {
        self.past.worst_error_ratio <= SPENT_MAX * objective.budget_ratio()
    }

    /// Whether every wished burst can be seen in time without a tier that pages at burns that the
    /// budget allows.
    fn can_see(&self, objective: Objective) -> bool {
        let Some(long) = shortest_page(&self.slo.policy) else {
            return true;
        };
        let mut bursts = self.wishes.bursts.iter();
        bursts.all(|burst| {
            objective.budget_ratio() <= budget_needed(burst, long, latency(self.reading))
        })
    }

    /// The objectives that are allowed, the most likely ones first.
    pub(super) fn objectives(&self) -> Vec<Objective> {
        let grid = BUDGETS.iter();
        let grid = grid.filter_map(|budget| Objective::from_percent(100.0 - budget).ok());
        let bounds = [
            self.wishes.objective_at_least,
            self.wishes.objective_at_most,
        ];
        let mut all: Vec<Objective> = grid.chain(bounds.into_iter().flatten()).collect();
        all.push(self.slo.objective);
        all.retain(|objective| self.wishes.allow(*objective));
        let own = self.slo.objective.budget_ratio();
        let key = |objective: &Objective| {
            let far = (objective.budget_ratio() / own).ln().abs();
            let unfit = u8::from(!self.is_kept(*objective)) + u8::from(!self.can_see(*objective));
            (unfit, far)
        };
        all.sort_by(|a, b| {
            let (a, b) = (key(a), key(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        all.dedup_by(|a, b| a.percent() == b.percent());
        // The strictest that was kept and the weakest of all are worth knowing, however far.
        let kept = all.iter().copied().filter(|one| self.is_kept(*one));
        let strictest = kept.max_by(|a, b| a.ratio().total_cmp(&b.ratio()));
        let weakest = all
            .iter()
            .copied()
            .min_by(|a, b| a.ratio().total_cmp(&b.ratio()));
        let mut chosen: Vec<Objective> = all.iter().copied().take(OBJECTIVES_MAX).collect();
        for one in strictest
            .into_iter()
            .chain(weakest.filter(|_| strictest.is_none()))
        {
            if !chosen.contains(&one) {
                chosen.push(one);
            }
        }
        chosen
    }

    /// The first pass: objectives, and how fast the fastest page tier is.
    pub(super) fn first(&self) -> Vec<Candidate> {
        let mut all = vec![Candidate::present(self.slo)];
        for objective in self.objectives() {
            let base = Candidate {
                objective,
                policy: self.slo.policy.clone(),
            };
            for fraction in self.fractions(objective) {
                all.push(base.with(|policy| {
                    let fastest = fastest_page(policy);
                    if let Some(tier) = fastest.and_then(|n| policy.tiers.get_mut(n)) {
                        tier.budget_fraction = fraction;
                    }
                }));
            }
            all.push(base);
        }
        self.fit(all)
    }

    /// Fractions of the fastest page tier. Those with which a burst would be seen too late are
    /// left out where others are left.
    fn fractions(&self, objective: Objective) -> Vec<f64> {
        let fastest = fastest_page(&self.slo.policy);
        let Some(tier) = fastest.and_then(|n| self.slo.policy.tiers.get(n)) else {
            return Vec::new();
        };
        let period = self.slo.period.nominal();
        let mut fractions: Vec<f64> = FAST.map(|f| tidy(f * tier.budget_fraction)).to_vec();
        let allowed = objective.budget_ratio();
        let bursts = self.wishes.bursts.iter();
        let most = bursts.map(|burst| {
            let time = burst.within - latency(self.reading) - tier.pending;
            burst.error_ratio * time.ratio(period) / allowed
        });
        if let Some(most) = most.min_by(f64::total_cmp) {
            fractions.retain(|fraction| *fraction <= most);
            fractions.extend(IN_TIME.map(|part| tidy(part * most)));
        }
        // A factor below 1 pages although the budget would last.
        let least = tier.long.ratio(period);
        fractions.retain(|fraction| *fraction >= least && *fraction < 1.0);
        fractions.sort_by(f64::total_cmp);
        fractions.dedup();
        fractions
    }

    /// The second pass: other ways to be less easily disturbed, around the best so far.
    pub(super) fn second(&self, best: &[Candidate]) -> Vec<Candidate> {
        let mut all = Vec::new();
        for base in best {
            for mode in [Mode::Ratio, Mode::Budget] {
                for events in self.events() {
                    for slow in [1.0, 2.0] {
                        all.push(base.with(|policy| {
                            policy.mode = mode;
                            slower_pages(policy, slow);
                            for tier in &mut policy.tiers {
                                tier.minimum_events = tier.minimum_events.max(events);
                            }
                        }));
                    }
                }
            }
        }
        self.fit(all)
    }

    /// The third pass: tickets, hold, and slower pages.
    pub(super) fn third(&self, best: &[Candidate]) -> Vec<Candidate> {
        let mut all = Vec::new();
        let own = self.slo.policy.hold;
        for base in best {
            for tickets in [1.0, 2.0, 5.0] {
                for slow in [1.0, 2.0] {
                    for hold in std::iter::once(own).chain(HOLDS) {
                        all.push(base.with(|policy| {
                            policy.hold = hold.max(own);
                            slower_pages(policy, slow);
                            scale(policy, tickets, |_, severity| severity == Severity::Ticket);
                        }));
                    }
                }
            }
        }
        self.fit(all)
    }

    /// Minimums of events: none that not even an outage of the whole service would reach.
    fn events(&self) -> Vec<f64> {
        let most = self.past.events_per_hour[1];
        let more = EVENTS.into_iter().filter(|events| *events <= most);
        std::iter::once(0.0).chain(more).collect()
    }

    /// Each once, and none with a tier that can never fire unless the SLO has one already; as many
    /// as one pass may hold.
    fn fit(&self, all: Vec<Candidate>) -> Vec<Candidate> {
        let period = self.slo.period.nominal();
        let present = Candidate::present(self.slo);
        let had = present.has_dead_tier(period);
        let mut fit: Vec<Candidate> = Vec::new();
        for candidate in all {
            let is_dead = candidate.has_dead_tier(period) && !had;
            if !fit.contains(&candidate) && (!is_dead || candidate == present) {
                fit.push(candidate);
            }
        }
        fit.truncate(PASS_MAX);
        fit
    }
}

/// Page tiers other than the fastest need so many times as much of the budget.
fn slower_pages(policy: &mut crate::engine::Policy, factor: f64) {
    let fastest = fastest_page(policy);
    scale(policy, factor, |number, severity| {
        severity == Severity::Page && Some(number) != fastest
    });
}
