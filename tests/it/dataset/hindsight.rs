//! What the samples allow to know: ten minutes of one pod, worked out by hand.

use crate::exactness::hindsight::{Hindsight, Place};
use crate::exactness::intervals::Comparison;
use crate::exactness::truth::{SLOT, Truth};

/// Ten minutes with a request each second, all bad from 200 on.
fn place(starts: &[i64], scrapes: &[i64]) -> Hindsight {
    let second = |second: i64| (u64::from(second >= 200), 1);
    let scrapes: Vec<i64> = scrapes.iter().map(|second| second * 1_000).collect();
    Hindsight(vec![Place::new((0..600).map(second), starts, &scrapes)])
}

/// Bad and total events of the window up to `second`.
fn check(hindsight: &Hindsight, second: i64, window: i64, expect: (u64, u64)) {
    let slot = usize::try_from(second / SLOT).unwrap();
    let got = hindsight.window(slot, window);
    assert_eq!(got, expect, "{window} s up to {second} s");
}

#[test]
fn what_is_scraped_is_known_and_when_it_happened() {
    let all: Vec<i64> = (0..40).map(|n| n * 15 + 5).collect();
    let hindsight = place(&[0], &all);
    check(&hindsight, 0, 60, (0, 0));
    check(&hindsight, 180, 60, (0, 50));
    check(&hindsight, 240, 60, (30, 50));
    check(&hindsight, 240, 120, (30, 110));
    check(&hindsight, 600, 600, (390, 590));
}

#[test]
fn what_a_lost_scrape_holds_is_known_with_the_next() {
    let hindsight = place(&[0], &[190, 400]);
    for second in (210..390).step_by(30) {
        check(&hindsight, second, 600, (0, 190));
        let rest = u64::try_from(250 - second).unwrap_or(0);
        check(&hindsight, second, 60, (0, rest));
    }
    // Then it is known when it happened, too.
    check(&hindsight, 420, 600, (200, 400));
    check(&hindsight, 420, 210, (190, 190));
}

#[test]
fn a_scrape_at_the_slot_is_there() {
    let hindsight = place(&[0], &[210]);
    check(&hindsight, 180, 600, (0, 0));
    check(&hindsight, 210, 600, (10, 210));
    let late = Place::new((0..600).map(|_| (0, 1)), &[0], &[210_001]);
    let late = Hindsight(vec![late]);
    check(&late, 210, 600, (0, 0));
    check(&late, 240, 600, (0, 210));
}

#[test]
fn what_a_process_takes_with_it_is_never_known() {
    let hindsight = place(&[0, 260], &[230, 300]);
    check(&hindsight, 240, 600, (30, 230));
    check(&hindsight, 300, 600, (70, 270));
    // Of the 40 events before the slot at 240, the ten from 230 on are lost.
    check(&hindsight, 300, 60, (40, 40));
    check(&hindsight, 570, 600, (70, 270));
}

#[test]
fn places_add_up() {
    let mut both = place(&[0], &[230]);
    both.0.extend(place(&[0], &[290]).0);
    check(&both, 240, 60, (30, 50));
    check(&both, 300, 60, (50, 50));
}

#[test]
fn a_lost_scrape_costs_what_it_costs_and_no_decider_pays_for_it() {
    let truth = Truth::of_seconds((0..600).map(|second| (u64::from(second >= 200), 1)));
    let lost = place(&[0], &[190, 400, 415, 430, 445, 460]);
    let (truth, allowed) = (truth.decisions(0, 20), lost.decisions(0, 20));
    // It decides a slot after the samples are there.
    let mut found = vec![false];
    found.extend(&allowed[0][..20]);
    let mut comparison = Comparison::default();
    comparison.add("1h/5m 14.4x", &truth[0], &allowed[0], &found);
    // True at 210 s, shown at 400 s, so known at 420 s, told at 450 s.
    let start = &comparison.starts[0];
    assert_eq!(start.interval.start, 210);
    assert_eq!(
        (start.late, start.allowed, start.beyond()),
        (240, Some(210), Some(30))
    );
    assert_eq!(
        (
            comparison.lateness(),
            comparison.allowed(),
            comparison.beyond()
        ),
        (vec![240], vec![210], vec![30])
    );
}
