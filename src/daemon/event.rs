//! What reaches the poller from the tasks that ask the source.

use tokio::sync::oneshot;

use crate::engine::{Book, Counts, InstanceId, RawSeries, SloId, Span, Timestamp, WindowAnswers};
use crate::prometheus::SourceError;

/// News about one feed.
pub(super) struct Event {
    /// The configuration under which it was asked for; news of an earlier one is dropped.
    pub(super) generation: u64,
    /// The feed.
    pub(super) feed: String,
    /// The news.
    pub(super) news: News,
    /// Told when the news has been taken; a sender that waits for it bounds what is in memory.
    pub(super) taken: Option<oneshot::Sender<()>>,
}

/// What happened.
pub(super) enum News {
    /// The source answered for a slot, or did not.
    Answered {
        slot: Timestamp,
        seconds: f64,
        answer: Result<Answer, SourceError>,
    },
    /// Samples of the past.
    Read {
        into: Book,
        from: Timestamp,
        until: Timestamp,
        series: Vec<RawSeries>,
    },
    /// The fresh reading, this far back, is complete.
    Swapped { reach: Span },
    /// Hourly sums of an SLO's period; `complete` with the last of them.
    History {
        slo: SloId,
        hours: Vec<(InstanceId, Timestamp, Counts)>,
        complete: bool,
    },
}

/// A complete answer for a slot.
pub(super) enum Answer {
    /// The samples since `from`.
    Samples {
        from: Timestamp,
        series: Vec<RawSeries>,
    },
    /// Answers for whole windows.
    Windows(WindowAnswers),
}
