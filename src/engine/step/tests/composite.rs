//! Composites in the life of an engine: who is paged, what a blind part changes, what a reload ends.

use super::*;
use crate::engine::slo::{Combination, Composite, Part};

/// A part without alerts of its own.
fn part(service: &str, group_by: &[&str]) -> Slo {
    Slo {
        policy: Arc::new(Policy::silent()),
        ..slo(service, group_by)
    }
}

fn parts(services: &[&str]) -> Vec<Part> {
    let part = |service: &&str| Part {
        slo: SloId::new(service, "availability"),
        weight: 1.0,
    };
    services.iter().map(part).collect()
}

/// `buy/journey` over these parts, with the page tiers of the usual policy.
fn journey(services: &[&str], group_by: &[&str]) -> Slo {
    let mut journey = slo("buy", group_by);
    journey.indicator = Indicator::Composite(Composite {
        combination: Combination::Journey,
        parts: parts(services),
    });
    Arc::make_mut(&mut journey.policy).tiers.truncate(2);
    journey
}

fn scene(group_by: &[&str], names: &[&str]) -> Scene {
    let slos = vec![
        journey(&["cart", "shop"], group_by),
        part("cart", group_by),
        part("shop", group_by),
    ];
    Scene::new(slos, names)
}

const KEY: &str = "composite:buy/availability";

fn whole(scene: &Scene) -> Arc<Evaluation> {
    scene.engine.evaluations(KEY).unwrap().1.swap_remove(0)
}

#[test]
fn a_journey_with_a_step_that_is_down_pages_once() {
    let mut scene = scene(&[], &["cart", "shop"]);
    scene.play(
        "1h  cart 10/s, shop 10/s
         10m cart 10/s 50%",
    );
    let (_, page) = scene.notifications().swap_remove(0);
    let tier = &page.facts.tiers[0];
    // 575 of the 36 000 requests of one step failed, none of the other's.
    assert_eq!(
        (tier.bad_events, tier.total_events),
        (Some(575.0), Some(72_000.0))
    );
    assert!((tier.long_burn - 575.0 / 36.0).abs() < 1e-9, "{tier:?}");
    let budget = page.facts.budget.unwrap();
    assert!(budget.consumed > 0.0 && budget.consumed < 0.1, "{budget:?}");
    scene.expect(
        "1h2m pager trigger buy/availability/page: Burning 1h/5m
         1h4m30s pager update buy/availability/page: MoreTiers 1h/5m 6h/30m",
    );
    scene.play("6h cart 10/s");
    scene.expect("1h41m pager resolve buy/availability/page: Recovered 1h/5m 6h/30m");
}

#[test]
fn silent_parts_are_measured_and_shown() {
    let mut scene = scene(&[], &["cart", "shop"]);
    scene.play("5m cart 10/s 100%, shop 10/s");
    let cart = scene.engine.evaluations("cart").unwrap().1.swap_remove(0);
    let mut reach = cart.readings.iter();
    assert_eq!(cart.outcome, Outcome::Quiet, "it has no tiers");
    assert!(reach.all(|reading| reading.burn > Some(0.0)), "{cart:?}");
    assert!(cart.budget.unwrap().consumed > 0.0);
    let page = "1m pager trigger buy/availability/page: Burning 1h/5m
         2m30s pager update buy/availability/page: MoreTiers 1h/5m 6h/30m";
    scene.expect(page);
}

#[test]
fn a_step_whose_feed_fails_resolves_nothing_and_becomes_blind() {
    let mut scene = scene(&[], &["cart", "shop"]);
    scene.play("5m cart 10/s 50%, shop 10/s");
    assert_eq!(scene.open(), ["buy/availability/page firing"]);
    scene.expect(
        "2m pager trigger buy/availability/page: Burning 1h/5m
         4m30s pager update buy/availability/page: MoreTiers 1h/5m 6h/30m",
    );
    // The step that burned fails; the other one is fine, which says nothing about the journey.
    scene.play("1h down:cart, cart 10/s");
    assert_eq!(whole(&scene).outcome, Outcome::Failed);
    scene.expect(
        "10m pager trigger buy/availability/blind: dark for 10, \
         part cart/availability: connection refused",
    );
    scene.play("10m cart 10/s");
    scene.expect(
        "1h5m30s pager resolve buy/availability/blind: DataReturned
         1h6m30s pager resolve buy/availability/page: Recovered 1h/5m 6h/30m",
    );
}

#[test]
fn a_blind_step_does_not_hide_the_outage_of_another() {
    let mut scene = scene(&[], &["cart", "shop"]);
    scene.play(
        "1h  cart 10/s, shop 10/s
         2m  down:cart
         10m down:cart, shop 10/s 50%",
    );
    assert_eq!(whole(&scene).outcome, Outcome::Burning);
    scene.expect(
        "1h4m pager trigger buy/availability/page: Burning 1h/5m
         1h6m30s pager update buy/availability/page: MoreTiers 1h/5m 6h/30m",
    );
    scene.play("6h down:cart, shop 10/s");
    let page = "buy/availability/page firing".to_owned();
    assert!(scene.open().contains(&page), "neither quiet nor resolved");
    assert_eq!(whole(&scene).outcome, Outcome::Failed);
}

#[test]
fn a_step_that_was_never_there_is_no_data() {
    let mut scene = scene(&[], &["shop"]);
    scene.play("5m shop 10/s");
    let evaluation = whole(&scene);
    assert_eq!(evaluation.outcome, Outcome::NoData);
    let detail = evaluation.detail.as_deref();
    assert_eq!(detail, Some("part cart/availability: no series matches"));
    scene.expect(
        "5m tracker trigger buy/availability/blind: dark for 10, \
         part cart/availability: no series matches",
    );
}

#[test]
fn no_traffic_is_that_of_every_step() {
    let mut scene = scene(&[], &["cart", "shop"]);
    scene.play("10m shop 0/s, cart 10/s");
    assert_eq!(whole(&scene).outcome, Outcome::Quiet);
    scene.play("10m cart 0/s");
    assert_eq!(whole(&scene).outcome, Outcome::NoTraffic);
}

#[test]
fn instances_of_a_journey_are_those_of_its_steps() {
    let names = ["cart.eu", "cart.us", "shop.eu"];
    let mut scene = scene(&["zone"], &names);
    // The shop has no zone `us`: there the journey is the cart alone.
    scene.play("10m cart.us 10/s 50%, cart.eu 10/s, shop.eu 10/s");
    scene.expect(
        "2m pager trigger buy/availability{zone=\"us\"}/page: Burning 1h/5m
         4m30s pager update buy/availability{zone=\"us\"}/page: MoreTiers 1h/5m 6h/30m",
    );
    assert_eq!(scene.engine.evaluations(KEY).unwrap().1.len(), 2);
    scene.play(
        "23h cart.us gone
         3h  cart.eu 10/s",
    );
    let told = scene.notifications();
    let (_, last) = told.last().unwrap();
    assert_eq!(last.facts.reason, Reason::InstanceGone);
    assert_eq!(scene.open(), [] as [&str; 0]);
    assert_eq!(scene.engine.evaluations(KEY).unwrap().1.len(), 1);
}

#[test]
fn a_reload_that_changes_a_part_ends_the_alerts() {
    let burning = || {
        let mut scene = scene(&[], &["cart", "shop", "desk"]);
        scene.play("3m cart 10/s 50%, shop 10/s");
        scene.expect("2m pager trigger buy/availability/page: Burning 1h/5m");
        scene
    };
    let mut removed = burning();
    removed.slos = vec![
        journey(&["shop", "desk"], &[]),
        part("shop", &[]),
        part("desk", &[]),
    ];
    removed.configure();
    removed.expect("3m pager resolve buy/availability/page: DefinitionChanged 1h/5m");

    let mut redefined = burning();
    redefined.slos[1].indicator = slo("desk", &[]).indicator;
    redefined.configure();
    redefined.expect("3m pager resolve buy/availability/page: DefinitionChanged 1h/5m");

    let mut same = burning();
    same.slos[1].policy = Arc::new(Policy::sre_workbook());
    same.configure();
    same.expect("");

    let mut gone = burning();
    gone.slos.remove(0);
    gone.configure();
    gone.expect("3m pager resolve buy/availability/page: DefinitionRemoved 1h/5m");
}

/// What a slot of this feed decides.
fn slot(scene: &mut Scene, feed: &str, evidence: Result<Evidence, SourceFailure>) -> Vec<String> {
    let feed = feed.to_owned();
    scene.step(Input::Slot { feed, evidence });
    let decided = scene.engine.decided().iter();
    decided
        .map(|(key, at)| format!("{key} {}", scene.elapsed(*at)))
        .collect()
}

fn nothing(scene: &Scene) -> Result<Evidence, SourceFailure> {
    Ok(Evidence::Samples {
        from: scene.now,
        series: Vec::new(),
    })
}

#[test]
fn a_composite_is_decided_with_the_last_of_its_feeds() {
    let mut scene = scene(&[], &["cart", "shop"]);
    let failure = || Err(SourceFailure("refused".to_owned()));
    scene.now = scene.now + Span::from_secs(30);
    let evidence = nothing(&scene);
    assert_eq!(slot(&mut scene, "cart", evidence), ["cart 30s"]);
    scene.now = scene.now + Span::from_secs(30);
    assert_eq!(slot(&mut scene, "cart", failure()), ["cart 1m"]);
    let both = ["shop 1m".to_owned(), format!("{KEY} 1m")];
    assert_eq!(slot(&mut scene, "shop", failure()), both);
    let evidence = nothing(&scene);
    assert_eq!(
        slot(&mut scene, "shop", evidence),
        ["shop 1m"],
        "once per slot"
    );
    scene.configure();
    assert_eq!(scene.engine.decided(), []);
}

#[test]
fn a_composite_is_not_decided_from_a_past_that_ends_before_the_slot() {
    let mut scene = scene(&[], &["cart", "shop"]);
    let (half, minute) = (Span::from_secs(30), Span::from_mins(1));
    let begin = scene.now;
    scene.now = begin + minute;
    let evidence = nothing(&scene);
    assert_eq!(slot(&mut scene, "cart", evidence), ["cart 1m"]);
    // The past of this feed was asked for just before that slot, and arrives after it.
    scene.step(Input::Read {
        feed: "cart".to_owned(),
        into: Book::Fresh { begin: true },
        from: begin - Span::from_days(3),
        until: begin + half,
        series: Vec::new(),
    });
    scene.step(Input::Swapped {
        feed: "cart".to_owned(),
    });
    let evidence = nothing(&scene);
    let earlier = ["shop 1m".to_owned(), format!("{KEY} 30s")];
    assert_eq!(slot(&mut scene, "shop", evidence), earlier);
    scene.now = scene.now + half;
    for (feed, decided) in [
        ("cart", vec!["cart 1m30s".to_owned(), format!("{KEY} 1m")]),
        (
            "shop",
            vec!["shop 1m30s".to_owned(), format!("{KEY} 1m30s")],
        ),
    ] {
        let evidence = nothing(&scene);
        assert_eq!(slot(&mut scene, feed, evidence), decided);
    }
}

/// A journey of a counted step and one that is asked for.
fn with_direct(counted: bool) -> Scene {
    let mut desk = part("desk", &["pod"]);
    let template = |text: &str| QueryTemplate::new(text).unwrap();
    desk.indicator = Indicator::Windows(match counted {
        true => WindowQuery::Events {
            bad: template("bad$window"),
            total: template("total$window"),
            counted,
        },
        false => WindowQuery::Ratio {
            error_ratio: template("ratio$window"),
        },
    });
    Scene::new(vec![journey(&["desk"], &[]), desk], &[])
}

fn answer_desk(scene: &mut Scene, answers: &[Answer]) {
    scene.now = scene.now + Span::from_secs(30);
    let windows = scene.engine.due_windows("desk", scene.now);
    let pod = |(pod, answer): (usize, &Answer)| (Labels::new([("pod", pod.to_string())]), *answer);
    let pods: Vec<(Labels, Answer)> = answers.iter().enumerate().map(pod).collect();
    let windows = windows.into_iter().map(|window| (window, pods.clone()));
    let evidence = Ok(Evidence::Windows(windows.collect()));
    let feed = "desk".to_owned();
    scene.step(Input::Slot { feed, evidence });
}

#[test]
fn a_direct_part_that_is_ahead_is_not_mixed_with_what_others_counted_before() {
    let mut scene = with_direct(false);
    scene.slos[0] = journey(&["cart", "desk"], &[]);
    scene.slos.push(part("cart", &[]));
    scene.configure();
    let cart = |scene: &mut Scene| {
        let evidence = Ok(Evidence::Samples {
            from: scene.now - Span::from_secs(30),
            series: Vec::new(),
        });
        let feed = "cart".to_owned();
        scene.step(Input::Slot { feed, evidence });
    };
    answer_desk(&mut scene, &[Answer::Ratio(0.25)]);
    let slot = scene.now;
    // The desk is at the next slot before the cart has arrived at this one.
    answer_desk(&mut scene, &[Answer::Ratio(0.75)]);
    let ahead = std::mem::replace(&mut scene.now, slot);
    cart(&mut scene);
    let evaluation = whole(&scene);
    assert_eq!(evaluation.at, slot);
    let burns = |e: &Evaluation| e.readings.iter().filter_map(|r| r.burn).collect::<Vec<_>>();
    assert_eq!(burns(&evaluation), [250.0; 4]);
    scene.now = ahead;
    cart(&mut scene);
    // The longest window is asked for every two minutes only.
    assert_eq!(burns(&whole(&scene)), [750.0, 750.0, 750.0, 250.0]);
}

#[test]
fn ratios_of_a_direct_part_cannot_be_added() {
    let mut scene = with_direct(false);
    answer_desk(&mut scene, &[Answer::Ratio(0.5)]);
    assert_eq!(whole(&scene).outcome, Outcome::Burning);
    assert_eq!(whole(&scene).readings[0].burn, Some(500.0));
    answer_desk(&mut scene, &[Answer::Ratio(0.5), Answer::Ratio(0.0)]);
    let evaluation = whole(&scene);
    assert_eq!(evaluation.outcome, Outcome::NoData);
    let detail = evaluation.detail.as_deref().unwrap();
    assert_eq!(
        detail,
        "part desk/availability: it has 2 instances here, whose ratios cannot be added"
    );
}

#[test]
fn events_of_a_direct_part_are_added() {
    let mut scene = with_direct(true);
    let counts = |bad, total| Answer::Counts(Counts { bad, total });
    answer_desk(&mut scene, &[counts(1.0, 10.0), counts(0.0, 90.0)]);
    let evaluation = whole(&scene);
    let (bad, total) = (1.0, 100.0);
    assert_eq!(evaluation.readings[0].counts, Some(Counts { bad, total }));
    assert_eq!(evaluation.tiers[0].verdict, Verdict::Quiet);
    assert!((evaluation.budget.unwrap().consumed - 10.0).abs() < 1e-9);
    answer_desk(&mut scene, &[counts(9.0, 10.0), counts(0.0, 90.0)]);
    assert_eq!(whole(&scene).outcome, Outcome::Burning);
}

#[test]
fn a_direct_part_is_asked_for_the_period_of_its_composite() {
    let mut scene = with_direct(true);
    scene.slos[0].period = Period::Rolling(Span::from_days(7));
    scene.configure();
    let due = scene.engine.due_windows("desk", scene.now);
    assert!(due.contains(&Span::from_days(7)) && due.contains(&Span::from_days(30)));
}

/// All that was decided about a journey of `cart` (by zone) and `shop`, both with alerts too.
fn journey_decisions(script: &[String], restarts: &[usize]) -> Vec<String> {
    let mut scene = quick_scene();
    let mut whole = journey(&["cart", "shop"], &["zone"]);
    let like = scene.slos[0].clone();
    (whole.policy, whole.period) = (like.policy, like.period);
    (whole.reach, whole.objective) = (like.reach, like.objective);
    scene.slos.insert(0, whole);
    scene.configure();
    for (at, line) in script.iter().enumerate() {
        if restarts.contains(&at) {
            scene.restart();
        }
        scene.play(line);
    }
    let about = |effect: &Effect| match effect {
        Effect::Transitioned(transition) => transition.facts.service == "buy",
        _ => false,
    };
    let count = scene
        .effects
        .iter()
        .filter(|(_, effect)| about(effect))
        .count();
    let effects = scene.effects.into_iter();
    let mut decisions: Vec<String> = effects.map(|(at, effect)| decision(at, effect)).collect();
    decisions.push(format!("{count} transitions of the journey"));
    decisions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_restart_changes_nothing_for_composites(
        script in scripts(),
        restarts in prop::collection::vec(0_usize..25, 1..6),
    ) {
        let steady = journey_decisions(&script, &[]);
        let restarted = journey_decisions(&script, &restarts);
        prop_assert_eq!(steady, restarted);
    }
}
