//! What samples that are still to come would be read as, without reading them.

use crate::engine::calm::{Stretch, Upcoming};
use crate::engine::counts::Counts;
use crate::engine::feed::Feed;
use crate::engine::labels::Labels;
use crate::engine::sample::Sample;
use crate::engine::series::is_counter_value;
use crate::engine::slo::SloId;
use crate::engine::time::{Span, Timestamp};

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
}

/// What is to come of an instance.
#[derive(Clone, Default)]
pub(in crate::engine) struct Coming {
    /// All of it.
    pub(in crate::engine) counts: Counts,
    /// The longest time between two samples of the series that is seen most steadily; `None`
    /// without samples.
    pub(in crate::engine) silence: Option<Span>,
    /// The least that its scrape interval can be taken for.
    pub(in crate::engine) spacing: Option<Span>,
    /// Positions of its series.
    series: Vec<usize>,
}

impl Measure {
    /// Looks at what is to come in a stretch.
    pub(in crate::engine) fn foresee(
        &self,
        feed: &Feed,
        options: &ReadingOptions,
        stretch: &Stretch,
        upcoming: &[Upcoming<'_>],
    ) -> Seen {
        let mut seen = Seen {
            undisturbed: vec![stretch.until; feed.slos.len()],
            instances: vec![Coming::default(); self.tallies.tallies.len()],
            shares: Vec::with_capacity(upcoming.len()),
        };
        let mut homes = vec![0; self.tallies.tallies.len()];
        for (position, slo) in feed.slos.iter().enumerate() {
            for number in self.numbers_of(&slo.id) {
                homes[number] = position;
            }
        }
        let mut births = Vec::new();
        for (at, (labels, samples)) in upcoming.iter().enumerate() {
            let shares = match self.series.get(labels) {
                Some(series) => {
                    self.foresee_series(series, at, samples, options, stretch, &homes, &mut seen)
                }
                None => {
                    births.extend(first_value(samples).map(|first| (*labels, first.at)));
                    feed.shares(labels).into_iter().map(|s| s.slo).collect()
                }
            };
            seen.shares.push(shares);
        }
        if !births.is_empty() {
            self.foresee_births(&births, options, stretch, upcoming, &mut seen);
        }
        seen
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one pass over all that is to come"
    )]
    fn foresee_series(
        &self,
        series: &Series,
        at: usize,
        samples: &[Sample],
        options: &ReadingOptions,
        stretch: &Stretch,
        homes: &[usize],
        seen: &mut Seen,
    ) -> Vec<usize> {
        let mut counter = series.counter;
        let (mut silence, mut spacing) = (Span::ZERO, counter.spacing);
        let (mut amount, mut disturbed) = (0.0, None);
        for sample in samples {
            let before = counter.last_at;
            let increment = counter.take(*sample, options.drops);
            if let Some(increment) = increment {
                amount += increment.amount;
                if increment.from < increment.at {
                    disturbed = disturbed.or(Some(sample.at));
                }
            }
            if counter.last_at > before {
                let elapsed = counter.last_at.since(before);
                silence = silence.max(elapsed);
                spacing = spacing.min(elapsed);
            }
        }
        silence = silence.max(stretch.until.since(counter.last_at));
        let shares: Vec<usize> = series
            .routes
            .iter()
            .map(|route| homes[route.tally])
            .collect();
        if let Some(disturbed) = disturbed {
            seen.disturb(&shares, stretch.slot_before(disturbed));
        }
        for route in &series.routes {
            let coming = &mut seen.instances[route.tally];
            coming.series.push(at);
            coming.counts += Counts {
                bad: route.bad * amount,
                total: route.total * amount,
            };
            if route.total != 0.0 {
                let least =
                    |known: Option<Span>, new: Span| known.map_or(new, |known| known.min(new));
                coming.silence = Some(least(coming.silence, silence));
                coming.spacing = Some(least(coming.spacing, spacing));
            }
        }
        shares
    }

    /// A series that begins disturbs its SLOs, and those that share its target: whether its first
    /// value counts depends on when they were seen.
    fn foresee_births(
        &self,
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

    /// What an instance counts at each slot of a stretch without holes.
    pub(in crate::engine) fn each_slot(
        &self,
        number: usize,
        seen: &Seen,
        options: &ReadingOptions,
        stretch: &Stretch,
        upcoming: &[Upcoming<'_>],
    ) -> Vec<Counts> {
        let mut each = stretch.empty();
        let positions = seen.instances.get(number).map(|coming| &coming.series);
        for position in positions.into_iter().flatten() {
            let Some((labels, samples)) = upcoming.get(*position) else {
                continue;
            };
            let Some(series) = self.series.get(labels) else {
                continue;
            };
            let routes = series.routes.iter().filter(|route| route.tally == number);
            let (bad, total) = routes.fold((0.0, 0.0), |(b, t), r| (b + r.bad, t + r.total));
            let mut counter = series.counter;
            for sample in *samples {
                let increment = counter.take(*sample, options.drops);
                let slot = each.get_mut(stretch.position(sample.at));
                if let (Some(increment), Some(slot)) = (increment, slot) {
                    *slot += Counts {
                        bad: bad * increment.amount,
                        total: total * increment.amount,
                    };
                }
            }
        }
        each
    }

    /// The numbers of the instances of one SLO.
    pub(in crate::engine) fn numbers_of(&self, slo: &SloId) -> impl Iterator<Item = usize> {
        self.tallies.numbers_of(slo)
    }
}

impl Seen {
    fn disturb(&mut self, shares: &[usize], slot: Timestamp) {
        for position in shares {
            let until = &mut self.undisturbed[*position];
            *until = (*until).min(slot);
        }
    }
}

fn first_value(samples: &[Sample]) -> Option<&Sample> {
    samples.iter().find(|sample| is_counter_value(sample.value))
}
