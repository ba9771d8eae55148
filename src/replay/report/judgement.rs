//! How variants do against incidents: precision, recall, detection and reset.

use serde::Serialize;

use super::form;
use crate::engine::{Severity, Span, Timestamp};
pub use crate::replay::judge::Quantiles;

/// Most false alerts, and most missed incidents, that are listed of one severity.
pub const JUDGED_MAX: usize = 500;

/// How the variants of a report do against incidents (SRE workbook, chapter 5).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// What they are judged by, in words: `12 incidents of incidents.csv`.
    pub against: String,
    /// How many incidents there are.
    pub incidents: u64,
    /// What was left out, and why, a sentence each.
    pub notes: Vec<String>,
    /// One for each variant, in their order.
    pub variants: Vec<VariantJudgement>,
}

/// How one variant does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VariantJudgement {
    /// By severity, loudest first.
    pub severities: Vec<SeverityJudgement>,
}

/// How the alerts of one severity do, together with louder ones: who waits for tickets is told by
/// pages, too.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeverityJudgement {
    /// Which alerts: these and louder ones.
    pub severity: Severity,
    /// Alerts that somebody was told of.
    pub alerts: u64,
    /// Significant incidents that some alert told of.
    pub detected: u64,
    /// Significant incidents that none told of.
    pub missed: u64,
    /// Further alerts about an incident that was told of already.
    pub repeats: u64,
    /// Alerts without an incident.
    pub false_alerts: u64,
    /// Of the alerts that told of something new, the share (0..1) that told of a significant
    /// incident; `None` without any.
    pub precision: Option<f64>,
    /// Share (0..1) of the significant incidents that were told of; `None` without incidents.
    pub recall: Option<f64>,
    /// From the start of a significant incident to its alert.
    pub detection: Option<Quantiles>,
    /// From the end of an incident to that of the last alert about it.
    pub reset: Option<Quantiles>,
    /// The rest.
    pub details: JudgementDetails,
}

/// Figures of a judgement that fewer readers ask for.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct JudgementDetails {
    /// Those of the missed incidents during which an alert was up that had told of another one:
    /// nobody was told anew.
    pub masked: u64,
    /// Incidents that were not significant, and told of all the same.
    pub insignificant: u64,
    /// Alerts about incidents for which something quieter would have done.
    pub louder: u64,
    /// Alerts without an incident, per week.
    pub false_per_week: f64,
    /// Recall weighed by what incidents cost; `None` unless that is known.
    pub recall_by_cost: Option<f64>,
    /// Detected incidents whose alert was up at the end.
    pub unreset: u64,
    /// Time of significant incidents during which no alert about them was up.
    #[serde(serialize_with = "form::span")]
    pub unalerted: Span,
    /// Alerts without an incident, oldest first, at most [`JUDGED_MAX`].
    pub false_list: Vec<FalseAlertReport>,
    /// Significant incidents that nobody was told of, oldest first, at most [`JUDGED_MAX`]. Empty
    /// where incidents were put in.
    pub missed_list: Vec<MissedReport>,
    /// Detection by error ratio, where incidents were put in.
    pub ratios: Vec<RatioReport>,
}

/// An alert without an incident.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FalseAlertReport {
    /// `service/name{labels}/page`
    pub key: String,
    /// When somebody was told.
    #[serde(serialize_with = "form::time")]
    pub told_at: Timestamp,
    /// When it ended; `None` if it was up at the end.
    #[serde(serialize_with = "form::time_or_null")]
    pub until: Option<Timestamp>,
}

/// An incident that nobody was told of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MissedReport {
    /// What it was.
    pub title: String,
    /// When it began.
    #[serde(serialize_with = "form::time")]
    pub start: Timestamp,
    /// When it ended; `None` if it is open.
    #[serde(serialize_with = "form::time_or_null")]
    pub end: Option<Timestamp>,
    /// Whether an alert was up that had told of another incident.
    pub masked: bool,
}

/// Detection of incidents with like error ratios.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RatioReport {
    /// Error ratios from this one ...
    pub from: f64,
    /// ... up to this one.
    pub until: f64,
    /// How many incidents there were.
    pub incidents: u64,
    /// Those of which consumed enough of the budget to be significant.
    pub significant: u64,
    /// Those that somebody was told of, significant or not.
    pub detected: u64,
    /// From the start to the alert.
    pub detection: Option<Quantiles>,
    /// From the end to that of the alert.
    pub reset: Option<Quantiles>,
}
