//! Decisions as intervals, and how far two deciders are apart.

use super::truth::SLOT;

/// Runs that are less than this apart are one.
const MERGE: i64 = 300;
/// An interval may begin so much after the end of the one that it stands for, or end so much before.
const SLACK: i64 = 120;

/// One rule: both windows burn faster than the factor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// As people call it.
    pub(crate) name: &'static str,
    /// Seconds.
    pub(crate) long: i64,
    /// Seconds.
    pub(crate) short: i64,
    /// Burn rate.
    pub(crate) factor: f64,
}

/// The four rules of the SRE workbook, table 5-8.
pub(crate) const RULES: [Rule; 4] = [
    rule("1h/5m 14.4x", 3_600, 300, 14.4),
    rule("6h/30m 6x", 21_600, 1_800, 6.0),
    rule("1d/2h 3x", 86_400, 7_200, 3.0),
    rule("3d/6h 1x", 259_200, 21_600, 1.0),
];

const fn rule(name: &'static str, long: i64, short: i64, factor: f64) -> Rule {
    Rule {
        name,
        long,
        short,
        factor,
    }
}

/// Whether each rule of a service held, slot by slot.
pub(crate) type Decisions = [Vec<bool>; RULES.len()];

/// `[start, end)` in seconds after the first slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    /// The first slot.
    pub(crate) start: i64,
    /// The first slot that is not in it any more.
    pub(crate) end: i64,
}

/// The intervals of a row of slots.
pub(crate) fn intervals(holds: &[bool]) -> Vec<Interval> {
    let mut found: Vec<Interval> = Vec::new();
    let slots = (0_i64..).map(|slot| slot * SLOT).zip(holds);
    for (start, _) in slots.filter(|(_, holds)| **holds) {
        let end = start + SLOT;
        match found.last_mut() {
            Some(last) if start - last.end < MERGE => last.end = end,
            _ => found.push(Interval { start, end }),
        }
    }
    found
}

/// How a decider stands to the truth.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Comparison {
    /// True intervals.
    pub(crate) truths: usize,
    /// True intervals that were not found: service, rule, interval.
    pub(crate) missed: Vec<(String, Interval)>,
    /// Intervals that are not true.
    pub(crate) extra: Vec<(String, Interval)>,
    /// Seconds from each true start to the start that was found; negative is early.
    pub(crate) starts: Vec<(i64, String, Interval)>,
    /// Seconds from each true end to the end that was found.
    pub(crate) ends: Vec<i64>,
}

impl Comparison {
    /// Compares one row of slots with the true one.
    pub(crate) fn add(&mut self, what: &str, truth: &[bool], found: &[bool]) {
        self.add_intervals(what, &intervals(truth), &intervals(found));
    }

    /// Compares intervals with the true ones: one that overlaps, slack included, stands for it.
    pub(crate) fn add_intervals(&mut self, what: &str, truth: &[Interval], found: &[Interval]) {
        let mut used = vec![false; found.len()];
        for true_one in truth {
            self.truths += 1;
            let meets = |other: &Interval| {
                other.start < true_one.end + SLACK && true_one.start - SLACK < other.end
            };
            let standing = (0..found.len()).filter(|at| !used[*at] && meets(&found[*at]));
            let standing: Vec<usize> = standing.collect();
            let (Some(first), Some(last)) = (standing.first(), standing.last()) else {
                self.missed.push((what.to_owned(), *true_one));
                continue;
            };
            let late = found[*first].start - true_one.start;
            self.starts.push((late, what.to_owned(), *true_one));
            self.ends.push(found[*last].end - true_one.end);
            for at in standing {
                used[at] = true;
            }
        }
        let unused = found.iter().zip(used).filter(|(_, used)| !used);
        let extra = unused.map(|(interval, _)| (what.to_owned(), *interval));
        self.extra.extend(extra);
    }

    /// Seconds by which starts are late.
    pub(crate) fn lateness(&self) -> Vec<i64> {
        self.starts.iter().map(|(late, ..)| *late).collect()
    }
}

/// A percentile (0..=100), interpolated between neighbours; 0 of nothing.
pub(crate) fn percentile(values: &[i64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let place = last as f64 * percent / 100.0;
    let (below, above) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    below as f64 + (above - below) as f64 * place.fract()
}
