//! Answers as Prometheus 3 gives them: left-open ranges, five minutes of lookback, extrapolation.

use std::collections::BTreeMap;

use crate::engine::labels::METRIC_NAME;
use crate::engine::{Labels, Selector, Span, Timestamp};

use super::query::{Query, Refusal};
use super::world::{SCRAPE_INTERVAL, World};

/// How old the sample of an instant selector may be.
const LOOKBACK: Span = Span::from_mins(5);

/// Samples that one request may read.
const READ_MAX: i64 = 10_000_000;

/// Samples that one answer may hold.
const RETURNED_MAX: i64 = 1_000_000;

/// Points per series that a range query may have, as in Prometheus.
const STEPS_MAX: i64 = 11_000;

/// The result of an instant query.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// One value per series, all at the time of the query.
    Vector(Vec<(Labels, f64)>),
    /// Samples per series.
    Matrix(Vec<(Labels, Points)>),
}

/// Samples in the order of time.
pub(super) type Points = Vec<(Timestamp, f64)>;

/// An instant query.
pub(super) fn instant(world: &World, query: &Query, at: Timestamp) -> Result<Answer, Refusal> {
    check_cost(world, query, at, 1)?;
    if let Query::Range(selector, range) = query {
        return Ok(Answer::Matrix(raw(world, selector, *range, at)));
    }
    Ok(Answer::Vector(vector(world, query, at)?))
}

/// A range query: the expression at `start`, `start + step` and so on up to `end`.
pub(super) fn range(
    world: &World,
    query: &Query,
    (start, end): (Timestamp, Timestamp),
    step: Span,
) -> Result<Vec<(Labels, Points)>, Refusal> {
    if step.is_zero() || end < start {
        let what = "the step must be positive and the end not before the start";
        return Err(Refusal::BadData(what.to_owned()));
    }
    let steps = end.since(start).as_millis() / step.as_millis() + 1;
    if steps > STEPS_MAX {
        let what = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing \
                    the query resolution (?step=XX)";
        return Err(Refusal::BadData(what.to_owned()));
    }
    check_cost(world, query, end, steps)?;
    let mut series: BTreeMap<Labels, Points> = BTreeMap::new();
    for at in (0..steps).map(|n| start + step.times(n)) {
        for (labels, value) in vector(world, query, at)? {
            series.entry(labels).or_default().push((at, value));
        }
    }
    Ok(series.into_iter().collect())
}

fn vector(world: &World, query: &Query, at: Timestamp) -> Result<Vec<(Labels, f64)>, Refusal> {
    match query {
        Query::Instant(selector) => Ok(latest(world, selector, at)),
        Query::SumOfIncreases {
            by,
            selector,
            range,
        } => Ok(sum_of_increases(world, by, selector, *range, at)),
        Query::Fresh { selector, limit } => Ok(fresh(world, selector, *limit, at)),
        Query::Range(..) => {
            let what = "invalid expression type \"range vector\" for range query, must be Scalar \
                        or instant Vector";
            Err(Refusal::BadData(what.to_owned()))
        }
    }
}

/// Refuses what would read too much, before it is read.
fn check_cost(world: &World, query: &Query, last: Timestamp, steps: i64) -> Result<(), Refusal> {
    let (window, limit) = match query {
        Query::Range(_, range) => (*range, RETURNED_MAX),
        Query::SumOfIncreases { range, .. } => (*range, READ_MAX),
        Query::Instant(_) | Query::Fresh { .. } => (LOOKBACK, READ_MAX),
    };
    let first = world.begin().max(last - window);
    let scrapes = last.since(first).as_millis() / SCRAPE_INTERVAL.as_millis() + 1;
    let series = i64::try_from(world.select(query.selector()).count()).unwrap_or(i64::MAX);
    let samples = scrapes.saturating_mul(series).saturating_mul(steps);
    if samples > limit {
        Err(Refusal::TooManySamples)
    } else {
        Ok(())
    }
}

fn raw(world: &World, selector: &Selector, range: Span, at: Timestamp) -> Vec<(Labels, Points)> {
    let series = world.select(selector).map(|series| {
        let points: Points = world.samples(series, at - range, at).collect();
        (series.labels.clone(), points)
    });
    series.filter(|(_, points)| !points.is_empty()).collect()
}

fn latest(world: &World, selector: &Selector, at: Timestamp) -> Vec<(Labels, f64)> {
    let series = world.select(selector).filter_map(|series| {
        let (_, value) = world.samples(series, at - LOOKBACK, at).last()?;
        Some((series.labels.clone(), value))
    });
    series.collect()
}

fn sum_of_increases(
    world: &World,
    by: &[String],
    selector: &Selector,
    range: Span,
    at: Timestamp,
) -> Vec<(Labels, f64)> {
    let mut sums: BTreeMap<Labels, f64> = BTreeMap::new();
    for (labels, points) in raw(world, selector, range, at) {
        if let Some(increase) = increase(&points, at - range, at) {
            // `increase` drops the metric name before the sum could group by it.
            let kept = labels
                .iter()
                .filter(|(name, _)| *name != METRIC_NAME && by.iter().any(|wanted| wanted == name));
            *sums.entry(Labels::new(kept)).or_default() += increase;
        }
    }
    sums.into_iter().collect()
}

/// `extrapolatedRate` of Prometheus 3 (`promql/functions.go`) for `increase`.
fn increase(points: &Points, start: Timestamp, end: Timestamp) -> Option<f64> {
    let ((first_at, first), (last_at, last)) = (*points.first()?, *points.last()?);
    let sampled = last_at.since(first_at).as_secs_f64();
    if points.len() < 2 || sampled <= 0.0 {
        return None;
    }
    let mut increase = last - first;
    for pair in points.windows(2) {
        if let [(_, before), (_, after)] = pair
            && after < before
        {
            increase += before;
        }
    }
    let between = sampled / (points.len() - 1) as f64;
    let limited = |gap: f64| {
        if gap >= between * 1.1 {
            between / 2.0
        } else {
            gap
        }
    };
    let mut to_start = limited(first_at.since(start).as_secs_f64());
    let to_end = limited(end.since(last_at).as_secs_f64());
    if increase > 0.0 && first >= 0.0 {
        // A counter was not below zero before its first sample.
        to_start = to_start.min(sampled * (first / increase));
    }
    Some(increase * (sampled + to_start + to_end) / sampled)
}

fn fresh(world: &World, selector: &Selector, limit: f64, at: Timestamp) -> Vec<(Labels, f64)> {
    let values = latest(world, selector, at)
        .into_iter()
        .map(|(_, value)| value);
    let newest = values.reduce(f64::max);
    let verdict = newest.map(|time| f64::from(at.as_secs_f64() - time < limit));
    verdict
        .map(|value| (Labels::empty(), value))
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests;
