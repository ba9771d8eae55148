//! Selectors of the exact path, read once as a slot does.

use std::collections::BTreeSet;

use crate::config::lint::Lint;
use crate::config::nearest::nearest;
use crate::engine::labels::METRIC_NAME;
use crate::engine::{Labels, RawSeries, Selector, Slo, Span, Term};
use crate::prometheus::SourceError;

use super::Case;

/// Series of one SLO above which reading each of them is worth a second thought.
const SERIES_MANY: usize = 50_000;

/// What a selector matches.
pub(super) struct Reading {
    pub(super) selector: Selector,
    pub(super) series: Vec<RawSeries>,
}

impl Case {
    pub(super) async fn counters(
        &mut self,
        slo: &Slo,
        bad: &[Term],
        total: &[Term],
    ) -> Result<(), SourceError> {
        let mut seen: BTreeSet<Labels> = BTreeSet::new();
        let all = self.read(total, |_| false, &mut seen).await?;
        let is_new = |term: &&Term| !total.iter().any(|other| other.selector == term.selector);
        let others: Vec<Term> = bad.iter().filter(is_new).cloned().collect();
        // Errors that are added up may not have happened yet; what is subtracted from all events
        // (good ones, fast ones) is always there.
        let wrong = self
            .read(&others, |term| term.coefficient > 0.0, &mut seen)
            .await?;
        if seen.len() > SERIES_MANY {
            let message = format!("{} series are read at each slot", seen.len());
            let fix = "narrow the selectors, or measure a sum that a recording rule keeps";
            self.report(Lint::ManySeries, message, fix);
        }
        self.finding.series = seen.len();
        self.finding.rules_samples = Some(self.price_of_rules(slo, &all, &wrong));
        let series = || all.iter().flat_map(|reading| &reading.series);
        if series().next().is_none() {
            return Ok(());
        }
        let labels: Vec<Labels> = series().map(|series| series.labels.clone()).collect();
        self.check_labels(slo, labels.iter(), "the series of all events");
        self.check_history(slo, total).await?;
        let added: Vec<Reading> = {
            let is_added = |reading: &Reading| {
                let mut terms = others.iter().filter(|t| t.selector == reading.selector);
                terms.any(|term| term.coefficient > 0.0)
            };
            wrong.into_iter().filter(is_added).collect()
        };
        self.check_laziness(&all, &added).await?;
        let traffic = self.traffic(slo, total).await?;
        self.weigh(slo, traffic);
        Ok(())
    }

    async fn read(
        &mut self,
        terms: &[Term],
        may_be_absent: impl Fn(&Term) -> bool,
        seen: &mut BTreeSet<Labels>,
    ) -> Result<Vec<Reading>, SourceError> {
        let evaluation = &self.asking.evaluation;
        let stretch = evaluation.interval + evaluation.scrape_interval.times(3);
        let mut readings: Vec<Reading> = Vec::new();
        for term in terms {
            let selector = &term.selector;
            if readings.iter().any(|reading| reading.selector == *selector) {
                continue;
            }
            let (series, samples) = self.asking.samples(selector, stretch).await?;
            if series.is_empty() {
                self.explain_absence(selector, may_be_absent(term)).await?;
            }
            let before = seen.len();
            seen.extend(series.iter().map(|series| series.labels.clone()));
            // What another selector of the SLO already reads costs nothing more: polls are merged.
            if seen.len() > before
                && let Some(samples) = samples
            {
                *self.finding.samples_per_slot.get_or_insert(0) += samples;
            }
            readings.push(Reading {
                selector: selector.clone(),
                series,
            });
        }
        Ok(readings)
    }

    /// Burn-rate rules load every sample of every window, for each side of the ratio.
    fn price_of_rules(&self, slo: &Slo, all: &[Reading], wrong: &[Reading]) -> u64 {
        let readings = || all.iter().chain(wrong);
        let series: usize = readings().map(|reading| reading.series.len()).sum();
        let spacing = readings()
            .flat_map(|reading| &reading.series)
            .find_map(spacing);
        let spacing = spacing.unwrap_or(self.asking.evaluation.scrape_interval);
        let windows = slo.policy.windows();
        let samples: f64 = windows.iter().map(|window| window.ratio(spacing)).sum();
        (samples * series as f64).round() as u64
    }

    /// Labels that `group_by` names but series do not have.
    pub(super) fn check_labels<'l>(
        &mut self,
        slo: &Slo,
        labels: impl Iterator<Item = &'l Labels> + Clone,
        what: &str,
    ) {
        let count = labels.clone().count();
        for name in &slo.group_by {
            let lacking = labels.clone().filter(|labels| labels.get(name).is_none());
            let lacking = lacking.count();
            if lacking == 0 {
                continue;
            }
            let names = labels.clone().flat_map(Labels::iter).map(|(name, _)| name);
            let names: BTreeSet<&str> = names.filter(|name| *name != METRIC_NAME).collect();
            let fix = match nearest(name, names.iter().copied()) {
                Some(near) if lacking == count => format!("did you mean {near:?}?"),
                _ if names.is_empty() => "group the query by it, or remove it".to_owned(),
                _ if lacking == count => {
                    let names: Vec<&str> = names.into_iter().take(12).collect();
                    format!("group by one of {}", names.join(", "))
                }
                _ => "exclude the series without it, or give it to all of them".to_owned(),
            };
            let message = if lacking == count {
                format!("{what} have no label {name:?}, by which the SLO is grouped")
            } else {
                format!("{lacking} of {count} of {what} have no label {name:?}")
            };
            self.report(Lint::MissingLabel, message, fix);
        }
    }
}

/// The time between the last two samples.
fn spacing(series: &RawSeries) -> Option<Span> {
    let [.., before, last] = series.samples.as_slice() else {
        return None;
    };
    Some(last.at.since(before.at)).filter(|span| !span.is_zero())
}
