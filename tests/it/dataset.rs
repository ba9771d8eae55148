//! Decisions are true: services whose every event is known, played through the engine.
//!
//! A small version of `cargo bench --bench dataset`: the services that other evaluators get wrong.

mod comparison;
mod hindsight;

use slofuse::engine::Timestamp;
use slofuse::replay::MemoryReel;

use super::exactness::intervals::{Comparison, Decisions, RULES, percentile};
use super::exactness::traffic::{Service, draw};
use super::exactness::truth::SLOT;
use super::exactness::world::{BEGIN, World, scenarios};
use super::exactness::{decided, promql};

/// A crash loop, series that begin with their first error, an incident across a gap, little
/// traffic.
const SERVICES: [&str; 4] = ["07-crashloop", "12-lazy500", "14-gapincident", "17-lowlazy"];

#[test]
fn every_true_alert_is_decided_and_no_other() {
    let world = World {
        seed: 1,
        days: 7,
        scrape: 15.0,
    };
    let mut services: Vec<Service> = scenarios()
        .iter()
        .enumerate()
        .filter(|(_, scenario)| SERVICES.contains(&scenario.name))
        .map(|(number, scenario)| draw(&world, number, scenario))
        .collect();
    let first = usize::try_from(world.trouble() / SLOT).unwrap();
    let count = usize::try_from((world.seconds() - world.trouble()) / SLOT).unwrap() + 1;
    let from = Timestamp::from_secs(BEGIN + world.trouble());
    let names: Vec<String> = services.iter().map(|s| s.name.clone()).collect();
    let truths: Vec<Decisions> = services
        .iter()
        .map(|service| service.truth.decisions(first, first + count - 1))
        .collect();
    let allowed: Vec<Decisions> = services
        .iter()
        .map(|service| service.hindsight.decisions(first, first + count - 1))
        .collect();
    let lazy = services
        .iter()
        .position(|s| s.name == "17-lowlazy")
        .unwrap();
    let rules = promql::decisions(&services[lazy].series, from, count);
    let series = services
        .iter_mut()
        .flat_map(|s| std::mem::take(&mut s.series));
    let mut reel = MemoryReel::new(series.collect());
    let script = decided::script(&names, world.scrape, true);
    let decided = decided::tiers(&script, &mut reel, from, count);

    let mut slofuse = Comparison::default();
    let mut promql = Comparison::default();
    for (at, name) in names.iter().enumerate() {
        for (rule, of) in RULES.iter().enumerate() {
            let what = format!("{name} {}", of.name);
            let (truth, allowed) = (&truths[at][rule], &allowed[at][rule]);
            slofuse.add(&what, truth, allowed, &decided[name].holds[rule]);
            if at == lazy {
                promql.add(&what, truth, allowed, &rules[rule]);
            }
        }
    }
    assert!(slofuse.truths >= 15, "{} alerts are true", slofuse.truths);
    assert!(slofuse.missed.is_empty(), "{:#?}", slofuse.missed);
    assert!(slofuse.extra.is_empty(), "{:#?}", slofuse.extra);
    // The incident across the gap is known only after it, and what a crash loses is lost; what the
    // samples show is told with the slot.
    let (late, beyond) = (slofuse.lateness(), slofuse.beyond());
    let middle = percentile(&late, 50.0);
    assert!(middle <= 30.0, "late by {middle} s");
    let p95 = percentile(&beyond, 95.0);
    assert!(p95 <= 30.0, "later than the samples allow by {p95} s");
    assert!(beyond.len() >= 15 && late.iter().max() > beyond.iter().max());
    // Had they seen the first errors of a series, this would compare nothing.
    assert!(!promql.missed.is_empty());
}
