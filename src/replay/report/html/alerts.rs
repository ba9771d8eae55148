//! The table of alerts of an SLO: when, why, what it cost, who was told of it and why not.

use serde::Serialize;

use super::curves::{looks, numbers, times};
use super::section::Stage;
use super::svg::shown;
use super::words;
use crate::engine::{Severity, Timestamp};
use crate::message::figures;
use crate::replay::report::{AlertKind, AlertReport, MessageReport, SloReport};

/// Alerts that are listed of an SLO and variant.
const ROWS_MAX: usize = 100;
/// Alerts that are listed in the whole page; each SLO has its share.
const ROWS_OF_PAGE_MAX: usize = 8_000;
/// Alerts of an SLO and variant that are listed, however many SLOs there are.
const ROWS_MIN: usize = 4;
/// Messages that are told of an alert.
const MESSAGES_MAX: usize = 8;
/// Longest text of a cell, in characters.
const TEXT_CHARS_MAX: usize = 160;

/// How much of each list a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Alerts of an SLO and variant.
    pub rows: usize,
}

impl Limits {
    /// For a page with so many tables, one for each SLO and variant.
    pub(super) fn of(tables: usize) -> Self {
        let share = ROWS_OF_PAGE_MAX / tables.max(1);
        Self {
            rows: share.clamp(ROWS_MIN, ROWS_MAX),
        }
    }
}

/// An alert, as the template wants it. Texts for people, `*_key` to sort by.
#[derive(Debug, Serialize)]
pub(super) struct AlertRow {
    variants: String,
    keys: Vec<(String, String)>,
    class: &'static str,
    severity: &'static str,
    start: String,
    start_key: i64,
    start_machine: String,
    end: String,
    end_key: i64,
    length: String,
    length_key: i64,
    marks: Vec<&'static str>,
    tier: String,
    tier_key: f64,
    reason: String,
    end_reason: String,
    peak: String,
    peak_key: f64,
    consumed: String,
    consumed_key: f64,
    after: String,
    told: String,
    messages: Vec<String>,
    messages_omitted: u64,
    quiet: Vec<String>,
}

/// The alerts of all variants of an SLO, oldest first, and how many are left out. The loudest are
/// kept. What is the same in several variants is one row.
pub(super) fn rows(stage: &Stage<'_>, slo: &SloReport) -> (Vec<AlertRow>, u64) {
    let mut kept: Vec<(&AlertReport, Vec<usize>)> = Vec::new();
    let mut omitted = 0;
    for (variant, instance) in slo.variants.iter().enumerate() {
        let Some(instance) = instance else { continue };
        let mut alerts: Vec<&AlertReport> = instance.alerts.iter().collect();
        alerts.sort_by_key(|alert| (alert.severity, alert.fired_at));
        let left_out = alerts.len().saturating_sub(stage.limits.rows);
        omitted += instance.alerts_omitted + u64::try_from(left_out).unwrap_or(0);
        for alert in alerts.into_iter().take(stage.limits.rows) {
            match kept.iter_mut().find(|(other, _)| *other == alert) {
                Some((_, variants)) => variants.push(variant),
                None => kept.push((alert, vec![variant])),
            }
        }
    }
    kept.sort_by_key(|(alert, variants)| {
        (alert.fired_at, variants.first().copied(), alert.severity)
    });
    let rows = kept
        .iter()
        .map(|(alert, variants)| row(stage, variants, alert));
    (rows.collect(), omitted)
}

/// One alert, which is the same in these variants.
pub(super) fn row(stage: &Stage<'_>, variants: &[usize], alert: &AlertReport) -> AlertRow {
    let clock = &stage.clock;
    let fastest = alert.tiers.first();
    let end = alert.ended_at.unwrap_or(stage.time.to);
    AlertRow {
        variants: numbers(variants),
        keys: variants
            .iter()
            .map(|v| (looks(&[*v]), stage.name(*v)))
            .collect(),
        class: alert.severity.as_str(),
        severity: what(alert),
        start: clock.minute(alert.fired_at),
        start_key: alert.fired_at.as_millis(),
        start_machine: clock.machine(alert.fired_at),
        end: match alert.ended_at {
            Some(at) if is_same_day(stage, alert.fired_at, at) => clock.time(at),
            Some(at) => clock.minute(at),
            None => "still up".to_owned(),
        },
        end_key: end.as_millis(),
        length: figures::span(alert.duration),
        length_key: alert.duration.as_millis(),
        marks: marks(alert),
        tier: tiers(alert),
        tier_key: fastest.map_or(0.0, |tier| finite(tier.factor)),
        reason: shown(&alert.reason, TEXT_CHARS_MAX),
        end_reason: shown(
            alert.end_reason.as_deref().unwrap_or_default(),
            TEXT_CHARS_MAX,
        ),
        peak: alert.peak_burn.map_or_else(unknown, times),
        peak_key: alert.peak_burn.map_or(-1.0, finite),
        consumed: alert.budget_consumed.map_or_else(unknown, figures::percent),
        consumed_key: alert.budget_consumed.map_or(-1.0, finite),
        after: alert.budget_after.map_or_else(String::new, |after| {
            format!("{} left", figures::percent(after))
        }),
        told: told(&alert.messages),
        messages: messages(stage, alert),
        messages_omitted: alert.messages_omitted
            + u64::try_from(alert.messages.len().saturating_sub(MESSAGES_MAX)).unwrap_or(0),
        quiet: quiet(stage, alert),
    }
}

fn what(alert: &AlertReport) -> &'static str {
    match (alert.kind, alert.severity) {
        (AlertKind::Blind, Severity::Page) => "page: no data",
        (AlertKind::Blind, Severity::Ticket) => "ticket: no data",
        (AlertKind::Blind, Severity::Info) => "info: no data",
        (AlertKind::SourceDown, Severity::Page) => "page: source down",
        (AlertKind::SourceDown, Severity::Ticket) => "ticket: source down",
        (AlertKind::SourceDown, Severity::Info) => "info: source down",
        (AlertKind::Burn, severity) => severity.as_str(),
    }
}

fn marks(alert: &AlertReport) -> Vec<&'static str> {
    let marks = [
        (alert.at_night, "night"),
        (alert.is_flap, "again within 1 h"),
        (alert.open_at_start, "up before the start"),
    ];
    let marks = marks.into_iter().filter(|(is_so, _)| *is_so);
    marks.map(|(_, word)| word).collect()
}

fn tiers(alert: &AlertReport) -> String {
    let tiers = alert.tiers.iter();
    let tiers = tiers.map(|tier| format!("{}/{} > {}", tier.long, tier.short, times(tier.factor)));
    let tiers: Vec<String> = tiers.collect();
    match tiers.split_first() {
        Some((first, [])) => first.clone(),
        Some((first, rest)) => format!("{first}, {} more", rest.len()),
        None => String::new(),
    }
}

/// The receivers, in the order in which they were told, each once.
fn told(messages: &[MessageReport]) -> String {
    let mut names: Vec<String> = Vec::new();
    for message in messages {
        if !names.contains(&message.receiver) {
            names.push(message.receiver.clone());
        }
    }
    match names.is_empty() {
        true => "nobody".to_owned(),
        false => words::list(&names),
    }
}

fn messages(stage: &Stage<'_>, alert: &AlertReport) -> Vec<String> {
    let few = alert.messages.iter().take(MESSAGES_MAX);
    let said = few.map(|message| {
        let grouped = match message.alerts {
            0 | 1 => String::new(),
            alerts => format!(" (with {} others)", alerts - 1),
        };
        format!(
            "{} {} to {}: {}{grouped}",
            stage.clock.minute(message.at),
            message.kind.as_str(),
            shown(&message.receiver, 60),
            shown(&message.text, TEXT_CHARS_MAX),
        )
    });
    said.collect()
}

fn quiet(stage: &Stage<'_>, alert: &AlertReport) -> Vec<String> {
    let reasons = alert.mutes.iter().take(MESSAGES_MAX).map(|mute| {
        let why = match mute.why.is_empty() {
            true => words::list(&mute.kinds),
            false => mute.why.join("; "),
        };
        let until = match mute.until {
            Some(at) => format!("to {}", stage.clock.minute(at)),
            None => "to its end".to_owned(),
        };
        let from = stage.clock.minute(mute.from);
        format!("{} ({from} {until})", shown(&why, TEXT_CHARS_MAX))
    });
    reasons.collect()
}

fn is_same_day(stage: &Stage<'_>, a: Timestamp, b: Timestamp) -> bool {
    stage.clock.day(a) == stage.clock.day(b)
}

fn unknown() -> String {
    "–".to_owned()
}

/// What can be written as a number to sort by.
fn finite(value: f64) -> f64 {
    const LARGEST: f64 = 1e15;
    match value.is_nan() {
        true => -1.0,
        false => (value.clamp(-LARGEST, LARGEST) * 1e4).round() / 1e4,
    }
}
