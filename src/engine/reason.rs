//! Why somebody is told: the [`Reason`] of a decision, in a form that programs and people read.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::time::Span;

/// Why an alert is in the state the notification announces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Reason {
    /// At least one tier burns; they are listed in [`AlertFacts::tiers`](super::AlertFacts::tiers).
    Burning,
    /// Another, faster tier began to burn.
    MoreTiers,
    /// So much of the budget is consumed.
    BudgetConsumed {
        /// The threshold that was crossed, 0..1.
        threshold: f64,
    },
    /// The budget ends soon at this speed.
    ExhaustionAhead {
        /// Time left at the present burn.
        within: Span,
    },
    /// No usable samples for several slots in a row.
    NoData {
        /// How many slots.
        slots: u32,
        /// What the source last said, or that the series are stale or absent.
        detail: String,
    },
    /// No usable answer from the source for several slots in a row.
    SourceFailed {
        /// How many slots.
        slots: u32,
        /// The last error.
        detail: String,
    },
    /// Its mute ended.
    Unmuted,
    /// It still is as it was; the route asks for a reminder.
    Repeated,
    /// Somebody looks after it.
    Acknowledged {
        /// Who.
        by: String,
    },
    /// Nobody looks after it, so more people are told.
    Unacknowledged {
        /// For so long.
        after: Span,
    },
    /// Alerts joined or left the group.
    GroupChanged,
    /// Every tier of the severity is quiet again.
    Recovered,
    /// There is no traffic left to burn with.
    NoTraffic,
    /// The calendar period is over that the notice was about; the new one has a budget of its own.
    PeriodEnded,
    /// Evidence is back.
    DataReturned,
    /// The definition is gone.
    DefinitionRemoved,
    /// The definition changed so that the alert no longer means anything.
    DefinitionChanged,
    /// The label set has not been seen for as long as series are remembered.
    InstanceGone,
}

/// Longest quotation in a reason's words, in characters: what a source says comes from outside.
const QUOTED_CHARS_MAX: usize = 200;

/// Plain words on one line, for logs and reports, lengths of time rounded: `source failed for 3 slots: connection refused`
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |detail: &str| -> String {
            let line = |c: char| if c.is_control() { ' ' } else { c };
            detail.chars().take(QUOTED_CHARS_MAX).map(line).collect()
        };
        let words = match self {
            Self::Burning => "burning",
            Self::MoreTiers => "one more tier burns",
            Self::BudgetConsumed { threshold } => {
                let percent = (threshold * 1e4).round() / 1e2;
                return write!(f, "{percent}% of the budget consumed");
            }
            Self::ExhaustionAhead { within } => {
                return write!(f, "budget exhausted in {} at this burn", within.brief());
            }
            Self::NoData { slots, detail } => {
                return write!(f, "no data for {slots} slots: {}", quoted(detail));
            }
            Self::SourceFailed { slots, detail } => {
                return write!(f, "source failed for {slots} slots: {}", quoted(detail));
            }
            Self::Unmuted => "no longer muted",
            Self::Repeated => "still burning",
            Self::Acknowledged { by } => return write!(f, "acknowledged by {}", quoted(by)),
            Self::Unacknowledged { after } => {
                return write!(f, "not acknowledged for {}", after.brief());
            }
            Self::GroupChanged => "the group changed",
            Self::Recovered => "recovered",
            Self::NoTraffic => "no traffic",
            Self::PeriodEnded => "period ended",
            Self::DataReturned => "data returned",
            Self::DefinitionRemoved => "definition removed",
            Self::DefinitionChanged => "definition changed",
            Self::InstanceGone => "instance gone",
        };
        f.write_str(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_one_bounded_line() {
        let words = |reason: Reason| reason.to_string();
        let consumed = words(Reason::BudgetConsumed { threshold: 0.575 });
        assert_eq!(consumed, "57.5% of the budget consumed");
        let within = Span::from_millis(65_521_249);
        let ahead = words(Reason::ExhaustionAhead { within });
        assert_eq!(ahead, "budget exhausted in 18h 12m at this burn");
        let after = Span::from_secs(930);
        let unacknowledged = words(Reason::Unacknowledged { after });
        assert_eq!(unacknowledged, "not acknowledged for 15m 30s");
        assert_eq!(words(Reason::PeriodEnded), "period ended");
        let detail = format!("refused\r\nlevel=error {}", "ü".repeat(10_000));
        let failed = words(Reason::SourceFailed { slots: 3, detail });
        let begin = "source failed for 3 slots: refused  level=error ü";
        assert!(failed.starts_with(begin), "{failed}");
        assert!(failed.chars().count() < 240 && !failed.contains(char::is_control));
    }
}
