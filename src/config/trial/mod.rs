//! Tests of definitions: `*.test.yaml` in, [`TestFile`]s out, every mistake at its place.
//!
//! The keys are in `config::raw::trial`, the small grammars in [`notation`] (series), [`traffic`]
//! (words) and [`wanted`] (expectations). What a test means for a definition is not known here.

mod compile;
mod expectation;
mod input;
mod load;
pub mod notation;
pub mod traffic;
pub mod wanted;

use std::path::PathBuf;

use crate::engine::{
    Labels, Matcher, NotificationKind, Outcome, Severity, Span, StateName, Timestamp,
};

use super::Definition;
use super::diagnostic::Place;
use super::settings::Settings;

use notation::Values;
use traffic::{Stretch, Traffic};
use wanted::{Range, Wanted};

/// How the files with tests end.
pub const ENDINGS: [&str; 2] = [".test.yaml", ".test.yml"];
/// How the definitions that tests stand beside may end.
const DEFINITION_ENDINGS: [&str; 4] = [".slo.yaml", ".slo.yml", ".yaml", ".yml"];
/// The tests of a file.
#[derive(Clone, Debug)]
pub struct TestFile {
    /// The file.
    pub path: PathBuf,
    /// Where its definitions are: those under test first. Relative paths are joined to its directory.
    pub definitions: Vec<PathBuf>,
    /// The settings that it is run with.
    pub config: Option<Located<PathBuf>>,
    /// Time between two slots, if it says so.
    pub interval: Option<Span>,
    /// Time between two scrapes, if it says so.
    pub scrape_interval: Option<Span>,
    /// The tests, in the order of the file.
    pub tests: Vec<Test>,
}

/// Something and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Located<T> {
    /// Where.
    pub place: Place,
    /// What.
    pub value: T,
}

/// An SLO by name; the service may be left out where that is clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SloName {
    /// `service` of `service/name`.
    pub service: Option<String>,
    /// `name`
    pub name: String,
}

/// What happens, and what should come of it. Times count from the start.
#[derive(Clone, Debug)]
pub struct Test {
    /// What it shows.
    pub name: String,
    /// Where it begins.
    pub place: Place,
    /// The SLO that is meant; `None` is the only one of the first file.
    pub slo: Option<Located<SloName>>,
    /// When it begins.
    pub start: Timestamp,
    /// When it ends.
    pub until: Span,
    /// What was before.
    pub warm_up: WarmUp,
    /// Traffic in words.
    pub streams: Vec<Located<Stream>>,
    /// Series and answers value by value.
    pub written: Vec<Located<Written>>,
    /// When the source does not answer.
    pub outages: Vec<Stretch>,
    /// What operators do, in rising time.
    pub operators: Vec<Located<Act>>,
    /// What should come of it.
    pub expectations: Vec<Located<Expectation>>,
}

/// What was before the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmUp {
    /// Traffic and series went on as they begin.
    Steady,
    /// Series were there and stood still.
    NoTraffic,
    /// There were no series.
    Nothing,
}

/// Traffic and what counts it.
#[derive(Clone, Debug)]
pub struct Stream {
    /// What happens.
    pub traffic: Traffic,
    /// Whose traffic it is; `None` is the SLO of the test.
    pub slo: Option<Located<SloName>>,
    /// What counts it.
    pub counted: Counted,
}

/// What counts the events of a stream.
#[derive(Clone, Debug)]
pub enum Counted {
    /// Series that the selectors of the SLO select, with these labels besides.
    Invented(Labels),
    /// Counters by their labels.
    Series {
        /// Of good events.
        good: Vec<Labels>,
        /// Of bad events.
        bad: Vec<Labels>,
        /// Of all events.
        total: Vec<Labels>,
    },
    /// A classic histogram.
    Histogram {
        /// Its labels, `__name__` without `_bucket`.
        labels: Labels,
        /// Upper bounds in seconds, rising, without `+Inf`.
        buckets: Vec<f64>,
        /// How long a good event takes.
        good_takes: Span,
        /// How long a bad event takes.
        bad_takes: Span,
    },
    /// The answers to these queries.
    Queries {
        /// As the definition must have them, white space aside.
        queries: Vec<String>,
        /// Labels of the answers.
        labels: Labels,
    },
}

/// Values one by one.
#[derive(Clone, Debug)]
pub enum Written {
    /// Of a series.
    Series {
        /// Its labels.
        labels: Labels,
        /// One per scrape.
        values: Values,
    },
    /// Of a query.
    Answer {
        /// As the definition must have it, white space aside.
        query: String,
        /// For windows of this length only.
        window: Option<Span>,
        /// Labels of the answer.
        labels: Labels,
        /// One per scrape, or per time slice.
        values: Values,
    },
}

/// What an operator does at a time.
#[derive(Clone, Debug)]
pub struct Act {
    /// When.
    pub at: Span,
    /// What.
    pub deed: Deed,
}

/// What an operator does.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Silences alerts.
    Silence {
        /// Its name.
        name: String,
        /// Which alerts.
        matchers: Vec<Matcher>,
        /// For how long.
        length: Span,
    },
    /// Ends a silence.
    Expire {
        /// Its name.
        name: String,
    },
    /// Looks after an alert of the SLO, or no longer.
    Acknowledge {
        /// Which one.
        severity: Severity,
        /// Of which instance.
        labels: Labels,
        /// Whether the acknowledgement is taken back.
        undo: bool,
    },
}

/// What should be from one time to another, both included.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// From here.
    pub from: Span,
    /// To here; the same for one time.
    pub to: Span,
    /// Of which SLO; `None` is that of the test.
    pub slo: Option<Located<SloName>>,
    /// Of which instance; `None` is any of them.
    pub labels: Option<Labels>,
    /// What, each with its place.
    pub claims: Vec<Located<Claim>>,
}

/// One thing that should be so.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// An alert is in a state.
    State(AlertKind, Wanted<StateName>),
    /// Slots end so.
    Outcome(Wanted<Outcome>),
    /// Exactly the tiers with these long windows burn.
    Tiers(Vec<Span>),
    /// The burn over a window.
    Burn(Span, Range),
    /// Percent of the budget that is consumed.
    Consumed(Range),
    /// Percent of the budget that is left.
    Remaining(Range),
    /// Messages; without any condition and with `count` 0: nobody is told anything.
    Message(Box<MessageClaim>),
    /// Alerts of a severity that begin to fire.
    Fired(Severity, u32),
}

/// Which alert of an SLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertKind {
    /// Its budget burns, or runs out.
    Burn(Severity),
    /// Nothing can be decided about it.
    Blind,
    /// The source is down; not about one SLO.
    SourceDown,
}

/// A message to somebody.
#[derive(Clone, Debug, Default)]
pub struct MessageClaim {
    /// To this receiver.
    pub to: Option<String>,
    /// It does this.
    pub kind: Option<NotificationKind>,
    /// About an alert of this severity.
    pub severity: Option<Severity>,
    /// Its text holds this.
    pub contains: Option<String>,
    /// Its text matches this.
    pub matches: Option<regex::Regex>,
    /// So many of them; at least one if `None`.
    pub count: Option<u32>,
}

impl PartialEq for MessageClaim {
    fn eq(&self, other: &Self) -> bool {
        let pattern = |claim: &Self| claim.matches.as_ref().map(ToString::to_string);
        (
            &self.to,
            self.kind,
            self.severity,
            &self.contains,
            self.count,
        ) == (
            &other.to,
            other.kind,
            other.severity,
            &other.contains,
            other.count,
        ) && pattern(self) == pattern(other)
    }
}

/// What the tests of a file are run with.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The settings, if the file names some.
    pub settings: Option<Settings>,
    /// All SLOs of the file's definitions.
    pub definitions: Vec<Definition>,
}

#[cfg(test)]
mod tests;
