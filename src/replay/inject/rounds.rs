//! Policies judged by incidents that were put into the past, round by round.
//!
//! Between two incidents there has to be a lull as long as the longest window, so a month holds
//! few of them. The past is therefore played several times, each time with other incidents; what
//! came of all rounds is judged together, as if they had followed each other.

use std::sync::Arc;

use super::plan::{Injection, Plan, PlanWish};
use super::reel::InjectedReel;
use crate::engine::{Slo, SloId, Span, Timestamp};
use crate::replay::judge::{
    Alert, Event, Judgement, Quantiles, Subject, Terms, VerdictKind, alerts, judge,
};
use crate::replay::reel::{Reel, ReelError};
use crate::replay::{Journal, Player, Script};

/// Bounds of the classes of error ratios that detection is told by: half a decade each.
pub const RATIO_CLASSES: [f64; 7] = [0.001, 0.003_162, 0.01, 0.031_62, 0.1, 0.316_2, 1.0];
/// However few incidents fit into a round, there are no more rounds.
const ROUNDS_MAX: u64 = 100;
/// Windows, and a little for holds and late scrapes.
const LULL_MARGIN: Span = Span::from_hours(1);

/// What to put in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wish {
    /// The same seed gives the same incidents.
    pub seed: u64,
    /// At least so many incidents, if the past is long enough for any.
    pub incidents: u64,
    /// An incident that consumes at least this fraction of the budget is significant.
    pub significant: f64,
    /// As in [`Terms`].
    pub grace: Span,
}

/// How the variants of one SLO do.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Which.
    pub slo: SloId,
    /// How often the past was played.
    pub rounds: u64,
    /// What was put in, round by round.
    pub injections: Vec<Injection>,
    /// How many of them were left out, because an alert was up about what really happened.
    pub confounded: Vec<u64>,
    /// One for each variant: by severity as asked for, loudest first.
    pub variants: Vec<Vec<(Judgement, Vec<RatioClass>)>>,
}

/// Detection of the incidents of like error ratios.
#[derive(Clone, Debug, PartialEq)]
pub struct RatioClass {
    /// Error ratios from this one ...
    pub from: f64,
    /// ... up to this one, the last class including it.
    pub until: f64,
    /// How many incidents there were.
    pub incidents: u64,
    /// Those of which were significant.
    pub significant: u64,
    /// Those that somebody was told of, significant or not.
    pub detected: u64,
    /// From the start to the alert.
    pub detection: Option<Quantiles>,
    /// From the end to that of the alert.
    pub reset: Option<Quantiles>,
}

/// Plays `(from, until]` of a recording with incidents put into one SLO, under every variant of
/// it, and judges the alerts. Of each script only this SLO is played. The recording is asked from
/// its start again for every round and variant.
///
/// # Errors
///
/// The recording cannot be read, or the SLO is no sum of counters.
pub fn measure(
    variants: &[Script],
    slo: &SloId,
    reel: &mut dyn Reel,
    (from, until): (Timestamp, Timestamp),
    wish: &Wish,
) -> Result<Measured, ReelError> {
    let mut alone = Vec::new();
    for script in variants {
        let mut slos = script.slos.iter();
        let found = slos.find(|candidate| candidate.id == *slo);
        let found = found.ok_or_else(|| ReelError::because(format!("there is no SLO {slo}")))?;
        let slos = vec![found.clone()];
        alone.push((found.clone(), Script { slos, ..script.clone() }));
    }
    let longest = alone.iter().map(|(slo, _)| slo.policy.longest_window()).max();
    let lull = longest.unwrap_or_default() + LULL_MARGIN;
    let plans = plans(wish, from, until, lull);
    let mut measured = Measured {
        slo: slo.clone(),
        rounds: plans.len() as u64,
        injections: plans.iter().flat_map(Plan::injections).copied().collect(),
        confounded: Vec::new(),
        variants: Vec::new(),
    };
    let stretch = Stretch { from, until, lull };
    for (slo, script) in &alone {
        let natural = play(script, reel, &stretch)?;
        let mut trial = Trial::default();
        for (round, plan) in (0_i64..).zip(&plans) {
            trial.hold(round, plan, (slo, script), reel, &stretch, &natural, wish)?;
        }
        measured.confounded.push(trial.confounded);
        measured.variants.push(trial.judge(slo, &stretch, plans.len(), wish));
    }
    Ok(measured)
}

/// As many plans as it takes to have enough incidents.
fn plans(wish: &Wish, from: Timestamp, until: Timestamp, lull: Span) -> Vec<Plan> {
    let mut plans = Vec::new();
    let mut incidents = 0;
    for round in 0..ROUNDS_MAX {
        let plan = Plan::seeded(&PlanWish {
            seed: wish.seed.wrapping_add(round),
            from,
            until,
            lull,
        });
        incidents += plan.injections().len() as u64;
        if !plan.injections().is_empty() {
            plans.push(plan);
        }
        if incidents >= wish.incidents {
            break;
        }
    }
    plans
}

/// The time that is played, and how far apart rounds are laid.
struct Stretch {
    from: Timestamp,
    until: Timestamp,
    lull: Span,
}

impl Stretch {
    fn stride(&self) -> Span {
        self.until.since(self.from) + self.lull
    }
}

fn play(
    script: &Script,
    reel: &mut dyn Reel,
    stretch: &Stretch,
) -> Result<Vec<Alert>, ReelError> {
    let mut player = Player::begin(script, reel, stretch.from)?;
    let mut journal = Journal::default();
    player.play(reel, stretch.until, &mut journal)?;
    Ok(alerts(&journal))
}

/// What the rounds of one variant came to, laid one after another.
#[derive(Default)]
struct Trial {
    events: Vec<Event>,
    ratios: Vec<f64>,
    alerts: Vec<Alert>,
    confounded: u64,
}

impl Trial {
    #[expect(clippy::too_many_arguments, reason = "a round is all of these")]
    fn hold(
        &mut self,
        round: i64,
        plan: &Plan,
        (slo, script): (&Arc<Slo>, &Script),
        reel: &mut dyn Reel,
        stretch: &Stretch,
        natural: &[Alert],
        wish: &Wish,
    ) -> Result<(), ReelError> {
        let reading = &script.options.reading;
        let mut injected = InjectedReel::new(reel, slo, plan.clone(), reading)?;
        let fired = play(script, &mut injected, stretch)?;
        let tally = injected.tally();
        let shift = stretch.stride().times(round);
        let overlaps = |alert: &Alert, from: Timestamp, until: Timestamp| {
            alert.told_at <= until && alert.until.is_none_or(|end| end >= from)
        };
        let mut kept = Vec::new();
        for (injection, bad) in plan.injections().iter().zip(&tally.bad) {
            let (start, end) = (injection.start, injection.end);
            let around = (start - wish.grace, end + wish.grace);
            if natural.iter().any(|alert| overlaps(alert, around.0, around.1)) {
                self.confounded += 1;
                continue;
            }
            let budget = slo.objective.budget_ratio() * tally.events_in(slo.period.length(start));
            let cost = if budget > 0.0 { bad / budget } else { 0.0 };
            kept.push(around);
            self.ratios.push(injection.error_ratio);
            self.events.push(Event {
                start: start + shift,
                end: Some(end + shift),
                subject: Subject {
                    slo: Some(slo.id.as_str().to_owned()),
                    ..Subject::default()
                },
                severity: None,
                significant: cost >= wish.significant,
                cost: Some(cost),
                title: format!("{} of requests fail", percent(injection.error_ratio)),
            });
        }
        for alert in fired {
            let really = natural.iter().any(|natural| {
                let until = natural.until.unwrap_or(stretch.until);
                natural.key == alert.key && overlaps(&alert, natural.told_at, until)
            });
            let ours = kept.iter().any(|(from, until)| overlaps(&alert, *from, *until));
            if ours || !really {
                let until = alert.until.unwrap_or(stretch.until);
                self.alerts.push(Alert {
                    told_at: alert.told_at + shift,
                    until: Some(until + shift),
                    ..alert
                });
            }
        }
        Ok(())
    }

    fn judge(
        &self,
        slo: &Slo,
        stretch: &Stretch,
        rounds: usize,
        wish: &Wish,
    ) -> Vec<(Judgement, Vec<RatioClass>)> {
        use crate::engine::Severity::{Page, Ticket};
        let has = |severity| slo.policy.tiers.iter().any(|tier| tier.severity == severity);
        let severities = [Page, Ticket].into_iter().filter(|severity| has(*severity));
        let length = stretch.stride().times(i64::try_from(rounds).unwrap_or(i64::MAX));
        let of = |severity| {
            let terms = Terms {
                from: stretch.from,
                until: stretch.from + length,
                severity,
                grace: wish.grace,
            };
            let judgement = judge(&self.events, &self.alerts, &terms);
            let classes = self.classes(&judgement);
            (judgement, classes)
        };
        severities.map(of).collect()
    }

    fn classes(&self, judgement: &Judgement) -> Vec<RatioClass> {
        let bounds = RATIO_CLASSES.windows(2).enumerate();
        let class = |(at, bounds): (usize, &[f64])| {
            let (from, until) = (bounds.first().copied()?, bounds.last().copied()?);
            let is_last = at + 2 == RATIO_CLASSES.len();
            let verdicts = judgement.verdicts.iter().filter(|verdict| {
                let ratio = self.ratios.get(verdict.event).copied().unwrap_or_default();
                (from <= ratio && ratio < until) || (is_last && ratio >= until)
            });
            let significant = |event: usize| self.events.get(event).is_some_and(|e| e.significant);
            let verdicts: Vec<_> = verdicts.collect();
            let count = |fits: &dyn Fn(usize, VerdictKind) -> bool| {
                let all = verdicts.iter();
                all.filter(|v| fits(v.event, v.kind)).count() as u64
            };
            Some(RatioClass {
                from,
                until,
                incidents: verdicts.len() as u64,
                significant: count(&|event, _| significant(event)),
                detected: count(&|_, kind| kind == VerdictKind::Detected),
                detection: Quantiles::of(verdicts.iter().filter_map(|v| v.detection).collect()),
                reset: Quantiles::of(verdicts.iter().filter_map(|v| v.reset).collect()),
            })
        };
        bounds.filter_map(class).collect()
    }
}

/// With three digits that count: `0.1%`, `12.5%`.
fn percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    let decimals = match percent {
        p if p >= 100.0 => 0,
        p if p >= 10.0 => 1,
        p if p >= 1.0 => 2,
        _ => 3,
    };
    format!("{percent:.decimals$}%")
}
