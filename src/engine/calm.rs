//! Calm: a stretch of time in which nothing can happen to an SLO.
//!
//! A replay knows what samples are to come. Where they prove that no alert of an SLO can move, its
//! slots need not be taken one by one: the samples of the whole stretch may be read at once, and
//! only its end decided. [`Engine::calm`] is that proof. It is conservative: of what it cannot
//! bound cheaply it says that it is not calm. Samples are looked at once: what they come to is part
//! of the answer, and is booked as it stands ([`ReadAhead`]) where an SLO is calm in all of the stretch.
//!
//! # What is proven
//!
//! For a slot `s` in `(t0, t1]` and a window `w`, with events that only add up:
//!
//! ```text
//! bad(s-w, s]   <= bad(t0-w, t1]      all bad events of the stretch fall at once,
//! total(s-w, s] >= total(t1-w, t0]    and its good ones not at all
//! ```
//!
//! so a tier is silent in all of the stretch if the quotient stays below its factor in the long
//! window, or if there are fewer bad events than it asks for. Where that is not enough the sums of
//! the tier's windows are taken slot by slot, and the SLO is calm until the slot before the first
//! that burns. The budget is bounded likewise. A hole, a series that begins (of the SLO or of a
//! target it shares), stale samples, an open alert: the SLO is calm until the slot before, or not
//! at all.
//!
//! # Why it may be read ahead
//!
//! Nothing but the end of the stretch looks at the windows of an SLO that rests, so it does not
//! matter that they hold what is yet to come. The feed as a whole does look at who was seen when,
//! once an hour, to forget what is gone: so where anything might be forgotten, or an alert might end
//! because its instance has been, a stretch ends with the hour. Otherwise those hours pass without
//! an effect. Series that count in several SLOs are read ahead if all of these are.

use std::collections::BTreeSet;

use super::counts::Counts;
use super::evaluation::{STALE_GRACE, STALE_SCRAPES};
use super::feed_state::FeedState;
use super::labels::Labels;
use super::measure::{Ahead, Seen, Tally};
use super::notification::AlertKey;
use super::period::Period;
use super::policy::Mode;
use super::sample::{self, Sample};
use super::slo::{Indicator, InstanceId, Slo, SloId};
use super::step::Engine;
use super::time::{Span, Timestamp};

mod bound;

use bound::Bound;

/// Times are whole milliseconds, and so are mean spacings, rounded down.
const TIME_MARGIN: Span = Span::from_secs(1);
/// Things are forgotten this often, and a feed that is not seen for so long was out.
const SWEEP: Span = Span::from_hours(1);

/// What is to come of one series: newer than what was read, in rising time.
pub type Upcoming<'a> = (&'a Labels, &'a [Sample]);

/// How long each SLO of a feed is calm.
#[derive(Clone, Debug, PartialEq)]
pub struct Calm {
    /// The end of the stretch that was looked at: what was asked for, or earlier.
    pub end: Timestamp,
    /// By position in the feed: nothing happens to the SLO up to and including this slot. The
    /// time that was asked from means that it is not calm, or rests already.
    pub until: Vec<Timestamp>,
    /// By position in what is to come: the SLOs that a series counts in.
    pub shares: Vec<Vec<usize>>,
    /// By position in what is to come: whether all of it up to the end has been read ahead. It
    /// must not be told again.
    pub read: Vec<bool>,
    /// What was read ahead: all of the SLOs that are calm up to the end, but for some.
    pub ahead: ReadAhead,
}

/// What was counted of a stretch that is calm; goes into [`Input::Rested`](super::Input::Rested)
/// before the feed is told anything else.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadAhead(pub(super) Box<Ahead>);

impl Engine {
    /// Until when nothing can happen to the SLOs of a feed that has been decided at `from`, if
    /// what is given comes until `until` and the source does not fail. `None` if that cannot be
    /// said of such a feed at all.
    pub fn calm(
        &self,
        feed: &str,
        from: Timestamp,
        until: Timestamp,
        upcoming: &[Upcoming<'_>],
    ) -> Option<Calm> {
        let state = self.feeds.get(feed)?;
        let is_read = state.live.read_until() == Some(from) && state.fresh.is_none();
        let excludes = |m: &super::maintenance::Maintenance| m.exclude_from_budget;
        if !is_read
            || state.live.blindness.failure().is_some()
            || self.links.readers(feed).next().is_some()
            || self.routing.maintenance.iter().any(excludes)
        {
            return None;
        }
        let stretch = Stretch {
            from,
            until: self.before_sweep(state, from, until),
            interval: self.options.reading.interval,
        };
        let upcoming = upcoming.iter();
        let readable = upcoming.map(|(labels, samples)| {
            let samples = sample::until(samples, stretch.until);
            (*labels, samples)
        });
        let upcoming: Vec<Upcoming<'_>> = readable.collect();
        let wanted = self.wanted(state, from);
        let options = &self.options.reading;
        let seen = state
            .live
            .foresee(&state.feed, options, &stretch, &upcoming, &wanted);
        let outlook = Outlook {
            state,
            stretch,
            seen: &seen,
        };
        let slos = state.feed.slos.iter().enumerate();
        let until = slos.map(|(position, slo)| match wanted[position] {
            true => outlook.calm(slo, position),
            false => from,
        });
        let until: Vec<Timestamp> = until.collect();
        let (ahead, numbers) = outlook.ahead(&until);
        let shares = seen.shares.clone();
        let (ahead, read) = seen.into_ahead(&numbers, &ahead, &stretch, &upcoming);
        Some(Calm {
            end: stretch.until,
            until,
            shares,
            read,
            ahead: ReadAhead(Box::new(ahead)),
        })
    }

    /// By position, the SLOs of a feed that may be calm and do not rest.
    fn wanted(&self, state: &FeedState, from: Timestamp) -> Vec<bool> {
        let alerts = self.alerts.keys().filter_map(AlertKey::instance);
        let alerted: BTreeSet<&SloId> = alerts.map(|instance| &instance.slo).collect();
        let slos = state.feed.slos.iter().enumerate();
        let wanted = slos.map(|(position, slo)| {
            let rests = state.rests.get(position).is_some_and(|until| *until > from);
            !rests && !alerted.contains(&slo.id) && is_bounded(slo)
        });
        wanted.collect()
    }

    /// The end of a stretch in which nothing of the feed is forgotten but at its end.
    fn before_sweep(&self, state: &FeedState, from: Timestamp, until: Timestamp) -> Timestamp {
        let forgets = state.live.forgets_from(self.options.reading.forget_after);
        // An alert whose instance is forgotten already waits for an hour to end it.
        let is_lost = |instance: &InstanceId| {
            self.slos.contains_key(&instance.slo)
                && !instance.labels.is_empty()
                && state.live.covered_from(&instance.slo).is_some()
                && state.live.tally(instance).is_none()
        };
        let mut alerts = self.alerts.keys().filter_map(AlertKey::instance);
        match forgets.is_none_or(|at| at >= until) && !alerts.any(is_lost) {
            true => until,
            false => until.min(from.align_down(SWEEP) + SWEEP),
        }
    }
}

/// A stretch of slots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) interval: Span,
}

impl Stretch {
    /// The slot before the one at which a sample of this time is read.
    pub(super) fn slot_before(&self, at: Timestamp) -> Timestamp {
        let inside = at.since(self.from).as_millis().max(1) - 1;
        let slots = inside / self.interval.as_millis().max(1);
        self.from + self.interval.times(slots)
    }

    fn slots(&self) -> usize {
        let length = self.until.since(self.from).as_millis();
        usize::try_from(length / self.interval.as_millis().max(1)).unwrap_or(0)
    }
}

/// Whether the bounds hold for such an SLO: events that only add up, weighed against their own
/// window, over a period of constant length.
fn is_bounded(slo: &Slo) -> bool {
    let adds = match &slo.indicator {
        Indicator::Counters { bad, total } => bad.iter().chain(total).all(|t| t.coefficient > 0.0),
        Indicator::Windows(_) | Indicator::Slices { .. } | Indicator::Composite(_) => false,
    };
    adds && slo.policy.mode == Mode::Ratio && matches!(slo.period, Period::Rolling(_))
}

/// What is known of a feed and of what is to come of it.
struct Outlook<'a> {
    state: &'a FeedState,
    stretch: Stretch,
    seen: &'a Seen,
}

impl Outlook<'_> {
    /// Until when an SLO is calm.
    fn calm(&self, slo: &Slo, position: usize) -> Timestamp {
        let (live, stretch) = (&self.state.live, &self.stretch);
        let longest = slo.reach.longest_window();
        let covered = live.covered_from(&slo.id);
        if covered.is_none_or(|covered| covered > stretch.from - longest) {
            return stretch.from;
        }
        let mut until = self.seen.undisturbed[position];
        let mut is_seen = false;
        for number in live.numbers_of(&slo.id) {
            let tally = &live.tallies()[number];
            is_seen |= self.is_fresh(number, tally);
            let bound = Bound {
                slo,
                tally,
                stretch,
                coming: &self.seen.instances[number],
            };
            if !bound.is_budget_safe() {
                return stretch.from;
            }
            until = until.min(bound.before_burning());
        }
        if is_seen { until } else { stretch.from }
    }

    /// Whether at every slot there is a sample that is not stale.
    fn is_fresh(&self, number: usize, tally: &Tally) -> bool {
        let coming = &self.seen.instances[number];
        let (Some(silence), Some(spacing)) = (coming.silence, coming.spacing) else {
            return false;
        };
        let oldest = spacing.min(tally.spacing).times(STALE_SCRAPES) + STALE_GRACE;
        tally.newest.is_some() && silence + TIME_MARGIN <= oldest
    }

    /// By position, whether an SLO may be read ahead, and the numbers of the instances of those
    /// that may: calm up to the end, and whole numbers in whole buckets of theirs alone.
    fn ahead(&self, until: &[Timestamp]) -> (Vec<bool>, Vec<usize>) {
        let (live, end) = (&self.state.live, self.stretch.until);
        let is_seamless = |number: usize| {
            let coming = &self.seen.instances[number];
            // Longer silence of everything would be an outage.
            !coming.is_broken && coming.silence.is_none_or(|silence| silence < SWEEP)
        };
        let slos = || self.state.feed.slos.iter();
        let nests = self.stretch.nests() && end > self.stretch.from;
        let ahead = slos().zip(until).map(|(slo, until)| {
            nests && *until == end && live.numbers_of(&slo.id).all(is_seamless)
        });
        let mut ahead: Vec<bool> = ahead.collect();
        // What one cannot keep up with holds back those that it shares a series with.
        let mut is_settled = false;
        while !is_settled {
            is_settled = true;
            for shares in &self.seen.shares {
                if shares.iter().any(|share| !ahead[*share]) {
                    for share in shares {
                        is_settled &= !std::mem::replace(&mut ahead[*share], false);
                    }
                }
            }
        }
        let kept = slos().zip(&ahead).filter(|(_, ahead)| **ahead);
        let numbers = kept.flat_map(|(slo, _)| live.numbers_of(&slo.id)).collect();
        (ahead, numbers)
    }
}

impl Stretch {
    /// A row of buckets by slot.
    fn by_slot(&self, row: &[Counts]) -> Vec<Counts> {
        let slots = self.slots();
        if row.is_empty() || slots == 0 {
            return vec![Counts::ZERO; slots];
        }
        let slot = |buckets: &[Counts]| buckets.iter().fold(Counts::ZERO, |sum, b| sum + *b);
        row.chunks((row.len() / slots).max(1)).map(slot).collect()
    }
}
