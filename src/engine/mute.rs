//! Why nobody is told of an alert that fires.
//!
//! A mute says who or what asked for quiet, so that every place that shows an alert can explain
//! it. A muted alert that was announced still gets its resolve.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::notification::AlertKey;
use super::policy::Severity;
use super::slo::SloId;
use super::time::Timestamp;

/// One reason for quiet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Mute {
    /// The page of the same instance fires.
    Page {
        /// That page.
        by: AlertKey,
    },
    /// An operator asked for it.
    Silence {
        /// Which silence.
        id: String,
        /// Until when.
        until: Timestamp,
        /// Who asked.
        created_by: String,
        /// Why.
        comment: String,
    },
    /// A rule of the settings, and the alert that it refers to.
    Inhibited {
        /// The rule's name.
        rule: String,
        /// The alert that fires.
        by: AlertKey,
    },
    /// The page of an SLO that this one depends on fires.
    Dependency {
        /// That SLO.
        slo: SloId,
        /// Its page.
        by: AlertKey,
    },
    /// A maintenance window is open.
    Maintenance {
        /// Its name.
        name: String,
    },
    /// The route that leads to the receivers rests.
    Interval {
        /// The route.
        route: String,
        /// The name of the interval.
        interval: String,
        /// Whether the route is active only within the interval, or mute within it.
        active: bool,
    },
}

impl Mute {
    /// The bounded word for metrics: `page`, `silence`, `inhibition`, `dependency`, `maintenance`
    /// or `interval`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Page { .. } => "page",
            Self::Silence { .. } => "silence",
            Self::Inhibited { .. } => "inhibition",
            Self::Dependency { .. } => "dependency",
            Self::Maintenance { .. } => "maintenance",
            Self::Interval { .. } => "interval",
        }
    }

    /// Every word, so that metrics can start at zero.
    pub const WORDS: [&'static str; 6] = [
        "page",
        "silence",
        "inhibition",
        "dependency",
        "maintenance",
        "interval",
    ];
}

/// Plain words on one line.
impl fmt::Display for Mute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page { by } => write!(f, "{by} fires"),
            Self::Silence { id, created_by, .. } => write!(f, "silence {id} by {created_by:?}"),
            Self::Inhibited { rule, by } => write!(f, "inhibited by {by} (rule {rule:?})"),
            Self::Dependency { slo, by } => write!(f, "depends on {slo}, and {by} fires"),
            Self::Maintenance { name } => write!(f, "maintenance {name:?}"),
            Self::Interval {
                route,
                interval,
                active,
            } => {
                let word = if *active { "outside" } else { "within" };
                write!(f, "route {route:?} rests {word} {interval:?}")
            }
        }
    }
}

/// The mutes of a firing alert changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MuteChange {
    /// When.
    pub at: Timestamp,
    /// Which alert.
    pub key: AlertKey,
    /// How loud it would be.
    pub severity: Severity,
    /// What asks for quiet from now on; empty when somebody is told again.
    pub mutes: Vec<Mute>,
}
