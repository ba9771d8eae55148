//! Comma-separated values, with a header. Columns may come in any order; `time` is RFC 3339, a
//! date with a time (UTC), unix seconds or milliseconds.
//!
//! Samples of counters: `metric` and `value`, every other column is a label. The value is what a
//! scrape would show: it rises until the process restarts.
//!
//! ```text
//! time,metric,job,code,value
//! 2026-03-01T09:00:00Z,requests_total,shop,200,1234
//! ```
//!
//! Counts of events: two of `good`, `bad` and `total`; or `outcome`, which says `good` or `bad` of
//! one event. They happened since the row before; rows are sorted by time. `service` and `slo` say
//! whose they are; without them they are everybody's. Every other column is a label. They satisfy
//! the terms of an SLO whatever its selectors are called: series are made up that the selectors
//! tell apart, where that can be done with two series an event.
//!
//! ```text
//! time,service,slo,good,bad
//! 2026-03-01T09:00:00Z,shop,availability,598,2
//! ```

use std::io::BufRead;
use std::sync::Arc;

use super::super::OpenError;
use super::counts::{Counting, Events};
use super::exposition::{number, timestamp};
use super::ingest::Ingest;
use super::lines::{Line, Lines, excerpt};
use crate::engine::labels::METRIC_NAME;
use crate::engine::{Labels, Sample, Slo, Span, Timestamp};

/// Rows of counts become samples so far apart.
const SCRAPE: Span = Span::from_secs(15);

/// Whether a file begins like CSV with a header that names the time.
pub(super) fn is_csv(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let first = lines
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    first.contains(',') && fields(first).is_some_and(|fields| place(&fields, "time").is_some())
}

/// What rows are.
enum Rows {
    Samples {
        metric: usize,
        value: usize,
    },
    Counts {
        service: Option<usize>,
        slo: Option<usize>,
        of: Of,
    },
}

/// What the numbers of a row are.
#[derive(Clone, Copy)]
enum Of {
    GoodBad(usize, usize),
    GoodTotal(usize, usize),
    BadTotal(usize, usize),
    Outcome(usize),
}

struct Header {
    time: usize,
    rows: Rows,
    labels: Vec<(usize, String)>,
    columns: usize,
}

/// Reads all rows; what is wrong is noted.
pub(super) fn read<R: BufRead>(
    mut lines: Lines<R>,
    slos: &[Arc<Slo>],
    ingest: &mut Ingest,
) -> Result<(), OpenError> {
    let mut header: Option<Header> = None;
    let mut counting = Counting::new(slos, SCRAPE);
    loop {
        let line = match lines.next() {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(source) => {
                let path = lines.name().into();
                return Err(OpenError::File { path, source });
            }
        };
        let end = match (line, &header) {
            (Line::Text(text), _) if text.trim().is_empty() || text.starts_with('#') => Ok(()),
            (Line::Text(text), None) => Header::read(text).map(|read| header = Some(read)),
            (Line::Text(text), Some(header)) => header.row(text, &mut counting, ingest),
            (Line::Bad(what), _) => Err(what.to_owned()),
        };
        if let Err(what) = end {
            ingest.mistakes.add(&lines.place(), &what);
            if ingest.mistakes.is_full() || header.is_none() {
                return Ok(());
            }
        }
        ingest.keep_small()?;
    }
    Ok(counting.end(ingest)?)
}

impl Header {
    fn read(text: &str) -> Result<Self, String> {
        let names = fields(text).ok_or("the header has a text without end")?;
        let at = |name| place(&names, name);
        let time = at("time").ok_or("the header has no column time")?;
        let of = match (at("good"), at("bad"), at("total"), at("outcome")) {
            (Some(good), Some(bad), None, None) => Some(Of::GoodBad(good, bad)),
            (Some(good), None, Some(total), None) => Some(Of::GoodTotal(good, total)),
            (None, Some(bad), Some(total), None) => Some(Of::BadTotal(bad, total)),
            (None, None, None, Some(outcome)) => Some(Of::Outcome(outcome)),
            _ => None,
        };
        let rows = match (at("metric"), at("value"), of) {
            (Some(metric), Some(value), None) => Rows::Samples { metric, value },
            (None, None, Some(of)) => Rows::Counts {
                service: at("service"),
                slo: at("slo"),
                of,
            },
            _ => {
                return Err(
                    "the header names neither samples nor counts: besides time, write \
                            metric and value, or two of good, bad and total, or outcome"
                        .to_owned(),
                );
            }
        };
        let taken = rows.columns();
        let labels = names.iter().enumerate();
        let labels = labels.filter(|(at, _)| *at != time && !taken.contains(at));
        Ok(Self {
            time,
            labels: labels.map(|(at, name)| (at, name.clone())).collect(),
            rows,
            columns: names.len(),
        })
    }

    fn row(
        &self,
        text: &str,
        counting: &mut Counting<'_>,
        ingest: &mut Ingest,
    ) -> Result<(), String> {
        let fields = fields(text).ok_or("a quoted text has no end")?;
        if fields.len() != self.columns {
            return Err(format!(
                "the row has {} columns, and the header {}",
                fields.len(),
                self.columns
            ));
        }
        let field = |at: usize| fields.get(at).map_or("", |text| text.trim());
        let time = field(self.time);
        let at = time_of(time).ok_or_else(|| {
            format!(
                "{} is no time: write 2026-03-01T09:00:00Z or unix seconds",
                excerpt(time)
            )
        })?;
        let labels = self.labels.iter();
        let labels = labels.map(|(at, name)| (name.as_str(), field(*at)));
        match &self.rows {
            Rows::Samples { metric, value } => {
                let value = number_of(field(*value))?;
                if field(*metric).is_empty() {
                    return Err("the row names no metric".to_owned());
                }
                let labels = labels.chain([(METRIC_NAME, field(*metric))]);
                if !value.is_nan() {
                    ingest.add(&Labels::new(labels), Sample { at, value });
                }
                Ok(())
            }
            Rows::Counts { service, slo, of } => {
                let events = of.events(field)?;
                let named = |at: &Option<usize>| at.map(field).filter(|name| !name.is_empty());
                let whose = (named(service), named(slo));
                counting.add(whose, &Labels::new(labels), at, events, ingest)
            }
        }
    }
}

impl Rows {
    fn columns(&self) -> Vec<usize> {
        match self {
            Self::Samples { metric, value } => vec![*metric, *value],
            Self::Counts { service, slo, of } => {
                let mut columns: Vec<usize> = service.iter().chain(slo).copied().collect();
                match of {
                    Of::GoodBad(one, two) | Of::GoodTotal(one, two) | Of::BadTotal(one, two) => {
                        columns.extend([*one, *two]);
                    }
                    Of::Outcome(one) => columns.push(*one),
                }
                columns
            }
        }
    }
}

impl Of {
    fn events<'a>(self, field: impl Fn(usize) -> &'a str) -> Result<Events, String> {
        let number = |at: usize| {
            let text = field(at);
            match number_of(text) {
                Ok(number) if number >= 0.0 && number.is_finite() => Ok(number),
                _ => Err(format!("{} is no number of events", excerpt(text))),
            }
        };
        let (good, bad) = match self {
            Self::GoodBad(good, bad) => (number(good)?, number(bad)?),
            Self::GoodTotal(good, total) => (number(good)?, number(total)? - number(good)?),
            Self::BadTotal(bad, total) => (number(total)? - number(bad)?, number(bad)?),
            Self::Outcome(outcome) => match field(outcome) {
                "good" => (1.0, 0.0),
                "bad" => (0.0, 1.0),
                other => {
                    return Err(format!(
                        "{} is no outcome: write good or bad",
                        excerpt(other)
                    ));
                }
            },
        };
        match good >= 0.0 && bad >= 0.0 {
            true => Ok(Events { good, bad }),
            false => Err("a part is more than the total".to_owned()),
        }
    }
}

fn number_of(text: &str) -> Result<f64, String> {
    number(text).ok_or_else(|| format!("{} is no number", excerpt(text)))
}

fn time_of(text: &str) -> Option<Timestamp> {
    if let Some(at) = timestamp(text) {
        return Some(at);
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_millis(at.as_millisecond()));
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
}

fn place(names: &[String], name: &str) -> Option<usize> {
    names.iter().position(|known| known == name)
}

/// The fields of a row (RFC 4180, one line a row): quoted where they hold commas or quotes.
fn fields(text: &str) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let (field, after) = match rest.trim_start().strip_prefix('"') {
            Some(quoted) => {
                let mut field = String::new();
                let mut chars = quoted.chars();
                loop {
                    match chars.next()? {
                        '"' if chars.as_str().starts_with('"') => {
                            chars.next();
                            field.push('"');
                        }
                        '"' => break,
                        other => field.push(other),
                    }
                }
                (field, chars.as_str().trim_start())
            }
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (field, after) = rest.split_at_checked(end)?;
                (field.trim().to_owned(), after)
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Some(fields),
            None => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_may_be_quoted() {
        let of = |text| fields(text).map(|fields| fields.join("|"));
        assert_eq!(of("a, b,,c").as_deref(), Some("a|b||c"));
        assert_eq!(
            of(r#""a,b","say ""hi""", c"#).as_deref(),
            Some("a,b|say \"hi\"|c")
        );
        assert_eq!(of(""), Some(String::new()));
        assert_eq!(of(r#""open"#), None);
        assert_eq!(of(r#""a"b"#), None);
    }

    #[test]
    fn a_header_names_the_time() {
        for (head, expected) in [
            ("time,metric,value\n", true),
            ("\u{feff}\r\ntime,good,bad\r\n", true),
            ("\"time\",good,bad", true),
            ("x{time=\"1\",a=\"2\"} 1 2", false),
            ("# HELP time, and more", false),
            ("", false),
        ] {
            assert_eq!(is_csv(head.as_bytes()), expected, "{head}");
        }
    }

    #[test]
    fn headers_without_sense_are_refused() {
        for head in [
            "time,good",
            "time,metric,good,bad",
            "time,good,bad,total",
            "time,value",
        ] {
            assert!(Header::read(head).is_err(), "{head}");
        }
    }
}
