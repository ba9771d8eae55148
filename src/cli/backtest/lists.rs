//! What a report lists: alerts, charts, receivers.

use comfy_table::{ColumnConstraint, Width};

use super::chart;
use super::text::{Page, UNKNOWN};
use super::words::{counted_more, told, why};
use crate::cli::check::harmless;
use crate::message::figures;
use crate::replay::report::{AlertReport, SentFigures, SloReport};

/// So many alerts are listed unless all are asked for, the newest ones.
const ALERTS_SHOWN: usize = 15;
/// So many charts are drawn unless all are asked for, those with most alerts.
const CHARTS_SHOWN: usize = 5;
/// Columns that the reason of an alert has at least.
const WHY_WIDTH_MIN: u16 = 18;

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
        let mut header = vec!["fired", "lasted", "alert"];
        if self.is_compared() {
            header.push("variant");
        }
        header.push("told");
        if self.is_wide() {
            header.extend(["cost", "left", "why"]);
        }
        let mut table = self.table(&header);
        for (number, alert) in alerts.iter().take(shown) {
            let mut row = self.alert(*number, alert);
            row.truncate(header.len());
            table.add_row(row);
        }
        // Times and names that fit are not broken.
        const NAME_WIDTH_MAX: usize = 40;
        let names = alerts.iter().map(|(_, alert)| alert.key.chars().count());
        if self.is_wide() && names.max().unwrap_or_default() <= NAME_WIDTH_MAX {
            for column in table.column_iter_mut().take(3) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        // What is left for the last one is enough for a word.
        if let Some(why) = table.column_mut(7).filter(|_| self.is_compared()) {
            why.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(WHY_WIDTH_MIN)));
        }
        let mut text = table.trim_fmt();
        if let hidden @ 1.. = alerts.len().saturating_sub(shown) {
            text.push_str(&format!("\n{}, use --all", counted_more(hidden)));
        }
        Some(text)
    }

    fn alert(&self, number: usize, alert: &AlertReport) -> Vec<String> {
        let mut fired = self.clock.minute(alert.fired_at);
        if alert.open_at_start {
            fired = "before that".to_owned();
        }
        let mut lasted = figures::span(alert.duration);
        if alert.ended_at.is_none() {
            lasted.push_str(", up");
        }
        let mut row = vec![fired, lasted, harmless(&alert.key)];
        if self.is_compared() {
            let variant = self.report.variants.get(number);
            row.push(variant.map_or_else(String::new, |variant| variant.name.clone()));
        }
        let percent =
            |share: Option<f64>| share.map_or_else(|| UNKNOWN.to_owned(), figures::percent);
        let (cost, left) = (percent(alert.budget_consumed), percent(alert.budget_after));
        row.extend([told(alert), cost, left, why(alert)]);
        row
    }

    /// Budget, burn and alerts of those with most alerts.
    pub(super) fn charts(&self) -> Option<String> {
        let mut slos: Vec<&SloReport> = self.report.slos.iter().collect();
        let loud = |slo: &&SloReport| {
            let instances = slo.variants.iter().flatten();
            let counts = instances.map(|one| (one.figures.pages, one.figures.tickets));
            std::cmp::Reverse(counts.max().unwrap_or_default())
        };
        slos.sort_by_key(loud);
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
        let mut table = self.table(&header);
        let mut rows = 0;
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
                table.add_row(row);
                rows += 1;
            }
        }
        self.align(&mut table, 1 + usize::from(self.is_compared()));
        let note =
            "night: pages and their news; unquieted: messages if nothing were grouped or muted";
        (rows > 0).then(|| format!("{}\n{note}", table.trim_fmt()))
    }
}
