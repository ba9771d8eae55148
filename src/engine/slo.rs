//! Service level objectives as the engine holds them: only legal ones can be built.
//!
//! A [`Slo`] joins an [`Indicator`] (what is measured), an [`Objective`], a [`Period`] and a
//! policy. It is immutable and shared; everything that changes lives in the engine's state.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::labels::{Labels, Selector};
use super::period::Period;
use super::policy::{Mode, Policy, Severity};
use super::time::{Span, Timestamp};

/// `service/name`: identifies an SLO across files, restarts and configurations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SloId(Arc<str>);

impl SloId {
    /// Joins the two names; the loader guarantees that neither contains a slash.
    pub fn new(service: &str, name: &str) -> Self {
        Self(format!("{service}/{name}").into())
    }

    /// The whole identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SloId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The share of good events that is promised: a ratio strictly between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Objective(f64);

impl Objective {
    /// From percent, as definitions write it (`99.9`).
    ///
    /// # Errors
    ///
    /// When the value is not a number strictly between 0 and 100: at 100, or so close to it that
    /// less than one event in 10^12 may be bad, the budget is empty and every burn rate infinite.
    pub fn from_percent(percent: f64) -> Result<Self, ObjectiveError> {
        let objective = Self(percent / 100.0);
        if percent > 0.0 && objective.budget_ratio() > 0.0 {
            Ok(objective)
        } else {
            Err(ObjectiveError { percent })
        }
    }

    /// The promised ratio of good events, 0..1.
    pub fn ratio(self) -> f64 {
        self.0
    }

    /// In percent.
    pub fn percent(self) -> f64 {
        round_off(self.0 * 100.0)
    }

    /// The ratio of events that may be bad: 1 - objective.
    pub fn budget_ratio(self) -> f64 {
        round_off(1.0 - self.0)
    }
}

/// Removes the binary dust of `1 - 0.999` (0.0010000000000000009): ten significant decimals stay.
fn round_off(value: f64) -> f64 {
    const SCALE: f64 = 1e12;
    (value * SCALE).round() / SCALE
}

/// An objective that leaves no budget or promises nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{percent} is not an objective: it must lie between 0 and 100 percent, both excluded")]
pub struct ObjectiveError {
    percent: f64,
}

/// A weighted selector: the sum of the increases of its series, times the coefficient.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// +1 or -1 in nearly every definition.
    pub coefficient: f64,
    /// The counter series that are summed.
    pub selector: Selector,
}

/// A PromQL text with a place for the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryTemplate {
    /// The text between the places, so `parts.len() - 1` windows are filled in.
    parts: Vec<String>,
}

impl QueryTemplate {
    /// Splits at `$window`, `{{.window}}` and `{{ .window }}`; a text without any of them is
    /// `None`, for it would measure the same window for every tier.
    pub fn new(text: &str) -> Option<Self> {
        let normal = text
            .replace("{{ .window }}", "$window")
            .replace("{{.window}}", "$window");
        let parts: Vec<String> = normal.split("$window").map(str::to_owned).collect();
        (parts.len() > 1).then_some(Self { parts })
    }

    /// The query for one window.
    pub fn render(&self, window: Span) -> String {
        self.parts.join(&window.to_string())
    }
}

/// What is measured, and by which of the evaluation paths.
#[derive(Clone, Debug, PartialEq)]
pub enum Indicator {
    /// Sums of counters: raw samples are read once and differenced here (the exact path).
    Counters {
        /// Bad events.
        bad: Vec<Term>,
        /// All events.
        total: Vec<Term>,
    },
    /// PromQL that does not decompose: asked per window (the direct path).
    Windows(WindowQuery),
    /// Time slices: one event per slice, bad when the condition does not hold.
    Slices {
        /// PromQL that yields 0 (bad) or anything else (good) per instance.
        condition: String,
        /// The length of one slice.
        slice: Span,
        /// Whether the values are shares (0..1) of good events, so that a slice may be partly bad.
        graded: bool,
    },
    /// Made of other SLOs.
    Composite(Composite),
}

/// An indicator made of other SLOs' indicators.
#[derive(Clone, Debug, PartialEq)]
pub struct Composite {
    /// How the parts are combined.
    pub combination: Combination,
    /// What it is made of, at least two.
    pub parts: Vec<Part>,
}

/// How parts make a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combination {
    /// A journey succeeds when every step does: the good ratio is the product of theirs.
    Journey,
    /// The error ratio is the weighted mean of theirs.
    Weighted,
}

/// One part of a composite.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The SLO whose past is read. Its own objective and policy do not matter here.
    pub slo: SloId,
    /// Its weight, above 0; 1 in a journey.
    pub weight: f64,
}

/// The two forms of the direct path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowQuery {
    /// One query for the error ratio (0..1) of a window.
    Ratio {
        /// Error ratio of the window.
        error_ratio: QueryTemplate,
    },
    /// Two queries whose quotient is the error ratio.
    Events {
        /// Bad events (or their rate) of the window.
        bad: QueryTemplate,
        /// All events (or their rate, as `bad`) of the window.
        total: QueryTemplate,
        /// Whether both yield numbers of events, not rates: then minimum events apply.
        counted: bool,
    },
}

impl Indicator {
    /// The name of the evaluation path, as shown to people.
    pub const fn path(&self) -> &'static str {
        match self {
            Self::Counters { .. } => "exact",
            Self::Windows(_) => "direct",
            Self::Slices { .. } => "slices",
            Self::Composite(_) => "composite",
        }
    }
}

/// What the person on call reads; the engine only carries it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// One sentence: what the user loses when this burns.
    pub description: String,
    /// Team or person that answers for it.
    pub owner: Option<String>,
    /// URL: what to do.
    pub runbook: Option<String>,
    /// URL: where to look.
    pub dashboard: Option<String>,
    /// Why this objective.
    pub rationale: Option<String>,
    /// Labels that routing and receivers see.
    pub labels: BTreeMap<String, String>,
    /// Free text for people.
    pub annotations: BTreeMap<String, String>,
    /// What the alerts of a severity bear besides.
    #[serde(default)]
    pub alerts: BTreeMap<Severity, AlertText>,
    /// SLOs whose burning may be the cause of this one's.
    #[serde(default)]
    pub depends_on: Vec<SloId>,
    /// The version of the definition, as its author counts.
    #[serde(default)]
    pub version: Option<String>,
    /// The day (`YYYY-MM-DD`) by which somebody should ask whether the objective still fits.
    #[serde(default)]
    pub review_by: Option<String>,
}

/// What the alerts of one severity bear besides what the SLO has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertText {
    /// The name under which receivers know the alert.
    pub name: Option<String>,
    /// Labels over those of the SLO.
    pub labels: BTreeMap<String, String>,
    /// Annotations over those of the SLO.
    pub annotations: BTreeMap<String, String>,
}

/// How much of an SLO's past is asked for: by its own policy and by composites it is a part of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Windows that are read exactly, shortest first, each once.
    pub windows: Vec<Span>,
    /// How far back the budget looks at most.
    pub period: Span,
    /// Whether a budget may begin at a quarter of an hour, not at a whole one.
    #[serde(default)]
    pub quarters: bool,
}

impl Reach {
    /// What an SLO needs for itself.
    pub fn new(policy: &Policy, period: &Period) -> Self {
        Self {
            windows: policy.windows(),
            period: period.reach(),
            quarters: period.begins_on_quarters(),
        }
    }

    /// What both need.
    #[must_use]
    pub fn join(mut self, other: &Self) -> Self {
        self.windows.extend(&other.windows);
        self.windows.sort_unstable();
        self.windows.dedup();
        self.period = self.period.max(other.period);
        self.quarters |= other.quarters;
        self
    }

    /// The longest window that is read exactly.
    pub fn longest_window(&self) -> Span {
        self.windows.last().copied().unwrap_or(Span::ZERO)
    }
}

/// A service level objective: indicator, objective, period, policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Slo {
    /// Identity.
    pub id: SloId,
    /// The service it speaks for.
    pub service: String,
    /// Its name within the service.
    pub name: String,
    /// The promise.
    pub objective: Objective,
    /// The weaker promise that is in a contract, where there is one.
    pub sla: Option<Objective>,
    /// What the budget is for.
    pub period: Period,
    /// What is measured.
    pub indicator: Indicator,
    /// Labels that split it into instances; empty for one instance.
    pub group_by: Vec<String>,
    /// When to tell whom.
    pub policy: Arc<Policy>,
    /// How much of its past is asked for.
    pub reach: Reach,
    /// For people.
    pub document: Document,
}

impl Slo {
    /// The windows that are shown: those of its policy; of an SLO without tiers, those that
    /// composites read.
    pub fn windows(&self) -> Vec<Span> {
        match self.policy.tiers.is_empty() {
            true => self.reach.windows.clone(),
            false => self.policy.windows(),
        }
    }

    /// A window as long as the calendar period at hand, which is asked for in budget mode: it tells
    /// how many events are usual when the period has hardly begun.
    pub fn usual_window(&self, at: Timestamp) -> Option<Span> {
        let is_needed =
            self.policy.mode == Mode::Budget && matches!(self.period, Period::Calendar(_));
        is_needed.then(|| self.period.length(at))
    }

    /// Whether `other` measures the same thing, so that windows and alerts carry over a reload.
    pub fn measures_the_same(&self, other: &Self) -> bool {
        self.indicator == other.indicator && self.group_by == other.group_by
    }
}

/// One label set of an SLO: what everything is decided for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InstanceId {
    /// The SLO.
    pub slo: SloId,
    /// Values of the `group_by` labels; empty for an ungrouped SLO.
    pub labels: Labels,
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.slo, self.labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_leave_a_budget() {
        let close = 100.0 - 1e-13;
        for percent in [0.0, 100.0, close, -1.0, 101.0, f64::NAN, f64::INFINITY] {
            assert!(Objective::from_percent(percent).is_err(), "{percent}");
        }
        let objective = Objective::from_percent(99.9).unwrap();
        assert_eq!(objective.budget_ratio().to_string(), "0.001");
        assert_eq!(objective.percent().to_string(), "99.9");
    }

    #[test]
    fn templates_fill_every_window() {
        let template = QueryTemplate::new("sum(rate(a[$window])) / sum(rate(b[{{.window}}]))");
        let text = template.unwrap().render(Span::from_mins(90));
        assert_eq!(text, "sum(rate(a[1h30m])) / sum(rate(b[1h30m]))");
        assert_eq!(QueryTemplate::new("rate(a[5m])"), None);
    }
}
