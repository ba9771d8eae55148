//! Indicators: ratio and threshold metrics under a budgeting method, as native ones.
//!
//! | | Occurrences | Timeslices | RatioTimeslices |
//! |---|---|---|---|
//! | good or bad, and total | events | slices, good from `timeSliceTarget` on | slices, graded |
//! | raw over a window | ratio | slices, by a condition | slices, graded |
//! | raw without a window | slices of 1m, graded | slices, by a condition | slices, graded |
//! | threshold | slices of 1m, by a condition | slices, by a condition | slices, graded |
//!
//! A threshold is compared with single values and a raw ratio without a window is one: neither
//! says how many events are behind it. So each minute counts as one occurrence. In a longer slice
//! there is one such value per minute. `max by (pod) (..)` on the outside of such a query makes
//! instances of the pods, as `sum by (pod) (..)` does where events are counted.

use crate::config::diagnostic::excerpt;
use crate::config::field::Field;
use crate::config::lint::Lint;
use crate::config::nearest::suggestion;
use crate::config::promql::MetricType;
use crate::config::raw::definition::{Events, Ratio, Sli, TimeSlices};
use crate::config::value::{Fraction, LabelName};
use crate::engine::Span;

use super::entry::{Entry, Notes};
use super::metric::{self, Query};
use super::objective::{self, Slice};
use super::objects::{Kind, Objects};

/// How occurrences or slices make a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Occurrences,
    Timeslices,
    RatioTimeslices,
}

impl Method {
    const NAMES: [(&'static str, Self); 3] = [
        ("Occurrences", Self::Occurrences),
        ("Timeslices", Self::Timeslices),
        ("RatioTimeslices", Self::RatioTimeslices),
    ];

    /// The method of an SLO; `None` when it is not known.
    pub(super) fn of_spec(spec: Entry<'_>, notes: &Notes) -> Option<Self> {
        let Some(entry) = spec.at("budgetingMethod") else {
            let fix = "add budgetingMethod: Occurrences, Timeslices or RatioTimeslices";
            let message = "no budgetingMethod is given, so it is Occurrences";
            notes.add(spec.mark(), message, fix);
            return Some(Self::Occurrences);
        };
        let text = entry.text().unwrap_or_default();
        let known = Self::NAMES
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text));
        if known.is_none() {
            let message = format!("the budgetingMethod {:?} is not known", excerpt(text));
            entry.error(message, suggestion(text, Self::NAMES.map(|(name, _)| name)));
        }
        known.map(|(_, method)| method)
    }
}

/// What an indicator is translated with.
#[derive(Clone, Copy)]
pub(super) struct Context<'n> {
    pub(super) objects: &'n Objects<'n>,
    pub(super) notes: &'n Notes,
    pub(super) method: Method,
}

/// Where an indicator may be named.
const KEYS: [&str; 5] = ["indicator", "indicatorRef", "sli", "sliRef", "ratioMetrics"];

/// Whether an indicator is named here.
pub(super) fn is_at(holder: Entry<'_>) -> bool {
    holder.any(&KEYS).is_some()
}

/// What is measured, and its place.
#[derive(Clone, Copy)]
enum Metrics<'n> {
    Ratio(Entry<'n>),
    Threshold(Entry<'n>),
}

/// An indicator in its native form.
pub(super) struct Measured {
    pub(super) sli: Field<Sli>,
    /// The labels that split a query of single values into instances. Those of sums of events are
    /// found where all such queries are taken apart.
    pub(super) group_by: Field<Vec<Field<LabelName>>>,
}

/// The native form of the indicator that `holder` names, for one objective.
pub(super) fn measured(holder: Entry<'_>, objective: Entry<'_>, context: Context<'_>) -> Measured {
    let mark = holder.mark();
    let (sli, single) = match metrics(holder, context.objects) {
        None => (None, None),
        Some(Metrics::Ratio(metrics)) => (ratio(metrics, objective, context), metrics.at("raw")),
        Some(Metrics::Threshold(metric)) => {
            (Some(threshold(metric, objective, context)), Some(metric))
        }
    };
    Measured {
        sli: sli.map_or_else(|| Field::refused(mark), |sli| Field::at(mark, sli)),
        group_by: single.map_or_else(Field::default, |metric| group_by(metric, context)),
    }
}

fn group_by(metric: Entry<'_>, context: Context<'_>) -> Field<Vec<Field<LabelName>>> {
    let query = metric::query(metric, context.objects, context.notes);
    let labels = query.kept_labels().into_iter();
    let labels: Vec<Field<LabelName>> = labels
        .filter_map(|label| LabelName::try_from(label).ok())
        .map(|label| Field::at(query.mark(), label))
        .collect();
    match labels.is_empty() {
        true => Field::default(),
        false => Field::at(query.mark(), labels),
    }
}

fn metrics<'n>(holder: Entry<'n>, objects: &'n Objects<'n>) -> Option<Metrics<'n>> {
    let spec = match holder.only(&KEYS)? {
        ("ratioMetrics", metrics) => return Some(Metrics::Ratio(metrics)),
        ("indicatorRef" | "sliRef", reference) => {
            let object = objects.resolve(reference, Kind::Sli)?;
            let spec = object.section("spec");
            if object.at("spec").is_none() {
                let fix = "add spec: with a ratioMetric: or a thresholdMetric:";
                object.error("the SLI has no spec", fix);
            }
            spec?
        }
        (key, _) => {
            let inline = holder.section(key)?;
            inline.section("spec").unwrap_or(inline)
        }
    };
    match spec.only(&["ratioMetric", "thresholdMetric"]) {
        Some(("ratioMetric", metrics)) => Some(Metrics::Ratio(metrics)),
        Some((_, metric)) => Some(Metrics::Threshold(metric)),
        None => {
            let fix = "add ratioMetric: or thresholdMetric:";
            spec.error("the indicator measures nothing", fix);
            None
        }
    }
}

fn ratio(metrics: Entry<'_>, objective: Entry<'_>, context: Context<'_>) -> Option<Sli> {
    let Some((side, numerator)) = metrics.only(&["good", "bad", "raw"]) else {
        let fix = "add good: or bad: with total:, or raw: with rawType:";
        metrics.error("the ratio has none of good, bad, raw", fix);
        return None;
    };
    if side == "raw" {
        let raw = metric::query(numerator, context.objects, context.notes);
        return raw_ratio(metrics, raw, objective, context);
    }
    let Some(total) = metrics.at("total") else {
        let fix = "add total: with all events";
        metrics.error(format!("the ratio has {side} but no total"), fix);
        return None;
    };
    let counter = metrics.only(&["counter", "incremental"]);
    let counter = counter.map_or_else(Field::default, |(_, counter)| counter.value::<bool>());
    let bare = match counter.value() {
        Some(false) => MetricType::Gauge,
        None if counter.is_absent() => MetricType::Unknown,
        _ => MetricType::Counter,
    };
    let over = |entry, name| {
        let query = metric::query(entry, context.objects, context.notes);
        query.over_window(name, bare, entry, context.notes)
    };
    let (numerator_query, total_query) = (over(numerator, side), over(total, "total"));
    if let (Some(one), Some(other)) = (&numerator_query.range, &total_query.range)
        && one != other
    {
        let message = format!("the two queries measure different ranges, [{one}] and [{other}]");
        total.error(message, "write [{{.window}}] in both");
    }
    let mut events = Events {
        total: total_query.text,
        ..Events::default()
    };
    match side {
        "bad" => events.bad = numerator_query.text,
        _ => events.good = numerator_query.text,
    }
    let events = Field::at(metrics.mark(), events);
    let slices = |target, slice: Slice, events| TimeSlices {
        events,
        target,
        slice: slice.field,
        ..TimeSlices::default()
    };
    Some(match context.method {
        Method::Occurrences => Sli {
            events,
            ..Sli::default()
        },
        Method::Timeslices => {
            let target = objective::slice_target(objective);
            let slice = objective::slice(objective, context.notes);
            time_slices(metrics, slices(target, slice, events))
        }
        Method::RatioTimeslices => {
            let slice = objective::slice(objective, context.notes);
            time_slices(metrics, slices(Field::default(), slice, events))
        }
    })
}

fn raw_ratio(
    metrics: Entry<'_>,
    raw: Query,
    objective: Entry<'_>,
    context: Context<'_>,
) -> Option<Sli> {
    let failure = match metrics.at("rawType") {
        Some(kind) => match kind.text().unwrap_or_default() {
            "success" => false,
            "failure" => true,
            other => {
                let message = format!("the rawType {:?} is not known", excerpt(other));
                kind.error(message, suggestion(other, ["success", "failure"]));
                return None;
            }
        },
        None => {
            let fix = "add rawType: success if it is the share of good events, or failure";
            metrics.error("a raw ratio needs a rawType", fix);
            return None;
        }
    };
    if let Some(total) = metrics.at("total") {
        let fix = "remove it, or write good: or bad: instead of raw:";
        total.lint(Lint::IgnoredKey, "total has no effect beside raw", fix);
    }
    if context.method == Method::Occurrences && !raw.is_instant() {
        let query = raw.over_window("raw", MetricType::Unknown, metrics, context.notes);
        let ratio = match failure {
            true => Ratio {
                error_ratio: query.text,
                ..Ratio::default()
            },
            false => Ratio {
                good_ratio: query.text,
                ..Ratio::default()
            },
        };
        return Some(Sli {
            ratio: Field::at(metrics.mark(), ratio),
            ..Sli::default()
        });
    }
    raw.refuse_counters(metrics)?;
    let slice = slice_of(objective, context, "a ratio");
    let share = raw
        .over_slice(slice.span, metrics)
        .map(|query| match failure {
            true => format!("1 - {query}"),
            false => query,
        });
    Some(share_slices(
        metrics, share, &raw, objective, slice, context,
    ))
}

/// The slice; under a method that has none, a minute of which each counts once.
fn slice_of(objective: Entry<'_>, context: Context<'_>, what: &str) -> Slice {
    if context.method != Method::Occurrences {
        return objective::slice(objective, context.notes);
    }
    let message =
        format!("{what} does not say how many events it is made of, so each minute counts once");
    let fix = "write budgetingMethod: Timeslices or RatioTimeslices, or count events";
    context.notes.add(objective.mark(), message, fix);
    objective::minute()
}

/// Slices that are good by a share of good events, from which a target may make good or bad.
fn share_slices(
    metrics: Entry<'_>,
    share: Option<String>,
    query: &Query,
    objective: Entry<'_>,
    slice: Slice,
    context: Context<'_>,
) -> Sli {
    let text = |text: Option<String>| match text {
        Some(text) => Field::at(query.mark(), text),
        None => Field::refused(query.mark()),
    };
    let slices = TimeSlices {
        slice: slice.field,
        ..TimeSlices::default()
    };
    let slices = match context.method {
        Method::Timeslices => {
            let target = objective::slice_target(objective);
            let condition = match (share, target.value()) {
                (Some(share), Some(Fraction(target))) => Some(format!("{share} >= bool {target}")),
                _ => None,
            };
            TimeSlices {
                condition: text(condition),
                ..slices
            }
        }
        Method::Occurrences | Method::RatioTimeslices => TimeSlices {
            good_ratio: text(share),
            ..slices
        },
    };
    time_slices(metrics, slices)
}

fn threshold(metric: Entry<'_>, objective: Entry<'_>, context: Context<'_>) -> Sli {
    let query = metric::query(metric, context.objects, context.notes);
    let comparison = comparison(objective);
    let slice = slice_of(objective, context, "a threshold");
    let holds = query.over_slice(slice.span, metric).zip(comparison);
    let holds = holds.map(|(query, comparison)| format!("{query} {comparison}"));
    let minute = Span::from_mins(1);
    if slice.span <= minute || context.method == Method::Occurrences {
        // One value per slice: all of it is good or none, whatever share is asked for.
        if context.method == Method::Timeslices {
            let _checked = objective::slice_target(objective);
        }
        let condition = match holds {
            Some(condition) => Field::at(query.mark(), condition),
            None => Field::refused(query.mark()),
        };
        let slices = TimeSlices {
            condition,
            slice: slice.field,
            ..TimeSlices::default()
        };
        return time_slices(metric, slices);
    }
    let share = holds.map(|holds| format!("avg_over_time(({holds})[{}:{minute}])", slice.span));
    share_slices(metric, share, &query, objective, slice, context)
}

/// `< bool 0.5`: what an objective asks of each value.
fn comparison(objective: Entry<'_>) -> Option<String> {
    let value = objective.read::<f64>("value");
    if value.is_absent() {
        let fix = "add value: with the threshold";
        objective.error("an objective of a thresholdMetric needs a value", fix);
    }
    let Some(op) = objective.at("op") else {
        let fix = "add op: lt, lte, gt or gte, as the good values compare with value";
        objective.error("an objective of a thresholdMetric needs an op", fix);
        return None;
    };
    let text = op.text().unwrap_or_default();
    let symbol = match text {
        "lt" => "<",
        "lte" => "<=",
        "gt" => ">",
        "gte" => ">=",
        _ => {
            let message = format!("the op {:?} is not known", excerpt(text));
            op.error(message, suggestion(text, ["lt", "lte", "gt", "gte"]));
            return None;
        }
    };
    Some(format!("{symbol} bool {}", value.value()?))
}

fn time_slices(place: Entry<'_>, slices: TimeSlices) -> Sli {
    Sli {
        time_slices: Field::at(place.mark(), slices),
        ..Sli::default()
    }
}
