//! The report on a terminal: what would have happened in a sentence, variants side by side, the
//! alerts, the charts, and who would have been told.

use std::collections::BTreeMap;

use super::clock::Clock;
use super::lists::loudest_first;
use super::words::{counted, tenth};
use crate::cli::check::{Paint, harmless};
use crate::config::Level;
use crate::message::figures;
use crate::replay::report::{InstanceReport, Remark, Report, SloReport, Variant};

/// So many rows of the table of SLOs are shown unless all are asked for.
const ROWS_SHOWN: usize = 40;
/// Figures that go first where a terminal is too narrow for all.
const DISPENSABLE: [&str; 6] = [
    "flaps",
    "notices",
    "unalerted",
    "lowest",
    "watched",
    "night",
];
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
        parts.extend(self.judgement());
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
        // Many SLOs share a stretch.
        let mut coarse: BTreeMap<_, Vec<&str>> = BTreeMap::new();
        for one in &history.coarse {
            let stretch = (one.from, one.until, one.step);
            coarse.entry(stretch).or_default().push(&one.of);
        }
        for ((from, until, step), slos) in coarse {
            let (from, until) = (self.clock.date(from), self.clock.date(until));
            let what = match slos[..] {
                [""] => "everything".to_owned(),
                [one] => harmless(one),
                _ => counted(slos.len() as u64, "SLO"),
            };
            lines.push(self.paint.level(
                Level::Warning,
                &format!(
                    "{from} to {until}: {what} at steps of {step} only, short bursts may be missed"
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
        let mut tickets = counted(total.tickets, "ticket");
        if total.tickets > 0 {
            tickets.push_str(&format!(" ({} a week)", tenth(total.tickets_per_week)));
        }
        words.push(tickets);
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
        if total.open_at_start > 0 {
            words.push(format!(
                "{} up before that",
                counted(total.open_at_start, "alert")
            ));
        }
        // Without settings there is nobody to be told.
        if total.pages_untold > 0 && !variant.receivers.is_empty() {
            let pages = counted(total.pages_untold, "page");
            words.push(format!("{pages} told to nobody"));
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

    /// Instances, and SLOs of which none was seen. A grouped SLO is none itself: nothing of it was
    /// ever decided, it only bears the alert about missing data.
    pub(super) fn instances(&self) -> impl Iterator<Item = &'_ SloReport> {
        let slos = &self.report.slos;
        let has_slots = |slo: &SloReport| {
            let mut instances = slo.variants.iter().flatten();
            instances.any(|instance| instance.figures.slots.all() > 0)
        };
        slos.iter().filter(move |slo| {
            let is_sibling = |other: &SloReport| {
                other.id != slo.id && (&other.service, &other.name) == (&slo.service, &slo.name)
            };
            has_slots(slo) || !slos.iter().any(is_sibling)
        })
    }

    /// Variants side by side, a row each.
    fn slos(&self) -> String {
        let mut header = vec!["SLO"];
        if self.is_compared() {
            header.push("variant");
        }
        header.extend(["pages", "night", "tickets", "left"]);
        if self.is_wide() {
            header.extend(["lowest", "notices", "flaps", "unalerted", "watched"]);
        }
        let mut slos: Vec<&SloReport> = self.instances().collect();
        let shown = match self.all {
            true => slos.len(),
            false => (ROWS_SHOWN / self.report.variants.len().max(1)).max(1),
        };
        let hidden = slos.len().saturating_sub(shown);
        if hidden > 0 {
            // None that pages is left out for one that does not.
            slos.sort_by_key(|slo| loudest_first(slo));
        }
        let mut rows = Vec::new();
        for slo in slos.into_iter().take(shown) {
            let mut name = harmless(&slo.id);
            for (variant, instance) in self.report.variants.iter().zip(&slo.variants) {
                let mut row = vec![std::mem::take(&mut name)];
                if self.is_compared() {
                    row.push(variant.name.clone());
                }
                row.extend(cells(instance.as_ref()));
                row.truncate(header.len());
                rows.push(row);
            }
        }
        let words = 1 + usize::from(self.is_compared());
        let table = self.fitted(&mut header, rows, words, &DISPENSABLE);
        let mut lines = vec![table.trim_fmt()];
        if hidden > 0 {
            let more = counted(hidden as u64, "quieter SLO");
            lines.push(format!("{more}: --all shows them"));
        }
        let mut legend = match header.contains(&"night") {
            true => "night: pages that fired at night; left: of the budget at the end".to_owned(),
            false => "left: of the budget at the end".to_owned(),
        };
        if header.contains(&"unalerted") {
            legend.push_str("; unalerted: time over the objective\nwithout a page or ticket");
        }
        if header.contains(&"watched") {
            let end = if header.contains(&"unalerted") {
                "; "
            } else {
                "\n"
            };
            legend.push_str(&format!("{end}watched: slots that could be decided"));
        }
        lines.push(legend);
        lines.join("\n")
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

/// The figures of one row, the most important ones first.
fn cells(instance: Option<&InstanceReport>) -> Vec<String> {
    const CELLS: usize = 9;
    let Some(InstanceReport {
        figures: of,
        budget,
        ..
    }) = instance
    else {
        return vec![UNKNOWN.to_owned(); CELLS];
    };
    let percent = |share: Option<f64>| share.map_or_else(|| UNKNOWN.to_owned(), figures::percent);
    vec![
        of.pages.to_string(),
        of.pages_at_night.to_string(),
        of.tickets.to_string(),
        percent(budget.last),
        percent(budget.lowest),
        of.infos.to_string(),
        of.flaps.to_string(),
        figures::span(of.over_objective_unalerted),
        percent(Some(of.watched)),
    ]
}
