//! The error budget of the period: consumed, left, and for how long.
//!
//! An [`Account`] says, in events, what the budget of an instance is at one slot. What the whole
//! period holds decides how much may be bad:
//!
//! - rolling: its events, as far as they are known, extrapolated to all of it;
//! - calendar: the events so far, and for the time that remains the rate of the last full length
//!   of time; nothing is left to estimate when the period ends;
//! - last events: their number.

use super::burn::Reading;
use super::counts::Counts;
use super::direct::Answer;
use super::measure::Tally;
use super::notification::BudgetFacts;
use super::period::{Calendar, LastEvents, Period};
use super::policy::Mode;
use super::slo::{Objective, Slo};
use super::spending::Spending;
use super::time::{Span, Timestamp};

/// The last events may have come at once, but a period has a length.
const LENGTH_MIN: Span = Span::from_secs(1);

/// The budget of one instance at one slot, in events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Account {
    /// How long the period is: factors and speeds are reckoned by it.
    pub(super) length: Span,
    /// How much of it lies behind: older events cost nothing of it.
    pub(super) elapsed: Span,
    /// What is left of a calendar period; others have no end.
    left: Option<Span>,
    /// Its events so far.
    spent: Counts,
    /// All its events, those that are expected included.
    events: f64,
    /// Share (0..1) of what lies behind for which there are events.
    coverage: f64,
    /// Whether these are numbers of events; the error ratio in one event, if not.
    counted: bool,
    /// Whether a window's bad events are weighed against `events`, not against its own.
    by_events: bool,
    /// Whether the period is a number of events.
    by_count: bool,
}

impl Account {
    /// From the counted past of an instance.
    pub(super) fn from_tally(slo: &Slo, tally: &Tally, now: Timestamp) -> Self {
        let account = match &slo.period {
            Period::Rolling(length) => Self::rolling(*length, tally, now),
            Period::Calendar(calendar) => Self::calendar(calendar, tally, now),
            Period::Events(last) => Self::last_events(*last, tally, now),
        };
        Self {
            by_events: account.by_events || slo.policy.mode == Mode::Budget,
            ..account
        }
    }

    /// Without some of its events so far. Of a number of events none is missing for it: they are
    /// as good as good ones.
    pub(super) fn without(self, excluded: Counts) -> Self {
        let excluded = excluded.sane();
        let bad = (self.spent.bad - excluded.bad).max(0.0);
        if self.by_count {
            let spent = Counts { bad, ..self.spent };
            return Self { spent, ..self };
        }
        let total = (self.spent.total - excluded.total).max(0.0);
        // Of a rolling period those of the unknown rest are estimated by the known ones.
        let events = match self.left {
            None if self.spent.total > 0.0 => self.events * (total / self.spent.total),
            _ => (self.events - excluded.total).max(total),
        };
        Self {
            spent: Counts { bad, total }.sane(),
            events,
            ..self
        }
    }

    /// Where only part of the period is known, its budget is estimated from the traffic seen so
    /// far: a service one day old has not spent a month's budget with its first bad minute.
    fn rolling(length: Span, tally: &Tally, now: Timestamp) -> Self {
        let spent = tally.window.sum(length, now).sane();
        let coverage = now.since(tally.first).ratio(length).min(1.0);
        let known = coverage > 0.0;
        Self {
            length,
            elapsed: length,
            left: None,
            spent,
            events: if known { spent.total / coverage } else { 0.0 },
            coverage,
            counted: true,
            by_events: false,
            by_count: false,
        }
    }

    /// In the first minute of a month its budget is that of the traffic of the month before.
    fn calendar(calendar: &Calendar, tally: &Tally, now: Timestamp) -> Self {
        let bounds = Bounds::new(calendar, now);
        let Bounds {
            length,
            elapsed,
            left,
        } = bounds;
        let spent = tally.window.sum(elapsed, now).sane();
        let known = now.since(tally.first).min(length);
        let recent = tally.window.sum(length, now).sane();
        let expected = recent.total * left.ratio(known);
        let is_known = !known.is_zero();
        let coverage = match elapsed.is_zero() {
            true => f64::from(u8::from(is_known)),
            false => known.min(elapsed).ratio(elapsed),
        };
        Self {
            length,
            elapsed,
            left: Some(left),
            spent,
            events: if is_known {
                spent.total + expected
            } else {
                0.0
            },
            coverage,
            counted: true,
            by_events: false,
            by_count: false,
        }
    }

    /// Its length is the time that its events took, or would take at the rate of those there
    /// are. Burns and factors are both reckoned by it, so it does not matter to what fires: that
    /// is the bad events of a window against the tier's fraction of those that may be bad.
    fn last_events(last: LastEvents, tally: &Tally, now: Timestamp) -> Self {
        let events = last.events.max(1) as f64;
        let (spent, length) = match tally.window.last(events, last.within, now) {
            Some((after, counts)) => (counts.sane(), now.since(after)),
            None => {
                let counts = tally.window.sum(last.within, now).sane();
                let known = now.since(tally.first).min(last.within);
                let length = match counts.total > 0.0 {
                    true => known.scale(events / counts.total),
                    false => last.within,
                };
                (counts, length)
            }
        };
        let length = length.max(LENGTH_MIN);
        Self {
            length,
            elapsed: length.min(last.within),
            left: None,
            spent,
            events,
            coverage: (spent.total / events).min(1.0),
            counted: true,
            by_events: true,
            by_count: true,
        }
    }

    /// From an answer about the period so far, and when it was asked: its error ratio, or its
    /// events. The rest of a calendar period is expected to be as the `usual` events of a whole
    /// one, where they are known, else as what has passed; `None` when neither is known.
    pub(super) fn from_answers(
        slo: &Slo,
        period: Option<(Timestamp, Answer)>,
        usual: Option<Counts>,
        now: Timestamp,
    ) -> Option<Self> {
        let (asked, spent, counted) = match period {
            Some((asked, answer)) => {
                let share = Counts {
                    bad: answer.error_ratio(),
                    total: 1.0,
                };
                let counts = answer.counts();
                (asked, counts.unwrap_or(share).sane(), counts.is_some())
            }
            None => (now, Counts::ZERO, usual.map(|_| true)?),
        };
        let (length, elapsed, left) = match &slo.period {
            Period::Rolling(length) => (*length, *length, None),
            Period::Calendar(calendar) => {
                let Bounds {
                    length,
                    elapsed,
                    left,
                } = Bounds::new(calendar, now);
                (length, elapsed, Some(left))
            }
            Period::Events(last) => (last.within, last.within, None),
        };
        let events = match (left, usual.filter(|_| counted)) {
            (None, _) => spent.total,
            (Some(left), Some(usual)) => spent.total + usual.sane().total * left.ratio(length),
            (Some(_), None) => {
                let asked_for = elapsed - now.since(asked);
                spent.total * length.ratio(asked_for)
            }
        };
        let account = Self {
            length,
            elapsed,
            left,
            spent,
            events,
            coverage: 1.0,
            counted,
            by_count: matches!(slo.period, Period::Events(_)),
            by_events: counted && slo.policy.mode == Mode::Budget,
        };
        Some(match &slo.period {
            Period::Events(last) if counted => account.of_last(*last),
            _ => account,
        })
    }

    /// The last events of those that an answer counted, as if they lay evenly in it.
    fn of_last(self, last: LastEvents) -> Self {
        let events = last.events.max(1) as f64;
        let found = self.spent.total;
        let share = if found > events { events / found } else { 1.0 };
        let length = match found > 0.0 {
            true => last.within.scale(events / found).max(LENGTH_MIN),
            false => last.within,
        };
        Self {
            length,
            elapsed: length.min(last.within),
            spent: self.spent.scale(share),
            events,
            coverage: (found / events).min(1.0),
            by_events: true,
            ..self
        }
    }

    /// What a window says.
    ///
    /// In ratio mode: its error ratio over the ratio that is allowed. In budget mode, and of a
    /// number of events always: its bad events over those that are allowed among the events that
    /// a window of this length has on average over the period. The average is that of the account:
    /// what the period is known, or expected, to hold. Only while nothing is known of it, at the
    /// first sample, the window has to do with its own events.
    pub(super) fn reading(&self, window: Span, counts: Counts, objective: Objective) -> Reading {
        let usual = self.events * window.ratio(self.length);
        if self.by_events && usual > 0.0 {
            Reading::from_usual(window, counts, usual, objective)
        } else {
            Reading::from_counts(window, counts, objective)
        }
    }

    /// The bad events, in those of the account, of what is being spent.
    pub(super) fn bad_of(&self, spending: &Spending, readings: &[Reading], slo: &Slo) -> f64 {
        let Spending { burn, window, .. } = *spending;
        let mut readings = readings.iter();
        let counts = readings.find(|reading| reading.window == window);
        match counts.and_then(|reading| reading.counts) {
            Some(counts) if self.counted => counts.bad,
            _ => {
                let share = window.min(self.elapsed).ratio(self.length);
                burn * slo.objective.budget_ratio() * self.events * share
            }
        }
    }

    /// Prices events in budget: `by_alert` is what the alert at hand has cost, `burn` the burn
    /// rate, by this objective, that is assumed to go on.
    pub(super) fn facts(&self, objective: Objective, by_alert: f64, burn: f64) -> BudgetFacts {
        let allowed = self.events * objective.budget_ratio();
        let share = |bad: f64| if allowed > 0.0 { bad / allowed } else { 0.0 };
        let consumed = share(self.spent.bad);
        let remaining = 1.0 - consumed;
        BudgetFacts {
            consumed,
            remaining,
            exhausted_in: self.exhausted_in(remaining, burn),
            consumed_by_alert: share(by_alert.min(self.spent.bad)).max(0.0),
            coverage: self.coverage.clamp(0.0, 1.0),
        }
    }

    /// Itself in events, where they are counted and some may be bad.
    pub(super) fn allowance(&self, objective: Objective) -> Option<Allowance> {
        let allowed = self.events * objective.budget_ratio();
        (self.counted && allowed > 0.0).then_some(Allowance {
            bad: self.spent.bad,
            allowed,
        })
    }

    /// The share of the budget that was consumed before the last `later` bad events; `None`
    /// while nothing is known of the budget.
    pub(super) fn consumed_without(&self, objective: Objective, later: f64) -> Option<f64> {
        let allowed = self.events * objective.budget_ratio();
        (allowed > 0.0).then(|| (self.spent.bad - later).max(0.0) / allowed)
    }

    /// Time until nothing is left. At burn 1 the whole budget lasts one period. Below 1 a rolling
    /// budget recovers as fast as it is spent, so it has no end; one of a calendar period does
    /// not recover, but begins anew when the period ends.
    pub(super) fn exhausted_in(&self, remaining: f64, burn: f64) -> Option<Span> {
        if remaining <= 0.0 {
            return Some(Span::ZERO);
        }
        let at_this_burn = || self.length.scale(remaining / burn);
        match self.left {
            None => (burn > 1.0).then(at_this_burn),
            Some(left) => (burn > 0.0).then(at_this_burn).filter(|time| *time < left),
        }
    }
}

/// A budget in events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allowance {
    /// The bad events of the period so far.
    pub bad: f64,
    /// How many the whole period allows, by the traffic that is known or expected.
    pub allowed: f64,
}

impl Allowance {
    /// The least whole number of further bad events with which this share (0..) of the budget is
    /// consumed.
    pub fn bad_until(&self, share: f64) -> u64 {
        let missing = self.allowed * share - self.bad;
        let is_consumed =
            |more: f64| self.allowed > 0.0 && (self.bad + more) / self.allowed >= share;
        let mut more = missing.ceil().max(0.0);
        // The division may round to the other side.
        if more > 0.0 && is_consumed(more - 1.0) {
            more -= 1.0;
        } else if !is_consumed(more) {
            more += 1.0;
        }
        more as u64
    }
}

/// A calendar period around a time in it.
struct Bounds {
    length: Span,
    elapsed: Span,
    left: Span,
}

impl Bounds {
    fn new(calendar: &Calendar, now: Timestamp) -> Self {
        let (start, end) = calendar.around(now);
        let length = end.since(start).max(LENGTH_MIN);
        let elapsed = now.since(start).min(length);
        Self {
            length,
            elapsed,
            left: length - elapsed,
        }
    }
}

#[cfg(test)]
mod tests;
