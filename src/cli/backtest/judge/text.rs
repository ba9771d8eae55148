//! A judgement on a terminal.

use crate::cli::backtest::fit::WORDS_WIDTH_MAX;
use crate::cli::backtest::text::{Page, UNKNOWN};
use crate::cli::backtest::words::{folded, tenth};
use crate::cli::check::harmless;
use crate::config::Level;
use crate::engine::Severity;
use crate::message::figures;
use crate::replay::report::{Judgement, Quantiles, Variant, VariantJudgement};

/// Missed incidents, and false alerts, that are listed unless all are asked for.
const WRONG_SHOWN: usize = 10;
/// Figures that go first where a terminal is too narrow for all.
const VERDICTS_DISPENSABLE: [&str; 3] = ["reset", "missed", "false"];
/// The same of the table by error ratio.
const RATIOS_DISPENSABLE: [&str; 3] = ["significant", "incidents", "reset"];

impl Page<'_> {
    /// How variants do against incidents.
    pub(in crate::cli::backtest) fn judgement(&self) -> Option<String> {
        let judgement = self.report.judgement.as_ref()?;
        let mut parts = vec![
            self.paint
                .bold(&harmless(&format!("judged by {}", judgement.against))),
        ];
        let notes = judgement.notes.iter();
        parts.extend(notes.map(|note| self.paint.level(Level::Note, &harmless(note))));
        parts.push(self.verdicts(judgement));
        let ratios = self.ratios(judgement);
        parts.extend(ratios);
        if let Some(first) = judgement.variants.first() {
            parts.extend(self.wrong(first));
        }
        Some(parts.join("\n"))
    }

    /// Whether there is room for every figure of a judgement without breaking words.
    const fn is_roomy(&self) -> bool {
        const ROOMY: u16 = 130;
        self.width >= ROOMY
    }

    fn verdicts(&self, judgement: &Judgement) -> String {
        let mut header = vec!["alerts"];
        if self.is_compared() {
            header.insert(0, "variant");
        }
        header.extend([
            "told of",
            "missed",
            "false",
            "false a week",
            "precision",
            "recall",
        ]);
        header.extend(match self.is_roomy() {
            true => ["detection p50, p95, max", "reset p50, p95, max"],
            false => ["detected", "reset"],
        });
        if !self.is_roomy() {
            header.retain(|title| *title != "false a week");
        }
        let mut rows = Vec::new();
        for (variant, judged) in self.report.variants.iter().zip(&judgement.variants) {
            for of in &judged.severities {
                let mut row = vec![match of.severity {
                    Severity::Page => format!("{} page", of.alerts),
                    severity => format!("{} {severity} or louder", of.alerts),
                }];
                if self.is_compared() {
                    row.insert(0, self.name_of(variant));
                }
                row.extend([
                    of.detected.to_string(),
                    match of.details.masked {
                        0 => of.missed.to_string(),
                        masked => format!("{}, {masked} masked", of.missed),
                    },
                    (of.false_alerts + of.details.insignificant).to_string(),
                ]);
                if self.is_roomy() {
                    row.push(tenth(of.details.false_per_week));
                }
                row.extend([percent(of.precision), percent(of.recall)]);
                row.extend([of.detection, of.reset].map(|of| self.quantiles(of)));
                rows.push(row);
            }
        }
        let words = 1 + usize::from(self.is_compared());
        let table = self.fitted(&mut header, rows, words, &VERDICTS_DISPENSABLE);
        table.trim_fmt()
    }

    /// Detection by error ratio, where incidents were put in.
    fn ratios(&self, judgement: &Judgement) -> Option<String> {
        let mut header = vec!["error ratio", "incidents", "significant", "told of"];
        header.extend(match self.is_roomy() {
            true => ["detection p50, p95, max", "reset p50, p95, max"],
            false => ["detected", "reset"],
        });
        if self.is_compared() {
            header.insert(0, "variant");
        }
        let mut rows = Vec::new();
        for (variant, judged) in self.report.variants.iter().zip(&judgement.variants) {
            // The last takes all alerts together.
            let ratios = judged.severities.last().map(|of| &of.details.ratios);
            for of in ratios.into_iter().flatten() {
                let mut row = vec![
                    format!(
                        "{} to {}",
                        figures::percent(of.from),
                        figures::percent(of.until)
                    ),
                    of.incidents.to_string(),
                    of.significant.to_string(),
                    of.detected.to_string(),
                    self.quantiles(of.detection),
                    self.quantiles(of.reset),
                ];
                if self.is_compared() {
                    row.insert(0, self.name_of(variant));
                }
                rows.push(row);
            }
        }
        if rows.is_empty() {
            return None;
        }
        let words = 1 + usize::from(self.is_compared());
        let table = self.fitted(&mut header, rows, words, &RATIOS_DISPENSABLE);
        Some(table.trim_fmt())
    }

    /// The name of a variant, which leaves room for figures.
    fn name_of(&self, variant: &Variant) -> String {
        match self.is_roomy() {
            true => variant.name.clone(),
            false => folded(&variant.name, WORDS_WIDTH_MAX),
        }
    }

    /// Where there is no room for more, the time after which half of them were told of, or over.
    fn quantiles(&self, of: Option<Quantiles>) -> String {
        match (of, self.is_roomy()) {
            (None, _) => UNKNOWN.to_owned(),
            (Some(of), false) => figures::span(of.p50),
            (Some(of), true) => {
                let [p50, p95, max] = [of.p50, of.p95, of.max].map(figures::span);
                format!("{p50}, {p95}, {max}")
            }
        }
    }

    /// What the first variant did wrong: incidents that nobody was told of, and false alerts.
    fn wrong(&self, judged: &VariantJudgement) -> Vec<String> {
        let Some(of) = judged.severities.last().map(|of| &of.details) else {
            return Vec::new();
        };
        let shown = if self.all { usize::MAX } else { WRONG_SHOWN };
        let missed = of.missed_list.iter().map(|missed| {
            let masked = if missed.masked { " (masked)" } else { "" };
            let (start, title) = (self.clock.minute(missed.start), harmless(&missed.title));
            format!("missed{masked}: {start} {title}")
        });
        let alerts = of.false_list.iter().map(|alert| {
            let told = self.clock.minute(alert.told_at);
            format!("false: {told} {}", harmless(&alert.key))
        });
        let mut lines: Vec<String> = missed.take(shown).chain(alerts.take(shown)).collect();
        let left = of.missed_list.len() + of.false_list.len() - lines.len();
        if left > 0 {
            lines.push(format!("{left} more, use --all"));
        }
        lines
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| UNKNOWN.to_owned(), figures::percent)
}
