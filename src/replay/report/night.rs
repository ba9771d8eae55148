//! The nights of a stretch: which there are, and in which of them something happened.

use super::{NightHours, WorstNight};
use crate::engine::{TimeInterval, Timestamp};

/// The nights that a stretch touches, oldest first: unbroken stretches of night time, cut to it.
#[derive(Clone, Debug)]
pub(super) struct Nights {
    interval: TimeInterval,
    /// From, and until then, not included.
    nights: Vec<(Timestamp, Timestamp)>,
    until: Timestamp,
}

impl Nights {
    /// Of the slots in `(from, until]`.
    pub(super) fn new(interval: &TimeInterval, from: Timestamp, until: Timestamp) -> Self {
        let mut nights: Vec<(Timestamp, Timestamp)> = Vec::new();
        // The last slot belongs to the stretch.
        let end = Timestamp::from_millis(until.as_millis().saturating_add(1));
        let mut at = from;
        while at < end {
            let next = interval.same_until(at).min(end);
            if interval.contains(at) {
                match nights.last_mut() {
                    Some((_, until)) if *until == at => *until = next,
                    _ => nights.push((at, next)),
                }
            }
            if next <= at {
                break;
            }
            at = next;
        }
        Self {
            interval: interval.clone(),
            nights,
            until,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.nights.len()
    }

    /// Whether it is night, in the stretch or before it.
    pub(super) fn contains(&self, at: Timestamp) -> bool {
        self.interval.contains(at)
    }

    /// In which night of the stretch this is, if it is in one.
    pub(super) fn number(&self, at: Timestamp) -> Option<usize> {
        let number = self.nights.partition_point(|(from, _)| *from <= at);
        let number = number.checked_sub(1)?;
        let (_, until) = self.nights.get(number)?;
        (at < *until).then_some(number)
    }

    /// The first night with most pages, `pages` being the number of pages by night.
    pub(super) fn worst(&self, pages: &[u64]) -> Option<WorstNight> {
        let most = pages.iter().copied().max().filter(|most| *most > 0)?;
        let number = pages.iter().position(|pages| *pages == most)?;
        let (from, until) = self.nights.get(number)?;
        Some(WorstNight {
            from: *from,
            until: (*until).min(self.until),
            pages: most,
        })
    }

    /// What a report says of them.
    pub(super) fn hours(&self) -> NightHours {
        NightHours {
            zone: self.interval.zone.name().to_owned(),
            times: self.interval.times.clone(),
            weekdays: self.interval.weekdays.clone(),
            nights: self.nights.len() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Span, Zone};

    fn interval(zone: &str) -> TimeInterval {
        TimeInterval {
            times: vec![(0, 7 * 60), (22 * 60, 24 * 60)],
            ..TimeInterval::always(Zone::named(zone).unwrap())
        }
    }

    fn at(text: &str) -> Timestamp {
        let at: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_millis(at.as_millisecond())
    }

    #[test]
    fn a_night_is_one_across_midnight_and_the_change_of_the_clock() {
        // In Berlin the clock goes from 02:00 to 03:00 on 29 March 2026.
        let (from, until) = (at("2026-03-28T12:00:00Z"), at("2026-03-30T12:00:00Z"));
        let nights = Nights::new(&interval("Europe/Berlin"), from, until);
        let short = (at("2026-03-28T21:00:00Z"), at("2026-03-29T05:00:00Z"));
        let usual = (at("2026-03-29T20:00:00Z"), at("2026-03-30T05:00:00Z"));
        assert_eq!(nights.nights, [short, usual]);
        assert_eq!(short.1.since(short.0), Span::from_hours(8));
        assert_eq!(usual.1.since(usual.0), Span::from_hours(9));
        assert_eq!(nights.number(at("2026-03-28T20:59:59Z")), None);
        assert_eq!(nights.number(at("2026-03-28T21:00:00Z")), Some(0));
        assert_eq!(nights.number(at("2026-03-29T04:59:59Z")), Some(0));
        assert_eq!(nights.number(at("2026-03-29T05:00:00Z")), None);
        assert_eq!(nights.number(at("2026-03-29T20:30:00Z")), Some(1));
    }

    #[test]
    fn nights_are_cut_to_the_stretch_and_its_last_slot_belongs_to_it() {
        let (from, until) = (at("2026-03-01T23:00:00Z"), at("2026-03-02T22:00:00Z"));
        let nights = Nights::new(&interval("UTC"), from, until);
        assert_eq!(nights.count(), 2);
        assert_eq!(nights.number(from), Some(0));
        assert_eq!(nights.number(until), Some(1));
        let worst = nights.worst(&[2, 2]).unwrap();
        assert_eq!((worst.from, worst.pages), (from, 2));
        assert_eq!(worst.until, at("2026-03-02T07:00:00Z"));
        let last = nights.worst(&[0, 1]).unwrap();
        assert_eq!((last.from, last.until), (until, until));
        assert_eq!(nights.worst(&[0, 0]), None);
        assert_eq!(nights.worst(&[]), None);
    }

    #[test]
    fn a_night_without_hours_is_always() {
        let always = TimeInterval {
            times: Vec::new(),
            ..interval("UTC")
        };
        let (from, until) = (at("2026-03-01T00:00:00Z"), at("2026-04-01T00:00:00Z"));
        let nights = Nights::new(&always, from, until);
        assert_eq!(nights.count(), 1);
        assert_eq!(nights.hours().nights, 1);
    }
}
