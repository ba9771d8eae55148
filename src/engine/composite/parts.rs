//! The parts of a composite at one slot: which of their instances an instance of the composite
//! has, and what is known of them.

use std::collections::BTreeMap;

use crate::engine::counts::Counts;
use crate::engine::direct::{Answer, DirectReadings};
use crate::engine::evaluation::{Outcome, silence};
use crate::engine::feed_state::FeedState;
use crate::engine::labels::Labels;
use crate::engine::measure::Tally;
use crate::engine::period::Period;
use crate::engine::slo::{Indicator, Part, Slo, SloId, WindowQuery};
use crate::engine::time::{Span, Timestamp};

/// What is a smaller share than this of what it was taken from is no event.
const DUST: f64 = 1e-9;

/// A part with all its instances.
pub(super) struct PartView<'a> {
    id: &'a SloId,
    weight: f64,
    /// The labels that it shares with the composite; without any, it belongs to all instances.
    shared: Vec<String>,
    /// Why its source gave no answer, if so.
    failure: Option<&'a str>,
    past: Past<'a>,
}

/// Instances by their values of the shared labels.
enum Past<'a> {
    /// The configuration has no such SLO.
    Missing,
    Counted {
        covered_from: Option<Timestamp>,
        tallies: BTreeMap<Labels, Vec<&'a Tally>>,
    },
    Asked {
        interval: Span,
        /// Whether answers are numbers of events.
        counted: bool,
        period: &'a Period,
        answers: BTreeMap<Labels, Vec<&'a DirectReadings>>,
    },
}

/// A part as an instance of the composite sees it.
pub(super) struct PartHere<'a> {
    /// Which part.
    pub(super) id: &'a SloId,
    /// How much it counts.
    pub(super) weight: f64,
    /// Why it says nothing about the present, if so.
    pub(super) dark: Option<(Outcome, String)>,
    /// Its newest sample.
    pub(super) newest: Option<Timestamp>,
    known: Known<'a>,
}

enum Known<'a> {
    Nothing,
    Counted {
        covered_from: Timestamp,
        tallies: Vec<&'a Tally>,
    },
    Asked {
        interval: Span,
        counted: bool,
        period: &'a Period,
        answers: Vec<&'a DirectReadings>,
    },
}

/// What a part adds to a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Share {
    /// Its error ratio (0..1); 0 without traffic.
    pub(super) ratio: f64,
    /// Its events, where they are known.
    pub(super) counts: Option<Counts>,
}

impl From<Counts> for Share {
    fn from(counts: Counts) -> Self {
        let counts = counts.sane();
        Self {
            ratio: counts.error_ratio().unwrap_or(0.0),
            counts: Some(counts),
        }
    }
}

impl<'a> PartView<'a> {
    /// The part of a composite, from the feed that it is in.
    pub(super) fn new(
        whole: &Slo,
        part: &'a Part,
        state: Option<&'a FeedState>,
        interval: Span,
    ) -> Self {
        let slo = state.and_then(|state| state.feed.slos.iter().find(|slo| slo.id == part.slo));
        let by = slo.map(|slo| slo.group_by.as_slice()).unwrap_or_default();
        let shared = whole.group_by.iter().filter(|label| by.contains(label));
        let shared: Vec<String> = shared.cloned().collect();
        let past = match (state, slo) {
            (Some(state), Some(slo)) => Past::new(state, slo, &shared, interval),
            _ => Past::Missing,
        };
        Self {
            id: &part.slo,
            weight: part.weight,
            shared,
            failure: state.and_then(|state| state.live.blindness.failure()),
            past,
        }
    }

    /// Whether it has instances of its own within the composite.
    pub(super) fn splits(&self) -> bool {
        !self.shared.is_empty()
    }

    /// The values of the shared labels that it has.
    pub(super) fn label_sets(&self) -> Vec<Labels> {
        match &self.past {
            Past::Missing => Vec::new(),
            Past::Counted { tallies, .. } => tallies.keys().cloned().collect(),
            Past::Asked { answers, .. } => answers.keys().cloned().collect(),
        }
    }

    /// What it is to an instance of the composite that reads these windows.
    pub(super) fn here(&self, labels: &Labels, windows: &[Span], now: Timestamp) -> PartHere<'a> {
        let mine = labels.pick(&self.shared);
        let (known, newest, silence) = match &self.past {
            Past::Missing => (Known::Nothing, None, Some("it is not defined".to_owned())),
            Past::Counted {
                covered_from,
                tallies,
            } => {
                let here = tallies.get(&mine).cloned().unwrap_or_default();
                // Where it has no instance it may have no traffic; but only if others have some.
                let judged = if here.is_empty() {
                    tallies.values().flatten().copied().collect()
                } else {
                    here.clone()
                };
                let newest = judged.iter().map(|tally| tally.newest).max().flatten();
                let known = Known::Counted {
                    covered_from: covered_from.unwrap_or(now),
                    tallies: here,
                };
                (known, newest, silence_of(&judged, now))
            }
            Past::Asked {
                interval,
                counted,
                period,
                answers,
            } => {
                let here = answers.get(&mine).cloned().unwrap_or_default();
                let newest = here.iter().map(|answers| answers.newest()).max().flatten();
                let silence = unanswered(&here, *counted, *interval, windows, now);
                let known = Known::Asked {
                    interval: *interval,
                    counted: *counted,
                    period,
                    answers: here,
                };
                (known, newest, silence)
            }
        };
        let dark = match (self.failure, silence) {
            (Some(failure), _) => Some((Outcome::Failed, failure.to_owned())),
            (None, silence) => silence.map(|detail| (Outcome::NoData, detail)),
        };
        PartHere {
            id: self.id,
            weight: self.weight,
            dark: dark.map(|(outcome, detail)| (outcome, format!("part {}: {detail}", self.id))),
            newest,
            known,
        }
    }
}

impl<'a> Past<'a> {
    fn new(state: &'a FeedState, slo: &'a Slo, shared: &[String], interval: Span) -> Self {
        if let Indicator::Windows(query) = &slo.indicator {
            let mut answers: BTreeMap<Labels, Vec<&DirectReadings>> = BTreeMap::new();
            for (id, readings) in state.answers.iter().filter(|(id, _)| id.slo == slo.id) {
                let labels = id.labels.pick(shared);
                answers.entry(labels).or_default().push(readings);
            }
            return Self::Asked {
                interval,
                counted: matches!(query, WindowQuery::Events { counted: true, .. }),
                period: &slo.period,
                answers,
            };
        }
        let mut tallies: BTreeMap<Labels, Vec<&Tally>> = BTreeMap::new();
        for tally in state.live.tallies_of(&slo.id) {
            let labels = tally.id.labels.pick(shared);
            tallies.entry(labels).or_default().push(tally);
        }
        Self::Counted {
            covered_from: state.live.covered_from(&slo.id),
            tallies,
        }
    }
}

/// Why counted instances say nothing about the present: all of them are silent.
fn silence_of(tallies: &[&Tally], now: Timestamp) -> Option<String> {
    let newest = tallies.iter().max_by_key(|tally| tally.newest);
    if tallies.iter().any(|tally| silence(tally, now).is_none()) {
        return None;
    }
    Some(newest.map_or_else(
        || "no series matches".to_owned(),
        |tally| silence(tally, now).unwrap_or_default(),
    ))
}

/// Why answers say nothing about the present.
fn unanswered(
    answers: &[&DirectReadings],
    counted: bool,
    interval: Span,
    windows: &[Span],
    now: Timestamp,
) -> Option<String> {
    if !counted && answers.len() > 1 {
        let instances = answers.len();
        return Some(format!(
            "it has {instances} instances here, whose ratios cannot be added"
        ));
    }
    let answered = |window: &Span| {
        let mut answers = answers.iter();
        answers.any(|answers| answers.get(*window, interval, now).is_some())
    };
    let known = match windows.is_empty() {
        true => !answers.is_empty(),
        false => windows.iter().any(answered),
    };
    (!known).then(|| "no window has an answer".to_owned())
}

impl PartHere<'_> {
    /// What the part says of a window; `None` if it is dark or does not know all of it.
    pub(super) fn share(&self, window: Span, now: Timestamp) -> Option<Share> {
        match &self.known {
            _ if self.dark.is_some() => None,
            Known::Counted { covered_from, .. } if *covered_from > now - window => None,
            _ => self.past(window, now),
        }
    }

    /// What is known of a stretch of time before now, however little that is.
    pub(super) fn past(&self, span: Span, now: Timestamp) -> Option<Share> {
        match &self.known {
            Known::Nothing => None,
            Known::Counted { tallies, .. } => {
                let counts = tallies.iter().map(|tally| counts_until(tally, span, now));
                Some(counts.fold(Counts::ZERO, |a, b| a + b).into())
            }
            Known::Asked {
                interval,
                counted,
                answers,
                ..
            } => {
                let known = answers.iter().filter_map(|a| a.get(span, *interval, now));
                joined(answers, *counted, known)
            }
        }
    }

    /// What is known of the period of the composite so far.
    pub(super) fn period(&self, whole: &Period, now: Timestamp) -> Option<Share> {
        match &self.known {
            Known::Asked {
                interval,
                counted,
                period,
                answers,
            } if *period == whole => {
                let known = answers
                    .iter()
                    .filter_map(|a| a.period(whole, *interval, now));
                let known = known.map(|(_, answer)| answer);
                joined(answers, *counted, known)
            }
            _ => self.past(whole.elapsed(now), now),
        }
    }

    /// Share (0..1) of a stretch of time for which there may be events.
    pub(super) fn coverage(&self, span: Span, now: Timestamp) -> f64 {
        match &self.known {
            Known::Nothing => 0.0,
            Known::Asked { .. } => 1.0,
            Known::Counted { tallies, .. } => {
                let first = tallies.iter().map(|tally| tally.first).min();
                first.map_or(1.0, |first| now.since(first).ratio(span).min(1.0))
            }
        }
    }
}

/// What the instances that agree say together: events add up where they are counted.
fn joined(
    answers: &[&DirectReadings],
    counted: bool,
    known: impl Iterator<Item = Answer>,
) -> Option<Share> {
    match counted {
        true => known
            .filter_map(Answer::counts)
            .reduce(|a, b| a + b)
            .map(Share::from),
        false => only(answers, known.map(Answer::error_ratio)),
    }
}

/// The ratio of the one instance there is: ratios cannot be added.
fn only(answers: &[&DirectReadings], mut ratios: impl Iterator<Item = f64>) -> Option<Share> {
    let ratio = ratios.next().filter(|_| answers.len() == 1)?;
    Some(Share {
        ratio,
        counts: None,
    })
}

/// The events of `(now - span, now]`: the feed may have counted on since then.
///
/// A difference of sums that are no whole numbers leaves binary dust where there were no events;
/// the ratio of dust to dust could page.
fn counts_until(tally: &Tally, span: Span, now: Timestamp) -> Counts {
    let later = tally.window.sum(Span::ZERO, now);
    let counts = tally.window.sum(span, now) - later;
    match counts.total > later.total * DUST {
        true => counts,
        false => Counts::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::slo::InstanceId;
    use crate::engine::window::{Layout, Window};

    #[test]
    fn dust_of_a_difference_is_no_event() {
        let layout = Layout {
            interval: Span::from_secs(30),
            longest_window: Span::from_hours(6),
            period: Span::from_hours(6),
            quarters: false,
        };
        // Nothing for ten minutes before `now`, parts of events after it; `now` is moved through
        // several blocks of buckets, whose sums are rounded in another order than the buckets.
        for slots in 0..200 {
            let now = Timestamp::from_secs(1_700_006_400) + Span::from_secs(30).times(slots);
            let mut window = Window::new(layout);
            for piece in (1..=150).rev() {
                let part = 1.0 / f64::from(piece);
                let counts = Counts {
                    bad: part * 0.7,
                    total: part,
                };
                window.add(now + Span::from_secs(30).times(i64::from(piece)), counts);
            }
            let tally = Tally {
                id: InstanceId {
                    slo: SloId::new("shop", "api"),
                    labels: Labels::empty(),
                },
                window,
                newest: Some(now),
                spacing: Span::from_secs(30),
                first: now - Span::from_hours(6),
            };
            let share = Share::from(counts_until(&tally, Span::from_mins(10), now));
            assert_eq!(share, Share::from(Counts::ZERO), "after {slots} slots");
        }
    }
}
