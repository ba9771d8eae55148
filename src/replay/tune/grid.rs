//! Which candidates are played: a bounded number, chosen by closed forms.

use super::candidate::{Candidate, fastest_page, scale, tidy};
use super::past::Past;
use super::windows::{LONGS, SHORTS, resize, shortest_page};
use super::wishes::{Wishes, budget_needed, latency};
use crate::engine::{Mode, Objective, Policy, ReadingOptions, Severity, Slo, Span, Tier};

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
const MORE_EVENTS: [f64; 4] = [10.0, 30.0, 100.0, 300.0];
const FEWER_EVENTS: [f64; 3] = [3.0, 2.0, 1.0];
const HOLDS: [Span; 3] = [Span::from_mins(5), Span::from_mins(15), Span::from_hours(1)];
/// A tier that burned goes on doing so down to this part of its factor.
const RECOVER: f64 = 0.5;
/// Tickets need so many times as much of the budget.
const TICKETS: [f64; 3] = [1.0, 2.0, 5.0];

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
        let Some(long) = shortest_page(&self.slo.policy, self.reading) else {
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
                    fastest(policy, |tier| tier.budget_fraction = fraction);
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
        if let Some(most) = self.in_time(objective, tier) {
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

    /// The largest fraction with which a tier sees every wished burst in time, whatever its window.
    fn in_time(&self, objective: Objective, tier: &Tier) -> Option<f64> {
        let allowed = objective.budget_ratio();
        let period = self.slo.period.nominal();
        let bursts = self.wishes.bursts.iter();
        let most = bursts.map(|burst| {
            let time = burst.within - latency(self.reading) - tier.pending;
            burst.error_ratio * time.ratio(period) / allowed
        });
        most.min_by(f64::total_cmp)
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
                                tier.minimum_events = events.of(tier);
                            }
                        }));
                    }
                }
            }
        }
        self.fit(all)
    }

    /// The third pass: other windows. A fraction within a shorter window takes a faster burn, and
    /// a burst is seen as soon as before; a longer short window bridges the lulls of an incident.
    pub(super) fn third(&self, best: &[Candidate]) -> Vec<Candidate> {
        let mut all = Vec::new();
        for base in best {
            let number = fastest_page(&base.policy);
            let Some(tier) = number.and_then(|number| base.policy.tiers.get(number)) else {
                continue;
            };
            for factor in LONGS {
                let Some(sized) = resize(tier, factor, self.reading) else {
                    continue;
                };
                let own = tier.budget_fraction;
                let in_time = self.in_time(base.objective, tier);
                let in_time = in_time.map(|most| tidy(IN_TIME[0] * most));
                for fraction in [Some(own), Some(tidy(own * factor)), in_time] {
                    let Some(budget_fraction) = fraction.filter(|one| self.burns(*one, &sized))
                    else {
                        continue;
                    };
                    for slow in [1.0, 2.0] {
                        all.push(base.with(|policy| {
                            fastest(policy, |tier| {
                                *tier = Tier {
                                    budget_fraction,
                                    ..sized.clone()
                                };
                            });
                            slower_pages(policy, slow);
                        }));
                    }
                }
            }
            for factor in SHORTS {
                all.push(base.with(|policy| {
                    for tier in pages(policy) {
                        tier.short = tier.short.scale(factor).min(tier.long);
                    }
                }));
            }
        }
        self.fit(all)
    }

    /// The fourth pass: tickets, hold, recovery, and slower pages.
    pub(super) fn fourth(&self, best: &[Candidate]) -> Vec<Candidate> {
        let mut all = Vec::new();
        let own = &self.slo.policy;
        let steady = RECOVER.min(own.recover);
        let mut ends = vec![(own.hold, own.recover), (own.hold, steady)];
        ends.extend(HOLDS.map(|hold| (hold.max(own.hold), own.recover)));
        ends.push((HOLDS[1].max(own.hold), steady));
        let (tickets, slow): (&[f64], &[f64]) = match self.wishes.tickets_per_week {
            Some(_) => (&TICKETS, &[1.0]),
            None => (&[1.0], &[1.0, 2.0]),
        };
        for base in best {
            for (hold, recover) in &ends {
                for (tickets, slow) in tickets
                    .iter()
                    .flat_map(|t| slow.iter().map(move |s| (t, s)))
                {
                    all.push(base.with(|policy| {
                        (policy.hold, policy.recover) = (*hold, *recover);
                        slower_pages(policy, *slow);
                        scale(policy, *tickets, |_, severity| severity == Severity::Ticket);
                    }));
                }
            }
        }
        self.fit(all)
    }

    /// Whether a tier of this fraction fires only when the budget would not last.
    fn burns(&self, fraction: f64, tier: &Tier) -> bool {
        fraction >= tier.long.ratio(self.slo.period.nominal()) && fraction < 1.0
    }

    /// Minimums of events: none that not even an outage of the whole service would reach, and
    /// fewer where a wished burst brings too few.
    fn events(&self) -> Vec<Events> {
        let [quiet, usual, _] = self.past.events_per_hour;
        let more = MORE_EVENTS.into_iter().filter(|events| *events <= usual);
        let more = more.map(Events::AtLeast);
        let bursts = self.wishes.bursts.iter();
        let brought = bursts.map(|burst| {
            let hours = burst.within.ratio(Span::from_hours(1));
            burst.error_ratio * quiet * hours
        });
        let brought = brought.fold(f64::INFINITY, f64::min);
        let pages = self.slo.policy.tiers.iter();
        let pages = pages.filter(|tier| tier.severity == Severity::Page);
        let minimum = pages.map(|tier| tier.minimum_events).fold(0.0, f64::max);
        let fewer = FEWER_EVENTS.into_iter();
        let fewer = fewer.filter(|events| brought < minimum && *events < minimum);
        let own = std::iter::once(Events::AtLeast(0.0));
        own.chain(fewer.map(Events::AtMost)).chain(more).collect()
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

/// How many bad events a tier needs.
#[derive(Clone, Copy, Debug)]
enum Events {
    AtLeast(f64),
    /// For pages.
    AtMost(f64),
}

impl Events {
    fn of(self, tier: &Tier) -> f64 {
        match self {
            Self::AtLeast(events) => tier.minimum_events.max(events),
            Self::AtMost(events) if tier.severity == Severity::Page => {
                tier.minimum_events.min(events)
            }
            Self::AtMost(_) => tier.minimum_events,
        }
    }
}

fn pages(policy: &mut Policy) -> impl Iterator<Item = &mut Tier> {
    let tiers = policy.tiers.iter_mut();
    tiers.filter(|tier| tier.severity == Severity::Page)
}

/// Changes the fastest page tier, if there is one.
fn fastest(policy: &mut Policy, change: impl FnOnce(&mut Tier)) {
    let number = fastest_page(policy);
    if let Some(tier) = number.and_then(|number| policy.tiers.get_mut(number)) {
        change(tier);
    }
}

/// Page tiers other than the fastest need so many times as much of the budget.
fn slower_pages(policy: &mut Policy, factor: f64) {
    let fastest = fastest_page(policy);
    scale(policy, factor, |number, severity| {
        severity == Severity::Page && Some(number) != fastest
    });
}
