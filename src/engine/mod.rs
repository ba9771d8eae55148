//! The pure core: samples and definitions in, decisions out.
//!
//! Nothing in here reads a clock, a file, a socket or the environment, logs, or spawns; every map
//! is ordered, so that the same inputs give the same bytes. [`Engine::step`] is the only door:
//!
//! ```text
//! Input ──► measure (series ► counters ► windows) ──► evaluation (burn, budget, outcome)
//!   │                                                    │
//!   │ ticks, operations, new settings                    ▼
//!   ▼                                             transition ──► alert (state machine)
//! dispatch ◄─────────────────────────────────────────────┘
//!   │ muting    silences, inhibition, dependencies, maintenance, rest of routes: who is quiet
//!   │ routing   the tree, escalation: which receivers
//!   ▼
//! ledger (alone) · company, storm (in threads) ──► flush ──► Vec<Effect>
//! ```
//!
//! The caller commits the effects of a step in one transaction before the next step. What it
//! saves beside them, a feed's [`Measure`], is a cache: losing it costs a second reading.

pub mod alert;
mod alert_labels;
mod alert_text;
mod blind;
mod blind_alert;
mod block;
mod budget;
pub mod burn;
mod burn_alert;
pub mod calm;
pub mod causes;
mod company;
mod composite;
pub mod counts;
mod curve;
mod decide;
mod dependency;
pub mod direct;
mod dispatch;
pub mod effect;
mod escalation;
pub mod evaluation;
mod exclusion;
pub mod explain;
pub mod feed;
mod feed_state;
mod flush;
pub mod inhibit;
pub mod input;
pub mod interval;
pub mod invariant;
pub mod labels;
mod ledger;
pub mod maintenance;
pub mod measure;
pub mod mute;
mod muting;
pub mod notification;
pub mod operation;
mod pending;
pub mod period;
pub mod policy;
mod presence;
pub mod reason;
mod recent;
mod ring;
pub mod routing;
pub mod sample;
pub mod series;
pub mod silence;
pub mod slo;
mod spending;
pub mod step;
mod storm;
pub mod thread;
pub mod time;
pub mod trace;
mod transition;
pub mod window;

pub use alert::{AlertRecord, AlertState, Told};
pub use budget::Allowance;
pub use burn::{Reading, Verdict};
pub use calm::{Calm, ReadAhead, Upcoming};
pub use counts::Counts;
pub use direct::Answer;
pub use effect::{Effect, StateName, Transition};
pub use evaluation::{Evaluation, Outcome, TierStatus};
pub use explain::Scales;
pub use feed::Feed;
pub use inhibit::InhibitRule;
pub use input::{Book, Evidence, Input, Memories, Options, SourceFailure, WindowAnswers};
pub use interval::TimeInterval;
pub use labels::{
    Labels, MatchOp, Matcher, MatcherError, MatcherList, Pattern, Selector, parse_matchers,
};
pub use maintenance::{Maintenance, MaintenanceTime};
pub use measure::{Measure, ReadingOptions};
pub use mute::{Mute, MuteChange};
pub use notification::{
    AlertFacts, AlertKey, BudgetFacts, Curve, DIVERTED_FROM_LABEL, DependencyFacts,
    GROUP_MEMBERS_MAX, GroupFacts, Notification, NotificationKind, Reason, SlaFacts, TierFacts,
};
pub use operation::{Acknowledgement, Operation};
pub use pending::TierStart;
pub use period::{Calendar, CalendarUnit, LastEvents, Period, Zone};
pub use policy::{BlindPolicy, BudgetPolicy, Mode, Policy, Severity, Tier};
pub use recent::{PAST_SLOTS_MAX, PastSlot, Recent};
pub use routing::{
    DependencyPolicy, EscalationStep, GroupBy, OwnerReceivers, Recipient, Route, Routing,
    StormLimit,
};
pub use sample::{RawSeries, Sample};
pub use series::Drops;
pub use silence::{
    Revision, SILENCE_MATCHERS_MAX, SILENCE_TEXT_CHARS_MAX, SILENCES_MAX, Silence, SilenceState,
    revise,
};
pub use slo::{
    AlertText, Combination, Composite, Document, Indicator, InstanceId, Objective, Part,
    QueryTemplate, Reach, Slo, SloId, Term, WindowQuery,
};
pub use step::Engine;
pub use thread::{Member, ThreadKey, ThreadRecord};
pub use time::{Span, Timestamp};
pub use trace::{Trace, TracedMatcher, TracedNode, TracedRoute};
pub use window::{Layout, Window};
