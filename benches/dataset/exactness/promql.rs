//! The same four rules as Prometheus evaluates them:
//! `sum(rate(bad[w])) / sum(rate(total[w]))`, both windows above the factor.
//!
//! [`rate`](Counted::rate) follows `extrapolatedRate` of Prometheus 2.4x: resets are added, the
//! increase between the first and the last sample is extrapolated to the edges of the window, but
//! at most by half a mean spacing where the edge is further away than 1.1 of it, and not below
//! zero. The window is closed on both sides (`[t-w, t]`), as it was before 3.0, where it became
//! left-open. Stale markers end no window of `rate`, they are left out of it; the lookback of
//! instant selectors plays no part.

use slofuse::engine::{RawSeries, Timestamp};

use super::intervals::{Decisions, RULES, Rule};
use super::truth::{BUDGET_RATIO, SLOT};

/// A series, and what its resets have added up to each sample.
pub(crate) struct Counted<'a> {
    series: &'a RawSeries,
    is_bad: bool,
    /// Sum of the values that were lost in resets, up to each sample.
    lost: Vec<f64>,
}

impl<'a> Counted<'a> {
    /// Sums up the resets.
    pub(crate) fn new(series: &'a RawSeries) -> Self {
        let mut lost = Vec::with_capacity(series.samples.len());
        let (mut sum, mut before) = (0.0, f64::NEG_INFINITY);
        for sample in &series.samples {
            if sample.value < before {
                sum += before;
            }
            before = sample.value;
            lost.push(sum);
        }
        Self {
            series,
            is_bad: series
                .labels
                .get("code")
                .is_some_and(|code| code.starts_with('5')),
            lost,
        }
    }

    /// `rate(series[window])` at `now`; `window` in seconds. `None` with fewer than two samples.
    pub(crate) fn rate(&self, window: i64, now: Timestamp) -> Option<f64> {
        let begin = now.as_millis() - window * 1_000;
        let samples = &self.series.samples;
        let first = samples.partition_point(|sample| sample.at.as_millis() < begin);
        let end = samples.partition_point(|sample| sample.at <= now);
        self.rate_of(first, end, begin, now.as_millis(), window)
    }

    fn rate_of(&self, first: usize, end: usize, begin: i64, now: i64, window: i64) -> Option<f64> {
        if end < first + 2 {
            return None;
        }
        let (oldest, newest) = (self.series.samples[first], self.series.samples[end - 1]);
        let increase = newest.value - oldest.value + self.lost[end - 1] - self.lost[first];
        let seconds = |millis: i64| millis as f64 / 1_000.0;
        let sampled = seconds(newest.at.as_millis() - oldest.at.as_millis());
        let spacing = sampled / (end - first - 1) as f64;
        let mut to_start = seconds(oldest.at.as_millis() - begin);
        let to_end = seconds(now - newest.at.as_millis());
        if increase > 0.0 && oldest.value >= 0.0 {
            to_start = to_start.min(sampled * (oldest.value / increase));
        }
        let reach = |distance: f64| match distance < spacing * 1.1 {
            true => distance,
            false => spacing / 2.0,
        };
        let extrapolated = sampled + reach(to_start) + reach(to_end);
        Some(increase * (extrapolated / sampled) / window as f64)
    }
}

/// Where the window of one series stands while time goes on.
#[derive(Clone, Copy, Default)]
struct Cursor {
    first: usize,
    end: usize,
}

/// When each rule holds, evaluated at `count` slots from `from` on.
pub(crate) fn decisions(series: &[RawSeries], from: Timestamp, count: usize) -> Decisions {
    let counted: Vec<Counted<'_>> = series.iter().map(Counted::new).collect();
    let mut windows: Vec<i64> = RULES
        .iter()
        .flat_map(|rule| [rule.long, rule.short])
        .collect();
    windows.sort_unstable();
    windows.dedup();
    let ratios: Vec<Vec<f64>> = windows
        .iter()
        .map(|window| ratios(&counted, *window, from, count))
        .collect();
    let above = |window: i64, slot: usize, factor: f64| {
        let at = windows.iter().position(|other| *other == window);
        at.is_some_and(|at| ratios[at][slot] > factor * BUDGET_RATIO)
    };
    let holds = |rule: &Rule, slot: usize| {
        above(rule.long, slot, rule.factor) && above(rule.short, slot, rule.factor)
    };
    let of = |rule: &Rule| (0..count).map(|slot| holds(rule, slot)).collect();
    RULES.each_ref().map(of)
}

/// `sum(rate(bad)) / sum(rate(total))` at every slot; not a number where a side has no result.
fn ratios(counted: &[Counted<'_>], window: i64, from: Timestamp, count: usize) -> Vec<f64> {
    let mut sums = vec![(None::<f64>, None::<f64>); count];
    for series in counted {
        let samples = &series.series.samples;
        let (Some(oldest), Some(newest)) = (samples.first(), samples.last()) else {
            continue;
        };
        let slot_of = |at: i64| (at - from.as_millis()).div_euclid(SLOT * 1_000).max(0);
        let first_slot = usize::try_from(slot_of(oldest.at.as_millis())).unwrap_or(0);
        let last_slot = slot_of(newest.at.as_millis() + window * 1_000) + 1;
        let last_slot = usize::try_from(last_slot).unwrap_or(0).min(count);
        let mut cursor = Cursor::default();
        for (slot, sum) in sums.iter_mut().enumerate().take(last_slot).skip(first_slot) {
            let now = from.as_millis() + slot as i64 * SLOT * 1_000;
            let begin = now - window * 1_000;
            let at = |position: usize| samples.get(position).map(|sample| sample.at.as_millis());
            while at(cursor.first).is_some_and(|at| at < begin) {
                cursor.first += 1;
            }
            while at(cursor.end).is_some_and(|at| at <= now) {
                cursor.end += 1;
            }
            let Some(rate) = series.rate_of(cursor.first, cursor.end, begin, now, window) else {
                continue;
            };
            sum.1 = Some(sum.1.unwrap_or(0.0) + rate);
            if series.is_bad {
                sum.0 = Some(sum.0.unwrap_or(0.0) + rate);
            }
        }
    }
    let ratio = |(bad, total): (Option<f64>, Option<f64>)| match (bad, total) {
        (Some(bad), Some(total)) => bad / total,
        _ => f64::NAN,
    };
    sums.into_iter().map(ratio).collect()
}
