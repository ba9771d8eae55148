//! Wished bursts, put into the past at several times of day, and how fast candidates page.

use serde::Serialize;

use super::tally::Fired;
use super::wishes::Burst;
use crate::engine::{Span, Timestamp};
use crate::replay::inject::{Injection, Plan, Tally};

/// Each burst is put in so many times, if they fit.
pub const BURSTS_EACH: usize = 8;
/// Bursts last so long at least; they go on after they should have been seen, so that it is known
/// how late a late page is.
const LENGTH_MIN: Span = Span::from_mins(10);
const DAY: Span = Span::from_days(1);
/// Multiples of the golden ratio fall evenly over the day, however many there are.
const GOLDEN: f64 = 0.618_033_988_749_894_9;
/// After the last windows have forgotten a burst.
const LULL_MARGIN: Span = Span::from_hours(1);

/// How a wished burst was seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Seen {
    /// How many times it was put in while no page was up, and requests failed of it.
    pub tried: u64,
    /// How many of them paged.
    pub paged: u64,
    /// How many of them in time.
    pub in_time: u64,
    /// Half of those that paged were faster, in seconds.
    pub median_seconds: Option<f64>,
    /// The slowest, in seconds; `None` if one did not page at all, or none was tried.
    pub worst_seconds: Option<f64>,
    /// How many more were put in where scrapes are missing: nobody could have seen those.
    pub broken: u64,
    /// How many more were put in where so little happened that no event failed.
    pub empty: u64,
    /// When each of those that were tried began, in milliseconds since 1970.
    pub starts: Vec<Timestamp>,
}

/// When which burst begins.
pub(super) struct Bursts {
    /// Each injection with the number of its wish.
    injections: Vec<(usize, Injection)>,
}

impl Bursts {
    /// All bursts in turn, from `from` on, so far apart that page windows up to `window` forget one
    /// before the next. The seed moves the times of day.
    pub(super) fn new(
        bursts: &[Burst],
        (from, until): (Timestamp, Timestamp),
        window: Span,
        seed: u64,
    ) -> Self {
        let mut injections = Vec::new();
        let lull = window + LULL_MARGIN;
        let mut at = from;
        // An f64 holds every seed below this exactly.
        let offset = (seed % 1_000_003) as f64 * GOLDEN;
        let turns = (0..BURSTS_EACH).flat_map(|_| bursts.iter().enumerate());
        for (turn, (number, burst)) in turns.enumerate() {
            let share = ((turn + 1) as f64 * GOLDEN + offset).fract();
            let of_day = Span::from_secs(DAY.scale(share).as_millis() / 1000);
            let mut start = at.align_down(DAY) + of_day;
            if start < at {
                start = start + DAY;
            }
            let end = start + burst.within.times(2).max(LENGTH_MIN);
            if end + lull > until {
                break;
            }
            let error_ratio = burst.error_ratio;
            injections.push((
                number,
                Injection {
                    start,
                    end,
                    error_ratio,
                },
            ));
            at = end + lull;
        }
        Self { injections }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.injections.is_empty()
    }

    pub(super) fn plan(&self) -> Plan {
        Plan::new(self.injections.iter().map(|(_, one)| *one).collect())
    }

    /// How each wish came off with one candidate.
    pub(super) fn seen(&self, bursts: &[Burst], fired: &Fired, tally: &Tally) -> Vec<Seen> {
        let wishes = bursts.iter().enumerate();
        let of = |(wish, burst): (usize, &Burst)| {
            let mut times: Vec<Option<Span>> = Vec::new();
            let (mut broken, mut empty, mut starts) = (0, 0, Vec::new());
            let put_in = tally.bad.iter().zip(&tally.broken);
            for ((number, injection), (bad, is_broken)) in self.injections.iter().zip(put_in) {
                if *number == wish && (*is_broken || *bad <= 0.0) {
                    broken += u64::from(*is_broken);
                    empty += u64::from(!*is_broken);
                    continue;
                }
                let (start, end) = (injection.start, injection.end);
                let mut pages = fired.page_times.iter();
                let was_up = pages
                    .clone()
                    .any(|(at, ended)| *at <= start && ended.is_none_or(|ended| ended > start));
                if *number != wish || was_up {
                    continue;
                }
                starts.push(start);
                let page = pages.find(|(at, _)| *at > start && *at <= end + LENGTH_MIN);
                times.push(page.map(|(at, _)| at.since(start)));
            }
            Seen {
                broken,
                empty,
                starts,
                ..seen(burst, times)
            }
        };
        wishes.map(of).collect()
    }
}

fn seen(burst: &Burst, times: Vec<Option<Span>>) -> Seen {
    let tried = times.len();
    let mut paged: Vec<Span> = times.into_iter().flatten().collect();
    paged.sort_unstable();
    let worst = paged.last().filter(|_| paged.len() == tried);
    Seen {
        tried: tried as u64,
        paged: paged.len() as u64,
        in_time: paged.iter().filter(|time| **time <= burst.within).count() as u64,
        median_seconds: paged.get(paged.len() / 2).map(|time| time.as_secs_f64()),
        worst_seconds: worst.map(|time| time.as_secs_f64()),
        ..Seen::default()
    }
}
