//! How variants do against incidents: precision, recall, detection and reset.

use serde::Serialize;

use super::form;
use crate::engine::{Severity, Span};

/// How the variants of a report do against incidents (SRE workbook, chapter 5).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// What they are judged by, in words: `12 incidents of incidents.csv`.
    pub against: String,
    /// How many incidents there are.
    pub incidents: u64,
    /// One for each variant, in their order.
    pub variants: Vec<VariantJudgement>,
}

/// How one variant does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VariantJudgement {
    /// By severity, loudest first.
    pub severities: Vec<SeverityJudgement>,
}

/// How the alerts of one severity do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeverityJudgement {
    /// Which alerts.
    pub severity: Severity,
    /// Alerts that fired.
    pub alerts: u64,
    /// Incidents that some alert told of.
    pub detected: u64,
    /// Incidents that none told of.
    pub missed: u64,
    /// Further alerts about an incident that was told of already.
    pub repeats: u64,
    /// Alerts without an incident.
    pub false_alerts: u64,
    /// Share (0..1) of the alerts that told of an incident; `None` without alerts.
    pub precision: Option<f64>,
    /// Share (0..1) of the incidents that were told of; `None` without incidents.
    pub recall: Option<f64>,
    /// From the start of an incident to its alert.
    pub detection: Option<Quantiles>,
    /// From the end of an incident to that of its alert.
    pub reset: Option<Quantiles>,
}

/// How long something took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// Half took at most so long.
    #[serde(serialize_with = "form::span")]
    pub p50: Span,
    /// 95 of 100 took at most so long.
    #[serde(serialize_with = "form::span")]
    pub p95: Span,
    /// None took longer.
    #[serde(serialize_with = "form::span")]
    pub max: Span,
}
