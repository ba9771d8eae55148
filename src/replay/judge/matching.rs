//! Who told of what: alerts and events are joined one to one, in the order of time.

use super::figures::{FalseAlert, Quantiles, Verdict, VerdictKind};
use super::{Alert, Event, Judgement, Terms};
use crate::engine::{Severity, Span, Timestamp};

const WEEK: Span = Span::from_days(7);

/// Holds alerts against events.
///
/// Alerts are taken in the order in which people were told. An alert may tell of the events that
/// it overlaps, give or take the grace, and whose subject admits it. It tells of the first (by
/// start) of those that nobody has told of yet and that had begun when it fired. If there is none,
/// it repeats what is known; if nothing is known of any of them, it came early and tells of the
/// first. An alert that overlaps none is false, unless it was up when the stretch began.
///
/// So an alert tells of one event at most: one that stays up into the next event masks that event,
/// for nobody is told anew.
pub fn judge(events: &[Event], alerts: &[Alert], terms: &Terms) -> Judgement {
    let mut court = Court::new(events, terms);
    let mut heard: Vec<&Alert> = alerts
        .iter()
        .filter(|alert| alert.severity <= terms.severity)
        .collect();
    heard.sort_by(|a, b| (a.told_at, &a.key).cmp(&(b.told_at, &b.key)));
    for alert in &heard {
        court.hear(alert);
    }
    let is_new = |alert: &&&Alert| alert.told_at >= terms.from;
    court.conclude(heard.iter().filter(is_new).count())
}

/// An event on trial.
struct Case<'a> {
    event: &'a Event,
    /// Position in the list that was handed in.
    position: usize,
    end: Timestamp,
    /// When somebody was told, and by which alert.
    told: Option<&'a Alert>,
    /// When the last alert that told of it ended; `None` while one is up.
    last_until: Option<Timestamp>,
    /// Stretches in which an alert about it was up, by their start.
    up: Vec<(Timestamp, Timestamp)>,
}

struct Court<'a> {
    terms: &'a Terms,
    /// By start.
    cases: Vec<Case<'a>>,
    /// The latest end of this case and those before it.
    ends: Vec<Timestamp>,
    repeats: u64,
    louder: u64,
    false_list: Vec<FalseAlert>,
}

impl<'a> Court<'a> {
    fn new(events: &'a [Event], terms: &'a Terms) -> Self {
        let known = events.iter().enumerate();
        let mut cases: Vec<Case<'_>> = known
            .filter(|(_, event)| event.start < terms.until)
            .map(|(position, event)| Case {
                event,
                position,
                end: event.end.unwrap_or(terms.until).min(terms.until),
                told: None,
                last_until: None,
                up: Vec::new(),
            })
            .collect();
        cases.sort_by_key(|case| (case.event.start, case.position));
        let ends = cases.iter().scan(Timestamp::EPOCH, |latest, case| {
            *latest = case.end.max(*latest);
            Some(*latest)
        });
        Self {
            terms,
            ends: ends.collect(),
            cases,
            repeats: 0,
            louder: 0,
            false_list: Vec::new(),
        }
    }

    /// The cases that an alert overlaps, by start.
    fn overlapped(&self, alert: &Alert) -> Vec<usize> {
        let grace = self.terms.grace;
        let (from, until) = (alert.told_at, alert.until.unwrap_or(self.terms.until));
        let begun = |case: &Case<'_>| case.event.start <= until + grace;
        let count = self.cases.partition_point(begun);
        let mut found = Vec::new();
        for at in (0..count).rev() {
            if self.ends.get(at).is_none_or(|end| *end + grace < from) {
                break;
            }
            let case = self.cases.get(at);
            let fits = |case: &&Case<'_>| {
                case.end + grace >= from && case.event.subject.admits_alert(alert)
            };
            found.extend(case.filter(fits).map(|_| at));
        }
        found.reverse();
        found
    }

    fn hear(&mut self, alert: &'a Alert) {
        let overlapped = self.overlapped(alert);
        let until = alert.until.unwrap_or(self.terms.until);
        for at in &overlapped {
            if let Some(case) = self.cases.get_mut(*at) {
                case.up.push((alert.told_at, until));
            }
        }
        let of = |at: &usize| self.cases.get(*at);
        let is_wanted = |at: &&usize| of(at).is_some_and(|case| self.wants(case.event));
        let (wanted, other): (Vec<usize>, Vec<usize>) = overlapped.iter().partition(is_wanted);
        let grace = self.terms.grace;
        let is_told = |at: &usize| of(at).is_some_and(|case| case.told.is_some());
        let had_begun =
            |at: &usize| of(at).is_some_and(|case| case.event.start <= alert.told_at + grace);
        let mut news = wanted.iter().filter(|at| !is_told(at) && had_begun(at));
        let told = wanted.iter().rev().find(|at| is_told(at));
        match (news.next(), told, wanted.first()) {
            (Some(at), _, _) | (None, None, Some(at)) => self.tell(*at, alert),
            (None, Some(at), _) => {
                self.repeats += 1;
                self.note_end(*at, alert);
            }
            (None, None, None) if !other.is_empty() => self.louder += 1,
            // What it told of before the stretch may not be among the events.
            (None, None, None) if alert.told_at < self.terms.from => {}
            (None, None, None) => self.false_list.push(FalseAlert {
                key: alert.key.clone(),
                told_at: alert.told_at,
                until: alert.until,
            }),
        }
    }

    /// Whether alerts of the judged severity should tell of this event, or would be wrong to.
    fn wants(&self, event: &Event) -> bool {
        let loud_enough = |wanted: Severity| wanted <= self.terms.severity;
        event.severity.is_none_or(loud_enough)
    }

    fn tell(&mut self, at: usize, alert: &'a Alert) {
        if let Some(case) = self.cases.get_mut(at) {
            case.told = Some(alert);
            case.last_until = alert.until;
        }
    }

    fn note_end(&mut self, at: usize, alert: &Alert) {
        if let Some(case) = self.cases.get_mut(at) {
            case.last_until = match (case.last_until, alert.until) {
                (Some(known), Some(until)) => Some(known.max(until)),
                _ => None,
            };
        }
    }

    fn conclude(self, alerts: usize) -> Judgement {
        let terms = *self.terms;
        let judged = |case: &&Case<'_>| case.event.start >= terms.from && self.wants(case.event);
        let cases: Vec<&Case<'_>> = self.cases.iter().filter(judged).collect();
        let verdicts: Vec<(&Event, Verdict)> = cases
            .iter()
            .map(|case| (case.event, case.verdict()))
            .collect();
        let count = |significant: bool, kinds: &[VerdictKind]| {
            let fits = |(event, verdict): &&(&Event, Verdict)| {
                event.significant == significant && kinds.contains(&verdict.kind)
            };
            verdicts.iter().filter(fits).count() as u64
        };
        use VerdictKind::{Detected, Masked, Missed};
        let (detected, insignificant) = (count(true, &[Detected]), count(false, &[Detected]));
        let (masked, missed) = (count(true, &[Masked]), count(true, &[Masked, Missed]));
        let false_alerts = self.false_list.len() as u64;
        let significant = verdicts.iter().filter(|(event, _)| event.significant);
        let told = significant.clone();
        let told = told.filter(|(_, verdict)| verdict.kind == Detected);
        let unreset = |case: &&&Case<'_>| case.told.is_some() && case.last_until.is_none();
        Judgement {
            severity: terms.severity,
            alerts: alerts as u64,
            detected,
            missed,
            masked,
            insignificant,
            passed_over: count(false, &[Masked, Missed]),
            repeats: self.repeats,
            louder: self.louder,
            false_alerts,
            false_per_week: false_alerts as f64 * WEEK.ratio(terms.until.since(terms.from)),
            precision: share(detected as f64, (insignificant + false_alerts) as f64),
            recall: share(detected as f64, missed as f64),
            recall_by_cost: recall_by_cost(significant.clone()),
            detection: Quantiles::of(told.filter_map(|(_, v)| v.detection).collect()),
            reset: Quantiles::of(verdicts.iter().filter_map(|(_, v)| v.reset).collect()),
            unreset: cases.iter().filter(unreset).count() as u64,
            unalerted: significant
                .map(|(_, verdict)| verdict.unalerted)
                .fold(Span::ZERO, |sum, length| sum + length),
            verdicts: verdicts.into_iter().map(|(_, verdict)| verdict).collect(),
            false_list: self.false_list,
        }
    }
}

impl Case<'_> {
    fn verdict(&self) -> Verdict {
        let (start, end) = (self.event.start, self.end);
        let covered = covered(&self.up, start, end);
        let was_up = self
            .up
            .iter()
            .any(|(from, until)| *from <= end && *until >= start);
        let kind = match (self.told, was_up) {
            (Some(_), _) => VerdictKind::Detected,
            (None, true) => VerdictKind::Masked,
            (None, false) => VerdictKind::Missed,
        };
        let reset = self.told.and(self.event.end).and(self.last_until);
        Verdict {
            event: self.position,
            kind,
            detection: self.told.map(|alert| alert.told_at.since(start)),
            reset: reset.map(|until| until.since(end)),
            unalerted: end.since(start) - covered,
            alert: self.told.map(|alert| alert.key.clone()),
        }
    }
}

/// How much of `[start, end]` lies in stretches that are sorted by their start.
fn covered(stretches: &[(Timestamp, Timestamp)], start: Timestamp, end: Timestamp) -> Span {
    let (mut sum, mut known) = (Span::ZERO, start);
    for (from, until) in stretches {
        let (from, until) = ((*from).max(known), (*until).min(end));
        sum = sum + until.since(from);
        known = known.max(until);
    }
    sum
}

/// `part / (part + rest)`, unless both are nothing.
fn share(part: f64, rest: f64) -> Option<f64> {
    (part + rest > 0.0).then(|| part / (part + rest))
}

fn recall_by_cost<'a>(significant: impl Iterator<Item = &'a (&'a Event, Verdict)>) -> Option<f64> {
    let (mut detected, mut all) = (0.0, 0.0);
    for (event, verdict) in significant {
        let cost = event.cost?;
        all += cost;
        if verdict.kind == VerdictKind::Detected {
            detected += cost;
        }
    }
    share(detected, all - detected)
}
