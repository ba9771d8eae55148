//! Which questions a past of SLOs takes, and over which stretches. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::question::Question;
use crate::engine::direct::refresh;
use crate::engine::{Indicator, Period, QueryTemplate, Slo, SloId, Span, Timestamp, WindowQuery};
use crate::prometheus::{PolledFeed, window_queries};

/// A player reads so many scrapes beyond a seam, on both sides of it.
const OVERLAP_SCRAPES: i64 = 6;
const HOUR: Span = Span::from_hours(1);
const DAY: Span = Span::from_days(1);

/// A question, the stretch it is asked for, and who needs the answer.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) question: Question,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) slos: BTreeSet<SloId>,
}

/// What has to be known to play these SLOs from `from` to `until`.
pub(super) fn plan(
    slos: &[Arc<Slo>],
    (from, until): (Timestamp, Timestamp),
    interval: Span,
    scrape: Span,
) -> Vec<Wanted> {
    let mut plan = Plan {
        slos,
        from,
        until,
        interval,
        wanted: BTreeMap::new(),
    };
    for feed in PolledFeed::plan(slos) {
        let begin = begin(&feed, from, scrape);
        for poll in &feed.polls {
            let question = Question::Samples(poll.selector().clone());
            for slo in &feed.slos {
                plan.add(question.clone(), (begin, until), slo);
            }
        }
        for slo in &feed.slos {
            match &slo.indicator {
                Indicator::Counters { .. } => {
                    let question = Question::Hours(slo.clone());
                    plan.add(question, (from - slo.reach.period - HOUR, from), slo);
                }
                Indicator::Slices {
                    condition, slice, ..
                } => {
                    let question = Question::Values(condition.clone(), *slice);
                    plan.add(question, (begin, until), slo);
                }
                Indicator::Windows(query) => plan.windows(slo, query),
                Indicator::Composite(_) => {}
            }
        }
    }
    plan.wanted.into_values().collect()
}

/// Where the samples of a feed are read from when it is played from `from` on.
fn begin(feed: &PolledFeed, from: Timestamp, scrape: Span) -> Timestamp {
    (from - feed.reach() - scrape.times(OVERLAP_SCRAPES)).align_down(HOUR) - HOUR
}

struct Plan<'a> {
    slos: &'a [Arc<Slo>],
    from: Timestamp,
    until: Timestamp,
    interval: Span,
    wanted: BTreeMap<String, Wanted>,
}

impl Plan<'_> {
    /// Who asks the same is told together, over all that any of them needs.
    fn add(&mut self, question: Question, (from, until): (Timestamp, Timestamp), slo: &Slo) {
        let wanted = self.wanted.entry(question.name());
        let wanted = wanted.or_insert_with(|| Wanted {
            question,
            from,
            until,
            slos: BTreeSet::new(),
        });
        wanted.from = wanted.from.min(from);
        wanted.until = wanted.until.max(until);
        wanted.slos.insert(slo.id.clone());
    }

    /// Every window that the engine may find due, at the rhythm in which it does.
    fn windows(&mut self, slo: &Slo, query: &WindowQuery) {
        let mut windows: BTreeSet<Span> = slo.reach.windows.iter().copied().collect();
        let mut periods: Vec<&Period> = vec![&slo.period];
        for other in self.slos {
            if let Indicator::Composite(composite) = &other.indicator
                && composite.parts.iter().any(|part| part.slo == slo.id)
            {
                periods.push(&other.period);
            }
        }
        for period in periods {
            match period {
                Period::Calendar(_) => {
                    for template in templates(query) {
                        let question = Question::Period(template.clone(), period.clone());
                        self.add(question, (self.from - DAY, self.until), slo);
                    }
                }
                Period::Rolling(_) | Period::Events(_) => {
                    windows.extend(period.window(self.from));
                }
            }
        }
        let mut day = self.from;
        while day <= self.until + DAY {
            windows.extend(slo.usual_window(day));
            day = day + DAY;
        }
        for window in windows {
            // The engine looks at slots only: 40 s become two slots of 30 s.
            let every = refresh(window, self.interval).as_millis();
            let slot = self.interval.as_millis().max(1);
            let step = Span::from_millis((every + slot - 1) / slot * slot);
            for expr in window_queries(query, window) {
                let question = Question::Values(expr, step);
                self.add(question, (self.from - step, self.until), slo);
            }
        }
    }
}

fn templates(query: &WindowQuery) -> Vec<&QueryTemplate> {
    match query {
        WindowQuery::Ratio { error_ratio } => vec![error_ratio],
        WindowQuery::Events { bad, total, .. } => vec![bad, total],
    }
}
