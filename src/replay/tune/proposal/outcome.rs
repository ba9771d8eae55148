//! What came of each wish, and what it would have to be for the others to be met.

use serde::Serialize;

use crate::engine::{Severity, Span};
use crate::message::figures;
use crate::replay::tune::judge::{Judge, Played, Wish};
use crate::replay::tune::wishes::Burst;

/// What a wish is about.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WishKind {
    /// The part of the budget that history spent at worst.
    BudgetSpent,
    /// Pages a week.
    PagesPerWeek,
    /// Pages a week at night.
    NightPagesPerWeek,
    /// Tickets a week.
    TicketsPerWeek,
    /// Seconds until a burst of this error ratio pages.
    Burst(f64),
}

/// A wish, and what came of it; `null` is a burst that never pages.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WishOutcome {
    /// What it is about.
    pub kind: WishKind,
    /// At most so much.
    pub wished: f64,
    /// What it is at present.
    pub present: Option<f64>,
    /// What it is as proposed.
    pub proposed: Option<f64>,
    /// Whether that is what was wished.
    pub is_met: bool,
    /// The least of all candidates that meet every other wish: what this one would have to be for
    /// all to be met. `None` if no candidate meets the others, or none of those ever pages.
    pub nearest: Option<f64>,
    /// Whether that is by the closed form, and was not measured.
    pub nearest_is_reckoned: bool,
    /// Where it is not met: why, as far as that is known.
    pub why: Option<String>,
}

pub(super) fn outcome(
    judge: &Judge<'_>,
    all: &[Played],
    (present, best): (&Played, &Played),
    wish: Wish,
) -> WishOutcome {
    let known = |value: f64| Some(value).filter(|value| value.is_finite());
    let is_met = judge.is_met(best, wish);
    let others: Vec<Wish> = judge.wishes().into_iter().filter(|w| *w != wish).collect();
    let fits = |played: &&Played| others.iter().all(|other| judge.is_met(played, *other));
    let fitting: Vec<&Played> = all.iter().filter(fits).collect();
    let value = |played: &Played| judge.value(played, wish, None);
    let nearest = fitting.iter().min_by(|a, b| value(a).total_cmp(&value(b)));
    let burst = match wish {
        Wish::Burst(number) => judge.wishes.bursts.get(number),
        Wish::Kept | Wish::Pages | Wish::NightPages | Wish::Tickets => None,
    };
    let is_reckoned = |played: &&&Played| burst.is_some() && !played.has_tried();
    WishOutcome {
        kind: match wish {
            Wish::Kept => WishKind::BudgetSpent,
            Wish::Pages => WishKind::PagesPerWeek,
            Wish::NightPages => WishKind::NightPagesPerWeek,
            Wish::Tickets => WishKind::TicketsPerWeek,
            Wish::Burst(_) => WishKind::Burst(burst.map_or(0.0, |burst| burst.error_ratio)),
        },
        wished: judge.limit(wish),
        present: known(value(present)),
        proposed: known(value(best)),
        is_met,
        nearest: nearest.and_then(|played| known(value(played))),
        nearest_is_reckoned: nearest.as_ref().is_some_and(is_reckoned),
        why: match is_met {
            true => None,
            false => why(judge, all, wish, burst),
        },
    }
}

/// What is in the way of a wish, whatever the others are.
fn why(judge: &Judge<'_>, all: &[Played], wish: Wish, burst: Option<&Burst>) -> Option<String> {
    if all.iter().any(|played| judge.is_met(played, wish)) {
        return None;
    }
    let Some(burst) = burst else {
        return match wish {
            Wish::Kept => Some(
                "history spent more than that of the budget of every objective that is allowed"
                    .to_owned(),
            ),
            _ => None,
        };
    };
    let quiet = judge.past.events_per_hour[0];
    let candidates = all.iter().flat_map(|played| &played.candidate.policy.tiers);
    let pages = candidates.filter(|tier| tier.severity == Severity::Page);
    // Bad events that a window gets of the burst, and how many it needs.
    let reached = |long: Span| burst.error_ratio * quiet * long.min(burst.within).ratio(HOUR);
    let starved = |needed: f64, long: Span| reached(long) < needed;
    let mut tiers = pages.clone();
    let least = pages.clone().map(|tier| tier.minimum_events);
    let least = least.fold(f64::INFINITY, f64::min);
    tiers
        .all(|tier| starved(tier.minimum_events, tier.long))
        .then(|| {
            format!(
                "too little traffic: in an hour as quiet as one in ten there are {} events, so {} \
                 bring {} bad ones within {}, and page tiers fire from {} on",
                figures::count(quiet),
                figures::percent(burst.error_ratio),
                few(reached(burst.within)),
                figures::span(burst.within),
                figures::count(least)
            )
        })
}

/// A small number that is no count.
fn few(value: f64) -> String {
    match value {
        value if value >= 10.0 => figures::count(value.round()),
        value => format!("{value:.1}"),
    }
}

const HOUR: Span = Span::from_hours(1);
