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

/// A series with some of its samples, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct RawSeries {
    /// Identity, the metric name under `__name__` where the source keeps it.
    pub labels: Labels,
    /// Its samples.
    pub samples: Vec<Sample>,
}
