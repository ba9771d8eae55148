//! What is consumed of a budget, from first principles: the bad events of the period over those
//! that the objective allows among its events.
//!
//! A period holds what was read sample by sample, and the hours before that. What gaps, the begin of
//! the reading, the hour at the edge of the period and wide buckets leave in doubt widens the bounds.

use slofuse::engine::{
    BudgetFacts, Counts, Maintenance, MaintenanceTime, Matcher, Period, Slo, Span, Timestamp,
};

use super::count::{Bounds, Past};

const HOUR: Span = Span::from_hours(1);
/// What is divided and multiplied in another order differs by no more than this share.
const DUST: f64 = 1e-6;
/// The time of the oldest of the last events is a whole millisecond of its bucket.
const DUST_OF_EVENTS: f64 = 1e-4;

/// What the source has told of an instance, and since when the engine knows it.
pub(super) struct Told<'a> {
    pub(super) past: &'a Past,
    pub(super) slot: Timestamp,
    /// When the source was asked.
    pub(super) asked: i64,
    /// From when on every sample was read.
    pub(super) covered: Timestamp,
    /// Whether the hours before were read.
    pub(super) hours_read: bool,
}

impl Told<'_> {
    /// Everything that was counted in a period that begins here: of the hour at its edge a share.
    fn all(&self, begin: Timestamp) -> Bounds {
        let covered = self.covered;
        let edge = begin.align_down(HOUR);
        let inner = if edge == begin { edge } else { edge + HOUR };
        let read = |from: Timestamp| {
            let from = from.max(covered);
            self.past.recount(from, self.slot, self.asked, covered)
        };
        let before = |from: Timestamp| self.past.told(from.min(covered), covered, self.asked);
        let least = match self.hours_read {
            true => before(inner),
            false => Counts::ZERO,
        };
        // What was read to know where the counters stood is in the hours as well.
        let overlap = self.past.told(covered - OVERLAP, covered, self.asked);
        let least = read(inner).least() + least;
        Bounds::new(least, read(edge).most() + before(edge) + overlap)
    }

    /// What lies within a stretch that is left out; outside of what is known sample by sample it is
    /// whole hours.
    fn within(&self, from: Timestamp, until: Timestamp) -> Bounds {
        let (from, until) = (from.min(self.slot), until.min(self.slot));
        let sum = |from, until| self.past.recount(from, until, self.asked, Timestamp::EPOCH);
        let wide_from = from.align_down(HOUR);
        let wide_until = (until.align_down(HOUR) + HOUR).min(self.slot);
        // What a gap across its end hides may all have happened within.
        let most = sum(wide_from, self.slot).most_until(sum(wide_until, self.slot));
        Bounds::new(sum(from + HALF, until - HALF).least(), most)
    }
}

/// A reading begins so much before what it covers, at most.
const OVERLAP: Span = Span::from_secs(60);
/// Half a minute, the finest bucket.
const HALF: Span = Span::from_secs(30);

/// The budget is consumed as much as the counted past says, within its bounds.
pub(super) fn judge(
    slo: &Slo,
    told: &Told<'_>,
    maintenance: &[Maintenance],
    budget: &BudgetFacts,
    who: &str,
) {
    let begin = match &slo.period {
        Period::Rolling(length) => told.slot - *length,
        Period::Calendar(_) | Period::Events(_) => Timestamp::EPOCH,
    };
    let mut all = told.all(begin);
    let events = all.most().total;
    let mut is_part = false;
    for window in maintenance.iter().filter(|w| w.exclude_from_budget) {
        let service =
            |matcher: &Matcher| matcher.name == "service" && matcher.op.matches(&slo.service);
        let MaintenanceTime::Once { from, until } = window.when else {
            unreachable!("no such window");
        };
        if window.matchers.iter().all(service) && from < told.slot {
            all = all.without(told.within(from, until));
            is_part = true;
        }
    }
    let allowed = slo.objective.budget_ratio();
    let (low, high) = match &slo.period {
        Period::Events(last) => {
            // Of more events than that the newest count, whatever is left out of them then.
            let allowed = last.events as f64 * allowed;
            let (least, most) = all.bad();
            let fits = events <= last.events as f64;
            (if fits { least / allowed } else { 0.0 }, most / allowed)
        }
        Period::Rolling(_) => {
            let (low, high) = all.ratio();
            (
                low * budget.coverage / allowed,
                high * budget.coverage / allowed,
            )
        }
        // What is expected of its rest goes by all that there was.
        Period::Calendar(_) if is_part => return,
        Period::Calendar(calendar) => {
            let (begin, end) = calendar.around(told.slot);
            let (length, elapsed) = (end.since(begin), told.slot.since(begin));
            let known = elapsed.as_secs_f64() * budget.coverage;
            let left = length.as_secs_f64() - elapsed.as_secs_f64();
            let share = if known > 0.0 {
                known / (known + left)
            } else {
                0.0
            };
            let (low, high) = all.ratio();
            (low * share / allowed, high * share / allowed)
        }
    };
    let dust = match slo.period {
        Period::Events(_) => DUST_OF_EVENTS,
        Period::Rolling(_) | Period::Calendar(_) => DUST,
    };
    let consumed = budget.consumed;
    assert!(
        low * (1.0 - dust) - dust <= consumed && consumed <= high * (1.0 + dust) + dust,
        "{consumed} of the budget of {who} is consumed at {:?}, not {low}..{high} ({all:?})",
        told.slot
    );
}
