//! How times and durations are written in an explanation: as everywhere in the API.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Serialize, Serializer};

use crate::engine::{Span, Timestamp};

/// A time, written `2026-03-01T12:00:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 9999-12-31T23:59:59.999Z: the notation has no later time.
        const MILLIS_MAX: i64 = 253_402_300_799_999;
        let millis = self.0.as_millis().clamp(0, MILLIS_MAX);
        let time = UNIX_EPOCH + Duration::from_millis(millis.unsigned_abs());
        humantime::format_rfc3339_millis(time).fmt(f)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A duration, written `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length(pub Span);

impl Serialize for Length {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
