//! Traffic in words: `100rps, 2% errors from 10m for 5m, stops from 3h for 20m, restart at 1h`.
//!
//! Clauses stand with commas between. What has no time holds always, before the start too; of two
//! clauses that overlap the later one holds. What happens between two scrapes is counted by the
//! second: an event at exactly 10m, or in the stretch that begins there, is not yet in the sample
//! of 10m. Events are whole: of half an event, nothing is counted until it is one.

mod words;

use crate::engine::Span;

use super::notation::Wrong;

pub(in crate::config) use words::outages;

/// Slack of a count that should be whole, far below one event and far above what sums of floats lose.
const SLACK: f64 = 1e-6;

/// What happens, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// Rate and share of bad events from each time on, in rising time; the first holds before.
    pieces: Vec<Piece>,
    /// Bad events all at once.
    bursts: Vec<(Span, f64)>,
    /// Stretches without scrapes.
    gaps: Vec<Stretch>,
    /// When counters begin anew, in rising time.
    restarts: Vec<Span>,
}

/// From one time (not included) to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// The beginning.
    pub from: Span,
    /// The end.
    pub until: Span,
}

/// How things stand from one time on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    from: i64,
    /// Good and bad events per second.
    good: f64,
    bad: f64,
}

/// Events since the beginning of the counting.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Events {
    /// Good ones, whole.
    pub good: f64,
    /// Bad ones, whole.
    pub bad: f64,
}

impl Stretch {
    const ALWAYS: Self = Self {
        from: Span::ZERO,
        until: Span::from_millis(i64::MAX),
    };

    /// Whether a time lies in it; its beginning does not.
    pub fn contains(self, millis: i64) -> bool {
        self.from.as_millis() < millis && millis <= self.until.as_millis()
    }
}

impl Traffic {
    /// Reads the words.
    pub(in crate::config) fn parse(text: &str) -> Result<Self, Wrong> {
        words::traffic(text)
    }

    /// Events in `(from, until]`, in milliseconds since the start (negative: before it), as a
    /// counter that began at `from` has them.
    pub fn events(&self, from: i64, until: i64) -> Events {
        let (mut good, mut bad) = (0.0, 0.0);
        for (number, piece) in self.pieces.iter().enumerate() {
            let begin = piece.from;
            let end = self
                .pieces
                .get(number + 1)
                .map_or(i64::MAX, |next| next.from);
            let (begin, end) = (begin.max(from), end.min(until));
            if begin < end {
                let millis = end.saturating_sub(begin) as f64;
                good += piece.good * millis / 1000.0;
                bad += piece.bad * millis / 1000.0;
            }
        }
        let seen = |at: Span| from <= at.as_millis() && at.as_millis() < until;
        let bursts = self.bursts.iter().filter(|(at, _)| seen(*at));
        bad += bursts.map(|(_, count)| count).sum::<f64>();
        Events {
            good: (good + SLACK).floor(),
            bad: (bad + SLACK).floor(),
        }
    }

    /// Whether there is no scrape at this time.
    pub fn is_gone(&self, millis: i64) -> bool {
        self.gaps.iter().any(|gap| gap.contains(millis))
    }

    /// The last time before this one at which counters began anew.
    pub fn restarted(&self, millis: i64) -> Option<i64> {
        let restarts = self.restarts.iter().map(|at| at.as_millis());
        restarts.filter(|at| *at < millis).max()
    }

    /// The share of bad events at a time: none while there are no events.
    pub fn bad_share(&self, millis: i64) -> Option<f64> {
        let after = self.pieces.partition_point(|piece| piece.from < millis);
        let piece = self.pieces.get(after.saturating_sub(1))?;
        let total = piece.good + piece.bad;
        (total > 0.0).then(|| piece.bad / total)
    }
}

#[cfg(test)]
mod tests;
