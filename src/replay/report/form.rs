//! How times and spans are written as JSON: as people write them in definitions.

use serde::Serializer;

use crate::engine::{Span, Timestamp};
use crate::message::figures;

/// RFC 3339 in UTC.
pub(super) fn time<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&figures::rfc3339(*at))
}

/// The same, or `null`.
pub(super) fn time_or_null<S: Serializer>(
    at: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => time(at, serializer),
        None => serializer.serialize_none(),
    }
}

/// The Prometheus notation: `1h30m`.
pub(in crate::replay) fn span<S: Serializer>(
    span: &Span,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(span)
}
