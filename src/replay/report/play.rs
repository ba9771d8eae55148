//! Plays variants of definitions over one past, one after the other, and reports on them.

use std::sync::Arc;

use super::instance::Stretch;
use super::night::Nights;
use super::record::{Recorder, Tally, Writers};
use super::summary::{Played, assemble};
use super::{HistoryUsed, Remark, Report};
use crate::engine::{
    DependencyPolicy, GroupBy, Options, Policy, Route, Routing, Slo, SloId, Span, TimeInterval,
    Timestamp,
};
use crate::replay::{Player, Reel, ReelError, Script, Watcher};

/// Progress is told after so much virtual time.
const PROGRESS_EVERY: Span = Span::from_hours(3);

/// What is to be played.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The variants; the first should be the definitions as they are.
    pub variants: Vec<PlannedVariant>,
    /// Who is told, and when not.
    pub routing: Routing,
    /// How samples are read, and how long a slot is.
    pub options: Options,
    /// When people sleep.
    pub night: TimeInterval,
    /// Who puts messages into words.
    pub writers: Writers,
    /// Where playing begins, at or before `from`: what fires until `from` is known to be up when
    /// the stretch begins. If it begins at `from`, what fires in the first slot is taken to have
    /// been up.
    pub begin: Timestamp,
    /// The report is about the slots after this one.
    pub from: Timestamp,
    /// And up to this one.
    pub until: Timestamp,
    /// Which SLOs were asked for, as patterns.
    pub asked_slos: Vec<String>,
    /// What of the past could be used.
    pub history: HistoryUsed,
    /// Whether it is played once more, with nobody kept quiet and nothing grouped, where something
    /// was.
    pub unquieted: bool,
}

/// A way the definitions might be.
#[derive(Clone, Debug, Default)]
pub struct PlannedVariant {
    /// What it is called.
    pub name: String,
    /// The policy of all, if it is not their own.
    pub policy: Option<String>,
    /// The objective of all, if it is not their own.
    pub objective_percent: Option<f64>,
    /// Everything that is played.
    pub slos: Vec<Arc<Slo>>,
    /// Played because others are made of them, and not reported.
    pub hidden: Vec<SloId>,
    /// What is wrong with SLOs of this variant, those that cannot be played among them.
    pub remarks: Vec<Remark>,
}

/// How far playing has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The variant that is being played.
    pub variant: &'a str,
    /// The virtual time.
    pub at: Timestamp,
    /// The share (0..1) of all that is to be played.
    pub share: f64,
}

/// Plays every variant over the reel, each with an engine of its own, and reports. The reel is read
/// from the beginning for each of them.
///
/// # Errors
///
/// The reel cannot be read.
pub fn backtest(
    plan: &Plan,
    reel: &mut dyn Reel,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<Report, ReelError> {
    let slot = plan.options.reading.interval;
    let from = plan.from.align_down(slot);
    let begin = plan.begin.align_down(slot).min(from);
    let stretch = Stretch {
        from,
        until: plan.until.align_down(slot).max(from),
        slot,
        start: from.max(begin + slot),
    };
    let nights = Nights::new(&plan.night, stretch.from, stretch.until);
    let mut run = Run {
        plan,
        stretch,
        begin,
        reel,
        progress,
        done: 0,
        runs: plan.variants.len() * if plan.unquieted { 2 } else { 1 },
    };
    let mut played = Vec::new();
    for variant in &plan.variants {
        played.push(run.variant(variant, &nights)?);
    }
    Ok(assemble(plan, &stretch, &nights, played))
}

struct Run<'r> {
    plan: &'r Plan,
    stretch: Stretch,
    begin: Timestamp,
    reel: &'r mut dyn Reel,
    progress: &'r mut dyn FnMut(&Progress<'_>),
    /// How many times the stretch has been played, of how many.
    done: usize,
    runs: usize,
}

impl Run<'_> {
    fn variant(&mut self, variant: &PlannedVariant, nights: &Nights) -> Result<Played, ReelError> {
        let plan = self.plan;
        let is_shown = |slo: &&Arc<Slo>| !variant.hidden.contains(&slo.id);
        let shown: Vec<Arc<Slo>> = variant.slos.iter().filter(is_shown).cloned().collect();
        let mut recorder = Recorder::new(self.stretch, nights, &plan.writers, &shown);
        let player = self.play(
            variant,
            plan.routing.clone(),
            &variant.slos,
            false,
            &mut recorder,
        )?;
        recorder.finish(player.engine());
        drop(player);
        self.done += 1;
        let unquieted = match (plan.unquieted, recorder.sent.quieted) {
            (false, _) => None,
            (true, false) => Some(recorder.sent.receivers.clone()),
            (true, true) => {
                let mut tally = Tally::new(self.stretch, nights);
                let slos: Vec<Arc<Slo>> = variant.slos.iter().map(loud).collect();
                self.play(variant, unquieted(&plan.routing), &slos, true, &mut tally)?;
                Some(tally.receivers)
            }
        };
        self.done += usize::from(plan.unquieted);
        Ok(Played {
            shown,
            source_figures: recorder.source_figures,
            source: recorder.source,
            instances: recorder.instances,
            sent: recorder.sent.receivers,
            unquieted,
        })
    }

    fn play(
        &mut self,
        variant: &PlannedVariant,
        routing: Routing,
        slos: &[Arc<Slo>],
        strides: bool,
        watcher: &mut dyn Watcher,
    ) -> Result<Player, ReelError> {
        let options = self.plan.options.clone();
        let script = Script {
            slos: slos.to_vec(),
            routing,
            tick: options.reading.interval,
            options,
        };
        let player = Player::begin(&script, self.reel, self.begin)?;
        let mut player = player.with_strides(strides);
        let length = self.stretch.until.since(self.begin);
        while player.now() < self.stretch.until {
            let next =
                (player.now() + PROGRESS_EVERY.max(self.stretch.slot)).min(self.stretch.until);
            player.play(self.reel, next, watcher)?;
            let share = player.now().since(self.begin).ratio(length);
            (self.progress)(&Progress {
                variant: &variant.name,
                at: player.now(),
                share: (self.done as f64 + share) / self.runs.max(1) as f64,
            });
        }
        Ok(player)
    }
}

/// The same tree of routes, where each alert is told by itself and nothing keeps it quiet.
fn unquieted(routing: &Routing) -> Routing {
    let mut routing = routing.clone();
    routing.root = undisturbed(&routing.root);
    for receiver in routing.receivers.values_mut() {
        receiver.storm = None;
    }
    routing.inhibit.clear();
    routing.maintenance.clear();
    routing.dependencies = DependencyPolicy::Annotate;
    routing
}

fn undisturbed(route: &Route) -> Route {
    Route {
        group_by: GroupBy::Alert,
        active_intervals: Vec::new(),
        mute_intervals: Vec::new(),
        routes: route.routes.iter().map(undisturbed).collect(),
        ..route.clone()
    }
}

/// The same SLO, whose page keeps no ticket quiet.
fn loud(slo: &Arc<Slo>) -> Arc<Slo> {
    if !slo.policy.page_mutes_ticket {
        return slo.clone();
    }
    let policy = Policy {
        page_mutes_ticket: false,
        ..(*slo.policy).clone()
    };
    Arc::new(Slo {
        policy: Arc::new(policy),
        ..(**slo).clone()
    })
}
