//! The `sli` section to an indicator and its evaluation path.

use crate::config::field::{Field, Section};
use crate::config::promql::{self, Classified, EventTexts, Exclusion, PromqlError, Target};
use crate::config::raw::definition::{Events, Latency, Ratio, Sli, TimeSlices};
use crate::config::value::{Duration, Fraction};
use crate::engine::{Combination, Span};

use super::composite::{self, Composed};
use super::slo::Identity;

/// What is measured; `group_by` are the labels that the definition names.
pub(super) fn compile(
    section: &Section<'_>,
    sli: &Sli,
    group_by: &[String],
    identity: &Identity,
) -> Option<Composed> {
    let kinds = [
        ("events", sli.events.is_absent()),
        ("latency", sli.latency.is_absent()),
        ("time_slices", sli.time_slices.is_absent()),
        ("ratio", sli.ratio.is_absent()),
        ("journey", sli.journey.is_absent()),
        ("weighted", sli.weighted.is_absent()),
    ];
    let composite =
        |combination, field| composite::compile(section, combination, field, group_by, identity);
    let measured = match section.one_of(kinds)? {
        "events" => events(&section.within(&sli.events, "events"), sli.events.value()?),
        "latency" => latency(
            &section.within(&sli.latency, "latency"),
            sli.latency.value()?,
            group_by,
        ),
        "time_slices" => time_slices(
            &section.within(&sli.time_slices, "time_slices"),
            sli.time_slices.value()?,
            group_by,
        ),
        "ratio" => ratio(&section.within(&sli.ratio, "ratio"), sli.ratio.value()?),
        "journey" => return composite(Combination::Journey, &sli.journey),
        _ => return composite(Combination::Weighted, &sli.weighted),
    };
    measured.map(Composed::from)
}

/// The texts that are written, if they are two.
fn two_of_three<'f>(section: &Section<'_>, raw: &'f Events) -> Option<EventTexts<'f>> {
    let written = [&raw.bad, &raw.good, &raw.total].map(|field| !field.is_absent());
    let (message, fix) = match written {
        [true, true, true] => (
            "bad, good and total say the same twice",
            "remove one of the three",
        ),
        [true, true, false] | [true, false, true] | [false, true, true] => {
            let text = |field: &'f Field<String>| field.value().map(String::as_str);
            let (bad, good, total) = (text(&raw.bad), text(&raw.good), text(&raw.total));
            let refused = [bad, good, total].map(|text| text.is_some()) != written;
            return match (refused, bad, good, total) {
                (true, ..) => None,
                (_, Some(bad), Some(good), _) => Some(EventTexts::GoodAndBad { good, bad }),
                (_, Some(bad), _, Some(total)) => Some(EventTexts::BadOfTotal { bad, total }),
                (_, _, Some(good), Some(total)) => Some(EventTexts::GoodOfTotal { good, total }),
                _ => None,
            };
        }
        [true, false, false] => ("events has bad alone", "add total: or good:"),
        [false, true, false] => ("events has good alone", "add total: or bad:"),
        [false, false, true] => ("events has total alone", "add bad: or good:"),
        [false, false, false] => (
            "events has none of the keys bad, good, total",
            "add two of bad, good, total",
        ),
    };
    section.report.error(section.mark, message, fix);
    None
}

fn events(section: &Section<'_>, raw: &Events) -> Option<Classified> {
    let texts = two_of_three(section, raw);
    let exclude = exclusions(section, &raw.exclude);
    let classified = event_pair(section, raw, texts?, promql::events)?;
    without(section, &raw.exclude, classified, &exclude?)
}

/// Classifies two texts; a mistake in the first must not hide one in the second.
fn event_pair<T>(
    section: &Section<'_>,
    raw: &Events,
    texts: EventTexts<'_>,
    classify: impl Fn(EventTexts<'_>) -> Result<T, PromqlError>,
) -> Option<T> {
    warn_of_bounds(section, [&raw.bad, &raw.good, &raw.total]);
    let error = match classify(texts) {
        Ok(classified) => return Some(classified),
        Err(error) => error,
    };
    let field = |name: &str| match name {
        "bad" => &raw.bad,
        "good" => &raw.good,
        _ => &raw.total,
    };
    refuse(section, field(error.field), &error);
    // Each text once more, beside a harmless other one.
    for (name, text) in texts.named() {
        if name == error.field {
            continue;
        }
        if let Err(error) = promql::check_events(name, text)
            && error.field == name
        {
            refuse(section, field(name), &error);
        }
    }
    None
}

fn latency(section: &Section<'_>, raw: &Latency, group_by: &[String]) -> Option<Classified> {
    let histogram = section.required(&raw.histogram, "histogram");
    let threshold = section.required(&raw.threshold, "threshold");
    let native = section.or(&raw.native, false);
    let exclude = exclusions(section, &raw.exclude);
    let (histogram, Duration(threshold)) = (histogram?, threshold?);
    if threshold.is_zero() {
        let fix = "write one such as 300ms";
        section.refuse(&raw.threshold, "the threshold is zero", fix);
        return None;
    }
    let (seconds, exclude) = (threshold.as_secs_f64(), exclude?);
    if native? {
        let classified = promql::native_latency(histogram, seconds, group_by, &exclude);
        return accept(section, &raw.histogram, classified);
    }
    let classified = promql::latency(histogram, seconds);
    let classified = accept(section, &raw.histogram, classified)?;
    without(section, &raw.exclude, classified, &exclude)
}

fn time_slices(section: &Section<'_>, raw: &TimeSlices, group_by: &[String]) -> Option<Classified> {
    let default = Duration(Span::from_mins(1));
    let (min, max) = (Duration(Span::from_secs(1)), Duration(Span::from_hours(1)));
    let slice = section.bounded(&raw.slice, default, min, max);
    let kinds = [
        ("condition", raw.condition.is_absent()),
        ("good_ratio", raw.good_ratio.is_absent()),
        ("events", raw.events.is_absent()),
    ];
    let kind = section.one_of(kinds)?;
    if kind != "events" {
        section.needs(&raw.target, "target", "events")?;
    }
    match kind {
        "condition" => {
            warn_of_bounds(section, [&raw.condition]);
            let classified = promql::condition(raw.condition.value()?, slice?.0);
            accept(section, &raw.condition, classified)
        }
        "good_ratio" => {
            warn_of_bounds(section, [&raw.good_ratio]);
            let classified = promql::graded(raw.good_ratio.value()?, slice?.0);
            accept(section, &raw.good_ratio, classified)
        }
        _ => {
            let target = target(section, &raw.target);
            let events = raw.events.value()?;
            let section = section.within(&raw.events, "events");
            let texts = two_of_three(&section, events);
            let exclude = exclusions(&section, &events.exclude)?;
            let (slice, target) = (slice?.0, target?);
            let classify =
                |texts: EventTexts<'_>| promql::slice_events(texts, slice, target, group_by);
            let classified = event_pair(&section, events, texts?, classify)?;
            without(&section, &events.exclude, classified, &exclude)
        }
    }
}

fn target(section: &Section<'_>, field: &Field<Fraction>) -> Option<Target> {
    let Some(Fraction(share)) = section.maybe(field)? else {
        return Some(Target::Graded);
    };
    if share > 0.0 {
        return Some(Target::Share(share));
    }
    let fix = "write the share of good events that makes a slice good, such as 95%";
    section.refuse(field, "with a target of 0 no slice would be bad", fix);
    None
}

fn ratio(section: &Section<'_>, raw: &Ratio) -> Option<Classified> {
    let kinds = [
        ("error_ratio", raw.error_ratio.is_absent()),
        ("good_ratio", raw.good_ratio.is_absent()),
    ];
    warn_of_bounds(section, [&raw.error_ratio, &raw.good_ratio]);
    match section.one_of(kinds)? {
        "error_ratio" => {
            let classified = promql::ratio(raw.error_ratio.value()?);
            accept(section, &raw.error_ratio, classified)
        }
        _ => {
            let classified = promql::good_ratio(raw.good_ratio.value()?);
            accept(section, &raw.good_ratio, classified)
        }
    }
}

/// What does not count at all.
fn exclusions(section: &Section<'_>, field: &Field<Vec<Field<String>>>) -> Option<Vec<Exclusion>> {
    if field.is_absent() {
        return Some(Vec::new());
    }
    let read = |item: &Field<String>| {
        let exclusion = promql::exclusion(item.value()?);
        exclusion
            .map_err(|error| refuse_with(section, item, &error, EXCLUSION_FIX))
            .ok()
    };
    let all: Vec<Option<Exclusion>> = field.value()?.iter().map(read).collect();
    all.into_iter().collect()
}

/// The indicator without what is excluded.
fn without(
    section: &Section<'_>,
    field: &Field<Vec<Field<String>>>,
    classified: Classified,
    exclude: &[Exclusion],
) -> Option<Classified> {
    match promql::without(classified, exclude) {
        Ok(classified) => Some(classified),
        Err(message) => {
            let fix = "remove exclude: and write the matchers into the queries, such as path!=\"/healthz\"";
            section.refuse(field, message, fix);
            None
        }
    }
}

fn warn_of_bounds<const N: usize>(section: &Section<'_>, fields: [&Field<String>; N]) {
    for field in fields {
        let Some(text) = field.value() else {
            continue;
        };
        for (offset, bound) in promql::whole_bounds(text) {
            let message = format!("Prometheus 3 stores le=\"{bound}\" as \"{bound}.0\"");
            let fix = format!("write le=~\"{bound}(\\\\.0)?\", which matches both");
            let mark = field.mark_at(offset, section.mark);
            section
                .report
                .lint(crate::config::lint::Lint::BucketBound, mark, message, fix);
        }
    }
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
const EXCLUSION_FIX: &str = "write label matchers in braces, such as {path=\"/healthz\"}";

fn refuse(section: &Section<'_>, field: &Field<String>, error: &PromqlError) {
    refuse_with(section, field, error, FIX);
}

fn refuse_with(section: &Section<'_>, field: &Field<String>, error: &PromqlError, fix: &str) {
    let mark = match error.offset {
        Some(offset) => field.mark_at(offset, section.mark),
        None => field.mark_or(section.mark),
    };
    section.report.error(mark, error.message.clone(), fix);
}
