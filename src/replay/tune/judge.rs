//! How near a candidate comes to the wishes.

use super::burst::Seen;
use super::candidate::Candidate;
use super::grid::SPENT_MAX;
use super::past::Past;
use super::tally::Fired;
use super::wishes::{Burst, Wishes};
use crate::engine::{ReadingOptions, Slo};

/// No single wish weighs more than so many times its size.
const EXCESS_MAX: f64 = 10.0;
/// Rates below this are compared as if they were this.
const RATE_MIN: f64 = 0.25;

/// A candidate and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Played {
    pub(super) candidate: Candidate,
    pub(super) fired: Fired,
    /// By the wished bursts, where they were put in.
    pub(super) seen: Option<Vec<Seen>>,
}

impl Played {
    /// Whether bursts were put in for it that it could have seen.
    pub(super) fn has_tried(&self) -> bool {
        let mut seen = self.seen.iter().flatten();
        seen.any(|seen| seen.tried > 0)
    }
}

/// One wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// That history keeps the objective: the part of its budget that was spent at worst.
    Kept,
    Pages,
    NightPages,
    Tickets,
    /// By its number.
    Burst(usize),
}

/// What candidates are judged by.
pub(super) struct Judge<'j> {
    pub(super) slo: &'j Slo,
    pub(super) wishes: &'j Wishes,
    pub(super) past: &'j Past,
    pub(super) reading: &'j ReadingOptions,
}

impl Judge<'_> {
    /// Every wish, the unspoken one that the objective is kept first.
    pub(super) fn wishes(&self) -> Vec<Wish> {
        let rates = [
            (Wish::Pages, self.wishes.pages_per_week),
            (Wish::NightPages, self.wishes.night_pages_per_week),
            (Wish::Tickets, self.wishes.tickets_per_week),
        ];
        let rates = rates.into_iter().filter(|(_, rate)| rate.is_some());
        let bursts = (0..self.wishes.bursts.len()).map(Wish::Burst);
        let rates = rates.map(|(wish, _)| wish);
        std::iter::once(Wish::Kept)
            .chain(rates)
            .chain(bursts)
            .collect()
    }

    /// What is wished for: a rate a week, seconds, or a part of the budget.
    pub(super) fn limit(&self, wish: Wish) -> f64 {
        let rate = match wish {
            Wish::Kept => Some(SPENT_MAX),
            Wish::Pages => self.wishes.pages_per_week,
            Wish::NightPages => self.wishes.night_pages_per_week,
            Wish::Tickets => self.wishes.tickets_per_week,
            Wish::Burst(number) => self.burst(number).map(|burst| burst.within.as_secs_f64()),
        };
        rate.unwrap_or(f64::INFINITY)
    }

    fn burst(&self, number: usize) -> Option<&Burst> {
        self.wishes.bursts.get(number)
    }

    /// What a candidate comes to, without the week of this number; infinite for a burst that is
    /// never seen. What was measured counts for more than what was reckoned.
    pub(super) fn value(&self, played: &Played, wish: Wish, without: Option<i64>) -> f64 {
        match wish {
            Wish::Kept => {
                let budget = played.candidate.objective.budget_ratio();
                self.past.worst_error_ratio / budget
            }
            Wish::Pages => self.rate(&played.fired.pages, without),
            Wish::NightPages => self.rate(&played.fired.night_pages, without),
            Wish::Tickets => self.rate(&played.fired.tickets, without),
            Wish::Burst(number) => {
                let seen = played.seen.as_ref().and_then(|seen| seen.get(number));
                if let Some(seen) = seen.filter(|seen| seen.tried > 0) {
                    return seen.worst_seconds.unwrap_or(f64::INFINITY);
                }
                let seconds = self.burst(number).and_then(|b| self.reckoned(played, b));
                seconds.unwrap_or(f64::INFINITY)
            }
        }
    }

    /// Seconds to the page about a burst, by the closed form.
    pub(super) fn reckoned(&self, played: &Played, burst: &Burst) -> Option<f64> {
        let period = self.slo.period.nominal();
        let time = played
            .candidate
            .detection(burst, period, self.past, self.reading);
        time.map(|time| time.as_secs_f64())
    }

    fn rate(&self, weeks: &std::collections::BTreeMap<i64, u64>, without: Option<i64>) -> f64 {
        let counted = weeks.iter().filter(|(week, _)| Some(**week) != without);
        let fired: u64 = counted.map(|(_, fired)| *fired).sum();
        let left_out = without.map_or(0.0, |week| (self.past.weeks - week as f64).clamp(0.0, 1.0));
        fired as f64 / (self.past.weeks - left_out).max(f64::MIN_POSITIVE)
    }

    pub(super) fn is_met(&self, played: &Played, wish: Wish) -> bool {
        self.value(played, wish, None) <= self.limit(wish)
    }

    /// By how much wishes are missed, all together; 0 if all are met.
    pub(super) fn excess(&self, played: &Played, without: Option<i64>) -> f64 {
        let missed = self.wishes().into_iter().map(|wish| {
            let limit = self.limit(wish);
            let over = self.value(played, wish, without) - limit;
            let size = match wish {
                Wish::Kept => limit,
                Wish::Pages | Wish::NightPages | Wish::Tickets => limit.max(RATE_MIN),
                Wish::Burst(_) => limit,
            };
            (over / size).clamp(0.0, EXCESS_MAX)
        });
        missed.sum()
    }

    /// Candidates by number, the best first: wishes, then the least change, then the fewest pages.
    pub(super) fn ranked(&self, all: &[Played], without: Option<i64>) -> Vec<usize> {
        let mut keyed: Vec<(f64, f64, f64, usize)> = all
            .iter()
            .enumerate()
            .map(|(number, played)| {
                let excess = (self.excess(played, without) * 1e6).round();
                let distance = (played.candidate.distance(self.slo) * 1e6).round();
                let pages = self.value(played, Wish::Pages, without);
                (excess, distance, pages, number)
            })
            .collect();
        keyed.sort_by(|a, b| {
            let order = a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1));
            order.then(a.2.total_cmp(&b.2)).then(a.3.cmp(&b.3))
        });
        keyed.into_iter().map(|(.., number)| number).collect()
    }
}
