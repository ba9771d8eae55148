//! Presence: when silence means that something is gone.
//!
//! A label set that is not seen for long is forgotten and its alerts end. That is right only
//! while others are seen: after an outage of the source nothing was seen, and nothing is gone.

use serde::{Deserialize, Serialize};

use super::time::{Span, Timestamp};

/// So much time without anything at all is an outage.
const OUTAGE_MIN: Span = Span::from_hours(1);

/// Since when a feed has been seen without an outage.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Presence {
    seen: Option<Stretch>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Stretch {
    from: Timestamp,
    until: Timestamp,
}

impl Presence {
    /// Something was seen again and again from `from` to `until`. Stretches come in order.
    pub(super) fn see(&mut self, from: Timestamp, until: Timestamp) {
        let from = match self.seen {
            Some(seen) if until <= seen.until => return,
            Some(seen) if from.since(seen.until) < OUTAGE_MIN => seen.from,
            _ => from,
        };
        self.seen = Some(Stretch { from, until });
    }

    /// The newest time at which something was seen.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        Some(self.seen?.until)
    }

    /// What was last seen before this time is gone; `None` while nobody can say.
    pub(super) fn horizon(&self, forget_after: Span) -> Option<Timestamp> {
        let stretch = self.seen?;
        let horizon = stretch.until - forget_after;
        (stretch.from <= horizon).then_some(horizon)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The horizon in hours after things were seen at these hours, 24 h being remembered.
    fn horizon(seen_hours: impl IntoIterator<Item = f64>) -> Option<f64> {
        let mut presence = Presence::default();
        for hour in seen_hours {
            let at = Timestamp::EPOCH + Span::from_hours(1).scale(hour);
            presence.see(at, at);
        }
        let horizon = presence.horizon(Span::from_hours(24))?;
        Some(horizon.since(Timestamp::EPOCH).ratio(Span::from_hours(1)))
    }

    fn hours(from: i32, until: i32) -> impl Iterator<Item = f64> {
        (from * 2..=until * 2).map(|half| f64::from(half) / 2.0)
    }

    #[test]
    fn what_was_not_seen_for_long_is_gone() {
        assert_eq!(horizon([]), None);
        assert_eq!(horizon(hours(0, 23)), None, "not watched for long enough");
        assert_eq!(horizon(hours(0, 30)), Some(6.0));
    }

    #[test]
    fn nothing_is_gone_after_an_outage() {
        let outage = || hours(0, 30).chain(hours(60, 61));
        assert_eq!(horizon(outage()), None);
        assert_eq!(horizon(outage().chain(hours(61, 90))), Some(66.0));
    }

    #[test]
    fn a_long_reading_is_no_outage() {
        let mut presence = Presence::default();
        presence.see(Timestamp::EPOCH, Timestamp::EPOCH + Span::from_days(2));
        let horizon = presence.horizon(Span::from_days(1));
        assert_eq!(horizon, Some(Timestamp::EPOCH + Span::from_days(1)));
    }
}
