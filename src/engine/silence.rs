//! Silences: what an operator does not want to hear of for a while.

use serde::{Deserialize, Serialize};

use super::labels::{Labels, Matcher};
use super::time::Timestamp;

/// One silence. It is stored as one JSON value per id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// A UUID, given by whoever made it.
    pub id: String,
    /// All must match; never empty, and at least one does not match the empty string.
    pub matchers: Vec<Matcher>,
    /// From here on.
    pub starts_at: Timestamp,
    /// Until here, not included.
    pub ends_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Where a silence stands in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SilenceState {
    /// Not yet.
    Pending,
    /// Now.
    Active,
    /// No longer.
    Expired,
}

impl SilenceState {
    /// The lower-case word used in the API and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Expired => "expired",
        }
    }
}

impl Silence {
    /// Where it stands.
    pub fn state(&self, now: Timestamp) -> SilenceState {
        if now >= self.ends_at {
            SilenceState::Expired
        } else if now >= self.starts_at {
            SilenceState::Active
        } else {
            SilenceState::Pending
        }
    }

    /// Whether it is about an alert with these labels.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(labels))
    }
}
