//! Variants side by side: cards, and the tables of figures, of SLOs and of receivers.

use serde::Serialize;

use super::curves::{looks, numbers, times};
use super::section::{Heat, Stage, week};
use super::spark::spark;
use super::svg::shown;
use super::words;
use crate::message::figures;
use crate::replay::report::{Figures, InstanceReport, Report, SentFigures, SloReport};

/// SLOs that are listed; charts are drawn of fewer.
pub(super) const SLOS_MAX: usize = 2_000;
/// Receivers that are listed.
const RECEIVERS_MAX: usize = 100;
/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 120;

/// What a variant comes to, at a glance.
#[derive(Debug, Serialize)]
pub(super) struct Card {
    looks: String,
    variants: String,
    name: String,
    answer: String,
    tiles: Vec<Tile>,
}

/// A large number and what it counts.
#[derive(Debug, Serialize)]
struct Tile {
    class: &'static str,
    value: String,
    label: &'static str,
}

/// A figure, and what each variant has of it.
#[derive(Debug, Serialize)]
pub(super) struct FigureRow {
    name: &'static str,
    meaning: &'static str,
    values: Vec<String>,
}

/// An SLO in the list of all.
#[derive(Debug, Serialize)]
pub(super) struct SloRow {
    id: String,
    /// Where its section is; empty when it has none.
    anchor: String,
    owner: String,
    spark_svg: String,
    cells: Vec<SloCell>,
}

/// What a variant does to an SLO.
#[derive(Debug, Serialize)]
struct SloCell {
    variants: String,
    is_known: bool,
    pages: u64,
    night: u64,
    tickets: u64,
    budget: String,
    budget_key: f64,
    is_overspent: bool,
    ended: String,
}

/// A receiver and what it gets in each variant.
#[derive(Debug, Serialize)]
pub(super) struct ReceiverRow {
    name: String,
    cells: Vec<ReceiverCell>,
}

#[derive(Debug, Serialize)]
struct ReceiverCell {
    variants: String,
    is_known: bool,
    messages: u64,
    pages: u64,
    night: u64,
    unquieted: String,
}

/// One card for each variant.
pub(super) fn cards(stage: &Stage<'_>) -> Vec<Card> {
    let variants = stage.report.variants.iter().enumerate();
    let card = |(variant, given): (usize, &crate::replay::report::Variant)| Card {
        looks: looks(&[variant]),
        variants: variant.to_string(),
        name: stage.name(variant),
        answer: words::answer(stage.report, variant, &stage.clock),
        tiles: tiles(stage.report, variant, &given.total),
    };
    variants.map(card).collect()
}

fn tiles(report: &Report, variant: usize, total: &Figures) -> Vec<Tile> {
    let instances = instances(report, variant);
    let ended = instances.iter().filter(|i| i.budget.exhausted_at.is_some());
    let tile = |class, value, label| Tile {
        class,
        value,
        label,
    };
    let pages = if total.pages == 1 { "page" } else { "pages" };
    let tickets = match report.asked.weeks >= 1.0 {
        true => tile(
            "ticket",
            words::rate(total.tickets_per_week),
            "tickets a week",
        ),
        false => tile("ticket", total.tickets.to_string(), "tickets"),
    };
    vec![
        tile("page", total.pages.to_string(), pages),
        tile("night", total.pages_at_night.to_string(), "in the night"),
        tickets,
        tile(
            "ended",
            format!("{} of {}", ended.count(), instances.len()),
            "budgets ended",
        ),
    ]
}

fn instances(report: &Report, variant: usize) -> Vec<&InstanceReport> {
    let slos = report.slos.iter();
    slos.filter_map(|slo| slo.variants.get(variant)?.as_ref())
        .collect()
}

/// How a figure is read from those of a variant.
type Read = fn(&Figures) -> String;

/// The figures, their meaning, and how they are read.
const FIGURES: &[(&str, &str, Read)] = &[
    ("Pages", "alerts that wake somebody", |f| {
        f.pages.to_string()
    }),
    ("Pages a week", "", |f| words::rate(f.pages_per_week)),
    ("Pages in the night", "by the settings' night", |f| {
        f.pages_at_night.to_string()
    }),
    ("Pages a night", "", |f| words::rate(f.pages_per_night)),
    ("Pages of the worst night", "", |f| {
        f.worst_night
            .as_ref()
            .map_or_else(|| "0".to_owned(), |night| night.pages.to_string())
    }),
    (
        "Pages that reached nobody",
        "muted from start to end",
        |f| f.pages_untold.to_string(),
    ),
    ("Tickets", "alerts for working hours", |f| {
        f.tickets.to_string()
    }),
    ("Tickets a week", "", |f| words::rate(f.tickets_per_week)),
    ("Notices about the budget", "", |f| f.infos.to_string()),
    ("Alerts about missing data", "", |f| f.blinds.to_string()),
    ("Flaps", "fired again within 1 h of the end", |f| {
        f.flaps.to_string()
    }),
    ("Time with a page up", "", |f| figures::span(f.page_time)),
    ("Time with a ticket up", "", |f| {
        figures::span(f.ticket_time)
    }),
    ("Over the objective", "errors above what is allowed", |f| {
        figures::span(f.over_objective)
    }),
    (
        "… without page or ticket",
        "errors that the policy lets pass",
        |f| figures::span(f.over_objective_unalerted),
    ),
    ("Some tier burning", "", |f| figures::span(f.burning)),
    ("… without page or ticket", "", |f| {
        figures::span(f.burning_unalerted)
    }),
    (
        "Time that was watched",
        "slots with something to decide on",
        |f| figures::percent(f.watched),
    ),
];

/// All figures of all variants.
pub(super) fn figure_rows(report: &Report) -> Vec<FigureRow> {
    let row = |(name, meaning, read): &(&'static str, &'static str, Read)| FigureRow {
        name,
        meaning,
        values: report.variants.iter().map(|v| read(&v.total)).collect(),
    };
    FIGURES.iter().map(row).collect()
}

/// When people are paged by all SLOs together.
pub(super) fn heats(stage: &Stage<'_>) -> Vec<Heat> {
    let of = |variant: usize| {
        let instances = instances(stage.report, variant);
        let alerts = instances.iter().flat_map(|instance| &instance.alerts);
        week(
            stage,
            variant,
            &format!("week{variant}"),
            "all SLOs",
            alerts,
        )
    };
    (0..stage.report.variants.len()).filter_map(of).collect()
}

/// The list of SLOs; the first `sections` of them have a section of their own.
pub(super) fn slo_rows(stage: &Stage<'_>, sections: usize) -> Vec<SloRow> {
    let slos = stage.report.slos.iter().enumerate().take(SLOS_MAX);
    let row = |(index, slo): (usize, &SloReport)| SloRow {
        id: shown(&slo.id, NAME_CHARS_MAX),
        anchor: match index < sections {
            true => format!("s{index}"),
            false => String::new(),
        },
        owner: shown(slo.owner.as_deref().unwrap_or_default(), 60),
        spark_svg: spark(stage, index, slo),
        cells: slo
            .variants
            .iter()
            .enumerate()
            .map(|(v, i)| slo_cell(stage, v, i))
            .collect(),
    };
    slos.map(row).collect()
}

fn slo_cell(stage: &Stage<'_>, variant: usize, instance: &Option<InstanceReport>) -> SloCell {
    let figures = instance
        .as_ref()
        .map(|i| i.figures.clone())
        .unwrap_or_default();
    let budget = instance
        .as_ref()
        .map(|i| i.budget.clone())
        .unwrap_or_default();
    let last = budget.last.filter(|last| last.is_finite());
    SloCell {
        variants: variant.to_string(),
        is_known: instance.is_some(),
        pages: figures.pages,
        night: figures.pages_at_night,
        tickets: figures.tickets,
        budget: last.map_or_else(|| "unknown".to_owned(), figures::percent),
        budget_key: last.map_or(0.0, |last| (last * 1e6).round() / 1e6),
        is_overspent: budget.exhausted_at.is_some(),
        ended: budget
            .exhausted_at
            .map_or_else(String::new, |at| format!("ended {}", stage.clock.day(at))),
    }
}

/// Who is told how much.
pub(super) fn receiver_rows(report: &Report) -> Vec<ReceiverRow> {
    let mut names: Vec<&str> = Vec::new();
    for variant in &report.variants {
        names.extend(variant.receivers.iter().map(|r| r.receiver.as_str()));
    }
    names.sort_unstable();
    names.dedup();
    let row = |name: &&str| {
        let variants = report.variants.iter().enumerate();
        let cells = variants.map(|(variant, given)| {
            let figures = given.receivers.iter().find(|r| r.receiver == **name);
            let sent = figures.map(|figures| figures.sent).unwrap_or_default();
            let unquieted = figures.and_then(|figures| figures.unquieted);
            receiver_cell(variant, sent, figures.is_some(), unquieted)
        });
        ReceiverRow {
            name: shown(name, NAME_CHARS_MAX),
            cells: cells.collect(),
        }
    };
    names.iter().take(RECEIVERS_MAX).map(row).collect()
}

fn receiver_cell(
    variant: usize,
    sent: SentFigures,
    is_known: bool,
    unquieted: Option<SentFigures>,
) -> ReceiverCell {
    ReceiverCell {
        variants: numbers(&[variant]),
        is_known,
        messages: sent.messages,
        pages: sent.pages,
        night: sent.pages_at_night,
        unquieted: unquieted.map_or_else(String::new, |sent| sent.messages.to_string()),
    }
}

/// The burn rates of the first SLO's tiers in the words of the guide: an example from this report.
pub(super) fn example(report: &Report) -> Option<String> {
    let first = report.slos.first()?.variants.iter().flatten().next()?;
    let tier = first.tiers.first()?;
    Some(format!(
        "{} spends {} of the budget within {}",
        times(tier.factor),
        figures::percent(tier.budget_fraction),
        tier.long
    ))
}
