//! Whether what happened is what was expected.

mod said;

use crate::config::trial::wanted::{Range, Wanted, When};
use crate::config::trial::{AlertKind, Claim, Expectation, Located, MessageClaim, Test};
use crate::engine::{AlertKey, InstanceId, Labels, Severity, SloId, Span, StateName, Timestamp};

use super::cast::Cast;
use super::record::{Record, Slot, Told};
use super::timeline;
use super::{Failure, Verdict};
use said::{known, list, said};

/// Judges every claim of a test.
pub(super) fn judge(test: &Test, cast: &Cast, record: &Record) -> Verdict {
    let mut verdict = Verdict {
        slots: record.count as u64,
        ..Verdict::default()
    };
    for (Located { value, .. }, slo) in test.expectations.iter().zip(&cast.meant) {
        let bench = Bench {
            cast,
            record,
            expectation: value,
            slo,
        };
        for claim in &value.claims {
            verdict.claims += 1;
            if let Err(Miss { happened, at }) = bench.claim(&claim.value) {
                let (from, to) = at.map_or((value.from, value.to), |at| (at, at));
                verdict.failures.push(Failure {
                    place: claim.place.clone(),
                    expected: format!("{} {}", said(&claim.value), bench.when()),
                    happened,
                    remarks: cast.remarks.clone(),
                    timeline: timeline::around(record, cast, from, to),
                });
            }
        }
    }
    verdict
}

/// What happened instead, and when.
struct Miss {
    happened: String,
    at: Option<Span>,
}

impl Miss {
    fn new(happened: impl Into<String>, at: Option<Span>) -> Self {
        let happened = happened.into();
        Self { happened, at }
    }
}

type Judgement = Result<(), Miss>;

struct Bench<'a> {
    cast: &'a Cast,
    record: &'a Record,
    expectation: &'a Expectation,
    slo: &'a SloId,
}

impl Bench<'_> {
    fn claim(&self, claim: &Claim) -> Judgement {
        match claim {
            Claim::State(alert, wanted) => self.state(*alert, *wanted),
            Claim::Outcome(wanted) => self.slots(wanted.when, |slot| {
                let is = slot.outcome == wanted.what;
                (is, format!("the slot ended {}", slot.outcome.as_str()))
            }),
            Claim::Tiers(windows) => self.slots(When::Always, |slot| {
                let is = slot.burning == *windows;
                (
                    is,
                    format!("the tiers that burned were {}", list(&slot.burning)),
                )
            }),
            Claim::Burn(window, range) => self.slots(When::Always, |slot| {
                let found = slot.burns.iter().find(|(of, _)| of == window);
                let burn = found.and_then(|(_, burn)| *burn);
                (range.holds(burn), format!("it was {}", known(burn, "")))
            }),
            Claim::Consumed(range) => self.budget(range, |slot| slot.consumed),
            Claim::Remaining(range) => self.budget(range, |slot| slot.remaining),
            Claim::Message(claim) => self.message(claim),
            Claim::Fired(severity, count) => self.fired(*severity, *count),
        }
    }

    fn budget(&self, range: &Range, of: impl Fn(&Slot) -> Option<f64>) -> Judgement {
        self.slots(When::Always, |slot| {
            let percent = of(slot).map(|share| share * 100.0);
            (
                range.holds(percent),
                format!("it was {}", known(percent, "%")),
            )
        })
    }

    fn time(&self, since_start: Span) -> Timestamp {
        self.cast.reel.frame.start + since_start
    }

    fn since_start(&self, at: Timestamp) -> Span {
        at.since(self.cast.reel.frame.start)
    }

    /// The slots of the stretch; of a time, the newest one by then.
    fn times(&self) -> Vec<Timestamp> {
        let interval = self.cast.reel.frame.interval;
        let Expectation { from, to, .. } = self.expectation;
        let (from, to) = (self.time(*from), self.time(*to).align_down(interval));
        let first = match from.align_down(interval) {
            aligned if aligned == from || aligned == to => aligned,
            aligned => aligned + interval,
        };
        let mut times = Vec::new();
        let mut at = first;
        while at <= to {
            times.push(at);
            at = at + interval;
        }
        times
    }

    fn when(&self) -> String {
        match self.expectation {
            Expectation { from, to, .. } if from == to => format!("at {from}"),
            Expectation { from, to, .. } => format!("from {from} to {to}"),
        }
    }

    fn is_meant(&self, instance: &InstanceId) -> bool {
        let labels = self.expectation.labels.iter().flat_map(Labels::iter);
        let mut labels = labels.map(|(name, value)| instance.labels.get(name) == Some(value));
        instance.slo == *self.slo && labels.all(|same| same)
    }

    fn is_about(&self, kind: AlertKind, key: &AlertKey) -> bool {
        match (kind, key) {
            (AlertKind::Burn(wanted), AlertKey::Burn { instance, severity }) => {
                wanted == *severity && self.is_meant(instance)
            }
            (AlertKind::Blind, AlertKey::Blind { instance }) => self.is_meant(instance),
            (AlertKind::SourceDown, AlertKey::SourceDown { .. }) => true,
            _ => false,
        }
    }

    /// The loudest state of the alerts that are meant, and since when.
    fn state_at(&self, kind: AlertKind, at: Timestamp) -> (StateName, Option<Timestamp>) {
        let meant = self.record.alerts().filter(|key| self.is_about(kind, key));
        let states = meant.map(|key| self.record.state(key, at));
        let loudest = states.max_by_key(|(state, _)| *state);
        loudest.unwrap_or((StateName::Inactive, None))
    }

    fn state(&self, kind: AlertKind, wanted: Wanted<StateName>) -> Judgement {
        let mut seen = None;
        for at in self.times() {
            let (state, since) = self.state_at(kind, at);
            let is = state == wanted.what;
            let since_start = self.since_start(at);
            let happened = || {
                let since = since.map_or_else(
                    || "it never moved before".to_owned(),
                    |since| format!("since {}", self.since_start(since)),
                );
                format!("it was {} at {since_start} ({since})", state.as_str())
            };
            match wanted.when {
                When::Always if !is => return Err(Miss::new(happened(), Some(since_start))),
                When::Never if is => return Err(Miss::new(happened(), Some(since_start))),
                When::Once if is => return Ok(()),
                _ => seen = Some(happened()),
            }
        }
        match (wanted.when, seen) {
            (When::Always | When::Never, Some(_)) => Ok(()),
            (When::Once, Some(last)) => Err(Miss::new(format!("it never was; {last}"), None)),
            (_, None) => Err(Miss::new("there was no slot", None)),
        }
    }

    /// Asks every slot of the one instance that is meant.
    fn slots(&self, when: When, ask: impl Fn(&Slot) -> (bool, String)) -> Judgement {
        let meant = self.record.slots.keys().filter(|id| self.is_meant(id));
        let meant: Vec<&InstanceId> = meant.collect();
        let instance = match meant.as_slice() {
            [] => return Err(Miss::new("no slot of it was decided", None)),
            [one] => *one,
            [one, other, ..] => {
                let happened = format!(
                    "there are {} instances, such as {} and {}: name one with labels:",
                    meant.len(),
                    timeline::named(one),
                    timeline::named(other)
                );
                return Err(Miss::new(happened, None));
            }
        };
        let mut last = None;
        for at in self.times() {
            let Some(slot) = self.record.slot(instance, at) else {
                // Before the first slot, and while an instance does not exist.
                continue;
            };
            let since_start = self.since_start(at);
            let (is, text) = ask(slot);
            let miss = || Miss::new(format!("{text} at {since_start}"), Some(since_start));
            match when {
                When::Always if !is => return Err(miss()),
                When::Never if is => return Err(miss()),
                When::Once if is => return Ok(()),
                _ => last = Some(miss()),
            }
        }
        match (when, last) {
            (When::Always | When::Never, Some(_)) => Ok(()),
            (When::Once, Some(last)) => Err(last),
            (_, None) => Err(Miss::new("no slot was decided then", None)),
        }
    }

    /// Whether something happened in the stretch; a time is the slot that ends there.
    fn is_within(&self, at: Timestamp) -> bool {
        let Expectation { from, to, .. } = *self.expectation;
        let (from, to) = (self.time(from), self.time(to));
        match from == to {
            true => at <= to && at + self.cast.reel.frame.interval > to,
            false => from <= at && at <= to,
        }
    }

    fn message(&self, claim: &MessageClaim) -> Judgement {
        let within = self
            .record
            .messages
            .iter()
            .filter(|told| self.is_within(told.at));
        let within: Vec<&Told> = within.collect();
        let mut fitting = within.iter().filter(|told| self.fits(claim, told));
        let first = fitting.next();
        let count = usize::from(first.is_some()) + fitting.count();
        let wanted = claim.count.and_then(|count| usize::try_from(count).ok());
        if wanted.map_or(count > 0, |wanted| count == wanted) {
            return Ok(());
        }
        // The first of those that keep the most conditions.
        let near = within.iter().rev();
        let near = near.max_by_key(|told| self.nearness(claim, told));
        let shown = first.or(near).map(|told| self.shown(told));
        let shown = shown.unwrap_or_default();
        let happened = match (count, within.len()) {
            (0, 0) => "nobody was sent anything".to_owned(),
            (0, 1) => format!("one message was sent, a {shown}"),
            (0, sent) => format!("none of {sent} messages fits; the nearest is a {shown}"),
            (1, _) => format!("one message fits, a {shown}"),
            (some, _) => format!("{some} messages fit, the first a {shown}"),
        };
        let at = first.or(near).map(|told| self.since_start(told.at));
        Err(Miss::new(happened, at))
    }

    fn shown(&self, told: &Told) -> String {
        let at = self.since_start(told.at);
        let (to, kind) = (&told.notification.receiver, told.notification.kind.as_str());
        let words = crate::message::text::line(&told.headline, 200);
        format!("{kind} to {to} at {at}: {words}")
    }

    /// Messages about other SLOs do not count unless the claim is about nobody in particular.
    fn fits(&self, claim: &MessageClaim, told: &Told) -> bool {
        let facts = &told.notification.facts;
        let about = match facts.key.instance() {
            Some(instance) => self.is_meant(instance) || told.notification.group.is_some(),
            None => true,
        };
        about
            && claim
                .to
                .as_ref()
                .is_none_or(|to| *to == told.notification.receiver)
            && claim.kind.is_none_or(|kind| kind == told.notification.kind)
            && claim
                .severity
                .is_none_or(|severity| severity == facts.severity)
            && claim
                .contains
                .as_ref()
                .is_none_or(|part| told.text.contains(part))
            && claim
                .matches
                .as_ref()
                .is_none_or(|pattern| pattern.is_match(&told.text))
    }

    /// How many of the conditions a message keeps.
    fn nearness(&self, claim: &MessageClaim, told: &Told) -> usize {
        let single = |one: MessageClaim| usize::from(self.fits(&one, told));
        let none = MessageClaim::default;
        single(MessageClaim {
            to: claim.to.clone(),
            ..none()
        }) + single(MessageClaim {
            kind: claim.kind,
            ..none()
        }) + single(MessageClaim {
            severity: claim.severity,
            ..none()
        }) + single(MessageClaim {
            contains: claim.contains.clone(),
            ..none()
        })
    }

    fn fired(&self, severity: Severity, wanted: u32) -> Judgement {
        let kind = AlertKind::Burn(severity);
        let begins = self.record.transitions.iter().filter(|transition| {
            transition.to == StateName::Firing
                && transition.from != StateName::Firing
                && self.is_about(kind, &transition.facts.key)
                && self.is_within(transition.at)
        });
        let times: Vec<Span> = begins.map(|begin| self.since_start(begin.at)).collect();
        if u32::try_from(times.len()) == Ok(wanted) {
            return Ok(());
        }
        let happened = match times.as_slice() {
            [] => "none fired".to_owned(),
            some => format!("{} fired, at {}", some.len(), list(some)),
        };
        Err(Miss::new(happened, times.first().copied()))
    }
}
