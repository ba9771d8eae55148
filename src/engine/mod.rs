//! The pure core: samples and definitions in, decisions out.
pub mod alert;
pub mod effect;
pub mod labels;
pub mod notification;
pub mod policy;
pub mod sample;
pub mod slo;
pub mod time;

pub use alert::{AlertRecord, AlertState};
pub use effect::{Effect, StateName, Transition};
pub use labels::{Labels, MatchOp, Matcher, Pattern, Selector};
pub use notification::{
    AlertFacts, AlertKey, BudgetFacts, Notification, NotificationKind, Reason, TierFacts,
};
pub use policy::{BlindPolicy, BudgetPolicy, Policy, Severity, Tier};
pub use sample::{RawSeries, Sample};
pub use slo::{
    Document, Indicator, InstanceId, Objective, QueryTemplate, Slo, SloId, Term, WindowQuery,
};
pub use time::{Span, Timestamp};
