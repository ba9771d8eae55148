//! Decisions as intervals, how far two deciders are apart, and how far the samples are to blame.

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
    joined(holds, MERGE)
}

/// Runs of slots; those that are less than `apart` seconds apart are one.
fn joined(holds: &[bool], apart: i64) -> Vec<Interval> {
    let mut found: Vec<Interval> = Vec::new();
    let slots = (0_i64..).map(|slot| slot * SLOT).zip(holds);
    for (start, _) in slots.filter(|(_, holds)| **holds) {
        let end = start + SLOT;
        match found.last_mut() {
            Some(last) if start - last.end < apart => last.end = end,
            _ => found.push(Interval { start, end }),
        }
    }
    found
}

/// A row of slots as intervals.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row {
    /// Every run of slots by itself.
    pub(crate) runs: Vec<Interval>,
    /// Runs that are close together are one.
    pub(crate) intervals: Vec<Interval>,
}

impl Row {
    /// The runs of a row of slots.
    pub(crate) fn new(holds: &[bool]) -> Self {
        Self {
            runs: joined(holds, SLOT),
            intervals: intervals(holds),
        }
    }

    /// Intervals that stand as they are.
    pub(crate) fn of_intervals(intervals: &[Interval]) -> Self {
        Self {
            runs: intervals.to_vec(),
            intervals: intervals.to_vec(),
        }
    }

    /// For each true interval, what stands for it: intervals that overlap it, slack included.
    ///
    /// Each interval stands for one true one. Where two that are just far enough apart to be two
    /// were told as one, it stands for the second too, from its first run in the second.
    fn standing(&self, truths: &[Interval]) -> Standing {
        let mut used = vec![false; self.intervals.len()];
        let mut found = Vec::new();
        for (number, truth) in truths.iter().enumerate() {
            let meets = |other: &Interval| {
                other.start < truth.end + SLACK && truth.start - SLACK < other.end
            };
            let free = (0..used.len()).filter(|at| !used[*at] && meets(&self.intervals[*at]));
            let free: Vec<usize> = free.collect();
            let is_joined = free.is_empty();
            let (from, until) = match (free.first(), free.last()) {
                (Some(first), Some(last)) => {
                    (self.intervals[*first].start, self.intervals[*last].end)
                }
                _ => (truth.start, truth.end),
            };
            let next = truths.get(number + 1).map_or(i64::MAX, |next| next.start);
            let of_it = |run: &&Interval| run.end > from && run.start < until.min(next);
            let runs: Vec<&Interval> = self.runs.iter().filter(of_it).collect();
            let ends = runs.first().zip(runs.last());
            found.push(ends.map(|(first, last)| Stand {
                start: first.start.max(from),
                end: last.end,
                is_joined,
            }));
            for at in free {
                used[at] = true;
            }
        }
        let unused = self.intervals.iter().zip(used).filter(|(_, used)| !used);
        Standing {
            found,
            extra: unused.map(|(interval, _)| *interval).collect(),
        }
    }
}

/// What stands for one true interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stand {
    start: i64,
    end: i64,
    /// It stands for the true interval before, too.
    is_joined: bool,
}

struct Standing {
    found: Vec<Option<Stand>>,
    extra: Vec<Interval>,
}

/// Something that a decider told otherwise than it was.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case {
    /// Service and rule.
    pub(crate) what: String,
    /// The true interval; of an extra one, itself.
    pub(crate) interval: Interval,
    /// Whether the samples allowed no better.
    pub(crate) is_of_samples: bool,
}

/// A true interval that was found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Start {
    /// Service and rule.
    pub(crate) what: String,
    /// The true interval.
    pub(crate) interval: Interval,
    /// Seconds from the true start to the start that was found; negative is early.
    pub(crate) late: i64,
    /// Seconds from the true start to the earliest that the samples allow, which is no earlier
    /// than itself; `None` where they show nothing of it.
    pub(crate) allowed: Option<i64>,
}

impl Start {
    /// Seconds by which it is later than the samples allow.
    pub(crate) fn beyond(&self) -> Option<i64> {
        Some(self.late - self.allowed?)
    }
}

/// How a decider stands to the truth, and to what the samples allow.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Comparison {
    /// True intervals.
    pub(crate) truths: usize,
    /// True intervals that were not found.
    pub(crate) missed: Vec<Case>,
    /// Intervals that are not true.
    pub(crate) extra: Vec<Case>,
    /// True intervals that were told as one with the one before.
    pub(crate) joined: Vec<Case>,
    /// True intervals that were found.
    pub(crate) starts: Vec<Start>,
    /// Seconds from each true end to the end that was found.
    pub(crate) ends: Vec<i64>,
}

impl Comparison {
    /// Compares one row of slots with the true one, and with what the samples allow.
    pub(crate) fn add(&mut self, what: &str, truth: &[bool], allowed: &[bool], found: &[bool]) {
        let (allowed, found) = (Row::new(allowed), Row::new(found));
        self.add_intervals(what, &intervals(truth), &allowed, &found);
    }

    /// Compares intervals with the true ones, and with those that the samples allow.
    pub(crate) fn add_intervals(
        &mut self,
        what: &str,
        truths: &[Interval],
        allowed: &Row,
        found: &Row,
    ) {
        let best = allowed.standing(truths);
        let own = found.standing(truths);
        let case = |interval: Interval, is_of_samples: bool| Case {
            what: what.to_owned(),
            interval,
            is_of_samples,
        };
        for ((truth, best), own) in truths.iter().zip(best.found).zip(own.found) {
            self.truths += 1;
            let Some(own) = own else {
                self.missed.push(case(*truth, best.is_none()));
                continue;
            };
            if own.is_joined {
                let also = best.is_none_or(|best| best.is_joined);
                self.joined.push(case(*truth, also));
            }
            self.starts.push(Start {
                what: what.to_owned(),
                interval: *truth,
                late: own.start - truth.start,
                allowed: best.map(|best| (best.start - truth.start).max(0)),
            });
            self.ends.push(own.end - truth.end);
        }
        for extra in own.extra {
            let meets = |other: &Interval| other.start < extra.end && extra.start < other.end;
            let also = allowed.runs.iter().any(meets);
            self.extra.push(case(extra, also));
        }
    }

    /// Seconds by which starts are late.
    pub(crate) fn lateness(&self) -> Vec<i64> {
        self.starts.iter().map(|start| start.late).collect()
    }

    /// Seconds from true starts to the earliest that the samples allow.
    pub(crate) fn allowed(&self) -> Vec<i64> {
        self.starts
            .iter()
            .filter_map(|start| start.allowed)
            .collect()
    }

    /// Seconds by which starts are later than the samples allow.
    pub(crate) fn beyond(&self) -> Vec<i64> {
        self.starts.iter().filter_map(Start::beyond).collect()
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
