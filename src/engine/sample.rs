//! Samples as the source hands them over.

use super::labels::Labels;
use super::time::Timestamp;

/// One value of a series at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When the scrape that saw it began.
    pub at: Timestamp,
    /// The value; a source may send NaN and infinities.
    pub value: f64,
}

/// The samples at or before a time, of samples in rising time: mostly all, or a few.
pub fn until(samples: &[Sample], until: Timestamp) -> &[Sample] {
    const FEW: usize = 8;
    let few = samples.get(..FEW).unwrap_or(samples);
    let count = match few.iter().position(|sample| sample.at > until) {
        Some(count) => count,
        None if samples.last().is_none_or(|last| last.at <= until) => samples.len(),
        None => samples.partition_point(|sample| sample.at <= until),
    };
    samples.get(..count).unwrap_or_default()
}

/// A series with some of its samples, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct RawSeries {
    /// Identity, the metric name under `__name__` where the source keeps it.
    pub labels: Labels,
    /// Its samples.
    pub samples: Vec<Sample>,
}
