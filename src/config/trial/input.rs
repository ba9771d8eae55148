//! What happens in a test: traffic, series, and what operators do.

use crate::config::diagnostic::excerpt;
use crate::config::field::{Field, Section, ValueOr};
use crate::config::promql::BareSelector;
use crate::config::raw::definition::Texts;
use crate::config::raw::trial::{self as raw, OneOrMany};
use crate::config::tree::Mark;
use crate::config::value::{Duration, Name, SloRef};
use crate::engine::labels::METRIC_NAME;
use crate::engine::{Labels, Severity, parse_matchers};

use super::notation::{Values, Wrong};
use super::traffic::Traffic;
use super::wanted::{Word, word};
use super::{Act, Counted, Deed, Located, SloName, Stream, Written};

impl Word for Severity {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

/// All texts of one or many, each with its place.
pub(super) fn texts(
    section: &Section<'_>,
    field: &Field<OneOrMany<String>>,
) -> Option<Vec<(String, Mark)>> {
    match field.value() {
        None if field.is_absent() => Some(Vec::new()),
        None => None,
        Some(OneOrMany::One(text)) => Some(vec![(text.clone(), field.mark_or(section.mark))]),
        Some(OneOrMany::Many(many)) => many
            .iter()
            .map(|one| Some((one.value()?.clone(), one.mark_or(section.mark))))
            .collect(),
    }
}

/// The SLO that is meant.
pub(super) fn slo(section: &Section<'_>, field: &Field<SloRef>) -> Option<Located<SloName>> {
    let SloRef { service, name } = field.value()?;
    Some(Located {
        place: section.report.place(field.mark_or(section.mark)),
        value: SloName {
            service: service.as_ref().map(|Name(name)| name.clone()),
            name: name.0.clone(),
        },
    })
}

/// A text's meaning, or a mistake at its place in the text.
pub(super) fn settled<T>(
    section: &Section<'_>,
    field: &Field<String>,
    parsed: Result<T, Wrong>,
) -> Option<T> {
    let wrong = match parsed {
        Ok(value) => return Some(value),
        Err(wrong) => wrong,
    };
    let mark = field.mark_at(wrong.offset, section.mark);
    section.report.error(mark, wrong.what, wrong.fix);
    None
}

/// All traffic in words.
pub(super) fn streams(
    section: &Section<'_>,
    field: &Field<OneOrMany<ValueOr<raw::Stream>>>,
) -> Option<Vec<Located<Stream>>> {
    match field.value() {
        None if field.is_absent() => Some(Vec::new()),
        None => None,
        Some(OneOrMany::One(text)) => {
            let field = field.with(text.clone());
            Some(vec![stream(section, &words_alone(field))?])
        }
        Some(OneOrMany::Many(many)) => {
            let each = many.iter().map(|one| match one.value()? {
                ValueOr::Value(text) => stream(section, &words_alone(one.with(text.clone()))),
                ValueOr::Section(raw) => {
                    let section = section.within(one, "the stream");
                    stream(&section, raw)
                }
            });
            let each: Vec<_> = each.collect();
            each.into_iter().collect()
        }
    }
}

fn words_alone(traffic: Field<String>) -> raw::Stream {
    raw::Stream {
        traffic,
        ..raw::Stream::default()
    }
}

fn stream(section: &Section<'_>, raw: &raw::Stream) -> Option<Located<Stream>> {
    let words = section.required(&raw.traffic, "traffic");
    let traffic = words.and_then(|text| settled(section, &raw.traffic, Traffic::parse(text)));
    let mark = raw.traffic.mark_or(section.mark);
    let counted = counted(section, raw);
    Some(Located {
        place: section.report.place(mark),
        value: Stream {
            traffic: traffic?,
            slo: slo(section, &raw.slo),
            counted: counted?,
        },
    })
}

fn counted(section: &Section<'_>, raw: &raw::Stream) -> Option<Counted> {
    let labels = labels(section, &raw.labels);
    let selected = |field| {
        let texts = texts(section, field)?;
        let series = texts
            .iter()
            .map(|(text, mark)| series_labels(section, text, *mark));
        series.collect::<Option<Vec<Labels>>>()
    };
    let (good, bad, total) = (
        selected(&raw.good),
        selected(&raw.bad),
        selected(&raw.total),
    );
    let queries = texts(section, &raw.queries);
    let histogram = histogram(section, raw);
    let (good, bad, total, queries) = (good?, bad?, total?, queries?);
    let series = !(good.is_empty() && bad.is_empty() && total.is_empty());
    let kinds = [series, !raw.histogram.is_absent(), !queries.is_empty()];
    if kinds.into_iter().filter(|kind| *kind).count() > 1 {
        let message = "the stream says in two ways what counts it";
        let fix = "keep one of good/bad/total, histogram and queries";
        section.report.error(section.mark, message, fix);
        return None;
    }
    let (labels, histogram) = (labels?, histogram?);
    Some(match (histogram, series, queries.is_empty()) {
        (Some(histogram), ..) => histogram,
        (_, true, _) => Counted::Series { good, bad, total },
        (_, _, false) => Counted::Queries {
            queries: queries.into_iter().map(|(query, _)| query).collect(),
            labels,
        },
        _ => Counted::Invented(labels),
    })
}

fn histogram(section: &Section<'_>, raw: &raw::Stream) -> Option<Option<Counted>> {
    if raw.histogram.is_absent() {
        section.needs(&raw.buckets, "buckets", "histogram")?;
        section.needs(&raw.good_takes, "good_takes", "histogram")?;
        section.needs(&raw.bad_takes, "bad_takes", "histogram")?;
        return Some(None);
    }
    let text = raw.histogram.value()?;
    let labels = series_labels(section, text, raw.histogram.mark_or(section.mark));
    let buckets = section.required(&raw.buckets, "buckets");
    let good = section.required(&raw.good_takes, "good_takes");
    let bad = section.required(&raw.bad_takes, "bad_takes");
    let buckets = buckets?.iter().map(|bound| bound.value().copied());
    let buckets: Vec<f64> = buckets.collect::<Option<_>>()?;
    let rises = buckets
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if a < b));
    if !rises || buckets.is_empty() {
        let fix = "write the bounds from the smallest to the largest, such as [0.1, 0.3, 1]";
        section.refuse(&raw.buckets, "the bounds of the buckets do not rise", fix);
        return None;
    }
    Some(Some(Counted::Histogram {
        labels: labels?,
        buckets,
        good_takes: good?.0,
        bad_takes: bad?.0,
    }))
}

/// The labels of one series, written as a selector.
fn series_labels(section: &Section<'_>, text: &str, mark: Mark) -> Option<Labels> {
    let fix = "write one series, such as requests_total{job=\"shop\", code=\"500\"}";
    let refuse = |message: String| section.report.error(mark, message, fix);
    let bare = match BareSelector::new("series", text) {
        Ok(bare) => bare,
        Err(error) => {
            refuse(error.to_string());
            return None;
        }
    };
    if bare.moved || bare.matchers.iter().any(|matcher| matcher.op != "=") {
        refuse(format!("{:?} is not one series", excerpt(text)));
        return None;
    }
    if bare.metric().is_none() {
        refuse("the series has no name".to_owned());
        return None;
    }
    let name = bare.name.iter().map(|name| (METRIC_NAME, name.as_str()));
    let others = bare
        .matchers
        .iter()
        .map(|m| (m.label.as_str(), m.value.as_str()));
    Some(Labels::new(name.chain(others)))
}

/// Labels as a section of texts.
pub(super) fn labels(section: &Section<'_>, field: &Field<Texts>) -> Option<Labels> {
    let texts = section.or(field, Texts::new())?;
    let pairs = texts
        .into_iter()
        .map(|(name, text)| Some((name, text.value()?.clone())));
    Some(Labels::new(pairs.collect::<Option<Vec<_>>>()?))
}

/// One series, or one query's answers.
pub(super) fn series(
    section: &Section<'_>,
    field: &Field<raw::Series>,
) -> Option<Located<Written>> {
    let section = section.within(field, "the series");
    let raw = field.value()?;
    let kind = section.one_of([
        ("series", raw.series.is_absent()),
        ("query", raw.query.is_absent()),
    ]);
    let values = section.required(&raw.values, "values");
    let values = values.and_then(|text| settled(&section, &raw.values, Values::parse(text)));
    let written = if kind? == "series" {
        section.needs(&raw.window, "window", "query")?;
        section.needs(&raw.labels, "labels", "query")?;
        let labels = series_labels(
            &section,
            raw.series.value()?,
            raw.series.mark_or(section.mark),
        );
        Written::Series {
            labels: labels?,
            values: values?,
        }
    } else {
        Written::Answer {
            query: raw.query.value()?.clone(),
            window: section.maybe(&raw.window)?.map(|Duration(window)| window),
            labels: labels(&section, &raw.labels)?,
            values: values?,
        }
    };
    Some(Located {
        place: section.report.place(section.mark),
        value: written,
    })
}

/// What an operator does.
pub(super) fn operator(
    section: &Section<'_>,
    field: &Field<raw::Operator>,
) -> Option<Located<Act>> {
    let section = section.within(field, "the operator's deed");
    let raw = field.value()?;
    let at = section.required(&raw.at, "at");
    let kind = section.one_of([
        ("silence", raw.silence.is_absent()),
        ("expire", raw.expire.is_absent()),
        ("acknowledge", raw.acknowledge.is_absent()),
        ("unacknowledge", raw.unacknowledge.is_absent()),
    ]);
    let deed = match kind? {
        "silence" => silence(&section, &raw.silence)?,
        "expire" => Deed::Expire {
            name: raw.expire.value()?.0.clone(),
        },
        kind => {
            let field = match kind {
                "acknowledge" => &raw.acknowledge,
                _ => &raw.unacknowledge,
            };
            let severity = word(field.value()?);
            let severity = severity.map_err(|(what, fix)| section.refuse(field, what, fix));
            Deed::Acknowledge {
                severity: severity.ok()?,
                labels: labels(&section, &raw.labels)?,
                undo: kind == "unacknowledge",
            }
        }
    };
    Some(Located {
        place: section.report.place(section.mark),
        value: Act { at: at?.0, deed },
    })
}

fn silence(section: &Section<'_>, field: &Field<raw::SilenceWanted>) -> Option<Deed> {
    let section = section.within(field, "silence");
    let raw = field.value()?;
    let text = section.required(&raw.matchers, "matchers");
    let length = section.required(&raw.length, "for");
    let name = section.or(&raw.name, Name("silence".to_owned()))?;
    let matchers = match parse_matchers(text?) {
        Ok(matchers) if !matchers.is_empty() => matchers,
        parsed => {
            let (offset, what) = match parsed {
                Err(error) => (error.offset, error.text),
                Ok(_) => (0, "there is no matcher".to_owned()),
            };
            let mark = raw.matchers.mark_at(offset, section.mark);
            let fix = "write matchers such as service=\"checkout\", severity=\"page\"";
            section.report.error(mark, what, fix);
            return None;
        }
    };
    Some(Deed::Silence {
        name: name.0,
        matchers,
        length: length?.0,
    })
}
