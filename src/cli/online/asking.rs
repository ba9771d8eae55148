//! The questions that several parts of the check ask, all at one time.

use std::collections::BTreeSet;

use tokio::sync::OnceCell;

use crate::config::settings::{EvaluationSettings, SourceSettings};
use crate::engine::{Labels, RawSeries, Selector, Span, Timestamp};
use crate::prometheus::{Client, SourceError};

/// One source at one time.
pub(super) struct Asking {
    client: Client,
    pub(super) evaluation: EvaluationSettings,
    pub(super) now: Timestamp,
    /// How long samples are kept, where the source says so.
    pub(super) retention: Option<Span>,
    names: OnceCell<Vec<String>>,
}

impl Asking {
    /// Asks the first question, so that a source that is down is told once and clearly.
    pub(super) async fn open(
        source: &SourceSettings,
        evaluation: &EvaluationSettings,
        now: Timestamp,
    ) -> Result<Self, SourceError> {
        let client = Client::new(source)?.with_series_max(evaluation.series_max);
        client.instant("vector(1)", now).await?;
        let retention = client.retention().await?;
        Ok(Self {
            client,
            evaluation: evaluation.clone(),
            now,
            retention: retention.and_then(|text| kept_for(&text)),
            names: OnceCell::new(),
        })
    }

    /// The raw samples of the last `range`, and how many the source loaded for them.
    pub(super) async fn samples(
        &self,
        selector: &Selector,
        range: Span,
    ) -> Result<(Vec<RawSeries>, Option<u64>), SourceError> {
        let query = format!("{selector}[{range}]");
        self.client.samples_with_stats(&query, self.now).await
    }

    pub(super) async fn instant(&self, query: &str) -> Result<Vec<(Labels, f64)>, SourceError> {
        self.client.instant(query, self.now).await
    }

    pub(super) async fn instant_with_stats(
        &self,
        query: &str,
    ) -> Result<(Vec<(Labels, f64)>, Option<u64>), SourceError> {
        self.client.instant_with_stats(query, self.now).await
    }

    /// Whether a selector matches anything at a time.
    pub(super) async fn has_series(
        &self,
        selector: &Selector,
        at: Timestamp,
    ) -> Result<bool, SourceError> {
        let answer = self
            .client
            .instant(&format!("group({selector})"), at)
            .await?;
        Ok(!answer.is_empty())
    }

    /// The values that a label has in what a selector matches; empty when no series has it.
    pub(super) async fn values(
        &self,
        selector: &Selector,
        label: &str,
    ) -> Result<BTreeSet<String>, SourceError> {
        let answer = self
            .instant(&format!("group by ({label}) ({selector})"))
            .await?;
        let values = answer.iter().filter_map(|(labels, _)| labels.get(label));
        Ok(values.map(str::to_owned).collect())
    }

    /// The names of all metrics; none where the source does not list them.
    pub(super) async fn metric_names(&self) -> Result<&[String], SourceError> {
        let names = self
            .names
            .get_or_try_init(async || match self.client.metric_names().await {
                Err(SourceError::BadQuery { .. } | SourceError::TooLarge { .. }) => Ok(Vec::new()),
                names => names,
            });
        names.await.map(Vec::as_slice)
    }
}

/// `15d`, `60d or 5GB`: the bound on time; a bound on size alone says nothing about time.
fn kept_for(text: &str) -> Option<Span> {
    let parts = text.split(" or ").map(str::trim);
    let mut spans = parts.filter_map(|part| Span::parse(part).ok());
    spans.next().filter(|span| !span.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_a_time_a_size_or_both() {
        assert_eq!(kept_for("15d"), Some(Span::from_days(15)));
        assert_eq!(kept_for("60d or 5GB"), Some(Span::from_days(60)));
        assert_eq!(kept_for("5GB"), None);
        assert_eq!(kept_for("0s"), None);
        assert_eq!(kept_for(""), None);
    }
}
