//! From the keys of a file of tests to what they mean.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::config::diagnostic::{Report, excerpt};
use crate::config::field::{Field, Section};
use crate::config::raw::trial::{self as raw, OneOrMany};
use crate::config::tree::Mark;
use crate::config::value::{Duration, Instant};
use crate::engine::{Span, Timestamp};

use super::input::{operator, series, settled, slo, streams, texts};
use super::traffic::outages;
use super::{Act, DEFINITION_ENDINGS, ENDINGS, Located, Test, TestFile, WarmUp, expectation};

/// 2026-03-02T00:00:00Z, a Monday early in a month without a change of the clocks in most zones.
const START: Timestamp = Timestamp::from_secs(1_772_409_600);
/// How often may be looked.
const INTERVALS: (Span, Span) = (Span::from_secs(1), Span::from_mins(5));
/// How long a test may be: a calendar quarter and a little.
const UNTIL_MAX: Span = Span::from_days(100);
/// Tests of one file.
const TESTS_MAX: usize = 1000;

/// The whole file.
pub(super) fn file(
    path: &Path,
    raw: &Field<raw::TestFile>,
    report: &Report<'_>,
    mark: Mark,
) -> Option<TestFile> {
    let section = Section::new(report, raw.mark_or(mark), "the file");
    let raw = raw.value()?;
    let directory = path.parent().unwrap_or_else(|| Path::new(""));
    let definitions = definitions(&section, &raw.definitions, path);
    let config = section.maybe(&raw.config)?.map(|name| Located {
        place: report.place(raw.config.mark_or(section.mark)),
        value: directory.join(name),
    });
    let evaluation = section.within(&raw.evaluation, "evaluation");
    let (mut interval, mut scrape_interval) = (None, None);
    if let Some(raw) = raw.evaluation.value() {
        interval = length(&evaluation, &raw.interval);
        scrape_interval = length(&evaluation, &raw.scrape_interval);
    }
    let start = section.or(&raw.start, Instant(START));
    let slo = slo(&section, &raw.slo);
    let written = section.required(&raw.tests, "tests")?;
    if written.is_empty() || written.len() > TESTS_MAX {
        let message = format!("a file has 1 to {TESTS_MAX} tests, not {}", written.len());
        section.refuse(&raw.tests, message, "add a test with name: and expect:");
    }
    let mut names = BTreeSet::new();
    let mut tests = Vec::new();
    for field in written {
        let section = section.within(field, "the test");
        let Some(raw) = field.value() else { continue };
        if let Some(name) = raw.name.value()
            && !names.insert(name.clone())
        {
            let message = format!("there are two tests called {:?}", excerpt(name));
            section.refuse(&raw.name, message, "give each test a name of its own");
        }
        let Some(Instant(start)) = start else {
            continue;
        };
        if let Some(test) = test(&section, raw, start) {
            tests.push(Test {
                slo: test.slo.or_else(|| slo.clone()),
                ..test
            });
        }
    }
    Some(TestFile {
        path: path.to_owned(),
        definitions: definitions?,
        config,
        interval,
        scrape_interval,
        tests,
    })
}

fn length(section: &Section<'_>, field: &Field<Duration>) -> Option<Span> {
    let (min, max) = INTERVALS;
    let (min, max) = (Duration(min), Duration(max));
    if field.is_absent() {
        return None;
    }
    section
        .bounded(field, min, min, max)
        .map(|Duration(span)| span)
}

/// Where the definitions are.
fn definitions(
    section: &Section<'_>,
    field: &Field<OneOrMany<String>>,
    path: &Path,
) -> Option<Vec<PathBuf>> {
    let directory = path.parent().unwrap_or_else(|| Path::new(""));
    if !field.is_absent() {
        let names = texts(section, field)?;
        if names.is_empty() {
            section.refuse(field, "there are no definitions here", "name a file");
            return None;
        }
        return Some(names.iter().map(|(name, _)| directory.join(name)).collect());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending));
    let beside = stem.and_then(|stem| {
        let candidates = DEFINITION_ENDINGS.map(|ending| directory.join(format!("{stem}{ending}")));
        candidates.into_iter().find(|path| path.is_file())
    });
    if beside.is_none() {
        let message = "no definition stands beside these tests".to_owned();
        let fix = "add definitions: with the path of one, seen from this file";
        section.report.error(section.mark, message, fix);
    }
    beside.map(|path| vec![path])
}

fn test(section: &Section<'_>, raw: &raw::Test, start: Timestamp) -> Option<Test> {
    let name = section.required(&raw.name, "name");
    if name.is_some_and(|name| name.trim().is_empty()) {
        section.refuse(&raw.name, "the test has an empty name", "say what it shows");
    }
    let start = section.or(&raw.start, Instant(start));
    let warm_up = warm_up(section, &raw.warm_up);
    let streams = streams(section, &raw.traffic);
    let written = raw.series.value().into_iter().flatten();
    let written: Vec<_> = written.map(|field| series(section, field)).collect();
    let outages = raw.source.value().map(|text| outages(text));
    let outages = outages.unwrap_or_else(|| Ok(Vec::new()));
    let outages = settled(section, &raw.source, outages);
    let until = section.maybe(&raw.until);
    let expect = section.required(&raw.expect, "expect")?;
    if expect.is_empty() {
        let fix = "add one such as {at: 10m, page: inactive}";
        section.refuse(&raw.expect, "the test expects nothing", fix);
    }
    let until = match until? {
        Some(Duration(until)) => until,
        None => expectation::last(expect),
    };
    let length = match raw.until.is_absent() {
        // That nothing is expected at all is said above, and of refused times theirs.
        true if until.is_zero() && (expect.is_empty() || expectation::refused(expect)) => None,
        true if until.is_zero() => Some((
            "nothing is expected at any time after the start".to_owned(),
            "give an expectation at: or to:, or the test until:".to_owned(),
        )),
        false if until.is_zero() => Some((
            "the test ends where it starts".to_owned(),
            format!("write a time after the start, at most {UNTIL_MAX}"),
        )),
        _ if until > UNTIL_MAX => Some((
            format!("the test lasts {until}"),
            format!("let it end, and expect what you expect, after at most {UNTIL_MAX}"),
        )),
        _ => None,
    };
    if let Some((message, fix)) = length {
        section.refuse(&raw.until, message, fix);
    }
    let expectations = expect.iter();
    let expectations = expectations.map(|field| expectation::compile(section, field, until));
    let expectations: Vec<_> = expectations.collect();
    let operators = operators(section, raw, until);
    Some(Test {
        name: name?.clone(),
        place: section.report.place(section.mark),
        slo: slo(section, &raw.slo),
        start: start?.0,
        until,
        warm_up: warm_up?,
        streams: streams?,
        written: written.into_iter().collect::<Option<_>>()?,
        outages: outages?,
        operators: operators?,
        expectations: expectations.into_iter().collect::<Option<_>>()?,
    })
}

/// What operators do until the end, in rising time.
fn operators(section: &Section<'_>, raw: &raw::Test, until: Span) -> Option<Vec<Located<Act>>> {
    let act = |field| {
        let act = operator(section, field)?;
        if act.value.at > until {
            let message = format!("{} is after the end of the test", act.value.at);
            let fix = format!("write a time up to {until}, or let the test last longer");
            section.refuse(field, message, fix);
        }
        Some(act)
    };
    let acts: Vec<_> = raw
        .operators
        .value()
        .into_iter()
        .flatten()
        .map(act)
        .collect();
    let mut acts: Vec<Located<Act>> = acts.into_iter().collect::<Option<_>>()?;
    acts.sort_by_key(|located| located.value.at);
    Some(acts)
}

fn warm_up(section: &Section<'_>, field: &Field<String>) -> Option<WarmUp> {
    match section.maybe(field)?.as_deref() {
        None | Some("steady traffic") => Some(WarmUp::Steady),
        Some("no traffic") => Some(WarmUp::NoTraffic),
        Some("nothing") => Some(WarmUp::Nothing),
        Some(other) => {
            let message = format!("{:?} is no warm-up", excerpt(other));
            let fix = "write steady traffic, no traffic or nothing";
            section.refuse(field, message, fix);
            None
        }
    }
}
