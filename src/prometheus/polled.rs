//! Asking the source: what each kind of feed polls, as evidence for the engine.
//!
//! The daemon asks slot by slot, a replay asks for a stretch of the past: both ask here, so both
//! see the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::client::Client;
use super::error::SourceError;
use super::plan::{PollSelector, feeds};
use crate::engine::{
    Answer, Counts, Indicator, InstanceId, Labels, RawSeries, Slo, Span, Term, Timestamp,
    WindowAnswers, WindowQuery,
};

/// Prometheus refuses range queries of more points per series (`query_range`, 11 000).
const RANGE_POINTS_MAX: i64 = 10_000;

/// SLOs that are polled together.
#[derive(Debug)]
pub struct PolledFeed {
    /// The feed's name in the engine.
    pub key: String,
    /// Its SLOs.
    pub slos: Vec<Arc<Slo>>,
    /// The selectors whose raw samples are read; empty unless the SLOs are sums of counters.
    pub polls: Vec<PollSelector>,
}

impl PolledFeed {
    /// Groups SLOs by what is polled together.
    pub fn plan(slos: &[Arc<Slo>]) -> Vec<Arc<Self>> {
        let by_id: BTreeMap<_, _> = slos.iter().map(|slo| (&slo.id, slo)).collect();
        let feeds = feeds(slos).into_iter().map(|feed| {
            let slos = feed
                .slos
                .iter()
                .filter_map(|id| by_id.get(id).copied().cloned());
            Arc::new(Self {
                key: feed.key,
                slos: slos.collect(),
                polls: feed.polls,
            })
        });
        feeds.collect()
    }

    /// Whether whole windows are asked for.
    pub fn is_direct(&self) -> bool {
        self.slos
            .iter()
            .any(|slo| matches!(slo.indicator, Indicator::Windows(_)))
    }

    /// Whether it asks the source for nothing: what it is made of, others poll.
    pub fn is_composite(&self) -> bool {
        self.slos
            .iter()
            .any(|slo| matches!(slo.indicator, Indicator::Composite(_)))
    }

    /// The length of a time slice, for feeds of slices.
    pub fn slice(&self) -> Option<Span> {
        match self.slos.first()?.indicator {
            Indicator::Slices { slice, .. } => Some(slice),
            Indicator::Counters { .. } | Indicator::Windows(_) | Indicator::Composite(_) => None,
        }
    }

    /// How far back samples are read for windows that are decided exactly.
    ///
    /// Slices are few, so the whole period is read; of counters, only the longest tier window.
    pub fn reach(&self) -> Span {
        let of = |slo: &Arc<Slo>| match slo.indicator {
            Indicator::Counters { .. } => slo.reach.longest_window(),
            Indicator::Slices { .. } => slo.reach.longest_window().max(slo.reach.period),
            Indicator::Windows(_) | Indicator::Composite(_) => Span::ZERO,
        };
        self.slos.iter().map(of).max().unwrap_or(Span::ZERO)
    }

    /// The longest stretch that one request should ask for.
    pub fn stretch_max(&self, wanted: Span) -> Span {
        match self.slice() {
            Some(slice) => slice.times(RANGE_POINTS_MAX),
            None => wanted,
        }
    }

    /// Reads the raw samples (or the slices) of `(from, until]`.
    ///
    /// # Errors
    ///
    /// The first that some request met; never a part of the samples.
    pub async fn read(
        &self,
        client: &Arc<Client>,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<RawSeries>, SourceError> {
        if let Some(Indicator::Slices {
            condition, slice, ..
        }) = self.slos.first().map(|slo| &slo.indicator)
        {
            let start = from.align_down(*slice) + *slice;
            let end = until.align_down(*slice);
            return match start <= end {
                true => client.range(condition, start, end, *slice).await,
                false => Ok(Vec::new()),
            };
        }
        let mut requests = JoinSet::new();
        for poll in &self.polls {
            let (client, query) = (client.clone(), poll.query(until.since(from)));
            requests.spawn(async move { client.samples(&query, until).await });
        }
        let mut series = Vec::new();
        while let Some(answer) = requests.join_next().await {
            series.extend(
                answer.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?,
            );
        }
        Ok(series)
    }

    /// Asks about whole windows.
    ///
    /// # Errors
    ///
    /// The first that some query met.
    pub async fn ask(
        &self,
        client: &Arc<Client>,
        windows: &[Span],
        at: Timestamp,
    ) -> Result<WindowAnswers, SourceError> {
        let mut answers = Vec::new();
        let Some(Indicator::Windows(query)) = self.slos.first().map(|slo| &slo.indicator) else {
            return Ok(answers);
        };
        for window in windows {
            let values = match window_queries(query, *window).as_slice() {
                [bad, total] => {
                    let (bad, total) =
                        tokio::try_join!(client.instant(bad, at), client.instant(total, at))?;
                    vec![bad, total]
                }
                queries => {
                    let mut values = Vec::new();
                    for query in queries {
                        values.push(client.instant(query, at).await?);
                    }
                    values
                }
            };
            answers.push((*window, window_answers(query, values)));
        }
        Ok(answers)
    }
}

/// What is asked about one window: the error ratio, or bad events and all events.
pub fn window_queries(query: &WindowQuery, window: Span) -> Vec<String> {
    match query {
        WindowQuery::Ratio { error_ratio } => vec![error_ratio.render(window)],
        WindowQuery::Events { bad, total, .. } => vec![bad.render(window), total.render(window)],
    }
}

/// What the values of [`window_queries`], in their order, say of a window.
pub fn window_answers(
    query: &WindowQuery,
    values: Vec<Vec<(Labels, f64)>>,
) -> Vec<(Labels, Answer)> {
    let mut values = values.into_iter();
    let first = values.next().unwrap_or_default();
    match query {
        WindowQuery::Ratio { .. } => {
            let answer = |(labels, ratio)| (labels, Answer::Ratio(ratio));
            first.into_iter().map(answer).collect()
        }
        WindowQuery::Events { counted, .. } => {
            joined(first, values.next().unwrap_or_default(), *counted)
        }
    }
}

/// Bad and total per label set; bad events that were never counted are none.
fn joined(
    bad: Vec<(Labels, f64)>,
    total: Vec<(Labels, f64)>,
    counted: bool,
) -> Vec<(Labels, Answer)> {
    let bad: BTreeMap<Labels, f64> = bad.into_iter().collect();
    let answer = |(labels, total): (Labels, f64)| {
        let bad = bad.get(&labels).copied().unwrap_or(0.0);
        let answer = match counted {
            true => Answer::Counts(Counts { bad, total }),
            false => Answer::Ratio(bad / total),
        };
        (labels, answer)
    };
    total.into_iter().map(answer).collect()
}

/// Hourly sums of one SLO's counters, computed by the source, for the hours that end in
/// `(from, until]`.
///
/// They serve the budget of the days that are not read sample by sample. `increase` sees a little
/// less than the samples hold (a series' first value), which a budget over weeks can bear.
///
/// # Errors
///
/// The first that some query met.
pub async fn hours(
    client: &Client,
    slo: &Slo,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<(InstanceId, Timestamp, Counts)>, SourceError> {
    const HOUR: Span = Span::from_hours(1);
    let Indicator::Counters { bad, total } = &slo.indicator else {
        return Ok(Vec::new());
    };
    let mut hours: BTreeMap<(InstanceId, Timestamp), Counts> = BTreeMap::new();
    let (start, end) = (from.align_down(HOUR) + HOUR, until.align_down(HOUR));
    if start > end {
        return Ok(Vec::new());
    }
    let sides = [
        (
            bad,
            Counts {
                bad: 1.0,
                total: 0.0,
            },
        ),
        (
            total,
            Counts {
                bad: 0.0,
                total: 1.0,
            },
        ),
    ];
    for (terms, side) in sides {
        for term in terms {
            let series = client.range(&hourly(slo, term), start, end, HOUR).await?;
            for RawSeries { labels, samples } in series {
                let id = InstanceId {
                    slo: slo.id.clone(),
                    labels: labels.pick(&slo.group_by),
                };
                for sample in samples.iter().filter(|sample| sample.value.is_finite()) {
                    *hours.entry((id.clone(), sample.at)).or_default() +=
                        side.scale(sample.value * term.coefficient);
                }
            }
        }
    }
    Ok(hours
        .into_iter()
        .map(|((id, at), counts)| (id, at, counts))
        .collect())
}

fn hourly(slo: &Slo, term: &Term) -> String {
    let by = match slo.group_by.is_empty() {
        true => String::new(),
        false => format!("by ({}) ", slo.group_by.join(", ")),
    };
    format!("sum {by}(increase({}[1h]))", term.selector)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones(values: &[(&str, f64)]) -> Vec<(Labels, f64)> {
        let zone = |(zone, value): &(&str, f64)| (Labels::new([("zone", *zone)]), *value);
        values.iter().map(zone).collect()
    }

    #[test]
    fn bad_and_total_are_joined_by_their_labels() {
        let bad = || zones(&[("eu", 3.0), ("gone", 9.0)]);
        let total = || zones(&[("us", 20.0), ("eu", 10.0)]);
        let labels = |zone| Labels::new([("zone", zone)]);
        let counts = |bad, total| Answer::Counts(Counts { bad, total });
        let counted = [
            (labels("us"), counts(0.0, 20.0)),
            (labels("eu"), counts(3.0, 10.0)),
        ];
        assert_eq!(joined(bad(), total(), true), counted);
        let rated = [
            (labels("us"), Answer::Ratio(0.0)),
            (labels("eu"), Answer::Ratio(0.3)),
        ];
        assert_eq!(joined(bad(), total(), false), rated);
        assert_eq!(joined(bad(), Vec::new(), true), []);
    }
}
