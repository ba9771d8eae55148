//! What definitions would have done: the [`Report`] of a backtest.
//!
//! A report is a plain value. It says what was asked, what of the past could be used, and then,
//! for every instance of every SLO, what each variant of its definition would have done: alerts,
//! curves and figures. Every list is bounded; where something was left out, a count says so.
//!
//! As JSON, times are RFC 3339 in UTC, spans are durations as in definitions (`1h30m`), ratios and
//! fractions lie between 0 and 1 unless their doc says otherwise, and what is not known is `null`.
//! Variants stand side by side: every list named `variants` has the same order and length.

mod alert;
mod curve;
mod figures;
pub(super) mod form;
pub mod html;
mod instance;
mod judgement;
mod log;
mod night;
mod play;
mod record;
mod summary;

use serde::Serialize;

use crate::engine::{Labels, Severity, Span, Timestamp};

pub use alert::{
    AlertKind, AlertReport, AlertTier, GapReport, MESSAGES_MAX, MUTES_MAX, MessageReport,
    MuteReport,
};
pub use curve::{Band, BurnCurve, CurveReport};
pub use figures::{BudgetFigures, Figures, ReceiverFigures, SentFigures, SlotFigures, WorstNight};
pub use judgement::{
    FalseAlertReport, JUDGED_MAX, Judgement, JudgementDetails, MissedReport, Quantiles,
    RatioReport, SeverityJudgement, VariantJudgement,
};
pub use play::{Plan, PlannedVariant, Progress, backtest};
pub use record::Writers;

/// The version of the report's form: rises when a field goes or changes its meaning, not when one
/// is added.
pub const FORM: u32 = 1;
/// Most alerts of one instance and variant that are listed; the figures count all of them.
pub const ALERTS_MAX: usize = 1_000;
/// Most instances of one variant that are listed; the totals count all of them.
pub const INSTANCES_MAX: usize = 2_000;
/// Most alerts of one variant that are listed, whatever their instance.
pub const ALERTS_TOTAL_MAX: usize = 20_000;
/// Most messages of one variant that are listed, whatever their alert.
pub const MESSAGES_TOTAL_MAX: usize = 100_000;
/// Most stretches without a decision that are listed of one instance and variant.
pub const GAPS_MAX: usize = 200;

/// What variants of definitions would have done over a stretch of the past.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// [`FORM`].
    pub form: u32,
    /// What was asked.
    pub asked: Asked,
    /// What of the past could be used.
    pub history: HistoryUsed,
    /// When people sleep.
    pub night: NightHours,
    /// The variants that were played; the first is the definitions as they are.
    pub variants: Vec<Variant>,
    /// Every instance of every SLO that was seen, in the order of service, name and labels; an SLO
    /// of which no instance was seen has an entry without any variant.
    pub slos: Vec<SloReport>,
    /// How many more instances there were; the totals of the variants count them.
    pub slos_omitted: u64,
    /// How the variants do against incidents, where there are some to judge by.
    pub judgement: Option<Judgement>,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Asked {
    /// The stretch begins after this slot.
    #[serde(serialize_with = "form::time")]
    pub from: Timestamp,
    /// Its last slot.
    #[serde(serialize_with = "form::time")]
    pub until: Timestamp,
    /// The time between slots.
    #[serde(serialize_with = "form::span")]
    pub slot: Span,
    /// Its length in weeks of 168 hours.
    pub weeks: f64,
    /// Which SLOs were asked for, as patterns; empty for all.
    pub slos: Vec<String>,
}

/// What of the past could be used.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct HistoryUsed {
    /// Where it came from: a URL without secrets, or the names of files.
    pub source: String,
    /// Stretches for which there were only samples coarser than scraped.
    pub coarse: Vec<CoarseStretch>,
    /// Stretches for which there was nothing although it was asked for.
    pub missing: Vec<MissingStretch>,
    /// What else a reader should know, a sentence each.
    pub notes: Vec<String>,
}

/// Samples were read at a step, not as they were scraped: short bursts may be smoothed or missed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CoarseStretch {
    /// From then.
    #[serde(serialize_with = "form::time")]
    pub from: Timestamp,
    /// Until then.
    #[serde(serialize_with = "form::time")]
    pub until: Timestamp,
    /// The distance of the samples.
    #[serde(serialize_with = "form::span")]
    pub step: Span,
    /// Of what: an SLO, a feed, or empty for everything.
    pub of: String,
}

/// There is no history.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MissingStretch {
    /// From then.
    #[serde(serialize_with = "form::time")]
    pub from: Timestamp,
    /// Until then.
    #[serde(serialize_with = "form::time")]
    pub until: Timestamp,
    /// Of what: an SLO, a feed, or empty for everything.
    pub of: String,
    /// Why, in words.
    pub why: String,
}

/// The hours of the night, from the settings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NightHours {
    /// The zone of the clock, by its IANA name; reports tell times in it.
    pub zone: String,
    /// Minutes of the day that belong to the night, `(start, end)`, the end excluded; 1440 is
    /// midnight. Empty is the whole day.
    pub times: Vec<(u16, u16)>,
    /// Days of the week on which they count, both ends included, 0 is Sunday; empty is every day.
    pub weekdays: Vec<(u8, u8)>,
    /// How many nights the stretch touches: unbroken stretches of night time.
    pub nights: u64,
}

/// A way the definitions might be, played over the same past.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Variant {
    /// What it is called: `as defined`, `policy fast`, `objective 99.95`, or both.
    pub name: String,
    /// The policy that every SLO has in it; `None`: its own.
    pub policy: Option<String>,
    /// The objective in percent that every SLO has in it; `None`: its own.
    pub objective_percent: Option<f64>,
    /// What is wrong, or probably not meant, with SLOs of this variant.
    pub remarks: Vec<Remark>,
    /// All instances together.
    pub total: Figures,
    /// Who is told how much, by name of the receiver.
    pub receivers: Vec<ReceiverFigures>,
    /// Alerts about the source itself, oldest first, at most [`ALERTS_MAX`].
    pub source_alerts: Vec<AlertReport>,
}

/// Something that is wrong, or probably not meant, with an SLO of a variant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Remark {
    /// `service/name`.
    pub slo: String,
    /// The rule, as `slofuse check` names it.
    pub rule: String,
    /// Whether the SLO could not be played in this variant.
    pub refused: bool,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub fix: String,
}

/// One instance of one SLO.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SloReport {
    /// `service/name{labels}`; unique in the report.
    pub id: String,
    /// Service.
    pub service: String,
    /// SLO name.
    pub name: String,
    /// Labels of the instance.
    pub labels: Labels,
    /// What the user loses when this burns.
    pub description: String,
    /// Team or person that answers for it.
    pub owner: Option<String>,
    /// What the budget is for, in words: `30d`, `month (UTC)`.
    pub period: String,
    /// The evaluation path: `exact`, `direct`, `slices` or `composite`.
    pub path: String,
    /// What each variant would have done; `None` where the SLO could not be played in it, or the
    /// instance was not seen.
    pub variants: Vec<Option<InstanceReport>>,
}

/// What one variant would have done with one instance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstanceReport {
    /// Objective in percent.
    pub objective_percent: f64,
    /// Name of the policy.
    pub policy: String,
    /// The tiers of the policy; thresholds of a chart.
    pub tiers: Vec<TierLine>,
    /// The slot in which it was first evaluated.
    #[serde(serialize_with = "form::time")]
    pub seen_from: Timestamp,
    /// Its figures.
    pub figures: Figures,
    /// What became of its budget.
    pub budget: BudgetFigures,
    /// Its alerts, oldest first, those that were up at the start among them.
    pub alerts: Vec<AlertReport>,
    /// How many more there were, those that ended last.
    pub alerts_omitted: u64,
    /// Stretches in which nothing could be decided, oldest first.
    pub gaps: Vec<GapReport>,
    /// How many more there were, the newest ones.
    pub gaps_omitted: u64,
    /// Budget and burn over time.
    pub curve: CurveReport,
}

/// A tier of a policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TierLine {
    /// Whom it reaches.
    pub severity: Severity,
    /// Long window.
    #[serde(serialize_with = "form::span")]
    pub long: Span,
    /// Short window.
    #[serde(serialize_with = "form::span")]
    pub short: Span,
    /// Burn rate above which it fires, by the nominal length of the period.
    pub factor: f64,
    /// Fraction of the budget that spent within `long` fires it.
    pub budget_fraction: f64,
    /// It fires only with at least this many bad events in its long window.
    pub minimum_events: f64,
}

#[cfg(test)]
pub(crate) mod tests;
