//! Coverage: from when on the samples of an SLO have been read, and under which definition.

use serde::{Deserialize, Serialize};

use crate::engine::labels::Fnv;
use crate::engine::slo::{Indicator, Slo};
use crate::engine::time::Timestamp;
use crate::engine::window::Layout;

use super::ReadingOptions;

/// From when on the samples of an SLO have been read without interruption.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Coverage {
    pub(super) from: Timestamp,
    /// Whether the hours of the period before `from` have been read too.
    pub(super) hours_read: bool,
    fingerprint: u64,
}

impl Coverage {
    /// Starts here, under this definition.
    pub(super) fn new(from: Timestamp, slo: &Slo, options: &ReadingOptions) -> Self {
        Self {
            from,
            hours_read: false,
            fingerprint: fingerprint(slo, options),
        }
    }

    /// Whether what was counted is still what the definition says, in windows that fit it.
    pub(super) fn is_of(&self, slo: &Slo, options: &ReadingOptions) -> bool {
        self.fingerprint == fingerprint(slo, options)
    }
}

/// The windows that an SLO needs.
pub(super) fn layout(slo: &Slo, options: &ReadingOptions) -> Layout {
    Layout {
        interval: options.interval,
        longest_window: slo.reach.longest_window(),
        period: slo.reach.period,
        quarters: slo.reach.quarters,
    }
}

fn fingerprint(slo: &Slo, options: &ReadingOptions) -> u64 {
    let mut hash = Fnv::default();
    match &slo.indicator {
        Indicator::Counters { bad, total } => {
            for (side, terms) in [("bad", bad), ("total", total)] {
                for term in terms {
                    hash.write(
                        format!("{side} {} {}\n", term.coefficient, term.selector).as_bytes(),
                    );
                }
            }
        }
        Indicator::Slices {
            condition,
            slice,
            graded,
        } => {
            let kind = if *graded { "graded" } else { "slices" };
            hash.write(format!("{kind} {slice} {condition}\n").as_bytes());
        }
        Indicator::Windows(query) => hash.write(format!("{query:?}\n").as_bytes()),
        Indicator::Composite(composite) => hash.write(format!("{composite:?}\n").as_bytes()),
    }
    hash.write(format!("{:?} {:?}", slo.group_by, layout(slo, options)).as_bytes());
    hash.0
}
