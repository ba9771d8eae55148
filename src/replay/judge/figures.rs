//! What a judgement is made of: verdicts on events, and quantiles of times.

use serde::Serialize;

use crate::engine::{Span, Timestamp};
use crate::replay::report::form;

/// How long something took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// Half took at most so long.
    #[serde(serialize_with = "form::span")]
    pub p50: Span,
    /// 95 of 100 took at most so long.
    #[serde(serialize_with = "form::span")]
    pub p95: Span,
    /// None took longer.
    #[serde(serialize_with = "form::span")]
    pub max: Span,
}

impl Quantiles {
    /// Of these lengths; `None` without any. A quantile is one of the lengths: the smallest that
    /// at least so many do not exceed (nearest rank).
    pub fn of(mut lengths: Vec<Span>) -> Option<Self> {
        lengths.sort_unstable();
        let rank = |percent: usize| {
            let rank = (lengths.len() * percent).div_ceil(100);
            lengths.get(rank.saturating_sub(1)).copied()
        };
        Some(Self {
            p50: rank(50)?,
            p95: rank(95)?,
            max: *lengths.last()?,
        })
    }
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Position in the list of events that were handed in.
    pub event: usize,
    /// What.
    pub kind: VerdictKind,
    /// From its start to its alert.
    pub detection: Option<Span>,
    /// From its end to that of the last alert that told of it.
    pub reset: Option<Span>,
    /// How long it lasted while no alert about it was up.
    pub unalerted: Span,
    /// The alert that told of it.
    pub alert: Option<String>,
}

/// Whether an event was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerdictKind {
    /// An alert told of it.
    Detected,
    /// None told of it, but one was up that had told of something else.
    Masked,
    /// No alert was up.
    Missed,
}

/// An alert about nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct FalseAlert {
    /// Which one.
    pub key: String,
    /// When somebody was told.
    pub told_at: Timestamp,
    /// When it ended; `None` if it was up at the end.
    pub until: Option<Timestamp>,
}
