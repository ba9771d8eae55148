//! What a step decides: values for the shells to carry out.
//!
//! All effects of one step are committed in one transaction before the next step is taken.

use serde::{Deserialize, Serialize};

use super::alert::AlertRecord;
use super::mute::{Mute, MuteChange};
use super::notification::{AlertFacts, AlertKey, Notification};
use super::silence::Silence;
use super::thread::{ThreadKey, ThreadRecord};
use super::time::Timestamp;

/// One consequence of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Store this record in place of any with the same key.
    Save(AlertRecord),
    /// Delete the record of this alert; nothing refers to it any more.
    Forget(AlertKey),
    /// Append to the history.
    Transitioned(Transition),
    /// Put into the outbox.
    Notify(Notification),
    /// Store this thread in place of any with the same key.
    SaveThread(ThreadRecord),
    /// Delete this thread; nothing refers to it any more.
    ForgetThread(ThreadKey),
    /// Store this silence in place of any with the same id.
    SaveSilence(Silence),
    /// Delete this silence: it expired long ago.
    ForgetSilence(String),
    /// Append to the history: an alert was muted, unmuted, or is muted for other reasons.
    Muted(MuteChange),
}

/// A change of an alert's state, for the history and the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// The slot of the decision.
    pub at: Timestamp,
    /// The state before.
    pub from: StateName,
    /// The state after.
    pub to: StateName,
    /// Why the alert is (or was) up, and everything known about it.
    pub facts: AlertFacts,
    /// Why nobody was told, if so.
    #[serde(default)]
    pub mutes: Vec<Mute>,
}

/// The states of an alert, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StateName {
    /// Not up.
    Inactive,
    /// The condition holds, but not for long enough.
    Pending,
    /// Up.
    Firing,
}

impl StateName {
    /// The lower-case word used in storage, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}
