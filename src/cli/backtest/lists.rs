//! What a report lists: alerts, charts, receivers.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use comfy_table::{ColumnConstraint, Width};

use super::chart;
use super::fit::{GAP, PADDING, SEPARATOR};
use super::text::{Page, UNKNOWN};
use super::words::{counted_more, folded, told, why};
use crate::cli::check::harmless;
use crate::message::figures;
use crate::replay::report::{AlertReport, SentFigures, SloReport};

/// So many alerts are listed unless all are asked for, the newest ones.
const ALERTS_SHOWN: usize = 15;
/// So many charts are drawn unless all are asked for, those with most alerts.
const CHARTS_SHOWN: usize = 5;
/// Characters that the reason of an alert has at least.
const WHY_WIDTH_MIN: usize = 14;
/// Characters that the name of an alert has at least, as long as other columns can go; ...
const NAME_WIDTH_MIN: usize = 24;
/// ... and in any case.
const NAME_WIDTH_LEAST: usize = 8;
/// Counts of messages that go first where a terminal is too narrow for all.
const COUNTS_DISPENSABLE: [&str; 5] = ["news", "opening", "closing", "unquieted", "night"];
/// Names of variants are broken beyond that.
const VARIANT_WIDTH_MAX: usize = 14;
/// Lists of receivers are broken beyond that.
const TOLD_WIDTH_MAX: usize = 16;

/// Orders SLOs by pages, then tickets, of their loudest variant.
pub(super) fn loudest_first(slo: &SloReport) -> Reverse<(u64, u64)> {
    let instances = slo.variants.iter().flatten();
    let counts = instances.map(|one| (one.figures.pages, one.figures.tickets));
    Reverse(counts.max().unwrap_or_default())
}

impl Page<'_> {
    /// The newest alerts, of all variants.
    pub(super) fn alerts(&self) -> Option<String> {
        let mut alerts: Vec<(usize, &AlertReport)> = Vec::new();
        for slo in &self.report.slos {
            for (number, instance) in slo.variants.iter().enumerate() {
                let listed = instance.iter().flat_map(|instance| &instance.alerts);
                alerts.extend(listed.map(|alert| (number, alert)));
            }
        }
        for (number, variant) in self.report.variants.iter().enumerate() {
            alerts.extend(variant.source_alerts.iter().map(|alert| (number, alert)));
        }
        if alerts.is_empty() {
            return None;
        }
        alerts.sort_by(|(a_number, a), (b_number, b)| {
            (b.fired_at, a_number, &a.key).cmp(&(a.fired_at, b_number, &b.key))
        });
        let shown = if self.all { alerts.len() } else { ALERTS_SHOWN };
        let rows = alerts.iter().take(shown);
        let rows: Vec<_> = rows
            .map(|(number, alert)| self.alert(*number, alert))
            .collect();
        let columns = self.columns(&rows);
        let header: Vec<&str> = columns.iter().map(|(column, _)| *column).collect();
        let mut table = self.table(&header);
        let names = columns.iter().find(|(column, _)| *column == "alert");
        let room = names.map_or(0, |(_, width)| usize::from(*width).saturating_sub(PADDING));
        for mut row in rows {
            if let Some(name) = row.get_mut("alert") {
                *name = folded(name, room);
            }
            let cells = columns.iter().filter_map(|(column, _)| row.remove(column));
            table.add_row(cells);
        }
        for (column, (_, width)) in table.column_iter_mut().zip(&columns) {
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(*width)));
        }
        let mut text = table.trim_fmt();
        if let hidden @ 1.. = alerts.len().saturating_sub(shown) {
            text.push_str(&format!("\n{}, use --all", counted_more(hidden)));
        }
        Some(text)
    }

    /// The cells of a row by the names of their columns.
    fn alert(&self, number: usize, alert: &AlertReport) -> BTreeMap<&'static str, String> {
        let mut fired = self.clock.minute(alert.fired_at);
        if alert.open_at_start {
            fired = "before that".to_owned();
        }
        let mut lasted = figures::span(alert.duration);
        if alert.ended_at.is_none() {
            lasted.push_str(", up");
        }
        let percent =
            |share: Option<f64>| share.map_or_else(|| UNKNOWN.to_owned(), figures::percent);
        let variant = self.report.variants.get(number);
        let variant = variant.map_or_else(String::new, |variant| variant.name.clone());
        BTreeMap::from([
            ("fired", fired),
            ("lasted", lasted),
            ("alert", harmless(&alert.key)),
            ("variant", variant),
            ("told", told(alert)),
            ("cost", percent(alert.budget_consumed)),
            ("left", percent(alert.budget_after)),
            ("why", why(alert)),
        ])
    }

    /// The columns of the table of alerts and their widths, their padding included. Times
    /// and figures are not broken; names and reasons share what they leave, and where that is too
    /// little for a word, figures that the charts show, too, are left out.
    fn columns(&self, rows: &[BTreeMap<&'static str, String>]) -> Vec<(&'static str, u16)> {
        let widest = |column: &&'static str| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            let widths = cells.map(|cell| cell.chars().count());
            widths.max().unwrap_or_default().max(column.len()) + GAP
        };
        let is_told = self.report.variants.iter().any(|v| !v.receivers.is_empty());
        let shown = |column: &&'static str| match *column {
            "variant" => self.is_compared(),
            // Without settings there is nobody to be told.
            "told" => is_told,
            _ => true,
        };
        let all = [
            "fired", "lasted", "alert", "variant", "told", "cost", "left", "why",
        ];
        let mut columns: Vec<&'static str> = all.into_iter().filter(shown).collect();
        let width = |column: &&'static str| match *column {
            "alert" => 0,
            "why" => WHY_WIDTH_MIN + GAP,
            "variant" => widest(column).min(VARIANT_WIDTH_MAX + GAP),
            "told" => widest(column).min(TOLD_WIDTH_MAX + GAP),
            _ => widest(column),
        };
        let least = widest(&"alert").min(NAME_WIDTH_MIN + GAP);
        let room = |columns: &[&'static str]| {
            let taken: usize = columns.iter().map(width).sum();
            usize::from(self.width).saturating_sub(taken)
        };
        for less in ["cost", "left", "why", "told"] {
            if room(&columns) < least {
                columns.retain(|column| *column != less);
            }
        }
        let left = room(&columns);
        let name = widest(&"alert").min(left).max(NAME_WIDTH_LEAST + GAP);
        let why = width(&"why") + left.saturating_sub(name);
        let final_width = |column: &'static str| match column {
            "alert" => name,
            "why" => why,
            _ => width(&column),
        };
        let padded = |column| final_width(column) - SEPARATOR;
        let final_width = |column| (column, u16::try_from(padded(column)).unwrap_or(u16::MAX));
        columns.into_iter().map(final_width).collect()
    }

    /// Budget, burn and alerts of those with most alerts.
    pub(super) fn charts(&self) -> Option<String> {
        let mut slos: Vec<&SloReport> = self.instances().collect();
        slos.sort_by_key(|slo| loudest_first(slo));
        if !self.all {
            slos.truncate(CHARTS_SHOWN);
        }
        let charts: Vec<String> = slos.into_iter().flat_map(|slo| self.chart(slo)).collect();
        if charts.is_empty() {
            return None;
        }
        let legend = format!(
            "budget: what was left, × is overspent; burn: {}x to {}x over the shortest window\n\
             alerts: P page, t ticket, i notice, b no data, ? not watched",
            chart::BURN_MIN,
            chart::BURN_MAX
        );
        Some(format!("{}\n{legend}", charts.join("\n")))
    }

    fn chart(&self, slo: &SloReport) -> Vec<String> {
        const LABEL: usize = 8;
        let width = usize::from(self.width).saturating_sub(LABEL).max(10);
        let mut charts = Vec::new();
        for (variant, instance) in self.report.variants.iter().zip(&slo.variants) {
            let Some(instance) = instance else {
                continue;
            };
            let mut title = self.paint.bold(&harmless(&slo.id));
            if self.is_compared() {
                title.push_str(&format!(", {}", variant.name));
            }
            let [budget, burn, alerts] =
                chart::lines(instance, self.report.asked.until, width, self.paint);
            let (from, until) = (self.report.asked.from, self.report.asked.until);
            let (from, until) = (self.clock.minute(from), self.clock.minute(until));
            let gap = width.saturating_sub(from.chars().count() + until.chars().count());
            charts.push(format!(
                "{title}\n{:LABEL$}{budget}\n{:LABEL$}{burn}\n{:LABEL$}{alerts}\n{:LABEL$}{from}{}{until}",
                "budget", "burn", "alerts", "", " ".repeat(gap)
            ));
        }
        charts
    }

    /// Who would have been told how much.
    pub(super) fn receivers(&self) -> Option<String> {
        let mut header = vec!["receiver"];
        if self.is_compared() {
            header.push("variant");
        }
        header.extend([
            "messages",
            "opening",
            "news",
            "closing",
            "pages",
            "night",
            "unquieted",
        ]);
        let mut rows = Vec::new();
        for variant in &self.report.variants {
            for receiver in &variant.receivers {
                let mut row = vec![harmless(&receiver.receiver)];
                if self.is_compared() {
                    row.push(variant.name.clone());
                }
                let SentFigures {
                    messages,
                    triggers,
                    updates,
                    resolves,
                    pages,
                    pages_at_night,
                } = receiver.sent;
                let counts = [messages, triggers, updates, resolves, pages, pages_at_night];
                row.extend(counts.map(|count| count.to_string()));
                row.push(match receiver.unquieted {
                    Some(sent) => sent.messages.to_string(),
                    None => UNKNOWN.to_owned(),
                });
                rows.push(row);
            }
        }
        if rows.is_empty() {
            return None;
        }
        let words = 1 + usize::from(self.is_compared());
        let table = self.fitted(&mut header, rows, words, &COUNTS_DISPENSABLE);
        let legend = [
            ("night", "night: pages and their news"),
            (
                "unquieted",
                "unquieted: messages if nothing were grouped or muted",
            ),
        ];
        let shown = legend
            .into_iter()
            .filter(|(column, _)| header.contains(column));
        let shown: Vec<&str> = shown.map(|(_, words)| words).collect();
        Some(
            format!("{}\n{}", table.trim_fmt(), shown.join("; "))
                .trim_end()
                .to_owned(),
        )
    }
}
