//! What a test says that cannot be, and what may explain that it fails.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::nearest::nearest;
use crate::config::trial::{Claim, Expectation, Located, Test};
use crate::engine::labels::METRIC_NAME;
use crate::engine::{Indicator, Labels, Slo, Span};

use super::super::answer::queries;
use super::super::tape::Tape;
use super::{Casting, one_line};

impl Casting<'_> {
    /// Several tapes of one name would be one series told twice.
    pub(super) fn check_names(&mut self, test: &Test, tapes: &[Tape]) {
        let mut seen = BTreeSet::new();
        for tape in tapes {
            if !seen.insert(&tape.labels) {
                let message = format!(
                    "the series {} is described twice",
                    series_text(&tape.labels)
                );
                let fix = "describe it once, or give each its labels";
                self.refuse(&test.place, message, fix);
            }
        }
    }

    /// Whether what is expected can be seen at all.
    pub(super) fn check(&mut self, expectation: &Expectation, slo: &Slo) {
        let routing = &self.stage.routing;
        for Located { place, value } in &expectation.claims {
            let windows = slo.windows();
            match value {
                Claim::Burn(window, _) if !windows.contains(window) => {
                    let windows: Vec<String> = windows.iter().map(Span::to_string).collect();
                    let message = format!("{} has no window of {window}", slo.id);
                    self.refuse(
                        place,
                        message,
                        format!("use one of: {}", windows.join(", ")),
                    );
                }
                Claim::Message(claim) => {
                    let Some(to) = &claim.to else { continue };
                    if routing.receivers.contains_key(to) {
                        continue;
                    }
                    let names: Vec<&str> = routing.receivers.keys().map(String::as_str).collect();
                    let fix = match nearest(to, names.iter().copied()) {
                        Some(meant) => format!("did you mean {meant:?}?"),
                        None => format!("use one of: {}", names.join(", ")),
                    };
                    self.refuse(place, format!("there is no receiver {to:?}"), fix);
                }
                _ => {}
            }
        }
        for (name, _) in expectation.labels.iter().flat_map(Labels::iter) {
            if !slo.group_by.iter().any(|label| label == name) {
                let message = format!("{} is not grouped by {name:?}", slo.id);
                let fix = match slo.group_by.as_slice() {
                    [] => "remove the labels: it has one instance".to_owned(),
                    some => format!("use one of: {}", some.join(", ")),
                };
                if let Some(claim) = expectation.claims.first() {
                    self.refuse(&claim.place.clone(), message, fix);
                }
            }
        }
    }

    pub(super) fn remark_on_query(&mut self, answered: Vec<&str>, slo: &Slo) {
        let asked = queries(slo);
        let what = match asked.is_empty() {
            true => format!("{} reads samples and asks no query", slo.id),
            false => format!("{} asks  {}", slo.id, one_line(&asked.join("  and  "))),
        };
        self.remarks.push(what);
        let answered = one_line(&answered.join("  and  "));
        self.remarks.push(format!("the test answers  {answered}"));
    }

    pub(super) fn remark_on_idle_series(&mut self, tapes: &[Tape], slos: &[Arc<Slo>]) {
        for tape in tapes {
            let selected = slos.iter().any(|slo| match &slo.indicator {
                Indicator::Counters { bad, total } => bad
                    .iter()
                    .chain(total)
                    .any(|term| term.selector.matches(&tape.labels)),
                _ => false,
            });
            let name = tape.labels.get(METRIC_NAME).unwrap_or_default();
            // A histogram has more series than are read.
            if !selected && !name.ends_with("_sum") && !name.ends_with("_bucket") {
                let series = series_text(&tape.labels);
                self.remarks.push(format!("no selector selects  {series}"));
            }
        }
    }
}

/// A series as PromQL writes it.
fn series_text(labels: &Labels) -> String {
    let name = labels.get(METRIC_NAME).unwrap_or_default();
    let others = labels.iter().filter(|(label, _)| *label != METRIC_NAME);
    format!("{name}{}", Labels::new(others))
}
