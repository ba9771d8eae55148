//! The `sli` section to an indicator and its evaluation path.

use crate::config::field::{Field, Section};
use crate::config::promql::{self, Classified, PromqlError, Side};
use crate::config::raw::definition::{Events, Latency, Ratio, Sli, TimeSlices};
use crate::config::value::Duration;
use crate::engine::Span;

/// The key of all events, here and in [`PromqlError::field`].
const TOTAL: &str = "total";

pub(super) fn compile(section: &Section<'_>, sli: &Sli) -> Option<Classified> {
    let kinds = [
        ("events", sli.events.is_absent()),
        ("latency", sli.latency.is_absent()),
        ("time_slices", sli.time_slices.is_absent()),
        ("ratio", sli.ratio.is_absent()),
    ];
    section.one_of(kinds)?;
    if let Some(raw) = sli.events.value() {
        events(&section.within(&sli.events, "events"), raw)
    } else if let Some(raw) = sli.latency.value() {
        latency(&section.within(&sli.latency, "latency"), raw)
    } else if let Some(raw) = sli.time_slices.value() {
        time_slices(&section.within(&sli.time_slices, "time_slices"), raw)
    } else {
        let raw = sli.ratio.value()?;
        ratio(&section.within(&sli.ratio, "ratio"), raw)
    }
}

fn events(section: &Section<'_>, raw: &Events) -> Option<Classified> {
    let sides = [("bad", raw.bad.is_absent()), ("good", raw.good.is_absent())];
    let side = section.one_of(sides);
    let total = section.required(&raw.total, TOTAL);
    let (side, numerator) = match side? {
        "bad" => (Side::Bad, &raw.bad),
        _ => (Side::Good, &raw.good),
    };
    let (text, total) = (numerator.value()?, total?);
    let error = match promql::events(side, text, total) {
        Ok(classified) => return Some(classified),
        Err(error) => error,
    };
    if error.field == TOTAL {
        refuse(section, &raw.total, &error);
        return None;
    }
    refuse(section, numerator, &error);
    // The mistake in the first text may hide one in the second: try it beside a harmless first.
    if let Err(error) = promql::events(side, "harmless_total", total)
        && error.field == TOTAL
    {
        refuse(section, &raw.total, &error);
    }
    None
}

fn latency(section: &Section<'_>, raw: &Latency) -> Option<Classified> {
    let histogram = section.required(&raw.histogram, "histogram");
    let threshold = section.required(&raw.threshold, "threshold");
    let (histogram, Duration(threshold)) = (histogram?, threshold?);
    if threshold.is_zero() {
        section.refuse(
            &raw.threshold,
            "the threshold is zero",
            "write one such as 300ms",
        );
        return None;
    }
    let classified = promql::latency(histogram, threshold.as_secs_f64());
    accept(section, &raw.histogram, classified)
}

fn time_slices(section: &Section<'_>, raw: &TimeSlices) -> Option<Classified> {
    let condition = section.required(&raw.condition, "condition");
    let default = Duration(Span::from_mins(1));
    let (min, max) = (Duration(Span::from_secs(1)), Duration(Span::from_hours(1)));
    let slice = section.bounded(&raw.slice, default, min, max);
    let classified = promql::condition(condition?, slice?.0);
    accept(section, &raw.condition, classified)
}

fn ratio(section: &Section<'_>, raw: &Ratio) -> Option<Classified> {
    let query = section.required(&raw.error_ratio, "error_ratio")?;
    accept(section, &raw.error_ratio, promql::ratio(query))
}

fn accept(
    section: &Section<'_>,
    field: &Field<String>,
    classified: Result<Classified, PromqlError>,
) -> Option<Classified> {
    classified
        .map_err(|error| refuse(section, field, &error))
        .ok()
}

const FIX: &str = "correct the PromQL; try it in the Prometheus UI first";

fn refuse(section: &Section<'_>, field: &Field<String>, error: &PromqlError) {
    let mark = match error.offset {
        Some(offset) => field.mark_at(offset, section.mark),
        None => field.mark_or(section.mark),
    };
    section.report.error(mark, error.message.clone(), FIX);
}
