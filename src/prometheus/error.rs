//! What can go wrong between a question and its answer, and whether asking again may help.
//!
//! No text here holds a credential: neither the URL's user name and password, nor a header, nor a
//! query parameter. What the server says is clipped and stripped of control characters.

use crate::engine::Span;

/// Longest text of a server that is repeated in an error, in characters.
const MESSAGE_CHARS_MAX: usize = 300;

/// A query without a complete, trustworthy answer.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No connection, or it broke before the answer was complete.
    #[error("querying {origin}: no complete answer")]
    Unreachable {
        /// Scheme, host and port.
        origin: String,
        /// Without the URL.
        #[source]
        source: reqwest::Error,
    },
    /// The TLS handshake failed: an unknown authority, a wrong name, no TLS on that port.
    #[error("querying {origin}: tls handshake failed")]
    Tls {
        /// Scheme, host and port.
        origin: String,
        /// Without the URL.
        #[source]
        source: reqwest::Error,
    },
    /// No answer in time.
    #[error("querying {origin}: no answer within {deadline}")]
    Timeout {
        /// Scheme, host and port.
        origin: String,
        /// How long was waited.
        deadline: Span,
    },
    /// 401 or 403: the credentials are missing, wrong or not enough.
    #[error("prometheus refused access with status {status}{}", said(.message))]
    Refused {
        /// HTTP status.
        status: u16,
        /// What the server said.
        message: String,
    },
    /// 429: too many requests.
    #[error("prometheus asks for fewer requests{}", said(.message))]
    Throttled {
        /// How long it wants to be left alone.
        retry_after: Option<Span>,
        /// What the server said.
        message: String,
    },
    /// 408 or 5xx: starting, stopping, overloaded, or a proxy without its backend.
    #[error("prometheus is unavailable with status {status}{}", said(.message))]
    Unavailable {
        /// HTTP status.
        status: u16,
        /// What the server said.
        message: String,
    },
    /// 400, 413, 422: the query is wrong or exceeds a limit, and will again.
    #[error("prometheus refused the query with status {status}{}", said(.message))]
    BadQuery {
        /// HTTP status.
        status: u16,
        /// What the server said.
        message: String,
    },
    /// Something else than an answer of the Prometheus API.
    #[error("prometheus did not give a query result: {detail}")]
    Malformed {
        /// What came instead.
        detail: String,
    },
    /// The answer lacks data: a store did not answer, or a limit cut it off.
    #[error("prometheus gave a partial answer: {warning}")]
    Partial {
        /// The server's reason.
        warning: String,
    },
    /// The answer is larger than the configured bound.
    #[error("the answer is larger than {bytes_max} bytes: make the selectors narrower")]
    TooLarge {
        /// The bound, decompressed.
        bytes_max: u64,
    },
    /// The answer has more series than the configured bound.
    #[error("the answer has more than {series_max} series: make the selectors narrower")]
    TooManySeries {
        /// The bound.
        series_max: usize,
    },
    /// The selected series hold native histograms, which have no single value.
    #[error("{series} is a native histogram: use its classic series or histogram_fraction")]
    NativeHistogram {
        /// The first such series.
        series: String,
    },
    /// The settings of the source cannot work.
    #[error("setting up the prometheus client: {message}")]
    Config {
        /// What is wrong.
        message: String,
    },
}

impl SourceError {
    /// Whether the same query may succeed later without anybody changing a setting.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::Malformed { .. }
            | Self::Partial { .. } => true,
            Self::Tls { .. }
            | Self::Refused { .. }
            | Self::BadQuery { .. }
            | Self::TooLarge { .. }
            | Self::TooManySeries { .. }
            | Self::NativeHistogram { .. }
            | Self::Config { .. } => false,
        }
    }

    /// The word for this kind of error in metrics and logs.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Tls { .. } => "tls",
            Self::Timeout { .. } => "timeout",
            Self::Refused { .. } => "refused",
            Self::Throttled { .. } => "throttled",
            Self::Unavailable { .. } => "unavailable",
            Self::BadQuery { .. } => "bad_query",
            Self::Malformed { .. } => "malformed",
            Self::Partial { .. } => "partial",
            Self::TooLarge { .. } => "too_large",
            Self::TooManySeries { .. } => "too_many_series",
            Self::NativeHistogram { .. } => "native_histogram",
            Self::Config { .. } => "config",
        }
    }

    pub(super) fn malformed(detail: impl AsRef<str>) -> Self {
        Self::Malformed {
            detail: clip(detail.as_ref()),
        }
    }
}

fn said(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

/// A foreign text on one line, and not too much of it.
pub(super) fn clip(text: &str) -> String {
    let line = text
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c });
    let mut clipped: String = line.clone().take(MESSAGE_CHARS_MAX).collect();
    if line.count() > MESSAGE_CHARS_MAX {
        clipped.push_str("...");
    }
    clipped
}
