//! Alert conditions: burning at a threshold over one window, as a tier whose two windows are that one.
//!
//! A condition that would alert while the budget burns slowly is read as the opposite, and a severity
//! that is not known pages: both are named.
//!
//! A tier is kept as the part of the budget that its burn spends, reckoned with the usual length of
//! the period. In a calendar month of 31 days it therefore fires at 31/30 of the threshold.

use std::collections::BTreeMap;

use crate::config::diagnostic::excerpt;
use crate::config::field::Field;
use crate::config::lint::Lint;
use crate::config::raw::definition::Tier;
use crate::config::value::{Duration, Fraction};
use crate::engine::{Severity, Span};

use super::duration::Shorthand;
use super::entry::Entry;
use super::metadata::TARGETS;

/// One condition; `None` when it has mistakes.
pub(super) fn tier(
    spec: Entry<'_>,
    targets: &[String],
    period: Option<Span>,
) -> Option<Field<Tier>> {
    let severity = severity(spec);
    let Some(condition) = spec.section("condition") else {
        if spec.at("condition").is_none() {
            let fix = "add condition: with op, threshold and lookbackWindow";
            spec.error("the alert condition has no condition", fix);
        }
        return None;
    };
    if let Some(kind) = condition.at("kind")
        && !kind
            .text()
            .unwrap_or_default()
            .eq_ignore_ascii_case("burnrate")
    {
        let text = excerpt(kind.text().unwrap_or_default());
        let fix = "write kind: burnrate, the only one there is";
        kind.lint(
            Lint::Unsupported,
            format!("the condition {text:?} is not known"),
            fix,
        );
        return None;
    }
    let rising = check_op(condition);
    let lookback = required::<Shorthand>(condition, "lookbackWindow");
    let threshold = required::<f64>(condition, "threshold");
    let after = condition.read::<Shorthand>("alertAfter");
    let (lookback, (threshold, place)) = (lookback?.0.span(), threshold?);
    let fraction = fraction(threshold, lookback, period, place)?;
    rising?;
    if !after.is_absent() {
        after.value()?;
    }
    let mark = condition.mark();
    let window = || Field::at(mark, Duration(lookback));
    let labels = || {
        let text = Field::at(mark, targets.join(","));
        Field::at(mark, BTreeMap::from([(TARGETS.to_owned(), text)]))
    };
    Some(Field::at(
        mark,
        Tier {
            severity: severity?,
            budget: Field::at(place.mark(), Fraction(fraction)),
            long: window(),
            short: window(),
            minimum_events: Field::at(mark, 1.0),
            pending: after.map(|after| Duration(after.span())),
            labels: match targets {
                [] => Field::default(),
                _ => labels(),
            },
        },
    ))
}

fn required<'n, T>(condition: Entry<'n>, key: &str) -> Option<(T, Entry<'n>)>
where
    T: for<'de> serde::Deserialize<'de> + Copy,
{
    let Some(entry) = condition.at(key) else {
        let fix = format!("add {key}:");
        condition.error(format!("the condition lacks the key {key:?}"), fix);
        return None;
    };
    let field = entry.value::<T>();
    field.value().map(|value| (*value, entry))
}

/// The part of the budget that is spent when it burns at the threshold for all of the lookback.
fn fraction(threshold: f64, lookback: Span, period: Option<Span>, place: Entry<'_>) -> Option<f64> {
    if threshold <= 0.0 {
        let fix = "write the burn rate that deserves an alert, such as 14.4";
        place.error("a threshold that is not above 0 would always alert", fix);
        return None;
    }
    let period = period?;
    let fraction = threshold * lookback.ratio(period);
    if fraction <= 1.0 {
        return Some(fraction);
    }
    let message = format!(
        "burning {threshold} times as fast as allowed for {lookback} takes more than the whole \
         budget of {period}, so the alert would come too late or never"
    );
    let most = (period.ratio(lookback) * 100.0).floor() / 100.0;
    let fix = format!("write a threshold of at most {most}, or a shorter lookbackWindow");
    place.lint(Lint::Unsupported, message, fix);
    None
}

/// Whether the condition is about burning fast; it is read so whatever it says.
fn check_op(condition: Entry<'_>) -> Option<()> {
    let Some(op) = condition.at("op") else {
        let fix = "add op: gt";
        condition.error("the condition lacks the key \"op\"", fix);
        return None;
    };
    let text = op.text().unwrap_or_default();
    match text {
        "gt" | "gte" => Some(()),
        "lt" | "lte" => {
            let message = format!(
                "op: {text} would alert all the time except while the budget burns fast; \
                 it is read as the opposite"
            );
            let fix = if text == "lt" {
                "write op: gt"
            } else {
                "write op: gte"
            };
            op.lint(Lint::IgnoredKey, message, fix);
            Some(())
        }
        _ => {
            let message = format!("the op {:?} is not known", excerpt(text));
            op.error(message, "write op: gt");
            None
        }
    }
}

/// Who is told: a word that is not known wakes somebody rather than nobody.
fn severity(spec: Entry<'_>) -> Option<Field<Severity>> {
    const PAGE: [&str; 12] = [
        "page",
        "pager",
        "critical",
        "crit",
        "high",
        "urgent",
        "emergency",
        "fatal",
        "sev0",
        "sev1",
        "p0",
        "p1",
    ];
    const TICKET: [&str; 7] = [
        "ticket", "warning", "warn", "medium", "moderate", "sev3", "p3",
    ];
    const INFO: [&str; 9] = [
        "info",
        "informational",
        "information",
        "low",
        "notice",
        "sev4",
        "sev5",
        "p4",
        "p5",
    ];
    let Some(entry) = spec.at("severity") else {
        let fix = "add severity: page, ticket or info";
        spec.error("the alert condition has no severity", fix);
        return None;
    };
    let field = entry.value::<String>();
    let text = field.value()?;
    let is_in = |words: &[&str]| {
        words
            .iter()
            .any(|word| word.eq_ignore_ascii_case(text.trim()))
    };
    let severity = if is_in(&PAGE) {
        Severity::Page
    } else if is_in(&TICKET) {
        Severity::Ticket
    } else if is_in(&INFO) {
        Severity::Info
    } else {
        let message = format!("the severity {:?} is not known, so it pages", excerpt(text));
        let fix = "write page, ticket or info";
        entry.lint(Lint::IgnoredKey, message, fix);
        Severity::Page
    };
    Some(Field::at(entry.mark(), severity))
}
