//! What is proposed and why, from everything that was played.

mod curve;
mod outcome;
mod reasons;

use std::sync::Arc;

use serde::Serialize;

use super::TuneError;
use super::burst::Seen;
use super::candidate::Candidate;
use super::judge::{Judge, Played};
use super::past::Past;
use super::search::{PASSES_MAX, Search};
use super::warnings::warnings;
use super::wishes::Burst;
use crate::engine::{Mode, Slo, Span};
use crate::replay::report::{
    self, BudgetFigures, Figures, Plan, PlannedVariant, Progress, TierLine,
};

pub use curve::{CurvePoint, ObjectivePoint};
pub use outcome::{WishKind, WishOutcome};

/// Without a wished burst, curves are drawn for this one: a tenth of requests fails.
const USUAL_BURST: Burst = Burst {
    error_ratio: 0.1,
    within: Span::from_mins(10),
};

/// What is proposed.
#[derive(Clone, Debug, Serialize)]
pub struct Proposal {
    /// `service/name`.
    pub slo: String,
    /// What the past says.
    pub past: Past,
    /// Reasons to doubt, a sentence each.
    pub warnings: Vec<String>,
    /// Every wish, the unspoken one first: that history keeps the objective.
    pub wishes: Vec<WishOutcome>,
    /// Whether all of them are met by what is proposed.
    pub is_met: bool,
    /// Whether anything is proposed that is other than it is.
    pub is_change: bool,
    /// The definition as it is.
    pub present: Standing,
    /// The definition that is proposed.
    pub proposed: Standing,
    /// Why, a sentence each.
    pub reasons: Vec<String>,
    /// The burst that the curves are drawn for: its share of failing requests.
    pub curve_error_ratio: f64,
    /// Pages against detection, of what cannot be had better in both: fastest first.
    pub curve: Vec<CurvePoint>,
    /// What each objective would come to at best, weakest first.
    pub objectives: Vec<ObjectivePoint>,
    /// How it would have done in weeks it was not chosen by; `None` for less than two weeks.
    pub confidence: Option<Confidence>,
    /// How many candidates were played.
    pub candidates: u64,
    /// How many times the past was played.
    pub passes: u64,
    /// The objective and policy that are proposed, as the engine takes them.
    #[serde(skip)]
    pub chosen: Candidate,
}

/// One definition, and what it would have done.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// Objective in percent.
    pub objective_percent: f64,
    /// By what burns are measured.
    pub mode: Mode,
    /// How long alerts keep firing, in seconds.
    pub hold_seconds: f64,
    /// A firing tier stops burning below this part (0..=1) of its factor.
    pub recover: f64,
    /// The tiers.
    pub tiers: Vec<TierLine>,
    /// As `slofuse backtest` has them.
    pub figures: Figures,
    /// Of the first instance.
    pub budget: Option<BudgetFigures>,
    /// How the wished bursts were seen.
    pub bursts: Vec<BurstFigures>,
}

/// How one burst was seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BurstFigures {
    /// The share of requests that fail.
    pub error_ratio: f64,
    /// Seconds within which it should page.
    pub within_seconds: f64,
    /// Seconds by the closed form, in an hour as quiet as one in ten; `None` if it never pages.
    pub reckoned_seconds: Option<f64>,
    /// As measured, where it was put into the past.
    pub seen: Option<Seen>,
}

/// Each week judged by what the other weeks propose.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Confidence {
    /// How many whole weeks.
    pub weeks: u64,
    /// In how many of them the same definition is proposed by the others.
    pub same: u64,
    /// Pages a week of what the others propose.
    pub pages_per_week: f64,
    /// Pages of the worst of these weeks.
    pub worst_week: u64,
}

/// Puts the proposal together; plays the past twice more, as `slofuse backtest` does.
pub(super) fn propose(mut search: Search<'_>, past: Past) -> Result<Proposal, TuneError> {
    let (slo, wishes, plan) = (search.slo.clone(), search.wishes, search.plan);
    let judge = Judge {
        slo: &slo,
        wishes,
        past: &past,
        reading: &plan.options.reading,
    };
    let all = std::mem::take(&mut search.played);
    let ranked = judge.ranked(&all, None);
    // What is proposed has seen the bursts, if any could be put in.
    let mut best = ranked.iter().filter_map(|number| all.get(*number));
    let has_tried = all.iter().any(Played::has_tried);
    let best = best.find(|played| !has_tried || played.has_tried());
    let (Some(present), Some(best)) = (all.first(), best) else {
        return Err(TuneError::Refused("nothing could be played".to_owned()));
    };
    let [before, after] = standings(&mut search, &judge, [present, best])?;
    let outcomes: Vec<WishOutcome> = judge
        .wishes()
        .into_iter()
        .map(|wish| outcome::outcome(&judge, &all, (present, best), wish))
        .collect();
    let burst = wishes.bursts.first().copied().unwrap_or(USUAL_BURST);
    Ok(Proposal {
        slo: slo.id.to_string(),
        warnings: warnings(&slo, &past, plan),
        is_met: outcomes.iter().all(|outcome| outcome.is_met),
        is_change: best.candidate != present.candidate,
        present: before,
        proposed: after,
        reasons: reasons::reasons(&judge, present, best),
        curve_error_ratio: burst.error_ratio,
        curve: curve::curve(&judge, &all, best, &burst),
        objectives: curve::objectives(&judge, &all, &ranked, &burst),
        confidence: confidence(&judge, &all, best),
        candidates: all.len() as u64,
        passes: search.passes as u64,
        chosen: best.candidate.clone(),
        wishes: outcomes,
        past: past.clone(),
    })
}

/// Both definitions, as a backtest reports on them.
fn standings(
    search: &mut Search<'_>,
    judge: &Judge<'_>,
    both: [&Played; 2],
) -> Result<[Standing; 2], TuneError> {
    let (slo, plan) = (search.slo.clone(), search.plan);
    let variant = |played: &Played| {
        let candidate = &played.candidate;
        let own = Slo {
            name: slo.name.clone(),
            ..(*candidate.slo(&slo, slo.id.clone())).clone()
        };
        PlannedVariant {
            name: "the report".to_owned(),
            slos: vec![Arc::new(own)],
            ..PlannedVariant::default()
        }
    };
    let plan = Plan {
        variants: both.map(variant).to_vec(),
        unquieted: false,
        ..plan.clone()
    };
    // What is left of the progress, however many passes there were.
    let (done, left) = (PASSES_MAX - 2, 2.0);
    search.passes += 2;
    let progress = &mut *search.progress;
    let report = report::backtest(&plan, search.reel, &mut |told| {
        let share = (done as f64 + left * told.share) / PASSES_MAX as f64;
        progress(&Progress { share, ..*told });
    })?;
    let standing = |number: usize, played: &Played| {
        let rows = report.slos.iter();
        let mut rows = rows.filter_map(|row| row.variants.get(number)?.as_ref());
        let first = rows.next();
        let total = report.variants.get(number).map(|of| of.total.clone());
        let bursts = judge.wishes.bursts.iter().enumerate();
        Standing {
            objective_percent: played.candidate.objective.percent(),
            mode: played.candidate.policy.mode,
            hold_seconds: played.candidate.policy.hold.as_secs_f64(),
            recover: played.candidate.policy.recover,
            tiers: first.map(|row| row.tiers.clone()).unwrap_or_default(),
            figures: total.unwrap_or_default(),
            budget: first.map(|row| row.budget.clone()),
            bursts: bursts
                .map(|(number, burst)| BurstFigures {
                    error_ratio: burst.error_ratio,
                    within_seconds: burst.within.as_secs_f64(),
                    reckoned_seconds: judge.reckoned(played, burst),
                    seen: played
                        .seen
                        .as_ref()
                        .and_then(|seen| seen.get(number).cloned()),
                })
                .collect(),
        }
    };
    let [present, best] = both;
    Ok([standing(0, present), standing(1, best)])
}

fn confidence(judge: &Judge<'_>, all: &[Played], best: &Played) -> Option<Confidence> {
    let weeks = judge.past.weeks as i64;
    if weeks < 2 {
        return None;
    }
    let (mut same, mut pages, mut worst_week) = (0, 0, 0);
    for week in 0..weeks {
        let ranked = judge.ranked(all, Some(week));
        let chosen = ranked.first().and_then(|number| all.get(*number))?;
        let fired = chosen.fired.pages.get(&week).copied().unwrap_or_default();
        same += u64::from(chosen.candidate == best.candidate);
        pages += fired;
        worst_week = worst_week.max(fired);
    }
    Some(Confidence {
        weeks: weeks.unsigned_abs(),
        same,
        pages_per_week: pages as f64 / weeks as f64,
        worst_week,
    })
}
