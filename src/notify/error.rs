//! Why a delivery failed, and whether trying again can help.
//!
//! Retryability is part of the type: the worker never guesses from text. The text is shown to
//! people and stored, so it never contains a URL or a credential.

use crate::config::secret::SecretError;
use crate::engine::Span;
use crate::engine::causes::{chain, innermost};

/// One failed attempt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct DeliveryError {
    /// Whether another attempt can succeed.
    pub class: ErrorClass,
    /// Whether the receiver may have the message all the same, so that a repetition may duplicate.
    pub ambiguous: bool,
    /// The kind of failure, for metrics.
    pub reason: FailureReason,
    /// What happened, free of secrets.
    pub text: String,
}

/// Whether another attempt can succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// It can.
    Retry {
        /// The receiver asked to be left alone for so long.
        after: Option<Span>,
    },
    /// It cannot: the receiver refuses this message or these credentials.
    Permanent,
}

/// The kind of a failure: the bounded set of values of the metric label `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureReason {
    /// The deadline passed.
    Timeout,
    /// The connection was refused.
    Refused,
    /// Any other failure of name resolution, connection, TLS or transport.
    Network,
    /// 429 or its equivalent.
    RateLimited,
    /// 5xx or its equivalent.
    ServerError,
    /// 3xx, 4xx or their equivalents.
    ClientError,
    /// Nothing was sent: a secret could not be read, or the attempt broke down here.
    Local,
}

impl FailureReason {
    /// Every reason, so that metrics can start at zero.
    pub const ALL: [Self; 7] = [
        Self::Timeout,
        Self::Refused,
        Self::Network,
        Self::RateLimited,
        Self::ServerError,
        Self::ClientError,
        Self::Local,
    ];

    /// Why a connection failed, by what ended it.
    pub(super) fn of_connection(error: &(dyn std::error::Error + 'static)) -> Self {
        match innermost(error).downcast_ref::<std::io::Error>() {
            Some(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => Self::Refused,
            _ => Self::Network,
        }
    }

    /// The word used in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Network => "network",
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
            Self::ClientError => "client_error",
            Self::Local => "local",
        }
    }
}

impl DeliveryError {
    /// Nothing was sent, for a reason on this side that an operator can mend meanwhile.
    pub(super) fn local(text: impl Into<String>) -> Self {
        Self {
            class: ErrorClass::Retry { after: None },
            ambiguous: false,
            reason: FailureReason::Local,
            text: text.into(),
        }
    }

    /// The deadline passed after the request may have been sent.
    pub(super) fn deadline(deadline: Span) -> Self {
        Self {
            class: ErrorClass::Retry { after: None },
            ambiguous: true,
            reason: FailureReason::Timeout,
            text: format!("waiting for the answer: none within {deadline}"),
        }
    }
}

impl From<SecretError> for DeliveryError {
    fn from(error: SecretError) -> Self {
        Self::local(chain(&error))
    }
}

/// A receiver that cannot be made from its settings.
#[derive(Debug, thiserror::Error)]
#[error("building receiver {receiver:?}: {text}")]
pub struct BuildError {
    receiver: String,
    text: String,
}

/// What is wrong with a setting, before the receiver's name is known.
#[derive(Debug)]
pub(super) struct Problem(String);

impl Problem {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn in_field(self, field: &str) -> Self {
        Self(format!("{field} {}", self.0))
    }

    pub(super) fn of(self, receiver: &str) -> BuildError {
        BuildError {
            receiver: receiver.to_owned(),
            text: self.0,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}
