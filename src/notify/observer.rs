//! What the workers tell the daemon's metrics.

use crate::engine::NotificationKind;

use super::error::FailureReason;

/// Counts attempts and breakers; called from many tasks.
pub trait DeliveryObserver: Send + Sync {
    /// An attempt ended after `seconds`.
    fn attempt(&self, receiver: &str, kind: NotificationKind, result: AttemptResult, seconds: f64);

    /// A receiver's circuit breaker stands open or closed; also called once at the start.
    fn breaker(&self, receiver: &str, open: bool);
}

/// How an attempt ended, as metrics and logs name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    /// The receiver has it.
    Delivered,
    /// It will be tried again.
    Retried(FailureReason),
    /// It became a dead letter.
    Dead(FailureReason),
}

impl AttemptResult {
    /// The value of the metric label `outcome`.
    pub const fn outcome(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Retried(_) => "retried",
            Self::Dead(_) => "dead",
        }
    }

    /// The value of the metric label `reason`; empty for a success.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Delivered => "",
            Self::Retried(reason) | Self::Dead(reason) => reason.as_str(),
        }
    }
}
