//! Decisions are true: services whose every event is known, played through the engine.
//!
//! A small version of `cargo bench --bench dataset`: the services that other evaluators get wrong.

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
            let (what, truth) = (format!("{name} {}", of.name), &truths[at][rule]);
            slofuse.add(&what, truth, &decided[name][rule]);
            if at == lazy {
                promql.add(&what, truth, &rules[rule]);
            }
        }
    }
    assert!(slofuse.truths >= 15, "{} alerts are true", slofuse.truths);
    assert_eq!(
        (slofuse.missed.as_slice(), slofuse.extra.as_slice()),
        (&[][..], &[][..])
    );
    // The incident across the gap is known only after it, and what a crash loses is lost.
    let late = slofuse.lateness();
    let (middle, most) = (percentile(&late, 50.0), percentile(&late, 90.0));
    assert!(
        middle <= 30.0 && most <= 180.0,
        "late by {middle} s, {most} s"
    );
    // Had they seen the first errors of a series, this would compare nothing.
    assert!(!promql.missed.is_empty());
}
