//! Stretches of time in which alerts were up; those too close to tell apart are drawn as one.

use super::dates::Clock;
use super::scale::TimeScale;
use crate::engine::{Severity, Timestamp};

/// Bands that are closer than this, in percent of the breadth, are drawn as one: there are never
/// more than 400 beside each other.
const CLOSE: f64 = 0.25;

/// A stretch of time in which an alert was up.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Band {
    /// Of which variant.
    pub variant: usize,
    /// How loudly.
    pub severity: Severity,
    /// From when.
    pub from: Timestamp,
    /// Until when; `None` if it was up at the end.
    pub to: Option<Timestamp>,
    /// Its highest burn rate, in words.
    pub peak: Option<String>,
}

/// Bands that are drawn as one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Block<'a> {
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// How many they are.
    pub count: usize,
    /// The first of them.
    pub first: &'a Band,
}

/// What is drawn of these bands, in the order of time.
pub(super) fn blocks<'a>(time: TimeScale, bands: impl Iterator<Item = &'a Band>) -> Vec<Block<'a>> {
    let mut bands: Vec<&Band> = bands.collect();
    bands.sort_by_key(|band| (band.from, band.to));
    let mut blocks: Vec<Block<'_>> = Vec::new();
    for band in bands {
        let to = band.to.unwrap_or(time.to).max(band.from);
        match blocks.last_mut() {
            Some(last) if time.percent(band.from) - time.percent(last.to) < CLOSE => {
                last.to = last.to.max(to);
                last.count += 1;
            }
            _ => blocks.push(Block {
                from: band.from,
                to,
                count: 1,
                first: band,
            }),
        }
    }
    blocks
}

impl Block<'_> {
    /// What is said about it: `page, Tue 3 Nov 02:14 to Tue 3 Nov 02:51, peak 32×`.
    pub(super) fn title(&self, clock: &Clock) -> String {
        let from = clock.minute(self.from);
        if self.count > 1 {
            let to = clock.minute(self.to);
            return format!("{} alerts close together, {from} to {to}", self.count);
        }
        let until = match self.first.to {
            Some(at) => format!("to {}", clock.minute(at)),
            None => "and still at the end".to_owned(),
        };
        let peak = self.first.peak.as_deref();
        let peak = peak.map_or_else(String::new, |peak| format!(", peak {peak}"));
        format!("{}, {from} {until}{peak}", self.first.severity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Span;

    fn band(from: i64, to: i64) -> Band {
        Band {
            variant: 0,
            severity: Severity::Page,
            from: Timestamp::from_secs(from),
            to: (to >= 0).then(|| Timestamp::from_secs(to)),
            peak: Some("32×".to_owned()),
        }
    }

    #[test]
    fn what_is_close_is_drawn_as_one() {
        let time = TimeScale::new(Timestamp::EPOCH, Timestamp::from_secs(10_000));
        let spans = [
            (0, 100),
            (110, 120),
            (115, 118),
            (9_000, 9_000),
            (500, 400),
            (9_900, -1),
        ];
        let bands: Vec<Band> = spans.map(|(from, to)| band(from, to)).into();
        let blocks = blocks(time, bands.iter());
        let seen: Vec<(i64, i64, usize)> = blocks
            .iter()
            .map(|b| (b.from.as_millis() / 1000, b.to.as_millis() / 1000, b.count))
            .collect();
        let expected = [
            (0, 120, 3),
            (500, 500, 1),
            (9_000, 9_000, 1),
            (9_900, 10_000, 1),
        ];
        assert_eq!(seen, expected);
        let clock = Clock::named("UTC");
        let titles: Vec<String> = blocks.iter().map(|block| block.title(&clock)).collect();
        assert_eq!(
            titles,
            [
                "3 alerts close together, Thu 1 Jan 00:00 to Thu 1 Jan 00:02",
                "page, Thu 1 Jan 00:08 to Thu 1 Jan 00:06, peak 32×",
                "page, Thu 1 Jan 02:30 to Thu 1 Jan 02:30, peak 32×",
                "page, Thu 1 Jan 02:45 and still at the end, peak 32×",
            ]
        );
    }

    #[test]
    fn a_storm_of_alerts_stays_small() {
        let time = TimeScale::new(Timestamp::EPOCH, Timestamp::EPOCH + Span::from_days(30));
        let many: Vec<Band> = (0..20_000).map(|n| band(n * 129, n * 129 + 30)).collect();
        let blocks = blocks(time, many.iter());
        assert!(blocks.len() <= 400, "{}", blocks.len());
        assert_eq!(
            blocks.iter().map(|block| block.count).sum::<usize>(),
            20_000
        );
    }
}
