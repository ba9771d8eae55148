//! Error series that appear with their first error.
//!
//! Such an error is invisible to `rate()` and `increase()`, which need a sample before it. slofuse
//! counts the first value of a new series of a known target; whoever compares the two should know.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::lint::Lint;
use crate::engine::labels::METRIC_NAME;
use crate::engine::{Labels, Selector, Span};
use crate::prometheus::SourceError;

use super::Case;
use super::reading::Reading;

/// Series of one SLO up to which their ages are asked for: it reads a day of their samples.
const SERIES_MAX: usize = 500;
/// How far back an age is looked for.
const LOOKBACK: &str = "1d:5m";
/// A series this much younger than its target came later.
const LATE: Span = Span::from_mins(10);

impl Case {
    /// `all` are the series of all events, `wrong` those of bad ones that are added up.
    pub(super) async fn check_laziness(
        &mut self,
        all: &[Reading],
        wrong: &[Reading],
    ) -> Result<(), SourceError> {
        let wrong: Vec<&Reading> = wrong.iter().filter(|r| !r.series.is_empty()).collect();
        let Some(first) = wrong.first() else {
            return Ok(());
        };
        let (expected, present) = label_sets(all, &wrong);
        let mut lacking = expected.difference(&present);
        let selector = first.selector.clone();
        let fix =
            "export error counters as 0 from the start; slofuse counts first errors all the same";
        if let Some(example) = lacking.next() {
            let count = lacking.count() + 1;
            let message = format!(
                "{count} of {} label sets have no series of {selector} yet, such as {example}",
                expected.len(),
            );
            self.report(Lint::LazySeries, message, fix);
            return Ok(());
        }
        let series: usize = all
            .iter()
            .chain(wrong.iter().copied())
            .map(|r| r.series.len())
            .sum();
        if series > SERIES_MAX {
            return Ok(());
        }
        let late = self.late(all, &wrong).await?;
        if late > 0 {
            let message = format!(
                "{late} series of {selector} appeared later than the others of their target"
            );
            self.report(Lint::LazySeries, message, fix);
        }
        Ok(())
    }

    /// How many series of bad events are much younger than the oldest series of their target.
    async fn late(&self, all: &[Reading], wrong: &[&Reading]) -> Result<usize, SourceError> {
        let mut oldest: BTreeMap<Labels, f64> = BTreeMap::new();
        let targets = &self.asking.evaluation.target_labels;
        for reading in all {
            for (labels, first) in self.first_seen(&reading.selector).await? {
                let known = oldest.entry(labels.pick(targets)).or_insert(first);
                *known = known.min(first);
            }
        }
        let mut late = 0;
        for reading in wrong {
            for (labels, first) in self.first_seen(&reading.selector).await? {
                let target = oldest.get(&labels.pick(targets));
                let since = target.map_or(0.0, |oldest| first - oldest);
                late += usize::from(since > LATE.as_secs_f64());
            }
        }
        Ok(late)
    }

    /// When each series was first seen, in seconds, as far as is looked.
    async fn first_seen(&self, selector: &Selector) -> Result<Vec<(Labels, f64)>, SourceError> {
        let query = format!("min_over_time(timestamp({selector})[{LOOKBACK}])");
        self.asking.instant(&query).await
    }
}

/// The label sets that have events, and those that have an error series, by the labels that both
/// kinds of series have in common; what tells an error from another event is left out.
fn label_sets(all: &[Reading], wrong: &[&Reading]) -> (BTreeSet<Labels>, BTreeSet<Labels>) {
    let matchers = |readings: &mut dyn Iterator<Item = &Reading>| {
        let matchers = readings.flat_map(|reading| reading.selector.matchers());
        matchers
            .map(|m| (m.name.clone(), m.op.parts().1.to_owned()))
            .collect::<BTreeSet<_>>()
    };
    let ordinary = matchers(&mut all.iter());
    let telling = matchers(&mut wrong.iter().copied());
    let telling: BTreeSet<&String> = telling
        .difference(&ordinary)
        .map(|(name, _)| name)
        .collect();
    let series = |readings: &mut dyn Iterator<Item = &Reading>| {
        let series = readings.flat_map(|reading| &reading.series);
        series
            .map(|series| series.labels.clone())
            .collect::<Vec<Labels>>()
    };
    let (all, wrong) = (series(&mut all.iter()), series(&mut wrong.iter().copied()));
    let names = |series: &[Labels]| {
        let names = series
            .iter()
            .flat_map(Labels::iter)
            .map(|(name, _)| name.to_owned());
        names.collect::<BTreeSet<String>>()
    };
    let common: Vec<String> = names(&all)
        .intersection(&names(&wrong))
        .filter(|name| *name != METRIC_NAME && !telling.contains(name))
        .cloned()
        .collect();
    let picked = |series: &[Labels]| series.iter().map(|labels| labels.pick(&common)).collect();
    (picked(&all), picked(&wrong))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{MatchOp, Matcher, Pattern, RawSeries};

    fn reading(matchers: &[(&str, MatchOp)], series: &[&[(&str, &str)]]) -> Reading {
        let matchers = matchers.iter().map(|(name, op)| Matcher {
            name: (*name).to_owned(),
            op: op.clone(),
        });
        let series = series.iter().map(|labels| RawSeries {
            labels: Labels::new(labels.iter().copied()),
            samples: Vec::new(),
        });
        Reading {
            selector: Selector::new(matchers.collect()),
            series: series.collect(),
        }
    }

    #[test]
    fn a_region_without_errors_lacks_its_series() {
        let name = (METRIC_NAME, MatchOp::Equal("requests_total".to_owned()));
        let errors = ("code", MatchOp::Regex(Pattern::new("5..").unwrap()));
        let all = reading(
            std::slice::from_ref(&name),
            &[
                &[("region", "eu"), ("code", "200")],
                &[("region", "us"), ("code", "200")],
                &[("region", "us"), ("code", "500")],
            ],
        );
        let wrong = reading(&[name, errors], &[&[("region", "us"), ("code", "500")]]);
        let (expected, present) = label_sets(&[all], &[&wrong]);
        assert_eq!((expected.len(), present.len()), (2, 1));
        let lacking: Vec<String> = expected
            .difference(&present)
            .map(Labels::to_string)
            .collect();
        assert_eq!(lacking, [r#"{region="eu"}"#]);
    }

    #[test]
    fn metrics_of_their_own_are_compared_by_what_they_share() {
        let metric = |name: &str| [(METRIC_NAME, MatchOp::Equal(name.to_owned()))];
        let all = reading(
            &metric("requests_total"),
            &[&[
                (METRIC_NAME, "requests_total"),
                ("pod", "a"),
                ("code", "200"),
            ]],
        );
        let wrong = reading(
            &metric("errors_total"),
            &[&[(METRIC_NAME, "errors_total"), ("pod", "a"), ("reason", "x")]],
        );
        let (expected, present) = label_sets(&[all], &[&wrong]);
        assert_eq!(expected, present);
    }
}
