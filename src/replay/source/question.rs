//! What a replay asks of a source: the questions, their names in the cache, and how one stretch of
//! an answer is fetched.

use std::sync::Arc;

use crate::engine::labels::METRIC_NAME;
use crate::engine::{
    Counts, Indicator, InstanceId, Labels, Period, QueryTemplate, RawSeries, Sample, Selector, Slo,
    Span, Term, Timestamp,
};
use crate::prometheus::{self, Client, SourceError};

/// Prometheus refuses range queries of more points per series (`query_range`, 11 000).
const POINTS_MAX: i64 = 10_000;
/// Points in a block of a chunk: an hour of scrapes each 15 s.
const BLOCK_POINTS: i64 = 240;
/// Samples of a block of raw samples; a replay reads three hours at a time.
const RAW_BLOCK: Span = Span::from_hours(1);
/// One request for raw samples covers at most so much time.
const RAW_STRETCH: Span = Span::from_days(7);
/// One request for hourly sums covers so much time.
const HOURS_STRETCH: Span = Span::from_days(5);
/// The period so far is asked about so often: each answer reads all of the period.
pub(in crate::replay) const PERIOD_STEP: Span = Span::from_hours(1);
/// The name of the series that count bad events of hours.
const BAD: &str = "bad";
/// The name of the series that count all events of hours.
const TOTAL: &str = "total";

/// Something a replay wants to know over a stretch of time.
#[derive(Clone, Debug)]
pub(in crate::replay) enum Question {
    /// The raw samples of a selector.
    Samples(Selector),
    /// Counters where there are no raw samples (any more): their largest value in each step.
    ///
    /// The largest and not the last: of a counter they are the same unless it is reset, and then
    /// the largest loses nothing of what was counted before. Stores that keep fewer samples of old
    /// times (Thanos) know it, too; of the last they would give a mean.
    Coarse(Selector, Span),
    /// An expression at each step, counted from the epoch.
    Values(String, Span),
    /// An expression about the period so far, each [`PERIOD_STEP`].
    Period(QueryTemplate, Period),
    /// Hourly sums of an SLO's counters.
    Hours(Arc<Slo>),
}

impl Question {
    /// Its name among all questions; equal names have equal answers.
    pub(in crate::replay) fn name(&self) -> String {
        match self {
            Self::Samples(selector) => format!("samples {selector}"),
            Self::Coarse(selector, step) => format!("coarse {step} {selector}"),
            Self::Values(expr, step) => format!("values {step} {expr}"),
            Self::Period(template, period) => {
                format!("period {period} {}", template.render(Span::ZERO))
            }
            Self::Hours(slo) => hours_name(slo),
        }
    }

    /// In words, for messages.
    pub(super) fn subject(&self) -> String {
        match self {
            Self::Samples(selector) => format!("the samples of {selector}"),
            Self::Coarse(selector, step) => format!("{selector} every {step}"),
            Self::Values(expr, step) => format!("{expr} every {step}"),
            Self::Period(template, _) => {
                format!("{} over the period so far", template.render(Span::ZERO))
            }
            Self::Hours(slo) => format!("hourly sums of {}", slo.id),
        }
    }

    /// The time between points of an answer; `None` where that is up to the scrapes.
    pub(super) fn step(&self) -> Option<Span> {
        match self {
            Self::Samples(_) => None,
            Self::Coarse(_, step) | Self::Values(_, step) => Some(*step),
            Self::Period(..) => Some(PERIOD_STEP),
            Self::Hours(_) => Some(Span::from_hours(1)),
        }
    }

    /// The length of blocks in its chunks.
    pub(super) fn block(&self) -> Span {
        self.step()
            .map_or(RAW_BLOCK, |step| step.times(BLOCK_POINTS))
    }

    /// The length of blocks of raw samples.
    pub(super) const fn raw_block() -> Span {
        RAW_BLOCK
    }

    /// The longest stretch that one request should ask for.
    pub(super) fn longest(&self) -> Span {
        match self {
            Self::Samples(_) => RAW_STRETCH,
            Self::Coarse(_, step) | Self::Values(_, step) => step.times(POINTS_MAX),
            // One request a point.
            Self::Period(..) => PERIOD_STEP.times(24),
            Self::Hours(_) => HOURS_STRETCH,
        }
    }

    /// The expression whose number of series tells the price.
    pub(super) fn priced(&self) -> Option<String> {
        match self {
            Self::Samples(selector) | Self::Coarse(selector, _) => Some(selector.to_string()),
            Self::Values(expr, _) => Some(expr.clone()),
            Self::Period(..) | Self::Hours(_) => None,
        }
    }

    /// The answer for `(from, until]`, the samples of each series in rising time.
    pub(super) async fn ask(
        &self,
        client: &Client,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<RawSeries>, SourceError> {
        let mut series = match self {
            Self::Samples(selector) => {
                let query = format!("{selector}[{}]", until.since(from));
                client.samples(&query, until).await?
            }
            Self::Coarse(selector, step) => {
                let expr = format!("max_over_time({selector}[{step}])");
                let mut series = points(client, &expr, from, until, *step).await?;
                // Functions drop the name, by which the engine tells counters apart.
                for one in &mut series {
                    let Some(name) = selector.metric() else {
                        continue;
                    };
                    let pairs = one.labels.iter().chain([(METRIC_NAME, name)]);
                    one.labels = Labels::new(pairs);
                }
                series
            }
            Self::Values(expr, step) => points(client, expr, from, until, *step).await?,
            Self::Period(template, period) => so_far(client, template, period, from, until).await?,
            Self::Hours(slo) => as_series(
                prometheus::hours(client, slo, from, until).await?,
                from,
                until,
            ),
        };
        for one in &mut series {
            // Prometheus 2 includes both ends of a range, 3 only the later one.
            one.samples.retain(|s| from < s.at && s.at <= until);
            one.samples.dedup_by_key(|s| s.at);
        }
        series.retain(|one| !one.samples.is_empty());
        Ok(series)
    }
}

async fn points(
    client: &Client,
    expr: &str,
    from: Timestamp,
    until: Timestamp,
    step: Span,
) -> Result<Vec<RawSeries>, SourceError> {
    let (start, end) = (from.align_down(step) + step, until.align_down(step));
    match start <= end {
        true => client.range(expr, start, end, step).await,
        false => Ok(Vec::new()),
    }
}

async fn so_far(
    client: &Client,
    template: &QueryTemplate,
    period: &Period,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<RawSeries>, SourceError> {
    let mut at = from.align_down(PERIOD_STEP) + PERIOD_STEP;
    let mut series: std::collections::BTreeMap<Labels, Vec<Sample>> = Default::default();
    while at <= until {
        if let Some(window) = period.window(at) {
            for (labels, value) in client.instant(&template.render(window), at).await? {
                series.entry(labels).or_default().push(Sample { at, value });
            }
        }
        at = at + PERIOD_STEP;
    }
    let series = series.into_iter();
    Ok(series
        .map(|(labels, samples)| RawSeries { labels, samples })
        .collect())
}

/// Two SLOs with this name have the same hours.
pub(in crate::replay) fn hours_name(slo: &Slo) -> String {
    let Indicator::Counters { bad, total } = &slo.indicator else {
        return String::new();
    };
    let term = |term: &Term| format!("{:+} {}", term.coefficient, term.selector);
    let terms = |terms: &[Term]| terms.iter().map(term).collect::<Vec<_>>().join(" ");
    let by = slo.group_by.join(",");
    format!("hours by ({by}) bad {} total {}", terms(bad), terms(total))
}

/// Hours as two series an instance, named `bad` and `total`.
fn as_series(
    hours: Vec<(InstanceId, Timestamp, Counts)>,
    from: Timestamp,
    until: Timestamp,
) -> Vec<RawSeries> {
    let mut series: std::collections::BTreeMap<Labels, Vec<Sample>> = Default::default();
    for (id, at, counts) in hours {
        if at <= from || at > until {
            continue;
        }
        for (name, value) in [(BAD, counts.bad), (TOTAL, counts.total)] {
            let labels = Labels::new(id.labels.iter().chain([(METRIC_NAME, name)]));
            series.entry(labels).or_default().push(Sample { at, value });
        }
    }
    let series = series.into_iter().map(|(labels, mut samples)| {
        samples.sort_by_key(|sample| sample.at);
        RawSeries { labels, samples }
    });
    series.collect()
}

/// Series that [`as_series`] has made, as hours of an SLO.
pub(in crate::replay) fn as_hours(
    slo: &Slo,
    series: Vec<RawSeries>,
) -> Vec<(InstanceId, Timestamp, Counts)> {
    let mut hours: std::collections::BTreeMap<(Labels, Timestamp), Counts> = Default::default();
    for RawSeries { labels, samples } in series {
        let is_bad = labels.get(METRIC_NAME) == Some(BAD);
        let labels = labels.pick(&slo.group_by);
        for sample in samples {
            let counts = hours.entry((labels.clone(), sample.at)).or_default();
            match is_bad {
                true => counts.bad += sample.value,
                false => counts.total += sample.value,
            }
        }
    }
    let hour = |((labels, at), counts)| {
        let slo = slo.id.clone();
        (InstanceId { slo, labels }, at, counts)
    };
    hours.into_iter().map(hour).collect()
}
