//! Calm: a stretch of time in which nothing can happen to an SLO.
//!
//! A replay knows what samples are to come. Where they prove that no alert of an SLO can move, its
//! slots need not be taken one by one: the samples of the whole stretch may be read at once, and
//! only its end decided. [`Engine::calm`] is that proof. It is conservative: of what it cannot
//! bound cheaply it says that it is not calm.
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
//! both windows are taken slot by slot, and the SLO is calm until the slot before the first that
//! burns. The budget is bounded likewise. A hole, a series that begins (of the SLO or of a target
//! it shares), stale samples, an open alert: the SLO is calm until the slot before, or not at all.

use std::collections::{BTreeMap, BTreeSet};

use super::burn::burn_rate;
use super::counts::Counts;
use super::evaluation::{STALE_GRACE, STALE_SCRAPES};
use super::feed_state::FeedState;
use super::labels::Labels;
use super::measure::{ReadingOptions, Seen, Tally};
use super::notification::AlertKey;
use super::period::Period;
use super::policy::{Mode, Tier};
use super::sample::Sample;
use super::slo::{Indicator, Slo, SloId};
use super::step::Engine;
use super::time::{Span, Timestamp};

/// Bounds are sums of floats in another order than those they bound: so much (relative) is left
/// between them and what they must not reach.
const MARGIN: f64 = 1e-9;
/// Times are whole milliseconds, and so are mean spacings, rounded down.
const TIME_MARGIN: Span = Span::from_secs(1);

/// What is to come of one series: newer than what was read, in rising time.
pub type Upcoming<'a> = (&'a Labels, &'a [Sample]);

/// How long each SLO of a feed is calm.
#[derive(Clone, Debug, PartialEq)]
pub struct Calm {
    /// By position in the feed: nothing happens to the SLO up to and including this slot. The
    /// time that was asked from means that it is not calm.
    pub until: Vec<Timestamp>,
    /// By position in what is to come: the SLOs that a series counts in.
    pub shares: Vec<Vec<usize>>,
}

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
            until,
            interval: self.options.reading.interval,
        };
        let seen = state
            .live
            .foresee(&state.feed, &self.options.reading, &stretch, upcoming);
        let alerts = self.alerts.keys().filter_map(AlertKey::instance);
        let alerted: BTreeSet<&SloId> = alerts.map(|instance| &instance.slo).collect();
        let mut calm = Calm {
            until: vec![from; state.feed.slos.len()],
            shares: Vec::new(),
        };
        let outlook = Outlook {
            state,
            options: &self.options.reading,
            stretch,
            seen: &seen,
            upcoming,
        };
        for (position, slo) in state.feed.slos.iter().enumerate() {
            if !alerted.contains(&slo.id) && is_bounded(slo) {
                calm.until[position] = outlook.calm(slo, position);
            }
        }
        calm.shares = seen.shares;
        Some(calm)
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
    options: &'a ReadingOptions,
    stretch: Stretch,
    seen: &'a Seen,
    upcoming: &'a [Upcoming<'a>],
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
                coming: self.seen.instances[number].counts,
            };
            if !bound.is_budget_safe() {
                return stretch.from;
            }
            let mut tiers = slo.policy.tiers.iter();
            if !tiers.all(|tier| bound.is_silent(tier)) {
                let each = live.each_slot(number, self.seen, self.options, stretch, self.upcoming);
                until = until.min(bound.before_burning(&each));
            }
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
}

/// What the windows of an instance can come to at most in a stretch.
struct Bound<'a> {
    slo: &'a Slo,
    tally: &'a Tally,
    stretch: &'a Stretch,
    coming: Counts,
}

impl Bound<'_> {
    /// Most bad and least total events of a window at any slot.
    fn extremes(&self, window: Span) -> Counts {
        let Stretch { from, until, .. } = *self.stretch;
        let sums = &self.tally.window;
        let slid = window - until.since(from);
        Counts {
            bad: sums.sum(window, from).bad + self.coming.bad,
            total: match slid > Span::ZERO {
                true => sums.sum_of(window, slid, from).total,
                false => 0.0,
            },
        }
    }

    /// The burn rate that a window cannot exceed; `None` without a bound.
    fn burn(&self, counts: Counts) -> Option<f64> {
        if counts.bad <= 0.0 {
            return Some(0.0);
        }
        let ratio = counts.bad / counts.total;
        (counts.total > 0.0).then(|| burn_rate(ratio, self.slo.objective) * (1.0 + MARGIN))
    }

    fn factor(&self, tier: &Tier) -> f64 {
        tier.factor(self.slo.period.reach())
    }

    /// Whether a tier cannot burn at any slot.
    fn is_silent(&self, tier: &Tier) -> bool {
        let extremes = self.extremes(tier.long);
        let few = extremes.bad * (1.0 + MARGIN) < tier.minimum_events;
        few || self
            .burn(extremes)
            .is_some_and(|burn| burn < self.factor(tier))
    }

    /// The slot before the first at which some tier may burn.
    fn before_burning(&self, each: &[Counts]) -> Timestamp {
        let Stretch {
            from,
            until,
            interval,
        } = *self.stretch;
        let mut sums: BTreeMap<Span, Vec<Counts>> = BTreeMap::new();
        for window in self.slo.policy.tiers.iter().flat_map(|t| [t.long, t.short]) {
            sums.entry(window).or_insert_with(|| {
                let slide = self.tally.window.slide(window, from, interval, each);
                slide.unwrap_or_default()
            });
        }
        let burns = |tier: &Tier, slot: usize| {
            let of = |window: Span| sums.get(&window).and_then(|sums| sums.get(slot)).copied();
            let (Some(long), Some(short)) = (of(tier.long), of(tier.short)) else {
                return true;
            };
            let above = |counts| {
                let burn = self.burn(counts);
                burn.is_none_or(|burn| burn >= self.factor(tier))
            };
            long.bad * (1.0 + MARGIN) >= tier.minimum_events && above(long) && above(short)
        };
        let tiers = &self.slo.policy.tiers;
        let burning = |slot: &usize| tiers.iter().any(|tier| burns(tier, *slot));
        match (0..each.len()).find(burning) {
            Some(slot) => from + interval.times(i64::try_from(slot).unwrap_or(0)),
            None => until,
        }
    }

    /// Whether no threshold of the budget is crossed, nor its end foreseen.
    fn is_budget_safe(&self) -> bool {
        let policy = &self.slo.policy.budget;
        if policy.thresholds.is_empty() && policy.exhaustion_within.is_none() {
            return true;
        }
        let length = self.slo.period.reach();
        let extremes = self.extremes(length);
        let known = self.stretch.until.since(self.tally.first).ratio(length);
        let events = extremes.total / known.min(1.0);
        let allowed = events * self.slo.objective.budget_ratio();
        if !(known > 0.0 && allowed > 0.0) {
            return false;
        }
        let consumed = extremes.bad / allowed * (1.0 + MARGIN);
        if policy
            .thresholds
            .iter()
            .any(|threshold| consumed >= *threshold)
        {
            return false;
        }
        let Some(within) = policy.exhaustion_within else {
            return true;
        };
        if consumed >= 1.0 {
            return false;
        }
        let longest = self
            .slo
            .windows()
            .last()
            .map(|window| self.extremes(*window));
        match longest.map(|extremes| self.burn(extremes)) {
            None => true,
            Some(Some(burn)) if burn < 1.0 => true,
            Some(Some(burn)) => length.scale((1.0 - consumed) / burn) > within + TIME_MARGIN,
            Some(None) => false,
        }
    }
}

impl Stretch {
    /// The position of the slot at which a sample of this time is read.
    pub(super) fn position(&self, at: Timestamp) -> usize {
        let before = self.slot_before(at).since(self.from).as_millis();
        usize::try_from(before / self.interval.as_millis().max(1)).unwrap_or(0)
    }

    /// No events at each slot.
    pub(super) fn empty(&self) -> Vec<Counts> {
        vec![Counts::ZERO; self.slots()]
    }
}
