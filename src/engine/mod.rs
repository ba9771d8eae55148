//! The pure core: samples and definitions in, decisions out.
//!
//! Nothing in here reads a clock, a file, a socket or the environment, logs, or spawns; every map
//! is ordered, so that the same inputs give the same bytes. [`Engine::step`] is the only door:
//!
//! ```text
//! Input ──► measure (series ► counters ► windows) ──► evaluation (burn, budget, outcome)
//!                                                        │
//! Vec<Effect> ◄── ledger (who is told) ◄── alert (state machine) ◄── transition
//! ```
//!
//! The caller commits the effects of a step in one transaction before the next step. What it
//! saves beside them, a feed's [`Measure`], is a cache: losing it costs a second reading.

pub mod alert;
mod alert_text;
mod blind;
mod blind_alert;
mod block;
mod budget;
pub mod burn;
mod burn_alert;
mod composite;
pub mod counts;
mod decide;
pub mod direct;
pub mod effect;
pub mod evaluation;
pub mod feed;
mod feed_state;
pub mod input;
pub mod invariant;
pub mod labels;
pub mod ledger;
pub mod measure;
pub mod notification;
mod pending;
pub mod period;
pub mod policy;
mod presence;
mod ring;
pub mod sample;
pub mod series;
pub mod slo;
mod spending;
pub mod step;
pub mod time;
mod transition;
pub mod window;

pub use alert::{AlertRecord, AlertState};
pub use burn::{Reading, Verdict};
pub use counts::Counts;
pub use direct::Answer;
pub use effect::{Effect, StateName, Transition};
pub use evaluation::{Evaluation, Outcome, TierStatus};
pub use feed::Feed;
pub use input::{Book, Evidence, Input, Options, SourceFailure, WindowAnswers};
pub use labels::{Labels, MatchOp, Matcher, Pattern, Selector};
pub use ledger::{Recipient, Recipients};
pub use measure::{Measure, ReadingOptions};
pub use notification::{
    AlertFacts, AlertKey, BudgetFacts, Notification, NotificationKind, Reason, SlaFacts, TierFacts,
};
pub use pending::TierStart;
pub use period::{Calendar, CalendarUnit, LastEvents, Period, Zone};
pub use policy::{BlindPolicy, BudgetPolicy, Mode, Policy, Severity, Tier};
pub use sample::{RawSeries, Sample};
pub use series::Drops;
pub use slo::{
    AlertText, Combination, Composite, Document, Indicator, InstanceId, Objective, Part,
    QueryTemplate, Reach, Slo, SloId, Term, WindowQuery,
};
pub use step::Engine;
pub use time::{Span, Timestamp};
pub use window::{Layout, Window};
