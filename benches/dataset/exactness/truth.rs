//! What truly happened: every event, and when the four rules of the SRE workbook truly held.

use super::intervals::{Decisions, RULES, Rule};

/// Objective of every service: one request in a thousand may fail.
pub(crate) const BUDGET_RATIO: f64 = 0.001;
/// Seconds between two points of a truth, and between two decisions.
pub(crate) const SLOT: i64 = 30;

/// Bad and total events of one service from the beginning of its world, at every slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    points: Vec<(u64, u64)>,
}

impl Truth {
    /// From the events of every second.
    pub(crate) fn of_seconds(seconds: impl Iterator<Item = (u64, u64)>) -> Self {
        let (mut bad, mut total) = (0, 0);
        let mut points = vec![(0, 0)];
        for (second, (more_bad, more)) in (1..).zip(seconds) {
            bad += more_bad;
            total += more;
            if second % SLOT == 0 {
                points.push((bad, total));
            }
        }
        Self { points }
    }

    /// When each rule held at the slots `from..=until`.
    pub(crate) fn decisions(&self, from: usize, until: usize) -> Decisions {
        decisions(from, until, |slot, window| self.window(slot, window))
    }

    /// Bad and total events of a window (seconds) that ends at a slot.
    pub(crate) fn window(&self, slot: usize, window: i64) -> (u64, u64) {
        let back = usize::try_from(window / SLOT).unwrap_or(usize::MAX);
        let at = |slot: usize| self.points.get(slot).copied().unwrap_or_default();
        let (end, begin) = (at(slot), at(slot.saturating_sub(back)));
        (end.0 - begin.0, end.1 - begin.1)
    }
}

/// When each rule holds at the slots `from..=until`, by the bad and total events of a window
/// (seconds) that ends at a slot.
pub(super) fn decisions(
    from: usize,
    until: usize,
    window: impl Fn(usize, i64) -> (u64, u64),
) -> Decisions {
    let burn = |slot, length| match window(slot, length) {
        (_, 0) => 0.0,
        (bad, total) => bad as f64 / total as f64 / BUDGET_RATIO,
    };
    let holds = |rule: &Rule, slot: usize| {
        burn(slot, rule.long) > rule.factor && burn(slot, rule.short) > rule.factor
    };
    let of = |rule: &Rule| (from..=until).map(|slot| holds(rule, slot)).collect();
    RULES.each_ref().map(of)
}
