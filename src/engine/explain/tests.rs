//! The least numbers, against trying them one by one on windows made by hand.

use proptest::prelude::*;

use super::*;
use crate::engine::policy::{Policy, Severity};

fn tier(budget_fraction: f64, minimum_events: f64) -> Tier {
    Tier {
        budget_fraction,
        minimum_events,
        ..Policy::sre_workbook().tiers[0].clone()
    }
}

fn scales<'a>(tier: &'a Tier, recovering: f64, long: (f64, f64), short: (f64, f64)) -> Scales<'a> {
    let objective = Objective::from_percent(99.0).unwrap();
    let reading =
        |window, (bad, total)| Reading::from_counts(window, Counts { bad, total }, objective);
    Scales {
        tier,
        factor: tier.factor(Span::from_days(30)),
        recovering,
        long: reading(tier.long, long),
        short: reading(tier.short, short),
        objective,
        is_counted: true,
    }
}

/// Whether the tier burns on these events, without a look at how [`Scales`] shift them.
fn burns(scales: &Scales<'_>, long: (f64, f64), short: (f64, f64)) -> bool {
    let reading = |window, (bad, total): (f64, f64), usual: Option<f64>| {
        let counts = Counts {
            bad: bad.min(total),
            total,
        };
        match usual {
            Some(usual) => Reading::from_usual(window, counts, usual, scales.objective),
            None => Reading::from_counts(window, counts, scales.objective),
        }
    };
    let (tier, factor) = (scales.tier, scales.factor);
    let long = reading(tier.long, long, scales.long.usual);
    let short = reading(tier.short, short, scales.short.usual);
    judge(tier, factor, scales.recovering, &long, &short) == Verdict::Burning
}

#[test]
fn the_workbooks_tier_fires_above_its_factor() {
    // 14.4 times 1 %: more than 144 of 1000.
    let tier = tier(0.02, 5.0);
    let quiet = scales(&tier, 1.0, (12.0, 1000.0), (2.0, 100.0));
    assert_eq!(quiet.bad_needed(&quiet.long), Some(145));
    assert_eq!(quiet.bad_needed(&quiet.short), Some(15));
    assert_eq!(quiet.bad_to_fire(), Some(133));
    assert_eq!(quiet.outage_of(133), Some(Span::from_secs(399)));
    assert_eq!((quiet.good_to_end(), quiet.quiet_after()), (None, None));
}

#[test]
fn a_few_events_are_not_enough_whatever_their_ratio() {
    let tier = tier(0.02, 5.0);
    let few = scales(&tier, 1.0, (2.0, 10.0), (2.0, 3.0));
    assert_eq!(few.verdict(), Verdict::TooFewEvents);
    assert_eq!(few.bad_to_fire(), Some(3));
    let fewer = scales(&tier, 1.0, (2.0, 4.0), (2.0, 3.0));
    assert_eq!(fewer.bad_to_fire(), None, "there are only four");
    let none = scales(&tier, 1.0, (0.0, 0.0), (0.0, 0.0));
    assert_eq!((none.bad_to_fire(), none.outage_of(1)), (None, None));
}

#[test]
fn a_threshold_beyond_everything_is_never_reached() {
    let tier = tier(0.2, 0.0);
    let quiet = scales(&tier, 1.0, (0.0, 1000.0), (0.0, 100.0));
    assert_eq!(
        quiet.factor, 144.0,
        "more than the 100 of a complete outage"
    );
    assert_eq!(
        (quiet.bad_to_fire(), quiet.bad_needed(&quiet.long)),
        (None, None)
    );
}

#[test]
fn what_burns_ends_by_good_events_or_by_time() {
    let tier = tier(0.02, 5.0);
    // Goes on above 12.96 %.
    let burning = scales(&tier, 0.9, (200.0, 1000.0), (50.0, 100.0));
    // 200 of 1544 is 12.953 %; the short window would take longer.
    assert_eq!(burning.good_to_end(), Some(286));
    // The short window from 50 % down to 12.96 %.
    let quiet_after = burning.quiet_after().unwrap();
    assert_eq!(quiet_after.as_millis() / 1000, 222);
    let budget_mode = Scales {
        long: Reading {
            usual: Some(1000.0),
            ..burning.long
        },
        ..burning.clone()
    };
    assert_eq!(
        budget_mode.good_to_end(),
        None,
        "good events do not help there"
    );
    assert_eq!(burning.tier.severity, Severity::Page);
}

#[test]
fn without_counts_nothing_is_counted() {
    let tier = tier(0.02, 5.0);
    let known = scales(&tier, 1.0, (900.0, 1000.0), (90.0, 100.0));
    let ratio = |window| Reading::from_ratio(window, Some(0.5), known.objective);
    let ratios = Scales {
        long: ratio(tier.long),
        short: ratio(tier.short),
        is_counted: false,
        ..known.clone()
    };
    assert_eq!(ratios.verdict(), Verdict::Burning);
    assert_eq!((ratios.bad_to_fire(), ratios.good_to_end()), (None, None));
    assert!(ratios.quiet_after().is_some());
    let uncovered = Scales {
        long: Reading::uncovered(tier.long),
        is_counted: false,
        ..known
    };
    assert_eq!(
        (uncovered.bad_to_fire(), uncovered.quiet_after()),
        (None, None)
    );
}

prop_compose! {
    /// A short window within a long one; whole and fractional events.
    fn windows()(
        parts in (0_u32..400, 0_u32..400, 0_u32..400, 0_u32..400),
        unit in prop_oneof![Just(1.0), Just(0.5), Just(0.3)],
    ) -> ((f64, f64), (f64, f64)) {
        let (bad, good, older_bad, older_good) = parts;
        let short = (f64::from(bad) * unit, f64::from(bad + good) * unit);
        let long = (
            short.0 + f64::from(older_bad) * unit,
            short.1 + f64::from(older_bad + older_good) * unit,
        );
        (long, short)
    }
}

proptest! {
    #[test]
    fn the_number_that_fires_is_the_least(
        (long, short) in windows(),
        budget_fraction in 0.0005..0.15_f64,
        minimum_events in 0.0..20.0_f64,
        recovering in prop_oneof![Just(1.0), Just(0.9)],
        usual in prop_oneof![Just(None), (1.0..2000.0_f64).prop_map(Some)],
    ) {
        let tier = tier(budget_fraction, minimum_events);
        let mut scales = scales(&tier, recovering, long, short);
        scales.long.usual = usual;
        scales.short.usual = usual.map(|usual| usual / 12.0);
        let worse = |more: u64| {
            let more = more as f64;
            burns(&scales, (long.0 + more, long.1), (short.0 + more, short.1))
        };
        let all = (long.1 - long.0).ceil() as u64;
        let slow = (0..=all).find(|more| worse(*more));
        prop_assert_eq!(scales.bad_to_fire(), slow);
    }

    #[test]
    fn the_number_that_ends_it_is_the_least(
        (long, short) in windows(),
        budget_fraction in 0.002..0.12_f64,
    ) {
        let tier = tier(budget_fraction, 5.0);
        let scales = scales(&tier, 0.9, long, short);
        let better = |more: u64| {
            let more = more as f64;
            burns(&scales, (long.0, long.1 + more), (short.0, short.1 + more))
        };
        match scales.good_to_end() {
            Some(end) => {
                prop_assert!(end > 0 && !better(end) && better(end - 1), "{}", end);
            }
            None => prop_assert!(!better(0)),
        }
    }

    #[test]
    fn thresholds_of_the_budget_are_crossed_by_the_least_number(
        bad in 0.0..500.0_f64,
        allowed in 0.1..1000.0_f64,
        share in 0.01..1.5_f64,
    ) {
        let allowance = crate::engine::Allowance { bad: bad.round(), allowed };
        let more = allowance.bad_until(share);
        let crossed = |more: u64| (allowance.bad + more as f64) / allowed >= share;
        prop_assert!(crossed(more) && (more == 0 || !crossed(more - 1)), "{}", more);
    }
}
