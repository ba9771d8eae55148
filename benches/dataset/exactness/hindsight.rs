//! What the samples of a time allow to know then: a judge with hindsight, but without foresight.
//!
//! It knows of every event the second in which it happened, and which counters began anew and
//! when, but only of those events that a scrape up to the slot has shown. So it is wrong or late
//! only where samples are: one was lost or is not there yet, Prometheus has a gap, a pod counted
//! something between its last scrape and its end. What slofuse is later than this judge is
//! slofuse's own; the rest is the source's. It knows more than any reader of samples can: they say
//! between which scrapes an event happened and not when, and not what a new pod's first sample
//! holds of the time since it began. And it does not guess: who does may be earlier by luck.

use super::intervals::Decisions;
use super::truth::{SLOT, decisions};

/// Bad and total events.
type Events = (u64, u64);

/// What the scrapes of one place for pods have shown; pods follow each other there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// Events up to each slot by the time at which they happened, without those that no scrape
    /// ever showed.
    happened: Vec<Events>,
    /// Events that scrapes up to each slot have shown.
    shown: Vec<Events>,
}

impl Place {
    /// From the events of every second, the seconds at which processes began, and the scrapes (in
    /// milliseconds), all counted from the beginning of the world and in rising order.
    pub(crate) fn new(
        seconds: impl Iterator<Item = Events>,
        starts: &[i64],
        scrapes: &[i64],
    ) -> Self {
        let mut counted = vec![(0, 0)];
        let mut sum = (0, 0);
        for second in seconds {
            sum = plus(sum, second);
            counted.push(sum);
        }
        let before = |second: i64| {
            let at = usize::try_from(second).unwrap_or(0);
            counted[at.min(counted.len() - 1)]
        };
        let end = counted.len() as i64 - 1;
        let mut place = Self::default();
        let (mut known, mut shown_until) = ((0, 0), 0);
        for scrape in scrapes {
            place.stand(scrape - 1, known);
            let second = scrape.div_euclid(1_000).min(end);
            let process = starts.partition_point(|start| *start <= second);
            let began = process.checked_sub(1).map_or(0, |at| starts[at]);
            let from = began.max(shown_until);
            place.happen(from, second, known, before);
            known = plus(known, minus(before(second), before(from)));
            shown_until = second.max(shown_until);
        }
        place.stand(end * 1_000, known);
        place.happen(end, end, known, before);
        place
    }

    /// So much is known at every slot up to this millisecond.
    fn stand(&mut self, until: i64, known: Events) {
        while self.shown.len() as i64 * SLOT * 1_000 <= until {
            self.shown.push(known);
        }
    }

    /// What a scrape shows happened from one second to another.
    fn happen(&mut self, from: i64, until: i64, known: Events, before: impl Fn(i64) -> Events) {
        while self.happened.len() as i64 * SLOT <= until {
            let slot = (self.happened.len() as i64 * SLOT).max(from);
            let events = plus(known, minus(before(slot), before(from)));
            self.happened.push(events);
        }
    }

    fn window(&self, slot: usize, back: usize) -> Events {
        let at = |row: &[Events], slot: usize| row.get(slot).copied().unwrap_or_default();
        let old = at(&self.happened, slot.saturating_sub(back));
        minus(at(&self.shown, slot), old)
    }
}

/// What the scrapes of a service have shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hindsight(pub(crate) Vec<Place>);

impl Hindsight {
    /// When each rule is known to hold at the slots `from..=until`, from the samples up to each.
    pub(crate) fn decisions(&self, from: usize, until: usize) -> Decisions {
        decisions(from, until, |slot, window| self.window(slot, window))
    }

    /// Bad and total events of a window (seconds) that ends at a slot, as far as shown by then.
    pub(crate) fn window(&self, slot: usize, window: i64) -> Events {
        let back = usize::try_from(window / SLOT).unwrap_or(usize::MAX);
        let places = self.0.iter().map(|place| place.window(slot, back));
        places.fold((0, 0), plus)
    }
}

fn plus(a: Events, b: Events) -> Events {
    (a.0 + b.0, a.1 + b.1)
}

fn minus(a: Events, b: Events) -> Events {
    (a.0.saturating_sub(b.0), a.1.saturating_sub(b.1))
}
