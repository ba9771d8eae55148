//! A slow oracle: it remembers every step, and reckons figures from the definitions of their docs.

use std::collections::BTreeMap;

use crate::engine::{
    AlertKey, Effect, Engine, InstanceId, Notification, NotificationKind, Outcome, Severity, Span,
    StateName, TimeInterval, Timestamp, Transition,
};
use crate::replay::report::{BudgetFigures, Figures, SlotFigures};
use crate::replay::{MemoryReel, Player, Script, Watcher};

/// Every step of a replay.
#[derive(Default)]
pub(super) struct Everything {
    transitions: Vec<Transition>,
    sent: Vec<(Timestamp, Notification)>,
    slots: BTreeMap<InstanceId, Vec<Slot>>,
}

struct Slot {
    at: Timestamp,
    outcome: Outcome,
    short_burn: Option<f64>,
    remaining: Option<f64>,
}

impl Watcher for Everything {
    fn see(&mut self, now: Timestamp, effects: &[Effect], engine: &Engine) {
        for effect in effects {
            match effect {
                Effect::Transitioned(transition) => self.transitions.push(transition.clone()),
                Effect::Notify(notification) => self.sent.push((now, notification.clone())),
                _ => {}
            }
        }
        for (feed, at) in engine.decided() {
            let (_, evaluations) = engine.evaluations(feed).unwrap();
            for one in evaluations.iter().filter(|one| one.at == *at) {
                self.slots.entry(one.id.clone()).or_default().push(Slot {
                    at: *at,
                    outcome: one.outcome,
                    short_burn: one.readings.first().and_then(|reading| reading.burn),
                    remaining: one.budget.map(|budget| budget.remaining),
                });
            }
        }
    }
}

/// One firing, by the transitions alone.
struct Firing<'e> {
    key: &'e AlertKey,
    severity: Severity,
    started: Timestamp,
    fired: Timestamp,
    ended: Option<Timestamp>,
}

impl Firing<'_> {
    fn is_burn(&self, severity: Severity) -> bool {
        matches!(self.key, AlertKey::Burn { .. }) && self.severity == severity
    }
}

impl Everything {
    pub(super) fn of(
        script: &Script,
        reel: &mut MemoryReel,
        begin: Timestamp,
        until: Timestamp,
    ) -> Self {
        let mut everything = Self::default();
        let mut player = Player::begin(script, reel, begin).unwrap();
        player.play(reel, until, &mut everything).unwrap();
        everything
    }

    fn firings(&self, id: &InstanceId) -> Vec<Firing<'_>> {
        let mut firings: Vec<Firing<'_>> = Vec::new();
        for transition in &self.transitions {
            let facts = &transition.facts;
            if facts.key.instance() != Some(id) {
                continue;
            }
            if transition.to == StateName::Firing {
                firings.push(Firing {
                    key: &facts.key,
                    severity: facts.severity,
                    started: facts.started_at,
                    fired: transition.at,
                    ended: None,
                });
            } else if transition.from == StateName::Firing {
                let mut open = firings.iter_mut().filter(|f| *f.key == facts.key);
                open.next_back().unwrap().ended = Some(transition.at);
            }
        }
        firings
    }

    /// What the figures of an instance must be.
    pub(super) fn figures(
        &self,
        id: &InstanceId,
        stretch: &Stretch,
        night: &TimeInterval,
    ) -> Figures {
        let Stretch {
            from,
            until,
            slot,
            start,
        } = *stretch;
        let firings = self.firings(id);
        let weeks = until.since(from).ratio(Span::from_days(7));
        let fired = |is_it: &dyn Fn(&Firing<'_>) -> bool| {
            firings
                .iter()
                .filter(|f| f.fired > start && is_it(f))
                .count() as u64
        };
        let time = |severity: Severity| {
            let of_severity = firings.iter().filter(|f| f.is_burn(severity));
            of_severity.fold(Span::ZERO, |time, f| {
                let end = f.ended.unwrap_or(until);
                time + end.since(f.fired.max(from))
            })
        };
        let is_flap = |f: &Firing<'_>| {
            let mut before = firings.iter().filter(|b| b.key == f.key);
            before.any(|b| {
                b.ended
                    .is_some_and(|end| end <= f.fired && f.fired.since(end) <= Span::from_hours(1))
            })
        };
        let nights = nights(stretch, night);
        let mut by_night: BTreeMap<usize, u64> = BTreeMap::new();
        for page in firings
            .iter()
            .filter(|f| f.is_burn(Severity::Page) && f.fired > start)
        {
            if let Some(number) = nights.iter().position(|slots| slots.contains(&page.fired)) {
                *by_night.entry(number).or_default() += 1;
            }
        }
        let pages_at_night: u64 = by_night.values().sum();
        let worst = by_night.values().copied().max();
        let pages = fired(&|f| f.is_burn(Severity::Page));
        let tickets = fired(&|f| f.is_burn(Severity::Ticket));
        let per = |count: u64, of: f64| if of > 0.0 { count as f64 / of } else { 0.0 };
        let up = |at: Timestamp| {
            let mut loud = firings
                .iter()
                .filter(|f| f.is_burn(Severity::Page) || f.is_burn(Severity::Ticket));
            loud.any(|f| f.fired <= at && f.ended.is_none_or(|end| at < end))
        };
        let slots: Vec<&Slot> = self
            .slots
            .get(id)
            .into_iter()
            .flatten()
            .filter(|s| s.at > from)
            .collect();
        let long = |is_it: &dyn Fn(&Slot) -> bool| {
            slot.times(slots.iter().filter(|s| is_it(s)).count() as i64)
        };
        let ended_in =
            |outcome: Outcome| slots.iter().filter(|s| s.outcome == outcome).count() as u64;
        let is_over =
            |s: &Slot| s.outcome.is_evidence() && s.short_burn.is_some_and(|burn| burn > 1.0);
        let of = SlotFigures {
            burning: ended_in(Outcome::Burning),
            quiet: ended_in(Outcome::Quiet),
            no_traffic: ended_in(Outcome::NoTraffic),
            no_data: ended_in(Outcome::NoData),
            failed: ended_in(Outcome::Failed),
        };
        Figures {
            pages,
            tickets,
            infos: fired(&|f| f.is_burn(Severity::Info)),
            blinds: fired(&|f| matches!(f.key, AlertKey::Blind { .. })),
            pages_untold: fired(&|f| f.is_burn(Severity::Page) && !self.is_told(f)),
            open_at_start: firings
                .iter()
                .filter(|f| f.fired <= start && f.ended.is_none_or(|end| end > from))
                .count() as u64,
            open_at_end: firings.iter().filter(|f| f.ended.is_none()).count() as u64,
            pages_per_week: per(pages, weeks),
            tickets_per_week: per(tickets, weeks),
            pages_at_night,
            pages_per_night: per(pages_at_night, nights.len() as f64),
            worst_night: worst.map(|pages| {
                let number = by_night
                    .iter()
                    .find(|(_, count)| **count == pages)
                    .unwrap()
                    .0;
                let slots = &nights[*number];
                crate::replay::report::WorstNight {
                    from: slots[0],
                    until: (*slots.last().unwrap() + slot).min(until),
                    pages,
                }
            }),
            flaps: fired(&|f| {
                (f.is_burn(Severity::Page) || f.is_burn(Severity::Ticket)) && is_flap(f)
            }),
            page_time: time(Severity::Page),
            ticket_time: time(Severity::Ticket),
            burning: long(&|s| s.outcome == Outcome::Burning),
            burning_unalerted: long(&|s| s.outcome == Outcome::Burning && !up(s.at)),
            over_objective: long(&is_over),
            over_objective_unalerted: long(&|s| is_over(s) && !up(s.at)),
            slots: of,
            watched: per(of.burning + of.quiet + of.no_traffic, slots.len() as f64),
        }
    }

    /// What became of the budget of an instance.
    pub(super) fn budget(&self, id: &InstanceId, stretch: &Stretch) -> BudgetFigures {
        let slots = self.slots.get(id).into_iter().flatten();
        let known: Vec<(Timestamp, f64)> = slots
            .filter(|s| s.at > stretch.from)
            .filter_map(|s| Some((s.at, s.remaining?)))
            .collect();
        let lowest = known.iter().map(|(_, left)| *left).reduce(f64::min);
        let spent = known.iter().filter(|(_, left)| *left <= 0.0);
        BudgetFigures {
            first: known.first().map(|(_, left)| *left),
            last: known.last().map(|(_, left)| *left),
            lowest,
            lowest_at: lowest
                .and_then(|low| known.iter().find(|(_, left)| *left == low))
                .map(|k| k.0),
            exhausted_at: spent.clone().next().map(|(at, _)| *at),
            exhausted: stretch.slot.times(spent.count() as i64),
        }
    }

    /// Whether any message told of this firing.
    fn is_told(&self, firing: &Firing<'_>) -> bool {
        self.sent.iter().any(|(_, notification)| {
            let group = notification.group.iter().flat_map(|group| &group.members);
            let facts = match notification.group.is_some() {
                true => group.collect(),
                false => vec![&notification.facts],
            };
            let about = facts
                .iter()
                .any(|f| f.key == *firing.key && f.started_at == firing.started);
            about && notification.kind != NotificationKind::Resolve
        })
    }
}

/// The slots of each night, the beginning of the stretch included.
fn nights(stretch: &Stretch, night: &TimeInterval) -> Vec<Vec<Timestamp>> {
    let mut nights: Vec<Vec<Timestamp>> = Vec::new();
    let (mut at, mut was_night) = (stretch.from, false);
    while at <= stretch.until {
        let is_night = night.contains(at);
        if is_night && !was_night {
            nights.push(Vec::new());
        }
        if is_night {
            nights.last_mut().unwrap().push(at);
        }
        was_night = is_night;
        at = at + stretch.slot;
    }
    nights
}

pub(super) use super::super::instance::Stretch;
