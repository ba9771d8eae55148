//! Times as the people who are woken read them: in the zone of their night.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::engine::Timestamp;

/// A wall clock.
pub(super) struct Clock {
    name: String,
    zone: TimeZone,
}

impl Clock {
    /// Of the zone with this IANA name; UTC if there is none.
    pub(super) fn new(name: &str) -> Self {
        match TimeZoneDatabase::bundled().get(name) {
            Ok(zone) => Self {
                name: name.to_owned(),
                zone,
            },
            Err(_) => Self {
                name: "UTC".to_owned(),
                zone: TimeZone::UTC,
            },
        }
    }

    /// The zone's name.
    pub(super) fn zone(&self) -> &str {
        &self.name
    }

    /// `2026-03-01 09:30`
    pub(super) fn date(&self, at: Timestamp) -> String {
        self.write(at, "%Y-%m-%d %H:%M")
    }

    /// `Sun 03-01 09:30`
    pub(super) fn minute(&self, at: Timestamp) -> String {
        self.write(at, "%a %m-%d %H:%M")
    }

    fn write(&self, at: Timestamp, format: &str) -> String {
        let Ok(at) = jiff::Timestamp::from_millisecond(at.as_millis()) else {
            return "unknown".to_owned();
        };
        at.to_zoned(self.zone.clone()).strftime(format).to_string()
    }
}
