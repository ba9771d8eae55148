//! A [`Reel`] of samples in memory: from a file, from a script of traffic, or from a test.

use std::sync::Arc;

use super::{Reel, ReelError};
use crate::engine::{
    Answer, Counts, InstanceId, Labels, RawSeries, Slo, SourceFailure, Span, Timestamp,
};
use crate::prometheus::PolledFeed;

/// Samples, and when the source did not answer.
#[derive(Clone, Debug, Default)]
pub struct MemoryReel {
    series: Vec<RawSeries>,
    outages: Vec<(Timestamp, Timestamp)>,
}

impl MemoryReel {
    /// A source that holds these series, each with its samples in rising time.
    pub fn new(series: Vec<RawSeries>) -> Self {
        Self {
            series,
            outages: Vec::new(),
        }
    }

    /// The source answers nothing at slots in `[from, until)`.
    #[must_use]
    pub fn with_outage(mut self, from: Timestamp, until: Timestamp) -> Self {
        self.outages.push((from, until));
        self
    }
}

impl Reel for MemoryReel {
    fn samples(
        &mut self,
        feed: &PolledFeed,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<RawSeries>, ReelError> {
        let wanted = |labels: &Labels| {
            let mut polls = feed.polls.iter();
            polls.any(|poll| poll.selector().matches(labels))
        };
        let cut = |series: &RawSeries| {
            let from = series.samples.partition_point(|sample| sample.at <= from);
            let until = series.samples.partition_point(|sample| sample.at <= until);
            let samples = series.samples.get(from..until)?;
            (!samples.is_empty()).then(|| RawSeries {
                labels: series.labels.clone(),
                samples: samples.to_vec(),
            })
        };
        let series = self.series.iter().filter(|series| wanted(&series.labels));
        Ok(series.filter_map(cut).collect())
    }

    fn answer(
        &mut self,
        feed: &PolledFeed,
        _window: Span,
        _at: Timestamp,
    ) -> Result<Vec<(Labels, Answer)>, ReelError> {
        Err(ReelError::because(format!(
            "{} needs answers to queries, and there are only samples",
            feed.key
        )))
    }

    fn hours(
        &mut self,
        _slo: &Arc<Slo>,
        _from: Timestamp,
        _until: Timestamp,
    ) -> Result<Vec<(InstanceId, Timestamp, Counts)>, ReelError> {
        Ok(Vec::new())
    }

    fn failure(&mut self, _feed: &PolledFeed, slot: Timestamp) -> Option<SourceFailure> {
        let mut outages = self.outages.iter();
        let out = outages.any(|(from, until)| (*from..*until).contains(&slot));
        out.then(|| SourceFailure("the source does not answer".to_owned()))
    }
}
