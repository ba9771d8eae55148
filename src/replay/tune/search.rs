//! The search: a bounded number of passes over the past, each with many candidates.

use std::sync::Arc;

use super::TuneError;
use super::burst::Bursts;
use super::candidate::Candidate;
use super::grid::Grid;
use super::judge::{Judge, Played};
use super::past::{Past, Probe};
use super::tally::{Tally, cast, stage_name};
use super::wishes::Wishes;
use crate::engine::{ReadingOptions, Routing, Severity, Slo, Span, Timestamp};
use crate::replay::inject::InjectedReel;
use crate::replay::report::{Plan, Progress};
use crate::replay::{Player, Reel, ReelError, Script, Watcher};

/// The past is played so many times at most: to look at it, four times with candidates, three
/// times with bursts, and twice for what is reported.
pub const PASSES_MAX: usize = 10;
/// Candidates that see bursts in one pass.
const WITH_BURSTS: usize = 10;
/// Passes with bursts.
const BURST_PASSES: usize = 3;
/// Progress is told after so much virtual time.
const PROGRESS_EVERY: Span = Span::from_hours(12);

/// The search, and what it has come to so far.
pub(super) struct Search<'s> {
    pub(super) slo: &'s Arc<Slo>,
    pub(super) wishes: &'s Wishes,
    pub(super) plan: &'s Plan,
    pub(super) reel: &'s mut dyn Reel,
    pub(super) progress: &'s mut dyn FnMut(&Progress<'_>),
    pub(super) seed: u64,
    pub(super) passes: usize,
    /// The first is the definition as it is.
    pub(super) played: Vec<Played>,
}

impl Search<'_> {
    fn reading(&self) -> ReadingOptions {
        self.plan.options.reading.clone()
    }

    /// What the past was like.
    pub(super) fn look(&mut self) -> Result<Past, TuneError> {
        let id = stage_name(self.slo, 0);
        let mut probe = Probe::new(self.slo, id.clone(), self.plan.from);
        let slos = vec![Probe::slo(self.slo, id)];
        self.pass(slos, &mut probe, ("what there is", false), None)?;
        Ok(probe.finish(self.slo.period.nominal(), self.plan.until))
    }

    /// Plays candidates until all wishes are met or no more are tried.
    pub(super) fn search(&mut self, past: &Past) -> Result<(), TuneError> {
        let (slo, wishes, reading) = (self.slo.clone(), self.wishes, self.reading());
        let grid = Grid {
            slo: &slo,
            wishes,
            past,
            reading: &reading,
        };
        let judge = Judge {
            slo: &slo,
            wishes,
            past,
            reading: &reading,
        };
        self.candidates(grid.first())?;
        for pass in 0..3 {
            let ranked = judge.ranked(&self.played, None);
            let best = ranked.first().and_then(|number| self.played.get(*number));
            let is_promise_kept = wishes.allow(slo.objective) && grid.is_kept(slo.objective);
            let is_enough = best.is_some_and(|best| {
                // Another promise is the last resort.
                let is_same = best.candidate.objective == slo.objective;
                judge.excess(best, None) <= 0.0 && (is_same || !is_promise_kept)
            });
            if is_enough {
                break;
            }
            let bases = self.bases(&ranked);
            let next = match pass {
                0 => grid.second(&bases),
                1 => grid.third(&bases),
                _ => grid.fourth(&bases),
            };
            self.candidates(next)?;
        }
        if wishes.bursts.is_empty() {
            return Ok(());
        }
        for _ in 0..BURST_PASSES {
            if !self.burst_pass(&judge)? {
                break;
            }
        }
        Ok(())
    }

    /// What the next pass varies: the best with the present objective, the best of all, and the
    /// definition as it is.
    fn bases(&self, ranked: &[usize]) -> Vec<Candidate> {
        let best = || {
            let played = ranked.iter().filter_map(|number| self.played.get(*number));
            played.map(|played| &played.candidate)
        };
        let own = best().find(|one| one.objective == self.slo.objective);
        let present = self.played.first().map(|played| &played.candidate);
        let mut bases: Vec<Candidate> = Vec::new();
        for base in own.into_iter().chain(best().next()).chain(present) {
            if !bases.contains(base) && self.wishes.allow(base.objective) {
                bases.push(base.clone());
            }
        }
        bases
    }

    /// Plays those that have not been played.
    fn candidates(&mut self, candidates: Vec<Candidate>) -> Result<(), TuneError> {
        let known = |one: &Candidate| self.played.iter().any(|played| played.candidate == *one);
        let new: Vec<Candidate> = candidates.into_iter().filter(|one| !known(one)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let plan = self.plan;
        let slot = plan.options.reading.interval;
        let start = plan.from.max(plan.begin.align_down(slot) + slot);
        let mut tally = Tally::new(self.slo, new.len(), (start, plan.from), &plan.night);
        let label = format!("{} candidates", new.len());
        self.pass(cast(self.slo, &new), &mut tally, (&label, true), None)?;
        let played = new.into_iter().zip(tally.fired);
        self.played.extend(played.map(|(candidate, fired)| Played {
            candidate,
            fired,
            seen: None,
        }));
        Ok(())
    }

    /// Puts the wished bursts in for the best that have not seen them, the present one among them.
    /// Whether another pass could bring anything.
    fn burst_pass(&mut self, judge: &Judge<'_>) -> Result<bool, TuneError> {
        let ranked = judge.ranked(&self.played, None);
        let best = ranked.first().and_then(|number| self.played.get(*number));
        if best.is_some_and(|best| best.seen.is_some() && judge.excess(best, None) <= 0.0) {
            return Ok(false);
        }
        let unseen = |number: &usize| {
            let played = self.played.get(*number);
            played.is_some_and(|played| played.seen.is_none())
        };
        let mut chosen: Vec<usize> = ranked
            .into_iter()
            .filter(unseen)
            .take(WITH_BURSTS)
            .collect();
        if unseen(&0) && !chosen.contains(&0) {
            chosen.push(0);
        }
        let candidates = chosen.iter().filter_map(|number| self.played.get(*number));
        let candidates: Vec<Candidate> = candidates.map(|one| one.candidate.clone()).collect();
        let slos = cast(self.slo, &candidates);
        let Some(first) = slos.first().cloned() else {
            return Ok(false);
        };
        let plan = self.plan;
        let tiers = slos.iter().flat_map(|slo| &slo.policy.tiers);
        let pages = tiers.filter(|tier| tier.severity == Severity::Page);
        let window = pages.map(|tier| tier.long).max().unwrap_or_default();
        let bursts = &self.wishes.bursts;
        let stretch = (plan.from + Span::from_hours(1), plan.until);
        let bursts_put_in = Bursts::new(bursts, stretch, window, self.seed);
        if bursts_put_in.is_empty() {
            return Ok(false);
        }
        let count = candidates.len();
        let mut tally = Tally::new(self.slo, count, (plan.from, plan.from), &plan.night);
        let label = format!("{count} candidates with bursts");
        let reading = self.reading();
        let injected = Some((&first, bursts_put_in.plan(), reading));
        let put_in = self.pass(slos, &mut tally, (&label, true), injected)?;
        for (number, fired) in chosen.into_iter().zip(&tally.fired) {
            if let Some(played) = self.played.get_mut(number) {
                played.seen = Some(bursts_put_in.seen(bursts, fired, &put_in));
            }
        }
        Ok(true)
    }

    /// Plays the past once; strides leave out slots at which no alert can move.
    fn pass(
        &mut self,
        slos: Vec<Arc<Slo>>,
        watcher: &mut dyn Watcher,
        (label, strides): (&str, bool),
        injected: Option<(&Arc<Slo>, crate::replay::inject::Plan, ReadingOptions)>,
    ) -> Result<crate::replay::inject::Tally, TuneError> {
        let plan = self.plan;
        let script = Script {
            slos,
            routing: Routing::default(),
            tick: plan.options.reading.interval,
            options: plan.options.clone(),
        };
        let done = self.passes;
        self.passes += 1;
        let progress = &mut *self.progress;
        let mut tell = |at: Timestamp| {
            let share = at.since(plan.begin).ratio(plan.until.since(plan.begin));
            progress(&Progress {
                variant: label,
                at,
                share: (done as f64 + share) / PASSES_MAX as f64,
            });
        };
        match injected {
            None => {
                play((&script, strides), self.reel, plan, watcher, &mut tell)?;
                Ok(crate::replay::inject::Tally::default())
            }
            Some((slo, bursts, reading)) => {
                let mut reel = InjectedReel::new(self.reel, slo, bursts, &reading)?;
                play((&script, strides), &mut reel, plan, watcher, &mut tell)?;
                Ok(reel.tally().clone())
            }
        }
    }
}

fn play(
    (script, strides): (&Script, bool),
    reel: &mut dyn Reel,
    plan: &Plan,
    watcher: &mut dyn Watcher,
    tell: &mut dyn FnMut(Timestamp),
) -> Result<(), ReelError> {
    let slot = plan.options.reading.interval;
    let until = plan.until.align_down(slot);
    let mut player = Player::begin(script, reel, plan.begin)?.with_strides(strides);
    while player.now() < until {
        let next = (player.now() + PROGRESS_EVERY).min(until);
        player.play(reel, next, watcher)?;
        tell(player.now());
    }
    Ok(())
}
