//! The day by which somebody wanted to ask whether an objective still fits.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::lint::Lint;
use crate::config::{Definition, Diagnostic, Diagnostics};
use crate::engine::Timestamp;

/// Reports definitions whose review is overdue.
pub(super) fn remind(definitions: &[Definition], now: Timestamp, found: &mut Diagnostics) {
    let Ok(now) = jiff::Timestamp::from_millisecond(now.as_millis()) else {
        return;
    };
    let today = now.to_zoned(TimeZone::UTC).date();
    for Definition { slo, place, .. } in definitions {
        let by = slo.document.review_by.as_deref();
        let by: Option<Date> = by.and_then(|day| day.parse().ok());
        let Some(by) = by.filter(|by| *by < today) else {
            continue;
        };
        found.push(Diagnostic {
            place: place.clone(),
            severity: Lint::ReviewDue.level(),
            rule: Lint::ReviewDue,
            message: format!("the SLO {} was to be reviewed by {by}", slo.id),
            fix: "ask whether the objective still fits, then write a later review_by:".to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config;
    use crate::engine::Span;

    #[test]
    fn a_review_is_due_on_the_day_after() {
        let settings =
            "{definitions: [a], receivers: [{name: c, console: {}}], routes: {default: [c]}}";
        let text = "{apiVersion: slofuse/v1, kind: SLO, metadata: {service: a, name: b}, \
                    spec: {objective: 99.9, sli: {events: {bad: b_total, total: t_total}}}}";
        let mut definitions = config::embedded(settings, text).unwrap().definitions;
        let mut slo = (*definitions[0].slo).clone();
        slo.document.review_by = Some("2026-11-20".to_owned());
        definitions[0].slo = Arc::new(slo);
        let midnight: jiff::Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        let midnight = Timestamp::from_millis(midnight.as_millisecond());
        let due = |now| {
            let mut found = Diagnostics::default();
            remind(&definitions, now, &mut found);
            found.to_string()
        };
        assert_eq!(due(midnight - Span::from_secs(1)), "");
        insta::assert_snapshot!(due(midnight), @r#"
        definitions:1:1: warning: the SLO a/b was to be reviewed by 2026-11-20
          fix: ask whether the objective still fits, then write a later review_by:
        "#);
    }
}
