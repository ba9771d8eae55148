//! What can be had: pages against detection, and what each objective comes to.

use serde::Serialize;

use crate::replay::tune::candidate::fastest_page;
use crate::replay::tune::judge::{Judge, Played, Wish};
use crate::replay::tune::wishes::Burst;

/// Most points of the curve.
const CURVE_MAX: usize = 12;

/// A point of the curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Objective in percent.
    pub objective_percent: f64,
    /// Fraction of the budget that the fastest page tier waits for.
    pub budget_fraction: f64,
    /// Seconds to the page, by the closed form.
    pub detection_seconds: f64,
    /// Pages a week.
    pub pages_per_week: f64,
    /// What else is other than it is at present, a few words each.
    pub changes: Vec<String>,
    /// Whether this is what is proposed.
    pub is_proposed: bool,
}

/// What an objective comes to with the policy that suits it best.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ObjectivePoint {
    /// In percent.
    pub objective_percent: f64,
    /// The part of its budget that history spent at worst.
    pub spent: f64,
    /// Pages a week.
    pub pages_per_week: f64,
    /// Tickets a week.
    pub tickets_per_week: f64,
    /// Seconds to the page, by the closed form; `None` if never.
    pub detection_seconds: Option<f64>,
}

pub(super) fn curve(
    judge: &Judge<'_>,
    all: &[Played],
    best: &Played,
    burst: &Burst,
) -> Vec<CurvePoint> {
    let kept = all.iter().filter(|played| {
        judge.is_met(played, Wish::Kept) || played.candidate.objective == best.candidate.objective
    });
    let mut points: Vec<CurvePoint> = kept
        .filter_map(|played| {
            let policy = &played.candidate.policy;
            let fastest = fastest_page(policy)?;
            Some(CurvePoint {
                objective_percent: played.candidate.objective.percent(),
                budget_fraction: policy.tiers.get(fastest)?.budget_fraction,
                detection_seconds: judge.reckoned(played, burst)?,
                pages_per_week: judge.value(played, Wish::Pages, None),
                changes: played.candidate.changes(judge.slo),
                is_proposed: played.candidate == best.candidate,
            })
        })
        .collect();
    points.sort_by(|a, b| {
        let faster = a.detection_seconds.total_cmp(&b.detection_seconds);
        let quieter = a.pages_per_week.total_cmp(&b.pages_per_week);
        faster.then(quieter).then(b.is_proposed.cmp(&a.is_proposed))
    });
    let mut fewest = f64::INFINITY;
    points.retain(|point| {
        let is_better = point.pages_per_week < fewest;
        fewest = fewest.min(point.pages_per_week);
        is_better || point.is_proposed
    });
    points.truncate(CURVE_MAX);
    points
}

pub(super) fn objectives(
    judge: &Judge<'_>,
    all: &[Played],
    ranked: &[usize],
    burst: &Burst,
) -> Vec<ObjectivePoint> {
    let mut points: Vec<ObjectivePoint> = Vec::new();
    for played in ranked.iter().filter_map(|number| all.get(*number)) {
        let objective_percent = played.candidate.objective.percent();
        if points
            .iter()
            .any(|p| p.objective_percent == objective_percent)
        {
            continue;
        }
        points.push(ObjectivePoint {
            objective_percent,
            spent: judge.value(played, Wish::Kept, None),
            pages_per_week: judge.value(played, Wish::Pages, None),
            tickets_per_week: judge.value(played, Wish::Tickets, None),
            detection_seconds: judge.reckoned(played, burst),
        });
    }
    points.sort_by(|a, b| a.objective_percent.total_cmp(&b.objective_percent));
    points
}
