//! One objective: its target, and how it slices time.

use crate::config::field::Field;
use crate::config::value::{Duration, Fraction};
use crate::engine::Span;

use super::duration::Minutes;
use super::entry::{Entry, Notes};

/// The slice of an objective that does not say.
const SLICE_DEFAULT: Span = Span::from_mins(1);

/// The target in percent of good events.
pub(super) fn percent(objective: Entry<'_>) -> Field<f64> {
    let Some((key, entry)) = objective.only(&["target", "targetPercent"]) else {
        let fix = "add target: such as 0.999, or targetPercent: such as 99.9";
        objective.error("the objective has no target", fix);
        return Field::refused(objective.mark());
    };
    let (whole, example) = match key {
        "target" => (1.0, "0.999"),
        _ => (100.0, "99.9"),
    };
    let target = entry.value::<f64>();
    match target.value() {
        Some(value) if 0.0 < *value && *value < whole => {
            Field::at(entry.mark(), decimal(value * (100.0 / whole)))
        }
        Some(value) => {
            let fix = format!("write {key}: {example}, or another number between 0 and {whole}");
            let message = if *value < whole {
                format!("a target of {value} promises nothing")
            } else if *value == whole {
                format!("a target of {value} leaves no budget, so every failure would break it")
            } else {
                format!("a target of {value} is more than everything")
            };
            entry.error(message, fix);
            Field::refused(entry.mark())
        }
        None => target,
    }
}

/// Without the binary dust of `0.999 * 100`.
pub(super) fn decimal(percent: f64) -> f64 {
    const SCALE: f64 = 1e11;
    (percent * SCALE).round() / SCALE
}

/// How an objective slices time.
pub(super) struct Slice {
    pub(super) field: Field<Duration>,
    /// The same, for texts that name it; the default when it was refused.
    pub(super) span: Span,
}

pub(super) fn slice(objective: Entry<'_>, notes: &Notes) -> Slice {
    let written = objective.read::<Minutes>("timeSliceWindow");
    if written.is_absent() {
        let fix = "add timeSliceWindow: with the length of a slice";
        notes.add(
            objective.mark(),
            "no timeSliceWindow is given, so it is 1m",
            fix,
        );
    }
    Slice {
        span: written.value().map_or(SLICE_DEFAULT, |slice| slice.0),
        field: written.map(|slice| Duration(slice.0)),
    }
}

/// The slice of an objective that counts occurrences of something that has none.
pub(super) fn minute() -> Slice {
    Slice {
        field: Field::default(),
        span: SLICE_DEFAULT,
    }
}

/// The share of good events from which a slice is good.
pub(super) fn slice_target(objective: Entry<'_>) -> Field<Fraction> {
    let Some(entry) = objective.at("timeSliceTarget") else {
        let fix = "add timeSliceTarget: with the share of good events, such as 0.95";
        objective.error("budgetingMethod: Timeslices needs a timeSliceTarget", fix);
        return Field::refused(objective.mark());
    };
    let target = entry.value::<f64>();
    match target.value() {
        Some(value) if 0.0 < *value && *value <= 1.0 => Field::at(entry.mark(), Fraction(*value)),
        Some(value) => {
            let message = format!("a timeSliceTarget of {value} is not a share of good events");
            entry.error(message, "write a number above 0 and up to 1, such as 0.95");
            Field::refused(entry.mark())
        }
        None => Field::refused(entry.mark()),
    }
}
