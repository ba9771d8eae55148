//! Pyrra's four indicators as native ones.
//!
//! Its metrics are plain selectors, so nearly all become sums of counters that are read exactly.

use super::Made;
use super::raw::{BoolGauge, Grouping, Indicator, Latency, LatencyNative, Query, Ratio};
use crate::config::field::{Field, Section};
use crate::config::lint::Lint;
use crate::config::promql::BareSelector as Bare;
use crate::config::raw::definition::{self as native, Events, Sli, Texts};
use crate::config::tree::Mark;
use crate::config::value::LabelName;
use crate::engine::labels::METRIC_NAME;

/// What is measured, and what follows from it.
pub(super) struct Measured {
    pub(super) sli: Field<Sli>,
    pub(super) group_by: Grouping,
    /// What the total is selected by: alerts bear it as labels.
    pub(super) labels: Texts,
    pub(super) of_native_histogram: bool,
}

impl Measured {
    /// Nothing, and why has been reported.
    pub(super) fn refused(mark: Mark) -> Self {
        Self {
            sli: Field::refused(mark),
            group_by: Field::default(),
            labels: Texts::new(),
            of_native_histogram: false,
        }
    }
}

const KINDS: &str = "ratio, latency, latencyNative, bool_gauge";

/// The first indicator that is written; Pyrra passes over the others.
pub(super) fn translate(made: &mut Made<'_>, section: &Section<'_>, raw: &Indicator) -> Measured {
    let written = [
        (
            "ratio",
            raw.ratio.is_absent(),
            raw.ratio.mark_or(section.mark),
        ),
        (
            "latency",
            raw.latency.is_absent(),
            raw.latency.mark_or(section.mark),
        ),
        (
            "latencyNative",
            raw.latency_native.is_absent(),
            raw.latency_native.mark_or(section.mark),
        ),
        (
            "bool_gauge",
            raw.bool_gauge.is_absent(),
            raw.bool_gauge.mark_or(section.mark),
        ),
    ];
    let mut written = written.into_iter().filter(|(_, absent, _)| !absent);
    let Some((first, ..)) = written.next() else {
        let message = format!("indicator has none of the keys {KINDS}");
        section
            .report
            .error(section.mark, message, format!("add one of {KINDS}"));
        return Measured::refused(section.mark);
    };
    for (other, _, mark) in written {
        if (first, other) == ("ratio", "latency") {
            let message = "indicator has both ratio and latency, but they exclude each other";
            let fix = "write an objective for each of the two";
            section.report.error(mark, message, fix);
        } else {
            let message = format!("{other} has no effect beside {first}");
            let fix = format!("remove it, or write an objective of its own for {other}");
            section.report.lint(Lint::IgnoredKey, mark, message, fix);
        }
    }
    let measured = match first {
        "ratio" => {
            let section = section.within(&raw.ratio, "ratio");
            raw.ratio.value().map(|raw| ratio(made, &section, raw))
        }
        "latency" => {
            let section = section.within(&raw.latency, "latency");
            raw.latency.value().map(|raw| latency(made, &section, raw))
        }
        "latencyNative" => {
            let section = section.within(&raw.latency_native, "latencyNative");
            raw.latency_native
                .value()
                .map(|raw| latency_native(made, &section, raw))
        }
        _ => {
            let section = section.within(&raw.bool_gauge, "bool_gauge");
            raw.bool_gauge
                .value()
                .map(|raw| bool_gauge(made, &section, raw))
        }
    };
    measured.unwrap_or_else(|| Measured::refused(section.mark))
}

fn ratio(made: &mut Made<'_>, section: &Section<'_>, raw: &Ratio) -> Measured {
    let errors = Selected::query(made, section, &raw.errors, "errors");
    let total = Selected::query(made, section, &raw.total, "total");
    let (bad, all) = events(section.mark, errors.as_ref(), total.as_ref(), &raw.grouping);
    let events = Events {
        bad,
        total: all,
        ..Events::default()
    };
    of_events(section.mark, events, total.as_ref(), &raw.grouping)
}

fn latency(made: &mut Made<'_>, section: &Section<'_>, raw: &Latency) -> Measured {
    let success = Selected::query(made, section, &raw.success, "success");
    let success = success.and_then(|success| with_bound(section, success));
    let total = Selected::query(made, section, &raw.total, "total");
    let (good, all) = events(
        section.mark,
        success.as_ref(),
        total.as_ref(),
        &raw.grouping,
    );
    let events = Events {
        good,
        total: all,
        ..Events::default()
    };
    of_events(section.mark, events, total.as_ref(), &raw.grouping)
}

/// Checks that a bucket is selected, and finds it in both major versions of Prometheus: a whole
/// number is stored as `5` by the second and as `5.0` by the third.
fn with_bound(section: &Section<'_>, mut success: Selected) -> Option<Selected> {
    let bucket = |label: &str, op: &str| label == "le" && matches!(op, "=" | "=~");
    let mut matchers = success.bare.matchers.iter_mut();
    let bound = matchers.find(|matcher| bucket(&matcher.label, matcher.op));
    let number: Option<f64> = bound.as_ref().and_then(|bound| bound.value.parse().ok());
    let Some(bound) = bound.filter(|_| number.is_some_and(|number| !number.is_nan())) else {
        let message = "success.metric selects no bucket: it has no matcher le with a number";
        let fix = "add the bound that is still a success, such as le=\"0.5\"";
        section.refuse(&success.text, message, fix);
        return None;
    };
    let whole = !bound.value.is_empty() && bound.value.bytes().all(|byte| byte.is_ascii_digit());
    if bound.op == "=" && whole {
        bound.op = "=~";
        bound.value.push_str(r"(\.0)?");
        success.text = Field::at(success.text.mark_or(section.mark), success.bare.to_string());
    }
    Some(success)
}

fn latency_native(made: &mut Made<'_>, section: &Section<'_>, raw: &LatencyNative) -> Measured {
    let total = Selected::query(made, section, &raw.total, "total");
    section.required(&raw.latency, "latency");
    let latency = native::Latency {
        histogram: text_of(total.as_ref(), section.mark),
        threshold: super::present(&raw.latency, section.mark),
        native: Field::at(section.mark, true),
        ..native::Latency::default()
    };
    let sli = Sli {
        latency: Field::at(section.mark, latency),
        ..Sli::default()
    };
    Measured {
        of_native_histogram: true,
        ..of(section.mark, sli, total.as_ref(), &raw.grouping)
    }
}

/// Every sample counts as an event, a bad one when it is 0.
fn bool_gauge(made: &mut Made<'_>, section: &Section<'_>, raw: &BoolGauge) -> Measured {
    let gauge = Selected::new(made, section, &raw.metric, "metric");
    let sum = sum(&raw.grouping);
    let query = |make: &dyn Fn(&Bare) -> String| match &gauge {
        Some(gauge) => Field::at(gauge.text.mark_or(section.mark), make(&gauge.bare)),
        None => Field::refused(section.mark),
    };
    let events = Events {
        bad: query(&|bare| {
            format!("{sum} (count_over_time({bare}[$window]) - sum_over_time({bare}[$window]))")
        }),
        total: query(&|bare| format!("{sum} (count_over_time({bare}[$window]))")),
        ..Events::default()
    };
    of_events(section.mark, events, gauge.as_ref(), &raw.grouping)
}

/// A selector as written and taken apart.
struct Selected {
    text: Field<String>,
    bare: Bare,
}

impl Selected {
    fn query(
        made: &mut Made<'_>,
        section: &Section<'_>,
        field: &Field<Query>,
        key: &'static str,
    ) -> Option<Self> {
        let (section, query) = section.section(field, key)?;
        Self::new(made, &section, &query.metric, key)
    }

    fn new(
        made: &mut Made<'_>,
        section: &Section<'_>,
        text: &Field<String>,
        key: &'static str,
    ) -> Option<Self> {
        let source = section.required(text, "metric")?;
        let bare = match Bare::new(key, source) {
            Ok(bare) => bare,
            Err(error) => {
                let mark = match error.offset {
                    Some(offset) => text.mark_at(offset, section.mark),
                    None => text.mark_or(section.mark),
                };
                let fix = "write one plain selector, such as http_requests_total{job=\"shop\"}";
                section.report.error(mark, error.message, fix);
                return None;
            }
        };
        if bare.moved {
            let message = "`offset` and `@` would move the window; Pyrra passes over them";
            section.refuse(text, message, "remove them: the window ends now");
            return None;
        }
        if bare.metric().is_none() {
            let message = "the selector has no metric name, and Pyrra makes no rules of it";
            section.refuse(
                text,
                message,
                "write the name of the metric before the braces",
            );
            return None;
        }
        if bare.name.is_none() {
            let message = "Pyrra makes no rules of a selector with its name in the braces; \
                           slofuse evaluates it";
            let fix = "write the name of the metric before the braces";
            made.note(text.mark_or(section.mark), message, fix);
        }
        Some(Self {
            text: text.clone(),
            bare,
        })
    }
}

fn text_of(selected: Option<&Selected>, mark: Mark) -> Field<String> {
    selected.map_or_else(|| Field::refused(mark), |selected| selected.text.clone())
}

/// Both selectors as they are, so that raw samples are read; or, where that is not possible, both
/// as queries for each window.
fn events(
    mark: Mark,
    part: Option<&Selected>,
    total: Option<&Selected>,
    grouping: &Grouping,
) -> (Field<String>, Field<String>) {
    let (Some(one), Some(other)) = (part, total) else {
        return (text_of(part, mark), text_of(total, mark));
    };
    let readable = |selected: &Selected| selected.bare.unreadable.is_none();
    let text = |selected: &Selected| {
        if readable(one) && readable(other) {
            return selected.text.clone();
        }
        let query = format!("{} (increase({}[$window]))", sum(grouping), selected.bare);
        Field::at(selected.text.mark_or(mark), query)
    };
    (text(one), text(other))
}

/// `sum`, or `sum by (a, b)`.
fn sum(grouping: &Grouping) -> String {
    let labels = grouping.value().into_iter().flatten();
    let labels: Vec<&str> = labels
        .filter_map(|label| label.value())
        .map(|LabelName(name)| name.as_str())
        .collect();
    if labels.is_empty() {
        "sum".to_owned()
    } else {
        format!("sum by ({})", labels.join(", "))
    }
}

fn of_events(
    mark: Mark,
    events: Events,
    total: Option<&Selected>,
    grouping: &Grouping,
) -> Measured {
    let sli = Sli {
        events: Field::at(mark, events),
        ..Sli::default()
    };
    of(mark, sli, total, grouping)
}

fn of(mark: Mark, sli: Sli, total: Option<&Selected>, grouping: &Grouping) -> Measured {
    let grouped = grouping.value().into_iter().flatten();
    let grouped: Vec<&LabelName> = grouped.filter_map(|label| label.value()).collect();
    let mut labels = Texts::new();
    if let Some(total) = total {
        let at = total.text.mark_or(mark);
        for matcher in &total.bare.matchers {
            let plain = matcher.op == "=" && matcher.label != METRIC_NAME;
            let Ok(label) = LabelName::try_from(matcher.label.clone()) else {
                continue;
            };
            if plain && !matcher.value.is_empty() && !grouped.contains(&&label) {
                labels.insert(label.0, Field::at(at, matcher.value.clone()));
            }
        }
    }
    Measured {
        sli: Field::at(mark, sli),
        group_by: grouping.clone(),
        labels,
        of_native_histogram: false,
    }
}
