//! What the engine is told: its options once, everything else as an [`Input`].

use super::alert::AlertRecord;
use super::calm::ReadAhead;
use super::counts::Counts;
use super::direct::Answer;
use super::feed::Feed;
use super::labels::Labels;
use super::measure::{Measure, ReadingOptions};
use super::operation::Operation;
use super::routing::Routing;
use super::sample::RawSeries;
use super::silence::Silence;
use super::slo::{InstanceId, SloId};
use super::thread::ThreadRecord;
use super::time::{Span, Timestamp};

/// What the engine is told once, at start.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The name of the source, for the alert that says it is down.
    pub source: String,
    /// How samples are read.
    pub reading: ReadingOptions,
}

#[cfg(test)]
impl Options {
    /// Slots of 30 s on scrapes of 15 s, of targets that `job` and `instance` name.
    pub(crate) fn for_testing() -> Self {
        Self {
            source: "prometheus".to_owned(),
            reading: ReadingOptions {
                interval: Span::from_secs(30),
                scrape_interval: Span::from_secs(15),
                target_labels: vec!["job".to_owned(), "instance".to_owned()],
                forget_after: Span::from_hours(24),
                instances_max: 100,
                drops: super::Drops::AreResets,
            },
        }
    }
}

/// What the engine remembers of its last life.
#[derive(Clone, Debug, Default)]
pub struct Memories {
    /// The open alerts.
    pub alerts: Vec<AlertRecord>,
    /// The open threads.
    pub threads: Vec<ThreadRecord>,
    /// Silences, those that expired a while ago among them.
    pub silences: Vec<Silence>,
}

/// Something that happened outside.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, taken apart at once"
)]
pub enum Input {
    /// The definitions and receivers from now on.
    Configured {
        /// Every SLO, grouped by what is polled together.
        feeds: Vec<Feed>,
        /// Who is told, and when not.
        routing: Routing,
    },
    /// Time passes: what waits for a time is told, what is muted for a time is muted no longer.
    Tick,
    /// An operator asks for something.
    Operated(Operation),
    /// The saved state of a feed, at start.
    Resumed {
        /// The feed.
        feed: String,
        /// Its counters and windows.
        measure: Box<Measure>,
    },
    /// Samples from the past: they are counted, nothing is decided.
    Read {
        /// The feed.
        feed: String,
        /// Where they are counted.
        into: Book,
        /// Start of the stretch that was read.
        from: Timestamp,
        /// End of the stretch that was read.
        until: Timestamp,
        /// What was found.
        series: Vec<RawSeries>,
    },
    /// The fresh reading of a feed reaches the present and takes the place of the old one.
    Swapped {
        /// The feed.
        feed: String,
    },
    /// Hourly sums of an SLO from before the covered time, for its budget.
    History {
        /// The feed.
        feed: String,
        /// The SLO.
        slo: SloId,
        /// What happened in the hour that ended at each time.
        hours: Vec<(InstanceId, Timestamp, Counts)>,
        /// Whether these are the last ones.
        complete: bool,
    },
    /// The SLOs of a feed that are not decided before a slot: the caller knows from
    /// [`Engine::calm`](super::Engine::calm) that nothing happens to them, and brings what samples
    /// of theirs were not read ahead at that slot.
    Rested {
        /// The feed.
        feed: String,
        /// By position in the feed, the slot at which each is decided again.
        until: Vec<Timestamp>,
        /// What was read ahead of them, right after the question.
        ahead: Option<ReadAhead>,
    },
    /// A slot of a feed, the time being `now`.
    Slot {
        /// The feed.
        feed: String,
        /// What the source said.
        evidence: Result<Evidence, SourceFailure>,
    },
}

/// Which of a feed's two readings takes the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Book {
    /// The one that decides.
    Live,
    /// A fresh one that will replace it; the first stretch begins it anew.
    Fresh {
        /// Whether this is the first stretch.
        begin: bool,
    },
}

/// What a source answers at a slot.
#[derive(Clone, Debug)]
pub enum Evidence {
    /// Raw samples of counters, or the values of time slices.
    Samples {
        /// Start of the stretch that was read; it ends at the slot.
        from: Timestamp,
        /// What was found.
        series: Vec<RawSeries>,
    },
    /// Answers for whole windows, for the one SLO of a direct feed.
    Windows(WindowAnswers),
}

/// What a source says of whole windows, per window and series.
pub type WindowAnswers = Vec<(Span, Vec<(Labels, Answer)>)>;

/// Why a source gave no evidence, in words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFailure(pub String);
