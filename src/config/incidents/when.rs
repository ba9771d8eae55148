//! Times of incidents: with their offset, or of a zone that somebody named.

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::Cell;
use crate::config::diagnostic::{Report, excerpt};
use crate::engine::{Timestamp, Zone};

/// Reads times; those without an offset are of its zone.
pub(super) struct Clock<'a> {
    zone: Option<(&'a str, TimeZone)>,
}

/// Why a text is no time.
enum Wrong {
    /// It is something else.
    Unreadable,
    /// It does not say its offset, and nobody named a zone.
    NoOffset,
    /// The clocks of the zone show it twice, or never.
    Ambiguous,
}

impl<'a> Clock<'a> {
    pub(super) fn new(zone: Option<&'a Zone>) -> Self {
        let known = |zone: &'a Zone| {
            let found = TimeZoneDatabase::bundled().get(zone.name());
            (zone.name(), found.unwrap_or(TimeZone::UTC))
        };
        Self {
            zone: zone.map(known),
        }
    }

    /// The time that a text says; what is wrong with it is reported.
    pub(super) fn read(&self, (mark, text): &Cell, report: &Report<'_>) -> Option<Timestamp> {
        let wrong = match self.instant(text.trim()) {
            Ok(at) => return Some(at),
            Err(wrong) => wrong,
        };
        let shown = excerpt(text);
        let (message, fix) = match wrong {
            Wrong::Unreadable => (
                format!("{shown:?} is no time"),
                "write it as RFC 3339, such as 2026-11-21T22:00:00Z".to_owned(),
            ),
            Wrong::NoOffset => (
                format!("{shown:?} does not say its offset from UTC"),
                "append Z or an offset such as +01:00, or name the zone of all such times"
                    .to_owned(),
            ),
            Wrong::Ambiguous => (
                format!(
                    "clocks in {} show {shown:?} twice or never, for they are changed then",
                    self.zone.as_ref().map_or("UTC", |(name, _)| name)
                ),
                "append the offset, such as +01:00".to_owned(),
            ),
        };
        report.error(*mark, message, fix);
        None
    }

    fn instant(&self, text: &str) -> Result<Timestamp, Wrong> {
        let normal = normal(text);
        if let Ok(at) = normal.parse::<jiff::Timestamp>() {
            return Ok(Timestamp::from_millis(at.as_millisecond()));
        }
        let has_time = normal.contains(':');
        let civil: DateTime = match normal.parse() {
            Ok(civil) if has_time => civil,
            _ => return Err(Wrong::Unreadable),
        };
        let (_, zone) = self.zone.as_ref().ok_or(Wrong::NoOffset)?;
        let at = zone.to_ambiguous_timestamp(civil).unambiguous();
        let at = at.map_err(|_| Wrong::Ambiguous)?;
        Ok(Timestamp::from_millis(at.as_millisecond()))
    }
}

/// Exports write `2026-11-21 22:00:00 +0100` and `.. UTC`; RFC 3339 has no space there.
fn normal(text: &str) -> String {
    if let Some(time) = text.strip_suffix(" UTC") {
        return format!("{time}Z");
    }
    match text.rsplit_once(' ') {
        Some((time, offset)) if offset.starts_with(['+', '-']) => format!("{time}{offset}"),
        _ => text.to_owned(),
    }
}
