//! The report as one HTML file that opens from disk: for a manager, for print, without a network.
//!
//! The file loads nothing and runs nothing but its own script, which its `Content-Security-Policy`
//! names by hash; without scripts it reads as well. Whatever comes from definitions and labels is
//! text: in HTML by the template's escaping, in drawings by `svg::escaped`. The same report gives
//! the same bytes.
//!
//! Its size is bounded: charts are drawn of at most [`SECTIONS_MAX`] SLOs, curves have a bounded
//! number of points that shrinks with the number of charts, and so do lists of alerts. 100 SLOs
//! over 30 days in two variants stay below 10 MB.

mod alerts;
mod bands;
mod curves;
mod dates;
mod heat;
mod judged;
mod lines;
mod overview;
mod path;
mod scale;
mod section;
mod spark;
mod svg;
mod timeline;
mod words;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;
use sha2::{Digest, Sha256};

use self::alerts::{AlertRow, Limits};
use self::dates::Clock;
use self::judged::Judged;
use self::overview::{Card, FigureRow, ReceiverRow, SloRow};
use self::path::COLUMNS_MAX;
use self::scale::TimeScale;
use self::section::{Heat, Section, Stage};
use super::Report;
use crate::message::figures;

/// Most SLOs that have a section with charts; of the others the page has the figures.
pub const SECTIONS_MAX: usize = 200;
/// Columns of all curves of a page together: bounds its size.
const COLUMNS_OF_PAGE_MAX: usize = 300_000;
/// Columns of a curve, however many there are.
const COLUMNS_MIN: usize = 120;
/// With more SLOs than these only the loud ones are unfolded.
const UNFOLDED_MAX: usize = 12;
/// Stretches and remarks that are listed.
const LISTED_MAX: usize = 100;
/// Longest text of a list, in characters.
const TEXT_CHARS_MAX: usize = 300;

const TEMPLATE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// The page could not be put together: a defect of this program, not of the report.
#[derive(Debug, thiserror::Error)]
#[error("cannot fill the page of the report")]
pub struct HtmlError(#[from] minijinja::Error);

/// Everything the template shows.
#[derive(Debug, Serialize)]
struct Page {
    style: &'static str,
    style_hash: String,
    script: &'static str,
    script_hash: String,
    zone: String,
    question: String,
    variants: Vec<VariantKey>,
    cards: Vec<Card>,
    figures: Vec<FigureRow>,
    heats: Vec<Heat>,
    slos: Vec<SloRow>,
    slos_omitted: u64,
    sections: Vec<Section>,
    sections_omitted: usize,
    receivers: Vec<ReceiverRow>,
    judged: Option<Judged>,
    source_alerts: Vec<AlertRow>,
    history: History,
    remarks: Vec<RemarkRow>,
    example: Option<String>,
    nights: String,
}

/// A variant, where it can be chosen.
#[derive(Debug, Serialize)]
struct VariantKey {
    number: usize,
    looks: String,
    name: String,
}

/// What the history was, and what it lacked.
#[derive(Debug, Serialize)]
struct History {
    source: String,
    notes: Vec<String>,
    coarse: Vec<Stretch>,
    missing: Vec<Stretch>,
    omitted: usize,
    watched: Vec<Watched>,
}

/// A stretch of the past of which less is known.
#[derive(Debug, Serialize)]
struct Stretch {
    from: String,
    until: String,
    length: String,
    of: String,
    what: String,
}

/// How slots of a variant ended.
#[derive(Debug, Serialize)]
struct Watched {
    variant: String,
    share: String,
    burning: u64,
    quiet: u64,
    no_traffic: u64,
    no_data: u64,
    failed: u64,
}

/// What is wrong with an SLO in a variant.
#[derive(Debug, Serialize)]
struct RemarkRow {
    variant: String,
    slo: String,
    is_refused: bool,
    message: String,
    fix: String,
}

/// The report as a page.
///
/// # Errors
///
/// The template cannot be filled, which no report causes.
pub fn write(report: &Report) -> Result<String, HtmlError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()?;
    environment.set_syntax(syntax);
    environment.add_template("page.html", TEMPLATE)?;
    let page = environment.get_template("page.html")?;
    Ok(page.render(Value::from(Serde(Page::new(report))))?)
}

impl Page {
    fn new(report: &Report) -> Self {
        let stage = stage(report);
        let count = report.slos.len().min(SECTIONS_MAX);
        let sections = report.slos.iter().take(count).enumerate();
        let section = |(index, slo)| {
            let section = Section::new(&stage, index, slo);
            let is_open = count <= UNFOLDED_MAX || index < UNFOLDED_MAX && section.is_loud();
            section.unfolded(is_open)
        };
        let sections: Vec<Section> = sections.map(section).collect();
        Self {
            style: STYLE,
            style_hash: hash(STYLE),
            script: SCRIPT,
            script_hash: hash(SCRIPT),
            zone: svg::shown(&report.night.zone, 60),
            question: words::question(report, &stage.clock),
            variants: variants(&stage),
            cards: overview::cards(&stage),
            figures: overview::figure_rows(report),
            heats: overview::heats(&stage),
            slos: overview::slo_rows(&stage, count),
            slos_omitted: report.slos_omitted + unlisted(report),
            sections_omitted: report.slos.len() - count,
            sections,
            receivers: overview::receiver_rows(report),
            judged: Judged::new(&stage),
            source_alerts: source_alerts(&stage),
            history: history(&stage),
            remarks: remarks(&stage),
            example: overview::example(report),
            nights: nights(report),
        }
    }
}

/// How many instances of the report the page does not list.
fn unlisted(report: &Report) -> u64 {
    let unlisted = report.slos.len().saturating_sub(overview::SLOS_MAX);
    u64::try_from(unlisted).unwrap_or(0)
}

fn stage(report: &Report) -> Stage<'_> {
    let clock = Clock::named(&report.night.zone);
    let time = TimeScale::new(report.asked.from, report.asked.until);
    let tables = report.slos.len().max(1) * report.variants.len().max(1);
    // The budget and up to three burn rates for each.
    let curves = tables.min(SECTIONS_MAX * report.variants.len().max(1)) * 4;
    let columns = COLUMNS_OF_PAGE_MAX / curves;
    let columns = columns.clamp(COLUMNS_MIN, usize::from(COLUMNS_MAX));
    Stage {
        marks: clock.marks(time),
        nights: clock.nights(time, &report.night),
        clock,
        time,
        limits: Limits::of(tables),
        columns: u16::try_from(columns).unwrap_or(COLUMNS_MAX),
        report,
    }
}

fn variants(stage: &Stage<'_>) -> Vec<VariantKey> {
    let numbers = 0..stage.report.variants.len();
    let key = |number| VariantKey {
        number,
        looks: curves::looks(&[number]),
        name: stage.name(number),
    };
    numbers.map(key).collect()
}

fn source_alerts(stage: &Stage<'_>) -> Vec<AlertRow> {
    let variants = stage.report.variants.iter().enumerate();
    let rows = variants.flat_map(|(variant, given)| {
        let alerts = given.source_alerts.iter();
        alerts.map(move |alert| alerts::row(stage, &[variant], alert))
    });
    rows.take(LISTED_MAX).collect()
}

fn history(stage: &Stage<'_>) -> History {
    let used = &stage.report.history;
    let stretch = |from, until, of: &str, what: String| Stretch {
        from: stage.clock.minute(from),
        until: stage.clock.minute(until),
        length: figures::span(until.since(from)),
        of: svg::shown(
            if of.is_empty() { "everything" } else { of },
            TEXT_CHARS_MAX,
        ),
        what: svg::shown(&what, TEXT_CHARS_MAX),
    };
    let coarse = used.coarse.iter().take(LISTED_MAX).map(|coarse| {
        let what = format!("a sample every {}", figures::span(coarse.step));
        stretch(coarse.from, coarse.until, &coarse.of, what)
    });
    let missing = used.missing.iter().take(LISTED_MAX);
    let missing = missing.map(|m| stretch(m.from, m.until, &m.of, m.why.clone()));
    let (coarse, missing): (Vec<_>, Vec<_>) = (coarse.collect(), missing.collect());
    let notes = used.notes.iter().take(LISTED_MAX);
    let watched = stage.report.variants.iter().enumerate();
    let watched = watched.map(|(number, variant)| Watched {
        variant: stage.name(number),
        share: figures::percent(variant.total.watched),
        burning: variant.total.slots.burning,
        quiet: variant.total.slots.quiet,
        no_traffic: variant.total.slots.no_traffic,
        no_data: variant.total.slots.no_data,
        failed: variant.total.slots.failed,
    });
    History {
        source: svg::shown(&used.source, TEXT_CHARS_MAX),
        notes: notes.map(|note| svg::shown(note, TEXT_CHARS_MAX)).collect(),
        omitted: used.coarse.len() - coarse.len() + used.missing.len() - missing.len(),
        coarse,
        missing,
        watched: watched.collect(),
    }
}

fn remarks(stage: &Stage<'_>) -> Vec<RemarkRow> {
    let variants = stage.report.variants.iter().enumerate();
    let rows = variants.flat_map(|(number, variant)| {
        let remarks = variant.remarks.iter();
        remarks.map(move |remark| RemarkRow {
            variant: stage.name(number),
            slo: svg::shown(&remark.slo, TEXT_CHARS_MAX),
            is_refused: remark.refused,
            message: svg::shown(&remark.message, TEXT_CHARS_MAX),
            fix: svg::shown(&remark.fix, TEXT_CHARS_MAX),
        })
    });
    rows.take(LISTED_MAX).collect()
}

/// `22:00–24:00 and 00:00–07:00`
fn nights(report: &Report) -> String {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let times = report.night.times.iter();
    let times: Vec<String> = times
        .map(|(from, until)| format!("{}–{}", clock(*from), clock(*until)))
        .collect();
    match times.is_empty() {
        true => "the whole day".to_owned(),
        false => words::list(&times),
    }
}

/// The source expression of the policy for an inline element with this content.
fn hash(content: &str) -> String {
    format!(
        "sha256-{}",
        STANDARD.encode(Sha256::digest(content.as_bytes()))
    )
}

#[cfg(test)]
mod tests;
