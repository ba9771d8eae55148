//! `slofuse check --online`: whether Prometheus has what the definitions ask for, what a failure
//! would weigh at its present traffic, and the price.
//!
//! What is wrong becomes a diagnostic at the place of its definition. Every question has the
//! deadline and the bounds of the source's settings; a source that does not answer ends the check,
//! a query that it refuses is the definition's mistake.

mod absence;
mod asking;
mod history;
mod lazy;
mod reading;
mod traffic;

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::check::{self, harmless};
use crate::config::lint::Lint;
use crate::config::settings::{EvaluationSettings, SourceSettings};
use crate::config::{Definition, Diagnostic, Diagnostics};
use crate::engine::{Indicator, Slo, Timestamp, WindowQuery};
use crate::prometheus::SourceError;
use asking::Asking;
use traffic::Traffic;

/// Definitions that are asked about at once; the source's settings bound the requests.
const AT_ONCE: usize = 16;

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
    /// Samples that one evaluation of burn-rate rules with the same windows would load.
    rules_samples: Option<u64>,
    /// What a failure weighs at the present traffic, where that is known.
    traffic: Option<Traffic>,
}

/// One definition under examination.
struct Case {
    asking: Arc<Asking>,
    definition: Definition,
    finding: Finding,
    found: Vec<Diagnostic>,
}

/// Asks about every definition; what is wrong goes to `found`.
pub(super) async fn ask(
    source: &SourceSettings,
    evaluation: &EvaluationSettings,
    definitions: &[Definition],
    now: Timestamp,
    found: &mut Diagnostics,
) -> Result<Vec<Finding>, SourceError> {
    let asking = Arc::new(Asking::open(source, evaluation, now).await?);
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut cases = JoinSet::new();
    for (index, definition) in definitions.iter().enumerate() {
        let permits = Arc::clone(&permits);
        let mut case = Case::new(Arc::clone(&asking), definition.clone());
        cases.spawn(async move {
            let _permit = permits.acquire_owned().await;
            case.examine().await.map(|()| (index, case))
        });
    }
    let mut done = Vec::new();
    while let Some(case) = cases.join_next().await {
        match case {
            Ok(case) => done.push(case?),
            Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
        }
    }
    done.sort_by_key(|(index, _)| *index);
    let mut findings = Vec::new();
    for (_, case) in done {
        for diagnostic in case.found {
            found.push(diagnostic);
        }
        findings.push(case.finding);
    }
    Ok(findings)
}

/// The findings as a table.
pub(super) fn text(findings: &[Finding]) -> String {
    let mut table = check::table();
    table.set_header([
        "SLO",
        "path",
        "series",
        "samples per slot",
        "rules would load",
        "events per hour",
    ]);
    let number = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |some| some.to_string());
    for finding in findings {
        let traffic = finding.traffic.as_ref();
        table.add_row([
            harmless(&finding.slo),
            finding.path.to_owned(),
            finding.series.to_string(),
            number(finding.samples_per_slot),
            number(finding.rules_samples),
            traffic.map_or_else(|| "-".to_owned(), |traffic| traffic.per_hour()),
        ]);
    }
    table.trim_fmt()
}

impl Case {
    fn new(asking: Arc<Asking>, definition: Definition) -> Self {
        let slo = &definition.slo;
        let finding = Finding {
            slo: slo.id.to_string(),
            path: slo.indicator.path(),
            series: 0,
            samples_per_slot: None,
            rules_samples: None,
            traffic: None,
        };
        Self {
            asking,
            definition,
            finding,
            found: Vec::new(),
        }
    }

    fn report(&mut self, rule: Lint, message: String, fix: impl Into<String>) {
        let diagnostic = Diagnostic {
            place: self.definition.place.clone(),
            severity: rule.level(),
            rule,
            message: harmless(&message),
            fix: harmless(&fix.into()),
        };
        self.found.push(diagnostic);
    }

    async fn examine(&mut self) -> Result<(), SourceError> {
        let examined = self.look().await;
        examined.or_else(|error| self.blame(error))
    }

    async fn look(&mut self) -> Result<(), SourceError> {
        let slo = Arc::clone(&self.definition.slo);
        self.check_retention(&slo);
        match &slo.indicator {
            Indicator::Counters { bad, total } => self.counters(&slo, bad, total).await,
            Indicator::Windows(query) => self.windows(&slo, query).await,
            Indicator::Slices {
                condition, slice, ..
            } => {
                let answered = self.price(&slo, std::slice::from_ref(condition)).await?;
                if !answered {
                    let message = format!("{condition} has no answer, neither good nor bad");
                    let fix = "try it in the Prometheus UI; a missing series is neither";
                    self.report(Lint::NoSeries, message, fix);
                }
                self.weigh(&slo, traffic::of_slices(*slice));
                Ok(())
            }
            // Its parts are definitions themselves.
            Indicator::Composite(_) => Ok(()),
        }
    }

    async fn windows(&mut self, slo: &Slo, query: &WindowQuery) -> Result<(), SourceError> {
        let templates = match query {
            WindowQuery::Ratio { error_ratio } => vec![error_ratio],
            WindowQuery::Events { bad, total, .. } => vec![bad, total],
        };
        let windows = slo.policy.windows().into_iter();
        let queries = windows.flat_map(|window| templates.iter().map(move |t| t.render(window)));
        let queries: Vec<String> = queries.collect();
        let answered = self.price(slo, &queries).await?;
        if !answered && !queries.is_empty() {
            let message = "no window has an answer".to_owned();
            let fix = "try the query in the Prometheus UI with a window such as 1h";
            self.report(Lint::NoSeries, message, fix);
        }
        Ok(())
    }

    /// Asks what Prometheus evaluates itself; whether anything has an answer.
    async fn price(&mut self, slo: &Slo, queries: &[String]) -> Result<bool, SourceError> {
        let mut labels = Vec::new();
        for query in queries {
            let (answer, samples) = self.asking.instant_with_stats(query).await?;
            self.finding.series = self.finding.series.max(answer.len());
            if let Some(samples) = samples {
                *self.finding.samples_per_slot.get_or_insert(0) += samples;
            }
            labels.extend(answer.into_iter().map(|(labels, _)| labels));
        }
        self.check_labels(slo, labels.iter(), "the answers");
        Ok(!labels.is_empty())
    }

    /// A query that the source refuses is a mistake of its definition; anything else is the
    /// source's trouble.
    fn blame(&mut self, error: SourceError) -> Result<(), SourceError> {
        let (rule, fix) = match error {
            SourceError::TooManySeries { .. } | SourceError::TooLarge { .. } => (
                Lint::ManySeries,
                "narrow the selectors with more matchers, or raise evaluation.series_max",
            ),
            SourceError::NativeHistogram { .. } => (
                Lint::Unsupported,
                "use its classic series, or measure with histogram_fraction",
            ),
            SourceError::BadQuery { status, .. } if status != 404 && status != 405 => (
                Lint::Invalid,
                "correct the PromQL; try it in the Prometheus UI first",
            ),
            other => return Err(other),
        };
        self.report(rule, error.to_string(), fix);
        Ok(())
    }
}
