//! What samples that are still to come would be read as, without reading them.

use crate::engine::calm::{Stretch, Upcoming};
use crate::engine::counts::Counts;
use crate::engine::feed::Feed;
use crate::engine::labels::Labels;
use crate::engine::sample::Sample;
use crate::engine::series::{Counter, Drops, is_counter_value, is_whole};
use crate::engine::time::{Span, Timestamp};

use super::ahead::{Ahead, EXACT_MAX, add_row, pass};
use super::{Measure, ReadingOptions, Series};

/// What is to come of a feed.
pub(in crate::engine) struct Seen {
    /// By position of the SLO: until this slot no series begins and no hole ends, so that every
    /// event is booked at the time of its own sample.
    pub(in crate::engine) undisturbed: Vec<Timestamp>,
    /// By number of the instance.
    pub(in crate::engine) instances: Vec<Coming>,
    /// By series: the positions of the SLOs that it counts in.
    pub(in crate::engine) shares: Vec<Vec<usize>>,
    /// By series: its counter as it stands at the end; `None` if it was not looked at.
    counters: Vec<Option<Counter>>,
}

/// What is to come of an instance.
#[derive(Clone, Default)]
pub(in crate::engine) struct Coming {
    /// All of it.
    pub(in crate::engine) counts: Counts,
    /// The events of each bucket; empty without any.
    pub(in crate::engine) row: Vec<Counts>,
    /// Whether some of it are not whole events of the stretch.
    pub(in crate::engine) is_broken: bool,
    /// The longest time between two samples of the series that is seen most steadily; `None`
    /// without samples.
    pub(in crate::engine) silence: Option<Span>,
    /// The least that its scrape interval can be taken for.
    pub(in crate::engine) spacing: Option<Span>,
}

impl Measure {
    /// Looks at what is to come in a stretch of the SLOs that are wanted, by position.
    pub(in crate::engine) fn foresee(
        &self,
        feed: &Feed,
        options: &ReadingOptions,
        stretch: &Stretch,
        upcoming: &[Upcoming<'_>],
        wanted: &[bool],
    ) -> Seen {
        let mut seen = Seen {
            undisturbed: vec![stretch.until; feed.slos.len()],
            instances: vec![Coming::default(); self.tallies.tallies.len()],
            shares: Vec::with_capacity(upcoming.len()),
            counters: Vec::with_capacity(upcoming.len()),
        };
        let mut homes = vec![0; self.tallies.tallies.len()];
        for (position, slo) in feed.slos.iter().enumerate() {
            for number in self.tallies.numbers_of(&slo.id) {
                homes[number] = position;
            }
        }
        let mut births = Vec::new();
        let mut amounts = vec![0.0; stretch.buckets()];
        for (labels, samples) in upcoming {
            let Some(series) = self.series.get(labels) else {
                births.extend(first_value(samples).map(|first| (*labels, first.at)));
                let shares = feed.shares(labels).into_iter();
                seen.shares.push(shares.map(|share| share.slo).collect());
                seen.counters.push(None);
                continue;
            };
            let routes = series.routes.iter();
            let shares: Vec<usize> = routes.map(|route| homes[route.tally]).collect();
            let is_wanted = shares.is_empty() || shares.iter().any(|share| wanted[*share]);
            let counter = is_wanted.then(|| {
                let drops = options.drops;
                seen.take(series, &shares, samples, drops, stretch, &mut amounts)
            });
            seen.shares.push(shares);
            seen.counters.push(counter);
        }
        if !births.is_empty() {
            foresee_births(&births, options, stretch, upcoming, &mut seen);
        }
        seen
    }
}

/// A series that begins disturbs its SLOs, and those that share its target: whether its first
/// value counts depends on when they were seen.
fn foresee_births(
    births: &[(&Labels, Timestamp)],
    options: &ReadingOptions,
    stretch: &Stretch,
    upcoming: &[Upcoming<'_>],
    seen: &mut Seen,
) {
    for (labels, at) in births {
        let slot = stretch.slot_before(*at);
        let target = labels.pick(&options.target_labels);
        let shared = |(position, (other, _)): (usize, &Upcoming<'_>)| {
            (other.pick(&options.target_labels) == target).then_some(position)
        };
        let positions: Vec<usize> = upcoming.iter().enumerate().filter_map(shared).collect();
        for position in positions {
            let shares = seen.shares[position].clone();
            seen.disturb(&shares, slot);
        }
    }
}

impl Seen {
    /// Looks at one series, with a row of amounts to work in.
    fn take(
        &mut self,
        series: &Series,
        shares: &[usize],
        samples: &[Sample],
        drops: Drops,
        stretch: &Stretch,
        amounts: &mut [f64],
    ) -> Counter {
        amounts.fill(0.0);
        let passed = pass(series.counter, samples, drops, stretch, amounts);
        if let Some(disturbed) = passed.disturbed {
            self.disturb(shares, stretch.slot_before(disturbed));
        }
        for route in &series.routes {
            let coming = &mut self.instances[route.tally];
            let counts = Counts {
                bad: route.bad * passed.amount,
                total: route.total * passed.amount,
            };
            coming.counts += counts;
            let is_exact = |weight: f64| is_whole(weight) && weight * passed.amount <= EXACT_MAX;
            coming.is_broken |= !(passed.is_whole && is_exact(route.bad) && is_exact(route.total));
            if passed.amount > 0.0 {
                add_row(route, amounts, &mut coming.row);
            }
            if route.total != 0.0 {
                let least =
                    |known: Option<Span>, new: Span| known.map_or(new, |known| known.min(new));
                coming.silence = Some(least(coming.silence, passed.silence));
                coming.spacing = Some(least(coming.spacing, passed.spacing));
            }
        }
        passed.counter
    }

    fn disturb(&mut self, shares: &[usize], slot: Timestamp) {
        for position in shares {
            let until = &mut self.undisturbed[*position];
            *until = (*until).min(slot);
        }
    }

    /// What is left to do of the SLOs that are read ahead, by position, and which series were.
    pub(in crate::engine) fn into_ahead(
        self,
        numbers: &[usize],
        ahead: &[bool],
        stretch: &Stretch,
        upcoming: &[Upcoming<'_>],
    ) -> (Ahead, Vec<bool>) {
        let mut done = Ahead {
            from: stretch.from,
            width: stretch.width(),
            counters: Vec::new(),
            rows: Vec::new(),
            seen: None,
        };
        let mut read = vec![false; upcoming.len()];
        let series = upcoming.iter().zip(&self.counters).zip(&self.shares);
        for (at, (((labels, samples), counter), shares)) in series.enumerate() {
            let (Some(counter), true) = (counter, shares.iter().all(|share| ahead[*share])) else {
                continue;
            };
            read[at] = true;
            let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
                continue;
            };
            let (oldest, newest) = done.seen.unwrap_or((first.at, last.at));
            done.seen = Some((oldest.min(first.at), newest.max(last.at)));
            done.counters.push(((*labels).clone(), *counter));
        }
        let mut rows = self.instances;
        for number in numbers {
            let row = std::mem::take(&mut rows[*number].row);
            if !row.is_empty() {
                done.rows.push((*number, row));
            }
        }
        (done, read)
    }
}

fn first_value(samples: &[Sample]) -> Option<&Sample> {
    samples.iter().find(|sample| is_counter_value(sample.value))
}
