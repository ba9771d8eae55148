//! The judgement: how alerts did against incidents, what they did wrong, and what was left out.

use serde::Serialize;

use super::curves::looks;
use super::section::Stage;
use super::svg::shown;
use super::words::rate;
use super::{LISTED_MAX, TEXT_CHARS_MAX};
use crate::engine::{Span, Timestamp};
use crate::message::figures;
use crate::replay::report::{
    FalseAlertReport, Judgement, MissedReport, Quantiles, RatioReport, SeverityJudgement,
};

/// What the page says of a judgement.
#[derive(Debug, Serialize)]
pub(super) struct Judged {
    against: String,
    notes: Vec<String>,
    rows: Vec<JudgedRow>,
    wrong: Vec<WrongRow>,
    wrong_omitted: u64,
    ratios: Vec<RatioRow>,
}

/// How alerts of a severity do in a variant.
#[derive(Debug, Serialize)]
struct JudgedRow {
    variants: String,
    looks: String,
    variant: String,
    class: &'static str,
    /// In the order of the table's columns.
    cells: Vec<Cell>,
}

/// A figure, and what is to be said about it.
#[derive(Debug, Serialize)]
struct Cell {
    value: String,
    /// By what the column is sorted; empty where the value serves.
    key: String,
    remarks: Vec<String>,
}

/// Something that a variant did wrong: nobody was told of an incident, or somebody of none.
#[derive(Debug, Serialize)]
struct WrongRow {
    variants: String,
    looks: String,
    variant: String,
    kind: &'static str,
    start: String,
    start_machine: String,
    start_key: i64,
    end: String,
    what: String,
}

/// Detection of incidents with like error ratios.
#[derive(Debug, Serialize)]
struct RatioRow {
    variants: String,
    looks: String,
    variant: String,
    from: String,
    until: String,
    incidents: u64,
    significant: u64,
    detected: u64,
    spans: Vec<Cell>,
}

impl Judged {
    /// What there is to say, if anything was judged.
    pub(super) fn new(stage: &Stage<'_>) -> Option<Self> {
        let judgement = stage.report.judgement.as_ref()?;
        let notes = judgement.notes.iter().take(LISTED_MAX);
        let wrong = wrong_rows(stage, judgement);
        let all = shares(judgement).map(|(_, judged)| judged.missed + judged.false_alerts);
        // Of incidents that were put in the report lists none: their times are of no world.
        let all: u64 = if wrong.is_empty() { 0 } else { all.sum() };
        Some(Self {
            against: shown(&judgement.against, TEXT_CHARS_MAX),
            notes: notes.map(|note| shown(note, TEXT_CHARS_MAX)).collect(),
            rows: judged_rows(stage, judgement),
            wrong_omitted: all.saturating_sub(wrong.len() as u64),
            wrong,
            ratios: ratio_rows(stage, judgement),
        })
    }
}

/// Of each variant the judgement that takes all of its alerts together: the last, of the quietest.
fn shares(judgement: &Judgement) -> impl Iterator<Item = (usize, &SeverityJudgement)> {
    let variants = judgement.variants.iter().enumerate();
    variants.filter_map(|(number, variant)| Some((number, variant.severities.last()?)))
}

fn judged_rows(stage: &Stage<'_>, judgement: &Judgement) -> Vec<JudgedRow> {
    let variants = judgement.variants.iter().enumerate();
    let rows = variants.flat_map(|(variant, judged)| {
        let severities = judged.severities.iter();
        severities.map(move |judged| JudgedRow {
            variants: variant.to_string(),
            looks: looks(&[variant]),
            variant: stage.name(variant),
            class: judged.severity.as_str(),
            cells: cells(judged),
        })
    });
    rows.collect()
}

fn cells(judged: &SeverityJudgement) -> Vec<Cell> {
    let share = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), figures::percent);
    let some = |count: u64, words: &str| (count > 0).then(|| format!("{count} {words}"));
    let details = &judged.details;
    let by_cost = details.recall_by_cost.map(figures::percent);
    let weekly = (judged.false_alerts > 0).then(|| rate(details.false_per_week));
    let mut cells = vec![
        Cell::of(share(judged.precision), []),
        Cell::of(
            share(judged.recall),
            [by_cost.map(|share| format!("{share} by cost"))],
        ),
        Cell::of(judged.alerts, [some(details.louder, "louder than needed")]),
        Cell::of(judged.detected, []),
        Cell::of(judged.missed, [some(details.masked, "masked")]),
        Cell::of(judged.repeats, []),
        Cell::of(
            judged.false_alerts,
            [
                weekly.map(|rate| format!("{rate} a week")),
                some(details.insignificant, "about insignificant incidents"),
            ],
        ),
        Cell::span(details.unalerted),
    ];
    cells.extend(quantiles(judged.detection));
    cells.extend(quantiles(judged.reset));
    if let Some(last) = cells.last_mut() {
        last.remarks.extend(some(details.unreset, "up at the end"));
    }
    cells
}

impl Cell {
    fn of<const N: usize>(value: impl ToString, remarks: [Option<String>; N]) -> Self {
        Self {
            value: value.to_string(),
            key: String::new(),
            remarks: remarks.into_iter().flatten().collect(),
        }
    }

    fn span(span: Span) -> Self {
        Self {
            key: span.as_millis().to_string(),
            ..Self::of(figures::span(span), [])
        }
    }
}

fn quantiles(quantiles: Option<Quantiles>) -> Vec<Cell> {
    let cells = quantiles.map(|q| [q.p50, q.p95, q.max].map(Cell::span));
    cells.map_or_else(|| (0..3).map(|_| Cell::of("–", [])).collect(), Vec::from)
}

/// The same number of missed incidents and of false alerts of each variant, oldest first.
fn wrong_rows(stage: &Stage<'_>, judgement: &Judgement) -> Vec<WrongRow> {
    let each = (LISTED_MAX / 2 / judgement.variants.len().max(1)).max(1);
    let rows = shares(judgement).flat_map(|(variant, judged)| {
        let details = &judged.details;
        let missed = details.missed_list.iter().take(each);
        let missed = missed.map(move |one| missed_row(stage, variant, one));
        let alerts = details.false_list.iter().take(each);
        missed.chain(alerts.map(move |one| false_row(stage, variant, one)))
    });
    rows.collect()
}

fn missed_row(stage: &Stage<'_>, variant: usize, missed: &MissedReport) -> WrongRow {
    let kind = match missed.masked {
        true => "missed, masked",
        false => "missed",
    };
    WrongRow {
        end: missed.end.map_or_else(
            || "open".to_owned(),
            |end| figures::span(end.since(missed.start)),
        ),
        what: shown(&missed.title, TEXT_CHARS_MAX),
        ..wrong_row(stage, variant, (kind, missed.start))
    }
}

fn false_row(stage: &Stage<'_>, variant: usize, alert: &FalseAlertReport) -> WrongRow {
    WrongRow {
        end: alert.until.map_or_else(
            || "up at the end".to_owned(),
            |until| figures::span(until.since(alert.told_at)),
        ),
        what: shown(&alert.key, TEXT_CHARS_MAX),
        ..wrong_row(stage, variant, ("false", alert.told_at))
    }
}

fn wrong_row(
    stage: &Stage<'_>,
    variant: usize,
    (kind, start): (&'static str, Timestamp),
) -> WrongRow {
    WrongRow {
        variants: variant.to_string(),
        looks: looks(&[variant]),
        variant: stage.name(variant),
        kind,
        start: stage.clock.minute(start),
        start_machine: stage.clock.machine(start),
        start_key: start.as_millis(),
        end: String::new(),
        what: String::new(),
    }
}

fn ratio_rows(stage: &Stage<'_>, judgement: &Judgement) -> Vec<RatioRow> {
    let rows = shares(judgement).flat_map(|(variant, judged)| {
        let ratios = judged.details.ratios.iter().take(LISTED_MAX);
        ratios.map(move |ratio: &RatioReport| {
            let mut spans = quantiles(ratio.detection);
            spans.extend(quantiles(ratio.reset));
            RatioRow {
                variants: variant.to_string(),
                looks: looks(&[variant]),
                variant: stage.name(variant),
                from: figures::percent(ratio.from),
                until: figures::percent(ratio.until),
                incidents: ratio.incidents,
                significant: ratio.significant,
                detected: ratio.detected,
                spans,
            }
        })
    });
    rows.collect()
}
