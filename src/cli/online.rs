//! `slofuse check --online`: whether Prometheus has what the definitions ask for, and the price.

use std::collections::BTreeSet;

use serde::Serialize;

use super::check;
use crate::config::Definition;
use crate::config::settings::{EvaluationSettings, SourceSettings};
use crate::daemon::Clock;
use crate::engine::labels::METRIC_NAME;
use crate::engine::{Indicator, Selector, Slo, Term, Timestamp, WindowQuery};
use crate::prometheus::{Client, SourceError};

/// What Prometheus says to one definition.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    /// The SLO.
    slo: String,
    /// Its evaluation path.
    path: &'static str,
    /// Series that are read at a slot.
    series: usize,
    /// Samples that Prometheus loads for this SLO at a slot, if it says so.
    samples_per_slot: Option<u64>,
    /// What will not work.
    pub(super) problems: Vec<String>,
    /// What may be meant, or not.
    pub(super) warnings: Vec<String>,
}

/// Asks about every definition.
pub(super) async fn ask(
    source: &SourceSettings,
    evaluation: &EvaluationSettings,
    definitions: &[Definition],
) -> Result<Vec<Finding>, SourceError> {
    let client = Client::new(source)?.with_series_max(evaluation.series_max);
    let questions = Questions {
        client,
        evaluation,
        now: Clock::system().now(),
    };
    let mut findings = Vec::new();
    for definition in definitions {
        findings.push(questions.about(&definition.slo).await?);
    }
    Ok(findings)
}

/// The findings as a table, then the problems in words.
pub(super) fn text(findings: &[Finding]) -> String {
    let mut table = check::table();
    table.set_header(["SLO", "path", "series", "samples per slot", "found"]);
    for finding in findings {
        let is_clean = finding.problems.is_empty() && finding.warnings.is_empty();
        let samples = finding.samples_per_slot.map(|samples| samples.to_string());
        table.add_row([
            finding.slo.clone(),
            finding.path.to_owned(),
            finding.series.to_string(),
            samples.unwrap_or_else(|| "not reported".to_owned()),
            if is_clean {
                "ok".to_owned()
            } else {
                "see below".to_owned()
            },
        ]);
    }
    let remarks = findings.iter().flat_map(
        |Finding {
             slo,
             problems,
             warnings,
             ..
         }| {
            let problems = problems
                .iter()
                .map(move |text| format!("{slo}: error: {text}"));
            problems.chain(
                warnings
                    .iter()
                    .map(move |text| format!("{slo}: warning: {text}")),
            )
        },
    );
    std::iter::once(table.trim_fmt())
        .chain(remarks)
        .collect::<Vec<_>>()
        .join("\n")
}

struct Questions<'a> {
    client: Client,
    evaluation: &'a EvaluationSettings,
    now: Timestamp,
}

impl Questions<'_> {
    async fn about(&self, slo: &Slo) -> Result<Finding, SourceError> {
        let mut finding = Finding {
            slo: slo.id.to_string(),
            path: slo.indicator.path(),
            series: 0,
            samples_per_slot: None,
            problems: Vec::new(),
            warnings: Vec::new(),
        };
        match &slo.indicator {
            Indicator::Counters { bad, total } => {
                let terms = total.iter().map(|term| (term, false));
                // Errors that are added up may not have happened yet; what is subtracted from all
                // events (good ones, fast ones) is always there.
                let terms = terms.chain(bad.iter().map(|term| (term, term.coefficient > 0.0)));
                self.read(terms, &mut finding).await?;
            }
            Indicator::Windows(query) => {
                self.windows(slo, query, &mut finding).await?;
                if finding.series == 0 {
                    finding.problems.push("no window has an answer".to_owned());
                }
            }
            // Its parts are checked themselves.
            Indicator::Composite(_) => {}
            Indicator::Slices { condition, .. } => {
                self.price(condition, &mut finding).await?;
                if finding.series == 0 {
                    let problem = format!("{condition} has no answer, neither good nor bad");
                    finding.problems.push(problem);
                }
            }
        }
        Ok(finding)
    }

    /// Reads each selector once, as a slot does. A term comes with whether it may match nothing.
    async fn read<'s>(
        &self,
        terms: impl Iterator<Item = (&'s Term, bool)>,
        finding: &mut Finding,
    ) -> Result<(), SourceError> {
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut series_seen = BTreeSet::new();
        let stretch = self.evaluation.interval + self.evaluation.scrape_interval.times(3);
        for (Term { selector, .. }, may_be_absent) in terms {
            let query = format!("{selector}[{stretch}]");
            if !seen.insert(query.clone()) {
                continue;
            }
            let (series, samples) = self.client.samples_with_stats(&query, self.now).await?;
            if series.is_empty() {
                let (metric_exists, why) = self.nothing_matches(selector).await?;
                if metric_exists && may_be_absent {
                    let fine = "fine if the series appears with its first error";
                    finding.warnings.push(format!("{why}: {fine}"));
                } else {
                    finding.problems.push(why);
                }
            }
            let new = series
                .iter()
                .filter(|s| series_seen.insert(s.labels.clone()))
                .count();
            finding.series += new;
            // What another selector of the SLO already reads costs nothing more: polls are merged.
            if new > 0
                && let Some(samples) = samples
            {
                *finding.samples_per_slot.get_or_insert(0) += samples;
            }
        }
        Ok(())
    }

    /// Whether the metric exists, and why the selector matches nothing: no such metric, or one
    /// matcher too many.
    async fn nothing_matches(&self, selector: &Selector) -> Result<(bool, String), SourceError> {
        let (name, others): (Vec<_>, Vec<_>) = selector
            .matchers()
            .iter()
            .cloned()
            .partition(|matcher| matcher.name == METRIC_NAME);
        let metric = Selector::new(name);
        if metric.matchers().is_empty() || !self.has_series(&metric).await? {
            let why = format!("{selector} matches nothing: no series has this metric name");
            return Ok((false, why));
        }
        for culprit in &others {
            let rest = others.iter().filter(|m| *m != culprit);
            let rest = Selector::new(rest.chain(metric.matchers()).cloned().collect());
            if self.has_series(&rest).await? {
                let values = self.values(&rest, &culprit.name).await?;
                let (op, wanted) = culprit.op.parts();
                let why = format!(
                    "{selector} matches nothing because of {}{op}{wanted:?}; the label has {values}",
                    culprit.name
                );
                return Ok((true, why));
            }
        }
        let why = format!("{selector} matches nothing, though the metric exists");
        Ok((true, why))
    }

    async fn has_series(&self, selector: &Selector) -> Result<bool, SourceError> {
        Ok(!self
            .client
            .instant(&format!("group({selector})"), self.now)
            .await?
            .is_empty())
    }

    async fn values(&self, selector: &Selector, label: &str) -> Result<String, SourceError> {
        const SHOWN_MAX: usize = 12;
        let query = format!("group by ({label}) ({selector})");
        let found = self.client.instant(&query, self.now).await?;
        let value =
            |labels: &crate::engine::Labels| format!("{:?}", labels.get(label).unwrap_or(""));
        let mut values: Vec<String> = found.iter().map(|(labels, _)| value(labels)).collect();
        values.sort();
        let more = values.len().saturating_sub(SHOWN_MAX);
        values.truncate(SHOWN_MAX);
        let rest = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        Ok(format!("the values {}{rest}", values.join(", ")))
    }

    async fn windows(
        &self,
        slo: &Slo,
        query: &WindowQuery,
        finding: &mut Finding,
    ) -> Result<(), SourceError> {
        let templates = match query {
            WindowQuery::Ratio { error_ratio } => vec![error_ratio],
            WindowQuery::Events { bad, total, .. } => vec![bad, total],
        };
        for window in slo.policy.windows() {
            for template in &templates {
                self.price(&template.render(window), finding).await?;
            }
        }
        Ok(())
    }

    async fn price(&self, text: &str, finding: &mut Finding) -> Result<(), SourceError> {
        let (answer, samples) = self.client.instant_with_stats(text, self.now).await?;
        finding.series = finding.series.max(answer.len());
        if let Some(samples) = samples {
            *finding.samples_per_slot.get_or_insert(0) += samples;
        }
        Ok(())
    }
}
