//! Raw samples as a source delivers them.

use super::labels::Labels;
use super::time::Timestamp;

/// One value of a series at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// When the scrape that read it began.
    pub at: Timestamp,
    /// The value; NaN and the infinities are possible.
    pub value: f64,
}

/// One series with its samples, sorted by time; equal times are possible.
#[derive(Clone, Debug, PartialEq)]
pub struct RawSeries {
    /// All labels, the metric name among them.
    pub labels: Labels,
    /// The samples, oldest first.
    pub samples: Vec<Sample>,
}
