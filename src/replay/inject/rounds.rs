//! Policies judged by incidents that were put into the past, round by round.
//!
//! Between two incidents there has to be a lull as long as the longest window, so a month holds
//! few of them. The past is therefore played several times, each time with other incidents; what
//! came of all rounds is judged together, as if they had followed each other.

use std::sync::Arc;

use super::plan::{Plan, PlanWish};
use super::reel::{self, InjectedReel};
use crate::engine::{Slo, SloId, Span, Timestamp};
use crate::replay::judge::{
    Alert, Event, Judgement, Quantiles, Subject, Terms, VerdictKind, alerts, judge,
};
use crate::replay::reel::{Reel, ReelError};
use crate::replay::{ENTRIES_MAX, Journal, Player, Script};

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
    /// At least so many incidents in each SLO, if the past is long enough for any.
    pub incidents: u64,
    /// An incident that consumes at least this fraction of the budget is significant.
    pub significant: f64,
    /// As in [`Terms`].
    pub grace: Span,
}

/// How variants do.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// How many incidents were put in.
    pub incidents: u64,
    /// SLOs into which nothing could be put, and why.
    pub refused: Vec<(SloId, String)>,
    /// One for each variant.
    pub variants: Vec<VariantMeasured>,
}

/// How one variant does.
#[derive(Clone, Debug, PartialEq)]
pub struct VariantMeasured {
    /// How many of the incidents were left out, because an alert was up about what really
    /// happened.
    pub confounded: u64,
    /// What the rest were, by the numbers of the verdicts; rounds are laid one after another.
    pub events: Vec<Event>,
    /// By severity, loudest first, for the severities that its tiers have.
    pub severities: Vec<(Judgement, Vec<RatioClass>)>,
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

/// Plays `(from, until]` of a recording with incidents put into each of these SLOs in turn, under
/// every variant, and judges the alerts. Only the SLO at hand is played. The recording is asked
/// from its start again for every round. `progress` hears the share (0..=1) that is done.
///
/// # Errors
///
/// The recording cannot be read.
pub fn measure(
    variants: &[Script],
    slos: &[SloId],
    reel: &mut dyn Reel,
    (from, until): (Timestamp, Timestamp),
    wish: &Wish,
    progress: &mut dyn FnMut(f64),
) -> Result<Measured, ReelError> {
    let lull = lull(variants, slos);
    let plans = plans(wish, from, until, lull);
    let stretch = Stretch { from, until, lull };
    let mut measured = Measured {
        incidents: 0,
        refused: Vec::new(),
        variants: Vec::new(),
    };
    let mut trials: Vec<Trial> = variants.iter().map(|_| Trial::default()).collect();
    let fit: u64 = plans
        .iter()
        .map(|plan| plan.injections().len() as u64)
        .sum();
    for (number, id) in slos.iter().enumerate() {
        let alone: Vec<_> = variants
            .iter()
            .filter_map(|script| alone(script, id))
            .collect();
        if let Some(why) = refusal(&alone, variants.len(), fit, lull) {
            measured.refused.push((id.clone(), why));
            continue;
        }
        measured.incidents += fit;
        for (at, ((slo, script), trial)) in alone.iter().zip(&mut trials).enumerate() {
            let natural = play(script, reel, &stretch)?;
            for (round, plan) in (0_i64..).zip(&plans) {
                trial.hold(round, plan, (slo, script), reel, &stretch, &natural, wish)?;
            }
            let done = number * alone.len() + at + 1;
            progress(done as f64 / (slos.len() * alone.len()) as f64);
        }
    }
    let judged = trials.into_iter().zip(variants);
    measured.variants = judged
        .map(|(trial, script)| trial.judge(script, &stretch, plans.len(), wish))
        .collect();
    Ok(measured)
}

/// The script with this SLO alone.
fn alone(script: &Script, id: &SloId) -> Option<(Arc<Slo>, Script)> {
    let slo = script.slos.iter().find(|slo| slo.id == *id)?.clone();
    let slos = vec![slo.clone()];
    let script = Script {
        slos,
        ..script.clone()
    };
    Some((slo, script))
}

/// Why nothing can be put into an SLO, if so.
fn refusal(alone: &[(Arc<Slo>, Script)], variants: usize, fit: u64, lull: Span) -> Option<String> {
    if alone.len() < variants {
        return Some("it is not in every variant".to_owned());
    }
    if let Some(why) = alone.iter().find_map(|(slo, _)| reel::refusal(slo)) {
        return Some(why);
    }
    (fit == 0).then(|| {
        format!("the past is too short: after an incident there must be {lull} without one")
    })
}

/// As long as the longest window of any variant, and a little more.
fn lull(variants: &[Script], slos: &[SloId]) -> Span {
    let all = variants.iter().flat_map(|script| &script.slos);
    let played = all.filter(|slo| slos.contains(&slo.id));
    let longest = played.map(|slo| slo.policy.longest_window()).max();
    longest.unwrap_or_default() + LULL_MARGIN
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

fn play(script: &Script, reel: &mut dyn Reel, stretch: &Stretch) -> Result<Vec<Alert>, ReelError> {
    let mut player = Player::begin(script, reel, stretch.from)?.with_strides(true);
    let mut journal = Journal::default();
    player.play(reel, stretch.until, &mut journal)?;
    if journal.omitted > 0 {
        // To judge by some of the alerts would be to judge wrongly.
        return Err(ReelError::because(format!(
            "{} alerts more often than can be judged ({ENTRIES_MAX} steps): choose a shorter stretch",
            script
                .slos
                .first()
                .map_or_else(String::new, |slo| slo.id.to_string())
        )));
    }
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
            if natural
                .iter()
                .any(|alert| overlaps(alert, around.0, around.1))
            {
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
            let ours = kept
                .iter()
                .any(|(from, until)| overlaps(&alert, *from, *until));
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
        self,
        script: &Script,
        stretch: &Stretch,
        rounds: usize,
        wish: &Wish,
    ) -> VariantMeasured {
        use crate::engine::Severity::{Page, Ticket};
        let tiers = || script.slos.iter().flat_map(|slo| &slo.policy.tiers);
        let has = |severity| tiers().any(|tier| tier.severity == severity);
        let severities = [Page, Ticket].into_iter().filter(|severity| has(*severity));
        let length = stretch
            .stride()
            .times(i64::try_from(rounds).unwrap_or(i64::MAX));
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
        let severities = severities.map(of).collect();
        VariantMeasured {
            confounded: self.confounded,
            severities,
            events: self.events,
        }
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
