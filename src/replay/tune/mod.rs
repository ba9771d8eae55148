//! From wishes to a definition: [`tune`] proposes the objective and the policy that would have met
//! them over a recorded past.
//!
//! Candidates are chosen by closed forms (`Candidate::detection`) and then played through the
//! engine over the same past, many in one pass: each is an SLO of its own that reads the same
//! samples. Wished bursts are put into the past at several times of day and must page in time. The
//! best candidate meets the wishes with the least change; the outcome is the same every time.
//!
//! SLOs that are sums of counters are tuned, and those of time slices, whose events are slices: they
//! have events that can be made to fail, and their past is known one by one. Shares of errors are those of all instances together;
//! alerts are those of every instance, summed.

mod burst;
mod candidate;
mod grid;
mod judge;
mod past;
mod proposal;
mod search;
mod tally;
mod warnings;
mod windows;
mod wishes;

use std::sync::Arc;

use crate::engine::{Indicator, Slo, Span};
use crate::replay::report::{Plan, Progress};
use crate::replay::{Reel, ReelError};
use search::Search;

pub use burst::{BURSTS_EACH, Seen};
pub use candidate::Candidate;
pub use past::Past;
pub use proposal::{
    BurstFigures, Confidence, CurvePoint, ObjectivePoint, Proposal, Standing, WishKind, WishOutcome,
};
pub use search::PASSES_MAX;
pub use wishes::{BURSTS_MAX, Burst, Wishes};

/// Less history than this says nothing.
const HISTORY_MIN: Span = Span::from_days(1);

/// Nothing can be proposed.
#[derive(Debug, thiserror::Error)]
pub enum TuneError {
    /// The past or the SLO does not allow it; says why.
    #[error("{0}")]
    Refused(String),
    /// The past cannot be read.
    #[error("the history cannot be played")]
    Reel(#[from] ReelError),
}

/// Why an SLO cannot be tuned, whatever its past is, and what to do instead.
pub fn refusal(slo: &Slo) -> Option<String> {
    let id = &slo.id;
    match &slo.indicator {
        Indicator::Counters { .. } | Indicator::Slices { .. } => {}
        Indicator::Windows(_) => {
            return Some(format!(
                "{id} is asked by PromQL as a whole (native histograms are, too), and definitions \
                 that were never asked cannot be played: compare some by slofuse backtest --policy \
                 --objective, or measure it by counters, a classic histogram or time_slices"
            ));
        }
        Indicator::Composite(composite) => {
            let parts: Vec<&str> = composite.parts.iter().map(|p| p.slo.as_str()).collect();
            return Some(format!(
                "{id} is made of other SLOs and has no events of its own: tune {}, and compare \
                 policies for the whole by slofuse backtest --policy",
                parts.join(", ")
            ));
        }
    }
    slo.policy.tiers.is_empty().then(|| {
        let policy = &slo.policy.name;
        format!("{id} has no tiers to tune: its policy is {policy:?}")
    })
}

/// The SLO as its past is to be fetched: far enough back for the windows of every candidate.
pub fn reader(slo: &Arc<Slo>) -> Arc<Slo> {
    let longest = windows::longest(slo);
    if longest <= slo.reach.longest_window() {
        return slo.clone();
    }
    let mut reader = (**slo).clone();
    reader.reach.windows.push(longest);
    Arc::new(reader)
}

/// Proposes a definition of one SLO. The plan says which past is played and how; its variants do
/// not matter. The reel is read from the start again for every pass, at most [`PASSES_MAX`] times.
///
/// # Errors
///
/// The wishes are impossible, the SLO cannot be tuned, there is less than a day of history or
/// nothing in it, or the reel cannot be read.
pub fn tune(
    slo: &Arc<Slo>,
    wishes: &Wishes,
    seed: u64,
    plan: &Plan,
    reel: &mut dyn Reel,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<Proposal, TuneError> {
    let mut wrong = wishes.impossible(slo, &plan.options.reading);
    wrong.extend(refusal(slo));
    if !wrong.is_empty() {
        return Err(TuneError::Refused(wrong.join("\n")));
    }
    let length = plan.until.since(plan.from);
    if length < HISTORY_MIN {
        let message = format!(
            "{} of history say nothing about alerts: at least {HISTORY_MIN} is needed, two weeks \
             are better",
            crate::message::figures::span(length)
        );
        return Err(TuneError::Refused(message));
    }
    let mut search = Search {
        slo,
        wishes,
        plan,
        reel,
        progress,
        seed,
        passes: 0,
        played: Vec::new(),
    };
    let past = search.look()?;
    if past.events_per_week <= 0.0 {
        let message = format!("{} had no events in this history", slo.id);
        return Err(TuneError::Refused(message));
    }
    search.search(&past)?;
    proposal::propose(search, past)
}

#[cfg(test)]
mod tests;
