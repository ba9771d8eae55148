//! The section `alerting`: what pages and tickets are called, and what they bear.
//!
//! Precedence is that of Sloth: built-in texts, then `alerting`, then `page_alert` or
//! `ticket_alert`. Places such as `{{ $labels.sloth_service }}` are filled in here, where the labels
//! of the file are known; those of the instance and `{{ $value }}` by the engine when it notifies.

use crate::config::field::Field;
use crate::config::raw::definition::{Alert, Alerts, Texts};
use crate::config::tree::Mark;
use crate::engine::Severity;

use super::Translating;
use super::labels::{Later, Places};
use super::reader::Keys;

/// What `alerting` comes to.
#[derive(Default)]
pub(super) struct Alerting {
    pub(super) alerts: Alerts,
    /// Annotations of pages, of both, of tickets: where runbooks are looked for.
    pub(super) annotations: [Texts; 3],
    /// Labels of both.
    pub(super) labels: Texts,
}

/// What `alerting` says of pages and tickets alike.
struct Shared {
    mark: Mark,
    name: Field<String>,
    labels: Texts,
    annotations: Texts,
}

/// What `page_alert` or `ticket_alert` says.
#[derive(Default)]
struct Own {
    /// Where it says that there are none.
    disabled: Option<Mark>,
    labels: Texts,
    annotations: Texts,
}

/// Reads the section; `labels` are those of the SLO, its identity among them.
pub(super) fn alerting(
    slo: &mut Keys<'_, '_>,
    labels: &Texts,
    translation: &mut Translating<'_>,
) -> Alerting {
    if slo.node("alerting").is_none() {
        let message = format!("{} does not name its alerts", slo.name);
        let fix = "add alerting: with a name:, or with both alerts disabled";
        slo.report.error(slo.mark, message, fix);
    }
    let Some(mut keys) = slo.section("alerting", "alerting") else {
        return Alerting::default();
    };
    let page = Own::read(&mut keys, "page_alert");
    let ticket = Own::read(&mut keys, "ticket_alert");
    let needs_name = page.disabled.is_none() || ticket.disabled.is_none();
    let name = if needs_name && keys.required("name").is_none() {
        Field::refused(keys.mark)
    } else {
        keys.text("name")
    };
    let shared = Shared {
        mark: keys.mark,
        name,
        labels: keys.texts("labels", "label"),
        annotations: keys.texts("annotations", "annotation"),
    };
    keys.finish();
    let annotations = [&page, &ticket].map(|own| own.annotations.clone());
    let [of_pages, of_tickets] = annotations;
    Alerting {
        alerts: Alerts {
            page: shared.alert(Severity::Page, page, labels, translation),
            ticket: shared.alert(Severity::Ticket, ticket, labels, translation),
            ..Alerts::default()
        },
        annotations: [of_pages, shared.annotations, of_tickets],
        labels: shared.labels,
    }
}

impl Own {
    fn read(alerting: &mut Keys<'_, '_>, key: &'static str) -> Self {
        let Some(mut keys) = alerting.section(key, key) else {
            return Self::default();
        };
        let own = match keys.switch("disable") {
            Some((mark, true)) => {
                // Sloth does not look at what a disabled alert would bear.
                keys.pass();
                Self {
                    disabled: Some(mark),
                    ..Self::default()
                }
            }
            _ => Self {
                disabled: None,
                labels: keys.texts("labels", "label"),
                annotations: keys.texts("annotations", "annotation"),
            },
        };
        keys.finish();
        own
    }
}

impl Shared {
    fn alert(
        &self,
        severity: Severity,
        own: Own,
        slo: &Texts,
        translation: &mut Translating<'_>,
    ) -> Field<Alert> {
        if let Some(mark) = own.disabled {
            let alert = Alert {
                disabled: Field::at(mark, true),
                ..Alert::default()
            };
            return Field::at(mark, alert);
        }
        let mut labels = Texts::from([(
            "sloth_severity".to_owned(),
            Field::at(self.mark, severity.to_string()),
        )]);
        labels.extend(self.labels.clone());
        labels.extend(own.labels);
        let mut annotations = self.annotations.clone();
        annotations.extend(own.annotations);
        let labels = fill(labels, [slo, &Texts::new()], Later::Nothing, translation);
        let later = Later::LabelsAndValue;
        let annotations = fill(annotations, [slo, &labels], later, translation);
        let alert = Alert {
            name: self.name.clone(),
            labels: Field::at(self.mark, labels),
            annotations: Field::at(self.mark, annotations),
            ..Alert::default()
        };
        Field::at(self.mark, alert)
    }
}

/// Fills in the places of all texts, and says where one stays as it is for good.
pub(super) fn fill(
    texts: Texts,
    known: [&Texts; 2],
    later: Later,
    translation: &mut Translating<'_>,
) -> Texts {
    let places = Places { known, later };
    let report = translation.report.clone();
    let filled = texts.into_iter().map(|(name, field)| {
        let mark = field.mark_or(report.start());
        let Some((text, left)) = field.value().map(|text| places.fill(text)) else {
            return (name, field);
        };
        if let Some(left) = left {
            let filled = match later {
                Later::Nothing => "in a label, only labels that the file gives are filled in",
                Later::Labels => "only {{ $labels.x }} is filled in",
                Later::LabelsAndValue => "only {{ $labels.x }} and {{ $value }} are filled in",
            };
            let message = format!("{left} in {name} stays as it is: {filled}");
            let fix = "write {{ $labels.sloth_service }}, another label of the SLO, or plain text";
            // What both severities share is filled in twice.
            if !translation.notes.contains(&message) {
                translation.note(mark, message, fix);
            }
        }
        (name, field.map(|_| text))
    });
    filled.collect()
}
