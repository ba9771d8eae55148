//! One metric: from where, and the query.
//!
//! Queries are PromQL. The format has no convention for their window; three ways of writing them
//! are in use, and each is taken for what it says:
//!
//! - `{{.window}}` (or `$window`) stands where the window goes;
//! - a sum of selectors without a range: with `counter: true` what the counters grew by in the
//!   window, with `counter: false` the sum of all samples in the window. Without `counter` nobody
//!   knows, and a counter taken for a gauge would be nonsense, so it is refused;
//! - a fixed range, as in `[5m]`, where the query is a sum of rates or increases: in a ratio of two
//!   such the range is a matter of smoothing, so it becomes the window. Anywhere else it would
//!   measure the same five minutes for every window, so it is refused.

use crate::config::diagnostic::excerpt;
use crate::config::field::Field;
use crate::config::lint::Lint;
use crate::config::promql::{self, MetricType, PromqlError, Unwindowed, Windowed};
use crate::config::tree::Mark;

use super::entry::{Entry, Notes};
use super::objects::{Kind, Objects};

/// Sources whose queries are PromQL.
const SOURCES: [&str; 3] = ["prometheus", "promql", "sloth"];

/// The text of a query, and where its metric stands.
#[derive(Clone)]
pub(super) struct Query {
    pub(super) text: Field<String>,
    mark: Mark,
}

/// Reads a metric; its text is a refused field if it cannot be asked here.
pub(super) fn query(metric: Entry<'_>, objects: &Objects<'_>, notes: &Notes) -> Query {
    let mark = metric.mark();
    let refused = || Query {
        text: Field::refused(mark),
        mark,
    };
    let source = match metric.at("metricSource") {
        None => Some(metric),
        Some(_) => metric.section("metricSource"),
    };
    let Some(source) = source else {
        return refused();
    };
    let known = is_promql(source, objects, notes);
    let spec = match source.at("spec") {
        None => Some(source),
        Some(_) => source.section("spec"),
    };
    let Some(spec) = spec.filter(|_| known) else {
        return refused();
    };
    match spec.any(&["query", "promql"]) {
        Some((_, query)) => Query {
            text: query.value(),
            mark: query.mark(),
        },
        None => {
            let fix = "add query: with the PromQL below spec:";
            source.error("the metric has no query", fix);
            refused()
        }
    }
}

/// Whether the queries of a source are PromQL; if not, that is reported.
fn is_promql(source: Entry<'_>, objects: &Objects<'_>, notes: &Notes) -> bool {
    let reference = source.only(&["metricSourceRef", "dataSourceRef", "dataSourceSpec"]);
    let own = source.any(&["type", "source"]).map(|(_, own)| own);
    let (own, reference) = match reference {
        Some(("dataSourceSpec", spec)) => (own.or_else(|| spec.at("type")), None),
        Some((_, reference)) => (own, Some(reference)),
        None => (own, None),
    };
    let kind = match (own, reference) {
        (Some(own), Some(reference)) => {
            let _known = objects.resolve_if_any(reference, Kind::DataSource);
            own
        }
        (Some(own), None) => own,
        (None, Some(reference)) => {
            let Some(object) = objects.resolve(reference, Kind::DataSource) else {
                return false;
            };
            let Some(kind) = object.section("spec").and_then(|spec| spec.at("type")) else {
                let fix = "add type: Prometheus below its spec:";
                object.error("the DataSource has no type", fix);
                return false;
            };
            kind
        }
        (None, None) => {
            if source.at("queryType").is_none() {
                let fix = "add type: Prometheus";
                notes.add(
                    source.mark(),
                    "the metric names no source, so it is PromQL",
                    fix,
                );
            }
            return true;
        }
    };
    let text = kind.text().unwrap_or_default();
    let known = SOURCES.iter().any(|known| known.eq_ignore_ascii_case(text));
    if !known {
        let message = format!("slofuse reads Prometheus, not {:?}", excerpt(text));
        let fix = "write type: Prometheus and PromQL, or leave this SLO to another tool";
        kind.lint(Lint::Unsupported, message, fix);
    } else if let Some(reference) = reference {
        let message = "the query is asked at the source in the settings, whatever it refers to";
        let fix = "run slofuse with the settings of this source";
        notes.add(reference.mark(), message, fix);
    }
    known
}

/// What became of a query over the window.
pub(super) struct Over {
    pub(super) text: Field<String>,
    /// The fixed range that it had.
    pub(super) range: Option<String>,
}

impl Query {
    /// As a query over `$window`.
    pub(super) fn over_window(
        self,
        name: &'static str,
        bare: MetricType,
        entry: Entry<'_>,
        notes: &Notes,
    ) -> Over {
        let refused = Over {
            text: Field::refused(self.mark),
            range: None,
        };
        let Some(text) = self.text.value() else {
            return refused;
        };
        match promql::windowed(name, text, bare) {
            Ok(Windowed::AsWritten) => Over {
                text: self.text,
                range: None,
            },
            Ok(Windowed::Selectors(text)) => Over {
                text: Field::at(self.mark, text),
                range: None,
            },
            Ok(Windowed::Range(text, range)) => {
                let message = format!("[{range}] is read as the window that is asked about");
                let fix = "write [{{.window}}] to say so";
                notes.add(self.mark, message, fix);
                Over {
                    text: Field::at(self.mark, text),
                    range: Some(range),
                }
            }
            Err(error) => {
                self.refuse(&error, entry);
                refused
            }
        }
    }

    /// As a query over one length of time: an expression in brackets.
    pub(super) fn over_slice(&self, span: crate::engine::Span, entry: Entry<'_>) -> Option<String> {
        let text = self.text.value()?;
        match promql::at_window("raw", text, span) {
            Ok(filled) => {
                let text = filled.as_ref().unwrap_or(text).trim_end();
                // A line break ends a comment that the author may have left at the end.
                let end = if text.contains('#') { "\n" } else { "" };
                Some(format!("({text}{end})"))
            }
            Err(error) => {
                self.refuse(&Unwindowed::Invalid(error), entry);
                None
            }
        }
    }

    /// Whether it has neither a range nor a place for one.
    pub(super) fn is_instant(&self) -> bool {
        let text = self.text.value();
        text.is_some_and(|text| {
            let windowed = promql::windowed("raw", text, MetricType::Unknown);
            windowed == Err(Unwindowed::Unknown)
        })
    }

    /// The labels by which it aggregates on the outside.
    pub(super) fn kept_labels(&self) -> Vec<String> {
        let text = self.text.value();
        text.map_or_else(Vec::new, |text| promql::kept_labels("query", text))
    }

    /// Refuses a quotient of counters, which would be that of all time.
    pub(super) fn refuse_counters(&self, entry: Entry<'_>) -> Option<()> {
        let text = self.text.value()?;
        if !promql::divides_counters("raw", text) {
            return Some(());
        }
        let message = "the ratio of two counters is that of all time since they began";
        let fix =
            "write sum(rate(errors_total[{{.window}}])) / sum(rate(requests_total[{{.window}}]))";
        entry.report.error(self.mark, message, fix);
        None
    }

    pub(super) const fn mark(&self) -> Mark {
        self.mark
    }

    fn refuse(&self, error: &Unwindowed, entry: Entry<'_>) {
        let at = |offset: usize| self.text.mark_at(offset, self.mark);
        let (mark, message, fix) = match error {
            Unwindowed::Invalid(PromqlError {
                message, offset, ..
            }) => (
                at(offset.unwrap_or(0)),
                message.clone(),
                "correct the PromQL; try it in the Prometheus UI first",
            ),
            Unwindowed::Range(offset, range) => (
                at(*offset),
                format!("{range} measures the same window whatever is asked about"),
                "write [{{.window}}] in its place",
            ),
            Unwindowed::Selectors => (
                self.mark,
                "the query has no window, and it is more than a sum of selectors".to_owned(),
                "write the range as [{{.window}}], as in sum(rate(requests_total[{{.window}}]))",
            ),
            Unwindowed::Unknown => (
                self.mark,
                "the query has no window, and nothing says whether it is a counter".to_owned(),
                "add counter: true beside it if its metrics only grow, or counter: false",
            ),
        };
        entry.report.error(mark, message, fix);
    }
}
