//! Shapes that several answers share: times as RFC 3339 in UTC, durations as Prometheus writes
//! them, ratios as numbers. A number that is not finite becomes `null`, as `serde_json` has it.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Serialize, Serializer};

use super::error::ApiError;
use crate::engine::{AlertKey, BudgetFacts, Document, Objective, Span, Timestamp};

/// A time as text: `2026-03-01T12:00:00.000Z`.
#[derive(Clone, Copy)]
pub(super) struct Rfc3339(pub(super) Timestamp);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 9999-12-31T23:59:59.999Z: the notation has no later time.
        const MILLIS_MAX: i64 = 253_402_300_799_999;
        let millis = self.0.as_millis().clamp(0, MILLIS_MAX);
        let time = UNIX_EPOCH + Duration::from_millis(millis.unsigned_abs());
        humantime::format_rfc3339_millis(time).fmt(f)
    }
}

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A time of a request, in RFC 3339; `name` is what it is called there.
pub(super) fn parse_time(name: &str, text: &str) -> Result<Timestamp, ApiError> {
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    let parsed = parsed.map_err(|_error| {
        let text: String = text.chars().take(64).collect();
        let wanted = "a time such as 2026-01-02T03:04:05Z";
        ApiError::bad_request(format!("{name} is {text:?}, not {wanted}"))
    })?;
    Ok(Timestamp::from_millis(parsed.as_millisecond()))
}

/// From when to when a list is asked for: to now, and from `usual` before that, unless the request
/// says otherwise.
pub(super) fn parse_stretch(
    (from, to): (Option<&str>, Option<&str>),
    usual: Span,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), ApiError> {
    let time = |name, text: Option<&str>| text.map(|text| parse_time(name, text)).transpose();
    // What is decided now is part of it.
    let to = time("to", to)?.unwrap_or(now + Span::from_millis(1));
    let from = time("from", from)?.unwrap_or(to - usual);
    match from < to {
        true => Ok((from, to)),
        false => Err(ApiError::bad_request("from must be before to")),
    }
}

/// A duration as text: `1h30m`.
#[derive(Clone, Copy)]
pub(super) struct SpanText(pub(super) Span);

impl Serialize for SpanText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The promised ratio of good events, free of the binary dust of `99.9 / 100`.
pub(super) fn objective(objective: Objective) -> f64 {
    1.0 - objective.budget_ratio()
}

/// The budget of the period.
#[derive(Serialize)]
pub(super) struct BudgetView {
    consumed: f64,
    remaining: f64,
    /// `null` while the budget does not shrink.
    exhausted_in: Option<SpanText>,
    consumed_by_alert: f64,
    coverage: f64,
}

impl From<BudgetFacts> for BudgetView {
    fn from(budget: BudgetFacts) -> Self {
        Self {
            consumed: budget.consumed,
            remaining: budget.remaining,
            exhausted_in: budget.exhausted_in.map(SpanText),
            consumed_by_alert: budget.consumed_by_alert,
            coverage: budget.coverage,
        }
    }
}

/// What the definition says to the person on call.
#[derive(Clone, Copy, Serialize)]
pub(super) struct DocumentView<'a> {
    description: &'a str,
    owner: Option<&'a str>,
    runbook: Option<&'a str>,
    dashboard: Option<&'a str>,
}

impl<'a> From<&'a Document> for DocumentView<'a> {
    fn from(document: &'a Document) -> Self {
        Self {
            description: &document.description,
            owner: document.owner.as_deref(),
            runbook: document.runbook.as_deref(),
            dashboard: document.dashboard.as_deref(),
        }
    }
}

/// What an alert is about, as the API and the metrics call it.
pub(super) const fn kind(key: &AlertKey) -> &'static str {
    match key {
        AlertKey::Burn { .. } => "burn",
        AlertKey::Blind { .. } => "blind",
        AlertKey::SourceDown { .. } => "source_down",
    }
}
