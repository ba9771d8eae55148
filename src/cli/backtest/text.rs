//! The report on a terminal: what would have happened in a sentence, variants side by side, the
//! alerts, the charts, and who would have been told.

use comfy_table::{CellAlignment, Table};

use super::clock::Clock;
use super::words::{counted, tenth};
use crate::cli::check::{self, Paint, harmless};
use crate::config::Level;
use crate::message::figures;
use crate::replay::report::{Figures, InstanceReport, Remark, Report, Variant};

/// So many rows of the table of SLOs are shown unless all are asked for.
const ROWS_SHOWN: usize = 40;
/// What cannot be told.
pub(super) const UNKNOWN: &str = "-";

/// A report for a terminal of some width.
pub(super) struct Page<'r> {
    pub(super) report: &'r Report,
    pub(super) paint: Paint,
    pub(super) all: bool,
    pub(super) width: u16,
    pub(super) clock: Clock,
}

impl<'r> Page<'r> {
    pub(super) fn new(report: &'r Report, paint: Paint, all: bool, width: u16) -> Self {
        Self {
            report,
            paint,
            all,
            width,
            clock: Clock::new(&report.night.zone),
        }
    }

    /// All of it.
    pub(super) fn text(&self) -> String {
        let mut parts = vec![self.head()];
        if self.report.slos.is_empty() {
            parts.push("nothing was seen of these SLOs".to_owned());
            return parts.join("\n\n");
        }
        parts.push(self.slos());
        parts.extend(self.alerts());
        parts.extend(self.charts());
        parts.extend(self.receivers());
        parts.push(self.next());
        parts.join("\n\n")
    }

    /// Many variants have a column that names them.
    pub(super) fn is_compared(&self) -> bool {
        self.report.variants.len() > 1
    }

    pub(super) fn table(&self) -> Table {
        let mut table = check::table();
        table.set_width(self.width);
        table
    }

    /// What was played, what is to be known of it, and what came of it.
    fn head(&self) -> String {
        let (asked, history) = (&self.report.asked, &self.report.history);
        let (from, until) = (self.clock.date(asked.from), self.clock.date(asked.until));
        let length = figures::span(asked.until.since(asked.from));
        let mut lines = vec![self.paint.bold(&format!(
            "{from} to {until} {}: {length} in slots of {}, from {}",
            self.clock.zone(),
            asked.slot,
            harmless(&history.source),
        ))];
        for coarse in &history.coarse {
            let (from, until) = (self.clock.date(coarse.from), self.clock.date(coarse.until));
            let step = coarse.step;
            lines.push(self.paint.level(
                Level::Warning,
                &format!(
                    "{from} to {until} is known at steps of {step} only: short bursts may be missed"
                ),
            ));
        }
        for missing in &history.missing {
            let words = format!("{} was not played: {}", missing.of, harmless(&missing.why));
            lines.push(self.paint.level(Level::Warning, &words));
        }
        let notes = history.notes.iter();
        lines.extend(notes.map(|note| self.paint.level(Level::Note, &harmless(note))));
        for variant in &self.report.variants {
            lines.extend(self.remarks(variant));
        }
        for variant in &self.report.variants {
            lines.push(self.sentence(variant));
        }
        lines.join("\n")
    }

    fn remarks(&self, variant: &Variant) -> Vec<String> {
        let remark = |remark: &Remark| {
            let (level, word) = match remark.refused {
                true => (Level::Error, "not played: "),
                false => (Level::Warning, ""),
            };
            let (slo, message, fix) = (&remark.slo, &remark.message, &remark.fix);
            let words = format!("{}: {slo}: {word}{message}: {fix}", variant.name);
            self.paint.level(level, &harmless(&words))
        };
        variant.remarks.iter().map(remark).collect()
    }

    /// `as defined: 2 pages, 1 of them at night, 3.1 tickets a week, ...`
    fn sentence(&self, variant: &Variant) -> String {
        let total = &variant.total;
        let mut words = vec![counted(total.pages, "page")];
        if total.pages_at_night > 0 {
            words.push(format!("{} of them at night", total.pages_at_night));
        }
        words.push(format!(
            "{} ({} a week)",
            counted(total.tickets, "ticket"),
            tenth(total.tickets_per_week)
        ));
        if total.infos > 0 {
            words.push(counted(total.infos, "notice"));
        }
        if total.blinds > 0 {
            words.push(format!(
                "{} about missing data",
                counted(total.blinds, "alert")
            ));
        }
        if total.flaps > 0 {
            words.push(counted(total.flaps, "flap"));
        }
        if total.pages_untold > 0 {
            words.push(format!("{} muted", counted(total.pages_untold, "page")));
        }
        let spent = self.spent(variant);
        if spent > 0 {
            words.push(format!("{} overspent at the end", counted(spent, "budget")));
        }
        format!("{}: {}", self.paint.bold(&variant.name), words.join(", "))
    }

    /// How many budgets are overspent at the end.
    fn spent(&self, variant: &Variant) -> u64 {
        let number = self
            .report
            .variants
            .iter()
            .position(|one| std::ptr::eq(one, variant));
        let instances = self
            .report
            .slos
            .iter()
            .filter_map(|slo| slo.variants.get(number?)?.as_ref());
        instances
            .filter(|one| one.budget.last.is_some_and(|left| left < 0.0))
            .count() as u64
    }

    /// Variants side by side, a row each.
    fn slos(&self) -> String {
        let mut table = self.table();
        let mut header = vec!["SLO"];
        if self.is_compared() {
            header.push("variant");
        }
        header.extend([
            "pages",
            "at night",
            "tickets",
            "infos",
            "flaps",
            "budget left",
            "lowest",
            "burning, no alert",
            "over objective, no alert",
            "watched",
        ]);
        table.set_header(&header);
        let mut rows = 0;
        let mut hidden: u64 = 0;
        for slo in &self.report.slos {
            if rows >= ROWS_SHOWN && !self.all {
                hidden += 1;
                continue;
            }
            for (number, (variant, instance)) in
                self.report.variants.iter().zip(&slo.variants).enumerate()
            {
                let mut row = vec![if number == 0 {
                    harmless(&slo.id)
                } else {
                    String::new()
                }];
                if self.is_compared() {
                    row.push(variant.name.clone());
                }
                row.extend(cells(instance.as_ref()));
                table.add_row(row);
                rows += 1;
            }
        }
        let words = 1 + usize::from(self.is_compared());
        for column in table.column_iter_mut().skip(words) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let mut text = table.trim_fmt();
        if hidden > 0 {
            text.push_str(&format!(
                "\n{} more: --all shows them",
                counted(hidden, "SLO")
            ));
        }
        text
    }

    /// What to do next.
    fn next(&self) -> String {
        let first = self.report.variants.first().map(|variant| &variant.total);
        let unwatched = first.is_some_and(|total| total.watched < 0.95);
        if unwatched {
            let watched = figures::percent(first.map_or(0.0, |total| total.watched));
            return format!(
                "only {watched} of the time was watched: see the gaps with --format json, and whether \
                 the history begins late enough"
            );
        }
        if !self.is_compared() {
            return "compare with --policy or --objective, or let slofuse tune propose some"
                .to_owned();
        }
        "--format json has every figure, message and gap".to_owned()
    }
}

/// The figures of one row.
fn cells(instance: Option<&InstanceReport>) -> Vec<String> {
    const CELLS: usize = 10;
    let Some(InstanceReport {
        figures: of,
        budget,
        ..
    }) = instance
    else {
        return vec![UNKNOWN.to_owned(); CELLS];
    };
    let Figures {
        pages,
        pages_at_night,
        tickets,
        infos,
        flaps,
        ..
    } = of;
    let percent = |share: Option<f64>| share.map_or_else(|| UNKNOWN.to_owned(), figures::percent);
    let mut cells: Vec<String> = [pages, pages_at_night, tickets, infos, flaps]
        .map(ToString::to_string)
        .to_vec();
    cells.extend([
        percent(budget.last),
        percent(budget.lowest),
        figures::span(of.burning_unalerted),
        figures::span(of.over_objective_unalerted),
        percent(Some(of.watched)),
    ]);
    cells
}
