//! Composite SLOs: from the recorded ratios of their parts.

use crate::engine::{Combination, Composite, Indicator, Part, Slo, Span};

use super::Plan;
use super::series::{Series, number};
use super::sli::by;

impl Plan<'_> {
    /// The error ratio of a composite over a window.
    ///
    /// A journey fails when one of its steps does: 1 - product(1 - ratio). Weighted parts have the
    /// mean of their ratios. A part without events in the window has no errors in it.
    pub(super) fn composite(&self, composite: &Composite, window: Span) -> String {
        // Parts with all labels of the whole match one to one, others each of several instances.
        let mut parts: Vec<(&Part, &Slo)> = composite
            .parts
            .iter()
            .filter_map(|part| Some((part, *self.all.get(&part.slo)?)))
            .collect();
        parts.sort_by_key(|(_, slo)| self.shared(slo) != self.slo.group_by);
        let sum: f64 = parts.iter().map(|(part, _)| part.weight).sum();
        let mut text = String::new();
        for (at, (part, slo)) in parts.iter().enumerate() {
            let shared = self.shared(slo);
            let ratio = part_ratio(slo, &shared, window);
            let (operator, operand) = match composite.combination {
                Combination::Journey => ("*", format!("(1 - {ratio})")),
                Combination::Weighted => ("+", format!("{} * {ratio}", number(part.weight / sum))),
            };
            if at > 0 {
                let matching = match shared == self.slo.group_by {
                    true => String::new(),
                    false => format!(" on ({}) group_left ()", shared.join(", ")),
                };
                text.push_str(&format!("\n{operator}{matching}\n"));
            }
            text.push_str(&operand);
        }
        match composite.combination {
            Combination::Journey => format!("1 - (\n{text}\n)"),
            Combination::Weighted => text,
        }
    }

    /// The labels of the whole that tell the instances of a part apart too.
    fn shared(&self, part: &Slo) -> Vec<String> {
        let labels = self.slo.group_by.iter();
        labels
            .filter(|label| part.group_by.contains(label))
            .cloned()
            .collect()
    }

    pub(super) fn composite_notes(&self) -> Vec<String> {
        let Indicator::Composite(composite) = &self.slo.indicator else {
            return Vec::new();
        };
        let mut notes = Vec::new();
        let mut any_full = false;
        for part in &composite.parts {
            let Some(slo) = self.all.get(&part.slo) else {
                let id = &part.slo;
                notes.push(format!(
                    "its part {id} is not among the definitions and is left out"
                ));
                continue;
            };
            let shared = self.shared(slo).len();
            any_full |= shared == self.slo.group_by.len();
            if slo.group_by.len() > shared {
                let id = &part.slo;
                notes.push(format!(
                    "its part {id} is grouped by further labels: the worst of its instances counts"
                ));
            }
        }
        if !any_full {
            notes
                .push("no part has all the labels it is grouped by, so nothing matches".to_owned());
        }
        notes
    }
}

/// The ratio of a part per instance of the whole; 0 where it is 0/0.
fn part_ratio(part: &Slo, labels: &[String], window: Span) -> String {
    let ratio = Series::new(part).ratio(window);
    let by = by(labels);
    format!("(max{by}({ratio} >= 0) or 0 * count{by}({ratio}))")
}
