//! Definitions as Prometheus rules: engine types in, groups of recording and alerting rules out.
//!
//! Names and labels are Sloth's (`slo:sli_error:ratio_rate5m`, `sloth_id`), for that is what the
//! dashboards of people who have such rules read. What rules cannot say is said in a note: nothing
//! is dropped in silence. Pure: no file, no clock; the same SLOs give the same text.

mod alerts;
mod annotations;
mod composite;
pub mod file;
mod recordings;
mod series;
mod sli;

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::{Indicator, Mode, Period, Policy, Slo, SloId, Span, WindowQuery};

use series::Series;

/// What may be chosen about an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How the error ratio of the period is made.
    pub period: PeriodRatio,
    /// Whether tiers wait for their minimum of bad events, which Sloth's do not.
    pub minimum_events: bool,
}

/// How the error ratio of the period is made, which is too long to read anew at each evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PeriodRatio {
    /// From recorded rates of bad and of all events: each event weighs the same.
    #[default]
    Counts,
    /// As Sloth does, the mean of the recorded ratios: each evaluation weighs the same, however
    /// few events it saw, and one that saw none makes the whole period NaN.
    Mean,
    /// The query of the SLI over the whole period: exact, and reads all of its samples each time.
    Query,
}

/// The rules of one SLO.
#[derive(Clone, Debug, PartialEq)]
pub struct SloRules {
    /// Whose.
    pub slo: SloId,
    /// How Sloth identifies it: `service-name`.
    pub sloth_id: String,
    /// Recordings of the SLI, recordings about the SLO, alerts where it has any.
    pub groups: Vec<Group>,
    /// What the rules do otherwise than slofuse, in sentences without a full stop.
    pub notes: Vec<String>,
}

/// A rule group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Unique within a file.
    pub name: String,
    /// Evaluated one after the other.
    pub rules: Vec<Rule>,
}

/// A recording or an alerting rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What becomes of the result.
    pub purpose: Purpose,
    /// PromQL.
    pub expr: String,
    /// Labels over those of the result.
    pub labels: BTreeMap<String, String>,
    /// Of an alert, for people.
    pub annotations: BTreeMap<String, String>,
}

/// What becomes of a rule's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A series of this name.
    Record(String),
    /// An alert.
    Alert {
        /// Its name.
        name: String,
        /// How long the expression must yield something first.
        pending: Span,
    },
}

/// Two SLOs that Sloth's names cannot tell apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{one} and {other} would both be recorded under the sloth_id {sloth_id:?}: rename one")]
pub struct Clash {
    one: SloId,
    other: SloId,
    sloth_id: String,
}

/// The rules of all SLOs, in their order.
///
/// # Errors
///
/// When two SLOs have the same `service-name`: `a-b` with `c`, and `a` with `b-c`.
pub fn export(slos: &[&Slo], options: Options) -> Result<Vec<SloRules>, Clash> {
    let mut seen: BTreeMap<String, &SloId> = BTreeMap::new();
    for slo in slos {
        let sloth_id = series::sloth_id(slo);
        if let Some(other) = seen.insert(sloth_id.clone(), &slo.id) {
            let (one, other) = (other.clone(), slo.id.clone());
            return Err(Clash {
                one,
                other,
                sloth_id,
            });
        }
    }
    let reaches = reaches(slos);
    let by_id: BTreeMap<&SloId, &Slo> = slos.iter().map(|slo| (&slo.id, *slo)).collect();
    let rules = slos.iter().filter_map(|slo| {
        let plan = Plan {
            slo,
            series: Series::new(slo),
            reach: reaches.get(&slo.id)?,
            all: &by_id,
            options,
        };
        Some(plan.rules())
    });
    let mut rules: Vec<SloRules> = rules.collect();
    alerts::tell_apart(&mut rules);
    Ok(rules)
}

/// The longest window whose ratio stands for the present, so that a dashboard has one.
const PRESENT_MAX: Span = Span::from_mins(5);

/// The windows an SLO is recorded over: its own, and those of the composites it is a part of.
#[derive(Default)]
struct Reach {
    /// Read by tiers, and the one that stands for the present; never empty.
    windows: BTreeSet<Span>,
    /// Budgets are for them.
    periods: BTreeSet<Span>,
}

fn reaches(slos: &[&Slo]) -> BTreeMap<SloId, Reach> {
    let mut reaches: BTreeMap<SloId, Reach> = BTreeMap::new();
    for slo in slos {
        let period = slo.period.nominal();
        let reach = Reach {
            windows: own_windows(slo, period),
            periods: BTreeSet::from([period]),
        };
        reaches.insert(slo.id.clone(), reach);
    }
    // A part of a part is reached after as many rounds as composites nest.
    for _ in slos {
        let mut grew = false;
        for slo in slos {
            let Indicator::Composite(composite) = &slo.indicator else {
                continue;
            };
            let Some(Reach { windows, periods }) = reaches.get(&slo.id) else {
                continue;
            };
            let (windows, periods) = (windows.clone(), periods.clone());
            for part in &composite.parts {
                if let Some(reach) = reaches.get_mut(&part.slo) {
                    let before = reach.windows.len() + reach.periods.len();
                    reach.windows.extend(&windows);
                    reach.periods.extend(&periods);
                    grew |= reach.windows.len() + reach.periods.len() > before;
                }
            }
        }
        if !grew {
            break;
        }
    }
    reaches
}

/// The windows of the tiers, and one that stands for the present.
///
/// Where a definition switches the pages or the tickets off, or its policy has none, dashboards
/// still expect the windows that Sloth records for them.
fn own_windows(slo: &Slo, period: Span) -> BTreeSet<Span> {
    let written = || slo.policy.tiers.iter().chain(&slo.policy.switched_off);
    let mut windows: BTreeSet<Span> = written().flat_map(|tier| [tier.short, tier.long]).collect();
    let usual = Policy::sre_workbook();
    let tiers = usual.tiers.iter().filter(|usual| {
        usual.long < period && !written().any(|tier| tier.severity == usual.severity)
    });
    if slo.policy.name != Policy::silent().name {
        windows.extend(tiers.flat_map(|tier| [tier.short, tier.long]));
    }
    let shortest = windows.first().copied().unwrap_or(PRESENT_MAX);
    windows.insert(shortest.min(PRESENT_MAX));
    windows
}

/// An SLO on its way to rules.
struct Plan<'a> {
    slo: &'a Slo,
    series: Series,
    reach: &'a Reach,
    all: &'a BTreeMap<&'a SloId, &'a Slo>,
    options: Options,
}

impl Plan<'_> {
    fn rules(&self) -> SloRules {
        let groups = [
            ("sli-recordings", self.sli_recordings()),
            ("meta-recordings", self.meta_recordings()),
            ("alerts", self.alerts()),
        ];
        let has_parts = match &self.slo.indicator {
            Indicator::Composite(composite) => composite
                .parts
                .iter()
                .any(|part| self.all.contains_key(&part.slo)),
            _ => true,
        };
        let groups = groups
            .into_iter()
            .filter(|(_, rules)| has_parts && !rules.is_empty());
        SloRules {
            slo: self.slo.id.clone(),
            sloth_id: self.series.sloth_id.clone(),
            groups: groups
                .map(|(kind, rules)| Group {
                    name: format!("sloth-slo-{kind}-{}", self.series.sloth_id),
                    rules,
                })
                .collect(),
            notes: self.notes(),
        }
    }

    /// The shortest window: its ratio stands for the present.
    fn present(&self) -> Span {
        self.reach.windows.first().copied().unwrap_or(PRESENT_MAX)
    }

    fn notes(&self) -> Vec<String> {
        let slo = self.slo;
        let mut notes = Vec::new();
        let nominal = slo.period.nominal();
        match &slo.period {
            Period::Rolling(_) => {}
            Period::Calendar(_) | Period::Events(_) => notes.push(format!(
                "rules know no period of {}: they use the last {nominal}",
                slo.period
            )),
        }
        let weighs_alike = matches!(slo.indicator, Indicator::Windows(WindowQuery::Ratio { .. }));
        if weighs_alike && self.options.period == PeriodRatio::Counts {
            notes.push(
                "the SLI has no counts of events, so the ratio of the period is the mean of \
                 recorded ratios, in which quiet times weigh as much as busy ones"
                    .to_owned(),
            );
        }
        if slo.policy.mode == Mode::Budget && !slo.policy.tiers.is_empty() {
            notes.push(
                "its policy weighs bad events against the budget of the period; the alerts of \
                 rules weigh them against the events of the same window"
                    .to_owned(),
            );
        }
        if self.options.minimum_events && !self.knows_bad_events() && !slo.policy.tiers.is_empty() {
            notes.push(
                "the SLI has no counts of events, so no alert waits for a minimum".to_owned(),
            );
        }
        let own = self.series.labels();
        for name in series::OWN_LABELS {
            let label = slo.document.labels.get(name);
            if label.is_some_and(|label| own.get(name) != Some(label)) {
                notes.push(format!(
                    "its own label {name} is left out: rules find series by it"
                ));
            }
        }
        notes.extend(self.text_notes());
        notes.extend(self.composite_notes());
        notes
    }
}

#[cfg(test)]
mod tests;
