//! The table: each world, each decider, what it missed and added, how late it was.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use slofuse::engine::{RawSeries, Severity, Timestamp};
use slofuse::replay::MemoryReel;

use super::exactness::decided::{Counted, Said};
use super::exactness::hindsight::Hindsight;
use super::exactness::intervals::{
    Case, Comparison, Decisions, Interval, RULES, Row, Start, intervals, percentile,
};
use super::exactness::traffic::{Service, draw};
use super::exactness::truth::{SLOT, Truth};
use super::exactness::world::{BEGIN, World, scenarios};
use super::exactness::{decided, promql};

/// Ordinary traffic before the first decision: the longest window is covered then.
const RUN_IN: i64 = 3 * 86_400;
/// Threads that draw worlds and evaluate rules.
const THREADS: usize = 2;
/// An alert of the shipped policy needs so many bad events in the long window.
const MINIMUM_EVENTS: u64 = 5;
/// Starts later than this (seconds) are told one by one: a slot, and half of one.
const LATE: i64 = 45;

/// Draws every service of a world.
pub(crate) fn draw_all(world: &World) -> Vec<Service> {
    let scenarios = scenarios();
    side_by_side(scenarios.len(), |number| {
        draw(world, number, &scenarios[number])
    })
}

/// The head of the table. *Allowed*: the earliest start that the samples allow, after the true
/// one; *beyond*: the start that was found, after that.
pub(crate) fn head() {
    println!(
        "{:<22} {:<16} {:>5} {:>6} {:>5} {:>6} | {:>5} {:>5} {:>6} {:>5} | {:>7} {:>5} {:>6} | {:>6} {:>5} {:>6} | {:>6} {:>5} {:>6}",
        "world, span",
        "decider",
        "true",
        "missed",
        "extra",
        "joined",
        "late",
        "p95",
        "max",
        ">45 s",
        "allowed",
        "p95",
        "max",
        "beyond",
        "p95",
        "max",
        "end p5",
        "p95",
        "max"
    );
}

fn row(world: &str, decider: &str, comparison: &Comparison) {
    let late = comparison.lateness();
    let three = |values: &[i64]| {
        let most = values.iter().max().copied().unwrap_or(0);
        let (half, p95) = (percentile(values, 50.0), percentile(values, 95.0));
        (half, p95, most)
    };
    let (of_truth, beyond) = (three(&late), three(&comparison.beyond()));
    let allowed = three(&comparison.allowed());
    let end_max = comparison.ends.iter().map(|end| end.abs()).max();
    println!(
        "{world:<22} {decider:<16} {:>5} {:>6} {:>5} {:>6} | {:>5.0} {:>5.0} {:>6} {:>5} | {:>7.0} {:>5.0} {:>6} | {:>6.0} {:>5.0} {:>6} | {:>6.0} {:>5.0} {:>6}",
        comparison.truths,
        comparison.missed.len(),
        comparison.extra.len(),
        comparison.joined.len(),
        of_truth.0,
        of_truth.1,
        of_truth.2,
        late.iter().filter(|late| **late > LATE).count(),
        allowed.0,
        allowed.1,
        allowed.2,
        beyond.0,
        beyond.1,
        beyond.2,
        percentile(&comparison.ends, 5.0),
        percentile(&comparison.ends, 95.0),
        end_max.unwrap_or(0),
    );
}

/// One world, asked.
struct Asked {
    names: Vec<String>,
    truths: Vec<Truth>,
    hindsights: Vec<Hindsight>,
    /// The slot of the world at which every row begins.
    first: usize,
    true_rows: Vec<Decisions>,
    /// What the samples allow to know.
    allowed: Vec<Decisions>,
    slofuse: Vec<Decisions>,
    counted: Vec<[Vec<Counted>; RULES.len()]>,
    promql: Vec<Decisions>,
    alerts: BTreeMap<(String, Severity), Vec<Interval>>,
    explain: bool,
}

/// Asks every decider about one world: all of it, and the days of trouble at its end.
pub(crate) fn judge(name: &str, world: &World, services: Vec<Service>, explain: bool) {
    let asked = ask(world, services, explain);
    let trouble = usize::try_from(world.trouble() / SLOT).unwrap_or(0) - asked.first;
    for (span, skip) in [(world.days - 3, 0), (4, trouble)] {
        let name = format!("{name}, {span} d");
        asked.rules(&name, "samples", &asked.allowed, skip);
        asked.rules(&name, "slofuse", &asked.slofuse, skip);
        asked.rules(&name, "PromQL", &asked.promql, skip);
    }
    for (severity, rules) in [(Severity::Page, 0..2), (Severity::Ticket, 2..4)] {
        asked.alerts(&format!("{name}, {} d", world.days - 3), severity, rules);
    }
}

fn ask(world: &World, mut services: Vec<Service>, explain: bool) -> Asked {
    let from = Timestamp::from_secs(BEGIN + RUN_IN);
    let first = usize::try_from(RUN_IN / SLOT).unwrap_or(0);
    let last = usize::try_from(world.seconds() / SLOT).unwrap_or(0);
    let count = last + 1 - first;
    let promql = side_by_side(services.len(), |at| {
        promql::decisions(&services[at].series, from, count)
    });
    let series: Vec<RawSeries> = services
        .iter_mut()
        .flat_map(|service| std::mem::take(&mut service.series))
        .collect();
    let names: Vec<String> = services.iter().map(|s| s.name.clone()).collect();
    let hindsights: Vec<Hindsight> = services
        .iter_mut()
        .map(|service| std::mem::take(&mut service.hindsight))
        .collect();
    let truths: Vec<Truth> = services.into_iter().map(|s| s.truth).collect();
    let mut reel = MemoryReel::new(series);
    let bare = decided::script(&names, world.scrape, true);
    let mut said = decided::tiers(&bare, &mut reel, from, count);
    let said = names
        .iter()
        .map(|name| said.remove(name).unwrap_or_default());
    let (slofuse, counted) = said.map(|Said { holds, counted }| (holds, counted)).unzip();
    let shipped = decided::script(&names, world.scrape, false);
    Asked {
        first,
        true_rows: truths.iter().map(|t| t.decisions(first, last)).collect(),
        allowed: hindsights
            .iter()
            .map(|hindsight| hindsight.decisions(first, last))
            .collect(),
        slofuse,
        counted,
        promql,
        alerts: decided::alerts(&shipped, &mut reel, from, count),
        names,
        truths,
        hindsights,
        explain,
    }
}

impl Asked {
    /// The four rules of each service, without the first `skip` slots.
    fn rules(&self, world: &str, decider: &str, found: &[Decisions], skip: usize) {
        let mut comparison = Comparison::default();
        for (at, name) in self.names.iter().enumerate() {
            for (rule, of) in RULES.iter().enumerate() {
                let what = format!("{name} {}", of.name);
                let rest = |row: &[bool]| row.get(skip..).unwrap_or_default().to_vec();
                let truth = rest(&self.true_rows[at][rule]);
                let allowed = rest(&self.allowed[at][rule]);
                comparison.add(&what, &truth, &allowed, &rest(&found[at][rule]));
            }
        }
        row(world, decider, &comparison);
        if self.explain || decider == "slofuse" {
            self.explain(&comparison, skip);
        }
    }

    /// The alerts of the shipped policy beside the time in which some rule of theirs was true.
    fn alerts(&self, world: &str, severity: Severity, rules: std::ops::Range<usize>) {
        let (mut enough, mut few) = (Comparison::default(), Comparison::default());
        for (at, name) in self.names.iter().enumerate() {
            let rows = &self.true_rows[at][rules.clone()];
            let slots = 0..rows[0].len();
            let truth: Vec<bool> = slots.map(|slot| rows.iter().any(|row| row[slot])).collect();
            let has_enough = |interval: &Interval| {
                let slot = |second: i64| usize::try_from(second / SLOT).unwrap_or(0);
                let mut slots = slot(interval.start)..slot(interval.end);
                slots.any(|slot| {
                    let of = |rule: usize| {
                        let bad = self.truths[at]
                            .window(self.first + slot, RULES[rule].long)
                            .0;
                        self.true_rows[at][rule][slot] && bad >= MINIMUM_EVENTS
                    };
                    rules.clone().any(of)
                })
            };
            let (with, without): (Vec<Interval>, Vec<Interval>) =
                intervals(&truth).into_iter().partition(has_enough);
            let key = (name.clone(), severity);
            let found = self.alerts.get(&key).map(Vec::as_slice).unwrap_or_default();
            // What the samples allow is asked of the rules: an alert also waits for its events.
            let (found, none) = (Row::of_intervals(found), Row::default());
            enough.add_intervals(name, &with, &none, &found);
            few.add_intervals(name, &without, &none, &found);
        }
        row(world, &format!("slofuse {severity}s"), &enough);
        if self.explain {
            self.explain(&enough, 0);
        }
        let told = few.truths - few.missed.len();
        println!(
            "{:<22} besides, {} true intervals of fewer than {MINIMUM_EVENTS} bad events, {told} told",
            "", few.truths
        );
    }

    /// Whatever was told otherwise than it was, with what was true and what the samples showed.
    fn explain(&self, comparison: &Comparison, skip: usize) {
        let line = |kind: &str, what: &str, interval: &Interval, why: &str| {
            println!(
                "    {kind} {what} at {} s for {} s: {why}{}",
                interval.start,
                interval.end - interval.start,
                self.counts(what, interval, skip)
            );
        };
        let why = |case: &Case| match case.is_of_samples {
            true => "so say the samples",
            false => "the samples say otherwise",
        };
        let kinds = [
            ("missed", &comparison.missed),
            ("extra", &comparison.extra),
            ("joined", &comparison.joined),
        ];
        for (kind, cases) in kinds {
            for case in cases {
                line(kind, &case.what, &case.interval, why(case));
            }
        }
        let is_told = |start: &&Start| start.late > LATE || start.beyond() > Some(SLOT);
        for start in comparison.starts.iter().filter(is_told) {
            let allowed = match start.allowed {
                Some(allowed) => format!("the samples allow {allowed} s"),
                None => "the samples do not show it".to_owned(),
            };
            let kind = format!("{} s late", start.late);
            line(&kind, &start.what, &start.interval, &allowed);
        }
    }

    /// The events of both windows of a rule at the start of an interval: those that were, those that
    /// scrapes had shown, those that slofuse had counted.
    fn counts(&self, what: &str, interval: &Interval, skip: usize) -> String {
        let (name, rule) = what.split_once(' ').unwrap_or((what, RULES[0].name));
        let at = self.names.iter().position(|other| other == name);
        let rule = RULES.iter().find(|other| other.name == rule);
        let slot = self.first + skip + usize::try_from(interval.start / SLOT).unwrap_or(0);
        let (Some(at), Some(rule)) = (at, rule) else {
            return String::new();
        };
        let windows = [rule.long, rule.short];
        let text = |of: [(u64, u64); 2]| {
            let [long, short] = of.map(|(bad, total)| format!("{bad}/{total}"));
            format!("{long} and {short}")
        };
        let number = RULES.iter().position(|other| other.name == rule.name);
        let counted = number.and_then(|rule| self.counted[at][rule].get(slot - self.first));
        let counted = counted.copied().unwrap_or_default();
        format!(
            "; bad/total of {name} then: true {}, shown {}, counted {}",
            text(windows.map(|window| self.truths[at].window(slot, window))),
            text(windows.map(|window| self.hindsights[at].window(slot, window))),
            text(counted.map(|(bad, total)| (u64::from(bad), u64::from(total)))),
        )
    }
}

/// Does `count` pieces of work on a few threads.
fn side_by_side<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done: BTreeMap<usize, T> = std::thread::scope(|scope| {
        let worker = || {
            let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|at| *at < count);
            let mut done = Vec::new();
            while let Some(at) = take() {
                done.push((at, work(at)));
            }
            done
        };
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(worker)).collect();
        let results = workers.into_iter().map(std::thread::ScopedJoinHandle::join);
        let finished = |result: std::thread::Result<Vec<(usize, T)>>| {
            result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        results.flat_map(finished).collect()
    });
    done.into_values().collect()
}
